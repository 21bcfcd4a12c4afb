/**
 * The rows that are in sight, of as many as there are. All have one height, so that where a row stands is a product, and nothing has to
 * be measured or remembered.
 */

import type { RefObject } from 'preact';
import { useCallback, useLayoutEffect, useState } from 'preact/hooks';

interface RowsInSight {
  /** The first row to be drawn, and the one behind the last. */
  readonly first: number;
  readonly end: number;
  /** To be called when it was scrolled. */
  readonly look: () => void;
  /** Scrolls as little as it takes to have a row in sight as a whole. */
  readonly show: (index: number) => void;
}

export function useRowsInSight(scroller: RefObject<HTMLElement | null>, count: number, rowHeight: number): RowsInSight {
  const [{ first, end }, setRange] = useState({ first: 0, end: 0 });
  const look = useCallback(() => {
    const element = scroller.current;
    if (element === null) return;
    const top = Math.max(0, Math.floor(element.scrollTop / rowHeight) - OVERSCAN_ROWS);
    const bottom = Math.min(count, Math.ceil((element.scrollTop + element.clientHeight) / rowHeight) + OVERSCAN_ROWS);
    setRange((range) => (range.first === top && range.end === bottom ? range : { first: top, end: bottom }));
  }, [count, rowHeight]);
  useLayoutEffect(() => {
    const element = scroller.current;
    if (element === null) return;
    look();
    const observer = new ResizeObserver(look);
    observer.observe(element);
    return () => observer.disconnect();
  }, [look]);
  const show = (index: number) => {
    const element = scroller.current;
    if (element === null) return;
    const top = index * rowHeight;
    if (top < element.scrollTop) element.scrollTop = top;
    else if (top + rowHeight > element.scrollTop + element.clientHeight) {
      element.scrollTop = top + rowHeight - element.clientHeight;
    }
  };
  // What was in sight of a longer list is not there any more.
  return { first: Math.min(first, count), end: Math.min(end, count), look, show };
}

/** Rows above and below that are drawn before they are in sight. */
const OVERSCAN_ROWS = 10;
