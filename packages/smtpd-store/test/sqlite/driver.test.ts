/** Which SQLite is used. On Node 20 none is built in; the newer ones run this as well (test/newer-nodes.test.ts). */

import { afterEach, expect, it, vi } from 'vitest';

import type * as driver from '../../src/sqlite/driver.js';

/** As it is in a process that has not asked yet. */
async function freshDriver(): Promise<typeof driver> {
  vi.resetModules();
  return import('../../src/sqlite/driver.js');
}

afterEach(() => {
  vi.restoreAllMocks();
});

it('is the one that Node has built in, where it has one', async () => {
  const { chooseDriver, findDriver } = await freshDriver();
  const isThere = Number(process.versions.node.split('.', 1)[0]) > 20;
  expect(chooseDriver()).toBe(isThere ? 'builtIn' : 'package');
  const connection = (await findDriver())(':memory:');
  expect(connection.prepare('SELECT ? AS given').get('x')).toEqual({ given: 'x' });
  connection.close();
});

it('is the package where what is built in has no index of words, or loses them, and is found out once', async () => {
  const closed: string[] = [];
  const builtIn = (name: string, get: () => unknown) => ({
    DatabaseSync: class {
      exec(): void {
        if (name === 'none') throw new Error('no such module: fts5');
      }
      prepare(): object {
        return { get };
      }
      close(): void {
        closed.push(name);
      }
    },
  });
  const asked = vi.spyOn(process, 'getBuiltinModule');
  for (const [name, get] of [
    ['none', () => undefined],
    ['finds nothing', () => undefined],
    ['removes nothing', () => ({ rowid: 7 })],
  ] as const) {
    asked.mockReturnValue(builtIn(name, get));
    const { chooseDriver } = await freshDriver();
    const before = asked.mock.calls.length;
    expect(chooseDriver(), name).toBe('package');
    expect(chooseDriver(), name).toBe('package');
    expect(asked.mock.calls.length - before).toBe(1);
  }
  expect(closed).toEqual(['none', 'finds nothing', 'removes nothing']);
});
