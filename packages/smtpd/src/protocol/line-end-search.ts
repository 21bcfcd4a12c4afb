// Line end search: finds the next CR or LF, natively where the way is long. It does not say whether what it found ends a
// line. In the walk it serves the decoders and the encoder of content, which have nothing to do between line ends.

import { octetAt, octets } from './octets.js';

/**
 * A search through one array, from its front to its back. Both positions found last are remembered, so content that has
 * only one of the two octets is still looked at once: `begin` starts over for another array. It keeps no array.
 *
 * @example
 * ```ts
 * const search = new LineEndSearch();
 * const bytes = octets.encodeLatin1('ab\r\ncd');
 * search.begin();
 * search.next(bytes, 0); // 2
 * search.next(bytes, 4); // 6: there is none, so the end
 * ```
 */
export class LineEndSearch {
  #nextCR = -1;
  #nextLF = -1;

  begin(): void {
    this.#nextCR = -1;
    this.#nextLF = -1;
  }

  /** The first CR or LF at or after `from`, or `bytes.length`. `from` never goes back. */
  next(bytes: Uint8Array, from: number): number {
    const end = bytes.length;
    let at = from;
    if (this.#nextCR < at || this.#nextLF < at) {
      const nearEnd = at + NEAR_BYTES < end ? at + NEAR_BYTES : end;
      for (; at < nearEnd; at += 1) {
        const octet = octetAt(bytes, at);
        if (octet === CR || octet === LF) return at;
      }
      if (at === end) return end;
      if (this.#nextCR < at) this.#nextCR = positionOr(end, octets.indexOf(bytes, CR, at));
      if (this.#nextLF < at) this.#nextLF = positionOr(end, octets.indexOf(bytes, LF, at));
    }
    return this.#nextCR < this.#nextLF ? this.#nextCR : this.#nextLF;
  }
}

function positionOr(end: number, found: number): number {
  return found === -1 ? end : found;
}

/** So far a loop is as quick as two calls into the engine. */
const NEAR_BYTES = 24;

const CR = 0x0d;
const LF = 0x0a;
