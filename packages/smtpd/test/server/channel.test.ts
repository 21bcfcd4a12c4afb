/** Channel classes: verbs that are added, commands that are overridden, and the old module's instance variables. */

import { describe, expect, it } from 'vitest';

import { UsageError } from '../../src/protocol/errors.js';
import { defineExtension } from '../../src/protocol/extension.js';
import { Reply, SMTPReplyError } from '../../src/protocol/reply.js';
import { SMTPChannel } from '../../src/server/channel.js';
import { ManualClock } from '../support/manual-clock.js';
import { RawClient } from '../support/raw-client.js';
import type { SMTPServerOptions } from '../../src/server/server-options.js';
import { FakeTransport, greetedClient, KeepingServer, limitsOf, sendMessage, startContent, turns } from './support.js';

function serverOf(channel: typeof SMTPChannel, options: SMTPServerOptions = {}): KeepingServer {
  class Server extends KeepingServer {
    static override channelClass = channel;
  }
  return new Server(options);
}

describe('a verb that a channel class adds', () => {
  class VerbChannel extends SMTPChannel {
    smtp_XSYNC(argument: string | undefined): void {
      void this.push(`250 2.0.0 ${String(argument)}`);
    }
    async smtp_XASYNC(argument: string | undefined) {
      await Promise.resolve();
      await this.push(new Reply(250, '2.0.0', `<${String(argument)}>`));
    }
    async smtp_XWHOLE() {
      await this.push('250-one\r\n250-two\r\n250 three\r\n');
    }
    async smtp_XPIECES() {
      await this.push('250-one');
      await Promise.resolve();
      await this.push('250-two');
      await this.push('250 three');
    }
    async smtp_XTWICE() {
      await this.push('250 2.0.0 first');
      await this.push('250 2.0.0 second');
    }
    async smtp_XSILENT() {}
    smtp_XHALF(): void {
      void this.push('250-never ended');
    }
    async smtp_XNONSENSE() {
      await this.push('hello');
    }
    async smtp_XASK() {
      await this.push('354 Go on');
    }
    async smtp_XTHROW() {
      throw new Error('secret');
    }
    smtp_XREFUSE(): void {
      throw new SMTPReplyError(550, '5.7.1', 'No');
    }
    async smtp_XCLOSE() {
      await this.push('221 2.0.0 Enough');
      this.close();
    }
    smtp_XBAD(): unknown {
      return {
        get then() {
          throw new Error('no thenable at all');
        },
      };
    }
    async smtp_XMAIL() {
      await this.smtp_MAIL('FROM:<x@x.example>');
    }
    async smtp_XBOTH() {
      await this.smtp_NOOP(undefined);
      await this.smtp_RSET(undefined);
    }
  }

  it.each([
    ['XSYNC one two ', ['2.0.0 one two']],
    ['xsync', ['2.0.0 undefined']],
    ['XASYNC  a ', ['2.0.0 <a>']],
    ['XWHOLE', ['one', 'two', 'three']],
    ['XPIECES', ['one', 'two', 'three']],
  ])('answers %s', async (line, lines) => {
    const client = await greetedClient(serverOf(VerbChannel));
    expect(await client.command(line)).toEqual({ code: 250, lines });
    expect((await client.command('NOOP')).code).toBe(250);
  });

  it('may be called before any greeting', async () => {
    const client = RawClient.inMemory(serverOf(VerbChannel));
    await client.reply();
    expect((await client.command('XSYNC')).code).toBe(250);
  });

  it('has one reply: the second is an error in the log, and the client hears the first alone', async () => {
    const server = serverOf(VerbChannel);
    const client = await greetedClient(server);
    client.send('XTWICE\r\nNOOP\r\n');
    expect((await client.replies(2)).map(({ lines }) => lines[0])).toEqual(['2.0.0 first', '2.0.0 OK']);
    await turns();
    expect(client.unread).toBe('');
    expect(server.log.errors).toEqual([expect.stringContaining('one final reply')]);
  });

  it.each([
    ['XSILENT', 'without an answer'],
    ['XHALF', 'without an answer'],
    ['XNONSENSE', '"hello" is no reply'],
    ['XASK', 'readLine() asks'],
    ['XTHROW', 'secret'],
    ['XBAD', 'no thenable at all'],
  ])('that fails (%s) is answered with 451, logged, and the session goes on', async (line, logged) => {
    const server = serverOf(VerbChannel);
    const client = await greetedClient(server);
    client.send(`${line}\r\nXSYNC after\r\n`);
    const [reply, next] = await client.replies(2);
    expect(reply).toEqual({ code: 451, lines: [expect.stringMatching(/^4\.3\.0 Error: internal error, incident/)] });
    expect(next).toEqual({ code: 250, lines: ['2.0.0 after'] });
    expect(server.log.errors).toEqual([expect.stringContaining(logged)]);
  });

  it('may refuse by throwing SMTPReplyError', async () => {
    const server = serverOf(VerbChannel);
    const client = await greetedClient(server);
    expect(await client.command('XREFUSE')).toEqual({ code: 550, lines: ['5.7.1 No'] });
    expect(server.log.lines).toEqual([]);
  });

  it('may close', async () => {
    const client = await greetedClient(serverOf(VerbChannel));
    client.send('XCLOSE\r\nNOOP\r\n');
    expect((await client.closed()).map(({ code }) => code)).toEqual([221]);
  });

  it('may stand for another command, but answers once', async () => {
    const server = serverOf(VerbChannel);
    const client = await greetedClient(server);
    expect((await client.command('XMAIL')).code).toBe(250);
    expect((await client.command('RCPT TO:<b@b.example>')).code).toBe(250);
    expect((await client.command('XBOTH')).code).toBe(250);
    expect(server.log.errors).toEqual([expect.stringContaining('one final reply')]);
    // RSET had no reply left to give, so it did nothing.
    expect((await client.command('DATA')).code).toBe(354);
  });

  it('is heard at once even when it goes on working, and what it does then is not the client being idle', async () => {
    const clock = new ManualClock();
    let release: () => void = () => undefined;
    class WorkingChannel extends SMTPChannel {
      async smtp_XWORK() {
        await Promise.resolve();
        await this.push('250 2.0.0 Working');
        await new Promise<void>((resolve) => {
          release = resolve;
        });
      }
    }
    const server = serverOf(WorkingChannel, { clock, limits: { commandWaitMs: 1_000, verdictWaitMs: 5_000 } });
    const limits = limitsOf(server);
    const client = await greetedClient(server);
    expect((await client.command('XWORK')).lines).toEqual(['2.0.0 Working']);
    client.send('NOOP\r\n');
    clock.advance(4_000);
    await turns();
    expect(client.unread).toBe('');
    release();
    expect((await client.reply()).code).toBe(250);
    clock.advance(999);
    expect((await client.command('XWORK')).code).toBe(250);
    clock.advance(5_000);
    expect((await client.closed()).map(({ code }) => code)).toEqual([421]);
    expect(limits).toEqual(['verdictWaitMs']);
  });
});

