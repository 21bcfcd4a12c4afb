/**
 * The way to the client and back: replies out, in as few writes as can be, and reading stopped while there is no use for more. It holds up
 * the conversation when the client does not read.
 */

import type { Transport } from '../net/transport.js';
import type { ServerSession } from '../protocol/server-session.js';

/** The wire of one session. */
export class Wire {
  readonly #transport: Transport;
  readonly #session: ServerSession;
  readonly #unreadRepliesBytesMax: number;
  readonly #onBlocked: () => void;
  /** Replies wait for the client to read them. */
  #isBlocked = false;
  #isReadingPaused = false;
  #isFlushScheduled = false;
  #isGone = false;

  /** @param onBlocked - the client does not read; from now on it is waited for */
  constructor(transport: Transport, session: ServerSession, onBlocked: () => void) {
    this.#transport = transport;
    this.#session = session;
    this.#unreadRepliesBytesMax = session.options.limits.unreadRepliesBytesMax;
    this.#onBlocked = onBlocked;
  }

  get isBlocked(): boolean {
    return this.#isBlocked;
  }

  /** Whether there is more to send than a client may leave unread. */
  get isOverfull(): boolean {
    return this.#session.outputBytes >= this.#unreadRepliesBytesMax;
  }

  /** The client has read. @returns whether the conversation was held up */
  drained(): boolean {
    const wasBlocked = this.#isBlocked;
    this.#isBlocked = false;
    return wasBlocked;
  }

  /** Sends soon what was answered. */
  scheduleFlush(): void {
    if (this.#isFlushScheduled) return;
    this.#isFlushScheduled = true;
    setImmediate(() => {
      this.#isFlushScheduled = false;
      if (!this.#isBlocked) this.flush();
    });
  }

  /** Sends what was answered. */
  flush(): void {
    const bytes = this.#session.takeOutput();
    if (bytes === undefined || this.#isGone) return;
    const mayWriteMore = this.#transport.write(bytes);
    // Only a transport that said no will say when to go on.
    if (!mayWriteMore && this.#transport.unsentBytes > this.#unreadRepliesBytesMax) {
      this.#isBlocked = true;
      this.#onBlocked();
    }
  }

  /** Reads on, or not. */
  setReading(isReading: boolean): void {
    if (isReading !== this.#isReadingPaused) return;
    this.#isReadingPaused = !isReading;
    if (isReading) this.#transport.resume();
    else this.#transport.pause();
  }

  /** Closes our side. */
  end(): void {
    if (this.#isReadingPaused) this.#transport.resume();
    this.#transport.end();
  }

  /** The connection is gone. */
  gone(): void {
    this.#isGone = true;
  }
}
