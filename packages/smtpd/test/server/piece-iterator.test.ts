/** A loop over content: each piece once and in order, nothing ahead of the loop, and an end of every kind. */

import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import type { ContentReader, ContentSource } from '../../src/server/content-source.js';
import { MessageBody } from '../../src/server/message-body.js';
import { PieceIterator } from '../../src/server/piece-iterator.js';
import { rejection, turns } from './support.js';

describe('a loop over content', () => {
  it('gets a piece in the turn in which it comes, and holds the source until it asks again', async () => {
    const { source, reader } = openSource();
    const pieces = new PieceIterator(source);
    expect(source.calls).toEqual([]);
    const first = pieces.next();
    expect(source.calls).toEqual(['read']);
    expect(reader().onChunk(piece('a'))).toBe(false);
    expect(await first).toEqual({ value: piece('a'), done: false });
    const second = pieces.next();
    expect(source.calls).toEqual(['read', 'resume']);
    reader().onEnd();
    expect(await second).toEqual({ value: undefined, done: true });
    expect(await pieces.next()).toEqual({ value: undefined, done: true });
    expect(source.calls).toEqual(['read', 'resume']);
  });

  it('serves whoever asks for several at once in order, and is held when all are served', async () => {
    const { source, reader } = openSource();
    const pieces = new PieceIterator(source);
    const asked = [pieces.next(), pieces.next(), pieces.next(), pieces.next(), pieces.next()];
    expect(['a', 'b'].map((name) => reader().onChunk(piece(name)))).toEqual([true, true]);
    reader().onError(new Error('gone'));
    const outcomes = (await Promise.allSettled(asked)).map((outcome) =>
      outcome.status === 'fulfilled' ? (outcome.value.value?.toString() ?? 'end') : String(outcome.reason),
    );
    expect(outcomes).toEqual(['a', 'b', 'Error: gone', 'end', 'end']);
  });

  it('hears once of an error that came while nobody asked', async () => {
    const { source, reader } = openSource();
    const pieces = new PieceIterator(source);
    const first = pieces.next();
    reader().onChunk(piece('a'));
    await first;
    reader().onError(new Error('gone'));
    await turns();
    expect(await rejection(pieces.next())).toEqual(new Error('gone'));
    expect(await pieces.next()).toEqual({ value: undefined, done: true });
  });

  it('that is left lets go of the source, and whoever still waits is at the end', async () => {
    const { source, reader } = openSource();
    const pieces = new PieceIterator(source);
    const first = pieces.next();
    reader().onChunk(piece('a'));
    await first;
    const second = pieces.next();
    expect(await pieces.return()).toEqual({ value: undefined, done: true });
    expect(await second).toEqual({ value: undefined, done: true });
    expect(source.calls).toEqual(['read', 'resume', 'leave']);
    await pieces.return();
    expect(source.calls).toEqual(['read', 'resume', 'leave']);
  });

  it('that never began has read nothing and left nothing', async () => {
    const body = bodyOf(['a', 'b']);
    await body[Symbol.asyncIterator]().return?.();
    expect(body.isLeft).toBe(false);
    expect(await textOf(body)).toBe('ab');
  });

  it('is the only one: another hears so, and takes nothing from it', async () => {
    const body = bodyOf(['a', 'b']);
    const pieces = body[Symbol.asyncIterator]();
    expect((await pieces.next()).value).toEqual(piece('a'));
    const other = body[Symbol.asyncIterator]();
    expect(await rejection(other.next())).toBeInstanceOf(TypeError);
    await other.return?.();
    expect((await pieces.next()).value).toEqual(piece('b'));
    expect((await pieces.next()).done).toBe(true);
  });

  it('may be a stream', async () => {
    expect((await buffer(Readable.from(bodyOf(['a', 'b'])))).toString()).toBe('ab');
    const body = bodyOf(['a', 'b']);
    const stream = Readable.from(body);
    for await (const _ of stream) break;
    await turns();
    expect(body.isLeft).toBe(true);
  });
});

describe('a body and its loop', () => {
  it('whatever comes first, the loop sees all pieces in order, and no more wait than there is room for and the last piece', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ length: fc.integer({ min: 1, max: 70_000 }), pauses: fc.nat(3) }), { maxLength: 20 }),
        fc.array(fc.nat(3), { minLength: 1, maxLength: 5 }),
        async (sent, readerPauses) => {
          let toldCount = 0;
          const body = new MessageBody(() => {
            toldCount += 1;
          });
          let waitingBytes = 0;
          const reading = (async () => {
            const names: number[] = [];
            let turn = 0;
            for await (const chunk of body) {
              waitingBytes -= chunk.length;
              names.push(chunk[0]!);
              await microtasks(readerPauses[turn++ % readerPauses.length]!);
            }
            return names;
          })();
          for (const [index, { length, pauses }] of sent.entries()) {
            if (body.isFull) {
              const before = toldCount;
              for (let turn = 0; toldCount === before && turn < 1_000; turn += 1) await Promise.resolve();
              expect(body.isFull).toBe(false);
            }
            body.push(Buffer.alloc(length, index));
            waitingBytes += length;
            // One that was handed over and not begun with is no more than what waits.
            expect(waitingBytes).toBeLessThan(65_536 + 2 * 70_000);
            await microtasks(pauses);
          }
          body.end();
          expect(await reading).toEqual([...sent.keys()]);
          expect(body.isLeft).toBe(true);
        },
      ),
      { seed: 5321, numRuns: 200 },
    );
  });

  it('is full exactly while 64 KiB wait that nobody has asked for', async () => {
    const told: boolean[] = [];
    const body = new MessageBody(() => told.push(body.isFull));
    const pieces = body[Symbol.asyncIterator]();
    const first = pieces.next();
    body.push(Buffer.alloc(65_536));
    expect(body.isFull).toBe(false);
    body.push(Buffer.alloc(65_535));
    expect(body.isFull).toBe(false);
    body.push(Buffer.alloc(1));
    expect(body.isFull).toBe(true);
    await first;
    await turns();
    expect([body.isFull, told]).toEqual([true, []]);
    void pieces.next();
    expect([body.isFull, told]).toEqual([false, [false]]);
  });
});

/** A source that writes down what is asked of it, and whose reader is the test's to call. */
function openSource(): { source: ContentSource & { calls: string[] }; reader: () => ContentReader } {
  const calls: string[] = [];
  let given: ContentReader | undefined;
  const source = {
    calls,
    read: (reader: ContentReader) => {
      calls.push('read');
      given = reader;
    },
    resume: () => {
      calls.push('resume');
    },
    leave: () => {
      calls.push('leave');
    },
  };
  return { source, reader: () => given! };
}

function bodyOf(names: readonly string[]): MessageBody {
  const body = new MessageBody(() => undefined);
  for (const name of names) body.push(piece(name));
  body.end();
  return body;
}

function piece(name: string): Buffer {
  return Buffer.from(name);
}

async function textOf(pieces: AsyncIterable<Uint8Array>): Promise<string> {
  let text = '';
  for await (const each of pieces) text += Buffer.from(each).toString();
  return text;
}

async function microtasks(count: number): Promise<void> {
  for (let at = 0; at < count; at += 1) await Promise.resolve();
}
