/** How much there is in all, of how much there is in each inbox. */

import type { Counts, StoreCounts } from './store.js';

export function storeCounts(inboxes: readonly (readonly [inbox: string, counts: Counts])[]): StoreCounts {
  const sum = (name: keyof Counts): number => inboxes.reduce((total, [, counts]) => total + counts[name], 0);
  return {
    messages: sum('messages'),
    unread: sum('unread'),
    bytes: sum('bytes'),
    inboxes: Object.fromEntries(inboxes),
  };
}
