/** The options of a client, completed and frozen once. */

import { systemClock, type Clock } from '../net/clock.js';
import type { ConnectTarget } from '../net/outgoing-connection.js';
import { broughtToClient, broughtToClientAuth, broughtToClientTLS } from '../protocol/brought-names.js';
import { defaultOwnName, isOwnName } from '../protocol/client-name.js';
import { UsageError } from '../protocol/errors.js';
import type { ProxyHeader } from '../protocol/proxy-header.js';
import type { SASLMechanismName } from '../protocol/sasl/mechanism.js';
import { CLIENT_MECHANISMS } from '../protocol/sasl/mechanisms.js';
import { unknownOptions, type KnownOptions } from '../protocol/unknown-options.js';

/** How long a client waits for a server, in ms. `Infinity`: for ever. */
export interface ClientWaits {
  /** For a connection. */
  readonly connectMs: number;
  /** For the greeting (RFC 5321 §4.5.3.2.1). */
  readonly greetingMs: number;
  /** For a TLS handshake. */
  readonly handshakeMs: number;
  /** For the reply to a command that has no name below. */
  readonly commandMs: number;
  /** For the reply to MAIL (§4.5.3.2.2). */
  readonly mailMs: number;
  /** For the reply to RCPT (§4.5.3.2.3). */
  readonly rcptMs: number;
  /** For the reply to DATA (§4.5.3.2.4). */
  readonly dataMs: number;
  /** For the server to read a block of the content (§4.5.3.2.5). */
  readonly contentBlockMs: number;
  /** For the reply to the content (§4.5.3.2.6). */
  readonly contentEndMs: number;
  /** For the reply to QUIT, and for the connection to close after it. */
  readonly quitMs: number;
}

/** How a client makes TLS. */
export interface ClientTLSOptions {
  /**
   * - `off`: never
   * - `opportunistic`: by STARTTLS where it is offered, with any certificate; where the handshake fails, in clear on a new connection
   *   (RFC 7435). It keeps out who only listens. With `verify`, a handshake that fails is the end, and in clear it is where none is offered.
   * - `require`: by STARTTLS, or not at all
   * - `implicit`: before the greeting (RFC 8314 §3.3)
   */
  readonly mode: 'off' | 'opportunistic' | 'require' | 'implicit';
  /** Whether the server's certificate must be valid for its name. Default: yes, unless the mode is `opportunistic`. */
  readonly verify?: boolean;
  /** The name that is asked for (SNI), and that the certificate must have. Default: the host that is connected to. */
  readonly serverName?: string;
  /** The authorities that are trusted, in PEM. Default: the platform's. */
  readonly ca?: string | Uint8Array;
  /** Our private key, in PEM, for a server that wants a certificate. */
  readonly key?: string | Uint8Array;
  /** Our certificate with its chain, in PEM. */
  readonly cert?: string | Uint8Array;
  /** The oldest version that is spoken. Default: `TLSv1.2`. */
  readonly minVersion?: 'TLSv1.2' | 'TLSv1.3';
}

/** Who a client says it is (RFC 4954). Give a password, a token, or neither for the certificate (EXTERNAL). */
export interface ClientAuthOptions {
  readonly user?: string;
  readonly password?: string;
  /** An OAuth access token. */
  readonly token?: string;
  /** On whose behalf the client acts. */
  readonly authorizationIdentity?: string;
  /** The mechanisms that may be used, the best first. Default: all that fit, the strongest first. */
  readonly mechanisms?: readonly SASLMechanismName[];
  /** Whether a password or token may go over the wire readable: under TLS only, or always. Default: `tls`. */
  readonly plaintext?: 'tls' | 'always';
}

