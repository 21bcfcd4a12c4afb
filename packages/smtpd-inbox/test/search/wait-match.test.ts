import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import type { Entry } from '../../src/api/model.js';
import { addressIn, canonicalAddress } from '../../src/search/addresses.js';
import {
  mismatchesOf,
  nearMissesOf,
  parseWait,
  type Wait,
  type WaitCandidate,
  type WaitCriteria,
} from '../../src/search/wait-match.js';
import { isWildcardMatch } from '../../src/search/wildcard.js';

const WELCOME = entry({
  subject: 'Welcome to the shop',
  from: ['"The <Shop>" <shop@a.example>'],
  to: ['Ann <ann@b.example>'],
  cc: ['Änn <ann@bücher.example>'],
  envelope: envelope('bounces+1@a.example', ['ann@b.example', 'hidden@b.example']),
});

describe('a message that is waited for', () => {
  it.each<WaitCriteria>([
    {},
    { to: 'ann@b.example' },
    { to: 'ann@B.EXAMPLE' },
    { to: 'hidden@b.example' },
    { to: 'ann@bücher.example' },
    { to: 'ann@xn--bcher-kva.example' },
    { to: 'ann@BÜCHER.example' },
    { to: 'hid*@b.example' },
    { to: '*@bücher.example' },
    { to: '*' },
    { from: 'shop@a.example' },
    { from: 'bounces+1@a.example' },
    { from: 'bounces+*@A.example' },
    { subject: 'welcome' },
    { subject: 'TO THE SHOP' },
    { subject: '' },
    { to: 'ann@b.example', from: '*@a.example', subject: 'shop' },
  ])('is found by %j', (criteria) => {
    expect(mismatchesOf(waitOf(criteria), { entry: WELCOME })).toEqual([]);
  });

  it.each<[criteria: WaitCriteria, candidate: WaitCandidate, reasons: readonly string[]]>([
    [{ subject: 'Password reset' }, { entry: WELCOME }, ['its subject is "Welcome to the shop", not "Password reset"']],
    [
      { to: 'Ann@b.example' },
      { entry: WELCOME },
      ['it went to ann@b.example, hidden@b.example and ann@bücher.example, not to Ann@b.example'],
    ],
    [
      { to: 'bob@c.example', from: 'bob@c.example' },
      { entry: entry({ from: ['x@a.example'], envelope: envelope('', ['bob@c.example.org']) }) },
      [
        'it went to bob@c.example.org, not to bob@c.example',
        'it came from x@a.example and nobody (the null reverse-path), not from bob@c.example',
      ],
    ],
    [
      { from: '' },
      { entry: entry({ envelope: envelope('x@a.example', []) }) },
      ['it came from x@a.example, not from nobody (the null reverse-path)'],
    ],
    [{ to: 'x@y' }, { entry: entry({ envelope: envelope('', []) }) }, ['it went to nobody, not to x@y']],
    [
      { to: 'e@b.example' },
      {
        entry: entry({
          envelope: envelope(
            '',
            [...'abcdd'].map((name) => `${name}@b.example`),
          ),
        }),
      },
      ['it went to a@b.example, b@b.example, c@b.example and 1 other, not to e@b.example'],
    ],
    [{ subject: 'x' }, { entry: entry({}) }, ['it has no subject, which should be "x"']],
    [{ body: 'your code' }, { entry: WELCOME, isInBody: false }, ['its text does not say "your code"']],
    [{ q: 'is:unread' }, { entry: WELCOME, isFound: false }, ['the search "is:unread" does not find it']],
    [
      { body: 'code', q: 'shop' },
      { entry: WELCOME },
      ['its text does not say "code"', 'the search "shop" does not find it'],
    ],
    [{ body: 'code', q: 'shop' }, { entry: WELCOME, isInBody: true, isFound: true }, []],
    [{}, { entry: entry({ kind: 'session' }) }, ['it is a session that ended without a message']],
  ])('%j is not it, because …', (criteria, candidate, reasons) => {
    expect(mismatchesOf(waitOf(criteria), candidate)).toEqual(reasons);
  });

  it('says what the store has to be asked, and where a search is wrong', () => {
    const now = new Date();
    expect(waitOf({ to: 'x', from: 'y@a.example', subject: 'our new price' }).query).toMatchObject({
      queries: [
        { kind: 'not' },
        {
          kind: 'or',
          queries: [
            { field: 'to', words: 'x' },
            { field: 'cc', words: 'x' },
          ],
        },
        { field: 'from', words: 'y' },
        { field: 'subject', words: 'new price', isPrefix: true },
      ],
    });
    // What may be written in several ways is compared by us.
    expect(waitOf({ to: '*@a.example', from: '', subject: 'é' })).toMatchObject({
      queries: {},
      query: { kind: 'and', queries: [{ kind: 'not', query: { kind: 'isSession' } }] },
    });
    const { queries, query } = waitOf({ body: 'your code', q: 'is:read' });
    expect(queries).toEqual({ body: { kind: 'words', field: 'body', words: 'your code' }, q: { kind: 'isRead' } });
    expect(query).toEqual({
      kind: 'and',
      queries: [{ kind: 'not', query: { kind: 'isSession' } }, queries.body, queries.q],
    });
    expect(parseWait({ q: 'form:x' }, { now })).toHaveProperty('fault.at', 0);
  });

  it('near misses come nearest first, and not more than asked for', () => {
    const wait = waitOf({ to: 'ann@b.example', subject: 'Your order 1234' });
    const near = (subject: string, to: string): Entry => entry({ subject, envelope: envelope('', [to]) });
    const farthest = near('Hello', 'zoe@elsewhere.example');
    const farSubject = near('Something else', 'ann@b.example');
    const nearSubject = near('Your order 1235', 'ann@b.example');
    const nearAddress = near('Your order 1234', 'anne@b.example');
    const nearTwice = near('Your order 1235', 'anne@b.example');
    const matching = near('Your order 1234', 'ann@b.example');
    const entries = [farthest, nearTwice, farSubject, nearSubject, nearAddress, matching];
    const misses = nearMissesOf(
      wait,
      entries.map((each) => ({ entry: each })),
    );
    expect(misses.map((miss) => miss.entry)).toEqual([nearSubject, nearAddress, farSubject, nearTwice, farthest]);
    expect(misses[0]?.reasons).toEqual(['its subject is "Your order 1235", not "Your order 1234"']);
    expect(
      nearMissesOf(
        wait,
        entries.map((each) => ({ entry: each })),
        1,
      ),
    ).toHaveLength(1);
  });

  it('of those that are equally near the newest comes first', () => {
    const wait = waitOf({ subject: 'x' });
    const [newer, older] = [entry({ subject: 'y', id: '2' }), entry({ subject: 'y', id: '1' })];
    expect(nearMissesOf(wait, [{ entry: newer }, { entry: older }]).map((miss) => miss.entry.id)).toEqual(['2', '1']);
  });

  it('sentences have an end, whatever is in the message', () => {
    const many = Array.from({ length: 1_000 }, (_, index) => `${'x'.repeat(300)}${String(index)}@a.example`);
    const [reason] = mismatchesOf(waitOf({ to: `${'y'.repeat(5_000)}@a.example` }), {
      entry: entry({ subject: 'x'.repeat(100_000), envelope: envelope('', many) }),
    });
    expect(reason).toMatch(/ and 997 others, not to y+…$/);
    expect(reason?.length).toBeLessThan(600);
  });
});

