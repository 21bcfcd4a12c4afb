/** The document for the frame, from the octets of a mail: what a route of the API needs, in one job. */

import { frameDocument, partReferences, type FrameDocument } from './frame.js';
import { readBody } from './read-mail.js';

/** How parts are reached. All of it is data, so that the job can be done in a thread. */
export interface MailFrameOptions {
  /** What a part’s URL begins with; its number follows. */
  readonly partsURL: string;
  /** Whether the user asked for what lies elsewhere. */
  readonly isRemoteAllowed: boolean;
}

/** Makes the document; `undefined` for a mail without HTML. */
export function frameOfMail(
  raw: Uint8Array,
  { partsURL, isRemoteAllowed }: MailFrameOptions,
): FrameDocument | undefined {
  const { html, parts } = readBody(raw);
  if (html === undefined) return undefined;
  const references = partReferences(parts, ({ number }) => `${partsURL}${number}`);
  return frameDocument(html, { ...references, isRemoteAllowed });
}
