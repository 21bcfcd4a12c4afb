/** A peer that reads, though slowly, what a transport wrote at once: it is to have the time to read to the end. */

import type { Readable } from 'node:stream';

import type { Transport } from '../../src/net/transport.js';

/**
 * Writes 32 MiB, ends, and has the peer read them: a megabyte, a rest, and so on.
 *
 * @returns how much of what was written the peer had, and how long it took, in milliseconds
 */
export async function readSlowly(
  transport: Transport,
  peer: Readable,
  { restMs }: { readonly restMs: number },
): Promise<{ readonly written: number; readonly received: number; readonly tookMs: number }> {
  const written = 32 * MIB;
  for (let given = 0; given < written; given += MIB / 4) transport.write(Buffer.alloc(MIB / 4));
  const beganAt = performance.now();
  transport.end();
  let received = 0;
  for await (const bytes of peer as AsyncIterable<Buffer>) {
    const before = received;
    received += bytes.length;
    if (Math.floor(received / MIB) > Math.floor(before / MIB))
      await new Promise((resolve) => setTimeout(resolve, restMs));
  }
  return { written, received, tookMs: performance.now() - beganAt };
}

const MIB = 2 ** 20;
