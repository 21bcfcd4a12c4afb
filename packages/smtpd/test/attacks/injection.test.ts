/**
 * Injection: what a client says, in what we write. Control characters get neither into replies nor logs nor a terminal nor header lines
 * of ours, whatever an application does with what it was sent.
 */

import { Buffer } from 'node:buffer';
import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';

import { DebuggingServer, type DebuggingFormat } from '../../src/handlers/debugging-server.js';
import { BIN, Program } from '../cli/program.js';
import { outputOf } from '../support/output-of.js';
import { Attacker, expectCleanTransaction, startServer } from './support.js';

/** What somebody would like to have on a line of its own, or obeyed. */
const PAYLOADS = [
  '\r\n250 2.0.0 Injected',
  '\n250 2.0.0 Injected',
  '\r250 2.0.0 Injected',
  '\0',
  '\x1b[2J\x1b[1;1H',
  '\x1b]0;title\x07',
  '\x7f',
  '\x85',
  '\x9b31m',
  '\xe2\x80\xae',
  '\xe2\x80\xa8250 Injected',
  '\xc2\x9b31m',
];

describe('an application that sends back what it was sent', () => {
  it.each(PAYLOADS)('makes no line of a reply: %j', async (payload) => {
    await using server = await startServer();
    const seen: string[] = [];
    const echo = (text: string): string => {
      seen.push(text);
      return `250 2.0.0 You said ${text}`;
    };
    server.use({
      name: 'echo',
      helo: ({ clientName }) => echo(clientName),
      mail: ({ address, path, parameters }) => echo(`${address} ${path.raw} ${JSON.stringify(parameters)}`),
      rcpt: ({ address, path }) => echo(`${address} ${path.raw}`),
      vrfy: ({ text }) => echo(text),
      expn: ({ text }) => echo(text),
    });
    await using client = await Attacker.connect(server);
    const lines = [
      `EHLO client${payload}`,
      'EHLO client.example',
      `MAIL FROM:<a${payload}@a.example>`,
      `MAIL FROM:<"a${payload}"@a.example>`,
      `MAIL FROM:<"a\\${payload}"@a.example>`,
      `MAIL FROM:<a@${payload}.example>`,
      `MAIL FROM:<@route${payload}.example:a@a.example>`,
      `MAIL FROM:<a@[tag:${payload}]>`,
      `MAIL FROM:<a@a.example> SIZE=1${payload}`,
      `MAIL FROM:<a@a.example> BODY=${payload}`,
      `MAIL FROM:<a@a.example> X${payload}=1`,
      `MAIL FROM:<"a${payload}"@a.example> SMTPUTF8`,
      'RSET',
      'MAIL FROM:<a@a.example> SMTPUTF8',
      `RCPT TO:<b${payload}@b.example>`,
      `RCPT TO:<"b${payload}"@b.example>`,
      `VRFY b${payload}`,
      `VRFY "b${payload}" SMTPUTF8`,
      `EXPN list${payload}`,
      `HELP ${payload}`,
      `NOOP ${payload}`,
      `X${payload}`,
    ];
    let sent = '';
    for (const line of lines) {
      await client.send(`${line}\r\n`);
      sent += `${line}\r\n`;
    }
    // As many replies as lines were sent, by the one count there is: CRLF ends a line.
    const count = sent.split('\r\n').length - 1;
    for (let index = 0; index < count; index += 1) {
      const { lines: said } = await client.reply();

      expect(said.join('')).not.toMatch(/[\x00-\x08\x0a-\x1f\x7f]/);
      expect(Buffer.from(said.join(''), 'latin1').toString('utf8')).not.toMatch(/[\u0080-\u009f\u2028\u2029]/);
    }
    expect(client.unread).toBe('');
    // Nothing that ends lines came as far as the application.
    for (const text of seen) expect(text).not.toMatch(/[\r\n\0]/);
    await expectCleanTransaction(server);
  });
});

