import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { Input } from '../../src/protocol/input.js';
import { type Line, LineDecoder, type LineLimits, LINE_TRANSITIONS } from '../../src/protocol/line-decoder.js';
import { octets } from '../../src/protocol/octets.js';
import { type LinesOutcome, specifyLines } from './specification/line-specification.js';
import { cutAt, cuts, show, words } from './specification/words.js';

const generous: LineLimits = { lineLengthBytesMax: 510, discardedBytesMax: 4096 };

describe('every string of CR, LF, NUL and a, up to eight letters, at every split', () => {
  it.each([
    { lineLengthBytesMax: 510, discardedBytesMax: 4096 },
    { lineLengthBytesMax: 3, discardedBytesMax: 4 },
    { lineLengthBytesMax: 2, discardedBytesMax: 0 },
    { lineLengthBytesMax: 0, discardedBytesMax: 2 },
  ])(
    'gives the lines that the specification says with $lineLengthBytesMax and $discardedBytesMax',
    { timeout: 60_000 },
    (limits) => {
      expect(firstMismatch(8, limits)).toBeUndefined();
    },
  );
});

describe('longer input', () => {
  const part = fc.constantFrom(
    '\r',
    '\n',
    '\r\n',
    '\0',
    'a',
    '\xe9',
    'NOOP\r\n',
    'MAIL FROM:<a@b.example>\r\n',
    'x'.repeat(40),
  );

  it('gives the lines that the specification says, however it is split', () => {
    fc.assert(
      fc.property(
        fc.array(part, { maxLength: 30 }),
        fc.array(fc.nat(300), { maxLength: 8 }),
        fc.record({ lineLengthBytesMax: fc.nat(100), discardedBytesMax: fc.nat(200) }),
        (parts, places, limits) => {
          const received = parts.join('');
          expect(decodePieces(cutAt(octets.encodeLatin1(received), places), limits)).toEqual(
            specifyLines(received, limits),
          );
        },
      ),
      { numRuns: 1000 },
    );
  });
});

