/** Octets that wait for the database in a file without a name: whatever becomes of this process, nothing is left of them. */

import { randomUUID } from 'node:crypto';
import { open, unlink, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { OctetFile } from '../body-spool.js';

/** A file that is gone when it is discarded, or when the process ends. */
export class SpilledOctets implements OctetFile {
  readonly #path: string;
  readonly #handle: FileHandle;

  private constructor(path: string, handle: FileHandle) {
    this.#path = path;
    this.#handle = handle;
  }

  static async create(): Promise<SpilledOctets> {
    const path = join(tmpdir(), `smtpd-store-${randomUUID()}.eml`);
    const file = new SpilledOctets(path, await open(path, 'wx+', 0o600));
    // Where a file that is open keeps its name (Windows), it is removed in the end.
    await unlink(path).catch(() => undefined);
    return file;
  }

  async write(octets: Uint8Array): Promise<void> {
    for (let taken = 0; taken < octets.length;) {
      taken += (await this.#handle.write(octets, taken)).bytesWritten;
    }
  }

  /** All octets, from the first on, in pieces of that size; the last is what is left. */
  async *pieces(pieceBytes: number): AsyncGenerator<Uint8Array, void, undefined> {
    for (let position = 0; ;) {
      const piece = Buffer.allocUnsafe(pieceBytes);
      let length = 0;
      while (length < pieceBytes) {
        const { bytesRead } = await this.#handle.read(piece, length, pieceBytes - length, position + length);
        if (bytesRead === 0) break;
        length += bytesRead;
      }
      if (length > 0) yield piece.subarray(0, length);
      if (length < pieceBytes) return;
      position += length;
    }
  }

  async discard(): Promise<void> {
    await this.#handle.close().catch(() => undefined);
    await unlink(this.#path).catch(() => undefined);
  }
}
