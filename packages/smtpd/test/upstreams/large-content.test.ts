/**
 * Large mail of several clients at once through a proxy, whose memory for content is used again and again: what arrives is what was sent, also
 * where a server reads more slowly than its client writes, and part of a piece has to wait.
 */

import { describe, expect, it } from 'vitest';

import { KeepingServer } from '../server/support.js';
import { RawClient } from '../support/raw-client.js';
import { startProxy } from './support.js';

describe.each(['off', 'offer'] as const)('TLS to the next server: %s', (mode) => {
  it('content arrives as it was sent, message by message', async () => {
    await using upstream = new KeepingServer(mode === 'off' ? {} : { tls: { mode: 'offer' } });
    await upstream.listen();
    const tls = mode === 'off' ? { mode } : { mode: 'require' as const, verify: false };
    await using proxy = await startProxy(upstream.port, { upstream: { tls }, addReceived: false, addPeer: false });
    const clients = await Promise.all(Array.from({ length: CLIENTS }, () => clientOf(proxy.port)));
    for (let round = 0; round < 2; round += 1) {
      const contents = clients.map((_, index) => contentOf(round * CLIENTS + index));
      await Promise.all(clients.map((client, index) => send(client, contents[index]!)));
      const arrived = upstream.messages.splice(0).map(({ data }) => Buffer.from(data).toString('latin1'));
      expect(arrived.map((text) => text.length)).toEqual(contents.map((text) => text.length));
      // Not compared by `toEqual`, which would show megabytes.
      expect(arrived.sort().every((text, index) => text === contents.sort()[index])).toBe(true);
    }
    for (const client of clients) client.destroy();
  }, 60_000);
});

async function clientOf(port: number): Promise<RawClient> {
  const client = await RawClient.connect(port);
  await client.reply();
  expect((await client.command('EHLO c.example')).code).toBe(250);
  return client;
}

async function send(client: RawClient, content: string): Promise<void> {
  for (const line of ['MAIL FROM:<a@a.example>', 'RCPT TO:<b@b.example>']) {
    expect((await client.command(line)).code).toBe(250);
  }
  expect((await client.command('DATA')).code).toBe(354);
  expect((await client.command(`${content}.`)).code).toBe(250);
}

/** Every line says whose it is and which one, so that a piece of another message or another place is seen. */
function contentOf(number: number): string {
  let content = 'Subject: large\r\n\r\n';
  for (let line = 0; content.length < CONTENT_BYTES; line += 1) {
    content += `${String(number)} ${String(line)} ${'abcdefgh'.repeat(8)}\r\n`;
  }
  return content;
}

const CLIENTS = 4;
const CONTENT_BYTES = 3 * 1024 * 1024;
