/**
 * A mail as a person describes it → the octets of a message that every receiver reads (RFC 5322, RFC 2045 to 2047, RFC 2231).
 *
 *     multipart/mixed              where there are attachments
 *       multipart/alternative      where there are text and HTML
 *         text/plain
 *         multipart/related        where the HTML has pictures of its own
 *           text/html
 *           image/…
 *       attachment …
 *
 * Nothing that is put in can become a header field: what has control characters where none belong is refused.
 */

import { randomUUID } from 'node:crypto';

import type { Envelope } from 'smtpd-store';

import type { NewMail } from '../api/model.js';
import { canonicalDomain } from '../search/addresses.js';
import { ExchangeError } from './exchange-error.js';
import { formatMailboxes, formatParameters, formatUnstructured } from './header-format.js';
import { encodeBase64, encodeText } from './transfer-encoding.js';

/** What a message depends on besides what it says. */
export interface ComposeOptions {
  /** For the Date field. */
  readonly now: Date;
  /** What Message-ID and boundaries are made of: letters, digits and `-`, another for each message. Default: by chance. */
  readonly id?: string;
  /** Behind the `@` of Message-ID. Default: the domain of the sender. */
  readonly hostname?: string;
}

/** A message that was made. */
export interface ComposedMail {
  readonly raw: Uint8Array;
  /** Sender and all recipients, each once; those of Bcc are in no header. */
  readonly envelope: Envelope;
  /** With its brackets. */
  readonly messageId: string;
}

/**
 * Makes a message.
 *
 * Each of `from`, `to`, `cc` and `bcc` is one address, with a name or without: `ann@a.example`, `Ann Onym <ann@a.example>`.
 *
 * @throws {@link ExchangeError} `EXCHANGE_BAD_MAIL`, saying what is wrong with which part
 *
 * @example
 * ```ts
 * import { composeMail } from 'smtpd-inbox';
 * const { raw, envelope } = composeMail(
 *   { from: 'Änn <ann@a.example>', to: ['bob@b.example'], subject: 'Grüße', text: 'Hello, Bob.\n' },
 *   { now: new Date() },
 * );
 * ```
 */
export function composeMail(mail: NewMail, { now, id = randomUUID(), hostname }: ComposeOptions): ComposedMail {
  const from = parseMailbox(mail.from, 'from');
  const [to, cc, bcc] = (['to', 'cc', 'bcc'] as const).map((name) =>
    (mail[name] ?? []).map((text, index) => parseMailbox(text, `${name}[${index}]`)),
  ) as [Mailbox[], Mailbox[], Mailbox[]];
  const own = ownFields(mail.headers ?? {});
  const has = (name: string): boolean => own.some((field) => field.name.toLowerCase() === name);
  const messageId = own.find((field) => field.name.toLowerCase() === 'message-id')?.value;
  const madeId = `<${id}@${hostname ?? from.address.slice(from.address.lastIndexOf('@') + 1)}>`;
  const body = bodyOf(mail, id);
  const header = [
    ...(has('date') ? [] : [`Date: ${dateTime(now)}\r\n`]),
    formatMailboxes('From', [from]),
    ...(to.length === 0 ? [] : [formatMailboxes('To', to)]),
    ...(cc.length === 0 ? [] : [formatMailboxes('Cc', cc)]),
    ...(mail.subject === undefined ? [] : [formatUnstructured('Subject', checked(mail.subject, 'subject'))]),
    ...(messageId === undefined ? [`Message-ID: ${madeId}\r\n`] : []),
    ...own.map(({ name, value }) => formatUnstructured(name, value)),
    'MIME-Version: 1.0\r\n',
  ].join('');
  const addresses = [...new Set([...to, ...cc, ...bcc].map(({ address }) => address))];
  const isInternational = [from.address, ...addresses].some((address) => !isASCII(address));
  const raw = Buffer.concat([Buffer.from(header), body.octets]);
  return {
    raw,
    messageId: messageId ?? madeId,
    envelope: {
      mailFrom: from.address,
      rcptTos: addresses,
      mailOptions: [
        ...(raw.some((octet) => octet > 0x7f) ? ['BODY=8BITMIME'] : []),
        ...(isInternational ? ['SMTPUTF8'] : []),
      ],
      rcptOptions: addresses.map(() => []),
    },
  };
}

/** Somebody with an address. */
export interface Mailbox {
  /** Decoded; `''` for none. */
  readonly name: string;
  /** Its domain in A-labels. */
  readonly address: string;
}

/** A body part, header included, without the line end that the boundary behind it begins with. */
interface BodyPart {
  readonly octets: Buffer;
}

type Attachment = NonNullable<NewMail['attachments']>[number];

