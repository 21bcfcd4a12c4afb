/**
 * The server behind `smtpd/testing`: an ordinary server that notes what is said and plays the scripted faults. Waiting for messages
 * is not its business; that is `test-server.ts`.
 */

import { GatheredPassage, type PassageOptions } from '../handlers/proxy/gathered-passage.js';
import { passedOnExtensions } from '../handlers/proxy/narrowing.js';
import type { Reply } from '../protocol/reply.js';
import type { ChannelOptions, ChannelOwner } from '../server/channel-context.js';
import { SMTPChannel } from '../server/channel.js';
import type { HookRequest } from '../server/hooks.js';
import type { ReceivedMessage } from '../server/received-message.js';
import type { SMTPServerOptions } from '../server/server-options.js';
import { SMTPServer, type CloseOptions } from '../server/server.js';
import type { SessionInfo } from '../server/session-info.js';
import type { Awaitable, MessageVerdict, Verdict } from '../server/verdict.js';
import { FaultSchedule, type FaultRequest, type FaultStage, type ScriptedFault } from './faults.js';
import { FaultyTransport } from './faulty-transport.js';
import { decodeText } from './message-headers.js';
import { TestMessage } from './test-message.js';
import { TestSession } from './test-session.js';

/** A channel whose connection can be told where to break. */
class ScriptedChannel extends SMTPChannel {
  constructor(options: ChannelOptions) {
    const transport = new FaultyTransport(options.transport, options.server.options.clock);
    super({ ...options, transport });
    (options.server as ChannelOwner & Enrolling).enroll(this.info, transport);
  }

  override async smtp_STARTTLS(argument: string | undefined): Promise<void> {
    const verdict = await (this.smtpServer as ChannelOwner & Enrolling).playSTARTTLS(this.info);
    if (verdict === undefined || verdict === null || verdict === '') await super.smtp_STARTTLS(argument);
    else await this.push(verdict);
  }

  /** Overridden so that each RCPT is answered for itself, also where a hook asks for batches: a break falls between two of them. */
  override smtp_RCPT(argument: string | undefined): Awaitable<void> {
    return super.smtp_RCPT(argument);
  }
}

/** Who is told of each channel. */
interface Enrolling {
  enroll(info: SessionInfo, transport: FaultyTransport): void;
  playSTARTTLS(info: SessionInfo): Awaitable<Verdict>;
}

/** A session, and the connection it runs on. */
interface Enrolled {
  readonly session: TestSession;
  readonly transport: FaultyTransport;
  /** Aborted when the connection is gone. */
  readonly gone: AbortController;
  /** How many replies were given; those of a pipelined group may not have been sent yet. */
  repliesGiven: number;
  /** The sender of the last MAIL; kept, because the envelope of a session is made anew, with every recipient, for whoever asks for it. */
  mailFrom: string;
}

/** Who is told of what there is to see. */
export interface Told {
  readonly onSession: (session: TestSession) => void;
  readonly onMessage: (message: TestMessage) => void;
  /** A message came whole, and the script or the server behind said no. */
  readonly onRefused: (message: TestMessage) => void;
}

/** A server that follows a script. */
export class ScriptedServer extends SMTPServer implements Enrolling {
  static override channelClass = ScriptedChannel;
  readonly schedule = new FaultSchedule();
  readonly #enrolled = new WeakMap<SessionInfo, Enrolled>();
  readonly #open = new Set<FaultyTransport>();
  readonly #told: Told;
  readonly #passage: GatheredPassage | undefined;

  /** @param upstream - the server behind, if there is one */
  constructor(options: SMTPServerOptions, upstream: PassageOptions | undefined, told: Told) {
    super(upstream === undefined ? options : { ...options, extensions: passedOnExtensions(options.extensions) });
    this.#told = told;
    this.#addFaults();
    this.#takeNotes();
    if (upstream === undefined) return;
    this.#passage = new GatheredPassage(upstream, this.options);
    // Behind all hooks of the test: what they refuse the server behind never hears of.
    this.useLast(this.#passage.hook);
  }

  /** A channel was made. */
  enroll(info: SessionInfo, transport: FaultyTransport): void {
    const session = new TestSession(info);
    this.#enrolled.set(info, { session, transport, gone: new AbortController(), repliesGiven: 0, mailFrom: '' });
    this.#open.add(transport);
    transport.isContent = () => info.phase === 'content' || info.phase === 'chunk';
    transport.onSent = (bytes) => {
      for (const line of decodeText(bytes).split('\r\n').slice(0, -1)) session.note('S:', line);
    };
    transport.onDropped = () => {
      session.end('the connection is dropped, as the test says');
    };
    this.#told.onSession(session);
  }

  /** STARTTLS came; there is no hook for it. */
  playSTARTTLS(session: SessionInfo): Awaitable<Verdict> {
    return this.#play({ session, signal: this.#enrolledFor(session).gone.signal, state: undefined }, 'starttls', () =>
      envelopeOf(session),
    );
  }

