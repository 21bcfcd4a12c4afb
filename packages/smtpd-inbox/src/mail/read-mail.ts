/**
 * A mail, read: octets in, what they say out. Nothing here throws on account of a mail, and nothing waits; how long it may take is for
 * whoever calls it (mail-reader.ts runs it in a thread with a time limit).
 */

import type { Code, HeaderField, Link, Part } from '../api/model.js';
import { SEARCH_TEXT_LENGTH_MAX, TEXT_LENGTH_MAX } from './bounds.js';
import { decodeText } from './charset.js';
import { findCodes } from './codes.js';
import { Faults } from './faults.js';
import { decodeFields, firstField, formatMailboxes } from './header-fields.js';
import { findLinks } from './links.js';
import { isMessageType, nodesOf, readMimeTree, type MimeNode } from './mime-tree.js';
import { describeParts, fileNameOf, roleOf, type Role } from './parts.js';
import { textOfHTML } from './text.js';
import { decodeTransfer } from './transfer-decoder.js';
import { unflow } from './flowed-text.js';

/** What a store wants to know of a mail: `NewSummary` of smtpd-store has the same shape. */
export interface MailSummary {
  readonly subject?: string;
  readonly from: readonly string[];
  readonly to: readonly string[];
  readonly cc: readonly string[];
  /** The Date field as it stands. */
  readonly date?: string;
  /** With its brackets. */
  readonly messageId?: string;
  /** `''` for one without a name. */
  readonly attachmentNames: readonly string[];
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** The beginning of the text, on one line. */
  readonly preview?: string;
  /** The text and the HTML’s text, those of messages within it included. */
  readonly searchText: string;
  /** Why the mail was not read to its end. */
  readonly parseFault?: string;
}

/** A mail, read. */
export interface ReadMail {
  /** The decoded text; absent when there is none. Lines end with LF. */
  readonly text?: string;
  /** The decoded HTML as it came; absent when there is none. */
  readonly html?: string;
  readonly headers: HeaderField[];
  readonly parts: Part[];
  readonly links: Link[];
  readonly codes: Code[];
  readonly faults: string[];
  readonly summary: MailSummary;
}

/** A part with its decoded octets. */
export interface PartContent {
  readonly part: Part;
  readonly content: Uint8Array;
}

/**
 * Reads a mail.
 *
 * @returns what it says. Where that may take long, a first answer without what the HTML says is yielded before.
 */
export function* readMail(raw: Uint8Array): Generator<ReadMail, ReadMail> {
  const known = readKnown(raw);
  const { root, bodies, headers, subject, faults } = known;
  const parts = describeParts(root, faults);
  if (takesLong(bodies)) yield assemble(known, { parts, links: [], codes: [], htmlText: '' }, HTML_NOT_READ);
  const htmlText = bodies.html === undefined ? '' : textOfHTML(bodies.html);
  return assemble(known, {
    parts,
    links: findLinks({ text: bodies.text, html: bodies.html, headers }),
    codes: findCodes({ subject, text: bodies.text, htmlText: bodies.html === undefined ? undefined : htmlText }),
    htmlText,
  });
}

/**
 * What a store wants to know of a mail, and nothing that is only looked for when somebody opens it: links and codes cost more than all the
 * rest.
 *
 * @returns the `summary` that {@link readMail} gives; yields as that one does
 */
export function* summarizeMail(raw: Uint8Array): Generator<MailSummary, MailSummary> {
  const known = readKnown(raw);
  const { html } = known.bodies;
  if (takesLong(known.bodies)) yield summaryOf(known, '', HTML_NOT_READ);
  return summaryOf(known, html === undefined ? '' : textOfHTML(html));
}

/**
 * The summaries of several mails that lie one behind the other.
 *
 * @param lengths - of each, in octets
 */
export function summarizeMails(octets: Uint8Array, lengths: readonly number[]): MailSummary[] {
  let end = 0;
  return lengths.map((length) => {
    const reading = summarizeMail(octets.subarray(end, (end += length)));
    for (;;) {
      const next = reading.next();
      if (next.done === true) return next.value;
    }
  });
}

/** The header alone, for a mail that cannot be read. @param fault why not */
export function readHeaderOnly(raw: Uint8Array, fault: string): ReadMail {
  const faults = new Faults();
  faults.addStop(fault);
  const beginning = raw.subarray(0, HEADER_ONLY_BYTES);
  const end = headerEnd(beginning);
  const root = readMimeTree(beginning.subarray(0, end), faults);
  const headers = decodeFields(root.fields, faults);
  const subject = firstField(headers, 'subject')?.value;
  const known = { root, headers, bodies: NO_BODIES, attachmentNames: [], subject, faults };
  return assemble(known, { parts: [], links: findLinks({ headers }), codes: [], htmlText: '' });
}

