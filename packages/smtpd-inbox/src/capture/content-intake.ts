/**
 * Takes the content of messages into memory, where it is read before it is kept. What all sessions hold together is bounded: past its
 * first mebibyte a message waits for one of a few places, and its client with it.
 */

/** The content of a message. */
export interface TakenContent {
  /** From the beginning, as far as it is read. */
  readonly head: Uint8Array;
  /** What comes behind; absent when the head is all. */
  readonly rest: AsyncIterable<Uint8Array> | undefined;
  /** To be called when the octets are no longer needed. */
  readonly release: () => void;
}

/** Bounds what is in memory. */
export class ContentIntake {
  #placesLeft = LARGE_PLACES;
  readonly #waiting: (() => void)[] = [];

  /**
   * Takes content to its end, or up to {@link HEAD_BYTES_MAX} octets.
   *
   * @throws what reading the content throws
   */
  async take(body: AsyncIterable<Uint8Array>): Promise<TakenContent> {
    const iterator = body[Symbol.asyncIterator]();
    const pieces: Uint8Array[] = [];
    let length = 0;
    let isLarge = false;
    const release = (): void => {
      if (isLarge) this.#leave();
      isLarge = false;
    };
    try {
      while (length < HEAD_BYTES_MAX) {
        const next: IteratorResult<Uint8Array, unknown> = await iterator.next();
        if (next.done === true) return { head: joined(pieces, length), rest: undefined, release };
        pieces.push(next.value);
        length += next.value.length;
        if (length > SMALL_BYTES_MAX && !isLarge) {
          await this.#enter();
          isLarge = true;
        }
      }
      return { head: joined(pieces, length), rest: { [Symbol.asyncIterator]: () => iterator }, release };
    } catch (error) {
      release();
      throw error;
    }
  }

  async #enter(): Promise<void> {
    if (this.#placesLeft > 0) {
      this.#placesLeft -= 1;
      return;
    }
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  #leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#placesLeft += 1;
    else next();
  }
}

/** What came in one piece is ours as it is. A copy among others would also take all of them along into another thread. */
function joined(pieces: readonly Uint8Array[], length: number): Uint8Array {
  const [only] = pieces;
  return pieces.length === 1 && only !== undefined ? only : Buffer.concat(pieces, length);
}

/** Octets of a message that need no place. */
const SMALL_BYTES_MAX = 1_048_576;
/** How many larger messages are in memory at once. */
const LARGE_PLACES = 4;
/** Octets of a message that are read for what they say; all of them are kept. */
const HEAD_BYTES_MAX = 67_108_864;
