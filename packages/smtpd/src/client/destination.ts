/**
 * Destinations: where mail is sent on to, as people write it and as the client takes it. Which hosts serve a domain is found
 * out elsewhere (`mx-lookup.ts`); nothing is resolved or opened here.
 */

import { UsageError, assertNever } from '../protocol/errors.js';
import { kindOf } from '../protocol/kind-of.js';
import { formatIPAddress, parseIPAddress } from '../protocol/ip-address.js';
import { asciiDomain } from './ascii-domain.js';

/** A server that is reached over TCP. */
export interface HostDestination {
  readonly kind: 'host';
  readonly protocol: 'smtp' | 'lmtp';
  /** A name, in ASCII and lower case, or an IP address without brackets. */
  readonly host: string;
  readonly port: number;
  /** Whether the connection begins with a TLS handshake (RFC 8314 §3). If not, STARTTLS may still be used. */
  readonly isImplicitTLS: boolean;
}

/** A server of this machine that is reached over a Unix socket. */
export interface UnixDestination {
  readonly kind: 'unix';
  readonly protocol: 'smtp' | 'lmtp';
  readonly path: string;
}

/** Whichever hosts take the mail of a domain. */
export interface MXDestination {
  readonly kind: 'mx';
  /** In ASCII and lower case; `undefined` for the recipient's own. */
  readonly domain: string | undefined;
}

/** Where mail is sent on to. */
export type Destination = HostDestination | UnixDestination | MXDestination;

/**
 * Reads a destination.
 *
 * @param text - `host`, `host:port`, `[IPv6]:port`; `smtp://host:port`; `smtps://host:port` for TLS from the start;
 * `lmtp://host:port`; `unix:/path` or `lmtp:unix:/path`; `mx:example.org` for the MX hosts of a domain, `mx:` for those of the
 * recipient's. Without a port it is 25, for `smtps` 465.
 * @throws {@link UsageError} `SMTPD_BAD_ADDRESS`
 *
 * @example
 * ```ts
 * parseDestination('mail.example.org'); // { kind: 'host', protocol: 'smtp', host: 'mail.example.org', port: 25, … }
 * parseDestination('lmtp:unix:/run/lmtp.sock'); // { kind: 'unix', protocol: 'lmtp', path: '/run/lmtp.sock' }
 * parseDestination('mx:'); // { kind: 'mx', domain: undefined }
 * ```
 */
export function parseDestination(text: string): Destination {
  checkText(text);
  const unix = UNIX_FORM.exec(text)?.groups;
  if (unix !== undefined) {
    const protocol = unix['lmtp'] === undefined ? 'smtp' : 'lmtp';
    // `unix:///path` is how some write it; to the system, slashes at the beginning are one.
    return Object.freeze({ kind: 'unix', protocol, path: (unix['path'] ?? '').replace(/^\/+/, '/') });
  }
  const url = URL_FORM.exec(text)?.groups;
  if (url !== undefined) return parseURLForm(text, url['scheme']?.toLowerCase() ?? '', url['rest'] ?? '');
  const word = WORD_FORM.exec(text)?.groups;
  if (word !== undefined) return parseWordForm(text, word['word']?.toLowerCase() ?? '', word['rest'] ?? '');
  return parseHost(text, text, SCHEMES.smtp);
}

/**
 * Writes a destination so that `parseDestination` reads the same one.
 *
 * @example
 * ```ts
 * formatDestination({ kind: 'host', protocol: 'smtp', host: '::1', port: 465, isImplicitTLS: true }); // 'smtps://[::1]:465'
 * ```
 */
export function formatDestination(destination: Destination): string {
  switch (destination.kind) {
    case 'mx':
      return `mx:${destination.domain ?? ''}`;
    case 'unix':
      return `${destination.protocol === 'lmtp' ? 'lmtp:' : ''}unix:${destination.path}`;
    case 'host': {
      const { protocol, host, port, isImplicitTLS } = destination;
      const scheme = protocol === 'lmtp' ? 'lmtp' : isImplicitTLS ? 'smtps' : 'smtp';
      return `${scheme}://${host.includes(':') ? `[${host}]` : host}:${String(port)}`;
    }
    default:
      return assertNever(destination);
  }
}

function checkText(given: unknown): void {
  if (typeof given === 'string') return;
  throw badAddress(`A destination is a text, such as 'mail.example.org:25', not ${kindOf(given)}`);
}

/** `scheme://host`, `scheme://host:port`, and a slash behind it that means nothing. */
function parseURLForm(text: string, scheme: string, rest: string): Destination {
  refuseCredentials(rest);
  if (!isScheme(scheme)) {
    throw badAddress(`"${text}": mail does not go by ${scheme}; write smtp://, smtps:// or lmtp:// and a host`);
  }
  return parseHost(text, rest.replace(/\/$/, ''), SCHEMES[scheme]);
}

