/** The server itself: where it listens, how it closes, whom it turns away, and that nothing of it is left afterwards. */

import { getEventListeners } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { connectInMemory } from '../../src/net/memory-transport.js';
import { UsageError } from '../../src/protocol/errors.js';
import { SMTPChannel } from '../../src/server/channel.js';
import type { ReceivedMessage } from '../../src/server/received-message.js';
import type { SMTPServerOptions } from '../../src/server/server-options.js';
import { SMTPServer } from '../../src/server/server.js';
import { ManualClock } from '../support/manual-clock.js';
import { RawClient } from '../support/raw-client.js';
import {
  codes,
  eventsOf,
  FakeTransport,
  greetedClient,
  Held,
  KeepingServer,
  openCount,
  rejection,
  sendMessage,
  startContent,
  turns,
  until,
} from './support.js';

const SHUTTING_DOWN = { code: 421, lines: ['4.3.2 Service is shutting down, closing connection'] };
const MAIL = 'MAIL FROM:<a@a.example>\r\n';
const RCPT = 'RCPT TO:<b@b.example>\r\n';
const SOCKETS = ['TCPServerWrap', 'TCPSocketWrap', 'TCPWRAP', 'PipeServerWrap'];

let directory = '';

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'smtpd-'));
});

afterEach(async () => {
  await rm(directory, { recursive: true });
});

/** A port of 127.0.0.1 that somebody listens on. */
async function takePort(): Promise<{ readonly port: number; readonly free: () => Promise<void> }> {
  const holder: Server = createServer();
  await new Promise<void>((resolve) => {
    holder.listen(0, '127.0.0.1', resolve);
  });
  return {
    port: (holder.address() as AddressInfo).port,
    free: () =>
      new Promise((resolve) => {
        holder.close(() => {
          resolve();
        });
      }),
  };
}

function timedServer(options: SMTPServerOptions = {}): { server: KeepingServer; clock: ManualClock } {
  const clock = new ManualClock();
  return { server: new KeepingServer({ clock, ...options }), clock };
}

/** Whether a promise has settled by now. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let isDone = false;
  const note = (): void => {
    isDone = true;
  };
  promise.then(note, note);
  await turns();
  return isDone;
}

/** What `listen()` rejects with when `close()` overtakes it. */
const CLOSED_MEANWHILE = {
  code: 'SMTPD_ALREADY_LISTENING',
  message: 'close() was called while listen() was under way',
};

