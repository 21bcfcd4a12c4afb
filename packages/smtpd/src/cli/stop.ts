/** When a program that serves is to stop: signals, and standard output that nobody reads or that cannot be written. */

import type { Writable } from 'node:stream';

/** That somebody wants it to stop. */
export interface Stop {
  /** Fulfilled when the program is to close gracefully: with an error when what it prints is lost. */
  readonly reason: Promise<Error | undefined>;
  /** From here on signals do what they do by themselves. */
  readonly forget: () => void;
}

/**
 * Waits for SIGINT, SIGTERM, the end of the reader, or output that is lost.
 *
 * @param onSecondSignal - called when a signal comes for the second time: it cuts short what the first began, and the process ends with 128
 * and the signal's number
 */
export function waitForStop(output: Writable, onSecondSignal: () => void = ignore): Stop {
  let resolve: (lost?: Error) => void = ignore;
  const reason = new Promise<Error | undefined>((each) => {
    resolve = each;
  });
  let isStopping = false;
  const onSignal = (_: NodeJS.Signals, signalNumber: number): void => {
    if (isStopping) {
      onSecondSignal();
      process.exit(128 + signalNumber);
    }
    isStopping = true;
    resolve();
  };
  const onOutputError = (error: Error): void => {
    resolve(isBrokenPipe(error) ? undefined : error);
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
  output.on('error', onOutputError);
  return {
    reason,
    forget: () => {
      for (const signal of SIGNALS) process.off(signal, onSignal);
      output.off('error', onOutputError);
    },
  };
}

/** Whether an error says, at its end, that nobody reads any more. */
export function isBrokenPipe(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return ('code' in error && error.code === 'EPIPE') || isBrokenPipe(error.cause);
}

function ignore(): void {
  // Nothing is to be done.
}

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;
