/** Connections that a proxy opens for its clients: the PROXY header, from those who are believed and from others. */

import { connect, type Socket } from 'node:net';

import { afterEach, describe, expect, it } from 'vitest';

import { makeSelfSigned } from '../../src/net/self-signed.js';
import { encodeProxyHeader, type ProxyHeader } from '../../src/protocol/proxy-header.js';
import type { SMTPServerOptions } from '../../src/server/server-options.js';
import { ManualClock } from '../support/manual-clock.js';
import { RawClient } from '../support/raw-client.js';
import { eventsOf, KeepingServer, limitsOf, sendMessage, turns, until } from './support.js';

const toClose: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of toClose.splice(0).reverse()) await close();
});

async function start(options: SMTPServerOptions = {}): Promise<KeepingServer> {
  const server = new KeepingServer({ proxyProtocol: 'loopback', ...options });
  await server.listen();
  toClose.push(() => server.close({ graceMs: 1 }));
  return server;
}

const CLIENT = {
  command: 'proxy',
  source: { address: '203.0.113.9', port: 40_000, family: 'IPv4' },
  destination: { address: '198.51.100.1', port: 25, family: 'IPv4' },
  tlvs: [],
} as const satisfies ProxyHeader;

const headerOf = (version: 1 | 2, header: ProxyHeader = CLIENT): string =>
  Buffer.from(encodeProxyHeader(header, { version })).toString('latin1');

async function connected(server: KeepingServer, first: string): Promise<RawClient> {
  const client = await RawClient.connect(server.port);
  toClose.push(() => {
    client.destroy();
  });
  client.send(first);
  return client;
}

describe('a PROXY header from a proxy that is believed', () => {
  it.each([1, 2] as const)('of version %i makes the session the client’s', async (version) => {
    const server = await start();
    const client = await connected(server, headerOf(version));
    expect((await client.reply()).code).toBe(220);
    await client.command('EHLO c');
    expect((await sendMessage(client)).code).toBe(250);
    const { session, peer } = server.messages[0]!;
    expect(peer).toMatchObject({ address: '203.0.113.9', port: 40_000, family: 'IPv4' });
    expect(session.local).toMatchObject({ address: '198.51.100.1', port: 25 });
    expect(session.proxy?.command).toBe('proxy');
  });

  it('may come octet by octet, and with the client’s first command behind it', async () => {
    const server = await start();
    const client = await connected(server, '');
    for (const character of headerOf(1)) {
      client.send(character);
      await turns(1);
    }
    client.send('EHLO c\r\n');
    expect((await client.replies(2)).map(({ code }) => code)).toEqual([220, 250]);
    const other = await connected(server, `${headerOf(2)}EHLO d\r\nNOOP\r\n`);
    expect((await other.replies(3)).map(({ code }) => code)).toEqual([220, 250, 250]);
  });

  it('has facts of TLS and an id for the application', async () => {
    const server = await start();
    const header: ProxyHeader = {
      ...CLIENT,
      uniqueId: Buffer.from('id-17'),
      authority: 'mail.example',
      tls: {
        version: 'TLSv1.3',
        commonName: 'client.example',
        hasClientCertificate: true,
        isClientCertificateVerified: true,
        tlvs: [],
      },
    };
    const client = await connected(server, headerOf(2, header));
    await client.reply();
    await client.command('EHLO c');
    await sendMessage(client);
    const { proxy } = server.messages[0]!.session;
    expect(Buffer.from(proxy!.uniqueId!).toString()).toBe('id-17');
    expect(proxy).toMatchObject({
      authority: 'mail.example',
      tls: { version: 'TLSv1.3', commonName: 'client.example', isClientCertificateVerified: true },
    });
  });

  it('of its own health check leaves the proxy the client', async () => {
    const server = await start();
    const client = await connected(server, headerOf(2, { command: 'local', tlvs: [] }));
    expect((await client.reply()).code).toBe(220);
    await client.command('EHLO c');
    await sendMessage(client);
    expect(server.messages[0]!.peer.address).toBe('127.0.0.1');
  });

  it('counts the client, not the proxy', async () => {
    const server = await start({ limits: { sessionsPerAddressMax: 1 } });
    const limits = eventsOf(server, 'limit');
    const first = await connected(server, headerOf(1));
    expect((await first.reply()).code).toBe(220);
    const second = await connected(server, headerOf(1));
    expect((await second.reply()).code).toBe(421);
    const other = await connected(
      server,
      headerOf(1, { ...CLIENT, source: { ...CLIENT.source, address: '203.0.113.10' } }),
    );
    expect((await other.reply()).code).toBe(220);
    expect(limits).toMatchObject([{ limit: 'sessionsPerAddressMax', peer: { address: '203.0.113.9' } }]);
  });

  it('comes before TLS, also when the handshake follows in the same packet', async () => {
    const pair = makeSelfSigned({ names: ['localhost'], now: new Date() });
    const named = makeSelfSigned({ names: ['named.example'], now: new Date() });
    for (const names of [{}, { 'named.example': named }]) {
      const server = await start({ tls: { mode: 'implicit', ...pair, names } });
      const socket: Socket = connect(server.port, '127.0.0.1');
      await new Promise((resolve) => socket.once('connect', resolve));
      // Held back until the ClientHello is there, so that both leave in one write.
      socket.cork();
      socket.write(headerOf(2), 'latin1');
      const client = RawClient.ofSocket(socket);
      const secured = client.startTLS({ servername: 'named.example' });
      await turns(3);
      socket.uncork();
      await secured;
      expect((await client.reply()).code).toBe(220);
      await client.command('EHLO c');
      expect((await sendMessage(client)).code).toBe(250);
      expect(server.messages[0]!.peer.address).toBe('203.0.113.9');
      expect(client.tls.getPeerCertificate().subjectaltname).toContain(
        'named.example' in names ? 'named.example' : 'localhost',
      );
      client.destroy();
    }
  });

  it('may be followed by STARTTLS', async () => {
    const pair = makeSelfSigned({ names: ['localhost'], now: new Date() });
    const server = await start({ tls: { mode: 'require', ...pair } });
    const client = await connected(server, headerOf(1));
    await client.reply();
    await client.command('EHLO c');
    expect((await client.command('STARTTLS')).code).toBe(220);
    await client.startTLS();
    await client.command('EHLO c');
    expect((await sendMessage(client)).code).toBe(250);
    expect(server.messages[0]!.session.tls?.version).toBe('TLSv1.3');
  });
});

