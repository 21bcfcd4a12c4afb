import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { addressesOf, type EnvelopeSides, envelopeMismatches } from '../../page/message/envelope-mismatch.js';
import { linkTarget } from '../../page/message/link-target.js';
import { MASK, maskSecrets } from '../../page/message/mask.js';
import { phasesOf, pipelinedGroups } from '../../page/message/phases.js';
import { linkPieces, viewText } from '../../page/message/text-view.js';
import type { TranscriptLine } from '../../src/api/model.js';

/** A conversation: `C: ` and `S: ` lines and `- ` events, a millisecond apart unless `@ms` stands in front. */
function conversation(text: string): TranscriptLine[] {
  let atMs = 0;
  return text
    .trim()
    .split('\n')
    .map((line) => {
      const [, at, who, said] = /^\s*(?:@([\d.]+) )?(C|S|-):? (.*)$/.exec(line)!;
      atMs = at === undefined ? atMs + 1 : Number(at);
      return { from: ({ C: 'client', S: 'server', '-': 'event' } as const)[who as 'C' | 'S' | '-'], atMs, text: said! };
    });
}

const names = (text: string): string[] =>
  phasesOf(conversation(text)).map(({ name, fromMs, toMs }) => `${name} ${fromMs}-${toMs}`);

describe('the phases of a conversation', () => {
  it.each([
    [
      'one message, in clear',
      'S: 220 a\nC: EHLO b\nS: 250 a\nC: MAIL FROM:<>\nS: 250\nC: RCPT TO:<a@b>\nS: 250\nC: DATA\nS: 354 go\nC: (9 octets)\n@20 S: 250 taken\nC: QUIT\nS: 221',
      ['connect 0-4', 'envelope 4-9', 'content 9-20', 'end 20-22'],
    ],
    [
      'STARTTLS and AUTH',
      'S: 220 a\nC: EHLO b\nS: 250 a\nC: STARTTLS\nS: 220 go\n- TLSv1.3\nC: EHLO b\nS: 250 a\nC: AUTH LOGIN\nS: 334 x\nC: MAIL\nS: 235\nC: MAIL FROM:<>\nS: 250',
      ['connect 0-4', 'tls 4-9', 'auth 9-11', 'envelope 11-14'],
    ],
    ['TLS from the first octet', '- TLSv1.3\nS: 220 a\nC: QUIT\nS: 221 bye', ['tls 0-3', 'end 3-4']],
    [
      'chunks, pipelined',
      'S: 220\nC: MAIL FROM:<>\nC: RCPT TO:<a@b>\nC: BDAT 5 LAST\nS: 250\nS: 250\nC: (5 octets)\nS: 250 taken\n- closed',
      ['connect 0-2', 'envelope 2-4', 'content 4-8', 'end 8-9'],
    ],
    [
      'two messages',
      'S: 220\nC: MAIL\nS: 250\nC: DATA\nS: 354\nS: 250\nC: MAIL\nS: 250\nC: DATA\nS: 354\nS: 550 no',
      ['connect 0-2', 'envelope 2-5', 'content 5-6', 'envelope 6-10', 'content 10-11'],
    ],
    ['a client that says nothing', 'S: 220\n@9000 S: 421 too slow', ['connect 0-9000']],
    ['nobody', '', []],
  ])('are named and timed: %s', (_, text, expected) => {
    expect(text === '' ? phasesOf([]) : names(text)).toEqual(expected);
  });

  const line = fc.constantFrom(
    '@3 C: RCPT',
    'C: (5 octets of content)',
    'C: EHLO b',
    'C: STARTTLS',
    'C: AUTH PLAIN',
    'C: MAIL',
    'C: RCPT',
    'C: DATA',
    'C: BDAT 1 LAST',
    'C: QUIT',
    'S: 220',
    'S: 250-a',
    'S: 250 a',
    'S: 334 x',
    'S: 354 x',
    '- TLS',
  );

  it('cover every line once, in order, and never go back in time', () => {
    fc.assert(
      fc.property(fc.array(line, { minLength: 1, maxLength: 30 }), (text) => {
        const lines = conversation(text.join('\n'));
        const phases = phasesOf(lines);
        expect(phases[0]?.start).toBe(0);
        expect(phases.at(-1)?.end).toBe(lines.length);
        phases.forEach((phase, at) => {
          expect(phase.toMs).toBeGreaterThanOrEqual(phase.fromMs);
          expect(phase.end).toBeGreaterThan(phase.start);
          if (at > 0) {
            expect(phase.start).toBe(phases[at - 1]?.end);
            expect(phase.fromMs).toBe(phases[at - 1]?.toMs);
          }
        });
      }),
    );
  });
});

