/** The document for the frame, from the octets of a mail: what a route of the API needs, in one job. */

import type { Part } from '../api/model.js';
import { frameDocument, partReferences, type FrameDocument } from './frame.js';
import { readBody } from './read-mail.js';

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
  const { html, parts, contentOf } = readBody(raw);
  if (html === undefined) return undefined;
  let bytesLeft = PICTURE_BYTES_MAX;
  const urls = new Map<Part, string>();
  /** Only what the HTML refers to is decoded, and once however often it does. */
  const urlOf = (part: Part): string => {
    let url = urls.get(part);
    if (url === undefined) {
      const isShown = PICTURE.test(part.contentType) && part.sizeBytes <= bytesLeft;
      if (isShown) bytesLeft -= part.sizeBytes;
      url = isShown ? `data:${part.contentType};base64,${Buffer.from(contentOf(part)).toString('base64')}` : NO_PICTURE;
      urls.set(part, url);
    }
    return url;
  };
  return frameDocument(html, { ...partReferences(parts, urlOf), isRemoteAllowed });
}

/** In `<img>` and CSS nothing of a picture runs, whatever its type. */
const PICTURE = /^image\/[a-z0-9.+-]{1,40}$/;
const NO_PICTURE = 'data:,';
/** Octets of pictures that a document has in it. */
const PICTURE_BYTES_MAX = 16_777_216;
