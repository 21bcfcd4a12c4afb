/** What a mail reader and its threads say to one another. */

import type { JobName } from './jobs.js';

/** A job. The thread has one at a time. */
export interface WorkerRequest {
  readonly job: JobName;
  readonly input: readonly unknown[];
}

/** `partial` is said before the end, for the case that there is none. */
export type WorkerAnswer =
  { readonly kind: 'partial' | 'done'; readonly answer: unknown } | { readonly kind: 'failed'; readonly fault: string };
