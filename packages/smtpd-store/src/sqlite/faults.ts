/** What SQLite says → what a caller can do about it. */

import { StoreError } from '../errors.js';
import { DISK_FULL, UNREADABLE } from '../file-error.js';
import type { Fault } from './requests.js';

/** An error as it crosses from the thread. */
export function faultOf(error: unknown): Fault {
  if (error instanceof StoreError) return { code: error.code, message: error.message, cause: error.cause };
  const code = resultCode(error);
  const known = FAULTS[code] ?? FAULTS[code & 0xff];
  if (known !== undefined) return { ...known, cause: error };
  return {
    code: 'STORE_FAILED',
    message: 'The database could not do what it was asked; the cause says why',
    cause: error,
  };
}

/** The same error on the other side. */
export function errorOf({ code, message, cause }: Fault): StoreError {
  return new StoreError(code, message, { cause });
}

/** The result code (sqlite.org/rescode.html); an extended one has the primary one in its low octet. */
function resultCode(error: unknown): number {
  const { errcode } = error as { errcode?: unknown };
  return typeof errcode === 'number' ? errcode : -1;
}

const LOCKED: Omit<Fault, 'cause'> = {
  code: 'STORE_LOCKED',
  message: 'Another process has this store open: close it, or give this one a folder of its own',
};
const CORRUPT: Omit<Fault, 'cause'> = {
  code: 'STORE_CORRUPT',
  message: 'The database of this store is damaged, or is no database: move its folder away, or bring back a copy of it',
};

const FAULTS: Readonly<Record<number, Omit<Fault, 'cause'>>> = {
  /* SQLITE_PERM */ 3: UNREADABLE,
  /* SQLITE_BUSY */ 5: LOCKED,
  /* SQLITE_LOCKED */ 6: LOCKED,
  /* SQLITE_READONLY */ 8: UNREADABLE,
  /* SQLITE_IOERR */ 10: UNREADABLE,
  /* SQLITE_CORRUPT */ 11: CORRUPT,
  /* SQLITE_FULL */ 13: DISK_FULL,
  /* SQLITE_CANTOPEN */ 14: UNREADABLE,
  /* SQLITE_NOTADB */ 26: CORRUPT,
  /* SQLITE_IOERR_SHMSIZE: the file beside the log could not be made longer */ 4874: DISK_FULL,
};
