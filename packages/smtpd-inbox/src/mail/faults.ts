/** What goes wrong while a mail is read, as sentences for people: each once, and not more than a person reads. */

import { FAULTS_MAX } from './bounds.js';

/** Faults in the order in which they were met. */
export class Faults {
  readonly #sentences = new Set<string>();
  #stop: string | undefined;
  #omitted = 0;

  /** Something is not as it should be; reading goes on. */
  add(sentence: string): void {
    if (this.#sentences.has(sentence)) return;
    if (this.#sentences.size < FAULTS_MAX) this.#sentences.add(sentence);
    else this.#omitted += 1;
  }

  /** Reading stops before the end of the message. The first reason is the one that counts. */
  addStop(sentence: string): void {
    this.#stop ??= sentence;
    this.add(sentence);
  }

  /** Why reading stopped; `undefined` when it did not. */
  get stop(): string | undefined {
    return this.#stop;
  }

  toArray(): string[] {
    const listed = [...this.#sentences];
    return this.#omitted === 0 ? listed : [...listed, `There are ${this.#omitted} more faults.`];
  }
}
