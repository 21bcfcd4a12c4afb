/** What is said of messages, rule by rule; and that no message, however made, takes the linter longer than it should. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { LINT_RULES, lintMessage, PLACES_MAX } from '../../src/mail/lint.js';
import { CASES, ENVELOPE, mail, type Case } from './lint/cases.js';

const octets = (text: string): Buffer => Buffer.from(text, 'latin1');

function lint({ raw, envelope, session, receivedAt }: Case): ReturnType<typeof lintMessage> {
  return lintMessage({
    raw: octets(raw),
    envelope: { ...ENVELOPE, ...envelope },
    session: session === undefined ? undefined : { peer: { address: '127.0.0.1', port: 1 }, ...session },
    receivedAt,
  });
}

describe('lintMessage', () => {
  it('has a case for every rule', () => {
    expect(Object.keys(CASES)).toEqual(LINT_RULES.map(({ id }) => id));
  });

  it.each(Object.entries(CASES))('%s', (id, { bad, good, also = [], line, in: place = 'raw' }) => {
    const findings = lint(bad);
    const own = findings.filter(({ rule }) => rule === id);
    expect(own).not.toEqual([]);
    expect(own[0]).toMatchObject({ in: place, ...(line === undefined ? {} : { line }) });
    if (line === undefined) expect(own[0]).not.toHaveProperty('line');
    expect([...new Set(findings.map(({ rule }) => rule))].sort()).toEqual([id, ...also].sort());
    expect(lint(good)).toEqual([]);
    // They cross from thread to thread.
    expect(structuredClone(findings)).toEqual(findings);
  });

  it('names no more places of one kind than are of use, and says so', () => {
    const findings = lint({ raw: mail({}, 'a\n'.repeat(1_000)) });
    expect(findings).toHaveLength(PLACES_MAX);
    expect(findings.map(({ line }) => line)).toEqual(Array.from({ length: PLACES_MAX }, (_, index) => 8 + index));
    expect(findings.at(-1)?.text).toContain('not listed');
  });

  it('never throws, and every line that it names is in the message', () => {
    const piece = fc.constantFrom(
      ...['\r\n', '\n', '\r', ' ', '\t', ':', ';', ',', '<', '>', '@', '"', '(', ')', '\\', '=', '=?', '?=', '?Q?'],
      ...['utf-8', 'From', 'To', 'Date', 'Content-Type', 'multipart/mixed', 'boundary=b', '--b', '--b--', '\0', '\xFF'],
      ...[
        'message/rfc822',
        'text/html',
        'base64',
        'Content-Transfer-Encoding',
        'MIME-Version: 1.0',
        '<a href="',
        '<p>',
      ],
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
        const raw = pieces.join('');
        const count = raw.split('\n').length;
        for (const { line, in: place } of lint({ raw })) {
          if (place === 'raw' && line !== undefined) expect(line).toBeLessThanOrEqual(count);
        }
      }),
      { numRuns: 1_000 },
    );
  });

  // Each would take minutes or more, were it not for the bounds; the limit is far above what a slow machine needs.
  it.each(Object.entries(HOSTILE))(
    'is done soon with %s',
    (_name, raw) => {
      expect(lint({ raw }).length).toBeLessThan(LINT_RULES.length * PLACES_MAX);
    },
    15_000,
  );
});

const MIB = 1_048_576;
const fill = (text: string, bytes = MIB): string => text.repeat(Math.ceil(bytes / text.length));
const HOSTILE = {
  'parts in parts': Array.from(
    { length: 5_000 },
    (_, index) => `Content-Type: multipart/mixed; boundary=b${String(index)}\r\n\r\n--b${String(index)}\r\n`,
  ).join(''),
  'a hundred thousand parts': `Content-Type: multipart/mixed; boundary=b\r\n\r\n${'--b\r\n\r\n'.repeat(100_000)}`,
  'a hundred thousand fields': 'A: b\r\n'.repeat(100_000),
  'a long field of encoded words': `Subject: ${fill('=?utf-8?Q?a?= ', MIB / 4)}\r\n\r\n`,
  'a long field that is folded': `From: ${fill('a@b,\r\n ', MIB / 4)}\r\n\r\n`,
  'comments in comments': `From: ${fill('(')}\r\nDate: ${fill('(')}\r\nContent-Type: ${fill('(')}\r\n\r\n`,
  'parameters without values': `Content-Type: text/plain;${fill('a;')}\r\n\r\n`,
  'blanks at the ends of lines': `MIME-Version: 1.0\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n${fill(`${' '.repeat(10_000)}x\r\n`)}`,
  'elements in elements': `Content-Type: text/html\r\n\r\n${fill('<div><p>')}`,
  'tags that do not end': `Content-Type: text/html\r\n\r\n${fill('<a ')}`,
  'quotes that do not end': `Content-Type: text/html\r\n\r\n${fill('<a b="')}`,
  'a tag with many attributes': `Content-Type: text/html\r\n\r\n<p ${Array.from({ length: 100_000 }, (_, index) => `a${String(index)} `).join('')}>`,
  'formatting that is taken up again': `Content-Type: text/html\r\n\r\n<p>${Array.from({ length: 400 }, (_, index) => `<b a${String(index)}>`).join('')}${fill('<p>x')}`,
  'comments that do not end': `Content-Type: text/html\r\n\r\n${fill('<!--')}`,
  'lines of nothing': fill('\n', 4 * MIB),
} as const;
