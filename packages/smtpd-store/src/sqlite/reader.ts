/**
 * The thread that looks. In a write-ahead log who reads delays nobody who writes, so that no message waits for somebody's search; what was
 * acknowledged before a question is in its answer.
 */

import { statSync } from 'node:fs';
import { parentPort, workerData, type MessagePort } from 'node:worker_threads';

import { findDriver, type Connection } from './driver.js';
import { faultOf } from './faults.js';
import { MessageReader } from './message-reader.js';
import type {
  Answer,
  CloseRequest,
  NumberedRequest,
  ReaderSettings,
  ReadOperations,
  WorkerMessage,
} from './requests.js';
import { prepareReading } from './schema.js';

function listen(port: MessagePort, connection: Connection, { databasePath }: ReaderSettings): void {
  const reader = new MessageReader(connection);
  port.on('message', (all: readonly (NumberedRequest<keyof ReadOperations> | CloseRequest)[]) => {
    for (const asked of all) {
      if (asked.name === 'close') {
        connection.close();
        port.close();
        return;
      }
      shortenLog(connection, `${databasePath}-wal`);
      // Each by itself: a quick one does not wait for a slow one behind it.
      port.postMessage({ kind: 'answers', answers: [answer(reader, asked)] } satisfies WorkerMessage);
    }
  });
}

/**
 * The log begins anew when all of it is in the database and nobody reads in it. Where somebody always reads that moment never comes by
 * itself; between two answers is one.
 */
function shortenLog(connection: Connection, path: string): void {
  if (statSync(path).size <= LOG_BYTES_MAX) return;
  // First as much as can be done beside the writer, who waits for the rest. Where the writer is at it the next answer tries again.
  for (const mode of ['PASSIVE', 'TRUNCATE']) connection.prepare(`PRAGMA wal_checkpoint(${mode})`).all();
}

function answer(reader: MessageReader, asked: NumberedRequest<keyof ReadOperations>): Answer {
  try {
    return { number: asked.number, value: reader.answer(asked) };
  } catch (error) {
    return { number: asked.number, fault: faultOf(error) };
  }
}

async function run(port: MessagePort, settings: ReaderSettings): Promise<void> {
  let connection: Connection | undefined;
  try {
    connection = (await findDriver(settings.driver))(settings.databasePath);
    prepareReading(connection);
    listen(port, connection, settings);
    port.postMessage({ kind: 'ready' } satisfies WorkerMessage);
  } catch (error) {
    connection?.close();
    port.postMessage({ kind: 'unusable', fault: faultOf(error) } satisfies WorkerMessage);
    port.close();
  }
}

/** From here on the log is made short again. */
const LOG_BYTES_MAX = 67_108_864;

if (parentPort !== null) await run(parentPort, workerData as ReaderSettings);
