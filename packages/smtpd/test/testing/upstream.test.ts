/** A test server with a real server behind it: whose verdicts the client hears, what is recorded, and that faults come first. */

import { createTransport } from 'nodemailer';
import { afterEach, describe, expect, it } from 'vitest';

import { dsn } from '../../src/protocol/extensions/dsn.js';
import { silentLogger } from '../../src/server/logger.js';
import { drop, startTestServer, type TestServer, type TestServerOptions } from '../../src/testing/index.js';
import { KeepingServer } from '../server/support.js';
import { freePort } from '../support/free-port.js';
import { RawClient } from '../support/raw-client.js';
import { RawUpstream, type UpstreamAct, type UpstreamOptions } from '../support/raw-upstream.js';
import { sendRaw, settled, until } from './send-raw.js';

const toClose: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of toClose.splice(0).reverse()) await close();
});

async function startBoth(upstreamOptions: UpstreamOptions = {}, options: TestServerOptions = {}) {
  const upstream = await RawUpstream.start(upstreamOptions);
  toClose.push(() => upstream[Symbol.asyncDispose]());
  const smtp = await startTestServer({ upstream: upstream.address, logger: silentLogger, ...options });
  toClose.push(() => smtp.close());
  return { upstream, smtp };
}

async function connectTo(smtp: TestServer, hello = 'EHLO client.example'): Promise<RawClient> {
  const client = await RawClient.connect(smtp.port);
  toClose.push(() => {
    client.destroy();
  });
  await client.reply();
  await client.command(hello);
  return client;
}

async function say(client: RawClient, line: string): Promise<string> {
  const { code, lines } = await client.command(line);
  return `${String(code)} ${lines.join('|')}`;
}

/** All that is said to the lines of a message, as far as it comes. */
async function converse(
  client: RawClient,
  to: readonly string[] = ['bob@b.example'],
  content = 'Subject: x\r\n\r\n..dot\r\n',
): Promise<string[]> {
  const heard: string[] = [];
  const lines = ['MAIL FROM:<alice@a.example>', ...to.map((each) => `RCPT TO:<${each}>`), 'DATA', `${content}.`];
  for (const line of lines) {
    heard.push(await say(client, line));
    if (line === 'DATA' && !heard.at(-1)?.startsWith('354')) break;
  }
  return heard;
}

function answering(answers: Readonly<Record<string, UpstreamAct>>): NonNullable<UpstreamOptions['onStep']> {
  return ({ step, line }) =>
    Object.entries(answers).find(([key]) => key === step || `${step} ${line}`.includes(key))?.[1];
}

