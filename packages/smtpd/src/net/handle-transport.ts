/**
 * A connection that stands, over its handle alone. A session has no need of a socket: of its two dozen parts (queues, states, events) that
 * each connection would bring, and whose making and ending cost as much as a server's session. Who asks for the socket gets one that is
 * made then; a client's TLS does. From there on the connection is `socket-transport.ts`'s. A server's TLS goes on without one, in
 * `secure-transport.ts`.
 */

import type { Socket } from 'node:net';
import type { ConnectionOptions, TLSSocketOptions } from 'node:tls';

import { systemError, type BareHandle, type HandleWays, type SocketName, type WriteRequest } from './bare-handle.js';
import { bareTLSOptions, secureWay } from './bare-tls.js';
import { DirectSocket, openDirectSocket } from './direct-socket.js';
import { HelloReader } from './hello-reader.js';
import { SecureTransport } from './secure-transport.js';
import {
  closedBefore,
  closedSocket,
  endpoint,
  openLateSocketTransport,
  openSocketTransport,
} from './socket-transport.js';
import type { TLSFacts } from './tls-facts.js';
import type { EndpointAddress, TLSHandshake, Transport, TransportReceiver } from './transport.js';

/** What a transport over a handle is made with. */
export interface HandleTransportInit {
  readonly ways: HandleWays;
  /** What is read into, by this connection and others; its receiver may change what it was lent. */
  readonly readBuffer: Uint8Array;
  /** Our end, where whoever listens knows it; otherwise it is asked for. */
  readonly local: EndpointAddress | undefined;
  /** How long, after `end()`, the peer may take to close its side, or to read on while octets wait for it. */
  readonly lingerMs: number;
}

/** The transport. Nothing is read before it is started. */
export class HandleTransport implements Transport {
  readonly remote: EndpointAddress;
  readonly local: EndpointAddress;
  readonly #init: HandleTransportInit;
  /** `undefined` when it was closed, or when somebody else has it. */
  #handle: BareHandle | undefined;
  /** The connection since it is on TLS, or since somebody asked for its socket. */
  #next: Transport | undefined;
  #receiver: TransportReceiver | undefined;
  /** Takes what comes before a handshake, instead of the receiver. */
  #hello: HelloWaiter | undefined;
  #bytesRead = 0;
  /** Octets of writes that the kernel has not taken whole. */
  #inFlightBytes = 0;
  /** Whether somebody was told to wait for those. */
  #owesDrain = false;
  #isPaused = false;
  #hasPeerEnded = false;
  #isEnding = false;
  /** The handle is closed, or about to be. */
  #isOver = false;
  /** That was told. */
  #isClosed = false;
  #error: Error | undefined;
  #linger: NodeJS.Timeout | undefined;
  /** Tells whoever asked for a handshake when the connection was closed already. */
  #failHandshake: ((error: Error) => void) | undefined;

  constructor(handle: BareHandle, init: HandleTransportInit) {
    this.#handle = handle;
    this.#init = init;
    this.local = init.local ?? nameBy(handle, 'getsockname');
    const remote = nameBy(handle, 'getpeername');
    // A client that has reset the connection already has no address any more; it did not come by a Unix socket.
    this.remote = remote.family === 'unix' ? { ...remote, family: this.local.family } : remote;
  }

  get socket(): Socket {
    const { socket } = this.#goOverToSocket();
    return socket as Socket;
  }

  get hasLetGo(): boolean {
    return this.#handle === undefined ? (this.#next?.hasLetGo ?? false) : this.#inFlightBytes === 0;
  }

  get unsentBytes(): number {
    // A write is held whole until the kernel has all of it.
    return this.#handle === undefined ? (this.#next?.unsentBytes ?? 0) : this.#inFlightBytes;
  }

