/** Listen addresses, read and written as people do. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import type { BoundAddress, ListenAddress } from '../../src/net/listener.js';
import { UsageError } from '../../src/protocol/errors.js';
import { formatBoundAddress, parseListenAddress } from '../../src/server/listen-address.js';

describe('parseListenAddress', () => {
  it.each<[string, ListenAddress]>([
    ['localhost:8025', { host: 'localhost', port: 8025 }],
    ['127.0.0.1:0', { host: '127.0.0.1', port: 0 }],
    ['mx.example:65535', { host: 'mx.example', port: 65_535 }],
    ['0.0.0.0:00025', { host: '0.0.0.0', port: 25 }],
    ['[::1]:25', { host: '::1', port: 25 }],
    ['[::]:25', { host: '::', port: 25 }],
    ['[2001:DB8::ffff:192.0.2.1]:25', { host: '2001:DB8::ffff:192.0.2.1', port: 25 }],
    ['[fe80::1%eth0]:25', { host: 'fe80::1%eth0', port: 25 }],
    [':25', { host: '', port: 25 }],
    ['/run/smtpd.sock', { path: '/run/smtpd.sock' }],
    ['./smtpd.sock', { path: './smtpd.sock' }],
    ['run/a:25', { path: 'run/a:25' }],
    ['fd:3', { fd: 3 }],
    ['fd:0', { fd: 0 }],
  ])('reads %s', (text, address) => {
    expect(parseListenAddress(text)).toEqual(address);
  });

  it.each([
    '',
    'localhost',
    '8025',
    'smtpd.sock',
    'localhost:',
    'localhost:smtp',
    'localhost:-1',
    'localhost:+25',
    'localhost:2.5',
    'localhost:100000',
    'localhost: 25',
    ' localhost:25',
    'local host:25',
    'localhost:25\n',
    // Without brackets nobody can tell its last group from a port.
    '::1:25',
    '2001:db8::1',
    '[::1]',
    '[::1]25',
    '[]:25',
    '[::1]:',
    '[::1:25',
    'fd:',
    'fd:x',
    'fd:1234567890',
  ])('refuses %j, and says what to write', (text) => {
    expect(() => parseListenAddress(text)).toThrow(UsageError);
    expect(() => parseListenAddress(text)).toThrow(
      expect.objectContaining({
        code: 'SMTPD_BAD_ADDRESS',
        message: `"${text}" is no listen address; write host:port, [IPv6]:port, :port, a path with a slash, or fd:N`,
      }),
    );
  });

  it.each([
    [undefined, 'undefined'],
    [25, 'a number'],
    [{ port: 25 }, 'the Object that was given'],
  ])('refuses %j of a program without types, and says what to write', (given, kind) => {
    expect(() => parseListenAddress(given as unknown as string)).toThrow(
      expect.objectContaining({
        code: 'SMTPD_BAD_ADDRESS',
        message: `${kind} is no listen address; write host:port, [IPv6]:port, :port, a path with a slash, or fd:N`,
      }),
    );
  });

  it.each(['localhost:65536', '[::1]:99999', ':70000'])('refuses %s for its port', (text) => {
    expect(() => parseListenAddress(text)).toThrow(
      expect.objectContaining({ code: 'SMTPD_BAD_ADDRESS', message: `"${text}": a port is 0 to 65535` }),
    );
  });

  it('reads any text as an address or refuses it, and never throws anything else', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[\][:.%a-f0-9fd/ -]{0,20}$/)), (text) => {
        try {
          const address = parseListenAddress(text);
          if ('port' in address) expect(address.port).toBeLessThanOrEqual(65_535);
        } catch (error) {
          expect(error).toMatchObject({ name: 'UsageError', code: 'SMTPD_BAD_ADDRESS' });
        }
      }),
    );
  });
});

describe('formatBoundAddress', () => {
  it.each<[BoundAddress, string]>([
    [{ address: '127.0.0.1', port: 8025, family: 'IPv4' }, '127.0.0.1:8025'],
    [{ address: '::1', port: 8025, family: 'IPv6' }, '[::1]:8025'],
    [{ address: '/run/smtpd.sock', port: 0, family: 'unix' }, '/run/smtpd.sock'],
  ])('writes %o', (address, text) => {
    expect(formatBoundAddress(address)).toBe(text);
  });

  it('writes what parseListenAddress reads', () => {
    const port = fc.nat(65_535);
    const bound = fc.oneof(
      fc.record({ address: fc.ipV4(), port, family: fc.constant('IPv4' as const) }),
      fc.record({ address: fc.ipV6(), port, family: fc.constant('IPv6' as const) }),
    );
    fc.assert(
      fc.property(bound, (address) => {
        expect(parseListenAddress(formatBoundAddress(address))).toEqual({ host: address.address, port: address.port });
      }),
    );
  });
});
