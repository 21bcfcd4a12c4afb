/** Look-ups by the platform's own resolver, asked of a server that says what each test needs. */

import { Resolver } from 'node:dns/promises';
import { afterEach, describe, expect, it } from 'vitest';

import { MXLookup, MX_TIME_LIMIT_MS, type MXLookupOptions, type MXOutcome } from '../../src/client/mx-lookup.js';
import { startDNSServer, type DNSEntry, type DNSServer } from '../support/dns-server.js';
import { ManualClock } from '../support/manual-clock.js';

const SERVFAIL = 2;
const REFUSED = 5;

const opened: { readonly server: DNSServer; readonly resolver: Resolver }[] = [];

afterEach(async () => {
  for (const { server, resolver } of opened.splice(0)) {
    resolver.cancel();
    await server[Symbol.asyncDispose]();
  }
});

async function open(zone: Readonly<Record<string, DNSEntry>>, options: Partial<MXLookupOptions> = {}) {
  const server = await startDNSServer(zone);
  const resolver = new Resolver({ timeout: 60_000, tries: 1 });
  resolver.setServers([server.address]);
  opened.push({ server, resolver });
  const clock = new ManualClock();
  const lookup = new MXLookup({
    resolver,
    ownNames: [],
    random: () => 0,
    timeLimitMs: MX_TIME_LIMIT_MS,
    clock,
    ...options,
  });
  return { server, clock, lookup };
}

function namesOf(outcome: MXOutcome): readonly string[] {
  return outcome.kind === 'hosts' ? outcome.hosts.map(({ host }) => host) : [outcome.kind];
}

