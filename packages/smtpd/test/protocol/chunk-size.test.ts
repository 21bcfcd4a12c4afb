import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { parseChunkSize } from '../../src/protocol/chunk-size.js';

describe('parseChunkSize', () => {
  it.each([
    ['0', 0, false],
    ['86', 86, false],
    ['86 LAST', 86, true],
    ['86 last', 86, true],
    ['0 LaSt', 0, true],
    ['86   LAST', 86, true],
    // RFC 3030 §2: `chunk-size ::= 1*DIGIT`.
    ['00000000000000000086', 86, false],
    ['9007199254740991 LAST', Number.MAX_SAFE_INTEGER, true],
  ])('reads "%s"', (argument, sizeBytes, isLast) => {
    expect(parseChunkSize(argument)).toEqual({ sizeBytes, isLast, isWellFormed: true });
  });

  it.each(['5 LAST junk', '5 junk', '5 LAST LAST', '5 LASTLY', '5 ſ', '5 LAſT', '5 6', '5 LAST\0', '5  x'])(
    'knows the size in "%s", which is not well formed and not the last',
    (argument) => {
      expect(parseChunkSize(argument)).toEqual({ sizeBytes: 5, isLast: false, isWellFormed: false });
    },
  );

  it.each([
    ...[
      '',
      ' ',
      'LAST',
      'x',
      '-1',
      '+1',
      '-0',
      '1.5',
      '1e3',
      '0x10',
      '1_000',
      '5x',
      '5LAST',
      '5\tLAST',
      ' 5',
      '٣',
      '5,',
    ],
    ...['9007199254740992', '99999999999999999999', '000000000000000000005', 'Infinity', 'NaN', '5\n', '5 LAST\n'],
  ])('cannot tell how long %j is', (argument) => {
    expect(parseChunkSize(argument)).toBeUndefined();
  });

  it('reads back every size', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.boolean(), (sizeBytes, isLast) => {
        expect(parseChunkSize(`${String(sizeBytes)}${isLast ? ' LAST' : ''}`)).toEqual({
          sizeBytes,
          isLast,
          isWellFormed: true,
        });
      }),
    );
  });

  it('never throws, and never gives a size that cannot be counted', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'0129 LAST-\t\0x'), maxLength: 30 }), (argument) => {
        const chunk = parseChunkSize(argument);
        if (chunk === undefined) return;
        expect(Number.isSafeInteger(chunk.sizeBytes)).toBe(true);
        expect(chunk.sizeBytes).toBe(Number(/^\d+/.exec(argument)?.[0]));
        if (chunk.isLast) expect(chunk.isWellFormed).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });
});
