/**
 * Prints jobs on a stream, one after the other, and no faster than the stream takes them. It does not know what it prints.
 *
 * All who print on one stream share its queue, so that two servers of a process do not mix their lines. Of all jobs together no
 * more than one piece lies in the stream: a reader that stops reading stops the writers, and memory stays where it is.
 */

import type { Writable } from 'node:stream';

/** What is printed: its pieces are asked for one by one, when there is room. */
export interface PrintJob {
  readonly pieces: () => Iterable<string>;
  /** Asked when the turn comes. A job that nobody waits for any more is left out whole. */
  readonly isWanted: () => boolean;
}

/** The queue of a stream. */
export class PrintQueue {
  readonly #output: Writable;
  /** Settles, never rejects, when the job added last is done. */
  #lastDone: Promise<void> = Promise.resolve();
  #failure: Error | undefined;
  #onFailure: ((failure: Error) => void) | undefined;

  private constructor(output: Writable) {
    this.#output = output;
    output.on('error', (error) => {
      this.#fail(error);
    });
    output.on('close', () => {
      this.#fail(new Error('The output stream was closed'));
    });
  }

  /** The queue of this stream; always the same one. */
  static of(output: Writable): PrintQueue {
    const known = QUEUES.get(output);
    if (known !== undefined) return known;
    const queue = new PrintQueue(output);
    QUEUES.set(output, queue);
    return queue;
  }

  /**
   * Prints a job after those before it.
   *
   * @returns when the stream has taken all of it
   * @throws the stream's error, when it is broken
   */
  print(job: PrintJob): Promise<void> {
    const done = this.#lastDone.then(() => this.#run(job));
    this.#lastDone = done.then(undefined, () => undefined);
    return done;
  }

  async #run({ pieces, isWanted }: PrintJob): Promise<void> {
    if (!isWanted()) return;
    for (const piece of joinSmall(pieces())) await this.#write(piece);
  }

  /** A stream calls back when a piece has left it, which is never before `drain` would have come. */
  #write(piece: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const fail = (error: Error): void => {
        reject(new Error(`The output cannot be written: ${error.message}`, { cause: error }));
      };
      if (this.#failure !== undefined) {
        fail(this.#failure);
        return;
      }
      // A stream that is destroyed in the middle of a write calls nobody back.
      this.#onFailure = fail;
      this.#output.write(piece, (error) => {
        if (error) fail(error);
        else resolve();
      });
    });
  }

  #fail(failure: Error): void {
    this.#failure ??= failure;
    this.#onFailure?.(this.#failure);
  }
}

/** Lines are small; a write for each of them would be slow. */
function* joinSmall(pieces: Iterable<string>): Generator<string> {
  let joined = '';
  for (const piece of pieces) {
    joined += piece;
    if (joined.length < PIECE_CHARACTERS) continue;
    yield joined;
    joined = '';
  }
  if (joined !== '') yield joined;
}

const PIECE_CHARACTERS = 65_536;
const QUEUES = new WeakMap<Writable, PrintQueue>();
