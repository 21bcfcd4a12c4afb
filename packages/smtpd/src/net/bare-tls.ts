/**
 * What Node has under its TLS sockets, used without them: a handle that lies on the handle of a connection, and reads and writes what is
 * clear. How it is set up, and what it tells of a handshake, Node's own sockets know. So an object stands in for such a socket, with the
 * methods of one, and Node's functions work on that. As in `bare-handle.ts` nothing is assumed: they are tried on a handle that is connected
 * to nobody, and where anything is not as expected, connections have sockets for TLS.
 */

import type { Socket } from 'node:net';
import type { SecureContext, TLSSocket, TLSSocketOptions } from 'node:tls';

import { isBareHandle, type BareHandle, type HandleWays } from './bare-handle.js';
import type { OctetTaker } from './direct-socket.js';
import { nodeTLS } from './node-tls.js';

/** A handle on TLS. It takes one write at a time: the next one may come when the last has been told of. */
export interface SecureHandle extends BareHandle {
  /** Takes octets of the client's as if they had been read. */
  receive(bytes: Uint8Array): void;
}

/** A connection on TLS, without a socket. */
export interface SecureConnection {
  readonly handle: SecureHandle;
  /** Answers what is asked about TLS, as the socket would that it stands in for. */
  readonly face: TLSSocket;
  /** Makes that socket: it is paused, and has the handle from now on. */
  openSocket(readBuffer: Uint8Array): LateSocket;
  /** Makes it of a connection that is over. @param plain - the socket of that in clear */
  closedSocket(plain: Socket): TLSSocket;
}

/** A socket that was made of a connection which had gone on without one. */
export interface LateSocket extends TLSSocket {
  /** Takes what is read, while it takes. What comes in between, and without anybody, waits in the stream. */
  taker: PausableTaker | undefined;
  /** Writes what was written before, and reads: what the handle was given before has left. */
  open(): void;
}

/** Who takes what is read, but not always. */
export interface PausableTaker extends OctetTaker {
  readonly isTaking: boolean;
}

/** Who is told what becomes of TLS. */
export interface TLSListener {
  /** The handshake is done, though OpenSSL has not returned yet. */
  onHandshakeDone(): void;
  /** The handshake has failed; or what came later is no TLS. */
  onTLSError(error: Error | undefined): void;
}

/** What our side of a handshake is made with. */
export interface BareTLSOptions {
  readonly isServer: true;
  readonly secureContext: SecureContext;
  readonly requestCert: boolean;
  readonly rejectUnauthorized: boolean;
}

/** Puts a handle on TLS, as the server. It is not read until somebody starts that. */
export type SecureWay = (handle: BareHandle, options: BareTLSOptions, listener: TLSListener) => SecureConnection;

/** The same options for a handle; `undefined` where they ask for something that only a socket does. */
export function bareTLSOptions(options: TLSSocketOptions): BareTLSOptions | undefined {
  const { secureContext, requestCert = false, rejectUnauthorized = false } = options;
  if (secureContext === undefined || Object.keys(options).some((name) => !BARE_OPTIONS.has(name))) return undefined;
  return { isServer: true, secureContext, requestCert, rejectUnauthorized };
}

/**
 * How handles are put on TLS in this process; `undefined` where they are not as expected.
 *
 * @param options - what it is tried with, by whoever comes first
 */
export function secureWay(ways: HandleWays, options: BareTLSOptions): SecureWay | undefined {
  // `null`: not looked for yet.
  if (way === null) way = findWay(ways, options);
  return way;
}

function findWay({ owner }: HandleWays, options: BareTLSOptions): SecureWay | undefined {
  // Who traces TLS wants what sockets say of it.
  if (TRACE_FLAGS.test([...process.execArgv, process.env['NODE_OPTIONS'] ?? ''].join(' '))) return undefined;
  try {
    Object.setPrototypeOf(StandIn.prototype, nodeTLS().TLSSocket.prototype);
    const tried = new StandIn(owner, options, NOBODY);
    tried.wrap();
    const { handle } = tried;
    const isKnown = isSecureHandle(handle);
    handle.close();
    if (!isKnown) return undefined;
  } catch {
    // A Node that has other TLS sockets than we know.
    return undefined;
  }
  return (handle, bareOptions, listener) => {
    const standIn = new StandIn(owner, bareOptions, listener);
    standIn.wrap(handle);
    return standIn;
  };
}

function isSecureHandle(handle: unknown): boolean {
  if (!isBareHandle(handle)) return false;
  const known = handle as unknown as Record<string, unknown>;
  return METHODS.every((name) => typeof known[name] === 'function');
}

/**
 * Has the methods of a `TLSSocket` behind its own, and what Node's functions ask of one; it was never made one. What such a socket would emit
 * and do when TLS fails, it tells its listener.
 */
class StandIn implements SecureConnection {
  declare _wrapHandle: (socket: null, handle: BareHandle | undefined, isWriting: boolean) => SecureHandle;
  declare _init: () => void;
  _handle: SecureHandle | undefined;
  ssl: SecureHandle | null = null;
  servername: string | null = null;
  alpnProtocol: string | false | null = null;
  connecting = false;
  readonly _tlsOptions: BareTLSOptions;
  /** Node sets it when the handshake is done. */
  readonly _secureEstablished: boolean = false;
  readonly _newSessionPending = false;
  readonly _controlReleased = false;
  readonly #owner: symbol;
  readonly #listener: TLSListener;

