/** Mail that was made to cost much: it is read as far as it is worth, in bounded time, and says where reading stopped. */

import { describe, expect, it } from 'vitest';

import { FAULTS_MAX, FIELD_BYTES_MAX, HEADER_FIELDS_MAX, NESTING_MAX, PARTS_MAX } from '../../src/mail/bounds.js';
import { readHeaderOnly, readMail, readPart, type ReadMail } from '../../src/mail/read-mail.js';

/** Long for a machine that does other things too, and nothing to what a square would take. */
const TIME_MAX_MS = 10_000;

const multipart = (boundary: string): string => `Content-Type: multipart/mixed; boundary="${boundary}"\r\n\r\n`;

const BOMBS: Record<string, { readonly raw: () => string; readonly stop?: RegExp; readonly parts?: number }> = {
  'a hundred thousand parts': {
    raw: () => `Subject: bomb\r\n${multipart('b')}${'--b\r\n\r\nx\r\n'.repeat(100_000)}--b--\r\n`,
    stop: /more than 10000 parts: reading stopped at octet \d+/,
    parts: PARTS_MAX,
  },
  'multiparts 5,000 deep': {
    raw: () =>
      `Subject: bomb\r\n${Array.from({ length: 5_000 }, (_, n) => `${multipart(`b${n}`)}--b${n}\r\n`).join('')}\r\nx`,
    stop: /more than 1000 deep/,
    parts: NESTING_MAX + 1,
  },
  'the same boundary 5,000 deep': {
    raw: () => `Subject: bomb\r\n${`${multipart('b')}--b\r\n`.repeat(5_000)}\r\nx${'\r\n--b'.repeat(50_000)}`,
    stop: /more than 1000 deep/,
  },
  'multiparts 1,000 deep': {
    raw: () =>
      `Subject: bomb\r\n${Array.from({ length: 1_000 }, (_, n) => `${multipart(`b${n}`)}--b${n}\r\n`).join('')}\r\nx`,
    parts: 1_001,
  },
  'messages 5,000 deep': {
    raw: () => `Subject: bomb\r\n${'Content-Type: message/rfc822\r\n\r\n'.repeat(5_000)}Subject: x\r\n\r\nx`,
    stop: /more than 1000 deep/,
    parts: NESTING_MAX + 1,
  },
  'boundaries that are never found': {
    raw: () =>
      `Subject: bomb\r\n${Array.from({ length: 900 }, (_, n) => `${multipart(`b${n}`)}--b${n}\r\n`).join('')}\r\n${'--c\r\n'.repeat(500_000)}`,
    parts: 901,
  },
  'a message that is encoded 40 times': {
    raw: () => {
      let raw = Buffer.from(`Subject: innermost\r\n\r\n${'x'.repeat(1_000)}`);
      for (let depth = 0; depth < 40 && raw.length < 4_000_000; depth += 1) {
        raw = Buffer.from(
          `Subject: bomb\r\nContent-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n${raw.toString('base64')}`,
        );
      }
      return raw.toString('latin1');
    },
  },
  'a million fields': {
    raw: () => `Subject: bomb\r\n${'X-Field: value\r\n'.repeat(1_000_000)}\r\nbody`,
    stop: /too large to be shown as a whole: its fields are shown up to line \d+/,
  },
  'half a million fields that say what it is': {
    raw: () => `Subject: bomb\r\n${'X: y\r\n'.repeat(10_000)}${'Content-Type: text/html\r\n'.repeat(500_000)}\r\nbody`,
    stop: /too large to be shown as a whole/,
  },
  'a field of 10 MiB': {
    raw: () => `Subject: bomb\r\nX-Field: ${'x'.repeat(10_485_760)}\r\nTo: a@a.example\r\n\r\nbody`,
    stop: /X-Field in line 2 has 10485769 octets: the first 65536 are shown/,
  },
  'a field of a million folds': {
    raw: () => `Subject: bomb\r\nX-Field: ${'\r\n x'.repeat(1_000_000)}\r\nTo: a@a.example\r\n\r\nbody`,
    stop: /X-Field in line 2/,
  },
  'ten thousand recipients in encoded words': {
    raw: () => `Subject: bomb\r\n${`To: ${'=?utf-8?q?=C3=A4?= <a@a.example>, '.repeat(1_500)}\r\n`.repeat(8)}\r\nbody`,
  },
  'parameters without end': {
    raw: () => `Subject: bomb\r\nContent-Type: text/plain;${' x*1*=a;'.repeat(5_000)}${'('.repeat(20_000)}\r\n\r\nbody`,
  },
  'encoded words that never end': {
    raw: () =>
      `Subject: bomb\r\nX-Words: ${'=?utf-8?q?'.repeat(6_000)}\r\nX-More: ${'=?a?q?b?= '.repeat(6_000)}\r\n\r\nbody`,
  },
  '9 MiB of text': {
    raw: () => `Subject: bomb\r\n\r\n${'a line of words, and 123456 numbers https://a.example/\r\n'.repeat(160_000)}`,
    stop: /text is too long to be shown as a whole/,
  },
  '9 MiB of HTML': {
    raw: () => `Subject: bomb\r\nContent-Type: text/html\r\n\r\n${'<p><b><i><a href=x>'.repeat(450_000)}`,
    stop: /HTML is too long to be shown as a whole/,
  },
  '10 MiB of base64': {
    raw: () =>
      `Subject: bomb\r\n${multipart('b')}--b\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\n${`${'QUJD'.repeat(19)}\r\n`.repeat(130_000)}--b--\r\n`,
    parts: 2,
  },
  '5 MiB of quoted-printable that is none': {
    raw: () =>
      `Subject: bomb\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n${'='.repeat(2_000_000)}${'=  '.repeat(1_000_000)}`,
  },
};