describe('listen()', () => {
  it('says where the server listens: every address, and the port of the first TCP one', async () => {
    const path = join(directory, 'smtp.sock');
    await using server = new KeepingServer({ localAddress: [path, '127.0.0.1:0', { host: '127.0.0.1', port: 0 }] });
    const told = eventsOf(server, 'listening');
    expect([server.addresses, server.port]).toEqual([[], 0]);
    const addresses = await server.listen();
    expect(addresses).toEqual([
      { address: path, port: 0, family: 'unix' },
      { address: '127.0.0.1', port: expect.any(Number) as number, family: 'IPv4' },
      { address: '127.0.0.1', port: expect.any(Number) as number, family: 'IPv4' },
    ]);
    const [, first, second] = addresses;
    expect(first!.port).not.toBe(second!.port);
    expect(server.addresses).toBe(addresses);
    expect(server.port).toBe(first!.port);
    expect(told).toEqual([{ addresses }]);
    for (const where of [path, first!.port, second!.port]) {
      const client = await RawClient.connect(where);
      expect((await client.reply()).code).toBe(220);
      client.destroy();
    }
    await server.close();
    expect([server.addresses, server.port]).toEqual([[], 0]);
  });

  it('has port 0 where no address is a TCP one', async () => {
    await using server = new KeepingServer({ localAddress: join(directory, 'smtp.sock') });
    await server.listen();
    expect(server.port).toBe(0);
    expect(server.addresses).toHaveLength(1);
  });

  it('may be called once: not while it opens, not while it listens, not after close()', async () => {
    const server = new KeepingServer();
    const first = server.listen();
    const refusal = {
      name: 'UsageError',
      code: 'SMTPD_ALREADY_LISTENING',
      message: 'listen() may be called once; make a new server to listen again',
    };
    expect(await rejection(server.listen())).toMatchObject(refusal);
    await first;
    expect(await rejection(server.listen())).toMatchObject(refusal);
    await server.close();
    expect(await rejection(server.listen())).toMatchObject(refusal);
  });

  it('opens all of the addresses or none, and may be called again after it failed', async () => {
    const taken = await takePort();
    await using server = new KeepingServer({ localAddress: ['127.0.0.1:0', `127.0.0.1:${String(taken.port)}`] });
    const told = eventsOf(server, 'listening');
    const before = openCount(...SOCKETS);
    expect(await rejection(server.listen())).toMatchObject({ code: 'SMTPD_LISTEN_FAILED' });
    await until(() => openCount(...SOCKETS) === before);
    expect([server.addresses, server.port, told]).toEqual([[], 0, []]);
    await taken.free();
    expect(await server.listen()).toHaveLength(2);
    expect(told).toHaveLength(1);
  });

  it('that fails says what failed, what to do, and keeps the cause', async () => {
    const taken = await takePort();
    const socket = join(directory, 'taken.sock');
    await using keeper = new KeepingServer({ localAddress: socket });
    await keeper.listen();
    const longName = `${'x'.repeat(64)}.invalid`;
    const cases: readonly [NonNullable<SMTPServerOptions['localAddress']>, string, string][] = [
      [
        `127.0.0.1:${String(taken.port)}`,
        'EADDRINUSE',
        `127.0.0.1:${String(taken.port)} is in use; stop what listens there or choose another port`,
      ],
      [socket, 'EADDRINUSE', `${socket} is in use; stop what listens there or choose another path`],
      ['192.0.2.1:0', 'EADDRNOTAVAIL', '192.0.2.1:0 is no address of this machine'],
      ['[2001:db8::1]:0', 'EADDRNOTAVAIL', '[2001:db8::1]:0 is no address of this machine'],
      // A label this long is refused before anybody is asked.
      [`${longName}:0`, 'ENOTFOUND', `The host name does not resolve: getaddrinfo ENOTFOUND ${longName}`],
      [
        join(directory, 'missing', 'smtp.sock'),
        'EACCES',
        `${join(directory, 'missing', 'smtp.sock')} cannot be made; its folder must exist and be writable`,
      ],
      [
        { fd: 1_000_000 },
        'EINVAL',
        'Cannot listen on fd:1000000 (listen EINVAL: invalid argument); ' +
          'it must be a bound socket that whoever starts this process hands over to it',
      ],
    ];
    for (const [localAddress, code, message] of cases) {
      const server = new KeepingServer({ localAddress });
      const error = await rejection(server.listen());
      expect(error).toBeInstanceOf(UsageError);
      expect(error).toMatchObject({ code: 'SMTPD_LISTEN_FAILED', message, cause: { code } });
      await server.close();
    }
    await taken.free();
  });

  it('that is under way when close() is called is given up, and its addresses are let go', async () => {
    const server = new KeepingServer({ localAddress: 'localhost:0' });
    const listenings = eventsOf(server, 'listening');
    const closes = eventsOf(server, 'close');
    const before = openCount(...SOCKETS);
    const listening = rejection(server.listen());
    await server.close();
    expect(await listening).toMatchObject(CLOSED_MEANWHILE);
    await until(() => openCount(...SOCKETS) === before);
    expect([listenings, closes.length, server.addresses]).toEqual([[], 1, []]);
  });

  it('that still reads its certificate when close() is called opens nothing any more', async () => {
    const server = new KeepingServer({ tls: { mode: 'offer' } });
    const before = openCount(...SOCKETS);
    const listening = rejection(server.listen());
    await server.close();
    expect(await listening).toMatchObject(CLOSED_MEANWHILE);
    expect(openCount(...SOCKETS)).toBe(before);
  });

  it('that fails while close() waits for it tells its own caller why, and close() nothing', async () => {
    const taken = await takePort();
    const server = new KeepingServer({ localAddress: `127.0.0.1:${String(taken.port)}` });
    const listening = rejection(server.listen());
    await server.close();
    expect(await listening).toMatchObject({ code: 'SMTPD_LISTEN_FAILED' });
    expect(await rejection(server.listen())).toMatchObject({ code: 'SMTPD_ALREADY_LISTENING' });
    await taken.free();
  });
});

