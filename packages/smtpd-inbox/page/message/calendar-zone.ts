/**
 * The zones of a calendar: those that Intl knows by their IANA names, and those that a VTIMEZONE in the file defines (RFC 5545 §3.6.5), such as
 * `W. Europe Standard Time`. A rule of a VTIMEZONE is not played through: what it says of a moment is looked for in the years before it. Pure.
 */

import { excerpt, readRule, textOf, valueOf, type Component } from './calendar-lines.js';
import { DAY_MS, momentOf, readWall, UTC, type CalendarTime, type Zone } from './calendar-time.js';

/** The zones that the times of a file are in. */
export interface CalendarZones {
  readonly named: (name: string) => Zone;
  /** What may have programs take another time for one. */
  readonly faultOf: (time: CalendarTime) => string | undefined;
}

/** @param definitions - the VTIMEZONEs of the file */
export function zonesOf(definitions: readonly Component[]): CalendarZones {
  const defined = new Map<string, Component>();
  for (const each of definitions.toReversed()) {
    // It is a text, with a comma as `\,`, and is named in a parameter, without; some name it as it stands.
    for (const name of [valueOf(each, 'TZID'), textOf(each, 'TZID')]) if (name !== undefined) defined.set(name, each);
  }
  const definedOffsets = remembered((name: string) => {
    const definition = defined.get(name);
    return definition === undefined ? undefined : definedOffset(definition);
  });
  const named = remembered((name: string): Zone => {
    if (name === UTC.name) return UTC;
    const offsetAt = knownOffset(name) ?? definedOffsets(name);
    return offsetAt === undefined ? { name } : { name, offsetAt };
  });
  return {
    named,
    faultOf(time) {
      const { zone } = time;
      if (zone === undefined || zone === UTC) return undefined;
      const told = excerpt(zone.name);
      // RFC 5545 §3.2.19: each zone that is named is defined.
      if (!defined.has(zone.name))
        return `The zone ${told} is defined by no VTIMEZONE: programs may take another time for it.`;
      const moment = momentOf(time);
      if (zone.offsetAt === undefined || moment === undefined)
        return `No offset could be taken from the VTIMEZONE of ${told}: its own time of day alone is shown.`;
      const offset = definedOffsets(zone.name)?.(moment) ?? zone.offsetAt(moment);
      if (offset === zone.offsetAt(moment)) return undefined;
      return `The VTIMEZONE of ${told} says ${formatOffset(offset)} where that zone has ${formatOffset(zone.offsetAt(moment))}: programs may take another time for it.`;
    },
  };
}

type Offset = (moment: number) => number;

/** How far the walls of a zone that Intl knows are ahead of UTC. */
function knownOffset(timeZone: string): Offset | undefined {
  try {
    const format = new Intl.DateTimeFormat('en-GB', { ...DIGITS, timeZone });
    return (moment) => {
      const parts = format.formatToParts(moment);
      const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = CLOCK.map((type) =>
        Number(parts.find((part) => part.type === type)?.value ?? 0),
      );
      return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(moment / 1_000) * 1_000;
    };
  } catch {
    // Such as “W. Europe Standard Time”, which Windows says.
    return undefined;
  }
}

/** A STANDARD or a DAYLIGHT: from when on a wall shows what. Its own times are those of a wall that shows what it did before. */
interface Observance {
  readonly before: number;
  readonly after: number;
  /** Its beginning, and the dates that are named one by one. */
  readonly walls: readonly number[];
  readonly rules: readonly YearlyRule[];
}

