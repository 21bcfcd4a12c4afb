import type { TransportReceiver } from '../../src/net/transport.js';

/** Who is at the end of a transport in tests: it remembers what it was told. */
export class Recorder implements TransportReceiver {
  /** `end`, `drain` and `close`, as they came. */
  readonly told: string[] = [];
  /** Copies of what was read. */
  readonly pieces: Buffer[] = [];
  bytesCount = 0;
  /** What the transport was closed with. */
  error: Error | undefined;
  readonly #isKeeping: boolean;

  /** @param isKeeping whether what was read is kept; otherwise it is only counted */
  constructor(isKeeping = true) {
    this.#isKeeping = isKeeping;
  }

  /** All that was read. */
  get bytes(): Buffer {
    return Buffer.concat(this.pieces);
  }

  get text(): string {
    return this.bytes.toString('latin1');
  }

  onBytes(bytes: Uint8Array): void {
    this.bytesCount += bytes.length;
    if (this.#isKeeping) this.pieces.push(Buffer.from(bytes));
  }

  onEnd(): void {
    this.told.push('end');
  }

  onDrain(): void {
    this.told.push('drain');
  }

  onClose(error: Error | undefined): void {
    this.error = error;
    this.told.push('close');
  }
}
