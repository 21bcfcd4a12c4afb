/** PureProxy on real sockets: what the client hears, what the next server is asked, and what arrives there. */

import { Resolver } from 'node:dns/promises';

import { afterEach, describe, expect, it } from 'vitest';

import type { PureProxyOptions } from '../../src/handlers/proxy/proxy-options.js';
import { SMTPClient } from '../../src/client/client.js';
import { PureProxy } from '../../src/handlers/pure-proxy.js';
import { SMTPChannel } from '../../src/server/channel.js';
import type { StreamedMessage } from '../../src/server/received-message.js';
import type { SMTPServerOptions } from '../../src/server/server-options.js';
import type { Verdict } from '../../src/server/verdict.js';
import { startDNSServer } from '../support/dns-server.js';
import { freePort } from '../support/free-port.js';
import { ManualClock } from '../support/manual-clock.js';
import { RawClient } from '../support/raw-client.js';
import { Certificates } from '../support/certificates.js';
import { RawUpstream, type UpstreamAct, type UpstreamOptions, type UpstreamRequest } from '../support/raw-upstream.js';
import { Held, KeepingServer, RecordingLogger, turns, until } from '../server/support.js';

const toClose: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of toClose.splice(0).reverse()) await close();
});

async function startUpstream(options: UpstreamOptions = {}): Promise<RawUpstream> {
  const upstream = await RawUpstream.start(options);
  toClose.push(() => upstream[Symbol.asyncDispose]());
  return upstream;
}

/** A server of ours that keeps what it gets. */
async function startKeeping(options: SMTPServerOptions = {}): Promise<KeepingServer> {
  const server = new KeepingServer(options);
  await server.listen();
  toClose.push(() => server.close({ graceMs: 0 }));
  return server;
}

async function startProxy(options: PureProxyOptions, before: (proxy: PureProxy) => void = () => undefined) {
  const proxy = new PureProxy({
    localAddress: '127.0.0.1:0',
    hostname: 'proxy.example',
    logger: new RecordingLogger(),
    addReceived: false,
    addPeer: false,
    ...options,
  });
  before(proxy);
  await proxy.listen();
  toClose.push(async () => {
    for (const close of clients.splice(0)) close();
    await proxy.close({ graceMs: 0 });
  });
  return proxy;
}

const clients: (() => void)[] = [];

async function connectTo(proxy: PureProxy, hello = 'EHLO client.example'): Promise<RawClient> {
  const client = await RawClient.connect(proxy.port);
  clients.push(() => {
    client.destroy();
  });
  await client.reply();
  expect((await client.command(hello)).code).toBe(250);
  return client;
}

/** Both ends, with one server behind. */
async function behindOne(upstreamOptions: UpstreamOptions = {}, options: PureProxyOptions = {}) {
  const upstream = await startUpstream(upstreamOptions);
  const proxy = await startProxy({ remoteAddress: upstream.address, ...options });
  return { upstream, proxy, client: await connectTo(proxy) };
}

/** A reply on one line. */
async function say(client: RawClient, line: string): Promise<string> {
  const { code, lines } = await client.command(line);
  return `${String(code)} ${lines.join('|')}`;
}

async function sayAll(client: RawClient, ...lines: readonly string[]): Promise<number[]> {
  const codes: number[] = [];
  for (const line of lines) codes.push((await client.command(line)).code);
  return codes;
}

/** A message from MAIL to the end; the last reply on one line. */
async function deliver(
  client: RawClient,
  content = 'Subject: x\r\n\r\nHello\r\n',
  rcpt = 'bob@b.example',
): Promise<string> {
  expect(await sayAll(client, 'MAIL FROM:<alice@a.example>', `RCPT TO:<${rcpt}>`, 'DATA')).toEqual([250, 250, 354]);
  return say(client, `${content}.`);
}

/** Answers these lines so, and all others as a good server does. */
function answering(
  answers: Readonly<Record<string, UpstreamAct>>,
): (request: UpstreamRequest) => UpstreamAct | undefined {
  return ({ step, line }) =>
    Object.entries(answers).find(([key]) => key === step || (line !== '' && line.includes(key)))?.[1];
}

