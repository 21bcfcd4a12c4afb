/** What a calendar says, for people. */

import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';

import { readComponents } from '../../page/message/calendar-lines.js';
import { zonesOf } from '../../page/message/calendar-zone.js';
import { viewCalendar } from '../../page/message/calendar.js';

const calendar = (...lines: readonly string[]) =>
  ['BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//a//EN', ...lines, 'END:VCALENDAR', ''].join('\r\n');
const event = (...lines: readonly string[]) =>
  calendar('BEGIN:VEVENT', 'UID:1@a.example', 'DTSTAMP:20261126T120000Z', ...lines, 'END:VEVENT');
const viewed = (text: string, zone = 'Europe/Berlin') => {
  const { items, faults } = viewCalendar(text, zone);
  return { ...items[0], faults };
};

const observance = (kind: 'STANDARD' | 'DAYLIGHT', start: string, offsets: string, ...lines: readonly string[]) => {
  const [from = '', to = ''] = offsets.split(' ');
  return [`BEGIN:${kind}`, `DTSTART:${start}`, `TZOFFSETFROM:${from}`, `TZOFFSETTO:${to}`, ...lines, `END:${kind}`];
};
const timezone = (name: string, ...lines: readonly string[]) => [
  'BEGIN:VTIMEZONE',
  `TZID:${name}`,
  ...lines,
  'END:VTIMEZONE',
];
/** As Outlook says it. */
const WINDOWS_BERLIN = [
  ...observance('STANDARD', '16010101T030000', '+0200 +0100', 'RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10'),
  ...observance('DAYLIGHT', '16010101T020000', '+0100 +0200', 'RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3'),
];
const zoned = (zone: string, definition: readonly string[], time: string) =>
  calendar(
    ...timezone(zone, ...definition),
    'BEGIN:VEVENT',
    'UID:1@a.example',
    'DTSTAMP:20261126T120000Z',
    'SUMMARY:x',
    `DTSTART;TZID="${zone.replaceAll('\\', '')}":${time}`,
    'END:VEVENT',
  );

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

  it('counts a time of day that comes twice as the first, and one that there is not as before the change', () => {
    for (const zone of ['Europe/Berlin', 'W. Europe Standard Time'])
      for (const [time, here] of [
        ['20261025T023000', 'Sun, 25 Oct 2026, 00:30 (UTC)'],
        ['20261025T030000', 'Sun, 25 Oct 2026, 02:00 (UTC)'],
        ['20260329T023000', 'Sun, 29 Mar 2026, 01:30 (UTC)'],
        ['20260329T030000', 'Sun, 29 Mar 2026, 01:00 (UTC)'],
      ] as const) {
        const { whenHere, faults } = viewed(zoned(zone, WINDOWS_BERLIN, time), 'UTC');
        expect([zone, time, whenHere, faults]).toEqual([zone, time, here, []]);
      }
  });

  it.each([
    ['W. Europe Standard Time', WINDOWS_BERLIN, '20261105T100000', 'Thu, 5 Nov 2026, 04:00 (America/New_York)'],
    ['W. Europe Standard Time', WINDOWS_BERLIN, '20260805T100000', 'Wed, 5 Aug 2026, 04:00 (America/New_York)'],
    [
      '(UTC+05:30) Chennai\\, Mumbai',
      observance('STANDARD', '16010101T000000', '+0530 +0530'),
      '20260805T100000',
      'Wed, 5 Aug 2026, 00:30 (America/New_York)',
    ],
    [
      'Before its first change',
      observance('STANDARD', '20270101T000000', '+0500 +0600'),
      '20260805T100000',
      'Wed, 5 Aug 2026, 01:00 (America/New_York)',
    ],
  ])('says when in the zone %j, which it defines itself, it is here', (zone, definition, time, whenHere) => {
    expect(viewed(zoned(zone, definition, time), 'America/New_York')).toMatchObject({ whenHere, faults: [] });
  });

  it.each([
    ['Europe/Berlin', WINDOWS_BERLIN],
    [
      'Europe/Berlin',
      [
        ...observance(
          'STANDARD',
          '19961027T030000',
          '+0200 +0100',
          'RRULE:FREQ=YEARLY;INTERVAL=1;BYMONTH=10;BYMONTHDAY=25,26,27,28,29,30,31;BYDAY=SU;WKST=MO',
        ),
        ...observance(
          'DAYLIGHT',
          '19810329T000000',
          '+0100 +0200',
          'RRULE:FREQ=YEARLY;BYSECOND=0;BYMINUTE=0;BYHOUR=2;BYMONTH=3;BYMONTHDAY=-1,-2,-3,-4,-5,-6,-7;BYDAY=SU',
        ),
      ],
    ],
    [
      'America/New_York',
      [
        ...observance('DAYLIGHT', '20070311T020000', '-0500 -0400', 'RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=2SU'),
        ...observance('STANDARD', '20071104T020000', '-0400 -0500', 'RRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=+1SU'),
        ...observance(
          'DAYLIGHT',
          '19870405T020000',
          '-0500 -0400',
          'RRULE:FREQ=YEARLY;BYMONTH=4;BYDAY=1SU;UNTIL=20060402T070000Z',
        ),
        ...observance(
          'STANDARD',
          '19671029T020000',
          '-0400 -0500',
          'RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU;UNTIL=20061029T060000Z',
        ),
      ],
    ],
    [
      'Australia/Adelaide',
      [
        ...observance(
          'STANDARD',
          '20060402T030000',
          '+1030 +0930',
          'RDATE:20070325T030000,20260405T030000,20270404T030000',
        ),
        ...observance('DAYLIGHT', '20061029T020000', '+0930 +1030', 'RDATE;VALUE=DATE:20251005,20261004'),
      ],
    ],
  ])('is ahead of UTC as %s is by %j', (name, definition) => {
    const zones = zonesOf(readComponents(timezone('x', ...definition).join('\r\n'), new Set()).roots);
    const offsetsOf = (zone: string) => MOMENTS.map((moment) => zones.named(zone).offsetAt?.(moment));
    const [own, known] = [offsetsOf('x'), offsetsOf(name)];
    const wrong = MOMENTS.filter((_, at) => own[at] !== known[at]);
    expect(new Set(known).size).toBe(2);
    expect(wrong.map((moment) => new Date(moment).toISOString())).toEqual([]);
  });

  it.each<readonly [string, readonly string[]]>([
    ['nothing', []],
    ['no offset', observance('STANDARD', '16010101T030000', '+0200 1')],
    ['no day', observance('STANDARD', '20260231T030000', '+0200 +0100')],
    ...[
      'RRULE:FREQ=SECONDLY',
      'RRULE:FREQ=YEARLY;INTERVAL=2;BYMONTH=3;BYDAY=1SU',
      'RRULE:FREQ=YEARLY;BYYEARDAY=100',
      'RRULE:FREQ=YEARLY;BYDAY=20SU',
      'RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=XX',
      'RRULE:FREQ=YEARLY;BYMONTH=3;BYMONTHDAY=x',
      'RRULE:FREQ=YEARLY;BYMONTH=3;BYHOUR=1,2',
      'RRULE:FREQ=YEARLY;UNTIL=never',
      'RDATE:never',
      `RDATE:${Array.from({ length: 2_000 }, () => '20260101T000000').join(',')}`,
      Array.from({ length: 60 }, () => 'RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30').join('\r\n'),
    ].map((line) => [line.slice(0, 60), observance('STANDARD', '20250101T030000', '+0200 +0100', line)] as const),
  ])('shows the time of day alone where the zone that it defines says %s', (_, definition) => {
    const { when, whenHere, faults } = viewed(zoned('Mine', definition, '20261105T100000'));
    expect([when, whenHere]).toEqual(['Thu, 5 Nov 2026, 10:00 (Mine)', undefined]);
    expect(faults).toEqual([
      'No offset could be taken from the VTIMEZONE of Mine: its own time of day alone is shown.',
    ]);
  });

  it('says where it defines a zone otherwise than the zone is', () => {
    const definition = observance('STANDARD', '19700101T000000', '+0100 +0100');
    expect(viewed(zoned('Europe/Berlin', definition, '20261105T100000')).faults).toEqual([]);
    expect(viewed(zoned('Europe/Berlin', definition, '20260805T100000')).faults).toEqual([
      'The VTIMEZONE of Europe/Berlin says +01:00 where that zone has +02:00: programs may take another time for it.',
    ]);
  });

  it('looks each zone up once', () => {
    const { DateTimeFormat } = Intl;
    const made: unknown[] = [];
    const spy = vi.spyOn(Intl, 'DateTimeFormat').mockImplementation(function (locales, options) {
      made.push(options?.timeZone);
      return new DateTimeFormat(locales, options);
    });
    const events = Array.from({ length: 50 }, () => [
      'BEGIN:VEVENT',
      'DTSTART;TZID=Asia/Tokyo:20261105T100000',
      'DTEND;TZID=Asia/Tokyo:20261105T110000',
      'END:VEVENT',
    ]).flat();
    try {
      expect(viewCalendar(calendar(...events), 'Europe/Berlin').items).toHaveLength(50);
      expect(made).toEqual(['Europe/Berlin', 'Asia/Tokyo']);
    } finally {
      spy.mockRestore();
    }
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

  it('lasts as many hours as it says where clocks are changed meanwhile, and as many days', () => {
    const end = (duration: string) => {
      const text = zoned('W. Europe Standard Time', WINDOWS_BERLIN, `20261024T233000\r\nDURATION:${duration}`);
      return viewed(text, 'UTC').when?.split(' – ')[1];
    };
    expect(end('PT2H')).toBe('Sun, 25 Oct 2026, 01:30 (W. Europe Standard Time)');
    expect(end('PT4H')).toBe('Sun, 25 Oct 2026, 02:30 (W. Europe Standard Time)');
    const short = viewed(event('SUMMARY:x', 'DTSTART;TZID=Europe/Paris:20261025T024500', 'DURATION:PT30M'), 'UTC');
    expect(short.whenHere).toBe('Sun, 25 Oct 2026, 00:45 – 01:15 (UTC)');
    expect(short.faults.filter((fault) => fault.includes('ends'))).toEqual([]);
    expect(end('P1D')).toBe('Sun, 25 Oct 2026, 23:30 (W. Europe Standard Time)');
  });

  it('asks people whose names have quotes in them', () => {
    const { people } = viewed(event("ATTENDEE;CN=Bob ^'Bo^' B;PARTSTAT=ACCEPTED:mailto:bob@b.example"));
    expect(people).toEqual([{ name: 'Bob "Bo" B <bob@b.example>', answer: 'comes' }]);
  });

  it('goes on behind what has no END', () => {
    const text = calendar(
      'METHOD:PUBLISH',
      ...['one', 'two'].flatMap((summary) => [
        'BEGIN:VEVENT',
        'BEGIN:VALARM',
        'DESCRIPTION:not that of the event',
        'END:VEVENT',
        'BEGIN:VEVENT',
        `SUMMARY:${summary}`,
        'UID:1@a.example',
        'DTSTAMP:20261126T120000Z',
        'DTSTART:20261201T120000Z',
        'END:VEVENT',
      ]),
    );
    const { items, faults } = viewCalendar(text, 'UTC');
    expect(items.map(({ summary }) => summary)).toEqual(['(no summary)', 'one', '(no summary)', 'two']);
    expect(faults.filter((fault) => !fault.includes('(no summary)'))).toEqual(['BEGIN:VALARM has no END.']);
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
      'BEGIN:VTIMEZONE',
      'END:VTIMEZONE',
      'BEGIN:STANDARD',
      'END:STANDARD',
      'TZID:Nowhere/There',
      'DTSTART:16010101T030000',
      'TZOFFSETFROM:+0200',
      'TZOFFSETTO:-0130',
      'RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30',
      'RDATE:20260101,20260601T000000Z/PT1H',
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
    const broken = viewCalendar(calendar(...Array.from({ length: 60 }, (_, at) => `no ${at}`)), 'UTC').faults;
    expect(broken).toHaveLength(51);
    expect(broken.at(-1)).toBe('These are the first 50 of 61 faults.');
    const nested = viewCalendar(`BEGIN:VCALENDAR\r\n${'BEGIN:A\r\n'.repeat(100_000)}`, 'UTC');
    expect(nested.faults).toEqual([
      'BEGIN:VCALENDAR has no END.',
      'BEGIN:A has no END.',
      'There is no event and no task in it.',
    ]);
    const long = viewCalendar(
      event('SUMMARY:x', 'DTSTART:20261201T120000Z', ...Array.from({ length: 9 }, () => `X-A:${'x'.repeat(120_000)}`)),
      'UTC',
    );
    expect(long.items).toMatchObject([{ summary: 'x', when: 'Tue, 1 Dec 2026, 12:00 (UTC)' }]);
    expect(long.faults).toEqual(['It is longer than a million characters: the rest of it is not read.']);
  });
});

/** Each third hour of two years. */
const MOMENTS = [2006, 2026].flatMap((year) =>
  Array.from({ length: (365 * 24) / 3 }, (_, at) => Date.UTC(year, 4, 1) + at * 3 * 3_600_000),
);
