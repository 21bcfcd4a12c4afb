/** Which store could not be opened: a program may have several, and a path may have come from elsewhere. */

import { StoreError, type StoreErrorCode } from './errors.js';

/** The same error, whose message begins with where the store is. What is wrong with an option or a driver is wrong wherever it is. */
export function openingError(error: unknown, place: string): unknown {
  if (!(error instanceof StoreError) || ANYWHERE.includes(error.code)) return error;
  const message = `The store in ${place} cannot be opened. ${error.message}`;
  return new StoreError(error.code, message, { cause: error.cause });
}

const ANYWHERE: readonly StoreErrorCode[] = ['STORE_BAD_OPTION', 'STORE_NO_DRIVER'];
