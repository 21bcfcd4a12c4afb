/** XCLIENT and XFORWARD: who may say them, and what they change. */

import { describe, expect, it } from 'vitest';

import type { RawClient } from '../support/raw-client.js';
import { FakeTransport, eventsOf, greetedClient, KeepingServer, sendMessage } from './support.js';

async function trusted(options: object = {}): Promise<{ server: KeepingServer; client: RawClient }> {
  const server = new KeepingServer({ xclient: 'loopback', xforward: 'loopback', ...options });
  return { server, client: await greetedClient(server) };
}

/** What was forwarded for each message, as it stood when the message came. */
function forwardedOf(server: KeepingServer): unknown[] {
  const seen: unknown[] = [];
  server.use({
    name: 'forwarded',
    message: ({ session: { forwarded } }) => void seen.push(forwarded && Object.fromEntries(forwarded)),
  });
  return seen;
}

describe('XCLIENT', () => {
  it('is offered to its networks alone, and unknown to others', async () => {
    const { client } = await trusted();
    const { lines } = await client.command('EHLO c');
    expect(lines).toContain('XCLIENT NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT');
    const stranger = new KeepingServer({ xclient: '192.0.2.0/24' });
    const other = await greetedClient(stranger);
    expect((await other.command('EHLO c')).lines.join()).not.toContain('XCLIENT');
    expect((await other.command('XCLIENT ADDR=192.0.2.1')).code).toBe(500);
  });

  it('makes the client another one, and greets it anew', async () => {
    const { server, client } = await trusted();
    const peers: string[] = [];
    server.use({ name: 'peers', connect: ({ session }) => void peers.push(session.peer.address) });
    expect((await client.command('XCLIENT ADDR=192.0.2.7 PORT=4711 NAME=client.example HELO=c.example')).code).toBe(
      220,
    );
    expect(peers).toEqual(['192.0.2.7']);
    // It has to name itself again.
    expect((await client.command('MAIL FROM:<a@a.example>')).code).toBe(503);
    await client.command('EHLO c.example');
    expect((await sendMessage(client)).code).toBe(250);
    const { session, peer } = server.messages[0]!;
    expect(peer).toEqual({ address: '192.0.2.7', port: 4_711, family: 'IPv4' });
    expect(session.forwarded!.get('NAME')).toBe('client.example');
  });

  it('may bring an identity, and take it away', async () => {
    const { server, client } = await trusted({ auth: { mode: 'require', plaintext: 'always' } });
    await client.command('XCLIENT LOGIN=alice ADDR=IPV6:2001:db8::1');
    await client.command('EHLO c');
    expect((await sendMessage(client)).code).toBe(250);
    expect(server.messages[0]!.session.identity).toMatchObject({ user: 'alice', mechanism: 'XCLIENT' });
    expect(server.messages[0]!.peer).toMatchObject({ address: '2001:db8::1', family: 'IPv6' });
    await client.command('XCLIENT LOGIN=[UNAVAILABLE]');
    await client.command('EHLO c');
    expect((await client.command('MAIL FROM:<a@a.example>')).code).toBe(530);
  });

  it('has its connection refused by the hooks as if it had connected itself', async () => {
    const { server, client } = await trusted();
    server.use({
      name: 'list',
      connect: ({ session }) => (session.peer.address === '192.0.2.66' ? '554 5.7.1 Not you' : undefined),
    });
    expect((await client.command('XCLIENT ADDR=192.0.2.66')).code).toBe(554);
    expect((await client.command('EHLO c')).code).toBe(503);
    expect((await client.command('QUIT')).code).toBe(221);
  });

  it.each([
    'XCLIENT',
    'XCLIENT ADDR',
    'XCLIENT ADDR=192.0.2.256',
    'XCLIENT ADDR=2001:db8::1',
    'XCLIENT NAME=a NAME=b',
    'XCLIENT IDENT=x',
    'XCLIENT PORT=65536',
    'XCLIENT PROTO=HTTP',
    'XCLIENT NAME=a+0D+0A250-evil',
    'XCLIENT NAME=a+2',
    `XCLIENT NAME=${'a'.repeat(256)}`,
  ])('%s is refused and changes nothing', async (line) => {
    const { server, client } = await trusted();
    expect((await client.command(line)).code).toBe(501);
    expect((await sendMessage(client)).code).toBe(250);
    expect(server.messages[0]!.peer.family).toBe('memory');
  });

  it('is not taken within a transaction', async () => {
    const { client } = await trusted();
    await client.command('MAIL FROM:<a@a.example>');
    expect((await client.command('XCLIENT ADDR=192.0.2.7')).code).toBe(503);
    expect((await client.command('XFORWARD ADDR=192.0.2.7')).code).toBe(503);
  });

  it('is believed by the address that is really there, not by one that it named', () => {
    const server = new KeepingServer({ xclient: '192.0.2.1' });
    const transport = new FakeTransport('192.0.2.1');
    server.accept(transport);
    transport.send('XCLIENT ADDR=203.0.113.9\r\n');
    transport.send('XCLIENT ADDR=203.0.113.10\r\n');
    expect(transport.writes.join('').match(/^220 /gm)).toHaveLength(3);
  });
});

