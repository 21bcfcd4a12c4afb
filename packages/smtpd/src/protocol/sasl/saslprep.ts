/**
 * SASLprep (RFC 4013): makes one text of the many ways in which a user name or a password can be typed, and refuses what
 * nobody types. Unassigned code points are let through, as for a query (RFC 3454 §7).
 *
 * The tables are those of Unicode 3.2. Normalization is the engine's, of a newer Unicode: for characters that were assigned in
 * 3.2 it gives the same, but for the few corrections that Unicode has made since.
 */

import {
  isInRanges,
  LEFT_TO_RIGHT,
  MAPPED_TO_NOTHING,
  NON_ASCII_SPACES,
  PROHIBITED,
  RIGHT_TO_LEFT,
} from './saslprep-tables.js';

/**
 * The text as it is compared, or `undefined` when it has a character that is prohibited, or mixes directions. The result can
 * be empty.
 *
 * @example
 * ```ts
 * saslprep('I\u00adX'); // 'IX'
 * saslprep('\u2168'); // 'IX'
 * saslprep('\u0007'); // undefined
 * ```
 */
export function saslprep(text: string): string | undefined {
  if (PRINTABLE_ASCII.test(text)) return text;

  // RFC 4013 §2.1, §2.2: map, then normalize.
  const prepared = map(text).normalize('NFKC');
  const codePoints = Array.from(prepared, (character) => character.codePointAt(0) ?? 0);
  // RFC 4013 §2.3: a lone surrogate is one of table C.5.
  if (codePoints.some((codePoint) => isInRanges(codePoint, PROHIBITED))) return undefined;
  return isOneDirection(codePoints) ? prepared : undefined;
}

/** RFC 4013 §2.1: spaces become U+0020, and what is commonly mapped to nothing goes. U+200B is in both tables; it is a space. */
function map(text: string): string {
  let mapped = '';
  for (const character of text) {
    const codePoint = character.codePointAt(0) ?? 0;
    if (isInRanges(codePoint, NON_ASCII_SPACES)) mapped += ' ';
    else if (!isInRanges(codePoint, MAPPED_TO_NOTHING)) mapped += character;
  }
  return mapped;
}

/** RFC 3454 §6: text with a right-to-left character has no left-to-right one, and begins and ends with right-to-left ones. */
function isOneDirection(codePoints: readonly number[]): boolean {
  const isRightToLeft = (codePoint: number | undefined): boolean =>
    codePoint !== undefined && isInRanges(codePoint, RIGHT_TO_LEFT);

  if (!codePoints.some(isRightToLeft)) return true;
  if (codePoints.some((codePoint) => isInRanges(codePoint, LEFT_TO_RIGHT))) return false;
  return isRightToLeft(codePoints[0]) && isRightToLeft(codePoints.at(-1));
}

/** Most text: it stays as it is. */
const PRINTABLE_ASCII = /^[ -~]*$/;
