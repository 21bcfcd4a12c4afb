/**
 * The body of a message that is read while it comes. What a reader is handed is what was pushed, in that order, whenever it has room: also
 * when the channel that hears of room has more at hand, and pushes it before that call returns.
 */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import type { ContentReader } from '../../src/server/content-source.js';
import { MessageBody } from '../../src/server/message-body.js';

/** So much waits when a body is full. */
const FULL_BYTES = 65_536;

/** A channel that pushes pieces, one after the other, as long as the body is not full; at once when it has room again. */
class Channel {
  readonly body: MessageBody;
  readonly #pieces: Uint8Array[];
  readonly #isEndedAtOnce: boolean;
  #hasEnded = false;

  constructor(pieces: readonly Uint8Array[], { isEndedAtOnce }: { readonly isEndedAtOnce: boolean }) {
    this.#pieces = [...pieces];
    this.#isEndedAtOnce = isEndedAtOnce;
    this.body = new MessageBody(() => {
      this.pushOn();
    });
  }

  pushOn(): void {
    while (!this.body.isFull) {
      const piece = this.#pieces.shift();
      if (piece === undefined) break;
      this.body.push(piece);
    }
    if (this.#pieces.length === 0 && this.#isEndedAtOnce) this.end();
  }

  end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.body.end();
  }

  get isDone(): boolean {
    return this.#pieces.length === 0;
  }
}

/** A reader that has room after some of its pieces only. */
class Reader implements ContentReader {
  readonly pieces: Uint8Array[] = [];
  outcome: 'open' | 'end' | { readonly error: unknown } = 'open';
  isFull = false;
  readonly #hasRoomAfter: readonly boolean[];

  constructor(hasRoomAfter: readonly boolean[]) {
    this.#hasRoomAfter = hasRoomAfter;
  }

  onChunk(chunk: Uint8Array): boolean {
    expect(this.outcome).toBe('open');
    expect(this.isFull).toBe(false);
    this.isFull = this.#hasRoomAfter[this.pieces.length % this.#hasRoomAfter.length] === false;
    this.pieces.push(chunk);
    return !this.isFull;
  }

  onEnd(): void {
    expect(this.outcome).toBe('open');
    this.outcome = 'end';
  }

  onError(error: unknown): void {
    expect(this.outcome).toBe('open');
    this.outcome = { error };
  }
}

function piecesOf(lengths: readonly number[]): readonly Uint8Array[] {
  return lengths.map((length) => new Uint8Array(length));
}

/** Gives the reader room until nothing more comes of it. */
function readAll(channel: Channel, reader: Reader): void {
  while (reader.isFull) {
    reader.isFull = false;
    channel.body.resume();
  }
}

describe('a body that is handed to a reader', () => {
  it('hands on what waits before what is pushed when there is room again', () => {
    const pieces = piecesOf([10, FULL_BYTES, 20, 30]);
    const channel = new Channel(pieces, { isEndedAtOnce: true });
    const reader = new Reader([false, true]);
    channel.body.read(reader);
    channel.pushOn();
    readAll(channel, reader);
    expect(reader.pieces.map((piece) => pieces.indexOf(piece))).toEqual([0, 1, 2, 3]);
    expect(reader.outcome).toBe('end');
  });

  it('is handed on in order and whole, whatever comes how and whoever has room when', () => {
    const lengths = fc.array(fc.oneof(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 30_000, max: 140_000 })), {
      maxLength: 12,
    });
    const rooms = fc.array(fc.boolean(), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(lengths, rooms, fc.boolean(), fc.boolean(), (given, hasRoomAfter, isReadFirst, isEndedAtOnce) => {
        const pieces = piecesOf(given);
        const channel = new Channel(pieces, { isEndedAtOnce });
        const reader = new Reader(hasRoomAfter);
        if (isReadFirst) channel.body.read(reader);
        channel.pushOn();
        if (!isReadFirst) channel.body.read(reader);
        readAll(channel, reader);
        expect(channel.isDone).toBe(true);
        channel.end();
        readAll(channel, reader);
        expect(reader.pieces.map((piece) => pieces.indexOf(piece))).toEqual([...pieces.keys()]);
        expect(reader.outcome).toBe('end');
      }),
    );
  });

  it('is handed on when the reader is done with what it has, also where it has room before', () => {
    const body: MessageBody = new MessageBody(() => undefined);
    const heard: string[] = [];
    body.push(Buffer.of(1));
    body.read({
      onChunk([first = 0]) {
        heard.push(`begin ${String(first)}`);
        if (first === 2) {
          body.push(Buffer.of(3));
          body.push(Buffer.of(4));
          body.end();
        }
        body.resume();
        heard.push(`end ${String(first)}`);
        return false;
      },
      onEnd: () => heard.push('over'),
      onError: (error) => heard.push(String(error)),
    });
    body.push(Buffer.of(2));
    expect(heard).toEqual([
      ...[1, 2, 3, 4].flatMap((first) => [`begin ${String(first)}`, `end ${String(first)}`]),
      'over',
    ]);
  });

  it('is handed on no more once it has failed, also when that happens while room is told of', () => {
    const failure = new Error('The client has left');
    const body: MessageBody = new MessageBody(() => {
      body.fail(failure);
    });
    const reader = new Reader([false, true]);
    body.read(reader);
    for (const piece of piecesOf([10, FULL_BYTES])) body.push(piece);
    reader.isFull = false;
    body.resume();
    expect(reader.pieces).toHaveLength(1);
    expect(reader.outcome).toEqual({ error: failure });
  });
});
