/** Times and sizes as people type them into a search. */

/**
 * A time: a day or a month (`2026-11-25`, `2026-11`), which is where it begins; a time of ISO 8601 (`2026-11-25T10:30`, `…Z`, `…+01:00`);
 * how long ago (`30m`, `2h`, `3d`, `1w`); `now`, `today`, `yesterday`. Days, and times without a zone, are those of this machine.
 *
 * @returns `undefined` for what is none
 *
 * @example
 * ```ts
 * parseSearchTime('2h', new Date('2026-11-25T12:00:00Z')); // 10:00 on that day
 * ```
 */
export function parseSearchTime(text: string, now: Date): Date | undefined {
  const word = text.toLowerCase();
  if (word === 'now') return new Date(now);
  // The constructor knows how long a day is when the clocks are changed.
  if (word === 'today') return new Date(now.getFullYear(), now.getMonth(), now.getDate());
  if (word === 'yesterday') return new Date(now.getFullYear(), now.getMonth(), now.getDate() - 1);
  const ago = AGO.exec(word)?.groups;
  if (ago !== undefined) {
    return validDate(new Date(now.getTime() - Number(ago['count']) * (UNITS_MS[ago['unit'] ?? ''] ?? NaN)));
  }
  const date = DATE.exec(word.toUpperCase())?.groups;
  if (date === undefined) return undefined;
  const figure = (name: string, otherwise: number): number => Number(date[name] ?? otherwise);
  const [year, month, day] = [figure('year', NaN), figure('month', 1), figure('day', 1)];
  const [hours, minutes, seconds] = [figure('hours', 0), figure('minutes', 0), figure('seconds', 0)];
  const ms = Number((date['fraction'] ?? '').padEnd(3, '0').slice(0, 3));
  // 24:00 is the end of a day in ISO 8601.
  if (hours > 24 || (hours === 24 && minutes + seconds + ms > 0) || minutes > 59 || seconds > 59) return undefined;
  const isDay = month >= 1 && month <= 12 && day >= 1 && day <= new Date(Date.UTC(year, month, 0)).getUTCDate();
  if (!isDay) return undefined;
  const zone = date['zone'];
  if (zone === undefined) return validDate(new Date(year, month - 1, day, hours, minutes, seconds, ms));
  const offset = offsetMs(zone);
  return offset === undefined
    ? undefined
    : validDate(new Date(Date.UTC(year, month - 1, day, hours, minutes, seconds, ms) - offset));
}

/**
 * A size in octets: `500`, `10k`, `1.5MB` by thousands, `10KiB`, `2MiB` by 1,024.
 *
 * @returns `undefined` for what is none
 *
 * @example
 * ```ts
 * parseSearchSize('1.5k'); // 1500
 * parseSearchSize('2MiB'); // 2097152
 * ```
 */
export function parseSearchSize(text: string): number | undefined {
  const groups = SIZE.exec(text.toLowerCase())?.groups;
  if (groups === undefined) return undefined;
  const power = 'kmgt'.indexOf(groups['prefix'] ?? ' ') + 1;
  const bytes = Math.round(Number(groups['count']) * (groups['binary'] === undefined ? 1_000 : 1_024) ** power);
  return bytes <= Number.MAX_SAFE_INTEGER ? bytes : undefined;
}

function offsetMs(zone: string): number | undefined {
  if (zone === 'Z') return 0;
  const hours = Number(zone.slice(1, 3));
  const minutes = Number(zone.slice(-2));
  if (hours > 23 || minutes > 59) return undefined;
  return (zone.startsWith('-') ? -1 : 1) * (hours * 60 + minutes) * 60_000;
}

/** What is further away is no time that mail came at, and nobody could write it as it is read here. */
function validDate(date: Date): Date | undefined {
  const year = date.getUTCFullYear();
  return year >= 1_000 && year <= 2_999 ? date : undefined;
}

const AGO = /^(?<count>\d{1,6})(?<unit>m|min|h|d|w)$/;
const UNITS_MS: Readonly<Record<string, number | undefined>> = {
  m: 60_000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};
const DATE =
  /^(?<year>[12]\d{3})-(?<month>\d\d)(?:-(?<day>\d\d)(?:T(?<hours>\d\d):(?<minutes>\d\d)(?::(?<seconds>\d\d)(?:\.(?<fraction>\d{1,9}))?)?(?<zone>Z|[+-]\d\d:?\d\d)?)?)?$/;
const SIZE = /^(?<count>\d{1,15}(?:\.\d{1,6})?)(?:(?<prefix>[kmgt])(?<binary>i)?)?(?:b)?$/;