describe('close()', () => {
  it('waits for a connection, too, whose channel closes the server while it is made', async () => {
    const told: string[] = [];
    class ClosingChannel extends SMTPChannel {
      constructor(...[options]: ConstructorParameters<typeof SMTPChannel>) {
        super(options);
        void server.close().then(() => told.push('closed'));
      }
    }
    class ClosingServer extends KeepingServer {
      static override readonly channelClass = ClosingChannel;
    }
    const server = new ClosingServer();
    server.on('disconnect', () => told.push('disconnect'));
    await server.listen();
    const client = await RawClient.connect(server.port);
    expect(await client.closed()).toHaveLength(2);
    await until(() => told.length === 2);
    expect(told).toEqual(['disconnect', 'closed']);
  });

  it('of a server that never listened ends its clients, and it never listens', async () => {
    const { server, clock } = timedServer();
    const client = await greetedClient(server);
    await server.close();
    expect(await client.closed()).toEqual([SHUTTING_DOWN]);
    expect(await rejection(server.listen())).toMatchObject({ code: 'SMTPD_ALREADY_LISTENING' });
    expect(clock.timerCount).toBe(0);
  });

  it('lets idle clients hear 421 at once, whether they have said EHLO or nothing', async () => {
    const { server, clock } = timedServer();
    await server.listen();
    const ends = eventsOf(server, 'disconnect');
    const silent = await RawClient.connect(server.port);
    await silent.reply();
    const greeted = await RawClient.connect(server.port);
    await greeted.reply();
    await greeted.command('EHLO c.example');
    const { port } = server;
    await server.close();
    expect(await silent.closed()).toEqual([SHUTTING_DOWN]);
    expect(await greeted.closed()).toEqual([SHUTTING_DOWN]);
    expect(ends.map(({ reason }) => reason)).toEqual(['serverClosing', 'serverClosing']);
    expect(clock.timerCount).toBe(0);
    expect(await rejection(RawClient.connect(port))).toMatchObject({ code: 'ECONNREFUSED' });
  });

  it('lets a client that was refused at connect hear 421 at once', async () => {
    const { server } = timedServer();
    server.use({ name: 'no', connect: () => '554 5.7.1 No' });
    const client = RawClient.inMemory(server);
    await client.reply();
    await server.close();
    expect(codes(await client.closed())).toEqual([421]);
  });

  it.each<[string, string, readonly number[], string, readonly number[]]>([
    ['in a transaction', MAIL, [250], `${RCPT}DATA\r\nHi\r\n.\r\n`, [250, 354, 250, 421]],
    ['in the middle of the content', `${MAIL}${RCPT}DATA\r\nHal`, [250, 250, 354], 'f\r\n.\r\n', [250, 421]],
    ['in the middle of a command', 'NO', [], 'OP\r\n', [250, 421]],
    ['in a transaction that it gives up', MAIL, [250], 'RSET\r\n', [250, 421]],
    ['in a transaction that it leaves', MAIL, [250], 'QUIT\r\n', [221]],
    ['that pipelined', MAIL, [250], 'RSET\r\nNOOP\r\nVRFY x\r\n', [250, 250, 252, 421]],
  ])('lets a client %s finish, and then it hears 421', async (_, begun, before, rest, after) => {
    const { server, clock } = timedServer();
    const client = await greetedClient(server);
    client.send(begun);
    expect(codes(await client.replies(before.length))).toEqual(before);
    const closing = server.close();
    expect(await isSettled(closing)).toBe(false);
    expect([client.unread, client.isClosed]).toEqual(['', false]);
    client.send(rest);
    await closing;
    expect(codes(await client.closed())).toEqual(after);
    expect(server.messages).toHaveLength(rest.includes('\r\n.\r\n') ? 1 : 0);
    expect(clock.timerCount).toBe(0);
  });

  it('waits for the decision about a message that came whole', async () => {
    const held = new Held<string>();
    class SlowServer extends KeepingServer {
      override processMessage(message: ReceivedMessage): void {
        super.processMessage(message);
        return held.promise as never;
      }
    }
    const server = new SlowServer();
    const client = await greetedClient(server);
    await startContent(client);
    client.send('Hello\r\n.\r\n');
    await turns();
    const closing = server.close();
    expect(await isSettled(closing)).toBe(false);
    held.answer('250 2.0.0 Just in time');
    await closing;
    expect(await client.closed()).toEqual([{ code: 250, lines: ['2.0.0 Just in time'] }, SHUTTING_DOWN]);
  });

  it('may be called from processMessage: the message gets its reply first', async () => {
    let closing: Promise<void> = Promise.resolve();
    class LastServer extends KeepingServer {
      override processMessage(message: ReceivedMessage): void {
        super.processMessage(message);
        closing = this.close();
      }
    }
    const server = new LastServer();
    const client = await greetedClient(server);
    await startContent(client);
    client.send('Hello\r\n.\r\n');
    expect(codes(await client.closed())).toEqual([250, 421]);
    await closing;
  });

  it.each<[string, number | undefined, number]>([
    ['graceMs', 3_000, 3_000],
    ['10,000 ms where nothing else is said', undefined, 10_000],
  ])(
    'cuts what is under way off after %s: 421, and the signals of its hooks are aborted',
    async (_, given, graceMs) => {
      const { server, clock } = timedServer();
      const signals: AbortSignal[] = [];
      server.use({
        name: 'keeper',
        mail: ({ signal }) => {
          signals.push(signal);
          return new Promise(() => undefined);
        },
      });
      const client = await greetedClient(server);
      client.send('MAIL FROM:<a@a.example>\r\n');
      await turns();
      const closing = server.close(given === undefined ? {} : { graceMs: given });
      await turns();
      clock.advance(graceMs - 1);
      expect(await isSettled(closing)).toBe(false);
      expect([client.unread, signals[0]!.aborted]).toEqual(['', false]);
      clock.advance(1);
      expect(signals[0]!.aborted).toBe(true);
      expect(signals[0]!.reason).toMatchObject({ code: 'SMTPD_CLIENT_GONE' });
      expect(await client.closed()).toEqual([SHUTTING_DOWN]);
      await closing;
      expect(clock.timerCount).toBe(0);
    },
  );

  it('does not wait for a client that hears 421 and keeps its side open', async () => {
    const { server, clock } = timedServer();
    const { client, server: transport } = connectInMemory();
    let heard = '';
    client.start({
      onBytes: (bytes) => {
        heard += Buffer.from(bytes).toString();
      },
      onEnd: () => undefined,
      onDrain: () => undefined,
      onClose: () => undefined,
    });
    server.accept(transport);
    await turns();
    const closing = server.close({ graceMs: 1_000 });
    expect(await isSettled(closing)).toBe(false);
    expect(heard).toContain('421');
    clock.advance(1_000);
    expect(await isSettled(closing)).toBe(false);
    // What it has to read it gets a moment to read; then the connection is cut.
    clock.advance(100);
    await closing;
    expect(clock.timerCount).toBe(0);
    expect(heard.match(/421/g)).toHaveLength(1);
  });

  it('cuts at once when its signal is aborted already', async () => {
    const { server, clock } = timedServer();
    const client = await greetedClient(server);
    await startContent(client);
    client.send('Half');
    await turns();
    await server.close({ signal: AbortSignal.abort() });
    expect(await client.closed()).toEqual([SHUTTING_DOWN]);
    expect(server.messages).toEqual([]);
    expect(clock.timerCount).toBe(0);
  });

  it('cuts when its signal is aborted on the way, and leaves no listener on it', async () => {
    const { server, clock } = timedServer();
    const client = await greetedClient(server);
    await startContent(client);
    const controller = new AbortController();
    const closing = server.close({ signal: controller.signal });
    expect(await isSettled(closing)).toBe(false);
    controller.abort();
    expect(await client.closed()).toEqual([SHUTTING_DOWN]);
    await closing;
    expect(getEventListeners(controller.signal, 'abort')).toEqual([]);
    const unused = new AbortController();
    await server.close({ signal: unused.signal });
    expect(getEventListeners(unused.signal, 'abort')).toEqual([]);
    expect(clock.timerCount).toBe(0);
  });

  it.each<[string, (server: SMTPServer, clock: ManualClock) => Promise<void>]>([
    [
      'a shorter grace',
      async (server, clock) => {
        const again = server.close({ graceMs: 500 });
        clock.advance(500);
        return again;
      },
    ],
    ['a signal', async (server) => server.close({ signal: AbortSignal.abort() })],
  ])('called again waits for the first call, and may shorten it by %s', async (_, closeAgain) => {
    const { server, clock } = timedServer();
    const closes = eventsOf(server, 'close');
    const client = await greetedClient(server);
    await startContent(client);
    const first = server.close({ graceMs: 60_000 });
    expect(await isSettled(first)).toBe(false);
    const second = closeAgain(server, clock);
    expect(await client.closed()).toEqual([SHUTTING_DOWN]);
    await Promise.all([first, second]);
    await server.close();
    expect(closes).toHaveLength(1);
    expect(clock.timerCount).toBe(0);
  });

  it('called again with a longer grace lengthens nothing', async () => {
    const { server, clock } = timedServer();
    const client = await greetedClient(server);
    await startContent(client);
    const first = server.close({ graceMs: 1_000 });
    const second = server.close({ graceMs: 60_000 });
    clock.advance(1_000);
    await client.closed();
    await Promise.all([first, second]);
    expect(clock.timerCount).toBe(0);
  });

  it('is what `await using` does at the end of its block', async () => {
    const { server, clock } = timedServer();
    let client: RawClient;
    {
      await using inbox = server;
      await inbox.listen();
      client = await RawClient.connect(inbox.port);
      await client.reply();
    }
    expect(await client.closed()).toEqual([SHUTTING_DOWN]);
    expect(server.addresses).toEqual([]);
    expect(clock.timerCount).toBe(0);
  });

  it('leaves nothing of the process open: no timers, no sockets, with clients in every state', async () => {
    const before = openCount(...SOCKETS);
    const timersBefore = openCount('Timeout');
    const server = new KeepingServer({ limits: { sessionsMax: 4 } });
    await server.listen();
    const clients: RawClient[] = [];
    for (const lines of [
      [],
      ['MAIL FROM:<a@a.example>'],
      ['MAIL FROM:<a@a.example>', 'RCPT TO:<b@b.example>', 'DATA'],
    ]) {
      const client = await RawClient.connect(server.port);
      await client.reply();
      await client.command('EHLO c.example');
      for (const line of lines) await client.command(line);
      clients.push(client);
    }
    const leaving = await RawClient.connect(server.port);
    await leaving.reply();
    const turnedAway = await RawClient.connect(server.port);
    expect((await turnedAway.closed()).map(({ code }) => code)).toEqual([421]);
    leaving.destroy();
    await server.close({ signal: AbortSignal.abort() });
    for (const client of clients) await client.closed();
    await until(() => openCount(...SOCKETS) === before);
    await until(() => openCount('Timeout') <= timersBefore);
    expect(server.channels.size).toBe(0);
  });
});

