/** The options of listening, from outside: what clients of the running program meet, and how it refuses what cannot work. */

import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTLS, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { MessageRecord } from '../../src/index.js';
import { makeSelfSigned } from '../../src/net/self-signed.js';
import { requireCommandFor } from '../support/component.js';
import { RawClient } from '../support/raw-client.js';
import { Program, run, sendContent, type ProgramOptions } from './program.js';

let folder = '';
let options: ProgramOptions = {};

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'smtpd-listening-'));
  // The self-signed certificate is kept here, and not with whoever runs the tests.
  options = { cwd: folder, environment: { XDG_STATE_HOME: join(folder, 'state') } };
  const { key, cert } = makeSelfSigned({ names: ['mail.example.org'], now: new Date() });
  writeFileSync(join(folder, 'key.pem'), key);
  writeFileSync(join(folder, 'cert.pem'), cert);
  writeFileSync(join(folder, 'rubbish.pem'), 'rubbish');
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

const plain = (text: string): string => Buffer.from(`\0${text}`).toString('base64');
/** `\0user\0password`. */
const alice = plain('alice\0correct horse');

/** What openssl says of a server, and the replies to what it is told to send. */
function askOpenSSL(port: number, ...argv: readonly string[]): string {
  const all = ['s_client', '-quiet', '-verify_return_error', '-connect', `127.0.0.1:${String(port)}`, ...argv];
  return execFileSync('openssl', all, { input: 'EHLO a.example\r\nQUIT\r\n', encoding: 'latin1', stdio: 'pipe' });
}

/** A handshake from the first octet. */
async function secure(port: number, settings: ConnectionOptions): Promise<TLSSocket> {
  const socket = connectTLS({ port, host: '127.0.0.1', ...settings });
  await once(socket, 'secureConnect');
  return socket;
}

/** Speaks over TLS, a line whenever the last one was answered, and gives everything that is said until the server closes. */
async function converse(socket: TLSSocket, ...lines: readonly string[]): Promise<string> {
  const left = [...lines, 'QUIT'];
  let said = '';
  socket.setEncoding('latin1').on('data', (text: string) => {
    said += text;
    if (/^\d{3} [^\r]*\r\n$/m.test(said.slice(said.lastIndexOf('\n', said.length - 2) + 1))) {
      const line = left.shift();
      if (line !== undefined) socket.write(`${line}\r\n`);
    }
  });
  await once(socket, 'close');
  return said;
}

describe('--tls', () => {
  it('alone offers STARTTLS with a self-signed certificate, and says what clients need to believe it', async (context) => {
    requireCommandFor(context, 'openssl');
    await using program = new Program(['debug', '--tls', '127.0.0.1:0'], options);
    const port = await program.port();
    const [, caFile = ''] = await program.says(/^certificate: self-signed; clients that verify need (.*)$/m);
    expect(caFile).toBe(join(folder, 'state', 'smtpd', 'ca.pem'));
    expect(program.stderr).toMatch(/^listening on [^\n]*\ncertificate: [^\n]*\n$/);
    const client = await program.connect();
    expect((await client.command('EHLO a.example')).lines).toContain('STARTTLS');
    expect((await client.command('MAIL FROM:<>')).code).toBe(250);
    client.destroy();
    const said = askOpenSSL(port, '-starttls', 'smtp', '-CAfile', caFile, '-verify_ip', '127.0.0.1');
    expect(said).toContain('250-SIZE');
    expect(said).not.toContain('STARTTLS');
    expect(() => askOpenSSL(port, '-starttls', 'smtp')).toThrow();
  });

  it('require takes no mail in clear', async () => {
    await using program = new Program(['debug', '--tls', 'require', '127.0.0.1:0'], options);
    const client = await program.connect();
    await client.command('EHLO a.example');
    expect((await client.command('MAIL FROM:<>')).code).toBe(530);
    client.destroy();
  });

  it('implicit begins with the handshake, and shows the certificate that it was given', async () => {
    const argv = ['debug', '--tls=implicit', '--tls-cert', 'cert.pem', '--tls-key', 'key.pem', '127.0.0.1:0'];
    await using program = new Program(argv, options);
    const port = await program.port();
    const ca = readFileSync(join(folder, 'cert.pem'));
    const socket = await secure(port, { servername: 'mail.example.org', ca });
    expect(await converse(socket, 'EHLO a.example')).toMatch(/^220 .*250-SIZE.*221 /s);
    expect(program.stderr).not.toContain('self-signed');
  });

  it('is offered when a certificate is named, unless it is said otherwise', async () => {
    const files = ['--tls-cert', 'cert.pem', '--tls-key', 'key.pem'];
    for (const [argv, isOffered] of [
      [files, true],
      [[...files, '--tls', 'off'], false],
    ] as const) {
      await using program = new Program(['debug', '127.0.0.1:0', ...argv], options);
      const client = await program.connect();
      expect((await client.command('EHLO a.example')).lines.includes('STARTTLS')).toBe(isOffered);
      client.destroy();
    }
  });
});

