/** The open-relay guard: who may send anywhere, and where a proxy may listen. */

import { describe, expect, it } from 'vitest';

import { RelayGuard } from '../../../src/handlers/proxy/relay-guard.js';
import { PureProxy } from '../../../src/handlers/pure-proxy.js';
import { completeOptions, type SMTPServerOptions } from '../../../src/server/server-options.js';
import type { SessionInfo } from '../../../src/server/session-info.js';

const ANYWHERE = { relaysAnywhere: true, hasNetworks: false };
const AUTH: SMTPServerOptions = { auth: { mode: 'offer', plaintext: 'always', mechanisms: ['PLAIN'] } };

function check(localAddress: SMTPServerOptions['localAddress'], options: SMTPServerOptions = {}, facts = ANYWHERE) {
  return () => {
    new RelayGuard([], false).check(completeOptions({ ...options, localAddress: localAddress! }), facts);
  };
}

function client(address: string, family: string, user?: string): SessionInfo {
  const identity = user === undefined ? undefined : { user };
  return { peer: { address, port: 50_000, family }, identity } as unknown as SessionInfo;
}

describe('where a proxy that relays anywhere may listen', () => {
  it.each<[NonNullable<SMTPServerOptions['localAddress']>]>([
    ['localhost:25'],
    ['127.0.0.1:25'],
    ['127.9.9.9:25'],
    ['[::1]:25'],
    ['/run/smtpd.sock'],
    [['localhost:25', '[::1]:26', '/run/s']],
  ])('%j: on this machine alone', (localAddress) => {
    expect(check(localAddress)).not.toThrow();
  });

  it.each<[NonNullable<SMTPServerOptions['localAddress']>, string]>([
    [':25', 'every address'],
    ['0.0.0.0:25', '0.0.0.0'],
    ['[::]:25', '::'],
    ['192.0.2.1:25', '192.0.2.1'],
    ['[2001:db8::1]:25', '2001:db8::1'],
    ['mail.example:25', 'mail.example'],
    ['localhost.example:25', 'localhost.example'],
    ['fd:3', 'fd:3'],
    [{ port: 25 }, 'every address'],
    [['localhost:25', '192.0.2.1:25'], '192.0.2.1'],
  ])('%j is refused, and the error says where', (localAddress, where) => {
    expect(check(localAddress)).toThrow(
      expect.objectContaining({
        code: 'SMTPD_OPEN_RELAY',
        message: expect.stringContaining(`Listening on ${where} `) as string,
      }),
    );
    for (const allowed of [
      check(localAddress, AUTH),
      check(localAddress, {}, { relaysAnywhere: true, hasNetworks: true }),
      check(localAddress, {}, { relaysAnywhere: false, hasNetworks: false }),
      () => {
        new RelayGuard([], true).check(completeOptions({ localAddress }), ANYWHERE);
      },
    ]) {
      expect(allowed).not.toThrow();
    }
  });

  it('listen() refuses before anything is opened', async () => {
    const proxy = new PureProxy({ localAddress: '0.0.0.0:0', remoteAddress: '127.0.0.1:9' });
    await expect(proxy.listen()).rejects.toMatchObject({ code: 'SMTPD_OPEN_RELAY' });
    expect(proxy.addresses).toEqual([]);
    const routed = new PureProxy({ localAddress: '0.0.0.0:0', route: () => undefined });
    await expect(routed.listen()).rejects.toMatchObject({ code: 'SMTPD_OPEN_RELAY' });
    const own = new PureProxy({ localAddress: '0.0.0.0:0', routes: { 'example.org': '127.0.0.1:9' } });
    await own.listen();
    await own.close();
  });
});

describe('who may send anywhere', () => {
  const guard = new RelayGuard(['192.0.2.0/24', '2001:db8::/32'], false);

  it.each<[string, SessionInfo, boolean]>([
    ['this machine', client('127.0.0.1', 'IPv4'), true],
    ['this machine, by IPv6', client('::1', 'IPv6'), true],
    ['a Unix socket', client('/run/s', 'unix'), true],
    ['a network that is named', client('192.0.2.77', 'IPv4'), true],
    ['an IPv6 network that is named', client('2001:db8::77', 'IPv6'), true],
    ['somebody else', client('198.51.100.1', 'IPv4'), false],
    ['somebody else who has authenticated', client('198.51.100.1', 'IPv4', 'alice'), true],
    ['somebody else, by IPv6', client('2001:db9::1', 'IPv6'), false],
  ])('%s', (_, session, may) => {
    expect(guard.mayRelay(session)).toBe(may);
    expect(new RelayGuard([], true).mayRelay(session)).toBe(true);
  });

  it('one network may be given as text', () => {
    expect(new RelayGuard('198.51.100.0/24', false).mayRelay(client('198.51.100.1', 'IPv4'))).toBe(true);
  });

  it('whoever may not is told to authenticate where that would help', () => {
    expect(guard.refusal(completeOptions({})).toString()).toBe('550 5.7.1 Error: relaying denied');
    expect(guard.refusal(completeOptions(AUTH)).toString()).toBe('530 5.7.0 Error: authentication required');
  });
});
