// Slabs: arrays of one size that are used again and again within the process. They are not content and hold none between two
// uses. In the walk they lie beneath the content buffer, which collects in them what it puts together in the end.

import { octets } from './octets.js';

/** The octets of one slab. */
export const SLAB_BYTES = 65_536;

/**
 * Arrays of {@link SLAB_BYTES}, whose contents are undefined until they are written. Fresh memory costs far more than the copy into it:
 * the kernel clears each of its pages, and what was dropped has to be found by collecting garbage.
 *
 * @example
 * ```ts
 * const slab = slabs.take();
 * slabs.give(slab); // and never touch it again
 * ```
 */
export const slabs = {
  /** A slab, which is the caller's until it is given back. One that is not given back is garbage like any other array. */
  take(): Uint8Array {
    const slab = free.pop() ?? octets.allocate(SLAB_BYTES);
    // Memory that it shares with others could not be told from them later.
    if (slab.buffer.byteLength === SLAB_BYTES) taken.add(slab.buffer);
    return slab;
  },

  /** Takes back the slab that these octets lie in, if they lie in one that was taken. Nobody may touch them any more. */
  recover({ buffer }: Uint8Array): void {
    if (taken.delete(buffer)) this.give(octets.view(buffer as ArrayBuffer, 0, SLAB_BYTES));
  },

  /** Takes a slab back. Beyond a number that is enough for some messages at once it is dropped. */
  give(slab: Uint8Array): void {
    taken.delete(slab.buffer);
    if (free.length < FREE_SLABS_MAX) free.push(slab);
  },
};

const free: Uint8Array[] = [];
/** The memory of those that somebody has. */
const taken = new WeakSet<ArrayBufferLike>();

/** 4 MiB. */
const FREE_SLABS_MAX = 64;
