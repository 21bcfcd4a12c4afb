import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { runWell } from '../../../smtpd/test/support/run-program.js';
import { requirePythonModule } from '../../../smtpd/test/support/component.js';
import type { NewMail } from '../../src/api/model.js';
import { composeMail, type ComposedMail } from '../../src/exchange/compose.js';
import { encodeText } from '../../src/exchange/transfer-encoding.js';

const NOW = new Date('2026-11-05T20:01:09Z');
const SMALL: NewMail = { from: 'ann@a.example', to: ['bob@b.example'] };

describe('a mail that is made', () => {
  it('of a text', () => {
    const { raw, envelope, messageId } = compose({
      from: 'Änn <ann@Bücher.example>',
      to: ['Onym, Bob <bob@b.example>', '"Bob \\"B\\"" <bob2@b.example>'],
      cc: ['carol@b.example'],
      bcc: ['Dan <dan@b.example>', 'bob@b.example'],
      subject: 'Grüße aus Wien',
      text: 'Hello, Bob.\n\nFare well.',
      headers: { 'Reply-To': 'Ännie <ann@a.example>', 'X-Tag': 'a' },
    });
    expect(text(raw)).toBe(
      [
        'Date: Thu, 05 Nov 2026 20:01:09 +0000',
        'From: =?UTF-8?Q?=C3=84nn?= <ann@xn--bcher-kva.example>',
        'To: "Onym, Bob" <bob@b.example>, "Bob \\"B\\"" <bob2@b.example>',
        'Cc: carol@b.example',
        'Subject: =?UTF-8?Q?Gr=C3=BC=C3=9Fe?= aus Wien',
        'Message-ID: <id-1@xn--bcher-kva.example>',
        'Reply-To: =?UTF-8?Q?=C3=84nnie?= <ann@a.example>',
        'X-Tag: a',
        'MIME-Version: 1.0',
        'Content-Type: text/plain; charset=utf-8',
        'Content-Transfer-Encoding: 7bit',
        '',
        'Hello, Bob.',
        '',
        'Fare well.',
        '',
      ].join('\r\n'),
    );
    expect(messageId).toBe('<id-1@xn--bcher-kva.example>');
    expect(envelope).toEqual({
      mailFrom: 'ann@xn--bcher-kva.example',
      rcptTos: ['bob@b.example', 'bob2@b.example', 'carol@b.example', 'dan@b.example'],
      mailOptions: [],
      rcptOptions: [[], [], [], []],
    });
  });

  it('of text, HTML, a picture in it and an attachment: each where it belongs', () => {
    const { raw } = compose({
      ...SMALL,
      text: 'text',
      html: '<img src="cid:logo">',
      attachments: [
        { fileName: 'logo.png', contentType: 'image/png', contentBase64: 'AAAA', contentId: '<logo>' },
        { fileName: '', contentBase64: '' },
      ],
    });
    const shape = text(raw).match(/^(?:Content-(?:Type|ID|Disposition): .*|--=_.*)$/gm);
    expect(shape).toEqual([
      'Content-Type: multipart/mixed; boundary="=_id-1_3"',
      '--=_id-1_3',
      'Content-Type: multipart/alternative; boundary="=_id-1_2"',
      '--=_id-1_2',
      'Content-Type: text/plain; charset=utf-8',
      '--=_id-1_2',
      'Content-Type: multipart/related; boundary="=_id-1_1"',
      '--=_id-1_1',
      'Content-Type: text/html; charset=utf-8',
      '--=_id-1_1',
      'Content-Type: image/png',
      'Content-Disposition: inline;',
      'Content-ID: <logo>',
      '--=_id-1_1--',
      '--=_id-1_2--',
      '--=_id-1_3',
      'Content-Type: application/octet-stream',
      'Content-Disposition: attachment',
      '--=_id-1_3--',
    ]);
  });

  it('of a text that has the boundary in it: another one is taken', () => {
    const { raw } = compose({ ...SMALL, text: '--=_id-1_1\n', attachments: [{ fileName: 'a', contentBase64: '' }] });
    expect(text(raw)).toContain('boundary="=_id-1_2"');
  });

  it('needs SMTPUTF8 and 8BITMIME where an address is not ASCII', () => {
    const { envelope } = compose({ from: 'änn@a.example', to: ['bob@b.example'] });
    expect(envelope.mailOptions).toEqual(['BODY=8BITMIME', 'SMTPUTF8']);
  });

  it('carries a message as it is, or not as a message', () => {
    const attached = (content: string): string =>
      text(
        compose({
          ...SMALL,
          attachments: [
            {
              fileName: 'a.eml',
              contentType: 'message/rfc822',
              contentBase64: Buffer.from(content).toString('base64'),
            },
          ],
        }).raw,
      );
    expect(attached('Subject: a\r\n\r\na\r\n')).toMatch(
      /message\/rfc822\r\nContent-Transfer-Encoding: 7bit\r\n(?:.+\r\n)+\r\nSubject: a\r\n\r\na\r\n\r\n--/,
    );
    expect(attached('Subject: ä\r\n')).toContain('message/rfc822\r\nContent-Transfer-Encoding: 8bit');
    for (const content of ['Subject: a\n', `${'a'.repeat(999)}\r\n`, 'a\0\r\n']) {
      expect(attached(content)).toContain('application/octet-stream\r\nContent-Transfer-Encoding: base64');
    }
  });

  it('has its own Date and Message-ID when they are given', () => {
    const { raw, messageId } = compose({ ...SMALL, headers: { date: 'then', 'MESSAGE-ID': '<1@x>' } });
    expect(messageId).toBe('<1@x>');
    expect(text(raw).match(/^(?:date|message-id): .*/gim)).toEqual(['date: then', 'MESSAGE-ID: <1@x>']);
  });

  it.each<[NewMail, RegExp]>([
    [{ ...SMALL, subject: 'a\r\nBcc: eve@e.example' }, /^subject has a line end in it/],
    [{ ...SMALL, from: 'Ann\n <ann@a.example>' }, /^from has a line end/],
    [{ ...SMALL, to: ['bob@b.example', 'x\r@b.example'] }, /^to\[1\] has a line end/],
    [{ ...SMALL, cc: ['bob@b.example\n'] }, /^cc\[0\] has a line end/],
    [{ ...SMALL, bcc: ['\0bob@b.example'] }, /^bcc\[0\] has a control character/],
    [{ ...SMALL, headers: { 'X-A': 'a\nX-B: b' } }, /^headers\.X-A has a line end/],
    [{ ...SMALL, headers: { 'X-A\r\nX-B': 'a' } }, /no name of a field/],
    [{ ...SMALL, headers: { 'X A': 'a' } }, /no name of a field/],
    [{ ...SMALL, headers: { 'X-A:': 'a' } }, /no name of a field/],
    [{ ...SMALL, headers: { SUBJECT: 'a' } }, /give it as "subject"/],
    [{ ...SMALL, headers: { 'Content-type': 'a/b' } }, /made of what the mail has in it/],
    [{ ...SMALL, subject: 'a\u0085b' }, /control character/],
    [
      { ...SMALL, attachments: [{ fileName: 'a\r\nX: y', contentBase64: '' }] },
      /^attachments\[0\]\.fileName has a line end/,
    ],
    [{ ...SMALL, attachments: [{ fileName: 'a', contentBase64: 'ä' }] }, /contentBase64 is not base64/],
    [{ ...SMALL, attachments: [{ fileName: 'a', contentBase64: 'AA=A' }] }, /contentBase64 is not base64/],
    [
      { ...SMALL, attachments: [{ fileName: 'a', contentBase64: '', contentType: 'a/b\nX: y' }] },
      /contentType has a line end/,
    ],
    [{ ...SMALL, attachments: [{ fileName: 'a', contentBase64: '', contentType: 'text' }] }, /a type and a subtype/],
    [{ ...SMALL, attachments: [{ fileName: 'a', contentBase64: '', contentType: 'multipart/mixed' }] }, /is several/],
    [{ ...SMALL, attachments: [{ fileName: 'a', contentBase64: '', contentId: 'a>b' }] }, /an id such as/],
    [{ ...SMALL, from: '' }, /^from is one address/],
    [{ ...SMALL, from: 'ann' }, /^from is one address/],
    [{ ...SMALL, to: ['a@b.example, c@d.example'] }, /^to\[0\] is one address/],
    [{ ...SMALL, to: ['a b@c.example'] }, /^to\[0\] is one address/],
    [{ ...SMALL, to: ['a@b..example'] }, /^to\[0\] is one address/],
    [{ ...SMALL, to: ['<a@b.example> c'] }, /^to\[0\] is one address/],
  ])('%j is refused', (mail, message) => {
    expect(() => compose(mail)).toThrow(message);
  });
});

