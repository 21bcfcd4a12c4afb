/** The usual lines of MAIL and RCPT, known by their octets: they mean what the full grammar makes of them, and nothing else is taken for one. */

import { describe, expect, it } from 'vitest';

import { asciiUpperCase } from '../../src/protocol/grammar.js';
import { octets } from '../../src/protocol/octets.js';
import { PathLine } from '../../src/protocol/path-line.js';
import { parsePath, type FoundPath, type PathPolicy } from '../../src/protocol/path.js';

const POLICIES: readonly PathPolicy[] = [
  { syntax: 'strict', allowNull: true, allowPostmaster: false },
  { syntax: 'strict', allowNull: false, allowPostmaster: true },
  { syntax: 'lenient', allowNull: false, allowPostmaster: true },
];

describe('a line with a path', () => {
  it.each([
    ['MAIL FROM:<a@b>', true, { address: 'a@b', localPart: 'a', domain: 'b' }],
    ['rcpt tO:<Bob.X@example.NET>', false, { address: 'Bob.X@example.NET', localPart: 'Bob.X', domain: 'example.NET' }],
    ["RCPT TO:<!#$%&'*+-/=?^_`{|}~@1.2-3>", false, { localPart: "!#$%&'*+-/=?^_`{|}~", domain: '1.2-3' }],
  ])('is known: %s', (line, isSender, parts) => {
    expect(pathIn(`${line}\r\nNOOP\r\n`)).toMatchObject({
      end: line.length,
      isSender,
      found: { path: parts, rest: '' },
    });
  });

  it.each(['', ' SIZE=10', ' SIZE=10 BODY=8BITMIME', '  size=1  x', ' =<>@ FROM:<c@d>', ' ~!'])(
    'is known with whatever is printable behind a space: %j',
    (rest) => {
      for (const argument of ['MAIL FROM:<a@b>', 'RCPT TO:<a@b>']) {
        const { end, found } = pathIn(`${argument}${rest}\r\nNOOP\r\n`);
        expect(end).toBe(argument.length + rest.length);
        for (const policy of POLICIES) expect(found).toEqual(parsePath(`<a@b>${rest}`, policy));
      }
    },
  );

  it('has nothing behind its path but printable ASCII, a space first and none last', () => {
    for (let octet = 0; octet < 256; octet += 1) {
      const character = String.fromCharCode(octet);
      const isPrintable = octet >= 0x20 && octet < 0x7f;
      expect(pathIn(`RCPT TO:<a@b> ${character}x\r\n`).end > 0, String(octet)).toBe(isPrintable);
      expect(pathIn(`RCPT TO:<a@b> x${character}\r\n`).end > 0, String(octet)).toBe(isPrintable && character !== ' ');
      expect(pathIn(`RCPT TO:<a@b>${character}x\r\n`).end > 0, String(octet)).toBe(character === ' ');
    }
  });

  it.each([
    ['', 'NOOP\r\n', 'MAIL\r\n', 'MAIL FROM:<>\r\n', 'RCPT TO:<Postmaster>\r\n', 'RCPT TO:b@b.example\r\n'],
    ['RCPT FROM:<a@b>\r\n', 'MAIL TO:<a@b>\r\n', 'RCPT  TO:<a@b>\r\n', 'RCPT TO: <a@b>\r\n', 'XCPT TO:<a@b>\r\n'],
    ['RCPT TO:<a@b> \r\n', 'RCPT TO:<a@b>X=1\r\n', 'RCPT TO:<a@b>\r', 'RCPT TO:<a@b>\n', 'RCPT TO:<a@b>\rx'],
    [
      'RCPT TO:<a@b> X=1 \r\n',
      'RCPT TO:<a@b> X\t\r\n',
      'RCPT TO:<a@b> X=\xe9\r\n',
      'RCPT TO:<a@b> X\n',
      'RCPT TO:<a@b> X\rY',
    ],
    ['RCPT TO:<"a"@b>\r\n', 'RCPT TO:<a@[1.2.3.4]>\r\n', 'RCPT TO:<@x:a@b>\r\n', 'RCPT TO:<\xc3\xa9@b>\r\n'],
    ['RCPT TO:<a@b_c>\r\n', 'RCPT TO:<a@b.>\r\n', 'RCPT TO:<a@b->\r\n', 'RCPT TO:<a.@b>\r\n', 'RCPT TO:<a@@b>\r\n'],
  ])('is no other line: %j %j %j %j', (...lines) => {
    for (const line of lines) expect(pathIn(line).end, line).toBe(-1);
  });

  it('is known only when it has come whole', () => {
    const line = 'RCPT TO:<bob@example.net> X=1\r\n';
    for (let length = 0; length < line.length; length += 1)
      expect(pathIn(line.slice(0, length)).end, String(length)).toBe(-1);
    expect(pathIn(line).end).toBe(line.length - 2);
  });

  it('begins with its verb and its keyword in ASCII, upper or lower case, and with no other octet', () => {
    for (const prefix of ['MAIL FROM:<', 'RCPT TO:<']) {
      for (let at = 0; at < prefix.length; at += 1) {
        for (let octet = 0; octet < 256; octet += 1) {
          const changed = prefix.slice(0, at) + String.fromCharCode(octet) + prefix.slice(at + 1);
          const isKnown = pathIn(`${changed}a@b>\r\n`).end > 0;
          expect(isKnown, JSON.stringify(changed)).toBe(asciiUpperCase(changed) === prefix);
        }
      }
    }
  });

  it('has the path that the full grammar finds, for every path of up to six letters', () => {
    let knownCount = 0;
    for (const text of wordsOver('a-.@>\r\xe9', 6)) {
      const { end, found } = pathIn(`RCPT TO:<${text}>\r\n`);
      const isUsual = USUAL.test(text);
      expect(end > 0, JSON.stringify(text)).toBe(isUsual);
      if (!isUsual) continue;
      knownCount += 1;
      for (const policy of POLICIES) expect(found).toEqual(parsePath(`<${text}>`, policy));
    }
    expect(knownCount).toBeGreaterThan(50);
  });

  it('takes each octet for what the full grammar takes it for, on both sides', () => {
    for (let octet = 0; octet < 256; octet += 1) {
      const character = String.fromCharCode(octet);
      for (const text of [`a${character}@b`, `${character}@b`, `a@b${character}c`, `a@${character}`]) {
        const { end, found } = pathIn(`MAIL FROM:<${text}>\r\n`);
        const result = parsePath(`<${text}>`, { syntax: 'strict', allowNull: true, allowPostmaster: false });
        const isUsual = result.ok && result.rest === '' && !result.path.isInternationalized && !/[">[:]/.test(text);
        expect(end > 0, JSON.stringify(text)).toBe(isUsual);
        if (end > 0) expect(found).toEqual(result);
      }
    }
  });
});

describe('what is remembered of it', () => {
  it('is for its own argument and verb alone', () => {
    const line = new PathLine();
    line.scan(octets.encodeLatin1('RCPT TO:<bob@example.net>\r\n'), 0);
    expect(line.pathOf('TO:<bob@example.net>', false)).toBeUndefined();
    line.remember('TO:<bob@example.net>');
    expect(line.pathOf('TO:<eve@example.net>', false)).toBeUndefined();
    expect(line.pathOf('TO:<bob@example.net>', true)).toBeUndefined();
    expect(line.pathOf('TO:<bob@example.net>', false)?.path.localPart).toBe('bob');
  });

  it('is forgotten when another line was scanned, whose parts stand elsewhere', () => {
    const line = new PathLine();
    line.scan(octets.encodeLatin1('RCPT TO:<bob@example.net>\r\n'), 0);
    line.remember('TO:<bob@example.net>');
    // This one is too long for whoever asks, say, and never becomes a command.
    line.scan(octets.encodeLatin1('RCPT TO:<someone.else@example.net>\r\n'), 0);
    expect(line.pathOf('TO:<bob@example.net>', false)).toBeUndefined();
  });
});

/** What a scan finds in a text that does not begin the array, and the path of it with what follows. */
function pathIn(text: string): {
  readonly end: number;
  readonly isSender: boolean;
  readonly found: FoundPath | undefined;
} {
  const before = 'x\r\n';
  const line = new PathLine();
  const end = line.scan(octets.encodeLatin1(before + text), before.length);
  if (end < 0) return { end, isSender: line.isSender, found: undefined };
  const argument = text.slice('MAIL '.length, end - before.length);
  line.remember(argument);
  return { end: end - before.length, isSender: line.isSender, found: line.pathOf(argument, line.isSender) };
}

function* wordsOver(alphabet: string, lengthMax: number): Generator<string> {
  yield '';
  if (lengthMax === 0) return;
  for (const word of wordsOver(alphabet, lengthMax - 1)) {
    for (const letter of alphabet) if (word.length < lengthMax) yield word + letter;
  }
}

const USUAL = /^[a-]+(?:\.[a-]+)*@a(?:[a-]*a)?(?:\.a(?:[a-]*a)?)*$/;
