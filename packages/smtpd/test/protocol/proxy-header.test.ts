/** PROXY headers: what they say, the first octet that none of them has, and laws over generated ones. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { UsageError } from '../../src/protocol/errors.js';
import { formatIPAddress, parseIPAddress } from '../../src/protocol/ip-address.js';
import { octets } from '../../src/protocol/octets.js';
import {
  decodeProxyHeader,
  encodeProxyHeader,
  PROXY_HEADER_BYTES_MAX,
  type ProxyEndpoint,
  type ProxyHeader,
  type ProxyHeaderResult,
} from '../../src/protocol/proxy-header.js';

const SIGNATURE = '0d0a0d0a000d0a515549540a';
const IPV4_ENDS = 'c0000201c6336401dc040019';
const SOURCE: ProxyEndpoint = { address: '192.0.2.1', port: 56_324, family: 'IPv4' };
const DESTINATION: ProxyEndpoint = { address: '198.51.100.1', port: 25, family: 'IPv4' };

const latin1 = (text: string): Uint8Array => octets.encodeLatin1(text);
const fromHex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'));
const hex = (bytes: Uint8Array | string): string => Buffer.from(bytes).toString('hex');

/** A version 2 header over IPv4 with these TLVs, in hexadecimal. */
function withTLVs(tlvs: string): Uint8Array {
  return binary('2111', IPV4_ENDS + tlvs);
}

function binary(versionCommandFamily: string, block: string, lengthBytes = block.length / 2): Uint8Array {
  return fromHex(SIGNATURE + versionCommandFamily + lengthBytes.toString(16).padStart(4, '0') + block);
}

function tlv(type: number, value: Uint8Array | string): string {
  const bytes = Buffer.from(value);
  return hex(Uint8Array.of(type, bytes.length >> 8, bytes.length & 0xff)) + hex(bytes);
}

/** The value of the header that the octets are, to their end. */
function decode(bytes: Uint8Array): ProxyHeader {
  const result = decodeProxyHeader(bytes);
  if (result.kind !== 'header') throw new Error(JSON.stringify(result));
  expect(result.lengthBytes).toBe(bytes.length);
  return result.value;
}

/** The answer to each beginning of the octets, up to the first that is not `needMore`, and how many octets that took. */
function decodeOctetByOctet(bytes: Uint8Array): { readonly taken: number; readonly result: ProxyHeaderResult } {
  for (let taken = 0; ; taken += 1) {
    const result = decodeProxyHeader(bytes.slice(0, taken));
    if (result.kind !== 'needMore' || taken === bytes.length) return { taken, result };
  }
}

