/**
 * What the RFCs of the extensions ask of a server: 1870 (SIZE), 2034 (ENHANCEDSTATUSCODES), 2920 (PIPELINING), 6152 (8BITMIME) and
 * 6531 (SMTPUTF8). `requirements.ts` says which test stands for which clause.
 */

import { describe, expect, it } from 'vitest';

import { Reply } from '../../src/index.js';
import { contentOf, HOSTNAME, withSession } from './session.js';
import { WatchedClient } from './watched-client.js';

/** `é` as it goes over the wire in UTF-8, each octet as one character. */
const E_ACUTE = '\u00c3\u00a9';

describe('RFC 1870: SIZE', () => {
  it('the largest message is declared, and without a limit nothing is', async () => {
    const linesOf = async (dataSizeLimit: number | null): Promise<readonly string[]> => {
      let lines: readonly string[] = [];
      await withSession(
        async ({ client }) => {
          ({ lines } = await client.command('EHLO client.example'));
        },
        { dataSizeLimit },
      );
      return lines;
    };
    expect(await linesOf(1_000_000)).toContain('SIZE 1000000');
    expect((await linesOf(null)).join()).not.toContain('SIZE');
  });

  it('a declared size is one to twenty digits', () =>
    withSession(
      async ({ codes }) => {
        await codes('EHLO client.example');
        expect(await codes(`MAIL FROM:<> SIZE=${'0'.repeat(20)}`, 'RSET')).toEqual([250, 250]);
        expect(
          await codes('MAIL FROM:<> SIZE', 'MAIL FROM:<> SIZE=', 'MAIL FROM:<> SIZE=-1', 'MAIL FROM:<> SIZE=1e3'),
        ).toEqual([501, 501, 501, 501]);
        expect(await codes(`MAIL FROM:<> SIZE=${'1'.repeat(21)}`)).toEqual([501]);
      },
      { dataSizeLimit: null },
    ));

  it('a size is understood also where none is offered', () =>
    withSession(
      async ({ codes }) => {
        expect(await codes('EHLO client.example', 'MAIL FROM:<> SIZE=99999999999')).toEqual([250, 250]);
      },
      { dataSizeLimit: null },
    ));

  it('SIZE lengthens the MAIL line by 26', () =>
    withSession(
      async ({ codes }) => {
        const path = `<${'a'.repeat(512 - 'MAIL FROM:<>\r\n'.length)}>`;
        await codes('EHLO client.example');
        expect(await codes(`MAIL FROM:${path} SIZE=${'0'.repeat(20)}`)).toEqual([250]);
      },
      { decodeData: true },
    ));

  it('a declared size above the limit is refused with 552 at MAIL', () =>
    withSession(
      async ({ codes }) => {
        expect(await codes('EHLO client.example', 'MAIL FROM:<> SIZE=1001', 'MAIL FROM:<> SIZE=1000')).toEqual([
          250, 552, 250,
        ]);
      },
      { dataSizeLimit: 1_000 },
    ));

  it('octets are counted with every CRLF, without doubled dots and the last dot, and no more than the limit are taken', () =>
    withSession(
      async ({ openMessage, finish, messages }) => {
        await openMessage();
        expect((await finish('..2345678\r\n')).code).toBe(250);
        expect(messages[0]?.facts.sizeBytes).toBe(10);
        expect(contentOf(messages[0])).toBe('.2345678\r\n');
        await openMessage();
        expect((await finish('..23456789\r\n')).code).toBe(552);
        expect(messages).toHaveLength(1);
      },
      { dataSizeLimit: 10 },
    ));

  it('a message larger than declared is taken while it is within the limit, and refused with 552 beyond', () =>
    withSession(
      async ({ codes, finish, messages }) => {
        const open = ['EHLO c.example', 'MAIL FROM:<> SIZE=5', 'RCPT TO:<bob@example.net>', 'DATA'] as const;
        await codes(...open);
        expect((await finish('0123456789\r\n')).code).toBe(250);
        await codes(...open);
        expect((await finish('0123456789'.repeat(4) + '\r\n')).code).toBe(552);
        expect(messages).toHaveLength(1);
      },
      { dataSizeLimit: 20 },
    ));

  it('a hook may refuse a recipient for the declared size', () =>
    withSession(
      async ({ codes }) => {
        expect(
          await codes(
            'EHLO c.example',
            'MAIL FROM:<> SIZE=500',
            'RCPT TO:<small@example.net>',
            'RCPT TO:<b@example.net>',
          ),
        ).toEqual([250, 250, 552, 250]);
      },
      {
        prepare: (server) => {
          server.use({
            name: 'quota',
            rcpt: ({ path, session }) =>
              path.localPart === 'small' && session.envelope?.mailOptions.includes('SIZE=500') === true
                ? '552 5.2.3 Too large for this mailbox'
                : undefined,
          });
        },
      },
    ));
});