  start(receiver: TransportReceiver): void {
    this.#receiver = receiver;
    const handle = this.#handle;
    if (handle === undefined) {
      this.#next?.start(receiver);
      return;
    }
    (handle as CarriedHandle)[TRANSPORT] = this;
    handle.onread = onRead;
    handle.useUserBuffer(this.#init.readBuffer);
    if (!this.#isPaused) this.#read(handle);
  }

  async startTLS(handshake: TLSHandshake, received: Uint8Array = NO_OCTETS): Promise<TLSFacts> {
    const handle = this.#handle;
    if (this.#isOver) return this.#failWhenClosed();
    if (handle === undefined) return this.#startTLSOnSocket(handshake, received);
    const hello = new HelloReader(handshake, received);
    if (!hello.isDone) await this.#readHello(handle, hello);
    const { isDone, octets, serverName } = hello;
    if (!isDone || this.#handle === undefined) return this.#startTLSOnSocket(handshake, octets);
    const options = handshake.optionsFor(serverName);
    return (
      this.#startBareTLS(this.#handle, options, octets) ?? this.#startTLSOnSocket({ optionsFor: () => options }, octets)
    );
  }

  /** Reads ahead until it is clear which certificate is asked for, or somebody asks for the socket. */
  #readHello(handle: BareHandle, hello: HelloReader): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#hello = {
        take: (bytes) => {
          hello.take(bytes);
          if (!hello.isDone) return;
          handle.readStop();
          this.#hello = undefined;
          resolve();
        },
        leave: resolve,
        gone: () => {
          reject(closedBefore());
        },
      };
      if (this.#isPaused) this.#read(handle);
    });
  }

  /** Where TLS needs no socket. */
  #startBareTLS(handle: BareHandle, options: TLSSocketOptions, received: Uint8Array): Promise<TLSFacts> | undefined {
    const { ways, readBuffer, lingerMs } = this.#init;
    const receiver = this.#receiver;
    // What was written belongs in front of the handshake, and all of what is read into it.
    if (receiver === undefined || this.#inFlightBytes > 0 || this.#hasPeerEnded) return undefined;
    const bare = bareTLSOptions(options);
    const secure = bare === undefined ? undefined : secureWay(ways, bare);
    if (bare === undefined || secure === undefined) return undefined;
    handle.readStop();
    const next = new SecureTransport({
      ways,
      secure: (listener) => secure(handle, bare, listener),
      remote: this.remote,
      local: this.local,
      receiver,
      readBuffer,
      lingerMs,
      isPaused: this.#isPaused,
    });
    this.#handle = undefined;
    this.#next = next;
    return next.shakeHands(received);
  }

  #startTLSOnSocket(handshake: TLSHandshake, received: Uint8Array): Promise<TLSFacts> {
    return (
      this.#goOverToSocket().startTLS?.(handshake, received) ??
      Promise.reject(new Error('This connection cannot be put on TLS'))
    );
  }

