/**
 * What is counted across sessions: how many there are, from where, how fast they come, and who guesses passwords. Here is the account of
 * one process. Workers that share a port keep one account together: `shared-limits.ts` has it, and `primary-ledger.ts` asks there.
 */

import type { Clock } from '../net/clock.js';
import type { Limits } from '../protocol/limits.js';
import type { Reply } from '../protocol/reply.js';
import { TOO_MANY_CONNECTIONS, TOO_MANY_SESSIONS, TOO_MANY_SESSIONS_OF_CLIENT } from '../protocol/standard-replies.js';
import { RateTable } from './rate-table.js';
import type { Awaitable } from './verdict.js';

/** A limit that can keep a client out before it has said anything. */
export type AdmissionLimit = 'sessionsMax' | 'sessionsPerAddressMax' | 'connectionsPerMinuteMax';

/** What whoever is kept out hears. */
export const ADMISSION_REPLIES: Readonly<Record<AdmissionLimit, Reply>> = Object.freeze({
  sessionsMax: TOO_MANY_SESSIONS,
  sessionsPerAddressMax: TOO_MANY_SESSIONS_OF_CLIENT,
  connectionsPerMinuteMax: TOO_MANY_CONNECTIONS,
});

/** The limits that an account is held to. */
export type LedgerLimits = Pick<Limits, AdmissionLimit | 'authFailuresWindowMs'>;

/** An account of what is counted across sessions. Clients are known by a key, as `addressKey` makes it. */
export interface AdmissionLedger {
  /**
   * Counts a client that has come, unless a limit keeps it out.
   *
   * @param key - `undefined` for one that does not count for its address
   * @returns the limit; `undefined` when it may come in, and then `left` follows when it has gone
   */
  admit(key: string | undefined): Awaitable<AdmissionLimit | undefined>;
  /**
   * Counts a client that was admitted for another address, which is that of a client behind it.
   *
   * @returns the limit that keeps that one out, and then all stays as it was; `undefined` when it may stay, and leaves as `to`
   */
  move(from: string | undefined, to: string | undefined): Awaitable<AdmissionLimit | undefined>;
  /** A client that was admitted has gone. */
  left(key: string | undefined): void;
  /** Failed authentications of a client, within the time that they count. */
  authFailures(key: string): Awaitable<number>;
  /** Counts one more. @returns how many there are now */
  addAuthFailure(key: string): Awaitable<number>;
}

/** The account of one process. It answers at once. */
export class LocalLedger implements AdmissionLedger {
  readonly #limits: LedgerLimits;
  readonly #clock: Clock;
  readonly #sessionsByAddress = new Map<string, number>();
  readonly #connectionRates = new RateTable(CONNECTION_RATE_WINDOW_MS);
  readonly #authFailures: RateTable;
  #sessionCount = 0;

  constructor(limits: LedgerLimits, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
    this.#authFailures = new RateTable(limits.authFailuresWindowMs);
  }

  admit(key: string | undefined): AdmissionLimit | undefined {
    if (this.#sessionCount >= this.#limits.sessionsMax) return 'sessionsMax';
    const exceeded = this.#come(key);
    if (exceeded === undefined) this.#sessionCount += 1;
    return exceeded;
  }

  move(from: string | undefined, to: string | undefined): AdmissionLimit | undefined {
    if (from === to) return undefined;
    const exceeded = this.#come(to);
    if (exceeded === undefined) this.#leave(from);
    return exceeded;
  }

  #come(key: string | undefined): AdmissionLimit | undefined {
    if (key === undefined) return undefined;
    const { sessionsPerAddressMax, connectionsPerMinuteMax } = this.#limits;
    if (this.#connectionRates.add(key, this.#clock.now()) > connectionsPerMinuteMax) return 'connectionsPerMinuteMax';
    const present = this.#sessionsByAddress.get(key) ?? 0;
    if (present >= sessionsPerAddressMax) return 'sessionsPerAddressMax';
    this.#sessionsByAddress.set(key, present + 1);
    return undefined;
  }

  /** Counts a client that does not count for its address, and that was let in without asking. */
  came(): void {
    this.#sessionCount += 1;
  }

  left(key: string | undefined): void {
    this.#sessionCount -= 1;
    this.#leave(key);
  }

  #leave(key: string | undefined): void {
    if (key === undefined) return;
    const present = (this.#sessionsByAddress.get(key) ?? 1) - 1;
    if (present === 0) this.#sessionsByAddress.delete(key);
    else this.#sessionsByAddress.set(key, present);
  }

  authFailures(key: string): number {
    return this.#authFailures.count(key, this.#clock.now());
  }

  addAuthFailure(key: string): number {
    return this.#authFailures.add(key, this.#clock.now());
  }
}

const CONNECTION_RATE_WINDOW_MS = 60_000;
