/** The options of a proxy: what cannot work is said at construction. */

import { describe, expect, it } from 'vitest';

import { forward } from '../../../src/handlers/forward.js';
import { splitOptions } from '../../../src/handlers/proxy/proxy-options.js';
import { PureProxy } from '../../../src/handlers/pure-proxy.js';

const REMOTE = { remoteAddress: '127.0.0.1:25' };

describe('the options of a proxy', () => {
  it('are parted from those of the server', () => {
    const { server, proxy } = splitOptions({ ...REMOTE, hostname: 'mx.example', hopsMax: 7, identify: 'xclient' });
    expect(server).toEqual({ hostname: 'mx.example', remoteAddress: '127.0.0.1:25' });
    expect(proxy).toEqual({
      ...REMOTE,
      hopsMax: 7,
      identify: 'xclient',
      routes: {},
      balance: 'inOrder',
      mixed: 'defer',
      upstream: {},
      addReceived: true,
      addPeer: true,
      open: false,
    });
    expect(new PureProxy(REMOTE).options.remoteAddress).toBe('127.0.0.1:25');
  });

  it.each<[string, Record<string, unknown>, string]>([
    ['balance', { balance: 'random' }, 'SMTPD_BAD_OPTION'],
    ['mixed', { mixed: 'lie' }, 'SMTPD_BAD_OPTION'],
    ['identify', { identify: 'both' }, 'SMTPD_BAD_OPTION'],
    ['hopsMax 0', { hopsMax: 0 }, 'SMTPD_BAD_OPTION'],
    ['hopsMax 1.5', { hopsMax: 1.5 }, 'SMTPD_BAD_OPTION'],
    ['hopsMax as text', { hopsMax: '100' }, 'SMTPD_BAD_OPTION'],
    ['an option that is none', { remote: 'x' }, 'SMTPD_BAD_OPTION'],
    ['an option of upstream that is none', { upstream: { tsl: { mode: 'off' } } }, 'SMTPD_BAD_OPTION'],
    ['connectionsMax', { upstream: { connectionsMax: 0 } }, 'SMTPD_BAD_OPTION'],
    ['waits', { upstream: { waits: { foreverMs: 1 } } }, 'SMTPD_BAD_OPTION'],
    ['tls', { upstream: { tls: { mode: 'maybe' } } }, 'SMTPD_BAD_OPTION'],
    ['auth', { upstream: { auth: { password: 'x' } } }, 'SMTPD_BAD_OPTION'],
    ['lineEndings', { lineEndings: 'preserve' }, 'SMTPD_CONFLICTING_OPTIONS'],
    ['decodeData', { decodeData: false }, 'SMTPD_CONFLICTING_OPTIONS'],
    ['two for the rest', { routes: { '*': 'b.example' } }, 'SMTPD_CONFLICTING_OPTIONS'],
    ['a destination', { remoteAddress: 'not a host' }, 'SMTPD_BAD_ADDRESS'],
    ['a route', { routes: { 'a b': 'b.example' } }, 'SMTPD_BAD_ADDRESS'],
    ['a network', { allowNetworks: ['192.0.2.0/99'] }, 'SMTPD_BAD_NETWORK'],
  ])('%s that cannot work is told at once', (_, options, code) => {
    const make = (): PureProxy => new PureProxy({ ...REMOTE, ...options });
    expect(make).toThrow(expect.objectContaining({ code }));
  });

  it('take the name that a server may have, and so does who passes messages on', () => {
    expect(new PureProxy({ ...REMOTE, hostname: 'my_host' }).options.hostname).toBe('my_host');
    expect(forward({ to: REMOTE.remoteAddress, hostname: 'my_host' }).name).toBe('forward');
  });

  it('say in words where mail goes, and who may send it there', () => {
    const routes = { 'example.org': 'a.example', '*': 'b.example,c.example' };
    expect(new PureProxy({ routes }).describeRelaying()).toEqual([
      'relaying example.org to smtp://a.example:25',
      'relaying everything else to smtp://b.example:25,smtp://c.example:25',
      'may send anywhere: clients of this machine',
    ]);
    expect(new PureProxy({ ...REMOTE, route: () => undefined, open: true }).describeRelaying()).toEqual([
      'relaying single recipients where the program says',
      'relaying everything to smtp://127.0.0.1:25',
      'may send anywhere: everybody (an open relay)',
    ]);
    const users = { auth: { mode: 'offer' }, tls: { mode: 'offer' }, allowNetworks: 'private 192.0.2.0/24' } as const;
    expect(new PureProxy({ ...REMOTE, ...users }).describeRelaying().at(-1)).toBe(
      'may send anywhere: clients of this machine, clients in private 192.0.2.0/24, whoever authenticates',
    );
    expect(new PureProxy({ routes: { 'example.org': 'a.example' } }).describeRelaying()).toEqual([
      'relaying example.org to smtp://a.example:25',
    ]);
  });
});
