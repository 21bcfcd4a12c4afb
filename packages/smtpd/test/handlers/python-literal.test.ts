import { describe, expect, it } from 'vitest';

import { formatBytes, formatList } from '../../src/handlers/python-literal.js';

describe('Python literals', () => {
  it.each([
    ['hello', "b'hello'"],
    ['', "b''"],
    ["it's", 'b"it\'s"'],
    ['say "x"', 'b\'say "x"\''],
    [`it's "x"`, String.raw`b'it\'s "x"'`],
    ['a\tb\\c\r\n', String.raw`b'a\tb\\c\r\n'`],
    ['\0\x1b\x7f\x80\xff', String.raw`b'\x00\x1b\x7f\x80\xff'`],
  ])('writes the octets %j as Python does', (text, literal) => {
    expect(formatBytes(Buffer.from(text, 'latin1'))).toBe(literal);
  });

  it.each([
    [[], '[]'],
    [['SIZE=10', 'BODY=8BITMIME'], "['SIZE=10', 'BODY=8BITMIME']"],
    [["a'b", 'a"b'], `["a'b", 'a"b']`],
    [['\u00e9\u001b\u0085\u202e\u00a0 \u{e0001}'], String.raw`['é\x1b\x85\u202e\xa0 \U000e0001']`],
  ])('writes the list %j as Python does', (texts, literal) => {
    expect(formatList(texts)).toBe(literal);
  });
});
