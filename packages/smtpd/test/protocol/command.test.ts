import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fourLetterRuleAt, isStandardVerb } from '../../src/protocol/command-rules.js';
import { decodeArgument, isVerb, parseCommand } from '../../src/protocol/command.js';

const octets = fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)) });

describe('parseCommand', () => {
  it.each([
    ['QUIT', 'QUIT', undefined],
    ['quit', 'QUIT', undefined],
    ['QuIt', 'QUIT', undefined],
    ['QUIT ', 'QUIT', ''],
    ['QUIT \t ', 'QUIT', ''],
    ['HELO client.example', 'HELO', 'client.example'],
    ['HELO  client.example ', 'HELO', 'client.example'],
    ['HELO \tclient.example\t', 'HELO', 'client.example'],
    ['HELO two words', 'HELO', 'two words'],
    ['mail FROM:<Alice@example.org> SIZE=10', 'MAIL', 'FROM:<Alice@example.org> SIZE=10'],
    ['x-ping', 'X-PING', undefined],
    ['', '', undefined],
    [' ', '', ''],
    [' QUIT', '', 'QUIT'],
    ['   ', '', ''],
  ])('%j is the verb %j with the argument %j', (line, verb, argument) => {
    expect(parseCommand(line)).toEqual({ verb, argument });
  });

  it('a tab does not end a verb', () => {
    expect(parseCommand('HELO\tx')).toEqual({ verb: 'HELO\tX', argument: undefined });
    expect(parseCommand('QUIT\t')).toEqual({ verb: 'QUIT\t', argument: undefined });
  });

  it('a verb with a letter that is not ASCII never becomes another verb', () => {
    // Unicode has these two in upper case as S and I.
    expect(parseCommand('r\u017fet').verb).not.toBe('RSET');
    expect(parseCommand('ma\u0131l').verb).not.toBe('MAIL');
    // The same as octets of UTF-8, as they come from the wire.
    expect(parseCommand('r\xc5\xbfet').verb).toBe('R\xc5\xbfET');
    expect(parseCommand('ma\xc4\xb1l FROM:<>').verb).toBe('MA\xc4\xb1L');
    // Letters whose upper case is longer, or is no octet.
    expect(parseCommand('a\xdf\xff').verb).toBe('A\xdf\xff');
  });

  it('only spaces and tabs are trimmed from an argument, not the blanks of Unicode and no controls', () => {
    expect(parseCommand('NOOP \xa0a\xa0').argument).toBe('\xa0a\xa0');
    expect(parseCommand('NOOP \x0ba\x0c').argument).toBe('\x0ba\x0c');
    expect(parseCommand('NOOP \0').argument).toBe('\0');
  });

  it('any octets are a command, and nothing is lost but blanks and the case of the verb', () => {
    fc.assert(
      fc.property(octets, (line) => {
        const { verb, argument } = parseCommand(line);
        expect(verb).not.toMatch(/[a-z ]/);
        expect(verb.length).toBe(line.includes(' ') ? line.indexOf(' ') : line.length);
        expect(argument === undefined).toBe(!line.includes(' '));
        if (argument !== undefined) {
          expect(argument).not.toMatch(/^[ \t]|[ \t]$/);
          expect(line.slice(verb.length + 1)).toContain(argument);
        }
      }),
    );
  });

  it.each([
    ['letters', 'a'.repeat(1_000_000), 1_000_000, undefined],
    ['letters that are not ASCII', 'a\xe9'.repeat(500_000), 1_000_000, undefined],
    ['blanks', ` ${'\t '.repeat(500_000)}`, 0, ''],
    ['blanks around a word', `V${' '.repeat(500_000)}x${' '.repeat(500_000)}`, 1, 'x'],
  ])('a million octets of %s are split', (_name, line, verbLength, argument) => {
    const command = parseCommand(line);
    expect(command.verb.length).toBe(verbLength);
    expect(command.argument).toBe(argument);
  });
});

describe('isVerb', () => {
  it.each(['MAIL', 'X', 'X-PING', 'A1', 'X-', 'STARTTLS'])('%s may be registered', (text) => {
    expect(isVerb(text)).toBe(true);
  });

  it.each(['', 'mail', 'Mail', '1A', '-A', 'A B', 'A_B', 'A\t', 'A\n', 'É', 'R\u017fET', 'A:', '__PROTO__'])(
    '%j may not be registered',
    (text) => {
      expect(isVerb(text)).toBe(false);
    },
  );

  it('a verb that may be registered is one that a line can give', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[A-Z][A-Z0-9-]{0,9}$/), (verb) => {
        expect(isVerb(verb)).toBe(true);
        expect(parseCommand(verb.toLowerCase()).verb).toBe(verb);
      }),
    );
  });
});

describe('fourLetterRuleAt and decodeArgument', () => {
  /** The same line in the middle of other octets, which must not be looked at. */
  const read = (line: string): { readonly verb: string | undefined; readonly argument?: string | undefined } => {
    const bytes = Buffer.from(`RCPT ${line} x`, 'latin1');
    const [start, end] = [5, 5 + line.length];
    const verb = fourLetterRuleAt(bytes, start, end)?.verb;
    return verb === undefined ? { verb } : { verb, argument: decodeArgument(bytes, start + verb.length, end) };
  };
  const expected = (line: string): ReturnType<typeof read> => {
    const { verb, argument } = parseCommand(line);
    return isStandardVerb(verb) && verb.length === 4 ? { verb, argument } : { verb: undefined };
  };

  it.each(['MAIL', 'mail FROM:<>', 'rCpT \t', 'QUIT ', 'DATA\t', 'DAT', 'NOOPS', 'NOOP  a \t b ', 'XPIN', '', ' QUIT'])(
    'of %j have what parseCommand has',
    (line) => {
      expect(read(line)).toEqual(expected(line));
    },
  );

  it('take each octet of a verb for what it is', () => {
    for (const [at, letter] of [...'MAIL'].entries()) {
      const taken = Array.from({ length: 256 }, (_, octet) => String.fromCharCode(octet)).filter(
        (octet) => read(`${'MAIL'.slice(0, at)}${octet}${'MAIL'.slice(at + 1)} x`).verb === 'MAIL',
      );
      expect(taken).toEqual([letter, letter.toLowerCase()]);
    }
  });

  it('agree with parseCommand about every line', () => {
    const verb = fc.constantFrom('MAIL', 'rcpt', 'Data', 'QUIT', 'STARTTLS', 'XPING', 'EHLO');
    const line = fc.oneof(
      octets,
      fc.tuple(verb, octets).map(([first, rest]) => `${first}${rest}`),
      fc.tuple(verb, octets).map(([first, rest]) => `${first} ${rest}`),
    );
    fc.assert(
      fc.property(line, (given) => {
        expect(read(given)).toEqual(expected(given));
      }),
    );
  });
});
