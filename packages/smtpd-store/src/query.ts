/**
 * What can be asked of a store, as data. The syntax that people type is parsed elsewhere; here is only what it means.
 *
 * Words are compared without case and without diacritics, as the tokenizer `unicode61` cuts them: letters and digits are words,
 * everything else stands between them. A script that is written without blanks (Chinese, Japanese, Thai) is one long word up to its
 * next punctuation mark; `isPrefix` finds it by its beginning. Diacritics matter outside the Latin script.
 */

import { StoreError } from './errors.js';
import { checkName } from './names.js';

/** Where words are looked for. `text` is everywhere. `from` and `to` are header and envelope alike, so that Bcc is found. */
export type TextField = 'text' | 'from' | 'to' | 'cc' | 'subject' | 'body' | 'filename';

/** A condition on messages. */
export type MessageQuery =
  | { readonly kind: 'and' | 'or'; readonly queries: readonly MessageQuery[] }
  | { readonly kind: 'not'; readonly query: MessageQuery }
  /** The words stand there, one after the other. With `isPrefix` the last may go on. No word at all is nowhere. */
  | { readonly kind: 'words'; readonly field: TextField; readonly words: string; readonly isPrefix?: boolean }
  /** There is such a field whose value contains `contains`; ASCII letters are compared without case. */
  | { readonly kind: 'header'; readonly name: string; readonly contains?: string }
  | { readonly kind: 'hasAttachment' }
  /** A session that ended without a message. */
  | { readonly kind: 'isSession' }
  | { readonly kind: 'isRead' }
  /** Received before this time. */
  | { readonly kind: 'before'; readonly time: Date }
  /** Received at this time or after. */
  | { readonly kind: 'after'; readonly time: Date }
  | { readonly kind: 'larger'; readonly bytes: number }
  | { readonly kind: 'smaller'; readonly bytes: number }
  | { readonly kind: 'inbox'; readonly inbox: string }
  /** Exactly this Message-ID, with its brackets. */
  | { readonly kind: 'messageId'; readonly messageId: string }
  | { readonly kind: 'tag'; readonly tag: string };

/** Turns away a query that no engine could answer. @throws {@link StoreError} when it is too large or too deep */
export function checkQuery(query: MessageQuery): void {
  let conditions = 0;
  const visit = (each: MessageQuery, depth: number): void => {
    conditions += 1;
    if (conditions > QUERY_CONDITIONS_MAX) {
      throw new StoreError('STORE_BAD_OPTION', `A query has at most ${QUERY_CONDITIONS_MAX} conditions`);
    }
    if (depth > QUERY_DEPTH_MAX) {
      throw new StoreError('STORE_BAD_OPTION', `A query is at most ${QUERY_DEPTH_MAX} conditions deep`);
    }
    if (each.kind === 'inbox') checkName('inbox', each.inbox);
    if (each.kind === 'tag') checkName('tag', each.tag);
    if (each.kind === 'not') visit(each.query, depth + 1);
    else if (each.kind === 'and' || each.kind === 'or') for (const part of each.queries) visit(part, depth + 1);
  };
  visit(query, 1);
}

/** How many conditions a query may have, the joining ones included. */
const QUERY_CONDITIONS_MAX = 256;
/** How deep they may be nested. */
const QUERY_DEPTH_MAX = 32;
