/** How to make a program send its mail here: the addresses, and settings to copy. */

import { useState } from 'preact/hooks';

import type { Info } from '../../src/api/model.js';
import { CopyButton } from '../ui/copy-button.js';
import { Tabs } from '../ui/tabs.js';
import { clientSettings, type ClientName, type MailTarget } from './client-settings.js';

interface ConnectProps {
  readonly info: Info;
  /** Whose mail it shall be; absent for everybody's. */
  readonly credentials?: { readonly user: string; readonly password: string };
}

export function Connect({ info, credentials }: ConnectProps) {
  const [chosen, choose] = useState<ClientName>('nodemailer');
  const [address] = info.smtp;
  if (address === undefined) return <p>This server takes no mail by SMTP.</p>;
  const target: MailTarget = {
    ...address,
    host: reachableHost(address.host),
    ...(credentials === undefined ? {} : { credentials }),
  };
  const settings = clientSettings(target);
  const shown = settings.find(({ name }) => name === chosen);
  return (
    <div class="connect">
      <dl class="facts">
        {info.smtp.map(({ host, port, tls }) => (
          <div key={`${host}:${String(port)}`}>
            <dt>SMTP</dt>
            <dd>
              <code>{`${reachableHost(host)}:${String(port)}`}</code> <span>{TLS_TEXT[tls]}</span>
            </dd>
          </div>
        ))}
        <div>
          <dt>Login</dt>
          <dd>
            {credentials === undefined ? (
              AUTH_TEXT[info.auth]
            ) : (
              <>
                <code>{credentials.user}</code> with <code>{credentials.password}</code>
              </>
            )}
          </dd>
        </div>
        {info.pop3 === undefined ? null : (
          <div>
            <dt>POP3</dt>
            <dd>
              <code>{`${reachableHost(info.pop3.host)}:${String(info.pop3.port)}`}</code>
            </dd>
          </div>
        )}
      </dl>
      <Tabs
        label="Programs"
        tabs={settings.map(({ name, label }) => ({ name, label }))}
        chosen={chosen}
        onChoose={choose}
      >
        {shown === undefined ? null : (
          <figure class="code">
            <figcaption>
              <span>{shown.place}</span>
              <CopyButton text={shown.code} what={`the settings for ${shown.label}`} />
            </figcaption>
            <pre tabIndex={0}>{shown.code}</pre>
          </figure>
        )}
      </Tabs>
    </div>
  );
}

/** A server that listens everywhere is reached where its page is. */
export function reachableHost(host: string): string {
  return ['0.0.0.0', '::', ''].includes(host) ? location.hostname.replace(/^\[(.*)\]$/, '$1') : host;
}

const TLS_TEXT: Readonly<Record<MailTarget['tls'], string>> = {
  off: 'without TLS',
  offer: 'with STARTTLS, if the client wants it',
  require: 'only with STARTTLS',
  implicit: 'with TLS from the beginning',
};
const AUTH_TEXT: Readonly<Record<Info['auth'], string>> = {
  off: 'None: a client that logs in is refused',
  any: 'None needed; every user and password is taken',
  users: 'User and password of an inbox',
};
