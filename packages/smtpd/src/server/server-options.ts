/** The options of a server: completed and frozen once, at the edge. Inside, nothing is optional. */

import { hostname as systemHostname } from 'node:os';

import { systemClock, type Clock } from '../net/clock.js';
import type { ListenAddress } from '../net/listener.js';
import { broughtToServer } from '../protocol/brought-names.js';
import { defaultOwnName, isOwnName } from '../protocol/client-name.js';
import type { LineEndings } from '../protocol/data-decoder.js';
import { UsageError } from '../protocol/errors.js';
import type { Extension, OfferFacts, Situation } from '../protocol/extension.js';
import { completeLimits, type Limits } from '../protocol/limits.js';
import { unknownOptions, type KnownOptions } from '../protocol/unknown-options.js';
import { completeAuthOptions, mechanismsFor, type AuthOptions, type CompleteAuthOptions } from './authentication.js';
import { parseListenAddress } from './listen-address.js';
import { defaultLogger, type Logger } from './logger.js';
import { NetworkSet } from './networks.js';
import { completeTLSOptions, type CompleteTLSOptions, type TLSOptions } from './tls-options.js';

/** What a server may be given. Everything has a default. */
export interface SMTPServerOptions {
  /** Where to listen: one address or several, as text (`localhost:8025`, `[::1]:25`, `:25`, a path, `fd:3`) or parts. Default: `localhost:8025`. */
  readonly localAddress?: string | ListenAddress | readonly (string | ListenAddress)[];
  /** Where a proxy sends mail on. Kept as it is, for subclasses. */
  readonly remoteAddress?: unknown;
  /** Octets of the largest message (RFC 1870). `null` or 0: no limit. Default: 33,554,432. */
  readonly dataSizeLimit?: number | null;
  /** The set that live channels are kept in; several servers may share one. Default: a new set. */
  readonly channels?: Set<unknown>;
  /** Whether SMTPUTF8 is offered (RFC 6531). Default: yes, unless `decodeData`. */
  readonly enableSMTPUTF8?: boolean;
  /** Hands messages over as strings, decoded from UTF-8; 8BITMIME and SMTPUTF8 are not offered then. Default: `false`. */
  readonly decodeData?: boolean;
  /** The server's name in the greeting and the EHLO reply (RFC 5321 §4.3.1). Default: the machine’s, or `localhost` where that is no domain. */
  readonly hostname?: string;
  /** What stands behind the name in the greeting. Default: `ESMTP smtpd`, for LMTP `LMTP smtpd`. */
  readonly greeting?: string;
  /** Bare CR and LF in content: `reject` the message with 550 5.6.11, `normalize` them to CRLF, or `preserve` them. Default: `reject`. */
  readonly lineEndings?: LineEndings;
  /** `strict`: addresses exactly by the grammar of RFC 5321 §4.1.2. `lenient` also takes a blank after the colon, no brackets, no domain, and `_` in a domain. Default: `lenient`. */
  readonly pathSyntax?: 'strict' | 'lenient';
  /** Bounds that differ from the defaults. */
  readonly limits?: Partial<Limits>;
  /** Whether clients of this machine count for `sessionsPerAddressMax`. Default: `false`. */
  readonly countLoopback?: boolean;
  /**
   * For workers that serve one port together: the name of the account in which the primary process counts for them, with `SharedLimits`.
   * The limits on sessions, connections and failed authentications hold across all servers of one name then. Default: each server counts for itself.
   */
  readonly sharedLimits?: string;
  /** What is spoken: `smtp`, or `lmtp` (RFC 2033), which has a reply for each recipient. Default: `smtp`. */
  readonly protocol?: 'smtp' | 'lmtp';
  /** TLS: not at all, by STARTTLS, or from the first octet. Default: off. */
  readonly tls?: TLSOptions;
  /** AUTH: not at all, for who wants it, or for everybody. Default: off. */
  readonly auth?: AuthOptions;
  /**
   * What becomes of a client that does not wait where it has to (before the greeting, behind EHLO or DATA, or between commands when it
   * was not offered PIPELINING): `tolerate` it, or `refuse` it with 554. It is told with the event `violation` in any case. Default: `tolerate`.
   */
  readonly earlyInput?: 'tolerate' | 'refuse';
  /** How long the greeting is held back, in ms, so that those who do not wait for it are seen. Default: 0. */
  readonly greetingDelayMs?: number;
  /** Networks of proxies that begin each connection with a PROXY header (version 1 or 2), as `192.0.2.0/24` or `loopback`. Default: none. */
  readonly proxyProtocol?: string | readonly string[];
  /** Networks that may say XCLIENT. Default: none. */
  readonly xclient?: string | readonly string[];
  /** Networks that may say XFORWARD. Default: none. */
  readonly xforward?: string | readonly string[];
  /** Extensions besides the standard ones. */
  readonly extensions?: readonly Extension[];
  /** Keywords of extensions that are not offered, such as `PIPELINING`; nothing of them is accepted. Default: none. */
  readonly disabledExtensions?: readonly string[];
  /**
   * How many connections may wait to be accepted. Default: 4,096, or what the system allows. When there are more, Linux drops some that it has
   * told they were connected.
   */
  readonly backlog?: number;
  /** Default: warnings and errors to standard error. */
  readonly logger?: Logger;
  /** Default: the clock of this process. */
  readonly clock?: Clock;
}

