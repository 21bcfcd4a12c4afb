/** Fan-out: every reader sees every piece, none is further ahead than one, and nobody is left hanging. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { fanOut } from '../../../src/handlers/proxy/fan-out.js';
import { Held, rejection, turns } from '../../server/support.js';

const PIECES = ['a', 'b', 'c', 'd'].map((text) => Buffer.from(text));

/** A source that notes how far it was read. */
class Source implements AsyncIterable<Uint8Array> {
  readsBegun = 0;
  isReturned = false;
  readonly #pieces: readonly Uint8Array[];
  readonly #failure: Error | undefined;

  constructor(pieces: readonly Uint8Array[] = PIECES, failure?: Error) {
    this.#pieces = pieces;
    this.#failure = failure;
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    return {
      next: () => {
        const value = this.#pieces[this.readsBegun];
        this.readsBegun += 1;
        if (value !== undefined) return Promise.resolve({ done: false, value });
        if (this.#failure !== undefined) return Promise.reject(this.#failure);
        return Promise.resolve({ done: true, value: undefined });
      },
      return: () => {
        this.isReturned = true;
        return Promise.resolve({ done: true, value: undefined });
      },
    };
  }
}

function readersOf(source: Source, count: number): AsyncIterator<Uint8Array>[] {
  return fanOut(source, count).map((reader) => reader[Symbol.asyncIterator]());
}

async function readAll(reader: AsyncIterable<Uint8Array>, onPiece?: () => Promise<void>): Promise<string> {
  let text = '';
  for await (const piece of reader) {
    text += Buffer.from(piece).toString();
    await onPiece?.();
  }
  return text;
}

describe('several readers of one source', () => {
  it('see every piece, whatever the pace of each', async () => {
    const paces = fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(paces, async (turnsBetween) => {
        const source = new Source();
        const readers = fanOut(source, turnsBetween.length);
        const read = readers.map((reader, index) => readAll(reader, () => turns(turnsBetween[index])));
        expect(await Promise.all(read)).toEqual(turnsBetween.map(() => 'abcd'));
        expect(source.readsBegun).toBe(PIECES.length + 1);
      }),
      { numRuns: 30 },
    );
  });

  it('go at the pace of the slowest: the source is not asked before each has taken the last piece', async () => {
    const source = new Source();
    const [fast, slow] = readersOf(source, 2);
    const first = fast!.next();
    await turns();
    expect(source.readsBegun).toBe(0);
    void slow!.next();
    await first;
    const second = fast!.next();
    await turns();
    expect(source.readsBegun).toBe(1);
    void slow!.next();
    expect((await second).value).toEqual(PIECES[1]);
  });

  it('one that leaves between two pieces does not hold the others up', async () => {
    const shared = new Source();
    const [first, second] = fanOut(shared, 2);
    const leaving = first![Symbol.asyncIterator]();
    const staying = readAll(second!);
    await leaving.next();
    await leaving.return!();
    expect(await staying).toBe('abcd');
    expect(shared.isReturned).toBe(true);
  });

  it('one that leaves while it waits for a piece takes none from the others', async () => {
    const source = new Source();
    const [leaving, staying] = readersOf(source, 2);
    const seen: string[] = [];
    const take = async (): Promise<void> => {
      const step = await staying!.next();
      if (step.done !== true) seen.push(Buffer.from(step.value).toString());
    };
    const first = leaving!.next();
    await take();
    await first;
    // It has the first piece and asks for the second; the other one is still busy with the first.
    const asked = leaving!.next();
    await turns();
    await leaving!.return!();
    expect(await asked).toEqual({ done: true, value: undefined });
    await turns();
    expect(source.readsBegun).toBe(1);
    for (const _ of [2, 3, 4, 5]) await take();
    expect(seen).toEqual(['a', 'b', 'c', 'd']);
  });

  it('all of which have left let the source go, once', async () => {
    const source = new Source();
    const readers = readersOf(source, 2);
    await Promise.all(readers.map((reader) => reader.next()));
    await readers[0]!.return!();
    expect(source.isReturned).toBe(false);
    await readers[1]!.return!();
    expect(source.isReturned).toBe(true);
    for (const reader of readers) expect(await reader.next()).toEqual({ done: true, value: undefined });
    expect(source.readsBegun).toBe(1);
  });

  it('all hear of it when the source throws, and hear no more', async () => {
    const failure = new Error('The client has left');
    const source = new Source(PIECES.slice(0, 2), failure);
    const readers = fanOut(source, 3);
    const failures = await Promise.all(readers.map((reader) => rejection(readAll(reader, () => turns(1)))));
    expect(failures).toEqual([failure, failure, failure]);
    expect(source.readsBegun).toBe(3);
  });

  it('one whose work fails leaves the others all that comes', async () => {
    const held = new Held<undefined>();
    const failure = new Error('This one cannot go on');
    const [failing, staying] = fanOut(new Source(), 2);
    const failed = rejection(
      readAll(failing!, async () => {
        await held.promise;
        throw failure;
      }),
    );
    const read = readAll(staying!);
    await turns();
    held.answer(undefined);
    expect(await failed).toBe(failure);
    expect(await read).toBe('abcd');
  });
});
