/** A part of a list as it is asked for, checked once; and as it is given back. */

import { StoreError } from './errors.js';
import { storedMessage, type MessageRow } from './message-parts.js';
import { checkName } from './names.js';
import { formatPlace, parsePlace } from './place.js';
import { checkQuery, type MessageQuery } from './query.js';
import type { ListOptions, Page } from './store.js';

/** What an engine is asked for. */
export interface ListRequest {
  /** What must all be met, none of it an AND. */
  readonly requirements: readonly MessageQuery[];
  readonly before: number | undefined;
  readonly after: number | undefined;
  readonly limit: number;
}

/** @throws {@link StoreError} when it cannot be answered */
export function listRequest({ inbox, query, before, after, limit = 50 }: ListOptions): ListRequest {
  if (!Number.isInteger(limit) || limit < 1 || limit > PAGE_MESSAGES_MAX) {
    throw new StoreError('STORE_BAD_OPTION', `limit is a whole number from 1 to ${PAGE_MESSAGES_MAX}, not ${limit}`);
  }
  if (before !== undefined && after !== undefined) {
    throw new StoreError('STORE_BAD_OPTION', 'A list is read before a place or after one, not both');
  }
  if (inbox !== undefined) checkName('inbox', inbox);
  if (query !== undefined) checkQuery(query);
  return {
    requirements: [
      ...(query === undefined ? [] : requirementsOf(query)),
      ...(inbox === undefined ? [] : [{ kind: 'inbox', inbox } as const]),
    ],
    before: parsePlace(before),
    after: parsePlace(after),
    limit,
  };
}

/** An AND taken apart. */
function requirementsOf(query: MessageQuery): readonly MessageQuery[] {
  return query.kind === 'and' ? query.queries.flatMap(requirementsOf) : [query];
}

/** The rows that were found, newest first. */
export function pageOf({ before, after }: ListRequest, rows: readonly MessageRow[], hasMore: boolean): Page {
  const first = rows[0]?.id;
  const last = rows.at(-1)?.id;
  return {
    messages: rows.map(storedMessage),
    ...(last !== undefined && (hasMore || after !== undefined) ? { older: formatPlace(last) } : {}),
    // What lies at the place of `before` is newer than all before it.
    newer: formatPlace(first ?? after ?? (before === undefined ? 0 : before - 1)),
  };
}

/** How many messages a list gives at once. */
const PAGE_MESSAGES_MAX = 1_000;
