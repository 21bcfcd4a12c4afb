/** `smtpd probe`, against our own server, which is right, and against scripted ones, which are wrong. */

import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSecureContext, TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { Finding, ProbeReport } from '../../src/cli/probe/finding.js';
import { makeSelfSigned } from '../../src/net/self-signed.js';
import { Program, run, type ProgramOptions } from './program.js';

let folder = '';
let options: ProgramOptions = {};
const pair = makeSelfSigned({ names: ['localhost', '127.0.0.1', '::1'], now: new Date() });

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'smtpd-probe-'));
  options = { cwd: folder, environment: { XDG_STATE_HOME: join(folder, 'state') } };
  writeFileSync(join(folder, 'ca.pem'), pair.cert);
  writeFileSync(join(folder, 'key.pem'), pair.key);
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

interface Probed {
  readonly code: number | null;
  readonly report: ProbeReport & { readonly warnings: number };
  readonly of: (name: string) => Finding | undefined;
  /** Names of findings that are not as they should be. */
  readonly names: (status: Finding['status']) => readonly string[];
}

async function probed(port: number, ...argv: readonly string[]): Promise<Probed> {
  const ended = await run(['probe', '--json', '--timeout', '5', ...argv, `127.0.0.1:${String(port)}`], options);
  expect(ended.stderr).toBe('');
  expect(ended.stdout).toMatch(/^\{.*\}\n$/);
  const report = JSON.parse(utf8(ended.stdout)) as Probed['report'];
  return {
    code: ended.code,
    report,
    of: (wanted) => report.findings.find(({ name }) => name === wanted),
    names: (wanted) => report.findings.filter(({ status }) => status === wanted).map(({ name }) => name),
  };
}

/** Programs are read octet by octet. */
function utf8(octets: string): string {
  return Buffer.from(octets, 'latin1').toString('utf8');
}

// ---- A server that is told how to be wrong ----------------------------------------------------------------------------

interface Script {
  readonly greeting?: string;
  /** The reply to EHLO; on TLS, when there is another. */
  readonly ehlo?: string;
  readonly ehloOnTLS?: string;
  /** What is said to a line, without its line end; `undefined` leaves it to the rest of the script. */
  readonly answer?: (line: string, isOnTLS: boolean) => string | undefined;
  /** What is done with what came in clear behind STARTTLS. */
  readonly behindSTARTTLS?: 'forget' | 'keep' | 'answer' | 'answerLater';
  /** What ends a line. */
  readonly lineEnd?: RegExp;
  readonly isImplicit?: boolean;
  /** The key and the certificate. Default: those that the tests trust. */
  readonly pair?: { readonly key: string; readonly cert: string };
}