describe('version 1', () => {
  it('tells both ends', () => {
    const text = 'PROXY TCP4 192.0.2.1 198.51.100.1 56324 25\r\n';
    expect(decodeProxyHeader(latin1(`${text}EHLO client\r\n`))).toEqual({
      kind: 'header',
      lengthBytes: text.length,
      version: 1,
      value: { command: 'proxy', source: SOURCE, destination: DESTINATION, tlvs: [] },
    });
  });

  it('tells an IPv6 address in its one text, and a mapped one as IPv4', () => {
    const { source, destination } = decode(latin1('PROXY TCP6 2001:DB8:0:0:0:0:0:1 ::ffff:192.0.2.7 0 65535\r\n'));
    expect(source).toEqual({ address: '2001:db8::1', port: 0, family: 'IPv6' });
    expect(destination).toEqual({ address: '192.0.2.7', port: 65_535, family: 'IPv4' });
  });

  it.each(['PROXY UNKNOWN\r\n', 'PROXY UNKNOWN \r\n', 'PROXY UNKNOWN ffff::1 \0\xff:: x 1 2\r\n'])(
    '%j says that the ends of the socket count',
    (text) => {
      expect(decode(latin1(text))).toEqual({ command: 'proxy', tlvs: [] });
    },
  );

  it.each([
    ['EHLO client.example\r\n', 0, 'no PROXY header'],
    ['PROXYY', 5, 'no PROXY header'],
    ['PROPFIND', 3, 'no PROXY header'],
    ['proxy TCP4', 0, 'no PROXY header'],
    ['PROXY  TCP4', 6, 'the protocol is not TCP4, TCP6 or UNKNOWN'],
    ['PROXY UDP4', 7, 'the protocol is not TCP4, TCP6 or UNKNOWN'],
    ['PROXY TCP5', 9, 'the protocol is not TCP4, TCP6 or UNKNOWN'],
    ['PROXY TCP4\r\n', 10, 'the protocol is not TCP4, TCP6 or UNKNOWN'],
    ['PROXY TCP4  192.0.2.1', 11, 'the source address is none'],
    ['PROXY TCP4 ::1', 11, 'the source address is none'],
    ['PROXY TCP4 192.0.02.1', 18, 'the source address is none'],
    ['PROXY TCP4 192.0.256.1', 19, 'the source address is none'],
    ['PROXY TCP4 192.0.2 ', 18, 'the source address is none'],
    ['PROXY TCP4 192.0.2.1\t', 20, 'the source address is none'],
    ['PROXY TCP4 192.0.2.1 1.2.3.4.', 28, 'the destination address is none'],
    ['PROXY TCP6 192.0.2.1', 14, 'the source address is none'],
    ['PROXY TCP6 fe80::1%eth0', 18, 'the source address is none'],
    ['PROXY TCP6 ::1 1:2:3:4:5:6:7:8:', 30, 'the destination address is none'],
    ['PROXY TCP4 1.2.3.4 1.2.3.4 025', 28, 'the source port is none'],
    ['PROXY TCP4 1.2.3.4 1.2.3.4 65536', 31, 'the source port is none'],
    ['PROXY TCP4 1.2.3.4 1.2.3.4 -1', 27, 'the source port is none'],
    ['PROXY TCP4 1.2.3.4 1.2.3.4  25', 27, 'the source port is none'],
    ['PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n', 28, 'the source port is none'],
    ['PROXY TCP4 1.2.3.4 1.2.3.4 1 2 \r\n', 30, 'the destination port is none'],
    ['PROXY TCP4 1.2.3.4 1.2.3.4 1 2\n', 30, 'the destination port is none'],
    ['PROXY TCP4 1.2.3.4 1.2.3.4 1 \r\n', 29, 'the destination port is none'],
    ['PROXY TCP4 1.2.3.4 1.2.3.4 1 2\rE', 31, 'CR without LF'],
    ['PROXY UNKNOWNS\r\n', 13, 'UNKNOWN ends in neither a space nor CRLF'],
    ['PROXY UNKNOWN\nEHLO x\r\n', 13, 'UNKNOWN ends in neither a space nor CRLF'],
    ['PROXY UNKNOWN x\nEHLO x\r\n', 15, 'UNKNOWN ends in neither a space nor CRLF'],
    ['PROXY UNKNOWN x\ry\r\n', 16, 'CR without LF'],
  ])('%j is refused at octet %i', (text, at, reason) => {
    const malformed = { kind: 'malformed', reason };
    expect(decodeOctetByOctet(latin1(text))).toEqual({ taken: at + 1, result: malformed });
    expect(decodeProxyHeader(latin1(text))).toEqual(malformed);
  });

  it('a line has 107 octets at most, and the place of the last CR decides', () => {
    const line = (lengthBytes: number): Uint8Array => latin1(`PROXY UNKNOWN ${'x'.repeat(lengthBytes - 16)}\r\n`);
    expect(decode(line(107))).toEqual({ command: 'proxy', tlvs: [] });
    const malformed = { kind: 'malformed', reason: 'the line is longer than 107 octets' };
    expect(decodeProxyHeader(line(108))).toEqual(malformed);
    expect(decodeOctetByOctet(line(108))).toEqual({ taken: 106, result: malformed });
    const long = 'ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255';
    expect(decodeProxyHeader(latin1(`PROXY TCP6 ${long} ${long} 65535 65535\r\n`))).toEqual(malformed);
  });
});