  /** Cuts every connection that stands. */
  cut(): void {
    for (const transport of this.#open) transport.destroy();
  }

  override async processMessage(received: ReceivedMessage): Promise<MessageVerdict> {
    const { session: info, signal } = received;
    const { session, transport } = this.#enrolledFor(info);
    session.note('C:', `(${String(received.facts.sizeBytes)} octets of content)`);
    const message = new TestMessage(received, session);
    const fault = transport.isContentDropPending
      ? DROP_AT_END
      : (this.schedule.take({ stage: 'message', session: info, message, ...envelopeOf(info) }) ?? NO_FAULT);
    await this.#wait(fault, { session: info, signal });
    if (signal.aborted) return NEVER_SENT;
    const { reply, drop } = fault;
    const isLost = drop !== undefined && !TAKING_DROPS.has(drop.at);
    if (isLost || reply?.isPositive === false) {
      this.#passage?.abandon(info);
      if (reply !== undefined) this.#record(message, sameForEach(reply, received));
      return this.#carryOut(fault, { session: info, signal });
    }
    const replies = (await this.#passage?.pass(received)) ?? [];
    const isRefusedBehind = replies.some(({ isPositive }) => !isPositive);
    // A yes that the script gives is said instead of another yes, and never instead of a no.
    const told = isRefusedBehind || reply === undefined ? replies : sameForEach(reply, received);
    this.#record(message, told);
    const verdict = this.#carryOut(fault, { session: info, signal });
    return verdict === NEVER_SENT || told.length === 0 ? verdict : info.protocol === 'lmtp' ? told : told[0];
  }

  /** Closes, and the server behind hears no more. */
  override async close(options: CloseOptions = {}): Promise<void> {
    await super.close(options);
    await this.#passage?.destroy();
  }

  /** A message that anybody has was taken. */
  #record(message: TestMessage, replies: readonly Reply[]): void {
    message.answer(replies);
    if (replies.length === 0 || replies.some(({ isPositive }) => isPositive)) this.#told.onMessage(message);
    else this.#told.onRefused(message);
  }

  // ---- The script ---------------------------------------------------------------------------------------------------

  #addFaults(): void {
    this.use({
      name: 'scripted faults',
      connect: (request) => this.#play(request, 'connect', () => ({})),
      helo: (request) => {
        const { verb, clientName: client } = request;
        return this.#play(request, 'helo', () => ({ verb, client }));
      },
      auth: (request) => this.#play(request, 'auth', () => envelopeOf(request.session)),
      mail: (request) => {
        const { session, address: from } = request;
        const enrolled = this.#enrolledFor(session);
        enrolled.mailFrom = from;
        enrolled.transport.endOfMessage();
        return this.#play(request, 'mail', () => ({ ...clientOf(session), from }));
      },
      rcpt: (request) => {
        const { session, address } = request;
        const { mailFrom: from } = this.#enrolledFor(session);
        return this.#play(request, 'rcpt', () => ({ ...clientOf(session), from, to: [address] }));
      },
      data: (request) => this.#play(request, 'data', () => envelopeOf(request.session)),
    });
  }

