/**
 * The conversation of a channel: it pulls the pure session, calls the command methods, lets the hooks decide, keeps the time, and ends it all.
 * It decides nothing itself.
 *
 * What can be told apart is in files of its own: `hook-requests.ts` asks the hooks, `message-intake.ts` brings messages to the application,
 * `situation-steps.ts` makes TLS and AUTH, `wire.ts` sends and holds up, `incidents.ts` reports faults. What a subclass sees is `channel.ts`.
 */

import { Deadline } from '../net/deadline.js';
import type { TLSFacts } from '../net/tls-facts.js';
import type { EndpointAddress, Transport, TransportReceiver } from '../net/transport.js';
import type { ClientAttributes } from '../protocol/client-attributes.js';
import type { Command } from '../protocol/command.js';
import { assertNever, UsageError } from '../protocol/errors.js';
import type { OfferNarrowing, VerbDefinition } from '../protocol/extension.js';
import type { Limits } from '../protocol/limits.js';
import { Reply, SMTPReplyError } from '../protocol/reply.js';
import { ServerSession } from '../protocol/server-session.js';
import type {
  ContentFacts,
  Question,
  RecipientQuestion,
  SessionEvent,
  SessionWatcher,
} from '../protocol/session-events.js';
import * as replies from '../protocol/standard-replies.js';
import type { ChannelArrival, ChannelContext } from './channel-context.js';
import { WAIT_LIMITS, type ChannelWait } from './channel-wait.js';
import type { CommandMethod } from './command-methods.js';
import { HookRequests, type HookRequestsHost } from './hook-requests.js';
import { Incidents } from './incidents.js';
import { Later, listenTo, type LaterListener } from './later.js';
import { MessageAbortedError } from './message-body.js';
import { MessageIntake, type IntakeHost } from './message-intake.js';
import { ReplyPieces } from './reply-pieces.js';
import { nextSessionNumber } from './session-id.js';
import { SessionInfo, type Identity, type SessionSource } from './session-info.js';
import { SituationSteps, type StepsHost } from './situation-steps.js';
import { isThenable, judge, type Awaitable, type Decision } from './verdict.js';
import { Verdicts, type VerdictsHost } from './verdicts.js';
import type { DisconnectReason } from './watch.js';
import { Wire, type WireHost } from './wire.js';

