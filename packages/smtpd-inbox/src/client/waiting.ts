/**
 * Waiting for one message: the server is asked in slices, from the place where the last answer ended, so that nothing is missed between
 * two of them and no proxy cuts the line. Patterns are compared here: what the server found and a pattern does not find is a near miss.
 */

import type { Message, NearMiss, WaitResult } from '../api/model.js';
import { InboxError, NoMessageError } from './client-errors.js';
import { RefusedError, type Connection } from './connection.js';
import {
  bodyMismatch,
  criteriaForServer,
  isPattern,
  subjectMismatch,
  type MessageCriteria,
} from './message-criteria.js';

/** A wait. */
export interface Wait {
  readonly criteria: MessageCriteria;
  readonly inbox: string | undefined;
  /** Only what came behind this place. */
  readonly after: string | undefined;
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

/** What came of a wait: a message; or none, and from where to look on. */
type WaitOutcome = WaitResult | { readonly entry?: undefined; readonly cursor: string | undefined };

/**
 * Waits for the first message that is as it should be, in the order of their coming.
 *
 * @throws NoMessageError
 */
export async function waitForMessage(connection: Connection, wait: Wait): Promise<WaitResult> {
  const nearMisses = new Map<string, NearMiss>();
  const outcome = await findMessage(connection, wait, (nearMiss) => nearMisses.set(nearMiss.entry.id, nearMiss));
  if (outcome.entry !== undefined) return outcome;
  const place = wait.inbox === undefined ? connection.url : `inbox ${JSON.stringify(wait.inbox)} at ${connection.url}`;
  const nearest = [...nearMisses.values()].sort((one, other) => one.reasons.length - other.reasons.length);
  throw new NoMessageError({ ...wait, place, nearMisses: nearest.slice(0, NEAR_MISSES_MAX) });
}

/** The same, and no message is no error. */
export async function findMessage(
  connection: Connection,
  wait: Wait,
  onNearMiss: (nearMiss: NearMiss) => void = () => undefined,
): Promise<WaitOutcome> {
  const endsAt = performance.now() + wait.timeoutMs;
  let place: Place = wait.after === undefined ? {} : { after: wait.after };
  for (;;) {
    const remainingMs = Math.max(0, Math.ceil(endsAt - performance.now()));
    const outcome = await askOnce(
      connection,
      wait,
      { ...place, timeoutMs: Math.min(remainingMs, SLICE_MS) },
      onNearMiss,
    );
    if (outcome.entry !== undefined) {
      if (await isIt(connection, wait, outcome, onNearMiss)) return outcome;
      // The newest of what is there is not it: an older one may be.
      const older = place.after === undefined ? await findOlder(connection, wait, outcome, onNearMiss) : undefined;
      if (older !== undefined) return older;
    } else if (performance.now() >= endsAt) {
      return outcome;
    }
    if (outcome.cursor !== undefined) place = { after: outcome.cursor };
  }
}

/** Looks through what is there and older than a message, newest first. */
async function findOlder(
  connection: Connection,
  wait: Wait,
  { cursor }: WaitResult,
  onNearMiss: (nearMiss: NearMiss) => void,
): Promise<WaitResult | undefined> {
  let before = cursor;
  for (;;) {
    const outcome = await askOnce(connection, wait, { before, timeoutMs: 0 }, onNearMiss);
    if (outcome.entry === undefined) return undefined;
    if (await isIt(connection, wait, outcome, onNearMiss)) return outcome;
    before = outcome.cursor;
  }
}

/** Where the server looks: behind a place, before one, or everywhere. */
interface Place {
  readonly after?: string;
  readonly before?: string;
}

async function askOnce(
  connection: Connection,
  { criteria, inbox, signal }: Wait,
  { timeoutMs, ...place }: Place & { readonly timeoutMs: number },
  onNearMiss: (nearMiss: NearMiss) => void,
): Promise<WaitOutcome> {
  const query = { ...criteriaForServer(criteria), ...place, inbox, timeout: timeoutMs / 1000 };
  try {
    return await connection.json<WaitResult>({ path: 'wait', query, signal, waitMs: timeoutMs });
  } catch (error) {
    if (!(error instanceof RefusedError) || error.code !== 'NO_MATCH') throw error;
    error.problem.nearMisses?.forEach(onNearMiss);
    return { cursor: error.problem.cursor };
  }
}

/** Whether what the server found is what the patterns find, too; told of when not. */
async function isIt(
  connection: Connection,
  wait: Wait,
  result: WaitResult,
  onNearMiss: (nearMiss: NearMiss) => void,
): Promise<boolean> {
  const reasons = await patternMismatches(connection, wait, result);
  if (reasons.length > 0) onNearMiss({ entry: result.entry, reasons: [...reasons] });
  return reasons.length === 0;
}

async function patternMismatches(
  connection: Connection,
  { criteria, signal }: Wait,
  { entry }: WaitResult,
): Promise<readonly string[]> {
  const reason = subjectMismatch(criteria, entry);
  if (reason !== undefined || !isPattern(criteria.body)) return reason === undefined ? [] : [reason];
  try {
    const message = await connection.json<Message>({ path: `messages/${encodeURIComponent(entry.id)}`, signal });
    return [bodyMismatch(criteria, message)].filter((each) => each !== undefined);
  } catch (error) {
    if (error instanceof InboxError && error.code === 'NOT_FOUND') return ['it was deleted before its text was read'];
    throw error;
  }
}

/** Shorter than what proxies and runtimes wait for an answer. */
const SLICE_MS = 30_000;
const NEAR_MISSES_MAX = 5;
