import fc from 'fast-check';
import type { MessageQuery, TextField } from 'smtpd-store';
import { afterEach, describe, expect, it } from 'vitest';

import { SEARCH_OPERATORS } from '../../src/api/search-operators.js';
import { nearestWords } from '../../src/search/nearest-words.js';
import { formatSearch, parseSearch, SEARCH_LENGTH_MAX } from '../../src/search/search-syntax.js';

const NOW = new Date('2026-11-25T12:00:00.000Z');

describe('what people type', () => {
  it.each<[text: string, query: MessageQuery]>([
    ['', { kind: 'and', queries: [] }],
    ['  - & | ()  ', { kind: 'and', queries: [] }],
    ['welcome', words('welcome')],
    ['welcome back', and(words('welcome'), words('back'))],
    ['welcome AND back', and(words('welcome'), words('back'))],
    ['"welcome back"', words('welcome back')],
    ['"not closed', words('not closed')],
    ['"a \\"b\\" \\\\ \\c"', words('a "b" \\ \\c')],
    ['pass*', { ...words('pass'), isPrefix: true }],
    ['"reset pass"*', { ...words('reset pass'), isPrefix: true }],
    ['"pass*"', words('pass*')],
    ['a b OR c', or(and(words('a'), words('b')), words('c'))],
    ['a (b OR c)', and(words('a'), or(words('b'), words('c')))],
    ['a or b', and(words('a'), words('or'), words('b'))],
    ['ORder', words('ORder')],
    ['-a', not(words('a'))],
    ['!a NOT b', and(not(words('a')), not(words('b')))],
    ['-(a OR from:b)', not(or(words('a'), words('b', 'from')))],
    ['--a', words('a')],
    ['e-mail', words('e-mail')],
    ['from:ann@a.example', words('ann@a.example', 'from')],
    ['SUBJECT:"Your order"*', { ...words('Your order', 'subject'), isPrefix: true }],
    [
      'to:a cc:b body:c filename:d',
      and(words('a', 'to'), words('b', 'cc'), words('c', 'body'), words('d', 'filename')),
    ],
    ['has:attachment', { kind: 'hasAttachment' }],
    ['is:read', { kind: 'isRead' }],
    ['is:UNREAD', not({ kind: 'isRead' })],
    ['-is:unread', { kind: 'isRead' }],
    ['is:session', { kind: 'isSession' }],
    ['larger:10k smaller:2MiB', and({ kind: 'larger', bytes: 10_000 }, { kind: 'smaller', bytes: 2_097_152 })],
    ['larger:1.5MB larger:7 larger:1kib larger:3b', and(...[1_500_000, 7, 1_024, 3].map(larger))],
    ['header:X-Mailer', { kind: 'header', name: 'X-Mailer' }],
    ['header:"X-Mailer: PHP 8"', { kind: 'header', name: 'X-Mailer', contains: 'PHP 8' }],
    ['header:x-a:b:c', { kind: 'header', name: 'x-a', contains: 'b:c' }],
    ['inbox:k3f9', { kind: 'inbox', inbox: 'k3f9' }],
    ['inbox:""', { kind: 'inbox', inbox: '' }],
    ['tag:"to do"', { kind: 'tag', tag: 'to do' }],
    ['message-id:<1@a.example>', { kind: 'messageId', messageId: '<1@a.example>' }],
    ['message-id:1@a.example', { kind: 'messageId', messageId: '<1@a.example>' }],
    // Words, however much they look like operators.
    ['12:30', words('12:30')],
    ['https://a.example/x?y=1', words('https://a.example/x?y=1')],
    ['localhost:1025', words('localhost:1025')],
    ['host:1025', words('host:1025')],
    ['mailto:ann@a.example', words('mailto:ann@a.example')],
    ['Re: hello', and(words('Re:'), words('hello'))],
    ['Re:hello', words('Re:hello')],
    ['Foo::bar C:\\dir', and(words('Foo::bar'), words('C:\\dir'))],
    ['"form:x"', words('form:x')],
    ['send() now', and(words('send'), words('now'))],
    // Nothing is found where nothing is looked for.
    ['""', words('')],
    ['a ""', words('')],
    ['a OR ""', words('a')],
    ['-""', { kind: 'and', queries: [] }],
  ])('%j', (text, query) => {
    expect(parseSearch(text, { now: NOW })).toEqual({ query });
  });

  it.each<[text: string, at: number, message: RegExp]>([
    ['form:ann', 0, /no operator form: – did you mean from:\?.*quotes/],
    ['a sub:x', 2, /did you mean subject:\?/],
    ['zzzz:x', 0, /there are from: to: cc: .* tag:/],
    ['from:', 0, /from: needs words right behind the colon, as in from:shop@a\.example/],
    ['subject: hello', 0, /right behind the colon/],
    ['tag:""', 0, /needs a tag/],
    ['is:reed', 3, /read, unread or session, not by "reed"; did you mean is:read\?/],
    ['has:link', 4, /followed by attachment, not by "link"$/],
    ['is:__proto__', 3, /not by/],
    ['before:2026-02-30', 7, /needs a time, as in before:2026-11-25/],
    ['after:25.11.2026', 6, /needs a time/],
    ['larger:10x', 7, /needs a size/],
    ['larger:99999999999T', 7, /needs a size/],
    ['is:read*', 3, /\* stands behind words/],
    ['header:"a b"', 7, /needs a name/],
    ['tag:"\0"', 4, /needs a tag/],
    ['inbox:\ud800', 6, /needs a name/],
    ['(a', 0, /no \) for this \(/],
    ['a)', 1, /no \( for this \)/],
    ['OR a', 0, /OR stands between/],
    ['a OR', 4, /OR stands between/],
    ['a OR OR b', 4, /OR stands between/],
    ['x -()', 2, /nothing behind this sign/],
    ['NOT', 0, /nothing behind this sign/],
    [`${'('.repeat(9)}a${')'.repeat(9)}`, 9, /at most 8 parentheses deep/],
    ['a '.repeat(201), 401, /at most 200 conditions/],
    ['a'.repeat(SEARCH_LENGTH_MAX + 1), SEARCH_LENGTH_MAX, /at most 10,000 characters/],
  ])('%j is a fault that says where and why', (text, at, message) => {
    expect(parseSearch(text, { now: NOW })).toEqual({
      fault: { at, message: expect.stringMatching(message) as string },
    });
  });

  it('every operator of the table is one, and its example is a search', () => {
    for (const { name, example, ...rest } of SEARCH_OPERATORS) {
      expect(example).toContain(`${name}:`);
      expect(parseSearch(example, { now: NOW })).toHaveProperty('query');
      for (const value of 'values' in rest ? rest.values : []) {
        expect(parseSearch(`${name}:${value}`, { now: NOW })).toHaveProperty('query');
      }
    }
  });

  it('offers the nearest words, and none that are far', () => {
    const names = SEARCH_OPERATORS.map(({ name }) => name);
    expect(nearestWords('form', names)).toEqual(['from']);
    expect(nearestWords('sbuject', names)).toEqual(['subject']);
    expect(nearestWords('messageid', names)).toEqual(['message-id']);
    expect(nearestWords('ot', names)).toEqual(['to']);
    expect(nearestWords('s', names)).toEqual(['subject', 'smaller']);
    expect(nearestWords('x'.repeat(1_000), names)).toEqual([]);
    expect(nearestWords('colour', names)).toEqual([]);
  });
});

