/** The session as a channel uses it: pulled one event at a time, with questions that stay open until somebody answers them. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { InvariantError, type UsageError } from '../../src/protocol/errors.js';
import { defineExtension, IN_CLEAR } from '../../src/protocol/extension.js';
import { DEFAULT_LIMITS, type Limits } from '../../src/protocol/limits.js';
import { octets } from '../../src/protocol/octets.js';
import { Reply } from '../../src/protocol/reply.js';
import { ServerSession } from '../../src/protocol/server-session.js';
import type { RecipientQuestion, SessionEvent } from '../../src/protocol/session-events.js';
import { PureClient, readReplies, sessionOptionsOf, type PureSetup } from '../support/pure-client.js';

const NO = new Reply(550, '5.1.1', 'No');
const YES = new Reply(250, '2.0.0', 'Yes');
const CHALLENGE = new Reply(334, undefined, 'Say');
const GONE = new Reply(421, '4.3.2', 'Closing');

describe('the opening', () => {
  it('is a question; nothing is said or handed out before its answer', () => {
    const session = new ServerSession(sessionOptionsOf({}));
    expect(session.phase).toBe('opening');
    expect(session.open()).toEqual({ kind: 'connect' });
    receive(session, 'EHLO client.example\r\n');
    expect(session.next()).toEqual({ kind: 'paused' });
    expect(session.takeOutput()).toBeUndefined();
    session.accept();
    expect(said(session)).toEqual(['220 mail.example.test ESMTP smtpd']);
    expect(session.next()).toMatchObject({ kind: 'command', verb: 'EHLO' });
  });

  it('is paused before it was asked for at all', () => {
    const session = new ServerSession(sessionOptionsOf({}));
    receive(session, 'NOOP\r\n');
    expect(session.next()).toEqual({ kind: 'paused' });
    expect(session.isUnanswered).toBe(false);
  });

  it('happens once', () => {
    const session = new ServerSession(sessionOptionsOf({}));
    session.open();
    expect(() => session.open()).toThrow(InvariantError);
    session.accept();
    expect(() => session.open()).toThrow(InvariantError);
  });

  it('is 220 and the name whatever the application’s yes was', () => {
    const session = new ServerSession(sessionOptionsOf({}));
    session.open();
    session.accept(new Reply(250, '2.0.0', ['Welcome', 'stranger']));
    expect(said(session)).toEqual(['220-mail.example.test Welcome', '220 stranger']);
  });

  it('refused with 554 waits for QUIT, refused with 421 is over', () => {
    const refused = new ServerSession(sessionOptionsOf({}));
    refused.open();
    refused.refuse(new Reply(554, '5.7.1', 'Not you'));
    expect(said(refused)).toEqual(['554 5.7.1 Not you']);
    expect(refused.phase).toBe('refused');
    receive(refused, 'XANY\r\nQUIT\r\n');
    expect(refused.next()).toMatchObject({ kind: 'command', verb: 'QUIT' });
    expect(said(refused)).toEqual(['503 5.5.1 Error: this session was refused, send QUIT']);

    const closed = new ServerSession(sessionOptionsOf({}));
    closed.open();
    closed.refuse(GONE);
    expect(said(closed)).toEqual(['421 4.3.2 Closing']);
    expect(closed.next()).toEqual({ kind: 'closed' });
  });
});

describe('a command that was handed out', () => {
  it('pauses the session until it is answered, however much has come', () => {
    const session = opened();
    receive(session, 'NOOP\r\nNOOP\r\n');
    const event = command(session);
    expect(session.next()).toEqual({ kind: 'paused' });
    expect(session.next()).toEqual({ kind: 'paused' });
    expect(session.isUnanswered).toBe(true);
    expect(session.unreadBytes).toBe(6);
    session.perform(event);
    expect(session.isUnanswered).toBe(false);
    expect(session.next()).toMatchObject({ kind: 'command', verb: 'NOOP' });
  });

  it('pauses the session while its question is open', () => {
    const session = opened('EHLO c');
    receive(session, 'MAIL FROM:<a@a.example>\r\nNOOP\r\n');
    const question = session.perform(command(session));
    expect(question).toMatchObject({ kind: 'mail', reversePath: { address: 'a@a.example' }, parameters: [] });
    expect(session.next()).toEqual({ kind: 'paused' });
    expect(session.phase).toBe('ready');
    expect(session.takeOutput()).toBeUndefined();
    session.accept();
    expect(session.phase).toBe('sender');
    expect(session.next()).toMatchObject({ kind: 'command', verb: 'NOOP' });
  });

  it('is told on as it came: the verb in upper case, the argument without blanks at its ends', () => {
    const session = opened();
    receive(session, 'xPing  a  B \r\nxping\r\n');
    expect(session.next()).toEqual({ kind: 'command', verb: 'XPING', argument: 'a  B' });
    session.respond(YES);
    expect(session.next()).toEqual({ kind: 'command', verb: 'XPING', argument: undefined });
  });

  it('needs a whole line', () => {
    const session = opened();
    for (const piece of ['NO', 'OP', '\r']) {
      receive(session, piece);
      expect(session.next()).toEqual({ kind: 'needData' });
    }
    receive(session, '\n');
    expect(session.next()).toMatchObject({ kind: 'command', verb: 'NOOP' });
  });
});

describe('respond', () => {
  it('answers the command under way', () => {
    const session = opened();
    receive(session, 'XPING\r\n');
    command(session);
    session.respond(new Reply(250, '2.0.0', ['pong', 'pong']));
    expect(said(session)).toEqual(['250-2.0.0 pong', '250 2.0.0 pong']);
    expect(session.next()).toEqual({ kind: 'needData' });
  });

  it('a second time is SMTPD_ONE_REPLY, and the client hears nothing of it', () => {
    const session = opened();
    receive(session, 'XPING\r\n');
    command(session);
    session.respond(YES);
    expectUsageError('SMTPD_ONE_REPLY', () => {
      session.respond(YES);
    });
    expect(said(session)).toEqual(['250 2.0.0 Yes']);
  });

  it('outside of a command is SMTPD_ONE_REPLY: before one, while a question is open, in content, about a message', () => {
    const ready = opened('EHLO c');
    const asked = opened('EHLO c');
    receive(asked, 'MAIL FROM:<a@a.example>\r\n');
    asked.perform(command(asked));
    const inContent = inContentPhase();
    const complete = inContentPhase();
    receive(complete, 'x\r\n.\r\n');
    expect(complete.next()).toMatchObject({ kind: 'contentEnd', refused: undefined });
    for (const session of [ready, asked, inContent, complete]) {
      said(session);
      expectUsageError('SMTPD_ONE_REPLY', () => {
        session.respond(YES);
      });
      expectUsageError('SMTPD_ONE_REPLY', () => {
        session.challenge(CHALLENGE);
      });
      for (const act of COMMANDS) {
        expectUsageError('SMTPD_ONE_REPLY', () => {
          act(session);
        });
      }
      expect(session.takeOutput()).toBeUndefined();
    }
    asked.accept();
    expect(asked.phase).toBe('sender');
    complete.accept();
    expect(said(complete)).toEqual(['250 2.0.0 OK']);
  });

  it('with 3yz is SMTPD_BAD_REPLY, and the command can still be answered', () => {
    const session = opened();
    receive(session, 'XPING\r\n');
    command(session);
    expectUsageError('SMTPD_BAD_REPLY', () => {
      session.respond(CHALLENGE);
    });
    session.respond(NO);
    expect(said(session)).toEqual(['550 5.1.1 No']);
  });

  it('with 421 closes', () => {
    const session = opened();
    receive(session, 'XPING\r\nNOOP\r\n');
    command(session);
    session.respond(GONE);
    expect(session.next()).toEqual({ kind: 'closed' });
    expect(said(session)).toEqual(['421 4.3.2 Closing']);
    expect(session.unreadBytes).toBe(0);
  });
});

/** Every command method that answers at once or asks. */
const COMMANDS: readonly ((session: ServerSession) => unknown)[] = [
  (session) => session.greet('HELO', 'c'),
  (session) => session.mail('FROM:<a@a.example>'),
  (session) => session.rcpt('TO:<b@b.example>'),
  (session) => session.rcptBatch('TO:<b@b.example>'),
  (session) => session.rcptUnasked('TO:<b@b.example>'),
  (session) => session.data(undefined),
  (session) => session.rset(undefined),
  (session) => session.noop(),
  (session) => session.quit(),
  (session) => session.vrfy('bob'),
  (session) => session.expn('list'),
  (session) => session.help(undefined),
  (session) => session.unrecognized('XPING'),
  (session) => session.greet('LHLO', 'c'),
  (session) => session.bdat('5 LAST'),
  (session) => session.startTLS(undefined),
  (session) => session.auth('PLAIN'),
  (session) => {
    session.authenticated();
  },
  (session) => {
    session.authFailed();
  },
  (session) => session.etrn('b.example'),
  (session) => session.xclient('NAME=a'),
  (session) => session.xforward('NAME=a'),
];

