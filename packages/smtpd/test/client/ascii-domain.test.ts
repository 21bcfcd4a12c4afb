import fc from 'fast-check';
import { isIP } from 'node:net';
import { describe, expect, it } from 'vitest';

import { asciiDomain } from '../../src/client/ascii-domain.js';

describe('a domain', () => {
  it.each([
    ['example.org', 'example.org'],
    ['EXAMPLE.org', 'example.org'],
    ['localhost', 'localhost'],
    ['my_host', 'my_host'],
    ['0x7f.1', '0x7f.1'],
    ['bücher.example', 'xn--bcher-kva.example'],
    ['BÜCHER.Example', 'xn--bcher-kva.example'],
    ['xn--bcher-kva.example', 'xn--bcher-kva.example'],
    [`${'a'.repeat(63)}.example`, `${'a'.repeat(63)}.example`],
  ])('%s is %s', (text, ascii) => {
    expect(asciiDomain(text)).toBe(ascii);
  });

  it.each([
    '',
    '.',
    'example.org.',
    'a..b',
    '-a.example',
    'a b',
    'a/b',
    'bü@cher.example',
    'bü/cher.example',
    'bü:25',
    'bü cher',
    'b\u200dü.example',
    '192.0.2.1',
    '１９２.0.2.1',
    '::1',
    '[::1]',
    `${'a'.repeat(64)}.example`,
    `${'a.'.repeat(127)}a`,
    'ü'.repeat(60),
    `${'ü.'.repeat(100)}a`,
  ])('%j is no domain', (text) => {
    expect(asciiDomain(text)).toBeUndefined();
  });

  it('is ASCII that is no IP address and stays as it is, or none, whatever the text', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.domain(), fc.string()), (text) => {
        const domain = asciiDomain(text);
        if (domain === undefined) return;
        expect(domain).toMatch(/^[a-z0-9._-]+$/);
        expect(isIP(domain)).toBe(0);
        expect(asciiDomain(domain)).toBe(domain);
      }),
    );
  });
});
