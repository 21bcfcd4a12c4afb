/** Self-signed certificates, judged by OpenSSL and by TLS clients that are told to believe them. */

import { execFile } from 'node:child_process';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, createServer, type Server } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { afterEach, describe, expect, it } from 'vitest';

import { makeSelfSigned } from '../../src/net/self-signed.js';
import { requireCommandFor } from '../support/component.js';

const run = promisify(execFile);
const fromRoot = (path: string): string => fileURLToPath(new URL(`../../../../${path}`, import.meta.url));
const NAMES = ['localhost', 'mail.example.org', '127.0.0.1', '::1', '2001:db8::ffff:1', '::ffff:192.0.2.1'];
const NOW = new Date('2026-11-25T12:00:00.500Z');

const toClose: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of toClose.splice(0).reverse()) await close();
});

/** A file with this content, in a folder that goes away. */
function fileOf(content: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'smtpd-'));
  toClose.push(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  const path = join(folder, 'cert.pem');
  writeFileSync(path, content);
  return path;
}

/** A TLS server that says one word. */
async function open(names: readonly string[]): Promise<{ readonly port: number; readonly cert: string }> {
  const { key, cert } = makeSelfSigned({ names, now: new Date() });
  const server: Server = createServer({ key, cert }, (socket) => {
    socket.on('error', () => undefined);
    socket.end('hello');
  });
  server.on('tlsClientError', () => undefined);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  toClose.push(() => new Promise((resolve) => server.close(resolve)));
  return { port: (server.address() as AddressInfo).port, cert };
}

describe('a self-signed certificate', () => {
  it('is one that OpenSSL takes from a server, for each of its names', async (context) => {
    requireCommandFor(context, 'openssl');
    const file = fileOf(makeSelfSigned({ names: NAMES, now: new Date() }).cert);
    const verify = (...checks: readonly string[]): Promise<unknown> =>
      run('openssl', ['verify', '-x509_strict', '-CAfile', file, '-purpose', 'sslserver', ...checks, file]);
    for (const name of NAMES)
      await verify(name.includes(':') || /^\d/.test(name) ? '-verify_ip' : '-verify_hostname', name);
    await expect(verify('-verify_hostname', 'example.org')).rejects.toThrow('hostname mismatch');
    await expect(verify('-verify_ip', '127.0.0.2')).rejects.toThrow('IP address mismatch');
  });

  it('is for servers and for nothing else', async (context) => {
    requireCommandFor(context, 'openssl');
    const file = fileOf(makeSelfSigned({ names: NAMES, now: NOW }).cert);
    const { stdout } = await run('openssl', ['x509', '-in', file, '-noout', '-text']);
    const plain = stdout.replace(/\s+/g, ' ');
    expect(plain).toContain('Version: 3 (0x2)');
    expect(plain).toContain('Basic Constraints: critical CA:FALSE');
    expect(plain).toContain(
      'Key Usage: critical Digital Signature X509v3 Extended Key Usage: TLS Web Server Authentication',
    );
    expect(plain).toContain('NIST CURVE: P-256');
    expect(/Subject Key Identifier: ([0-9A-F:]+)/.exec(plain)?.[1]).toMatch(/^(?:[0-9A-F]{2}:){19}[0-9A-F]{2}$/);
    expect(/Authority Key Identifier: (?:keyid:)?([0-9A-F:]+)/.exec(plain)?.[1]).toBe(
      /Subject Key Identifier: ([0-9A-F:]+)/.exec(plain)?.[1],
    );
  });

  it('says its names, and is its own issuer', () => {
    const { key, cert } = makeSelfSigned({ names: NAMES, now: NOW });
    const certificate = new X509Certificate(cert);
    expect(certificate.subject).toBe('CN=localhost');
    expect(certificate.issuer).toBe('CN=localhost');
    expect(certificate.subjectAltName?.split(', ')).toEqual([
      'DNS:localhost',
      'DNS:mail.example.org',
      'IP Address:127.0.0.1',
      'IP Address:0:0:0:0:0:0:0:1',
      'IP Address:2001:DB8:0:0:0:0:FFFF:1',
      'IP Address:0:0:0:0:0:FFFF:C000:201',
    ]);
    expect(certificate.checkPrivateKey(createPrivateKey(key))).toBe(true);
    expect(certificate.verify(certificate.publicKey)).toBe(true);
  });

  it('is valid from an hour ago, for less than 825 days, on both sides of 2050', () => {
    const validity = (now: string): readonly string[] => {
      const { validFrom, validTo } = new X509Certificate(
        makeSelfSigned({ names: ['localhost'], now: new Date(now) }).cert,
      );
      return [validFrom, validTo].map((text) => new Date(text).toISOString());
    };
    expect(validity('2026-11-25T12:00:00.500Z')).toEqual(['2026-11-25T11:00:00.000Z', '2029-02-22T11:00:00.000Z']);
    expect(validity('2049-12-31T23:59:59.999Z')).toEqual(['2049-12-31T22:59:59.000Z', '2052-03-30T22:59:59.000Z']);
    expect(validity('2050-01-01T01:00:00.000Z')).toEqual(['2050-01-01T00:00:00.000Z', '2052-03-31T00:00:00.000Z']);
  });

  it('has a number and a key of its own', () => {
    const made = Array.from({ length: 20 }, () => new X509Certificate(makeSelfSigned({ names: ['a'], now: NOW }).cert));
    expect(new Set(made.map((each) => each.serialNumber)).size).toBe(20);
    expect(new Set(made.map((each) => each.publicKey.export({ type: 'spki', format: 'pem' }))).size).toBe(20);
    // Sixteen octets, positive: more than that is not allowed, and zeros in front would be no DER.
    for (const { serialNumber } of made) expect(serialNumber).toMatch(/^[4-7][0-9A-F]{31}$/);
  });

  it('is called by the first name that fits, and can have long and many names', async (context) => {
    requireCommandFor(context, 'openssl');
    const long = `${'a'.repeat(60)}.${'b'.repeat(60)}.example`;
    const many = Array.from({ length: 200 }, (_, index) => `host-${String(index)}.example`);
    const { cert } = makeSelfSigned({ names: [long, ...many], now: new Date() });
    expect(new X509Certificate(cert).subject).toBe('CN=host-0.example');
    await run('openssl', ['verify', '-CAfile', fileOf(cert), '-verify_hostname', long, fileOf(cert)]);
    expect(new X509Certificate(makeSelfSigned({ names: [long], now: NOW }).cert).subject).toBe('CN=smtpd');
  });

  it.each(['', 'a b', 'exämple.org', 'a..b', '-a', 'a\0', '1.2.3.4.5 '])('is not made for %j', (name) => {
    expect(() => makeSelfSigned({ names: ['localhost', name], now: NOW })).toThrow(TypeError);
  });
});

