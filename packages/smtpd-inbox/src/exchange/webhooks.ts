/**
 * Other programs are told of new messages: `POST { kind: 'added', entry }` to each webhook whose search finds the message, in the order in
 * which messages came, one call at a time.
 *
 *     store.changes()   something came
 *     → store.list()    what came since the last look, and which of it a webhook's search finds
 *     → queue           of each webhook, bounded
 *     → fetch           with a timeout, no redirects; again after a while when it fails for a reason that may pass
 *
 * Which URLs are called at all is `webhook-urls.ts`. Webhooks are kept in the settings of the store, their queues and counters are not.
 */

import { createHmac, randomUUID } from 'node:crypto';

import { StoreError, type MailStore, type MessageQuery, type StoreClock, type StoredMessage } from 'smtpd-store';

import type { Entry, NewWebhook, Webhook } from '../api/model.js';
import { parseSearch } from '../search/search-syntax.js';
import { ExchangeError } from './exchange-error.js';
import { WebhookURLs } from './webhook-urls.js';

/** What webhooks need. */
export interface WebhooksOptions {
  readonly store: Pick<MailStore, 'list' | 'changes' | 'settings' | 'setSetting'>;
  /** Makes what the API says of a message. */
  readonly entryOf: (message: StoredMessage) => Entry;
  /** URLs that may be called, and below which others may; `loopback` for this machine. Default: none. */
  readonly allow?: readonly string[];
  readonly clock?: StoreClock;
  readonly fetch?: typeof fetch;
  /** Told of what should not have happened; the next message is looked at all the same. Default: nobody is. */
  readonly onError?: (error: unknown) => void;
  readonly limits?: Partial<WebhookLimits>;
}

/** How much, and how long. */
export interface WebhookLimits {
  /** Webhooks that there may be. */
  readonly webhooksMax: number;
  /** Calls of a webhook that wait; what comes then is dropped and counted as failed. */
  readonly queueMax: number;
  /** How often a call is tried. */
  readonly attemptsMax: number;
  /** How long an answer may take. */
  readonly timeoutMs: number;
  /** How long to wait before the second attempt; before each further one, twice as long. */
  readonly retryMs: number;
  /** The longest wait between two attempts, whatever Retry-After says. */
  readonly retryMsMax: number;
}

export const DEFAULT_WEBHOOK_LIMITS: WebhookLimits = Object.freeze({
  webhooksMax: 100,
  queueMax: 1_000,
  attemptsMax: 6,
  timeoutMs: 10_000,
  retryMs: 1_000,
  retryMsMax: 600_000,
});

/**
 * The webhooks of an inbox.
 *
 * @example
 * ```ts
 * import { Webhooks, type Entry } from 'smtpd-inbox';
 * import { openSQLiteStore, type StoredMessage } from 'smtpd-store';
 * declare const entryOf: (message: StoredMessage) => Entry;
 * await using store = await openSQLiteStore();
 * await using webhooks = await Webhooks.open({ store, entryOf, allow: ['http://localhost:3000/'] });
 * await webhooks.add({ url: 'http://localhost:3000/mail', query: 'to:*@shop.example', secret: 'a long one' });
 * ```
 */
export class Webhooks implements AsyncDisposable {
  readonly #store: WebhooksOptions['store'];
  readonly #entryOf: WebhooksOptions['entryOf'];
  readonly #onError: (error: unknown) => void;
  readonly #urls: WebhookURLs;
  readonly #context: CallContext;
  readonly #limits: WebhookLimits;
  readonly #callers = new Map<string, WebhookCaller>();
  /** What is watched from the first webhook on: nobody pays for webhooks that there are not. */
  #changes: AsyncIterator<StoreChangeOf<WebhooksOptions['store']>> | undefined;
  /** What comes behind this place was not looked at yet. */
  #place: string;
  #lastAddedAt = 0;
  #isClosed = false;
  #watching: Promise<void> = Promise.resolve();
  #looking: Promise<void> = Promise.resolve();

  /** Reads the webhooks that the store keeps, and begins to watch. @throws {@link ExchangeError} `EXCHANGE_BAD_OPTION`; a `StoreError` */
  static async open(options: WebhooksOptions): Promise<Webhooks> {
    const urls = new WebhookURLs(options.allow ?? []);
    const { newer } = await options.store.list({ limit: 1 });
    const webhooks = new Webhooks(options, { urls, place: newer });
    const kept = [...(await options.store.settings(SETTING_PREFIX))].flatMap(([key, value]) => {
      const webhook = keptWebhook(value);
      return webhook === undefined ? [] : [{ id: key.slice(SETTING_PREFIX.length), webhook }];
    });
    kept.sort((one, other) => one.webhook.addedAt - other.webhook.addedAt);
    for (const { id, webhook } of kept) webhooks.#begin(id, webhook);
    // What came in the meantime.
    if (kept.length > 0) void webhooks.#lookAtWhatCame();
    return webhooks;
  }

