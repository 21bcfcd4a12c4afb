/**
 * The envelope beside the header: who a mail was really sent by and to, and where that is not what it says of itself. Every difference has
 * honest reasons (blind copies, lists, bounces); they are named because they are what people look for when a mail went astray.
 */

import type { Entry, HeaderField } from '../../src/api/model.js';

/** A difference. */
export interface EnvelopeMismatch {
  readonly kind: MismatchKind;
  /** The addresses it is about, as they stand. */
  readonly addresses: readonly string[];
  /** What it means. */
  readonly text: string;
}

export type MismatchKind =
  /** In the envelope, and not in To or Cc. */
  | 'blindCopy'
  /** In To or Cc, and not in the envelope. */
  | 'notSent'
  /** A Bcc field went out with the mail. */
  | 'bccField'
  /** The sender's domain is not that of From. */
  | 'senderDomain'
  /** The null reverse-path: no report comes back. */
  | 'nullSender'
  /** A Return-Path field that says something else. */
  | 'returnPath'
  /** The same recipient more than once. */
  | 'repeated';

/** What the module reads of an entry. */
export type EnvelopeSides = Pick<Entry, 'envelope' | 'from' | 'to' | 'cc'>;

/** The differences, the weightier ones first. */
export function envelopeMismatches(
  { envelope, from, to, cc }: EnvelopeSides,
  headers: readonly Pick<HeaderField, 'name' | 'value'>[] = [],
): readonly EnvelopeMismatch[] {
  const found: EnvelopeMismatch[] = [];
  const add = (kind: MismatchKind, addresses: readonly string[], text: string): void => {
    if (addresses.length > 0) found.push({ kind, addresses, text });
  };
  const fieldAddresses = (name: string): readonly string[] =>
    headers.filter((field) => field.name.toLowerCase() === name).flatMap((field) => addressesOf(field.value));

  const named = [...to, ...cc].flatMap(addressesOf);
  const sent = new Set(envelope.rcptTos.map(comparable));
  const visible = new Set(named.map(comparable));
  add('bccField', fieldAddresses('bcc'), 'A Bcc field went out with the mail: every recipient can read it.');
  add(
    'notSent',
    distinct(named).filter((address) => !sent.has(comparable(address))),
    'Named in To or Cc, but not in the envelope: this mail did not go there.',
  );
  add(
    'blindCopy',
    distinct(envelope.rcptTos).filter((address) => !visible.has(comparable(address))),
    'In the envelope, but in neither To nor Cc: a blind copy, or a list’s member.',
  );
  const authors = from.flatMap(addressesOf);
  const authorDomains = new Set(authors.map(domainOf));
  if (envelope.mailFrom === '') {
    add('nullSender', ['<>'], 'The reverse-path is null, as a bounce’s is: nobody hears when it cannot be delivered.');
  } else if (authors.length > 0 && !authorDomains.has(domainOf(envelope.mailFrom))) {
    add(
      'senderDomain',
      [envelope.mailFrom, ...authors],
      'MAIL FROM and From are of different domains: SPF does not speak for From, and DMARC needs an aligned DKIM signature.',
    );
  }
  add(
    'returnPath',
    fieldAddresses('return-path').filter((address) => comparable(address) !== comparable(envelope.mailFrom)),
    'A Return-Path field came with the mail and is not its MAIL FROM. Only the last server may add one (RFC 5321 §4.4).',
  );
  add('repeated', repeatedIn(envelope.rcptTos), 'More than once in the envelope.');
  return found;
}

/**
 * The addresses in what a header says of them, such as `Ann Onym <ann@a.example>, b@b.example`; nothing for a group without members. What
 * is no list of addresses gives what looks like one, or nothing.
 */
export function addressesOf(value: string): readonly string[] {
  const addresses: string[] = [];
  let bare = '';
  let angled = '';
  let isQuoted = false;
  let comments = 0;
  let isAngled = false;
  const take = (): void => {
    const address = (angled === '' ? bare : angled).trim();
    if (address.includes('@')) addresses.push(address);
    bare = '';
    angled = '';
  };
  for (let at = 0; at < value.length; at += 1) {
    const letter = value.charAt(at);
    const isEscape = letter === '\\' && (isQuoted || comments > 0);
    const said = isEscape ? letter + value.charAt(at + 1) : letter;
    if (isEscape) at += 1;
    if (letter === '"' && comments === 0) isQuoted = !isQuoted;
    if (comments > 0 || (letter === '(' && !isQuoted)) {
      comments += !isEscape && letter === '(' ? 1 : !isEscape && letter === ')' ? -1 : 0;
    } else if (isQuoted || letter === '"') {
      if (isAngled) angled += said;
      else bare += said;
    } else if (letter === '<') {
      isAngled = true;
      angled = '';
    } else if (letter === '>') isAngled = false;
    else if (isAngled) angled += said;
    else if (letter === ',' || letter === ';') take();
    else if (letter === ':')
      bare = ''; // The name of a group.
    else bare += said;
  }
  take();
  return addresses;
}

/** An address's domain in the form it is compared in; `''` when there is none. */
function domainOf(address: string): string {
  const at = address.lastIndexOf('@');
  if (at === -1) return '';
  const domain = address.slice(at + 1).toLowerCase();
  try {
    // The platform knows how a name is written in the DNS.
    return new URL(`http://${domain}/`).hostname;
  } catch {
    return domain;
  }
}

/** RFC 5321 §2.4 lets only the last server judge the case of a local part; none that people use tells them apart by it. */
function comparable(address: string): string {
  const at = address.lastIndexOf('@');
  return at === -1 ? address.toLowerCase() : `${address.slice(0, at).toLowerCase()}@${domainOf(address)}`;
}

function distinct(addresses: readonly string[]): readonly string[] {
  return [...new Map(addresses.map((address) => [comparable(address), address])).values()];
}

function repeatedIn(addresses: readonly string[]): readonly string[] {
  const seen = new Set<string>();
  return distinct(
    addresses.filter((address) => {
      const key = comparable(address);
      const isRepeated = seen.has(key);
      seen.add(key);
      return isRepeated;
    }),
  );
}
