/** What a store is opened with, completed and checked once. */

import { systemClock, type StoreClock } from '../clock.js';
import { StoreError } from '../errors.js';
import { checkAtLeast, completeLimits, MEMORY_BYTES_MAX, type StoreLimits } from '../limits.js';

/** What {@link openSQLiteStore} is given. Everything has a default. */
export interface SQLiteStoreOptions {
  /**
   * Where the store is kept; made where it is missing. A message that was added is then on the disk. Default: a temporary folder
   * that is gone when the store is closed.
   */
  readonly folder?: string;
  /** How much is kept. Default: 10,000 messages, 1 GiB, 7 days; with a `folder` of no age. */
  readonly limits?: Partial<StoreLimits>;
  /** How long what was deleted can come back. Default: 10 minutes. */
  readonly undoMs?: number;
  /** How many octets of messages may wait to be written; who adds more waits. Default: 64 MiB, at least 128 KiB. */
  readonly queuedBytesMax?: number;
  /**
   * A module that sums up messages which are added without a `summary`: its `summarize` is called in the thread that writes, so that who adds
   * them need not wait for it. Default: each message has to have one.
   */
  readonly summarizer?: URL;
  /** Default: the clock of this machine. */
  readonly clock?: StoreClock;
}

/** The same, complete. */
export interface SQLiteSettings {
  readonly folder: string | undefined;
  readonly limits: StoreLimits;
  readonly undoMs: number;
  readonly queuedBytesMax: number;
  readonly summarizer: URL | undefined;
  readonly clock: StoreClock;
}

/** @throws {@link StoreError} when a value cannot work */
export function completeOptions({
  folder,
  limits,
  undoMs,
  queuedBytesMax,
  summarizer,
  clock,
}: SQLiteStoreOptions): SQLiteSettings {
  if (folder === '') throw new StoreError('STORE_BAD_OPTION', 'folder is the path of a folder, not ""');
  const settings: SQLiteSettings = {
    folder,
    limits: completeLimits(limits, folder === undefined ? 7 * 24 * 60 * 60_000 : Infinity),
    undoMs: undoMs ?? 10 * 60_000,
    queuedBytesMax: queuedBytesMax ?? 67_108_864,
    summarizer,
    clock: clock ?? systemClock,
  };
  checkAtLeast('undoMs', settings.undoMs, 0);
  checkAtLeast('queuedBytesMax', settings.queuedBytesMax, MEMORY_BYTES_MAX);
  return Object.freeze(settings);
}
