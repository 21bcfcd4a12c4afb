/**
 * Laws that hold whatever a client sends: nothing throws, every line that is said is well formed, and a session that is still
 * open takes a message as if nothing had been.
 */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { octets } from '../../src/protocol/octets.js';
import { Reply } from '../../src/protocol/reply.js';
import type { Question } from '../../src/protocol/session-events.js';
import { cutAt } from '../protocol/specification/words.js';
import { PureClient, readReplies } from '../support/pure-client.js';
import { application, conversation, finishWhatWasBegun, SEED, setup } from './generated-conversation.js';

/** Words of the protocol and octets that mean something, in no order, so that noise gets somewhere. */
const dictionary = fc
  .array(
    fc.oneof(
      { weight: 1, arbitrary: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)) },
      {
        weight: 2,
        arbitrary: fc.constantFrom(
          ...['EHLO ', 'HELO x\r\n', 'MAIL FROM:', 'RCPT TO:', 'DATA\r\n', 'RSET\r\n', 'VRFY ', 'HELP ', 'XASK\r\n'],
          ...['<>', '<a@b.example>', '<echo', '"', '\\', '@', '[', ']', ':', ',', '.', ' ', '\t', '=', ' SMTPUTF8'],
          ...[
            'LHLO c\r\n',
            'BDAT ',
            '3',
            '0',
            ' LAST',
            'BDAT 4\r\n',
            'AUTH PLAIN ',
            'AHgAeA==',
            'STARTTLS\r\n',
            'XCLIENT ',
            'NAME',
          ],
          ...['\r\n', '\r\n', '\r\n', '\r', '\n', '\r\n.\r\n', '\0', '\x1b[2J', '\x7f', '\x85', '\xc3\xa9', '\xff'],
          ...['EHLO c\r\n', 'MAIL FROM:<echo@\xc3\xa9> SMTPUTF8\r\n', 'RCPT TO:<echo\x07@b>\r\n', 'x'.repeat(500)],
        ),
      },
    ),
    { maxLength: 60 },
  )
  .map((parts) => parts.join(''));
const binary = fc
  .uint8Array({ maxLength: 400, size: 'max' })
  .map((bytes) => octets.decodeLatin1(bytes, 0, bytes.length));
const anything = fc.oneof(
  binary,
  dictionary,
  conversation,
  fc.tuple(conversation, dictionary, binary).map((parts) => parts.join('')),
);

describe('for any octets', () => {
  it('nothing throws, and the session is left in order', () => {
    fc.assert(
      fc.property(anything, setup, fc.array(fc.nat(1000), { maxLength: 4 }), (text, given, places) => {
        const client = new PureClient(given);
        for (const piece of cutAt(octets.encodeLatin1(text), places)) client.receive(piece);
        const { session } = client;
        const isOver = session.phase === 'closed';
        expect(client.events.at(-1) ?? 'needData').toBe(isOver ? 'closed' : 'needData');
        expect(session.wait).toBe(isOver ? 'nothing' : session.isTakingOctets ? 'content' : 'command');
        if (session.isUnanswered && !session.isTakingOctets) expect(client.commands.at(-1)).toBeOneOf(['XASK', 'AUTH']);
        expect(session.envelope !== undefined).toBe(
          ['sender', 'recipients', 'content', 'chunk', 'chunks'].includes(session.phase),
        );
        // What is unread is one unfinished line, never a whole one, and never what was to be dropped.
        expect(session.unreadBytes).toBeLessThanOrEqual(3000);
      }),
      { seed: SEED, numRuns: 2500 },
    );
  });

  it('every line that is said is a code and text of at most 512 octets, with nothing in it that could be taken for more', () => {
    const seen = { lines: 0, eightBit: 0, echoes: 0 };
    fc.assert(
      fc.property(anything, setup, (text, given) => {
        const client = new PureClient({ ...given, decide: sendBack });
        client.send(text);
        const lines = client.output.split('\r\n');
        expect(lines.pop(), 'all that is said ends in CRLF').toBe('');
        for (const line of lines) {
          expect(line).toMatch(/^[2-5][0-5]\d[ -][\t\x20-\x7e\x80-\xff]*$/);
          expect(line.length).toBeLessThanOrEqual(510);
          seen.lines += 1;
          if (/sent|You said/.test(line)) seen.echoes += 1;
          if (!/[\x80-\xff]/.test(line)) continue;
          // RFC 6531 §3.7.4: octets above 127 are UTF-8, and were asked for.
          expect(text.toUpperCase()).toContain('SMTPUTF8');
          const decoded = new TextDecoder('utf-8', { fatal: true }).decode(octets.encodeLatin1(line));
          expect(decoded).not.toMatch(/[\x80-\x9f\u2028\u2029]/);
          seen.eightBit += 1;
        }
        expect(readReplies(client.output)).toEqual(client.replies);
      }),
      { seed: SEED, numRuns: 2500 },
    );
    // The law was put to the test: an application did send back what it had been sent.
    expect(seen.lines).toBeGreaterThan(10_000);
    expect(seen.echoes).toBeGreaterThan(1000);
    expect(seen.eightBit).toBeGreaterThan(100);
  });

  it('replies hold nothing of what was sent, unless the application puts it there', () => {
    // No word of this alphabet is in any reply of ours.
    const word = fc.string({ unit: fc.constantFrom('Q', 'q', '\x01', '\xe9', '\xff', '\t', '\x7f'), minLength: 1 });
    const line = fc
      .tuple(
        fc.constantFrom(
          ...['', 'EHLO ', 'MAIL FROM:<', 'RCPT TO:<', 'VRFY ', 'HELP ', 'EXPN ', 'DATA ', 'LHLO ', 'BDAT 2 ', 'BDAT '],
          ...['AUTH ', 'AUTH PLAIN ', 'ETRN ', 'XCLIENT NAME=', 'XFORWARD NAME=', 'STARTTLS '],
        ),
        word,
      )
      .map((parts) => `${parts.join('')}\r\n`);
    fc.assert(
      fc.property(fc.array(line, { maxLength: 20 }), (lines) => {
        const client = new PureClient({
          auth: { mode: 'offer', plaintext: 'always' },
          situation: { mayXCLIENT: true },
        });
        for (const each of lines) client.send(each);
        // A verb is repeated, when it is a short word of letters and digits.
        expect(client.output.replace(/command "Q{1,16}"/g, '').replace('QUIT', '')).not.toMatch(
          /Q(?!UIT)|q|[^\r\n -~]/,
        );
      }),
      { seed: SEED, numRuns: 1000 },
    );
  });
});

