/**
 * The face of every store, whatever engine is behind it. A program that knows this file only runs on each of them, and so does the
 * test suite.
 */

import type { StoreLimits } from './limits.js';
import type { NewMessage, NewTranscript, StoredMessage, TranscriptLine } from './message.js';
import type { MessageQuery } from './query.js';

/** Which part of a list is wanted. */
export interface ListOptions {
  /** Only this inbox. Default: all. */
  readonly inbox?: string;
  /** Only what meets this condition. */
  readonly query?: MessageQuery;
  /** Only what is older than this place, the nearest of it. */
  readonly before?: string;
  /** Only what is newer than this place, the nearest of it. Not together with `before`. */
  readonly after?: string;
  /** How many at most, from 1 to 1,000. Default: 50. */
  readonly limit?: number;
}

/** A part of a list, newest first. Places stay where they are whatever comes or goes. */
export interface Page {
  readonly messages: readonly StoredMessage[];
  /** The place for `before` that gives the next part; absent at the end. */
  readonly older?: string;
  /** The place for `after` that gives what comes later. */
  readonly newer: string;
}

/** Messages that were deleted together, and can come back together. */
export interface Deletion {
  /** What `restore` takes. */
  readonly id: string;
  readonly messageIds: readonly string[];
  /** Until when they can come back. */
  readonly restorableUntil: Date;
}

/** How much there is. Sessions without a message are in `bytes` alone. */
export interface Counts {
  readonly messages: number;
  readonly unread: number;
  readonly bytes: number;
}

/** The same, for each inbox that has messages. */
export interface StoreCounts extends Counts {
  readonly inboxes: Readonly<Record<string, Counts>>;
}

/** What happened. */
export type StoreChange =
  | { readonly kind: 'added'; readonly message: StoredMessage }
  /** Read or not, or tagged otherwise. */
  | { readonly kind: 'changed'; readonly messageIds: readonly string[] }
  /** By somebody, or by a limit. */
  | { readonly kind: 'deleted'; readonly messageIds: readonly string[] }
  | { readonly kind: 'restored'; readonly messageIds: readonly string[] }
  /** A setting has another value, or none any more. */
  | { readonly kind: 'setting'; readonly key: string }
  /** The reader was too slow, and changes were dropped: it has to look for itself. */
  | { readonly kind: 'missed' };

/** Which changes are wanted. */
export interface ChangesOptions {
  /** Default: all. Who reads hears of what was `missed` in any case. */
  readonly kinds?: readonly StoreChange['kind'][];
}

/** Keeps messages. Every promise rejects with a `StoreError`. */
export interface MailStore extends AsyncDisposable {
  /** How much is kept. */
  readonly limits: StoreLimits;
  /** Keeps a message. @returns what is kept, once it is as durable as the store is */
  add(message: NewMessage): Promise<StoredMessage>;
  /**
   * Keeps a message once in each of several inboxes, whatever inbox it names itself: in all of them, or in none.
   * @returns what is kept, in the order of the inboxes
   */
  addToInboxes(message: NewMessage, inboxes: readonly string[]): Promise<readonly StoredMessage[]>;
  /** @returns `undefined` when there is no such message */
  get(id: string): Promise<StoredMessage | undefined>;
  /** The octets, piece by piece. Reading throws `STORE_NOT_FOUND` when there is no such message. */
  openRaw(id: string): AsyncIterable<Uint8Array>;
  /** The conversation; `undefined` when there is no such message. */
  transcript(id: string): Promise<readonly TranscriptLine[] | undefined>;
  /**
   * Writes the conversation anew: a message is kept before its sender hears so, and what is said after comes later. It is no change that
   * readers are told of. @returns `false` when there is no such message
   */
  setTranscript(id: string, transcript: NewTranscript): Promise<boolean>;
  /**
   * The same of several messages, by their ids, at the price of little more than one.
   * @returns how many of them there are
   */
  setTranscripts(transcripts: ReadonlyMap<string, NewTranscript>): Promise<number>;
  /**
   * Writes more lines behind the conversations of several messages, by their ids. It is no change that readers are told of.
   * @returns how many of them there are
   */
  addToTranscripts(lines: ReadonlyMap<string, NewTranscript>): Promise<number>;
  list(options?: ListOptions): Promise<Page>;
  /** @returns how many messages it made a difference to */
  setRead(ids: readonly string[], isRead: boolean): Promise<number>;
  /** @returns how many messages it made a difference to */
  addTags(ids: readonly string[], tags: readonly string[]): Promise<number>;
  /** @returns how many messages it made a difference to */
  removeTags(ids: readonly string[], tags: readonly string[]): Promise<number>;
  /** Deletes messages; they can come back for a time. What is not there is passed over. */
  delete(ids: readonly string[]): Promise<Deletion>;
  /** Deletes all messages, or those of an inbox; they can come back for a time. */
  clear(inbox?: string): Promise<Deletion>;
  /** Brings back what was deleted. @returns which messages came back: none when the time is over */
  restore(deletionId: string): Promise<readonly string[]>;
  counts(): Promise<StoreCounts>;
  /**
   * A value that is kept beside the messages, as durably as they are: whoever builds on a store keeps there what belongs to it.
   * @returns `undefined` when there is none of that key
   */
  setting(key: string): Promise<unknown>;
  /** All values whose keys begin so, in the order of their keys. */
  settings(prefix: string): Promise<ReadonlyMap<string, unknown>>;
  /** Keeps a value that JSON can carry, of at most 65,536 octets; `undefined` takes it away. */
  setSetting(key: string, value: unknown): Promise<void>;
  /** What happens from now on, to whoever reads on. What nobody wants to hear of costs nothing. It ends when the store is closed. */
  changes(options?: ChangesOptions): AsyncIterable<StoreChange>;
  /** Finishes what was begun, and closes. Later calls wait for the same end. */
  close(): Promise<void>;
}
