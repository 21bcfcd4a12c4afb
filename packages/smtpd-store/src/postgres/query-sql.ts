/**
 * A query → SQL, as a pure function. What a user typed is only ever a bound value; of a `tsquery` it is letters and digits alone.
 *
 * Words that all have to be met become one condition on `message_words`: the index finds the messages that have them, and where they have to stand
 * together the text is looked at.
 */

import { assertNever } from '../errors.js';
import { asciiLowerCase, bindable } from '../plain-text.js';
import type { MessageQuery, TextField } from '../query.js';
import { wordsOf } from './words.js';

/** The values of a statement, by their numbers. */
export class BoundValues {
  readonly values: unknown[] = [];

  /** @returns how the value is called in the statement */
  bind(value: unknown): string {
    this.values.push(value);
    return `$${this.values.length}`;
  }
}

/** A query in the words of PostgreSQL. */
export interface CompiledQuery {
  /** A condition on the row `w` of `message_words` that all must meet; `undefined` when it names no words. */
  readonly match: string | undefined;
  /** A condition on the row `m` of `messages`. */
  readonly condition: string;
}

/** Compiles what must all be met of a query that was checked before. */
export function compileQuery(requirements: readonly MessageQuery[], schema: string, bound: BoundValues): CompiledQuery {
  const matches: string[] = [];
  const conditions: string[] = [];
  for (const part of requirements) {
    if (part.kind === 'words') matches.push(matchOf(part, bound));
    else conditions.push(conditionOf(part, schema, bound));
  }
  return {
    match: matches.length === 0 ? undefined : joined('AND', matches, 'true'),
    condition: joined('AND', conditions, 'true'),
  };
}

/** Each condition is true or false and never NULL, so that NOT means what it says. */
function conditionOf(query: MessageQuery, schema: string, bound: BoundValues): string {
  switch (query.kind) {
    case 'and':
    case 'or': {
      const conditions = query.queries.map((part) => conditionOf(part, schema, bound));
      return query.kind === 'and' ? joined('AND', conditions, 'true') : joined('OR', conditions, 'false');
    }
    case 'not':
      return `(NOT ${conditionOf(query.query, schema, bound)})`;
    case 'words':
      return `(m.id IN (SELECT w.id FROM "${schema}".message_words w WHERE ${matchOf(query, bound)}))`;
    case 'header': {
      const name = bound.bind(asciiLowerCase(bindable(query.name)));
      const contains = bound.bind(asciiLowerCase(bindable(query.contains ?? '')));
      return (
        `(EXISTS (SELECT 1 FROM "${schema}".message_facts h, unnest(h.header_names, h.header_values) AS field (name, value) ` +
        `WHERE h.id = m.id AND ${name} = ANY (h.header_names) AND field.name = ${name} AND strpos(field.value, ${contains}) > 0))`
      );
    }
    case 'isSession':
      return '(m.is_session)';
    case 'hasAttachment':
      return '(m.attachments > 0)';
    case 'isRead':
      return '(m.is_read)';
    case 'before':
      return `(m.received_at < ${bound.bind(query.time.getTime())}::float8)`;
    case 'after':
      return `(m.received_at >= ${bound.bind(query.time.getTime())}::float8)`;
    case 'larger':
      return `(m.size_bytes > ${bound.bind(query.bytes)}::float8)`;
    case 'smaller':
      return `(m.size_bytes < ${bound.bind(query.bytes)}::float8)`;
    case 'inbox':
      return `(m.inbox = ${bound.bind(query.inbox)})`;
    case 'messageId':
      return `(m.message_id IS NOT NULL AND m.message_id = ${bound.bind(bindable(query.messageId))})`;
    case 'tag':
      return `(m.tags <> '{}' AND m.tags @> ARRAY[${bound.bind(query.tag)}::text])`;
    default:
      return assertNever(query);
  }
}

/** A condition on `w`: the index has all words, and they stand together. */
function matchOf(
  { field, words, isPrefix = false }: Extract<MessageQuery, { kind: 'words' }>,
  bound: BoundValues,
): string {
  const wanted = wordsOf(words);
  if (wanted.length === 0) return 'false';
  const letters = field === 'text' ? Object.values(LETTERS) : [LETTERS[field]];
  const lexemes = wanted.map((word, index) => {
    const mayGoOn = (isPrefix && index === wanted.length - 1) || word.length > LEXEME_LENGTH_MAX;
    return `(${letters.map((letter) => `'${lexemeOf(letter, word)}'${mayGoOn ? ':*' : ''}`).join(' | ')})`;
  });
  const text = field === 'text' ? `array_to_string(w.texts, E'\\n')` : `w.texts[${FIELDS.indexOf(field) + 1}]`;
  const together = `strpos(${text}, ${bound.bind(` ${wanted.join(' ')}${isPrefix ? '' : ' '}`)}) > 0`;
  const indexed = `w.words @@ ${bound.bind(lexemes.join(' & '))}::tsquery`;
  const isWhole = wanted.length === 1 && (wanted[0]?.length ?? 0) <= LEXEME_LENGTH_MAX;
  return `((${isWhole ? indexed : `${indexed} AND ${together}`}) OR (w.words IS NULL AND ${together}))`;
}

/** What is written of a message for it to be found by its words. */
export interface SearchedWords {
  /** `null` where there are too many of them. */
  readonly lexemes: readonly string[] | null;
  readonly texts: readonly string[];
}

/** @param searched the texts of the fields, in the order of `FIELDS` */
export function searchedWords(searched: readonly string[]): SearchedWords {
  const lexemes = new Set<string>();
  const texts = FIELDS.map((field, index) => {
    const words = wordsOf(searched[index] ?? '');
    for (const word of words) lexemes.add(lexemeOf(LETTERS[field], word));
    return words.length === 0 ? '' : ` ${words.join(' ')} `;
  });
  let bytes = 0;
  for (const lexeme of lexemes) bytes += Buffer.byteLength(lexeme) + 1;
  return { lexemes: bytes > LEXEMES_BYTES_MAX ? null : [...lexemes], texts };
}

function lexemeOf(letter: string, word: string): string {
  return `${letter}${bindable(word.slice(0, LEXEME_LENGTH_MAX))}`;
}

function joined(operator: 'AND' | 'OR', conditions: readonly string[], empty: 'true' | 'false'): string {
  return conditions.length === 0 ? empty : `(${conditions.join(` ${operator} `)})`;
}

/** The fields in the order in which their texts are kept. `headers` is found everywhere, and nowhere alone. */
const FIELDS = ['subject', 'from', 'to', 'cc', 'body', 'filename', 'headers'] as const;
const LETTERS: Readonly<Record<Exclude<TextField, 'text'> | 'headers', string>> = {
  subject: 'S',
  from: 'F',
  to: 'T',
  cc: 'C',
  body: 'B',
  filename: 'N',
  headers: 'H',
};
/** A lexeme has 2,046 octets at most. Of a longer word the beginning is looked up. */
const LEXEME_LENGTH_MAX = 255;
/** All lexemes of a message have 1 MiB at most, with what belongs to each. */
const LEXEMES_BYTES_MAX = 900_000;
