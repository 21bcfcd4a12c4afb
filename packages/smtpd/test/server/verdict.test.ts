/** What an application said, understood; and the rule that makes one verdict of one for each recipient. */

import { describe, expect, it } from 'vitest';

import { parsePath } from '../../src/protocol/path.js';
import { Reply, SMTPReplyError } from '../../src/protocol/reply.js';
import type { Recipient } from '../../src/protocol/session-state.js';
import { judgeMessage, isThenable, judge, judgeThrown, type Decision } from '../../src/server/verdict.js';

/** A decision as text. */
function told(decision: Decision): string {
  switch (decision.kind) {
    case 'pass':
      return 'pass';
    case 'fault':
      return `fault: ${String(decision.error)}`;
    case 'accept':
    case 'refuse':
      return `${decision.kind}: ${decision.reply.toString()}`;
    case 'each':
      return decision.decisions.map(told).join(' | ');
  }
}

describe('judge', () => {
  it.each([[undefined], [null], [''], [false], [0], [-0]])('takes %o for yes', (value) => {
    expect(judge(value)).toEqual({ kind: 'pass' });
  });

  it.each<[unknown, string]>([
    ['250 2.0.0 Fine', 'accept: 250 2.0.0 Fine'],
    ['250', 'accept: 250 '],
    [new Reply(251, '2.1.5', 'Moved'), 'accept: 251 2.1.5 Moved'],
    ['450 4.2.0 Later', 'refuse: 450 4.2.0 Later'],
    ['550 5.1.1 No', 'refuse: 550 5.1.1 No'],
    [new Reply(554, undefined, 'No'), 'refuse: 554 No'],
    ['421 4.3.2 Bye', 'refuse: 421 4.3.2 Bye'],
  ])('takes %s for what it says', (value, expected) => {
    expect(told(judge(value))).toBe(expected);
  });

  it.each<[unknown, string]>([
    ['354 Go on', 'fault: TypeError: A verdict is a 2yz, 4yz or 5yz reply, not 354'],
    [new Reply(334, undefined, ''), 'fault: TypeError: A verdict is a 2yz, 4yz or 5yz reply, not 334'],
    ['fine', 'fault: TypeError: Not a reply: "fine"'],
    ['250-never ended', 'fault: TypeError: Not a reply: "250-never ended"'],
    [250, 'fault: TypeError: Not a reply: [object Number]'],
    [NaN, 'fault: TypeError: Not a reply: [object Number]'],
    [0n, 'fault: TypeError: Not a reply: [object BigInt]'],
    [true, 'fault: TypeError: Not a reply: [object Boolean]'],
    [[], 'fault: TypeError: Not a reply: [object Array]'],
    [{ code: 250 }, 'fault: TypeError: Not a reply: [object Object]'],
    [new Map(), 'fault: TypeError: Not a reply: [object Map]'],
    [new SMTPReplyError(550, '5.1.1', 'returned, not thrown'), 'fault: TypeError: Not a reply: [object Error]'],
  ])('takes %s for a fault', (value, expected) => {
    expect(told(judge(value))).toBe(expected);
  });

  it('shows at most 200 characters of what was no reply', () => {
    expect(told(judge('x'.repeat(10_000))).length).toBeLessThan(250);
  });
});

describe('judgeThrown', () => {
  it('takes an SMTPReplyError for its reply', () => {
    const error = new SMTPReplyError(550, '5.1.1', 'No such user');
    const decision = judgeThrown(error);
    expect(decision.kind).toBe('refuse');
    expect(decision).toHaveProperty('reply', error.reply);
  });

  it.each([[new Error('x')], ['550 5.1.1 No'], [new Reply(550, '5.1.1', 'No')], [undefined], [null]])(
    'takes %s for a fault',
    (error) => {
      expect(judgeThrown(error)).toEqual({ kind: 'fault', error });
    },
  );
});

