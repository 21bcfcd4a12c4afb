/**
 * A server that speaks as the inbox does, from memory: it serves the built page under the same policy, and does what a real one cannot be
 * made to do at a given moment: break the stream of events, lose events, have fifty thousand messages at once, fail.
 */

import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname } from 'node:path';

import type {
  Counts,
  Entry,
  Fault,
  Inbox,
  Info,
  LiveEvent,
  NewFault,
  NewMail,
  NewWebhook,
  Page,
  Webhook,
} from '../../src/api/model.js';

/** A request that was made. */
export interface FakeRequest {
  readonly method: string;
  /** Below `/api/v1/`, with its query. */
  readonly path: string;
  readonly contentType: string;
  readonly body: Buffer;
}

/** Makes an entry; what is not said is as of the simplest mail. */
export function makeEntry(entry: Partial<Entry> & { readonly id: string }): Entry {
  return {
    kind: 'message',
    inbox: '',
    receivedAt: new Date().toISOString(),
    sizeBytes: 1200,
    isRead: false,
    tags: [],
    envelope: { mailFrom: 'ann@a.example', rcptTos: ['bob@b.example'], mailOptions: [], rcptOptions: [[]] },
    session: { peer: { address: '127.0.0.1', port: 40_000 }, clientName: 'a.example', protocol: 'ESMTP' },
    subject: `Message ${entry.id}`,
    from: ['Ann Onym <ann@a.example>'],
    to: ['bob@b.example'],
    cc: [],
    preview: 'Hello Bob, this is how it goes on.',
    attachmentNames: [],
    ...entry,
  };
}

