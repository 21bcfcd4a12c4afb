/**
 * Mail as it really is: messages of many programs, and messages that none should send. What is expected of them was found by Python's email
 * package when the corpus was made (corpus/generate.mjs), and is in corpus/manifest.json.
 */

import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { decodeText } from '../../src/mail/charset.js';
import { PARTS_MAX } from '../../src/mail/bounds.js';
import { readMail, readPart, type ReadMail } from '../../src/mail/read-mail.js';
import { differences } from '../corpus/differences.js';

interface Leaf {
  readonly number: string;
  readonly type: string;
  /** Absent where Python takes further apart what is one part here. */
  readonly sha256?: string;
  readonly bytes?: number;
  readonly fileName?: string;
  readonly textSha256?: string;
}

interface Entry {
  readonly file: string;
  readonly maker: string;
  readonly contains: readonly string[];
  readonly subject: string | null;
  readonly leaves: readonly Leaf[];
  readonly faults: readonly string[];
}

const folder = new URL('../corpus/', import.meta.url);
const manifest = JSON.parse(readFileSync(new URL('manifest.json', folder), 'utf8')) as Entry[];
const rawOf = (file: string): Uint8Array => readFileSync(new URL(`mails/${file}`, folder));
const sha256 = (content: string | Uint8Array): string => createHash('sha256').update(content).digest('hex');

describe('the corpus', () => {
  it('is 200 messages of real programs and more, and each file is told of', () => {
    const files = readdirSync(new URL('mails/', folder)).sort();
    expect(manifest.map(({ file }) => file).sort()).toEqual(files);
    expect(manifest.filter(({ maker }) => !maker.includes('by hand')).length).toBeGreaterThanOrEqual(180);
    expect(files.length).toBeGreaterThanOrEqual(200);
  });

  it('has a reason for each difference, and a difference for each reason', () => {
    const found = new Set(manifest.flatMap((entry) => differencesOf(entry).map(({ what }) => `${entry.file} ${what}`)));
    expect([...found].sort()).toEqual(Object.keys(differences).sort());
  });
});

describe.each(manifest.map((entry) => [entry.file, entry] as const))('%s', (file, entry) => {
  const raw = rawOf(file);
  const before = sha256(raw);
  const mail = read(raw);

  it('is read as it should be', () => {
    for (const words of entry.contains) expect(mail.text ?? '').toContain(words);
    expect(mail.faults).toEqual(entry.faults);
    expect(mail.summary.parseFault).toBeUndefined();
    expect(sha256(raw)).toBe(before);
    holdsTogether(raw, mail);
  });

  it('decodes as Python does', () => {
    expect(differencesOf(entry).filter(({ what }) => !(`${file} ${what}` in differences))).toEqual([]);
  });
});

describe('a reader of mail', () => {
  it('takes any octets', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2_000 }), (raw) => {
        holdsTogether(raw, read(raw));
      }),
      { numRuns: 500 },
    );
  });

  it('takes lines that are like those of mail', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...LINES), { maxLength: 60 }),
        fc.constantFrom('\r\n', '\n', '\r'),
        (lines, end) => {
          const raw = Buffer.from(lines.join(end));
          holdsTogether(raw, read(raw));
        },
      ),
      { numRuns: 1_000 },
    );
  });

  it('takes what damage makes of the corpus', () => {
    const raws = manifest.map(({ file }) => rawOf(file));
    fc.assert(
      fc.property(
        fc.constantFrom(...raws),
        fc.constantFrom(...raws),
        fc.array(
          fc.record({
            at: fc.nat(),
            length: fc.nat({ max: 200 }),
            octet: fc.nat({ max: 255 }),
            kind: fc.constantFrom('set', 'cut', 'double', 'splice'),
          }),
          { minLength: 1, maxLength: 5 },
        ),
        (first, second, changes) => {
          const raw = changes.reduce<Buffer>((octets, change) => damaged(octets, change, second), Buffer.from(first));
          const original = Buffer.from(raw);
          holdsTogether(raw, read(raw));
          expect(raw.equals(original)).toBe(true);
        },
      ),
      { numRuns: 400 },
    );
  });
});

