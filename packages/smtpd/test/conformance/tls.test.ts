/**
 * What RFC 3207 (STARTTLS), RFC 8314 (TLS before anything else) and RFC 8996 (no TLS before 1.2) ask of a server, with real sockets and
 * real handshakes. `requirements-tls.ts` says which test stands for which clause.
 */

import { connect as connectTCP } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { connect as connectTLS } from 'node:tls';
import { Duplex } from 'node:stream';
import { describe, expect, it } from 'vitest';

import { SMTPServer, UsageError, type TLSOptions } from '../../src/index.js';
import { CERTIFICATE, withServer, withSession, type Session, type SessionSetup } from './session.js';

/** A session, in clear, of a server with TLS. */
function withTLS(tls: TLSOptions, test: (session: Session) => Promise<void>, setup: SessionSetup = {}): Promise<void> {
  return withSession(test, { tls: { ...CERTIFICATE, ...tls }, ...setup });
}

/** A TLS 1.2 client, and the records that the server sends it: of this version the handshake can be read along. */
async function readRecords(port: number): Promise<readonly Buffer[]> {
  const plain = connectTCP(port, '127.0.0.1');
  const received: Buffer[] = [];
  const wire = new Duplex({
    read: () => undefined,
    write: (bytes: Buffer, _, done) => plain.write(bytes, done),
    final: (done) => plain.end(done),
  });
  plain.on('data', (bytes: Buffer) => {
    received.push(bytes);
    wire.push(bytes);
  });
  plain.on('end', () => wire.push(null));
  const secure = connectTLS({ socket: wire, rejectUnauthorized: false, maxVersion: 'TLSv1.2' });
  secure.on('data', () => undefined);
  secure.write('QUIT\r\n');
  await new Promise((resolve) => plain.once('close', resolve));
  secure.destroy();
  const all = Buffer.concat(received);
  const records: Buffer[] = [];
  for (let at = 0; at < all.length; at += 5 + all.readUInt16BE(at + 3)) {
    records.push(all.subarray(at, at + 5 + all.readUInt16BE(at + 3)));
  }
  return records;
}

/** The types of the server's handshake messages until encryption begins. */
function handshakeTypes(records: readonly Buffer[]): readonly number[] {
  const clear = records.slice(
    0,
    records.findIndex((record) => record[0] !== HANDSHAKE),
  );
  const messages = Buffer.concat(clear.map((record) => record.subarray(5)));
  const types: number[] = [];
  for (let at = 0; at < messages.length; at += 4 + messages.readUIntBE(at + 1, 3)) types.push(messages[at] ?? 0);
  return types;
}

// Types of records and of handshake messages (RFC 5246).
const ALERT = 21;
const HANDSHAKE = 22;
const SERVER_HELLO = 2;
const CERTIFICATE_REQUEST = 13;

describe('RFC 3207 §4: the STARTTLS command', () => {
  it('STARTTLS is offered in clear, takes no argument, and waits for EHLO and for the end of a transaction', () =>
    withTLS({ mode: 'offer' }, async ({ client, codes }) => {
      expect(await codes('STARTTLS')).toEqual([503]);
      expect((await client.command('EHLO client.example')).lines).toContain('STARTTLS');
      expect(await codes('STARTTLS now', 'MAIL FROM:<a@example.org>', 'STARTTLS', 'RSET', 'STARTTLS')).toEqual([
        501, 250, 503, 250, 220,
      ]);
      await client.startTLS();
      expect(await codes('EHLO client.example')).toEqual([250]);
    }));

  it('without TLS there is no STARTTLS', () =>
    withSession(async ({ client, codes }) => {
      expect((await client.command('EHLO client.example')).lines).not.toContain('STARTTLS');
      expect(await codes('STARTTLS')).toEqual([500]);
    }));

  it('where TLS is required, every command but NOOP, EHLO, STARTTLS and QUIT is answered 530 before it', () =>
    withTLS(
      { mode: 'require' },
      async ({ client, codes }) => {
        expect(await codes('NOOP', 'EHLO client.example')).toEqual([250, 250]);
        const commands = [
          'HELO client.example',
          'MAIL FROM:<a@example.org>',
          'RCPT TO:<b@example.net>',
          'DATA',
          'RSET',
        ];
        const others = [
          'BDAT 0 LAST',
          'VRFY bob',
          'EXPN list',
          'HELP',
          'AUTH PLAIN',
          'ETRN example.net',
          'XCLIENT A=B',
        ];
        for (const command of [...commands, ...others, 'XYZZY']) {
          const { code, lines } = await client.command(command);
          expect([command, code, lines[0]?.split(' ')[0]]).toEqual([command, 530, '5.7.0']);
        }
        expect(await codes('NOOP', 'STARTTLS')).toEqual([250, 220]);
        await client.startTLS();
        expect(await codes('EHLO client.example', 'MAIL FROM:<a@example.org>')).toEqual([250, 250]);
      },
      { auth: { mode: 'offer' } },
    ));
});

