// Input: the octets that have arrived and that nobody has taken yet. It is not a parser and does not know what the octets
// mean. In the walk it stands between the socket and the decoders: the transport appends, the decoder in charge takes.

import { octets } from './octets.js';

/**
 * Bytes not yet taken. They are `bytes[start..end)`; nothing of `bytes` lies beyond `end`, so a search to the end of
 * the array never meets octets of earlier input.
 *
 * @example
 * ```ts
 * const input = new Input();
 * input.append(octets.encodeLatin1('NOOP\r\nQUIT\r\n'));
 * input.take(6);
 * octets.decodeLatin1(input.bytes, input.start, input.end); // 'QUIT\r\n'
 * ```
 */
export class Input {
  /** What `start` points into: the caller's array while it is borrowed, else a view of `#storage` up to what is filled. */
  #bytes: Uint8Array = NOTHING;
  #start = 0; // 0 <= #start <= #bytes.length
  /** The array of our own behind `#bytes`; `undefined` while `#bytes` is borrowed or empty. */
  #storage: Uint8Array | undefined;

  /** What stands in `#bytes` from `#textStart` on, as text, up to its length. */
  #text = '';
  #textStart = 0;

  get bytes(): Uint8Array {
    return this.#bytes;
  }

  get start(): number {
    return this.#start;
  }

  get end(): number {
    return this.#bytes.length;
  }

  get length(): number {
    return this.#bytes.length - this.#start;
  }

  /**
   * Adds octets behind what is unread. When nothing is unread `bytes` is borrowed, not copied: it must stay as it is
   * until `settle` is called or everything is taken.
   */
  append(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    if (this.length === 0) {
      this.#bytes = bytes;
      return;
    }
    const storage = this.#storageWithRoomFor(bytes.length);
    const filled = this.#bytes.length;
    octets.copy(bytes, 0, bytes.length, storage, filled);
    this.#bytes = storage.subarray(0, filled + bytes.length);
  }

  /** Copies what is unread out of a borrowed array, so that its owner may use it again. Idle input holds no memory. */
  settle(): void {
    const unread = this.length;
    if (unread === 0) return; // `take` has let go of everything.
    const isBorrowed = this.#storage === undefined;
    // Storage that grew for much input is not kept for a little. By then three quarters of it have been taken, so the
    // copy is paid for and a stream of short input stays linear.
    const isTooLarge = (this.#storage?.length ?? 0) > Math.max(STORAGE_BYTES_MIN, unread * 4);
    if (isBorrowed || isTooLarge) this.#moveTo(octets.allocate(Math.max(STORAGE_BYTES_MIN, unread)));
  }

  /**
   * The octets from `start` to `end` as text, one character an octet. 0 <= start <= end <= {@link end}.
   *
   * A conversion is a call out of the engine, which costs more than the octets do. So what stands behind them is converted with them, as
   * far as it may be commands too. A text that is kept then keeps the others: of `TOGETHER_BYTES_MAX` octets at most.
   */
  text(start: number, end: number): string {
    const from = start - this.#textStart;
    if (from >= 0 && end - this.#textStart <= this.#text.length) return this.#text.slice(from, end - this.#textStart);
    // A single command: its CRLF is all that follows.
    if (end + 2 >= this.#bytes.length) return octets.decodeLatin1(this.#bytes, start, end);
    const together = Math.min(this.#bytes.length, Math.max(end, start + TOGETHER_BYTES_MAX));
    this.#text = octets.decodeLatin1(this.#bytes, start, together);
    this.#textStart = start;
    return this.#text.slice(0, end - start);
  }

  /** The first `count` unread octets are dealt with. 0 <= count <= length. */
  take(count: number): void {
    this.#start += count;
    if (this.#start >= this.#bytes.length) this.clear();
  }

  /** Drops everything unread, as RFC 3207 §4.2 asks after STARTTLS. */
  clear(): void {
    this.#bytes = NOTHING;
    this.#start = 0;
    this.#storage = undefined;
    this.#text = '';
  }

  /** Storage of our own that holds what is unread and has `count` free octets behind it. */
  #storageWithRoomFor(count: number): Uint8Array {
    const storage = this.#storage;
    if (storage !== undefined && this.#bytes.length + count <= storage.length) return storage;
    const needed = this.length + count;
    // Moving down within the storage only pays when that frees half of it: else many short appends would each move all.
    const roomy =
      storage !== undefined && needed * 2 <= storage.length
        ? storage
        : octets.allocate(Math.max(STORAGE_BYTES_MIN, needed, 2 * (storage?.length ?? 0)));
    this.#moveTo(roomy);
    return roomy;
  }

  #moveTo(storage: Uint8Array): void {
    const unread = this.length;
    octets.copy(this.#bytes, this.#start, this.#bytes.length, storage, 0);
    this.#storage = storage;
    this.#bytes = storage.subarray(0, unread);
    this.#start = 0;
    this.#text = '';
  }
}

/** A dozen recipients with their verbs. */
const TOGETHER_BYTES_MAX = 512;

/** Most unfinished lines fit; a line that comes octet by octet does not start with a row of tiny arrays. */
const STORAGE_BYTES_MIN = 64;

const NOTHING = octets.allocate(0);
