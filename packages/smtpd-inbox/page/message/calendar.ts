/**
 * What a calendar (RFC 5545) says, for people: when and where, how often, who is asked, and what would keep a program from understanding it.
 * Nothing in it is evaluated but times: a rule of repetition is put into words, not played through. Pure.
 */

import {
  excerpt,
  noEnd,
  propertyOf,
  readComponents,
  readRule,
  textOf,
  valueOf,
  type Component,
  type Property,
} from './calendar-lines.js';
import {
  DAY_MS,
  inZone,
  isBefore,
  isShiftedIn,
  later,
  readTime,
  readWall,
  type CalendarTime,
  type Zone,
} from './calendar-time.js';
import { zonesOf, type CalendarZones } from './calendar-zone.js';

/** Somebody who is asked to come. */
export interface CalendarPerson {
  readonly name: string;
  /** What they said, or that they have not. */
  readonly answer?: string;
}

/** An event or a task. */
export interface CalendarItem {
  readonly kind: 'event' | 'task';
  readonly summary: string;
  readonly isCancelled: boolean;
  /** As it stands in the file. */
  readonly when?: string;
  /** In the zone of the reader, where that is another time of day. */
  readonly whenHere?: string;
  readonly repeats?: string;
  /** The time of the one that it changes, of something that repeats. */
  readonly changes?: string;
  readonly location?: string;
  readonly url?: string;
  readonly organizer?: string;
  readonly people: readonly CalendarPerson[];
  readonly description?: string;
  readonly uid?: string;
  readonly sequence?: string;
}

/** A calendar file, read. */
export interface CalendarView {
  /** What it is for, such as `Invitation`. */
  readonly purpose?: string;
  readonly items: readonly CalendarItem[];
  /** What is wrong with it, or missing. */
  readonly faults: readonly string[];
}

/**
 * Reads a calendar.
 *
 * @param zone - that of the reader
 */
export function viewCalendar(text: string, zone: string): CalendarView {
  const faults = new Set<string>();
  const isWhole = text.length <= LENGTH_READ;
  if (!isWhole) faults.add('It is longer than a million characters: the rest of it is not read.');
  const { roots, unended } = readComponents(
    isWhole ? text : text.slice(0, text.lastIndexOf('\n', LENGTH_READ) + 1),
    faults,
  );
  if (isWhole) for (const name of unended) faults.add(noEnd(name));
  const calendars = roots.filter(({ name }) => name === 'VCALENDAR');
  const [calendar] = calendars;
  if (calendar === undefined) return { items: [], faults: ['There is no VCALENDAR in it.'] };
  const within = calendars.flatMap(({ children }) => children);
  const zones = zonesOf(within.filter(({ name }) => name === 'VTIMEZONE'));
  const method = valueOf(calendar, 'METHOD')?.toUpperCase();
  const read = within.filter(({ name }) => name === 'VEVENT' || name === 'VTODO');
  const items = read
    .slice(0, ITEMS_MAX)
    .map((each) => viewItem(each, { here: zones.named(zone), zones, method, faults }));
  if (read.length > ITEMS_MAX) faults.add(`It has ${read.length} entries: the first ${ITEMS_MAX} are shown.`);
  if (read.length === 0) faults.add('There is no event and no task in it.');
  if (method === undefined && items.some(({ people }) => people.length > 0))
    faults.add('It has no METHOD: mail programs show a file, and nothing to answer.');
  return { ...(method === undefined ? {} : { purpose: PURPOSES[method] ?? method }), items, faults: firstOf(faults) };
}

function firstOf(faults: ReadonlySet<string>): readonly string[] {
  const all = [...faults];
  if (all.length <= FAULTS_MAX) return all;
  return [...all.slice(0, FAULTS_MAX), `These are the first ${FAULTS_MAX} of ${all.length} faults.`];
}

interface Around {
  /** The zone of the reader. */
  readonly here: Zone;
  readonly zones: CalendarZones;
  readonly method: string | undefined;
  readonly faults: Set<string>;
}

