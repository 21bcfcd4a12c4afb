/**
 * Large mail through a proxy into a server that reads slowly: the client waits, and the proxy holds next to nothing. The proxy is a process
 * of its own; what it holds after a garbage collection is compared with what it held before, when it had already passed such a message on.
 */

import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

import { Attacker } from '../attacks/support.js';
import { until } from '../server/support.js';
import { SlowUpstream } from './slow-upstream.js';

describe.each([
  ['DATA', ['PIPELINING', '8BITMIME', 'SIZE']],
  ['BDAT', ['PIPELINING', '8BITMIME', 'SIZE', 'CHUNKING']],
] as const)('32 MiB through a slow server with %s', (verb, offered) => {
  it('is held by nobody on the way: less than 4 MiB a session', async () => {
    await using upstream = await SlowUpstream.start(offered);
    await using proxy = await ProxyProcess.start(upstream.port);
    upstream.isSlow = false;
    await sendLarge(await startLarge(proxy.port, verb), verb);
    upstream.isSlow = true;
    upstream.takenBytes = 0;
    const before = await proxy.memory();

    const clients = await Promise.all(Array.from({ length: SESSIONS }, () => startLarge(proxy.port, verb)));
    const sent = clients.map((client) => sendLarge(client, verb));
    await until(() => upstream.busyCount === SESSIONS);
    const highest = { residentBytes: 0, heldBytes: 0 };
    const look = async (): Promise<void> => {
      const memory = await proxy.memory();
      for (const name of ['residentBytes', 'heldBytes'] as const) {
        highest[name] = Math.max(highest[name], memory[name] - before[name]);
      }
    };
    await everythingStands(clients, look);
    // It is the clients that have the mail: what is on the way is in the buffers of the system.
    for (const { unsentBytes } of clients) expect(unsentBytes).toBeGreaterThan(12 * MiB);
    while (upstream.messages < SESSIONS + 1) {
      upstream.allow(MiB);
      await until(() => upstream.isStanding);
      await look();
    }
    await Promise.all(sent);
    expect(upstream.messages).toBe(SESSIONS + 1);
    expect(upstream.takenBytes).toBeGreaterThan(SESSIONS * MESSAGE_BYTES);
    if (process.env['SHOW_MEMORY'] !== undefined) process.stdout.write(`${verb}: ${JSON.stringify(highest)}\n`);
    expect(highest.heldBytes / SESSIONS).toBeLessThan(4 * MiB);
    expect(highest.residentBytes / SESSIONS).toBeLessThan(4 * MiB);
  }, 120_000);
});

/** Opens a transaction. */
async function startLarge(port: number, verb: 'DATA' | 'BDAT'): Promise<Attacker> {
  const client = await Attacker.connect({ port });
  const envelope = ['EHLO c', 'MAIL FROM:<a@a.example>', 'RCPT TO:<b@b.example>'];
  expect(await client.commands(...envelope)).toEqual([250, 250, 250]);
  if (verb === 'DATA') expect((await client.command('DATA')).code).toBe(354);
  return client;
}

/** Sends a message of 32 MiB, in 32 chunks where it is chunks, as fast as it is taken. */
async function sendLarge(client: Attacker, verb: 'DATA' | 'BDAT'): Promise<void> {
  const count = MESSAGE_BYTES / PIECE.length;
  for (let index = 0; index < count; index += 1) {
    if (verb === 'BDAT') client.push(`BDAT ${String(PIECE.length)}${index === count - 1 ? ' LAST' : ''}\r\n`);
    client.push(PIECE);
  }
  if (verb === 'DATA') client.push('.\r\n');
  const codes = await client.codes(verb === 'DATA' ? 1 : count);
  expect(new Set(codes)).toEqual(new Set([250]));
  client.destroy();
}

/** Waits until no client gets rid of anything any more. */
async function everythingStands(clients: readonly Attacker[], look: () => Promise<void>): Promise<void> {
  const unsent = (): number => clients.reduce((sum, { unsentBytes }) => sum + unsentBytes, 0);
  for (let last = -1, same = 0; same < 10;) {
    await look();
    same = unsent() === last ? same + 1 : 0;
    last = unsent();
  }
}

interface Memory {
  readonly residentBytes: number;
  readonly heldBytes: number;
}

/** A proxy in a child process. */
class ProxyProcess implements AsyncDisposable {
  readonly port: number;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.port = port;
  }

  static async start(upstreamPort: number): Promise<ProxyProcess> {
    const options = {
      localAddress: '127.0.0.1:0',
      remoteAddress: `127.0.0.1:${String(upstreamPort)}`,
      dataSizeLimit: 64 * MiB,
    };
    const child = fork(SCRIPT, [JSON.stringify(options)], { execArgv: ['--expose-gc'] });
    const [{ port }] = (await once(child, 'message')) as [{ port: number }];
    return new ProxyProcess(child, port);
  }

  async memory(): Promise<Memory> {
    const answer = once(this.#child, 'message');
    this.#child.send('memory');
    return ((await answer) as [Memory])[0];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await ended;
  }
}

const SCRIPT = fileURLToPath(new URL('proxy-process.mjs', import.meta.url));
const MiB = 2 ** 20;
const MESSAGE_BYTES = 32 * MiB;
const PIECE = Buffer.from(`${'x'.repeat(62)}\r\n`.repeat(MiB / 64));
const SESSIONS = 6;
