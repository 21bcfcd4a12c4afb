/** The table of all routes. */

import type { Route } from './route.js';
import { eventRoutes } from './routes/events.js';
import { exchangeRoutes } from './routes/exchange.js';
import { faultRoutes } from './routes/faults.js';
import { frameRoutes } from './routes/frame.js';
import { inboxRoutes } from './routes/inboxes.js';
import { judgingRoutes } from './routes/judging.js';
import { messageRoutes } from './routes/message.js';
import { messageListRoutes } from './routes/messages.js';
import { serverRoutes } from './routes/server.js';
import { transcriptRoutes } from './routes/transcript.js';
import { waitingRoutes } from './routes/waiting.js';
import { webhookRoutes } from './routes/webhooks.js';
import type { InboxServices } from './services.js';

/** All that the API can do. A path without braces comes before one that it would fit. */
export function allRoutes(services: InboxServices): readonly Route[] {
  return [
    ...serverRoutes(services),
    ...messageListRoutes(services),
    ...waitingRoutes(services),
    ...messageRoutes(services),
    ...frameRoutes(services),
    ...transcriptRoutes(services),
    ...judgingRoutes(services),
    ...inboxRoutes(services),
    ...exchangeRoutes(services),
    ...faultRoutes(services),
    ...webhookRoutes(services),
    ...eventRoutes(services),
  ];
}
