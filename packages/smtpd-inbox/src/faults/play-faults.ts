/**
 * Carries out faults on the sessions of a server: asks the board at every stage, waits, answers, throttles and cuts. Which fault happens is
 * decided in `fault-board.ts` and by recipients (`recipient-faults.ts`); where exactly a connection breaks, in `FaultyTransport`.
 */

import {
  SMTPChannel,
  SMTPServer,
  UsageError,
  type Awaitable,
  type ChannelOptions,
  type Hook,
  type MessageEnvelope,
  type SessionInfo,
  type Verdict,
} from 'smtpd';
import { FaultyTransport } from 'smtpd/testing';

import type { FaultStage, NewFault } from '../api/model.js';
import { replyOfFault } from './check-fault.js';
import type { FaultBoard, FaultRequest } from './fault-board.js';
import { parseRecipientFault } from './recipient-faults.js';

/** How faults are played. */
export interface PlayFaultsOptions {
  /** Whether recipients such as `fail-rcpt-550@a.example` ask for faults. Default: `false`. */
  readonly recipientFaults?: boolean;
  /** The inboxes that a user who logged in and these recipients belong to. Without it no fault is for an inbox. */
  readonly inboxesOf?: (who: { readonly user?: string; readonly recipients: readonly string[] }) => readonly string[];
}

/**
 * A channel whose connection can be told where to break; what {@link playFaults} needs of a server.
 *
 * @example
 * ```ts
 * import { SMTPServer } from 'smtpd';
 * import { FaultBoard, FaultyChannel, playFaults } from 'smtpd-inbox';
 * class MyServer extends SMTPServer {
 *   static override channelClass = FaultyChannel;
 * }
 * playFaults(new MyServer(), new FaultBoard());
 * ```
 */
export class FaultyChannel extends SMTPChannel {
  constructor(options: ChannelOptions) {
    const transport = new FaultyTransport(options.transport, options.server.options.clock);
    super({ ...options, transport });
    const { info } = this;
    transport.isContent = () => info.phase === 'content' || info.phase === 'chunk';
    const gone = new AbortController();
    transport.onPeerEnded = () => {
      gone.abort();
    };
    links.set(info, { transport, gone, repliesGiven: 0, mailFrom: '', player: undefined });
  }

  /** There is no hook for STARTTLS. */
  override async smtp_STARTTLS(argument: string | undefined): Promise<void> {
    const verdict = await links.get(this.info)?.player?.playSTARTTLS(this.info);
    if (verdict === undefined || verdict === null || verdict === '') await super.smtp_STARTTLS(argument);
    else await this.push(verdict);
  }

  /** Overridden so that each RCPT is answered for itself, also where a hook asks for batches: a break falls between two of them. */
  override smtp_RCPT(argument: string | undefined): Awaitable<void> {
    return super.smtp_RCPT(argument);
  }
}

/**
 * Plays the faults of a board, from now on, before every hook that is added later. A server that streams its messages asks for those of the
 * stage `message` itself, by {@link playMessageFault}.
 *
 * @param server - its `channelClass` is {@link FaultyChannel} or a class made of it
 * @throws {@link UsageError} `SMTPD_BAD_OPTION` when it is not
 */
export function playFaults(server: SMTPServer, board: FaultBoard, options: PlayFaultsOptions = {}): void {
  const { channelClass } = server.constructor as typeof SMTPServer;
  if (channelClass !== FaultyChannel && !(channelClass.prototype instanceof FaultyChannel)) {
    throw new UsageError('SMTPD_BAD_OPTION', 'Faults need a server with `static channelClass = FaultyChannel`');
  }
  const player = new FaultPlayer(server, board, options);
  server.use(player.hook);
}

/**
 * Plays the fault at the end of a message, where there is one: waits as long as it says, and cuts the connection. For servers that stream
 * their messages; others are asked by {@link playFaults}.
 *
 * @returns a refusal, and the message is not to be kept; or nothing, and it is
 */
export function playMessageFault(message: MessageInPlay): Awaitable<Verdict> {
  return links.get(message.session)?.player?.playMessage(message);
}

/** What is asked of a message, streamed or whole. */
export type MessageInPlay = Pick<MessageEnvelope, 'session' | 'mailFrom' | 'rcptTos' | 'signal'>;

