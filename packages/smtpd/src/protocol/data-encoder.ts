// Data encoder: content made ready to follow DATA, with a second dot where a line starts with one. It is not a normaliser:
// bare line ends pass as they are, they are the caller's policy. In the walk it belongs to the client, before its socket.

import { octetAt, octets } from './octets.js';

/**
 * Encodes the content of one message (RFC 5321 §4.5.2), in as many pieces as it comes in.
 *
 * @example
 * ```ts
 * const encoder = new DataEncoder();
 * encoder.encode(octets.encodeLatin1('.\r\n')); // '.', '.\r\n'
 * encoder.end(); // '.\r\n'
 * ```
 */
export class DataEncoder {
  /** What the content ends with so far, as far as the next octet depends on it. */
  #end: 'lineEnd' | 'CR' | 'other' = 'lineEnd';

  /** The stuffed content, to be sent in this order: views of `bytes` where dots are few, one copy where they are many. */
  encode(bytes: Uint8Array): Uint8Array[] {
    if (bytes.length === 0) return [];
    const dots = this.#findDots(bytes);
    if (dots.length === 0) return [bytes];
    return dots.length * PIECE_BYTES_MIN > bytes.length ? [stuffedCopy(bytes, dots)] : stuffedViews(bytes, dots);
  }

  /** The end of data, after the CRLF that the content lacks (RFC 5321 §4.1.1.4). The encoder is as new afterwards. */
  end(): Uint8Array {
    const isLineComplete = this.#end === 'lineEnd';
    this.#end = 'lineEnd';
    return isLineComplete ? END_BEHIND_LINE : END_IN_LINE;
  }

  /** Where the dots are that start a line. RFC 5321 §4.5.2: the sender checks the first character of each line; only CRLF starts one. */
  #findDots(bytes: Uint8Array): number[] {
    const dots: number[] = [];
    // The first line begins at the front, behind an LF whose CR came before, or behind a CRLF as all others do.
    const isEndedByLF = this.#end === 'CR' && octetAt(bytes, 0) === LF;
    const firstLine = isEndedByLF ? 1 : 0;
    if ((isEndedByLF || this.#end === 'lineEnd') && bytes[firstLine] === DOT) dots.push(firstLine);
    for (let from = 0; ;) {
      const found = octets.indexOfSequence(bytes, LINE_END_AND_DOT, from);
      if (found < 0) break;
      from = found + LINE_END_AND_DOT.length;
      dots.push(from - 1);
    }
    this.#end = endOf(bytes, isEndedByLF);
    return dots;
  }
}

function endOf(bytes: Uint8Array, isEndedByLF: boolean): 'lineEnd' | 'CR' | 'other' {
  const last = octetAt(bytes, bytes.length - 1);
  if (last === CR) return 'CR';
  const isBehindCR = bytes.length === 1 ? isEndedByLF : octetAt(bytes, bytes.length - 2) === CR;
  return last === LF && isBehindCR ? 'lineEnd' : 'other';
}

/** Views that overlap in the dots: each piece but the first starts with the dot that ended the one before. */
function stuffedViews(bytes: Uint8Array, dots: readonly number[]): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  let from = 0;
  for (const dot of dots) {
    pieces.push(bytes.subarray(from, dot + 1));
    from = dot;
  }
  pieces.push(bytes.subarray(from));
  return pieces;
}

function stuffedCopy(bytes: Uint8Array, dots: readonly number[]): Uint8Array {
  const stuffed = octets.allocate(bytes.length + dots.length);
  let from = 0;
  let to = 0;
  for (const dot of dots) {
    octets.copy(bytes, from, dot + 1, stuffed, to);
    to += dot + 1 - from;
    from = dot;
  }
  octets.copy(bytes, from, bytes.length, stuffed, to);
  return stuffed;
}

/** A view costs about as much as the copy of this many octets. */
const PIECE_BYTES_MIN = 512;

const LINE_END_AND_DOT = octets.encodeLatin1('\r\n.');
/** The end of data, behind a CRLF and without one. Nobody writes to what is to be sent. */
const END_BEHIND_LINE = octets.encodeLatin1('.\r\n');
const END_IN_LINE = octets.encodeLatin1('\r\n.\r\n');

const CR = 0x0d;
const LF = 0x0a;
const DOT = 0x2e;