  /** @param factsOf - what the request is about; asked only where a fault could want to know, for it can take long to say */
  #play(request: HookRequest<unknown>, stage: FaultStage, factsOf: () => RequestFacts): Awaitable<Verdict> {
    const { transport, repliesGiven } = this.#enrolledFor(request.session);
    // The connection breaks behind an earlier command of this group: this one never came.
    if (transport.isOverAfter(repliesGiven)) return NEVER_SENT;
    if (this.schedule.isQuietAt(stage)) return undefined;
    const fault = this.schedule.take({ stage, session: request.session, ...factsOf() });
    if (fault === undefined) return undefined;
    return this.#wait(fault, request).then(() => this.#carryOut(fault, request));
  }

  /** Waits as long as the fault says, or until the client leaves. */
  async #wait({ delayMs }: ScriptedFault, { session, signal }: PartOfRequest): Promise<void> {
    if (delayMs === 0) return;
    this.#enrolledFor(session).session.note('--', `${String(delayMs)} ms pass, as the test says`);
    let cancel: () => void = () => undefined;
    const passed = new Promise<void>((resolve) => {
      cancel = this.options.clock.setTimer(resolve, delayMs);
    });
    await Promise.race([passed, aborted(signal)]);
    cancel();
  }

  #carryOut({ reply, drop }: ScriptedFault, { session, signal }: PartOfRequest): Verdict {
    if (drop === undefined || signal.aborted) return reply;
    const { transport, repliesGiven } = this.#enrolledFor(session);
    const isReset = drop.reset ?? false;
    switch (drop.at) {
      case 'inContent':
        transport.dropAfterContent(drop.afterBytes, isReset);
        return reply;
      case 'afterReply':
        transport.dropAfterReplies(repliesGiven + 1, isReset);
        return reply;
      case 'afterTaking':
      case 'insteadOfReply':
      case undefined:
        // The answers to what came before still go out.
        transport.dropAfterReplies(repliesGiven, isReset);
        return NEVER_SENT;
    }
  }

  // ---- The notes ----------------------------------------------------------------------------------------------------

  #takeNotes(): void {
    this.on('connect', ({ session }) => {
      const { peer } = session;
      this.#enrolledFor(session).session.note('--', `connected from ${peer.address} port ${String(peer.port)}`);
    });
    this.on('command', ({ session, verb, argument }) => {
      const line = argument === undefined ? verb : `${verb} ${argument}`;
      this.#enrolledFor(session).session.note('C:', decodeText(Buffer.from(line, 'latin1')));
    });
    this.on('reply', ({ session }) => {
      this.#enrolledFor(session).repliesGiven += 1;
    });
    this.on('fault', ({ session, error }) => {
      if (session === undefined) return;
      const what = error instanceof Error ? error.message : String(error);
      this.#enrolledFor(session).session.note('--', `the application failed: ${what}`);
    });
    this.on('disconnect', ({ session, reason }) => {
      const enrolled = this.#enrolledFor(session);
      enrolled.session.end(`closed: ${reason}`);
      enrolled.gone.abort();
      this.#open.delete(enrolled.transport);
    });
  }

  #enrolledFor(info: SessionInfo): Enrolled {
    // Every channel of this server is a ScriptedChannel, which enrols itself when it is made.
    return this.#enrolled.get(info) as Enrolled;
  }
}

type PartOfRequest = Pick<HookRequest<unknown>, 'session' | 'signal'>;

/** What is known at a stage. */
type RequestFacts = Omit<FaultRequest, 'stage' | 'session'>;

function clientOf({ clientName }: SessionInfo): Pick<FaultRequest, 'client'> {
  return clientName === undefined ? {} : { client: clientName };
}

function envelopeOf(info: SessionInfo): Pick<FaultRequest, 'client' | 'from' | 'to'> {
  const { envelope } = info;
  return { ...clientOf(info), ...(envelope === undefined ? {} : { from: envelope.mailFrom, to: envelope.rcptTos }) };
}

function sameForEach(reply: Reply, { rcptTos }: ReceivedMessage): readonly Reply[] {
  return rcptTos.map(() => reply);
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else
      signal.addEventListener(
        'abort',
        () => {
          resolve();
        },
        { once: true },
      );
  });
}

const NO_FAULT: ScriptedFault = Object.freeze({ delayMs: 0, reply: undefined, drop: undefined });
/** The message was shorter than the octets after which the connection was to be dropped. */
const DROP_AT_END: ScriptedFault = Object.freeze({ delayMs: 0, reply: undefined, drop: {} });
const TAKING_DROPS = new Set<string | undefined>(['afterTaking', 'afterReply']);
/** For the channel alone, which closes; the connection is broken before the client could hear it. */
const NEVER_SENT = '421 4.3.2 The connection is gone';
