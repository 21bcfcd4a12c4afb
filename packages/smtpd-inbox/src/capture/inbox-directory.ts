/**
 * The inboxes there are besides that of everybody: their names, who writes into them, and which mail is theirs. They are kept with the
 * store's settings, so that they are there again, and on every machine that shares the store.
 */

import { randomBytes } from 'node:crypto';

import type { MailStore } from 'smtpd-store';

import type { Inbox, NewInbox } from '../api/model.js';

/** An inbox that cannot be made. */
export class InboxExistsError extends Error {
  override readonly name = 'InboxExistsError';

  constructor(inbox: string) {
    super(`There is an inbox "${inbox}" already; choose another name, or none`);
  }
}

/** What is known when it is decided where mail goes. */
export interface Routed {
  readonly rcptTos: readonly string[];
  /** Who authenticated. */
  readonly user: string | undefined;
}

/** The inboxes, by name. */
export class InboxDirectory {
  readonly #store: MailStore;
  readonly #domain: string;
  readonly #now: () => Date;
  readonly #byName = new Map<string, Inbox>();
  /** They are made and taken away one after the other: two of one name would be one, and each would have been given it. */
  #lastTurn: Promise<unknown> = Promise.resolve();

  /** @param options.domain - behind the names: `inbox.test` */
  private constructor(store: MailStore, { domain, now }: { readonly domain: string; readonly now: () => Date }) {
    this.#store = store;
    this.#domain = domain.toLowerCase();
    this.#now = now;
  }

  /** Reads what there is. */
  static async open(
    store: MailStore,
    options: { readonly domain: string; readonly now: () => Date },
  ): Promise<InboxDirectory> {
    const directory = new InboxDirectory(store, options);
    for (const [key, value] of await store.settings(KEY_PREFIX)) directory.#take(key, value);
    return directory;
  }

  /** A setting is another one now, maybe by another machine. */
  async refresh(key: string): Promise<void> {
    if (key.startsWith(KEY_PREFIX)) this.#take(key, await this.#store.setting(key));
  }

  /** It is not known which settings are other ones now: all are looked at. */
  refreshAll(): Promise<void> {
    return this.#inTurn(async () => {
      const kept = await this.#store.settings(KEY_PREFIX);
      for (const name of [...this.#byName.keys()]) if (!kept.has(KEY_PREFIX + name)) this.#byName.delete(name);
      for (const [key, value] of kept) this.#take(key, value);
    });
  }

