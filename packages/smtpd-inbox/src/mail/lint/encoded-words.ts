/** Encoded words (RFC 2047) as they stand in a field, for the rules: places and pieces, by the letter. */

/** An encoded word, or what was meant to be one. */
export interface EncodedWord {
  readonly raw: string;
  /** Where it stands in the field’s value. */
  readonly start: number;
  readonly end: number;
  /** In lower case, without the language of RFC 2231 §5. */
  readonly charset: string;
  readonly encoding: string;
  /** One octet a character; undefined when the text is not what the encoding allows. */
  readonly octets: string | undefined;
}

/** The encoded words of a value. */
export function encodedWordsOf(value: string): EncodedWord[] {
  return [...value.matchAll(ENCODED_WORD)].map((match) => {
    const [raw, charset = '', encoding = '', text = ''] = match;
    return {
      raw,
      start: match.index,
      end: match.index + raw.length,
      charset: (charset.split('*')[0] ?? '').toLowerCase(),
      encoding: encoding.toLowerCase(),
      octets: octetsOf(encoding.toLowerCase(), text),
    };
  });
}

/** Octets in a character set; undefined when nobody knows it. */
export function decodeCharset(octets: string, charset: string): string | undefined {
  try {
    return new TextDecoder(charset).decode(Buffer.from(octets, 'latin1'));
  } catch {
    return undefined;
  }
}

/** Whether octets are UTF-8. */
export function isUTF8(octets: string): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(octets, 'latin1'));
    return true;
  } catch {
    return false;
  }
}

/** Octets that nothing is said of: UTF-8 where they are that. What is text already stays. */
export function decodeRaw(octets: string): string {
  return /[\x80-\xFF]/.test(octets) && !/[^\0-\xFF]/.test(octets) && isUTF8(octets)
    ? Buffer.from(octets, 'latin1').toString('utf8')
    : octets;
}

function octetsOf(encoding: string, text: string): string | undefined {
  if (encoding === 'b') {
    if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text) || text.length % 4 !== 0) return undefined;
    return Buffer.from(text, 'base64').toString('latin1');
  }
  // RFC 2047 §4.2: no blank, and `=` only before two hexadecimal digits.
  if (encoding !== 'q' || /[\s\p{Cc}]|=(?![0-9A-Fa-f]{2})/u.test(text)) return undefined;
  return text
    .replaceAll('_', ' ')
    .replace(/=([0-9A-Fa-f]{2})/g, (_all, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

const ENCODED_WORD = /=\?([^?\s=]*)\?([^?\s]*)\?([^?]*)\?=/g;
