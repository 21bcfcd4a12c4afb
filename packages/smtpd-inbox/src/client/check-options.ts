/**
 * What programs give that no compiler checks. An option that the client does not know would be passed over, and a wait would find any
 * message: a test would pass with the wrong one.
 */

import { InboxError } from './client-errors.js';
import { isPattern, type MessageCriteria } from './message-criteria.js';

/** @throws InboxError `BAD_OPTION` when it is no object, or has options that there are not */
export function checkOptions(given: unknown, known: readonly string[], example: string): void {
  if (Object.prototype.toString.call(given) !== '[object Object]')
    throw new InboxError('BAD_OPTION', `Options are an object, such as ${example}.`);
  for (const name of Object.keys(given as object)) {
    if (known.includes(name)) continue;
    throw new InboxError('BAD_OPTION', `There is no option ${JSON.stringify(name)}; there are: ${known.join(', ')}.`);
  }
}

/** @throws InboxError `BAD_OPTION` for what is neither text nor, where one may be given, a pattern: it would be compared with nothing */
export function checkCriteria({ to, from, q, subject, body }: MessageCriteria): void {
  for (const [name, value] of Object.entries({ to, from, q }))
    if (value !== undefined && typeof value !== 'string') throw new InboxError('BAD_OPTION', `${name} is text.`);
  for (const [name, value] of Object.entries({ subject, body }))
    if (value !== undefined && typeof value !== 'string' && !isPattern(value))
      throw new InboxError('BAD_OPTION', `${name} is text, or a regular expression.`);
}
