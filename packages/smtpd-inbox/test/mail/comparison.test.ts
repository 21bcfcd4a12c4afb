/** The laws of a comparison, and which mails are of one template. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { compareLines, compareMessages, EDITS_MAX, LINES_MAX, templateKey } from '../../src/mail/comparison.js';

type Lines = ReturnType<typeof compareLines>['lines'];

const before = (lines: Lines): string[] => lines.filter(({ kind }) => kind !== 'added').map(({ text }) => text);
const after = (lines: Lines): string[] => lines.filter(({ kind }) => kind !== 'removed').map(({ text }) => text);
const edits = (lines: Lines): number => lines.filter(({ kind }) => kind !== 'same').length;

/** The length of the longest common subsequence, by the table that textbooks have. */
function commonLength(a: readonly string[], b: readonly string[]): number {
  let row = b.map(() => 0).concat(0);
  for (const line of a) {
    const next = [0];
    for (const [index, other] of b.entries()) {
      next.push(line === other ? row[index]! + 1 : Math.max(row[index + 1]!, next[index]!));
    }
    row = next;
  }
  return row.at(-1)!;
}

describe('compareLines', () => {
  const list = fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 14 });

  it('has the one and the other in it, is as short as can be, and says the same the other way round', () => {
    fc.assert(
      fc.property(list, list, (a, b) => {
        const { lines, note } = compareLines(a, b);
        expect(before(lines)).toEqual(a);
        expect(after(lines)).toEqual(b);
        expect(note).toBeUndefined();
        expect(edits(lines)).toBe(a.length + b.length - 2 * commonLength(a, b));
        // The other way round, with the words exchanged, and what went before what came.
        const back = compareLines(b, a).lines;
        const mirrored = lines.map(({ kind, text }) => ({
          kind: kind === 'added' ? 'removed' : kind === 'removed' ? 'added' : kind,
          text,
        }));
        const sorted = (all: typeof mirrored): string[] => all.map(({ kind, text }) => `${kind} ${text}`);
        const blocks = (all: string[]): string[][] =>
          all
            .join('\n')
            .split(/^same .*$/m)
            .map((block) => block.split('\n').sort());
        expect(blocks(sorted(mirrored))).toEqual(blocks(sorted(back)));
      }),
      { numRuns: 2_000 },
    );
  });

  it('puts what went before what came', () => {
    expect(compareLines(['a', 'x', 'y', 'b'], ['a', 'z', 'b']).lines.map(({ kind }) => kind)).toEqual([
      'same',
      'removed',
      'removed',
      'added',
      'same',
    ]);
  });

  it.each([
    ['too many changes', EDITS_MAX],
    ['too many lines', LINES_MAX],
  ])('with %s says so, and is right all the same', (_name, count) => {
    const a = ['head', ...Array.from({ length: count }, (_, index) => `a${String(index)}`), 'tail'];
    const b = ['head', ...Array.from({ length: count }, (_, index) => `b${String(index)}`), 'tail'];
    const { lines, note } = compareLines(a, b);
    expect(note).toContain('too different');
    expect(before(lines)).toEqual(a);
    expect(after(lines)).toEqual(b);
    expect([lines[0], lines.at(-1)].map((line) => line?.kind)).toEqual(['same', 'same']);
  });
});

describe('compareMessages', () => {
  const field = (name: string, value: string) => ({ name, value, raw: `${name}: ${value}`, line: 1 });

  it('leaves out what differs in every mail, and parts that neither has', () => {
    const message = (id: string) => ({
      headers: [
        field('Date', id),
        field('Message-ID', id),
        field('ARC-Seal', id),
        field('Subject', 'Hello'),
        field('Content-Type', `multipart/mixed; boundary="${id}"; x=y`),
      ],
      text: 'Hello\r\n',
    });
    const sections = compareMessages(message('1'), message('2'));
    expect(sections).toEqual([
      {
        part: 'headers',
        lines: [
          { kind: 'same', text: 'Subject: Hello' },
          { kind: 'same', text: 'Content-Type: multipart/mixed; boundary=…; x=y' },
        ],
      },
      { part: 'text', lines: [{ kind: 'same', text: 'Hello' }] },
    ]);
    expect(structuredClone(sections)).toEqual(sections);
  });

  it('shows a part that one has alone as removed, or added', () => {
    const [, html] = compareMessages({ headers: [] }, { headers: [], html: '<p>\n' });
    expect(html).toEqual({ part: 'html', lines: [{ kind: 'added', text: '<p>' }] });
  });
});

describe('templateKey', () => {
  const mail = (subject: string, to = 'Ann Onym <ann.onym@b.example>', header: [string, string][] = []) =>
    templateKey({
      from: ['Shop <shop@a.example>'],
      to: [to],
      subject,
      headers: header.map(([name, value]) => ({ name, value, raw: '', line: 1 })),
    });

  it.each([
    ['Your code is 123456', 'Your code is 9'],
    ['Order A-1234 of 2 Nov', 'Order B-77 of 30 Nov'],
    ['Reset 0b9e7c1e-8a41-4c57-a9f5-111111111111', 'Reset 0b9e7c1e-8a41-4c57-a9f5-222222222222'],
    ['Invitation from eve@e.example', 'Invitation from al@l.example'],
  ])('is the same for %j and %j', (first, second) => {
    expect(mail(first)).toBe(mail(second));
  });

  it('does not look at the names of those it is for', () => {
    expect(mail('Welcome, Ann!')).toBe(mail('Welcome, Bob Müller!', '"Bob Müller" <bm@b.example>'));
  });

  it('tells subjects, senders and marks apart', () => {
    expect(mail('Your code is 1')).not.toBe(mail('Your order is 1'));
    expect(mail('a', undefined, [['X-Template', 'welcome']])).not.toBe(mail('a', undefined, [['X-Template', 'reset']]));
    expect(mail('a', undefined, [['X-Other', 'b']])).toBe(mail('a'));
    expect(templateKey({ from: ['a@a.example'], to: [], headers: [] })).not.toBe(
      templateKey({ from: ['b@a.example'], to: [], headers: [] }),
    );
  });

  it('is done soon with a long subject', () => {
    expect(mail('a'.repeat(1_000_000)).length).toBeLessThan(1_000);
  });
});
