/** The inboxes: all mail, and each isolated one with what is in it. */

import type { Counts } from '../../src/api/model.js';
import { keysOf } from '../commands/command-table.js';
import { showDialog } from '../state/dialogs.js';
import { isDrawerOpen } from '../state/layout.js';
import { formatRoute, narrow, route } from '../state/route.js';
import { counts, inboxes } from '../state/server-facts.js';
import { Button } from '../ui/button.js';
import { Icon, type IconName } from '../ui/icon.js';
import { formatSize } from '../list/entry-text.js';

export function Sidebar() {
  const all = counts.value;
  return (
    <nav class="sidebar" aria-label="Inboxes">
      <ul>
        <InboxLink icon="inbox" label="All mail" counts={all} />
        {inboxes.value.length === 0 ? null : (
          <InboxLink icon="user" label="No inbox" name="" counts={all?.inboxes['']} />
        )}
      </ul>
      <div class="sidebar-head">
        <h2>Inboxes</h2>
        <Button
          label="New inbox"
          icon="plus"
          look="icon"
          keys={keysOf('newInbox')}
          onPress={() => showDialog({ kind: 'newInbox' })}
        />
      </div>
      {inboxes.value.length === 0 ? (
        <p class="sidebar-hint">Give each test or person an inbox of its own: none sees the mail of another.</p>
      ) : (
        <ul>
          {inboxes.value.map(({ name }) => (
            <InboxLink key={name} icon="user" label={name} name={name} counts={all?.inboxes[name]} isOwn />
          ))}
        </ul>
      )}
      {all === undefined ? null : (
        <p class="sidebar-foot">
          {all.messages.toLocaleString('en')} messages, {formatSize(all.bytes)}
        </p>
      )}
    </nav>
  );
}

interface InboxLinkProps {
  readonly icon: IconName;
  readonly label: string;
  /** Absent for all. */
  readonly name?: string;
  readonly counts: Pick<Counts, 'messages' | 'unread'> | undefined;
  /** Whether it can be looked into and taken away. */
  readonly isOwn?: boolean;
}

function InboxLink({ icon, label, name, counts: some, isOwn = false }: InboxLinkProps) {
  const isCurrent = route.value.inbox === name;
  const to = { ...(name === undefined ? {} : { inbox: name }), query: '' };
  const follow = (event: MouseEvent) => {
    // A new tab is opened by the address.
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
    event.preventDefault();
    narrow(to);
    isDrawerOpen.value = false;
  };
  return (
    <li class={`inbox-link ${isCurrent ? 'is-current' : ''}`}>
      <a href={formatRoute(to)} aria-current={isCurrent ? 'page' : undefined} onClick={follow}>
        <Icon name={icon} />
        <span class="cut">{label}</span>
        {some === undefined ? null : (
          <span class="inbox-counts" title={`${String(some.unread)} unread of ${String(some.messages)}`}>
            {some.unread > 0 ? <b>{some.unread.toLocaleString('en')}</b> : some.messages.toLocaleString('en')}
            <span class="visually-hidden">{some.unread > 0 ? ' unread' : ' messages'}</span>
          </span>
        )}
      </a>
      {isOwn && name !== undefined ? (
        <Button
          label={`Address and settings of ${name}`}
          icon="more"
          look="icon"
          onPress={() => showDialog({ kind: 'inbox', name })}
        />
      ) : null}
    </li>
  );
}
