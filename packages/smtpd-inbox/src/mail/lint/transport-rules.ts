/** What the transport asks of the octets (RFC 5321, 1870, 3030, 6152, 6531), whatever the message says. */

import { isUTF8 } from './encoded-words.js';
import { fieldOf, isLeaf, type RawMessage } from './raw-message.js';
import { counted, type LintRule, type Spot } from './rule.js';

export const TRANSPORT_RULES: readonly LintRule[] = [
  {
    id: 'empty-message',
    severity: 'error',
    source: 'RFC 5322 §3.5',
    objection: 'The content has no octets.',
    *find({ message }) {
      if (message.sizeBytes === 0) yield { text: 'The message is empty. Send at least a header.' };
    },
  },
  {
    id: 'line-too-long',
    severity: 'error',
    source: 'RFC 5321 §4.5.3.1.6',
    objection: 'A line has more than 998 octets before its CRLF.',
    *find({ message: { lines } }) {
      for (let index = 0; index < lines.count; index++) {
        if (lines.startOf(index + 1) - lines.startOf(index) <= LINE_LENGTH_MAX) continue;
        const { length } = lines.at(index);
        if (length > LINE_LENGTH_MAX) {
          yield {
            text: `Line ${String(index + 1)} has ${counted(length, 'octet')}, at most 998 are allowed. Encode the part as quoted-printable or base64, or fold the field.`,
            line: index + 1,
          };
        }
      }
    },
  },
  {
    id: 'bare-lf',
    severity: 'error',
    source: 'RFC 5321 §2.3.8',
    objection: 'A LF without a CR before it.',
    *find({ message: { text, lines } }) {
      for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) {
        if (text[at - 1] === '\r') continue;
        const line = lines.indexOf(at) + 1;
        yield { text: `Line ${String(line)} ends with LF alone. End every line with CRLF.`, line };
      }
    },
  },
  {
    id: 'bare-cr',
    severity: 'error',
    source: 'RFC 5321 §2.3.8',
    objection: 'A CR without a LF behind it.',
    *find({ message: { text, lines } }) {
      for (let at = text.indexOf('\r'); at >= 0; at = text.indexOf('\r', at + 1)) {
        if (text[at + 1] === '\n') continue;
        const line = lines.indexOf(at) + 1;
        yield {
          text: `Line ${String(line)} has a CR that no LF follows, at its octet ${String(at - lines.startOf(line - 1) + 1)}. Take it out, or make it CRLF.`,
          line,
        };
      }
    },
  },
  {
    id: 'nul-octet',
    severity: 'error',
    source: 'RFC 2045 §2.8',
    objection: 'An octet of value 0.',
    *find({ message: { text, lines } }) {
      for (let at = text.indexOf('\0'); at >= 0; at = text.indexOf('\0', at + 1)) {
        const line = lines.indexOf(at) + 1;
        yield { text: `Line ${String(line)} has a NUL. Encode the part as base64.`, line };
      }
    },
  },
  {
    id: 'control-in-header',
    severity: 'error',
    source: 'RFC 5322 §2.2',
    objection: 'A control character, other than a tab, in a header field.',
    *find({ message }) {
      for (const part of message.parts) {
        for (const field of part.fields) {
          // CR, LF and NUL have rules of their own.
          if (!CONTROL.test(field.value)) continue;
          yield {
            text: `The field ${field.name} has a control character. Take it out, or encode the text (RFC 2047).`,
            line: field.firstLine + 1,
          };
        }
      }
    },
  },
  {
    id: 'eight-bit-undeclared',
    severity: 'error',
    source: 'RFC 6152 §3',
    objection: 'The body has octets above 127, and MAIL did not say BODY=8BITMIME (or BINARYMIME).',
    *find({ message, mailParameters }) {
      const declared = (mailParameters.get('BODY') ?? '').toUpperCase();
      if (declared === '8BITMIME' || declared === 'BINARYMIME') return;
      yield* bodiesWith(
        message,
        (line) => EIGHT_BIT.test(line),
        (line, count) => ({
          text: `${linesFrom(count, line)} octets above 127, and MAIL FROM said nothing of BODY=8BITMIME. Say it, or encode the part as quoted-printable or base64.`,
          line,
        }),
      );
    },
  },
  {
    id: 'binary-undeclared',
    severity: 'error',
    source: 'RFC 3030 §3',
    objection: 'A part is encoded as binary, and MAIL did not say BODY=BINARYMIME.',
    *find({ message, mailParameters }) {
      if ((mailParameters.get('BODY') ?? '').toUpperCase() === 'BINARYMIME') return;
      for (const part of message.parts) {
        if (part.encoding !== 'binary') continue;
        yield {
          text: 'A part says Content-Transfer-Encoding: binary, and MAIL FROM said nothing of BODY=BINARYMIME. Encode it as base64.',
          line: (fieldOf(part, 'content-transfer-encoding')?.firstLine ?? part.headerLine) + 1,
        };
      }
    },
  },
  {
    id: 'smtputf8-undeclared',
    severity: 'error',
    source: 'RFC 6531 §3.4',
    objection: 'The header has characters outside US-ASCII, and MAIL did not say SMTPUTF8.',
    *find({ message, mailParameters }) {
      if (mailParameters.has('SMTPUTF8')) return;
      for (const part of message.parts) {
        for (const field of part.fields) {
          if (!EIGHT_BIT.test(field.value) && !EIGHT_BIT.test(field.name)) continue;
          yield {
            text: `The field ${field.name} has octets above 127, and MAIL FROM said nothing of SMTPUTF8. Write encoded words (RFC 2047), or say SMTPUTF8.`,
            line: field.firstLine + 1,
          };
        }
      }
    },
  },
  {
    id: 'smtputf8-address-undeclared',
    severity: 'error',
    source: 'RFC 6531 §3.4',
    objection: 'An address of the envelope has characters outside US-ASCII, and MAIL did not say SMTPUTF8.',
    *find({ envelope, mailParameters }) {
      if (mailParameters.has('SMTPUTF8')) return;
      for (const address of [envelope.mailFrom, ...envelope.rcptTos]) {
        if (!/[^\0-\x7F]/.test(address)) continue;
        yield {
          text: `The address ${address} is not US-ASCII, and MAIL FROM said nothing of SMTPUTF8. Say it; a domain can be written in Punycode.`,
          in: 'envelope',
        };
      }
    },
  },
  {
    id: 'header-not-utf8',
    severity: 'error',
    source: 'RFC 6532 §3.1',
    objection: 'The header of an internationalized message is not UTF-8.',
    *find({ message, mailParameters }) {
      if (!mailParameters.has('SMTPUTF8')) return;
      for (const part of message.parts) {
        for (const field of part.fields) {
          if (!EIGHT_BIT.test(field.value) || isUTF8(field.value)) continue;
          yield {
            text: `The field ${field.name} has octets above 127 that are no UTF-8. Write it in UTF-8.`,
            line: field.firstLine + 1,
          };
        }
      }
    },
  },
  {
    id: 'no-final-crlf',
    severity: 'warning',
    source: 'RFC 5321 §4.1.1.4',
    objection: 'The last line has no CRLF.',
    *find({ message: { text, lines, sizeBytes } }) {
      if (sizeBytes !== text.length || text === '' || text.endsWith('\n')) return;
      yield { text: 'The last line has no line end. End it with CRLF.', line: lines.count };
    },
  },
  {
    id: 'size-too-small',
    severity: 'warning',
    source: 'RFC 1870 §6',
    objection: 'MAIL declared fewer octets than came.',
    *find({ message, mailParameters }) {
      const declared = declaredSize(mailParameters);
      if (declared === undefined || declared >= message.sizeBytes) return;
      yield {
        text: `MAIL FROM said SIZE=${String(declared)}, and ${counted(message.sizeBytes, 'octet')} came. Count the message as it is sent, line ends as two.`,
        in: 'envelope',
      };
    },
  },
  {
    id: 'size-too-large',
    severity: 'note',
    source: 'RFC 1870 §6',
    objection: 'MAIL declared more than twice the octets that came.',
    *find({ message, mailParameters }) {
      const declared = declaredSize(mailParameters);
      if (declared === undefined || declared <= 2 * message.sizeBytes + SIZE_SLACK) return;
      yield {
        text: `MAIL FROM said SIZE=${String(declared)}, and only ${counted(message.sizeBytes, 'octet')} came. A receiver may refuse what it would have taken.`,
        in: 'envelope',
      };
    },
  },
  {
    id: 'message-too-large',
    severity: 'warning',
    source: 'Gmail and Outlook.com take 25 MB',
    objection: 'The message has more than 25 MB.',
    *find({ message }) {
      if (message.sizeBytes <= SIZE_MAX) return;
      yield {
        text: `The message has ${counted(message.sizeBytes, 'octet')}; large receivers take 25 MB, attachments in base64 counted as sent. Send a link instead.`,
      };
    },
  },
];

