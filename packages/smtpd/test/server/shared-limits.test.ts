/** Limits that hold across workers, with real processes: the built package in `workers-program.mjs`. */

import { fork, spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

import type { SMTPServerOptions } from '../../src/server/server-options.js';
import { RawClient, type WireReply } from '../support/raw-client.js';

const PROGRAM = fileURLToPath(new URL('workers-program.mjs', import.meta.url));

/** A primary process and its two workers. */
class Workers {
  readonly pids: number[] = [];
  port = 0;
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lines: AsyncIterator<string>;

  constructor(options: SMTPServerOptions, primary = 'count') {
    this.#child = spawn(process.execPath, [PROGRAM, JSON.stringify(options), primary], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#lines = createInterface(this.#child.stdout)[Symbol.asyncIterator]();
  }

  static async start(options: SMTPServerOptions, primary?: string): Promise<Workers> {
    const workers = new Workers(options, primary);
    for (let count = 0; count < 2; count += 1) await workers.started();
    return workers;
  }

  /** Waits for a worker that listens. */
  async started(): Promise<void> {
    this.pids.push(Number((await this.says(/^worker (\d+)$/))[1]));
    this.port = Number((await this.says(/^listening (\d+)$/))[1]);
  }

  /** The next line, which has to be this. */
  async says(pattern: RegExp): Promise<RegExpExecArray> {
    const line = String(((await this.#lines.next()) as IteratorResult<string, undefined>).value);
    const found = pattern.exec(line);
    if (found === null) throw new Error(`${line} is not ${String(pattern)}`);
    return found;
  }

  /** Connects. @returns the greeting, and the process that it came from */
  async connect(): Promise<{ client: RawClient; greeting: WireReply; pid: number }> {
    const client = await RawClient.connect(this.port);
    const greeting = await client.reply();
    return { client, greeting, pid: Number(/\d+$/.exec(greeting.lines[0] ?? '')?.[0]) };
  }

  /** Ends them all in good order. */
  async close(): Promise<number | null> {
    this.#child.stdin.end();
    const ended = once(this.#child, 'exit');
    if (this.#child.exitCode === null) await ended;
    return this.#child.exitCode;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null) return;
    // Workers end by themselves when the channel to their primary process breaks.
    this.#child.kill('SIGKILL');
    await once(this.#child, 'exit');
  }
}

describe('limits across workers', () => {
  it('sessionsPerAddressMax counts the sessions of all', async () => {
    await using workers = await Workers.start({ countLoopback: true, limits: { sessionsPerAddressMax: 3 } });
    const held = [await workers.connect(), await workers.connect(), await workers.connect()];
    expect(held.map(({ greeting }) => greeting.code)).toEqual([220, 220, 220]);
    expect(new Set(held.map(({ pid }) => pid))).toEqual(new Set(workers.pids));
    const { greeting, client } = await workers.connect();
    expect(greeting).toEqual({ code: 421, lines: [expect.stringContaining('4.7.0')] });
    expect(await client.closed()).toEqual([]);
    // Whoever leaves makes room, whichever worker is asked next.
    await held[0]!.client.command('QUIT');
    await held[0]!.client.closed();
    for (;;) {
      const next = await workers.connect();
      if (next.greeting.code === 220) break;
      expect(next.greeting.code).toBe(421);
    }
    expect(await workers.close()).toBe(0);
  });

  it('sessionsPerAddressMax counts whom XCLIENT named, in whichever worker, until it has gone', async () => {
    await using workers = await Workers.start({ xclient: 'loopback', limits: { sessionsPerAddressMax: 2 } });
    const named = async (): Promise<{ client: RawClient; code: number; pid: number }> => {
      const { client, pid } = await workers.connect();
      return { client, pid, code: (await client.command('XCLIENT ADDR=203.0.113.9')).code };
    };
    const held = [await named(), await named(), await named()];
    expect(held.map(({ code }) => code)).toEqual([220, 220, 421]);
    expect(new Set(held.map(({ pid }) => pid))).toEqual(new Set(workers.pids));
    for (const { client } of held) client.destroy();
    for (let open = 0; open < 2;) {
      const { client, code } = await named();
      if (code === 220) open += 1;
      else client.destroy();
    }
    expect(await workers.close()).toBe(0);
  });

  it('sessionsMax counts clients of this machine, too', async () => {
    await using workers = await Workers.start({ limits: { sessionsMax: 2, sessionsPerAddressMax: 1 } });
    const codes: number[] = [];
    for (let count = 0; count < 3; count += 1) codes.push((await workers.connect()).greeting.code);
    expect(codes).toEqual([220, 220, 421]);
  });

  it('sessionsMax counts those of this machine that nobody was asked about', async () => {
    await using workers = await Workers.start({ limits: { sessionsMax: 32 }, proxyProtocol: 'loopback' });
    const greeting = async (header: string): Promise<number> => {
      const client = await RawClient.connect(workers.port);
      client.send(header);
      return (await client.reply()).code;
    };
    const codes: number[] = [];
    // PROXY UNKNOWN is from whoever connects: this machine.
    for (let count = 0; count < 32; count += 1) codes.push(await greeting('PROXY UNKNOWN\r\n'));
    expect(new Set(codes)).toEqual(new Set([220]));
    expect(await greeting('PROXY TCP4 203.0.113.9 192.0.2.1 1025 25\r\n')).toBe(421);
  });

  it('connectionsPerMinuteMax counts the connections of all', async () => {
    await using workers = await Workers.start({ countLoopback: true, limits: { connectionsPerMinuteMax: 3 } });
    const codes: number[] = [];
    for (let count = 0; count < 4; count += 1) {
      const { client, greeting } = await workers.connect();
      codes.push(greeting.code);
      client.destroy();
    }
    expect(codes).toEqual([220, 220, 220, 421]);
  });

  it('authFailuresPerAddressMax counts the guesses of all', async () => {
    await using workers = await Workers.start({
      auth: { mode: 'offer', plaintext: 'always', mechanisms: ['PLAIN'] },
      limits: { authFailuresPerAddressMax: 2, authFailureDelayMs: 1 },
    });
    const guess = async ({ client }: { client: RawClient }): Promise<number> => {
      await client.command('EHLO a.example');
      return (await client.command(`AUTH PLAIN ${Buffer.from('\0alice\0wrong').toString('base64')}`)).code;
    };
    const [first, second] = [await workers.connect(), await workers.connect()];
    expect(new Set([first.pid, second.pid]).size).toBe(2);
    expect([await guess(first), await guess(second), await guess(first), await guess(second)]).toEqual([
      535, 535, 454, 454,
    ]);
  });

  it('what a worker held is given back when it is killed, and the sessions of the other go on', async () => {
    await using workers = await Workers.start({ countLoopback: true, limits: { sessionsPerAddressMax: 2 } });
    const [one, other] = [await workers.connect(), await workers.connect()];
    expect(one.pid).not.toBe(other.pid);
    expect((await workers.connect()).greeting.code).toBe(421);
    process.kill(other.pid, 'SIGKILL');
    expect(await other.client.closed()).toEqual([]);
    expect((await workers.says(/^ended (\d+)$/))[1]).toBe(String(other.pid));
    await workers.started();
    expect((await one.client.command('NOOP')).code).toBe(250);
    // One place is free, and no more.
    expect([(await workers.connect()).greeting.code, (await workers.connect()).greeting.code]).toEqual([220, 421]);
  });
});

describe('users that do not exist', () => {
  it('have the same salt with every worker, as those do that exist', async () => {
    await using workers = await Workers.start({
      auth: { mode: 'offer', plaintext: 'always', mechanisms: ['SCRAM-SHA-256'] },
    });
    const saltOf = async (user: string): Promise<{ pid: number; salt: string | undefined }> => {
      const { client, pid } = await workers.connect();
      await client.command('EHLO a.example');
      const first = Buffer.from(`n,,n=${user},r=abcdefghijklmnop`).toString('base64');
      const { lines } = await client.command(`AUTH SCRAM-SHA-256 ${first}`);
      client.destroy();
      return { pid, salt: /,s=([^,]+),/.exec(Buffer.from(lines[0] ?? '', 'base64').toString())?.[1] };
    };
    const [one, other] = [await saltOf('nobody'), await saltOf('nobody')];
    expect(one.pid).not.toBe(other.pid);
    expect(one.salt).toMatch(/^\S{8,}$/);
    expect(other.salt).toBe(one.salt);
  });
});

describe('a worker whose primary process', () => {
  it('keeps no counts does not listen, and says what is missing', async () => {
    await using workers = new Workers({}, 'answer');
    for (let count = 0; count < 2; count += 1) {
      await workers.says(/^worker/);
      // SMTPD_BAD_OPTION.
      await workers.says(/^exit 3$/);
    }
    expect(await workers.close()).toBe(0);
  });

  it('does not answer closes all the same, and tells those who wait', async () => {
    await using workers = await Workers.start({ limits: { sessionsMax: 1 } }, 'join');
    const client = await RawClient.connect(workers.port);
    await workers.says(/^asked admit$/);
    expect(client.unread).toBe('');
    const code = workers.close();
    expect(await client.closed()).toMatchObject([{ code: 421 }]);
    expect(await code).toBe(0);
  });
});

describe('a worker that is closed while it waits for its primary process', () => {
  it('listens no more, and ends', async () => {
    const child = fork(PROGRAM, ['{}', 'closed']);
    child.send('close');
    const said: unknown[] = [];
    child.on('message', (message) => said.push(message));
    expect(await once(child, 'exit')).toEqual([0, null]);
    expect(said).toEqual([expect.objectContaining({ smtpd: 'limits' }), 'SMTPD_ALREADY_LISTENING']);
  });
});

describe('sharedLimits in a process that is nobody’s worker', () => {
  it('is refused', async () => {
    const program = `
      import { SMTPServer } from ${JSON.stringify(new URL('../../dist/index.js', import.meta.url).href)};
      try { new SMTPServer({ sharedLimits: 'mail' }); } catch (error) { console.log(error.code); }`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
    expect(line).toBe('SMTPD_BAD_OPTION');
  });
});

describe('the program of docs/workers.md', () => {
  it('serves with two processes, and ends when it is told to', async () => {
    const page = readFileSync(new URL('../../../../docs/workers.md', import.meta.url), 'utf8');
    const program = (/^```js\n(.*?)^```$/ms.exec(page)?.[1] ?? '').replace('localhost:2525', '127.0.0.1:0');
    // Inside the checkout, where `smtpd` is found.
    const file = fileURLToPath(
      new URL(`../../../../node_modules/.cache/workers-page-${String(process.pid)}.mjs`, import.meta.url),
    );
    writeFileSync(file, program);
    const child = spawn(process.execPath, [file], { stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      const lines = createInterface(child.stdout)[Symbol.asyncIterator]() as AsyncIterator<string, undefined>;
      const said = [await lines.next(), await lines.next()].map(({ value }) => /^(\d+) .* (\d+)$/.exec(value ?? ''));
      expect(new Set(said.map((words) => words?.[1])).size).toBe(2);
      expect(new Set(said.map((words) => words?.[2])).size).toBe(1);
      const client = await RawClient.connect(Number(said[0]?.[2]));
      expect((await client.reply()).code).toBe(220);
      child.kill('SIGTERM');
      expect(await client.closed()).toMatchObject([{ code: 421 }]);
      expect(await once(child, 'exit')).toEqual([0, null]);
    } finally {
      child.kill('SIGKILL');
      rmSync(file);
    }
  });
});
