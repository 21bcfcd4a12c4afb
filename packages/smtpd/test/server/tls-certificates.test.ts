/** Certificates by name, over real TLS, and read again while connections stand. */

import { execFile, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync, type BigIntStats } from 'node:fs';
import { connect as connectTCP, createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import tls, { connect, TLSSocket } from 'node:tls';
import { setImmediate } from 'node:timers/promises';
import { promisify } from 'node:util';

import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { makeSelfSigned } from '../../src/net/self-signed.js';
import { UsageError } from '../../src/protocol/errors.js';
import { TLSCertificates, type TLSCertificateOptions } from '../../src/server/tls-certificates.js';
import { findCommand, requireCommand } from '../support/component.js';

/** How files are read, where a test says so: at once, late, or not at all. */
const reading = vi.hoisted((): { hook: ((path: string) => Promise<Buffer>) | undefined } => ({ hook: undefined }));

vi.mock(import('node:fs/promises'), async (importOriginal) => {
  const original = await importOriginal();
  const readFile = (path: string): Promise<Buffer> => (reading.hook ?? original.readFile)(path);
  const stat = (path: string, options: { bigint: true }): Promise<BigIntStats> =>
    // Nothing of the system may come between where a test decides what comes when.
    reading.hook === undefined ? original.stat(path, options) : Promise.resolve(statSync(path, options));
  return { ...original, readFile, stat } as unknown as typeof original;
});

interface Pair {
  readonly key: string;
  readonly cert: string;
}

const NOW = new Date();
const pairFor = (...names: readonly string[]): Pair => makeSelfSigned({ names, now: NOW });

const fixed = mkdtempSync(join(tmpdir(), 'smtpd-'));
afterAll(() => {
  rmSync(fixed, { recursive: true, force: true });
});

requireCommand('openssl');

/** A pair that OpenSSL made: RSA, or a key that is encrypted. Where it is missing, an empty one: no test has it in hand then. */
function pairByOpenSSL(name: string, ...args: readonly string[]): Pair {
  if (findCommand('openssl') === undefined) return { key: '', cert: '' };
  const [key, cert] = [join(fixed, `${name}.key`), join(fixed, `${name}.pem`)];
  const all = ['req', '-x509', '-days', '2', '-subj', `/CN=${name}`, '-keyout', key, '-out', cert, ...args];
  execFileSync('openssl', all, { stdio: 'ignore' });
  return { key: readFileSync(key, 'latin1'), cert: readFileSync(cert, 'latin1') };
}

const DEFAULT = pairFor('default.example');
const MAIL = pairFor('mail.example.org');
const WILDCARD = pairFor('*.example.org');
const RSA = pairByOpenSSL('rsa.example', '-newkey', 'rsa:2048', '-nodes');
const CLIENT = pairByOpenSSL('client.example', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes');

const toClose: (() => unknown)[] = [];
let folder = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'smtpd-'));
});

afterEach(async () => {
  reading.hook = undefined;
  for (const close of toClose.splice(0).reverse()) await close();
  rmSync(folder, { recursive: true, force: true });
});

const pathOf = (name: string): string => join(folder, name);

/** Puts files in the place of others, as those do who renew certificates. */
function replace(files: Readonly<Record<string, string>>): void {
  for (const [name, content] of Object.entries(files)) {
    writeFileSync(pathOf(`${name}.new`), content);
    renameSync(pathOf(`${name}.new`), pathOf(name));
  }
}

function fromFiles(pair: Pair, onError?: (error: UsageError) => void): TLSCertificates {
  replace({ key: pair.key, cert: pair.cert });
  return new TLSCertificates({ keyFile: pathOf('key'), certFile: pathOf('cert') }, onError);
}

/** Chooses by the name as Node reads it: enough here, where all keys are of one kind. */
function byName(certificates: TLSCertificates): NonNullable<tls.TLSSocketOptions['SNICallback']> {
  return (name, callback) => {
    callback(null, certificates.secureContextFor(name));
  };
}

/** A server that says back what it hears. TLS is made of each socket, as after STARTTLS. */
async function open(certificates: TLSCertificates, options: tls.TLSSocketOptions = {}): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    const secured = new TLSSocket(socket, {
      isServer: true,
      secureContext: certificates.secureContextFor(undefined),
      SNICallback: byName(certificates),
      ...options,
    });
    secured.on('error', () => undefined);
    secured.on('data', (bytes: Buffer) => secured.write(bytes));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  toClose.push(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  });
  return (server.address() as AddressInfo).port;
}

