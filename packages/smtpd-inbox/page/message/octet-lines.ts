/**
 * The octets of a message as rows to look at: where each begins, and what a strict reader would stumble over in it. Nothing is copied
 * and no row is an object until somebody looks at it, so that 30 MB are an index of 4 octets a row and a mark of one.
 */

/**
 * A row: a line, or a stretch of one that is too long to be shown at once. An LF ends a line, whether a CR stands before it or not; a CR
 * elsewhere is a mark inside the line, because that is how the numbers of `grep -n`, of editors and of the API count.
 */
export interface OctetRow {
  /** From 0. */
  readonly row: number;
  /** The line it belongs to, from 1. */
  readonly line: number;
  /** Whether the line began in an earlier row. */
  readonly isContinuation: boolean;
  /** The first octet. */
  readonly start: number;
  /** Behind the last octet that is not part of a line end. */
  readonly textEnd: number;
  /** Behind the last octet. */
  readonly end: number;
  /** How the row ends: `none` at the end of the message, `goesOn` before a continuation. */
  readonly lineEnd: 'crlf' | 'lf' | 'none' | 'goesOn';
  readonly marks: readonly OctetMark[];
}

/** What there is to see in a row. Those of a length are said of the first row of a line. */
export type OctetMark = (typeof OCTET_MARKS)[number];

/** In the order of their bits. */
export const OCTET_MARKS = [
  'bareLF',
  'bareCR',
  'nul',
  'control',
  'eightBit',
  'trailingBlank',
  'over78',
  'over998',
] as const;

const BIT = Object.fromEntries(OCTET_MARKS.map((mark, at) => [mark, 1 << at])) as Readonly<Record<OctetMark, number>>;

/**
 * Splits octets into rows.
 *
 * @example
 * ```ts
 * const lines = new OctetLines(new TextEncoder().encode('Subject: a \r\n\r\nb\n'));
 * lines.rowCount; // 3
 * lines.row(0); // { line: 1, lineEnd: 'crlf', marks: ['trailingBlank'], … }
 * ```
 */
export class OctetLines {
  readonly octets: Uint8Array;
  /** How many rows there are; at least 1, as an empty message has an empty line. */
  readonly rowCount: number;
  readonly lineCount: number;
  /** How many rows have each mark. */
  readonly markCounts: Readonly<Record<OctetMark, number>>;
  /** Where each row begins; one more at the end. */
  readonly #starts: Uint32Array;
  readonly #marks: Uint8Array;
  /** The rows that are continuations, in order: a line's number is its row's without those before it. */
  readonly #continuations: Uint32Array;

