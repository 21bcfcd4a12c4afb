/**
 * The header of the PROXY protocol, versions 1 and 2 (HAProxy's `doc/proxy-protocol.txt`, whose sections are named here): what a
 * proxy puts before the first octet of a connection, so that the server learns who the client is. In the walk it stands before
 * everything else, before TLS even. Who is believed is not decided here, and must be decided before: the server asks for a header
 * from proxies that it trusts, and never guesses whether there is one.
 *
 * Nothing is waited for that cannot come any more: the first octet that no header has at its place makes it `malformed`.
 */

import { UsageError } from './errors.js';
import {
  formatIPAddress,
  IPv4Reader,
  IPv6Reader,
  mappedToIPv6,
  NumberReader,
  parseIPAddress,
  unmappedIPv4,
  type AddressReader,
  type IPOctets,
} from './ip-address.js';
import { octetAt, octets } from './octets.js';

/** One end of the connection that the proxy took. */
export interface ProxyEndpoint {
  /** An IP address in its canonical text, or the path of a Unix socket; one in the abstract namespace begins with NUL. */
  readonly address: string;
  /** 0 for a Unix socket. */
  readonly port: number;
  /** An address like `::ffff:192.0.2.1` is told as what it means, IPv4. */
  readonly family: 'IPv4' | 'IPv6' | 'unix';
}

/** A type and its value, as they came. */
export interface ProxyTLV {
  readonly type: number;
  readonly value: Uint8Array;
}

/** What the proxy says of the client's TLS connection. Texts are the proxy's words, such as `TLSv1.3`. */
export interface ProxyTLSFacts {
  readonly version?: string;
  readonly cipher?: string;
  /** The common name in the client's certificate. Whether it was verified is another question. */
  readonly commonName?: string;
  readonly signatureAlgorithm?: string;
  readonly keyAlgorithm?: string;
  /** Whether the client showed a certificate, on this connection or earlier in its TLS session. */
  readonly hasClientCertificate: boolean;
  /** Whether it showed one and the proxy verified it. */
  readonly isClientCertificateVerified: boolean;
  /** What the fields above do not tell. */
  readonly tlvs: readonly ProxyTLV[];
}

/** What a header says. */
export interface ProxyHeader {
  /** `local`: the proxy speaks for itself, a health check for instance. `proxy`: it speaks for a client. */
  readonly command: 'local' | 'proxy';
  /** Who the client is. Absent together with `destination`: the proxy does not know, and the ends of the socket count. */
  readonly source?: ProxyEndpoint;
  /** What the client connected to. */
  readonly destination?: ProxyEndpoint;
  /** What names this connection in the proxy's log: up to 128 octets of any kind. */
  readonly uniqueId?: Uint8Array;
  /** The host name that the client asked for; with TLS that is its SNI. */
  readonly authority?: string;
  readonly alpn?: string;
  readonly networkNamespace?: string;
  /** Present when the client speaks TLS with the proxy. */
  readonly tls?: ProxyTLSFacts;
  /** What the fields above do not tell: unknown types, and texts that are no printable UTF-8. Empty in version 1. */
  readonly tlvs: readonly ProxyTLV[];
}

/** What is known after some octets. */
export type ProxyHeaderResult =
  | { readonly kind: 'needMore' }
  | {
      readonly kind: 'header';
      /** Behind these octets the client's begin. */
      readonly lengthBytes: number;
      readonly version: 1 | 2;
      readonly value: ProxyHeader;
    }
  | {
      readonly kind: 'malformed';
      /** Our words, never the peer's. */
      readonly reason: string;
    };

/**
 * Reads the header at the start of a connection.
 *
 * @param bytes - everything that has come so far; nothing of it is kept
 *
 * @example
 * ```ts
 * const bytes = octets.encodeLatin1('PROXY TCP4 192.0.2.1 198.51.100.1 56324 25\r\nEHLO client\r\n');
 * const result = decodeProxyHeader(bytes);
 * if (result.kind === 'header') result.value.source; // { address: '192.0.2.1', port: 56324, family: 'IPv4' }
 * decodeProxyHeader(octets.encodeLatin1('EHLO')); // { kind: 'malformed', reason: 'no PROXY header' }
 * ```
 */
