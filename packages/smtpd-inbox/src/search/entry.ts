/** What the API says of a message that the store keeps. */

import type { StoredMessage } from 'smtpd-store';

import type { Entry, Envelope, Session } from '../api/model.js';

/** A message as a row of the list. */
export function entryOf(message: StoredMessage): Entry {
  const { summary } = message;
  return {
    id: message.id,
    kind: message.kind,
    inbox: message.inbox,
    receivedAt: message.receivedAt.toISOString(),
    sizeBytes: message.sizeBytes,
    isRead: message.isRead,
    tags: [...message.tags],
    // The store's values are read-only; these are the same, as JSON carries them.
    envelope: message.envelope as unknown as Envelope,
    session: message.session as unknown as Session,
    from: [...(summary.from ?? [])],
    to: [...(summary.to ?? [])],
    cc: [...(summary.cc ?? [])],
    attachmentNames: [...(summary.attachmentNames ?? [])],
    ...(summary.subject === undefined ? {} : { subject: summary.subject }),
    ...(summary.date === undefined ? {} : { date: summary.date }),
    ...(summary.messageId === undefined ? {} : { messageId: summary.messageId }),
    ...(summary.preview === undefined ? {} : { preview: summary.preview }),
    ...(summary.parseFault === undefined ? {} : { parseFault: summary.parseFault }),
  };
}
