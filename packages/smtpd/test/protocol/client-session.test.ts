import { describe, expect, it } from 'vitest';

import {
  ClientSession,
  type ClientEvent,
  type ClientRequest,
  type RequestKind,
} from '../../src/protocol/client-session.js';
import { UsageError } from '../../src/protocol/errors.js';
import { octets } from '../../src/protocol/octets.js';

const PIPELINING = '250-mx.example\r\n250 PIPELINING\r\n';

describe('the beginning', () => {
  it('waits for the greeting before anything is said', () => {
    const session = new ClientSession('smtp');
    expect(session.wait).toBe('greeting');
    session.send({ kind: 'hello', line: 'EHLO b.example' });
    expect(output(session)).toBe('');
    receive(session, '220 mx.example\r\n');
    expect(output(session)).toBe('EHLO b.example\r\n');
    expect([session.phase, session.wait, session.isIdle]).toEqual(['start', 'command', false]);
  });

  it('knows what is offered after EHLO, and nothing after HELO', () => {
    const session = greeted('250-mx.example\r\n250 SIZE 5\r\n');
    expect([session.isExtended, session.capabilities.sizeLimitBytes, session.isIdle]).toEqual([true, 5, true]);
    session.send({ kind: 'hello', line: 'HELO b.example' });
    receive(session, '250-mx.example\r\n250 SIZE 5\r\n');
    expect([session.isExtended, session.capabilities.sizeLimitBytes]).toEqual([false, undefined]);
  });

  it('goes no further where the greeting or EHLO is refused', () => {
    const session = new ClientSession('smtp');
    receive(session, '554 No\r\n');
    expect([session.phase, session.isIdle]).toEqual(['start', false]);
    const other = new ClientSession('smtp');
    receive(other, '220 a\r\n');
    other.send({ kind: 'hello', line: 'EHLO b.example' });
    receive(other, '502 No\r\n');
    expect([other.phase, other.isIdle]).toEqual(['start', false]);
  });
});

describe('commands that may be sent ahead (RFC 2920)', () => {
  const KINDS: readonly RequestKind[] = ['mail', 'rcpt', 'reset', 'chunk', 'lastChunk'];
  const LAST: readonly RequestKind[] = ['hello', 'startTLS', 'auth', 'data', 'quit', 'other'];

  it.each(KINDS)('%s does not end a group', (kind) => {
    const session = greeted(PIPELINING);
    session.send({ kind, line: 'ONE' });
    session.send({ kind: 'mail', line: 'TWO' });
    expect(output(session)).toBe('ONE\r\nTWO\r\n');
  });

  it.each(LAST)('%s ends a group', (kind) => {
    const session = greeted(PIPELINING);
    session.send({ kind: 'mail', line: 'ONE' });
    session.send({ kind, line: 'TWO' });
    session.send({ kind: 'mail', line: 'THREE' });
    expect(output(session)).toBe('ONE\r\nTWO\r\n');
    receive(session, '250 one\r\n');
    expect(output(session)).toBe('');
    receive(session, '550 two\r\n');
    expect(output(session)).toBe('THREE\r\n');
  });

  it.each([...KINDS, ...LAST])('without PIPELINING, %s waits for its reply', (kind) => {
    const session = greeted('250 mx.example\r\n');
    session.send({ kind, line: 'ONE' });
    session.send({ kind: 'rcpt', line: 'TWO' });
    expect(output(session)).toBe('ONE\r\n');
    receive(session, '450 one\r\n');
    expect(output(session)).toBe('TWO\r\n');
  });

  it('no command follows content that has begun, and one may follow its end', () => {
    const session = inContent(PIPELINING);
    session.send({ kind: 'mail', line: 'MAIL' });
    expect(output(session)).toBe('');
    session.endContent();
    expect(output(session)).toBe('.\r\nMAIL\r\n');
  });

  it('the octets of a chunk stand right behind its command', () => {
    const session = greeted(PIPELINING);
    session.send({ kind: 'chunk', line: 'BDAT 3', octets: octets.encodeLatin1('.\r\n') });
    session.send({ kind: 'lastChunk', line: 'BDAT 0 LAST', octets: new Uint8Array(0) });
    expect(output(session)).toBe('BDAT 3\r\n.\r\nBDAT 0 LAST\r\n');
    expect(session.outstandingCount).toBe(2);
  });
});

