/** A clock that stands still until a test moves it. */

import type { StoreClock } from 'smtpd-store';

/** A clock that is moved by hand. */
export class ManualClock implements StoreClock {
  #now = Date.UTC(2026, 0, 1);
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

  /** When the next timer is due; `undefined` without one. */
  get dueAt(): number | undefined {
    return this.#timers.map(({ dueAt }) => dueAt).sort((a, b) => a - b)[0];
  }

  /** Moves the time, calling back whoever is due. */
  advance(ms: number): void {
    this.#now += ms;
    const due = this.#timers.filter(({ dueAt }) => dueAt <= this.#now);
    this.#timers = this.#timers.filter(({ dueAt }) => dueAt > this.#now);
    for (const { callback } of due) callback();
  }
}