describe('what the next server says', () => {
  it.each<[string, string]>([
    ['550 5.1.1 No such user', '550 5.1.1 No such user'],
    ['450-4.2.0 Greylisted\r\n450 4.2.0 come back', '450 Greylisted|4.2.0 come back'.replace('450 ', '450 4.2.0 ')],
    ['552 quota', '552 quota'],
    ['251 2.1.5 Moved', '251 2.1.5 Moved'],
    ['550 5.1.1 bell \u0007 and \u001b[31m red', '550 5.1.1 bell   and  [31m red'],
    ['421 4.3.2 Going down', '451 4.3.2 Going down'],
  ])('to RCPT, %j, is what the client hears', async (answer, expected) => {
    const { client } = await behindOne({ onStep: answering({ RCPT: answer }) });
    await client.command('MAIL FROM:<alice@a.example>');
    expect(await say(client, 'RCPT TO:<bob@b.example>')).toBe(expected);
  });

  it.each([
    ['MAIL', 'MAIL FROM:<alice@a.example>'],
    ['DATA', 'DATA'],
    ['end', '.'],
  ])('to %s is what the client hears', async (step, last) => {
    const { client, upstream } = await behindOne({ onStep: answering({ [step]: '554 5.7.1 Not this one' }) });
    for (const line of ['MAIL FROM:<alice@a.example>', 'RCPT TO:<bob@b.example>', 'DATA', '.']) {
      const heard = await say(client, line);
      if (line === last) expect(heard).toBe('554 5.7.1 Not this one');
      if (line === last) break;
    }
    expect(upstream.acknowledged).toEqual([]);
  });

  it('yes is its own yes', async () => {
    const { client, upstream } = await behindOne({
      onStep: answering({ MAIL: '250 2.1.0 Alice it is', end: '250 2.6.0 Queued as 4711' }),
    });
    expect(await say(client, 'MAIL FROM:<alice@a.example>')).toBe('250 2.1.0 Alice it is');
    expect(await say(client, 'RCPT TO:<bob@b.example>')).toBe('250 2.1.5 Recipient OK');
    await client.command('DATA');
    expect(await say(client, 'Hello\r\n.')).toBe('250 2.6.0 Queued as 4711');
    expect(upstream.acknowledged.map(({ content }) => content)).toEqual(['Hello\r\n']);
  });

  it('to DATA is yes with any code that begins with 3, and is 354 to the client', async () => {
    const { upstream, client } = await behindOne({ onStep: answering({ DATA: '350 Go ahead' }) });
    expect(await deliver(client)).toBe('250 2.0.0 Message taken');
    expect(upstream.acknowledged).toHaveLength(1);
  });

  it('of MAIL is heard before there is a recipient, where there is one route', async () => {
    const { client, upstream } = await behindOne();
    await client.command('MAIL FROM:<alice@a.example>');
    expect(upstream.lines.at(-1)).toBe('MAIL FROM:<alice@a.example>');
  });

  it('recipients that came together leave together, and each has its own reply', async () => {
    let received = '';
    const upstream = await startUpstream({
      onStep: async ({ step, line, connection }) => {
        if (step !== 'RCPT') return undefined;
        // The first is not answered before the last is there.
        await until(() => connection.received.includes('<3@'));
        ({ received } = connection);
        return line.includes('<2@') ? '550 5.1.1 Not two' : undefined;
      },
    });
    const client = await connectTo(await startProxy({ remoteAddress: upstream.address }));
    await client.command('MAIL FROM:<alice@a.example>');
    client.send('RCPT TO:<1@b.example>\r\nRCPT TO:<2@b.example>\r\nRCPT TO:<3@b.example>\r\n');
    expect((await client.replies(3)).map(({ code }) => code)).toEqual([250, 550, 250]);
    expect(received).toContain('RCPT TO:<1@b.example>\r\nRCPT TO:<2@b.example>\r\nRCPT TO:<3@b.example>\r\n');
    await client.command('DATA');
    await client.command('.');
    expect(upstream.messages[0]?.rcpts).toEqual(['RCPT TO:<1@b.example>', 'RCPT TO:<3@b.example>']);
  });
});