export class FakeInbox implements AsyncDisposable {
  /** Newest first. */
  entries: Entry[] = [];
  inboxes: Inbox[] = [];
  faults: Fault[] = [];
  webhooks: Webhook[] = [];
  /** What was asked, beside reading. */
  readonly changes: FakeRequest[] = [];
  /** How many lists were asked for. */
  lists = 0;
  /** Answers lists, as they are when they are asked for, only when it is resolved. */
  gate: Promise<void> | undefined;
  /** Whether every question about messages fails. */
  isBroken = false;
  /** The path below which everything lies, such as `/mail/`. */
  readonly base: string;
  #lastId = 0;
  readonly #deleted = new Map<string, Entry[]>();
  readonly #streams = new Set<ServerResponse>();
  readonly #server = createServer((request, response) => {
    this.#answer(request, response).catch((error: unknown) => {
      response.writeHead(500, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ error: { code: 'INTERNAL', message: String(error) } }));
    });
  });

  private constructor(base: string) {
    this.base = base;
  }

  static async start(base = '/'): Promise<FakeInbox> {
    const fake = new FakeInbox(base);
    fake.#server.listen(0, '127.0.0.1');
    await once(fake.#server, 'listening');
    return fake;
  }

  get url(): string {
    return `http://127.0.0.1:${String((this.#server.address() as AddressInfo).port)}${this.base}`;
  }

  /** How many pages listen. */
  get listeners(): number {
    return this.#streams.size;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }

  /** Mail comes. @returns the entries, in the order in which they came */
  add(...entries: readonly Partial<Entry>[]): Entry[] {
    return entries.map((each) => {
      const entry = makeEntry({ id: String(++this.#lastId), ...each });
      this.entries.unshift(entry);
      this.tell({ kind: 'added', entry });
      return entry;
    });
  }

  /** Many messages that nobody is told of. */
  fill(count: number): void {
    const entries = Array.from({ length: count }, () => {
      const id = ++this.#lastId;
      return makeEntry({ id: String(id), subject: `Message ${String(id)}`, isRead: true });
    });
    this.entries = [...entries.reverse(), ...this.entries];
  }

  tell(event: LiveEvent): void {
    for (const stream of this.#streams) stream.write(`event: ${event.kind}\ndata: ${JSON.stringify(event)}\n\n`);
  }

  /** Cuts the streams of events. */
  cutStreams(): void {
    for (const stream of this.#streams) stream.destroy();
    this.#streams.clear();
  }

  changesTo(path: string): readonly FakeRequest[] {
    return this.changes.filter((each) => each.path.startsWith(path));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://fake.example');
    if (!url.pathname.startsWith(this.base)) {
      send(response, { status: 404 });
      return;
    }
    const path = url.pathname.slice(this.base.length);
    if (!path.startsWith('api/v1/')) {
      await sendFile(response, path === '' ? 'index.html' : path);
      return;
    }
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const place = path.slice('api/v1/'.length);
    const method = request.method ?? 'GET';
    if (method !== 'GET') {
      const contentType = request.headers['content-type'] ?? '';
      this.changes.push({ method, path: place + url.search, contentType, body });
    }
    if (this.isBroken && place.startsWith('messages')) {
      send(response, { status: 503, value: { error: { code: 'UNAVAILABLE', message: 'The disk is full.' } } });
      return;
    }
    const answer = await this.#route({ method, place, query: url.searchParams, body, response });
    if (answer !== undefined) send(response, answer);
  }

  async #route({ method, place, query, body, response }: Routed): Promise<Answer | undefined> {
    const json = () => JSON.parse(body.toString()) as Record<string, unknown>;
    const [first, second, third] = place.split('/').map(decodeURIComponent);
    switch (`${method} ${first ?? ''}`) {
      case 'GET messages': {
        if (second === undefined) {
          this.lists++;
          const page = this.#page(query);
          await this.gate;
          return { status: 'error' in page ? 400 : 200, value: page };
        }
        const entry = this.entries.find(({ id }) => id === second);
        if (entry === undefined)
          return { status: 404, value: { error: { code: 'NOT_FOUND', message: 'There is none.' } } };
        if (third === 'raw') {
          response.writeHead(200, { 'content-type': 'message/rfc822' });
          response.end(`Subject: ${entry.subject ?? ''}\r\n\r\nFrom here on\r\n`);
          return undefined;
        }
        // What else is asked of a message is not there; its panes have tests of their own.
        if (third !== undefined) return { status: 404, value: { error: { code: 'NOT_FOUND', message: third } } };
        const rest = { headers: [], parts: [], links: [], codes: [], faults: [] };
        return { status: 200, value: { entry, text: entry.preview, ...rest } };
      }
      case 'POST messages': {
        const { ids = [], isRead, add = [], remove = [] } = json() as Record<string, string[]> & { isRead?: boolean };
        if (second === 'delete') return { status: 200, value: this.#delete((entry) => ids.includes(entry.id)) };
        this.entries = this.entries.map((entry) =>
          ids.includes(entry.id)
            ? {
                ...entry,
                isRead: isRead ?? entry.isRead,
                tags: [...new Set([...entry.tags, ...add])].filter((tag) => !remove.includes(tag)),
              }
            : entry,
        );
        this.tell({ kind: 'changed', ids });
        return { status: 200, value: { changed: ids.length } };
      }
      case 'DELETE messages': {
        const matches = this.#matcher(query);
        if (matches === undefined) return { status: 400, value: BAD_SEARCH };
        return { status: 200, value: this.#delete(matches) };
      }
      case 'POST deletions': {
        const back = this.#deleted.get(second ?? '') ?? [];
        this.#deleted.delete(second ?? '');
        this.entries = [...this.entries, ...back].sort((one, other) => Number(other.id) - Number(one.id));
        const ids = back.map(({ id }) => id);
        this.tell({ kind: 'restored', ids });
        return { status: 200, value: { ids } };
      }
      case 'GET counts':
        return { status: 200, value: this.#counts() };
      case 'GET info':
        return { status: 200, value: INFO };
      case 'GET events':
        response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
        response.write(': connected\n\n');
        this.#streams.add(response);
        response.on('close', () => this.#streams.delete(response));
        return undefined;
      case 'GET inboxes':
        return { status: 200, value: this.inboxes };
      case 'POST inboxes': {
        const { name = 'k3f9' } = json() as { name?: string };
        if (this.inboxes.some((each) => each.name === name)) {
          return {
            status: 409,
            value: { error: { code: 'CONFLICT', message: `There is an inbox "${name}" already` } },
          };
        }
        const inbox: Inbox = {
          name,
          addressSuffix: `@${name}.inbox.test`,
          tag: `+${name}`,
          user: name,
          password: 'geheim',
          createdAt: new Date().toISOString(),
        };
        this.inboxes.push(inbox);
        this.tell({ kind: 'settings', key: 'inboxes' });
        return { status: 201, value: inbox };
      }
      case 'DELETE inboxes':
        this.inboxes = this.inboxes.filter(({ name }) => name !== second);
        this.#delete(({ inbox }) => inbox === second);
        this.tell({ kind: 'settings', key: 'inboxes' });
        return { status: 204 };
      case 'GET faults':
        return { status: 200, value: this.faults };
      case 'POST faults': {
        const fault = { id: `f${String(++this.#lastId)}`, hits: 0, ...(json() as NewFault) };
        this.faults.push(fault);
        return { status: 201, value: fault };
      }
      case 'DELETE faults':
        this.faults = this.faults.filter(({ id }) => id !== second);
        return { status: 204 };
      case 'GET webhooks':
        return { status: 200, value: this.webhooks };
      case 'POST webhooks': {
        const { url, query: search, secret } = json() as NewWebhook;
        const counters = { delivered: 0, failed: 0, pending: 0, hasSecret: secret !== undefined };
        const webhook = { id: `w${String(++this.#lastId)}`, url, ...counters, ...(search ? { query: search } : {}) };
        this.webhooks.push(webhook);
        return { status: 201, value: webhook };
      }
      case 'DELETE webhooks':
        this.webhooks = this.webhooks.filter(({ id }) => id !== second);
        return { status: 204 };
      case 'POST send': {
        const mail = json() as NewMail;
        const [entry] = this.add({ subject: mail.subject ?? '', from: [mail.from], to: mail.to });
        return { status: 201, value: { id: entry?.id } };
      }
      case 'POST import':
        this.add({ subject: /^Subject: (.*?)\r?$/m.exec(body.toString())?.[1] ?? 'imported' });
        return { status: 200, value: { ids: [String(this.#lastId)] } };
      case 'GET export':
        response.writeHead(200, { 'content-disposition': 'attachment; filename="messages.mbox"' });
        response.end('From ann@a.example Wed Nov 25 20:00:00 2026\n\n');
        return undefined;
      default:
        return { status: 404, value: { error: { code: 'NOT_FOUND', message: place } } };
    }
  }

  #page(query: URLSearchParams): Page | typeof BAD_SEARCH {
    const matches = this.#matcher(query);
    if (matches === undefined) return BAD_SEARCH;
    const limit = Number(query.get('limit') ?? 50);
    const [before, after] = [query.get('before'), query.get('after')];
    const all = this.entries.filter(
      (entry) =>
        matches(entry) &&
        (before === null || Number(entry.id) < Number(before)) &&
        (after === null || Number(entry.id) > Number(after)),
    );
    const entries = after === null ? all.slice(0, limit) : all.slice(-limit);
    const last = entries.at(-1);
    return {
      entries,
      ...(after === null && all.length > limit && last !== undefined ? { older: last.id } : {}),
      newer: entries[0]?.id ?? after ?? String(this.#lastId),
    };
  }

  /** The few operators that the tests use; `undefined` for a search that is none. */
  #matcher(query: URLSearchParams): ((entry: Entry) => boolean) | undefined {
    const words = (query.get('q') ?? '').split(' ').filter((word) => word !== '');
    const inbox = query.get('inbox');
    if (words.some((word) => /^[a-z-]+:$/.test(word))) return undefined;
    return (entry) =>
      (inbox === null || entry.inbox === inbox) &&
      (query.get('sessions') === 'true' || entry.kind === 'message') &&
      words.every((word) =>
        word === 'is:unread'
          ? !entry.isRead
          : (entry.subject ?? '').toLowerCase().includes(word.replace(/^subject:/, '').toLowerCase()),
      );
  }

  #delete(matches: (entry: Entry) => boolean) {
    const gone = this.entries.filter(matches);
    this.entries = this.entries.filter((entry) => !matches(entry));
    const id = `d${String(++this.#lastId)}`;
    this.#deleted.set(id, gone);
    const ids = gone.map((entry) => entry.id);
    this.tell({ kind: 'deleted', ids });
    return { id, ids, restorableUntil: new Date(Date.now() + 600_000).toISOString() };
  }

  #counts(): Counts {
    const messages = this.entries.filter(({ kind }) => kind === 'message');
    const count = (some: readonly Entry[]) => ({
      messages: some.length,
      unread: some.filter(({ isRead }) => !isRead).length,
      bytes: some.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    });
    const names = ['', ...this.inboxes.map(({ name }) => name)];
    const each = names.map((name) => [name, count(messages.filter(({ inbox }) => inbox === name))] as const);
    return { ...count(messages), inboxes: Object.fromEntries(each) };
  }
}

/** What is answered as JSON. */
interface Answer {
  readonly status: number;
  readonly value?: object;
}

interface Routed {
  readonly method: string;
  readonly place: string;
  readonly query: URLSearchParams;
  readonly body: Buffer;
  readonly response: ServerResponse;
}

function send(response: ServerResponse, { status, value }: Answer): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(value === undefined ? undefined : JSON.stringify(value));
}

async function sendFile(response: ServerResponse, path: string): Promise<void> {
  const content = await readFile(new URL(path, PAGE)).catch(() => undefined);
  response.writeHead(content === undefined ? 404 : 200, {
    'content-type': CONTENT_TYPES[extname(path)] ?? 'application/octet-stream',
    'content-security-policy': PAGE_POLICY,
  });
  response.end(content);
}

const PAGE = new URL('../../dist/page/', import.meta.url);
/** As the real one has it. */
const PAGE_POLICY =
  "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};
const BAD_SEARCH = { error: { code: 'BAD_SEARCH', message: 'An operator needs a value behind its colon' } } as const;
const INFO: Info = {
  version: '0.1.0',
  smtp: [{ host: '127.0.0.1', port: 1025, tls: 'offer' }],
  auth: 'any',
  limits: { messagesMax: 10_000, bytesMax: 1_073_741_824, messageBytesMax: 33_554_432, ageMsMax: 604_800_000 },
  can: { release: false, remoteContent: false, dns: false, recipientFaults: false, keeps: false },
  inboxDomain: 'inbox.test',
};
