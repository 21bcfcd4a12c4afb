/** The forward hook on real sockets: what arrives at the other server, and what the client hears of it. */

import { afterEach, describe, expect, it } from 'vitest';

import { forward, type ForwardOptions } from '../../src/handlers/forward.js';
import { dsn } from '../../src/protocol/extensions/dsn.js';
import { passwordAuth } from '../../src/server/auth-hooks.js';
import type { StreamedMessage } from '../../src/server/received-message.js';
import type { SMTPServerOptions } from '../../src/server/server-options.js';
import { SMTPServer } from '../../src/server/server.js';
import { freePort } from '../support/free-port.js';
import { RawClient } from '../support/raw-client.js';
import { RawUpstream, type UpstreamAct, type UpstreamOptions } from '../support/raw-upstream.js';
import { KeepingServer, RecordingLogger, rejection, turns, until } from '../server/support.js';

const toClose: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of toClose.splice(0).reverse()) await close();
});

async function startUpstream(options: UpstreamOptions = {}): Promise<RawUpstream> {
  const upstream = await RawUpstream.start(options);
  toClose.push(() => upstream[Symbol.asyncDispose]());
  return upstream;
}

/** A server with the hook, and a client that was greeted. */
async function startForwarding(options: ForwardOptions, serverOptions: SMTPServerOptions = {}) {
  const log = new RecordingLogger();
  const onward = forward({ hostname: 'relay.example', logger: log, addReceived: false, ...options });
  const server = new SMTPServer({ localAddress: '127.0.0.1:0', hostname: 'mx.example', logger: log, ...serverOptions });
  server.use(onward);
  toClose.push(
    () => onward[Symbol.asyncDispose](),
    () => server.close({ graceMs: 0 }),
  );
  const client = RawClient.inMemory(server);
  toClose.push(() => {
    client.destroy();
  });
  await client.reply();
  await client.command(serverOptions.protocol === 'lmtp' ? 'LHLO client.example' : 'EHLO client.example');
  return { server, onward, client, log };
}

async function inFrontOf(
  upstreamOptions: UpstreamOptions = {},
  options: Partial<ForwardOptions> = {},
  serverOptions: SMTPServerOptions = {},
) {
  const upstream = await startUpstream(upstreamOptions);
  return { upstream, ...(await startForwarding({ to: upstream.address, ...options }, serverOptions)) };
}

/** Replies, each on one line. */
async function say(client: RawClient, line: string, count = 1): Promise<string[]> {
  client.send(`${line}\r\n`);
  const replies = await client.replies(count);
  return replies.map(({ code, lines }) => `${String(code)} ${lines.join('|')}`);
}

/** Sends a message to these, and gives what was said after the content. */
async function deliver(
  client: RawClient,
  {
    to = ['bob@b.example'],
    mail = 'MAIL FROM:<alice@a.example>',
    content = 'Subject: x\r\n\r\n..dot\r\n',
    replies = 1,
  }: { to?: readonly string[]; mail?: string; content?: string; replies?: number } = {},
): Promise<string[]> {
  expect((await client.command(mail)).code).toBe(250);
  for (const each of to) expect((await client.command(`RCPT TO:<${each}>`)).code).toBe(250);
  expect((await client.command('DATA')).code).toBe(354);
  return say(client, `${content}.`, replies);
}

/** Answers what is about these words so, and the rest as a good server does. */
function answering(answers: Readonly<Record<string, UpstreamAct>>): NonNullable<UpstreamOptions['onStep']> {
  return ({ step, line }) =>
    Object.entries(answers).find(([key]) => key === step || `${step} ${line}`.includes(key))?.[1];
}