/** The options of a server, complete. */
export interface CompleteOptions {
  readonly localAddress: readonly ListenAddress[];
  readonly remoteAddress: unknown;
  /** `undefined`: no limit. */
  readonly dataSizeLimit: number | undefined;
  readonly channels: Set<unknown>;
  readonly enableSMTPUTF8: boolean;
  readonly decodeData: boolean;
  readonly hostname: string;
  readonly greeting: string;
  readonly lineEndings: LineEndings;
  readonly pathSyntax: 'strict' | 'lenient';
  readonly limits: Limits;
  readonly countLoopback: boolean;
  readonly sharedLimits: string | undefined;
  readonly protocol: 'smtp' | 'lmtp';
  readonly tls: CompleteTLSOptions;
  readonly auth: CompleteAuthOptions;
  readonly earlyInput: 'tolerate' | 'refuse';
  readonly greetingDelayMs: number;
  readonly proxyProtocol: NetworkSet;
  readonly xclient: NetworkSet;
  readonly xforward: NetworkSet;
  readonly extensions: readonly Extension[];
  readonly disabledExtensions: readonly string[];
  readonly backlog: number;
  readonly logger: Logger;
  readonly clock: Clock;
}

/**
 * Completes the options.
 *
 * @throws {@link UsageError} when one is unknown, has a value that cannot work, or contradicts another
 */
export function completeOptions(given: SMTPServerOptions): CompleteOptions {
  const unknown = unknownOptions(given, OPTIONS);
  if (unknown !== undefined) throw badOption(unknown);
  const decodeData = given.decodeData ?? false;
  if (decodeData && given.enableSMTPUTF8 === true) {
    throw new UsageError(
      'SMTPD_CONFLICTING_OPTIONS',
      'decodeData and enableSMTPUTF8 cannot be set to true at the same time',
    );
  }
  const protocol = oneOf('protocol', given.protocol ?? 'smtp', ['smtp', 'lmtp'] as const);
  const auth = completeAuthOptions(given.auth);
  const tls = completeTLSOptions(given.tls);
  const addresses = listenAddresses(given.localAddress ?? 'localhost:8025');
  checkProtection(auth, [tls.mode, ...addresses.map((address) => address.tls ?? tls.mode)]);
  return Object.freeze({
    localAddress: addresses,
    remoteAddress: given.remoteAddress,
    dataSizeLimit: sizeLimit(given.dataSizeLimit),
    channels: given.channels ?? new Set<unknown>(),
    enableSMTPUTF8: given.enableSMTPUTF8 ?? !decodeData,
    decodeData,
    hostname: hostName(given.hostname),
    greeting: greetingText(given.greeting ?? `${protocol === 'lmtp' ? 'LMTP' : 'ESMTP'} smtpd`),
    lineEndings: oneOf('lineEndings', given.lineEndings ?? 'reject', ['reject', 'normalize', 'preserve'] as const),
    pathSyntax: oneOf('pathSyntax', given.pathSyntax ?? 'lenient', ['strict', 'lenient'] as const),
    limits: completeLimits(given.limits ?? {}),
    countLoopback: given.countLoopback ?? false,
    sharedLimits: given.sharedLimits,
    protocol,
    tls,
    auth,
    earlyInput: oneOf('earlyInput', given.earlyInput ?? 'tolerate', ['tolerate', 'refuse'] as const),
    greetingDelayMs: delay(given.greetingDelayMs ?? 0),
    proxyProtocol: NetworkSet.parse(given.proxyProtocol ?? []),
    xclient: NetworkSet.parse(given.xclient ?? []),
    xforward: NetworkSet.parse(given.xforward ?? []),
    extensions: Object.freeze([...(given.extensions ?? [])]),
    disabledExtensions: Object.freeze([...(given.disabledExtensions ?? [])]),
    backlog: given.backlog ?? 4096,
    logger: checkLogger(given.logger ?? defaultLogger),
    clock: given.clock ?? systemClock,
  });
}

