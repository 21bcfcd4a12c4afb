import { describe, expect, it } from 'vitest';

import { SMTPClientPool, type PoolOptions } from '../../src/client/pool.js';
import { UsageError } from '../../src/protocol/errors.js';
import { passwordAuth } from '../../src/server/auth-hooks.js';
import { eventsOf, KeepingServer, openCount, rejection, turns, until } from '../server/support.js';
import { ManualClock } from '../support/manual-clock.js';
import { MESSAGE, PeerListener, reach, type Peer } from './support.js';

/** A pool, a server whose connections are served by hand, and the way there. */
async function setUp(options: PoolOptions = {}) {
  const listener = await PeerListener.listen();
  const clock = new ManualClock();
  const pool = new SMTPClientPool({ clock, ...options });
  const to = { client: { remoteAddress: listener.remoteAddress, hostname: 'client.example' } };
  return {
    listener,
    clock,
    pool,
    to,
    async [Symbol.asyncDispose]() {
      await pool.destroy();
      await listener[Symbol.asyncDispose]();
    },
  };
}

/** Takes a message on this connection. */
async function take(peer: Peer): Promise<void> {
  await peer.answer('250 a', '250 b', '354 c');
  await peer.until('\r\n.\r\n');
  peer.say('250 d\r\n');
}

