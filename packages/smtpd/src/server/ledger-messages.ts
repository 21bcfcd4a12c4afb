/**
 * What workers and their primary process say to each other about limits, over the channel between them. Other messages of an application
 * travel there, too: ours are marked, and whatever is not ours is left alone.
 */

import type { LedgerLimits } from './admission-ledger.js';

/** What a worker says in one message: all that has come up in one turn of its event loop. */
export interface LedgerQuestions {
  readonly smtpd: 'limits';
  readonly questions: readonly LedgerQuestion[];
}

/** One question, or that somebody has left, or was let in without asking. The name is that of the account. Where an answer is wanted it has a number. */
export type LedgerQuestion = { readonly name: string } & (
  | { readonly ask: 'join'; readonly id: number; readonly limits: SentLimits }
  | { readonly ask: 'admit'; readonly id: number; readonly key: string | undefined }
  | { readonly ask: 'move'; readonly id: number; readonly from: string | undefined; readonly to: string | undefined }
  | { readonly ask: 'authFailures' | 'addAuthFailure'; readonly id: number; readonly key: string }
  | { readonly ask: 'left'; readonly key: string | undefined }
  | { readonly ask: 'came' }
);

/** What the primary answers, in one message. */
export interface LedgerAnswers {
  readonly smtpd: 'limits';
  readonly answers: readonly LedgerAnswer[];
}

/** One answer: to `join` the key that SCRAM is shared by, in base64; else the name of a limit, nothing, or a count. */
export interface LedgerAnswer {
  readonly id: number;
  readonly answer: string | number | undefined;
}

/** Limits as JSON can say them: it has no infinity. */
export type SentLimits = { readonly [Name in keyof LedgerLimits]: number | null };

/** Limits, to be sent. */
export function sentLimits(limits: LedgerLimits): SentLimits {
  const send = (limit: number): number | null => (limit === Infinity ? null : limit);
  return {
    sessionsMax: send(limits.sessionsMax),
    sessionsPerAddressMax: send(limits.sessionsPerAddressMax),
    connectionsPerMinuteMax: send(limits.connectionsPerMinuteMax),
    authFailuresWindowMs: send(limits.authFailuresWindowMs),
  };
}

/** Limits that were sent. */
export function receivedLimits(sent: SentLimits): LedgerLimits {
  return {
    sessionsMax: sent.sessionsMax ?? Infinity,
    sessionsPerAddressMax: sent.sessionsPerAddressMax ?? Infinity,
    connectionsPerMinuteMax: sent.connectionsPerMinuteMax ?? Infinity,
    authFailuresWindowMs: sent.authFailuresWindowMs ?? Infinity,
  };
}

/** Whether a message is about limits. */
export function isLedgerMessage(message: unknown): message is { readonly smtpd: 'limits' } {
  return typeof message === 'object' && message !== null && 'smtpd' in message && message.smtpd === 'limits';
}
