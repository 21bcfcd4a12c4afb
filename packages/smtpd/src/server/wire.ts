/**
 * The way to the client and back: replies out, in as few writes as can be, and reading stopped while there is no use for more. It holds up
 * the conversation when the client does not read.
 */

import type { Transport } from '../net/transport.js';
import type { ServerSession } from '../protocol/server-session.js';

/** The wire of one session. */
export class Wire {
  readonly #host: WireHost;
  /** Replies wait for the client to read them. */
  #isBlocked = false;
  #isReadingPaused = false;
  #isFlushScheduled = false;
  #isGone = false;

  constructor(host: WireHost) {
    this.#host = host;
  }

  get isBlocked(): boolean {
    return this.#isBlocked;
  }

  /** Whether there is more to send than a client may leave unread. */
  get isOverfull(): boolean {
    return this.#host.session.outputBytes >= this.#unreadRepliesBytesMax();
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
    const { session, transport } = this.#host;
    const bytes = session.takeOutput();
    if (bytes === undefined || this.#isGone) return;
    const mayWriteMore = transport.write(bytes);
    // Only a transport that said no will say when to go on.
    if (!mayWriteMore && transport.unsentBytes > this.#unreadRepliesBytesMax()) {
      this.#isBlocked = true;
      this.#host.onBlocked();
    }
  }

  /** Reads on, or not. */
  setReading(isReading: boolean): void {
    if (isReading !== this.#isReadingPaused) return;
    this.#isReadingPaused = !isReading;
    if (isReading) this.#host.transport.resume();
    else this.#host.transport.pause();
  }

  /** Closes our side. */
  end(): void {
    if (this.#isReadingPaused) this.#host.transport.resume();
    this.#host.transport.end();
  }

  /** The connection is gone. */
  gone(): void {
    this.#isGone = true;
  }

  #unreadRepliesBytesMax(): number {
    return this.#host.session.options.limits.unreadRepliesBytesMax;
  }
}

/** What a wire needs of the conversation that it belongs to. */
export interface WireHost {
  readonly transport: Transport;
  readonly session: ServerSession;
  /** The client does not read; from now on it is waited for. */
  onBlocked(): void;
}
