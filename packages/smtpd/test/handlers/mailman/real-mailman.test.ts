/** MailmanProxy before a real Mailman 3: what goes in by our port, and what comes out of Mailman. */

import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFailed } from 'vitest';

import {
  dsn,
  MailmanProxy,
  SMTPClient,
  SMTPRefusedError,
  type MailmanProxyOptions,
  type Reply,
  type SendResult,
} from '../../../src/index.js';
import { startTestServer, type TestMessage, type TestServer } from '../../../src/testing/index.js';
import { RecordingLogger } from '../../server/support.js';
import { requirePostfix } from '../../support/component.js';
import { isMailmanHere, requireMailman, startMailman, type MailmanInstance } from '../../support/mailman-instance.js';
import { ManualClock } from '../../support/manual-clock.js';
import { startPostfix } from '../../support/postfix-instance.js';
import { RawClient } from '../../support/raw-client.js';

/** A door to a port, which can be shut. */
class Door implements AsyncDisposable {
  readonly #port: number;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #isShut = false;

  private constructor(port: number) {
    this.#port = port;
    this.#server = createServer((socket) => {
      this.#join(socket);
    });
  }

  static async to(port: number): Promise<Door> {
    const door = new Door(port);
    door.#server.listen(0, '127.0.0.1');
    await once(door.#server, 'listening');
    return door;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Cuts who is inside, and lets nobody in. */
  shut(): void {
    this.#isShut = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  open(): void {
    this.#isShut = false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.shut();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #join(socket: Socket): void {
    socket.on('error', () => undefined);
    if (this.#isShut) {
      socket.destroy();
      return;
    }
    const other = connect(this.#port, '127.0.0.1');
    other.on('error', () => undefined);
    for (const [from, to] of [
      [socket, other],
      [other, socket],
    ] as const) {
      this.#sockets.add(from);
      from.on('close', () => {
        this.#sockets.delete(from);
        to.destroy();
      });
      from.pipe(to);
    }
  }
}

describe('MailmanProxy before a real Mailman', { timeout: 60_000 }, () => {
  requireMailman();

  let mailman: MailmanInstance;
  /** Where Mailman sends. */
  let sink: TestServer;
  /** Where other mail goes. */
  let outside: TestServer;

  beforeAll(async () => {
    if (!isMailmanHere()) return;
    sink = await startTestServer();
    // Postfix says ORCPT to whoever offers DSN, to lists as well.
    outside = await startTestServer({ extensions: [dsn()] });
    mailman = await startMailman({ smtpPort: sink.port });
    for (const list of ['staff', 'news']) {
      await mailman.createList(`${list}@lists.example`);
      await mailman.subscribe(`${list}@lists.example`, 'alice@a.example');
    }
    await mailman.subscribe('staff@lists.example', 'olga@o.example', 'owner');
  }, 120_000);

  beforeEach(() => {
    onTestFailed(() => {
      console.error(mailman.logs());
    });
  });

  afterAll(async () => {
    for (const each of [mailman, sink, outside] as (AsyncDisposable | undefined)[]) await each?.[Symbol.asyncDispose]();
  }, 120_000);

  function restOptions() {
    return { url: mailman.restURL, user: mailman.user, password: mailman.password };
  }

  async function startProxy(options: MailmanProxyOptions = {}): Promise<MailmanProxy> {
    const proxy = new MailmanProxy({
      localAddress: '127.0.0.1:0',
      remoteAddress: `127.0.0.1:${String(outside.port)}`,
      mailman: { lmtp: `127.0.0.1:${String(mailman.lmtpPort)}`, directory: { rest: restOptions() } },
      logger: new RecordingLogger(),
      ...options,
    });
    await proxy.listen();
    return proxy;
  }

  it('takes a post, and Mailman sends it to the members with the fields of a list', async () => {
    await using proxy = await startProxy();
    await send(proxy, { to: 'staff@lists.example', subject: 'To all of us' });
    const message = await sink.waitForMessage({ to: 'alice@a.example', subject: /To all of us/ }, WAIT);
    expect(message.headers.get('List-Id')).toContain('<staff.lists.example>');
    expect(message.headers.get('List-Post')).toContain('mailto:staff@lists.example');
    expect(message.mailFrom).toMatch(/^staff-bounces(?:\+.*)?@lists\.example$/);
    expect(message.headers.getAll('Received').join()).toContain('with ESMTP');
    expect(outside.messages).toEqual([]);
  });

  it('knows lists by the map files of this Mailman as well', async () => {
    const directory = { maps: { folder: join(mailman.varFolder, 'data') } };
    await using proxy = await startProxy({
      mailman: { lmtp: `127.0.0.1:${String(mailman.lmtpPort)}`, directory },
    });
    await send(proxy, { to: 'news@lists.example', subject: 'By the maps' });
    await sink.waitForMessage({ to: 'alice@a.example', subject: /By the maps/ }, WAIT);
    expect((await refusal(send(proxy, { to: 'nobody@lists.example', subject: 'x' }))).code).toBe(550);
  });

  it('lets people join, confirm, leave, and write to the owner', async () => {
    await using proxy = await startProxy();
    const isMember = async (): Promise<boolean> =>
      (await mailman.get('/3.1/lists/staff@lists.example/member/carol@c.example')).status === 200;
    const confirm = async (after: TestMessage | undefined): Promise<TestMessage> => {
      const asked = await sink.waitForMessage(
        { to: 'carol@c.example' },
        { ...WAIT, ...(after === undefined ? {} : { after }) },
      );
      const [to = ''] = /staff-confirm\+[0-9a-f]+@lists\.example/.exec(asked.headers.get('From') ?? '') ?? [];
      expect(to).toMatch(/^staff-confirm\+[0-9a-f]{10,}@lists\.example$/);
      await send(proxy, { from: 'carol@c.example', to, subject: `Re: ${asked.subject ?? ''}` });
      return asked;
    };

    await send(proxy, { from: 'carol@c.example', to: 'staff-join@lists.example', subject: 'join' });
    const first = await confirm(undefined);
    await mailman.until('carol to be a member', isMember);

    await send(proxy, { from: 'carol@c.example', to: 'staff-leave@lists.example', subject: 'leave' });
    await confirm(first);
    await mailman.until('carol to be gone', async () => !(await isMember()));

    await send(proxy, { from: 'carol@c.example', to: 'staff-owner@lists.example', subject: 'A word with the owner' });
    await sink.waitForMessage({ to: 'olga@o.example', subject: /A word with the owner/ }, WAIT);
  }, 60_000);

  it('has a message with defects answered, though Mailman does it once for all recipients', async () => {
    await using proxy = await startProxy();
    const content = 'Subject: Odd\r\nMessage-ID: <odd@a.example>\r\nContent-Type: multipart/mixed\r\n\r\nx\r\n.\r\n';
    const client = await RawClient.connect(portOf(proxy));
    await client.reply();
    await client.command('EHLO a.example');
    await client.command('MAIL FROM:<alice@a.example>');
    expect((await client.command('RCPT TO:<staff@lists.example>')).code).toBe(250);
    await client.command('DATA');
    client.send(content);
    expect(await client.reply()).toEqual({ code: 501, lines: ['Message has defects'] });
    client.destroy();

    await using lmtp = await startProxy({ protocol: 'lmtp' });
    const speaker = await RawClient.connect(portOf(lmtp));
    await speaker.reply();
    await speaker.command('LHLO a.example');
    await speaker.command('MAIL FROM:<alice@a.example>');
    for (const to of ['staff@lists.example', 'news@lists.example', 'bob@b.example', 'staff@lists.example'])
      expect((await speaker.command(`RCPT TO:<${to}>`)).code).toBe(250);
    await speaker.command('DATA');
    speaker.send(content);
    expect((await speaker.replies(4)).map(({ code }) => code)).toEqual([501, 501, 250, 501]);
    speaker.destroy();
    await outside.waitForMessage({ to: 'bob@b.example', subject: 'Odd' }, WAIT);
  });

  it('refuses SMTPUTF8 for a list before the content, and not a message without', async () => {
    await using proxy = await startProxy();
    const client = await RawClient.connect(portOf(proxy));
    await client.reply();
    await client.command('EHLO a.example');
    await client.command('MAIL FROM:<alice@a.example> SMTPUTF8');
    expect(await client.command('RCPT TO:<staff@lists.example>')).toMatchObject({
      code: 550,
      lines: [expect.stringMatching(/^5\.6\.7 /)],
    });
    await client.command('RSET');
    await client.command('MAIL FROM:<alice@a.example> BODY=8BITMIME');
    expect((await client.command('RCPT TO:<staff@lists.example>')).code).toBe(250);
    client.destroy();
  });

  describe('with Postfix as the sender', () => {
    requirePostfix();

    it('a message to lists and to others reaches all of them, for Postfix honours 452', async () => {
      await using proxy = await startProxy();
      await using postfix = await startPostfix({
        main: { relayhost: `[127.0.0.1]:${String(portOf(proxy))}` },
      });
      onTestFailed(() => {
        console.error(postfix.log.lines.join('\n'));
      });
      const subject = 'Here and there';
      const recipients = ['staff@lists.example', 'bob@b.example', 'news@lists.example'];
      await postfix.sendmail(['-f', 'alice@a.example', ...recipients], contentOf({ subject }));
      await outside.waitForMessage({ to: 'bob@b.example', subject }, WAIT);
      await mailman.until('both lists to send the post', async () => {
        await postfix.flush();
        return ['staff', 'news'].every((list) =>
          sink.messages.some(
            (message) =>
              message.subject?.includes(subject) === true &&
              message.headers.get('List-Id')?.includes(`<${list}.lists.example>`) === true,
          ),
        );
      });
      await postfix.log.line(/ removed/);
      expect(postfix.log.matching(/status=deferred \(.* 452 /).length).toBeGreaterThanOrEqual(3);
    });
  });

  describe('while a part of Mailman is away', () => {
    it('sends on what it knows without the REST API, and defers what it does not know', async () => {
      await using rest = await Door.to(Number(new URL(mailman.restURL).port));
      const clock = new ManualClock();
      const directory = { rest: { ...restOptions(), url: `http://127.0.0.1:${String(rest.port)}`, clock } };
      await using proxy = await startProxy({
        mailman: { lmtp: `127.0.0.1:${String(mailman.lmtpPort)}`, directory },
      });
      await send(proxy, { to: 'staff@lists.example', subject: 'Before' });
      rest.shut();
      // None of what was said is fresh.
      clock.advance(3_600_000);
      await send(proxy, { to: 'staff-owner@lists.example', subject: 'Without REST' });
      await sink.waitForMessage({ to: 'olga@o.example', subject: /Without REST/ }, WAIT);
      expect(await refusal(send(proxy, { to: 'news@lists.example', subject: 'x' }))).toMatchObject({
        code: 451,
        enhanced: '4.4.3',
      });
      await send(proxy, { to: 'bob@b.example', subject: 'Not a list' });
      await outside.waitForMessage({ to: 'bob@b.example', subject: 'Not a list' }, WAIT);
      rest.open();
      clock.advance(1_000);
      await send(proxy, { to: 'news@lists.example', subject: 'After' });
    });

    it('defers lists without the LMTP runner, and goes on with others', async () => {
      await using lmtp = await Door.to(mailman.lmtpPort);
      await using proxy = await startProxy({
        mailman: { lmtp: `127.0.0.1:${String(lmtp.port)}`, directory: { rest: restOptions() } },
      });
      await send(proxy, { to: 'staff@lists.example', subject: 'Connected' });
      lmtp.shut();
      expect((await refusal(send(proxy, { to: 'staff@lists.example', subject: 'x' }))).isTransient).toBe(true);
      expect((await refusal(send(proxy, { to: 'nobody@lists.example', subject: 'x' }))).code).toBe(550);
      await send(proxy, { to: 'bob@b.example', subject: 'Meanwhile' });
      await outside.waitForMessage({ to: 'bob@b.example', subject: 'Meanwhile' }, WAIT);
      lmtp.open();
      await send(proxy, { to: 'staff@lists.example', subject: 'Connected again' });
      await sink.waitForMessage({ to: 'alice@a.example', subject: /Connected again/ }, WAIT);
    });

    it('loses nothing when Mailman is stopped and started: what was acknowledged comes out, and once', async () => {
      await using proxy = await startProxy();
      const acknowledged: number[] = [];
      /** Their sender cannot know whether Mailman has them, and sends them again. */
      const doubtful = new Set<number>();
      let deferredCount = 0;
      const mailmanIs = { restarted: false };
      let sentSince = 0;
      const restarting = mailman.restart().then(() => {
        mailmanIs.restarted = true;
      });
      for (let number = 0; sentSince < 5; number += 1) {
        for (;;) {
          const outcome = await attempt(
            send(proxy, { to: 'news@lists.example', subject: `Number ${String(number)}.` }),
          );
          if (outcome === undefined) break;
          expect(outcome.reply.isTransient).toBe(true);
          deferredCount += 1;
          if (outcome.command === 'content') doubtful.add(number);
          await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
        }
        acknowledged.push(number);
        if (mailmanIs.restarted) sentSince += 1;
        // What Mailman has to work off stays little.
        else await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      }
      await restarting;
      expect(deferredCount).toBeGreaterThan(0);
      const counts = (): number[] =>
        acknowledged.map(
          (number) => sink.messages.filter(({ subject }) => subject?.endsWith(`Number ${String(number)}.`)).length,
        );
      await mailman.until('all posts to come out', () => Promise.resolve(counts().every((count) => count > 0)));
      expect(counts().filter((count, number) => count !== 1 && !doubtful.has(number))).toEqual([]);
    }, 180_000);
  });
});

function portOf(proxy: MailmanProxy): number {
  return (proxy.addresses[0] as AddressInfo).port;
}

interface Post {
  readonly from?: string;
  readonly to: string;
  readonly subject: string;
}

function contentOf({ from = 'alice@a.example', to = 'staff@lists.example', subject }: Partial<Post>): string {
  messageCount += 1;
  return [
    `From: ${from}`,
    `To: ${to}`,
    `Subject: ${subject ?? ''}`,
    `Message-ID: <${String(messageCount)}.${String(process.pid)}@a.example>`,
    '',
    'Hello',
    '',
  ].join('\r\n');
}

/** Sends a message by the proxy, on a connection of its own. */
async function send(proxy: MailmanProxy, post: Post): Promise<SendResult> {
  await using client = new SMTPClient({ remoteAddress: { host: '127.0.0.1', port: portOf(proxy) } });
  await client.connect();
  return await client.send({ mailFrom: post.from ?? 'alice@a.example', rcptTos: [post.to], data: contentOf(post) });
}

/** @returns why it was refused; `undefined` when it was not */
async function attempt(sending: Promise<unknown>): Promise<SMTPRefusedError | undefined> {
  try {
    await sending;
    return undefined;
  } catch (error) {
    if (error instanceof SMTPRefusedError) return error;
    throw error;
  }
}

async function refusal(sending: Promise<unknown>): Promise<Reply> {
  const refused = await attempt(sending);
  if (refused === undefined) throw new Error('It was not refused');
  return refused.reply;
}

let messageCount = 0;
const WAIT = { timeoutMs: 30_000 };
const PAUSE_MS = 200;
