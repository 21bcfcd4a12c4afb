/** ETRN (RFC 1985): a client asks that mail for its host be sent now. */

import { defineExtension, type Extension } from '../extension.js';

/**
 * The ETRN extension. Add it to `extensions` when the hooks' `etrn` stage does what is asked.
 *
 * @example
 * ```ts
 * import { etrn, SMTPServer } from 'smtpd';
 * const server = new SMTPServer({ extensions: [etrn()] });
 * server.use({ name: 'queue', etrn: ({ text }) => `253 2.0.0 OK, pending messages for node ${text} started` });
 * ```
 */
export function etrn(): Extension {
  return defineExtension({ keyword: 'ETRN', commands: ['ETRN'] });
}
