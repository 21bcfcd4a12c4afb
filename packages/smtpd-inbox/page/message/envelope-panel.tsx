/** The envelope beside the header: what the servers go by, and what people see. */

import type { ComponentChildren } from 'preact';

import type { Entry, HeaderField } from '../../src/api/model.js';
import { type EnvelopeMismatch, envelopeMismatches } from './envelope-mismatch.js';
import { Facts } from './facts.js';
import { formatCount } from './format.js';
import { Icon } from '../ui/icon.js';
import { endpointText } from './message-facts.js';

interface EnvelopePanelProps {
  readonly entry: Entry;
  readonly headers: readonly HeaderField[];
}

export function EnvelopePanel({ entry, headers }: EnvelopePanelProps) {
  const { envelope, session } = entry;
  const isMessage = entry.kind === 'message';
  const mismatches = isMessage ? envelopeMismatches(entry, headers) : [];
  const fields = (...names: string[]): readonly string[] =>
    headers.filter(({ name }) => names.includes(name.toLowerCase())).map(({ value }) => value);
  const hasSender =
    isMessage || envelope.mailFrom !== '' || envelope.rcptTos.length > 0 || envelope.mailOptions.length > 0;
  return (
    <div class="msg-scroll">
      {mismatches.length > 0 ? (
        <ul class="msg-mismatches" aria-label="Where they differ">
          {mismatches.map((mismatch) => (
            <Mismatch key={mismatch.kind} mismatch={mismatch} />
          ))}
        </ul>
      ) : isMessage ? (
        <p class="msg-agree">
          <Icon name="check" />
          Envelope and header name the same people.
        </p>
      ) : null}
      <div class="msg-columns">
        <section class="msg-card">
          <h3>Envelope</h3>
          <Facts
            facts={[
              [
                'MAIL FROM',
                hasSender ? <Path address={envelope.mailFrom} options={envelope.mailOptions} /> : 'Not said',
              ],
              [
                `${formatCount(envelope.rcptTos.length)} RCPT TO`,
                <List
                  items={envelope.rcptTos.map((address, at) => (
                    <Path address={address} options={envelope.rcptOptions[at] ?? []} />
                  ))}
                  none="Nobody"
                />,
              ],
            ]}
          />
        </section>
        {isMessage ? (
          <section class="msg-card">
            <h3>Header</h3>
            <Facts
              facts={[
                ['From', <List items={fields('from').length > 0 ? fields('from') : entry.from} none="Not there" />],
                ['Sender', fields('sender').join(', ')],
                ['Reply-To', fields('reply-to').join(', ')],
                ['To', <List items={fields('to').length > 0 ? fields('to') : entry.to} none="Not there" />],
                ['Cc', fields('cc').join(', ')],
                ['Bcc', fields('bcc').join(', ')],
                ['Return-Path', fields('return-path').join(', ')],
              ]}
            />
          </section>
        ) : null}
        <section class="msg-card">
          <h3>Connection</h3>
          <Facts
            facts={[
              ['Client', <code>{endpointText(session.peer)}</code>],
              ['Called itself', session.clientName],
              ['Here', session.local === undefined ? undefined : <code>{endpointText(session.local)}</code>],
              ['Protocol', session.protocol],
              [
                'AUTH',
                session.identity === undefined ? undefined : `${session.identity.user} (${session.identity.mechanism})`,
              ],
              ['Acting as', session.identity?.authorizationIdentity],
              ['Inbox', entry.inbox],
            ]}
          />
        </section>
      </div>
    </div>
  );
}

function Mismatch({ mismatch: { kind, addresses, text } }: { readonly mismatch: EnvelopeMismatch }) {
  return (
    <li class="msg-mismatch">
      <Icon name={kind === 'nullSender' || kind === 'blindCopy' ? 'info' : 'warning'} />
      <div>
        <strong>{NAMES[kind]}</strong> {text}
        <div class="msg-addresses">
          {addresses.slice(0, ADDRESSES_SHOWN).map((address) => (
            <code key={address}>{address}</code>
          ))}
          {addresses.length > ADDRESSES_SHOWN ? (
            <span class="msg-soft">and {addresses.length - ADDRESSES_SHOWN} more</span>
          ) : null}
        </div>
      </div>
    </li>
  );
}

function Path({ address, options }: { readonly address: string; readonly options: readonly string[] }) {
  return (
    <div class="msg-path">
      <code class="msg-wrap">&lt;{address}&gt;</code>
      {options.map((option) => (
        <code key={option} class="msg-option">
          {option}
        </code>
      ))}
    </div>
  );
}

function List({ items, none }: { readonly items: readonly ComponentChildren[]; readonly none: string }) {
  if (items.length === 0) return <span class="msg-soft">{none}</span>;
  return (
    <ul>
      {items.slice(0, ITEMS_SHOWN).map((item, at) => (
        <li key={at}>{item}</li>
      ))}
      {items.length > ITEMS_SHOWN ? (
        <li class="msg-soft">and {items.length - ITEMS_SHOWN} more; the session has them all</li>
      ) : null}
    </ul>
  );
}

const NAMES: Readonly<Record<EnvelopeMismatch['kind'], string>> = {
  bccField: 'Bcc in the open.',
  notSent: 'Not sent there.',
  blindCopy: 'Blind copy.',
  senderDomain: 'Another sender.',
  nullSender: 'No return.',
  returnPath: 'Return-Path.',
  repeated: 'Repeated.',
};
const ADDRESSES_SHOWN = 20;
const ITEMS_SHOWN = 500;
