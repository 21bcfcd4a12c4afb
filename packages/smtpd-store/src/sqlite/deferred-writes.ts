/**
 * What a transaction writes once, at its end, for all that was done in it: words and counts.
 *
 * FTS5 gathers words in memory, and makes a segment of its index of them before any statement that might have to be undone by itself, and
 * before a row that is older than the last one. Words that come one message at a time between other statements become as many segments,
 * which it has to merge later: that costs more than all else that is written of a message.
 */

import type { Counts } from '../store.js';
import type { Statement } from './driver.js';

/** How much is kept, with what can still come back. */
export interface Kept {
  readonly messages: number;
  readonly bytes: number;
}

/** Gathers what is to be written, until {@link write} or {@link forget}. */
export class DeferredWrites {
  readonly #prepare: (sql: string) => Statement;
  readonly #counts = new Map<string, Counts>();
  readonly #added = new Map<number, readonly string[]>();
  readonly #removed: number[] = [];
  /** As it is by now; `undefined` until somebody asked. */
  #kept: Kept | undefined;
  #isKeptChanged = false;

  constructor(prepare: (sql: string) => Statement) {
    this.#prepare = prepare;
  }

  get kept(): Kept {
    if (this.#kept === undefined) {
      const { messages, bytes } = this.#prepare('SELECT messages, bytes FROM kept').get() ?? {};
      this.#kept = { messages: Number(messages), bytes: Number(bytes) };
    }
    return this.#kept;
  }

  /** Messages came (1), or are gone for good (-1). */
  keep(messages: 1 | -1, bytes: number): void {
    this.#kept = { messages: this.kept.messages + messages, bytes: this.kept.bytes + messages * bytes };
    this.#isKeptChanged = true;
  }

  /** There is more in an inbox, or less. */
  count(inbox: string, { messages, unread, bytes }: Counts): void {
    const before = this.#counts.get(inbox) ?? { messages: 0, unread: 0, bytes: 0 };
    this.#counts.set(inbox, {
      messages: before.messages + messages,
      unread: before.unread + unread,
      bytes: before.bytes + bytes,
    });
  }

  /** A message is found by its words: subject, from, to, cc, body, file names, header. */
  addWords(id: number, words: readonly string[]): void {
    this.#added.set(id, words);
  }

  /** A message is not found by its words any more. */
  removeWords(id: number): void {
    if (!this.#added.delete(id)) this.#removed.push(id);
  }

  /** Writes everything. */
  write(): void {
    this.#writeCounts();
    if (this.#isKeptChanged) {
      const { messages, bytes } = this.kept;
      this.#prepare('UPDATE kept SET messages = ?, bytes = ?').get(messages, bytes);
    }
    this.#writeWords();
    this.forget();
  }

  /** What was gathered is not written: the transaction is undone. */
  forget(): void {
    this.#counts.clear();
    this.#added.clear();
    this.#removed.length = 0;
    this.#kept = undefined;
    this.#isKeptChanged = false;
  }

  #writeCounts(): void {
    for (const [inbox, { messages, unread, bytes }] of this.#counts) {
      this.#prepare(
        `INSERT INTO counters VALUES (?, ?, ?, ?) ON CONFLICT (inbox) DO UPDATE SET
         messages = messages + excluded.messages, unread = unread + excluded.unread, bytes = bytes + excluded.bytes`,
      ).get(inbox, messages, unread, bytes);
      if (messages <= 0)
        this.#prepare('DELETE FROM counters WHERE inbox = ? AND messages = 0 AND bytes = 0').get(inbox);
    }
  }

  /** From the oldest to the newest. */
  #writeWords(): void {
    const remove = this.#prepare('DELETE FROM message_words WHERE rowid = ?');
    for (const id of this.#removed.sort((a, b) => a - b)) remove.get(id);
    const add = this.#prepare(
      `INSERT INTO message_words (rowid, subject, sender, recipient, copied, body, filename, headers)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    for (const [id, words] of this.#added) add.get(id, ...words);
  }
}
