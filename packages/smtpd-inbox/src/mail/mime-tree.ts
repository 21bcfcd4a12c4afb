/**
 * The MIME tree of a message with the place of each part, found in one pass over the lines. Time and memory grow with the octets, whatever
 * they say. It decodes nothing but messages that are encoded within messages, which have no lines before that.
 */

import {
  NESTING_MAX,
  PARTS_MAX,
  FIELD_BYTES_MAX,
  HEADER_FIELDS_MAX,
  HEADER_BYTES_MAX,
  DECODED_MESSAGES_FACTOR,
} from './bounds.js';
import type { Faults } from './faults.js';
import { parseStructuredField, type StructuredField } from './structured-field.js';
import { decodeTransfer, isIdentity } from './transfer-decoder.js';

/** A field as it stands. */
export interface RawField {
  readonly name: string;
  /** The whole field, folds included, without the end of its last line; each octet one character. */
  readonly raw: string;
  /** What is behind the colon, in `raw`. */
  readonly valueStart: number;
  /** From 1. */
  readonly line: number;
}

/** A part of the message, or the message itself. Positions are octets of `source`. */
export interface MimeNode {
  /** RFC 3501’s number; the message itself and a message within a part end in `0`. */
  readonly number: string;
  readonly parent: MimeNode | undefined;
  readonly children: readonly MimeNode[];
  /** The octets that it stands in: those of the message, or of a message that was encoded in it. */
  readonly source: Buffer;
  readonly start: number;
  /** Behind the empty line that ends its header. */
  readonly bodyStart: number;
  readonly end: number;
  /** In the message itself all fields up to the bounds; of a part those that say what it is. */
  readonly fields: readonly RawField[];
  readonly contentType: StructuredField;
  /** In lower case; `''` without one. */
  readonly encoding: string;
  readonly disposition: StructuredField;
  /** Without its brackets. */
  readonly contentId: string | undefined;
  readonly contentLocation: string | undefined;
  /** Whether its content was taken apart: a multipart with at least one part, or a message. */
  readonly isOpened: boolean;
}

/** Reads the tree. @returns the message itself */
export function readMimeTree(raw: Uint8Array, faults: Faults): MimeNode {
  const source = Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength);
  const budget: Budget = {
    parts: 0,
    fields: 0,
    headerBytes: 0,
    decodedBytes: source.length * DECODED_MESSAGES_FACTOR,
    isHeaderCut: false,
  };
  const root = new OpenNode(undefined, source, 0, true);
  root.number = '0';
  const encodedMessages = new TreeScanner({ source, root, budget, faults }).scan();
  // Messages within encoded messages come to the end of the same list.
  for (const node of encodedMessages) {
    const content = decodeTransfer(node.source.subarray(node.bodyStart, node.end), node.encoding).octets;
    budget.decodedBytes -= content.length;
    if (budget.decodedBytes < 0) {
      faults.addStop('Messages that are encoded within this one come to too many octets: the rest is not taken apart.');
      break;
    }
    faults.add(
      `A message within this one has the Content-Transfer-Encoding ${node.encoding}, which RFC 2046 §5.2.1 forbids.`,
    );
    const inner = Buffer.from(content.buffer, content.byteOffset, content.byteLength);
    const message = new OpenNode(node, inner, 0, true);
    node.children.push(message);
    node.isOpened = true;
    encodedMessages.push(...new TreeScanner({ source: inner, root: message, budget, faults }).scan());
  }
  giveNumbers(root);
  return root;
}

/** All nodes below and including one, parents before their children, in the order of the message. */
export function* nodesOf(root: MimeNode): Generator<MimeNode> {
  const waiting: MimeNode[] = [root];
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    yield node;
    for (let index = node.children.length - 1; index >= 0; index -= 1) waiting.push(node.children[index] as MimeNode);
  }
}

/** Whether a content type is that of a message in itself. */
export function isMessageType(contentType: string): boolean {
  return contentType === 'message/rfc822' || contentType === 'message/global';
}

class OpenNode implements MimeNode {
  number = '';
  readonly parent: OpenNode | undefined;
  readonly children: OpenNode[] = [];
  readonly source: Buffer;
  readonly start: number;
  readonly depth: number;
  /** Whether it is a message: the one that came, or one within a part. */
  readonly isMessage: boolean;
  /** The fields that say what it is, as far as they were met. */
  readonly described = new Set<string>();
  bodyStart: number;
  end: number;
  fields: RawField[] = [];
  contentType: StructuredField = NO_FIELD;
  encoding = '';
  disposition: StructuredField = NO_FIELD;
  contentId: string | undefined;
  contentLocation: string | undefined;
  isOpened = false;