/** The HTML and the parts, without what is found in them. */
export function readBody(raw: Uint8Array): {
  readonly html: string | undefined;
  readonly parts: readonly Part[];
  /** What one of these parts decodes to. */
  readonly contentOf: (part: Part) => Uint8Array;
} {
  const faults = new Faults();
  const root = readMimeTree(raw, faults);
  const nodes = new Map([...nodesOf(root)].map((node) => [node.number, node]));
  return {
    html: readBodies(root, faults).html,
    parts: describeParts(root, faults),
    contentOf: ({ number }) => contentOf(nodes.get(number) ?? root),
  };
}

/** A part and what it decodes to; `undefined` when there is none of that number. */
export function readPart(raw: Uint8Array, number: string): PartContent | undefined {
  const faults = new Faults();
  const root = readMimeTree(raw, faults);
  const node = findNode(root, number);
  if (node === undefined) return undefined;
  const part = describeParts(root, faults).find((candidate) => candidate.number === node.number);
  return part === undefined ? undefined : { part, content: contentOf(node) };
}

/** What a node decodes to. A multipart and a message stand for themselves. */
function contentOf(node: MimeNode): Uint8Array {
  const body = node.source.subarray(node.bodyStart, node.end);
  return node.isOpened && node.contentType.value.startsWith('multipart/')
    ? body
    : decodeTransfer(body, node.encoding).octets;
}

/** RFC 3501 §6.4.5: a message that is no multipart has one part, number 1. It is the message itself. */
function findNode(root: MimeNode, number: string): MimeNode | undefined {
  const nodes = [...nodesOf(root)];
  return (
    nodes.find((node) => node.number === number) ??
    nodes.find((node) => /(?:^|\.)0$/.test(node.number) && number === `${node.number.slice(0, -1)}1`)
  );
}

interface Bodies {
  readonly text: string | undefined;
  readonly html: string | undefined;
  /** Of messages within it, and of what else is text without being an attachment. */
  readonly otherText: readonly string[];
}

/** What is known of a mail before its HTML is. */
interface Known {
  readonly root: MimeNode;
  readonly headers: HeaderField[];
  readonly bodies: Bodies;
  readonly attachmentNames: readonly string[];
  readonly subject: string | undefined;
  readonly faults: Faults;
}

/** What takes longer, and is asked for by whoever opens the mail. */
interface Findings {
  readonly parts: Part[];
  readonly links: Link[];
  readonly codes: Code[];
  readonly htmlText: string;
}

function readKnown(raw: Uint8Array): Known {
  const faults = new Faults();
  const root = readMimeTree(raw, faults);
  const headers = decodeFields(root.fields, faults);
  const bodies = readBodies(root, faults);
  return {
    root,
    headers,
    bodies,
    attachmentNames: attachmentNames(root),
    subject: firstField(headers, 'subject')?.value,
    faults,
  };
}

function takesLong({ html }: Bodies): boolean {
  return (html?.length ?? 0) > QUICK_HTML_LENGTH;
}

function assemble(known: Known, { parts, links, codes, htmlText }: Findings, parseFault = known.faults.stop): ReadMail {
  const { headers, bodies, faults } = known;
  return {
    ...(bodies.text === undefined ? {} : { text: bodies.text }),
    ...(bodies.html === undefined ? {} : { html: bodies.html }),
    headers,
    parts,
    links,
    codes,
    faults:
      parseFault === known.faults.stop || parseFault === undefined
        ? faults.toArray()
        : [...faults.toArray(), parseFault],
    summary: summaryOf(known, htmlText, parseFault),
  };
}

function summaryOf(known: Known, htmlText: string, parseFault = known.faults.stop): MailSummary {
  const { root, headers, bodies, attachmentNames, subject } = known;
  const date = firstField(headers, 'date')?.value;
  const messageId = firstField(headers, 'message-id')?.value;
  const preview = previewOf(bodies.text, htmlText);
  // Each mail that comes has one made, and to put together what may be absent with `...` takes longer than to read a short mail's header.
  const summary: Mutable<MailSummary> = {
    from: formatMailboxes(root.fields, 'from'),
    to: formatMailboxes(root.fields, 'to'),
    cc: formatMailboxes(root.fields, 'cc'),
    attachmentNames,
    headers: headers.map(({ name, value }) => [name, value] as const),
    searchText: searchText([bodies.text ?? '', htmlText, ...bodies.otherText]),
  };
  if (subject !== undefined) summary.subject = subject;
  if (date !== undefined) summary.date = date;
  if (messageId !== undefined) summary.messageId = messageId;
  if (preview !== '') summary.preview = preview;
  if (parseFault !== undefined) summary.parseFault = parseFault;
  return summary;
}

