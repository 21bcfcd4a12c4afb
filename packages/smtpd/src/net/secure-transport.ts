/**
 * A connection on TLS, over its handle alone. A server's session has no more need of a socket there than in clear: what one costs, and a
 * second one under it, is a fifth of a handshake. Who asks for the socket gets one that is made then; from there on the connection is
 * `socket-transport.ts`'s.
 *
 * It differs from `handle-transport.ts` in three things. The handle takes one write at a time, so that others wait here. A read may bring more
 * than one record, so that what was decrypted waits here, too, while nobody reads. And our side ends when all has been written.
 */

import type { Socket } from 'node:net';

import { queuedBytes, systemError, type BareHandle, type HandleWays, type WriteRequest } from './bare-handle.js';
import type { LateSocket, SecureConnection, SecureHandle, TLSListener } from './bare-tls.js';
import { closedSocket, openLateSocketTransport, openSocketTransport } from './socket-transport.js';
import { readTLSFacts, type TLSFacts } from './tls-facts.js';
import type { EndpointAddress, Transport, TransportReceiver } from './transport.js';

/** What a transport on TLS is made with. */
export interface SecureTransportInit {
  readonly ways: HandleWays;
  /** Puts the connection on TLS. */
  readonly secure: (listener: TLSListener) => SecureConnection;
  readonly remote: EndpointAddress;
  readonly local: EndpointAddress;
  readonly receiver: TransportReceiver;
  readonly readBuffer: Uint8Array;
  readonly lingerMs: number;
  /** Whether the receiver wants to wait with what comes behind the handshake. */
  readonly isPaused: boolean;
}

/** The transport. It has been started: a handshake comes first. */
export class SecureTransport implements Transport, TLSListener {
  readonly remote: EndpointAddress;
  readonly local: EndpointAddress;
  readonly #init: SecureTransportInit;
  readonly #receiver: TransportReceiver;
  readonly #connection: SecureConnection;
  /** `undefined` when it was closed, or when a socket has it. */
  #handle: SecureHandle | undefined;
  /** The connection since somebody asked for its socket. */
  #onSocket: Transport | undefined;
  #lateSocket: LateSocket | undefined;
  /** Who waits for the end of the handshake. */
  #handshake: HandshakeWaiter | undefined;
  /** Whether whoever waited knows of it. */
  #isSecured = false;
  #isReading = false;
  #bytesRead = 0;
  /** What was deciphered while nobody took it, oldest first. */
  readonly #held: Uint8Array[] = [];
  /** Whether the peer has ended its side behind that. */
  #isEndHeld = false;
  /** Octets of the write under way. */
  #writingBytes = 0;
  /** What waits for that, oldest first. */
  #queue: Uint8Array[] = [];
  #queuedBytes = 0;
  /** Whether somebody was told to wait for those. */
  #owesDrain = false;
  #isPaused: boolean;
  #hasPeerEnded = false;
  #isEnding = false;
  #isClosed = false;
  #error: Error | undefined;
  #linger: NodeJS.Timeout | undefined;

  constructor(init: SecureTransportInit) {
    this.#init = init;
    this.remote = init.remote;
    this.local = init.local;
    this.#receiver = init.receiver;
    this.#isPaused = init.isPaused;
    this.#connection = init.secure(this);
    const { handle } = this.#connection;
    (handle as CarriedHandle)[TRANSPORT] = this;
    handle.onread = onRead;
    handle.useUserBuffer(init.readBuffer);
    this.#handle = handle;
  }

  get socket(): Socket {
    const { socket } = this.#goOverToSocket();
    return socket as Socket;
  }

  get hasLetGo(): boolean {
    // What the handle was given it has enciphered, into memory of its own.
    return this.#handle !== undefined && this.#queuedBytes === 0;
  }

  get unsentBytes(): number {
    return this.#writingBytes + (this.#onSocket?.unsentBytes ?? this.#queuedBytes);
  }

  start(): void {
    // It has been started.
  }

  // ---- The handshake -------------------------------------------------------------------------------------------------