describe('connections', () => {
  it('carry the next message, also after RSET, and of another client', async () => {
    const { client, upstream, proxy } = await behindOne();
    await deliver(client);
    await sayAll(client, 'MAIL FROM:<alice@a.example>', 'RCPT TO:<bob@b.example>', 'RSET');
    await until(() => upstream.lines.at(-1) === 'RSET');
    await deliver(client);
    await deliver(await connectTo(proxy));
    expect(upstream.acknowledged).toHaveLength(3);
    expect(upstream.connections).toHaveLength(1);
  });

  it('that died while nobody used them are replaced, and nobody notices', async () => {
    const { client, upstream } = await behindOne();
    await deliver(client);
    upstream.cut();
    expect(await deliver(client)).toMatch(/^250 /);
    expect(upstream.connections).toHaveLength(2);
  });

  it.each<[string, (client: RawClient) => Promise<unknown>]>([
    ['after MAIL', (client) => sayAll(client, 'MAIL FROM:<alice@a.example>')],
    ['after RCPT', (client) => sayAll(client, 'MAIL FROM:<alice@a.example>', 'RCPT TO:<bob@b.example>')],
    ['after DATA', (client) => sayAll(client, 'MAIL FROM:<alice@a.example>', 'RCPT TO:<bob@b.example>', 'DATA')],
    [
      'in the middle of the content',
      async (client) => {
        await sayAll(client, 'MAIL FROM:<alice@a.example>', 'RCPT TO:<bob@b.example>', 'DATA');
        client.send('Subject: half\r\n\r\nNot all of');
        await turns();
      },
    ],
    [
      'between two chunks',
      async (client) => {
        await sayAll(client, 'MAIL FROM:<alice@a.example>', 'RCPT TO:<bob@b.example>');
        await say(client, 'BDAT 5\r\nabc');
      },
    ],
  ])('a client that leaves %s delivers nothing, and leaves none open', async (_, begin) => {
    for (const keywords of [['PIPELINING'], ['PIPELINING', 'CHUNKING']]) {
      const { client, upstream, proxy } = await behindOne({ keywords });
      await begin(client);
      client.destroy();
      await until(() => proxy.channels.size === 0);
      await proxy.close();
      await until(() => upstream.openCount === 0);
      expect(upstream.messages).toEqual([]);
    }
  });

  it('close() waits for a message that is under way, and then closes those behind', async () => {
    const held = new Held<undefined>();
    const { client, upstream, proxy } = await behindOne({
      onStep: ({ step }) => (step === 'end' ? held.promise : undefined),
    });
    await sayAll(client, 'MAIL FROM:<alice@a.example>', 'RCPT TO:<bob@b.example>', 'DATA');
    client.send('Hello\r\n.\r\n');
    await until(() => upstream.messages.length === 1);
    const closed = proxy.close({ graceMs: 10_000 });
    await turns();
    held.answer(undefined);
    expect((await client.reply()).code).toBe(250);
    await closed;
    await until(() => upstream.openCount === 0);
  });

  it('close() without grace does not wait for a server that has the message and says nothing', async () => {
    const { client, upstream, proxy } = await behindOne({
      onStep: ({ step }) => (step === 'end' ? 'stall!' : undefined),
    });
    await sayAll(client, 'MAIL FROM:<alice@a.example>', 'RCPT TO:<bob@b.example>', 'DATA');
    client.send('Hello\r\n.\r\n');
    await until(() => upstream.messages.length === 1);
    await proxy.close({ graceMs: 1 });
    // Nobody was promised anything.
    expect((await client.reply()).code).toBe(421);
    await until(() => upstream.openCount === 0);
  });

  it('a verdict that takes too long is 451, and what the server says later counts for nothing', async () => {
    const clock = new ManualClock();
    const held = new Held<undefined>();
    let isSlow = true;
    const { client, upstream } = await behindOne(
      { onStep: ({ step }) => (step === 'RCPT' && isSlow ? held.promise : undefined) },
      { clock, limits: { verdictWaitMs: 1_000 } },
    );
    await client.command('MAIL FROM:<alice@a.example>');
    client.send('RCPT TO:<bob@b.example>\r\n');
    await until(() => upstream.lines.some((line) => line.startsWith('RCPT')));
    clock.advance(1_001);
    expect((await client.reply()).code).toBe(451);
    isSlow = false;
    held.answer(undefined);
    await until(() => upstream.openCount === 0);
    await client.command('RSET');
    expect(await deliver(client)).toMatch(/^250 /);
    expect(upstream.acknowledged).toHaveLength(1);
  });
});

