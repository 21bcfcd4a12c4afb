/**
 * Watching: typed events of a server, and the same on `node:diagnostics_channel`. A watcher can neither delay nor change a reply:
 * what it returns is ignored, and what it throws is logged.
 */

import { channel as diagnosticsChannel } from 'node:diagnostics_channel';
import { EventEmitter } from 'node:events';

import type { BoundAddress } from '../net/listener.js';
import type { EndpointAddress } from '../net/transport.js';
import type { TLSFacts } from '../net/tls-facts.js';
import { broughtEvents } from '../protocol/brought-names.js';
import { UsageError } from '../protocol/errors.js';
import type { Limits } from '../protocol/limits.js';
import type { Reply } from '../protocol/reply.js';
import type { Violation } from '../protocol/session-events.js';
import { unknownOptions, type KnownOptions } from '../protocol/unknown-options.js';
import type { Logger } from './logger.js';
import type { SessionInfo } from './session-info.js';

/** The events of a server. Each is also published on the diagnostics channel `smtpd.<event>`. */
export interface SMTPServerEvents {
  /** The server listens. */
  listening: { readonly addresses: readonly BoundAddress[] };
  /** A client connected; the greeting is not decided yet. */
  connect: { readonly session: SessionInfo };
  /** A command came. The argument is as sent, each octet one character; what AUTH brings besides the mechanism is not shown. */
  command: { readonly session: SessionInfo; readonly verb: string; readonly argument: string | undefined };
  /** A reply was given. */
  reply: { readonly session: SessionInfo; readonly reply: Reply };
  /** A message got its final reply. LMTP has one for each recipient (RFC 2033 §4.2): this is the last of them, and `reply` tells of each. */
  message: {
    readonly session: SessionInfo;
    readonly mailFrom: string;
    readonly rcptTos: readonly string[];
    readonly sizeBytes: number;
    readonly reply: Reply;
  };
  /** A limit was exceeded. `session` is absent when the connection was turned away before one began. */
  limit: { readonly limit: keyof Limits; readonly peer: EndpointAddress; readonly session?: SessionInfo };
  /** A client did what no client of SMTP does; the option `earlyInput` says what becomes of those that do not wait. */
  violation: { readonly violation: Violation; readonly session: SessionInfo };
  /** A session is on TLS now. */
  secured: { readonly session: SessionInfo; readonly tls: TLSFacts };
  /** A TLS handshake came to nothing, and the connection with it. */
  handshakeFailed: { readonly session: SessionInfo; readonly error: unknown };
  /** A client tried to authenticate. `user` is `undefined` when it did not come to say who it is. */
  auth: {
    readonly session: SessionInfo;
    readonly mechanism: string;
    readonly user: string | undefined;
    readonly isAccepted: boolean;
  };
  /** A session is over. */
  disconnect: { readonly session: SessionInfo; readonly reason: DisconnectReason };
  /** The application or the operating system failed; the client heard 451 with the incident's number, or nothing. */
  fault: { readonly error: unknown; readonly session?: SessionInfo; readonly incident?: string };
  /** The server begins to close: it listens no more, and messages that are on their way are finished. */
  closing: Record<string, never>;
  /** The server has closed. */
  close: Record<string, never>;
}

/** Why a session ended. */
export type DisconnectReason =
  'quit' | 'clientGone' | 'timedOut' | 'limit' | 'refused' | 'handshakeFailed' | 'serverClosing' | 'error';

/** The events of one server. */
export class Watch {
  readonly #emitter = new EventEmitter();
  /** Who listens, as the emitter has it: asking it each time would cost more than the rest of a command's event. */
  readonly #listeners = new Map<keyof SMTPServerEvents, readonly unknown[]>();
  #commandListeners = 0;
  #replyListeners = 0;
  readonly #logger: Logger;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** @throws {@link UsageError} `SMTPD_BAD_OPTION` when there is no such event: who waits for it would wait for ever */
  on<Name extends keyof SMTPServerEvents>(name: Name, listener: (event: SMTPServerEvents[Name]) => void): void {
    const unknown = unknownOptions({ [name]: listener }, EVENTS);
    if (unknown !== undefined) throw new UsageError('SMTPD_BAD_OPTION', unknown);
    this.#emitter.on(name, listener);
    this.#count();
  }

  off<Name extends keyof SMTPServerEvents>(name: Name, listener: (event: SMTPServerEvents[Name]) => void): void {
    this.#emitter.off(name, listener);
    this.#count();
  }

  #count(): void {
    this.#listeners.clear();
    this.#commandListeners = this.#emitter.listenerCount('command');
    this.#replyListeners = this.#emitter.listenerCount('reply');
  }

  /** What {@link isWatched} says of `command`. */
  get isCommandWatched(): boolean {
    return this.#commandListeners > 0 || DIAGNOSTICS.command.hasSubscribers;
  }

  /** What {@link isWatched} says of `reply`. */
  get isReplyWatched(): boolean {
    return this.#replyListeners > 0 || DIAGNOSTICS.reply.hasSubscribers;
  }

  /** Whether anybody looks; if not, there is no need to make the event. */
  isWatched(name: keyof SMTPServerEvents): boolean {
    return this.#emitter.listenerCount(name) > 0 || DIAGNOSTICS[name].hasSubscribers;
  }

  /** Tells everybody who looks. */
  tell<Name extends keyof SMTPServerEvents>(name: Name, event: SMTPServerEvents[Name]): void {
    // Subscribers of a diagnostics channel that throw are reported by Node itself.
    if (DIAGNOSTICS[name].hasSubscribers) DIAGNOSTICS[name].publish(event);
    for (const listener of this.#listenersOf(name)) {
      try {
        const result: unknown = (listener as (event: SMTPServerEvents[Name]) => unknown)(event);
        if (result instanceof Promise) result.catch((error: unknown) => this.#log(name, error));
      } catch (error) {
        this.#log(name, error);
      }
    }
  }

  #listenersOf(name: keyof SMTPServerEvents): readonly unknown[] {
    let listeners = this.#listeners.get(name);
    if (listeners === undefined) {
      listeners = this.#emitter.listeners(name);
      this.#listeners.set(name, listeners);
    }
    return listeners;
  }

  #log(name: string, error: unknown): void {
    this.#logger.error({ event: name, error }, 'A listener threw; nothing else was affected');
  }
}

const DIAGNOSTICS = {
  listening: diagnosticsChannel('smtpd.listening'),
  connect: diagnosticsChannel('smtpd.connect'),
  command: diagnosticsChannel('smtpd.command'),
  reply: diagnosticsChannel('smtpd.reply'),
  message: diagnosticsChannel('smtpd.message'),
  limit: diagnosticsChannel('smtpd.limit'),
  violation: diagnosticsChannel('smtpd.violation'),
  secured: diagnosticsChannel('smtpd.secured'),
  handshakeFailed: diagnosticsChannel('smtpd.handshakeFailed'),
  auth: diagnosticsChannel('smtpd.auth'),
  disconnect: diagnosticsChannel('smtpd.disconnect'),
  fault: diagnosticsChannel('smtpd.fault'),
  closing: diagnosticsChannel('smtpd.closing'),
  close: diagnosticsChannel('smtpd.close'),
} as const satisfies Record<keyof SMTPServerEvents, unknown>;
const EVENTS: KnownOptions = {
  known: new Set(Object.keys(DIAGNOSTICS)),
  meant: broughtEvents,
  title: (name) => `There is no event "${name}"`,
};
