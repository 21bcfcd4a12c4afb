/**
 * What people type to find mail → the query that a store answers, and back.
 *
 *     search  = all *( "OR" all )                  OR is the weaker one: a b OR c is (a b) OR c
 *     all     = 1*( [ "AND" ] part )
 *     part    = [ "-" / "!" / "NOT" ] ( "(" search ")" / term )
 *     term    = [ operator ":" ] ( word [ "*" ] / quoted [ "*" ] )
 *     quoted  = DQUOTE *( any / "\" DQUOTE / "\\" ) DQUOTE
 *
 * Whatever is typed is a query or a fault that says where and why: nothing throws. Time is linear in the text, depth is bounded.
 */

import type { MessageQuery, TextField } from 'smtpd-store';

import { SEARCH_OPERATORS, type SearchOperator, type SearchOperatorName } from '../api/search-operators.js';
import { nearestWords } from './nearest-words.js';
import { parseSearchSize, parseSearchTime } from './search-times.js';

/** Why a text is no search. */
export interface SearchFault {
  /** What is wrong and what to do. */
  readonly message: string;
  /** Where in the text, in UTF-16 code units from 0. */
  readonly at: number;
}

/** What a text means. */
export type ParsedSearch = { readonly query: MessageQuery } | { readonly fault: SearchFault };

/**
 * Reads a search. A text without a word in it is everything.
 *
 * @example
 * ```ts
 * import { parseSearch } from 'smtpd-inbox';
 * parseSearch('from:shop -is:read', { now: new Date() });
 * // { query: { kind: 'and', queries: [
 * //   { kind: 'words', field: 'from', words: 'shop' }, { kind: 'not', query: { kind: 'isRead' } } ] } }
 * parseSearch('form:shop', { now: new Date() });
 * // { fault: { at: 0, message: 'There is no operator form: – did you mean from:? …' } }
 * ```
 */
export function parseSearch(text: string, { now }: { readonly now: Date }): ParsedSearch {
  const result = new Parser(text, now).parse();
  return isFault(result) ? { fault: { message: result.message, at: result.at } } : { query: simplified(result) };
}

/**
 * Writes a query so that {@link parseSearch} reads the same one. Conditions that say nothing, such as an `and` within an `and`, are
 * written as what they mean.
 *
 * @example
 * ```ts
 * import { formatSearch } from 'smtpd-inbox';
 * formatSearch({ kind: 'not', query: { kind: 'isRead' } }); // 'is:unread'
 * ```
 */
export function formatSearch(query: MessageQuery): string {
  const plain = simplified(query);
  return plain.kind === 'and' && plain.queries.length === 0 ? '' : format(plain, 'search');
}

/** How long a search may be, in UTF-16 code units. */
export const SEARCH_LENGTH_MAX = 10_000;

class Parser {
  readonly #text: string;
  readonly #now: Date;
  #at = 0;
  #conditions = 0;

  constructor(text: string, now: Date) {
    this.#text = text;
    this.#now = now;
  }