describe('what both sides can carry', () => {
  it('REQUIRETLS is not offered where DNS alone says who the next server is', async () => {
    using certificates = new Certificates();
    const { key, cert } = certificates.server;
    const offered = async (routes: Record<string, string>): Promise<boolean> => {
      const proxy = await startProxy({
        tls: { mode: 'implicit', key, cert },
        routes,
        upstream: { tls: { mode: 'require' } },
      });
      const client = new SMTPClient({
        remoteAddress: { host: '127.0.0.1', port: proxy.port },
        tls: { mode: 'implicit', ca: cert },
      });
      await client.connect();
      clients.push(() => {
        client.destroy();
      });
      return client.capabilities.has('REQUIRETLS');
    };
    const keywords = ['REQUIRETLS', 'STARTTLS'];
    const { address } = await startUpstream({ keywords, tls: { key, cert } });
    expect(await offered({ 'a.example': 'mx:' })).toBe(false);
    expect(await offered({ 'a.example': 'mx:', 'b.example': address })).toBe(false);
  });

  it.each(['8BITMIME', 'SMTPUTF8', 'DSN', 'ENHANCEDSTATUSCODES'])(
    '%s is offered as the next server offers it',
    async (keyword) => {
      const all = ['PIPELINING', '8BITMIME', 'SMTPUTF8', 'DSN', 'ENHANCEDSTATUSCODES'];
      for (const keywords of [all, all.filter((each) => each !== keyword)]) {
        const { proxy } = await behindOne({ keywords });
        const client = await connectTo(proxy, 'HELO x');
        const { lines } = await client.command('EHLO client.example');
        expect(lines.includes(keyword)).toBe(keywords.includes(keyword));
      }
    },
  );

  it('no source route leaves, and nothing of it is put into another address', async () => {
    const { client, upstream } = await behindOne();
    await sayAll(client, 'MAIL FROM:<@a.example,@b.example:alice@c.example>', 'RCPT TO:<@d.example:bob@e.example>');
    expect(upstream.lines.slice(-2)).toEqual(['MAIL FROM:<alice@c.example>', 'RCPT TO:<bob@e.example>']);
  });

  it('the size and the number of recipients are the next server’s', async () => {
    const { client } = await behindOne({ keywords: ['SIZE 1000', 'LIMITS RCPTMAX=1'] });
    const { lines } = await client.command('EHLO client.example');
    expect(lines).toContain('SIZE 1000');
    expect(await sayAll(client, 'MAIL FROM:<a@a.example> SIZE=1001', 'MAIL FROM:<a@a.example>')).toEqual([552, 250]);
    expect(await sayAll(client, 'RCPT TO:<1@b.example>', 'RCPT TO:<2@b.example>')).toEqual([250, 452]);
  });

  it('the size that a client declares grows by what the proxy adds (RFC 1870 §6)', async () => {
    const { client, upstream } = await behindOne({}, { addReceived: true, addPeer: true });
    const content = 'Subject: x\r\n\r\nHello\r\n';
    const mail = `MAIL FROM:<a@a.example> SIZE=${String(content.length)}`;
    for (const rcpts of [['1', '2'], ['1']]) {
      await sayAll(client, mail, ...rcpts.map((rcpt) => `RCPT TO:<${rcpt}@b.example>`), 'DATA');
      expect(await say(client, `${content}.`)).toBe('250 2.0.0 Message taken');
      const { mail: passedOn, content: arrived } = upstream.messages.at(-1)!;
      const undeclared = arrived.length - Number(/ SIZE=(\d+)$/.exec(passedOn)![1]);
      // Of two recipients none is named in Received, of one that one, maybe on a line of its own.
      const named = rcpts.length === 1 ? ' for <1@b.example>'.length : 0;
      expect(undeclared).toBeGreaterThanOrEqual(named);
      expect(undeclared).toBeLessThanOrEqual(named + 2);
    }
  });

  it('the size that a client declares stays where the proxy adds nothing', async () => {
    const { client, upstream } = await behindOne();
    await sayAll(client, 'MAIL FROM:<a@a.example> SIZE=20', 'RSET', 'MAIL FROM:<a@a.example>');
    const sent = upstream.lines.filter((line) => line.startsWith('MAIL'));
    expect(sent).toEqual(['MAIL FROM:<a@a.example> SIZE=20', 'MAIL FROM:<a@a.example>']);
  });

  it.each([
    ['BODY=8BITMIME', '554 5.6.3'],
    ['SMTPUTF8', '550 5.6.7'],
    ['RET=HDRS', '555 5.5.4'],
  ])(
    '%s passes through, and is refused with its code by a server that changed its mind',
    async (parameter, refusal) => {
      const { client, upstream } = await behindOne();
      expect(await sayAll(client, `MAIL FROM:<a@a.example> ${parameter}`, 'RSET')).toEqual([250, 250]);
      expect(upstream.lines).toContain(`MAIL FROM:<a@a.example> ${parameter}`);
      upstream.options.keywords = ['PIPELINING'];
      upstream.cut();
      await until(() => upstream.openCount === 0);
      expect(await say(client, `MAIL FROM:<a@a.example> ${parameter}`)).toMatch(new RegExp(`^${refusal} `));
      expect(await deliver(client)).toMatch(/^250 /);
    },
  );

  it.each([
    ['BDAT', ['PIPELINING']],
    ['BDAT', ['PIPELINING', 'CHUNKING']],
    ['DATA', ['PIPELINING', 'CHUNKING']],
  ])('content by %s arrives at a server that offers %j, dots and all', async (verb, keywords) => {
    const { client, upstream } = await behindOne({ keywords });
    await sayAll(client, 'MAIL FROM:<alice@a.example>', 'RCPT TO:<bob@b.example>');
    const content = '.dot\r\n..two\r\n';
    if (verb === 'BDAT') {
      client.send(`BDAT 6\r\n${content.slice(0, 6)}BDAT ${String(content.length - 6)} LAST\r\n${content.slice(6)}`);
      expect((await client.replies(2)).map(({ code }) => code)).toEqual([250, 250]);
    } else {
      await client.command('DATA');
      expect((await client.command('..dot\r\n...two\r\n.')).code).toBe(250);
    }
    const isByChunks = verb === 'BDAT' && keywords.includes('CHUNKING');
    expect(upstream.acknowledged.map((message) => message.content)).toEqual([
      isByChunks ? content : '..dot\r\n...two\r\n',
    ]);
  });

  it.each(['a\nb\r\n', 'a\rb\r\n', 'a\r\n\n.\r\n', 'a\n.\nMAIL FROM:<x@y.example>\r\n', 'a\r\r\nb\r\n'])(
    'no bare line end leaves in %j: it is refused, or made one',
    async (content) => {
      for (const lineEndings of ['reject', 'normalize'] as const) {
        const { client, upstream } = await behindOne({}, { lineEndings });
        const heard = await deliver(client, content);
        expect(heard).toMatch(lineEndings === 'reject' ? /^550 5\.6\.11 / : /^250 /);
        expect(upstream.acknowledged).toHaveLength(lineEndings === 'reject' ? 0 : 1);
        for (const { received } of upstream.connections) expect(received.replaceAll('\r\n', '')).not.toMatch(/[\r\n]/);
        expect(await deliver(client)).toMatch(/^250 /);
      }
    },
  );

  it('the header has a Received field in front and X-Peer at its end, each as the options say', async () => {
    for (const [addReceived, addPeer] of [
      [true, true],
      [true, false],
      [false, true],
      [false, false],
    ] as const) {
      const { client, upstream } = await behindOne({}, { addReceived, addPeer });
      await deliver(client, 'Subject: x\r\n\r\nbody\r\n');
      const received = 'Received: from client\\.example [^]*?by proxy\\.example [^]*?for <bob@b\\.example>;[^]*?\\r\\n';
      expect(upstream.acknowledged[0]?.content).toMatch(
        new RegExp(
          `^${addReceived ? received : ''}Subject: x\\r\\n${addPeer ? 'X-Peer: 127\\.0\\.0\\.1\\r\\n' : ''}\\r\\nbody\\r\\n$`,
        ),
      );
    }
  });

  it('octets above 127 that nobody declared, and NUL, go on as they came, also to a server without 8BITMIME', async () => {
    const { client, upstream } = await behindOne({ keywords: ['PIPELINING'] });
    const content = 'Subject: Gr\xfc\xdfe\r\n\r\na\x00b \xe2\x82\xac\r\n';
    expect(await deliver(client, content)).toBe('250 2.0.0 Message taken');
    expect(upstream.messages.map((message) => message.content)).toEqual([content]);
  });

  it('a message with 100 Received fields goes on, one with 101 is looping', async () => {
    for (const [count, expected] of [
      [100, /^250 /],
      [101, /^554 5\.4\.6 /],
    ] as const) {
      const { client, upstream } = await behindOne();
      expect(await deliver(client, `${'Received: x\r\n'.repeat(count)}\r\nbody\r\n`)).toMatch(expected);
      expect(upstream.acknowledged).toHaveLength(count === 100 ? 1 : 0);
    }
  });
});