describe('a mail that was made to cost much', () => {
  it.each(Object.entries(BOMBS))('%s', (_name, { raw, stop, parts }) => {
    const octets = Buffer.from(raw(), 'latin1');
    const start = performance.now();
    const mail = read(octets);
    expect(performance.now() - start).toBeLessThan(TIME_MAX_MS);
    expect(mail.summary.subject).toBe('bomb');
    if (stop === undefined) expect(mail.summary.parseFault).toBeUndefined();
    else {
      expect(mail.summary.parseFault).toMatch(stop);
      expect(mail.faults.join('\n')).toMatch(stop);
    }
    if (parts !== undefined) expect(mail.parts.length).toBe(parts);
    // What is said of it is not a bomb itself.
    expect(mail.faults.length).toBeLessThanOrEqual(FAULTS_MAX + 1);
    if (stop !== undefined) expect(mail.faults.filter((fault) => stop.test(fault)).length).toBe(1);
    expect(mail.headers.length).toBeLessThanOrEqual(HEADER_FIELDS_MAX + 5);
    for (const { raw: field } of mail.headers) expect(field.length).toBeLessThanOrEqual(FIELD_BYTES_MAX);
  });

  it('says what the body is where the header is too large to be shown', () => {
    const raw = Buffer.from(`${'X: y\r\n'.repeat(HEADER_FIELDS_MAX + 5)}Content-Type: text/html\r\n\r\n<p>HTML`);
    expect(read(raw)).toMatchObject({ html: '<p>HTML' });
  });

  it('is told of before its HTML is looked at', () => {
    const html = `<p>${'x'.repeat(300_000)}`;
    const reading = readMail(Buffer.from(`Subject: long\r\nContent-Type: text/html\r\n\r\n${html}`));
    const first = reading.next();
    expect(first.done).toBe(false);
    expect(first.value).toMatchObject({
      html,
      links: [],
      summary: { subject: 'long', parseFault: 'The HTML was not read: it takes too long.' },
    });
    expect(reading.next()).toMatchObject({ done: true });
  });

  it('is told of by its header where nothing else can be', () => {
    const raw = Buffer.from(`From: a@a.example\r\nSubject: =?utf-8?q?gr=C3=BC=C3=9F?=\r\n\r\n${'x'.repeat(100_000)}`);
    const { summary, faults, text } = readHeaderOnly(raw, 'It took too long.');
    expect(summary).toMatchObject({ subject: 'grüß', from: ['a@a.example'], parseFault: 'It took too long.' });
    expect(faults).toEqual(['It took too long.']);
    expect(text).toBeUndefined();
  });
});

describe('a part', () => {
  const raw = Buffer.from(
    `${multipart('b')}--b\r\nContent-Transfer-Encoding: base64\r\n\r\nw6Q=\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: x\r\n\r\ninner\r\n--b--\r\n`,
  );

  it.each([
    ['1', 'ä'],
    ['2', 'Subject: x\r\n\r\ninner'],
    ['2.0', 'inner'],
    // RFC 3501 §6.4.5: a message that is no multipart has a part 1.
    ['2.1', 'inner'],
    ['3', undefined],
    ['', undefined],
    ['__proto__', undefined],
  ])('%s', (number, content) => {
    const part = readPart(raw, number);
    expect(part === undefined ? undefined : Buffer.from(part.content).toString()).toBe(content);
  });

  it('1 of a message without parts is its body', () => {
    expect(readPart(Buffer.from('Subject: x\r\n\r\nbody'), '1')).toMatchObject({ part: { number: '0', role: 'text' } });
  });
});

function read(raw: Uint8Array): ReadMail {
  const reading = readMail(raw);
  for (;;) {
    const step = reading.next();
    if (step.done === true) return step.value;
  }
}
