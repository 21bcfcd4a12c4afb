/**
 * A connection over a socket of `node:net`.
 *
 * On Node the socket is rebuilt around its handle with one read buffer for the whole process (`onread`): no allocation and no
 * stream machinery for each packet. That is possible because a read is handed over before the next one begins. Elsewhere, or
 * when the handle is not of the kind that can do it, the plain `data` events do the same work.
 */

import { Socket } from 'node:net';

import type { EndpointAddress, Transport, TransportReceiver } from './transport.js';

/**
 * Makes a transport of an accepted socket that nobody has read from yet (`pauseOnConnect`).
 *
 * @param options - `lingerMs`: how long, after `end()`, the peer may take to close its side, or to read on while octets wait for it
 */
export function openSocketTransport(socket: Socket, options: { readonly lingerMs: number }): Transport {
  return new SocketTransport(socket, options.lingerMs);
}

class SocketTransport implements Transport {
  readonly remote: EndpointAddress;
  readonly local: EndpointAddress;
  #socket: Socket;
  readonly #lingerMs: number;
  #linger: NodeJS.Timeout | undefined;
  #isPaused = false;
  #isEnding = false;
  #error: Error | undefined;

  constructor(socket: Socket, lingerMs: number) {
    this.#socket = socket;
    this.#lingerMs = lingerMs;
    this.local = endpoint(socket.localAddress, socket.localPort, socket.localFamily);
    const remote = endpoint(socket.remoteAddress, socket.remotePort, socket.remoteFamily);
    // A client that has reset the connection already has no address any more; it did not come by a Unix socket.
    this.remote = remote.family === 'unix' ? { ...remote, family: this.local.family } : remote;
  }

  get socket(): Socket {
    return this.#socket;
  }

  get unsentBytes(): number {
    return this.#socket.writableLength;
  }

  start(receiver: TransportReceiver): void {
    const adopted = adoptHandle(this.#socket, (bytes) => {
      if (!this.#isEnding) receiver.onBytes(bytes);
      return !this.#isPaused;
    });
    if (adopted === undefined) {
      this.#socket.on('data', (bytes) => {
        if (!this.#isEnding) receiver.onBytes(bytes);
      });
      this.#socket.resume();
    } else {
      this.#socket = adopted;
    }
    const socket = this.#socket;
    socket.on('end', () => {
      receiver.onEnd();
    });
    socket.on('drain', () => {
      receiver.onDrain();
    });
    socket.on('error', (error) => {
      this.#error = error;
    });
    socket.on('close', () => {
      clearTimeout(this.#linger);
      receiver.onClose(this.#error);
    });
  }

  write(bytes: Uint8Array): boolean {
    if (this.#isEnding || this.#socket.destroyed) return true;
    return this.#socket.write(bytes);
  }

  pause(): void {
    if (this.#isPaused) return;
    this.#isPaused = true;
    this.#socket.pause();
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#socket.resume();
  }

  end(): void {
    if (this.#isEnding || this.#socket.destroyed) return;
    this.#isEnding = true;
    // Reading goes on (into nothing): closing with unread octets would reset the connection and could take our last reply
    // with it. A client that does not close its side is cut after a while.
    this.resume();
    this.#socket.end();
    this.#awaitClose(LINGER_ROUNDS_MAX);
  }

  /** Waits for the peer to close. One that still reads what was written gets more time, though not for ever. */
  #awaitClose(rounds: number): void {
    const unsentBefore = this.unsentBytes;
    const queuedBefore = queuedBytes(this.#socket);
    this.#linger = setTimeout(() => {
      const isReading = this.unsentBytes < unsentBefore || queuedBytes(this.#socket) < queuedBefore;
      if (rounds > 1 && isReading) this.#awaitClose(rounds - 1);
      else this.#socket.destroy();
    }, this.#lingerMs);
  }

  destroy(): void {
    this.#isEnding = true;
    this.#socket.destroy();
  }
}

/** Builds a socket with our read buffer around the handle of another one, or returns `undefined` where that cannot be done. */
function adoptHandle(socket: Socket, onBytes: (bytes: Uint8Array) => boolean): Socket | undefined {
  const handle: unknown = (socket as { readonly _handle?: unknown })._handle;
  if (!CAN_ADOPT || !isStreamHandle(handle)) return undefined;
  const adopted = new Socket({
    // `handle` is what net.Server itself passes to this constructor; it is not in the documentation.
    handle,
    allowHalfOpen: true,
    onread: {
      buffer: READ_BUFFER,
      callback: (lengthBytes: number) => onBytes(READ_BUFFER.subarray(0, lengthBytes)),
    },
  } as ConstructorParameters<typeof Socket>[0]);
  // The first socket must let go of the handle before it is thrown away.
  (socket as { _handle?: unknown })._handle = null;
  socket.destroy();
  return adopted;
}

/** What the kernel has not taken of the write under way, where the handle knows: the stream counts whole writes only. */
function queuedBytes(socket: Socket): number {
  const { _handle: handle } = socket as { readonly _handle?: { readonly writeQueueSize?: number } | null };
  return handle?.writeQueueSize ?? 0;
}

function isStreamHandle(handle: unknown): boolean {
  return (
    typeof handle === 'object' &&
    handle !== null &&
    typeof (handle as Record<string, unknown>)['useUserBuffer'] === 'function'
  );
}

function endpoint(address: string | undefined, port: number | undefined, family: string | undefined): EndpointAddress {
  if (address === undefined) return { address: '', port: 0, family: 'unix' };
  // An IPv4 client of a dual-stack listener shows as ::ffff:192.0.2.1; it is an IPv4 client.
  if (address.startsWith(MAPPED_PREFIX) && address.includes('.')) {
    return { address: address.slice(MAPPED_PREFIX.length), port: port ?? 0, family: 'IPv4' };
  }
  return { address, port: port ?? 0, family: family === 'IPv6' ? 'IPv6' : 'IPv4' };
}

/** A peer that reads slowly after the end is cut after this many times `lingerMs`. */
const LINGER_ROUNDS_MAX = 30;
const MAPPED_PREFIX = '::ffff:';
const READ_BUFFER = Buffer.allocUnsafeSlow(65_536);
const CAN_ADOPT = process.versions['bun'] === undefined && process.versions['deno'] === undefined;
