/** What can be done with the mail of an inbox, be it everybody's or an isolated one: waiting, listing, searching, clearing. */

import type { Deletion, LiveEvent, Page } from '../api/model.js';
import { checkCriteria, checkOptions } from './check-options.js';
import { InboxError } from './client-errors.js';
import type { Connection } from './connection.js';
import { Attempts, liveEvents } from './event-stream.js';
import { InboxFaults } from './inbox-faults.js';
import { InboxMessage } from './inbox-message.js';
import type { MessageCriteria } from './message-criteria.js';
import { pause } from './pause.js';
import { findMessage, waitForMessage } from './waiting.js';

/** What every call takes. */
export interface CallOptions {
  /** Ends it; it then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** What is waited for, and for how long. */
export interface WaitOptions extends MessageCriteria, CallOptions {
  /** Default: 5,000. */
  readonly timeoutMs?: number | undefined;
  /** Only what came after this message, which was waited for; or after a place: a `cursor`, or a page's `newer`. */
  readonly after?: InboxMessage | string | undefined;
}

/** Which messages a list has. */
export interface ListOptions extends CallOptions {
  /** A search that finds them. */
  readonly q?: string | undefined;
  /** How many at most. Default: 100. */
  readonly limit?: number | undefined;
}

/** Which part of the list a page is. */
export interface PageOptions extends ListOptions {
  /** A page's `older`: what comes behind it. */
  readonly before?: string | undefined;
  /** A page's `newer`: what came since. */
  readonly after?: string | undefined;
  /** Whether sessions that ended without a message are rows, too. Default: `false`. */
  readonly hasSessions?: boolean | undefined;
}

/** Which new mail is wanted, from where on. */
export interface MessagesOptions extends MessageCriteria, CallOptions {
  /** Default: the moment of the call. */
  readonly after?: InboxMessage | string | undefined;
  /** How long a server that has gone is looked for. Default: 30,000. */
  readonly reconnectMs?: number | undefined;
}

/** A message, or its id. */
export type MessageReference = string | { readonly id: string };

/** The types of what can be imported. */
export type ImportType = 'message/rfc822' | 'application/mbox' | 'application/zip';

/** What can be imported. */
export type ImportContent = Uint8Array | string | Blob | ReadableStream<Uint8Array>;

/** What became of an import. */
export interface ImportResult {
  /** The messages that were kept. */
  readonly ids: readonly string[];
  /** What was passed over, and why. */
  readonly skipped: readonly { readonly name: string; readonly reason: string }[];
}

/** The mail of one inbox, or of all. */
export class MailView {
  /** Faults for whoever sends mail here. */
  readonly faults: InboxFaults;
  /** The inbox whose mail this is; `undefined` for all. */
  readonly inbox: string | undefined;
  protected readonly connection: Connection;

  /** @internal */
  constructor(connection: Connection, inbox: string | undefined) {
    this.connection = connection;
    this.inbox = inbox;
    this.faults = new InboxFaults(connection, inbox);
  }

  /**
   * Waits for a message. One that is there already counts, the newest first; with `after` only what came since, the oldest first.
   *
   * @throws NoMessageError when none came in time: it lists what came instead, and why that is not it
   * @throws InboxError `BAD_OPTION` when there is no such option, or one is of another type
   *
   * @example
   * ```ts
   * import { InboxClient } from 'smtpd-inbox/client';
   *
   * async function signUpCode(client: InboxClient): Promise<string> {
   *   const message = await client.waitFor({ to: 'bob@b.example', subject: /code/i, timeoutMs: 10_000 });
   *   return message.code();
   * }
   * ```
   */
  async waitFor(options: WaitOptions = {}): Promise<InboxMessage> {
    checkOptions(options, WAIT_OPTIONS, WAIT_EXAMPLE);
    const { timeoutMs = WAIT_MS, after, signal, ...criteria } = options;
    checkCriteria(criteria);
    const wait = { criteria, inbox: this.inbox, after: placeOf(after), timeoutMs, signal };
    const { entry, cursor } = await waitForMessage(this.connection, wait);
    return new InboxMessage(this.connection, entry, cursor);
  }

  /** The messages that are there, newest first. */
  async list(given: ListOptions = {}): Promise<readonly InboxMessage[]> {
    checkOptions(given, LIST_OPTIONS, LIST_EXAMPLE);
    const { limit = LIST_LENGTH, ...options } = given;
    const messages: InboxMessage[] = [];
    for await (const message of this.#messagesOf({ ...options, limit: Math.min(limit, PAGE_LENGTH_MAX) })) {
      messages.push(message);
      if (messages.length >= limit) break;
    }
    return messages;
  }

  /**
   * All messages that a search finds, newest first, page by page as they are asked for.
   *
   * @param query as in the page: `from:shop has:attachment -is:read`
   */
  search(query: string, { signal }: CallOptions = {}): AsyncGenerator<InboxMessage, undefined, undefined> {
    return this.#messagesOf({ q: query, signal, limit: LIST_LENGTH });
  }

