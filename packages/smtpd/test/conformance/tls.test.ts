/**
 * What RFC 3207 (STARTTLS), RFC 8314 (TLS before anything else) and RFC 8996 (no TLS before 1.2) ask of a server, with real sockets and
 * real handshakes. `requirements-tls.ts` says which test stands for which clause.
 */

import { describe, expect, it } from 'vitest';

import type { TLSOptions } from '../../src/index.js';
import { CERTIFICATE, withSession, type Session, type SessionSetup } from './session.js';

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
