/**
 * Takes the octets of a message that is coming: short ones stay in memory and go into the database, long ones go into a file beside it
 * while they come, so that memory stays flat.
 *
 * Order is what makes it safe: the file, the folder that names it, then the row that refers to it. A file without a row belongs to
 * nobody and is swept when the store is opened.
 */

import { randomUUID } from 'node:crypto';
import { open, unlink, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';

import { StoreError } from './errors.js';
import type { NewMessage } from './message.js';

/** Where the octets of a message are. */
export type TakenBody =
  | { readonly kind: 'memory'; readonly octets: Uint8Array; readonly sizeBytes: number }
  | { readonly kind: 'file'; readonly fileName: string; readonly sizeBytes: number };

/** Where spool files go, and how. */
export interface BodySpoolOptions {
  readonly folder: string;
  readonly isDurable: boolean;
  /** What is longer goes into a file. */
  readonly memoryBytesMax: number;
  /** What is longer is refused. */
  readonly sizeBytesMax: number;
}

/** Takes bodies. */
export class BodySpool {
  readonly #options: BodySpoolOptions;

  constructor(options: BodySpoolOptions) {
    this.#options = options;
  }

  /** Takes octets that are there and short, at once. @returns `undefined` for all others, which {@link BodySpool.take} takes */
  takeShort(raw: NewMessage['raw']): TakenBody | undefined {
    const { memoryBytesMax, sizeBytesMax } = this.#options;
    return raw instanceof Uint8Array && raw.length <= Math.min(memoryBytesMax, sizeBytesMax)
      ? { kind: 'memory', octets: raw, sizeBytes: raw.length }
      : undefined;
  }

  /** Takes all octets. When it rejects, nothing of them is left. */
  async take(raw: NewMessage['raw']): Promise<TakenBody> {
    const { folder } = this.#options;
    const taken = await takeOctets(raw, this.#options, () => SpoolFile.create(folder));
    if (taken.kind === 'memory') return taken;
    const { file, sizeBytes } = taken;
    try {
      await file.finish(this.#options);
      return { kind: 'file', fileName: file.name, sizeBytes };
    } catch (error) {
      await file.discard();
      throw error;
    }
  }

  /** Removes what was taken and is not wanted. */
  async discard(body: TakenBody): Promise<void> {
    if (body.kind === 'file') await unlink(join(this.#options.folder, body.fileName)).catch(() => undefined);
  }
}

/** Where octets go that are too many for memory. */
export interface OctetFile {
  write(octets: Uint8Array): Promise<void>;
  /** Removes it; what it is never rejects. */
  discard(): Promise<void>;
}

/** Takes all octets, into memory or into a file that is made when they are too many. When it rejects, nothing of them is left. */
export async function takeOctets<File extends OctetFile>(
  raw: NewMessage['raw'],
  { memoryBytesMax, sizeBytesMax }: { readonly memoryBytesMax: number; readonly sizeBytesMax: number },
  createFile: () => Promise<File>,
): Promise<
  | { readonly kind: 'memory'; readonly octets: Uint8Array; readonly sizeBytes: number }
  | { readonly kind: 'file'; readonly file: File; readonly sizeBytes: number }
> {
  if (raw instanceof Uint8Array && raw.length > sizeBytesMax) throw tooLarge(sizeBytesMax);
  if (raw instanceof Uint8Array && raw.length <= memoryBytesMax) {
    return { kind: 'memory', octets: raw, sizeBytes: raw.length };
  }
  const pieces: Uint8Array[] = [];
  let sizeBytes = 0;
  let file: File | undefined;
  try {
    for await (const piece of raw instanceof Uint8Array ? [raw] : raw) {
      sizeBytes += piece.length;
      if (sizeBytes > sizeBytesMax) throw tooLarge(sizeBytesMax);
      if (file === undefined && sizeBytes > memoryBytesMax) {
        file = await createFile();
        for (const earlier of pieces.splice(0)) await file.write(earlier);
      }
      if (file === undefined) {
        // Whoever sends pieces may use their memory again.
        pieces.push(Uint8Array.from(piece));
      } else {
        await file.write(piece);
      }
    }
    if (file === undefined) return { kind: 'memory', octets: Buffer.concat(pieces), sizeBytes };
    return { kind: 'file', file, sizeBytes };
  } catch (error) {
    await file?.discard();
    throw error;
  }
}

class SpoolFile implements OctetFile {
  readonly name: string;
  readonly #path: string;
  readonly #handle: FileHandle;

  private constructor(folder: string, name: string, handle: FileHandle) {
    this.name = name;
    this.#path = join(folder, name);
    this.#handle = handle;
  }

  static async create(folder: string): Promise<SpoolFile> {
    const name = `${randomUUID()}${EXTENSION}`;
    return new SpoolFile(folder, name, await open(join(folder, name), 'wx', 0o600));
  }

  async write(octets: Uint8Array): Promise<void> {
    // A disk takes less than it is given when it is nearly full.
    for (let taken = 0; taken < octets.length;) {
      taken += (await this.#handle.write(octets, taken)).bytesWritten;
    }
  }

  async finish({ folder, isDurable }: BodySpoolOptions): Promise<void> {
    if (isDurable) await this.#handle.sync();
    await this.#handle.close();
    if (isDurable) await syncFolder(folder);
  }

  async discard(): Promise<void> {
    await this.#handle.close().catch(() => undefined);
    await unlink(this.#path).catch(() => undefined);
  }
}

/** Whether a file's name is one that we give: any other is somebody else's, and left alone. */
export function isSpoolFileName(name: string): boolean {
  return name.endsWith(EXTENSION) && UUID.test(name.slice(0, -EXTENSION.length));
}

const EXTENSION = '.eml';
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Makes the names in a folder durable. Windows has no such thing and does so by itself. */
export async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function tooLarge(sizeBytesMax: number): StoreError {
  return new StoreError(
    'STORE_TOO_LARGE',
    `The message is larger than ${sizeBytesMax} octets, which is all that this store may keep; raise limits.bytesMax`,
  );
}
