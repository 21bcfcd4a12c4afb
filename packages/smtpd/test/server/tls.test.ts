/** TLS on real sockets: STARTTLS, implicit TLS, names, client certificates, certificates that change, handshakes that fail. */

import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';

import { makeSelfSigned, type KeyAndCertificate } from '../../src/net/self-signed.js';
import type { TLSFacts } from '../../src/net/tls-facts.js';
import type { SMTPServerOptions } from '../../src/server/server-options.js';
import { SMTPServer } from '../../src/server/server.js';
import type { TLSOptions } from '../../src/server/tls-options.js';
import { requireCommand, requireCommandFor } from '../support/component.js';
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
  turns,
  until,
} from './support.js';

const OURS = makeSelfSigned({ names: ['localhost', '127.0.0.1'], now: new Date() });
const folder = mkdtempSync(join(tmpdir(), 'smtpd-tls-'));
const toClose: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of toClose.splice(0).reverse()) await close();
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

async function start(tls: TLSOptions, options: SMTPServerOptions = {}): Promise<KeepingServer> {
  const server = new KeepingServer({ tls, ...options });
  await server.listen();
  toClose.push(() => server.close({ graceMs: 1 }));
  return server;
}

const withOurs = (mode: TLSOptions['mode']): TLSOptions => ({ mode, ...OURS });

async function greeted(server: SMTPServer): Promise<{ client: RawClient; keywords: readonly string[] }> {
  const client = await RawClient.connect(server.port);
  toClose.push(() => {
    client.destroy();
  });
  await client.reply();
  const { lines } = await client.command('EHLO client.example');
  return { client, keywords: lines.slice(1) };
}

/** EHLO, STARTTLS, and the handshake. */
async function secured(server: SMTPServer, options: object = {}): Promise<RawClient> {
  const { client } = await greeted(server);
  expect((await client.command('STARTTLS')).code).toBe(220);
  await client.startTLS(options);
  return client;
}

