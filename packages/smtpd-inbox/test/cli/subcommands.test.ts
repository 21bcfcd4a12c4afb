/** The commands that ask an inbox which runs: files of every kind in, files out, and a wait for shells. */

import {
  chmodSync,
  closeSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';

import { startInbox, type InboxServer } from 'smtpd-inbox';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { brokenOutput } from '../../../smtpd/test/support/broken-output.js';
import { outputOf } from '../../../smtpd/test/support/output-of.js';
import { InboxClient, type Message } from '../../src/client/index.js';
import { main } from '../../src/cli/main.js';
import { sendMail } from '../support/mails.js';

let server: InboxServer;
let client: InboxClient;
let folder: string;

beforeAll(async () => {
  server = await startInbox({ smtp: '127.0.0.1:0', http: '127.0.0.1:0', token: 'sesame' });
  client = new InboxClient({ url: server.url, token: 'sesame' });
  folder = mkdtempSync(join(tmpdir(), 'smtpd-test-'));
});
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await server.close();
});
beforeEach(async () => {
  await client.clear();
});

interface Ran {
  readonly code: number;
  readonly output: Buffer;
  readonly errors: string;
}

/** Runs the command line, with the inbox in its environment. */
async function run(...argv: string[]): Promise<Ran> {
  const [output, errors] = [new PassThrough(), new PassThrough()];
  const environment = { SMTPD_INBOX_URL: server.url, SMTPD_INBOX_TOKEN: 'sesame' };
  const code = await main(argv, { output, errors, environment });
  return { code, output: outputOf(output), errors: outputOf(errors).toString() };
}

/** The same, where all that is written fails. @returns the exit code, and what is said on standard error */
async function runInto(errorCode: string, argv: readonly string[]): Promise<[number, string]> {
  const errors = new PassThrough();
  const environment = { SMTPD_INBOX_URL: server.url, SMTPD_INBOX_TOKEN: 'sesame' };
  const code = await main(argv, { output: brokenOutput(errorCode), errors, environment });
  return [code, outputOf(errors).toString()];
}

function write(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, content);
  return path;
}

const mail = (subject: string, lineEnd = '\r\n'): string =>
  ['From: ann@a.example', `Subject: ${subject}`, '', 'Hello', ''].join(lineEnd);
const subjects = async (q?: string): Promise<(string | undefined)[]> =>
  (await client.list({ q })).map(({ subject }) => subject);

describe('import', () => {
  it('takes messages, mboxes, zips, Maildirs and folders, whatever they are called', async () => {
    await client.import(mail('zipped'), 'message/rfc822');
    const zip = new Uint8Array(await new Response(await client.export({ format: 'zip' })).arrayBuffer());
    await client.clear();
    write('Maildir/cur/1.a:2,S', mail('seen', '\n'));
    write('Maildir/new/2.a', mail('new', '\n'));
    write('folder/b.eml', mail('in a folder'));
    write('folder/b.txt', 'No mail');
    const { code, output, errors } = await run(
      'import',
      write('a.eml', mail('alone')),
      write(
        'archive',
        `From ann@a.example Wed Nov 25 10:00:00 2026\n${mail('first', '\n')}\nFrom - Wed Nov 25 10:00:01 2026\n${mail('second', '\n')}\n`,
      ),
      write('archive.dat', zip),
      join(folder, 'Maildir'),
      join(folder, 'folder'),
    );
    expect([code, output.toString(), errors]).toEqual([0, '7 messages imported\n', '']);
    expect(await subjects()).toEqual(['in a folder', 'new', 'seen', 'zipped', 'second', 'first', 'alone']);
    expect(await subjects('is:read')).toEqual(['seen']);
    // A file's line ends are those of its system; those of a message are CRLF.
    const [seen] = await client.list({ q: 'subject:seen' });
    expect(Buffer.from(await seen!.raw()).toString()).toBe(mail('seen'));
  });

  it('keeps what came longer ago than the inbox keeps mail', async () => {
    const old = ['one', 'two', 'three'].map((each) => `From - Wed Nov 25 10:00:00 2009\n${mail(each, '\n')}\n`);
    expect((await run('import', write('old.mbox', old.join('')))).output.toString()).toBe('3 messages imported\n');
    expect(await subjects()).toEqual(['three', 'two', 'one']);
  });

  it('says what made room for the rest, and what was kept before a failure', async () => {
    await using small = await startInbox({ smtp: '127.0.0.1:0', http: '127.0.0.1:0', limits: { messagesMax: 3 } });
    const five = ['1', '2', '3', '4', '5'].map((each) => `From - Thu Nov 26 10:00:00 2026\n${mail(each, '\n')}\n`);
    const file = write('five.mbox', five.join(''));
    expect(await run('import', '--url', small.url!, file)).toMatchObject({
      code: 1,
      errors: 'The first 2 messages made room for the others: the inbox keeps 3 messages and 1073741824 octets\n',
    });
    const zip = new Uint8Array(
      await new Response(await new InboxClient({ url: small.url }).export({ format: 'zip' })).arrayBuffer(),
    );
    // The first entry stays whole; the content of the second is another than its checksum says.
    zip.set([255, 255], Buffer.from(zip).indexOf('PK\x03\x04', 4, 'latin1') + 64);
    const failed = await run('import', file, write('half.zip', zip), file);
    expect(failed.code).toBe(1);
    expect(failed.errors).toMatch(
      /^5 messages imported before this:\n.*damaged.* \(one message before it was imported\)\n$/,
    );
    expect(await subjects()).toEqual(['3', '5', '4', '3', '2', '1']);
  });

  it('puts mail into an inbox of its own, and says when there is none', async () => {
    const file = write('mine.eml', mail('mine'));
    await using inbox = await client.createInbox({ name: 'mine' });
    expect((await run('import', '--inbox', 'mine', file)).output.toString()).toBe('1 message imported\n');
    expect((await inbox.list()).map(({ subject }) => subject)).toEqual(['mine']);
    expect(await run('import', '--inbox', 'yours', file)).toMatchObject({
      code: 1,
      errors: 'smtpd-inbox import: There is no inbox "yours"\n',
    });
  });

  it('says what it passed over, and fails', async () => {
    mkdirSync(join(folder, 'odd/x.eml'), { recursive: true });
    write('odd/y.eml', mail('y'));
    const { code, output, errors } = await run('import', join(folder, 'odd'));
    expect([code, output.toString()]).toEqual([1, '1 message imported, 1 not\n']);
    expect(errors).toBe(`${join(folder, 'odd')}: x.eml: It is no regular file\n`);
  });
});

