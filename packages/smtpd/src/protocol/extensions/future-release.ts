/**
 * FUTURERELEASE (RFC 4865): a message that is submitted now and sent on later.
 *
 * Not here: what time it is. That a date is over is for whoever holds the message to see.
 */

import { UsageError } from '../errors.js';
import { defineExtension, type Extension } from '../extension.js';
import { Reply } from '../reply.js';
import { formatDateTime, parseDateTime } from './date-time.js';
import { findOption, type EnvelopeOptions } from './envelope-options.js';

/** How FUTURERELEASE is offered. */
export interface FutureReleaseOptions {
  /** How long a message may be held, in seconds: 1 to 999,999,999. */
  readonly maxIntervalSeconds: number;
  /** Until when a message may be held: a date with a time as RFC 3339 has it, such as `2030-01-01T00:00:00Z`. */
  readonly maxDateTime: string;
}

/** Until when a message is to be held: so many seconds from now, or a date. */
export type FutureRelease = { readonly forSeconds: number } | { readonly until: Date };

/**
 * The FUTURERELEASE extension, for servers that messages are submitted to. A server that offers it holds a message until its time
 * has come (RFC 4865 §4.2). {@link futureReleaseOf} reads the time.
 *
 * @throws {@link UsageError} `SMTPD_BAD_OPTION` when a bound cannot be offered
 *
 * @example
 * ```ts
 * import { futureRelease, SMTPServer } from 'smtpd';
 * new SMTPServer({
 *   extensions: [futureRelease({ maxIntervalSeconds: 2_592_000, maxDateTime: '2030-01-01T00:00:00Z' })],
 * });
 * ```
 */
export function futureRelease({ maxIntervalSeconds, maxDateTime }: FutureReleaseOptions): Extension {
  if (!Number.isInteger(maxIntervalSeconds) || !INTERVAL.test(String(maxIntervalSeconds))) {
    throw new UsageError(
      'SMTPD_BAD_OPTION',
      `futureRelease: maxIntervalSeconds is a whole number from 1 to 999,999,999, not ${String(maxIntervalSeconds)}`,
    );
  }
  const lastInstant = parseDateTime(maxDateTime);
  if (lastInstant === undefined) {
    throw new UsageError(
      'SMTPD_BAD_OPTION',
      `futureRelease: maxDateTime is a date like 2030-01-01T00:00:00Z, not "${maxDateTime}"`,
    );
  }
  return defineExtension({
    keyword: 'FUTURERELEASE',
    // RFC 4865 §3: both bounds stand behind the keyword.
    offer: () => `${String(maxIntervalSeconds)} ${formatDateTime(lastInstant)}`,
    lineBytes: { MAIL: HOLDUNTIL_BYTES },
    mailParameters: {
      HOLDFOR: {
        parse(value) {
          if (value === undefined || !INTERVAL.test(value)) return BAD_HOLDFOR;
          return Number(value) > maxIntervalSeconds ? TOO_LATE : { value };
        },
      },
      HOLDUNTIL: {
        parse(value) {
          const instant = parseDateTime(value ?? '');
          if (instant === undefined) return BAD_HOLDUNTIL;
          return instant > lastInstant ? TOO_LATE : { value: formatDateTime(instant) };
        },
      },
    },
    // RFC 4865 §4.2: one of the two, not both.
    judgeMail: (parameters) =>
      parameters.filter(({ keyword }) => keyword === 'HOLDFOR' || keyword === 'HOLDUNTIL').length > 1
        ? BOTH
        : undefined,
  });
}

/**
 * Until when the sender wants a message held; `undefined` when it is to be sent on at once.
 *
 * @example
 * ```ts
 * import { futureReleaseOf, type ReceivedMessage } from 'smtpd';
 * function releaseTime(message: ReceivedMessage): Date {
 *   const release = futureReleaseOf(message);
 *   if (release === undefined) return message.receivedAt;
 *   return 'until' in release ? release.until : new Date(message.receivedAt.getTime() + release.forSeconds * 1_000);
 * }
 * ```
 */
export function futureReleaseOf(message: EnvelopeOptions): FutureRelease | undefined {
  const interval = findOption(message.mailOptions, 'HOLDFOR');
  if (interval !== undefined) return INTERVAL.test(interval) ? { forSeconds: Number(interval) } : undefined;
  const instant = parseDateTime(findOption(message.mailOptions, 'HOLDUNTIL') ?? '');
  return instant === undefined ? undefined : { until: new Date(instant) };
}

// RFC 4865 §3: future-release-interval, 1 to 999999999.
const INTERVAL = /^[1-9]\d{0,8}$/;
/** " HOLDUNTIL=2030-01-01T00:00:00.000+00:00", and " HOLDFOR=" is shorter. */
const HOLDUNTIL_BYTES = 40;

const BAD_HOLDFOR = new Reply(501, '5.5.4', 'Error: HOLDFOR is a number of seconds from 1 to 999999999');
const BAD_HOLDUNTIL = new Reply(501, '5.5.4', 'Error: HOLDUNTIL is a date like 2030-01-01T00:00:00Z');
// RFC 4865 §4.2: what is beyond the bounds is answered like what is not well formed.
const TOO_LATE = new Reply(501, '5.5.4', 'Error: the message cannot be held for so long');
const BOTH = new Reply(501, '5.5.4', 'Error: HOLDFOR and HOLDUNTIL exclude each other');
