/** Routes about the server itself. */

import { Info } from '../../api/model.js';
import { json, route, type Route } from '../route.js';
import type { InboxServices } from '../services.js';

export function serverRoutes({ info }: InboxServices): readonly Route[] {
  return [
    route({
      method: 'GET',
      path: '/info',
      operationId: 'getInfo',
      tag: 'Server',
      summary: 'What this server is, where it listens, and what it was allowed.',
      answer: { status: 200, description: 'The facts.', schema: Info },
      handle: () => json(info()),
    }),
  ];
}
