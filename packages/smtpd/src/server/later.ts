/**
 * A value that may come later: a promise for whoever awaits it, and for the parts of a server, something that is heard of in the turn in
 * which it comes. A proxy has one for each command of its clients; the turns of the queue and the objects that a promise takes
 * would cost more than what is said.
 */

import { isThenable } from './verdict.js';

/** Who hears of it. One of the two is called, once. Neither may throw. */
export interface LaterListener<T> {
  onFulfilled(value: T): void;
  onRejected(error: unknown): void;
}

/**
 * The value. It has one listener, or is awaited, as often as anybody likes. What it was rejected with and nobody took is an unhandled
 * rejection, as with any promise.
 *
 * @example
 * ```ts
 * const later = new Later<string>();
 * later.listen({ onFulfilled: (text) => console.log(text), onRejected: (error) => console.error(error) });
 * later.resolve('said before this call returns');
 * await later; // 'said before this call returns'
 * ```
 */
export class Later<T> implements Promise<T> {
  readonly [Symbol.toStringTag] = 'Promise';
  #state: 'pending' | 'fulfilled' | 'rejected' = 'pending';
  #outcome: unknown;
  #listener: LaterListener<T> | undefined;
  /** What those who await it have; made for the first of them. */
  #promise: Promise<T> | undefined;
  #settlePromise: LaterListener<T> | undefined;

  /** Whether it has come, or never will. */
  get isSettled(): boolean {
    return this.#state !== 'pending';
  }

  /** It has come. The first outcome stays. */
  resolve(value: T): void {
    if (this.#state !== 'pending') return;
    this.#state = 'fulfilled';
    this.#outcome = value;
    this.#settlePromise?.onFulfilled(value);
    this.#listener?.onFulfilled(value);
  }

  /** It never will come. The first outcome stays. */
  reject(error: unknown): void {
    if (this.#state !== 'pending') return;
    this.#state = 'rejected';
    this.#outcome = error;
    this.#settlePromise?.onRejected(error);
    if (this.#listener !== undefined) this.#listener.onRejected(error);
    // Whoever takes it in this turn still is in time.
    else this.#promise ??= rejected(error);
  }

  /** Who settles this with what is made of another outcome. `make` must not throw. */
  settledWith<Source>(make: (value: Source) => T): LaterListener<Source> {
    return {
      onFulfilled: (value) => {
        this.resolve(make(value));
      },
      onRejected: (error) => {
        this.reject(error);
      },
    };
  }

  /** Hears of it in the turn in which it comes; at once, when that was before. */
  listen(listener: LaterListener<T>): void {
    if (this.#state === 'fulfilled') {
      listener.onFulfilled(this.#outcome as T);
    } else if (this.#state === 'rejected') {
      // It is not unhandled any more.
      this.#promise?.then(undefined, ignore);
      listener.onRejected(this.#outcome);
    } else {
      this.#listener = listener;
    }
  }

  then<Fulfilled = T, Rejected = never>(
    onFulfilled?: ((value: T) => Fulfilled | PromiseLike<Fulfilled>) | null,
    onRejected?: ((reason: unknown) => Rejected | PromiseLike<Rejected>) | null,
  ): Promise<Fulfilled | Rejected> {
    return this.#awaited().then(onFulfilled, onRejected);
  }

  catch<Rejected = never>(
    onRejected?: ((reason: unknown) => Rejected | PromiseLike<Rejected>) | null,
  ): Promise<T | Rejected> {
    return this.#awaited().catch(onRejected);
  }

  finally(onSettled?: (() => void) | null): Promise<T> {
    return this.#awaited().finally(onSettled);
  }

  #awaited(): Promise<T> {
    this.#promise ??= new Promise((resolve, reject) => {
      const settle: LaterListener<T> = { onFulfilled: resolve, onRejected: reject };
      if (this.#state === 'pending') this.#settlePromise = settle;
      else this.listen(settle);
    });
    return this.#promise;
  }
}

/** Hears of whatever may be waited for: in the turn in which it comes, where it is a {@link Later}. */
export function listenTo<T>(value: T | PromiseLike<T>, listener: LaterListener<T>): void {
  if (value instanceof Later) {
    (value as Later<T>).listen(listener);
  } else if (isThenable(value)) {
    value.then(
      (late) => {
        listener.onFulfilled(late);
      },
      (error: unknown) => {
        listener.onRejected(error);
      },
    );
  } else {
    listener.onFulfilled(value);
  }
}

/** What was rejected, as a promise: with whatever it was. */
export function rejected(error: unknown): Promise<never> {
  return Promise.reject(error instanceof Error ? error : (error as Error));
}

function ignore(): void {
  // Somebody else has heard of it.
}
