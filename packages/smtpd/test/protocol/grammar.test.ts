/**
 * The lexical productions, each against a list of octets written out apart from the table, and the address literals
 * against hand-made examples and the platform's own reader of IP addresses.
 */
import { isIPv4 as isIPv4OfPlatform, isIPv6 as isIPv6OfPlatform } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  ATEXT,
  DCONTENT,
  HEXDIG,
  LET_DIG,
  NON_ASCII,
  NO_MATCH,
  QTEXT,
  UNDERSCORE,
  VCHAR,
  asciiUpperCase,
  isAt,
  isIPv4,
  isIPv6,
  octetAt,
  parseAddressLiteral,
  scanDomain,
  scanDotString,
  scanEsmtpKeyword,
  scanEsmtpValue,
  scanQuotedString,
  scanRun,
} from '../../src/protocol/grammar.js';

const octets = fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)) });

describe('the classes of octets', () => {
  const specified: readonly (readonly [string, number, RegExp])[] = [
    ['atext', ATEXT, /^[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~]$/],
    ['qtextSMTP', QTEXT, /^[\x20\x21\x23-\x5b\x5d-\x7e]$/],
    ['Let-dig', LET_DIG, /^[A-Za-z0-9]$/],
    ['dcontent', DCONTENT, /^[\x21-\x5a\x5e-\x7e]$/],
    ['HEXDIG', HEXDIG, /^[0-9A-Fa-f]$/],
    ['non-ASCII', NON_ASCII, /^[\x80-\xff]$/],
    ['the low line', UNDERSCORE, /^_$/],
    ['VCHAR', VCHAR, /^[\x21-\x7e]$/],
  ];

  it.each(specified)('%s has the octets that its clause lists, of all 256, and no other', (_name, bit, pattern) => {
    for (let code = 0; code < 256; code += 1) {
      const octet = String.fromCharCode(code);
      expect([code, isAt(octet, 0, bit)]).toEqual([code, pattern.test(octet)]);
    }
  });

  it('no class has a character that is not an octet, and none holds behind the end of the text', () => {
    for (const text of ['\u0100', '\u0141', '\uff21', '\u{1f600}', '']) expect(isAt(text, 0, 0xff)).toBe(false);
  });

  it('an octet behind the end is no octet', () => {
    expect(octetAt('a', 0)).toBe(0x61);
    expect(octetAt('a', 1)).toBe(NO_MATCH);
  });

  it('a run ends at the first octet of another class', () => {
    expect(scanRun('ab1-c', 0, LET_DIG)).toBe(3);
    expect(scanRun('ab1-c', 3, LET_DIG)).toBe(3);
    expect(scanRun('abc', 0, LET_DIG)).toBe(3);
  });
});

describe('scanDotString', () => {
  it.each([
    ['a', 1],
    ['a.b', 3],
    ['a.b@c', 3],
    ["!#$%&'*+-/=?^_`{|}~", 19],
    ['a b', 1],
    ['', NO_MATCH],
    ['.a', NO_MATCH],
    ['a..b', NO_MATCH],
    ['a.', NO_MATCH],
    ['a.@b', NO_MATCH],
    ['"a"', NO_MATCH],
  ])('reads %j up to %i', (text, end) => {
    expect(scanDotString(text, 0, ATEXT)).toBe(end);
  });

  it('takes UTF-8 octets where they are asked for', () => {
    expect(scanDotString('j\xc3\xb6rg@x', 0, ATEXT)).toBe(1);
    expect(scanDotString('j\xc3\xb6rg@x', 0, ATEXT | NON_ASCII)).toBe(5);
  });
});

describe('scanQuotedString', () => {
  it.each([
    ['""', 2],
    ['"a b"', 5],
    ['"a\\"b"@x', 6],
    ['"\\\\"', 4],
    ['"\\ "', 4],
    ['"<>@,:;[]()"', 12],
    ['', NO_MATCH],
    ['a', NO_MATCH],
    ['"', NO_MATCH],
    ['"a', NO_MATCH],
    ['"a\\', NO_MATCH],
    ['"a\\"', NO_MATCH],
    ['"\t"', NO_MATCH],
    ['"\\\t"', NO_MATCH],
    ['"\x7f"', NO_MATCH],
    ['"\\\x7f"', NO_MATCH],
    ['"\0"', NO_MATCH],
    ['"\xe9"', NO_MATCH],
  ])('reads %j up to %i', (text, end) => {
    expect(scanQuotedString(text, 0, QTEXT)).toBe(end);
  });

  it('takes UTF-8 octets where they are asked for, and never behind a backslash', () => {
    expect(scanQuotedString('"\xc3\xa9"', 0, QTEXT | NON_ASCII)).toBe(4);
    expect(scanQuotedString('"\\\xc3\xa9"', 0, QTEXT | NON_ASCII)).toBe(NO_MATCH);
  });
});

