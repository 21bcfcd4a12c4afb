/** Which kinds of selectors a selector is made of, by caniemail’s names. One look at every character. */

/** The features of a list of selectors, each once. */
export function selectorFeatures(list: string): Set<string> {
  const found = new Set<string>();
  let depth = 0;
  /** Of the compound that is being read: its classes, whether anything was read, and what stood before it. */
  const compound: { classes: number; isBegun: boolean; combinator: string | undefined } = {
    classes: 0,
    isBegun: false,
    combinator: undefined,
  };
  const end = (combinator: string | undefined): void => {
    Object.assign(compound, { classes: 0, isBegun: false, combinator });
  };
  const begin = (): void => {
    if (compound.isBegun) return;
    compound.isBegun = true;
    if (compound.combinator !== undefined) found.add(compound.combinator);
  };
  for (let at = 0; at < Math.min(list.length, LENGTH_MAX);) {
    const rest = list.slice(at, at + NAME_LENGTH_MAX);
    const character = list[at] ?? '';
    if (character === ',') {
      // In `:not(a, b)` it groups nothing.
      if (depth === 0) found.add('css-selector-grouping');
      end(undefined);
      at++;
    } else if (character === '(' || character === ')') {
      depth = Math.max(0, depth + (character === '(' ? 1 : -1));
      if (character === '(') end(undefined);
      at++;
    } else if (character in COMBINATORS) {
      end(COMBINATORS[character]);
      at++;
    } else if (/\s/.test(character)) {
      if (compound.isBegun) end('css-selector-descendant');
      at++;
    } else if (character === '[') {
      begin();
      found.add('css-selector-attribute');
      const close = list.indexOf(']', at);
      at = close < 0 ? list.length : close + 1;
    } else if (character === ':') {
      begin();
      const [whole, colons = '', name = ''] = PSEUDO.exec(rest) ?? [':'];
      const lower = name.toLowerCase();
      found.add(`css-pseudo-${colons === '::' || OLD_ELEMENTS.has(lower) ? 'element' : 'class'}-${lower}`);
      at += whole.length;
      // `2n + 1` are no selectors; what `:not()` and `:has()` hold is.
      if (list[at] === '(' && !SELECTING.has(lower)) {
        const close = list.indexOf(')', at);
        at = close < 0 ? list.length : close + 1;
      }
    } else if (character === '.' || character === '#') {
      begin();
      if (character === '#') found.add('css-selector-id');
      else {
        found.add('css-selector-class');
        if (++compound.classes > 1) found.add('css-selector-chaining');
      }
      at += 1 + (NAME.exec(list.slice(at + 1, at + NAME_LENGTH_MAX))?.[0].length ?? 0);
    } else if (character === '*') {
      begin();
      found.add('css-selector-universal');
      at++;
    } else {
      const name = NAME.exec(rest)?.[0] ?? '';
      if (name !== '') {
        begin();
        found.add('css-selector-type');
      }
      at += Math.max(1, name.length);
    }
  }
  return found;
}

const COMBINATORS: Readonly<Record<string, string>> = {
  '>': 'css-selector-child',
  '+': 'css-selector-adjacent-sibling',
  '~': 'css-selector-general-sibling',
};
const PSEUDO = /^(::?)-?(?:webkit-|moz-|ms-)?([a-z-]*)/i;
const NAME = /^(?:[\w-]|[^\0-\x7F]|\\.)+/;
/** Pseudo-elements that CSS 2 wrote with one colon. */
const OLD_ELEMENTS: ReadonlySet<string> = new Set(['before', 'after', 'first-letter', 'first-line']);
const SELECTING: ReadonlySet<string> = new Set(['not', 'has', 'is', 'where', 'matches']);
const LENGTH_MAX = 20_000;
const NAME_LENGTH_MAX = 200;