describe('STARTTLS', () => {
  it('is offered before TLS and not after it, and a message is taken', async () => {
    const server = await start(withOurs('offer'));
    const { client, keywords } = await greeted(server);
    expect(keywords).toContain('STARTTLS');
    expect(await client.command('STARTTLS')).toEqual({ code: 220, lines: ['2.0.0 Ready to start TLS'] });
    await client.startTLS({ ca: OURS.cert, rejectUnauthorized: true, servername: 'localhost' });
    const { lines } = await client.command('EHLO client.example');
    expect(lines).not.toContain('STARTTLS');
    expect((await sendMessage(client)).code).toBe(250);
    expect(server.messages).toHaveLength(1);
  });

  it('makes the session new: the client has to name itself again, and hears no second greeting', async () => {
    const server = await start(withOurs('offer'));
    const client = await secured(server);
    expect((await client.command('MAIL FROM:<a@a.example>')).code).toBe(503);
    expect((await client.command('STARTTLS')).code).toBe(503);
    await client.command('EHLO client.example');
    expect(await client.command('STARTTLS')).toEqual({ code: 503, lines: ['5.5.1 Error: TLS is active already'] });
  });

  it('drops what came behind it in clear, and tells of it', async () => {
    const server = await start(withOurs('offer'));
    const violations = eventsOf(server, 'violation');
    const { client } = await greeted(server);
    client.send('STARTTLS\r\nEHLO evil.example\r\nMAIL FROM:<evil@a.example>\r\nRCPT TO:<b@b.example>\r\n');
    expect((await client.reply()).code).toBe(220);
    await client.startTLS();
    expect((await client.command('RCPT TO:<c@b.example>')).code).toBe(503);
    await client.command('EHLO client.example');
    expect((await client.command('DATA')).code).toBe(503);
    expect((await sendMessage(client)).code).toBe(250);
    expect(server.messages.map(({ mailFrom, session }) => [mailFrom, session.clientName])).toEqual([
      ['alice@a.example', 'client.example'],
    ]);
    expect(violations.map(({ violation }) => violation)).toEqual(['inputBehindSTARTTLS']);
  });

  it('with more behind it is refused where that is the policy', async () => {
    const server = await start(withOurs('offer'), { earlyInput: 'refuse' });
    const { client } = await greeted(server);
    client.send('STARTTLS\r\nEHLO evil.example\r\n');
    expect(await client.closed()).toEqual([
      { code: 554, lines: ['5.5.0 Error: SMTP synchronization error, closing connection'] },
    ]);
  });

  it('is not offered on a connection that cannot do it', async () => {
    const server = new KeepingServer({ tls: withOurs('offer') });
    const client = await greetedClient(server);
    expect((await client.command('EHLO c')).lines).not.toContain('STARTTLS');
    expect((await client.command('STARTTLS')).code).toBe(500);
    expect((await sendMessage(client)).code).toBe(250);
  });

  it.each(['require', 'implicit'] as const)('where it is %s, such a connection is not taken', (mode) => {
    const server = new KeepingServer({ tls: withOurs(mode) });
    const transport = new FakeTransport();
    expect(() => {
      server.accept(transport);
    }).toThrow(expect.objectContaining({ code: 'SMTPD_BAD_OPTION', message: expect.stringContaining(mode) as string }));
    expect([transport.writes, server.options.channels.size]).toEqual([[], 0]);
  });

  it('is required before mail where that is the mode', async () => {
    const server = await start(withOurs('require'));
    const { client } = await greeted(server);
    for (const line of ['MAIL FROM:<a@a.example>', 'VRFY a', 'RSET', 'HELP', 'XPING', 'HELO c']) {
      expect([line, (await client.command(line)).code]).toEqual([line, 530]);
    }
    expect(codes([await client.command('NOOP'), await client.command('EHLO c')])).toEqual([250, 250]);
    expect((await client.command('STARTTLS')).code).toBe(220);
    await client.startTLS();
    await client.command('EHLO c');
    expect((await sendMessage(client)).code).toBe(250);
  });

  it('is not known where TLS is off', async () => {
    const server = await start({ mode: 'off' });
    const { client, keywords } = await greeted(server);
    expect(keywords).not.toContain('STARTTLS');
    expect((await client.command('STARTTLS')).code).toBe(500);
  });

  it('forgets who had authenticated', async () => {
    const server = await start(withOurs('offer'), { auth: { mode: 'offer', plaintext: 'always' } });
    server.use({ name: 'any', auth: ({ kind }) => (kind === 'password' ? { verified: true } : undefined) });
    const { client } = await greeted(server);
    expect((await client.command(`AUTH PLAIN ${Buffer.from('\0alice\0x').toString('base64')}`)).code).toBe(235);
    await client.command('STARTTLS');
    await client.startTLS();
    await client.command('EHLO c');
    expect((await sendMessage(client)).code).toBe(250);
    expect(server.messages[0]!.session.identity).toBeUndefined();
  });

  it('works behind a command method that was overridden, and on a channel in memory it is not offered', async () => {
    const server = await start(withOurs('offer'));
    const client = RawClient.inMemory(server);
    await client.reply();
    expect((await client.command('EHLO c')).lines).not.toContain('STARTTLS');
    client.destroy();
  });
});

