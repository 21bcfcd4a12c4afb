/** A bound on the octets that are held at the same time. Who comes when it is used up waits, first come first served. */

/** Octets that may be held. */
export class ByteBudget {
  #freeBytes: number;
  readonly #waiting: { readonly bytes: number; readonly proceed: () => void }[] = [];

  constructor(bytesMax: number) {
    this.#freeBytes = bytesMax;
  }

  /** Takes room for `bytes` if it is there. @returns whether it was */
  tryTake(bytes: number): boolean {
    if (this.#waiting.length > 0 || bytes > this.#freeBytes) return false;
    this.#freeBytes -= bytes;
    return true;
  }

  /** Waits until there is room for `bytes`, which must not be more than there is at all. */
  async take(bytes: number): Promise<void> {
    if (this.tryTake(bytes)) return;
    await new Promise<void>((proceed) => this.#waiting.push({ bytes, proceed }));
  }

  /** Gives back, once, what was taken. */
  release(bytes: number): void {
    this.#freeBytes += bytes;
    this.#admit();
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
