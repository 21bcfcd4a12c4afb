/**
 * A store in PostgreSQL, which several processes have open at the same time. One of them writes at a time; what happened is heard
 * by all in the same order, its own doings included.
 */

import { randomUUID } from 'node:crypto';

import type { PoolClient } from 'pg';

import { takeOctets } from '../body-spool.js';
import { ChangeFeed } from '../change-feed.js';
import { StoreError } from '../errors.js';
import { Intake } from '../intake.js';
import { MEMORY_BYTES_MAX, type StoreLimits } from '../limits.js';
import { listRequest, pageOf } from '../list-request.js';
import type { NewMessage, NewTranscript, StoredMessage, TranscriptLine } from '../message.js';
import {
  addedMessage,
  idsOf,
  namesOf,
  notFound,
  numberedTranscripts,
  partsOf,
  storedMessage,
  type Addition,
} from '../message-parts.js';
import { checkName } from '../names.js';
import { openingError } from '../opening-error.js';
import { PurgeSchedule } from '../purge-schedule.js';
import { checkSettingKey, formatSetting } from '../settings.js';
import type { ChangesOptions, Deletion, ListOptions, MailStore, Page, StoreChange, StoreCounts } from '../store.js';
import { WorkInHand } from '../work-in-hand.js';
import { ChangeListener, type Announcement } from './change-listener.js';
import { PostgresDatabase } from './database.js';
import { postgresError } from './faults.js';
import { GroupWriter } from './group-writer.js';
import { MessageTables, type NewRow } from './message-tables.js';
import { completePostgresOptions, type PostgresSettings, type PostgresStoreOptions } from './postgres-options.js';
import { searchedWords } from './query-sql.js';
import { prepareSchema } from './schema.js';
import { SpilledOctets } from './spilled-octets.js';

/**
 * Opens a store in a PostgreSQL database, for which the package `pg` has to be installed. Processes that open the same one share
 * their messages, and each hears of the changes of all.
 *
 * @example
 * ```ts
 * import { openPostgresStore } from 'smtpd-store';
 * async function showWhatComes(): Promise<void> {
 *   await using store = await openPostgresStore({ url: 'postgres://mail@db.example/mail' });
 *   for await (const change of store.changes()) console.log(change.kind);
 * }
 * console.log(typeof showWhatComes); // function
 * ```
 *
 * @throws {@link StoreError} when it cannot be opened
 */
export async function openPostgresStore(options: PostgresStoreOptions): Promise<MailStore> {
  const settings = completePostgresOptions(options);
  const database = await PostgresDatabase.open(settings);
  const store = new PostgresStore(settings, database);
  try {
    await store.open();
    return store;
  } catch (error) {
    await database.close();
    throw openingError(postgresError(error), database.place);
  }
}

/** A message on its way into the database. */
interface Incoming {
  readonly row: NewRow;
  /** Octets that are too many for memory. */
  readonly spilled: SpilledOctets | undefined;
}

class PostgresStore implements MailStore {
  readonly limits: StoreLimits;
  readonly #settings: PostgresSettings;
  readonly #database: PostgresDatabase;
  readonly #tables: MessageTables;
  readonly #listener: ChangeListener;
  readonly #feed = new ChangeFeed();
  readonly #intake: Intake;
  readonly #work = new WorkInHand();
  readonly #purges: PurgeSchedule;
  /** Short messages together, long ones one by one: nobody waits for a long one but the next. */
  readonly #shortWriter: GroupWriter<Incoming, StoredMessage[]>;
  readonly #longWriter: GroupWriter<Incoming, StoredMessage[]>;
  /** Our messages that were not announced yet: they need not be looked up then. */
  readonly #unannounced = new Map<number, StoredMessage>();
  readonly #lastToken: string = randomUUID();
  readonly #last: Promise<void>;
  #heardLast: () => void = () => undefined;
  /** What was announced and is not told yet. */
  #telling: Promise<void> = Promise.resolve();

