/** A message ↔ what the tables of every engine hold of it. */

import type {
  Envelope,
  MessageSummary,
  NewMessage,
  NewSummary,
  NewTranscript,
  SessionFacts,
  StoredMessage,
  TranscriptLine,
} from './message.js';
import { StoreError } from './errors.js';
import { checkName } from './names.js';
import type { TakenBody } from './body-spool.js';
import { bindable, isBindable } from './plain-text.js';

/** A message on its way in. */
export interface Addition {
  readonly message: NewMessage;
  /** Where it goes, whatever inbox it names itself. */
  readonly inboxes: readonly string[];
}

/** A message, cut up for its tables, and what is told of it when it is there. */
export interface NewParts extends MessageParts {
  readonly told: Pick<StoredMessage, 'envelope' | 'session' | 'summary'>;
}

/** A message, cut up for its tables. */
export interface MessageParts {
  /** Where it goes: once into each. */
  readonly inboxes: readonly string[];
  readonly isSession: boolean;
  readonly receivedAtMs: number;
  readonly sizeBytes: number;
  readonly attachmentCount: number;
  readonly messageId: string | null;
  readonly facts: string;
  readonly transcript: string;
  readonly octets: Uint8Array | null;
  readonly fileName: string | null;
  /** The texts that are searched: subject, from, to, cc, body, file names, header. */
  readonly words: readonly string[];
}

/** A row of the list. */
export interface MessageRow {
  readonly id: number;
  readonly inbox: string;
  readonly isSession: boolean;
  readonly receivedAtMs: number;
  readonly sizeBytes: number;
  readonly isRead: boolean;
  /** A JSON array. */
  readonly tags: string;
  readonly facts: string;
}

interface Facts {
  readonly envelope: Envelope;
  readonly session: SessionFacts;
  readonly summary: MessageSummary;
  /** The fields as a query sees them, where that is not as they are. */
  readonly searchedHeaders?: MessageSummary['headers'];
}

/** @throws {@link StoreError} when it is nothing that can be kept */
export function checkMessage(message: NewMessage): void {
  if (Number.isNaN(message.receivedAt.getTime())) {
    throw new StoreError('STORE_BAD_OPTION', 'receivedAt is a time, not an invalid Date');
  }
}

/** @throws {@link StoreError} when a message cannot go there */
export function checkInboxes(inboxes: readonly string[]): void {
  if (inboxes.length === 0) throw new StoreError('STORE_BAD_OPTION', 'A message goes into at least one inbox');
  for (const inbox of inboxes) checkName('inbox', inbox);
}

/** What is written of a new message. */
export function partsOf({ message, inboxes }: Addition, newSummary: NewSummary, body: TakenBody): NewParts {
  const { envelope, session } = message;
  // JSON leaves it out.
  const summary = { ...newSummary, searchText: undefined };
  return {
    inboxes,
    isSession: message.kind === 'session',
    receivedAtMs: message.receivedAt.getTime(),
    sizeBytes: body.sizeBytes,
    attachmentCount: summary.attachmentNames?.length ?? 0,
    messageId: messageIdOf(summary),
    facts: JSON.stringify({ envelope, session, summary, ...searched(summary) } satisfies Facts),
    transcript: transcriptText(message.transcript ?? []),
    octets: body.kind === 'memory' ? body.octets : null,
    fileName: body.kind === 'file' ? body.fileName : null,
    words: wordsOf(newSummary, envelope.mailFrom, envelope.rcptTos),
    told: { envelope, session, summary },
  };
}

/** A message that is to be summed up, in a form that costs little to make. */
export interface UnreadParts extends Pick<MessageParts, 'inboxes' | 'isSession' | 'receivedAtMs' | 'transcript'> {
  readonly octets: Uint8Array;
  readonly mailFrom: string;
  /** The recipients, one a line. */
  readonly recipients: string;
  /** JSON, as in the facts. */
  readonly envelope: string;
  /** The same. */
  readonly session: string;
}

/** What goes to whoever sums up. */
export function unreadPartsOf({ message, inboxes }: Addition, octets: Uint8Array): UnreadParts {
  const { envelope } = message;
  return {
    inboxes,
    isSession: message.kind === 'session',
    receivedAtMs: message.receivedAt.getTime(),
    transcript: transcriptText(message.transcript ?? []),
    octets,
    mailFrom: envelope.mailFrom,
    recipients: linesOf(envelope.rcptTos),
    envelope: JSON.stringify(envelope),
    session: JSON.stringify(message.session),
  };
}

/** What is written of a message that was summed up, and the summary as it is given back. */
export function summedUp(unread: UnreadParts, newSummary: NewSummary): { parts: MessageParts; summary: string } {
  const { inboxes, isSession, receivedAtMs, transcript, octets, mailFrom, recipients, envelope, session } = unread;
  const summary = JSON.stringify({ ...newSummary, searchText: undefined });
  const { searchedHeaders } = searched(newSummary);
  const more = searchedHeaders === undefined ? '' : `,"searchedHeaders":${JSON.stringify(searchedHeaders)}`;
  const parts: MessageParts = {
    inboxes,
    isSession,
    receivedAtMs,
    sizeBytes: octets.length,
    attachmentCount: newSummary.attachmentNames?.length ?? 0,
    messageId: messageIdOf(newSummary),
    facts: `{"envelope":${envelope},"session":${session},"summary":${summary}${more}}`,
    transcript,
    octets,
    fileName: null,
    words: wordsOf(newSummary, mailFrom, recipients === '' ? [] : [recipients]),
  };
  return { parts, summary };
}

