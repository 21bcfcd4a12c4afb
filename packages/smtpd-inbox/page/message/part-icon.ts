/** What a part is, at a glance. */

import type { Part } from '../../src/api/model.js';
import type { IconName } from '../ui/icon.js';

/** Pictures that a browser decodes without running anything: an SVG is a document with scripts. */
export function isSafePicture({ contentType }: Pick<Part, 'contentType'>): boolean {
  return SAFE_PICTURES.has(contentType);
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
      return part.contentType.startsWith('image/') ? 'picture' : 'file';
  }
}

const SAFE_PICTURES: ReadonlySet<string> = new Set(['image/png', 'image/jpeg', 'image/gif', 'image/webp']);