describe('scanDomain', () => {
  it.each([
    ['a', 1],
    ['example.org', 11],
    ['example.org>', 11],
    ['xn--exmple-cua.org', 18],
    ['a-b.c--d', 8],
    ['1.2', 3],
    ['a_b', 1],
    ['', NO_MATCH],
    ['.', NO_MATCH],
    ['.a', NO_MATCH],
    ['a.', NO_MATCH],
    ['a..b', NO_MATCH],
    ['-a', NO_MATCH],
    ['a-', NO_MATCH],
    ['a-.b', NO_MATCH],
    ['a.-b', NO_MATCH],
    ['-', NO_MATCH],
    ['[1.2.3.4]', NO_MATCH],
  ])('reads %j up to %i', (text, end) => {
    expect(scanDomain(text, 0, LET_DIG)).toBe(end);
  });

  it('takes low lines and UTF-8 octets where they are asked for', () => {
    expect(scanDomain('_dmarc.my_host', 0, LET_DIG)).toBe(NO_MATCH);
    expect(scanDomain('_dmarc.my_host', 0, LET_DIG | UNDERSCORE)).toBe(14);
    expect(scanDomain('\xc3\xa4.org', 0, LET_DIG | NON_ASCII)).toBe(6);
  });
});

describe('parameter words', () => {
  it.each([
    ['SIZE=10', 4],
    ['8BITMIME', 8],
    ['X-A B', 3],
    ['-A', NO_MATCH],
    ['=1', NO_MATCH],
    ['', NO_MATCH],
    ['\xe9', NO_MATCH],
  ])('the keyword of %j ends at %i', (text, end) => {
    expect(scanEsmtpKeyword(text, 0)).toBe(end);
  });

  it.each([
    ['10 B', 2],
    ['a=b', 3],
    ['\xc3\xa9', 2],
    ['', NO_MATCH],
    [' ', NO_MATCH],
    ['\x7f', NO_MATCH],
    ['\t', NO_MATCH],
  ])('the value %j ends at %i', (text, end) => {
    expect(scanEsmtpValue(text, 0)).toBe(end);
  });
});