describe('a client that XCLIENT named', () => {
  /** A connection of the proxy, which says for whom it comes. */
  function behindProxy(server: KeepingServer, address: string): FakeTransport {
    const transport = new FakeTransport('192.0.2.1');
    server.accept(transport);
    transport.send(`XCLIENT ADDR=${address}\r\n`);
    return transport;
  }

  it('counts for its own address, and the proxy does not count for it any more', () => {
    const server = new KeepingServer({ xclient: '192.0.2.1', limits: { sessionsPerAddressMax: 1 } });
    const limits = eventsOf(server, 'limit');
    const ends = eventsOf(server, 'disconnect');
    const first = behindProxy(server, '203.0.113.9');
    const second = behindProxy(server, '203.0.113.9');
    expect(second.writes.at(-1)).toMatch(/^421 4\.7\.0 /);
    expect(second.actions.at(-1)).toBe('end');
    expect(limits).toMatchObject([{ limit: 'sessionsPerAddressMax', peer: { address: '203.0.113.9' } }]);
    // It counts for the proxy until it has gone.
    expect(behindProxy(server, '203.0.113.10').writes.join('')).toMatch(/^421 /);
    second.close();
    expect(behindProxy(server, '203.0.113.10').writes.at(-1)).toMatch(/^220 /);
    first.close();
    expect(ends.map(({ reason }) => reason)).toEqual(['limit', 'clientGone']);
    expect(behindProxy(server, '203.0.113.9').writes.at(-1)).toMatch(/^220 /);
  });

  it('may be named again, and another after it', () => {
    const server = new KeepingServer({ xclient: '192.0.2.1', limits: { sessionsPerAddressMax: 1 } });
    const first = behindProxy(server, '203.0.113.9');
    first.send('XCLIENT ADDR=203.0.113.9 NAME=again.example\r\n');
    expect(first.writes.at(-1)).toMatch(/^220 /);
    first.send('XCLIENT ADDR=203.0.113.10\r\n');
    expect(first.writes.at(-1)).toMatch(/^220 /);
    expect(behindProxy(server, '203.0.113.9').writes.at(-1)).toMatch(/^220 /);
  });

  it('that comes too often hears so, and takes no place of its own among all sessions', () => {
    const server = new KeepingServer({
      xclient: '192.0.2.1',
      limits: { connectionsPerMinuteMax: 4, sessionsMax: 1 },
    });
    const heard = ['203.0.113.9', '203.0.113.9', '203.0.113.10', '203.0.113.9'].map((address) => {
      const transport = behindProxy(server, address);
      transport.close();
      return transport.writes.at(-1)?.slice(0, 3);
    });
    expect(heard).toEqual(['220', '220', '220', '220']);
    const direct = new FakeTransport('203.0.113.9');
    server.accept(direct);
    direct.close();
    expect(direct.writes.join('')).toMatch(/^220 /);
    const late = new FakeTransport('203.0.113.9');
    server.accept(late);
    expect(late.writes.join('')).toMatch(/^421 4\.7\.0 /);
  });
});

