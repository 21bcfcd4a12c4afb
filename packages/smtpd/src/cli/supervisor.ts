/**
 * `--workers N`: starts N processes that run the same command and share its addresses, starts another when one ends, and stops them all.
 * It serves nobody itself; it keeps the counts that limits across sessions are held to. What a worker does of this is `worker-link.ts`.
 */

import type { Cluster, Worker } from 'node:cluster';

import { openListener, parseListenAddress, SharedLimits } from '../index.js';
import { CommandError, EXIT, messageOf } from './command-error.js';
import { waitForStop } from './stop.js';
import { say, type Terminal } from './terminal.js';
import { isWorkerMessage, WORKER_VARIABLES, type Summary, type WorkerOrder } from './worker-messages.js';

/** What is supervised. */
export interface SupervisorOptions {
  readonly count: number;
  /** Where the workers listen, as text. */
  readonly addresses: readonly string[];
  /** Whether SIGHUP is passed on to the workers. */
  readonly reloadsTLS: boolean;
  /** Called with what the workers counted, when all have ended in good order. */
  readonly onEnd?: ((summaries: readonly Summary[]) => Promise<void>) | undefined;
}

/**
 * Serves with several processes, until SIGINT or SIGTERM. The first signal lets the workers close gracefully; a second one kills them and
 * ends this process at once, with 128 and the number of the signal.
 *
 * @returns the exit code: that of the first worker when it cannot begin, and 1 when workers end again and again
 * @throws CommandError with exit code 1 when a free port cannot be found
 */
export async function supervise(terminal: Terminal, options: SupervisorOptions): Promise<number> {
  const { default: cluster } = await import('node:cluster');
  // Each worker accepts by itself. Node's other way hands connections over in turn, and one that is on its way to a worker that dies is
  // never answered and never closed.
  if (terminal.environment['NODE_CLUSTER_SCHED_POLICY'] === undefined) cluster.schedulingPolicy = cluster.SCHED_NONE;
  const addresses = await withPorts(options.addresses);
  return new Supervisor(cluster, terminal, { ...options, addresses }).run();
}

class Supervisor {
  readonly #cluster: Cluster;
  readonly #terminal: Terminal;
  readonly #options: SupervisorOptions;
  readonly #limits = new SharedLimits();
  readonly #workers = new Set<WorkerProcess>();
  readonly #summaries: Summary[] = [];
  /** Workers that will take the place of others. */
  readonly #restarts = new Set<NodeJS.Timeout>();
  /** How many ended early in a row, since one did not. */
  #earlyEnds = 0;
  #lastNumber = 0;
  #isStopping = false;
  #hasKilled = false;
  #giveUp: () => void = ignore;
  #onLastGone: () => void = ignore;

  constructor(cluster: Cluster, terminal: Terminal, options: SupervisorOptions) {
    this.#cluster = cluster;
    this.#terminal = terminal;
    this.#options = options;
  }

