/** What is in a part: its text, its picture, or what can be done with it. */

import { useMemo } from 'preact/hooks';

import type { Part } from '../../src/api/model.js';
import { address } from '../api.js';
import { CalendarPart } from './calendar-part.js';
import { hexRow, hexRowCount } from './hex.js';
import { Loaded } from './loaded.js';
import { messageOctets, messagePath, useLoaded } from './message-data.js';
import { isCalendar, isSafePicture } from './part-icon.js';
import { decodePartText } from './part-text.js';

export function PartContent({ id, part }: { readonly id: string; readonly part: Part }) {
  if (part.role === 'container') return null;
  if (isSafePicture(part)) {
    return (
      <figure class="msg-picture">
        <img
          src={partAddress(id, part, { isInline: true })}
          alt={part.fileName ?? `Part ${part.number}`}
          loading="lazy"
        />
      </figure>
    );
  }
  if (part.sizeBytes > SHOWN_BYTES_MAX) {
    return <p class="msg-empty">Too large to be shown here. Download it instead.</p>;
  }
  return (
    <>
      {isCalendar(part) ? <CalendarPart id={id} part={part} /> : null}
      <PartOctets id={id} part={part} />
    </>
  );
}

function PartOctets({ id, part }: { readonly id: string; readonly part: Part }) {
  const octets = useLoaded(messageOctets(id, `parts/${encodeURIComponent(part.number)}`));
  return (
    <Loaded of={octets} what="the part">
      {(value) => <Shown octets={value} part={part} />}
    </Loaded>
  );
}

function Shown({ octets, part }: { readonly octets: Uint8Array; readonly part: Part }) {
  const shown = useMemo(() => {
    const isText = isCalendar(part) || /^(?:text|message)\/|[/+](?:xml|json)$/.test(part.contentType);
    if (isText) return decodePartText(octets.subarray(0, TEXT_BYTES_SHOWN), part.charset);
    const rows = Math.min(hexRowCount(octets.length), HEX_ROWS_SHOWN);
    return Array.from({ length: rows }, (_, row) => {
      const { offsetText, octets: digits, ascii } = hexRow(octets, row);
      return `${offsetText}  ${digits.join(' ').padEnd(47)}  ${ascii}`;
    }).join('\n');
  }, [octets, part]);
  return (
    <pre class="msg-part-text" tabIndex={0} role="region" aria-label={`Content of part ${part.number}`}>
      {shown}
    </pre>
  );
}

/** Where a part is: as a download, or to be shown if it is a safe picture. */
export function partAddress(
  id: string,
  part: Pick<Part, 'number'>,
  { isInline }: { readonly isInline: boolean },
): string {
  return address(messagePath(id, `parts/${encodeURIComponent(part.number)}`), isInline ? { inline: 1 } : {});
}

const SHOWN_BYTES_MAX = 5_000_000;
const TEXT_BYTES_SHOWN = 200_000;
const HEX_ROWS_SHOWN = 64;
