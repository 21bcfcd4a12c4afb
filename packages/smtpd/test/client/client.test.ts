import { describe, expect, it } from 'vitest';

import { SMTPNotOfferedError, SMTPRefusedError } from '../../src/client/client-errors.js';
import { SMTPClient } from '../../src/client/client.js';
import type { SMTPClientOptions } from '../../src/client/client-options.js';
import type { OutgoingMessage } from '../../src/client/send-message.js';
import { UsageError } from '../../src/protocol/errors.js';
import { SMTPReplyError } from '../../src/protocol/reply.js';
import { dsn } from '../../src/protocol/extensions/dsn.js';
import type { Verdict } from '../../src/server/verdict.js';
import { KeepingServer, rejection, turns } from '../server/support.js';
import { connectTo, Meeting, MESSAGE, met, PeerListener, reach } from './support.js';

const FULL = ['PIPELINING', 'SIZE 1000000', '8BITMIME', 'SMTPUTF8', 'ENHANCEDSTATUSCODES'];

describe('connecting', () => {
  it('says EHLO with its name, and knows what is offered', async () => {
    await using server = new KeepingServer();
    const client = await connectTo(server);
    expect(client.greeting?.code).toBe(220);
    expect(client.capabilities.has('PIPELINING')).toBe(true);
    expect([client.phase, client.isOpen, client.isIdle]).toEqual(['ready', true, true]);
    await client.quit();
    expect([client.phase, client.isOpen]).toEqual(['closed', false]);
  });

  it('falls back to HELO where EHLO is not known (RFC 5321 §3.2)', async () => {
    const { client, peer, connecting } = new Meeting();
    peer.say('220 old.example\r\n');
    expect(await peer.answer('502 5.5.1 What?', '250 old.example')).toEqual([
      'EHLO client.example',
      'HELO client.example',
    ]);
    await connecting;
    expect([...client.capabilities.keywords]).toEqual([]);
    const sent = client.send(MESSAGE);
    const lines = await peer.answer('250 a', '250 b', '354 c');
    expect(lines).toEqual(['MAIL FROM:<alice@a.example>', 'RCPT TO:<bob@b.example>', 'DATA']);
    await peer.until('\r\n.\r\n');
    peer.say('250 d\r\n');
    expect((await sent).reply.lines).toEqual(['d']);
  });

  it.each([
    ['a greeting that says no', '554 5.7.1 Go away', [], 'connect'],
    ['EHLO refused for now', '220 hi', ['451 4.3.0 Later'], 'EHLO'],
    ['HELO refused, too', '220 hi', ['500 what', '550 no'], 'HELO'],
  ])('is refused by %s', async (_, greeting, replies, command) => {
    const { peer, connecting, clock } = new Meeting();
    peer.say(`${greeting}\r\n`);
    await peer.answer(...replies);
    // Nobody leaves without a word (RFC 5321 §4.1.1.10).
    expect(await peer.answer('221 2.0.0 Bye')).toEqual(['QUIT']);
    const error = await rejection(connecting);
    expect(error).toBeInstanceOf(SMTPRefusedError);
    expect(error).toMatchObject({ command, code: 'SMTPD_REFUSED' });
    await peer.gone();
    expect(clock.timerCount).toBe(0);
  });

  it('has no way back from LHLO (RFC 2033 §4.1)', async () => {
    const { peer, connecting } = new Meeting({ protocol: 'lmtp' });
    peer.say('220 hi\r\n');
    expect(await peer.answer('500 5.5.1 What?')).toEqual(['LHLO client.example']);
    expect(await peer.answer('221 2.0.0 Bye')).toEqual(['QUIT']);
    expect(await rejection(connecting)).toMatchObject({ command: 'LHLO' });
  });

  it('over TCP does the same', async () => {
    await using server = new KeepingServer();
    await server.listen();
    await using client = new SMTPClient({ remoteAddress: reach(server), hostname: '[127.0.0.1]' });
    await client.connect();
    expect(client.remote).toMatchObject({ address: '127.0.0.1', port: server.port });
    await client.send(MESSAGE);
    expect(server.messages[0]).toMatchObject({ mailFrom: 'alice@a.example', rcptTos: ['bob@b.example'] });
  });

  it('to a port where nobody listens fails', async () => {
    const listener = await PeerListener.listen();
    const { remoteAddress } = listener;
    await listener[Symbol.asyncDispose]();
    const client = new SMTPClient({ remoteAddress });
    const error = await rejection(client.connect());
    expect(error).toMatchObject({ code: 'SMTPD_CONNECT_FAILED', stage: 'connect' });
    expect((error as Error).cause).toMatchObject({ code: 'ECONNREFUSED' });
  });
});

