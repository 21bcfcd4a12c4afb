/** BDAT, CHUNKING and BINARYMIME (RFC 3030) in the pure session. */

import { describe, expect, it } from 'vitest';

import { Reply } from '../../src/protocol/reply.js';
import { octets } from '../../src/protocol/octets.js';
import { ServerSession } from '../../src/protocol/server-session.js';
import type { Question } from '../../src/protocol/session-events.js';
import { PureClient, sessionOptionsOf, type PureSetup } from '../support/pure-client.js';

const NOT_NOW = new Reply(450, '4.2.0', 'Not now');
const COMMAND = 'QUIT\r\n';
const SYNTAX = '501 5.5.4 Syntax: BDAT chunk-size [SP LAST]';
const UNREADABLE = '421 4.7.0 Error: cannot tell how long the chunk is, closing connection';

/** Both ways in which octets can come: what they lead to is the same. */
const SENDINGS: readonly (readonly [string, (client: PureClient, text: string) => void])[] = [
  [
    'whole',
    (client, text) => {
      client.send(text);
    },
  ],
  [
    'octet by octet',
    (client, text) => {
      for (const octet of octets.encodeLatin1(text)) client.receive(Uint8Array.of(octet));
    },
  ],
];

/** A client in front of its first chunk. */
function addressed(setup: PureSetup = {}, parameters = ''): PureClient {
  const client = new PureClient(setup);
  client.codes('EHLO c.example', `MAIL FROM:<a@a.example>${parameters}`, 'RCPT TO:<b@b.example>');
  expect(client.session.phase).toBe('recipients');
  client.output = '';
  return client;
}

/** What was said, line by line. */
function said(client: PureClient): readonly string[] {
  const lines = client.output.split('\r\n').slice(0, -1);
  client.output = '';
  return lines;
}

