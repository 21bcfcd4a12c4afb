/** Clients that speak another protocol, or none: what they say is never taken for mail, and they are let go of. */

import { once } from 'node:events';
import { connect as connectTLS } from 'node:tls';
import { describe, expect, it } from 'vitest';

import { eventsOf } from '../server/support.js';
import { Attacker, expectCleanTransaction, expectNoFaults, startServer } from './support.js';

/** What a page in a browser can make the browser send to any port: the body is its own. */
const MAIL_IN_A_BODY =
  'EHLO evil.example\r\nMAIL FROM:<evil@evil.example>\r\nRCPT TO:<victim@b.example>\r\nDATA\r\nEvil\r\n.\r\nQUIT\r\n';
const HEADER =
  'Host: mx.example:25\r\nOrigin: https://evil.example\r\nContent-Type: text/plain\r\nContent-Length: 120\r\n\r\n';

describe('HTTP', () => {
  it.each([
    'POST / HTTP/1.1',
    'GET / HTTP/1.1',
    'CONNECT mx.example:25 HTTP/1.1',
    'PUT /x HTTP/1.0',
    'OPTIONS * HTTP/1.1',
    'get /x',
    'POST',
    // The line is dropped, so that nobody knows what it was.
    `POST /${'x'.repeat(100_000)} HTTP/1.1`,
    `POST /${'x'.repeat(13_000)} HTTP/1.1`,
    `POST /${'x'.repeat(2_000)} HTTP/1.1`,
  ])('a request as the first line closes: %.40s', async (line) => {
    await using server = await startServer();
    await using client = await Attacker.connect(server);
    await client.send(`${line}\r\n${HEADER}${MAIL_IN_A_BODY}`);
    expect(await client.closed()).toEqual([421]);
    expect(server.messages).toEqual([]);
    await expectCleanTransaction(server);
    expectNoFaults(server);
  });

  it('a request that ends its lines with LF alone closes when the first CRLF comes', async () => {
    await using server = await startServer();
    await using client = await Attacker.connect(server);
    await client.send(`POST / HTTP/1.1\nHost: mx.example\n\n${MAIL_IN_A_BODY}`);
    expect(await client.closed()).toEqual([421]);
    expect(server.messages).toEqual([]);
  });

  it('a request later in a session closes it', async () => {
    await using server = await startServer();
    const violations = eventsOf(server, 'violation');
    await using client = await Attacker.connect(server);
    await client.command('EHLO client.example');
    await client.send(`POST / HTTP/1.1\r\n${HEADER}${MAIL_IN_A_BODY}`);
    expect(await client.closed()).toEqual([421]);
    expect(server.messages).toEqual([]);
    expect(violations.map(({ violation }) => violation)).toContain('http');
  });

  it('the words of HTTP in a message are only words', async () => {
    await using server = await startServer();
    await using client = await Attacker.connect(server);
    await client.commands('EHLO c', 'MAIL FROM:<a@a.example>', 'RCPT TO:<b@b.example>', 'DATA');
    expect(await client.commands('POST / HTTP/1.1\r\nHost: x\r\n.')).toEqual([250]);
    expect(Buffer.from(server.messages[0]!.data).toString()).toBe('POST / HTTP/1.1\r\nHost: x\r\n');
  });
});

describe('TLS where none is expected', () => {
  it('a ClientHello on a plain port closes at once', async () => {
    await using server = await startServer();
    const violations = eventsOf(server, 'violation');
    const disconnects = eventsOf(server, 'disconnect');
    const socket = connectTLS({ port: server.port, host: '127.0.0.1', rejectUnauthorized: false });
    const [error] = (await once(socket, 'error')) as [Error];
    expect(error).toBeInstanceOf(Error);
    socket.destroy();
    while (disconnects.length === 0) await new Promise((resolve) => setImmediate(resolve));
    expect(violations.map(({ violation }) => violation)).toContain('unexpectedTLS');
    await expectCleanTransaction(server);
    expectNoFaults(server);
  });

  it('the beginning of one, octet by octet, closes at the first', async () => {
    await using server = await startServer();
    await using client = await Attacker.connect(server);
    await client.send('\x16');
    expect(await client.closed()).toEqual([421]);
  });
});

describe('binary noise', () => {
  it('is answered with errors, or not at all, and nothing is delivered', async () => {
    await using server = await startServer();
    for (let seed = 1; seed <= 40; seed += 1) {
      await using client = await Attacker.connect(server);
      await client.send(noise(seed, 20_000));
      client.end();
      for (const code of await client.closed()) expect([421, 500, 501, 503]).toContain(code);
    }
    expect(server.messages).toEqual([]);
    await expectCleanTransaction(server);
    expectNoFaults(server);
  });

  it('in a message arrives as it was sent, or the message is refused', async () => {
    await using server = await startServer({ lineEndings: 'preserve' });
    await using client = await Attacker.connect(server);
    await client.command('EHLO client.example');
    for (let seed = 1; seed <= 20; seed += 1) {
      await client.commands('MAIL FROM:<a@a.example>', 'RCPT TO:<b@b.example>', 'DATA');
      const sent = noise(seed, 20_000);
      await client.send(`${sent}\r\n.\r\n`);
      expect((await client.reply()).code).toBe(250);
      expect(Buffer.from(server.messages.at(-1)!.data).equals(Buffer.from(`${sent}\r\n`, 'latin1'))).toBe(true);
    }
  });
});

/** Octets that look random, and hold neither a dot at the start of a line nor the first octet of a handshake at their own start. */
function noise(seed: number, length: number): string {
  let state = seed * 2_654_435_761;
  const octets = Array.from({ length }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return String.fromCharCode(state >>> 24);
  });
  return `\x80${octets.join('').replaceAll('\n.', '\n,')}`;
}
