/** What a session is called: unique in this process, and very likely among those that write into one log. */

import { randomBytes } from 'node:crypto';

/** The next session's number. Its id is made of that for whoever asks. */
export function nextSessionNumber(): number {
  sessionCount += 1;
  return sessionCount;
}

/** The id of a session. */
export function sessionIdOf(sessionNumber: number): string {
  return `${PROCESS_PREFIX}${sessionNumber.toString(36)}`;
}

let sessionCount = 0;
// Two processes that write into one log or store must not use one id for two sessions.
const PROCESS_PREFIX = randomBytes(5).toString('hex');
