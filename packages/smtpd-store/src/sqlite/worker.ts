/**
 * The thread that owns the database and writes to it; `reader.ts` is the one that looks. It takes whatever waits, does it in one transaction, and answers all when that is on the disk:
 * under load many messages share one fsync, and the thread that speaks with clients never waits for a disk.
 */

import { readdirSync, rmSync, unlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parentPort, receiveMessageOnPort, workerData, type MessagePort } from 'node:worker_threads';

import { isSpoolFileName } from '../body-spool.js';
import { StoreError } from '../errors.js';
import type { Summarizer } from '../message.js';
import { findDriver, type Connection } from './driver.js';
import { faultOf } from './faults.js';
import { MessageDatabase } from './message-database.js';
import { lockStore, sweepTemporaryStores, TEMPORARY_MARK } from './lock.js';
import type {
  Answer,
  CloseRequest,
  NumberedRequest,
  WorkerMessage,
  WriteOperations,
  WriterSettings,
} from './requests.js';
import { isNewDatabase, prepareSchema } from './schema.js';

type Request = NumberedRequest<keyof WriteOperations>;
/** What was asked in one turn. */
type Asked = readonly (Request | CloseRequest)[];

interface WriterParts {
  readonly connection: Connection;
  readonly lock: Connection;
  readonly summarizer: Summarizer | undefined;
}

/** The loop of the thread. */
class Writer {
  readonly #port: MessagePort;
  readonly #connection: Connection;
  /** Held, so that nobody else has the store: a connection that nobody refers to is closed. */
  readonly #lock: Connection;
  readonly #database: MessageDatabase;
  readonly #spoolFolder: string;

  constructor(port: MessagePort, { connection, lock, summarizer }: WriterParts, settings: WriterSettings) {
    this.#port = port;
    this.#connection = connection;
    this.#lock = lock;
    this.#database = new MessageDatabase(connection, { ...settings, summarizer });
    this.#spoolFolder = settings.spoolFolder;
  }

  /** Removes files that no row refers to: their messages were never acknowledged, or are gone. */
  sweep(): void {
    for (const name of readdirSync(this.#spoolFolder)) {
      if (isSpoolFileName(name) && !this.#database.hasFile(name)) this.#removeFile(name);
    }
  }

  listen(): void {
    this.#port.on('message', (first: Asked) => {
      const requests: Request[] = [];
      let next: Asked | undefined = first;
      while (next !== undefined) {
        for (const request of next) {
          if (request.name === 'close') {
            this.#post(this.#answers(requests));
            this.#close();
            return;
          }
          requests.push(request);
        }
        if (requests.length >= GROUP_REQUESTS_MAX) break;
        next = receiveMessageOnPort(this.#port)?.message as Asked | undefined;
      }
      this.#post(this.#answers(requests));
    });
  }

  /** One transaction for all; where it fails, one for each, so that nobody pays for a neighbour. */
  #answers(requests: readonly Request[]): Answer[] {
    try {
      const answers = this.#transaction(() =>
        requests.map((request) => ({ number: request.number, value: this.#database.answer(request) })),
      );
      for (const name of this.#database.takeFilesToRemove()) this.#removeFile(name);
      return answers;
    } catch (error) {
      const [only, ...others] = requests;
      if (only === undefined) return [];
      if (others.length === 0) return [{ number: only.number, fault: faultOf(error) }];
      return requests.flatMap((request) => this.#answers([request]));
    }
  }

  #transaction<T>(work: () => T): T {
    this.#connection.exec('BEGIN IMMEDIATE');
    try {
      const result = work();
      this.#database.finish();
      this.#connection.exec('COMMIT');
      return result;
    } catch (error) {
      this.#database.undo();
      try {
        this.#connection.exec('ROLLBACK');
      } catch {
        // A full disk and the like end a transaction by themselves.
      }
      throw error;
    }
  }

  #close(): void {
    this.#connection.close();
    this.#lock.close();
    this.#port.close();
  }

  #post(answers: readonly Answer[]): void {
    if (answers.length > 0) this.#port.postMessage({ kind: 'answers', answers } satisfies WorkerMessage);
  }

  #removeFile(name: string): void {
    try {
      unlinkSync(join(this.#spoolFolder, name));
    } catch {
      // Where a reader keeps it open (Windows), the next start sweeps it.
    }
  }
}

async function run(port: MessagePort, settings: WriterSettings): Promise<void> {
  let lock: Connection | undefined;
  let connection: Connection | undefined;
  try {
    const open = await findDriver(settings.driver);
    lock = lockStore(open, settings.lockPath);
    // What somebody keeps is no temporary store any more, even if it was left behind by one.
    if (settings.isDurable) rmSync(join(dirname(settings.lockPath), TEMPORARY_MARK), { force: true });
    connection = open(settings.databasePath);
    if (isNewDatabase(connection)) refuseOrphans(settings.spoolFolder);
    prepareSchema(connection, settings.isDurable);
    // Who reads can begin while this goes on.
    port.postMessage({ kind: 'ready' } satisfies WorkerMessage);
    const summarizer = await loadSummarizer(settings.summarizer);
    const writer = new Writer(port, { connection, lock, summarizer }, settings);
    // Nobody else has the store from here on, so a file without a row has no owner.
    writer.sweep();
    writer.listen();
    if (settings.temporaryParent !== undefined) sweepTemporaryStores(open, settings.temporaryParent);
  } catch (error) {
    connection?.close();
    lock?.close();
    port.postMessage({ kind: 'unusable', fault: faultOf(error) } satisfies WorkerMessage);
    port.close();
  }
}

/** Messages whose database is lost would be swept as nobody's. */
function refuseOrphans(spoolFolder: string): void {
  if (!readdirSync(spoolFolder).some(isSpoolFileName)) return;
  throw new StoreError(
    'STORE_CORRUPT',
    'It has files of messages and no database that says whose they are: bring back store.sqlite, or move "messages" away',
  );
}

async function loadSummarizer(url: string | undefined): Promise<Summarizer | undefined> {
  if (url === undefined) return undefined;
  const loaded = (await import(url)) as Partial<Summarizer>;
  if (typeof loaded.summarize === 'function') return loaded as Summarizer;
  throw new StoreError('STORE_BAD_OPTION', `summarizer is a module that exports a function "summarize", not ${url}`);
}

/** When so many requests share a transaction, no more are taken into it. */
const GROUP_REQUESTS_MAX = 1_000;

if (parentPort !== null) await run(parentPort, workerData as WriterSettings);
