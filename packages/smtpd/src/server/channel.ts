/**
 * A channel: one client's connection. It pulls the pure session, hands its questions to the hooks and gives it their answers, and
 * moves octets between the session and the transport. It decides nothing itself.
 *
 * Its `smtp_<COMMAND>` methods are the commands. A subclass adds a verb by adding a method and changes one by overriding it.
 */

import { randomBytes } from 'node:crypto';

import { Deadline } from '../net/deadline.js';
import type { TLSFacts } from '../net/tls-facts.js';
import type { EndpointAddress, Transport } from '../net/transport.js';
import type { Command } from '../protocol/command.js';
import { assertNever, invariant, InvariantError, UsageError } from '../protocol/errors.js';
import type { VerbDefinition } from '../protocol/extension.js';
import type { ClientAttributes } from '../protocol/client-attributes.js';
import type { Limits } from '../protocol/limits.js';
import { octets } from '../protocol/octets.js';
import { parseReply, Reply, SMTPReplyError } from '../protocol/reply.js';
import type { ChannelBinding } from '../protocol/sasl/mechanism.js';
import { ServerSession } from '../protocol/server-session.js';
import type {
  AuthStart,
  ContentFacts,
  Question,
  RecipientQuestion,
  SessionEvent,
  Wait,
} from '../protocol/session-events.js';
import * as replies from '../protocol/standard-replies.js';
import { AbortSource } from './abort-source.js';
import { askAuthHooks, runExchange, type AuthOutcome } from './authentication.js';
import type { ChannelContext, ChannelOptions, ChannelOwner } from './channel-context.js';
import { commandMethodsOf, type CommandMethod } from './command-methods.js';
import { ContentProgress } from './content-progress.js';
import { askAboutRecipients, askInTurn, decide, type AnyHook, type HookRequest } from './hooks.js';
import { MessageAbortedError, MessageBody, StreamingMessage } from './message-body.js';
import { PendingVerdict } from './pending-verdict.js';
import { ReceivedMessage, StreamedMessage, type MessageInit } from './received-message.js';
import { SessionInfo, type Identity, type SessionFacts } from './session-info.js';
import {
  eachRecipientVerdict,
  foldRecipientVerdicts,
  isThenable,
  judge,
  type Awaitable,
  type Decision,
} from './verdict.js';
import type { DisconnectReason } from './watch.js';

/**
 * One client's connection.
 *
 * @example
 * ```ts
 * import { SMTPChannel, SMTPServer } from 'smtpd';
 * class MyChannel extends SMTPChannel {
 *   async smtp_XPING(argument: string | undefined) {
 *     await this.push(`250 2.0.0 pong ${argument ?? ''}`);
 *   }
 * }
 * class MyServer extends SMTPServer {
 *   static override channelClass = MyChannel;
 * }
 * new MyServer();
 * ```
 */
export class SMTPChannel {
  /** The server. A subclass may declare it as its own server's type. */
  readonly smtpServer: ChannelOwner;
  /** What is known of the session. */
  readonly info: SessionInfo;
  readonly #context: ChannelContext;
  readonly #transport: Transport;
  readonly #session: ServerSession;
  readonly #methods: ReadonlyMap<string, CommandMethod>;
  readonly #deadline: Deadline;
  readonly #openedAtMs: number;
  /** What `info` shows and changes as the session goes on. */
  readonly #facts: SessionFacts;
  /** What XCLIENT said last. */
  #behind: ClientAttributes | undefined;
  #hookStates: Map<AnyHook, unknown> | undefined;
  #abortSource = new AbortSource();
  /** The verdict that is waited for. */
  #pending: PendingVerdict | undefined;
  /** The message that is streaming to the application. */
  #streaming: StreamingMessage | undefined;
  /** The message whose content is read or was read last. */
  #content: ContentProgress | undefined;
  /** The last reply since the content began. */
  #contentReply: Reply | undefined;
  #receivedData: Uint8Array | string | undefined;
  #receivedLines: readonly string[] = NO_LINES;
  /** A command method's promise is under way. */
  #isRunning = false;
  #lineWaiter: LineWaiter | undefined;
  /** Lines of a reply that is pushed in pieces. */
  #partialReply: string[] = [];
  #isPumping = false;
  /** Something happened since the deadline was set: it counts anew. */
  #hasMoved = false;
  /** The deadline is that of the session's age, which comes before the one for the next command. */
  #isArmedForAge = false;
  /** Replies wait for the client to read them. */
  #isBlocked = false;
  #isReadingPaused = false;
  /** Ends the time by which a reply is held back. */
  #cancelHold: (() => void) | undefined;
  #isFlushScheduled = false;
  #hasPeerEnded = false;
  #isClosing = false;
  #isEnding = false;
  #isGone = false;
  #reason: DisconnectReason | undefined;