describe('replies', () => {
  it('belong to the requests in their order', () => {
    const session = greeted(PIPELINING);
    const requests = (['mail', 'rcpt', 'rcpt', 'data'] as const).map((kind) => session.send({ kind, line: kind }));
    const events = receive(session, '250 a\r\n550 b\r\n250 c\r\n354 d\r\n');
    expect(events.map((event) => event.kind === 'reply' && event.request)).toEqual(requests);
    expect([session.phase, session.acceptedCount, session.wait]).toEqual(['content', 1, 'nothing']);
  });

  it('say whom the client waits for', () => {
    const session = greeted(PIPELINING);
    const waits = (['mail', 'rcpt', 'reset', 'chunk', 'data'] as const).map((kind) =>
      session.send({ kind, line: kind }),
    );
    expect(waits).toHaveLength(5);
    const seen = [session.wait];
    for (const reply of ['250 a', '250 b', '250 c', '250 d']) {
      receive(session, `${reply}\r\n`);
      seen.push(session.wait);
    }
    expect(seen).toEqual(['mail', 'rcpt', 'command', 'contentEnd', 'data']);
  });

  it.each<[RequestKind, string]>([
    ['mail', '354 a'],
    ['rcpt', '334 a'],
    ['hello', '354 a'],
    ['startTLS', '354 a'],
    ['reset', '354 a'],
    ['quit', '354 a'],
    ['chunk', '354 a'],
    ['data', '250 a'],
  ])('to %s cannot be %s', (kind, reply) => {
    const session = greeted(PIPELINING);
    session.send({ kind, line: 'X' });
    expect(receive(session, `${reply}\r\n`)).toEqual([{ kind: 'fault', fault: 'unexpected' }]);
    expect(session.phase).toBe('closed');
    // Nothing is understood, and nothing is sent, after that.
    expect(receive(session, '250 a\r\n')).toEqual([]);
    session.send({ kind: 'mail', line: 'Y' });
    expect(output(session)).toBe('X\r\n');
  });

  it('of the class 3yz to DATA all ask for the content: a client goes by the first digit (RFC 5321 §4.3.2)', () => {
    const session = greeted(PIPELINING);
    session.send({ kind: 'data', line: 'DATA' });
    receive(session, '350 go ahead\r\n');
    expect(session.phase).toBe('content');
  });

  it.each(['250 a', '550 a', '354 a'])('to nothing are a fault: %s', (reply) => {
    expect(receive(greeted(PIPELINING), `${reply}\r\n`)).toEqual([{ kind: 'fault', fault: 'unasked' }]);
  });

  it('answers nothing that was asked after it came', () => {
    const session = greeted(PIPELINING);
    session.send({ kind: 'mail', line: 'MAIL FROM:<>' });
    output(session);
    session.receive(octets.encodeLatin1('250 OK\r\n250 OK\r\n'));
    expect(session.next()).toMatchObject({ kind: 'reply', request: { kind: 'mail' } });
    session.send({ kind: 'rcpt', line: 'RCPT TO:<a@b.example>' });
    expect(session.next()).toEqual({ kind: 'fault', fault: 'unasked' });
  });

  it('to nothing with the code 421 say that the server leaves', () => {
    const session = greeted(PIPELINING);
    expect(receive(session, '421 4.3.2 Bye\r\n')).toMatchObject([{ kind: 'leaving', reply: { code: 421 } }]);
    expect([session.isLeaving, session.phase]).toEqual([true, 'closed']);
  });

  it('with the code 421 to a command say so, too', () => {
    const session = greeted(PIPELINING);
    session.send({ kind: 'mail', line: 'MAIL' });
    expect(receive(session, '421 4.3.2 Bye\r\n')).toMatchObject([{ kind: 'reply', reply: { code: 421 } }]);
    expect(session.isLeaving).toBe(true);
  });

  it('in the middle of content refuse it', () => {
    const session = inContent(PIPELINING);
    session.sendContent(octets.encodeLatin1('a\r\n'));
    expect(receive(session, '552 5.3.4 Too much\r\n')).toMatchObject([{ kind: 'refusedEarly', reply: { code: 552 } }]);
    expect(session.phase).toBe('closed');
  });

  it.each(['250 a', '354 a'])('in the middle of content cannot be %s', (reply) => {
    expect(receive(inContent(PIPELINING), `${reply}\r\n`)).toEqual([{ kind: 'fault', fault: 'unasked' }]);
  });

  it('that are none are a fault', () => {
    expect(receive(greeted(PIPELINING), 'garbage\r\n')).toEqual([{ kind: 'fault', fault: 'code' }]);
  });
});

