/** Every limit of a server, met once: what the client hears, what happens, and which limit the event names. */

import { describe, expect, it } from 'vitest';

import { connectInMemory } from '../../src/net/memory-transport.js';
import { DEFAULT_LIMITS, type Limits } from '../../src/protocol/limits.js';
import { ManualClock } from '../support/manual-clock.js';
import { RawClient } from '../support/raw-client.js';
import {
  codes,
  eventsOf,
  FakeTransport,
  greetedClient,
  KeepingServer,
  limitsOf,
  sendMessage,
  startContent,
  turns,
  until,
} from './support.js';

/** The limits that the tests of this directory meet. `verdict-deadline`, `stream-message`, `read-line`, `tls` and `proxy-protocol` have the others. */
const MET_HERE: (keyof Limits)[] = [
  'commandLengthBytesMax',
  'discardedLineBytesMax',
  'idleCommandsMax',
  'errorsMax',
  'refusalsMax',
  'recipientsMax',
  'messagesMax',
  'sessionsMax',
  'sessionsPerAddressMax',
  'sessionAgeMs',
  'commandWaitMs',
  'contentWaitMs',
  'contentRateMin',
  'contentRateGraceMs',
  'unreadRepliesBytesMax',
  'unreadRepliesWaitMs',
  'authFailuresMax',
  'authFailuresPerAddressMax',
  'authFailuresWindowMs',
  'authFailureDelayMs',
  'contentLineBytesMax',
  'connectionsPerMinuteMax',
  'sessionBytesMax',
];
const MET_ELSEWHERE: (keyof Limits)[] = [
  'continuationLengthBytesMax',
  'verdictWaitMs',
  'messageVerdictWaitMs',
  'handshakeWaitMs',
  'proxyHeaderWaitMs',
];

it('each limit that there is has its test', () => {
  expect([...MET_HERE, ...MET_ELSEWHERE].sort()).toEqual(Object.keys(DEFAULT_LIMITS).sort());
});

function limitedServer(limits: Partial<Limits>): {
  server: KeepingServer;
  met: string[];
  clock: ManualClock;
  ends: string[];
} {
  const clock = new ManualClock();
  const server = new KeepingServer({ limits, clock });
  const ends: string[] = [];
  server.on('disconnect', ({ reason }) => void ends.push(reason));
  return { server, met: limitsOf(server), clock, ends };
}

