/**
 * What is counted of one session, against its limits, and what of it somebody should hear: limits that were exceeded and what no
 * client of SMTP does. It decides nothing: `dialogue.ts` gives the replies and ends the session.
 */

import type { Limits } from './limits.js';
import type { Violation } from './session-events.js';

/**
 * The counts of one session. Each `count…` says whether that was one too many.
 *
 * @example
 * ```ts
 * if (counts.countError()) dialogue.closeForLimit('errorsMax', replies.TOO_MANY_ERRORS);
 * ```
 */
export class SessionCounts {
  readonly #limits: Limits;
  #errors = 0;
  #refusals = 0;
  #idleCommands = 0;
  #messages = 0;
  #receivedBytes = 0;
  #authFailures = 0;
  // Most sessions exceed nothing and do nothing that no client does: they have no lists of it.
  #exceeded: (keyof Limits)[] | undefined;
  #violations: Violation[] | undefined;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  /** How many messages were taken. */
  get messages(): number {
    return this.#messages;
  }

  /** Whether the session has had all its messages. */
  get isOutOfMessages(): boolean {
    return this.#messages >= this.#limits.messagesMax;
  }

  countReceived(lengthBytes: number): boolean {
    this.#receivedBytes += lengthBytes;
    return this.#receivedBytes > this.#limits.sessionBytesMax;
  }

  countError(): boolean {
    this.#errors += 1;
    return this.#errors > this.#limits.errorsMax;
  }

  countRefusal(): boolean {
    this.#refusals += 1;
    return this.#refusals > this.#limits.refusalsMax;
  }

  countIdleCommand(): boolean {
    this.#idleCommands += 1;
    return this.#idleCommands > this.#limits.idleCommandsMax;
  }

  countAuthFailure(): boolean {
    this.#authFailures += 1;
    return this.#authFailures >= this.#limits.authFailuresMax;
  }

  /** The client has proved who it is. */
  forgiveAuthFailures(): void {
    this.#authFailures = 0;
  }

  /** A message was taken: who brings mail may err again. */
  countMessage(): void {
    this.#messages += 1;
    this.#errors = 0;
    this.#refusals = 0;
    this.#idleCommands = 0;
  }

  noteExceeded(limit: keyof Limits): void {
    this.#exceeded ??= [];
    // In place: there may be ten thousand in one group of commands, and each copy would cost as much as all before.
    this.#exceeded.push(limit);
  }

  noteViolation(violation: Violation): void {
    this.#violations ??= [];
    this.#violations.push(violation);
  }

  /** Whether a limit was exceeded since the last call of {@link takeExceeded}. */
  get hasExceeded(): boolean {
    return this.#exceeded !== undefined;
  }

  /** Whether there was a violation since the last call of {@link takeViolations}. */
  get hasViolations(): boolean {
    return this.#violations !== undefined;
  }

  /** The limits that were exceeded since the last call. */
  takeExceeded(): readonly (keyof Limits)[] {
    const exceeded = this.#exceeded;
    this.#exceeded = undefined;
    return exceeded ?? NOTHING_EXCEEDED;
  }

  /** What the client did since the last call that no client of SMTP does. */
  takeViolations(): readonly Violation[] {
    const violations = this.#violations;
    this.#violations = undefined;
    return violations ?? NO_VIOLATIONS;
  }
}

const NOTHING_EXCEEDED: readonly (keyof Limits)[] = Object.freeze([]);
const NO_VIOLATIONS: readonly Violation[] = Object.freeze([]);
