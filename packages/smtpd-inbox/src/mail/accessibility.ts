/**
 * Whether people who do not see a mail’s HTML, or see it badly, can read it: what WCAG 2.2 asks, as far as a program can tell from the HTML
 * itself. Colours are those of attributes and of styles on elements; what a style sheet makes of them is not computed.
 */

import type { Finding } from '../api/model.js';
import { contrastRatio, parseColor, type Color } from './color.js';
import { readCSS } from './css-reader.js';
import {
  attribute,
  isElement,
  lineOfElement,
  parentOf,
  readHTML,
  textOf,
  type HTMLDocument,
  type HTMLElement,
} from './html-document.js';

/**
 * Looks a mail’s HTML over.
 *
 * @example
 * ```ts
 * checkAccessibility('<img src="https://a.example/a.png">').map(({ rule }) => rule); // image-without-alt, …
 * ```
 */
export function checkAccessibility(html: string): Finding[] {
  const document = readHTML(html);
  const mail = { document, styles: stylesOf(document), html };
  return ACCESSIBILITY_RULES.flatMap(({ id, severity, source, find }) => {
    const findings: Finding[] = [];
    for (const { text, element, attributeName } of find(mail)) {
      const isLast = findings.length === PLACES_MAX - 1;
      const line = element === undefined ? undefined : lineOfElement(element, attributeName);
      findings.push({
        rule: id,
        severity,
        text: isLast ? `${text} Further places of this kind are not listed.` : text,
        source,
        ...(line === undefined ? {} : { line }),
        in: 'html',
      });
      if (isLast) break;
    }
    return findings;
  });
}

/** Something that keeps people from reading. */
export interface AccessibilityRule {
  readonly id: string;
  readonly severity: Finding['severity'];
  /** The criterion. */
  readonly source: string;
  /** For the table in the documentation. */
  readonly objection: string;
  readonly find: (mail: Looked) => Iterable<Place>;
}

interface Place {
  readonly text: string;
  readonly element?: HTMLElement | undefined;
  readonly attributeName?: string;
}

interface Looked {
  readonly document: HTMLDocument;
  readonly html: string;
  readonly styles: ReadonlyMap<HTMLElement, Style>;
}

/** What holds for an element, inherited or its own. */
interface Style {
  readonly color: Color;
  readonly background: Color;
  /** Whether a colour was given at all, by this element or one around it. */
  readonly isColored: boolean;
  readonly fontSizePx: number;
  readonly isBold: boolean;
  readonly isHidden: boolean;
  /** Its own, by property. */
  readonly own: ReadonlyMap<string, string>;
}

