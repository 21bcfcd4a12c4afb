/** Finding a command: by some of its letters, and by keys. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { fuzzyFilter, fuzzyScore } from '../../page/commands/fuzzy.js';
import { KeyMatcher } from '../../page/commands/key-matcher.js';

describe('letters', () => {
  const titles = [
    'Export as mbox',
    'Export as zip of .eml',
    'Next',
    'New inbox',
    'Mark read or unread',
    'Delete',
    'Delete all',
    'Reading list',
    'Drop inbox',
  ];
  it.each([
    ['mbox', 'Export as mbox'],
    ['exz', 'Export as zip of .eml'],
    ['ni', 'New inbox'],
    ['mru', 'Mark read or unread'],
    ['delete', 'Delete'],
    ['del a', 'Delete all'],
    ['NEXT', 'Next'],
    // Beginnings of words count more than letters side by side.
    ['di', 'Drop inbox'],
  ])('%j find %j first', (letters, expected) => {
    expect(fuzzyFilter(letters, titles, (title) => title)[0]).toBe(expected);
  });

  it('find all where there are none, as they stand', () => {
    expect(fuzzyFilter('', titles, (title) => title)).toEqual(titles);
    expect(fuzzyFilter('zzz', titles, (title) => title)).toEqual([]);
  });

  it('fit exactly what has them in their order', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', 'c', ' '), maxLength: 10 });
    fc.assert(
      fc.property(text, text, (letters, all) => {
        const pattern = new RegExp(Array.from(letters.replaceAll(' ', '')).join('.*'), 's');
        expect(fuzzyScore(letters, all) !== undefined).toBe(pattern.test(all));
      }),
      { numRuns: 2000 },
    );
  });
});

describe('keys', () => {
  const commands = [{ keys: ['j', 'ArrowDown'] }, { keys: ['g i'] }, { keys: ['i'] }, { keys: ['g g', 'Mod+k'] }];
  const [next, goAll, other, top] = commands;
  const pressed = (...keys: readonly (readonly [string, number])[]) => {
    const matcher = new KeyMatcher(commands);
    return keys.map(([key, atMs]) => matcher.press(key, atMs)).at(-1);
  };
  it('are found one by one, and one after the other', () => {
    expect(pressed(['j', 0])).toBe(next);
    expect(pressed(['ArrowDown', 0])).toBe(next);
    expect(pressed(['Mod+k', 0])).toBe(top);
    expect(pressed(['g', 0])).toBe('begun');
    expect(pressed(['g', 0], ['i', 500])).toBe(goAll);
    expect(pressed(['g', 0], ['g', 500])).toBe(top);
  });

  it('are forgotten after a while, and when another one comes', () => {
    expect(pressed(['g', 0], ['i', 5000])).toBe(other);
    expect(pressed(['g', 0], ['j', 100])).toBe(next);
    expect(pressed(['g', 0], ['j', 100], ['i', 200])).toBe(other);
    expect(pressed(['q', 0])).toBeUndefined();
  });
});
