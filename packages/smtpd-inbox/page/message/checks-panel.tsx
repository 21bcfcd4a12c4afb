/** What others would say of the message: strict receivers, mail programs, people with a screen reader, and those who check signatures. */

import type { Authentication, Compatibility, Finding, Message } from '../../src/api/model.js';
import { plural } from '../list/entry-text.js';
import { FindingList } from './finding-list.js';
import { formatShare } from './format.js';
import { Icon } from '../ui/icon.js';
import { Loaded } from './loaded.js';
import { messageJSON, useLoaded } from './message-data.js';
import { MailLink } from './mail-link.js';
import { goTo } from './place.js';

export function ChecksPanel({ message }: { readonly message: Message }) {
  const { id } = message.entry;
  const hasHTML = message.html !== undefined;
  return (
    <div class="msg-scroll msg-checks">
      {message.faults.length > 0 ? (
        <section class="msg-check">
          <h3>Reading the message</h3>
          <ul class="msg-faults">
            {message.faults.map((fault) => (
              <li key={fault}>{fault}</li>
            ))}
          </ul>
        </section>
      ) : null}
      <Lint id={id} />
      <AuthenticationCheck id={id} />
      {hasHTML ? (
        <>
          <CompatibilityCheck id={id} />
          <Accessibility id={id} />
        </>
      ) : (
        <section class="msg-check">
          <h3>HTML</h3>
          <p class="msg-soft">The message has none: there is nothing to say of mail programs and accessibility.</p>
        </section>
      )}
    </div>
  );
}

function Lint({ id }: { readonly id: string }) {
  const findings = useLoaded(messageJSON<Finding[]>(id, 'lint'));
  return (
    <section class="msg-check">
      <h3>Strict receivers</h3>
      <Loaded of={findings} what="what strict receivers say">
        {(value) => <FindingList findings={value} none="A strict receiver has nothing to say." />}
      </Loaded>
    </section>
  );
}

function Accessibility({ id }: { readonly id: string }) {
  const findings = useLoaded(messageJSON<Finding[]>(id, 'accessibility'));
  return (
    <section class="msg-check">
      <h3>Accessibility</h3>
      <Loaded of={findings} what="what accessibility asks for">
        {(value) => (
          <FindingList findings={value} none="Nothing stands in a reader’s way that can be found without one." />
        )}
      </Loaded>
    </section>
  );
}

function AuthenticationCheck({ id }: { readonly id: string }) {
  const authentication = useLoaded(messageJSON<Authentication>(id, 'authentication'));
  return (
    <section class="msg-check">
      <h3>Authentication</h3>
      <Loaded of={authentication} what="SPF, DKIM, DMARC and ARC">
        {({ state, checks }) =>
          state === 'done' && checks.length > 0 ? (
            <ul class="msg-auth">
              {checks.map(({ method, result, text, domain, selector }, at) => (
                <li key={at}>
                  <span class="msg-auth-method">{method.toUpperCase()}</span>
                  <span class={`msg-result msg-result-${RESULT_KINDS[result] ?? 'none'}`}>{result}</span>
                  <span class="msg-auth-text">
                    {text}
                    {domain === undefined ? null : (
                      <code>
                        {selector === undefined ? '' : `${selector}._domainkey.`}
                        {domain}
                      </code>
                    )}
                  </span>
                </li>
              ))}
            </ul>
          ) : (
            <p class="msg-soft">{AUTHENTICATION_STATES[state]}</p>
          )
        }
      </Loaded>
    </section>
  );
}

function CompatibilityCheck({ id }: { readonly id: string }) {
  const compatibility = useLoaded(messageJSON<Compatibility>(id, 'compatibility'));
  return (
    <section class="msg-check">
      <h3>Mail programs</h3>
      <Loaded of={compatibility} what="what mail programs make of it">
        {(value) => <CompatibilityList compatibility={value} />}
      </Loaded>
    </section>
  );
}

function CompatibilityList({ compatibility }: { readonly compatibility: Compatibility }) {
  const { supported, partly, unsupported, features, dataDate } = compatibility;
  const shares = [
    { kind: 'good', text: 'supported', share: supported },
    { kind: 'warn', text: 'in part', share: partly },
    { kind: 'bad', text: 'not supported', share: unsupported },
  ];
  return (
    <>
      <div class="msg-phase-bar" aria-hidden="true">
        {shares.map(({ kind, share }) => (
          <span
            key={kind}
            class={`msg-phase msg-share-${kind}`}
            ref={(element) => {
              if (element !== null) element.style.flexGrow = String(share);
            }}
          />
        ))}
      </div>
      <dl class="msg-phase-names">
        {shares.map(({ kind, text, share }) => (
          <div key={kind}>
            <dt>
              <span class={`msg-swatch msg-share-${kind}`} />
              {text}
            </dt>
            <dd>{formatShare(share)}</dd>
          </div>
        ))}
      </dl>
      {features.length === 0 ? (
        <p class="msg-agree">
          <Icon name="check" />
          Every program that was tested shows all of it.
        </p>
      ) : (
        <ul>
          {features.map((feature) => (
            <Feature key={feature.slug} feature={feature} />
          ))}
        </ul>
      )}
      <p class="msg-soft">By the data of caniemail.com of {dataDate}, kept with this program.</p>
    </>
  );
}

function Feature({ feature }: { readonly feature: Compatibility['features'][number] }) {
  const { title, url, lines, unsupported, partly, notes } = feature;
  return (
    <li class="msg-feature">
      <details>
        <summary>
          <span class="msg-feature-title">{title}</span>
          {unsupported.length > 0 ? <span class="msg-result msg-result-bad">not in {unsupported.length}</span> : null}
          {partly.length > 0 ? <span class="msg-result msg-result-warn">in part in {partly.length}</span> : null}
        </summary>
        {unsupported.length > 0 ? (
          <p>
            <b>Not supported:</b> {unsupported.join(', ')}
          </p>
        ) : null}
        {partly.length > 0 ? (
          <p>
            <b>In part:</b> {partly.join(', ')}
          </p>
        ) : null}
        {notes.map((note) => (
          <p key={note} class="msg-soft">
            {note}
          </p>
        ))}
        <p>
          <MailLink url={url}>More at caniemail.com</MailLink>
        </p>
      </details>
      <p class="msg-finding-source">
        {lines.slice(0, LINES_SHOWN).map((line) => (
          <button
            key={line}
            type="button"
            class="msg-line-link"
            onClick={() => {
              goTo({ tab: 'source', line });
            }}
          >
            line {line}
          </button>
        ))}
        {lines.length > LINES_SHOWN ? <span>and {plural(lines.length - LINES_SHOWN, 'more line')}</span> : null}
      </p>
    </li>
  );
}

const AUTHENTICATION_STATES = {
  done: 'There is nothing to check: no signature, and no domain to ask about.',
  off: 'Not checked: DNS is off, so that no mail makes this server ask anybody anything, and no key was supplied.',
  missing: 'Not checked: the package mailauth is not installed. Run npm install mailauth, and start the inbox again.',
} as const satisfies Record<Authentication['state'], string>;
/** RFC 8601 §2.7: the results, by what they mean for the mail. */
const RESULT_KINDS: Readonly<Record<string, 'good' | 'warn' | 'bad'>> = {
  pass: 'good',
  fail: 'bad',
  softfail: 'warn',
  policy: 'warn',
  neutral: 'warn',
  temperror: 'warn',
  permerror: 'bad',
};
const LINES_SHOWN = 12;