it.each([
  ['plain\ntext', '7bit', 'plain\r\ntext'],
  ['Größe \n\t\na=b', 'quoted-printable', 'Gr=C3=B6=C3=9Fe=20\r\n=09\r\na=3Db'],
  ['From a\n', 'quoted-printable', '=46rom a\r\n'],
  [
    `${'x'.repeat(76)}\n${'y'.repeat(77)} \n`,
    'quoted-printable',
    `${'x'.repeat(76)}\r\n${'y'.repeat(75)}=\r\nyy=20\r\n`,
  ],
  ['日本', 'base64', '5pel5pys'],
])('the text %j travels as %s', (content, encoding, octets) => {
  const encoded = encodeText(content);
  expect([encoded.encoding, encoded.octets.toString()]).toEqual([encoding, octets]);
});

describe('Python’s email', () => {
  const python = requirePythonModule('email');

  it('reads each mail as it was meant, and no line is too long', async () => {
    const mails = fc.sample(mailArbitrary, { numRuns: 120, seed: 5 });
    const composed = mails.map((mail, index) => composeMail(mail, { now: NOW, id: `id-${String(index)}` }));
    for (const { raw } of composed) {
      const lines = text(raw).split('\r\n');
      expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(998);
      expect(lines.join('')).not.toMatch(/[\r\n]/);
      expect(text(raw)).not.toContain('hidden-');
    }
    const read = await readByPython(composed);
    for (const [index, mail] of mails.entries()) {
      const expected = meaningOf(mail, composed[index]!);
      // A message of one part ends its last line, whatever its text did.
      if (mail.attachments === undefined || mail.attachments.length === 0) {
        const name = mail.html === undefined ? 'text' : mail.text === undefined ? 'html' : 'neither';
        const isEnded = read[index]![name] === `${String(expected[name])}\n`;
        if (isEnded) expected[name] = read[index]![name];
      }
      expect(read[index]).toEqual(expected);
    }
  });

  async function readByPython(all: readonly ComposedMail[]): Promise<Record<string, unknown>[]> {
    const input = JSON.stringify(all.map(({ raw }) => Buffer.from(raw).toString('base64')));
    return JSON.parse(await runWell(python, ['-c', SCRIPT], { input })) as Record<string, unknown>[];
  }
});