describe('--auth', () => {
  const offer = (lines: readonly string[]): string | undefined => lines.find((line) => line.startsWith('AUTH '));

  it('user:password lets that user in, and nobody else', async () => {
    const argv = [
      'debug',
      '127.0.0.1:0',
      '--auth',
      'alice:correct horse',
      '--auth=bob:a:b',
      '--auth-failure-delay-ms=1',
    ];
    await using program = new Program(argv, options);
    const client = await program.connect();
    const { lines } = await client.command('EHLO a.example');
    expect(offer(lines)).toBe('AUTH SCRAM-SHA-256 SCRAM-SHA-1 PLAIN LOGIN CRAM-MD5');
    expect((await client.command(`AUTH PLAIN ${plain('alice\0wrong')}`)).code).toBe(535);
    expect((await client.command(`AUTH PLAIN ${plain('bob\0a')}`)).code).toBe(535);
    expect((await client.command(`AUTH PLAIN ${plain('bob\0a:b')}`)).code).toBe(235);
    client.destroy();
    const other = await program.connect();
    await other.command('EHLO a.example');
    expect((await other.command(`AUTH PLAIN ${alice}`)).code).toBe(235);
    other.destroy();
    // Nobody reads a password in a log.
    expect(program.stderr).not.toContain('horse');
  });

  it('any lets everybody in', async () => {
    await using program = new Program(['debug', '127.0.0.1:0', '--auth', 'any', '-d'], options);
    const client = await program.connect();
    expect(offer((await client.command('EHLO a.example')).lines)).toBe('AUTH PLAIN LOGIN XOAUTH2 OAUTHBEARER');
    expect((await client.command(`AUTH PLAIN ${alice}`)).code).toBe(235);
    await program.says(/event=auth session=\w+ mechanism=PLAIN user=alice outcome=accepted/);
    client.destroy();
  });

  it('any lets in by EXTERNAL whoever shows a certificate', async () => {
    await using program = new Program(['debug', '127.0.0.1:0', '--auth', 'any', '--tls', 'implicit', '-d'], options);
    const port = await program.port();
    const pair = makeSelfSigned({ names: ['client.example'], now: new Date() });
    const shown = await secure(port, { ...pair, rejectUnauthorized: false });
    expect(await converse(shown, 'EHLO a.example', 'AUTH EXTERNAL =')).toMatch(/^235 /m);
    await program.says(/event=auth session=\w+ mechanism=EXTERNAL user=client\.example outcome=accepted/);
    const bare = await secure(port, { rejectUnauthorized: false });
    expect(await converse(bare, 'EHLO a.example', 'AUTH EXTERNAL =')).toMatch(/^535 /m);
  });

  it('with --auth-required takes no mail from others', async () => {
    const argv = ['debug', '127.0.0.1:0', '--auth', 'alice:correct horse', '--auth-required'];
    await using program = new Program(argv, options);
    const client = await program.connect();
    await client.command('EHLO a.example');
    expect((await client.command('MAIL FROM:<>')).code).toBe(530);
    expect((await client.command(`AUTH PLAIN ${alice}`)).code).toBe(235);
    expect((await client.command('MAIL FROM:<>')).code).toBe(250);
    client.destroy();
  });

  // What other machines can reach is not opened in a test: --no-auth-plaintext is what they would meet.
  it.each([
    [['127.0.0.1:0'], true],
    [['localhost:0', './in.sock'], true],
    [['127.0.0.1:0', '--no-auth-plaintext'], false],
    [['127.0.0.1:0', '--xclient', '192.0.2.1'], false],
    [['127.0.0.1:0', '--proxy-protocol', '192.0.2.1'], false],
    [['127.0.0.1:0', '--proxy-protocol', '192.0.2.1', '--auth-plaintext'], true],
  ])('offers PLAIN without TLS only where nobody can listen, or it was said: %j', async (argv, isOffered) => {
    await using program = new Program(['debug', ...argv, '--auth', 'alice:x'], options);
    const client = await program.connect();
    const mechanisms = offer((await client.command('EHLO a.example')).lines)?.split(' ');
    expect(mechanisms?.includes('PLAIN')).toBe(isOffered);
    expect(mechanisms).toContain('SCRAM-SHA-256');
    client.destroy();
  });
});