describe('after any octets', () => {
  it('a session that is still open takes a message as if nothing had been', () => {
    let openCount = 0;
    fc.assert(
      fc.property(
        anything,
        setup,
        (noise, { isStreaming, isBatching, enableSMTPUTF8, lineEndings, pathSyntax, protocol }) => {
          const given = { isStreaming, isBatching, enableSMTPUTF8, lineEndings, pathSyntax, protocol };
          const client = new PureClient({
            ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
            ...application,
          });
          client.send(noise);
          finishWhatWasBegun(client);
          // A chunk may be longer than anybody waits for.
          if (client.session.phase === 'closed' || client.session.isTakingOctets) return;
          openCount += 1;
          const codes = client.codes(
            protocol === 'lmtp' ? 'LHLO clean.example' : 'EHLO clean.example',
            'MAIL FROM:<alice@a.example> BODY=8BITMIME',
            'RCPT TO:<bob@b.example>',
            'RCPT TO:<no@b.example>',
            'DATA',
            'Subject: clean\r\n\r\n..dot\r\n.',
            'NOOP',
            'MAIL FROM:<alice@a.example> BODY=8BITMIME',
            'RCPT TO:<bob@b.example>',
            'BDAT 16\r\nSubject: clean',
            'BDAT 8 LAST\r\n\r\n.dot',
            'NOOP',
          );
          expect(codes).toEqual([250, 250, 250, 550, 354, 250, 250, 250, 250, 250, 250, 250]);
          const expected = {
            mailFrom: 'alice@a.example',
            mailOptions: ['BODY=8BITMIME'],
            rcptTos: ['bob@b.example'],
            rcptOptions: [[]],
            data: 'Subject: clean\r\n\r\n.dot\r\n',
          };
          expect(client.deliveries.slice(-2)).toEqual([expected, expected]);
        },
      ),
      { seed: SEED, numRuns: 2000 },
    );
    expect(openCount).toBeGreaterThan(1200);
  });
});

/** An application that sends back whatever it is told. */
function sendBack(question: Question): Reply | undefined {
  switch (question.kind) {
    case 'helo':
      return new Reply(250, undefined, `You sent ${question.client.name.text}`);
    case 'mail':
      return new Reply(250, undefined, `You sent ${question.reversePath.raw}`);
    case 'rcpt': {
      const { raw, address, localPart } = question.recipient.path;
      const isEven = raw.length % 2 === 0;
      return new Reply(isEven ? 550 : 250, undefined, [`You sent ${raw}`, address.repeat(40), localPart]);
    }
    case 'vrfy':
    case 'expn':
    case 'etrn':
      return new Reply(250, undefined, `You sent ${question.text}`);
    case 'connect':
    case 'data':
    case 'message':
      return undefined;
  }
}