  constructor(parent: OpenNode | undefined, source: Buffer, start: number, isMessage: boolean) {
    this.parent = parent;
    this.source = source;
    this.start = start;
    this.isMessage = isMessage;
    this.depth = parent === undefined ? 0 : parent.depth + 1;
    this.bodyStart = start;
    this.end = start;
  }
}

/** What a whole message may come to, those within it included. */
interface Budget {
  parts: number;
  fields: number;
  headerBytes: number;
  decodedBytes: number;
  /** Whether it was said that not all fields are shown. */
  isHeaderCut: boolean;
}

interface Scan {
  readonly source: Buffer;
  readonly root: OpenNode;
  readonly budget: Budget;
  readonly faults: Faults;
}

/** Where a field stands that may go on in the next line. */
interface OpenField {
  readonly name: string;
  readonly start: number;
  readonly valueStart: number;
  readonly line: number;
  end: number;
}

/** Goes through the lines of a message once. */
class TreeScanner {
  readonly #source: Buffer;
  readonly #root: OpenNode;
  readonly #budget: Budget;
  readonly #faults: Faults;
  /** What ends a line: LF, or CR in a message without any LF. */
  readonly #lineEnd: number;
  /** From the root to where reading is. */
  readonly #open: OpenNode[];
  /** Delimiters that are waited for, with the depth of their multiparts in `#open`, the innermost last. */
  readonly #boundaries = new Map<string, number[]>();
  readonly #encodedMessages: OpenNode[] = [];
  #longestBoundary = 0;
  #isHeader = true;
  #field: OpenField | undefined;
  /** The line that begins at `#lineStart`. */
  #line = 1;
  #lineStart = 0;

  constructor({ source, root, budget, faults }: Scan) {
    this.#source = source;
    this.#root = root;
    this.#budget = budget;
    this.#faults = faults;
    this.#open = [root];
    this.#lineEnd = source.includes(LF) || !source.includes(CR) ? LF : CR;
    if (this.#lineEnd === CR) faults.add('The lines end with CR alone.');
  }

  /** @returns messages that are encoded, and have to be decoded before they can be read */
  scan(): OpenNode[] {
    this.#budget.parts += 1;
    let at = 0;
    while (at < this.#source.length) {
      if (!this.#isHeader) {
        // In a body only lines that begin like a delimiter matter.
        const next = this.#boundaries.size === 0 ? -1 : this.#nextDashes(at);
        if (next < 0) break;
        at = next;
      }
      const lineEnd = this.#source.indexOf(this.#lineEnd, at);
      const next = lineEnd < 0 ? this.#source.length : lineEnd + 1;
      const end = this.#contentEnd(at, lineEnd < 0 ? next : lineEnd);
      if (!this.#takeLine(at, end, next)) break;
      at = next;
    }
    this.#finish();
    return this.#encodedMessages;
  }

  /** @returns whether reading goes on */
  #takeLine(start: number, end: number, next: number): boolean {
    if (this.#source[start] === DASH && this.#source[start + 1] === DASH && this.#boundaries.size > 0) {
      const delimiter = this.#delimiterOf(start, end);
      if (delimiter !== undefined) {
        if (this.#isHeader) this.#endHeader(start);
        return this.#takeDelimiter(delimiter, start, next);
      }
    }
    if (this.#isHeader) this.#takeHeaderLine(start, end, next);
    return true;
  }

  #takeHeaderLine(start: number, end: number, next: number): void {
    if (end === start) {
      this.#endHeader(next);
      return;
    }
    const first = this.#source[start];
    if (first === SPACE || first === TAB) {
      if (this.#field !== undefined) {
        this.#field.end = end;
        return;
      }
      // A line of blanks before any field ends the header for most programs.
      this.#faults.add(`Line ${this.#lineAt(start)} goes on with a field where there is none.`);
      return;
    }
    const colon = this.#colonIn(start, Math.min(end, start + FIELD_NAME_BYTES_MAX));
    const name = colon < 0 ? '' : this.#source.toString('latin1', start, start + colon);
    if (colon < 0 || !FIELD_NAME.test(name)) {
      this.#takeStrangeLine(start, end);
      return;
    }
    this.#closeField();
    const node = this.#current();
    this.#field = {
      name: name.trimEnd(),
      start,
      valueStart: colon + 1,
      end,
      line: node.isMessage ? this.#lineAt(start) : 0,
    };
  }

  /** How far from its start a line's first colon is; -1 when there is none. */
  #colonIn(start: number, end: number): number {
    for (let at = start; at < end; at += 1) if (this.#source[at] === COLON) return at - start;
    return -1;
  }

  /** A line of the header that is no field. */
  #takeStrangeLine(start: number, end: number): void {
    const node = this.#current();
    const isFirst = this.#field === undefined && start === node.start;
    // What mailboxes put before a message: `From a@b.example Thu Jan  1 00:00:00 1970`.
    if (
      isFirst &&
      node.isMessage &&
      /^>?From /.test(this.#source.toString('latin1', start, Math.min(end, start + 6)))
    ) {
      this.#faults.add('The message begins with the “From ” line of a mailbox.');
      return;
    }
    this.#faults.add(
      `Line ${this.#lineAt(start)} is no header field, and no empty line is before it: the body begins there.`,
    );
    this.#endHeader(start);
  }

