/** `processMessage`: what it may answer, what it is handed, and what must not be asked for together. */

import { describe, expect, expectTypeOf, it } from 'vitest';

import { UsageError } from '../../src/protocol/errors.js';
import { Reply, SMTPReplyError } from '../../src/protocol/reply.js';
import { ReceivedMessage } from '../../src/server/received-message.js';
import type { SMTPServerOptions } from '../../src/server/server-options.js';
import { SMTPServer } from '../../src/server/server.js';
import type { Verdict } from '../../src/server/verdict.js';
import { RawClient, type WireReply } from '../support/raw-client.js';
import {
  eventsOf,
  greetedClient,
  KeepingServer,
  RecordingLogger,
  rejection,
  sendMessage,
  startContent,
} from './support.js';

/** A server that answers messages with whatever the test says, well typed or not. */
class AnsweringServer extends KeepingServer {
  answer: (message: ReceivedMessage) => unknown = () => undefined;

  override processMessage(message: ReceivedMessage): void {
    super.processMessage(message);
    return this.answer(message) as never;
  }
}

/** The reply to a message whose fate this decides. */
async function replyTo(answer: () => unknown, server = new AnsweringServer()): Promise<WireReply> {
  server.answer = answer;
  const client = await greetedClient(server);
  const reply = await sendMessage(client);
  expect((await client.command('NOOP')).code).toBe(250);
  client.destroy();
  return reply;
}

describe('the verdict of processMessage', () => {
  it.each([[undefined], [null], [''], [false], [0]])('takes %o for yes', async (value) => {
    for (const answer of [() => value, async () => value]) {
      expect(await replyTo(answer)).toEqual({ code: 250, lines: ['2.0.0 OK'] });
    }
  });

  it('sends the text of a reply as it is', async () => {
    expect(await replyTo(() => '250 2.6.0 Queued as 4711')).toEqual({
      code: 250,
      lines: ['2.6.0 Queued as 4711'],
    });
    expect(await replyTo(async () => '550 5.7.1 No')).toEqual({ code: 550, lines: ['5.7.1 No'] });
  });

  it('sends a text of several lines as one reply', async () => {
    expect(await replyTo(() => '250-first\r\n250-second\r\n250 last\r\n')).toEqual({
      code: 250,
      lines: ['first', 'second', 'last'],
    });
  });

  it('sends a Reply', async () => {
    expect(await replyTo(() => new Reply(452, '4.2.2', ['Full', 'Come back']))).toEqual({
      code: 452,
      lines: ['4.2.2 Full', '4.2.2 Come back'],
    });
  });

  it('sends the reply of an SMTPReplyError, thrown or rejected', async () => {
    const refuse = (): never => {
      throw new SMTPReplyError(554, '5.7.0', 'Not this');
    };
    expect(await replyTo(refuse)).toEqual({ code: 554, lines: ['5.7.0 Not this'] });
    expect(await replyTo(async () => refuse())).toEqual({ code: 554, lines: ['5.7.0 Not this'] });
  });

  it('closes the session behind 421', async () => {
    const server = new AnsweringServer();
    server.answer = () => '421 4.3.2 Going home';
    const gone = eventsOf(server, 'disconnect');
    const client = await greetedClient(server);
    await startContent(client);
    client.send('Hello\r\n.\r\nNOOP\r\n');
    expect((await client.closed()).map(({ code }) => code)).toEqual([421]);
    expect(gone.map(({ reason }) => reason)).toEqual(['refused']);
  });

  it.each<[string, () => unknown, RegExp]>([
    ['a number', () => 250, /Not a reply: \[object Number\]/],
    ['true', () => true, /Not a reply: \[object Boolean\]/],
    ['an object', () => ({ code: 250 }), /Not a reply: \[object Object\]/],
    ['an array that is not one verdict for each recipient', () => ['250 OK', '250 OK'], /A list of 2 verdicts/],
    ['a text that is no reply', () => 'fine', /Not a reply: "fine"/],
    ['a text with a bare LF between lines', () => '250-a\n250 b', /Not a reply/],
    ['an intermediate reply', () => '354 Go on', /2yz, 4yz or 5yz reply, not 354/],
    ['a promise of a number', async () => 7, /Not a reply: \[object Number\]/],
    [
      'an error that is thrown',
      () => {
        throw new RangeError('disk on fire');
      },
      /RangeError: disk on fire/,
    ],
    [
      'an error that is rejected',
      async () => {
        throw new RangeError('disk on fire');
      },
      /RangeError: disk on fire/,
    ],
    [
      'nothing that is thrown',
      () => {
        throw undefined;
      },
      /undefined/,
    ],
    [
      'a text that is thrown',
      () => {
        throw '250 OK';
      },
      /250 OK/,
    ],
  ])('answers %s with 451 and an incident, logs the rest, and goes on', async (_, answer, logged) => {
    const server = new AnsweringServer();
    const { code, lines } = await replyTo(answer, server);
    expect(code).toBe(451);
    const incident = /^4\.3\.0 Error: internal error, incident ([0-9a-f]{8}); try again later$/.exec(lines[0]!)?.[1];
    expect(incident).toBeDefined();
    expect(lines.join()).not.toContain('fire');
    expect(server.log.lines).toHaveLength(1);
    expect(server.log.lines[0]).toMatchObject({ level: 'error', fields: { incident } });
    expect(server.log.errors[0]).toMatch(logged);
  });

  it('may be a Map of recipients, which is folded into one reply', async () => {
    const both = async (first: Verdict, second: Verdict): Promise<string> => {
      const server = new AnsweringServer();
      server.answer = () =>
        new Map([
          ['a@b.example', first],
          ['c@b.example', second],
        ]);
      const client = await greetedClient(server);
      await client.command('MAIL FROM:<x@b.example>');
      await client.command('RCPT TO:<a@b.example>');
      await client.command('RCPT TO:<c@b.example>');
      await client.command('DATA');
      client.send('.\r\n');
      const { code, lines } = await client.reply();
      return `${String(code)} ${lines.join('/')}`;
    };
    expect(await both(undefined, undefined)).toBe('250 2.0.0 OK');
    expect(await both(undefined, '250 2.0.0 Two')).toBe('250 2.0.0 Two');
    expect(await both('550 5.1.1 One', undefined)).toBe('550 5.1.1 One');
    expect(await both('550 5.1.1 One', '452 4.2.2 Two')).toBe('452 4.2.2 Two');
    expect(await both('550 5.1.1 One', '552 5.2.2 Two')).toBe('550 5.1.1 One');
    expect(await both('250 One', 17 as never)).toMatch(/^451 4\.3\.0 Error: internal error/);
  });

  it('may not name somebody who is no recipient', async () => {
    const server = new AnsweringServer();
    expect((await replyTo(() => new Map([['nobody@b.example', undefined]]), server)).code).toBe(451);
    expect(server.log.errors[0]).toContain('"nobody@b.example", who is no recipient');
  });
});

