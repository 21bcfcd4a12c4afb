/** What a calendar says, for people. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { viewCalendar } from '../../page/message/calendar.js';

const calendar = (...lines: readonly string[]) =>
  ['BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//a//EN', ...lines, 'END:VCALENDAR', ''].join('\r\n');
const event = (...lines: readonly string[]) =>
  calendar('BEGIN:VEVENT', 'UID:1@a.example', 'DTSTAMP:20261126T120000Z', ...lines, 'END:VEVENT');
const viewed = (text: string, zone = 'Europe/Berlin') => {
  const { items, faults } = viewCalendar(text, zone);
  return { ...items[0], faults };
};

describe('a calendar', () => {
  it('is an invitation, with who, when, where and how often', () => {
    const text = calendar(
      'METHOD:REQUEST',
      'BEGIN:VTIMEZONE',
      'TZID:America/New_York',
      'END:VTIMEZONE',
      'BEGIN:VEVENT',
      'UID:1@a.example',
      'DTSTAMP:20261126T120000Z',
      'DTSTART;TZID="America/New_York":20261105T233000',
      'DURATION:PT1H30M',
      'RRULE:FREQ=MONTHLY;INTERVAL=2;BYDAY=2TU,-1FR;COUNT=5',
      'SUMMARY:Planning\\, wee',
      ' kly',
      'DESCRIPTION:One\\nTwo\\; \\\\',
      'LOCATION:Room 5',
      'ORGANIZER;CN=Ann:mailto:ann@a.example',
      'ATTENDEE;CN="Bob; B: Jr.";PARTSTAT=NEEDS-ACTION;RSVP=TRUE:MAILTO:bob@b.example',
      'ATTENDEE:mailto:eve@e.example',
      'BEGIN:VALARM',
      'DESCRIPTION:not that of the event',
      'END:VALARM',
      'SEQUENCE:2',
      'END:VEVENT',
    );
    expect(viewCalendar(text, 'Europe/Berlin')).toEqual({
      purpose: 'Invitation',
      items: [
        {
          kind: 'event',
          summary: 'Planning, weekly',
          isCancelled: false,
          when: 'Thu, 5 Nov 2026, 23:30 – Fri, 6 Nov 2026, 01:00 (America/New_York)',
          whenHere: 'Fri, 6 Nov 2026, 05:30 – 07:00 (Europe/Berlin)',
          repeats: 'every 2 months on the second Tuesday and the last Friday, 5 times',
          location: 'Room 5',
          organizer: 'Ann <ann@a.example>',
          people: [{ name: 'Bob; B: Jr. <bob@b.example>', answer: 'has not answered' }, { name: 'eve@e.example' }],
          description: 'One\nTwo; \\',
          uid: '1@a.example',
          sequence: '2',
        },
      ],
      faults: [],
    });
  });

  it.each([
    [
      ['DTSTART;VALUE=DATE:20261224', 'DTEND;VALUE=DATE:20261227'],
      'Thu, 24 Dec 2026 – Sat, 26 Dec 2026, all day',
      undefined,
    ],
    [['DTSTART;VALUE=DATE:20261224', 'DTEND;VALUE=DATE:20261225'], 'Thu, 24 Dec 2026, all day', undefined],
    [['DTSTART;VALUE=DATE:20261224', 'DURATION:P1W'], 'Thu, 24 Dec 2026 – Wed, 30 Dec 2026, all day', undefined],
    [['DTSTART:20261201T120000Z'], 'Tue, 1 Dec 2026, 12:00 (UTC)', 'Tue, 1 Dec 2026, 13:00 (Europe/Berlin)'],
    // The last hour of summer time in Berlin, and the first hour behind it.
    [['DTSTART:20261025T003000Z'], 'Sun, 25 Oct 2026, 00:30 (UTC)', 'Sun, 25 Oct 2026, 02:30 (Europe/Berlin)'],
    [['DTSTART:20261025T013000Z'], 'Sun, 25 Oct 2026, 01:30 (UTC)', 'Sun, 25 Oct 2026, 02:30 (Europe/Berlin)'],
    [
      ['DTSTART:20261201T120000', 'DTEND:20261201T130000'],
      'Tue, 1 Dec 2026, 12:00 – 13:00 (in no zone: the same time of day everywhere)',
      undefined,
    ],
  ])('%j is %j, and here %j', (lines, when, whenHere) => {
    const { faults, ...item } = viewed(event('SUMMARY:x', ...lines));
    expect([item.when, item.whenHere, faults]).toEqual([when, whenHere, []]);
  });

  it.each([
    ['FREQ=DAILY', 'every day'],
    [
      'FREQ=WEEKLY;BYDAY=TU,TH;UNTIL=20270101T000000Z;WKST=SU',
      'every week on Tuesday and Thursday, until Fri, 1 Jan 2027',
    ],
    ['FREQ=YEARLY;BYMONTH=3;BYMONTHDAY=8', 'every year on day 8 of the month in March'],
    ['FREQ=YEARLY;BYSETPOS=1;BYDAY=MO', 'FREQ=YEARLY;BYSETPOS=1;BYDAY=MO'],
    ['FREQ=NEVER', 'FREQ=NEVER'],
    ['FREQ=WEEKLY;BYDAY=XX', 'FREQ=WEEKLY;BYDAY=XX'],
  ])('that repeats by %j does so %s', (rule, words) => {
    expect(viewed(event('DTSTART:20261201T120000Z', `RRULE:${rule}`)).repeats).toBe(words);
  });

  it('is cancelled by its method or by its state, and a task is due', () => {
    const cancelled = calendar('METHOD:CANCEL', 'BEGIN:VEVENT', 'DTSTART:20261201T120000Z', 'END:VEVENT');
    expect(viewCalendar(cancelled, 'UTC')).toMatchObject({ purpose: 'Cancellation', items: [{ isCancelled: true }] });
    expect(viewed(event('STATUS:CANCELLED')).isCancelled).toBe(true);
    const task = calendar('BEGIN:VTODO', 'DTSTART:20261130T120000Z', 'DUE:20261201T120000Z', 'END:VTODO');
    expect(viewCalendar(task, 'UTC').items).toMatchObject([{ kind: 'task', when: 'Tue, 1 Dec 2026, 12:00 (UTC)' }]);
  });

  it.each([
    ['', 'There is no VCALENDAR in it.'],
    [calendar(), 'There is no event and no task in it.'],
    ['BEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:x\n', 'BEGIN:VEVENT has no END.'],
    [calendar('END:VEVENT'), 'END:VEVENT ends nothing that was begun.'],
    [event('what is this'), '“what is this” is no property.'],
    [event('SUMMARY:x'), '“x” has no DTSTART.'],
    [calendar('BEGIN:VEVENT', 'SUMMARY:x', 'END:VEVENT'), '“x” has no UID.'],
    [event('SUMMARY:x', 'DTSTART:20260231'), 'DTSTART of “x” is no date and no time: 20260231'],
    [event('SUMMARY:x', 'DTSTART:20261201T120000Z', 'DTEND:20261201T110000Z'), '“x” ends before it begins.'],
    [
      event('DTSTART;TZID=W. Europe Standard Time:20261105T100000'),
      'The zone W. Europe Standard Time is defined by no VTIMEZONE: programs may take another time for it.',
    ],
    [event('SUMMARY:x', 'ATTENDEE:mailto:b@b.example'), '“x” has no ORGANIZER: nobody can be answered.'],
    [event('ATTENDEE:mailto:b@b.example'), 'It has no METHOD: mail programs show a file, and nothing to answer.'],
  ])('%j has a fault: %s', (text, fault) => {
    expect(viewCalendar(text, 'UTC').faults).toContain(fault);
  });

  it('is read whatever it is, and what is too much is counted', () => {
    const line = fc.constantFrom(
      'BEGIN:VCALENDAR',
      'END:VCALENDAR',
      'BEGIN:VEVENT',
      'END:VEVENT',
      'DTSTART;TZID=Nowhere/There:20261201T120000',
      'DTSTART:00010101',
      'DURATION:P999999999W',
      'RRULE:FREQ=YEARLY;BYMONTH=x;BYMONTHDAY=',
      'ATTENDEE;CN=":x',
      ' folded',
      ':',
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 20 }), (lines) => {
        for (const text of [lines.join('\r\n'), event(...lines)])
          expect(Array.isArray(viewCalendar(text, 'Europe/Berlin').items)).toBe(true);
      }),
    );
    const many = viewCalendar(calendar(...Array.from({ length: 60 }, () => 'BEGIN:VEVENT\r\nEND:VEVENT')), 'UTC');
    expect(many.items).toHaveLength(50);
    expect(many.faults).toContain('It has 60 entries: the first 50 are shown.');
  });
});
