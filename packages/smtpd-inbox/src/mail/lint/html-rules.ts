/** What receivers make of the HTML besides how it looks: clipping, tricks with links, what watches its reader, what is thrown away. */

import {
  attribute,
  lineOfElement,
  OPTIONAL_END_ELEMENTS,
  tagsOf,
  textOf,
  VOID_ELEMENTS,
  type HTMLElement,
} from '../html-document.js';
import type { HTMLFacts } from './html-facts.js';
import { fieldOf } from './raw-message.js';
import { counted, quote, type LintMail, type LintRule, type Spot } from './rule.js';

export const HTML_RULES: readonly LintRule[] = [
  {
    id: 'html-clipped',
    severity: 'warning',
    source: 'Gmail clips at 102 KB',
    objection: 'The HTML has more than 102 KB.',
    *find({ htmlParts }) {
      for (const { sizeBytes, part } of htmlParts) {
        if (sizeBytes <= CLIP_SIZE) continue;
        yield {
          text: `The HTML has ${counted(sizeBytes, 'octet')}; Gmail shows the first 102 KB and hides the rest, the link to unsubscribe among it. Make it smaller.`,
          line: part.bodyLine + 1,
        };
      }
    },
  },
  {
    id: 'images-only',
    severity: 'warning',
    source: 'Practice',
    objection: 'The HTML has pictures from the web and no text.',
    *find({ htmlParts }) {
      for (const { document } of htmlParts) {
        const images = document.named('img').filter(isRemote);
        const [body] = document.named('body');
        const [first] = images;
        if (first === undefined || (body !== undefined && textOf(body, 200) !== '')) continue;
        yield spotAt(
          first,
          'The HTML is pictures from the web without a word: who does not load them sees nothing, and filters distrust it. Write the text as text.',
        );
      }
    },
  },
  {
    id: 'tracking-pixel',
    severity: 'note',
    source: 'Practice',
    objection: 'A picture from the web that nobody sees.',
    *find({ htmlParts }) {
      for (const { document } of htmlParts) {
        for (const image of document.named('img')) {
          if (!isRemote(image) || !isInvisible(image)) continue;
          yield spotAt(
            image,
            `A picture that nobody sees is loaded from ${quote(hostOf(attribute(image, 'src') ?? '') ?? '')}: it tells when the mail is opened. Apple Mail and Gmail load it for everybody.`,
          );
        }
      }
    },
  },
  {
    id: 'link-shows-other-domain',
    severity: 'warning',
    source: 'Practice',
    objection: 'The text of a link is an address, and the link goes to another domain.',
    *find({ htmlParts }) {
      for (const { document } of htmlParts) {
        for (const link of document.named('a')) {
          const goes = hostOf(attribute(link, 'href') ?? '');
          const shown = shownHost(textOf(link, 300));
          if (goes === undefined || shown === undefined || isSameSite(goes, shown)) continue;
          yield spotAt(
            link,
            `The link shows ${quote(shown)} and goes to ${quote(goes)}, as phishing does. Show where it goes, or words instead of an address.`,
            'href',
          );
        }
      }
    },
  },
  {
    id: 'link-over-http',
    severity: 'note',
    source: 'Practice',
    objection: 'A link or a picture has an http address.',
    *find({ htmlParts }) {
      for (const { document } of htmlParts) {
        for (const element of document.elements) {
          for (const name of ['href', 'src']) {
            if (!/^\s*http:/i.test(attribute(element, name) ?? '')) continue;
            yield spotAt(element, `${quote(attribute(element, name) ?? '')} goes unencrypted. Use https.`, name);
          }
        }
      }
    },
  },
  {
    id: 'relative-address',
    severity: 'error',
    source: 'RFC 2557 §5',
    objection: 'A link or a picture has a relative address, and a mail has no place that it is relative to.',
    *find(mail) {
      for (const { document } of mail.htmlParts) {
        if (document.named('base').length > 0 || fieldOf(mail.message.root, 'content-base') !== undefined) continue;
        for (const element of document.elements) {
          for (const name of ['href', 'src', 'background']) {
            const value = attribute(element, name)?.trim();
            if (value === undefined || value === '' || value.startsWith('#') || /^[a-z][a-z0-9+.-]*:/i.test(value))
              continue;
            // The addresses of template languages were not filled in, which is worth the same words.
            yield spotAt(
              element,
              `${quote(value)} is relative, and nothing in a mail says to what. Write the whole address.`,
              name,
            );
          }
        }
      }
    },
  },
  {
    id: 'missing-inline-part',
    severity: 'error',
    source: 'RFC 2392 §2',
    objection: 'The HTML shows a part (cid:) that the message does not have.',
    *find(mail) {
      const ids = new Set(contentIds(mail));
      for (const { document } of mail.htmlParts) {
        for (const element of document.elements) {
          for (const name of ['src', 'href', 'background']) {
            const id = /^\s*cid:(.*)$/is.exec(attribute(element, name) ?? '')?.[1]?.trim();
            if (id === undefined || ids.has(id) || ids.has(percentDecoded(id))) continue;
            yield spotAt(
              element,
              `No part has the Content-ID ${quote(`<${id}>`)} that is shown here. Attach it, or correct the name.`,
              name,
            );
          }
        }
      }
    },
  },
  {
    id: 'active-content',
    severity: 'warning',
    source: 'Practice',
    objection: 'The HTML has what every mail program takes out: scripts, frames, forms’ targets, plug-ins.',
    *find({ htmlParts }) {
      for (const { document } of htmlParts) {
        for (const element of document.elements) {
          if (ACTIVE_ELEMENTS.has(element.tagName)) {
            yield spotAt(
              element,
              `Mail programs take <${element.tagName}> out, and filters distrust it. Leave it out.`,
            );
            continue;
          }
          const handler = element.attrs.find(({ name }) => /^on[a-z]+$/.test(name));
          if (handler !== undefined) {
            yield spotAt(element, `Mail programs take the attribute ${handler.name} out. Leave it out.`, handler.name);
          } else if (/^\s*javascript:/i.test(attribute(element, 'href') ?? '')) {
            yield spotAt(element, 'Mail programs take a javascript: link out. Leave it out.', 'href');
          }
        }
      }
    },
  },
  {
    id: 'unbalanced-tag',
    severity: 'warning',
    source: 'Outlook lays such mail out otherwise',
    objection: 'An element is opened and not closed, or closed and not opened.',
    *find({ htmlParts }) {
      for (const part of htmlParts) yield* unbalancedTags(part);
    },
  },
];

