/**
 * The pane of the open message, or of a session that ended in none: who it is from and to, what can be done with it, and a tab for every way
 * of looking at it.
 */

import { useLayoutEffect, useRef, useState } from 'preact/hooks';

import type { Entry, Message } from '../../src/api/model.js';
import { endText, formatSize } from '../list/entry-text.js';
import { hasDetail } from '../state/preferences.js';
import { route } from '../state/route.js';
import { Actions } from './actions.js';
import { AttachmentsPanel } from './attachments-panel.js';
import { ChecksPanel } from './checks-panel.js';
import { DifferencePanel } from './difference-panel.js';
import { envelopeMismatches } from './envelope-mismatch.js';
import { EnvelopePanel } from './envelope-panel.js';
import { formatMoment } from './format.js';
import { HeadersPanel } from './headers-panel.js';
import { HTMLPanel } from './html-panel.js';
import { Icon } from '../ui/icon.js';
import { LinksAndCodes } from './links-and-codes.js';
import { Loaded } from './loaded.js';
import { messageJSON, useLoaded } from './message-data.js';
import { MessageDetail } from './message-detail.js';
import { attachmentsOf, endpointText, titleOf } from './message-facts.js';
import { PartsPanel } from './parts-panel.js';
import { goTo, parsePlace, type Place, type TabName } from './place.js';
import { RawPanel } from './raw-panel.js';
import { SessionPanel } from './session-panel.js';
import { SourcePanel } from './source-panel.js';
import { type Tab, Tabs } from './tabs.js';
import { TextPanel } from './text-panel.js';
import { TLSPanel } from './tls-panel.js';

import './message.css';

interface MessagePaneProps {
  readonly entry: Entry;
  readonly onClose: () => void;
}

/** Shows one row of the list, whole. */
export function MessagePane({ entry, onClose }: MessagePaneProps) {
  const isMessage = entry.kind === 'message';
  const loading = useLoaded(isMessage ? messageJSON<Message>(entry.id, '') : undefined);
  const message = loading.state === 'ready' ? loading.value : undefined;
  const tabs = isMessage ? messageTabs(entry, message) : SESSION_TABS;
  const place = usePlace(entry.id, tabs, message);
  const [pane, widthPx] = useWidth();
  return (
    <div class="msg-pane" ref={pane}>
      <article class="msg-main" aria-labelledby="message-title">
        <header class="msg-head">
          <div class="msg-title-row">
            <button type="button" class="msg-button-bare msg-back" aria-label="Close" title="Close" onClick={onClose}>
              <Icon name="back" />
            </button>
            <h2 class="msg-title" id="message-title" dir="auto">
              {titleOf(entry)}
            </h2>
            <Actions entry={entry} />
            {widthPx >= DETAIL_WIDTH_MIN ? (
              <button
                type="button"
                class="msg-button msg-button-icon"
                aria-label="Details"
                aria-pressed={hasDetail.value}
                title={hasDetail.value ? 'Hide the details' : 'Show the details'}
                onClick={() => {
                  hasDetail.value = !hasDetail.value;
                }}
              >
                <Icon name="detail" />
              </button>
            ) : null}
          </div>
          <People entry={entry} />
          {entry.parseFault === undefined ? null : (
            <p class="msg-end">
              <Icon name="warning" />
              <span>It could not be read to its end: {entry.parseFault} Its octets are all there.</span>
            </p>
          )}
          {message === undefined ? null : <Unreadable message={message} />}
          {message === undefined ? null : <LinksAndCodes key={entry.id} message={message} />}
        </header>
        <Tabs
          label="Views of the message"
          tabs={tabs}
          chosen={place.tab}
          onChoose={(tab) => {
            goTo({ tab });
          }}
        >
          {isMessage ? (
            <Loaded of={loading} what="the message">
              {(value) => <Panel key={`${entry.id} ${place.tab}`} message={value} place={place} />}
            </Loaded>
          ) : (
            <SessionOnly key={`${entry.id} ${place.tab}`} entry={entry} tab={place.tab} />
          )}
        </Tabs>
      </article>
      {widthPx >= DETAIL_WIDTH_MIN && hasDetail.value ? <MessageDetail entry={entry} /> : null}
    </div>
  );
}

/** How wide an element is, and the `ref` that says which. */
function useWidth(): [(element: HTMLElement | null) => void, number] {
  const [widthPx, setWidthPx] = useState(0);
  const [element, setElement] = useState<HTMLElement | null>(null);
  useLayoutEffect(() => {
    if (element === null) return;
    const read = (): void => {
      setWidthPx(element.clientWidth);
    };
    read();
    const observer = new ResizeObserver(read);
    observer.observe(element);
    return () => {
      observer.disconnect();
    };
  }, [element]);
  return [setElement, widthPx];
}

/** Why there is nothing to be read, where a mail has neither text nor HTML: it may be encrypted, or broken. */
function Unreadable({ message: { text, html, faults } }: { readonly message: Message }) {
  if (text !== undefined || html !== undefined || faults.length === 0) return null;
  return (
    <p class="msg-end">
      <Icon name="warning" />
      <span>{faults.slice(0, FAULTS_TOLD).join(' ')}</span>
    </p>
  );
}

