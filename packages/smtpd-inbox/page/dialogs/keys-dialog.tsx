/** All keys, from the table of commands. */

import { COMMANDS, COMMAND_GROUPS, formatKeys, type Command } from '../commands/command-table.js';
import { Modal } from '../ui/modal.js';

export function KeysDialog({ onClose }: { readonly onClose: () => void }) {
  const commands: readonly Command[] = Object.values(COMMANDS);
  return (
    <Modal title="Keys" size="large" onClose={onClose}>
      <div class="keys" tabIndex={0} role="group" aria-label="All keys">
        {COMMAND_GROUPS.map((group) => (
          <section key={group}>
            <h3>{group}</h3>
            <dl>
              {commands
                .filter((command) => command.group === group && command.keys.length > 0)
                .map(({ title, keys }) => (
                  <div key={title}>
                    <dt>{title}</dt>
                    <dd>
                      {keys.map((each) => (
                        <kbd key={each}>{formatKeys(each)}</kbd>
                      ))}
                    </dd>
                  </div>
                ))}
            </dl>
          </section>
        ))}
      </div>
    </Modal>
  );
}
