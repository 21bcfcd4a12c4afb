/** Which features are found in HTML and where; what is said of them; and that neither broken nor hostile input stops it. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { FEATURES, PROGRAMS } from '../../src/mail/caniemail-data.js';
import { readCSS } from '../../src/mail/css-reader.js';
import { checkCompatibility, usedFeatures } from '../../src/mail/html-compatibility.js';
import { selectorFeatures } from '../../src/mail/selector-features.js';

/** As `slug: lines`, of one prefix. */
function found(html: string, prefix = ''): Record<string, number[]> {
  return Object.fromEntries(
    [...usedFeatures(html)].filter(([slug]) => slug.startsWith(prefix)).map(([slug, lines]) => [slug, [...lines]]),
  );
}

describe('usedFeatures', () => {
  it('finds elements and attributes in their lines, and nothing that the reader puts in by itself', () => {
    const html = [
      '<!DOCTYPE html>',
      '<meta name="color-scheme" content="light dark">',
      '<!-- c --><h2 align="center">T</h2>',
      '<table role="presentation"',
      '  cellpadding="0" width="600"><tr><td valign="top">',
      '<a href="#top" target="_blank">a</a> <a href="mailto:a@a.example">b</a>',
      '<input type="checkbox"><input><button>b</button>',
      '<ul><li>z</ul><nav></nav><svg></svg>',
    ].join('\r\n');
    expect(found(html)).toEqual({
      'html-doctype': [1],
      'html-meta-color-scheme': [2],
      'html-comments': [3],
      'html-h1-h6': [3],
      'html-align': [3],
      'html-table': [4],
      'html-role': [4],
      'html-cellpadding': [5],
      'html-width': [5],
      'html-valign': [5],
      'html-anchor-links': [6],
      'html-target': [6],
      'html-mailto-links': [6],
      'html-input-checkbox': [7],
      'html-input-text': [7],
      'html-button-submit': [7],
      'html-lists': [8],
      'html-semantics': [8],
      'html-svg': [8],
    });
  });

  it('finds pictures by their endings and types', () => {
    const html =
      '<img src="https://a.example/a.WEBP?x=1" srcset="b.png 2x">\n<img src="data:image/svg+xml,x"><a href="a.gif">';
    expect(found(html, 'image-')).toEqual({
      'image-webp': [1],
      'image-png': [1],
      'image-base64': [2],
      'image-svg': [2],
    });
    expect(found('<p style="background: url(\'a.jpg\')">', 'image-')).toEqual({ 'image-jpg': [1] });
  });

  it('finds what style sheets have: rules, properties, values, units, functions, selectors', () => {
    const html = `<style>
/* c */
@import url("https://a.example/9em.css");
@media (prefers-color-scheme: dark) and (orientation: portrait) { #a:hover { color: rgba(1, 2, 3, .5) } }
.a.b > p::before { content: "3cm min(1px)"; display: inline-flex; margin-top: -1.5rem; border-top-left-radius: 2vh }
td { width: calc(100% - 1px) !important; -webkit-flex-wrap: wrap; --c: initial; margin-inline-start: 0 }
.n { & + p { background: repeating-linear-gradient(#1e1, var(--c)) } }
</style>`;
    expect(found(html, 'css-')).toEqual({
      'css-comments': [2],
      'css-at-import': [3],
      'css-at-media': [4],
      'css-at-media-prefers-color-scheme': [4],
      'css-at-media-orientation': [4],
      'css-selector-id': [4],
      'css-pseudo-class-hover': [4],
      'css-rgba': [4],
      'css-selector-class': [5, 7],
      'css-selector-chaining': [5],
      'css-selector-child': [5],
      'css-selector-type': [5, 6, 7],
      'css-pseudo-element-before': [5],
      'css-display': [5],
      'css-display-flex': [5],
      'css-margin': [5],
      'css-unit-rem': [5],
      'css-border-radius': [5],
      'css-unit-vh': [5],
      'css-width': [6],
      'css-important': [6],
      'css-unit-calc': [6],
      'css-unit-percent': [6],
      'css-unit-px': [6],
      'css-flex-wrap': [6],
      'css-variables': [6, 7],
      'css-unit-initial': [6],
      'css-margin-inline-start-end': [6],
      'css-nesting': [7],
      'css-selector-adjacent-sibling': [7],
      'css-background': [7],
      'css-linear-gradient': [7],
    });
  });

  it('finds what style attributes have, line by line', () => {
    expect(found('<p\n style="color: red;\n display: none;\n width: 1ch">', 'css-')).toEqual({
      'css-display': [3],
      'css-display-none': [3],
      'css-width': [4],
      'css-unit-ch': [4],
    });
  });

  it('reads what is well formed around what is not', () => {
    const css = 'p { gap: 1px }\nq { color: "red }\nr { opacity: 0 }';
    expect(found(`<style>${css}</style>`, 'css-')).toMatchObject({ 'css-gap': [1] });
    expect(found('<style>p { gap: 1px }\n} r { opacity: 0 }</style>', 'css-')).toMatchObject({
      'css-gap': [1],
      'css-opacity': [2],
    });
    expect(found('<p style="gap: 1px; }}; opacity: 0">', 'css-')).toMatchObject({
      'css-gap': [1],
      'css-opacity': [1],
    });
  });

  it('reads no source map that a style sheet brings or names', () => {
    // Whoever reads this one throws, for its encoding is none.
    const css = 'p { gap: 1px }\n/*# sourceMappingURL=data:application/json;rot13,x */';
    expect(readCSS(css, 1).declarations).toHaveLength(1);
  });

  it('never throws, and names no line that is not there', () => {
    const piece = fc.constantFrom(
      ...['<style>', '</style>', '<p style="', '">', '{', '}', '(', ')', '[', ']', ':', '::', ';', ',', '"', "'", '\\'],
      ...['/*', '*/', '\n', '@media', 'url(', 'calc(', '--a', '.a', '#a', '*', '>', '&', '1em', '<!--', '<img src="'],
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 50 }), (pieces) => {
        const html = pieces.join('');
        const count = html.split('\n').length;
        for (const lines of usedFeatures(html).values()) {
          for (const line of lines) expect(line).toBeLessThanOrEqual(count);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it.each([
    ['rules in rules', `<style>${'a{'.repeat(200_000)}`],
    ['faults behind faults', `<style>${'} a { b: "c\n'.repeat(40_000)}`],
    ['a long selector', `<style>${':not('.repeat(100_000)} {}</style>`],
    ['a long value', `<p style="width: ${'calc('.repeat(150_000)}">`],
    ['many attributes', `<p style="gap: 1px">`.repeat(40_000)],
  ])('is done soon with %s', (_name, html) => {
    expect(usedFeatures(html).size).toBeGreaterThan(0);
  });
});

describe('selectorFeatures', () => {
  it.each([
    ['a', 'type'],
    ['a b', 'type descendant'],
    ['a\n>\tb', 'type child'],
    ['a~b+c', 'type general-sibling adjacent-sibling'],
    ['a, b', 'type grouping'],
    ['.a.b', 'class chaining'],
    ['.a .b', 'class descendant'],
    ['*#a', 'universal id'],
    ['[a="b, c > d"]', 'attribute'],
    [String.raw`.sm\:w`, 'class'],
  ])('%s', (selector, features) => {
    expect([...selectorFeatures(selector)].sort()).toEqual(
      features
        .split(' ')
        .map((name) => `css-selector-${name}`)
        .sort(),
    );
  });

  it('knows pseudo-classes and pseudo-elements, with one colon too, and looks into :not()', () => {
    expect([...selectorFeatures('a:before')]).toContain('css-pseudo-element-before');
    expect([...selectorFeatures('a:not(.b, :hover)')].sort()).toEqual([
      'css-pseudo-class-hover',
      'css-pseudo-class-not',
      'css-selector-class',
      'css-selector-type',
    ]);
    expect([...selectorFeatures(':nth-child(2n + 1)')]).toEqual(['css-pseudo-class-nth-child']);
  });
});

describe('checkCompatibility', () => {
  it('says which programs do not do it, with shares that are the mean over the features', () => {
    const html = '<p style="display: flex">Hello</p>';
    const result = checkCompatibility(html);
    const row = FEATURES.find(([slug]) => slug === 'css-display-flex')!;
    const feature = result.features.find(({ slug }) => slug === 'css-display-flex')!;
    expect(feature).toMatchObject({
      title: 'display:flex',
      url: 'https://www.caniemail.com/features/css-display-flex/',
      lines: [1],
      notes: row.slice(3),
    });
    expect(feature.unsupported).toEqual(PROGRAMS.filter((_, index) => row[2][index] === 'n'));
    expect(feature.unsupported).toContain('Outlook (Windows)');
    expect(feature.partly).toEqual(PROGRAMS.filter((_, index) => row[2][index] === 'a'));
    const shares = [...usedFeatures(html).keys()].map((slug) => {
      const support = FEATURES.find(([name]) => name === slug)![2].replaceAll('-', '');
      return support.replaceAll(/[^y]/g, '').length / support.length;
    });
    expect(result.supported).toBeCloseTo(shares.reduce((sum, share) => sum + share) / shares.length);
    expect(result.supported + result.partly + result.unsupported).toBeCloseTo(1);
    expect(structuredClone(result)).toEqual(result);
  });

  it('has nothing against a mail that uses nothing', () => {
    expect(checkCompatibility('Hello.')).toMatchObject({ supported: 1, partly: 0, unsupported: 0, features: [] });
  });
});

it('finds every feature of the table but those that no HTML shows', () => {
  const unfindable = new Set(['bimi', 'css-pseudo-class-lang']);
  // Each feature is shown by what its name says, where that is CSS or HTML; the others by hand.
  const missing = FEATURES.map(([slug]) => slug).filter((slug) => !unfindable.has(slug) && !isFindable(slug));
  expect(missing).toEqual([]);
});

/** Whether some HTML made from the name is found to use the feature. */
function isFindable(slug: string): boolean {
  const name = slug.replace(/^(?:css|html|image)-/, '');
  const samples = [
    ...(SAMPLES[slug] ?? []),
    `<${name}>`,
    `<p ${name}="a">`,
    `<p style="${name}: 1px">`,
    `<img src="a.${name}">`,
    `<style>@${name.replace(/^at-/, '')} { p { color: red } }</style>`,
    `<style>@media (${name.replace(/^at-media-/, '')}) { p { color: red } }</style>`,
    `<style>p:${name.replace(/^pseudo-class-/, '')} { color: red }</style>`,
    `<style>p::${name.replace(/^pseudo-element-/, '')} { color: red }</style>`,
    `<p style="width: ${name.replace(/^function-/, '')}(1px)">`,
    `<p style="width: 1${name.replace(/^unit-/, '')}">`,
    `<input type="${name.replace(/^input-/, '')}"><button type="${name.replace(/^button-/, '')}">`,
  ];
  return samples.some((html) => usedFeatures(html).has(slug));
}

const SAMPLES: Readonly<Record<string, readonly string[]>> = {
  amp: ['<html ⚡4email>'],
  'css-block-inline-size': ['<p style="block-size: 1px">'],
  'css-border-inline-block': ['<p style="border-block: 0">'],
  'css-border-inline-block-individual': ['<p style="border-block-start: 0">'],
  'css-border-inline-block-longhand': ['<p style="border-inline-color: red">'],
  'css-border-radius-logical': ['<p style="border-start-end-radius: 0">'],
  'css-column-layout-properties': ['<p style="columns: 2">'],
  'css-comments': ['<style>/* a */</style>'],
  'css-display-flex': ['<p style="display: flex">'],
  'css-display-grid': ['<p style="display: grid">'],
  'css-display-none': ['<p style="display: none">'],
  'css-important': ['<p style="color: red !important">'],
  'css-intrinsic-size': ['<p style="width: max-content">'],
  'css-left-right-top-bottom': ['<p style="left: 0">'],
  'css-margin-block-start-end': ['<p style="margin-block-end: 0">'],
  'css-margin-inline-block': ['<p style="margin-block: 0">'],
  'css-margin-inline-start-end': ['<p style="margin-inline-end: 0">'],
  'css-modern-color': ['<p style="color: oklch(0 0 0)">'],
  'css-nesting': ['<style>p { & a { color: red } }</style>'],
  'css-padding-block-start-end': ['<p style="padding-block-end: 0">'],
  'css-padding-inline-block': ['<p style="padding-block: 0">'],
  'css-padding-inline-start-end': ['<p style="padding-inline-end: 0">'],
  'css-selector-adjacent-sibling': ['<style>a + b {}</style>'],
  'css-selector-attribute': ['<style>[a] {}</style>'],
  'css-selector-chaining': ['<style>.a.b {}</style>'],
  'css-selector-child': ['<style>a > b {}</style>'],
  'css-selector-class': ['<style>.a {}</style>'],
  'css-selector-descendant': ['<style>a b {}</style>'],
  'css-selector-general-sibling': ['<style>a ~ b {}</style>'],
  'css-selector-grouping': ['<style>a, b {}</style>'],
  'css-selector-id': ['<style>#a {}</style>'],
  'css-selector-type': ['<style>a {}</style>'],
  'css-selector-universal': ['<style>* {}</style>'],
  'css-sytem-ui': ['<p style="font-family: system-ui">'],
  'css-unit-initial': ['<p style="color: initial">'],
  'css-unit-percent': ['<p style="width: 1%">'],
  'css-variables': ['<p style="color: var(--a)">'],
  'html-anchor-links': ['<a href="#a">'],
  'html-body': ['<body>'],
  'html-comments': ['<!-- a -->'],
  'html-doctype': ['<!DOCTYPE html>'],
  'html-h1-h6': ['<h3>'],
  'html-image-maps': ['<map>'],
  'html-lists': ['<ol>'],
  'html-loading-attribute': ['<img loading="lazy">'],
  'html-mailto-links': ['<a href="mailto:a@a.example">'],
  'html-meta-color-scheme': ['<meta name="color-scheme">'],
  'html-semantics': ['<aside>'],
  'html-srcset': ['<img srcset="a">'],
  'image-base64': ['<img src="data:image/png;base64,">'],
};
