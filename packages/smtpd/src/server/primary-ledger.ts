/**
 * The account of a worker: it is kept in the primary process, which is asked over the channel between the two. `shared-limits.ts` answers.
 */

import process from 'node:process';

import type { Clock } from '../net/clock.js';
import { UsageError } from '../protocol/errors.js';
import type { AdmissionLedger, AdmissionLimit, LedgerLimits } from './admission-ledger.js';
import { isLedgerMessage, sentLimits, type LedgerAnswer, type LedgerQuestion } from './ledger-messages.js';

/** What a worker's account is made with. */
export interface PrimaryLedgerInit {
  /** Servers of one name, in whatever worker, count together. */
  readonly name: string;
  readonly limits: LedgerLimits;
  readonly clock: Clock;
  /** Told once what SCRAM is shared by. */
  readonly onJoined: (stableKey: Uint8Array) => void;
}

/** An account in the primary process. */
export class PrimaryLedger implements AdmissionLedger {
  readonly #init: PrimaryLedgerInit;
  readonly #questions = new Map<number, Waiting>();
  #lastId = 0;
  #isListening = false;
  #joining: Promise<void> | undefined;
  #isJoined = false;

  /** @throws {@link UsageError} `SMTPD_BAD_OPTION` where there is no primary process */
  constructor(init: PrimaryLedgerInit) {
    if (process.send === undefined) {
      throw new UsageError(
        'SMTPD_BAD_OPTION',
        'sharedLimits is for workers: this process was not started by cluster.fork() or child_process.fork(), so nobody counts for it',
      );
    }
    this.#init = init;
  }

  /**
   * Takes part in the account.
   *
   * @throws {@link UsageError} `SMTPD_BAD_OPTION` when the primary process does not answer
   */
  async join(): Promise<void> {
    this.#joining ??= this.#join();
    try {
      await this.#joining;
    } catch (error) {
      this.#joining = undefined;
      throw error;
    }
  }

  async #join(): Promise<void> {
    const { name, limits, clock, onJoined } = this.#init;
    let cancelTimer: () => void = ignore;
    const overdue = new Promise<never>((_, reject) => {
      cancelTimer = clock.setTimer(() => {
        reject(new UsageError('SMTPD_BAD_OPTION', NOBODY_COUNTS));
      }, JOIN_WAIT_MS);
    });
    try {
      const answer = this.#ask((id) => ({ smtpd: 'limits', name, ask: 'join', id, limits: sentLimits(limits) }));
      const stableKey = await Promise.race([answer, overdue]);
      onJoined(new Uint8Array(Buffer.from(String(stableKey), 'base64')));
      this.#isJoined = true;
    } finally {
      cancelTimer();
    }
  }

  async admit(key: string | undefined): Promise<AdmissionLimit | undefined> {
    // A server that is only handed connections has not joined before the first.
    if (!this.#isJoined) await this.join();
    const { name } = this.#init;
    return (await this.#ask((id) => ({ smtpd: 'limits', name, ask: 'admit', id, key }))) as AdmissionLimit | undefined;
  }

  left(key: string | undefined): void {
    send({ smtpd: 'limits', name: this.#init.name, ask: 'left', key }, ignore);
  }

  authFailures(key: string): Promise<number> {
    return this.#count('authFailures', key);
  }

  addAuthFailure(key: string): Promise<number> {
    return this.#count('addAuthFailure', key);
  }

  /** Nothing more will be asked. An open channel would keep the process from its end. */
  close(): void {
    if (!this.#isListening) return;
    this.#isListening = false;
    process.off('message', this.#onMessage);
    process.off('disconnect', this.#onDisconnect);
  }

  async #count(ask: 'authFailures' | 'addAuthFailure', key: string): Promise<number> {
    return Number(await this.#ask((id) => ({ smtpd: 'limits', name: this.#init.name, ask, id, key })));
  }

  #ask(questionOf: (id: number) => LedgerQuestion): Promise<LedgerAnswer['answer']> {
    this.#listen();
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((resolve, reject) => {
      this.#questions.set(id, { resolve, reject });
      send(questionOf(id), (error) => {
        if (error === null) return;
        this.#questions.delete(id);
        reject(error);
      });
    });
  }

  #listen(): void {
    if (this.#isListening) return;
    this.#isListening = true;
    process.on('message', this.#onMessage);
    process.on('disconnect', this.#onDisconnect);
  }

  readonly #onMessage = (message: unknown): void => {
    if (!isLedgerMessage(message)) return;
    const { id, answer } = message as LedgerAnswer;
    const waiting = this.#questions.get(id);
    this.#questions.delete(id);
    waiting?.resolve(answer);
  };

  readonly #onDisconnect = (): void => {
    for (const { reject } of this.#questions.values()) reject(new Error(PRIMARY_GONE));
    this.#questions.clear();
  };
}

interface Waiting {
  readonly resolve: (answer: LedgerAnswer['answer']) => void;
  readonly reject: (error: Error) => void;
}

function send(message: LedgerQuestion, onDone: (error: Error | null) => void): void {
  if (process.send === undefined || !process.connected) onDone(new Error(PRIMARY_GONE));
  else process.send(message, undefined, undefined, onDone);
}

function ignore(): void {
  // Whoever is gone counts nothing any more.
}

/** A primary that has much to do answers later; one that knows nothing of us, never. */
const JOIN_WAIT_MS = 10_000;
const PRIMARY_GONE = 'The primary process is gone, and nobody counts for this one';
const NOBODY_COUNTS =
  'sharedLimits: the primary process does not answer; there, hand each worker to serve() of one SharedLimits';
