/** Which tags there are, and how often: counted once, and again after something happened to tags or messages. */

import type { MailStore } from 'smtpd-store';

import { walk } from './message-walk.js';

/** The tags of a store. */
export class TagIndex {
  readonly #store: MailStore;
  #counts: Promise<ReadonlyMap<string, number>> | undefined;

  constructor(store: MailStore) {
    this.#store = store;
  }

  /** Something happened: what was counted may not be so any more. */
  forget(): void {
    this.#counts = undefined;
  }

  /** How many messages have each tag, in the order of the tags. */
  async counts(): Promise<ReadonlyMap<string, number>> {
    const counting = (this.#counts ??= this.#count());
    try {
      return await counting;
    } catch (error) {
      if (this.#counts === counting) this.forget();
      throw error;
    }
  }

  async names(): Promise<string[]> {
    return [...(await this.counts()).keys()];
  }

  async #count(): Promise<ReadonlyMap<string, number>> {
    const counts = new Map<string, number>();
    for await (const { tags } of walk(this.#store, undefined)) {
      for (const tag of tags) counts.set(tag, (counts.get(tag) ?? 0) + 1);
    }
    return new Map([...counts].sort(([one], [other]) => (one < other ? -1 : 1)));
  }
}
