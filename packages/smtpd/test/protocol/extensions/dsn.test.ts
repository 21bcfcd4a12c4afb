import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { defineExtension } from '../../../src/protocol/extension.js';
import { dsn, dsnOf } from '../../../src/protocol/extensions/dsn.js';
import { requireTLS } from '../../../src/protocol/extensions/require-tls.js';
import { Offered } from '../../support/offered.js';

const E_ACUTE = '\u00c3\u00a9';

describe('the keyword DSN', () => {
  it('is offered where the application adds it, and only there', () => {
    expect(new Offered([dsn()]).offer('DSN')).toBe('DSN');
    const without = new Offered([]);
    expect(without.offer('DSN')).toBeUndefined();
    expect([without.mail('RET=FULL').code, without.rcpt('NOTIFY=NEVER').code]).toEqual([555, 555]);
  });
});

describe('RET', () => {
  it.each([
    ['RET=FULL', 'RET=FULL'],
    ['ret=hdrs', 'RET=HDRS'],
    ['RET=Full', 'RET=FULL'],
  ])('%s is taken', (sent, seen) => {
    expect(new Offered([dsn()]).mail(sent)).toMatchObject({ code: 250, options: [seen] });
  });

  it.each(['RET', 'RET=', 'RET=HEADERS', 'RET=FULL,HDRS', 'RET=FULL RET=FULL'])('%s is refused', (sent) => {
    expect(new Offered([dsn()]).mail(sent)).toMatchObject({ code: 501, enhanced: '5.5.4' });
  });
});

describe('ENVID', () => {
  it.each(['QQ314159', 'a+20b', 'a+09b', '+2B', 'x'.repeat(100)])('%s is taken and seen as it came', (envid) => {
    expect(new Offered([dsn()]).mail(`ENVID=${envid}`)).toMatchObject({ code: 250, options: [`ENVID=${envid}`] });
  });

  it.each([
    ...['', '=', '=+', '=+2', '=+2b', '=+g0', '=a=b', `=${'x'.repeat(101)}`],
    // A line end, DEL, and a letter outside US-ASCII are not printable.
    ...['=a+0D+0Ab', '=+7F', '=+00', '=+C3+A9', `=${E_ACUTE}`],
  ])('ENVID%s is refused', (rest) => {
    expect(new Offered([dsn()]).mail(`ENVID${rest}`)).toMatchObject({ code: 501, enhanced: '5.5.4' });
  });
});

describe('NOTIFY', () => {
  it.each([
    ['NOTIFY=NEVER', 'NOTIFY=NEVER'],
    ['notify=success', 'NOTIFY=SUCCESS'],
    ['NOTIFY=Delay,FAILURE', 'NOTIFY=DELAY,FAILURE'],
    ['NOTIFY=SUCCESS,FAILURE,DELAY', 'NOTIFY=SUCCESS,FAILURE,DELAY'],
  ])('%s is taken', (sent, seen) => {
    expect(new Offered([dsn()]).rcpt(sent)).toMatchObject({ code: 250, options: [seen] });
  });

  it.each([
    ...['NOTIFY', 'NOTIFY=', 'NOTIFY=ALWAYS', 'NOTIFY=NEVER,FAILURE', 'NOTIFY=FAILURE,NEVER', 'NOTIFY=NEVER,NEVER'],
    ...[
      'NOTIFY=FAILURE,FAILURE',
      'NOTIFY=FAILURE,',
      'NOTIFY=,FAILURE',
      'NOTIFY=FAILURE;DELAY',
      'NOTIFY=DELAY NOTIFY=DELAY',
    ],
  ])('%s is refused', (sent) => {
    expect(new Offered([dsn()]).rcpt(sent)).toMatchObject({ code: 501, enhanced: '5.5.4' });
  });
});

describe('ORCPT', () => {
  it.each([
    'rfc822;Bob@Example.NET',
    'RFC822;bob+2Bnews@example.net',
    'x-local;a+20b',
    'rfc822;',
    `rfc822;${'x'.repeat(493)}`,
    'utf-8;bob@example.net',
    String.raw`utf-8;\x{E9}t\x{e9}@example.net`,
    String.raw`utf-8;a\x{20}b\x{2B}c\x{3d}d\x{5C}e@example.net`,
    String.raw`UTF-8;\x{20AC}\x{D7FF}\x{FFFD}\x{1F600}\x{10FFFF}`,
  ])('%s is taken and seen as it came', (value) => {
    expect(new Offered([dsn()]).rcpt(`ORCPT=${value}`)).toMatchObject({ code: 250, options: [`ORCPT=${value}`] });
  });

  it.each([
    ...['', '=', '=bob@example.net', '=;bob@example.net', '=rfc.822;bob', '=a=b;bob', '=rfc822;a=b', '=rfc822;a+2b'],
    ...[`=rfc822;${'x'.repeat(494)}`, '=rfc822;+0D+0A', '=rfc822;+C3+A9', `=rfc822;${E_ACUTE}`],
    ...['=utf-8;', '=utf-8;a+2Bb', '=utf-8;a=b', '=utf-8;a\\b', '=utf-8;\\x{E9', '=utf-8;\\X{E9}', '=utf-8;\\x{}'],
    // No plain character, no surrogate, none behind the last, no needless zero.
    ...[
      '=utf-8;\\x{41}',
      '=utf-8;\\x{D800}',
      '=utf-8;\\x{dfff}',
      '=utf-8;\\x{110000}',
      '=utf-8;\\x{0E9}',
      '=utf-8;\\x{00}',
    ],
    // A control character is one in any writing.
    ...['=utf-8;\\x{01}', '=utf-8;\\x{7F}', '=utf-8;\\x{85}', '=utf-8;\u00c2\u0085'],
  ])('ORCPT%s is refused', (rest) => {
    expect(new Offered([dsn()]).rcpt(`ORCPT${rest}`)).toMatchObject({ code: 501, enhanced: '5.5.4' });
  });

  it('holds UTF-8 where SMTPUTF8 is offered, and only there', () => {
    expect(new Offered([dsn()]).rcpt(`ORCPT=utf-8;${E_ACUTE}@example.net`)).toMatchObject({
      code: 250,
      options: ['ORCPT=utf-8;é@example.net'],
    });
    const without = new Offered([dsn()], { isSMTPUTF8Enabled: false });
    expect(without.rcpt(`ORCPT=utf-8;${E_ACUTE}@example.net`).code).toBe(501);
    expect(without.rcpt(String.raw`ORCPT=utf-8;\x{E9}@example.net`).code).toBe(250);
  });
});