export function decodeProxyHeader(bytes: Uint8Array): ProxyHeaderResult {
  if (bytes.length === 0) return NEED_MORE;
  return octetAt(bytes, 0) === octetAt(SIGNATURE, 0) ? decodeBinaryHeader(bytes) : decodeTextHeader(bytes);
}

/**
 * Writes a header: what a client sends first when it speaks for another.
 *
 * Version 1 tells IP addresses and nothing else; what it has no words for is `UNKNOWN`. A `local` header says nothing more.
 *
 * @param options - `hasChecksum` adds a CRC32C (version 2)
 * @throws {@link UsageError} when an address or a port is none, only one end is given, or a value is too long
 *
 * @example
 * ```ts
 * const source = { address: '192.0.2.1', port: 56324, family: 'IPv4' } as const;
 * const destination = { address: '198.51.100.1', port: 25, family: 'IPv4' } as const;
 * encodeProxyHeader({ command: 'proxy', source, destination, tlvs: [] }, { version: 2 }).length; // 28
 * ```
 */
export function encodeProxyHeader(
  header: ProxyHeader,
  options: { readonly version: 1 | 2; readonly hasChecksum?: boolean },
): Uint8Array {
  return options.version === 1 ? encodeTextHeader(header) : encodeBinaryHeader(header, options.hasChecksum ?? false);
}

// Version 1, section 2.1: one line of text.

function decodeTextHeader(bytes: Uint8Array): ProxyHeaderResult {
  // The last place for the CR. What stands there decides, so that a longer line is refused before its end.
  const isTooLong = bytes.length >= TEXT_BYTES_MAX - 1 && octetAt(bytes, TEXT_BYTES_MAX - 2) !== CR;
  if (!isTooLong) return decodeLine(bytes);
  const result = decodeLine(bytes.subarray(0, TEXT_BYTES_MAX - 2));
  return result.kind === 'needMore' ? malformed('the line is longer than 107 octets') : result;
}

function decodeLine(bytes: Uint8Array): ProxyHeaderResult {
  const start = scanWord(bytes, 0, ['PROXY '], 'no PROXY header');
  if (start.kind !== 'taken') return start;
  const protocol = scanWord(
    bytes,
    start.end,
    ['TCP4 ', 'TCP6 ', 'UNKNOWN'],
    'the protocol is not TCP4, TCP6 or UNKNOWN',
  );
  if (protocol.kind !== 'taken') return protocol;
  return protocol.value === 'UNKNOWN'
    ? decodeUnknown(bytes, protocol.end)
    : decodeAddresses(bytes, protocol.end, protocol.value === 'TCP4' ? () => new IPv4Reader() : () => new IPv6Reader());
}

/** What stands between `UNKNOWN` and CRLF is ignored. A lone CR or LF is no part of it: it would be the end for someone else. */
function decodeUnknown(bytes: Uint8Array, start: number): ProxyHeaderResult {
  for (let at = start; at < bytes.length; at += 1) {
    const octet = octetAt(bytes, at);
    if (octet === CR) return decodeLineEnd(bytes, at + 1, { command: 'proxy', tlvs: [] });
    if (octet === LF || (at === start && octet !== SPACE)) return malformed('UNKNOWN ends in neither a space nor CRLF');
  }
  return NEED_MORE;
}