describe('counted limits', () => {
  it('commandLengthBytesMax: 500, the line is dropped, the session goes on', async () => {
    const { server, met } = limitedServer({ commandLengthBytesMax: 512 });
    const client = await greetedClient(server);
    expect((await client.command(`NOOP ${'x'.repeat(507)}`)).code).toBe(250);
    expect((await client.command(`NOOP ${'x'.repeat(508)}`)).code).toBe(500);
    expect(met).toEqual(['commandLengthBytesMax']);
    expect((await client.command('NOOP')).code).toBe(250);
  });

  it('discardedLineBytesMax: a line that never ends closes the session', async () => {
    const { server, met, ends } = limitedServer({ discardedLineBytesMax: 10_000 });
    const client = await greetedClient(server);
    for (let sent = 0; sent < 40 && !client.isClosed; sent += 1) {
      client.send('x'.repeat(1_000));
      await turns(1);
    }
    expect(codes(await client.closed())).toEqual([421]);
    expect(met).toContain('discardedLineBytesMax');
    await turns();
    expect(ends).toEqual(['limit']);
  });

  it('idleCommandsMax: counted since the last message', async () => {
    const { server, met, ends } = limitedServer({ idleCommandsMax: 5 });
    const client = await greetedClient(server);
    for (const line of ['NOOP', 'RSET', 'HELP', 'VRFY x']) await client.command(line);
    expect((await sendMessage(client)).code).toBe(250);
    for (let count = 0; count < 5; count += 1) expect((await client.command('NOOP')).code).toBe(250);
    client.send('NOOP\r\n');
    expect(codes(await client.closed())).toEqual([421]);
    expect(met).toEqual(['idleCommandsMax']);
    await turns();
    expect(ends).toEqual(['limit']);
  });

  it('errorsMax: the next one closes', async () => {
    const { server, met, ends } = limitedServer({ errorsMax: 3 });
    const client = await greetedClient(server);
    client.send('BOGUS\r\nMAIL\r\nRCPT TO:<b@b.example>\r\n\r\nNOOP\r\n');
    expect(codes(await client.closed())).toEqual([500, 501, 503, 421]);
    expect(met).toEqual(['errorsMax']);
    await turns();
    expect(ends).toEqual(['limit']);
  });

  it.each([() => '550 5.1.1 No', async () => '550 5.1.1 No'])('refusalsMax: harvesting ends', async (rcpt) => {
    const { server, met, ends } = limitedServer({ refusalsMax: 3 });
    server.use({ name: 'directory', rcpt });
    const client = await greetedClient(server);
    client.send('MAIL FROM:<a@a.example>\r\n');
    for (let count = 0; count < 10; count += 1) client.send(`RCPT TO:<user${String(count)}@b.example>\r\n`);
    expect(codes(await client.closed())).toEqual([250, 550, 550, 550, 421]);
    expect(met).toEqual(['refusalsMax']);
    await turns();
    expect(ends).toEqual(['limit']);
  });

  it('errorsMax and refusalsMax: counted since the last message', async () => {
    const { server, met } = limitedServer({ errorsMax: 2, refusalsMax: 2 });
    server.use({ name: 'directory', rcpt: ({ address }) => (address.startsWith('no') ? '550 5.1.1 No' : undefined) });
    const client = await greetedClient(server);
    const code = async (line: string): Promise<number> => (await client.command(line)).code;
    for (let count = 0; count < 3; count += 1) {
      expect([await code('BOGUS'), await code('BOGUS')]).toEqual([500, 500]);
      await client.command('MAIL FROM:<a@a.example>');
      expect([await code('RCPT TO:<no@b.example>'), await code('RCPT TO:<no@b.example>')]).toEqual([550, 550]);
      await client.command('RSET');
      expect((await sendMessage(client)).code).toBe(250);
    }
    expect(met).toEqual([]);
  });

  it('a hook that closes with 421 is no limit', async () => {
    const { server, met, ends } = limitedServer({});
    server.use({ name: 'away', mail: () => '421 4.7.0 Go away' });
    const client = await greetedClient(server);
    client.send('MAIL FROM:<a@a.example>\r\n');
    await client.closed();
    await turns();
    expect([met, ends]).toEqual([[], ['refused']]);
  });

  it('a limit that was met on the way is not what ends the session', async () => {
    const { server, met, ends } = limitedServer({});
    server.use({ name: 'away', mail: () => '421 4.7.0 Go away' });
    const refused = await greetedClient(server);
    refused.send(`NOOP ${'x'.repeat(508)}\r\nMAIL FROM:<a@a.example>\r\n`);
    expect(codes(await refused.closed())).toEqual([500, 421]);
    await turns();
    expect([met.splice(0), ends.splice(0)]).toEqual([['commandLengthBytesMax'], ['refused']]);

    server.use({ name: 'slow', helo: () => new Promise((resolve) => setImmediate(resolve)) });
    const leaving = await greetedClient(server);
    leaving.send(`HELO c\r\nNOOP ${'x'.repeat(508)}\r\n`);
    leaving.end();
    expect(codes(await leaving.closed())).toEqual([250, 500]);
    await turns();
    expect([met, ends]).toEqual([['commandLengthBytesMax'], ['clientGone']]);
  });

  it('recipientsMax: 10,000 RCPT, 1,000 of them taken, each further one 452, and the message goes to those', async () => {
    const { server, met } = limitedServer({});
    const client = await greetedClient(server);
    await client.command('MAIL FROM:<a@a.example>');
    for (let count = 0; count < 10_000; count += 100) {
      let group = '';
      for (let each = count; each < count + 100; each += 1) group += `RCPT TO:<user${String(each)}@b.example>\r\n`;
      client.send(group);
      await turns(1);
    }
    expect(new Set(codes(await client.replies(1_000)))).toEqual(new Set([250]));
    for (const reply of await client.replies(9_000)) {
      expect(reply).toEqual({
        code: 452,
        lines: ['4.5.3 Error: too many recipients, send the rest in another message'],
      });
    }
    // RFC 5321 §4.5.3.1.10: the client sends the rest in another message; those that were accepted are not lost to it.
    await client.command('DATA');
    client.send('Hello\r\n.\r\n');
    expect((await client.reply()).code).toBe(250);
    expect(server.messages.map(({ rcptTos }) => rcptTos.length)).toEqual([1_000]);
    expect(new Set(met)).toEqual(new Set(['recipientsMax']));
  });

  it('recipientsMax: 10,000 recipients in one message, where that many are allowed', async () => {
    const { server, met } = limitedServer({ recipientsMax: 10_000 });
    const client = await greetedClient(server);
    client.send('MAIL FROM:<a@a.example>\r\n');
    for (let count = 0; count < 10_000; count += 1) client.send(`RCPT TO:<user${String(count)}@b.example>\r\n`);
    client.send('DATA\r\n');
    expect(new Set(codes(await client.replies(10_002)))).toEqual(new Set([250, 354]));
    client.send('Hi\r\n.\r\n');
    expect((await client.reply()).code).toBe(250);
    expect(server.messages[0]!.rcptTos).toHaveLength(10_000);
    expect(met).toEqual([]);
  });

  it('recipientsMax: holds in a batch as well', async () => {
    const { server, met } = limitedServer({ recipientsMax: 2 });
    server.use({ name: 'batch', rcptBatch: async (requests) => requests.map(() => undefined) });
    const client = await greetedClient(server);
    client.send('MAIL FROM:<a@a.example>\r\n');
    for (let count = 0; count < 4; count += 1) client.send(`RCPT TO:<user${String(count)}@b.example>\r\n`);
    expect(codes(await client.replies(5))).toEqual([250, 250, 250, 452, 452]);
    expect(met).toEqual(['recipientsMax', 'recipientsMax']);
  });

  it('messagesMax: closes before the next MAIL', async () => {
    const { server, met, ends } = limitedServer({ messagesMax: 2 });
    const client = await greetedClient(server);
    await sendMessage(client);
    await sendMessage(client);
    client.send('MAIL FROM:<a@a.example>\r\n');
    expect(codes(await client.closed())).toEqual([421]);
    expect(met).toEqual(['messagesMax']);
    await turns();
    expect(ends).toEqual(['limit']);
  });
});

