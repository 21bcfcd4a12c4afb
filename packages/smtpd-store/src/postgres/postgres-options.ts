/** What a store in PostgreSQL is opened with, completed and checked once. */

import { systemClock, type StoreClock } from '../clock.js';
import { StoreError } from '../errors.js';
import { checkAtLeast, completeLimits, MEMORY_BYTES_MAX, type StoreLimits } from '../limits.js';

/** What {@link openPostgresStore} is given. Everything but `url` has a default. */
export interface PostgresStoreOptions {
  /** Where the database is, such as `postgres://user:password@db.example/mail`; a folder of sockets as `?host=/run/postgresql`. */
  readonly url: string;
  /** The schema of the tables, made where it is missing; each is a store of its own. Default: `smtpd_store`. */
  readonly schema?: string;
  /** How much is kept. Each process prunes by its own limits. Default: 10,000 messages, 1 GiB, of any age. */
  readonly limits?: Partial<StoreLimits>;
  /** How long what was deleted can come back. Default: 10 minutes. */
  readonly undoMs?: number;
  /** How many octets of messages may wait to be written; who adds more waits. Default: 64 MiB, at least 128 KiB. */
  readonly queuedBytesMax?: number;
  /** How many connections there are at most, beside the one that listens. Default: 10, at least 2. */
  readonly connectionsMax?: number;
  /** Default: the clock of this machine. */
  readonly clock?: StoreClock;
}

/** The same, complete. */
export type PostgresSettings = Required<Omit<PostgresStoreOptions, 'limits'>> & { readonly limits: StoreLimits };

/** @throws {@link StoreError} when a value cannot work */
export function completePostgresOptions(options: PostgresStoreOptions): PostgresSettings {
  const settings: PostgresSettings = {
    url: options.url,
    schema: options.schema ?? 'smtpd_store',
    limits: completeLimits(options.limits, Infinity),
    undoMs: options.undoMs ?? 10 * 60_000,
    queuedBytesMax: options.queuedBytesMax ?? 67_108_864,
    connectionsMax: options.connectionsMax ?? 10,
    clock: options.clock ?? systemClock,
  };
  if (!/^postgres(?:ql)?:\/\//.test(settings.url)) {
    throw new StoreError('STORE_BAD_OPTION', 'url begins with postgres:// and says where the database is');
  }
  // The name stands in SQL, and in that of the channel.
  if (!/^[a-z_][a-z0-9_]{0,39}$/.test(settings.schema)) {
    throw new StoreError('STORE_BAD_OPTION', 'schema is a name of at most 40 small letters, digits and underscores');
  }
  checkAtLeast('undoMs', settings.undoMs, 0);
  checkAtLeast('queuedBytesMax', settings.queuedBytesMax, MEMORY_BYTES_MAX);
  checkAtLeast('connectionsMax', settings.connectionsMax, 2);
  return Object.freeze(settings);
}