function spotAt(element: HTMLElement, text: string, attributeName?: string): Spot {
  return { text, line: lineOfElement(element, attributeName), in: 'html' };
}

function isRemote(element: HTMLElement): boolean {
  return /^\s*(?:https?:)?\/\//i.test(attribute(element, 'src') ?? '');
}

function isInvisible(image: HTMLElement): boolean {
  const style = (attribute(image, 'style') ?? '').toLowerCase();
  const sizes = ['width', 'height'].map((name) => {
    const given = attribute(image, name) ?? new RegExp(`(?:^|[;\\s])${name}\\s*:\\s*(\\d+)`).exec(style)?.[1];
    return given === undefined ? undefined : Number.parseInt(given, 10);
  });
  if (sizes.every((size) => size !== undefined && size <= 1)) return true;
  return /(?:^|[;\s])(?:display\s*:\s*none|visibility\s*:\s*hidden|opacity\s*:\s*0(?:[;\s]|$))/.test(style);
}

function hostOf(url: string): string | undefined {
  const trimmed = url.trim();
  if (!/^(?:https?:)?\/\//i.test(trimmed)) return undefined;
  try {
    return new URL(trimmed, 'https://invalid/').hostname;
  } catch {
    return undefined;
  }
}

/** The host, if the text is an address and nothing else. */
function shownHost(text: string): string | undefined {
  const match = /^(?:https?:\/\/)?((?:[a-z0-9-]{1,63}\.){1,10}[a-z]{2,24})(?::\d{1,5})?(?:[/?#]\S*)?$/i.exec(text);
  const host = match?.[1]?.toLowerCase();
  // `report.pdf` is a file.
  return host === undefined || (!text.includes('/') && FILE_ENDINGS.test(host)) ? undefined : host;
}

/** Whether both are one domain, or one is below the other. */
function isSameSite(first: string, second: string): boolean {
  const [a, b] = [first, second].map((host) => host.replace(/^www\./, ''));
  return a === b || a?.endsWith(`.${b ?? ''}`) === true || b?.endsWith(`.${a ?? ''}`) === true;
}

function* contentIds({ message }: LintMail): Iterable<string> {
  for (const part of message.parts) {
    const value = fieldOf(part, 'content-id')?.value;
    if (value !== undefined) yield value.replace(/^\s*<|>\s*$/g, '');
  }
}

function percentDecoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/**
 * Tags without their partners. The tree does not show them, since its making mends them; so the tags are read as they stand. What stands in
 * a comment, the conditional comments of Outlook among it, does not count.
 */
function* unbalancedTags({ html, lineOf, document }: HTMLFacts): Iterable<Spot> {
  // Of what was cut, the rest would be missing.
  if (document.cuts.length > 0) return;
  const open: { name: string; at: number }[] = [];
  const counts = new Map<string, number>();
  for (const { name, isEnd, isSelfClosing, at } of tagsOf(html)) {
    if (VOID_ELEMENTS.has(name) || name.includes(':')) continue;
    if (!isEnd) {
      if (isSelfClosing) continue;
      open.push({ name, at });
      counts.set(name, (counts.get(name) ?? 0) + 1);
      continue;
    }
    if ((counts.get(name) ?? 0) === 0) {
      yield { text: `</${name}> closes nothing. Take it out, or open it.`, line: lineOf(at), in: 'html' };
      continue;
    }
    for (let last = open.pop(); last !== undefined; last = open.pop()) {
      counts.set(last.name, (counts.get(last.name) ?? 1) - 1);
      if (last.name === name) break;
      if (!OPTIONAL_END_ELEMENTS.has(last.name) || TABLE_ELEMENTS.has(last.name)) {
        yield {
          text: `<${last.name}> is not closed before </${name}> in line ${String(lineOf(at))}. Close it.`,
          line: lineOf(last.at),
          in: 'html',
        };
      }
    }
  }
  for (const { name, at } of open) {
    if (OPTIONAL_END_ELEMENTS.has(name) && !TABLE_ELEMENTS.has(name)) continue;
    yield { text: `<${name}> is never closed. Close it.`, line: lineOf(at), in: 'html' };
  }
}

const CLIP_SIZE = 102 * 1_024;
const ACTIVE_ELEMENTS: ReadonlySet<string> = new Set([
  'script',
  'iframe',
  'frame',
  'frameset',
  'object',
  'embed',
  'applet',
]);
/** Their end tags may be left out in HTML; Outlook minds. */
const TABLE_ELEMENTS: ReadonlySet<string> = new Set(['td', 'th', 'tr']);
const FILE_ENDINGS = /\.(?:pdf|docx?|xlsx?|pptx?|zip|png|jpe?g|gif|txt|csv|html?|md|js|ts|py|rb|sh|net|io)$/i;
