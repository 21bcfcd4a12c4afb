/**
 * The server that takes every message, counts it and forgets it: for load tests, and for trying what sends mail. A message is never held:
 * its content is counted while it arrives.
 */

import type { StreamedMessage } from '../server/received-message.js';
import type { SMTPServerOptions } from '../server/server-options.js';
import { SMTPServer } from '../server/server.js';

/** What a `Sink` may be given. Everything has a default. */
export type SinkOptions = Omit<SMTPServerOptions, 'decodeData' | 'remoteAddress'>;

/** What a `Sink` has taken. */
export interface SinkTotals {
  /** Messages that came to their end and were answered with 250. */
  readonly messageCount: number;
  /** Recipients of those messages. */
  readonly recipientCount: number;
  /** Octets of their content. */
  readonly octetCount: number;
  /** Messages whose content began and that were not taken: the client left, or broke a rule of the protocol. */
  readonly unfinishedCount: number;
}

/**
 * A server that counts messages and discards them. It refuses what any server refuses: what is too large, for instance, or has bare
 * line ends.
 *
 * @example
 * ```ts
 * import { Sink } from 'smtpd';
 * await using sink = new Sink({ localAddress: 'localhost:0' });
 * await sink.listen();
 * console.log(sink.totals.messageCount); // 0
 * ```
 */
export class Sink extends SMTPServer {
  #totals: SinkTotals = NOTHING;

  /** @throws `UsageError` when an option cannot work, or two contradict each other */

  constructor(options: SinkOptions = {}) {
    super(options);
  }

  /** What was taken so far. */
  get totals(): SinkTotals {
    return this.#totals;
  }

  override async streamMessage(message: StreamedMessage): Promise<void> {
    let octetCount = 0;
    try {
      for await (const chunk of message.body) octetCount += chunk.length;
    } catch (error) {
      this.#totals = { ...this.#totals, unfinishedCount: this.#totals.unfinishedCount + 1 };
      throw error;
    }
    const { totals } = this;
    this.#totals = {
      messageCount: totals.messageCount + 1,
      recipientCount: totals.recipientCount + message.recipients.length,
      octetCount: totals.octetCount + octetCount,
      unfinishedCount: totals.unfinishedCount,
    };
  }
}

const NOTHING: SinkTotals = Object.freeze({ messageCount: 0, recipientCount: 0, octetCount: 0, unfinishedCount: 0 });
