import type { Socket } from 'node:net';

import { afterAll, describe, expect, it } from 'vitest';

import { SMTPClient } from '../../src/client/client.js';
import type { ClientTLSOptions } from '../../src/client/client-options.js';
import { requireTLS } from '../../src/protocol/extensions/require-tls.js';
import type { SMTPChannel } from '../../src/server/channel.js';
import { makeSelfSigned } from '../../src/net/self-signed.js';
import { eventsOf, KeepingServer, RecordingLogger, rejection, until } from '../server/support.js';
import { Certificates } from '../support/certificates.js';
import { ManualClock } from '../support/manual-clock.js';
import { MESSAGE, met, PeerListener, reach, type Peer } from './support.js';

const certificates = new Certificates();
afterAll(() => {
  certificates[Symbol.dispose]();
});

const TRUSTED = { ca: certificates.server.cert, serverName: 'mx.example' } as const;

async function serve(mode: 'offer' | 'implicit' | 'require') {
  const { key, cert } = certificates.server;
  const server = new KeepingServer({ tls: { mode, key, cert }, extensions: [requireTLS()] });
  await server.listen();
  return server;
}

function clientOf(server: KeepingServer, tls: ClientTLSOptions): SMTPClient {
  return new SMTPClient({ remoteAddress: reach(server), hostname: 'client.example', tls });
}

describe('TLS', () => {
  it.each([
    ['opportunistic', 'offer'],
    ['require', 'offer'],
    ['implicit', 'implicit'],
  ] as const)('is made where the mode is %s, and the certificate is looked at', async (mode, serverMode) => {
    await using server = await serve(serverMode);
    await using client = clientOf(server, { mode, verify: true, ...TRUSTED });
    await client.connect();
    expect(client.tls).toMatchObject({ version: 'TLSv1.3', peerCertificate: { isVerified: true } });
    expect(client.capabilities.has('STARTTLS')).toBe(false);
    await client.send({ ...MESSAGE, mailOptions: ['REQUIRETLS'] });
    expect(server.messages[0]!.mailOptions).toContain('REQUIRETLS');
  });

  it('has the address in the certificate where that is what is connected to', async () => {
    await using server = await serve('implicit');
    await using client = clientOf(server, { mode: 'implicit', ca: certificates.server.cert });
    await client.connect();
    expect(client.tls?.peerCertificate?.isVerified).toBe(true);
  });

  it('asks for a server by its name, and for none where all that is known is an address (RFC 6066 §3)', async () => {
    await using server = await serve('implicit');
    const names: (string | undefined)[] = [];
    server.use({ name: 'witness', mail: ({ session }) => void names.push(session.tls?.serverName) });
    for (const tls of [TRUSTED, { ca: certificates.server.cert }]) {
      await using client = clientOf(server, { mode: 'implicit', ...tls });
      await client.connect();
      await client.send(MESSAGE);
    }
    expect(names).toEqual(['mx.example', undefined]);
  });

  it('with any certificate does where the mode is opportunistic, and that is known', async () => {
    await using server = await serve('offer');
    await using client = clientOf(server, { mode: 'opportunistic' });
    await client.connect();
    expect(client.tls?.peerCertificate?.isVerified).toBe(false);
    expect(await rejection(client.send({ ...MESSAGE, mailOptions: ['REQUIRETLS'] }))).toMatchObject({
      keyword: 'REQUIRETLS',
    });
  });

  it.each<[string, Exclude<ClientTLSOptions['mode'], 'off'>, Partial<ClientTLSOptions>]>([
    ['nobody vouches for', 'require', {}],
    ['nobody vouches for', 'implicit', {}],
    ['nobody vouches for, and somebody has to,', 'opportunistic', { verify: true }],
    ['is for another name', 'require', { ca: certificates.server.cert, serverName: 'elsewhere.example' }],
    ['is for another name', 'implicit', { ca: certificates.server.cert, serverName: 'elsewhere.example' }],
  ])('with a certificate that %s fails where the mode is %s', async (_, mode, more) => {
    await using server = await serve(mode === 'implicit' ? 'implicit' : 'offer');
    const connections = eventsOf(server, 'connect');
    const client = clientOf(server, { mode, ...more });
    expect(await rejection(client.connect())).toMatchObject({ code: 'SMTPD_TLS_FAILED' });
    expect([client.isOpen, client.phase]).toEqual([false, 'closed']);
    await until(() => server.channels.size === 0);
    expect(connections.length).toBeLessThanOrEqual(1);
    expect(server.messages).toEqual([]);
  });

  it('that is required is not done without', async () => {
    await using server = new KeepingServer();
    await server.listen();
    const client = clientOf(server, { mode: 'require' });
    expect(await rejection(client.connect())).toMatchObject({ code: 'SMTPD_TLS_FAILED', stage: 'STARTTLS' });
  });

  it('that is opportunistic is done without where it is not offered, or refused', async () => {
    await using server = new KeepingServer();
    await server.listen();
    await using client = clientOf(server, { mode: 'opportunistic' });
    await client.connect();
    expect(client.tls).toBeUndefined();
    await client.send(MESSAGE);
    expect(server.messages).toHaveLength(1);

    await using listener = await PeerListener.listen();
    const other = new SMTPClient({ remoteAddress: listener.remoteAddress, tls: { mode: 'opportunistic' } });
    const connecting = other.connect();
    const peer = await listener.accept();
    await peer.greet('STARTTLS');
    await peer.answer('454 4.7.0 Not now');
    await connecting;
    expect([other.tls, listener.count]).toEqual([undefined, 1]);
    other.destroy();
  });
});

