/**
 * What the store's thread loads to sum up the mail that is quickly read (quick-summary.ts says which): the thread that speaks with clients has
 * enough to do, and what is found out where it is written has no way to go.
 */

import { quickSummary } from './quick-summary.js';
import { readHeaderOnly, type MailSummary } from './read-mail.js';

/** Says what is kept with a mail. It never throws on account of one. */
export function summarize(raw: Uint8Array): MailSummary {
  return quickSummary(raw) ?? readHeaderOnly(raw, 'The message could not be read.').summary;
}