  #closeField(): void {
    const field = this.#field;
    this.#field = undefined;
    if (field === undefined) return;
    const node = this.#current();
    const name = field.name.toLowerCase();
    const isFirst = PART_FIELDS.has(name) && !node.described.has(name);
    if (isFirst) node.described.add(name);
    // Of parts nobody reads more than what they are.
    else if (!node.isMessage) return;
    // Where there is no room to show more, what decides how to read still counts.
    else if (this.#budget.fields >= HEADER_FIELDS_MAX || this.#budget.headerBytes >= HEADER_BYTES_MAX) {
      if (!this.#budget.isHeaderCut) this.#faults.addStop(headerCut(field.line));
      this.#budget.isHeaderCut = true;
      return;
    }
    const bytes = field.end - field.start;
    if (bytes > FIELD_BYTES_MAX) {
      this.#faults.addStop(
        `The field ${printable(field.name)} in line ${field.line} has ${bytes} octets: the first ${FIELD_BYTES_MAX} are shown.`,
      );
    }
    const end = Math.min(field.end, field.start + FIELD_BYTES_MAX);
    this.#budget.fields += 1;
    this.#budget.headerBytes += end - field.start;
    node.fields.push({
      name: field.name,
      raw: this.#source.toString('latin1', field.start, end),
      valueStart: field.valueStart,
      line: field.line,
    });
  }

  #endHeader(bodyStart: number): void {
    this.#closeField();
    const node = this.#current();
    node.bodyStart = bodyStart;
    this.#isHeader = false;
    describe(node);
    const type = node.contentType.value;
    const opens = type.startsWith('multipart/') || isMessageType(type);
    if (!opens) return;
    if (node.depth >= NESTING_MAX) {
      this.#faults.addStop(
        `Parts lie more than ${NESTING_MAX} deep in one another: what is deeper is not taken apart.`,
      );
    } else if (isMessageType(type)) this.#openMessage(node, bodyStart);
    else this.#openMultipart(node);
  }

  #openMessage(node: OpenNode, bodyStart: number): void {
    // A message whose own header says that it is a message is one whose body is a message.
    if (!isIdentity(node.encoding)) {
      if (node.encoding === 'base64' || node.encoding === 'quoted-printable') this.#encodedMessages.push(node);
      return;
    }
    if (this.#isFull(bodyStart)) return;
    const message = new OpenNode(node, this.#source, bodyStart, true);
    node.children.push(message);
    node.isOpened = true;
    this.#budget.parts += 1;
    this.#open.push(message);
    this.#isHeader = true;
  }

  #openMultipart(node: OpenNode): void {
    const boundary = node.contentType.parameters.get('boundary') ?? '';
    if (boundary === '') {
      this.#faults.add(`A ${node.contentType.value} names no boundary: it is shown as text.`);
      return;
    }
    if (!isIdentity(node.encoding)) {
      this.#faults.add(
        `A ${node.contentType.value} has the Content-Transfer-Encoding “${node.encoding.slice(0, 40)}”, which RFC 2045 §6.4 forbids: ignored.`,
      );
    }
    // The parameter was decoded; the delimiter is compared octet by octet.
    const key = Buffer.from(boundary).toString('latin1');
    const depths = this.#boundaries.get(key);
    if (depths === undefined) this.#boundaries.set(key, [this.#open.length - 1]);
    else depths.push(this.#open.length - 1);
    this.#longestBoundary = Math.max(this.#longestBoundary, key.length);
  }

  #takeDelimiter(delimiter: { depth: number; isLast: boolean }, start: number, next: number): boolean {
    // RFC 2046 §5.1.1: the line end before a delimiter belongs to it.
    const end = this.#contentEndBefore(start);
    while (this.#open.length - 1 > delimiter.depth) this.#close(end);
    const multipart = this.#current();
    this.#isHeader = false;
    if (delimiter.isLast) {
      this.#forgetBoundary(multipart);
      return true;
    }
    if (this.#isFull(start)) return false;
    multipart.isOpened = true;
    const part = new OpenNode(multipart, this.#source, next, false);
    multipart.children.push(part);
    this.#budget.parts += 1;
    this.#open.push(part);
    this.#isHeader = true;
    return true;
  }

  #isFull(at: number): boolean {
    if (this.#budget.parts < PARTS_MAX) return false;
    this.#faults.addStop(`There are more than ${PARTS_MAX} parts: reading stopped at octet ${at}.`);
    return true;
  }

  /** The innermost delimiter that a line is. */
  #delimiterOf(start: number, end: number): { depth: number; isLast: boolean } | undefined {
    let stop = end;
    while (stop > start && (this.#source[stop - 1] === SPACE || this.#source[stop - 1] === TAB)) stop -= 1;
    if (stop - start > this.#longestBoundary + 4) return undefined;
    const text = this.#source.toString('latin1', start + 2, stop);
    const plain = this.#boundaries.get(text)?.at(-1) ?? -1;
    const last = text.endsWith('--') ? (this.#boundaries.get(text.slice(0, -2))?.at(-1) ?? -1) : -1;
    if (plain < 0 && last < 0) return undefined;
    return plain > last ? { depth: plain, isLast: false } : { depth: last, isLast: true };
  }

  /** Closes the innermost node at the end of its content. */
  #close(end: number): void {
    const node = this.#open.pop();
    if (node === undefined) return;
    // A delimiter right behind another one shares its line end with what it closes.
    node.end = Math.max(end, node.start, node.children.at(-1)?.end ?? 0);
    node.bodyStart = Math.min(node.bodyStart, node.end);
    if (!isMultipart(node)) return;
    const isUnended = this.#forgetBoundary(node, this.#open.length);
    const name = printable(node.contentType.parameters.get('boundary') ?? '');
    if (!node.isOpened && name !== '')
      this.#faults.add(
        `A ${node.contentType.value} has no part: no line is its delimiter “--${name}”. It is shown as text.`,
      );
    else if (isUnended)
      this.#faults.add(`A ${node.contentType.value} does not end: the delimiter “--${name}--” is missing.`);
  }

  /** @returns whether its boundary was waited for */
  #forgetBoundary(node: OpenNode, depth = this.#open.length - 1): boolean {
    const key = Buffer.from(node.contentType.parameters.get('boundary') ?? '').toString('latin1');
    const depths = this.#boundaries.get(key);
    if (depths?.at(-1) !== depth) return false;
    depths.pop();
    if (depths.length === 0) this.#boundaries.delete(key);
    return true;
  }

  #finish(): void {
    const end = this.#source.length;
    // A message that is a header alone, and one within it that has not even that.
    while (this.#isHeader) this.#endHeader(end);
    while (this.#open.length > 0) this.#close(end);
  }

  /** The number of a line, from 1. Lines are asked for in their order, so that they are counted once. */
  #lineAt(start: number): number {
    for (;;) {
      const end = this.#source.indexOf(this.#lineEnd, this.#lineStart);
      if (end < 0 || end >= start) return this.#line;
      this.#lineStart = end + 1;
      this.#line += 1;
    }
  }

  #current(): OpenNode {
    return this.#open.at(-1) ?? this.#root;
  }

  /** The next line that begins with two dashes, from a line's beginning on; -1 when there is none. */
  #nextDashes(at: number): number {
    if (this.#source[at] === DASH && this.#source[at + 1] === DASH) return at;
    // One octet back is the end of the line before.
    const found = this.#source.indexOf(this.#lineEnd === LF ? LF_DASHES : CR_DASHES, Math.max(0, at - 1));
    return found < 0 ? -1 : found + 1;
  }

  #contentEnd(start: number, lineEnd: number): number {
    return this.#lineEnd === LF && lineEnd > start && this.#source[lineEnd - 1] === CR ? lineEnd - 1 : lineEnd;
  }

  #contentEndBefore(start: number): number {
    return start === 0 ? 0 : this.#contentEnd(0, start - 1);
  }
}

