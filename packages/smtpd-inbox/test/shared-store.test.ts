/** Two inboxes, as on two machines, that share one PostgreSQL: each has the mail of both, and hears of it as it comes. */

import { silentLogger } from 'smtpd';
import { startInbox } from 'smtpd-inbox';
import { afterAll, beforeAll, expect, it } from 'vitest';

import { PostgresServer, requirePostgres } from '../../smtpd-store/test/support/postgres-server.js';
import { InboxClient } from '../src/client/index.js';
import { sendMail } from './support/mails.js';

const isThere = requirePostgres();
let postgres: PostgresServer | undefined;

beforeAll(async () => {
  if (!isThere) return;
  postgres = new PostgresServer();
  await postgres.start();
});

afterAll(async () => {
  await postgres?.stop();
});

it('mail that came to one is waited for at the other, and its inboxes are known there', async () => {
  const options = { smtp: '127.0.0.1:0', http: '127.0.0.1:0', store: postgres!.url };
  await using one = await startInbox(options);
  await using other = await startInbox(options);
  const [here, there] = [new InboxClient({ url: one.url! }), new InboxClient({ url: other.url! })];
  const waiting = there.waitFor({ subject: 'Your code', timeoutMs: 10_000 });
  await sendMail(one.smtpPort);
  const message = await waiting;
  expect(await message.code()).toBe('482913');
  await message.delete();
  expect((await here.counts()).messages).toBe(0);

  // Made at one, and used at the other before the news can have come.
  const isolated = await here.createInbox({ name: 'shared' });
  await sendMail(other.smtpPort, { to: [isolated.address('ann')] });
  expect(await isolated.list()).toHaveLength(1);
});

it('has a message once in each of its inboxes when its client, refused by one of them, sends it again', async () => {
  const options = { smtp: '127.0.0.1:0', http: '127.0.0.1:0', store: postgres!.url, logger: silentLogger };
  await using inbox = await startInbox(options);
  const client = new InboxClient({ url: inbox.url! });
  const [first, second] = [await client.createInbox({ name: 'first' }), await client.createInbox({ name: 'second' })];
  const to = [first.address('ann'), second.address('ann')];
  await postgres!.run(`ALTER TABLE smtpd_store.messages ADD CONSTRAINT refusal CHECK (inbox <> 'second')`);
  for (const content of ['Subject: short\r\n\r\nx\r\n', `Subject: long\r\n\r\n${'x\r\n'.repeat(100_000)}`]) {
    await expect(sendMail(inbox.smtpPort, { to, content })).rejects.toThrow(/451 4\.3\.0/);
  }
  expect([...(await first.list()), ...(await second.list())]).toEqual([]);
  await postgres!.run('ALTER TABLE smtpd_store.messages DROP CONSTRAINT refusal');
  await sendMail(inbox.smtpPort, { to });
  expect(await first.list()).toHaveLength(1);
  expect(await second.list()).toHaveLength(1);
});
