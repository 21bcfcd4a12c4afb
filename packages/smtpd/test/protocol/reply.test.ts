import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { UsageError } from '../../src/protocol/errors.js';
import { formatReplyLines, parseReply, Reply, REPLY_TEXT_BYTES_MAX, SMTPReplyError } from '../../src/protocol/reply.js';

const SEED = 5321;

describe('a reply', () => {
  it('has a code of 200 to 559 with a second digit of 0 to 5, and no other', () => {
    for (let code = -10; code < 1100; code += 1) {
      const isCode = /^[2-5][0-5][0-9]$/.test(String(code));
      expect(
        throws(() => new Reply(code, undefined, '')),
        String(code),
      ).toBe(!isCode);
    }
    for (const code of [250.5, NaN, Infinity, -250, '250' as unknown as number]) {
      expect(
        throws(() => new Reply(code, undefined, '')),
        String(code),
      ).toBe(true);
    }
  });

  it.each([
    [250, '2.0.0'],
    [250, '2.999.999'],
    [450, '4.2.1'],
    [550, '5.10.100'],
  ])('%i may have the enhanced code %s', (code, enhanced) => {
    expect(new Reply(code, enhanced, '').enhanced).toBe(enhanced);
  });

  it.each([
    [250, '5.0.0'],
    [250, '4.0.0'],
    [550, '2.0.0'],
    [354, '3.0.0'],
    [354, '2.0.0'],
    [250, ''],
    [250, '2'],
    [250, '2.0'],
    [250, '2.0.0.0'],
    [250, '2.00.0'],
    [250, '2.0.01'],
    [250, '2.1000.0'],
    [250, '2.0.0 '],
    [250, '2.0.0\r\n'],
    [250, '2.a.0'],
  ])('%i may not have the enhanced code %j', (code, enhanced) => {
    expect(throws(() => new Reply(code, enhanced, ''))).toBe(true);
  });

  it('is what its class says, and only that', () => {
    const kinds = ({ isPositive, isTransient, isPermanent }: Reply) => [isPositive, isTransient, isPermanent];
    expect(kinds(new Reply(252, undefined, ''))).toEqual([true, false, false]);
    expect(kinds(new Reply(354, undefined, ''))).toEqual([false, false, false]);
    expect(kinds(new Reply(421, undefined, ''))).toEqual([false, true, false]);
    expect(kinds(new Reply(555, undefined, ''))).toEqual([false, false, true]);
  });

  it('cannot be changed', () => {
    const reply = new Reply(250, '2.0.0', ['a', 'b']);
    expect(Object.isFrozen(reply)).toBe(true);
    expect(Object.isFrozen(reply.lines)).toBe(true);
  });

  it('does not change with the list that it was made of', () => {
    const lines = ['a'];
    const reply = new Reply(250, undefined, lines);
    lines.push('b');
    expect(reply.lines).toEqual(['a']);
  });
});

