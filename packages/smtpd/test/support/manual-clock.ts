/** A clock that stands still until a test moves it. */

import type { Clock } from '../../src/net/clock.js';

/** A clock that is moved by hand. */
export class ManualClock implements Clock {
  #now = 0;
  #timers: { readonly dueAt: number; readonly callback: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  setTimer(callback: () => void, ms: number): () => void {
    const timer = { dueAt: this.#now + ms, callback };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((each) => each !== timer);
    };
  }

  /** How many timers are armed. */
  get timerCount(): number {
    return this.#timers.length;
  }

  /** Moves the time, calling back whoever is due, in order. */
  advance(ms: number): void {
    const until = this.#now + ms;
    for (;;) {
      const next = this.#timers.filter(({ dueAt }) => dueAt <= until).sort((a, b) => a.dueAt - b.dueAt)[0];
      if (next === undefined) break;
      this.#timers = this.#timers.filter((each) => each !== next);
      this.#now = Math.max(this.#now, next.dueAt);
      next.callback();
    }
    this.#now = until;
  }
}
