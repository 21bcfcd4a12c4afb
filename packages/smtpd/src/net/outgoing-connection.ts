/** Connects to somebody else's server. What is said there is not known here. */

import { connect, type Socket } from 'node:net';

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
  return openSocketTransport(socket, { lingerMs });
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