describe('a program without types that comes from node:net', () => {
  it('is told that listen() takes nothing, and does not listen elsewhere', async () => {
    const server = new SMTPServer({ localAddress: '127.0.0.1:0' });
    const listen = server.listen.bind(server) as (...given: unknown[]) => Promise<unknown>;
    await expect(listen(2525, '127.0.0.1', () => undefined)).rejects.toThrow(
      "listen() takes nothing, and returns a promise: say where to the constructor, as localAddress: 'HOST:PORT'",
    );
    expect(server.addresses).toEqual([]);
    await server.listen();
    await server.close();
  });

  it('is told that close() calls nothing back, and goes on', async () => {
    await using server = new SMTPServer({ localAddress: '127.0.0.1:0' });
    await server.listen();
    const close = server.close.bind(server) as (given: unknown) => Promise<unknown>;
    await expect(close(() => undefined)).rejects.toThrow('close() calls nothing back');
    expect(server.addresses).toHaveLength(1);
  });
});

describe('a client that is turned away', () => {
  it('after close() hears 421 and nothing else, and is no session', async () => {
    const { server, clock } = timedServer();
    const connects = eventsOf(server, 'connect');
    await server.close();
    const client = RawClient.inMemory(server);
    expect(await client.closed()).toEqual([SHUTTING_DOWN]);
    expect([connects, server.channels.size, clock.timerCount]).toEqual([[], 0, 0]);
  });

  it('while the server closes hears 421, too', async () => {
    const { server } = timedServer();
    const busy = await greetedClient(server);
    await startContent(busy);
    const closing = server.close();
    expect(await RawClient.inMemory(server).closed()).toEqual([SHUTTING_DOWN]);
    busy.send('.\r\n');
    await closing;
    expect(codes(await busy.closed())).toEqual([250, 421]);
  });

  it('is not listened to, and keeps nobody waiting: close() cuts it', async () => {
    const { server } = timedServer({ limits: { sessionsMax: 1 } });
    const served = await greetedClient(server);
    const lingering = new FakeTransport();
    server.accept(lingering);
    lingering.send('EHLO c.example\r\nQUIT\r\n');
    expect(lingering.actions).toEqual(['421 4.3.2 Error: too many connections, try again later\r\n', 'end']);
    await server.close();
    expect(lingering.actions.slice(2)).toEqual(['destroy']);
    await served.closed();
  });

  it('is not even told when a thousand others linger', () => {
    const { server } = timedServer({ limits: { sessionsMax: 1 } });
    server.accept(new FakeTransport());
    const away = Array.from({ length: 1_001 }, () => new FakeTransport());
    for (const transport of away) server.accept(transport);
    expect(away[999]!.actions).toEqual([expect.stringMatching(/^421/), 'end']);
    expect(away[1_000]!.actions).toEqual(['destroy']);
    // One that has gone makes room for the courtesy again.
    away[0]!.close();
    const next = new FakeTransport();
    server.accept(next);
    expect(next.actions).toEqual([expect.stringMatching(/^421/), 'end']);
  });
});

