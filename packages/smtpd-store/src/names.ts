/** Inboxes, tags and settings have names, which every engine must be able to hold as they are. */

import { StoreError } from './errors.js';

/** @throws {@link StoreError} when a database would not give back the same name */
export function checkName(what: 'inbox' | 'tag' | 'key', name: string): void {
  // A NUL ends a text in SQLite's interface and cannot be in one of PostgreSQL; half a pair of UTF-16 is nothing in UTF-8.
  if (/\0|\p{Cs}/u.test(name)) {
    throw new StoreError('STORE_BAD_OPTION', `The ${what} is text without NUL, not ${JSON.stringify(name)}`);
  }
}
