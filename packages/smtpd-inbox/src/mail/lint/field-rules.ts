/** What RFC 5322 asks of the header: which fields, how often, and in which form. */

import { FIELD_BYTES_MAX } from '../bounds.js';
import { decodeWords } from '../encoded-words.js';
import { isMessageId, parseAddressList, parseMessageIds } from './address-syntax.js';
import { parseDate } from './date-syntax.js';
import { decodeRaw } from './encoded-words.js';
import { isInMessage } from './html-facts.js';
import { fieldOf, isLeaf, isMboxLine, type RawField, type RawPart } from './raw-message.js';
import { counted, quote, type LintMail, type LintRule, type Spot } from './rule.js';

export const FIELD_RULES: readonly LintRule[] = [
  missing(
    'missing-date',
    'error',
    'RFC 5322 §3.6',
    'date',
    'There is no Date field. Let the program that makes the mail write one.',
  ),
  missing(
    'missing-from',
    'error',
    'RFC 5322 §3.6',
    'from',
    'There is no From field: nobody says who wrote this. Add one.',
  ),
  missing(
    'missing-message-id',
    'warning',
    'RFC 5322 §3.6.4',
    'message-id',
    'There is no Message-ID field. Add one: replies, threads and receivers that sort out duplicates need it.',
  ),
  {
    id: 'missing-to',
    severity: 'warning',
    source: 'RFC 5322 §3.6.3',
    objection: 'There is none of To, Cc and Bcc.',
    *find({ message: { root } }) {
      if (root.fields.length === 0 || root.fields.some(({ lowerName }) => RECIPIENT_FIELDS.has(lowerName))) return;
      yield { text: 'The header names no recipient. Add a To field; filters take its absence as a sign of spam.' };
    },
  },
  {
    id: 'missing-subject',
    severity: 'warning',
    source: 'RFC 5322 §3.6.5',
    objection: 'There is no Subject, or an empty one.',
    *find({ message: { root } }) {
      const subject = subjectOf(root);
      if (subject === undefined) yield { text: 'There is no Subject field. Add one.' };
      else if (subject.text.trim() === '') {
        yield { text: 'The Subject field is empty. Say what the mail is about.', line: subject.line };
      }
    },
  },
  {
    id: 'duplicate-field',
    severity: 'error',
    source: 'RFC 5322 §3.6',
    objection: 'A field that may occur once occurs more often.',
    *find({ message }) {
      for (const part of message.parts) {
        const first = new Map<string, number>();
        for (const { name, lowerName, firstLine } of part.fields) {
          if (!SINGLE_FIELDS.has(lowerName)) continue;
          const before = first.get(lowerName);
          if (before === undefined) first.set(lowerName, firstLine + 1);
          else {
            yield {
              text: `The field ${name} is here again; it is in line ${String(before)} already and may occur once. Receivers take either of them: leave one.`,
              line: firstLine + 1,
            };
          }
        }
      }
    },
  },
  {
    id: 'bad-date',
    severity: 'error',
    source: 'RFC 5322 §3.3',
    objection: 'A date is not in the form that is asked for.',
    *find(mail) {
      for (const { field, date } of datesOf(mail)) {
        if (date.kind === 'bad') {
          yield { text: `The date of ${field.name} is not well formed: ${date.reason}.`, line: field.firstLine + 1 };
        }
      }
    },
  },
  {
    id: 'wrong-day-name',
    severity: 'error',
    source: 'RFC 5322 §3.3',
    objection: 'The day of the week is not that of the date.',
    *find(mail) {
      for (const { field, date } of datesOf(mail)) {
        if (date.kind === 'bad' || date.wrongDay === undefined) continue;
        const { given, right } = date.wrongDay;
        yield {
          text: `The field ${field.name} says ${given}, and that day is a ${right}. Correct it, or leave the day out.`,
          line: field.firstLine + 1,
        };
      }
    },
  },
  {
    id: 'obsolete-date',
    severity: 'warning',
    source: 'RFC 5322 §4.3',
    objection: 'A date has a year of two digits, or a zone by its name.',
    *find(mail) {
      for (const { field, date } of datesOf(mail)) {
        if (date.kind === 'bad' || date.obsolete === undefined) continue;
        yield { text: `In the date of ${field.name} ${date.obsolete}.`, line: field.firstLine + 1 };
      }
    },
  },
  {
    id: 'date-in-future',
    severity: 'warning',
    source: 'RFC 5322 §3.6.1',
    objection: 'The Date is more than an hour later than the receipt.',
    *find({ message: { root }, receivedAtMs }) {
      yield* distantDate(root, receivedAtMs, (aheadMs) =>
        aheadMs > FUTURE_MS_MAX
          ? `The Date is ${durationOf(aheadMs)} ahead of the time of receipt. Set the clock, or look at the zone.`
          : undefined,
      );
    },
  },
  {
    id: 'date-long-past',
    severity: 'warning',
    source: 'RFC 5322 §3.6.1',
    objection: 'The Date is more than a week earlier than the receipt.',
    *find({ message: { root }, receivedAtMs }) {
      yield* distantDate(root, receivedAtMs, (aheadMs) =>
        -aheadMs > PAST_MS_MAX
          ? `The Date is ${durationOf(-aheadMs)} behind the time of receipt: the mail is sorted in there, and filters distrust it.`
          : undefined,
      );
    },
  },
  {
    id: 'bad-address',
    severity: 'error',
    source: 'RFC 5322 §3.4',
    objection: 'A field of addresses is not well formed.',
    *find(mail) {
      for (const { field, list } of addressFieldsOf(mail)) {
        for (const fault of new Set(list.faults)) {
          yield { text: `The addresses of ${field.name} are not well formed: ${fault}.`, line: field.firstLine + 1 };
        }
      }
    },
  },
  {
    id: 'address-without-domain',
    severity: 'error',
    source: 'RFC 5322 §3.4.1',
    objection: 'An address in the header has no domain.',
    *find(mail) {
      for (const { field, list } of addressFieldsOf(mail)) {
        for (const text of list.unqualified) {
          yield {
            text: `In ${field.name}, ${quote(text)} has no @ and no domain. Write the whole address; a name with a comma belongs in quotes.`,
            line: field.firstLine + 1,
          };
        }
      }
    },
  },
  {
    id: 'obsolete-address',
    severity: 'warning',
    source: 'RFC 5322 §4.4',
    objection: 'An address or a name is in a form that may be read but not written.',
    *find(mail) {
      for (const { field, list } of addressFieldsOf(mail)) {
        for (const what of new Set(list.obsolete)) {
          yield {
            text: `In ${field.name} ${what}. Write it in today’s form; a name with dots belongs in quotes.`,
            line: field.firstLine + 1,
          };
        }
      }
    },
  },
  {
    id: 'empty-field',
    severity: 'error',
    source: 'RFC 5322 §3.6',
    objection: 'A field that has to have a value has none.',
    *find({ message: { root } }) {
      for (const { name, lowerName, value, firstLine } of root.fields) {
        if (value !== '' || !FILLED_FIELDS.has(lowerName)) continue;
        yield { text: `The field ${name} is empty. Fill it, or leave it out.`, line: firstLine + 1 };
      }
    },
  },
  {
    id: 'several-authors-no-sender',
    severity: 'error',
    source: 'RFC 5322 §3.6.2',
    objection: 'From has several mailboxes, and there is no Sender.',
    *find({ message: { root } }) {
      const from = fieldOf(root, 'from');
      if (from === undefined || fieldOf(root, 'sender') !== undefined) return;
      const { length } = parseAddressList(from.value).mailboxes;
      if (length < 2) return;
      yield {
        text: `From has ${String(length)} addresses; a Sender field has to say which of them sent this. Large receivers refuse several authors altogether.`,
        line: from.firstLine + 1,
      };
    },
  },
  {
    id: 'several-senders',
    severity: 'error',
    source: 'RFC 5322 §3.6.2',
    objection: 'Sender has several mailboxes.',
    *find({ message: { root } }) {
      for (const field of root.fields) {
        if (field.lowerName !== 'sender' && field.lowerName !== 'resent-sender') continue;
        if (parseAddressList(field.value).mailboxes.length < 2) continue;
        yield { text: `${field.name} has several addresses; it takes one.`, line: field.firstLine + 1 };
      }
    },
  },
  {
    id: 'redundant-sender',
    severity: 'note',
    source: 'RFC 5322 §3.6.2',
    objection: 'Sender says the same as From.',
    *find({ message: { root } }) {
      const sender = fieldOf(root, 'sender');
      const from = fieldOf(root, 'from');
      if (sender === undefined || from === undefined) return;
      const authors = parseAddressList(from.value).mailboxes;
      if (authors.length !== 1 || parseAddressList(sender.value).mailboxes[0]?.address !== authors[0]?.address) return;
      yield { text: 'Sender is the same as From. Leave it out.', line: sender.firstLine + 1 };
    },
  },
  {
    id: 'bad-message-id',
    severity: 'error',
    source: 'RFC 5322 §3.6.4',
    objection: 'The Message-ID is not of the form <left@right>.',
    *find({ message: { root } }) {
      for (const field of root.fields) {
        if (field.lowerName !== 'message-id' && field.lowerName !== 'resent-message-id') continue;
        if (field.value === '' || isMessageId(withoutComment(field.value))) continue;
        yield {
          text: `${field.name} is ${quote(field.value)}; it has to be <left@right>, without blanks, in angle brackets.`,
          line: field.firstLine + 1,
        };
      }
    },
  },
  {
    id: 'message-id-not-unique',
    severity: 'note',
    source: 'RFC 5322 §3.6.4',
    objection: 'Behind the @ of the Message-ID stands no domain of the sender’s.',
    *find({ message: { root } }) {
      const field = fieldOf(root, 'message-id');
      const domain = field === undefined ? undefined : /@([^@>]*)>$/.exec(withoutComment(field.value))?.[1];
      if (field === undefined || domain === undefined || (domain.includes('.') && !/\.local(?:domain)?$/i.test(domain)))
        return;
      yield {
        text: `The Message-ID ends with ${quote(domain)}, which many machines are called. Use a domain of yours, so that it is unique.`,
        line: field.firstLine + 1,
      };
    },
  },
  {
    id: 'bad-references',
    severity: 'warning',
    source: 'RFC 5322 §3.6.4',
    objection: 'References or In-Reply-To has something else than <left@right>.',
    *find({ message: { root } }) {
      for (const field of root.fields) {
        if (field.lowerName !== 'references' && field.lowerName !== 'in-reply-to') continue;
        if (field.value === '' || !parseMessageIds(field.value).hasOther) continue;
        yield {
          text: `${field.name} has something that is no message identifier. Write <left@right>, divided by blanks.`,
          line: field.firstLine + 1,
        };
      }
    },
  },
  {
    id: 'resent-incomplete',
    severity: 'error',
    source: 'RFC 5322 §3.6.6',
    objection: 'There are Resent- fields, and Resent-Date or Resent-From is not among them.',
    *find({ message: { root } }) {
      const resent = root.fields.find(({ lowerName }) => RESENT.test(lowerName));
      if (resent === undefined) return;
      const lacking = ['Resent-Date', 'Resent-From'].filter((name) => fieldOf(root, name.toLowerCase()) === undefined);
      if (lacking.length === 0) return;
      yield {
        text: `The message was sent again (${resent.name}) without ${lacking.join(' and ')}. Add what is missing.`,
        line: resent.firstLine + 1,
      };
    },
  },
  {
    id: 'bad-field-name',
    severity: 'error',
    source: 'RFC 5322 §2.2',
    objection: 'The name of a field has a blank, or a character that is not printable US-ASCII.',
    *find({ message }) {
      for (const part of message.parts) {
        for (const { name, firstLine } of part.fields) {
          // What is beyond US-ASCII is spoken of elsewhere.
          if (/^[!-9;-~\x80-\xFF]+$/.test(name)) continue;
          yield {
            text: `${quote(name)} is no name of a field. If the line belongs to the body, an empty line is missing before it; if it belongs to the field above, a blank.`,
            line: firstLine + 1,
          };
        }
      }
    },
  },
  {
    id: 'blank-before-colon',
    severity: 'error',
    source: 'RFC 5322 §4.5',
    objection: 'A blank stands between the name of a field and its colon.',
    *find({ message }) {
      for (const part of message.parts) {
        for (const { name, firstLine, hasBlankBeforeColon } of part.fields) {
          if (!hasBlankBeforeColon) continue;
          yield { text: `A blank stands before the colon of ${quote(name)}. Take it out.`, line: firstLine + 1 };
        }
      }
    },
  },
  {
    id: 'blank-fold',
    severity: 'error',
    source: 'RFC 5322 §3.2.2',
    objection: 'A field goes on with a line of blanks alone.',
    *find({ message: { parts, lines } }) {
      for (const part of parts) {
        for (const field of part.fields) {
          for (let index = field.firstLine + 1; index < field.endLine; index++) {
            if (lines.at(index).trim() !== '') continue;
            yield {
              text: `Line ${String(index + 1)} goes on with ${field.name} and has nothing but blanks; some programs take it for the end of the header. Take it out.`,
              line: index + 1,
            };
          }
        }
      }
    },
  },
  {
    id: 'bad-header-line',
    severity: 'error',
    source: 'RFC 5322 §2.2',
    objection: 'A line of the header has no colon and continues no field.',
    *find({ message: { parts, lines } }) {
      for (const part of parts) {
        if (!part.hasHeaderEnd) continue;
        for (const index of part.strayLines) {
          if (isMboxLine(lines.at(index), index)) continue;
          yield {
            text: `Line ${String(index + 1)}, ${quote(lines.at(index))}, is no header field. A field needs a colon, the rest of a field a blank at its beginning, and the body an empty line before it.`,
            line: index + 1,
          };
        }
      }
    },
  },
  {
    id: 'missing-blank-line',
    severity: 'error',
    source: 'RFC 5322 §2.1',
    objection: 'No empty line divides the header from the body.',
    *find({ message: { parts, lines } }) {
      for (const part of parts) {
        const [first] = part.strayLines;
        if (first === undefined || part.hasHeaderEnd) continue;
        yield {
          text: `No empty line ends the header, and line ${String(first + 1)}, ${quote(lines.at(first))}, looks like text. Put an empty line before it.`,
          line: first + 1,
        };
      }
    },
  },
  {
    id: 'mbox-line',
    severity: 'error',
    source: 'RFC 4155',
    objection: 'The message begins with the dividing line of a mailbox file.',
    *find({ message: { lines } }) {
      if (lines.count === 0 || !isMboxLine(lines.at(0), 0)) return;
      yield { text: 'The first line is that of a mailbox file (“From …”) and no field. Take it out.', line: 1 };
    },
  },
  {
    id: 'header-line-over-78',
    severity: 'note',
    source: 'RFC 5322 §2.1.1',
    objection: 'A line of the header has more than 78 characters and could be folded.',
    *find({ message: { parts, lines } }) {
      for (const part of parts) {
        for (const { name, firstLine, endLine } of part.fields) {
          for (let index = firstLine; index < endLine; index++) {
            const line = lines.at(index);
            if (line.length <= 78 || line.length > 998 || !/[ \t]/.test(line.slice(name.length + 2).trimStart()))
              continue;
            yield {
              text: `Line ${String(index + 1)} of ${name} has ${counted(line.length, 'character')}. Fold it before the 78th.`,
              line: index + 1,
            };
          }
        }
      }
    },
  },
  {
    id: 'text-line-over-78',
    severity: 'note',
    source: 'RFC 5322 §2.1.1',
    objection: 'Lines of a plain text that is not encoded have more than 78 characters.',
    *find({ message }) {
      for (const part of message.parts) {
        if (!isLeaf(part) || part.contentType.value !== 'text/plain' || part.contentType.parameters.has('format'))
          continue;
        if (part.encoding === 'base64' || part.encoding === 'quoted-printable' || isInMessage(part)) continue;
        let first = 0;
        let count = 0;
        for (let index = part.bodyLine; index < part.endLine; index++) {
          const { length } = message.lines.at(index);
          if (length > 78 && length <= 998 && count++ === 0) first = index + 1;
        }
        if (count === 0) continue;
        yield {
          text: `${count === 1 ? `Line ${String(first)} has` : `${String(count)} lines of the text, the first of them line ${String(first)}, have`} more than 78 characters. Break them, or encode the text as quoted-printable.`,
          line: first,
        };
      }
    },
  },
  {
    id: 'header-too-large',
    severity: 'warning',
    source: 'Postfix: header_size_limit',
    objection: 'The header has more than 102,400 octets.',
    *find({ message: { root, lines } }) {
      const size = lines.startOf(root.bodyLine) - lines.startOf(root.headerLine);
      if (size <= HEADER_SIZE_MAX) return;
      yield {
        text: `The header has ${counted(size, 'octet')}; Postfix cuts at 102,400, and others refuse. Make it smaller.`,
      };
    },
  },
  {
    id: 'bcc-delivered',
    severity: 'error',
    source: 'RFC 5322 §3.6.3',
    objection: 'The message as it is sent tells who got a blind copy.',
    *find({ message: { root } }) {
      for (const field of root.fields) {
        if ((field.lowerName !== 'bcc' && field.lowerName !== 'resent-bcc') || field.value === '') continue;
        yield {
          text: `${field.name} is still there: every recipient reads who the others are. Take it out before sending; RCPT TO is enough.`,
          line: field.firstLine + 1,
        };
      }
    },
  },
  {
    id: 'return-path-present',
    severity: 'warning',
    source: 'RFC 5321 §4.4',
    objection: 'The sender wrote a Return-Path, which the last server does.',
    *find({ message: { root } }) {
      const field = fieldOf(root, 'return-path');
      if (field === undefined) return;
      yield {
        text: 'Return-Path is written by the server that delivers, from MAIL FROM; one that is there before is thrown away or believed wrongly. Take it out.',
        line: field.firstLine + 1,
      };
    },
  },
  {
    id: 'no-received',
    severity: 'note',
    source: 'RFC 5321 §4.4',
    objection: 'No server has passed the message on yet.',
    *find({ message: { root } }) {
      if (root.fields.length === 0 || fieldOf(root, 'received') !== undefined) return;
      yield {
        text: 'There is no Received field: this comes straight from the program that wrote it. The server that passes it on adds one.',
      };
    },
  },
  {
    id: 'long-subject',
    severity: 'note',
    source: 'Practice',
    objection: 'The subject has more than 78 characters.',
    *find({ message: { root } }) {
      const subject = subjectOf(root);
      const length = Array.from(subject?.text ?? '').length;
      if (length <= SUBJECT_LENGTH_MAX) return;
      yield {
        text: `The subject has ${counted(length, 'character')}; lists show 60 or so, phones 40. Say what matters first.`,
        line: subject?.line,
      };
    },
  },
  {
    id: 'subject-in-capitals',
    severity: 'note',
    source: 'Practice',
    objection: 'The subject is in capitals.',
    *find({ message: { root } }) {
      const subject = subjectOf(root);
      const letters = (subject?.text ?? '').replace(/\P{L}/gu, '');
      if (letters.length < 8 || letters !== letters.toUpperCase() || letters === letters.toLowerCase()) return;
      yield { text: 'The subject is in capitals, as spam often is. Write it as a sentence.', line: subject?.line };
    },
  },
];