describe('a command that a channel class overrides', () => {
  it('may do something before and after the usual', async () => {
    const seen: unknown[] = [];
    class MailChannel extends SMTPChannel {
      override async smtp_MAIL(argument: string | undefined) {
        seen.push(['before', this.mailFrom]);
        if (argument?.includes('spam') === true) await this.push('550 5.7.1 No spam');
        else await super.smtp_MAIL(argument);
        seen.push(['after', this.mailFrom]);
      }
    }
    for (const hook of [() => undefined, async () => undefined]) {
      seen.length = 0;
      const server = serverOf(MailChannel);
      server.use({ name: 'hook', mail: hook });
      const client = await greetedClient(server);
      expect((await client.command('MAIL FROM:<spam@a.example>')).lines).toEqual(['5.7.1 No spam']);
      expect((await client.command('MAIL FROM:<a@a.example>')).code).toBe(250);
      expect((await client.command('RCPT TO:<b@b.example>')).code).toBe(250);
      expect(seen).toEqual([
        ['before', undefined],
        ['after', undefined],
        ['before', undefined],
        ['after', 'a@a.example'],
      ]);
    }
  });

  it('may forget to await super: the reply comes all the same, once', async () => {
    class HastyChannel extends SMTPChannel {
      override smtp_MAIL(argument: string | undefined): void {
        void super.smtp_MAIL(argument);
      }
    }
    const server = serverOf(HastyChannel);
    server.use({ name: 'slow', mail: async () => turns(2) });
    const client = await greetedClient(server);
    client.send('MAIL FROM:<a@a.example>\r\nRCPT TO:<b@b.example>\r\nNOOP\r\n');
    expect((await client.replies(3)).map(({ lines }) => lines[0])).toEqual(['2.1.0 OK', '2.1.5 OK', '2.0.0 OK']);
    expect(server.log.lines).toEqual([]);
  });

  it('that answers besides super, awaited or not, is answered once; the error is logged', async () => {
    class ChattyChannel extends SMTPChannel {
      override async smtp_MAIL(argument: string | undefined) {
        void super.smtp_MAIL(argument);
        await this.push('250 2.0.0 mine');
      }
      override async smtp_RCPT(argument: string | undefined) {
        await super.smtp_RCPT(argument);
        await this.push('250 2.0.0 mine');
      }
    }
    const server = serverOf(ChattyChannel);
    server.use({ name: 'slow', mail: async () => turns(2) });
    const client = await greetedClient(server);
    expect((await client.command('MAIL FROM:<a@a.example>')).code).toBe(451);
    await turns(5);
    expect((await client.command('NOOP')).lines).toEqual(['2.0.0 OK']);
    expect(server.log.errors).toHaveLength(1);
  });

  it('DATA: what it says after 354 does not come before the content', async () => {
    class DataChannel extends SMTPChannel {
      override async smtp_DATA(argument: string | undefined) {
        await super.smtp_DATA(argument);
        await this.push('250 2.0.0 out of turn');
      }
    }
    const server = serverOf(DataChannel);
    const client = await greetedClient(server);
    expect((await sendMessage(client)).lines).toEqual(['2.0.0 OK']);
    expect(server.messages).toHaveLength(1);
    expect(server.log.errors).toEqual([expect.stringContaining('one final reply')]);
  });

  it('DATA: a method that takes its time after 354 keeps the content waiting, not the 354', async () => {
    let release: () => void = () => undefined;
    class DataChannel extends SMTPChannel {
      override async smtp_DATA(argument: string | undefined) {
        await super.smtp_DATA(argument);
        await new Promise<void>((resolve) => {
          release = resolve;
        });
      }
    }
    const server = serverOf(DataChannel);
    const client = await greetedClient(server);
    await startContent(client);
    client.send('Hello\r\n.\r\n');
    await turns();
    expect(server.messages).toHaveLength(0);
    release();
    expect((await client.reply()).code).toBe(250);
    expect(server.messages).toHaveLength(1);
  });

  it('EHLO may be replaced whole', async () => {
    class EHLOChannel extends SMTPChannel {
      override async smtp_EHLO(argument: string | undefined) {
        if (argument === 'old.example') await this.push('502 5.5.1 HELO, please');
        else await super.smtp_EHLO(argument);
      }
    }
    const client = RawClient.inMemory(serverOf(EHLOChannel));
    await client.reply();
    expect((await client.command('EHLO old.example')).code).toBe(502);
    expect((await client.command('MAIL FROM:<a@a.example>')).code).toBe(503);
    expect((await client.command('HELO old.example')).code).toBe(250);
    expect((await client.command('MAIL FROM:<a@a.example>')).code).toBe(250);
  });

  it('goes on quietly when the client has left in the meantime', async () => {
    let release: () => void = () => undefined;
    const ends: string[] = [];
    class SlowChannel extends SMTPChannel {
      override async smtp_MAIL(argument: string | undefined) {
        await new Promise<void>((resolve) => {
          release = resolve;
        });
        await super.smtp_MAIL(argument);
        await this.push('250 2.0.0 to nobody');
        ends.push('ended');
      }
    }
    const server = serverOf(SlowChannel);
    const client = await greetedClient(server);
    client.send('MAIL FROM:<a@a.example>\r\n');
    await turns();
    client.destroy();
    await turns();
    release();
    await turns();
    expect(ends).toEqual(['ended']);
    expect(server.log.lines).toEqual([]);
    expect(server.channels.size).toBe(0);
  });
});

