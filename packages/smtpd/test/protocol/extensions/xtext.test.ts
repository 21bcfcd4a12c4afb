import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { decodeXtext, encodeXtext } from '../../../src/protocol/extensions/xtext.js';
import { parseParameters } from '../../../src/protocol/parameters.js';

const octets = fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)) });

describe('xtext', () => {
  it.each([
    ['', ''],
    ['abc', 'abc'],
    ['bob+2Bnews@example.net', 'bob+news@example.net'],
    ['+3D', '='],
    ['+2B2B', '+2B'],
    ['a+20b', 'a b'],
    ['+C3+A9', 'é'],
    ['+F0+9F+98+80', '😀'],
    ['+0D+0A', '\r\n'],
    ['<>', '<>'],
  ])('%j decodes to %j', (xtext, text) => {
    expect(decodeXtext(xtext)).toBe(text);
  });

  it.each([
    '+',
    '+2',
    'a+2',
    '+2b',
    '+c3',
    '+G0',
    '+ 0',
    '++',
    '+2+2',
    'a=b',
    'a b',
    'a\t',
    '\x7f',
    '\xc3\xa9',
    '+E9',
    '+C3',
  ])('%j is not xtext', (xtext) => {
    expect(decodeXtext(xtext)).toBeUndefined();
  });

  it.each([
    ['', ''],
    ['bob+news = é', 'bob+2Bnews+20+3D+20+C3+A9'],
    ['€', '+E2+82+AC'],
    ['😀', '+F0+9F+98+80'],
    ['\0\r\n\x7f', '+00+0D+0A+7F'],
    ['\ud800', '+EF+BF+BD'],
  ])('%j encodes to %j', (text, xtext) => {
    expect(encodeXtext(text)).toBe(xtext);
  });

  it('encode then decode is the identity, and what was encoded can be the value of a parameter', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1 }), (text) => {
        const xtext = encodeXtext(text);
        expect(decodeXtext(xtext)).toBe(text);
        expect(parseParameters(` K=${xtext}`)).toEqual({ ok: true, parameters: [{ keyword: 'K', value: xtext }] });
      }),
    );
  });

  it('any octets are decoded or refused, and what is decoded encodes back to the same meaning', () => {
    fc.assert(
      fc.property(octets, (xtext) => {
        const text = decodeXtext(xtext);
        if (text !== undefined) expect(decodeXtext(encodeXtext(text))).toBe(text);
      }),
    );
  });

  it('a million octets are decoded', () => {
    expect(decodeXtext('+2B'.repeat(333_333))?.length).toBe(333_333);
    expect(decodeXtext('+'.repeat(1_000_000))).toBeUndefined();
  });
});