describe('version 2', () => {
  it('tells both ends, in IPv4', () => {
    expect(decodeProxyHeader(fromHex(`${SIGNATURE}2111000c${IPV4_ENDS}45484c4f`))).toEqual({
      kind: 'header',
      lengthBytes: 28,
      version: 2,
      value: { command: 'proxy', source: SOURCE, destination: DESTINATION, tlvs: [] },
    });
  });

  it('tells both ends, in IPv6', () => {
    const block = `20010db8${'00'.repeat(11)}01${'00'.repeat(10)}ffffc0000207ffff0019`;
    expect(decode(binary('2121', block))).toEqual({
      command: 'proxy',
      source: { address: '2001:db8::1', port: 65_535, family: 'IPv6' },
      destination: { address: '192.0.2.7', port: 25, family: 'IPv4' },
      tlvs: [],
    });
  });

  it('tells both ends, as Unix sockets', () => {
    const field = (bytes: Uint8Array): string => hex(bytes).padEnd(216, '0');
    const ends = (source: Uint8Array, destination: Uint8Array): readonly (string | undefined)[] => {
      const value = decode(binary('2131', field(source) + field(destination)));
      expect([value.source?.family, value.source?.port]).toEqual(['unix', 0]);
      return [value.source?.address, value.destination?.address];
    };
    expect(ends(latin1('/run/client'), latin1('/run/server\0rubbish'))).toEqual(['/run/client', '/run/server']);
    expect(ends(latin1(''), latin1('\0abstract\0name'))).toEqual(['', '\0abstract\0name']);
    expect(ends(latin1('x'.repeat(108)), Buffer.from('/run/é'))).toEqual(['x'.repeat(108), '/run/é']);
    expect(ends(latin1('/run/\xe9'), latin1('/'))).toEqual(['/run/\xe9', '/']);
  });

  it('without a family says that the ends of the socket count, and may still have more to say', () => {
    expect(decode(binary('2100', ''))).toEqual({ command: 'proxy', tlvs: [] });
    expect(decode(binary('2100', tlv(0x02, 'mail.example')))).toMatchObject({ authority: 'mail.example' });
  });

  it('LOCAL says nothing, and whatever it has is skipped', () => {
    expect(decode(binary('2000', ''))).toEqual({ command: 'local', tlvs: [] });
    expect(decode(binary('2011', IPV4_ENDS))).toEqual({ command: 'local', tlvs: [] });
    expect(decode(binary('20ff', 'ffffffffff'))).toEqual({ command: 'local', tlvs: [] });
  });

  it.each([
    ['0d0a0d0a000d0a515549540b', 11, 'no PROXY header'],
    ['0d0a45', 2, 'no PROXY header'],
    [`${SIGNATURE}11`, 12, 'the version is not 2'],
    [`${SIGNATURE}22`, 12, 'the command is neither LOCAL nor PROXY'],
    [`${SIGNATURE}2112`, 13, 'the connection is of datagrams'],
    [`${SIGNATURE}2122`, 13, 'the connection is of datagrams'],
    [`${SIGNATURE}2132`, 13, 'the connection is of datagrams'],
    [`${SIGNATURE}2110`, 13, 'the address family is unknown'],
    [`${SIGNATURE}2101`, 13, 'the address family is unknown'],
    [`${SIGNATURE}2141`, 13, 'the address family is unknown'],
    [`${SIGNATURE}21111100`, 14, 'the header is longer than 4112 octets'],
    [`${SIGNATURE}20001001`, 15, 'the header is longer than 4112 octets'],
    [`${SIGNATURE}2111000b`, 15, 'the length leaves no room for the addresses'],
    [`${SIGNATURE}21210023`, 15, 'the length leaves no room for the addresses'],
    [`${SIGNATURE}213100d7`, 15, 'the length leaves no room for the addresses'],
  ])('%s is refused at octet %i', (text, at, reason) => {
    const malformed = { kind: 'malformed', reason };
    const rest = Buffer.alloc(5000);
    expect(decodeOctetByOctet(Buffer.concat([fromHex(text), rest]))).toEqual({ taken: at + 1, result: malformed });
    expect(decodeProxyHeader(Buffer.concat([fromHex(text), rest]))).toEqual(malformed);
  });

  it('has 4112 octets at most', () => {
    const header = withTLVs(tlv(0xe0, new Uint8Array(4096 - 12 - 3)));
    expect(header).toHaveLength(PROXY_HEADER_BYTES_MAX);
    expect(decode(header).tlvs).toHaveLength(1);
  });
});

