/**
 * What a calendar (RFC 5545) says, for people: when and where, how often, who is asked, and what would keep a program from understanding it.
 * Nothing in it is evaluated but times: a rule of repetition is put into words, not played through. Pure.
 */

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
  const roots = readComponents(text, faults);
  const calendars = roots.filter(({ name }) => name === 'VCALENDAR');
  const [calendar] = calendars;
  if (calendar === undefined) return { items: [], faults: ['There is no VCALENDAR in it.'] };
  const within = calendars.flatMap(({ children }) => children);
  const zones = new Set(within.filter(({ name }) => name === 'VTIMEZONE').map((each) => valueOf(each, 'TZID') ?? ''));
  const method = valueOf(calendar, 'METHOD')?.toUpperCase();
  const read = within.filter(({ name }) => name === 'VEVENT' || name === 'VTODO');
  const items = read.slice(0, ITEMS_MAX).map((each) => viewItem(each, { zone, zones, method, faults }));
  if (read.length > ITEMS_MAX) faults.add(`It has ${read.length} entries: the first ${ITEMS_MAX} are shown.`);
  if (read.length === 0) faults.add('There is no event and no task in it.');
  if (method === undefined && items.some(({ people }) => people.length > 0))
    faults.add('It has no METHOD: mail programs show a file, and nothing to answer.');
  return { ...(method === undefined ? {} : { purpose: PURPOSES[method] ?? method }), items, faults: [...faults] };
}

interface Property {
  readonly parameters: ReadonlyMap<string, string>;
  readonly value: string;
}
interface Component {
  readonly name: string;
  readonly properties: Map<string, Property[]>;
  readonly children: Component[];
}

/** RFC 5545 §3.1 and §3.6: lines, unfolded, and what stands between BEGIN and END. */
function readComponents(text: string, faults: Set<string>): readonly Component[] {
  const root: Component = { name: '', properties: new Map(), children: [] };
  const open = [root];
  for (const line of text
    .replace(/\r\n?/g, '\n')
    .replace(/\n[ \t]/g, '')
    .split('\n')) {
    if (line.trim() === '') continue;
    const property = readLine(line);
    const top = open.at(-1) ?? root;
    if (property === undefined) {
      faults.add(`“${line.slice(0, LINE_LENGTH_TOLD)}” is no property.`);
    } else if (property.name === 'BEGIN') {
      const component: Component = { name: property.value.toUpperCase(), properties: new Map(), children: [] };
      // What lies deeper than anything that there is belongs to nothing.
      if (open.length < DEPTH_MAX) top.children.push(component);
      open.push(component);
    } else if (property.name === 'END') {
      const name = property.value.toUpperCase();
      if (top.name === name) open.pop();
      else faults.add(`END:${name} ends nothing that was begun.`);
    } else {
      const known = top.properties.get(property.name);
      if (known === undefined) top.properties.set(property.name, [property]);
      else known.push(property);
    }
  }
  for (const { name } of open.slice(1)) faults.add(`BEGIN:${name} has no END.`);
  return root.children;
}

/** `NAME;PARAMETER="quoted: value",another:value` */
function readLine(line: string): (Property & { readonly name: string }) | undefined {
  const [all, name] = /^([\w-]+)/.exec(line) ?? [];
  if (all === undefined || name === undefined) return undefined;
  const parameters = new Map<string, string>();
  let at = all.length;
  PARAMETER.lastIndex = at;
  for (let found = PARAMETER.exec(line); found !== null; found = PARAMETER.exec(line)) {
    at = PARAMETER.lastIndex;
    parameters.set((found[1] ?? '').toUpperCase(), (found[2] ?? '').replaceAll('"', ''));
  }
  if (line[at] !== ':') return undefined;
  return { name: name.toUpperCase(), parameters, value: line.slice(at + 1) };
}

function propertyOf({ properties }: Component, name: string): Property | undefined {
  return properties.get(name)?.[0];
}

function valueOf(component: Component, name: string): string | undefined {
  const value = propertyOf(component, name)?.value.trim();
  return value === '' ? undefined : value;
}

/** RFC 5545 §3.3.11: a value that is text. */
function textOf(component: Component, name: string): string | undefined {
  const value = propertyOf(component, name)?.value.replace(/\\([nN,;\\])/g, (_, letter: string) =>
    /n/i.test(letter) ? '\n' : letter,
  );
  return value === undefined || value.trim() === '' ? undefined : value.trim();
}

interface Around {
  readonly zone: string;
  readonly zones: ReadonlySet<string>;
  readonly method: string | undefined;
  readonly faults: Set<string>;
}