  connectTLS(options: ConnectionOptions): Promise<TLSFacts> {
    if (this.#isOver) return this.#failWhenClosed();
    return (
      this.#goOverToSocket().connectTLS?.(options) ?? Promise.reject(new Error('This connection cannot be put on TLS'))
    );
  }

  /** The end of a connection is told a moment later, and is what a handshake fails for: nobody is to hear of the handshake first. */
  #failWhenClosed(): Promise<never> {
    return new Promise((_, reject) => {
      this.#failHandshake = reject;
      if (this.#isClosed) reject(closedBefore());
    });
  }

  write(bytes: Uint8Array): boolean {
    const handle = this.#handle;
    if (handle === undefined) return this.#next?.write(bytes) ?? true;
    if (this.#isEnding) return true;
    const request = (spareRequest ??= this.#init.ways.newWriteRequest());
    const result = handle.writeBuffer(request, bytes);
    if (typeof result !== 'number') return this.#awaitWritten(result as WriteInFlight, bytes);
    // Mostly the kernel has taken all of it, and the request may serve for the next write of whomever.
    if (request !== null && request.getAsyncId() >= 0) {
      spareRequest = undefined;
      return this.#awaitWritten(request as WriteInFlight, bytes);
    }
    if (result !== 0) {
      spareRequest = undefined;
      this.#fail(systemError(result, 'write'));
    }
    return true;
  }

  #awaitWritten(request: WriteInFlight, bytes: Uint8Array): boolean {
    this.#inFlightBytes += bytes.length;
    request.bytes = bytes;
    request.transport = this;
    request.oncomplete = onWritten;
    if (this.#inFlightBytes < HIGH_WATER_BYTES) return true;
    this.#owesDrain = true;
    return false;
  }

  onWritten(status: number, lengthBytes: number): void {
    this.#inFlightBytes -= lengthBytes;
    const handle = this.#handle;
    if (handle === undefined) {
      const socket = this.#next?.socket;
      if (socket instanceof DirectSocket)
        socket.earlierWritten(lengthBytes, status < 0 ? systemError(status, 'write') : undefined);
    } else if (status < 0) {
      this.#fail(systemError(status, 'write'));
    } else if (this.#inFlightBytes === 0) {
      this.#allWritten(handle);
    }
  }

  #allWritten(handle: BareHandle): void {
    if (this.#isEnding && this.#hasPeerEnded) {
      this.#close(handle);
      this.#tellClosed();
    } else if (this.#owesDrain) {
      this.#owesDrain = false;
      this.#receiver?.onDrain();
    }
  }

  onRead(): void {
    const handle = this.#handle;
    if (handle === undefined) return;
    const { bytesRead } = handle;
    const lengthBytes = bytesRead - this.#bytesRead;
    if (lengthBytes > 0) {
      this.#bytesRead = bytesRead;
      const bytes = this.#init.readBuffer.subarray(0, lengthBytes);
      if (this.#hello !== undefined) this.#hello.take(bytes);
      else if (!this.#isEnding) this.#receiver?.onBytes(bytes);
      return;
    }
    const outcome = this.#init.ways.readOutcome();
    if (outcome === 'nothing') return;
    this.#hasPeerEnded = true;
    this.#hello?.gone();
    if (outcome !== 'end') this.#error = outcome;
    else this.#receiver?.onEnd();
    // Whoever was told may have ended our side, or cut the connection.
    const isOver = outcome !== 'end' || (this.#isEnding && this.#inFlightBytes === 0);
    if (!isOver || this.#handle === undefined) return;
    // Nothing of ours is on the stack: whoever waits for the close hears of it now.
    this.#close(handle);
    this.#tellClosed();
  }

  pause(): void {
    if (this.#isPaused) return;
    this.#isPaused = true;
    if (this.#handle === undefined) this.#next?.pause();
    else this.#handle.readStop();
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    if (this.#handle === undefined) this.#next?.resume();
    else if (this.#receiver !== undefined) this.#read(this.#handle);
  }

  #read(handle: BareHandle): void {
    if (this.#hasPeerEnded) return;
    const failure = handle.readStart();
    if (failure !== 0) this.#fail(systemError(failure, 'read'));
  }

  end(): void {
    const handle = this.#handle;
    if (handle === undefined) {
      this.#next?.end();
      return;
    }
    if (this.#isEnding) return;
    this.#isEnding = true;
    if (this.#hasPeerEnded) {
      // Nothing will come, so nothing unread can make a reset of the end: it needs no more than that all has left.
      if (this.#inFlightBytes === 0) this.#closeSoon(handle);
      else this.#awaitClose(handle, LINGER_ROUNDS_MAX);
      return;
    }
    // Reading goes on (into nothing): closing with unread octets would reset the connection and could take our last reply
    // with it. A client that does not close its side is cut after a while.
    this.resume();
    const failure = handle.shutdown(this.#init.ways.newShutdownRequest());
    if (failure === 0) this.#awaitClose(handle, LINGER_ROUNDS_MAX);
    else this.#fail(systemError(failure, 'shutdown'));
  }

  /** Waits for the peer to close. One that still reads what was written gets more time, though not for ever. */
  #awaitClose(handle: BareHandle, rounds: number): void {
    const queuedBefore = handle.writeQueueSize;
    this.#linger = setTimeout(() => {
      if (this.#handle === undefined) return;
      if (rounds > 1 && handle.writeQueueSize < queuedBefore) this.#awaitClose(handle, rounds - 1);
      else this.#closeSoon(handle);
    }, this.#init.lingerMs);
  }

  destroy(): void {
    this.#isEnding = true;
    if (this.#handle === undefined) this.#next?.destroy();
    else this.#closeSoon(this.#handle);
  }

  /** The connection is broken. */
  #fail(error: Error): void {
    this.#error ??= error;
    this.#isEnding = true;
    if (this.#handle !== undefined) this.#closeSoon(this.#handle);
  }

  /** Closes, and tells of it when what runs now has returned. */
  #closeSoon(handle: BareHandle): void {
    (handle as CarriedHandle)[TRANSPORT] = this;
    this.#close(handle, onClosed);
  }

  #close(handle: BareHandle, onDone?: (this: CarriedHandle) => void): void {
    this.#handle = undefined;
    this.#isOver = true;
    clearTimeout(this.#linger);
    handle.close(onDone);
  }

  onClosed(): void {
    this.#tellClosed();
  }

  #tellClosed(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#hello?.gone();
    this.#receiver?.onClose(this.#error);
    this.#failHandshake?.(closedBefore());
  }

  /** The same connection with a socket. */
  #goOverToSocket(): Transport {
    return (this.#next ??= this.#openSocket());
  }

  #openSocket(): Transport {
    const { readBuffer, lingerMs } = this.#init;
    const handle = this.#handle;
    if (handle === undefined) return openSocketTransport(closedSocket(this.remote), { lingerMs });
    const socket = openDirectSocket(handle, readBuffer);
    if (socket === undefined) throw new Error('The connection has a handle that no socket can be made of');
    const transport = openLateSocketTransport(socket, { lingerMs, isEndTold: this.#hasPeerEnded });
    this.#handle = undefined;
    clearTimeout(this.#linger);
    this.#hello?.leave();
    if (this.#inFlightBytes > 0) socket.noteEarlierWrite(this.#inFlightBytes);
    if (this.#isPaused) transport.pause();
    if (this.#receiver !== undefined) transport.start(this.#receiver);
    if (this.#isEnding) transport.end();
    return transport;
  }
}

/** Who waits for the beginning of a handshake. */
interface HelloWaiter {
  take(bytes: Uint8Array): void;
  /** Somebody else reads from here on. */
  leave(): void;
  /** It will not come. */
  gone(): void;
}

/** A handle knows its transport, so that functions for all of them do. */
interface CarriedHandle extends BareHandle {
  [TRANSPORT]?: HandleTransport;
}

interface WriteInFlight extends WriteRequest {
  transport: HandleTransport;
  /** Whoever writes has to hold them. */
  bytes: Uint8Array;
}

function onRead(this: CarriedHandle): void {
  this[TRANSPORT]?.onRead();
}

function onClosed(this: CarriedHandle): void {
  this[TRANSPORT]?.onClosed();
}

function onWritten(this: WriteRequest, status: number): void {
  const { transport, bytes } = this as WriteInFlight;
  transport.onWritten(status, bytes.length);
}

/** Asks a handle for one of its ends. */
function nameBy(handle: BareHandle, method: 'getpeername' | 'getsockname'): EndpointAddress {
  NAME.address = undefined;
  // Without the method it is a Unix socket, and after a failure nobody is there.
  handle[method]?.(NAME);
  return endpoint(NAME.address, NAME.port, NAME.family);
}

/** One for all: making new objects for each would cost more than they hold. */
const NAME: SocketName = { address: undefined, port: 0, family: '' };
/** The request of the next write, whosever it is. */
let spareRequest: WriteRequest | null | undefined;
const NO_OCTETS = new Uint8Array(0);
const TRANSPORT = Symbol('transport');
/** What a socket calls enough. */
const HIGH_WATER_BYTES = 16_384;
/** A peer that reads slowly after the end is cut after this many times `lingerMs`. */
const LINGER_ROUNDS_MAX = 30;
