/**
 * One message into one Maildir or several: written in `tmp/`, made durable, and only then shown in `new/`. Whoever reads a Maildir sees
 * whole messages, whenever this process or the machine stops.
 *
 * It knows nothing of SMTP: `maildir.ts` says which folders, and what stands before the content.
 */

import { randomBytes } from 'node:crypto';
import { link, open, rename, rm, type FileHandle } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';

import { makeFolder } from '../net/make-folder.js';
import { invariant } from '../protocol/errors.js';

/** What goes into one Maildir. */
export interface MaildirCopy {
  readonly folder: string;
  /** What stands before the content. */
  readonly header: Uint8Array;
}

/** A message, and where it goes. */
export interface MaildirDelivery {
  /** At least one; no folder twice. */
  readonly copies: readonly MaildirCopy[];
  /** The content, as it is to stand in the file. What it throws ends the delivery. */
  readonly content: AsyncIterable<Uint8Array>;
  /** Asked for the last time before the message is shown. */
  readonly signal: AbortSignal;
}

/**
 * Delivers a message into all of its folders, or none. No more than two files are open at a time, and no more than one piece of the
 * content is held.
 *
 * @throws what the content, the signal or the file system has to say; nothing of the message is left then
 */
export async function deliver({ copies, content, signal }: MaildirDelivery): Promise<void> {
  const drafts: Draft[] = [];
  const shown: string[] = [];
  try {
    const [copy, ...others] = copies;
    invariant(copy !== undefined, 'A message goes somewhere');
    const first = await Draft.open(copy);
    drafts.push(first);
    for await (const piece of content) await first.append(piece);
    await first.finish();
    for (const other of others) {
      const draft = await Draft.open(other);
      drafts.push(draft);
      for await (const piece of first.content()) await draft.append(piece);
      await draft.finish();
    }
    signal.throwIfAborted();
    for (const draft of drafts) shown.push(await draft.show());
    for (const { folder } of copies) await syncFolder(join(folder, 'new'));
  } catch (error) {
    // Some may have been shown when another could not be. Who is told "not now" will send it again to all.
    for (const path of shown) await rm(path, { force: true }).catch(ignore);
    throw error;
  } finally {
    for (const draft of drafts) await draft.leave();
  }
}

/** Makes a Maildir, as far as it is not there yet, so that it is still there after a crash. */
export async function makeMaildir(folder: string): Promise<void> {
  const firstMade = await makeFolder(folder, FOLDER_MODE);
  for (const name of ['tmp', 'new', 'cur']) await makeFolder(join(folder, name), FOLDER_MODE);
  await syncFolder(folder);
  if (firstMade === undefined) return;
  for (let made = folder; made.length >= firstMade.length; made = dirname(made)) await syncFolder(dirname(made));
}

/** A file in `tmp/`. */
class Draft {
  readonly #folder: string;
  readonly #name: string;
  readonly #handle: FileHandle;
  readonly #headerBytes: number;
  #isOpen = true;

  private constructor(place: { folder: string; name: string; headerBytes: number }, handle: FileHandle) {
    this.#folder = place.folder;
    this.#name = place.name;
    this.#headerBytes = place.headerBytes;
    this.#handle = handle;
  }

  static async open({ folder, header }: MaildirCopy): Promise<Draft> {
    const name = makeName();
    const path = join(folder, 'tmp', name);
    let handle: FileHandle;
    try {
      handle = await open(path, 'wx', FILE_MODE);
    } catch (error) {
      if (!hasCode(error, 'ENOENT')) throw error;
      await makeMaildir(folder);
      handle = await open(path, 'wx', FILE_MODE);
    }
    const draft = new Draft({ folder, name, headerBytes: header.length }, handle);
    try {
      await draft.append(header);
      return draft;
    } catch (error) {
      await draft.leave();
      throw error;
    }
  }

  get #path(): string {
    return join(this.#folder, 'tmp', this.#name);
  }

  async append(bytes: Uint8Array): Promise<void> {
    await this.#handle.appendFile(bytes);
  }

  /** The file is whole, and stays so. */
  async finish(): Promise<void> {
    await this.#handle.sync();
    await this.#close();
  }

  /** What stands behind the header, from a file that is whole. */
  async *content(): AsyncGenerator<Uint8Array, void, undefined> {
    const handle = await open(this.#path, 'r');
    try {
      const buffer = Buffer.allocUnsafe(PIECE_BYTES);
      for (let position = this.#headerBytes; ;) {
        const { bytesRead } = await handle.read(buffer, 0, buffer.length, position);
        if (bytesRead === 0) return;
        yield buffer.subarray(0, bytesRead);
        position += bytesRead;
      }
    } finally {
      await handle.close();
    }
  }

  /**
   * Shows the message to those who read the Maildir. A message that is there already is never written over, whatever its name.
   *
   * @returns where it is
   */
  async show(): Promise<string> {
    for (let name = this.#name; ; name = makeName()) {
      const path = join(this.#folder, 'new', name);
      try {
        await link(this.#path, path);
        return path;
      } catch (error) {
        if (hasCode(error, 'EEXIST')) continue;
        if (!NO_LINKS.some((code) => hasCode(error, code))) throw error;
        // Some file systems know no links. The name is as good as unique.
        await rename(this.#path, path);
        return path;
      }
    }
  }

  /** Whether it was shown or not: in `tmp/` nothing stays. */
  async leave(): Promise<void> {
    // What cannot be removed hides nothing that matters more: readers of the Maildir remove what is old.
    await this.#close().catch(ignore);
    await rm(this.#path, { force: true }).catch(ignore);
  }

  async #close(): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    await this.#handle.close();
  }
}

/** What was renamed or linked in a folder is on the disk when the folder is. */
async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** The time, what makes it unique, and where: the convention of Maildir. The name has no colon, which readers put before their flags. */
function makeName(): string {
  const now = Date.now();
  const seconds = Math.floor(now / 1000);
  const microseconds = String((now % 1000) * 1000).padStart(6, '0');
  deliveryCount += 1;
  const random = randomBytes(6).toString('hex').toUpperCase();
  return `${String(seconds)}.M${microseconds}P${String(process.pid)}Q${String(deliveryCount)}R${random}.${HOST}`;
}

/** Whether the file system has no room, or the user has none left in it. */
export function isDiskFull(error: unknown): boolean {
  return hasCode(error, 'ENOSPC') || hasCode(error, 'EDQUOT');
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

function ignore(): void {
  // Whoever calls has a better reason to give.
}

const FILE_MODE = 0o600;
const FOLDER_MODE = 0o700;
const PIECE_BYTES = 65_536;
const NO_LINKS = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'];
/** A slash or a colon cannot stand in a name, and are written as the convention has it. */
const HOST = hostname().replaceAll('/', '\\057').replaceAll(':', '\\072');
let deliveryCount = 0;
