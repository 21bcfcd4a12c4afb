import { describe, expect, it } from 'vitest';

import { completeLimits, DEFAULT_LIMITS, LIMIT_NOTES, type Limits } from '../../src/protocol/limits.js';

const NAMES = Object.keys(DEFAULT_LIMITS) as (keyof Limits)[];

describe('completeLimits', () => {
  it('gives the defaults where nothing is given', () => {
    expect(completeLimits({})).toEqual(DEFAULT_LIMITS);
    expect(completeLimits({ errorsMax: undefined } as unknown as Partial<Limits>)).toEqual(DEFAULT_LIMITS);
  });

  it.each(NAMES)('takes %s and leaves the others as they are', (name) => {
    for (const value of [1, 0.5, 7_000, Infinity]) {
      expect(completeLimits({ [name]: value })).toEqual({ ...DEFAULT_LIMITS, [name]: value });
    }
  });

  it.each([0, -1, NaN, -Infinity, '10', null, true, {}, 10n])('refuses the value %s', (value) => {
    expectBadOption(() => completeLimits({ errorsMax: value } as unknown as Partial<Limits>), 'limits.errorsMax');
  });

  it('refuses a name that is misspelt, and tells the one that was meant', () => {
    expectBadOption(
      () => completeLimits({ errorMax: 1 } as Partial<Limits>),
      'limits.errorMax is unknown; did you mean errorsMax?',
    );
  });

  it.each(['mistakes', 'toString', 'constructor', '', '__proto__'])(
    'refuses the name %j, and tells the names that there are',
    (name) => {
      const given = Object.defineProperty({}, name, { value: 1, enumerable: true });
      expectBadOption(() => completeLimits(given), `limits.${name} is unknown; there are: ${NAMES.join(', ')}`);
    },
  );

  it('gives limits that nobody changes, neither the caller nor another server', () => {
    const given: { -readonly [K in keyof Limits]?: number } = { errorsMax: 3 };
    const limits = completeLimits(given);
    given.errorsMax = 4;
    expect(limits.errorsMax).toBe(3);
    expect(Object.isFrozen(limits) && Object.isFrozen(DEFAULT_LIMITS)).toBe(true);
    expect(completeLimits({}).errorsMax).toBe(DEFAULT_LIMITS.errorsMax);
  });
});

describe('the defaults', () => {
  it('bound everything', () => {
    for (const name of NAMES) {
      expect(Number.isFinite(DEFAULT_LIMITS[name]), name).toBe(true);
      expect(DEFAULT_LIMITS[name], name).toBeGreaterThan(0);
    }
  });

  it('have a note each', () => {
    expect(Object.keys(LIMIT_NOTES)).toEqual(NAMES);
    for (const { reply, reason } of Object.values(LIMIT_NOTES)) {
      expect(reply).not.toBe('');
      expect(reason).toMatch(/\.$/);
    }
  });

  it('are not below what the RFCs ask for', () => {
    // RFC 5321 §4.5.3.1.4, §4.5.3.1.8, §4.5.3.2.5, §4.5.3.2.7; RFC 4954 §4.5: octets with CRLF.
    expect(DEFAULT_LIMITS.commandLengthBytesMax + 2).toBeGreaterThanOrEqual(512);
    expect(DEFAULT_LIMITS.continuationLengthBytesMax + 2).toBeGreaterThanOrEqual(12_288);
    expect(DEFAULT_LIMITS.recipientsMax).toBeGreaterThanOrEqual(100);
    expect(DEFAULT_LIMITS.commandWaitMs).toBeGreaterThanOrEqual(5 * 60_000);
    expect(DEFAULT_LIMITS.contentWaitMs).toBeGreaterThanOrEqual(3 * 60_000);
  });

  it('answer before a client that waits as long as it should has left', () => {
    // RFC 5321 §4.5.3.2.2, §4.5.3.2.3, §4.5.3.2.6.
    expect(DEFAULT_LIMITS.verdictWaitMs).toBeLessThan(5 * 60_000);
    expect(DEFAULT_LIMITS.messageVerdictWaitMs).toBeLessThan(10 * 60_000);
  });
});

function expectBadOption(act: () => unknown, message: string): void {
  expect(act).toThrow(
    expect.objectContaining({
      name: 'UsageError',
      code: 'SMTPD_BAD_OPTION',
      message: expect.stringContaining(message) as string,
    }) as Error,
  );
}
