/** Pipelining (RFC 2920): replies of one group leave in one write, and a slow answer holds up none before it. */

import { describe, expect, it } from 'vitest';

import { SMTPChannel } from '../../src/server/channel.js';
import { FakeTransport, KeepingServer, turns, until } from './support.js';

const GROUP = 'EHLO c.example\r\nMAIL FROM:<a@a.example>\r\nRCPT TO:<b@b.example>\r\nRCPT TO:<c@c.example>\r\nDATA\r\n';

function connectTo(server: KeepingServer): FakeTransport {
  const transport = new FakeTransport();
  server.accept(transport);
  transport.writes.length = 0;
  return transport;
}

function codesOf(write: string): string[] {
  return write
    .split('\r\n')
    .slice(0, -1)
    .filter((line) => line[3] === ' ')
    .map((line) => line.slice(0, 3));
}

describe('the replies of one pipelined group', () => {
  it('leave in one write, in the same turn, when nobody is asked', () => {
    const transport = connectTo(new KeepingServer());
    transport.send(GROUP);
    expect(transport.writes.map(codesOf)).toEqual([['250', '250', '250', '250', '354']]);
  });

  it('leave in one write, in the same turn, when hooks answer at once', () => {
    const server = new KeepingServer().use({
      name: 'prompt',
      helo: () => undefined,
      mail: () => '250 2.1.0 Yes',
      rcpt: ({ address }) => (address.startsWith('c') ? '550 5.1.1 No' : undefined),
      data: () => undefined,
    });
    const transport = connectTo(server);
    transport.send(GROUP);
    expect(transport.writes.map(codesOf)).toEqual([['250', '250', '250', '550', '354']]);
  });

  it('leave in one write when hooks settle within the turn', async () => {
    const server = new KeepingServer().use({
      name: 'async',
      helo: async () => undefined,
      mail: async () => undefined,
      rcpt: async () => {
        for (let step = 0; step < 20; step += 1) await Promise.resolve();
      },
      data: async () => undefined,
    });
    const transport = connectTo(server);
    transport.send(GROUP);
    await turns(1);
    expect(transport.writes.map(codesOf)).toEqual([['250', '250', '250', '250', '354']]);
  });

  it('leave in one write when methods are overridden by async ones', async () => {
    class AsyncChannel extends SMTPChannel {
      override async smtp_EHLO(argument: string | undefined) {
        await super.smtp_EHLO(argument);
      }
      override async smtp_MAIL(argument: string | undefined) {
        await super.smtp_MAIL(argument);
      }
      override async smtp_RCPT(argument: string | undefined) {
        await super.smtp_RCPT(argument);
      }
    }
    class Server extends KeepingServer {
      static override channelClass = AsyncChannel;
    }
    const transport = connectTo(new Server());
    transport.send(GROUP);
    await turns(1);
    expect(transport.writes.map(codesOf)).toEqual([['250', '250', '250', '250', '354']]);
  });

  it('go out before a slow answer, and those behind it after', async () => {
    let release: () => void = () => undefined;
    const server = new KeepingServer().use({
      name: 'slow',
      rcpt: () =>
        new Promise<void>((resolve) => {
          release = resolve;
        }),
    });
    const transport = connectTo(server);
    transport.send('EHLO c.example\r\nMAIL FROM:<a@a.example>\r\nRCPT TO:<b@b.example>\r\nNOOP\r\nNOOP\r\n');
    await until(() => transport.writes.length > 0);
    expect(transport.writes.map(codesOf)).toEqual([['250', '250']]);
    await turns();
    expect(transport.writes).toHaveLength(1);
    release();
    await turns();
    expect(transport.writes.map(codesOf)).toEqual([
      ['250', '250'],
      ['250', '250', '250'],
    ]);
  });

  it('are in order, one a command, whatever each is', async () => {
    const server = new KeepingServer().use({
      name: 'mixed',
      mail: async () => undefined,
      rcpt: ({ address }) => (address < 'c' ? Promise.resolve('550 5.1.1 No') : undefined),
    });
    const transport = connectTo(server);
    transport.send(
      'NOOP\r\nBOGUS\r\nMAIL FROM:<x@x.example>\r\nEHLO c\r\nMAIL FROM:<a@a.example>\r\nRCPT TO:<b@b.example>\r\nRCPT TO:<>\r\nRCPT TO:<d@d.example>\r\n\r\nQUIT\r\nNOOP\r\n',
    );
    await until(() => transport.actions.includes('end'));
    expect(transport.writes.flatMap(codesOf)).toEqual([
      '250',
      '500',
      '503',
      '250',
      '250',
      '550',
      '501',
      '250',
      '500',
      '221',
    ]);
  });
});

