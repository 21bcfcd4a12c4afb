import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { decodeBase64, encodeBase64 } from '../../../src/protocol/sasl/base64.js';

describe('base64', () => {
  it('has the test vectors of RFC 4648', () => {
    const vectors = ['', 'f', 'fo', 'foo', 'foob', 'fooba', 'foobar'].map((text) => encodeBase64(Buffer.from(text)));
    expect(vectors).toEqual(['', 'Zg==', 'Zm8=', 'Zm9v', 'Zm9vYg==', 'Zm9vYmE=', 'Zm9vYmFy']);
  });

  it('encodes as Buffer does, and decodes what it encodes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100, size: 'max' }), (bytes) => {
        const text = encodeBase64(bytes);
        expect(text).toBe(Buffer.from(bytes).toString('base64'));
        expect(Buffer.from(decodeBase64(text)!)).toEqual(Buffer.from(bytes));
      }),
    );
  });

  it('decodes one text to one array: whatever is decoded encodes to the same text', () => {
    const letters = fc.constantFrom('A', 'B', 'Q', 'g', 'w', '/', '+', '=', ' ', '\n', '-', '_', 'é', '\u0141');
    fc.assert(
      fc.property(fc.array(letters, { maxLength: 9 }), (parts) => {
        const text = parts.join('');
        const bytes = decodeBase64(text);
        if (bytes !== undefined) expect(encodeBase64(bytes)).toBe(text);
      }),
      { numRuns: 5000 },
    );
  });

  it.each([
    'Zg',
    'Zg=',
    'Zg===',
    'Z===',
    '====',
    '=',
    'Zh==',
    'Zm9=',
    'Zm9v\r\n',
    ' Zm9v',
    'Zm9-',
    'Z=9v',
    'Zg==Zm9v',
    'Zm9\u0176',
  ])('does not decode %j', (text) => {
    expect(decodeBase64(text)).toBeUndefined();
  });
});
