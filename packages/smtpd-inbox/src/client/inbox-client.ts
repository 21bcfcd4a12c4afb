/** The client of an inbox: a test's way to the mail that a program sent. It runs wherever there is `fetch`, and brings nothing along. */

import type { Counts, Deletion, Inbox, Info, NewInbox, NewMail, Release, ReleaseResult } from '../api/model.js';
import { checkOptions } from './check-options.js';
import { InboxError } from './client-errors.js';
import { Connection, variable, type ConnectionOptions } from './connection.js';
import { InboxMessage } from './inbox-message.js';
import { IsolatedInbox, smtpSettings, type SMTPAddress } from './isolated-inbox.js';
import { idOf, MailView, type CallOptions, type MessageReference } from './mail-view.js';

/** Where the inbox is, who asks, and whose mail is wanted. */
export interface InboxClientOptions extends ConnectionOptions {
  /** The name of the inbox whose mail is looked at; `''` for that of everybody. Default: all mail. */
  readonly inbox?: string | undefined;
  /**
   * Where programs reach SMTP, where that is not what the server says of itself: `host:port`. Default: the variable `SMTPD_INBOX_SMTP`, else
   * what the server says.
   */
  readonly smtp?: string | undefined;
}

/**
 * A client.
 *
 * @example
 * ```ts
 * import { InboxClient } from 'smtpd-inbox/client';
 *
 * const client = new InboxClient({ url: 'http://127.0.0.1:8025' });
 * const newest = async () => (await client.list({ limit: 1 }))[0]?.subject;
 * ```
 */
export class InboxClient extends MailView {
  readonly #smtp: SMTPAddress | undefined;

  /** @throws InboxError `BAD_OPTION` when there is no such option, or one has a value that cannot work */
  constructor(given: InboxClientOptions = {}) {
    checkOptions(given, CLIENT_OPTIONS, "{ url: 'http://127.0.0.1:8025' }");
    const { inbox, smtp, ...options } = given;
    super(new Connection(options), inbox);
    this.#smtp = parseSMTPAddress(smtp ?? variable('SMTPD_INBOX_SMTP'));
  }

  /** Where the inbox is, without a slash at its end. */
  get url(): string {
    return this.connection.url;
  }

  /** What the server is, where it listens, and what it was allowed. */
  info({ signal }: CallOptions = {}): Promise<Info> {
    return this.connection.json({ path: 'info', signal });
  }

  /** How many messages there are, altogether and by inbox. */
  counts({ signal }: CallOptions = {}): Promise<Counts> {
    return this.connection.json({ path: 'counts', signal });
  }

  /** A message by its id. @throws InboxError `NOT_FOUND` */
  async get(id: string, { signal }: CallOptions = {}): Promise<InboxMessage> {
    const { entry } = await this.connection.json<{ entry: InboxMessage['entry'] }>({ path: messagePath(id), signal });
    return new InboxMessage(this.connection, entry);
  }

  /** Deletes messages; what is not there is passed over. What comes back brings them back. */
  delete(...messages: readonly MessageReference[]): Promise<Deletion> {
    return this.connection.json({ method: 'POST', path: 'messages/delete', json: { ids: messages.map(idOf) } });
  }

  /** Brings back what was deleted together. @returns the ids of what came back */
  async restore(deletion: string | Pick<Deletion, 'id'>): Promise<readonly string[]> {
    const path = `deletions/${encodeURIComponent(typeof deletion === 'string' ? deletion : deletion.id)}/restore`;
    return (await this.connection.json<{ ids: string[] }>({ method: 'POST', path })).ids;
  }

  /** Marks messages as read, or as unread. */
  async mark(messages: MessageReference | readonly MessageReference[], isRead = true): Promise<void> {
    await this.connection.json({ method: 'POST', path: 'messages/mark', json: { ids: idsOf(messages), isRead } });
  }

  /** Adds tags to messages, and takes others away. */
  async tag(
    messages: MessageReference | readonly MessageReference[],
    { add = [], remove = [] }: { readonly add?: readonly string[]; readonly remove?: readonly string[] },
  ): Promise<void> {
    await this.connection.json({ method: 'POST', path: 'messages/tag', json: { ids: idsOf(messages), add, remove } });
  }

  /** Makes a mail and sends it to the inbox's own SMTP, as a program would. */
  send(mail: NewMail, { signal }: CallOptions = {}): Promise<ReleaseResult> {
    return this.connection.json({ method: 'POST', path: 'send', json: mail, signal });
  }

  /** Sends a message to the inbox's own SMTP once more, with the same envelope. */
  replay(message: MessageReference, { signal }: CallOptions = {}): Promise<ReleaseResult> {
    return this.connection.json({ method: 'POST', path: `${messagePath(message)}/replay`, signal });
  }

  /**
   * Sends a message to a real server.
   *
   * @throws InboxError `NOT_ALLOWED`, unless whoever started the inbox allowed the recipients
   */
  release(message: MessageReference, to: Release = {}, { signal }: CallOptions = {}): Promise<ReleaseResult> {
    return this.connection.json({ method: 'POST', path: `${messagePath(message)}/release`, json: to, signal });
  }

  /**
   * Makes an inbox of one's own. `await using` takes it away at the end of its block.
   *
   * @throws InboxError `CONFLICT` when there is one of that name
   */
  async createInbox(wanted: NewInbox = {}, { signal }: CallOptions = {}): Promise<IsolatedInbox> {
    const info = await this.info({ signal });
    return this.#opened(
      await this.connection.json<Inbox>({ method: 'POST', path: 'inboxes', json: wanted, signal }),
      info,
    );
  }

  /** An inbox that is there. @throws InboxError `NOT_FOUND` */
  async openInbox(name: string, { signal }: CallOptions = {}): Promise<IsolatedInbox> {
    const facts = await this.connection.json<Inbox>({ path: `inboxes/${encodeURIComponent(name)}`, signal });
    return this.#opened(facts, await this.info({ signal }));
  }

  /** The inboxes besides that of everybody. */
  listInboxes({ signal }: CallOptions = {}): Promise<readonly Inbox[]> {
    return this.connection.json({ path: 'inboxes', signal });
  }

  #opened(facts: Inbox, info: Info): IsolatedInbox {
    const smtp = smtpSettings(facts, info, this.#smtp);
    if (smtp !== undefined) return new IsolatedInbox(this.connection, facts, smtp);
    throw new InboxError(
      'BAD_OPTION',
      `The inbox at ${this.url} has no TCP port for SMTP: say which one in SMTPD_INBOX_SMTP.`,
    );
  }
}

function messagePath(message: MessageReference): string {
  return `messages/${encodeURIComponent(idOf(message))}`;
}

function idsOf(messages: MessageReference | readonly MessageReference[]): readonly string[] {
  return (Array.isArray(messages) ? (messages as readonly MessageReference[]) : [messages as MessageReference]).map(
    idOf,
  );
}

function parseSMTPAddress(text: string | undefined): SMTPAddress | undefined {
  if (text === undefined) return undefined;
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  if (host !== undefined && port !== undefined) return { host, port: Number(port) };
  throw new InboxError('BAD_OPTION', `"${text}" is no address of an SMTP server: one looks like 127.0.0.1:1025.`);
}

const CLIENT_OPTIONS: readonly (keyof InboxClientOptions)[] = [
  'url',
  'token',
  'password',
  'inbox',
  'smtp',
  'fetch',
  'answerTimeoutMs',
];