type Mutable<T> = { -readonly [Name in keyof T]: T[Name] };

/** The texts and the HTML of the mail itself, and what else is found by its words. */
function readBodies(root: MimeNode, faults: Faults): Bodies {
  const texts: string[] = [];
  const htmls: string[] = [];
  const otherText: string[] = [];
  /** Characters that may still be decoded. */
  const room = { text: TEXT_LENGTH_MAX, html: TEXT_LENGTH_MAX, other: SEARCH_TEXT_LENGTH_MAX };
  const inner = new Set<MimeNode>();
  const passedOver = passedOverIn(root);
  for (const node of nodesOf(root)) {
    // What lies in a message within it is not what this one says.
    const isInner =
      node.parent !== undefined && (inner.has(node.parent) || isMessageType(node.parent.contentType.value));
    if (isInner) inner.add(node);
    if (node.children.length > 0) continue;
    const role = roleOf(node);
    if (!isInner && !passedOver.has(node) && (role === 'text' || role === 'html')) {
      const text = take(node, role, room[role], faults);
      room[role] -= text.length;
      (role === 'text' ? texts : htmls).push(text);
    } else if (room.other > 0 && isSearched(node, role)) {
      const text = take(node, role, room.other, undefined);
      room.other -= text.length;
      otherText.push(role === 'html' ? textOfHTML(text) : text);
    }
  }
  return {
    text: texts.length === 0 ? undefined : texts.join('\n'),
    html: htmls.length === 0 ? undefined : htmls.join('\n'),
    otherText,
  };
}

/**
 * The texts and the HTML that no reader is shown, because a better alternative stands behind them (RFC 2046 §5.1.4). The text of a mail is
 * what a program shows that has no HTML: of alternatives without HTML the last, and one with HTML only where there is no other.
 */
function passedOverIn(root: MimeNode): ReadonlySet<MimeNode> {
  const nodes = root.children.length === 0 ? [] : [...nodesOf(root)];
  if (!nodes.some(isChoice)) return NONE;

  // What lies within each node; the last of them first, so that a node’s children are known before it is. Each node is looked at once.
  const holds = new Map<MimeNode, { text: boolean; html: boolean }>();
  for (const node of nodes.toReversed()) {
    const held = { text: false, html: false };
    holds.set(node, held);
    if (isMessageType(node.contentType.value)) continue;
    const role = node.children.length === 0 ? roleOf(node) : undefined;
    held.text = role === 'text' || node.children.some((child) => holds.get(child)?.text);
    held.html = role === 'html' || node.children.some((child) => holds.get(child)?.html);
  }

  const shown = new Map<MimeNode, { readonly text: boolean; readonly html: boolean }>();
  const passedOver = new Set<MimeNode>();
  for (const node of nodes) {
    const own = shown.get(node) ?? BOTH;
    if (node.children.length === 0) {
      if (!own[roleOf(node) === 'html' ? 'html' : 'text']) passedOver.add(node);
    } else if (isChoice(node)) {
      const html = node.children.findLast((child) => holds.get(child)?.html);
      const withText = node.children.filter((child) => holds.get(child)?.text);
      const text = withText.findLast((child) => holds.get(child)?.html === false) ?? withText.at(-1);
      for (const child of node.children)
        shown.set(child, { text: own.text && child === text, html: own.html && child === html });
    } else {
      for (const child of node.children) shown.set(child, own);
    }
  }
  return passedOver;
}

function isChoice({ contentType, children }: MimeNode): boolean {
  return contentType.value === 'multipart/alternative' && children.length > 1;
}

function isSearched(node: MimeNode, role: Role): boolean {
  const type = node.contentType.value;
  return role === 'text' || role === 'html' || type.startsWith('message/') || SEARCHED_TYPES.has(type);
}

