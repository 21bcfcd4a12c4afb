/**
 * Rows of one height, of which only those in sight are there. Browsers end an element at some 17 to 33 million pixels; beyond a bound of
 * ours the scroll bar stands for the whole in a smaller scale, and wheel and keys move by rows.
 */

import type { ComponentChildren } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';

/** A row to bring into sight; another object brings it again. */
export interface RowTarget {
  readonly row: number;
}

interface VirtualRowsProps {
  readonly count: number;
  /** What the rows are, for those who hear the page. */
  readonly label: string;
  readonly class?: string;
  readonly target?: RowTarget | undefined;
  readonly children: (row: number) => ComponentChildren;
}

export function VirtualRows({ count, label, class: className = '', target, children }: VirtualRowsProps) {
  const box = useRef<HTMLDivElement>(null);
  const space = useRef<HTMLDivElement>(null);
  const block = useRef<HTMLDivElement>(null);
  /** The row at the upper edge, with its fraction, and how many rows fit. */
  const [view, setView] = useState({ top: 0, fit: 40 });
  /** Where we put the scroll bar ourselves: an event from there is no one's wish. */
  const ownScroll = useRef(-1);
  const heightPx = Math.min(count * ROW_PX, SPACE_PX_MAX);
  const isScaled = count * ROW_PX > SPACE_PX_MAX;

  /** Scrolls to a row, as near as there are rows below it. */
  const moveTo = (row: number): void => {
    const element = box.current;
    if (element === null) return;
    const fit = element.clientHeight / ROW_PX;
    const topMax = Math.max(count - fit, 0);
    const top = Math.min(Math.max(row, 0), topMax);
    const scroll = isScaled ? (top / topMax) * (heightPx - element.clientHeight) : top * ROW_PX;
    element.scrollTop = scroll;
    ownScroll.current = element.scrollTop;
    setView({ top, fit });
  };
  const follow = (): void => {
    const element = box.current;
    if (element === null || element.scrollTop === ownScroll.current) return;
    ownScroll.current = -1;
    const fit = element.clientHeight / ROW_PX;
    const scrollMax = heightPx - element.clientHeight;
    const share = scrollMax > 0 ? element.scrollTop / scrollMax : 0;
    setView({ top: isScaled ? share * Math.max(count - fit, 0) : element.scrollTop / ROW_PX, fit });
  };

  useLayoutEffect(() => {
    const element = box.current;
    if (element === null) return;
    const observer = new ResizeObserver(() => {
      ownScroll.current = -1;
      follow();
    });
    observer.observe(element);
    return () => {
      observer.disconnect();
    };
  }, [count]);

  useEffect(() => {
    if (target !== undefined) moveTo(target.row - view.fit / 3);
  }, [target, count]);

  useEffect(() => {
    const element = box.current;
    if (element === null || !isScaled) return;
    const turn = (event: WheelEvent): void => {
      if (event.ctrlKey || event.deltaY === 0) return;
      event.preventDefault();
      moveTo(view.top + (event.deltaMode === WheelEvent.DOM_DELTA_LINE ? event.deltaY : event.deltaY / ROW_PX));
    };
    // Listeners for the wheel are passive unless they say otherwise.
    element.addEventListener('wheel', turn, { passive: false });
    return () => {
      element.removeEventListener('wheel', turn);
    };
  });

  const press = (event: KeyboardEvent): void => {
    if (!isScaled || event.ctrlKey || event.altKey || event.metaKey || event.target !== box.current) return;
    const rows = { ArrowDown: 1, ArrowUp: -1, PageDown: view.fit - 1, PageUp: 1 - view.fit, Home: -count, End: count }[
      event.key
    ];
    if (rows === undefined) return;
    event.preventDefault();
    moveTo(view.top + rows);
  };

  const first = Math.max(Math.floor(view.top) - ROWS_BEYOND, 0);
  const end = Math.min(Math.ceil(view.top + view.fit) + ROWS_BEYOND, count);
  useLayoutEffect(() => {
    if (space.current !== null) space.current.style.height = `${heightPx}px`;
    if (block.current === null || box.current === null) return;
    const topPx = isScaled ? box.current.scrollTop + (first - view.top) * ROW_PX : first * ROW_PX;
    block.current.style.transform = `translateY(${topPx}px)`;
  });

  return (
    <div
      class={`msg-rows ${className}`}
      ref={box}
      tabIndex={0}
      role="region"
      aria-label={label}
      onScroll={follow}
      onKeyDown={press}
    >
      <div class="msg-rows-space" ref={space}>
        <div class="msg-rows-block" ref={block}>
          {Array.from({ length: Math.max(end - first, 0) }, (_, at) => children(first + at))}
        </div>
      </div>
    </div>
  );
}

/** The height of a row; message.css says the same. */
const ROW_PX = 20;
/** Rows that are there above and below those in sight. */
const ROWS_BEYOND = 12;
const SPACE_PX_MAX = 8_000_000;
