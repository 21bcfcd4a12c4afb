/** `readLine()`: a command that asks the client something back. */

import { describe, expect, it } from 'vitest';

import { UsageError } from '../../src/protocol/errors.js';
import { defineExtension } from '../../src/protocol/extension.js';
import { passwordAuth } from '../../src/server/auth-hooks.js';
import { SMTPChannel } from '../../src/server/channel.js';
import type { SMTPServerOptions } from '../../src/server/server-options.js';
import { ManualClock } from '../support/manual-clock.js';
import { codes, eventsOf, greetedClient, KeepingServer, limitsOf, turns } from './support.js';

class AskingChannel extends SMTPChannel {
  readonly failures: unknown[] = [];

  async smtp_XASK() {
    try {
      await this.push(`250 2.0.0 <${await this.readLine('334 Name?')}>`);
    } catch (error) {
      this.failures.push(error);
      throw error;
    }
  }

  async smtp_XTWO() {
    const first = await this.readLine('334 First');
    const second = await this.readLine('334 Second');
    await this.push(`250 2.0.0 ${first}+${second}`);
  }

  /** Does not wait for the line at once. */
  async smtp_XLATE() {
    const line = this.readLine('334 Name?');
    await turns(5);
    await this.push(`250 2.0.0 ${await line}`);
  }

  async smtp_XGIVEUP() {
    void this.readLine('334 Name?');
    throw new Error('changed my mind');
  }

  smtp_XFORGET(): void {
    void this.readLine('334 Name?');
  }

  async smtp_XBOTH() {
    void this.readLine('334 Name?');
    await this.push('250 2.0.0 Never mind');
  }

  async smtp_XTWICE() {
    void this.readLine('334 First');
    await this.readLine('334 Second');
  }

  async smtp_XNOTHREE() {
    await this.readLine('250 Name?');
  }

  async smtp_XAFTER() {
    await this.push('250 2.0.0 Done');
    await this.readLine('334 And?');
  }
}

function askingServer(options: SMTPServerOptions = {}): KeepingServer {
  class Server extends KeepingServer {
    static override channelClass = AskingChannel;
  }
  return new Server(options);
}

describe('readLine', () => {
  it('asks, and gives the line that answers: it is no command, whatever it says', async () => {
    const server = askingServer();
    const commands = eventsOf(server, 'command');
    const client = await greetedClient(server);
    expect(await client.command('XASK')).toEqual({ code: 334, lines: ['Name?'] });
    expect((await client.command('QUIT')).lines).toEqual(['2.0.0 <QUIT>']);
    expect((await client.command('XASK')).code).toBe(334);
    expect((await client.command('')).lines).toEqual(['2.0.0 <>']);
    expect(commands.map(({ verb }) => verb)).toEqual(['EHLO', 'XASK', 'XASK']);
  });

  it('gives octets as characters, blanks kept', async () => {
    const client = await greetedClient(askingServer());
    await client.command('XASK');
    client.send('  \xe9\x01 x \r\n');
    expect((await client.reply()).lines[0]).toMatch(/^2\.0\.0 < {2}[\xe9?]. x >$/);
  });

  it('may ask several times, also when the answers came ahead', async () => {
    const client = await greetedClient(askingServer());
    client.send('XTWO\r\none\r\ntwo\r\nNOOP\r\n');
    const replies = await client.replies(4);
    expect(codes(replies)).toEqual([334, 334, 250, 250]);
    expect(replies[2]!.lines).toEqual(['2.0.0 one+two']);
  });

  it('keeps a line that comes before it is waited for', async () => {
    const client = await greetedClient(askingServer());
    client.send('XLATE\r\nearly\r\n');
    expect((await client.replies(2))[1]!.lines).toEqual(['2.0.0 early']);
  });

  it('throws a 500 for a line that is too long; the session goes on', async () => {
    const server = askingServer({ limits: { continuationLengthBytesMax: 600 } });
    const limits = limitsOf(server);
    const client = await greetedClient(server);
    await client.command('XASK');
    expect((await client.command('x'.repeat(601))).code).toBe(500);
    expect(limits).toEqual(['continuationLengthBytesMax']);
    await client.command('XASK');
    expect((await client.command('x'.repeat(600))).code).toBe(250);
  });

  it.each(['XASK', 'XLATE'])('rejects when the client leaves (%s), and brings nothing down', async (verb) => {
    const server = askingServer();
    const client = await greetedClient(server);
    await client.command(verb);
    const [channel] = server.channels as Set<AskingChannel>;
    client.destroy();
    await turns(10);
    if (verb === 'XASK') expect(channel!.failures).toEqual([expect.objectContaining({ code: 'SMTPD_CLIENT_GONE' })]);
    expect(server.channels.size).toBe(0);
    expect(server.log.lines).toEqual([]);
  });

  it('rejects when the client ends its side instead of answering', async () => {
    const server = askingServer();
    const client = await greetedClient(server);
    await client.command('XASK');
    const [channel] = server.channels as Set<AskingChannel>;
    client.end();
    await client.closed();
    await turns();
    expect(channel!.failures).toEqual([expect.objectContaining({ code: 'SMTPD_CLIENT_GONE' })]);
  });

  it('rejects when the client has left already', async () => {
    const server = askingServer();
    const client = await greetedClient(server);
    const [channel] = server.channels as Set<AskingChannel>;
    client.destroy();
    await turns();
    await expect(channel!.readLine('334 Anybody?')).rejects.toMatchObject({ code: 'SMTPD_CLIENT_GONE' });
  });

  it.each(['XGIVEUP', 'XFORGET', 'XBOTH', 'XTWICE'])(
    'that is not waited for (%s) ends the session: nobody can tell an answer from a command any more',
    async (verb) => {
      const server = askingServer();
      const client = await greetedClient(server);
      client.send(`${verb}\r\n`);
      expect(codes(await client.closed()).filter((code) => code !== 334)).toEqual([421]);
      expect(server.log.errors).toHaveLength(1);
    },
  );

  it('asks with a 3yz reply, and while the command has no answer', async () => {
    const server = askingServer();
    const client = await greetedClient(server);
    expect((await client.command('XNOTHREE')).code).toBe(451);
    expect((await client.command('XAFTER')).code).toBe(250);
    expect((await client.command('NOOP')).code).toBe(250);
    expect(server.log.errors).toEqual([
      expect.stringContaining('3yz reply'),
      expect.stringContaining('one final reply'),
    ]);
    const [channel] = server.channels as Set<AskingChannel>;
    expect(() => channel!.readLine('334 Out of turn')).toThrow(UsageError);
  });

  it('gives each answer the whole wait for a command', async () => {
    const clock = new ManualClock();
    const server = askingServer({ clock, limits: { commandWaitMs: 1_000 } });
    const limits = limitsOf(server);
    const client = await greetedClient(server);
    clock.advance(900);
    await client.command('XTWO');
    clock.advance(900);
    await client.command('one');
    clock.advance(999);
    await turns();
    expect(client.isClosed).toBe(false);
    clock.advance(1);
    expect(codes(await client.closed())).toEqual([421]);
    expect(limits).toEqual(['commandWaitMs']);
  });
});

