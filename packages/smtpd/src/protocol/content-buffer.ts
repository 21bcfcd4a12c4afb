// Content buffer: where decoded content collects until the session hands it on. It is not a stream and knows nothing of
// lines or limits. In the walk it stands behind the data and chunk decoders: they append, the session takes.

import { octets } from './octets.js';
import { SLAB_BYTES, slabs } from './slabs.js';

/**
 * Collected content. The first allocation is exact, for a message that comes in one piece; then the storage doubles. What outgrows
 * that goes on in slabs and is put together when it is taken: then it is moved once, and nobody is given more than the content.
 * Where the client declared a size, it collects in the array that will be taken. Content that is handed on in pieces collects in slabs, where
 * a piece nearly fills one: whoever is done with it may give it back, by `slabs.recover`.
 *
 * @example
 * ```ts
 * const content = new ContentBuffer();
 * content.append(octets.encodeLatin1('Hello\r\n'), 0, 7);
 * content.take().length; // 7
 * content.length; // 0
 * ```
 */
export class ContentBuffer {
  /** Full arrays whose octets come before those of the storage. */
  #pieces: Uint8Array[] = [];
  #piecesBytes = 0;
  #storage: Uint8Array = NOTHING;
  #filledBytes = 0; // 0 <= #filledBytes <= #storage.length
  #expectedBytes = 0;
  readonly #isInPieces: boolean;

  /** @param use - whether a message is taken whole, or in pieces as it comes */
  constructor(use: 'whole' | 'pieces' = 'whole') {
    this.#isInPieces = use === 'pieces';
  }

  get length(): number {
    return this.#piecesBytes + this.#filledBytes;
  }

  /** Copies `source[start..end)` behind what has collected. */
  append(source: Uint8Array, start: number, end: number): void {
    let from = start;
    while (end - from > this.#storage.length - this.#filledBytes) {
      if (this.#grow(end - from)) break;
      const next = from + this.#storage.length - this.#filledBytes;
      this.#fill(source, from, next);
      from = next;
      this.#beginSlab();
    }
    this.#fill(source, from, end);
  }

  appendOctet(octet: number): void {
    if (this.#filledBytes === this.#storage.length && !this.#grow(1)) this.#beginSlab();
    this.#storage[this.#filledBytes] = octet;
    this.#filledBytes += 1;
  }

  /**
   * How many octets the client says will come until the next `take` (RFC 1870 §6: SIZE is a declaration, not a promise).
   * Nothing is allocated for it until a quarter has arrived, so a lie costs the client a quarter of what it costs us.
   */
  expect(bytes: number): void {
    this.#expectedBytes = bytes;
  }

  /** What has collected since the last `take`. It is the caller's; the buffer is empty afterwards and holds no memory. */
  take(): Uint8Array {
    if (this.#pieces.length > 0) this.#moveTo(octets.allocate(this.length));
    const storage = this.#storage;
    const content = this.#filledBytes === storage.length ? storage : storage.subarray(0, this.#filledBytes);
    this.#reset();
    return content;
  }

  clear(): void {
    this.#giveSlabs();
    this.#reset();
  }

  #fill(source: Uint8Array, start: number, end: number): void {
    octets.copy(source, start, end, this.#storage, this.#filledBytes);
    this.#filledBytes += end - start;
  }

  /** Makes room for `count` octets in one array with all that came before, if that is how this content collects now. */
  #grow(count: number): boolean {
    const needed = this.length + count;
    const expected = this.#expectedBytes;
    const isCredible = needed <= expected && needed * 4 >= expected;
    if (this.#isInPieces && needed >= PIECE_IN_SLAB_BYTES_MIN && needed <= SLAB_BYTES) this.#moveTo(slabs.take());
    else if (isCredible) this.#moveTo(octets.allocate(expected));
    else if (this.length < SLABS_FROM_BYTES) this.#moveTo(octets.allocate(Math.max(needed, 2 * this.#storage.length)));
    else return false;
    return true;
  }

  /** Goes on in a slab. The storage is full. */
  #beginSlab(): void {
    this.#pieces.push(this.#storage);
    this.#piecesBytes += this.#storage.length;
    this.#storage = slabs.take();
    this.#filledBytes = 0;
  }

  /** Puts together in this array all that has collected. It has room for that. */
  #moveTo(storage: Uint8Array): void {
    let length = 0;
    for (const piece of this.#pieces) {
      octets.copy(piece, 0, piece.length, storage, length);
      length += piece.length;
    }
    octets.copy(this.#storage, 0, this.#filledBytes, storage, length);
    length += this.#filledBytes;
    this.#giveSlabs();
    this.#storage = storage;
    this.#filledBytes = length;
  }

  /** Gives back what can be used again. An array of that size that is none serves as well: nobody else has it. */
  #giveSlabs(): void {
    for (const piece of this.#pieces) if (piece.length === SLAB_BYTES) slabs.give(piece);
    if (this.#storage.length === SLAB_BYTES) slabs.give(this.#storage);
    if (this.#pieces.length > 0) this.#pieces = [];
    this.#piecesBytes = 0;
  }

  #reset(): void {
    this.#storage = NOTHING;
    this.#filledBytes = 0;
    this.#expectedBytes = 0;
  }
}

/** From here on a slab is not much more than what has come. */
const SLABS_FROM_BYTES = SLAB_BYTES / 2;

/** A smaller piece would keep more of a slab than it needs. */
const PIECE_IN_SLAB_BYTES_MIN = (SLAB_BYTES / 4) * 3;

const NOTHING = octets.allocate(0);
