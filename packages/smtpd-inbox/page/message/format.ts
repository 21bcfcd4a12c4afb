/** Figures and times as people read them. */

/** A count with its groups of three. */
export function formatCount(count: number): string {
  return COUNT.format(count);
}

/** Milliseconds: `0.4 ms`, `38 ms`, `1.24 s`, `3 min 20 s`. */
export function formatDuration(ms: number): string {
  if (ms < 9.95) return `${ms.toFixed(1)} ms`;
  if (ms < 999.5) return `${ms.toFixed(0)} ms`;
  if (ms < 59_995) return `${(ms / 1000).toFixed(2)} s`;
  const seconds = Math.round(ms / 1000);
  return `${formatCount(Math.floor(seconds / 60))} min ${seconds % 60} s`;
}

/** A moment in the reader's zone, to the second. */
export function formatMoment(time: string): string {
  const moment = new Date(time);
  return Number.isNaN(moment.getTime()) ? time : MOMENT.format(moment);
}

/** A share of 1 in whole per cent. */
export function formatShare(share: number): string {
  return `${(share * 100).toFixed(0)} %`;
}

const COUNT = new Intl.NumberFormat('en');
const MOMENT = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'medium' });