describe('a message in chunks', () => {
  it.each(SENDINGS)('is what was in them, one after the other, sent %s', (_way, send) => {
    for (const isStreaming of [false, true]) {
      const client = addressed({ isStreaming });
      send(client, `BDAT 6\r\n${COMMAND}BDAT 0\r\nBDAT 3\r\n.\r\nBDAT 8 LAST\r\n..RSET\r\nNOOP\r\n`);
      expect(said(client)).toEqual([
        '250 2.0.0 6 octets received',
        '250 2.0.0 0 octets received',
        '250 2.0.0 3 octets received',
        '250 2.0.0 OK',
        '250 2.0.0 OK',
      ]);
      expect(client.commands.slice(3)).toEqual(['BDAT', 'BDAT', 'BDAT', 'BDAT', 'NOOP']);
      expect(client.deliveries).toEqual([
        {
          mailFrom: 'a@a.example',
          mailOptions: [],
          rcptTos: ['b@b.example'],
          rcptOptions: [[]],
          data: 'QUIT\r\n.\r\n..RSET\r\n',
        },
      ]);
      expect(client.session.phase).toBe('ready');
    }
  });

  it('is empty, or ends with an empty chunk', () => {
    const empty = addressed();
    expect(empty.codes('BDAT 0 LAST')).toEqual([250]);
    expect(empty.deliveries.map(({ data }) => data)).toEqual(['']);
    const ended = addressed();
    expect(ended.codes('BDAT 0', 'BDAT 4\r\nab', 'BDAT 0 LAST')).toEqual([250, 250, 250]);
    expect(ended.deliveries.map(({ data }) => data)).toEqual(['ab\r\n']);
  });

  it('is asked about once before its first chunk, and once when it is complete', () => {
    const asked: Question['kind'][] = [];
    const chunks: unknown[] = [];
    const client = addressed({
      decide: (question) => {
        asked.push(question.kind);
        if (question.kind === 'data') chunks.push(question.chunk);
        return undefined;
      },
    });
    asked.length = 0;
    client.codes('BDAT 3\r\n.', 'BDAT 3\r\n.', 'BDAT 3 LAST\r\n.');
    expect(asked).toEqual(['data', 'message']);
    expect(chunks).toEqual([{ sizeBytes: 3, isLast: false, isWellFormed: true }]);
  });

  it('begins when the question was answered, and not before', () => {
    const session = new ServerSession(sessionOptionsOf({}));
    session.open();
    session.accept();
    const run = (line: string): Question | undefined => {
      session.receive(octets.encodeLatin1(line));
      const event = session.next();
      return event.kind === 'command' ? session.perform(event) : undefined;
    };
    for (const line of ['EHLO c\r\n', 'MAIL FROM:<a@a.example>\r\n', 'RCPT TO:<b@b.example>\r\n']) {
      run(line);
      session.accept();
    }
    expect(run('BDAT 3 LAST\r\nab')).toMatchObject({ kind: 'data' });
    expect(session.phase).toBe('recipients');
    expect(session.next()).toEqual({ kind: 'paused' });
    expect(session.wait).toBe('verdict');
    session.accept();
    expect(session.phase).toBe('chunk');
    expect(session.isReceivingContent).toBe(true);
    expect(session.isTakingOctets).toBe(true);
    expect(session.next()).toEqual({ kind: 'needData' });
    expect(session.wait).toBe('content');
    expect(session.unreadBytes).toBe(0);
    expect(session.isIdle).toBe(false);
    session.receive(octets.encodeLatin1('cNOOP\r\n'));
    expect(session.next()).toMatchObject({ kind: 'contentEnd', facts: { sizeBytes: 3 }, refused: undefined });
    expect(session.next()).toEqual({ kind: 'paused' });
    expect(session.wait).toBe('messageVerdict');
    session.accept();
    expect(session.next()).toMatchObject({ kind: 'command', verb: 'NOOP' });
  });

  it('waits for the next command between two chunks, and is not idle', () => {
    const { session } = addressed();
    session.receive(octets.encodeLatin1('BDAT 1\r\nx'));
    const event = session.next();
    if (event.kind === 'command') session.perform(event);
    session.accept();
    expect(session.next()).toEqual({ kind: 'needData' });
    expect([session.phase, session.wait, session.isIdle, session.isTakingOctets]).toEqual([
      'chunks',
      'command',
      false,
      false,
    ]);
    expect(session.envelope?.recipients).toHaveLength(1);
  });

  it('is handed out chunk by chunk when streaming', () => {
    const client = addressed({ isStreaming: true });
    client.send('BDAT 4\r\nab');
    expect(client.events.slice(-2)).toEqual(['content', 'needData']);
    client.send('cd');
    expect(client.events.slice(-2)).toEqual(['content', 'needData']);
    expect(client.session.takeContent()).toHaveLength(0);
    client.send('BDAT 2 LAST\r\nef');
    expect(client.deliveries.map(({ data }) => data)).toEqual(['abcdef']);
  });

  it('may be followed by another, in chunks or not', () => {
    const client = addressed();
    client.codes('BDAT 3 LAST\r\n1', 'MAIL FROM:<a@a.example>', 'RCPT TO:<b@b.example>', 'DATA', '2\r\n.');
    client.codes('MAIL FROM:<a@a.example>', 'RCPT TO:<b@b.example>', 'BDAT 3 LAST\r\n3');
    expect(client.deliveries.map(({ data }) => data)).toEqual(['1\r\n', '2\r\n', '3\r\n']);
  });

  it('that the application refuses has that reply, and is over', () => {
    const client = addressed({ decide: ({ kind }) => (kind === 'message' ? NOT_NOW : undefined) });
    expect(client.codes('BDAT 3 LAST\r\n.', 'BDAT 0 LAST')).toEqual([450, 503]);
    expect(client.deliveries).toEqual([]);
    expect(client.session.envelope).toBeUndefined();
  });
});

