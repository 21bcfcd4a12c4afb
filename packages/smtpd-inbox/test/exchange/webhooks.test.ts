import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

import { openSQLiteStore, type MailStore, type StoreChange, type StoreClock, type StoredMessage } from 'smtpd-store';
import { describe, expect, it } from 'vitest';

import type { Entry, Webhook } from '../../src/api/model.js';
import { WebhookURLs } from '../../src/exchange/webhook-urls.js';
import { Webhooks, type WebhooksOptions } from '../../src/exchange/webhooks.js';

const CLOCK_START = Date.UTC(2026, 10, 25, 20, 0, 0);

describe('URLs that may be called', () => {
  it.each<[allow: readonly string[], allowed: readonly string[], refused: readonly string[]]>([
    // Nothing at all, the machine itself included, unless whoever runs the inbox says so.
    [
      [],
      [],
      [
        'http://localhost/',
        'http://127.0.0.1:8025/api/v1/messages',
        'http://[::1]/',
        'http://169.254.169.254/latest/meta-data',
        'http://10.0.0.1/',
        'https://a.example/',
        'http://2130706433/',
        'http://0/',
      ],
    ],
    [
      ['loopback'],
      [
        'http://localhost:3000/a',
        'http://127.0.0.1/',
        'https://127.1.2.3:1/',
        'http://[::1]:3000/',
        'http://0x7f.1/',
        'http://LOCALHOST/',
      ],
      [
        'http://localhost.a.example/',
        'http://127.0.0.1.a.example/',
        'http://0.0.0.0/',
        'http://[::]/',
        'http://[::ffff:10.0.0.1]/',
        'http://10.0.0.1/',
      ],
    ],
    [
      ['http://a.example:3000'],
      ['http://a.example:3000/', 'http://A.example:3000/x?y#z', 'http://a%2Eexample:3000/'],
      [
        'http://a.example/',
        'https://a.example:3000/',
        'http://b.a.example:3000/',
        'http://a.example.b:3000/',
        'http://a.example:30001/',
      ],
    ],
    [
      ['https://ci.example/hooks/mail'],
      ['https://ci.example/hooks/mail', 'https://ci.example/hooks/mail/1', 'https://ci.example:443/hooks/x/../mail?a'],
      [
        'https://ci.example/',
        'https://ci.example/hooks/mailbox',
        'https://ci.example/hooks/mail/../x',
        'https://ci.example/hooks/mail/%2e%2e/x',
      ],
    ],
    [
      ['https://ci.example/hooks/'],
      ['https://ci.example/hooks/', 'https://ci.example/hooks/a'],
      ['https://ci.example/hooks'],
    ],
  ])('with %j', (allow, allowed, refused) => {
    const urls = new WebhookURLs(allow);
    for (const url of allowed) expect(urls.check(url).href).toBe(new URL(url).href);
    for (const url of refused)
      expect(() => urls.check(url), url).toThrow(expect.objectContaining({ code: 'EXCHANGE_NOT_ALLOWED' }));
  });

  it.each([
    ['', /is no URL/],
    ['localhost:3000', /not by localhost:/],
    ['/hook', /is no URL/],
    ['file:///etc/passwd', /not by file:/],
    ['ftp://localhost/', /not by ftp:/],
    ['data:text/plain,a', /not by data:/],
    ['http://user:hunter2@localhost/', /has no user and no password/],
    ['http://user@localhost/', /has no user and no password/],
  ])('%j is no URL of a webhook', (url, message) => {
    for (const make of [() => new WebhookURLs(['loopback']).check(url), () => new WebhookURLs([url])]) {
      expect(make).toThrow(message);
      expect(make).not.toThrow(/hunter2/);
      expect(make).toThrow(expect.objectContaining({ code: 'EXCHANGE_BAD_OPTION' }));
    }
  });
});