describe('several servers', () => {
  it('have each its own domain; the second one of a message is deferred, and comes in a transaction of its own', async () => {
    const [a, b] = [await startUpstream(), await startUpstream()];
    const client = await connectTo(await startProxy({ routes: { 'a.example': a.address, '*': b.address } }));
    expect(await sayAll(client, 'MAIL FROM:<x@x.example>', 'RCPT TO:<1@a.example>')).toEqual([250, 250]);
    expect(await say(client, 'RCPT TO:<2@b.example>')).toMatch(/^452 4\.5\.3 /);
    expect(await sayAll(client, 'RCPT TO:<3@a.example>', 'DATA', '.')).toEqual([250, 354, 250]);
    await deliver(client, 'Hello\r\n', '2@b.example');
    expect(a.acknowledged.map(({ rcpts }) => rcpts)).toEqual([['RCPT TO:<1@a.example>', 'RCPT TO:<3@a.example>']]);
    expect(b.acknowledged.map(({ rcpts }) => rcpts)).toEqual([['RCPT TO:<2@b.example>']]);
  });

  it('one at which nobody was accepted makes room for the next', async () => {
    const [a, b] = [await startUpstream({ onStep: answering({ RCPT: '550 5.1.1 No' }) }), await startUpstream()];
    const client = await connectTo(await startProxy({ routes: { 'a.example': a.address, 'b.example': b.address } }));
    expect(
      await sayAll(client, 'MAIL FROM:<x@x.example>', 'RCPT TO:<1@a.example>', 'RCPT TO:<2@b.example>', 'DATA', '.'),
    ).toEqual([250, 550, 250, 354, 250]);
    // Its transaction is given up at once, not when the message has gone elsewhere.
    await until(() => a.lines.at(-1) === 'RSET');
    expect(b.acknowledged).toHaveLength(1);
  });

  it.each<[UpstreamAct | undefined, UpstreamAct | undefined, RegExp]>([
    [undefined, undefined, /^250 /],
    ['550 5.7.1 Never', undefined, /^550 5\.7\.1 Never/],
    ['550 5.7.1 Never', '450 4.2.0 Not now', /^450 4\.2\.0 Not now/],
    [undefined, 'close!', /^451 4\.4\.2 /],
  ])('split: of %j and %j the client hears %s', async (first, second, expected) => {
    const [a, b] = [
      await startUpstream({ onStep: ({ step }) => (step === 'end' ? first : undefined) }),
      await startUpstream({ onStep: ({ step }) => (step === 'end' ? second : undefined) }),
    ];
    const client = await connectTo(
      await startProxy({ routes: { 'a.example': a.address, 'b.example': b.address }, mixed: 'split' }),
    );
    expect(
      await sayAll(client, 'MAIL FROM:<x@x.example>', 'RCPT TO:<1@a.example>', 'RCPT TO:<2@b.example>', 'DATA'),
    ).toEqual([250, 250, 250, 354]);
    expect(await say(client, 'Hello\r\n.')).toMatch(expected);
    for (const each of [a, b]) expect(each.messages.map(({ content }) => content)).toEqual(['Hello\r\n']);
  });

  it('in front as LMTP: each recipient hears its own, also one that was named twice', async () => {
    const [a, b] = [await startUpstream(), await startUpstream({ onStep: answering({ end: '552 5.2.2 Full' }) })];
    const proxy = await startProxy({ routes: { 'a.example': a.address, 'b.example': b.address }, protocol: 'lmtp' });
    const client = await connectTo(proxy, 'LHLO client.example');
    await sayAll(client, 'MAIL FROM:<x@x.example>');
    for (const rcpt of ['1@a.example', '2@b.example', '1@a.example']) await client.command(`RCPT TO:<${rcpt}>`);
    await client.command('DATA');
    client.send('Hello\r\n.\r\n');
    expect((await client.replies(3)).map(({ code }) => code)).toEqual([250, 552, 250]);
    expect(a.acknowledged).toHaveLength(1);
  });

  it.each<[string, UpstreamAct, string[]]>([
    ['is lost', 'close!', ['250 2.0.0', '451 4.4.2', '451 4.4.2']],
    ['is left with 421', '421 4.3.2 Going down', ['250 2.0.0', '451 4.3.2', '451 4.3.2']],
    ['is not understood any more', { octets: 'Oh\r\n' }, ['250 2.0.0', '451 4.5.0', '451 4.5.0']],
  ])(
    'in front and behind as LMTP: who has the message hears so, also when the connection %s then',
    async (_, act, heard) => {
      const onStep = ({ step, line }: UpstreamRequest) => (step === 'end' && line.includes('2@') ? act : undefined);
      const upstream = await startUpstream({ protocol: 'lmtp', onStep });
      const proxy = await startProxy({ remoteAddress: upstream.address, protocol: 'lmtp' });
      const client = await connectTo(proxy, 'LHLO client.example');
      await sayAll(client, 'MAIL FROM:<x@x.example>');
      for (const rcpt of ['1@a.example', '2@a.example', '3@a.example']) await client.command(`RCPT TO:<${rcpt}>`);
      await client.command('DATA');
      client.send('Hello\r\n.\r\n');
      expect((await client.replies(3)).map(({ code, lines }) => `${String(code)} ${lines[0]!.split(' ')[0]!}`)).toEqual(
        heard,
      );
      expect(await deliver(client)).toBe('250 2.0.0 Message taken');
    },
  );

  it('behind as LMTP: one recipient a transaction', async () => {
    const upstream = await startUpstream({ protocol: 'lmtp' });
    const client = await connectTo(await startProxy({ remoteAddress: upstream.address }));
    await client.command('MAIL FROM:<x@x.example>');
    client.send('RCPT TO:<1@a.example>\r\nRCPT TO:<2@a.example>\r\nRCPT TO:<1@a.example>\r\n');
    expect((await client.replies(3)).map(({ code }) => code)).toEqual([250, 452, 452]);
    expect(await sayAll(client, 'DATA', '.')).toEqual([354, 250]);
    expect(upstream.acknowledged.map(({ rcpts }) => rcpts)).toEqual([['RCPT TO:<1@a.example>']]);
  });

  it.each<[string, UpstreamAct | undefined]>([
    ['refuses connections', undefined],
    ['greets with 421', '421 4.3.2 Not today'],
    ['greets with 554', '554 5.3.2 No service'],
    ['closes at once', 'close!'],
  ])('the next in order takes the mail when the first %s', async (_, greeting) => {
    const first =
      greeting === undefined
        ? `127.0.0.1:${String(await freePort())}`
        : (await startUpstream({ onStep: answering({ greeting }) })).address;
    const second = await startUpstream();
    const client = await connectTo(await startProxy({ remoteAddress: [first, second.address] }));
    expect(await deliver(client)).toMatch(/^250 /);
    expect(second.acknowledged).toHaveLength(1);
  });

  it('a refusal of the first is final: the next is not asked', async () => {
    const first = await startUpstream({ onStep: answering({ MAIL: '550 5.7.1 No' }) });
    const second = await startUpstream();
    const client = await connectTo(await startProxy({ remoteAddress: [first.address, second.address] }));
    expect(await say(client, 'MAIL FROM:<a@a.example>')).toBe('550 5.7.1 No');
    expect(second.lines.filter((line) => line.startsWith('MAIL'))).toEqual([]);
  });

  it('a recipient that none has a route for is not passed on', async () => {
    const a = await startUpstream();
    const client = await connectTo(await startProxy({ routes: { 'a.example': a.address } }));
    expect(await sayAll(client, 'MAIL FROM:<x@x.example>', 'RCPT TO:<1@a.example>')).toEqual([250, 250]);
    expect(await say(client, 'RCPT TO:<2@b.example>')).toMatch(/^550 5\.7\.1 /);
    expect(a.lines.filter((line) => line.startsWith('RCPT'))).toEqual(['RCPT TO:<1@a.example>']);
  });

  it('the least busy comes first where that is the way', async () => {
    const [a, b] = [await startUpstream(), await startUpstream()];
    const proxy = await startProxy({ remoteAddress: [a.address, b.address], balance: 'leastBusy' });
    for (const _ of [1, 2]) await (await connectTo(proxy)).command('MAIL FROM:<x@x.example>');
    for (const each of [a, b]) expect(each.lines.filter((line) => line.startsWith('MAIL'))).toHaveLength(1);
  });

  it.each<[string, RegExp]>([
    ['null.example', /^556 5\.1\.10 /],
    ['none.example', /^550 5\.1\.2 /],
    ['us.example', /^554 5\.4\.6 /],
    ['broken.example', /^451 4\.4\.3 /],
  ])('mx: of %s the client hears why not', async (domain, expected) => {
    const dns = await startDNSServer({
      'null.example': { MX: [[0, '']] },
      'us.example': { MX: [[10, 'proxy.example']] },
      'broken.example': 2,
    });
    toClose.push(() => dns[Symbol.asyncDispose]());
    const resolver = new Resolver();
    resolver.setServers([dns.address]);
    const client = await connectTo(await startProxy({ remoteAddress: 'mx:', resolver }));
    await client.command('MAIL FROM:<x@x.example>');
    expect(await say(client, `RCPT TO:<bob@${domain}>`)).toMatch(expected);
  });
});

