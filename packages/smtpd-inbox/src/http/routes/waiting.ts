/** The route that tests wait on: it answers when the message is there, and says what was there instead when it does not come. */

import type { ListOptions, MessageQuery, Page, StoredMessage } from 'smtpd-store';
import { Type } from 'typebox';

import { WaitResult } from '../../api/model.js';
import { entryOf } from '../../search/entry.js';
import { mismatchesOf, nearMissesOf, parseWait, type Wait } from '../../search/wait-match.js';
import { APIError } from '../api-error.js';
import { json, route, type Route } from '../route.js';
import type { InboxServices } from '../services.js';

export function waitingRoutes({ store, now }: InboxServices): readonly Route[] {
  return [
    route({
      method: 'GET',
      path: '/wait',
      operationId: 'waitForMessage',
      tag: 'Waiting',
      summary: 'Answers as soon as there is a message like this.',
      description:
        'Without `after`, a message that is there already counts, and the newest comes first. With `after` (a `cursor` from before) only what came since counts, oldest first, so that each is met once. With `before` only what is older counts, newest first, and nothing is waited for.',
      query: Type.Object({
        to: Type.Optional(
          Type.String({ description: 'A recipient, of the envelope or the header; `*` is any text.', maxLength: 998 }),
        ),
        from: Type.Optional(
          Type.String({ description: 'The sender, of the envelope or the header; `*` is any text.', maxLength: 998 }),
        ),
        subject: Type.Optional(Type.String({ description: 'Part of the subject.', maxLength: 998 })),
        body: Type.Optional(Type.String({ description: 'Words of the text, one after the other.', maxLength: 998 })),
        q: Type.Optional(Type.String({ description: 'A search.', maxLength: 4096 })),
        inbox: Type.Optional(Type.String({ description: 'Only this inbox. Default: all.', maxLength: 63 })),
        after: Type.Optional(Type.String({ description: 'A `cursor`: only what came since.', maxLength: 200 })),
        before: Type.Optional(Type.String({ description: 'A `cursor`: only what is older.', maxLength: 200 })),
        timeout: Type.Optional(
          Type.Number({ minimum: 0, maximum: 600, description: 'How many seconds to wait. Default: 30.' }),
        ),
      }),
      answer: { status: 200, description: 'The message.', schema: WaitResult },
      errors: ['NO_MATCH', 'BAD_SEARCH'],
      handle: async ({ query: { inbox, after, before, timeout = 30, ...criteria }, signal }) => {
        if (after !== undefined && before !== undefined)
          throw new APIError('BAD_REQUEST', 'It is waited for what came after a place, or looked before one, not both');
        const parsed = parseWait(criteria, { now: now() });
        if ('fault' in parsed) throw new APIError('BAD_SEARCH', parsed.fault.message);
        const waiting = new Waiting(store, {
          wait: parsed.wait,
          ...(inbox === undefined ? {} : { inbox }),
          ...(after === undefined ? {} : { after }),
          ...(before === undefined ? {} : { before }),
        });
        return json(await waiting.run(timeout * 1000, signal));
      },
    }),
  ];
}

interface WaitingOptions {
  readonly wait: Wait;
  readonly inbox?: string;
  /** Only what came after this place. */
  readonly after?: string;
  /** Only what is there and older than this place. Not together with `after`. */
  readonly before?: string;
}

/** Somebody who waits. */
class Waiting {
  readonly #store: InboxServices['store'];
  readonly #options: WaitingOptions;
  /** What the store can look for itself. */
  readonly #list: ListOptions;
  /** From where on nothing was looked at yet. */
  #place: string | undefined;

