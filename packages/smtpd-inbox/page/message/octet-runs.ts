/** A row of octets in pieces of one kind each, for the eye: what is text, what is not, what was searched for. */

import type { OctetRow } from './octet-lines.js';

/** A piece of a row. */
export interface OctetRun {
  readonly kind: 'text' | 'eightBit' | 'nul' | 'control' | 'tab' | 'bareCR' | 'bareLF' | 'crlf' | 'trailingBlank';
  /** From where to where it goes in the message. */
  readonly start: number;
  readonly end: number;
  /** What is shown: the octets as US-ASCII, or a name for them. */
  readonly text: string;
  /** Whether it is part of what was searched for. */
  readonly isMatch: boolean;
}

/** Octets of the message, in order. */
export interface OctetRange {
  readonly start: number;
  readonly end: number;
}

/** @param matches what was searched for and found, in order and without overlaps */
export function octetRuns(octets: Uint8Array, row: OctetRow, matches: readonly OctetRange[] = []): readonly OctetRun[] {
  const runs: OctetRun[] = [];
  let blanksFrom = row.textEnd;
  if (row.lineEnd !== 'goesOn') while (blanksFrom > row.start && isBlank(octets[blanksFrom - 1])) blanksFrom -= 1;
  let match = 0;
  let start = row.start;
  while (start < row.end) {
    const kind = kindAt(octets, row, blanksFrom, start);
    while (matches[match] !== undefined && (matches[match] as OctetRange).end <= start) match += 1;
    const next = matches[match];
    const isMatch = next !== undefined && next.start <= start;
    const bound = Math.min(next === undefined ? row.end : isMatch ? next.end : next.start, row.end);
    let end = start + 1;
    while (end < bound && !ALONE.has(kind) && kindAt(octets, row, blanksFrom, end) === kind) end += 1;
    runs.push({ kind, start, end, text: shown(octets, kind, start, end), isMatch });
    start = end;
  }
  return runs;
}

function kindAt(octets: Uint8Array, row: OctetRow, blanksFrom: number, at: number): OctetRun['kind'] {
  if (at >= row.textEnd) return row.lineEnd === 'crlf' ? 'crlf' : 'bareLF';
  if (at >= blanksFrom) return 'trailingBlank';
  const octet = octets[at] as number;
  if (octet >= 0x80) return 'eightBit';
  if (octet >= 0x20 && octet !== 0x7f) return 'text';
  if (octet === 0x0d) return 'bareCR';
  if (octet === 0x09) return 'tab';
  return octet === 0 ? 'nul' : 'control';
}

function shown(octets: Uint8Array, kind: OctetRun['kind'], start: number, end: number): string {
  switch (kind) {
    case 'text':
      return String.fromCharCode(...octets.subarray(start, end));
    case 'tab':
      return '\t';
    case 'trailingBlank':
      return Array.from(octets.subarray(start, end), (octet) => (octet === 0x09 ? '→' : '·')).join('');
    case 'eightBit':
      return Array.from(octets.subarray(start, end), hexOf).join(' ');
    case 'control':
      return hexOf(octets[start] as number);
    case 'nul':
      return 'NUL';
    case 'bareCR':
      return 'CR';
    case 'bareLF':
      return 'LF';
    case 'crlf':
      // One sign for the two; it stands where the LF is.
      return octets[end - 1] === 0x0a ? '↵' : '';
  }
}

function hexOf(octet: number): string {
  return octet.toString(16).toUpperCase().padStart(2, '0');
}

function isBlank(octet: number | undefined): boolean {
  return octet === 0x20 || octet === 0x09;
}

/** Kinds of which each octet is a piece of its own. */
const ALONE: ReadonlySet<OctetRun['kind']> = new Set(['nul', 'control', 'tab', 'bareCR', 'bareLF']);
