/** What the reader can choose, and what the server is. */

import { useId } from 'preact/hooks';

import type { Info } from '../../src/api/model.js';
import { formatSize, plural } from '../list/entry-text.js';
import { toggleNotifications } from '../state/notifications.js';
import { hasNotifications, hasSessions, theme, THEMES, type Theme } from '../state/preferences.js';
import { counts, info } from '../state/server-facts.js';
import { Modal } from '../ui/modal.js';
import { reachableHost } from '../welcome/connect.js';

export function SettingsDialog({ onClose }: { readonly onClose: () => void }) {
  return (
    <Modal title="Settings" size="medium" onClose={onClose}>
      <fieldset class="choices">
        <legend>Colours</legend>
        {THEMES.map((each) => (
          <label key={each}>
            <input type="radio" name="theme" checked={theme.value === each} onChange={() => (theme.value = each)} />
            <span>{THEME_TEXT[each]}</span>
          </label>
        ))}
      </fieldset>
      <Switch
        label="Notifications of new mail"
        note="While the page is in the background"
        isOn={hasNotifications.value}
        onChange={() => void toggleNotifications()}
      />
      <Switch
        label="Sessions without a message"
        note="List connections that ended before a mail was taken"
        isOn={hasSessions.value}
        onChange={() => (hasSessions.value = !hasSessions.value)}
      />
      {info.value === undefined ? <p>The server does not answer.</p> : <ServerFacts info={info.value} />}
    </Modal>
  );
}

interface SwitchProps {
  readonly label: string;
  readonly note: string;
  readonly isOn: boolean;
  readonly onChange: () => void;
}

function Switch({ label, note, isOn, onChange }: SwitchProps) {
  const id = useId();
  return (
    <div class="switch">
      <label for={id}>
        {label}
        <span>{note}</span>
      </label>
      <input id={id} type="checkbox" role="switch" checked={isOn} onChange={onChange} />
    </div>
  );
}

function ServerFacts({ info: { version, smtp, pop3, auth, limits, can, inboxDomain } }: { readonly info: Info }) {
  const facts: readonly (readonly [string, string])[] = [
    ['Version', version],
    ...smtp.map(({ host, port, tls }) => ['SMTP', `${reachableHost(host)}:${String(port)}, ${TLS_TEXT[tls]}`] as const),
    ...(pop3 === undefined ? [] : [['POP3', `${reachableHost(pop3.host)}:${String(pop3.port)}`] as const]),
    ['Login', { off: 'Off', any: 'Any user and password', users: 'Users of inboxes' }[auth]],
    ['Inboxes at', `@<name>.${inboxDomain}`],
    ['Kept', can.keeps ? 'On disk, beyond the process' : 'Until the server stops'],
    ['At most', `${plural(limits.messagesMax, 'message')}, ${formatSize(limits.bytesMax)}${ageText(limits.ageMsMax)}`],
    ['One message', `up to ${formatSize(limits.messageBytesMax)}`],
    [
      'Now',
      counts.value === undefined
        ? '–'
        : `${plural(counts.value.messages, 'message')}, ${formatSize(counts.value.bytes)}`,
    ],
    ['Release to a real server', can.release ? 'Allowed' : 'Off'],
    ['Remote content', can.remoteContent ? 'On request' : 'Off'],
    ['DNS for SPF, DKIM, DMARC', can.dns ? 'Allowed' : 'Off'],
    ['Faults by recipient', can.recipientFaults ? 'On' : 'Off'],
  ];
  return (
    <section class="server-facts" aria-labelledby="server-title">
      <h3 id="server-title">Server</h3>
      <dl class="facts">
        {facts.map(([name, text]) => (
          <div key={name + text}>
            <dt>{name}</dt>
            <dd>{text}</dd>
          </div>
        ))}
      </dl>
      <p>
        <a href="api" target="_blank" rel="noreferrer">
          The API
        </a>
      </p>
    </section>
  );
}

function ageText(ageMsMax: number | undefined): string {
  if (ageMsMax === undefined) return '';
  const hours = ageMsMax / 3_600_000;
  return `, ${hours >= 48 ? plural(Math.round(hours / 24), 'day') : plural(Math.round(hours), 'hour')}`;
}

const THEME_TEXT: Readonly<Record<Theme, string>> = { system: 'As the system', light: 'Light', dark: 'Dark' };
const TLS_TEXT = { off: 'no TLS', offer: 'STARTTLS offered', require: 'STARTTLS required', implicit: 'TLS' } as const;
