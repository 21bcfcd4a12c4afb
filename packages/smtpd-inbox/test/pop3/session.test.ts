/** The pure session: which command may come when, and what is answered. */

import { describe, expect, it } from 'vitest';

import { POP3Session, type POP3SessionOptions, type POP3Step } from '../../src/pop3/session.js';

const MESSAGES = [
  { id: 'a1', sizeBytes: 120 },
  { id: 'b2', sizeBytes: 200 },
  { id: 'c3', sizeBytes: 0 },
];

function session(options: Partial<POP3SessionOptions> = {}): POP3Session {
  return new POP3Session({
    canStartTLS: true,
    isTLSRequired: false,
    isSecure: false,
    timestamp: undefined,
    loginFailuresMax: 3,
    errorsMax: 50,
    ...options,
  });
}

function loggedIn(options: Partial<POP3SessionOptions> = {}): POP3Session {
  const made = session(options);
  made.receive('USER ann');
  made.receive('PASS secret');
  made.enter(MESSAGES);
  return made;
}

/** A step in a few words. */
function tell(step: POP3Step): string {
  switch (step.kind) {
    case 'reply':
    case 'close':
      return `${step.kind === 'close' ? 'close: ' : ''}${step.lines.join(' | ')}`;
    case 'login':
      return `login: ${JSON.stringify(step.credentials)}`;
    case 'message':
      return `message: ${step.message.id} ${step.bodyLines === undefined ? 'whole' : String(step.bodyLines)}`;
    case 'startTLS':
      return 'startTLS';
    case 'update':
      return `update: ${step.ids.join(' ')}`;
  }
}

const LOG_IN = '-ERR Log in before you ask for that';
const ALREADY = '-ERR You are logged in already';
const NONE = '-ERR There is no such message';
const CAPABILITIES = 'TOP | UIDL | RESP-CODES | AUTH-RESP-CODE | PIPELINING | USER | SASL PLAIN';

