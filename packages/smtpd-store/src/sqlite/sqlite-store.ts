/**
 * The embedded store: a folder with an SQLite database and the files of long messages. Here is the side that callers see: it takes
 * bodies, keeps the bounds and tells readers what happened; `worker.ts` owns the database, and `reader.ts` looks into it.
 */

import { createReadStream } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

import { BodySpool, syncFolder, type TakenBody } from '../body-spool.js';
import { ChangeFeed } from '../change-feed.js';
import { StoreError } from '../errors.js';
import { fileError } from '../file-error.js';
import { Intake } from '../intake.js';
import { MEMORY_BYTES_MAX, type StoreLimits } from '../limits.js';
import { listRequest, pageOf } from '../list-request.js';
import { makeFolder } from '../make-folder.js';
import type { NewMessage, NewSummary, NewTranscript, StoredMessage, TranscriptLine } from '../message.js';
import {
  addedMessage,
  addedUnread,
  idsOf,
  namesOf,
  notFound,
  numberedTranscripts,
  partsOf,
  storedMessage,
  unreadPartsOf,
  type Addition,
} from '../message-parts.js';
import { checkName } from '../names.js';
import { openingError } from '../opening-error.js';
import { PurgeSchedule } from '../purge-schedule.js';
import { checkSettingKey, formatSetting } from '../settings.js';
import type { ChangesOptions, Deletion, ListOptions, MailStore, Page, StoreChange, StoreCounts } from '../store.js';
import { WorkInHand } from '../work-in-hand.js';
import { chooseDriver } from './driver.js';
import { LOCK_FILE_NAME, TEMPORARY_MARK, TEMPORARY_PREFIX } from './lock.js';
import { packParts, packUnread } from './packed-parts.js';
import type {
  ClearRequest,
  DeletionAnswer,
  Operations,
  ReadOperations,
  WriteOperations,
  WriterSettings,
} from './requests.js';
import { completeOptions, type SQLiteSettings, type SQLiteStoreOptions } from './sqlite-options.js';
import { WorkerLink } from './worker-link.js';

/**
 * Opens a store in a folder, or a temporary one.
 *
 * @example
 * ```ts
 * import { openSQLiteStore } from 'smtpd-store';
 * await using store = await openSQLiteStore();
 * const { id } = await store.add({
 *   raw: Buffer.from('Subject: Hello\r\n\r\nHow are you?\r\n'),
 *   envelope: { mailFrom: 'a@example.org', rcptTos: ['b@example.org'], mailOptions: [], rcptOptions: [[]] },
 *   session: { peer: { address: '127.0.0.1', port: 40000 } },
 *   receivedAt: new Date(),
 *   summary: { subject: 'Hello', searchText: 'How are you?' },
 * });
 * const page = await store.list({ query: { kind: 'words', field: 'subject', words: 'hello' } });
 * console.log(page.messages[0]?.id === id); // true
 * ```
 *
 * @throws {@link StoreError} when it cannot be opened
 */
export async function openSQLiteStore(options: SQLiteStoreOptions = {}): Promise<MailStore> {
  const settings = completeOptions(options);
  const isDurable = settings.folder !== undefined;
  const folder =
    settings.folder === undefined ? await mkdtemp(join(tmpdir(), TEMPORARY_PREFIX)) : resolve(settings.folder);
  const feed = new ChangeFeed();
  try {
    const spoolFolder = join(folder, 'messages');
    // Mail is nobody else's business.
    await makeFolder(spoolFolder, 0o700);
    if (!isDurable) await writeFile(join(folder, TEMPORARY_MARK), '');
    const threads: Threads = await startThreads(
      {
        driver: chooseDriver(),
        databasePath: join(folder, 'store.sqlite'),
        lockPath: join(folder, LOCK_FILE_NAME),
        temporaryParent: isDurable ? undefined : dirname(folder),
        spoolFolder,
        isDurable,
        limits: settings.limits,
        undoMs: settings.undoMs,
        summarizer: settings.summarizer?.href,
      },
      () => {
        feed.end();
      },
    );
    if (isDurable) for (const each of [folder, dirname(folder)]) await syncFolder(each);
    return new SQLiteStore({ folder, spoolFolder, settings, threads, feed });
  } catch (error) {
    if (!isDurable) await rm(folder, { recursive: true, force: true });
    throw openingError(fileError(error), folder);
  }
}

/** The two threads of a store. */
interface Threads {
  readonly writer: WorkerLink<keyof WriteOperations>;
  readonly reader: WorkerLink<keyof ReadOperations>;
}

/** Starts both. When one of them dies, the store is over: the other is asked nothing more either. */
async function startThreads(settings: WriterSettings, onFailure: () => void): Promise<Threads> {
  const links: { fail(error: StoreError): void }[] = [];
  const failed = (error: StoreError): void => {
    for (const link of links) link.fail(error);
    onFailure();
  };
  // The tables are there before anybody reads them.
  const writer = await WorkerLink.open<keyof WriteOperations>({ file: 'worker.js', settings }, failed);
  links.push(writer);
  let reader: Threads['reader'] | undefined;
  try {
    const { driver, databasePath } = settings;
    reader = await WorkerLink.open<keyof ReadOperations>(
      { file: 'reader.js', settings: { driver, databasePath } },
      failed,
    );
    links.push(reader);
    // What it has to load and to sweep is done, or there is no store.
    await writer.request('counts', {});
    return { writer, reader };
  } catch (error) {
    await reader?.close();
    await writer.close();
    throw error;
  }
}

