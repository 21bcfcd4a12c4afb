/**
 * DELIVERBY (RFC 2852): the sender says by when a message is to be delivered, and what is to happen when it was not.
 *
 * Not here: the time itself. The count of seconds begins when the message is taken; whoever takes it looks at the clock.
 */

import { UsageError } from '../errors.js';
import { defineExtension, type Extension } from '../extension.js';
import { asciiUpperCase } from '../grammar.js';
import { Reply } from '../reply.js';
import { findOption, type EnvelopeOptions } from './envelope-options.js';

/** How DELIVERBY is offered. */
export interface DeliverByOptions {
  /** The least time in which a message may be asked to be returned, in seconds. Default: none is told. */
  readonly minimumSeconds?: number;
}

/** By when a message is to be delivered. */
export interface DeliverByRequest {
  /** Seconds from the time at which the message was taken; 0 or less: the time is over, and the sender is to be told. */
  readonly seconds: number;
  /** What happens when it was not delivered by then: it is returned, or the sender is told and it is delivered later. */
  readonly mode: 'return' | 'notify';
  /** Whether each relay reports. */
  readonly isTraced: boolean;
}

/**
 * The DELIVERBY extension. A server that offers it watches the time of each message that asks for it, and passes on what is left
 * of it when it relays (RFC 2852 §4). {@link deliverByOf} reads the request.
 *
 * @throws {@link UsageError} `SMTPD_BAD_OPTION` when the minimum is not a number of seconds of up to nine digits
 *
 * @example
 * ```ts
 * import { deliverBy, SMTPServer } from 'smtpd';
 * new SMTPServer({ extensions: [deliverBy({ minimumSeconds: 60 })] });
 * ```
 */
export function deliverBy({ minimumSeconds = 0 }: DeliverByOptions = {}): Extension {
  if (!Number.isInteger(minimumSeconds) || minimumSeconds < 0 || minimumSeconds > SECONDS_MAX) {
    throw new UsageError(
      'SMTPD_BAD_OPTION',
      `deliverBy: minimumSeconds is a whole number from 0 to ${String(SECONDS_MAX)}, not ${String(minimumSeconds)}`,
    );
  }
  const tooSoon = new Reply(
    555,
    '5.5.4',
    `Error: a message cannot be promised in less than ${String(minimumSeconds)} seconds`,
  );
  return defineExtension({
    keyword: 'DELIVERBY',
    // RFC 2852 §3: the least time stands behind the keyword; without one, nothing is told.
    offer: () => minimumSeconds === 0 || String(minimumSeconds),
    // RFC 2852 §3: the MAIL line grows by 17.
    lineBytes: { MAIL: 17 },
    mailParameters: {
      BY: {
        parse(value = '') {
          const request = parseDeliverBy(value);
          if (request === undefined) return BAD_BY;
          if (request.mode === 'return') {
            // RFC 2852 §4: a message that is to be returned has time.
            if (request.seconds <= 0) return NO_TIME;
            if (request.seconds < minimumSeconds) return tooSoon;
          }
          return { value: asciiUpperCase(value) };
        },
      },
    },
  });
}

/**
 * By when the sender of a message wants it delivered; `undefined` when it did not say.
 *
 * @example
 * ```ts
 * import { deliverBy, deliverByOf, SMTPServer, type ReceivedMessage } from 'smtpd';
 * class Outbox extends SMTPServer {
 *   override processMessage(message: ReceivedMessage) {
 *     const request = deliverByOf(message);
 *     if (request?.mode === 'return') console.log('return it after', request.seconds);
 *   }
 * }
 * new Outbox({ extensions: [deliverBy()] });
 * ```
 */
export function deliverByOf(message: EnvelopeOptions): DeliverByRequest | undefined {
  return parseDeliverBy(findOption(message.mailOptions, 'BY') ?? '');
}

function parseDeliverBy(value: string): DeliverByRequest | undefined {
  const match = BY_VALUE.exec(value);
  if (match === null) return undefined;
  const [, time, mode = '', trace] = match;
  return {
    seconds: Number(time),
    mode: asciiUpperCase(mode) === 'R' ? 'return' : 'notify',
    isTraced: trace !== undefined,
  };
}

const SECONDS_MAX = 999_999_999;
// RFC 2852 §4: by-value = by-time ";" by-mode [by-trace], by-time = ["-" / "+"] 1*9DIGIT.
const BY_VALUE = /^([-+]?\d{1,9});([NR])(T)?$/i;
const BAD_BY = new Reply(501, '5.5.4', 'Error: BY is seconds, a semicolon, N or R, and maybe T');
const NO_TIME = new Reply(501, '5.5.4', 'Error: BY with R needs a time above 0');