  private constructor(
    options: WebhooksOptions,
    beginning: {
      readonly urls: WebhookURLs;
      readonly place: string;
    },
  ) {
    this.#store = options.store;
    this.#entryOf = options.entryOf;
    this.#onError = options.onError ?? (() => undefined);
    this.#limits = Object.freeze({ ...DEFAULT_WEBHOOK_LIMITS, ...options.limits });
    this.#urls = beginning.urls;
    this.#place = beginning.place;
    this.#context = {
      urls: beginning.urls,
      clock: options.clock ?? systemClock,
      fetch: options.fetch ?? fetch,
      limits: this.#limits,
    };
  }

  /** All of them, in the order in which they were added. */
  list(): readonly Webhook[] {
    return [...this.#callers.values()].map((caller) => caller.facts);
  }

  /**
   * Adds one, and keeps it. It hears of what comes from now on.
   *
   * @throws {@link ExchangeError} `EXCHANGE_NOT_ALLOWED` for a URL that is not listed; `EXCHANGE_BAD_OPTION`; `EXCHANGE_TOO_LARGE`
   */
  async add({ url, query, secret }: NewWebhook): Promise<Webhook> {
    const checked = this.#urls.check(url).href;
    if (query !== undefined) {
      const search = parseSearch(query, { now: new Date(this.#context.clock.now()) });
      if ('fault' in search) throw new ExchangeError('EXCHANGE_BAD_OPTION', `query: ${search.fault.message}`);
    }
    if (secret === '')
      throw new ExchangeError('EXCHANGE_BAD_OPTION', 'secret: an empty one signs nothing; leave it out');
    if (this.#callers.size >= this.#limits.webhooksMax) {
      throw new ExchangeError('EXCHANGE_TOO_LARGE', `There are at most ${this.#limits.webhooksMax} webhooks`);
    }
    const kept: KeptWebhook = {
      url: checked,
      addedAt: this.#nextAddedAt(),
      ...(query === undefined ? {} : { query }),
      ...(secret === undefined ? {} : { secret }),
    };
    const id = randomUUID();
    await this.#store.setSetting(`${SETTING_PREFIX}${id}`, kept);
    // What came before is the others' alone.
    await this.#lookAtWhatCame();
    const { facts } = this.#begin(id, kept);
    // What came between the two is its own.
    void this.#lookAtWhatCame();
    return facts;
  }

  /** Takes one away, with what waits to be sent to it. @returns whether there was one */
  async remove(id: string): Promise<boolean> {
    const caller = this.#callers.get(id);
    if (caller === undefined) return false;
    this.#callers.delete(id);
    await caller.close();
    await this.#store.setSetting(`${SETTING_PREFIX}${id}`, undefined);
    return true;
  }

  /** Ends it: calls under way are cut off, what waits is not sent. The webhooks stay in the store. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#changes?.return?.();
    await Promise.all([this.#watching, ...[...this.#callers.values()].map((caller) => caller.close())]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** They are listed by it: no two are added at one time, even if the clock says so. */
  #nextAddedAt(): number {
    this.#lastAddedAt = Math.max(this.#context.clock.now(), this.#lastAddedAt + 1);
    return this.#lastAddedAt;
  }

  #begin(id: string, kept: KeptWebhook): WebhookCaller {
    this.#lastAddedAt = Math.max(this.#lastAddedAt, kept.addedAt);
    const caller = new WebhookCaller(id, kept, this.#context);
    this.#callers.set(id, caller);
    if (this.#changes === undefined) {
      const changes = this.#store.changes({ kinds: ['added'] })[Symbol.asyncIterator]();
      this.#changes = changes;
      this.#watching = this.#watch(changes);
    }
    return caller;
  }

  async #watch(changes: AsyncIterator<StoreChangeOf<WebhooksOptions['store']>>): Promise<void> {
    for (;;) {
      const change = await changes.next();
      if (change.done === true || this.#isClosed) return;
      // The next one that is added begins at the newest message.
      if (this.#callers.size === 0) continue;
      if (change.value.kind === 'added' || change.value.kind === 'missed') await this.#lookAtWhatCame();
    }
  }

  /** One look after the other: whatever told of it, a message that came is seen once. */
  #lookAtWhatCame(): Promise<void> {
    this.#looking = this.#looking.then(() => this.#look());
    return this.#looking;
  }

  async #look(): Promise<void> {
    try {
      if (this.#callers.size === 0) {
        this.#place = (await this.#store.list({ limit: 1 })).newer;
        return;
      }
      for (;;) {
        const after = this.#place;
        const page = await this.#store.list({ after, limit: PAGE_MESSAGES, query: IS_MESSAGE });
        if (page.messages.length === 0 || this.#isClosed) return;
        this.#place = page.newer;
        const messages = [...page.messages].reverse();
        for (const caller of [...this.#callers.values()]) {
          const found = await this.#idsFor(caller, after);
          for (const message of messages) {
            if (found === undefined || found.has(message.id)) caller.offer(this.#entryOf(message));
          }
        }
      }
    } catch (error) {
      // A store that is closed has nothing to tell any more; a look that failed is made again with the next message.
      if (!(error instanceof StoreError)) this.#onError(error);
    }
  }

  /** @returns the messages behind a place that a webhook hears of; `undefined` for all of them */
  async #idsFor(caller: WebhookCaller, after: string): Promise<ReadonlySet<string> | undefined> {
    if (caller.query === undefined) return undefined;
    // `after:2h` is two hours from now, whenever that is.
    const search = parseSearch(caller.query, { now: new Date(this.#context.clock.now()) });
    if ('fault' in search) return NOTHING;
    // These are the nearest to the place: whatever the page has of them is among as many.
    const query: MessageQuery = { kind: 'and', queries: [IS_MESSAGE, search.query] };
    const { messages } = await this.#store.list({ after, limit: PAGE_MESSAGES, query });
    return new Set(messages.map(({ id }) => id));
  }
}

/** One webhook: its queue, and the calls. */
class WebhookCaller {
  readonly #id: string;
  readonly #kept: KeptWebhook;
  readonly #context: CallContext;
  readonly #queue: Entry[] = [];
  readonly #closing = new AbortController();
  #working: Promise<void> | undefined;
  #delivered = 0;
  #failed = 0;
  #lastError: string | undefined;

  constructor(id: string, kept: KeptWebhook, context: CallContext) {
    this.#id = id;
    this.#kept = kept;
    this.#context = context;
  }

  get query(): string | undefined {
    return this.#kept.query;
  }

  get facts(): Webhook {
    const { url, query, secret } = this.#kept;
    return {
      id: this.#id,
      url,
      ...(query === undefined ? {} : { query }),
      hasSecret: secret !== undefined,
      delivered: this.#delivered,
      failed: this.#failed,
      pending: this.#queue.length,
      ...(this.#lastError === undefined ? {} : { lastError: this.#lastError }),
    };
  }

  offer(entry: Entry): void {
    if (this.#closing.signal.aborted) return;
    const { queueMax } = this.#context.limits;
    if (this.#queue.length >= queueMax) {
      this.#failed += 1;
      this.#lastError = `More than ${queueMax} calls were waiting`;
      return;
    }
    this.#queue.push(entry);
    this.#working ??= this.#work();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#working;
  }

  /** What is called stands in the queue until it is over, so that it counts as pending. */
  async #work(): Promise<void> {
    for (let entry = this.#queue[0]; entry !== undefined; entry = this.#queue[0]) {
      const error = await this.#deliver(entry);
      if (this.#closing.signal.aborted) break;
      this.#queue.shift();
      if (error === undefined) this.#delivered += 1;
      else this.#failed += 1;
    }
    this.#working = undefined;
  }

  /** @returns why it was given up; `undefined` when it arrived */
  async #deliver(entry: Entry): Promise<string | undefined> {
    const { limits } = this.#context;
    const body = JSON.stringify({ kind: 'added', entry });
    const delivery = randomUUID();
    for (let attempt = 1; ; attempt += 1) {
      // Closed while it waited: nothing is sent any more.
      if (this.#closing.signal.aborted) return undefined;
      const result = await this.#call(body, delivery);
      if (result.kind === 'delivered') return undefined;
      this.#lastError = result.error;
      if (result.kind === 'failed' || attempt >= limits.attemptsMax) return result.error;
      const backoffMs = limits.retryMs * 2 ** (attempt - 1);
      await this.#wait(Math.min(Math.max(backoffMs, result.retryAfterMs), limits.retryMsMax));
    }
  }

  async #call(body: string, delivery: string): Promise<CallResult> {
    const { urls, clock, limits } = this.#context;
    const timeout = new AbortController();
    const cancelTimer = clock.setTimer(() => {
      timeout.abort();
    }, limits.timeoutMs);
    try {
      // What was allowed when it was added need not be any more.
      const url = urls.check(this.#kept.url);
      const response = await this.#context.fetch(url, {
        method: 'POST',
        body,
        headers: this.#headers(body, delivery),
        redirect: 'manual',
        signal: AbortSignal.any([timeout.signal, this.#closing.signal]),
      });
      // Nobody reads it; and a connection whose answer is not read is not used again.
      await response.body?.cancel();
      return resultOf(response, clock);
    } catch (error) {
      if (error instanceof ExchangeError) return { kind: 'failed', error: error.message };
      const reason = timeout.signal.aborted ? `No answer within ${limits.timeoutMs} ms` : reasonOf(error);
      return { kind: 'again', error: reason, retryAfterMs: 0 };
    } finally {
      cancelTimer();
    }
  }

  #headers(body: string, delivery: string): Record<string, string> {
    const { secret } = this.#kept;
    const timestamp = String(Math.floor(this.#context.clock.now() / 1_000));
    const headers = {
      'content-type': 'application/json',
      'user-agent': 'smtpd-inbox',
      'x-smtpd-delivery': delivery,
      'x-smtpd-timestamp': timestamp,
    };
    if (secret === undefined) return headers;
    // The time is signed, too: whoever checks it cannot be told the same again much later.
    const signature = createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex');
    return { ...headers, 'x-smtpd-signature': `sha256=${signature}` };
  }

  #wait(ms: number): Promise<void> {
    const { signal } = this.#closing;
    return new Promise((resolve) => {
      const done = (): void => {
        cancelTimer();
        signal.removeEventListener('abort', done);
        resolve();
      };
      const cancelTimer = this.#context.clock.setTimer(done, ms);
      signal.addEventListener('abort', done);
      if (signal.aborted) done();
    });
  }
}

/** What one call came to. */
type CallResult =
  | { readonly kind: 'delivered' }
  | { readonly kind: 'again'; readonly error: string; readonly retryAfterMs: number }
  | { readonly kind: 'failed'; readonly error: string };

function resultOf({ ok, status, headers }: Response, clock: StoreClock): CallResult {
  if (ok) return { kind: 'delivered' };
  if (status >= 300 && status < 400)
    return { kind: 'failed', error: `It answered ${status}; redirects are not followed` };
  const error = `It answered ${status}`;
  return status >= 500 || PASSING_STATUSES.has(status)
    ? { kind: 'again', error, retryAfterMs: retryAfterMs(headers.get('retry-after'), clock) }
    : { kind: 'failed', error };
}

/** Seconds, or a date (RFC 9110 §10.2.3). */
function retryAfterMs(value: string | null, clock: StoreClock): number {
  if (value === null) return 0;
  const ms = /^\d{1,9}$/.test(value) ? Number(value) * 1_000 : Date.parse(value) - clock.now();
  return Number.isFinite(ms) ? Math.max(0, ms) : 0;
}

/** The reason behind "fetch failed". */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  return cause instanceof Error && cause.message !== '' ? cause.message : error.message;
}

/** A webhook as the store keeps it. */
interface KeptWebhook {
  readonly url: string;
  readonly addedAt: number;
  readonly query?: string;
  readonly secret?: string;
}

/** @returns `undefined` for what somebody else put there */
function keptWebhook(value: unknown): KeptWebhook | undefined {
  if (typeof value !== 'object' || value === null || !('url' in value) || typeof value.url !== 'string')
    return undefined;
  const { query, secret, addedAt } = value as { query?: unknown; secret?: unknown; addedAt?: unknown; url: string };
  return {
    url: value.url,
    addedAt: typeof addedAt === 'number' ? addedAt : 0,
    ...(typeof query === 'string' ? { query } : {}),
    ...(typeof secret === 'string' ? { secret } : {}),
  };
}

interface CallContext {
  readonly urls: WebhookURLs;
  readonly clock: StoreClock;
  readonly fetch: typeof fetch;
  readonly limits: WebhookLimits;
}

type StoreChangeOf<Store extends Pick<MailStore, 'changes'>> =
  ReturnType<Store['changes']> extends AsyncIterable<infer Change> ? Change : never;

const systemClock: StoreClock = Object.freeze({
  now: () => Date.now(),
  setTimer(callback: () => void, ms: number) {
    const timer = setTimeout(callback, ms).unref();
    return () => {
      clearTimeout(timer);
    };
  },
});

const SETTING_PREFIX = 'webhook/';
const PAGE_MESSAGES = 100;
const IS_MESSAGE: MessageQuery = { kind: 'not', query: { kind: 'isSession' } };
const NOTHING: ReadonlySet<string> = new Set();
/** Request Timeout, Too Early, Too Many Requests. */
const PASSING_STATUSES: ReadonlySet<number> = new Set([408, 425, 429]);
