/**
 * Mailpit's search syntax → a query of the store. It is simpler than ours: blanks stand between terms that must all hold, quotes keep blanks
 * together, `-` or `!` before a term turns it round. A word stands anywhere in a field there; so it does here for fields of the header, and
 * in texts at the beginning of a word.
 */

import type { MessageQuery } from 'smtpd-store';

import { APIError } from '../api-error.js';

/** What a search depends on besides its text. */
export interface MailpitSearchContext {
  /** The zone of dates without one, such as `Pacific/Auckland`. Default: this machine's. */
  readonly timeZone?: string;
  /** All tags there are, for `is:tagged`. */
  readonly tags: readonly string[];
}

/** @throws {@link APIError} `BAD_SEARCH` for what cannot be looked for here */
export function parseMailpitSearch(text: string, context: MailpitSearchContext): MessageQuery {
  if (text.length > SEARCH_LENGTH_MAX) throw new APIError('BAD_SEARCH', 'The search is too long');
  const queries: MessageQuery[] = [];
  for (const term of termsOf(text)) {
    const isNegative = term.length > 1 && /^[-!]/.test(term);
    const words = isNegative ? term.slice(1) : term;
    // Mailpit passes over a term without a letter or figure of ASCII; we know other letters, too.
    if (!/[\p{L}\p{N}]/u.test(words)) continue;
    const query = queryOfTerm(words, context);
    if (query !== undefined) queries.push(isNegative ? { kind: 'not', query } : query);
  }
  return { kind: 'and', queries };
}

/** The terms, without the quotes around or within them. */
function termsOf(text: string): readonly string[] {
  return (text.match(/(?:"[^"]*"?|[^\s"])+/g) ?? []).map((term) => term.replaceAll('"', ''));
}

function queryOfTerm(term: string, context: MailpitSearchContext): MessageQuery | undefined {
  const colon = term.indexOf(':');
  const operator = colon < 0 ? undefined : OPERATORS.get(term.slice(0, colon).toLowerCase());
  if (operator === undefined) return textQuery(term);
  const value = term.slice(colon + 1).trim();
  return value === '' ? undefined : operator(value, context);
}

function textQuery(words: string): MessageQuery {
  return { kind: 'words', field: 'text', words, isPrefix: true };
}

function inField(name: string): (contains: string) => MessageQuery {
  return (contains) => ({ kind: 'header', name, contains });
}

function anyOf(...queries: readonly MessageQuery[]): MessageQuery {
  return { kind: 'or', queries };
}

/** Of those who stand in no field there is only the envelope. */
function hidden(words: string): MessageQuery {
  return {
    kind: 'and',
    queries: [
      { kind: 'words', field: 'to', words, isPrefix: true },
      { kind: 'not', query: inField('To')(words) },
      { kind: 'not', query: inField('Cc')(words) },
    ],
  };
}

const isRead: MessageQuery = { kind: 'isRead' };

function isQuery(value: string, { tags }: MailpitSearchContext): MessageQuery {
  switch (value.toLowerCase()) {
    case 'read':
      return isRead;
    case 'unread':
      return { kind: 'not', query: isRead };
    case 'tagged':
      // An `or` of nothing is nothing.
      return anyOf(...tags.slice(0, TAGS_MAX).map((tag): MessageQuery => ({ kind: 'tag', tag })));
    default:
      return textQuery(`is:${value}`);
  }
}

function hasQuery(value: string): MessageQuery {
  if (/^attachments?$/i.test(value)) return { kind: 'hasAttachment' };
  if (/^inlines?$/i.test(value)) throw new APIError('BAD_SEARCH', 'has:inline cannot be looked for here');
  return textQuery(`has:${value}`);
}

