/** What MIME asks of the parts (RFC 2045, 2046, 2183, 2231, 2392): their types, encodings, boundaries, character sets and names. */

import { decodeCharset, isUTF8 } from './encoded-words.js';
import { isInMessage } from './html-facts.js';
import { fieldOf, isLeaf, type RawMessage, type RawPart } from './raw-message.js';
import { counted, quote, type LintRule, type Spot } from './rule.js';
import { decodedBody } from './transfer-decoding.js';
import { bodiesWith, EIGHT_BIT, linesFrom } from './transport-rules.js';

export const MIME_RULES: readonly LintRule[] = [
  {
    id: 'missing-mime-version',
    severity: 'error',
    source: 'RFC 2045 §4',
    objection: 'There are Content- fields and no MIME-Version.',
    *find({ message: { root } }) {
      const content = root.fields.find(({ lowerName }) => lowerName.startsWith('content-'));
      if (content === undefined || fieldOf(root, 'mime-version') !== undefined) return;
      yield {
        text: `There is ${content.name} and no MIME-Version, so that receivers may show the source. Add “MIME-Version: 1.0”.`,
        line: content.firstLine + 1,
      };
    },
  },
  {
    id: 'bad-mime-version',
    severity: 'warning',
    source: 'RFC 2045 §4',
    objection: 'MIME-Version is not 1.0.',
    *find({ message: { root } }) {
      const field = fieldOf(root, 'mime-version');
      if (field === undefined || field.value === '') return;
      if (field.value.replace(/\([^()]*\)/g, '').replace(/\s+/g, '') === '1.0') return;
      yield { text: `MIME-Version is ${quote(field.value)}; there is only 1.0.`, line: field.firstLine + 1 };
    },
  },
  {
    id: 'bad-content-type',
    severity: 'error',
    source: 'RFC 2045 §5.1',
    objection: 'A Content-Type is not well formed.',
    *find({ message }) {
      for (const part of message.parts) {
        const field = fieldOf(part, 'content-type');
        if (field === undefined || field.value === '') continue;
        for (const fault of part.contentType.faults) {
          yield { text: `Content-Type is not well formed: ${fault}.`, line: field.firstLine + 1 };
        }
      }
    },
  },
  {
    id: 'bad-content-disposition',
    severity: 'error',
    source: 'RFC 2183 §2',
    objection: 'A Content-Disposition is not well formed.',
    *find({ message }) {
      for (const part of message.parts) {
        const field = fieldOf(part, 'content-disposition');
        if (field === undefined || part.disposition === undefined) continue;
        const faults = [...part.disposition.faults];
        if (!/^[!#$%&'*+\-.^_`{|}~0-9a-z]+$/.test(part.disposition.value))
          faults.unshift('it does not begin with inline or attachment');
        for (const fault of faults) {
          yield { text: `Content-Disposition is not well formed: ${fault}.`, line: field.firstLine + 1 };
        }
      }
    },
  },
  {
    id: 'unknown-encoding',
    severity: 'error',
    source: 'RFC 2045 §6',
    objection: 'A Content-Transfer-Encoding that nobody knows.',
    *find({ message }) {
      for (const part of message.parts) {
        if (ENCODINGS.has(part.encoding)) continue;
        yield {
          text: `Nobody knows the Content-Transfer-Encoding ${quote(part.encoding)}. Use 7bit, quoted-printable or base64.`,
          line: encodingLine(part),
        };
      }
    },
  },
  {
    id: 'encoded-multipart',
    severity: 'error',
    source: 'RFC 2045 §6.4',
    objection: 'A multipart, or a message in a message, is encoded as a whole.',
    *find({ message }) {
      for (const part of message.parts) {
        const type = part.contentType.value;
        if (!type.startsWith('multipart/') && type !== 'message/rfc822') continue;
        if (part.encoding !== 'base64' && part.encoding !== 'quoted-printable') continue;
        yield {
          text: `A part of type ${type} is encoded as ${part.encoding}. Encode what is in it instead.`,
          line: encodingLine(part),
        };
      }
    },
  },
  {
    id: 'eight-bit-in-7bit',
    severity: 'error',
    source: 'RFC 2045 §2.7',
    objection: 'A part that is declared as 7bit, or not at all, has octets above 127.',
    *find({ message }) {
      yield* encodedBodies(
        message,
        '7bit',
        (line) => EIGHT_BIT.test(line),
        (line, count) => ({
          text: `${linesFrom(count, line)} octets above 127 in a part that is 7bit. Say Content-Transfer-Encoding: 8bit, or better encode it as quoted-printable.`,
          line,
        }),
      );
    },
  },
  {
    id: 'quoted-printable-long-line',
    severity: 'error',
    source: 'RFC 2045 §6.7 (5)',
    objection: 'A line of quoted-printable has more than 76 characters.',
    *find({ message }) {
      yield* encodedBodies(
        message,
        'quoted-printable',
        ({ length }) => length > 76,
        (line, count) => ({
          text: `${linesFrom(count, line)} more than 76 characters of quoted-printable. Break them with “=” at the end.`,
          line,
        }),
      );
    },
  },
  {
    id: 'quoted-printable-bad-escape',
    severity: 'error',
    source: 'RFC 2045 §6.7 (1)',
    objection: 'In quoted-printable, a = without two hexadecimal digits behind it.',
    *find({ message }) {
      // A `=` at the end of a line is a soft line end, blanks behind it or not.
      yield* encodedBodies(
        message,
        'quoted-printable',
        (line) => /=(?![0-9A-Fa-f]{2})/.test(line.trimEnd().replace(/=$/, '')),
        (line, count) => ({
          text: `${linesFrom(count, line)} a lone “=”. Write it as “=3D”.`,
          line,
        }),
      );
    },
  },
  {
    id: 'quoted-printable-lower-case',
    severity: 'warning',
    source: 'RFC 2045 §6.7 (1)',
    objection: 'In quoted-printable, hexadecimal digits in lower case.',
    *find({ message }) {
      yield* encodedBodies(
        message,
        'quoted-printable',
        (line) => /=(?:[a-f][0-9A-Fa-f]|[0-9A-F][a-f])/.test(line),
        (line, count) => ({
          text: `${linesFrom(count, line)} hexadecimal digits in lower case. Write “=C3”, not “=c3”.`,
          line,
        }),
      );
    },
  },
  {
    id: 'quoted-printable-raw-octet',
    severity: 'error',
    source: 'RFC 2045 §6.7 (2)',
    objection: 'In quoted-printable, octets that have to be encoded and are not.',
    *find({ message }) {
      yield* encodedBodies(
        message,
        'quoted-printable',
        (line) => /[\x80-\xFF]/.test(line) || RAW_CONTROL.test(line),
        (line, count) => ({
          text: `${linesFrom(count, line)} octets that quoted-printable has to encode. Write them as “=” and two digits.`,
          line,
        }),
      );
    },
  },
  {
    id: 'quoted-printable-blank-at-end',
    severity: 'warning',
    source: 'RFC 2045 §6.7 (3)',
    objection: 'In quoted-printable, a blank at the end of a line, which is lost.',
    *find({ message }) {
      yield* encodedBodies(
        message,
        'quoted-printable',
        (line) => line.endsWith(' ') || line.endsWith('\t'),
        (line, count) => ({
          text: `${linesFrom(count, line)} a blank at the end, which receivers take away. Write it as “=20”.`,
          line,
        }),
      );
    },
  },
  {
    id: 'base64-bad-character',
    severity: 'error',
    source: 'RFC 2045 §6.8',
    objection: 'In base64, a character that is not in its alphabet.',
    *find({ message }) {
      yield* encodedBodies(
        message,
        'base64',
        (line) => !/^[A-Za-z0-9+/=]*$/.test(line.trimEnd()),
        (line, count) => ({
          text: `${linesFrom(count, line)} characters that base64 does not have; some receivers pass over them, others end there. Encode the part again.`,
          line,
        }),
      );
    },
  },
  {
    id: 'base64-long-line',
    severity: 'error',
    source: 'RFC 2045 §6.8',
    objection: 'A line of base64 has more than 76 characters.',
    *find({ message }) {
      yield* encodedBodies(
        message,
        'base64',
        (line) => line.trimEnd().length > 76,
        (line, count) => ({
          text: `${linesFrom(count, line)} more than 76 characters of base64. Break them.`,
          line,
        }),
      );
    },
  },
  {
    id: 'base64-bad-length',
    severity: 'error',
    source: 'RFC 2045 §6.8',
    objection: 'The base64 of a part does not end with a whole group of four, or goes on behind its padding.',
    *find({ message }) {
      for (const part of message.parts) {
        if (!isLeaf(part) || part.encoding !== 'base64') continue;
        let length = 0;
        let paddedAt: number | undefined;
        let faultLine: number | undefined;
        let lastLine = part.bodyLine;
        for (let index = part.bodyLine; index < part.endLine && faultLine === undefined; index++) {
          const line = message.lines.at(index).replace(/[^A-Za-z0-9+/=]/g, '');
          if (line === '') continue;
          lastLine = index;
          const padding = line.search(/=/);
          if (paddedAt !== undefined || (padding >= 0 && /=[^=]/.test(line))) faultLine = index;
          if (padding >= 0) paddedAt = index;
          length += line.length;
        }
        if (faultLine !== undefined) {
          yield {
            text: `The base64 goes on behind its padding in line ${String(faultLine + 1)}; most receivers stop at the padding. Encode the part as a whole.`,
            line: faultLine + 1,
          };
        } else if (length % 4 !== 0) {
          yield {
            text: `The base64 has ${counted(length, 'character')}, which is no multiple of four: it was cut, or its padding is missing. Encode the part again.`,
            line: lastLine + 1,
          };
        }
      }
    },
  },
  {
    id: 'missing-boundary',
    severity: 'error',
    source: 'RFC 2046 §5.1.1',
    objection: 'A multipart has no boundary parameter.',
    *find({ message }) {
      for (const part of multiparts(message)) {
        if ((part.contentType.parameters.get('boundary') ?? '') !== '') continue;
        yield {
          text: `A ${part.contentType.value} has no boundary: its parts cannot be told apart. Give one.`,
          line: typeLine(part),
        };
      }
    },
  },
  {
    id: 'bad-boundary',
    severity: 'error',
    source: 'RFC 2046 §5.1.1',
    objection: 'A boundary has more than 70 characters, or characters that it must not have.',
    *find({ message }) {
      for (const part of multiparts(message)) {
        const boundary = part.contentType.parameters.get('boundary') ?? '';
        if (boundary === '') continue;
        if (boundary.length > 70) {
          yield {
            text: `A boundary has ${counted(boundary.length, 'character')}; at most 70 are allowed.`,
            line: typeLine(part),
          };
        } else if (!/^[0-9A-Za-z'()+_,\-./:=? ]*[0-9A-Za-z'()+_,\-./:=?]$/.test(boundary)) {
          yield {
            text: `The boundary ${quote(boundary)} has characters that it must not have. Use letters, digits and - _ . = +.`,
            line: typeLine(part),
          };
        }
      }
    },
  },
  {
    id: 'boundary-not-used',
    severity: 'error',
    source: 'RFC 2046 §5.1.1',
    objection: 'A multipart has no line with its boundary, and so no part.',
    *find({ message }) {
      for (const part of multiparts(message)) {
        const boundary = part.contentType.parameters.get('boundary') ?? '';
        // Where encoded as a whole, its lines cannot be seen.
        if (boundary === '' || part.hasDelimiter || !IDENTITY_ENCODINGS.has(part.encoding)) continue;
        yield {
          text: `No line is “--${boundary.slice(0, 70)}”: the multipart has no parts. Write the boundary before each part, as it is declared.`,
          line: typeLine(part),
        };
      }
    },
  },
  {
    id: 'boundary-not-closed',
    severity: 'error',
    source: 'RFC 2046 §5.1.1',
    objection: 'A multipart has no closing boundary: it may have been cut.',
    *find({ message }) {
      for (const part of multiparts(message)) {
        if (!part.hasDelimiter || part.isClosed || part.boundary === undefined) continue;
        // What was cut here was not cut on its way.
        if (message.cuts.length > 0) continue;
        yield {
          text: `The last boundary, “--${part.boundary.slice(0, 70)}--”, is missing. Write it behind the last part; was the message cut?`,
          line: Math.max(1, part.endLine),
        };
      }
    },
  },
  {
    id: 'unknown-charset',
    severity: 'error',
    source: 'RFC 2046 §4.1.2',
    objection: 'A text is in a character set that nobody knows.',
    *find({ message }) {
      for (const part of texts(message)) {
        const charset = part.contentType.parameters.get('charset');
        if (charset === undefined || decodeCharset('', charset) !== undefined) continue;
        yield { text: `Nobody knows the character set ${quote(charset)}. Use utf-8.`, line: typeLine(part) };
      }
    },
  },
  {
    id: 'false-charset',
    severity: 'error',
    source: 'RFC 2046 §4.1.2',
    objection: 'A text is not in the character set that it says it is in.',
    *find({ message }) {
      for (const part of texts(message)) {
        const declared = part.contentType.parameters.get('charset');
        const charset = (declared ?? 'us-ascii').toLowerCase();
        if (charset !== 'us-ascii' && charset !== 'utf-8' && charset !== 'utf8') continue;
        const octets = decodedBody(message, part);
        if (!EIGHT_BIT.test(octets) || (charset !== 'us-ascii' && isUTF8(octets))) continue;
        const real = isUTF8(octets) ? 'utf-8' : 'windows-1252 or another of eight bits';
        yield {
          text:
            charset === 'us-ascii'
              ? `The text ${declared === undefined ? 'names no character set, which means us-ascii' : 'says charset=us-ascii'}, and has octets above 127: it is ${real}. Say so in Content-Type.`
              : `The text says charset=utf-8, and its octets are no UTF-8; it looks like ${real}. Say what it is, or encode it as UTF-8.`,
          line: typeLine(part),
        };
      }
    },
  },
  {
    id: 'alternative-order',
    severity: 'warning',
    source: 'RFC 2046 §5.1.4',
    objection: 'In multipart/alternative, the plain text stands behind the HTML.',
    *find({ message }) {
      for (const part of alternatives(message)) {
        const plain = part.children.findIndex(({ contentType }) => contentType.value === 'text/plain');
        const rich = part.children.findIndex(hasHTML);
        const child = part.children[plain];
        if (rich < 0 || child === undefined || plain < rich) continue;
        yield {
          text: 'The plain text stands behind the HTML; receivers show the last alternative that they can. Put it first.',
          line: child.headerLine + 1,
        };
      }
    },
  },
  {
    id: 'alternative-without-text',
    severity: 'warning',
    source: 'RFC 2046 §5.1.4',
    objection: 'A multipart/alternative has HTML and no plain text.',
    *find({ message }) {
      for (const part of alternatives(message)) {
        if (!part.children.some(hasHTML) || part.children.some(({ contentType }) => contentType.value === 'text/plain'))
          continue;
        yield {
          text: 'A multipart/alternative offers HTML and no plain text. Add one, before the HTML.',
          line: typeLine(part),
        };
      }
    },
  },
  {
    id: 'html-only',
    severity: 'warning',
    source: 'Practice',
    objection: 'The mail has HTML and no plain text.',
    *find({ message }) {
      const readable = message.parts.filter((part) => !isInMessage(part) && part.disposition?.value !== 'attachment');
      const html = readable.find(({ contentType }) => contentType.value === 'text/html');
      if (html === undefined || readable.some((part) => isLeaf(part) && part.contentType.value === 'text/plain'))
        return;
      if (html.parent?.contentType.value === 'multipart/alternative') return;
      yield {
        text: 'The mail is HTML alone. Add a plain text in a multipart/alternative: for terminals, watches, screen readers, and filters, which count its absence.',
        line: typeLine(html),
      };
    },
  },
  {
    id: 'attachment-without-name',
    severity: 'note',
    source: 'RFC 2183 §2.3',
    objection: 'An attachment has no file name.',
    *find({ message }) {
      for (const part of message.parts) {
        if (part.disposition?.value !== 'attachment' || part.contentType.value === 'message/rfc822') continue;
        if (fileNameOf(part) !== undefined) continue;
        yield {
          text: `An attachment (${part.contentType.value}) has no file name; receivers make one up. Give Content-Disposition a filename.`,
          line: dispositionLine(part),
        };
      }
    },
  },
  {
    id: 'encoded-word-in-parameter',
    severity: 'warning',
    source: 'RFC 2231 §4',
    objection: 'A file name is written as an encoded word, which parameters do not have.',
    *find({ message }) {
      for (const { part, parameter, line } of nameParameters(message)) {
        if (!/=\?[^?]*\?[bq]\?/i.test(parameter.value)) continue;
        // Beside a file name that is as it should be, it is there for programs that know nothing newer.
        if (
          parameter.name === 'name' &&
          part.disposition?.rawParameters.some(({ name }) => name.startsWith('filename*')) === true
        )
          continue;
        yield {
          text: `The parameter ${parameter.name} of part ${part.number} is an encoded word; RFC 2047 §5 forbids that. Write ${parameter.name}*=utf-8''… (RFC 2231).`,
          line,
        };
      }
    },
  },
  {
    id: 'parameter-not-encoded',
    severity: 'error',
    source: 'RFC 2231 §4',
    objection: 'A file name has octets above 127.',
    *find({ message, mailParameters }) {
      if (mailParameters.has('SMTPUTF8')) return;
      for (const { part, parameter, line } of nameParameters(message)) {
        if (!EIGHT_BIT.test(parameter.value)) continue;
        yield {
          text: `The parameter ${parameter.name} of part ${part.number} has octets above 127. Write ${parameter.name.replace(/\*.*$/, '')}*=utf-8''… (RFC 2231).`,
          line,
        };
      }
    },
  },
  {
    id: 'parameter-without-charset',
    severity: 'error',
    source: 'RFC 2231 §4',
    objection: 'An encoded file name names no character set.',
    *find({ message }) {
      for (const { part, parameter, line } of nameParameters(message)) {
        if (!/^[^*]+\*(?:0\*)?$/.test(parameter.name) || /^[^']+'[^']*'/.test(parameter.value)) continue;
        yield {
          text: `The parameter ${parameter.name} of part ${part.number} does not begin with a character set. Write utf-8'' before the name.`,
          line,
        };
      }
    },
  },
  {
    id: 'bad-content-id',
    severity: 'error',
    source: 'RFC 2045 §7',
    objection: 'A Content-ID is not of the form <left@right>.',
    *find({ message }) {
      for (const part of message.parts) {
        const field = fieldOf(part, 'content-id');
        // Many leave the right side out, and nobody minds.
        if (field === undefined || /^<[^\s<>]+>$/.test(field.value.trim())) continue;
        yield {
          text: `Content-ID is ${quote(field.value)}; it has to be <left@right>, in angle brackets.`,
          line: field.firstLine + 1,
        };
      }
    },
  },
  {
    id: 'dangerous-attachment',
    severity: 'warning',
    source: 'Gmail and Outlook refuse such files',
    objection: 'An attachment is a program, or a file that starts one.',
    *find({ message }) {
      for (const part of message.parts) {
        const name = fileNameOf(part);
        const ending = name === undefined ? undefined : /\.([a-z0-9]{1,12})[\s.]*$/i.exec(name)?.[1]?.toLowerCase();
        if (name === undefined || ending === undefined || !DANGEROUS_ENDINGS.has(ending)) continue;
        yield {
          text: `The attachment ${quote(name)} is of a kind (.${ending}) that receivers refuse. Offer it for download.`,
          line: dispositionLine(part),
        };
      }
    },
  },
];

function* multiparts(message: RawMessage): Iterable<RawPart> {
  for (const part of message.parts) if (part.contentType.value.startsWith('multipart/')) yield part;
}

function* alternatives(message: RawMessage): Iterable<RawPart> {
  for (const part of message.parts) if (part.contentType.value === 'multipart/alternative') yield part;
}

function* texts(message: RawMessage): Iterable<RawPart> {
  for (const part of message.parts) {
    if (isLeaf(part) && part.contentType.value.startsWith('text/') && ENCODINGS.has(part.encoding)) yield part;
  }
}

function* encodedBodies(
  message: RawMessage,
  encoding: string,
  isSuch: (line: string) => boolean,
  spotOf: (line: number, count: number) => Spot,
): Iterable<Spot> {
  const parts = message.parts.filter((part) => part.encoding === encoding);
  yield* bodiesWith({ ...message, parts }, isSuch, spotOf);
}

function* nameParameters(
  message: RawMessage,
): Iterable<{ part: RawPart; parameter: { name: string; value: string }; line: number }> {
  for (const part of message.parts) {
    for (const parameter of part.disposition?.rawParameters ?? []) {
      if (/^filename(?:\*|$)/.test(parameter.name)) yield { part, parameter, line: dispositionLine(part) };
    }
    for (const parameter of part.contentType.rawParameters) {
      if (/^name(?:\*|$)/.test(parameter.name)) yield { part, parameter, line: typeLine(part) };
    }
  }
}

function hasHTML(part: RawPart): boolean {
  if (part.contentType.value === 'text/html') return true;
  return part.contentType.value === 'multipart/related' && part.children[0]?.contentType.value === 'text/html';
}

function fileNameOf(part: RawPart): string | undefined {
  return part.disposition?.parameters.get('filename') ?? part.contentType.parameters.get('name');
}

function typeLine(part: RawPart): number {
  return (fieldOf(part, 'content-type')?.firstLine ?? part.headerLine) + 1;
}

function encodingLine(part: RawPart): number {
  return (fieldOf(part, 'content-transfer-encoding')?.firstLine ?? part.headerLine) + 1;
}

function dispositionLine(part: RawPart): number {
  return (fieldOf(part, 'content-disposition') ?? fieldOf(part, 'content-type'))?.firstLine === undefined
    ? part.headerLine + 1
    : ((fieldOf(part, 'content-disposition') ?? fieldOf(part, 'content-type'))?.firstLine ?? 0) + 1;
}

const ENCODINGS: ReadonlySet<string> = new Set(['7bit', '8bit', 'binary', 'quoted-printable', 'base64']);
const IDENTITY_ENCODINGS: ReadonlySet<string> = new Set(['7bit', '8bit', 'binary']);
// A line of text has tabs, and its CR is part of its end.
const RAW_CONTROL = /(?![\0\t\n\r\x80-\x9F])\p{Cc}/u;
const DANGEROUS_ENDINGS: ReadonlySet<string> = new Set(
  (
    'ade adp apk appx appxbundle bat cab chm cmd com cpl diagcab diagcfg dll dmg ex exe hta img ins iso isp jar jnlp js ' +
    'jse lib lnk mde msc msi msix msp mst nsh pif ps1 reg scr sct shb sys vb vbe vbs vhd vxd wsc wsf wsh xll'
  ).split(' '),
);
