/** The program from outside: processes, signals, pipes, users. */

import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer as createHTTPServer } from 'node:http';
import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';

import { loadClass } from '../../src/cli/class-loader.js';
import { MailmanProxy, type MessageRecord } from '../../src/index.js';
import { RawClient } from '../support/raw-client.js';
import { BIN, Program, run, sendContent } from './program.js';

const PACKAGE = fileURLToPath(new URL('../..', import.meta.url));
let folder = '';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'smtpd-cli-'));
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(PACKAGE, join(folder, 'node_modules', 'smtpd'));
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** Sends a message. @returns the code of the reply to it */
async function sendTo(port: number): Promise<number> {
  const client = await RawClient.connect(port);
  await client.reply();
  await client.command('EHLO client.example');
  await sendContent(client, 'Subject: x\r\n');
  return (await client.reply()).code;
}

function recordsOf(stdout: string): MessageRecord[] {
  return stdout
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as MessageRecord);
}

describe('smtpd debug', () => {
  it('says on standard error where it listens, and prints mail on standard output', async () => {
    await using program = new Program(['debug', '127.0.0.1:0']);
    const client = await program.connect();
    await sendContent(client, 'Subject: x\r\n\r\nhello\r\n');
    expect((await client.reply()).code).toBe(250);
    const { code, stdout, stderr } = await program.stop();
    expect(code).toBe(0);
    expect(stderr).toMatch(/^listening on 127\.0\.0\.1:\d+\n$/);
    expect(stdout.split('\n').slice(0, -1)).toEqual([
      '---------- MESSAGE FOLLOWS ----------',
      'envelope from: <alice@example.org>',
      'envelope to: <bob@example.net>',
      'Subject: x',
      'X-Peer: 127.0.0.1',
      '',
      'hello',
      '------------ END MESSAGE ------------',
    ]);
  });

  it('listens on several addresses, IPv6 in brackets', async () => {
    await using program = new Program(['debug', '127.0.0.1:0', '[::1]:0']);
    const said = await program.says(/^listening on 127\.0\.0\.1:\d+\nlistening on \[::1\]:(\d+)\n$/);
    const client = await RawClient.connect(Number(said[1]), '::1');
    expect((await client.reply()).code).toBe(220);
    client.destroy();
    expect((await program.stop()).code).toBe(0);
  });

  it('hands its options to the server', async () => {
    const options = ['--hostname', 'mail.example', '--greeting=hello there', '--no-smtputf8', '--size', '1000'];
    await using program = new Program(['debug', '127.0.0.1:0', ...options]);
    const client = await RawClient.connect(await program.port());
    expect((await client.reply()).lines).toEqual(['mail.example hello there']);
    const { lines } = await client.command('EHLO a.example');
    expect(lines).toContain('SIZE 1000');
    expect(lines).not.toContain('SMTPUTF8');
    client.destroy();
  });

  it('prints one JSON object a message and nothing else with --json', async () => {
    await using program = new Program(['debug', '127.0.0.1:0', '--json', '-d']);
    const client = await program.connect();
    for (const text of ['one', 'two']) {
      await sendContent(client, `${text}\r\n`);
      await client.reply();
    }
    const { stdout, stderr } = await program.stop();
    expect(recordsOf(stdout).map(({ data }) => Buffer.from(data, 'base64').toString())).toEqual(['one\r\n', 'two\r\n']);
    expect(stderr).toMatch(/^debug event=command session=\w+ verb=RCPT argument=TO:<bob@example\.net>$/m);
    expect(stderr).toMatch(/^debug event=started class=DebuggingServer$/m);
  });

  it('keeps 25 MiB to the octet', async () => {
    const content = `${randomBytes(25 * 1024 * 1024 - 2).toString('latin1')}\r\n`;
    await using program = new Program(['debug', '127.0.0.1:0', '--json']);
    const client = await program.connect();
    await sendContent(client, content);
    expect((await client.reply()).code).toBe(250);
    const [record] = recordsOf((await program.stop()).stdout);
    expect(record?.size).toBe(content.length);
    expect(Buffer.from(record?.data ?? '', 'base64').equals(Buffer.from(content, 'latin1'))).toBe(true);
  });

  it('prints as the old module did with --format python', async () => {
    await using program = new Program(['debug', '127.0.0.1:0', '--format', 'python']);
    const client = await program.connect();
    await sendContent(client, "it's\r\n");
    await client.reply();
    expect((await program.stop()).stdout).toContain('\nb"it\'s"\n');
  });

  it('lets senders wait while nobody reads standard output, and goes on when somebody does', async () => {
    await using program = new Program(['debug', '127.0.0.1:0', '--json'], { readsOutput: false });
    const client = await program.connect();
    const clock = await RawClient.connect(await program.port());
    await clock.reply();
    const content = `${'x'.repeat(70)}\r\n`.repeat(1000);
    let accepted = 0;
    for (;;) {
      await sendContent(client, content);
      const answered: number[] = [];
      const reply = client.reply().then(({ code }) => answered.push(code));
      // Other sessions go on: their rounds are the clock. These are far more than a message takes that can be printed.
      for (let round = 0; round < 300 && answered.length === 0; round += 1) await clock.command('NOOP');
      if (answered.length === 0) {
        program.readOutput();
        await reply;
        expect(answered).toEqual([250]);
        break;
      }
      accepted += 1;
      // Pipes of several MiB exist nowhere: without backpressure there would be no end.
      expect(accepted * content.length).toBeLessThan(8 * 1024 * 1024);
    }
    const { stdout } = await program.stop();
    const records = recordsOf(stdout);
    expect(records).toHaveLength(accepted + 1);
    expect(new Set(records.map(({ size }) => size))).toEqual(new Set([content.length]));
  });

  it('ends quietly when the reader of standard output has gone, and tells the sender 451', async () => {
    await using program = new Program(['debug', '127.0.0.1:0'], { readsOutput: false });
    const client = await program.connect();
    program.child.stdout.destroy();
    await sendContent(client, 'Subject: x\r\n');
    expect((await client.reply()).code).toBe(451);
    const { code, stderr } = await program.ended();
    expect(code).toBe(0);
    expect(stderr).toMatch(/^listening on \S+\n$/);
  });

  it.runIf(process.platform === 'linux')(
    'ends with 1 when its output cannot be written, says so, and tells the sender 451',
    async () => {
      const argv = ['-c', 'exec "$0" "$@" > /dev/full', process.execPath, BIN, 'debug', '127.0.0.1:0'];
      const child = spawn('/bin/sh', argv, { stdio: ['ignore', 'ignore', 'pipe'] });
      onTestFinished(() => {
        child.kill('SIGKILL');
      });
      const ended = once(child, 'exit');
      const said: string[] = [];
      let answered: Promise<number> | undefined;
      for await (const line of createInterface({ input: child.stderr })) {
        said.push(line);
        const port = /^listening on 127\.0\.0\.1:(\d+)$/.exec(line)?.[1];
        if (port !== undefined) answered = sendTo(Number(port));
      }
      expect(await answered).toBe(451);
      expect(await ended).toEqual([1, null]);
      expect(said.at(-1)).toBe('smtpd: The output cannot be written: ENOSPC: no space left on device, write');
    },
  );

  it('says in one line that a port is in use, with exit code 1', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as { readonly port: number };
    const ended = await run(['debug', `127.0.0.1:${String(port)}`]);
    other.close();
    expect(ended).toEqual({
      code: 1,
      stdout: '',
      stderr: `smtpd: 127.0.0.1:${String(port)} is in use; stop what listens there or choose another port\n`,
    });
  });
});