function viewItem(component: Component, { here, zones, method, faults }: Around): CalendarItem {
  const kind = component.name === 'VTODO' ? 'task' : 'event';
  const summary = textOf(component, 'SUMMARY') ?? '(no summary)';
  const title = `“${excerpt(summary)}”`;
  const time = (name: string): CalendarTime | undefined => {
    const property = propertyOf(component, name);
    if (property === undefined) return undefined;
    const read = readTime(property, zones.named);
    const fault =
      read === undefined
        ? `${name} of ${title} is no date and no time: ${excerpt(property.value)}`
        : zones.faultOf(read);
    if (fault !== undefined) faults.add(fault);
    return read;
  };
  const start = time('DTSTART');
  const end = time(kind === 'task' ? 'DUE' : 'DTEND') ?? later(start, valueOf(component, 'DURATION'));
  if (start !== undefined && end !== undefined && isBefore(end, start)) faults.add(`${title} ends before it begins.`);
  for (const name of REQUIRED) if (valueOf(component, name) === undefined) faults.add(`${title} has no ${name}.`);
  if (kind === 'event' && !component.properties.has('DTSTART')) faults.add(`${title} has no DTSTART.`);
  const people = (component.properties.get('ATTENDEE') ?? []).map(viewPerson);
  const organizer = propertyOf(component, 'ORGANIZER');
  if (people.length > 0 && organizer === undefined) faults.add(`${title} has no ORGANIZER: nobody can be answered.`);
  const rule = valueOf(component, 'RRULE');
  const changes = time('RECURRENCE-ID');
  // Of a task it matters by when it is to be done.
  const [from, to] = kind === 'task' && end !== undefined ? [end, undefined] : [start, end];
  const whenHere = from === undefined ? undefined : formatSpan(inZone(from, here), to && inZone(to, here));
  return {
    kind,
    summary,
    isCancelled: method === 'CANCEL' || valueOf(component, 'STATUS')?.toUpperCase() === 'CANCELLED',
    ...present('when', from === undefined ? undefined : formatSpan(from, to)),
    ...(isShiftedIn(here, from) ? present('whenHere', whenHere) : {}),
    ...present('repeats', rule === undefined ? undefined : describeRule(rule)),
    ...present('changes', changes === undefined ? undefined : formatSpan(changes, undefined)),
    ...present('location', textOf(component, 'LOCATION')),
    ...present('url', valueOf(component, 'URL')),
    ...present('organizer', organizer === undefined ? undefined : viewPerson(organizer).name),
    people: people.slice(0, PEOPLE_MAX),
    ...present('description', textOf(component, 'DESCRIPTION')),
    ...present('uid', valueOf(component, 'UID')),
    ...present('sequence', valueOf(component, 'SEQUENCE')),
  };
}

function viewPerson({ value, parameters }: Property): CalendarPerson {
  const address = value.replace(/^mailto:/i, '').trim();
  const name = parameters.get('CN');
  const answer = parameters.get('PARTSTAT')?.toUpperCase();
  return {
    name: name === undefined || name === '' ? address : `${name} <${address}>`,
    ...present('answer', answer === undefined ? undefined : (ANSWERS[answer] ?? answer)),
  };
}

/** From when to when, and in which zone. The end of whole days is the day behind the last. */
function formatSpan(start: CalendarTime, end: CalendarTime | undefined): string {
  if (start.isAllDay) {
    const last = end === undefined ? start.wall : end.wall - DAY_MS;
    const first = DATE.format(start.wall);
    return last > start.wall ? `${first} – ${DATE.format(last)}, all day` : `${first}, all day`;
  }
  const zone = start.zone?.name ?? 'in no zone: the same time of day everywhere';
  const from = `${DATE.format(start.wall)}, ${TIME.format(start.wall)}`;
  if (end === undefined || end.wall === start.wall) return `${from} (${zone})`;
  const isSameDay = DATE.format(start.wall) === DATE.format(end.wall) && start.zone === end.zone;
  const endZone = start.zone === end.zone ? '' : ` (${end.zone?.name ?? 'in no zone'})`;
  const to = isSameDay ? TIME.format(end.wall) : `${DATE.format(end.wall)}, ${TIME.format(end.wall)}${endZone}`;
  return endZone === '' ? `${from} – ${to} (${zone})` : `${from} (${zone}) – ${to}`;
}

