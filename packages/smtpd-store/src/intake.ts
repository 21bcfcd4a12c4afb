/** How every engine takes a message in: checked, when there is room for it in memory, and with the faults of files in our words. */

import { ByteBudget } from './byte-budget.js';
import { fileError } from './file-error.js';
import { MEMORY_BYTES_MAX } from './limits.js';
import type { NewMessage, StoredMessage } from './message.js';
import { checkMessage } from './message-parts.js';

/** Takes messages in. */
export class Intake {
  readonly #budget: ByteBudget;

  constructor(queuedBytesMax: number) {
    this.#budget = new ByteBudget(queuedBytesMax);
  }

  /** @param keep what the engine does with it */
  async take(message: NewMessage, keep: (message: NewMessage) => Promise<StoredMessage>): Promise<StoredMessage> {
    checkMessage(message);
    const { raw } = message;
    const heldBytes = raw instanceof Uint8Array ? Math.min(raw.length, MEMORY_BYTES_MAX) : MEMORY_BYTES_MAX;
    // What need not wait goes on in this turn: it shares the next hand-over with all that came in it.
    if (!this.#budget.tryTake(heldBytes)) await this.#budget.take(heldBytes);
    try {
      return await keep(message);
    } catch (error) {
      throw fileError(error);
    } finally {
      this.#budget.release(heldBytes);
    }
  }
}
