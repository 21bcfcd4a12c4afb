/**
 * What a test that waits for a message asks for, compared with what came: does it match, and if not, why not, in words that a failed
 * test prints. Pure: what only the store knows (the text, a search) is asked of it before, and given here as facts.
 */

import type { MessageQuery } from 'smtpd-store';

import type { Entry, NearMiss } from '../api/model.js';
import { addressIn, canonicalAddress } from './addresses.js';
import { distanceBetween } from './nearest-words.js';
import { parseSearch, type SearchFault } from './search-syntax.js';
import { isWildcardMatch } from './wildcard.js';

/** What is waited for. Everything that is given must hold. */
export interface WaitCriteria {
  /**
   * A recipient of the envelope, or an address in To or Cc: the local part exactly, the domain without regard to case, in letters or as
   * A-labels. `*` stands for any text: `*@a.example`.
   */
  readonly to?: string;
  /** The sender of the envelope or an address in From, in the same way. `''` is the null reverse-path. */
  readonly from?: string;
  /** Stands in the subject, without regard to case. */
  readonly subject?: string;
  /** These words stand in the text, one after the other, as `body:"…"` finds them. */
  readonly body?: string;
  /** A search that finds it. */
  readonly q?: string;
}

/** Criteria that were read. */
export interface Wait {
  readonly criteria: WaitCriteria;
  /** What the store has to be asked for: each finds the messages of which the fact of its name is true. */
  readonly queries: { readonly body?: MessageQuery; readonly q?: MessageQuery };
  /** Finds all messages that can match; whether they do is left to {@link mismatchesOf}. */
  readonly query: MessageQuery;
}

/** A message, and what the store says of it. */
export interface WaitCandidate {
  readonly entry: Entry;
  /** Whether `queries.body` finds it; anything where there is none. */
  readonly isInBody?: boolean;
  /** Whether `queries.q` finds it; anything where there is none. */
  readonly isFound?: boolean;
}

/**
 * Reads the criteria.
 *
 * @example
 * ```ts
 * parseWait({ to: 'ann@b.example', q: 'is:unread' }, { now: new Date() }); // { wait: { … } }
 * ```
 */
export function parseWait(
  criteria: WaitCriteria,
  { now }: { readonly now: Date },
): { readonly wait: Wait } | { readonly fault: SearchFault } {
  const body: MessageQuery | undefined =
    criteria.body === undefined ? undefined : { kind: 'words', field: 'body', words: criteria.body };
  const search = criteria.q === undefined ? undefined : parseSearch(criteria.q, { now });
  if (search !== undefined && 'fault' in search) return search;
  const q = search?.query;
  const parts = [
    IS_MESSAGE,
    ...wordsOf(criteria),
    ...(body === undefined ? [] : [body]),
    ...(q === undefined ? [] : [q]),
  ];
  return {
    wait: {
      criteria,
      queries: { ...(body === undefined ? {} : { body }), ...(q === undefined ? {} : { q }) },
      query: { kind: 'and', queries: parts },
    },
  };
}

/** Words that a message has if it matches: the store finds those at once, among however many others. */
function wordsOf({ to, from, subject }: WaitCriteria): readonly MessageQuery[] {
  const [recipient, sender] = [localWords(to), localWords(from)];
  const end = subject === undefined ? undefined : WHOLE_WORDS.exec(subject)?.[1];
  return [
    ...(recipient === undefined
      ? []
      : [
          {
            kind: 'or' as const,
            queries: [
              { ...recipient, field: 'to' as const },
              { ...recipient, field: 'cc' as const },
            ],
          },
        ]),
    ...(sender === undefined ? [] : [{ ...sender, field: 'from' as const }]),
    // Its last word may go on, and what stands before its first blank may be the end of a word.
    ...(end === undefined ? [] : [{ kind: 'words' as const, field: 'subject' as const, words: end, isPrefix: true }]),
  ];
}

/** The words of a local part, which stands in what it matches as it is; a domain may be written in several ways. */
function localWords(address: string | undefined): { readonly kind: 'words'; readonly words: string } | undefined {
  const words = address === undefined ? undefined : /^([^@]*)(?:@[^@]*)?$/.exec(address)?.[1];
  return words !== undefined && PLAIN_LOCAL_PART.test(words) ? { kind: 'words', words } : undefined;
}

/**
 * Why a message is not the one that is waited for; nothing when it is.
 *
 * @example
 * ```ts
 * mismatchesOf(wait, { entry }); // ['its subject is "Welcome", not "Password reset"']
 * ```
 */
export function mismatchesOf(wait: Wait, candidate: WaitCandidate): readonly string[] {
  return judge(wait, candidate).map(({ reason }) => reason);
}

/**
 * The messages that come nearest to what is waited for, and why they are not it: those that fail in fewest things first, then those that
 * fail by least, then the newest.
 *
 * @param candidates - newest first; those that match are passed over
 */
export function nearMissesOf(wait: Wait, candidates: Iterable<WaitCandidate>, limit = 5): readonly NearMiss[] {
  return [...candidates]
    .map((candidate) => ({ candidate, mismatches: judge(wait, candidate) }))
    .filter(({ mismatches }) => mismatches.length > 0)
    .map((each) => ({ ...each, gap: each.mismatches.reduce((sum, { gap }) => sum + gap, 0) }))
    .sort((one, other) => one.mismatches.length - other.mismatches.length || one.gap - other.gap)
    .slice(0, limit)
    .map(({ candidate, mismatches }) => ({
      entry: candidate.entry,
      reasons: mismatches.map(({ reason }) => reason),
    }));
}

/** One thing that is not as it should be. */
interface Mismatch {
  readonly reason: string;
  /** How far off, from 0 to 1. */
  readonly gap: number;
}

