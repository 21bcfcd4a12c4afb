/** Clients that are none: those that speak before they are greeted, do not wait for replies, or speak HTTP or TLS. */

import { describe, expect, it } from 'vitest';

import { defineExtension } from '../../src/protocol/extension.js';
import { octets } from '../../src/protocol/octets.js';
import { ServerSession } from '../../src/protocol/server-session.js';
import { PureClient, sessionOptionsOf, type PureSetup } from '../support/pure-client.js';

const OUT_OF_STEP = '554 5.5.0 Error: SMTP synchronization error, closing connection\r\n';
const NOT_SMTP = '421 4.7.0 Error: this is an SMTP server, closing connection\r\n';

/** A client after some commands, which it sent one by one. */
function after(commands: readonly string[], setup: PureSetup = {}): PureClient {
  const client = new PureClient(setup);
  client.codes(...commands);
  expect(client.session.takeViolations()).toEqual([]);
  client.output = '';
  return client;
}

describe('input before the greeting', () => {
  it('is noted, and read when the greeting was sent', () => {
    const session = new ServerSession(sessionOptionsOf({}));
    session.open();
    session.receive(octets.encodeLatin1('EHLO c\r\n'));
    expect(session.takeViolations()).toEqual(['inputBeforeGreeting']);
    session.accept();
    expect(session.next()).toMatchObject({ kind: 'command', verb: 'EHLO' });
    expect(session.takeViolations()).toEqual([]);
  });
});

describe('input behind a command that must be waited for', () => {
  const HELLO = 'EHLO c.example';
  const MAIL = ['MAIL FROM:<a@a.example>', 'RCPT TO:<b@b.example>'];
  const cases: readonly (readonly [line: string, before: readonly string[], setup: PureSetup])[] = [
    ['EHLO c.example', [], {}],
    ['HELO c.example', [HELLO], {}],
    ['LHLO c.example', [], { protocol: 'lmtp' }],
    ['DATA', [HELLO, ...MAIL], {}],
    ['XCLIENT NAME=a', [HELLO], { situation: { mayXCLIENT: true } }],
  ];

  it.each(cases)('%s is noted and read, where it is tolerated', (line, before, setup) => {
    const client = after(before, setup);
    client.send(`${line}\r\nNOOP\r\n`);
    expect(client.session.takeViolations()).toEqual(['inputBehindCommand']);
    expect(client.session.phase).not.toBe('closed');
    if (line === 'DATA') expect(client.codes('.')).toEqual([250]);
    else expect(client.commands.at(-1)).toBe('NOOP');
  });

  it.each(cases)('%s closes, where it is refused', (line, before, setup) => {
    const client = after(before, { ...setup, earlyInput: 'refuse' });
    client.send(`${line}\r\nN`);
    expect(client.output).toBe(OUT_OF_STEP);
    expect(client.session.takeViolations()).toEqual(['inputBehindCommand']);
    expect(client.session.phase).toBe('closed');
    expect(client.commands).toHaveLength(before.length);
  });

  it.each(cases)('%s alone is answered, where that is refused', (line, before, setup) => {
    const client = after(before, { ...setup, earlyInput: 'refuse' });
    client.send(`${line}\r\n`);
    expect(client.session.phase).not.toBe('closed');
    expect(client.session.takeViolations()).toEqual([]);
  });
});

describe('several commands at once', () => {
  it('are pipelining, where that is offered and known', () => {
    const client = after(['EHLO c.example'], { earlyInput: 'refuse' });
    client.send(
      'MAIL FROM:<a@a.example>\r\nRCPT TO:<b@b.example>\r\nNOOP\r\nBDAT 3\r\n.\r\nBDAT 3 LAST\r\n.\r\nNOOP\r\n',
    );
    expect(client.replies.slice(-6).map(({ code }) => code)).toEqual([250, 250, 250, 250, 250, 250]);
    expect(client.session.takeViolations()).toEqual([]);
  });

  it.each<[string, readonly string[], PureSetup]>([
    ['before EHLO', [], {}],
    ['after HELO', ['HELO c.example'], {}],
    ['without the extension', ['EHLO c.example'], { disabledExtensions: ['PIPELINING'] }],
  ])('%s are noted, or refused', (_when, before, setup) => {
    const tolerated = after(before, setup);
    tolerated.send('NOOP\r\nNOOP\r\n');
    expect(tolerated.output).toBe('250 2.0.0 OK\r\n250 2.0.0 OK\r\n');
    expect(tolerated.session.takeViolations()).toEqual(['pipeliningNotOffered']);
    const refused = after(before, { ...setup, earlyInput: 'refuse' });
    refused.send('NOOP\r\nNOOP\r\n');
    expect(refused.output).toBe(OUT_OF_STEP);
    expect(refused.session.takeViolations()).toEqual(['pipeliningNotOffered']);
  });

  it('are not the octets behind BDAT, which follow at once', () => {
    const client = after(['HELO c.example', 'MAIL FROM:<a@a.example>', 'RCPT TO:<b@b.example>'], {
      earlyInput: 'refuse',
      disabledExtensions: ['PIPELINING'],
    });
    client.send('BDAT 3 LAST\r\n.\r\n');
    expect(client.output).toBe('250 2.0.0 OK\r\n');
    expect(client.session.takeViolations()).toEqual([]);
  });

  it('are taken together when they are recipients, and then nothing was out of step', () => {
    const client = after(['EHLO c.example', 'MAIL FROM:<a@a.example>'], { earlyInput: 'refuse', isBatching: true });
    client.send('RCPT TO:<b@b.example>\r\nRCPT TO:<c@b.example>\r\nDATA\r\n');
    expect(client.replies.slice(-3).map(({ code }) => code)).toEqual([250, 250, 354]);
    expect(client.session.takeViolations()).toEqual([]);
  });
});