function decodeAddresses(bytes: Uint8Array, start: number, newReader: () => AddressReader): ProxyHeaderResult {
  const source = scanField(bytes, start, newReader(), SPACE, 'the source address is none');
  if (source.kind !== 'taken') return source;
  const destination = scanField(bytes, source.end, newReader(), SPACE, 'the destination address is none');
  if (destination.kind !== 'taken') return destination;
  const sourcePort = scanField(bytes, destination.end, new NumberReader(65_535), SPACE, 'the source port is none');
  if (sourcePort.kind !== 'taken') return sourcePort;
  const port = scanField(bytes, sourcePort.end, new NumberReader(65_535), CR, 'the destination port is none');
  if (port.kind !== 'taken') return port;
  return decodeLineEnd(bytes, port.end, {
    command: 'proxy',
    source: ipEndpoint(source.value, sourcePort.value),
    destination: ipEndpoint(destination.value, port.value),
    tlvs: [],
  });
}

/** The LF behind the CR. */
function decodeLineEnd(bytes: Uint8Array, at: number, value: ProxyHeader): ProxyHeaderResult {
  if (at >= bytes.length) return NEED_MORE;
  if (octetAt(bytes, at) !== LF) return malformed('CR without LF');
  return { kind: 'header', lengthBytes: at + 1, version: 1, value };
}

/** What a scanner says of one part: its value and the place behind it, or what is the answer for the whole. */
type Scanned<T> =
  | { readonly kind: 'taken'; readonly end: number; readonly value: T }
  | Exclude<ProxyHeaderResult, { readonly kind: 'header' }>;

/** One of some words. None is the beginning of another. */
function scanWord(bytes: Uint8Array, start: number, words: readonly string[], reason: string): Scanned<string> {
  const text = octets.decodeLatin1(bytes, start, Math.min(bytes.length, start + WORD_BYTES_MAX));
  for (const word of words) {
    if (text.startsWith(word)) return { kind: 'taken', end: start + word.length, value: word.trimEnd() };
    if (word.startsWith(text)) return NEED_MORE;
  }
  return malformed(reason);
}

/** A field and the octet that ends it. */
function scanField<T>(
  bytes: Uint8Array,
  start: number,
  reader: { take(code: number): boolean; finish(): T | undefined },
  terminator: number,
  reason: string,
): Scanned<T> {
  for (let at = start; at < bytes.length; at += 1) {
    const octet = octetAt(bytes, at);
    if (octet === terminator) {
      const value = reader.finish();
      return value === undefined ? malformed(reason) : { kind: 'taken', end: at + 1, value };
    }
    if (!reader.take(octet)) return malformed(reason);
  }
  return NEED_MORE;
}

function encodeTextHeader({ command, source, destination }: ProxyHeader): Uint8Array {
  const ends = command === 'proxy' ? endpointsOf(source, destination) : undefined;
  if (ends === undefined || ends.kind === 'unix') return octets.encodeLatin1('PROXY UNKNOWN\r\n');
  const { protocol, addresses, ports } = ends;
  return octets.encodeLatin1(`PROXY ${protocol} ${[...addresses.map(formatIPAddress), ...ports].join(' ')}\r\n`);
}

// Version 2, section 2.2: sixteen octets, then a block of addresses and TLVs.