describe('a transaction', () => {
  it('goes from MAIL to the reply behind its content, and counts whom the server accepted', () => {
    const session = greeted(PIPELINING);
    session.send({ kind: 'mail', line: 'MAIL' });
    receive(session, '250 a\r\n');
    expect([session.phase, session.isIdle]).toEqual(['transaction', false]);
    session.send({ kind: 'rcpt', line: 'RCPT' });
    receive(session, '250 a\r\n');
    session.send({ kind: 'data', line: 'DATA' });
    receive(session, '354 a\r\n');
    session.endContent();
    receive(session, '550 no\r\n');
    expect([session.phase, session.isIdle, session.acceptedCount]).toEqual(['ready', true, 0]);
  });

  it.each<[RequestKind, string, string]>([
    ['mail', '550 no', 'ready'],
    ['reset', '250 yes', 'ready'],
    ['hello', '250 yes', 'ready'],
  ])('that %s with %s ends is over', (kind, reply, phase) => {
    const session = greeted(PIPELINING);
    if (kind !== 'mail') {
      session.send({ kind: 'mail', line: 'MAIL' });
      receive(session, '250 a\r\n');
    }
    session.send({ kind, line: 'X' });
    receive(session, `${reply}\r\n`);
    expect(session.phase).toBe(phase);
  });

  it('that RSET did not end goes on', () => {
    const session = greeted(PIPELINING);
    session.send({ kind: 'mail', line: 'MAIL' });
    session.send({ kind: 'reset', line: 'RSET' });
    receive(session, '250 a\r\n500 what\r\n');
    expect(session.phase).toBe('transaction');
  });

  it('doubles the dots at the beginning of lines, however the content is cut (RFC 5321 §4.5.2)', () => {
    const session = inContent(PIPELINING);
    for (const piece of ['.', '\r\n', '.a.\r', '\n..', '\r\nb']) session.sendContent(octets.encodeLatin1(piece));
    session.endContent();
    expect(output(session)).toBe('..\r\n..a.\r\n...\r\nb\r\n.\r\n');
  });
});

describe('LMTP', () => {
  it('has one reply behind the content for each recipient that was accepted, in order (RFC 2033 §4.2)', () => {
    const { session, recipients } = lmtp('250 a\r\n550 b\r\n250 c\r\n');
    session.endContent();
    const events = receive(session, '250 one\r\n');
    expect(session.phase).toBe('content');
    events.push(...receive(session, '452 two\r\n'));
    expect(events).toMatchObject([
      { reply: { code: 250 }, isLast: false },
      { reply: { code: 452 }, isLast: true },
    ]);
    expect(events.map((event) => event.kind === 'reply' && event.recipient)).toEqual([recipients[0], recipients[2]]);
    expect([session.phase, session.isIdle]).toEqual(['ready', true]);
  });

  it('is answered once by a server that leaves', () => {
    const { session } = lmtp('250 a\r\n250 b\r\n250 c\r\n');
    session.endContent();
    expect(receive(session, '250 one\r\n421 bye\r\n')).toMatchObject([{ isLast: false }, { isLast: true }]);
  });

  it('has one reply where nobody was accepted, and in any chunk but the last', () => {
    const { session } = lmtp('550 a\r\n550 b\r\n550 c\r\n');
    session.endContent();
    expect(receive(session, '503 nobody\r\n')).toMatchObject([{ isLast: true, recipient: undefined }]);
    session.send({ kind: 'chunk', line: 'BDAT 0' });
    expect(receive(session, '250 a\r\n')).toMatchObject([{ isLast: true }]);
  });

  it('has one for each recipient behind the last chunk', () => {
    const session = greeted(PIPELINING, 'lmtp');
    for (const kind of ['mail', 'rcpt', 'rcpt', 'lastChunk'] as const) session.send({ kind, line: kind });
    const events = receive(session, '250 a\r\n250 b\r\n250 c\r\n250 d\r\n250 e\r\n');
    expect(events.map((event) => event.kind === 'reply' && event.isLast)).toEqual([true, true, true, false, true]);
  });
});

