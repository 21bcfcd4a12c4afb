/** The octets of POP3: lines that come, messages that go. Small alphabets are enumerated. */

import { describe, expect, it } from 'vitest';

import { LineReader, type POP3Line } from '../../src/pop3/line-reader.js';
import { MessageEncoder } from '../../src/pop3/message-encoder.js';
import { TopCut } from '../../src/pop3/top-cut.js';

/** Every text of these letters, up to that length. */
function* texts(letters: string, lengthMax: number): Generator<string> {
  yield '';
  if (lengthMax === 0) return;
  for (const text of texts(letters, lengthMax - 1)) {
    if (text.length === lengthMax - 1) for (const letter of letters) yield text + letter;
    else if (text !== '') yield text;
  }
}

/** A text in pieces of that many octets. */
function pieces(text: string, size: number): readonly Uint8Array[] {
  const bytes = Buffer.from(text, 'latin1');
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
    bytes.subarray(index * size, (index + 1) * size),
  );
}

function encode(text: string, size: number): string {
  const encoder = new MessageEncoder();
  const encoded = pieces(text, size).map((piece) => Buffer.from(encoder.encode(piece)));
  return Buffer.concat([...encoded, encoder.end()]).toString('latin1');
}

/** RFC 1939 §3, by the letter: lines end with CRLF. */
function decodeStrictly(sent: string): string {
  const end = sent.startsWith('.\r\n') ? 0 : sent.indexOf('\r\n.\r\n') + 2;
  expect(end + 3).toBe(sent.length);
  return sent.slice(0, end).replace(/(^|\r\n)\./g, '$1');
}

/** As Python's poplib reads: lines end with LF, and a CR at either end of one is none of it. */
function countLinesLikePoplib(sent: string): { readonly lines: number; readonly isWhole: boolean } {
  const lines = sent.split('\n').slice(0, -1);
  const end = lines.findIndex(
    (line) => (line.endsWith('\r') ? line.slice(0, -1) : line.startsWith('\r') ? line.slice(1) : line) === '.',
  );
  return { lines: end, isWhole: end === lines.length - 1 };
}

describe('a message on its way', () => {
  it('is the same for every split, whole for who reads by the letter, and ends at its end for who reads by LF', () => {
    const failures: string[] = [];
    let loose = 0;
    for (const text of texts('.\r\na', 7)) {
      const sent = encode(text, 100);
      if (encode(text, 1) !== sent || encode(text, 2) !== sent) failures.push(`split: ${JSON.stringify(text)}`);
      if (!countLinesLikePoplib(sent).isWhole) failures.push(`ends early: ${JSON.stringify(text)}`);
      const lacksEnd = text !== '' && !text.endsWith('\r\n');
      const whole = `${text}${lacksEnd ? '\r\n' : ''}`;
      const decoded = decodeStrictly(sent);
      // Only a lone dot behind a bare LF, or behind a CR that begins a line, is doubled for who reads by the letter.
      const hasLooseDot = /(?:(?<!\r)\n|(?:^|\n)\r)\.\r?\n/.test(whole);
      if (decoded !== whole) {
        loose += 1;
        if (!hasLooseDot) failures.push(`changed: ${JSON.stringify(text)} → ${JSON.stringify(decoded)}`);
        if (decoded.replaceAll('..', '.') !== whole.replaceAll('..', '.'))
          failures.push(`more than a dot: ${JSON.stringify(text)}`);
      }
    }
    expect(failures).toEqual([]);
    expect(loose).toBeGreaterThan(0);
  });

  it.each([
    ['', '.\r\n'],
    ['Hello\r\n', 'Hello\r\n.\r\n'],
    ['no end', 'no end\r\n.\r\n'],
    ['.\r\n..\r\n.a', '..\r\n...\r\n..a\r\n.\r\n'],
    ['a\n.\r\n-ERR x\r\n', 'a\n..\r\n-ERR x\r\n.\r\n'],
    ['a\n.b\n..\n', 'a\n.b\n..\n\r\n.\r\n'],
    ['a\n\r.\nb', 'a\n\r..\nb\r\n.\r\n'],
    ['\0\u00ff\r\r\n', '\0\u00ff\r\r\n.\r\n'],
  ])('%j is sent as %j', (text, sent) => {
    expect(encode(text, 100)).toBe(sent);
  });
});

describe('a line that comes', () => {
  function read(text: string, size: number, lengthBytesMax: number): readonly POP3Line[] {
    const reader = new LineReader(lengthBytesMax);
    const lines: POP3Line[] = [];
    for (const piece of pieces(text, size)) {
      reader.append(piece);
      for (let line = reader.next(); line !== undefined; line = reader.next()) lines.push(line);
    }
    return lines;
  }

  it('is the same for every split', () => {
    const failures: string[] = [];
    for (const text of texts('\r\na', 8)) {
      const expected = text
        .split('\r\n')
        .slice(0, -1)
        .map((line): POP3Line =>
          line.length > 3
            ? { kind: 'tooLong' }
            : /[\r\n]/.test(line)
              ? { kind: 'bareLineEnd' }
              : { kind: 'line', text: line },
        );
      for (const size of [1, 2, 3, 100]) {
        const found = read(text, size, 3);
        if (JSON.stringify(found) !== JSON.stringify(expected))
          failures.push(`${JSON.stringify(text)} in pieces of ${String(size)}`);
      }
    }
    expect(failures).toEqual([]);
  });

  it('is not kept when it is too long', () => {
    const reader = new LineReader(100);
    for (let count = 0; count < 10_000; count += 1) {
      reader.append(Buffer.from('x'.repeat(100)));
      expect(reader.next()).toBeUndefined();
      expect(reader.unreadBytes).toBeLessThan(202);
    }
    reader.append(Buffer.from('\r\nQUIT\r\n'));
    expect([reader.next(), reader.next(), reader.next()]).toEqual([
      { kind: 'tooLong' },
      { kind: 'line', text: 'QUIT' },
      undefined,
    ]);
  });
});

describe('the top of a message', () => {
  const top = (text: string, lines: number, size: number): string => {
    const cut = new TopCut(lines);
    return Buffer.concat(pieces(text, size).map((piece) => Buffer.from(cut.cut(piece)))).toString('latin1');
  };

  it.each([
    ['A: 1\r\nB: 2\r\n\r\none\r\ntwo\r\n', 0, 'A: 1\r\nB: 2\r\n\r\n'],
    ['A: 1\r\n\r\none\r\ntwo\r\n', 1, 'A: 1\r\n\r\none\r\n'],
    ['A: 1\r\n\r\none\r\ntwo', 2, 'A: 1\r\n\r\none\r\ntwo'],
    ['A: 1\r\n\r\n\r\n\r\nthree\r\n', 2, 'A: 1\r\n\r\n\r\n\r\n'],
    ['A: 1\n\none\ntwo\n', 1, 'A: 1\n\none\n'],
    ['\r\none\r\ntwo\r\n', 1, '\r\none\r\n'],
    ['A: 1\r\n', 5, 'A: 1\r\n'],
  ])('%j with %i lines is %j', (text, lines, expected) => {
    for (const size of [1, 3, 1000]) expect(top(text, lines, size)).toBe(expected);
  });
});