describe('a line', () => {
  it.each(['\r', '\n'])('is not clean with %j in it, however long it is and wherever that stands', (octet) => {
    for (let lengthBytes = 1; lengthBytes <= 140; lengthBytes += 1) {
      for (let at = 0; at < lengthBytes; at += 1) {
        const text = `${'a'.repeat(at)}${octet}${'a'.repeat(lengthBytes - at - 1)}`;
        // A CR directly before the CRLF is bare, too; an LF directly behind a CR would end the line.
        expect(decodeText(`${text}\r\nNOOP\r\n`)).toEqual([
          { text, lengthBytes, flaw: 'bareLineEnd' },
          { text: 'NOOP', lengthBytes: 4 },
        ]);
      }
    }
  });

  it('has its octets as characters, without CRLF, and no flaw when it is clean', () => {
    expect(decodeText('A \0\x7f\x80\xff\r\n')).toEqual([{ text: 'A \0\x7f\x80\xff', lengthBytes: 6 }]);
  });

  it('may be empty', () => {
    expect(decodeText('\r\n\r\n')).toEqual([
      { text: '', lengthBytes: 0 },
      { text: '', lengthBytes: 0 },
    ]);
  });

  it('is taken with its CRLF and nothing more', () => {
    const input = new Input();
    input.append(octets.encodeLatin1('DATA\r\n.\r\n'));
    expect(new LineDecoder(generous).decode(input)).toEqual({ text: 'DATA', lengthBytes: 4 });
    expect(octets.decodeLatin1(input.bytes, input.start, input.end)).toBe('.\r\n');
  });

  it.each(['\r', '\n', '\n\r', '\r\r', '\n\n'])('is not ended by a bare line end: %j', (bare) => {
    expect(decodeText(`RSET${bare}NOOP\r\nQUIT\r\n`)).toEqual([
      { text: `RSET${bare}NOOP`, lengthBytes: 8 + bare.length, flaw: 'bareLineEnd' },
      { text: 'QUIT', lengthBytes: 4 },
    ]);
  });

  it('that begins with the LF of nobody is not taken for two', () => {
    expect(decodeText('\nNOOP\r\n')).toEqual([{ text: '\nNOOP', lengthBytes: 5, flaw: 'bareLineEnd' }]);
  });

  it('of exactly the allowed length is whole; one octet more is too long, bare line ends or not', () => {
    const limits = { lineLengthBytesMax: 4, discardedBytesMax: 100 };
    expect(decodeText('abcd\r\nabcde\r\nab\ncde\r\nok\r\n', limits)).toEqual([
      { text: 'abcd', lengthBytes: 4 },
      { text: '', lengthBytes: 5, flaw: 'tooLong' },
      { text: '', lengthBytes: 6, flaw: 'tooLong' },
      { text: 'ok', lengthBytes: 2 },
    ]);
  });

  it('without end is reported as soon as more octets were dropped than allowed', () => {
    const decoder = new LineDecoder({ lineLengthBytesMax: 10, discardedBytesMax: 25 });
    const input = new Input();
    const seen: (Line | undefined)[] = [];
    for (let round = 0; round < 3; round += 1) {
      input.append(octets.encodeLatin1('x'.repeat(10)));
      seen.push(decoder.decode(input));
    }
    expect(seen).toEqual([undefined, undefined, { text: '', lengthBytes: 26, flaw: 'endless' }]);
  });

  it('holds no more memory than it may be long, with a CR that is undecided', () => {
    const decoder = new LineDecoder({ lineLengthBytesMax: 10, discardedBytesMax: 10_000 });
    const input = new Input();
    let unreadBytesMax = 0;
    for (let round = 0; round < 2000; round += 1) {
      input.append(octets.encodeLatin1(round % 11 === 10 ? '\r' : 'x'));
      decoder.decode(input);
      unreadBytesMax = Math.max(unreadBytesMax, input.length);
    }
    expect(unreadBytesMax).toBe(11);
  });

  it('that is unfinished is forgotten by reset', () => {
    const decoder = new LineDecoder({ lineLengthBytesMax: 4, discardedBytesMax: 100 });
    const input = new Input();
    for (const unfinished of ['ab\r', 'a\nb', 'abcdefgh']) {
      input.append(octets.encodeLatin1(unfinished));
      expect(decoder.decode(input)).toBeUndefined();
      input.clear();
      decoder.reset();
      input.append(octets.encodeLatin1('\nok\r\n'));
      expect(decoder.decode(input)).toEqual({ text: '\nok', lengthBytes: 3, flaw: 'bareLineEnd' });
    }
  });
});

describe('the table', () => {
  it('ends a line by one cell alone', () => {
    const cells = Object.values(LINE_TRANSITIONS).flatMap((row) => Object.values(row));
    expect(cells.filter(([next]) => next === 'END')).toEqual([['END', 'endLine']]);
    expect(LINE_TRANSITIONS.CR?.LF).toEqual(['END', 'endLine']);
  });
});

/** The first string, cut and outcome that differ from the specification, as one readable line. */
function firstMismatch(lengthMax: number, limits: LineLimits): string | undefined {
  for (const word of words(['\r', '\n', '\0', 'a'], lengthMax)) {
    const specified = key(specifyLines(word, limits));
    for (const pieces of cuts(word)) {
      const decoded = key(decodePieces(pieces, limits));
      if (decoded !== specified) {
        return `${show(word)} in ${pieces.map((piece) => piece.length).join('+')}: ${decoded}, not ${specified}`;
      }
    }
  }
  return undefined;
}

function key({ lines, unreadBytes }: LinesOutcome): string {
  const shown = lines.map((line) => `${line.flaw ?? 'clean'} ${line.lengthBytes} ${show(line.text)}`);
  return `${unreadBytes} ${shown.join(', ')}`;
}

function decodeText(text: string, limits = generous): readonly Line[] {
  return decodePieces([octets.encodeLatin1(text)], limits).lines;
}

/** Feeds the pieces as a transport does: out of one array, which is used again once the input has settled. */
function decodePieces(pieces: readonly Uint8Array[], limits: LineLimits): LinesOutcome {
  const decoder = new LineDecoder(limits);
  const input = new Input();
  const lines: Line[] = [];
  for (const piece of pieces) {
    const shared = Uint8Array.from(piece);
    input.append(shared);
    for (let line = decoder.decode(input); line !== undefined; line = decoder.decode(input)) lines.push(line);
    input.settle();
    shared.fill(0x21);
  }
  return { lines, unreadBytes: input.length };
}