describe('times', () => {
  const zone = process.env['TZ'];
  afterEach(() => {
    if (zone === undefined) delete process.env['TZ'];
    else process.env['TZ'] = zone;
  });

  it.each<[zone: string, text: string, time: string]>([
    ['UTC', '2026-11-25', '2026-11-25T00:00:00.000Z'],
    ['UTC', '2026-11', '2026-11-01T00:00:00.000Z'],
    ['UTC', '2026-11-25T10:30', '2026-11-25T10:30:00.000Z'],
    ['UTC', '2026-11-25t10:30:15.1239z', '2026-11-25T10:30:15.123Z'],
    ['UTC', '2026-11-25T10:30+01:00', '2026-11-25T09:30:00.000Z'],
    ['UTC', '2026-11-25T10:30-0530', '2026-11-25T16:00:00.000Z'],
    ['UTC', '2026-11-25T24:00', '2026-11-26T00:00:00.000Z'],
    ['UTC', '2024-02-29', '2024-02-29T00:00:00.000Z'],
    ['UTC', 'now', '2026-11-25T12:00:00.000Z'],
    ['UTC', '30m', '2026-11-25T11:30:00.000Z'],
    ['UTC', '2h', '2026-11-25T10:00:00.000Z'],
    ['UTC', '3d', '2026-11-22T12:00:00.000Z'],
    ['UTC', '1w', '2026-11-18T12:00:00.000Z'],
    ['UTC', 'today', '2026-11-25T00:00:00.000Z'],
    ['UTC', 'yesterday', '2026-11-24T00:00:00.000Z'],
    ['Asia/Tokyo', 'today', '2026-11-24T15:00:00.000Z'],
    ['Asia/Tokyo', '2026-11-25', '2026-11-24T15:00:00.000Z'],
    ['Asia/Tokyo', '2026-11-25T10:30', '2026-11-25T01:30:00.000Z'],
    // A day of 25 hours lies between the two.
    ['Europe/Vienna', '2026-10-25', '2026-10-24T22:00:00.000Z'],
    ['Europe/Vienna', '2026-10-26', '2026-10-25T23:00:00.000Z'],
  ])('in %s, %s is %s', (name, text, time) => {
    process.env['TZ'] = name;
    for (const kind of ['before', 'after'] as const) {
      expect(parseSearch(`${kind}:${text}`, { now: NOW })).toEqual({ query: { kind, time: new Date(time) } });
    }
  });

  it.each([
    '2026',
    '2026-13',
    '2026-11-31',
    '2023-02-29',
    '2026-11-25T25:00',
    '2026-11-25T24:01',
    '2h3m',
    '-2h',
    '999999w',
  ])('%s is no time', (text) => {
    expect(parseSearch(`after:${text}`, { now: NOW })).toHaveProperty('fault.at', 6);
  });
});

