/** `smtpd-inbox export`: the mail of an inbox as one file. */

import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
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
  const q = text('q');
  const content = await client.export({ format, ...(q === undefined ? {} : { q }) });
  if (file === '-') {
    try {
      await write(content, output, { end: false });
    } catch (error) {
      if (!isBrokenPipe(error)) throw error;
    }
    return 0;
  }
  const part = `${file}.part`;
  try {
    await write(content, createWriteStream(part), { end: true });
    await rename(part, file);
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
  return 0;
}

function write(content: ReadableStream<Uint8Array>, to: Writable, options: { readonly end: boolean }): Promise<void> {
  return pipeline(Readable.fromWeb(content), to, options);
}