describe('a message', () => {
  it('is passed on with its envelope and its octets, and the other server’s yes is the reply', async () => {
    const { client, upstream } = await inFrontOf({ onStep: answering({ end: '250 2.6.0 Queued as 4711' }) });
    expect(await deliver(client, { to: ['bob@b.example', 'carol@b.example'] })).toEqual(['250 2.6.0 Queued as 4711']);
    expect(upstream.acknowledged).toMatchObject([
      {
        mail: 'MAIL FROM:<alice@a.example> SIZE=20',
        rcpts: ['RCPT TO:<bob@b.example>', 'RCPT TO:<carol@b.example>'],
        content: 'Subject: x\r\n\r\n..dot\r\n',
      },
    ]);
  });

  it('gets a Received field in front, unless that is switched off', async () => {
    const { client, upstream } = await inFrontOf({}, { addReceived: true });
    await deliver(client);
    const { content, mail } = upstream.acknowledged[0]!;
    expect(content).toMatch(
      /^Received: from client\.example [^]*by relay\.example [^]*for <bob@b\.example>[^]*\r\nSubject: x\r\n\r\n\.\.dot\r\n$/,
    );
    // What it has grown to, without the dot that is doubled on the wire only.
    expect(mail).toContain(`SIZE=${String(content.length - 1)}`);
  });

  it('that went round in circles is refused, and the other server does not hear of it', async () => {
    const { client, upstream } = await inFrontOf({}, { hopsMax: 2 });
    const field = 'Received: by a.example; x\r\n';
    expect(await deliver(client, { content: `${field.repeat(2)}\r\n` })).toMatchObject([
      expect.stringMatching(/^250 /),
    ]);
    expect(await deliver(client, { content: `${field.repeat(3)}\r\n` })).toEqual([
      '554 5.4.6 Error: too many hops, this message is looping',
    ]);
    expect(upstream.messages).toHaveLength(1);
  });

  it('with a bare LF that the server kept is refused, and the other server does not hear of it', async () => {
    const { client, upstream } = await inFrontOf({}, {}, { lineEndings: 'preserve' });
    expect(await deliver(client, { content: 'a\nb\r\n' })).toMatchObject([expect.stringMatching(/^550 5\.6\.11 /)]);
    expect(upstream.lines).toEqual([]);
  });

  it('that the server decoded leaves as the octets that came', async () => {
    const { client, upstream } = await inFrontOf({}, {}, { decodeData: true });
    expect(await deliver(client, { content: '\u00c3\u00bc\r\n' })).toMatchObject([expect.stringMatching(/^250 /)]);
    expect(upstream.acknowledged[0]).toMatchObject({ content: '\u00c3\u00bc\r\n' });
  });

  it('uses one connection after another', async () => {
    const { client, upstream } = await inFrontOf();
    for (let count = 0; count < 3; count += 1) await deliver(client);
    expect([upstream.acknowledged.length, upstream.connections.length]).toEqual([3, 1]);
  });
});

describe('parameters', () => {
  it('of MAIL and RCPT pass through', async () => {
    const { client, upstream } = await inFrontOf({}, {}, { extensions: [dsn()] });
    expect((await client.command('MAIL FROM:<a@a.example> RET=HDRS ENVID=x BODY=8BITMIME SMTPUTF8 SIZE=1')).code).toBe(
      250,
    );
    expect((await client.command('RCPT TO:<b@b.example> NOTIFY=NEVER ORCPT=rfc822;c@c.example')).code).toBe(250);
    await client.command('DATA');
    expect((await client.command('Hi\r\n.')).code).toBe(250);
    expect(upstream.acknowledged).toMatchObject([
      {
        mail: 'MAIL FROM:<a@a.example> RET=HDRS ENVID=x BODY=8BITMIME SMTPUTF8 SIZE=4',
        rcpts: ['RCPT TO:<b@b.example> NOTIFY=NEVER ORCPT=rfc822;c@c.example'],
      },
    ]);
  });

  it.each([
    ['MAIL FROM:<a@a.example> RET=HDRS', '555 5.5.4'],
    ['MAIL FROM:<a@a.example> BODY=8BITMIME', '554 5.6.3'],
    ['MAIL FROM:<a@a.example> SMTPUTF8', '550 5.6.7'],
  ])('that the other server does not offer are refused, never left out: %s', async (mail, reply) => {
    const { client, upstream } = await inFrontOf({ keywords: ['PIPELINING'] }, {}, { extensions: [dsn()] });
    expect(await deliver(client, { mail })).toMatchObject([expect.stringContaining(reply)]);
    expect(upstream.messages).toEqual([]);
  });

  it.each([
    [false, 'MAIL FROM:<a@a.example>'],
    [true, 'MAIL FROM:<a@a.example> AUTH=c@c.example'],
  ])('say for whom a client sends only when it has proved who it is (%s)', async (isKnown, expected) => {
    const { client, server, upstream } = await inFrontOf(
      { keywords: ['AUTH PLAIN'] },
      {},
      { auth: { mode: 'offer', plaintext: 'always' } },
    );
    server.use(passwordAuth({ alice: 'secret' }));
    const plain = Buffer.from('\0alice\0secret').toString('base64');
    if (isKnown) expect((await client.command(`AUTH PLAIN ${plain}`)).code).toBe(235);
    await deliver(client, { mail: 'MAIL FROM:<a@a.example> AUTH=c@c.example' });
    expect(upstream.acknowledged.map(({ mail }) => mail)).toEqual([expected]);
  });
});

