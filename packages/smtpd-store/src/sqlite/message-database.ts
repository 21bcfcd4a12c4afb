/**
 * What the thread that writes does with the tables: one method for each request, all synchronous, all inside the transaction of whoever calls.
 *
 * A message is in three states: there; deleted, but able to come back; gone. `counters` is about the first, `kept` about the first two.
 * A session without a message is a row like any other, of which `counters` has the octets alone.
 */

import { storeCounts } from '../counts.js';
import { assertNever, StoreError } from '../errors.js';
import type { StoreLimits } from '../limits.js';
import type { NewSummary, Summarizer } from '../message.js';
import { joinedTranscript, summedUp, type MessageParts } from '../message-parts.js';
import type { Counts, StoreCounts } from '../store.js';
import { StatementCache, type Connection, type Row, type Statement } from './driver.js';
import { DeferredWrites } from './deferred-writes.js';
import { unpackParts, unpackUnread } from './packed-parts.js';
import type {
  AddAnswer,
  DeletionAnswer,
  NumberedRequest,
  Operations,
  TagRequest,
  WriteOperations,
} from './requests.js';

/** What a database of messages goes by. */
export interface MessageDatabaseOptions {
  readonly limits: StoreLimits;
  readonly undoMs: number;
  readonly summarizer: Summarizer | undefined;
}

/** The messages in a database. */
export class MessageDatabase {
  readonly #statements: StatementCache;
  readonly #limits: StoreLimits;
  readonly #undoMs: number;
  readonly #summarizer: Summarizer | undefined;
  readonly #deferred: DeferredWrites;
  #filesToRemove: string[] = [];
  /** The number of the message that came last; `undefined` until somebody asked. */
  #lastId: number | undefined;

  constructor(connection: Connection, { limits, undoMs, summarizer }: MessageDatabaseOptions) {
    this.#statements = new StatementCache(connection);
    this.#limits = limits;
    this.#undoMs = undoMs;
    this.#summarizer = summarizer;
    this.#deferred = new DeferredWrites((sql) => this.#prepare(sql));
  }

  /** Does what is asked. */
  answer(asked: NumberedRequest<keyof WriteOperations>): unknown {
    switch (asked.name) {
      case 'add':
        return this.#add(unpackParts(asked.request.packed), asked.request.now);
      case 'addUnread':
        return this.#addUnread(asked.request);
      case 'setTranscripts':
        return this.#setTranscripts(asked.request);
      case 'addToTranscripts':
        return this.#addToTranscripts(asked.request);
      case 'setRead':
        return this.#setRead(asked.request);
      case 'addTags':
        return this.#addTags(asked.request);
      case 'removeTags':
        return this.#removeTags(asked.request);
      case 'delete':
        return this.#delete(asked.request);
      case 'clear':
        return this.#clear(asked.request);
      case 'restore':
        return this.#restore(asked.request);
      case 'counts':
        return this.#counts();
      case 'setSetting':
        this.#setSetting(asked.request);
        return undefined;
      case 'purge':
        return this.#purge(asked.request);
      default:
        return assertNever(asked);
    }
  }

  /** Writes what is written once for a transaction: the last before COMMIT. */
  finish(): void {
    this.#deferred.write();
  }

  /** Forgets what was not written: the transaction is undone. */
  undo(): void {
    this.#deferred.forget();
    this.#lastId = undefined;
    // They are still referred to.
    this.#filesToRemove = [];
  }

  /**
   * The files of messages that are gone, unless the same message is in another inbox. They are removed when the transaction is on the disk:
   * a row must never be there without its file, while a file without a row is swept later.
   */
  takeFilesToRemove(): readonly string[] {
    const files = this.#filesToRemove;
    if (files.length === 0) return files;
    this.#filesToRemove = [];
    return files.filter((name) => !this.hasFile(name));
  }

  /** Whether a message refers to a file. */
  hasFile(fileName: string): boolean {
    return this.#prepare('SELECT 1 FROM messages WHERE file_name = ?').get(fileName) !== undefined;
  }

  #addUnread({ packed, now }: Operations['addUnread']['request']): Operations['addUnread']['answer'] {
    const unread = unpackUnread(packed);
    const { parts, summary } = summedUp(unread, this.#summarize(unread.octets));
    const { id, pruned } = this.#add(parts, now);
    return { id, pruned, summary };
  }

