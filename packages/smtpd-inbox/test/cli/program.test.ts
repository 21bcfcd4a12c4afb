/** The command as a program: what it prints, how it ends, and what it says of arguments that cannot work. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { PassThrough } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';

import { outputOf } from '../../../smtpd/test/support/output-of.js';
import { main } from '../../src/cli/main.js';
import { INBOX_OPTIONS } from '../../src/cli/options.js';
import { ask } from '../support/http.js';
import { sendMail } from '../support/mails.js';

const INBOX = fileURLToPath(new URL('../../dist/cli/bin.js', import.meta.url));
const CORE = fileURLToPath(new URL('../../../smtpd/dist/cli/bin.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'smtpd-inbox-test-'));

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** Runs the command line in this process: for what does not serve. */
async function run(
  argv: readonly string[],
  environment: Record<string, string> = {},
): Promise<[number, string, string]> {
  const [output, errors] = [new PassThrough(), new PassThrough()];
  const code = await main(argv, { output, errors, environment });
  const all = (stream: PassThrough): string => outputOf(stream).toString();
  return [code, all(output), all(errors)];
}

/** Starts the program, and reads what it says until it has said where the page is. */
async function start(args: readonly string[], environment: Record<string, string> = {}) {
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, ...environment },
  });
  const exited = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
  const said: Record<string, string> = {};
  for await (const line of createInterface({ input: child.stderr })) {
    const [, name = '', value = ''] = /^(\w+)\s+(.*)$/.exec(line) ?? [];
    said[name] = value;
    if (name === 'API') break;
  }
  child.stderr.resume();
  return { child, exited, said, smtpPort: Number(said['SMTP']?.split(':').at(-1)), url: said['page'] ?? '' };
}

describe('the program', () => {
  it.each([
    ['smtpd-inbox', [INBOX]],
    ['smtpd inbox', [CORE, 'inbox']],
  ])('%s says where it listens, catches mail, and ends well when it is told to', async (_name, program) => {
    const running = await start([...program, '127.0.0.1:0', '--http', '127.0.0.1:0', '--tls', 'off']);
    await sendMail(running.smtpPort);
    const { json } = await ask(running.url, { path: '/api/v1/messages' });
    expect(json).toMatchObject({ entries: [{ subject: 'Your code' }] });
    const page = await ask(running.url, { path: '/' });
    expect(page.text).toContain('<script type="module"');
    running.child.kill('SIGTERM');
    expect(await running.exited).toEqual([0, null]);
  });

  it('keeps its mail in a folder, and reads its options from the environment', async () => {
    const environment = {
      SMTPD_INBOX_DATA: join(folder, 'mail'),
      SMTPD_INBOX_HTTP: '127.0.0.1:0',
      SMTPD_INBOX_TLS: 'off',
      SMTPD_INBOX_TOKEN: 'sesame',
    };
    const first = await start([INBOX, '127.0.0.1:0'], environment);
    await sendMail(first.smtpPort);
    first.child.kill('SIGINT');
    expect(await first.exited).toEqual([0, null]);
    const second = await start([INBOX, '127.0.0.1:0'], environment);
    expect((await ask(second.url, { path: '/api/v1/messages' })).status).toBe(401);
    const headers = { authorization: 'Bearer sesame' };
    expect((await ask(second.url, { path: '/api/v1/messages', headers })).json).toMatchObject({
      entries: [{ subject: 'Your code' }],
    });
    second.child.kill('SIGTERM');
    await second.exited;
  });

  it('speaks SMTP where the environment says, and where words say something else there', async () => {
    const environment = { SMTPD_INBOX_LISTEN: '127.0.0.1:0, 127.0.0.2:0', SMTPD_INBOX_HTTP: '127.0.0.1:0' };
    const hostsOf = async (words: readonly string[]) => {
      const running = await start([INBOX, ...words], environment);
      const { json } = await ask(running.url, { path: '/api/v1/info' });
      running.child.kill('SIGTERM');
      await running.exited;
      return (json as { smtp: { host: string }[] }).smtp.map(({ host }) => host);
    };
    expect(await hostsOf([])).toEqual(['127.0.0.1', '127.0.0.2']);
    expect(await hostsOf(['127.0.0.3:0'])).toEqual(['127.0.0.3']);
  });

  it('makes a password for one run where it is told to, and none where there is a token', async () => {
    const open = ['127.0.0.1:0', '--http', '0', '--tls', 'off', '--generate-password'];
    const running = await start([INBOX, ...open]);
    const password = running.said['password']?.split(' ')[0] ?? '';
    expect(password).toMatch(/^[\w-]{16}$/);
    const statusWith = async (secret: string) => {
      const authorization = `Basic ${Buffer.from(`ann:${secret}`).toString('base64')}`;
      return (await ask(running.url, { path: '/api/v1/messages', headers: { authorization } })).status;
    };
    expect([await statusWith(password), await statusWith('')]).toEqual([200, 401]);
    running.child.kill('SIGTERM');
    await running.exited;
    const guarded = await start([INBOX, ...open], { SMTPD_INBOX_TOKEN: 'sesame' });
    expect(guarded.said).not.toHaveProperty('password');
    guarded.child.kill('SIGTERM');
    await guarded.exited;
  });

  it('ends with 1 when a port is taken, and says which, of what, and what to do', async () => {
    const running = await start([INBOX, '127.0.0.1:0', '--http', '127.0.0.1:0']);
    const { host } = new URL(running.url);
    for (const option of ['http', 'mailpit', 'mailhog', 'pop3']) {
      const others = option === 'http' ? [] : ['--http', 'off'];
      const [code, , errors] = await run(['127.0.0.1:0', ...others, `--${option}`, host]);
      expect(errors).toBe(
        `smtpd-inbox: ${host} is in use; stop what listens there or choose another port (${option})\n`,
      );
      expect(code).toBe(1);
    }
    // A label this long is refused before anybody is asked.
    const [, , unknown] = await run(['127.0.0.1:0', '--token', 'x', '--http', `${'a'.repeat(64)}:0`]);
    expect(unknown).toMatch(/^smtpd-inbox: The host name does not resolve: .* \(http\)\n$/);
    const [code, , errors] = await run([host, '--http', 'off']);
    expect(errors).toContain(`${host} is in use`);
    expect(code).toBe(1);
    running.child.kill('SIGTERM');
    await running.exited;
  });

  it('leaves off what is said to be off, in the environment, too', async () => {
    const off = ['--smtps', 'off', '--mailpit', 'off', '--mailhog', 'off'];
    const running = await start([INBOX, '0', '--http', '0', ...off], {
      SMTPD_INBOX_POP3: 'off',
      SMTPD_INBOX_TLS: 'off',
    });
    const { json } = await ask(running.url, { path: '/api/v1/info' });
    expect(json).toMatchObject({ smtp: [{ tls: 'off' }] });
    expect(json).not.toHaveProperty('pop3');
    running.child.kill('SIGTERM');
    await running.exited;
  });
});