describe('what the other server says', () => {
  it.each([
    ['MAIL', '550 5.7.1 Not from you', '550 5.7.1 Not from you'],
    ['RCPT', '550 5.1.1 No such user', '550 5.1.1 No such user'],
    ['DATA', '452 4.3.1 Full', '452 4.3.1 Full'],
    ['end', '554 5.6.0 Spam', '554 5.6.0 Spam'],
    // It leaves, we stay.
    ['MAIL', '421 4.3.2 Going down', '451 4.3.2 Going down'],
    ['end', '421 4.3.2 Going down', '451 4.3.2 Going down'],
  ])('no at %s, %j, is what the client hears', async (step, answer, heard) => {
    const { client, upstream } = await inFrontOf({ onStep: answering({ [step]: answer }) });
    expect(await deliver(client)).toEqual([heard]);
    expect(upstream.acknowledged).toEqual([]);
    expect((await client.command('NOOP')).code).toBe(250);
  });

  it('to one of several recipients keeps the message from all, for a client that hears one reply', async () => {
    const { client, upstream } = await inFrontOf({
      onStep: answering({ 'RCPT TO:<carol': '550 5.1.1 No carol', 'RCPT TO:<dave': '450 4.2.1 Not now, dave' }),
    });
    const to = ['bob@b.example', 'carol@b.example'];
    expect(await deliver(client, { to })).toEqual(['550 5.1.1 No carol']);
    expect(await deliver(client, { to: [...to, 'dave@b.example'] })).toEqual(['450 4.2.1 Not now, dave']);
    expect(upstream.messages).toEqual([]);
  });

  it('is for each recipient in order, for an LMTP client', async () => {
    const { client, upstream } = await inFrontOf(
      { onStep: answering({ 'RCPT TO:<carol': '550 5.1.1 No carol', end: '250 2.0.0 Taken' }) },
      {},
      { protocol: 'lmtp' },
    );
    const to = ['bob@b.example', 'carol@b.example', 'dave@b.example'];
    expect(await deliver(client, { to, replies: 3 })).toEqual([
      '250 2.0.0 Taken',
      '550 5.1.1 No carol',
      '250 2.0.0 Taken',
    ]);
    expect(upstream.acknowledged).toMatchObject([{ rcpts: ['RCPT TO:<bob@b.example>', 'RCPT TO:<dave@b.example>'] }]);
  });

  it('over LMTP is different for each recipient, and an LMTP client hears it', async () => {
    const { client } = await inFrontOf(
      { protocol: 'lmtp', onStep: answering({ 'end RCPT TO:<carol': '452 4.2.2 Carol is full' }) },
      {},
      { protocol: 'lmtp' },
    );
    const to = ['bob@b.example', 'carol@b.example'];
    expect(await deliver(client, { to, replies: 2 })).toEqual([
      expect.stringMatching(/^250 /) as unknown,
      '452 4.2.2 Carol is full',
    ]);
  });

  it('over LMTP is for one recipient at a time, for a client that hears one reply', async () => {
    const { client, upstream } = await inFrontOf({ protocol: 'lmtp' });
    client.send('MAIL FROM:<a@a.example>\r\nRCPT TO:<bob@b.example>\r\nRCPT TO:<carol@b.example>\r\n');
    expect((await client.replies(3)).map(({ code }) => code)).toEqual([250, 250, 452]);
    expect((await client.command('RCPT TO:<dave@b.example>')).lines[0]).toMatch(/^4\.5\.3 /);
    await client.command('DATA');
    expect((await client.command('Hi\r\n.')).code).toBe(250);
    expect(upstream.acknowledged).toMatchObject([{ rcpts: ['RCPT TO:<bob@b.example>'] }]);
  });
});

