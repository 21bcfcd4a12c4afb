/** How much a store keeps, whatever engine is behind it. */

import { StoreError } from './errors.js';

/** How much a store keeps. When there is more, the oldest goes; what was deleted goes before anything else. */
export interface StoreLimits {
  /** How many messages, sessions without one included. */
  readonly messagesMax: number;
  /** How many octets of messages. */
  readonly bytesMax: number;
  /** How long a message is kept after it was received. */
  readonly ageMsMax: number;
}

/** @throws {@link StoreError} when a value cannot work */
export function completeLimits(limits: Partial<StoreLimits> | undefined, ageMsMax: number): StoreLimits {
  const complete: StoreLimits = {
    messagesMax: limits?.messagesMax ?? 10_000,
    bytesMax: limits?.bytesMax ?? 1_073_741_824,
    ageMsMax: limits?.ageMsMax ?? ageMsMax,
  };
  for (const [name, value] of Object.entries(complete) as [string, number][]) checkAtLeast(`limits.${name}`, value, 1);
  return Object.freeze(complete);
}

/** @throws {@link StoreError} when it is less, or no number */
export function checkAtLeast(name: string, value: number, least: number): void {
  if (value >= least) return;
  throw new StoreError('STORE_BAD_OPTION', `${name} is a number from ${least} on, or Infinity, not ${value}`);
}

/** What is longer does not stay in memory until it is written, but in a file. */
export const MEMORY_BYTES_MAX = 131_072;
