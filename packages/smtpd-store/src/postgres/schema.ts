/**
 * The tables, which live in a schema of their own. As in the embedded engine a row of `messages` is what is looked at to decide whether a message is in
 * a list, and short; what it says, its words and its octets stand apart.
 */

import type { PoolClient } from 'pg';

import { StoreError } from '../errors.js';

/** Makes the tables, or brings them to this version. The caller has a transaction, and the lock of the store. */
export async function prepareSchema(client: PoolClient, schema: string): Promise<void> {
  const { rows: encodings } = await client.query<{ server_encoding: string }>('SHOW server_encoding');
  if (encodings[0]?.server_encoding !== 'UTF8') {
    throw new StoreError('STORE_BAD_OPTION', 'The database has to be one of the encoding UTF8');
  }
  // Who may not make a schema may still use one that was made for it.
  const { rows: schemas } = await client.query('SELECT 1 FROM pg_namespace WHERE nspname = $1', [schema]);
  if (schemas.length === 0) await client.query(`CREATE SCHEMA "${schema}"`);
  await client.query(`CREATE TABLE IF NOT EXISTS "${schema}".version (tables integer NOT NULL)`);
  const { rows } = await client.query<{ tables: number }>(`SELECT tables FROM "${schema}".version`);
  const version = rows[0]?.tables ?? 0;
  if (version > CHANGES.length) {
    throw new StoreError(
      'STORE_NEWER',
      `The store has version ${version} of its tables, and this smtpd-store knows ${CHANGES.length}: use a later one`,
    );
  }
  for (const change of CHANGES.slice(version)) await client.query(change.replaceAll('store.', `"${schema}".`));
  if (version === CHANGES.length) return;
  await client.query(`DELETE FROM "${schema}".version`);
  await client.query(`INSERT INTO "${schema}".version VALUES ($1)`, [CHANGES.length]);
}

/** What leads from each version of the tables to the next; what was released stays. */
const CHANGES: readonly string[] = [
  `
CREATE SEQUENCE store.message_ids;
CREATE SEQUENCE store.body_ids;
CREATE TABLE store.messages (
  -- Given while the lock is held: who is later has a higher one, and a place in a list is never passed by somebody late.
  id bigint PRIMARY KEY,
  inbox text NOT NULL,
  is_session boolean NOT NULL,
  received_at bigint NOT NULL,
  size_bytes bigint NOT NULL,
  is_read boolean NOT NULL DEFAULT false,
  attachments integer NOT NULL,
  message_id text,
  tags text[] NOT NULL DEFAULT '{}',
  -- What its octets are filed under: they are there before it has a number of its own.
  body bigint NOT NULL,
  -- Which deletion took it; NULL while it is there.
  deletion bigint
);
CREATE INDEX messages_inbox ON store.messages (inbox, id) WHERE deletion IS NULL;
CREATE INDEX messages_kind ON store.messages (is_session, id) WHERE deletion IS NULL;
CREATE INDEX messages_received ON store.messages (received_at);
-- Who goes first when there is too much.
CREATE INDEX messages_deletion ON store.messages (deletion, id);
CREATE INDEX messages_message_id ON store.messages (message_id) WHERE message_id IS NOT NULL;
CREATE INDEX messages_tags ON store.messages USING gin (tags) WHERE tags <> '{}';
CREATE TABLE store.message_facts (
  id bigint PRIMARY KEY,
  -- Envelope, session and summary, as JSON; text, for JSON of PostgreSQL knows no NUL.
  facts text NOT NULL,
  transcript text NOT NULL,
  -- The fields of the header in small letters, as they are looked for.
  header_names text[] NOT NULL,
  header_values text[] NOT NULL
);
CREATE TABLE store.message_words (
  id bigint PRIMARY KEY,
  -- Each word behind the letter of its field; NULL where there are too many for it.
  words tsvector,
  -- The words of each field in order, between blanks: what has to stand together is looked for here.
  texts text[] COLLATE "C" NOT NULL
);
CREATE INDEX message_words_words ON store.message_words USING gin (words);
CREATE INDEX message_words_many ON store.message_words (id) WHERE words IS NULL;
CREATE TABLE store.message_octets (
  body bigint NOT NULL,
  number integer NOT NULL,
  octets bytea NOT NULL,
  PRIMARY KEY (body, number)
);
-- Mail hardly gets smaller, and a piece is read as a whole.
ALTER TABLE store.message_octets ALTER COLUMN octets SET STORAGE EXTERNAL;
CREATE TABLE store.deletions (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, deleted_at double precision NOT NULL);
CREATE TABLE store.settings (key text COLLATE "C" PRIMARY KEY, value text NOT NULL);
-- What is kept, with what can still come back: the limits are about this.
CREATE TABLE store.kept (messages bigint NOT NULL, bytes bigint NOT NULL);
INSERT INTO store.kept VALUES (0, 0)`,
];
