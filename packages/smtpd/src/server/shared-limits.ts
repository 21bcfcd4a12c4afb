/** The account of several processes, in the one that started them. It knows nothing of connections; `primary-ledger.ts` asks it. */

import { randomBytes } from 'node:crypto';
import type { ChildProcess } from 'node:child_process';
import type { Worker } from 'node:cluster';

import { systemClock, type Clock } from '../net/clock.js';
import { assertNever } from '../protocol/errors.js';
import { LocalLedger } from './admission-ledger.js';
import {
  isLedgerMessage,
  receivedLimits,
  type LedgerAnswer,
  type LedgerAnswers,
  type LedgerQuestion,
  type LedgerQuestions,
} from './ledger-messages.js';

/**
 * Keeps the counts that limits across sessions are held to, for workers that serve one port together: it belongs into the primary process.
 * Their servers are made with the option `sharedLimits`. What a worker held is given back when it ends, however it does.
 *
 * @example
 * ```ts
 * import cluster from 'node:cluster';
 * import { SharedLimits, SMTPServer } from 'smtpd';
 * async function main() {
 *   if (cluster.isPrimary) {
 *     const limits = new SharedLimits();
 *     for (let count = 0; count < 2; count += 1) limits.serve(cluster.fork());
 *   } else {
 *     await new SMTPServer({ localAddress: 'localhost:2525', sharedLimits: 'mail' }).listen();
 *   }
 * }
 * ```
 */
export class SharedLimits {
  readonly #clock: Clock;
  readonly #ledgers = new Map<string, LocalLedger>();
  /** One for all workers: who could see it change from one to the next would learn which users there are. */
  readonly #stableKey = randomBytes(32).toString('base64');

  constructor({ clock = systemClock }: { readonly clock?: Clock } = {}) {
    this.#clock = clock;
  }

  /** Counts for a worker, from now until it ends. Messages between the two that are not about limits are left alone. */
  serve(worker: Worker | ChildProcess): void {
    const held = new HeldSessions();
    let isGone = false;
    const onMessage = (message: unknown): void => {
      // What a worker said before it ended may be read after that.
      if (isGone || !isLedgerMessage(message)) return;
      const answers: LedgerAnswer[] = [];
      for (const question of (message as LedgerQuestions).questions) {
        const answer = this.#answer(question, held);
        if ('id' in question) answers.push({ id: question.id, answer });
      }
      // A worker that is gone by now wants no answer.
      if (answers.length > 0) worker.send({ smtpd: 'limits', answers } satisfies LedgerAnswers, ignore);
    };
    const onGone = (): void => {
      isGone = true;
      held.giveBack((name, key) => this.#ledgers.get(name)?.left(key));
    };
    worker.on('message', onMessage);
    worker.on('exit', onGone);
    worker.on('disconnect', onGone);
  }

  #answer(question: LedgerQuestion, held: HeldSessions): LedgerAnswer['answer'] {
    const { name } = question;
    if (question.ask === 'join') {
      if (!this.#ledgers.has(name))
        this.#ledgers.set(name, new LocalLedger(receivedLimits(question.limits), this.#clock));
      return this.#stableKey;
    }
    const ledger = this.#ledgers.get(name);
    if (ledger === undefined) return undefined;
    switch (question.ask) {
      case 'admit': {
        const exceeded = ledger.admit(question.key);
        if (exceeded === undefined) held.add(name, question.key);
        return exceeded;
      }
      case 'move': {
        const exceeded = ledger.move(question.from, question.to);
        if (exceeded === undefined) held.move(name, question.from, question.to);
        return exceeded;
      }
      case 'came':
        ledger.came();
        held.add(name, undefined);
        return undefined;
      case 'left':
        if (held.remove(name, question.key)) ledger.left(question.key);
        return undefined;
      case 'authFailures':
        return ledger.authFailures(question.key);
      case 'addAuthFailure':
        return ledger.addAuthFailure(question.key);
      default:
        return assertNever(question);
    }
  }
}

/** The sessions of one worker, by the name of their account and the key of their client. */
class HeldSessions {
  readonly #counts = new Map<string, Map<string | undefined, number>>();

  add(name: string, key: string | undefined): void {
    const counts = this.#counts.get(name) ?? new Map<string | undefined, number>();
    this.#counts.set(name, counts);
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }

  /** @returns whether there was one */
  remove(name: string, key: string | undefined): boolean {
    const counts = this.#counts.get(name);
    const count = counts?.get(key) ?? 0;
    if (counts === undefined || count === 0) return false;
    if (count === 1) counts.delete(key);
    else counts.set(key, count - 1);
    return true;
  }

  move(name: string, from: string | undefined, to: string | undefined): void {
    if (this.remove(name, from)) this.add(name, to);
  }

  giveBack(left: (name: string, key: string | undefined) => void): void {
    for (const [name, counts] of this.#counts) {
      for (const [key, count] of counts) {
        for (let given = 0; given < count; given += 1) left(name, key);
      }
    }
    this.#counts.clear();
  }
}

function ignore(): void {
  // Nobody is there to hear it.
}
