/** Finds what belongs to a key, or to one key after another. Pure: when it was pressed is an argument. */

/** Knows which keys were pressed just before. */
export class KeyMatcher<Keyed extends { readonly keys: readonly string[] }> {
  readonly #commands: ReadonlyMap<string, Keyed>;
  readonly #beginnings: ReadonlySet<string>;
  #begun: { readonly key: string; readonly atMs: number } | undefined;

  constructor(commands: readonly Keyed[]) {
    const pairs = commands.flatMap((command) => command.keys.map((keys) => [keys, command] as const));
    this.#commands = new Map(pairs);
    this.#beginnings = new Set(
      pairs.flatMap(([keys]) => (keys.includes(' ') ? [keys.slice(0, keys.indexOf(' '))] : [])),
    );
  }

  /** @returns the command; `begun` where another key has to follow; `undefined` for a key that does nothing */
  press(key: string, atMs: number): Keyed | 'begun' | undefined {
    const begun = this.#begun;
    this.#begun = undefined;
    if (begun !== undefined && atMs - begun.atMs < SEQUENCE_MS) {
      const command = this.#commands.get(`${begun.key} ${key}`);
      if (command !== undefined) return command;
    }
    if (this.#beginnings.has(key)) {
      this.#begun = { key, atMs };
      return 'begun';
    }
    return this.#commands.get(key);
  }
}

/** How long the second key may take. */
const SEQUENCE_MS = 2500;
