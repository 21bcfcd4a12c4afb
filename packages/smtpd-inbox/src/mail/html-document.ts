/**
 * A mail’s HTML as a tree with places, within bounds. The algorithm that browsers read HTML by can be made to take the square of its
 * input, and to make more nodes than there are letters: so depth, attributes and nodes have limits, and who reads the tree is told what
 * was left out.
 */

import { defaultTreeAdapter, parse, type DefaultTreeAdapterTypes, type TreeAdapter } from 'parse5';

export type HTMLElement = DefaultTreeAdapterTypes.Element;
export type HTMLNode = DefaultTreeAdapterTypes.ChildNode;

/** A tree, its elements in the order of the document. */
export interface HTMLDocument {
  readonly elements: readonly HTMLElement[];
  readonly comments: readonly DefaultTreeAdapterTypes.CommentNode[];
  /** The line of the document type; undefined without one. */
  readonly doctypeLine: number | undefined;
  /** Text of all kinds is looked at by its element; this one finds the elements of a name. */
  named(name: string): readonly HTMLElement[];
  /** What was left out, and at which bound; empty when all was read. */
  readonly cuts: readonly string[];
}

/** Reads HTML. Never throws at what it reads. */
export function readHTML(html: string): HTMLDocument {
  const { end, cut } = parsableEnd(html);
  const cuts = cut === undefined ? [] : [cut];
  const root = defaultTreeAdapter.createDocument();
  let nodes = 0;
  const adapter: TreeAdapter<DefaultTreeAdapterTypes.DefaultTreeAdapterMap> = {
    ...defaultTreeAdapter,
    createDocument: () => root,
    createElement(...all) {
      if (++nodes > NODES_MAX) throw new TooManyNodes();
      return defaultTreeAdapter.createElement(...all);
    },
  };
  try {
    parse(html.slice(0, end), { sourceCodeLocationInfo: true, scriptingEnabled: false, treeAdapter: adapter });
  } catch (error) {
    if (!(error instanceof TooManyNodes)) throw error;
    cuts.push(`elements behind the first ${NODES_MAX.toLocaleString('en-US')}`);
  }
  const elements: HTMLElement[] = [];
  const comments: DefaultTreeAdapterTypes.CommentNode[] = [];
  const byName = new Map<string, HTMLElement[]>();
  let doctypeLine: number | undefined;
  // Not by recursion: it would be as deep as the document.
  const waiting: HTMLNode[] = [...root.childNodes].reverse();
  const lineAt = lineFinder(html);
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    // The reader counts a line twice where it goes back to look again, such as behind a `&`; its offsets are right.
    const location = node.sourceCodeLocation ?? undefined;
    if (location !== undefined) location.startLine = lineAt(location.startOffset);
    if (isElement(node)) {
      for (const place of Object.values(node.sourceCodeLocation?.attrs ?? {}))
        place.startLine = lineAt(place.startOffset);
      elements.push(node);
      const list = byName.get(node.tagName);
      if (list === undefined) byName.set(node.tagName, [node]);
      else list.push(node);
      const children = 'content' in node ? node.content.childNodes : node.childNodes;
      for (let index = children.length - 1; index >= 0; index--) {
        const child = children[index];
        if (child !== undefined) waiting.push(child);
      }
    } else if (node.nodeName === '#comment') {
      comments.push(node);
    } else if (node.nodeName === '#documentType') {
      doctypeLine = node.sourceCodeLocation?.startLine ?? 1;
    }
  }
  return { elements, comments, doctypeLine, named: (name) => byName.get(name) ?? [], cuts };
}

export function isElement(node: HTMLNode | DefaultTreeAdapterTypes.ParentNode): node is HTMLElement {
  return 'tagName' in node;
}

/** An attribute’s value. */
export function attribute(element: HTMLElement, name: string): string | undefined {
  return element.attrs.find((each) => each.name === name)?.value;
}

/** The line where an element, or one of its attributes, begins. Undefined for what the reader put in by itself. */
export function lineOfElement(element: HTMLElement, name?: string): number | undefined {
  const location = element.sourceCodeLocation ?? undefined;
  return (name === undefined ? undefined : location?.attrs?.[name]?.startLine) ?? location?.startLine;
}

/** The text in an element, up to a length, blanks folded. */
export function textOf(element: HTMLElement, lengthMax = TEXT_LENGTH_MAX): string {
  let text = '';
  const waiting: HTMLNode[] = [...element.childNodes].reverse();
  for (let node = waiting.pop(); node !== undefined && text.length < lengthMax; node = waiting.pop()) {
    if (node.nodeName === '#text') text += (node as DefaultTreeAdapterTypes.TextNode).value;
    else if (isElement(node) && !UNREAD_ELEMENTS.has(node.tagName)) {
      if (node.tagName === 'br') text += ' ';
      for (let index = node.childNodes.length - 1; index >= 0; index--) {
        const child = node.childNodes[index];
        if (child !== undefined) waiting.push(child);
      }
    }
  }
  return text.slice(0, lengthMax).replace(/\s+/g, ' ').trim();
}