function decodeBinaryHeader(bytes: Uint8Array): ProxyHeaderResult {
  for (let at = 0; at < Math.min(bytes.length, SIGNATURE.length); at += 1) {
    if (octetAt(bytes, at) !== octetAt(SIGNATURE, at)) return malformed('no PROXY header');
  }
  if (bytes.length <= VERSION_AT) return NEED_MORE;
  const versionAndCommand = octetAt(bytes, VERSION_AT);
  if (versionAndCommand >> 4 !== 2) return malformed('the version is not 2');
  if (versionAndCommand !== VERSION_AND_LOCAL && versionAndCommand !== VERSION_AND_PROXY) {
    return malformed('the command is neither LOCAL nor PROXY');
  }
  const isLocal = versionAndCommand === VERSION_AND_LOCAL;

  if (bytes.length <= FAMILY_AT) return NEED_MORE;
  // The block of a LOCAL header is skipped, whatever it is; its family means nothing.
  const family = isLocal ? FAMILY_UNSPECIFIED : octetAt(bytes, FAMILY_AT);
  const addressBytes = ADDRESS_BYTES.get(family);
  if (addressBytes === undefined) {
    return malformed((family & 0xf) === DATAGRAM ? 'the connection is of datagrams' : 'the address family is unknown');
  }

  if (bytes.length <= LENGTH_AT) return NEED_MORE;
  const tooLong = malformed(`the header is longer than ${String(PROXY_HEADER_BYTES_MAX)} octets`);
  if (octetAt(bytes, LENGTH_AT) << 8 > BLOCK_BYTES_MAX) return tooLong;
  if (bytes.length < FIXED_BYTES) return NEED_MORE;
  const blockBytes = uint16At(bytes, LENGTH_AT);
  if (blockBytes > BLOCK_BYTES_MAX) return tooLong;
  if (blockBytes < addressBytes) return malformed('the length leaves no room for the addresses');

  const lengthBytes = FIXED_BYTES + blockBytes;
  const header = bytes.subarray(0, lengthBytes);
  if (!isLocal) {
    const fault = tlvFault(header, FIXED_BYTES + addressBytes, lengthBytes, HEADER_TYPES);
    if (fault !== undefined) return malformed(fault);
  }
  if (header.length < lengthBytes) return NEED_MORE;
  if (isLocal) return { kind: 'header', lengthBytes, version: 2, value: { command: 'local', tlvs: [] } };
  const tlvs = readTLVs(header, FIXED_BYTES + addressBytes);
  if (!isChecksumRight(header, tlvs)) return malformed('the checksum is wrong');
  const value: ProxyHeader = { command: 'proxy', ...readEndpoints(header, family), ...readFacts(tlvs) };
  return { kind: 'header', lengthBytes, version: 2, value };
}

function readEndpoints(header: Uint8Array, family: number): Pick<ProxyHeader, 'source' | 'destination'> {
  if (family === FAMILY_UNSPECIFIED) return {};
  const [first, second] = [FIXED_BYTES, FIXED_BYTES + UNIX_BYTES];
  if (family === FAMILY_UNIX) {
    return { source: readUnixEndpoint(header, first), destination: readUnixEndpoint(header, second) };
  }
  const bytes = family === FAMILY_IPV4 ? 4 : 16;
  const at = (index: number): IPOctets => [
    ...header.subarray(FIXED_BYTES + index * bytes, FIXED_BYTES + (index + 1) * bytes),
  ];
  const portsAt = FIXED_BYTES + 2 * bytes;
  return {
    source: ipEndpoint(at(0), uint16At(header, portsAt)),
    destination: ipEndpoint(at(1), uint16At(header, portsAt + 2)),
  };
}

/** A path ends at its first NUL; a name of the abstract namespace, which begins with one, before the NULs at its end. */
function readUnixEndpoint(header: Uint8Array, start: number): ProxyEndpoint {
  const field = header.subarray(start, start + UNIX_BYTES);
  const isAbstract = octetAt(field, 0) === 0;
  const nul = field.indexOf(0);
  const end = isAbstract ? field.findLastIndex((octet) => octet !== 0) + 1 : nul < 0 ? field.length : nul;
  const name = field.subarray(0, end);
  // A file name is any octets: those that are no UTF-8 are shown one by one.
  return { address: octets.decodeUTF8(name) ?? octets.decodeLatin1(name, 0, end), port: 0, family: 'unix' };
}

/** An IPv4 client of a proxy that listens on IPv6 is an IPv4 client. */
function ipEndpoint(address: IPOctets, port: number): ProxyEndpoint {
  const shortest = unmappedIPv4(address) ?? address;
  return { address: formatIPAddress(shortest), port, family: shortest.length === 4 ? 'IPv4' : 'IPv6' };
}

/** What a type may hold, and whether it holds types of its own. Every type named here comes once at most. */
interface TypeRule {
  readonly bytesMin: number;
  readonly bytesMax: number;
  readonly inner?: ReadonlyMap<number, TypeRule>;
}

/**
 * What is wrong with the TLVs in `bytes[start..end)`, as far as they have come. Every check looks at nothing behind the place that
 * it is for, so more octets never change an answer.
 */
