/** The pictures on buttons and in lists: strokes on a grid of 16, in the colour of the text around them. They say nothing that no word says. */

export type IconName = keyof typeof STROKES;

export function Icon({ name }: { readonly name: IconName }) {
  return (
    <svg class="msg-icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" focusable="false">
      <path
        d={STROKES[name]}
        fill="none"
        stroke="currentColor"
        stroke-width="1.4"
        stroke-linecap="round"
        stroke-linejoin="round"
      />
    </svg>
  );
}

const STROKES = {
  back: 'M10 3 5 8l5 5',
  close: 'M4 4l8 8M12 4l-8 8',
  copy: 'M5.5 5.5v-3h8v8h-3M2.5 5.5h8v8h-8z',
  done: 'M3 8.5l3.2 3L13 4.5',
  download: 'M8 2v8M4.8 7 8 10.2 11.2 7M2.5 13.5h11',
  replay: 'M13 8a5 5 0 1 1-1.6-3.7M13 2v2.8h-2.8',
  release: 'M2 8h9M7.8 4.6 11.2 8l-3.4 3.4M13.8 3v10',
  link: 'M6.8 9.2a2.6 2.6 0 0 0 3.7 0l2-2a2.6 2.6 0 0 0-3.7-3.7l-.8.8M9.2 6.8a2.6 2.6 0 0 0-3.7 0l-2 2a2.6 2.6 0 0 0 3.7 3.7l.8-.8',
  out: 'M9 2.5h4.5V7M13.2 2.8 7.5 8.5M11 9.5v4H2.5V5h4',
  warning: 'M8 2 1.8 13.2h12.4zM8 6.3v3.4M8 11.4v.1',
  error: 'M8 1.8a6.2 6.2 0 1 0 0 12.4A6.2 6.2 0 0 0 8 1.8M8 4.8v4M8 11v.1',
  note: 'M8 1.8a6.2 6.2 0 1 0 0 12.4A6.2 6.2 0 0 0 8 1.8M8 7.4v3.8M8 5v.1',
  lock: 'M3.5 7h9v6.5h-9zM5.3 7V5a2.7 2.7 0 0 1 5.4 0v2',
  unlocked: 'M3.5 7h9v6.5h-9zM5.3 7V5a2.7 2.7 0 0 1 5.2-.9',
  up: 'M4 10l4-4 4 4',
  down: 'M4 6l4 4 4-4',
  phone: 'M5 1.8h6v12.4H5zM7.4 12.2h1.2',
  tablet: 'M3 2h10v12H3zM7.2 12h1.6',
  desktop: 'M1.8 3h12.4v8H1.8zM5.5 13.5h5M8 11v2.5',
  picture: 'M2 3h12v10H2zM2 11l3.5-3.5 3 3L10.5 8.5 14 12M10.5 6v.1',
  file: 'M4 1.8h5.200L12.2 5v9.200H4zM9 2v3.200h3',
  message: 'M2 3.500h12v9H2zM2 4l6 5 6-5',
  folder: 'M1.8 3.500h4.400l1.5 2h6.500v7.500H1.800z',
  text: 'M3 4h10M3 8h10M3 12h6',
  html: 'M5.5 4.5 2 8l3.5 3.500M10.5 4.5 14 8l-3.5 3.5',
  fromClient: 'M2.5 8h11M10 4.5 13.5 8 10 11.5',
  fromServer: 'M13.5 8h-11M6 4.5 2.5 8 6 11.5',
  event: 'M8 6.600a1.4 1.4 0 1 0 0 2.8 1.4 1.4 0 0 0 0-2.8',
} as const;
