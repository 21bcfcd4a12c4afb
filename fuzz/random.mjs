/** Numbers that look random and are the same for one seed, on every machine. */

/** A source of choices. */
export class Random {
  #state;

  /** @param {number} seed any integer from 0 to 2 ** 53 - 1 */
  constructor(seed) {
    // Two neighbouring seeds must not give neighbouring sequences, nor two that differ in their high half the same one.
    this.#state = (Math.imul(seed >>> 0, 0x9e3779b1) ^ Math.imul(Math.floor(seed / 2 ** 32), 0x85ebca6b)) >>> 0;
    this.next();
  }

  /** 0 <= next() < 1. Mulberry32. */
  next() {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** An integer: min <= integer <= max. */
  integer(min, max) {
    return min + Math.floor(this.next() * (max - min + 1));
  }

  chance(probability) {
    return this.next() < probability;
  }

  pick(list) {
    return list[this.integer(0, list.length - 1)];
  }

  /** One of several by weight: `[[3, 'often'], [1, 'seldom']]`. */
  weighted(rows) {
    let left = this.next() * rows.reduce((sum, [weight]) => sum + weight, 0);
    for (const [weight, value] of rows) {
      left -= weight;
      if (left < 0) return value;
    }
    return rows.at(-1)[1];
  }

  /** So many of what `make` makes. */
  list(min, max, make) {
    return Array.from({ length: this.integer(min, max) }, (_, index) => make(index));
  }
}