/** Every rule, in the order of the documentation. */
export const ACCESSIBILITY_RULES: readonly AccessibilityRule[] = [
  {
    id: 'missing-language',
    severity: 'warning',
    source: 'WCAG 3.1.1',
    objection: 'The HTML does not say in which language it is.',
    *find({ document }) {
      if (document.elements.some((element) => (attribute(element, 'lang') ?? '').trim() !== '')) return;
      yield {
        text: 'Nothing says in which language the mail is; a screen reader reads it in its own. Write <html lang="en">.',
        element: written(document, 'html'),
      };
    },
  },
  {
    id: 'wrong-language',
    severity: 'warning',
    source: 'WCAG 3.1.1',
    objection: 'The language that is given is not written in the letters of the text.',
    *find({ document }) {
      const [root] = document.named('html');
      const [body] = document.named('body');
      const language = root === undefined ? undefined : attribute(root, 'lang')?.trim().toLowerCase().split('-')[0];
      if (root === undefined || body === undefined || language === undefined || language === '') return;
      if (!/^[a-z]{2,8}$/.test(language)) {
        yield {
          text: `lang is ${JSON.stringify(language)}, which is no language. Write a code such as en or pt-BR.`,
          element: root,
          attributeName: 'lang',
        };
        return;
      }
      const letters = textOf(body).replace(/\P{L}/gu, '');
      const [script, pattern] = SCRIPTS[language] ?? ['Latin', /\p{Script=Latin}/gu];
      if (letters.length < 40 || (SCRIPTS[language] === undefined && !LATIN_LANGUAGES.has(language))) return;
      const own = letters.match(pattern)?.length ?? 0;
      if (own * 2 >= letters.length) return;
      yield {
        text: `lang says ${language}, and most of the text is in other letters than ${script}. Correct it.`,
        element: root,
        attributeName: 'lang',
      };
    },
  },
  {
    id: 'missing-title',
    severity: 'note',
    source: 'WCAG 2.4.2',
    objection: 'The HTML has no title, or an empty one.',
    *find({ document }) {
      const titles = document.named('title').filter((title) => !isInSVG(title));
      const [title] = titles;
      const [content] = title?.childNodes ?? [];
      if (content !== undefined && 'value' in content && content.value.trim() !== '') return;
      yield {
        text: 'The HTML has no <title>; in a browser’s tab and to a screen reader it has no name. Write the subject there.',
        element: title,
      };
    },
  },
  {
    id: 'missing-charset',
    severity: 'note',
    source: 'HTML §4.2.5.4',
    objection: 'The HTML does not say in which character set it is.',
    *find({ document }) {
      const isSaid = document
        .named('meta')
        .some(
          (meta) => attribute(meta, 'charset') !== undefined || /charset\s*=/i.test(attribute(meta, 'content') ?? ''),
        );
      if (isSaid) return;
      yield {
        text: 'The HTML does not say in which character set it is; saved, or seen in a browser, it may be garbled. Write <meta charset="utf-8">.',
      };
    },
  },
  {
    id: 'image-without-alt',
    severity: 'error',
    source: 'WCAG 1.1.1',
    objection: 'A picture has no alt.',
    *find({ document, styles }) {
      for (const image of [...document.named('img'), ...document.named('area')]) {
        if (attribute(image, 'alt') !== undefined || styles.get(image)?.isHidden === true) continue;
        if (attribute(image, 'aria-label') !== undefined || attribute(image, 'aria-labelledby') !== undefined) continue;
        if (image.tagName === 'area' && attribute(image, 'href') === undefined) continue;
        yield {
          text: 'The picture has no alt. Say what it shows, or write alt="" if it only decorates.',
          element: image,
        };
      }
    },
  },
  {
    id: 'bad-alt',
    severity: 'warning',
    source: 'WCAG 1.1.1',
    objection: 'The alt of a picture is a file name, or says that it is a picture.',
    *find({ document }) {
      for (const image of document.named('img')) {
        const alt = attribute(image, 'alt')?.trim() ?? '';
        if (
          /^\S+\.(?:png|jpe?g|gif|webp|svg|bmp)$/i.test(alt) ||
          /^(?:image|picture|photo|logo|img|icon|spacer)[\s_-]*\d*$/i.test(alt)
        ) {
          yield {
            text: `The alt ${JSON.stringify(alt.slice(0, 60))} does not say what the picture shows. Say that.`,
            element: image,
            attributeName: 'alt',
          };
        }
      }
    },
  },
  {
    id: 'layout-table',
    severity: 'warning',
    source: 'WCAG 1.3.1',
    objection: 'A table that only lays out has no role="presentation".',
    *find({ document }) {
      const headed = new Set<HTMLElement>();
      for (const cell of [...document.named('th'), ...document.named('caption')]) {
        const table = tableOf(cell);
        if (table !== undefined) headed.add(table);
      }
      for (const table of document.named('table')) {
        if (headed.has(table) || /^(?:presentation|none)$/i.test(attribute(table, 'role') ?? '')) continue;
        yield {
          text: 'The table has no header cells, so it lays out; a screen reader reads out its rows and columns. Write role="presentation", or mark its headers with <th>.',
          element: table,
        };
      }
    },
  },
  {
    id: 'header-cell-without-scope',
    severity: 'note',
    source: 'WCAG 1.3.1',
    objection: 'A header cell does not say whether it heads a row or a column.',
    *find({ document }) {
      for (const cell of document.named('th')) {
        if (attribute(cell, 'scope') !== undefined || attribute(cell, 'id') !== undefined) continue;
        yield { text: 'The header cell has no scope. Write scope="col" or scope="row".', element: cell };
      }
    },
  },
  {
    id: 'heading-order',
    severity: 'warning',
    source: 'WCAG 1.3.1',
    objection: 'A heading is more than one level below the one before it.',
    *find({ document }) {
      let before = 0;
      for (const element of document.elements) {
        const level = Number(/^h([1-6])$/.exec(element.tagName)?.[1] ?? 0);
        if (level === 0) continue;
        if (before > 0 && level > before + 1) {
          yield {
            text: `<h${String(level)}> follows <h${String(before)}>: a level was left out. Use <h${String(before + 1)}>, and CSS for its size.`,
            element,
          };
        }
        before = level;
      }
    },
  },
  {
    id: 'empty-heading',
    severity: 'warning',
    source: 'WCAG 2.4.6',
    objection: 'A heading has no text.',
    *find({ document }) {
      for (const element of document.elements) {
        if (/^h[1-6]$/.test(element.tagName) && nameOf(element) === '')
          yield { text: `<${element.tagName}> is empty. Fill it, or take it out.`, element };
      }
    },
  },
  {
    id: 'empty-link',
    severity: 'error',
    source: 'WCAG 2.4.4',
    objection: 'A link has neither text nor a picture with an alt.',
    *find({ document, styles }) {
      for (const link of document.named('a')) {
        if (attribute(link, 'href') === undefined || styles.get(link)?.isHidden === true || nameOf(link) !== '')
          continue;
        yield {
          text: 'The link has no text, so that a screen reader reads its address. Write where it goes, in the text or in the alt of the picture.',
          element: link,
        };
      }
    },
  },
  {
    id: 'vague-link',
    severity: 'warning',
    source: 'WCAG 2.4.4',
    objection: 'The text of a link does not say where it goes.',
    *find({ document }) {
      for (const link of document.named('a')) {
        if (attribute(link, 'href') === undefined) continue;
        const name = nameOf(link);
        if (
          !VAGUE_TEXTS.has(
            name
              .toLowerCase()
              .replace(/[^\p{L}\p{N} ]/gu, '')
              .trim(),
          )
        )
          continue;
        yield { text: `${JSON.stringify(name)} says nothing in a list of links. Say where it goes.`, element: link };
      }
    },
  },
  {
    id: 'low-contrast',
    severity: 'error',
    source: 'WCAG 1.4.3',
    objection: 'Text and what is behind it are too much alike.',
    *find({ document, styles }) {
      for (const element of document.elements) {
        const style = styles.get(element);
        if (style === undefined || !style.isColored || style.isHidden || !hasOwnText(element)) continue;
        const isLarge = style.fontSizePx >= 24 || (style.isBold && style.fontSizePx >= 18.66);
        const needed = isLarge ? 3 : 4.5;
        const ratio = contrastRatio(style.color, style.background);
        if (ratio >= needed) continue;
        yield {
          text: `The contrast of the text is ${(Math.floor(ratio * 100) / 100).toFixed(2)}, at least ${String(needed)} is needed. Make the one darker or the other lighter.`,
          element,
        };
      }
    },
  },
  {
    id: 'link-by-color-alone',
    severity: 'note',
    source: 'WCAG 1.4.1',
    objection: 'A link within text is told apart by its colour alone.',
    *find({ document, styles }) {
      for (const link of document.named('a')) {
        const style = styles.get(link);
        const parent = parentOf(link);
        if (style === undefined || parent === undefined || attribute(link, 'href') === undefined || !hasOwnText(parent))
          continue;
        if (!/^none\b/i.test(style.own.get('text-decoration') ?? style.own.get('text-decoration-line') ?? '')) continue;
        if (style.isBold && styles.get(parent)?.isBold !== true) continue;
        if (
          [...style.own.keys()].some((property) => property.startsWith('border') || property.startsWith('background'))
        )
          continue;
        yield {
          text: 'The link stands in text and is not underlined: who does not see its colour does not find it. Leave the underline.',
          element: link,
          attributeName: 'style',
        };
      }
    },
  },
  {
    id: 'small-text',
    severity: 'note',
    source: 'WCAG 1.4.4',
    objection: 'Text is smaller than 12 px.',
    *find({ document, styles }) {
      for (const element of document.elements) {
        const style = styles.get(element);
        if (style === undefined || style.isHidden || !hasOwnText(element)) continue;
        // Where nobody reads it, such as in a preheader, it is 0 or 1.
        if (style.fontSizePx >= 12 || style.fontSizePx <= 2) continue;
        yield {
          text: `The text is ${String(Math.round(style.fontSizePx * 10) / 10)} px high. Make it 12 or, better, 16.`,
          element,
        };
      }
    },
  },
  {
    id: 'justified-text',
    severity: 'note',
    source: 'WCAG 1.4.8',
    objection: 'Text is justified.',
    *find({ document, styles }) {
      for (const element of document.elements) {
        const isJustified =
          attribute(element, 'align')?.toLowerCase() === 'justify' ||
          styles.get(element)?.own.get('text-align') === 'justify';
        if (isJustified)
          yield { text: 'Justified text has gaps that are hard to read over. Align it to one side.', element };
      }
    },
  },
  {
    id: 'text-in-capitals',
    severity: 'note',
    source: 'WCAG 3.1.5',
    objection: 'A passage is written in capitals.',
    *find({ document }) {
      for (const element of document.elements) {
        const text = ownText(element);
        const letters = text.replace(/\P{L}/gu, '');
        if (letters.length < 20 || !/\s/.test(text.trim())) continue;
        if (letters !== letters.toUpperCase() || letters === letters.toLowerCase()) continue;
        yield {
          text: 'The passage is in capitals; some screen readers spell it. Write it as usual, and let CSS make capitals of it.',
          element,
        };
      }
    },
  },
  {
    id: 'accessibility-checked-in-part',
    severity: 'note',
    source: 'smtpd-inbox',
    objection: 'The HTML is larger or deeper than is looked at.',
    *find({ document }) {
      for (const cut of document.cuts) yield { text: `Not all of the HTML was looked at: ${cut} were left out.` };
    },
  },
];

