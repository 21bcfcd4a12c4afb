/**
 * The law that every command gets one final reply, in order, however the commands are grouped. A second, small model of a session
 * says which: it knows phases and codes, and nothing of the table, of parsing or of limits.
 */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { Reply } from '../../src/protocol/reply.js';
import type { Question } from '../../src/protocol/session-events.js';
import { PureClient } from '../support/pure-client.js';
import type { WireReply } from '../support/raw-client.js';
import { SEED } from './generated-conversation.js';

/** What a client does; each is one command. `verdict` is what the application says, or what is wrong with it. */
type Step =
  | { readonly does: 'hello'; readonly verdict: 'yes' | 'no' | 'syntax' }
  | { readonly does: 'sender' | 'recipient'; readonly verdict: 'yes' | 'no' | 'syntax' | 'parameter' | 'charset' }
  | { readonly does: 'data'; readonly verdict: 'yes' | 'no' | 'syntax'; readonly content: 'good' | 'bad' | 'bare' }
  | {
      readonly does: 'chunk';
      readonly verdict: 'yes' | 'no' | 'syntax';
      /** Octets of the chunk, line ends among them. */
      readonly size: number;
      readonly isLast: boolean;
    }
  | { readonly does: 'anywhere'; readonly line: string; readonly code: number }
  | { readonly does: 'reset' | 'quit' | 'unknown' | 'unreadable' };

/** A reply that must come: its code, and a word with the number of its command where there can be one. */
interface Expected {
  readonly code: number;
  readonly word?: string;
}

/** What one step sends and what it must get. */
interface Exchange {
  readonly sent: string;
  readonly expected: readonly Expected[];
  /** What the application says to DATA or the first BDAT, where it is asked. */
  readonly aboutData?: 'yes' | 'no';
}