describe('a chunk that may not come is taken and refused', () => {
  it.each(SENDINGS)('before EHLO, MAIL, RCPT, or where every recipient was refused; sent %s', (_way, send) => {
    const client = new PureClient({ decide: ({ kind }) => (kind === 'rcpt' ? NOT_NOW : undefined) });
    client.output = '';
    const chunk = `BDAT 12 LAST\r\n${COMMAND}${COMMAND}`;
    send(client, chunk);
    expect(said(client)).toEqual(['503 5.5.1 Error: send HELO first']);
    client.codes('EHLO c');
    said(client);
    send(client, chunk);
    expect(said(client)).toEqual(['503 5.5.1 Error: need MAIL command']);
    send(client, `MAIL FROM:<a@a.example>\r\n${chunk}`);
    expect(said(client)).toEqual(['250 2.1.0 OK', '503 5.5.1 Error: need RCPT command']);
    send(client, `RCPT TO:<b@b.example>\r\n${chunk}`);
    expect(said(client)).toEqual(['450 4.2.0 Not now', '503 5.5.1 Error: need RCPT command']);
    expect(client.session.phase).toBe('sender');
    expect(client.events).not.toContain('contentEnd');
    expect(client.codes('NOOP')).toEqual([250]);
  });

  it.each(SENDINGS)('in a session that was refused, sent %s', (_way, send) => {
    const client = new PureClient({ decide: () => new Reply(554, '5.7.1', 'Not you') });
    send(client, `BDAT 6 LAST\r\n${COMMAND}BDAT\r\nNOOP\r\n`);
    expect(client.replies.map(({ code }) => code)).toEqual([554, 503, 503, 503]);
    expect(client.session.phase).toBe('refused');
    expect(client.codes('BDAT x')).toEqual([421]);
  });

  it('waits for the octets, with the deadline of content', () => {
    const client = new PureClient();
    client.send('BDAT 5\r\nQUI');
    expect(client.replies).toHaveLength(1);
    expect([client.session.wait, client.session.isTakingOctets, client.session.unreadBytes]).toEqual([
      'content',
      true,
      0,
    ]);
    expect(client.session.isReceivingContent).toBe(false);
    expect(client.session.isIdle).toBe(false);
    client.send('T\r');
    expect(client.code).toBe(503);
    expect(client.session.isTakingOctets).toBe(false);
    expect(client.codes('')).toEqual([500]);
  });

  it('is still under way for whoever would answer it', () => {
    const client = new PureClient();
    client.send('BDAT 5\r\nQUI');
    expect(() => {
      client.session.respond(NOT_NOW);
    }).toThrow(expect.objectContaining({ code: 'SMTPD_ONE_REPLY' }) as Error);
  });

  it('counts as an error', () => {
    const client = new PureClient({ limits: { errorsMax: 2 } });
    expect(client.codes('BDAT 3 LAST\r\n1', 'BDAT 3 LAST\r\n2', 'BDAT 3 LAST\r\n3')).toEqual([503, 503, 421]);
    expect(client.exceeded).toEqual(['errorsMax']);
  });
});

describe('chunks behind one that was refused', () => {
  const behind = (count: number): string => 'BDAT 1\r\nx'.repeat(count);
  const codesOf = (client: PureClient): number[] => {
    const codes = [...client.output.matchAll(/^(\d{3}) /gm)].map(([, code]) => Number(code));
    client.output = '';
    return codes;
  };

  it.each([
    ['that was not well formed', 'BDAT 0 NOW\r\n', [501], {}],
    // What is refused for its size is no error, so there is room for another one.
    ['that made the message too large', 'BOGUS\r\nBDAT 9\r\n123456789', [500, 552], { dataSizeLimit: 8 }],
  ])('%s are no errors of their own, for the client could not know', (_what, first, firstCodes, setup) => {
    const client = addressed({ ...setup, limits: { errorsMax: 1 } });
    client.send(`${first}${behind(60)}BDAT 0 LAST\r\n`);
    expect(codesOf(client)).toEqual([...firstCodes, ...Array.from({ length: 61 }, () => 503)]);
    expect(client.exceeded).toEqual([]);
  });

  it('where every recipient was refused are one error together', () => {
    const client = new PureClient({ limits: { errorsMax: 1 } });
    client.codes('EHLO c.example', 'MAIL FROM:<a@a.example>');
    client.output = '';
    client.send(`${behind(60)}BDAT 0 LAST\r\n`);
    expect(codesOf(client)).toEqual(Array.from({ length: 61 }, () => 503));
  });

  it.each([
    ['the last of them', 'BDAT 0 LAST\r\n', 503],
    ['another command', 'NOOP\r\n', 250],
  ])('are errors again behind %s', (_what, text, code) => {
    const client = addressed({ limits: { errorsMax: 1 } });
    client.send(`BDAT 0 NOW\r\n${behind(1)}${text}${behind(1)}`);
    expect(codesOf(client)).toEqual([501, 503, code, 421]);
    expect(client.exceeded).toEqual(['errorsMax']);
  });

  it('are errors when there is something wrong with their line', () => {
    const client = addressed({ limits: { errorsMax: 1 } });
    client.send(`BDAT 0 NOW\r\nBDAT 1 ${'x'.repeat(600)}\r\ny`);
    expect(codesOf(client)).toEqual([501, 421]);
    expect(client.exceeded).toEqual(['commandLengthBytesMax', 'errorsMax']);
  });

  it('are bounded as commands that move no mail', () => {
    const client = addressed({ limits: { idleCommandsMax: 5 } });
    client.send(`BDAT 0 NOW\r\n${behind(10)}`);
    expect(codesOf(client)).toEqual([501, 503, 503, 503, 503, 421]);
    expect(client.exceeded).toEqual(['idleCommandsMax']);
  });
});

