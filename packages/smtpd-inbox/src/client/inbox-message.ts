/** A message that arrived: what the list says of it is here at once, the rest is fetched when it is asked for. */

import type {
  Authentication,
  Code,
  Compatibility,
  Deletion,
  Difference,
  Entry,
  Envelope,
  Finding,
  Link,
  Message,
  Session,
  Transcript,
} from '../api/model.js';
import { Attachment } from './attachment.js';
import { InboxError } from './client-errors.js';
import type { Connection } from './connection.js';
import { isFound, isPattern } from './message-criteria.js';
import { MessageHeaders } from './message-headers.js';

/**
 * A message.
 *
 * @example
 * ```ts
 * import { InboxClient } from 'smtpd-inbox/client';
 *
 * async function resetLink(inbox: InboxClient): Promise<string> {
 *   const message = await inbox.waitFor({ to: 'bob@b.example', subject: 'Reset' });
 *   return message.link('Reset your password');
 * }
 * ```
 */
export class InboxMessage {
  readonly entry: Entry;
  /** The place in the inbox behind it, for `after`; only of a message that was waited for. */
  readonly cursor: string | undefined;
  readonly #connection: Connection;
  #whole: Promise<Message> | undefined;

  /** Made by the client. */
  constructor(connection: Connection, entry: Entry, cursor?: string) {
    this.#connection = connection;
    this.entry = entry;
    this.cursor = cursor;
  }

  get id(): string {
    return this.entry.id;
  }

  /** The subject, decoded; `undefined` when there is none. */
  get subject(): string | undefined {
    return this.entry.subject;
  }

  /** From, as the header has it: `Ann Onym <ann@a.example>`. */
  get from(): readonly string[] {
    return this.entry.from;
  }

  /** To, as the header has it. */
  get to(): readonly string[] {
    return this.entry.to;
  }

  get cc(): readonly string[] {
    return this.entry.cc;
  }

  /** Where bounces go, and who really gets it: Bcc recipients are here and nowhere else. */
  get envelope(): Envelope {
    return this.entry.envelope;
  }

  /** What was known of the connection. */
  get session(): Session {
    return this.entry.session;
  }

  get sizeBytes(): number {
    return this.entry.sizeBytes;
  }

  get receivedAt(): Date {
    return new Date(this.entry.receivedAt);
  }

  get tags(): readonly string[] {
    return this.entry.tags;
  }

  /** The text, decoded; empty when it has none. */
  async text(): Promise<string> {
    return (await this.whole()).text ?? '';
  }

  /** The HTML, decoded and unclean; empty when it has none. */
  async html(): Promise<string> {
    return (await this.whole()).html ?? '';
  }

  /** The octets that arrived. */
  raw(): Promise<Uint8Array> {
    return this.#connection.octets({ path: this.#path('/raw') });
  }

  async headers(): Promise<MessageHeaders> {
    return new MessageHeaders((await this.whole()).headers);
  }

  /** The links of text and HTML, in their order. */
  async links(): Promise<readonly Link[]> {
    return (await this.whole()).links;
  }

  /**
   * The address of a link.
   *
   * @param wanted what stands between `<a>` and `</a>`: exactly, or else as a part of it, or else as a part of the address, in any case; a
   * pattern is looked for in both. Without it: the only link there is.
   * @throws InboxError `NO_LINK`, whose message lists the links there are
   */
  async link(wanted?: string | RegExp): Promise<string> {
    const links = await this.links();
    const found = findLink(links, wanted);
    if (found !== undefined) return found.url;
    const what = wanted === undefined ? 'not exactly one link' : `no link like ${describeWanted(wanted)}`;
    const shown = links.map(({ text, url }) => (text === url ? url : `${JSON.stringify(text)} ${url}`));
    throw new InboxError('NO_LINK', `${this.#name()} has ${what}. ${listOf('links', shown)}`);
  }

  /** What looks like a one-time code, the surest first. */
  async codes(): Promise<readonly Code[]> {
    const { codes } = await this.whole();
    return [...codes].sort((one, other) => other.confidence - one.confidence);
  }