describe('limits on sessions', () => {
  it('sessionsMax: 421 instead of a greeting, then the connection closes; a place that is free again is given', async () => {
    const { server, met } = limitedServer({ sessionsMax: 2 });
    const first = await greetedClient(server);
    await greetedClient(server);
    const third = RawClient.inMemory(server);
    expect(await third.closed()).toEqual([
      { code: 421, lines: ['4.3.2 Error: too many connections, try again later'] },
    ]);
    expect(met).toEqual(['sessionsMax']);
    first.destroy();
    await turns();
    const fourth = RawClient.inMemory(server);
    expect((await fourth.reply()).code).toBe(220);
  });

  it('sessionsPerAddressMax: clients of this machine count only with countLoopback', async () => {
    for (const countLoopback of [true, false]) {
      await using server = new KeepingServer({ countLoopback, limits: { sessionsPerAddressMax: 2 } });
      const limits = eventsOf(server, 'limit');
      await server.listen();
      const clients = [];
      for (let count = 0; count < 3; count += 1) {
        const client = await RawClient.connect(server.port);
        clients.push((await client.reply()).code);
      }
      expect(clients).toEqual(countLoopback ? [220, 220, 421] : [220, 220, 220]);
      expect(limits.map(({ limit, session }) => [limit, session])).toEqual(
        countLoopback ? [['sessionsPerAddressMax', undefined]] : [],
      );
    }
  });

  it.each<[string, string, 'IPv4' | 'IPv6', boolean]>([
    ['192.0.2.1', '192.0.2.1', 'IPv4', true],
    ['192.0.2.1', '192.0.2.2', 'IPv4', false],
    ['2001:db8:1:2::1', '2001:db8:1:2:ffff::9', 'IPv6', true],
    ['2001:db8:1:2::1', '2001:db8:1:3::1', 'IPv6', false],
    ['2001:db8::1', '2001:db8:0:0:9::', 'IPv6', true],
    ['2001:db8::1', '2001:db8:0:1::', 'IPv6', false],
    ['::2', '::3', 'IPv6', true],
    ['fe80::1%eth0', 'fe80::2', 'IPv6', true],
  ])(
    'sessionsPerAddressMax: %s and %s are counted together (an IPv6 network of /64 is one): %s, %s',
    (one, other, family, isSame) => {
      const { server } = limitedServer({ sessionsPerAddressMax: 1 });
      const first = new FakeTransport(one, family);
      server.accept(first);
      const second = new FakeTransport(other, family);
      server.accept(second);
      expect(second.writes[0]!.slice(0, 3)).toBe(isSame ? '421' : '220');
      first.close();
      const third = new FakeTransport(one, family);
      server.accept(third);
      expect(third.writes[0]!.slice(0, 3)).toBe('220');
    },
  );

  it('sessionAgeMs: an idle session ends at that age', async () => {
    const { server, met, clock, ends } = limitedServer({ sessionAgeMs: 10_000 });
    const client = await greetedClient(server);
    clock.advance(9_999);
    await turns();
    expect(client.isClosed).toBe(false);
    clock.advance(1);
    expect(await client.closed()).toEqual([
      { code: 421, lines: ['4.4.2 Error: session has lasted too long, please connect again'] },
    ]);
    expect(met).toEqual(['sessionAgeMs']);
    await turns();
    expect(ends).toEqual(['limit']);
    expect(clock.timerCount).toBe(0);
  });

  it('sessionAgeMs: a message on its way is finished first', async () => {
    const { server, met, clock } = limitedServer({ sessionAgeMs: 10_000 });
    const client = await greetedClient(server);
    await startContent(client);
    clock.advance(20_000);
    client.send('Hi\r\n.\r\n');
    expect(codes(await client.closed())).toEqual([250, 421]);
    expect(met).toEqual(['sessionAgeMs']);
  });

  it('sessionAgeMs: a command that was begun may be finished, and is answered', async () => {
    const { server, met, clock } = limitedServer({ sessionAgeMs: 10_000, commandWaitMs: 60_000 });
    const client = await greetedClient(server);
    clock.advance(9_000);
    client.send('NO');
    await turns();
    clock.advance(5_000);
    await turns();
    expect(client.isClosed).toBe(false);
    client.send('OP\r\n');
    expect(codes(await client.closed())).toEqual([250, 421]);
    expect(met).toEqual(['sessionAgeMs']);
  });
});