describe('RFC 3207 §4.1: after the handshake', () => {
  const tls = { clientCertificates: 'require', clientCA: CERTIFICATE.cert } as const;

  it('a client without the certificate that is required is answered 554 to everything but QUIT', () =>
    withTLS({ mode: 'offer', ...tls }, async ({ client, codes }) => {
      expect(await codes('EHLO client.example', 'STARTTLS')).toEqual([250, 220]);
      await client.startTLS();
      for (const command of ['EHLO client.example', 'NOOP', 'XYZZY', 'MAIL FROM:<a@example.org>']) {
        const { code, lines } = await client.command(command);
        expect([command, code, lines[0]?.split(' ')[0]]).toEqual([command, 554, '5.7.0']);
      }
      expect(await codes('QUIT')).toEqual([221]);
      await client.closed();
    }));

  it('where TLS comes first, such a client is greeted with 554 and waited for until QUIT', () =>
    withServer(
      async (_, connect) => {
        const client = await connect();
        await client.startTLS();
        expect((await client.reply()).code).toBe(554);
        expect((await client.command('EHLO client.example')).code).toBe(503);
        expect((await client.command('QUIT')).code).toBe(221);
        await client.closed();
      },
      { tls: { mode: 'implicit', ...CERTIFICATE, ...tls } },
    ));
});

describe('RFC 3207 §4.2: the session is as new', () => {
  it('on TLS the client is not greeted again, and says EHLO before anything else', () =>
    withTLS({ mode: 'offer' }, async ({ client, codes }) => {
      await codes('EHLO client.example', 'STARTTLS');
      await client.startTLS();
      await delay(50);
      expect(client.unread).toBe('');
      expect(await codes('MAIL FROM:<a@example.org>', 'EHLO other.example', 'MAIL FROM:<a@example.org>')).toEqual([
        503, 250, 250,
      ]);
    }));

  it('what the client said before is forgotten: its name, and who it proved to be', () =>
    withTLS(
      { mode: 'offer' },
      async ({ server, client, codes }) => {
        const seen: unknown[] = [];
        server.on('secured', ({ session }) => seen.push(session.clientName, session.identity));
        expect(await codes('EHLO client.example', 'AUTH PLAIN AHRpbQBzZWNyZXQ=', 'STARTTLS')).toEqual([250, 235, 220]);
        await client.startTLS();
        expect((await client.command('EHLO client.example')).lines).toContain('AUTH PLAIN LOGIN');
        expect(await codes('MAIL FROM:<a@example.org>')).toEqual([530]);
        expect(await codes('AUTH PLAIN AHRpbQBzZWNyZXQ=', 'MAIL FROM:<a@example.org>')).toEqual([235, 250]);
        expect(seen).toEqual([undefined, undefined]);
      },
      {
        auth: { mode: 'require', plaintext: 'always' },
        prepare: (server) => {
          server.use({ name: 'users', auth: () => ({ verified: true }) });
        },
      },
    ));

  it('STARTTLS is not offered on TLS, and is answered 503', () =>
    withTLS({ mode: 'offer' }, async ({ client, codes }) => {
      await codes('EHLO client.example', 'STARTTLS');
      await client.startTLS();
      expect((await client.command('EHLO client.example')).lines).not.toContain('STARTTLS');
      expect(await codes('STARTTLS', 'NOOP')).toEqual([503, 250]);
    }));

  it('what came in clear behind STARTTLS is dropped', () =>
    withTLS({ mode: 'offer' }, async ({ server, client, codes }) => {
      const violations: string[] = [];
      server.on('violation', ({ violation }) => violations.push(violation));
      await codes('EHLO client.example');
      client.send('STARTTLS\r\nEHLO attacker.example\r\nMAIL FROM:<attacker@example.org>\r\n');
      expect((await client.reply()).code).toBe(220);
      await client.startTLS();
      // Had any of it been kept, the first reply would be another.
      expect(await codes('MAIL FROM:<a@example.org>', 'EHLO client.example', 'RCPT TO:<b@example.net>')).toEqual([
        503, 250, 503,
      ]);
      expect(client.unread).toBe('');
      expect(violations).toEqual(['inputBehindSTARTTLS']);
    }));
});

describe('RFC 3207 §6: what was agreed on', () => {
  it('hooks are told of the version, the cipher suite, the name asked for and the certificate', async () => {
    const seen: unknown[] = [];
    await withTLS(
      { mode: 'offer', clientCertificates: 'request', clientCA: CERTIFICATE.cert },
      async ({ client, codes }) => {
        await codes('EHLO client.example', 'STARTTLS');
        await client.startTLS({ ...CERTIFICATE, servername: 'mail.example.test' });
        await codes('EHLO client.example', 'MAIL FROM:<a@example.org>');
        expect(seen).toMatchObject([
          {
            version: 'TLSv1.3',
            cipher: expect.stringMatching(/^TLS_/) as string,
            serverName: 'mail.example.test',
            peerCertificate: { commonName: 'mail.example.test' },
          },
        ]);
      },
      {
        prepare: (server) => {
          server.use({ name: 'policy', mail: ({ session }) => void seen.push(session.tls) });
        },
      },
    );
  });
});