describe('arguments', () => {
  it('are all in the help', async () => {
    const [code, output] = await run(['--help']);
    expect(code).toBe(0);
    for (const { name } of INBOX_OPTIONS) expect(output).toContain(name);
  });

  it.each([
    [['--nonsense'], 'nonsense'],
    [['--workers', '2'], 'the inbox, which is one process'],
    [['--max-messages', '0'], '--max-messages is a whole number above 0'],
    [['--http', '0.0.0.0:0'], 'give a password or a token'],
    [['--http', '127.0.0.1:0', '--pop3', ':0'], 'give a password or a token'],
    [['--tls', 'maybe'], '--tls is one of off, offer, require, implicit'],
    [['--tls-cert', 'a.pem'], '--tls-cert and --tls-key are given together'],
    [['--auth', 'nobody'], '--auth is any, off, or user:password'],
    [['--auth', 'off', '--auth-required'], 'Nobody can authenticate'],
    [['--release-to', 'ann@a.example'], '--release-to needs --release'],
    [['--dkim-key', 'x'], '--dkim-key is selector._domainkey.domain=FILE'],
    [['--http-origin', 'tools.example'], 'An origin is scheme://host'],
    [['--data', 'a', '--store', 'postgres://b/c'], 'not in both'],
    [['not an address'], 'is no listen address'],
  ])('%j cannot work, and what would is said', async (argv, said) => {
    const [code, output, errors] = await run([...argv]);
    expect([code, output]).toEqual([2, '']);
    expect(errors).toContain(said);
    expect(errors.trim().split('\n')).toHaveLength(1);
  });

  it('a password that was typed wrong is not repeated', async () => {
    const [, , errors] = await run(['--auth', 'hunter2']);
    expect(errors).not.toContain('hunter2');
  });
});
