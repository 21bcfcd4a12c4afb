import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { saslprep } from '../../../src/protocol/sasl/saslprep.js';
import {
  isInRanges,
  LEFT_TO_RIGHT,
  MAPPED_TO_NOTHING,
  NON_ASCII_SPACES,
  PROHIBITED,
  RIGHT_TO_LEFT,
} from '../../../src/protocol/sasl/saslprep-tables.js';

describe('SASLprep', () => {
  it.each([
    ['I\u00adX', 'IX', 'SOFT HYPHEN mapped to nothing'],
    ['user', 'user', 'no transformation'],
    ['USER', 'USER', 'case preserved, will not match #2'],
    ['\u00aa', 'a', 'output is NFKC, input in ISO 8859-1'],
    ['\u2168', 'IX', 'output is NFKC, will match #1'],
    ['\u0007', undefined, 'Error - prohibited character'],
    ['\u06271', undefined, 'Error - bidirectional check'],
  ])('prepares the examples of RFC 4013: %j is %j', (input, output, _reason) => {
    expect(saslprep(input)).toBe(output);
  });

  it('makes every other space the one of ASCII, the zero width space too', () => {
    expect(saslprep('a\u00a0b\u1680c\u200bd\u3000e')).toBe('a b c d e');
  });

  it('maps away what is commonly mapped to nothing, and may leave nothing', () => {
    expect(saslprep('\u00ad\u034f\u1806\u200c\u200d\u2060\ufe00\ufe0f\ufeff')).toBe('');
  });

  it.each([
    '\0',
    '\u007f',
    '\u0080',
    '\u06dd',
    '\u2028',
    '\ue000',
    '\u{10fffd}',
    '\ufdd0',
    '\u{1ffff}',
    '\ud800',
    'a\udfff',
    '\ufffd',
    '\u2ff0',
    '\u206a',
    '\u200e',
    '\u{e0001}',
    '\u{e007f}',
  ])('refuses the prohibited %j', (text) => {
    expect(saslprep(text)).toBeUndefined();
  });

  it('lets unassigned code points through, as for a query', () => {
    expect(saslprep('\u0221\u{1f600}')).toBe('\u0221\u{1f600}');
  });

  it('refuses text that mixes directions, or has a right-to-left character and not one at each end', () => {
    const results = ['\u05d0', '\u05d01\u05d0', '\u05d0 \u0627', '\u05d0a\u05d0', '\u05d01', '1\u05d0'].map(
      (text) => saslprep(text) !== undefined,
    );
    expect(results).toEqual([true, true, true, false, false, false]);
  });

  it('gives a result that it does not change again', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 12 }), (text) => {
        const prepared = saslprep(text);
        if (prepared !== undefined) expect(saslprep(prepared)).toBe(prepared);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('the tables', () => {
  it('have as many code points as those of RFC 3454', () => {
    const sizes = [MAPPED_TO_NOTHING, NON_ASCII_SPACES, RIGHT_TO_LEFT].map((ranges) => {
      let size = 0;
      for (let codePoint = 0; codePoint <= 0x10ffff; codePoint += 1) if (isInRanges(codePoint, ranges)) size += 1;
      return size;
    });
    expect(sizes).toEqual([27, 17, 1044]);
  });

  it('know the first and the last of a range, and not their neighbours', () => {
    const inside = [0x40, 0x41, 0x5a, 0x5b, 0xa9, 0xaa, 0xab, 0x10fffd, 0x10fffe].map((codePoint) =>
      isInRanges(codePoint, LEFT_TO_RIGHT),
    );
    expect(inside).toEqual([false, true, true, false, false, true, false, true, false]);
  });

  it('prohibit no character that is printed in ASCII', () => {
    for (let codePoint = 0x20; codePoint < 0x7f; codePoint += 1) expect(isInRanges(codePoint, PROHIBITED)).toBe(false);
  });
});
