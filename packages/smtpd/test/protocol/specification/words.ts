// Small alphabets are enumerated, not sampled: every word up to a length, and every way to cut it that matters.

import { plainOctets } from '../../../src/protocol/octets.js';

/** Every word over the alphabet of up to `lengthMax` letters, the empty one first. */
export function* words(alphabet: readonly string[], lengthMax: number): Generator<string> {
  let level = [''];
  yield '';
  for (let length = 1; length <= lengthMax; length += 1) {
    level = level.flatMap((word) => alphabet.map((letter) => word + letter));
    yield* level;
  }
}

/** The word whole, octet by octet, and at every single split. */
export function cuts(word: string): Uint8Array[][] {
  const bytes = plainOctets.encodeLatin1(word);
  const octetByOctet = Array.from(bytes, (_, at) => bytes.subarray(at, at + 1));
  const splits = Array.from({ length: Math.max(0, word.length - 1) }, (_, at) => [
    bytes.subarray(0, at + 1),
    bytes.subarray(at + 1),
  ]);
  return [[bytes], octetByOctet, ...splits];
}

/** The bytes cut at the given places, which may be unordered, repeated, or beyond the end. */
export function cutAt(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const ordered = [0, ...places.map((place) => Math.min(place, bytes.length)).sort((a, b) => a - b), bytes.length];
  return ordered.slice(1).map((end, index) => bytes.subarray(ordered[index], end));
}

export function show(text: string): string {
  return JSON.stringify(text);
}
