/** A client that says exactly what it is told to, and notes the codes of the replies until there are enough or the server closes. */

import { connect, type Socket } from 'node:net';

export class RawSession {
  readonly #socket: Socket;
  #received = '';
  #isClosed = false;
  #wake: () => void = () => undefined;

  private constructor(port: number) {
    this.#socket = connect(port, '127.0.0.1');
    this.#socket.setEncoding('latin1');
    this.#socket.on('data', (text: string) => {
      this.#received += text;
      this.#wake();
    });
    this.#socket.on('close', () => {
      this.#isClosed = true;
      this.#wake();
    });
    // A reset is a close like any other.
    this.#socket.on('error', () => undefined);
  }

  /** Connects; the greeting is not awaited. */
  static open(port: number): RawSession {
    return new RawSession(port);
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  send(text: string): void {
    this.#socket.write(text, 'latin1');
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /** The codes of all replies so far, once there are that many or the server has closed. */
  async codes(count: number): Promise<readonly number[]> {
    const read = (): number[] => [...this.#received.matchAll(/^(\d{3})(?: |\r$)/gm)].map((match) => Number(match[1]));
    while (read().length < count && !this.#isClosed) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return read();
  }

  /** All that was received, once the server has closed. */
  async closed(): Promise<string> {
    await this.codes(Infinity);
    return this.#received;
  }
}