describe('guesses of a client that XCLIENT named', () => {
  const AUTH = `AUTH PLAIN ${Buffer.from('\0alice\0guess', 'latin1').toString('base64')}`;

  it('count against its own address, and keep nobody else behind the proxy from proving who they are', async () => {
    const { server } = await trusted({
      auth: { mode: 'offer', plaintext: 'always' },
      limits: { authFailuresPerAddressMax: 1, authFailureDelayMs: Infinity },
    });
    server.use({ name: 'nobody', auth: () => undefined });
    const codes: number[] = [];
    for (const address of ['203.0.113.9', '203.0.113.9', '203.0.113.10']) {
      const client = await greetedClient(server);
      await client.command(`XCLIENT ADDR=${address}`);
      await client.command('EHLO client.example');
      codes.push((await client.command(AUTH)).code);
    }
    expect(codes).toEqual([535, 454, 535]);
  });
});

describe('XFORWARD', () => {
  it('is told with the message and changes nothing else', async () => {
    const { server, client } = await trusted();
    const events = eventsOf(server, 'message');
    expect((await client.command('XFORWARD NAME=client.example ADDR=192.0.2.9')).code).toBe(250);
    expect((await client.command('XFORWARD IDENT=4711 SOURCE=remote')).code).toBe(250);
    expect((await sendMessage(client)).code).toBe(250);
    const { session, peer } = server.messages[0]!;
    expect(Object.fromEntries(session.forwarded!)).toEqual({
      NAME: 'client.example',
      ADDR: '192.0.2.9',
      IDENT: '4711',
      SOURCE: 'REMOTE',
    });
    expect(peer.family).toBe('memory');
    expect(events).toHaveLength(1);
  });

  it.each([
    ['a message', ['MAIL FROM:<a@a.example>', 'RCPT TO:<b@b.example>', 'DATA', 'Hello\r\n.']],
    ['a message that is refused', ['MAIL FROM:<a@a.example>', 'RCPT TO:<b@b.example>', 'DATA', 'bare\rCR\r\n.']],
    ['a chunk that is refused', ['MAIL FROM:<a@a.example>', 'RCPT TO:<b@b.example>', 'BDAT 0 NOW']],
    ['RSET', ['RSET']],
    ['EHLO', ['EHLO again']],
    ['MAIL and EHLO', ['MAIL FROM:<a@a.example>', 'EHLO again']],
  ])('is about one message: %s ends it', async (_what, lines) => {
    const { server, client } = await trusted();
    const forwarded = forwardedOf(server);
    await client.command('XFORWARD NAME=client.example ADDR=192.0.2.9');
    for (const line of lines) await client.command(line);
    forwarded.length = 0;
    expect((await sendMessage(client)).code).toBe(250);
    expect(forwarded).toEqual([undefined]);
  });

  it('stays when EHLO is refused', async () => {
    const { server, client } = await trusted();
    const forwarded = forwardedOf(server);
    await client.command('XFORWARD NAME=client.example');
    expect((await client.command('EHLO')).code).toBe(501);
    await sendMessage(client);
    expect(forwarded).toEqual([{ NAME: 'client.example' }]);
  });

  it('is not used up before a transaction, and does not mix with what is said for the next', async () => {
    const { server, client } = await trusted();
    const forwarded = forwardedOf(server);
    await client.command('XFORWARD NAME=one.example');
    expect((await client.command('MAIL FROM:<nonsense')).code).toBe(501);
    expect((await sendMessage(client)).code).toBe(250);
    expect(server.messages[0]!.session.forwarded?.get('NAME')).toBe('one.example');
    await client.command('XFORWARD ADDR=192.0.2.9');
    expect((await sendMessage(client)).code).toBe(250);
    expect(forwarded).toEqual([{ NAME: 'one.example' }, { ADDR: '192.0.2.9' }]);
  });

  it('leaves what XCLIENT said', async () => {
    const { server, client } = await trusted();
    const forwarded = forwardedOf(server);
    await client.command('XCLIENT NAME=behind.example');
    await client.command('EHLO c');
    await client.command('XFORWARD NAME=further.example');
    await sendMessage(client);
    await sendMessage(client);
    expect(forwarded).toEqual([{ NAME: 'further.example' }, { NAME: 'behind.example' }]);
  });

  it('is unknown outside of its networks', async () => {
    const client = await greetedClient(new KeepingServer({ xclient: 'loopback' }));
    expect((await client.command('XFORWARD NAME=x')).code).toBe(500);
  });
});