  constructor(options: ChannelOptions) {
    const { server, transport, context } = options;
    this.smtpServer = server;
    this.#context = context;
    this.#transport = transport;
    this.#methods = commandMethodsOf(Object.getPrototypeOf(this) as object);
    const { watch } = context;
    const onReply = (reply: Reply): void => {
      this.#contentReply = reply;
      if (watch.isWatched('reply')) watch.tell('reply', { session: this.info, reply });
    };
    this.#session = new ServerSession({ ...context.sessionOptions, onReply }, context.situation);
    this.#openedAtMs = context.clock.now();
    this.#deadline = new Deadline(context.clock, () => {
      this.#onDeadline();
    });
    this.#facts = { peer: transport.remote, tls: undefined, identity: undefined, forwarded: undefined };
    this.info = new SessionInfo(this.#session, this.#facts, {
      id: nextSessionId(),
      local: transport.local,
      openedAt: new Date(),
      proxy: context.proxy,
    });
  }

  // ---- The old module's instance variables, as views ---------------------------------------------------------------

  /** The socket; `undefined` for a connection in memory. */
  get conn(): unknown {
    return this.#transport.socket;
  }

  /** The address and port that connected; behind a proxy that sends the PROXY header, the client's. */
  get addr(): EndpointAddress {
    return this.#transport.remote;
  }

  /** The client's address and port; after XCLIENT, what that said. */
  get peer(): EndpointAddress {
    return this.#facts.peer;
  }

  /** `DATA` while content is read, else `COMMAND`. */
  get smtpState(): 'COMMAND' | 'DATA' {
    return this.#session.isReceivingContent ? 'DATA' : 'COMMAND';
  }

  /** What the client called itself; `''` before HELO or EHLO. */
  get seenGreeting(): string {
    return this.info.clientName ?? '';
  }

  /** Whether the client said EHLO. */
  get extendedSMTP(): boolean {
    return this.#session.isExtended;
  }

  /** The open transaction's reverse-path; `undefined` when none is open, `''` for the null reverse-path. */
  get mailFrom(): string | undefined {
    return this.info.envelope?.mailFrom;
  }

  /** The open transaction's recipients. */
  get rcptTos(): readonly string[] {
    return this.info.envelope?.rcptTos ?? NO_LINES;
  }

  /** The parameters of the open transaction's MAIL. */
  get mailOptions(): readonly string[] {
    return this.info.envelope?.mailOptions ?? NO_LINES;
  }

  /** For each recipient, the parameters of its RCPT. */
  get rcptOptions(): readonly (readonly string[])[] {
    return this.info.envelope?.rcptOptions ?? [];
  }

  /** The command line under way, as one element; each octet is one character. Empty while content is read. */
  get receivedLines(): readonly string[] {
    return this.#receivedLines;
  }

  /** The content of the message that is being decided. It is not kept afterwards. */
  get receivedData(): Uint8Array | string | undefined {
    return this.#receivedData;
  }

  /** The server's own name. */
  get fqdn(): string {
    return this.#context.sessionOptions.hostname;
  }

  /** Octets of the largest message; `undefined` for no limit. */
  get dataSizeLimit(): number | undefined {
    return this.#session.offer.facts.sizeLimitBytes;
  }

  /** Octets of a command line without its CRLF, before extensions lengthen it. */
  get commandSizeLimit(): number {
    return this.#context.sessionOptions.limits.commandLengthBytesMax;
  }

  /** Whether SMTPUTF8 is offered. */
  get enableSMTPUTF8(): boolean {
    return this.#session.offer.facts.isSMTPUTF8Enabled;
  }

  // ---- The commands -------------------------------------------------------------------------------------------------

  /** EHLO (RFC 5321 §4.1.1.1). */
  smtp_EHLO(argument: string | undefined): Awaitable<void> {
    return this.#greet('EHLO', argument);
  }

  /** HELO (RFC 5321 §4.1.1.1). */
  smtp_HELO(argument: string | undefined): Awaitable<void> {
    return this.#greet('HELO', argument);
  }

  /** LHLO (RFC 2033 §4.1). */
  smtp_LHLO(argument: string | undefined): Awaitable<void> {
    return this.#greet('LHLO', argument);
  }

  /** STARTTLS (RFC 3207 §4). */
  smtp_STARTTLS(argument: string | undefined): Awaitable<void> {
    const isAccepted = this.#inCommand((session) => session.startTLS(argument)) ?? false;
    if (isAccepted) return this.#secure();
  }

  /** AUTH (RFC 4954 §4). */
  smtp_AUTH(argument: string | undefined): Awaitable<void> {
    const start = this.#inCommand((session) => session.auth(argument));
    if (start !== undefined) return this.#authenticate(start);
  }

  /** MAIL (RFC 5321 §4.1.1.2). */
  smtp_MAIL(argument: string | undefined): Awaitable<void> {
    return this.#ask(this.#inCommand((session) => session.mail(argument)));
  }

  /** RCPT (RFC 5321 §4.1.1.3). */
  smtp_RCPT(argument: string | undefined): Awaitable<void> {
    const isOwn = this.#methods.get('RCPT') === BASE_RCPT;
    // A method that was overridden expects each RCPT for itself.
    if (!this.#context.hooks.hasBatch || !isOwn) {
      return this.#ask(this.#inCommand((session) => session.rcpt(argument)));
    }
    const tell = (following: string | undefined): void => {
      this.#tellCommand('RCPT', following);
    };
    return this.#askRecipients(this.#inCommand((session) => session.rcptBatch(argument, tell)) ?? []);
  }

  /** DATA (RFC 5321 §4.1.1.4). */
  smtp_DATA(argument: string | undefined): Awaitable<void> {
    return this.#ask(this.#inCommand((session) => session.data(argument)));
  }

  /** BDAT (RFC 3030 §2). */
  smtp_BDAT(argument: string | undefined): Awaitable<void> {
    return this.#ask(this.#inCommand((session) => session.bdat(argument)));
  }

  /** RSET (RFC 5321 §4.1.1.5). */
  smtp_RSET(argument: string | undefined): Awaitable<void> {
    const hadTransaction = this.#session.envelope !== undefined;
    const isDone = this.#inCommand((session) => session.rset(argument)) ?? false;
    if (isDone && hadTransaction) this.#tellReset();
  }

  /** NOOP (RFC 5321 §4.1.1.9). */
  smtp_NOOP(argument: string | undefined): Awaitable<void>;
  smtp_NOOP(): void {
    this.#inCommand((session) => session.noop());
  }

  /** QUIT (RFC 5321 §4.1.1.10). */
  smtp_QUIT(argument: string | undefined): Awaitable<void>;
  smtp_QUIT(): void {
    this.#inCommand((session) => {
      this.#reason ??= 'quit';
      session.quit();
    });
  }

  /** VRFY (RFC 5321 §4.1.1.6). */
  smtp_VRFY(argument: string | undefined): Awaitable<void> {
    return this.#ask(this.#inCommand((session) => session.vrfy(argument)));
  }

  /** EXPN (RFC 5321 §4.1.1.7). */
  smtp_EXPN(argument: string | undefined): Awaitable<void> {
    return this.#ask(this.#inCommand((session) => session.expn(argument)));
  }

  /** ETRN (RFC 1985 §5). */
  smtp_ETRN(argument: string | undefined): Awaitable<void> {
    return this.#ask(this.#inCommand((session) => session.etrn(argument)));
  }

  /** XCLIENT: the client is the one that somebody in front of us names, and is greeted anew. */
  smtp_XCLIENT(argument: string | undefined): Awaitable<void> {
    const attributes = this.#inCommand((session) => session.xclient(argument));
    if (attributes === undefined) return;
    this.#becomeClient(attributes);
    return this.#ask(this.#session.reopen({ isAuthenticated: this.#facts.identity !== undefined }));
  }

  /** XFORWARD: somebody in front of us says whom the next message came from. */
  smtp_XFORWARD(argument: string | undefined): Awaitable<void> {
    const attributes = this.#inCommand((session) => session.xforward(argument));
    if (attributes !== undefined) this.#facts.forwarded = new Map([...(this.#facts.forwarded ?? []), ...attributes]);
  }

  /** HELP (RFC 5321 §4.1.1.8). */
  smtp_HELP(argument: string | undefined): Awaitable<void> {
    this.#inCommand((session) => session.help(argument));
  }

  // ---- For command methods ------------------------------------------------------------------------------------------

  /**
   * Answers the command under way. A reply of several lines may be pushed whole or line by line, as `250-first` and `250 last`.
   * Nothing happens when the client has gone.
   *
   * @throws {@link UsageError} `SMTPD_BAD_REPLY` when the text is no reply, `SMTPD_ONE_REPLY` when the command has its reply already
   */
  // An async method, so that what is wrong with a reply rejects where `await this.push()` stands.
  // eslint-disable-next-line @typescript-eslint/require-await -- see above
  async push(reply: Reply | string): Promise<void> {
    const whole = typeof reply === 'string' ? this.#gatherReply(reply) : reply;
    if (whole === undefined) return;
    if (isIntermediate(whole)) {
      throw new UsageError('SMTPD_BAD_REPLY', 'push() gives the final reply; readLine() asks with a 3yz reply');
    }
    this.#inCommand((session) => {
      session.respond(whole);
    });
    // A method that goes on after its answer does not keep it from the client.
    if (this.#isRunning) this.#scheduleFlush();
  }

  /**
   * Sends an intermediate reply (3yz) and reads the client's next line as the answer to it, not as a command.
   *
   * @returns the line without its CRLF, each octet as one character
   * @throws {@link SMTPReplyError} when the line is too long; a rejected promise, too, when the client leaves
   */
  readLine(prompt: Reply | string): Promise<string> {
    const reply = typeof prompt === 'string' ? parseReply(prompt) : prompt;
    if (reply === undefined || !isIntermediate(reply)) {
      throw new UsageError('SMTPD_BAD_REPLY', 'readLine() asks with a 3yz reply, as in "334 Go on"');
    }
    if (this.#session.phase === 'closed') return Promise.reject(clientGone());
    this.#inCommand((session) => {
      session.challenge(reply);
    });
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

  /** Sends what was answered, then closes. */
  close(): void {
    this.#session.abandon();
    this.#finish('refused');
  }

  // ---- For the server -----------------------------------------------------------------------------------------------

  /** @internal Begins the conversation. */
  begin(): void {
    this.#transport.start({
      onBytes: (bytes) => {
        this.#onBytes(bytes);
      },
      onEnd: () => {
        this.#hasPeerEnded = true;
        this.#pump();
      },
      onDrain: () => {
        if (!this.#isBlocked) return;
        this.#isBlocked = false;
        this.#goOn();
      },
      onClose: (error) => {
        this.#onGone(error);
      },
    });
    const { watch, tls, received } = this.#context;
    if (watch.isWatched('connect')) watch.tell('connect', { session: this.info });
    // Whoever was told may have closed the server.
    if (this.#session.phase === 'closed') return;
    const decided = tls?.isImplicit === true ? this.#secureFirst() : this.#ask(this.#session.open());
    if (isThenable(decided)) this.#continueAfter(Promise.resolve(decided));
    if (received !== undefined && received.length > 0 && tls?.isImplicit !== true) this.#onBytes(received);
    // From here on somebody is waited for: the application, or the client.
    this.#goOn();
  }

  /** @internal The server closes: an idle client hears 421 now, another one when its message is done. */
  shutDown(): void {
    this.#isClosing = true;
    if (this.#session.phase === 'securing') {
      // In the middle of a handshake nobody can be told anything, and there is no mail that could be finished.
      this.#reason ??= 'serverClosing';
      this.#transport.destroy();
      return;
    }
    this.#pump();
  }

  /** @internal The server's patience is over. */
  cutOff(): void {
    if (this.#isGone) return;
    this.#reason ??= 'serverClosing';
    this.#session.closeWith(replies.SHUTTING_DOWN);
    this.#finish('serverClosing');
    // Cut at once, the connection could take the 421 with it: a reset drops what the client has not read yet.
    this.#deadline.set(CUT_OFF_MS);
  }

  // ---- The pump -----------------------------------------------------------------------------------------------------

  #onBytes(bytes: Uint8Array): void {
    if (this.#session.isReceivingContent) this.#countContent(bytes.length);
    this.#session.receive(bytes);
    this.#pump();
    // The transport lends its buffer for the time of this call.
    this.#session.settle();
  }

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
    if (this.#session.phase === 'closed') return this.#onClosed();
    if (this.#isRunning && this.#lineWaiter === undefined) return false;
    if (this.#isBlocked || this.#streaming?.body.isFull === true) return false;
    if (this.#session.outputBytes >= this.#limits.unreadRepliesBytesMax) {
      this.#flush();
      return !this.#isBlocked;
    }
    const event = this.#session.next();
    // What was exceeded so far was answered, and the session goes on: whatever ends it later, it is not this.
    if (event.kind !== 'closed') this.#tellExceeded();
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
        this.#streaming?.body.push(this.#session.takeContent());
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
      this.#session.abandon();
      this.#finish('clientGone');
      return false;
    }
    if (!this.#session.isIdle) return false;
    if (this.#isClosing) {
      this.#reason ??= 'serverClosing';
      this.#session.closeWith(replies.SHUTTING_DOWN);
      return true;
    }
    if (this.#context.clock.now() - this.#openedAtMs >= this.#limits.sessionAgeMs) {
      this.#session.noteExceeded('sessionAgeMs');
      this.#session.closeWith(replies.TOO_OLD);
      return true;
    }
    return false;
  }

  #afterPump(): void {
    this.#tellExceeded();
    this.#tellViolations();
    if (this.#isGone || this.#isEnding) return;
    const wait = this.#wait;
    if (wait === 'command' || wait === 'content') this.#flush();
    // A verdict that comes in this turn joins the replies before it in one write; a slow one does not hold them up.
    else if (this.#session.outputBytes > 0) this.#scheduleFlush();
    if (wait === 'content') this.#content?.waitFrom(this.#context.clock.now());
    // Where the client is waited for, what is unread is a line without its end, and only more octets help. It has a limit of its own.
    const isAhead = wait !== 'command' && wait !== 'content' && this.#session.unreadBytes > UNREAD_BYTES_MAX;
    const mustWait = this.#isBlocked || this.#streaming?.body.isFull === true || isAhead;
    if (mustWait !== this.#isReadingPaused) {
      this.#isReadingPaused = mustWait;
      if (mustWait) this.#transport.pause();
      else this.#transport.resume();
    }
    if (this.#hasMoved) this.#armDeadline();
  }

  #scheduleFlush(): void {
    if (this.#isFlushScheduled) return;
    this.#isFlushScheduled = true;
    setImmediate(() => {
      this.#isFlushScheduled = false;
      if (!this.#isBlocked) this.#flush();
    });
  }

  #flush(): void {
    const bytes = this.#session.takeOutput();
    if (bytes === undefined || this.#isGone) return;
    const mayWriteMore = this.#transport.write(bytes);
    // Only a transport that said no will say when to go on.
    if (!mayWriteMore && this.#transport.unsentBytes > this.#limits.unreadRepliesBytesMax) {
      this.#isBlocked = true;
      this.#hasMoved = true;
    }
  }

  // ---- Deadlines ----------------------------------------------------------------------------------------------------

  get #limits(): Limits {
    return this.#context.sessionOptions.limits;
  }

  /** Whom we wait for: the session knows of the conversation, the channel of what stands in its way. */
  get #wait(): ChannelWait {
    if (this.#isBlocked) return 'unreadReplies';
    if (this.#streaming?.body.isFull === true) return 'reader';
    const { wait } = this.#session;
    // While a command method goes on after its answer the client waits for us, not we for the client.
    const isMethodBusy = this.#isRunning && this.#lineWaiter === undefined;
    return isMethodBusy && (wait === 'command' || wait === 'content') ? 'verdict' : wait;
  }

  #armDeadline(): void {
    this.#hasMoved = false;
    const wait = this.#wait;
    const waitMs = wait === 'nothing' ? Infinity : this.#limits[WAIT_LIMITS[wait]];
    const ageLeftMs =
      wait === 'command' && this.#session.isIdle
        ? Math.max(0, this.#limits.sessionAgeMs - (this.#context.clock.now() - this.#openedAtMs))
        : Infinity;
    this.#isArmedForAge = ageLeftMs < waitMs;
    this.#deadline.set(Math.min(waitMs, ageLeftMs));
  }

  #onDeadline(): void {
    if (this.#isGone) return;
    const wait = this.#wait;
    if (this.#isEnding) {
      this.#transport.destroy();
    } else if (this.#isArmedForAge || wait === 'nothing') {
      // The pump looks at the age. A client that began a command in the meantime may finish it.
      this.#goOn();
    } else {
      this.#session.noteExceeded(WAIT_LIMITS[wait]);
      this.#endWait(wait);
      this.#goOn();
    }
  }

  #endWait(wait: Exclude<ChannelWait, 'nothing'>): void {
    switch (wait) {
      case 'command':
      case 'content':
        this.#reason ??= 'timedOut';
        this.#session.closeWith(replies.TIMED_OUT);
        return;
      case 'verdict':
      case 'messageVerdict':
      case 'reader':
        this.#giveUpOnApplication(wait);
        return;
      case 'unreadReplies':
        this.#tellExceeded();
        this.#reason ??= 'limit';
        this.#transport.destroy();
        return;
      case 'handshake':
        this.#tellExceeded();
        this.#reason ??= 'timedOut';
        this.#transport.destroy();
        return;
      default:
        assertNever(wait);
    }
  }

  #giveUpOnApplication(wait: 'verdict' | 'messageVerdict' | 'reader'): void {
    const error = new MessageAbortedError('SMTPD_VERDICT_OVERDUE', 'The application did not decide in time');
    this.#abortSource.abort(error);
    this.#abortSource = new AbortSource();
    this.#streaming?.giveUp(OVERDUE, error);
    // The rest of a message that nobody reads is dropped, and then has its decision already.
    if (wait === 'reader') return;
    if (this.#pending !== undefined) {
      this.#pending.settleAll(OVERDUE);
      return;
    }
    // A method that hangs without a question could still answer at any time, and would then answer the wrong command.
    this.#reason ??= 'timedOut';
    this.#session.closeWith(NO_ANSWER_IN_TIME);
  }

  /** The lowest rate counts the time in which we waited for the client, never the time that the application took. */
  #countContent(lengthBytes: number): void {
    this.#hasMoved = true;
    const content = this.#content;
    content?.count(lengthBytes, this.#context.clock.now());
    if (content?.isTooSlow(this.#limits) !== true) return;
    this.#session.noteExceeded('contentRateMin');
    this.#session.closeWith(replies.TOO_SLOW);
  }

  // ---- Commands -----------------------------------------------------------------------------------------------------

  #runCommand({ verb, argument }: Command): boolean {
    this.#receivedLines = argument === undefined ? [verb] : [`${verb} ${argument}`];
    this.#partialReply = [];
    this.#tellCommand(verb, argument);
    try {
      const result = this.#callMethod(verb, argument);
      if (isThenable(result)) {
        this.#continueAfter(Promise.resolve(result));
        return false;
      }
    } catch (error) {
      this.#onCommandFailed(error);
      return true;
    }
    this.#onCommandDone();
    return true;
  }

  #callMethod(verb: string, argument: string | undefined): unknown {
    const method = this.#methods.get(verb);
    if (method !== undefined) return method.call(this, argument);
    const definition = this.#session.offer.verbs.get(verb);
    if (definition !== undefined) return this.#runVerb(definition, argument);
    this.#session.unrecognized(verb);
    return undefined;
  }

  #tellCommand(verb: string, argument: string | undefined): void {
    const { watch } = this.#context;
    if (!watch.isWatched('command')) return;
    watch.tell('command', { session: this.info, verb, argument: verb === 'AUTH' ? withoutSecret(argument) : argument });
  }

  /** Pumps on when a command method, or a decision about the connection or a message, is done. */
  #continueAfter(result: Promise<unknown>): void {
    this.#isRunning = true;
    const goOn = (): void => {
      this.#isRunning = false;
      this.#goOn();
    };
    result.then(
      () => {
        this.#onCommandDone();
        goOn();
      },
      (error: unknown) => {
        this.#onCommandFailed(error);
        goOn();
      },
    );
  }

  #onCommandDone(): void {
    if (this.#session.isTakingOctets || !this.#session.isUnanswered || this.#pending !== undefined) return;
    this.#onCommandFailed(
      new UsageError('SMTPD_ONE_REPLY', 'A command method ended without an answer; push() one and await readLine()'),
    );
  }

  #onCommandFailed(error: unknown): void {
    if (this.#isGone || this.#session.phase === 'closed') return;
    const reply = error instanceof SMTPReplyError ? error.reply : this.#reportFault(error);
    // What failed after its answer was given changes no answer.
    if (!this.#session.isUnanswered || this.#session.isTakingOctets) return;
    if (this.#lineWaiter !== undefined) {
      // The client was asked for a line. Nobody can tell any more whether its next one is that line or a command.
      this.#session.closeWith(METHOD_FAILED);
    } else if (this.#pending === undefined) {
      this.#session.respond(reply);
    } else {
      this.#pending.settleAll({ kind: 'refuse', reply });
    }
  }

  /**
   * Lets a command method act on the session while its command waits for an answer. Nothing happens when the client has gone.
   *
   * @throws {@link UsageError} `SMTPD_ONE_REPLY` at any other time
   */
  #inCommand<T>(act: (session: ServerSession) => T): T | undefined {
    const session = this.#session;
    if (session.phase === 'closed') return undefined;
    const mayAct =
      session.isUnanswered &&
      !session.isTakingOctets &&
      session.phase !== 'opening' &&
      this.#pending === undefined &&
      this.#lineWaiter === undefined;
    if (mayAct) return act(session);
    throw new UsageError(
      'SMTPD_ONE_REPLY',
      'A command gets one final reply (RFC 5321 §4.2): this one has it already, or it is being decided; remove one of the replies, or await the method before',
    );
  }

  /** Puts the pieces of a reply together. @returns `undefined` while there are more to come */
  #gatherReply(piece: string): Reply | undefined {
    const text = piece.endsWith('\r\n') ? piece.slice(0, -2) : piece;
    this.#partialReply.push(text);
    if (CONTINUED_LINE.test(text.slice(text.lastIndexOf('\n') + 1))) return undefined;
    const whole = this.#partialReply.join('\r\n');
    this.#partialReply = [];
    const reply = parseReply(whole);
    if (reply !== undefined) return reply;
    throw new UsageError(
      'SMTPD_BAD_REPLY',
      `${JSON.stringify(whole.slice(0, 200))} is no reply; write a code and a text, as in "250 2.0.0 OK"`,
    );
  }

  async #runVerb(definition: VerbDefinition, argument: string | undefined): Promise<void> {
    const answer: unknown = await definition.run({
      argument,
      session: this.info,
      readLine: (prompt) => this.readLine(prompt),
    });
    const decision = judge(answer);
    if (decision.kind === 'fault') throw decision.error;
    this.#session.respond(this.#replyOf(decision));
  }

  #onLine(event: Extract<SessionEvent, { kind: 'line' }>): void {
    const waiter = this.#lineWaiter;
    this.#lineWaiter = undefined;
    if (event.isTooLong) waiter?.reject(new SMTPReplyError(500, '5.5.6', 'Error: line too long'));
    else waiter?.resolve(event.text);
  }

  #greet(verb: 'HELO' | 'EHLO' | 'LHLO', argument: string | undefined): Awaitable<void> {
    const given = this.#session.envelope;
    const tellReset = (): void => {
      if (given !== undefined && this.#session.phase === 'ready') this.#tellReset();
    };
    const decided = this.#ask(this.#inCommand((session) => session.greet(verb, argument)));
    if (isThenable(decided)) return decided.then(tellReset);
    tellReset();
  }

  // ---- Questions ----------------------------------------------------------------------------------------------------

  /** Lets the hooks decide a question of the session. `undefined`: it was answered already. */
  #ask(question: Question | undefined): Awaitable<void> {
    if (question === undefined) return;
    const { hooks } = this.#context;
    switch (question.kind) {
      case 'connect':
        return this.#askHooks(hooks.connect, (hook) => hook.connect?.(this.#request(hook, {})));
      case 'helo': {
        const { verb, client } = question;
        const facts = { verb, clientName: client.name.text, clientNameKind: client.name.kind };
        return this.#askHooks(hooks.helo, (hook) => hook.helo?.(this.#request(hook, facts)));
      }
      case 'mail': {
        const { reversePath: path, parameters } = question;
        return this.#askHooks(hooks.mail, (hook) =>
          hook.mail?.(this.#request(hook, { address: path.address, path, parameters })),
        );
      }
      case 'rcpt':
        if (hooks.hasBatch) return this.#askRecipients([question]);
        return this.#askHooks(hooks.rcpt, (hook) => hook.rcpt?.(this.#request(hook, recipientFacts(question))));
      case 'data':
        return this.#askHooks(hooks.data, (hook) => hook.data?.(this.#request(hook, {})));
      case 'message':
        return this.#askAboutMessage(question.facts);
      case 'vrfy':
      case 'expn':
      case 'etrn': {
        const { kind, text } = question;
        return this.#askHooks(hooks[kind], (hook) => hook[kind]?.(this.#request(hook, { text })));
      }
      default:
        return assertNever(question);
    }
  }

  #askHooks(hooks: readonly AnyHook[], call: (hook: AnyHook) => unknown): Awaitable<void> {
    if (hooks.length === 0) {
      this.#carryOut(PASS);
      return;
    }
    return this.#await(askInTurn(hooks.map((hook) => () => decide(() => call(hook)))));
  }

  /** Lets the hooks decide about several recipients at once. */
  #askRecipients(questions: readonly RecipientQuestion[]): Awaitable<void> {
    if (questions.length === 0) return;
    const facts = questions.map(recipientFacts);
    const decided = askAboutRecipients(this.#context.hooks.rcpt, facts.length, (hook, index) =>
      // `index` is that of a question.
      this.#request(hook, facts[index] as ReturnType<typeof recipientFacts>),
    );
    return this.#awaitAll(decided, questions.length);
  }

  /** Waits for a decision, in this turn if it can be, and carries it out. */
  #await(decided: Awaitable<Decision>): Awaitable<void> {
    if (isThenable(decided)) {
      const alone = decided.then((decision) => [decision]);
      return this.#awaitAll(alone, 1);
    }
    this.#carryOut(decided);
  }

  #awaitAll(decided: PromiseLike<readonly Decision[]>, questionCount: number): Promise<void> {
    const pending = new PendingVerdict(questionCount, (decisions) => {
      if (this.#pending === pending) this.#pending = undefined;
      for (const decision of decisions) this.#carryOut(decision);
    });
    this.#pending = pending;
    decided.then(
      (decisions) => {
        pending.settle(decisions);
      },
      (error: unknown) => {
        pending.settleAll({ kind: 'fault', error });
      },
    );
    return pending.done.then(() => {
      // A method that does not wait for its `super` has returned long ago.
      if (!this.#isRunning) this.#goOn();
    });
  }

  /** Answers the session's oldest question. Never throws. */
  #carryOut(decision: Decision): void {
    if (this.#isGone || this.#session.phase === 'closed') return;
    try {
      this.#answer(decision);
      if (this.#session.isReceivingContent && this.#streaming === undefined) this.#beginContent();
    } catch (error) {
      this.#failInternally(error);
    }
  }

  #answer(decision: Decision): void {
    switch (decision.kind) {
      case 'pass':
        this.#session.accept();
        return;
      case 'accept':
        this.#session.accept(decision.reply);
        return;
      case 'refuse':
        this.#session.refuse(decision.reply);
        return;
      case 'fault':
        this.#session.refuse(this.#reportFault(decision.error));
        return;
      case 'each':
        this.#session.answerEach(decision.decisions.map((each) => this.#replyOf(each)));
        return;
      default:
        assertNever(decision);
    }
  }

  #replyOf(decision: Decision): Reply {
    switch (decision.kind) {
      case 'pass':
        return replies.OK;
      case 'accept':
      case 'refuse':
        return decision.reply;
      case 'fault':
        return this.#reportFault(decision.error);
      case 'each':
        throw new InvariantError('A recipient has one verdict');
      default:
        return assertNever(decision);
    }
  }

  // ---- TLS ----------------------------------------------------------------------------------------------------------

  #secureFirst(): Promise<void> {
    this.#session.secureFirst();
    return this.#secure();
  }

  /** Makes the handshake, behind what was answered. */
  async #secure(): Promise<void> {
    const { tls, watch } = this.#context;
    this.#flush();
    this.#hasMoved = true;
    let facts: TLSFacts;
    try {
      invariant(
        tls !== undefined && this.#transport.startTLS !== undefined,
        'STARTTLS is offered where it can be done',
      );
      // What the client sends from here on belongs to the handshake.
      this.#transport.pause();
      const handshake = await tls.handshake();
      if (this.#hasLeft()) return;
      this.#transport.resume();
      facts = await this.#transport.startTLS(handshake, tls.isImplicit ? this.#context.received : undefined);
    } catch (error) {
      if (this.#isGone) return;
      this.#reason ??= 'handshakeFailed';
      // What is wrong on the other side of the wire is no fault of ours; who wants to know watches.
      if (watch.isWatched('handshakeFailed')) watch.tell('handshakeFailed', { session: this.info, error });
      this.#session.abandon();
      this.#transport.destroy();
      return;
    }
    if (this.#isGone) return;
    this.#facts.tls = facts;
    this.#facts.identity = undefined;
    // RFC 3207 §4.2: what was said in clear is forgotten, XFORWARD too. Only whom XCLIENT named stays: forgetting that would give the
    // client the address, and with it the trust, of whoever stands in front of it.
    this.#facts.forwarded = this.#behind;
    const isProved = !tls.isClientCertificateRequired || facts.peerCertificate?.isVerified === true;
    this.#session.secured({
      hasChannelBinding: facts.channelBinding !== undefined,
      objection: isProved ? undefined : replies.CERTIFICATE_NEEDED,
    });
    if (watch.isWatched('secured')) watch.tell('secured', { session: this.info, tls: facts });
    if (this.#session.phase !== 'opening') return;
    const question = this.#session.open();
    if (isProved) await this.#ask(question);
    else this.#session.refuse(replies.CERTIFICATE_NEEDED);
  }

  /** Asked anew behind each `await`; the compiler would believe that nothing has changed. */
  #hasLeft(): boolean {
    return this.#isGone;
  }

  // ---- AUTH ---------------------------------------------------------------------------------------------------------

  async #authenticate({ mechanism, initialResponse }: AuthStart): Promise<void> {
    const { auth, authFailures, addressKey, clock, hooks } = this.#context;
    if (authFailures.count(addressKey, clock.now()) >= this.#limits.authFailuresPerAddressMax) {
      this.#session.noteExceeded('authFailuresPerAddressMax');
      this.#session.respond(replies.AUTH_UNAVAILABLE);
      return;
    }
    const outcome = await runExchange(mechanism, {
      initialResponse,
      context: {
        ...auth,
        hostname: this.fqdn,
        channelBinding: channelBindingOf(this.#facts.tls),
        isPlusOffered: this.#session.offer.facts.authMechanisms.some((name) => name.endsWith('-PLUS')),
      },
      challenge: (text) => this.readLine(new Reply(334, undefined, text)),
      ask: (request) => askAuthHooks(hooks.auth, (hook) => hook.auth?.(this.#request(hook, request))),
    });
    // Whoever has gone meanwhile is told nothing.
    if (this.#session.phase === 'closed') return;
    this.#tellAuth(mechanism, outcome);
    switch (outcome.kind) {
      case 'accepted':
        this.#facts.identity = outcome.identity;
        this.#session.authenticated();
        return;
      case 'refused':
        await this.#refuseAuthentication(outcome.reply);
        return;
      case 'ended':
        this.#session.respond(outcome.reply);
        return;
      case 'fault':
        this.#session.respond(this.#reportAuthFault(outcome.error));
        return;
      default:
        assertNever(outcome);
    }
  }

  /** A guess costs time (RFC 4954 §9), and counts against its address. */
  async #refuseAuthentication(reply: Reply): Promise<void> {
    const { authFailures, addressKey, clock } = this.#context;
    const failures = authFailures.add(addressKey, clock.now());
    await this.#hold(this.#limits.authFailureDelayMs * Math.min(AUTH_DELAY_FACTOR_MAX, 2 ** Math.floor(failures - 1)));
    if (this.#session.phase !== 'closed') this.#session.authFailed(reply);
  }

  #tellAuth(mechanism: string, outcome: AuthOutcome): void {
    const { watch } = this.#context;
    if (!watch.isWatched('auth')) return;
    watch.tell('auth', {
      session: this.info,
      mechanism,
      user: outcome.user,
      isAccepted: outcome.kind === 'accepted',
    });
  }

  /** RFC 4954 §6: 454 is a failure that has nothing to do with the credentials. */
  #reportAuthFault(error: unknown): Reply {
    const incident = this.#logFault(error, 'The application failed; the client is told 454');
    return new Reply(454, '4.7.0', `Error: internal error, incident ${incident}; try again later`);
  }

  /** Waits before something is answered. */
  #hold(ms: number): Promise<void> {
    if (!Number.isFinite(ms)) return Promise.resolve();
    return new Promise((resolve) => {
      const cancelTimer = this.#context.clock.setTimer(resolve, ms);
      this.#cancelHold = () => {
        cancelTimer();
        resolve();
      };
    });
  }

  // ---- Clients behind the client ------------------------------------------------------------------------------------

  #becomeClient(attributes: ClientAttributes): void {
    const facts = this.#facts;
    const { address, port, family } = facts.peer;
    const given = attributes.get('ADDR');
    facts.peer = Object.freeze({
      address: given ?? address,
      port: Number(attributes.get('PORT') ?? (given === undefined ? port : 0)),
      family: given === undefined ? family : given.includes(':') ? 'IPv6' : 'IPv4',
    });
    facts.forwarded = attributes;
    this.#behind = attributes;
    const login = attributes.get('LOGIN');
    const identity: Identity | undefined =
      login === undefined ? undefined : { user: login, authorizationIdentity: undefined, mechanism: 'XCLIENT' };
    facts.identity = identity;
  }

  // ---- Messages -----------------------------------------------------------------------------------------------------

  #beginContent(): void {
    const { clock, messages } = this.#context;
    const { envelope } = this.#session;
    invariant(envelope !== undefined, 'A message has an envelope');
    const content = new ContentProgress(envelope, clock.now());
    this.#content = content;
    this.#contentReply = undefined;
    this.#receivedLines = NO_LINES;
    if (messages.kind !== 'stream') return;
    const body = new MessageBody(() => {
      this.#goOn();
    });
    const streaming = new StreamingMessage(body);
    this.#streaming = streaming;
    const decided = decide(() => messages.stream(new StreamedMessage(this.#messageInit(content), body)));
    // What `decide` gives never rejects.
    if (isThenable(decided)) {
      void decided.then((decision) => {
        streaming.decide(decision);
      });
    } else {
      streaming.decide(decided);
    }
  }

  #onContentEnd(event: Extract<SessionEvent, { kind: 'contentEnd' }>): boolean {
    const { facts, refused } = event;
    if (refused !== undefined) {
      this.#streaming?.body.fail(
        new MessageAbortedError('SMTPD_CONTENT_REFUSED', `The content was refused: ${refused.toString()}`),
      );
      this.#streaming = undefined;
      this.#tellMessage(facts);
      return true;
    }
    const decided = this.#askAboutMessage(facts);
    const finish = (): void => {
      this.#streaming = undefined;
      this.#receivedData = undefined;
      this.#tellMessage(facts);
    };
    if (isThenable(decided)) {
      this.#continueAfter(Promise.resolve(decided.then(finish)));
      return false;
    }
    finish();
    return true;
  }

  #askAboutMessage(facts: ContentFacts): Awaitable<void> {
    const streaming = this.#streaming;
    if (streaming !== undefined) {
      streaming.body.push(this.#session.takeContent());
      streaming.body.end();
      return this.#await(streaming.decision);
    }
    const content = this.#content;
    invariant(content !== undefined, 'Content that ended has begun');
    const octetsOfMessage = this.#session.takeContent();
    const data = this.#session.offer.facts.isDecoded ? octets.decodeUTF8(octetsOfMessage) : octetsOfMessage;
    if (data === undefined) {
      this.#carryOut(NOT_UTF8);
      return;
    }
    this.#receivedData = data;
    const message = new ReceivedMessage<Uint8Array | string>(this.#messageInit(content), data, facts);
    return this.#await(this.#decideMessage(message as ReceivedMessage<never>));
  }

  #decideMessage(message: ReceivedMessage<never>): Awaitable<Decision> {
    const { hooks, messages } = this.#context;
    const ofRecipients = this.#session.options.protocol === 'lmtp' ? eachRecipientVerdict : foldRecipientVerdicts;
    const understand = (value: unknown): Decision =>
      value instanceof Map ? ofRecipients(value, message.recipients) : judge(value);
    const take = messages.kind === 'whole' ? () => decide(() => messages.process(message), understand) : undefined;
    // The usual case: no hooks, one method.
    if (hooks.message.length === 0) return take?.() ?? NOBODY_TAKES;
    const asked = hooks.message.map(
      (hook) => () => decide(() => hook.message?.(this.#request(hook, { message })), understand),
    );
    return askInTurn(take === undefined ? asked : [...asked, take]);
  }

  #messageInit({ envelope, beganAt }: ContentProgress): MessageInit {
    return {
      id: `${this.info.id}.${String(this.#session.messageCount + 1)}`,
      envelope,
      session: this.info,
      receivedAt: beganAt,
      abortSource: this.#abortSource,
    };
  }

  /** Tells watchers of a message that has its final reply. When the client left before, there was none. */
  #tellMessage({ sizeBytes }: ContentFacts): void {
    const { watch } = this.#context;
    const content = this.#content;
    const reply = this.#contentReply;
    this.#content = undefined;
    if (content === undefined || reply === undefined || !watch.isWatched('message')) return;
    const { reversePath, recipients } = content.envelope;
    watch.tell('message', {
      session: this.info,
      mailFrom: reversePath.address,
      rcptTos: recipients.map(({ path }) => path.address),
      sizeBytes,
      reply,
    });
  }

  // ---- The end ------------------------------------------------------------------------------------------------------

  /** Sends what there is and closes our side. */
  #finish(reason: DisconnectReason): void {
    if (this.#isGone || this.#isEnding) return;
    this.#isEnding = true;
    // A limit that ended the session is the better reason.
    this.#tellExceeded();
    this.#reason ??= reason;
    this.#flush();
    this.#deadline.clear();
    if (this.#isReadingPaused) this.#transport.resume();
    this.#transport.end();
    this.#release(new MessageAbortedError('SMTPD_CLIENT_GONE', 'The session ended before the message was complete'));
  }

  /** The connection is gone. */
  #onGone(error: Error | undefined): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#session.abandon();
    this.#deadline.clear();
    this.#release(new MessageAbortedError('SMTPD_CLIENT_GONE', 'The client left before the message was complete'));
    const { watch } = this.#context;
    const reason = this.#reason ?? (error === undefined ? 'clientGone' : 'error');
    if (watch.isWatched('disconnect')) watch.tell('disconnect', { session: this.info, reason });
    this.#tellHooks('close');
    this.#context.onGone(this);
  }

  /** Whoever still works for this client is told that it is over. */
  #release(error: Error): void {
    this.#abortSource.abort(error);
    this.#streaming?.body.fail(error);
    this.#streaming = undefined;
    this.#lineWaiter?.reject(error);
    this.#lineWaiter = undefined;
    // Nothing is carried out any more; what waits for it goes on.
    this.#pending?.settleAll(OVERDUE);
    this.#receivedData = undefined;
    this.#cancelHold?.();
    this.#cancelHold = undefined;
  }

  /** A transaction was given up, maybe between two of its chunks. */
  #tellReset(): void {
    this.#streaming?.body.fail(
      new MessageAbortedError('SMTPD_TRANSACTION_RESET', 'The client gave the message up before it was complete'),
    );
    this.#streaming = undefined;
    this.#content = undefined;
    this.#tellHooks('reset');
  }

  /** A fault of this package ends this one session, and no other. */
  #failInternally(error: unknown): void {
    this.#reportFault(error);
    this.#reason ??= 'error';
    this.#session.closeWith(METHOD_FAILED);
    this.#finish('error');
  }

  // ---- Hooks' requests ----------------------------------------------------------------------------------------------

  #request<T extends object>(hook: AnyHook, facts: T): T & HookRequest<unknown> {
    const abortSource = this.#abortSource;
    const state = (): unknown => this.#stateOf(hook);
    return {
      ...facts,
      session: this.info,
      // A signal and a state are made only for whoever asks for one.
      get signal() {
        return abortSource.signal;
      },
      get state() {
        return state();
      },
    };
  }

  #stateOf(hook: AnyHook): unknown {
    this.#hookStates ??= new Map<AnyHook, unknown>();
    if (!this.#hookStates.has(hook)) this.#hookStates.set(hook, hook.createState?.(this.info));
    return this.#hookStates.get(hook);
  }

  /** Tells hooks what needs no verdict. What they throw is logged. */
  #tellHooks(stage: 'reset' | 'close'): void {
    for (const hook of this.#context.hooks[stage]) {
      const told = decide(
        () => hook[stage]?.(this.#request(hook, {})),
        () => PASS,
      );
      const report = (decision: Decision): void => {
        if (decision.kind === 'fault') this.#logFault(decision.error, `Hook ${hook.name} failed at ${stage}`);
      };
      if (isThenable(told)) void told.then(report);
      else report(told);
    }
  }

  /** @returns what the client may know of it */
  #reportFault(error: unknown): Reply {
    return replies.incidentReply(this.#logFault(error, 'The application failed; the client is told 451'));
  }

  /** @returns the incident's number */
  #logFault(error: unknown, message: string): string {
    const { logger, watch } = this.#context;
    const incident = randomBytes(4).toString('hex');
    logger.error({ incident, session: this.info.id, error }, message);
    if (watch.isWatched('fault')) watch.tell('fault', { error, session: this.info, incident });
    return incident;
  }

  #tellViolations(): void {
    const violations = this.#session.takeViolations();
    const { watch } = this.#context;
    if (violations.length === 0 || !watch.isWatched('violation')) return;
    for (const violation of violations) watch.tell('violation', { violation, session: this.info });
  }

  #tellExceeded(): void {
    const { watch } = this.#context;
    const exceeded = this.#session.takeExceeded();
    if (exceeded.length > 0 && this.#session.phase === 'closed') this.#reason ??= 'limit';
    for (const limit of exceeded) {
      if (watch.isWatched('limit')) watch.tell('limit', { limit, peer: this.peer, session: this.info });
    }
  }
}