describe('the names of AUTH', () => {
  it.each(['\r\n', '\n', '\x1b[2J', '\x07', '\u0085', '\u2028'])(
    'with %j in them are refused unseen',
    async (payload) => {
      await using server = await startServer({
        auth: { mode: 'offer', plaintext: 'always' },
        limits: { authFailureDelayMs: Infinity },
      });
      const asked: unknown[] = [];
      server.use({ name: 'directory', auth: (request) => void asked.push(request) });
      await using client = await Attacker.connect(server);
      await client.command('EHLO client.example');
      const base64 = (text: string): string => Buffer.from(text).toString('base64');
      for (const message of [
        `\0alice${payload}\0secret`,
        `root${payload}\0alice\0secret`,
        `\0alice\0secret${payload}`,
      ]) {
        expect((await client.command(`AUTH PLAIN ${base64(message)}`)).code).toBe(501);
      }
      expect((await client.command(`AUTH LOGIN ${base64(`alice${payload}`)}`)).code).toBe(501);
      expect(asked).toEqual([]);
      expect((await client.command(`AUTH PLAIN ${base64('\0alice\0secret')}`)).code).toBe(535);
      expect(asked).toHaveLength(1);
    },
  );
});

describe('the X-Peer that we write', () => {
  it.each<DebuggingFormat>(['text', 'python'])(
    'is one line, whatever XCLIENT and the message say (%s)',
    async (format) => {
      const output = new PassThrough().setEncoding('utf8');
      await using server = new DebuggingServer({
        localAddress: '127.0.0.1:0',
        hostname: 'mx.example',
        output,
        format,
        xclient: 'loopback',
      });
      await server.listen();
      await using client = await Attacker.connect(server);
      await client.command('EHLO client.example');
      for (const value of [
        '192.0.2.1+0D+0AX-Evil:+20yes',
        '192.0.2.1\nX-Evil:',
        'evil.example',
        '[192.0.2.1]',
        '+1B[2J',
      ]) {
        expect([500, 501]).toContain((await client.command(`XCLIENT ADDR=${value}`)).code);
      }
      expect((await client.command('XCLIENT NAME=evil+0D+0AX-Evil:+20yes ADDR=192.0.2.7')).code).toBeOneOf([220, 501]);
      await client.commands('EHLO client.example', 'MAIL FROM:<a@a.example>', 'RCPT TO:<b@b.example>', 'DATA');
      expect(await client.commands('Subject: x\r\nX-Peer: 203.0.113.99\r\n\r\nbody\r\n.')).toEqual([250]);
      const printed = outputOf(output).toString();
      expect(printed.match(/X-Peer: (?!203\.0\.113\.99)/g)).toHaveLength(1);
      expect(printed).not.toContain('X-Evil');
    },
  );
});

describe('the program', () => {
  it('prints nothing that a terminal obeys, and one line an event, whatever comes', async () => {
    await using program = new Program(['debug', '--debug', '127.0.0.1:0'], { bin: BIN });
    await using client = await Attacker.connect({ port: await program.port() });
    await client.command('EHLO client.example');
    for (const payload of PAYLOADS) {
      await client.send(
        `NOOP ${payload}\r\nVRFY a${payload}\r\nX${payload}\r\nMAIL FROM:<"${payload}"@a.example> SMTPUTF8\r\nRSET\r\n`,
      );
    }
    await client.send('EHLO client.example\r\nMAIL FROM:<a@a.example>\r\nRCPT TO:<b@b.example>\r\nDATA\r\n');
    await client.send(`Subject: ${PAYLOADS.join('')}\r\n\r\n${PAYLOADS.join('\r\n')}\r\n.\r\nQUIT\r\n`);
    expect(await client.closed()).toContain(354);
    const { stdout, stderr } = await program.stop();
    for (const text of [stdout, stderr]) {
      const decoded = Buffer.from(text, 'latin1').toString('utf8');
      expect(decoded).not.toMatch(/[^\P{Cc}\n\t]|[\u2028\u2029\u202e]/u);
    }
    for (const line of stderr.split('\n').slice(0, -1)) expect(line).toMatch(/^(?:debug event=|listening on )/);
  });
});
