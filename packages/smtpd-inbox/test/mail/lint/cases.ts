/** For each rule a message that it objects to, alone, and a neighbour of it that nothing objects to. */

import type { Envelope, Session } from '../../../src/api/model.js';

/** What is given to the linter. An octet is a character. */
export interface Case {
  readonly raw: string;
  readonly envelope?: Partial<Envelope>;
  readonly session?: Partial<Session>;
  readonly receivedAt?: string;
}

interface Pair {
  readonly bad: Case;
  /** Where the finding is. */
  readonly line?: number;
  readonly in?: 'envelope' | 'html';
  readonly good: Case;
  /** Rules that cannot but object too. */
  readonly also?: readonly string[];
}

/** The header of a message that nothing is wrong with. A field with an empty name is a line as it stands. */
const HEADER: Readonly<Record<string, string>> = {
  Received: 'from a.example by b.example; Mon, 02 Nov 2026 10:00:01 +0000',
  Date: 'Mon, 02 Nov 2026 10:00:00 +0000',
  From: 'Ann <ann@a.example>',
  To: 'Bob <bob@b.example>',
  'Message-ID': '<1@a.example>',
  Subject: 'Hello',
};
export const ENVELOPE: Envelope = {
  mailFrom: 'ann@a.example',
  rcptTos: ['bob@b.example'],
  mailOptions: [],
  rcptOptions: [[]],
};

/** A message: the header with changes (`undefined` takes a field away), and lines. */
export function mail(changes: Readonly<Record<string, string | undefined>> = {}, body = 'Hello.\r\n'): string {
  const fields = Object.entries({ ...HEADER, ...changes }).filter(([, value]) => value !== undefined);
  return `${fields.map(([name, value]) => `${name}: ${value ?? ''}\r\n`).join('')}\r\n${body}`;
}

/** The same with lines of one’s own behind the header; they begin at line 7. */
function lines(text: string, body = 'Hello.\r\n'): string {
  return mail({}, body).replace('\r\n\r\n', `\r\n${text}\r\n\r\n`);
}

/** A text part: MIME-Version in line 7, Content-Type 8, Content-Transfer-Encoding 9, its body from line 11. */
function text(type: string, encoding: string, body: string): string {
  return lines(`MIME-Version: 1.0\r\nContent-Type: ${type}\r\nContent-Transfer-Encoding: ${encoding}`, body);
}

/** A multipart: MIME-Version in line 7, Content-Type in 8; its first boundary is line 10. */
function multipart(subtype: string, parts: readonly string[], boundary = 'b'): string {
  return lines(
    `MIME-Version: 1.0\r\nContent-Type: multipart/${subtype}; boundary="${boundary}"`,
    `${parts.map((part) => `--${boundary}\r\n${part}\r\n`).join('')}--${boundary}--\r\n`,
  );
}

const PLAIN = 'Content-Type: text/plain\r\n\r\nHello.';
/** HTML beside a plain text. Its own line 1 is the first of `html`. */
function html(source: string, parts: readonly string[] = []): string {
  return multipart('alternative', [PLAIN, `Content-Type: text/html; charset=utf-8\r\n\r\n${source}`, ...parts]);
}
function attachment(fields: string): string {
  return multipart('mixed', [PLAIN, `${fields}\r\n\r\nx`]);
}

const SIGNATURE = 'v=1; a=rsa-sha256; d=a.example; s=s;\r\n h=from:list-unsubscribe:list-unsubscribe-post; bh=; b=';
const ONE_CLICK = {
  'DKIM-Signature': SIGNATURE,
  'List-Unsubscribe': '<https://a.example/u>',
  'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click',
};

