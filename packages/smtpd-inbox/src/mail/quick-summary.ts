/**
 * Sums up mail that is read sooner than it is handed to a thread of its own: what is short and has no HTML. Everything else is for
 * mail-reader.ts, which has a time limit; here the length is the limit, because reading takes time in proportion to it, whatever the mail says.
 */

import { summarizeMail, type MailSummary } from './read-mail.js';

/** Whether a mail is so quickly read that nobody needs to watch the time. One with HTML that does not say so is read here as well. */
export function isQuicklyRead(raw: Uint8Array): boolean {
  const octets = Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength);
  return octets.length <= QUICK_BYTES_MAX && !octets.includes('text/html');
}

/** What is kept with a mail, as `MailReader.summarize` gives it; `undefined` for one that is to be read in a thread. */
export function quickSummary(raw: Uint8Array): MailSummary | undefined {
  if (!isQuicklyRead(raw)) return undefined;
  try {
    const next = summarizeMail(raw).next();
    return next.done === true ? next.value : undefined;
  } catch {
    // A fault of ours: the thread meets it as well, and says so.
    return undefined;
  }
}

const QUICK_BYTES_MAX = 16_384;
