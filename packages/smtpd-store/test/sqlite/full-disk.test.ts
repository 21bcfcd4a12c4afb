import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { openSQLiteStore } from 'smtpd-store';
import { beforeEach, expect, it } from 'vitest';

import { collect, idsIn, newMessage } from '../support/messages.js';
import { TemporaryFolder } from '../support/temporary-folder.js';

beforeEach((context) => {
  if (process.getuid?.() === 0) return;
  const reason = 'Only root can mount a small file system';
  if (process.env['CI'] === 'true') throw new Error(reason);
  context.skip(reason);
});

it.each(['8k', '16k', '64k'])('says which store has no room to be opened, on a disk of %s', async (size) => {
  using folder = new TemporaryFolder();
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', folder.path]);
  try {
    await expect(openSQLiteStore({ folder: folder.path })).rejects.toMatchObject({
      code: 'STORE_DISK_FULL',
      message: expect.stringContaining(folder.path) as string,
    });
  } finally {
    // It is refused while anything there is open: whoever hears that there is no store may remove its folder at once.
    execFileSync('umount', [folder.path]);
  }
});

it('refuses what has no room, keeps what was acknowledged, and goes on when there is room again', async () => {
  using folder = new TemporaryFolder();
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', folder.path]);
  try {
    const ids: string[] = [];
    {
      await using store = await openSQLiteStore({ folder: folder.path, undoMs: 0 });
      const long = await store.add(newMessage({ raw: Buffer.alloc(600_000, 'l') }));
      await expect(store.add(newMessage({ raw: Buffer.alloc(4_000_000) }))).rejects.toMatchObject({
        code: 'STORE_DISK_FULL',
      });
      expect(readdirSync(join(folder.path, 'messages'))).toHaveLength(1);
      // Several at a time: one that has no room takes no neighbour with it that has.
      const outcomes: PromiseSettledResult<{ id: string }>[] = [];
      while (outcomes.every(({ status }) => status === 'fulfilled')) {
        const adds = Array.from({ length: 8 }, () => store.add(newMessage({ raw: Buffer.alloc(20_000, 's') })));
        outcomes.push(...(await Promise.allSettled(adds)));
        expect(outcomes.length).toBeLessThan(1_000);
      }
      for (const outcome of outcomes) {
        if (outcome.status === 'fulfilled') ids.unshift(outcome.value.id);
        else expect(outcome.reason).toMatchObject({ code: 'STORE_DISK_FULL' });
      }
      ids.push(long.id);
      expect(idsIn(await store.list({ limit: 1_000 }))).toEqual(ids);
    }
    execFileSync('mount', ['-o', 'remount,size=8m', folder.path]);
    await using store = await openSQLiteStore({ folder: folder.path });
    expect(idsIn(await store.list({ limit: 1_000 }))).toEqual(ids);
    expect((await collect(store.openRaw(ids.at(-1)!))).length).toBe(600_000);
    ids.unshift((await store.add(newMessage({ raw: Buffer.alloc(1_000_000) }))).id);
    expect(idsIn(await store.list({ limit: 1_000 }))).toEqual(ids);
    expect((await store.counts()).messages).toBe(ids.length);
    await store.close();
  } finally {
    execFileSync('umount', [folder.path]);
  }
});
