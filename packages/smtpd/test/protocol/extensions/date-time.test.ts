import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { formatDateTime, parseDateTime } from '../../../src/protocol/extensions/date-time.js';

describe('parseDateTime', () => {
  it.each([
    ['1985-04-12T23:20:50.52Z', '1985-04-12T23:20:51Z'],
    ['1985-04-12T23:20:50.00Z', '1985-04-12T23:20:50Z'],
    ['1996-12-19T16:39:57-08:00', '1996-12-20T00:39:57Z'],
    ['1990-12-31T23:59:60Z', '1991-01-01T00:00:00Z'],
    ['1937-01-01T12:00:27.87+00:20', '1937-01-01T11:40:28Z'],
    ['2028-02-29T00:00:00z', '2028-02-29T00:00:00Z'],
    ['0001-01-01t00:00:00Z', '0001-01-01T00:00:00Z'],
    ['9999-12-31T23:59:59Z', '9999-12-31T23:59:59Z'],
  ])('%s is %s', (text, utc) => {
    expect(formatDateTime(parseDateTime(text) ?? NaN)).toBe(utc);
  });

  it.each([
    ...['', '2028-02-29', '2028-02-29T00:00Z', '2028-02-29 00:00:00Z', '2028-02-29T00:00:00', '2028-02-29T00:00:00.Z'],
    ...[
      '2027-02-29T00:00:00Z',
      '1900-02-29T00:00:00Z',
      '2028-04-31T00:00:00Z',
      '2028-13-01T00:00:00Z',
      '2028-00-01T00:00:00Z',
    ],
    ...[
      '2028-01-00T00:00:00Z',
      '2028-01-32T00:00:00Z',
      '2028-01-01T24:00:00Z',
      '2028-01-01T00:60:00Z',
      '2028-01-01T00:00:61Z',
    ],
    ...['2028-01-01T00:00:00+24:00', '2028-01-01T00:00:00+00:60', '2028-01-01T00:00:00+0000', '+2028-01-01T00:00:00Z'],
    // An offset does not lead out of the years of four digits.
    ...['9999-12-31T23:59:59-00:01', '0000-01-01T00:00:00+00:01'],
  ])('%j is no date-time', (text) => {
    expect(parseDateTime(text)).toBeUndefined();
  });

  it('reads what formatDateTime writes', () => {
    const second = fc.integer({ min: -62_167_219_200, max: 253_402_300_799 }).map((seconds) => seconds * 1_000);
    fc.assert(
      fc.property(second, (instant) => {
        expect(parseDateTime(formatDateTime(instant))).toBe(instant);
      }),
    );
  });

  it('agrees with the language on texts that both know', () => {
    const two = (max: number): fc.Arbitrary<string> =>
      fc.integer({ min: 0, max }).map((number) => String(number).padStart(2, '0'));
    fc.assert(
      fc.property(
        fc.integer({ min: 1970, max: 9998 }),
        two(13),
        two(28),
        two(23),
        two(59),
        two(59),
        fc.constantFrom('Z', '+05:30', '-11:00'),
        (year, month, day, hour, minute, second, zone) => {
          const text = `${String(year)}-${month}-${day}T${hour}:${minute}:${second}${zone}`;
          expect(parseDateTime(text) ?? NaN).toBe(Date.parse(text));
        },
      ),
    );
  });
});
