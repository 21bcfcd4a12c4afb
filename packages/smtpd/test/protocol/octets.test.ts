import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { octets, octetsOf, type OctetPrimitives, plainOctets, utf8FromLatin1 } from '../../src/protocol/octets.js';

const versions: readonly (readonly [string, OctetPrimitives])[] = [
  ['plain', plainOctets],
  ['Buffer', octetsOf({ Buffer })],
];

describe('the version', () => {
  it('is the plain one where there is no usable Buffer', () => {
    const scopes = [{}, { Buffer: undefined }, { Buffer: 'Buffer' }, { Buffer: Map }, { Buffer: Uint8Array }];
    expect(scopes.map((scope) => octetsOf(scope) === plainOctets)).toEqual(scopes.map(() => true));
  });

  it('is the one on Buffer where there is one', () => {
    expect(octets.allocate(1)).toBeInstanceOf(Buffer);
  });
});

describe.each(versions)('%s octets', (_, primitives) => {
  const { allocate, view, indexOf, indexOfSequence, copy, concat, decodeLatin1, encodeLatin1, decodeUTF8, encodeUTF8 } =
    primitives;

  it('allocate arrays of that length', () => {
    expect([allocate(0).length, allocate(100).length]).toEqual([0, 100]);
  });

  it('see what lies in memory that exists already, and change it there', () => {
    const memory = Uint8Array.of(1, 2, 3, 4);
    const middle = view(memory.buffer, 1, 2);
    middle[0] = 9;
    expect([[...middle], [...memory]]).toEqual([
      [9, 3],
      [1, 9, 3, 4],
    ]);
  });

  it('find an octet at or after a place, up to the end of the array and not of what lies behind it', () => {
    fc.assert(
      fc.property(fc.uint8Array({ max: 3 }), fc.nat(3), fc.nat(12), fc.boolean(), (bytes, octet, from, isBuffer) => {
        const padded = Uint8Array.from([octet, ...bytes, octet]);
        const view = padded.subarray(1, -1);
        const given = isBuffer ? Buffer.from(view.buffer, view.byteOffset, view.length) : view;
        const start = Math.min(from, bytes.length);
        expect(indexOf(given, octet, start)).toBe([...bytes].indexOf(octet, start));
      }),
    );
  });

  it('find a sequence of octets at or after a place, up to the end of the array and not of what lies behind it', () => {
    const someOctets = fc.array(fc.constantFrom(0x0d, 0x0a, 0x2e), { maxLength: 12 });
    const sequences = fc.array(fc.constantFrom(0x0d, 0x0a, 0x2e), { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(someOctets, sequences, fc.nat(12), fc.boolean(), (bytes, sequence, from, isBuffer) => {
        const padded = Uint8Array.from([...sequence, ...bytes, ...sequence]);
        const view = padded.subarray(sequence.length, sequence.length + bytes.length);
        const given = isBuffer ? Buffer.from(view.buffer, view.byteOffset, view.length) : view;
        const start = Math.min(from, bytes.length);
        const text = (some: readonly number[]): string => String.fromCharCode(...some);
        expect(indexOfSequence(given, Uint8Array.from(sequence), start)).toBe(
          text(bytes).indexOf(text(sequence), start),
        );
      }),
    );
  });

  it('copy a range, few octets and many, between views', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 120, size: 'max' }),
        fc.nat(120),
        fc.nat(120),
        fc.nat(40),
        (bytes, from, to, at) => {
          const end = Math.min(to, bytes.length);
          const start = Math.min(from, end);
          const target = new Uint8Array(200).subarray(10);
          copy(bytes, start, end, target, at);
          const expected = new Uint8Array(190);
          expected.set(bytes.slice(start, end), at);
          expect(target).toEqual(expected);
        },
      ),
    );
  });

  it.each([8, 32, 33, 500])('move %i octets down within one array', (length) => {
    const bytes = Uint8Array.from({ length: length + 3 }, (_unused, index) => index & 0xff);
    copy(bytes, 3, length + 3, bytes, 0);
    expect(bytes.subarray(0, length)).toEqual(Uint8Array.from({ length }, (_unused, index) => (index + 3) & 0xff));
  });

  it('concatenate, and return a single chunk as it is', () => {
    const chunk = Uint8Array.of(1, 2);
    expect(concat([chunk])).toBe(chunk);
    expect([...concat([])]).toEqual([]);
    expect([...concat([chunk, Uint8Array.of(), Uint8Array.of(3)])]).toEqual([1, 2, 3]);
  });

  it('decode Latin-1 octet by octet, long text too, and encode it back', () => {
    const every = Uint8Array.from({ length: 10_000 }, (_unused, index) => index & 0xff);
    const text = decodeLatin1(every, 0, every.length);
    expect(text).toBe(Array.from(every, (octet) => String.fromCharCode(octet)).join(''));
    expect([...encodeLatin1(text)]).toEqual([...every]);
    expect(decodeLatin1(every, 0x41, 0x44)).toBe('ABC');
    expect(decodeLatin1(every.subarray(0x41), 1, 3)).toBe('BC');
    expect(decodeLatin1(every, 5, 5)).toBe('');
  });

  it('encode only the low eight bits of a character as Latin-1', () => {
    expect([...encodeLatin1('\u0141\uffff')]).toEqual([0x41, 0xff]);
  });

  it('encode and decode every character of Unicode as UTF-8', () => {
    let mismatch: string | undefined;
    for (let first = 0; first <= 0x10ffff; first += 256) {
      if (first >= 0xd800 && first <= 0xdfff) continue;
      const text = String.fromCodePoint(...Array.from({ length: 256 }, (_unused, index) => first + index));
      const bytes = encodeUTF8(text);
      if (Buffer.compare(bytes, new TextEncoder().encode(text)) !== 0) mismatch ??= `encoding from ${first}`;
      if (decodeUTF8(bytes) !== text) mismatch ??= `decoding from ${first}`;
    }
    expect(mismatch).toBeUndefined();
  });

  it('encode a surrogate without its partner as U+FFFD', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.integer({ min: 0xd7ff, max: 0xe000 }), fc.nat(0xffff))), (units) => {
        const text = String.fromCharCode(...units);
        expect([...encodeUTF8(text)]).toEqual([...new TextEncoder().encode(text)]);
      }),
    );
  });

  it.each([
    ['a continuation without a start', [0x80]],
    ['a start without its continuation', [0xc3]],
    ['a start followed by ASCII', [0xc3, 0x41]],
    ['an overlong NUL', [0xc0, 0x80]],
    ['an overlong slash of two', [0xc1, 0xaf]],
    ['an overlong slash of three', [0xe0, 0x80, 0xaf]],
    ['an overlong slash of four', [0xf0, 0x80, 0x80, 0xaf]],
    ['the first surrogate', [0xed, 0xa0, 0x80]],
    ['the last surrogate', [0xed, 0xbf, 0xbf]],
    ['a pair of surrogates', [0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80]],
    ['a character beyond U+10FFFF', [0xf4, 0x90, 0x80, 0x80]],
    ['a start octet that no character has', [0xf5, 0x80, 0x80, 0x80]],
    ['a sequence of five', [0xf8, 0x88, 0x80, 0x80, 0x80]],
    ['the octet 0xFF', [0xff]],
    ['three of four octets', [0xf0, 0x9f, 0x98]],
    ['something broken behind a real U+FFFD', [0xef, 0xbf, 0xbd, 0xff]],
  ])('do not decode %s as UTF-8', (_what, bytes) => {
    expect(decodeUTF8(Uint8Array.from(bytes))).toBeUndefined();
    expect(decodeUTF8(Uint8Array.from([0x61, ...bytes, 0x62]))).toBeUndefined();
  });

  it('keep a byte order mark and a U+FFFD that was really sent', () => {
    expect(decodeUTF8(Uint8Array.of(0xef, 0xbb, 0xbf, 0x61))).toBe('\ufeffa');
    expect(decodeUTF8(Uint8Array.of(0xef, 0xbf, 0xbd))).toBe('\ufffd');
    expect(decodeUTF8(Uint8Array.of(0x61, 0xef, 0xbf, 0xbd))).toBe('a\ufffd');
  });

  it('decode UTF-8 exactly where a strict TextDecoder does', () => {
    const octet = fc.oneof(
      fc.constantFrom(0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc2, 0xdf, 0xe0, 0xed, 0xef),
      fc.constantFrom(0xf0, 0xf1, 0xf4, 0xf5, 0xff),
      fc.nat(255),
    );
    const damaged = fc
      .tuple(fc.string({ unit: 'binary', maxLength: 12 }), fc.nat(40), octet)
      .map(([text, at, value]) =>
        [...new TextEncoder().encode(text)].map((byte, index) => (index === at ? value : byte)),
      );
    fc.assert(
      fc.property(fc.oneof(fc.array(octet, { maxLength: 8 }), damaged), (bytes) => {
        const given = Uint8Array.from([0x2e, ...bytes]).subarray(1);
        expect(decodeUTF8(given)).toBe(strictlyDecoded(given));
      }),
      { numRuns: 2000 },
    );
  });

  it('decode long UTF-8', () => {
    const text = 'é€😀a'.repeat(5000);
    expect(decodeUTF8(new TextEncoder().encode(text))).toBe(text);
  });
});

describe('the UTF-8 of a Latin-1 string', () => {
  it('is the string itself when it is ASCII', () => {
    expect(utf8FromLatin1('MAIL FROM:<a@b>\0\x7f')).toBe('MAIL FROM:<a@b>\0\x7f');
  });

  it('is the text whose octets the characters are', () => {
    expect(utf8FromLatin1('<\xd0\xbf@\xc3\xa9>')).toBe('<п@é>');
  });

  it.each(['\xe9', '\xc3', '\xed\xa0\x80', '\u0141'])('is undefined when they are none: %j', (text) => {
    expect(utf8FromLatin1(text)).toBeUndefined();
  });
});

function strictlyDecoded(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
