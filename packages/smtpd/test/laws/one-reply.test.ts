/**
 * The law that every command gets one final reply, in order, however the commands are grouped. A second, small model of a session
 * says which: it knows phases and codes, and nothing of the table, of parsing or of limits.
 */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { Reply } from '../../src/protocol/reply.js';
import type { Question } from '../../src/protocol/server-session.js';
import { PureClient } from '../support/pure-client.js';
import type { WireReply } from '../support/raw-client.js';
import { SEED } from './generated-conversation.js';

/** What a client does; each is one command. `verdict` is what the application says, or what is wrong with it. */
type Step =
  | { readonly does: 'hello'; readonly verdict: 'yes' | 'no' | 'syntax' }
  | { readonly does: 'sender' | 'recipient'; readonly verdict: 'yes' | 'no' | 'syntax' | 'parameter' | 'charset' }
  | { readonly does: 'data'; readonly verdict: 'yes' | 'no' | 'syntax'; readonly content: 'good' | 'bad' | 'bare' }
  | { readonly does: 'anywhere'; readonly line: string; readonly code: number }
  | { readonly does: 'reset' | 'quit' | 'unknown' };

/** A reply that must come: its code, and a word with the number of its command where there can be one. */
interface Expected {
  readonly code: number;
  readonly word?: string;
}

/** What one step sends and what it must get. */
interface Exchange {
  readonly sent: string;
  readonly expected: readonly Expected[];
}

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
    weight: 4,
    arbitrary: fc.constantFrom<Step>(
      { does: 'anywhere', line: 'NOOP', code: 250 },
      { does: 'anywhere', line: 'noop at all', code: 250 },
      { does: 'anywhere', line: 'VRFY bob', code: 252 },
      { does: 'anywhere', line: 'VRFY', code: 501 },
      { does: 'anywhere', line: 'EXPN list', code: 502 },
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
  { weight: 1, arbitrary: fc.oneof(fc.constant<Step>({ does: 'quit' }), fc.constant<Step>({ does: 'reset' })) },
);
/** A transaction in order, up to its end or nearly so. */
const transaction = fc
  .tuple(often('good', 'bad', 'bare'), often('yes', 'no'), fc.integer({ min: 2, max: 5 }))
  .map(([content, verdict, length]): Step[] =>
    [
      { does: 'hello', verdict: 'yes' } as const,
      { does: 'sender', verdict: 'yes' } as const,
      { does: 'recipient', verdict: 'yes' } as const,
      { does: 'data', verdict, content } as const,
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
function exchanges(list: readonly Step[]): Exchange[] {
  let phase: 'start' | 'ready' | 'sender' | 'recipients' | 'closed' = 'start';
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
        const sent = step.verdict === 'syntax' ? 'EHLO' : `EHLO ${step.verdict}${id}`;
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
        return says(sent, { code: 250, word: `yes${id}@` });
      }
      case 'data': {
        const sent = step.verdict === 'syntax' ? 'DATA now' : 'DATA';
        if (phase !== 'recipients') return says(sent, 503);
        if (step.verdict === 'syntax') return says(sent, 501);
        if (step.verdict === 'no') return says(sent, 450);
        phase = 'ready';
        // A message is known by its size: 100 octets for each command before it, and 50 for one that is refused.
        const size = 100 * (index + 1) + (step.content === 'bad' ? 50 : 0);
        const text = `${'x'.repeat(size - 4)}${step.content === 'bare' ? '\r\r' : 'xx'}\r\n`;
        const final = {
          good: { code: 250, word: `size ${String(size)}.` },
          bad: { code: 554, word: `size ${String(size)}.` },
          bare: { code: 550, word: '5.6.11' },
        }[step.content];
        return says(`${sent}\r\n${text}.`, 354, final);
      }
      case 'anywhere':
        return says(step.line, step.code);
      case 'reset':
        if (phase === 'sender' || phase === 'recipients') phase = 'ready';
        return says('RSET', 250);
      case 'quit': {
        const exchange = says('QUIT', 221);
        phase = 'closed';
        return exchange;
      }
      case 'unknown':
        return says(`XU${id} x`, { code: 500, word: `"XU${id}"` });
    }
  });
}

/** The application says yes and no by name, names whom it answers, and has a mind of its own about DATA. */
function decider(list: readonly Step[]): (question: Question) => Reply | undefined {
  const aboutData = [...dataVerdicts(list)];
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
        return aboutData.shift() === 'no' ? new Reply(450, '4.2.0', 'No content now') : undefined;
      case 'message': {
        const text = `size ${String(question.facts.sizeBytes)}.`;
        return question.facts.sizeBytes % 100 === 50 ? new Reply(554, '5.6.0', text) : new Reply(250, '2.0.0', text);
      }
    }
  };
}

/** What the application will say to the DATA commands that reach it, in order. */
function* dataVerdicts(list: readonly Step[]): Generator<string> {
  for (const [index, { expected }] of exchanges(list).entries()) {
    const step = list[index]!;
    if (step.does !== 'data' || expected.length === 0) continue;
    if (expected[0]!.code === 354 || expected[0]!.code === 450) yield step.verdict;
  }
}

const groupLengths = fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 12 });
const way = fc.record({ isStreaming: fc.boolean(), isBatching: fc.boolean() });

describe('one final reply a command, in order', () => {
  it('whatever the commands are and however they are grouped', () => {
    fc.assert(
      fc.property(steps, groupLengths, way, (list, lengths, ways) => {
        const client = new PureClient({ ...ways, limits: ROOMY, decide: decider(list) });
        expect(client.replies.map(({ code }) => code)).toEqual([220]);
        const whole = exchanges(list);
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
        .flatMap((list) => exchanges(list).flatMap(({ expected }) => expected.map(({ code }) => code))),
    );
    expect([...codes].sort((a, b) => a - b)).toEqual([
      214, 221, 250, 252, 354, 450, 500, 501, 502, 503, 504, 550, 554, 555,
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
