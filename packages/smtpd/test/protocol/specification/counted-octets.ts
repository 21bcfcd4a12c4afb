// The primitives of octets.ts once more, each octet that is looked at or copied counted: for the law that work is linear
// in what arrives. A test puts this file in the place of octets.ts.

import type { OctetPrimitives } from '../../../src/protocol/octets.js';

let counted = 0;

/** How many octets have been looked at or copied while `work` ran. */
export function countOctets(work: () => void): number {
  counted = 0;
  work();
  return counted;
}

export function octetAt(bytes: Uint8Array, at: number): number {
  counted += 1;
  return bytes[at]!;
}

export const octets: Pick<
  OctetPrimitives,
  'allocate' | 'view' | 'indexOf' | 'indexOfSequence' | 'copy' | 'decodeLatin1' | 'decodeUTF8' | 'encodeLatin1'
> = {
  allocate: (length) => new Uint8Array(length),
  view: (memory, offset, length) => new Uint8Array(memory, offset, length),
  indexOf(bytes, octet, from) {
    const found = bytes.indexOf(octet, from);
    counted += (found === -1 ? bytes.length : found + 1) - from;
    return found;
  },
  indexOfSequence(bytes, sequence, from) {
    for (let at = from; at + sequence.length <= bytes.length; at += 1) {
      if (sequence.every((octet, index) => octet === octetAt(bytes, at + index))) return at;
    }
    return -1;
  },
  copy(source, start, end, target, targetStart) {
    counted += end - start;
    target.set(source.subarray(start, end), targetStart);
  },
  decodeLatin1(bytes, start, end) {
    counted += end - start;
    return String.fromCharCode(...bytes.subarray(start, end));
  },
  decodeUTF8(bytes) {
    counted += bytes.length;
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    } catch {
      return undefined;
    }
  },
  encodeLatin1: (text) => Uint8Array.from(text, (character) => character.charCodeAt(0)),
};
