/**
 * A connection within the process: what one end writes, the other reads, in a later microtask. For tests and embedding.
 *
 * It behaves as a socket does where that matters: octets are lent, a paused end makes the other one wait, an end can be
 * closed by half.
 */

import type { EndpointAddress, Transport, TransportReceiver } from './transport.js';

/** Two ends of one connection. */
export interface MemoryConnection {
  readonly client: Transport;
  readonly server: Transport;
}

/** Makes a connection. */
export function connectInMemory(): MemoryConnection {
  const client = new MemoryTransport();
  const server = new MemoryTransport();
  client.join(server);
  server.join(client);
  return { client, server };
}

class MemoryTransport implements Transport {
  readonly remote: EndpointAddress = MEMORY_ADDRESS;
  readonly local: EndpointAddress = MEMORY_ADDRESS;
  readonly socket = undefined;
  #peer: MemoryTransport | undefined;
  #receiver: TransportReceiver | undefined;
  #incoming: Uint8Array[] = [];
  /** Octets of `#incoming`, counted along: adding them up for each write would make many short ones cost their square. */
  #waitingBytes = 0;
  #hasPeerEnded = false;
  #hasEnded = false;
  #isEndTold = false;
  #isClosed = false;
  #isPaused = false;
  #isScheduled = false;
  #owesDrain = false;

  join(peer: MemoryTransport): void {
    this.#peer = peer;
  }

  get unsentBytes(): number {
    return this.#peer?.waitingBytes ?? 0;
  }

  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  start(receiver: TransportReceiver): void {
    this.#receiver = receiver;
    this.#schedule();
  }

  write(bytes: Uint8Array): boolean {
    if (this.#isClosed || this.#hasEnded) return true;
    this.#peer?.take(bytes);
    const isFull = this.unsentBytes > HIGH_WATER_BYTES;
    this.#owesDrain ||= isFull;
    return !isFull;
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#schedule();
  }

  end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#peer?.takeEnd();
    this.#schedule();
  }

  destroy(): void {
    if (this.#isClosed) return;
    this.#incoming = [];
    this.#waitingBytes = 0;
    this.#close();
    this.#peer?.destroy();
  }

  /** The other end wrote. */
  take(bytes: Uint8Array): void {
    // Not `slice`: that of a Buffer shares its octets, and the copy is overwritten once it was delivered.
    this.#incoming.push(new Uint8Array(bytes));
    this.#waitingBytes += bytes.length;
    this.#schedule();
  }

  /** The other end will write nothing more. */
  takeEnd(): void {
    this.#hasPeerEnded = true;
    this.#schedule();
  }

  /** The other end has read. */
  tellDrain(): void {
    if (!this.#owesDrain || this.unsentBytes > HIGH_WATER_BYTES) return;
    this.#owesDrain = false;
    this.#receiver?.onDrain();
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    queueMicrotask(() => {
      this.#isScheduled = false;
      this.#deliver();
    });
  }

  #deliver(): void {
    const receiver = this.#receiver;
    if (receiver === undefined || this.#isClosed) return;
    while (!this.#isPaused) {
      const bytes = this.#incoming.shift();
      if (bytes === undefined) break;
      this.#waitingBytes -= bytes.length;
      receiver.onBytes(bytes);
      // The octets were lent: whoever kept them without copying shall notice.
      bytes.fill(0xff);
      this.#peer?.tellDrain();
      if (this.#hasBeenClosed()) return;
    }
    // A paused end does not look, so it does not see that the other one has ended.
    if (this.#isPaused) return;
    if (this.#hasPeerEnded && !this.#isEndTold) {
      this.#isEndTold = true;
      receiver.onEnd();
    }
    // Both sides have ended. The other end closes for itself when it has read what was written.
    if (this.#isEndTold && this.#hasEnded) this.#close();
  }

  #close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#hasEnded = true;
    queueMicrotask(() => this.#receiver?.onClose(undefined));
  }

  /** As a call, because `onBytes` may have closed what was open a line above. */
  #hasBeenClosed(): boolean {
    return this.#isClosed;
  }
}

const MEMORY_ADDRESS: EndpointAddress = Object.freeze({ address: '127.0.0.1', port: 0, family: 'memory' });
const HIGH_WATER_BYTES = 65_536;
