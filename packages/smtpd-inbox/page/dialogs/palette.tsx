/** All commands in one box: some letters are enough. */

import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';

import { COMMANDS, formatKeys, type Command } from '../commands/command-table.js';
import { fuzzyFilter } from '../commands/fuzzy.js';
import { showDialog } from '../state/dialogs.js';
import { narrow } from '../state/route.js';
import { inboxes } from '../state/server-facts.js';
import { Modal } from '../ui/modal.js';

export function Palette({ onClose }: { readonly onClose: () => void }) {
  const letters = useSignal('');
  const chosen = useSignal(0);
  const listReference = useRef<HTMLUListElement>(null);
  const found = fuzzyFilter(letters.value, possibleCommands(), ({ title }) => title);

  useEffect(() => {
    listReference.current?.children[chosen.value]?.scrollIntoView({ block: 'nearest' });
  }, [chosen.value]);

  const run = (command: Command | undefined) => {
    if (command === undefined) return;
    onClose();
    // The dialog is gone before the command opens another one, or moves the focus.
    setTimeout(command.run, 0);
  };
  const press = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== undefined) chosen.value = (chosen.value + step + found.length) % Math.max(1, found.length);
    else if (event.key === 'Enter') run(found[chosen.value]);
    else return;
    event.preventDefault();
  };
  return (
    <Modal title="All commands" size="medium" isBare onClose={onClose}>
      <input
        class="palette-input"
        type="text"
        role="combobox"
        aria-label="Command"
        aria-expanded="true"
        aria-controls="palette-list"
        aria-activedescendant={found.length === 0 ? undefined : `command-${String(chosen.value)}`}
        placeholder="What do you want to do?"
        autocomplete="off"
        spellcheck={false}
        autofocus
        value={letters.value}
        onInput={(event) => {
          letters.value = event.currentTarget.value;
          chosen.value = 0;
        }}
        onKeyDown={press}
      />
      {found.length === 0 ? (
        <p class="palette-none">There is no such command.</p>
      ) : (
        <ul ref={listReference} id="palette-list" role="listbox" aria-label="Commands" class="palette-list">
          {found.map((command, index) => (
            <li
              key={command.title}
              id={`command-${String(index)}`}
              role="option"
              aria-selected={index === chosen.value}
              class="palette-item"
              onMouseMove={() => (chosen.value = index)}
              onClick={() => run(command)}
            >
              <span class="cut">{command.title}</span>
              <span class="palette-group">{command.group}</span>
              {command.keys[0] === undefined ? null : <kbd>{formatKeys(command.keys[0])}</kbd>}
            </li>
          ))}
        </ul>
      )}
    </Modal>
  );
}

/** The commands that would do something now, and one for each inbox. */
function possibleCommands(): readonly Command[] {
  const table: readonly Command[] = Object.values(COMMANDS);
  return [
    ...table.filter((command) => command !== COMMANDS.palette && (command.isPossible?.() ?? true)),
    ...inboxes.value.flatMap(({ name }): Command[] => [
      { title: `Go to inbox ${name}`, group: 'List', keys: [], run: () => narrow({ inbox: name, query: '' }) },
      {
        title: `Address and settings of ${name}`,
        group: 'List',
        keys: [],
        run: () => showDialog({ kind: 'inbox', name }),
      },
    ]),
  ];
}
