/**
 * What the application decided: from what a hook returned or threw to a decision that the session can carry out.
 *
 * One rule for hooks, `processMessage`, `streamMessage` and verbs: nothing is yes; a reply or its text is that reply; a thrown
 * `SMTPReplyError` is its reply; anything else is a fault of the application, answered with 451 and logged.
 */

import type { Recipient } from '../protocol/session-state.js';
import { parseReply, Reply, SMTPReplyError } from '../protocol/reply.js';

/** What an application may answer. Nothing (`undefined`, `null`, `''`, `false`, `0`) is yes. */
export type Verdict = Reply | string | void | null | undefined;

/** What may be answered to a message: one verdict for all recipients, or one for each, by address or in their order. */
export type MessageVerdict = Verdict | ReadonlyMap<string, Verdict> | readonly Verdict[];

/** A verdict, or the promise of one. */
export type Awaitable<T> = T | PromiseLike<T>;

/** A verdict that was understood. */
export type Decision =
  | { readonly kind: 'pass' }
  | { readonly kind: 'accept'; readonly reply: Reply }
  | { readonly kind: 'refuse'; readonly reply: Reply }
  /** One for each recipient of a message, in order: where the protocol has room for that (RFC 2033 §4.2). */
  | { readonly kind: 'each'; readonly decisions: readonly Decision[] }
  | { readonly kind: 'fault'; readonly error: unknown };

/** Nobody has anything to say against it. */
export const PASS: Decision = Object.freeze({ kind: 'pass' });

/** Understands what was returned. */
export function judge(value: unknown): Decision {
  // The old module took every false value for yes.
  if (value === undefined || value === null || value === '' || value === false || value === 0) return PASS;
  const reply = value instanceof Reply ? value : typeof value === 'string' ? parseReply(value) : undefined;
  if (reply === undefined) return { kind: 'fault', error: new TypeError(`Not a reply: ${describeValue(value)}`) };
  if (reply.isPositive) return { kind: 'accept', reply };
  if (reply.isTransient || reply.isPermanent) return { kind: 'refuse', reply };
  return { kind: 'fault', error: new TypeError(`A verdict is a 2yz, 4yz or 5yz reply, not ${String(reply.code)}`) };
}

/** Understands what was thrown. */
export function judgeThrown(error: unknown): Decision {
  return error instanceof SMTPReplyError ? { kind: 'refuse', reply: error.reply } : { kind: 'fault', error };
}

/**
 * Understands what was returned for a message: a verdict for all, or one for each recipient, as a map by address or as a list in their
 * order. Nothing is yes.
 *
 * @param protocol - `lmtp` has a reply for each (RFC 2033 §4.2); `smtp` has one, which is made of them
 */
export function judgeMessage(value: unknown, recipients: readonly Recipient[], protocol: 'smtp' | 'lmtp'): Decision {
  const verdicts =
    value instanceof Map
      ? verdictsOfMap(value, recipients)
      : Array.isArray(value)
        ? verdictsOfList(value, recipients)
        : undefined;
  if (verdicts === undefined) return judge(value);
  if (!Array.isArray(verdicts)) return { kind: 'fault', error: verdicts };
  const decisions = verdicts.map(judge);
  return protocol === 'lmtp' ? { kind: 'each', decisions } : foldDecisions(decisions);
}

function verdictsOfMap(
  verdicts: ReadonlyMap<unknown, unknown>,
  recipients: readonly Recipient[],
): readonly unknown[] | TypeError {
  const known = new Set(recipients.map(({ path }) => path.address));
  for (const recipient of verdicts.keys()) {
    if (typeof recipient !== 'string' || !known.has(recipient)) {
      return new TypeError(`A verdict for ${describeValue(recipient)}, who is no recipient of this message`);
    }
  }
  return recipients.map(({ path }) => verdicts.get(path.address));
}

function verdictsOfList(
  verdicts: readonly unknown[],
  recipients: readonly Recipient[],
): readonly unknown[] | TypeError {
  if (verdicts.length === recipients.length) return verdicts;
  return new TypeError(
    `A list of ${String(verdicts.length)} verdicts for a message with ${String(recipients.length)} recipients; give one for each`,
  );
}

/**
 * Makes one decision of several, one a recipient, where the protocol has room for one (RFC 5321 §4.2.5 knows no other way).
 * Yes only when every recipient is; else the first transient refusal, so that the client tries again and nobody is left out; else
 * the first permanent one, which the client reports to the sender.
 */
function foldDecisions(decisions: readonly Decision[]): Decision {
  let accepted: Decision = PASS;
  let permanent: Decision | undefined;
  for (const decision of decisions) {
    if (decision.kind === 'fault' || (decision.kind === 'refuse' && decision.reply.isTransient)) return decision;
    if (decision.kind === 'refuse') permanent ??= decision;
    else if (accepted.kind === 'pass') accepted = decision;
  }
  return permanent ?? accepted;
}

/** Whether a value is a promise of one. */
export function isThenable<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';
}

function describeValue(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value.slice(0, 200)) : Object.prototype.toString.call(value);
}
