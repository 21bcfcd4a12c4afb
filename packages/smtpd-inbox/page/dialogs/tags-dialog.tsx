/** Adds tags to messages, and takes others away. */

import { useState } from 'preact/hooks';

import { tag } from '../state/actions.js';
import { findEntry } from '../state/entry-list.js';
import { list } from '../state/mailbox.js';
import { Button } from '../ui/button.js';
import { Icon } from '../ui/icon.js';
import { Modal } from '../ui/modal.js';

export function TagsDialog({ ids, onClose }: { readonly ids: readonly string[]; readonly onClose: () => void }) {
  const [text, setText] = useState('');
  const entries = ids.flatMap((id) => findEntry(list.value, id) ?? []);
  const present = [...new Set(entries.flatMap(({ tags }) => tags))].sort();
  const known = [...new Set(list.value.entries.slice(0, KNOWN_ENTRIES).flatMap(({ tags }) => tags))].sort();
  const add = (event: Event) => {
    event.preventDefault();
    // One tag, or several between commas.
    const tags = text.split(',').flatMap((each) => (each.trim() === '' ? [] : [each.trim()]));
    if (tags.length === 0) onClose();
    else void tag(ids, { add: tags });
    setText('');
  };
  return (
    <Modal
      title={ids.length === 1 ? 'Tags' : `Tags of ${ids.length.toLocaleString('en')} messages`}
      size="small"
      onClose={onClose}
    >
      <form onSubmit={add}>
        <label class="field">
          <span>Add a tag</span>
          <input
            type="text"
            autofocus
            autocomplete="off"
            list="known-tags"
            maxLength={100}
            value={text}
            onInput={(event) => setText(event.currentTarget.value)}
          />
        </label>
        <datalist id="known-tags">
          {known.map((each) => (
            <option key={each} value={each} />
          ))}
        </datalist>
        <ul class="tags-present" aria-label="Tags">
          {present.map((each) => (
            <li key={each}>
              <button
                type="button"
                class="chip chip-button"
                title={`Take ${each} away`}
                aria-label={`Take ${each} away`}
                onClick={() => void tag(ids, { remove: [each] })}
              >
                {each}
                <Icon name="close" />
              </button>
            </li>
          ))}
        </ul>
        <div class="modal-foot">
          <Button label="Close" onPress={onClose} />
          <button type="submit" class="button button-main">
            <span>Add</span>
          </button>
        </div>
      </form>
    </Modal>
  );
}

const KNOWN_ENTRIES = 500;
