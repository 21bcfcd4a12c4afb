/** Inboxes that somebody else made: two directories over one store, of which neither hears of the other's changes by itself. */

import { openSQLiteStore } from 'smtpd-store';
import { expect, it } from 'vitest';

import { InboxDirectory, InboxExistsError } from '../../src/capture/inbox-directory.js';

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
