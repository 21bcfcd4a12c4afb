/**
 * What RFC 5321 asks of a server, clause by clause, with a real server over TCP. `requirements.ts` says which test stands for which
 * clause; `docs/conformance.md` is made from it.
 */

import { describe, expect, it } from 'vitest';

import { DEFAULT_LIMITS, Reply, SMTPReplyError } from '../../src/index.js';
import { ManualClock } from '../support/manual-clock.js';
import { contentOf, HOSTNAME, withSession } from './session.js';
import { WatchedClient } from './watched-client.js';

const HELLO = ['EHLO client.example', 'MAIL FROM:<alice@example.org>', 'RCPT TO:<bob@example.net>'] as const;

describe('RFC 5321 §2: the model', () => {
  it('EHLO and HELO are both understood', () =>
    withSession(async ({ client }) => {
      const helo = await client.command('HELO client.example');
      expect(helo).toEqual({ code: 250, lines: [HOSTNAME] });
      const ehlo = await client.command('EHLO client.example');
      expect(ehlo.code).toBe(250);
      expect(ehlo.lines.length).toBeGreaterThan(1);
    }));

  it('every keyword of the EHLO reply is a registered one', () =>
    withSession(async ({ client }) => {
      const { lines } = await client.command('EHLO client.example');
      const keywords = lines.slice(1).map((line) => line.split(' ')[0]);
      expect(keywords).toEqual([
        'SIZE',
        '8BITMIME',
        'SMTPUTF8',
        'PIPELINING',
        'ENHANCEDSTATUSCODES',
        'HELP',
        'LIMITS',
        'CHUNKING',
        'BINARYMIME',
      ]);
    }));

  it('only CRLF ends a command line', () =>
    withSession(async ({ client }) => {
      client.send('NOOP\nNOOP\r\nNOOP\rNOOP\r\nNOOP\r\n');
      expect((await client.replies(3)).map(({ code }) => code)).toEqual([500, 500, 250]);
    }));

  it('verbs and keywords are understood in any case', () =>
    withSession(async ({ client, codes, messages }) => {
      expect(
        await codes('eHlO client.example', 'mail from:<a@example.org> size=10 BODY=8bitmime', 'Rcpt tO:<b@c.example>'),
      ).toEqual([250, 250, 250]);
      client.send('data\r\nx\r\n.\r\n');
      expect((await client.replies(2)).map(({ code }) => code)).toEqual([354, 250]);
      expect(messages[0]?.mailOptions).toEqual(['SIZE=10', 'BODY=8BITMIME']);
    }));

  it('a letter outside US-ASCII is not taken for the ASCII letter that Unicode makes of it', () =>
    withSession(async ({ client, codes }) => {
      await codes(...HELLO);
      // U+017F in UTF-8: Unicode's upper case makes RSET of it.
      expect((await client.command('r\u00c5\u00bfet')).code).toBe(500);
      expect(await codes('DATA')).toEqual([354]);
    }));

  it('the case of a local part is kept', () =>
    withSession(async ({ codes, finish, messages }) => {
      await codes('EHLO client.example', 'MAIL FROM:<AliCe@Example.ORG>', 'RCPT TO:<SmiTH@Example.NET>', 'DATA');
      await finish('x\r\n');
      expect(messages[0]).toMatchObject({ mailFrom: 'AliCe@Example.ORG', rcptTos: ['SmiTH@Example.NET'] });
    }));

  it('nothing is done before the line has ended', () =>
    withSession(async ({ server, messages }) => {
      const client = await WatchedClient.connect(server);
      expect(await client.send('NOO')).toBe(0);
      expect(await client.send('P')).toBe(0);
      expect(await client.send('\r')).toBe(0);
      expect(await client.send('\n')).toBe(1);
      expect(messages).toEqual([]);
    }));

  it('a command with octets outside US-ASCII is refused', () =>
    withSession(async ({ codes }) => {
      expect(await codes('NO\u00d6P', 'EHLO caf\u00e9.example')).toEqual([500, 501]);
      expect(await codes('EHLO client.example', 'MAIL FROM:<caf\u00c3\u00a9@example.org>')).toEqual([250, 553]);
    }));

  it('8-bit content arrives octet by octet as it was sent', () =>
    withSession(async ({ openMessage, finish, messages }) => {
      const content = `Subject: x\r\n\r\n${Array.from({ length: 128 }, (_, index) => String.fromCharCode(128 + index)).join('')}\r\n`;
      await openMessage();
      expect((await finish(content)).code).toBe(250);
      expect(contentOf(messages[0])).toBe(content);
    }));
});

