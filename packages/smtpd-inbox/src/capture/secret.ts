/** Compares secrets so that the time it takes tells nothing of them. */

import { createHash, timingSafeEqual } from 'node:crypto';

/** Whether what was given is the secret. */
export function isSameSecret(given: string, secret: string): boolean {
  // Digests have one length, whatever was given.
  return timingSafeEqual(digest(given), digest(secret));
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
