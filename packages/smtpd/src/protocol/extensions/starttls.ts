/** STARTTLS (RFC 3207): a session in clear text goes on over TLS. */

import { defineExtension } from '../extension.js';

/** The STARTTLS extension: the keyword. */
export const startTLS = defineExtension({
  keyword: 'STARTTLS',
  // RFC 3207 §4.2: not offered again on TLS.
  offer: ({ canStartTLS, isSecured }) => canStartTLS && !isSecured,
  commands: ['STARTTLS'],
});