describe('RFC 2034: ENHANCEDSTATUSCODES', () => {
  it('every 2yz, 4yz and 5yz reply but those to connecting, EHLO and HELO has a code of its class, also after HELO', () =>
    withSession(async ({ client, greeting }) => {
      expect(greeting.lines[0]).toMatch(/^mail\.example\.test /);
      expect((await client.command('HELO client.example')).lines).toEqual([HOSTNAME]);
      const commands = [
        ...[
          'NOOP',
          'BOGUS',
          '',
          'HELP',
          'HELP X',
          'VRFY b',
          'EXPN b',
          'DATA',
          'RCPT TO:<b@c.example>',
          'RSET x',
          'EHLO',
        ],
        ...[
          'EHLO c.example',
          'MAIL FROM:<',
          'MAIL FROM:<> X=1',
          `MAIL FROM:<${E_ACUTE}@c.example>`,
          'MAIL FROM:<> SIZE=99999999999',
        ],
        ...['MAIL FROM:<>', 'MAIL FROM:<>', 'RCPT TO:<b@c.example> X=1', 'RCPT TO:<b@c.example>', 'RSET'],
      ];
      for (const command of commands) {
        const { code, lines } = await client.command(command);
        if (command === 'EHLO c.example') expect(lines).toContain('ENHANCEDSTATUSCODES');
        else
          for (const line of lines)
            expect(line, command).toMatch(new RegExp(`^${String(code).charAt(0)}\\.\\d{1,3}\\.\\d{1,3} `));
      }
      expect((await client.command('QUIT')).lines[0]).toMatch(/^2\.0\.0 /);
    }));

  it('every line of a reply begins with the same code', () =>
    withSession(
      async ({ openMessage, client }) => {
        await openMessage();
        client.send('x\r\n.\r\n');
        expect((await client.reply()).lines).toEqual(['5.7.1 one', '5.7.1 two', '5.7.1 three']);
      },
      { answer: () => new Reply(550, '5.7.1', ['one', 'two', 'three']) },
    ));

  it('there is no code in the 3yz class, and none of another class', () =>
    withSession(async ({ codes, client }) => {
      await codes('EHLO c.example', 'MAIL FROM:<>', 'RCPT TO:<b@c.example>');
      expect(await client.command('DATA')).toEqual({ code: 354, lines: ['End data with <CR><LF>.<CR><LF>'] });
      expect(() => new Reply(354, '3.0.0', 'x')).toThrow();
      expect(() => new Reply(550, '4.7.1', 'x')).toThrow();
      expect(() => new Reply(550, '5.07.1', 'x')).toThrow();
    }));
});

describe('RFC 2920: PIPELINING', () => {
  const GROUP =
    'EHLO c.example\r\nMAIL FROM:<>\r\nRCPT TO:<bob@example.net>\r\nRCPT TO:<nobody@example.net>\r\nDATA\r\n';
  const prepare = (server: Parameters<NonNullable<Parameters<typeof withSession>[1]>['prepare'] & object>[0]): void => {
    server.use({
      name: 'users',
      // Decided in a later turn, as by a directory.
      rcpt: async ({ path }) => {
        await Promise.resolve();
        return path.localPart === 'nobody' ? '550 5.1.1 No such user' : undefined;
      },
    });
  };

  it('commands are answered in the order in which they came', () =>
    withSession(
      async ({ client }) => {
        client.send(GROUP);
        expect((await client.replies(5)).map(({ code }) => code)).toEqual([250, 250, 250, 550, 354]);
      },
      { prepare },
    ));

  it('what came behind a command that fails is not lost', () =>
    withSession(
      async ({ client, messages }) => {
        client.send(`BOGUS\r\n${GROUP}x\r\n.\r\nMAIL FROM:<\r\nMAIL FROM:<>\r\nNOOP\r\n`);
        expect((await client.replies(10)).map(({ code }) => code)).toEqual([
          500, 250, 250, 250, 550, 354, 250, 501, 250, 250,
        ]);
        expect(messages.map((message) => contentOf(message))).toEqual(['x\r\n']);
      },
      { prepare },
    ));

  it('DATA is accepted exactly when there is a valid recipient', () =>
    withSession(
      async ({ client, messages }) => {
        client.send('EHLO c.example\r\nMAIL FROM:<>\r\nRCPT TO:<nobody@example.net>\r\nDATA\r\nRSET\r\n');
        expect((await client.replies(5)).map(({ code }) => code)).toEqual([250, 250, 550, 503, 250]);
        client.send('MAIL FROM:<>\r\nRCPT TO:<bob@example.net>\r\nRCPT TO:<nobody@example.net>\r\nDATA\r\n');
        expect((await client.replies(4)).map(({ code }) => code)).toEqual([250, 250, 550, 354]);
        expect(messages).toEqual([]);
      },
      { prepare },
    ));

  it('replies leave as soon as there is nothing more to read', () =>
    withSession(async ({ server }) => {
      const client = await WatchedClient.connect(server);
      expect(await client.send('EHLO c.example\r\nMAIL FROM:<>\r\nRCPT TO:<b@c.exa')).toBe(2);
      expect(await client.send('mple>\r\nNOOP\r\n')).toBe(2);
    }));

  it('the replies to one group leave together', () =>
    withSession(async ({ client, codes }) => {
      await codes('EHLO c.example');
      const group = ['MAIL FROM:<>', ...Array.from({ length: 20 }, () => 'RCPT TO:<b@c.example>')];
      client.send(group.map((line) => `${line}\r\n`).join(''));
      await client.reply();
      // The first reply has come, so have the others: they were in the same write.
      expect(client.unread.split('\r\n')).toHaveLength(20 + 1);
    }));

  it('nothing is assumed about commands to come: the sequence is judged when each is read', () =>
    withSession(async ({ client, messages }) => {
      client.send('EHLO c.example\r\nMAIL FROM:<>\r\nRSET\r\nRCPT TO:<b@c.example>\r\nDATA\r\nNOOP\r\n');
      expect((await client.replies(6)).map(({ code }) => code)).toEqual([250, 250, 250, 503, 503, 250]);
      expect(messages).toEqual([]);
    }));
});