  constructor(settings: PostgresSettings, database: PostgresDatabase) {
    this.limits = settings.limits;
    this.#settings = settings;
    this.#database = database;
    this.#tables = new MessageTables(database);
    this.#intake = new Intake(settings.queuedBytesMax, (addition) => this.#keep(addition));
    this.#purges = new PurgeSchedule(settings.clock, (now) =>
      this.#write((client) => this.#tables.purge(client, now, settings.undoMs)),
    );
    const isSharedFate = (error: unknown): boolean => error instanceof StoreError && error.code === 'STORE_UNREACHABLE';
    const write = (group: readonly Incoming[]): Promise<StoredMessage[][]> => this.#writeGroup(group);
    this.#shortWriter = new GroupWriter(write, { itemsMax: GROUP_MESSAGES_MAX, isSharedFate });
    this.#longWriter = new GroupWriter(write, { itemsMax: 1, isSharedFate });
    this.#last = new Promise((resolve) => {
      this.#heardLast = resolve;
    });
    this.#listener = new ChangeListener({
      newClient: () => database.newClient(),
      channel: this.#channel,
      clock: settings.clock,
      onAnnouncement: (announcement) => {
        this.#telling = this.#telling.then(() => this.#tell(announcement));
      },
      onLost: () => {
        this.#unannounced.clear();
        // It would have come by this connection.
        this.#heardLast();
      },
      onMissed: () => {
        this.#feed.publish({ kind: 'missed' });
      },
    });
  }

  /** Makes the tables where they are missing, and begins to listen. */
  async open(): Promise<void> {
    await this.#database.write(async (client, lock) => {
      await lock();
      await prepareSchema(client, this.#settings.schema);
    });
    await this.#listener.start();
    this.#purges.plan(0);
  }

  add(message: NewMessage): Promise<StoredMessage> {
    return this.#work.begin(() => this.#intake.take(message));
  }

  addToInboxes(message: NewMessage, inboxes: readonly string[]): Promise<readonly StoredMessage[]> {
    return this.#work.begin(() => this.#intake.takeFor({ message, inboxes }));
  }

  get(messageId: string): Promise<StoredMessage | undefined> {
    return this.#work.begin(async () => {
      const [row] = await this.#tables.byIds(idsOf([messageId]));
      return row === undefined ? undefined : storedMessage(row);
    });
  }

  async *openRaw(messageId: string): AsyncGenerator<Uint8Array, void, undefined> {
    const [id] = idsOf([messageId]);
    const found = await this.#work.begin(async () => (id === undefined ? undefined : this.#tables.body(id)));
    if (found === undefined) throw notFound(messageId);
    for (let number = 0, given = 0; given < found.sizeBytes; number += 1) {
      const octets = await this.#work.begin(() => this.#tables.octets(found.body, number));
      // It went between the two.
      if (octets === undefined) throw notFound(messageId);
      given += octets.length;
      yield octets;
    }
  }

  transcript(messageId: string): Promise<readonly TranscriptLine[] | undefined> {
    return this.#work.begin(async () => {
      const [id] = idsOf([messageId]);
      return id === undefined ? undefined : this.#tables.transcript(id);
    });
  }

  async setTranscript(id: string, transcript: NewTranscript): Promise<boolean> {
    return (await this.setTranscripts(new Map([[id, transcript]]))) > 0;
  }

  setTranscripts(transcripts: ReadonlyMap<string, NewTranscript>): Promise<number> {
    const numbered = numberedTranscripts(transcripts);
    return this.#write(async (client) => (numbered.length === 0 ? 0 : this.#tables.setTranscripts(client, numbered)));
  }

  addToTranscripts(lines: ReadonlyMap<string, NewTranscript>): Promise<number> {
    const numbered = numberedTranscripts(lines);
    return this.#write(async (client) => (numbered.length === 0 ? 0 : this.#tables.addToTranscripts(client, numbered)));
  }

  list(options: ListOptions = {}): Promise<Page> {
    return this.#work.begin(async () => {
      const request = listRequest(options);
      const { rows, hasMore } = await this.#tables.list(request);
      return pageOf(request, rows, hasMore);
    });
  }

  setRead(ids: readonly string[], isRead: boolean): Promise<number> {
    return this.#change((client) => this.#tables.setRead(client, idsOf(ids), isRead));
  }

  addTags(ids: readonly string[], tags: readonly string[]): Promise<number> {
    return this.#change((client) => this.#tables.addTags(client, idsOf(ids), tags), tags);
  }

  removeTags(ids: readonly string[], tags: readonly string[]): Promise<number> {
    return this.#change((client) => this.#tables.removeTags(client, idsOf(ids), tags), tags);
  }

  delete(ids: readonly string[]): Promise<Deletion> {
    return this.#delete((client, deletion) => this.#tables.delete(client, idsOf(ids), deletion));
  }

  clear(inbox?: string): Promise<Deletion> {
    return this.#delete((client, deletion) => {
      if (inbox !== undefined) checkName('inbox', inbox);
      return this.#tables.clear(client, inbox, deletion);
    });
  }

  restore(deletionId: string): Promise<readonly string[]> {
    const [deletion] = idsOf([deletionId]);
    const deletedAfter = this.#settings.clock.now() - this.#settings.undoMs;
    return this.#write(async (client) => {
      if (deletion === undefined) return [];
      const ids = await this.#tables.restore(client, deletion, deletedAfter);
      await this.#announce(client, 'restored', ids);
      return namesOf(ids);
    });
  }

  counts(): Promise<StoreCounts> {
    return this.#work.begin(() => this.#tables.counts());
  }

  setting(key: string): Promise<unknown> {
    return this.#work.begin(async () => {
      checkSettingKey(key);
      const [found] = await this.#tables.settings('key = $1', key);
      return found === undefined ? undefined : (JSON.parse(found[1]) as unknown);
    });
  }

  settings(prefix: string): Promise<ReadonlyMap<string, unknown>> {
    return this.#work.begin(async () => {
      checkSettingKey(prefix);
      const found = await this.#tables.settings('starts_with(key, $1)', prefix);
      return new Map(found.map(([key, value]) => [key, JSON.parse(value) as unknown]));
    });
  }

  setSetting(key: string, value: unknown): Promise<void> {
    return this.#work.begin(async () => {
      checkSettingKey(key);
      const text = value === undefined ? undefined : formatSetting(value);
      await this.#transaction(async (client) => {
        await this.#tables.setSetting(client, key, text);
        await this.#notify(client, { kind: 'setting', key });
      });
    });
  }

  changes(options?: ChangesOptions): AsyncIterable<StoreChange> {
    return this.#feed.read(options);
  }

  close(): Promise<void> {
    return this.#work.close(() => this.#close());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #keep(addition: Addition): Promise<readonly StoredMessage[]> {
    const { message } = addition;
    const limits = { memoryBytesMax: MEMORY_BYTES_MAX, sizeBytesMax: this.#settings.limits.bytesMax };
    const body = await takeOctets(message.raw, limits, () => SpilledOctets.create());
    const spilled = body.kind === 'file' ? body.file : undefined;
    try {
      const summary = typeof message.summary === 'function' ? await message.summary() : message.summary;
      if (summary === undefined) {
        throw new StoreError(
          'STORE_BAD_OPTION',
          'A store in PostgreSQL sums up nothing: give each message its summary',
        );
      }
      const parts = partsOf(addition, summary, body.kind === 'file' ? { ...body, fileName: '' } : body);
      const row = { parts, headers: summary.headers ?? [], words: searchedWords(parts.words) };
      return await (spilled === undefined ? this.#shortWriter : this.#longWriter).add({ row, spilled });
    } finally {
      await spilled?.discard();
    }
  }

  /** Writes each of a group into all of its inboxes. @returns what is kept of each, in the order of these */
  async #writeGroup(group: readonly Incoming[]): Promise<StoredMessage[][]> {
    const { limits, clock } = this.#settings;
    const kept: StoredMessage[][] = [];
    try {
      await this.#database.write(async (client, lock) => {
        const bodies: (readonly string[])[] = [];
        for (const each of group) bodies.push(await this.#writeBodies(client, each));
        await lock();
        for (const [index, { row }] of group.entries()) {
          kept.push(await this.#writeCopies(client, row, bodies[index] ?? []));
        }
        const added = kept.flat();
        const ids = added.map(({ id }) => Number(id));
        const pruned = await this.#tables.prune(client, {
          inserted: added.length,
          bytes: added.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
          newest: ids.at(-1) ?? 0,
          limits,
          now: clock.now(),
        });
        await this.#announce(client, 'added', ids);
        await this.#announce(client, 'deleted', pruned);
        // They are heard of as soon as they are there, which may be before we hear that they are.
        if (this.#listener.isListening) for (const each of added) this.#unannounced.set(Number(each.id), each);
      });
      return kept;
    } catch (error) {
      for (const { id } of kept.flat()) this.#unannounced.delete(Number(id));
      throw error;
    }
  }

  /** The octets that are too many for memory, for each inbox its own. @returns what they are filed under */
  async #writeBodies(client: PoolClient, { row, spilled }: Incoming): Promise<string[]> {
    const bodies: string[] = [];
    if (spilled === undefined) return bodies;
    for (let copies = row.parts.inboxes.length; copies > 0; copies -= 1) {
      bodies.push(await this.#tables.writeBody(client, spilled.pieces(PIECE_BYTES)));
    }
    return bodies;
  }

  /** @param bodies what its octets are filed under, inbox by inbox, if they were written before */
  async #writeCopies(client: PoolClient, row: NewRow, bodies: readonly string[]): Promise<StoredMessage[]> {
    const copies: StoredMessage[] = [];
    for (const [index, inbox] of row.parts.inboxes.entries()) {
      const id = await this.#tables.insert(client, { ...row, inbox, body: bodies[index] });
      copies.push(addedMessage(id, inbox, row.parts));
    }
    return copies;
  }

  #change(work: (client: PoolClient) => Promise<number[]>, tags: readonly string[] = []): Promise<number> {
    return this.#write(async (client) => {
      for (const tag of tags) checkName('tag', tag);
      const ids = await work(client);
      await this.#announce(client, 'changed', ids);
      return ids.length;
    });
  }

  #delete(work: (client: PoolClient, deletion: number) => Promise<number[]>): Promise<Deletion> {
    const { clock, undoMs } = this.#settings;
    const now = clock.now();
    return this.#work.begin(async () => {
      const { deletion, ids } = await this.#transaction(async (client) => {
        const number = await this.#tables.newDeletion(client, now);
        const deleted = await work(client, number);
        await this.#announce(client, 'deleted', deleted);
        return { deletion: number, ids: deleted };
      });
      this.#purges.plan(undoMs);
      return { id: String(deletion), messageIds: namesOf(ids), restorableUntil: new Date(now + undoMs) };
    });
  }

  /** What a caller asked, in a transaction that has the lock. */
  #write<T>(work: (client: PoolClient) => Promise<T>): Promise<T> {
    return this.#work.begin(() => this.#transaction(work));
  }

  #transaction<T>(work: (client: PoolClient) => Promise<T>): Promise<T> {
    return this.#database.write(async (client, lock) => {
      await lock();
      return work(client);
    });
  }

  get #channel(): string {
    return `${this.#settings.schema}_changes`;
  }

  async #announce(
    client: PoolClient,
    kind: Exclude<Announcement['kind'], 'setting' | 'last'>,
    ids: readonly number[],
  ): Promise<void> {
    for (let from = 0; from < ids.length; from += ANNOUNCED_IDS_MAX) {
      await this.#notify(client, { kind, ids: ids.slice(from, from + ANNOUNCED_IDS_MAX) });
    }
  }

  async #notify(client: PoolClient, announcement: Announcement): Promise<void> {
    await client.query('SELECT pg_notify($1, $2)', [this.#channel, JSON.stringify(announcement)]);
  }

  /** Tells our readers. It never rejects. */
  async #tell(announcement: Announcement): Promise<void> {
    switch (announcement.kind) {
      case 'last':
        if (announcement.token === this.#lastToken) this.#heardLast();
        return;
      case 'setting':
        this.#feed.publish(announcement);
        return;
      case 'added':
        for (const message of await this.#announced(announcement.ids)) this.#feed.publish({ kind: 'added', message });
        return;
      case 'changed':
      case 'deleted':
      case 'restored':
        this.#feed.publish({ kind: announcement.kind, messageIds: namesOf(announcement.ids) });
    }
  }

  /** The messages that were announced, as far as they are still there. */
  async #announced(ids: readonly number[]): Promise<StoredMessage[]> {
    const ours = new Map<number, StoredMessage>();
    for (const id of ids) {
      const message = this.#unannounced.get(id);
      if (message !== undefined) ours.set(id, message);
      this.#unannounced.delete(id);
    }
    const others = ids.filter((id) => !ours.has(id));
    if (others.length > 0 && this.#feed.isHeard('added')) {
      try {
        for (const row of await this.#tables.byIds(others)) ours.set(row.id, storedMessage(row));
      } catch {
        this.#feed.publish({ kind: 'missed' });
      }
    }
    return [...ours.values()];
  }

  async #close(): Promise<void> {
    this.#purges.end();
    // The connections keep no process running, but this does until they are closed.
    const isOpen = setInterval(() => undefined, LAST_MS_MAX);
    try {
      if (this.#listener.isListening) await this.#hearLast();
      await this.#telling;
      this.#feed.end();
      await this.#listener.close();
      await this.#database.close();
    } finally {
      clearInterval(isOpen);
    }
  }

  /** Our readers hear everything that we did: what is announced last is heard last. */
  async #hearLast(): Promise<void> {
    const announcement: Announcement = { kind: 'last', token: this.#lastToken };
    let timer: NodeJS.Timeout | undefined;
    const tooLong = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, LAST_MS_MAX);
    });
    try {
      await this.#database.read('SELECT pg_notify($1, $2)', [this.#channel, JSON.stringify(announcement)]);
      await Promise.race([this.#last, tooLong]);
    } catch {
      // The server is gone, and nothing will be heard.
    } finally {
      clearTimeout(timer);
    }
  }
}

/** How many messages share a transaction. */
const GROUP_MESSAGES_MAX = 100;
/** How large a piece of a long message is. */
const PIECE_BYTES = 262_144;
/** An announcement has 8,000 octets at most. */
const ANNOUNCED_IDS_MAX = 300;
const LAST_MS_MAX = 5_000;
