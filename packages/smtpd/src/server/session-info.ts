/** What hooks, handlers and watchers may know of a session. Only the library changes it; it follows the session as it goes on. */

import { inspect } from 'node:util';

import type { BoundAddress } from '../net/listener.js';
import type { TLSFacts } from '../net/tls-facts.js';
import type { EndpointAddress } from '../net/transport.js';
import type { ClientAttributes } from '../protocol/client-attributes.js';
import type { ProxyHeader } from '../protocol/proxy-header.js';
import type { ServerSession } from '../protocol/server-session.js';
import { formatOptions } from '../protocol/session-state.js';
import { sessionIdOf } from './session-id.js';

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

/** Who a client proved to be. */
export interface Identity {
  /** Whose credentials were given. */
  readonly user: string;
  /** On whose behalf the client acts, where it said so; else `undefined`. */
  readonly authorizationIdentity: string | undefined;
  /** The SASL mechanism, such as `SCRAM-SHA-256`; `XCLIENT` when somebody in front of us says so. */
  readonly mechanism: string;
}

/** What the library changes of a session's facts as it goes on. */
export interface SessionFacts {
  peer: EndpointAddress;
  tls: TLSFacts | undefined;
  identity: Identity | undefined;
  forwarded: ClientAttributes | undefined;
}

/** What is known of a session from its beginning, and the session itself. */
export interface SessionSource extends SessionFacts {
  readonly session: ServerSession;
  readonly transport: { readonly local: EndpointAddress };
  readonly arrival: { readonly proxy: ProxyHeader | undefined };
  /** Which session of this process it is. */
  readonly number: number;
  /** In ms since 1970. */
  readonly openedAtMs: number;
}

/** A session, seen from outside. */
export class SessionInfo {
  readonly #source: SessionSource;

  /** @internal */
  constructor(source: SessionSource) {
    this.#source = source;
  }

  /** What `JSON.stringify` shows of it. */
  toJSON(): object {
    const { id, peer, local, openedAt, protocol, phase, clientName, identity, messageCount } = this;
    return { id, peer, local, openedAt, protocol, phase, clientName, identity, messageCount };
  }

  /** @internal What `console.log` shows of it. */
  [inspect.custom](): object {
    return this.toJSON();
  }

  /** Unique in this process. */
  get id(): string {
    return sessionIdOf(this.#source.number);
  }

  /** Our end. */
  get local(): EndpointAddress | BoundAddress {
    return this.#source.transport.local;
  }

  /** When the connection was accepted. */
  get openedAt(): Date {
    return new Date(this.#source.openedAtMs);
  }

  /** What a proxy in front of us said of the connection (PROXY protocol); `undefined` without one. */
  get proxy(): ProxyHeader | undefined {
    return this.#source.arrival.proxy;
  }

  /** The client's end; after XCLIENT, that of the client behind it. */
  get peer(): EndpointAddress {
    return this.#source.peer;
  }

  /** What is known of TLS; `undefined` while the session is in clear. */
  get tls(): TLSFacts | undefined {
    return this.#source.tls;
  }

  /** Who the client proved to be; `undefined` before AUTH. */
  get identity(): Identity | undefined {
    return this.#source.identity;
  }

  /** What was said with XFORWARD, or with XCLIENT; a name that is there with `undefined` is not known. `undefined`: nothing was. */
  get forwarded(): ClientAttributes | undefined {
    return this.#source.forwarded;
  }

  /** What is spoken. */
  get protocol(): 'smtp' | 'lmtp' {
    return this.#source.session.options.protocol;
  }

  /** Where the session is: `start`, `ready`, `sender`, `recipients`, `content`, … (`docs/architecture.md` has the diagram). */
  get phase(): string {
    return this.#source.session.phase;
  }

  /** What the client called itself in HELO, EHLO or LHLO; `undefined` before. */
  get clientName(): string | undefined {
    return this.#source.session.client?.name.text;
  }

  /** Whether it said EHLO or LHLO. */
  get isExtended(): boolean {
    return this.#source.session.isExtended;
  }

  /** How many messages were taken so far. */
  get messageCount(): number {
    return this.#source.session.messageCount;
  }

  /** The envelope of the open transaction; `undefined` when none is open. */
  get envelope(): EnvelopeInfo | undefined {
    const envelope = this.#source.session.envelope;
    if (envelope === undefined) return undefined;
    // Recipients are only ever added, so their number is the envelope as it stands. They are written out for who asks for them: asking for
    // the envelope at each RCPT must not cost more with each.
    const { reversePath, parameters, recipients } = envelope;
    const count = recipients.length;
    return {
      mailFrom: reversePath.address,
      get rcptTos() {
        return recipients.slice(0, count).map(({ path }) => path.address);
      },
      mailOptions: formatOptions(parameters),
      get rcptOptions() {
        return recipients.slice(0, count).map((recipient) => formatOptions(recipient.parameters));
      },
    };
  }
}