function tlvFault(
  bytes: Uint8Array,
  start: number,
  end: number,
  rules: ReadonlyMap<number, TypeRule>,
): string | undefined {
  const seen = new Set<number>();
  let at = start;
  while (at < end) {
    if (end - at < TLV_HEAD_BYTES) return 'the end cuts a type from its length';
    if (bytes.length <= at) return undefined;
    const type = octetAt(bytes, at);
    const rule = rules.get(type);
    // Which of two counts would be a guess.
    if (rule !== undefined && seen.has(type)) return 'a type comes twice';
    if (rule !== undefined) seen.add(type);

    if (bytes.length < at + TLV_HEAD_BYTES) return undefined;
    const valueBytes = uint16At(bytes, at + 1);
    const valueAt = at + TLV_HEAD_BYTES;
    if (valueAt + valueBytes > end) return 'a value is longer than what holds it';
    if (rule !== undefined) {
      if (valueBytes < rule.bytesMin || valueBytes > rule.bytesMax) return 'a value has not the length of its type';
      if (rule.inner !== undefined) {
        const fault = tlvFault(bytes, valueAt + TLS_FIXED_BYTES, valueAt + valueBytes, rule.inner);
        if (fault !== undefined) return fault;
      }
    }
    at = valueAt + valueBytes;
  }
  return undefined;
}

/** A TLV and where its value was. */
interface PlacedTLV extends ProxyTLV {
  readonly valueAt: number;
}

/** The TLVs from `start` to the end, of which `tlvFault` has nothing to say. Values are copies. */
function readTLVs(bytes: Uint8Array, start: number): PlacedTLV[] {
  const tlvs: PlacedTLV[] = [];
  for (let at = start; at < bytes.length;) {
    const valueAt = at + TLV_HEAD_BYTES;
    const end = valueAt + uint16At(bytes, at + 1);
    tlvs.push({ type: octetAt(bytes, at), value: new Uint8Array(bytes.subarray(valueAt, end)), valueAt });
    at = end;
  }
  return tlvs;
}

/** Section 2.2.3: computed over the whole header, with zeros where the checksum stands. */
function isChecksumRight(header: Uint8Array, tlvs: readonly PlacedTLV[]): boolean {
  const checksum = tlvs.find((tlv) => tlv.type === TYPE_CRC32C);
  if (checksum === undefined) return true;
  const zeroed = new Uint8Array(header);
  zeroed.fill(0, checksum.valueAt, checksum.valueAt + 4);
  return crc32c(zeroed) === uint32At(checksum.value, 0);
}

type HeaderFacts = Omit<ProxyHeader, 'command' | 'source' | 'destination'>;

function readFacts(tlvs: readonly ProxyTLV[]): HeaderFacts {
  const facts: { -readonly [Name in keyof HeaderFacts]: HeaderFacts[Name] } = { tlvs: [] };
  const rest: ProxyTLV[] = [];
  for (const { type, value } of tlvs) {
    if (type === TYPE_NOOP || type === TYPE_CRC32C) continue;
    const name = HEADER_TEXTS.get(type);
    const text = name === undefined ? undefined : readableText(value);
    if (name !== undefined && text !== undefined) facts[name] = text;
    else if (type === TYPE_UNIQUE_ID) facts.uniqueId = value;
    else if (type !== TYPE_TLS) rest.push({ type, value });
    else if ((octetAt(value, 0) & CLIENT_TLS) !== 0) facts.tls = readTLSFacts(value);
  }
  return { ...facts, tlvs: rest };
}