/** The element it is in, as long as it is in one. */
export function parentOf(element: HTMLElement): HTMLElement | undefined {
  const parent = element.parentNode;
  return parent !== null && isElement(parent) ? parent : undefined;
}

/** Characters of HTML beyond which nothing is read. */
export const HTML_LENGTH_MAX = 1_048_576;
/** Elements beyond which nothing is read. */
export const NODES_MAX = 100_000;
/** Elements in one another that are read. */
export const OPEN_ELEMENTS_MAX = 500;
/** Attributes of one tag that are read. */
export const ATTRIBUTES_MAX = 500;

/** Finds the line, from 1, of a place in a text. A line ends with LF. */
export function lineFinder(text: string): (offset: number) => number {
  let starts: number[] | undefined;
  return (offset) => {
    if (starts === undefined) {
      starts = [0];
      for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
    }
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return low + 1;
  };
}

class TooManyNodes extends Error {}

/** How far a document goes within the bounds. One look at every character, with no tree. */
function parsableEnd(html: string): { end: number; cut: string | undefined } {
  let depth = 0;
  for (const { name, isEnd, at, attributes } of tagsOf(html)) {
    if (attributes > ATTRIBUTES_MAX) {
      return { end: at, cut: `what begins with a tag of more than ${String(ATTRIBUTES_MAX)} attributes` };
    }
    // What closes by itself does not nest.
    if (!VOID_ELEMENTS.has(name) && !OPTIONAL_END_ELEMENTS.has(name)) {
      depth = isEnd ? Math.max(0, depth - 1) : depth + 1;
    }
    if (depth > OPEN_ELEMENTS_MAX) {
      return { end: at, cut: `what is more than ${String(OPEN_ELEMENTS_MAX)} elements deep` };
    }
  }
  return html.length <= HTML_LENGTH_MAX
    ? { end: html.length, cut: undefined }
    : { end: HTML_LENGTH_MAX, cut: `HTML behind the first ${HTML_LENGTH_MAX.toLocaleString('en-US')} characters` };
}

/** A tag as it stands. */
export interface Tag {
  /** In lower case. */
  readonly name: string;
  readonly isEnd: boolean;
  /** Whether it ends with `/>`. */
  readonly isSelfClosing: boolean;
  readonly at: number;
  readonly attributes: number;
}

/** The tags as they stand, those in comments, styles and scripts left out. Linear. */
export function* tagsOf(html: string): Generator<Tag> {
  const end = Math.min(html.length, HTML_LENGTH_MAX);
  for (let at = html.indexOf('<'); at >= 0 && at < end; at = html.indexOf('<', at)) {
    if (html.startsWith('<!--', at)) {
      const close = html.indexOf('-->', at + 2);
      if (close < 0) return;
      at = close + 3;
      continue;
    }
    const tag = TAG.exec(html.slice(at, at + TAG_NAME_LENGTH_MAX));
    if (tag === null) {
      at++;
      continue;
    }
    const name = (tag[2] ?? '').toLowerCase();
    const isEnd = tag[1] === '/';
    const { next, attributes } = endOfTag(html, at + tag[0].length, end);
    yield { name, isEnd, isSelfClosing: html[next - 2] === '/', at, attributes };
    at = next;
    if (!isEnd && RAW_TEXT_ELEMENTS.has(name)) {
      const close = html.slice(at, end).search(new RegExp(`</${name}[\\s/>]`, 'i'));
      if (close < 0) return;
      at += close;
    }
  }
}

function endOfTag(html: string, from: number, end: number): { next: number; attributes: number } {
  let attributes = 0;
  let isAfterBlank = true;
  let isAfterEquals = false;
  for (let at = from; at < end; at++) {
    const character = html[at] ?? '';
    if (character === '>') return { next: at + 1, attributes };
    if (isAfterEquals && (character === '"' || character === "'")) {
      const close = html.indexOf(character, at + 1);
      if (close < 0 || close >= end) return { next: end, attributes };
      at = close;
      isAfterEquals = false;
      isAfterBlank = true;
    } else if (/[\s/]/.test(character)) {
      isAfterBlank = true;
    } else {
      if (isAfterBlank && !isAfterEquals && character !== '=') attributes++;
      isAfterBlank = false;
      isAfterEquals = character === '=';
    }
  }
  return { next: end, attributes };
}

const TEXT_LENGTH_MAX = 10_000;
const TAG_NAME_LENGTH_MAX = 64;
const TAG = /^<(\/?)([A-Za-z][^\s/>]*)/;
export const VOID_ELEMENTS: ReadonlySet<string> = new Set(
  'area base br col embed hr img input link meta param source track wbr'.split(' '),
);
/** Elements whose end tag may be left out, because the next one ends them. */
export const OPTIONAL_END_ELEMENTS: ReadonlySet<string> = new Set(
  'html head body p li dt dd tr td th thead tbody tfoot colgroup caption option optgroup rt rp'.split(' '),
);
const RAW_TEXT_ELEMENTS: ReadonlySet<string> = new Set(
  'style script title textarea xmp iframe noembed noframes'.split(' '),
);
const UNREAD_ELEMENTS: ReadonlySet<string> = new Set(['style', 'script', 'title', 'template', 'noscript']);
