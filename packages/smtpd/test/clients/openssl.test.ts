/** `openssl s_client`, which administrators look at TLS with. It says what it is given; here that is a whole message. */

import { afterAll, describe, expect, it } from 'vitest';

import type { TLSOptions } from '../../src/server/tls-options.js';
import { eventsOf } from '../server/support.js';
import { Certificates, type PairFiles } from '../support/certificates.js';
import { requireCommand } from '../support/component.js';
import { AWKWARD_MESSAGE, expectOctets, onlyMessage, runClient, startServer, type ClientEnd } from './support.js';

describe('openssl s_client', () => {
  const openssl = requireCommand('openssl');

  const certificates = new Certificates();
  afterAll(() => {
    certificates[Symbol.dispose]();
  });

  /** Connects and says everything at once. With -quiet, no letter at the start of a line is an order to it. */
  function say(input: string | Uint8Array, argv: readonly string[]): Promise<ClientEnd> {
    return runClient(openssl, ['s_client', '-quiet', ...argv], Buffer.from(input));
  }

  function at(port: number, host = '127.0.0.1'): string[] {
    return ['-connect', `${host}:${String(port)}`];
  }

  /** It goes on only with a certificate that it believes, and that has the name. */
  function believing({ certFile }: PairFiles, name = 'mx.example'): string[] {
    return ['-CAfile', certFile, '-verify_return_error', '-verify_hostname', name, '-servername', name];
  }

  const STARTTLS = ['-starttls', 'smtp', '-name', 'client.example'];

  function tlsWith(mode: TLSOptions['mode'], more: Partial<TLSOptions> = {}): { tls: TLSOptions } {
    const { keyFile, certFile } = certificates.server;
    return { tls: { mode, keyFile, certFile, ...more } };
  }

  it.each([
    ['STARTTLS', 'require', '-tls1_2', 'TLSv1.2'],
    ['STARTTLS', 'require', '-tls1_3', 'TLSv1.3'],
    ['TLS from the first octet', 'implicit', '-tls1_2', 'TLSv1.2'],
    ['TLS from the first octet', 'implicit', '-tls1_3', 'TLSv1.3'],
  ] as const)('sends a message by %s, mode %s, with %s', async (_, mode, option, version) => {
    await using server = await startServer(tlsWith(mode));
    const argv = [
      ...at(server.port),
      ...(mode === 'require' ? STARTTLS : []),
      ...believing(certificates.server),
      option,
    ];
    // RFC 3030: what BDAT announces may follow it at once.
    const { code, stdout } = await say(Buffer.concat([CHUNKED, Buffer.from('QUIT\r\n')]), argv);
    expect(stdout).toMatch(
      /^(?:220 .*\r\n)?(?:250[- ].*\r\n)+250 2\.1\.0 .*\r\n250 2\.1\.5 .*\r\n250 2\.0\.0 .*\r\n221 2\.0\.0 .*\r\n$/,
    );
    expect(code).toBe(0);
    const message = onlyMessage(server);
    expectOctets(message.data, AWKWARD_MESSAGE);
    expect(message.session.tls).toMatchObject({ version, serverName: 'mx.example', peerCertificate: undefined });
    expect(message.session.tls?.channelBinding?.length).toBe(version === 'TLSv1.3' ? 32 : undefined);
  });

  it.each(['127.0.0.1', '[::1]'])('believes the self-signed certificate for the address %s', async (host) => {
    await using server = await startServer({ ...tlsWith('implicit'), localAddress: `${host}:0` });
    const believed = [
      '-CAfile',
      certificates.server.certFile,
      '-verify_return_error',
      '-verify_ip',
      host.replace(/[[\]]/g, ''),
    ];
    const { code, stdout } = await say('QUIT\r\n', [...at(server.port, host), ...believed]);
    expect(stdout).toMatch(/^220 .*\r\n221 .*\r\n$/);
    expect(code).toBe(0);
  });

  it('does not go on with a certificate that it does not know, or that has another name', async () => {
    await using server = await startServer(tlsWith('implicit'));
    const failures = eventsOf(server, 'handshakeFailed');
    const unknown = await say('QUIT\r\n', [...at(server.port), ...believing(certificates.other)]);
    expect(unknown).toMatchObject({ code: 1, stdout: '' });
    expect(unknown.stderr).toContain('verify error:num=18:self-signed certificate');
    const otherName = await say('QUIT\r\n', [...at(server.port), ...believing(certificates.server, 'mail.example')]);
    expect(otherName).toMatchObject({ code: 1, stdout: '' });
    expect(otherName.stderr).toContain('hostname mismatch');
    expect(failures).toHaveLength(2);
    expect(server.log.errors).toEqual([]);
  });

  it.each([
    ['-tls1_1', 'require'],
    ['-tls1', 'implicit'],
  ] as const)('is refused with %s, at its lowest security level', async (option, mode) => {
    await using server = await startServer(tlsWith(mode));
    const failures = eventsOf(server, 'handshakeFailed');
    const old = [option, '-cipher', 'ALL:@SECLEVEL=0'];
    const ended = await say('QUIT\r\n', [...at(server.port), ...(mode === 'require' ? STARTTLS : []), ...old]);
    expect(ended.code).toBe(1);
    expect(ended.stdout).toBe('');
    // The server says so in an alert: it was offered what the client has, and does not speak it.
    expect(ended.stderr).toContain('alert protocol version');
    expect(failures).toHaveLength(1);
    expect(server.log.errors).toEqual([]);
  });

  it('with -tls1_2 is refused where the least is TLS 1.3', async () => {
    await using server = await startServer(tlsWith('implicit', { minVersion: 'TLSv1.3' }));
    const ended = await say('QUIT\r\n', [...at(server.port), '-tls1_2']);
    expect(ended.code).toBe(1);
    expect(ended.stderr).toContain('alert protocol version');
  });

  it('is shown the certificate for the name that it asks for', async () => {
    const { keyFile, certFile } = certificates.other;
    await using server = await startServer(tlsWith('offer', { names: { 'other.example': { keyFile, certFile } } }));
    for (const [pair, name] of [
      [certificates.other, 'other.example'],
      [certificates.server, 'mx.example'],
    ] as const) {
      const ended = await say('QUIT\r\n', [...at(server.port), ...STARTTLS, ...believing(pair, name)]);
      expect(ended).toMatchObject({ code: 0 });
    }
    // Without a name, and with one that is not there, it is the usual one.
    for (const sni of [['-noservername'], ['-servername', 'mail.example']]) {
      const believed = ['-CAfile', certificates.server.certFile, '-verify_return_error'];
      expect(await say('QUIT\r\n', [...at(server.port), ...STARTTLS, ...believed, ...sni])).toMatchObject({ code: 0 });
    }
  });

  it.each([
    ['-tls1_2', 'offer'],
    ['-tls1_3', 'implicit'],
  ] as const)('is shown the certificate for a name whose key is RSA, with %s', async (option, mode) => {
    const rsa = certificates.rsa('rsa.example');
    await using server = await startServer(tlsWith(mode, { names: { 'rsa.example': rsa } }));
    const argv = [...at(server.port), ...(mode === 'offer' ? STARTTLS : []), ...believing(rsa, 'rsa.example'), option];
    expect(await say('QUIT\r\n', argv)).toMatchObject({ code: 0 });
  });

  it.each([
    ['STARTTLS', 'require', '-tls1_2'],
    ['TLS from the first octet', 'implicit', '-tls1_3'],
  ] as const)('shows its certificate by %s, mode %s, with %s', async (_, mode, option) => {
    const { certFile: clientCAFile } = certificates.authority;
    await using server = await startServer(tlsWith(mode, { clientCertificates: 'request', clientCAFile }));
    const secured = eventsOf(server, 'secured');
    const argv = [
      ...at(server.port),
      ...(mode === 'require' ? STARTTLS : []),
      ...believing(certificates.server),
      option,
    ];
    const show = (pair: PairFiles): string[] => ['-cert', pair.certFile, '-key', pair.keyFile];
    for (const shown of [show(certificates.client('alice')), show(certificates.stranger('alice')), []]) {
      expect(await say('QUIT\r\n', [...argv, ...shown])).toMatchObject({ code: 0 });
    }
    const certificatesShown = secured.map(({ tls }) => tls.peerCertificate);
    expect(certificatesShown.pop()).toBeUndefined();
    expect(certificatesShown).toMatchObject([
      { isVerified: true, verifyError: undefined, commonName: 'alice', subjectAltNames: ['email:alice@a.example'] },
      { isVerified: false, verifyError: 'DEPTH_ZERO_SELF_SIGNED_CERT', commonName: 'alice' },
    ]);
  });

  it('without a certificate that is good hears why it may not go on', async () => {
    const { certFile: clientCAFile } = certificates.authority;
    await using server = await startServer(tlsWith('implicit', { clientCertificates: 'require', clientCAFile }));
    const { certFile, keyFile } = certificates.stranger('alice');
    for (const shown of [[], ['-cert', certFile, '-key', keyFile]]) {
      const { stdout } = await say('QUIT\r\n', [...at(server.port), ...shown]);
      expect(stdout).toMatch(/^554 5\.7\.0 .*certificate.*\r\n221 .*\r\n$/i);
    }
  });
});

const CHUNKED = Buffer.concat([
  Buffer.from(
    `EHLO client.example\r\nMAIL FROM:<alice@a.example>\r\nRCPT TO:<bob@b.example>\r\nBDAT ${String(AWKWARD_MESSAGE.length)} LAST\r\n`,
  ),
  AWKWARD_MESSAGE,
]);
