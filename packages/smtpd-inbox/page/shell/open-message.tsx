/** The message that is open. One that is not in the list, because a link led to it, is asked for. */

import { useEffect, useState } from 'preact/hooks';

import type { Entry } from '../../src/api/model.js';
import { APIError, getMessage } from '../api.js';
import { focusList } from '../commands/command-table.js';
import { keepMessage } from '../message/message-data.js';
import { MessagePane } from '../message/message-pane.js';
import { markOpened } from '../state/actions.js';
import { findEntry } from '../state/entry-list.js';
import { list, phase } from '../state/mailbox.js';
import { closeMessage } from '../state/route.js';
import { Button } from '../ui/button.js';

export function OpenMessage({ id }: { readonly id: string }) {
  const listed = findEntry(list.value, id);
  const [fetched, setFetched] = useState<Entry>();
  const [fault, setFault] = useState<string>();
  const isMissing = listed === undefined && phase.value !== 'loading';

  useEffect(() => {
    if (!isMissing) return;
    const abort = new AbortController();
    setFault(undefined);
    getMessage(id, abort.signal).then(
      (message) => {
        // The pane shows the same one.
        keepMessage(message);
        setFetched(message.entry);
      },
      (error: unknown) => {
        if (abort.signal.aborted) return;
        const isGone = error instanceof APIError && error.code === 'NOT_FOUND';
        setFault(isGone ? 'This message is gone: it was deleted, or newer ones took its place.' : String(error));
      },
    );
    return () => abort.abort();
  }, [id, isMissing]);

  const entry = listed ?? (fetched?.id === id ? fetched : undefined);
  useEffect(() => {
    if (entry !== undefined) markOpened(entry);
  }, [entry?.id]);

  const close = () => {
    closeMessage();
    focusList();
  };
  if (entry !== undefined) return <MessagePane entry={entry} onClose={close} />;
  if (fault === undefined) return <div class="placeholder" />;
  return (
    <div class="placeholder">
      <p>{fault}</p>
      <Button label="Back to the list" icon="back" onPress={close} />
    </div>
  );
}
