/** What is done with the tables: a function for each thing that is asked. Those that take a client have a transaction, and its lock. */

import type { PoolClient } from 'pg';

import { storeCounts } from '../counts.js';
import type { ListRequest } from '../list-request.js';
import type { StoreLimits } from '../limits.js';
import type { TranscriptLine } from '../message.js';
import { joinedTranscript, type MessageRow, type NewParts } from '../message-parts.js';
import { asciiLowerCase, bindable } from '../plain-text.js';
import type { StoreCounts } from '../store.js';
import type { PostgresDatabase } from './database.js';
import { BoundValues, compileQuery, type SearchedWords } from './query-sql.js';

/** A message to be written, with what it is found by. */
export interface NewRow {
  readonly parts: NewParts;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly words: SearchedWords;
}

/** One in one of its inboxes. */
export interface NewCopy extends NewRow {
  readonly inbox: string;
  /** What its octets are filed under, if they were written before. */
  readonly body: string | undefined;
}

/** Messages in a schema. */
export class MessageTables {
  readonly #database: PostgresDatabase;
  /** What stands before the name of each table. */
  readonly #s: string;

  constructor(database: PostgresDatabase) {
    this.#database = database;
    this.#s = `"${database.schema}".`;
  }

  /** Writes octets, piece by piece; needs no lock. @returns what they are filed under */
  async writeBody(client: PoolClient, pieces: AsyncIterable<Uint8Array>): Promise<string> {
    const { rows } = await client.query<{ body: string }>(`SELECT nextval('${this.#s}body_ids') AS body`);
    const body = rows[0]?.body ?? '';
    let number = 0;
    for await (const octets of pieces) {
      await client.query(`INSERT INTO ${this.#s}message_octets VALUES ($1, $2, $3)`, [body, number, octets]);
      number += 1;
    }
    return body;
  }

  /** Writes a message into one of its inboxes. @returns its number there */
  async insert(client: PoolClient, { parts, headers, words, inbox, body }: NewCopy): Promise<number> {
    const { rows } = await client.query<{ id: string }>(
      `WITH m AS (
         INSERT INTO ${this.#s}messages (id, body, inbox, is_session, received_at, size_bytes, attachments, message_id)
         VALUES (nextval('${this.#s}message_ids'), coalesce($1::bigint, nextval('${this.#s}body_ids')), $2, $3, $4, $5, $6, $7)
         RETURNING id, body
       ), f AS (
         INSERT INTO ${this.#s}message_facts SELECT id, $8, $9, $10::text[], $11::text[] FROM m
       ), w AS (
         INSERT INTO ${this.#s}message_words SELECT id, array_to_tsvector($12::text[]), $13::text[] FROM m
       ), o AS (
         INSERT INTO ${this.#s}message_octets SELECT body, 0, $14::bytea FROM m WHERE length($14::bytea) > 0
       )
       SELECT id FROM m`,
      [
        body,
        inbox,
        parts.isSession,
        parts.receivedAtMs,
        parts.sizeBytes,
        parts.attachmentCount,
        parts.messageId,
        parts.facts,
        parts.transcript,
        headers.map(([name]) => asciiLowerCase(bindable(name))),
        headers.map(([, value]) => asciiLowerCase(bindable(value))),
        words.lexemes,
        words.texts,
        parts.octets,
      ],
    );
    return Number(rows[0]?.id);
  }

  /** Counts what was inserted, and makes room for the newest of it. @returns those that were there until now */
  async prune(
    client: PoolClient,
    {
      inserted,
      bytes,
      newest,
      limits,
      now,
    }: { inserted: number; bytes: number; newest: number; limits: StoreLimits; now: number },
  ): Promise<number[]> {
    const pruned: number[] = [];
    if (Number.isFinite(limits.ageMsMax)) {
      // Few at a time, so that no message pays for a week of them; the next ones go on.
      const { rows } = await client.query<{ id: string }>(
        `SELECT id FROM ${this.#s}messages WHERE received_at < $1::float8 AND id <> $2 LIMIT 100`,
        [now - limits.ageMsMax, newest],
      );
      pruned.push(...(await this.remove(client, rows)));
    }
    const { rows: kept } = await client.query<{ is_too_much: boolean }>(
      `UPDATE ${this.#s}kept SET messages = messages + $1, bytes = bytes + $2
       RETURNING messages > $3::float8 OR bytes > $4::float8 AS is_too_much`,
      [inserted, bytes, limits.messagesMax, limits.bytesMax],
    );
    // Mostly there is room, and the oldest need not be looked at.
    if (kept[0]?.is_too_much === false) return pruned;
    for (;;) {
      const { rows } = await client.query<{ id: string }>(
        `SELECT o.id FROM ${this.#s}kept, (
           SELECT id, count(*) OVER w - 1 AS messages_before, sum(size_bytes) OVER w - size_bytes AS bytes_before
           FROM (SELECT id, deletion, size_bytes FROM ${this.#s}messages WHERE id <> $3 ORDER BY deletion, id LIMIT 500) oldest
           WINDOW w AS (ORDER BY deletion, id)
         ) o
         WHERE kept.messages - o.messages_before > $1::float8 OR kept.bytes - o.bytes_before > $2::float8`,
        [limits.messagesMax, limits.bytesMax, newest],
      );
      // The newest alone is within the limits: a larger one was turned away before.
      if (rows.length === 0) return pruned;
      pruned.push(...(await this.remove(client, rows)));
    }
  }

