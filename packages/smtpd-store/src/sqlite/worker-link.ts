/** This side of the thread: numbered requests out, answers in. When the thread dies, whoever waits is told, and whoever comes later. */

import { Worker } from 'node:worker_threads';

import { StoreError } from '../errors.js';
import { PACKAGE_FOLDER } from '../package-folder.js';
import { errorOf } from './faults.js';
import type {
  Answer,
  CloseRequest,
  OperationName,
  Operations,
  ReaderSettings,
  WorkerMessage,
  WriterSettings,
} from './requests.js';

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: StoreError) => void;
}

/** Which thread, and what it is told at its start. */
export type ThreadStart =
  | { readonly file: 'worker.js'; readonly settings: WriterSettings }
  | { readonly file: 'reader.js'; readonly settings: ReaderSettings };

/** A thread with a database, and what it can be asked. */
export class WorkerLink<Names extends OperationName> {
  readonly #worker: Worker;
  /** Who waits, by the numbers of their requests. A number is given again, so that the list is as long as the most that ever waited. */
  readonly #waiting: (Waiting | undefined)[] = [];
  readonly #freeNumbers: number[] = [];
  #waitingCount = 0;
  readonly #exited: Promise<void>;
  /** What was asked in this turn of the event loop. */
  #asked: { readonly number: number }[] = [];
  #failure: StoreError | undefined;
  #isClosed = false;

  private constructor(worker: Worker, onFailure: (error: StoreError) => void) {
    this.#worker = worker;
    worker.on('message', (message: WorkerMessage) => {
      if (message.kind === 'answers') for (const answer of message.answers) this.#settle(answer);
      else if (message.kind === 'unusable') this.fail(errorOf(message.fault));
    });
    // Its error comes before its end.
    const died = (cause: unknown): void => {
      const failure = new StoreError('STORE_FAILED', 'The thread of this store died: open the store again', { cause });
      this.fail(failure);
      onFailure(failure);
    };
    worker.on('error', died);
    this.#exited = new Promise((resolve) => {
      worker.on('exit', (code) => {
        if (!this.#isClosed) died(new Error(`The thread ended with code ${code}`));
        resolve();
      });
    });
  }

  /** Starts a thread. @returns when its database is open; rejects when it cannot be opened, and the thread is over */
  static async open<Names extends OperationName>(
    { file, settings }: ThreadStart,
    onFailure: (error: StoreError) => void,
  ): Promise<WorkerLink<Names>> {
    const worker = new Worker(new URL(`dist/sqlite/${file}`, PACKAGE_FOLDER), {
      workerData: settings,
      name: 'smtpd-store',
      // What the process was started with, such as a program on its command line, is not for its threads.
      execArgv: [],
    });
    await new Promise<void>((resolve, reject) => {
      let failure: Error | undefined;
      worker.once('message', (message: WorkerMessage) => {
        if (message.kind === 'unusable') failure = errorOf(message.fault);
        else resolve();
      });
      worker.once('error', (error) => {
        failure = error;
      });
      // Not before: until then it can have files open, and whoever hears that there is no store may go on to remove its folder.
      worker.once('exit', () => {
        reject(failure ?? new StoreError('STORE_FAILED', 'The thread of this store ended before it was open'));
      });
    });
    worker.unref();
    return new WorkerLink(worker, onFailure);
  }

  request<Name extends Names>(name: Name, request: Operations[Name]['request']): Promise<Operations[Name]['answer']> {
    return this.#send({ name, request }) as Promise<Operations[Name]['answer']>;
  }

  /** Lets the thread finish what it has, and waits for its end. */
  async close(): Promise<void> {
    const failure = this.#failure;
    this.#isClosed = true;
    // A program whose last line this is stays until the thread is over.
    this.#worker.ref();
    this.#hand();
    this.#worker.postMessage([{ name: 'close' }] satisfies CloseRequest[]);
    await this.#exited;
    if (failure === undefined && this.#failure !== undefined) throw this.#failure;
  }

  /** From now on nothing is asked any more; who waits hears why. */
  fail(failure: StoreError): void {
    this.#failure ??= failure;
    for (const waiting of this.#waiting.splice(0)) waiting?.reject(this.#failure);
    this.#waitingCount = 0;
  }

  #send(message: object): Promise<unknown> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const number = this.#freeNumbers.pop() ?? this.#waiting.length;
    const answer = new Promise<unknown>((resolve, reject) => {
      this.#waiting[number] = { resolve, reject };
    });
    this.#waitingCount += 1;
    // A process stays for an answer that it waits for, not for a store that it left open.
    if (this.#waitingCount === 1) this.#worker.ref();
    // To wake a thread costs more than most of what it is asked: what is asked in one turn goes in one message.
    if (this.#asked.push({ number, ...message }) === 1) setImmediate(() => this.#hand());
    return answer;
  }

  #hand(): void {
    const asked = this.#asked;
    this.#asked = [];
    if (asked.length === 0 || this.#failure !== undefined) return;
    try {
      this.#worker.postMessage(asked);
    } catch (error) {
      if (asked.length > 1) {
        // One of them is at fault, and the others are not.
        for (const each of asked) {
          this.#asked = [each];
          this.#hand();
        }
        return;
      }
      // A caller without types handed us something that is no data.
      const [first] = asked;
      const fault = new StoreError('STORE_BAD_OPTION', 'What a store is handed is data', { cause: error });
      if (first !== undefined) this.#take(first.number)?.reject(fault);
    }
  }

  #settle(answer: Answer): void {
    const waiting = this.#take(answer.number);
    if ('fault' in answer) waiting?.reject(errorOf(answer.fault));
    else waiting?.resolve(answer.value);
  }

  /** Who waits for an answer, once. */
  #take(number: number): Waiting | undefined {
    const waiting = this.#waiting[number];
    if (waiting === undefined) return undefined;
    this.#waiting[number] = undefined;
    this.#freeNumbers.push(number);
    this.#waitingCount -= 1;
    if (this.#waitingCount === 0 && !this.#isClosed) this.#worker.unref();
    return waiting;
  }
}
