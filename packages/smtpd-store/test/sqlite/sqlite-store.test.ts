import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { gunzipSync } from 'node:zlib';
import {
  openSQLiteStore,
  type ListOptions,
  type MailStore,
  type MessageQuery,
  type NewMessage,
  type SQLiteStoreOptions,
} from 'smtpd-store';
import { describe, expect, it } from 'vitest';

import { findDriver } from '../../src/sqlite/driver.js';
import { describeMailStore } from '../mail-store-suite.js';
import { ManualClock } from '../support/manual-clock.js';
import { collect, idsIn, newMessage } from '../support/messages.js';
import { TemporaryFolder } from '../support/temporary-folder.js';

describeMailStore('a temporary SQLite store', (options) => openSQLiteStore(options));

describeMailStore('an SQLite store in a folder', async (options) => {
  const folder = new TemporaryFolder();
  const store = await openSQLiteStore({ ...options, folder: folder.path });
  const close = store.close.bind(store);
  store.close = async () => {
    await close();
    folder[Symbol.dispose]();
  };
  return store;
});

const SUMMARIZER = new URL('../support/summarizer.mjs', import.meta.url);

/** A message that the store is to sum up. */
function unread(given: Partial<NewMessage>): NewMessage {
  const { summary: _, ...rest } = newMessage(given);
  return rest;
}

/** A folder in which temporary stores are made meanwhile. */
class TemporaryParent extends TemporaryFolder {
  readonly #before = process.env['TMPDIR'];

  constructor() {
    super();
    process.env['TMPDIR'] = this.path;
  }