describe('RFC 5321 §3: procedures', () => {
  it('a connection refused with 554 is answered 503 and waited for until QUIT', () =>
    withSession(
      async ({ client, greeting, codes }) => {
        expect(greeting).toEqual({ code: 554, lines: ['5.7.1 No mail from here; ask postmaster@example.test'] });
        expect(await codes('EHLO client.example', 'MAIL FROM:<a@example.org>', 'NOOP')).toEqual([503, 503, 503]);
        expect(client.isClosed).toBe(false);
        expect(await codes('QUIT')).toEqual([221]);
        await client.closed();
      },
      {
        prepare: (server) => {
          server.use({ name: 'no', connect: () => '554 5.7.1 No mail from here; ask postmaster@example.test' });
        },
      },
    ));

  it('the reply to HELO names no extensions', () =>
    withSession(async ({ client }) => {
      expect((await client.command('HELO client.example')).lines).toEqual([HOSTNAME]);
      expect((await client.command('EHLO client.example')).lines.length).toBeGreaterThan(1);
      expect((await client.command('HELO client.example')).lines).toEqual([HOSTNAME]);
    }));

  it('a refused sender hears whether it may try again', () =>
    withSession(
      async ({ codes }) => {
        expect(
          await codes('EHLO client.example', 'MAIL FROM:<later@example.org>', 'MAIL FROM:<never@example.org>'),
        ).toEqual([250, 451, 550]);
      },
      {
        prepare: (server) => {
          server.use({
            name: 'senders',
            mail: ({ path }) => {
              throw path.localPart === 'later'
                ? new SMTPReplyError(451, '4.7.1', 'Later')
                : new SMTPReplyError(550, '5.7.1', 'Never');
            },
          });
        },
      },
    ));

  it('RCPT before MAIL is answered 503', () =>
    withSession(async ({ codes }) => {
      expect(await codes('EHLO client.example', 'RCPT TO:<bob@example.net>')).toEqual([250, 503]);
    }));

  it('a source route is understood, and ignored', () =>
    withSession(
      async ({ codes, finish, messages }) => {
        expect(
          await codes(
            'EHLO client.example',
            'MAIL FROM:<@a.example:alice@example.org>',
            'RCPT TO:<@a.example,@b.example:bob@example.net>',
            'DATA',
          ),
        ).toEqual([250, 250, 250, 354]);
        await finish('x\r\n');
        expect(messages[0]).toMatchObject({ mailFrom: 'alice@example.org', rcptTos: ['bob@example.net'] });
      },
      { pathSyntax: 'strict' },
    ));

  it('DATA without an accepted recipient is answered 503, and no content is read', () =>
    withSession(async ({ codes, messages }) => {
      expect(await codes('EHLO client.example', 'MAIL FROM:<alice@example.org>', 'DATA', 'NOOP')).toEqual([
        250, 250, 503, 250,
      ]);
      expect(messages).toEqual([]);
    }));

  it.each([
    ['no header at all', 'just text\r\n'],
    ['no empty line', 'Subject: x\r\n'],
    ['a header that is none', 'Subject\r\n: x\r\n\r\ntext\r\n'],
    ['Resent fields that do not match', 'Resent-To: a@example.org\r\nResent-To: b@example.org\r\n\r\ntext\r\n'],
    ['a strange Received field', 'Received: from nowhere; some day\r\n\r\ntext\r\n'],
  ])('content is not refused for %s', async (_, content) => {
    await withSession(async ({ openMessage, finish, messages }) => {
      await openMessage();
      expect((await finish(content)).code).toBe(250);
      expect(contentOf(messages[0])).toBe(content);
    });
  });

  it('VRFY and EXPN never claim that an address was verified', () =>
    withSession(async ({ codes }) => {
      expect(await codes('VRFY bob', 'VRFY <bob@example.net>', 'VRFY "Bob B."', 'EXPN list')).toEqual([
        252, 252, 252, 502,
      ]);
      expect(await codes('VRFY', 'VRFY <bob@>')).toEqual([501, 501]);
    }));

  it('unknown commands are answered 500 and the connection stays open', () =>
    withSession(async ({ client, codes }) => {
      expect(await codes('XYZZY', 'X-NOTHING a b', 'GETMAIL / a', 'NOOP')).toEqual([500, 500, 500, 250]);
      expect(client.isClosed).toBe(false);
    }));

  it('a server that shuts down says 421 and closes', () =>
    withSession(async ({ server, client, codes }) => {
      await codes('EHLO client.example');
      const closed = server.close();
      expect(await client.reply()).toMatchObject({ code: 421 });
      await client.closed();
      await closed;
    }));

  it('a server that is cut off says 421 in the middle of a message', () =>
    withSession(async ({ server, client, openMessage, messages }) => {
      await openMessage();
      client.send('half');
      const closed = server.close({ signal: AbortSignal.abort() });
      expect((await client.closed()).map(({ code }) => code)).toEqual([421]);
      await closed;
      expect(messages).toEqual([]);
    }));
});

