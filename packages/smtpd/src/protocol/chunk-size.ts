/**
 * The argument of BDAT (RFC 3030 §2): how many octets follow the command, and whether they are the last of the message.
 *
 * Not here: the octets themselves (`chunk-decoder.ts`).
 */

import { SPACE, asciiUpperCase, isDigit, octetAt } from './grammar.js';

/** What BDAT announces. */
export interface ChunkSize {
  readonly sizeBytes: number;
  readonly isLast: boolean;
  /** `false` when there is more in the argument than the grammar allows. The size is known all the same. */
  readonly isWellFormed: boolean;
}

/**
 * Reads the argument.
 *
 * @returns `undefined` when it does not say how many octets follow, or more than can be counted: then nobody can tell where the
 * next command begins
 *
 * @example
 * ```ts
 * parseChunkSize('86 LAST'); // { sizeBytes: 86, isLast: true, isWellFormed: true }
 * parseChunkSize('-1'); // undefined
 * ```
 */
export function parseChunkSize(argument: string): ChunkSize | undefined {
  // Digit by digit: a number made of a text that was cut out costs ten times as much.
  let sizeBytes = 0;
  let end = 0;
  for (; isDigit(octetAt(argument, end)); end += 1) sizeBytes = sizeBytes * 10 + (argument.charCodeAt(end) - ZERO);
  if (end === 0 || end > DIGITS_MAX || !Number.isSafeInteger(sizeBytes)) return undefined;
  if (end === argument.length) return { sizeBytes, isLast: false, isWellFormed: true };
  if (octetAt(argument, end) !== SPACE) return undefined;
  while (octetAt(argument, end) === SPACE) end += 1;
  const rest = asciiUpperCase(argument.slice(end));
  if (rest === 'LAST') return { sizeBytes, isLast: true, isWellFormed: true };
  // What has a line end in it is no argument.
  return LINE_END.test(rest) ? undefined : { sizeBytes, isLast: false, isWellFormed: rest === '' };
}

const DIGITS_MAX = 20;
const ZERO = 0x30;
const LINE_END = /[\r\n]/;
