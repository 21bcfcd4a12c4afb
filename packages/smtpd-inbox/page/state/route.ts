/**
 * Where the reader is: the address behind `#`, as a signal. It is the only state that the address bar, the back button and a link from
 * somewhere else can change; what is shown follows from it.
 *
 *     #/                          the list
 *     #/message/<id>              a message, at its first tab
 *     #/message/<id>/<tab>        a message, at a tab
 *     #/message/<id>/<tab>?inbox=<name>&q=<search>     the same, with the list narrowed
 *
 * `page/message/` decides what tabs there are: it reads `route.value.tab` (absent: its first) and calls `openTab`. The rest of the
 * page calls `openMessage`, `closeMessage` and `narrow`.
 */

import { signal, type ReadonlySignal } from '@preact/signals';

/** A place in the page. */
export interface Route {
  /** The message that is open. */
  readonly messageId?: string;
  /** The tab it is open at. */
  readonly tab?: string;
  /** The inbox whose mail is listed; absent for all. */
  readonly inbox?: string;
  /** What is searched for; `''` for nothing. */
  readonly query: string;
}

const current = signal<Route>(parseRoute(location.hash));

/** Where the reader is. */
export const route: ReadonlySignal<Route> = current;

/** Shows the open message at a tab. The back button goes where the reader was before the message, not through its tabs. */
export function openTab(tab: string): void {
  go({ ...current.value, tab }, { replace: true });
}

/** Opens a message. From one to the next the tab stays, and the history has the last one only. */
export function openMessage(messageId: string): void {
  go({ ...current.value, messageId }, { replace: current.value.messageId !== undefined });
}

/** Goes back to the list. */
export function closeMessage(): void {
  const { messageId: _messageId, tab: _tab, ...rest } = current.value;
  go(rest, { replace: false });
}

/** Narrows the list to an inbox (absent: all) and a search. The open message stays open. `isTyping`: the history has the last one only. */
export function narrow(
  to: { readonly inbox?: string | undefined; readonly query: string },
  { isTyping = false }: { readonly isTyping?: boolean } = {},
): void {
  const { inbox: _inbox, ...rest } = current.value;
  go({ ...rest, query: to.query, ...(to.inbox === undefined ? {} : { inbox: to.inbox }) }, { replace: isTyping });
}

/** @returns where an address leads; what cannot be read is the list */
export function parseRoute(hash: string): Route {
  const [path = '', search = ''] = hash.replace(/^#/, '').split(/\?(.*)/s);
  const parameters = new URLSearchParams(search);
  const [, place, messageId, tab] = path.split('/').map(decode);
  const inbox = parameters.get('inbox');
  return {
    ...(place === 'message' && messageId ? { messageId } : {}),
    ...(place === 'message' && messageId && tab ? { tab } : {}),
    ...(inbox === null ? {} : { inbox }),
    query: parameters.get('q') ?? '',
  };
}

/** The address of a place, with its `#`. */
export function formatRoute(place: Route): string {
  const parameters = new URLSearchParams();
  if (place.inbox !== undefined) parameters.set('inbox', place.inbox);
  if (place.query !== '') parameters.set('q', place.query);
  const path = ['message', place.messageId, place.tab]
    .filter((part) => part !== undefined)
    .map(encodeURIComponent)
    .join('/');
  const search = parameters.toString();
  return `#/${place.messageId === undefined ? '' : path}${search === '' ? '' : `?${search}`}`;
}

/** Follows the address bar and the back button. @returns how to stop */
export function followAddress(): () => void {
  const read = () => {
    current.value = parseRoute(location.hash);
  };
  addEventListener('popstate', read);
  addEventListener('hashchange', read);
  return () => {
    removeEventListener('popstate', read);
    removeEventListener('hashchange', read);
  };
}

function go(place: Route, { replace }: { replace: boolean }): void {
  const address = formatRoute(place);
  if (address !== formatRoute(current.value)) history[replace ? 'replaceState' : 'pushState'](null, '', address);
  current.value = place;
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return '';
  }
}
