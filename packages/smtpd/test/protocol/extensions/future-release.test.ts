import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { futureRelease, futureReleaseOf } from '../../../src/protocol/extensions/future-release.js';
import { Offered } from '../../support/offered.js';

const BOUNDS = { maxIntervalSeconds: 86_400, maxDateTime: '2030-01-01T01:00:00+01:00' };

describe('the keyword FUTURERELEASE', () => {
  it('is offered with both bounds, the date in UTC', () => {
    expect(new Offered([futureRelease(BOUNDS)]).offer('FUTURERELEASE')).toBe(
      'FUTURERELEASE 86400 2030-01-01T00:00:00Z',
    );
    expect(new Offered([]).offer('FUTURERELEASE')).toBeUndefined();
  });

  it.each([
    { maxIntervalSeconds: 0 },
    { maxIntervalSeconds: 1.5 },
    { maxIntervalSeconds: 1_000_000_000 },
    { maxDateTime: '2030-01-01' },
    { maxDateTime: '' },
  ])('cannot be offered with %j', (wrong) => {
    expect(() => futureRelease({ ...BOUNDS, ...wrong })).toThrow(expect.objectContaining({ code: 'SMTPD_BAD_OPTION' }));
  });
});

describe('HOLDFOR', () => {
  it.each(['1', '86400'])('%s seconds are taken', (seconds) => {
    const offered = new Offered([futureRelease(BOUNDS)]);
    expect(offered.mail(`holdfor=${seconds}`)).toMatchObject({ code: 250, options: [`HOLDFOR=${seconds}`] });
    expect(futureReleaseOf(offered.envelope(`HOLDFOR=${seconds}`))).toEqual({ forSeconds: Number(seconds) });
  });

  it.each(['', '=', '=0', '=01', '=-1', '=+1', '=1.5', '=1234567890', '=86401', '=1 HOLDFOR=1'])(
    'with "%s" is refused',
    (rest) => {
      expect(new Offered([futureRelease(BOUNDS)]).mail(`HOLDFOR${rest}`)).toMatchObject({
        code: 501,
        enhanced: '5.5.4',
      });
    },
  );
});

describe('HOLDUNTIL', () => {
  it.each([
    ['2029-12-31T23:59:59Z', '2029-12-31T23:59:59Z'],
    ['2030-01-01T00:00:00Z', '2030-01-01T00:00:00Z'],
    ['2029-05-01T08:30:00+02:00', '2029-05-01T06:30:00Z'],
    // It may be over: there is no clock here.
    ['1999-05-01t08:30:00z', '1999-05-01T08:30:00Z'],
  ])('%s is taken, and seen in UTC', (sent, seen) => {
    const offered = new Offered([futureRelease(BOUNDS)]);
    expect(offered.mail(`HOLDUNTIL=${sent}`)).toMatchObject({ code: 250, options: [`HOLDUNTIL=${seen}`] });
    expect(futureReleaseOf(offered.envelope(`HOLDUNTIL=${sent}`))).toEqual({ until: new Date(seen) });
  });

  it.each([
    ...['', '=', '=2029-05-01', '=2029-05-01T08:30:00', '=2029-02-29T08:30:00Z', '=1700000000'],
    // Later than the last date that is offered.
    ...['=2030-01-01T00:00:01Z', '=2029-12-31T23:30:00-01:00', '=2030-01-01T00:00:00.5Z'],
  ])('with "%s" is refused', (rest) => {
    expect(new Offered([futureRelease(BOUNDS)]).mail(`HOLDUNTIL${rest}`)).toMatchObject({
      code: 501,
      enhanced: '5.5.4',
    });
  });

  it('has room in the MAIL line', () => {
    const { client } = new Offered([futureRelease(BOUNDS)], {}, { decodeData: true, dataSizeLimit: null });
    const line = `MAIL FROM:<${'a'.repeat(500)}> HOLDUNTIL=2029-12-31T23:59:59.123+00:00`;
    expect(client.codes(line, 'RSET', `${line} `)).toEqual([250, 250, 500]);
  });
});

it('HOLDFOR and HOLDUNTIL together are refused, in either order', () => {
  const offered = new Offered([futureRelease(BOUNDS)]);
  for (const both of ['HOLDFOR=1 HOLDUNTIL=2029-12-31T23:59:59Z', 'HOLDUNTIL=2029-12-31T23:59:59Z SIZE=1 HOLDFOR=1']) {
    expect(offered.mail(both)).toMatchObject({ code: 501, enhanced: '5.5.4' });
  }
  expect(offered.mail('HOLDFOR=1 SIZE=1').code).toBe(250);
});

it('a message without either is sent on at once', () => {
  expect(futureReleaseOf({ mailOptions: ['SIZE=1'], rcptOptions: [] })).toBeUndefined();
  expect(futureReleaseOf({ mailOptions: ['HOLDFOR=junk'], rcptOptions: [] })).toBeUndefined();
});

it('any value is taken or refused with 501', () => {
  const offered = new Offered(
    [futureRelease(BOUNDS)],
    {},
    { limits: { errorsMax: Infinity, idleCommandsMax: Infinity } },
  );
  const unit = fc.constantFrom(...'0129-:TZ+.');
  fc.assert(
    fc.property(
      fc.constantFrom('', '2029-12-31T', '2029-12-31T23:59:59'),
      fc.string({ unit, maxLength: 10 }),
      (start, rest) => {
        expect([250, 501]).toContain(offered.mail(`HOLDUNTIL=${start}${rest}`).code);
        expect([250, 501]).toContain(offered.mail(`HOLDFOR=${rest}`).code);
      },
    ),
  );
});
