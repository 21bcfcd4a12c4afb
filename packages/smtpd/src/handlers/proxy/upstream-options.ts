/** How a server behind is talked to: the options, and what client and pool are made of. */

import {
  completeClientOptions,
  type ClientAuthOptions,
  type ClientTLSOptions,
  type ClientWaits,
  type SMTPClientOptions,
} from '../../client/client-options.js';
import { formatDestination, type Destination, type MXDestination } from '../../client/destination.js';
import type { PoolDestination, PoolOptions } from '../../client/pool.js';
import type { Clock } from '../../net/clock.js';

/** How a proxy talks to the servers behind it. */
export interface UpstreamOptions {
  /** TLS to them. Default: `opportunistic`. `smtps:` destinations have it from the start. */
  readonly tls?: ClientTLSOptions;
  /** Who the proxy is there. */
  readonly auth?: ClientAuthOptions;
  /** The local address to connect from. */
  readonly localAddress?: string;
  /** How long to wait for them. By default a little less than a client waits for us. */
  readonly waits?: Partial<ClientWaits>;
  /** Connections to one of them at a time. Default: 20. */
  readonly connectionsMax?: number;
  /** How long a connection that nobody uses is kept, in ms. Default: 30,000. */
  readonly idleMs?: number;
  /** Messages that one connection carries. Default: 1,000. */
  readonly messagesMax?: number;
  /** How long to wait for a connection while all are in use, in ms. Default: 30,000. */
  readonly waitMs?: number;
}

/** The options of the clients that talk to them, whichever of them it is. */
export type UpstreamClient = Omit<SMTPClientOptions, 'remoteAddress' | 'protocol'>;

/**
 * The options of the clients. What cannot work is told now, not when the first message comes.
 *
 * @throws {@link UsageError} `SMTPD_BAD_OPTION`, `SMTPD_CONFLICTING_OPTIONS`
 */
export function upstreamClient(
  { tls = { mode: 'opportunistic' }, auth, localAddress, waits }: UpstreamOptions,
  { hostname, clock }: { readonly hostname: string; readonly clock: Clock },
): UpstreamClient {
  const client: UpstreamClient = {
    hostname,
    clock,
    tls,
    waits: { ...UPSTREAM_WAITS, ...waits },
    ...(auth === undefined ? {} : { auth }),
    ...(localAddress === undefined ? {} : { localAddress }),
  };
  completeClientOptions({ ...client, remoteAddress: { host: 'localhost', port: 25 } }, hostname);
  return client;
}

/** The options of the pool. */
export function upstreamPool(
  { connectionsMax, idleMs, messagesMax, waitMs }: UpstreamOptions,
  { clock }: { readonly clock: Clock },
): PoolOptions {
  return {
    clock,
    ...(connectionsMax === undefined ? {} : { connectionsMax }),
    ...(idleMs === undefined ? {} : { idleMs }),
    ...(messagesMax === undefined ? {} : { messagesMax }),
    ...(waitMs === undefined ? {} : { waitMs }),
  };
}

/** A destination, for the pool. */
export function poolDestination(
  destination: Exclude<Destination, MXDestination>,
  client: UpstreamClient,
): PoolDestination {
  const { protocol } = destination;
  const key = formatDestination(destination);
  if (destination.kind === 'unix') {
    return { key, client: { ...client, protocol, remoteAddress: { path: destination.path } } };
  }
  const { host, port, isImplicitTLS } = destination;
  const given = client.tls ?? { mode: 'off' };
  const tls: ClientTLSOptions = isImplicitTLS ? { ...given, mode: 'implicit' } : given;
  return { key, client: { ...client, protocol, tls, remoteAddress: { host, port } } };
}

/** The names of the options. */
export const UPSTREAM_OPTION_NAMES: readonly (keyof UpstreamOptions)[] = [
  'tls',
  'auth',
  'localAddress',
  'waits',
  'connectionsMax',
  'idleMs',
  'messagesMax',
  'waitMs',
];

/** Less than our own verdicts may take, so that what a client hears is why, and not only that (`limits.verdictWaitMs`). */
const UPSTREAM_WAITS: Partial<ClientWaits> = Object.freeze({
  connectMs: 15_000,
  greetingMs: 120_000,
  handshakeMs: 30_000,
  commandMs: 120_000,
  mailMs: 240_000,
  rcptMs: 240_000,
  dataMs: 120_000,
  contentEndMs: 540_000,
});
