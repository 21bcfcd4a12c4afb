import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatParameter, parseParameters } from '../../src/protocol/parameters.js';

const octets = fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)) });

/** Text as its UTF-8 octets, one character each: the way it comes from the wire. */
function wire(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}

describe('parseParameters', () => {
  it.each([
    ['', []],
    [' ', []],
    ['   ', []],
    [' SIZE=10', [['SIZE', '10']]],
    [' size=10', [['SIZE', '10']]],
    [
      ' SIZE=10 BODY=8BITMIME',
      [
        ['SIZE', '10'],
        ['BODY', '8BITMIME'],
      ],
    ],
    [
      '  SIZE=10   SMTPUTF8 ',
      [
        ['SIZE', '10'],
        ['SMTPUTF8', undefined],
      ],
    ],
    [' smtputf8', [['SMTPUTF8', undefined]]],
    [' X-A=1', [['X-A', '1']]],
    [' 8BITMIME', [['8BITMIME', undefined]]],
    [' A-', [['A-', undefined]]],
    [' ENVID=QQ+2B3d', [['ENVID', 'QQ+2B3d']]],
    [' AUTH=<>', [['AUTH', '<>']]],
    [' K=a=b', [['K', 'a=b']]],
    [' K==', [['K', '=']]],
    [' K=(x)', [['K', '(x)']]],
    [wire(' ORCPT=utf-8;jörg@exämple.net'), [['ORCPT', 'utf-8;jörg@exämple.net']]],
  ] as const)('%j is read', (rest, expected) => {
    const parameters = expected.map(([keyword, value]) => ({ keyword, value }));
    expect(parseParameters(rest)).toEqual({ ok: true, parameters });
  });

  it.each([
    ' SIZE=',
    ' SIZE= BODY=7BIT',
    ' =10',
    ' =',
    ' -A=1',
    ' A_B=1',
    ' X.A',
    ' (work) SIZE=10',
    ' SIZE =10',
    ' SIZE= 10',
    ' <alice@example.org>',
    ' \xc3\xa9=1',
    ' K\xc3\xa9',
    ' A:B',
    ' A=1\t',
    ' A=1\tB=2',
    '\tA=1',
    ' A=\0',
    ' A=1\x7f',
    ' A\x7f',
    ' A=\x1b[2J',
    'SIZE=10',
    '=',
  ])('%j is a fault of syntax', (rest) => {
    expect(parseParameters(rest)).toEqual({ ok: false, fault: 'syntax' });
  });

  it.each([
    ' SIZE=9999 SIZE=1',
    ' SIZE=1 size=1',
    ' A A',
    ' A A=1',
    ' A B C D E F G H I J K L a',
    ' A B C D E F G H I J K L k',
    ' A B C D E F G H H',
    ' A B C D E F G H I I',
  ])('%j repeats a keyword', (rest) => {
    expect(parseParameters(rest)).toEqual({ ok: false, fault: 'repeated' });
  });

  it.each([' A=\xe9', ' A=\xc3', ' A=\xc0\xaf', ' A=\xed\xa0\x80', ' A=a\xffb B=1'])('%j is not UTF-8', (rest) => {
    expect(parseParameters(rest)).toEqual({ ok: false, fault: 'charset' });
  });

  it('no parameters are one shared result that cannot be changed', () => {
    const result = parseParameters('');
    expect(parseParameters('')).toBe(result);
    expect(Object.isFrozen(result)).toBe(true);
    expect(result.ok && Object.isFrozen(result.parameters)).toBe(true);
  });

  it('any octets are a list or a fault', () => {
    fc.assert(
      fc.property(octets, fc.boolean(), (text, hasSpace) => {
        const result = parseParameters(hasSpace ? ` ${text}` : text);
        if (!result.ok) expect(['syntax', 'repeated', 'charset']).toContain(result.fault);
      }),
      { numRuns: 1000 },
    );
  });

  it('what is formatted is read back as it was', () => {
    const keyword = fc.stringMatching(/^[A-Z0-9][A-Z0-9-]{0,8}$/);
    const value = fc.option(fc.stringMatching(/^[!-~é€😀]{1,12}$/u), { nil: undefined });
    const list = fc.uniqueArray(fc.record({ keyword, value }), {
      selector: (parameter) => parameter.keyword,
      maxLength: 20,
    });
    fc.assert(
      fc.property(list, (parameters) => {
        const text = parameters.map((parameter) => ` ${formatParameter(parameter)}`).join('');
        expect(parseParameters(wire(text))).toEqual({ ok: true, parameters });
      }),
    );
  });

  it('hundreds of thousands of keywords on one line are all read', () => {
    const keywords = Array.from({ length: 200_000 }, (_, index) => `K${String(index)}`);
    const result = parseParameters(` ${keywords.join(' ')}`);
    expect(result.ok && result.parameters.length).toBe(200_000);
    expect(parseParameters(` ${keywords.join(' ')} k0`)).toEqual({ ok: false, fault: 'repeated' });
  });

  it.each([
    ['spaces', ' '.repeat(1_000_000), { ok: true, parameters: [] }],
    ['equals signs', ` ${'='.repeat(1_000_000)}`, { ok: false, fault: 'syntax' }],
    ['one keyword', ` ${'a'.repeat(1_000_000)}=`, { ok: false, fault: 'syntax' }],
    ['one bad value', ` a=${'\xc3\xa9'.repeat(500_000)}\xc3`, { ok: false, fault: 'charset' }],
  ])('a million octets of %s have an answer', (_name, rest, expected) => {
    expect(parseParameters(rest)).toEqual(expected);
  });
});

describe('formatParameter', () => {
  it('writes a keyword with its value, or alone', () => {
    expect(formatParameter({ keyword: 'SIZE', value: '10' })).toBe('SIZE=10');
    expect(formatParameter({ keyword: 'SMTPUTF8', value: undefined })).toBe('SMTPUTF8');
  });
});
