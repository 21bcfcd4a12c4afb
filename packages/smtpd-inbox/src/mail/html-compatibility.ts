/**
 * What mail programs make of the HTML: the features of HTML and CSS that it uses, each with its lines, beside what caniemail’s tests found.
 * Nothing is asked of anybody: the data is a table in this package.
 */

import type { Compatibility } from '../api/model.js';
import { DATA_DATE, FEATURES, PROGRAMS } from './caniemail-data.js';
import { readCSS, type CSSFacts } from './css-reader.js';
import { attribute, lineOfElement, readHTML, type HTMLElement } from './html-document.js';
import { selectorFeatures } from './selector-features.js';

/**
 * Looks a mail’s HTML over. The shares are the mean over the features that it uses: of the programs with which a feature was tested, how
 * many support it, in part, or not. Features that every tested program supports count, and are not listed. What stands in comments, such
 * as what is for Outlook alone, is not looked at.
 *
 * @example
 * ```ts
 * checkCompatibility('<p style="display: flex">Hello</p>').features.map(({ slug }) => slug); // css-display-flex, …
 * ```
 */
export function checkCompatibility(html: string): Compatibility {
  const used = usedFeatures(html);
  const features: Compatibility['features'] = [];
  const sums = { y: 0, a: 0, n: 0 };
  let tested = 0;
  for (const [slug, title, support, ...notes] of FEATURES) {
    const lines = used.get(slug);
    if (lines === undefined) continue;
    const programs = { y: [] as string[], a: [] as string[], n: [] as string[] };
    for (const [index, program] of PROGRAMS.entries()) {
      const verdict = support[index];
      if (verdict === 'y' || verdict === 'a' || verdict === 'n') programs[verdict].push(program);
    }
    const count = programs.y.length + programs.a.length + programs.n.length;
    if (count === 0) continue;
    tested++;
    for (const verdict of ['y', 'a', 'n'] as const) sums[verdict] += programs[verdict].length / count;
    if (programs.y.length === count) continue;
    features.push({
      slug,
      title,
      url: `https://www.caniemail.com/features/${slug}/`,
      lines: [...lines].sort((a, b) => a - b).slice(0, LINES_MAX),
      unsupported: programs.n,
      partly: programs.a,
      notes,
    });
  }
  features.sort((a, b) => b.unsupported.length - a.unsupported.length || b.partly.length - a.partly.length);
  return {
    supported: tested === 0 ? 1 : sums.y / tested,
    partly: tested === 0 ? 0 : sums.a / tested,
    unsupported: tested === 0 ? 0 : sums.n / tested,
    features,
    dataDate: DATA_DATE,
  };
}

/** The features that HTML uses, by caniemail’s names, with their lines. */
export function usedFeatures(html: string): ReadonlyMap<string, ReadonlySet<number>> {
  const used = new Map<string, Set<number>>();
  const use = (slug: string | undefined, line: number): void => {
    if (slug === undefined) return;
    const lines = used.get(slug);
    if (lines === undefined) used.set(slug, new Set([line]));
    else lines.add(line);
  };
  const { elements, comments, doctypeLine } = readHTML(html);
  if (doctypeLine !== undefined) use('html-doctype', doctypeLine);
  for (const comment of comments) use('html-comments', comment.sourceCodeLocation?.startLine ?? 1);
  for (const element of elements) {
    const line = lineOfElement(element);
    // What the reader put in by itself nobody wrote.
    if (line === undefined) continue;
    for (const slug of elementFeatures(element)) use(slug, line);
    for (const { name, value } of element.attrs) {
      const attributeLine = lineOfElement(element, name) ?? line;
      use(ATTRIBUTES[name], attributeLine);
      if (ADDRESS_ATTRIBUTES.has(name))
        for (const slug of imageFeatures(value, element.tagName)) use(slug, attributeLine);
      if (name === 'style') useCSS(readCSS(value, attributeLine), use);
    }
    if (element.tagName === 'style') {
      const [content] = element.childNodes;
      if (content !== undefined && 'value' in content) {
        useCSS(readCSS(content.value, content.sourceCodeLocation?.startLine ?? line), use);
      }
    }
  }
  return used;
}

