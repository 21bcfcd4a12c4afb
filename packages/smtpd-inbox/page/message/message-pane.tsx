/** Shows one message. */

import { useEffect, useState } from 'preact/hooks';

import type { Entry, Message } from '../../src/api/model.js';
import { getMessage } from '../api.js';

/** The pane of the message that is open. */
export function MessagePane({ entry, onClose }: { readonly entry: Entry; onClose: () => void }) {
  const [message, setMessage] = useState<Message>();
  useEffect(() => {
    const abort = new AbortController();
    setMessage(undefined);
    getMessage(entry.id, abort.signal).then(setMessage, () => undefined);
    return () => abort.abort();
  }, [entry.id]);
  return (
    <article>
      <button type="button" onClick={onClose}>
        Close
      </button>
      <h2>{entry.subject ?? '(no subject)'}</h2>
      <p>{entry.from.join(', ')}</p>
      <pre>{message?.text ?? ''}</pre>
    </article>
  );
}