/** RFC 5545 §3.3.10, in words; as it stands where there are no words for something in it. */
function describeRule(rule: string): string {
  const parts = readRule(rule);
  const unit = UNITS[parts.get('FREQ') ?? ''];
  if (unit === undefined || [...parts.keys()].some((name) => !RULE_PARTS.has(name))) return rule;
  const interval = Number(parts.get('INTERVAL') ?? 1);
  if (!Number.isInteger(interval) || interval < 1) return rule;
  const words = [interval === 1 ? `every ${unit}` : `every ${interval} ${unit}s`];
  const days = parts.get('BYDAY')?.split(',').map(describeDay);
  if (days?.includes(undefined) === true) return rule;
  if (days !== undefined) words.push(`on ${joined(days as string[])}`);
  const monthDays = parts.get('BYMONTHDAY')?.split(',');
  if (monthDays !== undefined) words.push(`on day ${joined(monthDays)} of the month`);
  const months = parts.get('BYMONTH')?.split(',');
  if (months?.every((month) => /^(?:[1-9]|1[0-2])$/.test(month)) === false) return rule;
  if (months !== undefined)
    words.push(`in ${joined(months.map((month) => MONTH.format(Date.UTC(2026, Number(month) - 1))))}`);
  const count = parts.get('COUNT');
  const until = parts.get('UNTIL');
  const end = until === undefined ? undefined : readWall(until);
  if (until !== undefined && end === undefined) return rule;
  return [
    words.join(' '),
    ...(count === undefined ? [] : [`${count} times`]),
    ...(end === undefined ? [] : [`until ${DATE.format(end.wall)}`]),
  ].join(', ');
}

/** `2MO`: the second Monday. */
function describeDay(day: string): string | undefined {
  const [, digits = '', name = ''] = /^([+-]?\d{1,2})?([A-Z]{2})$/.exec(day) ?? [];
  const weekday = WEEKDAYS[name];
  if (weekday === undefined || digits === '') return weekday;
  const place = ORDINALS[String(Number(digits))];
  return place === undefined ? undefined : `the ${place} ${weekday}`;
}

function joined(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1) ?? ''}`;
}

function present<Name extends string, Value>(name: Name, value: Value | undefined): Partial<Record<Name, Value>> {
  return value === undefined ? {} : ({ [name]: value } as Record<Name, Value>);
}

const REQUIRED = ['UID', 'DTSTAMP'] as const;
const ITEMS_MAX = 50;
const PEOPLE_MAX = 200;
const FAULTS_MAX = 50;
/** One that is longer has more in it than anybody reads. */
const LENGTH_READ = 1_000_000;
const DATE = new Intl.DateTimeFormat('en-GB', {
  weekday: 'short',
  day: 'numeric',
  month: 'short',
  year: 'numeric',
  timeZone: 'UTC',
});
const TIME = new Intl.DateTimeFormat('en-GB', {
  hour: '2-digit',
  minute: '2-digit',
  hourCycle: 'h23',
  timeZone: 'UTC',
});
const MONTH = new Intl.DateTimeFormat('en-GB', { month: 'long', timeZone: 'UTC' });
/** RFC 5546 §1.4. */
const PURPOSES: Readonly<Record<string, string>> = {
  PUBLISH: 'Published',
  REQUEST: 'Invitation',
  REPLY: 'Answer',
  ADD: 'Further dates',
  CANCEL: 'Cancellation',
  REFRESH: 'Question for the latest',
  COUNTER: 'Counter-proposal',
  DECLINECOUNTER: 'Counter-proposal declined',
};
const ANSWERS: Readonly<Record<string, string>> = {
  'NEEDS-ACTION': 'has not answered',
  ACCEPTED: 'comes',
  DECLINED: 'does not come',
  TENTATIVE: 'may come',
  DELEGATED: 'sends somebody else',
};
const UNITS: Readonly<Record<string, string>> = { DAILY: 'day', WEEKLY: 'week', MONTHLY: 'month', YEARLY: 'year' };
const RULE_PARTS = new Set(['FREQ', 'INTERVAL', 'BYDAY', 'BYMONTHDAY', 'BYMONTH', 'COUNT', 'UNTIL', 'WKST']);
const WEEKDAYS: Readonly<Record<string, string>> = {
  MO: 'Monday',
  TU: 'Tuesday',
  WE: 'Wednesday',
  TH: 'Thursday',
  FR: 'Friday',
  SA: 'Saturday',
  SU: 'Sunday',
};
const ORDINALS: Readonly<Record<string, string>> = {
  1: 'first',
  2: 'second',
  3: 'third',
  4: 'fourth',
  5: 'fifth',
  [-1]: 'last',
};
