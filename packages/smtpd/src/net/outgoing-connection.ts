/** Connects to somebody else's server. What is said there is not known here. */

import { connect, type Socket } from 'node:net';

import { handleWays, isBareHandle } from './bare-handle.js';
import { READ_BUFFER } from './direct-socket.js';
import { HandleTransport } from './handle-transport.js';
import { openSocketTransport } from './socket-transport.js';
import type { Transport } from './transport.js';

/** Whom to connect to. */
export type ConnectTarget =
  | { readonly host: string; readonly port: number }
  /** A Unix socket. */
  | { readonly path: string };

/** How to connect. */
export interface ConnectOptions {
  /** The local address to connect from; `undefined`: the system chooses. */
  readonly localAddress: string | undefined;
  /** Ends the attempt when it is aborted. */
  readonly signal: AbortSignal;
  /** How long, after our side has ended, the server may take to end its own, in ms. */
  readonly lingerMs: number;
}

/**
 * Connects. Where a name has several addresses the platform tries them (RFC 8305).
 *
 * @returns a transport that was not started yet
 * @throws the platform's error, or the signal's reason
 */
export async function openConnection(
  target: ConnectTarget,
  { localAddress, signal, lingerMs }: ConnectOptions,
): Promise<Transport> {
  signal.throwIfAborted();
  const socket =
    'path' in target
      ? connect({ path: target.path })
      : connect({ ...target, noDelay: true, ...(localAddress === undefined ? {} : { localAddress }) });
  // Nothing is read before somebody listens; the transport reads by itself.
  socket.pause();
  await connected(socket, signal);
  return openTransport(socket, lingerMs);
}

/** A socket finds the way and connects. What is left to do its handle does alone, where this process can have it so. */
function openTransport(socket: Socket, lingerMs: number): Transport {
  const ways = handleWays();
  const { _handle: handle } = socket as { readonly _handle?: unknown };
  if (ways === undefined || !isBareHandle(handle)) return openSocketTransport(socket, { lingerMs });
  // Each lets go of the other, so that the socket can be thrown away.
  (socket as { _handle?: unknown })._handle = null;
  const held = handle as unknown as Record<symbol, unknown>;
  for (const symbol of Object.getOwnPropertySymbols(handle)) if (held[symbol] === socket) held[symbol] = undefined;
  socket.destroy();
  return new HandleTransport(handle, { ways, readBuffer: READ_BUFFER, local: undefined, lingerMs });
}

function connected(socket: Socket, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const forget = (): void => {
      socket.off('connect', onConnect);
      socket.off('error', onError);
      signal.removeEventListener('abort', onAbort);
    };
    const onConnect = (): void => {
      forget();
      resolve();
    };
    const onError = (error: Error): void => {
      forget();
      socket.on('error', ignore).destroy();
      reject(error);
    };
    const onAbort = (): void => {
      onError(signal.reason instanceof Error ? signal.reason : new Error('Aborted', { cause: signal.reason }));
    };
    socket.once('connect', onConnect);
    socket.once('error', onError);
    signal.addEventListener('abort', onAbort, { once: true });
  });
}

function ignore(): void {
  // Whoever waits for the connection has heard of it.
}