describe('a message', () => {
  it('arrives as it was sent, octet by octet', async () => {
    await using server = new KeepingServer();
    const client = await connectTo(server);
    const data = Buffer.from('Subject: .\r\n\r\n.\r\n..\r\n.a\r\n\xff\x00 \r\n', 'latin1');
    const { recipients, reply } = await client.send({ ...MESSAGE, data });
    expect(recipients).toMatchObject([{ address: 'bob@b.example', isAccepted: true, reply: { code: 250 } }]);
    expect(reply.code).toBe(250);
    expect(Buffer.from(server.messages[0]!.data)).toEqual(data);
    expect(client.isIdle).toBe(true);
    await client.quit();
  });

  it('of text has CRLF at the end of its lines, and is UTF-8', async () => {
    await using server = new KeepingServer();
    const client = await connectTo(server);
    await client.send({ ...MESSAGE, data: 'Subject: ü\n\n.\rb\r\nc\n' });
    const [message] = server.messages;
    expect(Buffer.from(message!.data).toString()).toBe('Subject: ü\r\n\r\n.\r\nb\r\nc\r\n');
    expect(message!.mailOptions).toContain('BODY=8BITMIME');
    await client.quit();
  });

  it('leaves in one write as far as the server lets it (RFC 2920 §3.1)', async () => {
    const { client, peer } = await met(FULL);
    const before = peer.pieces.length;
    const sent = client.send({ ...MESSAGE, rcptTos: ['b@b.example', 'c@b.example'] });
    await peer.until('DATA\r\n');
    expect(peer.pieces.slice(before)).toEqual([
      'MAIL FROM:<alice@a.example> SIZE=22\r\nRCPT TO:<b@b.example>\r\nRCPT TO:<c@b.example>\r\nDATA\r\n',
    ]);
    peer.say('250 a\r\n250 b\r\n550 5.1.1 c\r\n354 d\r\n');
    await peer.until('.\r\n');
    expect(peer.pieces.slice(before + 1).join('')).toBe('Subject: Hi\r\n\r\nHello\r\n.\r\n');
    peer.say('250 2.0.0 e\r\n');
    const { recipients } = await sent;
    expect(recipients.map(({ isAccepted, reply }) => [isAccepted, reply.code])).toEqual([
      [true, 250],
      [false, 550],
    ]);
  });

  it('that is a stream may turn out to be 8-bit when it is too late to ask for that', async () => {
    const { client, peer } = await met(['PIPELINING']);
    const sent = client.send({ ...MESSAGE, data: [Buffer.from('\xff\r\n', 'latin1')] });
    expect(await peer.until('DATA\r\n')).toContain('MAIL FROM:<alice@a.example>\r\n');
    peer.say('250 a\r\n250 b\r\n354 c\r\n');
    expect(await peer.until('\r\n.\r\n')).toBe('\xff\r\n.\r\n');
    peer.say('250 d\r\n');
    await sent;
  });

  it('goes command by command where PIPELINING is not offered', async () => {
    const { client, peer } = await met(['SIZE']);
    const before = peer.pieces.length;
    const sent = client.send(MESSAGE);
    await peer.answer('250 a', '250 b', '354 c');
    await peer.until('.\r\n');
    peer.say('250 d\r\n');
    await sent;
    expect(peer.pieces.slice(before, before + 3)).toEqual([
      'MAIL FROM:<alice@a.example> SIZE=22\r\n',
      'RCPT TO:<bob@b.example>\r\n',
      'DATA\r\n',
    ]);
  });

  it('goes in chunks where CHUNKING is offered', async () => {
    const { client, peer } = await met([...FULL, 'CHUNKING']);
    const sent = client.send({ ...MESSAGE, data: '.\r\n' });
    await peer.until('<bob@b.example>\r\n');
    peer.say('250 a\r\n250 b\r\n');
    expect(await peer.line()).toBe('BDAT 3 LAST');
    expect(await peer.octets(3)).toBe('.\r\n');
    peer.say('250 c\r\n');
    await sent;
    expect(peer.unread).toBe('');
  });

  it('of no recipient is a mistake, and of a second message at the same time, too', async () => {
    const { client, peer } = await met([...FULL, 'CHUNKING']);
    expect(await rejection(client.send({ ...MESSAGE, rcptTos: [] }))).toBeInstanceOf(UsageError);
    const first = client.send(MESSAGE);
    expect(await rejection(client.send(MESSAGE))).toMatchObject({ code: 'SMTPD_BAD_COMMAND' });
    await peer.until('<bob@b.example>\r\n');
    peer.say('250 a\r\n250 b\r\n');
    await peer.until('LAST\r\n');
    peer.say('250 c\r\n');
    expect((await first).reply.code).toBe(250);
  });
});

