/** What the application is deciding: it is carried out once, when the decision comes or when its time is over. */

import { Later, type LaterListener } from './later.js';
import type { Decision } from './verdict.js';

/** A verdict that is waited for, about one question or about several that came together. */
export class PendingVerdict implements LaterListener<Decision | readonly Decision[]> {
  /** Fulfilled when it was carried out. Never rejected. */
  readonly done = new Later<void>();
  readonly #questionCount: number;
  readonly #carryOut: (decisions: readonly Decision[]) => void;
  #isSettled = false;
  #overruling: Decision | undefined;

  /** @param carryOut - called once, with one decision for each question; it must not throw */
  constructor(questionCount: number, carryOut: (decisions: readonly Decision[]) => void) {
    this.#questionCount = questionCount;
    this.#carryOut = carryOut;
  }

  /** What was waited for has come. */
  onFulfilled(decided: Decision | readonly Decision[]): void {
    if ('kind' in decided) this.settleAll(decided);
    else this.settle(decided);
  }

  onRejected(error: unknown): void {
    this.settleAll({ kind: 'fault', error });
  }

  /** Carries these decisions out, unless others were. */
  settle(decisions: readonly Decision[]): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    this.#carryOut(this.#overruling === undefined ? decisions : this.#forAll(this.#overruling));
    this.done.resolve();
  }

  /** Carries one decision out for every question, unless others were. */
  settleAll(decision: Decision): void {
    this.settle(this.#forAll(decision));
  }

  /** Whatever is decided from here on, this is carried out instead. */
  overrule(decision: Decision): void {
    this.#overruling = decision;
  }

  #forAll(decision: Decision): readonly Decision[] {
    const decisions: Decision[] = [];
    for (let count = 0; count < this.#questionCount; count += 1) decisions.push(decision);
    return decisions;
  }
}