describe('channels', () => {
  it('shared by two servers hold the sessions of both, and are counted together for sessionsMax', async () => {
    const channels = new Set<unknown>();
    const limits = { sessionsMax: 2 };
    const one = new KeepingServer({ channels, limits });
    const two = new KeepingServer({ channels, limits });
    expect([one.channels, two.channels]).toEqual([channels, channels]);
    const first = await greetedClient(one);
    const second = await greetedClient(two);
    expect([...channels].map((channel) => (channel as SMTPChannel).smtpServer)).toEqual([one, two]);
    for (const server of [one, two]) expect(codes(await RawClient.inMemory(server).closed())).toEqual([421]);
    await one.close();
    expect(codes(await first.closed())).toEqual([421]);
    expect((await second.command('NOOP')).code).toBe(250);
    expect([...channels].map((channel) => (channel as SMTPChannel).smtpServer)).toEqual([two]);
    const third = await greetedClient(two);
    await two.close();
    await Promise.all([second.closed(), third.closed()]);
    expect(channels.size).toBe(0);
  });

  it('are those of one server alone unless they are shared', async () => {
    const one = new KeepingServer({ limits: { sessionsMax: 1 } });
    const two = new KeepingServer({ limits: { sessionsMax: 1 } });
    await greetedClient(one);
    await greetedClient(two);
    expect([one.channels.size, two.channels.size]).toEqual([1, 1]);
    await Promise.all([one.close(), two.close()]);
  });
});

