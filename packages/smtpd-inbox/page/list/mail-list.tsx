/**
 * The list: rows for what is in sight. It stays where the reader is, whatever comes above: the row at the top edge is remembered, and put
 * back there before anything is painted.
 */

import { signal } from '@preact/signals';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';

import { indexOfEntry } from '../state/entry-list.js';
import { generation, list, loadOlder } from '../state/mailbox.js';
import { route } from '../state/route.js';
import { cursorId, cursorIndex, openEntry, selectedIds, selectRange, toggleSelected } from '../state/selection.js';
import { Icon } from '../ui/icon.js';
import { MailRow } from './mail-row.js';
import { useRowsInSight } from './use-rows-in-sight.js';

/** The newest entry that the reader has had in sight, at the top. */
const seenTopId = signal<string | undefined>(undefined);

interface MailListProps {
  readonly now: Date;
  /** Whether it is not what is looked for: that could not be had. */
  readonly isStale: boolean;
}

export function MailList({ now, isStale }: MailListProps) {
  const scroller = useRef<HTMLDivElement>(null);
  const isWide = useIsWide(scroller);
  const rowHeight = isWide ? ROW_WIDE_PX : ROW_NARROW_PX;
  const { entries } = list.value;
  const { first, end, look, show } = useRowsInSight(scroller, entries.length, rowHeight);
  const anchor = useRef<{ readonly id: string; readonly offset: number } | undefined>(undefined);

  // What stands at the top edge, while the reader scrolls.
  const remember = () => {
    look();
    const top = scroller.current?.scrollTop ?? 0;
    const index = Math.floor(top / rowHeight);
    const entry = list.value.entries[index];
    anchor.current =
      top < AT_TOP_PX || entry === undefined ? undefined : { id: entry.id, offset: top - index * rowHeight };
    if (top < AT_TOP_PX) seenTopId.value = list.value.entries[0]?.id;
  };
  useLayoutEffect(() => {
    const element = scroller.current;
    const at = anchor.current;
    if (element !== null && at !== undefined) {
      element.scrollTop = indexOfEntry(entries, at.id) * rowHeight + Math.min(at.offset, rowHeight - 1);
    }
    remember();
  }, [entries, rowHeight]);
  useLayoutEffect(() => {
    anchor.current = undefined;
    if (scroller.current !== null) scroller.current.scrollTop = 0;
    remember();
  }, [generation.value]);

  // The cursor is in sight after it was moved, and after the rows have changed their shape.
  useEffect(() => {
    const index = cursorIndex();
    if (index >= 0) show(index);
  }, [cursorId.value, rowHeight]);

  useEffect(() => {
    if (end >= entries.length - PREFETCH_ROWS) void loadOlder();
  }, [end, entries.length]);

  const newAbove = seenTopId.value === undefined ? 0 : indexOfEntry(entries, seenTopId.value);
  const isScrolled = anchor.current !== undefined;
  return (
    <div class={`list ${isWide ? 'list-wide' : 'list-narrow'} ${isStale ? 'is-stale' : ''}`}>
      {isScrolled && newAbove > 0 ? (
        <button type="button" class="new-pill" onClick={() => scroller.current?.scrollTo({ top: 0 })}>
          <Icon name="up" />
          {newAbove.toLocaleString('en')} new
        </button>
      ) : null}
      <div
        ref={scroller}
        id="mail-list"
        class="list-scroller"
        role="listbox"
        aria-label="Messages"
        aria-multiselectable="true"
        aria-activedescendant={cursorId.value === undefined ? undefined : `row-${cursorId.value}`}
        tabIndex={0}
        onScroll={remember}
        onClick={press}
      >
        <div role="presentation" class="list-rows" style={{ height: `${String(entries.length * rowHeight)}px` }}>
          {entries.slice(first, end).map((entry, place) => {
            const index = first + place;
            return (
              <MailRow
                key={entry.id}
                entry={entry}
                now={now}
                top={index * rowHeight}
                height={rowHeight}
                position={index + 1}
                count={list.value.older === undefined ? entries.length : -1}
                isWide={isWide}
                isOpen={route.value.messageId === entry.id}
                isAtCursor={cursorId.value === entry.id}
                isSelected={selectedIds.value.has(entry.id)}
                isSelecting={selectedIds.value.size > 0}
              />
            );
          })}
        </div>
      </div>
    </div>
  );
}

/** One listener for all rows: what was pressed says which one. */
function press(event: MouseEvent): void {
  const { target } = event;
  if (!(target instanceof Element)) return;
  const id = target.closest<HTMLElement>('[data-id]')?.dataset['id'];
  if (id === undefined) return;
  if (event.shiftKey) {
    // The browser selects text, too.
    getSelection()?.removeAllRanges();
    selectRange(id);
  } else if (event.ctrlKey || event.metaKey || target.closest('.row-check') !== null) toggleSelected(id);
  else openEntry(id);
}

function useIsWide(scroller: { readonly current: HTMLElement | null }): boolean {
  const [isWide, setWide] = useState(() => innerWidth >= WIDE_FROM_PX);
  useLayoutEffect(() => {
    const element = scroller.current;
    if (element === null) return;
    const read = () => {
      // Without a width it is not shown.
      if (element.clientWidth > 0) setWide(element.clientWidth >= WIDE_FROM_PX);
    };
    read();
    const observer = new ResizeObserver(read);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return isWide;
}

const ROW_WIDE_PX = 38;
const ROW_NARROW_PX = 70;
const WIDE_FROM_PX = 840;
const AT_TOP_PX = 2;
const PREFETCH_ROWS = 60;