describe('a certificate that is not of this time', () => {
  it.each([
    ['2019-06-01', 'offer', 'has expired', /^valid until 20(?:19|2\d)-\d\d-\d\dT[\d:.]+Z$/],
    ['2019-06-01', 'implicit', 'has expired', /^valid until 20(?:19|2\d)-\d\d-\d\dT[\d:.]+Z$/],
    ['2120-06-01', 'offer', 'is not yet valid', /^valid from 2120-0[56]-\d\dT[\d:.]+Z$/],
  ] as const)('made in %s: client and server say when it is (%s)', async (made, mode, what, when) => {
    const { key, cert } = makeSelfSigned({ names: ['localhost'], now: new Date(made) });
    const logger = new RecordingLogger();
    await using server = new KeepingServer({ logger, tls: { mode, key, cert } });
    await server.listen();
    await using client = clientOf(server, {
      mode: mode === 'offer' ? 'require' : 'implicit',
      verify: true,
      ca: cert,
      serverName: 'localhost',
    });
    const refused = (await rejection(client.connect())) as Error;
    expect(refused).toMatchObject({ code: 'SMTPD_TLS_FAILED' });
    const prefix = `The TLS handshake failed: certificate ${what}: `;
    expect(refused.message.slice(0, prefix.length)).toBe(prefix);
    const said = refused.message.slice(prefix.length);
    expect(said).toMatch(when);
    expect(logger.lines.map(({ message }) => message)).toContain(
      `The certificate in the option cert ${what}: ${said}; clients that verify it will not come`,
    );
  });
});