describe('signals', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)(
    '%s closes: an idle client hears 421, and the exit code is 0',
    async (signal) => {
      await using program = new Program(['debug', '127.0.0.1:0']);
      const client = await program.connect();
      const ended = program.stop(signal);
      expect(await client.closed()).toMatchObject([{ code: 421 }]);
      expect((await ended).code).toBe(0);
    },
  );

  it('a message under way is finished first', async () => {
    await using program = new Program(['debug', '127.0.0.1:0']);
    const [client, idle] = [await program.connect(), await program.connect()];
    client.send('HELO a\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\nSubject: x\r\n');
    await client.replies(4);
    const ended = program.stop();
    await idle.closed();
    client.send('\r\nhello\r\n.\r\n');
    expect((await client.reply()).code).toBe(250);
    const { code, stdout } = await ended;
    expect(code).toBe(0);
    expect(stdout).toContain('\nhello\n');
  });

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('a second %s ends it at once, with exit code %i', async (signal, exitCode) => {
    await using program = new Program(['debug', '127.0.0.1:0']);
    const [client, idle] = [await program.connect(), await program.connect()];
    client.send('HELO a\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n');
    await client.replies(4);
    program.child.kill(signal);
    await idle.closed();
    expect((await program.stop(signal)).code).toBe(exitCode);
    expect(await client.closed()).toEqual([]);
  });
});