const SCRIPT = `
import base64, email, email.policy, email.utils, json, sys
from email.header import decode_header, make_header
# The new policy keeps the blank between two encoded words of a name, which RFC 2047 §6.2 takes away; the old one does not.
def addresses(m, name):
    return [[str(make_header(decode_header(n))), a] for n, a in email.utils.getaddresses(m.get_all(name, []))]
def lines(content):
    return content.replace('\\r\\n', '\\n')
def read(raw):
    m = email.message_from_bytes(base64.b64decode(raw), policy=email.policy.default)
    old = email.message_from_bytes(base64.b64decode(raw), policy=email.policy.compat32)
    text, html = m.get_body(('plain',)), m.get_body(('html',))
    return {
        'from': addresses(old, 'from'), 'to': addresses(old, 'to'), 'cc': addresses(old, 'cc'),
        'subject': m['subject'], 'date': m['date'], 'id': m['message-id'], 'own': m['x-own'],
        'text': text and lines(text.get_content()), 'html': html and lines(html.get_content()),
        'attachments': [[p['content-disposition'].params.get('filename'), p['content-id'], base64.b64encode(p.get_payload(decode=True)).decode()]
          for p in m.walk() if p.get_content_disposition()],
        'defects': [str(d) for p in m.walk() for d in p.defects],
    }
print(json.dumps([read(raw) for raw in json.load(sys.stdin)]))
`;

