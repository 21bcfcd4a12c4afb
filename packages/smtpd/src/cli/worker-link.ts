/** A worker's side of `--workers`: its number, and the channel to the process that supervises it (`supervisor.ts`). */

import type { Terminal } from './terminal.js';
import {
  isWorkerMessage,
  WORKER_VARIABLES,
  type Summary,
  type WorkerOrder,
  type WorkerReport,
} from './worker-messages.js';

/** The link of a worker to its supervisor. */
export class WorkerLink {
  /** Counted from 1; one that takes the place of another has a number of its own. */
  readonly number: number;
  /** Where to listen. A port 0 has become one that is free. */
  readonly addresses: readonly string[];

  private constructor(number: number, addresses: readonly string[]) {
    this.number = number;
    this.addresses = addresses;
  }

  /** @returns `undefined` in a process that is no worker */
  static find(environment: Terminal['environment']): WorkerLink | undefined {
    const number = environment[WORKER_VARIABLES.number];
    // A program that is started by a worker finds the variables, but not the channel.
    if (number === undefined || !process.connected) return undefined;
    const addresses = JSON.parse(environment[WORKER_VARIABLES.addresses] ?? '[]') as readonly string[];
    return new WorkerLink(Number(number), addresses);
  }

  /** Tells the supervisor that this worker listens. */
  announce(text: string): Promise<void> {
    return report({ smtpd: 'worker', report: 'listening', text });
  }

  /** Tells the supervisor what was counted. */
  summarize(summary: Summary): Promise<void> {
    return report({ smtpd: 'worker', report: 'summary', summary });
  }

  /** Obeys. @returns what ends it */
  onOrder(obey: (order: WorkerOrder['order']) => void): () => void {
    const onMessage = (message: unknown): void => {
      if (isWorkerMessage(message) && 'order' in message) obey(message.order);
    };
    process.on('message', onMessage);
    return () => {
      process.off('message', onMessage);
    };
  }
}

/** A supervisor that has gone needs no report; without it the worker ends, too. */
function report(message: WorkerReport): Promise<void> {
  return new Promise((resolve) => {
    process.send?.(message, undefined, undefined, () => {
      resolve();
    });
  });
}