/** One finding for each body with such lines: the first of them, and how many there are. */
export function* bodiesWith(
  message: RawMessage,
  isSuch: (line: string) => boolean,
  spotOf: (line: number, count: number) => Spot,
): Iterable<Spot> {
  for (const part of message.parts) {
    if (!isLeaf(part)) continue;
    let first = 0;
    let count = 0;
    for (let index = part.bodyLine; index < part.endLine; index++) {
      if (!isSuch(message.lines.at(index))) continue;
      if (count++ === 0) first = index + 1;
    }
    if (count > 0) yield spotOf(first, count);
  }
}

/** The beginning of a sentence about some lines. */
export function linesFrom(count: number, first: number): string {
  return count === 1
    ? `Line ${String(first)} has`
    : `${count.toLocaleString('en-US')} lines, the first of them line ${String(first)}, have`;
}

export const EIGHT_BIT = /[\x80-\xFF]/;

function declaredSize(mailParameters: ReadonlyMap<string, string>): number | undefined {
  const value = mailParameters.get('SIZE');
  return value === undefined || !/^\d{1,15}$/.test(value) ? undefined : Number(value);
}

const LINE_LENGTH_MAX = 998;
const SIZE_MAX = 25 * 1_024 * 1_024;
const SIZE_SLACK = 1_024;
// All of them but NUL, tab, LF and CR; what ISO 8859 has between 128 and 159 is no US-ASCII at all.
const CONTROL = /(?![\0\t\n\r\x80-\x9F])\p{Cc}/u;
