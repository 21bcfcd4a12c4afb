/**
 * A connection over a socket of `node:net`.
 *
 * On Node what is read goes through one buffer for the whole process (`direct-socket.ts`): a connection that our listener accepted comes that
 * way, another one is rebuilt around its handle. Elsewhere, or when the handle is not of the kind that can do it, the plain `data` events do
 * the same work.
 */

import { Socket } from 'node:net';
import type { ConnectionOptions, PeerCertificate, TLSSocket } from 'node:tls';

import { queuedBytes } from './bare-handle.js';
import type { LateSocket } from './bare-tls.js';
import { DirectSocket, openDirectSocket, readDirectly, type OctetTaker } from './direct-socket.js';
import { HelloReader } from './hello-reader.js';
import { nodeTLS } from './node-tls.js';
import { readTLSFacts, type TLSFacts } from './tls-facts.js';
import type { EndpointAddress, TLSHandshake, Transport, TransportReceiver } from './transport.js';

/**
 * Makes a transport of a connected socket that nobody has read from yet: accepted with `pauseOnConnect`, or paused before it connected. One
 * that is on TLS already is used as it is.
 *
 * @param options - `lingerMs`: how long, after `end()`, the peer may take to close its side, or to read on while octets wait for it
 */
export function openSocketTransport(socket: Socket, options: { readonly lingerMs: number }): Transport {
  return new SocketTransport(socket, options.lingerMs);
}

/**
 * The same for the socket of a connection that has gone on without one.
 *
 * @param options - `isEndTold`: whether the receiver knows already that the peer has ended its side
 */
export function openLateSocketTransport(
  socket: DirectSocket | LateSocket,
  options: { readonly lingerMs: number; readonly isEndTold: boolean },
): Transport {
  return new SocketTransport(socket, options.lingerMs, options.isEndTold);
}

class SocketTransport implements Transport, OctetTaker {
  readonly remote: EndpointAddress;
  readonly local: EndpointAddress;
  #socket: Socket;
  readonly #lingerMs: number;
  #isEndTold: boolean;
  #linger: NodeJS.Timeout | undefined;
  #isPaused = false;
  /** A handshake goes on also when nobody wants to read what comes behind it. */
  #isShakingHands = false;
  #isEnding = false;
  #isClosed = false;
  #error: Error | undefined;
  #receiver: TransportReceiver | undefined;
  /** Looks at what comes before a handshake, instead of the receiver. */
  #peek: ((bytes: Uint8Array) => void) | undefined;

  constructor(socket: Socket, lingerMs: number, isEndTold = false) {
    this.#socket = socket;
    this.#lingerMs = lingerMs;
    this.#isEndTold = isEndTold;
    this.local = endpoint(socket.localAddress, socket.localPort, socket.localFamily);
    const remote = endpoint(socket.remoteAddress, socket.remotePort, socket.remoteFamily);
    // A client that has reset the connection already has no address any more; it did not come by a Unix socket.
    this.remote = remote.family === 'unix' ? { ...remote, family: this.local.family } : remote;
  }

  get socket(): Socket {
    return this.#socket;
  }

  get hasLetGo(): boolean {
    const socket = this.#socket;
    // Of what was written through a stream, as under TLS, somebody else may still have need.
    return socket instanceof DirectSocket && !socket.destroyed && socket.writableLength === 0;
  }

  get unsentBytes(): number {
    return this.#socket.writableLength;
  }

