/** The attachments: names, types, sizes, downloads; of a calendar, what it says. A picture is shown only if showing it can run nothing. */

import type { Message } from '../../src/api/model.js';
import { formatSize } from '../list/entry-text.js';
import { Icon } from '../ui/icon.js';
import { attachmentsOf } from './message-facts.js';
import { CalendarPart } from './calendar-part.js';
import { partAddress } from './part-content.js';
import { isCalendar, isSafePicture, partIcon } from './part-icon.js';

export function AttachmentsPanel({ message }: { readonly message: Message }) {
  const attachments = attachmentsOf(message);
  const { id } = message.entry;
  if (attachments.length === 0) return <p class="msg-empty">This message has no attachments.</p>;
  return (
    <div class="msg-scroll">
      <ul class="msg-attachments">
        {attachments.map((part) => (
          <li key={part.number} class="msg-attachment">
            <div class="msg-thumb">
              {isSafePicture(part) && part.sizeBytes <= PREVIEW_BYTES_MAX ? (
                <img src={partAddress(id, part, { isInline: true })} alt="" loading="lazy" />
              ) : (
                <Icon name={partIcon(part)} />
              )}
            </div>
            <div class="msg-attachment-text">
              <span class="msg-attachment-name">{part.fileName ?? `Part ${part.number}, without a name`}</span>
              <span class="msg-soft">
                {part.contentType} · {formatSize(part.sizeBytes)}
                {part.role === 'related' ? ' · used by the HTML' : ''}
              </span>
            </div>
            <a
              class="msg-button"
              href={partAddress(id, part, { isInline: false })}
              download={part.fileName ?? true}
              aria-label={`Download ${part.fileName ?? `part ${part.number}`}`}
            >
              <Icon name="download" />
              Download
            </a>
            {isCalendar(part) && part.sizeBytes <= PREVIEW_BYTES_MAX ? <CalendarPart id={id} part={part} /> : null}
          </li>
        ))}
      </ul>
    </div>
  );
}

/** A larger picture costs more to decode than a glance is worth. */
const PREVIEW_BYTES_MAX = 8_000_000;