describe('pipelined groups', () => {
  const groups = (text: string) =>
    pipelinedGroups(conversation(text)).map(({ start, end, commands }) => [start, end, commands]);

  it('are commands that did not wait for the reply before', () => {
    expect(
      groups('S: 220\nC: EHLO b\nS: 250-a\nS: 250 b\nC: MAIL\nC: RCPT\nC: DATA\nS: 250\nS: 250\nS: 354\nC: x\nC: y'),
    ).toEqual([[4, 7, 3]]);
    expect(groups('C: EHLO\nS: 250\nC: MAIL\nS: 250\nC: RCPT\nS: 250')).toEqual([]);
  });

  it('are seen by the time where the replies stand between', () => {
    expect(groups('@1 C: MAIL\n@1.5 S: 250\n@1 C: RCPT\n@1.5 S: 250\n@2 C: DATA\n@3 S: 354')).toEqual([[0, 3, 2]]);
  });

  it('have no answers of a SASL exchange in them', () => {
    expect(groups('C: AUTH LOGIN\nS: 334 a\nC: dXNlcg==\nC: cGFzcw==\nS: 235')).toEqual([]);
  });
});

describe('secrets', () => {
  it.each([
    ['C: AUTH PLAIN AGEAYg==\nS: 235 ok', [`AUTH PLAIN ${MASK}`, '235 ok']],
    [
      'C: auth  login YQ==\nS: 334 UGFzc3dvcmQ6\nC: Yg==\nS: 235\nC: NOOP',
      [`auth  login ${MASK}`, '334 UGFzc3dvcmQ6', MASK, '235', 'NOOP'],
    ],
    ['C: AUTH EXTERNAL =\nS: 334\nC: *\nS: 501', ['AUTH EXTERNAL =', '334', '*', '501']],
    [
      'C: AUTH CRAM-MD5\nS: 334 PDE+\n- something\nC: dGlt\nS: 535 no\nC: MAIL FROM:<a@b>',
      ['AUTH CRAM-MD5', '334 PDE+', 'something', MASK, '535 no', 'MAIL FROM:<a@b>'],
    ],
    ['C: AUTHOR x\nS: 500', ['AUTHOR x', '500']],
  ])('are hidden: %s', (text, expected) => {
    const masked = maskSecrets(conversation(text));
    expect(masked.map((line) => line.text)).toEqual(expected);
    expect(maskSecrets(masked)).toEqual(masked);
  });
});

describe('the envelope beside the header', () => {
  const sides = (of: Partial<Omit<EnvelopeSides, 'envelope'>> & Partial<EnvelopeSides['envelope']>): EnvelopeSides => ({
    envelope: {
      mailFrom: of.mailFrom ?? 'ann@a.example',
      rcptTos: of.rcptTos ?? ['bob@b.example'],
      mailOptions: [],
      rcptOptions: [],
    },
    from: of.from ?? ['Ann <ann@a.example>'],
    to: of.to ?? ['bob@b.example'],
    cc: of.cc ?? [],
  });

  it.each([
    ['nothing', sides({}), {}],
    [
      'nothing, as case and IDNA are looked through',
      sides({ rcptTos: ['Bob@xn--bcher-kva.example'], to: ['bob@Bücher.example'] }),
      {},
    ],
    ['a blind copy', sides({ rcptTos: ['bob@b.example', 'eve@e.example'] }), { blindCopy: ['eve@e.example'] }],
    ['nobody’s mail', sides({ to: ['bob@b.example, Carl <carl@c.example>'] }), { notSent: ['carl@c.example'] }],
    ['no names at all', sides({ to: ['undisclosed-recipients:;'] }), { blindCopy: ['bob@b.example'] }],
    [
      'another domain',
      sides({ mailFrom: 'bounce@m.example' }),
      { senderDomain: ['bounce@m.example', 'ann@a.example'] },
    ],
    ['a bounce', sides({ mailFrom: '' }), { nullSender: ['<>'] }],
    ['twice', sides({ rcptTos: ['bob@b.example', 'bob@B.example'] }), { repeated: ['bob@B.example'] }],
  ])('names what differs: %s', (_, given, expected) => {
    expect(Object.fromEntries(envelopeMismatches(given).map(({ kind, addresses }) => [kind, addresses]))).toEqual(
      expected,
    );
  });

  it('looks at the fields that should not be there', () => {
    const headers = [
      { name: 'BCC', value: 'Eve <eve@e.example>' },
      { name: 'Return-Path', value: '<other@a.example>' },
      { name: 'Return-path', value: '<ann@a.example>' },
    ];
    expect(envelopeMismatches(sides({}), headers).map(({ kind, addresses }) => [kind, addresses])).toEqual([
      ['bccField', ['eve@e.example']],
      ['returnPath', ['other@a.example']],
    ]);
  });

  it.each([
    ['a@b, C <c@d>,, "e, <x@y>" <f@g>', ['a@b', 'c@d', 'f@g']],
    ['Team: a@b, c@d; e@f', ['a@b', 'c@d', 'e@f']],
    ['a@b (also, c@d (or e@f)) , "q\\"q, r"@s', ['a@b', '"q\\"q, r"@s']],
    ['<"odd>,one"@a>, x', ['"odd>,one"@a']],
    ['', []],
  ])('reads the addresses of %s', (value, addresses) => {
    expect(addressesOf(value)).toEqual(addresses);
  });
});

