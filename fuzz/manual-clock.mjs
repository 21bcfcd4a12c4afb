/** A clock that stands still until a scene moves it. */
export class ManualClock {
  #now = 0;
  #timers = new Set();

  now() {
    return this.#now;
  }

  setTimer(callback, ms) {
    const timer = { dueAt: this.#now + ms, callback };
    this.#timers.add(timer);
    return () => {
      this.#timers.delete(timer);
    };
  }

  /** How many timers are armed. */
  get timerCount() {
    return this.#timers.size;
  }

  /** Moves the time, calling back whoever is due, in order. */
  advance(ms) {
    const until = this.#now + ms;
    for (;;) {
      const next = [...this.#timers]
        .filter(({ dueAt }) => dueAt <= until)
        .toSorted((one, other) => one.dueAt - other.dueAt)[0];
      if (next === undefined) break;
      this.#timers.delete(next);
      this.#now = Math.max(this.#now, next.dueAt);
      next.callback();
    }
    this.#now = until;
  }
}
