/** The facts beside a message, where there is room for them: envelope, session, what the checks found. */

import type { ComponentChildren } from 'preact';

import type { Entry, Finding, Transcript } from '../../src/api/model.js';
import { endText, formatSize, plural } from '../list/entry-text.js';
import { SEVERITIES, SEVERITY_ICONS, summarizeFindings } from './finding-list.js';
import { Facts } from './facts.js';
import { formatDuration, formatMoment } from './format.js';
import { Icon } from '../ui/icon.js';
import { Loaded } from './loaded.js';
import { messageJSON, useLoaded } from './message-data.js';
import { endpointText } from './message-facts.js';
import { goTo, type TabName } from './place.js';

/** The third pane. */
export function MessageDetail({ entry }: { readonly entry: Entry }) {
  const { envelope, session } = entry;
  const isMessage = entry.kind === 'message';
  return (
    <aside class="msg-detail" aria-label="Details">
      <Section title="Envelope" tab="envelope">
        <Facts
          facts={[
            ['From', <code class="msg-wrap">&lt;{envelope.mailFrom}&gt;</code>],
            ['To', <Recipients addresses={envelope.rcptTos} />],
            ['Options', envelope.mailOptions.join(' ')],
          ]}
        />
      </Section>
      <Section title="Session" tab="session">
        <Facts
          facts={[
            ['Client', <code class="msg-wrap">{endpointText(session.peer)}</code>],
            ['Called itself', session.clientName],
            ['Protocol', session.protocol],
            ['AUTH', session.identity?.user],
            ['Lasted', <Duration id={entry.id} />],
            ['Ended', isMessage ? undefined : endText(session)],
          ]}
        />
      </Section>
      <Section title="TLS" tab="tls">
        <p class="msg-detail-line">
          <Icon name={session.tls === undefined ? 'unlocked' : 'lock'} />
          {session.tls === undefined ? 'In clear' : `${session.tls.version}, ${session.tls.cipher}`}
        </p>
      </Section>
      {isMessage ? (
        <>
          <Section title="Checks" tab="checks">
            <Checks id={entry.id} />
          </Section>
          <Section title="Message" tab="raw">
            <Facts
              facts={[
                ['Received', <time dateTime={entry.receivedAt}>{formatMoment(entry.receivedAt)}</time>],
                ['Size', formatSize(entry.sizeBytes)],
                [
                  'Message-ID',
                  entry.messageId === undefined ? undefined : <code class="msg-wrap">{entry.messageId}</code>,
                ],
                [
                  'Attachments',
                  entry.attachmentNames.map((name) => (name === '' ? 'without a name' : name)).join(', '),
                ],
                ['Inbox', entry.inbox],
              ]}
            />
          </Section>
        </>
      ) : null}
    </aside>
  );
}

interface SectionProps {
  readonly title: string;
  readonly tab: TabName;
  readonly children: ComponentChildren;
}

function Section({ title, tab, children }: SectionProps) {
  return (
    <section class="msg-detail-section">
      <h3>
        <button
          type="button"
          class="msg-detail-title"
          onClick={() => {
            goTo({ tab });
          }}
        >
          {title}
        </button>
      </h3>
      {children}
    </section>
  );
}

function Recipients({ addresses }: { readonly addresses: readonly string[] }) {
  if (addresses.length === 0) return <>Nobody</>;
  return (
    <ul>
      {addresses.slice(0, RECIPIENTS_SHOWN).map((address, at) => (
        <li key={at}>
          <code class="msg-wrap">{address}</code>
        </li>
      ))}
      {addresses.length > RECIPIENTS_SHOWN ? (
        <li class="msg-soft">and {addresses.length - RECIPIENTS_SHOWN} more</li>
      ) : null}
    </ul>
  );
}

function Duration({ id }: { readonly id: string }) {
  const transcript = useLoaded(messageJSON<Transcript>(id, 'transcript'));
  if (transcript.state !== 'ready') return <>…</>;
  const { lines } = transcript.value;
  return (
    <>
      {formatDuration(lines.at(-1)?.atMs ?? 0)}, {plural(lines.length, 'line')}
    </>
  );
}

function Checks({ id }: { readonly id: string }) {
  const findings = useLoaded(messageJSON<Finding[]>(id, 'lint'));
  return (
    <Loaded of={findings} what="the checks">
      {(value) => {
        const summary = summarizeFindings(value);
        const worst = SEVERITIES.find((each) => value.some(({ severity }) => severity === each));
        return (
          <p class="msg-detail-line">
            <Icon name={worst === undefined ? 'check' : SEVERITY_ICONS[worst]} />
            {summary ?? 'Nothing to say'}
          </p>
        );
      }}
    </Loaded>
  );
}

const RECIPIENTS_SHOWN = 5;
