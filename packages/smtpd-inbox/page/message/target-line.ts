/** The line that an address names, brought into sight. */

import { useCallback } from 'preact/hooks';

/** @returns a `ref` for the element of the line: it is scrolled into sight when it appears, and when the line changes */
export function useTargetLine(line: number | undefined): (element: HTMLElement | null) => void {
  return useCallback(
    (element: HTMLElement | null) => {
      element?.scrollIntoView({ block: 'center' });
    },
    [line],
  );
}