function messageIdOf({ messageId }: MessageSummary): string | null {
  return messageId === undefined ? null : bindable(messageId);
}

/** What a message is found by. */
function wordsOf(summary: NewSummary, mailFrom: string, rcptTos: readonly string[]): string[] {
  return [
    summary.subject ?? '',
    linesOf(summary.from, mailFrom),
    linesOf(summary.to, ...rcptTos),
    linesOf(summary.cc),
    (summary.searchText ?? '').slice(0, SEARCH_TEXT_LENGTH_MAX),
    linesOf(summary.attachmentNames),
    linesOf(summary.headers?.map(([name, value]) => `${name}: ${value}`)),
  ].map(bindable);
}

/** A conversation as it is written. */
function transcriptText(transcript: NewTranscript): string {
  return typeof transcript === 'string' ? transcript : JSON.stringify(transcript);
}

/** What is searched of several values, one a line. */
function linesOf(values: readonly string[] = [], ...more: readonly string[]): string {
  const [only] = values;
  // Most have one value or none.
  if (more.length === 0 && values.length <= 1) return only ?? '';
  return [...values, ...more].join('\n');
}

/** The lines of a conversation whose beginning and end are kept apart. */
export function joinedTranscript(beginning: string, end: string): TranscriptLine[] {
  return [...(JSON.parse(beginning) as TranscriptLine[]), ...(JSON.parse(end) as TranscriptLine[])];
}

/** Conversations by the numbers of their messages, as they are written. */
export function numberedTranscripts(transcripts: ReadonlyMap<string, NewTranscript>): [id: number, text: string][] {
  return [...transcripts].flatMap(([name, transcript]) =>
    idsOf([name]).map((id): [number, string] => [id, transcriptText(transcript)]),
  );
}

function searched({ headers }: MessageSummary): Pick<Facts, 'searchedHeaders'> {
  if (headers === undefined || headers.every(([name, value]) => isBindable(name) && isBindable(value))) return {};
  const searchedHeaders = headers.map(([name, value]) => [bindable(name), bindable(value)] as const);
  const isSame = headers.every(([name, value], index) => {
    const [searchedName, searchedValue] = searchedHeaders[index] ?? [];
    return name === searchedName && value === searchedValue;
  });
  return isSame ? {} : { searchedHeaders };
}

/** What was just written into an inbox, and summed up. Few look into it. */
export function addedUnread(id: number, inbox: string, message: NewMessage, summary: string): StoredMessage {
  const { kind = 'message', receivedAt, raw, envelope, session } = message;
  let known: MessageSummary | undefined;
  return {
    id: String(id),
    kind,
    inbox,
    receivedAt: new Date(receivedAt),
    sizeBytes: raw instanceof Uint8Array ? raw.length : 0,
    isRead: false,
    tags: [],
    envelope,
    session,
    get summary() {
      return (known ??= JSON.parse(summary) as MessageSummary);
    },
  };
}

/** What was just written into an inbox, as it would be read: nobody has to read its facts for that. */
export function addedMessage(
  id: number,
  inbox: string,
  { isSession, receivedAtMs, sizeBytes, told }: NewParts,
): StoredMessage {
  return {
    id: String(id),
    kind: isSession ? 'session' : 'message',
    inbox,
    receivedAt: new Date(receivedAtMs),
    sizeBytes,
    isRead: false,
    tags: [],
    envelope: told.envelope,
    session: told.session,
    summary: told.summary,
  };
}

export function storedMessage(row: MessageRow): StoredMessage {
  const { id, inbox, isSession, receivedAtMs, sizeBytes, isRead, tags } = row;
  let known: Facts | undefined;
  // Of a long list few are looked into.
  const facts = (): Facts => (known ??= JSON.parse(row.facts) as Facts);
  return {
    id: String(id),
    kind: isSession ? 'session' : 'message',
    inbox,
    receivedAt: new Date(receivedAtMs),
    sizeBytes,
    isRead,
    tags: JSON.parse(tags) as string[],
    get envelope() {
      return facts().envelope;
    },
    get session() {
      return facts().session;
    },
    get summary() {
      return facts().summary;
    },
  };
}

/** What cannot be a number of ours names nothing. */
export function idsOf(names: readonly string[]): number[] {
  return names.filter((name) => /^[1-9][0-9]{0,14}$/.test(name)).map(Number);
}

export function namesOf(ids: readonly number[]): string[] {
  return ids.map(String);
}

export function notFound(id: string): StoreError {
  return new StoreError('STORE_NOT_FOUND', `There is no message ${JSON.stringify(id)} in the store`);
}

/** How much of the text of a message is found by its words, in UTF-16 code units. */
const SEARCH_TEXT_LENGTH_MAX = 1_048_576;
