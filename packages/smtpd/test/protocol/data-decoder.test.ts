import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { ContentBuffer } from '../../src/protocol/content-buffer.js';
import {
  DATA_ACTIONS,
  DATA_CLASSES,
  DATA_STATES,
  DATA_TRANSITIONS,
  DataDecoder,
  type LineEndings,
} from '../../src/protocol/data-decoder.js';
import { Input } from '../../src/protocol/input.js';
import { octets, plainOctets } from '../../src/protocol/octets.js';
import { type ContentOutcome, type ContentPolicy, specifyData } from './specification/data-specification.js';
import { cutAt, cuts, show, words } from './specification/words.js';

const policies: readonly LineEndings[] = ['reject', 'normalize', 'preserve'];

describe('every string of dot, CR, LF and a, up to eight letters, at every split', () => {
  it('is one of 87,381, each cut once more than it has letters, the shortest aside', () => {
    expect([...words(['.', '\r', '\n', 'a'], 8)]).toHaveLength(87_381);
    expect(cuts('....').map((pieces) => pieces.map((piece) => piece.length))).toEqual([
      [4],
      [1, 1, 1, 1],
      [1, 3],
      [2, 2],
      [3, 1],
    ]);
  });

  it.each(policies)('is decoded as the specification says under %s', { timeout: 60_000 }, (lineEndings) => {
    expect(firstMismatch(8, { lineEndings, sizeLimitBytes: Infinity })).toBeUndefined();
  });

  it.each(policies)('meets a size limit as the specification says under %s', (lineEndings) => {
    const limits = [0, 1, 2, 3, 4];
    const mismatches = limits.map((sizeLimitBytes) => firstMismatch(6, { lineEndings, sizeLimitBytes }));
    expect(mismatches).toEqual(limits.map(() => undefined));
  });
});

describe('longer content', () => {
  const part = fc.constantFrom(
    '.',
    '\r',
    '\n',
    '\r\n',
    '\r\n.',
    '\n.\n',
    'a',
    '\0',
    '\xe9',
    'x'.repeat(23),
    'y'.repeat(90),
  );
  const content = fc.array(part, { maxLength: 40 }).map((parts) => parts.join(''));

  it('is decoded as the specification says, however it is split', () => {
    fc.assert(
      fc.property(
        content,
        fc.array(fc.nat(400), { maxLength: 8 }),
        fc.constantFrom(...policies),
        fc.oneof(fc.constant(Infinity), fc.nat(400)),
        (text, places, lineEndings, sizeLimitBytes) => {
          const received = `${text}\r\n.\r\nQUIT\r\n`;
          const policy = { lineEndings, sizeLimitBytes };
          const pieces = cutAt(octets.encodeLatin1(received), places);
          expect(decodePieces(pieces, policy)).toEqual(specifyData(received, policy));
        },
      ),
      { numRuns: 1000 },
    );
  });

  it('comes out whole when the session takes it piece by piece', () => {
    fc.assert(
      fc.property(content, fc.array(fc.nat(400), { maxLength: 8 }), (text, places) => {
        const received = `${text}\r\n.\r\n`;
        const decoder = new DataDecoder({ lineEndings: 'normalize', sizeLimitBytes: Infinity });
        const input = new Input();
        const buffer = new ContentBuffer();
        const taken: Uint8Array[] = [];
        for (const piece of cutAt(octets.encodeLatin1(received), places)) {
          input.append(piece);
          if (decoder.decode(input, buffer)) break;
          taken.push(buffer.take());
        }
        taken.push(buffer.take());
        const specified = specifyData(received, { lineEndings: 'normalize', sizeLimitBytes: Infinity });
        expect(latin1(plainOctets.concat(taken))).toBe(specified.content);
      }),
    );
  });
});