describe('address literals', () => {
  it.each([
    ['192.0.2.1', { kind: 'IPv4', address: '192.0.2.1' }],
    ['IPv6:2001:db8::1', { kind: 'IPv6', address: '2001:db8::1' }],
    ['ipV6:::', { kind: 'IPv6', address: '::' }],
    ['x-net:a!b', { kind: 'general', tag: 'x-net', address: 'a!b' }],
    ['-a:b:c', { kind: 'general', tag: '-a', address: 'b:c' }],
  ] as const)('%s is read', (text, literal) => {
    expect(parseAddressLiteral(text)).toEqual(literal);
  });

  it.each([
    '',
    '1.2.3',
    '1.2.3.4.5',
    '1.2.3.256',
    'example.org',
    '2001:db8::1',
    'IPv6:',
    'IPv6:x',
    'IPv6:1.2.3.4',
    'IPv6:::1 ',
    ':a',
    'a-:b',
    'a_b:c',
    'a:',
    'a:b c',
    'a:b[',
    'a:b\\',
    'a:\xc3\xa9',
  ])('%j is refused', (text) => {
    expect(parseAddressLiteral(text)).toBeUndefined();
  });

  it.each(['0.0.0.0', '255.255.255.255', '001.02.3.4'])('%s is an IPv4 address', (text) => {
    expect(isIPv4(text)).toBe(true);
  });

  it.each([
    '',
    '.',
    '1',
    '1.2.3',
    '1.2.3.',
    '.1.2.3',
    '1..2.3',
    '1.2.3.4.',
    '256.1.1.1',
    '0001.2.3.4',
    '1.2.3.a',
    ' 1.2.3.4',
  ])('%j is not an IPv4 address', (text) => {
    expect(isIPv4(text)).toBe(false);
  });

  it.each([
    '1:2:3:4:5:6:7:8',
    'ABCD:ef01:2345:6789:abcd:EF01:2345:6789',
    '::',
    '::1',
    '1::',
    '1:2:3::4:5:6',
    '1:2:3:4:5:6::',
    '::1:2:3:4:5:6',
    '1:2:3:4:5:6:192.0.2.1',
    '::192.0.2.1',
    '::ffff:192.0.2.1',
    '1:2::3:4:192.0.2.1',
    '1:2:3:4::192.0.2.1',
    '0001:0002:0003:0004:0005:0006:0007:0008',
  ])('%s is an IPv6 address', (text) => {
    expect(isIPv6(text)).toBe(true);
  });

  it.each([
    '',
    ':',
    ':::',
    '1',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7:',
    ':1:2:3:4:5:6:7',
    '1::2::3',
    '1:::2',
    '::1:',
    ':1::',
    '12345::',
    'g::',
    '1:2:3:4:5:6:7:192.0.2.1',
    '1:2:3:4:5:192.0.2.1',
    '192.0.2.1',
    '::192.0.2',
    '::192.0.2.256',
    '::192.0.2.1:1',
    '192.0.2.1::',
    '::1%eth0',
    // RFC 5321 §4.1.3: the two colons stand for at least two groups.
    '1:2:3:4:5:6:7::',
    '::2:3:4:5:6:7:8',
    '1:2:3::5:6:7:8',
    '1:2:3:4:5::192.0.2.1',
  ])('%j is not an IPv6 address', (text) => {
    expect(isIPv6(text)).toBe(false);
  });

  it('every IPv6 address is one for the platform, which differs only where two colons stand for a single group', () => {
    // No piece begins with a zero: `01.2.3.4` is an `IPv4-address-literal`, and the platform does not take it.
    const piece = fc.constantFrom(':', '::', '5', 'a1', 'FFFF', '10000', '1.2.3.4', '.', 'g');
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 17 }), (pieces) => {
        const text = pieces.join('');
        expect(isIPv6(text)).toBe(isIPv6OfPlatform(text) && !hasShortenedOneGroup(text));
      }),
      { numRuns: 3000 },
    );
  });

  it('every generated IPv6 address is accepted', () => {
    const generated = fc.ipV6().filter((text) => !hasShortenedOneGroup(text));
    fc.assert(
      fc.property(generated, (text) => {
        expect(isIPv6(text)).toBe(true);
      }),
    );
  });

  it('an IPv4 address without leading zeros is one for the platform, and the other way round', () => {
    const piece = fc.oneof(fc.nat({ max: 300 }).map(String), fc.constantFrom('', 'x'));
    fc.assert(
      fc.property(fc.array(piece, { minLength: 3, maxLength: 5 }), (pieces) => {
        const text = pieces.join('.');
        expect(isIPv4(text)).toBe(isIPv4OfPlatform(text));
      }),
    );
  });
});

describe('asciiUpperCase', () => {
  it.each([
    ['mail', 'MAIL'],
    ['MAIL', 'MAIL'],
    ['x-a1', 'X-A1'],
    ['', ''],
    ['@`[{', '@`[{'],
    ['r\u017fet', 'R\u017fET'],
    ['ma\u0131l', 'MA\u0131L'],
    ['\xdf\xff\xe9\xb5a', '\xdf\xff\xe9\xb5A'],
  ])('%j becomes %j', (text, upper) => {
    expect(asciiUpperCase(text)).toBe(upper);
  });

  it('changes the letters a to z of any octets and nothing else', () => {
    fc.assert(
      fc.property(octets, (text) => {
        const expected = Array.from(text, (octet) => (/[a-z]/.test(octet) ? octet.toUpperCase() : octet)).join('');
        expect(asciiUpperCase(text)).toBe(expected);
      }),
    );
  });
});

describe('any octets', () => {
  it('a scanner never throws, and stays between where it began and the end of the text', () => {
    fc.assert(
      fc.property(octets, fc.nat({ max: 12 }), (text, at) => {
        const ends = [
          scanDotString(text, at, ATEXT | NON_ASCII),
          scanQuotedString(text, at, QTEXT | NON_ASCII),
          scanDomain(text, at, LET_DIG | NON_ASCII | UNDERSCORE),
          scanEsmtpKeyword(text, at),
          scanEsmtpValue(text, at),
        ];
        for (const end of ends) expect(end === NO_MATCH || (end > at && end <= text.length)).toBe(true);
        parseAddressLiteral(text);
      }),
    );
  });
});

/** Of an IPv6 address: whether its two colons stand for a single group, which RFC 5321 §4.1.3 does not have. */
function hasShortenedOneGroup(text: string): boolean {
  const groups = text.split(':').filter((part) => part !== '').length + (text.includes('.') ? 1 : 0);
  return text.includes('::') && groups === 7;
}
