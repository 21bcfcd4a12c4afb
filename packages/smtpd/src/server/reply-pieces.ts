/** A reply that a command method pushes whole or line by line, as `250-first` and `250 last`. */

import { UsageError } from '../protocol/errors.js';
import { parseReply, type Reply } from '../protocol/reply.js';

/** The pieces of a reply that have come so far. */
export class ReplyPieces {
  #pieces: string[] = [];

  /**
   * Adds a piece.
   *
   * @returns the reply that is complete with it; `undefined` while there are more to come
   * @throws {@link UsageError} `SMTPD_BAD_REPLY` when the text is no reply
   */
  add(piece: string): Reply | undefined {
    const text = piece.endsWith('\r\n') ? piece.slice(0, -2) : piece;
    this.#pieces.push(text);
    if (CONTINUED_LINE.test(text.slice(text.lastIndexOf('\n') + 1))) return undefined;
    const whole = this.#pieces.join('\r\n');
    this.#pieces = [];
    const reply = parseReply(whole);
    if (reply !== undefined) return reply;
    throw new UsageError(
      'SMTPD_BAD_REPLY',
      `${JSON.stringify(whole.slice(0, 200))} is no reply; write a code and a text, as in "250 2.0.0 OK"`,
    );
  }

  /** Forgets a reply that was never completed. */
  clear(): void {
    if (this.#pieces.length > 0) this.#pieces = [];
  }
}

const CONTINUED_LINE = /^\d{3}-/;