describe('the end of data', () => {
  it.each([
    ['a dot at once', '.\r\n', 3],
    ['CRLF dot CRLF', 'a\r\n.\r\n', 6],
    ['the first of two', '.\r\n.\r\n', 3],
    ['CRLF dot CRLF behind a bare CR', 'a\r\r\n.\r\n', 7],
    ['CRLF dot CRLF behind a line of two dots', '..\r\n.\r\n', 7],
  ])('is %s', (_, received, takenBytes) => {
    for (const lineEndings of policies) {
      const outcome = decodePieces([octets.encodeLatin1(`${received}NOOP\r\n`)], {
        lineEndings,
        sizeLimitBytes: Infinity,
      });
      expect([outcome.isEnded, outcome.takenBytes]).toEqual([true, takenBytes]);
    }
  });

  it.each([
    ['CRLF dot CR CR LF', 'a\r\n.\r\r\n'],
    ['LF dot LF', 'a\n.\n'],
    ['LF dot CRLF', 'a\n.\r\n'],
    ['CRLF dot LF', 'a\r\n.\n'],
    ['CR dot CR', 'a\r.\r'],
    ['CR dot CRLF', 'a\r.\r\n'],
    ['CRLF dot CR', 'a\r\n.\r'],
    ['CRLF dot CR dot CRLF', 'a\r\n.\r.\r\n'],
    ['CR LF LF dot CRLF', 'a\r\n\n.\r\n'],
    ['CRLF dot NUL CRLF', 'a\r\n.\0\r\n'],
    ['CRLF dot dot CRLF', 'a\r\n..\r\n'],
    ['LF dot LF at the start', '\n.\n'],
    ['dot LF at the start', '.\n'],
    ['dot CR CR LF at the start', '.\r\r\n'],
  ])('is not %s', (_, received) => {
    for (const lineEndings of policies) {
      for (const pieces of cuts(received)) {
        expect(decodePieces(pieces, { lineEndings, sizeLimitBytes: Infinity }).isEnded).toBe(false);
      }
    }
  });

  it('is found once: what follows stays unread', () => {
    const input = inputOf('a\r\n.\r\nb\r\n.\r\n');
    const content = new ContentBuffer();
    const decoder = new DataDecoder({ lineEndings: 'reject', sizeLimitBytes: Infinity });
    expect([decoder.decode(input, content), decoder.decode(input, content)]).toEqual([true, true]);
    expect([latin1(content.take()), input.length]).toEqual(['a\r\n', 6]);
  });
});

describe('content', () => {
  it('loses the first dot of a line and no other', () => {
    expect(decodeText('..a.\r\n.b\r\n...\r\n.\r\n').content).toBe('.a.\r\nb\r\n..\r\n');
  });

  it('keeps a dot that follows a bare CR or a bare LF', () => {
    expect(decodeText('a\r.b\n.c\r\n.\r\n', 'preserve').content).toBe('a\r.b\n.c\r\n');
  });

  it('has every bare CR and every bare LF made a CRLF under normalize', () => {
    expect(decodeText('a\rb\nc\r\r\n\n.\rd\r\n.\r\n', 'normalize').content).toBe('a\r\nb\r\nc\r\n\r\n\r\n.\r\nd\r\n');
  });

  it('does not become a line start for dots by being normalised', () => {
    expect(decodeText('a\n..b\r\n.\r\n', 'normalize').content).toBe('a\r\n..b\r\n');
  });

  it('is empty, and of size 0, when the dot comes at once', () => {
    const { content, sizeBytes, longestLineBytes } = decodeText('.\r\n');
    expect([content, sizeBytes, longestLineBytes]).toEqual(['', 0, 0]);
  });

  it('counts a doubled dot once, every CRLF, and not the final dot line', () => {
    expect(decodeText('..ab\r\n\r\n.\r\n').sizeBytes).toBe('.ab\r\n\r\n'.length);
  });

  it('is measured after normalising under normalize', () => {
    const { sizeBytes, longestLineBytes } = decodeText('ab\nabcd\rabc\r\n.\r\n', 'normalize');
    expect([sizeBytes, longestLineBytes]).toEqual([15, 4]);
  });

  it('says how long its longest line is, without CRLF and without the deleted dot', () => {
    expect(decodeText(`a\r\n.${'x'.repeat(1200)}\r\nbc\r\n.\r\n`).longestLineBytes).toBe(1200);
  });
});

