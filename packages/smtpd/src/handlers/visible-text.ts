/**
 * Makes octets and text visible: readable where they can be read, escaped where a terminal would obey them, hide them or turn the
 * line around. What comes out can be turned back into what went in.
 *
 * It knows nothing about messages. In the walk it stands between a message that was taken and the stream it is printed on.
 *
 * | in | out |
 * | --- | --- |
 * | an octet that is not part of well-formed UTF-8 | `\xNN` |
 * | NUL to US-ASCII 31 except the tab, and DEL | `\r`, `\n`, else `\xNN` |
 * | U+0080 to U+009F, line and paragraph separators, bidirectional controls, U+FEFF | `\uNNNN` |
 * | a backslash that would read as the beginning of an escape, or stands before something escaped or not in US-ASCII | `\\` |
 * | anything else | itself |
 */

import { isUtf8 } from 'node:buffer';

/**
 * A text with nothing in it that a terminal obeys.
 *
 * @example
 * ```ts
 * visibleText('\u001b[2J'); // '\\x1b[2J'
 * ```
 */
export function visibleText(text: string): string {
  return NEEDS_CARE.test(text) ? text.replace(ESCAPED, escapeCharacter) : text;
}

/**
 * The same for octets, which are shown as the UTF-8 that they are, as far as they are. A long line comes in several parts.
 *
 * @example
 * ```ts
 * [...visibleParts(Uint8Array.of(0x68, 0x69, 0xff))].join(''); // 'hi\\xff'
 * ```
 */
export function* visibleParts(octets: Uint8Array): Generator<string> {
  for (let start = 0; start < octets.length;) {
    const end = partEnd(octets, start);
    const text = visibleText(decodeReversibly(octets.subarray(start, end)));
    const next = octets[end];
    // The backslash at the end of a part could not see what comes after it.
    yield octets[end - 1] === BACKSLASH && next !== undefined && isDoubledBefore(next) ? `${text}\\` : text;
    start = end;
  }
}

/**
 * A value as JSON in which a terminal finds nothing to obey. `JSON.stringify` itself escapes only what is below the blank; the rest
 * is valid JSON and no less dangerous on a screen.
 */
export function visibleJSON(value: unknown): string {
  return JSON.stringify(value).replace(OBEYED, (character) => `\\u${hex(character.charCodeAt(0), 4)}`);
}

/** UTF-8 as far as it is well formed; each other octet becomes the lone surrogate U+DC00 + octet, which UTF-8 cannot hold. */
function decodeReversibly(octets: Uint8Array): string {
  const bytes = Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength);
  if (isUtf8(bytes)) return bytes.toString('utf8');
  let text = '';
  let runStart = 0;
  for (let at = 0; at < bytes.length;) {
    const length = sequenceLength(bytes, at);
    if (length > 0) {
      at += length;
      continue;
    }
    text += `${bytes.toString('utf8', runStart, at)}${String.fromCharCode(0xdc00 + (bytes[at] ?? 0))}`;
    at += 1;
    runStart = at;
  }
  return text + bytes.toString('utf8', runStart);
}

/** RFC 3629 §4: octets of the character that begins here; 0 when none does. */
function sequenceLength(bytes: Uint8Array, at: number): number {
  const lead = bytes[at] ?? 0;
  if (lead < 0x80) return 1;
  const length = lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
  const second = bytes[at + 1] ?? 0;
  // Overlong forms, surrogates and what lies above U+10FFFF show in the second octet.
  const lowest = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
  const highest = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
  if (length === 0 || second < lowest || second > highest) return 0;
  for (let index = at + 2; index < at + length; index += 1) if (!isContinuation(bytes[index])) return 0;
  return length;
}

/** Where a part that begins at `start` ends: never within a character of UTF-8. */
function partEnd(octets: Uint8Array, start: number): number {
  const end = start + PART_BYTES;
  if (end >= octets.length) return octets.length;
  // A character has at most three continuation octets; what has more is no UTF-8 and may be cut anywhere.
  for (let cut = end; cut > end - 4; cut -= 1) if (!isContinuation(octets[cut])) return cut;
  return end;
}

function isContinuation(octet: number | undefined): boolean {
  return octet !== undefined && (octet & 0xc0) === 0x80;
}

function isDoubledBefore(octet: number): boolean {
  return DOUBLED_BEFORE.test(String.fromCharCode(octet));
}

function escapeCharacter(character: string): string {
  const code = character.charCodeAt(0);
  if (character === '\\') return '\\\\';
  if (character === '\r') return '\\r';
  if (character === '\n') return '\\n';
  if (code >= 0xdc80 && code <= 0xdcff) return `\\x${hex(code - 0xdc00, 2)}`;
  return code < 0x80 ? `\\x${hex(code, 2)}` : `\\u${hex(code, 4)}`;
}

function hex(code: number, digits: number): string {
  return code.toString(16).padStart(digits, '0');
}

const BACKSLASH = 0x5c;
const PART_BYTES = 32_768;
/** What a terminal, or whoever reads it, would obey instead of show. Lone surrogates stand for octets that are not UTF-8. */
const OBEYED_CLASS = String.raw`\u0000-\u0008\u000a-\u001f\u007f-\u009f\u2028\u2029\ufeff\ud800-\udfff\p{Bidi_Control}`;
const OBEYED = new RegExp(`[${OBEYED_CLASS}]`, 'gu');
const NEEDS_CARE = new RegExp(String.raw`[\\${OBEYED_CLASS}]`, 'u');
const DOUBLED_BEFORE = /[xurn\\]|[^\t -~]/u;
const ESCAPED = new RegExp(String.raw`\\(?=${DOUBLED_BEFORE.source})|[${OBEYED_CLASS}]`, 'gu');
