/** An inbox of one's own: made, looked into, emptied, taken away. */

import { useState } from 'preact/hooks';

import type { NewInbox } from '../../src/api/model.js';
import { createInbox, reasonOf } from '../api.js';
import { exactTime } from '../list/time-text.js';
import { dropInbox, removeAll } from '../state/actions.js';
import { showDialog } from '../state/dialogs.js';
import { narrow } from '../state/route.js';
import { counts, info, inboxes, loadCounts, loadInboxes } from '../state/server-facts.js';
import { Button } from '../ui/button.js';
import { CopyButton } from '../ui/copy-button.js';
import { Failure } from '../ui/failure.js';
import { Modal } from '../ui/modal.js';
import { Connect } from '../welcome/connect.js';
import { plural } from '../list/entry-text.js';

export function NewInboxDialog({ onClose }: { readonly onClose: () => void }) {
  const [name, setName] = useState('');
  const [hours, setHours] = useState('');
  const [fault, setFault] = useState<string>();
  const create = async () => {
    const wanted: NewInbox = {
      ...(name.trim() === '' ? {} : { name: name.trim() }),
      ...(hours === '' ? {} : { ttlSeconds: Math.round(Number(hours) * 3600) }),
    };
    try {
      const inbox = await createInbox(wanted);
      await Promise.all([loadInboxes(), loadCounts()]);
      narrow({ inbox: inbox.name, query: '' });
      showDialog({ kind: 'inbox', name: inbox.name });
    } catch (error) {
      setFault(reasonOf(error));
    }
  };
  return (
    <Modal title="New inbox" size="small" onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void create();
        }}
      >
        <p>Mail to its addresses, or from whoever logs in as its user, is in it and nowhere else.</p>
        <label class="field">
          <span>Name</span>
          <input
            type="text"
            autofocus
            autocomplete="off"
            spellcheck={false}
            maxLength={63}
            pattern="[a-z0-9][a-z0-9\-]*"
            title="Small letters, digits and hyphens"
            placeholder="A short one is made up"
            value={name}
            onInput={(event) => setName(event.currentTarget.value)}
          />
        </label>
        <label class="field">
          <span>Goes after (hours)</span>
          <input
            type="number"
            min="0.01"
            max="8760"
            step="any"
            placeholder="Never"
            value={hours}
            onInput={(event) => setHours(event.currentTarget.value)}
          />
        </label>
        <Failure text={fault} />
        <div class="modal-foot">
          <Button label="Cancel" onPress={onClose} />
          <button type="submit" class="button button-main">
            <span>Create</span>
          </button>
        </div>
      </form>
    </Modal>
  );
}

export function InboxDialog({ name, onClose }: { readonly name: string; readonly onClose: () => void }) {
  const inbox = inboxes.value.find((each) => each.name === name);
  if (inbox === undefined) {
    return (
      <Modal title={name} size="small" onClose={onClose}>
        <p>This inbox is gone.</p>
      </Modal>
    );
  }
  const { addressSuffix, tag, user, password, expiresAt } = inbox;
  const count = counts.value?.inboxes[name]?.messages ?? 0;
  const ask = (title: string, text: string, yes: string, run: () => void) =>
    showDialog({ kind: 'confirm', question: { title, text, yes, run } });
  return (
    <Modal title={`Inbox ${name}`} size="large" onClose={onClose}>
      <dl class="facts facts-copy">
        <CopiedFact label="Address" what="the address" text={`anybody${addressSuffix}`} note="any name before the @" />
        <CopiedFact label="Or with" what="the tag" text={tag} note="behind any name, in any domain" />
        <CopiedFact label="User" what="the user" text={user} />
        <CopiedFact label="Password" what="the password" text={password} />
        {expiresAt === undefined ? null : (
          <div>
            <dt>Goes at</dt>
            <dd>{exactTime(new Date(expiresAt))}</dd>
          </div>
        )}
      </dl>
      {info.value === undefined || info.value.auth === 'off' ? null : (
        <Connect info={info.value} credentials={{ user, password }} />
      )}
      <div class="modal-foot">
        <Button
          label="Delete the inbox"
          icon="trash"
          look="danger"
          onPress={() =>
            ask(
              `Delete the inbox ${name}?`,
              `Its address and user stop working, and ${plural(count, 'message')} in it ${count === 1 ? 'goes' : 'go'} with it. This cannot be undone.`,
              'Delete the inbox',
              () => void dropInbox(name),
            )
          }
        />
        <Button
          label="Delete its mail"
          isDisabled={count === 0}
          onPress={() =>
            ask(`Delete the mail in ${name}?`, `This deletes ${plural(count, 'message')}.`, 'Delete all', () => {
              void removeAll({ query: '', inbox: name });
            })
          }
        />
        <span class="bar-space" />
        <Button label="Done" look="main" onPress={onClose} />
      </div>
    </Modal>
  );
}

interface CopiedFactProps {
  readonly label: string;
  readonly what: string;
  readonly text: string;
  readonly note?: string;
}

function CopiedFact({ label, what, text, note }: CopiedFactProps) {
  return (
    <div>
      <dt>{label}</dt>
      <dd>
        <code>{text}</code>
        <CopyButton text={text} what={what} />
        {note === undefined ? null : <span>{note}</span>}
      </dd>
    </div>
  );
}
