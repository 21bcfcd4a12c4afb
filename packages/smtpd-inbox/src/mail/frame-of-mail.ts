/** The document for the frame, from the octets of a mail: what a route of the API needs, in one job. */

import type { Part } from '../api/model.js';
import { frameDocument, partReferences, type FrameDocument } from './frame.js';
import { readBody, readPart } from './read-mail.js';

/** What the document may. All of it is data, so that the job can be done in a thread. */
export interface MailFrameOptions {
  /** Whether the user asked for what lies elsewhere. */
  readonly isRemoteAllowed: boolean;
}

/**
 * Makes the document; `undefined` for a mail without HTML. The pictures that the mail itself has are in it, as `data:` URLs: the frame is
 * of no origin, so that what it asks for is never one of our requests.
 */
export function frameOfMail(raw: Uint8Array, { isRemoteAllowed }: MailFrameOptions): FrameDocument | undefined {
  const { html, parts } = readBody(raw);
  if (html === undefined) return undefined;
  let bytesLeft = PICTURE_BYTES_MAX;
  const pictures = new Map<string, string>();
  for (const part of parts) {
    if (!isReferred(part, html) || part.sizeBytes > bytesLeft) continue;
    const found = readPart(raw, part.number);
    if (found === undefined) continue;
    bytesLeft -= found.content.length;
    pictures.set(part.number, `data:${part.contentType};base64,${Buffer.from(found.content).toString('base64')}`);
  }
  const references = partReferences(parts, ({ number }) => pictures.get(number) ?? NO_PICTURE);
  return frameDocument(html, { ...references, isRemoteAllowed });
}

/** Whether the HTML may mean it: its name stands there, as it is or as a URL has it. */
function isReferred({ contentType, contentId, contentLocation }: Part, html: string): boolean {
  if (!PICTURE.test(contentType)) return false;
  return [contentId, contentLocation].some(
    (name) => name !== undefined && (html.includes(name) || html.includes(encodeURIComponent(name))),
  );
}

/** In `<img>` and CSS nothing of a picture runs, whatever its type. */
const PICTURE = /^image\/[a-z0-9.+-]{1,40}$/;
const NO_PICTURE = 'data:,';
/** Octets of pictures that a document has in it. */
const PICTURE_BYTES_MAX = 16_777_216;