  /** Takes messages away for good. @returns those that were there until now */
  async remove(client: PoolClient, ids: readonly { readonly id: string }[]): Promise<number[]> {
    if (ids.length === 0) return [];
    const { rows } = await client.query<{ id: string; was_there: boolean }>(
      `WITH gone AS (
         DELETE FROM ${this.#s}messages WHERE id = ANY ($1::bigint[]) RETURNING id, body, size_bytes, deletion
       ), f AS (DELETE FROM ${this.#s}message_facts t USING gone WHERE t.id = gone.id
       ), w AS (DELETE FROM ${this.#s}message_words t USING gone WHERE t.id = gone.id
       ), o AS (DELETE FROM ${this.#s}message_octets t USING gone WHERE t.body = gone.body
       ), k AS (UPDATE ${this.#s}kept SET messages = messages - (SELECT count(*) FROM gone),
           bytes = bytes - (SELECT coalesce(sum(size_bytes), 0) FROM gone)
       )
       SELECT id, deletion IS NULL AS was_there FROM gone ORDER BY id`,
      [ids.map(({ id }) => id)],
    );
    return rows.filter((row) => row.was_there).map(({ id }) => Number(id));
  }

  /** Those of some messages that are there. */
  async byIds(ids: readonly number[]): Promise<MessageRow[]> {
    const rows = await this.#database.read<ListedRow>(
      `SELECT ${LISTED} FROM ${this.#s}messages m JOIN ${this.#s}message_facts f ON f.id = m.id
       WHERE m.id = ANY ($1::bigint[]) AND m.deletion IS NULL ORDER BY m.id`,
      [ids],
    );
    return rows.map(messageRow);
  }

  /** A text match is made as a whole before it is put in order; common words fill a page from the nearest messages alone. */
  async list(request: ListRequest): Promise<{ rows: MessageRow[]; hasMore: boolean }> {
    const { after, limit } = request;
    let rows = await this.#find(request, NEAREST_MESSAGES);
    if (rows === undefined || rows.length <= limit) rows = (await this.#find(request, undefined)) ?? [];
    const page = rows.slice(0, limit).map(messageRow);
    if (after !== undefined) page.reverse();
    return { rows: page, hasMore: rows.length > limit };
  }

  /**
   * One more than a page has.
   *
   * @param nearest look for words in so many messages only, the nearest to the place; there is no answer when no words are looked for
   */
  async #find(
    { requirements, before, after, limit }: ListRequest,
    nearest: number | undefined,
  ): Promise<ListedRow[] | undefined> {
    const bound = new BoundValues();
    const { match, condition } = compileQuery(requirements, this.#database.schema, bound);
    if (match === undefined && nearest !== undefined) return undefined;
    const place = (id: string): string =>
      (before === undefined ? '' : ` AND ${id} < ${bound.bind(before)}::bigint`) +
      (after === undefined ? '' : ` AND ${id} > ${bound.bind(after)}::bigint`);
    const order = after === undefined ? 'DESC' : 'ASC';
    const words = (more: string): string =>
      `WITH matched AS MATERIALIZED (SELECT w.id FROM ${more}${this.#s}message_words w`;
    const matched =
      match === undefined
        ? ''
        : nearest === undefined
          ? // Otherwise the planner may walk through all messages to find some.
            `${words('')} WHERE ${match}${place('w.id')})`
          : `${words(
              `(SELECT m.id FROM ${this.#s}messages m WHERE m.deletion IS NULL${place('m.id')}
                ORDER BY m.id ${order} LIMIT ${bound.bind(nearest)}) n JOIN `,
            )} ON w.id = n.id WHERE ${match})`;
    return this.#database.read<ListedRow>(
      `${matched} SELECT ${LISTED} FROM (
         SELECT m.* FROM ${this.#s}messages m${match === undefined ? '' : ' JOIN matched ON matched.id = m.id'}
         WHERE m.deletion IS NULL AND ${condition}${place('m.id')} ORDER BY m.id ${order} LIMIT ${bound.bind(limit + 1)}
       ) m JOIN ${this.#s}message_facts f ON f.id = m.id ORDER BY m.id ${order}`,
      bound.values,
    );
  }

  async transcript(id: number): Promise<TranscriptLine[] | undefined> {
    const [row] = await this.#database.read<{ transcript: string }>(
      `SELECT f.transcript FROM ${this.#s}messages m JOIN ${this.#s}message_facts f ON f.id = m.id
       WHERE m.id = $1 AND m.deletion IS NULL`,
      [id],
    );
    return row === undefined ? undefined : (JSON.parse(row.transcript) as TranscriptLine[]);
  }

  /** @returns how many there are */
  async setTranscripts(client: PoolClient, transcripts: readonly (readonly [number, string])[]): Promise<number> {
    const { rowCount } = await client.query(
      `UPDATE ${this.#s}message_facts f SET transcript = n.transcript
       FROM ${this.#s}messages m, unnest($1::bigint[], $2::text[]) AS n (id, transcript)
       WHERE m.id = n.id AND f.id = n.id AND m.deletion IS NULL`,
      [transcripts.map(([id]) => id), transcripts.map(([, transcript]) => transcript)],
    );
    return rowCount ?? 0;
  }

  /** @returns how many there are */
  async addToTranscripts(client: PoolClient, added: readonly (readonly [number, string])[]): Promise<number> {
    const { rows } = await client.query<{ id: string; transcript: string }>(
      `SELECT f.id, f.transcript FROM ${this.#s}messages m JOIN ${this.#s}message_facts f ON f.id = m.id
       WHERE m.id = ANY ($1::bigint[]) AND m.deletion IS NULL`,
      [added.map(([id]) => id)],
    );
    const before = new Map(rows.map(({ id, transcript }) => [Number(id), transcript]));
    const whole = added.flatMap(([id, lines]): [number, string][] => {
      const beginning = before.get(id);
      return beginning === undefined ? [] : [[id, JSON.stringify(joinedTranscript(beginning, lines))]];
    });
    return this.setTranscripts(client, whole);
  }

  /** What the octets of a message are filed under. */
  async body(id: number): Promise<{ readonly body: string; readonly sizeBytes: number } | undefined> {
    const [row] = await this.#database.read<{ body: string; size_bytes: string }>(
      `SELECT body, size_bytes FROM ${this.#s}messages WHERE id = $1 AND deletion IS NULL`,
      [id],
    );
    return row === undefined ? undefined : { body: row.body, sizeBytes: Number(row.size_bytes) };
  }

  /** A piece of octets; `undefined` when it is not there any more. */
  async octets(body: string, number: number): Promise<Uint8Array | undefined> {
    const [row] = await this.#database.read<{ octets: Uint8Array }>(
      `SELECT octets FROM ${this.#s}message_octets WHERE body = $1 AND number = $2`,
      [body, number],
    );
    return row?.octets;
  }

  setRead(client: PoolClient, ids: readonly number[], isRead: boolean): Promise<number[]> {
    return this.#update(client, 'is_read = $2', 'is_read <> $2', [ids, isRead]);
  }

  addTags(client: PoolClient, ids: readonly number[], tags: readonly string[]): Promise<number[]> {
    const together = 'ARRAY(SELECT DISTINCT tag COLLATE "C" FROM unnest(tags || $2::text[]) AS tag ORDER BY 1)';
    return this.#update(client, `tags = ${together}`, 'NOT tags @> $2::text[]', [ids, tags]);
  }

  removeTags(client: PoolClient, ids: readonly number[], tags: readonly string[]): Promise<number[]> {
    const others = 'ARRAY(SELECT tag COLLATE "C" FROM unnest(tags) AS tag WHERE tag <> ALL ($2::text[]) ORDER BY 1)';
    return this.#update(client, `tags = ${others}`, 'tags && $2::text[]', [ids, tags]);
  }

  /** Begins a deletion. @returns its number */
  async newDeletion(client: PoolClient, now: number): Promise<number> {
    const { rows } = await client.query<{ id: string }>(
      `INSERT INTO ${this.#s}deletions (deleted_at) VALUES ($1) RETURNING id`,
      [now],
    );
    return Number(rows[0]?.id);
  }

  delete(client: PoolClient, ids: readonly number[], deletion: number): Promise<number[]> {
    return this.#update(client, 'deletion = $2', 'true', [ids, deletion]);
  }

  async clear(client: PoolClient, inbox: string | undefined, deletion: number): Promise<number[]> {
    const { rows } = await client.query<{ id: string }>(
      `UPDATE ${this.#s}messages SET deletion = $1
       WHERE deletion IS NULL AND ($2::text IS NULL OR inbox = $2) RETURNING id`,
      [deletion, inbox],
    );
    return rows.map(({ id }) => Number(id));
  }

  /** @returns what came back: nothing when its time is over */
  async restore(client: PoolClient, deletion: number, deletedAfter: number): Promise<number[]> {
    const { rowCount } = await client.query(
      `DELETE FROM ${this.#s}deletions WHERE id = $1 AND deleted_at > $2::float8`,
      [deletion, deletedAfter],
    );
    if (rowCount !== 1) return [];
    const { rows } = await client.query<{ id: string }>(
      `UPDATE ${this.#s}messages SET deletion = NULL WHERE deletion = $1 RETURNING id`,
      [deletion],
    );
    return rows.map(({ id }) => Number(id));
  }

  /** Takes away some of what cannot come back. @returns when there is something again */
  async purge(client: PoolClient, now: number, undoMs: number): Promise<number | undefined> {
    const { rows: oldest } = await client.query<{ id: string; deleted_at: number }>(
      `SELECT id, deleted_at FROM ${this.#s}deletions ORDER BY deleted_at, id LIMIT 1`,
    );
    const [deletion] = oldest;
    if (deletion === undefined) return undefined;
    const overAt = deletion.deleted_at + undoMs;
    if (overAt > now) return overAt;
    const { rows } = await client.query<{ id: string }>(
      `SELECT id FROM ${this.#s}messages WHERE deletion = $1 LIMIT $2`,
      [deletion.id, PURGED_AT_ONCE_MAX],
    );
    await this.remove(client, rows);
    if (rows.length < PURGED_AT_ONCE_MAX) {
      await client.query(`DELETE FROM ${this.#s}deletions WHERE id = $1`, [deletion.id]);
    }
    return now;
  }

  async counts(): Promise<StoreCounts> {
    const rows = await this.#database.read<{ inbox: string; messages: string; unread: string; bytes: string }>(
      `SELECT * FROM (
         SELECT inbox, count(*) FILTER (WHERE NOT is_session) AS messages,
           count(*) FILTER (WHERE NOT is_session AND NOT is_read) AS unread, sum(size_bytes) AS bytes
         FROM ${this.#s}messages WHERE deletion IS NULL GROUP BY inbox
       ) c WHERE messages > 0 OR bytes > 0 ORDER BY inbox COLLATE "C"`,
    );
    return storeCounts(
      rows.map(({ inbox, messages, unread, bytes }) => [
        inbox,
        { messages: Number(messages), unread: Number(unread), bytes: Number(bytes) },
      ]),
    );
  }

  async settings(where: 'key = $1' | 'starts_with(key, $1)', value: string): Promise<[key: string, value: string][]> {
    const rows = await this.#database.read<{ key: string; value: string }>(
      `SELECT key, value FROM ${this.#s}settings WHERE ${where} ORDER BY key`,
      [value],
    );
    return rows.map((row) => [row.key, row.value]);
  }

  async setSetting(client: PoolClient, key: string, value: string | undefined): Promise<void> {
    if (value === undefined) {
      await client.query(`DELETE FROM ${this.#s}settings WHERE key = $1`, [key]);
    } else {
      await client.query(
        `INSERT INTO ${this.#s}settings VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value`,
        [key, value],
      );
    }
  }

  /** Changes those of some messages that are there and meet a condition. @returns which */
  async #update(client: PoolClient, change: string, condition: string, values: unknown[]): Promise<number[]> {
    const { rows } = await client.query<{ id: string }>(
      `UPDATE ${this.#s}messages SET ${change} WHERE id = ANY ($1::bigint[]) AND deletion IS NULL AND ${condition} RETURNING id`,
      values,
    );
    return rows.map(({ id }) => Number(id));
  }
}

interface ListedRow {
  readonly id: string;
  readonly inbox: string;
  readonly is_session: boolean;
  readonly received_at: string;
  readonly size_bytes: string;
  readonly is_read: boolean;
  readonly tags: readonly string[];
  readonly facts: string;
}

/** The driver gives whole numbers of 64 bits as text; ours are small enough to be numbers. */
function messageRow(row: ListedRow): MessageRow {
  return {
    id: Number(row.id),
    inbox: row.inbox,
    isSession: row.is_session,
    receivedAtMs: Number(row.received_at),
    sizeBytes: Number(row.size_bytes),
    isRead: row.is_read,
    tags: JSON.stringify(row.tags),
    facts: row.facts,
  };
}

const LISTED = 'm.id, m.inbox, m.is_session, m.received_at, m.size_bytes, m.is_read, m.tags, f.facts';

/** Where a common word fills a page, it does so from these. */
const NEAREST_MESSAGES = 500;
/** So that who deletes 100,000 messages holds nobody up for long. */
const PURGED_AT_ONCE_MAX = 200;
