/** Routes for faults on demand. */

import { Type } from 'typebox';

import { Fault, NewFault } from '../../api/model.js';
import { APIError } from '../api-error.js';
import { json, noContent, route, type Route } from '../route.js';
import type { InboxServices } from '../services.js';

export function faultRoutes({ faults }: InboxServices): readonly Route[] {
  return [
    route({
      method: 'GET',
      path: '/faults',
      operationId: 'listFaults',
      tag: 'Faults',
      summary: 'The faults that happen to clients, in the order in which they are tried.',
      answer: { status: 200, description: 'The faults, and how often each has happened.', schema: Type.Array(Fault) },
      handle: () => json(faults.list()),
    }),
    route({
      method: 'POST',
      path: '/faults',
      operationId: 'addFault',
      tag: 'Faults',
      summary:
        'Makes something fail: by stage, code and probability; the next N times; late, slowly, or by cutting the connection.',
      body: NewFault,
      answer: { status: 201, description: 'The fault.', schema: Fault },
      handle: ({ body }) => json(faults.add(body), 201),
    }),
    route({
      method: 'DELETE',
      path: '/faults',
      operationId: 'clearFaults',
      tag: 'Faults',
      summary: 'Takes all faults away.',
      answer: { status: 204, description: 'Done.' },
      handle: () => {
        faults.clear();
        return noContent();
      },
    }),
    route({
      method: 'DELETE',
      path: '/faults/{id}',
      operationId: 'removeFault',
      tag: 'Faults',
      summary: 'Takes a fault away.',
      params: { id: 'The fault.' },
      answer: { status: 204, description: 'Done.' },
      errors: ['NOT_FOUND'],
      handle: ({ params: { id = '' } }) => {
        if (!faults.remove(id)) throw new APIError('NOT_FOUND', `There is no fault "${id}"`);
        return noContent();
      },
    }),
  ];
}