  /** A part of the list, as the API has it. */
  page({ q, before, after, limit, hasSessions = false, signal }: PageOptions = {}): Promise<Page> {
    const sessions = hasSessions ? 'true' : undefined;
    return this.connection.json({
      path: 'messages',
      query: { q, before, after, limit, sessions, inbox: this.inbox },
      signal,
    });
  }

  /**
   * The messages that come from now on, each once and in the order of their coming, until the signal is aborted or nobody asks for more
   * (`break`). A server that goes away is looked for again, and nothing that came in between is missed.
   */
  async *messages(options: MessagesOptions = {}): AsyncGenerator<InboxMessage, undefined, undefined> {
    checkOptions(options, MESSAGES_OPTIONS, WAIT_EXAMPLE);
    const { after, signal, reconnectMs, ...criteria } = options;
    checkCriteria(criteria);
    const attempts = new Attempts(reconnectMs);
    let place = placeOf(after) ?? (await this.page({ limit: 1, signal })).newer;
    for (;;) {
      const wait = { criteria, inbox: this.inbox, after: place, timeoutMs: SLICE_MS, signal };
      try {
        const { entry, cursor } = await findMessage(this.connection, wait);
        attempts.succeeded();
        place = cursor ?? place;
        if (entry !== undefined) yield new InboxMessage(this.connection, entry, cursor);
      } catch (error) {
        if (!(error instanceof InboxError) || error.code !== 'UNREACHABLE') throw error;
        attempts.failed(error);
        await pause(attempts.delayMs, signal);
      }
    }
  }

  /** What happens, as the API tells it. After the line was lost and found again comes `missed`. */
  events(
    options: CallOptions & { readonly reconnectMs?: number } = {},
  ): AsyncGenerator<LiveEvent, undefined, undefined> {
    return liveEvents(this.connection, { inbox: this.inbox }, options);
  }

  /** Deletes all messages, or those that a search finds. What comes back brings them back: `restore(deletion)`. */
  clear({ q, signal }: CallOptions & { readonly q?: string } = {}): Promise<Deletion> {
    return this.connection.json({ method: 'DELETE', path: 'messages', query: { q, inbox: this.inbox }, signal });
  }

  /**
   * Puts mail in from a file: a message, an mbox, or a zip of messages. A stream is sent as it comes, where the runtime’s `fetch` can do that;
   * Node's can.
   *
   * @returns what was kept, and what was passed over
   */
  import(content: ImportContent, type: ImportType, { signal }: CallOptions = {}): Promise<ImportResult> {
    return this.connection.json({
      method: 'POST',
      path: 'import',
      query: { inbox: this.inbox },
      content: { body: content, type },
      signal,
      waitMs: IMPORT_MS,
    });
  }

  /** The mail as one file, as it comes. */
  export({
    format = 'mbox',
    q,
    signal,
  }: CallOptions & { readonly format?: 'mbox' | 'zip'; readonly q?: string } = {}): Promise<
    ReadableStream<Uint8Array>
  > {
    return this.connection.stream({ path: 'export', query: { format, q, inbox: this.inbox }, signal });
  }

  async *#messagesOf(options: PageOptions): AsyncGenerator<InboxMessage, undefined, undefined> {
    let before: string | undefined;
    do {
      const { entries, older } = await this.page({ ...options, before });
      for (const entry of entries) yield new InboxMessage(this.connection, entry);
      before = older;
    } while (before !== undefined);
  }
}

export function idOf(message: MessageReference): string {
  return typeof message === 'string' ? message : message.id;
}

function placeOf(after: InboxMessage | string | undefined): string | undefined {
  if (after === undefined || typeof after === 'string') return after;
  if (after.cursor !== undefined) return after.cursor;
  throw new InboxError(
    'BAD_OPTION',
    'Only a message that was waited for says where it lies: give one of waitFor() or messages(), or a place.',
  );
}

const WAIT_MS = 5000;
const SLICE_MS = 30_000;
/** A large file takes its time. */
const IMPORT_MS = 600_000;
const LIST_LENGTH = 100;
const PAGE_LENGTH_MAX = 1000;
const CRITERIA: readonly (keyof MessageCriteria)[] = ['to', 'from', 'subject', 'body', 'q'];
const WAIT_OPTIONS: readonly (keyof WaitOptions)[] = [...CRITERIA, 'timeoutMs', 'after', 'signal'];
const MESSAGES_OPTIONS: readonly (keyof MessagesOptions)[] = [...CRITERIA, 'after', 'signal', 'reconnectMs'];
const WAIT_EXAMPLE = "{ to: 'bob@b.example', subject: 'Welcome' }";
const LIST_OPTIONS: readonly (keyof ListOptions)[] = ['q', 'limit', 'signal'];
const LIST_EXAMPLE = "{ q: 'from:shop', limit: 10 }";