describe('a server behind a test server', () => {
  it('says to the client what it says, word by word, and its yes is recorded with the message', async () => {
    const { smtp, upstream } = await startBoth({
      onStep: answering({
        MAIL: '250 2.1.0 Alice it is',
        'RCPT TO:<nobody': '550 5.1.1 Nobody here',
        'RCPT TO:<grey': '450 4.7.1 Greylisted',
        end: '250 2.6.0 Queued as 4711',
      }),
    });
    const client = await connectTo(smtp);
    expect(await converse(client, ['nobody@b.example', 'grey@b.example', 'bob@b.example'])).toEqual([
      '250 2.1.0 Alice it is',
      '550 5.1.1 Nobody here',
      '450 4.7.1 Greylisted',
      '250 2.1.5 Recipient OK',
      expect.stringMatching(/^354 /) as unknown,
      '250 2.6.0 Queued as 4711',
    ]);
    expect(upstream.acknowledged).toMatchObject([{ content: 'Subject: x\r\n\r\n..dot\r\n' }]);
    const message = await smtp.waitForMessage({ to: 'bob@b.example', subject: 'x' });
    expect(message.rcptTos).toEqual(['bob@b.example']);
    expect(String(message.reply)).toBe('250 2.6.0 Queued as 4711');
    expect(smtp.refusedMessages).toEqual([]);
  });

  it('gets the message as it came from nodemailer, with nothing added', async () => {
    await using behind = new KeepingServer();
    await behind.listen();
    await using smtp = await startTestServer({ upstream: `127.0.0.1:${String(behind.port)}` });
    await createTransport(smtp.url).sendMail({
      from: 'a@a.example',
      to: 'b@b.example',
      subject: 'Grüße',
      text: 'Hi ü',
    });
    expect(behind.messages).toHaveLength(1);
    expect(Buffer.from(behind.messages[0]!.data)).toEqual(Buffer.from(smtp.messages[0]!.raw));
  });

  it.each(['MAIL', 'DATA'])('refuses at %s, and nothing is recorded as a message', async (step) => {
    const { smtp } = await startBoth({ onStep: answering({ [step]: '554 5.7.1 Not this one' }) });
    const heard = await converse(await connectTo(smtp));
    expect(heard[step === 'MAIL' ? 0 : 2]).toBe('554 5.7.1 Not this one');
    expect([smtp.messages, smtp.refusedMessages]).toEqual([[], []]);
  });

  it('refuses the content, and the message can be looked at but was not delivered', async () => {
    const { smtp, upstream } = await startBoth({ onStep: answering({ end: '554 5.6.0 Looks like spam' }) });
    expect((await converse(await connectTo(smtp))).at(-1)).toBe('554 5.6.0 Looks like spam');
    expect([smtp.messages, upstream.acknowledged]).toEqual([[], []]);
    expect(smtp.refusedMessages).toMatchObject([{ subject: 'x', mailFrom: 'alice@a.example' }]);
    expect(String(smtp.refusedMessages[0]?.reply)).toBe('554 5.6.0 Looks like spam');
    const error = (await settled(smtp.waitForMessage({}, { timeoutMs: 1 }))) as Error;
    expect(error.message).toContain(
      '1 message refused; the last one, with 554 5.6.0 Looks like spam: from <alice@a.example>',
    );
    expect(error.message).not.toContain('brought no message');
    smtp.clear();
    expect(smtp.refusedMessages).toEqual([]);
  });

  it('is not there: MAIL hears 451', async () => {
    await using smtp = await startTestServer({
      upstream: `127.0.0.1:${String(await freePort())}`,
      logger: silentLogger,
    });
    expect(await say(await connectTo(smtp), 'MAIL FROM:<a@a.example>')).toMatch(/^451 4\.4\.1 /);
  });

  it('says what is offered, and gets the parameters that go with it', async () => {
    const { smtp, upstream } = await startBoth({ keywords: ['DSN', 'SIZE 5000'] });
    const client = await RawClient.connect(smtp.port);
    await client.reply();
    const { lines } = await client.command('EHLO client.example');
    expect(lines).toEqual(expect.arrayContaining(['DSN', 'SIZE 5000']));
    expect(lines).not.toContain('8BITMIME');
    expect((await client.command('MAIL FROM:<a@a.example> RET=HDRS')).code).toBe(250);
    expect((await client.command('RCPT TO:<b@b.example> NOTIFY=NEVER')).code).toBe(250);
    client.destroy();
    expect(upstream.lines).toEqual(
      expect.arrayContaining(['MAIL FROM:<a@a.example> RET=HDRS', 'RCPT TO:<b@b.example> NOTIFY=NEVER']),
    );
  });

  it('may stand behind a server with DSN of its own', async () => {
    const { smtp } = await startBoth({}, { extensions: [dsn()] });
    expect((await converse(await connectTo(smtp))).at(-1)).toMatch(/^250 /);
  });

  it('is told who we are, when it wants to know', async () => {
    await using behind = new KeepingServer({ auth: { mode: 'require', plaintext: 'always' } });
    behind.use({
      name: 'users',
      auth: (request) =>
        request.kind === 'password' && request.password === 'secret' ? { verified: true } : undefined,
    });
    await behind.listen();
    await using smtp = await startTestServer({
      upstream: {
        to: `127.0.0.1:${String(behind.port)}`,
        auth: { user: 'alice', password: 'secret', mechanisms: ['PLAIN'], plaintext: 'always' },
      },
    });
    await sendRaw(smtp, {});
    expect(behind.messages).toHaveLength(1);
  });

  it('over LMTP has a reply for each recipient, and the message was taken when one has it', async () => {
    const { smtp } = await startBoth(
      { protocol: 'lmtp', onStep: answering({ 'end RCPT TO:<carol': '452 4.2.2 Carol is full' }) },
      { protocol: 'lmtp' },
    );
    const client = await connectTo(smtp, 'LHLO client.example');
    for (const line of ['MAIL FROM:<a@a.example>', 'RCPT TO:<carol@b.example>', 'RCPT TO:<bob@b.example>', 'DATA'])
      await client.command(line);
    client.send('Hi\r\n.\r\n');
    expect((await client.replies(2)).map(({ code }) => code)).toEqual([452, 250]);
    expect(smtp.messages).toHaveLength(1);
    expect(smtp.messages[0]?.replies.map(({ code }) => code)).toEqual([452, 250]);
  });

  it.each([{ upstream: 'mx:example.org' }, { upstream: 'no such thing' }, { upstream: { to: 'a:25', tsl: 1 } }])(
    'is not %j',
    async (options) => {
      const error = await settled(startTestServer(options));
      expect(error).toMatchObject({ name: 'UsageError' });
    },
  );
});