describe('the old form', () => {
  const isRoot = process.getuid?.() === 0;

  it('prints mail by default', async () => {
    await using program = new Program(['-n', '-s', '1000', '127.0.0.1:0', '127.0.0.1:25']);
    const client = await program.connect();
    expect((await client.command('EHLO a.example')).lines).toContain('SIZE 1000');
    await sendContent(client, 'Subject: x\r\n');
    await client.reply();
    expect((await program.stop()).stdout).toContain('\nSubject: x\n');
  });

  it('offers no SIZE with -s 0, and SMTPUTF8 only with -u', async () => {
    for (const [argv, has] of [
      [[], false],
      [['-u'], true],
    ] as const) {
      await using program = new Program(['-n', '-s', '0', ...argv, 'localhost:0']);
      const client = await program.connect();
      const { lines } = await client.command('EHLO a.example');
      expect(lines.some((line) => line.startsWith('SIZE'))).toBe(false);
      expect(lines.includes('SMTPUTF8')).toBe(has);
      client.destroy();
    }
  });

  // Only root can become somebody else. In CI the tests run as root, and there this must not be skipped.
  it.skipIf(!isRoot && process.env['CI'] === undefined)(
    'makes a process of root one of nobody, with nobody’s groups alone (skipped for other users)',
    async () => {
      const ids = async (argv: readonly string[]): Promise<string[]> => {
        await using program = new Program([...argv, '127.0.0.1:0']);
        await program.port();
        const status = readFileSync(`/proc/${String(program.child.pid)}/status`, 'utf8');
        return [...status.matchAll(/^(?:Uid|Gid|Groups):\s*(.*?)\s*$/gm)].map(([, numbers]) => numbers ?? '');
      };
      const [, , uid, gid] = /^nobody:.*$/m.exec(readFileSync('/etc/passwd', 'utf8'))?.[0].split(':') ?? [];
      const fourTimes = (id: string | undefined): string => Array.from({ length: 4 }, () => id).join('\t');
      expect(await ids([])).toEqual([fourTimes(uid), fourTimes(gid), gid]);
      expect((await ids(['-n'])).slice(0, 2)).toEqual([fourTimes('0'), fourTimes('0')]);
      expect((await ids(['debug'])).slice(0, 2)).toEqual([fourTimes('0'), fourTimes('0')]);
    },
  );
});