describe('each command in each state', () => {
  it.each([
    // Command, before USER, between USER and PASS, in a transaction.
    ['USER ann', '+OK Now the password', '+OK Now the password', ALREADY],
    ['PASS a b ', '-ERR USER comes first', 'login: {"kind":"password","user":"bob","password":"a b "}', ALREADY],
    ['PASS', '-ERR USER comes first', 'login: {"kind":"password","user":"bob","password":""}', ALREADY],
    ['APOP ann 00000000000000000000000000000000', '-ERR [SYS/PERM] There is no APOP here', '=', ALREADY],
    ['AUTH PLAIN AGFubgBzZWNyZXQ=', 'login: {"kind":"password","user":"ann","password":"secret"}', '=', ALREADY],
    ['AUTH plain', '+ ', '=', ALREADY],
    ['AUTH LOGIN', '-ERR [AUTH] The one mechanism is PLAIN', '=', ALREADY],
    ['STLS', 'startTLS', '=', ALREADY],
    [
      'CAPA',
      `+OK This is what there is | ${CAPABILITIES} | STLS | IMPLEMENTATION smtpd-inbox | .`,
      '=',
      `+OK This is what there is | ${CAPABILITIES} | IMPLEMENTATION smtpd-inbox | .`,
    ],
    ['QUIT', 'close: +OK Goodbye', '=', 'close: +OK Goodbye'],
    ['STAT', LOG_IN, '=', '+OK 3 320'],
    ['LIST', LOG_IN, '=', '+OK 3 messages (320 octets) | 1 120 | 2 200 | 3 0 | .'],
    ['LIST 2', LOG_IN, '=', '+OK 2 200'],
    ['LIST 4', LOG_IN, '=', NONE],
    ['UIDL', LOG_IN, '=', '+OK 3 messages (320 octets) | 1 a1 | 2 b2 | 3 c3 | .'],
    ['UIDL 3', LOG_IN, '=', '+OK 3 c3'],
    ['UIDL 0', LOG_IN, '=', NONE],
    ['RETR 1', LOG_IN, '=', 'message: a1 whole'],
    ['RETR 1 2', LOG_IN, '=', '-ERR RETR needs one message'],
    ['RETR 99999999999999999999', LOG_IN, '=', NONE],
    ['RETR -1', LOG_IN, '=', NONE],
    ['RETR 1.5', LOG_IN, '=', NONE],
    ['RETR __proto__', LOG_IN, '=', NONE],
    ['TOP 1 0', LOG_IN, '=', 'message: a1 0'],
    ['TOP 2 10', LOG_IN, '=', 'message: b2 10'],
    ['TOP 2', LOG_IN, '=', '-ERR TOP needs a message and a number of lines'],
    ['TOP 2 -1', LOG_IN, '=', '-ERR TOP needs a message and a number of lines'],
    ['TOP 2 1 1', LOG_IN, '=', '-ERR TOP needs a message and a number of lines'],
    ['TOP 7 1', LOG_IN, '=', NONE],
    ['DELE 2', LOG_IN, '=', '+OK Message 2 goes when you quit'],
    ['DELE 9', LOG_IN, '=', NONE],
    ['NOOP', LOG_IN, '=', '+OK'],
    ['RSET', LOG_IN, '=', '+OK 3 messages (320 octets)'],
    // In whatever state, what is malformed or unknown.
    ['noop x', LOG_IN, '=', '-ERR NOOP has no argument'],
    ['QUIT now', '-ERR QUIT has no argument', '=', '-ERR QUIT has no argument'],
    ['USER', '-ERR USER needs an argument', '=', ALREADY],
    ['RETR', LOG_IN, '=', '-ERR RETR needs an argument'],
    ['', '-ERR There is no such command', '=', '-ERR There is no such command'],
    [' STAT', '-ERR There is no such command', '=', '-ERR There is no such command'],
    ['constructor', '-ERR There is no such command', '=', '-ERR There is no such command'],
    // The long s is no letter of ASCII.
    ['ſTAT', '-ERR There is no such command', '=', '-ERR There is no such command'],
  ])('%j', (command, before, between, within) => {
    expect(tell(session().receive(command))).toBe(before);
    const named = session();
    named.receive('USER bob');
    expect(tell(named.receive(command))).toBe(between === '=' ? before : between);
    expect(tell(loggedIn().receive(command))).toBe(within);
    const word = command.split(' ')[0] ?? '';
    expect(tell(loggedIn().receive(command.replace(word, word.toLowerCase())))).toBe(within);
  });
});

