import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { deliver, isDiskFull, makeMaildir } from '../../src/handlers/maildir-delivery.js';
import { rejection } from '../server/support.js';
import { TemporaryFolder } from '../support/temporary-folder.js';

let root: TemporaryFolder;
let folder = '';

beforeEach(() => {
  root = new TemporaryFolder();
  folder = join(root.path, 'inbox');
});

afterEach(() => {
  vi.restoreAllMocks();
  root[Symbol.dispose]();
});

async function* pieces(...texts: readonly string[]): AsyncGenerator<Uint8Array, void, undefined> {
  for (const text of texts) yield await Promise.resolve(Buffer.from(text));
}

function copy(into = folder, header = 'a: b\n') {
  return { folder: into, header: Buffer.from(header) };
}

/** The texts of the messages that are shown. */
function shown(of = folder): string[] {
  return readdirSync(join(of, 'new')).map((name) => readFileSync(join(of, 'new', name), 'utf8'));
}

const { signal } = new AbortController();

describe('a delivery into a Maildir', () => {
  it('shows header and content as one file, for its owner only, and leaves nothing in tmp', async () => {
    await deliver({ copies: [copy()], content: pieces('\n', 'one\n', '', 'two\n'), signal });
    expect(shown()).toEqual(['a: b\n\none\ntwo\n']);
    expect(readdirSync(join(folder, 'tmp'))).toEqual([]);
    const [name = ''] = readdirSync(join(folder, 'new'));
    expect(name).toMatch(/^\d{10,}\.M\d{6}P\d+Q\d+R[0-9A-F]{12}\.[^/:]+$/);
    expect(statSync(join(folder, 'new', name)).mode & 0o777).toBe(0o600);
    expect(statSync(join(folder, 'new')).mode & 0o777).toBe(0o700);
    expect(readdirSync(folder).sort()).toEqual(['cur', 'new', 'tmp']);
  });

  it('gives each of many messages a name of its own', async () => {
    await Promise.all(
      Array.from({ length: 200 }, (_, index) => deliver({ copies: [copy()], content: pieces(String(index)), signal })),
    );
    expect(new Set(shown()).size).toBe(200);
  });

  it('has the whole content in each of several folders', async () => {
    const others = ['b', 'c'].map((name) => join(root.path, name));
    const content = ['x'.repeat(100_000), 'y'.repeat(100_000)];
    await deliver({
      copies: [copy(), ...others.map((other, index) => copy(other, `to: ${String(index)}\n`))],
      content: pieces(...content),
      signal,
    });
    expect(shown()).toEqual([`a: b\n${content.join('')}`]);
    expect(others.map((other) => shown(other))).toEqual([
      [`to: 0\n${content.join('')}`],
      [`to: 1\n${content.join('')}`],
    ]);
    expect(readdirSync(join(others[0]!, 'tmp'))).toEqual([]);
  });

  it('shows nothing and leaves nothing when the content breaks off', async () => {
    async function* broken() {
      yield* pieces('half');
      expect(readdirSync(join(folder, 'tmp'))).toHaveLength(1);
      throw new Error('gone');
    }
    expect(await rejection(deliver({ copies: [copy()], content: broken(), signal }))).toMatchObject({
      message: 'gone',
    });
    expect([shown(), readdirSync(join(folder, 'tmp'))]).toEqual([[], []]);
  });

  it('shows nothing when nobody waits for it any more', async () => {
    const left = AbortSignal.abort(new Error('left'));
    const delivery = deliver({ copies: [copy()], content: pieces('whole'), signal: left });
    expect(await rejection(delivery)).toMatchObject({ message: 'left' });
    expect([shown(), readdirSync(join(folder, 'tmp'))]).toEqual([[], []]);
  });

  it('goes into all of its folders or into none', async () => {
    const other = root.write('no-folder', 'in the way');
    const delivery = deliver({ copies: [copy(), copy(other)], content: pieces('x'), signal });
    expect(await rejection(delivery)).toMatchObject({ code: 'ENOTDIR' });
    expect([shown(), readdirSync(join(folder, 'tmp'))]).toEqual([[], []]);
  });

  it('is taken back where it was shown, when another folder cannot show it', async () => {
    const other = join(root.path, 'other');
    mkdirSync(join(other, 'tmp'), { recursive: true });
    writeFileSync(join(other, 'new'), 'in the way');
    const delivery = deliver({ copies: [copy(), copy(other)], content: pieces('x'), signal });
    expect(await rejection(delivery)).toMatchObject({ code: 'ENOTDIR' });
    expect([shown(), readdirSync(join(folder, 'tmp')), readdirSync(join(other, 'tmp'))]).toEqual([[], [], []]);
  });

  it('is on the disk before it is shown, and its name is before it is done', async () => {
    await makeMaildir(folder);
    const handle = await open(folder, 'r');
    await handle.close();
    const prototype = Object.getPrototypeOf(handle) as FileHandle;
    // eslint-disable-next-line @typescript-eslint/unbound-method -- it is called with the handle that it was asked of
    const { sync } = prototype;
    const steps: string[] = [];
    vi.spyOn(prototype, 'sync').mockImplementation(async function (this: FileHandle) {
      const kind = (await this.stat()).isDirectory() ? 'folder' : 'file';
      await sync.call(this);
      steps.push(`${kind}, ${String(shown().length)} shown`);
    });
    await deliver({ copies: [copy()], content: pieces('x'), signal });
    expect(steps).toEqual(['file, 0 shown', 'folder, 1 shown']);
  });

  it('makes a folder that was removed while it served', async () => {
    await deliver({ copies: [copy()], content: pieces('1'), signal });
    root[Symbol.dispose]();
    await deliver({ copies: [copy()], content: pieces('2'), signal });
    expect(shown()).toEqual(['a: b\n2']);
  });
});

describe('isDiskFull', () => {
  it.each([
    ['ENOSPC', true],
    ['EDQUOT', true],
    ['EACCES', false],
  ])('of %s is %s', (code, isFull) => {
    expect(isDiskFull(Object.assign(new Error('x'), { code }))).toBe(isFull);
    expect(isDiskFull({ code })).toBe(false);
  });
});
