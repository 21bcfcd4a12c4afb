/** What is said of options that there are not. What names from elsewhere mean is in `brought-names.test.ts`. */

import { describe, expect, it } from 'vitest';

import { unknownOptions, type KnownOptions } from '../../src/protocol/unknown-options.js';

const KNOWN = new Set(['localAddress', 'remoteAddress', 'dataSizeLimit', 'enableSMTPUTF8', 'tls', 'auth', 'hostname']);

/** What is said of one name, behind its title. */
function adviceOn(name: string, options: Partial<KnownOptions> = {}): string | undefined {
  const given = Object.defineProperty({}, name, { value: 1, enumerable: true });
  return unknownOptions(given, { known: KNOWN, ...options })?.replace(/^There is no option "[^"]*"; /, '');
}

describe('unknownOptions', () => {
  it('says nothing where every option is known', () => {
    expect(unknownOptions({}, { known: KNOWN })).toBeUndefined();
    expect(unknownOptions({ tls: 1, auth: undefined }, { known: KNOWN })).toBeUndefined();
  });

  it.each([
    ['a:secret@b:25', 'a string'],
    [undefined, 'undefined'],
    [null, 'null'],
    [25, 'a number'],
  ])('says that %j is no options, without repeating it', (given, kind) => {
    expect(unknownOptions(given as unknown as object, { known: KNOWN })).toBe(
      `Options are an object, not ${kind}; there are: ${[...KNOWN].join(', ')}`,
    );
    const meant = () => ({ host: "say localAddress: 'HOST:PORT'" });
    expect(unknownOptions(given as unknown as object, { known: KNOWN, meant })).toMatch(
      /; say localAddress: 'HOST:PORT'$/,
    );
  });

  it('asks for what they mean of names only where there is one', () => {
    const meant = (): never => {
      throw new Error('Nobody asked');
    };
    expect(unknownOptions({ tls: 1 }, { known: KNOWN, meant })).toBeUndefined();
    expect(() => unknownOptions({ port: 1 }, { known: KNOWN, meant })).toThrow('Nobody asked');
  });

  it.each([
    ['data_size_limit', 'did you mean dataSizeLimit?'],
    ['enable_SMTPUTF8', 'did you mean enableSMTPUTF8?'],
    ['enableSmtpUtf8', 'did you mean enableSMTPUTF8?'],
    ['TLS', 'did you mean tls?'],
    ['limitDataSize', 'did you mean dataSizeLimit?'],
    ['address_local', 'did you mean localAddress?'],
  ])('knows %s in another spelling, or in another order', (name, advice) => {
    expect(adviceOn(name)).toBe(advice);
    // Whatever else the name may mean.
    expect(adviceOn(name, { meant: () => ({ [name]: 'leave it out' }) })).toBe(advice);
  });

  it('says what a name from elsewhere means', () => {
    const meant = (): Record<string, string> => ({ port: "say localAddress: 'HOST:PORT'", hostnames: 'leave it out' });
    expect(adviceOn('port', { meant })).toBe("say localAddress: 'HOST:PORT'");
    // However near another one is.
    expect(adviceOn('hostnames', { meant })).toBe('leave it out');
    expect(adviceOn('toString', { meant })).toMatch(/^there are: /);
  });

  it.each([
    ['a letter too few', 'hostnme', 'hostname'],
    ['a letter too many', 'localAdddress', 'localAddress'],
    ['another letter', 'hostnane', 'hostname'],
    ['two letters swapped', 'atuh', 'auth'],
    ['two wrong letters in a long name', 'remteAdress', 'remoteAddress'],
    ['the beginning', 'dataSize', 'dataSizeLimit'],
    ['a short name with two letters swapped', 'tsl', 'tls'],
  ])('finds the name that was meant: %s', (_, name, meant) => {
    expect(adviceOn(name)).toBe(`did you mean ${meant}?`);
  });

  it('names all of the nearest', () => {
    expect(adviceOn('size', { known: new Set(['sizeMin', 'sizeMax', 'tls']) })).toBe(
      'did you mean sizeMin or sizeMax?',
    );
    expect(adviceOn('cast', { known: new Set(['cost', 'case', 'tls']) })).toBe('did you mean cost or case?');
  });

  it.each([
    'colour',
    'ouch',
    'rmteAdress',
    'ox',
    'tl',
    'ca',
    'toString',
    'constructor',
    '__proto__',
    '',
    'a'.repeat(10_000),
  ])('names them all where nothing is near: %.20s', (name) => {
    expect(adviceOn(name)).toBe(`there are: ${[...KNOWN].join(', ')}`);
    expect(adviceOn(name, { otherwise: '--help names all' })).toBe('--help names all');
  });

  it('has a line for each name', () => {
    const options: KnownOptions = { known: KNOWN, title: (name) => `${name} is none` };
    expect(unknownOptions({ hostnme: 1, tls: 1, dataSize: 1 }, options)).toBe(
      'hostnme is none; did you mean hostname?\ndataSize is none; did you mean dataSizeLimit?',
    );
  });
});