interface Parts {
  readonly folder: string;
  readonly spoolFolder: string;
  readonly settings: SQLiteSettings;
  readonly threads: Threads;
  readonly feed: ChangeFeed;
}

class SQLiteStore implements MailStore {
  readonly limits: StoreLimits;
  readonly #folder: string;
  readonly #spoolFolder: string;
  readonly #settings: SQLiteSettings;
  readonly #writer: Threads['writer'];
  readonly #reader: Threads['reader'];
  readonly #feed: ChangeFeed;
  readonly #spool: BodySpool;
  readonly #intake: Intake;
  readonly #work = new WorkInHand();
  readonly #purges: PurgeSchedule;

  constructor({ folder, spoolFolder, settings, threads, feed }: Parts) {
    this.#folder = folder;
    this.#spoolFolder = spoolFolder;
    this.limits = settings.limits;
    this.#settings = settings;
    this.#writer = threads.writer;
    this.#reader = threads.reader;
    this.#feed = feed;
    this.#purges = new PurgeSchedule(settings.clock, (now) =>
      this.#begin(async () => (await this.#writer.request('purge', { now })).nextAt),
    );
    this.#purges.plan(0);
    this.#intake = new Intake(settings.queuedBytesMax, (addition) => this.#keep(addition));
    this.#spool = new BodySpool({
      folder: spoolFolder,
      isDurable: settings.folder !== undefined,
      memoryBytesMax: MEMORY_BYTES_MAX,
      sizeBytesMax: settings.limits.bytesMax,
    });
  }

  add(message: NewMessage): Promise<StoredMessage> {
    return this.#begin(() => this.#intake.take(message));
  }

  addToInboxes(message: NewMessage, inboxes: readonly string[]): Promise<readonly StoredMessage[]> {
    return this.#begin(() => this.#intake.takeFor({ message, inboxes }));
  }

  async get(id: string): Promise<StoredMessage | undefined> {
    const row = await this.#ofMessage('get', id);
    return row === undefined ? undefined : storedMessage(row);
  }

  async *openRaw(id: string): AsyncGenerator<Uint8Array, void, undefined> {
    const location = await this.#ofMessage('raw', id);
    if (location === undefined) throw notFound(id);
    if ('octets' in location) {
      if (location.octets.length > 0) yield location.octets;
      return;
    }
    try {
      yield* createReadStream(join(this.#spoolFolder, location.fileName)) as AsyncIterable<Buffer>;
    } catch (error) {
      // It went between the two.
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw notFound(id);
      throw fileError(error);
    }
  }

  async transcript(id: string): Promise<readonly TranscriptLine[] | undefined> {
    return this.#ofMessage('transcript', id);
  }

  async setTranscript(id: string, transcript: NewTranscript): Promise<boolean> {
    return (await this.setTranscripts(new Map([[id, transcript]]))) > 0;
  }

  setTranscripts(transcripts: ReadonlyMap<string, NewTranscript>): Promise<number> {
    return this.#begin(() => this.#writer.request('setTranscripts', numberedTranscripts(transcripts)));
  }

  addToTranscripts(lines: ReadonlyMap<string, NewTranscript>): Promise<number> {
    return this.#begin(() => this.#writer.request('addToTranscripts', numberedTranscripts(lines)));
  }

  list(options: ListOptions = {}): Promise<Page> {
    return this.#begin(async () => {
      const request = listRequest(options);
      const { rows, hasMore } = await this.#reader.request('list', request);
      return pageOf(request, rows, hasMore);
    });
  }

  setRead(ids: readonly string[], isRead: boolean): Promise<number> {
    return this.#change('setRead', { ids: idsOf(ids), isRead });
  }

  addTags(ids: readonly string[], tags: readonly string[]): Promise<number> {
    return this.#change('addTags', { ids: idsOf(ids), tags });
  }

  removeTags(ids: readonly string[], tags: readonly string[]): Promise<number> {
    return this.#change('removeTags', { ids: idsOf(ids), tags });
  }

  delete(ids: readonly string[]): Promise<Deletion> {
    const now = this.#settings.clock.now();
    return this.#begin(async () => this.#deleted(await this.#writer.request('delete', { ids: idsOf(ids), now }), now));
  }

  clear(inbox?: string): Promise<Deletion> {
    const now = this.#settings.clock.now();
    return this.#begin(async () => {
      if (inbox !== undefined) checkName('inbox', inbox);
      const ids: number[] = [];
      let begun: ClearRequest['begun'];
      for (;;) {
        const answer = await this.#writer.request('clear', { inbox, now, begun });
        const { deletion, olderThan } = answer;
        ids.push(...answer.ids);
        if (olderThan === undefined) return this.#deleted({ deletion, ids }, now);
        begun = { deletion, olderThan };
      }
    });
  }

  restore(deletionId: string): Promise<readonly string[]> {
    return this.#begin(async () => {
      const [deletion] = idsOf([deletionId]);
      if (deletion === undefined) return [];
      const ids: number[] = [];
      for (let isOver = false; !isOver;) {
        const answer = await this.#writer.request('restore', { deletion, now: this.#settings.clock.now() });
        ids.push(...answer.ids);
        ({ isOver } = answer);
      }
      const messageIds = namesOf(ids);
      if (messageIds.length > 0) this.#feed.publish({ kind: 'restored', messageIds });
      return messageIds;
    });
  }

  counts(): Promise<StoreCounts> {
    return this.#begin(() => this.#writer.request('counts', {}));
  }

  setting(key: string): Promise<unknown> {
    return this.#begin(async () => {
      checkSettingKey(key);
      const value = await this.#reader.request('setting', { key });
      return value === undefined ? undefined : (JSON.parse(value) as unknown);
    });
  }

  settings(prefix: string): Promise<ReadonlyMap<string, unknown>> {
    return this.#begin(async () => {
      checkSettingKey(prefix);
      const settings = await this.#reader.request('settings', { prefix });
      return new Map(settings.map(([key, value]) => [key, JSON.parse(value) as unknown]));
    });
  }

  setSetting(key: string, value: unknown): Promise<void> {
    return this.#begin(async () => {
      checkSettingKey(key);
      await this.#writer.request('setSetting', { key, value: value === undefined ? undefined : formatSetting(value) });
      this.#feed.publish({ kind: 'setting', key });
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
    const body = this.#spool.takeShort(message.raw) ?? (await this.#spool.take(message.raw));
    try {
      const summary = typeof message.summary === 'function' ? await message.summary() : message.summary;
      return summary === undefined ? await this.#addUnread(addition, body) : await this.#add(addition, summary, body);
    } catch (error) {
      await this.#spool.discard(body);
      throw error;
    }
  }

  async #add(addition: Addition, summary: NewSummary, body: TakenBody): Promise<readonly StoredMessage[]> {
    const parts = partsOf(addition, summary, body);
    const now = this.#settings.clock.now();
    const { id, pruned } = await this.#writer.request('add', { packed: packParts(parts), now });
    return this.#added(
      addition.inboxes.map((inbox, index) => addedMessage(id + index, inbox, parts)),
      pruned,
    );
  }

  /** Adds a message that the thread sums up. */
  async #addUnread(addition: Addition, body: TakenBody): Promise<readonly StoredMessage[]> {
    if (body.kind === 'file') {
      throw new StoreError('STORE_BAD_OPTION', 'Only a message of up to 128 KiB is summed up by the store itself');
    }
    const packed = packUnread(unreadPartsOf(addition, body.octets));
    const now = this.#settings.clock.now();
    const { id, pruned, summary } = await this.#writer.request('addUnread', { packed, now });
    return this.#added(
      addition.inboxes.map((inbox, index) => addedUnread(id + index, inbox, addition.message, summary)),
      pruned,
    );
  }

  #added(messages: readonly StoredMessage[], pruned: readonly number[]): readonly StoredMessage[] {
    for (const message of messages) this.#feed.publish({ kind: 'added', message });
    if (pruned.length > 0) this.#feed.publish({ kind: 'deleted', messageIds: namesOf(pruned) });
    return messages;
  }

  #ofMessage<Name extends 'get' | 'raw' | 'transcript'>(
    name: Name,
    messageId: string,
  ): Promise<Operations[Name]['answer'] | undefined> {
    return this.#begin(async () => {
      const [id] = idsOf([messageId]);
      return id === undefined ? undefined : this.#reader.request(name, { id });
    });
  }

  #change<Name extends 'setRead' | 'addTags' | 'removeTags'>(
    name: Name,
    request: Operations[Name]['request'],
  ): Promise<number> {
    return this.#begin(async () => {
      if ('tags' in request) for (const tag of request.tags) checkName('tag', tag);
      const messageIds = namesOf(await this.#writer.request(name, request));
      if (messageIds.length > 0) this.#feed.publish({ kind: 'changed', messageIds });
      return messageIds.length;
    });
  }

  #deleted({ deletion, ids }: DeletionAnswer, now: number): Deletion {
    const { undoMs } = this.#settings;
    const messageIds = namesOf(ids);
    if (messageIds.length > 0) this.#feed.publish({ kind: 'deleted', messageIds });
    this.#purges.plan(undoMs);
    return { id: String(deletion), messageIds, restorableUntil: new Date(now + undoMs) };
  }

  #begin<T>(work: () => Promise<T>): Promise<T> {
    return this.#work.begin(work);
  }

  async #close(): Promise<void> {
    this.#purges.end();
    try {
      // The last to go brings the log into the database.
      await this.#reader.close();
      await this.#writer.close();
    } finally {
      this.#feed.end();
      if (this.#settings.folder === undefined) await rm(this.#folder, { recursive: true, force: true });
    }
  }
}