function missing(id: string, severity: 'error' | 'warning', source: string, lowerName: string, text: string): LintRule {
  return {
    id,
    severity,
    source,
    objection: text.slice(0, text.search(/[.:]/) + 1).replace(/:$/, '.'),
    *find({ message: { root, sizeBytes } }) {
      if (sizeBytes > 0 && fieldOf(root, lowerName) === undefined) yield { text };
    },
  };
}

/** As much of the subject as is shown, as it is shown. */
function subjectOf(root: RawPart): { readonly text: string; readonly line: number } | undefined {
  const field = fieldOf(root, 'subject');
  return (
    field && { text: decodeWords(decodeRaw(field.value.slice(0, FIELD_BYTES_MAX))).text, line: field.firstLine + 1 }
  );
}

function* datesOf({ message: { root } }: LintMail): Iterable<{ field: RawField; date: ReturnType<typeof parseDate> }> {
  for (const field of root.fields) {
    if ((field.lowerName === 'date' || field.lowerName === 'resent-date') && field.value !== '') {
      yield { field, date: parseDate(field.value) };
    }
  }
}

function* addressFieldsOf({
  message: { root },
}: LintMail): Iterable<{ field: RawField; list: ReturnType<typeof parseAddressList> }> {
  for (const field of root.fields) {
    if (ADDRESS_FIELDS.has(field.lowerName.replace(/^resent-/, '')) && field.value !== '') {
      yield { field, list: parseAddressList(field.value) };
    }
  }
}

