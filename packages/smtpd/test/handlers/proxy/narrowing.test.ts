/** What a proxy offers: what all servers behind it can carry. */

import { describe, expect, it } from 'vitest';

import { isTLSCertain, narrowTo, passedOnExtensions } from '../../../src/handlers/proxy/narrowing.js';
import { dsn } from '../../../src/protocol/extensions/dsn.js';
import { etrn } from '../../../src/protocol/extensions/etrn.js';
import { Reply } from '../../../src/protocol/reply.js';
import { readCapabilities, type ServerCapabilities } from '../../../src/protocol/server-capabilities.js';

const KEYWORDS = [
  '8BITMIME',
  'SMTPUTF8',
  'BINARYMIME',
  'DSN',
  'DELIVERBY',
  'MT-PRIORITY',
  'FUTURERELEASE',
  'REQUIRETLS',
  'ENHANCEDSTATUSCODES',
];
const ALL = [...KEYWORDS, 'CHUNKING'];

function offering(...lines: readonly string[]): ServerCapabilities {
  return readCapabilities(new Reply(250, undefined, ['mx.example', ...lines]));
}

function without(...capabilities: readonly ServerCapabilities[]): readonly string[] | undefined {
  return narrowTo(capabilities, { mayRequireTLS: true }).without;
}

describe('narrowing', () => {
  it('takes nothing away where the next server has everything', () => {
    expect(narrowTo([offering(...ALL)], { mayRequireTLS: true })).toEqual({ without: [] });
  });

  it.each(KEYWORDS)('%s is not offered where the next server has it not', (keyword) => {
    const found = without(offering(...ALL.filter((each) => each !== keyword)));
    // RFC 6531 §3.1: SMTPUTF8 goes with 8BITMIME.
    expect(found).toEqual(keyword === '8BITMIME' ? ['8BITMIME', 'SMTPUTF8'] : [keyword]);
  });

  it('what carries content differently needs CHUNKING as well', () => {
    expect(without(offering(...KEYWORDS))).toEqual(['BINARYMIME']);
  });

  it('one server of several that has it not is enough', () => {
    expect(without(offering(...ALL), offering(...ALL.filter((keyword) => keyword !== 'DSN')))).toEqual(['DSN']);
  });

  it('of servers that nobody knows nothing is promised', () => {
    expect(narrowTo([], { mayRequireTLS: true })).toEqual({ without: KEYWORDS });
  });

  it('REQUIRETLS needs certificates that are checked', () => {
    expect(narrowTo([offering(...ALL)], { mayRequireTLS: false }).without).toEqual(['REQUIRETLS']);
    expect(narrowTo([], { mayRequireTLS: false }).without).toEqual(KEYWORDS);
  });

  it('the smallest bounds of all servers hold', () => {
    expect(
      narrowTo(
        [
          offering('SIZE 2000', 'LIMITS RCPTMAX=7', ...ALL),
          offering('SIZE 1000', 'LIMITS RCPTMAX=9', ...ALL),
          offering('SIZE', ...ALL),
          offering('SIZE 0', ...ALL),
        ],
        { mayRequireTLS: true },
      ),
    ).toEqual({ without: [], sizeLimitBytes: 1000, recipientsMax: 7 });
  });
});

describe('the extensions of a proxy', () => {
  it('are those it was given, and once each those whose parameters are passed on', () => {
    expect(passedOnExtensions().map(({ keyword }) => keyword)).toEqual(['DSN', 'REQUIRETLS']);
    const own = dsn();
    const extensions = passedOnExtensions([etrn(), own]);
    expect(extensions.map(({ keyword }) => keyword)).toEqual(['ETRN', 'DSN', 'REQUIRETLS']);
    expect(extensions[1]).toBe(own);
  });
});

describe('TLS to the next server', () => {
  it.each([
    [undefined, false],
    [{ mode: 'off' }, false],
    [{ mode: 'off', verify: true }, false],
    [{ mode: 'opportunistic' }, false],
    [{ mode: 'opportunistic', verify: true }, true],
    [{ mode: 'require' }, true],
    [{ mode: 'require', verify: false }, false],
    [{ mode: 'implicit' }, true],
  ] as const)('%j is certain: %s', (tls, expected) => {
    expect(isTLSCertain(tls)).toBe(expected);
  });
});
