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
