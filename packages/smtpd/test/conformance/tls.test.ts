/**
 * What RFC 3207 (STARTTLS), RFC 8314 (TLS before anything else) and RFC 8996 (no TLS before 1.2) ask of a server, with real sockets and
 * real handshakes. `requirements-tls.ts` says which test stands for which clause.
 */

import { describe, expect, it } from 'vitest';

import type { TLSOptions } from '../../src/index.js';
import { CERTIFICATE, withServer, withSession, type Session, type SessionSetup } from './session.js';

/** A session, in clear, of a server with TLS. */
function withTLS(tls: TLSOptions, test: (session: Session) => Promise<void>, setup: SessionSetup = {}): Promise<void> {
  return withSession(test, { tls: { ...CERTIFICATE, ...tls }, ...setup });
}

describe('RFC 3207 §4: the STARTTLS command', () => {
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
