/**
 * AUTH (RFC 4954): the client proves who it is; and it may say who first submitted a message.
 *
 * Not here: the exchange of a mechanism.
 */

import { defineExtension } from '../extension.js';
import { octets } from '../octets.js';
import { parseMailbox } from '../path.js';
import { Reply } from '../reply.js';
import { findOption, type EnvelopeOptions } from './envelope-options.js';
import { decodeXtext } from './xtext.js';

/** The AUTH extension: the keyword with its mechanisms, and the parameter of MAIL. */
export const auth = defineExtension({
  keyword: 'AUTH',
  // RFC 4954 §3: the names of the mechanisms stand behind the keyword.
  offer: ({ authMechanisms }) => authMechanisms.length > 0 && authMechanisms.join(' '),
  isAlwaysAccepted: ({ isAuthenticated }) => isAuthenticated,
  commands: ['AUTH'],
  // RFC 4954 §3: the MAIL line grows by 500.
  // An initial response should fit a command line, and tokens do not: a client that sends one all the same is understood.
  lineBytes: { MAIL: 500, AUTH: 11_264 },
  mailParameters: {
    AUTH: {
      parse(value, { isAuthenticated }) {
        if (value === undefined || !isSubmitter(value)) return BAD_SUBMITTER;
        // RFC 4954 §5: who has not proved who he is speaks for nobody: as if with AUTH=<>.
        return { value: isAuthenticated ? value : NOBODY };
      },
    },
  },
});

/**
 * Who first submitted a message, as an authenticated client says (RFC 4954 §5): an address, `''` when nobody is known, `undefined`
 * when the client did not say. Whether this client's word is to be trusted is yours to judge.
 *
 * @example
 * ```ts
 * import { submitterOf, type ReceivedMessage } from 'smtpd';
 * function log(message: ReceivedMessage) {
 *   console.log(message.id, 'submitted by', submitterOf(message) ?? 'whoever sent it');
 * }
 * ```
 */
export function submitterOf(message: EnvelopeOptions): string | undefined {
  const value = findOption(message.mailOptions, 'AUTH');
  if (value === undefined) return undefined;
  return value === NOBODY ? '' : decodeXtext(value);
}

/** RFC 4954 §5: `<>`, or a mailbox in xtext. */
function isSubmitter(value: string): boolean {
  if (value === NOBODY) return true;
  const address = decodeXtext(value);
  if (address === undefined) return false;
  const encoded = octets.encodeUTF8(address);
  return parseMailbox(octets.decodeLatin1(encoded, 0, encoded.length)) !== undefined;
}

const NOBODY = '<>';
const BAD_SUBMITTER = new Reply(501, '5.5.4', 'Error: AUTH is <>, or an address in xtext');
