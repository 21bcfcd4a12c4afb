/**
 * What RFC 2033 (LMTP) asks of a server, with a real server over TCP. `requirements-lmtp.ts` says which test stands for which clause.
 */

import { describe, expect, it } from 'vitest';

import { withSession, type Session, type SessionSetup } from './session.js';

const MAIL = 'MAIL FROM:<alice@example.org>';
const rcpt = (name: string): string => `RCPT TO:<${name}@example.net>`;

/** A session of an LMTP server that has said LHLO. */
function withLMTP(test: (session: Session) => Promise<void>, setup: SessionSetup = {}): Promise<void> {
  return withSession(
    async (session) => {
      expect(await session.codes('LHLO client.example')).toEqual([250]);
      await test(session);
    },
    { protocol: 'lmtp', ...setup },
  );
}

/** Knows everybody but `nobody`, and delivers to nobody whose mailbox is full. */
const MAILBOXES: SessionSetup = {
  prepare: (server) => {
    server.use({
      name: 'mailboxes',
      rcpt: ({ path }) => (path.localPart === 'nobody' ? '550 5.1.1 No such mailbox' : undefined),
    });
  },
  answer: ({ rcptTos }) =>
    new Map(
      rcptTos.map((address) => [
        address,
        address.startsWith('full') ? '452 4.2.2 The mailbox is full' : '250 2.1.5 OK',
      ]),
    ),
};

describe('RFC 2033 §4.1: LHLO', () => {
  it('LHLO does what EHLO does', () =>
    withSession(
      async ({ client, codes }) => {
        expect(await codes(MAIL)).toEqual([503]);
        const { code, lines } = await client.command('LHLO client.example');
        expect([code, lines[0]]).toEqual([250, 'mail.example.test']);
        expect(lines.length).toBeGreaterThan(1);
        expect(await codes(`${MAIL} BODY=8BITMIME`, 'LHLO client.example', MAIL, 'LHLO')).toEqual([250, 250, 250, 501]);
      },
      { protocol: 'lmtp' },
    ));

  it('HELO and EHLO are refused with 500, and in SMTP so is LHLO', async () => {
    await withSession(
      async ({ codes }) => {
        expect(await codes('HELO client.example', 'EHLO client.example', MAIL)).toEqual([500, 500, 503]);
      },
      { protocol: 'lmtp' },
    );
    await withSession(async ({ codes }) => {
      expect(await codes('LHLO client.example', MAIL)).toEqual([500, 503]);
    });
  });
});

describe('RFC 2033 §4.2: DATA', () => {
  it('DATA without a recipient that was accepted is answered 503', () =>
    withLMTP(async ({ codes }) => {
      expect(await codes(MAIL, 'DATA', rcpt('nobody'), 'DATA')).toEqual([250, 503, 550, 503]);
    }, MAILBOXES));

  it('the end of data has one reply for each recipient that was accepted, in order', () =>
    withLMTP(async ({ client, codes, messages }) => {
      await codes(MAIL, rcpt('ann'), rcpt('nobody'), rcpt('full'), rcpt('bob'), 'DATA');
      client.send('x\r\n.\r\nNOOP\r\n');
      const replies = await client.replies(4);
      expect(replies.map(({ code }) => code)).toEqual([250, 452, 250, 250]);
      expect(replies[1]?.lines).toEqual(['4.2.2 The mailbox is full']);
      expect(messages.map(({ rcptTos }) => rcptTos.length)).toEqual([3]);
    }, MAILBOXES));

  it('a recipient that was accepted twice has two replies', () =>
    withLMTP(async ({ client, codes }) => {
      await codes(MAIL, rcpt('full'), rcpt('bob'), rcpt('full'), 'DATA');
      client.send('x\r\n.\r\nNOOP\r\n');
      expect((await client.replies(4)).map(({ code }) => code)).toEqual([452, 250, 452, 250]);
    }, MAILBOXES));

  it('one verdict for all is said once for each of them', async () => {
    for (const [verdict, code] of [
      [undefined, 250],
      ['554 5.6.0 Not wanted', 554],
    ] as const) {
      await withLMTP(
        async ({ client, codes }) => {
          await codes(MAIL, rcpt('ann'), rcpt('bob'), rcpt('ann'), 'DATA');
          client.send('x\r\n.\r\nNOOP\r\n');
          expect((await client.replies(4)).map((reply) => reply.code)).toEqual([code, code, code, 250]);
        },
        { answer: () => verdict },
      );
    }
  });

  it('content that is refused for its form is refused for each of them', () =>
    withLMTP(async ({ client, codes }) => {
      await codes(MAIL, rcpt('ann'), rcpt('bob'), 'DATA');
      client.send('bare\nline\r\n.\r\nNOOP\r\n');
      expect((await client.replies(3)).map(({ code }) => code)).toEqual([550, 550, 250]);
    }));

  it('in SMTP there is one reply for all', () =>
    withSession(async ({ client, codes }) => {
      await codes('EHLO client.example', MAIL, rcpt('ann'), rcpt('bob'), 'DATA');
      client.send('x\r\n.\r\nNOOP\r\n');
      expect((await client.replies(2)).map(({ code }) => code)).toEqual([250, 250]);
    }, MAILBOXES));
});

describe('RFC 2033 §4.3: BDAT', () => {
  it('the last chunk has one reply for each recipient that was accepted, and any other chunk has one', () =>
    withLMTP(async ({ client, codes }) => {
      await codes(MAIL, rcpt('ann'), rcpt('nobody'), rcpt('full'), rcpt('ann'));
      client.send('BDAT 5\r\none\r\nBDAT 5 LAST\r\ntwo\r\nNOOP\r\n');
      expect((await client.replies(5)).map(({ code }) => code)).toEqual([250, 250, 452, 250, 250]);
    }, MAILBOXES));

  it('the last chunk without a recipient is answered 503, as DATA is', () =>
    withLMTP(async ({ client, codes }) => {
      await codes(MAIL, rcpt('nobody'));
      client.send('BDAT 5 LAST\r\none\r\nNOOP\r\n');
      expect((await client.replies(2)).map(({ code }) => code)).toEqual([503, 250]);
    }, MAILBOXES));
});

describe('RFC 2033 §5: what every LMTP server has', () => {
  it('PIPELINING, ENHANCEDSTATUSCODES and 8BITMIME are offered', () =>
    withLMTP(async ({ client }) => {
      const { lines } = await client.command('LHLO client.example');
      expect(lines).toEqual(expect.arrayContaining(['PIPELINING', 'ENHANCEDSTATUSCODES', '8BITMIME']));
    }));
});
