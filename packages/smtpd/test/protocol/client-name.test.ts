import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defaultOwnName, parseClientName } from '../../src/protocol/client-name.js';

describe('parseClientName', () => {
  it.each([
    ['client.example', 'domain'],
    ['localhost', 'domain'],
    ['1.2.3.4', 'domain'],
    ['xn--exmple-cua.org', 'domain'],
    ['[192.0.2.1]', 'addressLiteral'],
    ['[IPv6:2001:db8::1]', 'addressLiteral'],
    ['[x:y]', 'addressLiteral'],
    ['two words', 'other'],
    ['my_host', 'other'],
    ['client.example.', 'other'],
    ['-a', 'other'],
    ['[192.0.2.1', 'other'],
    ['[192.0.2.256]', 'other'],
    ['[2001:db8::1]', 'other'],
    ['[', 'other'],
    ['[]', 'other'],
    ['a@b', 'other'],
    ['<script>', 'other'],
  ])('%s is a name of the kind %s', (text, kind) => {
    expect(parseClientName(text)).toEqual({ text, kind });
  });

  it.each(['', ' ', '   ', 'a\tb', 'a\0', '\x1b[2J', 'a\x7f', 'a\r', 'a\nb', '\xc3\xa9.example', 'a b\xff', '\u0141'])(
    '%j is no name',
    (text) => {
      expect(parseClientName(text)).toBeUndefined();
    },
  );

  it('any octets are a name just when they are printable ASCII and not blank', () => {
    const octet = fc.oneof(
      fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)),
      fc.constantFrom('a', '.', '[', ']', ' ', ':'),
    );
    fc.assert(
      fc.property(fc.string({ unit: octet, maxLength: 8 }), (text) => {
        expect(parseClientName(text) !== undefined).toBe(/^[\x20-\x7e]*$/.test(text) && text.trim() !== '');
      }),
      { numRuns: 1000 },
    );
  });

  it.each([
    ['a name', `${'a.'.repeat(499_999)}a`, 'domain'],
    ['single words', 'a '.repeat(500_000), 'other'],
    ['brackets', '['.repeat(1_000_000), 'other'],
    ['colons in a literal', `[IPv6:${':'.repeat(1_000_000)}]`, 'other'],
  ])('a million octets of %s are read', (_name, text, kind) => {
    expect(parseClientName(text)?.kind).toBe(kind);
  });
});

describe('the name of who is not told otherwise', () => {
  it.each([
    ['mx', 'mx'],
    ['mx.example', 'mx.example'],
    // What some servers refuse in EHLO.
    ['my_host', 'localhost'],
    ['my..host', 'localhost'],
    ['host.', 'localhost'],
    ['(none)', 'localhost'],
    ['', 'localhost'],
  ])('on a machine that is called %j is %s', (machineName, name) => {
    expect(defaultOwnName(machineName)).toBe(name);
  });
});
