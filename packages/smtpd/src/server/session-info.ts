/** What hooks, handlers and watchers may know of a session. Only the library changes it; it follows the session as it goes on. */

import type { BoundAddress } from '../net/listener.js';
import type { EndpointAddress } from '../net/transport.js';
import type { ServerSession } from '../protocol/server-session.js';
import { formatOptions } from '../protocol/session-state.js';

/** The envelope of the open transaction, as it stands. */
export interface EnvelopeInfo {
  /** The reverse-path's address; `''` for the null reverse-path. */
  readonly mailFrom: string;
  /** The forward-paths' addresses accepted so far, in order, repeats included. */
  readonly rcptTos: readonly string[];
  /** The parameters of MAIL, such as `['SIZE=10', 'BODY=8BITMIME']`. */
  readonly mailOptions: readonly string[];
  /** For each recipient, the parameters of its RCPT. */
  readonly rcptOptions: readonly (readonly string[])[];
}

/** A session, seen from outside. */
export class SessionInfo {
  /** Unique in this process. */
  readonly id: string;
  /** The client's end. */
  readonly peer: EndpointAddress;
  /** Our end. */
  readonly local: EndpointAddress | BoundAddress;
  /** When the connection was accepted. */
  readonly openedAt: Date;
  readonly #session: ServerSession;

  /** @internal */
  constructor(session: ServerSession, facts: Pick<SessionInfo, 'id' | 'peer' | 'local' | 'openedAt'>) {
    this.#session = session;
    this.id = facts.id;
    this.peer = facts.peer;
    this.local = facts.local;
    this.openedAt = facts.openedAt;
  }

  /** Where the session is: `start`, `ready`, `sender`, `recipients`, `content`, … (`docs/architecture.md` has the diagram). */
  get phase(): string {
    return this.#session.phase;
  }

  /** What the client called itself in HELO or EHLO; `undefined` before, and when the session is over. */
  get clientName(): string | undefined {
    return this.#session.client?.name.text;
  }

  /** Whether it said EHLO; `false` when the session is over. */
  get isExtended(): boolean {
    return this.#session.isExtended;
  }

  /** How many messages were taken so far. */
  get messageCount(): number {
    return this.#session.messageCount;
  }

  /** The envelope of the open transaction; `undefined` when none is open. */
  get envelope(): EnvelopeInfo | undefined {
    const envelope = this.#session.envelope;
    if (envelope === undefined) return undefined;
    return {
      mailFrom: envelope.reversePath.address,
      rcptTos: envelope.recipients.map(({ path }) => path.address),
      mailOptions: formatOptions(envelope.parameters),
      rcptOptions: envelope.recipients.map(({ parameters }) => formatOptions(parameters)),
    };
  }
}
