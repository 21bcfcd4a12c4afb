import { describe, expect, it } from 'vitest';

import { UnixLineEnds } from '../../src/handlers/unix-line-ends.js';

function converted(...pieces: readonly string[]): string {
  const converter = new UnixLineEnds();
  const parts = pieces.map((piece) => Buffer.from(converter.convert(Buffer.from(piece, 'latin1'))));
  return Buffer.concat([...parts, converter.end()]).toString('latin1');
}

describe('UnixLineEnds', () => {
  it('turns CRLF into LF and nothing else, for every string of CR, LF and a up to seven letters, at every split', () => {
    let texts = [''];
    for (let length = 1; length <= 7; length += 1) {
      texts = texts.flatMap((text) => ['\r', '\n', 'a'].map((letter) => text + letter));
      for (const text of texts) {
        const expected = text.replaceAll('\r\n', '\n');
        for (let at = 0; at <= text.length; at += 1) {
          const pieces = [text.slice(0, at), text.slice(at)];
          if (converted(...pieces) !== expected) expect(converted(...pieces), JSON.stringify(pieces)).toBe(expected);
        }
        if (converted(...text) !== expected) expect(converted(...text), JSON.stringify(text)).toBe(expected);
      }
    }
    expect(texts).toHaveLength(3 ** 7);
  });

  it('keeps every other octet', () => {
    const every = String.fromCharCode(...Array.from({ length: 256 }, (_, octet) => octet));
    expect(converted(every)).toBe(every);
  });

  it('is ready for another text after the end', () => {
    const converter = new UnixLineEnds();
    converter.convert(Buffer.from('\r'));
    expect([...converter.end()]).toEqual([13]);
    expect([...converter.end()]).toEqual([]);
    expect([...converter.convert(Buffer.from('\n'))]).toEqual([10]);
  });
});