/**
 * Limits of a server under which the longest delay that a fault can have is carried out, and not cut short by 451.
 *
 * @example
 * ```ts
 * import { SMTPServer } from 'smtpd';
 * import { LIMITS_FOR_FAULTS } from 'smtpd-inbox';
 * new SMTPServer({ limits: LIMITS_FOR_FAULTS });
 * ```
 */
export const LIMITS_FOR_FAULTS = Object.freeze({ verdictWaitMs: 660_000, messageVerdictWaitMs: 660_000 });

/** A session, and the connection it runs on. */
interface Link {
  readonly transport: FaultyTransport;
  /** Aborted when the client has ended its side, which nearly every one does to leave, or the connection is gone. */
  readonly gone: AbortController;
  /** How many replies were given; those of a pipelined group may not have been sent yet. */
  repliesGiven: number;
  /** The sender of the last MAIL; kept, because the envelope of a session is made anew, with every recipient, for whoever asks for it. */
  mailFrom: string;
  /** Who plays faults on it, once a server that has one was asked about the connection. */
  player: FaultPlayer | undefined;
}

const links = new WeakMap<SessionInfo, Link>();

/** What every request of a hook has of a session. */
interface InPlay {
  readonly session: SessionInfo;
  /** Aborted when nobody waits for an answer any more. */
  readonly signal: AbortSignal;
}

/** What is known at a stage. */
type RequestFacts = Omit<FaultRequest, 'stage'>;

class FaultPlayer {
  readonly hook: Hook;
  readonly #server: SMTPServer;
  readonly #board: FaultBoard;
  readonly #hasRecipientFaults: boolean;
  readonly #inboxesOf: NonNullable<PlayFaultsOptions['inboxesOf']>;
  readonly #closing = new AbortController();
  /** Sessions whose content drags, or once did. */
  readonly #throttled = new Set<Link>();