function bodyOf({ text, html, attachments = [] }: NewMail, id: string): BodyPart {
  const isRelated = (attachment: Attachment): boolean => html !== undefined && attachment.contentId !== undefined;
  const parts = attachments.map((attachment, index) => ({
    isRelated: isRelated(attachment),
    part: attachmentPart(attachment, `attachments[${index}]`, isRelated(attachment)),
  }));
  const related = parts.filter((each) => each.isRelated).map(({ part }) => part);
  const attached = parts.filter((each) => !each.isRelated).map(({ part }) => part);
  const boundary = boundaries(id, [text ?? '', html ?? '', ...parts.map(({ part }) => part.octets)]);
  const htmlParts = html === undefined ? [] : [joined('related', [textPart('html', html), ...related], boundary)];
  // RFC 2046 §5.1.4: the best comes last.
  const alternatives = [
    ...(text === undefined && html !== undefined ? [] : [textPart('plain', text ?? '')]),
    ...htmlParts,
  ];
  const whole = joined('mixed', [joined('alternative', alternatives, boundary), ...attached], boundary);
  // A message of one part ends its last line, whatever its text did.
  return whole.octets.subarray(-2).equals(CRLF) ? whole : { octets: Buffer.concat([whole.octets, CRLF]) };
}

function textPart(kind: 'plain' | 'html', text: string): BodyPart {
  const { encoding, octets } = encodeText(text);
  return {
    octets: Buffer.concat([
      Buffer.from(`Content-Type: text/${kind}; charset=utf-8\r\nContent-Transfer-Encoding: ${encoding}\r\n\r\n`),
      octets,
    ]),
  };
}

/** One part stands for itself. */
function joined(
  subtype: 'related' | 'alternative' | 'mixed',
  parts: readonly BodyPart[],
  boundary: () => string,
): BodyPart {
  const [only] = parts;
  if (only !== undefined && parts.length === 1) return only;
  const separator = boundary();
  return {
    octets: Buffer.concat([
      Buffer.from(`Content-Type: multipart/${subtype}; boundary="${separator}"\r\n`),
      ...parts.flatMap(({ octets }) => [Buffer.from(`\r\n--${separator}\r\n`), octets]),
      Buffer.from(`\r\n--${separator}--\r\n`),
    ]),
  };
}

function attachmentPart(attachment: Attachment, where: string, isRelated: boolean): BodyPart {
  const { fileName, contentBase64, contentType = 'application/octet-stream', contentId } = attachment;
  const content = decodeBase64(contentBase64, `${where}.contentBase64`);
  const type = contentTypeOf(contentType, content, `${where}.contentType`);
  // RFC 2046 §5.2.1: a message is not encoded, or not called one.
  const isMessage = /^message\//i.test(type);
  const encoding = isMessage ? (isASCII(content.toString('latin1')) ? '7bit' : '8bit') : 'base64';
  const disposition = isRelated ? 'inline' : 'attachment';
  const name = checked(fileName, `${where}.fileName`);
  const header = [
    `Content-Type: ${type}\r\n`,
    `Content-Transfer-Encoding: ${encoding}\r\n`,
    formatParameters(`Content-Disposition: ${disposition}`, name === '' ? [] : [['filename', name]]),
    ...(contentId === undefined ? [] : [`Content-ID: <${contentIdOf(contentId, `${where}.contentId`)}>\r\n`]),
    '\r\n',
  ].join('');
  return { octets: Buffer.concat([Buffer.from(header), isMessage ? content : encodeBase64(content)]) };
}