  parse(): MessageQuery | Fault {
    if (this.#text.length > SEARCH_LENGTH_MAX) {
      return fault(`A search has at most ${SEARCH_LENGTH_MAX.toLocaleString('en')} characters`, SEARCH_LENGTH_MAX);
    }
    const query = this.#search(0);
    if (isFault(query)) return query;
    // Only this sign ends a search before the text ends.
    if (this.#at < this.#text.length) {
      return fault('There is no ( for this ) – to look for it, put it in quotes: ")"', this.#at);
    }
    return query ?? EVERYTHING;
  }

  /** @returns `undefined` where nothing is looked for */
  #search(depth: number): MessageQuery | Fault | undefined {
    if (depth > DEPTH_MAX) return fault(`A search is at most ${DEPTH_MAX} parentheses deep`, this.#at);
    const alternatives: MessageQuery[] = [];
    for (;;) {
      const orAt = this.#at;
      const all = this.#all(depth);
      if (isFault(all)) return all;
      const isOr = this.#takeKeyword('OR');
      if (all === undefined) {
        // `OR` alone between two blanks is an operator, so it needs both sides.
        if (isOr || alternatives.length > 0) return fault('OR stands between two things to look for', orAt);
        return undefined;
      }
      alternatives.push(all);
      if (!isOr) return this.#joined('or', alternatives);
    }
  }

  #all(depth: number): MessageQuery | Fault | undefined {
    const parts: MessageQuery[] = [];
    for (;;) {
      this.#skipBlanks();
      if (this.#at >= this.#text.length || this.#text[this.#at] === ')' || this.#isKeyword('OR')) break;
      if (this.#takeKeyword('AND')) continue;
      const part = this.#part(depth);
      if (isFault(part)) return part;
      if (part !== undefined) parts.push(part);
    }
    return parts.length === 0 ? undefined : this.#joined('and', parts);
  }

  /** One condition alone is not joined to anything. */
  #joined(kind: 'and' | 'or', queries: readonly MessageQuery[]): MessageQuery | Fault {
    const [only] = queries;
    return only !== undefined && queries.length === 1 ? only : this.#counted({ kind, queries });
  }

  #part(depth: number): MessageQuery | Fault | undefined {
    let isNegative = false;
    const start = this.#at;
    for (;;) {
      const sign = this.#text[this.#at];
      if ((sign === '-' || sign === '!') && !isBlankOrEnd(this.#text[this.#at + 1])) this.#at += 1;
      else if (!this.#takeKeyword('NOT')) break;
      isNegative = !isNegative;
      this.#skipBlanks();
    }
    const part = this.#text[this.#at] === '(' ? this.#parentheses(depth) : this.#term();
    if (!isNegative || isFault(part)) return part;
    if (part === undefined) return fault('There is nothing behind this sign that could be left out', start);
    return this.#counted({ kind: 'not', query: part });
  }

  #parentheses(depth: number): MessageQuery | Fault | undefined {
    const start = this.#at;
    this.#at += 1;
    const inner = this.#search(depth + 1);
    if (isFault(inner)) return inner;
    if (this.#text[this.#at] !== ')') return fault('There is no ) for this (', start);
    this.#at += 1;
    return inner;
  }

  #term(): MessageQuery | Fault | undefined {
    const start = this.#at;
    if (this.#text[start] === ')') return undefined;
    const name = this.#operatorName();
    if (name !== undefined) {
      const operator = OPERATORS.get(name.toLowerCase());
      if (operator !== undefined) {
        this.#at += name.length + 1;
        return this.#condition(operator, start);
      }
      if (isMeantAsOperator(name, this.#text, start + name.length + 1)) return unknownOperator(name, start);
    }
    const value = this.#value();
    // What is no word and stands there alone, such as a dash between two words, is not looked for.
    if (!value.isQuoted && NO_WORD.test(value.text)) return undefined;
    return this.#counted(wordsQuery('text', value));
  }

  /** What stands before a colon, if it could be the name of an operator. */
  #operatorName(): string | undefined {
    let end = this.#at;
    while (end - this.#at <= NAME_LENGTH_MAX && isNameCharacter(this.#text.charCodeAt(end))) end += 1;
    return end > this.#at && this.#text[end] === ':' ? this.#text.slice(this.#at, end) : undefined;
  }

  #condition(operator: SearchOperator & { readonly name: SearchOperatorName }, start: number): MessageQuery | Fault {
    const valueAt = this.#at;
    const value = this.#value();
    const { name } = operator;
    // An inbox may be called nothing at all: it is that of everybody.
    if (value.text === '' && !(name === 'inbox' && value.isQuoted)) {
      return fault(`${name}: needs ${operator.value} right behind the colon, as in ${operator.example}`, start);
    }
    if (value.isPrefix && !WORD_OPERATORS.has(name)) {
      return fault(`* stands behind words, and ${name}: has none; as in subject:pass*`, valueAt);
    }
    const query = CONDITIONS[name](value, this.#now);
    if (query === undefined) return fault(badValue(operator, value.text), valueAt);
    return this.#counted(query);
  }

  /** A word up to the next blank or parenthesis, or what is in quotes. */
  #value(): Value {
    const text = this.#text;
    if (text[this.#at] === '"') return this.#quoted();
    const start = this.#at;
    while (!isWordEnd(text[this.#at])) this.#at += 1;
    const word = text.slice(start, this.#at);
    let end = word.length;
    while (word[end - 1] === '*') end -= 1;
    return { text: word.slice(0, end), isPrefix: end < word.length, isQuoted: false };
  }

  /** Quotes that nobody closed end with the text: whoever is typing has not come there yet. */
  #quoted(): Value {
    const text = this.#text;
    let value = '';
    let from = this.#at + 1;
    let at = from;
    for (; at < text.length && text[at] !== '"'; at += 1) {
      if (text[at] !== '\\' || (text[at + 1] !== '"' && text[at + 1] !== '\\')) continue;
      value += text.slice(from, at);
      at += 1;
      from = at;
    }
    value += text.slice(from, at);
    this.#at = Math.min(at + 1, text.length);
    const isPrefix = text[this.#at] === '*';
    if (isPrefix) this.#at += 1;
    return { text: value, isPrefix, isQuoted: true };
  }

  #counted(query: MessageQuery): MessageQuery | Fault {
    this.#conditions += 1;
    return this.#conditions > CONDITIONS_MAX
      ? fault(`A search has at most ${CONDITIONS_MAX} conditions`, Math.min(this.#at, this.#text.length))
      : query;
  }

  #skipBlanks(): void {
    while (this.#at < this.#text.length && isBlankOrEnd(this.#text[this.#at])) this.#at += 1;
  }

  #takeKeyword(word: string): boolean {
    if (!this.#isKeyword(word)) return false;
    this.#at += word.length;
    return true;
  }

  /** `OR`, `AND` and `NOT` are in capitals and stand alone, so that `or` can be looked for. */
  #isKeyword(word: string): boolean {
    const end = this.#text[this.#at + word.length];
    return this.#text.startsWith(word, this.#at) && (isBlankOrEnd(end) || end === '(' || end === ')');
  }
}

/** A value as it was typed. */
interface Value {
  readonly text: string;
  readonly isPrefix: boolean;
  readonly isQuoted: boolean;
}

/** Name → what it means; `undefined` for a value that it cannot have. */
const CONDITIONS: Readonly<Record<SearchOperatorName, (value: Value, now: Date) => MessageQuery | undefined>> = {
  from: (value) => wordsQuery('from', value),
  to: (value) => wordsQuery('to', value),
  cc: (value) => wordsQuery('cc', value),
  subject: (value) => wordsQuery('subject', value),
  body: (value) => wordsQuery('body', value),
  filename: (value) => wordsQuery('filename', value),
  has: ({ text }) => (text.toLowerCase() === 'attachment' ? { kind: 'hasAttachment' } : undefined),
  is: ({ text }) => IS.get(text.toLowerCase()),
  before: ({ text }, now) => timeQuery('before', text, now),
  after: ({ text }, now) => timeQuery('after', text, now),
  larger: ({ text }) => sizeQuery('larger', text),
  smaller: ({ text }) => sizeQuery('smaller', text),
  header: ({ text }) => headerQuery(text),
  inbox: ({ text }) => (isName(text) ? { kind: 'inbox', inbox: text } : undefined),
  'message-id': ({ text }) => ({ kind: 'messageId', messageId: text.startsWith('<') ? text : `<${text}>` }),
  tag: ({ text }) => (isName(text) ? { kind: 'tag', tag: text } : undefined),
};

function wordsQuery(field: TextField, { text, isPrefix }: Value): MessageQuery {
  return { kind: 'words', field, words: text, ...(isPrefix ? { isPrefix } : {}) };
}

function timeQuery(kind: 'before' | 'after', text: string, now: Date): MessageQuery | undefined {
  const time = parseSearchTime(text, now);
  return time === undefined ? undefined : { kind, time };
}

function sizeQuery(kind: 'larger' | 'smaller', text: string): MessageQuery | undefined {
  const bytes = parseSearchSize(text);
  return bytes === undefined ? undefined : { kind, bytes };
}

/** `Name`, `Name: value` or `Name:value`. One blank behind the colon is not part of the value. */
function headerQuery(text: string): MessageQuery | undefined {
  const colon = text.indexOf(':');
  const name = colon === -1 ? text : text.slice(0, colon);
  if (!FIELD_NAME.test(name)) return undefined;
  return colon === -1
    ? { kind: 'header', name }
    : { kind: 'header', name, contains: text.slice(text[colon + 1] === ' ' ? colon + 2 : colon + 1) };
}

/** What a store can keep as the name of an inbox or a tag. */
function isName(text: string): boolean {
  return !/\0|\p{Cs}/u.test(text);
}

/**
 * Whether a word with a colon is an operator that was misspelt. `Re:`, `C:\x`, `localhost:1025`, `https://a.example`, `mailto:ann` and
 * `Foo::bar` are words.
 */
function isMeantAsOperator(name: string, text: string, valueAt: number): boolean {
  const next = text[valueAt];
  if (isWordEnd(next) || next === '/' || next === ':' || next === '\\') return false;
  return !(name.length === 1 || WORDS_BEFORE_COLON.has(name.toLowerCase()) || /\d/.test(next ?? ''));
}

function unknownOperator(name: string, at: number): Fault {
  const near = nearestWords(name.toLowerCase(), [...OPERATORS.keys()]).map((each) => `${each}:`);
  const meant = near.length === 0 ? `there are ${[...OPERATORS.keys()].map((each) => `${each}:`).join(' ')}` : near;
  const hint = typeof meant === 'string' ? meant : `did you mean ${meant.join(' or ')}?`;
  return fault(`There is no operator ${name}: – ${hint} To look for the words, put them in quotes`, at);
}

function badValue({ name, value, values, example }: SearchOperator, text: string): string {
  const shown = JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
  if (values === undefined) return `${name}: needs ${value}, as in ${example}, and ${shown} is none`;
  const near = nearestWords(text.toLowerCase(), values);
  const hint = near.length === 0 ? '' : `; did you mean ${near.map((each) => `${name}:${each}`).join(' or ')}?`;
  return `${name}: is followed by ${value}, not by ${shown}${hint}`;
}

// ---- And back ---------------------------------------------------------------------------------------------------------

/** The same without conditions that say nothing: none alone in a list, none in a list of its own kind, no double negation. */
function simplified(query: MessageQuery): MessageQuery {
  switch (query.kind) {
    case 'and':
    case 'or': {
      const { kind } = query;
      const flat = query.queries.map(simplified).flatMap((part) => (part.kind === kind ? part.queries : [part]));
      // Nothing and everything decide for the whole list, or do not matter in it.
      const [deciding, idle] = kind === 'and' ? [NOTHING, EVERYTHING] : [EVERYTHING, NOTHING];
      if (flat.some((part) => isSame(part, deciding))) return deciding;
      const queries = flat.filter((part) => !isSame(part, idle));
      return queries.length === 0 ? idle : queries.length === 1 ? (queries[0] ?? idle) : { kind, queries };
    }
    case 'not': {
      const inner = simplified(query.query);
      if (inner.kind === 'not') return inner.query;
      if (isSame(inner, EVERYTHING)) return NOTHING;
      return isSame(inner, NOTHING) ? EVERYTHING : { kind: 'not', query: inner };
    }
    case 'words':
      if (query.words === '') return NOTHING;
      return {
        kind: 'words',
        field: query.field,
        words: query.words,
        ...(query.isPrefix === true && { isPrefix: true }),
      };
    case 'messageId':
      return query.messageId.startsWith('<') ? query : { kind: 'messageId', messageId: `<${query.messageId}>` };
    case 'header':
    case 'hasAttachment':
    case 'isRead':
    case 'isSession':
    case 'before':
    case 'after':
    case 'larger':
    case 'smaller':
    case 'inbox':
    case 'tag':
      return query;
    default:
      return assertNever(query);
  }
}

/** @param place - where it is put: a list within a list needs parentheses, unless it binds more strongly */
function format(query: MessageQuery, place: 'search' | 'or' | 'part'): string {
  switch (query.kind) {
    case 'or': {
      const text = query.queries.map((part) => format(part, 'or')).join(' OR ');
      return place === 'search' ? text : `(${text})`;
    }
    case 'and': {
      const text = query.queries.map((part) => format(part, 'part')).join(' ');
      return place === 'part' ? `(${text})` : text;
    }
    case 'not':
      return query.query.kind === 'isRead' ? 'is:unread' : `-${format(query.query, 'part')}`;
    case 'words': {
      const prefix = query.field === 'text' ? '' : `${query.field}:`;
      return `${prefix}${quote(query.words)}${query.isPrefix === true ? '*' : ''}`;
    }
    case 'header': {
      const { name, contains } = query;
      return `header:${quote(contains === undefined ? name : `${name}: ${contains}`)}`;
    }
    case 'hasAttachment':
      return 'has:attachment';
    case 'isRead':
      return 'is:read';
    case 'isSession':
      return 'is:session';
    case 'before':
    case 'after':
      return `${query.kind}:${query.time.toISOString()}`;
    case 'larger':
    case 'smaller':
      return `${query.kind}:${String(query.bytes)}`;
    case 'inbox':
      return `inbox:${quote(query.inbox)}`;
    case 'messageId':
      return `message-id:${quote(query.messageId)}`;
    case 'tag':
      return `tag:${quote(query.tag)}`;
    default:
      return assertNever(query);
  }
}

/** A plain word is written as it is. */
function quote(text: string): string {
  const isPlain = PLAIN_WORD.test(text) && !KEYWORDS.has(text);
  return isPlain ? text : `"${text.replaceAll(/["\\]/g, '\\$&')}"`;
}

function isSame(query: MessageQuery, other: MessageQuery): boolean {
  if (other.kind === 'and') return query.kind === 'and' && query.queries.length === 0;
  return query.kind === 'words' && query.words === '';
}

// ---- Small things -----------------------------------------------------------------------------------------------------

class Fault {
  readonly message: string;
  readonly at: number;

  constructor(message: string, at: number) {
    this.message = message;
    this.at = at;
  }
}

function fault(message: string, at: number): Fault {
  return new Fault(message, at);
}

function isFault(result: MessageQuery | Fault | undefined): result is Fault {
  return result instanceof Fault;
}

function isBlankOrEnd(character: string | undefined): boolean {
  return character === undefined || BLANK.test(character);
}

function isWordEnd(character: string | undefined): boolean {
  return isBlankOrEnd(character) || character === '(' || character === ')' || character === '"';
}

function isNameCharacter(code: number): boolean {
  return (code >= 0x41 && code <= 0x5a) || (code >= 0x61 && code <= 0x7a) || code === 0x2d;
}

function assertNever(value: never): never {
  throw new Error(`Unexpected value: ${JSON.stringify(value)}`);
}

const OPERATORS: ReadonlyMap<string, SearchOperator & { readonly name: SearchOperatorName }> = new Map(
  SEARCH_OPERATORS.map((operator) => [operator.name, operator]),
);
const WORD_OPERATORS: ReadonlySet<string> = new Set(['from', 'to', 'cc', 'subject', 'body', 'filename']);
const KEYWORDS: ReadonlySet<string> = new Set(['OR', 'AND', 'NOT']);
const IS: ReadonlyMap<string, MessageQuery> = new Map([
  ['read', { kind: 'isRead' }],
  ['unread', { kind: 'not', query: { kind: 'isRead' } }],
  ['session', { kind: 'isSession' }],
]);
/** Schemes of URLs that have no slashes, and what stands before a colon in subjects. */
const WORDS_BEFORE_COLON: ReadonlySet<string> = new Set([
  ...['mailto', 'tel', 'sms', 'cid', 'mid', 'data', 'urn', 'javascript', 'about', 'blob', 'geo', 'magnet'],
  ...['re', 'fw', 'fwd', 'aw', 'wg', 'sv', 'vs', 'antw', 'localhost'],
]);
const EVERYTHING: MessageQuery = { kind: 'and', queries: [] };
/** A phrase without a word in it is nowhere. */
const NOTHING: MessageQuery = { kind: 'words', field: 'text', words: '' };

/** A store takes 256 conditions, 32 deep, and whoever asks it may have some of their own. */
const CONDITIONS_MAX = 200;
/** Each level of parentheses is at most three conditions deep: OR, AND, NOT. */
const DEPTH_MAX = 8;
/** No operator's name is longer. */
const NAME_LENGTH_MAX = 32;
const BLANK = /\s/;
/** Neither letters nor digits, and of ASCII: whoever looks for another sign alone is told the truth, that it is not found. */
const NO_WORD = /^[\0-/:-@[-`{-\x7f]*$/;
const PLAIN_WORD = /^[\p{L}\p{N}](?:[\p{L}\p{N}@._+-]*[\p{L}\p{N}])?$/u;
// RFC 5322 §2.2: printable US-ASCII but the colon.
const FIELD_NAME = /^[!-9;-~]+$/;