/** Places of one rule that are named. */
const PLACES_MAX = 20;

/** Colours, sizes and weights, from the outside in. */
function stylesOf(document: HTMLDocument): Map<HTMLElement, Style> {
  const styles = new Map<HTMLElement, Style>();
  // An element comes after the one that it is in.
  for (const element of document.elements) {
    const parent = parentOf(element);
    styles.set(element, styleOf(element, (parent === undefined ? undefined : styles.get(parent)) ?? INITIAL));
  }
  return styles;
}

function styleOf(element: HTMLElement, outer: Style): Style {
  const declared = attribute(element, 'style');
  const own = new Map<string, string>();
  if (declared !== undefined) {
    for (const { property, value } of readCSS(declared, 1).declarations) own.set(property, value.trim().toLowerCase());
  }
  const isLink = element.tagName === 'a' && attribute(element, 'href') !== undefined;
  const font = element.tagName === 'font' ? parseColor(attribute(element, 'color') ?? '') : undefined;
  const bodyText = element.tagName === 'body' ? parseColor(attribute(element, 'text') ?? '') : undefined;
  const color = parseColor(own.get('color') ?? '') ?? font ?? bodyText;
  const background =
    parseColor(own.get('background-color') ?? '') ??
    backgroundColor(own.get('background')) ??
    parseColor(attribute(element, 'bgcolor') ?? '');
  const weight = own.get('font-weight');
  return {
    // A link has a colour of its own until one is given.
    color: color ?? (isLink ? LINK_COLOR : outer.color),
    background: background ?? outer.background,
    isColored: color !== undefined || background !== undefined || outer.isColored,
    fontSizePx: fontSize(own.get('font-size'), outer.fontSizePx) ?? HEADING_SIZES[element.tagName] ?? outer.fontSizePx,
    isBold:
      weight === undefined
        ? outer.isBold || BOLD_ELEMENTS.has(element.tagName)
        : /^(?:bold|bolder|[6-9]00)$/.test(weight),
    isHidden:
      outer.isHidden ||
      own.get('display') === 'none' ||
      own.get('visibility') === 'hidden' ||
      own.get('mso-hide') === 'all' ||
      /^0(?:\.0+)?(?:px)?$/.test(own.get('opacity') ?? '1') ||
      ((own.get('max-height') ?? '1').startsWith('0') && (own.get('overflow') ?? '').includes('hidden')) ||
      attribute(element, 'hidden') !== undefined ||
      attribute(element, 'aria-hidden') === 'true',
    own,
  };
}

