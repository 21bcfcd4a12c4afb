/** How a message comes along: whose it is, since when, and how fast. The octets themselves are the session's. */

import type { Limits } from '../protocol/limits.js';
import type { Envelope } from '../protocol/session-state.js';

/** The progress of one message's content. */
export class ContentProgress {
  readonly envelope: Envelope;
  /** When the client was asked for the content, by this machine's clock, in ms since 1970. */
  readonly beganAtMs = Date.now();
  #bytes = 0;
  #waitedMs = 0;
  #waitingSinceMs: number;

  constructor(envelope: Envelope, nowMs: number) {
    this.envelope = envelope;
    this.#waitingSinceMs = nowMs;
  }

  /** We wait for the client from now on. The time before was ours or the application's. */
  waitFrom(nowMs: number): void {
    this.#waitingSinceMs = nowMs;
  }

  /** Octets came. */
  count(lengthBytes: number, nowMs: number): void {
    this.#bytes += lengthBytes;
    this.#waitedMs += nowMs - this.#waitingSinceMs;
    this.#waitingSinceMs = nowMs;
  }

  /** Whether the client is slower than it may be, over the time in which we waited for it. */
  isTooSlow({ contentRateMin, contentRateGraceMs }: Limits): boolean {
    if (this.#waitedMs < contentRateGraceMs || contentRateMin === Infinity) return false;
    return this.#bytes < (this.#waitedMs / 1_000) * contentRateMin;
  }
}
