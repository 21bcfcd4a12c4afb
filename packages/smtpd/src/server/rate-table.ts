/**
 * Counts what clients do within a time, by the key of their address. Its memory is bounded: it keeps the window that runs and the one
 * before, and what no window reaches any more is gone.
 */

/** A table of counts that grow old. */
export class RateTable {
  readonly #windowMs: number;
  #startedAtMs = 0;
  #current = new Map<string, number>();
  #previous: ReadonlyMap<string, number> = NONE;

  /** @param windowMs - how long something counts, in ms */
  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  /** Counts one more. @returns how many there are within the window now, that one included */
  add(key: string, nowMs: number): number {
    this.#turn(nowMs);
    const count = (this.#current.get(key) ?? 0) + 1;
    if (count === 1 && this.#current.size >= KEYS_MAX) this.#forgetOldest();
    this.#current.set(key, count);
    return this.count(key, nowMs);
  }

  /** How many there are within the window: the window that runs, and the part of the one before that it still reaches. */
  count(key: string, nowMs: number): number {
    this.#turn(nowMs);
    const reach = 1 - (nowMs - this.#startedAtMs) / this.#windowMs;
    return (this.#current.get(key) ?? 0) + (this.#previous.get(key) ?? 0) * reach;
  }

  #turn(nowMs: number): void {
    const passed = nowMs - this.#startedAtMs;
    if (passed < this.#windowMs) return;
    this.#previous = passed < 2 * this.#windowMs ? this.#current : NONE;
    this.#current = new Map();
    this.#startedAtMs = nowMs - (passed % this.#windowMs);
  }

  #forgetOldest(): void {
    for (const key of this.#current.keys()) {
      this.#current.delete(key);
      return;
    }
  }
}

/** Addresses that are remembered in one window. */
const KEYS_MAX = 65_536;
const NONE: ReadonlyMap<string, number> = new Map();
