/** A bound on the octets that are held at the same time. Who comes when it is used up waits, first come first served. */

/** Octets that may be held. */
export class ByteBudget {
  #freeBytes: number;
  readonly #waiting: { readonly bytes: number; readonly proceed: () => void }[] = [];

  constructor(bytesMax: number) {
    this.#freeBytes = bytesMax;
  }

  /** Waits until there is room for `bytes`, which must not be more than there is at all. @returns what gives the room back, once */
  async take(bytes: number): Promise<() => void> {
    if (this.#waiting.length > 0 || bytes > this.#freeBytes) {
      await new Promise<void>((proceed) => this.#waiting.push({ bytes, proceed }));
    } else {
      this.#freeBytes -= bytes;
    }
    return () => {
      this.#freeBytes += bytes;
      this.#admit();
    };
  }

  #admit(): void {
    for (;;) {
      const [first] = this.#waiting;
      if (first === undefined || first.bytes > this.#freeBytes) return;
      this.#waiting.shift();
      this.#freeBytes -= first.bytes;
      first.proceed();
    }
  }
}