describe('a chunk that fails', () => {
  it.each(SENDINGS)('for what stands behind its size takes the message with it, sent %s', (_way, send) => {
    for (const junk of ['LAST junk', 'junk', 'LAST LAST', '6']) {
      const client = addressed();
      send(client, `BDAT 6 ${junk}\r\n${COMMAND}BDAT 6 LAST\r\n${COMMAND}NOOP\r\n`);
      expect(said(client)).toEqual([SYNTAX, '503 5.5.1 Error: need MAIL command', '250 2.0.0 OK']);
      expect(client.deliveries).toEqual([]);
      expect(client.session.phase).toBe('ready');
    }
  });

  it.each(SENDINGS)('in the middle does not leave a message with a hole, sent %s', (_way, send) => {
    for (const isStreaming of [false, true]) {
      const client = addressed({ isStreaming });
      send(client, `BDAT 6\r\n${COMMAND}BDAT 6 junk\r\n${COMMAND}BDAT 6 LAST\r\n${COMMAND}NOOP\r\n`);
      expect(said(client)).toEqual([
        '250 2.0.0 6 octets received',
        SYNTAX,
        '503 5.5.1 Error: need MAIL command',
        '250 2.0.0 OK',
      ]);
      expect(client.deliveries).toEqual([]);
      expect(client.session.envelope).toBeUndefined();
      // Whoever reads the message as it comes is told that it will not be complete.
      expect(client.events.filter((kind) => kind === 'contentEnd')).toHaveLength(1);
      client.codes('MAIL FROM:<a@a.example>', 'RCPT TO:<b@b.example>', 'BDAT 3 LAST\r\nx');
      expect(client.deliveries.map(({ data }) => data)).toEqual(['x\r\n']);
    }
  });

  it.each(SENDINGS)('because the application refuses it is taken, then has that reply, sent %s', (_way, send) => {
    let answers = 0;
    const client = addressed({
      // It would not refuse a second time.
      decide: ({ kind }) => (kind === 'data' && ++answers === 1 ? NOT_NOW : undefined),
    });
    send(client, `BDAT 6\r\n${COMMAND.slice(0, 5)}`);
    expect(said(client)).toEqual([]);
    expect(client.session.wait).toBe('content');
    send(client, `\nBDAT 6 LAST\r\n${COMMAND}NOOP\r\n`);
    expect(said(client)).toEqual(['450 4.2.0 Not now', '503 5.5.1 Error: need MAIL command', '250 2.0.0 OK']);
    expect(answers).toBe(1);
    expect(client.deliveries).toEqual([]);
    expect(client.events).not.toContain('contentEnd');
  });

  it('because the application refuses it with 421 is taken first', () => {
    const client = addressed({ decide: ({ kind }) => (kind === 'data' ? new Reply(421, '4.3.2', 'Gone') : undefined) });
    client.send(`BDAT 6 LAST\r\n${COMMAND.slice(0, 5)}`);
    expect(said(client)).toEqual([]);
    client.send('\nNOOP\r\n');
    expect(said(client)).toEqual(['421 4.3.2 Gone']);
    expect(client.session.phase).toBe('closed');
  });

  it('as a refusal counts as one, and one too many closes', () => {
    const client = addressed({
      limits: { refusalsMax: 1 },
      decide: ({ kind }) => (kind === 'data' ? NOT_NOW : undefined),
    });
    expect(client.codes('BDAT 3\r\n.', 'MAIL FROM:<>', 'RCPT TO:<b@b.example>', 'BDAT 3\r\n.')).toEqual([
      450, 250, 250, 421,
    ]);
    expect(client.exceeded).toEqual(['refusalsMax']);
  });

  it('has the reply of the application, whatever its class', () => {
    const client = addressed({
      decide: ({ kind }) => (kind === 'data' ? new Reply(554, '5.7.1', 'Never') : undefined),
    });
    expect(client.codes('BDAT 3\r\n.')).toEqual([554]);
  });
});

