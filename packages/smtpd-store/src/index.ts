/** The public names of `smtpd-store`. */

export type { StoreClock } from './clock.js';
export { STORE_ERROR_CODES, StoreError, type StoreErrorCode } from './errors.js';
export type { StoreLimits } from './limits.js';
export type {
  Awaitable,
  ClientCertificateFacts,
  Envelope,
  MessageKind,
  MessageSummary,
  NewMessage,
  NewSummary,
  NewTranscript,
  SessionFacts,
  StoredMessage,
  Summarizer,
  TLSFacts,
  TranscriptLine,
} from './message.js';
export type { MessageQuery, TextField } from './query.js';
export { openPostgresStore } from './postgres/postgres-store.js';
export type { PostgresStoreOptions } from './postgres/postgres-options.js';
export { openSQLiteStore } from './sqlite/sqlite-store.js';
export type { SQLiteStoreOptions } from './sqlite/sqlite-options.js';
export type {
  ChangesOptions,
  Counts,
  Deletion,
  ListOptions,
  MailStore,
  Page,
  StoreChange,
  StoreCounts,
} from './store.js';
