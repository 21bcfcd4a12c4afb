/** A row of the list: a message, or a session that ended in none. */

import type { Entry } from '../../src/api/model.js';
import { Icon, type IconName } from '../ui/icon.js';
import { formatSize, marksOf, previewOf, recipientsOf, senderOf, subjectOf, type EntryMark } from './entry-text.js';
import { exactTime, relativeTime } from './time-text.js';

interface MailRowProps {
  readonly entry: Entry;
  readonly now: Date;
  /** Where it stands, in pixels. */
  readonly top: number;
  readonly height: number;
  /** Counted from 1. */
  readonly position: number;
  /** -1 when nobody knows. */
  readonly count: number;
  readonly isWide: boolean;
  readonly isOpen: boolean;
  readonly isAtCursor: boolean;
  readonly isSelected: boolean;
  /** Whether anything is selected. */
  readonly isSelecting: boolean;
}

export function MailRow(props: MailRowProps) {
  const { entry, now, top, height, position, count, isWide, isOpen, isAtCursor, isSelected, isSelecting } = props;
  const time = new Date(entry.receivedAt);
  const ago = relativeTime(time, now);
  const isUnread = !entry.isRead && entry.kind === 'message';
  const classes = [
    'row',
    entry.kind === 'session' ? 'is-session' : '',
    isUnread ? 'is-unread' : '',
    isOpen ? 'is-open' : '',
    isAtCursor ? 'is-at-cursor' : '',
    isSelected ? 'is-selected' : '',
    isSelecting ? 'is-selecting' : '',
  ];
  const tags = entry.tags.slice(0, TAGS_SHOWN);
  const preview = previewOf(entry);
  const recipients = recipientsOf(entry);
  return (
    <div
      role="option"
      id={`row-${entry.id}`}
      data-id={entry.id}
      class={classes.filter((name) => name !== '').join(' ')}
      aria-selected={isSelected}
      aria-current={isOpen ? 'true' : undefined}
      aria-posinset={position}
      aria-setsize={count}
      style={{ transform: `translateY(${String(top)}px)`, height: `${String(height)}px` }}
    >
      <span class="row-check">
        <span class="box">
          <Icon name="check" />
        </span>
        <span class="row-dot" />
        {isUnread ? <span class="visually-hidden">Unread</span> : null}
        {entry.kind === 'session' ? <span class="visually-hidden">Session without a message</span> : null}
      </span>
      <span class="row-sender">
        {entry.kind === 'session' ? <Icon name="plug" /> : null}
        <span class="cut" dir="auto">
          {senderOf(entry)}
        </span>
        {isWide ? null : <Recipients recipients={recipients} />}
      </span>
      {isWide ? (
        <span class="row-recipients-column">
          <Recipients recipients={recipients} />
        </span>
      ) : null}
      <span class="row-subject cut" dir="auto">
        {isWide ? <Tags tags={tags} count={entry.tags.length} /> : null}
        <span class="row-subject-text">{subjectOf(entry)}</span>
        {isWide && preview !== '' ? <span class="row-preview-inline">{preview}</span> : null}
      </span>
      {isWide ? null : (
        <span class="row-preview cut" dir="auto">
          <Tags tags={tags} count={entry.tags.length} />
          {preview}
        </span>
      )}
      <span class="row-marks">
        {marksOf(entry).map(({ kind, text }) => (
          <span key={kind} class={`mark mark-${kind}`} title={text}>
            <Icon name={MARK_ICONS[kind]} />
            <span class="visually-hidden">{text}</span>
          </span>
        ))}
      </span>
      <span class="row-size">{entry.kind === 'session' ? '' : formatSize(entry.sizeBytes)}</span>
      <time class="row-time" dateTime={entry.receivedAt} title={exactTime(time)}>
        {ago}
      </time>
    </div>
  );
}

/** Whom it went to: the first, and how many besides. */
function Recipients({ recipients }: { readonly recipients: readonly string[] }) {
  const [first] = recipients;
  if (first === undefined) return null;
  const others = recipients.length - 1;
  return (
    <span class="row-recipients" title={recipients.slice(0, RECIPIENTS_TOLD).join(', ')}>
      to&nbsp;<span class="cut">{first}</span>
      {others > 0 ? <span>&nbsp;+{others}</span> : null}
    </span>
  );
}

function Tags({ tags, count }: { readonly tags: readonly string[]; readonly count: number }) {
  return (
    <>
      {tags.map((tag) => (
        <span key={tag} class="chip" dir="auto">
          {tag}
        </span>
      ))}
      {count > tags.length ? (
        <span class="chip" dir="ltr">
          +{count - tags.length}
        </span>
      ) : null}
    </>
  );
}

const MARK_ICONS: Readonly<Record<EntryMark['kind'], IconName>> = {
  attachment: 'attachment',
  tls: 'lock',
  auth: 'key',
  fault: 'warning',
};
const TAGS_SHOWN = 2;
const RECIPIENTS_TOLD = 20;
