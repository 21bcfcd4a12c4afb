import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { inspect } from 'node:util';
import { runInNewContext } from 'node:vm';
import {
  openPostgresStore,
  openSQLiteStore,
  type MailStore,
  type PostgresStoreOptions,
  type StoreChange,
} from 'smtpd-store';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { describeMailStore } from '../mail-store-suite.js';
import { collect, idsIn, newMessage } from '../support/messages.js';
import { PostgresServer, requirePostgres } from '../support/postgres-server.js';

const hasPostgres = requirePostgres();
const server = new PostgresServer();
let stores = 0;

beforeAll(async () => {
  if (hasPostgres) await server.start();
}, 60_000);

afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

/** Opens a store; each has a schema of its own that is new, unless one is given. */
function open(options: Partial<PostgresStoreOptions> = {}): Promise<MailStore> {
  return openPostgresStore({ url: server.url, schema: `store_${(stores += 1)}`, ...options });
}

describeMailStore('a store in PostgreSQL', open);

/** How many connections the server has from stores, and how it ends them. */
const cutConnections = (condition = 'true'): Promise<string> =>
  server.run(
    `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'smtpd-store' AND ${condition}`,
  );

describe('stores in one database', () => {
  /** Two stores that share a schema. */
  async function openTwo(options: Partial<PostgresStoreOptions> = {}): Promise<[MailStore, MailStore]> {
    const schema = `shared_${(stores += 1)}`;
    return Promise.all([open({ ...options, schema }), open({ ...options, schema })]);
  }

  it.each(['repeatable read', 'serializable'])('take what comes to both where transactions are %s', async (level) => {
    const url = new URL(server.url);
    url.searchParams.set('options', `-c default_transaction_isolation=${level.replace(' ', '\\ ')}`);
    const [one, other] = await openTwo({ url: url.href });
    const messages = Array.from({ length: 40 }, () => newMessage());
    await Promise.all(messages.map((message, index) => (index % 2 === 0 ? one : other).add(message)));
    expect(idsIn(await other.list({ limit: 100 }))).toHaveLength(40);
    await Promise.all([one.close(), other.close()]);
  });

  it('hear of each other, in the same order', async () => {
    const [one, other] = await openTwo();
    const heard = [one, other].map(async (store) => {
      const changes: StoreChange[] = [];
      for await (const change of store.changes()) {
        changes.push(change);
        if (change.kind === 'setting') return changes;
      }
      return changes;
    });
    const first = await one.add(newMessage({ summary: { subject: 'of one' } }));
    const second = await other.add(
      newMessage({ raw: Buffer.alloc(300_000, 'x'), summary: { subject: 'of the other' } }),
    );
    expect(await one.get(second.id)).toEqual(second);
    expect((await collect(one.openRaw(second.id))).length).toBe(300_000);
    expect(await other.setRead([first.id], true)).toBe(1);
    const deletion = await one.delete([first.id, second.id]);
    expect(await other.restore(deletion.id)).toHaveLength(2);
    await other.setSetting('last', { of: 'all' });
    expect(await one.setting('last')).toEqual({ of: 'all' });
    const [changes, same] = await Promise.all(heard);
    expect(changes).toEqual([
      { kind: 'added', message: first },
      { kind: 'added', message: second },
      { kind: 'changed', messageIds: [first.id] },
      { kind: 'deleted', messageIds: [first.id, second.id] },
      { kind: 'restored', messageIds: [first.id, second.id] },
      { kind: 'setting', key: 'last' },
    ]);
    // The other one looks at what was added when it hears of it, and may see it as it is by then.
    expect(same?.map(({ kind }) => kind)).toEqual(changes?.map(({ kind }) => kind));
    await one.close();
    await other.close();
  });

  it('keep within the limits together, whoever adds', async () => {
    const limits = { messagesMax: 20, bytesMax: 100_000 };
    const [one, other] = await openTwo({ limits });
    const added = await Promise.all(
      Array.from({ length: 300 }, (_, index) =>
        (index % 2 === 0 ? one : other).add(newMessage({ raw: Buffer.alloc((index % 10) * 1_000) })),
      ),
    );
    expect(new Set(added.map(({ id }) => id)).size).toBe(300);
    const { messages, bytes } = await one.counts();
    expect(messages).toBeLessThanOrEqual(20);
    expect(bytes).toBeLessThanOrEqual(100_000);
    const newest = added.map(({ id }) => Number(id)).sort((a, b) => b - a);
    expect(idsIn(await other.list())).toEqual(newest.slice(0, messages).map(String));
    // One more would have been too much.
    expect(messages === 20 || bytes > 90_000).toBe(true);
    await one.close();
    await other.close();
  });

  it('give a reader that follows by its place every message, though both add', async () => {
    const [one, other] = await openTwo();
    const seen: string[] = [];
    let place = (await one.list()).newer;
    let isOver = false as boolean;
    const following = (async () => {
      for (;;) {
        const isLast = isOver;
        const page = await one.list({ after: place, limit: 1_000 });
        seen.push(...idsIn(page).reverse());
        place = page.newer;
        if (isLast) return;
      }
    })();
    const added = await Promise.all(
      Array.from({ length: 200 }, (_, index) =>
        // Long ones take longer, and go by a way of their own.
        (index % 2 === 0 ? one : other).add(newMessage({ raw: Buffer.alloc(index % 7 === 0 ? 200_000 : 10) })),
      ),
    );
    isOver = true;
    await following;
    expect(seen).toEqual(
      added
        .map(({ id }) => Number(id))
        .sort((a, b) => a - b)
        .map(String),
    );
    await one.close();
    await other.close();
  });
});