describe('a handshake that fails', () => {
  /** What servers do instead of a handshake. */
  const WAYS: Readonly<Record<string, (peer: Peer, clock: ManualClock) => Promise<void> | void>> = {
    closes: (peer) => {
      peer.transport.end();
    },
    resets: (peer) => {
      (peer.transport.socket as { resetAndDestroy: () => void }).resetAndDestroy();
    },
    'sends garbage': async (peer) => {
      await peer.octets(5);
      peer.say('250 not TLS\r\n');
    },
    'says nothing': async (peer, clock) => {
      await peer.octets(5);
      clock.advance(60_000);
    },
  };

  it.each(Object.keys(WAYS))('leads to a new connection in clear where the mode is opportunistic: %s', async (way) => {
    const { client, clock, listener, connecting, peer } = await begin('opportunistic');
    await using _ = listener;
    peer.say('220 go\r\n');
    await WAYS[way]!(peer, clock);
    const second = await listener.accept();
    await second.greet('STARTTLS');
    await connecting;
    expect([client.tls, client.isIdle, second.unread]).toEqual([undefined, true, '']);
    client.destroy();
    expect(clock.timerCount).toBe(0);
  });

  it.each(Object.keys(WAYS))('fails where the mode is require: %s', async (way) => {
    const { client, clock, listener, connecting, peer } = await begin('require');
    await using _ = listener;
    peer.say('220 go\r\n');
    await WAYS[way]!(peer, clock);
    expect(await rejection(connecting)).toMatchObject({
      code: way === 'says nothing' ? 'SMTPD_SERVER_SILENT' : 'SMTPD_TLS_FAILED',
      stage: 'STARTTLS',
    });
    expect([client.isOpen, listener.count, clock.timerCount]).toEqual([false, 1, 0]);
  });

  it.each(['opportunistic', 'require'] as const)('is not begun behind octets in clear: %s', async (mode) => {
    const { clock, listener, connecting, peer } = await begin(mode);
    await using _ = listener;
    // CVE-2021-38371 and its kin: what stands behind the 220 would be taken for an answer under TLS.
    peer.say('220 go\r\n250-mx.example\r\n250 AUTH PLAIN\r\n');
    expect(await rejection(connecting)).toMatchObject({ code: 'SMTPD_SERVER_FAULT' });
    await peer.gone();
    expect([peer.unread, listener.count, clock.timerCount]).toEqual(['', 1, 0]);
  });

  it('that the client itself gave up leads to nothing', async () => {
    const { client, listener, connecting, peer } = await begin('opportunistic');
    await using _ = listener;
    peer.say('220 go\r\n');
    await peer.octets(5);
    client.destroy();
    expect(await rejection(connecting)).toMatchObject({ code: 'SMTPD_CONNECTION_LOST' });
    expect([client.isOpen, listener.count]).toEqual([false, 1]);
  });

  it('that a signal gave up leads to nothing', async () => {
    const abort = new AbortController();
    const { listener, connecting, peer } = await begin('opportunistic', abort.signal);
    await using _ = listener;
    peer.say('220 go\r\n');
    await peer.octets(5);
    abort.abort();
    expect(await rejection(connecting)).toMatchObject({ code: 'SMTPD_ABORTED', stage: 'STARTTLS' });
    expect(listener.count).toBe(1);
  });
});

describe('a connection', () => {
  it('whose TLS is cut is lost', async () => {
    await using server = await serve('offer');
    const client = clientOf(server, { mode: 'require', ...TRUSTED });
    await client.connect();
    for (const { conn } of server.channels as Set<SMTPChannel>) (conn as Socket).destroy();
    await until(() => !client.isOpen);
    expect(await rejection(client.reset())).toMatchObject({ code: 'SMTPD_CONNECTION_LOST' });
  });

  it('in memory cannot be put on TLS', async () => {
    const { client, peer } = await met(['STARTTLS']);
    expect(client.tls).toBeUndefined();
    expect(await rejection(client.command('STARTTLS'))).toMatchObject({ code: 'SMTPD_BAD_COMMAND' });
    expect(peer.unread).toBe('');
  });
});

/** A client that has said STARTTLS. */
async function begin(mode: 'opportunistic' | 'require', signal?: AbortSignal) {
  const listener = await PeerListener.listen();
  const clock = new ManualClock();
  const client = new SMTPClient({
    remoteAddress: listener.remoteAddress,
    hostname: 'client.example',
    clock,
    tls: { mode, ...TRUSTED },
  });
  const connecting = client.connect(signal === undefined ? {} : { signal });
  connecting.catch(() => undefined);
  const peer = await listener.accept();
  await peer.greet('STARTTLS');
  expect(await peer.line()).toBe('STARTTLS');
  return { client, clock, listener, connecting, peer };
}
