import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { deliverBy, deliverByOf } from '../../../src/protocol/extensions/delivery-by.js';
import { Offered } from '../../support/offered.js';

describe('the keyword DELIVERBY', () => {
  it('is offered with the least time, or without one', () => {
    expect(new Offered([deliverBy({ minimumSeconds: 60 })]).offer('DELIVERBY')).toBe('DELIVERBY 60');
    expect(new Offered([deliverBy()]).offer('DELIVERBY')).toBe('DELIVERBY');
    expect(new Offered([]).offer('DELIVERBY')).toBeUndefined();
  });

  it.each([-1, 1.5, 1_000_000_000, NaN])('cannot be offered with %j', (minimumSeconds) => {
    expect(() => deliverBy({ minimumSeconds })).toThrow(expect.objectContaining({ code: 'SMTPD_BAD_OPTION' }));
  });
});

describe('BY', () => {
  it.each([
    ['BY=120;R', { seconds: 120, mode: 'return', isTraced: false }],
    ['BY=+120;RT', { seconds: 120, mode: 'return', isTraced: true }],
    ['by=0;n', { seconds: 0, mode: 'notify', isTraced: false }],
    ['BY=-999999999;nt', { seconds: -999_999_999, mode: 'notify', isTraced: true }],
    ['BY=999999999;R', { seconds: 999_999_999, mode: 'return', isTraced: false }],
  ])('%s is taken', (sent, request) => {
    const offered = new Offered([deliverBy()]);
    expect(offered.mail(sent)).toMatchObject({ code: 250, options: [sent.toUpperCase()] });
    expect(deliverByOf(offered.envelope(sent))).toEqual(request);
  });

  it.each([
    ...['BY', 'BY=', 'BY=120', 'BY=;R', 'BY=120;', 'BY=120;X', 'BY=120;RX', 'BY=120;TR', 'BY=120;RTT', 'BY=1.5;R'],
    ...['BY=1234567890;R', 'BY=--1;N', 'BY=120,R', 'BY=120;R;T', 'BY=1e3;R', 'BY=120;R BY=120;R'],
    // A message that is to be returned has time.
    ...['BY=0;R', 'BY=-1;RT', 'BY=+0;R'],
  ])('%s is refused', (sent) => {
    expect(new Offered([deliverBy()]).mail(sent)).toMatchObject({ code: 501, enhanced: '5.5.4' });
  });

  it('with R has at least the least time, with N any', () => {
    const offered = new Offered([deliverBy({ minimumSeconds: 60 })]);
    expect(offered.mail('BY=59;R')).toMatchObject({ code: 555, enhanced: '5.5.4' });
    expect(offered.mail('BY=60;R').code).toBe(250);
    expect(offered.mail('BY=1;N').code).toBe(250);
    expect(offered.mail('BY=0;R').code).toBe(501);
  });

  it('has room in the MAIL line', () => {
    const { client } = new Offered([deliverBy()], {}, { decodeData: true, dataSizeLimit: null });
    const line = `MAIL FROM:<${'a'.repeat(500)}> BY=-999999999;NT`;
    expect(client.codes(line, 'RSET', `${line} `)).toEqual([250, 250, 500]);
  });

  it('any value is taken or refused with 501, and what was taken can be read', () => {
    const offered = new Offered([deliverBy()], {}, { limits: { errorsMax: Infinity, idleCommandsMax: Infinity } });
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'0129+-;RrNnTt'), maxLength: 8 }), (value) => {
        const { code, options } = offered.mail(`BY=${value}`);
        expect([250, 501]).toContain(code);
        expect(deliverByOf({ mailOptions: options, rcptOptions: [] }) !== undefined).toBe(code === 250);
      }),
    );
  });
});

it('a message without BY has no time by which it is wanted', () => {
  expect(deliverByOf({ mailOptions: ['BYE=1;R', 'SIZE=1'], rcptOptions: [] })).toBeUndefined();
});