describe('the text of a reply', () => {
  it.each([
    [undefined, 'undefined'],
    [null, 'null'],
    [25, 'a number'],
    [{ lines: [] }, 'the Object that was given'],
    [['Hello', undefined], 'a list of something else'],
  ])('is not %j, as a program without types may have it', (text, kind) => {
    expect(() => new Reply(250, undefined, text as unknown as string)).toThrow(
      new UsageError('SMTPD_BAD_REPLY', `The text of a reply is a string or a list of strings, not ${kind}`),
    );
  });

  it.each<[string | readonly string[], readonly string[]]>([
    ['', ['']],
    [[], ['']],
    ['one', ['one']],
    ['one\r\ntwo', ['one', 'two']],
    ['one\ntwo\rthree', ['one', 'two', 'three']],
    ['one\n\rtwo', ['one', '', 'two']],
    ['one\r\n', ['one', '']],
    [
      ['one', 'two\nthree'],
      ['one', 'two', 'three'],
    ],
    [
      ['one\r', '\ntwo'],
      ['one', '', 'two'],
    ],
    ['a\0b\x07c\x1bd\x7fe', ['a b c d e']],
    ['a\x85b\x9bc\u2028d\u2029e', ['a b c d e']],
    ['a\tb', ['a\tb']],
    ['a\xa0b é 😀', ['a\xa0b é 😀']],
  ])('%j has the lines %j', (text, lines) => {
    expect(new Reply(250, undefined, text).lines).toEqual(lines);
  });

  it('never holds a control character but HT, whatever it is made of', () => {
    fc.assert(
      fc.property(fc.string({ unit: anyUnit, maxLength: 40 }), (text) => {
        const { lines } = new Reply(250, undefined, text);
        expect(lines.join('|')).not.toMatch(/[\0-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]/);
        // Everything else is there.
        const controls = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029]/g;
        expect(lines.join('\n')).toBe(text.replace(/\r\n|\r/g, '\n').replace(controls, ' '));
      }),
      { seed: SEED, numRuns: 1000 },
    );
  });

  it('is folded at 512 octets of UTF-8 with everything, not before, and not within a character', () => {
    expect(REPLY_TEXT_BYTES_MAX).toBe(496);
    for (const [character, bytes] of [
      ['x', 1],
      ['é', 2],
      ['€', 3],
      ['😀', 4],
    ] as const) {
      const perLine = Math.floor(496 / bytes);
      for (const count of [perLine - 1, perLine, perLine + 1, 2 * perLine, 2 * perLine + 1]) {
        const { lines } = new Reply(250, '2.999.999', character.repeat(count));
        expect(lines.map((line) => line.length / character.length)).toEqual(
          [perLine, perLine, 1]
            .map((most, index) => Math.min(most, count - index * perLine))
            .filter((rest) => rest > 0),
        );
      }
    }
  });

  it('of any length comes out in lines of at most 512 octets, with nothing lost', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('x', 'é', '€', '😀', '\ud800', 'y'.repeat(490)), { maxLength: 30 }),
        (parts) => {
          const text = parts.join('');
          const reply = new Reply(550, '5.100.100', text);
          for (const line of formatReplyLines(reply)) expect(Buffer.byteLength(`${line}\r\n`)).toBeLessThanOrEqual(512);
          expect(reply.lines.join('')).toBe(text);
        },
      ),
      { seed: SEED, numRuns: 500 },
    );
  });
});

describe('toString', () => {
  it('has the code on every line, a hyphen on all but the last, and the enhanced code on each', () => {
    expect(new Reply(250, '2.1.0', ['a', '', 'c']).toString()).toBe('250-2.1.0 a\r\n250-2.1.0 \r\n250 2.1.0 c');
    expect(new Reply(250, undefined, ['a', 'b']).toString()).toBe('250-a\r\n250 b');
    expect(new Reply(354, undefined, '').toString()).toBe('354 ');
  });
});

