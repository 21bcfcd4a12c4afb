/** What is told at the edge of the page, and what only those hear who hear it. */

import { announcement, dismissNotice, notices } from '../state/notices.js';
import { Button } from '../ui/button.js';
import { Icon } from '../ui/icon.js';

export function Notices() {
  return (
    <>
      <div class="notices" role="region" aria-label="Notices">
        <div role="status">
          {notices.value.map(({ id, kind, text, action }) => (
            <div key={id} class={`notice notice-${kind}`}>
              {kind === 'failed' ? <Icon name="warning" /> : null}
              <span class="notice-text">{text}</span>
              {action === undefined ? null : (
                <Button
                  label={action.label}
                  keys={action.label === 'Undo' ? 'U' : undefined}
                  class="notice-action"
                  onPress={action.run}
                />
              )}
              <Button label="Dismiss" icon="close" look="icon" onPress={() => dismissNotice(id)} />
            </div>
          ))}
        </div>
      </div>
      <div class="visually-hidden" role="log" aria-live="polite">
        {announcement.value}
      </div>
    </>
  );
}
