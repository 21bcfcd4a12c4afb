/** How long a page waits for a server that is away. Pure: chance is an argument. */

/** How long to wait before it is tried again: twice as long each time, and not all pages at the same moment. */
export function retryWaitMs(failures: number, random: number): number {
  return Math.min(RETRY_MAX_MS, RETRY_MIN_MS * 2 ** failures) * (0.75 + random / 2);
}

const RETRY_MIN_MS = 500;
const RETRY_MAX_MS = 30_000;