describe('a webhook', () => {
  it('costs nothing where there is none, and hears of what comes after the first one was added', async () => {
    const store = await openSQLiteStore();
    let looks = 0;
    const watched: WebhooksOptions['store'] = {
      list: (options) => {
        looks += 1;
        return store.list(options);
      },
      changes: () => store.changes(),
      settings: (prefix) => store.settings(prefix),
      setSetting: (key, value) => store.setSetting(key, value),
    };
    await using inbox = await TestInbox.open({ store: watched }, store);
    looks = 0;
    for (const subject of ['one', 'two']) await inbox.arrive(subject);
    // Who watches was told before this is answered.
    await store.counts();
    expect(looks).toBe(0);
    await inbox.webhooks.add({ url: inbox.url });
    await inbox.arrive('after');
    expect((await inbox.calls(1)).map(({ body }) => body)).toMatchObject([{ entry: { subject: 'after' } }]);
  });

  it('hears of what comes after it was added, in order, and of that alone', async () => {
    await using inbox = await TestInbox.open();
    await inbox.arrive('before');
    await inbox.webhooks.add({ url: inbox.url });
    for (const subject of ['one', 'two', 'three']) await inbox.arrive(subject);
    const calls = await inbox.calls(3);
    expect(calls.map(({ body }) => body)).toMatchObject(
      ['one', 'two', 'three'].map((subject) => ({ kind: 'added', entry: { subject } })),
    );
    expect(calls[0]).toMatchObject({
      method: 'POST',
      path: '/hook',
      headers: { 'content-type': 'application/json', 'x-smtpd-timestamp': String(CLOCK_START / 1_000) },
    });
    expect(calls[0]?.headers).not.toHaveProperty('x-smtpd-signature');
    expect(new Set(calls.map(({ headers }) => headers['x-smtpd-delivery'])).size).toBe(3);
    expect(await inbox.factsWhen(({ delivered }) => delivered === 3)).toMatchObject({ failed: 0, pending: 0 });
  });

  it('hears of nothing before, however late the changes are told, and of everything after, also when some were lost', async () => {
    await using store = await openSQLiteStore();
    let tell: () => void = () => undefined;
    const told = new Promise<void>((resolve) => {
      tell = resolve;
    });
    async function* changes(): AsyncGenerator<StoreChange> {
      await told;
      yield { kind: 'missed' };
    }
    const late = {
      list: store.list.bind(store),
      settings: store.settings.bind(store),
      setSetting: store.setSetting.bind(store),
      changes,
    };
    await using inbox = await TestInbox.open({ store: late }, store);
    await inbox.arrive('before');
    await inbox.webhooks.add({ url: inbox.url });
    await inbox.arrive('after');
    tell();
    expect((await inbox.calls(1)).map(({ body }) => body.entry.subject)).toEqual(['after']);
  });

  it('hears of what its search finds, and not of sessions', async () => {
    await using inbox = await TestInbox.open();
    await inbox.webhooks.add({ url: inbox.url, query: 'subject:order -from:test' });
    await inbox.arrive('welcome');
    await inbox.arrive('order 1');
    await inbox.arrive('order 2', { from: 'test@a.example' });
    await inbox.arrive('order 3', { kind: 'session' });
    await inbox.arrive('order 4');
    expect((await inbox.calls(2)).map(({ body }) => body.entry.subject)).toEqual(['order 1', 'order 4']);
  });

  it('signs time and body with its secret', async () => {
    await using inbox = await TestInbox.open();
    const { hasSecret } = await inbox.webhooks.add({ url: inbox.url, secret: 'hunter2' });
    expect(hasSecret).toBe(true);
    expect(JSON.stringify(inbox.webhooks.list())).not.toContain('hunter2');
    await inbox.arrive('one');
    const [call] = await inbox.calls(1);
    const signature = createHmac('sha256', 'hunter2')
      .update(`${String(CLOCK_START / 1_000)}.${call!.text}`)
      .digest('hex');
    expect(call!.headers['x-smtpd-signature']).toBe(`sha256=${signature}`);
  });

  it('is tried again, each time after twice as long, with the same delivery, and then given up', async () => {
    await using inbox = await TestInbox.open({ limits: { attemptsMax: 3 } });
    await inbox.webhooks.add({ url: inbox.url });
    inbox.answers.push(500, 429, 503, 200);
    await inbox.arrive('one');
    await inbox.arrive('two');
    await inbox.clock.fire(1_000);
    await inbox.clock.fire(2_000);
    const calls = await inbox.calls(4);
    expect(calls.map(({ body }) => body.entry.subject)).toEqual(['one', 'one', 'one', 'two']);
    expect(new Set(calls.map(({ headers }) => headers['x-smtpd-delivery'])).size).toBe(2);
    expect(await inbox.factsWhen(({ delivered }) => delivered === 1)).toMatchObject({
      failed: 1,
      pending: 0,
      lastError: 'It answered 503',
    });
  });

  it.each([
    ['7', 7_000],
    ['0', 1_000],
    [new Date(CLOCK_START + 30_000).toUTCString(), 30_000],
    ['999999999', 60_000],
    ['soon', 1_000],
  ])('waits as long as Retry-After says, within reason: %s', async (retryAfter, ms) => {
    await using inbox = await TestInbox.open({ limits: { retryMsMax: 60_000 } });
    await inbox.webhooks.add({ url: inbox.url });
    inbox.answers.push((response) => response.writeHead(503, { 'retry-after': retryAfter }).end());
    await inbox.arrive('one');
    await inbox.clock.fire(ms);
    await inbox.factsWhen(({ delivered }) => delivered === 1);
  });

  it.each([
    [404, 'It answered 404'],
    [302, 'It answered 302; redirects are not followed'],
    [307, 'It answered 307; redirects are not followed'],
  ])('%i is an answer: it is not asked again', async (status, lastError) => {
    await using inbox = await TestInbox.open();
    await inbox.webhooks.add({ url: inbox.url });
    inbox.answers.push((response) => response.writeHead(status, { location: `${inbox.url}/elsewhere` }).end());
    await inbox.arrive('one');
    expect(await inbox.factsWhen(({ failed }) => failed === 1)).toMatchObject({ lastError, delivered: 0, pending: 0 });
    await inbox.arrive('two');
    expect((await inbox.calls(2)).map(({ path }) => path)).toEqual(['/hook', '/hook']);
  });

  it('that does not answer is given up in time, and one that is not there is tried again', async () => {
    await using inbox = await TestInbox.open({ limits: { attemptsMax: 2, timeoutMs: 5_000 } });
    await inbox.webhooks.add({ url: inbox.url });
    inbox.answers.push(
      () => undefined,
      (response) => response.destroy(),
    );
    await inbox.arrive('one');
    await inbox.calls(1);
    await inbox.clock.fire(5_000);
    await inbox.clock.waitFor(1_000);
    expect(inbox.facts()).toMatchObject({ lastError: 'No answer within 5000 ms', pending: 1 });
    await inbox.clock.fire(1_000);
    expect(await inbox.factsWhen(({ failed }) => failed === 1)).toMatchObject({ pending: 0 });
    expect(inbox.facts().lastError).not.toContain('5000');
  });

  it('has a queue that ends: what is too much is dropped and counted', async () => {
    await using inbox = await TestInbox.open({ limits: { queueMax: 2 } });
    await inbox.webhooks.add({ url: inbox.url });
    let letGo: () => void = () => undefined;
    inbox.answers.push((response) => {
      letGo = () => response.end();
    });
    for (const subject of ['one', 'two', 'three']) await inbox.arrive(subject);
    expect(await inbox.factsWhen(({ failed }) => failed === 1)).toMatchObject({
      pending: 2,
      lastError: 'More than 2 calls were waiting',
    });
    await inbox.calls(1);
    letGo();
    expect(await inbox.factsWhen(({ delivered }) => delivered === 2)).toMatchObject({ pending: 0, failed: 1 });
  });

  it('is kept by the store, its secret too; where its URL is allowed no more, it is not called', async () => {
    await using store = await openSQLiteStore();
    await using inbox = await TestInbox.open({}, store);
    await inbox.webhooks.add({ url: inbox.url, query: 'subject:a', secret: 's' });
    await inbox.webhooks.add({ url: `${inbox.url}/2` });
    await store.setSetting('webhook/broken', 'what somebody else put there');
    const before = inbox.webhooks.list();
    await inbox.webhooks.close();
    await using again = await Webhooks.open({ ...inbox.options, store, allow: [`${inbox.url}/2`] });
    expect(again.list()).toEqual(before);
    await inbox.arrive('a');
    expect((await inbox.calls(1)).map(({ path }) => path)).toEqual(['/hook/2']);
    const refused = await until(
      () => again.list()[0]!,
      ({ failed }) => failed === 1,
    );
    expect(refused.lastError).toContain('may not be called');
  });

  it('that is taken away is called no more, and is gone from the store', async () => {
    await using inbox = await TestInbox.open();
    const { id } = await inbox.webhooks.add({ url: inbox.url });
    inbox.answers.push(() => undefined);
    await inbox.arrive('one');
    await inbox.arrive('two');
    await inbox.calls(1);
    expect(await inbox.webhooks.remove(id)).toBe(true);
    expect(await inbox.webhooks.remove(id)).toBe(false);
    expect([...(await inbox.store.settings('webhook/'))]).toEqual([]);
    await inbox.webhooks.add({ url: `${inbox.url}/2` });
    await inbox.arrive('three');
    expect((await inbox.calls(2)).map(({ path }) => path)).toEqual(['/hook', '/hook/2']);
  });

  it('is closed while it waits for another attempt', async () => {
    await using inbox = await TestInbox.open();
    await inbox.webhooks.add({ url: inbox.url });
    inbox.answers.push(500);
    await inbox.arrive('one');
    await inbox.clock.waitFor(1_000);
    await inbox.webhooks.close();
    expect(inbox.clock.timerCount).toBe(0);
    expect(await inbox.calls(1)).toHaveLength(1);
  });

  it('is refused: a URL that is not allowed, a search that is none, an empty secret, one too many', async () => {
    await using inbox = await TestInbox.open({ limits: { webhooksMax: 1 } });
    const { webhooks, url } = inbox;
    await expect(webhooks.add({ url: 'http://10.0.0.1/' })).rejects.toMatchObject({ code: 'EXCHANGE_NOT_ALLOWED' });
    await expect(webhooks.add({ url, query: 'form:x' })).rejects.toThrow(/^query: There is no operator form:/);
    await expect(webhooks.add({ url, secret: '' })).rejects.toMatchObject({ code: 'EXCHANGE_BAD_OPTION' });
    await expect(webhooks.add({ url, secret: 'x'.repeat(70_000) })).rejects.toThrow();
    expect(webhooks.list()).toEqual([]);
    await webhooks.add({ url });
    await expect(webhooks.add({ url })).rejects.toMatchObject({ code: 'EXCHANGE_TOO_LARGE' });
  });
});