describe('implicit TLS', () => {
  it('greets after the handshake', async () => {
    const server = await start(withOurs('implicit'));
    const client = await RawClient.connectTLS(server.port, {
      ca: OURS.cert,
      rejectUnauthorized: true,
      servername: 'localhost',
    });
    expect((await client.reply()).code).toBe(220);
    expect((await client.command('EHLO c')).lines).not.toContain('STARTTLS');
    expect((await sendMessage(client, 'x'.repeat(900).concat('\r\n').repeat(3_000))).code).toBe(250);
    expect(server.messages[0]!.data.length).toBe(2_706_000);
    expect((await client.command('QUIT')).code).toBe(221);
    await client.closed();
  });

  it('may be one address of several', async () => {
    const server = await start(withOurs('offer'), {
      localAddress: [
        { host: '127.0.0.1', port: 0 },
        { host: '127.0.0.1', port: 0, tls: 'implicit' },
        { host: '127.0.0.1', port: 0, tls: 'off' },
      ],
    });
    const [first, second, third] = server.addresses.map(({ port }) => port);
    const plain = await RawClient.connect(first!);
    await plain.reply();
    expect((await plain.command('EHLO c')).lines).toContain('STARTTLS');
    const client = await RawClient.connectTLS(second!);
    expect((await client.reply()).code).toBe(220);
    const bare = await RawClient.connect(third!);
    await bare.reply();
    expect((await bare.command('EHLO c')).lines).not.toContain('STARTTLS');
    for (const each of [plain, client, bare]) each.destroy();
  });

  it('says 421 over TLS to an idle client when the server closes', async () => {
    const server = await start(withOurs('implicit'));
    const client = await RawClient.connectTLS(server.port);
    await client.reply();
    await client.command('EHLO c');
    const closing = server.close();
    expect(codes(await client.closed())).toEqual([421]);
    await closing;
  });
});

