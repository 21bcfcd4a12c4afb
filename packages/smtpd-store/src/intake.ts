/** How every engine takes a message in: checked, when there is room for it in memory, and with the faults of files in our words. */

import { ByteBudget } from './byte-budget.js';
import { fileError } from './file-error.js';
import { MEMORY_BYTES_MAX } from './limits.js';
import type { NewMessage, StoredMessage } from './message.js';
import { checkInboxes, checkMessage, type Addition } from './message-parts.js';

/** What the engine does with a message. @returns what is kept of it, in the order of its inboxes */
export type Keep = (addition: Addition) => Promise<readonly StoredMessage[]>;

/** Takes messages in. */
export class Intake {
  readonly #budget: ByteBudget;
  readonly #keep: Keep;

  constructor(queuedBytesMax: number, keep: Keep) {
    this.#budget = new ByteBudget(queuedBytesMax);
    this.#keep = keep;
  }

  /** Takes a message into the inbox that it names. */
  async take(message: NewMessage): Promise<StoredMessage> {
    const [kept] = await this.takeFor({ message, inboxes: [message.inbox ?? ''] });
    return kept as StoredMessage;
  }

  /** Takes a message into several inboxes. */
  async takeFor(addition: Addition): Promise<readonly StoredMessage[]> {
    const { message, inboxes } = addition;
    checkMessage(message);
    checkInboxes(inboxes);
    const { raw } = message;
    const heldBytes = raw instanceof Uint8Array ? Math.min(raw.length, MEMORY_BYTES_MAX) : MEMORY_BYTES_MAX;
    // What need not wait goes on in this turn: it shares the next hand-over with all that came in it.
    if (!this.#budget.tryTake(heldBytes)) await this.#budget.take(heldBytes);
    try {
      return await this.#keep(addition);
    } catch (error) {
      throw fileError(error);
    } finally {
      this.#budget.release(heldBytes);
    }
  }
}