function* distantDate(
  root: RawPart,
  receivedAtMs: number | undefined,
  objectionTo: (aheadMs: number) => string | undefined,
): Iterable<Spot> {
  const field = fieldOf(root, 'date');
  if (field === undefined || receivedAtMs === undefined) return;
  const date = parseDate(field.value);
  if (date.kind === 'bad') return;
  const text = objectionTo(date.timeMs - receivedAtMs);
  if (text !== undefined) yield { text, line: field.firstLine + 1 };
}

function durationOf(ms: number): string {
  const hours = Math.round(ms / 3_600_000);
  return hours < 48 ? counted(hours, 'hour') : counted(Math.round(hours / 24), 'day');
}

function withoutComment(text: string): string {
  return text.replace(/\([^()]*\)/g, '').trim();
}

const RECIPIENT_FIELDS: ReadonlySet<string> = new Set(['to', 'cc', 'bcc', 'resent-to', 'resent-cc']);
const ADDRESS_FIELDS: ReadonlySet<string> = new Set(['from', 'sender', 'reply-to', 'to', 'cc', 'bcc']);
/** RFC 5322 §3.6, RFC 2045 §3, and those of lists. */
const SINGLE_FIELDS: ReadonlySet<string> = new Set([
  'date',
  'from',
  'sender',
  'reply-to',
  'to',
  'cc',
  'bcc',
  'message-id',
  'in-reply-to',
  'references',
  'subject',
  'mime-version',
  'content-type',
  'content-transfer-encoding',
  'content-id',
  'content-description',
  'content-disposition',
  'list-id',
  'list-unsubscribe',
  'list-unsubscribe-post',
  'auto-submitted',
]);
const FILLED_FIELDS: ReadonlySet<string> = new Set([
  'date',
  'from',
  'sender',
  'reply-to',
  'to',
  'cc',
  'message-id',
  'in-reply-to',
  'references',
  'mime-version',
  'content-type',
  'content-transfer-encoding',
  'list-unsubscribe',
  'list-id',
]);
const RESENT = /^resent-(?:date|from|sender|to|cc|bcc|message-id)$/;
const FUTURE_MS_MAX = 3_600_000;
const PAST_MS_MAX = 7 * 24 * 3_600_000;
const HEADER_SIZE_MAX = 102_400;
const SUBJECT_LENGTH_MAX = 78;
