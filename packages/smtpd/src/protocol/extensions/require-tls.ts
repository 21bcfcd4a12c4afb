/**
 * REQUIRETLS (RFC 8689): a message that travels over TLS to servers that have proved their names, or not at all.
 *
 * Not here: sending it on under these conditions, which is for whoever relays it.
 */

import { defineExtension, type Extension } from '../extension.js';
import { Reply } from '../reply.js';
import { findOption, type EnvelopeOptions } from './envelope-options.js';

/**
 * The REQUIRETLS extension, offered on TLS only. A server that offers it sends each message with the parameter on over TLS to
 * servers that offer it too, or returns it (RFC 8689 §4.2.1). {@link isTLSRequired} tells which messages those are.
 *
 * @example
 * ```ts
 * import { requireTLS, SMTPServer } from 'smtpd';
 * new SMTPServer({ extensions: [requireTLS()] });
 * ```
 */
export function requireTLS(): Extension {
  return REQUIRETLS;
}

/**
 * Whether the sender of a message wants it sent over TLS or not at all.
 *
 * @example
 * ```ts
 * import { isTLSRequired, type ReceivedMessage } from 'smtpd';
 * function tag(message: ReceivedMessage) {
 *   return { id: message.id, isTLSRequired: isTLSRequired(message) };
 * }
 * ```
 */
export function isTLSRequired(message: EnvelopeOptions): boolean {
  return findOption(message.mailOptions, 'REQUIRETLS') !== undefined;
}

const NO_VALUE = new Reply(501, '5.5.4', 'Error: REQUIRETLS takes no arguments');

const REQUIRETLS = defineExtension({
  keyword: 'REQUIRETLS',
  // RFC 8689 §2: the session itself is on TLS.
  offer: ({ isSecured }) => isSecured,
  // RFC 8689 §2 (5): the MAIL line grows by 11.
  lineBytes: { MAIL: 11 },
  mailParameters: {
    // RFC 8689 §2 (4): the parameter has no value.
    REQUIRETLS: { parse: (value) => (value === undefined ? { value } : NO_VALUE) },
  },
});
