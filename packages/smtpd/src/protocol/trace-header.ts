/**
 * Trace fields: what a server writes into the header of a message that it hands on, to say from whom it came and when.
 *
 * Whatever a client had a say in (its name, its recipients) is rendered so that it is nothing but a part of the field: no
 * text of a client begins a line, opens or closes a comment, or passes for another clause. Where the fields go is decided in
 * `content-pass.ts`. In the walk this comes between the session's facts and the content that leaves.
 */
import { parseClientName } from './client-name.js';
import { invariant } from './errors.js';
import {
  ATEXT,
  CLOSE_BRACKET,
  COLON,
  HYPHEN,
  LET_DIG,
  NON_ASCII,
  OPEN_BRACKET,
  isAt,
  octetAt,
  scanDomain,
} from './grammar.js';
import { formatIPAddress, parseIPAddress, unmappedIPv4 } from './ip-address.js';
import { octets } from './octets.js';
import { isMailbox } from './path.js';

/** The other end of a connection: an IP address in text form, or none where the peer is of this machine or this process. */
export interface TracePeer {
  readonly address: string;
  readonly family: 'IPv4' | 'IPv6' | 'unix' | 'memory';
}

/** How a message was handed over. */
export interface Transmission {
  readonly protocol: 'smtp' | 'lmtp';
  /** Whether the client said EHLO (LHLO always counts as such). */
  readonly isExtended: boolean;
  readonly isOnTLS: boolean;
  readonly isAuthenticated: boolean;
  /** Whether MAIL had the parameter SMTPUTF8. */
  readonly isInternationalized: boolean;
}

/** What a `Received` field tells. */
export interface ReceivedFacts {
  /** What the client called itself; `undefined` when it did not say. */
  readonly clientName: string | undefined;
  readonly peer: TracePeer;
  /** The name that belongs to the peer's address, where somebody looked it up. */
  readonly peerHostName: string | undefined;
  /** What we call ourselves. */
  readonly serverName: string;
  readonly transmission: Transmission;
  /** What a comment tells of TLS; `undefined` for no comment. */
  readonly tls: { readonly version: string; readonly cipher: string } | undefined;
  /** By what the log knows the message. */
  readonly id: string;
  /** The addresses of all recipients. Only one that is alone is told: a message shows nobody who else gets it. */
  readonly recipients: readonly string[];
  readonly receivedAt: Date;
  /** How far local time is ahead of UTC: 120 is `+0200`. */
  readonly utcOffsetMinutes: number;
}

/**
 * A `Received` field (RFC 5321 §4.4), folded, with its CRLF.
 *
 * It is text: under SMTPUTF8 it may have characters beyond ASCII, and goes out as UTF-8 (RFC 6532 §3.2); otherwise it is
 * ASCII. There is no `via`, which is for links other than TCP.
 *
 * @example
 * ```ts
 * formatReceived({
 *   clientName: 'client.example',
 *   peer: { address: '192.0.2.1', family: 'IPv4' },
 *   peerHostName: undefined,
 *   serverName: 'mx.example',
 *   transmission: { protocol: 'smtp', isExtended: true, isOnTLS: true, isAuthenticated: false, isInternationalized: false },
 *   tls: undefined,
 *   id: 'a1',
 *   recipients: ['bob@example.net'],
 *   receivedAt: new Date(0),
 *   utcOffsetMinutes: 60,
 * });
 * // 'Received: from client.example ([192.0.2.1]) by mx.example with ESMTPS id a1\r\n'
 * // '\tfor <bob@example.net>; Thu, 1 Jan 1970 01:00:00 +0100\r\n'
 * ```
 */
export function formatReceived(facts: ReceivedFacts): string {
  return new ReceivedFormat(facts).field(facts);
}

/** What is the same in the `Received` fields of all messages that come from one client: it is put into words once. */
export class ReceivedFormat {
  readonly #clauses: readonly Clause[];
  readonly #isInternationalized: boolean;
  readonly #folded: FoldedText;
  readonly #mayHaveUTF8: boolean;

