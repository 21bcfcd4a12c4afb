/** The route for the frame in which the HTML of a mail is shown. */

import { Type } from 'typebox';

import { frameHeaders } from '../../mail/frame.js';
import { APIError } from '../api-error.js';
import { done, messageOf, rawOf } from '../message-access.js';
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
      errors: ['NOT_FOUND', 'NOT_ALLOWED', 'NOT_READ', 'TOO_LARGE'],
      handle: async ({ params: { id = '' }, query: { remote: isRemoteAllowed = false } }) => {
        if (isRemoteAllowed && !mayLoadRemoteContent)
          throw new APIError('NOT_ALLOWED', 'Whoever started the server did not allow remote content');
        const raw = await rawOf(services, await messageOf(services, id));
        const frame = done(await reader.run('frame', raw, { isRemoteAllowed }));
        if (frame === undefined) throw new APIError('NOT_FOUND', 'The message has no HTML');
        const { html, remote } = frame;
        return new Response(html, {
          headers: {
            ...frameHeaders(isRemoteAllowed),
            'x-remote-content': String(remote.pictures + remote.others),
          },
        });
      },
    }),
  ];
}