  /**
   * The one-time code: the surest, of those that a pattern finds.
   *
   * @throws InboxError `NO_CODE`, whose message lists the codes there are
   */
  async code(pattern?: RegExp): Promise<string> {
    const codes = await this.codes();
    const found = codes.find(({ code }) => pattern === undefined || isFound(pattern, code));
    if (found !== undefined) return found.code;
    const what = pattern === undefined ? 'nothing that looks like a code' : `no code like ${String(pattern)}`;
    const shown = codes.map(({ code, context }) => `${code} in ${JSON.stringify(context)}`);
    throw new InboxError('NO_CODE', `${this.#name()} has ${what}. ${listOf('codes', shown)}`);
  }

  async attachments(): Promise<readonly Attachment[]> {
    const { parts } = await this.whole();
    return parts
      .filter(({ role }) => role === 'attachment')
      .map((part) => new Attachment(this.#connection, this.id, part));
  }

  /**
   * An attachment by its name; without one: the only attachment there is.
   *
   * @throws InboxError `NO_ATTACHMENT`, whose message lists the attachments there are
   */
  async attachment(name?: string | RegExp): Promise<Attachment> {
    const attachments = await this.attachments();
    const [found] =
      name === undefined
        ? attachments.length === 1
          ? attachments
          : []
        : attachments.filter(({ fileName = '' }) => (isPattern(name) ? isFound(name, fileName) : name === fileName));
    if (found !== undefined) return found;
    const what = name === undefined ? 'not exactly one attachment' : `no attachment called ${describeWanted(name)}`;
    const shown = attachments.map(({ fileName, contentType }) => `${JSON.stringify(fileName ?? '')} (${contentType})`);
    throw new InboxError('NO_ATTACHMENT', `${this.#name()} has ${what}. ${listOf('attachments', shown)}`);
  }

  /** The conversation in which it came. */
  transcript(): Promise<Transcript> {
    return this.#connection.json({ path: this.#path('/transcript') });
  }

  /** What a strict receiver would say. */
  lint(): Promise<readonly Finding[]> {
    return this.#connection.json({ path: this.#path('/lint') });
  }

  /** What mail programs make of the HTML. */
  compatibility(): Promise<Compatibility> {
    return this.#connection.json({ path: this.#path('/compatibility') });
  }

  /** What people who do not see the mail as it was drawn run into. */
  accessibility(): Promise<readonly Finding[]> {
    return this.#connection.json({ path: this.#path('/accessibility') });
  }

  /** What SPF, DKIM, DMARC and ARC say. */
  authentication(): Promise<Authentication> {
    return this.#connection.json({ path: this.#path('/authentication') });
  }

  /** What is other than in another message. @param other Default: the one before it of the same kind */
  difference(other?: string | { readonly id: string }): Promise<Difference> {
    const query = { with: typeof other === 'object' ? other.id : other };
    return this.#connection.json({ path: this.#path('/difference'), query });
  }

  /** Deletes it. What comes back brings it back: `client.restore(deletion)`. */
  delete(): Promise<Deletion> {
    return this.#connection.json({ method: 'DELETE', path: this.#path() });
  }

  /** The message as the API has it; fetched once. */
  whole(): Promise<Message> {
    this.#whole ??= this.#connection.json<Message>({ path: this.#path() }).catch((error: unknown) => {
      // What failed may be asked again.
      this.#whole = undefined;
      throw error;
    });
    return this.#whole;
  }

  #path(below = ''): string {
    return `messages/${encodeURIComponent(this.id)}${below}`;
  }

  #name(): string {
    return this.subject === undefined ? `Message ${this.id}` : `The message ${JSON.stringify(this.subject)}`;
  }
}

function findLink(links: readonly Link[], wanted: string | RegExp | undefined): Link | undefined {
  if (wanted === undefined) return new Set(links.map(({ url }) => url)).size === 1 ? links[0] : undefined;
  if (isPattern(wanted)) return links.find(({ text, url }) => isFound(wanted, text) || isFound(wanted, url));
  const text = folded(wanted);
  return (
    links.find((link) => folded(link.text) === text) ??
    links.find((link) => folded(link.text).includes(text)) ??
    links.find((link) => link.url.toLowerCase().includes(text))
  );
}

/** Blanks are one blank, wherever a line was broken. */
function folded(text: string): string {
  return text.toLowerCase().replaceAll(/\s+/g, ' ').trim();
}

function describeWanted(wanted: string | RegExp): string {
  return typeof wanted === 'string' ? JSON.stringify(wanted) : String(wanted);
}

function listOf(things: string, shown: readonly string[]): string {
  return shown.length === 0 ? `It has no ${things}.` : `Its ${things}:\n${shown.map((each) => `  ${each}`).join('\n')}`;
}
