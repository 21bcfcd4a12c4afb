import { mkdirSync, readdirSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { makeFolder } from '../../src/net/make-folder.js';
import { rejection } from '../server/support.js';
import { TemporaryFolder } from '../support/temporary-folder.js';

let root: TemporaryFolder;

beforeEach(() => {
  root = new TemporaryFolder();
});

afterEach(() => {
  root[Symbol.dispose]();
});

describe('a folder that is to be there', () => {
  it('is made with those above it, and which was the first is told', async () => {
    mkdirSync(join(root.path, 'a'));
    const folder = join(root.path, 'a', 'b', 'c');
    expect(await makeFolder(folder, 0o700)).toBe(join(root.path, 'a', 'b'));
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(await makeFolder(folder, 0o700)).toBeUndefined();
    expect(await makeFolder(join(folder, 'd'), 0o700)).toBe(join(folder, 'd'));
  });

  it('may be made by several at once', async () => {
    const folder = join(root.path, 'a', 'b', 'c', 'd');
    const made = await Promise.all(Array.from({ length: 20 }, () => makeFolder(folder, 0o700)));
    expect(made).toContain(join(root.path, 'a'));
    expect(readdirSync(join(folder, '..'))).toEqual(['d']);
  });

  it.each([
    ['a file', 'file', 'EEXIST'],
    ['below a file', 'file/x', 'ENOTDIR'],
    ['a link to nothing', 'link', 'EEXIST'],
    ['of a name that is too long', 'x'.repeat(1_000), 'ENAMETOOLONG'],
  ])('cannot be %s', async (_, name, code) => {
    root.write('file', '');
    symlinkSync(join(root.path, 'nothing'), join(root.path, 'link'));
    expect(await rejection(makeFolder(join(root.path, name), 0o700))).toMatchObject({ code });
  });

  it.runIf(process.platform === 'linux')('cannot be where nothing can be made, and that is said at once', async () => {
    for (const folder of ['/proc/x', '/proc/self/x/y'])
      expect(await rejection(makeFolder(folder, 0o700))).toMatchObject({ code: 'ENOENT' });
  });
});
