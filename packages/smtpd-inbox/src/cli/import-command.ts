/** `smtpd-inbox import`: files of mail, as they lie on a disk, into an inbox that runs. */

import { createReadStream } from 'node:fs';
import { open, readFile, stat } from 'node:fs/promises';
import { Readable } from 'node:stream';

import { InboxError, type ImportResult, type ImportType } from '../client/index.js';
import { readMailFolder } from '../exchange/maildir.js';
import { InboxArgumentError } from './arguments.js';
import { print } from './print.js';
import type { SubcommandCall } from './subcommand-call.js';

/** Imports each file and each folder. @returns 1 when something of it was passed over */
export async function runImport({ client, words, output, errors }: SubcommandCall): Promise<number> {
  if (words.length === 0) throw new InboxArgumentError('import needs a file or a folder');
  const ids: string[] = [];
  let skipped = 0;
  try {
    for (const path of words) {
      for await (const result of importPath(client, path)) {
        ids.push(...result.ids);
        skipped += result.skipped.length;
        for (const { name, reason } of result.skipped) errors.write(`${path}: ${name}: ${reason}\n`);
      }
    }
  } catch (error) {
    // Whoever runs it again should know what would come twice.
    if (ids.length > 0) errors.write(`${messages(ids.length)} imported before this:\n`);
    throw error;
  }
  const dropped = await countDropped(client, ids);
  if (dropped > 0) {
    const { messagesMax, bytesMax } = (await client.info()).limits;
    const room = [messagesMax === 0 ? '' : messages(messagesMax), bytesMax === 0 ? '' : `${String(bytesMax)} octets`];
    errors.write(
      `The first ${messages(dropped)} made room for the others: the inbox keeps ${room.filter(Boolean).join(' and ')}\n`,
    );
  }
  const lost = skipped + dropped;
  await print(output, `${messages(ids.length - dropped)} imported${lost === 0 ? '' : `, ${String(lost)} not`}\n`);
  return lost === 0 ? 0 : 1;
}

/** How many of the messages are gone again: in a store that is full the oldest make room for the newest. */
async function countDropped(client: SubcommandCall['client'], ids: readonly string[]): Promise<number> {
  let [gone, left] = [0, ids.length];
  // 0 <= gone <= left: all before the one are gone, and all from the other on are there. One look is enough as a rule.
  for (let at = 0; gone < left; at = (gone + left) >> 1) {
    if (await isThere(client, ids[at] ?? '')) left = at;
    else gone = at + 1;
  }
  return gone;
}

async function isThere(client: SubcommandCall['client'], id: string): Promise<boolean> {
  try {
    await client.get(id);
    return true;
  } catch (error) {
    if (error instanceof InboxError && error.code === 'NOT_FOUND') return false;
    throw error;
  }
}

function messages(count: number): string {
  return `${String(count)} message${count === 1 ? '' : 's'}`;
}

async function* importPath(client: SubcommandCall['client'], path: string): AsyncGenerator<ImportResult> {
  if (!(await isFolder(path))) {
    yield await importFile(client, path);
    return;
  }
  for await (const item of readMailFolder(path)) {
    if (item.kind === 'skipped') {
      yield { ids: [], skipped: [item] };
      continue;
    }
    const result = await client.import(item.raw, 'message/rfc822');
    if (item.isRead === true && result.ids.length > 0) await client.mark(result.ids);
    yield result;
  }
}

async function importFile(client: SubcommandCall['client'], path: string): Promise<ImportResult> {
  const type = await typeOf(path);
  // An mbox may be of any length; the others are read as a whole by whoever takes them.
  if (type !== 'application/mbox') return client.import(await readFile(path), type);
  return client.import(Readable.toWeb(createReadStream(path)) as ReadableStream<Uint8Array>, type);
}

/** What a file is, by how it begins: names say less. */
async function typeOf(path: string): Promise<ImportType> {
  await using file = await open(path);
  const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(5), position: 0 });
  const beginning = buffer.subarray(0, bytesRead).toString('latin1');
  if (beginning === 'From ') return 'application/mbox';
  return ZIP_BEGINNINGS.some((each) => beginning.startsWith(each)) ? 'application/zip' : 'message/rfc822';
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    throw new InboxArgumentError(`Cannot read ${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** The second one is how an empty zip begins. */
const ZIP_BEGINNINGS = ['PK\u0003\u0004', 'PK\u0005\u0006'];