describe('laws', () => {
  it('whatever is typed is a query or a fault within the text, and what was read is written so that it is read again', () => {
    const token = fc.oneof(
      fc.constantFrom(...' ()"*\\-!:\t\0', 'OR', 'AND', 'NOT', 'OR ', ' NOT ', '<', '""', 'a', 'é', '\ud800', '2h'),
      fc.constantFrom(...SEARCH_OPERATORS.map(({ name }) => `${name}:`)),
      fc.constantFrom(...SEARCH_OPERATORS.map(({ example }) => `${example} `)),
      fc.string({ maxLength: 4 }),
    );
    fc.assert(
      fc.property(fc.array(token, { maxLength: 30 }), (tokens) => {
        const text = tokens.join('');
        const result = parseSearch(text, { now: NOW });
        if ('fault' in result) {
          expect(result.fault.at).toBeGreaterThanOrEqual(0);
          expect(result.fault.at).toBeLessThanOrEqual(text.length);
        } else {
          const written = formatSearch(result.query);
          expect(parseSearch(written, { now: new Date(0) })).toEqual(result);
          expect(formatSearch(result.query)).toBe(written);
        }
      }),
      { numRuns: 3_000 },
    );
  });

  it('a query that is written and read means the same to whoever answers it', () => {
    fc.assert(
      fc.property(queryArbitrary, fc.integer(), (query, seed) => {
        const result = parseSearch(formatSearch(query), { now: NOW });
        if (!('query' in result)) throw new Error(`${formatSearch(query)}: ${result.fault.message}`);
        expect(isMet(result.query, seed)).toBe(isMet(query, seed));
      }),
      { numRuns: 3_000 },
    );
  });

  it('takes time in proportion to the text, whatever is in it', () => {
    const nasty = ['(', ')', '"', '\\"', '*', '-', 'a*', '*a', 'a:', 'from:', '- ', 'OR ', '"" ', 'x-'];
    for (const piece of nasty) {
      const text = piece.repeat(SEARCH_LENGTH_MAX / piece.length);
      const before = performance.now();
      parseSearch(text, { now: NOW });
      parseSearch(`"${text}`, { now: NOW });
      // A thousand times more than it takes; a second look at each letter from each letter would take longer.
      expect(performance.now() - before).toBeLessThan(1_000);
    }
  });
});