describe('STARTTLS', () => {
  it('forgets what was said in clear (RFC 3207 §4.2)', () => {
    const session = greeted('250-mx.example\r\n250-STARTTLS\r\n250 PIPELINING\r\n');
    session.send({ kind: 'startTLS', line: 'STARTTLS' });
    receive(session, '220 go\r\n');
    expect(session.phase).toBe('securing');
    session.send({ kind: 'hello', line: 'EHLO again' });
    expect(output(session)).toBe('STARTTLS\r\n');
    session.secured();
    expect([session.phase, session.isExtended, [...session.capabilities.keywords]]).toEqual(['start', false, []]);
    expect(output(session)).toBe('EHLO again\r\n');
  });

  it.each(['220 go\r\n250 injected\r\n', '220 go\r\n2'])('refuses octets in clear behind its reply: %j', (sent) => {
    const session = greeted(PIPELINING);
    session.send({ kind: 'startTLS', line: 'STARTTLS' });
    expect(receive(session, sent)).toMatchObject([{ kind: 'reply' }, { kind: 'fault', fault: 'inputBeforeTLS' }]);
  });

  it('that was refused leaves everything as it was', () => {
    const session = greeted(PIPELINING);
    session.send({ kind: 'startTLS', line: 'STARTTLS' });
    receive(session, '454 not now\r\n');
    expect([session.phase, session.capabilities.has('PIPELINING')]).toEqual(['ready', true]);
  });
});

describe('a command line', () => {
  it.each(['a\r\nb', 'a\rb', 'a\nb', 'a\0b', 'a\tb', 'a\x7fb'])('with a control character is refused: %j', (line) => {
    const session = greeted(PIPELINING);
    expect(() => session.send({ kind: 'other', line })).toThrow(UsageError);
    expect([output(session), session.outstandingCount]).toEqual(['', 0]);
  });

  it('is UTF-8', () => {
    const session = greeted(PIPELINING);
    session.send({ kind: 'other', line: 'VRFY ü' });
    expect(output(session)).toBe('VRFY \xc3\xbc\r\n');
  });
});

function greeted(reply: string, protocol: 'smtp' | 'lmtp' = 'smtp'): ClientSession {
  const session = new ClientSession(protocol);
  receive(session, '220 mx.example\r\n');
  session.send({ kind: 'hello', line: 'EHLO b.example' });
  session.takeOutput();
  receive(session, reply);
  return session;
}

function inContent(reply: string): ClientSession {
  const session = greeted(reply);
  for (const [kind, answer] of [
    ['mail', '250 a'],
    ['rcpt', '250 a'],
    ['data', '354 a'],
  ] as const) {
    session.send({ kind, line: kind });
    receive(session, `${answer}\r\n`);
  }
  session.takeOutput();
  return session;
}

function lmtp(replies: string): { session: ClientSession; recipients: readonly ClientRequest[] } {
  const session = greeted(PIPELINING, 'lmtp');
  session.send({ kind: 'mail', line: 'MAIL' });
  const recipients = [1, 2, 3].map((each) => session.send({ kind: 'rcpt', line: `RCPT ${String(each)}` }));
  session.send({ kind: 'data', line: 'DATA' });
  receive(session, `250 a\r\n${replies}354 a\r\n`);
  session.takeOutput();
  return { session, recipients };
}

/** What comes of the octets, in a buffer that is written over at once. */
function receive(session: ClientSession, text: string): ClientEvent[] {
  const lent = Uint8Array.from(octets.encodeLatin1(text));
  session.receive(lent);
  const events: ClientEvent[] = [];
  for (let event = session.next(); event.kind !== 'needData'; event = session.next()) events.push(event);
  session.settle();
  lent.fill(0x58);
  return events;
}

function output(session: ClientSession): string {
  return session
    .takeOutput()
    .map((piece) => octets.decodeLatin1(piece, 0, piece.length))
    .join('');
}