describe('the lines of MAIL and RCPT', () => {
  const path = (verb: string): string => `<${'a'.repeat(512 - verb.length - 2)}>`;

  it('have room for all parameters of DSN', () => {
    // Without others, so that their room is not used.
    const { client } = new Offered([dsn()], { sizeLimitBytes: undefined, isDecoded: true, isSMTPUTF8Enabled: false });
    const from = `MAIL FROM:${path('MAIL FROM:')} RET=FULL ENVID=${'x'.repeat(100)}`;
    const to = `RCPT TO:${path('RCPT TO:')} NOTIFY=SUCCESS,FAILURE,DELAY ORCPT=rfc822;${'x'.repeat(493)}`;
    expect(client.codes(from, to)).toEqual([250, 250]);
    expect(client.codes('RSET', `${from} `)).toEqual([250, 500]);
    expect(client.codes('MAIL FROM:<>', `${to} `)).toEqual([250, 500]);
  });
});

describe('dsnOf', () => {
  it('decodes what the sender asked for', () => {
    const message = new Offered([dsn()]).envelope(
      'RET=HDRS ENVID=QQ+20314',
      'NOTIFY=SUCCESS,DELAY ORCPT=RFC822;bob+2Bnews@example.net',
      String.raw`ORCPT=utf-8;\x{E9}\x{5C}@example.net`,
      'NOTIFY=NEVER',
      '',
    );
    expect(dsnOf(message)).toEqual({
      ret: 'HDRS',
      envid: 'QQ 314',
      recipients: [
        { notify: ['SUCCESS', 'DELAY'], orcpt: { type: 'rfc822', address: 'bob+news@example.net' } },
        { notify: undefined, orcpt: { type: 'utf-8', address: 'é\\@example.net' } },
        { notify: ['NEVER'], orcpt: undefined },
        { notify: undefined, orcpt: undefined },
      ],
    });
  });

  it('says nothing where the sender did not', () => {
    expect(dsnOf({ mailOptions: ['RETURN=FULL', 'SIZE=1'], rcptOptions: [] })).toEqual({
      ret: undefined,
      envid: undefined,
      recipients: [],
    });
  });

  it('disregards RET=FULL together with REQUIRETLS', () => {
    const offered = new Offered([dsn(), requireTLS()], { isSecured: true });
    expect(dsnOf(offered.envelope('RET=FULL REQUIRETLS')).ret).toBe('HDRS');
    expect(dsnOf(offered.envelope('RET=FULL')).ret).toBe('FULL');
  });
});

describe('any value', () => {
  it('is taken or refused with 501, and what was taken can be read', () => {
    const offered = new Offered([dsn()], {}, { limits: { errorsMax: Infinity, idleCommandsMax: Infinity } });
    const unit = fc.constantFrom(...'+2BbEeNFx{}\\;,-8rfc=@\u00c3\u00a9');
    fc.assert(
      fc.property(fc.constantFrom('rfc822;', 'utf-8;', ''), fc.string({ unit, maxLength: 12 }), (prefix, value) => {
        for (const name of ['RET', 'ENVID']) {
          const { code, options } = offered.mail(`${name}=${value}`);
          expect([250, 501]).toContain(code);
          const request = dsnOf({ mailOptions: options, rcptOptions: [] });
          if (code === 250) expect(request.ret ?? request.envid).toBeDefined();
        }
        for (const name of ['NOTIFY', 'ORCPT']) {
          const { code, options } = offered.rcpt(`${name}=${prefix}${value}`);
          expect([250, 501]).toContain(code);
          const [recipient] = dsnOf({ mailOptions: [], rcptOptions: [options] }).recipients;
          if (code === 250) expect(recipient?.notify ?? recipient?.orcpt).toBeDefined();
        }
      }),
    );
  });
});

it('the extension is one that anyone could define', () => {
  expect(defineExtension(dsn())).toEqual(dsn());
});