describe('text', () => {
  it('is told apart: quotes by depth, the signature, the links', () => {
    const blocks = viewText('Hi\n> one\n> > two\n>> three\n\nsee https://a.example/x(y).\n-- \nAnn\n> not a quote\n');
    expect(blocks.map(({ kind, depth, line, lines }) => [kind, depth, line, lines.length])).toEqual([
      ['text', 0, 1, 1],
      ['quote', 1, 2, 1],
      ['quote', 2, 3, 2],
      ['text', 0, 5, 2],
      ['signature', 0, 7, 3],
    ]);
    expect(linkPieces('see https://a.example/x(y).')).toEqual([
      { text: 'see ' },
      { text: 'https://a.example/x(y)', href: 'https://a.example/x(y)' },
      { text: '.' },
    ]);
  });

  it.each([
    ['(https://a.example/)', ['https://a.example/']],
    ['<https://a.example/?a=b&c>;', ['https://a.example/?a=b&c']],
    ['HTTP://A.example!', ['HTTP://A.example']],
    ['mailto:a@b.example, mailto: no', ['mailto:a@b.example']],
    ['javascript:alert(1) data:text/html,x https:// file:///etc', []],
    ['https://[bad', []],
  ])('has the links of %s', (text, links) => {
    expect(linkPieces(text).flatMap((piece) => piece.href ?? [])).toEqual(links);
  });

  it('is the text again, whatever it is', () => {
    const part = fc.constantFrom(
      '> ',
      '-- \n',
      '\n',
      '\r\n',
      'a',
      ' ',
      'https://a.example/',
      ')',
      '.',
      'mailto:a@b.c',
      '\0',
      'é',
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 40 }), (parts) => {
        const text = parts.join('');
        const blocks = viewText(text);
        expect(blocks.flatMap((block) => block.lines.flat().map((piece) => piece.text)).join('')).toBe(text);
        blocks.forEach((block, at) => {
          const before = blocks[at - 1];
          expect(block.line).toBe(before === undefined ? 1 : before.line + before.lines.length);
        });
      }),
    );
  });

  it('takes no longer for what is made to take long', () => {
    for (const part of ['http://', 'mailto:', '>', '-- \n', '(', 'https://a.example)', '"<']) {
      const text = part.repeat(300_000);
      expect(viewText(text).length).toBeGreaterThan(0);
      expect(addressesOf(text)).toEqual([]);
    }
  });
});

describe('where a link leads', () => {
  it.each([
    ['https://a.example:8443/x', 'Log in', { isFollowable: true, host: 'a.example:8443', isMisleading: false }],
    [
      'https://evil.example/',
      'https://bank.example/login',
      { isFollowable: true, host: 'evil.example', isMisleading: true },
    ],
    ['https://a.example@evil.example/', 'a.example', { isFollowable: true, host: 'evil.example', isMisleading: true }],
    ['https://www.a.example/', 'a.example/x', { isFollowable: true, host: 'www.a.example', isMisleading: false }],
    [
      'https://xn--bcher-kva.example/',
      'bücher.example',
      { isFollowable: true, host: 'xn--bcher-kva.example', isMisleading: false },
    ],
    ['mailto:a@b.example?subject=x', 'Write', { isFollowable: true, host: 'a@b.example', isMisleading: false }],
    [' javascript:alert(1)', 'Log in', { isFollowable: false, host: 'javascript:', isMisleading: false }],
    ['data:text/html,x', '', { isFollowable: false, host: 'data:', isMisleading: false }],
    ['/relative', '', { isFollowable: false, host: '/relative', isMisleading: false }],
    ['', '', { isFollowable: false, host: 'no address', isMisleading: false }],
  ])('is said of %s', (url, text, target) => {
    expect(linkTarget(url, text)).toEqual(target);
  });
});
