/**
 * MT-PRIORITY (RFC 6710): the sender says how urgent a message is, from -9 to 9.
 *
 * Not here: what a priority does, and whose word counts. Both are the application's.
 */

import { UsageError } from '../errors.js';
import { defineExtension, type Extension } from '../extension.js';
import { Reply } from '../reply.js';
import { findOption, type EnvelopeOptions } from './envelope-options.js';

/** How MT-PRIORITY is offered. */
export interface MTPriorityOptions {
  /** The registered name of the profile by which priorities are treated, such as `MIXER`, `STANAG4406` or `NSEP`. Default: none is told. */
  readonly profile?: string;
}

/**
 * The MT-PRIORITY extension. A server that offers it handles messages with a higher priority first, and raises none for a client
 * that it has no reason to trust (RFC 6710 §4.1). {@link priorityOf} reads the priority.
 *
 * @throws {@link UsageError} `SMTPD_BAD_OPTION` when the profile is no name
 *
 * @example
 * ```ts
 * import { mtPriority, SMTPServer } from 'smtpd';
 * new SMTPServer({ extensions: [mtPriority({ profile: 'MIXER' })] });
 * ```
 */
export function mtPriority({ profile }: MTPriorityOptions = {}): Extension {
  if (profile !== undefined && !PROFILE.test(profile)) {
    throw new UsageError(
      'SMTPD_BAD_OPTION',
      `mtPriority: a profile is a name of letters, digits and hyphens, not "${profile}"`,
    );
  }
  return defineExtension({
    keyword: 'MT-PRIORITY',
    // RFC 6710 §3: the name of the profile may stand behind the keyword.
    offer: () => profile ?? true,
    // RFC 6710 §3: the MAIL line grows by 15.
    lineBytes: { MAIL: 15 },
    mailParameters: {
      'MT-PRIORITY': { parse: (value) => (value !== undefined && PRIORITY.test(value) ? { value } : BAD_PRIORITY) },
    },
  });
}

/**
 * The priority that the sender gave a message, from -9 to 9. Without one it is 0 (RFC 6710 §4.1).
 *
 * @example
 * ```ts
 * import { mtPriority, priorityOf, SMTPServer, type ReceivedMessage } from 'smtpd';
 * class Outbox extends SMTPServer {
 *   override processMessage(message: ReceivedMessage) {
 *     console.log(priorityOf(message) > 0 ? 'at once' : 'in turn');
 *   }
 * }
 * new Outbox({ extensions: [mtPriority()] });
 * ```
 */
export function priorityOf(message: EnvelopeOptions): number {
  const value = findOption(message.mailOptions, 'MT-PRIORITY') ?? '';
  return PRIORITY.test(value) ? Number(value) : 0;
}

// RFC 6710 §3: an integer from -9 to 9 without needless signs and zeros.
const PRIORITY = /^(?:0|-?[1-9])$/;
const PROFILE = /^[A-Za-z\d][A-Za-z\d-]*$/;
// RFC 6710 §4.1: 501, and 5.5.2.
const BAD_PRIORITY = new Reply(501, '5.5.2', 'Error: MT-PRIORITY is a number from -9 to 9');
