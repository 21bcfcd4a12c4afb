/** What a program prints: kept line by line, and waited for. */

import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

/** The lines of one or several streams, in the order in which they came. */
export class LineLog {
  readonly lines: string[] = [];
  #openCount: number;
  readonly #waiters = new Set<() => void>();

  constructor(...streams: readonly Readable[]) {
    this.#openCount = streams.length;
    for (const stream of streams) {
      const reader = createInterface(stream);
      reader.on('line', (line) => {
        this.lines.push(line);
        this.#wake();
      });
      reader.on('close', () => {
        this.#openCount -= 1;
        this.#wake();
      });
    }
  }

  /**
   * Waits for a line, which may have come already.
   *
   * @param count - for how many of them
   * @returns the last of them
   */
  async line(pattern: RegExp, count = 1): Promise<string> {
    const signal = AbortSignal.timeout(WAIT_MS);
    for (;;) {
      const found = this.matching(pattern)[count - 1];
      if (found !== undefined) return found;
      if (signal.aborted || this.#openCount === 0) {
        throw new Error(
          `No ${String(count)} lines like ${String(pattern)} came; there were:\n${this.lines.join('\n')}`,
        );
      }
      await this.#change(signal);
    }
  }

  /** The lines that came so far and are like this. */
  matching(pattern: RegExp): string[] {
    return this.lines.filter((line) => pattern.test(line));
  }

  #change(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      this.#waiters.add(resolve);
      signal.addEventListener('abort', () => {
        resolve();
      });
    });
  }

  #wake(): void {
    for (const wake of this.#waiters) wake();
    this.#waiters.clear();
  }
}

/** Less than a test has, so that what was started is stopped by the test that started it. */
const WAIT_MS = 12_000;
