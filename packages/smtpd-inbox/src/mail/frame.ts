/**
 * The HTML of a mail as a document for a frame. What keeps a hostile mail in is the frame (`sandbox` without scripts and without the page's
 * origin) and the policy below; the document is made harmless too, so that neither has to hold alone. It looks as it was sent: styles,
 * classes and layout are left as they are, comments are not.
 *
 * Tokens are read and written anew, so that no browser finds a tag where this file found none.
 */

import type { Token } from 'parse5';

import type { Part } from '../api/model.js';
import { RAW_TEXT_ELEMENTS, readHTML } from './html-tokens.js';

/** What a frame’s document refers to, and what it may. */
export interface FrameOptions {
  /** Where a part is, by its Content-ID without brackets; `undefined` when there is none. */
  readonly partURL: (contentId: string) => string | undefined;
  /** Where a part is, by its Content-Location. Default: there are none. */
  readonly locationURL?: (location: string) => string | undefined;
  /** Whether the user asked for what lies elsewhere. */
  readonly isRemoteAllowed: boolean;
}

/** A document for a frame. */
export interface FrameDocument {
  readonly html: string;
  /** What lies elsewhere, each URL once. With `isRemoteAllowed` it is shown, without it is not. */
  readonly remote: { readonly pictures: number; readonly others: number };
  /** Content-IDs that the HTML refers to and that no part has. */
  readonly missing: readonly string[];
}

/**
 * Makes the document.
 *
 * ```ts
 * const { html, remote } = frameDocument('<img src="cid:logo@a.example"><img src="https://b.example/x.png">', {
 *   partURL: (contentId) => (contentId === 'logo@a.example' ? '/parts/2' : undefined),
 *   isRemoteAllowed: false,
 * });
 * // remote: { pictures: 1, others: 0 }
 * ```
 */
export function frameDocument(html: string, options: FrameOptions): FrameDocument {
  const writer = new FrameWriter(options);
  readHTML(html, writer);
  return writer.finish();
}

/** The header fields that the document is sent with. `frame.html` must be sent as UTF-8. */
export function frameHeaders(isRemoteAllowed: boolean): Record<string, string> {
  return {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': framePolicy(isRemoteAllowed),
    // A name that is looked up tells its owner that the mail was opened.
    'x-dns-prefetch-control': 'off',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    'cross-origin-resource-policy': 'same-origin',
  };
}

/**
 * The Content-Security-Policy of the document: no request leaves on account of a mail unless the user asked for it. The pictures that the mail
 * itself has are in the document, as `data:` URLs.
 */
export function framePolicy(isRemoteAllowed: boolean): string {
  const remote = isRemoteAllowed ? ' http: https:' : '';
  return [
    "default-src 'none'",
    `img-src data:${remote}`,
    `media-src data:${remote}`,
    `font-src data:${remote}`,
    `style-src 'unsafe-inline'${remote}`,
    "script-src 'none'",
    "object-src 'none'",
    "frame-src 'none'",
    "form-action 'none'",
    "base-uri 'none'",
    "frame-ancestors 'self'",
    // Whoever opens the document by itself gets no more than the frame does.
    `sandbox ${FRAME_SANDBOX}`,
  ].join('; ');
}

/** What the `sandbox` of the frame has to say: links open in a tab of their own, which is free of it. */
const FRAME_SANDBOX = 'allow-popups allow-popups-to-escape-sandbox';

/** Finds parts for `FrameOptions`. @param urlOf where a part is */
export function partReferences(
  parts: readonly Part[],
  urlOf: (part: Part) => string,
): Required<Pick<FrameOptions, 'partURL' | 'locationURL'>> {
  const byId = new Map<string, Part>();
  const byLocation = new Map<string, Part>();
  for (const part of parts) {
    if (part.contentId !== undefined && !byId.has(part.contentId)) byId.set(part.contentId, part);
    if (part.contentLocation !== undefined && !byLocation.has(part.contentLocation))
      byLocation.set(part.contentLocation, part);
  }
  const find = (parts: ReadonlyMap<string, Part>) => (key: string) => {
    const part = parts.get(key);
    return part === undefined ? undefined : urlOf(part);
  };
  return { partURL: find(byId), locationURL: find(byLocation) };
}

/** Writes the document token by token. */
class FrameWriter {
  readonly #options: FrameOptions;
  readonly #pieces: string[] = [];
  readonly #pictures = new Set<string>();
  readonly #others = new Set<string>();
  readonly #missing = new Set<string>();
  /** The element around here that is left out with all that is in it. */
  #omitted: string | undefined;
  #isStyle = false;
  #hasBegun = false;

  constructor(options: FrameOptions) {
    this.#options = options;
  }