/** `mx:…`, and what looks like a form with `unix:` or `lmtp:` but lacks its path or its slashes. */
function parseWordForm(text: string, word: string, rest: string): Destination {
  // `mx:25` might be a host of that name. No domain is a number alone, but whoever wrote it meant one of the two.
  if (/^\d+$/.test(rest)) {
    throw badAddress(`"${text}" could be a host and its port; write smtp://${text} for a host of the name "${word}"`);
  }
  if (word !== 'mx') {
    const unix = word === 'unix' ? 'unix:/path' : 'lmtp:unix:/path';
    throw badAddress(`"${text}" lacks something; write ${unix} for a Unix socket, or lmtp://host:port`);
  }
  if (rest === '') return Object.freeze({ kind: 'mx', domain: undefined });
  const domain = asciiDomain(rest);
  if (domain === undefined) {
    throw badAddress(`"${text}": "${rest}" is no domain; write mx:example.org, or mx: for the recipient’s own domain`);
  }
  return Object.freeze({ kind: 'mx', domain });
}

function parseHost(text: string, hostAndPort: string, scheme: Scheme): HostDestination {
  refuseCredentials(hostAndPort);
  if (parseIPAddress(hostAndPort)?.length === 16) {
    throw badAddress(`"${text}": an IPv6 address needs brackets; write [${hostAndPort}]:${String(scheme.port ?? 24)}`);
  }
  const groups = HOST_AND_PORT.exec(hostAndPort)?.groups;
  const host = groups && (groups['literal'] === undefined ? hostName(groups['name'] ?? '') : ipv6(groups['literal']));
  if (groups === undefined || host === undefined) {
    throw badAddress(
      `"${text}" is no destination; write host, host:port, [IPv6]:port, smtps://host, lmtp://host:port, ` +
        'unix:/path, lmtp:unix:/path, mx:domain, or mx:',
    );
  }
  const port = groups['port'] === undefined ? scheme.port : Number(groups['port']);
  if (port === undefined) {
    throw badAddress(`"${text}": LMTP has no port of its own; write lmtp://host:port, or lmtp:unix:/path`);
  }
  if (!(port >= 1 && port <= 65_535)) throw badAddress(`"${text}": a port is 1 to 65535`);
  return Object.freeze({ kind: 'host', protocol: scheme.protocol, host, port, isImplicitTLS: scheme.isImplicitTLS });
}

/** The text is not repeated: it may hold a password. */
function refuseCredentials(text: string): void {
  if (!text.includes('@')) return;
  throw badAddress('A destination has no user and no password; write the host alone, and give the credentials apart');
}

function hostName(text: string): string | undefined {
  const address = parseIPAddress(text);
  return address === undefined ? asciiDomain(text) : formatIPAddress(address);
}

/** An IPv6 address in its one text form, so that two destinations are equal when they are the same; its zone stays. */
function ipv6(text: string): string | undefined {
  const [literal = '', zone] = text.split('%', 2);
  const address = parseIPAddress(literal);
  if (address?.length !== 16) return undefined;
  return zone === undefined ? formatIPAddress(address) : `${formatIPAddress(address)}%${zone}`;
}

function badAddress(message: string): UsageError {
  return new UsageError('SMTPD_BAD_ADDRESS', message);
}

function isScheme(text: string): text is keyof typeof SCHEMES {
  return Object.hasOwn(SCHEMES, text);
}

/** What the beginning of a destination says. */
interface Scheme {
  readonly protocol: 'smtp' | 'lmtp';
  readonly isImplicitTLS: boolean;
  /** RFC 2033 §5: LMTP must not be spoken on port 25, and has no other. */
  readonly port: number | undefined;
}

const SCHEMES = {
  smtp: { protocol: 'smtp', isImplicitTLS: false, port: 25 },
  // RFC 8314 §7.3: the port of submission over TLS from the start.
  smtps: { protocol: 'smtp', isImplicitTLS: true, port: 465 },
  lmtp: { protocol: 'lmtp', isImplicitTLS: false, port: undefined },
} as const satisfies Record<string, Scheme>;

const URL_FORM = /^(?<scheme>[A-Za-z][A-Za-z0-9+.-]*):\/\/(?<rest>.*)$/s;
// A path has a slash, as with listen addresses; one that begins with a slash or a dot needs no word in front of it.
const UNIX_FORM = /^(?:(?:(?<lmtp>lmtp[:+])?unix:(?=[^\0]*\/))|(?=\.{0,2}\/))(?<path>[^\0]+)$/is;
const WORD_FORM = /^(?<word>mx|unix|lmtp:unix|lmtp\+unix|lmtp):(?<rest>.*)$/is;
// An IPv6 address needs brackets: without them nobody can tell its last group from a port.
const HOST_AND_PORT =
  /^(?:\[(?<literal>[0-9A-Fa-f:.]+(?:%[0-9A-Za-z._~-]+)?)\]|(?<name>[^:[\]\s]+))(?::(?<port>\d{1,5}))?$/;
