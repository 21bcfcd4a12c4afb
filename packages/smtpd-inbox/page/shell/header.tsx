/** The top of the page: the search, the state of the connection, and what is rarely needed. */

import { COMMANDS, keysOf } from '../commands/command-table.js';
import { SearchBox } from '../search/search-box.js';
import { showDialog } from '../state/dialogs.js';
import { connection, reconnect } from '../state/live-events.js';
import { hasNotifications } from '../state/preferences.js';
import { Button } from '../ui/button.js';
import { Menu, type MenuItem } from '../ui/menu.js';
import { commandItem } from './command-item.js';

export function Header() {
  const items: readonly MenuItem[] = [
    commandItem('palette', 'search'),
    commandItem('keys', 'keyboard'),
    'line',
    commandItem('connect', 'send'),
    commandItem('faults', 'fault'),
    commandItem('webhooks', 'webhook'),
    'line',
    commandItem('theme', 'theme'),
    { ...commandItem('notifications', 'bell'), label: 'Notifications', isChecked: hasNotifications.value },
    commandItem('settings', 'settings'),
  ];
  return (
    <header class="header">
      <Button label="Inboxes" icon="sidebar" look="icon" keys={keysOf('sidebar')} onPress={COMMANDS.sidebar.run} />
      <h1 class="brand">Inbox</h1>
      <SearchBox />
      <ConnectionState />
      <Button
        label="Faults"
        icon="fault"
        look="icon"
        class="header-wide"
        keys={keysOf('faults')}
        onPress={() => showDialog({ kind: 'faults' })}
      />
      <Button
        label="Keys"
        icon="keyboard"
        look="icon"
        class="header-wide"
        keys={keysOf('keys')}
        onPress={() => showDialog({ kind: 'keys' })}
      />
      <Menu label="Menu" icon="more" items={items} />
    </header>
  );
}

function ConnectionState() {
  const state = connection.value;
  const text = { live: 'Live', connecting: 'Connecting', waiting: 'Reconnecting' }[state];
  return (
    <div class={`connection is-${state}`} role="status" title={state === 'live' ? 'New mail appears by itself' : text}>
      <span class="connection-dot" />
      <span class="connection-text">{text}</span>
      {state === 'waiting' ? <Button label="Now" class="button-small" onPress={reconnect} /> : null}
    </div>
  );
}
