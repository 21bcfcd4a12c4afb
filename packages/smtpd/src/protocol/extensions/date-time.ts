/** Dates with times in text (RFC 3339), as instants in milliseconds since 1970. No clock is asked. */

/**
 * The instant that a `date-time` names, or `undefined` when the text is none. A fraction of a second counts as the whole second.
 *
 * @example
 * ```ts
 * parseDateTime('2026-05-01T08:00:00+02:00') === parseDateTime('2026-05-01T06:00:00Z'); // true
 * parseDateTime('2026-02-29T08:00:00Z'); // undefined
 * ```
 */
export function parseDateTime(text: string): number | undefined {
  const match = DATE_TIME.exec(text);
  if (match === null) return undefined;
  const [, date = '', hour, minute, second, fraction, sign, offsetHour, offsetMinute] = match;
  // RFC 3339 §5.7: a day must be one of its month; a 60th second is a leap second, and the next minute's first here.
  const midnight = Date.parse(`${date}T00:00:00Z`);
  if (Number.isNaN(midnight) || !formatDateTime(midnight).startsWith(date)) return undefined;
  if (isAbove(hour, 23) || isAbove(minute, 59) || isAbove(second, 60)) return undefined;
  if (isAbove(offsetHour, 23) || isAbove(offsetMinute, 59)) return undefined;
  const seconds = Number(hour) * 3_600 + Number(minute) * 60 + Number(second) + (Number(fraction ?? 0) > 0 ? 1 : 0);
  const offset = Number(offsetHour ?? 0) * 3_600 + Number(offsetMinute ?? 0) * 60;
  const instant = midnight + (seconds - (sign === '-' ? -offset : offset)) * 1_000;
  return instant >= FIRST && instant <= LAST ? instant : undefined;
}

/**
 * A whole second as a `date-time` in UTC.
 *
 * @example
 * ```ts
 * formatDateTime(0); // '1970-01-01T00:00:00Z'
 * ```
 */
export function formatDateTime(instant: number): string {
  return `${new Date(instant).toISOString().slice(0, 19)}Z`;
}

function isAbove(digits: string | undefined, max: number): boolean {
  return Number(digits ?? 0) > max;
}

// RFC 3339 §5.6: `date-time`; T and Z in either case.
const DATE_TIME = /^(\d{4}-\d{2}-\d{2})[Tt](\d{2}):(\d{2}):(\d{2})(\.\d+)?(?:[Zz]|([+-])(\d{2}):(\d{2}))$/;
// RFC 3339 §5.6: a year has four digits; an offset must not lead out of them.
const FIRST = Date.parse('0000-01-01T00:00:00Z');
const LAST = Date.parse('9999-12-31T23:59:59Z');
