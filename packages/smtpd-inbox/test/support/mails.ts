/** Mails that tests send, and how. */

import { SMTPClient } from 'smtpd';

/** A mail with everything that the API can show of one. */
export const RICH_MAIL = [
  'Date: Wed, 25 Nov 2026 10:00:00 +0000',
  'From: Ann <ann@a.example>',
  'To: Bob <bob@b.example>',
  'Subject: Your code',
  'Message-ID: <rich@a.example>',
  'MIME-Version: 1.0',
  'Content-Type: multipart/mixed; boundary=m',
  '',
  '--m',
  'Content-Type: multipart/alternative; boundary=a',
  '',
  '--a',
  'Content-Type: text/plain; charset=utf-8',
  '',
  'Your code is 482913. Go on at https://a.example/go',
  '--a',
  'Content-Type: text/html; charset=utf-8',
  '',
  '<p style="display:flex">Your code is <b>482913</b>. <a href="https://a.example/go">Go on</a>',
  '<img src="https://tracker.example/p.png" alt=""><img src="cid:logo" alt="Logo"></p>',
  '--a--',
  '--m',
  'Content-Type: image/png',
  'Content-ID: <logo>',
  'Content-Disposition: inline; filename=logo.png',
  'Content-Transfer-Encoding: base64',
  '',
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  '--m',
  'Content-Type: text/plain; charset=utf-8',
  'Content-Disposition: attachment; filename=notes.txt',
  '',
  'Notes.',
  '--m--',
  '',
].join('\r\n');

/** Sends a mail to a server on this machine. */
export async function sendMail(
  port: number,
  {
    from = 'ann@a.example',
    to = ['bob@b.example'],
    content = RICH_MAIL,
  }: { readonly from?: string; readonly to?: readonly string[]; readonly content?: string } = {},
): Promise<void> {
  await using client = new SMTPClient({ remoteAddress: { host: '127.0.0.1', port }, tls: { mode: 'off' } });
  await client.connect();
  await client.send({ mailFrom: from, rcptTos: to, data: Buffer.from(content, 'utf8') });
}
