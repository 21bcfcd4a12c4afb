/** Routes for inboxes of one's own: tests that run side by side never see each other's mail. */

import { Type } from 'typebox';

import { Deletion, Inbox, NewInbox } from '../../api/model.js';
import { APIError } from '../api-error.js';
import { json, noContent, route, type Route } from '../route.js';
import type { InboxServices } from '../services.js';
import { deletionOf } from './messages.js';

const NAME = { name: 'The inbox.' };

export function inboxRoutes({ directory, store }: InboxServices): readonly Route[] {
  return [
    route({
      method: 'GET',
      path: '/inboxes',
      operationId: 'listInboxes',
      tag: 'Inboxes',
      summary: 'The inboxes besides that of everybody.',
      answer: { status: 200, description: 'By name.', schema: Type.Array(Inbox) },
      handle: () => json(directory.list()),
    }),
    route({
      method: 'POST',
      path: '/inboxes',
      operationId: 'createInbox',
      tag: 'Inboxes',
      summary: 'Makes an inbox: mail to its addresses, or from its AUTH user, is in it and nowhere else.',
      body: NewInbox,
      answer: { status: 201, description: 'The inbox.', schema: Inbox },
      errors: ['CONFLICT'],
      handle: async ({ body }) => json(await directory.create(body), 201),
    }),
    route({
      method: 'GET',
      path: '/inboxes/{name}',
      operationId: 'getInbox',
      tag: 'Inboxes',
      summary: 'An inbox.',
      params: NAME,
      answer: { status: 200, description: 'The inbox.', schema: Inbox },
      errors: ['NOT_FOUND'],
      handle: ({ params: { name = '' } }) => json(known(name)),
    }),
    route({
      method: 'DELETE',
      path: '/inboxes/{name}',
      operationId: 'deleteInbox',
      tag: 'Inboxes',
      summary: 'Takes an inbox away, with its mail.',
      params: NAME,
      answer: { status: 204, description: 'Done.' },
      errors: ['NOT_FOUND'],
      handle: async ({ params: { name = '' } }) => {
        await directory.remove(known(name).name);
        return noContent();
      },
    }),
    route({
      method: 'DELETE',
      path: '/inboxes/{name}/messages',
      operationId: 'clearInbox',
      tag: 'Inboxes',
      summary: 'Deletes the mail of an inbox.',
      params: NAME,
      answer: { status: 200, description: 'What was deleted.', schema: Deletion },
      errors: ['NOT_FOUND'],
      handle: async ({ params: { name = '' } }) => json(deletionOf(await store.clear(known(name).name))),
    }),
  ];

  function known(name: string): Inbox {
    const inbox = directory.get(name);
    if (inbox === undefined) throw new APIError('NOT_FOUND', `There is no inbox "${name}"`);
    return inbox;
  }
}
