/** What a program wrote to a stream that a test gave it. */

import type { Readable } from 'node:stream';

/** All of it so far: since Node 26 `read()` gives one piece of what is there, and before it gave everything. */
export function outputOf(stream: Readable): Buffer {
  const pieces: Buffer[] = [];
  for (;;) {
    const piece = stream.read() as Buffer | string | null;
    if (piece === null) return Buffer.concat(pieces);
    pieces.push(typeof piece === 'string' ? Buffer.from(piece) : piece);
  }
}