/** Reads from its fields what a node is. */
function describe(node: OpenNode): void {
  if (node.described.size === 0) {
    node.contentType = { value: defaultTypeOf(node), parameters: NO_FIELD.parameters };
    if (!node.isMessage) node.fields = [];
    return;
  }
  const fields = new Map<string, string>();
  for (const field of node.fields) {
    const name = field.name.toLowerCase();
    // RFC 2045 knows them once; with several the first decides, for every reader of this code alike.
    if (PART_FIELDS.has(name) && !fields.has(name)) fields.set(name, unfold(field));
  }
  const type = fields.get('content-type');
  node.contentType =
    type === undefined
      ? { value: defaultTypeOf(node), parameters: NO_FIELD.parameters }
      : withValidType(parseStructuredField(type));
  node.encoding = (
    /[\w.-]+/.exec((fields.get('content-transfer-encoding') ?? '').replace(/\([^()]*\)/g, ''))?.[0] ?? ''
  ).toLowerCase();
  node.disposition = parseStructuredField(fields.get('content-disposition') ?? '');
  node.contentId = bare(fields.get('content-id'));
  node.contentLocation = fields.get('content-location')?.replace(/\s+/g, '');
  if (!node.isMessage) node.fields = [];
}

/** RFC 2046 §5.1.5: in a digest a part that says nothing is a message. */
function defaultTypeOf({ parent, isMessage }: OpenNode): string {
  return parent?.contentType.value === 'multipart/digest' && !isMessage ? 'message/rfc822' : 'text/plain';
}