describe('accept and refuse', () => {
  const asked = (): ServerSession => {
    const session = opened('EHLO c');
    receive(session, 'MAIL FROM:<a@a.example>\r\n');
    session.perform(command(session));
    return session;
  };

  it.each([NO, CHALLENGE, GONE, new Reply(450, '4.2.1', 'Later')])('accept refuses to say $code', (reply) => {
    const session = asked();
    expectUsageError('SMTPD_BAD_REPLY', () => {
      session.accept(reply);
    });
    // The question is open still.
    expect(session.next()).toEqual({ kind: 'paused' });
    expect(session.takeOutput()).toBeUndefined();
    session.accept(YES);
    expect(said(session)).toEqual(['250 2.0.0 Yes']);
  });

  it.each([YES, CHALLENGE])('refuse refuses to say $code', (reply) => {
    const session = asked();
    expectUsageError('SMTPD_BAD_REPLY', () => {
      session.refuse(reply);
    });
    expect(session.next()).toEqual({ kind: 'paused' });
    expect(session.takeOutput()).toBeUndefined();
    session.refuse(NO);
    expect(said(session)).toEqual(['550 5.1.1 No']);
    expect(session.phase).toBe('ready');
  });

  it('answer a question, and there is none', () => {
    const session = opened();
    expect(() => {
      session.accept();
    }).toThrow(InvariantError);
    expect(() => {
      session.refuse(NO);
    }).toThrow(InvariantError);
    expect(session.takeOutput()).toBeUndefined();
  });

  it('tell each reply to whoever watches, intermediate ones too', () => {
    const told: string[] = [];
    const session = new ServerSession(sessionOptionsOf({}), IN_CLEAR, {
      onReply: (reply) => told.push(reply.toString().split('\r\n')[0]!),
    });
    session.open();
    session.accept();
    run(session, 'HELO c', 'MAIL FROM:<a@a.example>', 'RCPT TO:<b@b.example>', 'DATA', 'x\r\n.', 'QUIT');
    expect(told.map((text) => text.slice(0, 3))).toEqual(['220', '250', '250', '250', '354', '250', '221']);
  });
});

