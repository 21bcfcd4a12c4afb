/** What the application is deciding: it is carried out once, when the decision comes or when its time is over. */

import type { Decision } from './verdict.js';

/** A verdict that is waited for, about one question or about several that came together. */
export class PendingVerdict {
  /** Fulfilled when it was carried out. Never rejected. */
  readonly done: Promise<void>;
  readonly #questionCount: number;
  readonly #carryOut: (decisions: readonly Decision[]) => void;
  #resolve: () => void = () => undefined;
  #isSettled = false;

  /** @param carryOut - called once, with one decision for each question; it must not throw */
  constructor(questionCount: number, carryOut: (decisions: readonly Decision[]) => void) {
    this.#questionCount = questionCount;
    this.#carryOut = carryOut;
    this.done = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  /** Carries these decisions out, unless others were. */
  settle(decisions: readonly Decision[]): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    this.#carryOut(decisions);
    this.#resolve();
  }

  /** Carries one decision out for every question, unless others were. */
  settleAll(decision: Decision): void {
    const decisions: Decision[] = [];
    for (let count = 0; count < this.#questionCount; count += 1) decisions.push(decision);
    this.settle(decisions);
  }
}