  /** All of them, by name. */
  list(): readonly Inbox[] {
    return [...this.#byName.values()]
      .filter((inbox) => !this.#isOver(inbox))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  get(name: string): Inbox | undefined {
    const inbox = this.#byName.get(name);
    return inbox === undefined || this.#isOver(inbox) ? undefined : inbox;
  }

  /** @throws {@link InboxExistsError} */
  create(wanted: NewInbox): Promise<Inbox> {
    return this.#inTurn(() => this.#create(wanted));
  }

  async #create({ name = randomName(), ttlSeconds }: NewInbox): Promise<Inbox> {
    await this.refresh(KEY_PREFIX + name);
    if (this.get(name) !== undefined) throw new InboxExistsError(name);
    const createdAt = this.#now();
    const kept: KeptInbox = {
      password: randomBytes(12).toString('base64url'),
      createdAt: createdAt.toISOString(),
      ...(ttlSeconds === undefined
        ? {}
        : { expiresAt: new Date(createdAt.getTime() + ttlSeconds * 1000).toISOString() }),
    };
    // What an earlier one of that name left is not the new one's.
    await this.#store.clear(name);
    await this.#store.setSetting(KEY_PREFIX + name, kept);
    const inbox = this.#made(name, kept);
    this.#byName.set(name, inbox);
    return inbox;
  }

  /** Takes an inbox away, with its mail. @returns whether there was one */
  remove(name: string): Promise<boolean> {
    return this.#inTurn(() => this.#remove(name));
  }

  async #remove(name: string): Promise<boolean> {
    if (!this.#byName.has(name)) return false;
    await this.#store.setSetting(KEY_PREFIX + name, undefined);
    this.#byName.delete(name);
    await this.#store.clear(name);
    return true;
  }

  /** Takes away those whose time is over. */
  async prune(): Promise<void> {
    for (const inbox of [...this.#byName.values()]) {
      if (!this.#isOver(inbox)) continue;
      await this.#inTurn(async () => {
        // Somebody may have made another of that name meanwhile, here or elsewhere, and it has mail.
        await this.refresh(KEY_PREFIX + inbox.name);
        const current = this.#byName.get(inbox.name);
        if (current !== undefined && this.#isOver(current)) await this.#remove(inbox.name);
      });
    }
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#lastTurn.then(work);
    this.#lastTurn = done.catch(() => undefined);
    return done;
  }

  /**
   * Looks for inboxes that another machine may have made just now. Here they are known when they are made; elsewhere the news may still be
   * under way.
   */
  async learn({ rcptTos, user }: Routed): Promise<void> {
    const names = [...rcptTos.flatMap((address) => this.#namesIn(address)), ...(user === undefined ? [] : [user])];
    for (const name of new Set(names)) {
      if (this.get(name) === undefined && INBOX_NAME.test(name)) await this.refresh(KEY_PREFIX + name);
    }
  }

  /**
   * Where a message goes: to the inbox of who authenticated, else to those of its recipients; `''` is the inbox of everybody.
   *
   * @returns at least one
   */
  route({ rcptTos, user }: Routed): readonly string[] {
    if (user !== undefined && this.get(user) !== undefined) return [user];
    const names = new Set(rcptTos.map((address) => this.#nameIn(address)));
    return names.size === 0 ? [''] : [...names];
  }

  #nameIn(address: string): string {
    return this.#namesIn(address).find((name) => this.get(name) !== undefined) ?? '';
  }

  /** The names of inboxes that an address may mean. */
  #namesIn(address: string): readonly string[] {
    const at = address.lastIndexOf('@');
    if (at === -1) return [];
    const domain = address.slice(at + 1).toLowerCase();
    const plus = address.lastIndexOf('+', at);
    return [
      ...(domain.endsWith(`.${this.#domain}`) ? [domain.slice(0, -this.#domain.length - 1)] : []),
      ...(plus === -1 ? [] : [address.slice(plus + 1, at).toLowerCase()]),
    ];
  }

  #take(key: string, value: unknown): void {
    const name = key.slice(KEY_PREFIX.length);
    if (isKeptInbox(value)) this.#byName.set(name, this.#made(name, value));
    else this.#byName.delete(name);
  }

  #made(name: string, kept: KeptInbox): Inbox {
    return { name, addressSuffix: `@${name}.${this.#domain}`, tag: `+${name}`, user: name, ...kept };
  }

  #isOver({ expiresAt }: Inbox): boolean {
    return expiresAt !== undefined && new Date(expiresAt) <= this.#now();
  }
}

/** What is kept of an inbox; the rest follows from its name. */
type KeptInbox = Pick<Inbox, 'password' | 'createdAt' | 'expiresAt'>;

function isKeptInbox(value: unknown): value is KeptInbox {
  return typeof value === 'object' && value !== null && 'password' in value && 'createdAt' in value;
}

/** Eight letters and digits that nobody mistakes for others: 40 bits. */
function randomName(): string {
  return Array.from(randomBytes(8), (octet) => NAME_LETTERS.charAt(octet % NAME_LETTERS.length)).join('');
}

const INBOX_NAME = /^[a-z0-9][a-z0-9-]{0,62}$/;
const NAME_LETTERS = 'abcdefghijkmnpqrstuvwxyz23456789';
const KEY_PREFIX = 'inbox/';
