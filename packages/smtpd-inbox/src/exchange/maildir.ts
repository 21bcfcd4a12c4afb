/**
 * Folders of mail: a Maildir, or `.eml` files. Read only; symbolic links are not followed, whatever they point to, and nothing but regular
 * files is opened.
 */

import type { FileHandle } from 'node:fs/promises';
import { constants, opendir, open, lstat } from 'node:fs/promises';
import { join } from 'node:path';

import { ExchangeError } from './exchange-error.js';
import { DEFAULT_MESSAGE_BYTES_MAX, tooLarge, type ImportItem, type ImportLimits } from './import-item.js';

/**
 * Reads a folder: a Maildir, if it has `new` or `cur` in it, else the `.eml` files in it. Sub-folders are not read.
 *
 * The order is that of the names, which begin with the time in a Maildir; `new` comes behind `cur`.
 *
 * @throws {@link ExchangeError} `EXCHANGE_BAD_ARCHIVE` when there is no such folder
 *
 * @example
 * ```ts
 * import { readMailFolder } from 'smtpd-inbox';
 * for await (const item of readMailFolder('/home/ann/Maildir')) {
 *   if (item.kind === 'message') console.log(item.name, item.isRead);
 * }
 * ```
 */
export async function* readMailFolder(folder: string, limits: ImportLimits = {}): AsyncGenerator<ImportItem> {
  const inside = await Promise.all(['cur', 'new'].map((name) => isFolder(join(folder, name))));
  if (inside.includes(true)) yield* readMaildir(folder, limits);
  else yield* readEMLFolder(folder, limits);
}

/** Reads a Maildir; see {@link readMailFolder}. */
async function* readMaildir(folder: string, limits: ImportLimits = {}): AsyncGenerator<ImportItem> {
  for (const part of ['cur', 'new']) {
    if (!(await isFolder(join(folder, part)))) continue;
    for (const file of await namesIn(join(folder, part))) {
      // A name that begins with a dot is nobody's message.
      if (file.startsWith('.')) continue;
      yield* readFile(`${part}/${file}`, join(folder, part, file), limits, { isRead: isSeen(file) });
    }
  }
}

/** Reads the `.eml` files of a folder; see {@link readMailFolder}. */
async function* readEMLFolder(folder: string, limits: ImportLimits = {}): AsyncGenerator<ImportItem> {
  for (const file of await namesIn(folder)) {
    if (/\.eml$/i.test(file)) yield* readFile(file, join(folder, file), limits, {});
  }
}

/**
 * Whether the flags in the name of a Maildir's file say that it was read: `1700000000.M1P2.host:2,FS`. Windows has no colons in names;
 * some write `;` or `!` there.
 */
export function isSeen(fileName: string): boolean {
  return /[:;!]2,[A-Za-z]*S[A-Za-z]*$/.test(fileName);
}

async function* readFile(
  name: string,
  path: string,
  { messageBytesMax = DEFAULT_MESSAGE_BYTES_MAX }: ImportLimits,
  facts: { readonly isRead?: boolean },
): AsyncGenerator<ImportItem> {
  let file: FileHandle;
  try {
    // Between a look and the opening a file may become a link; and a pipe would never open.
    file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    yield { kind: 'skipped', name, reason: isLink(error) ? 'It is a symbolic link' : reasonOf(error) };
    return;
  }
  try {
    const stats = await file.stat();
    if (!stats.isFile()) yield { kind: 'skipped', name, reason: 'It is no regular file' };
    else if (stats.size > messageBytesMax) yield tooLarge(name, messageBytesMax);
    else yield { kind: 'message', name, raw: await file.readFile(), receivedAt: stats.mtime, ...facts };
  } catch (error) {
    yield { kind: 'skipped', name, reason: reasonOf(error) };
  } finally {
    await file.close();
  }
}

async function namesIn(folder: string): Promise<readonly string[]> {
  const names: string[] = [];
  try {
    for await (const { name } of await opendir(folder)) names.push(name);
  } catch (error) {
    throw new ExchangeError('EXCHANGE_BAD_ARCHIVE', `Cannot read ${folder}: ${reasonOf(error)}`, { cause: error });
  }
  return names.sort();
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await lstat(path)).isDirectory();
  } catch {
    return false;
  }
}

function isLink(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ELOOP' || error.code === 'EMLINK');
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