/** The colour of the shorthand; one with a picture has none that could be told. */
function backgroundColor(value: string | undefined): Color | undefined {
  if (value === undefined) return undefined;
  for (const word of value.match(/(?:rgba?|hsla?)\([^)]*\)|[^\s,]+/g) ?? []) {
    const color = parseColor(word);
    if (color !== undefined) return color;
  }
  return undefined;
}

function fontSize(value: string | undefined, outerPx: number): number | undefined {
  const match = /^(\d+(?:\.\d+)?|\.\d+)(px|pt|em|rem|%)?$/.exec(value ?? '');
  if (match === null) return value === undefined ? undefined : FONT_SIZE_WORDS[value];
  const number = Number(match[1]);
  switch (match[2]) {
    case 'pt':
      return (number * 4) / 3;
    case 'em':
      return number * outerPx;
    case 'rem':
      return number * 16;
    case '%':
      return (number * outerPx) / 100;
    case 'px':
      return number;
    case undefined:
    default:
      return number === 0 ? 0 : undefined;
  }
}

/** What a screen reader calls it: its label, its text, the alt of its pictures. */
function nameOf(element: HTMLElement): string {
  const label = (attribute(element, 'aria-label') ?? attribute(element, 'title') ?? '').trim();
  if (label !== '') return label;
  const text = textOf(element, 500);
  if (text !== '') return text;
  const waiting = [element];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    for (const child of next.childNodes) {
      if (!isElement(child)) continue;
      const alt = (attribute(child, 'alt') ?? attribute(child, 'aria-label') ?? '').trim();
      if (alt !== '') return alt;
      waiting.push(child);
    }
  }
  return '';
}

