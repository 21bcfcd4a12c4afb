/** Which entries the reader means: the one under the cursor, and those that are selected. */

import { computed, signal } from '@preact/signals';

import type { Entry } from '../../src/api/model.js';
import { findEntry, indexOfEntry } from './entry-list.js';
import { list } from './mailbox.js';
import { openMessage, route } from './route.js';

/** The entry that the keyboard is at. */
export const cursorId = signal<string | undefined>(route.value.messageId);
export const selectedIds = signal<ReadonlySet<string>>(new Set());
/** Where a range begins. */
let anchorId: string | undefined;

/** The entries that a command is about: those selected, or else the one that is open, or else the one under the cursor. */
export const targetIds = computed<readonly string[]>(() => {
  if (selectedIds.value.size > 0) return [...selectedIds.value];
  const id = route.value.messageId ?? cursorId.value;
  return id === undefined ? [] : [id];
});

/** The same, as far as they are loaded. */
export const targets = computed<readonly Entry[]>(() =>
  targetIds.value.flatMap((id) => findEntry(list.value, id) ?? []),
);

/** Where the cursor stands in the list; -1 for nowhere. */
export function cursorIndex(): number {
  const id = cursorId.value;
  if (id === undefined) return -1;
  const index = indexOfEntry(list.value.entries, id);
  return list.value.entries[index]?.id === id ? index : -1;
}

/** Moves the cursor. Where a message is open, the next one opens. */
export function moveCursor(to: { readonly by: number } | { readonly index: number }, isExtending = false): void {
  const { entries } = list.value;
  const from = cursorIndex();
  const wanted = 'by' in to ? (from < 0 ? 0 : from + to.by) : to.index;
  const entry = entries[Math.max(0, Math.min(entries.length - 1, wanted))];
  if (entry === undefined) return;
  const previous = cursorId.value;
  cursorId.value = entry.id;
  if (isExtending) {
    anchorId ??= previous ?? entry.id;
    selectRange(entry.id);
  } else if (route.value.messageId !== undefined) {
    openMessage(entry.id);
  }
}

/** Opens an entry. */
export function openEntry(id: string): void {
  cursorId.value = id;
  openMessage(id);
}

/** Selects an entry, or no longer. */
export function toggleSelected(id: string): void {
  const next = new Set(selectedIds.value);
  if (!next.delete(id)) next.add(id);
  selectedIds.value = next;
  cursorId.value = id;
  anchorId = id;
}

/** Selects everything from where the last selection began up to an entry. */
export function selectRange(id: string): void {
  const { entries } = list.value;
  anchorId ??= cursorId.value ?? id;
  const [from = 0, to = 0] = [indexOfEntry(entries, anchorId), indexOfEntry(entries, id)].sort((a, b) => a - b);
  selectedIds.value = new Set(entries.slice(from, to + 1).map((entry) => entry.id));
  cursorId.value = id;
}

/** Selects all that is loaded. */
export function selectAll(): void {
  selectedIds.value = new Set(list.value.entries.map(({ id }) => id));
}

export function clearSelection(): void {
  anchorId = undefined;
  if (selectedIds.value.size > 0) selectedIds.value = new Set();
}
