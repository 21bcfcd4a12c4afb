/**
 * The list as the page holds it: what was loaded, newest first, and where to go on. Pure: pages and live events in, lists out; what has
 * to be asked for is said, and asked for elsewhere.
 *
 * A page is what the server had when it was asked; events may have come since. Whoever merges a page therefore applies the events since
 * the question again: each of them may be applied twice, and the last word on an entry is always the latest.
 */

import type { Entry, LiveEvent, Page } from '../../src/api/model.js';

/** What was loaded. */
export interface EntryList {
  /** Newest first; no id stands there twice. */
  readonly entries: readonly Entry[];
  /** The place below what was loaded; absent when there is no more. */
  readonly older?: string;
  /** Down to here everything was loaded, also when the entry of that id has gone since; absent when there is no more. */
  readonly lowestId?: string;
  /** A place above which nothing is missing but what events told. */
  readonly newer?: string;
}

/** A list, and the entries of which it is known only that they are others now. */
export interface AppliedEvents {
  readonly list: EntryList;
  /** To be asked for, and put. */
  readonly stale: readonly string[];
}

/** What the list is narrowed to. */
export type Admits = (entry: Entry) => boolean;

export const EMPTY_LIST: EntryList = { entries: [] };

/** The first page. */
export function listOfPage({ entries, older, newer }: Page): EntryList {
  return { entries, newer, ...lowerEnd(entries, older) };
}

/** A page from below. */
export function appendOlder(list: EntryList, page: Page): EntryList {
  const { older: _older, lowestId: _lowestId, ...rest } = list;
  return { ...rest, entries: mergeEntries(list.entries, page.entries), ...lowerEnd(page.entries, page.older) };
}

/** Where a list ends that goes on. */
function lowerEnd(entries: readonly Entry[], older: string | undefined): Pick<EntryList, 'older' | 'lowestId'> {
  const last = entries.at(-1);
  return older === undefined || last === undefined ? {} : { older, lowestId: last.id };
}

/** A page from above. */
export function prependNewer(list: EntryList, page: Page): EntryList {
  return { ...list, entries: mergeEntries(list.entries, page.entries), newer: page.newer };
}

/** Entries as they are now. One that belongs below what was loaded comes with its page. */
export function putEntries(list: EntryList, entries: readonly Entry[]): EntryList {
  const { lowestId } = list;
  const shown = lowestId === undefined ? entries : entries.filter(({ id }) => id === lowestId || isNewer(id, lowestId));
  return shown.length === 0 ? list : { ...list, entries: mergeEntries(list.entries, shown) };
}

/** Takes entries out. */
export function removeEntries(list: EntryList, ids: readonly string[]): EntryList {
  const gone = new Set(ids);
  const entries = list.entries.filter(({ id }) => !gone.has(id));
  return entries.length === list.entries.length ? list : { ...list, entries };
}

/** What live events make of a list, in their order. `admits` decides which new mail belongs to it. */
export function applyEvents(list: EntryList, events: readonly LiveEvent[], admits: Admits): AppliedEvents {
  const stale = new Set<string>();
  let next = list;
  // Mail comes in bursts: what comes together is put together.
  let added: Entry[] = [];
  const settle = () => {
    if (added.length > 0) next = putEntries(next, added);
    added = [];
  };
  for (const event of events) {
    switch (event.kind) {
      case 'added':
        if (admits(event.entry)) added.push(event.entry);
        break;
      case 'changed':
        settle();
        for (const id of event.ids) if (hasEntry(next, id)) stale.add(id);
        break;
      case 'deleted':
        settle();
        next = removeEntries(next, event.ids);
        for (const id of event.ids) stale.delete(id);
        break;
      case 'restored':
        settle();
        for (const id of event.ids) stale.add(id);
        break;
      case 'settings':
      case 'missed':
        break;
    }
  }
  settle();
  return { list: next, stale: [...stale] };
}

/** Where an entry stands, or would stand: how many are newer than it. */
export function indexOfEntry(entries: readonly Entry[], id: string): number {
  let low = 0;
  let high = entries.length;
  // Everything before `low` is newer; nothing from `high` on is.
  while (low < high) {
    const middle = (low + high) >>> 1;
    const entry = entries[middle];
    if (entry !== undefined && isNewer(entry.id, id)) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** @returns the entry of that id, where it was loaded */
export function findEntry(list: EntryList, id: string | undefined): Entry | undefined {
  if (id === undefined) return undefined;
  const entry = list.entries[indexOfEntry(list.entries, id)];
  return entry?.id === id ? entry : undefined;
}

function hasEntry(list: EntryList, id: string): boolean {
  return findEntry(list, id) !== undefined;
}

/** Ids rise as mail comes: the longer one is newer, and of two of one length the one that is later in the alphabet. */
export function isNewer(one: string, other: string): boolean {
  return one.length === other.length ? one > other : one.length > other.length;
}

/** Two lists as one; where both have an entry, the second one's holds. */
function mergeEntries(ours: readonly Entry[], theirs: readonly Entry[]): readonly Entry[] {
  const sorted = [...theirs].sort((one, other) => (one.id === other.id ? 0 : isNewer(one.id, other.id) ? -1 : 1));
  const merged: Entry[] = [];
  let at = 0;
  for (const [index, entry] of sorted.entries()) {
    // Of one entry twice, the later one holds.
    if (sorted[index + 1]?.id === entry.id) continue;
    for (; at < ours.length; at++) {
      const own = ours[at];
      if (own === undefined || !isNewer(own.id, entry.id)) break;
      merged.push(own);
    }
    if (ours[at]?.id === entry.id) at++;
    merged.push(entry);
  }
  return at < ours.length ? merged.concat(ours.slice(at)) : merged;
}