/** The options of a client. */
export interface SMTPClientOptions {
  /** Whom to connect to: a host and port, or the path of a Unix socket. */
  readonly remoteAddress: ConnectTarget;
  /** What is spoken: SMTP, or LMTP (RFC 2033). Default: `smtp`. */
  readonly protocol?: 'smtp' | 'lmtp';
  /** What the client calls itself: a domain or an address literal (RFC 5321 §4.1.1.1). Default: this machine's name. */
  readonly hostname?: string;
  /** The local address to connect from. Default: the system chooses. */
  readonly localAddress?: string;
  /** Default: `off`. */
  readonly tls?: ClientTLSOptions;
  readonly auth?: ClientAuthOptions;
  /** For whom the client speaks: sent as a PROXY header (version 2) before all else, to a server that expects one. */
  readonly proxyHeader?: ProxyHeader;
  readonly waits?: Partial<ClientWaits>;
  readonly clock?: Clock;
}

/** The options of TLS, complete. */
export interface CompleteClientTLSOptions extends ClientTLSOptions {
  readonly verify: boolean;
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3';
}

/** The options of a client, complete. */
export interface CompleteClientOptions {
  readonly remoteAddress: ConnectTarget;
  readonly protocol: 'smtp' | 'lmtp';
  readonly hostname: string;
  readonly localAddress: string | undefined;
  readonly tls: CompleteClientTLSOptions;
  readonly auth: ClientAuthOptions | undefined;
  readonly proxyHeader: ProxyHeader | undefined;
  readonly waits: ClientWaits;
  readonly clock: Clock;
}

/** The defaults: what RFC 5321 §4.5.3.2 asks for at least, and reason where it says nothing. */
export const DEFAULT_CLIENT_WAITS: ClientWaits = Object.freeze({
  connectMs: 30_000,
  greetingMs: 300_000,
  handshakeMs: 60_000,
  commandMs: 300_000,
  mailMs: 300_000,
  rcptMs: 300_000,
  dataMs: 120_000,
  contentBlockMs: 180_000,
  contentEndMs: 600_000,
  quitMs: 5_000,
});

/**
 * Completes the options.
 *
 * @param machineName - what the client calls itself when it is not told
 * @throws {@link UsageError} `SMTPD_BAD_OPTION`, `SMTPD_CONFLICTING_OPTIONS`, `SMTPD_BAD_ADDRESS`
 */
export function completeClientOptions(given: SMTPClientOptions, machineName: string): CompleteClientOptions {
  const unknown = unknownOptions(given, OPTIONS);
  if (unknown !== undefined) throw badOption(unknown);
  const { protocol = 'smtp' } = given;
  if (!['smtp', 'lmtp'].includes(protocol)) throw badOption(`protocol is smtp or lmtp, not "${protocol}"`);
  const hostname = given.hostname ?? defaultOwnName(machineName);
  if (!isOwnName(hostname)) {
    throw badOption(`hostname is a domain or an address literal (RFC 5321 §4.1.1.1), not "${hostname}"`);
  }
  return Object.freeze({
    remoteAddress: checkTarget(given.remoteAddress),
    protocol,
    hostname,
    localAddress: given.localAddress,
    tls: completeTLS(given.tls ?? { mode: 'off' }),
    auth: given.auth === undefined ? undefined : checkAuth(given.auth),
    proxyHeader: given.proxyHeader,
    waits: completeWaits(given.waits ?? {}),
    clock: given.clock ?? systemClock,
  });
}

function checkTarget(target: ConnectTarget | undefined): ConnectTarget {
  const given: Partial<{ host: unknown; port: unknown; path: unknown }> = target ?? {};
  if (typeof given.path === 'string' && given.path !== '') return Object.freeze({ path: given.path });
  const { host, port } = given;
  if (typeof host === 'string' && host !== '' && typeof port === 'number' && isPort(port)) {
    return Object.freeze({ host, port });
  }
  throw new UsageError(
    'SMTPD_BAD_ADDRESS',
    "remoteAddress has a host and a port of 1 to 65535, or a path: { host: 'HOST', port: 25 }",
  );
}

function isPort(port: number): boolean {
  return Number.isInteger(port) && port >= 1 && port <= 65_535;
}