describe('a message that is refused', () => {
  it('for its sender is so for all, and the connection goes on', async () => {
    const { client, peer } = await met(FULL);
    const sent = client.send(MESSAGE);
    await peer.until('DATA\r\n');
    peer.say('550 5.7.1 Not you\r\n503 b\r\n503 c\r\n');
    const error = await rejection(sent);
    expect(error).toMatchObject({
      command: 'MAIL',
      reply: { code: 550, enhanced: '5.7.1' },
      recipients: [{ address: 'bob@b.example', isAccepted: false, reply: { code: 550 } }],
    });
    expect(client.isIdle).toBe(true);
  });

  it('for all of its recipients is reset; one that may come again later makes it transient', async () => {
    const { client, peer } = await met(FULL);
    const sent = client.send({ ...MESSAGE, rcptTos: ['b@b.example', 'c@b.example'] });
    await peer.until('DATA\r\n');
    peer.say('250 a\r\n550 5.1.1 b\r\n451 4.2.1 c\r\n503 d\r\n');
    expect(await peer.answer('250 reset')).toEqual(['RSET']);
    const error = (await rejection(sent)) as SMTPRefusedError;
    expect([error.command, error.isTransient, error.reply.code]).toEqual(['RCPT', true, 451]);
    expect(error.recipients.map(({ reply }) => reply.code)).toEqual([550, 451]);
    expect(client.isIdle).toBe(true);
  });

  it('although the server asks for its content gets the end of it at once (RFC 2920 §3.1)', async () => {
    const { client, peer } = await met(FULL);
    const sent = client.send(MESSAGE);
    await peer.until('DATA\r\n');
    peer.say('250 a\r\n550 5.1.1 b\r\n354 c\r\n');
    expect(await peer.answer('554 5.5.1 Nobody')).toEqual(['.']);
    expect(await rejection(sent)).toMatchObject({ command: 'RCPT', reply: { code: 550 } });
    expect(await peer.answer('250 reset')).toEqual(['RSET']);
    await new Promise(setImmediate);
    expect(client.isIdle).toBe(true);
  });

  it.each([[[]], [['PIPELINING']], [['PIPELINING', 'CHUNKING']]])(
    'for one of its recipients is sent to nobody, if the caller says so (server offers %j)',
    async (keywords) => {
      const { client, peer } = await met(keywords);
      const sent = client.send(
        { ...MESSAGE, rcptTos: ['b@b.example', 'c@b.example', 'd@b.example'] },
        { ifSomeRefused: 'giveUp' },
      );
      await peer.answer('250 a', '250 b', '550 5.1.1 c', '450 4.2.1 d');
      expect(await peer.answer('250 reset')).toEqual(['RSET']);
      const error = (await rejection(sent)) as SMTPRefusedError;
      expect([error.command, error.reply.code]).toEqual(['RCPT', 450]);
      // Who was accepted has nothing, either.
      expect(error.recipients.map(({ reply }) => reply.code)).toEqual([450, 550, 450]);
      expect([peer.unread, client.isIdle]).toEqual(['', true]);
    },
  );

  it('for none of its recipients is sent after their replies, where one would have kept it back', async () => {
    const { client, peer } = await met(['PIPELINING']);
    const sent = client.send(MESSAGE, { ifSomeRefused: 'giveUp' });
    await peer.answer('250 a', '250 b');
    expect(await peer.answer('354 c')).toEqual(['DATA']);
    await peer.until('.\r\n');
    peer.say('250 d\r\n');
    expect((await sent).reply.code).toBe(250);
  });

  it('at DATA is reset', async () => {
    const { client, peer } = await met(FULL);
    const sent = client.send(MESSAGE);
    await peer.until('DATA\r\n');
    peer.say('250 a\r\n250 b\r\n452 4.3.1 Full\r\n');
    await peer.answer('250 reset');
    expect(await rejection(sent)).toMatchObject({ command: 'DATA', isTransient: true });
  });

  it('for its content says so for each recipient', async () => {
    const { client, peer } = await met(FULL);
    const sent = client.send({ ...MESSAGE, rcptTos: ['b@b.example', 'c@b.example'] });
    await peer.until('DATA\r\n');
    peer.say('250 a\r\n251 b\r\n550 5.1.1 c\r\n354 d\r\n');
    await peer.until('.\r\n');
    peer.say('554 5.6.0 Spam\r\n');
    const error = (await rejection(sent)) as SMTPRefusedError;
    expect(error.command).toBe('content');
    expect(error.recipients.map(({ reply }) => reply.code)).toEqual([554, 550]);
    // Whatever the server makes of a refused message, the next one finds no transaction.
    expect(await peer.answer('250 reset')).toEqual(['RSET']);
    await new Promise(setImmediate);
    expect(client.isIdle).toBe(true);
  });

  it.each([[[]], [['PIPELINING']], [['PIPELINING', 'CHUNKING']]])(
    'for its content leaves the client ready for the next one (server offers %j)',
    async (keywords) => {
      const { client, peer } = await met(keywords);
      const sent = client.send(MESSAGE);
      await peer.answer('250 a', '250 b');
      if (keywords.includes('CHUNKING')) {
        await peer.until('Hello\r\n');
      } else {
        await peer.answer('354 c');
        await peer.until('.\r\n');
      }
      peer.say('554 5.6.0 Spam\r\n');
      expect(await rejection(sent)).toMatchObject({ command: 'content' });
      // RSET is on its way.
      const next = client.send(MESSAGE);
      expect(await peer.answer('250 reset', '550 5.7.1 Not you')).toEqual(['RSET', 'MAIL FROM:<alice@a.example>']);
      peer.say('503 b\r\n503 c\r\n');
      expect(await rejection(next)).toMatchObject({ command: 'MAIL', reply: { code: 550 } });
    },
  );

  it.each(['RCPT', 'content'])(
    'for its %s, by a server that refuses RSET then, is the last one there',
    async (command) => {
      const { client, peer } = await met(['PIPELINING']);
      const sent = client.send(MESSAGE);
      await peer.until('DATA\r\n');
      peer.say(command === 'RCPT' ? '250 a\r\n550 b\r\n503 c\r\n' : '250 a\r\n250 b\r\n354 c\r\n');
      if (command === 'content') {
        await peer.until('.\r\n');
        peer.say('550 d\r\n');
      }
      expect(await peer.answer('502 5.5.1 What')).toEqual(['RSET']);
      expect(await rejection(sent)).toMatchObject({ command, reply: { code: 550 } });
      // Whatever is said to it would be said in a transaction that may be open.
      const fault = { code: 'SMTPD_SERVER_FAULT', message: 'The server refused RSET: 502 5.5.1 What', stage: 'RSET' };
      expect(await rejection(client.send(MESSAGE))).toMatchObject(fault);
      expect(client.isOpen).toBe(false);
      await peer.gone();
    },
  );

  it('in the middle of its content says so, and the connection is closed', async () => {
    const { client, peer } = await met(FULL);
    async function* content() {
      yield Buffer.from('a\r\n');
      peer.say('552 5.3.4 Too much\r\n');
      await peer.gone();
      yield Buffer.from('b\r\n');
    }
    const sent = client.send({ ...MESSAGE, data: content() });
    await peer.until('DATA\r\n');
    peer.say('250 a\r\n250 b\r\n354 c\r\n');
    expect(await rejection(sent)).toMatchObject({ command: 'content', reply: { code: 552 } });
    expect(client.isOpen).toBe(false);
    expect(peer.unread).toBe('a\r\n');
  });

  it.each(['MAIL', 'RCPT', 'DATA'])('with 421 to %s says what the server said', async (stage) => {
    const { client, peer } = await met(FULL);
    const sent = client.send(MESSAGE);
    await peer.until('DATA\r\n');
    const before = { MAIL: '', RCPT: '250 a\r\n', DATA: '250 a\r\n250 b\r\n' }[stage]!;
    peer.say(`${before}421 4.3.2 Bye\r\n`);
    peer.transport.end();
    expect(await rejection(sent)).toMatchObject({ reply: { code: 421 } });
    expect(client.isOpen).toBe(false);
  });
});

