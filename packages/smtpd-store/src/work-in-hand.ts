/** What a store was asked and has not done yet: closing waits for it, and nothing begins after. */

import { StoreError } from './errors.js';

/** Begins work until it is closed. */
export class WorkInHand {
  /**
   * How much is not over. A set of it would cost more than it looks: a table that it grew out of keeps what was in it until the whole heap
   * is collected, and so messages that were done with long ago.
   */
  #count = 0;
  #closed: Promise<void> | undefined;
  #onIdle: () => void = () => undefined;
  readonly #onOver = (): void => {
    this.#count -= 1;
    if (this.#count === 0) this.#onIdle();
  };

  /** Does what a caller asked, unless the store is closed. */
  begin<T>(work: () => Promise<T>): Promise<T> {
    if (this.#closed !== undefined) {
      return Promise.reject(new StoreError('STORE_CLOSED', 'The store is closed: open another one'));
    }
    const result = work();
    this.#count += 1;
    result.then(this.#onOver, this.#onOver);
    return result;
  }

  /** Begins nothing any more; once all is done, does the last thing. @returns the same end to whoever asks again */
  close(finish: () => Promise<void>): Promise<void> {
    this.#closed ??= this.#idle().then(finish);
    return this.#closed;
  }

  async #idle(): Promise<void> {
    if (this.#count === 0) return;
    await new Promise<void>((resolve) => {
      this.#onIdle = resolve;
    });
  }
}