export const CASES: Readonly<Record<string, Pair>> = {
  'empty-message': {
    bad: { raw: '' },
    also: ['missing-subject'],
    good: { raw: mail() },
  },
  'line-too-long': {
    bad: { raw: mail({}, `${'a'.repeat(999)}\r\n`) },
    line: 8,
    good: { raw: mail({ 'X-Long': `a\r\n ${'b'.repeat(997)}` }) },
  },
  'bare-lf': { bad: { raw: mail({}, 'Hello,\r\nAnn.\n') }, line: 9, good: { raw: mail({}, 'Hello,\r\nAnn.\r\n') } },
  'bare-cr': { bad: { raw: mail({}, 'Hello,\rAnn.\r\n') }, line: 8, good: { raw: mail({}, '\r\n\r\n') } },
  'nul-octet': { bad: { raw: mail({}, 'a\r\nb\0\r\n') }, line: 9, good: { raw: mail({}, 'a\r\nb\x01\r\n') } },
  'control-in-header': {
    bad: { raw: mail({ Subject: 'Hel\x08lo' }) },
    line: 6,
    good: { raw: mail({ Subject: 'Hel\tlo' }) },
  },
  'eight-bit-undeclared': {
    bad: { raw: text('text/plain; charset=utf-8', '8bit', 'Gr\xC3\xBC\xC3\x9Fe\r\n') },
    line: 11,
    good: {
      raw: text('text/plain; charset=utf-8', '8bit', 'Gr\xC3\xBC\xC3\x9Fe\r\n'),
      envelope: { mailOptions: ['BODY=8BITMIME'] },
    },
  },
  'binary-undeclared': {
    bad: { raw: text('text/plain', 'binary', 'x\r\n') },
    line: 9,
    good: { raw: text('text/plain', 'binary', 'x\r\n'), envelope: { mailOptions: ['BODY=BINARYMIME'] } },
  },
  'smtputf8-undeclared': {
    bad: { raw: mail({ Subject: 'Gr\xC3\xBC\xC3\x9Fe' }) },
    line: 6,
    good: { raw: mail({ Subject: 'Gr\xC3\xBC\xC3\x9Fe' }), envelope: { mailOptions: ['SMTPUTF8'] } },
  },
  'smtputf8-address-undeclared': {
    bad: { raw: mail(), envelope: { rcptTos: ['bob@b.example', 'jos\u00E9@b.example'] } },
    in: 'envelope',
    also: ['blind-recipients'],
    good: {
      raw: mail({ To: 'jos\xC3\xA9@b.example' }),
      envelope: { rcptTos: ['jos\u00E9@b.example'], mailOptions: ['SMTPUTF8'] },
    },
  },
  'header-not-utf8': {
    bad: { raw: mail({ Subject: 'Gr\xFC\xDFe' }), envelope: { mailOptions: ['SMTPUTF8'] } },
    line: 6,
    good: { raw: mail({ Subject: '\xF0\x9F\x98\x80' }), envelope: { mailOptions: ['SMTPUTF8'] } },
  },
  'no-final-crlf': { bad: { raw: mail({}, 'Hello.') }, line: 8, good: { raw: mail({}, '') } },
  'size-too-small': {
    bad: { raw: mail(), envelope: { mailOptions: ['SIZE=5'] } },
    in: 'envelope',
    good: { raw: mail(), envelope: { mailOptions: [`SIZE=${String(mail().length)}`] } },
  },
  'size-too-large': {
    bad: { raw: mail(), envelope: { mailOptions: [`size=${String(2 * mail().length + 1_025)}`] } },
    in: 'envelope',
    good: { raw: mail(), envelope: { mailOptions: [`SIZE=${String(2 * mail().length + 1_024)}`] } },
  },
  'message-too-large': {
    bad: { raw: mail({}, 'a'.repeat(70).concat('\r\n').repeat(364_090)) },
    good: { raw: mail({}, 'a'.repeat(70).concat('\r\n').repeat(364_000)) },
  },

  'missing-date': { bad: { raw: mail({ Date: undefined }) }, good: { raw: mail() } },
  'missing-from': { bad: { raw: mail({ From: undefined }) }, good: { raw: mail({ From: 'ann@a.example' }) } },
  'missing-message-id': { bad: { raw: mail({ 'Message-ID': undefined }) }, good: { raw: mail() } },
  'missing-to': {
    bad: { raw: mail({ To: undefined }) },
    also: ['blind-recipients'],
    good: { raw: mail({ To: undefined, Cc: 'bob@b.example' }) },
  },
  'missing-subject': { bad: { raw: mail({ Subject: ' ' }) }, line: 6, good: { raw: mail({ Subject: '0' }) } },
  'duplicate-field': {
    bad: { raw: mail({ SUBJECT: 'Hello' }) },
    line: 7,
    good: { raw: lines('Keywords: a\r\nKeywords: b') },
  },
  'bad-date': {
    bad: { raw: mail({ Date: '2026-11-02T10:00:00Z' }) },
    line: 2,
    good: { raw: mail({ Date: '2 Nov 2026 10:00 +0000 (UTC)' }) },
  },
  'wrong-day-name': {
    bad: { raw: mail({ Date: 'Tue, 02 Nov 2026 10:00:00 +0000' }) },
    line: 2,
    good: { raw: mail({ Date: 'Mon, 02 Nov 2026 23:59:60 -0930' }) },
  },
  'obsolete-date': {
    bad: { raw: mail({ Date: 'Mon, 02 Nov 2026 10:00:00 GMT' }) },
    line: 2,
    good: { raw: mail({ Date: 'Mon, 02 Nov 2026 10:00:00 -0000' }) },
  },
  'date-in-future': {
    bad: { raw: mail(), receivedAt: '2026-11-02T08:59:59.000Z' },
    line: 2,
    good: { raw: mail(), receivedAt: '2026-11-02T09:00:00.000Z' },
  },
  'date-long-past': {
    bad: { raw: mail(), receivedAt: '2026-11-09T10:00:01.000Z' },
    line: 2,
    good: { raw: mail(), receivedAt: '2026-11-09T10:00:00.000Z' },
  },
  'bad-address': {
    bad: { raw: mail({ To: 'Bob <bob@b.example' }) },
    line: 4,
    good: { raw: mail({ To: '"Bob, at b" <bob@b.example> (of b)' }) },
  },
  'address-without-domain': {
    bad: { raw: mail({ To: 'Smith, Bob <bob@b.example>' }) },
    line: 4,
    good: { raw: mail({ To: 'Friends: "Smith, Bob" <bob@b.example>;' }) },
  },
  'obsolete-address': {
    bad: { raw: mail({ To: 'Bob B. Bobson <bob@b.example>' }) },
    line: 4,
    good: { raw: mail({ To: '"Bob B. Bobson" <bob@b.example>' }) },
  },
  'empty-field': { bad: { raw: mail({ Cc: '' }) }, line: 7, good: { raw: mail({ Comments: '' }) } },
  'several-authors-no-sender': {
    bad: { raw: mail({ From: 'ann@a.example, al@a.example' }) },
    line: 3,
    good: { raw: mail({ From: 'ann@a.example, al@a.example', Sender: 'al@a.example' }) },
  },
  'several-senders': {
    bad: { raw: mail({ Sender: 'al@a.example, eve@a.example' }) },
    line: 7,
    good: { raw: mail({ Sender: 'al@a.example' }) },
  },
  'redundant-sender': {
    bad: { raw: mail({ Sender: '<ann@A.example>' }) },
    line: 7,
    good: { raw: mail({ Sender: '<bot@a.example>' }) },
  },
  'bad-message-id': {
    bad: { raw: mail({ 'Message-ID': '1@a.example' }) },
    line: 5,
    good: { raw: mail({ 'Message-ID': '<"1 2"@[192.0.2.1]>' }) },
  },
  'message-id-not-unique': {
    bad: { raw: mail({ 'Message-ID': '<1@localhost>' }) },
    line: 5,
    good: { raw: mail({ 'Message-ID': '<1@mail.a.example>' }) },
  },
  'bad-references': {
    bad: { raw: mail({ References: '<a@b> c@d' }) },
    line: 7,
    good: { raw: mail({ References: '<a@b>\r\n <c@d> (so)', 'In-Reply-To': '<c@d>' }) },
  },
  'resent-incomplete': {
    bad: { raw: mail({ 'Resent-To': 'bob@b.example' }) },
    line: 7,
    good: {
      raw: mail({
        'Resent-To': 'bob@b.example',
        'Resent-From': 'eve@e.example',
        'Resent-Date': '2 Nov 2026 11:00 +0100',
      }),
    },
  },
  'bad-field-name': {
    bad: { raw: mail({ 'X Mailer': 'm' }) },
    line: 7,
    good: { raw: mail({ "X.!#$%&'*+-/9?@[]^_`{|}~": 'm' }) },
  },
  'blank-before-colon': {
    bad: { raw: mail({ 'X-Mailer ': 'm' }) },
    line: 7,
    good: { raw: mail({ 'X-Mailer': ' m' }) },
  },
  'blank-fold': {
    bad: { raw: mail({ 'X-Mailer': 'm\r\n \t\r\n n' }) },
    line: 8,
    good: { raw: mail({ 'X-Mailer': '\r\n m\r\n\tn' }) },
  },
  'bad-header-line': {
    bad: { raw: mail({ 'X-Mailer': 'm\r\nn' }) },
    line: 8,
    good: { raw: mail({ 'X-Mailer': 'm\r\n n' }) },
  },
  'missing-blank-line': {
    bad: { raw: mail().replace('\r\n\r\n', '\r\n') },
    line: 7,
    good: { raw: mail().slice(0, -8 - 2) },
  },
  'mbox-line': {
    bad: { raw: `From ann@a.example Mon Nov  2 10:00:00 2026\r\n${mail()}` },
    line: 1,
    good: { raw: mail({}, 'From here on.\r\n') },
  },
  'header-line-over-78': {
    bad: { raw: mail({ 'X-Long': `${'a'.repeat(35)} ${'b'.repeat(35)}` }) },
    line: 7,
    good: { raw: mail({ 'X-Long': 'a'.repeat(100) }) },
  },
  'text-line-over-78': {
    bad: { raw: mail({}, `a\r\n${'b'.repeat(79)}\r\n`) },
    line: 9,
    good: { raw: text('text/plain; format=flowed', '7bit', `${'b'.repeat(79)}\r\n`) },
  },
  'header-too-large': {
    bad: { raw: mail({ 'X-Long': '\r\n a'.repeat(25_600) }) },
    good: { raw: mail({ 'X-Long': '\r\n a'.repeat(25_500) }) },
  },
  'bcc-delivered': {
    bad: { raw: mail({ Bcc: 'eve@e.example' }) },
    line: 7,
    good: { raw: mail({ Bcc: '' }) },
  },
  'return-path-present': {
    bad: { raw: mail({ 'Return-Path': '<ann@a.example>' }) },
    line: 7,
    good: { raw: mail({ 'Errors-To': '<ann@a.example>' }) },
  },
  'no-received': { bad: { raw: mail({ Received: undefined }) }, good: { raw: mail() } },
  'long-subject': {
    bad: { raw: mail({ Subject: `${'a'.repeat(40)}\r\n ${'b'.repeat(38)}` }) },
    line: 6,
    good: { raw: mail({ Subject: `${'a'.repeat(40)}\r\n ${'b'.repeat(37)}` }) },
  },
  'subject-in-capitals': {
    bad: { raw: mail({ Subject: '=?utf-8?q?BUY_IT_NOW!?=\r\n =?utf-8?b?w4Q=?=' }) },
    line: 6,
    good: { raw: mail({ Subject: 'BUY IT Now!' }) },
  },

  'missing-mime-version': {
    bad: { raw: mail({ 'Content-Type': 'text/plain' }) },
    line: 7,
    good: { raw: mail({ 'MIME-Version': '1.0', 'Content-Type': 'text/plain' }) },
  },
  'bad-mime-version': {
    bad: { raw: mail({ 'MIME-Version': '1.1' }) },
    line: 7,
    good: { raw: mail({ 'MIME-Version': '(produced by) 1.0' }) },
  },
  'bad-content-type': {
    bad: { raw: text('text/plain; name=a b.txt', '7bit', '') },
    line: 8,
    good: { raw: text('text/plain (plain); name="a b.txt"; x=y', '7bit', '') },
  },
  'bad-content-disposition': {
    bad: { raw: attachment('Content-Disposition: attachment; filename=a b.txt') },
    line: 15,
    good: { raw: attachment('Content-Disposition: attachment; filename="a \\"b\\".txt"') },
  },
  'unknown-encoding': {
    bad: { raw: text('text/plain', 'utf-8', 'x\r\n') },
    line: 9,
    good: { raw: text('text/plain', 'Base64 (so)', 'eA==\r\n') },
  },
  'encoded-multipart': {
    bad: { raw: text('multipart/mixed; boundary=b', 'base64', 'eA==\r\n') },
    line: 9,
    good: { raw: text('application/zip', 'base64', 'eA==\r\n') },
  },
  'eight-bit-in-7bit': {
    bad: {
      raw: text('text/plain; charset=iso-8859-1', '7bit', 'a\r\nGr\xFC\xDFe\r\n'),
      envelope: { mailOptions: ['BODY=8BITMIME'] },
    },
    line: 12,
    good: {
      raw: text('text/plain; charset=iso-8859-1', '8BIT', 'a\r\nGr\xFC\xDFe\r\n'),
      envelope: { mailOptions: ['BODY=8BITMIME'] },
    },
  },
  'quoted-printable-long-line': {
    bad: { raw: text('text/plain', 'quoted-printable', `a\r\n${'a'.repeat(77)}\r\n`) },
    line: 12,
    good: { raw: text('text/plain', 'quoted-printable', `${'a'.repeat(75)}=\r\na\r\n`) },
  },
  'quoted-printable-bad-escape': {
    bad: { raw: text('text/plain', 'quoted-printable', 'a\r\nx=y\r\n') },
    line: 12,
    good: { raw: text('text/plain', 'quoted-printable', 'x=3Dy=\r\nz\r\n') },
  },
  'quoted-printable-lower-case': {
    bad: { raw: text('text/plain', 'quoted-printable', 'x=3dy\r\n') },
    line: 11,
    good: { raw: text('text/plain', 'quoted-printable', 'x=3Dda\r\n') },
  },
  'quoted-printable-raw-octet': {
    bad: { raw: text('text/plain', 'quoted-printable', 'a\x07\r\n') },
    line: 11,
    good: { raw: text('text/plain', 'quoted-printable', 'a=07\ta\r\n') },
  },
  'quoted-printable-blank-at-end': {
    bad: { raw: text('text/plain', 'quoted-printable', 'a\r\na \r\n') },
    line: 12,
    good: { raw: text('text/plain', 'quoted-printable', 'a=20\r\n') },
  },
  'base64-bad-character': {
    bad: { raw: text('text/plain', 'base64', 'SGVs\r\nbG8-\r\n') },
    line: 12,
    also: ['base64-bad-length'],
    good: { raw: text('text/plain', 'base64', 'SGVsbG8=\r\n\r\n') },
  },
  'base64-long-line': {
    bad: { raw: text('text/plain', 'base64', `${'AAAA'.repeat(20)}\r\n`) },
    line: 11,
    good: { raw: text('text/plain', 'base64', `${'AAAA'.repeat(19)}\r\n`) },
  },
  'base64-bad-length': {
    bad: { raw: text('text/plain', 'base64', 'SGVs\r\nbG8\r\n') },
    line: 12,
    good: { raw: text('text/plain', 'base64', 'SGVs\r\nbG8=\r\n') },
  },
  'missing-boundary': {
    bad: { raw: text('multipart/mixed', '7bit', 'x\r\n') },
    line: 8,
    good: { raw: multipart('mixed', [PLAIN]) },
  },
  'bad-boundary': {
    bad: { raw: multipart('mixed', [PLAIN], 'b'.repeat(71)) },
    line: 8,
    also: ['header-line-over-78'],
    good: { raw: multipart('mixed', [PLAIN], "b'()+_,-./:=? b") },
  },
  'boundary-not-used': {
    bad: { raw: text('multipart/mixed; boundary=b', '7bit', '--c\r\n\r\nx\r\n--c--\r\n') },
    line: 8,
    good: { raw: text('multipart/mixed; boundary=c', '7bit', '--c\r\n\r\nx\r\n--c--\r\n') },
  },
  'boundary-not-closed': {
    bad: { raw: multipart('mixed', [PLAIN]).replace('--b--\r\n', '') },
    line: 13,
    good: { raw: `${multipart('mixed', [PLAIN])}epilogue\r\n` },
  },
  'unknown-charset': {
    bad: { raw: text('text/plain; charset=x-martian', '7bit', 'x\r\n') },
    line: 8,
    good: { raw: text('text/plain; charset=KOI8-R', '7bit', 'x\r\n') },
  },
  'false-charset': {
    bad: { raw: text('text/plain; charset=utf-8', 'quoted-printable', 'Gr=FC=DFe\r\n') },
    line: 8,
    good: { raw: text('text/plain; charset=iso-8859-1', 'quoted-printable', 'Gr=FC=DFe\r\n') },
  },
  'alternative-order': {
    bad: { raw: multipart('alternative', ['Content-Type: text/html\r\n\r\n<p>Hello.', PLAIN]) },
    line: 15,
    good: { raw: multipart('alternative', [PLAIN, 'Content-Type: text/html\r\n\r\n<p>Hello.']) },
  },
  'alternative-without-text': {
    bad: { raw: multipart('alternative', ['Content-Type: text/html\r\n\r\n<p>Hello.']) },
    line: 8,
    good: { raw: multipart('alternative', [PLAIN]) },
  },
  'html-only': {
    bad: { raw: text('text/html', '7bit', '<p>Hello.\r\n') },
    line: 8,
    good: { raw: html('<p>Hello.') },
  },
  'attachment-without-name': {
    bad: { raw: attachment('Content-Type: application/pdf\r\nContent-Disposition: attachment') },
    line: 16,
    good: { raw: attachment('Content-Type: application/pdf; name=a.pdf\r\nContent-Disposition: attachment') },
  },
  'encoded-word-in-parameter': {
    bad: { raw: attachment('Content-Disposition: attachment; filename="=?utf-8?Q?a=C3=BC.txt?="') },
    line: 15,
    good: {
      raw: attachment(
        'Content-Type: text/plain; name="=?utf-8?Q?a=C3=BC.txt?="\r\n' +
          "Content-Disposition: attachment; filename*=utf-8''a%C3%BC.txt",
      ),
    },
  },
  'parameter-not-encoded': {
    bad: { raw: attachment('Content-Disposition: attachment; filename="a\xC3\xBC.txt"') },
    line: 15,
    also: ['smtputf8-undeclared'],
    good: {
      raw: attachment('Content-Disposition: attachment; filename="a\xC3\xBC.txt"'),
      envelope: { mailOptions: ['SMTPUTF8'] },
    },
  },
  'parameter-without-charset': {
    bad: { raw: attachment('Content-Disposition: attachment; filename*=a%C3%BC.txt') },
    line: 15,
    good: { raw: attachment("Content-Disposition: attachment; filename*0*=utf-8'de'a%C3%BC; filename*1=.txt") },
  },
  'bad-content-id': {
    bad: { raw: attachment('Content-ID: a@b') },
    line: 15,
    good: { raw: attachment('Content-ID: <a@b>') },
  },
  'dangerous-attachment': {
    bad: { raw: attachment('Content-Disposition: attachment; filename="invoice.pdf.EXE"') },
    line: 15,
    good: { raw: attachment('Content-Disposition: attachment; filename="invoice.exe.pdf"') },
  },

  'encoded-word-too-long': {
    bad: { raw: mail({ Subject: `a\r\n =?utf-8?Q?${'a'.repeat(64)}?=` }) },
    line: 7,
    good: { raw: mail({ Subject: `a\r\n =?utf-8?Q?${'a'.repeat(63)}?=` }) },
  },
  'encoded-word-line-too-long': {
    bad: { raw: mail({ Subject: `=?utf-8?Q?${'a'.repeat(56)}?=` }) },
    line: 6,
    good: { raw: mail({ Subject: `=?utf-8?Q?${'a'.repeat(55)}?=` }) },
  },
  'bad-encoded-word': {
    bad: { raw: mail({ Subject: '=?utf-8?Q?a b?=' }) },
    line: 6,
    good: { raw: mail({ Subject: '=?utf-8?Q?a_b?= =?utf-8*de?b?YQ==?=' }) },
  },
  'encoded-word-unknown-charset': {
    bad: { raw: mail({ Subject: '=?x-martian?Q?a?=' }) },
    line: 6,
    good: { raw: mail({ Subject: '=?gb18030?Q?a?=' }) },
  },
  'encoded-word-cut-character': {
    bad: { raw: mail({ Subject: '=?utf-8?Q?=C3?=\r\n =?utf-8?Q?=BC?=' }) },
    line: 6,
    good: { raw: mail({ Subject: '=?utf-8?Q?=C3=BC?=\r\n =?iso-8859-1?Q?=FC?=' }) },
  },
  'encoded-word-not-separate': {
    bad: { raw: mail({ Subject: 'a=?utf-8?Q?b?=' }) },
    line: 6,
    good: { raw: mail({ From: '=?utf-8?Q?b?=<ann@a.example>', Comments: '(=?utf-8?Q?b?=)' }) },
  },
  'encoded-word-in-quotes': {
    bad: { raw: mail({ To: '"=?utf-8?Q?Bob?=" <bob@b.example>' }) },
    line: 4,
    good: { raw: mail({ To: '"Bob" =?utf-8?Q?Bob?= <bob@b.example>' }) },
  },
  'encoded-word-in-address': {
    bad: { raw: mail({ Cc: '<=?utf-8?Q?bob?=@b.example>' }) },
    line: 7,
    also: ['encoded-word-not-separate', 'named-but-not-sent'],
    good: { raw: mail({ Cc: '=?utf-8?Q?bob?= <bob@b.example>' }) },
  },
  'encoded-word-broken': {
    bad: { raw: mail({ Subject: '=?utf-8?Q?a\r\n b?=' }) },
    line: 6,
    also: ['bad-encoded-word'],
    good: { raw: mail({ Subject: '=?utf-8?Q?a?=\r\n b' }) },
  },

  'from-not-aligned': {
    bad: { raw: mail(), envelope: { mailFrom: 'bounce@m.example' } },
    line: 3,
    good: { raw: mail(), envelope: { mailFrom: 'bounce@mail.A.example' } },
  },
  'blind-recipients': {
    bad: { raw: mail(), envelope: { rcptTos: ['bob@b.example', 'eve@e.example'] } },
    in: 'envelope',
    good: { raw: mail(), envelope: { rcptTos: ['Bob@B.example'] } },
  },
  'named-but-not-sent': {
    bad: { raw: mail({ Cc: 'eve@e.example' }) },
    line: 7,
    good: { raw: mail({ Cc: 'Eve@e.example' }), envelope: { rcptTos: ['bob@b.example', 'eve@e.example'] } },
  },
  'no-null-sender': {
    bad: { raw: multipart('report', [PLAIN]) },
    in: 'envelope',
    good: { raw: multipart('report', [PLAIN]), envelope: { mailFrom: '' } },
  },
  'null-sender-without-reason': {
    bad: { raw: mail(), envelope: { mailFrom: '' } },
    in: 'envelope',
    good: { raw: mail({ 'Auto-Submitted': 'auto-replied' }), envelope: { mailFrom: '' } },
  },
  'envelope-address-without-domain': {
    bad: { raw: mail({ Cc: 'root@localhost' }), envelope: { rcptTos: ['bob@b.example', 'root@localhost'] } },
    in: 'envelope',
    good: {
      raw: mail({ Cc: 'root@[192.0.2.1]' }),
      envelope: { rcptTos: ['bob@b.example', 'root@[192.0.2.1]'] },
    },
  },
  'client-name-not-complete': {
    bad: { raw: mail(), session: { clientName: '192.0.2.1' } },
    in: 'envelope',
    good: { raw: mail(), session: { clientName: '[192.0.2.1]' } },
  },

  'bulk-without-unsubscribe': {
    bad: { raw: mail({ Precedence: 'bulk' }) },
    line: 7,
    good: { raw: mail({ Precedence: 'junk' }) },
  },
  'unsubscribe-without-one-click': {
    bad: { raw: mail({ 'List-Unsubscribe': '<https://a.example/u>' }) },
    line: 7,
    good: { raw: mail(ONE_CLICK) },
  },
  'one-click-without-https': {
    bad: { raw: mail({ ...ONE_CLICK, 'List-Unsubscribe': '<mailto:u@a.example>' }) },
    line: 10,
    good: { raw: mail({ ...ONE_CLICK, 'List-Unsubscribe': '<mailto:u@a.example>, <https://a.example/u>' }) },
  },
  'bad-one-click': {
    bad: { raw: mail({ ...ONE_CLICK, 'List-Unsubscribe-Post': 'one-click' }) },
    line: 10,
    good: { raw: mail(ONE_CLICK) },
  },
  'one-click-not-signed': {
    bad: { raw: mail({ ...ONE_CLICK, 'DKIM-Signature': SIGNATURE.replace('-post', '') }) },
    line: 10,
    good: { raw: mail(ONE_CLICK) },
  },
  'unsubscribe-over-http': {
    bad: { raw: mail({ ...ONE_CLICK, 'List-Unsubscribe': '<https://a.example/u>, <http://a.example/u>' }) },
    line: 9,
    good: { raw: mail({ ...ONE_CLICK, 'List-Unsubscribe': '<https://a.example/u?http:>' }) },
  },
  'bad-list-field': {
    bad: { raw: mail({ 'List-Help': 'https://a.example/help' }) },
    line: 7,
    good: { raw: mail({ 'List-Help': '<https://a.example/help> (so)', 'List-Post': 'NO (closed)' }) },
  },

  'html-clipped': {
    bad: { raw: html(`<p>${'<i>abcdefghijklmnopqrstuvwxyz</i>\r\n'.repeat(2_985)}</p>`) },
    line: 17,
    good: { raw: html(`<p>${'<i>abcdefghijklmnopqrstuvwxyz</i>\r\n'.repeat(2_980)}</p>`) },
  },
  'images-only': {
    bad: { raw: html('<body>\r\n<img src="https://a.example/a.png" alt="a">') },
    line: 2,
    in: 'html',
    good: { raw: html('<body>\r\n<img src="https://a.example/a.png" alt="a"> Hello.') },
  },
  'tracking-pixel': {
    bad: { raw: html('<p>Hello.</p>\r\n<img src="https://a.example/p" width="1" style="height: 1px">') },
    line: 2,
    in: 'html',
    good: { raw: html('<p>Hello.</p>\r\n<img src="https://a.example/p" width="10" height="1">') },
  },
  'link-shows-other-domain': {
    bad: { raw: html('<p>\r\n<a\r\nhref="https://evil.example/">https://bank.example/login</a></p>') },
    line: 3,
    in: 'html',
    good: { raw: html('<a href="https://click.bank.example/">bank.example</a> <a href="https://e.example">a.pdf</a>') },
  },
  'link-over-http': {
    bad: { raw: html('<p>\r\n<a href="http://a.example/">so</a></p>') },
    line: 2,
    in: 'html',
    good: { raw: html('<a href="https://a.example/?http:">so</a>') },
  },
  'relative-address': {
    bad: { raw: html('<p>\r\n<img src="/a.png"></p>Hello.') },
    line: 2,
    in: 'html',
    good: { raw: html('<a href="#top">up</a><a href="mailto:a@a.example">mail</a><img src="data:image/gif;base64,">') },
  },
  'missing-inline-part': {
    bad: { raw: html('<p>\r\n<img src="cid:a@b">Hello.</p>') },
    line: 2,
    in: 'html',
    good: { raw: html('<img src="cid:a@b">', ['Content-Type: image/png\r\nContent-ID: <a@b>\r\n\r\nx']) },
  },
  'active-content': {
    bad: { raw: html('<p>\r\nHello.<script>x()</script></p>') },
    line: 2,
    in: 'html',
    good: { raw: html('<p>Hello.<style>p{color:red}</style></p>') },
  },
  'unbalanced-tag': {
    bad: { raw: html('<table>\r\n<tr><td>Hello.\r\n</tr></table>') },
    line: 2,
    in: 'html',
    good: { raw: html('<!--[if mso]><table><tr><td><![endif]--><p>a<p>b<br><v:rect><ul><li>c</ul>') },
  },
  'checked-in-part': {
    bad: { raw: html('<div>\r\n'.repeat(501)) },
    good: { raw: html(`${'<div>\r\n'.repeat(500)}a${'</div>\r\n'.repeat(500)}`) },
  },
};
