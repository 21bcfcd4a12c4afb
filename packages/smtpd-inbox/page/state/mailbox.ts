/**
 * The mail that is listed: loaded page by page, kept up with the live events, loaded anew when the reader looks for something else. This
 * is where the pure list meets the server.
 */

import { computed, effect, signal, untracked } from '@preact/signals';

import type { Entry, LiveEvent, Page } from '../../src/api/model.js';
import { APIError, getMessage, listMessages, type ListRequest } from '../api.js';
import {
  appendOlder,
  applyEvents,
  EMPTY_LIST,
  listOfPage,
  prependNewer,
  putEntries,
  removeEntries,
  type EntryList,
} from './entry-list.js';
import { tellFailure } from './notices.js';
import { hasSessions } from './preferences.js';
import { route } from './route.js';

/** What is listed. */
export const list = signal<EntryList>(EMPTY_LIST);
/** Whether what is listed is what is looked for. `failed` has its reason in `problem`. */
export const phase = signal<'loading' | 'ready' | 'failed'>('loading');
/** Why there is no list, in the server's words. */
export const problem = signal<APIError | undefined>(undefined);
/** Rises when another list is shown, not when the same one changes. */
export const generation = signal(0);

/** What the list is narrowed to. */
const view = computed<Pick<ListRequest, 'query' | 'inbox' | 'hasSessions'>>(() => ({
  query: route.value.query,
  inbox: route.value.inbox,
  hasSessions: hasSessions.value,
}));
/** The same as one word: the route changes for other reasons, too. */
const viewKey = computed(() => JSON.stringify(view.value));

/** Events since the earliest question that is still open; each question knows where its own begin. */
let heard: LiveEvent[] = [];
let openQuestions = 0;
/** Stops what was asked for another view. */
let viewAbort = new AbortController();

/** Loads the list whenever something else is looked for. @returns how to stop */
export function followView(): () => void {
  return effect(() => {
    // Read, so that it is followed.
    if (viewKey.value !== '') untracked(() => void openView());
  });
}

async function openView(): Promise<void> {
  viewAbort.abort();
  viewAbort = new AbortController();
  phase.value = 'loading';
  isLoadingOlder = false;
  const isDone = await question((signal) => listMessages({ ...view.value, limit: PAGE_ENTRIES }, signal), listOfPage);
  if (isDone) generation.value++;
}

let isLoadingOlder = false;

/** Loads what comes below, when there is more. */
export async function loadOlder(): Promise<void> {
  const { older } = list.value;
  if (older === undefined || isLoadingOlder || phase.value !== 'ready') return;
  isLoadingOlder = true;
  await question(
    (signal) => listMessages({ ...view.value, before: older, limit: PAGE_ENTRIES }, signal),
    // The list may have been loaded anew, and end somewhere else.
    (page) => (list.value.older === older ? appendOlder(list.value, page) : list.value),
  );
  isLoadingOlder = false;
}

/** Looks again, as deep as the reader has got; what stands there stands until all has come. */
export async function reload(): Promise<void> {
  const depth = Math.min(Math.max(list.value.entries.length, PAGE_ENTRIES), RELOAD_ENTRIES_MAX);
  await question(
    async (signal) => {
      let fresh = listOfPage(await listMessages({ ...view.value, limit: Math.min(depth, LIMIT_MAX) }, signal));
      while (fresh.older !== undefined && fresh.entries.length < depth) {
        const request = { ...view.value, before: fresh.older, limit: LIMIT_MAX };
        fresh = appendOlder(fresh, await listMessages(request, signal));
      }
      return fresh;
    },
    (fresh) => fresh,
  );
}

/** Asks for what a search finds of the mail that came since: only the server can judge that. */
async function catchUp(): Promise<void> {
  const { newer } = list.value;
  if (newer === undefined) return;
  let page: Page | undefined;
  await question(
    async (signal) => (page = await listMessages({ ...view.value, after: newer, limit: LIMIT_MAX }, signal)),
    (fresh) => prependNewer(list.value, fresh),
  );
  if (page?.entries.length === LIMIT_MAX) await catchUp();
}

/** Asks for entries that are others now. */
async function lookUp(ids: readonly string[]): Promise<void> {
  // One by one they would cost more than the list.
  if (ids.length > LOOK_UPS_MAX) return reload();
  await question(
    (signal) => Promise.all(ids.map((id) => entryOf(id, signal))),
    (entries) => {
      const found = entries.filter((entry) => entry !== undefined);
      const gone = ids.filter((id) => !found.some((entry) => entry.id === id));
      // A search may no longer find them; they stay where they are until it is made again.
      return putEntries(removeEntries(list.value, gone), found.filter(isOfView));
    },
  );
}