  async run(): Promise<number> {
    const givenUp = new Promise<'givenUp'>((resolve) => {
      this.#giveUp = () => {
        resolve('givenUp');
      };
    });
    const stopped = waitForStop(this.#terminal.output, () => {
      this.#kill();
    });
    const onHangup = (): void => {
      this.#order('reload');
    };
    if (this.#options.reloadsTLS) process.on('SIGHUP', onHangup);
    try {
      const begun = await Promise.race([this.#begin(), stopped.reason]);
      // The worker has said why.
      if (typeof begun === 'number') return begun;
      const reason = await Promise.race([stopped.reason, givenUp]);
      await this.#stop();
      await this.#options.onEnd?.(this.#summaries);
      return reason === 'givenUp' || this.#hasKilled ? EXIT.failure : EXIT.success;
    } finally {
      stopped.forget();
      process.off('SIGHUP', onHangup);
    }
  }

  /**
   * Starts the workers: one alone, which finds out whether the addresses can be opened and what else is wrong, then the others.
   *
   * @returns the exit code when the first one ended instead
   */
  async #begin(): Promise<number | undefined> {
    const first = this.#start();
    const outcome = await first.outcome;
    if (outcome.kind === 'ended') return outcome.code ?? EXIT.failure;
    for (let started = 1; started < this.#options.count; started += 1) this.#start();
    await Promise.all([...this.#workers].map((worker) => worker.outcome));
    if (this.#isStopping) return undefined;
    const processes = [...this.#workers].map((worker) => `${worker.name}: process ${String(worker.pid)}\n`);
    await this.#say(`${outcome.text}${processes.join('')}`);
    return undefined;
  }

  #start(): WorkerProcess {
    this.#lastNumber += 1;
    const number = this.#lastNumber;
    const worker = new WorkerProcess(
      number,
      this.#cluster.fork({
        [WORKER_VARIABLES.number]: String(number),
        [WORKER_VARIABLES.addresses]: JSON.stringify(this.#options.addresses),
      }),
    );
    this.#limits.serve(worker.process);
    this.#workers.add(worker);
    worker.process.on('message', (message: unknown) => {
      if (isWorkerMessage(message) && 'report' in message && message.report === 'summary')
        this.#summaries.push(message.summary);
    });
    worker.process.on('exit', () => {
      this.#onEnded(worker);
    });
    return worker;
  }

  #onEnded(worker: WorkerProcess): void {
    this.#workers.delete(worker);
    if (this.#isStopping) {
      if (this.#workers.size === 0) this.#onLastGone();
      return;
    }
    // When the first one cannot even begin, the command ends as it would have with one process.
    if (this.#lastNumber === 1 && !worker.isListening) return;
    this.#earlyEnds = worker.isSteady ? 0 : this.#earlyEnds + 1;
    const how = `${worker.name} ended (${worker.ending})`;
    if (this.#earlyEnds >= EARLY_ENDS_MAX && ![...this.#workers].some(({ isSteady }) => isSteady)) {
      void this.#say(`${how}; that makes ${String(this.#earlyEnds)} in a row soon after their start: giving up\n`);
      this.#giveUp();
      return;
    }
    const delayMs = Math.min(RESTART_MS * 2 ** Math.max(0, this.#earlyEnds - 1), RESTART_MS_MAX);
    void this.#say(`${how}; another one starts in ${String(delayMs / 1_000)} s\n`);
    const timer = setTimeout(() => {
      this.#restarts.delete(timer);
      void this.#restart();
    }, delayMs);
    this.#restarts.add(timer);
  }

  async #restart(): Promise<void> {
    // While nobody listens one opens the addresses, and the others find them open.
    while (![...this.#workers].some(({ isListening }) => isListening)) {
      const [starting] = this.#workers;
      if (starting === undefined) break;
      await starting.outcome;
      if (this.#isStopping) return;
    }
    const worker = this.#start();
    if ((await worker.outcome).kind === 'listening') await this.#say(`${worker.name}: process ${String(worker.pid)}\n`);
  }

  /** Lets the workers close, and kills those that do not. */
  async #stop(): Promise<void> {
    this.#isStopping = true;
    for (const timer of this.#restarts) clearTimeout(timer);
    if (this.#workers.size === 0) return;
    const gone = new Promise<void>((resolve) => {
      this.#onLastGone = resolve;
    });
    this.#order('stop');
    const timer = setTimeout(() => {
      this.#hasKilled = true;
      const names = [...this.#workers].map(({ name }) => name);
      void this.#say(
        `killing ${names.join(', ')}: still there ${String(STOP_MS_MAX / 1_000)} s after being told to stop\n`,
      );
      this.#kill();
    }, STOP_MS_MAX);
    await gone;
    clearTimeout(timer);
  }

  #order(order: WorkerOrder['order']): void {
    // One that is gone by now needs no order.
    for (const worker of this.#workers) worker.process.send({ smtpd: 'worker', order } satisfies WorkerOrder, ignore);
  }

  #kill(): void {
    for (const worker of this.#workers) worker.process.process.kill('SIGKILL');
  }

  #say(text: string): Promise<void> {
    return say(this.#terminal.errors, text);
  }
}

/** How the start of a worker came out. */
type Outcome =
  { readonly kind: 'listening'; readonly text: string } | { readonly kind: 'ended'; readonly code: number | undefined };

/** One worker. */
class WorkerProcess {
  readonly name: string;
  readonly process: Worker;
  /** When it listens, or has ended before. */
  readonly outcome: Promise<Outcome>;
  #listeningSinceMs: number | undefined;
  #ending = '';

  constructor(number: number, process: Worker) {
    this.name = `worker ${String(number)}`;
    this.process = process;
    this.outcome = new Promise((resolve) => {
      process.on('message', (message: unknown) => {
        if (!isWorkerMessage(message) || !('report' in message) || message.report !== 'listening') return;
        this.#listeningSinceMs = performance.now();
        resolve({ kind: 'listening', text: message.text });
      });
      process.on('exit', (code, signal) => {
        // Types say otherwise: one that a signal ended has no code.
        const exitCode = (code as number | null) ?? undefined;
        this.#ending = exitCode === undefined ? signal : `exit code ${String(exitCode)}`;
        resolve({ kind: 'ended', code: exitCode });
      });
    });
  }

  get pid(): number | undefined {
    return this.process.process.pid;
  }

  get isListening(): boolean {
    return this.#listeningSinceMs !== undefined;
  }

  /** Whether it has served for a while, or had when it ended. */
  get isSteady(): boolean {
    return this.#listeningSinceMs !== undefined && performance.now() - this.#listeningSinceMs >= STEADY_MS;
  }

  /** How it ended. */
  get ending(): string {
    return this.#ending;
  }
}

/**
 * Chooses a free port where the system was to choose one: each worker would get one of its own, or, when all have to be started again,
 * another one than before.
 */
async function withPorts(addresses: readonly string[]): Promise<readonly string[]> {
  const chosen: string[] = [];
  for (const address of addresses) {
    const wanted = parseListenAddress(address);
    if (!('port' in wanted) || wanted.port !== 0) {
      chosen.push(address);
      continue;
    }
    try {
      const listener = await openListener([wanted], { backlog: 1, onConnection: ignore, onError: ignore });
      const port = listener.addresses[0]?.port ?? 0;
      await listener.close();
      chosen.push(address.replace(/0+$/, String(port)));
    } catch (error) {
      throw new CommandError(EXIT.failure, `No port is free on ${address}: ${messageOf(error)}`, { cause: error });
    }
  }
  return chosen;
}

function ignore(): void {
  // Whoever it is about has gone.
}

/** A worker that has served for so long did not end because of how it was started. */
const STEADY_MS = 10_000;
/** So many workers that end early, one after the other, and none that serves: starting another would not help. */
const EARLY_ENDS_MAX = 5;
const RESTART_MS = 100;
const RESTART_MS_MAX = 30_000;
/** A server closes within 10 s, by its own grace. */
const STOP_MS_MAX = 15_000;
