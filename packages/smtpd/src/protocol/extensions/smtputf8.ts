/** SMTPUTF8 (RFC 6531): addresses, and header fields, in UTF-8. */

import { defineExtension } from '../extension.js';
import { Reply } from '../reply.js';

/** The SMTPUTF8 extension. The session lets UTF-8 into addresses of a transaction that was opened with the parameter. */
export const smtputf8 = defineExtension({
  keyword: 'SMTPUTF8',
  offer: ({ isSMTPUTF8Enabled }) => isSMTPUTF8Enabled,
  // RFC 6531 §3.4 and §3.7.4.2: " SMTPUTF8" with its space, and the parameter may follow VRFY and EXPN.
  lineBytes: { MAIL: 10, VRFY: 9, EXPN: 9 },
  mailParameters: {
    // RFC 6531 §3.4: the parameter has no value.
    SMTPUTF8: { parse: (value) => (value === undefined ? { value } : NO_VALUE) },
  },
});

const NO_VALUE = new Reply(501, '5.5.4', 'Error: SMTPUTF8 takes no arguments');