describe('an other server that fails', () => {
  it.each<[string, UpstreamAct, RegExp]>([
    ['is lost', 'close!', /^451 4\.4\.2 /],
    ['is left with 421', '421 4.3.2 Going down', /^451 4\.3\.2 Going down$/],
    ['is not understood any more', { octets: 'Oh\r\n' }, /^451 4\.5\.0 /],
    ['says nothing more', 'stall!', /^451 4\.4\.2 /],
  ])('over LMTP has taken it for those it said so about, when the connection %s then', async (_, act, heard) => {
    const { client, log, upstream } = await inFrontOf(
      { protocol: 'lmtp', onStep: answering({ 'end RCPT TO:<carol': act, 'RCPT TO:<dave': '550 5.1.1 No dave' }) },
      { waits: { contentEndMs: 50 } },
      { protocol: 'lmtp' },
    );
    const to = ['bob@b.example', 'carol@b.example', 'dave@b.example', 'eve@b.example'];
    expect(await deliver(client, { to, replies: 4 })).toEqual([
      '250 2.0.0 Message taken',
      expect.stringMatching(heard) as unknown,
      '550 5.1.1 No dave',
      expect.stringMatching(heard) as unknown,
    ]);
    expect(upstream.messages).toHaveLength(1);
    if (act !== '421 4.3.2 Going down') expect(log.lines).toMatchObject([{ level: 'warn' }]);
  });

  it('keeps what it said to RCPT, for a client that hears a reply for each', async () => {
    const { client } = await inFrontOf(
      { onStep: answering({ 'RCPT TO:<carol': '550 5.1.1 No carol', end: 'close!' }) },
      {},
      { protocol: 'lmtp' },
    );
    expect(await deliver(client, { to: ['bob@b.example', 'carol@b.example'], replies: 2 })).toEqual([
      expect.stringMatching(/^451 4\.4\.2 /) as unknown,
      '550 5.1.1 No carol',
    ]);
  });

  it('because nobody is there, is 451, and the log says what happened', async () => {
    const { client, log } = await startForwarding({ to: `127.0.0.1:${String(await freePort())}` });
    expect(await deliver(client)).toMatchObject([expect.stringMatching(/^451 4\.4\.1 /)]);
    expect(log.lines).toMatchObject([
      {
        level: 'warn',
        fields: {
          messageId: expect.stringMatching(/^\w+\.1$/) as unknown,
          code: 'SMTPD_CONNECT_FAILED',
          upstream: expect.stringMatching(/^smtp:\/\/127/) as unknown,
        },
      },
    ]);
  });

  it.each([
    ['greeting', '554 5.7.1 Go away', /^451 4\.4\.1 /],
    ['EHLO', 'close!', /^451 4\.4\.2 /],
    ['RCPT', 'reset!', /^451 4\.4\.2 /],
    ['content', 'close!', /^451 4\.4\.2 /],
    ['end', { octets: 'What?\r\n' }, /^451 4\.5\.0 /],
  ] as const)('at %s with %j, is 451', async (step, act, heard) => {
    const { client } = await inFrontOf({ onStep: answering({ [step]: act }) });
    expect(await deliver(client)).toMatchObject([expect.stringMatching(heard)]);
  });

  it('by silence, is 451 when the wait is over', async () => {
    const { client } = await inFrontOf({ onStep: answering({ end: 'stall!' }) }, { waits: { contentEndMs: 50 } });
    expect(await deliver(client)).toMatchObject([expect.stringMatching(/^451 4\.4\.2 /)]);
  });

  it('is left at once when the client has left', async () => {
    const { client, upstream } = await inFrontOf({ onStep: answering({ RCPT: 'stall!' }) });
    for (const line of ['MAIL FROM:<a@a.example>', 'RCPT TO:<b@b.example>', 'DATA']) await client.command(line);
    client.send('Hi\r\n.\r\n');
    await until(() => upstream.connections[0]?.isStalled === true);
    client.destroy();
    await until(() => upstream.openCount === 0);
    expect(upstream.messages).toEqual([]);
  });
});