  finish(): FrameDocument {
    this.#begin();
    return {
      html: this.#pieces.join(''),
      remote: { pictures: this.#pictures.size, others: this.#others.size },
      missing: [...this.#missing],
    };
  }

  doctype({ name, publicId, systemId }: Token.DoctypeToken): void {
    // Anything before it and a browser does not heed it; with it or without it, the layout differs.
    if (this.#hasBegun) return;
    const ids =
      publicId === null ? (systemId === null ? '' : ` SYSTEM ${quoted(systemId)}`) : ` PUBLIC ${quoted(publicId)}`;
    const system = publicId !== null && systemId !== null ? ` ${quoted(systemId)}` : '';
    this.#pieces.push(`<!DOCTYPE ${/^[a-z]+$/.test(name ?? '') ? (name ?? '') : 'html'}${ids}${system}>`);
    this.#begin();
  }

  startTag(tag: Token.TagToken): void {
    this.#begin();
    const name = tag.tagName;
    if (this.#omitted !== undefined || !TAG_NAME.test(name)) return;
    if (OMITTED_WITH_CONTENT.has(name)) {
      this.#omitted = name;
      return;
    }
    if (OMITTED_TAGS.has(name) || (name === 'meta' && !isHarmlessMeta(tag)) || (name === 'link' && !isStyleSheet(tag)))
      return;
    this.#isStyle = name === 'style';
    const attributes = tag.attrs.flatMap((attribute) => this.#attribute(name, attribute));
    if (LINKS.has(name) && attributes.some((attribute) => /^ (?:xlink:)?href="(?!#)/.test(attribute))) {
      attributes.push(' target="_blank"', ' rel="noopener noreferrer"');
    }
    this.#pieces.push(`<${name}${attributes.join('')}${tag.selfClosing && !RAW_TEXT_ELEMENTS.has(name) ? ' /' : ''}>`);
  }

  endTag(name: string): void {
    this.#begin();
    if (this.#omitted !== undefined) {
      if (name === this.#omitted) this.#omitted = undefined;
      return;
    }
    this.#isStyle = false;
    if (TAG_NAME.test(name) && !OMITTED_TAGS.has(name) && !OMITTED_WITH_CONTENT.has(name))
      this.#pieces.push(`</${name}>`);
  }

  text(text: string): void {
    if (this.#omitted !== undefined) return;
    if (!this.#hasBegun && text.trim() === '') return;
    this.#begin();
    // Within SVG a browser looks for tags in a style sheet.
    this.#pieces.push(this.#isStyle ? this.#styles(text).replace(/<(?![\s=\d.(-])/g, '\\3c ') : escapeText(text));
  }

  #begin(): void {
    if (this.#hasBegun) return;
    this.#hasBegun = true;
    this.#pieces.push(
      '<meta http-equiv="x-dns-prefetch-control" content="off"><meta name="referrer" content="no-referrer">',
    );
  }

  /** An attribute as it is written; nothing for one that is left out. */
  #attribute(element: string, { name, value, prefix }: Token.Attribute): string[] {
    const fullName = prefix === undefined || prefix === '' ? name : `${prefix}:${name}`;
    if (!ATTRIBUTE_NAME.test(fullName) || fullName.startsWith('on') || OMITTED_ATTRIBUTES.has(fullName)) return [];
    const written = this.#value(element, fullName, value);
    return written === undefined ? [] : [` ${fullName}=${quoted(written)}`];
  }

  #value(element: string, name: string, value: string): string | undefined {
    if (name === 'style') return this.#styles(value);
    // That of a link is ours to say.
    if (name === 'rel') return LINKS.has(element) ? undefined : value;
    if (name === 'srcset') return this.#pictureSet(value);
    if (LINKS.has(element) && HREFS.has(name)) return linkTarget(value);
    if (!URL_ATTRIBUTES.has(name)) return value;
    return this.#reference(value, element === 'link' ? this.#others : this.#seenBy(element));
  }

  #seenBy(element: string): Set<string> {
    return MEDIA.has(element) ? this.#others : this.#pictures;
  }

  #pictureSet(value: string): string {
    return value
      .split(/,\s+|,(?=https?:|cid:)/)
      .flatMap((candidate) => {
        const [url = '', ...descriptors] = candidate.trim().split(/\s+/);
        const target = this.#reference(url, this.#pictures);
        return target === undefined ? [] : [[target, ...descriptors].join(' ')];
      })
      .join(', ');
  }

  #styles(css: string): string {
    return (
      css
        .replace(/@import\s+(?:url\(\s*)?(["']?)([^"')\s;]+)\1/gi, (all, _quote: string, url: string) => {
          if (isRemote(url)) this.#others.add(url);
          return all;
        })
        // Blanks are taken all at once: a mail may have a million of them.
        .replace(
          /url\(\s*(?!\s)(?:"([^"\n]*)"|'([^'\n]*)'|([^()"'\s]*))\s*\)/gi,
          (...match: (string | undefined)[]) => {
            const url = match[1] ?? match[2] ?? match[3] ?? '';
            const target =
              this.#reference(url, FONT_FILE.test(url) || this.#others.has(url) ? this.#others : this.#pictures) ??
              'data:,';
            return `url("${escapeForStyle(target)}")`;
          },
        )
    );
  }

  /** Where a reference leads: to a part, elsewhere, or nowhere. */
  #reference(value: string, remote: Set<string>): string | undefined {
    const url = withoutControls(value);
    const location = this.#options.locationURL?.(url);
    if (location !== undefined) return location;
    if (/^cid:/i.test(url)) {
      const contentId = decodePercent(url.slice(4)).replace(/^<(.*)>$/, '$1');
      const part = this.#options.partURL(contentId);
      if (part === undefined) this.#missing.add(contentId);
      return part;
    }
    if (isRemote(url)) {
      remote.add(url);
      return url;
    }
    if (/^data:(?:image|font|audio|video)\//i.test(url) || url.startsWith('#')) return url;
    // What has no scheme would lead to a place of ours.
    return undefined;
  }
}

/** Where a link leads; nothing for one that would lead to a place of ours, or run. */
function linkTarget(value: string): string | undefined {
  const url = withoutControls(value);
  if (url.startsWith('#')) return url;
  if (url.startsWith('//')) return `https:${url}`;
  return LINK_SCHEMES.has((/^([a-z][a-z0-9+.-]*):/i.exec(url)?.[1] ?? '').toLowerCase()) ? url : undefined;
}

function isRemote(url: string): boolean {
  return /^(?:https?:|ftp:)?[\\/]{2}/i.test(url) || /^https?:/i.test(url);
}

/** RFC 2557 and old habits: a refresh leads away, a policy or a charset is ours to say. */
function isHarmlessMeta(tag: Token.TagToken): boolean {
  const name = tag.attrs.find((attribute) => attribute.name === 'name')?.value.toLowerCase() ?? '';
  return HARMLESS_METAS.has(name) && !tag.attrs.some((attribute) => attribute.name === 'http-equiv');
}

/** Everything else that a `<link>` can say makes a browser ask somebody. */
function isStyleSheet(tag: Token.TagToken): boolean {
  return tag.attrs.some(({ name, value }) => name === 'rel' && value.trim().toLowerCase() === 'stylesheet');
}

/** As browsers read URLs. */
function withoutControls(value: string): string {
  const url = value.replace(/[\t\r\n]/g, '');
  // One letter at a time: an expression would begin anew at each of a million blanks.
  let [start, end] = [0, url.length];
  while (start < end && isBlankOrControl(url.charCodeAt(start))) start += 1;
  while (end > start && isBlankOrControl(url.charCodeAt(end - 1))) end -= 1;
  return url.slice(start, end);
}

function isBlankOrControl(code: number): boolean {
  return code <= 0x20 || (code >= 0x7f && code <= 0x9f);
}

function decodePercent(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function quoted(value: string): string {
  return `"${value.replace(/&/g, '&amp;').replace(/"/g, '&quot;').replace(/</g, '&lt;').replace(/>/g, '&gt;')}"`;
}

function escapeText(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
}

function escapeForStyle(url: string): string {
  return url.replace(
    /["'\\()\s<>]/g,
    (character) => `%${character.charCodeAt(0).toString(16).padStart(2, '0').toUpperCase()}`,
  );
}

const TAG_NAME = /^[a-z][a-z0-9:._-]*$/;
const ATTRIBUTE_NAME = /^[a-z_][a-z0-9:._-]*$/;
/** What runs, what is a document of its own, and what changes the meaning of what stands in it. */
const OMITTED_WITH_CONTENT = new Set(
  'script iframe object applet noembed noframes xmp plaintext template frameset portal fencedframe'.split(' '),
);
/** `animate` and its like can set an attribute that was left out. */
const OMITTED_TAGS = new Set(
  'base embed frame param animate animatemotion animatetransform set bgsound keygen'.split(' '),
);
const OMITTED_ATTRIBUTES = new Set(
  (
    'accesskey action adauctionheaders attributionsrc autofocus autoplay browsingtopics cite codebase contenteditable crossorigin data download ' +
    'dynsrc formaction formtarget http-equiv imagesrcset integrity is longdesc lowsrc manifest method nonce ping popovertarget ' +
    'preload profile referrerpolicy sharedstoragewritable srcdoc target xml:base'
  ).split(' '),
);
const LINKS = new Set(['a', 'area']);
const HREFS = new Set(['href', 'xlink:href']);
const URL_ATTRIBUTES = new Set(['src', 'background', 'poster', 'href', 'xlink:href']);
const FONT_FILE = /\.(?:woff2?|ttf|otf|eot)(?:$|[?#])/i;
const MEDIA = new Set(['audio', 'video', 'source', 'track']);
const LINK_SCHEMES = new Set(['http', 'https', 'mailto', 'tel', 'sms', 'ftp']);
const HARMLESS_METAS = new Set([
  'viewport',
  'color-scheme',
  'supported-color-schemes',
  'format-detection',
  'x-apple-disable-message-reformatting',
]);