describe('-c', () => {
  /** The example of the manual, taken from it. */
  const example = /```js\n\/\/ inbox\.js\n([^]*?)```/.exec(
    readFileSync(new URL('../../../../docs/cli.md', import.meta.url), 'utf8'),
  )?.[1];

  it('serves the class of a file: the example of the manual', async () => {
    writeFileSync(join(folder, 'inbox.js'), example ?? '');
    await using program = new Program(['-n', '-c', './inbox.js#Inbox', '127.0.0.1:0', 'relay.example:26'], {
      cwd: folder,
    });
    const client = await program.connect();
    await sendContent(client, 'Subject: x\r\n');
    expect(await client.reply()).toMatchObject({ code: 250 });
    const { code, stdout } = await program.stop();
    expect(code).toBe(0);
    expect(stdout).toBe('12 octets from alice@example.org for bob@example.net\n');
  });

  it('constructs it with the two addresses, the size and the switch', async () => {
    writeFileSync(
      join(folder, 'told.js'),
      `import { SMTPServer } from 'smtpd';
      export class Told extends SMTPServer {
        constructor(options) { super(options); console.log(JSON.stringify(options)); }
        processMessage() {}
      }`,
    );
    const argv = ['-n', '-u', '-s', '5', '-c', 'told.js#Told', '127.0.0.1:0', '[::1]:26'];
    await using program = new Program(argv, { cwd: folder });
    await program.port();
    expect(JSON.parse((await program.stop()).stdout)).toEqual({
      localAddress: '127.0.0.1:0',
      remoteAddress: { host: '::1', port: 26 },
      dataSizeLimit: 5,
      enableSMTPUTF8: true,
    });
  });

  it('serves the class of a package that is installed where it was started', async () => {
    const home = join(folder, 'node_modules', 'my-inbox');
    mkdirSync(home);
    writeFileSync(join(home, 'package.json'), '{"name":"my-inbox","type":"module","exports":"./main.js"}');
    writeFileSync(
      join(home, 'main.js'),
      `import { SMTPServer } from 'smtpd';
      export default class extends SMTPServer { processMessage() { return '250 2.0.0 mine'; } }`,
    );
    await using program = new Program(['-n', '-c', 'my-inbox#default', '127.0.0.1:0'], { cwd: folder });
    const client = await program.connect();
    await sendContent(client, 'x: y\r\n');
    expect((await client.reply()).lines).toEqual(['2.0.0 mine']);
    client.destroy();
  });

  it.each([
    ['./bad.js#Missing', './bad.js does not export Missing'],
    ['./bad.js#number', 'number of ./bad.js is not a subclass of SMTPServer'],
    ['./bad.js#Other', 'Other of ./bad.js is not a subclass of SMTPServer'],
    ['./absent.js#X', 'There is no module ./absent.js, neither as a file here nor as a package'],
    ['absent-package#X', 'There is no module absent-package, neither as a file here nor as a package'],
    ['./broken.js#X', './broken.js cannot be loaded: broken on purpose'],
    [
      './bad.js#',
      'There is no class "./bad.js#"; write DebuggingServer, PureProxy, MailmanProxy or path-or-package#ExportedClass',
    ],
  ])('says in one line what is wrong with %s, with exit code 2', async (spec, message) => {
    writeFileSync(join(folder, 'bad.js'), 'export const number = 1; export class Other {}');
    writeFileSync(join(folder, 'broken.js'), "throw new Error('broken on purpose');");
    expect(await run(['-n', '-c', spec], { cwd: folder })).toEqual({
      code: 2,
      stdout: '',
      stderr: `smtpd: ${message}\n`,
    });
  });
});

describe('smtpd proxy', () => {
  it.each([
    ['the command', (remote: string) => ['proxy', '127.0.0.1:0', remote]],
    [
      'the command, with routes',
      (remote: string) => [
        'proxy',
        '--listen',
        '127.0.0.1:0',
        '--route',
        '*.NET=x:1',
        '--route',
        `example.net=${remote}`,
      ],
    ],
    ['the old form', (remote: string) => ['-n', '-c', 'PureProxy', '127.0.0.1:0', remote]],
  ])('passes mail on: %s', async (_, argvFor) => {
    await using upstream = new Program(['debug', '--json', '127.0.0.1:0']);
    await using proxy = new Program(argvFor(`127.0.0.1:${String(await upstream.port())}`));
    const client = await proxy.connect();
    await sendContent(client, 'Subject: x\r\n\r\nhello\r\n');
    expect((await client.reply()).code).toBe(250);
    client.destroy();
    expect(await proxy.stop()).toMatchObject({ code: 0, stdout: '' });
    const { stdout } = await upstream.stop();
    const { data } = JSON.parse(stdout) as { readonly data: string };
    expect(Buffer.from(data, 'base64').toString('latin1')).toMatch(
      /^Received: [^]*\r\nSubject: x\r\nX-Peer: 127\.0\.0\.1\r\n\r\nhello\r\n$/,
    );
  });

  it('says where it listens, where mail goes and who may send it there', async () => {
    await using proxy = new Program([
      'proxy',
      '127.0.0.1:0',
      'smtps://mail.example.org,mx:example.org',
      '--route',
      'lists.example.org=lmtp:unix:/run/lists',
      '--allow-networks',
      '192.0.2.0/24',
      '--auth',
      'alice:secret',
    ]);
    (await proxy.connect()).destroy();
    expect((await proxy.stop()).stderr).toMatch(
      new RegExp(
        '^listening on 127\\.0\\.0\\.1:\\d+\n' +
          'relaying lists\\.example\\.org to lmtp:unix:/run/lists\n' +
          'relaying everything else to smtps://mail\\.example\\.org:465,mx:example\\.org\n' +
          'may send anywhere: clients of this machine, clients in 192\\.0\\.2\\.0/24, whoever authenticates\n$',
      ),
    );
  });
});

