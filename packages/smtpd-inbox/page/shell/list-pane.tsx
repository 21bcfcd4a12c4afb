/** The list with what stands above it, or what stands in its place. */

import { COMMANDS, keysOf } from '../commands/command-table.js';
import { MailList } from '../list/mail-list.js';
import { mark } from '../state/actions.js';
import { showDialog } from '../state/dialogs.js';
import { list, phase, problem, reload } from '../state/mailbox.js';
import { hasSessions } from '../state/preferences.js';
import { narrow, route } from '../state/route.js';
import { clearSelection, selectAll, selectedIds } from '../state/selection.js';
import { counts } from '../state/server-facts.js';
import { Button } from '../ui/button.js';
import { Menu, type MenuItem } from '../ui/menu.js';
import { Welcome } from '../welcome/welcome.js';
import { commandItem } from './command-item.js';

export function ListPane({ now }: { readonly now: Date }) {
  const count = selectedIds.value.size;
  return (
    <>
      {count > 0 ? <SelectionBar count={count} /> : <ListBar />}
      <div class={`progress ${phase.value === 'loading' ? 'is-on' : ''}`} />
      <ListContent now={now} />
    </>
  );
}

function ListContent({ now }: { readonly now: Date }) {
  const { query, inbox } = route.value;
  const isBadSearch = phase.value === 'failed' && problem.value?.code === 'BAD_SEARCH';
  if (list.value.entries.length > 0 && (phase.value !== 'failed' || isBadSearch)) {
    return <MailList now={now} isStale={isBadSearch} />;
  }
  if (phase.value === 'loading') return <div class="placeholder" />;
  if (phase.value === 'failed') {
    return (
      <div class="placeholder">
        <h2>{isBadSearch ? 'The search is not complete' : 'The list could not be loaded'}</h2>
        <p>{problem.value?.message}</p>
        {isBadSearch ? null : <Button label="Try again" onPress={() => void reload()} />}
      </div>
    );
  }
  if (query !== '') {
    return (
      <div class="placeholder">
        <h2>Nothing found</h2>
        <p>
          No message matches <code>{query}</code>
          {inbox === undefined || inbox === '' ? '.' : ` in ${inbox}.`}
        </p>
        <Button label="Clear the search" onPress={() => narrow({ inbox, query: '' })} />
      </div>
    );
  }
  if (inbox !== undefined) {
    return (
      <div class="placeholder">
        <h2>No mail in {inbox === '' ? 'no inbox' : inbox}</h2>
        {inbox === '' ? null : (
          <Button label="Address and settings" onPress={() => showDialog({ kind: 'inbox', name: inbox })} />
        )}
      </div>
    );
  }
  return <Welcome />;
}

function ListBar() {
  const { query, inbox } = route.value;
  const { entries, older } = list.value;
  const some = inbox === undefined ? counts.value : counts.value?.inboxes[inbox];
  const title = query !== '' ? 'Found' : inbox === undefined ? 'All mail' : inbox === '' ? 'No inbox' : inbox;
  const total = query === '' ? (some?.messages ?? 0) : entries.length;
  const more = query !== '' && older !== undefined ? '+' : '';
  const items: MenuItem[] = [
    commandItem('selectAll'),
    commandItem('markAllRead', 'mailOpen'),
    'line',
    { ...commandItem('sessions'), label: 'Sessions without a message', isChecked: hasSessions.value },
    commandItem('reload'),
    'line',
    commandItem('importFiles', 'upload'),
    commandItem('exportMbox', 'download'),
    commandItem('exportZip', 'download'),
    'line',
    { ...commandItem('removeAll', 'trash'), label: query === '' ? 'Delete all' : 'Delete what was found' },
  ];
  return (
    <div class="bar list-bar">
      <h2 class="bar-title cut">{title}</h2>
      <p class="bar-note cut">
        {total.toLocaleString('en')}
        {more}
        {query === '' && some !== undefined && some.unread > 0 ? `, ${some.unread.toLocaleString('en')} unread` : ''}
      </p>
      <Button
        label="Sessions without a message"
        icon="plug"
        look="icon"
        keys={keysOf('sessions')}
        isPressed={hasSessions.value}
        onPress={COMMANDS.sessions.run}
      />
      <Menu label="More for this list" icon="more" items={items} />
    </div>
  );
}

function SelectionBar({ count }: { readonly count: number }) {
  return (
    <div class="bar selection-bar" role="toolbar" aria-label="Selected messages">
      <Button label="Select nothing" icon="close" look="icon" keys="Esc" onPress={clearSelection} />
      <p class="bar-title cut">{count.toLocaleString('en')} selected</p>
      {count < list.value.entries.length ? (
        <Button label="All" keys={keysOf('selectAll')} class="button-small" onPress={selectAll} />
      ) : null}
      <span class="bar-space" />
      <Button
        label="Mark as read"
        icon="mailOpen"
        look="icon"
        keys={keysOf('toggleRead')}
        onPress={() => void mark([...selectedIds.value], true)}
      />
      <Button label="Mark as unread" icon="mail" look="icon" onPress={() => void mark([...selectedIds.value], false)} />
      <Button label="Tag" icon="tag" look="icon" keys={keysOf('tag')} onPress={COMMANDS.tag.run} />
      <Button label="Save as file" icon="download" look="icon" keys={keysOf('save')} onPress={COMMANDS.save.run} />
      <Button label="Delete" icon="trash" look="icon" keys={keysOf('remove')} onPress={COMMANDS.remove.run} />
    </div>
  );
}
