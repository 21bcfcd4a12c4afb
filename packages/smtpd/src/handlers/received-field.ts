/** The `Received` field of a message that one of our handlers takes (RFC 5321 §4.4). */

import { hasParameter } from '../client/envelope-commands.js';
import { octets } from '../protocol/octets.js';
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
  { session, id, mailOptions, receivedAt }: MessageEnvelope,
  { serverName, recipients }: { readonly serverName: string; readonly recipients: readonly string[] },
): string {
  const isInternationalized = hasParameter(mailOptions, 'SMTPUTF8');
  const utcOffsetMinutes = -receivedAt.getTimezoneOffset();
  const { format } = knownOf(session, serverName, isInternationalized);
  return format.field({ id, recipients, receivedAt, utcOffsetMinutes });
}

/** The octets that the field of each of a session's messages has at least: with the shortest number and date, and nobody named. */
export function receivedFieldBytesMin(
  session: SessionInfo,
  { serverName, isInternationalized }: { readonly serverName: string; readonly isInternationalized: boolean },
): number {
  const known = knownOf(session, serverName, isInternationalized);
  known.bytesMin ??= octets.encodeUTF8(
    known.format.field({ id: `${session.id}.1`, recipients: [], receivedAt: new Date(0), utcOffsetMinutes: 0 }),
  ).length;
  return known.bytesMin;
}

/** The words for where a session's messages come from, until something of it changes. */
function knownOf(session: SessionInfo, serverName: string, isInternationalized: boolean): KnownFormat {
  const { clientName, peer, protocol, isExtended, tls, identity } = session;
  const known = FORMATS.get(session);
  const isStillTrue =
    known !== undefined &&
    known.clientName === clientName &&
    known.peer === peer &&
    known.isExtended === isExtended &&
    known.tls === tls &&
    known.identity === identity &&
    known.serverName === serverName &&
    known.isInternationalized === isInternationalized;
  if (isStillTrue) return known;
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
  const facts = { clientName, peer, isExtended, tls, identity, serverName, isInternationalized };
  const made: KnownFormat = { ...facts, format, bytesMin: undefined };
  FORMATS.set(session, made);
  return made;
}

/** With what it was made of. */
interface KnownFormat extends Pick<SessionInfo, 'clientName' | 'peer' | 'isExtended' | 'tls' | 'identity'> {
  readonly serverName: string;
  readonly isInternationalized: boolean;
  readonly format: ReceivedFormat;
  /** `undefined` until somebody asks. */
  bytesMin: number | undefined;
}

const FORMATS = new WeakMap<SessionInfo, KnownFormat>();