/** Whom a channel waits for. */
type ChannelWait = Wait | 'reader' | 'unreadReplies';

interface LineWaiter {
  readonly resolve: (line: string) => void;
  readonly reject: (error: Error) => void;
}

function recipientFacts({ recipient: { path, parameters } }: RecipientQuestion) {
  return { address: path.address, path, parameters };
}

function channelBindingOf(tls: TLSFacts | undefined): ChannelBinding | undefined {
  return tls?.channelBinding === undefined ? undefined : { type: 'tls-exporter', data: tls.channelBinding };
}

/** An initial response may hold a password, which is for nobody who only watches. */
function withoutSecret(argument: string | undefined): string | undefined {
  return argument?.replace(/ .*$/s, ' ***');
}

function isIntermediate({ code }: Reply): boolean {
  return code >= 300 && code <= 399;
}

function clientGone(): MessageAbortedError {
  return new MessageAbortedError('SMTPD_CLIENT_GONE', 'The client has left');
}

function nextSessionId(): string {
  sessionCount += 1;
  return `${PROCESS_PREFIX}${sessionCount.toString(36)}`;
}

function ignore(): void {
  // Whoever awaits the promise hears of it.
}

let sessionCount = 0;
// Two processes that write into one log or store must not use one id for two sessions.
const PROCESS_PREFIX = randomBytes(5).toString('hex');
const PASS: Decision = Object.freeze({ kind: 'pass' });
const OVERDUE: Decision = Object.freeze({ kind: 'refuse', reply: replies.NO_ANSWER_FROM_APPLICATION });
const NOT_UTF8: Decision = Object.freeze({
  kind: 'refuse',
  reply: new Reply(554, '5.6.0', 'Error: message is not well-formed UTF-8'),
});
const NOBODY_TAKES: Decision = Object.freeze({
  kind: 'refuse',
  reply: new Reply(451, '4.3.5', 'Error: this server takes no messages yet'),
});
const NO_ANSWER_IN_TIME = new Reply(421, '4.3.0', 'Error: no answer in time, closing connection');
const METHOD_FAILED = new Reply(421, '4.3.0', 'Error: internal error, closing connection');
const WAIT_LIMITS = {
  command: 'commandWaitMs',
  content: 'contentWaitMs',
  verdict: 'verdictWaitMs',
  messageVerdict: 'messageVerdictWaitMs',
  reader: 'messageVerdictWaitMs',
  unreadReplies: 'unreadRepliesWaitMs',
  handshake: 'handshakeWaitMs',
} as const satisfies Record<Exclude<ChannelWait, 'nothing'>, keyof Limits>;
/** The time by which a failed authentication is held back grows up to this many times the first. */
const AUTH_DELAY_FACTOR_MAX = 8;
/** How long a client that is cut off has to read why. */
const CUT_OFF_MS = 100;
const NO_LINES: readonly string[] = Object.freeze([]);
// eslint-disable-next-line @typescript-eslint/unbound-method -- compared, never called
const BASE_RCPT = SMTPChannel.prototype.smtp_RCPT as CommandMethod;
const CONTINUED_LINE = /^\d{3}-/;
/** What a client may send ahead while the application decides; reading goes on below it, so that we notice when it leaves. */
const UNREAD_BYTES_MAX = 65_536;
