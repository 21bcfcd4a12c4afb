/** `nodemailer`, which programs for Node send with. */

import { createTransport, type SendMailOptions } from 'nodemailer';
import { describe, expect, it } from 'vitest';

import { eventsOf } from '../server/support.js';
import { AWKWARD_MESSAGE, EIGHT_BIT_MESSAGE, expectOctets, HEADER, onlyMessage, startServer } from './support.js';

/** How it reaches a server of this machine, under a name that it need not look for. */
function settings(port: number): { host: string; port: number; name: string } {
  return { host: '127.0.0.1', port, name: 'client.example' };
}

const ENVELOPE = { from: 'alice@a.example', to: ['bob@b.example', 'carol@c.example'] };

describe('nodemailer', () => {
  it.each([
    ['awkward lines', AWKWARD_MESSAGE],
    ['every octet', EIGHT_BIT_MESSAGE],
  ])('sends a message that is already made: %s', async (_, raw) => {
    await using server = await startServer();
    const info = await createTransport(settings(server.port)).sendMail({ envelope: ENVELOPE, raw });
    expect(info.accepted).toEqual(ENVELOPE.to);
    expect(info.rejected).toEqual([]);
    const message = onlyMessage(server);
    expect(message.mailFrom).toBe(ENVELOPE.from);
    expect(message.rcptTos).toEqual(ENVELOPE.to);
    expectOctets(message.data, raw);
  });

  it('sends a message with an attachment as it writes it into a file', async () => {
    await using server = await startServer();
    // Nothing is left to the time or to chance, so that both are the same.
    const mail = {
      from: 'Alice <alice@a.example>',
      to: 'Bob <bob@b.example>',
      subject: 'Grüße',
      text: 'Grüße\n.dot',
      html: '<p>Grüße</p>',
      attachments: [{ filename: 'octets.bin', content: EIGHT_BIT_MESSAGE }],
      date: new Date(0),
      messageId: '<1@a.example>',
      baseBoundary: 'boundary',
    } as SendMailOptions;
    const written = await createTransport({ streamTransport: true, buffer: true, newline: 'windows' }).sendMail(mail);
    await createTransport(settings(server.port)).sendMail(mail);
    const { data } = onlyMessage(server);
    expect(Buffer.from(data).toString()).toContain(EIGHT_BIT_MESSAGE.toString('base64').slice(0, 76));
    expectOctets(data, written.message as Buffer);
  });

  it('sends to an address in UTF-8 under SMTPUTF8', async () => {
    await using server = await startServer();
    const envelope = { from: 'jürgen@a.example', to: ['用户@b.example'] };
    await createTransport(settings(server.port)).sendMail({ envelope, raw: AWKWARD_MESSAGE });
    const message = onlyMessage(server);
    expect(message.mailFrom).toBe('jürgen@a.example');
    expect(message.rcptTos).toEqual(envelope.to);
    expect(message.mailOptions).toContain('SMTPUTF8');
    expectOctets(message.data, AWKWARD_MESSAGE);
  });

  it('reports exactly the recipient that was refused, and the others get the message', async () => {
    await using server = await startServer();
    const envelope = { ...ENVELOPE, to: ['bob@b.example', 'nobody@refused.example'] };
    const info = await createTransport(settings(server.port)).sendMail({ envelope, raw: AWKWARD_MESSAGE });
    expect(info.accepted).toEqual(['bob@b.example']);
    expect(info.rejected).toEqual(['nobody@refused.example']);
    expect(info.rejectedErrors).toMatchObject([{ responseCode: 550, response: '550 5.1.1 No such mailbox' }]);
    expectOctets(onlyMessage(server).data, AWKWARD_MESSAGE);
  });

  it('sends 100 messages through a pool of four connections', async () => {
    await using server = await startServer();
    const sessions = eventsOf(server, 'connect');
    const pool = createTransport({ ...settings(server.port), pool: true, maxConnections: 4, maxMessages: Infinity });
    const contents = Array.from({ length: 100 }, (_, index) => `${HEADER}.${String(index).padStart(3, '0')}\r\n`);
    await Promise.all(contents.map((raw) => pool.sendMail({ envelope: ENVELOPE, raw })));
    pool.close();
    expect(server.log.errors).toEqual([]);
    expect(sessions).toHaveLength(4);
    expect(server.messages.map(({ data }) => Buffer.from(data).toString()).sort()).toEqual(contents);
  });
});
