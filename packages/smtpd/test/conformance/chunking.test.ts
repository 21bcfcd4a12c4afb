/**
 * What RFC 3030 (CHUNKING and BINARYMIME) asks of a server, with a real server over TCP. `requirements-chunking.ts` says which test stands
 * for which clause.
 */

import { describe, expect, it } from 'vitest';

import { contentOf, withSession, type Session, type SessionSetup } from './session.js';

const MAIL = 'MAIL FROM:<alice@example.org>';
const RCPT = 'RCPT TO:<bob@example.net>';

/** A session with an open transaction that has one recipient. */
function withTransaction(
  test: (session: Session) => Promise<void>,
  { mail = MAIL, ...setup }: SessionSetup & { readonly mail?: string } = {},
): Promise<void> {
  return withSession(async (session) => {
    expect(await session.codes('EHLO client.example', mail, RCPT)).toEqual([250, 250, 250]);
    await test(session);
  }, setup);
}

/** A chunk as it is sent. */
const chunk = (content: string, isLast = false): string =>
  `BDAT ${String(content.length)}${isLast ? ' LAST' : ''}\r\n${content}`;

describe('RFC 3030 §2: CHUNKING', () => {
  it('a chunk that is refused ends the transaction, and chunks behind it are taken and refused', async () => {
    let refusals = 1;
    await withTransaction(
      async ({ client, codes, messages }) => {
        client.send(chunk('one\r\n') + chunk('two\r\n') + chunk('RSET\r\n', true));
        expect((await client.replies(3)).map(({ code }) => code)).toEqual([451, 503, 503]);
        expect(messages).toEqual([]);
        expect(await codes(MAIL, RCPT)).toEqual([250, 250]);
        client.send(chunk('whole\r\n', true));
        expect((await client.reply()).code).toBe(250);
        expect(messages.map(contentOf)).toEqual(['whole\r\n']);
      },
      {
        // It says no once; whoever asked it again for the next chunk would hear yes.
        prepare: (server) => {
          server.use({ name: 'busy', data: () => (refusals-- > 0 ? '451 4.3.0 Busy' : undefined) });
        },
      },
    );
  });

  it('a chunk that is not well formed is taken all the same, and ends the transaction', () =>
    withTransaction(async ({ client, codes, messages }) => {
      client.send(`${chunk('one\r\n')}BDAT 6 FIRST\r\nRSET\r\n${chunk('two\r\n', true)}`);
      expect((await client.replies(3)).map(({ code }) => code)).toEqual([250, 501, 503]);
      expect(messages).toEqual([]);
      expect(await codes(MAIL)).toEqual([250]);
    }));
});