describe('RFC 6152: 8BITMIME', () => {
  it('8BITMIME is offered, with BODY=7BIT and BODY=8BITMIME in any case and nothing else', () =>
    withSession(
      async ({ client, codes }) => {
        expect((await client.command('EHLO c.example')).lines).toContain('8BITMIME');
        for (const value of ['7BIT', '8BITMIME', '8BitMime', '7bit']) {
          expect(await codes(`MAIL FROM:<> BODY=${value}`, 'RSET')).toEqual([250, 250]);
        }
        const wrong = ['MAIL FROM:<> BODY=9BIT', 'MAIL FROM:<> BODY=BINARYMIME', 'MAIL FROM:<> BODY'];
        expect(await codes(...wrong)).toEqual([501, 501, 501]);
      },
      // BINARYMIME has a value of its own.
      { disabledExtensions: ['BINARYMIME'] },
    ));

  it('8BITMIME lengthens the MAIL line by 17', () =>
    withSession(
      async ({ codes }) => {
        const path = `<${'a'.repeat(512 - 'MAIL FROM:<>\r\n'.length)}>`;
        await codes('EHLO client.example');
        expect(await codes(`MAIL FROM:${path} BODY=8BITMIME`)).toEqual([250]);
      },
      { dataSizeLimit: null, enableSMTPUTF8: false },
    ));

  it('all bits of each octet are kept, whatever BODY said', () =>
    withSession(async ({ codes, finish, messages }) => {
      const content = `\r\n${Array.from({ length: 256 }, (_, octet) => String.fromCharCode(octet))
        .filter((c) => c !== '\r' && c !== '\n')
        .join('')}\r\n`;
      for (const body of ['8BITMIME', '7BIT']) {
        await codes('EHLO c.example', `MAIL FROM:<> BODY=${body}`, 'RCPT TO:<b@c.example>', 'DATA');
        expect((await finish(content)).code).toBe(250);
        expect(contentOf(messages.at(-1))).toBe(content);
      }
    }));

  it('dots are stuffed and the last CRLF is content as ever', () =>
    withSession(async ({ codes, finish, messages }) => {
      await codes('EHLO c.example', 'MAIL FROM:<> BODY=8BITMIME', 'RCPT TO:<b@c.example>', 'DATA');
      await finish(`..${E_ACUTE}\r\n`);
      expect(contentOf(messages[0])).toBe(`.${E_ACUTE}\r\n`);
    }));
});

