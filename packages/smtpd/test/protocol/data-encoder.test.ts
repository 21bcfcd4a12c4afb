import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { ContentBuffer } from '../../src/protocol/content-buffer.js';
import { DataDecoder } from '../../src/protocol/data-decoder.js';
import { DataEncoder } from '../../src/protocol/data-encoder.js';
import { Input } from '../../src/protocol/input.js';
import { octets } from '../../src/protocol/octets.js';
import { cutAt, cuts, show, words } from './specification/words.js';

describe('encode, then decode', () => {
  it('is the identity for every string of dot, CR, LF and a, up to seven letters, at every split', () => {
    let mismatch: string | undefined;
    for (const word of words(['.', '\r', '\n', 'a'], 7)) {
      const content = word === '' ? '' : `${word}\r\n`;
      for (const pieces of cuts(content)) {
        const decoded = decodeText(encodePieces(pieces));
        if (decoded !== content) mismatch ??= `${show(content)} became ${show(decoded)}`;
      }
    }
    expect(mismatch).toBeUndefined();
  });

  it('is the identity for longer content, with dots that are few or many', () => {
    const part = fc.constantFrom('.', '\r', '\n', '\r\n', '\r\n.', '\r\n.\r\n', 'a', '\xff', 'x'.repeat(700));
    fc.assert(
      fc.property(fc.array(part, { maxLength: 40 }), fc.array(fc.nat(5000), { maxLength: 5 }), (parts, places) => {
        const content = `${parts.join('')}\r\n`;
        expect(decodeText(encodePieces(cutAt(octets.encodeLatin1(content), places)))).toBe(content);
      }),
      { numRuns: 300 },
    );
  });

  it('adds the CRLF that the content lacks, also behind a bare CR', () => {
    expect(decodeText(encodeText('a'))).toBe('a\r\n');
    expect(decodeText(encodeText('a\r'))).toBe('a\r\r\n');
    expect(decodeText(encodeText('a\n'))).toBe('a\n\r\n');
  });
});

describe('the encoder', () => {
  it('doubles the dot that starts a line, and no other', () => {
    expect(encodeText('.a.\r\n.\r\nb\r.\n.\r\n')).toBe('..a.\r\n..\r\nb\r.\n.\r\n.\r\n');
  });

  it('ends empty content with a dot alone', () => {
    expect(encodeText('')).toBe('.\r\n');
  });

  it('returns the bytes themselves when nothing changes', () => {
    const bytes = octets.encodeLatin1('a.\r\nb\r\n');
    expect(new DataEncoder().encode(bytes)[0]).toBe(bytes);
  });

  it('gives views of the bytes where dots are few', () => {
    const bytes = new Uint8Array(4096).fill(0x61);
    bytes.set([0x0d, 0x0a, 0x2e], 2000);
    const pieces = new DataEncoder().encode(bytes);
    expect(pieces.map((piece) => [piece.buffer === bytes.buffer, piece.length])).toEqual([
      [true, 2003],
      [true, 2094],
    ]);
  });

  it('gives one piece where dots are many, so that a list of views cannot outgrow the content', () => {
    expect(new DataEncoder().encode(octets.encodeLatin1('.\r\n'.repeat(5000)))).toHaveLength(1);
  });

  it('is as new after the end', () => {
    const encoder = new DataEncoder();
    encoder.encode(octets.encodeLatin1('unfinished'));
    encoder.end();
    expect(encoder.encode(octets.encodeLatin1('.')).map(latin1).join('')).toBe('..');
  });
});

function encodeText(text: string): string {
  return encodePieces([octets.encodeLatin1(text)]);
}

function encodePieces(pieces: readonly Uint8Array[]): string {
  const encoder = new DataEncoder();
  const encoded = pieces.flatMap((piece) => encoder.encode(piece));
  return [...encoded, encoder.end()].map(latin1).join('');
}

/** The content; the end of data must be the end of `encoded`, and nothing may be left over. */
function decodeText(encoded: string): string {
  const input = new Input();
  const content = new ContentBuffer();
  input.append(octets.encodeLatin1(encoded));
  const isEnded = new DataDecoder({ lineEndings: 'preserve', sizeLimitBytes: Infinity }).decode(input, content);
  return isEnded && input.length === 0 ? latin1(content.take()) : 'not decoded';
}

function latin1(bytes: Uint8Array): string {
  return octets.decodeLatin1(bytes, 0, bytes.length);
}
