/** The header of a message, as a test reads it: well formed, odd, and missing. */
import { describe, expect, it } from 'vitest';

import { decodeText, readHeaders } from '../../src/testing/message-headers.js';

function read(content: string, encoding: 'utf8' | 'latin1' = 'utf8') {
  const bytes = Buffer.from(content, encoding);
  const { headers, bodyStart } = readHeaders(bytes);
  return { headers, fields: [...headers], body: decodeText(bytes.subarray(bodyStart)) };
}

describe('headers', () => {
  it('are found by name without regard to case, and kept in order with their names as sent', () => {
    const { headers, fields } = read('Subject: One\r\nX-Tag: a\r\nx-tag: b\r\n\r\nBody\r\n');
    expect(headers.get('SUBJECT')).toBe('One');
    expect(headers.getAll('X-TAG')).toEqual(['a', 'b']);
    expect(headers.has('To')).toBe(false);
    expect(headers.get('To')).toBeUndefined();
    expect(fields.map(([name]) => name)).toEqual(['Subject', 'X-Tag', 'x-tag']);
  });

  it('are unfolded, and the blank of the fold stays', () => {
    expect(read('Subject: one\r\n\ttwo\r\n  three\r\n\r\n').headers.get('Subject')).toBe('one\ttwo  three');
  });

  it('are decoded after they were unfolded', () => {
    expect(read('Subject: =?UTF-8?Q?Gr=C3=BC?=\r\n =?UTF-8?Q?=C3=9Fe?=\r\n\r\n').headers.get('subject')).toBe('Grüße');
  });

  it('may be UTF-8 (RFC 6532), or anything else', () => {
    expect(read('Subject: Grüße\r\n\r\n').headers.get('subject')).toBe('Grüße');
    expect(read('Subject: Grüße\r\n\r\n', 'latin1').headers.get('subject')).toBe('Grüße');
  });

  it('end at the first empty line, and the body begins behind it', () => {
    const { fields, body } = read('A: 1\r\n\r\nB: 2\r\n');
    expect(fields).toEqual([['A', '1']]);
    expect(body).toBe('B: 2\r\n');
  });

  it('end before a line that is none', () => {
    expect(read('just text\r\nA: 1\r\n')).toMatchObject({ fields: [], body: 'just text\r\nA: 1\r\n' });
    expect(read('A: 1\r\nno field\r\n')).toMatchObject({ fields: [['A', '1']], body: 'no field\r\n' });
    expect(read(' folded: nothing\r\n').fields).toEqual([]);
  });

  it('of a message without a body, without a line end, or with bare LFs are read too', () => {
    expect(read('')).toMatchObject({ fields: [], body: '' });
    expect(read('A: 1')).toMatchObject({ fields: [['A', '1']], body: '' });
    expect(read('A: 1\nB:\n\nx')).toMatchObject({
      fields: [
        ['A', '1'],
        ['B', ''],
      ],
      body: 'x',
    });
  });
});