describe('RFC 8314: TLS before anything else', () => {
  it('the handshake comes first, and the greeting behind it', () =>
    withServer(
      async (_, connect) => {
        const client = await connect();
        await delay(50);
        expect(client.unread).toBe('');
        await client.startTLS();
        expect((await client.reply()).code).toBe(220);
        const { code, lines } = await client.command('EHLO client.example');
        expect(code).toBe(250);
        expect(lines).not.toContain('STARTTLS');
        expect((await client.command('STARTTLS')).code).toBe(503);
        expect((await client.command('MAIL FROM:<a@example.org>')).code).toBe(250);
      },
      { tls: { mode: 'implicit', ...CERTIFICATE } },
    ));

  it('a client that speaks in clear where TLS comes first is told nothing', () =>
    withServer(
      async (_, connect) => {
        const client = await connect();
        client.send('EHLO client.example\r\n');
        await client.closed();
        expect(client.unread).not.toMatch(/^\d{3}/);
      },
      { tls: { mode: 'implicit', ...CERTIFICATE } },
    ));

  it('one server offers STARTTLS at one address, and has TLS first at another', () =>
    withServer(
      async (server, connect) => {
        const [clear, implicit] = server.addresses.map(({ port }) => port);
        const first = await connect(clear);
        expect((await first.reply()).code).toBe(220);
        expect((await first.command('EHLO client.example')).lines).toContain('STARTTLS');
        const second = await connect(implicit);
        await second.startTLS();
        expect((await second.reply()).code).toBe(220);
      },
      {
        localAddress: [
          { host: '127.0.0.1', port: 0 },
          { host: '127.0.0.1', port: 0, tls: 'implicit' },
        ],
        tls: { mode: 'offer', ...CERTIFICATE },
      },
    ));

  it('the server ends TLS with an alert before it closes', () =>
    withServer(
      async ({ port }) => {
        const records = await readRecords(port);
        expect(records.at(-1)?.[0]).toBe(ALERT);
      },
      { tls: { mode: 'implicit', ...CERTIFICATE } },
    ));

  it('no certificate is asked of a client unless the server is told to', async () => {
    const typesWith = async (tls: Partial<TLSOptions>): Promise<readonly number[]> => {
      let types: readonly number[] = [];
      await withServer(
        async ({ port }) => {
          types = handshakeTypes(await readRecords(port));
        },
        { tls: { mode: 'implicit', ...CERTIFICATE, ...tls } },
      );
      expect(types[0]).toBe(SERVER_HELLO);
      return types;
    };
    expect(await typesWith({})).not.toContain(CERTIFICATE_REQUEST);
    expect(await typesWith({ clientCertificates: 'request' })).toContain(CERTIFICATE_REQUEST);
  });
});

describe('RFC 8996: old versions', () => {
  // At its usual level of security OpenSSL would not even offer them.
  const old = { minVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;

  it.each(['TLSv1', 'TLSv1.1'] as const)('the version %s is refused', (maxVersion) =>
    withTLS({ mode: 'offer' }, async ({ client, codes }) => {
      await codes('EHLO client.example', 'STARTTLS');
      await expect(client.startTLS({ ...old, maxVersion })).rejects.toMatchObject({
        code: 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION',
      });
    }),
  );

  it('the versions 1.2 and 1.3 are spoken', () =>
    withTLS({ mode: 'offer' }, async ({ connect }) => {
      for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
        const client = await connect();
        await client.command('EHLO client.example');
        await client.command('STARTTLS');
        const socket = await client.startTLS({ ...old, maxVersion: version });
        expect(socket.getProtocol()).toBe(version);
      }
    }));

  it('no server can be told to speak older ones', () => {
    for (const minVersion of ['TLSv1', 'TLSv1.1']) {
      const tls = { mode: 'offer', ...CERTIFICATE, minVersion } as unknown as TLSOptions;
      expect(() => new SMTPServer({ tls })).toThrow(UsageError);
    }
  });
});

describe('RFC 8446 §5.1: records', () => {
  it('a client that begins TLS where it is not expected is answered once and let go', () =>
    withSession(async ({ server, client }) => {
      const violations: string[] = [];
      server.on('violation', ({ violation }) => violations.push(violation));
      // A record of type 22 with a ClientHello, as far as it fits: no line end is in it.
      client.send('\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc\u0003\u0003');
      expect((await client.closed()).map(({ code }) => code)).toEqual([421]);
      expect(violations).toEqual(['unexpectedTLS']);
    }));
});