describe('a handshake', () => {
  it('that is none closes the connection and is told, and nothing else happens', async () => {
    const server = await start(withOurs('offer'));
    const failures = eventsOf(server, 'handshakeFailed');
    const ends = eventsOf(server, 'disconnect');
    const { client } = await greeted(server);
    await client.command('STARTTLS');
    client.send('MAIL FROM:<a@a.example>\r\n'.repeat(20));
    await client.closed();
    await until(() => ends.length === 1);
    expect(ends[0]!.reason).toBe('handshakeFailed');
    expect(failures).toHaveLength(1);
    expect(server.log.errors).toEqual([]);
    expect(server.channels.size).toBe(0);
  });

  it('that never ends is cut after handshakeWaitMs', async () => {
    const clock = new ManualClock();
    const server = await start(withOurs('implicit'), { clock, limits: { handshakeWaitMs: 5_000 } });
    const limits = limitsOf(server);
    const ends = eventsOf(server, 'disconnect');
    const socket: Socket = connect(server.port, '127.0.0.1');
    socket.on('error', () => undefined);
    const closed = new Promise((resolve) => socket.once('close', resolve));
    await until(() => server.channels.size === 1);
    // The first octets of a record that promises more.
    socket.write(Buffer.from([22, 3, 1, 2, 0, 1]));
    await turns(10);
    clock.advance(4_999);
    await turns();
    expect(server.channels.size).toBe(1);
    clock.advance(1);
    await closed;
    await until(() => server.channels.size === 0);
    expect(limits).toEqual(['handshakeWaitMs']);
    expect(ends[0]!.reason).toBe('timedOut');
    expect(clock.timerCount).toBe(0);
  });

  it('that its client leaves in the middle leaves nothing behind', async () => {
    const server = await start(withOurs('implicit'));
    for (const octets of [[], [22], [22, 3, 1, 2, 0, 1, 0, 1, 252]]) {
      const socket = connect(server.port, '127.0.0.1');
      await until(() => server.channels.size === 1);
      socket.end(Buffer.from(octets));
      socket.on('error', () => undefined);
      socket.resume();
      await until(() => server.channels.size === 0);
    }
  });

  it('that was done and is broken afterwards ends the session at once, not when its wait is over', async () => {
    const server = await start(withOurs('offer'));
    const disconnected = eventsOf(server, 'disconnect');
    const socket = connect(server.port, '127.0.0.1');
    const client = RawClient.ofSocket(socket);
    toClose.push(() => {
      client.destroy();
    });
    await client.reply();
    await client.command('EHLO client.example');
    await client.command('STARTTLS');
    await client.startTLS();
    expect((await client.command('EHLO client.example')).code).toBe(250);
    // Below TLS, in clear.
    socket.write('NOOP but not on TLS\r\n');
    await until(() => disconnected.length === 1);
    expect(server.channels.size).toBe(0);
  });

  it('below TLS 1.2 is refused', async () => {
    const server = await start(withOurs('implicit'));
    await expect(
      RawClient.connectTLS(server.port, { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' }),
    ).rejects.toThrow();
    const strict = await start({ ...withOurs('implicit'), minVersion: 'TLSv1.3' });
    await expect(RawClient.connectTLS(strict.port, { maxVersion: 'TLSv1.2' })).rejects.toThrow();
  });

  it('under way is cut when the server’s patience is over', async () => {
    const server = await start(withOurs('implicit'));
    const socket = connect(server.port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.resume();
    const closed = new Promise((resolve) => socket.once('close', resolve));
    await until(() => server.channels.size === 1);
    await server.close({ graceMs: 1 });
    await closed;
  });
});

describe('certificates', () => {
  it('are chosen by the name that the client asks for, also where their keys are of another kind', async (context) => {
    requireCommandFor(context, 'openssl');
    const rsa = makeRSA('rsa.example');
    const other = makeSelfSigned({ names: ['other.example'], now: new Date() });
    const wild = makeSelfSigned({ names: ['*.wild.example'], now: new Date() });
    const names = { 'rsa.example': rsa, 'other.example': other, '*.wild.example': wild };
    for (const mode of ['offer', 'implicit'] as const) {
      const server = await start({ ...withOurs(mode), names });
      for (const [servername, expected] of [
        ['rsa.example', 'rsa.example'],
        ['other.example', 'other.example'],
        ['OTHER.example', 'other.example'],
        ['a.wild.example', '*.wild.example'],
        ['a.b.wild.example', 'localhost'],
        ['nobody.example', 'localhost'],
        ['', 'localhost'],
      ] as const) {
        const client =
          mode === 'offer'
            ? await secured(server, { servername })
            : await RawClient.connectTLS(server.port, { servername });
        expect([servername, client.tls.getPeerCertificate().subjectaltname]).toEqual([
          servername,
          expect.stringContaining(`DNS:${expected}`) as string,
        ]);
        client.destroy();
      }
    }
  });

  it('that changed on disk are shown to who comes next, and open sessions stay', async () => {
    const clock = new ManualClock();
    const keyFile = join(folder, 'key.pem');
    const certFile = join(folder, 'cert.pem');
    const write = (names: readonly string[]): void => {
      const pair = makeSelfSigned({ names, now: new Date() });
      for (const [file, text] of [
        [keyFile, pair.key],
        [certFile, pair.cert],
      ] as const) {
        writeFileSync(`${file}.new`, text);
        renameSync(`${file}.new`, file);
      }
    };
    write(['old.example']);
    const server = await start({ mode: 'offer', keyFile, certFile }, { clock });
    const before = await secured(server);
    await before.command('EHLO c');
    expect(before.tls.getPeerCertificate().subjectaltname).toContain('old.example');
    write(['new.example']);
    // Whoever comes first makes us look.
    let seen = '';
    for (let attempt = 0; attempt < 50 && !seen.includes('new.example'); attempt += 1) {
      clock.advance(1_000);
      const client = await secured(server);
      seen = client.tls.getPeerCertificate().subjectaltname ?? '';
      client.destroy();
    }
    expect(seen).toContain('new.example');
    expect((await sendMessage(before)).code).toBe(250);
    write(['newer.example']);
    await server.reloadTLS();
    const after = await secured(server);
    expect(after.tls.getPeerCertificate().subjectaltname).toContain('newer.example');
  });

  it('that cannot be used leave the old one in force, and are told', async () => {
    const keyFile = join(folder, 'k.pem');
    const certFile = join(folder, 'c.pem');
    writeFileSync(keyFile, OURS.key);
    writeFileSync(certFile, OURS.cert);
    const server = await start({ mode: 'offer', keyFile, certFile });
    writeFileSync(certFile, makeSelfSigned({ names: ['mismatch.example'], now: new Date() }).cert);
    await expect(server.reloadTLS()).rejects.toMatchObject({ code: 'SMTPD_BAD_CERTIFICATE' });
    const client = await secured(server);
    expect(client.tls.getPeerCertificate().subjectaltname).toContain('localhost');
  });

  it('that cannot be used at the start keep the server from listening', async () => {
    const server = new KeepingServer({
      tls: { mode: 'offer', keyFile: join(folder, 'nowhere.pem'), certFile: '/nowhere' },
    });
    await expect(server.listen()).rejects.toMatchObject({ code: 'SMTPD_BAD_CERTIFICATE' });
    await server.close();
  });

  it('may be there when listen() is tried again', async () => {
    const [keyFile, certFile] = [join(folder, 'late-key.pem'), join(folder, 'late-cert.pem')];
    const server = new KeepingServer({ tls: { mode: 'offer', keyFile, certFile } });
    toClose.push(() => server.close({ graceMs: 1 }));
    await expect(server.listen()).rejects.toMatchObject({ code: 'SMTPD_BAD_CERTIFICATE' });
    writeFileSync(keyFile, OURS.key);
    writeFileSync(certFile, OURS.cert);
    await server.listen();
    const client = await secured(server);
    expect((await client.command('EHLO c')).code).toBe(250);
  });

  it('are made where none are given, and kept', async () => {
    const server = await start({ mode: 'implicit' });
    const again = await start({ mode: 'implicit' });
    expect(again.developmentCAFile).toBe(server.developmentCAFile);
    const { stdout } = await promisify(execFile)(process.execPath, [
      '-e',
      `const s = require('node:tls').connect({ port: ${String(server.port)}, host: '127.0.0.1', servername: 'localhost',
        ca: require('node:fs').readFileSync(process.argv[1]) }, () => { console.log(s.authorized); s.destroy(); });`,
      server.developmentCAFile!,
    ]);
    expect(stdout).toBe('true\n');
  });
});

describe('client certificates', () => {
  requireCommand('openssl');
  let authority: KeyAndCertificate;
  const stranger = makeSelfSigned({ names: ['stranger.example'], now: new Date() });

  beforeEach(() => {
    authority = makeClientCertificate('client.example');
  });

  it('are told with the session, verified or not', async () => {
    const facts: (TLSFacts | undefined)[] = [];
    const server = await start({ ...withOurs('offer'), clientCertificates: 'request', clientCA: authority.cert });
    server.on('secured', ({ tls }) => {
      facts.push(tls);
    });
    for (const pair of [authority, stranger, {}]) {
      const client = await secured(server, { ...pair, servername: 'localhost' });
      expect((await client.command('EHLO c')).code).toBe(250);
      client.destroy();
    }
    expect(facts.map((each) => each?.peerCertificate?.isVerified)).toEqual([true, false, undefined]);
    expect(facts[0]!.peerCertificate!.subjectAltNames).toContain('DNS:client.example');
    expect(facts[1]!.peerCertificate!.verifyError).toBeDefined();
    expect(facts[0]).toMatchObject({ version: 'TLSv1.3', serverName: 'localhost', alpn: undefined });
    expect(facts[0]!.channelBinding).toHaveLength(32);
  });

  it('are not asked for unless it was said', async () => {
    const facts: (TLSFacts | undefined)[] = [];
    const server = await start(withOurs('offer'));
    server.on('secured', ({ tls }) => {
      facts.push(tls);
    });
    const client = await secured(server, authority);
    expect((await client.command('EHLO c')).code).toBe(250);
    expect(facts.map((each) => each?.peerCertificate)).toEqual([undefined]);
  });

  it('are required: who shows none, or one that leads nowhere, hears 554 to everything but QUIT', async () => {
    for (const mode of ['offer', 'implicit'] as const) {
      const server = await start({ ...withOurs(mode), clientCertificates: 'require', clientCA: authority.cert });
      for (const pair of [{}, stranger]) {
        const client = mode === 'offer' ? await secured(server, pair) : await RawClient.connectTLS(server.port, pair);
        if (mode === 'implicit') expect((await client.reply()).code).toBe(554);
        for (const line of ['EHLO c', 'MAIL FROM:<a@a.example>']) {
          expect((await client.command(line)).code).toBe(mode === 'implicit' ? 503 : 554);
        }
        expect((await client.command('QUIT')).code).toBe(221);
        await client.closed();
      }
      const client =
        mode === 'offer' ? await secured(server, authority) : await RawClient.connectTLS(server.port, authority);
      if (mode === 'implicit') expect((await client.reply()).code).toBe(220);
      expect((await client.command('EHLO c')).code).toBe(250);
      client.destroy();
    }
  });

  it('are an identity with EXTERNAL', async () => {
    const server = await start(
      { ...withOurs('require'), clientCertificates: 'request', clientCA: authority.cert },
      { auth: { mode: 'require', mechanisms: ['EXTERNAL', 'PLAIN'] } },
    );
    server.use({
      name: 'certificates',
      auth: ({ kind, session }) => {
        const certificate = session.tls?.peerCertificate;
        if (kind !== 'external' || certificate?.isVerified !== true) return undefined;
        return { verified: true, user: certificate.subjectAltNames[0]!.replace('DNS:', '') };
      },
    });
    const client = await secured(server, authority);
    expect((await client.command('EHLO c')).lines).toContain('AUTH EXTERNAL PLAIN');
    expect((await client.command('AUTH EXTERNAL =')).code).toBe(235);
    expect((await sendMessage(client)).code).toBe(250);
    expect(server.messages[0]!.session.identity).toMatchObject({ user: 'client.example', mechanism: 'EXTERNAL' });
    const other = await secured(server, stranger);
    await other.command('EHLO c');
    expect((await other.command('AUTH EXTERNAL =')).code).toBe(535);
  });
});

describe('options', () => {
  it.each<[string, object, string]>([
    ['a mode that there is not', { mode: 'on' }, 'tls.mode is one of off, offer, require, implicit'],
    [
      'an option that there is not',
      { mode: 'offer', secureProtocol: 'SSLv3_method' },
      'There is no option tls.secureProtocol',
    ],
    ['an old version', { mode: 'offer', minVersion: 'TLSv1' }, 'tls.minVersion is TLSv1.2 or TLSv1.3'],
    ['a key alone', { mode: 'offer', key: OURS.key }, 'tls.key and tls.cert go together'],
    ['a key file alone', { mode: 'offer', keyFile: 'x' }, 'tls.keyFile and tls.certFile go together'],
    ['texts and files', { mode: 'offer', key: OURS.key, certFile: 'x' }, 'not some of both'],
    [
      'required certificates without an authority',
      { mode: 'offer', clientCertificates: 'require' },
      'needs tls.clientCA',
    ],
    [
      'a word for client certificates that there is not',
      { mode: 'offer', clientCertificates: 'yes' },
      'tls.clientCertificates is one of',
    ],
  ])('%s is refused', (_name, tls, message) => {
    expect(() => new SMTPServer({ tls: tls as TLSOptions })).toThrow(message);
  });
});

/** A certificate for a client, which is its own authority: ours are for servers. */
function makeClientCertificate(name: string): { key: string; cert: string } {
  return openssl('ec', name, ['-pkeyopt', 'ec_paramgen_curve:P-256', '-addext', 'extendedKeyUsage=clientAuth']);
}

/** An RSA pair: ours are of the other kind. */
function makeRSA(name: string): { key: string; cert: string } {
  return openssl('rsa:2048', name, []);
}

function openssl(kind: string, name: string, more: readonly string[]): { key: string; cert: string } {
  const subject = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name}`, '-days', '2'];
  const output = execFileSync(
    'openssl',
    ['req', '-x509', '-newkey', kind, '-nodes', '-keyout', '-', ...subject, ...more],
    { stdio: ['ignore', 'pipe', 'ignore'] },
  ).toString();
  const certAt = output.indexOf('-----BEGIN CERTIFICATE');
  return { key: output.slice(0, certAt), cert: output.slice(certAt) };
}