  /** Makes it. @param received - octets of it that were read already */
  async shakeHands(received: Uint8Array): Promise<TLSFacts> {
    const done = new Promise<void>((resolve, reject) => {
      this.#handshake = { resolve, reject };
    });
    if (received.length > 0) this.#handle?.receive(received);
    this.#read();
    await done;
    const facts = readTLSFacts(this.#lateSocket ?? this.#connection.face, 'server');
    if (this.#held.length === 0 && !this.#isEndHeld) {
      this.#isSecured = true;
    } else {
      // Behind what whoever waits for the handshake does with it. What comes until then comes behind it, too.
      setImmediate(() => {
        this.#isSecured = true;
        this.giveHeld();
      });
    }
    return facts;
  }

  onHandshakeDone(): void {
    this.#handshake?.resolve();
    this.#handshake = undefined;
    if (this.#isPaused) this.#stopReading();
  }

  onTLSError(error: Error | undefined): void {
    if (this.#handshake === undefined) this.#fail(error);
    else this.#giveUpHandshake(error);
  }

  /** Whoever waits for the handshake hears why there is none, and the receiver that the connection is gone. */
  #giveUpHandshake(error = new Error('The connection was closed during the TLS handshake')): void {
    this.#handshake?.reject(error);
    this.#handshake = undefined;
    this.destroy();
  }

  // ---- What comes ----------------------------------------------------------------------------------------------------

  onRead(): void {
    const handle = this.#handle;
    if (handle === undefined) return;
    const { bytesRead } = handle;
    const lengthBytes = bytesRead - this.#bytesRead;
    if (lengthBytes > 0) {
      this.#bytesRead = bytesRead;
      this.#take(this.#init.readBuffer.subarray(0, lengthBytes));
      return;
    }
    const outcome = this.#init.ways.readOutcome();
    if (outcome === 'nothing') return;
    if (this.#handshake !== undefined) this.#giveUpHandshake(outcome === 'end' ? undefined : outcome);
    else if (outcome !== 'end') this.#fail(outcome);
    else if (this.#isTaking()) this.#onPeerEnded(handle);
    else this.#isEndHeld = true;
  }

  #isTaking(): boolean {
    return this.#isSecured && !this.#isPaused && this.#held.length === 0;
  }

  #take(bytes: Uint8Array): void {
    if (this.#isEnding) return;
    if (this.#isTaking()) this.#receiver.onBytes(bytes);
    else this.#held.push(new Uint8Array(bytes));
  }

  #onPeerEnded(handle: SecureHandle): void {
    this.#hasPeerEnded = true;
    this.#receiver.onEnd();
    // Whoever was told may have ended our side, or cut the connection.
    if (!this.#isEnding || this.unsentBytes > 0 || this.#handle === undefined) return;
    this.#close(handle);
    this.#tellClosed();
  }

  /** Hands over what waits, as far as it is taken, and reads on. */
  giveHeld(): void {
    while (!this.#isPaused) {
      const bytes = this.#held.shift();
      if (bytes === undefined) break;
      if (!this.#isEnding) this.#receiver.onBytes(bytes);
    }
    if (this.#isPaused || this.#handle === undefined) return;
    if (this.#isEndHeld) {
      this.#isEndHeld = false;
      this.#onPeerEnded(this.#handle);
    } else {
      this.#read();
    }
  }

  pause(): void {
    if (this.#isPaused) return;
    this.#isPaused = true;
    if (this.#onSocket !== undefined) this.#onSocket.pause();
    // A handshake goes on.
    else if (this.#handshake === undefined) this.#stopReading();
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    if (this.#onSocket !== undefined) this.#onSocket.resume();
    // Whoever wants more is not given it before this returns.
    else if (this.#held.length > 0 || this.#isEndHeld) process.nextTick(giveHeld, this);
    else this.#read();
  }

  #read(): void {
    if (this.#isReading || this.#handle === undefined) return;
    this.#isReading = true;
    const failure = this.#handle.readStart();
    if (failure !== 0) this.#fail(systemError(failure, 'read'));
  }

  #stopReading(): void {
    this.#isReading = false;
    this.#handle?.readStop();
  }

  // ---- What goes -----------------------------------------------------------------------------------------------------

  write(bytes: Uint8Array): boolean {
    const handle = this.#handle;
    if (handle === undefined) return this.#onSocket?.write(bytes) ?? true;
    if (this.#isEnding || bytes.length === 0) return true;
    if (this.#writingBytes === 0) {
      this.#writeBy(handle, bytes);
    } else {
      this.#queue.push(bytes);
      this.#queuedBytes += bytes.length;
    }
    if (this.#writingBytes + this.#queuedBytes < HIGH_WATER_BYTES) return true;
    this.#owesDrain = true;
    return false;
  }

  #writeBy(handle: SecureHandle, bytes: Uint8Array): void {
    const made = this.#init.ways.newWriteRequest();
    const result = handle.writeBuffer(made, bytes);
    const request = typeof result === 'number' ? made : result;
    if (typeof result === 'number' && result !== 0) {
      this.#fail(systemError(result, 'write'));
    } else if (request !== null) {
      // A handle on TLS tells of each write later, also where the kernel has taken it.
      this.#writingBytes = bytes.length;
      (request as WriteInFlight).transport = this;
      request.oncomplete = onWritten;
    }
  }

  onWritten(status: number): void {
    this.#writingBytes = 0;
    const handle = this.#handle;
    if (handle === undefined) this.#lateSocket?.open();
    else if (status < 0) this.#fail(systemError(status, 'write'));
    else if (this.#queue.length > 0) this.#writeQueue(handle);
    else if (this.#isEnding) this.#shutDown(handle);
    else if (this.#owesDrain) {
      this.#owesDrain = false;
      this.#receiver.onDrain();
    }
  }

  #writeQueue(handle: SecureHandle): void {
    const [first = NO_OCTETS] = this.#queue;
    const bytes = this.#queue.length === 1 ? first : Buffer.concat(this.#queue);
    this.#queue = [];
    this.#queuedBytes = 0;
    this.#writeBy(handle, bytes);
  }

  // ---- The end -------------------------------------------------------------------------------------------------------

  end(): void {
    const handle = this.#handle;
    if (handle === undefined) {
      this.#onSocket?.end();
      return;
    }
    if (this.#isEnding) return;
    this.#isEnding = true;
    // Reading goes on (into nothing): closing with unread octets would reset the connection and could take our last reply
    // with it. A client that does not close its side is cut after a while.
    this.#held.length = 0;
    this.resume();
    if (this.#handle === undefined) return;
    this.#awaitClose(handle, LINGER_ROUNDS_MAX);
    if (this.#writingBytes === 0) this.#shutDown(handle);
  }

  /** Says that nothing follows, in TLS and below it: all has been written. */
  #shutDown(handle: SecureHandle): void {
    const failure = handle.shutdown(this.#init.ways.newShutdownRequest());
    if (failure < 0) this.#fail(systemError(failure, 'shutdown'));
    else if (this.#hasPeerEnded) this.#closeSoon(handle);
  }

  /** Waits for the peer to close. One that still reads what was written gets more time, though not for ever. */
  #awaitClose(handle: SecureHandle, rounds: number): void {
    const unsentBefore = this.unsentBytes;
    const queuedBefore = queuedBytes(handle);
    this.#linger = setTimeout(() => {
      if (this.#handle === undefined) return;
      const isReading = this.unsentBytes < unsentBefore || queuedBytes(handle) < queuedBefore;
      if (rounds > 1 && isReading) this.#awaitClose(handle, rounds - 1);
      else this.#closeSoon(handle);
    }, this.#init.lingerMs);
  }

  destroy(): void {
    this.#isEnding = true;
    if (this.#handle === undefined) this.#onSocket?.destroy();
    else this.#closeSoon(this.#handle);
  }

  /** The connection is broken. */
  #fail(error: Error | undefined): void {
    this.#error ??= error;
    this.destroy();
  }

  /** Closes, and tells of it when what runs now has returned. */
  #closeSoon(handle: SecureHandle): void {
    this.#close(handle, () => {
      this.#tellClosed();
    });
  }

  #close(handle: SecureHandle, onClosed?: () => void): void {
    this.#handle = undefined;
    clearTimeout(this.#linger);
    handle.close(onClosed);
  }

  #tellClosed(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.#handshake !== undefined) this.#giveUpHandshake();
    this.#receiver.onClose(this.#error);
  }

  // ---- The socket ----------------------------------------------------------------------------------------------------

  /** The same connection with a socket. */
  #goOverToSocket(): Transport {
    return (this.#onSocket ??= this.#openSocket());
  }

  #openSocket(): Transport {
    const { readBuffer, lingerMs } = this.#init;
    if (this.#handle === undefined) {
      return openSocketTransport(this.#connection.closedSocket(closedSocket(this.remote)), { lingerMs });
    }
    const socket = this.#connection.openSocket(readBuffer);
    this.#lateSocket = socket;
    this.#handle = undefined;
    clearTimeout(this.#linger);
    if (this.#handshake !== undefined) this.#awaitHandshakeOf(socket);
    for (const bytes of this.#held.splice(0)) socket.push(bytes);
    if (this.#isEndHeld || this.#hasPeerEnded) socket.push(null);
    const transport = openLateSocketTransport(socket, { lingerMs, isEndTold: this.#hasPeerEnded });
    if (this.#isPaused) transport.pause();
    transport.start(this.#receiver);
    for (const bytes of this.#queue) transport.write(bytes);
    // One write at a time: the socket's come behind ours.
    if (this.#writingBytes === 0) socket.open();
    if (this.#isEnding) transport.end();
    return transport;
  }

  #awaitHandshakeOf(socket: LateSocket): void {
    const giveUp = (error?: Error): void => {
      this.#giveUpHandshake(error);
    };
    socket.once('secure', () => {
      this.onHandshakeDone();
    });
    socket.once('end', giveUp);
    socket.once('error', giveUp);
    socket.once('close', () => {
      giveUp();
    });
  }
}

/** Who waits for the end of a handshake. */
interface HandshakeWaiter {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** A handle knows its transport, so that functions for all of them do. */
interface CarriedHandle extends BareHandle {
  [TRANSPORT]?: SecureTransport;
}

interface WriteInFlight extends WriteRequest {
  transport: SecureTransport;
}

function onRead(this: CarriedHandle): void {
  this[TRANSPORT]?.onRead();
}

function onWritten(this: WriteRequest, status: number): void {
  (this as WriteInFlight).transport.onWritten(status);
}

function giveHeld(transport: SecureTransport): void {
  transport.giveHeld();
}

const TRANSPORT = Symbol('transport');
const NO_OCTETS = new Uint8Array(0);
/** What a socket calls enough. */
const HIGH_WATER_BYTES = 16_384;
/** A peer that reads slowly after the end is cut after this many times `lingerMs`. */
const LINGER_ROUNDS_MAX = 30;