function completeTLS(given: ClientTLSOptions): CompleteClientTLSOptions {
  const unknown = unknownOptions(given, TLS_OPTIONS);
  if (unknown !== undefined) throw badOption(unknown);
  const { mode, minVersion = 'TLSv1.2' } = given;
  if (!TLS_MODES.includes(mode)) throw badOption(`tls.mode is one of ${TLS_MODES.join(', ')}, not "${mode}"`);
  if (!['TLSv1.2', 'TLSv1.3'].includes(minVersion)) {
    throw badOption(`tls.minVersion is TLSv1.2 or TLSv1.3, not "${minVersion}"`);
  }
  if ((given.key === undefined) !== (given.cert === undefined)) {
    throw new UsageError('SMTPD_CONFLICTING_OPTIONS', 'tls.key and tls.cert go together');
  }
  return Object.freeze({ ...given, minVersion, verify: given.verify ?? mode !== 'opportunistic' });
}

function checkAuth(given: ClientAuthOptions): ClientAuthOptions {
  const unknown = unknownOptions(given, AUTH_OPTIONS);
  if (unknown !== undefined) throw badOption(unknown);
  const { user, password, token, plaintext = 'tls' } = given;
  if (password !== undefined && token !== undefined) {
    throw new UsageError('SMTPD_CONFLICTING_OPTIONS', 'auth has a password or a token, not both');
  }
  if ((password !== undefined || token !== undefined) && (user === undefined || user === '')) {
    throw badOption('auth.user is missing: say whose password or token it is');
  }
  if (!['tls', 'always'].includes(plaintext)) {
    throw badOption(`auth.plaintext is tls or always, not "${plaintext}"`);
  }
  for (const name of given.mechanisms ?? []) {
    if (!CLIENT_MECHANISMS.has(name)) {
      throw badOption(`auth.mechanisms: there is no "${name}"; there are: ${[...CLIENT_MECHANISMS.keys()].join(', ')}`);
    }
  }
  return Object.freeze({ ...given });
}

function completeWaits(given: Partial<ClientWaits>): ClientWaits {
  const unknown = unknownOptions(given, WAITS);
  if (unknown !== undefined) throw badOption(unknown);
  const waits: Record<string, number> = { ...DEFAULT_CLIENT_WAITS };
  for (const [name, value] of Object.entries<unknown>(given)) {
    if (value === undefined) continue;
    if (typeof value !== 'number' || !(value > 0)) throw badOption(`waits.${name} is a number of ms above 0`);
    waits[name] = value;
  }
  return Object.freeze(waits) as unknown as ClientWaits;
}

function badOption(message: string): UsageError {
  return new UsageError('SMTPD_BAD_OPTION', message);
}

const TLS_MODES: readonly string[] = ['off', 'opportunistic', 'require', 'implicit'];
const TLS_OPTION_NAMES: readonly string[] = [
  'mode',
  'verify',
  'serverName',
  'ca',
  'key',
  'cert',
  'minVersion',
] satisfies (keyof ClientTLSOptions)[];
const AUTH_OPTION_NAMES: readonly string[] = [
  'user',
  'password',
  'token',
  'authorizationIdentity',
  'mechanisms',
  'plaintext',
] satisfies (keyof ClientAuthOptions)[];
const OPTION_NAMES: readonly string[] = [
  'remoteAddress',
  'protocol',
  'hostname',
  'localAddress',
  'tls',
  'auth',
  'proxyHeader',
  'waits',
  'clock',
] satisfies (keyof SMTPClientOptions)[];
const OPTIONS: KnownOptions = {
  known: new Set(OPTION_NAMES),
  meant: broughtToClient,
  title: (name) => `There is no option ${name} of a client`,
};
const TLS_OPTIONS: KnownOptions = {
  known: new Set(TLS_OPTION_NAMES),
  meant: broughtToClientTLS,
  title: (name) => `There is no option tls.${name} of a client`,
};
const AUTH_OPTIONS: KnownOptions = {
  known: new Set(AUTH_OPTION_NAMES),
  meant: broughtToClientAuth,
  title: (name) => `There is no option auth.${name} of a client`,
};
const WAITS: KnownOptions = {
  known: new Set(Object.keys(DEFAULT_CLIENT_WAITS)),
  title: (name) => `waits.${name} is unknown`,
};