describe('the hosts of a domain', () => {
  it('are in the order of their preference', async () => {
    const { lookup, server } = await open({
      'example.org': {
        MX: [
          [20, 'b.example.org'],
          [5, 'A.Example.Org'],
          [100, 'c.example.net'],
        ],
      },
    });
    expect(await lookup.find('Example.ORG')).toEqual({
      kind: 'hosts',
      hosts: [
        { host: 'a.example.org', preference: 5 },
        { host: 'b.example.org', preference: 20 },
        { host: 'c.example.net', preference: 100 },
      ],
    });
    expect(server.questions).toEqual(['example.org MX']);
  });

  it('are in any order where they are equal, each as likely, and only there', async () => {
    const zone: Record<string, DNSEntry> = {
      'example.org': {
        MX: [
          [10, 'c'],
          [10, 'a'],
          [10, 'b'],
          [5, 'first'],
        ],
      },
    };
    const orders = new Map<string, number>();
    for (const first of [0, 0.4, 0.99]) {
      for (const second of [0, 0.6]) {
        // The fourth host, which is better, is drawn first of all; then two of the three, and then what is left.
        const draws = [0.99, first, second, 0];
        const { lookup } = await open(zone, { random: () => draws.shift() ?? 0 });
        const names = namesOf(await lookup.find('example.org')).join(' ');
        orders.set(names, (orders.get(names) ?? 0) + 1);
      }
    }
    expect([...orders.keys()].sort()).toEqual(
      ['a b c', 'a c b', 'b a c', 'b c a', 'c a b', 'c b a'].map((order) => `first ${order}`),
    );
  });

  it('are each there once, with its best preference', async () => {
    const { lookup } = await open({
      'example.org': {
        MX: [
          [30, 'b.example'],
          [10, 'a.example'],
          [20, 'b.example'],
          [40, 'a.example'],
        ],
      },
    });
    expect(await lookup.find('example.org')).toEqual({
      kind: 'hosts',
      hosts: [
        { host: 'a.example', preference: 10 },
        { host: 'b.example', preference: 20 },
      ],
    });
  });

  it('are 32 at most, the best', async () => {
    const resolver = {
      resolveMx: () =>
        Promise.resolve(
          Array.from({ length: 40 }, (_, at) => ({ exchange: `h${String(40 - at)}`, priority: 40 - at })),
        ),
      resolve4: () => Promise.resolve([]),
      resolve6: () => Promise.resolve([]),
    };
    const { lookup } = await open({}, { resolver });
    expect(namesOf(await lookup.find('example.org'))).toEqual(
      Array.from({ length: 32 }, (_, at) => `h${String(at + 1)}`),
    );
  });

  it('are understood with a dot at their end, as some resolvers write them', async () => {
    const resolver = {
      resolveMx: (name: string) =>
        Promise.resolve([{ exchange: name === 'null.example' ? '.' : 'mx.example.', priority: 0 }]),
      resolve4: () => Promise.resolve([]),
      resolve6: () => Promise.resolve([]),
    };
    const { lookup } = await open({}, { resolver });
    expect(namesOf(await lookup.find('example.org'))).toEqual(['mx.example']);
    expect(namesOf(await lookup.find('null.example'))).toEqual(['nullMX']);
  });

  it('are found behind an alias', async () => {
    const { lookup } = await open({
      'alias.example': { CNAME: 'example.org' },
      'example.org': { MX: [[10, 'mx.example.org']] },
    });
    expect(namesOf(await lookup.find('alias.example'))).toEqual(['mx.example.org']);
  });

  it('are asked for with A-labels', async () => {
    const { lookup, server } = await open({ 'xn--bcher-kva.example': { MX: [[10, 'mx.example.org']] } });
    expect(namesOf(await lookup.find('Bücher.example'))).toEqual(['mx.example.org']);
    expect(server.questions).toEqual(['xn--bcher-kva.example MX']);
  });

  it.each<[string, DNSEntry]>([
    ['IPv4', { A: ['192.0.2.1'] }],
    ['IPv6', { AAAA: ['2001:db8:0:0:0:0:0:1'] }],
    ['IPv4, while IPv6 is not known', { A: ['192.0.2.1'], AAAA: SERVFAIL }],
  ])('are the domain itself where it has no MX but an address of %s', async (_, entry) => {
    const { lookup, server } = await open({ 'example.org': entry });
    expect(await lookup.find('example.org')).toEqual({
      kind: 'hosts',
      hosts: [{ host: 'example.org', preference: 0 }],
    });
    expect([...server.questions].sort()).toEqual(['example.org A', 'example.org AAAA', 'example.org MX']);
  });

  it.each([
    ['[192.0.2.1]', '192.0.2.1'],
    ['[IPv6:2001:DB8:0:0::1]', '2001:db8::1'],
  ])('of the address literal %s are that address, and DNS is not asked', async (literal, host) => {
    const { lookup, server } = await open({});
    expect(await lookup.find(literal)).toEqual({ kind: 'hosts', hosts: [{ host, preference: 0 }] });
    expect(server.questions).toEqual([]);
  });
});

describe('a domain without hosts', () => {
  it('says so itself by the null MX', async () => {
    const { lookup, server } = await open({ 'example.org': { MX: [[0, '']], A: ['192.0.2.1'] } });
    expect(await lookup.find('example.org')).toEqual({ kind: 'nullMX' });
    expect(server.questions).toEqual(['example.org MX']);
  });

  it('is not one where the null MX stands beside another', async () => {
    const { lookup } = await open({
      'example.org': {
        MX: [
          [0, ''],
          [10, 'mx.example.org'],
        ],
      },
    });
    expect(namesOf(await lookup.find('example.org'))).toEqual(['mx.example.org']);
  });

  it('that does not exist is no such domain, and nothing more is asked', async () => {
    const { lookup, server } = await open({});
    expect(await lookup.find('example.org')).toEqual({ kind: 'noSuchDomain' });
    expect(server.questions).toEqual(['example.org MX']);
  });

  it.each<[string, DNSEntry]>([
    ['has neither MX nor address', {}],
    ['has an MX that names an address alone', { MX: [[10, '192.0.2.1']], A: ['192.0.2.1'] }],
  ])('that %s is no such domain', async (_, entry) => {
    const { lookup } = await open({ 'example.org': entry });
    expect(await lookup.find('example.org')).toEqual({ kind: 'noSuchDomain' });
  });

  it.each([
    '',
    'a b',
    '192.0.2.1',
    'a..b',
    '[tag:x]',
    '[tag:192.0.2.1]',
    '[192.0.2.01]',
    '[300.0.0.1]',
    '[]',
    '[',
    `${'a'.repeat(64)}.example`,
  ])('%j is no such domain, and DNS is not asked', async (domain) => {
    const { lookup, server } = await open({});
    expect(await lookup.find(domain)).toEqual({ kind: 'noSuchDomain' });
    expect(server.questions).toEqual([]);
  });
});

