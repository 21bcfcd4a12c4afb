/**
 * Encoded words (RFC 2047): text outside US-ASCII in a header. Decoding only, for reading what a test received; what cannot be
 * decoded stays as it was sent.
 */

/**
 * Decodes the encoded words of a header value.
 *
 * @example
 * ```ts
 * decodeEncodedWords('=?UTF-8?Q?Gr=C3=BC=C3=9Fe?= aus Wien'); // 'Grüße aus Wien'
 * ```
 */
export function decodeEncodedWords(value: string): string {
  let text = '';
  let end = 0;
  let waiting: EncodedWord | undefined;
  for (const match of value.matchAll(ENCODED_WORD)) {
    const word = wordOf(match);
    const gap = value.slice(end, match.index);
    if (waiting !== undefined && word?.charset === waiting.charset && BLANK.test(gap)) {
      // RFC 2047 §5 lets no character be cut by the end of a word, but many programs cut: the octets are joined before decoding.
      waiting = { ...waiting, bytes: Buffer.concat([waiting.bytes, word.bytes]), raw: waiting.raw + gap + word.raw };
    } else {
      // RFC 2047 §6.2: the blank between two encoded words is not part of the text.
      const isJoint = waiting !== undefined && word !== undefined && BLANK.test(gap);
      text += decodeWord(waiting) + (isJoint ? '' : gap);
      if (word === undefined) text += match[0];
      waiting = word;
    }
    end = match.index + match[0].length;
  }
  return text + decodeWord(waiting) + value.slice(end);
}

interface EncodedWord {
  /** In lower case. */
  readonly charset: string;
  readonly bytes: Buffer;
  readonly raw: string;
}

function wordOf(match: RegExpMatchArray): EncodedWord | undefined {
  const [raw, charset = '', encoding = '', content = ''] = match;
  const bytes = encoding.toUpperCase() === 'B' ? Buffer.from(content, 'base64') : decodeQ(content);
  return isKnown(charset.toLowerCase()) ? { charset: charset.toLowerCase(), bytes, raw } : undefined;
}

/** RFC 2047 §4.2: `_` is a space, `=` and two hexadecimal digits are an octet, everything else is itself. */
function decodeQ(content: string): Buffer {
  const octets = content
    .replaceAll('_', ' ')
    .replace(HEX_OCTET, (_match, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
  return Buffer.from(octets, 'latin1');
}

function isKnown(charset: string): boolean {
  try {
    new TextDecoder(charset);
    return true;
  } catch {
    return false;
  }
}

function decodeWord(word: EncodedWord | undefined): string {
  return word === undefined ? '' : new TextDecoder(word.charset).decode(word.bytes);
}

// RFC 2047 §2, and RFC 2231 §5 for the language behind `*`. No part can contain `?`, so the search is linear.
const ENCODED_WORD = /=\?([^?*\s]+)(?:\*[^?\s]*)?\?([BbQq])\?([^?\s]*)\?=/g;
const HEX_OCTET = /=([0-9A-Fa-f]{2})/g;
const BLANK = /^\s+$/;