describe('the methods of a channel class', () => {
  it.each([['smtp_xping'], ['smtp_'], ['smtp_1PING'], ['smtp_X_PING'], ['smtp_ſ']])(
    '%s, which no client could call, is a UsageError when the server is made',
    (name) => {
      class BadChannel extends SMTPChannel {}
      Object.defineProperty(BadChannel.prototype, name, { value: () => undefined });
      expect(() => serverOf(BadChannel)).toThrow(UsageError);
      expect(() => serverOf(BadChannel)).toThrow(name);
    },
  );

  it('are reached by their verb and by nothing else on the wire', async () => {
    const called: string[] = [];
    class TemptingChannel extends SMTPChannel {
      // eslint-disable-next-line @typescript-eslint/naming-convention -- what looks like a command method and is none
      smtp_RSET_ALL = undefined;
      // eslint-disable-next-line @typescript-eslint/naming-convention -- see above
      get smtp_XGET(): () => void {
        return () => called.push('XGET');
      }
      notAVerb(): void {
        called.push('notAVerb');
      }
    }
    const client = await greetedClient(serverOf(TemptingChannel, { limits: { errorsMax: 1_000 } }));
    const tricks = [
      '__proto__',
      'constructor',
      'CONSTRUCTOR',
      'toString',
      'hasOwnProperty',
      'push x',
      'close',
      'smtp_MAIL FROM:<a@b.c>',
      'SMTP_MAIL FROM:<a@b.c>',
      'smtp_smtp_MAIL',
      'notAVerb',
      'NOTAVERB',
      'XGET',
      'RSET_ALL',
      'r\u017fet',
      'MA\u0131L FROM:<a@b.c>',
      '\u00e9HLO c',
      'MAIL\tFROM:<a@b.c>',
      ' NOOP',
      'begin',
      'cutOff',
      'shutDown',
    ];
    for (const trick of tricks) {
      client.send(`${Buffer.from(trick).toString('latin1')}\r\n`);
      expect([trick, (await client.reply()).code]).toEqual([trick, 500]);
    }
    expect(called).toEqual([]);
    expect((await client.command('NOOP')).code).toBe(250);
  });

  it('may be overridden down a line of classes', async () => {
    class Parent extends SMTPChannel {
      async smtp_XWHO() {
        await this.push('250 2.0.0 parent');
      }
    }
    class Child extends Parent {
      override async smtp_XWHO() {
        await this.push('250 2.0.0 child');
      }
    }
    expect((await (await greetedClient(serverOf(Child))).command('XWHO')).lines).toEqual(['2.0.0 child']);
    expect((await (await greetedClient(serverOf(Parent))).command('XWHO')).lines).toEqual(['2.0.0 parent']);
  });

  it('come before the verb of an extension', async () => {
    class PingChannel extends SMTPChannel {
      async smtp_XPING() {
        await this.push('250 2.0.0 class');
      }
    }
    const ping = defineExtension({
      keyword: 'XPING',
      verbs: {
        XPING: { syntax: 'XPING', run: () => '250 2.0.0 extension' },
        XPONG: { syntax: 'XPONG', run: () => undefined },
      },
    });
    const client = await greetedClient(serverOf(PingChannel, { extensions: [ping] }));
    expect((await client.command('XPING')).lines).toEqual(['2.0.0 class']);
    expect((await client.command('XPONG')).lines).toEqual(['2.0.0 OK']);
  });
});

