/** The times of a calendar (RFC 5545 §3.3.5): what a wall shows, whose wall that is, and what a wall elsewhere shows then. Pure. */

import type { Property } from './calendar-lines.js';

/** A time as it is written on a wall, and whose wall that is. */
export interface CalendarTime {
  /** The date and the time of day, counted as if they were UTC. */
  readonly wall: number;
  readonly isAllDay: boolean;
  /** None: then it is the same time of day everywhere. */
  readonly zone?: Zone;
  /** When it is, where that is known from elsewhere: a wall may show the same time twice. */
  readonly moment?: number;
}

/** Whose walls show a time. */
export interface Zone {
  /** `UTC`, or a TZID. */
  readonly name: string;
  /** How far they are ahead of UTC at a moment. Nobody here knows it of a zone that has none. */
  readonly offsetAt?: (moment: number) => number;
}

/** @param zoneNamed - finds the zone that a TZID names */
export function readTime({ value, parameters }: Property, zoneNamed: (name: string) => Zone): CalendarTime | undefined {
  const read = readWall(value);
  if (read === undefined) return undefined;
  const { wall, isAllDay, isUTC } = read;
  const name = parameters.get('TZID');
  if (isAllDay || (name === undefined && !isUTC)) return { wall, isAllDay };
  return { wall, isAllDay, zone: isUTC || name === undefined ? UTC : zoneNamed(name) };
}

/** A date, or a date and a time of day, counted as if they were UTC, and whether they are. */
export function readWall(
  text: string,
): { readonly wall: number; readonly isAllDay: boolean; readonly isUTC: boolean } | undefined {
  const [, year, month, day, hour, minute, second, utc] =
    /^(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)(Z?))?$/i.exec(text.trim()) ?? [];
  if (year === undefined) return undefined;
  const wall = Date.UTC(
    Number(year),
    Number(month) - 1,
    Number(day),
    Number(hour ?? 0),
    Number(minute ?? 0),
    Number(second ?? 0),
  );
  const date = new Date(wall);
  // Where there is no such day, it is another one: the 31st of February is in March, the year 26 in the last century.
  if (date.getUTCFullYear() !== Number(year) || date.getUTCDate() !== Number(day)) return undefined;
  if (Number(hour ?? 0) > 23 || Number(minute ?? 0) > 59) return undefined;
  return { wall, isAllDay: hour === undefined, isUTC: utc?.toUpperCase() === 'Z' };
}

/** RFC 5545 §3.3.6: days are those of the calendar, hours are as long as they are, also where clocks are changed. */
export function later(start: CalendarTime | undefined, duration: string | undefined): CalendarTime | undefined {
  const found = /^\+?P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$/i.exec(duration ?? '');
  if (start === undefined || found === null) return undefined;
  const [weeks = 0, days = 0, hours = 0, minutes = 0, seconds = 0] = found
    .slice(1)
    .map((digits: string | undefined) => Number(digits ?? 0));
  const exact = (hours * 60 + minutes) * 60_000 + seconds * 1_000;
  const wall = start.wall + (weeks * 7 + days) * DAY_MS;
  if (wall + exact > LAST_DAY) return undefined;
  const moment = momentOf({ ...start, wall });
  if (start.zone?.offsetAt === undefined || moment === undefined || exact === 0)
    return { ...start, wall: wall + exact };
  const end = moment + exact;
  return { ...start, wall: end + start.zone.offsetAt(end), moment: end };
}

/** When it is, in milliseconds; `undefined` when its zone is one that nobody here knows, or none. */
export function momentOf({ wall, zone, moment }: CalendarTime): number | undefined {
  if (moment !== undefined) return moment;
  if (zone?.offsetAt === undefined) return undefined;
  const before = zone.offsetAt(wall - DAY_MS);
  const after = zone.offsetAt(wall + DAY_MS);
  // RFC 5545 §3.3.5: of a time of day that comes twice it is the first; one that there is not is counted as before the change.
  const isBehindChange = zone.offsetAt(wall - before) !== before && zone.offsetAt(wall - after) === after;
  return wall - (isBehindChange ? after : before);
}

/** Whether one is before another: wherever they are, where both are times of day. */
export function isBefore(one: CalendarTime, other: CalendarTime): boolean {
  if (one.isAllDay || other.isAllDay) return one.wall < other.wall;
  return momentOrWall(one) < momentOrWall(other);
}

function momentOrWall(time: CalendarTime): number {
  return momentOf(time) ?? time.wall;
}

export function inZone(time: CalendarTime, zone: Zone): CalendarTime {
  const moment = momentOf(time);
  if (moment === undefined || zone.offsetAt === undefined) return time;
  return { wall: moment + zone.offsetAt(moment), isAllDay: false, zone };
}

export function isShiftedIn(zone: Zone, start: CalendarTime | undefined): boolean {
  return start?.zone !== undefined && inZone(start, zone).wall !== start.wall;
}

export const UTC: Zone = { name: 'UTC', offsetAt: () => 0 };
export const DAY_MS = 86_400_000;
/** No calendar that people have goes on behind it. */
const LAST_DAY = Date.UTC(9999, 11, 31);