  override [Symbol.dispose](): void {
    if (this.#before === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = this.#before;
    super[Symbol.dispose]();
  }
}

/** Leaves a temporary store whose process was killed. @returns how its folder is called */
function leaveStore(parent: TemporaryParent): string {
  const kill =
    "import('smtpd-store').then(async ({ openSQLiteStore }) => { await openSQLiteStore(); process.kill(process.pid, 'SIGKILL'); })";
  const { signal } = spawnSync(process.execPath, ['--eval', kill], { cwd: import.meta.dirname });
  expect(signal).toBe('SIGKILL');
  const [name] = readdirSync(parent.path);
  return name!;
}

describe('an SQLite store', () => {
  it('makes one segment of its index of the words of messages that share a transaction', async () => {
    using folder = new TemporaryFolder();
    {
      await using store = await openSQLiteStore({ folder: folder.path });
      // Asked in one turn of the event loop, they are written together.
      await Promise.all(Array.from({ length: 40 }, () => store.add(newMessage({ summary: { subject: 'together' } }))));
    }
    const connection = (await findDriver())(join(folder.path, 'store.sqlite'));
    expect(connection.prepare('SELECT count(DISTINCT segid) AS segments FROM message_words_idx').get()).toEqual({
      segments: 1,
    });
    connection.close();
  });

  it('sums up by itself what is added without a summary, where it was given a module for it', async () => {
    await using store = await openSQLiteStore({ summarizer: SUMMARIZER });
    const reader = store.changes()[Symbol.asyncIterator]();
    const raw = Buffer.from('Subject: Rechnung ü\ud800\r\n\r\nforty-two\r\n');
    const given = {
      ...unread({ raw, inbox: 'one', transcript: [{ from: 'client', atMs: 1, text: 'DATA' }] }),
      envelope: {
        mailFrom: 'a@a.example',
        rcptTos: ['b@b.example', 'c@b.example'],
        mailOptions: [],
        rcptOptions: [[], []],
      },
    };
    const added = await store.add(given);
    expect(added).toMatchObject({ kind: 'message', inbox: 'one', sizeBytes: raw.length, isRead: false, tags: [] });
    expect(added.summary).toMatchObject({ subject: 'Rechnung ü\ufffd', from: ['head@a.example'] });
    expect(added.summary).not.toHaveProperty('searchText');
    expect(await store.get(added.id)).toEqual(added);
    expect((await reader.next()).value).toEqual({ kind: 'added', message: added });
    expect(await store.transcript(added.id)).toHaveLength(1);
    expect((await collect(store.openRaw(added.id))).equals(raw)).toBe(true);
    for (const [field, words] of [
      ['subject', 'rechnung'],
      ['from', 'a@a.example'],
      ['from', 'head@a.example'],
      ['to', 'c@b.example'],
      ['body', 'forty-two'],
    ] as const) {
      expect(idsIn(await store.list({ query: { kind: 'words', field, words } })), words).toEqual([added.id]);
    }
    expect((await store.list({ query: { kind: 'header', name: 'subject', contains: 'ü' } })).messages).toHaveLength(1);
    // Who knows better is heard.
    expect((await store.add({ ...given, summary: { subject: 'given' } })).summary.subject).toBe('given');
  });

  it('keeps nothing that it cannot sum up, and what is added with it all the same', async () => {
    await using store = await openSQLiteStore({ summarizer: SUMMARIZER });
    const outcomes = await Promise.allSettled(
      ['one', 'unreadable', 'three'].map((subject) =>
        store.add(unread({ raw: Buffer.from(`Subject: ${subject}\r\n`) })),
      ),
    );
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(outcomes[1]).toMatchObject({ reason: { code: 'STORE_BAD_OPTION' } });
    await expect(store.add(unread({ raw: Buffer.alloc(200_000, 'a') }))).rejects.toMatchObject({
      code: 'STORE_BAD_OPTION',
    });
    expect(await store.counts()).toMatchObject({ messages: 2 });
    await using without = await openSQLiteStore();
    await expect(without.add(unread({}))).rejects.toMatchObject({ code: 'STORE_BAD_OPTION' });
    const noSummarizer = new URL('data:text/javascript,export const summary = 1');
    await expect(openSQLiteStore({ summarizer: noSummarizer })).rejects.toMatchObject({ code: 'STORE_BAD_OPTION' });
  });

  const filesOf = (folder: TemporaryFolder): string[] => readdirSync(join(folder.path, 'messages'));

  it('has everything when it is opened again, and never gives an identifier twice', async () => {
    using folder = new TemporaryFolder();
    const long = randomBytes(200_000);
    let ids: string[];
    let newer: string;
    {
      await using store = await openSQLiteStore({ folder: folder.path });
      const first = await store.add(newMessage({ summary: { subject: 'first' } }));
      const second = await store.add(newMessage({ raw: long }));
      await store.setRead([first.id], true);
      await store.addTags([first.id], ['kept']);
      await store.setSetting('key', { is: 'kept' });
      const third = await store.add(newMessage());
      await store.delete([third.id]);
      ids = [second.id, first.id];
      ({ newer } = await store.list());
    }
    await using store = await openSQLiteStore({ folder: folder.path });
    const page = await store.list();
    expect(idsIn(page)).toEqual(ids);
    expect(page.messages[1]).toMatchObject({ isRead: true, tags: ['kept'] });
    expect(await store.setting('key')).toEqual({ is: 'kept' });
    expect((await collect(store.openRaw(ids[0]!))).equals(long)).toBe(true);
    expect(idsIn(await store.list({ query: { kind: 'words', field: 'text', words: 'first' } }))).toEqual([ids[1]]);
    const fourth = await store.add(newMessage());
    expect(Number(fourth.id)).toBe(4);
    expect(idsIn(await store.list({ after: newer }))).toEqual([fourth.id]);
  });

  it('has everything of a store that an earlier version wrote', async () => {
    using folder = new TemporaryFolder();
    // As the first version left it: two messages, of which one is read and tagged, and a third that was deleted.
    const packed = readFileSync(new URL('fixtures/version-1.sqlite.gz', import.meta.url));
    writeFileSync(join(folder.path, 'store.sqlite'), gunzipSync(packed));
    await using store = await openSQLiteStore({ folder: folder.path, undoMs: Infinity });
    const { messages } = await store.list();
    expect(
      messages.map(({ kind, inbox, isRead, tags, summary }) => ({ kind, inbox, isRead, tags, ...summary })),
    ).toEqual([
      { kind: 'message', inbox: '', isRead: false, tags: [], subject: 'second', headers: [['Subject', 'second']] },
      {
        kind: 'message',
        inbox: 'kept',
        isRead: true,
        tags: ['tagged'],
        subject: 'first',
        headers: [['Subject', 'first']],
      },
    ]);
    expect((await collect(store.openRaw('1'))).toString()).toBe('Subject: first\r\n\r\n');
    expect(await store.transcript('1')).toEqual([{ from: 'client', atMs: 1, text: 'NOOP first' }]);
    expect(idsIn(await store.list({ query: { kind: 'words', field: 'to', words: 'first' } }))).toEqual(['1']);
    expect(idsIn(await store.list({ query: { kind: 'header', name: 'subject', contains: 'seco' } }))).toEqual(['2']);
    expect(await store.counts()).toMatchObject({ messages: 2, unread: 1, bytes: 37 });
    expect(await store.restore('1')).toEqual(['3']);
    expect((await store.add(newMessage({ kind: 'session', raw: Buffer.alloc(0) }))).id).toBe('4');
    expect(await store.counts()).toMatchObject({ messages: 3, unread: 2 });
  });

  it('lets a deletion come back after it was opened again', async () => {
    using folder = new TemporaryFolder();
    const clock = new ManualClock();
    const options = { folder: folder.path, clock, undoMs: 1_000 };
    const first = await openSQLiteStore(options);
    const { id } = await first.add(newMessage());
    const deletion = await first.delete([id]);
    await first.close();
    clock.advance(999);
    await using second = await openSQLiteStore(options);
    expect(await second.restore(deletion.id)).toEqual([id]);
  });

  it('lets nothing come back after its time, even if it was not taken away yet', async () => {
    const clock = new ManualClock();
    const withoutTimers = { now: () => clock.now(), setTimer: () => () => undefined };
    await using store = await openSQLiteStore({ clock: withoutTimers, undoMs: 1_000 });
    const { id } = await store.add(newMessage());
    const deletion = await store.delete([id]);
    clock.advance(1_000);
    expect(await store.restore(deletion.id)).toEqual([]);
  });

  it('removes the files of what cannot come back', async () => {
    using folder = new TemporaryFolder();
    const clock = new ManualClock();
    await using store = await openSQLiteStore({ folder: folder.path, clock, undoMs: 1_000 });
    const ids: string[] = [];
    for (let count = 0; count < 3; count += 1) {
      ids.push((await store.add(newMessage({ raw: Buffer.alloc(131_073) }))).id);
    }
    await store.delete(ids.slice(0, 1));
    clock.advance(600);
    await store.delete(ids.slice(1, 2));
    expect(filesOf(folder)).toHaveLength(3);
    // A later deletion does not put off the end of the first.
    clock.advance(400);
    await settle(clock, store.counts.bind(store));
    expect(filesOf(folder)).toHaveLength(2);
    clock.advance(600);
    await settle(clock, store.counts.bind(store));
    expect(filesOf(folder)).toHaveLength(1);
  });

  it('removes the files of messages that a limit takes away, and of those that failed', async () => {
    using folder = new TemporaryFolder();
    await using store = await openSQLiteStore({ folder: folder.path, limits: { messagesMax: 2, bytesMax: 500_000 } });
    for (let count = 0; count < 5; count += 1) await store.add(newMessage({ raw: Buffer.alloc(200_000) }));
    expect(filesOf(folder)).toHaveLength(2);
    const broken = (async function* () {
      yield Buffer.alloc(200_000);
      throw new Error('the client left');
    })();
    await expect(store.add(newMessage({ raw: broken }))).rejects.toThrow('the client left');
    expect(filesOf(folder)).toHaveLength(2);
  });

  it('keeps a message in none of its inboxes when the database fails at the second, and its neighbours all the same', async () => {
    using folder = new TemporaryFolder();
    await using store = await openSQLiteStore({ folder: folder.path, summarizer: SUMMARIZER });
    const connection = (await findDriver())(join(folder.path, 'store.sqlite'));
    connection.exec(
      `PRAGMA busy_timeout = 10000;
       CREATE TRIGGER refusal BEFORE INSERT ON messages WHEN NEW.inbox = 'two' BEGIN SELECT RAISE(ABORT, 'no'); END`,
    );
    for (const message of [newMessage(), newMessage({ raw: Buffer.alloc(200_000) }), unread({})]) {
      // Asked in one turn of the event loop, they share a transaction.
      const [refused, kept] = await Promise.allSettled([
        store.addToInboxes(message, ['one', 'two', 'three']),
        store.addToInboxes(newMessage(), ['one', 'three']),
      ]);
      expect(refused).toMatchObject({ status: 'rejected', reason: { code: 'STORE_FAILED' } });
      expect(kept).toMatchObject({ status: 'fulfilled', value: [{ inbox: 'one' }, { inbox: 'three' }] });
    }
    expect((await store.counts()).inboxes).toMatchObject({ one: { messages: 3 }, three: { messages: 3 } });
    expect(filesOf(folder)).toEqual([]);
    connection.exec('DROP TRIGGER refusal');
    connection.close();
    expect(await store.addToInboxes(newMessage(), ['one', 'two'])).toHaveLength(2);
  });

  it('has a long message in one file for all of its inboxes, until the last of them is without it', async () => {
    using folder = new TemporaryFolder();
    const clock = new ManualClock();
    await using store = await openSQLiteStore({ folder: folder.path, clock, undoMs: 1_000 });
    const kept = await store.addToInboxes(newMessage({ raw: Buffer.alloc(200_000, 'l') }), ['one', 'two']);
    for (const { id } of kept) {
      expect(filesOf(folder)).toHaveLength(1);
      expect((await collect(store.openRaw(id))).length).toBe(200_000);
      await store.delete([id]);
      clock.advance(1_000);
      await settle(clock, store.counts.bind(store));
    }
    expect(filesOf(folder)).toEqual([]);
  });

  it('sweeps files that belong to no message when it is opened, and no others', async () => {
    using folder = new TemporaryFolder();
    const first = await openSQLiteStore({ folder: folder.path });
    const { id } = await first.add(newMessage({ raw: Buffer.alloc(200_000, 'k') }));
    await first.close();
    const kept = filesOf(folder);
    writeFileSync(join(folder.path, 'messages', '00000000-0000-0000-0000-000000000000.eml'), 'half of a mess');
    const others = ['notes.txt', 'notes.eml'];
    for (const name of others) writeFileSync(join(folder.path, 'messages', name), 'not ours');
    await using second = await openSQLiteStore({ folder: folder.path });
    expect(filesOf(folder).sort()).toEqual([...kept, ...others].sort());
    expect((await collect(second.openRaw(id))).length).toBe(200_000);
  });

  it('is gone when a temporary one is closed', async () => {
    using folder = new TemporaryParent();
    const store = await openSQLiteStore();
    await store.add(newMessage({ raw: Buffer.alloc(200_000) }));
    expect(readdirSync(folder.path)).toHaveLength(1);
    await store.close();
    expect(readdirSync(folder.path)).toEqual([]);
  });

  it('removes temporary stores whose process was killed, and no others', async () => {
    using folder = new TemporaryParent();
    const left = leaveStore(folder);
    mkdirSync(join(folder.path, 'smtpd-store-notes'));
    const others = await openSQLiteStore();
    const [other] = readdirSync(folder.path).filter((name) => name !== left && name !== 'smtpd-store-notes');
    const hourAgo = new Date(Date.now() - 3_600_000);
    // Of the three, one is old and nobody's, one is old and in use, one is no store.
    for (const name of [left, other!]) utimesSync(join(folder.path, name, 'store.lock'), hourAgo, hourAgo);
    const store = await openSQLiteStore();
    await store.counts();
    expect(readdirSync(folder.path)).not.toContain(left);
    expect(readdirSync(folder.path)).toHaveLength(3);
    await others.add(newMessage({ raw: Buffer.alloc(200_000) }));
    await others.close();
    await store.close();
  });

  it('leaves a kept store alone, however its folder is called and whatever it was before', async () => {
    using folder = new TemporaryParent();
    const kept = [leaveStore(folder), 'smtpd-store-kept'].map((name) => join(folder.path, name));
    const hourAgo = new Date(Date.now() - 3_600_000);
    for (const each of kept) {
      await using store = await openSQLiteStore({ folder: each });
      await store.add(newMessage());
      await store.close();
      utimesSync(join(each, 'store.lock'), hourAgo, hourAgo);
    }
    await (await openSQLiteStore()).close();
    for (const each of kept) {
      await using store = await openSQLiteStore({ folder: each });
      expect((await store.counts()).messages).toBe(1);
    }
  });

  it('takes and gives 50 MiB without holding them', async () => {
    using folder = new TemporaryFolder();
    await using store = await openSQLiteStore({ folder: folder.path });
    const piece = randomBytes(65_536);
    const pieces = 800;
    let highest = 0;
    setFlagsFromString('--expose-gc');
    const collectGarbage = runInNewContext('gc') as () => void;
    const look = (): void => {
      collectGarbage();
      const { arrayBuffers, heapUsed } = process.memoryUsage();
      highest = Math.max(highest, arrayBuffers + heapUsed);
    };
    look();
    const before = highest;
    const { id, sizeBytes } = await store.add(
      newMessage({
        raw: (async function* () {
          for (let count = 0; count < pieces; count += 1) {
            if (count % 50 === 0) look();
            yield Buffer.from(piece);
          }
        })(),
      }),
    );
    expect(sizeBytes).toBe(pieces * piece.length);
    let received = 0;
    for await (const each of store.openRaw(id)) {
      if (!each.every((octet, index) => index % 4_099 !== 0 || octet === piece[(received + index) % piece.length])) {
        throw new Error(`Another octet near ${received}`);
      }
      received += each.length;
      if (received % (50 * piece.length) < each.length) look();
    }
    expect(received).toBe(sizeBytes);
    expect(highest - before).toBeLessThan(8_000_000);
  });

  it('says that another process has it open', async () => {
    using folder = new TemporaryFolder();
    await using _first = await openSQLiteStore({ folder: folder.path });
    await expect(openSQLiteStore({ folder: folder.path })).rejects.toMatchObject({
      code: 'STORE_LOCKED',
      message: `The store in ${folder.path} cannot be opened. Another process has this store open: close it, or give this one a folder of its own`,
    });
  });

  /** A search that takes its time, and the messages that it looks through, which have an inbox of their own. */
  const slowSearch = async (store: MailStore, conditions: number): Promise<ListOptions> => {
    const headers = Array.from({ length: 200 }, (_, index) => [`X-${index}`, `${index} of many`] as const);
    const message = newMessage({ inbox: 'searched', summary: { headers } });
    await Promise.all(Array.from({ length: 100 }, () => store.add(message)));
    const queries: MessageQuery[] = Array.from({ length: conditions }, (_, index) => ({
      kind: 'header',
      name: `x-${index % 200}`,
      contains: `${index + 1} of many`,
    }));
    return { inbox: 'searched', query: { kind: 'or', queries } };
  };

  it('keeps a message while somebody searches through everything', async () => {
    await using store = await openSQLiteStore();
    const options = await slowSearch(store, 250);
    const ends: string[] = [];
    const search = store.list(options).then(() => ends.push('search'));
    const add = store.add(newMessage()).then(() => ends.push('add'));
    await Promise.all([search, add]);
    expect(ends).toEqual(['add', 'search']);
  });

  it('keeps its log short while somebody always reads', async () => {
    using folder = new TemporaryFolder();
    await using store = await openSQLiteStore({ folder: folder.path });
    const options = await slowSearch(store, 20);
    let isOver = false;
    const reading = Promise.all(
      Array.from({ length: 2 }, async () => {
        while (!isOver) await store.list(options);
      }),
    );
    for (let group = 0; group < 200; group += 1)
      await Promise.all(Array.from({ length: 10 }, () => store.add(newMessage({ raw: Buffer.alloc(100_000) }))));
    // How long it became depends on how fast the disk is. Between two answers it is made short, though the others read on.
    while (statSync(join(folder.path, 'store.sqlite-wal')).size > 67_108_864) await store.list({ limit: 1 });
    isOver = true;
    await reading;
  }, 60_000);

  it('says that a file is no store', async () => {
    using folder = new TemporaryFolder();
    writeFileSync(join(folder.path, 'store.sqlite'), Buffer.alloc(10_000, 'x'));
    await expect(openSQLiteStore({ folder: folder.path })).rejects.toMatchObject({
      code: 'STORE_CORRUPT',
      message: expect.stringContaining(folder.path) as string,
    });
  });

  it('says that a database is of another program, and leaves it as it is', async () => {
    using folder = new TemporaryFolder();
    const path = join(folder.path, 'store.sqlite');
    const database = (await findDriver())(path);
    database.exec('CREATE TABLE theirs (id INTEGER PRIMARY KEY)');
    database.close();
    const before = readFileSync(path);
    await expect(openSQLiteStore({ folder: folder.path })).rejects.toMatchObject({
      code: 'STORE_CORRUPT',
      message: expect.stringContaining('not of this package') as string,
    });
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  it('removes no messages whose database is lost', async () => {
    using folder = new TemporaryFolder();
    const path = join(folder.path, 'store.sqlite');
    {
      await using store = await openSQLiteStore({ folder: folder.path });
      await store.add(newMessage({ raw: Buffer.alloc(200_000, 'k') }));
      await store.close();
    }
    const kept = filesOf(folder);
    renameSync(path, `${path}.away`);
    const refusal = { code: 'STORE_CORRUPT', message: expect.stringContaining('bring back store.sqlite') as string };
    await expect(openSQLiteStore({ folder: folder.path })).rejects.toMatchObject(refusal);
    // The first attempt left nothing that makes the second one go on.
    await expect(openSQLiteStore({ folder: folder.path })).rejects.toMatchObject(refusal);
    renameSync(`${path}.away`, path);
    await using store = await openSQLiteStore({ folder: folder.path });
    expect((await store.counts()).messages).toBe(1);
    expect(filesOf(folder)).toEqual(kept);
  });

  it('says that a folder cannot be one', async () => {
    using folder = new TemporaryFolder();
    writeFileSync(join(folder.path, 'file'), '');
    await expect(openSQLiteStore({ folder: join(folder.path, 'file') })).rejects.toMatchObject({
      code: 'STORE_UNREADABLE',
      message: expect.stringContaining(`The store in ${join(folder.path, 'file')} cannot be opened. `) as string,
    });
  });

  it('says that it is of a later version', async () => {
    using folder = new TemporaryFolder();
    const database = (await findDriver())(join(folder.path, 'store.sqlite'));
    database.exec('PRAGMA user_version = 99');
    database.close();
    await expect(openSQLiteStore({ folder: folder.path })).rejects.toMatchObject({
      code: 'STORE_NEWER',
      message: expect.stringContaining(folder.path) as string,
    });
  });

  it.runIf(process.platform === 'linux')('says so where no folder can be made', async () => {
    await expect(openSQLiteStore({ folder: '/proc/x' })).rejects.toMatchObject({
      code: 'STORE_UNREADABLE',
      message: expect.stringContaining('/proc/x') as string,
      cause: { code: 'ENOENT' },
    });
  });

  it.each<SQLiteStoreOptions>([
    { folder: '' },
    { limits: { messagesMax: 0 } },
    { limits: { bytesMax: NaN } },
    { undoMs: -1 },
    { queuedBytesMax: 1_000 },
  ])('refuses %j', async (options) => {
    await expect(openSQLiteStore(options)).rejects.toMatchObject({ code: 'STORE_BAD_OPTION' });
  });

  it('takes no more of the streams at a time than its bound allows', async () => {
    await using store = await openSQLiteStore({ queuedBytesMax: 2 * 131_072 });
    const begun: number[] = [];
    const gates: (() => void)[] = [];
    const adds = Array.from({ length: 5 }, (_, index) =>
      store.add(
        newMessage({
          raw: (async function* () {
            begun.push(index);
            await new Promise<void>((proceed) => gates.push(proceed));
            yield Buffer.alloc(10);
          })(),
        }),
      ),
    );
    // Anything asked of the thread is answered after all that could begin has begun.
    for (const most of [2, 3, 4, 5]) {
      await store.counts();
      expect(begun.length).toBe(most);
      const passed = Promise.race(adds.slice(most - 2));
      gates.shift()?.();
      await passed;
    }
    gates.shift()?.();
    await Promise.all(adds);
    expect(begun).toEqual([0, 1, 2, 3, 4]);
  });
});

/** Lets the store purge what is due by a clock that stands still. */
async function settle(clock: ManualClock, ask: () => Promise<unknown>): Promise<void> {
  await ask();
  while (clock.dueAt !== undefined && clock.dueAt <= clock.now()) {
    clock.advance(0);
    await ask();
  }
}