describe('our own names', () => {
  const zone: Record<string, DNSEntry> = {
    'example.org': {
      MX: [
        [10, 'near.example'],
        [20, 'own.example'],
        [20, 'equal.example'],
        [30, 'far.example'],
      ],
    },
    'own.example': { A: ['192.0.2.1'] },
  };

  it('are taken out, with all hosts that are not nearer', async () => {
    const { lookup } = await open(zone, { ownNames: ['Own.Example.'] });
    expect(namesOf(await lookup.find('example.org'))).toEqual(['near.example']);
  });

  it.each([
    ['example.org', ['near.example']],
    ['own.example', ['own.example']],
    ['[192.0.2.1]', ['192.0.2.1']],
    ['[IPv6:2001:db8::1]', ['2001:DB8:0::1']],
  ])('where one is the best host of %s, mail would come back', async (domain, ownNames) => {
    const { lookup } = await open(zone, { ownNames });
    expect(await lookup.find(domain)).toEqual({ kind: 'loopsBack' });
  });
});

describe('a domain of which DNS does not say', () => {
  it.each<[string, DNSEntry, string]>([
    ['its MX fails', SERVFAIL, 'ESERVFAIL'],
    ['its MX is refused', { MX: REFUSED, A: ['192.0.2.1'] }, 'EREFUSED'],
    ['it has no MX, no address of one kind, and the other fails', { A: SERVFAIL }, 'ESERVFAIL'],
  ])('is temporarily unknown: %s', async (_, entry, code) => {
    const { lookup } = await open({ 'example.org': entry });
    const outcome = await lookup.find('example.org');
    expect(outcome).toMatchObject({ kind: 'temporarilyUnknown', cause: { code } });
  });

  it.each<[string, DNSEntry]>([
    ['MX', 'silent'],
    ['addresses', { A: 'silent' }],
  ])('is temporarily unknown when the answer about %s does not come in time', async (_, entry) => {
    const { lookup, server, clock } = await open({ 'example.org': entry });
    const outcome = lookup.find('example.org');
    await server.silence;
    clock.advance(MX_TIME_LIMIT_MS);
    expect(await outcome).toEqual({
      kind: 'temporarilyUnknown',
      cause: new Error('DNS did not answer within 30000 ms'),
    });
  });

  it('is given up when the signal says so, with its reason', async () => {
    const { lookup, server, clock } = await open({ 'example.org': 'silent' });
    const controller = new AbortController();
    const outcome = lookup.find('example.org', controller.signal);
    await server.silence;
    controller.abort(new Error('the client left'));
    await expect(outcome).rejects.toThrow('the client left');
    expect(clock.timerCount).toBe(0);
  });

  it('is not asked for when the signal spoke before', async () => {
    const { lookup, server } = await open({ 'example.org': { MX: [[10, 'mx.example.org']] } });
    await expect(lookup.find('example.org', AbortSignal.abort(new Error('gone')))).rejects.toThrow('gone');
    expect(server.questions).toEqual([]);
  });
});

describe('a look-up that ended', () => {
  it('leaves neither a timer nor a listener', async () => {
    const { lookup, clock } = await open({ 'example.org': { MX: [[10, 'mx.example.org']] } });
    const { signal } = new AbortController();
    const listeners = new Set<unknown>();
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    signal.addEventListener = (...parameters: Parameters<typeof add>) => {
      listeners.add(parameters[1]);
      add(...parameters);
    };
    signal.removeEventListener = (...parameters: Parameters<typeof remove>) => {
      listeners.delete(parameters[1]);
      remove(...parameters);
    };
    await lookup.find('example.org', signal);
    expect(listeners.size).toBe(0);
    expect(clock.timerCount).toBe(0);
  });
});
