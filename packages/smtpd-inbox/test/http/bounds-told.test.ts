/** What is said of the bounds of the store: in the facts about the server, and to somebody who meets one. */

import { startInbox, type InboxOptions, type InboxServer } from 'smtpd-inbox';
import { expect, test } from 'vitest';

import type { Info } from '../../src/api/model.js';
import { ask } from '../support/http.js';

const start = (options: InboxOptions): Promise<InboxServer> =>
  startInbox({ smtp: '127.0.0.1:0', http: '127.0.0.1:0', ...options });

async function limitsOf(inbox: InboxServer): Promise<Info['limits']> {
  return ((await ask(inbox.url!, { path: '/api/v1/info' })).json as Info).limits;
}

test('the facts about the server have the bounds that its store has', async () => {
  await using usual = await start({});
  expect(await limitsOf(usual)).toMatchObject({
    messagesMax: 10_000,
    bytesMax: 1_073_741_824,
    ageMsMax: 7 * 24 * 60 * 60 * 1_000,
  });
  await using unbounded = await start({ limits: { messagesMax: Infinity, bytesMax: Infinity, ageMsMax: Infinity } });
  const limits = await limitsOf(unbounded);
  expect(limits).toMatchObject({ messagesMax: 0, bytesMax: 0 });
  expect(limits).not.toHaveProperty('ageMsMax');
});

test('a mail that is larger than all that may be kept is refused as too large', async () => {
  await using inbox = await start({ limits: { bytesMax: 1_000 } });
  const answer = await ask(inbox.url!, {
    method: 'POST',
    path: '/api/v1/import',
    headers: { 'content-type': 'message/rfc822' },
    body: `Subject: large\r\n\r\n${'x'.repeat(2_000)}\r\n`,
  });
  expect(answer.status).toBe(413);
  expect(JSON.stringify(answer.json)).toMatch(/larger than 1000 octets.*limits\.bytesMax/);
});