describe('a store in PostgreSQL', () => {
  it('has every acknowledged message after kill -9 of the process that adds', async () => {
    const schema = `killed_${(stores += 1)}`;
    const program = fileURLToPath(new URL('kill-child.mjs', import.meta.url));
    for (const killAfter of [1, 40, 150]) {
      const child = spawn(process.execPath, [program, server.url, schema], { stdio: ['ignore', 'pipe', 'inherit'] });
      const closed = once(child, 'close');
      const acknowledged: { id: string; name: string; sizeBytes: number }[] = [];
      for await (const line of createInterface(child.stdout)) {
        const match = /^(\d+) (\w+) (\d+)$/.exec(line);
        if (match === null) continue;
        acknowledged.push({ id: match[1]!, name: match[2]!, sizeBytes: Number(match[3]) });
        if (acknowledged.length === killAfter) child.kill('SIGKILL');
      }
      expect(await closed).toEqual([null, 'SIGKILL']);
      await using store = await open({ schema });
      for (const { id, name, sizeBytes } of acknowledged) {
        if ((await collect(store.openRaw(id))).toString() !== name.padEnd(sizeBytes, '.'))
          throw new Error(`${name} is not whole`);
        expect(idsIn(await store.list({ query: { kind: 'words', field: 'subject', words: name } }))).toContain(id);
      }
      // Of what was not acknowledged there is all or nothing.
      for (const { id, summary, sizeBytes } of (await store.list({ limit: 1_000 })).messages) {
        expect((await collect(store.openRaw(id))).toString() === summary.subject?.padEnd(sizeBytes, '.')).toBe(true);
      }
      const orphans = `SELECT count(*) FROM ${schema}.message_octets o WHERE NOT EXISTS (SELECT 1 FROM ${schema}.messages m WHERE m.body = o.body)`;
      expect(await server.run(orphans)).toBe('0');
    }
  }, 120_000);

  it('keeps a message in none of its inboxes when the database fails at the second, and its neighbours all the same', async () => {
    const schema = `refusing_${(stores += 1)}`;
    await using store = await open({ schema });
    await server.run(`ALTER TABLE ${schema}.messages ADD CONSTRAINT refusal CHECK (inbox <> 'two')`);
    for (const raw of [Buffer.alloc(100), Buffer.alloc(300_000)]) {
      // Asked in one turn of the event loop, they share a transaction where they are short.
      const [refused, kept] = await Promise.allSettled([
        store.addToInboxes(newMessage({ raw }), ['one', 'two', 'three']),
        store.addToInboxes(newMessage({ raw }), ['one', 'three']),
      ]);
      expect(refused).toMatchObject({ status: 'rejected', reason: { code: 'STORE_UNREADABLE' } });
      expect(kept).toMatchObject({ status: 'fulfilled', value: [{ inbox: 'one' }, { inbox: 'three' }] });
    }
    expect((await store.counts()).inboxes).toMatchObject({ one: { messages: 2 }, three: { messages: 2 } });
    await server.run(`ALTER TABLE ${schema}.messages DROP CONSTRAINT refusal`);
    expect(await store.addToInboxes(newMessage(), ['one', 'two'])).toHaveLength(2);
  });

  it('rejects while the server is away, and goes on when it is back', async () => {
    await using away = new PostgresServer();
    await away.start();
    await using store = await openPostgresStore({ url: away.url });
    const reader = store.changes()[Symbol.asyncIterator]();
    const { id } = await store.add(newMessage({ summary: { subject: 'before' } }));
    expect((await reader.next()).value).toMatchObject({ kind: 'added' });
    await away.stop();
    for (const ask of [
      () => store.add(newMessage()),
      () => store.add(newMessage({ raw: Buffer.alloc(200_000) })),
      () => store.list(),
      () => collect(store.openRaw(id)),
      () => store.setSetting('key', 1),
      () => openPostgresStore({ url: away.url }),
    ]) {
      await expect(ask()).rejects.toMatchObject({ code: 'STORE_UNREACHABLE' });
    }
    await away.start();
    expect((await store.get(id))?.summary.subject).toBe('before');
    expect((await reader.next()).value).toEqual({ kind: 'missed' });
    const after = await store.add(newMessage());
    expect((await reader.next()).value).toEqual({ kind: 'added', message: after });
  }, 60_000);

  it('loses nothing that it acknowledged when its connections are cut in the middle of load', async () => {
    await using store = await open();
    const acknowledged: string[] = [];
    const refused: unknown[] = [];
    let isOver = false;
    const adding = Array.from({ length: 8 }, async (_, index) => {
      while (!isOver) {
        try {
          const raw = Buffer.alloc(index === 0 ? 400_000 : 100);
          acknowledged.push((await store.add(newMessage({ raw }))).id);
        } catch (error) {
          refused.push(error);
        }
      }
    });
    for (let cut = 0; cut < 5; cut += 1) {
      const goal = acknowledged.length + 20;
      while (acknowledged.length < goal) await store.counts().catch(() => undefined);
      await cutConnections();
    }
    isOver = true;
    await Promise.all(adding);
    for (const error of refused) expect(error).toMatchObject({ code: 'STORE_UNREACHABLE' });
    // Of a connection that was idle when it was cut, whoever asks next may be the one who finds out.
    const answered = async <T>(ask: () => Promise<T>): Promise<T> => {
      for (;;) {
        try {
          return await ask();
        } catch (error) {
          expect(error).toMatchObject({ code: 'STORE_UNREACHABLE' });
        }
      }
    };
    for (const id of acknowledged) expect(await answered(() => store.get(id))).toBeDefined();
    const { messages } = await answered(() => store.counts());
    expect(messages).toBeGreaterThanOrEqual(acknowledged.length);
  }, 60_000);

  it('says that changes were missed when the connection was lost by which it hears of them', async () => {
    await using store = await open();
    const reader = store.changes()[Symbol.asyncIterator]();
    expect(await cutConnections("query LIKE 'LISTEN%'")).toBe('1');
    expect((await reader.next()).value).toEqual({ kind: 'missed' });
    const message = await store.add(newMessage());
    expect((await reader.next()).value).toEqual({ kind: 'added', message });
  });

  it('finds what stands together in a text of more words than an index knows', async () => {
    await using store = await open();
    const many = Array.from({ length: 150_000 }, (_, index) => `w${index.toString(36)}`).join(' ');
    const often = `${'very '.repeat(30_000)}last words`;
    const ids = {
      many: (await store.add(newMessage({ summary: { searchText: many } }))).id,
      often: (await store.add(newMessage({ summary: { searchText: often } }))).id,
      long: (await store.add(newMessage({ summary: { searchText: `${'x'.repeat(300)}a ${'y'.repeat(5_000)}` } }))).id,
    };
    const find = async (words: string, isPrefix = false): Promise<string[]> =>
      idsIn(await store.list({ query: { kind: 'words', field: 'text', words, isPrefix } }));
    expect(await find('w2rs w2rt')).toEqual([ids.many]);
    expect(await find('w2rt w2rs')).toEqual([]);
    expect(await find('w2rs')).toEqual([ids.many]);
    expect(await find('very last words')).toEqual([ids.often]);
    expect(await find('last very')).toEqual([]);
    expect(await find(`${'x'.repeat(300)}a`)).toEqual([ids.long]);
    expect(await find(`${'x'.repeat(300)}b`)).toEqual([]);
    expect(await find('x'.repeat(300))).toEqual([]);
    expect(await find('x'.repeat(300), true)).toEqual([ids.long]);
    expect(await find('y'.repeat(4_999), true)).toEqual([ids.long]);
  });

  it('finds the words that the embedded engine finds, sign by sign', async () => {
    const blocks: [first: number, last: number, step: number][] = [
      [0xa1, 0x1df, 5], // Latin
      [0x300, 0x331, 1], // marks
      [0x384, 0x3ff, 3], // Greek
      [0x400, 0x4ff, 7], // Cyrillic
      [0x5be, 0x5ea, 5], // Hebrew
      [0x621, 0x66f, 5], // Arabic
      [0x901, 0x970, 5], // Devanagari
      [0xe01, 0xe5b, 7], // Thai
      [0x1e00, 0x1eff, 7], // Latin with two marks, Vietnamese
      [0x2010, 0x2190, 17], // punctuation, forms of numbers
      [0x3040, 0x30ff, 17], // Japanese
      [0xff10, 0xff5a, 9], // wide forms
    ];
    // Of the youngest signs each engine knows others.
    const signs = blocks
      .flatMap(([first, last, step]) =>
        Array.from({ length: Math.floor((last - first) / step) + 1 }, (_, index) =>
          String.fromCodePoint(first + index * step),
        ),
      )
      .filter((sign) => !/[\p{Cn}₺ƛϳ]/u.test(sign));
    await using ours = await open();
    await using theirs = await openSQLiteStore();
    for (const store of [ours, theirs]) {
      await Promise.all(signs.map((sign) => store.add(newMessage({ summary: { subject: `q${sign}q ${sign}` } }))));
    }
    const found = (store: MailStore, words: string): Promise<string[]> =>
      store.list({ query: { kind: 'words', field: 'subject', words }, limit: 1_000 }).then(idsIn);
    const differences: string[] = [];
    for (const sign of signs) {
      for (const words of [`q${sign}q`, `Q${sign.toUpperCase()}Q`, sign]) {
        const [one, other] = await Promise.all([found(ours, words), found(theirs, words)]);
        if (one.join() !== other.join()) differences.push(`${sign.codePointAt(0)!.toString(16)} ${words}`);
      }
    }
    expect(differences).toEqual([]);
  }, 60_000);

  it('is closed before the program ends whose last line that is', async () => {
    const program = `
      import('smtpd-store').then(async ({ openPostgresStore }) => {
        const store = await openPostgresStore({ url: process.argv[1], schema: 'closed' });
        await store.add({
          raw: Buffer.alloc(10), envelope: { mailFrom: '', rcptTos: [], mailOptions: [], rcptOptions: [] },
          session: { peer: { address: '::1', port: 1 } }, receivedAt: new Date(), summary: {},
        });
        await store.close();
        console.log('closed');
      });`;
    const child = spawn(process.execPath, ['--eval', program, server.url], { cwd: import.meta.dirname });
    const [said] = await Promise.all([collect(child.stdout), once(child, 'close')]);
    expect(said.toString()).toBe('closed\n');
  });

  it('is made once by many who open it at the same time, and by nobody who is too old for it', async () => {
    const schema = `made_${(stores += 1)}`;
    const opened = await Promise.all(Array.from({ length: 5 }, () => open({ schema })));
    for (const store of opened) await store.close();
    await server.run(`UPDATE ${schema}.version SET tables = 99`);
    await expect(open({ schema })).rejects.toMatchObject({
      code: 'STORE_NEWER',
      message: expect.stringContaining(`The store in schema ${schema} of the database postgres at /`) as string,
    });
  });

  it.each([
    ['postgres://a:secret@127.0.0.1:1/mail', 'schema b of the database mail at 127.0.0.1:1'],
    ['postgres://a@127.0.0.1:1/mail?password=secret', 'schema b of the database mail at 127.0.0.1:1'],
    ['postgres://a:se@cret@127.0.0.1:1/mail', 'schema b'],
    ['postgres://a:p@127.0.0.1:1/secret@localhost/mail', 'schema b'],
  ])('says which one cannot be opened, never with a password: %s', async (url, place) => {
    const refused = await openPostgresStore({ url, schema: 'b' }).catch((error: unknown) => error);
    expect(refused).toMatchObject({
      code: 'STORE_UNREACHABLE',
      message: expect.stringContaining(`The store in ${place} cannot be opened. `) as string,
    });
    expect(inspect(refused)).not.toMatch(/secret/);
  });

  it('says that a URL is none without repeating its password', async () => {
    const refused = await openPostgresStore({ url: 'postgres://a:se#cret@localhost/mail' }).catch(
      (error: unknown) => error,
    );
    expect(refused).toMatchObject({ code: 'STORE_BAD_OPTION' });
    expect(inspect(refused)).not.toMatch(/cret/);
  });

  it('takes and gives 50 MiB without holding them', async () => {
    await using store = await open();
    const piece = Buffer.alloc(65_536, 'x');
    const pieces = 800;
    setFlagsFromString('--expose-gc');
    const collectGarbage = runInNewContext('gc') as () => void;
    let highest = 0;
    const look = async (): Promise<void> => {
      // What tests before this one left is given back in a turn of its own.
      for (let turn = 0; turn < 3; turn += 1) {
        collectGarbage();
        await new Promise(setImmediate);
      }
      const { arrayBuffers, heapUsed } = process.memoryUsage();
      highest = Math.max(highest, arrayBuffers + heapUsed);
    };
    await look();
    const before = highest;
    const { id } = await store.add(
      newMessage({
        raw: (async function* () {
          for (let count = 0; count < pieces; count += 1) {
            if (count % 100 === 0) await look();
            yield piece;
          }
        })(),
      }),
    );
    let received = 0;
    for await (const each of store.openRaw(id)) {
      received += each.length;
      if (received % (100 * piece.length) < each.length) await look();
    }
    expect(received).toBe(pieces * piece.length);
    // Half of it: what the driver has not let go of yet depends on when it was looked.
    expect(highest - before).toBeLessThan((pieces * piece.length) / 2);
  });

  it.each<Partial<PostgresStoreOptions>>([
    { url: 'mysql://localhost/mail' },
    { schema: 'x"; DROP' },
    { schema: 'X' },
    { connectionsMax: 1 },
    { limits: { messagesMax: 0 } },
    { undoMs: NaN },
  ])('refuses %j', async (options) => {
    await expect(open(options)).rejects.toMatchObject({ code: 'STORE_BAD_OPTION' });
  });
});