describe('RFC 5321 §4.1: commands', () => {
  it('blanks at the end of a line are let through', () =>
    withSession(async ({ codes }) => {
      expect(
        await codes('EHLO client.example  ', 'MAIL FROM:<alice@example.org> ', 'RCPT TO:<bob@example.net>\t', 'DATA '),
      ).toEqual([250, 250, 250, 354]);
    }));

  it('RSET and DATA with an argument are refused and change nothing', () =>
    withSession(async ({ codes }) => {
      await codes(...HELLO);
      expect(await codes('RSET now', 'DATA now', 'DATA')).toEqual([501, 501, 354]);
    }));

  it('QUIT with an argument ends the session like QUIT without one', () =>
    withSession(async ({ client, codes }) => {
      expect(await codes('QUIT now')).toEqual([221]);
      await client.closed();
    }));

  it('the EHLO reply lists HELP, the one command that is not required', () =>
    withSession(async ({ client }) => {
      const { lines } = await client.command('EHLO client.example');
      expect(lines).toContain('HELP');
      expect(lines.join('\n')).not.toMatch(/EXPN/);
    }));

  it('the server names itself in the greeting and in the replies to EHLO and HELO', () =>
    withSession(async ({ client, greeting }) => {
      expect(greeting.lines[0]?.split(' ')[0]).toBe(HOSTNAME);
      expect((await client.command('EHLO client.example')).lines[0]?.split(' ')[0]).toBe(HOSTNAME);
      expect((await client.command('HELO client.example')).lines[0]?.split(' ')[0]).toBe(HOSTNAME);
    }));

  it('EHLO takes a domain, an address literal, and what other clients really send', () =>
    withSession(async ({ codes }) => {
      expect(
        await codes('EHLO [192.0.2.1]', 'EHLO [IPv6:2001:db8::1]', 'EHLO my_desktop', 'EHLO [192.0.2.1] my desktop'),
      ).toEqual([250, 250, 250, 250]);
      expect(await codes('EHLO', 'HELO ')).toEqual([501, 501]);
    }));

  it('the reverse-path may be null', () =>
    withSession(async ({ codes, finish, messages }) => {
      expect(await codes('EHLO client.example', 'MAIL FROM:<>', 'RCPT TO:<bob@example.net>', 'DATA')).toEqual([
        250, 250, 250, 354,
      ]);
      await finish('x\r\n');
      expect(messages[0]?.mailFrom).toBe('');
      expect(messages[0]?.reversePath.isNull).toBe(true);
    }));

  it('a forward-path is not null', () =>
    withSession(async ({ codes }) => {
      expect(await codes('EHLO client.example', 'MAIL FROM:<>', 'RCPT TO:<>')).toEqual([250, 250, 501]);
    }));

  it.each(['strict', 'lenient'] as const)('Postmaster may stand without a domain, in any case (%s)', (pathSyntax) =>
    withSession(
      async ({ codes }) => {
        await codes('EHLO client.example', 'MAIL FROM:<>');
        expect(await codes('RCPT TO:<Postmaster>', 'RCPT TO:<postMASTER>', 'RCPT TO:<Postmaster@example.net>')).toEqual(
          [250, 250, 250],
        );
      },
      { pathSyntax },
    ),
  );

  it('RCPT adds to the recipients, in order, and changes nothing else', () =>
    withSession(async ({ codes, finish, messages }) => {
      await codes(...HELLO, 'RCPT TO:<carol@example.net>', 'RCPT TO:<bad', 'RCPT TO:<bob@example.net>', 'DATA');
      await finish('x\r\n');
      expect(messages[0]).toMatchObject({
        mailFrom: 'alice@example.org',
        rcptTos: ['bob@example.net', 'carol@example.net', 'bob@example.net'],
      });
    }));

  it('a dot right after DATA ends an empty message', () =>
    withSession(async ({ openMessage, client, messages }) => {
      await openMessage();
      expect((await client.command('.')).code).toBe(250);
      expect(contentOf(messages[0])).toBe('');
    }));

  it.each(['\n.\n', '\n.\r\n', '\r\n.\n', '\r.\r', '\r\n.\r\r\n', '\r\n.\0\r\n'])(
    'content is not ended by %j',
    async (sequence) => {
      await withSession(
        async ({ server, messages }) => {
          const client = await WatchedClient.connect(server);
          for (const command of [...HELLO, 'DATA']) await client.send(`${command}\r\n`);
          expect(await client.send(`a${sequence}`)).toBe(0);
          expect(await client.send('b\r\n')).toBe(0);
          expect(messages).toEqual([]);
          expect(await client.send('.\r\n')).toBe(1);
          expect(messages).toHaveLength(1);
        },
        { lineEndings: 'preserve' },
      );
    },
  );

  it('content with a bare CR or LF is refused after its end, and delivers nothing', () =>
    withSession(async ({ openMessage, finish, messages }) => {
      await openMessage();
      expect(await finish('a\n.\nMAIL FROM:<evil@example.org>\r\n')).toMatchObject({ code: 550 });
      expect(messages).toEqual([]);
    }));

  it('no line end is added to or taken from the content', () =>
    withSession(async ({ openMessage, finish, messages }) => {
      for (const content of ['a\r\n', 'a\r\n\r\n', '\r\n']) {
        await openMessage();
        await finish(content);
        expect(contentOf(messages.at(-1))).toBe(content);
      }
    }));

  it.each([
    ['250', undefined, 250],
    ['a failure for now', '451 4.3.0 Later', 451],
    ['a failure for good', '554 5.6.0 Not this', 554],
  ])('the end of data is answered once, with %s, and the transaction is over', async (_, verdict, code) => {
    await withSession(
      async ({ openMessage, finish, codes, messages }) => {
        await openMessage();
        expect((await finish('x\r\n')).code).toBe(code);
        expect(messages).toHaveLength(1);
        expect(await codes('RCPT TO:<carol@example.net>', 'DATA', 'MAIL FROM:<alice@example.org>')).toEqual([
          503, 503, 250,
        ]);
      },
      { answer: () => verdict },
    );
  });

  it('an application that fails is answered for with 451', () =>
    withSession(
      async ({ openMessage, finish }) => {
        await openMessage();
        expect(await finish('x\r\n')).toMatchObject({ code: 451 });
      },
      {
        answer: () => {
          throw new Error('the disk is gone');
        },
      },
    ));

  it('RSET ends the transaction, is answered 250, and closes nothing', () =>
    withSession(async ({ client, codes }) => {
      await codes(...HELLO);
      expect(await codes('RSET', 'DATA', 'RCPT TO:<bob@example.net>', 'MAIL FROM:<alice@example.org>')).toEqual([
        250, 503, 503, 250,
      ]);
      expect(client.isClosed).toBe(false);
    }));

  it('RSET before EHLO, after EHLO and after a message is a NOOP', () =>
    withSession(async ({ codes, openMessage, finish, messages }) => {
      expect(await codes('RSET', 'EHLO client.example', 'RSET')).toEqual([250, 250, 250]);
      await openMessage();
      await finish('x\r\n');
      expect(await codes('RSET', 'MAIL FROM:<alice@example.org>')).toEqual([250, 250]);
      expect(messages).toHaveLength(1);
    }));

  it('a connection lost in a message delivers nothing of it and keeps what was delivered before', () =>
    withSession(async ({ server, messages }) => {
      const client = await WatchedClient.connect(server);
      for (const text of [...HELLO.map((line) => `${line}\r\n`), 'DATA\r\n', 'one\r\n.\r\n']) await client.send(text);
      for (const text of [...HELLO.slice(1).map((line) => `${line}\r\n`), 'DATA\r\n', 'two\r\n'])
        await client.send(text);
      await client.close();
      expect(messages.map((message) => contentOf(message))).toEqual(['one\r\n']);
    }));

  it('NOOP, VRFY, EXPN and HELP leave the transaction as it is', () =>
    withSession(async ({ codes, finish, messages }) => {
      await codes(...HELLO);
      expect(
        await codes('NOOP', 'VRFY bob', 'EXPN list', 'HELP', 'HELP MAIL', 'RCPT TO:<carol@example.net>', 'DATA'),
      ).toEqual([250, 252, 502, 214, 214, 250, 354]);
      await finish('x\r\n');
      expect(messages[0]?.rcptTos).toEqual(['bob@example.net', 'carol@example.net']);
    }));

  it('NOOP ignores its argument', () =>
    withSession(async ({ codes }) => {
      expect(await codes('NOOP', 'NOOP anything at all')).toEqual([250, 250]);
    }));

  it('HELP lists the commands, explains one, and answers 504 for what there is no help about', () =>
    withSession(async ({ client }) => {
      expect(await client.command('HELP')).toEqual({
        code: 214,
        lines: ['2.0.0 Supported commands: EHLO HELO MAIL RCPT DATA BDAT RSET NOOP QUIT VRFY HELP'],
      });
      expect(await client.command('HELP vrfy')).toEqual({ code: 214, lines: ['2.0.0 Syntax: VRFY <address>'] });
      expect((await client.command('HELP EXPN')).code).toBe(504);
    }));

  it('QUIT is answered 221, closes, and gives up the open transaction', () =>
    withSession(async ({ client, codes, messages }) => {
      await codes(...HELLO);
      client.send('QUIT\r\nDATA\r\nx\r\n.\r\n');
      expect((await client.closed()).map(({ code }) => code)).toEqual([221]);
      expect(messages).toEqual([]);
    }));

  it('parameters that nobody declared are answered 555', () =>
    withSession(async ({ codes }) => {
      await codes('EHLO client.example');
      expect(
        await codes('MAIL FROM:<a@example.org> X-FOO=1', 'MAIL FROM:<a@example.org>', 'RCPT TO:<b@c.example> FOO=1'),
      ).toEqual([555, 250, 555]);
    }));

  it('a client that said HELO cannot give parameters', () =>
    withSession(async ({ codes }) => {
      expect(await codes('HELO client.example', 'MAIL FROM:<a@example.org> SIZE=1')).toEqual([250, 501]);
    }));

  it('every quoted form of a local part is the same address', () =>
    withSession(async ({ codes, finish, messages }) => {
      await codes(
        'EHLO client.example',
        'MAIL FROM:<>',
        'RCPT TO:<"bob"@example.net>',
        'RCPT TO:<"\\b\\o\\b"@example.net>',
        'RCPT TO:<"b b"@example.net>',
        'DATA',
      );
      await finish('x\r\n');
      expect(messages[0]?.rcptTos).toEqual(['bob@example.net', 'bob@example.net', '"b b"@example.net']);
    }));

  it.each([
    '<a b@example.net>',
    '<a..b@example.net>',
    '<a\u0001@example.net>',
    '<bob@exa!mple.net>',
    '<bob@-a.example>',
    '<bob@a-.example>',
    '<bob@example..net>',
    '<bob@[192.0.2.256]>',
    '<"a\u0001"@example.net>',
    '<bob@example.net',
  ])('the path %j is answered 501', async (path) => {
    await withSession(async ({ codes }) => {
      expect(await codes('EHLO client.example', `MAIL FROM:${path}`, 'MAIL FROM:<>', `RCPT TO:${path}`)).toEqual([
        250, 501, 250, 501,
      ]);
    });
  });

  it('a low line in a domain, and what else is lenient, is answered 501 where the syntax is strict', () =>
    withSession(
      async ({ codes }) => {
        await codes('EHLO client.example');
        for (const path of ['<a@my_host>', ' <a@example.org>', 'a@example.org', '<a>']) {
          expect(await codes(`MAIL FROM:${path}`)).toEqual([501]);
        }
      },
      { pathSyntax: 'strict' },
    ));

  it.each(['[192.0.2.1]', '[IPv6:2001:db8::1]', '[IPv6:::ffff:192.0.2.1]', '[X-tag:anything!]'])(
    'the address literal %s is understood',
    async (literal) => {
      await withSession(async ({ codes, finish, messages }) => {
        expect(await codes('EHLO client.example', 'MAIL FROM:<>', `RCPT TO:<bob@${literal}>`, 'DATA')).toEqual([
          250, 250, 250, 354,
        ]);
        await finish('x\r\n');
        expect(messages[0]?.rcptTos).toEqual([`bob@${literal}`]);
      });
    },
  );

  it('no mail is taken before EHLO or HELO', () =>
    withSession(async ({ codes }) => {
      expect(await codes('MAIL FROM:<a@example.org>', 'RCPT TO:<b@c.example>', 'DATA')).toEqual([503, 503, 503]);
    }));

  it('commands that move no mail are answered before EHLO', () =>
    withSession(async ({ codes }) => {
      expect(await codes('NOOP', 'HELP', 'EXPN list', 'VRFY bob', 'RSET')).toEqual([250, 214, 502, 252, 250]);
    }));

  it.each(['EHLO', 'HELO'])('%s within a transaction does what RSET does', async (verb) => {
    await withSession(async ({ codes }) => {
      await codes(...HELLO);
      expect(await codes(`${verb} other.example`, 'DATA', 'MAIL FROM:<a@example.org>')).toEqual([250, 503, 250]);
    });
  });

  it('an EHLO that is refused changes nothing', () =>
    withSession(
      async ({ codes }) => {
        await codes(...HELLO);
        expect(await codes('EHLO', 'EHLO bad\u0001name', 'EHLO unwanted.example', 'DATA')).toEqual([
          501, 501, 550, 354,
        ]);
      },
      {
        prepare: (server) => {
          server.use({
            name: 'names',
            helo: ({ clientName }) => (clientName === 'unwanted.example' ? '550 5.7.1 Not you' : undefined),
          });
        },
      },
    ));

  it('a name in EHLO that is not the client’s own is accepted', () =>
    withSession(async ({ codes, openMessage, finish }) => {
      expect(await codes('EHLO somebody-else.example')).toEqual([250]);
      await openMessage();
      expect((await finish('x\r\n')).code).toBe(250);
    }));

  it('MAIL within a transaction is answered 503, a wrong MAIL 501, and both change nothing', () =>
    withSession(async ({ codes }) => {
      expect(await codes('EHLO client.example', 'MAIL FROM:<', 'MAIL FROM:<alice@example.org>')).toEqual([
        250, 501, 250,
      ]);
      expect(await codes('MAIL FROM:<carol@example.org>', 'RCPT TO:<bob@example.net>', 'MAIL FROM:<>', 'DATA')).toEqual(
        [503, 250, 503, 354],
      );
    }));
});