describe('faults in front of it', () => {
  it.each(['connect', 'helo', 'mail', 'rcpt', 'data'] as const)('at %s: it gets no message', async (stage) => {
    const { smtp, upstream } = await startBoth();
    const fault = smtp.next(stage, 451);
    const client = await RawClient.connect(smtp.port);
    const heard = [(await client.reply()).code];
    for (const line of ['EHLO c.example', 'MAIL FROM:<a@a.example>', 'RCPT TO:<b@b.example>', 'DATA'])
      heard.push((await client.command(line)).code);
    client.destroy();
    expect([fault.hits, heard.includes(451)]).toEqual([1, true]);
    expect(upstream.lines.some((line) => line.startsWith('DATA'))).toBe(false);
    if (stage === 'rcpt') expect(upstream.lines.some((line) => line.startsWith('RCPT'))).toBe(false);
  });

  it('after the content: the server behind is cut off before it has the end of it, and the next message goes through', async () => {
    const { smtp, upstream } = await startBoth();
    smtp.next('message', '452 4.3.1 Full, says the test', { when: { subject: 'x' } });
    const client = await connectTo(smtp);
    expect((await converse(client)).at(-1)).toBe('452 4.3.1 Full, says the test');
    await until(() => upstream.connections[0]?.isOpen === false);
    expect([upstream.messages, smtp.messages]).toEqual([[], []]);
    expect(smtp.refusedMessages.map(({ reply }) => reply?.code)).toEqual([452]);
    expect((await converse(client)).at(-1)).toMatch(/^250 /);
    expect([upstream.acknowledged.length, smtp.messages.length]).toEqual([1, 1]);
  });

  it('that drop the connection instead of the reply: it gets no message, and none is recorded', async () => {
    const { smtp, upstream } = await startBoth();
    smtp.next('message', drop());
    const client = await connectTo(smtp);
    for (const line of ['MAIL FROM:<a@a.example>', 'RCPT TO:<b@b.example>', 'DATA']) await client.command(line);
    client.send('Hi\r\n.\r\n');
    await client.closed();
    await until(() => upstream.openCount === 0);
    expect([upstream.messages, smtp.messages, smtp.refusedMessages]).toEqual([[], [], []]);
  });

  it('in the middle of the content: it gets no message', async () => {
    const { smtp, upstream } = await startBoth();
    smtp.next('data', drop({ at: 'inContent', afterBytes: 4 }));
    const client = await connectTo(smtp);
    for (const line of ['MAIL FROM:<a@a.example>', 'RCPT TO:<b@b.example>', 'DATA']) await client.command(line);
    client.send('Hello\r\n.\r\n');
    await client.closed();
    await until(() => upstream.openCount === 0);
    expect([upstream.messages, smtp.messages]).toEqual([[], []]);
  });

  it('that lose its yes: it has the message, and so has the record', async () => {
    const { smtp, upstream } = await startBoth();
    smtp.next('message', drop({ at: 'afterTaking' }));
    const client = await connectTo(smtp);
    for (const line of ['MAIL FROM:<a@a.example>', 'RCPT TO:<b@b.example>', 'DATA']) await client.command(line);
    client.send('Hi\r\n.\r\n');
    await client.closed();
    expect([upstream.acknowledged.length, smtp.messages.length]).toEqual([1, 1]);
    expect(String(smtp.messages[0]?.reply)).toBe('250 2.0.0 Message taken');
  });

  it.each([
    [undefined, '250 2.0.0 As the test says'],
    ['554 5.6.0 Spam', '554 5.6.0 Spam'],
  ])('that say yes are said instead of its yes, and never instead of its no (%j)', async (end, heard) => {
    const { smtp } = await startBoth({ onStep: answering(end === undefined ? {} : { end }) });
    smtp.next('message', 250);
    expect((await converse(await connectTo(smtp))).at(-1)).toBe(heard);
    expect(smtp.messages).toHaveLength(end === undefined ? 1 : 0);
    expect(String([...smtp.messages, ...smtp.refusedMessages][0]?.reply)).toBe(heard);
  });

  it('and hooks of the test come before it', async () => {
    const { smtp, upstream } = await startBoth();
    smtp.server.use({ name: 'mine', rcpt: () => '550 5.1.1 Not for the test' });
    const client = await connectTo(smtp);
    await client.command('MAIL FROM:<a@a.example>');
    expect(await say(client, 'RCPT TO:<b@b.example>')).toBe('550 5.1.1 Not for the test');
    expect(upstream.lines.some((line) => line.startsWith('RCPT'))).toBe(false);
  });
});