function words(text: string, field: TextField = 'text'): Extract<MessageQuery, { kind: 'words' }> {
  return { kind: 'words', field, words: text };
}

function and(...queries: MessageQuery[]): MessageQuery {
  return { kind: 'and', queries };
}

function or(...queries: MessageQuery[]): MessageQuery {
  return { kind: 'or', queries };
}

function not(query: MessageQuery): MessageQuery {
  return { kind: 'not', query };
}

function larger(bytes: number): MessageQuery {
  return { kind: 'larger', bytes };
}

/** Answers a query: each condition is true or false by chance, the same one always the same. */
function isMet(query: MessageQuery, seed: number): boolean {
  if (query.kind === 'and') return query.queries.every((each) => isMet(each, seed));
  if (query.kind === 'or') return query.queries.some((each) => isMet(each, seed));
  if (query.kind === 'not') return !isMet(query.query, seed);
  if (query.kind === 'words' && query.words === '') return false;
  const text = JSON.stringify(Object.entries(query).filter(([name, value]) => name !== 'isPrefix' || value === true));
  return [...text].reduce((hash, letter) => Math.imul(hash ^ letter.codePointAt(0)!, 0x01000193), seed) % 2 === 0;
}

const text = fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(...'a"\\*() :-OR') }), fc.constantFrom('OR', ''));
const name = text.filter((each) => !each.includes('\0'));
const condition: fc.Arbitrary<MessageQuery> = fc.oneof(
  fc.record({
    kind: fc.constant('words' as const),
    field: fc.constantFrom<TextField[]>('text', 'from', 'to', 'cc', 'subject', 'body', 'filename'),
    words: text,
    isPrefix: fc.boolean(),
  }),
  fc.record({ kind: fc.constant('header' as const), name: fc.constantFrom('a', 'X-B', '"', '\\*'), contains: text }),
  fc.constantFrom<MessageQuery[]>(
    { kind: 'header', name: 'To' },
    { kind: 'hasAttachment' },
    { kind: 'isRead' },
    { kind: 'isSession' },
  ),
  fc.record({
    kind: fc.constantFrom('before' as const, 'after' as const),
    time: fc.date({ min: new Date('1000-01-01T00:00Z'), max: new Date('2999-12-31T00:00Z'), noInvalidDate: true }),
  }),
  fc.record({ kind: fc.constantFrom('larger' as const, 'smaller' as const), bytes: fc.nat(2 ** 40) }),
  fc.record({ kind: fc.constant('inbox' as const), inbox: name }),
  fc.record({ kind: fc.constant('tag' as const), tag: name.filter((each) => each !== '') }),
  fc.record({ kind: fc.constant('messageId' as const), messageId: text.map((each) => `<${each}>`) }),
);
const queryArbitrary = fc.letrec<{ query: MessageQuery }>((tie) => ({
  query: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    condition,
    fc.record({
      kind: fc.constantFrom('and' as const, 'or' as const),
      queries: fc.array(tie('query'), { maxLength: 3 }),
    }),
    fc.record({ kind: fc.constant('not' as const), query: tie('query') }),
  ),
})).query;
