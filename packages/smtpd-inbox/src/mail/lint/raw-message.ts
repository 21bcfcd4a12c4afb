/**
 * A message taken apart as it stands: lines, header fields, the tree of its parts, each with its place. It takes what comes and throws
 * at nothing; whether something is right is for the rules to say. One pass over the octets, whatever they are: the boundaries of all open
 * multiparts are looked up at once, so that nesting costs nothing.
 */

import { parseContentType, parseParameterized, type Parameterized } from './parameter-syntax.js';

/** A message, taken apart. An octet is a character here (ISO 8859-1), so that places in the text are places in the octets. */
export interface RawMessage {
  /** What was looked at: all octets, or the first of too many. */
  readonly text: string;
  /** Octets of the whole message. */
  readonly sizeBytes: number;
  readonly lines: LineTable;
  readonly root: RawPart;
  /** All parts, the message itself first. */
  readonly parts: readonly RawPart[];
  /** What was left out, and at which bound; empty when all was looked at. */
  readonly cuts: readonly string[];
}

/** Header field with its place. */
export interface RawField {
  readonly name: string;
  readonly lowerName: string;
  /** Behind the colon, unfolded, without blanks at its ends. */
  readonly value: string;
  /** How many characters stand before the value, folds undone. */
  readonly valueOffset: number;
  /** Index of its first line, and the one behind its last. */
  readonly firstLine: number;
  readonly endLine: number;
  /** Whether blanks stand between the name and the colon. */
  readonly hasBlankBeforeColon: boolean;
}

/** An entity: the message, or a part of it. */
export interface RawPart {
  /** `'0'` for the message, `'1.2'` for a part. */
  readonly number: string;
  readonly parent: RawPart | undefined;
  readonly children: RawPart[];
  readonly fields: RawField[];
  /** Indices of header lines that are no field. */
  readonly strayLines: number[];
  /** Index of the line where its header begins. */
  readonly headerLine: number;
  /** Index of the first line of the body; the same as `endLine` where there is no body. */
  bodyLine: number;
  /** Index behind the last line. */
  endLine: number;
  /** Whether an empty line ended the header. */
  hasHeaderEnd: boolean;
  /** What its header says; text/plain where it says nothing. */
  contentType: Parameterized;
  /** Content-Transfer-Encoding in lower case; `7bit` where there is none. */
  encoding: string;
  disposition: Parameterized | undefined;
  /** Of a multipart that has one. */
  boundary: string | undefined;
  /** Whether the boundary occurred, and whether its last one did. */
  hasDelimiter: boolean;
  isClosed: boolean;
}

/** Where lines begin and end. A line ends at LF, with or without CR before it, as editors count. */
export class LineTable {
  readonly #text: string;
  readonly #starts: Uint32Array;

  constructor(text: string, starts: Uint32Array) {
    this.#text = text;
    this.#starts = starts;
  }

  get count(): number {
    return this.#starts.length;
  }

  startOf(index: number): number {
    return this.#starts[index] ?? this.#text.length;
  }

