import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';

import { ContentBuffer } from '../../src/protocol/content-buffer.js';
import { octets } from '../../src/protocol/octets.js';
import { SLAB_BYTES, slabs } from '../../src/protocol/slabs.js';

describe('a content buffer', () => {
  it('gives what was appended, in order', () => {
    const append = fc.oneof(
      fc.nat(255),
      fc.record({ bytes: fc.uint8Array({ maxLength: 100, size: 'max' }), from: fc.nat(100), to: fc.nat(100) }),
    );
    fc.assert(
      fc.property(fc.array(append), fc.nat(5000), (appends, expected) => {
        const content = new ContentBuffer();
        content.expect(expected);
        const model: number[] = [];
        for (const step of appends) {
          if (typeof step === 'number') {
            content.appendOctet(step);
            model.push(step);
          } else {
            const end = Math.min(step.to, step.bytes.length);
            const start = Math.min(step.from, end);
            content.append(step.bytes, start, end);
            model.push(...step.bytes.subarray(start, end));
          }
        }
        expect(content.length).toBe(model.length);
        expect([...content.take()]).toEqual(model);
      }),
    );
  });

  it('copies, so that the source may be used again', () => {
    for (const length of [3, 300]) {
      const content = new ContentBuffer();
      const source = new Uint8Array(length).fill(1);
      content.append(source, 0, length);
      source.fill(2);
      expect([...content.take()]).toEqual(Array.from({ length }, () => 1));
    }
  });

  it('gives what it gave to nobody else', () => {
    const content = new ContentBuffer();
    content.append(Uint8Array.of(1, 2), 0, 2);
    const first = content.take();
    content.append(Uint8Array.of(3, 4), 0, 2);
    content.take();
    expect([...first]).toEqual([1, 2]);
  });

  it('is empty after take and after clear', () => {
    const content = new ContentBuffer();
    content.append(Uint8Array.of(1, 2), 0, 2);
    content.take();
    expect([content.length, content.take().length]).toEqual([0, 0]);
    content.append(Uint8Array.of(1, 2), 0, 2);
    content.clear();
    expect([content.length, content.take().length]).toEqual([0, 0]);
  });

  it('allocates exactly what the first piece needs', () => {
    expect(storageBytesAfter([20_000])).toBe(20_000);
  });

  it('doubles when more comes', () => {
    expect(storageBytesAfter([20_000, 1])).toBe(40_000);
  });

  it('puts together exactly what came once that outgrew a slab, and needs no more memory for it the next time', () => {
    const lengths = [40_000, 1, 200_000, 60_000];
    expect(storageBytesAfter(lengths)).toBe(300_001);
    const used = drainSlabs();
    expect(used.length).toBeGreaterThanOrEqual(4);
    for (const slab of used) slabs.give(slab);
    storageBytesAfter(lengths);
    expect(new Set(drainSlabs())).toEqual(new Set(used));
  });

  it('gives in order what came in pieces of any size, large and small, and lets nobody see it who comes next', () => {
    const piece = fc.oneof(fc.nat(200), fc.nat(70_000), fc.constantFrom(SLAB_BYTES - 1, SLAB_BYTES, SLAB_BYTES + 1));
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), fc.nat(400_000), (lengths, expected) => {
        const content = new ContentBuffer();
        content.expect(expected);
        const first = appendNumbered(content, lengths);
        const taken = content.take();
        appendNumbered(content, [...lengths, 70_000, 70_000]);
        expect(Buffer.compare(taken, first)).toBe(0);
        content.clear();
        expect(content.take()).toHaveLength(0);
      }),
      { numRuns: 60 },
    );
  });

  it('gives its slabs back when it is cleared', () => {
    const before = new Set(drainSlabs());
    const content = new ContentBuffer();
    appendNumbered(content, [40_000, 100_000]);
    content.clear();
    const after = drainSlabs();
    expect([after.length, after.filter((slab) => before.has(slab)).length]).toEqual([2, 0]);
  });

  it('collects what is handed on in pieces in slabs, which whoever is done with them may give back', () => {
    drainSlabs();
    const content = new ContentBuffer('pieces');
    for (const length of [SLAB_BYTES, SLAB_BYTES - 1]) {
      expect(Buffer.compare(content.take(), new Uint8Array(0))).toBe(0);
      const sent = appendNumbered(content, [length]);
      const piece = content.take();
      expect(Buffer.compare(piece, sent)).toBe(0);
      expect([piece.buffer.byteLength, drainSlabs()]).toEqual([SLAB_BYTES, []]);
      slabs.recover(piece);
      // What is there once must not be there twice.
      slabs.recover(piece);
      expect(drainSlabs().map(({ buffer }) => buffer === piece.buffer)).toEqual([true]);
    }
  });

  it('takes no slab for a small piece, and takes no memory back that is none', () => {
    const content = new ContentBuffer('pieces');
    appendNumbered(content, [30_000]);
    const piece = content.take();
    expect(piece.buffer.byteLength).toBe(30_000);
    drainSlabs();
    for (const other of [piece, new Uint8Array(SLAB_BYTES), new Uint8Array(new ArrayBuffer(SLAB_BYTES), 10, 20)]) {
      slabs.recover(other);
    }
    expect(drainSlabs()).toEqual([]);
  });

  it('believes what the client declared once a quarter of it has come', () => {
    expect(storageBytesAfter([20_000], 100_000)).toBe(20_000);
    expect(storageBytesAfter([20_000, 5_000], 100_000)).toBe(100_000);
    expect(storageBytesAfter([20_000, 4_999], 100_000)).toBe(40_000);
  });

  it('does not hold content to a declaration that was too small', () => {
    expect(storageBytesAfter([20_000, 20_000], 30_000)).toBe(60_000);
  });
});

/** The size of the array behind what is taken. Pieces are large, so that no runtime puts them into a shared one. */
function storageBytesAfter(lengths: readonly number[], expected = 0): number {
  const content = new ContentBuffer();
  content.expect(expected);
  for (const length of lengths) content.append(new Uint8Array(length), 0, length);
  return content.take().buffer.byteLength;
}

/** Appends pieces of these lengths, each octet another than its neighbours. Returns all of it. */
function appendNumbered(content: ContentBuffer, lengths: readonly number[]): Uint8Array {
  const all = NUMBERED.subarray(
    0,
    lengths.reduce((sum, length) => sum + length, 0),
  );
  let at = 0;
  for (const length of lengths) {
    content.append(all, at, at + length);
    at += length;
  }
  return all;
}

/** Longer than any content here. */
const NUMBERED = new Uint8Array(1_048_576).map((_, at) => at % 251);

/** All slabs that wait to be used. The last one taken was made for it. */
function drainSlabs(): Uint8Array[] {
  const made = new Set<Uint8Array>();
  const waiting: Uint8Array[] = [];
  vi.spyOn(octets, 'allocate').mockImplementation((length) => {
    const array = new Uint8Array(length);
    made.add(array);
    return array;
  });
  for (let slab = slabs.take(); !made.has(slab); slab = slabs.take()) waiting.push(slab);
  vi.restoreAllMocks();
  return waiting;
}
