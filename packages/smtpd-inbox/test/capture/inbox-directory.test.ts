/** Inboxes that somebody else made: two directories over one store, of which neither hears of the other's changes by itself. */

import { once } from 'node:events';

import { silentLogger } from 'smtpd';
import { startInbox } from 'smtpd-inbox';
import { openSQLiteStore, StoreError, type MailStore, type NewMessage, type StoreChange } from 'smtpd-store';
import { expect, it } from 'vitest';

import { InboxDirectory, InboxExistsError } from '../../src/capture/inbox-directory.js';
import { InboxClient } from '../../src/client/index.js';

const options = { domain: 'inbox.test', now: () => new Date('2026-11-25T10:00:00Z') };

it('an inbox that another machine made just now is looked for where mail may be meant for it', async () => {
  await using store = await openSQLiteStore();
  const [here, there] = [await InboxDirectory.open(store, options), await InboxDirectory.open(store, options)];
  await here.create({ name: 'fresh' });
  const routed = { rcptTos: ['ann@FRESH.inbox.test', 'bob+fresh@b.example', 'nobody'], user: undefined };
  expect(there.route(routed)).toEqual(['']);
  await there.learn(routed);
  expect(there.route(routed)).toEqual(['fresh', '']);
  expect(there.get('fresh')).toEqual(here.get('fresh'));

  await here.create({ name: 'login' });
  await there.learn({ rcptTos: [], user: 'login' });
  expect(there.route({ rcptTos: ['x@b.example'], user: 'login' })).toEqual(['login']);
  await expect(there.create({ name: 'login' })).rejects.toThrow(InboxExistsError);
});

it('an inbox that was taken away elsewhere is nobody’s any more once that is heard', async () => {
  await using store = await openSQLiteStore();
  const here = await InboxDirectory.open(store, options);
  await here.create({ name: 'gone' });
  const there = await InboxDirectory.open(store, options);
  expect(await here.remove('gone')).toBe(true);
  expect(await here.remove('gone')).toBe(false);
  await there.refresh('inbox/gone');
  expect(there.list()).toEqual([]);
});

it('takes away no inbox that was made anew elsewhere when the time of the one before is over', async () => {
  await using store = await openSQLiteStore();
  let now = Date.parse('2026-11-25T20:00:00Z');
  const clocked = { ...options, now: () => new Date(now) };
  const [here, there] = [await InboxDirectory.open(store, clocked), await InboxDirectory.open(store, clocked)];
  await here.create({ name: 'ci', ttlSeconds: 60 });
  await there.refresh('inbox/ci');
  // The other one hears nothing of this.
  await here.remove('ci');
  await here.create({ name: 'ci' });
  await store.add({ ...MESSAGE, inbox: 'ci' });
  now += 61_000;
  await there.prune();
  expect((await store.counts()).inboxes).toMatchObject({ ci: { messages: 1 } });
  expect(there.get('ci')).toEqual(here.get('ci'));
});

it('gives one name to one of two who want it at the same time, and is right again when changes were missed', async () => {
  await using store = await openSQLiteStore();
  const [here, there] = [await InboxDirectory.open(store, options), await InboxDirectory.open(store, options)];
  const wanted = await Promise.allSettled([here.create({ name: 'one' }), here.create({ name: 'one' })]);
  expect(wanted.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
  await expect(there.create({ name: 'one' })).rejects.toThrow(InboxExistsError);
  await here.remove('one');
  await here.create({ name: 'other' });
  await there.refreshAll();
  expect(there.list()).toEqual(here.list());
});

it('is looked through by a running inbox when changes were missed, also behind one that could not be read', async () => {
  await using store = await openSQLiteStore();
  const there = await InboxDirectory.open(store, options);
  const told: StoreChange[] = [{ kind: 'setting', key: 'inbox/ci' }, { kind: 'missed' }];
  const [seen, left] = [new AbortController(), new AbortController()];
  const changes: AsyncIterableIterator<StoreChange> = {
    async next() {
      // What there is has been read by now.
      if (told.length === 2) await there.create({ name: 'ci' });
      const value = told.shift();
      if (value !== undefined) return { value };
      seen.abort();
      await aborted(left.signal);
      return { done: true, value: undefined };
    },
    return: () => {
      left.abort();
      return Promise.resolve({ done: true, value: undefined });
    },
    [Symbol.asyncIterator]: () => changes,
  };
  const flaky = new Proxy(store, {
    get(target, name: keyof MailStore) {
      if (name === 'changes') return () => changes;
      if (name === 'setting') return () => Promise.reject(new StoreError('STORE_UNREACHABLE', 'Away'));
      const value = Reflect.get(target, name, target) as unknown;
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
  const address = '127.0.0.1:0';
  await using inbox = await startInbox({ smtp: address, http: address, store: flaky, logger: silentLogger });
  await aborted(seen.signal);
  const names = (await new InboxClient({ url: inbox.url! }).listInboxes()).map(({ name }) => name);
  expect(names).toEqual(['ci']);
});

async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, 'abort');
}

const MESSAGE: NewMessage = {
  raw: new Uint8Array(0),
  envelope: { mailFrom: '', rcptTos: [], mailOptions: [], rcptOptions: [] },
  session: { peer: { address: '', port: 0 }, protocol: 'ESMTP' },
  receivedAt: new Date(),
  transcript: [],
  summary: {},
};