  #summarize(octets: Uint8Array): NewSummary {
    if (this.#summarizer === undefined) {
      throw new StoreError('STORE_BAD_OPTION', 'A message without a summary needs a store that was given a summarizer');
    }
    try {
      return this.#summarizer.summarize(octets);
    } catch (cause) {
      throw new StoreError('STORE_BAD_OPTION', 'The summarizer of this store failed with this message', { cause });
    }
  }

  /** Adds a message to each of its inboxes. */
  #add(parts: MessageParts, now: number): AddAnswer {
    const [first = '', ...others] = parts.inboxes;
    const answer = this.#addTo(first, parts, now);
    return {
      id: answer.id,
      pruned: [...answer.pruned, ...others.flatMap((inbox) => this.#addTo(inbox, parts, now).pruned)],
    };
  }

  #addTo(inbox: string, parts: MessageParts, now: number): AddAnswer {
    const id = this.#newId();
    this.#prepare(
      `INSERT INTO messages (id, inbox, is_session, received_at, size_bytes, attachments, message_id, file_name)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    ).get(
      id,
      inbox,
      parts.isSession ? 1 : 0,
      parts.receivedAtMs,
      parts.sizeBytes,
      parts.attachmentCount,
      parts.messageId,
      parts.fileName,
    );
    this.#prepare('INSERT INTO message_facts VALUES (?, ?)').get(id, parts.facts);
    if (parts.octets !== null) this.#addOctets(id, parts.octets);
    this.#prepare('INSERT INTO message_transcripts VALUES (?, ?)').get(id, parts.transcript);
    this.#deferred.addWords(id, parts.words);
    const counted = parts.isSession ? 0 : 1;
    this.#deferred.count(inbox, { messages: counted, unread: counted, bytes: parts.sizeBytes });
    this.#deferred.keep(1, parts.sizeBytes);
    return { id, pruned: this.#prune(id, now) };
  }

  /** The next number, never given before. Nobody else gives any: to count costs less than to have each row report its own. */
  #newId(): number {
    this.#lastId ??= Number(
      this.#prepare("SELECT seq FROM sqlite_sequence WHERE name = 'messages'").get()?.['seq'] ?? 0,
    );
    this.#lastId += 1;
    return this.#lastId;
  }

  #addOctets(id: number, octets: Uint8Array): void {
    // Node 22 takes an array without memory for NULL, and what comes from another thread has none where there are no octets.
    this.#prepare("INSERT INTO message_octets VALUES (?, ifnull(?, x''))").get(id, octets);
  }

  /** Makes room for the newest message. @returns those that were there until now */
  #prune(newest: number, now: number): number[] {
    const { messagesMax, bytesMax, ageMsMax } = this.#limits;
    const pruned: number[] = [];
    if (ageMsMax !== Infinity) {
      // Few at a time, so that no message pays for a week of them; the next ones go on.
      const tooOld = this.#prepare(`SELECT ${GONE_COLUMNS} FROM messages WHERE received_at < ? AND id <> ? LIMIT 100`);
      for (const row of tooOld.all(now - ageMsMax, newest)) this.#remove(row, pruned);
    }
    for (;;) {
      const { messages, bytes } = this.#deferred.kept;
      if (messages <= messagesMax && bytes <= bytesMax) return pruned;
      const oldest =
        this.#prepare(
          `SELECT ${GONE_COLUMNS} FROM messages WHERE deletion IS NOT NULL ORDER BY deletion, id LIMIT 1`,
        ).get() ?? this.#prepare(`SELECT ${GONE_COLUMNS} FROM messages WHERE id <> ? ORDER BY id LIMIT 1`).get(newest);
      // The newest alone is within the limits: a larger one was turned away before.
      if (oldest === undefined) return pruned;
      this.#remove(oldest, pruned);
    }
  }

  /** Takes a message away for good. */
  #remove(row: Row, wereThere: number[]): void {
    const id = Number(row['id']);
    const bytes = Number(row['size_bytes']);
    for (const sql of REMOVALS) this.#prepare(sql).get(id);
    this.#deferred.removeWords(id);
    this.#deferred.keep(-1, bytes);
    if (row['deletion'] === null) {
      this.#recount([row], -1);
      wereThere.push(id);
    }
    if (row['file_name'] !== null) this.#filesToRemove.push(String(row['file_name']));
  }

  #setTranscripts(transcripts: Operations['setTranscripts']['request']): number {
    const update = this.#prepare(
      `UPDATE message_transcripts SET lines = ? WHERE id = ?
       AND EXISTS (SELECT 1 FROM messages m WHERE m.id = message_transcripts.id AND deletion IS NULL) RETURNING 1`,
    );
    const removeEnd = this.#prepare('DELETE FROM message_transcript_ends WHERE id = ?');
    return transcripts.filter(([id, transcript]) => {
      if (update.get(transcript, id) === undefined) return false;
      removeEnd.get(id);
      return true;
    }).length;
  }

  #addToTranscripts(added: Operations['addToTranscripts']['request']): number {
    const insert = this.#prepare(
      `INSERT OR IGNORE INTO message_transcript_ends SELECT id, ? FROM messages WHERE id = ? AND deletion IS NULL
       RETURNING 1`,
    );
    return added.filter(([id, lines]) => insert.get(lines, id) !== undefined || this.#addToEnd(id, lines)).length;
  }

  /** The lines of a message that has some already. @returns whether there is such a message */
  #addToEnd(id: number, lines: string): boolean {
    const row = this.#prepare(
      `SELECT lines FROM messages m JOIN message_transcript_ends e ON e.id = m.id WHERE m.id = ? AND m.deletion IS NULL`,
    ).get(id);
    if (row === undefined) return false;
    const all = joinedTranscript(String(row['lines']), lines);
    this.#prepare('UPDATE message_transcript_ends SET lines = ? WHERE id = ?').get(JSON.stringify(all), id);
    return true;
  }

  #setRead({ ids, isRead }: Operations['setRead']['request']): number[] {
    const update = this.#prepare(
      'UPDATE messages SET is_read = ? WHERE id = ? AND is_read <> ? AND deletion IS NULL RETURNING inbox, is_session',
    );
    const value = isRead ? 1 : 0;
    return ids.filter((id) => {
      const row = update.get(value, id, value);
      if (row === undefined) return false;
      const unread = isRead ? -1 : 1;
      if (row['is_session'] === 0) this.#deferred.count(String(row['inbox']), { messages: 0, unread, bytes: 0 });
      return true;
    });
  }

  #addTags({ ids, tags }: TagRequest): number[] {
    const insert = this.#prepare(
      'INSERT OR IGNORE INTO message_tags SELECT id, ? FROM messages WHERE id = ? AND deletion IS NULL RETURNING 1',
    );
    return ids.filter((id) => tags.filter((tag) => insert.get(tag, id) !== undefined).length > 0);
  }

  #removeTags({ ids, tags }: TagRequest): number[] {
    const remove = this.#prepare(
      `DELETE FROM message_tags WHERE tag = ? AND id = ?
       AND EXISTS (SELECT 1 FROM messages m WHERE m.id = message_tags.id AND deletion IS NULL) RETURNING 1`,
    );
    return ids.filter((id) => tags.filter((tag) => remove.get(tag, id) !== undefined).length > 0);
  }

  #delete({ ids, now }: Operations['delete']['request']): DeletionAnswer {
    const deletion = this.#newDeletion(now);
    const update = this.#prepare(
      `UPDATE messages SET deletion = ? WHERE id = ? AND deletion IS NULL RETURNING id, ${COUNTED_COLUMNS}`,
    );
    const rows = ids.flatMap((id) => update.all(deletion, id));
    this.#recount(rows, -1);
    return { deletion, ids: rows.map((row) => Number(row['id'])) };
  }

  #clear({ inbox, now, begun }: Operations['clear']['request']): Operations['clear']['answer'] {
    const deletion = begun?.deletion ?? this.#newDeletion(now);
    const [where, values] = inbox === undefined ? ['', []] : [' AND inbox = ?', [inbox]];
    const rows = this.#prepare(
      `UPDATE messages SET deletion = ? WHERE id IN
       (SELECT id FROM messages WHERE deletion IS NULL AND id < ?${where} ORDER BY id DESC LIMIT ?)
       RETURNING id, ${COUNTED_COLUMNS}`,
    ).all(deletion, begun?.olderThan ?? Number.MAX_SAFE_INTEGER, ...values, CHANGED_AT_ONCE_MAX);
    this.#recount(rows, -1);
    const ids = rows.map((row) => Number(row['id'])).sort((a, b) => b - a);
    return { deletion, ids, olderThan: ids.length < CHANGED_AT_ONCE_MAX ? undefined : ids.at(-1) };
  }

  #newDeletion(now: number): number {
    return Number(this.#prepare('INSERT INTO deletions (deleted_at) VALUES (?) RETURNING id').get(now)?.['id']);
  }

  #restore({ deletion, now }: Operations['restore']['request']): Operations['restore']['answer'] {
    const row = this.#prepare('SELECT deleted_at FROM deletions WHERE id = ?').get(deletion);
    if (row === undefined || now >= Number(row['deleted_at']) + this.#undoMs) return { ids: [], isOver: true };
    const rows = this.#prepare(
      `UPDATE messages SET deletion = NULL WHERE id IN
       (SELECT id FROM messages WHERE deletion = ? ORDER BY id DESC LIMIT ?)
       RETURNING id, ${COUNTED_COLUMNS}`,
    ).all(deletion, CHANGED_AT_ONCE_MAX);
    this.#recount(rows, 1);
    const ids = rows.map((each) => Number(each['id']));
    const isOver = ids.length < CHANGED_AT_ONCE_MAX;
    if (isOver) this.#prepare('DELETE FROM deletions WHERE id = ?').get(deletion);
    // What has begun to come back comes back to the last, though its time be over meanwhile.
    else this.#prepare('UPDATE deletions SET deleted_at = ? WHERE id = ?').get(now, deletion);
    return { ids, isOver };
  }

  #counts(): StoreCounts {
    this.#deferred.write();
    const rows = this.#prepare('SELECT inbox, messages, unread, bytes FROM counters ORDER BY inbox').all();
    return storeCounts(rows.map((row) => [String(row['inbox']), countsOf(row)]));
  }

  #setSetting({ key, value }: Operations['setSetting']['request']): void {
    if (value === undefined) this.#prepare('DELETE FROM settings WHERE key = ?').get(key);
    else this.#prepare('INSERT OR REPLACE INTO settings VALUES (?, ?)').get(key, value);
  }

  #purge({ now }: Operations['purge']['request']): Operations['purge']['answer'] {
    const oldest = this.#prepare('SELECT id, deleted_at FROM deletions ORDER BY deleted_at, id LIMIT 1').get();
    if (oldest === undefined) return { nextAt: undefined };
    const overAt = Number(oldest['deleted_at']) + this.#undoMs;
    if (overAt > now) return { nextAt: overAt };
    const deletion = Number(oldest['id']);
    const rows = this.#prepare(`SELECT ${GONE_COLUMNS} FROM messages WHERE deletion = ? LIMIT ?`).all(
      deletion,
      PURGED_AT_ONCE_MAX,
    );
    for (const row of rows) this.#remove(row, []);
    if (rows.length < PURGED_AT_ONCE_MAX) this.#prepare('DELETE FROM deletions WHERE id = ?').get(deletion);
    return { nextAt: now };
  }

  /** Rows are there again (1), or no more (-1). */
  #recount(rows: readonly Row[], sign: 1 | -1): void {
    for (const [inbox, counts] of countsByInbox(rows)) {
      const { messages, unread, bytes } = counts;
      this.#deferred.count(inbox, { messages: sign * messages, unread: sign * unread, bytes: sign * bytes });
    }
  }

  #prepare(sql: string): Statement {
    return this.#statements.prepare(sql);
  }
}

function countsByInbox(rows: readonly Row[]): ReadonlyMap<string, Counts> {
  const inboxes = new Map<string, Counts>();
  for (const row of rows) {
    const inbox = String(row['inbox']);
    const { messages, unread, bytes } = inboxes.get(inbox) ?? { messages: 0, unread: 0, bytes: 0 };
    const counted = row['is_session'] === 0 ? 1 : 0;
    inboxes.set(inbox, {
      messages: messages + counted,
      unread: unread + (row['is_read'] === 0 ? counted : 0),
      bytes: bytes + Number(row['size_bytes']),
    });
  }
  return inboxes;
}

function countsOf(row: Row): Counts {
  return { messages: Number(row['messages']), unread: Number(row['unread']), bytes: Number(row['bytes']) };
}

const COUNTED_COLUMNS = 'inbox, is_session, is_read, size_bytes';
const GONE_COLUMNS = `id, ${COUNTED_COLUMNS}, file_name, deletion`;

const REMOVALS = [
  'DELETE FROM messages WHERE id = ?',
  'DELETE FROM message_facts WHERE id = ?',
  'DELETE FROM message_octets WHERE id = ?',
  'DELETE FROM message_transcripts WHERE id = ?',
  'DELETE FROM message_transcript_ends WHERE id = ?',
  'DELETE FROM message_tags WHERE id = ?',
];

/** So that who deletes 100,000 messages holds nobody up for long: marking is quick, taking away is not. */
const CHANGED_AT_ONCE_MAX = 2_000;
const PURGED_AT_ONCE_MAX = 200;
