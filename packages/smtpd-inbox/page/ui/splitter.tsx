/** The line between two panes: dragged, or moved with the arrow keys; a double click puts it back. */

import { useRef } from 'preact/hooks';

interface SplitterProps {
  /** The edge of what it stands in. */
  readonly side: 'start' | 'end';
  /** What it makes wider or narrower. */
  readonly label: string;
  /** The width of the pane before it, in pixels. */
  readonly width: number;
  readonly min: number;
  readonly max: number;
  readonly initial: number;
  readonly onWidth: (width: number) => void;
}

export function Splitter({ side, label, width, min, max, initial, onWidth }: SplitterProps) {
  const start = useRef<{ readonly x: number; readonly width: number } | undefined>(undefined);
  const set = (wanted: number) => onWidth(Math.round(Math.max(min, Math.min(max, wanted))));
  const byKey = (event: KeyboardEvent) => {
    const wanted = {
      ArrowLeft: width - STEP_PX,
      ArrowRight: width + STEP_PX,
      Home: min,
      End: max,
      Enter: initial,
    }[event.key];
    if (wanted === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    set(wanted);
  };
  return (
    <div
      role="separator"
      aria-orientation="vertical"
      aria-label={label}
      aria-valuenow={width}
      aria-valuemin={min}
      aria-valuemax={max}
      tabIndex={0}
      class={`splitter splitter-${side}`}
      title={`${label} (drag, or arrow keys)`}
      onKeyDown={byKey}
      onDblClick={() => set(initial)}
      onPointerDown={(event) => {
        if (event.button !== 0) return;
        event.preventDefault();
        event.currentTarget.setPointerCapture(event.pointerId);
        start.current = { x: event.clientX, width };
      }}
      onPointerMove={(event) => {
        if (start.current !== undefined) set(start.current.width + event.clientX - start.current.x);
      }}
      onPointerUp={() => (start.current = undefined)}
      onPointerCancel={() => (start.current = undefined)}
    />
  );
}

const STEP_PX = 16;
