import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { CLIENT_ATTRIBUTE_NAMES, parseClientAttributes } from '../../src/protocol/client-attributes.js';

const parsed = (verb: 'XCLIENT' | 'XFORWARD', argument: string): unknown => {
  const attributes = parseClientAttributes(verb, argument);
  return attributes === undefined ? undefined : Object.fromEntries(attributes);
};

describe('parseClientAttributes', () => {
  it('reads every attribute of XCLIENT', () => {
    expect(
      parsed(
        'XCLIENT',
        'NAME=spike.example ADDR=192.0.2.5 PORT=65535 PROTO=ESMTP HELO=c.example LOGIN=tim DESTADDR=192.0.2.9 DESTPORT=0',
      ),
    ).toEqual({
      NAME: 'spike.example',
      ADDR: '192.0.2.5',
      PORT: '65535',
      PROTO: 'ESMTP',
      HELO: 'c.example',
      LOGIN: 'tim',
      DESTADDR: '192.0.2.9',
      DESTPORT: '0',
    });
  });

  it('reads every attribute of XFORWARD', () => {
    expect(
      parsed('XFORWARD', 'NAME=n ADDR=IPV6:2001:db8::1 PORT=25 PROTO=smtp HELO=h IDENT=4F2A SOURCE=remote'),
    ).toEqual({
      NAME: 'n',
      ADDR: '2001:db8::1',
      PORT: '25',
      PROTO: 'SMTP',
      HELO: 'h',
      IDENT: '4F2A',
      SOURCE: 'REMOTE',
    });
  });

  it('takes names in any case, with blanks between them', () => {
    expect(parsed('XCLIENT', ' name=a   Addr=ipv6:::1 ')).toEqual({ NAME: 'a', ADDR: '::1' });
  });

  it.each(['[UNAVAILABLE]', '[TEMPUNAVAIL]', '[unavailable]'])('%s says that a value is not known', (value) => {
    for (const verb of ['XCLIENT', 'XFORWARD'] as const) {
      for (const name of CLIENT_ATTRIBUTE_NAMES[verb]) {
        const attributes = parseClientAttributes(verb, `${name}=${value}`);
        expect(attributes?.has(name)).toBe(true);
        expect(attributes?.get(name)).toBeUndefined();
      }
    }
  });

  it('tells what was not said from what is not known', () => {
    expect(parseClientAttributes('XCLIENT', 'NAME=a')?.has('ADDR')).toBe(false);
  });

  it('decodes xtext', () => {
    expect(parsed('XCLIENT', 'LOGIN=e+3Dmc2+2B')).toEqual({ LOGIN: 'e=mc2+' });
  });

  it.each([
    ['XCLIENT', 'IDENT=x'],
    ['XCLIENT', 'SOURCE=LOCAL'],
    ['XFORWARD', 'LOGIN=x'],
    ['XFORWARD', 'DESTADDR=192.0.2.1'],
    ['XFORWARD', 'DESTPORT=25'],
  ] as const)('%s does not know %s', (verb, argument) => {
    expect(parsed(verb, argument)).toBeUndefined();
    expect(parsed(verb, `NAME=ok ${argument}`)).toBeUndefined();
  });

  it.each([
    ...[
      '',
      ' ',
      'NAME',
      '=',
      '=x',
      'NAME=a NAME=b',
      'NAME=a name=[UNAVAILABLE]',
      'NAME=a XNAME=b',
      'NAMES=a',
      'ſAME=a',
    ],
    ...[
      'NAME=',
      'NAME=a=b',
      'NAME=+',
      'NAME=+0',
      'NAME=+zz',
      'NAME=+0D+0A',
      'NAME=a+20b',
      'NAME=+00',
      'NAME=+7F',
      'NAME=\xe9',
    ],
    ...['NAME=+C3+A9', `NAME=${'x'.repeat(256)}`, 'NAME=a\tADDR=192.0.2.1'],
    ...['ADDR=', 'ADDR=1', 'ADDR=192.0.2', 'ADDR=192.0.2.256', 'ADDR=2001:db8::1', 'ADDR=IPV6:', 'ADDR=IPV6:192.0.2.1'],
    ...['ADDR=IPV6:x', 'ADDR=host.example', 'DESTADDR=::1', 'ADDR=IPV6:::1%lo'],
    ...['PORT=', 'PORT=65536', 'PORT=-1', 'PORT=000025', 'PORT=2.5', 'DESTPORT=x'],
    ...['PROTO=', 'PROTO=HTTP', 'PROTO=LMTP'],
  ])('XCLIENT does not take %j', (argument) => {
    expect(parsed('XCLIENT', argument)).toBeUndefined();
  });

  it.each(['SOURCE=', 'SOURCE=X', 'SOURCE=LOCALE'])('XFORWARD does not take %j', (argument) => {
    expect(parsed('XFORWARD', argument)).toBeUndefined();
  });

  it('takes a value of 255 octets', () => {
    expect(parsed('XCLIENT', `LOGIN=${'x'.repeat(255)}`)).toEqual({ LOGIN: 'x'.repeat(255) });
  });

  it('never throws, and no value has anything but printable US-ASCII', () => {
    const word = fc
      .tuple(
        fc.constantFrom('NAME', 'ADDR', 'PORT', 'PROTO', 'HELO', 'LOGIN', 'SOURCE', 'IDENT', 'X'),
        fc.string({ unit: fc.constantFrom(...'=a1+0DIPV6:.[]UN \r\n\0\xff'), maxLength: 12 }),
      )
      .map((parts) => parts.join('='));
    fc.assert(
      fc.property(fc.constantFrom('XCLIENT', 'XFORWARD'), fc.array(word, { maxLength: 4 }), (verb, words) => {
        for (const [name, value] of parseClientAttributes(verb, words.join(' ')) ?? []) {
          expect(CLIENT_ATTRIBUTE_NAMES[verb]).toContain(name);
          if (value !== undefined) expect(value).toMatch(/^[!-~]{1,255}$/);
        }
      }),
      { numRuns: 3000 },
    );
  });
});
