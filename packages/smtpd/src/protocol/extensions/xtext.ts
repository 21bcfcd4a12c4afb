/**
 * xtext (RFC 3461 §4): the encoding that lets any octet into the value of a parameter. DSN and AUTH use it.
 *
 * Not here: which text may be encoded, which each parameter says for itself.
 */

import { EQUALS, HEXDIG, PLUS, SPACE, isAt, octetAt } from '../grammar.js';
import { utf8FromLatin1 } from '../octets.js';

/**
 * The text that an xtext stands for (RFC 3461 §4), its octets read as UTF-8; `undefined` when it is not xtext or not
 * UTF-8. The result may hold control characters: whoever shows it must expect them.
 *
 * @example
 * ```ts
 * import { decodeXtext } from 'smtpd';
 * decodeXtext('rfc822;bob+2Bnews@example.net'); // 'rfc822;bob+news@example.net'
 * decodeXtext('a+2b'); // undefined: the two digits are upper-case
 * ```
 */
export function decodeXtext(text: string): string | undefined {
  let octets = '';
  let start = 0;
  for (let at = 0; at < text.length; at += 1) {
    const octet = octetAt(text, at);
    if (octet === PLUS) {
      // RFC 3461 §4: `hexchar` is a plus sign and two hexadecimal digits, upper-case.
      if (!isUpperCaseHex(text, at + 1) || !isUpperCaseHex(text, at + 2)) return undefined;
      octets += text.slice(start, at) + String.fromCharCode(Number.parseInt(text.slice(at + 1, at + 3), 16));
      start = at + 3;
      at += 2;
    } else if (!isXchar(octet)) {
      return undefined;
    }
  }
  return utf8FromLatin1(octets + text.slice(start));
}

/**
 * The xtext (RFC 3461 §4) that stands for `text`, by way of UTF-8. A lone surrogate, which no UTF-8 can carry, becomes
 * U+FFFD.
 *
 * @example
 * ```ts
 * import { encodeXtext } from 'smtpd';
 * encodeXtext('bob+news = é'); // 'bob+2Bnews+20+3D+20+C3+A9'
 * ```
 */
export function encodeXtext(text: string): string {
  let xtext = '';
  for (const character of text) {
    // `codePointAt` of a character that the iteration gave is never undefined.
    const codePoint = character.codePointAt(0) ?? 0;
    xtext += isXchar(codePoint) ? character : encodeHexchars(codePoint);
  }
  return xtext;
}

/** RFC 3461 §4: `xchar`, any printable ASCII character but `+` and `=`. */
function isXchar(code: number): boolean {
  return code > SPACE && code < 0x7f && code !== PLUS && code !== EQUALS;
}

function isUpperCaseHex(text: string, at: number): boolean {
  return isAt(text, at, HEXDIG) && octetAt(text, at) <= 0x46;
}

/** RFC 3629 §3: the UTF-8 octets of a code point, each as a `hexchar`. */
function encodeHexchars(codePoint: number): string {
  const scalar = codePoint >= 0xd800 && codePoint <= 0xdfff ? 0xfffd : codePoint;
  if (scalar < 0x80) return hexchar(scalar);
  if (scalar < 0x800) return hexchar(0xc0 | (scalar >> 6)) + continuation(scalar);
  if (scalar < 0x10000) return hexchar(0xe0 | (scalar >> 12)) + continuation(scalar >> 6) + continuation(scalar);
  return hexchar(0xf0 | (scalar >> 18)) + continuation(scalar >> 12) + continuation(scalar >> 6) + continuation(scalar);
}

function continuation(bits: number): string {
  return hexchar(0x80 | (bits & 0x3f));
}

function hexchar(octet: number): string {
  return `+${octet.toString(16).toUpperCase().padStart(2, '0')}`;
}
