/** Which recipients go to Mailman, and what clients hear: a directory that says what it is told, and scripted servers behind. */

import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';

import {
  MailmanProxy,
  UsageError,
  type MailmanAnswer,
  type MailmanDirectory,
  type MailmanOptions,
  type MailmanProxyOptions,
  type MailmanRecipient,
  type MailmanRESTOptions,
  type OfferNarrowing,
} from '../../src/index.js';
import { startTestServer, type TestServer } from '../../src/testing/index.js';
import { eventsOf, Held, RecordingLogger, rejection, turns, until } from '../server/support.js';
import { freePort } from '../support/free-port.js';
import { ManualClock } from '../support/manual-clock.js';
import { RawClient, type WireReply } from '../support/raw-client.js';
import { TemporaryFolder } from '../support/temporary-folder.js';

/** Knows staff@ and news@lists.example; says `unavailable` for whatever it is told to. */
class StubDirectory implements MailmanDirectory {
  readonly asked: string[] = [];
  readonly away = new Set<string>();
  held: Held<undefined> | undefined;

  async lookUp({ localPart, domain }: MailmanRecipient, { signal }: { signal?: AbortSignal } = {}) {
    const address = `${localPart}@${domain ?? ''}`;
    this.asked.push(address);
    if (this.held !== undefined) {
      await Promise.race([
        this.held.promise,
        new Promise((_, reject) => {
          signal?.addEventListener('abort', () => {
            reject(signal.reason as Error);
          });
        }),
      ]);
    }
    return this.#answer(localPart, domain ?? '');
  }

  #answer(localPart: string, domain: string): MailmanAnswer {
    if (this.away.has(domain)) return { kind: 'unavailable', reason: 'as the test says' };
    if (domain !== 'lists.example') return { kind: 'unknown', isListDomain: false };
    const [, list, role = 'post'] = /^(staff|news|many\d+)(?:-(join|owner))?$/.exec(localPart) ?? [];
    if (list === undefined) return { kind: 'unknown', isListDomain: true };
    return { kind: 'known', list: `${list}@lists.example`, role: role as 'post', isStale: false };
  }
}

/** What Mailman's LMTP runner does not offer, of what our servers do. */
const NOT_MAILMANS: OfferNarrowing = {
  without: ['SMTPUTF8', 'CHUNKING', 'BINARYMIME', 'PIPELINING', 'ENHANCEDSTATUSCODES', 'DSN'],
};

const REST = { url: 'http://127.0.0.1:8001', user: 'restadmin', password: 'secret' };

/** A server that offers what Mailman does. */
async function startRunner(options: { dataSizeLimit?: number } = {}): Promise<TestServer> {
  const runner = await startTestServer({ protocol: 'lmtp', ...options });
  runner.server.use({ name: 'as Mailman', offer: () => NOT_MAILMANS });
  return runner;
}

/** A proxy with servers behind it. */
class Setup implements AsyncDisposable {
  readonly directory = new StubDirectory();
  readonly log = new RecordingLogger();
  readonly proxy: MailmanProxy;
  readonly #clients: RawClient[] = [];

  readonly runner: TestServer;
  readonly upstream: TestServer;

  private constructor(runner: TestServer, upstream: TestServer, options: MailmanProxyOptions) {
    this.runner = runner;
    this.upstream = upstream;
    this.proxy = new MailmanProxy({
      localAddress: '127.0.0.1:0',
      remoteAddress: `127.0.0.1:${String(upstream.port)}`,
      mailman: { lmtp: `127.0.0.1:${String(runner.port)}`, directory: this.directory },
      hostname: 'mx.example',
      logger: this.log,
      xclient: 'loopback',
      ...options,
    });
  }

  static async start(
    options: MailmanProxyOptions = {},
    behind: { runner?: TestServer; upstream?: TestServer } = {},
  ): Promise<Setup> {
    const setup = new Setup(
      behind.runner ?? (await startRunner()),
      behind.upstream ?? (await startTestServer()),
      options,
    );
    await setup.proxy.listen();
    return setup;
  }

