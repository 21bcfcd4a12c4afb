/**
 * Reads mail in threads. A mail can be made to take long; the thread that has it is ended when its time is up, and another one takes its
 * place. Whoever asked gets an answer in any case: what could be said, and why there is no more.
 */

import { Worker } from 'node:worker_threads';

import { PACKAGE_FOLDER } from '../package-folder.js';
import type { JobAnswer, JobInput, JobName, JobResult } from './jobs.js';
import { readHeaderOnly, type MailSummary, type PartContent, type ReadMail } from './read-mail.js';
import type { WorkerAnswer, WorkerRequest } from './worker-messages.js';

/** Settings of a reader. */
export interface MailReaderOptions {
  /** Mails that are read at the same time. Default: 1. */
  readonly threads?: number;
  /** How long one job may take, in milliseconds. Default: 10,000. */
  readonly timeoutMs?: number;
  /** Octets that may wait to be read; what comes when they are used up is answered at once, by its header alone. Default: 256 MiB. */
  readonly queuedBytesMax?: number;
  /** Memory that a thread may use, in MiB. Default: 512. */
  readonly memoryMiBMax?: number;
}

/**
 * Reads mail in threads of its own.
 *
 * ```ts
 * await using reader = new MailReader();
 * const mail = await reader.read(Buffer.from('Subject: Welcome\r\n\r\nYour code is 123456\r\n'));
 * console.log(mail.summary.subject, mail.codes[0]?.code); // Welcome 123456
 * ```
 */
export class MailReader implements AsyncDisposable {
  readonly #options: Required<MailReaderOptions>;
  readonly #threads: ReaderThread[] = [];
  readonly #waiting: Task[] = [];
  #waitingBytes = 0;
  #willAssign = false;
  #isClosed = false;

  constructor(options: MailReaderOptions = {}) {
    this.#options = { ...DEFAULTS, ...options };
  }

  /** Reads a mail. It never rejects on account of one: what went wrong is in `faults`. */
  async read(raw: Uint8Array): Promise<ReadMail> {
    const result = await this.run('read', raw);
    if (result.kind === 'done') return result.answer;
    return result.partial ?? readHeaderOnly(raw, result.fault);
  }

  /** What is kept with a mail: the `summary` that `read` gives, at less cost. Short mails that wait together are handed over together. */
  async summarize(raw: Uint8Array): Promise<MailSummary> {
    const result = await this.run('summarize', raw);
    if (result.kind === 'done') return result.answer;
    return result.partial ?? readHeaderOnly(raw, result.fault).summary;
  }

  /**
   * The decoded octets of a part.
   *
   * @param number as in `parts`, such as `1.2`
   * @returns `undefined` when there is no such part, or when it could not be read
   */
  async part(raw: Uint8Array, number: string): Promise<PartContent | undefined> {
    const result = await this.run('part', raw, number);
    return result.kind === 'done' ? result.answer : undefined;
  }

  /** Does a job of the table in jobs.ts, with the same limits. */
  run<Name extends JobName>(job: Name, ...input: JobInput<Name>): Promise<JobResult<Name>> {
    if (this.#isClosed) return Promise.resolve({ kind: 'failed', fault: 'The reader is closed.' });
    const bytes = bytesOf(input);
    // One that is alone is read however large it is.
    if (this.#waiting.length > 0 && this.#waitingBytes + bytes > this.#options.queuedBytesMax) {
      return Promise.resolve({ kind: 'failed', fault: 'Too much mail waits to be read: this one was not.' });
    }
    return new Promise((resolve) => {
      this.#waitingBytes += bytes;
      this.#waiting.push({ job, input, bytes, isShareable: true, settle: resolve as Task['settle'] });
      if (job === 'summarize') this.#assignSoon();
      else this.#assign();
    });
  }

  /** Ends the threads. What waits is answered: it was not read. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const task of this.#waiting.splice(0)) task.settle({ kind: 'failed', fault: 'The reader was closed.' });
    await Promise.all(this.#threads.splice(0).map((thread) => thread.end('The reader was closed.')));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** What comes in one turn of the event loop is handed over together. */
  #assignSoon(): void {
    if (this.#willAssign) return;
    this.#willAssign = true;
    setImmediate(() => {
      this.#willAssign = false;
      this.#assign();
    });
  }

  #assign(): void {
    while (this.#waiting.length > 0) {
      const thread = this.#threads.find(({ isIdle }) => isIdle) ?? this.#addThread();
      if (thread === undefined) return;
      const tasks = this.#takeTogether();
      const [task] = tasks;
      if (task === undefined) return;
      thread.start(tasks.length === 1 ? task : this.#joined(tasks));
    }
  }

  /** The first that waits, and with it what may share its way to the thread: handing over costs more than reading a short mail. */
  #takeTogether(): Task[] {
    let bytes = 0;
    let count = 0;
    for (const task of this.#waiting) {
      bytes += task.bytes;
      if (count > 0 && (!isShared(task) || bytes > SHARED_BYTES_MAX || count === SHARED_MAILS_MAX)) break;
      count += 1;
      if (!isShared(task)) break;
    }
    const tasks = this.#waiting.splice(0, count);
    for (const task of tasks) this.#waitingBytes -= task.bytes;
    return tasks;
  }