  constructor(
    server: SMTPServer,
    board: FaultBoard,
    { recipientFaults = false, inboxesOf = () => [] }: PlayFaultsOptions,
  ) {
    this.#server = server;
    this.#board = board;
    this.#hasRecipientFaults = recipientFaults;
    this.#inboxesOf = inboxesOf;
    this.hook = this.#makeHook();
    server.on('reply', ({ session }) => {
      const link = links.get(session);
      if (link !== undefined) link.repliesGiven += 1;
    });
    server.on('disconnect', ({ session }) => {
      const link = links.get(session);
      if (link === undefined) return;
      link.gone.abort();
      this.#throttled.delete(link);
    });
    server.on('closing', () => {
      this.#closing.abort();
      for (const { transport } of this.#throttled) transport.throttle(Infinity);
    });
  }

  /** STARTTLS came. */
  playSTARTTLS(session: SessionInfo): Awaitable<Verdict> {
    return this.#play({ session, signal: NEVER_ABORTED }, 'starttls');
  }

  /** A message came whole. */
  playMessage(message: MessageInPlay): Awaitable<Verdict> {
    const { session, mailFrom: from, rcptTos: to } = message;
    const link = links.get(session);
    // A message that was shorter than the octets after which the connection is cut.
    const isCutAtEnd = link?.transport.isContentDropPending === true;
    link?.transport.endOfMessage();
    if (isCutAtEnd) return this.#carryOut({ stage: 'message', disconnect: 'insteadOfReply' }, message);
    return this.#play(message, 'message', () => ({ from, to, inboxes: this.#inboxesFor(session, to) }));
  }

  #makeHook(): Hook {
    return {
      name: 'faults',
      connect: (request) => {
        const link = links.get(request.session);
        if (link !== undefined) link.player = this;
        return this.#play(request, 'connect');
      },
      helo: (request) => this.#play(request, 'helo'),
      auth: (request) => {
        const { user } = request;
        return this.#play(request, 'auth', () => ({
          inboxes: user === undefined ? [] : this.#inboxesOf({ user, recipients: [] }),
        }));
      },
      mail: (request) => {
        const { session, address: from } = request;
        const link = links.get(session);
        if (link !== undefined) link.mailFrom = from;
        link?.transport.endOfMessage();
        return this.#play(request, 'mail', () => ({ from, inboxes: this.#inboxesFor(session, []) }));
      },
      rcpt: (request) => {
        const { session, address } = request;
        return this.#play(request, 'rcpt', () => {
          const to = [address];
          return { from: links.get(session)?.mailFrom ?? '', to, inboxes: this.#inboxesFor(session, to) };
        });
      },
      data: (request) => {
        const { session } = request;
        return this.#play(request, 'data', () => {
          const { mailFrom: from = '', rcptTos: to = [] } = session.envelope ?? {};
          return { from, to, inboxes: this.#inboxesFor(session, to) };
        });
      },
      // A server that streams has no hooks for messages; it asks by itself.
      ...(isStreaming(this.#server) ? {} : { message: ({ message }) => this.playMessage(message) }),
    };
  }

  #inboxesFor({ identity }: SessionInfo, recipients: readonly string[]): readonly string[] {
    return this.#inboxesOf({ ...(identity === undefined ? {} : { user: identity.user }), recipients });
  }

  /** @param factsOf - what the request is about; asked only where a fault could want to know, for it can take long to say */
  #play(inPlay: InPlay, stage: FaultStage, factsOf: () => RequestFacts = noFacts): Awaitable<Verdict> {
    const link = links.get(inPlay.session);
    // The connection breaks behind an earlier command of this group: this one never came.
    if (link?.transport.isOverAfter(link.repliesGiven) === true) return NEVER_SENT;
    if (this.#board.isQuietAt(stage) && !this.#hasRecipientFaults) return undefined;
    const request = { stage, ...factsOf() };
    const fault = this.#board.take(request) ?? this.#askedForByRecipient(request);
    if (fault === undefined) return undefined;
    const { delayMs = 0 } = fault;
    if (delayMs === 0) return this.#carryOut(fault, inPlay);
    const signals = [inPlay.signal, this.#closing.signal, ...(link === undefined ? [] : [link.gone.signal])];
    return this.#wait(delayMs, signals).then(() => this.#carryOut(fault, inPlay));
  }

  #askedForByRecipient({ stage, to = [] }: FaultRequest): NewFault | undefined {
    if (!this.#hasRecipientFaults) return undefined;
    for (const address of to) {
      const fault = parseRecipientFault(address);
      if (fault?.stage === stage) return fault;
    }
    return undefined;
  }

  /** Waits that long, or until the client leaves or the server closes. */
  #wait(ms: number, signals: readonly AbortSignal[]): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        cancel();
        for (const signal of signals) signal.removeEventListener('abort', done);
        resolve();
      };
      const cancel = this.#server.options.clock.setTimer(done, ms);
      for (const signal of signals) signal.addEventListener('abort', done);
      if (signals.some(({ aborted }) => aborted)) done();
    });
  }

  #carryOut(fault: NewFault, { session, signal }: InPlay): Verdict {
    const reply = replyOfFault(fault);
    const link = links.get(session);
    if (link === undefined || signal.aborted) return reply;
    const { transport, repliesGiven } = link;
    const { throttleBytesPerSecond, disconnect } = fault;
    if (throttleBytesPerSecond !== undefined && !this.#closing.signal.aborted) {
      transport.throttle(throttleBytesPerSecond);
      this.#throttled.add(link);
    }
    switch (disconnect) {
      case undefined:
        return reply;
      case 'inContent':
        transport.dropAfterContent(CONTENT_BYTES_BEFORE_BREAK);
        return reply;
      case 'afterReply':
        transport.dropAfterReplies(repliesGiven + 1);
        return reply;
      case 'afterTaking':
        transport.dropInsteadOfReply(repliesGiven);
        return undefined;
      case 'insteadOfReply':
        // The answers to what came before still go out.
        transport.dropAfterReplies(repliesGiven);
        return NEVER_SENT;
    }
  }
}

function noFacts(): RequestFacts {
  return {};
}

function isStreaming(server: SMTPServer): boolean {
  return server.streamMessage !== SMTPServer.prototype.streamMessage;
}

/** For the channel alone, which closes; the connection is broken before the client could hear it. */
const NEVER_SENT = '421 4.3.2 The connection is gone';
const NEVER_ABORTED = new AbortController().signal;
/** Enough to be in the middle of a message; one that is shorter is cut at its end. */
const CONTENT_BYTES_BEFORE_BREAK = 512;