describe('RFC 5321 §4.2 and §4.3: replies', () => {
  it('every command gets one reply, in order, also when all come at once', () =>
    withSession(async ({ client }) => {
      const commands = [
        'NOOP',
        'BOGUS',
        'EHLO c.example',
        'MAIL FROM:<',
        'MAIL FROM:<>',
        'RCPT TO:<b@c.example>',
        'HELP X',
        'RSET',
        'VRFY b',
        '',
        'QUIT',
      ];
      client.send(commands.map((command) => `${command}\r\n`).join(''));
      const codes = (await client.closed()).map(({ code }) => code);
      expect(codes).toEqual([250, 500, 250, 501, 250, 250, 504, 250, 252, 500, 221]);
    }));

  it('a reply is a code from 200 to 559 and text without control characters', () => {
    for (const code of [100, 199, 299.5, 560, 600, 2500]) expect(() => new Reply(code, undefined, 'x')).toThrow();
    expect(new Reply(250, undefined, 'a\u0000b\u001bc\td').toString()).toBe('250 a b c\td');
  });

  it('every line of a reply has the same code, and at most 512 octets', () =>
    withSession(
      async ({ client, openMessage }) => {
        await openMessage();
        client.send('x\r\n.\r\n');
        const { code, lines } = await client.reply();
        expect(code).toBe(250);
        expect(lines.length).toBeGreaterThan(2);
        for (const line of lines) expect(line.length).toBeLessThanOrEqual(512 - '250 '.length - '\r\n'.length);
        expect(lines.map((line) => line.replace(/^2\.0\.0 /, '')).join('')).toBe(`${'x'.repeat(2_000)}second line`);
      },
      { answer: () => new Reply(250, '2.0.0', ['x'.repeat(2_000), 'second line']) },
    ));

  it('what the EHLO reply lists is never answered 500 or 502', () =>
    withSession(async ({ client, codes, finish }) => {
      const { lines } = await client.command('EHLO client.example');
      const uses: Readonly<Record<string, string>> = {
        SIZE: 'MAIL FROM:<> SIZE=1',
        '8BITMIME': 'MAIL FROM:<> BODY=8BITMIME',
        SMTPUTF8: 'MAIL FROM:<> SMTPUTF8',
        PIPELINING: 'NOOP',
        ENHANCEDSTATUSCODES: 'NOOP',
        HELP: 'HELP',
        LIMITS: 'NOOP',
        CHUNKING: 'NOOP',
        BINARYMIME: 'MAIL FROM:<> BODY=BINARYMIME',
      };
      for (const keyword of lines.slice(1).map((line) => line.split(' ')[0] ?? '')) {
        expect(await codes(uses[keyword] ?? keyword, 'RSET')).toEqual([keyword === 'HELP' ? 214 : 250, 250]);
      }
      expect(await codes('MAIL FROM:<>', 'RCPT TO:<bob@example.net>', 'DATA')).toEqual([250, 250, 354]);
      await finish('x\r\n');
      expect(await codes('MAIL FROM:<>', 'RCPT TO:<bob@example.net>', 'BDAT 3 LAST\r\nx')).toEqual([250, 250, 250]);
    }));

  it('421 is the last word: the connection closes', () =>
    withSession(
      async ({ client, openMessage }) => {
        await openMessage();
        client.send('x\r\n.\r\nNOOP\r\n');
        expect((await client.closed()).map(({ code }) => code)).toEqual([421]);
      },
      { answer: () => '421 4.3.2 Going down' },
    ));

  it('each command is answered with a code of its row in the table of sequences', () =>
    withSession(async ({ greeting, codes, finish }) => {
      expect(greeting.code).toBe(220);
      expect(await codes('EHLO client.example', 'VRFY bob', 'EXPN list', 'HELP', 'NOOP', 'RSET')).toEqual([
        250, 252, 502, 214, 250, 250,
      ]);
      expect(
        await codes('RCPT TO:<b@c.example>', 'DATA', 'MAIL FROM:<> FOO=1', 'MAIL FROM:<> SIZE=99999999999'),
      ).toEqual([503, 503, 555, 552]);
      expect(await codes('MAIL FROM:<>', 'MAIL FROM:<>', 'RCPT TO:<b@c.example>', 'DATA')).toEqual([
        250, 503, 250, 354,
      ]);
      expect((await finish('x\r\n')).code).toBe(250);
      expect(await codes('QUIT')).toEqual([221]);
    }));
});