  /** Several mails as one job. When it comes to no end they are read one by one, so that nobody pays for a neighbour. */
  #joined(tasks: readonly Task[]): Task {
    const mails = tasks.map(({ input: [raw] }) => raw as Uint8Array);
    return {
      job: 'summarizeAll',
      input: [Buffer.concat(mails), mails.map(({ length }) => length)],
      bytes: 0,
      isShareable: false,
      settle: (result) => {
        if (result.kind === 'done') {
          const summaries = result.answer as readonly MailSummary[];
          for (const [index, answer] of summaries.entries()) tasks[index]?.settle({ kind: 'done', answer });
        } else if (this.#isClosed) {
          for (const task of tasks) task.settle(result);
        } else {
          for (const task of tasks) this.#waitingBytes += task.bytes;
          this.#waiting.unshift(...tasks.map((task) => ({ ...task, isShareable: false })));
        }
      },
    };
  }

  /** Threads are started when there is something to do for them. */
  #addThread(): ReaderThread | undefined {
    if (this.#isClosed || this.#threads.length >= this.#options.threads) return undefined;
    const thread = new ReaderThread(this.#options, {
      idle: () => this.#assign(),
      gone: () => {
        const index = this.#threads.indexOf(thread);
        if (index >= 0) this.#threads.splice(index, 1);
        this.#assign();
      },
    });
    this.#threads.push(thread);
    return thread;
  }
}

interface Task {
  readonly job: JobName;
  readonly input: readonly unknown[];
  readonly bytes: number;
  /** Whether it may be handed over with others of its kind. */
  readonly isShareable: boolean;
  readonly settle: (result: JobResult<JobName>) => void;
}

interface ThreadOwner {
  /** It can take the next job. */
  readonly idle: () => void;
  /** It takes no more. */
  readonly gone: () => void;
}

/** A thread, and the job that it has. */
class ReaderThread {
  readonly #worker: Worker;
  readonly #owner: ThreadOwner;
  readonly #timeoutMs: number;
  #task: Task | undefined;
  #partial: unknown;
  #timer: NodeJS.Timeout | undefined;
  #ending: Promise<unknown> | undefined;

  constructor(options: Required<MailReaderOptions>, owner: ThreadOwner) {
    this.#owner = owner;
    this.#timeoutMs = options.timeoutMs;
    this.#worker = new Worker(new URL('dist/mail/worker.js', PACKAGE_FOLDER), {
      name: 'smtpd-inbox-mail',
      // What the process was started with, such as a program on its command line, is not for its threads.
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: options.memoryMiBMax },
    });
    this.#worker.unref();
    this.#worker.on('message', (message: WorkerAnswer) => this.#take(message));
    // A thread that has no memory left ends with an error; so does one whose code cannot be loaded.
    this.#worker.on('error', (error) => void this.end(`The message could not be read: ${error.message}`));
    this.#worker.on('exit', () => void this.end('The message could not be read: its thread ended.'));
  }

  get isIdle(): boolean {
    return this.#task === undefined && this.#ending === undefined;
  }

  start(task: Task): void {
    this.#task = task;
    this.#partial = undefined;
    // A process stays for an answer that it waits for, not for a reader that it left open.
    this.#worker.ref();
    this.#timer = setTimeout(() => void this.end(`Reading took more than ${this.#timeoutMs} ms.`), this.#timeoutMs);
    try {
      // One copy, which is the thread's from then on. A view posted as it is would take its whole pool along.
      const input = task.input.map((value) => (value instanceof Uint8Array ? new Uint8Array(value) : value));
      const transfers = input.filter((value) => value instanceof Uint8Array).map(({ buffer }) => buffer as ArrayBuffer);
      this.#worker.postMessage({ job: task.job, input } satisfies WorkerRequest, transfers);
    } catch (error) {
      // A caller without types handed us something that is no data.
      this.#settle({ kind: 'failed', fault: `The message could not be handed over: ${String(error)}` });
    }
  }

  /** Ends the thread. What it was doing is answered with what it said so far. */
  async end(fault: string): Promise<void> {
    if (this.#ending === undefined) {
      this.#ending = this.#worker.terminate();
      this.#answer(this.#failed(fault));
      this.#owner.gone();
    }
    await this.#ending;
  }

  #take(message: WorkerAnswer): void {
    switch (message.kind) {
      case 'partial':
        this.#partial = message.answer;
        return;
      case 'done':
        this.#settle({ kind: 'done', answer: message.answer as JobAnswer<JobName> });
        return;
      case 'failed':
        this.#settle(this.#failed(`The message could not be read: ${message.fault}`));
        return;
      default:
        message satisfies never;
    }
  }

  #failed(fault: string): JobResult<JobName> {
    return this.#partial === undefined
      ? { kind: 'failed', fault }
      : { kind: 'failed', fault, partial: this.#partial as JobAnswer<JobName> };
  }

  #settle(result: JobResult<JobName>): void {
    this.#answer(result);
    this.#worker.unref();
    this.#owner.idle();
  }

  #answer(result: JobResult<JobName>): void {
    clearTimeout(this.#timer);
    const task = this.#task;
    this.#task = undefined;
    this.#partial = undefined;
    task?.settle(result);
  }
}

function isShared({ job, input: [raw], bytes, isShareable }: Task): boolean {
  return isShareable && job === 'summarize' && raw instanceof Uint8Array && bytes <= SHARED_MAIL_BYTES_MAX;
}

function bytesOf(input: readonly unknown[]): number {
  return input.reduce<number>((sum, value) => {
    if (value instanceof Uint8Array) return sum + value.byteLength;
    return sum + (typeof value === 'string' ? value.length * 2 : 0);
  }, 0);
}

/** What is handed over together: short mails, and not so many that the first waits long for the last. */
const SHARED_MAIL_BYTES_MAX = 32_768;
const SHARED_BYTES_MAX = 262_144;
const SHARED_MAILS_MAX = 32;
const DEFAULTS: Required<MailReaderOptions> = {
  threads: 1,
  timeoutMs: 10_000,
  queuedBytesMax: 268_435_456,
  memoryMiBMax: 512,
};
