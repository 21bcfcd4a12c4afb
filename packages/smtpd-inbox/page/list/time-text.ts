/** When something came, in few letters; and exactly. Pure: the time that it is, is an argument. */

/** How long ago, when that is short; the time of today, the day of this week, or the date. */
export function relativeTime(time: Date, now: Date): string {
  const agoMs = now.getTime() - time.getTime();
  // Clocks that differ a little are no reason for a time in the future.
  if (agoMs < MINUTE_MS) return 'now';
  if (agoMs < HOUR_MS) return `${String(Math.floor(agoMs / MINUTE_MS))} min`;
  const clock = `${padded(time.getHours())}:${padded(time.getMinutes())}`;
  if (isSameDay(time, now)) return clock;
  const midnight = new Date(now.getFullYear(), now.getMonth(), now.getDate() - 6);
  if (time >= midnight) return `${WEEKDAYS[time.getDay()] ?? ''} ${clock}`;
  const date = `${String(time.getDate())} ${MONTHS[time.getMonth()] ?? ''}`;
  return time.getFullYear() === now.getFullYear() ? date : `${date} ${String(time.getFullYear())}`;
}

/** Day, time and zone: `2026-11-25 20:00:31.042 +01:00`. */
export function exactTime(time: Date): string {
  const day = [time.getFullYear(), time.getMonth() + 1, time.getDate()].map(padded).join('-');
  const clock = [time.getHours(), time.getMinutes(), time.getSeconds()].map(padded).join(':');
  const offset = -time.getTimezoneOffset();
  const zone = `${offset < 0 ? '-' : '+'}${padded(Math.floor(Math.abs(offset) / 60))}:${padded(Math.abs(offset) % 60)}`;
  return `${day} ${clock}.${String(time.getMilliseconds()).padStart(3, '0')} ${zone}`;
}

function isSameDay(one: Date, other: Date): boolean {
  return one.toDateString() === other.toDateString();
}

function padded(figure: number): string {
  return String(figure).padStart(2, '0');
}

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const WEEKDAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