function judge({ criteria, queries }: Wait, { entry, isInBody, isFound }: WaitCandidate): readonly Mismatch[] {
  const { to, from, subject } = criteria;
  const found: (Mismatch | undefined)[] = [
    entry.kind === 'message' ? undefined : { reason: 'it is a session that ended without a message', gap: 1 },
    to === undefined ? undefined : recipientMismatch(entry, to),
    from === undefined ? undefined : senderMismatch(entry, from),
    subject === undefined ? undefined : subjectMismatch(entry.subject, subject),
    queries.body === undefined || isInBody === true
      ? undefined
      : { reason: `its text does not say ${quote(criteria.body ?? '')}`, gap: 1 },
    queries.q === undefined || isFound === true
      ? undefined
      : { reason: `the search ${quote(criteria.q ?? '')} does not find it`, gap: 1 },
  ];
  return found.filter((each) => each !== undefined);
}

function recipientMismatch({ envelope, to, cc }: Entry, wanted: string): Mismatch | undefined {
  const addresses = unique([...envelope.rcptTos, ...[...to, ...cc].map(addressIn)]);
  if (addresses.some((address) => isAddressMatch(address, wanted))) return undefined;
  if (addresses.length === 0) return { reason: `it went to nobody, not to ${shorten(wanted)}`, gap: 1 };
  const { nearest, gap } = byNearness(addresses, wanted);
  return { reason: `it went to ${listed(nearest)}, not to ${shorten(wanted)}`, gap };
}

function senderMismatch({ envelope, from }: Entry, wanted: string): Mismatch | undefined {
  const addresses = unique([envelope.mailFrom, ...from.map(addressIn)]);
  if (wanted === '' ? envelope.mailFrom === '' : addresses.some((address) => isAddressMatch(address, wanted)))
    return undefined;
  const { nearest, gap } = byNearness(addresses, wanted);
  return { reason: `it came from ${listed(nearest.map(senderName))}, not from ${senderName(shorten(wanted))}`, gap };
}

function subjectMismatch(subject: string | undefined, wanted: string): Mismatch | undefined {
  if (subject === undefined) {
    return wanted === '' ? undefined : { reason: `it has no subject, which should be ${quote(wanted)}`, gap: 1 };
  }
  const [one, other] = [folded(subject), folded(wanted)];
  if (one.includes(other)) return undefined;
  return { reason: `its subject is ${quote(subject)}, not ${quote(wanted)}`, gap: gapBetween(one, other) };
}

/** RFC 5321 §2.4: the case of a local part may mean something, that of a domain never does. */
function isAddressMatch(address: string, wanted: string): boolean {
  const [one, other] = [canonicalAddress(address), canonicalAddress(wanted)];
  return wanted.includes('*') ? isWildcardMatch(one, other) : one === other;
}

function byNearness(addresses: readonly string[], wanted: string): { nearest: readonly string[]; gap: number } {
  const other = canonicalAddress(wanted).toLowerCase();
  // Of a message to a thousand people the first ones are enough.
  const gaps = addresses.slice(0, COMPARED_MAX).map((address) => ({
    address,
    gap: gapBetween(canonicalAddress(address).toLowerCase(), other),
  }));
  const nearest = [...gaps].sort((one, another) => one.gap - another.gap);
  const rest = addresses.slice(COMPARED_MAX);
  return { nearest: [...nearest.map(({ address }) => address), ...rest], gap: nearest[0]?.gap ?? 1 };
}

/** From 0 for the same to 1 for nothing in common. */
function gapBetween(one: string, other: string): number {
  const [short, shortOther] = [one.slice(0, COMPARED_LENGTH_MAX), other.slice(0, COMPARED_LENGTH_MAX)];
  const length = Math.max(short.length, shortOther.length);
  return length === 0 ? 0 : distanceBetween(short, shortOther) / length;
}

function unique(addresses: readonly string[]): readonly string[] {
  const seen = new Map(addresses.map((address) => [canonicalAddress(address), address] as const).reverse());
  return [...seen.values()].reverse();
}

function listed(texts: readonly string[]): string {
  const shown = texts.slice(0, SHOWN_MAX).map(shorten);
  const others = texts.length - shown.length;
  if (others > 0) return `${shown.join(', ')} and ${String(others)} other${others === 1 ? '' : 's'}`;
  const last = shown.pop() ?? '';
  return shown.length === 0 ? last : `${shown.join(', ')} and ${last}`;
}

function senderName(address: string): string {
  return address === '' ? 'nobody (the null reverse-path)' : address;
}

function quote(text: string): string {
  return JSON.stringify(shorten(text));
}

function shorten(text: string): string {
  return text.length <= SHOWN_LENGTH_MAX ? text : `${text.slice(0, SHOWN_LENGTH_MAX)}…`;
}

/** Blanks are one blank, wherever a header was folded. */
function folded(text: string): string {
  return text.toLowerCase().normalize('NFC').replaceAll(/\s+/g, ' ').trim();
}

const IS_MESSAGE: MessageQuery = { kind: 'not', query: { kind: 'isSession' } };
/** No star, nothing that is written in several ways, and at least one letter or digit: without one there is no word. */
const PLAIN_LOCAL_PART = /^(?=.*[a-z0-9])[a-z0-9._+-]+$/i;
/** What stands behind a blank, in letters that are written in one way. */
const WHOLE_WORDS = /^\S+\s+([a-z0-9]+(?:\s+[a-z0-9]+)*)$/i;
const SHOWN_MAX = 3;
const SHOWN_LENGTH_MAX = 100;
const COMPARED_MAX = 20;
const COMPARED_LENGTH_MAX = 100;