  /** The line without its end. */
  at(index: number): string {
    const start = this.startOf(index);
    let end = this.startOf(index + 1);
    if (this.#text[end - 1] === '\n' && end > start) end -= this.#text[end - 2] === '\r' && end - 1 > start ? 2 : 1;
    return this.#text.slice(start, end);
  }

  /** The octets of some lines, ends included. */
  slice(from: number, to: number): string {
    return this.#text.slice(this.startOf(from), this.startOf(to));
  }

  /** The index of the line with this octet. */
  indexOf(offset: number): number {
    let low = 0;
    let high = this.count - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (this.startOf(middle) <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

/** Takes a message apart. */
export function scanMessage(raw: Uint8Array): RawMessage {
  const cuts: string[] = [];
  if (raw.length > RAW_BYTES_MAX) cuts.push(`octets behind the first ${RAW_BYTES_MAX.toLocaleString('en-US')}`);
  const text = Buffer.from(raw.buffer, raw.byteOffset, Math.min(raw.length, RAW_BYTES_MAX)).toString('latin1');
  const { starts, isCut } = lineStarts(text);
  if (isCut) cuts.push(`lines behind the first ${LINES_MAX.toLocaleString('en-US')}`);
  const shown = isCut ? text.slice(0, starts.at(-1)) : text;
  const lines = new LineTable(shown, isCut ? starts.subarray(0, -1) : starts);
  return { text: shown, sizeBytes: raw.length, lines, cuts, ...walkParts(lines, cuts) };
}

/** The fields of this name. */
export function fieldsOf(part: RawPart, lowerName: string): RawField[] {
  return part.fields.filter((field) => field.lowerName === lowerName);
}

/** The first field of this name. */
export function fieldOf(part: RawPart, lowerName: string): RawField | undefined {
  return part.fields.find((field) => field.lowerName === lowerName);
}

/** Whether it has neither parts nor a message in it. */
export function isLeaf(part: RawPart): boolean {
  return part.children.length === 0 && !part.contentType.value.startsWith('multipart/');
}

/** Octets of messages beyond which nothing is looked at. */
export const RAW_BYTES_MAX = 33_554_432;
/** Lines beyond which nothing is looked at. */
export const LINES_MAX = 1_000_000;
/** Header fields of one entity; what comes behind them is body. */
export const FIELDS_MAX = 5_000;
/** Parts that are told apart; what comes behind them belongs to the last. */
export const PARTS_MAX = 1_000;
/** Levels of nesting; deeper multiparts are not entered. */
export const DEPTH_MAX = 50;

function lineStarts(text: string): { starts: Uint32Array; isCut: boolean } {
  let starts = new Uint32Array(1024);
  let count = 0;
  for (let at = 0; at < text.length;) {
    if (count === starts.length) {
      const larger = new Uint32Array(starts.length * 2);
      larger.set(starts);
      starts = larger;
    }
    starts[count++] = at;
    // One more than is shown: where the last of them ends.
    if (count > LINES_MAX) return { starts: starts.subarray(0, count), isCut: true };
    const end = text.indexOf('\n', at);
    at = end < 0 ? text.length : end + 1;
  }
  return { starts: starts.subarray(0, count), isCut: false };
}

function walkParts(lines: LineTable, cuts: string[]): { root: RawPart; parts: RawPart[] } {
  const root = newPart('0', undefined, 0, 'text/plain');
  const parts = [root];
  /** From the message to the part that the next line belongs to. */
  const open = [root];
  const byBoundary = new Map<string, RawPart>();
  let isInHeader = true;
  let fieldStart = -1;

  const endField = (endLine: number): void => {
    const part = open.at(-1);
    if (part === undefined || fieldStart < 0) return;
    part.fields.push(readField(lines, fieldStart, endLine));
    fieldStart = -1;
  };
  const endHeader = (bodyLine: number): void => {
    const part = open.at(-1);
    if (part === undefined) return;
    endField(bodyLine);
    isInHeader = false;
    part.bodyLine = bodyLine;
    readContentFields(part);
    if (part.contentType.value.startsWith('multipart/') && part.boundary !== undefined) {
      if (byBoundary.has(part.boundary)) part.boundary = undefined;
      else byBoundary.set(part.boundary, part);
    }
  };
  const enter = (parent: RawPart, line: number): boolean => {
    if (parts.length >= PARTS_MAX || open.length > DEPTH_MAX) {
      const cut =
        parts.length >= PARTS_MAX
          ? `parts behind the first ${PARTS_MAX.toLocaleString('en-US')}`
          : `parts deeper than ${String(DEPTH_MAX)} levels`;
      if (!cuts.includes(cut)) cuts.push(cut);
      return false;
    }
    const index = parent.children.length + 1;
    const isDigest = parent.contentType.value === 'multipart/digest';
    const part = newPart(
      parent.number === '0' ? String(index) : `${parent.number}.${String(index)}`,
      parent,
      line,
      isDigest ? 'message/rfc822' : 'text/plain',
    );
    parent.children.push(part);
    parts.push(part);
    open.push(part);
    isInHeader = true;
    return true;
  };
  /** Ends every part inside this one. */
  const closeDownTo = (outer: RawPart, endLine: number): void => {
    if (isInHeader) endHeader(endLine);
    while (open.at(-1) !== outer) {
      const part = open.pop();
      if (part === undefined) return;
      part.endLine = endLine;
      if (part.boundary !== undefined && byBoundary.get(part.boundary) === part) byBoundary.delete(part.boundary);
    }
  };

  for (let index = 0; index < lines.count; index++) {
    const line = lines.at(index);
    if (byBoundary.size > 0 && line.startsWith('--') && line.length <= BOUNDARY_LINE_MAX) {
      const candidate = line.slice(2).trimEnd();
      let owner = byBoundary.get(candidate);
      const isLast = owner === undefined && candidate.endsWith('--');
      if (isLast) owner = byBoundary.get(candidate.slice(0, -2));
      if (owner !== undefined) {
        closeDownTo(owner, index);
        owner.hasDelimiter = true;
        if (isLast) {
          owner.isClosed = true;
          if (owner.boundary !== undefined) byBoundary.delete(owner.boundary);
        } else if (!enter(owner, index + 1)) {
          isInHeader = false;
        }
        continue;
      }
    }
    if (!isInHeader) continue;
    const part = open.at(-1) ?? root;
    if (line === '') {
      endField(index);
      endHeader(index + 1);
      part.hasHeaderEnd = true;
      // A message in a message, unless it is encoded (RFC 2046 §5.2.1 forbids that).
      if (part.contentType.value === 'message/rfc822' && IDENTITY_ENCODINGS.has(part.encoding)) enter(part, index + 1);
    } else if ((line.startsWith(' ') || line.startsWith('\t')) && fieldStart >= 0) {
      // A fold: it belongs to the field before it.
    } else {
      endField(index);
      if (part.fields.length >= FIELDS_MAX) {
        cuts.push(`header fields behind the first ${FIELDS_MAX.toLocaleString('en-US')}`);
        endHeader(index);
      } else if (line.indexOf(':') > 0 && !line.startsWith(' ') && !line.startsWith('\t') && !isMboxLine(line, index)) {
        fieldStart = index;
      } else {
        part.strayLines.push(index);
      }
    }
  }
  closeDownTo(root, lines.count);
  root.endLine = lines.count;
  return { root, parts };
}

/** Where mail files divide messages: `From ann@a.example Mon Jan  1 00:00:00 2026`. */
export function isMboxLine(line: string, index: number): boolean {
  return index === 0 && /^>?From [^:]* /.test(line.slice(0, BOUNDARY_LINE_MAX));
}

function newPart(number: string, parent: RawPart | undefined, headerLine: number, contentType: string): RawPart {
  return {
    number,
    parent,
    children: [],
    fields: [],
    strayLines: [],
    headerLine,
    bodyLine: headerLine,
    endLine: headerLine,
    hasHeaderEnd: false,
    contentType: parseParameterized(contentType),
    encoding: '7bit',
    disposition: undefined,
    boundary: undefined,
    hasDelimiter: false,
    isClosed: false,
  };
}

function readField(lines: LineTable, firstLine: number, endLine: number): RawField {
  const all: string[] = [];
  for (let index = firstLine; index < endLine; index++) all.push(lines.at(index));
  const unfolded = all.join('');
  const colon = unfolded.indexOf(':');
  const before = unfolded.slice(0, colon);
  const name = before.trimEnd();
  const value = unfolded.slice(colon + 1);
  return {
    name,
    lowerName: asciiLowerCase(name),
    value: value.trim(),
    valueOffset: colon + 1 + value.length - value.trimStart().length,
    firstLine,
    endLine,
    hasBlankBeforeColon: name !== before,
  };
}

function readContentFields(part: RawPart): void {
  const type = fieldOf(part, 'content-type');
  if (type !== undefined) part.contentType = parseContentType(type.value);
  const encoding = fieldOf(part, 'content-transfer-encoding');
  if (encoding !== undefined) part.encoding = asciiLowerCase(encoding.value.replace(/\([^()]*\)/g, '').trim());
  const disposition = fieldOf(part, 'content-disposition');
  if (disposition !== undefined) part.disposition = parseParameterized(disposition.value);
  part.boundary = part.contentType.value.startsWith('multipart/')
    ? part.contentType.parameters.get('boundary')
    : undefined;
  if (part.boundary === '') part.boundary = undefined;
}

/** Lower case in US-ASCII alone: what else there is stays what it is. */
function asciiLowerCase(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

// Two hyphens before, two behind, and room for boundaries that are too long, so that they are found and said to be so.
const BOUNDARY_LINE_MAX = 1_000;
const IDENTITY_ENCODINGS: ReadonlySet<string> = new Set(['7bit', '8bit', 'binary']);