/** Answers every line with 250 unless the script says otherwise. @returns also the lines that it was sent */
async function scripted(script: Script) {
  const lines: string[] = [];
  const sockets = new Set<Socket>();
  const secureContext = createSecureContext(script.pair ?? pair);
  const serve = (socket: Socket, isOnTLS: boolean, early = ''): void => {
    let unread = early;
    const say = (text: string): void => void socket.write(text, 'latin1');
    const take = (): void => {
      for (;;) {
        const end = (script.lineEnd ?? /\r\n/).exec(unread);
        if (end === null) return;
        const line = unread.slice(0, end.index);
        unread = unread.slice(end.index + end[0].length);
        lines.push(line);
        const answer = script.answer?.(line, isOnTLS) ?? usual(line);
        if (answer === 'STARTTLS') {
          secure();
          return;
        }
        say(answer);
        if (answer.startsWith('221') || answer === '') socket.end();
      }
    };
    const usual = (line: string): string => {
      if (line === 'QUIT') return '221 bye\r\n';
      if (line.startsWith('EHLO'))
        return (isOnTLS ? script.ehloOnTLS : undefined) ?? script.ehlo ?? '250 mail.example\r\n';
      if (line === 'STARTTLS' && !isOnTLS) return 'STARTTLS';
      return '250 OK\r\n';
    };
    const secure = (): void => {
      socket.removeAllListeners('data');
      const behind = unread;
      unread = '';
      const begin = (): void => {
        const tls = new TLSSocket(socket, { isServer: true, secureContext });
        tls.on('error', () => undefined);
        serve(tls, true, script.behindSTARTTLS === 'keep' ? behind : '');
      };
      const answersToo = behind !== '' && script.behindSTARTTLS?.startsWith('answer') === true;
      if (!answersToo) socket.write('220 go ahead\r\n', begin);
      else if (script.behindSTARTTLS === 'answer') socket.write('220 go ahead\r\n221 bye\r\n', begin);
      // The hello of TLS has come by then.
      else {
        say('220 go ahead\r\n');
        socket.once('data', () => {
          say('221 bye\r\n');
        });
      }
    };
    socket.on('data', (bytes: Buffer) => {
      unread += bytes.toString('latin1');
      take();
    });
    take();
  };
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    const first = script.isImplicit === true ? new TLSSocket(socket, { isServer: true, secureContext }) : socket;
    first.on('error', () => undefined);
    first.write(script.greeting ?? '220 mail.example ESMTP\r\n', 'latin1');
    serve(first, script.isImplicit === true);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    lines,
    async [Symbol.asyncDispose](): Promise<void> {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** How a server answers that is right in everything that is asked, without extensions. */
function rightly(line: string): string | undefined {
  if (/^(?:[EH]E?H?LO|QUIT|NOOP|noop|RSET|STARTTLS|MAIL FROM:<[^>]*>$|RCPT)/.test(line)) return undefined;
  if (line.startsWith('VRFY')) return '252 perhaps\r\n';
  if (line.startsWith('MAIL')) return '555 no such parameter\r\n';
  return '500 unknown\r\n';
}

// ---- The tests --------------------------------------------------------------------------------------------------------

describe('our own server', () => {
  it('has everything right, in clear', async () => {
    await using program = new Program(['debug', '127.0.0.1:0'], options);
    const { code, report, of, names } = await probed(await program.port());
    expect(names('warning')).toEqual([]);
    expect(names('note')).toEqual(['STARTTLS', 'AUTH']);
    expect(code).toBe(0);
    expect(report).toMatchObject({ host: '127.0.0.1', address: '127.0.0.1', warnings: 0, connections: 8 });
    expect(report.extensions).toContainEqual({
      keyword: 'SIZE',
      parameters: '33554432',
      meaning: 'messages of up to 33,554,432 octets (RFC 1870)',
    });
    expect(of('bare LF in a command')).toMatchObject({ status: 'ok', clause: 'RFC 5321 §2.3.8' });
    expect(of('PIPELINING')?.detail).toBe('5 commands in one go, as many answers');
    expect(of('declared size over SIZE')?.detail).toMatch(/^not taken: 552 /);
    expect(of('RCPT')).toBeUndefined();
  });

  it('has everything right on TLS, by STARTTLS and from the first octet', async () => {
    const files = ['--tls-cert', 'ca.pem', '--tls-key', 'key.pem', '--auth', 'alice:x', '--no-auth-plaintext'];
    for (const mode of ['require', 'implicit']) {
      await using program = new Program(['debug', '127.0.0.1:0', '--tls', mode, ...files], options);
      const { code, report, of, names } = await probed(await program.port(), '--tls', mode, '--ca', 'ca.pem');
      expect(names('warning')).toEqual([]);
      expect(names('note')).toEqual([]);
      expect(code).toBe(0);
      expect(report.tls).toMatchObject({ version: 'TLSv1.3', certificate: { issuer: 'localhost' } });
      expect(report.tls?.certificate.problem).toBeUndefined();
      expect(report.tls?.certificate.names).toContain('IP Address:127.0.0.1');
      expect(of('AUTH')?.detail).toContain('PLAIN');
      expect(of('command injected behind STARTTLS')?.status).toBe(mode === 'require' ? 'ok' : undefined);
      if (mode === 'require') expect(of('EHLO after STARTTLS')?.detail).toMatch(/^now with AUTH .*no more STARTTLS/);
    }
  });

  it('is asked about a recipient with --to, who is taken back, and nothing is delivered', async () => {
    await using program = new Program(['debug', '127.0.0.1:0', '-d', '--json'], options);
    const argv = ['--from', 'me@example.org', '--to', 'you@example.org'];
    const { code, of } = await probed(await program.port(), ...argv);
    expect(code).toBe(0);
    expect(of('RCPT')).toMatchObject({ status: 'ok', detail: 'taken: 250 2.1.5 OK' });
    const { stdout, stderr } = await program.stop();
    expect(stdout).toBe('');
    expect(stderr).toMatch(/verb=RCPT argument=TO:<you@example\.org>\n.*\n.*verb=RSET/);
    expect(stderr).not.toMatch(/verb=(?:DATA|BDAT)/);
  });

  it('may be asked over IPv6', async () => {
    await using program = new Program(['debug', '[::1]:0'], options);
    const [, port = ''] = await program.says(/^listening on \[::1\]:(\d+)$/m);
    const { code, stdout } = await run(['probe', `[::1]:${port}`], options);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^\[::1\]:\d+, 8 connections\n/);
    expect(utf8(stdout)).toMatch(/\n {2}ok {7}greeting .* \[RFC 5321 §4\.2\]\n/);
    expect(stdout).toMatch(/\n0 warnings, 2 notes\n$/);
  });

  it('is believed by its certificate, or there is a warning, or with --insecure a note', async () => {
    await using program = new Program(['debug', '127.0.0.1:0', '--tls'], options);
    const port = await program.port();
    const [, caFile = ''] = await program.says(/need (.*)$/m);
    for (const [argv, status, code] of [
      [['--ca', caFile], 'ok', 0],
      [[], 'warning', 1],
      [['--insecure'], 'note', 0],
    ] as const) {
      const probe = await probed(port, ...argv);
      expect(probe.of('certificate')).toMatchObject({ status, clause: 'RFC 9525 §6' });
      expect(probe.code).toBe(code);
    }
  });
});

describe('a server that is wrong', () => {
  it('in everything is warned of, and never sent mail', async () => {
    await using server = await scripted({
      greeting: '220 *** welcome\n',
      ehlo: '250-mail.example\r\n251-SIZE many\r\n250-AUTH PLAIN LOGIN\r\n250-AUTH=LOGIN\r\n250 PIPELINING\r\n',
      answer: (line) => {
        if (line === 'noop') return '500 upper case, please\r\n';
        if (line === 'HELP') return '\x1b[2J\r\n';
        if (line.startsWith('VRFY')) return '500 what?\r\n';
        if (line === 'RSET') return '502 no\r\n';
        return undefined;
      },
      lineEnd: /\r?\n/,
    });
    const { code, names, of, report } = await probed(server.port, '--tls', '--to', 'you@example.org');
    expect(code).toBe(1);
    expect(names('warning')).toEqual([
      ...['greeting', 'EHLO', 'STARTTLS', 'AUTH', 'SIZE', 'lower case', 'VRFY', 'unknown parameter of MAIL', 'RSET'],
      ...['unknown verb', '8-bit verb', 'NUL in a command', 'bare LF in a command', 'form of replies'],
    ]);
    expect(report.warnings).toBe(names('warning').length);
    expect(of('AUTH')?.detail).toBe('passwords may be sent without TLS: PLAIN, LOGIN');
    expect(of('bare LF in a command')?.detail).toContain('LF alone ended a command');
    expect(of('form of replies')?.detail.split('; ').sort()).toEqual([
      'a line that ends with LF alone',
      'a line without a code of three digits',
      'control characters in the text',
      'lines of one reply with different codes',
    ]);
    expect(new Set(server.lines.map((line) => line.split(' ')[0]))).toEqual(
      new Set([
        ...['EHLO', 'noop', 'NOOP', 'HELP', 'VRFY', 'MAIL', 'RCPT', 'RSET', 'QUIT', 'XSMTPDPROBE'],
        ...['N\u00d6\u00d6P', 'NO\0OP'],
      ]),
    );
    expect(server.lines.filter((line) => line.startsWith('RCPT'))).toEqual(['RCPT TO:<you@example.org>']);
  });

  it('is not asked about recipients without --to', async () => {
    await using server = await scripted({});
    await probed(server.port);
    expect(server.lines.filter((line) => /^(?:RCPT|DATA|BDAT|EXPN)/.test(line))).toEqual([]);
  });

  it('takes a parameter that nobody knows, and is not left with an open transaction', async () => {
    await using server = await scripted({});
    await probed(server.port);
    const at = server.lines.findIndex((line) => line.includes('XSMTPDPROBE=1'));
    // One for the transaction, and the one that is asked about.
    expect(server.lines.slice(at, at + 3)).toEqual(['MAIL FROM:<> XSMTPDPROBE=1', 'RSET', 'RSET']);
  });

  it('has more to say behind its 221', async () => {
    await using server = await scripted({
      answer: (line) => (line === 'QUIT' ? '221 bye\r\n250 and another thing\r\n' : rightly(line)),
    });
    expect((await probed(server.port)).of('QUIT')).toMatchObject({
      status: 'warning',
      detail: 'not 221 and then the end: 221 bye',
    });
  });

  it('has more to say behind its reply to STARTTLS', async () => {
    await using server = await scripted({
      ehlo: '250-mail.example\r\n250 STARTTLS\r\n',
      answer: (line) => (line === 'STARTTLS' ? '220 go ahead\r\n250 and another thing\r\n' : rightly(line)),
    });
    expect((await probed(server.port)).of('form of replies')).toMatchObject({
      status: 'warning',
      detail: expect.stringContaining('octets in clear behind the reply to STARTTLS') as string,
    });
  });

  it.each([
    ['2.0.0', 'ok', 'in every reply'],
    ['4.0.0', 'note', 'offered, and missing or of another class: 250 4.0.0 done'],
    ['done', 'note', 'offered, and missing or of another class: 250 done done'],
  ])('offers enhanced codes and says %s with a 250', async (code, status, detail) => {
    await using server = await scripted({
      ehlo: '250-mail.example\r\n250 ENHANCEDSTATUSCODES\r\n',
      answer: (line) => {
        if (line === 'RSET') return `250 ${code} done\r\n`;
        return line.startsWith('EHLO') || line === 'QUIT' ? undefined : '250 2.0.0 OK\r\n';
      },
    });
    expect((await probed(server.port)).of('enhanced codes')).toMatchObject({ status, detail });
  });

  it('shows a terminal nothing that it would obey', async () => {
    const evil = '\x1b]0;pwned\x07\u009b2J\u00e2\u0080\u00ae';
    await using server = await scripted({
      greeting: `220 mail.example ${evil}\r\n`,
      ehlo: `250-mail.example\r\n250 X${evil}\r\n`,
    });
    for (const argv of [[], ['--json']]) {
      const { stdout } = await run(['probe', ...argv, `127.0.0.1:${String(server.port)}`], options);
      const text = utf8(stdout);
      expect(text).toContain('pwned');
      expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Bidi_Control}]/u);
    }
  });

  it('answers one overlong line twice, by cutting it', async () => {
    await using server = await scripted({ answer: rightly, lineEnd: /\r\n|(?<=[^\r\n]{512})/ });
    const { names } = await probed(server.port);
    expect(names('warning')).toEqual(['line of 600 octets', 'line of 5000 octets']);
  });

  it.each([
    [{ behindSTARTTLS: 'forget' }, 'ok', /^forgotten$/],
    [{ behindSTARTTLS: 'keep' }, 'warning', /^carried out on TLS, as if it had been sent there/],
    [{ behindSTARTTLS: 'answer' }, 'warning', /^answered in clear, before the handshake: 220 go ahead$/],
    [{ behindSTARTTLS: 'answerLater' }, 'warning', /^answered in clear, before the handshake: 220 go ahead$/],
  ] as const)('obeys what was injected behind STARTTLS: %j', async (script, status, detail) => {
    await using server = await scripted({
      ...script,
      ehlo: '250-mail.example\r\n250 STARTTLS\r\n',
      ehloOnTLS: '250 mail.example\r\n',
      answer: rightly,
    });
    const { of, names } = await probed(server.port, '--insecure');
    expect(of('command injected behind STARTTLS')).toMatchObject({
      status,
      detail: expect.stringMatching(detail) as string,
    });
    expect(names('warning')).toEqual(status === 'ok' ? [] : ['command injected behind STARTTLS']);
  });

  it('offers STARTTLS on TLS, or breaks its promise of it', async () => {
    const ehlo = '250-mail.example\r\n250 STARTTLS\r\n';
    await using again = await scripted({ ehlo, answer: rightly });
    expect((await probed(again.port, '--insecure')).of('EHLO after STARTTLS')?.status).toBe('warning');
    await using refusing = await scripted({
      ehlo,
      answer: (line) => (line === 'STARTTLS' ? '454 not now\r\n' : rightly(line)),
    });
    expect((await probed(refusing.port)).of('STARTTLS')).toMatchObject({
      status: 'warning',
      detail: 'offered, and not done: 454 not now',
    });
  });

  it('with a certificate for somebody else is not believed', async () => {
    const other = makeSelfSigned({ names: ['mail.example.org'], now: new Date() });
    writeFileSync(join(folder, 'other.pem'), other.cert);
    await using server = await scripted({ isImplicit: true, pair: other, answer: rightly });
    const { code, of } = await probed(server.port, '--tls', 'implicit', '--ca', 'other.pem');
    expect(code).toBe(1);
    expect(of('certificate')).toMatchObject({ status: 'warning' });
    expect(of('certificate')?.detail).toMatch(/^it is not for 127\.0\.0\.1; for DNS:mail\.example\.org; valid until/);
  });

  it('with a certificate that ends soon is noted, and with one that has ended warned of', async () => {
    const dayMs = 86_400_000;
    for (const [daysAgo, status, detail] of [
      [815, 'note', /^for DNS:localhost/],
      [830, 'warning', /^it has expired; for DNS:localhost/],
    ] as const) {
      const old = makeSelfSigned({ names: ['localhost', '127.0.0.1'], now: new Date(Date.now() - daysAgo * dayMs) });
      writeFileSync(join(folder, 'old.pem'), old.cert);
      await using server = await scripted({ isImplicit: true, pair: old, answer: rightly });
      const { of } = await probed(server.port, '--tls', 'implicit', '--ca', 'old.pem');
      expect(of('certificate')).toMatchObject({ status, detail: expect.stringMatching(detail) as string });
    }
  });

  it.each([
    ['554 no\r\n', 'greeting', 'the server does not want to talk: 554 no'],
    ['', 'greeting', 'no answer within 1 s'],
    ['220 no end', 'greeting', 'no answer within 1 s'],
  ])('that greets with %j is left, with a warning', async (greeting, name, detail) => {
    await using server = await scripted({ greeting });
    const { code, report, of } = await probed(server.port, '--timeout', '1');
    expect(code).toBe(1);
    expect(of(name)).toMatchObject({ status: 'warning', detail });
    expect(report.connections).toBe(1);
    expect(server.lines).toEqual([]);
  });

  it('that speaks no TLS where it should is left, with a warning', async () => {
    await using server = await scripted({});
    const { code, of } = await probed(server.port, '--tls', 'implicit');
    expect(code).toBe(1);
    expect(of('TLS')?.status).toBe('warning');
  });

  it('that knows only HELO is asked what it can be asked', async () => {
    await using server = await scripted({
      answer: (line) => (line.startsWith('EHLO') ? '502 old\r\n' : rightly(line)),
    });
    const { of, names } = await probed(server.port);
    expect(of('EHLO')?.detail).toBe('not known; HELO is, so there are no extensions: 502 old');
    expect(names('warning')).toEqual(['EHLO']);
    expect(of('unknown verb')?.status).toBe('ok');
    expect(server.lines.filter((line) => line.startsWith('EHLO'))).toHaveLength(1);
  });

  it('that lets nobody in again is asked no more on other connections, which is a note', async () => {
    let count = 0;
    await using server = await scripted({
      answer: (line) => (line.startsWith('EHLO') && (count += 1) > 1 ? '421 enough\r\n' : rightly(line)),
    });
    const { of } = await probed(server.port);
    expect(of('unknown verb')).toMatchObject({
      status: 'note',
      detail: 'not asked: the server would not go on: 421 enough',
    });
  });

  it('that leaves in the middle is said to', async () => {
    await using server = await scripted({ answer: (line) => (line === 'HELP' ? '' : rightly(line)) });
    const { of } = await probed(server.port);
    expect(of('commands')?.detail).toBe('the server closed instead of answering HELP');
  });
});

