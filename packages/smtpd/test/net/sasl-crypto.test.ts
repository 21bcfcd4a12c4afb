import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { nodeSASLCrypto } from '../../src/net/sasl-crypto.js';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const octetsOf = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));

describe('the crypto of SASL', () => {
  it('hashes', () => {
    expect(hex(nodeSASLCrypto.hash('SHA-1', octetsOf('abc')))).toBe('a9993e364706816aba3e25717850c26c9cd0d89d');
    expect(hex(nodeSASLCrypto.hash('SHA-256', octetsOf('abc')))).toBe(
      'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    );
  });

  it('signs with a key', () => {
    // RFC 2202 and RFC 4231, test case 2.
    const sign = (algorithm: 'MD5' | 'SHA-1' | 'SHA-256'): string =>
      hex(nodeSASLCrypto.hmac(algorithm, octetsOf('Jefe'), octetsOf('what do ya want for nothing?')));
    expect([sign('MD5'), sign('SHA-1'), sign('SHA-256')]).toEqual([
      '750c783e6ab0b503eaa86e310a5db738',
      'effcdf6ae5eb2fa2d27416d5f184df9c259a7c79',
      '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
    ]);
  });

  it('makes keys of passwords', () => {
    // RFC 6070, test case 2, and the same with the other hash.
    const derive = (algorithm: 'SHA-1' | 'SHA-256'): string =>
      hex(nodeSASLCrypto.pbkdf2(algorithm, octetsOf('password'), octetsOf('salt'), 2));
    expect(derive('SHA-1')).toBe('ea6c014dc72d6f8ccd1ed92ace1d41f0d8de8957');
    expect(derive('SHA-256')).toBe('ae4d0c95af6b46d32d0adff928f06dd02a303f8ef3c251dfd6e2d85a95474c43');
  });

  it('makes random text that is printable and has no comma', () => {
    const texts = Array.from({ length: 200 }, () => nodeSASLCrypto.randomText(24));
    for (const text of texts) expect(text).toMatch(/^[\x21-\x2b\x2d-\x7e]{32}$/);
    expect(new Set(texts).size).toBe(200);
  });

  it('compares, whatever the lengths', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 4, max: 1 }), fc.uint8Array({ maxLength: 4, max: 1 }), (a, b) => {
        expect(nodeSASLCrypto.isEqual(a, b)).toBe(hex(a) === hex(b));
      }),
    );
  });
});
