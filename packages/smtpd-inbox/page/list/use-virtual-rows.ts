/** The rows that are in sight, of as many as there are; all have one height. */

import { elementScroll, observeElementOffset, observeElementRect, Virtualizer } from '@tanstack/virtual-core';
import type { RefObject } from 'preact';
import { useLayoutEffect, useReducer, useRef } from 'preact/hooks';

type Rows = Virtualizer<HTMLDivElement, HTMLDivElement>;

export function useVirtualRows(scroller: RefObject<HTMLDivElement | null>, count: number, rowHeight: number): Rows {
  const [, render] = useReducer((times: number) => times + 1, 0);
  const reference = useRef<Rows | undefined>(undefined);
  const options = {
    count,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan: 10,
    scrollToFn: elementScroll,
    observeElementRect,
    observeElementOffset,
    onChange: () => render(undefined),
  };
  const rows = (reference.current ??= new Virtualizer<HTMLDivElement, HTMLDivElement>(options));
  rows.setOptions(options);
  useLayoutEffect(() => rows._didMount(), [rows]);
  useLayoutEffect(() => {
    rows._willUpdate();
  });
  useLayoutEffect(() => {
    rows.measure();
  }, [rows, rowHeight]);
  return rows;
}
