/** `--workers`: how many processes serve. */

import { availableParallelism } from 'node:os';

import { usageError } from './command-error.js';
import { textOf } from './options.js';
import { originOf, type Settings } from './settings.js';

/**
 * How many processes are asked for.
 *
 * @throws CommandError with exit code 2 where this runtime has no processes that share a port
 */
export function workerCount(settings: Settings): number {
  const text = textOf(settings.options, 'workers') ?? '1';
  const count = text === 'auto' ? availableParallelism() : Number(text);
  if (count > 1 && ('bun' in process.versions || 'deno' in process.versions))
    throw usageError(`${originOf(settings, 'workers')} needs Node: it is tested nowhere else`);
  return count;
}

/**
 * Says that a command is one process.
 *
 * @param reason - why, as a clause
 * @throws CommandError with exit code 2 when more were asked for
 */
export function requireOneProcess(settings: Settings, reason: string): void {
  const text = textOf(settings.options, 'workers') ?? '1';
  if (text !== '1') throw usageError(`${originOf(settings, 'workers')} can only be 1 here: ${reason}`);
}
