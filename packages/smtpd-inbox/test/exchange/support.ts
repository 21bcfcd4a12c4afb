/** What the tests of files share. */

import fc from 'fast-check';

import type { ImportItem, ImportedMessage } from '../../src/exchange/import-item.js';

export async function collect(pieces: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const collected: Uint8Array[] = [];
  for await (const piece of pieces) collected.push(piece);
  return Buffer.concat(collected);
}

export async function itemsOf(items: AsyncIterable<ImportItem>): Promise<ImportItem[]> {
  const all: ImportItem[] = [];
  for await (const item of items) all.push(item);
  return all;
}

/** The messages; throws when something was passed over. */
export async function messagesOf(items: AsyncIterable<ImportItem>): Promise<ImportedMessage[]> {
  return (await itemsOf(items)).map((item) => {
    if (item.kind === 'skipped') throw new Error(`${item.name}: ${item.reason}`);
    return item;
  });
}

/** Octets in pieces of the given sizes, over and over. */
export function* inPieces(octets: Uint8Array, sizes: readonly number[]): Generator<Uint8Array> {
  for (let at = 0, turn = 0; at < octets.length; turn += 1) {
    const size = sizes[turn % sizes.length] ?? octets.length;
    yield octets.subarray(at, at + size);
    at += size;
  }
}

/** Messages of what matters to files of mail: line ends of all kinds, and what looks like the beginning of another message. */
export const rawArbitrary: fc.Arbitrary<Uint8Array> = fc
  .array(
    fc.oneof(
      fc.constantFrom('\n', '\r\n', '\r', '>', 'From ', '>From ', 'From', 'F', ' ', 'x', 'Content-Length: 5\n', '\0'),
      fc.constant('From a@b Wed Nov 25 20:01:00 2026\n'),
      fc.string({ unit: 'binary-ascii', maxLength: 5 }),
      fc.constant('ü'),
    ),
    { maxLength: 25 },
  )
  .map((parts) => Buffer.from(parts.join('')));
export const sizesArbitrary = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 });