describe('addresses', () => {
  it.each([
    ['ann@a.example', 'ann@a.example'],
    ['Ann <ann@a.example>', 'ann@a.example'],
    ['"x <y>" <ann@a.example> ', 'ann@a.example'],
    ['<>', ''],
    ['', ''],
  ])('in %j: %j', (mailbox, address) => {
    expect(addressIn(mailbox)).toBe(address);
  });

  it.each([
    ['Ann@A.EXAMPLE', 'Ann@a.example'],
    ['ann@BÜCHER.example', 'ann@xn--bcher-kva.example'],
    ['"a@b"@C.example', '"a@b"@c.example'],
    // The conversion is one for URLs, which would make an IP address of it.
    ['ann@0x7f.1', 'ann@0x7f.1'],
    ['ann@[IPv6:::1]', 'ann@[ipv6:::1]'],
    ['ann@bü/cher', 'ann@bü/cher'],
    ['postmaster', 'postmaster'],
  ])('%s is %s', (address, canonical) => {
    expect(canonicalAddress(address)).toBe(canonical);
    expect(canonicalAddress(canonical)).toBe(canonical);
  });

  it('a pattern means what the regular expression of the same shape means', () => {
    const letters = fc.string({ unit: fc.constantFrom('a', 'b', '*'), maxLength: 8 });
    fc.assert(
      fc.property(letters, letters, (text, pattern) => {
        const expression = new RegExp(`^${pattern.replaceAll('*', '[^]*')}$`);
        expect(isWildcardMatch(text, pattern)).toBe(expression.test(text));
      }),
      { numRuns: 2_000 },
    );
  });
});

function waitOf(criteria: WaitCriteria): Wait {
  const result = parseWait(criteria, { now: new Date('2026-11-25T12:00:00Z') });
  if ('fault' in result) throw new Error(result.fault.message);
  return result.wait;
}

function envelope(mailFrom: string, rcptTos: string[]): Entry['envelope'] {
  return { mailFrom, rcptTos, mailOptions: [], rcptOptions: rcptTos.map(() => []) };
}

function entry(given: Partial<Entry>): Entry {
  return {
    id: '1',
    kind: 'message',
    inbox: '',
    receivedAt: '2026-11-25T12:00:00.000Z',
    sizeBytes: 10,
    isRead: false,
    tags: [],
    envelope: envelope('', []),
    session: { peer: { address: '127.0.0.1', port: 1 } },
    from: [],
    to: [],
    cc: [],
    attachmentNames: [],
    ...given,
  };
}
