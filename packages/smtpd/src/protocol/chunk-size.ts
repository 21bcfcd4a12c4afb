/**
 * The argument of BDAT (RFC 3030 §2): how many octets follow the command, and whether they are the last of the message.
 *
 * Not here: the octets themselves (`chunk-decoder.ts`).
 */

import { asciiUpperCase } from './grammar.js';

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
  const match = CHUNK_SIZE.exec(argument);
  if (match === null) return undefined;
  const sizeBytes = Number(match[1]);
  if (!Number.isSafeInteger(sizeBytes)) return undefined;
  const rest = asciiUpperCase(match[2] ?? '');
  return { sizeBytes, isLast: rest === 'LAST', isWellFormed: rest === '' || rest === 'LAST' };
}

const CHUNK_SIZE = /^([0-9]{1,20})(?: +(.*))?$/;