describe('a stranger', () => {
  // RFC 5321 §4.5.1
  it.each([
    ['reaches the postmaster without a domain', { '*': 'ours' }, 250],
    ['does not where there is no server for others', { 'b.example': 'ours' }, 550],
    ['does not where the domain says who is the server', { '*': 'mx:' }, 550],
  ])('%s', async (_, places: Readonly<Record<string, string>>, code) => {
    const upstream = await startUpstream();
    const routes = Object.fromEntries(
      Object.entries(places).map(([pattern, to]) => [pattern, to === 'ours' ? upstream.address : to]),
    );
    const client = await connectTo(await startProxy({ routes, xclient: 'loopback' }));
    await client.command('XCLIENT ADDR=192.0.2.9');
    expect(await sayAll(client, 'EHLO stranger.example', 'MAIL FROM:<x@x.example>', 'RCPT TO:<PostMaster>')).toEqual([
      250,
      250,
      code,
    ]);
    for (const recipient of ['postmaster@c.example', 'webmaster'])
      expect(await say(client, `RCPT TO:<${recipient}>`)).toBe('550 5.7.1 Error: relaying denied');
    if (code === 250) expect(upstream.lines).toContain('RCPT TO:<PostMaster>');
  });
});

describe('whom the next server is told of', () => {
  it('with XFORWARD, in front of each MAIL, in what it names', async () => {
    const upstream = await startUpstream({ keywords: ['PIPELINING', 'XFORWARD NAME ADDR PROTO HELO'] });
    const client = await connectTo(await startProxy({ remoteAddress: upstream.address, identify: 'xforward' }));
    await deliver(client);
    const at = upstream.lines.indexOf('XFORWARD NAME=[UNAVAILABLE] ADDR=127.0.0.1 PROTO=ESMTP HELO=client.example');
    expect(at).toBeGreaterThan(0);
    expect(upstream.lines[at + 1]).toBe('MAIL FROM:<alice@a.example>');
  });

  it('with XCLIENT, by a server of ours that takes the client for its own', async () => {
    const upstream = await startKeeping({ xclient: 'loopback' });
    const proxy = await startProxy({ remoteAddress: `127.0.0.1:${String(upstream.port)}`, identify: 'xclient' });
    const ports: number[] = [];
    proxy.use({ name: 'witness', mail: ({ session }) => void ports.push(session.peer.port) });
    for (const hello of ['EHLO first.example', 'EHLO second.example']) {
      expect(await deliver(await connectTo(proxy, hello))).toMatch(/^250 /);
    }
    expect(upstream.messages.map(({ session }) => session.peer.port)).toEqual(ports);
    expect(new Set(ports).size).toBe(2);
    // Each connection was for one client, and is not kept.
    await until(() => [...upstream.channels].length <= 1);
  });

  it('with a PROXY header, by a server of ours that asks for one from the first octet', async () => {
    const upstream = await startKeeping({ proxyProtocol: 'loopback' });
    const proxy = await startProxy({ remoteAddress: `127.0.0.1:${String(upstream.port)}`, identify: 'proxyHeader' });
    let port = 0;
    proxy.use({
      name: 'witness',
      mail: ({ session }) => {
        ({ port } = session.peer);
      },
    });
    const client = await RawClient.connect(proxy.port);
    clients.push(() => {
      client.destroy();
    });
    await client.reply();
    expect((await client.command('EHLO client.example')).lines).toContain('8BITMIME');
    expect(await deliver(client)).toMatch(/^250 /);
    expect(upstream.messages[0]?.session.peer.port).toBe(port);
    expect(upstream.log.lines).toEqual([]);
  });

  it('AUTH= of MAIL is believed of nobody who has not proved who it is', async () => {
    const { client, upstream } = await behindOne(
      { keywords: ['AUTH PLAIN'] },
      {
        auth: { mode: 'offer', plaintext: 'always', mechanisms: ['PLAIN'] },
      },
    );
    await client.command('MAIL FROM:<a@a.example> AUTH=bob@b.example');
    expect(upstream.lines.at(-1)).toBe('MAIL FROM:<a@a.example>');
  });
});