/** Section 2.2.6. */
function readTLSFacts(value: Uint8Array): ProxyTLSFacts {
  const hasClientCertificate = (octetAt(value, 0) & (CLIENT_CERTIFICATE_CONNECTION | CLIENT_CERTIFICATE_SESSION)) !== 0;
  const facts: { -readonly [Name in keyof ProxyTLSFacts]: ProxyTLSFacts[Name] } = {
    hasClientCertificate,
    // Proxies write 0 for a client without a certificate, too: nothing went wrong. It was not verified.
    isClientCertificateVerified: hasClientCertificate && uint32At(value, 1) === 0,
    tlvs: [],
  };
  const rest: ProxyTLV[] = [];
  for (const { type, value: inner } of readTLVs(value, TLS_FIXED_BYTES)) {
    const name = TLS_TEXTS.get(type);
    const text = name === undefined ? undefined : readableText(inner);
    if (name !== undefined && text !== undefined) facts[name] = text;
    else rest.push({ type, value: inner });
  }
  return { ...facts, tlvs: rest };
}

/** Some of these texts are the client's words, and end up in logs: they are text when they are UTF-8 without controls. */
function readableText(value: Uint8Array): string | undefined {
  const text = octets.decodeUTF8(value);
  return text === undefined || text === '' || CONTROL.test(text) ? undefined : text;
}

function encodeBinaryHeader(header: ProxyHeader, hasChecksum: boolean): Uint8Array {
  const isLocal = header.command === 'local';
  const ends = isLocal ? undefined : endpointsOf(header.source, header.destination);
  const tlvs = isLocal ? [] : headerTLVs(header);
  if (hasChecksum) tlvs.push({ type: TYPE_CRC32C, value: new Uint8Array(4) });
  const block = octets.concat([...(ends === undefined ? [] : [ends.block]), ...tlvs.map(encodeTLV)]);
  if (block.length > 65_535) throw badHeader('The header is longer than 65,551 octets');
  const family = ends?.family ?? FAMILY_UNSPECIFIED;
  const command = isLocal ? VERSION_AND_LOCAL : VERSION_AND_PROXY;
  const bytes = octets.concat([SIGNATURE, Uint8Array.of(command, family, ...uint16(block.length)), block]);
  // The checksum is the last value: it stands in the last four octets.
  if (hasChecksum) bytes.set([...uint16(crc32c(bytes) >>> 16), ...uint16(crc32c(bytes) & 0xffff)], bytes.length - 4);
  const fault = tlvFault(bytes, FIXED_BYTES + (ends?.block.length ?? 0), bytes.length, HEADER_TYPES);
  if (fault !== undefined) throw badHeader(`The header would be refused: ${fault}`);
  return bytes;
}

function headerTLVs(header: ProxyHeader): ProxyTLV[] {
  const tlvs = textTLVs(HEADER_TEXTS, header);
  if (header.uniqueId !== undefined) tlvs.push({ type: TYPE_UNIQUE_ID, value: header.uniqueId });
  if (header.tls !== undefined) tlvs.push({ type: TYPE_TLS, value: encodeTLSFacts(header.tls) });
  return [...tlvs, ...header.tlvs];
}

function encodeTLSFacts(facts: ProxyTLSFacts): Uint8Array {
  const flags =
    CLIENT_TLS | (facts.hasClientCertificate ? CLIENT_CERTIFICATE_CONNECTION | CLIENT_CERTIFICATE_SESSION : 0);
  const fixed = Uint8Array.of(flags, 0, 0, 0, facts.isClientCertificateVerified ? 0 : 1);
  return octets.concat([fixed, ...[...textTLVs(TLS_TEXTS, facts), ...facts.tlvs].map(encodeTLV)]);
}

function textTLVs<Name extends string>(
  types: ReadonlyMap<number, Name>,
  values: Readonly<Partial<Record<Name, string>>>,
): ProxyTLV[] {
  const tlvs: ProxyTLV[] = [];
  for (const [type, name] of types) {
    const text = values[name];
    if (text === undefined) continue;
    const value = octets.encodeUTF8(text);
    if (readableText(value) !== text) throw badHeader(`${name} is text with a control character, or empty`);
    tlvs.push({ type, value });
  }
  return tlvs;
}

function encodeTLV({ type, value }: ProxyTLV): Uint8Array {
  if (value.length > 65_535) throw badHeader('A value is longer than 65,535 octets');
  return octets.concat([Uint8Array.of(type, ...uint16(value.length)), value]);
}