describe('a message that is too large', () => {
  it.each(SENDINGS)('is refused with the chunk that makes it so, once its octets came; sent %s', (_way, send) => {
    const client = addressed({ dataSizeLimit: 10 });
    send(client, `BDAT 6\r\n${COMMAND}BDAT 6\r\n${COMMAND.slice(0, 5)}`);
    expect(said(client)).toEqual(['250 2.0.0 6 octets received']);
    send(client, `\nBDAT 6\r\n${COMMAND}BDAT 6 LAST\r\n${COMMAND}NOOP\r\n`);
    expect(said(client)).toEqual([
      '552 5.3.4 Error: Too much mail data',
      '503 5.5.1 Error: need MAIL command',
      '503 5.5.1 Error: need MAIL command',
      '250 2.0.0 OK',
    ]);
    expect(client.deliveries).toEqual([]);
    expect(client.session.takeContent()).toHaveLength(0);
  });

  it('is one octet over the limit, and not one that meets it', () => {
    const meets = addressed({ dataSizeLimit: 10 });
    expect(meets.codes('BDAT 6\r\n1234', 'BDAT 4 LAST\r\n12')).toEqual([250, 250]);
    const over = addressed({ dataSizeLimit: 10 });
    expect(over.codes('BDAT 6\r\n1234', 'BDAT 5 LAST\r\n123')).toEqual([250, 552]);
    const announced = addressed({ dataSizeLimit: 10 });
    announced.send('BDAT 11 LAST\r\n');
    expect(said(announced)).toEqual([]);
    announced.send('12345678901');
    expect(said(announced)).toEqual(['552 5.3.4 Error: Too much mail data']);
  });

  it('holds none of its octets', () => {
    const client = addressed({ dataSizeLimit: 10, isStreaming: true });
    client.send(`BDAT 1000000\r\n${'x'.repeat(999_999)}`);
    expect([client.session.unreadBytes, client.session.takeContent().length]).toEqual([0, 0]);
    client.send('x');
    expect(client.code).toBe(552);
  });
});

describe('what may come between two chunks', () => {
  const between = (setup: PureSetup = {}): PureClient => {
    const client = addressed(setup);
    expect(client.codes('BDAT 5\r\none')).toEqual([250]);
    client.output = '';
    return client;
  };

  it('not DATA, RCPT or MAIL, and the message goes on behind them', () => {
    const client = between();
    client.codes('DATA', 'RCPT TO:<c@b.example>', 'MAIL FROM:<d@a.example>', 'STARTTLS', 'BDAT 5 LAST\r\ntwo');
    expect(said(client)).toEqual([
      '503 5.5.1 Error: chunks have begun, send BDAT or RSET',
      '503 5.5.1 Error: chunks have begun, send BDAT or RSET',
      '503 5.5.1 Error: nested MAIL command',
      '500 5.5.1 Error: command "STARTTLS" not recognized',
      '250 2.0.0 OK',
    ]);
    expect(client.deliveries).toMatchObject([{ rcptTos: ['b@b.example'], data: 'one\r\ntwo\r\n' }]);
  });

  it('a group of RCPT, each of which is refused', () => {
    const client = between({ isBatching: true });
    client.send('RCPT TO:<c@b.example>\r\nRCPT TO:<d@b.example>\r\nBDAT 5 LAST\r\ntwo\r\n');
    expect(client.replies.slice(-3).map(({ code }) => code)).toEqual([503, 503, 250]);
    expect(client.deliveries).toMatchObject([{ rcptTos: ['b@b.example'], data: 'one\r\ntwo\r\n' }]);
  });

  it('what changes nothing', () => {
    const client = between();
    expect(client.codes('NOOP', 'VRFY bob', 'EXPN x', 'HELP', '', 'XNO', 'BDAT', 'BDAT 5 LAST\r\ntwo')).toEqual([
      250, 252, 502, 214, 500, 500, 501, 250,
    ]);
    expect(client.deliveries.map(({ data }) => data)).toEqual(['one\r\ntwo\r\n']);
  });

  it.each(['RSET', 'EHLO c.example', 'HELO c.example'])('%s, which gives the message up', (line) => {
    for (const isStreaming of [false, true]) {
      const client = between({ isStreaming });
      expect(client.codes(line, 'BDAT 5 LAST\r\ntwo')).toEqual([250, 503]);
      expect(client.session.takeContent()).toHaveLength(0);
      client.codes('MAIL FROM:<a@a.example>', 'RCPT TO:<b@b.example>', 'BDAT 7 LAST\r\nthree');
      expect(client.deliveries.map(({ data }) => data)).toEqual(['three\r\n']);
    }
  });

  it('QUIT, and nothing is delivered', () => {
    const client = between();
    expect(client.codes('QUIT', 'BDAT 5 LAST\r\ntwo')).toEqual([221]);
    expect(client.deliveries).toEqual([]);
  });

  it('not a chunk once DATA was said: its line is content', () => {
    const client = addressed();
    expect(client.codes('DATA', 'BDAT 0 LAST\r\n.')).toEqual([354, 250]);
    expect(client.deliveries.map(({ data }) => data)).toEqual(['BDAT 0 LAST\r\n']);
  });

  it('more chunks than there are commands that move no mail', () => {
    const client = addressed({ limits: { idleCommandsMax: 1 } });
    expect(client.codes(...Array.from({ length: 20 }, () => 'BDAT 2\r\n'), 'BDAT 0 LAST')).toEqual(
      Array.from({ length: 21 }, () => 250),
    );
  });
});