describe('waits', () => {
  it('commandWaitMs: counted from the last reply, not moved by octets that complete nothing', async () => {
    const { server, met, clock, ends } = limitedServer({ commandWaitMs: 1_000 });
    const client = await greetedClient(server);
    clock.advance(999);
    await client.command('NOOP');
    clock.advance(600);
    client.send('NO');
    await turns();
    clock.advance(399);
    await turns();
    expect(client.isClosed).toBe(false);
    clock.advance(1);
    expect(await client.closed()).toEqual([
      { code: 421, lines: ['4.4.2 Error: timeout exceeded, closing connection'] },
    ]);
    expect(met).toEqual(['commandWaitMs']);
    await turns();
    expect(ends).toEqual(['timedOut']);
  });

  it('commandWaitMs: holds for a client that never says anything', async () => {
    const { server, met, clock } = limitedServer({ commandWaitMs: 1_000 });
    const client = RawClient.inMemory(server);
    await client.reply();
    clock.advance(1_000);
    expect(codes(await client.closed())).toEqual([421]);
    expect(met).toEqual(['commandWaitMs']);
  });

  it('contentWaitMs: counted from the last octets', async () => {
    const { server, met, clock, ends } = limitedServer({ contentWaitMs: 1_000 });
    const client = await greetedClient(server);
    await startContent(client);
    for (let count = 0; count < 5; count += 1) {
      clock.advance(999);
      client.send('x');
      await turns(1);
    }
    clock.advance(1_000);
    expect(codes(await client.closed())).toEqual([421]);
    expect(met).toEqual(['contentWaitMs']);
    await turns();
    expect([server.messages, ends]).toEqual([[], ['timedOut']]);
  });

  it('contentRateMin: a message that drips in is ended, after contentRateGraceMs', async () => {
    const { server, met, clock, ends } = limitedServer({
      contentRateMin: 100,
      contentRateGraceMs: 10_000,
      contentWaitMs: 60_000,
    });
    const client = await greetedClient(server);
    await startContent(client);
    for (let count = 0; count < 9; count += 1) {
      clock.advance(1_000);
      client.send('x');
      await turns(1);
      expect(client.isClosed).toBe(false);
    }
    clock.advance(1_000);
    client.send('x');
    expect(await client.closed()).toEqual([
      { code: 421, lines: ['4.4.2 Error: message comes too slowly, closing connection'] },
    ]);
    expect(met).toEqual(['contentRateMin']);
    await turns();
    expect(ends).toEqual(['limit']);
  });

  it('contentRateMin: a message that is just fast enough is taken', async () => {
    const { server, met, clock } = limitedServer({ contentRateMin: 100, contentRateGraceMs: 1_000 });
    const client = await greetedClient(server);
    await startContent(client);
    for (let count = 0; count < 50; count += 1) {
      clock.advance(1_000);
      client.send(`${'x'.repeat(98)}\r\n`);
      await turns(1);
    }
    client.send('.\r\n');
    expect((await client.reply()).code).toBe(250);
    expect(met).toEqual([]);
  });
});

