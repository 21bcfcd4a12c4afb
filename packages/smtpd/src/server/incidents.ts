/**
 * Faults: what an application, or this package, did wrong is logged under a number, and the number is all that a client is told.
 */

import { randomBytes } from 'node:crypto';

import type { Reply } from '../protocol/reply.js';
import { incidentReply } from '../protocol/standard-replies.js';
import type { Logger } from './logger.js';
import type { SessionInfo } from './session-info.js';
import type { Watch } from './watch.js';

/** The incidents of one session. */
export class Incidents {
  readonly #info: SessionInfo;
  readonly #logger: Logger;
  readonly #watch: Watch;

  constructor(info: SessionInfo, { logger, watch }: { readonly logger: Logger; readonly watch: Watch }) {
    this.#info = info;
    this.#logger = logger;
    this.#watch = watch;
  }

  /** @returns what the client may know of it */
  report(error: unknown): Reply {
    return incidentReply(this.log(error, 'The application failed; the client is told 451'));
  }

  /** @returns the incident's number */
  log(error: unknown, message: string): string {
    const incident = randomBytes(4).toString('hex');
    this.#logger.error({ incident, session: this.#info.id, error }, message);
    if (this.#watch.isWatched('fault')) this.#watch.tell('fault', { error, session: this.#info, incident });
    return incident;
  }
}