function ownText(element: HTMLElement): string {
  if (UNSEEN_ELEMENTS.has(element.tagName)) return '';
  let text = '';
  for (const child of element.childNodes) if ('value' in child) text += child.value;
  return text;
}

function hasOwnText(element: HTMLElement): boolean {
  let answer = ownTextAnswers.get(element);
  if (answer === undefined) {
    // What fills preheaders has no width: soft hyphens, joiners, marks of direction.
    answer = /[^\s\p{Cf}\p{Mn}]/u.test(ownText(element));
    ownTextAnswers.set(element, answer);
  }
  return answer;
}

/** Asked of a parent once for each of its links, which may be very many. */
const ownTextAnswers = new WeakMap<HTMLElement, boolean>();

function tableOf(cell: HTMLElement): HTMLElement | undefined {
  let element: HTMLElement | undefined = cell;
  while (element !== undefined && element.tagName !== 'table') element = parentOf(element);
  return element;
}

function isInSVG(element: HTMLElement): boolean {
  return parentOf(element)?.tagName === 'svg';
}

/** An element that somebody wrote, not the reader. */
function written(document: HTMLDocument, name: string): HTMLElement | undefined {
  return document.named(name).find((element) => lineOfElement(element) !== undefined);
}

const BLACK: Color = { red: 0, green: 0, blue: 0 };
const WHITE: Color = { red: 255, green: 255, blue: 255 };
const LINK_COLOR: Color = { red: 0, green: 0, blue: 238 };
const INITIAL: Style = {
  color: BLACK,
  background: WHITE,
  isColored: false,
  fontSizePx: 16,
  isBold: false,
  isHidden: false,
  own: new Map(),
};
const HEADING_SIZES: Readonly<Record<string, number>> = { h1: 32, h2: 24, h3: 18.72, h4: 16, h5: 13.28, h6: 10.72 };
const FONT_SIZE_WORDS: Readonly<Record<string, number>> = {
  'xx-small': 9,
  'x-small': 10,
  small: 13,
  medium: 16,
  large: 18,
  'x-large': 24,
  'xx-large': 32,
};
const BOLD_ELEMENTS: ReadonlySet<string> = new Set(['b', 'strong', 'th', 'h1', 'h2', 'h3', 'h4', 'h5', 'h6']);
const UNSEEN_ELEMENTS: ReadonlySet<string> = new Set([
  'style',
  'script',
  'title',
  'head',
  'html',
  'template',
  'option',
]);
const VAGUE_TEXTS: ReadonlySet<string> = new Set(
  (
    'click here|here|click|link|this link|read more|more|more info|learn more|see more|details|this|go|continue|download|' +
    'hier|hier klicken|klicken sie hier|mehr|weiterlesen|mehr erfahren|ici|cliquez ici|en savoir plus|aquí|haga clic aquí|más|leer más'
  ).split('|'),
);
/** Languages whose letters are not Latin. */
const SCRIPTS: Readonly<Record<string, readonly [name: string, letters: RegExp]>> = {
  ar: ['Arabic', /\p{Script=Arabic}/gu],
  bg: ['Cyrillic', /\p{Script=Cyrillic}/gu],
  el: ['Greek', /\p{Script=Greek}/gu],
  fa: ['Arabic', /\p{Script=Arabic}/gu],
  he: ['Hebrew', /\p{Script=Hebrew}/gu],
  hi: ['Devanagari', /\p{Script=Devanagari}/gu],
  ja: ['Japanese', /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]/gu],
  ko: ['Korean', /[\p{Script=Hangul}\p{Script=Han}]/gu],
  ru: ['Cyrillic', /\p{Script=Cyrillic}/gu],
  th: ['Thai', /\p{Script=Thai}/gu],
  uk: ['Cyrillic', /\p{Script=Cyrillic}/gu],
  zh: ['Chinese', /\p{Script=Han}/gu],
};
const LATIN_LANGUAGES: ReadonlySet<string> = new Set(
  'cs da de en es et fi fr ga hr hu id is it lt lv ms nb nl nn no pl pt ro sk sl sv sw tr vi'.split(' '),
);
