/** Small pictures, drawn with the colour of the text around them. None says anything that is not said in words beside it. */

const PATHS = {
  angles: 'M5.5 4.5 2 8l3.5 3.500M10.5 4.5 14 8l-3.5 3.5',
  attachment: 'M13.2 7.2 8 12.4a3.1 3.1 0 0 1-4.4-4.4l5.5-5.5a2 2 0 0 1 2.9 2.9l-5.4 5.4a1 1 0 0 1-1.4-1.4l4.7-4.7',
  back: 'M9.5 3.5 5 8l4.5 4.5',
  bell: 'M4 7a4 4 0 0 1 8 0c0 3 1 4 1.5 4.5h-11C3 11 4 10 4 7ZM6.5 13.5h3',
  calendar: 'M2.500 3.500h11v10h-11zM2.500 6.500h11M5.500 1.800v3M10.500 1.800v3',
  check: 'm3 8.5 3.2 3.2L13 5',
  chevronDown: 'M4 6l4 4 4-4',
  chevronUp: 'M4 10l4-4 4 4',
  close: 'm4 4 8 8M12 4l-8 8',
  copy: 'M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3',
  detail: 'M2 3h12v10H2zM10 3v10',
  desktop: 'M1.8 3h12.4v8H1.8zM5.5 13.5h5M8 11v2.5',
  download: 'M8 2.5v8M4.8 7.5 8 10.7l3.2-3.2M2.5 13.5h11',
  error: 'M8 1.8a6.2 6.2 0 1 0 0 12.4A6.2 6.2 0 0 0 8 1.8M8 4.8v4M8 11v.1',
  event: 'M8 6.600a1.4 1.4 0 1 0 0 2.8 1.4 1.4 0 0 0 0-2.8',
  fault: 'M9 1.8 3.5 9H8l-1 5.2L12.5 7H8z',
  file: 'M4 1.8h5.200L12.2 5v9.200H4zM9 2v3.200h3',
  folder: 'M1.8 3.500h4.400l1.5 2h6.500v7.500H1.800z',
  fromClient: 'M2.5 8h11M10 4.5 13.5 8 10 11.5',
  fromServer: 'M13.5 8h-11M6 4.5 2.5 8 6 11.5',
  inbox: 'M2 9.5 4 3h8l2 6.5V13H2zM2 9.5h3.5L6.5 11h3l1-1.5H14',
  info: 'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12ZM8 7.3V11M8 4.9v.3',
  key: 'M8.6 7.4 13.5 2.5M11.5 4.5l1.7 1.7M9 10a3 3 0 1 1-6 0 3 3 0 0 1 6 0Z',
  keyboard: 'M1.5 4h13v8h-13zM4 6.5h.1M6.7 6.5h.1M9.3 6.5h.1M12 6.5h.1M5 9.5h6',
  lines: 'M3 4h10M3 8h10M3 12h6',
  link: 'M6.8 9.2a2.6 2.6 0 0 0 3.7 0l2-2a2.6 2.6 0 0 0-3.7-3.7l-.8.8M9.2 6.8a2.6 2.6 0 0 0-3.7 0l-2 2a2.6 2.6 0 0 0 3.7 3.7l.8-.8',
  lock: 'M3.5 7.5h9v6h-9zM5.5 7.5V5a2.5 2.5 0 0 1 5 0v2.5',
  mail: 'M2 3.5h12v9H2zM2.3 4 8 8.7 13.7 4',
  mailOpen: 'M2 6.5 8 2l6 4.5v7H2zM2.3 7 8 10.7 13.7 7',
  more: 'M3.2 7.6h.8v.8h-.8zM7.6 7.6h.8v.8h-.8zM12 7.6h.8v.8h-.8z',
  phone: 'M5 1.8h6v12.4H5zM7.4 12.2h1.2',
  picture: 'M2 3h12v10H2zM2 11l3.5-3.5 3 3L10.5 8.5 14 12M10.5 6v.1',
  plug: 'M5.5 2v3M10.5 2v3M3.5 5h9v2.5a4.5 4.5 0 0 1-9 0zM8 12v2.5',
  plus: 'M8 3v10M3 8h10',
  release: 'M2 8h9M7.8 4.6 11.2 8l-3.4 3.4M13.8 3v10',
  replay: 'M13 8a5 5 0 1 1-1.6-3.7M13 2v2.8h-2.8',
  search: 'M7 12A5 5 0 1 0 7 2a5 5 0 0 0 0 10ZM10.7 10.7 14 14',
  send: 'M14 2 1.8 6.8 6.5 9.5 9.2 14.2zM14 2 6.5 9.5',
  settings:
    'M2 4.5h6M12 4.5h2M2 11.5h2M8 11.5h6M10 6.3a1.8 1.8 0 1 0 0-3.6 1.8 1.8 0 0 0 0 3.6ZM6 13.3a1.8 1.8 0 1 0 0-3.6 1.8 1.8 0 0 0 0 3.6Z',
  sidebar: 'M2 3h12v10H2zM6 3v10',
  tablet: 'M3 2h10v12H3zM7.2 12h1.6',
  tag: 'M2.5 2.5H8l5.5 5.5L8 13.5 2.5 8zM5.3 5.3h.1',
  theme: 'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12ZM8 2v12M8 4.5l4.5 0M8 8h6M8 11.5h4.5',
  trash: 'M2.5 4h11M6 4V2.5h4V4M4 4l.7 9.5h6.6L12 4M6.7 6.5v4.5M9.3 6.5v4.5',
  unlocked: 'M3.5 7h9v6.5h-9zM5.3 7V5a2.7 2.7 0 0 1 5.2-.9',
  up: 'M8 13V3.5M4 7.5l4-4 4 4',
  upload: 'M8 10.5v-8M4.8 5.7 8 2.5l3.2 3.2M2.5 13.5h11',
  user: 'M8 8a2.8 2.8 0 1 0 0-5.6A2.8 2.8 0 0 0 8 8ZM2.8 14a5.2 5.2 0 0 1 10.4 0',
  warning: 'M8 2 1.5 13.5h13zM8 6.5v3.2M8 11.6v.2',
  webhook: 'M8 5.8a2 2 0 1 0-1.8-.9L4.4 8.6M9.3 5.2l2 3.8M6 12h4M5.5 11.8a2 2 0 1 1-1.6-2.6M12 9a2 2 0 1 1-2 3',
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { readonly name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
