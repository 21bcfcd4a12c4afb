/** STARTTLS (RFC 3207): what an attacker puts into the clear part of a session has no effect behind the handshake, in either direction. */

import { describe, expect, it } from 'vitest';

import { ManualClock } from '../support/manual-clock.js';
import { eventsOf, until } from '../server/support.js';
import { Attacker, expectCleanTransaction, expectNoFaults, startTLSServer } from './support.js';

const INJECTED = 'MAIL FROM:<evil@evil.example>\r\nRCPT TO:<victim@b.example>\r\nDATA\r\nEvil\r\n.\r\n';

describe('injection', () => {
  it.each([
    'NOOP\r\n',
    INJECTED,
    'EHLO evil.example\r\n',
    'NOO',
    'AUTH PLAIN AGFsaWNlAHNlY3JldA==\r\n',
    'x'.repeat(600),
  ])('of commands behind STARTTLS: they are dropped, %j', async (injected) => {
    await using server = await startTLSServer();
    const violations = eventsOf(server, 'violation');
    await using client = await Attacker.connect(server);
    await client.command('EHLO client.example');
    await client.send(`STARTTLS\r\n${injected}`);
    expect((await client.reply()).code).toBe(220);
    await client.goOnTLS();
    // The reply to this command is the first thing that is said on TLS.
    expect((await client.command('VRFY someone')).code).toBe(252);
    expect(client.unread).toBe('');
    expect(server.messages).toEqual([]);
    expect(violations.map(({ violation }) => violation)).toEqual(['inputBehindSTARTTLS']);
    expectNoFaults(server);
  });

  it('is refused outright with earlyInput: refuse', async () => {
    await using server = await startTLSServer({ earlyInput: 'refuse' });
    await using client = await Attacker.connect(server);
    await client.command('EHLO client.example');
    await client.send(`STARTTLS\r\n${INJECTED}`);
    expect(await client.closed()).toEqual([554]);
  });

  it('of replies: all that was answered in clear is said in clear, and nothing of it on TLS', async () => {
    await using server = await startTLSServer();
    await using client = await Attacker.connect(server);
    await client.send('EHLO client.example\r\nNOOP\r\nVRFY a\r\nNOOP\r\nSTARTTLS\r\n');
    expect(await client.codes(5)).toEqual([250, 250, 252, 250, 220]);
    expect(client.unread).toBe('');
    await client.goOnTLS();
    expect((await client.command('HELP')).code).toBe(214);
    expect(client.unread).toBe('');
  });
});

describe('what was said in clear', () => {
  it('EHLO has no effect: the client says it again', async () => {
    await using server = await startTLSServer();
    await using client = await securedClient(server, 'EHLO client.example');
    expect((await client.command('MAIL FROM:<a@a.example>')).code).toBe(503);
    expect(await client.commands('EHLO client.example', 'MAIL FROM:<a@a.example>')).toEqual([250, 250]);
  });

  it('AUTH has no effect: the identity is gone, and mail is refused where it is required', async () => {
    await using server = await startTLSServer({ auth: { mode: 'require', plaintext: 'always' } });
    server.use({ name: 'directory', auth: () => ({ verified: true }) });
    const identities: unknown[] = [];
    server.on('command', ({ verb, session }) => void identities.push([verb, session.identity?.user]));
    await using client = await Attacker.connect(server);
    expect(await client.commands('EHLO c', 'AUTH PLAIN AGFsaWNlAHNlY3JldA==', 'STARTTLS')).toEqual([250, 235, 220]);
    await client.goOnTLS();
    expect(await client.commands('EHLO c', 'MAIL FROM:<a@a.example>')).toEqual([250, 530]);
    expect(await client.commands('AUTH PLAIN AGFsaWNlAHNlY3JldA==', 'MAIL FROM:<a@a.example>')).toEqual([235, 250]);
    expect(identities).toEqual([
      ['EHLO', undefined],
      ['AUTH', undefined],
      ['STARTTLS', 'alice'],
      ['EHLO', undefined],
      ['MAIL', undefined],
      ['AUTH', undefined],
      ['MAIL', 'alice'],
    ]);
  });

  it('an envelope keeps STARTTLS away; one that was given up has no effect', async () => {
    await using server = await startTLSServer();
    await using client = await Attacker.connect(server);
    const opened = ['EHLO c', 'MAIL FROM:<evil@evil.example>', 'STARTTLS', 'RCPT TO:<b@b.example>', 'STARTTLS'];
    expect(await client.commands(...opened)).toEqual([250, 250, 503, 250, 503]);
    expect(await client.commands('RSET', 'STARTTLS')).toEqual([250, 220]);
    await client.goOnTLS();
    expect(await client.commands('EHLO c', 'RCPT TO:<b@b.example>', 'DATA')).toEqual([250, 503, 503]);
  });

  it('XFORWARD has no effect', async () => {
    await using server = await startTLSServer({ xforward: 'loopback' });
    await using client = await securedClient(server, 'EHLO c', 'XFORWARD NAME=evil.example ADDR=203.0.113.9');
    await client.commands('EHLO c', 'MAIL FROM:<a@a.example>', 'RCPT TO:<b@b.example>', 'DATA', 'Hi\r\n.');
    expect(server.messages.map(({ session }) => session.forwarded)).toEqual([undefined]);
  });

  it('whom XCLIENT named stays the client: a session does not become trusted by a handshake', async () => {
    await using server = await startTLSServer({ xclient: 'loopback' });
    await using client = await Attacker.connect(server);
    expect(await client.commands('EHLO c', 'XCLIENT ADDR=203.0.113.9 LOGIN=alice', 'EHLO c', 'STARTTLS')).toEqual([
      250, 220, 250, 220,
    ]);
    await client.goOnTLS();
    await client.commands('EHLO c', 'MAIL FROM:<a@a.example>', 'RCPT TO:<b@b.example>', 'DATA', 'Hi\r\n.');
    const [message] = server.messages;
    expect([message?.peer.address, message?.session.identity]).toEqual(['203.0.113.9', undefined]);
  });
});