describe('a connection from such a proxy', () => {
  it.each([
    ['without a header', 'EHLO c\r\n'],
    ['with a header that is malformed', 'PROXY TCP4 203.0.113.9 198.51.100.1 40000\r\n'],
    ['with a header without an end', `PROXY TCP6 ${'f'.repeat(200)}`],
    ['with noise', '\0\u00ff\r\n'],
  ])('%s is closed without a word, and logged', async (_name, octets) => {
    const server = await start();
    const client = await connected(server, octets);
    expect(await client.closed()).toEqual([]);
    await until(() => server.log.lines.length > 0);
    expect(server.log.lines.map(({ level }) => level)).toEqual(['warn']);
    expect(server.channels.size).toBe(0);
  });

  it('that is closed without a word is a look whether somebody listens, and not worth a line', async () => {
    const clock = new ManualClock();
    const server = await start({ clock });
    for (const leave of ['end', 'destroy'] as const) {
      const client = await connected(server, '');
      await until(() => clock.timerCount === 1);
      client[leave]();
      await until(() => clock.timerCount === 0);
    }
    expect(server.log.lines).toEqual([]);
    expect(server.channels.size).toBe(0);
  });

  it('that says nothing is closed after proxyHeaderWaitMs', async () => {
    const clock = new ManualClock();
    const server = await start({ clock, limits: { proxyHeaderWaitMs: 3_000 } });
    const limits = limitsOf(server);
    const client = await connected(server, 'PROXY ');
    await until(() => clock.timerCount === 1);
    clock.advance(2_999);
    await turns();
    expect(client.isClosed).toBe(false);
    clock.advance(1);
    await client.closed();
    expect(limits).toEqual(['proxyHeaderWaitMs']);
    expect(clock.timerCount).toBe(0);
  });

  it('that waits is closed with the server', async () => {
    const clock = new ManualClock();
    const server = await start({ clock });
    const client = await connected(server, 'PROXY ');
    await until(() => clock.timerCount === 1);
    const closing = server.close();
    await client.closed();
    await closing;
    expect(clock.timerCount).toBe(0);
  });

  it('counts among all sessions while it waits', async () => {
    const clock = new ManualClock();
    const server = await start({ clock, limits: { sessionsMax: 1 } });
    await connected(server, 'PROXY ');
    await until(() => clock.timerCount === 1);
    const limits = eventsOf(server, 'limit');
    const second = await connected(server, headerOf(1));
    expect(await second.closed()).toEqual([]);
    expect(limits).toMatchObject([{ limit: 'sessionsMax', peer: { address: '127.0.0.1' } }]);
  });

  it('keeps its place among all sessions from those who come without a header, until it has gone', async () => {
    const clock = new ManualClock();
    const server = await start({ clock, limits: { sessionsMax: 1 } });
    const waiting = await connected(server, 'PROXY ');
    await until(() => clock.timerCount === 1);
    expect((await RawClient.inMemory(server).reply()).code).toBe(421);
    waiting.destroy();
    await until(() => clock.timerCount === 0);
    expect((await RawClient.inMemory(server).reply()).code).toBe(220);
  });
});

describe('a PROXY header from anybody else', () => {
  it('is a command that there is not, and nobody is waited for', async () => {
    const server = await start({ proxyProtocol: '192.0.2.0/24' });
    const client = await connected(server, '');
    // The greeting comes without a header.
    expect((await client.reply()).code).toBe(220);
    expect((await client.command(headerOf(1).trimEnd())).code).toBe(500);
    await client.command('EHLO c');
    await sendMessage(client);
    expect(server.messages[0]!.peer.address).toBe('127.0.0.1');
    expect(server.messages[0]!.session.proxy).toBeUndefined();
  });

  it('is refused networks that are none, at once', () => {
    expect(() => new KeepingServer({ proxyProtocol: '192.0.2.0/33' })).toThrow(
      expect.objectContaining({ code: 'SMTPD_BAD_NETWORK' }) as Error,
    );
  });
});