describe('a subclass', () => {
  /** What `streamMessage` gives, by somebody who takes it for a promise. */
  async function heardBy(
    use: (verdict: Promise<unknown>, again: () => Promise<unknown>) => unknown,
    end: string | undefined = '250 2.0.0 Ok: queued',
  ): Promise<string> {
    const upstream = await startUpstream({ onStep: answering({ end }) });
    class Subclass extends PureProxy {
      override streamMessage(message: StreamedMessage): Promise<Verdict> {
        const given = super.streamMessage(message);
        return Promise.resolve(use(given, () => super.streamMessage(message))) as Promise<Verdict>;
      }
    }
    const proxy = new Subclass({
      localAddress: '127.0.0.1:0',
      remoteAddress: upstream.address,
      logger: new RecordingLogger(),
    });
    await proxy.listen();
    toClose.push(async () => {
      for (const close of clients.splice(0)) close();
      await proxy.close({ graceMs: 0 });
    });
    return deliver(await connectTo(proxy));
  }

  it.each<[string, (verdict: Promise<unknown>) => unknown]>([
    ['awaits it', async (verdict) => await verdict],
    ['hands it on', (verdict) => verdict],
    ['waits for it with others', async (verdict) => (await Promise.all([verdict, Promise.resolve()]))[0]],
    ['races it', (verdict) => Promise.race([verdict])],
    ['has something done finally', (verdict) => verdict.finally(() => undefined)],
    ['has something done when it fails', (verdict) => verdict.catch(() => '451 4.0.0 Caught')],
  ])('that %s hears what the next server says', async (_, use) => {
    expect(await heardBy(use)).toBe('250 2.0.0 Ok: queued');
    expect(await heardBy(use, '554 5.7.1 Not this one')).toBe('554 5.7.1 Not this one');
  });

  it('may say something else instead', async () => {
    expect(await heardBy(async (verdict) => `250 2.0.0 ${String(await verdict)}`)).toBe(
      '250 2.0.0 250 2.0.0 Ok: queued',
    );
  });

  it('hears of what cannot be passed on a second time, by a failure that it may catch', async () => {
    const heard = await heardBy(async (verdict, again) => {
      await verdict;
      return again().catch((error: unknown) => (error as { readonly reply: unknown }).reply);
    });
    expect(heard).toBe('451 4.4.2 Error: the next server was not asked; try again later');
  });

  it('may take its time with MAIL, RCPT and DATA, and awaits what the next server says', async () => {
    const upstream = await startUpstream();
    const said: string[] = [];
    class Patient extends SMTPChannel {
      override async smtp_MAIL(argument: string | undefined): Promise<void> {
        await super.smtp_MAIL(argument);
        said.push(`MAIL ${String(upstream.lines.some((line) => line.startsWith('MAIL')))}`);
      }
      override async smtp_RCPT(argument: string | undefined): Promise<void> {
        await turns();
        await super.smtp_RCPT(argument);
        said.push(`RCPT ${String(upstream.lines.some((line) => line.startsWith('RCPT')))}`);
      }
      override async smtp_DATA(argument: string | undefined): Promise<void> {
        await super.smtp_DATA(argument);
        said.push(`DATA ${String(upstream.lines.includes('DATA'))}`);
      }
    }
    class PatientProxy extends PureProxy {
      static override channelClass = Patient;
    }
    const patient = new PatientProxy({
      localAddress: '127.0.0.1:0',
      remoteAddress: upstream.address,
      logger: new RecordingLogger(),
    });
    await patient.listen();
    toClose.push(() => patient.close({ graceMs: 0 }));
    expect(await deliver(await connectTo(patient))).toMatch(/^250 /);
    expect(said).toEqual(['MAIL true', 'RCPT true', 'DATA true']);
  });
});

describe('hooks of the application', () => {
  it('refuse before the next server is asked', async () => {
    const upstream = await startUpstream();
    const proxy = await startProxy({ remoteAddress: upstream.address });
    proxy.use({
      name: 'policy',
      mail: ({ address }) => (address.startsWith('spam') ? '550 5.7.1 No spam' : undefined),
      rcpt: ({ address }) => (address.startsWith('no') ? '550 5.7.1 Not this one' : undefined),
    });
    const client = await connectTo(proxy);
    expect(await say(client, 'MAIL FROM:<spam@a.example>')).toBe('550 5.7.1 No spam');
    expect(
      await sayAll(client, 'MAIL FROM:<a@a.example>', 'RCPT TO:<no@b.example>', 'RCPT TO:<yes@b.example>'),
    ).toEqual([250, 550, 250]);
    expect(upstream.lines.filter((line) => /^(MAIL|RCPT)/.test(line))).toEqual([
      'MAIL FROM:<a@a.example>',
      'RCPT TO:<yes@b.example>',
    ]);
  });
});