async function entryOf(id: string, signal: AbortSignal): Promise<Entry | undefined> {
  try {
    return (await getMessage(id, signal)).entry;
  } catch (error) {
    if (error instanceof APIError && error.code === 'NOT_FOUND') return undefined;
    throw error;
  }
}

/**
 * Asks the server, and makes a list of the answer: with what was heard since it was asked.
 *
 * @returns whether there was an answer, and it is still of use
 */
async function question<Answer>(
  ask: (signal: AbortSignal) => Promise<Answer>,
  listOf: (answer: Answer) => EntryList,
): Promise<boolean> {
  const { signal } = viewAbort;
  const since = heard.length;
  openQuestions++;
  try {
    const answer = await ask(signal);
    if (signal.aborted) return false;
    const applied = applyEvents(listOf(answer), heard.slice(since), admits);
    list.value = applied.list;
    problem.value = undefined;
    phase.value = 'ready';
    if (applied.stale.length > 0) void lookUp(applied.stale);
    return true;
  } catch (error) {
    if (signal.aborted) return false;
    // What is there stays; only a list that never came is missing.
    if (phase.value === 'loading') {
      phase.value = 'failed';
      problem.value = error instanceof APIError ? error : new APIError('UNKNOWN', String(error));
    } else {
      tellFailure(error);
    }
    return false;
  } finally {
    openQuestions--;
    if (openQuestions === 0) heard = [];
  }
}

/** Without a search the page knows which mail belongs to the list; with one, only the server does. */
function admits(entry: Entry): boolean {
  return view.value.query === '' && isOfView(entry);
}

function isOfView(entry: Entry): boolean {
  const { inbox, hasSessions: areSessionsListed, query } = view.value;
  if (inbox !== undefined && entry.inbox !== inbox) return false;
  return areSessionsListed || entry.kind === 'message' || query !== '';
}

let waiting: LiveEvent[] = [];
let flushTimer: ReturnType<typeof setTimeout> | undefined;

/** Takes an event. What comes within a moment is shown at once. */
export function hear(event: LiveEvent): void {
  waiting.push(event);
  // Not by animation frame: a page in the background has none.
  flushTimer ??= setTimeout(flush, FLUSH_DELAY_MS);
}

function flush(): void {
  flushTimer = undefined;
  const events = waiting;
  waiting = [];
  if (openQuestions > 0) heard.push(...events);
  if (events.some(({ kind }) => kind === 'missed')) {
    void reload();
    return;
  }
  // Only what the page changed itself is known already: what was brought back is not, whatever was done with it before.
  const news = events.map((event) =>
    event.kind === 'changed' ? { ...event, ids: event.ids.filter((id) => !isExpected(id)) } : event,
  );
  const { list: next, stale } = applyEvents(list.value, news, admits);
  list.value = next;
  const isSearch = view.value.query !== '';
  if (isSearch && events.some(({ kind }) => kind === 'restored')) void reload();
  else if (stale.length > 0) void lookUp(stale);
  if (isSearch && events.some(({ kind }) => kind === 'added')) scheduleCatchUp();
}

let catchUpTimer: ReturnType<typeof setTimeout> | undefined;

function scheduleCatchUp(): void {
  catchUpTimer ??= setTimeout(() => {
    catchUpTimer = undefined;
    void catchUp();
  }, CATCH_UP_DELAY_MS);
}

/** Changes that the page made itself: it knows already what the event will tell. */
const expected = new Map<string, number>();

/** Says that an event about these entries is about to come, and that the list shows already what it tells. */
export function expectChange(ids: readonly string[]): void {
  const until = Date.now() + EXPECTED_MS;
  for (const id of ids) expected.set(id, until);
}

function isExpected(id: string): boolean {
  const until = expected.get(id) ?? 0;
  expected.delete(id);
  return until >= Date.now();
}

/** Shows entries as they will be once the server has done what it was asked. */
export function showChanged(ids: readonly string[], change: (entry: Entry) => Entry): void {
  const wanted = new Set(ids);
  list.value = {
    ...list.value,
    entries: list.value.entries.map((entry) => (wanted.has(entry.id) ? change(entry) : entry)),
  };
}

/** Shows the list without entries that are about to be deleted. */
export function showRemoved(ids: readonly string[]): void {
  list.value = removeEntries(list.value, ids);
}

const PAGE_ENTRIES = 200;
/** The server gives no more at once. */
const LIMIT_MAX = 1000;
const RELOAD_ENTRIES_MAX = 5000;
const LOOK_UPS_MAX = 20;
const FLUSH_DELAY_MS = 40;
const CATCH_UP_DELAY_MS = 250;
const EXPECTED_MS = 2000;
