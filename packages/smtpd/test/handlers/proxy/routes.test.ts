/** Routes: whose mail goes where. */

import { describe, expect, it } from 'vitest';

import { parseRoute, RouteTable, type RouteText } from '../../../src/handlers/proxy/routes.js';
import { UsageError } from '../../../src/protocol/errors.js';

const A = 'smtp://a.example:25';
const B = 'smtp://b.example:2525';
const C = 'lmtp:unix:/run/c';

describe('a route', () => {
  it.each<[RouteText, string]>([
    ['a.example', A],
    [' a.example , b.example:2525', `${A},${B}`],
    [['b.example:2525', 'lmtp:unix:/run/c'], `${B},${C}`],
    ['MX:Bücher.example', 'mx:xn--bcher-kva.example'],
    ['mx:', 'mx:'],
    ['smtps://[::1]', 'smtps://[::1]:465'],
  ])('%j is %s', (text, key) => {
    expect(parseRoute(text).key).toBe(key);
  });

  it('is the same as another one when it is written differently', () => {
    expect(parseRoute('A.example').key).toBe(parseRoute(['smtp://a.EXAMPLE:25']).key);
  });

  it.each<[RouteText]>([[[]], [''], ['a.example,'], ['lmtp://a.example'], ['a b']])('%j is none', (text) => {
    expect(() => parseRoute(text)).toThrow(expect.objectContaining({ code: 'SMTPD_BAD_ADDRESS' }));
  });
});

describe('a table of routes', () => {
  const table = new RouteTable(
    { 'example.org': A, '*.example.org': B, 'deep.lists.example.org': C, '*.bücher.example': C, 'tüte.example': A },
    'rest.example',
  );
  const rest = 'smtp://rest.example:25';

  it.each<[string | undefined, string]>([
    ['example.org', A],
    ['EXAMPLE.Org', A],
    ['lists.example.org', B],
    ['a.b.example.org', B],
    ['deep.lists.example.org', C],
    ['notexample.org', rest],
    ['org', rest],
    ['tüte.example', A],
    ['xn--tte-hoa.example', A],
    ['lesen.BÜCHER.example', C],
    ['lesen.xn--bcher-kva.example', C],
    ['bücher.example', rest],
    ['[192.0.2.1]', rest],
    [undefined, rest],
  ])('mail for %s goes to %s', (domain, key) => {
    expect(table.find(domain)?.key).toBe(key);
  });

  it('the nearest domain above has it', () => {
    const nested = new RouteTable({ '*.example.org': A, '*.lists.example.org': B }, undefined);
    expect(nested.find('x.lists.example.org')?.key).toBe(B);
    expect(nested.find('lists.example.org')?.key).toBe(A);
  });

  it('without one for the rest others go nowhere', () => {
    const own = new RouteTable({ 'example.org': A }, undefined);
    expect(own.fallback).toBeUndefined();
    expect(own.find('example.net')).toBeUndefined();
    expect(own.find(undefined)).toBeUndefined();
  });

  it('the fallback is no route of its own, so that a guard can tell', () => {
    expect(table.findOwn('example.net')).toBeUndefined();
    expect(table.findOwn('example.org')?.key).toBe(A);
  });

  it.each<[string, Readonly<Record<string, RouteText>>, RouteText | undefined, string | undefined]>([
    ['a fallback alone', {}, 'a.example', A],
    ['* alone', { '*': 'a.example' }, undefined, A],
    ['a domain beside it', { 'example.org': B }, 'a.example', undefined],
    ['a wildcard beside it', { '*.example.org': B, '*': A }, undefined, undefined],
    ['nothing', {}, undefined, undefined],
  ])('is there one route for everybody? %s', (_, routes, fallback, only) => {
    expect(new RouteTable(routes, fallback).only?.key).toBe(only);
  });

  it.each(['', '*', '*.', '**', 'a..b', 'a@b.example', 'a.*.example', '*.*.example', 'a b.example'])(
    'the pattern %j is refused, unless it is the one for the rest',
    (pattern) => {
      const make = (): RouteTable => new RouteTable({ [pattern]: A }, undefined);
      if (pattern === '*') expect(make().only?.key).toBe(A);
      else expect(make).toThrow(expect.objectContaining({ code: 'SMTPD_BAD_ADDRESS' }));
    },
  );

  it('* and a remote address contradict each other', () => {
    expect(() => new RouteTable({ '*': A }, B)).toThrow(UsageError);
    expect(() => new RouteTable({ '*': A }, B)).toThrow(expect.objectContaining({ code: 'SMTPD_CONFLICTING_OPTIONS' }));
  });

  it('one domain that is written twice contradicts itself', () => {
    for (const routes of [
      { 'example.org': A, 'EXAMPLE.org': B },
      { '*.tüte.example': A, '*.xn--tte-hoa.example': B },
    ]) {
      expect(() => new RouteTable(routes, undefined)).toThrow(
        expect.objectContaining({ code: 'SMTPD_CONFLICTING_OPTIONS' }),
      );
    }
  });

  it('describes itself', () => {
    expect(table.describe()).toEqual([
      `example.org to ${A}`,
      `deep.lists.example.org to ${C}`,
      `xn--tte-hoa.example to ${A}`,
      `*.example.org to ${B}`,
      `*.xn--bcher-kva.example to ${C}`,
      `everything else to ${rest}`,
    ]);
    expect(new RouteTable({}, A).describe()).toEqual([`everything to ${A}`]);
    expect(new RouteTable({}, undefined).describe()).toEqual([]);
  });

  it('lists all routes, the one for the rest last', () => {
    expect(new RouteTable({ 'example.org': A, '*.example.org': B }, C).all.map(({ key }) => key)).toEqual([A, B, C]);
  });
});