/** The conversation with one client. */
export class Conversation
  implements
    TransportReceiver,
    SessionSource,
    SessionWatcher,
    HookRequestsHost,
    IntakeHost,
    LaterListener<unknown>,
    StepsHost,
    VerdictsHost,
    WireHost
{
  readonly context: ChannelContext;
  readonly arrival: ChannelArrival;
  readonly transport: Transport;
  readonly session: ServerSession;
  readonly number = nextSessionNumber();
  readonly openedAtMs = Date.now();
  // What `info` shows, and what changes as the session goes on.
  peer: EndpointAddress;
  tls: TLSFacts | undefined;
  identity: Identity | undefined;
  forwarded: ClientAttributes | undefined;
  readonly info: SessionInfo;
  /** Asks the hooks. */
  readonly requests: HookRequests;
  /** The command methods of the channel's class. */
  readonly methods: ReadonlyMap<string, CommandMethod>;
  readonly #channel: ChannelFace;
  readonly #verdicts: Verdicts;
  readonly #wire: Wire;
  readonly #deadline: Deadline;
  readonly #limits: Limits;
  /** By the server's clock. */
  readonly #beganAtMs: number;
  /** The command under way; `undefined` while content is read. */
  #command: Command | undefined;
  // What follows is made when a session first needs it. Most say EHLO, bring their mail and go; many only wait.
  #intake: MessageIntake | undefined;
  #steps: SituationSteps | undefined;
  #pieces: ReplyPieces | undefined;
  #incidents: Incidents | undefined;
  /** A command method's promise is under way. */
  #isRunning = false;
  /** The message that is being decided, while that is under way. */
  #finishing: ContentFacts | undefined;
  #lineWaiter: LineWaiter | undefined;
  #isPumping = false;
  /** Something happened since the deadline was set: it counts anew. */
  #hasMoved = false;
  /** The deadline is that of the session's age, which comes before the one for the next command. */
  #isArmedForAge = false;
  #hasPeerEnded = false;
  #isClosing = false;
  #isEnding = false;
  /** Nobody works for this client any more, and nobody begins to: its session is closed. */
  #isReleased = false;
  #isGone = false;
  #reason: DisconnectReason | undefined;

  constructor({ channel, methods, transport, context, arrival }: ConversationInit) {
    this.#channel = channel;
    this.methods = methods;
    this.context = context;
    this.#limits = context.sessionOptions.limits;
    this.arrival = arrival;
    this.transport = transport;
    this.peer = transport.remote;
    this.session = new ServerSession(context.sessionOptions, arrival.situation, this);
    this.info = new SessionInfo(this);
    this.requests = new HookRequests(context.hooks, this);
    this.#verdicts = new Verdicts(this);
    this.#wire = new Wire(this);
    this.#beganAtMs = context.clock.now();
    const { commandWaitMs, contentWaitMs } = this.#limits;
    const onDeadline = (): void => {
      this.#onDeadline();
    };
    this.#deadline = new Deadline(context.clock, onDeadline, Math.min(commandWaitMs, contentWaitMs));
  }

  // ---- The parts that are made when they are needed ------------------------------------------------------------------

  /** What changes the session's situation. */
  get steps(): SituationSteps {
    return (this.#steps ??= new SituationSteps(this));
  }

  /** The reply that the command under way gives in pieces. */
  get pieces(): ReplyPieces {
    return (this.#pieces ??= new ReplyPieces());
  }

  get incidents(): Incidents {
    return (this.#incidents ??= new Incidents(this.info, this.context));
  }

  #messages(): MessageIntake {
    return (this.#intake ??= new MessageIntake(this));
  }

  // ---- What is seen from outside -------------------------------------------------------------------------------------

  /** The command line under way, as one element. */
  get receivedLines(): readonly string[] {
    const command = this.#command;
    if (command === undefined) return NO_LINES;
    const { verb, argument } = command;
    return [argument === undefined ? verb : `${verb} ${argument}`];
  }

  /** The content of the message that is being decided. */
  get receivedData(): Uint8Array | string | undefined {
    return this.#intake?.receivedData;
  }

  /** Begins the conversation. */
  begin(): void {
    this.transport.start(this);
    const { watch, tls } = this.context;
    const { received } = this.arrival;
    if (watch.isWatched('connect')) watch.tell('connect', { session: this.info });
    // Whoever was told may have closed the server.
    if (this.session.phase === 'closed') return;
    const decided = tls?.isImplicit === true ? this.#secureFirst() : this.ask(this.session.open());
    if (isThenable(decided)) this.#continueAfter(decided);
    if (received !== undefined && received.length > 0 && tls?.isImplicit !== true) this.onBytes(received);
    // From here on somebody is waited for: the application, or the client.
    this.#goOn();
  }

  /** The server closes: an idle client hears 421 now, another one when its message is done. */
  shutDown(): void {
    this.#isClosing = true;
    if (this.session.phase === 'securing') {
      // In the middle of a handshake nobody can be told anything, and there is no mail that could be finished.
      this.#reason ??= 'serverClosing';
      this.transport.destroy();
      return;
    }
    this.#pump();
  }

  /** The server's patience is over. */
  cutOff(): void {
    if (this.#isGone) return;
    this.#reason ??= 'serverClosing';
    this.session.closeWith(replies.SHUTTING_DOWN);
    this.#finish('serverClosing');
    // Cut at once, the connection could take the 421 with it: a reset drops what the client has not read yet.
    this.#deadline.set(CUT_OFF_MS);
  }

  /**
   * Asks the client for a line, while its command is under way.
   *
   * @throws {@link UsageError} `SMTPD_ONE_REPLY` at any other time
   */
  readLine(prompt: Reply): Promise<string> {
    if (this.session.phase === 'closed') return Promise.reject(clientGone());
    this.sessionInCommand()?.challenge(prompt);
    const line = new Promise<string>((resolve, reject) => {
      this.#lineWaiter = { resolve, reject };
    });
    // A method that has not come to its `await` yet must not bring the process down when the client leaves.
    line.catch(ignore);
    queueMicrotask(() => {
      this.#goOn();
    });
    return line;
  }

  /** The same, by the channel: a subclass may have a way of its own. */
  readLineByChannel(prompt: Reply): Promise<string> {
    return this.#channel.readLine(prompt);
  }

  /** Answers the command under way. */
  respond(reply: Reply): void {
    this.sessionInCommand()?.respond(reply);
    // A method that goes on after its answer does not keep it from the client.
    if (this.#isRunning) this.#wire.scheduleFlush();
  }

  /** Sends what was answered, then closes. */
  close(): void {
    this.session.abandon();
    this.#finish('refused');
  }

  /** Why it ends, unless that is known already. */
  noteReason(reason: DisconnectReason): void {
    this.#reason ??= reason;
  }

  /** TLS comes before the greeting. */
  #secureFirst(): Promise<void> {
    this.session.secureFirst();
    return this.steps.secure();
  }

  // ---- What the transport tells --------------------------------------------------------------------------------------

  onBytes(bytes: Uint8Array): void {
    if (this.session.isReceivingContent) this.#countContent(bytes.length);
    this.session.receive(bytes);
    this.#pump();
    // The transport lends its buffer for the time of this call.
    this.session.settle();
  }

  onEnd(): void {
    this.#hasPeerEnded = true;
    if (!this.#isEnding) this.#pump();
  }

  onDrain(): void {
    if (this.#wire.drained()) this.#goOn();
  }

  onClose(error: Error | undefined): void {
    this.#onGone(error);
  }

  // ---- What the parts ask and tell -----------------------------------------------------------------------------------

  /** Whether the connection is gone. */
  isGone(): boolean {
    return this.#isGone;
  }

  /** A reply was queued. */
  onReply(reply: Reply): void {
    if (this.#intake !== undefined) this.#intake.lastReply = reply;
    const { watch } = this.context;
    if (watch.isReplyWatched) watch.tell('reply', { session: this.info, reply });
  }

  /** The hooks say what this client is offered. */
  onNarrowed(narrowing: OfferNarrowing | undefined): void {
    this.session.narrow(narrowing);
  }

  /** The application has taken content. */
  onTaken(): void {
    this.#goOn();
  }

  /** The client does not read. */
  onBlocked(): void {
    this.#hasMoved = true;
  }

  /** The handshake comes next. */
  beforeHandshake(): void {
    this.#wire.flush();
    this.#hasMoved = true;
  }

  /** The session has its answer: the content of a message may come next. */
  onAnswered(): void {
    if (!this.session.isReceivingContent) return;
    this.#messages().begin();
    this.#command = undefined;
  }

  /** A verdict that was waited for was carried out. */
  onSettled(): void {
    // A method that does not wait for its `super` has returned long ago.
    if (!this.#isRunning) this.#goOn();
  }

  /** This package failed. */
  onFailed(error: unknown): void {
    this.#failInternally(error);
  }

  // ---- The pump ------------------------------------------------------------------------------------------------------

  /** Goes on after what was waited for has come: the next wait counts from now. */
  #goOn(): void {
    this.#hasMoved = true;
    this.#pump();
  }

  /** Goes on until the session needs something. Safe to call at any time. */
  #pump(): void {
    if (this.#isPumping || this.#isGone) return;
    this.#isPumping = true;
    try {
      while (this.#step()) this.#tellExceeded();
    } catch (error) {
      this.#failInternally(error);
    } finally {
      this.#isPumping = false;
    }
    this.#afterPump();
  }

  /** Does the next thing. @returns whether there may be another one */
  #step(): boolean {
    if (this.session.phase === 'closed') return this.#onClosed();
    if (this.#isRunning && this.#lineWaiter === undefined) return false;
    if (this.#wire.isBlocked || this.#isReaderBusy()) return false;
    if (this.#wire.isOverfull) {
      this.#wire.flush();
      return !this.#wire.isBlocked;
    }
    const event = this.session.next();
    this.#tellExceeded();
    if (event.kind === 'paused') return false;
    if (event.kind === 'needData') return this.#onNeedData();
    this.#hasMoved = true;
    switch (event.kind) {
      case 'command':
        return this.#runCommand(event);
      case 'line':
        this.#onLine(event);
        return false;
      case 'content':
        this.#messages().push();
        return true;
      case 'contentEnd':
        return this.#onContentEnd(event);
      case 'closed':
        return this.#onClosed();
      default:
        return assertNever(event);
    }
  }

  #onClosed(): boolean {
    this.#finish('refused');
    return false;
  }

  #onNeedData(): boolean {
    if (this.#hasPeerEnded) {
      // What was complete has been answered; what was begun will never be complete.
      this.session.abandon();
      this.#finish('clientGone');
      return false;
    }
    if (!this.session.isIdle) return false;
    if (this.#isClosing) {
      this.#reason ??= 'serverClosing';
      this.session.closeWith(replies.SHUTTING_DOWN);
      return true;
    }
    if (this.context.clock.now() - this.#beganAtMs >= this.#limits.sessionAgeMs) {
      this.session.closeForLimit('sessionAgeMs', replies.TOO_OLD);
      return true;
    }
    return false;
  }

  #afterPump(): void {
    this.#tellExceeded();
    this.#tellViolations();
    if (this.#isGone || this.#isEnding) return;
    const wait = this.#waitNow();
    if (wait === 'command' || wait === 'content') this.#wire.flush();
    // A verdict that comes in this turn joins the replies before it in one write; a slow one does not hold them up.
    else if (this.session.outputBytes > 0) this.#wire.scheduleFlush();
    // Behind whatever the application did: its time is not the client's.
    const nowMs = this.context.clock.now();
    if (wait === 'content') this.#intake?.waitFrom(nowMs);
    // Where the client is waited for, what is unread is a line without its end, and only more octets help. It has a limit of its own.
    const isAhead = wait !== 'command' && wait !== 'content' && this.session.unreadBytes > UNREAD_BYTES_MAX;
    this.#wire.setReading(!this.#wire.isBlocked && !this.#isReaderBusy() && !isAhead);
    // What was just sent may have been more than the client reads.
    if (this.#hasMoved) this.#armDeadline(this.#wire.isBlocked ? 'unreadReplies' : wait, nowMs);
  }

  /** What the session found when it had looked at the content. @returns whether there may be more to do at once */
  #onContentEnd({ facts, refused }: Extract<SessionEvent, { kind: 'contentEnd' }>): boolean {
    if (refused !== undefined) {
      this.#messages().refused(facts, refused);
      return true;
    }
    const decided = this.#verdicts.await(this.#messages().decide(facts));
    if (isThenable(decided)) return this.#continueAfter(decided, facts);
    this.#messages().finished(facts);
    return true;
  }

  /** The application has more of a message than it takes at a time. */
  #isReaderBusy(): boolean {
    return this.#intake?.isFull === true;
  }

  // ---- Deadlines -----------------------------------------------------------------------------------------------------

  /** Whom we wait for: the session knows of the conversation, the channel of what stands in its way. */
  #waitNow(): ChannelWait {
    if (this.#wire.isBlocked) return 'unreadReplies';
    if (this.#isReaderBusy()) return 'reader';
    const { wait } = this.session;
    // While a command method goes on after its answer the client waits for us, not we for the client.
    const isMethodBusy = this.#isRunning && this.#lineWaiter === undefined;
    return isMethodBusy && (wait === 'command' || wait === 'content') ? 'verdict' : wait;
  }

  #armDeadline(wait: ChannelWait, nowMs: number): void {
    this.#hasMoved = false;
    const waitMs = wait === 'nothing' ? Infinity : this.#limits[WAIT_LIMITS[wait]];
    const ageLeftMs =
      wait === 'command' && this.session.isIdle
        ? Math.max(0, this.#limits.sessionAgeMs - (nowMs - this.#beganAtMs))
        : Infinity;
    this.#isArmedForAge = ageLeftMs < waitMs;
    this.#deadline.set(Math.min(waitMs, ageLeftMs), nowMs);
  }

  #onDeadline(): void {
    if (this.#isGone) return;
    const wait = this.#waitNow();
    if (this.#isEnding) {
      this.transport.destroy();
    } else if (this.#isArmedForAge || wait === 'nothing') {
      // The pump looks at the age. A client that began a command in the meantime may finish it.
      this.#goOn();
    } else {
      this.session.noteExceeded(WAIT_LIMITS[wait]);
      this.#endWait(wait);
      this.#goOn();
    }
  }

  #endWait(wait: Exclude<ChannelWait, 'nothing'>): void {
    switch (wait) {
      case 'command':
      case 'content':
        this.#reason ??= 'timedOut';
        this.session.closeWith(replies.TIMED_OUT);
        return;
      case 'verdict':
      case 'messageVerdict':
      case 'reader':
        this.#giveUpOnApplication(wait);
        return;
      case 'unreadReplies':
        this.#tellExceeded();
        this.#reason ??= 'limit';
        this.transport.destroy();
        return;
      case 'handshake':
        this.#tellExceeded();
        this.#reason ??= 'timedOut';
        this.transport.destroy();
        return;
      default:
        assertNever(wait);
    }
  }

  #giveUpOnApplication(wait: 'verdict' | 'messageVerdict' | 'reader'): void {
    const error = new MessageAbortedError('SMTPD_VERDICT_OVERDUE', 'The application did not decide in time');
    const { pending } = this.#verdicts;
    // Whoever hears that nobody waits any more may decide at once, and is too late.
    pending?.overrule(OVERDUE);
    this.requests.abortAndRenew(() => error);
    this.#intake?.decideInstead(OVERDUE, error);
    // The rest of a message that nobody reads is dropped, and then has its decision already.
    if (wait === 'reader') return;
    pending?.settleAll(OVERDUE);
    if (pending !== undefined || this.#steps?.giveUpAsking() === true) return;
    // A method that hangs without a question could still answer at any time, and would then answer the wrong command.
    this.#reason ??= 'timedOut';
    this.session.closeWith(NO_ANSWER_IN_TIME);
  }

  #countContent(lengthBytes: number): void {
    this.#hasMoved = true;
    if (this.#intake?.count(lengthBytes, this.#limits) !== true) return;
    this.session.closeForLimit('contentRateMin', replies.TOO_SLOW);
  }

  // ---- Commands ------------------------------------------------------------------------------------------------------

  #runCommand(command: Command): boolean {
    const { verb, argument } = command;
    this.#command = command;
    this.#pieces?.clear();
    this.#steps?.expireForwarded(verb);
    this.tellCommand(verb, argument);
    try {
      const result = this.#callMethod(verb, argument);
      if (isThenable(result)) return this.#continueAfter(result);
    } catch (error) {
      this.#onCommandFailed(error);
      return true;
    }
    this.#onCommandDone();
    return true;
  }

  #callMethod(verb: string, argument: string | undefined): unknown {
    const method = this.methods.get(verb);
    if (method !== undefined) return method.call(this.#channel, argument);
    const definition = this.session.offer.verbs.get(verb);
    if (definition !== undefined) return this.#runVerb(definition, argument);
    this.session.unrecognized(verb);
    return undefined;
  }

  /** Tells watchers of a command. */
  tellCommand(verb: string, argument: string | undefined): void {
    const { watch } = this.context;
    if (!watch.isCommandWatched) return;
    watch.tell('command', { session: this.info, verb, argument: verb === 'AUTH' ? withoutSecret(argument) : argument });
  }

  /**
   * Pumps on when a command method, or a decision about the connection or a message, is done.
   *
   * @param facts - of the message
   * @returns whether it is done already
   */
  #continueAfter(result: PromiseLike<unknown>, facts?: ContentFacts): boolean {
    this.#isRunning = true;
    this.#finishing = facts;
    // A thenable of a subclass may do anything; a promise of ours takes the edge off.
    listenTo(result instanceof Later ? result : Promise.resolve(result), this);
    return !this.#isRunning;
  }

  /** What ran is done. */
  onFulfilled(): void {
    const facts = this.#finishing;
    if (facts !== undefined) this.#messages().finished(facts);
    this.#onCommandDone();
    this.#onRun();
  }

  /** What ran has failed. */
  onRejected(error: unknown): void {
    this.#onCommandFailed(error);
    this.#onRun();
  }

  #onRun(): void {
    this.#finishing = undefined;
    this.#isRunning = false;
    this.#goOn();
  }

  #onCommandDone(): void {
    if (this.session.isTakingOctets || !this.session.isUnanswered || this.#verdicts.isPending) return;
    this.#onCommandFailed(
      new UsageError('SMTPD_ONE_REPLY', 'A command method ended without an answer; push() one and await readLine()'),
    );
  }

  #onCommandFailed(error: unknown): void {
    if (this.#isGone || this.session.phase === 'closed') return;
    const reply = error instanceof SMTPReplyError ? error.reply : this.incidents.report(error);
    // What failed after its answer was given changes no answer.
    if (!this.session.isUnanswered || this.session.isTakingOctets) return;
    if (this.#lineWaiter !== undefined) {
      // The client was asked for a line. Nobody can tell any more whether its next one is that line or a command.
      this.session.closeWith(METHOD_FAILED);
    } else if (!this.#verdicts.settleAll({ kind: 'refuse', reply })) {
      this.session.respond(reply);
    }
  }

  async #runVerb(definition: VerbDefinition, argument: string | undefined): Promise<void> {
    const answer: unknown = await definition.run({
      argument,
      session: this.info,
      readLine: (prompt) => this.#channel.readLine(prompt),
    });
    const decision = judge(answer);
    if (decision.kind === 'fault') throw decision.error;
    this.session.respond(this.#verdicts.replyOf(decision));
  }

  #onLine(event: Extract<SessionEvent, { kind: 'line' }>): void {
    const waiter = this.#lineWaiter;
    this.#lineWaiter = undefined;
    if (event.isTooLong) waiter?.reject(new SMTPReplyError(500, '5.5.6', 'Error: line too long'));
    else waiter?.resolve(event.text);
  }

  /** HELO, EHLO and LHLO. */
  greet(verb: 'HELO' | 'EHLO' | 'LHLO', argument: string | undefined): Awaitable<void> {
    const { envelope, client } = this.session;
    const tellReset = (): void => {
      if (this.session.phase !== 'ready' || this.session.client === client) return;
      if (envelope !== undefined) this.tellReset();
      this.forgetForwarded();
    };
    const decided = this.ask(this.sessionInCommand()?.greet(verb, argument));
    if (isThenable(decided)) return decided.then(tellReset);
    tellReset();
  }

  /**
   * The session, for a command method to act on while its command waits for an answer; `undefined` when the client has gone, and nothing
   * is to happen.
   *
   * @throws {@link UsageError} `SMTPD_ONE_REPLY` at any other time
   */
  sessionInCommand(): ServerSession | undefined {
    const session = this.session;
    if (session.phase === 'closed') return undefined;
    const mayAct =
      session.isUnanswered &&
      !session.isTakingOctets &&
      session.phase !== 'opening' &&
      !this.#verdicts.isPending &&
      this.#lineWaiter === undefined;
    if (mayAct) return session;
    throw new UsageError(
      'SMTPD_ONE_REPLY',
      'A command gets one final reply (RFC 5321 §4.2): this one has it already, or it is being decided; remove one of the replies, or await the method before',
    );
  }

  // ---- Questions -----------------------------------------------------------------------------------------------------

  /** Lets the hooks decide a question of the session. `undefined`: it was answered already. */
  ask(question: Question | undefined): Awaitable<void> {
    if (question === undefined) return;
    if (question.kind === 'rcpt' && this.context.hooks.hasBatch) return this.askRecipients([question]);
    return this.#verdicts.await(this.requests.ask(question));
  }

  /**
   * Whether commands of the same kind may be taken with the one under way: nobody looks on who would hear of each, and no method of another
   * command goes on behind it.
   */
  mayTakeGroup(verb: string): boolean {
    const { watch } = this.context;
    return this.#command?.verb === verb && !watch.isCommandWatched && !watch.isReplyWatched;
  }

  /** Takes recipients that nobody is asked about: this one, and those that came behind it. */
  takeRecipients(argument: string | undefined): void {
    const last = this.sessionInCommand()?.rcptUnasked(argument);
    if (last !== undefined) this.#command = last;
  }

  /** Lets the hooks decide about several recipients at once. */
  askRecipients(questions: readonly RecipientQuestion[]): Awaitable<void> {
    if (questions.length === 0) return;
    return this.#verdicts.awaitAll(this.requests.askAboutRecipients(questions), questions.length);
  }

  // ---- The end -------------------------------------------------------------------------------------------------------

  /** Sends what there is and closes our side. */
  #finish(reason: DisconnectReason): void {
    if (this.#isGone || this.#isEnding) return;
    this.#isEnding = true;
    // A limit that ended the session is the better reason.
    this.#tellExceeded();
    this.#reason ??= reason;
    this.#wire.flush();
    this.#deadline.clear();
    this.#wire.end();
    this.#release('The session ended before the message was complete');
  }

  /** The connection is gone. */
  #onGone(error: Error | undefined): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#wire.gone();
    this.session.abandon();
    this.#deadline.clear();
    this.#release('The client left before the message was complete');
    const { watch } = this.context;
    const reason = this.#reason ?? (error === undefined ? 'clientGone' : 'error');
    if (watch.isWatched('disconnect')) watch.tell('disconnect', { session: this.info, reason });
    this.requests.tell('close');
    this.context.onGone(this.#channel, this.#steps === undefined ? this.transport.remote : this.#steps.counted);
  }

  /** Whoever still works for this client is told that it is over. */
  #release(why: string): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    let reason: MessageAbortedError | undefined;
    // It is made for whoever hears of it; at the end of most sessions that is nobody.
    const reasonOf = (): MessageAbortedError => (reason ??= new MessageAbortedError('SMTPD_CLIENT_GONE', why));
    this.requests.abort(reasonOf);
    this.#intake?.release(reasonOf);
    this.#lineWaiter?.reject(reasonOf());
    this.#lineWaiter = undefined;
    // Nothing is carried out any more; what waits for it goes on.
    this.#verdicts.settleAll(OVERDUE);
    this.#steps?.release();
  }

  /** What was said of the next message's client is forgotten. */
  forgetForwarded(): void {
    this.#steps?.forgetForwarded();
  }

  /** A transaction was given up, maybe between two of its chunks. */
  tellReset(): void {
    this.#intake?.giveUp();
    this.requests.tell('reset');
  }

  /** A fault of this package ends this one session, and no other. */
  #failInternally(error: unknown): void {
    this.incidents.report(error);
    this.#reason ??= 'error';
    this.session.closeWith(METHOD_FAILED);
    this.#finish('error');
  }

  #tellViolations(): void {
    if (!this.session.hasViolations) return;
    const violations = this.session.takeViolations();
    const { watch } = this.context;
    if (!watch.isWatched('violation')) return;
    for (const violation of violations) watch.tell('violation', { violation, session: this.info });
  }

  #tellExceeded(): void {
    // This is asked at each step, and the answer is nearly always no.
    if (!this.session.hasExceeded) return;
    const { watch } = this.context;
    const exceeded = this.session.takeExceeded();
    if (this.session.isOverForLimit) this.#reason ??= 'limit';
    for (const limit of exceeded) {
      if (watch.isWatched('limit')) watch.tell('limit', { limit, peer: this.peer, session: this.info });
    }
  }
}

