/** What a row says of an entry. Pure. */

import type { Entry } from '../../src/api/model.js';

/** Something about how an entry came that a reader should see without opening it. */
export interface EntryMark {
  readonly kind: 'attachment' | 'tls' | 'auth' | 'fault';
  readonly text: string;
}

/** Who it is from: the name of the From field, or the sender of the envelope. */
export function senderOf({ kind, from, envelope, session }: Entry): string {
  if (kind === 'session') return session.clientName ?? session.peer.address;
  const [first] = from;
  if (first !== undefined) return displayName(first);
  return envelope.mailFrom === '' ? '<>' : envelope.mailFrom;
}

/** Whom it went to, Bcc included: the recipients of the envelope, or To and Cc of mail that came without one. Empty for a session. */
export function recipientsOf({ kind, to, cc, envelope }: Entry): readonly string[] {
  if (kind === 'session') return [];
  return envelope.rcptTos.length > 0 ? envelope.rcptTos : [...to, ...cc].map(addressOf);
}

/** What it is about; of a session, how it ended. */
export function subjectOf({ kind, subject, session }: Entry): string {
  if (kind === 'session') return session.end === undefined ? 'Ended without a message' : endText(session);
  return subject === undefined || subject.trim() === '' ? '(no subject)' : subject;
}

/** How a session without a message ended. */
export function endText({ end }: Pick<Entry['session'], 'end'>): string {
  return end === undefined ? 'without a message' : (END_TEXTS[end] ?? end);
}

/** How it goes on; of a session, how far the envelope got. */
export function previewOf({ kind, preview, envelope, session }: Entry): string {
  if (kind === 'message') return preview ?? '';
  const { address, port } = session.peer;
  const path = [
    envelope.mailFrom === '' ? '' : `from ${envelope.mailFrom}`,
    envelope.rcptTos.length === 0 ? '' : `to ${envelope.rcptTos.join(', ')}`,
  ];
  return [`${address}:${String(port)}`, ...path].filter((part) => part !== '').join(' ');
}

export function marksOf({ attachmentNames, session, parseFault }: Entry): readonly EntryMark[] {
  const names = attachmentNames.map((name) => (name === '' ? 'unnamed' : name)).join(', ');
  return [
    ...(parseFault === undefined ? [] : [{ kind: 'fault', text: `Not read to its end: ${parseFault}` } as const]),
    ...(attachmentNames.length === 0
      ? []
      : [{ kind: 'attachment', text: `${plural(attachmentNames.length, 'attachment')}: ${names}` } as const]),
    ...(session.tls === undefined ? [] : [{ kind: 'tls', text: `Came over ${session.tls.version}` } as const]),
    ...(session.identity === undefined
      ? []
      : [{ kind: 'auth', text: `Authenticated as ${session.identity.user} (${session.identity.mechanism})` } as const]),
  ];
}

/** `812 B`, `4.1 kB`, `23 MB`: by thousands, as disks and clients count. */
export function formatSize(bytes: number): string {
  let value = bytes;
  let unit = 0;
  for (; value >= 999.5 && unit < UNITS.length - 1; unit++) value /= 1000;
  return `${unit === 0 || value >= 9.95 ? value.toFixed(0) : value.toFixed(1)} ${UNITS[unit] ?? ''}`;
}

export function plural(count: number, noun: string): string {
  return `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`;
}

/** The name before an address, or the address: `"Ann Onym" <ann@a.example>` is `Ann Onym`. */
function displayName(mailbox: string): string {
  const match = /^\s*(.*?)\s*<([^<>]*)>\s*$/.exec(mailbox);
  if (match === null) return mailbox.trim();
  const name = (match[1] ?? '').replace(/^"(.*)"$/, '$1').replace(/\\(.)/g, '$1');
  return name === '' ? (match[2] ?? '') : name;
}

/** The address of a mailbox: of `"Ann Onym" <ann@a.example>` it is `ann@a.example`. */
function addressOf(mailbox: string): string {
  return /<([^<>]*)>\s*$/.exec(mailbox)?.[1] ?? mailbox.trim();
}

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'];
/** The words that the server has for it. */
const END_TEXTS: Readonly<Record<string, string>> = {
  quit: 'the client said QUIT',
  clientGone: 'the client closed the connection',
  timedOut: 'the client was silent for too long',
  limit: 'a limit was exceeded',
  refused: 'the session was refused',
  handshakeFailed: 'the TLS handshake failed',
  serverClosing: 'this server was closed',
  error: 'the connection broke',
};
