/** Routes for webhooks: other programs that are told of new messages. */

import { Type } from 'typebox';

import { NewWebhook, Webhook } from '../../api/model.js';
import { APIError } from '../api-error.js';
import { json, noContent, route, type Route } from '../route.js';
import type { InboxServices } from '../services.js';

export function webhookRoutes({ webhooks }: InboxServices): readonly Route[] {
  return [
    route({
      method: 'GET',
      path: '/webhooks',
      operationId: 'listWebhooks',
      tag: 'Webhooks',
      summary: 'The programs that are told of new messages.',
      answer: { status: 200, description: 'Each with what became of its calls.', schema: Type.Array(Webhook) },
      handle: () => json(webhooks.list()),
    }),
    route({
      method: 'POST',
      path: '/webhooks',
      operationId: 'addWebhook',
      tag: 'Webhooks',
      summary: 'Tells a program of each new message, where whoever started the server allowed its URL.',
      body: NewWebhook,
      answer: { status: 201, description: 'The webhook.', schema: Webhook },
      errors: ['NOT_ALLOWED'],
      handle: async ({ body }) => json(await webhooks.add(body), 201),
    }),
    route({
      method: 'DELETE',
      path: '/webhooks/{id}',
      operationId: 'removeWebhook',
      tag: 'Webhooks',
      summary: 'Tells a program of nothing more.',
      params: { id: 'The webhook.' },
      answer: { status: 204, description: 'Done.' },
      errors: ['NOT_FOUND'],
      handle: async ({ params: { id = '' } }) => {
        if (!(await webhooks.remove(id))) throw new APIError('NOT_FOUND', `There is no webhook "${id}"`);
        return noContent();
      },
    }),
  ];
}
