/** How a server behind is talked to: what clients and pools are made of. */

import { describe, expect, it } from 'vitest';

import { parseDestination, type HostDestination, type UnixDestination } from '../../../src/client/destination.js';
import { systemClock } from '../../../src/net/clock.js';
import { poolDestination, upstreamClient, upstreamPool } from '../../../src/handlers/proxy/upstream-options.js';

const CONTEXT = { hostname: 'relay.example', clock: systemClock };

describe('a destination', () => {
  it.each([
    ['a.example', { protocol: 'smtp', tls: { mode: 'opportunistic' }, remoteAddress: { host: 'a.example', port: 25 } }],
    [
      'smtps://a.example',
      { protocol: 'smtp', tls: { mode: 'implicit' }, remoteAddress: { host: 'a.example', port: 465 } },
    ],
    [
      'lmtp://a.example:24',
      { protocol: 'lmtp', tls: { mode: 'opportunistic' }, remoteAddress: { host: 'a.example', port: 24 } },
    ],
    ['lmtp:unix:/run/lmtp', { protocol: 'lmtp', tls: { mode: 'opportunistic' }, remoteAddress: { path: '/run/lmtp' } }],
  ])('%s is reached so', (text, client) => {
    const destination = parseDestination(text) as HostDestination | UnixDestination;
    const to = poolDestination(destination, upstreamClient({}, CONTEXT));
    expect(to.client).toMatchObject({ hostname: 'relay.example', ...client });
  });

  it('shares connections with none that is reached otherwise', () => {
    const texts = ['a.example', 'smtps://a.example:25', 'lmtp://a.example:25', 'b.example', 'unix:/a', 'lmtp:unix:/a'];
    const keys = texts.map(
      (text) =>
        poolDestination(parseDestination(text) as HostDestination | UnixDestination, upstreamClient({}, CONTEXT)).key,
    );
    expect(new Set(keys).size).toBe(texts.length);
  });
});

describe('the options', () => {
  it('go to the clients and to the pool, each where it belongs', () => {
    const tls = { mode: 'require', verify: false } as const;
    const auth = { user: 'alice', password: 'secret' };
    const options = {
      tls,
      auth,
      localAddress: '127.0.0.1',
      waits: { mailMs: 7 },
      connectionsMax: 1,
      idleMs: 2,
      messagesMax: 3,
      waitMs: 4,
    };
    expect(upstreamClient(options, CONTEXT)).toMatchObject({
      tls,
      auth,
      localAddress: '127.0.0.1',
      waits: { mailMs: 7 },
    });
    expect(upstreamPool(options, CONTEXT)).toEqual({
      connectionsMax: 1,
      idleMs: 2,
      messagesMax: 3,
      waitMs: 4,
      clock: systemClock,
    });
  });

  it('leave each wait a little shorter than a client’s own, unless it is given', () => {
    const { waits } = upstreamClient({ waits: { mailMs: 7 } }, CONTEXT);
    expect(waits).toMatchObject({ mailMs: 7, contentEndMs: 540_000 });
  });

  it('that cannot work are told at once', () => {
    expect(() => upstreamClient({ auth: { user: '', password: 'x' } }, CONTEXT)).toThrow(/auth\.user is missing/);
  });
});