describe('recipients that come together and that nobody is asked about', () => {
  const RECIPIENTS = ['b', 'c', 'd'].map((name) => `RCPT TO:<${name}@${name}.example>\r\n`).join('');

  it('are told to who watches, each with its reply behind it', () => {
    const server = new KeepingServer();
    const told: string[] = [];
    server.on('command', ({ verb, argument }) => told.push(`${verb} ${argument ?? ''}`));
    server.on('reply', ({ reply }) => told.push(String(reply.code)));
    const transport = connectTo(server);
    transport.send(`EHLO c.example\r\nMAIL FROM:<a@a.example>\r\n${RECIPIENTS}`);
    expect(told.slice(-6)).toEqual([
      ...['RCPT TO:<b@b.example>', '250', 'RCPT TO:<c@c.example>', '250', 'RCPT TO:<d@d.example>', '250'],
    ]);
  });

  it('are told one by one to who watches commands alone', () => {
    const server = new KeepingServer();
    const told: [argument: string | undefined, recipientCount: number | undefined][] = [];
    server.on('command', ({ verb, argument, session }) => {
      if (verb === 'RCPT') told.push([argument, session.envelope?.rcptTos.length]);
    });
    connectTo(server).send(`EHLO c.example\r\nMAIL FROM:<a@a.example>\r\n${RECIPIENTS}`);
    expect(told).toEqual([
      ['TO:<b@b.example>', 0],
      ['TO:<c@c.example>', 1],
      ['TO:<d@d.example>', 2],
    ]);
  });

  it('are asked about from where somebody who watches says so', () => {
    const server = new KeepingServer();
    server.on('reply', ({ session }) => {
      if (session.envelope?.rcptTos.length === 1) server.use({ name: 'late', rcpt: () => '550 5.1.1 No' });
    });
    const transport = connectTo(server);
    transport.send(`EHLO c.example\r\nMAIL FROM:<a@a.example>\r\n${RECIPIENTS}`);
    expect(transport.writes.map(codesOf)).toEqual([['250', '250', '250', '550', '550']]);
  });

  it('come to a method that was overridden one by one', () => {
    const seen: (string | undefined)[] = [];
    class Channel extends SMTPChannel {
      override smtp_RCPT(argument: string | undefined) {
        seen.push(argument);
        const before = this.rcptTos.length;
        const done = super.smtp_RCPT(argument);
        expect(this.rcptTos.length).toBe(before + 1);
        return done;
      }
    }
    class Server extends KeepingServer {
      static override channelClass = Channel;
    }
    connectTo(new Server()).send(`EHLO c.example\r\nMAIL FROM:<a@a.example>\r\n${RECIPIENTS}`);
    expect(seen).toEqual(['TO:<b@b.example>', 'TO:<c@c.example>', 'TO:<d@d.example>']);
  });

  it('wait behind a method of another command that takes one of its own', () => {
    const seen: number[] = [];
    class Channel extends SMTPChannel {
      smtp_XRCPT() {
        void this.smtp_RCPT('TO:<x@x.example>');
        seen.push(this.rcptTos.length);
      }
    }
    class Server extends KeepingServer {
      static override channelClass = Channel;
    }
    const server = new Server();
    const transport = connectTo(server);
    transport.send(`EHLO c.example\r\nMAIL FROM:<a@a.example>\r\nXRCPT\r\n${RECIPIENTS}DATA\r\nx\r\n.\r\n`);
    expect(seen).toEqual([1]);
    expect(server.messages.map(({ rcptTos }) => rcptTos.length)).toEqual([4]);
  });

  it('leave the last of them as the command line that came last', () => {
    let channel: SMTPChannel | undefined;
    class Channel extends SMTPChannel {
      override smtp_EHLO(argument: string | undefined) {
        // eslint-disable-next-line @typescript-eslint/no-this-alias -- it is looked at from outside
        channel = this;
        return super.smtp_EHLO(argument);
      }
    }
    class Server extends KeepingServer {
      static override channelClass = Channel;
    }
    connectTo(new Server()).send(`EHLO c.example\r\nMAIL FROM:<a@a.example>\r\n${RECIPIENTS}`);
    expect(channel?.receivedLines).toEqual(['RCPT TO:<d@d.example>']);
    expect(channel?.rcptTos).toEqual(['b@b.example', 'c@c.example', 'd@d.example']);
  });
});

describe('what a client sends ahead', () => {
  it('is not read beyond a bound while the application decides', async () => {
    let release: () => void = () => undefined;
    const server = new KeepingServer().use({
      name: 'slow',
      helo: () =>
        new Promise<void>((resolve) => {
          release = resolve;
        }),
    });
    const transport = connectTo(server);
    transport.send('HELO c.example\r\n');
    for (let sent = 0; sent <= 65_536; sent += 6 * 1_024) {
      expect(transport.actions).not.toContain('pause');
      transport.send('NOOP\r\n'.repeat(1_024));
    }
    expect(transport.actions).toContain('pause');
    release();
    await until(() => transport.actions.includes('resume'));
  });
});
