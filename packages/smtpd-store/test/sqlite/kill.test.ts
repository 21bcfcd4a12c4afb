import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { openSQLiteStore } from 'smtpd-store';
import { expect, it } from 'vitest';

import { collect, idsIn } from '../support/messages.js';
import { TemporaryFolder } from '../support/temporary-folder.js';

const program = fileURLToPath(new URL('kill-child.mjs', import.meta.url));

interface Acknowledged {
  readonly id: string;
  readonly name: string;
  readonly sizeBytes: number;
}

/** Has a process add messages, and kills it when so many were acknowledged. @returns all that were */
async function addUntilKilled(folder: string, round: number, killAfter: number): Promise<Acknowledged[]> {
  const child = spawn(process.execPath, [program, folder, String(round)], { stdio: ['ignore', 'pipe', 'inherit'] });
  const closed = once(child, 'close');
  const acknowledged: Acknowledged[] = [];
  for await (const line of createInterface(child.stdout)) {
    const match = /^(\d+) (\w+) (\d+)$/.exec(line);
    // Its last line may be half of one.
    if (match === null) continue;
    acknowledged.push({ id: match[1]!, name: match[2]!, sizeBytes: Number(match[3]) });
    if (acknowledged.length === killAfter) child.kill('SIGKILL');
  }
  const [code, signal] = (await closed) as [number | null, string | null];
  expect({ code, signal }).toEqual({ code: null, signal: 'SIGKILL' });
  return acknowledged;
}

it('has every acknowledged message, whole and found by its words, after kill -9 in the middle of load', async () => {
  using folder = new TemporaryFolder();
  const all: Acknowledged[] = [];
  for (const [round, killAfter] of [1, 17, 60, 111, 203, 320].entries()) {
    all.push(...(await addUntilKilled(folder.path, round, killAfter)));
    await using store = await openSQLiteStore({ folder: folder.path });
    for (const { id, name, sizeBytes } of all) {
      const raw = await collect(store.openRaw(id));
      if (raw.toString() !== name.padEnd(sizeBytes, '.')) throw new Error(`${name} is not whole`);
      for (const field of ['subject', 'to'] as const) {
        const found = idsIn(await store.list({ query: { kind: 'words', field, words: name } }));
        if (found.length !== 1 || found[0] !== id) throw new Error(`${name} is not found`);
      }
    }
    // What was not acknowledged may be there as well, but then it is all there; a file without a message is not.
    const { messages } = await store.list({ query: { kind: 'larger', bytes: 131_072 }, limit: 1_000 });
    expect(readdirSync(join(folder.path, 'messages'))).toHaveLength(messages.length);
    for (const { id, summary, sizeBytes } of messages) {
      expect((await collect(store.openRaw(id))).toString() === summary.subject?.padEnd(sizeBytes, '.')).toBe(true);
    }
    expect((await store.counts()).messages).toBeGreaterThanOrEqual(all.length);
  }
  expect(all.length).toBeGreaterThan(700);
}, 120_000);
