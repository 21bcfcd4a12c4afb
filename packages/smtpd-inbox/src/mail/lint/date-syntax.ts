/** A date and time (RFC 5322 §3.3), with what is wrong or out of date in it. */

export type ParsedDate =
  | { readonly kind: 'bad'; readonly reason: string }
  | {
      readonly kind: 'date';
      /** Milliseconds since 1970. */
      readonly timeMs: number;
      /** The day of the week that was given, when it is not the right one; and the right one. */
      readonly wrongDay: { readonly given: string; readonly right: string } | undefined;
      /** What RFC 5322 §4.3 allows to be read but not to be written. */
      readonly obsolete: string | undefined;
    };

/** Parses a date. Comments are passed over. */
export function parseDate(text: string): ParsedDate {
  const match = DATE.exec(text.replace(/\([^()]*\)/g, ' ').trim());
  if (match === null) return { kind: 'bad', reason: 'it does not look like “Mon, 02 Jan 2006 15:04:05 -0700”' };
  const [, dayName, day = '', monthName = '', yearText = '', hour = '', minute = '', second = '0', zone = ''] = match;
  const month = MONTHS.indexOf(monthName.toLowerCase());
  if (month < 0) return { kind: 'bad', reason: `${JSON.stringify(monthName)} is no month` };
  if (dayName !== undefined && !DAYS.includes(dayName.toLowerCase())) {
    return { kind: 'bad', reason: `${JSON.stringify(dayName)} is no day of the week` };
  }
  let year = Number(yearText);
  // RFC 5322 §4.3: two digits below 50 are of this century.
  if (yearText.length === 2) year += year < 50 ? 2000 : 1900;
  else if (yearText.length === 3) year += 1900;
  const timeMs = Date.UTC(year, month, Number(day), Number(hour), Number(minute), Number(second));
  // Without the seconds: a leap second belongs to the day that it ends.
  const back = new Date(Date.UTC(year, month, Number(day), Number(hour), Number(minute)));
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 60) {
    return { kind: 'bad', reason: `${hour}:${minute}:${second} is no time of day` };
  }
  if (back.getUTCDate() !== Number(day) || back.getUTCMonth() !== month) {
    return { kind: 'bad', reason: `that month has no day ${day}` };
  }
  const offset = offsetMinutes(zone);
  if (offset === undefined) return { kind: 'bad', reason: `${JSON.stringify(zone)} is no zone; give it as +0100` };
  const right = DAYS[back.getUTCDay()] ?? '';
  return {
    kind: 'date',
    timeMs: timeMs - offset * 60_000,
    wrongDay:
      dayName === undefined || dayName.toLowerCase() === right
        ? undefined
        : { given: dayName, right: right.charAt(0).toUpperCase() + right.slice(1) },
    obsolete:
      yearText.length < 4
        ? `the year has ${String(yearText.length)} digits`
        : /^[A-Za-z]/.test(zone)
          ? `the zone ${zone} is a name; ${zone.toUpperCase() === 'GMT' || zone.toUpperCase() === 'UT' ? '+0000' : 'a number such as +0100'} is understood everywhere`
          : undefined,
  };
}

/** Undefined when it is none. */
function offsetMinutes(zone: string): number | undefined {
  const named = ZONES[zone.toUpperCase()];
  if (named !== undefined) return named * 60;
  // RFC 5322 §4.3: a military zone says nothing, since people got its sign wrong.
  if (/^[A-IK-Z]$/i.test(zone)) return 0;
  const match = /^([+-])(\d\d)(\d\d)$/.exec(zone);
  if (match === null) return undefined;
  const hours = Number(match[2]);
  const minutes = Number(match[3]);
  // No place on Earth is further from UTC than 14 hours; the syntax would take up to 99:59.
  if (hours > 14 || minutes > 59) return undefined;
  return (match[1] === '-' ? -1 : 1) * (hours * 60 + minutes);
}

const DATE =
  /^(?:([A-Za-z]+)\s*,\s*)?(\d{1,2})\s+([A-Za-z]+)\s+(\d{2,5})\s+(\d{1,2}):(\d{2})(?::(\d{2}))?\s+([A-Za-z]{1,5}|[+-]\d{1,6})$/;
const DAYS: readonly string[] = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const MONTHS: readonly string[] = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const ZONES: Readonly<Record<string, number>> = {
  UT: 0,
  GMT: 0,
  EST: -5,
  EDT: -4,
  CST: -6,
  CDT: -5,
  MST: -7,
  MDT: -6,
  PST: -8,
  PDT: -7,
};