/** What Python has to say of a mail. */
function meaningOf(mail: NewMail, { messageId }: ComposedMail): Record<string, unknown> {
  const parsed = (mailbox: string): readonly [string, string] => {
    const at = mailbox.indexOf('<');
    return at === -1 ? ['', mailbox] : [mailbox.slice(0, at).trim(), mailbox.slice(at + 1, -1)];
  };
  const plain = mail.text ?? (mail.html === undefined ? '' : undefined);
  const { attachments = [] } = mail;
  const isRelated = ({ contentId }: (typeof attachments)[number]): boolean =>
    mail.html !== undefined && contentId !== undefined;
  return {
    from: [parsed(mail.from)],
    to: mail.to.map(parsed),
    cc: (mail.cc ?? []).map(parsed),
    subject: mail.subject ?? null,
    date: 'Thu, 05 Nov 2026 20:01:09 +0000',
    id: messageId,
    own: mail.headers?.['X-Own'] ?? null,
    text: plain === undefined ? null : unix(plain),
    html: mail.html === undefined ? null : unix(mail.html),
    // What belongs to the HTML stands beside it.
    attachments: [...attachments.filter(isRelated), ...attachments.filter((each) => !isRelated(each))].map(
      ({ fileName, contentId, contentBase64 }) => [
        fileName === '' ? null : fileName,
        contentId === undefined ? null : `<${contentId}>`,
        contentBase64,
      ],
    ),
    defects: [],
  };
}

function unix(content: string): string {
  return content.replaceAll(/\r\n|\r/g, '\n');
}

function compose(mail: NewMail): ComposedMail {
  return composeMail(mail, { now: NOW, id: 'id-1' });
}

function text(raw: Uint8Array): string {
  return Buffer.from(raw).toString('latin1');
}

const words = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        ' ',
        '  ',
        'Grüße',
        '日本語のテキスト',
        '👩‍👩‍👧',
        '=?UTF-8?Q?x?=',
        '"',
        '\\',
        ',',
        '<a>',
        'a@b',
        ';',
        '%',
        '*',
      ),
      fc.constantFrom('word', 'x'.repeat(70), 'y'.repeat(200), "it's", '(c)', '\t'),
      fc.string({ unit: 'grapheme', maxLength: 8 }).filter((each) => !/\p{Cc}|[\u2028\u2029]/u.test(each)),
    ),
    { maxLength: 12 },
  )
  .map((parts) => parts.join(' '));
const trimmed = words.map((each) => each.replaceAll(/\s+/g, ' ').trim());
const mailbox = fc
  .tuple(
    fc.option(trimmed),
    fc.constantFrom('ann', 'a.b+c', "o'hara", 'x'.repeat(60)),
    fc.constantFrom('a.example', 'b.example'),
  )
  .map(([name, local, domain]) =>
    name === null || name === '' || /[<>"\\]/.test(name) ? `${local}@${domain}` : `${name} <${local}@${domain}>`,
  );
const content = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '\n',
        '\r\n',
        '\r',
        ' \n',
        '=',
        '.',
        'From ',
        '\t',
        '--=_id',
        'x'.repeat(80),
        'ü'.repeat(40),
        'z'.repeat(1_100),
      ),
      fc.string({ unit: 'grapheme', maxLength: 20 }).filter((each) => !/[\u2028\u2029\u0085\v\f\x1c-\x1e]/.test(each)),
    ),
    { maxLength: 12 },
  )
  .map((parts) => parts.join(''));
const attachment = fc.record(
  {
    fileName: trimmed,
    contentType: fc.constantFrom('application/pdf', 'image/png', 'text/calendar; method=REQUEST; charset="utf-8"'),
    contentBase64: fc
      .uint8Array({ maxLength: 200, size: 'max' })
      .map((octets) => Buffer.from(octets).toString('base64')),
    contentId: fc.constantFrom('logo@a.example', 'x.1'),
  },
  { requiredKeys: ['fileName', 'contentBase64'] },
);
const mailArbitrary: fc.Arbitrary<NewMail> = fc.record(
  {
    from: mailbox,
    to: fc.array(mailbox, { minLength: 1, maxLength: 5 }),
    cc: fc.array(mailbox, { maxLength: 3 }),
    bcc: fc.array(fc.constantFrom('hidden-1@b.example', 'hidden-2@b.example'), { maxLength: 2 }),
    subject: words,
    text: content,
    html: content,
    headers: words.map((own) => ({ 'X-Own': own })),
    attachments: fc.array(attachment, { maxLength: 3 }),
  },
  { requiredKeys: ['from', 'to'] },
);