describe('chunks', () => {
  const KEYWORDS = [...FULL, 'CHUNKING', 'BINARYMIME'];
  const three = [Buffer.from('one\r\n'), Buffer.from('two\r\n'), Buffer.from('three\r\n')];

  it('are sent ahead where PIPELINING is offered, but never the last before the others are answered', async () => {
    const { client, peer } = await met(KEYWORDS);
    const sent = client.send({ ...MESSAGE, data: three });
    await peer.until('<bob@b.example>\r\n');
    peer.say('250 a\r\n250 b\r\n');
    await peer.until('two\r\n');
    await turns();
    expect(peer.unread).toBe('');
    peer.say('250 c\r\n250 d\r\n');
    expect(await peer.until('three\r\n')).toBe('BDAT 7 LAST\r\nthree\r\n');
    peer.say('250 e\r\n');
    await sent;
  });

  it('wait for each other where it is not', async () => {
    const { client, peer } = await met(['CHUNKING']);
    const sent = client.send({ ...MESSAGE, data: three });
    await peer.answer('250 a', '250 b');
    await peer.until('one\r\n');
    await turns();
    expect(peer.unread).toBe('');
    peer.say('250 c\r\n');
    await peer.until('two\r\n');
    peer.say('250 d\r\n');
    await peer.until('three\r\n');
    peer.say('250 e\r\n');
    await sent;
  });

  it.each([0, 1, 2])(
    'of which number %i is refused refuse the message, and no LAST follows a refusal',
    async (refused) => {
      const { client, peer } = await met(['CHUNKING']);
      const sent = client.send({ ...MESSAGE, data: three });
      sent.catch(() => undefined);
      await peer.answer('250 a', '250 b');
      for (const [index, text] of ['one\r\n', 'two\r\n', 'three\r\n'].entries()) {
        const seen = await peer.until(text);
        expect(seen.includes('LAST')).toBe(index === 2);
        peer.say(index === refused ? '552 5.3.4 Too much\r\n' : '250 yes\r\n');
        if (index === refused) break;
      }
      expect(await peer.answer('250 reset')).toEqual(['RSET']);
      expect(await rejection(sent)).toMatchObject({ command: 'content', reply: { code: 552 } });
      expect(client.isIdle).toBe(true);
    },
  );

  it('bring every octet with BODY=BINARYMIME', async () => {
    await using server = new KeepingServer();
    const client = await connectTo(server);
    const data = Buffer.from(Array.from({ length: 256 }, (_, octet) => octet));
    await client.send({ ...MESSAGE, mailOptions: ['BODY=BINARYMIME'], data: [data, data] });
    expect(Buffer.from(server.messages[0]!.data)).toEqual(Buffer.concat([data, data]));
    await client.quit();
  });

  it('of nothing are one empty one', async () => {
    await using server = new KeepingServer();
    const client = await connectTo(server);
    await client.send({ ...MESSAGE, data: '' });
    expect(server.messages[0]!.data).toHaveLength(0);
    await client.quit();
  });
});