describe('a challenge', () => {
  const challenged = (setup?: PureSetup): ServerSession => {
    const session = openedWith(setup ?? {});
    receive(session, 'XASK\r\n');
    command(session);
    session.challenge(CHALLENGE);
    expect(said(session)).toEqual(['334 Say']);
    return session;
  };

  it('takes the next line as it is, not as a command', () => {
    const session = challenged();
    expect(session.next()).toEqual({ kind: 'needData' });
    expect(session.wait).toBe('command');
    receive(session, ' quit \xff\r\nNOOP\r\n');
    expect(session.next()).toEqual({ kind: 'line', text: ' quit \xff', isTooLong: false });
    expect(session.next()).toEqual({ kind: 'paused' });
    session.respond(YES);
    expect(session.next()).toMatchObject({ kind: 'command', verb: 'NOOP' });
  });

  it('may be given again when its line has come, and not before', () => {
    const session = challenged();
    expectUsageError('SMTPD_ONE_REPLY', () => {
      session.challenge(CHALLENGE);
    });
    receive(session, 'one\r\ntwo\r\n');
    expect(session.next()).toMatchObject({ kind: 'line', text: 'one' });
    session.challenge(CHALLENGE);
    expect(session.next()).toMatchObject({ kind: 'line', text: 'two' });
    session.respond(YES);
    expect(said(session)).toEqual(['334 Say', '250 2.0.0 Yes']);
  });

  it('whose command is answered first costs the line, which nobody takes for a command', () => {
    const session = challenged();
    session.respond(NO);
    expect(session.next()).toEqual({ kind: 'needData' });
    receive(session, 'QUIT\r\nNOOP\r\n');
    expect(session.next()).toMatchObject({ kind: 'command', verb: 'NOOP' });
    expect(session.phase).toBe('start');
  });

  it('has a bound of its own for the line', () => {
    const session = challenged({ limits: { continuationLengthBytesMax: 600 } });
    receive(session, `${'x'.repeat(600)}\r\n`);
    expect(session.next()).toEqual({ kind: 'line', text: 'x'.repeat(600), isTooLong: false });
    session.challenge(CHALLENGE);
    receive(session, `${'x'.repeat(601)}\r\n`);
    expect(session.next()).toEqual({ kind: 'line', text: '', isTooLong: true });
    expect(session.takeExceeded()).toEqual(['continuationLengthBytesMax']);
  });

  it('whose line has no end closes the session', () => {
    const session = challenged({ limits: { continuationLengthBytesMax: 600, discardedLineBytesMax: 2000 } });
    // Lines of other commands may be longer; what is beyond them is dropped, and that has a bound.
    receive(session, 'x'.repeat(20_000));
    expect(session.next()).toEqual({ kind: 'closed' });
    expect(said(session)).toEqual(['421 4.7.0 Error: line too long, closing connection']);
    expect(session.takeExceeded()).toEqual(['discardedLineBytesMax']);
  });
});

