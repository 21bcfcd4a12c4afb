/**
 * What the application decides about the questions of one session: waited for, in this turn if it can be, and carried out on the session,
 * once. Whom to ask is `hook-requests.ts`'s to know, and what a value means, `verdict.ts`'s.
 */

import { assertNever, InvariantError } from '../protocol/errors.js';
import type { Reply } from '../protocol/reply.js';
import type { ServerSession } from '../protocol/server-session.js';
import * as replies from '../protocol/standard-replies.js';
import type { Incidents } from './incidents.js';
import { listenTo } from './later.js';
import { PendingVerdict, type PendingHost } from './pending-verdict.js';
import { isThenable, type Awaitable, type Decision } from './verdict.js';

/** Carries out what was decided in one session. */
export class Verdicts implements PendingHost {
  readonly #host: VerdictsHost;
  #pending: PendingVerdict | undefined;

  constructor(host: VerdictsHost) {
    this.#host = host;
  }

  /** The verdict that is waited for. */
  get pending(): PendingVerdict | undefined {
    return this.#pending;
  }

  /** Whether a verdict is waited for. */
  get isPending(): boolean {
    return this.#pending !== undefined;
  }

  /** Carries this out instead of what is waited for. @returns whether something was */
  settleAll(decision: Decision): boolean {
    const pending = this.#pending;
    pending?.settleAll(decision);
    return pending !== undefined;
  }

  /** Waits for a decision, in this turn if it can be, and carries it out. */
  await(decided: Awaitable<Decision>): Awaitable<void> {
    if (!isThenable(decided)) {
      this.carryOut(decided);
      return;
    }
    const pending = this.#pend(1);
    listenTo(decided, pending);
    return pending.done;
  }

  /** Waits for the decisions about questions that came together, and carries them out in order. */
  awaitAll(decided: Awaitable<readonly Decision[]>, questionCount: number): Awaitable<void> {
    if (!isThenable(decided)) {
      for (const decision of decided) this.carryOut(decision);
      return;
    }
    const pending = this.#pend(questionCount);
    listenTo(decided, pending);
    return pending.done;
  }

  /** From here on a verdict is waited for. */
  #pend(questionCount: number): PendingVerdict {
    const pending = new PendingVerdict(questionCount, this);
    this.#pending = pending;
    return pending;
  }

  settling(pending: PendingVerdict): void {
    if (this.#pending === pending) this.#pending = undefined;
  }

  settled(): void {
    this.#host.onSettled();
  }

  /** Answers the session's oldest question. Never throws. */
  carryOut(decision: Decision): void {
    if (this.#host.isGone() || this.#host.session.phase === 'closed') return;
    try {
      this.#answer(decision);
      this.#host.onAnswered();
    } catch (error) {
      this.#host.onFailed(error);
    }
  }

  #answer(decision: Decision): void {
    const { session } = this.#host;
    switch (decision.kind) {
      case 'pass':
        session.accept();
        return;
      case 'accept':
        session.accept(decision.reply);
        return;
      case 'refuse':
        session.refuse(decision.reply);
        return;
      case 'fault':
        session.refuse(this.#host.incidents.report(decision.error));
        return;
      case 'each':
        session.answerEach(decision.decisions.map((each) => this.replyOf(each)));
        return;
      default:
        assertNever(decision);
    }
  }

  /** The reply that says it. */
  replyOf(decision: Decision): Reply {
    switch (decision.kind) {
      case 'pass':
        return replies.OK;
      case 'accept':
      case 'refuse':
        return decision.reply;
      case 'fault':
        return this.#host.incidents.report(decision.error);
      case 'each':
        throw new InvariantError('A recipient has one verdict');
      default:
        return assertNever(decision);
    }
  }
}

/** What the verdicts need of the conversation that they belong to. */
export interface VerdictsHost {
  readonly session: ServerSession;
  readonly incidents: Incidents;
  /** Whether the connection is gone. Asked anew each time. */
  isGone(): boolean;
  /** A question has its answer. */
  onAnswered(): void;
  /** What was waited for was carried out. */
  onSettled(): void;
  /** This package failed. */
  onFailed(error: unknown): void;
}
