/**
 * The faults that were asked for, and which of them happens. It knows neither connections nor servers: `play-faults.ts` asks it at
 * every stage of a session and carries out what it says.
 */

import type { Fault, FaultStage, NewFault } from '../api/model.js';
import { checkFault, FaultError } from './check-fault.js';

/** A place in a session where a fault could happen, and what is known there. */
export interface FaultRequest {
  readonly stage: FaultStage;
  /** From `mail` on: the sender's address; `''` for the null reverse-path. */
  readonly from?: string;
  /** At `rcpt`, the one recipient; later, all of them. */
  readonly to?: readonly string[];
  /** The inboxes that it is about, by the user who logged in or by the recipients. */
  readonly inboxes?: readonly string[];
}

/** What a board is made with. */
export interface FaultBoardOptions {
  /** From 0 to below 1, for faults with a probability. Default: `Math.random`. */
  readonly random?: () => number;
}

/**
 * The faults of an inbox, in the order in which they were added.
 *
 * @example
 * ```ts
 * import { FaultBoard } from 'smtpd-inbox';
 * const board = new FaultBoard();
 * board.add({ stage: 'rcpt', code: 450, text: '4.2.1 Try again later', times: 2 });
 * board.add({ stage: 'message', disconnect: 'afterTaking', probability: 0.1 });
 * ```
 */
export class FaultBoard {
  readonly #random: () => number;
  #faults: Fault[] = [];
  #added = 0;

  constructor({ random = Math.random }: FaultBoardOptions = {}) {
    this.#random = random;
  }

  /** @throws {@link FaultError} when it could not happen, or there are too many */
  add(fault: NewFault): Fault {
    checkFault(fault);
    if (this.#faults.length >= FAULTS_MAX) this.#dropSpent();
    if (this.#faults.length >= FAULTS_MAX) {
      throw new FaultError(`There are ${String(FAULTS_MAX)} faults already: remove some, or all.`);
    }
    this.#added += 1;
    const added: Fault = { ...fault, id: `f${String(this.#added)}`, hits: 0 };
    this.#faults.push(added);
    return { ...added };
  }

  /** All of them, those that happened as often as they should included. */
  list(): readonly Fault[] {
    return this.#faults.map((fault) => ({ ...fault }));
  }

  /** @returns whether there was such a fault */
  remove(id: string): boolean {
    const before = this.#faults.length;
    this.#faults = this.#faults.filter((fault) => fault.id !== id);
    return this.#faults.length < before;
  }

  clear(): void {
    this.#faults = [];
  }

  /** Whether nothing can happen at a stage, whatever the request: then nobody has to find out what it is about. */
  isQuietAt(stage: FaultStage): boolean {
    return !this.#faults.some((fault) => fault.stage === stage && !isSpent(fault));
  }

  /**
   * The fault that happens now: the first that is for this request and that chance does not pass over. Chance is asked about no other, so
   * that the same numbers give the same faults.
   */
  take(request: FaultRequest): Fault | undefined {
    const taken = this.#faults.find((fault) => isFor(fault, request) && this.#isChosen(fault));
    if (taken === undefined) return undefined;
    taken.hits += 1;
    return { ...taken };
  }

  #isChosen({ probability = 1 }: Fault): boolean {
    return probability >= 1 || this.#random() < probability;
  }

  #dropSpent(): void {
    this.#faults = this.#faults.filter((fault) => !isSpent(fault));
  }
}

function isFor(fault: Fault, { stage, from, to = [], inboxes = [] }: FaultRequest): boolean {
  if (fault.stage !== stage || isSpent(fault)) return false;
  if (fault.from !== undefined && (from === undefined || !contains(from, fault.from))) return false;
  const { to: recipient } = fault;
  if (recipient !== undefined && !to.some((address) => contains(address, recipient))) return false;
  return fault.inbox === undefined || inboxes.includes(fault.inbox);
}

/** Whether it happened as often as it should. */
function isSpent({ times, hits }: Fault): boolean {
  return times !== undefined && hits >= times;
}

function contains(address: string, text: string): boolean {
  return address.toLowerCase().includes(text.toLowerCase());
}

/** More than anybody can read; it keeps a client of the API from filling the memory. */
const FAULTS_MAX = 1_000;
