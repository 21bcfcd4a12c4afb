/** A server that gathers content, with one behind it; `testing/upstream.test.ts` has the conversations. */

import { afterEach, describe, expect, it } from 'vitest';

import { GatheredPassage } from '../../../src/handlers/proxy/gathered-passage.js';
import type { ReceivedMessage } from '../../../src/server/received-message.js';
import { SMTPServer } from '../../../src/server/server.js';
import type { MessageVerdict } from '../../../src/server/verdict.js';
import { RawUpstream, type UpstreamOptions } from '../../support/raw-upstream.js';
import { greetedClient, RecordingLogger, sendMessage, until } from '../../server/support.js';

const toClose: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of toClose.splice(0).reverse()) await close();
});

/** A server that passes on what it likes. */
class ChoosingServer extends SMTPServer {
  readonly passage: GatheredPassage;

  constructor(to: string) {
    super({ localAddress: '127.0.0.1:0', hostname: 'mx.example', logger: new RecordingLogger() });
    this.passage = new GatheredPassage({ to }, this.options);
    this.useLast(this.passage.hook);
  }

  override async processMessage(message: ReceivedMessage): Promise<MessageVerdict> {
    if (!message.data.includes(0x21)) return (await this.passage.pass(message))[0];
    this.passage.abandon(message.session);
    return '550 5.6.0 No exclamation marks';
  }
}

async function start(options: UpstreamOptions = {}) {
  const upstream = await RawUpstream.start(options);
  toClose.push(() => upstream[Symbol.asyncDispose]());
  const server = new ChoosingServer(upstream.address);
  toClose.push(async () => {
    await server.close({ graceMs: 0 });
    await server.passage.destroy();
  });
  const client = await greetedClient(server);
  toClose.push(() => {
    client.destroy();
  });
  return { upstream, server, client };
}

describe('a passage', () => {
  it('brings a message to the server behind, and its reply back', async () => {
    const { upstream, client } = await start({ onStep: ({ step }) => (step === 'end' ? '250 2.6.0 Mine' : undefined) });
    expect(await sendMessage(client, 'Hello\r\n')).toEqual({ code: 250, lines: ['2.6.0 Mine'] });
    expect(upstream.acknowledged).toMatchObject([{ content: 'Hello\r\n', mail: 'MAIL FROM:<alice@a.example>' }]);
  });

  it('that is left brings nothing there, and the next message goes through', async () => {
    const { upstream, client } = await start();
    expect((await sendMessage(client, 'Hello!\r\n')).code).toBe(550);
    await until(() => upstream.openCount === 0);
    expect((await sendMessage(client, 'Hello\r\n')).code).toBe(250);
    expect(upstream.messages.map(({ content }) => content)).toEqual(['Hello\r\n']);
  });

  it('that is reset resets the transaction there', async () => {
    const { upstream, client } = await start();
    await client.command('MAIL FROM:<alice@a.example>');
    await client.command('RSET');
    await until(() => upstream.lines.includes('RSET'));
    expect(upstream.connections).toHaveLength(1);
  });

  it('asks at once about all recipients that came together', async () => {
    const { client } = await start({
      // It does not answer for the first before it has heard of the second.
      onStep: async ({ line, connection }) => {
        if (line.includes('<b@')) await until(() => connection.received.includes('<c@'));
        return undefined;
      },
    });
    client.send('MAIL FROM:<a@a.example>\r\nRCPT TO:<b@b.example>\r\nRCPT TO:<c@b.example>\r\n');
    expect((await client.replies(3)).map(({ code }) => code)).toEqual([250, 250, 250]);
  });

  it('is cut when it is destroyed, also in the middle of a transaction', async () => {
    const { upstream, server, client } = await start();
    await client.command('MAIL FROM:<alice@a.example>');
    await server.passage.destroy();
    await until(() => upstream.openCount === 0);
    expect((await client.command('RCPT TO:<b@b.example>')).lines[0]).toMatch(/^4\.4\.\d /);
  });

  it('goes to one server', () => {
    expect(() => new ChoosingServer('mx:example.org')).toThrow(/may be several/);
  });
});