/** What is true of every mail, however broken. */
function holdsTogether(raw: Uint8Array, { parts, headers, summary, links, codes }: ReadMail): void {
  expect(parts.length).toBeLessThanOrEqual(PARTS_MAX);
  const byNumber = new Map(parts.map((part) => [part.number, part]));
  expect(byNumber.size).toBe(parts.length);
  const before = new Map<string | undefined, number>();
  for (const { number, parent, start, end } of parts) {
    expect(start).toBeGreaterThanOrEqual(0);
    expect(end).toBeGreaterThanOrEqual(start);
    expect(end).toBeLessThanOrEqual(raw.length);
    if (number === '0') expect([parent, start, end]).toEqual([undefined, 0, raw.length]);
    else {
      const holder = byNumber.get(parent ?? '');
      // Each lies in what it is in, and behind the one before it.
      expect(holder).toBeDefined();
      expect(start).toBeGreaterThanOrEqual(holder!.start);
      expect(end).toBeLessThanOrEqual(holder!.end);
      expect(start).toBeGreaterThanOrEqual(before.get(parent) ?? 0);
      before.set(parent, end);
    }
  }
  const text = Buffer.from(raw).toString('latin1');
  for (const { raw: field, value } of headers) {
    expect(text).toContain(field);
    expect(value).not.toMatch(/[\r\n\0]/);
  }
  expect(summary.preview?.length ?? 0).toBeLessThanOrEqual(140);
  for (const { confidence } of codes) expect(confidence >= 0 && confidence <= 1).toBe(true);
  for (const { line } of links) expect(line).toBeGreaterThanOrEqual(1);
}

/** Where the reader and Python are not of one mind. */
function differencesOf({ file, subject, leaves }: Entry): { what: string; ours: unknown; python: unknown }[] {
  const raw = rawOf(file);
  const mail = read(raw);
  const ours = mail.parts
    .filter(({ number }) => !mail.parts.some(({ parent }) => parent === number))
    .map(({ number }) => number);
  const found: { what: string; ours: unknown; python: unknown }[] = [];
  const compare = (what: string, left: unknown, right: unknown): void => {
    if (JSON.stringify(left) !== JSON.stringify(right)) found.push({ what, ours: left, python: right });
  };
  compare('subject', (mail.summary.subject ?? '').trim(), (subject ?? '').trim());
  compare(
    'parts',
    ours,
    leaves.map(({ number }) => number),
  );
  for (const leaf of leaves) {
    const content = readPart(raw, leaf.number);
    if (content === undefined) continue;
    const { part } = content;
    compare(`${leaf.number} type`, part.contentType, leaf.type);
    compare(`${leaf.number} file name`, part.fileName, leaf.fileName);
    if (leaf.sha256 === undefined) continue;
    compare(`${leaf.number} octets`, sha256(content.content), leaf.sha256);
    if (part.sizeBytes !== content.content.length)
      compare(`${leaf.number} size`, part.sizeBytes, content.content.length);
    if (leaf.textSha256 === undefined || leaf.sha256 !== sha256(content.content)) continue;
    compare(
      `${leaf.number} text`,
      sha256(decodeText(content.content, part.charset).text.replace(/\r\n?/g, '\n')),
      leaf.textSha256,
    );
  }
  return found;
}

function read(raw: Uint8Array): ReadMail {
  const reading = readMail(raw);
  for (;;) {
    const step = reading.next();
    if (step.done === true) return step.value;
  }
}

interface Change {
  readonly at: number;
  readonly length: number;
  readonly octet: number;
  readonly kind: string;
}

function damaged(octets: Buffer, { at, length, octet, kind }: Change, other: Uint8Array): Buffer {
  const start = octets.length === 0 ? 0 : at % octets.length;
  const end = Math.min(octets.length, start + length);
  const piece = {
    set: Buffer.of(octet),
    cut: Buffer.alloc(0),
    double: Buffer.concat([octets.subarray(start, end), octets.subarray(start, end)]),
    splice: Buffer.from(other.subarray(0, length * 10)),
  }[kind]!;
  return Buffer.concat([octets.subarray(0, start), piece, octets.subarray(kind === 'set' ? start + 1 : end)]);
}

const LINES = [
  '', '', ' ', 'Subject: =?utf-8?q?=C3=A4?=', 'Content-Type: multipart/mixed; boundary=a', 'Content-Type: multipart/mixed; boundary="b"',
  'Content-Type: multipart/digest; boundary=a', 'Content-Type: message/rfc822', 'Content-Type: text/html', 'Content-Type: text/plain; charset=utf-16',
  'Content-Transfer-Encoding: base64', 'Content-Transfer-Encoding: quoted-printable', 'Content-Disposition: attachment; filename*0*=utf-8\'\'%C3;',
  ' filename*1*=%A4', '--a', '--a--', '--b', '--b--', '--', 'U3ViamVjdDogeAoKYm9keQ==', '=C3=A4=', 'text', '<p>Your code is <b>123456</b>',
  'https://a.example/?x=1', '\0', 'ä', 'From x', 'begin 644 x',
]; // prettier-ignore
