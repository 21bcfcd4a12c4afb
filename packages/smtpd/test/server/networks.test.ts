/** Lists of networks, and who is in them. */

import { BlockList } from 'node:net';

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { UsageError } from '../../src/protocol/errors.js';
import { NetworkSet } from '../../src/server/networks.js';

const has = (list: string | readonly string[], address: string): boolean =>
  NetworkSet.parse(list).has({ address, port: 1, family: address.includes(':') ? 'IPv6' : 'IPv4' });

describe('a network', () => {
  it.each([
    ['192.0.2.0/24', ['192.0.2.0', '192.0.2.255'], ['192.0.1.255', '192.0.3.0', '::1']],
    ['192.0.2.4/30', ['192.0.2.4', '192.0.2.7'], ['192.0.2.3', '192.0.2.8']],
    ['192.0.2.7', ['192.0.2.7'], ['192.0.2.6', '192.0.2.8']],
    ['128.0.0.0/1', ['128.0.0.0', '255.1.1.1'], ['127.255.255.255']],
    ['2001:db8::/33', ['2001:db8::1', '2001:db8:7fff::1'], ['2001:db8:8000::', '2001:db7::']],
    ['2001:DB8:0:0::1', ['2001:db8::1'], ['2001:db8::2', '2001:db8::']],
    ['fe80::/10', ['fe80::1%eth0', 'febf::1'], ['fec0::1']],
    ['0.0.0.0/0', ['0.0.0.0', '255.255.255.255', '::ffff:1.2.3.4'], ['::1', '::102:304']],
    ['::/0', ['::', 'ffff::'], ['0.0.0.0', '::ffff:1.2.3.4']],
  ])('%s', (network, within, without) => {
    for (const address of within) expect([address, has(network, address)]).toEqual([address, true]);
    for (const address of without) expect([address, has(network, address)]).toEqual([address, false]);
  });

  it('of IPv4 is the same when it is told in IPv6, and so is a peer', () => {
    for (const network of ['192.0.2.0/24', '::ffff:192.0.2.0/120', '::ffff:c000:200/120']) {
      expect(has(network, '192.0.2.9')).toBe(true);
      expect(has(network, '::ffff:192.0.2.9')).toBe(true);
      expect(has(network, '::ffff:c000:209')).toBe(true);
      expect(has(network, '192.0.3.9')).toBe(false);
      expect(has(network, '::192.0.2.9')).toBe(false);
    }
    expect(has('::ffff:0:0/96', '203.0.113.1')).toBe(true);
  });

  it('has the peers that node:net says', () => {
    const network = fc.oneof(
      fc.record({ address: fc.ipV4(), bits: fc.nat(32), family: fc.constant('ipv4' as const) }),
      fc.record({ address: fc.ipV6(), bits: fc.nat(128), family: fc.constant('ipv6' as const) }),
    );
    fc.assert(
      fc.property(network, fc.nat(15), fc.nat(255), ({ address, bits, family }, where, octet) => {
        // A peer near the network: its address with one octet changed.
        const parts = family === 'ipv4' ? address.split('.') : expanded(address);
        const near = [...parts];
        near[where % parts.length] = family === 'ipv4' ? String(octet) : octet.toString(16);
        const text = family === 'ipv4' ? near.join('.') : near.join(':');
        const list = new BlockList();
        list.addSubnet(address, bits, family);
        const start = masked(parts, bits, family);
        expect([text, has(`${start}/${String(bits)}`, text)]).toEqual([text, list.check(text, family)]);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('a name', () => {
  it('loopback is this machine', () => {
    for (const address of ['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1'])
      expect(has('loopback', address)).toBe(true);
    for (const address of ['128.0.0.1', '::2', '::', '10.0.0.1']) expect(has('loopback', address)).toBe(false);
  });

  it('private is what stays within a site', () => {
    const within = [
      '10.1.2.3',
      '172.16.0.1',
      '172.31.255.255',
      '192.168.1.1',
      '169.254.1.1',
      'fd00::1',
      'fe80::1%eth0',
    ];
    for (const address of within) expect([address, has('private', address)]).toEqual([address, true]);
    const without = ['11.0.0.1', '172.32.0.1', '192.169.0.1', '127.0.0.1', '::1', '2001:db8::1', 'fec0::1'];
    for (const address of without) expect([address, has('private', address)]).toEqual([address, false]);
  });

  it('all is everybody', () => {
    for (const address of ['203.0.113.1', '2001:db8::1', '::ffff:203.0.113.1']) expect(has('all', address)).toBe(true);
  });

  it('loopback and all have who came by a Unix socket or from this process', () => {
    for (const family of ['unix', 'memory'] as const) {
      for (const address of ['', '/run/smtpd.sock', '127.0.0.1']) {
        const peer = { address, port: 0, family };
        expect(NetworkSet.parse('loopback').has(peer)).toBe(true);
        expect(NetworkSet.parse(['10.0.0.0/8', 'all']).has(peer)).toBe(true);
        expect(NetworkSet.parse('private 127.0.0.0/8 0.0.0.0/0 ::/0').has(peer)).toBe(false);
      }
    }
  });
});

describe('a list', () => {
  it.each([
    ['text with commas', '192.0.2.0/24,::1'],
    ['text with blanks', ' 192.0.2.0/24\n ::1 '],
    ['an array', ['192.0.2.0/24', '::1']],
    ['an array of lists', ['', '192.0.2.0/24, ::1']],
  ])('may be %s', (_, list) => {
    expect(has(list, '192.0.2.1')).toBe(true);
    expect(has(list, '::1')).toBe(true);
    expect(has(list, '::2')).toBe(false);
  });

  it('that is empty has nobody', () => {
    for (const list of ['', [], [' , ']]) {
      expect(has(list, '127.0.0.1')).toBe(false);
      expect(NetworkSet.parse(list).has({ address: '', port: 0, family: 'unix' })).toBe(false);
    }
  });

  it('has nobody whose address is none', () => {
    expect(has('all', '')).toBe(false);
    expect(has('all', 'client.example')).toBe(false);
  });

  it.each([
    ['192.0.2', '"192.0.2" is no network; write an address'],
    ['localhost', '"localhost" is no network'],
    ['Loopback', '"Loopback" is no network'],
    ['192.0.02.1', '"192.0.02.1" is no network'],
    ['192.0.2.*', 'is no network'],
    ['fe80::1%eth0', 'is no network'],
    ['[::1]', 'is no network'],
    ['/24', 'is no network'],
    ['192.0.2.0/33', 'behind the slash is a number of bits, 0 to 32'],
    ['2001:db8::/129', '0 to 128'],
    ['192.0.2.0/', '0 to 32'],
    ['192.0.2.0/024', '0 to 32'],
    ['192.0.2.0/255.255.255.0', '0 to 32'],
    ['192.0.2.0/24/8', '0 to 32'],
    ['192.0.2.7/24', '"192.0.2.7/24" has bits behind its 24; write 192.0.2.0/24 or 192.0.2.7'],
    ['2001:db8::1/64', 'write 2001:db8::/64 or 2001:db8::1'],
    ['::ffff:192.0.2.1/120', 'write ::ffff:192.0.2.0/120'],
    ['loopback;private', 'is no network'],
    [['loopback', 'x'], '"x" is no network'],
    [[10] as unknown as string[], 'not 10'],
    [undefined as unknown as string[], ''],
  ])('%j is refused', (list, message) => {
    let thrown: unknown;
    try {
      NetworkSet.parse(list);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(UsageError);
    expect(thrown).toMatchObject({ code: 'SMTPD_BAD_NETWORK', message: expect.stringContaining(message) as string });
  });
});

/** The eight groups of an address without an IPv4 end. */
function expanded(address: string): readonly string[] {
  const [head = '', tail] = address.split('::');
  const groups = (text: string): string[] =>
    text.split(':').flatMap((group) => {
      if (!group.includes('.')) return group === '' ? [] : [group];
      const [a = 0, b = 0, c = 0, d = 0] = group.split('.').map(Number);
      return [(a * 256 + b).toString(16), (c * 256 + d).toString(16)];
    });
  if (tail === undefined) return groups(head);
  const [before, after] = [groups(head), groups(tail)];
  return [...before, ...Array.from({ length: 8 - before.length - after.length }, () => '0'), ...after];
}

/** The address with its bits behind the first `bits` cleared. */
function masked(parts: readonly string[], bits: number, family: 'ipv4' | 'ipv6'): string {
  const [width, radix, separator] = family === 'ipv4' ? [8, 10, '.'] : [16, 16, ':'];
  const binary = parts.map((part) => parseInt(part, radix).toString(2).padStart(width, '0')).join('');
  const cleared = binary.slice(0, bits).padEnd(binary.length, '0');
  return parts.map((_, at) => parseInt(cleared.slice(at * width, (at + 1) * width), 2).toString(radix)).join(separator);
}
