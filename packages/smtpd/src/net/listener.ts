/**
 * Opens listen addresses and hands over the connections. It knows nothing about mail.
 *
 * An error of one accept (too many open files, say) is reported and the listener goes on.
 */

import { lstatSync, unlinkSync, type BigIntStats } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';

import { handleWays, isBareHandle, type BareHandle } from './bare-handle.js';
import { openDirectSocket, READ_BUFFER } from './direct-socket.js';
import { HandleTransport, type HandleTransportInit } from './handle-transport.js';
import { endpoint } from './socket-transport.js';
import type { EndpointAddress, Transport } from './transport.js';

/** Where to listen. */
export type ListenAddress = (
  | {
      /** A host name or address; `localhost` is both 127.0.0.1 and ::1; absent or `''` is every address of the machine. */
      readonly host?: string;
      /** 0 lets the system choose. */
      readonly port: number;
    }
  | {
      /** The path of a Unix socket. One that a dead process left behind is replaced. */
      readonly path: string;
    }
  | {
      /** A descriptor that listens already, inherited from whoever started us. */
      readonly fd: number;
    }
) & {
  /** How TLS is made for those who connect here, where it is not as the server's option says. Whoever opens the address knows what it means. */
  readonly tls?: 'off' | 'offer' | 'require' | 'implicit';
};

/** Where a listener really listens. */
export interface BoundAddress {
  /** An IP address, or the path of a Unix socket. */
  readonly address: string;
  /** 0 for a Unix socket. */
  readonly port: number;
  readonly family: 'IPv4' | 'IPv6' | 'unix';
}

/** What a listener is given. */
export interface ListenerOptions {
  readonly backlog: number;
  /** @param address - the one of the wanted addresses that the connection came to */
  readonly onConnection: (socket: Socket, address: ListenAddress) => void;
  readonly onError: (error: Error) => void;
  /** What the connections read into where they can, instead of a buffer that all of the process share. */
  readonly readBuffer?: Uint8Array | undefined;
  /** @internal Takes connections for which no socket has to be made, where the platform lets us; the others come to `onConnection`. */
  readonly withoutSocket?: SocketlessOptions | undefined;
}

/** @internal What is done with connections that need no socket. */
export interface SocketlessOptions {
  /** How long, after its `end()`, the peer of a connection may take to close its side. */
  readonly lingerMs: number;
  readonly onConnection: (transport: Transport, address: ListenAddress) => void;
}

/** Some open listen addresses. */
export interface Listener {
  readonly addresses: readonly BoundAddress[];
  /** Stops listening. Connections that were handed over are not touched. */
  close(): Promise<void>;
}

/** Opens all of the addresses, or none. */
export async function openListener(wanted: readonly ListenAddress[], options: ListenerOptions): Promise<Listener> {
  const servers: Server[] = [];
  try {
    for (const address of wanted) servers.push(...(await openAddress(address, options)));
  } catch (error) {
    await Promise.all(servers.map(closeServer));
    throw error;
  }
  return {
    addresses: servers.map(boundAddress),
    close: async () => {
      await Promise.all(servers.map(closeServer));
    },
  };
}

async function openAddress(address: ListenAddress, options: ListenerOptions): Promise<Server[]> {
  const onConnection = (socket: Socket): void => {
    options.onConnection(socket, address);
  };
  const here: OpenOptions = { ...options, onConnection, wanted: address };
  if ('path' in address) return [await openPath(address.path, here)];
  if ('fd' in address) return [await openDescriptor(address.fd, here)];
  const { host, port } = address;
  if (host === 'localhost') return openLocalhost(port, here);
  return [await openServer(host === undefined || host === '' ? { port } : { host, port }, here)];
}

/** What fails is told with the number: the platform does not say which one it is about. */
async function openDescriptor(fd: number, options: OpenOptions): Promise<Server> {
  try {
    return await openServer({ fd }, options);
  } catch (error) {
    throw error instanceof Error ? Object.assign(error, { fd }) : error;
  }
}

/** 127.0.0.1 and ::1 with one port. A machine without IPv6 has the first alone. */
async function openLocalhost(port: number, options: OpenOptions): Promise<Server[]> {
  for (let attempt = 1; ; attempt += 1) {
    const first = await openServer({ host: '127.0.0.1', port }, options);
    try {
      return [first, await openServer({ host: '::1', port: boundAddress(first).port }, options)];
    } catch (error) {
      const code = codeOf(error);
      if (code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT') return [first];
      await closeServer(first);
      // The port that was free on one address was taken on the other: choose again.
      if (port !== 0 || code !== 'EADDRINUSE' || attempt === PORT_ATTEMPTS) throw error;
    }
  }
}

async function openPath(path: string, options: OpenOptions): Promise<Server> {
  try {
    return await openServer({ path }, options);
  } catch (error) {
    if (codeOf(error) !== 'EADDRINUSE') throw error;
    await removeStaleSocket(path);
    // Of several workers the first comes here when it has to replace a socket, and `node:cluster` lets the others share what it opens only
    // when they try as often. Where somebody else listens the second try fails like the first.
    return openServer({ path }, options);
  }
}

/**
 * Removes a Unix socket on which nobody listens. A file of another kind refuses connections, too, and stays. While its socket is asked,
 * somebody else who begins may have put his own in its place: that one stays, so it is looked at once more, and removed in the same turn.
 */
async function removeStaleSocket(path: string): Promise<void> {
  const asked = statOf(path);
  if (asked?.isSocket() !== true || (await isAlive(path))) return;
  const found = statOf(path);
  if (found?.ino === asked.ino && found.mtimeNs === asked.mtimeNs) unlinkSync(path);
}

function statOf(path: string): BigIntStats | undefined {
  return lstatSync(path, { bigint: true, throwIfNoEntry: false });
}

/** Whether somebody listens on a Unix socket. */
function isAlive(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', (error) => {
      // Only a refusal means that nobody is there; anything else we do not understand, and leave the file alone.
      resolve(codeOf(error) !== 'ECONNREFUSED');
    });
  });
}

