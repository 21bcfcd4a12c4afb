/** What the application is deciding: it is carried out once, when the decision comes or when its time is over. */

import { Later, type LaterListener } from './later.js';
import type { Decision } from './verdict.js';

/** A verdict that is waited for, about one question or about several that came together. */
export class PendingVerdict implements LaterListener<Decision | readonly Decision[]> {
  /** Fulfilled when it was carried out. Never rejected. */
  readonly done = new Later<void>();
  readonly #questionCount: number;
  readonly #host: PendingHost;
  #isSettled = false;
  #overruling: Decision | undefined;

  constructor(questionCount: number, host: PendingHost) {
    this.#questionCount = questionCount;
    this.#host = host;
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
    if (this.#overruling !== undefined) {
      this.settleAll(this.#overruling);
      return;
    }
    if (!this.#isFirst()) return;
    for (const decision of decisions) this.#host.carryOut(decision);
    this.#finish();
  }

  /** Carries one decision out for every question, unless others were. */
  settleAll(decision: Decision): void {
    if (!this.#isFirst()) return;
    for (let count = 0; count < this.#questionCount; count += 1) this.#host.carryOut(this.#overruling ?? decision);
    this.#finish();
  }

  /** Whatever is decided from here on, this is carried out instead. */
  overrule(decision: Decision): void {
    this.#overruling = decision;
  }

  /** Whether it is settled now, and was not before. */
  #isFirst(): boolean {
    if (this.#isSettled) return false;
    this.#isSettled = true;
    this.#host.settling(this);
    return true;
  }

  #finish(): void {
    this.#host.settled();
    this.done.resolve();
  }
}

/** Who carries it out. None of these may throw. */
export interface PendingHost {
  /** It is not waited for any more. */
  settling(pending: PendingVerdict): void;
  /** Answers the oldest question. */
  carryOut(decision: Decision): void;
  /** All of them have their answer. */
  settled(): void;
}
