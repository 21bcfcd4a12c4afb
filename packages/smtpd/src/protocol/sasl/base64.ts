/**
 * Base64 (RFC 4648 §4), as SASL messages travel in SMTP. Decoding is strict: one text, one meaning, so that nobody can send
 * the same octets in two disguises.
 *
 * Not here: the `=` that stands for an empty initial response; that is a rule of the AUTH command.
 */

import { octetAt, octets } from '../octets.js';

/**
 * The octets that the text stands for, or `undefined` when it is not base64: a character from outside the alphabet, white
 * space or line ends among them, padding that is missing or too much, or bits behind the last octet that are not zero.
 *
 * @example
 * ```ts
 * decodeBase64('dGlt'); // the octets of 'tim'
 * decodeBase64('dGl'); // undefined: the padding is missing
 * decodeBase64('dGk='); // the octets of 'ti'
 * decodeBase64('dGl='); // undefined: the last two bits are not zero
 * ```
 */
export function decodeBase64(text: string): Uint8Array | undefined {
  if (text.length % 4 !== 0) return undefined;
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
  const end = text.length - padding;
  const bytes = octets.allocate((text.length / 4) * 3 - padding);
  let bits = 0;
  let bitCount = 0;
  let length = 0;
  for (let at = 0; at < end; at += 1) {
    const code = text.charCodeAt(at);
    const value = code < VALUES.length ? octetAt(VALUES, code) : NO_VALUE;
    if (value === NO_VALUE) return undefined;
    bits = ((bits << 6) | value) & 0xfff;
    bitCount += 6;
    if (bitCount >= 8) {
      bitCount -= 8;
      bytes[length] = (bits >> bitCount) & 0xff;
      length += 1;
    }
  }
  // RFC 4648 §3.5: the bits that belong to no octet are zero.
  return (bits & ((1 << bitCount) - 1)) === 0 ? bytes : undefined;
}

/**
 * The base64 of the octets, padded, on one line.
 *
 * @example
 * ```ts
 * encodeBase64(Uint8Array.of(0x74, 0x69)); // 'dGk='
 * ```
 */
export function encodeBase64(bytes: Uint8Array): string {
  let text = '';
  const wholeEnd = bytes.length - (bytes.length % 3);
  for (let at = 0; at < wholeEnd; at += 3) {
    const bits = (octetAt(bytes, at) << 16) | (octetAt(bytes, at + 1) << 8) | octetAt(bytes, at + 2);
    text += letter(bits >> 18) + letter(bits >> 12) + letter(bits >> 6) + letter(bits);
  }
  if (bytes.length - wholeEnd === 1) {
    const bits = octetAt(bytes, wholeEnd) << 4;
    text += `${letter(bits >> 6)}${letter(bits)}==`;
  } else if (bytes.length - wholeEnd === 2) {
    const bits = ((octetAt(bytes, wholeEnd) << 8) | octetAt(bytes, wholeEnd + 1)) << 2;
    text += `${letter(bits >> 12)}${letter(bits >> 6)}${letter(bits)}=`;
  }
  return text;
}

/** The letter of the lowest six bits. */
function letter(bits: number): string {
  return ALPHABET.charAt(bits & 0x3f);
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

const NO_VALUE = 0xff;

/** By ASCII code: the six bits of a letter. */
const VALUES: Uint8Array = new Uint8Array(0x80).fill(NO_VALUE);
for (let value = 0; value < ALPHABET.length; value += 1) VALUES[ALPHABET.charCodeAt(value)] = value;
