/** A command as an item of a menu. */

import { COMMANDS, keysOf, type CommandName } from '../commands/command-table.js';
import type { IconName } from '../ui/icon.js';
import type { MenuItem } from '../ui/menu.js';

export function commandItem(name: CommandName, icon?: IconName) {
  const command = COMMANDS[name];
  return {
    label: command.title,
    ...(icon === undefined ? {} : { icon }),
    keys: keysOf(name),
    isDisabled: 'isPossible' in command && !command.isPossible(),
    run: () => void command.run(),
  } satisfies MenuItem;
}