/** The options of a server of another kind: those of every server, and which besides. */
export interface OwnOptions {
  readonly names: readonly string[];
  /** Those of every server that this one does not take. */
  readonly without?: readonly (keyof SMTPServerOptions)[];
  /** What names that people bring mean here, where it is not what they mean for every server. */
  readonly meant?: () => Readonly<Record<string, string>>;
}

/**
 * Refuses options that neither every server has nor one of another kind. To be asked before the server is made, which knows but its own.
 *
 * @throws {@link UsageError} `SMTPD_BAD_OPTION`
 */
export function refuseUnknown(given: object, { names, without = [], meant }: OwnOptions): void {
  const left: readonly string[] = without;
  const unknown = unknownOptions(given, {
    known: new Set([...names, ...OPTION_NAMES.filter((name) => !left.includes(name))]),
    meant: () => ({ ...broughtToServer(), ...meant?.() }),
  });
  if (unknown !== undefined) throw badOption(unknown);
}

/**
 * What the extensions of a server may know in a situation.
 *
 * @param canStartTLS - whether STARTTLS can be done on this connection
 */
export function factsIn(options: CompleteOptions, situation: Situation, canStartTLS: boolean): OfferFacts {
  const mayShowCertificate = options.tls.clientCertificates !== 'ignore';
  const mechanisms = (protection: Pick<Situation, 'isSecured' | 'hasChannelBinding'>): readonly string[] =>
    mechanismsFor(options.auth, { ...protection, mayShowCertificate });
  const { narrowing = {}, ...facts } = situation;
  const { without = [], sizeLimitBytes = Infinity, recipientsMax = Infinity } = narrowing;
  const isEnabled = (keyword: string): boolean =>
    !options.disabledExtensions.includes(keyword) && !without.includes(keyword);
  // RFC 1870 §4: 0 would say that there is no limit.
  const sizeLimit = Math.min(options.dataSizeLimit ?? Infinity, Math.max(1, sizeLimitBytes));
  return Object.freeze({
    protocol: options.protocol,
    sizeLimitBytes: sizeLimit === Infinity ? undefined : sizeLimit,
    isDecoded: options.decodeData,
    // RFC 6531 §3.1: SMTPUTF8 goes with 8BITMIME.
    isSMTPUTF8Enabled: options.enableSMTPUTF8 && isEnabled('SMTPUTF8') && isEnabled('8BITMIME'),
    // RFC 3030 §3: BINARYMIME needs BDAT, and goes with 8BITMIME.
    isBinaryOffered: !options.decodeData && ['BINARYMIME', 'CHUNKING', '8BITMIME'].every(isEnabled),
    ...facts,
    canStartTLS,
    authMechanisms: Object.freeze(situation.isAuthenticated ? [] : mechanisms(situation)),
    authMechanismsOnTLS: Object.freeze(mechanisms({ isSecured: true, hasChannelBinding: true })),
    recipientsMax: Math.min(options.limits.recipientsMax, recipientsMax),
    messagesMax: options.limits.messagesMax,
  });
}

function listenAddresses(given: NonNullable<SMTPServerOptions['localAddress']>): readonly ListenAddress[] {
  const list: readonly (string | ListenAddress)[] = Array.isArray(given) ? given : [given as string | ListenAddress];
  if (list.length === 0) throw badOption('localAddress is an empty list; give at least one address');
  return Object.freeze(
    list.map((address) => (typeof address === 'string' ? parseListenAddress(address) : checkAddress(address))),
  );
}

