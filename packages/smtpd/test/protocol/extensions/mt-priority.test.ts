import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { mtPriority, priorityOf } from '../../../src/protocol/extensions/mt-priority.js';
import { Offered } from '../../support/offered.js';

describe('the keyword MT-PRIORITY', () => {
  it('is offered with a profile, or without one', () => {
    expect(new Offered([mtPriority({ profile: 'STANAG4406' })]).offer('MT-PRIORITY')).toBe('MT-PRIORITY STANAG4406');
    expect(new Offered([mtPriority()]).offer('MT-PRIORITY')).toBe('MT-PRIORITY');
    expect(new Offered([]).offer('MT-PRIORITY')).toBeUndefined();
  });

  it.each(['', 'A B', '-A', 'Ä'])('cannot be offered with the profile "%s"', (profile) => {
    expect(() => mtPriority({ profile })).toThrow(expect.objectContaining({ code: 'SMTPD_BAD_OPTION' }));
  });
});

describe('the parameter MT-PRIORITY', () => {
  it('is each number from -9 to 9', () => {
    const offered = new Offered([mtPriority()]);
    for (let priority = -9; priority <= 9; priority += 1) {
      expect(offered.mail(`mt-priority=${String(priority)}`).code).toBe(250);
      expect(priorityOf(offered.envelope(`MT-PRIORITY=${String(priority)}`))).toBe(priority);
    }
  });

  it.each(['', '=', '=10', '=-10', '=+1', '=-0', '=01', '=1.0', '=high', '=1 MT-PRIORITY=1'])(
    'with "%s" is refused',
    (rest) => {
      expect(new Offered([mtPriority()]).mail(`MT-PRIORITY${rest}`).code).toBe(501);
    },
  );

  it('is refused with 5.5.2', () => {
    expect(new Offered([mtPriority()]).mail('MT-PRIORITY=10').enhanced).toBe('5.5.2');
  });

  it('has room in the MAIL line', () => {
    const { client } = new Offered([mtPriority()], {}, { decodeData: true, dataSizeLimit: null });
    const line = `MAIL FROM:<${'a'.repeat(500)}> MT-PRIORITY=-9`;
    expect(client.codes(line, 'RSET', `${line} `)).toEqual([250, 250, 500]);
  });

  it('any value is taken or refused with 501', () => {
    const offered = new Offered([mtPriority()], {}, { limits: { errorsMax: Infinity, idleCommandsMax: Infinity } });
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'0159+-.'), minLength: 1, maxLength: 4 }), (value) => {
        expect([250, 501]).toContain(offered.mail(`MT-PRIORITY=${value}`).code);
      }),
    );
  });
});

it('a message without a priority has the priority 0', () => {
  expect(priorityOf({ mailOptions: [], rcptOptions: [] })).toBe(0);
  expect(priorityOf({ mailOptions: ['MT-PRIORITY=junk'], rcptOptions: [] })).toBe(0);
});
