/** `smtpd-inbox export`: the mail of an inbox as one file. */

import { randomBytes } from 'node:crypto';
import { createWriteStream, type Stats } from 'node:fs';
import { open, realpath, rename, rm, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

import { InboxArgumentError } from './arguments.js';
import { isBrokenPipe } from './print.js';
import type { SubcommandCall } from './subcommand-call.js';

/** Writes the file. One that is there is replaced when all of it has come. */
export async function runExport({ client, words, text, output }: SubcommandCall): Promise<number> {
  const [file] = words;
  if (file === undefined || words.length > 1)
    throw new InboxArgumentError('export needs one file; - is standard output');
  const format = text('format') ?? (/\.zip$/i.test(file) ? 'zip' : 'mbox');
  if (format !== 'mbox' && format !== 'zip') throw new InboxArgumentError(`--format is mbox or zip, not "${format}"`);
  const to = file === '-' ? undefined : await targetOf(file);
  const q = text('q');
  const content = await client.export({ format, ...(q === undefined ? {} : { q }) });
  if (to === undefined) {
    try {
      await write(content, output, { end: false });
    } catch (error) {
      if (!isBrokenPipe(error)) throw error;
    }
    return 0;
  }
  if (to.kind === 'open') {
    await write(content, createWriteStream(to.path, { flags: 'a' }), { end: true });
    return 0;
  }
  // A name that nobody has: another export may be at work on the same file.
  const part = `${to.path}.${randomBytes(4).toString('hex')}.part`;
  const handle = await open(part, 'wx', to.mode);
  try {
    // What the process keeps from new files would otherwise be kept from this one.
    if (to.mode !== undefined) await handle.chmod(to.mode);
    await write(content, handle.createWriteStream({ flush: true }), { end: true });
    await rename(part, to.path);
  } catch (error) {
    await handle.close().catch(() => undefined);
    await rm(part, { force: true });
    throw error;
  }
  return 0;
}

/** Where an export goes. */
type Target =
  /** A file that is made, or replaced with the permissions that it has. */
  | { readonly kind: 'file'; readonly path: string; readonly mode: number | undefined }
  /** What is written to as it is: a device, a pipe, a file that a shell has opened already. */
  | { readonly kind: 'open'; readonly path: string };

async function targetOf(file: string): Promise<Target> {
  if (OPENED.test(resolve(file))) return { kind: 'open', path: file };
  let stats: Stats;
  try {
    stats = await stat(file);
  } catch {
    // What else may be the matter is said when it is made.
    return { kind: 'file', path: file, mode: undefined };
  }
  if (stats.isDirectory()) throw new InboxArgumentError(`${file} is a folder: export needs a file`);
  if (!stats.isFile()) return { kind: 'open', path: file };
  // A link stays, and what it points to is replaced.
  return { kind: 'file', path: await realpath(file), mode: stats.mode & 0o777 };
}

function write(content: ReadableStream<Uint8Array>, to: Writable, options: { readonly end: boolean }): Promise<void> {
  return pipeline(Readable.fromWeb(content), to, options);
}

/** `/dev/stdout` and the like, which may be a regular file with something before in it. */
const OPENED = /^\/(?:dev|proc)\//;
