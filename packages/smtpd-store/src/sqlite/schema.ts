/**
 * The tables. A row of `messages` is what is looked at to decide whether a message is in a list, and short, so that looking through all
 * of them is quick; facts, octets, transcript and words stand apart.
 */

import { StoreError } from '../errors.js';
import type { Connection } from './driver.js';

/** Whether a database has nothing yet. @throws {@link StoreError} when it is another program's */
export function isNewDatabase(connection: Connection): boolean {
  if (schemaVersion(connection) > 0) return false;
  if (connection.prepare('SELECT 1 FROM sqlite_schema LIMIT 1').get() === undefined) return true;
  throw new StoreError(
    'STORE_CORRUPT',
    'Its database is not of this package, and is left as it is: give the store a folder of its own',
  );
}

/** Makes a connection ready to write: as durable as asked for, with the tables of this version. */
export function prepareSchema(connection: Connection, isDurable: boolean): void {
  // In the write-ahead log a commit is one append and one fsync; with FULL it is made before the commit returns.
  connection.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = ${isDurable ? 'FULL' : 'OFF'}`);
  connection.exec(`PRAGMA busy_timeout = ${OTHER_MS_MAX}; PRAGMA cache_size = -${CACHE_KIB}`);
  const version = schemaVersion(connection);
  if (version > SCHEMA_VERSION) {
    throw new StoreError(
      'STORE_NEWER',
      `The store has version ${version} of its tables, and this smtpd-store knows ${SCHEMA_VERSION}: use a later one`,
    );
  }
  connection.exec('BEGIN IMMEDIATE');
  for (const change of CHANGES.slice(version)) connection.exec(change);
  connection.exec(`PRAGMA user_version = ${SCHEMA_VERSION}; COMMIT`);
}

function schemaVersion(connection: Connection): number {
  return Number(connection.prepare('PRAGMA user_version').get()?.['user_version']);
}

/** Makes a connection ready to read what another one writes. */
export function prepareReading(connection: Connection): void {
  connection.exec(`PRAGMA query_only = ON; PRAGMA busy_timeout = ${OTHER_MS_MAX}; PRAGMA cache_size = -${CACHE_KIB}`);
}

/** How long one of our two connections waits for the other, which never takes long. */
const OTHER_MS_MAX = 10_000;
const CACHE_KIB = 16_384;

/** What leads from each version of the tables to the next. A new store takes the same way as an old one; what was released stays. */
const CHANGES: readonly string[] = [
  `
CREATE TABLE messages (
  -- Never given twice: places in a list and undo depend on it.
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  inbox TEXT NOT NULL,
  received_at INTEGER NOT NULL,
  size_bytes INTEGER NOT NULL,
  is_read INTEGER NOT NULL DEFAULT 0,
  attachments INTEGER NOT NULL,
  message_id TEXT,
  -- Envelope, session and summary, as JSON.
  facts TEXT NOT NULL,
  -- The file with the octets; without one they are in message_octets.
  file_name TEXT,
  -- Which deletion took it; NULL while it is there.
  deletion INTEGER
);
CREATE INDEX messages_inbox ON messages (inbox, id) WHERE deletion IS NULL;
CREATE INDEX messages_received ON messages (received_at);
CREATE INDEX messages_deletion ON messages (deletion, id) WHERE deletion IS NOT NULL;
CREATE INDEX messages_message_id ON messages (message_id) WHERE message_id IS NOT NULL;
CREATE INDEX messages_file ON messages (file_name) WHERE file_name IS NOT NULL;
CREATE TABLE message_octets (id INTEGER PRIMARY KEY, octets BLOB NOT NULL);
CREATE TABLE message_transcripts (id INTEGER PRIMARY KEY, lines TEXT NOT NULL);
CREATE TABLE message_tags (id INTEGER NOT NULL, tag TEXT NOT NULL, PRIMARY KEY (id, tag)) WITHOUT ROWID;
CREATE INDEX message_tags_tag ON message_tags (tag, id);
CREATE VIRTUAL TABLE message_words USING fts5(
  subject, sender, recipient, copied, body, filename, headers,
  content='', contentless_delete=1, tokenize='unicode61 remove_diacritics 2'
);
CREATE TABLE deletions (id INTEGER PRIMARY KEY AUTOINCREMENT, deleted_at INTEGER NOT NULL);
-- What is there, inbox by inbox; one without messages has no row.
CREATE TABLE counters (
  inbox TEXT PRIMARY KEY,
  messages INTEGER NOT NULL,
  unread INTEGER NOT NULL,
  bytes INTEGER NOT NULL
) WITHOUT ROWID;
-- What is kept, with what can still come back: the limits are about this.
CREATE TABLE kept (messages INTEGER NOT NULL, bytes INTEGER NOT NULL);
INSERT INTO kept VALUES (0, 0)`,
  `
-- A session that ended without a message is a row as well.
ALTER TABLE messages ADD COLUMN is_session INTEGER NOT NULL DEFAULT 0;
CREATE INDEX messages_kind ON messages (is_session, id) WHERE deletion IS NULL;
-- Whoever looks through all messages need not pass what they say.
CREATE TABLE message_facts (id INTEGER PRIMARY KEY, facts TEXT NOT NULL);
INSERT INTO message_facts SELECT id, facts FROM messages;
ALTER TABLE messages DROP COLUMN facts;
-- Values in JSON.
CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID`,
  `
-- What was said behind a message, when that had been kept: nearly each has some, and to write the rest anew would cost more than these.
CREATE TABLE message_transcript_ends (id INTEGER PRIMARY KEY, lines TEXT NOT NULL)`,
];

const SCHEMA_VERSION = CHANGES.length;