describe('what processMessage is handed', () => {
  it('is the envelope, the session, and the octets as they were sent', async () => {
    const server = new KeepingServer();
    const client = await greetedClient(server);
    await client.command('MAIL FROM:<alice@a.example> SIZE=30 BODY=8BITMIME');
    await client.command('RCPT TO:<bob@b.example>');
    await client.command('RCPT TO:<bob@b.example>');
    await client.command('DATA');
    client.send('Subject: x\r\n\r\n..dot \xe9\x00\r\n.\r\n');
    await client.reply();
    const [message] = server.messages;
    expect(message).toBeInstanceOf(ReceivedMessage);
    expect(message).toMatchObject({
      mailFrom: 'alice@a.example',
      rcptTos: ['bob@b.example', 'bob@b.example'],
      mailOptions: ['SIZE=30', 'BODY=8BITMIME'],
      rcptOptions: [[], []],
      peer: { family: 'memory' },
      facts: { sizeBytes: 23, bareCRCount: 0, bareLFCount: 0, longestLineBytes: 10, fault: undefined },
    });
    expect(Buffer.from(message!.data).toString('latin1')).toBe('Subject: x\r\n\r\n.dot \xe9\x00\r\n');
    expect(message!.id.startsWith(message!.session.id)).toBe(true);
    expect(message!.signal.aborted).toBe(false);
    expect(Math.abs(message!.receivedAt.getTime() - Date.now())).toBeLessThan(60_000);
  });

  it('has an id and a list of recipients of its own each time', async () => {
    const server = new KeepingServer();
    const client = await greetedClient(server);
    await sendMessage(client);
    await sendMessage(client);
    const [first, second] = server.messages;
    expect(first!.id).not.toBe(second!.id);
    expect(first!.rcptTos).not.toBe(second!.rcptTos);
    expect(client.unread).toBe('');
  });

  it('stays as it is when the session goes on', async () => {
    const server = new KeepingServer();
    const client = await greetedClient(server);
    await sendMessage(client, 'First\r\n');
    await sendMessage(client, 'Other\r\n');
    expect(Buffer.from(server.messages[0]!.data).toString()).toBe('First\r\n');
  });
});

