/**
 * The account of a worker: it is kept in the primary process, which is asked over the channel between the two. `shared-limits.ts` answers.
 *
 * A message costs both processes far more than what it says: all questions of one turn of the event loop go into one.
 */

import type { Clock } from '../net/clock.js';
import { UsageError } from '../protocol/errors.js';
import type { AdmissionLedger, AdmissionLimit, LedgerLimits } from './admission-ledger.js';
import {
  isLedgerMessage,
  sentLimits,
  type LedgerAnswer,
  type LedgerAnswers,
  type LedgerQuestion,
  type LedgerQuestions,
} from './ledger-messages.js';
import type { Awaitable } from './verdict.js';

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
  /** What goes into the next message. */
  #outbox: LedgerQuestion[] = [];
  /** The clients of this server that have been admitted, and have not gone. */
  #presentCount = 0;
  #isListening = false;
  #joining: Promise<void> | undefined;
  #giveUpJoining: () => void = ignore;
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
   * Takes part in the account, unless this is closed meanwhile.
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
    const givenUp = new Promise<undefined>((resolve, reject) => {
      this.#giveUpJoining = (): void => {
        resolve(undefined);
      };
      cancelTimer = clock.setTimer(() => {
        reject(new UsageError('SMTPD_BAD_OPTION', NOBODY_COUNTS));
      }, JOIN_WAIT_MS);
    });
    try {
      const answer = this.#ask((id) => ({ name, ask: 'join', id, limits: sentLimits(limits) }));
      const stableKey = await Promise.race([answer, givenUp]);
      if (stableKey === undefined) return;
      onJoined(new Uint8Array(Buffer.from(String(stableKey), 'base64')));
      this.#isJoined = true;
    } finally {
      cancelTimer();
    }
  }

  admit(key: string | undefined): Awaitable<AdmissionLimit | undefined> {
    const { name, limits } = this.#init;
    // Of one that does not count for its address the answer is known, as long as there are few.
    if (key === undefined && this.#isJoined && this.#presentCount < Math.floor(limits.sessionsMax / UNASKED_PART)) {
      this.#presentCount += 1;
      this.#put({ name, ask: 'came' });
      return undefined;
    }
    return this.#askFor(key);
  }

  async #askFor(key: string | undefined): Promise<AdmissionLimit | undefined> {
    // A server that is only handed connections has not joined before the first.
    if (!this.#isJoined) await this.join();
    const { name } = this.#init;
    const exceeded = (await this.#ask((id) => ({ name, ask: 'admit', id, key }))) as AdmissionLimit | undefined;
    if (exceeded === undefined) this.#presentCount += 1;
    return exceeded;
  }

  async move(from: string | undefined, to: string | undefined): Promise<AdmissionLimit | undefined> {
    const { name } = this.#init;
    return (await this.#ask((id) => ({ name, ask: 'move', id, from, to }))) as AdmissionLimit | undefined;
  }

  left(key: string | undefined): void {
    this.#presentCount -= 1;
    this.#put({ name: this.#init.name, ask: 'left', key });
  }

  authFailures(key: string): Promise<number> {
    return this.#count('authFailures', key);
  }

  addAuthFailure(key: string): Promise<number> {
    return this.#count('addAuthFailure', key);
  }

  /** Nothing more will be asked. An open channel would keep the process from its end. */
  close(): void {
    this.#flush();
    this.#giveUpJoining();
    if (!this.#isListening) return;
    this.#isListening = false;
    process.off('message', this.#onMessage);
    process.off('disconnect', this.#onDisconnect);
  }

  async #count(ask: 'authFailures' | 'addAuthFailure', key: string): Promise<number> {
    return Number(await this.#ask((id) => ({ name: this.#init.name, ask, id, key })));
  }

  #ask(questionOf: (id: number) => LedgerQuestion): Promise<LedgerAnswer['answer']> {
    this.#listen();
    lastId += 1;
    const id = lastId;
    return new Promise((resolve, reject) => {
      this.#questions.set(id, { resolve, reject });
      this.#put(questionOf(id));
    });
  }

  #put(question: LedgerQuestion): void {
    this.#outbox.push(question);
    // Behind all that comes in this turn.
    if (this.#outbox.length === 1) setImmediate(this.#flush);
  }

  readonly #flush = (): void => {
    const questions = this.#outbox;
    if (questions.length === 0) return;
    this.#outbox = [];
    send({ smtpd: 'limits', questions }, (error) => {
      if (error === null) return;
      for (const question of questions) {
        if ('id' in question) this.#take(question.id)?.reject(error);
      }
    });
  };

  #take(id: number): Waiting | undefined {
    const waiting = this.#questions.get(id);
    this.#questions.delete(id);
    return waiting;
  }

  #listen(): void {
    if (this.#isListening) return;
    this.#isListening = true;
    process.on('message', this.#onMessage);
    process.on('disconnect', this.#onDisconnect);
  }

  readonly #onMessage = (message: unknown): void => {
    if (!isLedgerMessage(message)) return;
    // Another server of this process may have asked.
    for (const { id, answer } of (message as LedgerAnswers).answers) this.#take(id)?.resolve(answer);
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

function send(message: LedgerQuestions, onDone: (error: Error | null) => void): void {
  if (process.send === undefined || !process.connected) onDone(new Error(PRIMARY_GONE));
  else process.send(message, undefined, undefined, onDone);
}

function ignore(): void {
  // Whoever is gone counts nothing any more.
}

/** A worker that holds less than this part of `sessionsMax` lets clients of this machine in without asking. */
const UNASKED_PART = 16;
/** Of all servers in this process: answers come to all of them. */
let lastId = 0;
/** A primary that has much to do answers later; one that knows nothing of us, never. */
const JOIN_WAIT_MS = 10_000;
const PRIMARY_GONE = 'The primary process is gone, and nobody counts for this one';
const NOBODY_COUNTS =
  'sharedLimits: the primary process does not answer; there, hand each worker to serve() of one SharedLimits';