describe('recipients that nobody is asked about', () => {
  /** How a session goes on with a group, and where that leaves it. */
  const outcomeOf = (
    group: string,
    limits: Partial<Limits>,
    take: (session: ServerSession, argument?: string) => void,
  ) => {
    const session = openedWith({ limits });
    run(session, 'EHLO c', 'MAIL FROM:<a@a.example>');
    said(session);
    receive(session, group);
    for (let event = session.next(); event.kind === 'command'; event = session.next()) {
      if (event.verb === 'RCPT') take(session, event.argument);
      else if (session.perform(event) !== undefined) session.accept();
    }
    const { phase, envelope, unreadBytes } = session;
    return {
      phase,
      recipients: envelope?.recipients,
      said: said(session),
      exceeded: [...session.takeExceeded()],
      violations: [...session.takeViolations()],
      unreadBytes,
    };
  };
  const oneByOne = (session: ServerSession, argument?: string): void => {
    if (session.rcpt(argument) !== undefined) session.accept();
  };
  const together = (session: ServerSession, argument?: string): void => {
    session.rcptUnasked(argument);
  };
  const usual = fc.constantFrom('RCPT TO:<a@b.example>', 'RCPT TO:<c.d@e-f.example>', 'rcpt to:<g@h.example>');
  const unusual = fc.constantFrom(
    ...['RCPT', 'RCPT TO:<Postmaster>', 'RCPT TO:<"q"@b.example>', 'RCPT TO:<x@y.example> NOTIFY=NEVER', 'RCPT TO:<>'],
    ...[
      'RCPT TO:<x@y.example> BOGUS=1',
      'RCPT TO:<a..b@c>',
      `RCPT TO:<${'l'.repeat(600)}@b.example>`,
      'RCPT TO:<a@b>\rx',
    ],
    ...['NOOP', 'RSET', 'MAIL FROM:<a@a.example>', 'DATA', '', 'XBOGUS', 'HELO c', 'RCPT TO:<\xc3\xa9@b.example>'],
  );
  const line = fc.oneof({ weight: 4, arbitrary: usual }, { weight: 1, arbitrary: unusual });
  const limits = fc.record(
    {
      recipientsMax: fc.integer({ min: 1, max: 5 }),
      errorsMax: fc.integer({ min: 1, max: 3 }),
      unreadRepliesBytesMax: fc.integer({ min: 1, max: 60 }),
      commandLengthBytesMax: fc.constant(512),
    },
    { requiredKeys: [] },
  );

  it('are taken as if each had come alone, whatever comes among them', () => {
    let takenCount = 0;
    fc.assert(
      fc.property(fc.array(line, { maxLength: 14 }), limits, (lines, chosen) => {
        const group = lines.map((each) => `${each}\r\n`).join('');
        const alone = outcomeOf(group, chosen, oneByOne);
        expect(outcomeOf(group, chosen, together)).toEqual(alone);
        takenCount += alone.recipients?.length ?? 0;
      }),
      { seed: 5321, numRuns: 2_000 },
    );
    expect(takenCount).toBeGreaterThan(1_000);
  });

  it('come together while each is accepted, up to whatever else there is', () => {
    const session = opened('EHLO c', 'MAIL FROM:<a@a.example>');
    receive(session, `${rcpts('a', 'b', 'c')}RCPT TO:<>\r\n${rcpts('d')}RCPT TO:<e@b.exa`);
    const take = (): string | undefined => session.rcptUnasked(command(session).argument)?.argument;
    expect(take()).toBe('TO:<c@b.example>');
    expect(take()).toBeUndefined();
    expect(take()).toBeUndefined();
    expect(codes(session)).toEqual([250, 250, 250, 501, 250]);
    expect(session.next()).toEqual({ kind: 'needData' });
    receive(session, 'mple>\r\n');
    expect(take()).toBeUndefined();
    expect(session.envelope?.recipients.map(({ path }) => path.localPart)).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  it('come no further than what may be unread of the replies', () => {
    const session = openedWith({ limits: { unreadRepliesBytesMax: 30 } });
    run(session, 'EHLO c', 'MAIL FROM:<a@a.example>');
    said(session);
    receive(session, rcpts('a', 'b', 'c', 'd', 'e'));
    // "250 2.1.5 OK" and its CRLF are fourteen octets.
    expect(session.rcptUnasked(command(session).argument)?.argument).toBe('TO:<c@b.example>');
    expect(session.outputBytes).toBe(42);
    expect(session.next()).toMatchObject({ kind: 'command', argument: 'TO:<d@b.example>' });
  });
});

describe('a batch of recipients', () => {
  const inSender = (limits: Partial<Limits> = {}): ServerSession => {
    const session = openedWith({ limits });
    run(session, 'EHLO c', 'MAIL FROM:<a@a.example>');
    said(session);
    return session;
  };
  const batch = (session: ServerSession, group: string, told: (string | undefined)[] = []) => {
    receive(session, group);
    return session.rcptBatch(command(session).argument, (argument) => told.push(argument));
  };
  const addressOf = ({ recipient }: RecipientQuestion): string => recipient.path.address;

  it('takes the RCPT that came whole behind the first, up to another command, and asks about each that is well formed', () => {
    const session = inSender();
    const told: (string | undefined)[] = [];
    const questions = batch(session, `${rcpts('a', 'b')}RCPT\r\n${rcpts('c')}NOOP\r\n${rcpts('d')}`, told);
    expect(questions.map(addressOf)).toEqual(['a@b.example', 'b@b.example', 'c@b.example']);
    expect(told).toEqual(['TO:<b@b.example>', undefined, 'TO:<c@b.example>']);
    expect(session.next()).toEqual({ kind: 'paused' });
  });

  it('is answered in order: each refusal of ours at its place among the application’s answers', () => {
    const session = inSender();
    const questions = batch(
      session,
      `RCPT\r\n${rcpts('a')}RCPT TO:<>\r\n${rcpts('b', 'c')}RCPT TO:<d@b> X=1\r\nNOOP\r\n`,
    );
    expect(questions.map(addressOf)).toEqual(['a@b.example', 'b@b.example', 'c@b.example']);
    // The refusal in front does not wait for anybody.
    expect(codes(session)).toEqual([501]);
    session.accept();
    expect(codes(session)).toEqual([250, 501]);
    session.refuse(NO);
    expect(codes(session)).toEqual([550]);
    expect(session.next()).toEqual({ kind: 'paused' });
    session.accept(new Reply(251, '2.1.5', 'Will forward'));
    expect(codes(session)).toEqual([251, 555]);
    expect(session.envelope?.recipients.map(({ path }) => path.address)).toEqual(['a@b.example', 'c@b.example']);
    expect(session.next()).toMatchObject({ kind: 'command', verb: 'NOOP' });
  });

  it('of which none is well formed is answered at once', () => {
    const session = inSender();
    expect(batch(session, 'RCPT\r\nRCPT TO:<>\r\n')).toEqual([]);
    expect(codes(session)).toEqual([501, 501]);
    expect(session.next()).toEqual({ kind: 'needData' });
  });

  it('ends at a line with a flaw, which gets its own reply', () => {
    const session = inSender();
    const long = `RCPT TO:<${'x'.repeat(600)}@b.example>\r\n`;
    expect(batch(session, `${rcpts('a')}RCPT TO:<b\n@b.example>\r\n${rcpts('c')}${long}`)).toHaveLength(1);
    session.accept();
    expect(session.next()).toMatchObject({ kind: 'command', argument: 'TO:<c@b.example>' });
    expect(codes(session)).toEqual([250, 500]);
    session.noop();
    expect(session.next()).toEqual({ kind: 'needData' });
    expect(codes(session)).toEqual([250, 500]);
  });

  it('does not reach into the content behind DATA', () => {
    const session = inSender();
    expect(batch(session, `${rcpts('a')}DATA\r\n${rcpts('b')}.\r\n`)).toHaveLength(1);
    session.accept();
    expect(session.perform(command(session))).toEqual({ kind: 'data' });
    session.accept();
    expect(session.next()).toMatchObject({ kind: 'contentEnd', facts: { sizeBytes: rcpts('b').length } });
  });

  it('out of sequence is refused whole', () => {
    const session = opened('EHLO c');
    expect(batch(session, rcpts('a', 'b'))).toEqual([]);
    expect(codes(session)).toEqual([503, 503]);
  });

  it('is over when a refusal of ours was one too many', () => {
    const session = inSender({ errorsMax: 1 });
    expect(batch(session, `RCPT\r\nRCPT\r\n${rcpts('a')}`)).toEqual([]);
    expect(codes(session)).toEqual([501, 421]);
    expect(session.phase).toBe('closed');
  });

  it('is over when the application closes in the middle', () => {
    const session = inSender();
    expect(batch(session, rcpts('a', 'b', 'c'))).toHaveLength(3);
    session.accept();
    session.refuse(GONE);
    session.accept();
    expect(codes(session)).toEqual([250, 421]);
    expect(session.next()).toEqual({ kind: 'closed' });
  });

  it('beyond the bound is 452 whatever the application says, as it would be one by one', () => {
    const session = inSender({ recipientsMax: 1, refusalsMax: 1 });
    expect(batch(session, `${rcpts('a', 'b', 'c', 'd')}RCPT\r\n`)).toHaveLength(4);
    session.refuse(NO);
    session.accept();
    session.refuse(NO);
    session.accept();
    expect(codes(session)).toEqual([550, 250, 452, 452, 501]);
    expect(session.takeExceeded()).toEqual(['recipientsMax', 'recipientsMax']);
    expect(session.envelope?.recipients.map(({ path }) => path.address)).toEqual(['b@b.example']);
  });
});

describe('the wait', () => {
  const limits: Partial<Limits> = {
    commandWaitMs: 1,
    contentWaitMs: 2,
    verdictWaitMs: 3,
    messageVerdictWaitMs: 4,
  };

  it('and its deadline follow from whom we wait for', () => {
    const session = new ServerSession(sessionOptionsOf({ limits }));
    const waits: [string, number][] = [];
    const note = (): unknown => waits.push([session.wait, session.deadline]);
    session.open();
    note();
    session.accept();
    note();
    receive(session, 'EHLO c\r\n');
    const hello = command(session);
    note();
    session.perform(hello);
    note();
    session.accept();
    note();
    run(session, 'MAIL FROM:<a@a.example>', 'RCPT TO:<b@b.example>');
    note();
    receive(session, 'DATA\r\n');
    session.perform(command(session));
    note();
    session.accept();
    note();
    receive(session, 'x\r\n.\r\n');
    session.next();
    note();
    session.accept();
    note();
    session.closeWith(GONE);
    note();
    expect(waits).toEqual([
      ['verdict', 3],
      ['command', 1],
      ['verdict', 3],
      ['verdict', 3],
      ['command', 1],
      ['command', 1],
      ['verdict', 3],
      ['content', 2],
      ['messageVerdict', 4],
      ['command', 1],
      ['nothing', Infinity],
    ]);
  });

  it('has the defaults of limits.ts', () => {
    expect(opened().deadline).toBe(DEFAULT_LIMITS.commandWaitMs);
    expect(inContentPhase().deadline).toBe(DEFAULT_LIMITS.contentWaitMs);
  });
});

describe('a session is idle', () => {
  it('when nothing is under way: no command, no transaction, no octet of one', () => {
    const session = new ServerSession(sessionOptionsOf({}));
    session.open();
    expect(session.isIdle).toBe(false);
    session.accept();
    expect(session.isIdle).toBe(true);
    receive(session, 'E');
    session.next();
    expect(session.isIdle).toBe(false);
    receive(session, 'HLO c\r\n');
    const hello = command(session);
    expect(session.isIdle).toBe(false);
    session.perform(hello);
    expect(session.isIdle).toBe(false);
    session.accept();
    expect(session.isIdle).toBe(true);
    run(session, 'MAIL FROM:<a@a.example>');
    expect(session.isIdle).toBe(false);
    run(session, 'RSET');
    expect(session.isIdle).toBe(true);
    run(session, 'MAIL FROM:<a@a.example>', 'RCPT TO:<b@b.example>', 'DATA');
    expect(session.isIdle).toBe(false);
    run(session, '.');
    expect(session.isIdle).toBe(true);
    session.closeWith(GONE);
    expect(session.isIdle).toBe(false);
  });

  it('when it was refused and waits for QUIT', () => {
    const session = new ServerSession(sessionOptionsOf({}));
    session.open();
    session.refuse(NO);
    expect(session.isIdle).toBe(true);
  });

  it('not while a line that was read ahead waits', () => {
    const session = opened('EHLO c');
    receive(session, `${rcpts('a')}RSET\r\n`);
    expect(session.rcptBatch(command(session).argument)).toEqual([]);
    expect([session.phase, session.isUnanswered, session.unreadBytes]).toEqual(['ready', false, 0]);
    expect(session.isIdle).toBe(false);
    session.perform(command(session));
    expect(session.isIdle).toBe(true);
  });
});

describe('limits', () => {
  it('errorsMax counts what is not well formed, unknown or out of sequence, and the next one closes', () => {
    const client = new PureClient({ limits: { errorsMax: 8 } });
    const lines = ['', 'XNO', 'EHLO', 'DATA', 'HELP me', 'NO\nOP', 'x'.repeat(600), 'VRFY <'];
    expect(client.codes(...lines)).toEqual([500, 500, 501, 503, 504, 500, 500, 501]);
    expect(client.exceeded).toEqual(['commandLengthBytesMax']);
    expect(client.codes('NOOP', 'XNO')).toEqual([250, 421]);
    expect(client.exceeded).toEqual(['commandLengthBytesMax', 'errorsMax']);
    expect(client.session.phase).toBe('closed');
  });

  it('errorsMax does not count what the application refuses, nor refusalsMax what is an error', () => {
    const decide = (): Reply => NO;
    const errors = new PureClient({ limits: { errorsMax: 1, refusalsMax: 9 }, decide: afterGreeting(decide) });
    expect(errors.codes('EHLO a', 'EHLO b', 'EHLO c', 'XNO', 'XNO')).toEqual([550, 550, 550, 500, 421]);
    const refusals = new PureClient({ limits: { errorsMax: 9, refusalsMax: 1 }, decide: afterGreeting(decide) });
    expect(refusals.codes('XNO', 'XNO', 'XNO', 'EHLO a', 'EHLO b')).toEqual([500, 500, 500, 550, 421]);
    expect(refusals.exceeded).toEqual(['refusalsMax']);
  });

  it('refusalsMax counts refusals of policy and of messages, and those of a verb’s method', () => {
    const client = new PureClient({
      limits: { refusalsMax: 4 },
      dataSizeLimit: 100,
      decide: ({ kind }) => (kind === 'message' ? NO : undefined),
      run: ({ verb }, session) => {
        if (verb === 'XNO') session.respond(NO);
        return verb === 'XNO';
      },
    });
    client.codes('EHLO c');
    expect(client.codes('MAIL FROM:<a@a.example> SIZE=101', 'XNO')).toEqual([552, 550]);
    expect(client.codes(...TRANSACTION, '.')).toEqual([250, 250, 354, 550]);
    expect(client.codes(...TRANSACTION, `${'x'.repeat(101)}\r\n.`)).toEqual([250, 250, 354, 552]);
    expect(client.codes('MAIL FROM:<\xc3\xa9@a.example>')).toEqual([421]);
    expect(client.exceeded).toEqual(['refusalsMax']);
  });

  it('recipientsMax is no refusal that counts, and none that closes', () => {
    const client = new PureClient({ limits: { recipientsMax: 1, refusalsMax: 1, errorsMax: 1 } });
    client.codes('EHLO c', 'MAIL FROM:<a@a.example>', 'RCPT TO:<b@b.example>');
    expect(client.codes(...Array.from({ length: 20 }, () => 'RCPT TO:<c@b.example>'))).toEqual(
      Array.from({ length: 20 }, () => 452),
    );
  });

  it('idleCommandsMax counts unknown verbs too, but no line that is refused as such', () => {
    const client = new PureClient({ limits: { idleCommandsMax: 2 } });
    expect(client.codes('', '', '', 'XNO', 'NOOP', 'QUIT')).toEqual([500, 500, 500, 500, 250, 221]);
    const other = new PureClient({ limits: { idleCommandsMax: 2 } });
    expect(other.codes('XNO', 'NOOP', 'XNO')).toEqual([500, 250, 421]);
    expect(other.commands).toEqual(['XNO', 'NOOP']);
  });

  it('messagesMax closes at the next MAIL, after the messages that were taken', () => {
    let isRefusing = true;
    const client = new PureClient({
      limits: { messagesMax: 1 },
      decide: ({ kind }) => (kind === 'message' && isRefusing ? NO : undefined),
    });
    client.codes('EHLO c');
    expect(client.codes(...TRANSACTION, '.')).toEqual([250, 250, 354, 550]);
    expect(client.session.messageCount).toBe(0);
    isRefusing = false;
    expect(client.codes(...TRANSACTION, '.')).toEqual([250, 250, 354, 250]);
    expect(client.session.messageCount).toBe(1);
    expect(client.codes('NOOP', 'MAIL FROM:<a@a.example>')).toEqual([250, 421]);
    expect(client.exceeded).toEqual(['messagesMax']);
  });

  it('counts begin anew with each message that is taken', () => {
    const client = new PureClient({
      limits: { errorsMax: 2, idleCommandsMax: 5, refusalsMax: 2 },
      decide: (question) => (question.kind === 'rcpt' && question.recipient.path.localPart === 'no' ? NO : undefined),
    });
    client.codes('EHLO c');
    for (let turn = 0; turn < 4; turn += 1) {
      expect(client.codes('NOOP', 'NOOP', 'DATA', 'DATA')).toEqual([250, 250, 503, 503]);
      expect(client.codes(TRANSACTION[0], 'RCPT TO:<no@b.example>', 'RCPT TO:<no@b.example>')).toEqual([250, 550, 550]);
      expect(client.codes(...TRANSACTION.slice(1), '.')).toEqual([250, 354, 250]);
    }
    expect(client.exceeded).toEqual([]);
  });

  it('sessionBytesMax closes with the octet that is one too many, whatever is under way', () => {
    const bytes = (length: number): string => `NOOP ${'x'.repeat(length - 7)}\r\n`;
    const client = new PureClient({ limits: { sessionBytesMax: 100 } });
    expect(client.send(bytes(60)).map(({ code }) => code)).toEqual([250]);
    expect(client.send(bytes(40)).map(({ code }) => code)).toEqual([250]);
    expect(client.send('N').map(({ lines }) => lines)).toEqual([
      ['4.7.0 Error: enough octets for one session, please connect again'],
    ]);
    expect(client.exceeded).toEqual(['sessionBytesMax']);
    expect(client.session.phase).toBe('closed');

    const limits = { sessionBytesMax: 90 };
    const content = new PureClient({ limits, isStreaming: true });
    content.codes('EHLO c', ...TRANSACTION);
    content.send('x\r\n'.repeat(10));
    expect(content.code).toBe(421);
    expect(content.deliveries).toEqual([]);
    const chunk = new PureClient({ limits });
    chunk.codes('EHLO c', ...TRANSACTION.slice(0, 2), `BDAT 50 LAST\r\n${'x'.repeat(48)}`);
    expect(chunk.code).toBe(421);
    expect(chunk.deliveries).toEqual([]);
  });

  it('contentLineBytesMax refuses a message with a longer line, once it is complete', () => {
    const limits = { contentLineBytesMax: 10 };
    for (const [length, code] of [
      [10, 250],
      [11, 500],
    ] as const) {
      const text = `a\r\n${'x'.repeat(length)}\r\n`;
      const lines = new PureClient({ limits });
      lines.codes('EHLO c', ...TRANSACTION, `${text}.`);
      // In chunks, across their borders, and also a last line that does not end.
      const chunks = new PureClient({ limits });
      chunks.codes('EHLO c', ...TRANSACTION.slice(0, 2));
      chunks.send(`BDAT 8\r\n${text.slice(0, 8)}BDAT ${String(length - 5)} LAST\r\n${text.slice(8, 3 + length)}`);
      for (const client of [lines, chunks]) {
        expect(client.code).toBe(code);
        expect(client.deliveries).toHaveLength(code === 250 ? 1 : 0);
        expect(client.exceeded).toEqual(code === 250 ? [] : ['contentLineBytesMax']);
        expect(client.session.phase).toBe('ready');
      }
      if (code === 500)
        expect(lines.replies.at(-1)?.lines).toEqual(['5.6.0 Error: the message has a line that is too long']);
    }
  });

  it('takeExceeded tells each once, and takes what the caller noted', () => {
    const session = opened();
    session.noteExceeded('sessionAgeMs');
    expect(session.takeExceeded()).toEqual(['sessionAgeMs']);
    expect(session.takeExceeded()).toEqual([]);
  });

  it('commandLengthBytesMax grows by what extensions need, for their verb and after EHLO alone', () => {
    const extension = defineExtension({ keyword: 'XLONG', lineBytes: { NOOP: 5 } });
    const line = (length: number): string => `NOOP ${'x'.repeat(length - 5)}`;
    const client = new PureClient({ limits: { commandLengthBytesMax: 20 }, extensions: [extension] });
    expect(client.codes(line(20), line(21), 'EHLO c')).toEqual([250, 500, 250]);
    expect(client.codes(line(25), line(26), `RSET${' '.repeat(17)}`)).toEqual([250, 500, 500]);
    expect(client.codes('HELO c', line(21))).toEqual([250, 500]);
  });
});

describe('content', () => {
  const text = 'Subject: x\r\n\r\n..dot\r\n';

  it('is handed out whole at its end', () => {
    const session = inContentPhase();
    receive(session, text.slice(0, 10));
    expect(session.next()).toEqual({ kind: 'needData' });
    receive(session, `${text.slice(10)}.\r\n`);
    expect(session.next()).toEqual({
      kind: 'contentEnd',
      facts: { sizeBytes: 20, bareCRCount: 0, bareLFCount: 0, longestLineBytes: 10, fault: undefined },
      refused: undefined,
    });
    expect(session.next()).toEqual({ kind: 'paused' });
    expect(session.wait).toBe('messageVerdict');
    expect(latin1(session.takeContent())).toBe('Subject: x\r\n\r\n.dot\r\n');
    session.accept();
    expect(session.envelope).toBeUndefined();
    expect(session.phase).toBe('ready');
  });

  it('is handed out while it comes when streaming, and never twice', () => {
    const session = inContentPhase({ isStreaming: true });
    receive(session, text.slice(0, 10));
    expect(session.next()).toEqual({ kind: 'content' });
    expect(latin1(session.takeContent())).toBe('Subject: x');
    expect(session.next()).toEqual({ kind: 'needData' });
    receive(session, `${text.slice(10)}.\r\nNOOP\r\n`);
    expect(session.next()).toMatchObject({ kind: 'contentEnd', facts: { sizeBytes: 20 } });
    expect(latin1(session.takeContent())).toBe('\r\n\r\n.dot\r\n');
    session.refuse(NO);
    expect(codes(session)).toEqual([550]);
    expect(session.next()).toMatchObject({ kind: 'command', verb: 'NOOP' });
  });

  it.each([
    ['reject', 'bare\nline', '550 5.6.11 Error: message has a bare CR or LF; lines must end in CRLF', 'bareLineEnd'],
    ['preserve', 'x'.repeat(31), '552 5.3.4 Error: Too much mail data', 'tooLarge'],
  ] as const)(
    'with a fault under %s is read to its end, refused, and not asked about',
    (lineEndings, content, reply, fault) => {
      const session = inContentPhase({ lineEndings, dataSizeLimit: 30 });
      receive(session, `${content}\r\n`);
      expect(session.next()).toEqual({ kind: 'needData' });
      receive(session, '.\r\nNOOP\r\n');
      const event = session.next();
      expect(event).toMatchObject({ kind: 'contentEnd', facts: { fault } });
      expect(event.kind === 'contentEnd' && event.refused?.toString()).toBe(reply);
      expect(session.takeContent()).toHaveLength(0);
      expect(said(session)).toEqual([reply]);
      expect(session.next()).toMatchObject({ kind: 'command', verb: 'NOOP' });
    },
  );

  it('of a transaction that was given up is not there in the next one', () => {
    const client = new PureClient({ isStreaming: true, decide: ({ kind }) => (kind === 'message' ? NO : undefined) });
    client.codes('EHLO c', ...TRANSACTION, 'one\r\n.');
    const next = new PureClient();
    next.codes('EHLO c', ...TRANSACTION, 'one\r\n.', ...TRANSACTION, 'two\r\n.');
    expect(next.deliveries.map(({ data }) => data)).toEqual(['one\r\n', 'two\r\n']);
    expect(client.session.takeContent()).toHaveLength(0);
  });
});

describe('replies in UTF-8', () => {
  const decide: PureSetup['decide'] = (question) =>
    question.kind === 'mail' || question.kind === 'rcpt' || question.kind === 'helo'
      ? new Reply(250, undefined, 'Grüße')
      : undefined;

  it('are sent in a transaction that was opened with SMTPUTF8, and in no other', () => {
    const client = new PureClient({ decide });
    const last = (): string => client.output.split('\r\n').at(-2)!;
    client.codes('EHLO c');
    expect(client.output).toContain('250-mail.example.test Gr??e\r\n');
    client.codes('MAIL FROM:<a@a.example>');
    expect(last()).toBe('250 Gr??e');
    client.codes('RSET', 'MAIL FROM:<\xc3\xa9@a.example> SMTPUTF8');
    expect(last()).toBe('250 Gr\xc3\xbc\xc3\x9fe');
    client.codes('RCPT TO:<b@b.example>');
    expect(last()).toBe('250 Gr\xc3\xbc\xc3\x9fe');
    expect(client.session.envelope).toMatchObject({ isInternational: true, reversePath: { address: 'é@a.example' } });
    client.codes('RSET', 'MAIL FROM:<a@a.example>');
    expect(last()).toBe('250 Gr??e');
  });

  it('are about addresses that may come only there', () => {
    const client = new PureClient();
    client.codes('EHLO c');
    expect(
      client.codes('MAIL FROM:<\xc3\xa9@a.example>', 'MAIL FROM:<a@a.example>', 'RCPT TO:<\xc3\xa9@b.example>'),
    ).toEqual([553, 250, 553]);
  });
});

describe('closing', () => {
  it('closeWith ends the session whatever is under way, and drops what came', () => {
    const asked = opened('EHLO c');
    receive(asked, 'MAIL FROM:<a@a.example>\r\nNOOP\r\n');
    asked.perform(command(asked));
    const unanswered = opened();
    receive(unanswered, 'NOOP\r\nNOOP\r\n');
    command(unanswered);
    for (const session of [opened(), asked, unanswered, inContentPhase()]) {
      said(session);
      session.closeWith(GONE);
      session.closeWith(GONE);
      expect(said(session)).toEqual(['421 4.3.2 Closing']);
      expect(session.next()).toEqual({ kind: 'closed' });
      expect(session.unreadBytes).toBe(0);
      receive(session, 'NOOP\r\n');
      expect(session.unreadBytes).toBe(0);
      session.accept();
      session.refuse(NO);
      session.respond(YES);
      session.challenge(CHALLENGE);
      expect(session.takeOutput()).toBeUndefined();
    }
  });

  it('what was said before is said first', () => {
    const session = opened();
    run(session, 'NOOP', 'QUIT');
    expect(session.outputBytes).toBe('250 2.0.0 OK\r\n221 2.0.0 Bye\r\n'.length);
    expect(said(session)).toEqual(['250 2.0.0 OK', '221 2.0.0 Bye']);
    expect(session.outputBytes).toBe(0);
  });
});

/** A session after these commands, whose replies were read. */
function opened(...lines: readonly string[]): ServerSession {
  const session = openedWith({});
  run(session, ...lines);
  said(session);
  return session;
}

function openedWith(setup: PureSetup): ServerSession {
  const session = new ServerSession(sessionOptionsOf(setup));
  session.open();
  session.accept();
  said(session);
  return session;
}

function inContentPhase(setup: PureSetup = {}): ServerSession {
  const session = openedWith(setup);
  run(session, 'EHLO c', ...TRANSACTION);
  said(session);
  expect(session.phase).toBe('content');
  return session;
}

/** Sends lines one after the other, and says yes to everything. */
function run(session: ServerSession, ...lines: readonly string[]): void {
  for (const line of lines) {
    receive(session, `${line}\r\n`);
    const event = session.next();
    if (event.kind === 'command' ? session.perform(event) !== undefined : event.kind === 'contentEnd') session.accept();
  }
}

function receive(session: ServerSession, text: string): void {
  session.receive(octets.encodeLatin1(text));
}

/** The next event, which is a command. */
function command(session: ServerSession): Extract<SessionEvent, { kind: 'command' }> {
  const event = session.next();
  if (event.kind !== 'command') throw new Error(`Not a command: ${event.kind}`);
  return event;
}

/** The lines that were said since the last call. */
function said(session: ServerSession): string[] {
  const bytes = session.takeOutput();
  return bytes === undefined ? [] : latin1(bytes).split('\r\n').slice(0, -1);
}

function codes(session: ServerSession): number[] {
  return readReplies(latin1(session.takeOutput() ?? new Uint8Array())).map(({ code }) => code);
}

function rcpts(...names: readonly string[]): string {
  return names.map((name) => `RCPT TO:<${name}@b.example>\r\n`).join('');
}

function expectUsageError(code: string, act: () => void): void {
  expect(act).toThrow(expect.objectContaining({ name: 'UsageError', code }) as UsageError);
}

function afterGreeting(decide: () => Reply): NonNullable<PureSetup['decide']> {
  return ({ kind }) => (kind === 'connect' ? undefined : decide());
}

function latin1(bytes: Uint8Array): string {
  return octets.decodeLatin1(bytes, 0, bytes.length);
}

const TRANSACTION = ['MAIL FROM:<a@a.example>', 'RCPT TO:<b@b.example>', 'DATA'] as const;
