/** What the store says to its threads and hears from them. Values that a message port can carry, and nothing else. */

import type { StoreErrorCode } from '../errors.js';
import type { StoreLimits } from '../limits.js';
import type { ListRequest } from '../list-request.js';
import type { TranscriptLine } from '../message.js';
import type { MessageRow } from '../message-parts.js';
import type { StoreCounts } from '../store.js';
import type { DriverName } from './driver.js';
import type { PackedParts, PackedUnread } from './packed-parts.js';

/** What the thread that reads is started with. */
export interface ReaderSettings {
  readonly driver: DriverName;
  readonly databasePath: string;
}

/** What the thread that writes is started with. */
export interface WriterSettings extends ReaderSettings {
  /** Where temporary stores are that may have been left behind; `undefined` when this one is none. */
  readonly temporaryParent: string | undefined;
  /** Whoever has this file locked has the store. */
  readonly lockPath: string;
  readonly spoolFolder: string;
  readonly isDurable: boolean;
  readonly limits: StoreLimits;
  /** How long what was deleted can come back. */
  readonly undoMs: number;
  /** The URL of the module that sums up. */
  readonly summarizer: string | undefined;
}

/** What the thread does that writes, with the answers. */
export interface WriteOperations {
  add: { request: { readonly packed: PackedParts; readonly now: number }; answer: AddAnswer };
  /** The same of a message that is summed up before. `summary` is JSON. */
  addUnread: {
    request: { readonly packed: PackedUnread; readonly now: number };
    answer: AddAnswer & { readonly summary: string };
  };
  /** @returns how many there are */
  setTranscripts: { request: readonly (readonly [id: number, transcript: string])[]; answer: number };
  /** @returns how many there are */
  addToTranscripts: { request: readonly (readonly [id: number, lines: string])[]; answer: number };
  setRead: { request: { readonly ids: readonly number[]; readonly isRead: boolean }; answer: number[] };
  addTags: { request: TagRequest; answer: number[] };
  removeTags: { request: TagRequest; answer: number[] };
  delete: { request: { readonly ids: readonly number[]; readonly now: number }; answer: DeletionAnswer };
  /** Deletes some of them, from the newest on. It is asked again, with the answer, until there are none `olderThan` the last. */
  clear: { request: ClearRequest; answer: DeletionAnswer & { readonly olderThan: number | undefined } };
  /** Brings some of them back. It is asked again until it is over. */
  restore: { request: { readonly deletion: number; readonly now: number }; answer: { ids: number[]; isOver: boolean } };
  counts: { request: object; answer: StoreCounts };
  setSetting: { request: { readonly key: string; readonly value: string | undefined }; answer: undefined };
  /** Takes away for good what cannot come back. `nextAt` is when there is something again. */
  purge: { request: { readonly now: number }; answer: { nextAt: number | undefined } };
}

/** What the thread does that reads, with the answers. */
export interface ReadOperations {
  get: { request: { readonly id: number }; answer: MessageRow | undefined };
  raw: { request: { readonly id: number }; answer: RawLocation | undefined };
  transcript: { request: { readonly id: number }; answer: TranscriptLine[] | undefined };
  list: { request: ListRequest; answer: { rows: MessageRow[]; hasMore: boolean } };
  setting: { request: { readonly key: string }; answer: string | undefined };
  settings: { request: { readonly prefix: string }; answer: [key: string, value: string][] };
}

export interface Operations extends WriteOperations, ReadOperations {}

export type OperationName = keyof Operations;

/** Where octets are. */
export type RawLocation = { readonly octets: Uint8Array } | { readonly fileName: string };

export interface AddAnswer {
  /** The message in its first inbox; in each further one it has the next number. */
  readonly id: number;
  /** Those that had to make room, and were there until then. */
  readonly pruned: readonly number[];
}

export interface TagRequest {
  readonly ids: readonly number[];
  readonly tags: readonly string[];
}

export interface ClearRequest {
  readonly inbox: string | undefined;
  readonly now: number;
  /** The answer to the request before. */
  readonly begun: { readonly deletion: number; readonly olderThan: number } | undefined;
}

export interface DeletionAnswer {
  readonly deletion: number;
  readonly ids: number[];
}

/** A request with the number under which it is answered. */
export type NumberedRequest<Names extends OperationName> = {
  [Name in Names]: { readonly number: number; readonly name: Name; readonly request: Operations[Name]['request'] };
}[Names];

/** The last that a thread is told. */
export interface CloseRequest {
  readonly name: 'close';
}

/** An error that crossed the threads. */
export interface Fault {
  readonly code: StoreErrorCode;
  readonly message: string;
  readonly cause: unknown;
}

/**
 * Answers of one group leave together. The first message of a thread says that its database is ready, or why not; it may become unusable
 * behind that, when what it has to load is missing.
 */
export type WorkerMessage =
  | { readonly kind: 'ready' }
  | { readonly kind: 'unusable'; readonly fault: Fault }
  | { readonly kind: 'answers'; readonly answers: readonly Answer[] };

export type Answer =
  { readonly number: number; readonly value: unknown } | { readonly number: number; readonly fault: Fault };