describe('parameters', () => {
  it('that are needed are added by themselves', async () => {
    await using server = new KeepingServer();
    const client = await connectTo(server, {});
    await client.send({ ...MESSAGE, mailFrom: 'jürgen@a.example', data: 'ü\r\n' });
    expect(server.messages[0]!.mailFrom).toBe('jürgen@a.example');
    expect([...server.messages[0]!.mailOptions].sort()).toEqual(['BODY=8BITMIME', 'SIZE=4', 'SMTPUTF8']);
    await client.quit();
  });

  it('that only hint are left out where they are not offered', async () => {
    const { client, peer } = await met([]);
    void client.mail('a@b.example', ['SIZE=10', 'BODY=7BIT', 'AUTH=<>']).catch(() => undefined);
    expect(await peer.line()).toBe('MAIL FROM:<a@b.example>');
    client.destroy();
  });

  it('of DSN, as they are', async () => {
    await using server = new KeepingServer({ extensions: [dsn()] });
    const client = await connectTo(server);
    await client.send({
      ...MESSAGE,
      mailOptions: ['RET=HDRS', 'ENVID=a+2Bb'],
      rcptOptions: [['NOTIFY=SUCCESS,DELAY', 'ORCPT=rfc822;bob@b.example']],
    });
    expect(server.messages[0]).toMatchObject({
      mailOptions: expect.arrayContaining(['RET=HDRS', 'ENVID=a+2Bb']) as unknown,
      rcptOptions: [['NOTIFY=SUCCESS,DELAY', 'ORCPT=rfc822;bob@b.example']],
    });
    await client.quit();
  });

  it.each<[string, Partial<OutgoingMessage>, string]>([
    ['8BITMIME', { data: 'ü\r\n' }, '554 5.6.3'],
    ['SMTPUTF8', { rcptTos: ['用户@b.example'] }, '550 5.6.7'],
    ['BINARYMIME', { mailOptions: ['BODY=BINARYMIME'] }, '554 5.6.3'],
    ['DSN', { mailOptions: ['RET=FULL'] }, '555 5.5.4'],
    ['DSN', { rcptOptions: [['NOTIFY=NEVER']] }, '555 5.5.4'],
    ['REQUIRETLS', { mailOptions: ['REQUIRETLS'] }, '550 5.7.30'],
    ['MT-PRIORITY', { mailOptions: ['MT-PRIORITY=3'] }, '555 5.5.4'],
    ['DELIVERBY', { mailOptions: ['BY=120;R'] }, '555 5.5.4'],
    ['FUTURERELEASE', { mailOptions: ['HOLDFOR=60'] }, '555 5.5.4'],
  ])('that need %s are refused where it is not offered, before anything was sent', async (keyword, more, reply) => {
    const { client, peer } = await met(['PIPELINING']);
    const before = peer.pieces.length;
    const error = (await rejection(client.send({ ...MESSAGE, ...more }))) as SMTPNotOfferedError;
    expect(error).toBeInstanceOf(SMTPNotOfferedError);
    expect([error.keyword, error.code]).toEqual([keyword, 'SMTPD_NOT_OFFERED']);
    expect(error.reply.toString().startsWith(reply)).toBe(true);
    expect([client.isIdle, peer.pieces.length]).toEqual([true, before]);
  });

  it('REQUIRETLS is not sent where the certificate was not verified (RFC 8689 §4.2.1)', async () => {
    const { client } = await met(['REQUIRETLS']);
    expect(await rejection(client.send({ ...MESSAGE, mailOptions: ['REQUIRETLS'] }))).toMatchObject({
      keyword: 'REQUIRETLS',
    });
  });
});

