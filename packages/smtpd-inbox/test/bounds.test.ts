/** A mailbox at its bounds, under mail that does not end: it neither grows nor stalls, and the newest is what is there. */

import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';

import type { Counts, Page } from '../src/api/model.js';
import { ask } from './support/http.js';

const LIMITS = { messagesMax: 200, bytesMax: 2_000_000 };
const SESSIONS = 8;
const MESSAGES = 3_000;
/** The first part fills it several times, so that everything is as it will be. */
const WARM_UP = 1_000;
/** Three thousand messages on the disk are much for a machine that does other things, too. */
const BOUNDS_TEST_MS = 60_000;

const folder = mkdtempSync(join(tmpdir(), 'smtpd-inbox-bounds-'));

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

test(
  'counts stay in bounds, the folder and the heap stop growing, and each message is taken',
  async () => {
    const program = fileURLToPath(new URL('bounds-child.mjs', import.meta.url));
    const child = fork(program, [JSON.stringify({ folder, limits: LIMITS })], { execArgv: ['--expose-gc'] });
    try {
      const { port, url } = (await nextMessage(child)) as { port: number; url: string };
      await send(port, { from: 0, to: WARM_UP });
      const warm = { heapUsed: await heapUsed(child), folderBytes: folderBytes() };
      const seen: Counts[] = [];
      const over = new AbortController();
      const watching = (async () => {
        while (!over.signal.aborted) seen.push((await ask(url, { path: '/api/v1/counts' })).json as Counts);
      })();
      const taken = await send(port, { from: WARM_UP, to: MESSAGES });
      over.abort();
      await watching;
      const end = { heapUsed: await heapUsed(child), folderBytes: folderBytes() };

      expect(taken).toBe(MESSAGES - WARM_UP);
      // It was looked at many times between two messages.
      expect(seen.length).toBeGreaterThan(20);
      for (const { messages, bytes } of seen) {
        expect(messages).toBeLessThanOrEqual(LIMITS.messagesMax);
        expect(bytes).toBeLessThanOrEqual(LIMITS.bytesMax);
      }
      // Twice as much mail went through as before, and nothing of it stayed: the log of the database is what varies.
      expect(end.folderBytes).toBeLessThan(warm.folderBytes + 8_000_000);
      expect(end.folderBytes).toBeLessThan(LIMITS.bytesMax + 24_000_000);
      expect(end.heapUsed).toBeLessThan(warm.heapUsed + 8_000_000);

      const { entries, older } = (await ask(url, { path: '/api/v1/messages?limit=1000' })).json as Page;
      expect(older).toBeUndefined();
      const numbers = entries.map(({ subject }) => Number(subject));
      // Which of several sessions is first is chance; what came long before any of these is gone.
      expect(numbers.length).toBeGreaterThan(100);
      expect(Math.min(...numbers)).toBeGreaterThan(MESSAGES - LIMITS.messagesMax - 4 * SESSIONS);
      expect(Math.max(...numbers)).toBe(MESSAGES - 1);
    } finally {
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    }
  },
  BOUNDS_TEST_MS,
);

/** Sends messages by several sessions. @returns how many were answered with 250 */
async function send(port: number, { from, to }: { readonly from: number; readonly to: number }): Promise<number> {
  let next = from;
  let taken = 0;
  await Promise.all(
    Array.from({ length: SESSIONS }, async () => {
      const socket = connect({ port, host: '127.0.0.1' });
      try {
        const reply = repliesOf(socket);
        await reply();
        socket.write('EHLO a.example\r\n');
        await reply();
        while (next < to) {
          const number = next;
          next += 1;
          socket.write('MAIL FROM:<a@a.example>\r\nRCPT TO:<b@b.example>\r\nDATA\r\n');
          for (let count = 0; count < 3; count += 1) await reply();
          socket.write(`${contentOf(number)}.\r\n`);
          if ((await reply()).startsWith('250')) taken += 1;
        }
        socket.write('QUIT\r\n');
        await reply();
      } finally {
        socket.destroy();
      }
    }),
  );
  return taken;
}

/** Most are short; a few are as large as a mail with a picture, and the octets are what their number is bounded by then. */
function contentOf(number: number): string {
  const lines = number % 20 === 0 ? 5_000 : 40 + (number % 100);
  return `Subject: ${String(number)}\r\n\r\n${`word${String(number)} and what is said of it\r\n`.repeat(lines)}`;
}

/** The last line of each reply. */
function repliesOf(socket: Socket): () => Promise<string> {
  const lines = createInterface({ input: socket })[Symbol.asyncIterator]();
  return async () => {
    for (;;) {
      const line = await lines.next();
      if (line.done === true) throw new Error('The server closed the connection');
      if (line.value[3] !== '-') return line.value;
    }
  };
}

async function heapUsed(child: ChildProcess): Promise<number> {
  child.send('heap');
  return ((await nextMessage(child)) as { heapUsed: number }).heapUsed;
}

async function nextMessage(child: ChildProcess): Promise<unknown> {
  const ended = new AbortController();
  const [message] = (await Promise.race([
    once(child, 'message', { signal: ended.signal }),
    once(child, 'exit', { signal: ended.signal }).then(() => Promise.reject(new Error('The inbox ended by itself'))),
  ]).finally(() => {
    ended.abort();
  })) as [unknown];
  return message;
}

function folderBytes(): number {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return files.reduce((sum, { parentPath, name }) => {
    // A message that goes takes its file along.
    const size = statSync(join(parentPath, name), { throwIfNoEntry: false })?.size ?? 0;
    return sum + size;
  }, 0);
}
