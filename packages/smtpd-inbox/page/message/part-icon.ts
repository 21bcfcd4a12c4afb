/** What a part is, at a glance. */

import type { Part } from '../../src/api/model.js';
import type { IconName } from '../ui/icon.js';

/** Pictures that a browser decodes without running anything: an SVG is a document with scripts. */
export function isSafePicture({ contentType }: Pick<Part, 'contentType'>): boolean {
  return SAFE_PICTURES.has(contentType);
}

/** An invitation, or what else is for a calendar: by its type, or by its name where that says nothing. */
export function isCalendar({ role, contentType, fileName }: Pick<Part, 'role' | 'contentType' | 'fileName'>): boolean {
  if (role === 'container' || role === 'message') return false;
  return CALENDARS.has(contentType) || (UNTYPED.has(contentType) && /\.ics$/i.test(fileName ?? ''));
}

export function partIcon(part: Part): IconName {
  switch (part.role) {
    case 'container':
      return 'folder';
    case 'text':
      return 'lines';
    case 'html':
      return 'angles';
    case 'message':
      return 'mail';
    case 'attachment':
    case 'related':
      if (isCalendar(part)) return 'calendar';
      return part.contentType.startsWith('image/') ? 'picture' : 'file';
  }
}

const SAFE_PICTURES: ReadonlySet<string> = new Set(['image/png', 'image/jpeg', 'image/gif', 'image/webp']);
const CALENDARS: ReadonlySet<string> = new Set(['text/calendar', 'application/ics', 'text/x-vcalendar']);
const UNTYPED: ReadonlySet<string> = new Set(['application/octet-stream', 'text/plain']);
