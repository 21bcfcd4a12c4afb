/** What is kept of a conversation, and when: on the build, because it needs the store's thread. */

import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { startInbox, type InboxServer } from 'smtpd-inbox';
import { expect, it } from 'vitest';

const MESSAGE = [
  ['MAIL FROM:<a@a.example>', 'RCPT TO:<b@b.example>', 'DATA'],
  ['Subject: one', '', 'text', '.'],
];

it.each([
  ['goes on with a transaction that does not end', 'MAIL FROM:<a@a.example>'],
  ['ends', 'QUIT'],
])('what was said of a message is kept to its end when the session %s', async (_, next) => {
  await using inbox = await startInbox({ smtp: '127.0.0.1:0', http: false, tls: { mode: 'off' } });
  const socket = connect({ port: inbox.smtpPort, host: '127.0.0.1' });
  const say = conversation(socket);
  try {
    await say([], 1);
    await say(['HELO a.example'], 1);
    for (const lines of MESSAGE) await say(lines, lines[0]!.startsWith('MAIL') ? 3 : 1);
    await say([next], 1);
    expect(await toItsEnd(inbox)).toMatch(/C MAIL .*S 354 .*S 250 2\.0\.0 Kept as 1/);
  } finally {
    socket.destroy();
  }
});

/** Lines out, replies in. */
function conversation(socket: Socket): (lines: readonly string[], replies: number) => Promise<void> {
  const received = createInterface({ input: socket })[Symbol.asyncIterator]();
  return async (lines, replies) => {
    if (lines.length > 0) socket.write(`${lines.join('\r\n')}\r\n`);
    for (let count = 0; count < replies; count += 1) await received.next();
  };
}

/** The transcript of the first message, asked for until it tells of its last reply; the test's time ends where that never comes. */
async function toItsEnd({ store }: InboxServer): Promise<string> {
  for (;;) {
    const lines = (await store.transcript('1')) ?? [];
    const text = lines.map((line) => `${line.from === 'server' ? 'S' : 'C'} ${line.text}`).join(' ');
    if (text.includes('Kept as')) return text;
  }
}
