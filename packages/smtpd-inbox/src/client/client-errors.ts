/** What the client throws. The messages are for whoever reads the output of a failed test: they say what was there instead. */

import type { NearMiss } from '../api/model.js';
import { describeCriteria, type MessageCriteria } from './message-criteria.js';

/**
 * What went wrong. `code` does not change: it is the server's own (`NOT_FOUND`, …), or one of `UNREACHABLE` (nothing answers), `TIMED_OUT`
 * (the answer took too long), `NOT_AN_INBOX` (something else answers), `BAD_OPTION`, `NO_MATCH`, `NO_LINK`, `NO_CODE` and `NO_ATTACHMENT`.
 *
 * @example
 * ```ts
 * import { InboxClient, InboxError } from 'smtpd-inbox/client';
 *
 * try {
 *   await new InboxClient({ url: 'http://127.0.0.1:9' }).info();
 * } catch (error) {
 *   if (error instanceof InboxError) console.log(error.code); // UNREACHABLE
 * }
 * ```
 */
export class InboxError extends Error {
  override readonly name: string = 'InboxError';
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** What was waited for, and for how long. */
interface FailedWait {
  readonly criteria: MessageCriteria;
  readonly nearMisses: readonly NearMiss[];
  readonly timeoutMs: number;
  /** Where: `inbox "k3f9" at http://127.0.0.1:8025`. */
  readonly place: string;
}

/**
 * No message came that was like the one that was waited for. `nearMisses` are those that came nearest, and why each is not the one; the
 * error's message lists them.
 */
export class NoMessageError extends InboxError {
  override readonly name = 'NoMessageError';
  readonly nearMisses: readonly NearMiss[];
  readonly criteria: MessageCriteria;

  constructor({ criteria, nearMisses, timeoutMs, place }: FailedWait) {
    const wait = `Waited for a message with ${describeCriteria(criteria)} in ${place}: none within ${String(timeoutMs)} ms.`;
    super('NO_MATCH', [wait, ...describeNearMisses(nearMisses)].join('\n'));
    this.criteria = criteria;
    this.nearMisses = nearMisses;
  }
}

function describeNearMisses(nearMisses: readonly NearMiss[]): readonly string[] {
  if (nearMisses.length === 0) return ['Nothing else arrived either.'];
  return [
    nearMisses.length === 1 ? 'What arrived instead:' : `What arrived instead, the nearest of it first:`,
    ...nearMisses.map(({ entry: { envelope, subject }, reasons }, index) => {
      const recipients = envelope.rcptTos.slice(0, SHOWN_MAX).map((address) => `<${address}>`);
      const others = envelope.rcptTos.length - recipients.length;
      const to = `${recipients.join(', ')}${others > 0 ? ` and ${String(others)} more` : ''}`;
      const named = subject === undefined ? 'without a subject' : `subject ${JSON.stringify(subject)}`;
      return `  ${String(index + 1)}. from <${envelope.mailFrom}> to ${to}, ${named}: ${reasons.join('; ')}`;
    }),
  ];
}

const SHOWN_MAX = 3;