async function shakeHands(port: number, options: tls.ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = connect({ ...options, socket: connectTCP(port, '127.0.0.1'), rejectUnauthorized: false });
  toClose.push(() => socket.destroy());
  await once(socket, 'secureConnect');
  return socket;
}

/** Who the server says it is. */
async function nameShown(port: number, servername?: string): Promise<string> {
  const socket = await shakeHands(port, servername === undefined ? {} : { servername });
  const { CN } = socket.getPeerCertificate().subject;
  socket.destroy();
  return String(CN);
}

/** What is thrown, which must be for the caller. */
function thrown(work: () => unknown): UsageError {
  try {
    work();
  } catch (error) {
    expect(error).toBeInstanceOf(UsageError);
    return error as UsageError;
  }
  throw new Error('Nothing was thrown');
}

const refusal = (options: unknown): UsageError => thrown(() => new TLSCertificates(options as TLSCertificateOptions));

describe('a client', () => {
  it('that asks for a name is shown the certificate for it, over TLS', async () => {
    const names = { 'mail.example.org': MAIL, '*.example.org': WILDCARD };
    const port = await open(new TLSCertificates({ ...DEFAULT, names }));
    expect(await nameShown(port, 'mail.example.org')).toBe('mail.example.org');
    expect(await nameShown(port, 'MAIL.Example.Org')).toBe('mail.example.org');
    expect(await nameShown(port, 'other.example.org')).toBe('*.example.org');
    expect(await nameShown(port, 'a.b.example.org')).toBe('default.example');
    expect(await nameShown(port, 'example.org')).toBe('default.example');
    expect(await nameShown(port)).toBe('default.example');
  });

  it('is shown RSA certificates as well', async () => {
    const names = { 'other.example': pairByOpenSSL('other.example', '-newkey', 'rsa:2048', '-nodes') };
    const port = await open(new TLSCertificates({ ...RSA, names }));
    expect(await nameShown(port, 'other.example')).toBe('other.example');
    expect(await nameShown(port)).toBe('rsa.example');
  });

  it('is shown a certificate of another kind than the default, when its context is chosen before the handshake', async () => {
    const certificates = new TLSCertificates({ ...DEFAULT, names: { 'rsa.example': RSA } });
    const port = await open(certificates, { secureContext: certificates.secureContextFor('rsa.example') });
    expect(await nameShown(port, 'rsa.example')).toBe('rsa.example');
  });

  it('that asks for no name, or for an odd one, is shown the default', () => {
    const names = { 'mail.example.org': MAIL, '*.example.org': WILDCARD, 'k.example': RSA };
    const certificates = new TLSCertificates({ ...DEFAULT, names });
    const fallback = certificates.secureContextFor(undefined);
    const odd = ['', false, null, '.', '.example.org', '*', 'org', '\u212a.example', '__proto__', 'constructor', '..'];
    for (const name of odd as (string | false | null)[]) expect(certificates.secureContextFor(name)).toBe(fallback);
    const mail = certificates.secureContextFor('mail.example.org');
    expect(mail).not.toBe(fallback);
    expect(certificates.secureContextFor('mail.example.org.')).toBe(mail);
    expect(certificates.secureContextFor('K.example')).not.toBe(fallback);
  });

  it('may ask for a name with letters of its own', () => {
    const certificates = new TLSCertificates({
      ...DEFAULT,
      names: { 'BÜCHER.example.': MAIL, '*.bücher.example': RSA },
    });
    const contexts = ['xn--bcher-kva.example', 'a.xn--bcher-kva.example', ''].map((name) =>
      certificates.secureContextFor(name),
    );
    expect(new Set(contexts).size).toBe(3);
  });

  it('cannot speak a version of TLS below 1.2', async () => {
    const port = await open(new TLSCertificates(DEFAULT));
    const versions = ['TLSv1', 'TLSv1.1'] as const;
    for (const version of versions) {
      // The client itself would refuse, were it not told that anything is secure enough.
      const old = { minVersion: version, maxVersion: version, ciphers: 'ALL:@SECLEVEL=0' };
      await expect(shakeHands(port, old)).rejects.toThrow();
    }
    expect((await shakeHands(port, { maxVersion: 'TLSv1.2' })).getProtocol()).toBe('TLSv1.2');
    const only = await open(new TLSCertificates({ ...DEFAULT, minVersion: 'TLSv1.3' }));
    await expect(shakeHands(only, { maxVersion: 'TLSv1.2' })).rejects.toThrow();
    expect((await shakeHands(only)).getProtocol()).toBe('TLSv1.3');
  });

  it('meets the version that the process asks for, when that is higher, and not when it is lower', async () => {
    const before = tls.DEFAULT_MIN_VERSION;
    toClose.push(() => {
      tls.DEFAULT_MIN_VERSION = before;
    });
    tls.DEFAULT_MIN_VERSION = 'TLSv1.3';
    const high = new TLSCertificates(DEFAULT);
    tls.DEFAULT_MIN_VERSION = 'TLSv1';
    const low = new TLSCertificates({ ...DEFAULT, ciphers: 'ALL:@SECLEVEL=0' });
    tls.DEFAULT_MIN_VERSION = before;
    await expect(shakeHands(await open(high), { maxVersion: 'TLSv1.2' })).rejects.toThrow();
    const old = { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' } as const;
    await expect(shakeHands(await open(low), old)).rejects.toThrow();
  });

  it('gets the cipher suite that was asked for', async () => {
    const port = await open(new TLSCertificates({ ...DEFAULT, ciphers: 'ECDHE-ECDSA-CHACHA20-POLY1305' }));
    expect((await shakeHands(port, { maxVersion: 'TLSv1.2' })).getCipher().name).toBe('ECDHE-ECDSA-CHACHA20-POLY1305');
  });

  it('with a certificate is believed by the authorities of its name, or else by those of the default', async () => {
    const names = { 'mail.example.org': MAIL, 'rsa.example': { ...RSA, ca: RSA.cert } };
    const certificates = new TLSCertificates({ ...DEFAULT, ca: CLIENT.cert, names });
    const authorized = async (servername: string): Promise<boolean> => {
      let isAuthorized: boolean | undefined;
      const server = createServer((socket) => {
        const secured = new TLSSocket(socket, {
          isServer: true,
          secureContext: certificates.secureContextFor(undefined),
          SNICallback: byName(certificates),
          requestCert: true,
          rejectUnauthorized: false,
        });
        secured.on('error', () => undefined);
        secured.on('secure', () => {
          // `authorized` is worked out by `tls.Server`; this is what it asks.
          isAuthorized = verifyError(secured) === undefined;
          secured.end('.');
        });
      });
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      toClose.push(() => new Promise((resolve) => server.close(resolve)));
      const client = await shakeHands((server.address() as AddressInfo).port, { servername, ...CLIENT });
      client.resume();
      await once(client, 'end');
      return isAuthorized === true;
    };
    expect(await authorized('')).toBe(true);
    expect(await authorized('mail.example.org')).toBe(true);
    expect(await authorized('rsa.example')).toBe(false);
  });
});

describe('a pair', () => {
  it('may be octets, files, or one file for both', () => {
    const octets = { key: Buffer.from(RSA.key), cert: Uint8Array.from(Buffer.from(RSA.cert)) };
    expect(() => new TLSCertificates(octets)).not.toThrow();
    for (const both of [MAIL.key + MAIL.cert, MAIL.cert + MAIL.key]) {
      replace({ both });
      expect(() => new TLSCertificates({ keyFile: pathOf('both'), certFile: pathOf('both') })).not.toThrow();
    }
  });

  it('may have an encrypted key', async () => {
    const encrypted = pairByOpenSSL('secret.example', '-newkey', 'rsa:2048', '-passout', 'pass:open sesame');
    const port = await open(new TLSCertificates({ ...encrypted, passphrase: 'open sesame' }));
    expect(await nameShown(port)).toBe('secret.example');
    expect(refusal({ ...encrypted, passphrase: 'wrong' })).toMatchObject({
      code: 'SMTPD_BAD_CERTIFICATE',
      message: expect.stringContaining('the option key has no private key that can be read') as string,
    });
    expect(refusal(encrypted)).toMatchObject({ code: 'SMTPD_BAD_CERTIFICATE' });
  });

  it('may have a chain, which clients are shown', async () => {
    const port = await open(new TLSCertificates({ key: MAIL.key, cert: `${MAIL.cert}\nof course\n${RSA.cert}` }));
    const args = ['s_client', '-connect', `127.0.0.1:${String(port)}`, '-showcerts'];
    const running = promisify(execFile)('openssl', args);
    running.child.stdin?.end();
    const { stdout } = await running;
    expect(stdout.match(/s:CN = \S+/g)).toEqual(['s:CN = mail.example.org', 's:CN = rsa.example']);
  });

  it.each([
    ['has another key', { key: RSA.key, cert: MAIL.cert }, /key in the option key .* in the option cert do not belong/],
    ['has no key', { key: MAIL.cert, cert: MAIL.cert }, /^the option key has no private key$/],
    ['has a damaged key', { key: damaged(MAIL.key), cert: MAIL.cert }, /^the option key has no private key that can/],
    ['has no certificate', { key: MAIL.key, cert: MAIL.key }, /^the option cert has no certificate$/],
    [
      'has a cut certificate',
      { key: MAIL.key, cert: MAIL.cert.slice(0, 200) },
      /^the option cert has a certificate that/,
    ],
    ['has a cut chain', { key: MAIL.key, cert: MAIL.cert + RSA.cert.slice(0, 200) }, /^the option cert has a cert/],
    ['has authorities that are none', { ...MAIL, ca: 'rubbish' }, /^the option ca has no certificate$/],
    ['has damaged authorities', { ...MAIL, ca: RSA.cert + damaged(RSA.cert) }, /^the option ca has a certificate that/],
    [
      'is wrong for a name',
      { ...MAIL, names: { 'a.example': { ...MAIL, key: RSA.key } } },
      /option names\["a\.example"\]\.key/,
    ],
    ['has no file', { keyFile: '/nowhere/key', certFile: '/nowhere/cert' }, /ENOENT.*\/nowhere\/key/],
  ])('that %s is refused', (_, options, message) => {
    const error = refusal(options);
    expect(error.code).toBe('SMTPD_BAD_CERTIFICATE');
    expect(error.message).toMatch(message);
  });

  it('that is too weak for OpenSSL is refused with its files’ names', () => {
    const weak = pairByOpenSSL('weak.example', '-newkey', 'rsa:512', '-nodes');
    replace({ key: weak.key, cert: weak.cert });
    const error = refusal({ keyFile: pathOf('key'), certFile: pathOf('cert') });
    expect(error.message).toContain(`${pathOf('cert')}, with the key in ${pathOf('key')}, cannot be used`);
    expect(error.cause).toBeInstanceOf(Error);
  });
});

describe('options', () => {
  it.each<[unknown, string]>([
    [{}, 'key is missing; give key (PEM) or keyFile (a path)'],
    [{ key: MAIL.key }, 'cert is missing'],
    [{ ...MAIL, secureProtocol: 'TLSv1_method' }, 'no option "secureProtocol"'],
    [{ ...MAIL, maxVersion: 'TLSv1.1' }, 'no option "maxVersion"'],
    [{ ...MAIL, minVersion: 'TLSv1.1' }, 'minVersion is TLSv1.2 or TLSv1.3, not TLSv1.1'],
    [{ ...MAIL, ciphers: 'NONSENSE' }, 'ciphers cannot be used'],
    [{ key: 1, cert: MAIL.cert }, 'key is PEM'],
    [{ keyFile: '', certFile: 'x' }, 'keyFile is the path of a file'],
    [{ ...MAIL, passphrase: 1 }, 'passphrase is text'],
    [{ ...MAIL, names: { 'a.example': {} } }, 'names["a.example"].key is missing'],
    [
      { ...MAIL, names: { 'a.example': { ...MAIL, minVersion: 'TLSv1.3' } } },
      'no option "names["a.example"].minVersion"',
    ],
    ...['*', '', '*.', 'a.*.org', '**.org', '127.0.0.1', '::1', 'a b', 'a..b'].map((name): [unknown, string] => [
      { ...MAIL, names: { [name]: MAIL } },
      `names has "${name}", which is no host name`,
    ]),
  ])('%j are refused', (options, message) => {
    expect(refusal(options)).toMatchObject({
      code: 'SMTPD_BAD_OPTION',
      message: expect.stringContaining(message) as string,
    });
  });

  it.each([
    [{ ...MAIL, keyFile: 'x' }, 'key and keyFile'],
    [{ ...MAIL, certFile: 'x' }, 'cert and certFile'],
    [{ ...MAIL, ca: MAIL.cert, caFile: 'x' }, 'ca and caFile'],
    [{ ...MAIL, names: { 'a.example': MAIL, 'A.EXAMPLE.': RSA } }, 'names has a.example twice'],
  ])('that contradict each other are refused', (options, message) => {
    expect(refusal(options)).toMatchObject({
      code: 'SMTPD_CONFLICTING_OPTIONS',
      message: expect.stringContaining(message) as string,
    });
  });
});

describe('reload()', () => {
  it('shows new clients what the files say, and keeps connections', async () => {
    const certificates = fromFiles(DEFAULT);
    const port = await open(certificates);
    const standing = await shakeHands(port);
    replace({ key: RSA.key, cert: RSA.cert });
    expect(await nameShown(port)).toBe('default.example');
    await certificates.reload();
    expect(await nameShown(port)).toBe('rsa.example');
    standing.write('still here');
    expect(String((await once(standing, 'data'))[0])).toBe('still here');
    expect(standing.getPeerCertificate().subject.CN).toBe('default.example');
  });

  it('changes all names or none', async () => {
    replace({ key: DEFAULT.key, cert: DEFAULT.cert, mailKey: MAIL.key, mailCert: MAIL.cert });
    const certificates = new TLSCertificates({
      keyFile: pathOf('key'),
      certFile: pathOf('cert'),
      names: { 'mail.example.org': { keyFile: pathOf('mailKey'), certFile: pathOf('mailCert') } },
    });
    const before = ['', 'mail.example.org'].map((name) => certificates.secureContextFor(name));
    replace({ key: RSA.key, cert: RSA.cert, mailKey: RSA.key });
    const failed = certificates.reload();
    await expect(failed).rejects.toBeInstanceOf(UsageError);
    await expect(failed).rejects.toThrow(
      `The key in ${pathOf('mailKey')} and the certificate in ${pathOf('mailCert')} do not belong together`,
    );
    expect(['', 'mail.example.org'].map((name) => certificates.secureContextFor(name))).toEqual(before);
    for (const [index, name] of ['', 'mail.example.org'].entries()) {
      expect(certificates.secureContextFor(name)).toBe(before[index]);
    }
    replace({ mailCert: RSA.cert });
    await certificates.reload();
    const port = await open(certificates);
    expect([await nameShown(port), await nameShown(port, 'mail.example.org')]).toEqual(['rsa.example', 'rsa.example']);
  });

  it('says which file is gone', async () => {
    const certificates = fromFiles(DEFAULT);
    rmSync(pathOf('cert'));
    await expect(certificates.reload()).rejects.toMatchObject({
      code: 'SMTPD_BAD_CERTIFICATE',
      message: expect.stringContaining(pathOf('cert')) as string,
      cause: expect.objectContaining({ code: 'ENOENT' }) as unknown,
    });
    expect(await nameShown(await open(certificates))).toBe('default.example');
  });

  it('called twice ends with what the second read, however slow the first is', async () => {
    const certificates = fromFiles(DEFAULT);
    let release = (): void => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    reading.hook = async (path) => {
      const content = readFileSync(path);
      if (content.includes(DEFAULT.cert)) await released;
      return content;
    };
    const first = certificates.reload();
    // All that can be done while the first waits is done in a turn.
    await setImmediate();
    replace({ key: RSA.key, cert: RSA.cert });
    const second = certificates.reload();
    await setImmediate();
    release();
    await Promise.all([first, second]);
    expect(await nameShown(await open(certificates))).toBe('rsa.example');
  });

  it('with nothing in files changes nothing', async () => {
    const certificates = new TLSCertificates(DEFAULT);
    await certificates.reload();
    expect(await certificates.checkForChange(0)).toBe(false);
    expect(await nameShown(await open(certificates))).toBe('default.example');
  });
});

describe('checkForChange()', () => {
  it('reads the files again when they have changed, and only then', async () => {
    const certificates = fromFiles(DEFAULT);
    const before = certificates.secureContextFor('');
    expect(await certificates.checkForChange(0)).toBe(false);
    expect(certificates.secureContextFor('')).toBe(before);
    replace({ key: RSA.key, cert: RSA.cert });
    expect(await certificates.checkForChange(1000)).toBe(true);
    expect(await nameShown(await open(certificates))).toBe('rsa.example');
    expect(await certificates.checkForChange(2000)).toBe(false);
  });

  it('looks once a second at most', async () => {
    const certificates = fromFiles(DEFAULT);
    expect(await certificates.checkForChange(5000)).toBe(false);
    replace({ key: RSA.key, cert: RSA.cert });
    expect(await certificates.checkForChange(5000)).toBe(false);
    expect(await certificates.checkForChange(5999)).toBe(false);
    // Of those who come together one looks.
    const together = [6000, 6000, 6001].map((nowMs) => certificates.checkForChange(nowMs));
    expect(await Promise.all(together)).toEqual([true, false, false]);
  });

  it('keeps the old pair while the new one is half written, and tells once', async () => {
    const errors: UsageError[] = [];
    const certificates = fromFiles(DEFAULT, (error) => errors.push(error));
    const port = await open(certificates);
    replace({ cert: RSA.cert });
    expect(await certificates.checkForChange(0)).toBe(false);
    expect(await nameShown(port)).toBe('default.example');
    expect(await certificates.checkForChange(1000)).toBe(false);
    expect(errors.map((error) => [error.code, error.message])).toEqual([
      [
        'SMTPD_BAD_CERTIFICATE',
        `The key in ${pathOf('key')} and the certificate in ${pathOf('cert')} do not belong together`,
      ],
    ]);
    replace({ key: RSA.key });
    expect(await certificates.checkForChange(2000)).toBe(true);
    expect(await nameShown(port)).toBe('rsa.example');
    expect(errors).toHaveLength(1);
  });

  it('sees a file that is written in its place', async () => {
    const errors: string[] = [];
    const certificates = fromFiles(DEFAULT, (error) => errors.push(error.message));
    writeFileSync(pathOf('cert'), DEFAULT.cert.slice(0, 100));
    expect(await certificates.checkForChange(0)).toBe(false);
    expect(errors).toHaveLength(1);
    const next = pairFor('next.example');
    writeFileSync(pathOf('key'), next.key);
    writeFileSync(pathOf('cert'), next.cert);
    expect(await certificates.checkForChange(1000)).toBe(true);
    expect(await nameShown(await open(certificates))).toBe('next.example');
  });

  it('keeps the pair of a file that is gone, tells once, and goes on when it is back', async () => {
    const errors: string[] = [];
    const certificates = fromFiles(DEFAULT, (error) => errors.push(error.message));
    rmSync(pathOf('key'));
    for (const nowMs of [0, 1000, 2000]) expect(await certificates.checkForChange(nowMs)).toBe(false);
    expect(errors).toEqual([expect.stringContaining(pathOf('key'))]);
    replace({ key: DEFAULT.key });
    expect(await certificates.checkForChange(3000)).toBe(true);
    rmSync(pathOf('key'));
    expect(await certificates.checkForChange(4000)).toBe(false);
    expect(errors).toHaveLength(2);
  });

  it('tries again what could not be read for the moment', async () => {
    const errors: string[] = [];
    const certificates = fromFiles(DEFAULT, (error) => errors.push(error.message));
    replace({ key: RSA.key, cert: RSA.cert });
    reading.hook = () => Promise.reject(new Error('EMFILE: too many open files'));
    for (const nowMs of [0, 1000]) expect(await certificates.checkForChange(nowMs)).toBe(false);
    expect(errors).toEqual(["A certificate's file cannot be read: EMFILE: too many open files"]);
    reading.hook = undefined;
    expect(await certificates.checkForChange(2000)).toBe(true);
  });

  it('sees what changed since the files were first read', async () => {
    const certificates = fromFiles(DEFAULT);
    replace({ key: RSA.key, cert: RSA.cert });
    expect(await certificates.checkForChange(0)).toBe(true);
  });

  it('reads authorities again, too', async () => {
    replace({ ca: MAIL.cert });
    const certificates = new TLSCertificates({ ...DEFAULT, caFile: pathOf('ca') });
    replace({ ca: CLIENT.cert });
    expect(await certificates.checkForChange(0)).toBe(true);
  });
});

function verifyError(socket: TLSSocket): Error | undefined {
  const { _handle: handle } = socket as unknown as { readonly _handle: { verifyError(): Error | null | undefined } };
  return handle.verifyError() ?? undefined;
}

/** PEM with some octets that are others. */
function damaged(pem: string): string {
  return pem.replace(/(-----\n).{20}/, '$1AAAAAAAAAAAAAAAAAAAA');
}
