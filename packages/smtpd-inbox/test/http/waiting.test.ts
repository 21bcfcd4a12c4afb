/** What a test that waits asks in parts: nothing falls between two of them. */

import { startInbox } from 'smtpd-inbox';
import { openSQLiteStore, type ListOptions, type MailStore, type NewMessage } from 'smtpd-store';
import { expect, it } from 'vitest';

import type { Problem, WaitResult } from '../../src/api/model.js';
import { ask } from '../support/http.js';

const mail = (subject: string): NewMessage => ({
  raw: Buffer.from(`Subject: ${subject}\r\n\r\n`),
  envelope: { mailFrom: 'a@a.example', rcptTos: ['b@b.example'], mailOptions: [], rcptOptions: [[]] },
  session: { peer: { address: '127.0.0.1', port: 1 } },
  receivedAt: new Date(),
  summary: { subject, searchText: subject },
});

/** Subjects that are found one behind the other, each from where the last one lay. */
async function walk(url: string, query: string, place: 'before' | 'after', from?: string): Promise<string[]> {
  const subjects: string[] = [];
  let cursor = from;
  for (;;) {
    const path = `/api/v1/wait?${query}${cursor === undefined ? '' : `&${place}=${cursor}`}`;
    const { status, json } = await ask(url, { path });
    if (status !== 200) return subjects;
    const result = json as WaitResult;
    subjects.push(result.entry.subject ?? '');
    ({ cursor } = result);
  }
}

it('looks backwards through what is there, and waits for nothing then', async () => {
  await using store = await openSQLiteStore();
  await using inbox = await startInbox({ smtp: '127.0.0.1:0', http: '127.0.0.1:0', store });
  for (const subject of ['one 1', 'two', 'one 2', 'one 3', 'four']) await store.add(mail(subject));
  // A wait would outlast the test.
  expect(await walk(inbox.url!, 'subject=one&timeout=0', 'before')).toEqual(['one 3', 'one 2', 'one 1']);
  const { json } = await ask(inbox.url!, { path: '/api/v1/wait?subject=two' });
  const { cursor } = json as WaitResult;
  expect(await walk(inbox.url!, 'subject=one&timeout=600', 'before', cursor)).toEqual(['one 1']);
  expect(await walk(inbox.url!, 'subject=one&timeout=0', 'after', cursor)).toEqual(['one 2', 'one 3']);
  expect((await ask(inbox.url!, { path: `/api/v1/wait?before=${cursor}&after=${cursor}` })).status).toBe(400);
});

it('gives a place behind which lies what came while it said that nothing had come', async () => {
  await using store = await openSQLiteStore();
  let hasComeLate = false;
  const late = new Proxy(store, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (name !== 'list') return typeof value === 'function' ? (value as () => unknown).bind(target) : value;
      return async (options: ListOptions) => {
        // Only near misses are asked for like this.
        if (options.query?.kind === 'not' && options.after === undefined && !hasComeLate) {
          hasComeLate = true;
          await target.add(mail('late'));
        }
        return target.list(options);
      };
    },
  }) satisfies MailStore;
  await using inbox = await startInbox({ smtp: '127.0.0.1:0', http: '127.0.0.1:0', store: late });
  await store.add(mail('early'));
  const { json } = await ask(inbox.url!, { path: '/api/v1/wait?subject=late&timeout=0.0015' });
  const { error } = json as Problem;
  expect([error.code, hasComeLate]).toEqual(['NO_MATCH', true]);
  expect(await walk(inbox.url!, 'subject=late&timeout=0', 'after', error.cursor)).toEqual(['late']);
});