  start(receiver: TransportReceiver): void {
    this.#receiver = receiver;
    const socket = this.#socket;
    const isSecure = isOnTLS(socket);
    if (isSecure) {
      // One that was made late hands over what it reads without its stream.
      if ('taker' in socket) socket.taker = this;
      destroyWhenBroken(socket);
    }
    const direct = isSecure ? undefined : directSocketOf(socket);
    if (direct === undefined) {
      this.#readEvents(socket);
    } else {
      this.#socket = direct;
      direct.taker = this;
      if (!this.#isPaused) direct.read(0);
    }
    this.#attach(this.#socket);
  }

  async startTLS(handshake: TLSHandshake, received: Uint8Array = NO_OCTETS): Promise<TLSFacts> {
    const plain = await this.#readyForTLS();
    const hello = new HelloReader(handshake, received);
    if (!hello.isDone) await this.#readHello(hello);
    letGo(plain);
    if (hello.octets.length > 0) plain.unshift(hello.octets);
    const { TLSSocket } = nodeTLS();
    return this.#secure(new TLSSocket(plain, { ...handshake.optionsFor(hello.serverName), isServer: true }), 'server');
  }

  async connectTLS(options: ConnectionOptions): Promise<TLSFacts> {
    const plain = await this.#readyForTLS();
    letGo(plain);
    const secure = nodeTLS().connect({ ...options, socket: plain });
    let certificate: PeerCertificate | undefined;
    // A socket that says that a certificate is not valid has forgotten which.
    secure.prependOnceListener('secure', () => {
      certificate = secure.getPeerCertificate();
    });
    try {
      return await this.#secure(secure, 'client');
    } catch (error) {
      if (error instanceof Error) sayValidity(error, certificate);
      throw error;
    }
  }

  /** The socket in clear when a handshake can begin: what was written before has left, and the other side is there. */
  async #readyForTLS(): Promise<Socket> {
    const plain = this.#socket;
    // What comes from here on belongs to the handshake.
    plain.pause();
    await whenWritten(plain);
    // The end of a connection is told a moment later, and is what a handshake fails for: nobody is to hear of the handshake first. Of a
    // write that has failed the socket knows before it is destroyed.
    const isOver = plain.destroyed || plain.errored instanceof Error;
    if (isOver && !this.#isClosed) await new Promise((resolve) => plain.once('close', resolve));
    // Under TLS Node would read no further, and would not see that nothing comes.
    if (isOver || plain.readableEnded) throw closedBefore();
    return plain;
  }

  /** Goes over to the secure socket when its handshake is done. */
  async #secure(secure: TLSSocket, side: 'server' | 'client'): Promise<TLSFacts> {
    const plain = this.#socket;
    this.#socket = secure;
    // What comes before it is known that the handshake is done waits; and a socket that is not read does not see its peer go.
    let early: Uint8Array = NO_OCTETS;
    this.#peek = (bytes) => {
      early = joined(early, bytes);
    };
    this.#isShakingHands = true;
    // It flows from here on, also while the receiver is paused: nobody has told this socket.
    this.#readEvents(secure);
    readDirectly(secure, plain, this);
    // Errors come from both sockets. One that only closes says nothing; it is gone all the same.
    await new Promise<void>((resolve, reject) => {
      const gone = (): void => {
        reject(new Error('The connection was closed during the TLS handshake'));
      };
      plain.on('error', reject);
      secure.on('error', reject);
      // Only what `tls.connect` makes has looked at the certificate by itself when it says so.
      secure.once(side === 'server' ? 'secure' : 'secureConnect', () => {
        this.#isShakingHands = false;
        if (this.#isPaused) secure.pause();
        resolve();
      });
      secure.once('end', gone);
      // An end that was read before, behind octets of the handshake.
      plain.once('end', gone);
      secure.once('close', () => {
        gone();
        this.onClose();
      });
    });
    const facts = readTLSFacts(secure, side);
    destroyWhenBroken(secure);
    if (this.#receiver !== undefined) this.#attach(secure);
    if (early.length === 0) {
      this.#peek = undefined;
    } else {
      // Behind what whoever waits for the handshake does with it. What comes until then comes behind it, too.
      setImmediate(() => {
        this.#peek = undefined;
        if (this.#isPaused) secure.unshift(early);
        else this.take(early);
      });
    }
    return facts;
  }

  /** Reads ahead until it is clear which certificate is asked for. */
  #readHello(hello: HelloReader): Promise<void> {
    const plain = this.#socket;
    return new Promise((resolve, reject) => {
      const gone = (): void => {
        reject(closedBefore());
      };
      plain.once('end', gone);
      plain.once('close', gone);
      this.#peek = (bytes) => {
        hello.take(bytes);
        if (!hello.isDone) return;
        this.#peek = undefined;
        plain.off('end', gone);
        plain.off('close', gone);
        plain.pause();
        resolve();
      };
      plain.resume();
    });
  }

  /** Whether octets are taken now. */
  get isTaking(): boolean {
    return !this.#isPaused;
  }

