/** The `Received` field of a message that one of our handlers takes (RFC 5321 §4.4). */

import { hasParameter } from '../client/envelope-commands.js';
import { formatReceived } from '../protocol/trace-header.js';
import type { MessageEnvelope } from '../server/received-message.js';

/**
 * The field, with its CRLFs.
 *
 * @param serverName - what we call ourselves
 * @param recipients - who may be named, when there is only one
 */
export function receivedField(
  { session, id, mailOptions, receivedAt }: MessageEnvelope,
  { serverName, recipients }: { readonly serverName: string; readonly recipients: readonly string[] },
): string {
  const { clientName, peer, protocol, isExtended, tls, identity } = session;
  return formatReceived({
    clientName,
    peer,
    peerHostName: undefined,
    serverName,
    transmission: {
      protocol,
      isExtended,
      isOnTLS: tls !== undefined,
      isAuthenticated: identity !== undefined,
      isInternationalized: hasParameter(mailOptions, 'SMTPUTF8'),
    },
    tls,
    id,
    recipients,
    receivedAt,
    utcOffsetMinutes: -receivedAt.getTimezoneOffset(),
  });
}
