/**
 * One process has a store: two would prune and sweep each other's mail. The system lets a lock go when its process ends, however it
 * ends, and SQLite knows how each system locks.
 */

import { existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';

import type { Connection, OpenConnection } from './driver.js';

/** How the file is called that is locked. */
export const LOCK_FILE_NAME = 'store.lock';
/** How the folders of temporary stores begin. */
export const TEMPORARY_PREFIX = 'smtpd-store-';
/** How the file is called that says so of a store that it may be removed when nobody has it: a name alone can be anybody's. */
export const TEMPORARY_MARK = 'store.temporary';

/** Removes temporary stores whose process was killed: nobody has them. What cannot be removed is somebody else's. */
export function sweepTemporaryStores(open: OpenConnection, parent: string): void {
  for (const name of readdirSync(parent)) {
    if (!name.startsWith(TEMPORARY_PREFIX)) continue;
    try {
      if (!existsSync(join(parent, name, TEMPORARY_MARK))) continue;
      const path = join(parent, name, LOCK_FILE_NAME);
      // One that is just being made is not locked yet.
      if (Date.now() - statSync(path).mtimeMs < NEW_MS) continue;
      lockStore(open, path).close();
      rmSync(join(parent, name), { recursive: true, force: true });
    } catch {
      // Locked, of another user, or gone meanwhile.
    }
  }
}

/** Takes a store, until the connection is closed or the thread is over. @throws SQLite's error when somebody else has it */
export function lockStore(open: OpenConnection, path: string): Connection {
  const connection = open(path);
  try {
    connection.exec('BEGIN EXCLUSIVE');
    return connection;
  } catch (error) {
    connection.close();
    throw error;
  }
}

const NEW_MS = 60_000;