describe('what version 2 says besides', () => {
  it('texts, a unique id, and other types as they came', () => {
    const types = [
      tlv(0x01, 'smtp'),
      tlv(0x02, 'bücher.example'),
      tlv(0x04, 'xx'),
      tlv(0x05, Uint8Array.of(0, 1, 255)),
    ];
    const own = [tlv(0xe0, 'own'), tlv(0x30, 'blue'), tlv(0xe0, 'again'), tlv(0x04, '')];
    expect(decode(withTLVs([...types, ...own].join('')))).toEqual({
      command: 'proxy',
      source: SOURCE,
      destination: DESTINATION,
      alpn: 'smtp',
      authority: 'bücher.example',
      uniqueId: Uint8Array.of(0, 1, 255),
      networkNamespace: 'blue',
      tlvs: [
        { type: 0xe0, value: fromHex(hex('own')) },
        { type: 0xe0, value: fromHex(hex('again')) },
      ],
    });
  });

  it.each([
    ['a line feed', latin1('a\nb')],
    ['a control character of two octets', Buffer.from('a\u0085b')],
    ['no UTF-8', latin1('\xff')],
    ['no octet', latin1('')],
  ])('a host name with %s is no text, and stays as it came', (_, value) => {
    const { authority, tlvs } = decode(withTLVs(tlv(0x02, value)));
    expect([authority, tlvs]).toEqual([undefined, [{ type: 0x02, value: Uint8Array.from(value) }]]);
  });

  it('values outlive the octets that they came in', () => {
    const bytes = Buffer.from(withTLVs(tlv(0x05, 'id') + tlv(0xe0, 'own')));
    const { uniqueId, tlvs } = decode(bytes);
    bytes.fill(0);
    expect([hex(uniqueId!), hex(tlvs[0]!.value)]).toEqual([hex('id'), hex('own')]);
  });

  const inner = tlv(0x21, 'TLSv1.3') + tlv(0x23, 'TLS_AES_256_GCM_SHA384') + tlv(0x22, 'client.example');
  const tlsOf = (fixed: string, more = ''): ProxyHeader['tls'] =>
    decode(withTLVs(tlv(0x20, fromHex(fixed + more)))).tls;

  it('TLS', () => {
    const algorithms = tlv(0x24, 'RSA-SHA256') + tlv(0x25, 'RSA2048') + tlv(0x2f, '?');
    expect(tlsOf('0700000000', inner + algorithms)).toEqual({
      version: 'TLSv1.3',
      cipher: 'TLS_AES_256_GCM_SHA384',
      commonName: 'client.example',
      signatureAlgorithm: 'RSA-SHA256',
      keyAlgorithm: 'RSA2048',
      hasClientCertificate: true,
      isClientCertificateVerified: true,
      tlvs: [{ type: 0x2f, value: Uint8Array.of(0x3f) }],
    });
  });

  it.each([
    ['0100000000', false, false],
    ['0100000001', false, false],
    ['0300000000', true, true],
    ['0500000000', true, true],
    ['0300000012', true, false],
    ['0380000000', true, false],
  ])('flags and verification %s: a certificate %s, verified %s', (fixed, has, isVerified) => {
    expect(tlsOf(fixed)).toEqual({ hasClientCertificate: has, isClientCertificateVerified: isVerified, tlvs: [] });
  });

  it('a client without TLS has none, whatever is said of it', () => {
    expect(tlsOf('0600000000', inner)).toBeUndefined();
  });

  // Both were computed apart from this code, by a table, checked with CRC32C('123456789') = e3069283.
  it.each([
    `${SIGNATURE}21110017${IPV4_ENDS}030004b015dc8004000100`,
    `${SIGNATURE}21110017${IPV4_ENDS}040001000300044045f6c3`,
  ])('the checksum is over the whole header: %s', (text) => {
    const header = fromHex(text);
    expect(decode(header).tlvs).toEqual([]);
    for (let at = FIXED_BYTES; at < ADDRESSES_END; at += 1) {
      const damaged = Uint8Array.from(header);
      damaged[at]! ^= 0x10;
      expect(decodeProxyHeader(damaged)).toEqual({ kind: 'malformed', reason: 'the checksum is wrong' });
    }
  });

  it.each([
    ['a checksum of three octets', tlv(0x03, 'abc'), 3, 'a value has not the length of its type'],
    ['a unique id of 129 octets', tlv(0x05, 'x'.repeat(129)), 3, 'a value has not the length of its type'],
    ['TLS without its verification', tlv(0x20, 'abcd'), 3, 'a value has not the length of its type'],
    ['two host names', tlv(0x02, 'a') + tlv(0x02, 'b'), 5, 'a type comes twice'],
    ['two checksums', tlv(0x03, 'abcd') + tlv(0x03, 'abcd'), 8, 'a type comes twice'],
    ['two versions of TLS', tlv(0x20, fromHex(`0100000000${tlv(0x21, '')}${tlv(0x21, '')}`)), 12, 'a type comes twice'],
    ['a value behind the end', 'e00002ff', 3, 'a value is longer than what holds it'],
    [
      'a value behind the end of TLS',
      tlv(0x20, fromHex('010000000021000200')),
      11,
      'a value is longer than what holds it',
    ],
    // Nothing that could come would make it better: told before the first octet of it.
    ['two octets at the end', `${tlv(0xe0, '')}0400`, 3, 'the end cuts a type from its length'],
    ['an octet at the end of TLS', tlv(0x20, fromHex('010000000021')), 3, 'the end cuts a type from its length'],
    ['an octet behind the addresses', '00', -12, 'the end cuts a type from its length'],
  ])('%s is refused', (_, tlvs, taken, reason) => {
    const malformed = { kind: 'malformed', reason };
    expect(decodeProxyHeader(withTLVs(tlvs))).toEqual(malformed);
    expect(decodeOctetByOctet(withTLVs(tlvs))).toEqual({ taken: ADDRESSES_END + taken, result: malformed });
  });

  it('a unique id may have 128 octets', () => {
    expect(decode(withTLVs(tlv(0x05, 'x'.repeat(128)))).uniqueId).toHaveLength(128);
  });
});