describe('a fault', () => {
  it('of size empties the content and is kept, and the end of data is still found', () => {
    const outcome = decodePieces(
      ['12345\r\n', '678', '9\r\n\n', '\r\n.\r\nQUIT\r\n'].map((text) => octets.encodeLatin1(text)),
      { lineEndings: 'reject', sizeLimitBytes: 10 },
    );
    expect(outcome).toEqual({
      isEnded: true,
      takenBytes: 19,
      content: '',
      sizeBytes: 16,
      bareCRCount: 0,
      bareLFCount: 1,
      longestLineBytes: 5,
      fault: 'tooLarge',
    });
  });

  it('of size is not met by content that is exactly as large as allowed', () => {
    const policy: ContentPolicy = { lineEndings: 'reject', sizeLimitBytes: 4 };
    expect(decodePieces([octets.encodeLatin1('ab\r\n.\r\n')], policy).fault).toBeUndefined();
    expect(decodePieces([octets.encodeLatin1('abc\r\n.\r\n')], policy).fault).toBe('tooLarge');
  });

  it('of a bare line end is met under reject alone', () => {
    expect(policies.map((lineEndings) => decodeText('a\nb\r\n.\r\n', lineEndings).fault)).toEqual([
      'bareLineEnd',
      undefined,
      undefined,
    ]);
  });

  it('is the first of two', () => {
    const policy: ContentPolicy = { lineEndings: 'reject', sizeLimitBytes: 4 };
    expect(decodePieces([octets.encodeLatin1('a\nbcdefgh\r\n.\r\n')], policy).fault).toBe('bareLineEnd');
    expect(decodePieces([octets.encodeLatin1('abcdefg\nh\r\n.\r\n')], policy).fault).toBe('tooLarge');
  });

  it('leaves nothing in memory while the rest arrives', () => {
    const decoder = new DataDecoder({ lineEndings: 'reject', sizeLimitBytes: 100 });
    const content = new ContentBuffer();
    for (let round = 0; round < 50; round += 1) decoder.decode(inputOf('x'.repeat(30)), content);
    expect([content.length, decoder.sizeBytes]).toEqual([0, 1500]);
  });
});

describe('the table', () => {
  it('has a row for each state but the last, and each row a cell for each class', () => {
    expect(Object.keys(DATA_TRANSITIONS)).toEqual(DATA_STATES.filter((state) => state !== 'END'));
    for (const row of Object.values(DATA_TRANSITIONS)) expect(Object.keys(row)).toEqual([...DATA_CLASSES]);
  });

  it('uses every action, and reaches the end by one cell', () => {
    const cells = Object.values(DATA_TRANSITIONS).flatMap((row) => Object.values(row));
    expect(new Set(cells.map(([, action]) => action))).toEqual(new Set(DATA_ACTIONS));
    expect(cells.filter(([next]) => next === 'END')).toEqual([['END', 'endData']]);
  });
});

/** The first string, cut and outcome that differ from the specification, as one readable line. */
function firstMismatch(lengthMax: number, policy: ContentPolicy): string | undefined {
  for (const word of words(['.', '\r', '\n', 'a'], lengthMax)) {
    const specified = key(specifyData(word, policy));
    for (const pieces of cuts(word)) {
      const decoded = key(decodePieces(pieces, policy));
      if (decoded !== specified) {
        return `${show(word)} in ${pieces.map((piece) => piece.length).join('+')}: ${decoded}, not ${specified}`;
      }
    }
  }
  return undefined;
}

function key(outcome: ContentOutcome): string {
  const { isEnded, takenBytes, content, sizeBytes, bareCRCount, bareLFCount, longestLineBytes, fault } = outcome;
  return `${isEnded} ${takenBytes} ${sizeBytes} ${bareCRCount} ${bareLFCount} ${longestLineBytes} ${fault ?? '-'} ${show(content)}`;
}

function decodeText(text: string, lineEndings: LineEndings = 'reject'): ContentOutcome {
  return decodePieces([octets.encodeLatin1(text)], { lineEndings, sizeLimitBytes: Infinity });
}

/** Feeds the pieces until the end of data is found. */
function decodePieces(pieces: readonly Uint8Array[], policy: ContentPolicy): ContentOutcome {
  const decoder = new DataDecoder(policy);
  const input = new Input();
  const content = new ContentBuffer();
  let isEnded = false;
  let arrivedBytes = 0;
  for (const piece of pieces) {
    input.append(piece);
    arrivedBytes += piece.length;
    isEnded = decoder.decode(input, content);
    if (isEnded) break;
  }
  const { sizeBytes, bareCRCount, bareLFCount, longestLineBytes, fault } = decoder;
  return {
    isEnded,
    takenBytes: arrivedBytes - input.length,
    content: latin1(content.take()),
    sizeBytes,
    bareCRCount,
    bareLFCount,
    longestLineBytes,
    fault,
  };
}

function inputOf(text: string): Input {
  const input = new Input();
  input.append(octets.encodeLatin1(text));
  return input;
}

function latin1(bytes: Uint8Array): string {
  return octets.decodeLatin1(bytes, 0, bytes.length);
}