describe('a channel class that throws in its constructor', () => {
  class FailingServer extends KeepingServer {
    static override channelClass = class extends SMTPChannel {
      constructor(options: ConstructorParameters<typeof SMTPChannel>[0]) {
        super(options);
        throw new Error('no channel today');
      }
    };
  }

  it('loses that one connection: the fault is told and logged, nothing is counted, the server goes on', async () => {
    const clock = new ManualClock();
    await using server = new FailingServer({ clock, countLoopback: true, limits: { sessionsPerAddressMax: 1 } });
    const faults = eventsOf(server, 'fault');
    await server.listen();
    for (let count = 1; count <= 2; count += 1) {
      const client = await RawClient.connect(server.port);
      expect(await client.closed()).toEqual([]);
      await until(() => faults.length === count);
    }
    expect(faults).toEqual([
      { error: expect.objectContaining({ message: 'no channel today' }) as Error },
      { error: expect.objectContaining({ message: 'no channel today' }) as Error },
    ]);
    expect(server.log.lines.map(({ level, message }) => [level, message])).toEqual(
      Array.from({ length: 2 }, () => ['error', 'A channel could not be made; the connection is closed']),
    );
    expect([server.channels.size, clock.timerCount]).toEqual([0, 0]);
  });

  it('is told to whoever brought the connection', () => {
    const server = new FailingServer();
    expect(() => {
      server.accept(new FakeTransport());
    }).toThrow('no channel today');
    expect(server.channels.size).toBe(0);
  });
});

describe('remoteAddress', () => {
  it('is kept as it was given, for subclasses and their channels', async () => {
    const remoteAddress = { host: 'smarthost.example', port: 25 };
    const server = new KeepingServer({ remoteAddress });
    expect(server.remoteAddress).toBe(remoteAddress);
    await greetedClient(server);
    const [channel] = server.channels as Set<SMTPChannel>;
    expect(channel!.smtpServer.remoteAddress).toBe(remoteAddress);
    expect(new SMTPServer().remoteAddress).toBeUndefined();
    await server.close();
  });
});

it('messages of several clients at a time are each handed over once, whole', async () => {
  await using server = new KeepingServer();
  await server.listen();
  const sent = Array.from({ length: 20 }, (_, index) => `${String(index).repeat(100)}\r\n`);
  const replies = await Promise.all(
    sent.map(async (content) => {
      const client = await RawClient.connect(server.port);
      await client.reply();
      await client.command('EHLO c.example');
      const { code } = await sendMessage(client, content);
      await client.command('QUIT');
      return code;
    }),
  );
  expect(new Set(replies)).toEqual(new Set([250]));
  const taken = server.messages.map(({ data }) => Buffer.from(data).toString());
  expect(taken.sort()).toEqual([...sent].sort());
});