function viewItem(component: Component, { zone, zones, method, faults }: Around): CalendarItem {
  const kind = component.name === 'VTODO' ? 'task' : 'event';
  const summary = textOf(component, 'SUMMARY') ?? '(no summary)';
  const time = (name: string): CalendarTime | undefined => {
    const property = propertyOf(component, name);
    if (property === undefined) return undefined;
    const read = readTime(property);
    if (read === undefined)
      faults.add(`${name} of “${summary}” is no date and no time: ${property.value.slice(0, LINE_LENGTH_TOLD)}`);
    // RFC 5545 §3.2.19: each zone that is named is defined.
    else if (read.zone !== undefined && read.zone !== 'UTC' && !zones.has(read.zone))
      faults.add(`The zone ${read.zone} is defined by no VTIMEZONE: programs may take another time for it.`);
    return read;
  };
  const start = time('DTSTART');
  const end = time(kind === 'task' ? 'DUE' : 'DTEND') ?? later(start, valueOf(component, 'DURATION'));
  if (start !== undefined && end !== undefined && isBefore(end, start))
    faults.add(`“${summary}” ends before it begins.`);
  for (const name of REQUIRED) if (valueOf(component, name) === undefined) faults.add(`“${summary}” has no ${name}.`);
  if (kind === 'event' && !component.properties.has('DTSTART')) faults.add(`“${summary}” has no DTSTART.`);
  const people = (component.properties.get('ATTENDEE') ?? []).map(viewPerson);
  const organizer = propertyOf(component, 'ORGANIZER');
  if (people.length > 0 && organizer === undefined)
    faults.add(`“${summary}” has no ORGANIZER: nobody can be answered.`);
  const rule = valueOf(component, 'RRULE');
  const changes = time('RECURRENCE-ID');
  // Of a task it matters by when it is to be done.
  const [from, to] = kind === 'task' && end !== undefined ? [end, undefined] : [start, end];
  const here = from === undefined ? undefined : formatSpan(inZone(from, zone), to && inZone(to, zone));
  return {
    kind,
    summary,
    isCancelled: method === 'CANCEL' || valueOf(component, 'STATUS')?.toUpperCase() === 'CANCELLED',
    ...present('when', from === undefined ? undefined : formatSpan(from, to)),
    ...(isShiftedIn(zone, from) ? present('whenHere', here) : {}),
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

/** A time as it is written on a wall, and whose wall that is. */
interface CalendarTime {
  /** The date and the time of day, counted as if they were UTC. */
  readonly wall: number;
  readonly isAllDay: boolean;
  /** `UTC`, a TZID, or none: then it is the same time of day everywhere. */
  readonly zone?: string;
}

function readTime({ value, parameters }: Property): CalendarTime | undefined {
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
function later(start: CalendarTime | undefined, duration: string | undefined): CalendarTime | undefined {
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
function isBefore(one: CalendarTime, other: CalendarTime): boolean {
  if (one.isAllDay || other.isAllDay) return one.wall < other.wall;
  return momentOrWall(one) < momentOrWall(other);
}

function momentOrWall(time: CalendarTime): number {
  return momentOf(time) ?? time.wall;
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

function inZone(time: CalendarTime, zone: string): CalendarTime {
  const moment = momentOf(time);
  const offset = moment === undefined ? undefined : offsetIn(zone, moment);
  return moment === undefined || offset === undefined ? time : { wall: moment + offset, isAllDay: false, zone };
}

function isShiftedIn(zone: string, start: CalendarTime | undefined): boolean {
  return start?.zone !== undefined && inZone(start, zone).wall !== start.wall;
}

/** From when to when, and in which zone. The end of whole days is the day behind the last. */
function formatSpan(start: CalendarTime, end: CalendarTime | undefined): string {
  if (start.isAllDay) {
    const last = end === undefined ? start.wall : end.wall - DAY_MS;
    const first = DATE.format(start.wall);
    return last > start.wall ? `${first} – ${DATE.format(last)}, all day` : `${first}, all day`;
  }
  const zone = start.zone ?? 'in no zone: the same time of day everywhere';
  const from = `${DATE.format(start.wall)}, ${TIME.format(start.wall)}`;
  if (end === undefined || end.wall === start.wall) return `${from} (${zone})`;
  const isSameDay = DATE.format(start.wall) === DATE.format(end.wall) && start.zone === end.zone;
  const endZone = start.zone === end.zone ? '' : ` (${end.zone ?? 'in no zone'})`;
  const to = isSameDay ? TIME.format(end.wall) : `${DATE.format(end.wall)}, ${TIME.format(end.wall)}${endZone}`;
  return endZone === '' ? `${from} – ${to} (${zone})` : `${from} (${zone}) – ${to}`;
}

/** RFC 5545 §3.3.10, in words; as it stands where there are no words for something in it. */
function describeRule(rule: string): string {
  const parts = new Map(
    rule.split(';').map((part) => {
      const [name = '', value = ''] = part.split('=');
      return [name.toUpperCase(), value.toUpperCase()] as const;
    }),
  );
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
  const end = until === undefined ? undefined : readTime({ value: until, parameters: new Map() });
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

const PARAMETER = /;([\w-]+)=((?:"[^"]*"|[^";:,]*)(?:,(?:"[^"]*"|[^";:,]*))*)/y;
const REQUIRED = ['UID', 'DTSTAMP'] as const;
const ITEMS_MAX = 50;
const PEOPLE_MAX = 200;
const DEPTH_MAX = 20;
const LINE_LENGTH_TOLD = 60;
const DAY_MS = 86_400_000;
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
