/** What people open a test mail for: the code to type, the link to follow, the invitation. */

import { useState } from 'preact/hooks';

import type { Code, Link, Message } from '../../src/api/model.js';
import { plural } from '../list/entry-text.js';
import { CopyButton } from '../ui/copy-button.js';
import { Icon } from '../ui/icon.js';
import { linkTarget } from './link-target.js';
import { MailLink } from './mail-link.js';
import { attachmentsOf } from './message-facts.js';
import { isCalendar } from './part-icon.js';
import { goTo } from './place.js';

export function LinksAndCodes({ message }: { readonly message: Message }) {
  const links = distinctLinks(message.links);
  const codes = [...message.codes].sort((one, other) => other.confidence - one.confidence).slice(0, CODES_SHOWN);
  const [isWhole, setWhole] = useState(false);
  const hasCalendar = attachmentsOf(message).some(isCalendar);
  if (links.length === 0 && codes.length === 0 && !hasCalendar) return null;
  const shown = isWhole ? links.slice(0, LINKS_MAX) : links.slice(0, LINKS_SHOWN);
  return (
    <section class="msg-finds" aria-label="Links and codes">
      {codes.map((code) => (
        <CodeChip key={code.code} code={code} />
      ))}
      {hasCalendar ? (
        <button type="button" class="msg-button" onClick={() => goTo({ tab: 'attachments' })}>
          <Icon name="calendar" />
          Calendar
        </button>
      ) : null}
      <ul class={isWhole ? 'msg-links msg-links-whole' : 'msg-links'}>
        {shown.map((link) => (
          <LinkItem key={`${link.url} ${link.text}`} link={link} />
        ))}
      </ul>
      {links.length === 0 ? null : (
        <button
          type="button"
          // Few links are shown anyway, where there is room for them.
          class={`msg-button msg-button-quiet ${links.length > LINKS_SHOWN ? '' : 'msg-links-few'}`}
          aria-expanded={isWhole}
          onClick={() => setWhole(!isWhole)}
        >
          <Icon name={isWhole ? 'chevronUp' : 'chevronDown'} />
          {isWhole ? 'Fewer links' : links.length === 1 ? '1 link' : `All ${plural(links.length, 'link')}`}
        </button>
      )}
      {isWhole && links.length > LINKS_MAX ? <p class="msg-soft">The first {LINKS_MAX} are shown.</p> : null}
    </section>
  );
}

function CodeChip({ code: { code, context } }: { readonly code: Code }) {
  return (
    <span class="msg-code-chip" title={context}>
      <CopyButton text={code} what={`the code ${code}`} class="msg-code-button">
        <code>{code}</code>
      </CopyButton>
    </span>
  );
}

function LinkItem({ link }: { readonly link: Link }) {
  const { host, isFollowable, isMisleading } = linkTarget(link.url, link.text);
  const shown = link.text.trim() === '' || link.text.trim() === link.url ? shortened(link.url) : link.text.trim();
  return (
    <li class={isMisleading ? 'msg-link msg-link-misleading' : 'msg-link'}>
      <Icon name={isMisleading || !isFollowable ? 'warning' : link.in === 'header' ? 'mail' : 'link'} />
      <MailLink url={link.url} text={link.text} class="msg-link-text">
        {shown}
      </MailLink>
      <span class="msg-link-host" title={isMisleading ? 'The link’s text names another host' : undefined}>
        {host}
      </span>
      <CopyButton text={link.url} what={`the link ${shown}`} class="msg-button-bare" />
    </li>
  );
}

/** Each target with each of its texts once. */
function distinctLinks(links: readonly Link[]): readonly Link[] {
  return [...new Map(links.map((link) => [`${link.url} ${link.text}`, link])).values()];
}

/** An address without what everybody knows of it, and not too long. */
function shortened(url: string): string {
  const text = url.replace(/^https?:\/\/(?:www\.)?|^mailto:/i, '').replace(/\/$/, '');
  return text.length > URL_SHOWN ? `${text.slice(0, URL_SHOWN)}…` : text;
}

const CODES_SHOWN = 3;
const LINKS_SHOWN = 3;
const LINKS_MAX = 300;
const URL_SHOWN = 60;
