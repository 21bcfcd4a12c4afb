/** Messages as Mailpit's API has them: the same names in the same case. */

import { createHash } from 'node:crypto';

import type { StoredMessage } from 'smtpd-store';

import type { HeaderField, Part } from '../../api/model.js';
import type { PartContent, ReadMail } from '../../mail/read-mail.js';
import { fieldOf, hiddenRecipients, parseMailboxes, parseNamedAddress, type NamedAddress } from './mailboxes.js';

const NOBODY: NamedAddress = Object.freeze({ Name: '', Address: '' });

/** A row of Mailpit’s lists. */
export function mailpitSummary(message: StoredMessage): Readonly<Record<string, unknown>> {
  const { summary } = message;
  return {
    ID: message.id,
    MessageID: withoutBrackets(summary.messageId ?? ''),
    Read: message.isRead,
    ...peopleOf(message),
    Subject: summary.subject ?? '',
    Created: message.receivedAt.toISOString(),
    Username: message.session.identity?.user ?? '',
    Tags: [...message.tags],
    Size: message.sizeBytes,
    Attachments: summary.attachmentNames?.length ?? 0,
    Snippet: (summary.preview ?? '').slice(0, SNIPPET_LENGTH_MAX),
  };
}

/** A message, read. @param contents - the decoded octets of the parts that are files */
export function mailpitMessage(
  message: StoredMessage,
  read: ReadMail,
  contents: ReadonlyMap<string, PartContent>,
): Readonly<Record<string, unknown>> {
  const { summary } = message;
  const files = (roles: readonly Part['role'][]): readonly object[] =>
    read.parts.filter(({ role }) => roles.includes(role)).map((part) => attachmentOf(part, contents.get(part.number)));
  const from = peopleOf(message).From;
  const sent = summary.date === undefined ? message.receivedAt : new Date(summary.date);
  return {
    ID: message.id,
    MessageID: withoutBrackets(summary.messageId ?? ''),
    ...peopleOf(message),
    ReturnPath: withoutBrackets(fieldOf(message, 'return-path')) || message.envelope.mailFrom || from.Address,
    Subject: summary.subject ?? '',
    ListUnsubscribe: listUnsubscribe(message),
    Date: (Number.isNaN(sent.getTime()) ? message.receivedAt : sent).toISOString(),
    Tags: [...message.tags],
    Username: message.session.identity?.user ?? '',
    // Of a mail that has HTML alone Mailpit makes a text.
    Text: read.text ?? (read.html === undefined ? '' : read.summary.searchText),
    HTML: read.html ?? '',
    Size: message.sizeBytes,
    Inline: files(['related']),
    Attachments: files(['attachment', 'message']),
  };
}

/** The parts that Mailpit calls attachments, inline or not. */
export function filesOf(parts: readonly Part[]): readonly Part[] {
  return parts.filter(({ role }) => role === 'related' || role === 'attachment' || role === 'message');
}

/** The header as Go's library reads it: names in their usual case, values as they stand, unfolded. */
export function mailpitHeaders(fields: readonly HeaderField[]): Readonly<Record<string, readonly string[]>> {
  const values = new Map<string, string[]>();
  for (const { name, raw } of fields) {
    const key = name.toLowerCase().replace(/(?:^|-)[a-z]/g, (start) => start.toUpperCase());
    const value = raw
      .slice(raw.indexOf(':') + 1)
      .replace(/\r?\n[ \t]+/g, ' ')
      .trim();
    values.set(key, [...(values.get(key) ?? []), value]);
  }
  return Object.fromEntries([...values].sort(([one], [other]) => (one < other ? -1 : 1)));
}

function peopleOf(message: StoredMessage): Readonly<
  Record<'To' | 'Cc' | 'Bcc' | 'ReplyTo', readonly NamedAddress[]>
> & {
  readonly From: NamedAddress;
} {
  const { summary } = message;
  const [from] = summary.from ?? [];
  return {
    From: from === undefined ? NOBODY : parseNamedAddress(from),
    To: (summary.to ?? []).map(parseNamedAddress),
    Cc: (summary.cc ?? []).map(parseNamedAddress),
    Bcc: hiddenRecipients(message),
    ReplyTo: parseMailboxes(fieldOf(message, 'reply-to')),
  };
}

function attachmentOf(part: Part, found: PartContent | undefined): Readonly<Record<string, unknown>> {
  const digest = (algorithm: string): string =>
    createHash(algorithm)
      .update(found?.content ?? '')
      .digest('hex');
  return {
    PartID: part.number,
    FileName: part.fileName ?? part.contentId ?? '',
    ContentType: part.contentType,
    ContentID: part.contentId ?? '',
    Size: found?.content.length ?? part.sizeBytes,
    Checksums: { MD5: digest('md5'), SHA1: digest('sha1'), SHA256: digest('sha256') },
  };
}

/** RFC 2369 §3.2, RFC 8058. */
function listUnsubscribe(message: StoredMessage): Readonly<Record<string, unknown>> {
  const Header = fieldOf(message, 'list-unsubscribe');
  const links = [...Header.matchAll(/<([^<>]{1,2048})>/g)].map(([, link = '']) => link.trim());
  const mailto = links.find((link) => /^mailto:/i.test(link));
  const web = links.find((link) => /^https?:\/\//i.test(link));
  return {
    Header,
    Links: links.filter((link) => link === mailto || link === web),
    Errors: Header !== '' && mailto === undefined && web === undefined ? 'No valid links found' : '',
    HeaderPost: fieldOf(message, 'list-unsubscribe-post'),
  };
}

function withoutBrackets(text: string): string {
  return text.trim().replace(/^<|>$/g, '');
}

const SNIPPET_LENGTH_MAX = 250;
