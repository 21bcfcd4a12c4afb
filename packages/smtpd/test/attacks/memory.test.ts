/**
 * Memory: what a client can make a server hold has a bound, whatever it sends and whatever it does not read. The server is a process of
 * its own; its highest resident memory (`VmHWM`, from the kernel) is compared with what it had before the attack. `docs/security.md`
 * has the bounds and what was measured.
 */

import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';

import type { Limits } from '../../src/protocol/limits.js';
import type { SMTPServerOptions } from '../../src/server/server-options.js';
import { Attacker } from './support.js';

const MiB = 2 ** 20;
const measured: string[] = [];

beforeEach((context) => {
  // Elsewhere nobody keeps the highest value, and one that is looked for now and then proves nothing.
  if (!existsSync('/proc/self/status')) context.skip('There is no /proc on this system');
});

afterAll(() => {
  // For docs/security.md: `SHOW_MEMORY=1 npx vitest run packages/smtpd/test/attacks/memory.test.ts`.
  if (process.env['SHOW_MEMORY'] !== undefined) process.stdout.write(`${measured.join('\n')}\n`);
});

interface Received {
  readonly messages: number;
  readonly octets: number;
  readonly recipients: number;
  readonly sessions: number;
}

interface AttackedOptions extends Pick<SMTPServerOptions, 'dataSizeLimit' | 'lineEndings'> {
  readonly limits?: Partial<Limits>;
  /** `slow`: messages wait until {@link AttackedServer.release}. `slowStream`: so do those that are streamed. */
  readonly behaviour?: 'slow' | 'slowStream';
}

/** A server in a child process. */
class AttackedServer implements AsyncDisposable {
  readonly port: number;
  readonly #child: ChildProcess;
  readonly #takesMessages: boolean;
  #baselineBytes = 0;

  private constructor(child: ChildProcess, port: number, takesMessages: boolean) {
    this.#child = child;
    this.port = port;
    this.#takesMessages = takesMessages;
  }

  static async start(options: AttackedOptions = {}): Promise<AttackedServer> {
    const child = fork(SCRIPT, [JSON.stringify(options)], { execArgv: YOUNG_GENERATION });
    const [{ port }] = (await once(child, 'message')) as [{ port: number }];
    const server = new AttackedServer(child, port, options.behaviour === undefined);
    // What a first session loads is no part of an attack.
    await server.serve();
    server.#baselineBytes = server.#highWaterBytes();
    return server;
  }

  /** Asserts that another client is served. */
  async serve(): Promise<void> {
    await using client = await Attacker.connect(this);
    const envelope = ['EHLO clean.example', 'MAIL FROM:<clean@a.example>', 'RCPT TO:<clean@b.example>'];
    expect(await client.commands(...envelope)).toEqual([250, 250, 250]);
    if (this.#takesMessages) expect(await client.commands('DATA', 'Clean\r\n.')).toEqual([354, 250]);
    expect((await client.command('QUIT')).code).toBe(221);
  }

  async received(): Promise<Received> {
    return this.#ask('report');
  }

  async release(): Promise<void> {
    await this.#ask('release');
  }

  /** Asserts that the server lives, serves, and has never had more than so much above what it had before. */
  async expectBound(name: string, boundBytes: number): Promise<void> {
    await this.serve();
    const grownBytes = this.#highWaterBytes() - this.#baselineBytes;
    measured.push(`${name}: ${String(Math.round(grownBytes / MiB))} MiB of ${String(boundBytes / MiB)}`);
    expect(this.#child.exitCode).toBeNull();
    expect(grownBytes).toBeLessThan(boundBytes);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await ended;
  }

  async #ask(message: string): Promise<Received> {
    const answer = once(this.#child, 'message');
    this.#child.send(message);
    return ((await answer) as [Received])[0];
  }

  #highWaterBytes(): number {
    const status = readFileSync(`/proc/${String(this.#child.pid)}/status`, 'latin1');
    return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)![1]) * 1024;
  }
}