describe('what a caller without types may give', () => {
  const part = (name: string, value: unknown): object => ({ ...MESSAGE, [name]: value });

  it.each([
    [undefined, 'mailFrom, rcptTos, data'],
    ['text', 'mailFrom, rcptTos, data'],
    [{ from: 'a@b.example', to: 'c@d.example', text: 'x' }, 'mailFrom is an address'],
    [part('mailFrom', null), 'mailFrom is an address'],
    [part('rcptTos', 'bob@b.example'), 'rcptTos is a list of addresses, not a string'],
    [part('rcptTos', new Set(['bob@b.example'])), 'not the Set'],
    [part('rcptTos', []), 'at least one recipient'],
    [part('rcptTos', ['bob@b.example', undefined]), 'An address for RCPT is a string, not undefined'],
    [part('data', undefined), 'not undefined'],
    [part('data', {}), 'not the Object that was given'],
    [part('data', Object.create(null)), 'not the object that was given'],
    [part('data', () => 'x'), 'not a function'],
    [part('data', new Blob(['x'])), 'give its stream()'],
    [part('data', new ArrayBuffer(1)), 'new Uint8Array(it)'],
    [part('data', Promise.resolve('x')), 'await it'],
  ])('is told what a message is, before anything is sent: %j', async (message, said) => {
    const { client, peer } = await met(FULL);
    const before = peer.pieces.length;
    expect(await rejection(client.send(message as never))).toMatchObject({
      name: 'UsageError',
      message: expect.stringContaining(said) as string,
    });
    expect([client.isIdle, peer.pieces.length]).toEqual([true, before]);
  });

  it('is told what an address is, and what content', async () => {
    const { client, peer } = await met([]);
    const nothing = undefined as never;
    for (const call of [client.mail(nothing), client.rcpt(nothing)]) {
      expect(await rejection(call)).toMatchObject({ code: 'SMTPD_BAD_COMMAND' });
    }
    const started = client.data();
    await peer.answer('354 go on');
    await started;
    expect(await rejection(client.sendContent(nothing))).toMatchObject({ code: 'SMTPD_BAD_CONTENT' });
    // Nothing of it was sent: what the caller has can still follow.
    const sent = client.sendContent('x');
    await peer.answer('250 taken');
    expect(await sent).toMatchObject([{ code: 250 }]);
  });
});