describe('a size that cannot be read', () => {
  it.each(['x', '-1', '5x', '5LAST', '5\tLAST', 'LAST', '1.5', '9007199254740992', '9'.repeat(21), '+5', '0x5'])(
    '"%s" closes, whatever the phase: nobody can tell where the next command is',
    (argument) => {
      const ready = new PureClient();
      ready.codes('EHLO c');
      for (const client of [new PureClient(), ready, addressed()]) {
        client.output = '';
        client.send(`BDAT ${argument}\r\nNOOP\r\nQUIT\r\n`);
        expect(said(client)).toEqual([UNREADABLE]);
        expect(client.session.phase).toBe('closed');
        expect(client.session.unreadBytes).toBe(0);
      }
    },
  );

  it('is one of a line with a flaw as well', () => {
    for (const line of ['BDAT 6\n', 'BDAT 6 \r LAST', 'BDAT\n 6', 'bdat 6\rLAST']) {
      const client = addressed();
      client.send(`${line}\r\n${COMMAND}`);
      if (line.startsWith('BDAT\n')) expect(said(client)[0]).toBe('500 5.5.2 Error: CR and LF may only come together');
      else expect(said(client)).toEqual([UNREADABLE]);
    }
  });

  it('is not one of a line that is too long: its octets are taken', () => {
    const client = addressed();
    client.send(`BDAT 6${' '.repeat(600)}LAST\r\n${COMMAND}NOOP\r\n`);
    expect(said(client)).toEqual(['500 5.5.2 Error: line too long', '250 2.0.0 OK']);
    expect(client.exceeded).toEqual(['commandLengthBytesMax']);
  });

  it('is not one that is missing: that is a syntax error, and nothing follows', () => {
    for (const line of ['BDAT', 'BDAT ', 'BDAT \t ']) {
      const client = addressed();
      client.send(`${line}\r\nNOOP\r\n`);
      expect(said(client)).toEqual([SYNTAX, '250 2.0.0 OK']);
      expect(client.session.phase).toBe('recipients');
    }
  });

  it('is nothing to a server without CHUNKING', () => {
    for (const setup of [{ disabledExtensions: ['CHUNKING'] }, { decodeData: true }]) {
      const client = addressed(setup);
      client.send('BDAT x\r\nBDAT 4 LAST\r\nBDAT\n5\r\n');
      expect(client.replies.slice(-3).map(({ code }) => code)).toEqual([500, 500, 500]);
      expect(client.session.phase).toBe('recipients');
    }
  });
});