describe('the other options', () => {
  it('--lmtp answers for each recipient', async () => {
    await using program = new Program(['debug', '--lmtp', '127.0.0.1:0'], options);
    const client = await program.connect();
    expect((await client.command('EHLO a.example')).code).toBe(500);
    client.send('LHLO a.example\r\nMAIL FROM:<>\r\nRCPT TO:<a@b.example>\r\nRCPT TO:<c@b.example>\r\nDATA\r\n');
    expect((await client.replies(5)).at(-1)?.code).toBe(354);
    client.send('Subject: x\r\n.\r\n');
    expect((await client.replies(2)).map(({ code }) => code)).toEqual([250, 250]);
    client.destroy();
  });

  it('--proxy-protocol believes a PROXY header', async () => {
    const argv = ['debug', '--json', '127.0.0.1:0', '--proxy-protocol', '192.0.2.0/24,loopback'];
    await using program = new Program(argv, options);
    const client = await RawClient.connect(await program.port());
    client.send('PROXY TCP4 198.51.100.7 127.0.0.1 40000 25\r\n');
    await client.reply();
    await sendContent(client, 'Subject: x\r\n');
    await client.reply();
    const { stdout } = await program.stop();
    expect((JSON.parse(stdout) as MessageRecord).peer).toEqual({ address: '198.51.100.7', port: 40_000 });
  });

  it('--xclient and --xforward are for the networks they name', async () => {
    const argv = ['debug', '127.0.0.1:0', '--xclient', 'loopback', '--xforward', '192.0.2.1'];
    await using program = new Program(argv, options);
    const client = await program.connect();
    const keywords = (await client.command('EHLO a.example')).lines.map((line) => line.split(' ')[0]);
    expect(keywords).toContain('XCLIENT');
    expect(keywords).not.toContain('XFORWARD');
    client.destroy();
    await using other = new Program(
      ['debug', '127.0.0.1:0', '--xclient', '192.0.2.1', '--xforward', 'loopback'],
      options,
    );
    const another = await other.connect();
    const others = (await another.command('EHLO a.example')).lines.map((line) => line.split(' ')[0]);
    expect(others).not.toContain('XCLIENT');
    expect(others).toContain('XFORWARD');
    another.destroy();
  });

  it('--early-input refuse and --greeting-delay turn away who does not wait', async () => {
    const argv = ['debug', '127.0.0.1:0', '--early-input', 'refuse', '--greeting-delay', '500'];
    await using program = new Program(argv, options);
    const client = await RawClient.connect(await program.port());
    client.send('EHLO a.example\r\n');
    expect((await client.closed()).map(({ code }) => code)).toEqual([554]);
  });

  it('--max-… sets limits, and none takes them away', async () => {
    const argv = ['debug', '127.0.0.1:0', '--max-recipients', '1', '--max-errors=none', '--max-idle-commands', '70'];
    await using program = new Program(argv, options);
    const client = await program.connect();
    expect((await client.command('EHLO a.example')).lines).toContain('LIMITS RCPTMAX=1');
    client.send('MAIL FROM:<>\r\nRCPT TO:<a@b.example>\r\nRCPT TO:<c@b.example>\r\nRSET\r\n');
    expect((await client.replies(4)).map(({ code }) => code)).toEqual([250, 250, 452, 250]);
    // The limit of errors is 50 unless it is taken away.
    client.send('XYZZY\r\n'.repeat(60));
    expect((await client.replies(60)).every(({ code }) => code === 500)).toBe(true);
    client.send('NOOP\r\n'.repeat(100));
    expect((await client.closed()).at(-1)?.code).toBe(421);
  });

  it('--listen says where, unless addresses are given', async () => {
    await using program = new Program(['debug', '--listen', '127.0.0.1:0', '--listen', '[::1]:0'], options);
    await program.says(/^listening on 127\.0\.0\.1:\d+\nlistening on \[::1\]:\d+\n$/);
    await using other = new Program(['-n', '--listen', '192.0.2.1:1', '127.0.0.1:0'], options);
    expect(await other.port()).toBeGreaterThan(0);
  });
});