describe('STARTTLS again', () => {
  it('is refused on TLS, and not offered', async () => {
    await using server = await startTLSServer();
    await using client = await securedClient(server, 'EHLO c');
    expect((await client.command('EHLO c')).lines).not.toContain('STARTTLS');
    expect(await client.commands('STARTTLS', 'STARTTLS', 'NOOP')).toEqual([503, 503, 250]);
    // Also pipelined with what a confused client would then send.
    await client.send('STARTTLS\r\n\x16\x03\x01\r\nNOOP\r\n');
    expect(await client.codes(3)).toEqual([503, 500, 250]);
  });
});

describe('a handshake', () => {
  it.each([
    ['nothing', ''],
    ['an empty line', '\r\n'],
    ['commands', INJECTED],
    ['HTTP', 'GET / HTTP/1.1\r\n\r\n'],
    ['many NULs', '\0'.repeat(5_000)],
    ['the beginning of a record', '\x16\x03\x01\xff\xff'],
    ['an alert', '\x15\x03\x01\x00\x02\x02\x28'],
  ])('that is garbage ends the connection: %s', async (_name, garbage) => {
    await using server = await startTLSServer();
    const disconnects = eventsOf(server, 'disconnect');
    await using client = await Attacker.connect(server);
    expect(await client.commands('EHLO c', 'STARTTLS')).toEqual([250, 220]);
    await client.send(garbage);
    client.end();
    await client.gone();
    await until(() => disconnects.length > 0);
    // A TLS alert may come; a reply may not.
    expect(client.unread).not.toMatch(/\d{3}[ -]/);
    expect(server.messages).toEqual([]);
    await expectCleanTransaction(server);
    expectNoFaults(server);
  });

  it('that never ends is ended by handshakeWaitMs', async () => {
    const clock = new ManualClock();
    await using server = await startTLSServer({ clock, limits: { handshakeWaitMs: 10_000 } });
    const limits = eventsOf(server, 'limit');
    const disconnects = eventsOf(server, 'disconnect');
    await using client = await Attacker.connect(server);
    expect(await client.commands('EHLO c', 'STARTTLS')).toEqual([250, 220]);
    // The beginning of a ClientHello, and an octet of it now and then.
    await client.send('\x16\x03\x01\x02\x00\x01\x00');
    for (let second = 1; second < 10; second += 1) {
      clock.advance(1_000);
      await client.send('\x01');
      expect(disconnects).toEqual([]);
    }
    clock.advance(1_000);
    await client.closed();
    await until(() => disconnects.length > 0);
    expect(limits.map(({ limit }) => limit)).toEqual(['handshakeWaitMs']);
    await expectCleanTransaction(server);
    expectNoFaults(server);
  });

  it('that the client leaves is forgotten', async () => {
    await using server = await startTLSServer();
    const disconnects = eventsOf(server, 'disconnect');
    for (const leave of ['end', 'destroy'] as const) {
      await using client = await Attacker.connect(server);
      await client.commands('EHLO c', 'STARTTLS');
      client[leave]();
      await client.closed();
    }
    await until(() => disconnects.length === 2);
    expect(server.channels.size).toBe(0);
    expectNoFaults(server);
  });
});

/** A client that has said these commands in clear, and is on TLS. */
async function securedClient(server: { readonly port: number }, ...lines: readonly string[]): Promise<Attacker> {
  const client = await Attacker.connect(server);
  await client.commands(...lines);
  expect((await client.command('STARTTLS')).code).toBe(220);
  await client.goOnTLS();
  return client;
}