describe('a client that does not read its replies', () => {
  it('unreadRepliesBytesMax and unreadRepliesWaitMs: what we hold is bounded, then the connection is cut', async () => {
    const { server, met, clock, ends } = limitedServer({ unreadRepliesWaitMs: 5_000, commandWaitMs: 1_000 });
    const { client, server: transport } = connectInMemory();
    client.start({
      onBytes: () => undefined,
      onEnd: () => undefined,
      onDrain: () => undefined,
      onClose: () => undefined,
    });
    client.pause();
    server.accept(transport);
    client.write(Buffer.from('EHLO c\r\n'));
    // Each is answered with more octets than it has.
    for (let count = 0; count < 100; count += 1) {
      client.write(Buffer.from('VRFY x\r\n'.repeat(1_000)));
      await turns(1);
    }
    const held = transport.unsentBytes;
    expect(held).toBeGreaterThan(65_536);
    expect(held).toBeLessThan(2 * 65_536 + 1_000);
    // Nothing more is read either.
    expect(client.unsentBytes).toBeGreaterThan(400_000);
    clock.advance(4_999);
    await turns();
    expect(server.channels.size).toBe(1);
    clock.advance(1);
    await turns();
    expect(server.channels.size).toBe(0);
    expect(met).toEqual(['unreadRepliesWaitMs']);
    expect(ends).toEqual(['limit']);
    expect(clock.timerCount).toBe(0);
  });

  it('and goes on to read in time is served to the end', async () => {
    const { server, met, clock } = limitedServer({
      unreadRepliesWaitMs: 5_000,
      commandWaitMs: 1_000,
      idleCommandsMax: Infinity,
    });
    const transport = new FakeTransport();
    server.accept(transport);
    transport.isReading = false;
    const group = `${'VRFY x\r\n'.repeat(2_000)}QUIT\r\n`;
    transport.send(group);
    expect(transport.actions.at(-1)).toBe('pause');
    for (let pass = 0; pass < 10 && !transport.actions.includes('end'); pass += 1) {
      clock.advance(4_999);
      transport.drain();
      transport.isReading = false;
    }
    const replies = transport.writes.join('').split('\r\n').slice(0, -1);
    expect(replies).toHaveLength(1 + 2_000 + 1);
    expect(replies.at(-1)).toMatch(/^221/);
    expect(met).toEqual([]);
  });

  it('is not waited for when the transport never said that it was full', async () => {
    const { server, met, clock } = limitedServer({ unreadRepliesBytesMax: 100, unreadRepliesWaitMs: 1_000 });
    const client = await greetedClient(server);
    client.send('NOOP\r\n'.repeat(100));
    expect(new Set(codes(await client.replies(100)))).toEqual(new Set([250]));
    clock.advance(1_000);
    expect((await client.command('NOOP')).code).toBe(250);
    expect(met).toEqual([]);
  });

  it('over TCP: the server holds no more than its bound, and lets go', async () => {
    const { server, met, clock } = limitedServer({ unreadRepliesWaitMs: 5_000, idleCommandsMax: Infinity });
    await server.listen();
    const { connect } = await import('node:net');
    const socket = connect(server.port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.pause();
    await new Promise((resolve) => socket.once('connect', resolve));
    const channels = server.channels as Set<{ readonly conn: unknown }>;
    await until(() => channels.size === 1);
    const [channel] = channels;
    const unsent = (): number => (channel!.conn as { readonly writableLength: number }).writableLength;
    let isFull = false;
    socket.on('drain', () => {
      isFull = false;
    });
    const group = Buffer.from('VRFY x\r\n'.repeat(4_096));
    // Until the kernel's buffers in both directions are full and the server has stopped.
    for (let idle = 0; idle < 200;) {
      if (!isFull) isFull = !socket.write(group);
      await turns(1);
      idle = isFull ? idle + 1 : 0;
    }
    expect(unsent()).toBeGreaterThan(65_536);
    expect(unsent()).toBeLessThan(2 * 65_536 + 1_000);
    clock.advance(5_000);
    await until(() => channels.size === 0);
    expect(met).toEqual(['unreadRepliesWaitMs']);
    socket.destroy();
    await server.close();
  });
});

describe('guessing passwords', () => {
  const AUTH = { mode: 'offer', plaintext: 'always' } as const;
  const guess = (password: string): string =>
    `AUTH PLAIN ${Buffer.from(`\0alice\0${password}`, 'latin1').toString('base64')}`;

  function guessedServer(limits: Partial<Limits>): { server: KeepingServer; met: string[]; clock: ManualClock } {
    const clock = new ManualClock();
    const server = new KeepingServer({ limits, clock, auth: AUTH, countLoopback: true });
    server.use({
      name: 'users',
      auth: (request) => (request.kind === 'password' && request.password === 'right' ? { verified: true } : undefined),
    });
    return { server, met: limitsOf(server), clock };
  }

  /** Guesses, and lets the time pass by which the answer is held back. */
  async function guesses(client: RawClient, clock: ManualClock, heldMs: number): Promise<number> {
    client.send(`${guess('wrong')}\r\n`);
    await turns();
    clock.advance(heldMs - 1);
    await turns();
    expect(client.unread).toBe('');
    clock.advance(1);
    return (await client.reply()).code;
  }

  it('authFailureDelayMs: costs time, and more each time, up to eight times as much', async () => {
    const { server, clock } = guessedServer({ authFailureDelayMs: 100, authFailuresMax: 100 });
    const client = await greetedClient(server);
    for (const heldMs of [100, 200, 400, 800, 800]) expect(await guesses(client, clock, heldMs)).toBe(535);
    // The right one costs nothing.
    expect((await client.command(guess('right'))).code).toBe(235);
  });

  it('authFailureDelayMs: whoever leaves meanwhile leaves nothing behind', async () => {
    const { server, clock } = guessedServer({ authFailureDelayMs: 100 });
    const client = await greetedClient(server);
    client.send(`${guess('wrong')}\r\n`);
    await turns();
    client.destroy();
    await turns();
    expect(server.channels.size).toBe(0);
    expect(clock.timerCount).toBe(0);
  });

  it('authFailuresMax: the last one closes the session', async () => {
    const { server, met, clock } = guessedServer({ authFailureDelayMs: 1, authFailuresMax: 3 });
    const client = await greetedClient(server);
    expect(await guesses(client, clock, 1)).toBe(535);
    expect(await guesses(client, clock, 2)).toBe(535);
    expect(await guesses(client, clock, 4)).toBe(421);
    await client.closed();
    expect(met).toEqual(['authFailuresMax']);
  });

  it('authFailuresMax: what was malformed, cancelled or our own fault does not count', async () => {
    const { server } = guessedServer({ authFailuresMax: 1 });
    server.use({ name: 'broken', auth: () => Promise.reject(new Error('no database')) });
    const client = await greetedClient(server);
    expect((await client.command('AUTH PLAIN ***')).code).toBe(501);
    expect((await client.command('AUTH PLAIN')).code).toBe(334);
    expect((await client.command('*')).code).toBe(501);
    expect((await client.command(guess('wrong'))).code).toBe(454);
    expect((await client.command('NOOP')).code).toBe(250);
  });

  it('authFailuresPerAddressMax and authFailuresWindowMs: a new session is no new chance, until time has passed', async () => {
    const { server, met, clock } = guessedServer({
      authFailureDelayMs: 1,
      authFailuresPerAddressMax: 2,
      authFailuresWindowMs: 60_000,
    });
    for (const heldMs of [1, 2]) {
      const client = await greetedClient(server);
      expect(await guesses(client, clock, heldMs)).toBe(535);
      client.destroy();
      await turns();
    }
    const client = await greetedClient(server);
    expect(await client.command(guess('right'))).toEqual({
      code: 454,
      lines: ['4.7.0 Error: too many failed authentications, try again later'],
    });
    expect(met).toEqual(['authFailuresPerAddressMax']);
    clock.advance(120_000);
    expect((await client.command(guess('right'))).code).toBe(235);
  });
});

describe('octets and connections', () => {
  it('contentLineBytesMax: 500 after the end of data, and the session goes on', async () => {
    const { server, met } = limitedServer({ contentLineBytesMax: 1_000 });
    const client = await greetedClient(server);
    expect((await sendMessage(client, `${'x'.repeat(1_000)}\r\n`)).code).toBe(250);
    expect(await sendMessage(client, `${'x'.repeat(1_001)}\r\n`)).toEqual({
      code: 500,
      lines: ['5.6.0 Error: the message has a line that is too long'],
    });
    expect((await sendMessage(client)).code).toBe(250);
    expect(met).toEqual(['contentLineBytesMax']);
    expect(server.messages).toHaveLength(2);
  });

  it('sessionBytesMax: every octet that there may be is taken, and one more closes', async () => {
    const { server, met } = limitedServer({ sessionBytesMax: 'EHLO client.example\r\nNOOP\r\n'.length });
    const client = await greetedClient(server);
    expect((await client.command('NOOP')).code).toBe(250);
    expect(met).toEqual([]);
    client.send('N');
    expect(codes(await client.closed())).toEqual([421]);
    expect(met).toEqual(['sessionBytesMax']);
  });

  it('sessionBytesMax: closes, also in the middle of a message, which is not taken', async () => {
    const { server, met, ends } = limitedServer({ sessionBytesMax: 10_000 });
    const client = await greetedClient(server);
    await startContent(client);
    client.send(`${'x'.repeat(98)}\r\n`.repeat(100));
    expect(await client.closed()).toEqual([
      { code: 421, lines: ['4.7.0 Error: enough octets for one session, please connect again'] },
    ]);
    await turns();
    expect([met, ends, server.messages]).toEqual([['sessionBytesMax'], ['limit'], []]);
  });

  it('connectionsPerMinuteMax: 421 instead of the greeting, until time has passed; this machine counts only with countLoopback', () => {
    const clock = new ManualClock();
    const server = new KeepingServer({ clock, limits: { connectionsPerMinuteMax: 2 } });
    const met = limitsOf(server);
    const greeting = (address: string): string => {
      const transport = new FakeTransport(address);
      server.accept(transport);
      const [first = ''] = transport.writes;
      transport.close();
      return first.slice(0, 9);
    };
    expect(['192.0.2.1', '192.0.2.1', '192.0.2.1', '192.0.2.2'].map(greeting)).toEqual([
      '220 mx.ex',
      '220 mx.ex',
      '421 4.7.0',
      '220 mx.ex',
    ]);
    expect(met).toEqual(['connectionsPerMinuteMax']);
    expect(['127.0.0.1', '127.0.0.1', '127.0.0.1'].map(greeting)).toEqual(['220 mx.ex', '220 mx.ex', '220 mx.ex']);
    clock.advance(120_000);
    expect(greeting('192.0.2.1')).toBe('220 mx.ex');
  });
});
