/** What goes wrong with files, whatever engine uses them. */

import { StoreError } from './errors.js';

/** An error of the file system, in our words. */
export function fileError(error: unknown): unknown {
  if (error instanceof StoreError || !(error instanceof Error) || !('syscall' in error)) return error;
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new StoreError(DISK_FULL.code, DISK_FULL.message, { cause: error });
  return new StoreError(UNREADABLE.code, UNREADABLE.message, { cause: error });
}

export const DISK_FULL = {
  code: 'STORE_DISK_FULL',
  message: 'There is no room on the disk of this store: make room, or lower its limits',
} as const;
export const UNREADABLE = {
  code: 'STORE_UNREADABLE',
  message: 'The files of this store cannot be read or written: look at the permissions of its folder, and at the disk',
} as const;