describe('an encoder', () => {
  const proxied: ProxyHeader = { command: 'proxy', source: SOURCE, destination: DESTINATION, tlvs: [] };

  it('writes version 1 as text', () => {
    const text = (header: ProxyHeader): string => Buffer.from(encodeProxyHeader(header, { version: 1 })).toString();
    expect(text(proxied)).toBe('PROXY TCP4 192.0.2.1 198.51.100.1 56324 25\r\n');
    const source: ProxyEndpoint = { address: '2001:DB8::1', port: 1, family: 'IPv6' };
    expect(text({ ...proxied, source })).toBe('PROXY TCP6 2001:db8::1 ::ffff:198.51.100.1 1 25\r\n');
    expect(text({ command: 'proxy', tlvs: [] })).toBe('PROXY UNKNOWN\r\n');
    expect(text({ ...proxied, command: 'local' })).toBe('PROXY UNKNOWN\r\n');
    const unix: ProxyEndpoint = { address: '/run/a', port: 0, family: 'unix' };
    expect(text({ ...proxied, source: unix, destination: unix })).toBe('PROXY UNKNOWN\r\n');
  });

  it('writes version 2, and a checksum where one is wanted', () => {
    expect(hex(encodeProxyHeader(proxied, { version: 2 }))).toBe(`${SIGNATURE}2111000c${IPV4_ENDS}`);
    const noop = { type: 0x04, value: Uint8Array.of(0) };
    expect(hex(encodeProxyHeader({ ...proxied, tlvs: [noop] }, { version: 2, hasChecksum: true }))).toBe(
      `${SIGNATURE}21110017${IPV4_ENDS}040001000300044045f6c3`,
    );
    expect(hex(encodeProxyHeader({ ...proxied, command: 'local', alpn: 'x' }, { version: 2 }))).toBe(
      `${SIGNATURE}20000000`,
    );
  });

  const unix: ProxyEndpoint = { address: '/run/a', port: 0, family: 'unix' };
  it.each<[string, Partial<ProxyHeader>]>([
    ['one end', { source: undefined as unknown as ProxyEndpoint }],
    ['an IP address beside a Unix socket', { source: unix }],
    ['a name for an address', { source: { ...SOURCE, address: 'client.example' } }],
    ['an address of the other family', { source: { ...SOURCE, family: 'IPv6' } }],
    ['a port that is none', { source: { ...SOURCE, port: 65_536 } }],
    ['a path that is too long', { source: { ...unix, address: 'é'.repeat(55) }, destination: unix }],
    ['a path with a NUL', { source: { ...unix, address: '/a\0b' }, destination: unix }],
    ['a text with a control character', { authority: 'a\r\nb' }],
    ['an empty text', { alpn: '' }],
    ['a unique id that is too long', { uniqueId: new Uint8Array(129) }],
    ['a field said twice', { alpn: 'a', tlvs: [{ type: 0x01, value: Uint8Array.of(1) }] }],
    ['a value that is too long', { tlvs: [{ type: 0xe0, value: new Uint8Array(65_536) }] }],
    ['a block that is too long', { tlvs: [{ type: 0xe0, value: new Uint8Array(65_535) }] }],
  ])('refuses %s', (_, wrong) => {
    expect(() => encodeProxyHeader({ ...proxied, ...wrong }, { version: 2 })).toThrow(UsageError);
  });
});

