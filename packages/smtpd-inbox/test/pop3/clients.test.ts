/** Programs that people read mail with, against POP3 of ours. */

import { openSQLiteStore, type MailStore } from 'smtpd-store';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { startPOP3, type POP3Server } from '../../src/pop3/start-pop3.js';
import { runProgram, type ProgramEnd } from '../../../smtpd/test/support/run-program.js';
import { requireCommand } from '../mail/support/component.js';
import { keep } from './keep.js';

/** What is hard to send: dots, a lone dot, NUL and 8-bit, bare CR and LF, no CRLF at the end. */
const HARD = 'Subject: hard\r\n\r\n.\r\n..two\r\n\r\nnul \0 and \u00fc\u00ff\rx\r\n.end';
const PLAIN = 'Subject: plain\r\nX: y\r\n\r\none\r\ntwo\r\nthree\r\n';
/** Where lines end with LF there is a dot alone, and behind it a reply that nobody gave. */
const HOSTILE = 'Subject: hostile\r\n\r\none\n.\r\n-ERR never said\r\n+OK 99 99\r\n';

let store: MailStore;
let server: POP3Server;
let port: number;

beforeAll(async () => {
  store = await openSQLiteStore();
});
beforeEach(async () => {
  await store.clear();
  for (const raw of [PLAIN, HARD, HOSTILE]) await keep(store, raw);
  server = await startPOP3({
    store,
    address: '127.0.0.1:0',
    login: (user, password) => (user === 'ann' && password === 's3cret word' ? { inbox: '' } : undefined),
  });
  port = server.addresses[0]?.port ?? 0;
  return async () => {
    await server.close();
  };
});
afterAll(async () => {
  await store.close();
});

describe('Python’s poplib', () => {
  requireCommand('python3');

  it('reads all, by STLS, and deletes', async () => {
    const script = `
import json, poplib, ssl, sys
context = ssl.create_default_context()
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE
pop = poplib.POP3('127.0.0.1', ${String(port)}, timeout=20)
before = pop.capa()
pop.stls(context)
try:
    pop.user('ann'); pop.pass_('wrong')
except poplib.error_proto as error:
    refused = str(error)
pop.user('ann'); pop.pass_('s3cret word')
result = {
    'before': sorted(before), 'after': sorted(pop.capa()), 'refused': refused, 'stat': pop.stat(),
    'list': [line.decode() for line in pop.list()[1]], 'one': pop.list(2).decode(), 'uidl': len(pop.uidl()[1]),
    'messages': [b'\\n'.join(pop.retr(number)[1]).decode('latin-1') for number in (1, 2, 3)],
    'top': [line.decode() for line in pop.top(1, 1)[1]], 'noop': pop.noop().decode(),
}
pop.dele(2); pop.rset(); pop.dele(3)
result['quit'] = pop.quit().decode()
print(json.dumps(result))
`;
    const { code, stdout, stderr } = await runProgram('python3', ['-'], { input: script });
    expect([code, stderr]).toEqual([0, '']);
    const result = JSON.parse(stdout.toString()) as Record<string, unknown>;
    expect(result).toMatchObject({
      refused: expect.stringContaining('-ERR [AUTH]') as string,
      stat: [3, PLAIN.length + HARD.length + HOSTILE.length],
      list: [PLAIN, HARD, HOSTILE].map(({ length }, index) => `${String(index + 1)} ${String(length)}`),
      one: `+OK 2 ${String(HARD.length)}`,
      uidl: 3,
      // It gives lines, and takes LF for the end of one.
      messages: [
        PLAIN.replace(/\r\n$/, '').replaceAll('\r\n', '\n'),
        HARD.replaceAll('\r\n', '\n'),
        HOSTILE.replace(/\r\n$/, '').replaceAll('\r\n', '\n'),
      ],
      top: ['Subject: plain', 'X: y', '', 'one'],
      noop: '+OK',
      quit: '+OK Goodbye',
    });
    expect(result['before']).toContain('STLS');
    expect(result['after']).not.toContain('STLS');
    const left = await store.list();
    expect(left.messages.map(({ sizeBytes }) => sizeBytes)).toEqual([HARD.length, PLAIN.length]);
  });
});

describe('curl', () => {
  requireCommand('curl');
  const curl = (options: readonly string[], path = ''): Promise<ProgramEnd> =>
    runProgram('curl', ['-sS', '--max-time', '20', ...options, `pop3://127.0.0.1:${String(port)}/${path}`]);

  it.each([
    ['as it likes', ['-u', 'ann:s3cret word']],
    ['by AUTH PLAIN', ['-u', 'ann:s3cret word', '--login-options', 'AUTH=PLAIN']],
    ['over TLS', ['-u', 'ann:s3cret word', '--ssl-reqd', '-k']],
  ])('reads every octet, %s', async (_name, options) => {
    const { stdout, stderr } = await curl(options, '2');
    expect(stderr).toBe('');
    // It leaves the CRLF that belongs to the end to whoever reads.
    expect(stdout.toString('latin1').replace(/\r\n$/, '')).toBe(HARD);
  });

  it('lists, and is told when it may not', async () => {
    const { stdout } = await curl(['-u', 'ann:s3cret word']);
    expect(stdout.toString()).toBe(
      [PLAIN, HARD, HOSTILE].map(({ length }, index) => `${String(index + 1)} ${String(length)}\r\n`).join(''),
    );
    const { code } = await curl(['-u', 'ann:wrong']);
    // CURLE_LOGIN_DENIED.
    expect(code).toBe(67);
  });

  it('reads over pop3s', async () => {
    await using implicit = await startPOP3({ store, address: '127.0.0.1:0', tls: { mode: 'implicit' } });
    const url = `pop3s://127.0.0.1:${String(implicit.addresses[0]?.port)}/1`;
    const { stdout } = await runProgram('curl', ['-sSk', '--max-time', '20', '-u', 'any:body', url]);
    expect(stdout.toString('latin1')).toBe(PLAIN);
  });
});
