import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';

import { Sink } from '../../src/index.js';
import { greetedClient, sendMessage, startContent, until } from '../server/support.js';

/** Octets outside the heap that somebody still refers to. */
function liveBytes(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  const { arrayBuffers, external } = process.memoryUsage();
  return arrayBuffers + external;
}

describe('Sink', () => {
  it('takes messages and counts them, their recipients and their octets', async () => {
    await using sink = new Sink();
    const client = await greetedClient(sink);
    expect(sink.totals).toEqual({ messageCount: 0, recipientCount: 0, octetCount: 0, unfinishedCount: 0 });
    expect((await sendMessage(client, 'Hello\r\n')).code).toBe(250);
    await client.command('MAIL FROM:<>');
    for (const name of ['bob', 'carol', 'dan']) await client.command(`RCPT TO:<${name}@b.example>`);
    await client.command('DATA');
    client.send('..\r\n.\r\n');
    expect((await client.reply()).code).toBe(250);
    expect(sink.totals).toEqual({ messageCount: 2, recipientCount: 4, octetCount: 10, unfinishedCount: 0 });
    client.destroy();
  });

  it('refuses what any server refuses, and does not count it', async () => {
    await using sink = new Sink({ dataSizeLimit: 100 });
    const client = await greetedClient(sink);
    expect((await sendMessage(client, 'a\nb\r\n')).code).toBe(550);
    expect((await sendMessage(client, 'x\r\n'.repeat(100))).code).toBe(552);
    await until(() => sink.totals.unfinishedCount === 2);
    expect(sink.totals).toEqual({ messageCount: 0, recipientCount: 0, octetCount: 0, unfinishedCount: 2 });
    client.destroy();
  });

  it('counts a message whose client left as unfinished', async () => {
    await using sink = new Sink();
    const client = await greetedClient(sink);
    await startContent(client);
    client.send('Hello\r\n');
    client.destroy();
    await until(() => sink.totals.unfinishedCount === 1);
    expect(sink.totals.octetCount).toBe(0);
  });

  it('holds nothing of a message: what arrives is gone before the rest comes', async () => {
    await using sink = new Sink({ localAddress: '127.0.0.1:0', dataSizeLimit: null });
    const client = await greetedClient(sink);
    await startContent(client);
    const block = `${'x'.repeat(1022)}\r\n`.repeat(1024);
    const before = liveBytes();
    for (let count = 0; count < 32; count += 1) {
      client.send(block);
      await new Promise((resolve) => setImmediate(resolve));
    }
    // The message is not over, and what came of it is nowhere any more.
    await until(() => liveBytes() - before < 8 * 1024 * 1024);
    client.send('.\r\n');
    expect((await client.reply()).code).toBe(250);
    expect(sink.totals.octetCount).toBe(32 * 1024 * 1024);
    client.destroy();
  });
});
