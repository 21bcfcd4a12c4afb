/** This side of the thread: numbered requests out, answers in. When the thread dies, whoever waits is told, and whoever comes later. */

import { Worker } from 'node:worker_threads';

import { StoreError } from '../errors.js';
import { errorOf } from './faults.js';
import type { Answer, OperationName, Operations, WorkerMessage, WorkerSettings } from './requests.js';

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: StoreError) => void;
}

/** A thread with a database. */
export class WorkerLink {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  readonly #exited: Promise<void>;
  #number = 0;
  #failure: StoreError | undefined;
  #isClosed = false;

  private constructor(worker: Worker, onFailure: () => void) {
    this.#worker = worker;
    worker.on('message', (message: WorkerMessage) => {
      if (message.kind === 'answers') for (const answer of message.answers) this.#settle(answer);
    });
    // Its error comes before its end.
    worker.on('error', (cause) => {
      this.#fail(cause);
      onFailure();
    });
    this.#exited = new Promise((resolve) => {
      worker.on('exit', (code) => {
        if (!this.#isClosed) {
          this.#fail(new Error(`The thread ended with code ${code}`));
          onFailure();
        }
        resolve();
      });
    });
  }

  /** Starts a thread. @returns when its database is open; rejects when it cannot be opened */
  static async open(settings: WorkerSettings, onFailure: () => void): Promise<WorkerLink> {
    const worker = new Worker(new URL('./worker.js', import.meta.url), { workerData: settings, name: 'smtpd-store' });
    await new Promise<void>((resolve, reject) => {
      worker.once('message', (message: WorkerMessage) => {
        if (message.kind === 'unusable') reject(errorOf(message.fault));
        else resolve();
      });
      worker.once('error', reject);
    });
    worker.removeAllListeners('error');
    worker.unref();
    return new WorkerLink(worker, onFailure);
  }

  request<Name extends OperationName>(
    name: Name,
    request: Operations[Name]['request'],
  ): Promise<Operations[Name]['answer']> {
    return this.#send({ name, request }) as Promise<Operations[Name]['answer']>;
  }

  /** Lets the thread finish what it has, and waits for its end. */
  async close(): Promise<void> {
    if (this.#failure === undefined) {
      const closing = this.#send({ name: 'close' });
      this.#isClosed = true;
      await closing;
    }
    // A program whose last line this is stays until the thread is over.
    this.#worker.ref();
    await this.#exited;
  }

  #send(message: object): Promise<unknown> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const number = (this.#number += 1);
    try {
      this.#worker.postMessage({ number, ...message });
    } catch (error) {
      // A caller without types handed us something that is no data.
      return Promise.reject(new StoreError('STORE_BAD_OPTION', 'What a store is handed is data', { cause: error }));
    }
    const answer = new Promise<unknown>((resolve, reject) => {
      this.#waiting.set(number, { resolve, reject });
    });
    // A process stays for an answer that it waits for, not for a store that it left open.
    if (this.#waiting.size === 1) this.#worker.ref();
    return answer;
  }

  #settle(answer: Answer): void {
    const waiting = this.#waiting.get(answer.number);
    this.#waiting.delete(answer.number);
    if (this.#waiting.size === 0 && !this.#isClosed) this.#worker.unref();
    if ('fault' in answer) waiting?.reject(errorOf(answer.fault));
    else waiting?.resolve(answer.value);
  }

  #fail(cause: unknown): void {
    this.#failure ??= new StoreError('STORE_FAILED', 'The thread of this store died: open the store again', { cause });
    for (const { reject } of this.#waiting.values()) reject(this.#failure);
    this.#waiting.clear();
  }
}
