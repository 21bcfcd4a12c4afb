/** What the search box suggests. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { suggest, withSuggestion } from '../../page/search/suggestions.js';
import { parseSearch } from '../../src/search/search-syntax.js';

const known = { from: ['ann@a.example', 'bob@b.example'], tag: ['checkout', 'two words'], inbox: ['k3f9'] };
const labels = (text: string, cursor = text.length) => suggest(text, cursor, known).map(({ label }) => label);

describe('suggestions', () => {
  it.each([
    ['fr', ['from:']],
    ['FR', ['from:']],
    ['-ta', ['tag:']],
    ['hello be', ['before:']],
    ['(subj', ['subject:']],
    ['is:', ['read', 'unread', 'session']],
    ['is:un', ['unread']],
    ['-has:', ['attachment']],
    ['from:', ['ann@a.example', 'bob@b.example']],
    ['from:BOB', ['bob@b.example']],
    ['tag:"two', ['two words']],
    ['inbox:k', ['k3f9']],
    // What is complete needs none; what is quoted, or no operator, has none.
    ['inbox:k3f9', []],
    ['"fr', []],
    ['subject:"a fr', []],
    ['nothing:', []],
  ])('for %j are %j', (text, expected) => {
    expect(labels(text)).toEqual(expected);
  });

  it('are all operators where a word begins', () => {
    expect(labels('').length).toBeGreaterThan(10);
    expect(labels('one ')).toEqual(labels(''));
  });

  it('put what was chosen where the cursor is, and the cursor behind it', () => {
    const take = (text: string, cursor: number, label: string) => {
      const suggestion = suggest(text, cursor, known).find((each) => each.label === label);
      return withSuggestion(text, suggestion!);
    };
    expect(take('fr', 2, 'from:')).toEqual({ text: 'from:', cursor: 5 });
    expect(take('is:un larger:1k', 5, 'unread')).toEqual({ text: 'is:unread larger:1k', cursor: 10 });
    expect(take('-tag:tw', 7, 'two words')).toEqual({ text: '-tag:"two words" ', cursor: 17 });
  });

  it('are never refused by the search, whatever stands there before', () => {
    const word = fc.constantFrom('hello', 'from:ann', '-is:read', '"two words"', 'tag:"a b"', 'larger:1k');
    let taken = 0;
    fc.assert(
      fc.property(
        fc.array(word, { maxLength: 4 }),
        fc.constantFrom('is:', 'has:', 'tag:', 'from:t', 'before:', 'larger:', 'header:'),
        (words, operator) => {
          const text = [...words, operator].join(' ');
          for (const suggestion of suggest(text, text.length, known)) {
            const next = withSuggestion(text, suggestion).text;
            expect(parseSearch(next, { now: new Date('2026-11-25T20:00:00Z') }), next).not.toHaveProperty('fault');
            taken++;
          }
        },
      ),
    );
    expect(taken).toBeGreaterThan(100);
  });
});