describe('the verb of an extension', () => {
  const mix = defineExtension({
    keyword: 'XMIX',
    verbs: {
      XMIX: {
        syntax: 'XMIX [SP <with>]',
        run: async ({ argument, readLine, session }) => {
          const what = await readLine('354 Which?');
          if (what === '') throw new Error('nothing to mix');
          return `250 2.0.0 ${String(session.clientName)} mixes ${String(argument)} with ${what}`;
        },
      },
      XNUMBER: { syntax: 'XNUMBER', run: () => 17 as never },
      XAGAIN: { syntax: 'XAGAIN', run: () => '354 Go on' },
    },
  });

  it('sees who the client is, and the envelope of its transaction', async () => {
    const who = defineExtension({
      keyword: 'XWHO',
      verbs: {
        XWHO: {
          syntax: 'XWHO',
          run: ({ session: { peer, tls, identity, envelope } }) =>
            `250 2.0.0 ${String(peer.port)} ${String(tls !== undefined)} ${String(identity?.user)} ${String(envelope?.mailOptions[0])}`,
        },
      },
    });
    const server = new KeepingServer({ extensions: [who], auth: { mode: 'offer', plaintext: 'always' } });
    server.use(passwordAuth({ a: 'b' }));
    const client = await greetedClient(server);
    expect((await client.command('XWHO')).lines).toEqual(['2.0.0 0 false undefined undefined']);
    await client.command('AUTH PLAIN AGEAYg==');
    await client.command('MAIL FROM:<a@a.example> SIZE=7');
    expect((await client.command('XWHO')).lines).toEqual(['2.0.0 0 false a SIZE=7']);
  });

  it('may ask, answer, fail, and return nonsense', async () => {
    const server = new KeepingServer({ extensions: [mix] });
    const client = await greetedClient(server);
    expect((await client.command('XMIX red')).code).toBe(354);
    expect((await client.command('blue')).lines).toEqual(['2.0.0 client.example mixes red with blue']);
    await client.command('XMIX red');
    expect((await client.command('')).code).toBe(451);
    expect((await client.command('XNUMBER')).code).toBe(451);
    expect((await client.command('XAGAIN')).code).toBe(451);
    expect((await client.command('HELP XMIX')).lines).toEqual(['2.0.0 Syntax: XMIX [SP <with>]']);
    expect(server.log.errors).toHaveLength(3);
  });
});