type Protocol = 'smtp' | 'lmtp';

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ does: fc.constant('hello'), verdict: often('yes', 'no', 'syntax') }) },
  {
    weight: 12,
    arbitrary: fc.record({
      does: often('recipient', 'sender'),
      verdict: often('yes', 'no', 'syntax', 'parameter', 'charset'),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      does: fc.constant('data'),
      verdict: often('yes', 'no', 'syntax'),
      content: often('good', 'bad', 'bare'),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      does: fc.constant('chunk'),
      verdict: often('yes', 'no', 'syntax'),
      size: fc.constantFrom(0, 2, 8, 100, 148, 150),
      isLast: fc.boolean(),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.constantFrom<Step>(
      { does: 'anywhere', line: 'NOOP', code: 250 },
      { does: 'anywhere', line: 'noop at all', code: 250 },
      { does: 'anywhere', line: 'VRFY bob', code: 252 },
      { does: 'anywhere', line: 'VRFY', code: 501 },
      { does: 'anywhere', line: 'EXPN list', code: 502 },
      { does: 'anywhere', line: 'STARTTLS', code: 500 },
      { does: 'anywhere', line: 'AUTH PLAIN =', code: 500 },
      { does: 'anywhere', line: 'HELP', code: 214 },
      { does: 'anywhere', line: 'HELP me', code: 504 },
      { does: 'anywhere', line: '', code: 500 },
      { does: 'anywhere', line: 'NOOP\nNOOP', code: 500 },
      { does: 'anywhere', line: 'NOOP\rQUIT', code: 500 },
      { does: 'anywhere', line: `NOOP ${'x'.repeat(508)}`, code: 500 },
      { does: 'anywhere', line: `NOOP ${'x'.repeat(5000)}`, code: 500 },
      { does: 'anywhere', line: 'NOOP\0', code: 500 },
    ),
  },
  { weight: 4, arbitrary: fc.record({ does: fc.constantFrom('reset', 'unknown', 'unknown') }) },
  { weight: 1, arbitrary: fc.constantFrom<Step>({ does: 'quit' }, { does: 'reset' }, { does: 'unreadable' }) },
);
/** A transaction in order, up to its end or nearly so. */
const transaction = fc
  .tuple(
    often('good', 'bad', 'bare'),
    often('yes', 'no'),
    fc.array(fc.constantFrom(0, 8, 50, 100), { maxLength: 3 }),
    fc.boolean(),
    fc.integer({ min: 2, max: 8 }),
  )
  .map(([content, verdict, sizes, isChunked, length]): Step[] =>
    [
      { does: 'hello', verdict: 'yes' } as const,
      { does: 'sender', verdict: 'yes' } as const,
      { does: 'recipient', verdict: 'yes' } as const,
      { does: 'recipient', verdict: 'yes' } as const,
      ...(isChunked
        ? [...sizes, 100].map(
            (size, index) => ({ does: 'chunk', verdict, size, isLast: index === sizes.length }) as const,
          )
        : [{ does: 'data', verdict, content } as const]),
    ].slice(0, length),
  );
const steps = fc
  .array(fc.oneof({ weight: 6, arbitrary: step.map((each) => [each]) }, { weight: 1, arbitrary: transaction }), {
    maxLength: 30,
  })
  .map((list) => list.flat());

/** The first twice as often as all others together. */
function often<T extends string>(first: T, ...others: T[]): fc.Arbitrary<T> {
  return fc.oneof({ weight: 2, arbitrary: fc.constant(first) }, { weight: 1, arbitrary: fc.constantFrom(...others) });
}

/** The model: what each step sends, and what it must be answered. */
function exchanges(list: readonly Step[], protocol: Protocol): Exchange[] {
  let phase: 'start' | 'ready' | 'sender' | 'recipients' | 'chunks' | 'closed' = 'start';
  let recipientCount = 0;
  /** Octets of the chunks so far. */
  let gathered = 0;
  // RFC 2033 §4.2: one reply for each recipient that was accepted.
  const forEach = (reply: Expected): Expected[] =>
    Array.from({ length: protocol === 'lmtp' ? recipientCount : 1 }, () => reply);
  const hello = protocol === 'lmtp' ? 'LHLO' : 'EHLO';
  return list.map((step, index) => {
    const id = String(index);
    const isOver = phase === 'closed';
    const says = (sent: string, ...expected: (number | Expected)[]): Exchange => ({
      sent: `${sent}\r\n`,
      expected: isOver ? [] : expected.map((each) => (typeof each === 'number' ? { code: each } : each)),
    });
    const faults = { syntax: 501, parameter: 555, charset: 501 };
    switch (step.does) {
      case 'hello': {
        const sent = step.verdict === 'syntax' ? hello : `${hello} ${step.verdict}${id}`;
        if (step.verdict === 'syntax') return says(sent, 501);
        if (step.verdict === 'no') return says(sent, { code: 550, word: `no${id}` });
        if (phase !== 'closed') phase = 'ready';
        return says(sent, { code: 250, word: `yes${id}` });
      }
      case 'sender':
      case 'recipient': {
        const isSender = step.does === 'sender';
        const keyword = isSender ? 'MAIL FROM:' : 'RCPT TO:';
        const { verdict } = step;
        const path = { syntax: '<', charset: '<\xff@a.example>' }[verdict as string] ?? `<${verdict}${id}@a.example>`;
        const sent = keyword + path + (verdict === 'parameter' ? ' XUNKNOWN=1' : '');
        const isInOrder = isSender ? phase === 'ready' : phase === 'sender' || phase === 'recipients';
        if (!isInOrder) return says(sent, 503);
        if (verdict !== 'yes' && verdict !== 'no') return says(sent, faults[verdict]);
        if (verdict === 'no') return says(sent, { code: 550, word: `no${id}@` });
        phase = isSender ? 'sender' : 'recipients';
        recipientCount = isSender ? 0 : recipientCount + 1;
        return says(sent, { code: 250, word: `yes${id}@` });
      }
      case 'data': {
        const sent = step.verdict === 'syntax' ? 'DATA now' : 'DATA';
        if (phase !== 'recipients') return says(sent, 503);
        if (step.verdict === 'syntax') return says(sent, 501);
        if (step.verdict === 'no') return { ...says(sent, 450), aboutData: 'no' };
        phase = 'ready';
        // A message is known by its size: 100 octets for each command before it, and 50 for one that is refused.
        const size = 100 * (index + 1) + (step.content === 'bad' ? 50 : 0);
        const text = `${'x'.repeat(size - 4)}${step.content === 'bare' ? '\r\r' : 'xx'}\r\n`;
        const final = {
          good: { code: 250, word: `size ${String(size)}.` },
          bad: { code: 554, word: `size ${String(size)}.` },
          bare: { code: 550, word: '5.6.11' },
        }[step.content];
        return { ...says(`${sent}\r\n${text}.`, 354, ...forEach(final)), aboutData: 'yes' };
      }
      case 'chunk': {
        const { verdict, size, isLast } = step;
        const junk = verdict === 'syntax' ? ' junk' : '';
        // What looks like commands, and a line end that `says` adds.
        const text = size === 0 ? '' : `\r\n${'QUIT\r\n'.repeat(30).slice(0, size - 2)}`;
        const sent = `BDAT ${String(size)}${isLast ? ' LAST' : ''}${junk}${text}`;
        if (phase !== 'recipients' && phase !== 'chunks') return says(sent, 503);
        const isFirst = phase === 'recipients';
        if (isFirst) gathered = 0;
        phase = 'ready';
        // RFC 3030 §2: a chunk that failed ends its transaction.
        if (verdict === 'syntax') return says(sent, 501);
        if (isFirst && verdict === 'no') {
          const refusal = { code: 450 };
          return { ...says(sent, ...(isLast ? forEach(refusal) : [refusal])), aboutData: 'no' };
        }
        gathered += size;
        if (!isLast) phase = 'chunks';
        const word = isLast ? `size ${String(gathered)}.` : `${String(size)} octets`;
        const code = isLast && gathered % 100 === 50 ? 554 : 250;
        const exchange = says(sent, ...(isLast ? forEach({ code, word }) : [{ code, word }]));
        return isFirst ? { ...exchange, aboutData: 'yes' } : exchange;
      }
      case 'anywhere':
        return says(step.line, step.code);
      case 'reset':
        if (phase !== 'start' && phase !== 'closed') phase = 'ready';
        return says('RSET', 250);
      case 'quit': {
        const exchange = says('QUIT', 221);
        phase = 'closed';
        return exchange;
      }
      case 'unreadable': {
        const exchange = says('BDAT many', 421);
        phase = 'closed';
        return exchange;
      }
      case 'unknown':
        return says(`XU${id} x`, { code: 500, word: `"XU${id}"` });
    }
  });
}

/** The application says yes and no by name, names whom it answers, and has a mind of its own about DATA. */
function decider(list: readonly Exchange[]): (question: Question) => Reply | undefined {
  const verdicts = list.flatMap(({ aboutData }) => aboutData ?? []);
  const byName = (code: number, enhanced: string, name: string): Reply =>
    name.startsWith('no') ? new Reply(550, '5.7.1', name) : new Reply(code, enhanced, name);
  return (question) => {
    switch (question.kind) {
      case 'connect':
        return undefined;
      case 'helo':
        return byName(250, '2.0.0', question.client.name.text);
      case 'mail':
        return byName(250, '2.1.0', question.reversePath.address);
      case 'rcpt':
        return byName(250, '2.1.5', question.recipient.path.address);
      case 'data':
        return verdicts.shift() === 'no' ? new Reply(450, '4.2.0', 'No content now') : undefined;
      case 'message': {
        const text = `size ${String(question.facts.sizeBytes)}.`;
        return question.facts.sizeBytes % 100 === 50 ? new Reply(554, '5.6.0', text) : new Reply(250, '2.0.0', text);
      }
      case 'vrfy':
      case 'expn':
      case 'etrn':
        return undefined;
    }
  };
}

const groupLengths = fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 12 });
const way = fc.record({
  isStreaming: fc.boolean(),
  isBatching: fc.boolean(),
  protocol: fc.constantFrom<Protocol>('smtp', 'lmtp'),
});

