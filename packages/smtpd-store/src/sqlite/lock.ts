/**
 * One process has a store: two would prune and sweep each other's mail. The system lets a lock go when its process ends, however it
 * ends, and SQLite knows how each system locks.
 */

import type { Connection, OpenConnection } from './driver.js';

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
