/**
 * A message's parts on their way to the thread: values in a fixed order. A port writes the names of all properties of each object that it
 * carries, and reads them again on the other side, which took more than half of the time that a message spent between the threads.
 */

import type { MessageParts, UnreadParts } from '../message-parts.js';

/** The values of {@link MessageParts}. */
export type PackedParts = readonly [
  inboxes: readonly string[],
  isSession: boolean,
  receivedAtMs: number,
  sizeBytes: number,
  attachmentCount: number,
  messageId: string | null,
  facts: string,
  transcript: string,
  octets: Uint8Array | null,
  fileName: string | null,
  ...words: string[],
];

export function packParts(parts: MessageParts): PackedParts {
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
  ];
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
export type PackedUnread = readonly [
  inboxes: readonly string[],
  isSession: boolean,
  receivedAtMs: number,
  transcript: string,
  octets: Uint8Array,
  mailFrom: string,
  recipients: string,
  envelope: string,
  session: string,
];

export function packUnread(parts: UnreadParts): PackedUnread {
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
  ];
}

export function unpackUnread(packed: PackedUnread): UnreadParts {
  const [inboxes, isSession, receivedAtMs, transcript, octets, mailFrom, recipients, envelope, session] = packed;
  return { inboxes, isSession, receivedAtMs, transcript, octets, mailFrom, recipients, envelope, session };
}
