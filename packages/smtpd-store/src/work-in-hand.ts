/** What a store was asked and has not done yet: closing waits for it, and nothing begins after. */

import { StoreError } from './errors.js';

/** Begins work until it is closed. */
export class WorkInHand {
  /** What is not over; none of them rejects. */
  readonly #work = new Set<Promise<void>>();
  #closed: Promise<void> | undefined;

  /** Does what a caller asked, unless the store is closed. */
  begin<T>(work: () => Promise<T>): Promise<T> {
    if (this.#closed !== undefined) {
      return Promise.reject(new StoreError('STORE_CLOSED', 'The store is closed: open another one'));
    }
    const result = work();
    const settled: Promise<void> = result.then(
      () => void this.#work.delete(settled),
      () => void this.#work.delete(settled),
    );
    this.#work.add(settled);
    return result;
  }

  /** Begins nothing any more; once all is done, does the last thing. @returns the same end to whoever asks again */
  close(finish: () => Promise<void>): Promise<void> {
    this.#closed ??= Promise.all(this.#work).then(finish);
    return this.#closed;
  }
}
