/** What goes wrong with a store, and the list of its stable codes. */

/** The `code` of each error of this package, and what it means. */
export const STORE_ERROR_CODES = {
  STORE_BAD_OPTION: 'An option, a query or a cursor has a value that cannot work; the message says which.',
  STORE_CLOSED: 'The store was closed before it was asked.',
  STORE_CORRUPT: 'A file of the store is damaged, is missing, or is no store at all.',
  STORE_DISK_FULL: 'There is no room on the disk; nothing of the message was kept.',
  STORE_FAILED: 'The store broke and can do nothing more; `cause` is why. Open it again.',
  STORE_LOCKED: 'Another process has the store open.',
  STORE_NEWER: 'The store was written by a later version of this package.',
  STORE_NO_DRIVER:
    'There is no driver: this Node has no SQLite and @photostructure/sqlite is not installed, or pg is not.',
  STORE_NOT_FOUND: 'The message is not in the store, or not any more.',
  STORE_TOO_LARGE: 'The message alone is larger than all that the store may keep.',
  STORE_UNREACHABLE: 'The database server cannot be reached, or went away; later calls find it when it is back.',
  STORE_UNREADABLE: 'The disk or the database refused; `cause` is what it said.',
} as const;

/** One of the stable error codes. */
export type StoreErrorCode = keyof typeof STORE_ERROR_CODES;

/**
 * What every promise of a store rejects with.
 *
 * @example
 * ```ts
 * import { openSQLiteStore, StoreError } from 'smtpd-store';
 * try {
 *   await openSQLiteStore({ folder: '' });
 * } catch (error) {
 *   if (error instanceof StoreError) console.log(error.code); // STORE_BAD_OPTION
 * }
 * ```
 */
export class StoreError extends Error {
  override readonly name = 'StoreError';
  readonly code: StoreErrorCode;

  constructor(code: StoreErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** The end of every `switch` over a union: the compiler proves that it cannot be reached. */
export function assertNever(value: never): never {
  throw new Error(`Unexpected value: ${JSON.stringify(value)}`);
}
