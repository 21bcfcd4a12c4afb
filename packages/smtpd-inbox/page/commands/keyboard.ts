/** Finds the command for what is pressed, and runs it. */

import { dialog } from '../state/dialogs.js';
import { COMMANDS, type Command } from './command-table.js';
import { KeyMatcher } from './key-matcher.js';

/** Listens to the keyboard. @returns how to stop */
export function followKeyboard(): () => void {
  const matcher = new KeyMatcher<Command>(Object.values(COMMANDS));
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
