/** When to take away what was deleted and cannot come back any more. */

import type { StoreClock } from './clock.js';

/** Takes away some of it. @returns when there is something again; `undefined` for never */
export type Purge = (now: number) => Promise<number | undefined>;

/** Purges when it is time, and only then. */
export class PurgeSchedule {
  readonly #clock: StoreClock;
  readonly #purge: Purge;
  #plannedAt = Infinity;
  #cancelTimer: () => void = () => undefined;
  #isOver = false;

  constructor(clock: StoreClock, purge: Purge) {
    this.#clock = clock;
    this.#purge = purge;
  }

  /** Purges in `ms`, or before if that was planned already. */
  plan(ms: number): void {
    const at = this.#clock.now() + ms;
    // A deletion must not put off the end of an earlier one.
    if (this.#isOver || this.#plannedAt <= at) return;
    this.#cancelTimer();
    this.#plannedAt = at;
    this.#cancelTimer = this.#clock.setTimer(() => {
      this.#plannedAt = Infinity;
      void this.#purge(this.#clock.now()).then(
        (nextAt) => {
          if (nextAt !== undefined) this.plan(Math.max(0, nextAt - this.#clock.now()));
        },
        () => {
          // Closed, or failed: who uses the store is told. A full disk may have room later.
          this.plan(PURGE_AGAIN_MS);
        },
      );
    }, ms);
  }

  /** Plans nothing any more. */
  end(): void {
    this.#isOver = true;
    this.#cancelTimer();
  }
}

const PURGE_AGAIN_MS = 60_000;
