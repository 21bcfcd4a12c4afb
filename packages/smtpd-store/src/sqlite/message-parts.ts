/** A message ↔ what the tables hold of it. */

import type { Envelope, MessageSummary, NewMessage, NewSummary, SessionFacts, StoredMessage } from '../message.js';
import type { TakenBody } from '../body-spool.js';
import { bindable } from './query-sql.js';
import type { MessageParts, MessageRow } from './requests.js';

interface Facts {
  readonly envelope: Envelope;
  readonly session: SessionFacts;
  readonly summary: MessageSummary;
  /** The fields as a query sees them, where that is not as they are. */
  readonly searchedHeaders?: MessageSummary['headers'];
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
    transcript: JSON.stringify(message.transcript ?? []),
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

function searched({ headers }: MessageSummary): Pick<Facts, 'searchedHeaders'> {
  const searchedHeaders = headers?.map(([name, value]) => [bindable(name), bindable(value)] as const);
  const isSame = headers?.every(([, value], index) => value === searchedHeaders?.[index]?.[1]) ?? true;
  return isSame ? {} : { searchedHeaders };
}

/** What was just written, as it would be read. */
export function rowOf(id: number, parts: MessageParts): MessageRow {
  return { ...parts, id, isRead: false, tags: '[]' };
}

export function storedMessage(row: MessageRow): StoredMessage {
  const { id, inbox, isSession, receivedAtMs, sizeBytes, isRead, tags, facts } = row;
  const { envelope, session, summary } = JSON.parse(facts) as Facts;
  return {
    id: String(id),
    kind: isSession ? 'session' : 'message',
    inbox,
    receivedAt: new Date(receivedAtMs),
    sizeBytes,
    isRead,
    tags: JSON.parse(tags) as string[],
    envelope,
    session,
    summary,
  };
}

/** How much of the text of a message is found by its words, in UTF-16 code units. */
const SEARCH_TEXT_LENGTH_MAX = 1_048_576;