function checkAddress(address: ListenAddress): ListenAddress {
  const isAddress: boolean =
    typeof address === 'object' && ['port', 'path', 'fd'].filter((part) => part in address).length === 1;
  if (!isAddress) {
    throw new UsageError(
      'SMTPD_BAD_ADDRESS',
      'A listen address is a text such as "localhost:8025", or has one of port, path and fd',
    );
  }
  if ('port' in address && !(Number.isInteger(address.port) && address.port >= 0 && address.port <= 65_535)) {
    throw new UsageError('SMTPD_BAD_ADDRESS', `A port is 0 to 65535, not ${String(address.port)}`);
  }
  return Object.freeze({ ...address });
}

/** Whoever has to authenticate must be able to. */
function checkProtection({ mode, mechanisms, plaintext }: CompleteAuthOptions, tlsModes: readonly string[]): void {
  if (mode !== 'require' || !tlsModes.includes('off')) return;
  const inClear = mechanismsFor({ mode, mechanisms, plaintext } as CompleteAuthOptions, {
    isSecured: false,
    hasChannelBinding: false,
    mayShowCertificate: false,
  });
  if (inClear.length > 0) return;
  throw new UsageError(
    'SMTPD_CONFLICTING_OPTIONS',
    "auth.mode 'require' without TLS leaves no mechanism to authenticate with: set tls.mode, add SCRAM, or allow auth.plaintext 'always'",
  );
}

/** Elsewhere it may be `true` or `false`. */
function checkLogger(given: Logger): Logger {
  if (typeof given !== 'object' && typeof given !== 'function')
    throw badOption(
      `logger is an object with debug, info, warn and error, not ${String(given)}; silentLogger writes nothing`,
    );
  return given;
}

function delay(given: number): number {
  if (!Number.isFinite(given) || given < 0) throw badOption(`greetingDelayMs is a number of ms, not ${String(given)}`);
  return given;
}

function sizeLimit(given: number | null | undefined): number | undefined {
  if (given === undefined) return DATA_SIZE_DEFAULT;
  if (given === null || given === 0 || given === Infinity) return undefined;
  if (!Number.isSafeInteger(given) || given < 0) {
    throw badOption(`dataSizeLimit is a number of octets, or null or 0 for no limit, not ${String(given)}`);
  }
  return given;
}

function hostName(given: string | undefined): string {
  if (given === undefined) return defaultOwnName(systemHostname());
  if (typeof (given as unknown) !== 'string' || !isOwnName(given))
    throw badOption(`hostname is a domain or an address literal (RFC 5321 §4.1.1.1), not "${given}"`);
  return given;
}

function greetingText(given: string): string {
  if (!GREETING_TEXT.test(given)) throw badOption('greeting is one line of printable US-ASCII');
  return given;
}

function oneOf<T extends string>(name: string, value: string, allowed: readonly T[]): T {
  const found = allowed.find((each) => each === value);
  if (found === undefined) throw badOption(`${name} is one of ${allowed.join(', ')}, not "${value}"`);
  return found;
}

function badOption(message: string): UsageError {
  return new UsageError('SMTPD_BAD_OPTION', message);
}

const DATA_SIZE_DEFAULT = 33_554_432;
const GREETING_TEXT = /^[ -~]*$/;
const OPTION_NAMES: readonly string[] = [
  'localAddress',
  'remoteAddress',
  'dataSizeLimit',
  'channels',
  'enableSMTPUTF8',
  'decodeData',
  'hostname',
  'greeting',
  'lineEndings',
  'pathSyntax',
  'limits',
  'countLoopback',
  'sharedLimits',
  'protocol',
  'tls',
  'auth',
  'earlyInput',
  'greetingDelayMs',
  'proxyProtocol',
  'xclient',
  'xforward',
  'extensions',
  'disabledExtensions',
  'backlog',
  'logger',
  'clock',
] satisfies (keyof SMTPServerOptions)[];
const OPTIONS: KnownOptions = { known: new Set(OPTION_NAMES), meant: broughtToServer };