describe('the old form', () => {
  it('has the same options, and hands them to the class that it serves', async () => {
    mkdirSync(join(folder, 'node_modules'));
    symlinkSync(fileURLToPath(new URL('../..', import.meta.url)), join(folder, 'node_modules', 'smtpd'));
    writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
    writeFileSync(
      join(folder, 'told.js'),
      `import { SMTPServer } from 'smtpd';
      export class Told extends SMTPServer {
        constructor(options) { super(options); console.log(Object.keys(options).join()); }
        processMessage({ session }) { return '250 2.0.0 from ' + session.identity.user; }
      }`,
    );
    const argv = ['-n', '-c', './told.js#Told', '127.0.0.1:0', '--auth', 'alice:correct horse', '--max-recipients=7'];
    await using program = new Program(argv, options);
    const client = await program.connect();
    expect((await client.command('EHLO a.example')).lines).toContain('LIMITS RCPTMAX=7');
    expect((await client.command(`AUTH PLAIN ${alice}`)).code).toBe(235);
    await sendContent(client, 'Subject: x\r\n');
    expect((await client.reply()).lines).toEqual(['2.0.0 from alice']);
    client.destroy();
    const told = (await program.stop()).stdout.trim().split(',');
    expect(told.sort()).toEqual(
      ['localAddress', 'remoteAddress', 'dataSizeLimit', 'enableSMTPUTF8', 'auth', 'limits'].sort(),
    );
  });
});

describe('what cannot work', () => {
  it.each([
    [['--tls-key', 'key.pem'], 'option --tls-key needs --tls-cert, the file with the certificate'],
    [['--tls-cert', 'cert.pem'], 'option --tls-cert needs --tls-key, the file with the private key'],
    [['--tls-cert', 'absent.pem', '--tls-key', 'key.pem'], /absent\.pem/],
    [['--tls-cert', 'rubbish.pem', '--tls-key', 'key.pem'], /rubbish\.pem/],
    [['--tls=never'], 'option --tls is one of off, offer, require, implicit, not "never"'],
    [['--auth', 'secretpassword'], 'option --auth is user:password, or any'],
    [['--auth', ':x'], 'option --auth is user:password, or any'],
    [['--auth', 'x:'], 'option --auth is user:password, or any'],
    [['--auth', 'any', '--auth', 'a:b'], 'option --auth is any, or the users that there are, not both'],
    [['--auth', 'a\u0007:b'], /^option --auth: The user name of "a\\u0007" is empty, too long/],
    [['--auth-required'], 'option --auth-required needs --auth user:password, or --auth any'],
    [['--auth', 'any', '--no-auth-plaintext'], /^option --auth: any takes passwords .* add --tls, or --auth-plaintext/],
    [['--auth', 'any', '--listen', ':0'], /^option --auth: any takes passwords/],
    [['--proxy-protocol', '10.0.0.1/8'], /^option --proxy-protocol: "10\.0\.0\.1\/8" has bits behind its 8; write 10/],
    [['--xclient', 'nowhere'], /^option --xclient: "nowhere" is no network; write/],
    [['--max-recipients', '-1'], 'option --max-recipients is a whole number above 0, or none, not "-1"'],
    [['--greeting-delay', 'long'], 'option --greeting-delay is a whole number of milliseconds, not "long"'],
    [['--max-recipient', '1'], 'option --max-recipient not recognized; did you mean --max-recipients?'],
  ])('ends with one line and exit code 2: %j', async (argv, message) => {
    for (const form of [['debug'], ['-n']]) {
      const { code, stdout, stderr } = await run([...form, '--listen', '127.0.0.1:0', ...argv], options);
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(stderr).toMatch(/^smtpd: [^\n]*\n$/);
      const said = stderr.slice('smtpd: '.length, -1);
      if (typeof message === 'string') expect(said).toBe(message);
      else expect(said).toMatch(message);
      // The old form has one address.
      if (argv.includes('--listen')) break;
    }
  });
});