describe('a pool', () => {
  it('uses a connection again, and says goodbye on each when it closes', async () => {
    await using server = new KeepingServer();
    await server.listen();
    const connections = eventsOf(server, 'connect');
    const disconnections = eventsOf(server, 'disconnect');
    const pool = new SMTPClientPool();
    const to = { client: { remoteAddress: reach(server), hostname: 'client.example' } };
    for (let count = 0; count < 3; count += 1) await pool.send(to, MESSAGE);
    expect([connections.length, pool.size, pool.busyCount(to), server.messages.length]).toEqual([1, 1, 0, 3]);
    expect(pool.knownCapabilities(to)?.has('PIPELINING')).toBe(true);
    await pool.close();
    expect(pool.size).toBe(0);
    await until(() => disconnections.length === 1);
    expect(disconnections[0]).toMatchObject({ reason: 'quit' });
    expect(await rejection(pool.send(to, MESSAGE))).toMatchObject({
      code: 'SMTPD_ABORTED',
      message: 'The pool is closed',
    });
  });

  it.each(['localhost:25', undefined, { remoteAddress: { host: 'localhost', port: 25 } }, { client: null, key: 'k' }])(
    'says what a destination is: %j',
    async (given) => {
      await using pool = new SMTPClientPool();
      const to = given as never;
      const refusal = { code: 'SMTPD_BAD_OPTION', message: expect.stringContaining('{ client: {') as string };
      expect(await rejection(pool.send(to, MESSAGE))).toMatchObject(refusal);
      expect(await rejection(pool.acquire(to))).toMatchObject(refusal);
      expect(await rejection(pool.capabilities(to, { maxAgeMs: 1 }))).toMatchObject(refusal);
    },
  );

  it('keeps no place for a connection whose options are wrong', async () => {
    await using pool = new SMTPClientPool({ connectionsMax: 1 });
    const to = { client: { remoteAddress: { host: 'localhost', port: 0 } } };
    for (let count = 0; count < 2; count += 1) {
      expect(await rejection(pool.send(to, MESSAGE))).toMatchObject({ code: 'SMTPD_BAD_ADDRESS' });
    }
    expect([pool.size, pool.busyCount(to)]).toEqual([0, 0]);
  });

  it('goes on to the next who waits where the options of one are wrong', async () => {
    await using server = new KeepingServer();
    await server.listen();
    await using pool = new SMTPClientPool({ connectionsMax: 1, waitMs: Infinity });
    const client = { remoteAddress: reach(server), hostname: 'client.example' };
    const lease = await pool.acquire({ client, key: 'k' });
    const refused = pool.send({ client: { ...client, hostname: 'no name' }, key: 'k' }, MESSAGE);
    const sent = pool.send({ client, key: 'k' }, MESSAGE);
    lease.discard();
    expect(await rejection(refused)).toMatchObject({ code: 'SMTPD_BAD_OPTION' });
    expect(await sent).toMatchObject({ reply: { code: 250 } });
  });

  it('gives a connection back when what is to be said on it first throws', async () => {
    await using server = new KeepingServer();
    await server.listen();
    await using pool = new SMTPClientPool({ connectionsMax: 1 });
    const to = { client: { remoteAddress: reach(server), hostname: 'client.example' } };
    await pool.send(to, MESSAGE);
    const prepare = (): never => {
      throw new Error('not today');
    };
    expect(await rejection(pool.begin(to, { mailFrom: '', prepare }))).toMatchObject({ message: 'not today' });
    await pool.send(to, MESSAGE);
    expect(server.messages).toHaveLength(2);
  });

  it('shares a connection with who wants the same one, and with nobody else', async () => {
    await using server = new KeepingServer({ auth: { mode: 'offer', plaintext: 'always', mechanisms: ['PLAIN'] } });
    server.use(passwordAuth({ alice: 'a', bob: 'b' }));
    await server.listen();
    const connections = eventsOf(server, 'connect');
    await using pool = new SMTPClientPool();
    const client = { remoteAddress: reach(server), hostname: 'client.example' };
    const as = (user: string, password: string) => ({
      client: { ...client, auth: { user, password, plaintext: 'always' as const } },
    });
    await pool.send({ client }, MESSAGE);
    await pool.send({ client: { ...client } }, MESSAGE);
    for (const to of [as('alice', 'a'), as('bob', 'b'), as('alice', 'a')]) await pool.send(to, MESSAGE);
    expect(connections).toHaveLength(3);
    expect(server.messages.map(({ session }) => session.identity?.user)).toEqual([
      undefined,
      undefined,
      'alice',
      'bob',
      'alice',
    ]);
    // In clear there is one already.
    const error = await rejection(pool.send({ client: { ...client, tls: { mode: 'require' } } }, MESSAGE));
    expect(error).toMatchObject({ code: 'SMTPD_TLS_FAILED' });
    expect(server.messages).toHaveLength(5);
  });

  it('opens no more connections than it may, and serves who waits in their order', async () => {
    await using server = new KeepingServer();
    await server.listen();
    const connections = eventsOf(server, 'connect');
    await using pool = new SMTPClientPool({ connectionsMax: 2 });
    const to = { client: { remoteAddress: reach(server), hostname: 'client.example' } };
    const senders = Array.from({ length: 20 }, (_, index) => `s${String(index)}@a.example`);
    await Promise.all(senders.map((mailFrom) => pool.send(to, { ...MESSAGE, mailFrom })));
    expect(connections).toHaveLength(2);
    const arrived = server.messages.map(({ mailFrom }) => Number(/\d+/.exec(mailFrom)![0]));
    // Two run side by side: neither is overtaken by more than one.
    for (const [index, number] of arrived.entries()) expect(Math.abs(index - number)).toBeLessThanOrEqual(2);
  });

  it('does not let who comes overtake who waits', async () => {
    await using server = new KeepingServer();
    await server.listen();
    await using pool = new SMTPClientPool({ connectionsMax: 1 });
    const to = { client: { remoteAddress: reach(server), hostname: 'client.example' } };
    const lease = await pool.acquire(to);
    const order: string[] = [];
    const wait = (name: string): Promise<void> =>
      pool.acquire(to).then((each) => {
        order.push(name);
        each.release();
      });
    const first = wait('first');
    const second = wait('second');
    lease.release();
    await Promise.all([wait('third'), second, first]);
    expect(order).toEqual(['first', 'second', 'third']);
  });

  it('carries no more messages on a connection than it may, or than the server says (RFC 9422)', async () => {
    await using server = new KeepingServer();
    await server.listen();
    const connections = eventsOf(server, 'connect');
    await using pool = new SMTPClientPool({ messagesMax: 2 });
    const to = { client: { remoteAddress: reach(server), hostname: 'client.example' } };
    for (let count = 0; count < 5; count += 1) await pool.send(to, MESSAGE);
    expect(connections).toHaveLength(3);

    await using set = await setUp();
    const sent = set.pool.send(set.to, MESSAGE);
    const peer = await set.listener.accept();
    await peer.greet('LIMITS MAILMAX=1');
    await take(peer);
    await sent;
    expect(await peer.answer('221 Bye')).toEqual(['QUIT']);
  });

  it('says goodbye to a connection that nobody has used for a while', async () => {
    await using set = await setUp({ idleMs: 1_000 });
    const sent = set.pool.send(set.to, MESSAGE);
    const peer = await set.listener.accept();
    await peer.greet();
    await take(peer);
    await sent;
    set.clock.advance(999);
    await turns();
    expect(peer.unread).toBe('');
    set.clock.advance(1);
    expect(await peer.answer('221 Bye')).toEqual(['QUIT']);
    await until(() => set.pool.size === 0);
    expect(set.clock.timerCount).toBe(0);
  });

  it('lets nobody wait for longer than is said, or than the signal lets him', async () => {
    await using set = await setUp({ connectionsMax: 1, waitMs: 1_000 });
    const acquired = set.pool.acquire(set.to);
    const peer = await set.listener.accept();
    await peer.greet();
    const lease = await acquired;
    const abort = new AbortController();
    const [late, aborted] = [set.pool.acquire(set.to), set.pool.acquire(set.to, { signal: abort.signal })];
    abort.abort();
    expect(await rejection(aborted)).toMatchObject({ code: 'SMTPD_ABORTED' });
    set.clock.advance(1_000);
    expect(await rejection(late)).toMatchObject({ code: 'SMTPD_CONNECT_FAILED' });
    expect(await rejection(set.pool.acquire(set.to, { signal: abort.signal }))).toBeDefined();
    lease.release();
    expect(set.pool.busyCount(set.to)).toBe(0);
  });

  it('remembers that a destination could not be reached', async () => {
    const listener = await PeerListener.listen();
    const to = { client: { remoteAddress: listener.remoteAddress } };
    await listener[Symbol.asyncDispose]();
    const clock = new ManualClock();
    await using pool = new SMTPClientPool({ clock });
    expect(pool.hasFailed(to, 1_000)).toBe(false);
    expect(await rejection(pool.send(to, MESSAGE))).toMatchObject({ code: 'SMTPD_CONNECT_FAILED' });
    expect([pool.hasFailed(to, 1_000), pool.size]).toEqual([true, 0]);
    clock.advance(1_000);
    expect(pool.hasFailed(to, 1_000)).toBe(false);
  });

  it('asks what is offered once for all who want to know, and again when that is too long ago', async () => {
    await using server = new KeepingServer();
    await server.listen();
    const connections = eventsOf(server, 'connect');
    const clock = new ManualClock();
    await using pool = new SMTPClientPool({ clock, idleMs: 10 });
    const to = { client: { remoteAddress: reach(server), hostname: 'client.example' } };
    const asked = await Promise.all([1, 2, 3].map(() => pool.capabilities(to, { maxAgeMs: 1_000 })));
    expect(asked.every((each) => each.has('PIPELINING'))).toBe(true);
    expect(connections).toHaveLength(1);
    clock.advance(10);
    await until(() => pool.size === 0);
    await pool.capabilities(to, { maxAgeMs: 1_000 });
    expect(connections).toHaveLength(1);
    clock.advance(1_001);
    await pool.capabilities(to, { maxAgeMs: 1_000 });
    expect(connections).toHaveLength(2);
  });

  it.each(['connectionsMax', 'idleMs', 'messagesMax', 'waitMs'] as const)('wants a %s above 0', (name) => {
    for (const value of [0, -1, NaN]) expect(() => new SMTPClientPool({ [name]: value })).toThrow(UsageError);
  });
});

