/** The options of a proxy: those of a server, and where mail goes from there. */

import type { MXResolver } from '../../client/mx-lookup.js';
import { broughtToProxy } from '../../protocol/brought-names.js';
import { UsageError } from '../../protocol/errors.js';
import type { Path } from '../../protocol/path.js';
import { refuseUnknown, type SMTPServerOptions } from '../../server/server-options.js';
import type { SessionInfo } from '../../server/session-info.js';
import type { Awaitable } from '../../server/verdict.js';
import type { RouteText } from './routes.js';
import type { UpstreamOptions } from './upstream-options.js';

/** A recipient whose way is asked for. */
export interface RouteRequest {
  readonly recipient: Path;
  /** The reverse-path's address; `''` for the null reverse-path. */
  readonly mailFrom: string;
  readonly session: SessionInfo;
  /** Aborted when nobody wants to know any more. */
  readonly signal: AbortSignal;
}

/** The options of a {@link PureProxy}: those of the server, and these. */
export interface ProxyOnlyOptions {
  /** Where mail goes for which there is no route: a destination, or several, in order. */
  readonly remoteAddress?: RouteText;
  /** Recipient domain → destination. `*.example.org` is every domain below it, `*` every other. */
  readonly routes?: Readonly<Record<string, RouteText>>;
  /** Says for single recipients where they go; nothing leaves it to `routes`. */
  readonly route?: (request: RouteRequest) => Awaitable<RouteText | undefined>;
  /** Which of several destinations is asked first: as they are written, or the least busy. Default: `inOrder`. */
  readonly balance?: 'inOrder' | 'leastBusy';
  /**
   * What happens to a recipient that goes elsewhere than those before it, where the client hears one reply for all: it is deferred with
   * 452 and comes in another transaction, or the message is split, and the one reply says the worst. Default: `defer`.
   */
  readonly mixed?: 'defer' | 'split';
  /** How the proxy talks to the servers behind it. */
  readonly upstream?: UpstreamOptions;
  /** Whether a `Received` field is added (RFC 5321 §4.4). Default: yes. */
  readonly addReceived?: boolean;
  /** Whether an `X-Peer` field with the client's address is added. Default: yes. */
  readonly addPeer?: boolean;
  /** `Received` fields that a message may have; one more, and it goes round in circles (RFC 5321 §6.3). Default: 100. */
  readonly hopsMax?: number;
  /**
   * What the servers behind are told of the client: nothing, its address and name with XFORWARD where they allow it, or that they have it
   * before them, with XCLIENT or a PROXY header; the latter two take a connection for each message. Default: `none`.
   */
  readonly identify?: 'none' | 'xforward' | 'xclient' | 'proxyHeader';
  /** Networks whose clients may send mail anywhere. This machine always may. */
  readonly allowNetworks?: string | readonly string[];
  /** Lets everybody send mail anywhere. Default: no. */
  readonly open?: boolean;
  /** Asks DNS for `mx:` destinations. Default: the system's servers. */
  readonly resolver?: MXResolver;
}

/** The options of a proxy. */
export type PureProxyOptions = Omit<SMTPServerOptions, 'remoteAddress' | 'decodeData'> & ProxyOnlyOptions;

/** The options of a proxy, complete. */
export interface CompleteProxyOptions extends ProxyOnlyOptions {
  readonly routes: Readonly<Record<string, RouteText>>;
  readonly balance: 'inOrder' | 'leastBusy';
  readonly mixed: 'defer' | 'split';
  readonly upstream: UpstreamOptions;
  readonly addReceived: boolean;
  readonly addPeer: boolean;
  readonly hopsMax: number;
  readonly identify: 'none' | 'xforward' | 'xclient' | 'proxyHeader';
  readonly open: boolean;
}

/**
 * Parts the options, and completes those of the proxy.
 *
 * @throws {@link UsageError} `SMTPD_BAD_OPTION`, `SMTPD_CONFLICTING_OPTIONS`
 */
export function splitOptions(given: PureProxyOptions | null): {
  readonly server: SMTPServerOptions;
  readonly proxy: CompleteProxyOptions;
} {
  // The old class took two addresses; whoever writes it so without types is told.
  if (typeof given !== 'object' || given === null) {
    throw new UsageError(
      'SMTPD_BAD_OPTION',
      "A proxy takes one object: new PureProxy({ localAddress: 'localhost:8025', remoteAddress: 'localhost:25' })",
    );
  }
  refuseUnknown(given, { names: PROXY_OPTION_NAMES, meant: broughtToProxy });
  const server: Record<string, unknown> = {};
  const proxy: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(given)) {
    (PROXY_OPTION_NAMES.includes(name) ? proxy : server)[name] = value;
  }
  server['remoteAddress'] = given.remoteAddress;
  if (given.lineEndings === 'preserve') {
    throw new UsageError(
      'SMTPD_CONFLICTING_OPTIONS',
      'A proxy does not pass bare CR and LF on: lineEndings is reject or normalize',
    );
  }
  if ('decodeData' in given)
    throw new UsageError('SMTPD_CONFLICTING_OPTIONS', 'A proxy passes octets on: leave decodeData out');
  const complete: CompleteProxyOptions = Object.freeze({
    ...proxy,
    routes: given.routes ?? {},
    balance: oneOf('balance', given.balance ?? 'inOrder', ['inOrder', 'leastBusy'] as const),
    mixed: oneOf('mixed', given.mixed ?? 'defer', ['defer', 'split'] as const),
    upstream: given.upstream ?? {},
    addReceived: given.addReceived ?? true,
    addPeer: given.addPeer ?? true,
    hopsMax: positive('hopsMax', given.hopsMax ?? 100),
    identify: oneOf('identify', given.identify ?? 'none', ['none', 'xforward', 'xclient', 'proxyHeader'] as const),
    open: given.open ?? false,
  });
  return { server, proxy: complete };
}

function oneOf<T extends string>(name: string, value: string, allowed: readonly T[]): T {
  const found = allowed.find((each) => each === value);
  if (found === undefined) {
    throw new UsageError('SMTPD_BAD_OPTION', `${name} is one of ${allowed.join(', ')}, not "${value}"`);
  }
  return found;
}

function positive(name: string, value: number): number {
  if (Number.isInteger(value) && value > 0) return value;
  throw new UsageError('SMTPD_BAD_OPTION', `${name} is a number above 0, not ${String(value)}`);
}

/** The names of those of a proxy. */
export const PROXY_OPTION_NAMES: readonly string[] = [
  'remoteAddress',
  'routes',
  'route',
  'balance',
  'mixed',
  'upstream',
  'addReceived',
  'addPeer',
  'hopsMax',
  'identify',
  'allowNetworks',
  'open',
  'resolver',
] satisfies (keyof ProxyOnlyOptions)[];