describe('smtpd maildir', () => {
  function namesIn(inbox: string, name: 'tmp' | 'new'): string[] {
    return readdirSync(join(inbox, name));
  }

  it('delivers into the folder, which it makes', async () => {
    const inbox = join(folder, 'inbox');
    await using program = new Program(['maildir', inbox, '127.0.0.1:0', '--file-line-ends=crlf']);
    const client = await program.connect();
    await sendContent(client, 'Subject: x\r\n\r\nhello\r\n');
    expect((await client.reply()).code).toBe(250);
    const [name = ''] = namesIn(inbox, 'new');
    expect(readFileSync(join(inbox, 'new', name), 'latin1')).toMatch(
      /^Return-Path: <alice@example\.org>\r\nDelivered-To: bob@example\.net\r\nReceived: [^]*\r\nSubject: x\r\n\r\nhello\r\n$/,
    );
    expect(await program.stop()).toMatchObject({ code: 0, stdout: '' });
  });

  it('says why it cannot', async () => {
    writeFileSync(join(folder, 'no-folder'), '');
    const { code, stderr } = await run(['maildir', join(folder, 'no-folder'), '127.0.0.1:0']);
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringMatching(/^smtpd: E\w+: .*no-folder.*\n$/) as string,
    });
  });

  it.runIf(process.platform === 'linux')('ends where no folder can be made, and says what to do', async () => {
    const { code, stderr } = await run(['maildir', '/proc/x', '127.0.0.1:0']);
    expect(stderr).toBe(
      "smtpd: ENOENT: no such file or directory, mkdir '/proc/x': mail cannot be delivered there; name a folder that can be made, and " +
        'that this user may write to\n',
    );
    expect(code).toBe(1);
  });

  it('has each message that it answered with 250, whole, and no other, when it is killed', async () => {
    const inbox = join(folder, 'killed');
    await using program = new Program(['maildir', inbox, '127.0.0.1:0']);
    const clients = await Promise.all(Array.from({ length: 4 }, () => program.connect()));
    const body = `${'x'.repeat(998)}\r\n`.repeat(200);
    const accepted = new Set<string>();
    const isDone = clients.map(async (client, index) => {
      for (let count = 0; ; count += 1) {
        const subject = `${String(index)}-${String(count)}`;
        try {
          await sendContent(client, `Subject: ${subject}\r\n\r\n${body}`);
          if ((await client.reply()).code === 250) accepted.add(subject);
        } catch {
          return;
        }
        // The others are somewhere in a message then.
        if (accepted.size === 20) program.child.kill('SIGKILL');
      }
    });
    await Promise.all(isDone);
    await program.ended();
    const found = namesIn(inbox, 'new').map((name) => readFileSync(join(inbox, 'new', name), 'latin1'));
    const subjects = found.map((text) => /^Subject: (.*)$/m.exec(text)?.[1]);
    expect(found.every((text) => text.endsWith(`\n\n${body.replaceAll('\r\n', '\n')}`))).toBe(true);
    expect(accepted.size).toBeGreaterThanOrEqual(20);
    expect(subjects).toEqual(expect.arrayContaining([...accepted]));
    // What was shown and not answered any more is one message a client at most.
    expect(found.length).toBeLessThanOrEqual(accepted.size + clients.length);
    expect(new Set(subjects).size).toBe(found.length);
  });
});

