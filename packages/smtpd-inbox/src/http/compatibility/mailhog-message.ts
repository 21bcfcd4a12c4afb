/**
 * A message as MailHog's API has it: split where lines say so and nothing decoded, so that its clients decode it as they do. What MailHog adds
 * to the header is added here: its clients see it, the message itself is as it came.
 */

import type { StoredMessage } from 'smtpd-store';

/** An address, in MailHog’s words. */
export interface MailHogPath {
  readonly Relays: null;
  readonly Mailbox: string;
  readonly Domain: string;
  readonly Params: string;
}

/** A part, or the message: header and body. */
export interface MailHogContent {
  readonly Headers: Record<string, string[]>;
  readonly Body: string;
  readonly Size: number;
  readonly MIME: MailHogParts | null;
}

/** The parts of a multipart. */
export interface MailHogParts {
  readonly Parts: readonly MailHogContent[];
}

/** A message. */
export interface MailHogMessage {
  readonly ID: string;
  readonly From: MailHogPath;
  readonly To: readonly MailHogPath[];
  readonly Content: MailHogContent;
  readonly Created: string;
  readonly MIME: MailHogParts | null;
  readonly Raw: { readonly From: string; readonly To: readonly string[]; readonly Data: string; readonly Helo: string };
}

/** @param hostname - in the Received field */
export function mailHogMessage(message: StoredMessage, raw: Uint8Array, hostname: string): MailHogMessage {
  // JSON carries text: octets that are no UTF-8 are U+FFFD there, as they are in MailHog's.
  const Data = Buffer.from(raw).toString('utf8');
  const { id, envelope, session, receivedAt } = message;
  const content = contentOf(Data);
  const Helo = session.clientName ?? '';
  const headers = content.Headers;
  const keyOf = (name: string): string | undefined => Object.keys(headers).find((key) => key.toLowerCase() === name);
  const addTo = (name: string, value: string): void => {
    const key = keyOf(name.toLowerCase()) ?? name;
    headers[key] = [...(headers[key] ?? []), value];
  };
  if (keyOf('message-id') === undefined) addTo('Message-ID', `${id}@${hostname}`);
  addTo(
    'Received',
    `from ${Helo} by ${hostname} (smtpd-inbox)\r\n          id ${id}@${hostname}; ${receivedAt.toUTCString().replace('GMT', '+0000')}`,
  );
  addTo('Return-Path', `<${envelope.mailFrom}>`);
  return {
    ID: id,
    From: pathOf(envelope.mailFrom),
    To: envelope.rcptTos.map(pathOf),
    Content: content,
    Created: receivedAt.toISOString(),
    MIME: partsOf(content, 0),
    Raw: { From: envelope.mailFrom, To: envelope.rcptTos, Data, Helo },
  };
}

function pathOf(address: string): MailHogPath {
  const at = address.indexOf('@');
  return {
    Relays: null,
    Mailbox: at < 0 ? address : address.slice(0, at),
    Domain: at < 0 ? '' : address.slice(at + 1),
    Params: '',
  };
}

function contentOf(text: string): Omit<MailHogContent, 'MIME'> & { MIME: MailHogParts | null } {
  const end = text.indexOf('\r\n\r\n');
  // No prototype: a field may be called anything.
  const Headers = Object.create(null) as Record<string, string[]>;
  if (end < 0) return { Headers, Body: text, Size: Buffer.byteLength(text), MIME: null };
  let last: string | undefined;
  for (const line of text.slice(0, end).split('\r\n').slice(0, FIELDS_MAX)) {
    const colon = line.indexOf(': ');
    if (last !== undefined && /^[ \t]/.test(line)) {
      Headers[last] = [`${Headers[last]?.[0] ?? ''}${line}`];
    } else if (colon >= 0) {
      last = line.slice(0, colon);
      Headers[last] = [line.slice(colon + 2)];
    }
  }
  return { Headers, Body: text.slice(end + 4), Size: Buffer.byteLength(text), MIME: null };
}

/** The parts of a multipart; `null` for what is none. */
function partsOf(content: Pick<MailHogContent, 'Headers' | 'Body'>, depth: number): MailHogParts | null {
  const type = content.Headers['Content-Type']?.[0];
  if (type?.startsWith('multipart/') !== true || depth > DEPTH_MAX) return null;
  const boundary = BOUNDARY.exec(type);
  const separator = boundary?.[1] ?? boundary?.[2];
  if (separator === undefined || separator === '') return { Parts: [] };
  // What stands before the first separator and behind the last is no part.
  const pieces = content.Body.split(`--${separator}`, PARTS_MAX).slice(1, -1);
  return {
    Parts: pieces.map((piece) => {
      const part = contentOf(piece.replace(/^[\r\n]+/, '').replace(LINE_ENDS_AT_END, ''));
      part.MIME = partsOf(part, depth + 1);
      return part;
    }),
  };
}

const BOUNDARY = /;\s*boundary\s*=\s*(?:"([^"]{1,200})"|([^\s";]{1,200}))/i;
/** Each is looked at once from where a run of them begins. */
const LINE_ENDS_AT_END = /(?<![\r\n])[\r\n]+$/;
const DEPTH_MAX = 20;
const PARTS_MAX = 1_000;
const FIELDS_MAX = 10_000;
