import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { visibleJSON, visibleParts, visibleText } from '../../src/handlers/visible-text.js';

function visible(octets: Uint8Array): string {
  return [...visibleParts(octets)].join('');
}

/** What the escapes mean, written separately. */
function unescaped(text: string): Buffer {
  const parts = [...text.matchAll(/\\x([0-9a-f]{2})|\\u([0-9a-f]{4})|\\r|\\n|\\\\|[^]/gu)].map(
    ([part, octet, code]) => {
      if (octet !== undefined) return Buffer.of(Number.parseInt(octet, 16));
      if (code !== undefined) return Buffer.from(String.fromCharCode(Number.parseInt(code, 16)));
      const named = new Map([
        ['\\r', '\r'],
        ['\\n', '\n'],
        ['\\\\', '\\'],
      ]);
      return Buffer.from(named.get(part) ?? part);
    },
  );
  return Buffer.concat(parts);
}

/** Octets of which many mean something: escapes, controls, pieces of UTF-8. */
const octets = fc
  .array(
    fc.oneof(
      fc.constantFrom(...[...'\\xurn01ab\t ~\r\n'].map((letter) => Buffer.from(letter))),
      fc.constantFrom(
        ...['\u0085', '\u00e9', '\u202e', '\u2028', '\ufeff', '\u{1f600}'].map((letter) => Buffer.from(letter)),
      ),
      fc.integer({ min: 0, max: 255 }).map((octet) => Buffer.of(octet)),
    ),
    { maxLength: 40 },
  )
  .map((parts) => Buffer.concat(parts));

describe('visible text', () => {
  it('shows text as it is', () => {
    const text = 'Gr\u00fc\u00dfe, \u65e5\u672c\u8a9e \u{1f468}\u200d\u{1f469}\t"x" C:\\temp \\';
    expect(visibleText(text)).toBe(text);
    expect(visible(Buffer.from(text))).toBe(text);
  });

  it.each([
    ['\u0000', '\\x00'],
    ['\u0007', '\\x07'],
    ['\b', '\\x08'],
    ['\u001b[31mred', '\\x1b[31mred'],
    ['\r', '\\r'],
    ['\n', '\\n'],
    ['\u007f', '\\x7f'],
    ['\u0085', '\\u0085'],
    ['\u009b2J', '\\u009b2J'],
    ['\u2028\u2029', '\\u2028\\u2029'],
    ['\u061c\u200e\u200f\u202a\u202e\u2066\u2069', '\\u061c\\u200e\\u200f\\u202a\\u202e\\u2066\\u2069'],
    ['\ufeffSubject', '\\ufeffSubject'],
  ])('never passes on what a terminal obeys: %j', (text, shown) => {
    expect(visibleText(text)).toBe(shown);
    expect(visible(Buffer.from(text))).toBe(shown);
  });

  it.each([
    ['a lone continuation octet', [0x80], '\\x80'],
    ['an overlong form', [0xc0, 0xaf], '\\xc0\\xaf'],
    ['an overlong form of three', [0xe0, 0x9f, 0xbf], '\\xe0\\x9f\\xbf'],
    ['a surrogate', [0xed, 0xa0, 0x80], '\\xed\\xa0\\x80'],
    ['what lies above U+10FFFF', [0xf4, 0x90, 0x80, 0x80], '\\xf4\\x90\\x80\\x80'],
    ['a character cut short', [0x61, 0xe2, 0x82], 'a\\xe2\\x82'],
    ['Latin-1 between UTF-8', [0xc3, 0xa9, 0xe9, 0xc3, 0xa9], '\u00e9\\xe9\u00e9'],
    ['a control character beside bad octets', [0xff, 0x1b, 0xc2, 0x9b], '\\xff\\x1b\\u009b'],
  ])('escapes the octets of %s', (_, given, shown) => {
    expect(visible(Uint8Array.from(given))).toBe(shown);
  });

  it.each([
    ['\\x41', '\\\\x41'],
    ['\\u0041', '\\\\u0041'],
    ['C:\\new', 'C:\\\\new'],
    ['\\\\', '\\\\\\'],
    ['\\\r', '\\\\\\r'],
    ['\\\u00e9', '\\\\\u00e9'],
  ])('doubles a backslash that could be taken for an escape: %j', (text, shown) => {
    expect(visible(Buffer.from(text))).toBe(shown);
  });

  it('doubles a backslash before an octet that is not UTF-8', () => {
    expect(visible(Buffer.of(0x5c, 0xff))).toBe('\\\\\\xff');
  });

  it('can be turned back into the octets, whatever they were', () => {
    fc.assert(
      fc.property(octets, (given) => {
        expect(unescaped(visible(given))).toEqual(given);
      }),
    );
  });

  it('can be turned back where a long line comes in parts, too', () => {
    fc.assert(
      fc.property(octets, fc.integer({ min: 0, max: 40 }), (given, before) => {
        const long = Buffer.concat([Buffer.alloc(32_768 - before, 'a'), given]);
        expect(unescaped(visible(long)).equals(long)).toBe(true);
      }),
      { numRuns: 30 },
    );
  });

  it('does not cut a character between two parts', () => {
    const text = '\u{1f600}'.repeat(20_000);
    expect(visible(Buffer.from(`a${text}`))).toBe(`a${text}`);
  });

  it('has no control character in it, whatever went in', () => {
    fc.assert(
      fc.property(octets, (given) => {
        expect(visible(given)).not.toMatch(/[\p{Bidi_Control}\u0000-\u0008\u000a-\u001f\u007f-\u009f\u2028\u2029]/u);
      }),
    );
  });
});

describe('visible JSON', () => {
  it('is the same value without a control character', () => {
    const value = { text: 'a\u001b\u007f\u0085\u2028\u202e\ufeff\u00e9' };
    const text = visibleJSON(value);
    expect(text).toBe('{"text":"a\\u001b\\u007f\\u0085\\u2028\\u202e\\ufeff\u00e9"}');
    expect(JSON.parse(text)).toEqual(value);
  });
});
