import { PassThrough, Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';

import { PrintQueue } from '../../src/handlers/print-queue.js';
import { outputOf } from '../support/output-of.js';

/** A stream that takes the next piece when it is told to. */
class HeldStream extends Writable {
  readonly pieces: string[] = [];
  release: ((error?: Error) => void) | undefined;

  constructor() {
    super({
      decodeStrings: false,
      write: (piece: string, _encoding, callback) => {
        this.pieces.push(piece);
        this.release = callback;
      },
    });
  }
}

function job(...pieces: string[]) {
  return { pieces: () => pieces, isWanted: () => true };
}

function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

describe('PrintQueue', () => {
  it('prints one job after the other, each whole', async () => {
    const output = new PassThrough();
    const queue = PrintQueue.of(output);
    await Promise.all([queue.print(job('a', 'b')), queue.print(job('c')), queue.print(job('d', 'e'))]);
    expect(outputOf(output).toString()).toBe('abcde');
  });

  it('is one for each stream, so that two servers do not mix their lines', () => {
    const output = new PassThrough();
    expect(PrintQueue.of(output)).toBe(PrintQueue.of(output));
    expect(PrintQueue.of(new PassThrough())).not.toBe(PrintQueue.of(output));
  });

  it('has no more than one piece in the stream, and makes the next one when that has left', async () => {
    const output = new HeldStream();
    const queue = PrintQueue.of(output);
    const made: string[] = [];
    const piecesOf = (name: string) =>
      function* () {
        for (const number of [1, 2, 3]) {
          made.push(`${name}${String(number)}`);
          yield name.repeat(70_000);
        }
      };
    const first = queue.print({ pieces: piecesOf('a'), isWanted: () => true });
    const second = queue.print({ pieces: piecesOf('b'), isWanted: () => true });
    for (const expected of ['a1', 'a2', 'a3', 'b1', 'b2', 'b3']) {
      await turn();
      expect(made.at(-1)).toBe(expected);
      expect(output.writableLength).toBe(70_000);
      output.release?.();
    }
    await Promise.all([first, second]);
    expect(output.writableLength).toBe(0);
  });

  it('leaves a job out that nobody waits for when its turn comes', async () => {
    const output = new HeldStream();
    const queue = PrintQueue.of(output);
    let isWanted = true;
    const first = queue.print(job('first'));
    const second = queue.print({ pieces: () => ['second'], isWanted: () => isWanted });
    await turn();
    isWanted = false;
    output.release?.();
    await Promise.all([first, second]);
    expect(output.pieces).toEqual(['first']);
  });

  it('fails the job under way and all behind it when the stream breaks', async () => {
    const output = new HeldStream();
    const queue = PrintQueue.of(output);
    const first = queue.print(job('first'));
    const second = queue.print(job('second'));
    await turn();
    output.release?.(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }));
    await expect(first).rejects.toMatchObject({ cause: { code: 'EPIPE' } });
    await expect(second).rejects.toMatchObject({ cause: { code: 'EPIPE' } });
    await expect(queue.print(job('third'))).rejects.toThrow('The output cannot be written: write EPIPE');
    expect(output.pieces).toEqual(['first']);
  });

  it('fails when the stream is destroyed in the middle of a write', async () => {
    const output = new HeldStream();
    const printed = PrintQueue.of(output).print(job('first'));
    await turn();
    output.destroy();
    await expect(printed).rejects.toThrow('The output cannot be written: The output stream was closed');
  });

  it('fails when the stream was ended, and goes on to fail', async () => {
    const output = new PassThrough();
    const queue = PrintQueue.of(output);
    output.end();
    await expect(queue.print(job('first'))).rejects.toThrow('The output cannot be written');
    await expect(queue.print(job('second'))).rejects.toThrow('The output cannot be written');
  });
});