function openServer(
  where: { host: string; port: number } | { port: number } | { path: string } | { fd: number },
  options: OpenOptions,
): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer({ pauseOnConnect: true, allowHalfOpen: true, noDelay: true }, options.onConnection);
    server.once('error', reject);
    server.listen({ ...where, backlog: options.backlog }, () => {
      server.off('error', reject);
      server.on('error', options.onError);
      takeHandles(server, options);
      resolve(server);
    });
  });
}

/**
 * Has connections handed over as they are accepted, where the platform lets us: its own server makes a socket of each, which would have to be
 * thrown away for one that reads into our buffer, and is more than a server needs. What is not as expected, errors among it, goes the
 * ordinary way.
 */
function takeHandles(server: Server, options: OpenOptions): void {
  const { _handle: listening } = server as { readonly _handle?: ListeningHandle | null };
  if (typeof listening?.onconnection !== 'function') return;
  const { onConnection, readBuffer } = options;
  const accept = listening.onconnection;
  const isInherited = sendsWithoutDelay(listening);
  const takeBare = takerOfHandles(server, options);
  // All that one listener accepts are of one kind.
  let areBare: boolean | undefined;
  listening.onconnection = (error, handle) => {
    if (error === 0 && takeBare !== undefined && (areBare ??= isBareHandle(handle))) {
      const bare = handle as BareHandle;
      if (!isInherited) bare.setNoDelay?.(true);
      takeBare(bare);
      return;
    }
    const socket = error === 0 ? openDirectSocket(handle, readBuffer) : undefined;
    if (socket === undefined) accept.call(listening, error, handle);
    else onConnection(isInherited ? socket : socket.setNoDelay(true));
  };
}

/** Who takes connections without a socket, where somebody wants to and this process can do it. */
function takerOfHandles(
  server: Server,
  { withoutSocket, readBuffer = READ_BUFFER, wanted }: OpenOptions,
): ((handle: BareHandle) => void) | undefined {
  const ways = handleWays();
  if (withoutSocket === undefined || ways === undefined) return undefined;
  const { lingerMs, onConnection } = withoutSocket;
  const init: HandleTransportInit = { ways, readBuffer, lingerMs, local: localEndOf(server, wanted) };
  return (handle) => {
    onConnection(new HandleTransport(handle, init), wanted);
  };
}

/** Our end of all connections that come here, where it is the same for all: of a listener on every address, or of unknown origin, it is not. */
function localEndOf(server: Server, wanted: ListenAddress): EndpointAddress | undefined {
  if ('path' in wanted) return Object.freeze({ address: '', port: 0, family: 'unix' });
  const { address, port, family } = boundAddress(server);
  const isSpecific = !('fd' in wanted) && !EVERY_ADDRESS.has(address);
  return isSpecific ? Object.freeze(endpoint(address, port, family)) : undefined;
}

/** On Linux a connection has TCP_NODELAY from the socket that it was accepted by: there nobody has to say it to each. */
function sendsWithoutDelay(listening: ListeningHandle): boolean {
  return process.platform === 'linux' && listening.setNoDelay?.(true) === 0;
}

/** What Node has under a server, in this process or, in a worker of a cluster, in the primary. It is not in the documentation. */
interface ListeningHandle {
  onconnection?: (error: number, handle: unknown) => void;
  /** Only TCP has it, and only where the socket is this process's own. @returns 0, or why it failed */
  setNoDelay?: (isWithoutDelay: boolean) => number;
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    // The callback's error says only that the server was closed before.
    server.close(() => {
      resolve();
    });
  });
}

function boundAddress(server: Server): BoundAddress {
  const address = server.address();
  if (address === null || typeof address === 'string') return { address: address ?? '', port: 0, family: 'unix' };
  return { address: address.address, port: address.port, family: address.family === 'IPv6' ? 'IPv6' : 'IPv4' };
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

type OpenOptions = Omit<ListenerOptions, 'onConnection'> & {
  readonly onConnection: (socket: Socket) => void;
  readonly wanted: ListenAddress;
};

/** What a server is bound to that listens on all addresses of the machine. */
const EVERY_ADDRESS: ReadonlySet<string> = new Set(['0.0.0.0', '::']);

const PORT_ATTEMPTS = 20;
