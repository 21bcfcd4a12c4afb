/** The pictures that a mail has for its own HTML: in the document, once it refers to them, and within bounds. */

import { describe, expect, it } from 'vitest';

import { frameOfMail } from '../../src/mail/frame-of-mail.js';

const PICTURE = ['Content-Type: image/png', 'iVBOR'] as const;

describe('the document for the frame, from a mail', () => {
  it.each([
    ['a picture by its name', PICTURE, 'cid:p1@a.example', 'data:image/png;base64,aVZCT1I='],
    ['a picture by its name as some URL has it', PICTURE, 'cid:%70%31@a.example', 'data:image/png;base64,aVZCT1I='],
    ['what is no picture', ['Content-Type: text/html', '<p>x'], 'cid:p1@a.example', 'data:,'],
    ['a type that is more than a type', ['Content-Type: image/a"b', 'x'], 'cid:p1@a.example', 'data:,'],
  ] as const)('%s', (_what, part, reference, url) => {
    expect(documentOf(`<img src="${reference}">`, [part])).toContain(`<img src="${url}">`);
  });

  it('has pictures of at most 16 MiB in it, whatever stands in the mail besides', () => {
    const large = ['Content-Type: image/png', 'x'.repeat(9_000_000)] as const;
    const images = [2, 3, 1, 2].map((number) => `<img src="cid:p${String(number)}@a.example">`).join('');
    const sources = [...documentOf(images, [large, large, PICTURE]).matchAll(/src="([^"]{0,99})/g)].map(
      ([, url]) => url,
    );
    const [first, second, third, fourth] = sources;
    expect([second, third]).toEqual(['data:image/png;base64,aVZCT1I=', 'data:,']);
    expect(first).toMatch(/^data:image\/png;base64,eHh4/);
    expect(fourth).toBe(first);
  });

  it('takes time for each of a thousand pictures once', () => {
    const parts = Array.from({ length: 1_000 }, () => ['Content-Type: image/png', 'x'.repeat(12_000)] as const);
    const images = parts.map((_part, index) => `<img src="cid:p${String(index + 1)}@a.example">`).join('');
    const start = performance.now();
    expect(documentOf(images, parts).match(/data:image/g)).toHaveLength(1_000);
    // Long for a machine that does other things too, and nothing to what reading the mail for each of them would take.
    expect(performance.now() - start).toBeLessThan(10_000);
  });
});

/** The document for HTML that has parts beside it: `p1@a.example` and so on. */
function documentOf(html: string, parts: readonly (readonly [fields: string, content: string])[]): string {
  const raw = [
    'Content-Type: multipart/related; boundary=b\r\n',
    `--b\r\nContent-Type: text/html\r\n\r\n${html}`,
    ...parts.map(
      ([fields, content], index) =>
        `--b\r\n${fields}\r\nContent-ID: <p${String(index + 1)}@a.example>\r\n\r\n${content}`,
    ),
    '--b--\r\n',
  ].join('\r\n');
  return frameOfMail(Buffer.from(raw), { isRemoteAllowed: false })?.html ?? '';
}
