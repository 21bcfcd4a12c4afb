import { describe, expect, it } from 'vitest';

import { CachedAnswers } from '../../../src/handlers/mailman/cached-answers.js';
import { Held, rejection } from '../../server/support.js';
import { ManualClock } from '../../support/manual-clock.js';

/** A cache whose questions the test answers. */
function cache({ entriesMax = 10 } = {}) {
  const clock = new ManualClock();
  const asked: { key: string; held: Held<string> }[] = [];
  const answers = new CachedAnswers<string>({
    clock,
    ask: (key) => {
      const held = new Held<string>();
      asked.push({ key, held });
      return held.promise;
    },
    timesOf: (value) => ({ freshMs: 100, staleMs: value === 'short' ? 0 : 1_000 }),
    entriesMax,
  });
  const get = async (key: string, answer: string): Promise<void> => {
    const got = answers.get(key, undefined);
    asked.at(-1)?.held.answer(answer);
    await got;
  };
  return { clock, asked, answers, get };
}

describe('CachedAnswers', () => {
  it('asks once for all who ask at the same time, and for each key', async () => {
    const { asked, answers } = cache();
    const gets = [answers.get('a', undefined), answers.get('a', undefined), answers.get('b', undefined)];
    expect(asked.map(({ key }) => key)).toEqual(['a', 'b']);
    asked.forEach(({ key, held }) => {
      held.answer(`${key}!`);
    });
    expect((await Promise.all(gets)).map(({ value }) => value)).toEqual(['a!', 'a!', 'b!']);
  });

  it('does not ask again before the time is over', async () => {
    const { clock, asked, answers, get } = cache();
    await get('a', 'one');
    clock.advance(99);
    expect(await answers.get('a', undefined)).toEqual({ value: 'one', isStale: false });
    expect(asked).toHaveLength(1);
    clock.advance(1);
    const again = answers.get('a', undefined);
    expect(asked).toHaveLength(2);
    asked[1]!.held.answer('two');
    expect(await again).toEqual({ value: 'two', isStale: false });
  });

  it('has the last answer when there is no newer, as long as it will do', async () => {
    const { clock, asked, answers, get } = cache();
    await get('a', 'one');
    clock.advance(1_099);
    const stale = answers.get('a', undefined);
    asked[1]!.held.fail(new Error('away'));
    expect(await stale).toEqual({ value: 'one', isStale: true });
    clock.advance(1);
    const none = answers.get('a', undefined);
    asked[2]!.held.fail(new Error('away'));
    expect(await rejection(none)).toMatchObject({ message: 'away' });
  });

  it('has none when that answer is good for its own time only', async () => {
    const { clock, asked, answers, get } = cache();
    await get('a', 'short');
    clock.advance(100);
    const none = answers.get('a', undefined);
    asked[1]!.held.fail(new Error('away'));
    expect(await rejection(none)).toMatchObject({ message: 'away' });
  });

  it('asks again after a question that failed', async () => {
    const { asked, answers } = cache();
    const failed = answers.get('a', undefined);
    asked[0]!.held.fail(new Error('away'));
    expect(await rejection(failed)).toMatchObject({ message: 'away' });
    const again = answers.get('a', undefined);
    asked[1]!.held.answer('there');
    expect((await again).value).toBe('there');
  });

  it('lets one leave while another waits', async () => {
    const { asked, answers } = cache();
    const leaving = new AbortController();
    const left = answers.get('a', leaving.signal);
    const waits = answers.get('a', new AbortController().signal);
    leaving.abort(new Error('left'));
    expect(await rejection(left)).toMatchObject({ message: 'left' });
    asked[0]!.held.answer('one');
    expect((await waits).value).toBe('one');
    expect(await rejection(answers.get('a', leaving.signal))).toMatchObject({ message: 'left' });
  });

  it('keeps no more than it may, the newest', async () => {
    const { asked, answers, get } = cache({ entriesMax: 2 });
    for (const key of ['a', 'b', 'c']) await get(key, key);
    expect(answers.size).toBe(2);
    expect((await answers.get('b', undefined)).value).toBe('b');
    expect((await answers.get('c', undefined)).value).toBe('c');
    expect(asked).toHaveLength(3);
    await get('a', 'new');
    expect(asked).toHaveLength(4);
    expect(answers.size).toBe(2);
  });
});
