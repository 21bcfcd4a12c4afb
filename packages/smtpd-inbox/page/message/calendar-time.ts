/** The times of a calendar (RFC 5545 §3.3.5): what a wall shows, whose wall that is, and what a wall elsewhere shows then. Pure. */

import type { Property } from './calendar-lines.js';

/** A time as it is written on a wall, and whose wall that is. */
export interface CalendarTime {
  /** The date and the time of day, counted as if they were UTC. */
  readonly wall: number;
  readonly isAllDay: boolean;
  /** `UTC`, a TZID, or none: then it is the same time of day everywhere. */
  readonly zone?: string;
}

export function readTime({ value, parameters }: Property): CalendarTime | undefined {
  const [, year, month, day, hour, minute, second, utc] =
    /^(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)(Z?))?$/i.exec(value.trim()) ?? [];
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
  const isAllDay = hour === undefined;
  const zone = utc === undefined || utc === '' ? parameters.get('TZID') : 'UTC';
  return { wall, isAllDay, ...(isAllDay || zone === undefined ? {} : { zone }) };
}

/** RFC 5545 §3.3.6. */
export function later(start: CalendarTime | undefined, duration: string | undefined): CalendarTime | undefined {
  const found = /^\+?P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$/i.exec(duration ?? '');
  if (start === undefined || found === null) return undefined;
  const [weeks = 0, days = 0, hours = 0, minutes = 0, seconds = 0] = found
    .slice(1)
    .map((digits: string | undefined) => Number(digits ?? 0));
  const wall = start.wall + (((weeks * 7 + days) * 24 + hours) * 60 + minutes) * 60_000 + seconds * 1_000;
  return wall > LAST_DAY ? undefined : { ...start, wall };
}

/** When it is, in milliseconds; `undefined` when its zone is one that nobody here knows, or none. */
function momentOf({ wall, zone }: CalendarTime): number | undefined {
  if (zone === undefined) return undefined;
  const offset = offsetIn(zone, wall);
  // Twice: the first offset is that of a time which is itself off by the offset.
  return offset === undefined ? undefined : wall - (offsetIn(zone, wall - offset) ?? offset);
}

/** Whether one is before another: wherever they are, where both are times of day. */
export function isBefore(one: CalendarTime, other: CalendarTime): boolean {
  if (one.isAllDay || other.isAllDay) return one.wall < other.wall;
  return momentOrWall(one) < momentOrWall(other);
}

function momentOrWall(time: CalendarTime): number {
  return momentOf(time) ?? time.wall;
}

export function inZone(time: CalendarTime, zone: string): CalendarTime {
  const moment = momentOf(time);
  const offset = moment === undefined ? undefined : offsetIn(zone, moment);
  return moment === undefined || offset === undefined ? time : { wall: moment + offset, isAllDay: false, zone };
}

export function isShiftedIn(zone: string, start: CalendarTime | undefined): boolean {
  return start?.zone !== undefined && inZone(start, zone).wall !== start.wall;
}

/** How far a zone's walls are ahead of UTC. */
function offsetIn(zone: string, moment: number): number | undefined {
  try {
    const parts = new Intl.DateTimeFormat('en-GB', { ...DIGITS, timeZone: zone }).formatToParts(moment);
    const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = CLOCK.map((type) =>
      Number(parts.find((part) => part.type === type)?.value ?? 0),
    );
    return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(moment / 1_000) * 1_000;
  } catch {
    // Such as “W. Europe Standard Time”, which Windows says.
    return undefined;
  }
}

/** No calendar that people have goes on behind it. */
const LAST_DAY = Date.UTC(9999, 11, 31);
const CLOCK = ['year', 'month', 'day', 'hour', 'minute', 'second'] as const;
const DIGITS = {
  calendar: 'gregory',
  hourCycle: 'h23',
  year: 'numeric',
  month: '2-digit',
  day: '2-digit',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
} as const;