describe('one final reply a command, in order', () => {
  it('whatever the commands are and however they are grouped', () => {
    fc.assert(
      fc.property(steps, groupLengths, way, (list, lengths, ways) => {
        const whole = exchanges(list, ways.protocol);
        const client = new PureClient({ ...ways, limits: ROOMY, decide: decider(whole) });
        expect(client.replies.map(({ code }) => code)).toEqual([220]);
        for (let from = 0, turn = 0; from < whole.length; turn += 1) {
          const group = whole.slice(from, from + lengths[turn % lengths.length]!);
          from += group.length;
          expectReplies(
            client.send(group.map(({ sent }) => sent).join('')),
            group.flatMap(({ expected }) => expected),
          );
        }
        expect(client.session.isUnanswered).toBe(false);
      }),
      { seed: SEED, numRuns: 3000 },
    );
  });

  it('in a model that sees mail through, refuses it, and loses the client', () => {
    const codes = new Set(
      fc
        .sample(steps, { seed: SEED, numRuns: 300 })
        .flatMap((list) => exchanges(list, 'smtp').flatMap(({ expected }) => expected.map(({ code }) => code))),
    );
    expect([...codes].sort((a, b) => a - b)).toEqual([
      214, 221, 250, 252, 354, 421, 450, 500, 501, 502, 503, 504, 550, 554, 555,
    ]);
  });
});

function expectReplies(replies: readonly WireReply[], expected: readonly Expected[]): void {
  expect(replies.map(({ code }) => code)).toEqual(expected.map(({ code }) => code));
  for (const [index, { word }] of expected.entries()) {
    if (word !== undefined) expect(replies[index]!.lines.join('\n')).toContain(word);
  }
}

const ROOMY = { errorsMax: Infinity, refusalsMax: Infinity, idleCommandsMax: Infinity };