describe('parseReply', () => {
  it.each<[string, number, string | undefined, readonly string[]]>([
    ['250 OK', 250, undefined, ['OK']],
    ['250', 250, undefined, ['']],
    ['250 ', 250, undefined, ['']],
    ['250 OK\r\n', 250, undefined, ['OK']],
    ['550 5.1.1 No such user', 550, '5.1.1', ['No such user']],
    ['550 5.1.1', 550, '5.1.1', ['']],
    ['250-a\r\n250-b\r\n250 c', 250, undefined, ['a', 'b', 'c']],
    ['250-2.0.0 a\r\n250 2.0.0 b', 250, '2.0.0', ['a', 'b']],
    ['250-2.0.0 a\r\n250 2.1.0 b', 250, '2.0.0', ['a', '2.1.0 b']],
    ['250-a\r\n250 2.0.0 b', 250, undefined, ['a', '2.0.0 b']],
    ['250 5.1.1 is a class of its own', 250, undefined, ['5.1.1 is a class of its own']],
    ['250 2.0.0.1 is an address', 250, undefined, ['2.0.0.1 is an address']],
    ['250 2.01.0 zero', 250, undefined, ['2.01.0 zero']],
    ['354 2.0.0 no', 354, undefined, ['2.0.0 no']],
  ])('reads %j', (text, code, enhanced, lines) => {
    const reply = parseReply(text);
    expect({ ...reply }).toEqual({ code, enhanced, lines });
  });

  it.each([
    '',
    'OK',
    '25',
    '25 OK',
    '2500 OK',
    '250OK',
    '250\tOK',
    ' 250 OK',
    '2e2 OK',
    '199 OK',
    '260 OK',
    '600 OK',
    '250-OK',
    '250-a\r\n251 b',
    '250-a\r\nb',
    '250 a\r\n250 b',
    '250\r\n250 b',
    '250-a\r\n250-b\r\n',
    '250 a\r\n\r\n',
    '+25 OK',
  ])('%j is no reply', (text) => {
    expect(parseReply(text)).toBeUndefined();
  });

  it('reads what toString gives: parse after format is the identity', () => {
    const line = fc.oneof(
      fc.constantFrom('', 'OK', '2.0.0', '5.1.1 x', '250 OK', '-', ' ', 'é 😀', 'x'.repeat(600)),
      fc.string({ unit: anyUnit, maxLength: 12 }),
    );
    const enhancedOf = (code: number): fc.Arbitrary<string | undefined> =>
      Math.floor(code / 100) === 3
        ? fc.constant(undefined)
        : fc.constantFrom(...['0.0', '1.1', '999.999'].map((rest) => `${String(code).charAt(0)}.${rest}`));
    const codes = [250, 221, 354, 451, 550, 559];
    fc.assert(
      fc.property(
        fc.constantFrom(...codes).chain((code) => fc.tuple(fc.constant(code), enhancedOf(code))),
        fc.array(line, { minLength: 1, maxLength: 4 }),
        ([code, enhanced], lines) => {
          const reply = new Reply(code, enhanced, lines);
          expect({ ...parseReply(reply.toString()) }).toEqual({ ...reply });
          expect({ ...parseReply(`${reply.toString()}\r\n`) }).toEqual({ ...reply });
        },
      ),
      { seed: SEED, numRuns: 1000 },
    );
  });

  it('never throws, and what it reads is a reply', () => {
    const part = fc.oneof(
      fc.constantFrom('250', '550', '354', '-', ' ', '\r\n', '\r', '\n', '2.0.0', '5.1.1', '\0'),
      fc.string({ unit: anyUnit, maxLength: 3 }),
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 10 }), (parts) => {
        const reply = parseReply(parts.join(''));
        if (reply !== undefined) expect({ ...parseReply(reply.toString()) }).toEqual({ ...reply });
      }),
      { seed: SEED, numRuns: 2000 },
    );
  });
});

describe('SMTPReplyError', () => {
  it('has the reply, and a message for a log', () => {
    const error = new SMTPReplyError(550, '5.1.1', ['No such user', 'here']);
    expect(error).toBeInstanceOf(Error);
    expect(error.name).toBe('SMTPReplyError');
    expect(error.code).toBe('SMTPD_REPLY');
    expect(error.reply.toString()).toBe('550-5.1.1 No such user\r\n550 5.1.1 here');
    expect(error.message).toBe('550 5.1.1 No such user / here');
    expect(new SMTPReplyError(450, undefined, 'Later').message).toBe('450 Later');
  });

  it('refuses: its code is 400 at least, and well formed', () => {
    for (const code of [220, 250, 354, 399, 600]) {
      expect(throws(() => new SMTPReplyError(code, undefined, 'x'))).toBe(true);
    }
    expect(throws(() => new SMTPReplyError(550, '4.1.1', 'x'))).toBe(true);
  });
});

/** Whether it throws a UsageError about a reply; another error is one of this test's. */
function throws(act: () => unknown): boolean {
  try {
    act();
    return false;
  } catch (error) {
    if (error instanceof UsageError && error.code === 'SMTPD_BAD_REPLY') return true;
    throw error;
  }
}

const anyUnit = fc.oneof(
  fc.integer({ min: 0, max: 0xff }).map((code) => String.fromCharCode(code)),
  fc.constantFrom('\r', '\n', '\r\n', '\u2028', '\u2029', 'é', '€', '😀', '\ud800'),
);
