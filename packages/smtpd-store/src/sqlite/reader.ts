/**
 * The thread that looks. In a write-ahead log who reads delays nobody who writes, so that no message waits for somebody's search; what was
 * acknowledged before a question is in its answer.
 */

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

function listen(port: MessagePort, connection: Connection): void {
  const reader = new MessageReader(connection);
  port.on('message', (asked: NumberedRequest<keyof ReadOperations> | CloseRequest) => {
    if (asked.name === 'close') {
      connection.close();
      port.close();
      return;
    }
    port.postMessage({ kind: 'answers', answers: [answer(reader, asked)] } satisfies WorkerMessage);
  });
}

function answer(reader: MessageReader, asked: NumberedRequest<keyof ReadOperations>): Answer {
  try {
    return { number: asked.number, value: reader.answer(asked) };
  } catch (error) {
    return { number: asked.number, fault: faultOf(error) };
  }
}

async function run(port: MessagePort, { databasePath }: ReaderSettings): Promise<void> {
  let connection: Connection | undefined;
  try {
    connection = (await findDriver())(databasePath);
    prepareReading(connection);
    listen(port, connection);
    port.postMessage({ kind: 'ready' } satisfies WorkerMessage);
  } catch (error) {
    connection?.close();
    port.postMessage({ kind: 'unusable', fault: faultOf(error) } satisfies WorkerMessage);
    port.close();
  }
}

if (parentPort !== null) await run(parentPort, workerData as ReaderSettings);
