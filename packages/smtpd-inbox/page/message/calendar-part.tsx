/** A calendar that came with a mail: what a mail program would show of it, and what would keep it from that. */

import { useMemo } from 'preact/hooks';

import type { Part } from '../../src/api/model.js';
import { Icon } from '../ui/icon.js';
import { viewCalendar, type CalendarItem } from './calendar.js';
import { Facts } from './facts.js';
import { Loaded } from './loaded.js';
import { MailLink } from './mail-link.js';
import { messageOctets, useLoaded } from './message-data.js';
import { decodePartText } from './part-text.js';

export function CalendarPart({ id, part }: { readonly id: string; readonly part: Part }) {
  const octets = useLoaded(messageOctets(id, `parts/${encodeURIComponent(part.number)}`));
  return (
    <Loaded of={octets} what="the calendar">
      {(value) => <Calendar octets={value} part={part} />}
    </Loaded>
  );
}

function Calendar({ octets, part }: { readonly octets: Uint8Array; readonly part: Part }) {
  const { purpose, items, faults } = useMemo(
    () => viewCalendar(decodePartText(octets, part.charset), Intl.DateTimeFormat().resolvedOptions().timeZone),
    [octets, part],
  );
  return (
    <section class="msg-calendar" aria-label={`Calendar in part ${part.number}`}>
      {purpose === undefined ? null : <p class="msg-calendar-purpose">{purpose}</p>}
      {items.map((item, at) => (
        <Item key={at} item={item} />
      ))}
      {faults.length === 0 ? null : (
        <ul class="msg-calendar-faults" aria-label="What is wrong with the calendar">
          {faults.map((fault) => (
            <li key={fault}>
              <Icon name="warning" />
              {fault}
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

function Item({ item }: { readonly item: CalendarItem }) {
  const { people, url } = item;
  return (
    <div class="msg-calendar-item">
      <h3 class={item.isCancelled ? 'msg-calendar-cancelled' : ''} dir="auto">
        {item.summary}
      </h3>
      <Facts
        facts={[
          ['State', item.isCancelled ? 'Cancelled' : undefined],
          [item.kind === 'task' ? 'Due' : 'When', item.when],
          ['Here', item.whenHere],
          ['Repeats', item.repeats],
          ['Changes that of', item.changes],
          ['Where', item.location],
          ['URL', url === undefined ? undefined : <MailLink url={url}>{url}</MailLink>],
          ['Organizer', item.organizer],
          [
            'Asked',
            people.length === 0 ? undefined : (
              <ul>
                {people.map(({ name, answer }, at) => (
                  <li key={at}>
                    {name}
                    {answer === undefined ? null : <span class="msg-soft"> {answer}</span>}
                  </li>
                ))}
              </ul>
            ),
          ],
          ['Description', item.description && <span class="msg-calendar-text">{item.description}</span>],
          ['UID', item.uid],
          ['Sequence', item.sequence],
        ]}
      />
    </div>
  );
}