describe('the hook', () => {
  it('says goodbye to the other server when it is disposed of, and messages that come later hear 451', async () => {
    const { client, onward, upstream } = await inFrontOf();
    await deliver(client);
    await onward[Symbol.asyncDispose]();
    await until(() => upstream.openCount === 0);
    expect(upstream.lines.at(-1)).toBe('QUIT');
    expect(await deliver(client)).toMatchObject([expect.stringMatching(/^451 4\.3\.2 /)]);
    await turns();
    expect(upstream.connections).toHaveLength(1);
  });

  it('is asked in its turn: what a hook before it refused does not leave', async () => {
    const upstream = await startUpstream();
    const server = new KeepingServer();
    await using onward = forward({ to: upstream.address, logger: server.log });
    server.use({ name: 'rules', message: () => '550 5.7.1 Not this one' });
    server.use(onward);
    const client = RawClient.inMemory(server);
    await client.reply();
    await client.command('EHLO client.example');
    expect(await deliver(client)).toEqual(['550 5.7.1 Not this one']);
    expect([upstream.lines, server.messages]).toEqual([[], []]);
    client.destroy();
    await server.close({ graceMs: 0 });
  });

  it('has no place in a server that streams', () => {
    class Streaming extends SMTPServer {
      override async streamMessage({ body }: StreamedMessage): Promise<void> {
        for await (const _ of body);
      }
    }
    expect(() => new Streaming().use(forward({ to: 'localhost:25' }))).toThrow(/Hook forward: .*streamMessage/);
  });

  it('reaches a server by TLS from the start where the destination says so', async () => {
    const { client, upstream } = await inFrontOf({}, {});
    const { client: other } = await startForwarding({ to: `smtps://127.0.0.1:${String(upstream.port)}` });
    expect(await deliver(other)).toMatchObject([expect.stringMatching(/^451 4\.7\.5 /)]);
    expect(await deliver(client)).toMatchObject([expect.stringMatching(/^250 /)]);
  });

  it.each([
    [{ to: 'mx:example.org' }, 'SMTPD_BAD_ADDRESS', /use PureProxy/],
    [{ to: 'no such thing' }, 'SMTPD_BAD_ADDRESS', /is no destination/],
    [{ to: 'a:25', addRecieved: false }, 'SMTPD_BAD_OPTION', /no option addRecieved of forward\(\)/],
    [{ to: 'a:25', hopsMax: 0 }, 'SMTPD_BAD_OPTION', /hopsMax/],
    [{ to: 'a:25', hostname: 'not a name' }, 'SMTPD_BAD_OPTION', /hostname/],
    [{ to: 'a:25', idleMs: -1 }, 'SMTPD_BAD_OPTION', /idleMs/],
    [{ to: 'a:25', waits: { never: 1 } }, 'SMTPD_BAD_OPTION', /waits\.never/],
  ])('is not made of %j', async (options, code, message) => {
    const error = await rejection(Promise.resolve().then(() => forward(options as ForwardOptions)));
    expect(error).toMatchObject({ code, message: expect.stringMatching(message) as unknown });
  });
});