function sizeQuery(kind: 'larger' | 'smaller'): Operator {
  return (value) => {
    const found = SIZE.exec(value.toLowerCase());
    const unit = UNITS[found?.[2] ?? ''];
    if (found === null || unit === undefined) return textQuery(`${kind}:${value}`);
    return { kind, bytes: Math.floor(Number(found[1]) * unit) };
  };
}

function timeQuery(kind: 'before' | 'after'): Operator {
  return (value, { timeZone }) => {
    const time = parseTime(value, timeZone);
    // Mailpit passes over a date that is none; it is better to hear of it than to find everything.
    if (time === undefined)
      throw new APIError('BAD_SEARCH', `${kind}: needs a date such as 2026-11-25, not "${value}"`);
    return { kind, time };
  };
}

/** A date or time; one without a zone is of that zone. */
function parseTime(text: string, timeZone: string | undefined): Date | undefined {
  const parts = DATE.exec(text)?.slice(1, 7);
  if (parts === undefined) {
    const time = new Date(text);
    return Number.isNaN(time.getTime()) ? undefined : time;
  }
  const [year, month, day, hours, minutes, seconds] = parts.map((part: string | undefined) => Number(part ?? 0)) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  if (month < 1 || month > 12 || day < 1 || day > 31 || hours > 23 || minutes > 59 || seconds > 59) return undefined;
  if (timeZone === undefined || timeZone === '') return new Date(year, month - 1, day, hours, minutes, seconds);
  const asUTC = Date.UTC(year, month - 1, day, hours, minutes, seconds);
  try {
    // The zone's offset at about that time, and then at that time.
    const guess = asUTC - offsetMs(new Date(asUTC), timeZone);
    return new Date(asUTC - offsetMs(new Date(guess), timeZone));
  } catch {
    throw new APIError('BAD_SEARCH', `There is no time zone "${timeZone}"`);
  }
}

/** How much later it is there than in UTC. */
function offsetMs(time: Date, timeZone: string): number {
  const parts = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  }).formatToParts(time);
  const part = (type: string): number => Number(parts.find((each) => each.type === type)?.value ?? 0);
  return (
    Date.UTC(part('year'), part('month') - 1, part('day'), part('hour'), part('minute'), part('second')) -
    Math.floor(time.getTime() / 1_000) * 1_000
  );
}

type Operator = (value: string, context: MailpitSearchContext) => MessageQuery;

const OPERATORS: ReadonlyMap<string, Operator> = new Map<string, Operator>([
  ['from', inField('From')],
  // Recipients who stand in no field are found by the envelope.
  ['to', (words) => anyOf(inField('To')(words), { kind: 'words', field: 'to', words, isPrefix: true })],
  ['cc', inField('Cc')],
  ['bcc', hidden],
  ['reply-to', inField('Reply-To')],
  [
    'addressed',
    (words) =>
      anyOf(...['From', 'To', 'Cc', 'Reply-To'].map((name) => inField(name)(words)), {
        kind: 'words',
        field: 'to',
        words,
        isPrefix: true,
      }),
  ],
  ['subject', inField('Subject')],
  ['message-id', inField('Message-ID')],
  ['tag', (tag) => ({ kind: 'tag', tag })],
  ['is', isQuery],
  ['has', hasQuery],
  ['after', timeQuery('after')],
  ['before', timeQuery('before')],
  ['larger', sizeQuery('larger')],
  ['smaller', sizeQuery('smaller')],
]);
const SIZE = /^(\d{1,12}(?:\.\d{1,6})?)\s?([kmb]{0,2})$/;
const UNITS: Readonly<Record<string, number | undefined>> = {
  '': 1,
  b: 1,
  k: 1_024,
  kb: 1_024,
  m: 1_048_576,
  mb: 1_048_576,
};
const DATE = /^(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?:[ T](\d{1,2}):(\d{2})(?::(\d{2}))?)?$/;
const SEARCH_LENGTH_MAX = 10_000;
/** A query has a bound of its own; more tags than this nobody gives. */
const TAGS_MAX = 200;
