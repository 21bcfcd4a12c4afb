/** Figures as a reader wants them: medians, ratios, few digits, tables of Markdown. */

/** The middle of some values and how far they lie apart; `undefined` of none. */
export function spread(values) {
  if (values.length === 0) return undefined;
  const sorted = values.toSorted((one, other) => one - other);
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  return { median, min: sorted[0], max: sorted.at(-1) };
}

/** A table of Markdown, as lines. */
export function table(head, rows) {
  return [head, head.map((_, column) => (column === 0 ? '---' : '--:')), ...rows].map(
    (cells) => `| ${cells.join(' | ')} |`,
  );
}

/** How many times one value is another; `undefined` where one of them is not there. */
export function ratioOf(value, base) {
  return value === undefined || base === undefined || base === 0 ? undefined : value / base;
}

export function ratio(value, base) {
  return ratioOf(value, base)?.toFixed(2) ?? '–';
}

export function percent(value) {
  return value === undefined || Number.isNaN(value) ? '–' : `${Math.round(value * 100)} %`;
}

/** Three figures that count. */
export function number(value) {
  if (value === undefined) return '–';
  if (value >= 100) return Math.round(value).toLocaleString('en-US');
  return value >= 10 ? value.toFixed(1) : value >= 1 ? value.toFixed(2) : value.toFixed(3);
}
