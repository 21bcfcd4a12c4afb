import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { Input } from '../../src/protocol/input.js';
import { octets } from '../../src/protocol/octets.js';
import { ReplyDecoder, type ReplyFault } from '../../src/protocol/reply-decoder.js';
import { encodeReply } from '../../src/protocol/reply-encoder.js';
import { Reply } from '../../src/protocol/reply.js';
import { cutAt, words } from './specification/words.js';

const SEED = 5321;

describe('a reply', () => {
  it('is its code and its lines', () => {
    expect(decode('250 OK\r\n')).toEqual([{ code: 250, enhanced: undefined, lines: ['OK'] }]);
    expect(decode('250-a.example\r\n250-SIZE\r\n250 HELP\r\n')).toEqual([
      { code: 250, enhanced: undefined, lines: ['a.example', 'SIZE', 'HELP'] },
    ]);
  });

  it('is followed by the next one', () => {
    expect(decode('250 a\r\n550-b\r\n550 c\r\n354 d\r\n')).toMatchObject([
      { code: 250, lines: ['a'] },
      { code: 550, lines: ['b', 'c'] },
      { code: 354, lines: ['d'] },
    ]);
  });

  it('may have no text, and then the space may be missing, too', () => {
    expect(decode('250\r\n250 \r\n250-\r\n250\r\n')).toMatchObject([
      { code: 250, lines: [''] },
      { code: 250, lines: [''] },
      { code: 250, lines: ['', ''] },
    ]);
  });

  it('has its enhanced code once, in front of the first line and of those that repeat it', () => {
    expect(decode('250-2.1.5 a\r\n250-2.1.5 b\r\n250-2.1.6 c\r\n250 d\r\n')).toEqual([
      { code: 250, enhanced: '2.1.5', lines: ['a', 'b', '2.1.6 c', 'd'] },
    ]);
    expect(decode('250 2.0.0\r\n')).toEqual([{ code: 250, enhanced: '2.0.0', lines: [''] }]);
  });

  it.each([
    ['another class', '550 2.1.5 a\r\n', '2.1.5 a'],
    ['a 3yz reply', '354 3.0.0 a\r\n', '3.0.0 a'],
    ['no number', '250 2.x.0 a\r\n', '2.x.0 a'],
    ['a leading zero', '250 2.01.0 a\r\n', '2.01.0 a'],
    ['no space behind it', '250 2.1.5a\r\n', '2.1.5a'],
  ])('keeps what only looks like an enhanced code as text: %s', (_, sent, text) => {
    expect(decode(sent)).toMatchObject([{ enhanced: undefined, lines: [text] }]);
  });

  it('does not lend its enhanced code to the next reply', () => {
    expect(decode('250 2.0.0 a\r\n250 2.0.0 b\r\n250 c\r\n')).toMatchObject([
      { enhanced: '2.0.0', lines: ['a'] },
      { enhanced: '2.0.0', lines: ['b'] },
      { enhanced: undefined, lines: ['c'] },
    ]);
  });

  it('may be UTF-8; what is not is read octet by octet', () => {
    expect(decode('250 gr\xc3\xbc\xc3\x9fe\r\n250 gr\xfc\xdfe\r\n')).toMatchObject([
      { lines: ['grüße'] },
      { lines: ['grüße'] },
    ]);
  });
});

describe('what is no reply', () => {
  it.each<[ReplyFault, string]>([
    ['lineEnd', '250 a\n'],
    ['lineEnd', '250 a\r250 b\r\n'],
    ['lineEnd', '250 a\r\r\n'],
    ['lineEnd', '\n'],
    ['code', '\r\n'],
    ['code', 'HTTP/1.1 400 Bad Request\r\n'],
    ['code', '25 a\r\n'],
    ['code', '2500 a\r\n'],
    ['code', '250\ta\r\n'],
    ['code', '150 a\r\n'],
    ['code', '650 a\r\n'],
    ['code', '260 a\r\n'],
    ['codeChanged', '250-a\r\n251 b\r\n'],
    ['code', '250-a\r\nb\r\n'],
  ])('is told: %s for %j', (fault, sent) => {
    expect(decode(sent).at(-1)).toBe(fault);
  });

  it.each([2047, 2048])('a line of %i octets is one', (lengthBytes) => {
    const text = 'x'.repeat(lengthBytes - 5);
    const decoded = decode(`250 ${text}\r\n`);
    // What is longer than a server should send is folded when it becomes a value.
    expect((decoded[0] as Reply).lines.join('')).toBe(text);
  });

  it('a line of 2049 octets is none, whether or not its end has come', () => {
    const line = `250 ${'x'.repeat(2049 - 5)}\r`;
    expect(decode(`${line}\n`)).toEqual(['lineTooLong']);
    expect(decode('x'.repeat(2049))).toEqual(['lineTooLong']);
    expect(decode('x'.repeat(2048))).toEqual([]);
  });

  it('a reply has at most 65,536 octets or so, however short its lines', () => {
    const fits = '250-x\r\n'.repeat(9_000);
    expect(decode(`${fits}250 y\r\n`)).toHaveLength(1);
    expect(decode('250-x\r\n'.repeat(10_000))).toEqual(['replyTooLong']);
  });
});