describe('judgeMessage', () => {
  const NAMES = ['a@b.example', 'c@b.example', 'd@b.example'] as const;
  const recipients: Recipient[] = NAMES.map((name) => {
    const result = parsePath(`<${name}>`, { syntax: 'strict', allowNull: false, allowPostmaster: false });
    if (!result.ok) throw new Error(name);
    return { path: result.path, parameters: [] };
  });

  /** The rule, said once more and differently. */
  function expected(verdicts: readonly unknown[]): string {
    const all = verdicts.map((verdict) => told(judge(verdict)));
    return (
      // Whatever makes the client try again, and the application's faults do, comes first, so that nobody is left out.
      all.find((each) => each.startsWith('refuse: 4') || each.startsWith('fault')) ??
      all.find((each) => each.startsWith('refuse: 5')) ??
      all.find((each) => each.startsWith('accept')) ??
      'pass'
    );
  }

  it('gives one verdict for every combination of three: the first 4yz or fault, else the first 5yz, else yes', () => {
    const kinds = (index: number): unknown[] => [
      undefined,
      `250 2.0.0 Yes ${String(index)}`,
      `450 4.2.0 Later ${String(index)}`,
      `550 5.1.1 No ${String(index)}`,
      `nonsense ${String(index)}`,
    ];
    let count = 0;
    for (const first of kinds(1)) {
      for (const second of kinds(2)) {
        for (const third of kinds(3)) {
          const verdicts = [first, second, third];
          const map = new Map(NAMES.map((name, index) => [name, verdicts[index]]));
          expect([verdicts, told(judgeMessage(map, recipients, 'smtp'))]).toEqual([verdicts, expected(verdicts)]);
          count += 1;
        }
      }
    }
    expect(count).toBe(125);
  });

  it('takes silence about a recipient for yes, as everywhere', () => {
    expect(told(judgeMessage(new Map(), recipients, 'smtp'))).toBe('pass');
    expect(told(judgeMessage(new Map([[NAMES[1], '550 5.1.1 No']]), recipients, 'smtp'))).toContain('refuse: 550');
  });

  it('counts in the order of the recipients, not in that of the map', () => {
    const map = new Map([
      [NAMES[2], '550 5.1.1 Third'],
      [NAMES[0], '550 5.1.1 First'],
    ]);
    expect(told(judgeMessage(map, recipients, 'smtp'))).toContain('First');
  });

  it.each<[unknown, string]>([
    ['e@b.example', '"e@b.example"'],
    ['A@b.example', '"A@b.example"'],
    [17, '[object Number]'],
    [undefined, '[object Undefined]'],
  ])('takes a verdict for %s, who is no recipient, for a fault', (name, shown) => {
    expect(told(judgeMessage(new Map([[name, undefined]]), recipients, 'smtp'))).toBe(
      `fault: TypeError: A verdict for ${shown}, who is no recipient of this message`,
    );
  });

  it('takes a list as the verdicts of the recipients in their order', () => {
    expect(told(judgeMessage([undefined, '550 5.1.1 Second', '450 4.2.0 Third'], recipients, 'smtp'))).toContain(
      'Third',
    );
    expect(told(judgeMessage([undefined, '250 2.0.0 Second', undefined], recipients, 'smtp'))).toContain('Second');
    const each = judgeMessage([undefined, '550 5.1.1 Second', '450 4.2.0 Third'], recipients, 'lmtp');
    expect(each.kind === 'each' && each.decisions.map(told)).toEqual([
      'pass',
      'refuse: 550 5.1.1 Second',
      'refuse: 450 4.2.0 Third',
    ]);
  });

  it.each([[[]], [['250 OK']], [['250 OK', '250 OK', '250 OK', '250 OK']]])(
    'takes the list %j, which is not one for each recipient, for a fault',
    (list) => {
      for (const protocol of ['smtp', 'lmtp'] as const) {
        expect(told(judgeMessage(list, recipients, protocol))).toContain('fault: TypeError: A list of');
      }
    },
  );

  it('has a verdict for each recipient in LMTP, also for one that was named twice', () => {
    const twice = [recipients[0]!, recipients[1]!, recipients[0]!];
    const each = judgeMessage(new Map([[NAMES[0], '550 5.1.1 No']]), twice, 'lmtp');
    expect(each.kind === 'each' && each.decisions.map(({ kind }) => kind)).toEqual(['refuse', 'pass', 'refuse']);
  });

  it('holds for a recipient that was named twice', () => {
    const twice = [recipients[0]!, recipients[0]!];
    expect(told(judgeMessage(new Map([[NAMES[0], '550 5.1.1 No']]), twice, 'smtp'))).toContain('refuse: 550');
  });
});

describe('isThenable', () => {
  it.each<[string, unknown, boolean]>([
    ['a promise', Promise.resolve(), true],
    ['an object with then()', { then: () => undefined }, true],
    ['an object whose then is no function', { then: 'now' }, false],
    ['a function with then()', Object.assign(() => undefined, { then: () => undefined }), false],
    ['a text', 'then', false],
    ['null', null, false],
    ['undefined', undefined, false],
  ])('says of %s: %s', (_, value, expectedAnswer) => {
    expect(isThenable(value)).toBe(expectedAnswer);
  });
});
