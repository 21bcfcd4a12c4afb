/** The page as a whole: the list, and the message that is open. */

import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';

import type { Entry } from '../../src/api/model.js';
import { listMessages } from '../api.js';
import { MessagePane } from '../message/message-pane.js';
import { closeMessage, followAddress, formatRoute, route } from '../state/route.js';

export function Shell() {
  const entries = useSignal<readonly Entry[]>([]);
  useEffect(followAddress, []);
  useEffect(() => {
    void listMessages({ query: '', hasSessions: true }).then((page) => {
      entries.value = page.entries;
    });
  }, []);
  const open = entries.value.find(({ id }) => id === route.value.messageId);
  return (
    <main>
      <ul>
        {entries.value.map((entry) => (
          <li key={entry.id}>
            <a href={formatRoute({ messageId: entry.id, query: '' })}>{entry.subject ?? '(no subject)'}</a>
          </li>
        ))}
      </ul>
      {open === undefined ? null : <MessagePane entry={open} onClose={closeMessage} />}
    </main>
  );
}