describe('a client that is given it as an authority', () => {
  /** What a client of Node hears when it asks for this name. */
  async function hear(port: number, ca: string, servername: string): Promise<string> {
    const socket = connect({ host: '127.0.0.1', port, ca, servername });
    let heard = '';
    socket.setEncoding('latin1').on('data', (text: string) => (heard += text));
    await once(socket, 'close');
    return heard;
  }

  it('believes it on Node, and believes no other', async () => {
    const { port, cert } = await open(['localhost', 'mail.example.org', '127.0.0.1']);
    expect(await hear(port, cert, 'localhost')).toBe('hello');
    expect(await hear(port, cert, 'mail.example.org')).toBe('hello');
    await expect(hear(port, cert, 'other.example')).rejects.toMatchObject({ code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
    const other = makeSelfSigned({ names: ['localhost'], now: new Date() });
    await expect(hear(port, other.cert, 'localhost')).rejects.toThrow();
  });

  const CLIENT = `
    import { connect } from 'node:tls';
    import { readFileSync } from 'node:fs';
    const [port, ca, servername] = process.argv.slice(-3);
    const socket = connect({ host: '127.0.0.1', port: Number(port), ca: readFileSync(ca), servername });
    socket.on('data', (data) => process.stdout.write(data));
    socket.on('error', (error) => { process.stdout.write('error'); process.exit(); });
  `;
  const PYTHON_CLIENT = `
import socket, ssl, sys
port, ca, name = sys.argv[1:]
context = ssl.create_default_context(cafile=ca)
context.verify_flags |= ssl.VERIFY_X509_STRICT
try:
    with context.wrap_socket(socket.create_connection(('127.0.0.1', int(port))), server_hostname=name) as client:
        print(client.recv(100).decode(), end='')
except ssl.SSLError:
    print('error', end='')
`;

  it.for<[string, string, string[], string, string]>([
    ['Bun', fromRoot('node_modules/.bin/bun'), [], 'client.mjs', CLIENT],
    ['Deno', fromRoot('node_modules/.bin/deno'), ['run', '--allow-all', '--no-prompt'], 'client.mjs', CLIENT],
    ['Python', 'python3', [], 'client.py', PYTHON_CLIENT],
  ])('believes it on %s', async ([, program, args, name, source], context) => {
    if (!program.includes('/')) requireCommandFor(context, program);
    const { port, cert } = await open(['localhost', '127.0.0.1']);
    const file = fileOf(cert);
    const client = join(file, '..', name);
    writeFileSync(client, source);
    const hearAs = async (servername: string): Promise<string> =>
      (await run(program, [...args, client, String(port), file, servername])).stdout;
    expect(await hearAs('localhost')).toBe('hello');
    expect(await hearAs('other.example')).toBe('error');
  });
});