interface Call {
  readonly method: string | undefined;
  readonly path: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly body: { readonly kind: string; readonly entry: Entry };
}

/** A store, its webhooks, and a program that is called. */
class TestInbox implements AsyncDisposable {
  readonly clock = new TimerClock();
  /** For the next calls; after them it is 204. */
  readonly answers: (number | ((response: ServerResponse) => unknown))[] = [];
  readonly #calls: Call[] = [];
  readonly #server: Server;
  #onCall: () => void = () => undefined;
  store!: MailStore;
  webhooks!: Webhooks;
  options!: WebhooksOptions;

  static async open(options: Partial<WebhooksOptions> = {}, store?: MailStore): Promise<TestInbox> {
    const inbox = new TestInbox();
    inbox.#server.listen(0, '127.0.0.1');
    await once(inbox.#server, 'listening');
    inbox.store = store ?? (await openSQLiteStore());
    inbox.options = { store: inbox.store, entryOf, clock: inbox.clock, allow: ['loopback'], ...options };
    inbox.webhooks = await Webhooks.open(inbox.options);
    return inbox;
  }

  private constructor() {
    this.#server = createServer((request, response) => {
      void text(request).then((body) => {
        const { method, url: path, headers } = request;
        this.#calls.push({ method, path, headers, text: body, body: JSON.parse(body) as Call['body'] });
        const answer = this.answers.shift() ?? 204;
        if (typeof answer === 'number') response.writeHead(answer).end('what nobody reads');
        else answer(response);
        this.#onCall();
      });
    });
  }

  get url(): string {
    return `http://127.0.0.1:${String((this.#server.address() as AddressInfo).port)}/hook`;
  }

  async arrive(
    subject: string,
    { from = 'a@a.example', kind = 'message' }: { readonly from?: string; readonly kind?: StoredMessage['kind'] } = {},
  ): Promise<void> {
    await this.store.add({
      kind,
      raw: kind === 'session' ? new Uint8Array(0) : Buffer.from(`Subject: ${subject}\r\n\r\n`),
      envelope: { mailFrom: from, rcptTos: ['b@b.example'], mailOptions: [], rcptOptions: [[]] },
      session: { peer: { address: '127.0.0.1', port: 1 } },
      receivedAt: new Date(),
      summary: { subject },
    });
  }

  /** All calls, once there are so many. */
  async calls(count: number): Promise<readonly Call[]> {
    while (this.#calls.length < count) {
      await new Promise<void>((resolve) => {
        this.#onCall = resolve;
      });
    }
    return this.#calls;
  }

  facts(): Webhook {
    return this.webhooks.list()[0]!;
  }

  async factsWhen(condition: (facts: Webhook) => boolean): Promise<Webhook> {
    return until(() => this.facts(), condition);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.webhooks.close();
    await this.store.close();
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

/** A clock whose timers are fired one by one, by how long they are. */
class TimerClock implements StoreClock {
  #now = CLOCK_START;
  #timers: { readonly ms: number; readonly callback: () => void }[] = [];
  #onTimer: () => void = () => undefined;

  now(): number {
    return this.#now;
  }

  setTimer(callback: () => void, ms: number): () => void {
    const timer = { ms, callback };
    this.#timers.push(timer);
    this.#onTimer();
    return () => {
      this.#timers = this.#timers.filter((each) => each !== timer);
    };
  }

  get timerCount(): number {
    return this.#timers.length;
  }

  /** Waits until a timer of so many milliseconds is set. */
  async waitFor(ms: number): Promise<void> {
    while (!this.#timers.some((timer) => timer.ms === ms)) {
      await new Promise<void>((resolve) => {
        this.#onTimer = resolve;
      });
    }
  }

  /** Waits for it, and lets its time pass. */
  async fire(ms: number): Promise<void> {
    await this.waitFor(ms);
    const timer = this.#timers.find((each) => each.ms === ms);
    this.#timers = this.#timers.filter((each) => each !== timer);
    this.#now += ms;
    timer?.callback();
  }
}

/** What is there, turn by turn, until it is as it should be. The test's time is the limit. */
async function until<Value>(look: () => Value, condition: (value: Value) => boolean): Promise<Value> {
  for (;;) {
    const value = look();
    if (condition(value)) return value;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function entryOf({ id, kind, receivedAt, summary, ...message }: StoredMessage): Entry {
  return { id, kind, subject: summary.subject, receivedAt: receivedAt.toISOString(), ...message } as unknown as Entry;
}
