/**
 * A signal that is made only when somebody asks for it: most verdicts come without one, and an `AbortController` for each of them
 * would cost more than the verdict. Whoever asks after the end gets a signal that is aborted already.
 */

import { setMaxListeners } from 'node:events';

/** Where signals come from, and what ends them. */
export class AbortSource {
  #controller: AbortController | undefined;
  #reasonOf: (() => Error) | undefined;

  /** Whether it has ended. Asking this makes no signal. */
  get isAborted(): boolean {
    return this.#reasonOf !== undefined;
  }

  /** The signal; always the same one. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      // One look-up for each of many recipients is no leak; older Nodes and Bun warn of the eleventh who listens.
      setMaxListeners(0, this.#controller.signal);
      if (this.#reasonOf !== undefined) this.#controller.abort(this.#reasonOf());
    }
    return this.#controller.signal;
  }

  /**
   * Ends it. The first reason stays.
   *
   * @param reasonOf - makes the reason, for whoever asked for a signal: an error costs more than everything else at the end of a session
   */
  abort(reasonOf: () => Error): void {
    if (this.#reasonOf !== undefined) return;
    this.#reasonOf = reasonOf;
    this.#controller?.abort(reasonOf());
  }
}