  /** A client that has said hello. */
  async client({ from, hello = 'EHLO' }: { from?: string; hello?: string } = {}): Promise<RawClient> {
    const [address] = this.proxy.addresses;
    const client = await RawClient.connect((address as AddressInfo).port);
    this.#clients.push(client);
    await client.reply();
    await client.command(`${hello} client.example`);
    if (from === undefined) return client;
    await client.command(`XCLIENT ADDR=${from}`);
    await client.command(`${hello} client.example`);
    return client;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) client.destroy();
    await this.proxy.close({ graceMs: 0 });
    await this.upstream[Symbol.asyncDispose]();
    await this.runner[Symbol.asyncDispose]();
  }
}

function textOf({ code, lines }: WireReply): string {
  return `${String(code)} ${lines.join('|')}`;
}

/** Says MAIL, each RCPT, and the content if a recipient was taken. */
async function send(client: RawClient, recipients: readonly string[], mail = 'MAIL FROM:<ann@a.example>') {
  await client.command(mail);
  const replies: string[] = [];
  for (const recipient of recipients) replies.push(textOf(await client.command(`RCPT TO:<${recipient}>`)));
  if (!replies.some((reply) => reply.startsWith('250'))) return { replies, content: undefined };
  await client.command('DATA');
  client.send('Subject: Hello\r\n\r\nHi\r\n.\r\n');
  return { replies, content: textOf(await client.reply()) };
}

