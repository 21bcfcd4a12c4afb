/**
 * What a worker of `--workers` and the process that supervises it say to each other, besides what `SharedLimits` says on the same channel.
 */

/** What a worker says: that it listens, with what is to be said of that; and at its end what it has counted. */
export type WorkerReport =
  | { readonly smtpd: 'worker'; readonly report: 'listening'; readonly text: string }
  | { readonly smtpd: 'worker'; readonly report: 'summary'; readonly summary: Summary };

/** What a worker is told. */
export interface WorkerOrder {
  readonly smtpd: 'worker';
  readonly order: 'stop' | 'reload';
}

/** Counts of a server, by name. Those of several are added up. */
export type Summary = Readonly<Record<string, number>>;

/** Adds up what several servers counted. */
export function sumOf(summaries: readonly Summary[]): Summary {
  const totals: Record<string, number> = {};
  for (const summary of summaries) {
    for (const [name, count] of Object.entries(summary)) totals[name] = (totals[name] ?? 0) + count;
  }
  return totals;
}

/** Whether a message is one of these. */
export function isWorkerMessage(message: unknown): message is WorkerReport | WorkerOrder {
  return typeof message === 'object' && message !== null && 'smtpd' in message && message.smtpd === 'worker';
}

/** The variables in which a worker finds its number, and the addresses with the ports that were chosen, as JSON. */
export const WORKER_VARIABLES = Object.freeze({ number: 'SMTP_WORKER_NUMBER', addresses: 'SMTP_WORKER_ADDRESSES' });