describe('what could be another command', () => {
  const ADDRESSES = [
    'a@b>\r\nRSET\r\n',
    'a@b.example> SIZE=1',
    '<a@b.example>',
    'a\r\n@b.example',
    'a b@c.example',
    '@x:a@b.example',
  ];

  it.each(ADDRESSES)('is no address: %j', async (address) => {
    const { client, peer } = await met(FULL);
    const before = peer.pieces.length;
    for (const call of [
      client.mail(address),
      client.rcpt(address),
      client.send({ ...MESSAGE, mailFrom: address }),
      client.send({ ...MESSAGE, rcptTos: ['bob@b.example', address] }),
    ]) {
      expect(await rejection(call)).toMatchObject({ name: 'UsageError', code: 'SMTPD_BAD_COMMAND' });
    }
    expect([client.isIdle, peer.pieces.length]).toEqual([true, before]);
  });

  it.each(['SIZE=1\r\nRSET', 'SIZE=1 BODY=8BITMIME', 'X Y', '', ' ', 'X=\0'])(
    'is no parameter: %j',
    async (parameter) => {
      const { client, peer } = await met(FULL);
      const before = peer.pieces.length;
      expect(await rejection(client.mail('a@b.example', [parameter]))).toBeInstanceOf(UsageError);
      expect(await rejection(client.rcpt('a@b.example', [parameter]))).toBeInstanceOf(UsageError);
      expect(peer.pieces).toHaveLength(before);
    },
  );

  it('is neither a parameter that comes twice nor the null path of a recipient', async () => {
    const { client } = await met(FULL);
    expect(await rejection(client.mail('a@b.example', ['SIZE=1', 'size=2']))).toBeInstanceOf(UsageError);
    expect(await rejection(client.rcpt(''))).toBeInstanceOf(UsageError);
  });

  it.each([
    ['MAIL', undefined],
    ['data', undefined],
    ['QUIT', undefined],
    ['XCLIENT', undefined],
    ['NO OP', undefined],
    ['NOOP\r\nRSET', undefined],
    ['', undefined],
    ['VRFY', 'a\r\nRSET'],
    ['VRFY', 'a\nRSET'],
  ])('is not sent by command(%j, %j)', async (verb, argument) => {
    const { client, peer } = await met(FULL);
    const before = peer.pieces.length;
    expect(await rejection(client.command(verb, argument))).toMatchObject({ code: 'SMTPD_BAD_COMMAND' });
    expect([client.isIdle, peer.pieces.length]).toEqual([true, before]);
  });
});

describe('calls', () => {
  it('out of turn are mistakes', async () => {
    const fresh = new Meeting().client;
    await Promise.all([
      expect(rejection(new SMTPClient({ remoteAddress: { host: 'a', port: 1 } }).send(MESSAGE))).resolves.toMatchObject(
        {
          code: 'SMTPD_BAD_COMMAND',
        },
      ),
      expect(rejection(new SMTPClient({ remoteAddress: { host: 'a', port: 1 } }).reset())).resolves.toMatchObject({
        code: 'SMTPD_BAD_COMMAND',
      }),
      expect(rejection(fresh.connect())).resolves.toMatchObject({ code: 'SMTPD_BAD_COMMAND' }),
    ]);
    fresh.destroy();
    const { client } = await met(FULL);
    expect(await rejection(client.sendContent('a'))).toMatchObject({ code: 'SMTPD_BAD_COMMAND' });
    expect(await rejection(client.sendChunks('a'))).toMatchObject({ code: 'SMTPD_BAD_COMMAND' });
    client.destroy();
    expect(await rejection(client.reset())).toMatchObject({ code: 'SMTPD_CONNECTION_LOST' });
  });

  it('step by step do what send() does', async () => {
    await using server = new KeepingServer().use({
      name: 'no',
      rcpt: ({ path }) => {
        if (path.localPart === 'no') throw new SMTPReplyError(550, '5.1.1', 'No');
      },
    });
    const client = await connectTo(server);
    const codes = await Promise.all([
      client.mail(''),
      client.rcpt('no@b.example'),
      client.rcpt('yes@b.example'),
      client.data(),
    ]);
    expect(codes.map(({ code }) => code)).toEqual([250, 550, 250, 354]);
    expect(await client.sendContent('a\r\n')).toMatchObject([{ code: 250 }]);
    expect((await client.command('VRFY', 'bob')).code).toBe(252);
    expect((await client.mail('a@b.example')).code).toBe(250);
    expect((await client.reset()).code).toBe(250);
    expect(client.isIdle).toBe(true);
    expect(server.messages.map(({ rcptTos }) => rcptTos)).toEqual([['yes@b.example']]);
    await client.quit();
  });
});

