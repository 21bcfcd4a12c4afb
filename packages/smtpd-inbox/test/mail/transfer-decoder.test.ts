/** Transfer encodings, against simpler ways to say the same. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { decodeTransfer } from '../../src/mail/transfer-decoder.js';

const decoded = (text: string, encoding: string): string =>
  Buffer.from(decodeTransfer(Buffer.from(text, 'latin1'), encoding).octets).toString('latin1');

describe('quoted-printable', () => {
  it('is what RFC 2045 says, for every string of a small alphabet', () => {
    for (const text of stringsOf(['=', '4', 'G', ' ', '\r\n'], 7)) {
      const expected = text
        // Rule 3 first: then a soft break is an “=” at the end of a line.
        .replace(/ +(?=\r\n|$)/g, '')
        .replace(/=(?:\r\n|$)|=([0-9A-F]{2})/g, (_all, hex?: string) =>
          hex === undefined ? '' : String.fromCharCode(parseInt(hex, 16)),
        );
      if (decoded(text, 'quoted-printable') !== expected)
        expect([text, decoded(text, 'quoted-printable')]).toEqual([text, expected]);
    }
  });
});

describe('base64', () => {
  it('is what Buffer encodes, whatever white space there is', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.array(fc.nat()), fc.boolean(), (octets, places, isPadded) => {
        let text = Buffer.from(octets).toString('base64');
        if (!isPadded) text = text.replace(/=+$/, '');
        for (const place of places)
          text = `${text.slice(0, place % (text.length + 1))} \r\n${text.slice(place % (text.length + 1))}`;
        const { octets: found, fault } = decodeTransfer(Buffer.from(text), 'base64');
        expect(Buffer.from(found).equals(Buffer.from(octets))).toBe(true);
        expect(fault).toBeUndefined();
      }),
    );
  });

  it.each([
    ['SGVs*bG8', 'Hello', 'has characters that are no base64: 1'],
    ['SGVsbG8=\r\n-- \r\nfooter', 'Hello', 'goes on behind the end of its base64'],
    ['SGVsbG8gd', 'Hello ', 'ends within a group of base64'],
    ['=SGVsbG8', 'Hello', 'has characters that are no base64: 1'],
  ])('%j says what is wrong with it', (text, octets, fault) => {
    expect(decoded(text, 'base64')).toBe(octets);
    expect(decodeTransfer(Buffer.from(text), 'base64').fault).toBe(fault);
  });
});

/** Every string of these letters, up to so many. */
function* stringsOf(letters: readonly string[], lengthMax: number, start = ''): Generator<string> {
  yield start;
  if (lengthMax > 0) for (const letter of letters) yield* stringsOf(letters, lengthMax - 1, start + letter);
}
