/** What protected the mail on its way here, or that nothing did. */

import type { ComponentChildren } from 'preact';

import type { Entry } from '../../src/api/model.js';
import { Facts } from './facts.js';
import { Icon } from '../ui/icon.js';

export function TLSPanel({ entry }: { readonly entry: Entry }) {
  const { tls, identity, protocol } = entry.session;
  if (tls === undefined) {
    return (
      <div class="msg-scroll">
        <section class="msg-card msg-card-warn">
          <h3>
            <Icon name="unlocked" />
            In clear
          </h3>
          <p>
            The mail came without TLS: whoever is on the way could read and change it
            {identity === undefined ? '.' : ', and could read the password that the client gave.'}
          </p>
          <p class="msg-soft">
            On one machine that is as it should be. For a server elsewhere, let the client use STARTTLS or implicit TLS.
          </p>
          <Facts facts={[['Protocol', protocol]]} />
        </section>
      </div>
    );
  }
  const { clientCertificate: certificate } = tls;
  return (
    <div class="msg-scroll">
      <section class="msg-card msg-card-good">
        <h3>
          <Icon name="lock" />
          {tls.version}
        </h3>
        <Facts
          facts={[
            ['Version', <Code>{tls.version}</Code>],
            ['Cipher', <Code>{tls.cipher}</Code>],
            [
              'Server name (SNI)',
              tls.serverName === undefined ? 'The client named none.' : <Code>{tls.serverName}</Code>,
            ],
            ['ALPN', tls.alpn === undefined ? 'None was agreed on.' : <Code>{tls.alpn}</Code>],
            ['Protocol', protocol === undefined ? undefined : <Code>{protocol}</Code>],
          ]}
        />
        {OLD_VERSIONS.test(tls.version) ? (
          <p class="msg-note">RFC 8996 has withdrawn this version. Let the client speak TLS 1.2 or later.</p>
        ) : null}
      </section>
      <section
        class={
          certificate === undefined
            ? 'msg-card'
            : certificate.isVerified
              ? 'msg-card msg-card-good'
              : 'msg-card msg-card-warn'
        }
      >
        <h3>Client certificate</h3>
        {certificate === undefined ? (
          <p class="msg-soft">The client showed none.</p>
        ) : (
          <Facts
            facts={[
              [
                'Verified',
                certificate.isVerified
                  ? 'Yes'
                  : `No${certificate.verifyError === undefined ? '' : `: ${certificate.verifyError}`}`,
              ],
              ['Common name', certificate.commonName],
              ['Names', certificate.subjectAltNames.join(', ')],
              ['SHA-256', <Code>{certificate.fingerprint256}</Code>],
            ]}
          />
        )}
      </section>
    </div>
  );
}

function Code({ children }: { readonly children: ComponentChildren }) {
  return <code class="msg-wrap">{children}</code>;
}

const OLD_VERSIONS = /^(?:SSLv|TLSv1(?:\.[01])?$)/;
