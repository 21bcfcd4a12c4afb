/** The text of IP addresses, held against what `node:net` takes for one. */

import { isIPv4, isIPv6, SocketAddress } from 'node:net';

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import {
  formatIPAddress,
  IPv4Reader,
  IPv6Reader,
  mappedToIPv6,
  parseIPAddress,
  unmappedIPv4,
} from '../../src/protocol/ip-address.js';

/** Few letters, so that many strings are addresses or nearly so. */
const nearlyAddress = fc.oneof(
  fc.array(fc.constantFrom('0', '1', 'a', 'F', '25', '255', '256', '.', ':', '::', '0001'), { maxLength: 18 }),
  fc.ipV4().map((text) => [text]),
  fc.ipV6().map((text) => [text]),
  fc.tuple(fc.constantFrom('::', '::ffff:', '1:2:3:4:5:6:', '1:2:3:4:5::', '1:2:3:4:5:6:7:'), fc.ipV4()),
);

describe('the text of an address', () => {
  it('is what node:net takes for one, too', () => {
    fc.assert(
      fc.property(nearlyAddress, (parts) => {
        const text = parts.join('');
        expect([text, parseIPAddress(text) !== undefined]).toEqual([text, isIPv4(text) || isIPv6(text)]);
      }),
      { numRuns: 5000 },
    );
  });

  it('is one text for one address', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (text) => {
        const octets = parseIPAddress(text)!;
        const canonical = formatIPAddress(octets);
        expect(parseIPAddress(canonical)).toEqual(octets);
        expect(octets).toHaveLength(text.includes(':') ? 16 : 4);
        // Node writes some addresses with an IPv4 end that RFC 5952 keeps for known prefixes.
        const family = octets.length === 4 ? 'ipv4' : 'ipv6';
        const byNode = new SocketAddress({ address: text, family }).address;
        if (family === 'ipv4' || !byNode.includes('.')) expect(canonical).toBe(byNode);
      }),
    );
  });

  it.each([
    ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
    ['2001:0db8:0:1:0:0:0:1', '2001:db8:0:1::1'],
    ['1:0:0:2:0:0:3:4', '1::2:0:0:3:4'],
    ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
    ['::2:3:4:5:6:7:8', '0:2:3:4:5:6:7:8'],
    ['0:0:0:0:0:0:0:0', '::'],
    ['1:0:0:0:0:0:0:0', '1::'],
    ['::ffff:c000:201', '::ffff:192.0.2.1'],
    ['64:ff9b::192.0.2.1', '64:ff9b::c000:201'],
  ])('%s is written %s', (text, canonical) => {
    expect(formatIPAddress(parseIPAddress(text)!)).toBe(canonical);
  });

  it.each(['', '192.0.2', '192.0.2.1.1', '192.0.2.01', '192.0.2.256', '192.0.2.', '.1.2.3', '1..2.3', '0x1.0.0.0'])(
    '%j is none',
    (text) => {
      expect(parseIPAddress(text)).toBeUndefined();
    },
  );

  it.each([
    ':',
    ':1',
    ':::',
    '1::2::3',
    '1:',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '::1:2:3:4:5:6:7:8',
    '12345::',
    'fe80::1%1',
  ])('%j is none, of IPv6', (text) => {
    expect(parseIPAddress(text)).toBeUndefined();
  });

  it.each([
    '::ffff:1.2.3',
    '::1.2.3.4:1',
    '1:2:3:4:5:6:7:1.2.3.4',
    '::01.2.3.4',
    '::1.2.3.4.',
    '::a.2.3.4',
    '1:2.3.4.5',
    '::.1',
  ])('%j has no IPv4 address at its end', (text) => {
    expect(parseIPAddress(text)).toBeUndefined();
  });
});

describe('a reader', () => {
  it('takes only what some address begins with', () => {
    // From whatever was taken, a few letters more make an address: if not, a letter was taken too many.
    const endings = [
      '',
      '1',
      '0',
      '.1',
      '.1.1',
      '.1.1.1',
      '1.1.1',
      '1.1',
      '::',
      ':',
      ':1',
      ':1:1',
      '1:1',
      '1::',
      ':1::',
    ];
    fc.assert(
      fc.property(nearlyAddress, fc.boolean(), (parts, isSix) => {
        const reader = isSix ? new IPv6Reader() : new IPv4Reader();
        let taken = '';
        for (const letter of parts.join('')) {
          if (!reader.take(letter.charCodeAt(0))) break;
          taken += letter;
        }
        const isAddress = isSix ? isIPv6 : isIPv4;
        const full = isSix ? [...endings, ':1:1:1', ':1:1:1:1', '1:1:1:1:1:1:1:1'] : [...endings, '1.1.1.1'];
        expect([taken, full.some((ending) => isAddress(taken + ending))]).toEqual([taken, true]);
      }),
      { numRuns: 5000 },
    );
  });
});

describe('an IPv4 address in IPv6', () => {
  it('is found again', () => {
    expect(unmappedIPv4(mappedToIPv6([192, 0, 2, 1]))).toEqual([192, 0, 2, 1]);
    expect(unmappedIPv4(parseIPAddress('::fffe:192.0.2.1')!)).toBeUndefined();
    expect(unmappedIPv4([192, 0, 2, 1])).toBeUndefined();
    expect(mappedToIPv6(parseIPAddress('::1')!)).toEqual(parseIPAddress('::1'));
  });
});