/** Both ends, as either version writes them. */
type WrittenEndpoints =
  | {
      readonly kind: 'ip';
      readonly protocol: 'TCP4' | 'TCP6';
      readonly addresses: readonly IPOctets[];
      readonly ports: readonly number[];
      readonly family: number;
      readonly block: Uint8Array;
    }
  | { readonly kind: 'unix'; readonly family: number; readonly block: Uint8Array };

function endpointsOf(
  source: ProxyEndpoint | undefined,
  destination: ProxyEndpoint | undefined,
): WrittenEndpoints | undefined {
  if (source === undefined && destination === undefined) return undefined;
  if (source === undefined || destination === undefined) throw badHeader('A header tells both ends or none');
  const both = [source, destination];
  const unixCount = both.filter((end) => end.family === 'unix').length;
  if (unixCount === 1) throw badHeader('One end is an IP address, the other a Unix socket; no header can say that');
  if (unixCount === 2) return { kind: 'unix', family: FAMILY_UNIX, block: octets.concat(both.map(encodeUnixEndpoint)) };

  const parsed = both.map(parseEndpoint);
  // One family for both: an IPv4 address has a form in IPv6.
  const isIPv4 = parsed.every((address) => address.length === 4);
  const addresses = isIPv4 ? parsed : parsed.map(mappedToIPv6);
  const ports = both.map(({ port }) => port);
  return {
    kind: 'ip',
    protocol: isIPv4 ? 'TCP4' : 'TCP6',
    addresses,
    ports,
    family: isIPv4 ? FAMILY_IPV4 : FAMILY_IPV6,
    block: Uint8Array.of(...addresses.flat(), ...ports.flatMap(uint16)),
  };
}

function parseEndpoint({ address, port, family }: ProxyEndpoint): IPOctets {
  const parsed = parseIPAddress(address);
  if (parsed?.length !== (family === 'IPv4' ? 4 : 16)) throw badHeader(`"${address}" is no ${family} address`);
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw badHeader(`A port is 0 to 65535, not ${String(port)}`);
  return parsed;
}

function encodeUnixEndpoint({ address }: ProxyEndpoint): Uint8Array {
  const name = octets.encodeUTF8(address);
  if (name.length > UNIX_BYTES) throw badHeader(`The path of a Unix socket has ${String(UNIX_BYTES)} octets at most`);
  const field = new Uint8Array(UNIX_BYTES);
  field.set(name);
  // A NUL would end the path early, and half a surrogate pair has no octets.
  if (readUnixEndpoint(field, 0).address !== address)
    throw badHeader('The path of a Unix socket has a NUL or is no text');
  return field;
}

function uint16At(bytes: Uint8Array, at: number): number {
  return (octetAt(bytes, at) << 8) | octetAt(bytes, at + 1);
}

function uint32At(bytes: Uint8Array, at: number): number {
  return uint16At(bytes, at) * 0x1_0000 + uint16At(bytes, at + 2);
}

function uint16(value: number): readonly [number, number] {
  return [value >> 8, value & 0xff];
}

/** CRC-32 with Castagnoli's polynomial, as section 2.2.3 asks. */
function crc32c(bytes: Uint8Array): number {
  let crc = 0xffff_ffff;
  for (const octet of bytes) {
    crc ^= octet;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc & 1) === 0 ? crc >>> 1 : (crc >>> 1) ^ 0x82f6_3b78;
  }
  return (crc ^ 0xffff_ffff) >>> 0;
}

function malformed(reason: string): Extract<ProxyHeaderResult, { readonly kind: 'malformed' }> {
  return { kind: 'malformed', reason };
}

function badHeader(message: string): UsageError {
  return new UsageError('SMTPD_BAD_OPTION', message);
}

const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;

const NEED_MORE = Object.freeze({ kind: 'needMore' });