describe('export', () => {
  it.each([
    [['all.mbox'], 'From '],
    [['all.ZIP'], 'PK'],
    [['--format', 'zip', 'all'], 'PK'],
  ])('writes %j, which can be imported again', async (args, beginning) => {
    for (const subject of ['one', 'two']) await client.import(mail(subject), 'message/rfc822');
    const file = join(folder, args.at(-1)!);
    expect(await run('export', ...args.slice(0, -1), file)).toMatchObject({ code: 0, errors: '' });
    expect(readFileSync(file, 'latin1').slice(0, beginning.length)).toBe(beginning);
    expect(readdirSync(folder).filter((name) => name.endsWith('.part'))).toEqual([]);
    await client.clear();
    expect((await run('import', file)).code).toBe(0);
    expect(await subjects()).toEqual(['two', 'one']);
  });

  it('replaces the file alone that it was told', async () => {
    await client.import(mail('one'), 'message/rfc822');
    mkdirSync(join(folder, 'mine'));
    const file = write('mine/kept.mbox', 'Earlier');
    chmodSync(file, 0o600);
    write('mine/kept.mbox.part', 'Mine');
    symlinkSync('kept.mbox', join(folder, 'mine/link'));
    expect(await run('export', join(folder, 'mine/link'))).toMatchObject({ code: 0, errors: '' });
    expect(readdirSync(join(folder, 'mine'))).toEqual(['kept.mbox', 'kept.mbox.part', 'link']);
    expect(readFileSync(join(folder, 'mine/kept.mbox.part'), 'utf8')).toBe('Mine');
    expect([lstatSync(join(folder, 'mine/link')).isSymbolicLink(), statSync(file).mode & 0o777]).toEqual([true, 0o600]);
    expect(readFileSync(file, 'utf8')).toContain('Subject: one');
  });

  it('writes two exports of one file whole', async () => {
    const long = 'x'.repeat(70).concat('\r\n').repeat(30_000);
    await client.import(mail('one') + long, 'message/rfc822');
    const file = join(folder, 'twice.mbox');
    const ran = await Promise.all([run('export', file), run('export', file)]);
    expect(ran.map(({ code }) => code)).toEqual([0, 0]);
    const whole = await new Response(await client.export({ format: 'mbox' })).arrayBuffer();
    expect(readFileSync(file).equals(Buffer.from(whole))).toBe(true);
  });

  // What they are called on Windows cannot be linked to.
  it.skipIf(process.platform === 'win32')(
    'writes into what is there and no file, and behind what a shell began',
    async () => {
      await client.import(mail('one'), 'message/rfc822');
      const link = join(folder, 'nothing');
      symlinkSync('/dev/null', link);
      expect(await run('export', link)).toMatchObject({ code: 0, errors: '' });
      expect(lstatSync(link).isSymbolicLink()).toBe(true);
      const opened = openSync(write('appended', 'Earlier\n'), 'a');
      expect(await run('export', `/dev/fd/${String(opened)}`)).toMatchObject({ code: 0, errors: '' });
      closeSync(opened);
      expect(readFileSync(join(folder, 'appended'), 'utf8')).toMatch(/^Earlier\nFrom [^]*Subject: one/);
      expect(await run('export', folder)).toMatchObject({
        code: 2,
        errors: `smtpd-inbox: ${folder} is a folder: export needs a file\n`,
      });
    },
  );

  it('writes what a search finds to standard output', async () => {
    for (const subject of ['one', 'two']) await client.import(mail(subject), 'message/rfc822');
    const text = (await run('export', '--q', 'subject:two', '-')).output.toString();
    expect([text.includes('Subject: two'), text.includes('Subject: one')]).toEqual([true, false]);
  });
});

