/**
 * What Node has under its sockets, used without them: a handle reads, writes and ends by itself, and what it needs for that, Node's own
 * sockets know. None of it is in the documentation. So it is not assumed but found out, by letting a socket work on a handle that does nothing
 * and looking at what it gives to it; where anything is not as expected, nobody uses handles, and connections have sockets as everywhere.
 */

import { Socket } from 'node:net';
import { getSystemErrorName } from 'node:util';

/** A handle of a connection: TCP, or a Unix socket. */
export interface BareHandle {
  /** Called whenever something was read, or nothing can be read any more. Whatever it returned would be taken for another buffer. */
  onread: (this: BareHandle) => void;
  /** Octets that were read so far. */
  readonly bytesRead: number;
  /** Octets that were written and that the kernel has not taken. */
  readonly writeQueueSize: number;
  /** What it reads into from now on. */
  useUserBuffer(buffer: Uint8Array): void;
  /** @returns 0, or why it failed, like those that follow */
  readStart(): number;
  readStop(): number;
  /**
   * Writes what the kernel takes at once. The request is for the rest, and is left alone where there is none.
   *
   * @param request - `null` on a Node whose handles make requests themselves
   * @returns 0, why it failed, or a request that it has made
   */
  writeBuffer(request: WriteRequest | null, bytes: Uint8Array): number | WriteRequest;
  /** Ends our side behind what was written. */
  shutdown(request: object): number;
  close(onClosed?: (this: BareHandle) => void): void;
  /** Only TCP has these three. */
  getpeername?(name: SocketName): number;
  getsockname?(name: SocketName): number;
  setNoDelay?(isWithoutDelay: boolean): number;
}

/** One that may lie on another, which is where Node keeps that. */
interface LayeredHandle {
  readonly writeQueueSize?: number;
  readonly _parent?: LayeredHandle | null;
}

/** What stands for a write that the kernel has not taken at once. */
export interface WriteRequest {
  /** Below 0 until a handle has made use of it. */
  getAsyncId(): number;
  /** Called when it is done; `status` is below 0 where it has failed. */
  oncomplete?: (this: WriteRequest, status: number) => void;
}

/** Filled in by a handle. */
export interface SocketName {
  address?: string | undefined;
  port?: number | undefined;
  family?: string | undefined;
}

/** What is needed to use a handle without a socket. */
export interface HandleWays {
  /** Where a handle keeps the socket that it belongs to. */
  readonly owner: symbol;
  /** `null` where handles make their own. */
  newWriteRequest(): WriteRequest | null;
  newShutdownRequest(): object;
  /** Why a read that is being told of has brought no octets. */
  readOutcome(): ReadOutcome;
}

/** Nothing was there after all; the peer has ended its side; or the connection is broken. */
export type ReadOutcome = 'nothing' | 'end' | Error;

/** How handles are used in this process; `undefined` where they are not as expected. */
export function handleWays(): HandleWays | undefined {
  // `null`: not looked for yet.
  if (ways === null) ways = findWays();
  return ways;
}

/** Whether this handle can be used so. All that come from one listener are of one kind. */
export function isBareHandle(handle: unknown): handle is BareHandle {
  if (typeof handle !== 'object' || handle === null) return false;
  const known = handle as Record<string, unknown>;
  return (
    METHODS.every((name) => typeof known[name] === 'function') &&
    NUMBERS.every((name) => known[name] === 0) &&
    'onread' in known
  );
}

/**
 * What the kernel has not taken of what a handle was given, where the handle knows: it gets less as the peer reads. One on TLS keeps what it
 * has enciphered until the handle that it lies on has written that, maybe all at once; so that one is asked, too.
 */
export function queuedBytes(handle: unknown): number {
  let bytes = 0;
  for (let each = handle as LayeredHandle | null | undefined; each !== null && each !== undefined; each = each._parent)
    bytes += each.writeQueueSize ?? 0;
  return bytes;
}

/** What went wrong, as an error like those of Node's own sockets. @param errno - what a handle has returned */
export function systemError(errno: number, syscall: string): NodeJS.ErrnoException {
  const code = getSystemErrorName(errno);
  return Object.assign(new Error(`${syscall} ${code}`), { errno, code, syscall });
}

function findWays(): HandleWays | undefined {
  if (process.versions['bun'] !== undefined || process.versions['deno'] !== undefined) return undefined;
  try {
    return learnWays();
  } catch {
    // A Node that has other sockets than we know.
    return undefined;
  }
}

/** Lets a socket write and end on a handle of ours. */
function learnWays(): HandleWays | undefined {
  const told = new ToldHandle();
  const listener = new ReadListener({ handle: told, pauseOnCreate: true, onread: NO_READ } as object);
  const owner = Object.getOwnPropertySymbols(told).find((symbol) => told[symbol] === listener);
  listener._write(NO_OCTETS, 'buffer' as BufferEncoding, ignore);
  listener._final(ignore);
  const { onread, writeRequest } = told;
  const Shutdown = told.shutdownRequest?.constructor as (new () => object) | undefined;
  if (owner === undefined || onread === undefined || Shutdown?.name !== 'ShutdownWrap') return undefined;
  const newWriteRequest = writeRequest === null ? (): null => null : makerOf(writeRequest);
  if (newWriteRequest === undefined) return undefined;
  return {
    owner,
    newWriteRequest,
    newShutdownRequest: () => new Shutdown(),
    readOutcome() {
      listener.outcome = 'nothing';
      onread.call(told);
      return listener.outcome;
    },
  };
}

/** Makes more of the requests that Node's sockets give to a handle with what they write. */
function makerOf(request: object | undefined): (() => WriteRequest) | undefined {
  const Write = request?.constructor as (new () => WriteRequest) | undefined;
  const isKnown = Write?.name === 'WriteWrap' && new Write().getAsyncId() < 0;
  return isKnown ? () => new Write() : undefined;
}

/** A handle under a socket that is only there to be looked at. */
class ToldHandle {
  [symbol: symbol]: unknown;
  onread: ((this: ToldHandle) => void) | undefined;
  writeRequest: object | null | undefined;
  shutdownRequest: object | undefined;

  getAsyncId(): number {
    return 0;
  }

  writeBuffer(request: object | null): number {
    this.writeRequest = request;
    return 0;
  }

  shutdown(request: object): number {
    this.shutdownRequest = request;
    return 0;
  }

  readStart(): number {
    return 0;
  }

  readStop(): number {
    return 0;
  }

  useUserBuffer(): void {
    // Nothing is read.
  }
}

/** Node tells a socket how a read has ended, by calls that this one only notes. */
class ReadListener extends Socket {
  outcome: ReadOutcome = 'nothing';

  override push(): boolean {
    this.outcome = 'end';
    return false;
  }

  override read(): null {
    return null;
  }

  override destroy(error?: Error): this {
    this.outcome = error ?? 'end';
    return this;
  }
}

function ignore(): void {
  // Nobody waits for it.
}

const NO_OCTETS = new Uint8Array(0);
const NO_READ = { buffer: NO_OCTETS, callback: () => true };
const METHODS = ['useUserBuffer', 'readStart', 'readStop', 'writeBuffer', 'shutdown', 'close'];
const NUMBERS = ['bytesRead', 'writeQueueSize'];
let ways: HandleWays | undefined | null = null;