describe('HTTP', () => {
  it.each([
    'GET /',
    'POST / HTTP/1.1',
    'HEAD /',
    'PUT /',
    'DELETE /',
    'CONNECT mail:25',
    'OPTIONS *',
    'TRACE /',
    'PATCH /',
    'get /',
    'GET',
  ])('"%s" as the first line closes, and nothing behind it is looked at', (line) => {
    const client = after([]);
    client.send(`${line}\r\nHost: mail.example.test\r\n\r\nEHLO evil.example\r\n`);
    expect(client.output).toBe(NOT_SMTP);
    expect(client.session.takeViolations()).toEqual(['http']);
    expect(client.session.phase).toBe('closed');
    expect(client.commands).toEqual([]);
  });

  it.each(['GET / HTTP/1.1', 'POST /x HTTP/1.0', 'CONNECT a:25 HTTP/2', 'get / HTTP/1.1'])(
    '"%s" closes later, too',
    (line) => {
      const client = after(['EHLO c.example', 'NOOP']);
      client.send(`${line}\r\nNOOP\r\n`);
      expect(client.output).toBe(NOT_SMTP);
      expect(client.session.takeViolations()).toEqual(['http']);
    },
  );

  it.each(['GET /', 'POST', 'GET / http/1.1', 'GET / HTTP/1.1 x', 'GET / HTTP/', 'NOOP / HTTP/1.1', 'GETS / HTTP/1.1'])(
    '"%s" is none later',
    (line) => {
      const client = after(['NOOP']);
      expect(client.codes(line)).toEqual([line.startsWith('NOOP') ? 250 : 500]);
      expect(client.session.takeViolations()).toEqual([]);
    },
  );

  it('is any line behind the first, also when that was refused as such', () => {
    for (const line of ['', 'x'.repeat(600), 'NO\nOP']) {
      const client = after([line]);
      expect(client.codes('GET /')).toEqual([500]);
    }
  });

  it('is none where somebody has a verb of that name', () => {
    const patch = defineExtension({ keyword: 'XP', verbs: { PATCH: { syntax: 'PATCH', run: () => undefined } } });
    const client = after([], {
      extensions: [patch],
      run: ({ verb }, session) => {
        if (verb === 'PATCH') session.noop();
        return verb === 'PATCH';
      },
    });
    expect(client.codes('PATCH / HTTP/1.1', 'GET / HTTP/1.1')).toEqual([250, 421]);
  });
});

describe('a TLS handshake where none is expected', () => {
  const HELLO = '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03';

  it.each([HELLO, '\x16', `${HELLO}\r\nNOOP\r\n`])('closes at its first octet: %j', (text) => {
    const client = after([]);
    client.send(text);
    expect(client.output).toBe(NOT_SMTP);
    expect(client.session.takeViolations()).toEqual(['unexpectedTLS']);
    expect(client.session.phase).toBe('closed');
    expect(client.commands).toEqual([]);
  });

  it('is none behind the first octet: the line is one that nobody knows', () => {
    const client = after([]);
    expect(client.codes(`X${HELLO}`, HELLO)).toEqual([500, 500]);
    expect(client.session.takeViolations()).toEqual([]);
  });

  it('may have been in a first line that is too long to be known: it closes, however it came', () => {
    const limits = { commandLengthBytesMax: 20, continuationLengthBytesMax: 20 };
    const client = after([], { limits });
    client.send('X'.repeat(20_000));
    expect(client.session.unreadBytes).toBe(0);
    client.send('\x16\r\n');
    expect(client.output).toBe('421 4.7.0 Error: this is an SMTP server, closing connection\r\n');
    const whole = after([], { limits });
    whole.send(`${'X'.repeat(20_000)}\x16\r\n`);
    expect(whole.output).toBe(client.output);
  });

  it('is one again for the client behind the one that said XCLIENT', () => {
    const client = after(['EHLO c.example', 'XCLIENT NAME=a'], { situation: { mayXCLIENT: true } });
    client.send(HELLO);
    expect(client.output).toBe(NOT_SMTP);
  });
});