describe('a session', () => {
  it('forgets no number when a message is marked, and deletes at QUIT what was not taken back', () => {
    const made = loggedIn();
    expect(tell(made.receive('DELE 1'))).toBe('+OK Message 1 goes when you quit');
    expect(['DELE 1', 'RETR 1', 'TOP 1 0', 'LIST 1', 'UIDL 1'].map((line) => tell(made.receive(line)))).toEqual([
      NONE,
      NONE,
      NONE,
      NONE,
      NONE,
    ]);
    expect(tell(made.receive('STAT'))).toBe('+OK 2 200');
    expect(tell(made.receive('LIST'))).toBe('+OK 2 messages (200 octets) | 2 200 | 3 0 | .');
    made.receive('RSET');
    expect(tell(made.receive('STAT'))).toBe('+OK 3 320');
    made.receive('DELE 3');
    made.receive('DELE 2');
    expect(tell(made.receive('QUIT'))).toBe('update: c3 b2');
    expect(made.quitReply(true)).toEqual(['+OK Goodbye']);
    expect(made.quitReply(false)[0]).toMatch(/^-ERR \[SYS\/TEMP\]/);
    expect(made.phase).toBe('closed');
  });

  it('lets somebody try a few times', () => {
    const made = session();
    const attempt = (): string => {
      made.receive('USER ann');
      made.receive('PASS wrong');
      return tell(made.refuse('wrong'));
    };
    expect(attempt()).toBe('-ERR [AUTH] No such user, or another password');
    // The name has to be said again.
    expect(tell(made.receive('PASS wrong'))).toBe('-ERR USER comes first');
    made.receive('USER ann');
    made.receive('PASS right');
    expect(tell(made.refuse('inUse'))).toBe('-ERR [IN-USE] Somebody else has this inbox open');
    expect(attempt()).toBe('-ERR [AUTH] No such user, or another password');
    expect(attempt()).toMatch(/^close: -ERR \[AUTH\].*last attempt$/);
  });

  it('closes on whoever says nothing but nonsense', () => {
    const made = session({ errorsMax: 3 });
    expect(tell(made.receive('GET / HTTP/1.1'))).toBe('-ERR There is no such command');
    expect(tell(made.receiveMalformed('tooLong'))).toBe('-ERR The line is too long');
    expect(tell(made.receiveMalformed('bareLineEnd'))).toMatch(/^close: -ERR A line ends with CRLF/);
  });

  it.each([
    ['AGFubgBzZWNyZXQ=', 'login: {"kind":"password","user":"ann","password":"secret"}'],
    ['YW5uAGFubgBzZWNyZXQ=', 'login: {"kind":"password","user":"ann","password":"secret"}'],
    // Jörg, with the password ü.
    ['AErDtnJnAMO8', 'login: {"kind":"password","user":"Jörg","password":"ü"}'],
    ['Ym9iAGFubgBzZWNyZXQ=', '-ERR [AUTH] Nobody acts for anybody else here'],
    ['AGFubg==', '-ERR The response is none of PLAIN'],
    ['AABzZWNyZXQ=', '-ERR The response is none of PLAIN'],
    ['AGFubgBzZWNyZXQ', '-ERR The response is no base64'],
    ['', '-ERR The response is none of PLAIN'],
    ['*', '-ERR As you like'],
  ])('takes %j for the response of PLAIN, at once and when asked', (response, expected) => {
    if (response !== '*' && response !== '') expect(tell(session().receive(`AUTH PLAIN ${response}`))).toBe(expected);
    const asked = session();
    expect(tell(asked.receive('AUTH PLAIN'))).toBe('+ ');
    expect(tell(asked.receive(response))).toBe(expected);
    if (expected.startsWith('-ERR')) expect(tell(asked.receive('STAT'))).toBe(LOG_IN);
  });

  it('drops the response of PLAIN that is no line', () => {
    const made = session();
    made.receive('AUTH PLAIN');
    made.receiveMalformed('tooLong');
    expect(tell(made.receive('NOOP'))).toBe(LOG_IN);
  });

  it('has APOP where there is a timestamp', () => {
    const made = session({ timestamp: '<1896.697170952@dbc.mtview.ca.us>' });
    expect(made.banner).toBe('+OK smtpd-inbox <1896.697170952@dbc.mtview.ca.us>');
    expect(tell(made.receive('APOP mrose'))).toMatch(/^-ERR APOP needs/);
    expect(tell(made.receive('APOP mrose c4c9334bac560ecc979e58001b3e22f'))).toMatch(/^-ERR APOP needs/);
    expect(tell(made.receive('APOP m rose C4C9334BAC560ECC979E58001B3E22FB'))).toBe(
      'login: {"kind":"apop","user":"m rose","digest":"c4c9334bac560ecc979e58001b3e22fb"}',
    );
    expect(session().banner).toBe('+OK smtpd-inbox');
  });

  it('lets nobody in before TLS where that is required, and forgets a name that was said in clear', () => {
    const made = session({ isTLSRequired: true });
    const refused = '-ERR [SYS/PERM] Say STLS first';
    for (const line of ['USER ann', 'PASS x', 'APOP a b', 'AUTH PLAIN AGFubgBzZWNyZXQ='])
      expect(tell(made.receive(line))).toBe(refused);
    expect(tell(made.receive('CAPA'))).not.toMatch(/USER|SASL/);
    expect(tell(made.receive('STLS'))).toBe('startTLS');
    made.secured();
    expect(tell(made.receive('CAPA'))).toMatch(/USER \| SASL PLAIN \| IMPLEMENTATION/);
    expect(tell(made.receive('STLS'))).toBe('-ERR This is TLS already');
    expect(tell(made.receive('PASS x'))).toBe('-ERR USER comes first');
    const open = session();
    open.receive('USER ann');
    open.receive('STLS');
    open.secured();
    expect(tell(open.receive('PASS x'))).toBe('-ERR USER comes first');
    expect(tell(session({ canStartTLS: false }).receive('STLS'))).toBe('-ERR [SYS/PERM] There is no TLS here');
  });
});