describe('LMTP', () => {
  it('has an outcome for each recipient', async () => {
    class Mailboxes extends KeepingServer {
      override processMessage(): Map<string, Verdict> {
        return new Map([['full@b.example', '452 4.2.2 Full']]);
      }
    }
    await using server = new Mailboxes({ protocol: 'lmtp' });
    const client = await connectTo(server, { protocol: 'lmtp' });
    const { recipients, reply } = await client.send({
      ...MESSAGE,
      rcptTos: ['bob@b.example', 'full@b.example', 'eve@b.example'],
    });
    expect(recipients.map((each) => [each.address, each.reply.code])).toEqual([
      ['bob@b.example', 250],
      ['full@b.example', 452],
      ['eve@b.example', 250],
    ]);
    expect(reply.code).toBe(250);
    expect(client.isIdle).toBe(true);
    await client.quit();
  });

  it('whose server leaves before it has answered for all gives its last word to the others', async () => {
    const { client, peer } = await met(['PIPELINING'], { protocol: 'lmtp' });
    const sent = client.send({ ...MESSAGE, rcptTos: ['b@b.example', 'c@b.example', 'd@b.example'] });
    await peer.until('DATA\r\n');
    peer.say('250 a\r\n250 b\r\n250 c\r\n250 d\r\n354 e\r\n');
    await peer.until('.\r\n');
    peer.say('250 f\r\n421 4.3.2 Bye\r\n');
    expect((await sent).recipients.map(({ reply }) => reply.code)).toEqual([250, 421, 421]);
  });
});

describe('leaving', () => {
  it('says QUIT, and closes behind the reply', async () => {
    const { client, peer, clock } = await met(FULL);
    const left = client.quit();
    expect(await peer.answer('221 Bye')).toEqual(['QUIT']);
    await left;
    await peer.gone();
    expect(clock.timerCount).toBe(0);
  });

  it('does not wait for a server that does not answer, and never rejects', async () => {
    const { client, peer, clock } = await met(FULL);
    const left = client.quit();
    await peer.line();
    clock.advance(5_000);
    await left;
    await peer.gone();
    expect(clock.timerCount).toBe(0);
    await client.quit();
  });

  it('in the middle of content cuts the connection: what came is no message', async () => {
    await using server = new KeepingServer({ disabledExtensions: ['CHUNKING'] });
    const client = await connectTo(server);
    await Promise.all([client.mail(''), client.rcpt('bob@b.example'), client.data()]);
    await client.quit();
    await server.close();
    expect(server.messages).toEqual([]);
  });

  it('by destroy() is at once, also while QUIT waits for the server to close', async () => {
    await using listener = await PeerListener.listen();
    const client = new SMTPClient({ remoteAddress: listener.remoteAddress, waits: { quitMs: 600_000 } });
    const connecting = client.connect();
    const peer = await listener.accept();
    await peer.greet();
    await connecting;
    const left = client.quit();
    await peer.answer('221 Bye');
    await left;
    await peer.gone();
    expect(peer.isClosed).toBe(false);
    client.destroy();
    // What is written to a connection that was cut comes back as a reset.
    while (!peer.isClosed) {
      peer.say('250 still here?\r\n');
      await new Promise((resolve) => setImmediate(resolve));
    }
  });
});

describe('a client of an address alone', () => {
  it.each(['localhost:25', undefined, {}, { remoteAddress: 'localhost:25' }])('says what to write: %j', (given) => {
    expect(() => new SMTPClient(given as unknown as SMTPClientOptions)).toThrow(
      expect.objectContaining({
        name: 'UsageError',
        message: expect.stringContaining("{ host: 'HOST', port: 25 }") as string,
      }),
    );
  });
});
