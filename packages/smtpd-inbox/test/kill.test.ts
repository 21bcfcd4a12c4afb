/**
 * What was answered with 250 is there after the process was killed at any moment: whole, and found by its words. `KILL_ROUNDS=50` plays
 * more rounds than CI does; `KILL_SEED` another sequence.
 */

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { SMTPClient } from 'smtpd';
import { afterAll, expect, test } from 'vitest';

import { ask } from './support/http.js';

const ROUNDS = Number(process.env['KILL_ROUNDS'] ?? 12);
const SEED = Number(process.env['KILL_SEED'] ?? 7);
const PROGRAM = fileURLToPath(new URL('../dist/cli/bin.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'smtpd-inbox-kill-'));
const random = generator(SEED);

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

interface Running {
  readonly child: ChildProcess;
  readonly smtpPort: number;
  readonly url: string;
}

/** Starts the program on the folder, and reads where it listens. */
async function start(): Promise<Running> {
  const args = [PROGRAM, '127.0.0.1:0', '--http', '127.0.0.1:0', '--data', folder, '--tls', 'off'];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let smtpPort = 0;
  for await (const line of createInterface({ input: child.stderr })) {
    const [kind, where = ''] = line.split(/ +/);
    if (kind === 'SMTP') smtpPort = Number(where.split(':')[1]);
    if (kind === 'page') {
      child.stderr.resume();
      return { child, smtpPort, url: where };
    }
  }
  throw new Error(`It did not start: ${String(child.exitCode)}`);
}

/** Short ones are in the database, long ones in files beside it. */
function contentOf(name: string): string {
  const lines = random() < 0.2 ? 4_000 : 20;
  return `Subject: round ${name}\r\n\r\n${`${name} and words beside it\r\n`.repeat(lines)}`;
}

test(
  `${String(ROUNDS)} rounds of load, each ended by SIGKILL, lose nothing that was acknowledged`,
  async () => {
    const acknowledged = new Map<string, string>();
    for (let round = 0; round < ROUNDS; round += 1) {
      const running = await start();
      const gone = once(running.child, 'exit');
      const enough = 5 + Math.floor(random() * 60);
      let count = 0;
      const sessions = [0, 1, 2, 3].map(async (session) => {
        const client = new SMTPClient({
          remoteAddress: { host: '127.0.0.1', port: running.smtpPort },
          tls: { mode: 'off' },
        });
        try {
          await client.connect();
          for (let number = 0; ; number += 1) {
            const name = `r${String(round)}s${String(session)}n${String(number)}x`;
            const content = contentOf(name);
            const { reply } = await client.send({
              mailFrom: 'ann@a.example',
              rcptTos: ['bob@b.example'],
              data: Buffer.from(content),
            });
            if (!reply.isPositive) throw new Error(reply.toString());
            acknowledged.set(name, content);
            count += 1;
            // The others are anywhere between their commands and their replies.
            if (count === enough) running.child.kill('SIGKILL');
          }
        } catch (error) {
          if (count < enough) throw error;
        } finally {
          client.destroy();
        }
      });
      await Promise.all(sessions);
      await gone;
    }
    const { child, url } = await start();
    try {
      expect(acknowledged.size).toBeGreaterThan(ROUNDS * 5);
      for (const [name, content] of acknowledged) {
        const { json } = await ask(url, { path: `/api/v1/messages?q=${name}` });
        const { entries } = json as { entries: { id: string }[] };
        expect(entries, name).toHaveLength(1);
        const raw = await ask(url, { path: `/api/v1/messages/${entries[0]!.id}/raw` });
        expect(raw.text === content, name).toBe(true);
      }
    } finally {
      child.kill('SIGKILL');
    }
  },
  30_000 + ROUNDS * 10_000,
);

/** Numbers from 0 to 1 that depend on the seed alone (mulberry32). */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