describe('MailmanProxy', () => {
  it('hands a list address to Mailman, and every other to the server behind', async () => {
    await using setup = await Setup.start();
    const { runner, upstream } = setup;
    const client = await setup.client();
    expect((await send(client, ['staff-join@lists.example'])).content).toMatch(/^250/);
    expect((await send(client, ['bob@b.example'])).content).toMatch(/^250/);
    expect(runner.messages.map(({ rcptTos }) => rcptTos)).toEqual([['staff-join@lists.example']]);
    expect(upstream.messages.map(({ rcptTos }) => rcptTos)).toEqual([['bob@b.example']]);
  });

  it('gives the client what Mailman says', async () => {
    await using setup = await Setup.start();
    const { runner } = setup;
    const client = await setup.client();
    runner.next('rcpt', '550 No such list here');
    runner.next('message', '451 Not now');
    expect((await send(client, ['staff@lists.example'])).replies).toEqual(['550 No such list here']);
    expect((await send(client, ['staff@lists.example'])).content).toBe('451 Not now');
  });

  it('lets a client send to one list a transaction, and carries the transactions over one connection', async () => {
    await using setup = await Setup.start();
    const { runner } = setup;
    const client = await setup.client();
    const first = await send(client, ['staff@lists.example', 'news@lists.example', 'bob@b.example']);
    expect(first.replies).toEqual([
      expect.stringMatching(/^250/),
      expect.stringMatching(/^452 4\.5\.3/),
      expect.stringMatching(/^452 4\.5\.3/),
    ]);
    await send(client, ['news@lists.example']);
    expect(runner.messages.map(({ rcptTos }) => rcptTos)).toEqual([['staff@lists.example'], ['news@lists.example']]);
    expect(runner.sessions).toHaveLength(1);
  });

  it('tells Mailman once of a recipient that the client says twice', async () => {
    await using setup = await Setup.start();
    const client = await setup.client();
    const { replies, content } = await send(client, ['staff@lists.example', 'staff@lists.example']);
    expect(replies).toEqual([expect.stringMatching(/^250/), expect.stringMatching(/^250/)]);
    expect(content).toMatch(/^250/);
    expect(setup.runner.messages.map(({ rcptTos }) => rcptTos)).toEqual([['staff@lists.example']]);
  });

  it('defers a list behind another recipient, too', async () => {
    await using setup = await Setup.start();
    const { replies } = await send(await setup.client(), ['bob@b.example', 'staff@lists.example', 'eve@e.example']);
    expect(replies.map((reply) => reply.slice(0, 3))).toEqual(['250', '452', '250']);
    expect(setup.upstream.messages.map(({ rcptTos }) => rcptTos)).toEqual([['bob@b.example', 'eve@e.example']]);
  });

  it('has a reply for each recipient of an LMTP client, and a transaction for each list', async () => {
    await using setup = await Setup.start({ protocol: 'lmtp' });
    const { runner, upstream } = setup;
    const client = await setup.client({ hello: 'LHLO' });
    runner.next('message', '501 5.5.0 Unreadable', { when: { to: 'news@lists.example' } });
    const { replies, content } = await send(client, [
      'staff@lists.example',
      'bob@b.example',
      'news@lists.example',
      'news@lists.example',
    ]);
    expect(replies.every((reply) => reply.startsWith('250'))).toBe(true);
    const others = await client.replies(3);
    expect([content?.slice(0, 3), ...others.map(({ code }) => String(code))]).toEqual(['250', '250', '501', '501']);
    expect(runner.messages.map(({ rcptTos }) => rcptTos)).toEqual([['staff@lists.example']]);
    expect(runner.sessions).toHaveLength(2);
    expect(
      runner.sessions.flatMap(({ transcript }) => transcript).filter((line) => line.startsWith('C: RCPT')),
    ).toEqual(['C: RCPT TO:<staff@lists.example>', 'C: RCPT TO:<news@lists.example>']);
    expect(upstream.messages.map(({ rcptTos }) => rcptTos)).toEqual([['bob@b.example']]);
  });

  it('takes eight lists of an LMTP client at a time, and defers the others at once', async () => {
    await using setup = await Setup.start({ protocol: 'lmtp' });
    const client = await setup.client({ hello: 'LHLO' });
    await client.command('MAIL FROM:<ann@a.example>');
    const replies: number[] = [];
    for (let list = 0; list < 10; list += 1)
      replies.push((await client.command(`RCPT TO:<many${String(list)}@lists.example>`)).code);
    expect(replies).toEqual([250, 250, 250, 250, 250, 250, 250, 250, 452, 452]);
  });

  describe('an address that is not there, in a domain of lists,', () => {
    it('is refused', async () => {
      await using setup = await Setup.start();
      const { replies } = await send(await setup.client(), ['nobody@lists.example']);
      expect(replies).toEqual(['550 5.1.1 Error: there is no such list']);
      expect(setup.upstream.sessions.flatMap(({ transcript }) => transcript).join()).not.toContain('nobody');
    });

    it('goes on to the server behind, if one says so, and there it has the last word', async () => {
      await using setup = await Setup.start({ unknownInListDomain: 'relay' });
      setup.upstream.next('rcpt', '550 5.1.1 Not here');
      const client = await setup.client();
      expect((await send(client, ['nobody@lists.example'])).replies).toEqual(['550 5.1.1 Not here']);
      expect((await send(client, ['user@lists.example'])).content).toMatch(/^250/);
      expect(setup.upstream.messages.map(({ rcptTos }) => rcptTos)).toEqual([['user@lists.example']]);
    });

    it('does not become a way to send mail anywhere', async () => {
      await using setup = await Setup.start({ unknownInListDomain: 'relay' });
      const client = await setup.client({ from: '192.0.2.9' });
      expect((await send(client, ['nobody@lists.example'])).replies).toEqual(['550 5.7.1 Error: relaying denied']);
    });
  });

  it('lets everybody write to lists, and only those who may to others', async () => {
    await using setup = await Setup.start();
    const client = await setup.client({ from: '192.0.2.9' });
    expect((await send(client, ['staff@lists.example'])).content).toMatch(/^250/);
    expect((await send(client, ['bob@b.example'])).replies).toEqual(['550 5.7.1 Error: relaying denied']);
    expect((await send(client, ['nobody@lists.example'])).replies).toEqual(['550 5.1.1 Error: there is no such list']);
  });

  // RFC 5321 §4.5.1
  it.each([{}, { unknownInListDomain: 'relay' } as const])(
    'lets everybody write to the postmaster of a domain of lists, who is the one of the server behind: %o',
    async (options) => {
      await using setup = await Setup.start(options);
      const client = await setup.client({ from: '192.0.2.9' });
      for (const recipient of ['PostMaster@lists.example', 'postmaster'])
        expect((await send(client, [recipient])).content).toMatch(/^250/);
      expect((await send(client, ['postmaster@b.example'])).replies).toEqual(['550 5.7.1 Error: relaying denied']);
      expect(setup.upstream.messages.map(({ rcptTos }) => rcptTos)).toEqual([
        ['PostMaster@lists.example'],
        ['postmaster'],
      ]);
    },
  );

  it('has no postmaster of a domain of lists where the domain says who is behind: that is itself', async () => {
    await using setup = await Setup.start({ remoteAddress: 'mx:' });
    const client = await setup.client();
    expect((await send(client, ['postmaster@lists.example'])).replies).toEqual([
      '550 5.1.1 Error: there is no such list',
    ]);
  });

  it('defers whom nobody knows about, says why in the log, and goes on with others', async () => {
    await using setup = await Setup.start();
    setup.directory.away.add('lists.example');
    const client = await setup.client();
    const { replies } = await send(client, ['staff@lists.example', 'bob@b.example']);
    expect(replies).toEqual([
      '451 4.4.3 Error: the directory of lists cannot be asked; try again later',
      expect.stringMatching(/^250/),
    ]);
    expect(setup.log.lines).toContainEqual(
      expect.objectContaining({
        level: 'warn',
        fields: expect.objectContaining({ recipient: 'staff@lists.example', reason: 'as the test says' }) as object,
      }),
    );
    // An outsider is not told that he may not relay: it could be a list.
    const outsider = await setup.client({ from: '192.0.2.9' });
    expect((await send(outsider, ['staff@lists.example'])).replies[0]).toMatch(/^451 4\.4\.3/);
  });

  it('defers a list while the LMTP runner is away, and goes on with others', async () => {
    const port = await freePort();
    const directory = new StubDirectory();
    await using setup = await Setup.start({ mailman: { lmtp: `127.0.0.1:${String(port)}`, directory } });
    const { replies, content } = await send(await setup.client(), ['staff@lists.example', 'bob@b.example']);
    expect(replies).toEqual([
      '451 4.4.1 Error: the next server cannot be reached; try again later',
      expect.stringMatching(/^250/),
    ]);
    expect(content).toMatch(/^250/);
  });

  it('goes on with lists while the server behind is away', async () => {
    await using setup = await Setup.start({ remoteAddress: `127.0.0.1:${String(await freePort())}` });
    const { replies, content } = await send(await setup.client(), ['bob@b.example', 'staff@lists.example']);
    expect(replies).toEqual([expect.stringMatching(/^451 4\.4\.1/), expect.stringMatching(/^250/)]);
    expect(content).toMatch(/^250/);
  });

  it('asks nobody any more for a client that has left, and reports no fault of its own', async () => {
    await using setup = await Setup.start();
    setup.directory.held = new Held();
    const closed = eventsOf(setup.proxy, 'disconnect');
    const client = RawClient.inMemory(setup.proxy);
    await client.reply();
    await client.command('EHLO client.example');
    await client.command('MAIL FROM:<ann@a.example>');
    client.send('RCPT TO:<staff@lists.example>\r\n');
    await until(() => setup.directory.asked.length === 1);
    client.destroy();
    await until(() => closed.length === 1);
    await turns();
    expect(setup.log.errors).toEqual([]);
    expect(setup.runner.sessions).toEqual([]);
  });

  describe('what Mailman cannot carry', () => {
    it('is offered where others can, but for enhanced codes, which every reply would have', async () => {
      await using setup = await Setup.start();
      const client = await setup.client();
      const { lines } = await client.command('EHLO client.example');
      for (const keyword of ['8BITMIME', 'SMTPUTF8', 'BINARYMIME']) expect(lines).toContain(keyword);
      expect(lines).not.toContain('ENHANCEDSTATUSCODES');
    });

    it.each([
      ['SMTPUTF8', ' SMTPUTF8', '550 5.6.7'],
      ['binary content', ' BODY=BINARYMIME', '554 5.6.3'],
    ])('%s is refused for its recipients, and passed on for others', async (_what, parameter, code) => {
      await using setup = await Setup.start();
      const client = await setup.client();
      await client.command(`MAIL FROM:<ann@a.example>${parameter}`);
      expect(textOf(await client.command('RCPT TO:<staff@lists.example>')).startsWith(code)).toBe(true);
      expect((await client.command('RCPT TO:<bob@b.example>')).code).toBe(250);
      client.send('BDAT 4 LAST\r\nHi\r\n');
      expect((await client.reply()).code).toBe(250);
      expect(setup.upstream.messages[0]?.mailOptions).toContain(parameter.trim());
    });

    it('is not offered where there is nobody else', async () => {
      await using runner = await startRunner();
      const directory = new StubDirectory();
      const proxy = new MailmanProxy({
        localAddress: '127.0.0.1:0',
        mailman: { lmtp: `127.0.0.1:${String(runner.port)}`, directory },
        logger: new RecordingLogger(),
      });
      await proxy.listen();
      const client = await RawClient.connect((proxy.addresses[0] as AddressInfo).port);
      await client.reply();
      const { lines } = await client.command('EHLO client.example');
      expect(lines).toContain('8BITMIME');
      for (const keyword of ['SMTPUTF8', 'BINARYMIME', 'DSN', 'ENHANCEDSTATUSCODES'])
        expect(lines).not.toContain(keyword);
      await client.command('MAIL FROM:<ann@a.example>');
      expect(textOf(await client.command('RCPT TO:<bob@b.example>'))).toBe('550 5.7.1 Error: relaying denied');
      client.destroy();
      await proxy.close();
    });

    it('a size that is too much for it is refused for its recipients', async () => {
      await using setup = await Setup.start({}, { runner: await startRunner({ dataSizeLimit: 1_000 }) });
      const client = await setup.client();
      const { replies } = await send(
        client,
        ['staff@lists.example', 'bob@b.example'],
        'MAIL FROM:<ann@a.example> SIZE=2000',
      );
      expect(replies).toEqual([expect.stringMatching(/^552/), expect.stringMatching(/^250/)]);
    });

    it('8-bit content is no such thing', async () => {
      await using setup = await Setup.start();
      const client = await setup.client();
      await send(client, ['staff@lists.example'], 'MAIL FROM:<ann@a.example> BODY=8BITMIME');
      expect(setup.runner.messages[0]?.mailOptions).toContain('BODY=8BITMIME');
    });
  });

  describe('what a sender wants to be told of', () => {
    async function startWithDSN(): Promise<Setup> {
      const { dsn } = await import('../../src/index.js');
      return Setup.start({}, { upstream: await startTestServer({ extensions: [dsn()] }) });
    }

    it('ends at a list, and goes on to others', async () => {
      await using setup = await startWithDSN();
      const client = await setup.client();
      const mail = 'MAIL FROM:<ann@a.example> RET=HDRS ENVID=x1';
      for (const recipient of ['staff@lists.example', 'bob@b.example']) {
        await client.command(mail);
        expect((await client.command(`RCPT TO:<${recipient}> NOTIFY=FAILURE,DELAY ORCPT=rfc822;x`)).code).toBe(250);
        await client.command('DATA');
        client.send('Hi\r\n.\r\n');
        expect((await client.reply()).code).toBe(250);
      }
      expect(setup.runner.messages[0]).toMatchObject({ mailOptions: [], rcptOptions: [[]] });
      expect(setup.upstream.messages[0]?.mailOptions).toEqual(['RET=HDRS', 'ENVID=x1']);
    });

    it('cannot be success, of which nobody would tell', async () => {
      await using setup = await startWithDSN();
      const client = await setup.client();
      await client.command('MAIL FROM:<ann@a.example>');
      const refused = await client.command('RCPT TO:<staff@lists.example> NOTIFY=success,FAILURE');
      expect(textOf(refused)).toBe('555 5.5.4 Error: success is not reported for this recipient');
      expect((await client.command('RCPT TO:<bob@b.example> NOTIFY=SUCCESS')).code).toBe(250);
    });
  });

  it('talks to Mailman without TLS, AUTH and a PROXY header, whatever the servers behind want', async () => {
    await using setup = await Setup.start({
      upstream: { tls: { mode: 'require' }, auth: { user: 'ann', password: 'secret' } },
      identify: 'proxyHeader',
    });
    expect((await send(await setup.client(), ['staff@lists.example'])).content).toMatch(/^250/);
    expect((await send(await setup.client(), ['bob@b.example'])).replies[0]).toMatch(/^451/);
  });

  it('says goodbye to Mailman and to the server behind when it closes', async () => {
    await using setup = await Setup.start();
    const client = await setup.client();
    await send(client, ['staff@lists.example']);
    await send(client, ['bob@b.example']);
    await setup.proxy.close({ graceMs: 0 });
    for (const { sessions } of [setup.runner, setup.upstream]) expect(sessions.at(-1)?.transcript).toContain('C: QUIT');
  });

  it('says where mail goes', async () => {
    await using setup = await Setup.start();
    expect(setup.proxy.describeRelaying()).toEqual([
      `relaying lists of Mailman to lmtp://127.0.0.1:${String(setup.runner.port)}, from everybody`,
      `relaying everything to smtp://127.0.0.1:${String(setup.upstream.port)}`,
      'may send anywhere: clients of this machine',
    ]);
  });

  it.each([
    [{ mailman: { lmtp: 'smtp://127.0.0.1:25' } }, 'SMTPD_BAD_ADDRESS'],
    [{ mailman: { lmtp: '127.0.0.1:24,127.0.0.1:25' } }, 'SMTPD_BAD_ADDRESS'],
    [{ mailman: { lmtp: 'mx:example.org' } }, 'SMTPD_BAD_ADDRESS'],
    [{ unknownInListDomain: 'drop' as 'reject' }, 'SMTPD_BAD_OPTION'],
    [{ mailman: { directory: { rest: { url: 'nowhere', user: '', password: '' } } } }, 'SMTPD_BAD_OPTION'],
  ] satisfies [MailmanProxyOptions, string][])('does not take %j', (options, code) => {
    const make = () => new MailmanProxy(options);
    expect(make).toThrow(UsageError);
    expect(make).toThrow(expect.objectContaining({ code }) as Error);
  });

  it.each([
    [null, 'mailman: Options are an object, not null; say lmtp: '],
    ['localhost:8024', 'mailman: Options are an object, not a string; say lmtp: '],
    [{ lmtp: 8024 }, "mailman.lmtp is where its LMTP runner listens, such as 'localhost:8024', not a number"],
    [{ rest: {} }, 'mailman: There is no option "rest"; say directory: { rest: … }'],
    [{ LMTP: 'localhost:8024' }, 'mailman: There is no option "LMTP"; did you mean lmtp?'],
    [
      { directory: '/var/lib/mailman3/data' },
      'mailman.directory: Options are an object, not a string; there are: rest, maps',
    ],
    [{ directory: {} }, /^mailman\.directory is \{ rest: .* \}, \{ maps: .* \}, or an object with lookUp\(\)$/],
    [{ directory: { rest: REST, maps: { folder: '/' } } }, /^mailman\.directory is \{ rest: /],
    [{ directory: { lookUp: true } }, 'mailman.directory: There is no option "lookUp"; it is a function'],
    [{ directory: { rest: null } }, 'mailman.directory.rest: Options are an object, not null; there are: url, user, '],
    [
      { directory: { rest: { ...REST, pass: 'x' } } },
      'mailman.directory.rest: There is no option "pass"; did you mean password?',
    ],
    [{ directory: { rest: { ...REST, url: undefined } } }, /^url is where the REST API is, such as .*, not undefined$/],
    [
      { directory: { rest: { ...REST, user: undefined } } },
      'user is admin_user of Mailman’s [webservice], not undefined',
    ],
    [{ directory: { rest: { ...REST, password: 1234 } } }, /^password is admin_pass of .*, not a number$/],
    [
      { directory: { maps: '/data' } },
      'mailman.directory.maps: Options are an object, not a string; there are: folder',
    ],
    [{ directory: { maps: {} } }, 'folder is Mailman’s data_dir, not undefined'],
  ])('tells a program without types that %j is no Mailman', (mailman, message) => {
    const make = () => new MailmanProxy({ mailman: mailman as unknown as MailmanOptions });
    expect(make).toThrow(UsageError);
    expect(make).toThrow(message);
  });

  it('takes every setting of its REST API', () => {
    const times = { domainsMs: 1, hitMs: 1, missMs: 1, staleMs: 1, failureMs: 1, timeoutMs: 1 };
    const rest: Required<MailmanRESTOptions> = {
      ...REST,
      ...times,
      entriesMax: 1,
      responseBytesMax: 1,
      clock: new ManualClock(),
    };
    expect(() => new MailmanProxy({ mailman: { directory: { rest } } })).not.toThrow();
  });

  it.each([
    ['localhost:8024', 'lmtp://localhost:8024'],
    ['lmtp://[::1]:8024', 'lmtp://[::1]:8024'],
    ['unix:/run/mailman', 'lmtp:unix:/run/mailman'],
    ['lmtp:unix:/run/mailman', 'lmtp:unix:/run/mailman'],
  ])('talks LMTP to %s', (lmtp, written) => {
    expect(new MailmanProxy({ mailman: { lmtp } }).describeRelaying()).toEqual([
      `relaying lists of Mailman to ${written}, from everybody`,
    ]);
  });

  it('reads the map files of a folder', async () => {
    using folder = new TemporaryFolder();
    const names = ['', '-bounces', '-confirm', '-join', '-leave', '-owner', '-request', '-subscribe', '-unsubscribe'];
    folder.write('postfix_lmtp', names.map((name) => `staff${name}@lists.example lmtp:[127.0.0.1]:8024\n`).join(''));
    folder.write('postfix_domains', 'lists.example lists.example\n');
    const runner = await startRunner();
    await using setup = await Setup.start(
      { mailman: { lmtp: `127.0.0.1:${String(runner.port)}`, directory: { maps: { folder: folder.path } } } },
      { runner },
    );
    const client = await setup.client();
    expect((await send(client, ['staff-owner@lists.example'])).content).toMatch(/^250/);
    expect((await send(client, ['nobody@lists.example'])).replies[0]).toMatch(/^550/);
  });

  it('asks the REST API, and goes on with what it knows for as long as it is told, by the server’s clock', async () => {
    const clock = new ManualClock();
    let isDown = false;
    const asked: string[] = [];
    const rest = createServer((request, response) => {
      asked.push(request.url ?? '');
      if (isDown) {
        response.destroy();
      } else if (request.url === '/3.1/domains') {
        response.end(JSON.stringify({ total_size: 1, entries: [{ mail_host: 'lists.example' }] }));
      } else {
        response.statusCode = request.url === '/3.1/lists/staff%40lists.example' ? 200 : 404;
        response.end('{}');
      }
    });
    rest.listen(0, '127.0.0.1');
    await once(rest, 'listening');
    const url = `http://127.0.0.1:${String((rest.address() as AddressInfo).port)}`;
    const runner = await startRunner();
    const times = { domainsMs: 1_000, hitMs: 1_000, missMs: 500, staleMs: 10_000, failureMs: 100 };
    {
      await using setup = await Setup.start(
        {
          clock,
          mailman: {
            lmtp: `127.0.0.1:${String(runner.port)}`,
            directory: { rest: { url, user: 'restadmin', password: 'x', ...times } },
          },
        },
        { runner },
      );
      const client = await setup.client();
      const verdicts = async (): Promise<string[]> => {
        await client.command('RSET');
        await client.command('MAIL FROM:<ann@a.example>');
        const found: string[] = [];
        for (const recipient of ['nobody@lists.example', 'bob@b.example', 'staff@lists.example']) {
          const { code } = await client.command(`RCPT TO:<${recipient}>`);
          // The next one is to be alone again.
          if (code === 250) {
            await client.command('RSET');
            await client.command('MAIL FROM:<ann@a.example>');
          }
          found.push(String(code));
        }
        return found;
      };
      expect(await verdicts()).toEqual(['550', '250', '250']);
      isDown = true;
      clock.advance(499);
      const askedSoFar = asked.length;
      expect(await verdicts()).toEqual(['550', '250', '250']);
      expect(asked).toHaveLength(askedSoFar);
      // That somebody was not there is forgotten; lists and domains are believed for longer.
      clock.advance(600);
      expect(await verdicts()).toEqual(['451', '250', '250']);
      clock.advance(9_800);
      expect(await verdicts()).toEqual(['451', '250', '250']);
      clock.advance(200);
      expect(await verdicts()).toEqual(['451', '451', '451']);
      isDown = false;
      clock.advance(100);
      expect(await verdicts()).toEqual(['550', '250', '250']);
    }
    rest.close();
    rest.closeAllConnections();
    await once(rest, 'close');
  });

  it('has the failure of a directory that throws as any fault of the program', async () => {
    const directory: MailmanDirectory = { lookUp: () => Promise.reject(new Error('a bug')) };
    await using setup = await Setup.start({ mailman: { directory } });
    const { replies } = await send(await setup.client(), ['staff@lists.example']);
    expect(replies[0]).toMatch(/^451 4\.3\.0/);
    expect(setup.log.errors.join()).toContain('a bug');
    expect(await rejection(setup.proxy.close({ graceMs: 0 }))).toBeUndefined();
  });
});