/** Section 2.1: the longest line, `UNKNOWN` with two full IPv6 addresses. */
const TEXT_BYTES_MAX = 107;
/** `UNKNOWN`. */
const WORD_BYTES_MAX = 7;

const SIGNATURE = Uint8Array.of(0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a);
const VERSION_AT = 12;
const FAMILY_AT = 13;
const LENGTH_AT = 14;
const FIXED_BYTES = 16;
/**
 * The length field could say 65,535. A sender keeps the header within one segment (section 2.2), and with Unix addresses, a host
 * name, a unique id and all that is told of TLS it has about 1,000 octets: four times that is enough for types of one's own.
 */
const BLOCK_BYTES_MAX = 4096;
/** No header is longer, and nobody is asked for more before the answer. */
export const PROXY_HEADER_BYTES_MAX = FIXED_BYTES + BLOCK_BYTES_MAX;

const VERSION_AND_LOCAL = 0x20;
const VERSION_AND_PROXY = 0x21;

const FAMILY_UNSPECIFIED = 0x00;
const FAMILY_IPV4 = 0x11;
const FAMILY_IPV6 = 0x21;
const FAMILY_UNIX = 0x31;
const DATAGRAM = 0x2;
const UNIX_BYTES = 108;
/** How long the addresses of a family and their ports are: all that mail can come by. */
const ADDRESS_BYTES: ReadonlyMap<number, number> = new Map([
  [FAMILY_UNSPECIFIED, 0],
  [FAMILY_IPV4, 12],
  [FAMILY_IPV6, 36],
  [FAMILY_UNIX, 2 * UNIX_BYTES],
]);

const TLV_HEAD_BYTES = 3;
const TYPE_ALPN = 0x01;
const TYPE_AUTHORITY = 0x02;
const TYPE_CRC32C = 0x03;
const TYPE_NOOP = 0x04;
const TYPE_UNIQUE_ID = 0x05;
const TYPE_TLS = 0x20;
const TYPE_NETWORK_NAMESPACE = 0x30;

/** The flags and the result of the verification, before the types within `TYPE_TLS`. */
const TLS_FIXED_BYTES = 5;
const CLIENT_TLS = 0x01;
const CLIENT_CERTIFICATE_CONNECTION = 0x02;
const CLIENT_CERTIFICATE_SESSION = 0x04;

/** The fields that are text, by their type. */
const HEADER_TEXTS: ReadonlyMap<number, 'alpn' | 'authority' | 'networkNamespace'> = new Map([
  [TYPE_ALPN, 'alpn'],
  [TYPE_AUTHORITY, 'authority'],
  [TYPE_NETWORK_NAMESPACE, 'networkNamespace'],
]);
const TLS_TEXTS: ReadonlyMap<number, 'version' | 'commonName' | 'cipher' | 'signatureAlgorithm' | 'keyAlgorithm'> =
  new Map([
    [0x21, 'version'],
    [0x22, 'commonName'],
    [0x23, 'cipher'],
    [0x24, 'signatureAlgorithm'],
    [0x25, 'keyAlgorithm'],
  ]);

const ANY_LENGTH: TypeRule = { bytesMin: 0, bytesMax: 65_535 };
const TLS_TYPES: ReadonlyMap<number, TypeRule> = new Map([...TLS_TEXTS.keys()].map((type) => [type, ANY_LENGTH]));
const HEADER_TYPES: ReadonlyMap<number, TypeRule> = new Map([
  [TYPE_ALPN, ANY_LENGTH],
  [TYPE_AUTHORITY, ANY_LENGTH],
  [TYPE_CRC32C, { bytesMin: 4, bytesMax: 4 }],
  [TYPE_UNIQUE_ID, { bytesMin: 0, bytesMax: 128 }],
  [TYPE_TLS, { bytesMin: TLS_FIXED_BYTES, bytesMax: 65_535, inner: TLS_TYPES }],
  [TYPE_NETWORK_NAMESPACE, ANY_LENGTH],
]);

// eslint-disable-next-line no-control-regex -- it is what is looked for
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;