function contentTypeOf(contentType: string, content: Buffer, where: string): string {
  const type = checked(contentType, where).trim();
  if (!CONTENT_TYPE.test(type))
    throw badMail(`${where} is a type and a subtype, such as application/pdf, not ${quote(type)}`);
  if (type.length > CONTENT_TYPE_LENGTH_MAX)
    throw badMail(`${where} is longer than ${CONTENT_TYPE_LENGTH_MAX} characters`);
  if (/^multipart\//i.test(type)) throw badMail(`${where}: an attachment is one part, and ${quote(type)} is several`);
  return /^message\//i.test(type) && !mayStandAsItIs(content) ? 'application/octet-stream' : type;
}

/** Lines of at most 998 octets that end in CRLF, without NUL (RFC 2045 §2.7 and §2.8). */
function mayStandAsItIs(content: Buffer): boolean {
  const lines = content.toString('latin1').split('\r\n');
  return lines.every((line) => line.length <= 998 && !/[\r\n\0]/.test(line));
}

function decodeBase64(text: string, where: string): Buffer {
  const packed = text.replaceAll(/\s+/g, '');
  const end = packed.indexOf('=');
  const padding = end === -1 ? '' : packed.slice(end);
  if (/[^A-Za-z0-9+/]/.test(end === -1 ? packed : packed.slice(0, end)) || !/^={0,2}$/.test(padding)) {
    throw badMail(`${where} is not base64`);
  }
  return Buffer.from(packed, 'base64');
}

function contentIdOf(text: string, where: string): string {
  const id = text.trim().replace(/^<(.*)>$/s, '$1');
  if (!/^[!-;=?-~]{1,200}$/.test(id))
    throw badMail(`${where} is an id such as logo@a.example, without blanks, not ${quote(text)}`);
  return id;
}

/** Fields of the caller's, but those that are made here. */
function ownFields(
  headers: Readonly<Record<string, string>>,
): readonly { readonly name: string; readonly value: string }[] {
  return Object.entries(headers).map(([name, value]) => {
    if (!/^[!-9;-~]{1,100}$/.test(name)) throw badMail(`headers: ${quote(name)} is no name of a field`);
    const own = GIVEN_ELSEWHERE.get(name.toLowerCase());
    if (own !== undefined) throw badMail(`headers.${name}: ${own}`);
    return { name, value: checked(value, `headers.${name}`) };
  });
}

function parseMailbox(text: string, where: string): Mailbox {
  const trimmed = checked(text, where).trim();
  const start = trimmed.lastIndexOf('<');
  const hasBrackets = start !== -1 && trimmed.endsWith('>');
  const address = hasBrackets ? trimmed.slice(start + 1, -1) : trimmed;
  const name = hasBrackets ? unquoted(trimmed.slice(0, start).trim()) : '';
  const at = address.lastIndexOf('@');
  const [localPart, domain] = [address.slice(0, Math.max(0, at)), canonicalDomain(address.slice(at + 1))];
  if (!LOCAL_PART.test(localPart) || !DOMAIN.test(domain) || localPart.length > 64 || domain.length > 253) {
    throw badMail(`${where} is one address, such as ann@a.example or Ann Onym <ann@a.example>, not ${quote(text)}`);
  }
  return { name, address: `${localPart}@${domain}` };
}

function unquoted(name: string): string {
  return /^"(?:[^"\\]|\\.)*"$/.test(name) ? name.slice(1, -1).replaceAll(/\\(.)/g, '$1') : name;
}

/** What goes into a header has no line end and no other control character. */
function checked(text: string, where: string): string {
  if (/[\r\n]/.test(text)) throw badMail(`${where} has a line end in it: it would begin another header field`);
  // A tab is a blank.
  if (/[^\P{Cc}\t]/u.test(text)) throw badMail(`${where} has a control character in it`);
  return text;
}

/** Separators that stand in none of the parts. Encoded text cannot have `=_` in it; what is not encoded is looked through. */
function boundaries(id: string, contents: readonly (string | Buffer)[]): () => string {
  let count = 0;
  return () => {
    for (;;) {
      count += 1;
      const boundary = `=_${id.slice(0, 40)}_${count}`;
      if (!contents.some((content) => content.includes(`--${boundary}`))) return boundary;
    }
  };
}

/** RFC 5322 §3.3, in UTC. */
function dateTime(time: Date): string {
  return time.toUTCString().replace('GMT', '+0000');
}

function isASCII(text: string): boolean {
  return /^[\0-\x7f]*$/.test(text);
}

function quote(text: string): string {
  return JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}…` : text);
}

function badMail(message: string): ExchangeError {
  return new ExchangeError('EXCHANGE_BAD_MAIL', message);
}

const CRLF = Buffer.from('\r\n');
const CONTENT_TYPE_LENGTH_MAX = 200;
const ATOM = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~\\u{80}-\\u{10ffff}-]+";
const LOCAL_PART = new RegExp(`^(?:${ATOM}(?:\\.${ATOM})*|"(?:[^"\\\\\\p{Cc}]|\\\\[ -~])*")$`, 'u');
const DOMAIN =
  /^(?:[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?(?:\.[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?)*|\[[A-Za-z0-9:.]+\])$/;
const TOKEN = "[A-Za-z0-9!#$%&'*+.^_`{|}~-]+";
const CONTENT_TYPE = new RegExp(`^${TOKEN}/${TOKEN}(?:[ \\t]*;[ \\t]*${TOKEN}=(?:${TOKEN}|"[ !#-\\[\\]-~]*"))*$`);
/** Field → where it comes from. */
const GIVEN_ELSEWHERE: ReadonlyMap<string, string> = new Map([
  ...['from', 'to', 'cc', 'bcc', 'subject'].map((name) => [name, `give it as "${name}"`] as const),
  ...['mime-version', 'content-type', 'content-transfer-encoding', 'content-disposition', 'content-id'].map(
    (name) => [name, 'it is made of what the mail has in it'] as const,
  ),
]);