describe('decodeData', () => {
  class TextServer extends SMTPServer {
    readonly texts: string[] = [];
    override processMessage(message: ReceivedMessage<string>): void {
      expectTypeOf(message.data).toEqualTypeOf<string>();
      this.texts.push(message.data);
    }
  }

  it('hands over a string, decoded once and whole', async () => {
    const server = new TextServer({ decodeData: true });
    const client = await greetedClient(server);
    await startContent(client);
    for (const octet of Buffer.from('Grüße 🙂\r\n.\r\n').toString('latin1')) client.send(octet);
    expect((await client.reply()).code).toBe(250);
    expect(server.texts).toEqual(['Grüße 🙂\r\n']);
  });

  it('refuses what is not UTF-8 with 554, and goes on', async () => {
    const server = new TextServer({ decodeData: true });
    const client = await greetedClient(server);
    expect(await sendMessage(client, 'Gr\xfc\xdfe\r\n')).toEqual({
      code: 554,
      lines: ['5.6.0 Error: message is not well-formed UTF-8'],
    });
    expect((await sendMessage(client, 'ASCII\r\n')).code).toBe(250);
    expect(server.texts).toEqual(['ASCII\r\n']);
  });

  it('offers neither 8BITMIME nor SMTPUTF8', async () => {
    const client = RawClient.inMemory(new TextServer({ decodeData: true }));
    await client.reply();
    const { lines } = await client.command('EHLO c.example');
    expect(lines).not.toContain('8BITMIME');
    expect(lines).not.toContain('SMTPUTF8');
    const plain = RawClient.inMemory(new SMTPServer());
    await plain.reply();
    expect((await plain.command('EHLO c.example')).lines).toEqual(expect.arrayContaining(['8BITMIME', 'SMTPUTF8']));
  });

  it('without it data is a Uint8Array, for the compiler too', () => {
    class OctetServer extends SMTPServer {
      override async processMessage(message: ReceivedMessage): Promise<string> {
        expectTypeOf(message.data).toEqualTypeOf<Uint8Array>();
        return `250 ${String(message.data.length)}`;
      }
    }
    expect(new OctetServer()).toBeInstanceOf(SMTPServer);
  });
});

describe('a server that nobody taught to take messages', () => {
  it('can be made, warns when it listens, and answers each message with 451', async () => {
    const logger = new RecordingLogger();
    await using server = new SMTPServer({ localAddress: '127.0.0.1:0', logger });
    expect(logger.lines).toEqual([]);
    await server.listen();
    expect(logger.lines).toEqual([
      expect.objectContaining({
        level: 'warn',
        message: expect.stringContaining('override processMessage()') as string,
      }),
    ]);
    const client = await RawClient.connect(server.port);
    await client.reply();
    await client.command('HELO c.example');
    expect(await sendMessage(client)).toEqual({ code: 451, lines: ['4.3.5 Error: this server takes no messages yet'] });
    expect((await client.command('QUIT')).code).toBe(221);
  });

  it('warns of nothing when a hook takes messages', async () => {
    const logger = new RecordingLogger();
    await using server = new SMTPServer({ localAddress: '127.0.0.1:0', logger });
    server.use({ name: 'taker', message: () => undefined });
    await server.listen();
    expect(logger.lines).toEqual([]);
  });
});

describe('what cannot be asked for together', () => {
  it.each<[string, () => SMTPServer, string]>([
    [
      'decodeData and enableSMTPUTF8',
      () => new SMTPServer({ decodeData: true, enableSMTPUTF8: true }),
      'SMTPD_CONFLICTING_OPTIONS',
    ],
    [
      'processMessage and streamMessage',
      () =>
        new (class extends SMTPServer {
          override processMessage(): void {}
          override streamMessage(): void {}
        })(),
      'SMTPD_CONFLICTING_OPTIONS',
    ],
    [
      'decodeData and streamMessage',
      () =>
        new (class extends SMTPServer {
          override streamMessage(): void {}
        })({ decodeData: true }),
      'SMTPD_CONFLICTING_OPTIONS',
    ],
    ['a negative dataSizeLimit', () => new SMTPServer({ dataSizeLimit: -1 }), 'SMTPD_BAD_OPTION'],
    ['half an octet', () => new SMTPServer({ dataSizeLimit: 1.5 }), 'SMTPD_BAD_OPTION'],
    [
      'an option that there is not',
      () => new SMTPServer({ dataSizelimit: 1 } as SMTPServerOptions),
      'SMTPD_BAD_OPTION',
    ],
  ])('%s is a UsageError at construction', (_, make, code) => {
    expect(make).toThrow(UsageError);
    expect(make).toThrow(expect.objectContaining({ code }));
  });
});

describe('dataSizeLimit', () => {
  it.each([[null], [0], [Infinity]])('%o means no limit and no SIZE keyword', async (dataSizeLimit) => {
    const server = new KeepingServer({ dataSizeLimit });
    expect(server.options.dataSizeLimit).toBeUndefined();
    const client = RawClient.inMemory(server);
    await client.reply();
    const { lines } = await client.command('EHLO c.example');
    expect(lines.filter((line) => line.startsWith('SIZE'))).toEqual([]);
    expect((await client.command('MAIL FROM:<a@b.example> SIZE=99999999999')).code).toBe(250);
  });

  it('is 32 MiB by default, and is met by octets of content, the doubled dots not counted', async () => {
    expect(new SMTPServer().options.dataSizeLimit).toBe(33_554_432);
    const server = new KeepingServer({ dataSizeLimit: 6 });
    const client = await greetedClient(server);
    expect((await sendMessage(client, '..1234\r\n')).code).toBe(552);
    expect((await sendMessage(client, '..123\r\n')).code).toBe(250);
    expect(server.messages).toHaveLength(1);
    expect((await client.command('MAIL FROM:<a@b.example> SIZE=7')).code).toBe(552);
  });
});

it('listen() rejects rather than throws, so that a forgotten catch is heard of', async () => {
  const server = new KeepingServer();
  await server.listen();
  expect(await rejection(server.listen())).toMatchObject({ code: 'SMTPD_ALREADY_LISTENING' });
  await server.close();
});
