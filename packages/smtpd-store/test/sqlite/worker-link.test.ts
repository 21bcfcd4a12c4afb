import { execFileSync } from 'node:child_process';
import type * as workerThreads from 'node:worker_threads';
import { openSQLiteStore } from 'smtpd-store';
import { expect, it, vi } from 'vitest';

import { collect, newMessage } from '../support/messages.js';
import { TemporaryFolder } from '../support/temporary-folder.js';

const threads = vi.hoisted((): workerThreads.Worker[] => []);

// Nobody outside gets hold of a store's thread; here each is written down, so that it can be ended.
vi.mock('node:worker_threads', async (importOriginal) => {
  const original = await importOriginal<typeof workerThreads>();
  return {
    ...original,
    Worker: class extends original.Worker {
      constructor(...given: ConstructorParameters<typeof workerThreads.Worker>) {
        super(...given);
        threads.push(this);
      }
    },
  };
});

it('tells everybody when its thread dies, and has what was acknowledged when it is opened again', async () => {
  using folder = new TemporaryFolder();
  const store = await openSQLiteStore({ folder: folder.path });
  const reader = store.changes()[Symbol.asyncIterator]();
  const { id } = await store.add(newMessage({ raw: Buffer.alloc(200_000, 'k') }));
  expect((await reader.next()).value).toMatchObject({ kind: 'added' });
  // It is idle: a thread that is ended in the middle of a call of the compiled driver takes its process with it on Node 20.
  await store.counts();
  const ended = threads[0]!.terminate();
  const waiting = Array.from({ length: 20 }, () => store.counts());
  for (const outcome of await Promise.allSettled(waiting)) {
    expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'STORE_FAILED' } });
  }
  await ended;
  for (const ask of [
    () => store.list(),
    () => store.add(newMessage()),
    () => store.get(id),
    () => collect(store.openRaw(id)),
  ]) {
    await expect(ask()).rejects.toMatchObject({ code: 'STORE_FAILED' });
  }
  expect(await reader.next()).toEqual({ done: true, value: undefined });
  await store.close();
  await using again = await openSQLiteStore({ folder: folder.path });
  expect((await collect(again.openRaw(id))).length).toBe(200_000);
});

it('is closed before the program ends whose last line that is', () => {
  const program = `
    import('smtpd-store').then(async ({ openSQLiteStore }) => {
      const store = await openSQLiteStore();
      await store.close();
      console.log('closed');
    });`;
  const options = { cwd: import.meta.dirname, encoding: 'utf8' } as const;
  expect(execFileSync(process.execPath, ['--eval', program], options)).toBe('closed\n');
});

it('turns away what cannot be handed to a thread, and goes on', async () => {
  await using store = await openSQLiteStore();
  const query = { kind: 'messageId', messageId: Symbol('none') as unknown as string } as const;
  await expect(store.list({ query })).rejects.toMatchObject({ code: 'STORE_BAD_OPTION' });
  const { id } = await store.add(newMessage());
  expect((await store.get(id))?.id).toBe(id);
  // What is asked in one turn is handed over together.
  const [refused, kept] = await Promise.allSettled([store.list({ query }), store.get(id)]);
  expect(refused).toMatchObject({ status: 'rejected', reason: { code: 'STORE_BAD_OPTION' } });
  expect(kept).toMatchObject({ status: 'fulfilled', value: { id } });
});

it('lets nobody pay for a neighbour whose question fails', async () => {
  await using store = await openSQLiteStore();
  const query = { kind: 'larger', bytes: {} as unknown as number } as const;
  const outcomes = await Promise.allSettled(
    Array.from({ length: 40 }, (_, index) => store.list(index % 4 === 3 ? { query } : {})),
  );
  expect(outcomes.map(({ status }) => status)).toEqual(
    outcomes.map((_, index) => (index % 4 === 3 ? 'rejected' : 'fulfilled')),
  );
});
