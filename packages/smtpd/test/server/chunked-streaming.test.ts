/** BDAT (RFC 3030) where content is handed over while it arrives: one body over all chunks, which fails when the message does. */

import { describe, expect, it } from 'vitest';

import { SMTPServer } from '../../src/server/server.js';
import type { StreamedMessage } from '../../src/server/received-message.js';
import { silentLogger } from '../../src/server/logger.js';
import type { RawClient } from '../support/raw-client.js';
import { codes, greetedClient, turns } from './support.js';

class Streaming extends SMTPServer {
  readonly bodies: string[] = [];
  readonly failures: unknown[] = [];

  constructor() {
    super({ hostname: 'mx.example', logger: silentLogger, dataSizeLimit: 200_000 });
  }

  override async streamMessage(message: StreamedMessage): Promise<void> {
    let body = '';
    try {
      for await (const chunk of message.body) body += Buffer.from(chunk).toString('latin1');
      this.bodies.push(body);
    } catch (error) {
      this.failures.push(error);
      throw error;
    }
  }
}

async function begun(): Promise<{ server: Streaming; client: RawClient }> {
  const server = new Streaming();
  const client = await greetedClient(server);
  await client.command('MAIL FROM:<a@a.example>');
  await client.command('RCPT TO:<b@b.example>');
  return { server, client };
}

describe('a chunked message that is streamed', () => {
  it('is one body, whatever its chunks', async () => {
    const { server, client } = await begun();
    client.send('BDAT 4\r\none\r');
    client.send('BDAT 6\r\n\ntwo\r\nBDAT 0\r\nBDAT 7 LAST\r\nthree\r\nNOOP\r\n');
    expect(codes(await client.replies(5))).toEqual([250, 250, 250, 250, 250]);
    expect(server.bodies).toEqual(['one\r\ntwo\r\nthree\r\n']);
    expect(server.failures).toEqual([]);
  });

  it('is read while a chunk is still coming', async () => {
    const { server, client } = await begun();
    client.send(`BDAT 100000 LAST\r\n${'x'.repeat(50_000)}`);
    await turns(5);
    expect(server.bodies).toEqual([]);
    client.send('x'.repeat(50_000));
    expect((await client.reply()).code).toBe(250);
    expect(server.bodies.map(({ length }) => length)).toEqual([100_000]);
  });

  it.each(['RSET', 'EHLO again.example'])(
    'fails when the client gives it up with %s between two chunks',
    async (line) => {
      const { server, client } = await begun();
      client.send('BDAT 5\r\none\r\n');
      await client.reply();
      expect((await client.command(line)).code).toBe(250);
      await turns();
      expect(server.failures).toMatchObject([{ code: 'SMTPD_TRANSACTION_RESET' }]);
      expect(server.bodies).toEqual([]);
      // The next message has a body of its own.
      client.send('MAIL FROM:<a@a.example>\r\nRCPT TO:<b@b.example>\r\nBDAT 5 LAST\r\ntwo\r\n');
      expect(codes(await client.replies(3))).toEqual([250, 250, 250]);
      expect(server.bodies).toEqual(['two\r\n']);
    },
  );

  it.each([
    ['within a chunk', 'BDAT 10\r\none\r\n'],
    ['between two chunks', 'BDAT 5\r\none\r\n'],
  ])('fails when the client leaves %s', async (_name, octets) => {
    const { server, client } = await begun();
    client.send(octets);
    await turns();
    client.destroy();
    await turns();
    expect(server.failures).toMatchObject([{ code: 'SMTPD_CLIENT_GONE' }]);
    expect(server.bodies).toEqual([]);
  });

  it('fails when it grows too large, and what follows is dropped', async () => {
    const { server, client } = await begun();
    client.send(`BDAT 150000\r\n${'x'.repeat(150_000)}`);
    expect((await client.reply()).code).toBe(250);
    client.send(`BDAT 150000\r\n${'QUIT\r\n'.repeat(25_000)}BDAT 6 LAST\r\nQUIT\r\n`);
    expect(codes(await client.replies(2))).toEqual([552, 503]);
    await turns();
    expect(server.failures).toMatchObject([{ code: 'SMTPD_CONTENT_REFUSED' }]);
    expect((await client.command('NOOP')).code).toBe(250);
    expect(server.bodies).toEqual([]);
  });
});