/** The channel, as its conversation sees it. A subclass may have a `readLine` of its own. */
export interface ChannelFace {
  readonly readLine: (prompt: Reply | string) => Promise<string>;
}

/** What a conversation is made of. */
export interface ConversationInit {
  /** Whose command methods are called. */
  readonly channel: ChannelFace;
  readonly methods: ReadonlyMap<string, CommandMethod>;
  readonly transport: Transport;
  readonly context: ChannelContext;
  readonly arrival: ChannelArrival;
}

interface LineWaiter {
  readonly resolve: (line: string) => void;
  readonly reject: (error: Error) => void;
}

/** An initial response may hold a password, which is for nobody who only watches. */
function withoutSecret(argument: string | undefined): string | undefined {
  return argument?.replace(/ .*$/s, ' ***');
}

function clientGone(): MessageAbortedError {
  return new MessageAbortedError('SMTPD_CLIENT_GONE', 'The client has left');
}

function ignore(): void {
  // Whoever awaits the promise hears of it.
}

const OVERDUE: Decision = Object.freeze({ kind: 'refuse', reply: replies.NO_ANSWER_FROM_APPLICATION });
const NO_ANSWER_IN_TIME = new Reply(421, '4.3.0', 'Error: no answer in time, closing connection');
const METHOD_FAILED = new Reply(421, '4.3.0', 'Error: internal error, closing connection');
/** How long a client that is cut off has to read why. */
const CUT_OFF_MS = 100;
const NO_LINES: readonly string[] = Object.freeze([]);
/** What a client may send ahead while the application decides; reading goes on below it, so that we notice when it leaves. */
const UNREAD_BYTES_MAX = 65_536;