describe('line ends in chunks', () => {
  const BARE = '550 5.6.11 Error: message has a bare CR or LF; lines must end in CRLF';

  it.each(SENDINGS)('may be split by the border of two chunks, sent %s', (_way, send) => {
    for (const lineEndings of ['reject', 'normalize', 'preserve'] as const) {
      const client = addressed({ lineEndings });
      send(client, 'BDAT 2\r\na\rBDAT 2\r\n\nbBDAT 2 LAST\r\n\r\n');
      expect(client.deliveries.map(({ data }) => data)).toEqual(['a\r\nb\r\n']);
    }
  });

  it.each(SENDINGS)('that are bare go by the policy, also at the borders; sent %s', (_way, send) => {
    const text = ['BDAT 2\r\na\r', 'BDAT 2\r\nb\n', 'BDAT 1 LAST\r\n\r'].join('');
    const [reject, normalize, preserve] = (['reject', 'normalize', 'preserve'] as const).map((lineEndings) => {
      const client = addressed({ lineEndings });
      send(client, text);
      return client;
    });
    // The CR of the first chunk is known to be bare when the second one begins.
    expect(said(reject!)).toEqual(['250 2.0.0 2 octets received', BARE, '503 5.5.1 Error: need MAIL command']);
    expect(reject!.deliveries).toEqual([]);
    expect(normalize!.deliveries.map(({ data }) => data)).toEqual(['a\r\nb\r\n\r\n']);
    expect(preserve!.deliveries.map(({ data }) => data)).toEqual(['a\rb\n\r']);
  });

  it('a CR at the end of the last chunk is bare', () => {
    const client = addressed();
    client.send('BDAT 2 LAST\r\na\r');
    expect(said(client)).toEqual([BARE]);
  });

  it('a last line without an end is kept as it is', () => {
    const client = addressed();
    client.send('BDAT 3 LAST\r\nabc');
    expect(client.deliveries.map(({ data }) => data)).toEqual(['abc']);
  });

  it('and their count are told about the whole message', () => {
    const facts: unknown[] = [];
    const client = addressed({
      lineEndings: 'preserve',
      decide: (question) => {
        if (question.kind === 'message') facts.push(question.facts);
        return undefined;
      },
    });
    client.send('BDAT 4\r\nab\ncBDAT 5 LAST\r\nde\r\n\r');
    expect(facts).toEqual([{ sizeBytes: 9, bareCRCount: 1, bareLFCount: 1, longestLineBytes: 6, fault: undefined }]);
  });
});

describe('BODY=BINARYMIME', () => {
  const BINARY = ' BODY=BINARYMIME';
  const every = Array.from({ length: 256 }, (_, octet) => String.fromCharCode(octet)).join('');

  it.each(SENDINGS)('keeps every octet, whatever the policy of line ends, sent %s', (_way, send) => {
    for (const lineEndings of ['reject', 'normalize', 'preserve'] as const) {
      const client = addressed({ lineEndings }, BINARY);
      const text = `${every}\r\r\n\n\0`;
      send(client, `BDAT 3\r\n\r.\nBDAT ${String(text.length)} LAST\r\n${text}`);
      expect(client.deliveries).toMatchObject([{ mailOptions: ['BODY=BINARYMIME'], data: `\r.\n${text}` }]);
    }
  });

  it('has no longest line', () => {
    const client = addressed({ limits: { contentLineBytesMax: 5 } }, BINARY);
    expect(client.codes('BDAT 12 LAST\r\n1234567890')).toEqual([250]);
  });

  it('still has a size', () => {
    const client = addressed({ dataSizeLimit: 5 }, BINARY);
    client.send('BDAT 6 LAST\r\n123456');
    expect(said(client)).toEqual(['552 5.3.4 Error: Too much mail data']);
  });

  it('cannot be sent with DATA; nobody is asked, and chunks may follow', () => {
    const asked: Question['kind'][] = [];
    const client = addressed(
      {
        decide: ({ kind }) => {
          asked.push(kind);
          return undefined;
        },
      },
      BINARY,
    );
    client.codes('DATA', 'BDAT 3 LAST\r\n\r');
    expect(said(client)).toEqual(['503 5.5.1 Error: BODY=BINARYMIME needs BDAT', '250 2.0.0 OK']);
    expect(asked.filter((kind) => kind === 'data')).toHaveLength(1);
    expect(client.deliveries.map(({ data }) => data)).toEqual(['\r\r\n']);
  });

  it('is there with CHUNKING alone', () => {
    for (const keyword of ['BINARYMIME', 'CHUNKING']) {
      const client = new PureClient({ disabledExtensions: [keyword] });
      client.codes('EHLO c');
      expect(client.replies.at(-1)?.lines).not.toContain('BINARYMIME');
      expect(client.codes('MAIL FROM:<> BODY=BINARYMIME')).toEqual([501]);
    }
  });
});