/** How far the walls of a zone are ahead of UTC that the file defines; `undefined` where that is not understood. */
function definedOffset({ children }: Component): Offset | undefined {
  const observances: Observance[] = [];
  for (const each of children.filter(({ name }) => name === 'STANDARD' || name === 'DAYLIGHT')) {
    const observance = readObservance(each);
    if (observance === undefined) return undefined;
    observances.push(observance);
  }
  const [first] = observances.toSorted((one, other) => beginningOf(one) - beginningOf(other));
  if (first === undefined) return undefined;
  if (observances.reduce((sum, { walls }) => sum + walls.length, 0) > WALLS_MAX) return undefined;
  if (observances.reduce((sum, { rules }) => sum + rules.length, 0) > RULES_MAX) return undefined;
  return (moment) => {
    let latest = -Infinity;
    let offset = first.before;
    for (const { before, after, walls, rules } of observances) {
      const wall = moment + before;
      const onsets = [...walls.filter((onset) => onset <= wall), ...rules.map((rule) => latestOnset(rule, wall))];
      const onset = Math.max(...onsets) - before;
      if (onset > latest) [latest, offset] = [onset, after];
    }
    return offset;
  };
}

function beginningOf({ walls, before }: Observance): number {
  return Math.min(...walls) - before;
}

function readObservance(component: Component): Observance | undefined {
  const start = readWall(valueOf(component, 'DTSTART') ?? '');
  const before = readOffset(valueOf(component, 'TZOFFSETFROM'));
  const after = readOffset(valueOf(component, 'TZOFFSETTO'));
  if (start === undefined || before === undefined || after === undefined) return undefined;
  const walls = [start.wall];
  const timeOfDay = start.wall - Math.floor(start.wall / DAY_MS) * DAY_MS;
  for (const { value } of component.properties.get('RDATE') ?? [])
    for (const text of value.split(',', WALLS_MAX + 1)) {
      // Of a period it is the beginning.
      const date = readWall(text.split('/', 1)[0] ?? '');
      if (date === undefined) return undefined;
      walls.push(date.isAllDay ? date.wall + timeOfDay : date.isUTC ? date.wall + before : date.wall);
    }
  const rules: YearlyRule[] = [];
  for (const { value } of component.properties.get('RRULE') ?? []) {
    const rule = readYearlyRule(value, start.wall, before);
    if (rule === undefined) return undefined;
    rules.push(rule);
  }
  return { before, after, walls: walls.slice(0, WALLS_MAX + 1), rules: rules.slice(0, RULES_MAX + 1) };
}

/** RFC 5545 §3.3.14. */
function readOffset(text: string | undefined): number | undefined {
  const [, sign, hours, minutes, seconds] = /^([+-])(\d\d)([0-5]\d)([0-5]\d)?$/.exec(text ?? '') ?? [];
  if (sign === undefined || Number(hours) > 23) return undefined;
  const offset = (Number(hours) * 60 + Number(minutes)) * 60_000 + Number(seconds ?? 0) * 1_000;
  return sign === '-' ? -offset : offset;
}

function formatOffset(offset: number): string {
  const clock = new Date(Math.abs(offset)).toISOString().slice(11, 19);
  return `${offset < 0 ? '-' : '+'}${clock.endsWith(':00') ? clock.slice(0, 5) : clock}`;
}

/** One day of each year, such as the last Sunday in October. */
interface YearlyRule {
  readonly start: number;
  readonly until: number;
  readonly month: number;
  readonly timeOfDay: number;
  readonly isDay: (day: number, weekday: number, lastDay: number) => boolean;
}

/** RFC 5545 §3.3.10, as far as zones are defined by it. */
function readYearlyRule(text: string, start: number, before: number): YearlyRule | undefined {
  const parts = readRule(text);
  if (parts.get('FREQ') !== 'YEARLY' || (parts.get('INTERVAL') ?? '1') !== '1') return undefined;
  if ([...parts.keys()].some((name) => !RULE_PARTS.has(name))) return undefined;
  const first = new Date(start);
  const until = parts.get('UNTIL');
  const end = until === undefined ? undefined : readWall(until);
  if (until !== undefined && end === undefined) return undefined;
  const month = numberIn(parts.get('BYMONTH') ?? String(first.getUTCMonth() + 1));
  // Some say the time of day in the rule, too.
  const hour = numberIn(parts.get('BYHOUR') ?? String(first.getUTCHours()));
  const minute = numberIn(parts.get('BYMINUTE') ?? String(first.getUTCMinutes()));
  const second = numberIn(parts.get('BYSECOND') ?? String(first.getUTCSeconds()));
  if (month === undefined || hour === undefined || minute === undefined || second === undefined) return undefined;
  const isDay = readDays(parts, first.getUTCDate());
  if (isDay === undefined) return undefined;
  return {
    start,
    until: end === undefined ? Infinity : end.wall + (end.isAllDay ? DAY_MS - 1 : end.isUTC ? before : 0),
    month: month - 1,
    timeOfDay: (hour * 60 + minute) * 60_000 + second * 1_000,
    isDay,
  };
}