describe('smtpd sink', () => {
  it.each([
    [[], 'messages: 2\nrecipients: 2\noctets: 10\nunfinished: 0\n'],
    [['--json'], '{"messageCount":2,"recipientCount":2,"octetCount":10,"unfinishedCount":0}\n'],
  ])('prints the totals when it ends: %j', async (options, expected) => {
    await using program = new Program(['sink', '127.0.0.1:0', ...options]);
    const client = await program.connect();
    for (const text of ['one', 'two']) {
      await sendContent(client, `${text}\r\n`);
      expect((await client.reply()).code).toBe(250);
    }
    client.destroy();
    expect(await program.stop()).toMatchObject({ code: 0, stdout: expected });
  });

  it('reads settings from the environment, and prints them', async () => {
    const { stdout } = await run(['sink', '--print-config'], {
      environment: { SMTPD_SIZE: '5', SMTPD_GREETING: 'hi' },
    });
    expect(JSON.parse(stdout)).toMatchObject({ size: 5, greeting: 'hi', smtputf8: true, listen: ['127.0.0.1:1025'] });
  });
});

describe('the installed program', () => {
  // Without resolving symbolic links, packages are looked for beside the link, as in a real installation.
  const nodeArguments = ['--preserve-symlinks', '--preserve-symlinks-main'];

  it('runs when it is reached by a symbolic link', async () => {
    const link = join(folder, 'smtpd');
    symlinkSync(BIN, link);
    expect(await run(['--version'], { bin: link })).toMatchObject({ code: 0, stderr: '' });
  });

  it('runs a sibling package with its arguments, and gives back its exit code', async () => {
    const home = join(folder, 'node_modules', 'smtpd-inbox');
    mkdirSync(home);
    writeFileSync(join(home, 'package.json'), '{"name":"smtpd-inbox","type":"module","exports":{"./cli":"./cli.js"}}');
    writeFileSync(join(home, 'cli.js'), 'export async function main(argv) { console.log(argv.join(",")); return 7; }');
    const bin = join(folder, 'node_modules', 'smtpd', 'dist', 'cli', 'bin.js');
    expect(await run(['inbox', '--port', '80'], { bin, nodeArguments })).toEqual({
      code: 7,
      stdout: '--port,80\n',
      stderr: '',
    });
    expect(await run(['relay', 'x'], { bin, nodeArguments })).toEqual({
      code: 2,
      stdout: '',
      stderr: 'smtpd: smtpd relay needs the package smtpd-relay; install it: npm install smtpd-relay\n',
    });
  });

  it('ends quietly when nobody reads its help', async () => {
    await using program = new Program(['--help'], { readsOutput: false });
    program.child.stdout.destroy();
    expect(await program.ended()).toMatchObject({ code: 0, stderr: '' });
  });
});

