/** Finds the command for what is pressed, and runs it. */

import { dialog } from '../state/dialogs.js';
import { COMMANDS, type Command } from './command-table.js';

/** Listens to the keyboard. @returns how to stop */
export function followKeyboard(): () => void {
  const matcher = new KeyMatcher(Object.values(COMMANDS));
  const press = (event: KeyboardEvent) => {
    if (event.defaultPrevented || event.isComposing || dialog.value !== undefined) return;
    const key = keyOf(event);
    if (key === undefined || isTakenByElement(event, key)) return;
    const command = matcher.press(key, event.timeStamp);
    if (command === 'begun') event.preventDefault();
    else if (command !== undefined && (command.isPossible?.() ?? true)) {
      event.preventDefault();
      command.run();
    }
  };
  addEventListener('keydown', press);
  return () => removeEventListener('keydown', press);
}

/** Knows which keys were pressed just before. */
export class KeyMatcher {
  readonly #commands: ReadonlyMap<string, Command>;
  readonly #beginnings: ReadonlySet<string>;
  #begun: { readonly key: string; readonly atMs: number } | undefined;

  constructor(commands: readonly Command[]) {
    const pairs = commands.flatMap((command) => command.keys.map((keys) => [keys, command] as const));
    this.#commands = new Map(pairs);
    this.#beginnings = new Set(
      pairs.flatMap(([keys]) => (keys.includes(' ') ? [keys.slice(0, keys.indexOf(' '))] : [])),
    );
  }

  /** @returns the command; `begun` where another key has to follow; `undefined` for a key that does nothing */
  press(key: string, atMs: number): Command | 'begun' | undefined {
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

/** What was pressed, as the table of commands has it; `undefined` for what is never a command. */
function keyOf({ key, ctrlKey, metaKey, altKey, shiftKey }: KeyboardEvent): string | undefined {
  if (altKey || ['Control', 'Shift', 'Meta', 'Alt'].includes(key)) return undefined;
  if (ctrlKey || metaKey) return `Mod+${key.toLowerCase()}`;
  return shiftKey && key.length > 1 ? `Shift+${key}` : key;
}

/** Whether the element that has the focus does something of its own with it. */
function isTakenByElement({ target }: KeyboardEvent, key: string): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target.closest('input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]') !== null) {
    return key !== 'Mod+k';
  }
  if (key === 'Enter') return target.closest('button, a, summary, [role=tab], [role=separator]') !== null;
  // Keys that scroll: only the list gives them another meaning.
  const isScrolling = /^(Shift\+)?(Arrow|Page|Home|End)/.test(key) || key === 'Mod+a';
  return isScrolling && target !== document.body && target.closest('#mail-list') === null;
}

const SEQUENCE_MS = 1500;