describe("the old module's instance variables", () => {
  it('show the session as it stands', async () => {
    const views: Record<string, unknown>[] = [];
    class LookingChannel extends SMTPChannel {
      async smtp_XLOOK() {
        views.push(this.look());
        await this.push('250 2.0.0 OK');
      }
      look(): Record<string, unknown> {
        const { mailFrom, rcptTos, mailOptions, rcptOptions, seenGreeting, extendedSMTP, smtpState, receivedLines } =
          this;
        return { mailFrom, rcptTos, mailOptions, rcptOptions, seenGreeting, extendedSMTP, smtpState, receivedLines };
      }
    }
    const content: unknown[] = [];
    const server = serverOf(LookingChannel, { dataSizeLimit: 1_000, limits: { commandLengthBytesMax: 600 } });
    server.use({
      name: 'look',
      message: ({ message }) => {
        const [channel] = server.channels as Set<LookingChannel>;
        content.push(channel!.look(), channel!.receivedData === message.data);
      },
    });
    const client = RawClient.inMemory(server);
    await client.reply();
    await client.command('XLOOK');
    await client.command('EHLO c.example');
    await client.command('MAIL FROM:<a@a.example> SIZE=5');
    await client.command('RCPT TO:<b@b.example>');
    await client.command('xlook  now ');
    await client.command('DATA');
    client.send('Hi\r\n.\r\n');
    await client.reply();
    const nothing = { mailFrom: undefined, rcptTos: [], mailOptions: [], rcptOptions: [] };
    const envelope = { mailFrom: 'a@a.example', rcptTos: ['b@b.example'], mailOptions: ['SIZE=5'], rcptOptions: [[]] };
    expect(views).toEqual([
      { ...nothing, seenGreeting: '', extendedSMTP: false, smtpState: 'COMMAND', receivedLines: ['XLOOK'] },
      {
        ...envelope,
        seenGreeting: 'c.example',
        extendedSMTP: true,
        smtpState: 'COMMAND',
        receivedLines: ['XLOOK now'],
      },
    ]);
    expect(content).toEqual([
      { ...envelope, seenGreeting: 'c.example', extendedSMTP: true, smtpState: 'DATA', receivedLines: [] },
      true,
    ]);
    const [channel] = server.channels as Set<SMTPChannel>;
    expect(channel!.receivedData).toBeUndefined();
    expect(channel!.smtpServer).toBe(server);
    expect([channel!.fqdn, channel!.dataSizeLimit, channel!.commandSizeLimit, channel!.enableSMTPUTF8]).toEqual([
      'mx.example',
      1_000,
      600,
      true,
    ]);
    expect(channel!.addr).toBe(channel!.peer);
    expect(channel!.conn).toBeUndefined();
  });

  it('conn is the socket, where there is one', async () => {
    const server = new KeepingServer();
    await server.listen();
    const client = await RawClient.connect(server.port);
    await client.reply();
    const [channel] = server.channels as Set<SMTPChannel>;
    expect(channel!.conn).toHaveProperty('remotePort', channel!.peer.port);
    client.destroy();
    await server.close();
  });
});

describe('a channel that cannot be made', () => {
  it('loses its one connection, and leaves nothing behind', async () => {
    let isFailing = true;
    class FailingChannel extends SMTPChannel {
      constructor(options: ConstructorParameters<typeof SMTPChannel>[0]) {
        super(options);
        if (isFailing) throw new Error('no channel today');
      }
    }
    const server = serverOf(FailingChannel);
    await server.listen();
    const lost = await RawClient.connect(server.port);
    expect(await lost.closed()).toEqual([]);
    expect(server.log.errors).toEqual(['Error: no channel today']);
    expect(server.channels.size).toBe(0);
    isFailing = false;
    const client = await RawClient.connect(server.port);
    expect((await client.reply()).code).toBe(220);
    client.destroy();
    await server.close();
  });

  it('because its transport does not start, neither', () => {
    const server = new KeepingServer();
    const transport = new FakeTransport();
    transport.start = () => {
      throw new Error('no handle');
    };
    expect(() => {
      server.accept(transport);
    }).toThrow('no handle');
    expect(server.channels.size).toBe(0);
  });
});