describe('a lease', () => {
  it('that is given back twice, or discarded after that, is given back once', async () => {
    await using server = new KeepingServer();
    await server.listen();
    await using pool = new SMTPClientPool({ connectionsMax: 1 });
    const to = { client: { remoteAddress: reach(server), hostname: 'client.example' } };
    const lease = await pool.acquire(to);
    lease.release();
    const other = await pool.acquire(to);
    lease.release();
    lease.discard();
    expect([other.client.isIdle, other.isReused, pool.busyCount(to)]).toEqual([true, true, 1]);
    other.release();
  });

  it('with an open transaction is reset before somebody else has it', async () => {
    await using server = new KeepingServer();
    await server.listen();
    const connections = eventsOf(server, 'connect');
    await using pool = new SMTPClientPool({ connectionsMax: 1 });
    const to = { client: { remoteAddress: reach(server), hostname: 'client.example' } };
    const { lease } = await pool.begin(to, { mailFrom: 'a@b.example' });
    lease.release();
    await pool.send(to, MESSAGE);
    expect([connections.length, server.messages.length]).toEqual([1, 1]);
  });

  it('in the middle of content is cut', async () => {
    await using server = new KeepingServer();
    await server.listen();
    await using pool = new SMTPClientPool();
    const to = { client: { remoteAddress: reach(server), hostname: 'client.example' } };
    const { lease } = await pool.begin(to, { mailFrom: 'a@b.example' });
    await Promise.all([lease.client.rcpt('b@b.example'), lease.client.data()]);
    lease.release();
    expect([pool.size, lease.client.isOpen]).toEqual([0, false]);
  });
});

