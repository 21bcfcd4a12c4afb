/** The links of a mail, in the order in which a reader meets them: of the text, of the HTML, of the header. */

import type { HeaderField, Link } from '../api/model.js';
import { LINKS_MAX } from './bounds.js';
import { attributeOf, readHTML } from './html-tokens.js';

/** What links are looked for in. */
export interface LinkSources {
  readonly text?: string | undefined;
  readonly html?: string | undefined;
  readonly headers: readonly HeaderField[];
}

/** Finds links. The same URL with the same text is listed once. */
export function findLinks({ text, html, headers }: LinkSources): Link[] {
  const links = new Map<string, Link>();
  const add = (link: Link): void => {
    const key = `${link.url}\n${link.text}`;
    if (links.size < LINKS_MAX && !links.has(key)) links.set(key, link);
  };
  if (text !== undefined) linksOfText(text, add);
  if (html !== undefined) linksOfHTML(html, add);
  linksOfHeader(headers, add);
  return [...links.values()];
}

function linksOfText(text: string, add: (link: Link) => void): void {
  const lines = new LineCounter(text);
  for (const match of text.matchAll(URL_IN_TEXT)) {
    const shown = trimEnd(match[0]);
    // A scheme with nothing behind it is no link.
    if (/^(?:[a-z]+:(?:\/\/)?|www\.)$/i.test(shown)) continue;
    const url = /^www\./i.test(shown) ? `http://${shown}` : shown;
    add({ url, text: shown, in: 'text', line: lines.lineAt(match.index) });
  }
}

/** What ends a sentence, or closes what was opened before the URL, is not of it. */
function trimEnd(found: string): string {
  const scheme = /^(?:[a-z]+:(?:\/\/)?)?/i.exec(found)?.[0] ?? '';
  const ascii = ASCII_BEFORE_OTHER_SCRIPTS.exec(found.slice(scheme.length))?.[0];
  const url = ascii === undefined ? found : scheme + ascii;
  // How many of each bracket are closed and were not opened.
  const surplus = new Map(
    [...CLOSERS].map(([closer, opener]) => [closer, countOf(url, closer) - countOf(url, opener)]),
  );
  let end = url.length;
  for (; end > 0; end -= 1) {
    const last = url[end - 1] ?? '';
    const closed = surplus.get(last);
    if (closed !== undefined && closed > 0) surplus.set(last, closed - 1);
    else if (!SENTENCE_ENDS.has(last)) break;
  }
  return url.slice(0, end);
}

function countOf(text: string, character: string): number {
  return text.split(character).length - 1;
}

function linksOfHTML(html: string, add: (link: Link) => void): void {
  let open: { url: string; line: number; pieces: string[]; alternative: string } | undefined;
  const close = (): void => {
    if (open === undefined) return;
    const { url, line, pieces, alternative } = open;
    open = undefined;
    const text = pieces.join('').replace(/\s+/g, ' ').trim();
    add({ url, text: text === '' ? alternative : text, in: 'html', line });
  };
  let isStyle = false;
  readHTML(html, {
    startTag(tag) {
      isStyle = tag.tagName === 'style' || tag.tagName === 'script';
      if (tag.tagName === 'img' && open?.alternative === '') open.alternative = (attributeOf(tag, 'alt') ?? '').trim();
      // A block or a break separates words as a blank does.
      if (tag.tagName !== 'a') {
        if (tag.tagName === 'br') open?.pieces.push(' ');
        if (tag.tagName !== 'area') return;
      }
      close();
      // As browsers do: line ends and tabs in a URL are not of it.
      const url = (attributeOf(tag, 'href') ?? '').replace(/[\t\r\n]/g, '').trim();
      if (url === '' || url.startsWith('#')) return;
      const line = tag.location?.startLine ?? 1;
      if (tag.tagName === 'a') open = { url, line, pieces: [], alternative: '' };
      else add({ url, text: attributeOf(tag, 'alt') ?? '', in: 'html', line });
    },
    endTag(name) {
      if (name === 'style' || name === 'script') isStyle = false;
      if (name === 'a') close();
    },
    text(text) {
      if (!isStyle) open?.pieces.push(text);
    },
  });
  close();
}

/** RFC 2369 and RFC 5064: URLs in angle brackets. */
function linksOfHeader(headers: readonly HeaderField[], add: (link: Link) => void): void {
  for (const { name, value, line } of headers) {
    if (!LINK_FIELDS.has(name.toLowerCase())) continue;
    for (const match of value.matchAll(/<([^<>]*)>/g)) {
      const url = (match[1] ?? '').replace(/\s+/g, '');
      if (/^[a-z][a-z0-9+.-]*:/i.test(url)) add({ url, text: name, in: 'header', line });
    }
  }
}

/** Numbers of lines, asked for in the order of the text. */
class LineCounter {
  readonly #text: string;
  #line = 1;
  /** Where the line ends; looked for once. */
  #end: number;

  constructor(text: string) {
    this.#text = text;
    this.#end = text.indexOf('\n');
  }

  lineAt(index: number): number {
    while (this.#end >= 0 && this.#end < index) {
      this.#line += 1;
      this.#end = this.#text.indexOf('\n', this.#end + 1);
    }
    return this.#line;
  }
}

const URL_IN_TEXT =
  /(?<![\p{Script=Latin}\p{Script=Cyrillic}\p{Script=Greek}\p{N}])(?:https?:\/\/|ftp:\/\/|mailto:|tel:|www\.(?=[a-z0-9]))[^\s<>"“”«»「」『』【】（）\p{Cc}]{1,8192}/giu;
/** Scripts without blanks between words: what follows a URL in US-ASCII there is the sentence going on. */
const ASCII_BEFORE_OTHER_SCRIPTS =
  /^[\x21-\x7e]+(?=[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}\u3000-\u303f\uff00-\uffef])/iu;
const SENTENCE_ENDS = new Set('.,;:!?\'"*_~…。、，');
const CLOSERS: ReadonlyMap<string, string> = new Map([
  [')', '('],
  [']', '['],
  ['}', '{'],
]);
const LINK_FIELDS = new Set([
  'list-unsubscribe',
  'list-subscribe',
  'list-help',
  'list-post',
  'list-owner',
  'list-archive',
  'archived-at',
]);
