/**
 * A message's parts on their way to the thread: values in a fixed order. A port writes the names of all properties of each object that it
 * carries, and reads them again on the other side, which took more than half of the time that a message spent between the threads.
 *
 * The order is the one in which they are packed; the types follow from it. Reading it from a table would take ten times as long.
 */

import type { MessageParts, UnreadParts } from '../message-parts.js';

/** The values of {@link MessageParts}. */
export type PackedParts = ReturnType<typeof packParts>;

export function packParts(parts: MessageParts) {
  return [
    parts.inboxes,
    parts.isSession,
    parts.receivedAtMs,
    parts.sizeBytes,
    parts.attachmentCount,
    parts.messageId,
    parts.facts,
    parts.transcript,
    parts.octets,
    parts.fileName,
    ...parts.words,
  ] as const;
}

export function unpackParts(packed: PackedParts): MessageParts {
  const [
    inboxes,
    isSession,
    receivedAtMs,
    sizeBytes,
    attachmentCount,
    messageId,
    facts,
    transcript,
    octets,
    fileName,
    ...words
  ] = packed;
  return {
    inboxes,
    isSession,
    receivedAtMs,
    sizeBytes,
    attachmentCount,
    messageId,
    facts,
    transcript,
    octets,
    fileName,
    words,
  };
}

/** The values of {@link UnreadParts}. */
export type PackedUnread = ReturnType<typeof packUnread>;

export function packUnread(parts: UnreadParts) {
  return [
    parts.inboxes,
    parts.isSession,
    parts.receivedAtMs,
    parts.transcript,
    parts.octets,
    parts.mailFrom,
    parts.recipients,
    parts.envelope,
    parts.session,
  ] as const;
}

export function unpackUnread(packed: PackedUnread): UnreadParts {
  const [inboxes, isSession, receivedAtMs, transcript, octets, mailFrom, recipients, envelope, session] = packed;
  return { inboxes, isSession, receivedAtMs, transcript, octets, mailFrom, recipients, envelope, session };
}
