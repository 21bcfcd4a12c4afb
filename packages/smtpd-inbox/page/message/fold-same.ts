/** A difference without the long stretches that are the same in both. */

import type { Difference } from '../../src/api/model.js';

type Line = Difference['sections'][number]['lines'][number];

/** Lines to show, or how many are left out. */
export type Stretch =
  { readonly kind: 'lines'; readonly lines: readonly Line[] } | { readonly kind: 'folded'; readonly count: number };

/** Leaves out what is the same, except for a few lines beside each change. */
export function foldSame(lines: readonly Line[], contextLines = 3): readonly Stretch[] {
  const stretches: Stretch[] = [];
  let shown: Line[] = [];
  let at = 0;
  while (at < lines.length) {
    let end = at;
    while (lines[end]?.kind === 'same') end += 1;
    const before = at === 0 ? 0 : contextLines;
    const after = end === lines.length ? 0 : contextLines;
    const left = end - at - before - after;
    // One line takes as much room as the word that it is left out.
    if (left > 1) {
      shown.push(...lines.slice(at, at + before));
      if (shown.length > 0) stretches.push({ kind: 'lines', lines: shown });
      stretches.push({ kind: 'folded', count: left });
      shown = [...lines.slice(end - after, end)];
    } else shown.push(...lines.slice(at, end));
    at = end;
    for (let line = lines[at]; line !== undefined && line.kind !== 'same'; line = lines[at]) {
      shown.push(line);
      at += 1;
    }
  }
  if (shown.length > 0) stretches.push({ kind: 'lines', lines: shown });
  return stretches;
}
