/** Mail as real programs write it has nothing that a strict receiver would refuse. */

import nodemailer from 'nodemailer';
import { startTestServer } from 'smtpd/testing';
import { describe, expect, it } from 'vitest';

import { runWell } from '../../../smtpd/test/support/run-program.js';
import { lintMessage } from '../../src/mail/lint.js';
import { requireCommand } from './support/component.js';

/** What is said of the message that somebody sends to the server, of these severities. */
async function objectionsTo(
  send: (port: number) => Promise<unknown>,
  severities = ['error', 'warning'],
): Promise<string[]> {
  await using server = await startTestServer();
  const [message] = await Promise.all([server.waitForMessage(), send(server.port)]);
  return lintMessage({
    raw: message.raw,
    envelope: {
      mailFrom: message.mailFrom,
      rcptTos: [...message.rcptTos],
      mailOptions: [...message.mailOptions],
      rcptOptions: message.rcptOptions.map((options) => [...options]),
    },
    receivedAt: new Date().toISOString(),
  })
    .filter(({ severity }) => severities.includes(severity))
    .map(({ rule, text, line }) => `${rule} (${String(line)}): ${text}`);
}

describe('lintMessage', () => {
  it('has nothing against what nodemailer sends', async () => {
    const objections = await objectionsTo(async (port) => {
      const transport = nodemailer.createTransport({ host: '127.0.0.1', port, ignoreTLS: true });
      await transport.sendMail({
        from: 'Änn Onym <ann@a.example>',
        to: ['"Bob, the other" <bob@b.example>', 'carol@c.example'],
        subject: `Grüße an alle, ${'und noch mehr Grüße '.repeat(4)}`,
        text: `Grüße\n${'sehr lange Zeile '.repeat(20)}\n`,
        html: '<p>Grüße <img src="cid:logo@a.example" alt="a"></p>',
        attachments: [
          { filename: 'Prüfung.pdf', content: Buffer.alloc(10_000, 7) },
          { filename: 'logo.png', content: Buffer.alloc(10), cid: 'logo@a.example' },
        ],
      });
      transport.close();
    });
    expect(objections).toEqual([]);
  });

  describe('with Python', () => {
    requireCommand('python3');

    const send = (encoding: string) => (port: number) => runWell('python3', ['-c', PYTHON, String(port), encoding]);

    it('has no error in what email and smtplib send', async () => {
      expect(await objectionsTo(send('7bit'), ['error'])).toEqual([]);
    });

    it('says that they send octets above 127 and do not declare them, unless told not to', async () => {
      expect(await objectionsTo(send('8bit'), ['error'])).toEqual([
        expect.stringMatching(/^eight-bit-undeclared/),
        expect.stringMatching(/^eight-bit-undeclared/),
      ]);
    });
  });

  describe('with swaks', () => {
    requireCommand('swaks');

    it('has nothing against what swaks makes up', async () => {
      const objections = await objectionsTo((port) =>
        runWell('swaks', ['-s', '127.0.0.1', '-p', String(port), '-f', 'ann@a.example', '-t', 'bob@b.example']),
      );
      expect(objections).toEqual([]);
    });
  });
});

const PYTHON = `
import smtplib, sys
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, make_msgid
message = EmailMessage(policy=SMTP.clone(cte_type=sys.argv[2]))
message['Date'] = formatdate()
message['From'] = 'Änn Onym <ann@a.example>'
message['To'] = 'Bob <bob@b.example>'
message['Message-ID'] = make_msgid(domain='a.example')
message['Subject'] = 'Grüße an alle, und noch mehr Grüße'
message.set_content('Grüße\\n')
message.add_alternative('<p>Grüße</p>', subtype='html')
message.add_attachment(bytes(10000), maintype='application', subtype='pdf', filename='Prüfung.pdf')
with smtplib.SMTP('127.0.0.1', int(sys.argv[1])) as client:
    client.send_message(message)
`;
