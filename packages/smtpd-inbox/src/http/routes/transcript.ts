/** The route for the conversation in which a message came. */

import { Transcript, type TranscriptLine } from '../../api/model.js';
import { swaksCommand } from '../../mail/swaks.js';
import { entryOf } from '../../search/entry.js';
import { messageOf } from '../message-access.js';
import { json, route, type Route } from '../route.js';
import type { InboxServices } from '../services.js';

export function transcriptRoutes(services: InboxServices): readonly Route[] {
  return [
    route({
      method: 'GET',
      path: '/messages/{id}/transcript',
      operationId: 'getTranscript',
      tag: 'Message',
      summary: 'The conversation in which a message came, line by line with its times.',
      params: { id: 'The message.' },
      answer: { status: 200, description: 'The conversation.', schema: Transcript },
      errors: ['NOT_FOUND'],
      handle: async ({ params: { id = '' } }) => {
        const message = await messageOf(services, id);
        const lines = ((await services.store.transcript(id)) ?? []) as TranscriptLine[];
        const { envelope, session } = entryOf(message);
        const [smtp = { host: '127.0.0.1', port: 25 }] = services.info().smtp;
        return json({ lines, swaks: swaksCommand({ envelope, session, transcript: lines, server: smtp }) });
      },
    }),
  ];
}
