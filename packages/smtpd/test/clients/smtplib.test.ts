/** Python's `smtplib`, which most scripts send with. */

import { describe, expect, it } from 'vitest';

import { SMTPReplyError } from '../../src/protocol/reply.js';
import { requireCommand } from '../support/component.js';
import { runSmtplib, type SmtplibRequest } from './smtplib.js';
import { AWKWARD_MESSAGE, EIGHT_BIT_MESSAGE, expectOctets, HEADER, onlyMessage, startServer } from './support.js';

describe('smtplib', () => {
  const python = requireCommand('python3');

  function send(where: number, request: SmtplibRequest, content: Uint8Array): Promise<unknown> {
    return runSmtplib(python, { where, ...request }, content);
  }

  it('sends a message object to the addresses of its header', async () => {
    await using server = await startServer();
    const content = Buffer.from(
      'From: Alice <alice@a.example>\r\nTo: Bob <bob@b.example>, carol@c.example\r\nCc: dan@d.example\r\n' +
        'Subject: Hello\r\n\r\n.dot\r\n\r\nend\r\n',
    );
    expect(await send(server.port, { call: 'send_message' }, content)).toEqual({ refused: {} });
    const message = onlyMessage(server);
    expect(message.mailFrom).toBe('alice@a.example');
    expect(message.rcptTos).toEqual(['bob@b.example', 'carol@c.example', 'dan@d.example']);
    expect(message.mailOptions).toEqual([`SIZE=${String(content.length)}`]);
    expectOctets(message.data, content);
  });

  it('sends addresses and header fields in UTF-8 under SMTPUTF8', async () => {
    await using server = await startServer();
    const content = Buffer.from(
      'From: Jürgen <jürgen@exämple.example>\r\nTo: 用户 <用户@例子.example>\r\nSubject: Grüße, 🙂\r\n' +
        'Content-Type: text/plain; charset="utf-8"\r\nContent-Transfer-Encoding: 8bit\r\n\r\nGrüße\r\n',
    );
    expect(await send(server.port, { call: 'send_message' }, content)).toEqual({ refused: {} });
    const message = onlyMessage(server);
    expect(message.mailFrom).toBe('jürgen@exämple.example');
    expect(message.rcptTos).toEqual(['用户@例子.example']);
    expect(message.mailOptions).toEqual([`SIZE=${String(content.length)}`, 'SMTPUTF8', 'BODY=8BITMIME']);
    expectOctets(message.data, content);
  });

  it('sends every octet under 8BITMIME', async () => {
    await using server = await startServer();
    const request = { call: 'sendmail', options: ['BODY=8BITMIME'] } as const;
    expect(await send(server.port, request, EIGHT_BIT_MESSAGE)).toEqual({ refused: {} });
    const message = onlyMessage(server);
    expect(message.mailOptions).toContain('BODY=8BITMIME');
    expectOctets(message.data, EIGHT_BIT_MESSAGE);
  });

  it('sends 25 MiB', async () => {
    await using server = await startServer();
    const content = Buffer.alloc(25 * 1024 * 1024, AWKWARD_MESSAGE);
    content.write('\r\n', content.length - 2);
    expect(await send(server.port, { call: 'sendmail' }, content)).toEqual({ refused: {} });
    const message = onlyMessage(server);
    expect(message.mailOptions).toEqual(['SIZE=26214400']);
    expectOctets(message.data, content);
  });

  it('sends lines that begin with dots, and ends a last line that has no end', async () => {
    await using server = await startServer();
    const content = AWKWARD_MESSAGE.subarray(0, -2);
    expect(await send(server.port, { call: 'sendmail' }, content)).toEqual({ refused: {} });
    expectOctets(onlyMessage(server).data, AWKWARD_MESSAGE);
  });

  it('returns exactly the recipient that was refused, and the others get the message', async () => {
    await using server = await startServer();
    const to = ['bob@b.example', 'nobody@refused.example', 'carol@c.example'];
    expect(await send(server.port, { call: 'sendmail', to }, AWKWARD_MESSAGE)).toEqual({
      refused: { 'nobody@refused.example': [550, '5.1.1 No such mailbox'] },
    });
    const message = onlyMessage(server);
    expect(message.rcptTos).toEqual(['bob@b.example', 'carol@c.example']);
    expectOctets(message.data, AWKWARD_MESSAGE);
  });

  it('raises SMTPRecipientsRefused when every recipient was refused', async () => {
    await using server = await startServer();
    const to = ['nobody@refused.example', 'neither@refused.example'];
    expect(await send(server.port, { call: 'sendmail', to }, AWKWARD_MESSAGE)).toEqual({
      raised: 'SMTPRecipientsRefused',
      what: [Object.fromEntries(to.map((address) => [address, [550, '5.1.1 No such mailbox']]))],
    });
    expect(server.messages).toEqual([]);
  });

  it('raises SMTPSenderRefused when it declares more than the server takes', async () => {
    await using server = await startServer({ dataSizeLimit: HEADER.length });
    expect(await send(server.port, { call: 'sendmail' }, AWKWARD_MESSAGE)).toMatchObject({
      raised: 'SMTPSenderRefused',
      what: [552, expect.stringMatching(/^5\.3\.4 /) as unknown, 'alice@a.example'],
    });
    expect(server.messages).toEqual([]);
  });

  it('raises SMTPDataError with the reply of the application', async () => {
    await using server = await startServer();
    server.use({
      name: 'content',
      message: () => {
        throw new SMTPReplyError(554, '5.7.1', 'Not this one');
      },
    });
    expect(await send(server.port, { call: 'sendmail' }, AWKWARD_MESSAGE)).toEqual({
      raised: 'SMTPDataError',
      what: [554, '5.7.1 Not this one'],
    });
    expect(server.messages).toEqual([]);
  });
});
