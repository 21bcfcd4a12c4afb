/** What the next server is told of the client: only what is known, and nothing that could be more than one word. */

import { describe, expect, it } from 'vitest';

import { formatClientAttributes } from '../../../src/handlers/proxy/client-attributes.js';
import type { SessionInfo } from '../../../src/server/session-info.js';

const XFORWARD = ['NAME', 'ADDR', 'PORT', 'PROTO', 'HELO', 'IDENT', 'SOURCE'];
const XCLIENT = ['NAME', 'ADDR', 'PORT', 'PROTO', 'HELO', 'LOGIN'];
const SESSION = {
  id: 's1',
  peer: { address: '192.0.2.1', port: 50_000, family: 'IPv4' },
  clientName: 'client.example',
  identity: undefined,
  protocol: 'smtp',
  isExtended: true,
};

function session(facts: Partial<Record<keyof SessionInfo, unknown>> = {}): SessionInfo {
  return { ...SESSION, ...facts } as unknown as SessionInfo;
}

describe('the attributes of a client', () => {
  it('for XFORWARD', () => {
    expect(formatClientAttributes('XFORWARD', session(), XFORWARD)).toBe(
      'NAME=[UNAVAILABLE] ADDR=192.0.2.1 PORT=50000 PROTO=ESMTP HELO=client.example IDENT=s1 SOURCE=REMOTE',
    );
  });

  it('for XCLIENT', () => {
    expect(formatClientAttributes('XCLIENT', session({ identity: { user: 'alice' } }), XCLIENT)).toBe(
      'NAME=[UNAVAILABLE] ADDR=192.0.2.1 PORT=50000 PROTO=ESMTP HELO=client.example LOGIN=alice',
    );
    expect(formatClientAttributes('XCLIENT', session(), ['LOGIN'])).toBe('LOGIN=[UNAVAILABLE]');
  });

  it.each<[Partial<Record<keyof SessionInfo, unknown>>, string[], string]>([
    [{ peer: { address: '2001:db8::1', port: 25, family: 'IPv6' } }, ['ADDR'], 'ADDR=IPv6:2001:db8::1'],
    [
      { peer: { address: '/run/s', port: 0, family: 'unix' } },
      ['ADDR', 'PORT'],
      'ADDR=[UNAVAILABLE] PORT=[UNAVAILABLE]',
    ],
    [{ peer: { address: '/run/s', port: 0, family: 'unix' } }, ['SOURCE'], 'SOURCE=LOCAL'],
    [{ peer: { address: '192.0.2.1', port: 0, family: 'IPv4' } }, ['PORT'], 'PORT=[UNAVAILABLE]'],
    [{ isExtended: false }, ['PROTO'], 'PROTO=SMTP'],
    [{ isExtended: false, protocol: 'lmtp' }, ['PROTO'], 'PROTO=ESMTP'],
    [{ clientName: undefined }, ['HELO'], 'HELO=[UNAVAILABLE]'],
  ])('%j', (facts, offered, expected) => {
    expect(formatClientAttributes('XFORWARD', session(facts), offered)).toBe(expected);
  });

  it('only what the server names is said, in its order, however it writes it', () => {
    expect(formatClientAttributes('XFORWARD', session(), ['helo', 'LOGIN', 'DESTADDR', 'Addr'])).toBe(
      'HELO=client.example ADDR=192.0.2.1',
    );
    expect(formatClientAttributes('XFORWARD', session(), [])).toBeUndefined();
    expect(formatClientAttributes('XCLIENT', session(), ['IDENT', 'constructor', '__proto__'])).toBeUndefined();
  });

  it.each(['a ADDR=203.0.113.9', 'a\r\nRCPT TO:<x@y.example>', 'a+b=c', 'a\u0000b', 'a\tb', '[UNAVAILABLE] X=1'])(
    'a name like %j stays one word',
    (clientName) => {
      const text = formatClientAttributes('XFORWARD', session({ clientName }), ['HELO']);
      expect(text).toMatch(/^HELO=[!-~]+$/);
      expect(text?.slice('HELO='.length)).not.toContain('=');
      expect(text).not.toBe('HELO=[UNAVAILABLE]');
    },
  );

  it('a user from beyond US-ASCII is one word, too', () => {
    expect(formatClientAttributes('XCLIENT', session({ identity: { user: 'jürgen x' } }), ['LOGIN'])).toMatch(
      /^LOGIN=j[!-~]+rgen\+20x$/,
    );
  });
});