describe('RFC 6531: SMTPUTF8', () => {
  it('SMTPUTF8 is offered without a parameter, together with 8BITMIME', async () => {
    await withSession(async ({ client }) => {
      expect((await client.command('EHLO c.example')).lines).toEqual(expect.arrayContaining(['SMTPUTF8', '8BITMIME']));
    });
    await withSession(
      async ({ client }) => {
        expect((await client.command('EHLO c.example')).lines).not.toContain('SMTPUTF8');
      },
      { decodeData: true },
    );
  });

  it('UTF-8 may stand wherever a mailbox may, and arrives decoded', () =>
    withSession(async ({ codes, finish, messages }) => {
      expect(
        await codes(
          'EHLO c.example',
          `MAIL FROM:<${E_ACUTE}@${E_ACUTE}.example> SMTPUTF8`,
          `RCPT TO:<"${E_ACUTE} x"@example.net>`,
          `VRFY ${E_ACUTE} SMTPUTF8`,
          'DATA',
        ),
      ).toEqual([250, 250, 250, 252, 354]);
      await finish('x\r\n');
      expect(messages[0]).toMatchObject({
        mailFrom: 'é@é.example',
        rcptTos: ['"é x"@example.net'],
        mailOptions: ['SMTPUTF8'],
      });
    }));

  it('octets that are not UTF-8, and control characters, are no part of an address', () =>
    withSession(async ({ codes }) => {
      await codes('EHLO c.example');
      expect(
        await codes(
          'MAIL FROM:<\u00e9@c.example> SMTPUTF8',
          'MAIL FROM:<\u00c0\u00af@c.example> SMTPUTF8',
          'MAIL FROM:<\u0001@c.example> SMTPUTF8',
        ),
      ).toEqual([501, 501, 501]);
    }));

  it('the parameter of MAIL has no value', () =>
    withSession(async ({ codes }) => {
      expect(await codes('EHLO c.example', 'MAIL FROM:<> SMTPUTF8=1', 'MAIL FROM:<> smtputf8')).toEqual([
        250, 501, 250,
      ]);
    }));

  it('SMTPUTF8 lengthens the MAIL line by 10 and VRFY and EXPN by 9', () =>
    withSession(
      async ({ codes }) => {
        await codes('EHLO client.example');
        const path = `<${'a'.repeat(512 - 'MAIL FROM:<>\r\n'.length)}>`;
        // 8BITMIME, which comes with it, gives 17 more.
        expect(await codes(`MAIL FROM:${path} BODY=8BITMIME SMTPUTF8`)).toEqual([250]);
        expect(await codes(`VRFY ${'a'.repeat(512 - 'VRFY \r\n'.length)} SMTPUTF8`)).toEqual([252]);
        expect(await codes(`EXPN ${'a'.repeat(512 - 'EXPN \r\n'.length)} SMTPUTF8`)).toEqual([502]);
      },
      { dataSizeLimit: null },
    ));

  it('without the parameter an address in UTF-8 is refused with 553 and 5.6.7', () =>
    withSession(async ({ client, codes }) => {
      await codes('EHLO c.example');
      expect(await client.command(`MAIL FROM:<${E_ACUTE}@c.example>`)).toMatchObject({ code: 553 });
      await codes('MAIL FROM:<>');
      const refused = await client.command(`RCPT TO:<${E_ACUTE}@c.example>`);
      expect(refused.code).toBe(553);
      expect(refused.lines[0]).toMatch(/^5\.6\.7 /);
    }));

  it('where SMTPUTF8 is not offered, its parameter is unknown and UTF-8 refused', () =>
    withSession(
      async ({ codes }) => {
        await codes('EHLO c.example');
        expect(await codes('MAIL FROM:<> SMTPUTF8', `MAIL FROM:<${E_ACUTE}@c.example>`)).toEqual([555, 553]);
      },
      { enableSMTPUTF8: false },
    ));

  it('the names in the greeting and the EHLO reply are ASCII, and a client’s name must be', () =>
    withSession(async ({ greeting, client, codes }) => {
      expect(greeting.lines.join('')).toMatch(/^[ -~]+$/);
      expect((await client.command('EHLO c.example')).lines.join('')).toMatch(/^[ -~]+$/);
      expect(await codes(`EHLO ${E_ACUTE}.example`)).toEqual([501]);
    }));

  it('a reply in UTF-8 is sent only in a transaction that was opened with SMTPUTF8', () =>
    withSession(
      async ({ codes, finish }) => {
        await codes('EHLO c.example', 'MAIL FROM:<>', 'RCPT TO:<b@c.example>', 'DATA');
        expect((await finish('x\r\n')).lines).toEqual(['2.0.0 re?u']);
        await codes('MAIL FROM:<> SMTPUTF8', 'RCPT TO:<b@c.example>', 'DATA');
        expect((await finish('x\r\n')).lines).toEqual(['2.0.0 re\u00c3\u00a7u']);
      },
      { answer: () => '250 2.0.0 reçu' },
    ));

  it('VRFY and EXPN are answered without a mailbox, so no reply needs UTF-8', () =>
    withSession(async ({ client, codes }) => {
      await codes('EHLO c.example');
      for (const command of [`VRFY ${E_ACUTE} SMTPUTF8`, 'VRFY bob', 'EXPN list SMTPUTF8']) {
        const { code, lines } = await client.command(command);
        expect([252, 502]).toContain(code);
        expect(lines.join('')).toMatch(/^[ -~]+$/);
      }
      expect(await codes(`VRFY ${E_ACUTE}`)).toEqual([501]);
    }));
});
