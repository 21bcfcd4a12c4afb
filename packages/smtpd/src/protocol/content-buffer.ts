// Content buffer: where decoded content collects until the session hands it on. It is not a stream and knows nothing of
// lines or limits. In the walk it stands behind the data and chunk decoders: they append, the session takes.

import { octets } from './octets.js';

/**
 * Collected content. The first allocation is exact, for a message that comes in one piece; then the storage doubles.
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
  #storage: Uint8Array = NOTHING;
  #length = 0; // 0 <= #length <= #storage.length
  #expectedBytes = 0;

  get length(): number {
    return this.#length;
  }

  /** Copies `source[start..end)` behind what has collected. */
  append(source: Uint8Array, start: number, end: number): void {
    const length = this.#length + (end - start);
    if (length > this.#storage.length) this.#grow(length);
    octets.copy(source, start, end, this.#storage, this.#length);
    this.#length = length;
  }

  appendOctet(octet: number): void {
    if (this.#length === this.#storage.length) this.#grow(this.#length + 1);
    this.#storage[this.#length] = octet;
    this.#length += 1;
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
    const content = this.#length === this.#storage.length ? this.#storage : this.#storage.subarray(0, this.#length);
    this.clear();
    return content;
  }

  clear(): void {
    this.#storage = NOTHING;
    this.#length = 0;
    this.#expectedBytes = 0;
  }

  #grow(needed: number): void {
    const expected = this.#expectedBytes;
    const isCredible = needed <= expected && needed * 4 >= expected;
    const storage = octets.allocate(isCredible ? expected : Math.max(needed, 2 * this.#storage.length));
    octets.copy(this.#storage, 0, this.#length, storage, 0);
    this.#storage = storage;
  }
}

const NOTHING = octets.allocate(0);
