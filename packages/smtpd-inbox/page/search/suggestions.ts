/** What the search box suggests while something is typed. Pure: text and cursor in, suggestions out. */

import { SEARCH_OPERATORS } from '../../src/api/search-operators.js';

/** Something that may stand where the cursor is. */
export interface Suggestion {
  /** What it puts there. */
  readonly insert: string;
  /** What it is called in the list. */
  readonly label: string;
  /** What it finds, for people. */
  readonly help: string;
  /** The part of the text that it replaces. */
  readonly start: number;
  readonly end: number;
}

/** What the page has seen, by the operator whose value it may be. */
export type KnownValues = Readonly<Partial<Record<string, readonly string[]>>>;

/** @returns what may stand at the cursor: operators where a word begins, values behind an operator */
export function suggest(text: string, cursor: number, known: KnownValues): readonly Suggestion[] {
  const { start, word } = wordBefore(text, cursor);
  if (word.startsWith('"')) return [];
  // A minus turns what follows into its contrary.
  const isNegated = word.startsWith('-');
  const from = start + (isNegated ? 1 : 0);
  const typed = isNegated ? word.slice(1) : word;
  const colon = typed.indexOf(':');
  if (colon < 0) return operatorsFor(typed, { start: from, end: cursor });
  const name = typed.slice(0, colon).toLowerCase();
  const place = { start: from + colon + 1, end: cursor };
  return valuesFor(name, typed.slice(colon + 1), known).map(({ value, help }) => ({
    insert: `${quoted(value)} `,
    label: value,
    help,
    ...place,
  }));
}

/** The text with a suggestion in it, and where the cursor stands then. */
export function withSuggestion(text: string, { insert, start, end }: Suggestion): { text: string; cursor: number } {
  // What stands behind it is not glued to it, and not further away than a blank.
  const rest = insert.endsWith(' ') ? text.slice(end).replace(/^ /, '') : text.slice(end);
  return { text: text.slice(0, start) + insert + rest, cursor: start + insert.length };
}

function operatorsFor(typed: string, place: { start: number; end: number }): readonly Suggestion[] {
  const lower = typed.toLowerCase();
  return SEARCH_OPERATORS.filter(({ name }) => name.startsWith(lower)).map(({ name, help }) => ({
    insert: `${name}:`,
    label: `${name}:`,
    help,
    ...place,
  }));
}

function valuesFor(name: string, typed: string, known: KnownValues): readonly { value: string; help: string }[] {
  const operator = SEARCH_OPERATORS.find((each) => each.name === name);
  if (operator === undefined) return [];
  const values: readonly { value: string; help: string }[] =
    'values' in operator
      ? operator.values.map((value) => ({ value, help: '' }))
      : (VALUES[name] ?? (known[name] ?? []).map((value) => ({ value, help: '' })));
  const lower = typed.replace(/^"/, '').toLowerCase();
  // What stands there already needs no suggestion.
  return values
    .filter(({ value }) => value.toLowerCase().includes(lower) && value.toLowerCase() !== lower)
    .slice(0, SUGGESTIONS_MAX);
}

/** The word that ends at the cursor; blanks in quotes are part of it. */
function wordBefore(text: string, cursor: number): { start: number; word: string } {
  let start = 0;
  let isQuoted = false;
  for (let at = 0; at < cursor; at++) {
    if (text[at] === '"') isQuoted = !isQuoted;
    else if (!isQuoted && (text[at] === ' ' || text[at] === '(')) start = at + 1;
  }
  return { start, word: text.slice(start, cursor) };
}

function quoted(value: string): string {
  return /[\s"()]/.test(value) ? `"${value.replaceAll('"', '')}"` : value;
}

/** Values of a kind, where there are too many to name them all. */
const VALUES: Readonly<Partial<Record<string, readonly { value: string; help: string }[]>>> = {
  before: [
    { value: '1h', help: 'More than an hour ago' },
    { value: '1d', help: 'More than a day ago' },
    { value: '7d', help: 'More than a week ago' },
  ],
  after: [
    { value: '10m', help: 'In the last ten minutes' },
    { value: '1h', help: 'In the last hour' },
    { value: '1d', help: 'In the last day' },
  ],
  larger: [
    { value: '10k', help: 'More than ten kilobytes' },
    { value: '1M', help: 'More than a megabyte' },
  ],
  smaller: [
    { value: '10k', help: 'Fewer than ten kilobytes' },
    { value: '1M', help: 'Fewer than a megabyte' },
  ],
  header: [
    { value: 'List-Unsubscribe', help: 'There is a List-Unsubscribe field' },
    { value: 'X-Mailer', help: 'There is an X-Mailer field' },
    { value: 'Reply-To', help: 'There is a Reply-To field' },
  ],
};
const SUGGESTIONS_MAX = 8;
