/** Delivering into Maildirs, through the server; read as others read them, with Python's `mailbox`. */

import { execFile, execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync, chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { Maildir, UsageError, type MaildirField, type MaildirOptions } from '../../src/index.js';
import { greetedClient, RecordingLogger, rejection, sendMessage, startContent, until } from '../server/support.js';
import { requireCommand, requireRoot } from '../support/component.js';
import type { RawClient } from '../support/raw-client.js';
import { TemporaryFolder } from '../support/temporary-folder.js';

let root: TemporaryFolder;
let folder = '';
let log: RecordingLogger;

beforeEach(() => {
  root = new TemporaryFolder();
  folder = join(root.path, 'inbox');
  log = new RecordingLogger();
});

afterEach(() => {
  root[Symbol.dispose]();
});

/** A server without a clock in its fields, unless the test asks for it. */
function maildir(options: Partial<MaildirOptions> = {}): Maildir {
  return new Maildir({ folder, hostname: 'mx.example', logger: log, ...options });
}

function filesIn(name: 'tmp' | 'new', of = folder): string[] {
  try {
    return readdirSync(join(of, name));
  } catch {
    return [];
  }
}

/** The texts of the messages that are shown, in some order. */
function shown(of = folder): string[] {
  return filesIn('new', of)
    .map((name) => readFileSync(join(of, 'new', name), 'latin1'))
    .sort();
}

async function sendTo(client: RawClient, recipients: readonly string[], content = 'x\r\n') {
  await client.command('MAIL FROM:<alice@a.example>');
  for (const recipient of recipients) await client.command(`RCPT TO:<${recipient}>`);
  await client.command('DATA');
  client.send(`${content}.\r\n`);
  return client.reply();
}

/** A field is one, however its lines are broken. */
function unfolded(text: string): string {
  return text.replaceAll('\n\t', ' ');
}

describe('Maildir', () => {
  it('has a message in the folder when it says 250, with Return-Path, Delivered-To and Received before it', async () => {
    await using server = maildir();
    const client = await greetedClient(server);
    expect(await sendMessage(client, 'Subject: x\r\n\r\n..dot\r\n')).toEqual({ code: 250, lines: ['2.0.0 OK'] });
    const [text = ''] = shown();
    expect(
      unfolded(text)
        .replace(/id \S+/, 'id ID')
        .replace(/; .*/, '; DATE'),
    ).toBe(
      'Return-Path: <alice@a.example>\n' +
        'Delivered-To: bob@b.example\n' +
        'Received: from client.example (memory) by mx.example with ESMTP id ID for <bob@b.example>; DATE\n' +
        'Subject: x\n\n.dot\n',
    );
    expect(filesIn('tmp')).toEqual([]);
    client.destroy();
  });

  it('shows nothing before the end of the content, and keeps nothing when the client leaves', async () => {
    await using server = maildir();
    const client = await greetedClient(server);
    await startContent(client);
    client.send('Subject: x\r\n');
    await until(() => filesIn('tmp').length === 1);
    expect(shown()).toEqual([]);
    client.destroy();
    await until(() => filesIn('tmp').length === 0);
    expect(shown()).toEqual([]);
    expect(log.lines).toEqual([]);
  });

  it.each([
    ['bare line ends', 'a\nb\r\n', 550],
    ['more than it may have', 'x\r\n'.repeat(100), 552],
  ])('keeps nothing of a message with %s', async (_what, content, code) => {
    await using server = maildir({ dataSizeLimit: 200 });
    const client = await greetedClient(server);
    expect((await sendMessage(client, content)).code).toBe(code);
    await until(() => filesIn('tmp').length === 0);
    expect(shown()).toEqual([]);
    client.destroy();
  });

  it('keeps nothing of chunks that the client gave up', async () => {
    await using server = maildir();
    const client = await greetedClient(server);
    await client.command('MAIL FROM:<alice@a.example>');
    await client.command('RCPT TO:<bob@b.example>');
    client.send('BDAT 6\r\nx: y\r\n');
    expect((await client.reply()).code).toBe(250);
    await until(() => filesIn('tmp').length === 1);
    expect((await client.command('RSET')).code).toBe(250);
    await until(() => filesIn('tmp').length === 0);
    expect(shown()).toEqual([]);
    client.destroy();
  });

  it('has one file for all recipients of a folder, who are named in it', async () => {
    await using server = maildir({ fields: ['Delivered-To', 'X-Original-To'] });
    const client = await greetedClient(server);
    expect((await sendTo(client, ['bob@b.example', 'carol@c.example', 'bob@b.example'])).code).toBe(250);
    expect(shown()).toEqual([
      'X-Original-To: bob@b.example\nX-Original-To: carol@c.example\n' +
        'Delivered-To: bob@b.example\nDelivered-To: carol@c.example\nx\n',
    ]);
    client.destroy();
  });

  it('puts no field before the content when none is wanted', async () => {
    await using server = maildir({ fields: [] });
    const client = await greetedClient(server);
    await sendMessage(client, ' a\r\nb\r\n');
    expect(shown()).toEqual([' a\nb\n']);
    client.destroy();
  });

  it('has the null reverse-path as <>', async () => {
    await using server = maildir({ fields: ['Return-Path'] });
    const client = await greetedClient(server);
    for (const command of ['MAIL FROM:<>', 'RCPT TO:<bob@b.example>', 'DATA']) await client.command(command);
    client.send('x\r\n.\r\n');
    await client.reply();
    expect(shown()).toEqual(['Return-Path: <>\nx\n']);
    client.destroy();
  });

  it('lets nothing that a client says into its own fields', async () => {
    await using server = maildir();
    const client = await greetedClient(server);
    await client.command('HELO a.example) id 1; (x');
    await client.command('MAIL FROM:<"a> Bcc: eve"@a.example>');
    await client.command('RCPT TO:<"b> Bcc: eve"@b.example>');
    await client.command('DATA');
    client.send('\tfolded into ours\r\nSubject: x\r\n.\r\n');
    expect((await client.reply()).code).toBe(250);
    const [text = ''] = shown();
    const header = text.slice(0, text.indexOf('\n\n'));
    const lines = unfolded(header).split('\n');
    expect(lines.map((line) => line.replace(/[:\s].*/, ''))).toEqual(['Return-Path', 'Delivered-To', 'Received']);
    expect(lines[2]).toContain('Received: from localhost (memory) (helo=a.example??id?1???x) by mx.example ');
    // What would have gone on with our last field begins the body.
    expect(text.slice(header.length)).toBe('\n\n\tfolded into ours\nSubject: x\n');
    client.destroy();
  });

  it('keeps CRLF where that is asked for', async () => {
    await using server = maildir({ fileLineEnds: 'crlf', fields: ['Return-Path'] });
    const client = await greetedClient(server);
    await sendMessage(client, 'a: b\r\n\r\nc\r\n');
    expect(shown()).toEqual(['Return-Path: <alice@a.example>\r\na: b\r\n\r\nc\r\n']);
    client.destroy();
  });

  it('keeps every octet of what is declared binary', async () => {
    await using server = maildir({ fields: ['Return-Path'] });
    const client = await greetedClient(server);
    await client.command('MAIL FROM:<alice@a.example> BODY=BINARYMIME');
    await client.command('RCPT TO:<bob@b.example>');
    client.send('BDAT 12 LAST\r\na: b\r\n\r\n\0\r\n\r');
    expect((await client.reply()).code).toBe(250);
    expect(shown()).toEqual(['Return-Path: <alice@a.example>\r\na: b\r\n\r\n\0\r\n\r']);
    client.destroy();
  });

  it('lets the client wait for the disk, and holds little of a large message', async () => {
    await using server = maildir({ dataSizeLimit: null, fields: [] });
    const client = await greetedClient(server);
    await startContent(client);
    const block = `${'x'.repeat(1022)}\r\n`.repeat(1024);
    for (let count = 0; count < 32; count += 1) client.send(block);
    client.send('.\r\n');
    expect((await client.reply()).code).toBe(250);
    const [text = ''] = shown();
    expect(text === block.repeat(32).replaceAll('\r\n', '\n')).toBe(true);
    client.destroy();
  });

  it('waits at its close until a message that was cut off is gone', async () => {
    const server = maildir();
    const client = await greetedClient(server);
    await startContent(client);
    client.send(`${'x'.repeat(1000)}\r\n`.repeat(1000));
    await until(() => filesIn('tmp').length === 1);
    await server.close({ graceMs: 0 });
    expect([filesIn('tmp'), filesIn('new')]).toEqual([[], []]);
  });

  it('makes the folder when it begins to listen, and does not begin where it may not write', async () => {
    await using server = maildir({ localAddress: '127.0.0.1:0' });
    await server.listen();
    expect(readdirSync(folder).sort()).toEqual(['cur', 'new', 'tmp']);
    writeFileSync(join(root.path, 'file'), '');
    const other = maildir({ localAddress: '127.0.0.1:0', folder: join(root.path, 'file') });
    expect(await rejection(other.listen())).toMatchObject({
      code: expect.stringMatching(/^E(EXIST|NOTDIR)$/) as string,
    });
    expect(other.addresses).toEqual([]);
  });

  it.each([
    [{ folder: '' }, 'folder is the path of a Maildir, not ""'],
    [
      { fields: ['Subject' as MaildirField] },
      'fields: "Subject" is none of Return-Path, X-Original-To, Delivered-To, Received',
    ],
    [{ fileLineEnds: 'cr' as 'lf' }, 'fileLineEnds: "cr" is none of lf, crlf'],
  ])('refuses %j at once', (options, message) => {
    expect(() => maildir(options)).toThrow(new UsageError('SMTPD_BAD_OPTION', message));
  });
});

describe('Maildir with a folder for each recipient', () => {
  it('refuses at RCPT who has none, and delivers to each other in his own, who sees nobody else', async () => {
    await using server = maildir({
      folderFor: async ({ path }) => {
        await Promise.resolve();
        return path.domain === 'b.example' ? path.localPart : undefined;
      },
    });
    const client = await greetedClient(server);
    await client.command('MAIL FROM:<alice@a.example>');
    const replies = [];
    for (const address of ['bob@b.example', 'carol@b.example', 'dan@d.example', 'bob@b.example'])
      replies.push(await client.command(`RCPT TO:<${address}>`));
    expect(replies.map(({ code, lines }) => [code, ...lines])).toEqual([
      [250, '2.1.5 OK'],
      [250, '2.1.5 OK'],
      [550, '5.1.1 Error: no such mailbox here'],
      [250, '2.1.5 OK'],
    ]);
    await client.command('DATA');
    client.send('x\r\n.\r\n');
    expect((await client.reply()).code).toBe(250);
    for (const name of ['bob', 'carol']) {
      const [text = '', ...more] = shown(join(folder, name));
      expect(more).toEqual([]);
      expect(text.match(/\w+@b\.example/g)).toEqual([`${name}@b.example`, `${name}@b.example`]);
    }
    client.destroy();
  });

  it.each(['"../eve"', '"../../etc"', '"bob/../../eve"', '"/etc"', '".."'])(
    'lets no address lead out of the folder: %s',
    async (localPart) => {
      await using server = maildir({ folderFor: ({ path }) => path.localPart });
      const client = await greetedClient(server);
      await client.command('MAIL FROM:<alice@a.example>');
      expect((await client.command(`RCPT TO:<${localPart}@b.example>`)).code).toBe(550);
      expect(log.lines.map(({ level }) => level)).toEqual(['warn']);
      client.destroy();
    },
  );

  it('asks anew in each transaction', async () => {
    const answers = ['one', 'two'];
    await using server = maildir({ folderFor: () => answers.shift() });
    const client = await greetedClient(server);
    await sendTo(client, ['bob@b.example']);
    await sendTo(client, ['bob@b.example']);
    expect([shown(join(folder, 'one')).length, shown(join(folder, 'two')).length]).toEqual([1, 1]);
    client.destroy();
  });
});

describe('a disk', () => {
  requireRoot('Only root can mount a small file system');

  it('that is full refuses with 452, and keeps nothing', async () => {
    mkdirSync(folder);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', folder]);
    try {
      await using server = maildir();
      const client = await greetedClient(server);
      expect((await sendMessage(client, 'small\r\n')).code).toBe(250);
      const large = await sendMessage(client, `${'x'.repeat(998)}\r\n`.repeat(200));
      expect(large).toEqual({ code: 452, lines: ['4.3.1 Error: insufficient system storage'] });
      expect(log.errors).toEqual([expect.stringContaining('ENOSPC')]);
      expect(log.lines[0]?.fields['messageId']).toMatch(/^\w+\.2$/);
      expect([shown().length, filesIn('tmp')]).toEqual([1, []]);
      expect((await sendMessage(client, 'small again\r\n')).code).toBe(250);
      client.destroy();
    } finally {
      execFileSync('umount', [folder]);
    }
  });

  it('that cannot be written otherwise refuses with 451', async () => {
    await using server = maildir();
    const client = await greetedClient(server);
    writeFileSync(folder, 'in the way');
    chmodSync(folder, 0o400);
    expect((await sendMessage(client, 'x\r\n')).code).toBe(451);
    expect(log.errors).toHaveLength(1);
    client.destroy();
  });
});

describe("Python's mailbox", () => {
  requireCommand('python3');

  interface Found {
    readonly key: string;
    readonly subdir: string;
    readonly flags: string;
    readonly fields: readonly (readonly [string, string])[];
    readonly body: string;
    readonly defects: readonly string[];
  }

  it('reads what was delivered', async () => {
    await using server = maildir();
    const client = await greetedClient(server);
    for (let count = 1; count <= 3; count += 1) {
      await sendMessage(client, `From: alice@a.example\r\nSubject: ${String(count)}\r\n\r\nbody ${String(count)}\r\n`);
    }
    client.destroy();
    const reader = fileURLToPath(new URL('maildir-reader.py', import.meta.url));
    const { stdout } = await promisify(execFile)('python3', [reader, folder]);
    const found = JSON.parse(stdout) as Found[];
    expect(found.map(({ body }) => body)).toEqual(['body 1\n', 'body 2\n', 'body 3\n']);
    for (const { key, subdir, flags, fields, defects } of found) {
      expect(filesIn('new')).toContain(key);
      expect({ subdir, flags, defects }).toEqual({ subdir: 'new', flags: '', defects: [] });
      expect(fields.map(([name]) => name)).toEqual(['Return-Path', 'Delivered-To', 'Received', 'From', 'Subject']);
    }
  });
});
