import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { foldSame } from '../../page/message/fold-same.js';
import { formatDuration } from '../../page/message/format.js';
import { HTMLSource } from '../../page/message/html-source.js';
import { OctetLines } from '../../page/message/octet-lines.js';
import { octetRuns } from '../../page/message/octet-runs.js';

describe('HTML source', () => {
  const rowsOf = (source: string, rowLettersMax?: number) => {
    const rows = new HTMLSource(source, rowLettersMax === undefined ? {} : { rowLettersMax });
    return Array.from({ length: rows.rowCount }, (_, row) => rows.row(row));
  };
  const part = fc.constantFrom(
    '<',
    '>',
    '<!--',
    '-->',
    '"',
    "'",
    'a',
    ' ',
    '\n',
    '\r\n',
    '=',
    '</p>',
    '<p class="x">',
    '😀',
  );

  it('is the source again, and what stands in a piece does not depend on where rows are cut', () => {
    fc.assert(
      fc.property(fc.array(part, { maxLength: 30 }), fc.integer({ min: 2, max: 9 }), (parts, rowLettersMax) => {
        const source = parts.join('');
        const flat = (max?: number) =>
          rowsOf(source, max).flatMap(({ pieces }) =>
            pieces.flatMap(({ kind, text }) => Array.from(text, (letter) => kind + letter)),
          );
        expect(flat(rowLettersMax).join('')).toBe(flat().join(''));
        expect(
          rowsOf(source, rowLettersMax)
            .flatMap(({ pieces }) => pieces.map(({ text }) => text))
            .join(''),
        ).toBe(source);
        const html = new HTMLSource(source, { rowLettersMax });
        expect(html.lineCount).toBe(source.split('\n').length);
        for (let row = 0; row < html.rowCount; row += 1) {
          const { line, isContinuation } = html.row(row);
          if (!isContinuation) expect(html.rowOfLine(line)).toBe(row);
        }
      }),
    );
  });

  it('is told apart', () => {
    const [row] = rowsOf('a<p id="x>" b>1 < 2<!-- <b> --></p>');
    expect(row?.pieces).toEqual([
      { kind: 'text', text: 'a' },
      { kind: 'tag', text: '<p' },
      { kind: 'attribute', text: ' id=' },
      { kind: 'value', text: '"x>"' },
      { kind: 'attribute', text: ' b' },
      { kind: 'tag', text: '>' },
      { kind: 'text', text: '1 < 2' },
      { kind: 'comment', text: '<!-- <b> -->' },
      { kind: 'tag', text: '</p>' },
    ]);
  });

  it('takes no longer for what is made to take long', () => {
    for (const repeated of ['<!--', '<a ', '<a b="', '>', '\n']) {
      const html = new HTMLSource(repeated.repeat(500_000));
      expect(html.row(html.rowCount - 1).line).toBe(html.lineCount);
    }
  });
});

describe('the octets of a row in pieces', () => {
  const octets = fc
    .array(fc.constantFrom(0, 9, 10, 13, 32, 65, 66, 127, 200), { maxLength: 40 })
    .map((list) => Uint8Array.from(list));

  it('cover the row once, in order, and are matched exactly where the matches are', () => {
    fc.assert(
      fc.property(octets, fc.nat(40), fc.nat(6), (all, start, length) => {
        const lines = new OctetLines(all, { rowOctetsMax: 7 });
        const match = { start, end: start + length + 1 };
        let at = 0;
        for (let row = 0; row < lines.rowCount; row += 1) {
          for (const run of octetRuns(all, lines.row(row), [match])) {
            expect(run.start).toBe(at);
            expect(run.end).toBeGreaterThan(at);
            for (let octet = run.start; octet < run.end; octet += 1) {
              expect(run.isMatch).toBe(match.start <= octet && octet < match.end);
            }
            at = run.end;
          }
        }
        expect(at).toBe(all.length);
      }),
    );
  });

  it('have a name for what is not printable', () => {
    const all = Uint8Array.from([65, 66, 0, 0, 9, 13, 7, 0xc3, 0xa9, 32, 9, 13, 10]);
    const runs = octetRuns(all, new OctetLines(all).row(0));
    expect(runs.map(({ kind, text }) => [kind, text])).toEqual([
      ['text', 'AB'],
      ['nul', 'NUL'],
      ['nul', 'NUL'],
      ['tab', '\t'],
      ['bareCR', 'CR'],
      ['control', '07'],
      ['eightBit', 'C3 A9'],
      ['trailingBlank', '·→'],
      ['crlf', '↵'],
    ]);
    const bare = Uint8Array.from([65, 10]);
    expect(octetRuns(bare, new OctetLines(bare).row(0)).at(-1)).toMatchObject({ kind: 'bareLF', text: 'LF' });
  });
});

describe('a difference without what is the same', () => {
  it('keeps every line, shown or counted, and every change with its context', () => {
    const line = fc.constantFrom('same', 'same', 'same', 'added', 'removed' as const);
    fc.assert(
      fc.property(fc.array(line, { maxLength: 40 }), fc.nat(4), (kinds, contextLines) => {
        const lines = kinds.map((kind, at) => ({ kind, text: String(at) }));
        const shown = new Set<number>();
        let at = 0;
        for (const stretch of foldSame(lines, contextLines)) {
          if (stretch.kind === 'folded') {
            expect(stretch.count).toBeGreaterThan(1);
            at += stretch.count;
          } else {
            for (const { text } of stretch.lines) {
              expect(text).toBe(String(at));
              shown.add(at);
              at += 1;
            }
          }
        }
        expect(at).toBe(lines.length);
        lines.forEach(({ kind }, index) => {
          if (kind === 'same') return;
          for (
            let near = Math.max(index - contextLines, 0);
            near <= Math.min(index + contextLines, lines.length - 1);
            near += 1
          ) {
            expect(shown).toContain(near);
          }
        });
      }),
    );
  });
});

describe('figures', () => {
  it.each([
    [formatDuration(0.42), '0.4 ms'],
    [formatDuration(9.97), '10 ms'],
    [formatDuration(999.7), '1.00 s'],
    [formatDuration(59_999), '1 min 0 s'],
    [formatDuration(200_000), '3 min 20 s'],
  ])('are short: %s', (figure, expected) => {
    expect(figure).toBe(expected);
  });
});
