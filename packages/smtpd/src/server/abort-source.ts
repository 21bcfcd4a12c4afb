/**
 * A signal that is made only when somebody asks for it: most verdicts come without one, and an `AbortController` for each of them
 * would cost more than the verdict. Whoever asks after the end gets a signal that is aborted already.
 */

/** Where signals come from, and what ends them. */
export class AbortSource {
  #controller: AbortController | undefined;
  #reason: Error | undefined;

  /** The signal; always the same one. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#reason !== undefined) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  /** Ends it. The first reason stays. */
  abort(reason: Error): void {
    this.#reason ??= reason;
    this.#controller?.abort(this.#reason);
  }
}
