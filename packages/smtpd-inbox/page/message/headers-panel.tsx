/** The header: every field in order, decoded and as it stands. */

import { useState } from 'preact/hooks';

import type { HeaderField, Message } from '../../src/api/model.js';
import { plural } from '../list/entry-text.js';
import { Choice } from './choice.js';
import { CopyButton } from '../ui/copy-button.js';
import { goTo } from './place.js';

export function HeadersPanel({ message }: { readonly message: Message }) {
  const [view, setView] = useState<View>(() => READER.view);
  const [filter, setFilter] = useState('');
  const { headers } = message;
  const wanted = filter.trim().toLowerCase();
  const shown = headers.filter(
    ({ name, value, raw }) => `${name}: ${value}`.toLowerCase().includes(wanted) || raw.toLowerCase().includes(wanted),
  );
  return (
    <div class="msg-scroll">
      <div class="msg-bar">
        <Choice
          label="Values"
          value={view}
          options={VIEWS}
          onChoose={(chosen) => {
            setView(chosen);
            READER.view = chosen;
          }}
        />
        <input
          class="msg-input msg-grow"
          type="search"
          placeholder="Filter names and values"
          aria-label="Filter the fields"
          value={filter}
          onInput={(event) => {
            setFilter(event.currentTarget.value);
          }}
        />
        <CopyButton
          class="msg-button"
          text={headers.map((field) => rawField(field)).join('')}
          what="the header as it stands"
        >
          Copy
        </CopyButton>
      </div>
      {shown.length === 0 ? (
        <p class="msg-empty">
          {headers.length === 0 ? 'The message has no header.' : `None of ${plural(headers.length, 'field')} has that.`}
        </p>
      ) : (
        <div
          class={`msg-table-box msg-headers msg-headers-${view}`}
          tabIndex={0}
          role="region"
          aria-label="Header fields"
        >
          <table class="msg-table">
            <thead>
              <tr>
                <th scope="col" class="msg-number">
                  Line
                </th>
                <th scope="col">Name</th>
                {view === 'raw' ? null : <th scope="col">Decoded</th>}
                {view === 'decoded' ? null : <th scope="col">As it stands</th>}
              </tr>
            </thead>
            <tbody>
              {shown.map((field) => (
                <Field key={field.line} field={field} view={view} />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </div>
  );
}

function Field({ field, view }: { readonly field: HeaderField; readonly view: View }) {
  return (
    <tr>
      <td class="msg-number">
        <button
          type="button"
          class="msg-line-link"
          aria-label={`Line ${field.line} of the raw message`}
          onClick={() => {
            goTo({ tab: 'raw', line: field.line });
          }}
        >
          {field.line}
        </button>
      </td>
      <th scope="row" class="msg-field-name">
        {field.name}
      </th>
      {view === 'raw' ? null : <td class="msg-field-value">{field.value}</td>}
      {view === 'decoded' ? null : (
        <td>
          <code class="msg-field-raw">{rawValue(field)}</code>
        </td>
      )}
    </tr>
  );
}

/** The field as it stands, whether or not the server gave it with its name. */
function rawField(field: HeaderField): string {
  const text = hasName(field) ? field.raw : `${field.name}: ${field.raw.replace(/^[ \t]/, '')}`;
  return text.endsWith('\n') ? text : `${text}\r\n`;
}

function rawValue(field: HeaderField): string {
  return (hasName(field) ? field.raw.slice(field.raw.indexOf(':') + 1) : field.raw).replace(/^[ \t]+/, '').trimEnd();
}

function hasName({ name, raw }: HeaderField): boolean {
  return raw.slice(0, name.length).toLowerCase() === name.toLowerCase() && /^[ \t]*:/.test(raw.slice(name.length));
}

type View = 'decoded' | 'raw' | 'both';
const READER: { view: View } = { view: 'decoded' };
const VIEWS = [
  { value: 'decoded', text: 'Decoded' },
  { value: 'raw', text: 'Raw' },
  { value: 'both', text: 'Both' },
] as const;