describe('laws', () => {
  it('how the octets are split changes nothing: every string of a small alphabet', () => {
    for (const word of words(['250-', '250 ', '251', 'x', '\r', '\n'], 5)) {
      const whole = decode(word);
      for (let at = 1; at < word.length; at += 1) expect(decode(word.slice(0, at), word.slice(at))).toEqual(whole);
      expect(decode(...word)).toEqual(whole);
    }
  });

  it('how the octets are split changes nothing: long lines, and what is at the bounds', () => {
    const piece = fc.oneof(
      fc.constantFrom('250-', '250 ', '250 2.0.0 ', '550 ', '\r\n', '\r\n', '\r', '\n', 'x', '\xc3', '\xbc'),
      fc.integer({ min: 2040, max: 2052 }).map((length) => 'x'.repeat(length)),
      fc.integer({ min: 9_360, max: 9_364 }).map((count) => '250-x\r\n'.repeat(count)),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), fc.array(fc.nat(70_000), { maxLength: 8 }), (parts, cuts) => {
        const bytes = octets.encodeLatin1(parts.join(''));
        expect(decodePieces(cutAt(bytes, cuts))).toEqual(decodePieces([bytes]));
      }),
      { seed: SEED, numRuns: 600 },
    );
  });

  it('encode, then decode is the identity', () => {
    const text = fc
      .array(fc.constantFrom('x', 'é', '€', '😀', ' ', '\t', '\n', '2.0.0 ', '-', 'y'.repeat(250), 'ß'.repeat(120)), {
        maxLength: 12,
      })
      .map((parts) => parts.join(''));
    const codes = fc.constantFrom<[number, string]>([250, '2.1.5'], [451, '4.7.1'], [550, '5.999.999']);
    fc.assert(
      fc.property(fc.array(fc.tuple(codes, text), { minLength: 1, maxLength: 4 }), (sent) => {
        const replies = sent.map(([[code, enhanced], given]) => new Reply(code, enhanced, given));
        const decoded = decodePieces([octets.concat(replies.map((reply) => encodeReply(reply, true)))]);
        expect(decoded.map((each) => ({ ...(each as Reply) }))).toEqual(replies.map((reply) => ({ ...reply })));
      }),
      { seed: SEED, numRuns: 500 },
    );
  });

  it('a reply is the same whether or not the server has given it before, and whatever came in front of it', () => {
    const line = fc.constantFrom(
      '250 a',
      '250 ab',
      '250 2.0.0 a',
      '250',
      '354 a',
      '354 b',
      '250 \xc3\xbc',
      '250-a\r\n250 a',
    );
    const sequence = fc.array(line, { maxLength: 30 });
    fc.assert(
      fc.property(sequence, fc.array(fc.nat(200), { maxLength: 8 }), (lines, cuts) => {
        const bytes = octets.encodeLatin1(lines.map((each) => `${each}\r\n`).join(''));
        expect(decodePieces(cutAt(bytes, cuts))).toEqual(lines.flatMap((each) => decode(`${each}\r\n`)));
      }),
      { seed: SEED, numRuns: 1000 },
    );
  });

  it('never throws, and never gives more than one fault', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200, size: 'max' }), (bytes) => {
        const faults = decodePieces([bytes]).filter((each) => typeof each === 'string');
        expect(faults.length).toBeLessThanOrEqual(1);
      }),
      { seed: SEED, numRuns: 1000 },
    );
  });
});

describe('reset', () => {
  it('forgets a reply that has begun', () => {
    const decoder = new ReplyDecoder();
    const input = new Input();
    input.append(octets.encodeLatin1('250-2.0.0 a\r\n'));
    expect(decoder.decode(input)).toBeUndefined();
    expect(decoder.isWithinReply).toBe(true);
    decoder.reset();
    expect(decoder.isWithinReply).toBe(false);
    input.append(octets.encodeLatin1('550 b\r\n'));
    expect(decoder.decode(input)).toMatchObject({ reply: { code: 550, enhanced: undefined, lines: ['b'] } });
  });
});

function decode(...pieces: readonly string[]): readonly (Reply | ReplyFault)[] {
  return decodePieces(pieces.map((piece) => octets.encodeLatin1(piece)));
}

/** All replies, and the fault behind which nothing can be understood. The octets of each piece are written over once it was taken. */
function decodePieces(pieces: readonly Uint8Array[]): readonly (Reply | ReplyFault)[] {
  const decoder = new ReplyDecoder();
  const input = new Input();
  const found: (Reply | ReplyFault)[] = [];
  for (const piece of pieces) {
    const lent = Uint8Array.from(piece);
    input.append(lent);
    for (let decoded = decoder.decode(input); decoded !== undefined; decoded = decoder.decode(input)) {
      if (decoded.kind === 'fault') return [...found, decoded.fault];
      found.push(decoded.reply);
    }
    input.settle();
    lent.fill(0x58);
  }
  return found;
}
