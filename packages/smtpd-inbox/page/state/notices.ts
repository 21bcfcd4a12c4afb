/** What is told at the edge of the page for a while: what was done and can be undone, and what went wrong. */

import { signal } from '@preact/signals';

import { reasonOf } from '../api.js';

/** Something told. */
export interface Notice {
  readonly id: number;
  readonly kind: 'done' | 'failed';
  readonly text: string;
  /** What can be done about it. */
  readonly action?: { readonly label: string; readonly run: () => void };
}

/** What is told now, the oldest first. */
export const notices = signal<readonly Notice[]>([]);
/** What is said to those who hear the page. */
export const announcement = signal('');

let lastId = 0;

/** Tells something for ten seconds. @returns how to take it back */
export function tell(notice: Omit<Notice, 'id'>): () => void {
  const id = ++lastId;
  const dismiss = () => {
    clearTimeout(timer);
    dismissNotice(id);
  };
  notices.value = [...notices.value.slice(-2), { ...notice, id }];
  const timer = setTimeout(dismiss, NOTICE_MS);
  return dismiss;
}

/** Tells that something failed. */
export function tellFailure(error: unknown): void {
  tell({ kind: 'failed', text: reasonOf(error) });
}

export function dismissNotice(id: number): void {
  notices.value = notices.value.filter((each) => each.id !== id);
}

/** How long something that was deleted can be brought back by one press. */
const NOTICE_MS = 10_000;
