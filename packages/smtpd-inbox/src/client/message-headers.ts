/** The header fields of a message, found by their names. */

import type { HeaderField } from '../api/model.js';

/**
 * The header of a message. A loop over it gives `[name, value]`, in the order of the message.
 *
 * @example
 * ```ts
 * import type { InboxMessage } from 'smtpd-inbox/client';
 *
 * async function unsubscribes(message: InboxMessage): Promise<boolean> {
 *   return (await message.headers()).has('List-Unsubscribe');
 * }
 * ```
 */
export class MessageHeaders implements Iterable<readonly [name: string, value: string]> {
  /** As the API has them: decoded and as they stand, with their lines. */
  readonly fields: readonly HeaderField[];

  constructor(fields: readonly HeaderField[]) {
    this.fields = fields;
  }

  /** The first field of this name, in any case; unfolded and decoded. */
  get(name: string): string | undefined {
    return this.getAll(name)[0];
  }

  getAll(name: string): readonly string[] {
    return this.fields.filter((field) => field.name.toLowerCase() === name.toLowerCase()).map(({ value }) => value);
  }

  has(name: string): boolean {
    return this.get(name) !== undefined;
  }

  *[Symbol.iterator](): Generator<readonly [name: string, value: string]> {
    for (const { name, value } of this.fields) yield [name, value];
  }
}