  constructor(octets: Uint8Array, { rowOctetsMax = ROW_OCTETS_MAX }: { readonly rowOctetsMax?: number } = {}) {
    this.octets = octets;
    const starts = new GrowingNumbers(Uint32Array, octets.length >>> 5);
    const marks = new GrowingNumbers(Uint8Array, octets.length >>> 5);
    const continuations = new GrowingNumbers(Uint32Array, 0);
    const counts = new Uint32Array(OCTET_MARKS.length);
    const count = (bits: number): void => {
      for (let bit = 0; bits !== 0; bit += 1, bits >>>= 1) if ((bits & 1) !== 0) counts[bit] = (counts[bit] ?? 0) + 1;
    };

    let start = 0;
    let seen = 0;
    let lineStart = 0;
    let lineRow = 0;
    starts.push(0);
    const endRow = (end: number): void => {
      marks.push(seen);
      starts.push(end);
      start = end;
      seen = 0;
    };
    const endLine = (textEnd: number, end: number): void => {
      const last = textEnd > lineStart ? octets[textEnd - 1] : undefined;
      if (last === SPACE || last === TAB) seen |= BIT.trailingBlank;
      endRow(end);
      const length = textEnd - lineStart;
      if (length > LINE_OCTETS_ADVISED) marks.add(lineRow, BIT.over78);
      if (length > LINE_OCTETS_MAX) marks.add(lineRow, BIT.over998);
    };

    for (let at = 0; at < octets.length; at += 1) {
      const octet = octets[at] as number;
      if (octet >= SPACE && octet < DELETE) {
        // Most of all mail; what follows the row's limit is looked after below.
      } else if (octet === LF) {
        const isCRLF = at > lineStart && octets[at - 1] === CR;
        if (!isCRLF) seen |= BIT.bareLF;
        endLine(isCRLF ? at - 1 : at, at + 1);
        lineStart = at + 1;
        lineRow = marks.length;
        continue;
      } else if (octet === CR) {
        if (octets[at + 1] === LF) continue;
        seen |= BIT.bareCR;
      } else if (octet === 0) seen |= BIT.nul;
      else if (octet >= 0x80) seen |= BIT.eightBit;
      else if (octet !== TAB) seen |= BIT.control;

      // A line end is not torn from its text, and a row is not begun for nothing.
      const next = at + 1;
      if (next - start < rowOctetsMax || next === octets.length || octets[next] === LF || octets[next] === CR) continue;
      endRow(next);
      continuations.push(marks.length);
    }
    endLine(octets.length, octets.length);

    this.#starts = starts.taken();
    this.#marks = marks.taken();
    this.#continuations = continuations.taken();
    for (const bits of this.#marks) count(bits);
    this.rowCount = this.#marks.length;
    this.lineCount = this.rowCount - this.#continuations.length;
    this.markCounts = Object.fromEntries(OCTET_MARKS.map((mark, at) => [mark, counts[at] ?? 0])) as Readonly<
      Record<OctetMark, number>
    >;
  }

  /** The row of a number from 0. */
  row(row: number): OctetRow {
    const start = this.#starts[row];
    const end = this.#starts[row + 1];
    if (start === undefined || end === undefined) throw new RangeError(`There is no row ${row}`);
    const bits = this.#marks[row] ?? 0;
    const before = countUpTo(this.#continuations, row);
    const isContinuation = before > 0 && this.#continuations[before - 1] === row;
    const goesOn = this.#continuations[before] === row + 1;
    const lineEnd = goesOn ? 'goesOn' : this.#lineEnd(start, end);
    return {
      row,
      line: row - before + 1,
      isContinuation,
      start,
      textEnd: end - LINE_END_OCTETS[lineEnd],
      end,
      lineEnd,
      marks: OCTET_MARKS.filter((mark) => (bits & BIT[mark]) !== 0),
    };
  }

  /** The first row of a line from 1; the last line's for those behind it. */
  rowOfLine(line: number): number {
    const wanted = Math.min(Math.max(Math.trunc(line), 1), this.lineCount);
    // A row's line grows with it: the first row whose line is the wanted one.
    let low = wanted - 1;
    let high = this.rowCount - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (middle - countUpTo(this.#continuations, middle) + 1 < wanted) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The row in which an octet stands. */
  rowOfOctet(offset: number): number {
    return Math.min(Math.max(countUpTo(this.#starts, offset) - 1, 0), this.rowCount - 1);
  }

  /** The next row with a mark, behind `row`, from the start again when there is none further on; `undefined` when there is none at all. */
  nextMarked(mark: OctetMark, row: number): number | undefined {
    for (let step = 1; step <= this.rowCount; step += 1) {
      const at = (row + step) % this.rowCount;
      if (((this.#marks[at] ?? 0) & BIT[mark]) !== 0) return at;
    }
    return undefined;
  }

  #lineEnd(start: number, end: number): 'crlf' | 'lf' | 'none' {
    if (end === start || this.octets[end - 1] !== LF) return 'none';
    return end - start > 1 && this.octets[end - 2] === CR ? 'crlf' : 'lf';
  }
}

/** How many numbers of a sorted list are at most `value`. */
function countUpTo(sorted: Uint32Array, value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] as number) <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Numbers in a typed array that doubles. */
class GrowingNumbers<Numbers extends Uint32Array | Uint8Array> {
  length = 0;
  #numbers: Numbers;
  readonly #kind: new (length: number) => Numbers;

  constructor(kind: new (length: number) => Numbers, expected: number) {
    this.#kind = kind;
    this.#numbers = new kind(Math.max(expected, 16));
  }

  push(value: number): void {
    if (this.length === this.#numbers.length) {
      const larger = new this.#kind(this.length * 2);
      larger.set(this.#numbers);
      this.#numbers = larger;
    }
    this.#numbers[this.length] = value;
    this.length += 1;
  }

  /** Sets bits of a number that is there. */
  add(at: number, bits: number): void {
    this.#numbers[at] = (this.#numbers[at] ?? 0) | bits;
  }

  taken(): Numbers {
    return this.#numbers.slice(0, this.length) as Numbers;
  }
}

const TAB = 0x09;
const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const DELETE = 0x7f;
const LINE_END_OCTETS = { crlf: 2, lf: 1, none: 0, goesOn: 0 } as const;
/** RFC 5322 §2.1.1: a line should be no longer, without its CRLF. */
const LINE_OCTETS_ADVISED = 78;
/** RFC 5322 §2.1.1: a line must be no longer, without its CRLF. */
const LINE_OCTETS_MAX = 998;
/** Longer lines go on in a row below: no browser is handed a row of megabytes. */
const ROW_OCTETS_MAX = 1024;
