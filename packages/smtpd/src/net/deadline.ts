/**
 * One wait that is set anew again and again, with one timer that is rarely touched: moving a deadline later costs a number,
 * and the timer looks again when it fires.
 */

import type { Clock } from './clock.js';

/** A deadline. */
export class Deadline {
  readonly #clock: Clock;
  readonly #onExpire: () => void;
  readonly #lookAgainMs: number;
  #dueAt = Infinity;
  #timerAt = Infinity;
  #cancel: (() => void) | undefined;

  /**
   * @param lookAgainMs - the shortest of the waits that are to be expected: its timer looks as often, so that a wait which is shorter than
   * the one before needs no other timer
   */
  constructor(clock: Clock, onExpire: () => void, lookAgainMs = Infinity) {
    this.#clock = clock;
    this.#onExpire = onExpire;
    this.#lookAgainMs = lookAgainMs;
  }

  /**
   * Expires `ms` from now, whatever was set before. `Infinity`: never.
   *
   * @param now - what the clock says, for a caller that has just looked
   */
  set(ms: number, now = this.#clock.now()): void {
    if (ms === Infinity) {
      this.clear();
      return;
    }
    this.#dueAt = now + ms;
    // A timer that fires earlier than needed looks again; only an earlier deadline needs a new one.
    if (this.#cancel !== undefined && this.#timerAt <= this.#dueAt) return;
    this.#cancel?.();
    this.#arm(ms, now);
  }

  /** Never expires, until set again. That will be soon, so the timer stays for it; it does nothing when it fires before. */
  suspend(): void {
    this.#dueAt = Infinity;
  }

  /** Never expires, until set again, and holds no timer. */
  clear(): void {
    this.#dueAt = Infinity;
    this.#timerAt = Infinity;
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #arm(waitMs: number, now: number): void {
    const ms = Math.min(waitMs, this.#lookAgainMs);
    this.#timerAt = now + ms;
    this.#cancel = this.#clock.setTimer(() => {
      this.#cancel = undefined;
      if (this.#dueAt === Infinity) return;
      const firedAt = this.#clock.now();
      const left = this.#dueAt - firedAt;
      if (left > 0) {
        this.#arm(left, firedAt);
        return;
      }
      this.#dueAt = Infinity;
      this.#onExpire();
    }, ms);
  }
}