  constructor(store: InboxServices['store'], options: WaitingOptions) {
    this.#store = store;
    this.#options = options;
    this.#list = {
      query: options.wait.query,
      ...(options.inbox === undefined ? {} : { inbox: options.inbox }),
      limit: PAGE_LENGTH,
    };
    this.#place = options.after;
  }

  /** @throws APIError `NO_MATCH` when the time is over */
  async run(timeoutMs: number, signal: AbortSignal): Promise<WaitResult> {
    // A timer of its own and not `AbortSignal.timeout`, which takes whole milliseconds only and goes on when the wait has ended.
    let timer: NodeJS.Timeout | undefined;
    const over = new Promise<undefined>((resolve) => {
      timer = setTimeout(resolve, timeoutMs, undefined);
      signal.addEventListener('abort', () => {
        resolve(undefined);
      });
    });
    // Whatever comes while it is looked for is told of afterwards: nothing falls between.
    const changes = this.#store.changes()[Symbol.asyncIterator]();
    try {
      let found = await (this.#options.after === undefined ? this.#findThere() : this.#findNew());
      while (found === undefined && this.#options.before === undefined) {
        const change = await Promise.race([changes.next(), over]);
        if (change === undefined || change.done === true) break;
        const { kind } = change.value;
        if (kind === 'added' || kind === 'restored' || kind === 'missed') found = await this.#findNew();
      }
      return found ?? (await this.#complain(timeoutMs));
    } finally {
      clearTimeout(timer);
      await changes.return?.();
    }
  }

  /** Newest first, among what is there. */
  async #findThere(): Promise<WaitResult | undefined> {
    this.#place = (await this.#store.list({ limit: 1 })).newer;
    let { before } = this.#options;
    for (let pages = 0; pages < PAGES_MAX; pages += 1) {
      const from = before === undefined ? {} : { before };
      const page = await this.#store.list({ ...this.#list, ...from });
      const index = page.messages.findIndex((message) => this.#isIt(message));
      const message = page.messages[index];
      if (message !== undefined) return resultOf(message, await this.#placeOf(index, page, from));
      before = page.older;
      if (before === undefined) return undefined;
    }
    return undefined;
  }

  /** Oldest first, among what came since. */
  async #findNew(): Promise<WaitResult | undefined> {
    for (;;) {
      const from = this.#place === undefined ? {} : { after: this.#place };
      const page = await this.#store.list({ ...this.#list, ...from });
      // A page is newest first, also when it is what comes next.
      const index = page.messages.findLastIndex((message) => this.#isIt(message));
      const found = page.messages[index];
      if (found !== undefined) {
        const upToIt = await this.#store.list({ ...this.#list, ...from, limit: page.messages.length - index });
        return resultOf(found, upToIt.newer);
      }
      if (page.messages.length === 0) return undefined;
      this.#place = page.newer;
    }
  }

  /** The place behind which everything is newer than a page's message: a page's `newer` is that of its first. */
  async #placeOf(index: number, page: Page, from: Pick<ListOptions, 'before'>): Promise<string> {
    if (index === 0) return page.newer;
    const { older } = await this.#store.list({ ...this.#list, ...from, limit: index });
    if (older === undefined) return page.newer;
    return (await this.#store.list({ ...this.#list, before: older, limit: 1 })).newer;
  }

  /** The store was asked for what only it knows. */
  #isIt(message: StoredMessage): boolean {
    return mismatchesOf(this.#options.wait, { entry: entryOf(message), isInBody: true, isFound: true }).length === 0;
  }

  async #complain(timeoutMs: number): Promise<never> {
    const { wait, inbox, after, before } = this.#options;
    const list: ListOptions = {
      ...(inbox === undefined ? {} : { inbox }),
      ...(after === undefined ? {} : { after }),
      ...(before === undefined ? {} : { before }),
      limit: PAGE_LENGTH,
    };
    const notSession: MessageQuery = { kind: 'not', query: { kind: 'isSession' } };
    const { messages, newer } = await this.#store.list({ ...list, query: notSession });
    // What came between the last look and this one is for who goes on from here.
    const cursor = this.#place ?? newer;
    const idsOf = async (query: MessageQuery | undefined): Promise<ReadonlySet<string> | undefined> =>
      query === undefined
        ? undefined
        : new Set(
            (await this.#store.list({ ...list, query: { kind: 'and', queries: [notSession, query] } })).messages.map(
              ({ id }) => id,
            ),
          );
    const [inBody, found] = [await idsOf(wait.queries.body), await idsOf(wait.queries.q)];
    const nearMisses = nearMissesOf(
      wait,
      messages.map((message) => ({
        entry: entryOf(message),
        ...(inBody === undefined ? {} : { isInBody: inBody.has(message.id) }),
        ...(found === undefined ? {} : { isFound: found.has(message.id) }),
      })),
    );
    const [nearest] = nearMisses;
    const said =
      nearest === undefined
        ? 'nothing came at all'
        : `the nearest is "${nearest.entry.subject ?? '(no subject)'}": ${nearest.reasons.join('; ')}`;
    throw new APIError('NO_MATCH', `No message like this came within ${String(timeoutMs / 1000)} s; ${said}`, {
      nearMisses,
      cursor,
    });
  }
}

function resultOf(message: StoredMessage, cursor: string): WaitResult {
  return { entry: entryOf(message), cursor };
}

const PAGE_LENGTH = 100;
/** Of what is there, so much is looked at. */
const PAGES_MAX = 100;
