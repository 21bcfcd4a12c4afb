/** The `Received` field of a message that one of our handlers takes (RFC 5321 §4.4). */

import { hasParameter } from '../client/envelope-commands.js';
import { ReceivedFormat } from '../protocol/trace-header.js';
import type { MessageEnvelope } from '../server/received-message.js';
import type { SessionInfo } from '../server/session-info.js';

/**
 * The field, with its CRLFs.
 *
 * @param serverName - what we call ourselves
 * @param recipients - who may be named, when there is only one
 */
export function receivedField(
  { session, id, mailOptions, receivedAt }: Pick<MessageEnvelope, 'session' | 'id' | 'mailOptions' | 'receivedAt'>,
  { serverName, recipients }: { readonly serverName: string; readonly recipients: readonly string[] },
): string {
  const isInternationalized = hasParameter(mailOptions, 'SMTPUTF8');
  const utcOffsetMinutes = -receivedAt.getTimezoneOffset();
  return formatOf(session, serverName, isInternationalized).field({ id, recipients, receivedAt, utcOffsetMinutes });
}

/** The words for where a session's messages come from, until something of it changes. */
function formatOf(session: SessionInfo, serverName: string, isInternationalized: boolean): ReceivedFormat {
  const { clientName, peer, protocol, isExtended, tls, identity } = session;
  const source = [clientName, peer, isExtended, tls, identity, serverName, isInternationalized];
  const known = FORMATS.get(session);
  if (known?.source.every((fact, index) => fact === source[index]) === true) return known.format;
  const format = new ReceivedFormat({
    clientName,
    peer,
    peerHostName: undefined,
    serverName,
    transmission: {
      protocol,
      isExtended,
      isOnTLS: tls !== undefined,
      isAuthenticated: identity !== undefined,
      isInternationalized,
    },
    tls,
  });
  FORMATS.set(session, { source, format });
  return format;
}

const FORMATS = new WeakMap<SessionInfo, { readonly source: readonly unknown[]; readonly format: ReceivedFormat }>();