/** The text of a leaf. @param faults where what is wrong with it is said; `undefined` when nobody asked */
function take(node: MimeNode, role: Role, lengthMax: number, faults: Faults | undefined): string {
  const name = role === 'html' ? 'HTML' : 'text';
  const { octets, fault: encodingFault } = decodeTransfer(
    node.source.subarray(node.bodyStart, node.end),
    isBroken(node) ? '' : node.encoding,
  );
  if (encodingFault !== undefined) faults?.add(`The ${name} ${encodingFault}.`);
  // A charset takes at most four octets for a character.
  const charset = node.contentType.parameters.get('charset') ?? (role === 'html' ? charsetOfHTML(octets) : undefined);
  const { text, fault } = decodeText(octets.subarray(0, lengthMax * 4), charset);
  if (fault !== undefined) faults?.add(`The ${name} ${fault}.`);
  if (text.length > lengthMax)
    faults?.addStop(`The ${name} is too long to be shown as a whole: ${lengthMax} characters are.`);
  const lines = text.slice(0, lengthMax).replace(/\r\n?/g, '\n');
  const { parameters } = node.contentType;
  return parameters.get('format')?.toLowerCase() === 'flowed' && role === 'text'
    ? unflow(lines, parameters.get('delsp')?.toLowerCase() === 'yes')
    : lines;
}

/** A multipart without parts is shown as it stands. */
function isBroken(node: MimeNode): boolean {
  return node.contentType.value.startsWith('multipart/');
}

/** What the document says of itself, where the header says nothing. */
function charsetOfHTML(octets: Uint8Array): string | undefined {
  const beginning = Buffer.from(octets.subarray(0, 1_024)).toString('latin1');
  return /<meta\s[^>]*charset\s*=\s*["']?\s*([\w.:-]+)/i.exec(beginning)?.[1];
}

/** The attachments of the mail itself; what is attached to a message within it is that one’s. */
function attachmentNames(root: MimeNode): string[] {
  const isInner = (number: string): boolean => /\.0(?:$|\.)/.test(number);
  const parts = [...nodesOf(root)].map((node) => ({ node, role: roleOf(node) }));
  const messages = parts.filter(({ role, node }) => role === 'message' && node !== root);
  const inMessages = new Set(messages.map(({ node }) => node.number));
  return parts
    .filter(
      ({ role, node: { number } }) =>
        (role === 'attachment' || inMessages.has(number)) && !isInner(number) && !isBelow(number, inMessages),
    )
    .map(({ node }) => fileNameOf(node) ?? '');
}

/** Whether a part lies in a message within the mail: its number begins with that one’s. */
function isBelow(number: string, messages: ReadonlySet<string>): boolean {
  for (let dot = number.lastIndexOf('.'); dot > 0; dot = number.lastIndexOf('.', dot - 1)) {
    if (messages.has(number.slice(0, dot))) return true;
  }
  return false;
}

function previewOf(text: string | undefined, htmlText: string): string {
  const source = text === undefined || text.trim() === '' ? htmlText : text;
  // Most begin with what they say; where fillers and blanks do not end, more is looked at.
  const beginning = folded(source.slice(0, PREVIEWED_LENGTH));
  const preview = beginning.length > PREVIEW_LENGTH ? beginning : folded(source.slice(0, PREVIEWED_LENGTH_MAX));
  if (preview.length <= PREVIEW_LENGTH) return preview;
  return preview.slice(0, PREVIEW_LENGTH).replace(HALF_PAIR, '').trimEnd();
}

function folded(text: string): string {
  const visible = NOT_ASCII.test(text) ? text.replace(FILLERS, '') : text;
  return visible.replace(BLANKS, ' ').trim();
}

function searchText(texts: readonly string[]): string {
  return texts
    .filter((text) => text !== '')
    .join('\n')
    .slice(0, SEARCH_TEXT_LENGTH_MAX);
}

/** Behind the first empty line. */
function headerEnd(octets: Uint8Array): number {
  const text = Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength);
  const ends = ['\r\n\r\n', '\n\n'].map((end) => text.indexOf(end)).filter((at) => at >= 0);
  return ends.length === 0 ? octets.length : Math.min(...ends) + 2;
}

const NONE: ReadonlySet<MimeNode> = new Set();
const BOTH = { text: true, html: true };
const NO_BODIES: Bodies = { text: undefined, html: undefined, otherText: [] };
const SEARCHED_TYPES = new Set(['text/calendar', 'text/rfc822-headers']);
const PREVIEW_LENGTH = 140;
const PREVIEWED_LENGTH = 500;
const PREVIEWED_LENGTH_MAX = 20_000;
const HTML_NOT_READ = 'The HTML was not read: it takes too long.';
/** HTML that is read in no time whatever it is. */
const QUICK_HTML_LENGTH = 262_144;
const HEADER_ONLY_BYTES = 65_536;
/** What senders put behind the first sentence so that nothing else is in the preview. */
const FILLERS = /\p{Default_Ignorable_Code_Point}/gu;
/** None of them is ASCII. */
const NOT_ASCII = /[^\0-\x7f]/;
/** White space that is not one blank already, as most of it is. */
const BLANKS = / \s+|[^\S ]\s*/g;
const HALF_PAIR = /[\ud800-\udbff]$/;
