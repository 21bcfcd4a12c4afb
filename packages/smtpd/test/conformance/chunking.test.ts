/**
 * What RFC 3030 (CHUNKING and BINARYMIME) asks of a server, with a real server over TCP. `requirements-chunking.ts` says which test stands
 * for which clause.
 */

import { setTimeout as delay } from 'node:timers/promises';
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

/** Every octet there is, line ends and dots among them, with nothing that ends a line at the end. */
const EVERY_OCTET = `.\r\n..\r\n\n\r${Array.from({ length: 256 }, (_, octet) => String.fromCharCode(octet)).join('')}\r\n.\r\nx`;

describe('RFC 3030 §2: CHUNKING', () => {
  it('CHUNKING is offered without parameters, and BDAT with it', async () => {
    await withTransaction(async ({ client }) => {
      expect((await client.command('EHLO client.example')).lines).toContain('CHUNKING');
    });
    await withTransaction(
      async ({ client, codes }) => {
        expect((await client.command('EHLO client.example')).lines).not.toContain('CHUNKING');
        expect(await codes('BDAT 0 LAST')).toEqual([500]);
      },
      { disabledExtensions: ['CHUNKING'] },
    );
  });

  it('each chunk is answered 250 when its octets have come, and the last one delivers them all as they were', () =>
    withTransaction(async ({ client, messages }) => {
      const parts = ['Subject: x\r\n', '\r\n.\r\n', '', '..QUIT\r\n.', '\r\nend\r\n'];
      for (const [index, part] of parts.entries()) {
        client.send(chunk(part, index === parts.length - 1));
        expect((await client.reply()).code).toBe(250);
        expect(messages).toHaveLength(index === parts.length - 1 ? 1 : 0);
      }
      expect(contentOf(messages[0])).toBe(parts.join(''));
    }));

  it('the last chunk may be empty', () =>
    withTransaction(async ({ client, codes, messages }) => {
      client.send(chunk('whole\r\n'));
      expect((await client.reply()).code).toBe(250);
      expect(await codes('BDAT 0 LAST')).toEqual([250]);
      expect(messages.map(contentOf)).toEqual(['whole\r\n']);
    }));

  it('chunks may be sent ahead, and are answered in order', () =>
    withTransaction(async ({ client, messages }) => {
      client.send(`${chunk('one\r\n')}${chunk('two\r\n', true)}NOOP\r\n${MAIL}\r\n`);
      expect((await client.replies(4)).map(({ code }) => code)).toEqual([250, 250, 250, 250]);
      expect(messages.map(contentOf)).toEqual(['one\r\ntwo\r\n']);
    }));

  it('a chunk behind the last one is answered 503', () =>
    withTransaction(async ({ client, messages }) => {
      client.send(chunk('one\r\n', true) + chunk('RSET\r\n') + chunk('RSET\r\n', true));
      expect((await client.replies(3)).map(({ code }) => code)).toEqual([250, 503, 503]);
      expect(messages).toHaveLength(1);
    }));

  it('the octets of a chunk that is out of sequence are no commands', () =>
    withSession(async ({ client, codes }) => {
      const octets = 'NOOP\r\nNOOP\r\n';
      client.send(chunk(octets, true));
      expect((await client.reply()).code).toBe(503);
      expect(await codes('EHLO client.example')).toEqual([250]);
      client.send(chunk(octets, true));
      expect((await client.reply()).code).toBe(503);
      expect(await codes(MAIL)).toEqual([250]);
      client.send(chunk(octets, true));
      expect((await client.reply()).code).toBe(503);
      expect(await codes('HELP')).toEqual([214]);
      expect(client.unread).toBe('');
    }));

  it('a chunk is refused when its octets have come, not before', () =>
    withSession(async ({ client, codes }) => {
      await codes('EHLO client.example');
      client.send('BDAT 12\r\nNOOP\r\nNO');
      await delay(50);
      expect(client.unread).toBe('');
      client.send('OP\r\nHELP\r\n');
      expect((await client.replies(2)).map(({ code }) => code)).toEqual([503, 214]);
    }));

  it('DATA behind a chunk is answered 503, and so is RCPT, until RSET', () =>
    withTransaction(async ({ client, codes, messages }) => {
      client.send(chunk('one\r\n'));
      expect((await client.reply()).code).toBe(250);
      expect(await codes('DATA', RCPT, 'RSET', MAIL, RCPT, 'DATA')).toEqual([503, 503, 250, 250, 250, 354]);
      expect((await client.command('by DATA\r\n.')).code).toBe(250);
      expect(messages.map(contentOf)).toEqual(['by DATA\r\n']);
    }));

  it('RSET between two chunks gives up all that came', () =>
    withTransaction(async ({ client, codes, messages }) => {
      client.send(chunk('old\r\n'));
      expect((await client.reply()).code).toBe(250);
      expect(await codes('RSET', MAIL, RCPT)).toEqual([250, 250, 250]);
      client.send(chunk('new\r\n', true));
      expect((await client.reply()).code).toBe(250);
      expect(messages.map(contentOf)).toEqual(['new\r\n']);
    }));

  it('a message that grows too large is refused with 552 when its chunk has come, and so is all behind it', () =>
    withTransaction(
      async ({ client, codes, messages }) => {
        client.send(chunk('123456\r\n') + chunk('1234567890\r\n') + chunk('RSET\r\n', true));
        expect((await client.replies(3)).map(({ code }) => code)).toEqual([250, 552, 503]);
        expect(messages).toEqual([]);
        expect(await codes(MAIL)).toEqual([250]);
      },
      { dataSizeLimit: 10 },
    ));

  it('text in chunks has lines that end in CRLF, also where two chunks meet', () =>
    withTransaction(async ({ client, codes, messages }) => {
      client.send(chunk('one\r') + chunk('\ntwo\r\n', true));
      expect((await client.replies(2)).map(({ code }) => code)).toEqual([250, 250]);
      expect(messages.map(contentOf)).toEqual(['one\r\ntwo\r\n']);
      for (const content of ['one\ntwo\r\n', 'one\rtwo\r\n', 'one\r']) {
        await codes(MAIL, RCPT);
        client.send(chunk(content, true));
        expect((await client.reply()).code).toBe(550);
      }
      expect(messages).toHaveLength(1);
    }));

  it('what a chunk did not count is read as commands, and refused whatever it is', () =>
    withTransaction(async ({ client, codes }) => {
      client.send(`BDAT 4\r\nfour${'\u0000\u00ff\u0001'.repeat(300)}\r\n`);
      expect((await client.replies(2)).map(({ code }) => code)).toEqual([250, 500]);
      expect(await codes('RSET', 'NOOP')).toEqual([250, 250]);
    }));

  it('LAST is understood in any case, and a size is decimal digits', () =>
    withTransaction(async ({ client, codes, messages }) => {
      client.send('bdat 5 last\r\none\r\n');
      expect((await client.reply()).code).toBe(250);
      expect(messages).toHaveLength(1);
      // No transaction is open any more.
      expect(await codes('BDAT')).toEqual([503]);
      // Where it ends nobody can tell, nor where the next command begins.
      client.send('BDAT 0x10\r\nNOOP\r\n');
      expect((await client.closed()).map(({ code }) => code)).toEqual([421]);
    }));

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

describe('RFC 3030 §3: BINARYMIME', () => {
  const BINARY = `${MAIL} BODY=BINARYMIME`;

  it('BINARYMIME is offered only together with CHUNKING and 8BITMIME, and then is a value of BODY', async () => {
    await withSession(async ({ client, codes }) => {
      expect((await client.command('EHLO client.example')).lines).toContain('BINARYMIME');
      expect(await codes(`${MAIL} BODY=BinaryMime`)).toEqual([250]);
    });
    for (const disabled of ['CHUNKING', '8BITMIME', 'BINARYMIME']) {
      await withSession(
        async ({ client, codes }) => {
          expect((await client.command('EHLO client.example')).lines).not.toContain('BINARYMIME');
          expect(await codes(BINARY)).toEqual([disabled === '8BITMIME' ? 555 : 501]);
        },
        { disabledExtensions: [disabled] },
      );
    }
  });

  it('all bits of each octet are kept, and nothing is taken for a line', () =>
    withTransaction(
      async ({ client, messages }) => {
        client.send(chunk(EVERY_OCTET.slice(0, 7)) + chunk(EVERY_OCTET.slice(7), true));
        expect((await client.replies(2)).map(({ code }) => code)).toEqual([250, 250]);
        expect(contentOf(messages[0])).toBe(EVERY_OCTET);
        expect(messages[0]?.mailOptions).toEqual(['BODY=BINARYMIME']);
      },
      { mail: BINARY },
    ));

  it('DATA is answered 503 when BODY was BINARYMIME', () =>
    withTransaction(
      async ({ codes }) => {
        expect(await codes('DATA', 'RSET', MAIL, RCPT, 'DATA')).toEqual([503, 250, 250, 250, 354]);
      },
      { mail: BINARY },
    ));
});