/** Lines that are listed for one feature. */
const LINES_MAX = 100;

function* elementFeatures(element: HTMLElement): Iterable<string | undefined> {
  const { tagName } = element;
  yield ELEMENTS[tagName];
  if (tagName === 'a') {
    const href = attribute(element, 'href')?.trim() ?? '';
    if (/^mailto:/i.test(href)) yield 'html-mailto-links';
    if (href.startsWith('#')) yield 'html-anchor-links';
  } else if (tagName === 'input' || tagName === 'button') {
    const type = (attribute(element, 'type') ?? (tagName === 'input' ? 'text' : 'submit')).trim().toLowerCase();
    yield known(`html-${tagName}-${type}`);
  } else if (tagName === 'meta') {
    if (/^(?:supported-)?color-schemes?$/i.test(attribute(element, 'name') ?? '')) yield 'html-meta-color-scheme';
  } else if (tagName === 'html') {
    if (element.attrs.some(({ name }) => name === '⚡4email' || name === 'amp4email')) yield 'amp';
  }
}

function* imageFeatures(value: string, tagName: string): Iterable<string | undefined> {
  if (
    tagName !== 'img' &&
    tagName !== 'source' &&
    tagName !== '' &&
    tagName !== 'td' &&
    tagName !== 'body' &&
    tagName !== 'table'
  )
    return;
  const data = /^\s*data:image\/([a-z0-9.+-]+)[;,]/i.exec(value);
  if (data !== null) {
    yield 'image-base64';
    yield IMAGES[
      (data[1] ?? '')
        .toLowerCase()
        .replace(/\+xml$/, '')
        .replace(/^(?:x-|vnd\.microsoft\.)/, '')
    ];
    return;
  }
  for (const [, ending = ''] of value.slice(0, ADDRESS_LENGTH_MAX).matchAll(/\.([a-z0-9]{3,4})(?=$|[?#\s,])/gi)) {
    yield IMAGES[ending.toLowerCase()];
  }
}

function useCSS(
  { declarations, rules, atRules, comments }: CSSFacts,
  use: (slug: string | undefined, line: number) => void,
): void {
  for (const line of comments) use('css-comments', line);
  for (const { selector, line, isNested } of rules) {
    if (isNested) use('css-nesting', line);
    for (const slug of selectorFeatures(selector)) use(known(slug), line);
  }
  for (const { name, parameters, line } of atRules) {
    use(known(`css-at-${name}`), line);
    if (name !== 'media') continue;
    for (const [pattern, slug] of MEDIA_FEATURES) if (pattern.test(parameters)) use(slug, line);
  }
  for (const { property, value, isImportant, line } of declarations) {
    if (isImportant) use('css-important', line);
    for (const slug of propertyFeatures(property)) use(slug, line);
    for (const slug of valueFeatures(property, value)) use(slug, line);
  }
}

function* propertyFeatures(property: string): Iterable<string | undefined> {
  if (property.startsWith('--')) {
    yield 'css-variables';
    return;
  }
  const group = PROPERTY_GROUPS.find(([pattern]) => pattern.test(property));
  if (group === undefined) yield PROPERTIES.has(`css-${property}`) ? `css-${property}` : undefined;
  else yield* group[1];
}

function* valueFeatures(property: string, value: string): Iterable<string | undefined> {
  const lower = value.slice(0, VALUE_LENGTH_MAX).toLowerCase();
  for (const [, quoted = '', bare = ''] of lower.matchAll(/url\(\s*(?:["']([^"']*)["']|([^)"']*))\s*\)/g)) {
    yield* imageFeatures(quoted === '' ? bare : quoted, '');
  }
  // Strings and addresses have neither units nor functions.
  const plain = lower.replace(/"[^"]*"|'[^']*'|url\([^)]*\)/g, ' ');
  if (property === 'display') {
    if (/^(?:inline-)?flex$/.test(plain.trim())) yield 'css-display-flex';
    else if (/^(?:inline-)?grid$/.test(plain.trim())) yield 'css-display-grid';
    else if (plain.trim() === 'none') yield 'css-display-none';
  }
  for (const [, name = ''] of plain.matchAll(/([a-z-]{2,40})\(/g)) {
    yield FUNCTIONS[name.replace(/^-(?:webkit|moz|ms|o)-/, '').replace(/^repeating-/, '')];
  }
  for (const [, unit = ''] of plain.matchAll(/(?:^|[\s,(*/+-])[+-]?(?:\d+(?:\.\d*)?|\.\d+)([a-z]{1,4}\b|%)/g)) {
    yield unit === '%' ? 'css-unit-percent' : known(`css-unit-${unit}`);
  }
  for (const [word] of plain.matchAll(/(?<![\w-])[a-z-]{3,40}(?![\w(-])/g)) yield KEYWORDS[word];
}

function known(slug: string): string | undefined {
  return SLUGS.has(slug) ? slug : undefined;
}

const SLUGS: ReadonlySet<string> = new Set(FEATURES.map(([slug]) => slug));
/** Those of properties: what is left when those of other things are taken away. */
const PROPERTIES: ReadonlySet<string> = new Set(
  [...SLUGS].filter((slug) => slug.startsWith('css-') && !/^css-(?:at|pseudo|selector|unit|function)-/.test(slug)),
);

const same = (prefix: string, names: string): [string, string][] =>
  names.split(' ').map((name) => [name, `${prefix}${name}`]);

const ELEMENTS: Readonly<Record<string, string>> = Object.fromEntries([
  ...same(
    'html-',
    'abbr acronym address audio base bdi blockquote body code del dfn dialog div form hr img link marquee meter object p picture pre ' +
      'progress rp rt ruby select small span strike strong style svg table textarea video wbr',
  ),
  ...['h1', 'h2', 'h3', 'h4', 'h5', 'h6'].map((name) => [name, 'html-h1-h6']),
  ...['ul', 'ol', 'dl'].map((name) => [name, 'html-lists']),
  ...'article aside details figcaption figure footer header main mark nav section summary time'
    .split(' ')
    .map((name) => [name, 'html-semantics']),
  ['map', 'html-image-maps'],
]) as Record<string, string>;

const ATTRIBUTES: Readonly<Record<string, string>> = Object.fromEntries([
  ...same(
    'html-',
    'align aria-describedby aria-hidden aria-label aria-labelledby aria-live background cellpadding cellspacing dir height hidden lang ' +
      'popover required role target valign width',
  ),
  ['loading', 'html-loading-attribute'],
  ['srcset', 'html-srcset'],
  ['sizes', 'html-srcset'],
]);

const ADDRESS_ATTRIBUTES: ReadonlySet<string> = new Set(['src', 'srcset', 'background']);

const IMAGES: Readonly<Record<string, string>> = {
  ...(Object.fromEntries(same('image-', 'apng avif bmp gif hdr heif ico jpg mp4 png svg tiff webp')) as Record<
    string,
    string
  >),
  jpeg: 'image-jpg',
  heic: 'image-heif',
  tif: 'image-tiff',
  icon: 'image-ico',
};

const FUNCTIONS: Readonly<Record<string, string>> = {
  calc: 'css-unit-calc',
  clamp: 'css-function-clamp',
  max: 'css-function-max',
  min: 'css-function-min',
  'light-dark': 'css-function-light-dark',
  'conic-gradient': 'css-conic-gradient',
  'linear-gradient': 'css-linear-gradient',
  'radial-gradient': 'css-radial-gradient',
  lab: 'css-modern-color',
  lch: 'css-modern-color',
  oklab: 'css-modern-color',
  oklch: 'css-modern-color',
  rgb: 'css-rgb',
  rgba: 'css-rgba',
  var: 'css-variables',
};

const KEYWORDS: Readonly<Record<string, string>> = {
  initial: 'css-unit-initial',
  'fit-content': 'css-intrinsic-size',
  'min-content': 'css-intrinsic-size',
  'max-content': 'css-intrinsic-size',
  // So it is spelt at caniemail.
  ...Object.fromEntries(
    ['system-ui', 'ui-serif', 'ui-sans-serif', 'ui-rounded', 'ui-monospace'].map((name) => [name, 'css-sytem-ui']),
  ),
};

/** Properties that one feature has several of; the first that fits. */
const PROPERTY_GROUPS: readonly (readonly [RegExp, readonly string[]])[] = [
  [/^inline-size$/, ['css-inline-size', 'css-block-inline-size']],
  [/^block-size$/, ['css-block-inline-size']],
  [/^border-(?:start|end)-(?:start|end)-radius$/, ['css-border-radius-logical']],
  [/^border-(?:top|bottom)-(?:left|right)-radius$/, ['css-border-radius']],
  [/^border-(?:inline|block)$/, ['css-border-inline-block']],
  [/^border-(?:inline|block)-(?:color|style|width)$/, ['css-border-inline-block-longhand']],
  [/^border-(?:inline|block)-(?:start|end)/, ['css-border-inline-block-individual']],
  [/^border-(?:top|right|bottom|left|color|style|width)/, ['css-border']],
  [/^border-image-/, ['css-border-image']],
  [/^(?:columns|column-(?:rule.*|width|fill|span))$/, ['css-column-layout-properties']],
  [/^(?:gap|grid-gap|(?:grid-)?(?:column|row)-gap)$/, ['css-gap']],
  [/^grid-template/, ['css-grid-template']],
  [/^(?:left|right|top|bottom)$/, ['css-left-right-top-bottom']],
  [/^margin-block-(?:start|end)$/, ['css-margin-block-start-end']],
  [/^margin-inline-(?:start|end)$/, ['css-margin-inline-start-end']],
  [/^margin-(?:inline|block)$/, ['css-margin-inline-block']],
  [/^margin-(?:top|right|bottom|left)$/, ['css-margin']],
  [/^padding-block-(?:start|end)$/, ['css-padding-block-start-end']],
  [/^padding-inline-(?:start|end)$/, ['css-padding-inline-start-end']],
  [/^padding-(?:inline|block)$/, ['css-padding-inline-block']],
  [/^padding-(?:top|right|bottom|left)$/, ['css-padding']],
  [/^outline-(?:color|style|width)$/, ['css-outline']],
  [/^overflow-[xy]$/, ['css-overflow']],
  [/^animation-/, ['css-animation']],
  [/^transition-/, ['css-transition']],
  [/^scroll-(?:snap|margin|padding)/, ['css-scroll-snap']],
  [/^text-emphasis-(?:color|style)$/, ['css-text-emphasis']],
  [/^inset-/, ['css-inset']],
];

const MEDIA_FEATURES: readonly (readonly [RegExp, string])[] = [
  [/device-pixel-ratio/i, 'css-at-media-device-pixel-ratio'],
  [/\(\s*(?:any-)?hover\b/i, 'css-at-media-hover'],
  [/\(\s*orientation\b/i, 'css-at-media-orientation'],
  [/prefers-color-scheme/i, 'css-at-media-prefers-color-scheme'],
  [/prefers-reduced-motion/i, 'css-at-media-prefers-reduced-motion'],
];

const ADDRESS_LENGTH_MAX = 2_000;
const VALUE_LENGTH_MAX = 10_000;
