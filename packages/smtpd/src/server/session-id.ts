/** What a session is called: unique in this process, and very likely among those that write into one log. */

import { randomBytes } from 'node:crypto';

/** The next session's id. */
export function nextSessionId(): string {
  sessionCount += 1;
  return `${PROCESS_PREFIX}${sessionCount.toString(36)}`;
}

let sessionCount = 0;
// Two processes that write into one log or store must not use one id for two sessions.
const PROCESS_PREFIX = randomBytes(5).toString('hex');