describe('lines without an end', () => {
  it('of commands: the session is closed, and what came is not kept', async () => {
    await using server = await AttackedServer.start();
    for (let count = 0; count < 20; count += 1) {
      await using client = await Attacker.connect(server);
      client.push(FILLER);
      expect(await client.closed()).toEqual([421]);
    }
    await server.expectBound('command lines without an end, 20 times 4 MiB', 32 * MiB);
  });

  it.each(['x', '\r', '.', '\0'])('of content, of %j alone: no more than dataSizeLimit is kept', async (octet) => {
    await using server = await AttackedServer.start({ dataSizeLimit: MiB });
    await using client = await startContent(server);
    const filler = Buffer.alloc(4 * MiB, octet);
    for (let count = 0; count < 16; count += 1) await client.send(filler);
    await client.send('\r\n.\r\n');
    expect([550, 552]).toContain((await client.reply()).code);
    await server.expectBound(`content of 64 MiB without a line end, of ${JSON.stringify(octet)}`, 32 * MiB);
  });

  it('of AUTH and of nothing: many half lines cost what they are long', async () => {
    await using server = await AttackedServer.start();
    const clients = [];
    for (let count = 0; count < 200; count += 1) {
      const client = await Attacker.connect(server);
      clients.push(client);
      await client.send('x'.repeat(12_000));
    }
    await server.expectBound('200 sessions with half a line of 12,000 octets', 48 * MiB);
    for (const client of clients) client.destroy();
  });
});

describe('replies that nobody reads', () => {
  it('stop the reading', async () => {
    await using server = await AttackedServer.start({ limits: { idleCommandsMax: FOR_EVER } });
    const clients = [];
    for (let count = 0; count < 8; count += 1) {
      const client = await Attacker.connect(server);
      await client.command('EHLO client.example');
      client.pause();
      // 1.3 million replies of 180 octets, if they were all made.
      client.push('HELP\r\n'.repeat(170_000));
      clients.push(client);
    }
    for (let count = 0; count < 15; count += 1) await server.serve();
    await server.expectBound('8 clients that send 170,000 HELP each and read nothing', ARRAYS_DROPPED_MAX + 64 * MiB);
    for (const client of clients) client.destroy();
  });
});

describe('a million RSETs', () => {
  it('pass through, where they are allowed', async () => {
    await using server = await AttackedServer.start({ limits: { idleCommandsMax: FOR_EVER } });
    await using client = await CountingClient.connect(server);
    const group = 'RSET\r\n'.repeat(10_000);
    for (let count = 0; count < 100; count += 1) await client.send(group);
    await client.until('250 2.0.0 OK\r\n', 1_000_000);
    await server.expectBound('a million RSET', 48 * MiB);
  }, 60_000);

  it('are 1,000 by default', async () => {
    await using server = await AttackedServer.start();
    await using client = await Attacker.connect(server);
    client.push('RSET\r\n'.repeat(1_000_000));
    const codes = await client.closed();
    expect([codes.length, codes.at(-1)]).toEqual([1_001, 421]);
    await server.expectBound('a million RSET, of which 1,000 are answered', 32 * MiB);
  });
});

describe('recipients', () => {
  it('10,000 of one message, as long as they may be', async () => {
    await using server = await AttackedServer.start({ limits: { recipientsMax: 10_000 } });
    await using client = await CountingClient.connect(server);
    await client.send('EHLO client.example\r\nMAIL FROM:<a@a.example>\r\n');
    const address = (number: number): string =>
      `${String(number).padStart(6, 'u')}${'x'.repeat(200)}@${'b.'.repeat(100)}example`;
    for (let from = 0; from < 10_000; from += 100) {
      await client.send(Array.from({ length: 100 }, (_, index) => `RCPT TO:<${address(from + index)}>\r\n`).join(''));
    }
    await client.until('250 2.1.5', 10_000);
    await client.send('DATA\r\n');
    await client.until('354 ', 1);
    await client.send('Hi\r\n.\r\n');
    await client.until('250 2.0.0', 1);
    expect((await server.received()).recipients).toBe(10_001);
    await server.expectBound('10,000 recipients of 400 octets each', 64 * MiB);
  });

  it('100,000 of them, of which 1,000 are taken', async () => {
    await using server = await AttackedServer.start();
    await using client = await CountingClient.connect(server);
    await client.send('EHLO client.example\r\nMAIL FROM:<a@a.example>\r\n');
    const group = 'RCPT TO:<b@b.example>\r\n'.repeat(1_000);
    for (let count = 0; count < 100; count += 1) await client.send(group);
    await client.until('452 4.5.3', 99_000);
    await server.expectBound('100,000 RCPT', 48 * MiB);
  }, 60_000);
});