describe('without one', () => {
  it('a message that a script refused can be looked at, and one that was taken has the scripted reply or none', async () => {
    await using smtp = await startTestServer();
    smtp.next('message', 451);
    smtp.next('message', '250 2.0.0 Queued as 1');
    for (const subject of ['one', 'two', 'three']) await sendRaw(smtp, { subject });
    expect(smtp.refusedMessages.map(({ subject, reply }) => [subject, reply?.code])).toEqual([['one', 451]]);
    expect(smtp.messages.map(({ subject, reply }) => [subject, reply?.enhanced])).toEqual([
      ['two', '2.0.0'],
      ['three', undefined],
    ]);
  });
});

describe('closing', () => {
  it('does not wait for a server behind that does not answer', async () => {
    const { smtp, upstream } = await startBoth({ onStep: answering({ end: 'stall!' }) });
    const client = await connectTo(smtp);
    for (const line of ['MAIL FROM:<a@a.example>', 'RCPT TO:<b@b.example>', 'DATA']) await client.command(line);
    client.send('Hi\r\n.\r\n');
    await until(() => upstream.connections[0]?.isStalled === true);
    await smtp.close();
    await until(() => upstream.openCount === 0);
    expect(smtp.messages).toEqual([]);
  });

  it('leaves no connection that is kept', async () => {
    const { smtp, upstream } = await startBoth();
    await sendRaw(smtp, {});
    expect(upstream.openCount).toBe(1);
    await smtp.close({ graceMs: 1000 });
    await until(() => upstream.openCount === 0);
  });
});
