/**
 * Sets of networks as people write them: `192.0.2.0/24`, `2001:db8::/32`, `::1`, `loopback`, `private`, `all`. They say who is
 * believed (a proxy) or let through; what follows from that is decided by whoever asks.
 */

import type { EndpointAddress } from '../net/transport.js';
import { UsageError } from '../protocol/errors.js';
import { formatIPAddress, parseIPAddress, unmappedIPv4, type IPOctets } from '../protocol/ip-address.js';

/**
 * Some networks.
 *
 * @example
 * ```ts
 * const proxies = NetworkSet.parse('loopback, 192.0.2.0/24');
 * proxies.has({ address: '192.0.2.7', port: 40_000, family: 'IPv4' }); // true
 * ```
 */
export class NetworkSet {
  readonly #networks: readonly Network[];
  readonly #hasLocal: boolean;

  private constructor(networks: readonly Network[], hasLocal: boolean) {
    this.#networks = networks;
    this.#hasLocal = hasLocal;
  }

  /**
   * Reads a list: text with commas or blanks between the networks, or an array of such texts. An empty list is a set with nobody.
   *
   * An address is a network of its own. `loopback` is this machine (127.0.0.0/8, ::1, Unix sockets), `private` what
   * is never routed beyond a site (10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, fc00::/7, and the link-local 169.254.0.0/16 and
   * fe80::/10), `all` is everybody.
   *
   * @throws {@link UsageError} `SMTPD_BAD_NETWORK`
   */
  static parse(list: string | readonly string[]): NetworkSet {
    const words = (Array.isArray(list) ? list : [list]).flatMap(wordsOf);
    return new NetworkSet(
      words.flatMap((word) => NAMED_NETWORKS.get(word) ?? [parseNetwork(word)]),
      words.some((word) => LOCAL_NAMES.has(word)),
    );
  }

  /** Whether the peer is in one of the networks. One that came by a Unix socket, or never left the process, is `loopback`. */
  has({ address, family }: EndpointAddress): boolean {
    if (family === 'unix' || family === 'memory') return this.#hasLocal;
    // The usual case, asked for each connection.
    if (this.#networks.length === 0) return false;
    const octets = parseIPAddress(withoutZone(address));
    if (octets === undefined) return false;
    const shortest = unmappedIPv4(octets) ?? octets;
    return this.#networks.some((network) => isWithin(shortest, network));
  }
}

/** The first `bits` of an address. IPv4 addresses are never told as IPv6. */
interface Network {
  readonly octets: IPOctets;
  readonly bits: number;
}

function wordsOf(text: unknown): readonly string[] {
  if (typeof text !== 'string') throw badNetwork(`A network is text such as 192.0.2.0/24, not ${String(text)}`);
  return text.split(/[\s,]+/).filter((word) => word !== '');
}

function parseNetwork(text: string): Network {
  const slash = text.indexOf('/');
  const given = parseIPAddress(slash < 0 ? text : text.slice(0, slash));
  if (given === undefined) throw badNetwork(`"${text}" is no network; ${HOW_TO}`);

  const bitsMax = given.length * 8;
  const bits = slash < 0 ? bitsMax : parseBits(text.slice(slash + 1));
  if (bits === undefined || bits > bitsMax) {
    throw badNetwork(`"${text}": behind the slash is a number of bits, 0 to ${String(bitsMax)}`);
  }
  const start = given.map((octet, at) => octet & maskOf(bits, at));
  // Somebody who writes 192.0.2.7/24 means either the one or the other; which, we cannot know.
  if (start.some((octet, at) => octet !== given[at])) {
    const network = `${formatIPAddress(start)}/${String(bits)}`;
    throw badNetwork(`"${text}" has bits behind its ${String(bits)}; write ${network} or ${formatIPAddress(given)}`);
  }
  const ipv4 = bits >= MAPPED_BITS ? unmappedIPv4(given) : undefined;
  return ipv4 === undefined ? { octets: given, bits } : { octets: ipv4, bits: bits - MAPPED_BITS };
}

function parseBits(text: string): number | undefined {
  return /^(?:0|[1-9]\d{0,2})$/.test(text) ? Number(text) : undefined;
}

function isWithin(address: IPOctets, { octets, bits }: Network): boolean {
  return (
    address.length === octets.length && octets.every((octet, at) => ((address[at] ?? 0) & maskOf(bits, at)) === octet)
  );
}

/** Which bits of the octet at `at` are among the first `bits` of the address. */
function maskOf(bits: number, at: number): number {
  const count = Math.max(0, Math.min(8, bits - at * 8));
  return (0xff00 >> count) & 0xff;
}

/** A link-local address names the interface that it is reached by: `fe80::1%eth0`. */
function withoutZone(address: string): string {
  const percent = address.indexOf('%');
  return percent < 0 ? address : address.slice(0, percent);
}

function badNetwork(message: string): UsageError {
  return new UsageError('SMTPD_BAD_NETWORK', message);
}

const HOW_TO = 'write an address, a network such as 192.0.2.0/24 or 2001:db8::/32, "loopback", "private" or "all"';
/** How many bits stand before the IPv4 address in one like `::ffff:192.0.2.1`. */
const MAPPED_BITS = 96;

const NAMED_NETWORKS: ReadonlyMap<string, readonly Network[]> = new Map([
  ['loopback', ['127.0.0.0/8', '::1'].map(parseNetwork)],
  [
    'private',
    ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '169.254.0.0/16', 'fc00::/7', 'fe80::/10'].map(parseNetwork),
  ],
  ['all', ['0.0.0.0/0', '::/0'].map(parseNetwork)],
]);
const LOCAL_NAMES: ReadonlySet<string> = new Set(['loopback', 'all']);