function People({ entry }: { readonly entry: Entry }) {
  const { from, to, cc, date, receivedAt, sizeBytes, tags, session } = entry;
  if (entry.kind === 'session') {
    return (
      <dl class="msg-people">
        <Row name="Client" value={endpointText(session.peer)} />
        <Row name="Ended" value={endText(session)} />
        <div class="msg-when">
          <dt class="visually-hidden">When</dt>
          <dd>
            <time dateTime={receivedAt}>{formatMoment(receivedAt)}</time>
          </dd>
        </div>
      </dl>
    );
  }
  // Whoever is in the envelope, and in neither To nor Cc.
  const blindCopies = envelopeMismatches(entry).find(({ kind }) => kind === 'blindCopy')?.addresses ?? [];
  return (
    <dl class="msg-people">
      <Row name="From" value={from.join(', ')} none="nobody" />
      <Row name="To" value={to.join(', ')} none="nobody" />
      {cc.length === 0 ? null : <Row name="Cc" value={cc.join(', ')} />}
      {blindCopies.length === 0 ? null : <Row name="Bcc" value={blindCopies.join(', ')} />}
      <div class="msg-when">
        <dt class="visually-hidden">Received</dt>
        <dd>
          <time dateTime={receivedAt} title={date === undefined ? 'The message has no date' : `Date: ${date}`}>
            {formatMoment(receivedAt)}
          </time>
          <span>{formatSize(sizeBytes)}</span>
          {tags.map((tag) => (
            <span key={tag} class="msg-tag">
              {tag}
            </span>
          ))}
        </dd>
      </div>
    </dl>
  );
}

function Row({ name, value, none = '' }: { readonly name: string; readonly value: string; readonly none?: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd title={value}>{value === '' ? <span class="msg-soft">{none}</span> : value}</dd>
    </div>
  );
}

function Panel({ message, place: { tab, line, offset } }: { readonly message: Message; readonly place: Place }) {
  const { entry } = message;
  switch (tab) {
    case 'html':
      return <HTMLPanel message={message} />;
    case 'text':
      return <TextPanel message={message} line={line} />;
    case 'source':
      return <SourcePanel message={message} line={line} />;
    case 'headers':
      return <HeadersPanel message={message} />;
    case 'raw':
      return <RawPanel message={message} line={line} offset={offset} />;
    case 'parts':
      return <PartsPanel message={message} />;
    case 'attachments':
      return <AttachmentsPanel message={message} />;
    case 'session':
      return <SessionPanel entry={entry} />;
    case 'tls':
      return <TLSPanel entry={entry} />;
    case 'envelope':
      return <EnvelopePanel entry={entry} headers={message.headers} />;
    case 'checks':
      return <ChecksPanel message={message} />;
    case 'difference':
      return <DifferencePanel message={message} />;
  }
}

/** What there is of a conversation that led to no message. */
function SessionOnly({ entry, tab }: { readonly entry: Entry; readonly tab: TabName }) {
  if (tab === 'tls') return <TLSPanel entry={entry} />;
  return tab === 'envelope' ? <EnvelopePanel entry={entry} headers={[]} /> : <SessionPanel entry={entry} />;
}

/**
 * The place that the address names, or the first that there is something at. From one message to the next the tab stays; the line of the
 * one before means nothing in the next.
 */
function usePlace(id: string, tabs: readonly Tab<TabName>[], message: Message | undefined): Place {
  const named = route.value.tab;
  const last = useRef({ id, named });
  const carried = useRef<string | undefined>(undefined);
  if (last.current.id !== id && last.current.named === named) carried.current = `${id} ${named ?? ''}`;
  last.current = { id, named };

  const place = parsePlace(named);
  if (place !== undefined && tabs.some(({ name }) => name === place.tab)) {
    return carried.current === `${id} ${named ?? ''}` ? { tab: place.tab } : place;
  }
  if (message === undefined) return { tab: tabs[0]?.name ?? 'session' };
  return { tab: tabs.find(({ isEmpty }) => isEmpty !== true)?.name ?? 'raw' };
}

function messageTabs(entry: Entry, message: Message | undefined): readonly Tab<TabName>[] {
  const isRead = message !== undefined;
  const attachments = isRead ? attachmentsOf(message).length : entry.attachmentNames.length;
  return [
    { name: 'html', text: 'HTML', isEmpty: isRead && message.html === undefined },
    { name: 'text', text: 'Text', isEmpty: isRead && message.text === undefined },
    { name: 'source', text: 'Source', isEmpty: isRead && message.html === undefined },
    { name: 'headers', text: 'Headers' },
    { name: 'raw', text: 'Raw' },
    { name: 'parts', text: 'Parts' },
    {
      name: 'attachments',
      text: 'Attachments',
      isEmpty: attachments === 0,
      ...(attachments === 0 ? {} : { count: attachments }),
    },
    { name: 'session', text: 'Session' },
    { name: 'tls', text: 'TLS' },
    { name: 'envelope', text: 'Envelope' },
    { name: 'checks', text: 'Checks' },
    { name: 'difference', text: 'Difference' },
  ];
}

/** With less room the details would take it from the message. */
const DETAIL_WIDTH_MIN = 800;

/** The rest is with the checks. */
const FAULTS_TOLD = 2;

const SESSION_TABS: readonly Tab<TabName>[] = [
  { name: 'session', text: 'Session' },
  { name: 'tls', text: 'TLS' },
  { name: 'envelope', text: 'Envelope' },
];
