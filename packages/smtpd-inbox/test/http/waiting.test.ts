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

it.each<[criteria: string, number: number]>([
  ['to=Ann.B%2Bqa_1-x@A.example', 1],
  ['to=ann.b@b%C3%BCcher.example', 2],
  ['to=ann.b@xn--bcher-kva.example', 2],
  ['to=carl@c.example', 3],
  ['to=*@c.example', 3],
  ['to=--@d.example', 4],
  ['to=%22a%20b%22@e.example', 5],
  ['to=postmaster', 6],
  ['from=Sender.7@a.example', 7],
  ['from=', 8],
  ['subject=set your pass', 9],
  ['subject=password  RESET', 10],
  ['subject=l%C3%A0 caf', 11],
  ['subject=50% off!', 12],
  ['subject=%C3%A9', 11],
])('asks the store for words that stand in what matches: %s', async (criteria, number) => {
  await using store = await openSQLiteStore();
  await using inbox = await startInbox({ smtp: '127.0.0.1:0', http: '127.0.0.1:0', store });
  const made = (subject: string, rcptTo: string, more: Partial<NewMessage['envelope']> = {}, cc: string[] = []) => {
    const { envelope, ...message } = mail(subject);
    return store.add({
      ...message,
      envelope: { ...envelope, rcptTos: [rcptTo], ...more },
      summary: { subject, cc, searchText: '' },
    });
  };
  await made('1', 'Ann.B+qa_1-x@a.example');
  await made('2', 'ann.b@BÜCHER.example');
  await made('3', 'bob@b.example', {}, ['Carl <carl@C.example>']);
  await made('4', '--@d.example');
  await made('5', '"a b"@e.example');
  await made('6', 'postmaster');
  await made('7', 'bob@b.example', { mailFrom: 'Sender.7@a.example' });
  await made('8', 'bob@b.example', { mailFrom: '' });
  await made('Reset your password', 'bob@b.example');
  await made('Your Password\u00a0reset is done', 'bob@b.example');
  await made('voila\u0300 cafe\u0301', 'bob@b.example');
  await made('Now 50% off!', 'bob@b.example');
  const { json } = await ask(inbox.url!, { path: `/api/v1/wait?timeout=0&${criteria.replaceAll(' ', '%20')}` });
  expect((json as WaitResult).entry.id).toBe(String(number));
});