describe('sizes that are lies', () => {
  it('SIZE promises much: nothing is set aside for it', async () => {
    await using server = await AttackedServer.start();
    const clients = [];
    for (let count = 0; count < 200; count += 1) {
      const client = await Attacker.connect(server);
      clients.push(client);
      await client.commands('EHLO c', 'MAIL FROM:<a@a.example> SIZE=33554432', 'RCPT TO:<b@b.example>', 'DATA');
      await client.send('x');
    }
    await server.expectBound('200 sessions that promise 32 MiB and send one octet', 48 * MiB);
    for (const client of clients) client.destroy();
  });

  it('SIZE promises little: the limit holds for what comes', async () => {
    await using server = await AttackedServer.start({ dataSizeLimit: MiB });
    await using client = await startContent(server, 'SIZE=10');
    for (let count = 0; count < 16; count += 1) await client.send(LINES);
    await client.send('.\r\n');
    expect((await client.reply()).code).toBe(552);
    await server.expectBound('64 MiB of content where 1 MiB may come', 32 * MiB);
  });

  it('BDAT promises as much as can be counted', async () => {
    await using server = await AttackedServer.start({ dataSizeLimit: MiB });
    await using client = await Attacker.connect(server);
    await client.commands('EHLO c', 'MAIL FROM:<a@a.example>', 'RCPT TO:<b@b.example>');
    await client.send('BDAT 9007199254740991 LAST\r\n');
    for (let count = 0; count < 16; count += 1) await client.send(LINES);
    await using refused = await Attacker.connect(server);
    await refused.send('EHLO c\r\nBDAT 9007199254740991\r\n');
    for (let count = 0; count < 16; count += 1) await refused.send(LINES);
    await server.expectBound('two BDAT of 2 ** 53 - 1 octets, 64 MiB of each sent', 32 * MiB);
  });

  it('BDAT in chunks of one octet, and of none', async () => {
    await using server = await AttackedServer.start();
    await using client = await CountingClient.connect(server);
    await client.send('EHLO c\r\nMAIL FROM:<a@a.example>\r\nRCPT TO:<b@b.example>\r\n');
    const group = 'BDAT 1\r\nxBDAT 0\r\n'.repeat(5_000);
    for (let count = 0; count < 10; count += 1) await client.send(group);
    await client.until('octets received\r\n', 100_000);
    await client.send('BDAT 0 LAST\r\n');
    await client.until('250 2.0.0 OK', 1);
    expect((await server.received()).octets).toBe(CLEAN_OCTETS + 50_000);
    await server.expectBound('100,000 chunks of one octet or none', 96 * MiB);
  }, 60_000);
});

describe('sessions', () => {
  it('2,000 that are idle', async () => {
    await using server = await AttackedServer.start();
    const clients = [];
    for (let count = 0; count < 2_000; count += 1) {
      const client = await Attacker.connect(server);
      clients.push(client);
      await client.command('EHLO client.example');
    }
    expect((await server.received()).sessions).toBe(2_000);
    await server.expectBound('2,000 idle sessions', 64 * MiB);
    for (const client of clients) client.destroy();
  }, 60_000);

  it('1,000 that come and go', async () => {
    await using server = await AttackedServer.start();
    for (let count = 0; count < 20; count += 1) {
      const group = await Promise.all(Array.from({ length: 50 }, () => Attacker.connectUngreeted(server)));
      for (const client of group) client.destroy();
    }
    await server.expectBound('1,000 connections that are cut at once', 64 * MiB);
  }, 60_000);
});

