/**
 * The places in a message that an address can name: a tab, and in some a line or an octet. `raw-120` is line 120 of the raw message,
 * `raw-o8312` the row of octet 8312.
 */

import { openTab } from '../state/route.js';

/** In the order in which they stand; the keys 1 to 9 and 0 open the first ten. */
export const TAB_NAMES = [
  'html',
  'text',
  'source',
  'headers',
  'raw',
  'parts',
  'attachments',
  'session',
  'tls',
  'envelope',
  'checks',
  'difference',
] as const;
export type TabName = (typeof TAB_NAMES)[number];

/** Where in a message the reader is. */
export interface Place {
  readonly tab: TabName;
  /** From 1. */
  readonly line?: number;
  /** From 0. */
  readonly offset?: number;
}

/** @returns the place that an address names; `undefined` for none of ours */
export function parsePlace(text: string | undefined): Place | undefined {
  const [, name, isOffset, number] = /^([a-z]+)(?:-(o?)(\d{1,10}))?$/.exec(text ?? '') ?? [];
  const tab = TAB_NAMES.find((known) => known === name);
  if (tab === undefined) return undefined;
  if (number === undefined) return { tab };
  if (isOffset === 'o') return { tab, offset: Number(number) };
  return Number(number) === 0 ? { tab } : { tab, line: Number(number) };
}

/** A place as an address names it. */
function formatPlace({ tab, line, offset }: Place): string {
  if (line !== undefined) return `${tab}-${line}`;
  return offset === undefined ? tab : `${tab}-o${offset}`;
}

/** Goes to a place in the open message. */
export function goTo(place: Place): void {
  openTab(formatPlace(place));
}
