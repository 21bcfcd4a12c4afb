/** The command line, run by a real shell and the real swaks. */

import fc from 'fast-check';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startTestServer } from 'smtpd/testing';
import { afterAll, describe, expect, it } from 'vitest';

import type { Envelope, Session } from '../../src/api/model.js';
import { shellWord, swaksCommand } from '../../src/mail/swaks.js';
import { requireCommand } from './support/component.js';

const folder = mkdtempSync(join(tmpdir(), 'swaks-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const SESSION: Session = { peer: { address: '127.0.0.1', port: 40_000 }, clientName: 'a.example', protocol: 'ESMTP' };
const ENVELOPE: Envelope = {
  mailFrom: 'ann@a.example',
  rcptTos: ['bob@b.example'],
  mailOptions: [],
  rcptOptions: [[]],
};
const SERVER = { host: '127.0.0.1', port: 1_025 };
const command = (envelope: Partial<Envelope> = {}, session: Partial<Session> = {}, transcript: string[] = []): string =>
  swaksCommand({
    envelope: { ...ENVELOPE, ...envelope },
    session: { ...SESSION, ...session },
    transcript: transcript.map((line) => ({
      from: line.startsWith('C: ') ? 'client' : 'server',
      atMs: 0,
      text: line.slice(3),
    })),
    server: SERVER,
  });

describe('swaksCommand', () => {
  it('says a plain session', () => {
    expect(command()).toBe(
      'swaks --server 127.0.0.1 --port 1025 --ehlo a.example --from ann@a.example --to bob@b.example --data @message.eml',
    );
  });

  it('says TLS, AUTH, LMTP and pipelining', () => {
    const tls = { version: 'TLSv1.3', cipher: 'x', serverName: 'mx.b.example' };
    expect(command({}, { tls })).toContain('--tls-on-connect --tls-sni mx.b.example ');
    expect(command({}, { tls }, ['C: STARTTLS'])).toContain('--tls --tls-sni mx.b.example ');
    const identity = { user: "o'ann", mechanism: 'PLAIN' };
    expect(command({}, { identity })).toContain(
      String.raw`--auth PLAIN --auth-user 'o'\''ann' --auth-password PASSWORD `,
    );
    expect(command({}, { identity: { ...identity, mechanism: 'XOAUTH2' } })).toMatch(
      /^# swaks cannot say AUTH XOAUTH2\nswaks /,
    );
    expect(command({}, { protocol: 'LMTPS' })).toContain('--protocol LMTP ');
    expect(command({}, { protocol: 'SMTP' })).toContain('--protocol SMTP ');
    expect(command({}, {}, ['C: MAIL FROM:<a>', 'C: RCPT TO:<b>', 'S: 250 OK'])).toContain('--pipeline ');
    expect(command({}, {}, ['C: MAIL FROM:<a>', 'S: 250 OK', 'C: RCPT TO:<b>'])).not.toContain('--pipeline');
  });

  it('says what it cannot say', () => {
    expect(
      command({ mailOptions: ['SIZE=1', 'SMTPUTF8'], rcptTos: ['"a,b"@b.example'], rcptOptions: [['NOTIFY=NEVER']] }),
    ).toBe(
      '# swaks cannot say of MAIL: SIZE=1 SMTPUTF8\n' +
        '# swaks cannot say RCPT TO:<"a,b"@b.example>\n' +
        '# swaks cannot say of RCPT TO:<"a,b"@b.example>: NOTIFY=NEVER\n' +
        'swaks --server 127.0.0.1 --port 1025 --ehlo a.example --from ann@a.example --quit-after MAIL',
    );
  });

  it('never breaks out of its quotes: a shell sees one command, and the words that were meant', () => {
    // Everything runs in one shell: a function of this name prints its words, and the runs are divided.
    const text = fc.string({
      unit: fc.constantFrom(...'\'"`$(){};|&<>*?~!#\\ \n\r\t\u0007-=@%é😀aA1,'),
      maxLength: 20,
    });
    const samples = fc.sample(
      fc.record({ mailFrom: text, rcptTo: text, clientName: text, user: text, mailOption: text, serverName: text }),
      { numRuns: 300, seed: 1 },
    );
    const script = samples
      .map(({ mailFrom, rcptTo, clientName, user, mailOption, serverName }) =>
        command(
          { mailFrom, rcptTos: [rcptTo], mailOptions: [mailOption] },
          {
            clientName,
            identity: { user, mechanism: 'PLAIN' },
            tls: { version: 'TLSv1.3', cipher: 'x', serverName },
          },
        ),
      )
      .join('\n');
    writeFileSync(join(folder, 'script.sh'), `swaks() { printf '%s\\0' "$@" END; }\n${script}\n`);
    const printed = execFileSync('sh', [join(folder, 'script.sh')], { cwd: folder, encoding: 'utf8' });
    const runs = printed.split('END\0').slice(0, -1);
    expect(runs).toHaveLength(samples.length);
    for (const [index, run] of runs.entries()) {
      const { mailFrom, rcptTo, clientName, user, serverName } = samples[index]!;
      const words = run.split('\0').slice(0, -1);
      const option = (name: string, value: string): string[] => (value.startsWith('-') ? [] : [name, value]);
      expect(words).toEqual([
        ...['--server', '127.0.0.1', '--port', '1025'],
        ...(clientName === '' ? [] : option('--ehlo', clientName)),
        '--tls-on-connect',
        ...(serverName === '' ? [] : option('--tls-sni', serverName)),
        ...['--auth', 'PLAIN', ...option('--auth-user', user), '--auth-password', 'PASSWORD'],
        ...option('--from', mailFrom === '' ? '<>' : mailFrom),
        ...(rcptTo.includes(',') || rcptTo.startsWith('-')
          ? ['--quit-after', 'MAIL']
          : [...option('--to', rcptTo), '--data', '@message.eml']),
      ]);
    }
  });

  it('leaves out the one character that no argument can have', () => {
    expect(shellWord('a\0b')).toBe('ab');
  });
});

describe('swaks', () => {
  requireCommand('swaks');

  it.each([
    ['plainly', ENVELOPE],
    ['from nobody', { ...ENVELOPE, mailFrom: '' }],
    [
      'with shell characters in its addresses',
      {
        ...ENVELOPE,
        mailFrom: "o'brien+$HOME&`id`@a.example",
        rcptTos: ['bob-@b.example', '"a b"@b.example', '{eve}*?!#~|=@e.example'],
        rcptOptions: [[], [], []],
      },
    ],
  ])('says it again %s', async (_name, envelope) => {
    await using server = await startTestServer();
    writeFileSync(join(folder, 'message.eml'), 'Subject: again\r\n\r\n.dot\r\n');
    const line = swaksCommand({
      envelope,
      session: SESSION,
      transcript: [],
      server: { host: '127.0.0.1', port: server.port },
    });
    const child = spawn('sh', ['-c', line], { cwd: folder, stdio: 'ignore' });
    expect(await once(child, 'exit')).toEqual([0, null]);
    const [message] = server.messages;
    expect(message).toMatchObject({ mailFrom: envelope.mailFrom, rcptTos: envelope.rcptTos });
    expect(message?.subject).toBe('again');
    expect(message?.session.transcript).toContain('C: EHLO a.example');
  });
});
