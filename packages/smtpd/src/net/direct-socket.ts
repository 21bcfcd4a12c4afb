/**
 * A socket of `node:net` whose octets may go to its handle past the queue of the stream, which the kernel's own makes needless: most replies
 * fit into it and have left when the write returns. What it reads goes through one buffer for the whole process (`onread`), without stream
 * machinery for each packet; that is possible because a read is handed over before the next one begins. It is a `Socket` for everything
 * else, and nothing of mail is known here.
 */

import { Socket } from 'node:net';

/**
 * The socket. TLS takes one write at a time and needs its stream's queue: what is written to a `TLSSocket` goes through that.
 *
 * @example
 * ```ts
 * if (!socket.writeDirectly(bytes)) socket.once('drain', goOn);
 * ```
 */
export class DirectSocket extends Socket {
  /** Takes what is read. Without one it is read like any other stream. */
  taker: OctetTaker | undefined;
  /** Octets that the handle was given and that the kernel has not taken yet. */
  #inFlightBytes = 0;
  /** Those of the oldest write: a handle does them in their order. */
  #oldestBytes = 0;
  /** Those of the writes behind it, oldest first. As a rule there are none. */
  readonly #behindBytes: number[] = [];
  #inFlightCount = 0;
  /** Whether somebody was told to wait for those. */
  #owesDrain = false;
  /** One for all writes: a function of its own for each would cost a tenth of what it tells. */
  readonly #onWritten = (error?: Error | null): void => {
    const lengthBytes = this.#oldestBytes;
    this.#oldestBytes = this.#behindBytes.shift() ?? 0;
    this.#inFlightCount -= 1;
    this.#written(lengthBytes, error);
  };

  // In the comment that goes along into the declarations, for whoever has those checked, too; and types of a later Node may be right.
  // eslint-disable-next-line @typescript-eslint/ban-ts-comment -- as above
  /**
   * What waits in the stream's queue and in the handle. Whoever looks at the socket sees all that has not left.
   *
   * @ts-ignore -- the types call a property what is an accessor of every stream */
  override get writableLength(): number {
    // @ts-expect-error -- as above
    return super.writableLength + this.#inFlightBytes;
  }

  #written(lengthBytes: number, error: Error | null | undefined): void {
    this.#inFlightBytes -= lengthBytes;
    if (error !== null && error !== undefined) this.destroy(error);
    if (!this.#owesDrain || this.#inFlightBytes > 0 || this.destroyed) return;
    this.#owesDrain = false;
    this.emit('drain');
  }

  /** The handle was given octets before it had a socket, and the kernel has not taken them yet. */
  noteEarlierWrite(lengthBytes: number): void {
    this.#inFlightBytes += lengthBytes;
    this.#owesDrain = true;
  }

  /** The kernel has taken so many of those, or never will. */
  earlierWritten(lengthBytes: number, error?: Error): void {
    this.#written(lengthBytes, error);
  }

  /** Writes octets, which must not be changed afterwards. @returns whether more may be written before `drain`, as `write()` says it */
  writeDirectly(bytes: Uint8Array): boolean {
    // Nothing overtakes what was written through the stream.
    if (this.writableLength > this.#inFlightBytes) return this.write(bytes);
    this.#inFlightBytes += bytes.length;
    if (this.#inFlightCount === 0) this.#oldestBytes = bytes.length;
    else this.#behindBytes.push(bytes.length);
    this.#inFlightCount += 1;
    // This is how a stream hands a write on. The end of our side, too, the handle does behind what waits. Of what the kernel has taken at
    // once it tells before it returns.
    this._write(bytes, NO_ENCODING, this.#onWritten);
    if (this.#inFlightBytes < this.writableHighWaterMark) return true;
    this.#owesDrain = true;
    return false;
  }
}

/** Who takes what a socket reads. */
export interface OctetTaker {
  /** The octets are lent for the time of the call. @returns whether to read on */
  take(bytes: Uint8Array): boolean;
}

/**
 * Makes a socket around the handle of a connection, paused: `read(0)` or `resume()` begins to read. `undefined` where that cannot be done.
 *
 * @param handle - what `net.Server` and `net.Socket` have under their sockets; it is not in the documentation
 * @param readBuffer - what is read into, by this socket and others; its taker may change what it was lent
 */
export function openDirectSocket(handle: unknown, readBuffer: Uint8Array = READ_BUFFER): DirectSocket | undefined {
  if (!IS_NODE || !isStreamHandle(handle)) return undefined;
  // `handle` and `pauseOnCreate` are what net.Server itself passes to this constructor.
  const onread = { buffer: readBuffer, callback: onRead };
  const options = { handle, allowHalfOpen: true, pauseOnCreate: true, onread };
  return new DirectSocket(options);
}

/** One for all: Node calls it on the socket that has read. */
function onRead(this: DirectSocket, lengthBytes: number, readBuffer: Uint8Array): boolean {
  const bytes = readBuffer.subarray(0, lengthBytes);
  return this.taker === undefined ? this.push(Buffer.from(bytes)) : this.taker.take(bytes);
}

/**
 * Has a socket over TLS read into the buffer of the one underneath, where that can be done: no constructor takes a buffer for it. `data`
 * events go on behind it: what is decrypted while the taker reads nothing waits in the stream, and with it the end.
 *
 * @param plain - the socket underneath; Node keeps buffer and callback of both in the same places
 */
export function readDirectly(secure: Socket, plain: Socket, taker: OctetTaker & { readonly isTaking: boolean }): void {
  const places = plain instanceof DirectSocket ? placesIn(plain) : undefined;
  const { _handle: handle } = secure as { readonly _handle?: unknown };
  if (places === undefined || !isStreamHandle(handle)) return;
  const placed = secure as unknown as Record<symbol, unknown>;
  if (placed[places.buffer] !== null || placed[places.callback] !== null) return;
  const { readBuffer } = places;
  placed[places.buffer] = readBuffer;
  placed[places.callback] = (lengthBytes: number): boolean => {
    const bytes = readBuffer.subarray(0, lengthBytes);
    // Nothing overtakes what waits.
    const isDirect = taker.isTaking && secure.readableLength === 0;
    return isDirect ? taker.take(bytes) : secure.push(Buffer.from(bytes));
  };
  handle.useUserBuffer(readBuffer);
}

/** Where Node keeps what `onread` was given: under symbols that it does not tell, and that are found by what they hold. */
function placesIn(direct: DirectSocket): Places | undefined {
  const held = direct as unknown as Record<symbol, unknown>;
  const symbols = Object.getOwnPropertySymbols(direct);
  const callback = symbols.find((symbol) => held[symbol] === onRead);
  const buffer = symbols.find((symbol) => held[symbol] instanceof Uint8Array);
  const readBuffer = buffer === undefined ? undefined : held[buffer];
  if (callback === undefined || buffer === undefined || !(readBuffer instanceof Uint8Array)) return undefined;
  return { buffer, callback, readBuffer };
}

interface Places {
  readonly buffer: symbol;
  readonly callback: symbol;
  readonly readBuffer: Uint8Array;
}

function isStreamHandle(handle: unknown): handle is StreamHandle {
  return (
    typeof handle === 'object' &&
    handle !== null &&
    typeof (handle as Record<string, unknown>)['useUserBuffer'] === 'function'
  );
}

/** What Node has under a socket. It is not in the documentation. */
interface StreamHandle {
  useUserBuffer(buffer: Uint8Array): void;
}

/** What is read into where nobody says another buffer. */
export const READ_BUFFER: Buffer = Buffer.allocUnsafeSlow(65_536);
const IS_NODE = process.versions['bun'] === undefined && process.versions['deno'] === undefined;
/** What a stream says for octets; the types know of encodings of text only. */
const NO_ENCODING = 'buffer' as BufferEncoding;
