/** A message ↔ what the tables of every engine hold of it. */

import type {
  Envelope,
  MessageSummary,
  NewMessage,
  NewSummary,
  NewTranscript,
  SessionFacts,
  StoredMessage,
} from './message.js';
import { StoreError } from './errors.js';
import { checkName } from './names.js';
import type { TakenBody } from './body-spool.js';
import { bindable } from './plain-text.js';

/** A message, cut up for its tables. */
export interface MessageParts {
  readonly inbox: string;
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
  if (message.inbox !== undefined) checkName('inbox', message.inbox);
}

/** What is written of a new message. */
export function partsOf(message: NewMessage, newSummary: NewSummary, body: TakenBody): MessageParts {
  const { envelope, session } = message;
  const { searchText, ...summary } = newSummary;
  return {
    inbox: message.inbox ?? '',
    isSession: message.kind === 'session',
    receivedAtMs: message.receivedAt.getTime(),
    sizeBytes: body.sizeBytes,
    attachmentCount: summary.attachmentNames?.length ?? 0,
    messageId: summary.messageId === undefined ? null : bindable(summary.messageId),
    facts: JSON.stringify({ envelope, session, summary, ...searched(summary) } satisfies Facts),
    transcript: transcriptText(message.transcript ?? []),
    octets: body.kind === 'memory' ? body.octets : null,
    fileName: body.kind === 'file' ? body.fileName : null,
    words: [
      summary.subject ?? '',
      [...(summary.from ?? []), envelope.mailFrom].join('\n'),
      [...(summary.to ?? []), ...envelope.rcptTos].join('\n'),
      (summary.cc ?? []).join('\n'),
      (searchText ?? '').slice(0, SEARCH_TEXT_LENGTH_MAX),
      (summary.attachmentNames ?? []).join('\n'),
      (summary.headers ?? []).map(([name, value]) => `${name}: ${value}`).join('\n'),
    ].map(bindable),
  };
}

/** A conversation as it is written. */
export function transcriptText(transcript: NewTranscript): string {
  return typeof transcript === 'string' ? transcript : JSON.stringify(transcript);
}

function searched({ headers }: MessageSummary): Pick<Facts, 'searchedHeaders'> {
  const searchedHeaders = headers?.map(([name, value]) => [bindable(name), bindable(value)] as const);
  const isSame =
    headers?.every(([name, value], index) => {
      const [searchedName, searchedValue] = searchedHeaders?.[index] ?? [];
      return name === searchedName && value === searchedValue;
    }) ?? true;
  return isSame ? {} : { searchedHeaders };
}

/** What was just written, as it would be read. */
export function rowOf(id: number, { inbox, isSession, receivedAtMs, sizeBytes, facts }: MessageParts): MessageRow {
  return { id, inbox, isSession, receivedAtMs, sizeBytes, isRead: false, tags: '[]', facts };
}

export function storedMessage(row: MessageRow): StoredMessage {
  const { id, inbox, isSession, receivedAtMs, sizeBytes, isRead, tags } = row;
  let known: Facts | undefined;
  // Most are told of when they are added, and looked into by nobody then.
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
