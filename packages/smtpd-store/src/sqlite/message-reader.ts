/** What the thread that reads does with the tables: one method for each request, all synchronous. It never sees half a transaction. */

import { assertNever } from '../errors.js';
import type { ListRequest } from '../list-request.js';
import type { TranscriptLine } from '../message.js';
import { joinedTranscript, type MessageRow } from '../message-parts.js';
import { StatementCache, type Connection, type Row, type SQLValue, type Statement } from './driver.js';
import { compileQuery } from './query-sql.js';
import type { NumberedRequest, Operations, RawLocation, ReadOperations } from './requests.js';

/** The messages in a database, for who looks at them. */
export class MessageReader {
  readonly #connection: Connection;
  readonly #statements: StatementCache;

  constructor(connection: Connection) {
    this.#connection = connection;
    this.#statements = new StatementCache(connection);
  }

  /** Answers what is asked. */
  answer(asked: NumberedRequest<keyof ReadOperations>): unknown {
    switch (asked.name) {
      case 'get':
        return this.#get(asked.request.id);
      case 'raw':
        return this.#raw(asked.request.id);
      case 'transcript':
        return this.#transcript(asked.request.id);
      case 'list':
        return this.#list(asked.request);
      case 'setting':
        return this.#setting(asked.request.key);
      case 'settings':
        return this.#settings(asked.request.prefix);
      default:
        return assertNever(asked);
    }
  }

  #get(id: number): MessageRow | undefined {
    const row = this.#prepare(`SELECT ${LIST_COLUMNS} FROM ${LISTED} WHERE m.id = ? AND m.deletion IS NULL`).get(id);
    return row === undefined ? undefined : messageRow(row);
  }

  #raw(id: number): RawLocation | undefined {
    const row = this.#prepare(
      `SELECT file_name, octets FROM messages m LEFT JOIN message_octets o ON o.id = m.id
       WHERE m.id = ? AND m.deletion IS NULL`,
    ).get(id);
    if (row === undefined) return undefined;
    if (row['file_name'] !== null) return { fileName: String(row['file_name']) };
    return { octets: row['octets'] as Uint8Array };
  }

  #transcript(id: number): TranscriptLine[] | undefined {
    const row = this.#prepare(
      `SELECT t.lines, e.lines AS more FROM messages m JOIN message_transcripts t ON t.id = m.id
       LEFT JOIN message_transcript_ends e ON e.id = m.id WHERE m.id = ? AND m.deletion IS NULL`,
    ).get(id);
    return row === undefined ? undefined : joinedTranscript(String(row['lines']), String(row['more'] ?? '[]'));
  }

  #list({ requirements, before, after, limit }: ListRequest): Operations['list']['answer'] {
    const { match, condition, values } = compileQuery(requirements);
    const id = match === undefined ? 'm.id' : 'message_words.rowid';
    const wheres = ['m.deletion IS NULL'];
    const bound: SQLValue[] = [];
    const where = (sql: string, ...more: readonly SQLValue[]): void => {
      wheres.push(sql);
      bound.push(...more);
    };
    if (match !== undefined) where('message_words MATCH ?', match);
    if (before !== undefined) where(`${id} < ?`, before);
    if (after !== undefined) where(`${id} > ?`, after);
    where(condition, ...values);
    const rows = this.#connection
      .prepare(
        `SELECT ${LIST_COLUMNS}
         FROM ${match === undefined ? LISTED : `message_words CROSS JOIN ${LISTED} AND m.id = message_words.rowid`}
         WHERE ${wheres.join(' AND ')} ORDER BY ${id} ${after === undefined ? 'DESC' : 'ASC'} LIMIT ?`,
      )
      .all(...bound, limit + 1);
    const page = rows.slice(0, limit).map(messageRow);
    if (after !== undefined) page.reverse();
    return { rows: page, hasMore: rows.length > limit };
  }

  #setting(key: string): string | undefined {
    const row = this.#prepare('SELECT value FROM settings WHERE key = ?').get(key);
    return row === undefined ? undefined : String(row['value']);
  }

  #settings(prefix: string): [string, string][] {
    const rows = this.#prepare(
      'SELECT key, value FROM settings WHERE key >= ? AND substr(key, 1, length(?)) = ? ORDER BY key',
    ).all(prefix, prefix, prefix);
    return rows.map((row) => [String(row['key']), String(row['value'])]);
  }

  #prepare(sql: string): Statement {
    return this.#statements.prepare(sql);
  }
}

function messageRow(row: Row): MessageRow {
  return {
    id: Number(row['id']),
    inbox: String(row['inbox']),
    isSession: row['is_session'] === 1,
    receivedAtMs: Number(row['received_at']),
    sizeBytes: Number(row['size_bytes']),
    isRead: row['is_read'] === 1,
    tags: String(row['tags']),
    facts: String(row['facts']),
  };
}

/** What a row of a list is made of; of `LISTED`. */
const LIST_COLUMNS = `m.id, m.inbox, m.is_session, m.received_at, m.size_bytes, m.is_read, f.facts,
  (SELECT json_group_array(tag ORDER BY tag) FROM message_tags t WHERE t.id = m.id) AS tags`;
const LISTED = 'messages m CROSS JOIN message_facts f ON f.id = m.id';
