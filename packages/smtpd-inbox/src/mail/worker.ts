/** The thread in which mail is read. It does one job after the other; whoever sends them ends it when one takes too long. */

import { parentPort, type Transferable } from 'node:worker_threads';

import { JOBS } from './jobs.js';
import type { WorkerAnswer, WorkerRequest } from './worker-messages.js';

async function answer(request: WorkerRequest): Promise<void> {
  const job = JOBS[request.job] as (...input: unknown[]) => unknown;
  try {
    post({ kind: 'done', answer: await lastOf(job(...request.input)) });
  } catch (error) {
    post({ kind: 'failed', fault: error instanceof Error ? error.message : String(error) });
  }
}

/** Says what a generator yields on the way. */
function lastOf(returned: unknown): unknown {
  if (!isGenerator(returned)) return returned;
  for (;;) {
    const next = returned.next();
    if (next.done === true) return next.value;
    post({ kind: 'partial', answer: next.value });
  }
}

function isGenerator(value: unknown): value is Generator<unknown, unknown> {
  return typeof value === 'object' && value !== null && Symbol.iterator in value && 'next' in value;
}

function post(message: WorkerAnswer): void {
  parentPort?.postMessage(message, transfersOf(message));
}

/** Octets that nobody here needs any more are handed over, not copied. */
function transfersOf(message: WorkerAnswer): Transferable[] {
  if (message.kind !== 'done' || typeof message.answer !== 'object' || message.answer === null) return [];
  const octets = Object.values(message.answer).filter((value) => value instanceof Uint8Array);
  return octets
    .filter(({ buffer, byteLength }) => buffer instanceof ArrayBuffer && buffer.byteLength === byteLength)
    .map(({ buffer }) => buffer as ArrayBuffer);
}

parentPort?.on('message', (request: WorkerRequest) => void answer(request));
