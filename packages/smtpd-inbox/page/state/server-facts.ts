/** What the server says of itself and of all mail: facts, counts, inboxes. Asked for again whenever they may be others. */

import { signal } from '@preact/signals';

import type { Counts, Inbox, Info } from '../../src/api/model.js';
import { getCounts, getInfo, listInboxes } from '../api.js';

export const info = signal<Info | undefined>(undefined);
export const counts = signal<Counts | undefined>(undefined);
export const inboxes = signal<readonly Inbox[]>([]);

export async function loadFacts(): Promise<void> {
  await Promise.allSettled([loadInfo(), loadInboxes(), loadCounts()]);
}

async function loadInfo(): Promise<void> {
  info.value = await getInfo();
}

export async function loadInboxes(): Promise<void> {
  inboxes.value = await listInboxes();
}

export async function loadCounts(): Promise<void> {
  counts.value = await getCounts();
}

let timer: ReturnType<typeof setTimeout> | undefined;

/** Counts are asked for once for all that happens within a moment. */
export function countsMayHaveChanged(): void {
  timer ??= setTimeout(() => {
    timer = undefined;
    // What failed is asked for with the next event; that the server is away is told by the stream.
    loadCounts().catch(() => undefined);
  }, COUNTS_DELAY_MS);
}

const COUNTS_DELAY_MS = 200;
