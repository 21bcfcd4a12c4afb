/**
 * SMTP smuggling: content that one reader takes for one message and another for two. Whatever stands around a dot, the message ends at
 * CRLF, dot, CRLF and nowhere else; what is in it is content, and no command.
 */

import { describe, expect, it } from 'vitest';

import type { KeepingServer } from '../server/support.js';
import { PUBLISHED, SMUGGLED, VARIANTS } from './smuggling-variants.js';
import { Attacker, expectCleanTransaction, expectNoFaults, startServer } from './support.js';

it('the published variants are there, 26 of them at least', () => {
  expect(new Set(PUBLISHED).size).toBeGreaterThanOrEqual(26);
  expect(VARIANTS.length).toBeGreaterThan(150);
});

describe.each(['reject', 'normalize', 'preserve'] as const)(
  'an end of data that is none, with lineEndings: %s',
  (lineEndings) => {
    it.each(['at once', 'octet by octet around the dot'] as const)(
      'never ends a message early nor splits one: %s',
      async (way) => {
        await using server = await startServer({ lineEndings, limits: { refusalsMax: Infinity } });
        await using client = await Attacker.connect(server);
        await client.command('EHLO client.example');
        for (const variant of VARIANTS) {
          server.messages.length = 0;
          const content = `Subject: one\r\n\r\nfirst${variant}${SMUGGLED}`;
          await client.commands('MAIL FROM:<a@a.example>', 'RCPT TO:<b@b.example>', 'DATA');
          if (way === 'at once') await client.send(`${content}.\r\n`);
          else await sendInPieces(client, [`Subject: one\r\n\r\nfirst`, ...variant, `${SMUGGLED}.\r\n`]);
          const { code } = await client.reply();
          // A line that begins with a dot loses it, and only that.
          const data = content.replaceAll('\r\n.', '\r\n');
          expectOneMessage(server, { variant, code, lineEndings, data });
          expect((await client.command(`NOOP`)).code).toBe(250);
          expect(client.unread).toBe('');
        }
        await expectCleanTransaction(server);
        expectNoFaults(server);
      },
    );
  },
);

describe('with BDAT', () => {
  it.each(['\r\n.\r\n', ...PUBLISHED])('there is no end of data: %j is content', async (variant) => {
    await using server = await startServer({ lineEndings: 'preserve' });
    await using client = await Attacker.connect(server);
    const content = `first${variant}${SMUGGLED}${variant}`;
    await client.commands('EHLO c', 'MAIL FROM:<a@a.example>', 'RCPT TO:<b@b.example>');
    await client.send(`BDAT ${String(content.length)} LAST\r\n${content}NOOP\r\n`);
    expect(await client.codes(2)).toEqual([250, 250]);
    expect(server.messages.map(({ data }) => Buffer.from(data).toString('latin1'))).toEqual([content]);
  });

  it('a chunk that is refused is taken all the same, so that nothing in it is a command', async () => {
    await using server = await startServer();
    await using client = await Attacker.connect(server);
    await client.command('EHLO c');
    for (const argument of [
      String(SMUGGLED.length),
      `${String(SMUGGLED.length)} LAST`,
      `${String(SMUGGLED.length)} FIRST`,
    ]) {
      await client.send(`BDAT ${argument}\r\n${SMUGGLED}`);
      expect((await client.reply()).code).toBe(503);
    }
    expect((await client.command('NOOP')).code).toBe(250);
    expect(server.messages).toEqual([]);
  });

  it.each(['-1', '0x44', '1e9', '9007199254740993', '68LAST', '６８'])(
    'a size that cannot be read closes: %s',
    async (size) => {
      await using server = await startServer();
      await using client = await Attacker.connect(server);
      await client.commands('EHLO c', 'MAIL FROM:<a@a.example>', 'RCPT TO:<b@b.example>');
      await client.send(Buffer.from(`BDAT ${size} LAST\r\n${SMUGGLED}.\r\n`));
      expect(await client.closed()).toEqual([421]);
      expect(server.messages).toEqual([]);
    },
  );
});

describe('commands', () => {
  it.each(['\n', '\r', '\r\r\n', '\0\r\n', '\n\r\n'])(
    'are not split at %j, and what ends so does nothing',
    async (end) => {
      await using server = await startServer();
      await using client = await Attacker.connect(server);
      await client.command('EHLO c');
      await client.send(`RSET${end}MAIL FROM:<evil@evil.example>\r\nRCPT TO:<b@b.example>\r\nNOOP\r\n`);
      // With a CRLF somewhere in it, MAIL is a line of its own; without one it belongs to the line that is dropped.
      const expected = end.endsWith('\r\n') ? [500, 250, 250, 250] : [500, 503, 250];
      expect(await client.codes(expected.length)).toEqual(expected);
      expect(client.unread).toBe('');
    },
  );
});

interface Outcome {
  readonly variant: string;
  readonly code: number;
  readonly lineEndings: 'reject' | 'normalize' | 'preserve';
  readonly data: string;
}

/** One message and all of it, or none, because of its line ends. */
function expectOneMessage(server: KeepingServer, { variant, code, lineEndings, data }: Outcome): void {
  const name = JSON.stringify(variant);
  const delivered = server.messages.map((message) => Buffer.from(message.data).toString('latin1'));
  const isClean = !/\r(?!\n)|(?<!\r)\n/.test(data);
  if (lineEndings === 'reject' && !isClean) {
    expect([name, code, delivered]).toEqual([name, 550, []]);
    return;
  }
  const expected = lineEndings === 'normalize' ? data.replace(/\r\n|\r|\n/g, '\r\n') : data;
  expect([name, code, delivered]).toEqual([name, 250, [expected]]);
}

async function sendInPieces(client: Attacker, pieces: readonly string[]): Promise<void> {
  for (const piece of pieces) await client.send(piece);
}