  constructor(facts: SourceFacts) {
    const { transmission, tls, serverName } = facts;
    const clauses = [
      ...fromClauses(facts),
      `by ${serverNameText(serverName)}`,
      `with ${formatTransmission(transmission)}`,
    ];
    if (tls !== undefined) clauses.push(`(${harmless(tls.version)} ${harmless(tls.cipher)})`);
    this.#clauses = clauses;
    this.#isInternationalized = transmission.isInternationalized;
    this.#folded = clauses.reduce(addClause, FIELD_NAME);
    this.#mayHaveUTF8 = transmission.isInternationalized || !isASCII(this.#folded.text);
  }

  /** The field of one message, as {@link formatReceived} gives it. */
  field({ id, recipients, receivedAt, utcOffsetMinutes }: MessageFacts): string {
    const clauses: Clause[] = [];
    if (id !== '') clauses.push(`id ${harmless(id.slice(0, NAME_CHARACTERS_MAX))}`);
    const recipient = onlyRecipient(recipients, this.#isInternationalized);
    if (recipient !== undefined) clauses.push(`for <${recipient}>`);
    // RFC 5321 §4.4: `Stamp = From-domain By-domain Opt-info [CFWS] ";" FWS date-time`.
    const isClosedBefore = clauses.length === 0;
    const last = isClosedBefore ? this.#clauses.at(-1) : clauses.pop();
    const begun = isClosedBefore ? this.#clauses.slice(0, -1).reduce(addClause, FIELD_NAME) : this.#folded;
    clauses.push(`${last ?? ''};`, formatDate(receivedAt, utcOffsetMinutes));
    const field = `${clauses.reduce(addClause, begun).text}\r\n`;
    return this.#mayHaveUTF8 && !isASCII(field) ? (octets.decodeUTF8(octets.encodeLatin1(field)) ?? '') : field;
  }
}

/** Where messages come from. */
export type SourceFacts = Pick<
  ReceivedFacts,
  'clientName' | 'peer' | 'peerHostName' | 'serverName' | 'transmission' | 'tls'
>;

/** Which message it is. */
export type MessageFacts = Pick<ReceivedFacts, 'id' | 'recipients' | 'receivedAt' | 'utcOffsetMinutes'>;

/**
 * The field `X-Peer`, with its CRLF: the address of the client, and nothing that it said.
 *
 * @example
 * ```ts
 * formatPeerHeader({ address: '127.0.0.1', family: 'IPv4' }); // 'X-Peer: 127.0.0.1\r\n'
 * ```
 */
export function formatPeerHeader(peer: TracePeer): string {
  const address = addressOf(peer);
  return `X-Peer: ${address ?? (isLocal(peer) ? peer.family : 'unknown')}\r\n`;
}

/**
 * What stands behind `with`: one of the types that are registered (RFC 3848, RFC 6531 §4.3).
 *
 * @example
 * ```ts
 * formatTransmission({ protocol: 'lmtp', isExtended: true, isOnTLS: true, isAuthenticated: true, isInternationalized: false });
 * // 'LMTPSA'
 * ```
 */
export function formatTransmission(transmission: Transmission): string {
  const { protocol, isExtended, isOnTLS, isAuthenticated, isInternationalized } = transmission;
  // Neither TLS nor AUTH has a name of its own without EHLO: there is no SMTPS.
  if (protocol === 'smtp' && !isExtended) return 'SMTP';
  const base = protocol === 'lmtp' ? 'LMTP' : isInternationalized ? 'SMTP' : 'ESMTP';
  return `${isInternationalized ? 'UTF8' : ''}${base}${isOnTLS ? 'S' : ''}${isAuthenticated ? 'A' : ''}`;
}

/** Words that belong together: a line is broken between two clauses, and within one only where a line is too short for it. */
type Clause = string;

/**
 * RFC 5321 §4.4: who the client said that it is, and in the comment, where it really came from. A name that is none cannot
 * stand there; the address takes its place, and what was said becomes a comment.
 */
function fromClauses({ clientName, peer, peerHostName, transmission }: SourceFacts): Clause[] {
  const literal = literalOf(peer);
  const name = clientName === undefined ? undefined : nameText(clientName, transmission.isInternationalized);
  const from = name ?? literal ?? (isLocal(peer) ? 'localhost' : 'unknown');
  const clauses: Clause[] = [`from ${from}`];
  if (literal !== undefined) {
    const hostName = peerHostName === undefined ? undefined : nameText(peerHostName, false);
    clauses.push(hostName === undefined ? `(${literal})` : `(${hostName} ${literal})`);
  } else {
    clauses.push(isLocal(peer) ? PEER_COMMENTS[peer.family] : '(unknown)');
  }
  if (name === undefined && clientName !== undefined && clientName !== '') {
    clauses.push(`(helo=${harmless(clientName.slice(0, NAME_CHARACTERS_MAX))})`);
  }
  return clauses;
}

/** A name that may stand for itself, one character an octet: a domain or an address literal; `undefined` for other text. */
function nameText(name: string, mayBeInternationalized: boolean): string | undefined {
  // RFC 5321 §4.5.3.1.2: a domain has 255 octets at most.
  if (name.length > NAME_CHARACTERS_MAX) return undefined;
  const kind = parseClientName(name)?.kind;
  if (kind === 'domain' || kind === 'addressLiteral') return name;
  // Letters alone: the rest of Unicode has characters that nobody sees, or that turn the text around.
  if (!mayBeInternationalized || !INTERNATIONAL_NAME.test(name)) return undefined;
  const wire = wireText(name);
  return wire.length <= NAME_CHARACTERS_MAX && scanDomain(wire, 0, LET_DIG | NON_ASCII) === wire.length
    ? wire
    : undefined;
}

/** Our own name. The host name of a machine may have a low line; no part of it may be more than a part of the field. */
function serverNameText(name: string): string {
  return nameText(name, false) ?? (harmless(name.slice(0, NAME_CHARACTERS_MAX)) || 'localhost');
}

/** The text with a question mark for whatever has a meaning in a field, or could have one for somebody who reads it badly. */
function harmless(text: string): string {
  if (isPlainText(text)) return text;
  let shown = '';
  for (const character of text) {
    const isPlain = isAt(character, 0, ATEXT) || PLAIN_MARKS.has(octetAt(character, 0));
    shown += isPlain ? character : '?';
  }
  return shown;
}

/** Letters, digits, dots and hyphens, as in nearly all names. A regular expression would take several times as long. */
function isPlainText(text: string): boolean {
  for (let at = 0; at < text.length; at += 1) {
    const octet = text.charCodeAt(at);
    if (!isAt(text, at, LET_DIG) && octet !== DOT && octet !== HYPHEN) return false;
  }
  return true;
}

function isASCII(text: string): boolean {
  for (let at = 0; at < text.length; at += 1) if (text.charCodeAt(at) >= 0x80) return false;
  return true;
}

/** RFC 5321 §7.2: `for` would show one recipient to the other. One character an octet; `undefined` for no such clause. */
function onlyRecipient(recipients: readonly string[], isInternationalized: boolean): string | undefined {
  const [first] = recipients;
  if (first === undefined || recipients.length > 1) return undefined;
  const wire = wireText(first);
  // RFC 5322 §2.1.1: no line is longer, and a path cannot be folded. On its own line it is `\t<…>;`.
  if (wire.length > LINE_OCTETS_MAX - 4) return undefined;
  // Every character beyond ASCII has more octets than it has units in a string.
  if (!isInternationalized && wire.length !== first.length) return undefined;
  return isMailbox(wire) ? wire : undefined;
}

/** The text as its UTF-8 octets, one character an octet, as the grammar reads it and as lines are measured. */
function wireText(text: string): string {
  if (isASCII(text)) return text;
  const bytes = octets.encodeUTF8(text);
  return octets.decodeLatin1(bytes, 0, bytes.length);
}

/** The canonical text of the peer's IP address, without zone; one of IPv4 that came over IPv6 is that of IPv4. */
function addressOf({ address, family }: TracePeer): string | undefined {
  if (family === 'unix' || family === 'memory') return undefined;
  const parsed = parseIPAddress(address.replace(/%.*$/s, ''));
  return parsed === undefined ? undefined : formatIPAddress(unmappedIPv4(parsed) ?? parsed);
}

/** RFC 5321 §4.1.3. */
function literalOf(peer: TracePeer): string | undefined {
  const address = addressOf(peer);
  if (address === undefined) return undefined;
  return address.includes(':') ? `[IPv6:${address}]` : `[${address}]`;
}

function isLocal(peer: TracePeer): peer is TracePeer & { readonly family: 'unix' | 'memory' } {
  return peer.family === 'unix' || peer.family === 'memory';
}

/** Messages that come in one second have one date. */
function formatDate(date: Date, utcOffsetMinutes: number): string {
  const second = Math.floor(date.getTime() / 1_000);
  if (lastDate.second !== second || lastDate.utcOffsetMinutes !== utcOffsetMinutes) {
    lastDate = { second, utcOffsetMinutes, text: dateText(date, utcOffsetMinutes) };
  }
  return lastDate.text;
}

/** RFC 5322 §3.3: `date-time`, with its offset in figures (RFC 5321 §4.4). */
function dateText(date: Date, utcOffsetMinutes: number): string {
  invariant(
    Number.isInteger(utcOffsetMinutes),
    `An offset is a whole number of minutes, not ${String(utcOffsetMinutes)}`,
  );
  const local = new Date(date.getTime() + utcOffsetMinutes * 60_000);
  invariant(!Number.isNaN(local.getTime()), 'A Received field needs a date');
  const [weekday, month] = [WEEKDAYS[local.getUTCDay()] ?? '', MONTHS[local.getUTCMonth()] ?? ''];
  const time = [local.getUTCHours(), local.getUTCMinutes(), local.getUTCSeconds()].map(twoDigits).join(':');
  const offset = Math.abs(utcOffsetMinutes);
  const zone = `${utcOffsetMinutes < 0 ? '-' : '+'}${twoDigits(Math.floor(offset / 60))}${twoDigits(offset % 60)}`;
  return `${weekday}, ${String(local.getUTCDate())} ${month} ${String(local.getUTCFullYear())} ${time} ${zone}`;
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0');
}

/** Text of a field so far, and how long its last line is. */
interface FoldedText {
  readonly text: string;
  readonly lineLength: number;
}

/** Puts a clause behind the others, on lines of 78 octets at most (RFC 5322 §2.1.1), where no word alone is longer. */
function addClause(begun: FoldedText, clause: Clause): FoldedText {
  return clause.length < LINE_OCTETS_WANTED ? addWords(begun, clause) : clause.split(' ').reduce(addWords, begun);
}

function addWords({ text, lineLength }: FoldedText, words: string): FoldedText {
  const isFitting = lineLength + 1 + words.length <= LINE_OCTETS_WANTED;
  return isFitting
    ? { text: `${text} ${words}`, lineLength: lineLength + 1 + words.length }
    : { text: `${text}\r\n\t${words}`, lineLength: 1 + words.length };
}

const FIELD_NAME: FoldedText = Object.freeze({ text: 'Received:', lineLength: 'Received:'.length });
const LINE_OCTETS_WANTED = 78;
const LINE_OCTETS_MAX = 998;
const NAME_CHARACTERS_MAX = 255;

let lastDate = { second: NaN, utcOffsetMinutes: 0, text: '' };

const INTERNATIONAL_NAME = /^[\p{L}\p{M}\p{N}.-]+$/u;

const DOT = 0x2e;

/** What may stand in a comment or for a name, beside the characters of an atom. */
const PLAIN_MARKS: ReadonlySet<number> = new Set([DOT, COLON, OPEN_BRACKET, CLOSE_BRACKET]);

const PEER_COMMENTS = { unix: '(Unix socket)', memory: '(memory)' } as const;

const WEEKDAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'] as const;
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const;