describe('a connection that died while nobody used it', () => {
  /** How a server leaves a connection that it was not asked anything on. */
  const WAYS: Readonly<
    Record<string, { readonly leave: (peer: Peer) => void; readonly onMAIL?: (peer: Peer) => void }>
  > = {
    'with 421': {
      leave: (peer) => {
        peer.say('421 4.4.2 Idle\r\n');
        peer.transport.end();
      },
    },
    'without a word': {
      leave: (peer) => {
        peer.transport.end();
      },
    },
    'by a reset': {
      leave: (peer) => {
        (peer.transport.socket as { resetAndDestroy: () => void }).resetAndDestroy();
      },
    },
    // The client's MAIL and the server's farewell cross on their way.
    'with 421 while MAIL is on its way': {
      leave: () => undefined,
      onMAIL: (peer) => {
        peer.say('421 4.4.2 Idle\r\n');
        peer.transport.end();
      },
    },
    'without a word while MAIL is on its way': {
      leave: () => undefined,
      onMAIL: (peer) => {
        peer.transport.end();
      },
    },
  };

  for (const keywords of [['PIPELINING'], []]) {
    it.each(Object.keys(WAYS))(
      `is replaced without anybody noticing: %s, offering ${keywords[0] ?? 'nothing'}`,
      async (way) => {
        for (const call of ['send', 'begin'] as const) {
          await using set = await setUp();
          const first = set.pool.send(set.to, MESSAGE);
          const old = await set.listener.accept();
          await old.greet(...keywords);
          await take(old);
          await first;
          WAYS[way]!.leave(old);
          if (WAYS[way]!.onMAIL === undefined) await until(() => set.pool.size === 0);
          const again =
            call === 'send'
              ? set.pool.send(set.to, MESSAGE)
              : set.pool.begin(set.to, { mailFrom: 'alice@a.example' }).then(({ lease }) => {
                  lease.release();
                });
          again.catch(() => undefined);
          const { onMAIL } = WAYS[way]!;
          if (onMAIL !== undefined) {
            await old.until(call === 'send' && keywords.length > 0 ? 'DATA\r\n' : 'MAIL FROM:<alice@a.example>\r\n');
            onMAIL(old);
          }
          const fresh = await set.listener.accept();
          await fresh.greet(...keywords);
          if (call === 'send') await take(fresh);
          else await fresh.answer('250 a', '250 reset');
          await again;
          expect([set.listener.count, set.pool.size]).toEqual([2, 1]);
        }
      },
    );
  }

  it('is not replaced once the server had taken MAIL: the message may have begun', async () => {
    await using set = await setUp();
    const first = set.pool.send(set.to, MESSAGE);
    const peer = await set.listener.accept();
    await peer.greet();
    await take(peer);
    await first;
    const again = set.pool.send(set.to, MESSAGE);
    again.catch(() => undefined);
    await peer.answer('250 a');
    await peer.line();
    peer.transport.end();
    expect(await rejection(again)).toMatchObject({ code: 'SMTPD_CONNECTION_LOST', stage: 'RCPT' });
    expect([set.listener.count, set.pool.size]).toEqual([1, 0]);
  });

  it('is not replaced when it was new: 421 to the first MAIL is told', async () => {
    await using set = await setUp();
    const sent = set.pool.send(set.to, MESSAGE);
    sent.catch(() => undefined);
    const peer = await set.listener.accept();
    await peer.greet('PIPELINING');
    await peer.until('DATA\r\n');
    peer.say('421 4.3.2 Busy\r\n');
    peer.transport.end();
    expect(await rejection(sent)).toMatchObject({ command: 'MAIL', reply: { code: 421 } });
    expect(set.listener.count).toBe(1);
  });
});

describe('the end of a pool', () => {
  it('by close() twice is over for both when it is', async () => {
    await using server = new KeepingServer();
    await server.listen();
    const pool = new SMTPClientPool();
    const to = { client: { remoteAddress: reach(server), hostname: 'client.example' } };
    const { lease } = await pool.begin(to, { mailFrom: 'a@b.example' });
    const both = Promise.all([pool.close(), pool.close()]);
    lease.release();
    await both;
    expect(pool.size).toBe(0);
  });

  it('by close() waits for who has a connection', async () => {
    await using server = new KeepingServer();
    await server.listen();
    const pool = new SMTPClientPool();
    const to = { client: { remoteAddress: reach(server), hostname: 'client.example' } };
    const { lease } = await pool.begin(to, { mailFrom: 'a@b.example' });
    let isClosed = false;
    const closed = pool.close().then(() => {
      isClosed = true;
    });
    expect((await lease.client.rcpt('b@b.example')).code).toBe(250);
    expect(isClosed).toBe(false);
    lease.release();
    await closed;
    expect(pool.size).toBe(0);
  });

  it('by destroy() does not, and leaves no socket and no timer', async () => {
    await turns();
    const before = openCount('TCPSocketWrap', 'Timeout');
    {
      await using server = new KeepingServer();
      await server.listen();
      const pool = new SMTPClientPool({ connectionsMax: 1 });
      const to = { client: { remoteAddress: reach(server), hostname: 'client.example' } };
      const { lease } = await pool.begin(to, { mailFrom: 'a@b.example' });
      const waiting = pool.acquire(to);
      waiting.catch(() => undefined);
      await pool.destroy();
      expect(await rejection(waiting)).toMatchObject({ code: 'SMTPD_ABORTED' });
      expect([pool.size, lease.client.isOpen]).toEqual([0, false]);
    }
    await until(() => openCount('TCPSocketWrap', 'Timeout') <= before);
  });
});