describe('what cannot be asked', () => {
  it('ends with exit code 3 when nobody listens there', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    server.close();
    await once(server, 'close');
    expect(await run(['probe', '--json', `127.0.0.1:${String(port)}`])).toEqual({
      code: 3,
      stdout: '',
      stderr: `smtpd: Cannot connect to 127.0.0.1:${String(port)}: connect ECONNREFUSED 127.0.0.1:${String(port)}\n`,
    });
  });

  it.each([
    [[], 'Say which server: smtpd probe host:port'],
    [['a:1', 'b:2'], 'Invalid arguments: b:2; smtpd probe asks one server'],
    [['localhost'], 'Bad remote spec: localhost; write host:port, or [IPv6]:port with the brackets'],
    [['a:99999'], 'Bad remote port: a:99999; a port is 0 to 65535'],
    [['--timeout', '0', 'a:1'], 'option --timeout is a whole number of seconds above 0, not "0"'],
    [['--tls=on', 'a:1'], 'option --tls is one of off, offer, require, implicit, not "on"'],
    [['--to', 'x> y', 'a:1'], 'option --to is an address such as you@example.org, not "x> y"'],
    [['--to', '', 'a:1'], 'option --to is an address such as you@example.org, not ""'],
    [
      ['--from', 'a@b\r\nDATA', 'a:1'],
      'option --from is an address such as you@example.org, not "a@b\\u000d\\u000aDATA"',
    ],
    [['--hostname', 'a b', 'a:1'], 'option --hostname is a domain or an address literal, not "a b"'],
    [['--ca', '/nowhere.pem', 'a:1'], /^option --ca cannot be read: ENOENT/],
    [['--ca', fileHere(), 'a:1'], /^option --ca: .*probe\.test\.ts has no certificate in PEM$/],
  ])('ends with one line and exit code 2: %j', async (argv, message) => {
    const { code, stdout, stderr } = await run(['probe', ...argv]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^smtpd: [^\n]*\n$/);
    const said = stderr.slice('smtpd: '.length, -1);
    if (typeof message === 'string') expect(said).toBe(message);
    else expect(said).toMatch(message);
  });
});

function fileHere(): string {
  return new URL(import.meta.url).pathname;
}
