/** Takes whatever waits and hands it on together, so that under load many messages share one transaction and one fsync. */

interface Waiting<Item, Result> {
  readonly item: Item;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

/** Writes groups, one after the other. */
export class GroupWriter<Item, Result> {
  readonly #write: (items: readonly Item[]) => Promise<readonly Result[]>;
  readonly #isSharedFate: (error: unknown) => boolean;
  readonly #itemsMax: number;
  readonly #waiting: Waiting<Item, Result>[] = [];
  #isWriting = false;

  /**
   * @param write writes all of a group or nothing
   * @param options how large a group is, and which errors are not about one of a group: others are met by each alone
   */
  constructor(
    write: (items: readonly Item[]) => Promise<readonly Result[]>,
    { itemsMax, isSharedFate }: { readonly itemsMax: number; readonly isSharedFate: (error: unknown) => boolean },
  ) {
    this.#write = write;
    this.#itemsMax = itemsMax;
    this.#isSharedFate = isSharedFate;
  }

  add(item: Item): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject });
      if (!this.#isWriting) void this.#writeAll();
    });
  }

  async #writeAll(): Promise<void> {
    this.#isWriting = true;
    // Who comes in the same turn comes along.
    await Promise.resolve();
    while (this.#waiting.length > 0) await this.#writeGroup(this.#waiting.splice(0, this.#itemsMax));
    this.#isWriting = false;
  }

  async #writeGroup(group: readonly Waiting<Item, Result>[]): Promise<void> {
    try {
      const results = await this.#write(group.map(({ item }) => item));
      group.forEach(({ resolve }, index) => {
        resolve(results[index] as Result);
      });
    } catch (error) {
      if (group.length > 1 && !this.#isSharedFate(error)) {
        // Nobody pays for a neighbour.
        for (const each of group) await this.#writeGroup([each]);
      } else {
        for (const { reject } of group) reject(error);
      }
    }
  }
}
