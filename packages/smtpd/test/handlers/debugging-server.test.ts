import { PassThrough, Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';

import {
  DebuggingServer,
  defineExtension,
  UsageError,
  type DebuggingServerOptions,
  type Logger,
  type MessageRecord,
} from '../../src/index.js';
import { scenariosOf } from '../conformance/transcripts.js';
import { RawClient } from '../support/raw-client.js';
import { outputOf } from '../support/output-of.js';

const FIRST = '---------- MESSAGE FOLLOWS ----------';
const LAST = '------------ END MESSAGE ------------';

/** Sends one message over a connection in memory. @returns the code of its reply, and what was printed */
async function printed(
  content: string,
  { mail = '', recipients = ['bob@example.net'], ...options }: Sent = {},
): Promise<{ code: number; text: string }> {
  const output = new PassThrough({ highWaterMark: 64 * 1024 * 1024 });
  const server = new DebuggingServer({ output, ...options });
  const client = RawClient.inMemory(server);
  await client.reply();
  await client.command('EHLO client.example');
  await client.command(`MAIL FROM:<alice@example.org>${mail}`);
  for (const recipient of recipients)
    await client.command(`RCPT TO:${recipient.includes('<') ? recipient : `<${recipient}>`}`);
  await client.command('DATA');
  client.send(`${content}.\r\n`);
  const { code } = await client.reply();
  client.destroy();
  await server.close();
  return { code, text: outputOf(output).toString('utf8') };
}

interface Sent extends DebuggingServerOptions {
  readonly mail?: string;
  readonly recipients?: readonly string[];
}

async function linesOf(content: string, sent: Sent = {}): Promise<string[]> {
  return (await printed(content, sent)).text.split('\n').slice(0, -1);
}

describe('DebuggingServer, text', () => {
  it('prints envelope, header, X-Peer before the first empty line, and body', async () => {
    expect(await linesOf('Subject: x\r\nTo: y\r\n\r\nhello\r\n\r\nworld\r\n')).toEqual([
      FIRST,
      'envelope from: <alice@example.org>',
      'envelope to: <bob@example.net>',
      'Subject: x',
      'To: y',
      'X-Peer: 127.0.0.1',
      '',
      'hello',
      '',
      'world',
      LAST,
    ]);
  });

  it('prints the options of MAIL', async () => {
    const lines = await linesOf('a: b\r\n', { mail: ' SIZE=10 BODY=8BITMIME' });
    expect(lines[3]).toBe("mail options: ['SIZE=10', 'BODY=8BITMIME']");
  });

  it('prints the options of RCPT, and whose they are when there are several recipients, then an empty line', async () => {
    const extensions = [
      defineExtension({ keyword: 'XTAG', rcptParameters: { XTAG: { parse: (value) => ({ value }) } } }),
    ];
    const one = await linesOf('a: b\r\n', { extensions, recipients: ['<bob@example.net> XTAG=a'] });
    expect(one.slice(3)).toEqual(["rcpt options: ['XTAG=a']", '', 'a: b', LAST]);
    const recipients = ['<bob@example.net> XTAG=a', 'carol@example.net', '<dan@example.net> XTAG=d'];
    const several = await linesOf('a: b\r\n', { extensions, recipients });
    expect(several.slice(2)).toEqual([
      'envelope to: <bob@example.net>, <carol@example.net>, <dan@example.net>',
      "rcpt options: ['XTAG=a'] for <bob@example.net>",
      "rcpt options: ['XTAG=d'] for <dan@example.net>",
      '',
      'a: b',
      LAST,
    ]);
  });

  it('takes a message of any form and says what is odd about it', async () => {
    const { code, text } = await printed(`a\rb\nc\nd\0\u00e9\r\n\r\n${'x'.repeat(1200)}\r\n`);
    expect(code).toBe(250);
    expect(text.split('\n').slice(3)).toEqual([
      'oddities: bare CR in 1 place, bare LF in 2 places, NUL, 8-bit without 8BITMIME, 8-bit header without SMTPUTF8, line of 1200 octets',
      'a\\rb\\nc\\nd\\x00\\xe9',
      'X-Peer: 127.0.0.1',
      '',
      'x'.repeat(1200),
      LAST,
      '',
    ]);
  });

  it('passes no control character on to the terminal', async () => {
    const { text } = await printed('Subject: \u001b]0;owned\u0007\u00c2\u009b\r\n\r\n\u00e2\u0080\u00aex\u0008\r\n');
    expect(text).toContain('Subject: \\x1b]0;owned\\x07\\u009b\n');
    expect(text).toContain('\n\\u202ex\\x08\n');
  });

  it('shows UTF-8 as text', async () => {
    const lines = await linesOf('Subject: Gr\u00c3\u00bc\u00c3\u009fe\r\n', { mail: ' SMTPUTF8' });
    expect(lines).toContain('Subject: Grüße');
    expect(lines.some((line) => line.startsWith('oddities'))).toBe(false);
  });
});

describe('DebuggingServer, json', () => {
  it('prints one line with exactly these keys', async () => {
    const content = 'Subject: x\r\n\r\nhel\nlo\r\n';
    const { text } = await printed(content, {
      format: 'json',
      mail: ' SIZE=20',
      recipients: ['b@c.example', 'd@e.example'],
    });
    expect(text.indexOf('\n')).toBe(text.length - 1);
    const record = JSON.parse(text) as MessageRecord;
    expect(Object.keys(record)).toEqual([
      'id',
      'receivedAt',
      'peer',
      'helo',
      'mailFrom',
      'rcptTos',
      'mailOptions',
      'rcptOptions',
      'size',
      'oddities',
      'data',
    ]);
    expect(record).toMatchObject({
      helo: 'client.example',
      mailFrom: 'alice@example.org',
      rcptTos: ['b@c.example', 'd@e.example'],
      mailOptions: ['SIZE=20'],
      rcptOptions: [[], []],
      size: content.length,
      oddities: ['bare LF'],
      data: Buffer.from(content).toString('base64'),
    });
    expect(new Date(record.receivedAt).toISOString()).toBe(record.receivedAt);
    expect(Object.keys(record.peer)).toEqual(['address', 'port']);
  });

  it('keeps every octet', async () => {
    const every = String.fromCharCode(...Array.from({ length: 256 }, (_, octet) => octet));
    const content = `${every.repeat(1000)}\r\n`;
    const { code, text } = await printed(content, { format: 'json' });
    expect(code).toBe(250);
    const record = JSON.parse(text) as MessageRecord;
    expect(Buffer.from(record.data, 'base64').toString('latin1') === content).toBe(true);
    expect(record.size).toBe(content.length);
  });
});

describe('DebuggingServer, python', () => {
  for (const scenario of scenariosOf('debugging')) {
    it(`prints what the old module printed: ${scenario.name}`, async () => {
      const output = new PassThrough();
      const { decodeData, enableSMTPUTF8, dataSizeLimit } = scenario.config;
      await using server = new DebuggingServer({
        localAddress: '127.0.0.1:0',
        ...{ output, format: 'python', decodeData, enableSMTPUTF8, dataSizeLimit },
      });
      await server.listen();
      const client = await RawClient.connect(server.port);
      await client.reply();
      for (const octets of scenario.send) {
        client.send(octets);
        await client.reply();
      }
      client.destroy();
      expect(outputOf(output).toString().split('\n').slice(0, -1)).toEqual(scenario.stdout);
    });
  }

  it('splits lines where Python does, and prints the options', async () => {
    expect(await linesOf("it's\rb\nc\r\n\r\n", { format: 'python', mail: ' SIZE=5' })).toEqual([
      FIRST,
      "mail options: ['SIZE=5']",
      'b"it\'s"',
      "b'b'",
      "b'c'",
      LAST,
    ]);
  });

  it('lets no control character through in text mode either', async () => {
    expect(await linesOf('a\u001b\r\n', { format: 'python', decodeData: true })).toEqual([FIRST, 'a\\x1b', LAST]);
  });
});

describe('DebuggingServer', () => {
  it('refuses a format that does not exist', () => {
    expect(() => new DebuggingServer({ format: 'xml' as never })).toThrow(UsageError);
    expect(() => new DebuggingServer({ format: 'toString' as never })).toThrow('format is one of text, json, python');
  });

  it('takes the same options as any server', () => {
    const { options } = new DebuggingServer({ dataSizeLimit: 5, hostname: 'x.example', output: new PassThrough() });
    expect(options).toMatchObject({ dataSizeLimit: 5, hostname: 'x.example', lineEndings: 'preserve' });
  });

  it('answers 250 when the stream has taken the message, not before', async () => {
    let release: (() => void) | undefined;
    const output = new Writable({
      write: (_chunk, _encoding, callback) => {
        release = callback;
      },
    });
    await using server = new DebuggingServer({ output });
    const client = RawClient.inMemory(server);
    const other = RawClient.inMemory(server);
    await Promise.all([client.reply(), other.reply()]);
    client.send('HELO a\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n');
    await client.replies(4);
    client.send('Subject: x\r\n.\r\n');
    for (let count = 0; count < 100; count += 1) await other.command('NOOP');
    expect(release).toBeDefined();
    expect(client.unread).toBe('');
    release?.();
    expect((await client.reply()).code).toBe(250);
  });

  it('answers 451 when the stream is broken, reports it, and goes on', async () => {
    const reports: object[] = [];
    const logger: Logger = {
      debug: () => {},
      info: () => {},
      warn: () => {},
      error: (fields) => reports.push(fields),
    };
    const output = new Writable({
      write: (_chunk, _encoding, callback) => {
        callback(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }));
      },
    });
    const { code } = await printed('Subject: x\r\n', { output, logger });
    expect(code).toBe(451);
    expect(reports).toMatchObject([{ error: { cause: { code: 'EPIPE' } } }]);
  });

  it('does not print a message whose sender left while it waited for its turn', async () => {
    let release: (() => void) | undefined;
    const written: string[] = [];
    const output = new Writable({
      write: (chunk, _encoding, callback) => {
        written.push(String(chunk));
        release = callback;
      },
    });
    const server = new DebuggingServer({ output });
    const send = async (name: string): Promise<RawClient> => {
      const client = RawClient.inMemory(server);
      client.send(`HELO a\r\nMAIL FROM:<${name}@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n`);
      await client.replies(5);
      client.send('Subject: x\r\n.\r\n');
      return client;
    };
    const first = await send('first');
    const gone = await send('gone');
    const last = await send('last');
    const isGone = new Promise<void>((resolve) => {
      server.on('disconnect', () => {
        resolve();
      });
    });
    gone.destroy();
    await isGone;
    release?.();
    expect((await first.reply()).code).toBe(250);
    while (written.length < 2) await new Promise(setImmediate);
    release?.();
    expect((await last.reply()).code).toBe(250);
    expect(written.map((text) => /from: <(\w+)/.exec(text)?.[1])).toEqual(['first', 'last']);
    first.destroy();
    last.destroy();
    await server.close();
  });
});
