/** Tells readers in this process what happened. A slow reader costs a bounded amount of memory, and delays nobody. */

import type { ChangesOptions, StoreChange } from './store.js';

/** Passes changes on to all who read. */
export class ChangeFeed {
  readonly #readers = new Set<Reader>();
  #isEnded = false;

  /** Whether anybody wants to hear of changes of this kind; if not, there is no need to make them. */
  isHeard(kind: StoreChange['kind']): boolean {
    for (const reader of this.#readers) if (reader.wants(kind)) return true;
    return false;
  }

  publish(change: StoreChange): void {
    for (const reader of this.#readers) if (reader.wants(change.kind)) reader.push(change);
  }

  /** Readers get what is still waiting, and then the end. */
  end(): void {
    this.#isEnded = true;
    for (const reader of this.#readers) reader.end();
    this.#readers.clear();
  }

  /** Reading begins now, not with the first `next()`: what happens in between is not lost. */
  read({ kinds }: ChangesOptions = {}): AsyncIterableIterator<StoreChange> {
    const reader = new Reader(kinds, () => this.#readers.delete(reader));
    if (this.#isEnded) reader.end();
    else this.#readers.add(reader);
    return reader;
  }
}

class Reader implements AsyncIterableIterator<StoreChange> {
  readonly #kinds: ChangesOptions['kinds'];
  readonly #leave: () => void;
  #waiting: StoreChange[] = [];
  /** Who asked for a change when none was there. */
  readonly #asking: ((result: IteratorResult<StoreChange, undefined>) => void)[] = [];
  #isEnded = false;

  constructor(kinds: ChangesOptions['kinds'], leave: () => void) {
    this.#kinds = kinds;
    this.#leave = leave;
  }

  /** Everybody wants to know what was lost. */
  wants(kind: StoreChange['kind']): boolean {
    return this.#kinds === undefined || kind === 'missed' || this.#kinds.includes(kind);
  }

  push(change: StoreChange): void {
    const answer = this.#asking.shift();
    if (answer !== undefined) answer({ done: false, value: change });
    else if (this.#waiting.length >= WAITING_CHANGES_MAX) this.#waiting = [{ kind: 'missed' }];
    else this.#waiting.push(change);
  }

  end(): void {
    this.#isEnded = true;
    for (const answer of this.#asking.splice(0)) answer(END);
  }

  next(): Promise<IteratorResult<StoreChange, undefined>> {
    const change = this.#waiting.shift();
    if (change !== undefined) return Promise.resolve({ done: false, value: change });
    if (this.#isEnded) return Promise.resolve(END);
    return new Promise((resolve) => this.#asking.push(resolve));
  }

  return(): Promise<IteratorResult<StoreChange, undefined>> {
    this.#waiting = [];
    this.#leave();
    this.end();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

const END: IteratorResult<StoreChange, undefined> = Object.freeze({ done: true, value: undefined });
/** How many changes wait for a reader. */
const WAITING_CHANGES_MAX = 10_000;
