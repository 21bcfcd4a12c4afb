import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { HEX_ROW_OCTETS, hexRow, hexRowCount } from '../../page/message/hex.js';
import { OctetLines, type OctetMark } from '../../page/message/octet-lines.js';
import { countOctets, findOctets, findOctetsBackwards } from '../../page/message/octet-search.js';

const latin1 = (text: string): Uint8Array => Uint8Array.from(text, (letter) => letter.charCodeAt(0));
const rows = (text: string, rowOctetsMax?: number) => {
  const octets = latin1(text);
  const lines = new OctetLines(octets, rowOctetsMax === undefined ? {} : { rowOctetsMax });
  return Array.from({ length: lines.rowCount }, (_, row) => lines.row(row));
};

describe('the rows of a message', () => {
  // The letters that matter, with every neighbour.
  const octets = fc
    .array(fc.constantFrom('\r', '\n', '\r\n', '\0', '\t', ' ', 'a', '\x7f', '\xe9', 'b'.repeat(9)), { maxLength: 40 })
    .map((parts) => parts.join(''));

  it('join back to the octets, whatever the octets and however short the rows', () => {
    fc.assert(
      fc.property(octets, fc.integer({ min: 1, max: 12 }), (text, rowOctetsMax) => {
        const all = rows(text, rowOctetsMax);
        expect(all.map(({ start, end }) => text.slice(start, end)).join('')).toBe(text);
        expect(all[0]?.start).toBe(0);
        for (const row of all) {
          expect(row.textEnd).toBeLessThanOrEqual(row.end);
          expect(text.slice(row.textEnd, row.end)).toBe({ crlf: '\r\n', lf: '\n', none: '', goesOn: '' }[row.lineEnd]);
        }
      }),
    );
  });

  it('have the line numbers and marks that a plain reading gives, and are found again by them', () => {
    fc.assert(
      fc.property(octets, fc.integer({ min: 1, max: 12 }), (text, rowOctetsMax) => {
        const lines = new OctetLines(latin1(text), { rowOctetsMax });
        const plain = text.split('\n');
        expect(lines.lineCount).toBe(plain.length);
        for (let row = 0; row < lines.rowCount; row += 1) {
          const { line, start, textEnd, end, marks, isContinuation, lineEnd } = lines.row(row);
          const before = text.slice(0, start);
          expect(line).toBe(before.split('\n').length);
          expect(isContinuation).toBe(start > 0 && !before.endsWith('\n'));
          expect(lines.rowOfOctet(start)).toBe(end > start ? row : lines.rowOfOctet(start));
          if (!isContinuation) expect(lines.rowOfLine(line)).toBe(row);
          const shown = text.slice(start, textEnd);
          const expected: Partial<Record<OctetMark, boolean>> = {
            bareLF: lineEnd === 'lf',
            bareCR: shown.includes('\r'),
            nul: shown.includes('\0'),
            control: shown.includes('\x7f'),
            eightBit: shown.includes('\xe9'),
            trailingBlank: lineEnd !== 'goesOn' && /[ \t]$/.test(shown),
          };
          expect(
            Object.fromEntries(Object.keys(expected).map((mark) => [mark, marks.includes(mark as OctetMark)])),
          ).toEqual(expected);
        }
      }),
    );
  });

  it.each([
    { octets: 78, marks: [] },
    { octets: 79, marks: ['over78'] },
    { octets: 998, marks: ['over78'] },
    { octets: 999, marks: ['over78', 'over998'] },
    { octets: 3000, marks: ['over78', 'over998'] },
  ])('say of a line of $octets octets: $marks', ({ octets: length, marks }) => {
    const [first, ...others] = rows(`${'a'.repeat(length)}\r\n`);
    expect(first?.marks).toEqual(marks);
    expect(others.filter((row) => row.marks.length > 0)).toEqual([]);
  });

  it('count each mark, and go from one to the next, around the end', () => {
    const lines = new OctetLines(latin1('a\nb\r\nc\nd'));
    expect(lines.markCounts).toMatchObject({ bareLF: 2, bareCR: 0 });
    expect(lines.nextMarked('bareLF', 0)).toBe(2);
    expect(lines.nextMarked('bareLF', 2)).toBe(0);
    expect(lines.nextMarked('nul', 0)).toBeUndefined();
  });

  it('take linear time: an index of 30 MB is there before anybody waits for it', () => {
    const octets = new Uint8Array(30 * 1024 * 1024).fill(0x61);
    for (let at = 77; at < octets.length; at += 78) octets[at] = 0x0a;
    const lines = new OctetLines(octets);
    expect(lines.row(lines.rowCount - 1).line).toBe(lines.lineCount);
    expect(lines.rowOfLine(200_000)).toBe(199_999);
    // One line of it all: the rows stay short.
    const single = new OctetLines(octets.fill(0x61));
    expect(single.lineCount).toBe(1);
    expect(single.row(7000)).toMatchObject({ line: 1, start: 7_168_000, isContinuation: true });
  });
});

describe('searching octets', () => {
  // Few letters and short needles: they are found, and lie over themselves.
  const word = (minLength: number, maxLength: number) =>
    fc.array(fc.constantFrom('a', 'A', 'b', '\xe9'), { minLength, maxLength }).map((letters) => letters.join(''));

  it('finds what String.prototype finds', () => {
    fc.assert(
      fc.property(word(0, 24), word(1, 3), fc.nat(24), fc.boolean(), (text, needle, from, ignoreCase) => {
        const fold = (value: string) =>
          ignoreCase ? value.replace(/[A-Z]/g, (letter) => letter.toLowerCase()) : value;
        const found = fold(text).indexOf(fold(needle), from);
        expect(findOctets(latin1(text), latin1(needle), from, { ignoreCase }) ?? -1).toBe(
          from <= text.length ? found : -1,
        );
        const last = from === 0 ? -1 : fold(text).lastIndexOf(fold(needle), from - 1);
        expect(findOctetsBackwards(latin1(text), latin1(needle), from, { ignoreCase }) ?? -1).toBe(last);
        const count = fold(text).split(fold(needle)).length - 1;
        expect(countOctets(latin1(text), latin1(needle), { ignoreCase, max: 100 })).toBe(count);
      }),
    );
  });

  it('finds nothing by nothing, and stops counting where it is told to', () => {
    expect(findOctets(latin1('a'), latin1(''), 0, { ignoreCase: true })).toBeUndefined();
    expect(findOctetsBackwards(latin1('a'), latin1(''), 1, { ignoreCase: true })).toBeUndefined();
    expect(countOctets(latin1('aaaa'), latin1('a'), { ignoreCase: false, max: 3 })).toBe(3);
  });
});

describe('hex', () => {
  it('is the octets again', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 70 }), (octets) => {
        const all = Array.from({ length: hexRowCount(octets.length) }, (_, row) => hexRow(octets, row));
        expect(all.flatMap((row) => row.octets).map((digits) => parseInt(digits, 16))).toEqual([...octets]);
        expect(all.map((row) => row.ascii).join('')).toBe(
          Array.from(octets, (octet) => (octet >= 0x20 && octet <= 0x7e ? String.fromCharCode(octet) : '.')).join(''),
        );
        all.forEach((row, at) => {
          expect(parseInt(row.offsetText, 16)).toBe(at * HEX_ROW_OCTETS);
          expect(row.offsetText).toHaveLength(8);
        });
      }),
    );
  });
});
