/**
 * Content for whoever reads it in a loop: what a source hands over, one piece for each turn. A piece that is waited for goes to the loop in the
 * turn in which it comes, and the source is held while nobody waits. A generator would do the same, with five promises for each piece.
 */

import type { ContentReader, ContentSource } from './content-source.js';
import { rejected } from './later.js';

/** What a loop over content asks. */
export class PieceIterator implements AsyncIterableIterator<Uint8Array, void, undefined>, ContentReader {
  readonly #source: ContentSource;
  /** Those who wait for a piece, in order: in a loop there is one at a time. While there is none, the source is held. */
  readonly #waiters: Waiter[] = [];
  /** What came while it was asked for. */
  #found: Promise<Piece> | undefined;
  #hasBegun = false;
  #isOver = false;
  /** Why it is over, until somebody has heard of it. */
  #failure: { readonly error: unknown } | undefined;

  /** Nothing is read before the first piece is asked for. */
  constructor(source: ContentSource) {
    this.#source = source;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<Piece> {
    if (!this.#isOver && this.#waiters.length === 0) this.#ask();
    const found = this.#found;
    this.#found = undefined;
    if (found !== undefined) return found;
    if (this.#isOver) return this.#end();
    return new Promise((resolve, reject) => {
      this.#waiters.push({ resolve, reject });
    });
  }

  /** The loop was left. */
  return(): Promise<Piece> {
    if (this.#hasBegun && !this.#isOver) this.#source.leave();
    this.#failure = undefined;
    this.onEnd();
    return this.#end();
  }

  #ask(): void {
    if (this.#hasBegun) {
      this.#source.resume();
      return;
    }
    this.#hasBegun = true;
    try {
      this.#source.read(this);
    } catch (error) {
      this.onError(error);
    }
  }

  onChunk(chunk: Uint8Array): boolean {
    const piece: Piece = { value: chunk, done: false };
    const waiter = this.#waiters.shift();
    // Where nobody waits yet, it was there when it was asked for.
    if (waiter === undefined) this.#found = Promise.resolve(piece);
    else waiter.resolve(piece);
    return this.#waiters.length > 0;
  }

  onEnd(): void {
    this.#isOver = true;
    for (const { resolve } of this.#waiters.splice(0)) resolve(END);
  }

  onError(error: unknown): void {
    const waiter = this.#waiters.shift();
    if (waiter === undefined) this.#failure = { error };
    else waiter.reject(error);
    this.onEnd();
  }

  #end(): Promise<Piece> {
    const failure = this.#failure;
    this.#failure = undefined;
    return failure === undefined ? Promise.resolve(END) : rejected(failure.error);
  }
}

type Piece = IteratorResult<Uint8Array, void>;

interface Waiter {
  readonly resolve: (piece: Piece) => void;
  readonly reject: (error: unknown) => void;
}

const END: Piece = Object.freeze({ value: undefined, done: true });
