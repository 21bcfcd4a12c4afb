/** What is said of a mail's HTML, rule by rule, and the arithmetic of contrast. */

import { describe, expect, it } from 'vitest';

import { ACCESSIBILITY_RULES, checkAccessibility } from '../../src/mail/accessibility.js';
import { contrastRatio, parseColor } from '../../src/mail/color.js';

/** A document that nothing is wrong with; what it shows begins in line 2. */
const page = (
  body: string,
  { lang = 'en', title = '<title>Hello</title>', charset = '<meta charset="utf-8">' } = {},
): string => `<html lang="${lang}">${charset}${title}<body>\n${body}`;

/** For each rule what it objects to, in which line, and a neighbour that nothing objects to. */
const CASES: Readonly<Record<string, { bad: string; good: string; line?: number }>> = {
  'missing-language': { bad: page('a', { lang: '' }), line: 1, good: page('a') },
  'wrong-language': {
    bad: page('Добро пожаловать в наш магазин, дорогой покупатель!'),
    line: 1,
    good: page('Добро пожаловать в наш магазин, дорогой покупатель!', { lang: 'ru-RU' }),
  },
  'missing-title': { bad: page('a', { title: '<title> </title>' }), line: 1, good: page('<svg><title></title></svg>') },
  'missing-charset': {
    bad: page('a', { charset: '' }),
    good: page('a', { charset: '<meta http-equiv="Content-Type" content="text/html; charset=utf-8">' }),
  },
  'image-without-alt': {
    bad: page('<p>\n<img src="a">'),
    line: 3,
    good: page('<img src="a" alt=""><div style="display:none"><img src="b"></div>'),
  },
  'bad-alt': { bad: page('<img src="a"\n alt="header_1.PNG">'), line: 3, good: page('<img src="a" alt="Our logo">') },
  'layout-table': {
    bad: page('<table role="presentation"><tr><td>\n<table><tr><td>a</table></table>'),
    line: 3,
    good: page('<table><tr><th scope="col">a</table>'),
  },
  'header-cell-without-scope': {
    bad: page('<table><tr>\n<th>a</table>'),
    line: 3,
    good: page('<table><tr><th scope="row">a</table>'),
  },
  'heading-order': { bad: page('<h1>a</h1>\n<h3>b</h3>'), line: 3, good: page('<h2>a</h2><h3>b</h3><h1>c</h1>') },
  'empty-heading': { bad: page('\n<h1> </h1>'), line: 3, good: page('<h1><img src="a" alt="Shop"></h1>') },
  'empty-link': {
    bad: page('<a href="https://a.example">\n<img src="a" alt=""></a>'),
    line: 2,
    good: page('<a href="https://a.example"><img src="a" alt="Shop"></a><a name="top"></a>'),
  },
  'vague-link': {
    bad: page('<a href="https://a.example">Click here!</a>'),
    line: 2,
    good: page('<a href="https://a.example">Click here to reset</a>'),
  },
  'low-contrast': {
    bad: page('<div style="background: #fff url(a)"><p>\n<b style="color: #777">a</b></div>'),
    line: 3,
    good: page('<p style="color: #767676">a <font color="#999" style="font-size: 24px; color: #949494">b</font>'),
  },
  'link-by-color-alone': {
    bad: page('<p>a <a href="https://a.example" style="text-decoration: none">the shop</a>'),
    line: 2,
    good: page(
      '<p>a <a href="https://a.example">the shop</a></p><p><a href="https://a.example" style="text-decoration: none">the shop</a>',
    ),
  },
  'small-text': {
    bad: page('<p style="font-size: 8pt">a'),
    line: 2,
    good: page('<p style="font-size: 9pt">a</p><p style="font-size: 1px">b'),
  },
  'justified-text': {
    bad: page('<p style="text-align: justify">a'),
    line: 2,
    good: page('<p style="text-align: left">a'),
  },
  'text-in-capitals': {
    bad: page('<p>THIS IS OUR BEST OFFER EVER'),
    line: 2,
    good: page('<p>THIS IS OUR BEST OFFER so far'),
  },
  'accessibility-checked-in-part': { bad: page('<div>'.repeat(600)), good: page('<div>'.repeat(400)) },
};

describe('checkAccessibility', () => {
  it('has a case for every rule', () => {
    expect(Object.keys(CASES)).toEqual(ACCESSIBILITY_RULES.map(({ id }) => id));
  });

  it.each(Object.entries(CASES))('%s', (id, { bad, good, line }) => {
    const findings = checkAccessibility(bad);
    expect(findings).toMatchObject([{ rule: id, in: 'html', ...(line === undefined ? {} : { line }) }]);
    expect(structuredClone(findings)).toEqual(findings);
    expect(checkAccessibility(good)).toEqual([]);
  });

  it('inherits colours, and leaves alone what nobody sees and what a picture is behind', () => {
    expect(checkAccessibility(page('<table role="presentation" bgcolor="#000"><tr><td><p>a</table>'))).toMatchObject([
      { rule: 'low-contrast', text: expect.stringContaining('1.00') as string },
    ]);
    expect(checkAccessibility(page('<div style="color: #fff; display: none">a <p>b</div>'))).toEqual([]);
    expect(checkAccessibility(page('<p style="color: rgba(0, 0, 0, .1)">a'))).toEqual([]);
  });

  it('is done soon with many elements', () => {
    expect(checkAccessibility(page('<a href="x"><b>'.repeat(40_000))).length).toBeGreaterThan(0);
    expect(checkAccessibility(page('<table><tr><td>'.repeat(40_000))).length).toBeGreaterThan(0);
  });
});

describe('contrastRatio', () => {
  it('reads channels as shares', () => {
    expect(parseColor('rgb(0 50% 100%)')).toEqual({ red: 0, green: 128, blue: 255 });
  });

  // As the tools of the web give them.
  it.each([
    ['#000', '#fff', 21],
    ['#777777', 'white', 4.48],
    ['rgb(118, 118, 118)', '#fff', 4.54],
    ['hsl(240, 100%, 50%)', '#FFFFFF', 8.59],
    ['red', '#fff', 4],
  ])('%s on %s', (first, second, ratio) => {
    const [a, b] = [parseColor(first)!, parseColor(second)!];
    expect(contrastRatio(a, b)).toBeCloseTo(ratio, 1);
    expect(contrastRatio(a, b)).toBe(contrastRatio(b, a));
  });

  it.each(['', 'transparent', 'inherit', '#12', 'rgb()', 'rgba(1, 2, 3, 0.5)', 'abc', 'url(a)'])(
    '%j is no colour',
    (text) => {
      expect(parseColor(text)).toBeUndefined();
    },
  );
});