  constructor(owner: symbol, options: BareTLSOptions, listener: TLSListener) {
    this._tlsOptions = options;
    this.#owner = owner;
    this.#listener = listener;
  }

  /** Puts a handle on TLS; one that is connected to nobody, without it. */
  wrap(handle?: BareHandle): void {
    const secured = this._wrapHandle(null, handle, false);
    this._handle = secured;
    this.ssl = secured;
    (secured as OwnedHandle)[this.#owner] = this;
    this._init();
  }

  get handle(): SecureHandle {
    return this._handle as SecureHandle;
  }

  get face(): TLSSocket {
    return this as unknown as TLSSocket;
  }

  openSocket(readBuffer: Uint8Array): LateSocket {
    const { handle, _tlsOptions: options, _secureEstablished: isDone } = this;
    const { handshakes, lastHandshakeTime } = handle as SecureHandle & CountingHandle;
    const socket = new (lateSocketClass())(handle, options, readBuffer);
    // How often a client has begun a handshake anew counts on.
    Object.assign(handle, { handshakes, lastHandshakeTime });
    if (isDone) socket.noteHandshakeDone();
    return socket;
  }

  closedSocket(plain: Socket): TLSSocket {
    const secure = new (nodeTLS().TLSSocket)(plain, this._tlsOptions);
    // Where Node keeps the name of the peer of a socket that has had one.
    const { _peername: peer } = plain as { readonly _peername?: unknown };
    return Object.assign(secure, { _peername: peer }).destroy();
  }

  // ---- What Node's functions do to a socket --------------------------------------------------------------------------

  on(): this {
    return this;
  }

  /** Everything that Node would listen to has a listener already. */
  listenerCount(): number {
    return 1;
  }

  emit(event: string, error?: Error): boolean {
    if (event === 'secure') this.#listener.onHandshakeDone();
    else if (event === '_tlsError') this.#listener.onTLSError(error);
    return true;
  }

  destroy(error?: Error): this {
    this.#listener.onTLSError(error);
    return this;
  }
}

/** The class of sockets that are made late. It is made with the first of them: `node:tls` is not loaded before it is needed. */
function lateSocketClass(): LateSocketClass {
  if (madeClass !== undefined) return madeClass;
  const { TLSSocket } = nodeTLS();
  madeClass = class extends TLSSocket {
    declare _finishInit: () => void;
    taker: PausableTaker | undefined;

    constructor(adopted: SecureHandle, options: BareTLSOptions, readBuffer: Uint8Array) {
      const onread = { buffer: readBuffer, callback: onRead };
      // Without a socket underneath it is one that connects, and waits with everything until it has.
      const socketOptions = { ...options, adopted, allowHalfOpen: true, pauseOnConnect: true, onread };
      super(undefined as unknown as Socket, socketOptions);
    }

    noteHandshakeDone(): void {
      this._finishInit();
    }

    open(): void {
      (this as { connecting: boolean }).connecting = false;
      this.emit('connect');
    }
  };
  // Instead of putting a handle on TLS it has one that is.
  Object.defineProperty(madeClass.prototype, '_wrapHandle', { value: adoptedHandle });
  return madeClass;
}

function adoptedHandle(this: { readonly _tlsOptions: { readonly adopted: SecureHandle } }): SecureHandle {
  return this._tlsOptions.adopted;
}

/** One for all: Node calls it on the socket that has read. */
function onRead(this: LateSocket, lengthBytes: number, readBuffer: Uint8Array): boolean {
  const bytes = readBuffer.subarray(0, lengthBytes);
  // Nothing overtakes what waits.
  const taker = this.readableLength === 0 ? this.taker : undefined;
  return taker?.isTaking === true ? taker.take(bytes) : this.push(Buffer.from(bytes));
}

type LateSocketClass = new (
  adopted: SecureHandle,
  options: BareTLSOptions,
  readBuffer: Uint8Array,
) => LateSocket & { noteHandshakeDone(): void };

/** A handle knows its socket, or what stands in for it. */
type OwnedHandle = SecureHandle & Record<symbol, unknown>;

/** What Node keeps at a handle against clients that begin handshakes without end. */
interface CountingHandle {
  handshakes: number;
  lastHandshakeTime: number;
}

const BARE_OPTIONS: ReadonlySet<string> = new Set(['secureContext', 'requestCert', 'rejectUnauthorized']);
/** Besides what every handle has: how a handshake is followed, and what is asked when it is done. */
const METHODS = [
  'onhandshakestart',
  'onhandshakedone',
  'onerror',
  'receive',
  'getProtocol',
  'getCipher',
  'getPeerCertificate',
  'verifyError',
  'exportKeyingMaterial',
];
const TRACE_FLAGS = /--(trace-tls|tls-keylog)\b/;
const NOBODY: TLSListener = { onHandshakeDone: ignore, onTLSError: ignore };
let way: SecureWay | undefined | null = null;
let madeClass: LateSocketClass | undefined;

function ignore(): void {
  // There is no connection yet.
}