  take(bytes: Uint8Array): boolean {
    if (this.#peek !== undefined) this.#peek(bytes);
    else if (!this.#isEnding) this.#receiver?.onBytes(bytes);
    return !this.#isPaused;
  }

  #readEvents(socket: Socket): void {
    socket.on('data', (bytes) => {
      this.take(bytes);
    });
    if (!this.#isPaused) socket.resume();
  }

  #attach(socket: Socket): void {
    (socket as CarriedSocket)[TRANSPORT] = this;
    socket.on('end', onEnd);
    socket.on('drain', onDrain);
    socket.on('error', onError);
    socket.on('close', onClose);
  }

  onEnd(): void {
    if (this.#isEndTold) return;
    this.#isEndTold = true;
    this.#receiver?.onEnd();
  }

  onDrain(): void {
    this.#receiver?.onDrain();
  }

  onError(error: Error): void {
    this.#error = error;
  }

  onClose(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearTimeout(this.#linger);
    this.#receiver?.onClose(this.#error);
  }

  write(bytes: Uint8Array): boolean {
    const socket = this.#socket;
    if (this.#isEnding || socket.destroyed) return true;
    return socket instanceof DirectSocket ? socket.writeDirectly(bytes) : socket.write(bytes);
  }

  pause(): void {
    if (this.#isPaused) return;
    this.#isPaused = true;
    if (!this.#isShakingHands) this.#socket.pause();
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    if (!this.#isShakingHands) this.#socket.resume();
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
    // The stream counts whole writes only.
    const queuedBefore = queuedBytes(handleOf(this.#socket));
    this.#linger = setTimeout(() => {
      const isReading = this.unsentBytes < unsentBefore || queuedBytes(handleOf(this.#socket)) < queuedBefore;
      if (rounds > 1 && isReading) this.#awaitClose(rounds - 1);
      else this.#socket.destroy();
    }, this.#lingerMs);
  }

  destroy(): void {
    this.#isEnding = true;
    this.#socket.destroy();
  }
}

/** A socket knows its transport, so that one listener for each event does for all of them. */
interface CarriedSocket extends Socket {
  [TRANSPORT]?: SocketTransport;
}

function onEnd(this: CarriedSocket): void {
  this[TRANSPORT]?.onEnd();
}

function onDrain(this: CarriedSocket): void {
  this[TRANSPORT]?.onDrain();
}

function onError(this: CarriedSocket, error: Error): void {
  this[TRANSPORT]?.onError(error);
  // Node leaves a socket open whose TLS was broken after the handshake; nothing can be read from it any more.
  this.destroy();
}

function onClose(this: CarriedSocket): void {
  this[TRANSPORT]?.onClose();
}

/** Of a server's side Node says that TLS was broken by this event alone, which is not in the documentation. */
function destroyWhenBroken(secure: TLSSocket): void {
  secure.on('_tlsError', (error: Error) => secure.destroy(error));
}

function joined(before: Uint8Array, bytes: Uint8Array): Uint8Array {
  const all = new Uint8Array(before.length + bytes.length);
  all.set(before);
  all.set(bytes, before.length);
  return all;
}

/** A socket under TLS tells nobody but its TLS what happens. */
function letGo(plain: Socket): void {
  for (const event of ['data', 'end', 'drain', 'close']) plain.removeAllListeners(event);
}

/** Node says that a certificate has expired, or is not yet valid, and not when. Where the one at fault is an issuer's, nor do we. */
function sayValidity(error: Error, certificate: Partial<PeerCertificate> | undefined): void {
  const { valid_from: from, valid_to: to } = certificate ?? {};
  const { code } = error as NodeJS.ErrnoException;
  const now = Date.now();
  if (code === 'CERT_HAS_EXPIRED' && to !== undefined && Date.parse(to) < now)
    error.message += `: valid until ${new Date(to).toISOString()}`;
  if (code === 'CERT_NOT_YET_VALID' && from !== undefined && Date.parse(from) > now)
    error.message += `: valid from ${new Date(from).toISOString()}`;
}

/** Why there is no handshake on a connection that is over. */
export function closedBefore(): Error {
  return new Error('The connection was closed before the TLS handshake');
}

/** Waits until the kernel has what was written: it belongs in front of the handshake, not into it. */
function whenWritten(socket: Socket): Promise<void> {
  if (socket.writableLength === 0 || socket.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    socket.write('', () => {
      resolve();
    });
  });
}

/** Whether a socket is on TLS: that of a handshake which somebody else has made, or the one that was made late. */
function isOnTLS(socket: Socket): socket is TLSSocket {
  return (socket as Partial<TLSSocket>).encrypted === true;
}

/** The same connection as a socket that reads into our buffer, or `undefined` where that cannot be done. */
function directSocketOf(socket: Socket): DirectSocket | undefined {
  if (socket instanceof DirectSocket) return socket;
  const adopted = openDirectSocket(handleOf(socket));
  if (adopted === undefined) return undefined;
  // The first socket must let go of the handle before it is thrown away.
  (socket as { _handle?: unknown })._handle = null;
  socket.destroy();
  return adopted;
}

/** What Node has under a socket. */
function handleOf(socket: Socket): unknown {
  return (socket as { readonly _handle?: unknown })._handle;
}

/** One end of a connection, as Node names it. */
export function endpoint(
  address: string | undefined,
  port: number | undefined,
  family: string | undefined,
): EndpointAddress {
  if (address === undefined) return { address: '', port: 0, family: 'unix' };
  // An IPv4 client of a dual-stack listener shows as ::ffff:192.0.2.1; it is an IPv4 client.
  if (address.startsWith(MAPPED_PREFIX) && address.includes('.')) {
    return { address: address.slice(MAPPED_PREFIX.length), port: port ?? 0, family: 'IPv4' };
  }
  return { address, port: port ?? 0, family: family === 'IPv6' ? 'IPv6' : 'IPv4' };
}

/** What is left of a connection: a socket that is over, and that still knows whose it was. */
export function closedSocket({ address, port, family }: EndpointAddress): Socket {
  const socket = new Socket();
  // Where Node keeps the name of the peer of a socket that has had one.
  if (family !== 'unix') Object.assign(socket, { _peername: { address, port, family } });
  return socket.destroy();
}

const TRANSPORT = Symbol('transport');
/** A peer that reads slowly after the end is cut after this many times `lingerMs`. */
const LINGER_ROUNDS_MAX = 30;
const NO_OCTETS = new Uint8Array(0);
const MAPPED_PREFIX = '::ffff:';