describe('wait', () => {
  it('prints a message as JSON, or its octets', async () => {
    const waiting = run('wait', '--to', 'bob@b.example', '--subject', 'later');
    await sendMail(server.smtpPort, { content: mail('sooner') });
    await sendMail(server.smtpPort, { content: mail('later') });
    const { code, output } = await waiting;
    const { entry, text } = JSON.parse(output.toString()) as Message;
    expect([code, entry.subject, text]).toEqual([0, 'later', 'Hello\n']);
    const raw = await run('wait', '--from', 'ann@a.example', '--body', 'hello', '--q', 'subject:sooner', '--raw');
    expect(raw.output.toString()).toBe(mail('sooner'));
  });

  it('fails, and says what came instead', async () => {
    await sendMail(server.smtpPort, { content: mail('Your order') });
    const { code, output, errors } = await run('wait', '--subject', 'Your invoice', '--timeout', '0.05');
    expect([code, output.length]).toEqual([1, 0]);
    expect(errors.split('\n')).toEqual([
      `smtpd-inbox wait: Waited for a message with { subject: "Your invoice" } in ${client.url}: none within 50 ms.`,
      'What arrived instead:',
      '  1. from <ann@a.example> to <bob@b.example>, subject "Your order": its subject is "Your order", not "Your invoice"',
      '',
    ]);
  });
});

describe('what cannot work', () => {
  it.each([
    [['import'], 'import needs a file or a folder'],
    [['import', '/nonexistent'], 'Cannot read /nonexistent'],
    [['export'], 'export needs one file'],
    [['export', 'a', 'b'], 'export needs one file'],
    [['export', '--format', 'tar', 'a'], '--format is mbox or zip, not "tar"'],
    [['wait', 'bob'], 'wait takes options only, not "bob"'],
    [['wait', '--timeout', 'soon'], '--timeout is a number of seconds, not "soon"'],
    [['wait', '--form', 'ann'], "Unknown option '--form'"],
    [['wait', '--form', 'ann'], "Unknown option '--form'; did you mean --from?"],
    [['wait', '--url', 'nowhere'], '"nowhere" is no address of an inbox'],
  ])('%j', async (argv, message) => {
    const { code, errors } = await run(...argv);
    expect([code, errors]).toEqual([2, expect.stringContaining(message)]);
  });

  it.each([['--help'], ['--version'], ['export', '--help'], ['import'], ['export', '-'], ['wait']])(
    'is to print what cannot be written, where nobody who has gone needs more: %s',
    async (...argv) => {
      await client.import(mail('x'), 'message/rfc822');
      const words = argv[0] === 'import' ? ['import', write('lost.eml', mail('y'))] : argv;
      expect(await runInto('ENOSPC', words)).toEqual([1, expect.stringMatching(/^smtpd-inbox: .*ENOSPC\n$/)]);
      expect(await runInto('EPIPE', words)).toEqual([0, '']);
    },
  );

  it('an inbox that is not there', async () => {
    const { code, errors } = await run('wait', '--url', 'http://127.0.0.1:9', '--timeout', '0');
    expect([code, errors]).toEqual([1, expect.stringContaining('There is no inbox at http://127.0.0.1:9')]);
  });

  it.each(['import', 'export', 'wait'])('%s --help says what can', async (name) => {
    const { code, output } = await run(name, '--help');
    expect([code, output.toString()]).toEqual([0, expect.stringMatching(new RegExp(`^usage: smtpd-inbox ${name} `))]);
    expect(output.toString()).toContain('--inbox NAME');
    expect((await run('--help')).output.toString()).toContain(`smtpd-inbox ${name} [options]`);
  });
});
