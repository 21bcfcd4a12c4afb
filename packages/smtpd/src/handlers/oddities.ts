/**
 * What is odd about a message's form: whatever another server might refuse, cut or change. A pure look at octets; it judges
 * nothing, and knows neither servers nor output.
 *
 * In the walk it stands beside a handler that keeps messages exactly and says what was unusual.
 */

import { isAscii } from 'node:buffer';

import type { ContentFacts } from '../protocol/session-events.js';

/** The names of the oddities. They are part of the JSON output, so they do not change. */
export const ODDITY_NAMES = Object.freeze([
  'bare CR',
  'bare LF',
  'NUL',
  '8-bit without 8BITMIME',
  '8-bit header without SMTPUTF8',
  'line over 998 octets',
] as const);

/** The name of an oddity. */
export type OddityName = (typeof ODDITY_NAMES)[number];

/** One oddity of a message. */
export interface Oddity {
  readonly name: OddityName;
  /** The name with the figures of this message, for people. */
  readonly description: string;
}

/** What is looked at. */
export interface ExaminedMessage {
  readonly data: Uint8Array;
  readonly facts: Pick<ContentFacts, 'bareCRCount' | 'bareLFCount' | 'longestLineBytes'>;
  /** The parameters of MAIL, such as `['BODY=8BITMIME']`. */
  readonly mailOptions: readonly string[];
}

/**
 * Finds the oddities of a message, in the order of {@link ODDITY_NAMES}. Each octet is looked at a fixed number of times.
 *
 * @example
 * ```ts
 * findOddities({ data, facts: { bareCRCount: 0, bareLFCount: 2, longestLineBytes: 10 }, mailOptions: [] });
 * // [{ name: 'bare LF', description: 'bare LF in 2 places' }]
 * ```
 */
export function findOddities({ data, facts, mailOptions }: ExaminedMessage): readonly Oddity[] {
  const found: Oddity[] = [];
  const add = (name: OddityName, description: string = name): void => {
    found.push({ name, description });
  };
  // RFC 5321 §2.3.8: CR and LF stand together or not at all.
  if (facts.bareCRCount > 0) add('bare CR', `bare CR in ${places(facts.bareCRCount)}`);
  if (facts.bareLFCount > 0) add('bare LF', `bare LF in ${places(facts.bareLFCount)}`);
  // RFC 5322 §3.5 has no NUL in a message, and RFC 2045 §2.8 none in 8-bit data either.
  if (data.includes(0)) add('NUL');
  const eightBit = findEightBit(data, mailOptions);
  if (eightBit.isUndeclared) add('8-bit without 8BITMIME');
  if (eightBit.isInOldHeader) add('8-bit header without SMTPUTF8');
  // RFC 5321 §4.5.3.1.6: a text line has at most 1000 octets, its CRLF included.
  const { longestLineBytes } = facts;
  if (longestLineBytes > LINE_BYTES_MAX) add('line over 998 octets', `line of ${String(longestLineBytes)} octets`);
  return found;
}

function findEightBit(data: Uint8Array, mailOptions: readonly string[]) {
  if (isAscii(data)) return { isUndeclared: false, isInOldHeader: false };
  const options = new Set(mailOptions.map((option) => option.toUpperCase()));
  const isInternational = options.has('SMTPUTF8');
  // RFC 6152 §3: BODY=8BITMIME announces octets above 127; RFC 3030 §3: so does BODY=BINARYMIME.
  const isDeclared = options.has('BODY=8BITMIME') || options.has('BODY=BINARYMIME');
  const bodyStart = findBody(data);
  const isHeaderEightBit = !isAscii(data.subarray(0, bodyStart));
  // RFC 6531 §3.2: with SMTPUTF8 the header may hold UTF-8; §3.6: the body still needs its own announcement.
  const isContentEightBit = (isHeaderEightBit && !isInternational) || !isAscii(data.subarray(bodyStart));
  return {
    isUndeclared: isContentEightBit && !isDeclared,
    isInOldHeader: isHeaderEightBit && !isInternational,
  };
}

/** Where the body begins; the end of the content when there is no empty line. */
function findBody(data: Uint8Array): number {
  const octets = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  if (octets.subarray(0, 2).equals(CRLF)) return 2;
  const at = octets.indexOf(EMPTY_LINE);
  return at === -1 ? octets.length : at + EMPTY_LINE.length;
}

function places(count: number): string {
  return count === 1 ? '1 place' : `${String(count)} places`;
}

const LINE_BYTES_MAX = 998;
const CRLF = Buffer.from('\r\n');
const EMPTY_LINE = Buffer.from('\r\n\r\n');
