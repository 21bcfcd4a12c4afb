/** The route for the frame in which the HTML of a mail is shown. */

import { Type } from 'typebox';

import type { Part } from '../../api/model.js';
import { frameDocument, frameHeaders, partReferences } from '../../mail/frame.js';
import type { ReadMail } from '../../mail/read-mail.js';
import { APIError } from '../api-error.js';
import { messageOf, rawOf } from '../message-access.js';
import { route, type Route } from '../route.js';
import type { InboxServices } from '../services.js';

export function frameRoutes(services: InboxServices): readonly Route[] {
  const { reader, mayLoadRemoteContent } = services;
  return [
    route({
      method: 'GET',
      path: '/messages/{id}/html',
      operationId: 'getHTML',
      tag: 'Message',
      summary: 'The HTML of a message as a document for a frame: nothing in it runs, and nothing is fetched.',
      description: 'The field `x-remote-content` says how much of it lies elsewhere.',
      params: { id: 'The message.' },
      query: Type.Object({
        remote: Type.Optional(
          Type.Boolean({ description: 'Whether pictures and styles of other servers may be loaded, this once.' }),
        ),
      }),
      answer: { status: 200, description: 'The document.', contentTypes: ['text/html'] },
      errors: ['NOT_FOUND', 'NOT_ALLOWED', 'TOO_LARGE'],
      handle: async ({ params: { id = '' }, query: { remote: isRemoteAllowed = false } }) => {
        if (isRemoteAllowed && !mayLoadRemoteContent)
          throw new APIError('NOT_ALLOWED', 'Whoever started the server did not allow remote content');
        const raw = await rawOf(services, await messageOf(services, id));
        const read = await reader.read(raw);
        if (read.html === undefined) throw new APIError('NOT_FOUND', 'The message has no HTML');
        const pictures = await picturesOf(raw, read);
        const { html, remote } = frameDocument(read.html, {
          ...partReferences(read.parts, ({ number }) => pictures.get(number) ?? NO_PICTURE),
          isRemoteAllowed,
        });
        return new Response(html, {
          headers: {
            ...frameHeaders({ isRemoteAllowed, partsSource: '' }),
            'x-remote-content': String(remote.pictures + remote.others),
          },
        });
      },
    }),
  ];

  /**
   * The pictures that the HTML has in the mail itself, as `data:` URLs by their part's number. The frame is of no origin, so that no
   * request of it is one of ours: what it shows has to be in it.
   */
  async function picturesOf(raw: Uint8Array, { html = '', parts }: ReadMail): Promise<ReadonlyMap<string, string>> {
    const urls = new Map<string, string>();
    let bytesLeft = PICTURE_BYTES_MAX;
    for (const part of parts.filter((each) => isReferred(each, html))) {
      if (part.sizeBytes > bytesLeft) continue;
      const found = await reader.part(raw, part.number);
      if (found === undefined) continue;
      bytesLeft -= found.content.length;
      urls.set(part.number, `data:${part.contentType};base64,${Buffer.from(found.content).toString('base64')}`);
    }
    return urls;
  }
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
/** Octets of pictures that a frame's document has in it. */
const PICTURE_BYTES_MAX = 16_777_216;
