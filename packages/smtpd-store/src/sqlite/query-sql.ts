/**
 * A query → SQL, as a pure function. What a user typed is only ever a bound value, or a quoted phrase inside the bound value of
 * MATCH: neither SQL nor the full-text language can be reached from it.
 *
 * Words that all have to be met go into one MATCH, which walks from the newest message on and stops when the page is full; so do the
 * names of header fields, which leave few messages to look into. Below OR and NOT the other conditions have to be met as well, and words
 * become sets of messages.
 */

import { assertNever } from '../errors.js';
import { asciiLowerCase, bindable } from '../plain-text.js';
import type { MessageQuery, TextField } from '../query.js';
import type { SQLValue } from './driver.js';

/** A query in the words of SQLite. */
export interface CompiledQuery {
  /** What all messages must match; `undefined` when it names no words. */
  readonly match: string | undefined;
  /** A condition on the row `m` of `messages`. */
  readonly condition: string;
  readonly values: readonly SQLValue[];
}

/** Compiles what must all be met of a query that was checked before. */
export function compileQuery(requirements: readonly MessageQuery[]): CompiledQuery {
  const values: SQLValue[] = [];
  const phrases: string[] = [];
  const conditions: string[] = [];
  const isNarrow = requirements.some(({ kind }) => kind === 'inbox' || kind === 'messageId' || kind === 'tag');
  for (const part of requirements) {
    if (part.kind === 'words') {
      phrases.push(phraseOf(part));
      continue;
    }
    // A plus keeps SQLite from the index of the kinds where another one leaves less.
    const condition = conditionOf(part, values);
    conditions.push(isNarrow ? condition.replace(/^\(m\.is_session/, '(+m.is_session') : condition);
    if (part.kind === 'header' && /[a-z0-9]/i.test(part.name)) phrases.push(`headers : ${quoted(part.name)}`);
  }
  return {
    match: phrases.length === 0 ? undefined : phrases.join(' AND '),
    condition: joined('AND', conditions, '1'),
    values,
  };
}

/** Each condition is 0 or 1 and never NULL, so that NOT means what it says. */
function conditionOf(query: MessageQuery, values: SQLValue[]): string {
  const bind = (value: SQLValue): string => {
    values.push(value);
    return '?';
  };
  switch (query.kind) {
    case 'and':
      return joined(
        'AND',
        query.queries.map((part) => conditionOf(part, values)),
        '1',
      );
    case 'or':
      return joined(
        'OR',
        query.queries.map((part) => conditionOf(part, values)),
        '0',
      );
    case 'not':
      // Most lists are of messages alone: in these words there is an index for it.
      if (query.query.kind === 'isSession') return '(m.is_session = 0)';
      return `(NOT ${conditionOf(query.query, values)})`;
    case 'words':
      return `(m.id IN (SELECT rowid FROM message_words WHERE message_words MATCH ${bind(phraseOf(query))}))`;
    case 'header': {
      const text = asciiLowerCase(bindable(query.contains ?? ''));
      // Whether it stands anywhere in the facts is soon seen; where it does is for the few.
      const anywhere = bind(JSON.stringify(text).slice(1, -1));
      const name = bind(asciiLowerCase(bindable(query.name)));
      const contains = bind(text);
      return (
        `(EXISTS (SELECT 1 FROM message_facts f, ` +
        `json_each(coalesce(f.facts -> '$.searchedHeaders', f.facts -> '$.summary.headers')) AS field ` +
        `WHERE f.id = m.id AND instr(lower(f.facts), ${anywhere}) > 0 AND lower(field.value ->> 0) = ${name} AND instr(lower(field.value ->> 1), ${contains}) > 0))`
      );
    }
    case 'isSession':
      return '(m.is_session = 1)';
    case 'hasAttachment':
      return '(m.attachments > 0)';
    case 'isRead':
      return '(m.is_read = 1)';
    case 'before':
      return `(m.received_at < ${bind(query.time.getTime())})`;
    case 'after':
      return `(m.received_at >= ${bind(query.time.getTime())})`;
    case 'larger':
      return `(m.size_bytes > ${bind(query.bytes)})`;
    case 'smaller':
      return `(m.size_bytes < ${bind(query.bytes)})`;
    case 'inbox':
      return `(m.inbox = ${bind(query.inbox)})`;
    case 'messageId':
      return `(m.message_id IS NOT NULL AND m.message_id = ${bind(bindable(query.messageId))})`;
    case 'tag':
      return `(m.id IN (SELECT id FROM message_tags WHERE tag = ${bind(query.tag)}))`;
    default:
      return assertNever(query);
  }
}

/** A phrase in the full-text language: within quotes only the quote means anything. One without a word matches nothing. */
function phraseOf({ field, words, isPrefix }: Extract<MessageQuery, { kind: 'words' }>): string {
  const column = COLUMNS[field];
  return `${column === undefined ? '' : `${column} : `}${quoted(words)}${isPrefix === true ? ' *' : ''}`;
}

function quoted(words: string): string {
  return `"${bindable(words).replaceAll('"', '""')}"`;
}

function joined(operator: 'AND' | 'OR', conditions: readonly string[], empty: '0' | '1'): string {
  return conditions.length === 0 ? empty : `(${conditions.join(` ${operator} `)})`;
}

const COLUMNS: Readonly<Record<TextField, string | undefined>> = {
  text: undefined,
  from: 'sender',
  to: 'recipient',
  cc: 'copied',
  subject: 'subject',
  body: 'body',
  filename: 'filename',
};