describe('an application that is slower than the sender', () => {
  it('with streamMessage: the sender waits', async () => {
    await using server = await AttackedServer.start({ behaviour: 'slowStream', dataSizeLimit: 256 * MiB });
    await using client = await startContent(server);
    for (let count = 0; count < 32; count += 1) client.push(LINES);
    client.push('.\r\n');
    for (let count = 0; count < 30; count += 1) await server.serve();
    // Most of it is still with the sender.
    expect(client.unsentBytes).toBeGreaterThan(64 * MiB);
    await server.expectBound('128 MiB to an application that reads nothing for a while', 32 * MiB);
    await server.release();
    expect((await client.reply()).code).toBe(250);
    expect((await server.received()).octets).toBe(32 * LINES.length);
    await server.expectBound('the same, when all of it has been read', ARRAYS_DROPPED_MAX + 48 * MiB);
  }, 60_000);

  it('with processMessage: what comes behind the message is not read', async () => {
    await using server = await AttackedServer.start({ behaviour: 'slow', limits: { idleCommandsMax: FOR_EVER } });
    await using client = await startContent(server);
    client.push(`Hi\r\n.\r\n${'NOOP\r\n'.repeat(5_000_000)}`);
    for (let count = 0; count < 30; count += 1) await server.serve();
    expect(client.unsentBytes).toBeGreaterThan(16 * MiB);
    await server.expectBound('28 MiB of commands behind a message that is not decided', 32 * MiB);
  }, 60_000);
});

/** Goes as far as the 354. */
async function startContent(server: AttackedServer, parameters = ''): Promise<Attacker> {
  const client = await Attacker.connect(server);
  const mail = `MAIL FROM:<a@a.example> ${parameters}`.trimEnd();
  expect(await client.commands('EHLO c', mail, 'RCPT TO:<b@b.example>', 'DATA')).toEqual([250, 250, 250, 354]);
  return client;
}

/** A client that only counts what it is told: a million replies are too many to look at each. */
class CountingClient implements AsyncDisposable {
  readonly #socket: Socket;
  #received = '';
  #from = 0;
  #wake: () => void = () => undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => {
      this.#received += text;
      this.#wake();
    });
  }

  static async connect({ port }: { readonly port: number }): Promise<CountingClient> {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    return new CountingClient(socket);
  }

  async send(text: string): Promise<void> {
    await new Promise((resolve) => this.#socket.write(text, 'latin1', resolve));
  }

  /** Waits until this text has come so many times more. */
  async until(text: string, times: number): Promise<void> {
    for (let count = 0; count < times;) {
      const at = this.#received.indexOf(text, this.#from);
      if (at === -1) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      } else {
        count += 1;
        this.#from = at + text.length;
      }
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#socket.destroy();
    return Promise.resolve();
  }
}

const SCRIPT = fileURLToPath(new URL('attacked-server.mjs', import.meta.url));
/** Garbage that has not been collected counts as well, and each Node lets another amount of it come together. */
const YOUNG_GENERATION = ['--max-semi-space-size=4'];
/** Arrays that were written or read, and dropped, are garbage, too: V8 collects it after 32 MiB, and from Node 24 on after 64. */
const ARRAYS_DROPPED_MAX = 64 * MiB;
const FOR_EVER = Number.MAX_SAFE_INTEGER;
const FILLER = Buffer.alloc(4 * MiB, 'x');
const LINES = Buffer.from(`${'x'.repeat(62)}\r\n`.repeat(65_536));
/** Of the message by which a server shows that it serves. */
const CLEAN_OCTETS = 'Clean\r\n'.length;