function numberIn(text: string): number | undefined {
  return /^\d{1,2}$/.test(text) ? Number(text) : undefined;
}

function readDays(parts: ReadonlyMap<string, string>, first: number): YearlyRule['isDay'] | undefined {
  const byMonthDay = parts.get('BYMONTHDAY');
  const byDay = parts.get('BYDAY');
  if (byMonthDay === undefined && byDay === undefined) return (day) => day === first;
  // Without a month they are counted in the whole year.
  if (!parts.has('BYMONTH')) return undefined;
  if (byMonthDay !== undefined && !/^-?\d{1,2}(?:,-?\d{1,2}){0,30}$/.test(byMonthDay)) return undefined;
  const [, place, name = ''] = /^([+-]?\d)?([A-Z]{2})$/.exec(byDay ?? '') ?? [];
  const weekdayAsked = WEEKDAYS.indexOf(name);
  if (byDay !== undefined && weekdayAsked === -1) return undefined;
  const days = byMonthDay?.split(',').map(Number);
  return (day, weekday, lastDay) =>
    (days === undefined || days.includes(day) || days.includes(day - lastDay - 1)) &&
    (byDay === undefined || weekday === weekdayAsked) &&
    (place === undefined || isPlace(Number(place), day, lastDay));
}

/** Whether a day of a month is the first, or by -1 the last, of its name. */
function isPlace(place: number, day: number, lastDay: number): boolean {
  return place > 0 ? Math.ceil(day / 7) === place : Math.ceil((lastDay - day + 1) / 7) === -place;
}

/** The last time that a rule names up to one; `-Infinity` where there is none. */
function latestOnset({ start, until, month, timeOfDay, isDay }: YearlyRule, wall: number): number {
  const last = Math.min(wall, until);
  const year = new Date(last).getUTCFullYear();
  for (let back = 0; back < YEARS_BACK; back += 1) {
    const first = Date.UTC(year - back, month, 1);
    const weekday = new Date(first).getUTCDay() - 1;
    const lastDay = new Date(Date.UTC(year - back, month + 1, 0)).getUTCDate();
    for (let day = lastDay; day > 0; day -= 1) {
      const onset = first + (day - 1) * DAY_MS + timeOfDay;
      if (onset <= last && isDay(day, (weekday + day) % 7, lastDay)) return onset < start ? -Infinity : onset;
    }
  }
  return -Infinity;
}

/** Asked for the same again, it answers with what it said. */
function remembered<Value>(find: (name: string) => Value): (name: string) => Value {
  const found = new Map<string, { readonly value: Value }>();
  return (name) => {
    const known = found.get(name) ?? { value: find(name) };
    found.set(name, known);
    return known.value;
  };
}

/** A zone with all of its history since 1883 has about 240 changes, and few of them by rules. */
const WALLS_MAX = 1_000;
const RULES_MAX = 30;
/** From one 29th of February to the next, also over a year such as 1900. */
const YEARS_BACK = 9;
const RULE_PARTS = new Set([
  'FREQ',
  'INTERVAL',
  'UNTIL',
  'BYMONTH',
  'BYMONTHDAY',
  'BYDAY',
  'BYHOUR',
  'BYMINUTE',
  'BYSECOND',
  'WKST',
]);
const WEEKDAYS: readonly string[] = ['SU', 'MO', 'TU', 'WE', 'TH', 'FR', 'SA'];
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
