/** The messages of the scenarios: one with everything, one that means harm, one in clear, one that is large, and a session without any. */

import { type Sample, sampleMessage } from './sample-message.js';

/** With everything that a tab can show. */
export function richSample(): Sample {
  const html = [
    '<!doctype html>',
    '<html lang="en">',
    '<head><style>body { font-family: Georgia, serif; margin: 0; } .box { max-width: 600px; margin: 24px auto; padding: 0 16px; }',
    '@media (prefers-color-scheme: dark) { body { background: #101820; color: #eeeeee; } }</style></head>',
    '<body><!-- from the template welcome.mjml -->',
    '<div class="box" style="display: flex; flex-direction: column">',
    '<h1>Welcome, Bob</h1>',
    '<p>Your code is <b>491 823</b>. It is good for ten minutes.</p>',
    '<p><a href="https://shop.example/confirm?token=8f31">Confirm your address</a></p>',
    '<img src="http://pixel.example/o.gif"><img src="https://cdn.example/logo.png" width="120">',
    '<p><a href="https://tracker.example/r?u=shop">https://shop.example/</a></p>',
    '</div></body></html>',
  ].join('\r\n');
  const text = [
    'Welcome, Bob',
    '',
    'Your code is 491 823. It is good for ten minutes.',
    'Confirm your address: https://shop.example/confirm?token=8f31 (or answer this mail).',
    '',
    '> On Thursday Bob wrote:',
    '> > May I have an account?',
    '> Of course.',
    '',
    '-- ',
    'The shop, mailto:help@shop.example',
    '',
  ].join('\n');
  const header = [
    'Received: from shop.example (shop.example [192.0.2.7])',
    '\tby inbox.example with ESMTPSA id 17; Fri, 20 Nov 2026 09:30:00 +0000',
    'From: "The Shop" <welcome@shop.example>',
    'To: Bob Builder <bob@b.example>, carol@c.example',
    'Cc: =?utf-8?q?J=C3=BCrgen?= <juergen@d.example>',
    'Subject: =?utf-8?q?Welcome_=E2=80=93_your_code_is_491_823?=',
    'Date: Fri, 20 Nov 2026 09:30:00 +0000',
    'Message-ID: <7c2f.8f31@shop.example>',
    'MIME-Version: 1.0',
    'X-Campaign: welcome; step=1; audience=new-customers-who-have-not-yet-confirmed-their-address',
    'Content-Type: multipart/mixed; boundary="mixed"',
  ];
  const body = [
    '',
    '--mixed',
    'Content-Type: text/plain; charset=utf-8',
    'Content-Transfer-Encoding: 8bit',
    '',
    text.replaceAll('\n', '\r\n'),
    '--mixed',
    'Content-Type: text/html; charset=utf-8',
    '',
    html,
    '--mixed--',
    '',
  ];
  const raw = Buffer.from([...header, ...body].join('\r\n'), 'utf8');
  const part = { start: 700, end: 1200 };
  const before = sampleMessage('before', { entry: { subject: 'Welcome – your code is 118 402' } }).message.entry;
  const sample = sampleMessage('rich', {
    raw,
    remoteContent: 2,
    entry: {
      subject: 'Welcome – your code is 491 823',
      from: ['The Shop <welcome@shop.example>'],
      to: ['Bob Builder <bob@b.example>', 'carol@c.example'],
      cc: ['Jürgen <juergen@d.example>'],
      date: 'Fri, 20 Nov 2026 09:30:00 +0000',
      messageId: '<7c2f.8f31@shop.example>',
      tags: ['welcome', 'release 4.2'],
      inbox: 'shop',
      attachmentNames: ['logo.png', 'terms.pdf', 'invoice.svg'],
      envelope: {
        mailFrom: 'bounce+8f31@mailer.example',
        rcptTos: ['bob@b.example', 'juergen@d.example', 'audit@shop.example'],
        mailOptions: ['SIZE=4096', 'BODY=8BITMIME'],
        rcptOptions: [['NOTIFY=FAILURE', 'ORCPT=rfc822;bob@b.example'], [], []],
      },
      session: {
        peer: { address: '192.0.2.7', port: 51_234 },
        local: { address: '192.0.2.1', port: 1025 },
        clientName: 'shop.example',
        protocol: 'ESMTPSA',
        tls: {
          version: 'TLSv1.3',
          cipher: 'TLS_AES_256_GCM_SHA384',
          serverName: 'inbox.example',
          clientCertificate: {
            isVerified: false,
            verifyError: 'self-signed certificate',
            commonName: 'shop.example',
            subjectAltNames: ['shop.example', 'mail.shop.example'],
            fingerprint256:
              'A4:5F:0E:11:9C:02:7B:33:D1:64:5A:88:0F:C9:E2:76:A4:5F:0E:11:9C:02:7B:33:D1:64:5A:88:0F:C9:E2:76',
          },
        },
        identity: { user: 'shop', mechanism: 'PLAIN' },
      },
    },
    message: {
      text,
      html,
      links: [
        { url: 'https://shop.example/confirm?token=8f31', text: 'Confirm your address', in: 'html', line: 9 },
        { url: 'https://tracker.example/r?u=shop', text: 'https://shop.example/', in: 'html', line: 11 },
        {
          url: 'https://shop.example/unsubscribe/8f31',
          text: 'https://shop.example/unsubscribe/8f31',
          in: 'header',
          line: 1,
        },
        { url: 'mailto:help@shop.example', text: 'mailto:help@shop.example', in: 'text', line: 11 },
      ],
      codes: [{ code: '491823', context: 'Your code is 491 823', in: 'text', confidence: 0.94 }],
      parts: [
        {
          number: '0',
          contentType: 'multipart/mixed',
          sizeBytes: raw.length,
          start: 0,
          end: raw.length,
          role: 'container',
        },
        { number: '1', parent: '0', contentType: 'multipart/alternative', sizeBytes: 2210, ...part, role: 'container' },
        {
          number: '1.1',
          parent: '1',
          contentType: 'text/plain',
          charset: 'utf-8',
          encoding: '8bit',
          sizeBytes: 310,
          ...part,
          role: 'text',
        },
        {
          number: '1.2',
          parent: '1',
          contentType: 'text/html',
          charset: 'utf-8',
          encoding: 'quoted-printable',
          sizeBytes: 910,
          ...part,
          role: 'html',
        },
        {
          number: '2',
          parent: '0',
          contentType: 'image/png',
          encoding: 'base64',
          disposition: 'inline',
          fileName: 'logo.png',
          contentId: 'logo@shop.example',
          sizeBytes: PNG.length,
          ...part,
          role: 'related',
        },
        {
          number: '3',
          parent: '0',
          contentType: 'application/pdf',
          encoding: 'base64',
          disposition: 'attachment',
          fileName: 'terms.pdf',
          sizeBytes: 48_211,
          ...part,
          role: 'attachment',
        },
        {
          number: '4',
          parent: '0',
          contentType: 'image/svg+xml',
          encoding: 'base64',
          disposition: 'attachment',
          fileName: 'invoice.svg',
          sizeBytes: 120,
          ...part,
          role: 'attachment',
        },
      ],
    },
    partOctets: new Map<string, Uint8Array>([
      ['1.1', Buffer.from(text)],
      ['1.2', Buffer.from(html)],
      ['2', PNG],
      ['3', Buffer.from('%PDF-1.7\n%\xe2\xe3\xcf\xd3\n', 'latin1')],
      ['4', Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>')],
    ]),
    transcript: {
      swaks: "swaks --server 192.0.2.1:1025 --tls --auth PLAIN --from 'bounce+8f31@mailer.example' --to bob@b.example",
      lines: [
        { from: 'event', atMs: 0, text: 'connected from 192.0.2.7:51234' },
        { from: 'server', atMs: 0.4, text: '220 inbox.example ESMTP' },
        { from: 'client', atMs: 1.2, text: 'EHLO shop.example' },
        { from: 'server', atMs: 1.4, text: '250-inbox.example greets shop.example' },
        { from: 'server', atMs: 1.4, text: '250-PIPELINING' },
        { from: 'server', atMs: 1.4, text: '250-STARTTLS' },
        { from: 'server', atMs: 1.4, text: '250 SMTPUTF8' },
        { from: 'client', atMs: 2.0, text: 'STARTTLS' },
        { from: 'server', atMs: 2.2, text: '220 2.0.0 Go ahead' },
        { from: 'event', atMs: 9.8, text: 'TLSv1.3 TLS_AES_256_GCM_SHA384' },
        { from: 'client', atMs: 10.4, text: 'EHLO shop.example' },
        { from: 'server', atMs: 10.6, text: '250-inbox.example greets shop.example' },
        { from: 'server', atMs: 10.6, text: '250 AUTH PLAIN LOGIN' },
        { from: 'client', atMs: 11.3, text: 'AUTH PLAIN AHNob3AAaHVudGVyMg==' },
        { from: 'server', atMs: 13.9, text: '235 2.7.0 Authenticated' },
        { from: 'client', atMs: 14.6, text: 'MAIL FROM:<bounce+8f31@mailer.example> SIZE=4096 BODY=8BITMIME' },
        { from: 'client', atMs: 14.6, text: 'RCPT TO:<bob@b.example> NOTIFY=FAILURE ORCPT=rfc822;bob@b.example' },
        { from: 'client', atMs: 14.6, text: 'RCPT TO:<juergen@d.example>' },
        { from: 'client', atMs: 14.6, text: 'RCPT TO:<audit@shop.example>' },
        { from: 'client', atMs: 14.6, text: 'DATA' },
        { from: 'server', atMs: 15.1, text: '250 2.1.0 OK' },
        { from: 'server', atMs: 15.1, text: '250 2.1.5 OK' },
        { from: 'server', atMs: 15.1, text: '250 2.1.5 OK' },
        { from: 'server', atMs: 15.1, text: '250 2.1.5 OK' },
        { from: 'server', atMs: 15.1, text: '354 Go ahead' },
        { from: 'event', atMs: 27.5, text: '2,412 octets of content' },
        { from: 'server', atMs: 31.8, text: '250 2.0.0 Kept as rich' },
        { from: 'client', atMs: 32.4, text: 'QUIT' },
        { from: 'server', atMs: 32.5, text: '221 2.0.0 Bye' },
      ],
    },
    lint: [
      {
        rule: 'eight-bit-header',
        severity: 'error',
        text: 'The body has 8-bit octets, and a part says 7bit. Say 8bit, or encode it.',
        source: 'RFC 2045 §6.2',
        line: 23,
        in: 'raw',
      },
      {
        rule: 'long-line',
        severity: 'warning',
        text: 'The line is longer than 78 octets. Fold it.',
        source: 'RFC 5322 §2.1.1',
        line: 11,
        in: 'raw',
      },
      {
        rule: 'list-unsubscribe',
        severity: 'note',
        text: 'Mail to many should have List-Unsubscribe-Post.',
        source: 'RFC 8058 §3.1',
        in: 'raw',
      },
      {
        rule: 'null-sender',
        severity: 'note',
        text: 'MAIL FROM is of another domain than From.',
        source: 'RFC 7489 §3.1',
        in: 'envelope',
      },
    ],
    accessibility: [
      {
        rule: 'image-alt',
        severity: 'error',
        text: 'A picture has no alt text. Give it one, or alt="".',
        source: 'WCAG 2.2 §1.1.1',
        line: 10,
        in: 'html',
      },
    ],
    compatibility: {
      supported: 0.78,
      partly: 0.09,
      unsupported: 0.13,
      dataDate: '2026-11-01',
      features: [
        {
          slug: 'css-display-flex',
          title: 'display: flex',
          url: 'https://www.caniemail.com/features/css-display-flex/',
          lines: [6],
          unsupported: ['Outlook (Windows)', 'Windows Mail'],
          partly: ['GMX (Android)'],
          notes: ['Not supported with IMAP accounts.'],
        },
        {
          slug: 'css-at-media-prefers-color-scheme',
          title: '@media (prefers-color-scheme)',
          url: 'https://www.caniemail.com/features/css-at-media-prefers-color-scheme/',
          lines: [4],
          unsupported: [],
          partly: ['Apple Mail (iOS)'],
          notes: [],
        },
      ],
    },
    authentication: {
      state: 'done',
      checks: [
        { method: 'spf', result: 'pass', text: 'designates 192.0.2.7 as permitted sender', domain: 'mailer.example' },
        { method: 'dkim', result: 'fail', text: 'the body hash differs', domain: 'shop.example', selector: 's2026' },
        { method: 'dmarc', result: 'none', text: 'there is no policy' },
      ],
    },
    difference: {
      other: before,
      sections: [
        {
          part: 'headers',
          lines: [same('From: welcome@shop.example'), removed('Message-ID: <1>'), added('Message-ID: <2>')],
        },
        {
          part: 'text',
          lines: [
            ...Array.from({ length: 12 }, (_, at) => same(`Line ${String(at)} that both have`)),
            removed('Your code is 118 402.'),
            added('Your code is 491 823.'),
            ...Array.from({ length: 9 }, (_, at) => same(`Line ${String(at)} after it`)),
          ],
        },
        { part: 'html', lines: [same('<p>')] },
      ],
    },
    release: {
      recipients: [
        { address: 'bob@b.example', isAccepted: true, reply: '250 2.1.5 OK' },
        { address: 'eve@e.example', isAccepted: false, reply: '550 5.1.1 No such user' },
      ],
      reply: '250 2.0.0 Queued as 4F2',
    },
  });
  const decoded: Record<string, string> = {
    Cc: 'Jürgen <juergen@d.example>',
    Subject: 'Welcome – your code is 491 823',
  };
  return {
    ...sample,
    message: {
      ...sample.message,
      headers: sample.message.headers.map((field) => ({ ...field, value: decoded[field.name] ?? field.value })),
    },
  };
}

/** A mail that tries to run something, or to make somebody ask somebody else, in every place where it can say anything. */
export function hostileSample(): Sample {
  const html = [
    '<html><body onload="alert(\'onload\')">',
    '<script>alert("script"); parent.document.title = "taken"; new Image().src = "http://evil.example/script"</script>',
    '<img src="x" onerror="alert(1)"><img src="http://evil.example/pixel.gif">',
    '<svg onload="alert(2)"><script>alert(3)</script></svg>',
    '<iframe src="javascript:alert(4)"></iframe><object data="http://evil.example/o"></object>',
    '<meta http-equiv="refresh" content="0; url=http://evil.example/refresh">',
    '<link rel="stylesheet" href="http://evil.example/a.css"><style>@import "http://evil.example/b.css"; body { background: url(http://evil.example/c.png) }</style>',
    '<form action="http://evil.example/form"><input autofocus onfocus="alert(5)"></form>',
    '<a href="javascript:alert(6)" target="_top">top</a><base href="http://evil.example/">',
    '</body></html>',
  ].join('\n');
  const entry = {
    subject: MARKUP,
    from: [`${MARKUP} <ann@a.example>`],
    to: [MARKUP],
    tags: [MARKUP],
    attachmentNames: [`${MARKUP}.png`],
    envelope: {
      mailFrom: '"<img src=x onerror=alert(1)>"@a.example',
      rcptTos: ['"<script>alert(1)</script>"@b.example'],
      mailOptions: [MARKUP],
      rcptOptions: [[MARKUP]],
    },
    session: {
      peer: { address: '127.0.0.1', port: 1 },
      clientName: MARKUP,
      tls: { version: MARKUP, cipher: MARKUP, serverName: MARKUP, alpn: MARKUP },
      identity: { user: MARKUP, mechanism: 'PLAIN' },
    },
  };
  const raw = Buffer.from(
    `Subject: ${MARKUP}\r\nX-Evil: ${MARKUP}\nX-\x00\rNul: \xe9\x07 \r\n\r\n${html}\r\n${'a'.repeat(1200)}\r\n`,
    'latin1',
  );
  return sampleMessage('hostile', {
    raw,
    entry,
    remoteContent: 6,
    message: {
      text: `${MARKUP}\n> ${MARKUP}\njavascript:alert(1) https://evil.example/"onmouseover="alert(1)\n-- \n${MARKUP}\n`,
      html,
      headers: [
        { name: 'Subject', value: MARKUP, raw: `Subject: ${MARKUP}`, line: 1 },
        { name: `X-${MARKUP}`, value: MARKUP, raw: MARKUP, line: 2 },
      ],
      links: [
        { url: 'javascript:alert(1)', text: 'Log in', in: 'html', line: 1 },
        { url: 'data:text/html,<script>alert(1)</script>', text: MARKUP, in: 'html', line: 1 },
        { url: ' javascript:alert(2)', text: MARKUP, in: 'html', line: 1 },
        { url: 'https://evil.example/', text: 'https://bank.example/login', in: 'html', line: 1 },
      ],
      codes: [{ code: MARKUP, context: MARKUP, in: 'text', confidence: 1 }],
      faults: [MARKUP],
      parts: [
        { number: '0', contentType: 'multipart/mixed', sizeBytes: 10, start: 0, end: 10, role: 'container' },
        {
          number: '1',
          parent: '0',
          contentType: 'image/svg+xml',
          fileName: `${MARKUP}.svg`,
          sizeBytes: 90,
          start: 0,
          end: 10,
          role: 'attachment',
        },
        {
          number: '2',
          parent: '0',
          contentType: 'text/html',
          fileName: '../../etc/passwd.html',
          sizeBytes: 90,
          start: 0,
          end: 10,
          role: 'attachment',
        },
        {
          number: '3',
          parent: '0',
          contentType: MARKUP,
          charset: MARKUP,
          contentId: MARKUP,
          sizeBytes: 90,
          start: 0,
          end: 10,
          role: 'attachment',
        },
      ],
    },
    partOctets: new Map([
      ['1', Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert(2)</script></svg>')],
      ['2', Buffer.from('<script>alert(1)</script>')],
    ]),
    transcript: { lines: [{ from: 'client', atMs: 1, text: MARKUP }], swaks: MARKUP },
    lint: [{ rule: MARKUP, severity: 'error', text: MARKUP, source: MARKUP, line: 1, in: 'raw' }],
    compatibility: {
      supported: 1,
      partly: 0,
      unsupported: 0,
      dataDate: MARKUP,
      features: [
        {
          slug: 'x',
          title: MARKUP,
          url: 'javascript:alert(1)',
          lines: [1],
          unsupported: [MARKUP],
          partly: [],
          notes: [MARKUP],
        },
      ],
    },
    authentication: { state: 'done', checks: [{ method: 'dkim', result: MARKUP, text: MARKUP, domain: MARKUP }] },
    difference: {
      other: sampleMessage('other', { entry: { subject: MARKUP } }).message.entry,
      sections: [{ part: 'html', lines: [added(MARKUP)] }],
    },
  });
}

/** As large as a message may be. */
export function largeSample(): Sample {
  const line = Buffer.from(`${'QUJD'.repeat(19)}\r\n`, 'latin1');
  const body = Buffer.alloc(LARGE_BYTES, line);
  return sampleMessage('large', {
    raw: Buffer.concat([Buffer.from('Subject: Large\r\n\r\n'), body, Buffer.from('\r\nthe needle\r\n')]),
    entry: { subject: 'Large' },
  });
}

export function sessionSample(): Sample {
  return sampleMessage('session', {
    raw: '',
    entry: {
      kind: 'session',
      sizeBytes: 0,
      from: [],
      to: [],
      envelope: { mailFrom: 'ann@a.example', rcptTos: [], mailOptions: ['SIZE=99999999'], rcptOptions: [] },
      session: {
        peer: { address: '2001:db8::7', port: 50_000 },
        clientName: 'client.example',
        end: 'clientGone',
      },
    },
    transcript: {
      swaks: '',
      lines: [
        { from: 'server', atMs: 0.4, text: '220 inbox.example ESMTP' },
        { from: 'client', atMs: 1.2, text: 'MAIL FROM:<ann@a.example> SIZE=99999999' },
        { from: 'server', atMs: 1.4, text: '552 5.3.4 Too large' },
        { from: 'event', atMs: 1450, text: 'the client left' },
      ],
    },
  });
}

const same = (text: string) => ({ kind: 'same' as const, text });
const added = (text: string) => ({ kind: 'added' as const, text });
const removed = (text: string) => ({ kind: 'removed' as const, text });

/** Runs wherever it is taken for markup. */
export const MARKUP = '"><img src=x onerror=alert(1)><script>alert(2)</script>';
const LARGE_BYTES = 30_000_000;
const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAoAAAAKCAYAAACNMs+9AAAAFUlEQVR42mNk+M9Qz0AEYBxVSF+FAAhKDveksOjmAAAAAElFTkSuQmCC',
  'base64',
);