describe('laws', () => {
  const port = fc.nat(65_535);
  const ipv4 = fc.record({ address: fc.ipV4(), port, family: fc.constant('IPv4' as const) });
  const ipv6 = fc.record({
    // An address that is IPv4 in disguise would come back as what it is.
    address: fc
      .ipV6()
      .map((text) => formatIPAddress(parseIPAddress(text)!))
      .filter((text) => !text.startsWith('::ffff:')),
    port,
    family: fc.constant('IPv6' as const),
  });
  const unix = fc.record({
    address: fc.string({ unit: fc.constantFrom('/', 'a', 'é', '.'), maxLength: 54 }),
    port: fc.constant(0),
    family: fc.constant('unix' as const),
  });
  const ip = fc.oneof(ipv4, ipv6);
  const ipEnds = fc.record({ source: ip, destination: ip });
  const noEnds: fc.Arbitrary<Partial<ProxyHeader>> = fc.constant({});

  const text = fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 40 });
  const value = fc.uint8Array({ maxLength: 20 });
  const own = (types: fc.Arbitrary<number>) => fc.array(fc.record({ type: types, value }), { maxLength: 3 });
  const tlsFacts = fc.record(
    {
      version: text,
      cipher: text,
      commonName: text,
      signatureAlgorithm: text,
      keyAlgorithm: text,
      hasClientCertificate: fc.constant(true),
      isClientCertificateVerified: fc.boolean(),
      tlvs: own(fc.integer({ min: 0x26, max: 0xff })),
    },
    { requiredKeys: ['hasClientCertificate', 'isClientCertificateVerified', 'tlvs'] },
  );
  const facts = fc.record(
    {
      alpn: text,
      authority: text,
      networkNamespace: text,
      uniqueId: fc.uint8Array({ maxLength: 128, size: 'max' }),
      tls: tlsFacts,
      tlvs: own(fc.integer({ min: 0x31, max: 0xff })),
    },
    { requiredKeys: ['tlvs'] },
  );

  const ofVersion1 = fc.oneof(ipEnds, noEnds).map((ends): ProxyHeader => ({ command: 'proxy', ...ends, tlvs: [] }));
  const ofVersion2 = fc.oneof(
    fc.constant<ProxyHeader>({ command: 'local', tlvs: [] }),
    fc
      .tuple(fc.oneof(ipEnds, noEnds, fc.record({ source: unix, destination: unix })), facts)
      .map(([ends, more]): ProxyHeader => ({ command: 'proxy', ...ends, ...more })),
  );
  const encoded = fc.oneof(
    ofVersion1.map((header) => ({ header, version: 1 as const, hasChecksum: false })),
    fc.record({ header: ofVersion2, version: fc.constant(2 as const), hasChecksum: fc.boolean() }),
  );
  /** Headers, headers with damage, and anything. */
  const anything = fc.oneof(
    encoded.map(({ header, ...options }) => encodeProxyHeader(header, options)),
    fc
      .tuple(encoded, fc.nat(), fc.nat(255), fc.uint8Array({ maxLength: 8 }))
      .map(([{ header, ...options }, where, octet, rest]) => {
        const bytes = Buffer.concat([encodeProxyHeader(header, options), rest]);
        bytes[where % bytes.length] = octet;
        return bytes;
      }),
    fc.uint8Array({ maxLength: 300, size: 'max' }),
    fc.uint8Array({ maxLength: 300, size: 'max' }).map((bytes) => Buffer.concat([fromHex(`${SIGNATURE}2111`), bytes])),
    fc
      .string({ unit: fc.constantFrom('1', '0', ':', '.', ' ', '\r', '\n', '255'), maxLength: 130, size: 'max' })
      .map((rest) => latin1(`PROXY TCP6 ${rest}`)),
    fc.nat(140).map((count) => latin1(`PROXY UNKNOWN ${'x'.repeat(count)}\r\n`)),
  );

  it('encode then decode is the identity', () => {
    fc.assert(
      fc.property(encoded, ({ header, ...options }) => {
        expect(decode(Uint8Array.from(encodeProxyHeader(header, options)))).toEqual(header);
      }),
    );
  });

  it('octets that come one by one get the same answer, as soon as those that come at once', () => {
    fc.assert(
      fc.property(anything, (bytes) => {
        const { taken, result } = decodeOctetByOctet(bytes);
        expect(decodeProxyHeader(bytes)).toEqual(result);
        // What follows never changes an answer.
        if (result.kind !== 'needMore') {
          expect(decodeProxyHeader(Buffer.concat([bytes.subarray(0, taken), Buffer.alloc(200, 'x')]))).toEqual(result);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('no octets throw, and nobody is asked for more than the bound', () => {
    fc.assert(
      fc.property(anything, fc.uint8Array({ minLength: 107, maxLength: 107 }), (bytes, more) => {
        expect(decodeProxyHeader(Buffer.concat([bytes, more, Buffer.alloc(PROXY_HEADER_BYTES_MAX)])).kind).not.toBe(
          'needMore',
        );
        if (bytes[0] === 0x50 && bytes.length >= 107) expect(decodeProxyHeader(bytes).kind).not.toBe('needMore');
      }),
      { numRuns: 500 },
    );
  });

  it('needMore is only said of what a header begins with', () => {
    // A version 1 line can always be ended with the pieces of another one.
    const endings = ['\r\n', '\n', ' 1.1.1.1 1 1\r\n', ' ::1 1 1\r\n', ' 1 1\r\n', '1 1\r\n', ' 1\r\n', '1\r\n'];
    const pieces = ['', '1', '.1', '.1.1', '.1.1.1', '1.1', '1.1.1', '1.1.1.1', '::1', '::', ':1', ':'];
    const all = pieces.flatMap((piece) => endings.map((ending) => piece + ending));
    const whole = ['PROXY UNKNOWN\r\n', 'PROXY TCP4 1.1.1.1 1.1.1.1 1 1\r\n', 'PROXY TCP6 ::1 ::1 1 1\r\n'];
    fc.assert(
      fc.property(anything, (bytes) => {
        // Near the bound the ending has no room.
        if (bytes[0] !== 0x50 || bytes.length > 80 || decodeProxyHeader(bytes).kind !== 'needMore') return;
        const start = Buffer.from(bytes).toString('latin1');
        const candidates = [...all.map((ending) => start + ending), ...whole.filter((each) => each.startsWith(start))];
        expect([start, candidates.some((each) => decodeProxyHeader(latin1(each)).kind === 'header')]).toEqual([
          start,
          true,
        ]);
      }),
      { numRuns: 500 },
    );
  });
});

const FIXED_BYTES = 16;
const ADDRESSES_END = FIXED_BYTES + 12;