/** RFC 2045 §5.2: what is no type is plain text. */
function withValidType(field: StructuredField): StructuredField {
  const value = /^[^\s/"]+\/[^\s/"]+$/.test(field.value) ? field.value : 'text/plain';
  return { value, parameters: field.parameters };
}

/** A field's value without the line ends of its folds, each octet one character. */
export function unfold(field: RawField): string {
  return field.raw
    .slice(field.valueStart)
    .replace(/\r?\n|\r/g, '')
    .trim();
}

function bare(contentId: string | undefined): string | undefined {
  const id = contentId
    ?.trim()
    .replace(/^<(.*)>$/s, '$1')
    .trim();
  return id === '' ? undefined : id;
}

function isMultipart(node: OpenNode): boolean {
  return node.contentType.value.startsWith('multipart/');
}

/** Numbers of RFC 3501 §6.4.5: those of a multipart’s parts go on behind its own, those of a message begin anew behind its part’s. */
function giveNumbers(root: OpenNode): void {
  const waiting = [root];
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    const prefix = node.isMessage ? node.number.slice(0, -1) : `${node.number}.`;
    for (const [index, child] of node.children.entries()) {
      // A message whose header says that it is one has that as its part 1.
      if (child.isMessage) child.number = node.isMessage ? `${prefix}1.0` : `${prefix}0`;
      else child.number = `${prefix}${index + 1}`;
      waiting.push(child);
    }
  }
}

function headerCut(line: number): string {
  return `The header is too large to be shown as a whole: its fields are shown up to line ${line - 1}.`;
}

function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?').slice(0, 80);
}

const NO_FIELD: StructuredField = { value: '', parameters: new Map() };
/** The fields that say what a part is. */
const PART_FIELDS = new Set([
  'content-type',
  'content-transfer-encoding',
  'content-disposition',
  'content-id',
  'content-location',
]);
/** RFC 5322 §3.6.8, and blanks before the colon as in §4.5. */
const FIELD_NAME = /^[!-9;-~]+[ \t]*$/;
const FIELD_NAME_BYTES_MAX = 998;
const LF = 0x0a;
const CR = 0x0d;
const TAB = 0x09;
const SPACE = 0x20;
const DASH = 0x2d;
const COLON = 0x3a;
const LF_DASHES = Buffer.from('\n--');
const CR_DASHES = Buffer.from('\r--');