describe('RFC 5321 §4.5: transparency, sizes, waits', () => {
  it('every required command is there', () =>
    withSession(async ({ codes }) => {
      const found = await codes(
        'EHLO c.example',
        'HELO c.example',
        'MAIL FROM:<>',
        'RCPT TO:<b@c.example>',
        'RSET',
        'NOOP',
        'VRFY b',
        'DATA',
        'QUIT',
      );
      expect(found.filter((code) => code === 500 || code === 502)).toEqual([]);
    }));

  it('a doubled dot loses one, a lone dot ends, and all else arrives as it was sent', () =>
    withSession(async ({ openMessage, finish, messages }) => {
      const ascii = Array.from({ length: 128 }, (_, code) => String.fromCharCode(code))
        .filter((c) => !/[\r\n.]/.test(c))
        .join('');
      await openMessage();
      await finish(`..\r\n...a\r\n.b\r\n${ascii}\r\n a.\r\n`);
      expect(contentOf(messages[0])).toBe(`.\r\n..a\r\nb\r\n${ascii}\r\n a.\r\n`);
    }));

  it('the longest local part, domain and path fit', () =>
    withSession(async ({ codes, finish, messages }) => {
      const local = `${'a'.repeat(64)}@example.net`;
      const label = `${'d'.repeat(62)}.`;
      const domain = `b@${label.repeat(4)}${'e'.repeat(3)}`;
      expect(domain.length - 2).toBe(255);
      const longestPath = `${'a'.repeat(64)}@${label.repeat(2)}${'e'.repeat(63)}`;
      expect(`<${longestPath}>`).toHaveLength(256);
      await codes('EHLO client.example', `MAIL FROM:<${local}>`);
      expect(await codes(`RCPT TO:<${domain}>`, `RCPT TO:<${longestPath}>`, 'DATA')).toEqual([250, 250, 354]);
      await finish('x\r\n');
      expect(messages[0]).toMatchObject({ mailFrom: local, rcptTos: [domain, longestPath] });
    }));

  it('a command line of 512 octets is read, and a longer one is answered 500', () =>
    withSession(async ({ codes }) => {
      expect(await codes(`NOOP ${'x'.repeat(512 - 'NOOP \r\n'.length)}`)).toEqual([250]);
      expect(await codes(`NOOP ${'x'.repeat(600)}`, 'NOOP')).toEqual([500, 250]);
    }));

  it('text lines of 1000 octets and more are taken', () =>
    withSession(async ({ openMessage, finish, messages }) => {
      const content = `${'x'.repeat(998)}\r\n${'y'.repeat(100_000)}\r\n`;
      await openMessage();
      expect((await finish(content)).code).toBe(250);
      expect(contentOf(messages[0])).toBe(content);
    }));

  it('a message of 64K octets and more is taken', () =>
    withSession(async ({ openMessage, finish, messages }) => {
      const content = `${'x'.repeat(98)}\r\n`.repeat(10_000);
      await openMessage();
      expect((await finish(content)).code).toBe(250);
      expect(messages[0]?.data).toHaveLength(1_000_000);
    }));

  it('a hundred recipients fit, and by default a thousand', () =>
    withSession(async ({ client, codes, finish, messages }) => {
      await codes('EHLO client.example', 'MAIL FROM:<>');
      client.send(Array.from({ length: 1_000 }, (_, index) => `RCPT TO:<r${String(index)}@example.net>\r\n`).join(''));
      expect((await client.replies(1_000)).every(({ code }) => code === 250)).toBe(true);
      expect(await codes('RCPT TO:<more@example.net>', 'DATA')).toEqual([452, 354]);
      await finish('x\r\n');
      expect(messages[0]?.rcptTos).toHaveLength(1_000);
      expect(messages[0]?.rcptTos.at(-1)).toBe('r999@example.net');
    }));

  it('a client is waited for five minutes, and then hears 421', async () => {
    const clock = new ManualClock();
    await withSession(
      async ({ client, codes }) => {
        await codes('EHLO client.example');
        clock.advance(5 * 60_000 - 1);
        expect(await codes('NOOP')).toEqual([250]);
        clock.advance(5 * 60_000);
        expect((await client.closed()).map(({ code }) => code)).toEqual([421]);
      },
      { clock },
    );
    expect(DEFAULT_LIMITS.commandWaitMs).toBe(5 * 60_000);
  });

  it('octets of a message are waited for three minutes, and then the client hears 421', async () => {
    const clock = new ManualClock();
    await withSession(
      async ({ client, openMessage, messages }) => {
        await openMessage();
        clock.advance(3 * 60_000 - 1);
        expect(client.isClosed).toBe(false);
        clock.advance(1);
        expect((await client.closed()).map(({ code }) => code)).toEqual([421]);
        expect(messages).toEqual([]);
      },
      { clock },
    );
  });

  it('a client hears about MAIL, RCPT and a message before it would stop waiting', async () => {
    const clock = new ManualClock();
    const never = (): Promise<undefined> => new Promise(() => undefined);
    let asked = (): void => undefined;
    const nextAsk = (): Promise<void> =>
      new Promise((resolve) => {
        asked = resolve;
      });
    await withSession(
      async ({ client, codes }) => {
        await codes('EHLO client.example');
        let isAsked = nextAsk();
        client.send('MAIL FROM:<slow@example.org>\r\n');
        await isAsked;
        clock.advance(5 * 60_000 - 1);
        expect((await client.reply()).code).toBe(451);
        await codes('MAIL FROM:<alice@example.org>');
        isAsked = nextAsk();
        client.send('RCPT TO:<slow@example.net>\r\n');
        await isAsked;
        clock.advance(5 * 60_000 - 1);
        expect((await client.reply()).code).toBe(451);
        await codes('RCPT TO:<bob@example.net>', 'DATA');
        isAsked = nextAsk();
        client.send('x\r\n.\r\n');
        await isAsked;
        clock.advance(10 * 60_000 - 1);
        expect((await client.reply()).code).toBe(451);
      },
      {
        clock,
        prepare: (server) => {
          const slowly = ({ address }: { readonly address: string }): Promise<undefined> | undefined => {
            if (!address.startsWith('slow')) return undefined;
            asked();
            return never();
          };
          server.use({
            name: 'slow',
            mail: slowly,
            rcpt: slowly,
            message: () => {
              asked();
              return never();
            },
          });
        },
      },
    );
  });

  it('several clients are served at a time', () =>
    withSession(async ({ client, connect, openMessage, finish, messages }) => {
      await openMessage();
      const others = await Promise.all([connect(), connect(), connect()]);
      for (const other of others) expect((await other.command('EHLO other.example')).code).toBe(250);
      expect(client.isClosed).toBe(false);
      expect((await finish('x\r\n')).code).toBe(250);
      expect(messages).toHaveLength(1);
    }));

  it('a client that guesses on and on hears 421, and mail resets the count', () =>
    withSession(async ({ client, openMessage, finish, codes }) => {
      for (let turn = 0; turn < 2; turn += 1) {
        expect(new Set(await codes(...Array.from({ length: DEFAULT_LIMITS.errorsMax }, () => 'GUESS')))).toEqual(
          new Set([500]),
        );
        if (turn === 0) {
          await openMessage();
          await finish('x\r\n');
        }
      }
      client.send('GUESS\r\n');
      expect((await client.closed()).map(({ code }) => code)).toEqual([421]);
    }));

  it('a client that asks for address after address hears 421', () =>
    withSession(
      async ({ client, codes }) => {
        await codes('EHLO client.example', 'MAIL FROM:<>');
        expect(await codes('RCPT TO:<a@c.example>', 'RCPT TO:<b@c.example>')).toEqual([550, 550]);
        client.send('RCPT TO:<c@c.example>\r\n');
        expect((await client.closed()).map(({ code }) => code)).toEqual([421]);
      },
      {
        limits: { refusalsMax: 2 },
        prepare: (server) => {
          server.use({ name: 'nobody', rcpt: () => '550 5.1.1 No such user' });
        },
      },
    ));

  it('a message that some recipients cannot get is refused as a whole', () =>
    withSession(
      async ({ codes, client }) => {
        await codes(...HELLO, 'RCPT TO:<full@example.net>', 'DATA');
        client.send('x\r\n.\r\n');
        expect((await client.reply()).code).toBe(452);
      },
      {
        prepare: (server) => {
          server.use({
            name: 'mailboxes',
            message: ({ message }) =>
              new Map(
                message.rcptTos.map((address) => [address, address.startsWith('full') ? '452 4.2.2 Full' : undefined]),
              ),
          });
        },
      },
    ));
});