describe('smtpd mailman', () => {
  const names = ['', '-bounces', '-confirm', '-join', '-leave', '-owner', '-request', '-subscribe', '-unsubscribe'];

  /** The folder of a Mailman with one list, staff@lists.example. */
  function writeMaps(): string {
    const maps = mkdtempSync(join(folder, 'maps-'));
    const addresses = names.map((name) => `staff${name}@lists.example lmtp:[127.0.0.1]:8024\n`).join('');
    writeFileSync(join(maps, 'postfix_lmtp'), addresses);
    writeFileSync(join(maps, 'postfix_domains'), 'lists.example lists.example\n');
    return maps;
  }

  async function recipient(program: Program, address: string): Promise<string> {
    const client = await program.connect();
    await client.command('EHLO client.example');
    await client.command('MAIL FROM:<alice@example.org>');
    const { code, lines } = await client.command(`RCPT TO:<${address}>`);
    if (code === 250) {
      await client.command('DATA');
      client.send('Subject: x\r\n\r\nhello\r\n.\r\n');
      expect((await client.reply()).code).toBe(250);
    }
    client.destroy();
    return `${String(code)} ${lines.join()}`;
  }

  it('hands lists to Mailman, passes other mail on, and says so', async () => {
    await using runner = new Program(['debug', '--lmtp', '--json', '127.0.0.1:0']);
    await using upstream = new Program(['debug', '--json', '127.0.0.1:0']);
    const [lmtpPort, remotePort] = [String(await runner.port()), String(await upstream.port())];
    await using proxy = new Program([
      ...['mailman', '--mailman-lmtp', `127.0.0.1:${lmtpPort}`, '--mailman-maps', writeMaps()],
      ...['127.0.0.1:0', `127.0.0.1:${remotePort}`],
    ]);
    expect(await recipient(proxy, 'staff-join@lists.example')).toMatch(/^250/);
    expect(await recipient(proxy, 'bob@example.net')).toMatch(/^250/);
    expect(await recipient(proxy, 'nobody@lists.example')).toMatch(/^550 5\.1\.1/);
    expect((await proxy.stop()).stderr).toMatch(
      new RegExp(
        '^listening on 127\\.0\\.0\\.1:\\d+\n' +
          `relaying lists of Mailman to lmtp://127\\.0\\.0\\.1:${lmtpPort}, from everybody\n` +
          `relaying everything to smtp://127\\.0\\.0\\.1:${remotePort}\n` +
          'may send anywhere: clients of this machine\n$',
      ),
    );
    expect(recordsOf((await runner.stop()).stdout).map(({ rcptTos }) => rcptTos)).toEqual([
      ['staff-join@lists.example'],
    ]);
    expect(recordsOf((await upstream.stop()).stdout).map(({ rcptTos }) => rcptTos)).toEqual([['bob@example.net']]);
  });

  it('asks the REST API as the user that it is told, and keeps the answers as long as it is told', async () => {
    const asked: string[] = [];
    const rest = createHTTPServer((request, response) => {
      const [, credentials = ''] = (request.headers.authorization ?? '').split(' ');
      asked.push(`${request.url ?? ''} ${Buffer.from(credentials, 'base64').toString()}`);
      const isDomains = request.url === '/3.1/domains';
      response.statusCode = isDomains ? 200 : 404;
      response.end(isDomains ? '{"total_size": 1, "entries": [{"mail_host": "lists.example"}]}' : '{}');
    });
    rest.listen(0, '127.0.0.1');
    await once(rest, 'listening');
    const url = `http://127.0.0.1:${String((rest.address() as AddressInfo).port)}`;
    try {
      await using upstream = new Program(['debug', '--json', '127.0.0.1:0']);
      await using proxy = new Program(
        [
          ...['mailman', '--mailman-rest', url, '--mailman-user', 'asker', '--unknown-in-list-domain', 'relay'],
          ...['127.0.0.1:0', `127.0.0.1:${String(await upstream.port())}`],
        ],
        { environment: { SMTPD_MAILMAN_PASSWORD: 'the password' } },
      );
      for (let time = 0; time < 2; time += 1) expect(await recipient(proxy, 'user@lists.example')).toMatch(/^250/);
      expect(asked).toEqual(['/3.1/domains asker:the password', '/3.1/lists/user%40lists.example asker:the password']);
      expect((await proxy.stop()).stderr).not.toContain('the password');
    } finally {
      rest.close();
      rest.closeAllConnections();
    }
  });

  it('takes mail for lists alone when it is told of nobody else', async () => {
    await using proxy = new Program(['mailman', '--listen', '127.0.0.1:0', '--mailman-maps', writeMaps()]);
    expect(await recipient(proxy, 'bob@example.net')).toBe('550 5.7.1 Error: relaying denied');
  });

  it('is there in the old form, with the folder of Debian’s package', async () => {
    await using upstream = new Program(['debug', '--json', '127.0.0.1:0']);
    const remote = `127.0.0.1:${String(await upstream.port())}`;
    await using proxy = new Program(['-n', '-c', 'MailmanProxy', '127.0.0.1:0', remote]);
    // Whether this machine has a Mailman is not known.
    expect(await recipient(proxy, 'bob@example.net')).toMatch(/^(?:250|451 4\.4\.3)/);
    expect(await loadClass('MailmanProxy')).toBe(MailmanProxy);
  });
});
