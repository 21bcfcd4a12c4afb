/** SIZE (RFC 1870): the largest message is declared, and a client may declare the size of its own before it sends it. */

import { defineExtension } from '../extension.js';
import { SIZE_EXCEEDED, syntaxReply } from '../standard-replies.js';

/** The SIZE extension. The octets that really come are counted by the session, whatever was declared (RFC 1870 §6.3). */
export const size = defineExtension({
  keyword: 'SIZE',
  offer: ({ sizeLimitBytes }) => (sizeLimitBytes === undefined ? false : String(sizeLimitBytes)),
  // A server without a limit does not declare one, but a client that tells its size does no harm.
  isAlwaysAccepted: true,
  // RFC 1870 §3 (4): the MAIL line grows by 26.
  lineBytes: { MAIL: 26 },
  mailParameters: {
    SIZE: {
      parse(value, { sizeLimitBytes }) {
        if (value === undefined || !SIZE_VALUE.test(value)) return syntaxReply(SYNTAX);
        // Twenty digits exceed what a number holds exactly, but not by so much that the comparison could go wrong.
        if (sizeLimitBytes !== undefined && Number(value) > sizeLimitBytes) return SIZE_EXCEEDED;
        return { value };
      },
    },
  },
});

// RFC 1870 §4: size-value ::= 1*20DIGIT
const SIZE_VALUE = /^[0-9]{1,20}$/;
const SYNTAX = 'MAIL FROM: <address> [SP SIZE=<octets>]';
