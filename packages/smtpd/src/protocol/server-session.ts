/**
 * The server's side of one SMTP session, pure: octets in, events and questions out, octets to send.
 *
 * It knows the order of commands, their syntax, the limits that can be counted, and every reply that needs no application.
 * It knows no socket, clock or application: `server/channel.ts` pulls it, hands its questions to the hooks and gives it
 * their answers. A command runs as check → ask → proceed: `mail()` and its sisters check and either refuse or open a
 * question; {@link ServerSession.accept} and {@link ServerSession.refuse} answer it. While anything is unanswered, `next()`
 * says `paused`: pipelining and backpressure come from that one rule. What passes in and out, as types: `session-events.ts`.
 */

import { ChunkDecoder } from './chunk-decoder.js';
import { parseChunkSize, type ChunkSize } from './chunk-size.js';
import { parseClientName, type ClientName } from './client-name.js';
import { parseCommand, type Command } from './command.js';
import {
  COMMAND_RULES,
  isStandardVerb,
  syntaxOf,
  type Phase,
  type PhaseRule,
  type StandardVerb,
} from './command-rules.js';
import { parseClientAttributes, type ClientAttributes } from './client-attributes.js';
import { ContentBuffer } from './content-buffer.js';
import { DataDecoder, type ContentFault } from './data-decoder.js';
import { assertNever, invariant, UsageError } from './errors.js';
import { IN_CLEAR, type Offer, type ParameterDefinition, type Situation } from './extension.js';
import { Input } from './input.js';
import type { Limits } from './limits.js';
import { LineDecoder, type Line } from './line-decoder.js';
import { asciiUpperCase } from './grammar.js';
import { octets, utf8FromLatin1 } from './octets.js';
import { parseParameters, type Parameter } from './parameters.js';
import { matchPathKeyword, parseMailbox, parsePath, type Path } from './path.js';
import { Reply } from './reply.js';
import { ReplyQueue } from './reply-encoder.js';
import { decodeBase64 } from './sasl/base64.js';
import {
  assertStep,
  chunkBegun,
  chunkTaken,
  clientNamed,
  clientOf,
  contentBegun,
  envelopeOf,
  greetingSent,
  isCommandPhase,
  recipientAccepted,
  securingBegun,
  senderAccepted,
  sessionClosed,
  sessionReopened,
  transactionEnded,
  type ClientIdentity,
  type Envelope,
  type Recipient,
  type SessionState,
} from './session-state.js';
import type {
  AuthStart,
  ContentFacts,
  Question,
  RecipientQuestion,
  SessionEvent,
  SessionOptions,
  Violation,
  Wait,
} from './session-events.js';
import * as replies from './standard-replies.js';

/**
 * One session.
 *
 * @example
 * ```ts
 * const question = session.open();
 * session.accept();
 * session.receive(bytes);
 * for (let event = session.next(); event.kind === 'command'; event = session.next()) {
 *   if (session.perform(event) !== undefined) session.accept();
 * }
 * socket.write(session.takeOutput());
 * ```
 */
export class ServerSession {
  readonly #options: SessionOptions;
  readonly #input = new Input();
  readonly #lines: LineDecoder;
  readonly #replies = new ReplyQueue();
  readonly #content = new ContentBuffer();
  /** Open questions and replies that wait behind them, oldest first. More than one only for a batch of recipients. */
  readonly #questions: (Question | Reply)[] = [];
  #state: SessionState = { phase: 'opening' };
  #situation: Situation;
  #offer: Offer;
  /** What the client was told at its last EHLO; AUTH changes what is offered without one. */
  #toldOffer: Offer;
  /** Octets of a refused chunk that are still to come, and what is answered then (RFC 3030 §2). */
  #refusedChunk: RefusedChunk | undefined;
  /** Commands that were handed out and have no final reply yet. */
  #unanswered = 0;
  #isReadingLine = false;
  /** Whether the command under way has asked the client for a line. */
  #hasChallenged = false;
  /** A line that was decoded while looking for more recipients and is none. */
  #heldLine: Line | undefined;
  #errors = 0;
  #refusals = 0;
  #idleCommands = 0;
  #messages = 0;
  #receivedBytes = 0;
  #authFailures = 0;
  /** Whether an octet of the client's was looked at, and whether a whole line was. */
  #hasBegun = false;
  #hasSpoken = false;
  #isGreeted = false;
  /** What commands hear in a session that was refused. */
  #refusal = replies.SESSION_REFUSED;
  #exceeded: (keyof Limits)[] = [];
  #violations: Violation[] = [];

  /** @param situation - how the session begins */
  constructor(options: SessionOptions, situation: Situation = IN_CLEAR) {
    this.#options = options;
    this.#situation = situation;
    this.#offer = options.offerIn(situation);
    this.#toldOffer = this.#offer;
    const { limits } = options;
    const commandMax = limits.commandLengthBytesMax + this.#offer.lineBytesMax;
    this.#lines = new LineDecoder({
      lineLengthBytesMax: Math.max(commandMax, limits.continuationLengthBytesMax),
      discardedBytesMax: limits.discardedLineBytesMax,
    });
  }

  // ---- What is known ------------------------------------------------------------------------------------------------

  get phase(): Phase {
    return this.#state.phase;
  }

  get client(): ClientIdentity | undefined {
    return clientOf(this.#state);
  }

  get envelope(): Envelope | undefined {
    return envelopeOf(this.#state);
  }

  get isExtended(): boolean {
    return this.client?.isExtended ?? false;
  }

  get options(): SessionOptions {
    return this.#options;
  }

  /** What is offered now. */
  get offer(): Offer {
    return this.#offer;
  }

  /** What has changed since the session began: TLS, AUTH. */
  get situation(): Situation {
    return this.#situation;
  }

  /** Whether the client's octets are no commands: content, a chunk that was refused, a handshake. */
  get isTakingOctets(): boolean {
    return this.isReceivingContent || this.#refusedChunk !== undefined || this.#state.phase === 'securing';
  }

  /** Whether the content of a message is on its way. */
  get isReceivingContent(): boolean {
    const { phase } = this.#state;
    return phase === 'content' || phase === 'chunk';
  }

  /** How many messages were taken. */
  get messageCount(): number {
    return this.#messages;
  }

  /** Octets of replies that were not taken yet. */
  get outputBytes(): number {
    return this.#replies.lengthBytes;
  }

  /** Octets that were received and not used. */
  get unreadBytes(): number {
    return this.#input.length;
  }

  /** Whether nothing is under way between the client and us: no command, no transaction, no octets of one. */
  get isIdle(): boolean {
    const { phase } = this.#state;
    return (
      (phase === 'start' || phase === 'ready' || phase === 'refused') &&
      this.#unanswered === 0 &&
      this.#heldLine === undefined &&
      this.#input.length === 0
    );
  }

  /** Whether a command, a message or our greeting has no final reply yet. */
  get isUnanswered(): boolean {
    return this.#unanswered > 0;
  }

  /** Whom we wait for now (RFC 5321 §4.5.3.2). */
  get wait(): Wait {
    if (this.#state.phase === 'closed') return 'nothing';
    if (this.#isReadingLine) return 'command';
    if (this.#state.phase === 'securing') return 'handshake';
    if (this.#refusedChunk !== undefined) return 'content';
    const question = this.#questions[0];
    if (question !== undefined)
      return !(question instanceof Reply) && question.kind === 'message' ? 'messageVerdict' : 'verdict';
    if (this.isReceivingContent) return 'content';
    return this.#unanswered > 0 ? 'verdict' : 'command';
  }

  /** How long that may take, in ms. `Infinity`: for ever. */
  get deadline(): number {
    const { limits } = this.#options;
    const { wait } = this;
    switch (wait) {
      case 'command':
        return limits.commandWaitMs;
      case 'content':
        return limits.contentWaitMs;
      case 'verdict':
        return limits.verdictWaitMs;
      case 'messageVerdict':
        return limits.messageVerdictWaitMs;
      case 'handshake':
        return limits.handshakeWaitMs;
      case 'nothing':
        return Infinity;
      default:
        return assertNever(wait);
    }
  }

  /** The limits that were exceeded since the last call. */
  takeExceeded(): readonly (keyof Limits)[] {
    if (this.#exceeded.length === 0) return NOTHING_EXCEEDED;
    const exceeded = this.#exceeded;
    this.#exceeded = [];
    return exceeded;
  }

  /** What the client did since the last call that no client of SMTP does. */
  takeViolations(): readonly Violation[] {
    if (this.#violations.length === 0) return NO_VIOLATIONS;
    const violations = this.#violations;
    this.#violations = [];
    return violations;
  }

  // ---- Octets in and out --------------------------------------------------------------------------------------------

  /** Begins the session: may this client come in? */
  open(): Question {
    invariant(this.#state.phase === 'opening' && this.#questions.length === 0, 'A session opens once');
    this.#unanswered = 1;
    this.#isGreeted = true;
    return this.#ask({ kind: 'connect' });
  }

  /** Takes octets of the client. Nothing is parsed. The octets are borrowed until {@link settle} or until they were used. */
  receive(bytes: Uint8Array): void {
    const { phase } = this.#state;
    if (phase === 'closed') return;
    this.#receivedBytes += bytes.length;
    if (this.#receivedBytes > this.#options.limits.sessionBytesMax) {
      this.#closeForLimit('sessionBytesMax', replies.TOO_MANY_BYTES);
      return;
    }
    if (phase === 'opening') this.#note('inputBeforeGreeting');
    this.#input.append(bytes);
  }

  /** Copies what was received and not used, so that its buffer may be written over. */
  settle(): void {
    this.#input.settle();
  }

  /** What the session has to say: octets for the client, or `undefined` for none. The octets must not be changed. */
  takeOutput(): Uint8Array | undefined {
    return this.#replies.take();
  }

  /** The content that has come since the last call. */
  takeContent(): Uint8Array {
    return this.#content.take();
  }

  /** Looks for the next thing in what was received. */
  next(): SessionEvent {
    for (;;) {
      const state = this.#state;
      if (state.phase === 'closed') return CLOSED;
      if (this.#questions.length > 0) return PAUSED;
      if (state.phase === 'content') return this.#nextContent(state.decoder);
      if (state.phase === 'chunk') {
        const event = this.#nextChunk(state);
        if (event !== undefined) return event;
        continue;
      }
      if (this.#refusedChunk !== undefined) {
        const event = this.#dropChunk(this.#refusedChunk);
        if (event !== undefined) return event;
        continue;
      }
      if (this.#isReadingLine) {
        const continuation = this.#nextContinuation();
        if (continuation !== undefined) return continuation;
        continue;
      }
      if (this.#unanswered > 0 || state.phase === 'opening' || state.phase === 'securing') return PAUSED;
      if (!this.#hasBegun && this.#input.length > 0) {
        this.#hasBegun = true;
        if (this.#isClientHello()) return CLOSED;
      }
      const line = this.#nextLine();
      if (line === undefined) return NEED_DATA;
      const command = this.#commandOf(line);
      if (command !== undefined) return command;
    }
  }

  // ---- Commands: check, then refuse or ask --------------------------------------------------------------------------

  /** Runs a command of the table; `undefined` when it is answered already, else the question that is open now. */
  perform(command: Command): Question | undefined {
    const { verb, argument } = command;
    if (!isStandardVerb(verb)) {
      this.unrecognized(verb);
      return undefined;
    }
    switch (verb) {
      case 'EHLO':
      case 'HELO':
      case 'LHLO':
        return this.greet(verb, argument);
      case 'STARTTLS':
        this.startTLS(argument);
        return undefined;
      case 'AUTH':
        // Without somebody who knows the mechanisms there is none.
        if (this.auth(argument) !== undefined) this.respond(replies.MECHANISM_UNKNOWN);
        return undefined;
      case 'MAIL':
        return this.mail(argument);
      case 'RCPT':
        return this.rcpt(argument);
      case 'DATA':
        return this.data(argument);
      case 'BDAT':
        return this.bdat(argument);
      case 'RSET':
        this.rset(argument);
        return undefined;
      case 'NOOP':
        this.noop();
        return undefined;
      case 'QUIT':
        this.quit();
        return undefined;
      case 'VRFY':
        return this.vrfy(argument);
      case 'EXPN':
        return this.expn(argument);
      case 'HELP':
        this.help(argument);
        return undefined;
      case 'ETRN':
        return this.etrn(argument);
      case 'XCLIENT':
        return this.xclient(argument) === undefined ? undefined : this.reopen({ isAuthenticated: false });
      case 'XFORWARD':
        this.xforward(argument);
        return undefined;
      default:
        return assertNever(verb);
    }
  }

  /** HELO and EHLO (RFC 5321 §4.1.1.1), and LHLO (RFC 2033 §4.1). */
  greet(verb: 'HELO' | 'EHLO' | 'LHLO', argument: string | undefined): Question | undefined {
    if (!this.#mayRun(verb, argument)) return undefined;
    const name: ClientName | undefined = parseClientName(argument ?? '');
    if (name === undefined) {
      this.#refuseError(this.#syntaxReply(verb));
      return undefined;
    }
    return this.#ask({ kind: 'helo', verb, client: { name, isExtended: verb !== 'HELO' } });
  }

  /** MAIL (RFC 5321 §4.1.1.2). */
  mail(argument: string | undefined): Question | undefined {
    if (!this.#mayRun('MAIL', argument)) return undefined;
    if (this.#messages >= this.#options.limits.messagesMax) {
      this.#closeForLimit('messagesMax', replies.TOO_MANY_MESSAGES);
      return undefined;
    }
    const checked = this.#checkSender(argument);
    if (!(checked instanceof Reply)) return this.#ask(checked);
    this.#refuseChecked(checked);
    return undefined;
  }

  /** RCPT (RFC 5321 §4.1.1.3). */
  rcpt(argument: string | undefined): RecipientQuestion | undefined {
    if (!this.#isCommandOpen()) return undefined;
    const checked = this.#checkRecipient(argument);
    if (!(checked instanceof Reply)) return this.#ask({ kind: 'rcpt', recipient: checked });
    this.#refuseChecked(checked);
    return undefined;
  }

  /**
   * RCPT, together with those that came behind it in the same group. They are answered in order; the open questions among them
   * are returned and must be answered in that order.
   *
   * @param onFollowing - told of the argument of each of those behind the first
   */
  rcptBatch(
    argument: string | undefined,
    onFollowing?: (argument: string | undefined) => void,
  ): readonly RecipientQuestion[] {
    if (!this.#isCommandOpen()) return [];
    const questions: RecipientQuestion[] = [];
    const following = this.#takePipelinedRecipients();
    if (onFollowing !== undefined) following.forEach(onFollowing);
    for (const each of [argument, ...following]) {
      const checked = this.#checkRecipient(each);
      if (checked instanceof Reply) {
        this.#questions.push(checked);
      } else {
        questions.push(this.#ask({ kind: 'rcpt', recipient: checked }));
      }
    }
    this.#answerWaitingReplies();
    // The refusals in front may have been one too many.
    return this.#questions.length === 0 ? [] : questions;
  }

  /** DATA (RFC 5321 §4.1.1.4). */
  data(argument: string | undefined): Question | undefined {
    if (!this.#mayRun('DATA', argument)) return undefined;
    // RFC 3030 §3: binary content has no lines, and so no dot that ends it.
    if (isBinary(this.#transaction())) {
      this.#refuseError(replies.BINARY_NEEDS_BDAT);
      return undefined;
    }
    return this.#ask({ kind: 'data', chunk: undefined });
  }

  /**
   * BDAT (RFC 3030 §2). The octets behind a chunk that is refused are taken all the same: otherwise they would be read as commands.
   */
  bdat(argument: string | undefined): Question | undefined {
    if (!this.#isCommandOpen()) return undefined;
    if (!this.#isAvailable('BDAT')) {
      this.#refuseUnavailable('BDAT');
      return undefined;
    }
    if (argument === undefined || argument === '') {
      // Nothing follows, and it is refused in any case: for where it comes, or for what is missing.
      this.#mayRun('BDAT', argument);
      return undefined;
    }
    const chunk = parseChunkSize(argument);
    if (chunk === undefined) {
      this.closeWith(replies.CHUNK_SIZE_UNREADABLE);
      return undefined;
    }
    const objection = this.#objection('BDAT', argument) ?? (chunk.isWellFormed ? undefined : this.#syntaxReply('BDAT'));
    const state = this.#state;
    if (objection !== undefined) this.#refuseChunk(chunk, objection);
    else if (state.phase === 'chunks') this.#beginChunk(state, state.decoder, chunk);
    else return this.#ask({ kind: 'data', chunk });
    return undefined;
  }

  /** STARTTLS (RFC 3207 §4). @returns whether the handshake is to begin now, behind the reply */
  startTLS(argument: string | undefined): boolean {
    if (this.#situation.isSecured && this.#isCommandOpen()) {
      this.#refuseError(replies.TLS_ACTIVE);
      return false;
    }
    if (!this.#mayRun('STARTTLS', argument)) return false;
    if (this.#input.length > 0) {
      this.#note('inputBehindSTARTTLS');
      if (this.#options.earlyInput === 'refuse') {
        this.closeWith(replies.OUT_OF_STEP);
        return false;
      }
    }
    this.#answer(replies.READY_FOR_TLS);
    // RFC 3207 §4.2: what came in clear, an attacker may have put there.
    this.#input.clear();
    this.#enter(securingBegun());
    return true;
  }

  /** TLS comes before the greeting (RFC 8314 §3.3). */
  secureFirst(): void {
    this.#enter(securingBegun());
  }

  /**
   * The handshake is done: the session is as new, and nothing that was said before counts (RFC 3207 §4.2).
   *
   * @param handshake - `hasChannelBinding`: whether an authentication can be bound to it; `objection`: why it is not enough, for a client
   * that was greeted before: it hears so to every command but QUIT (RFC 3207 §4.1)
   */
  secured({ hasChannelBinding = false, objection }: HandshakeOutcome = {}): void {
    if (this.#state.phase === 'closed') return;
    this.#input.clear();
    this.#change({ isSecured: true, hasChannelBinding, isAuthenticated: false });
    if (!this.#isGreeted) {
      this.#enter(sessionReopened());
    } else if (objection === undefined) {
      // RFC 3207 §4.2: there is no second greeting.
      this.#enter(greetingSent());
    } else {
      this.#refusal = objection;
      this.#enter({ phase: 'refused' });
    }
  }

  /**
   * AUTH (RFC 4954 §4).
   *
   * @returns what the client wants; the exchange is the caller's, and ends with {@link authenticated} or {@link authFailed}.
   * `undefined` when it was refused here.
   */
  auth(argument: string | undefined): AuthStart | undefined {
    if (!this.#isCommandOpen()) return undefined;
    if (this.#situation.isAuthenticated) {
      this.#refuseError(replies.AUTHENTICATED_ALREADY);
      return undefined;
    }
    if (!this.#mayRun('AUTH', argument)) return undefined;
    const match = AUTH_ARGUMENT.exec(argument ?? '');
    if (match === null) {
      this.#refuseError(this.#syntaxReply('AUTH'));
      return undefined;
    }
    const mechanism = asciiUpperCase(match[1] ?? '');
    const { authMechanisms, authMechanismsOnTLS } = this.#offer.facts;
    if (!authMechanisms.includes(mechanism)) {
      const isForTLS = authMechanismsOnTLS.includes(mechanism);
      this.#countRefusal(isForTLS ? replies.MECHANISM_NEEDS_TLS : replies.MECHANISM_UNKNOWN);
      return undefined;
    }
    const given = match[2];
    if (given === undefined) return { mechanism, initialResponse: undefined };
    // RFC 4954 §4: `=` is an initial response of no octets.
    const initialResponse = given === '=' ? NO_OCTETS : decodeBase64(given);
    if (initialResponse !== undefined) return { mechanism, initialResponse };
    this.#refuseError(replies.AUTH_MALFORMED);
    return undefined;
  }

  /** The client has proved who it is. */
  authenticated(reply: Reply = replies.AUTHENTICATED): void {
    if (!this.#isCommandOpen()) return;
    // RFC 4954 §4: commands may follow an AUTH that needs no challenge. They are as protected as AUTH was, so none is dropped.
    if (this.#input.length > 0 && this.#hasChallenged) this.#note('inputBehindAUTH');
    this.#authFailures = 0;
    this.#change({ isAuthenticated: true });
    this.#answer(reply);
  }

  /** The client has not proved who it is. */
  authFailed(reply: Reply = replies.CREDENTIALS_INVALID): void {
    if (!this.#isCommandOpen()) return;
    this.#authFailures += 1;
    if (this.#authFailures >= this.#options.limits.authFailuresMax)
      this.#closeForLimit('authFailuresMax', replies.TOO_MANY_AUTH_FAILURES);
    else this.#answer(reply);
  }

  /** RSET (RFC 5321 §4.1.1.5). @returns whether it was done */
  rset(argument: string | undefined): boolean {
    if (!this.#mayRun('RSET', argument)) return false;
    this.#content.clear();
    this.#enter(transactionEnded(this.#state));
    this.#answer(replies.OK);
    return true;
  }

  /** NOOP (RFC 5321 §4.1.1.9: the argument is ignored). */
  noop(): void {
    if (this.#mayRun('NOOP', undefined)) this.#answer(replies.OK);
  }

  /** QUIT (RFC 5321 §4.1.1.10). What came behind it is dropped. */
  quit(): void {
    if (!this.#mayRun('QUIT', undefined)) return;
    this.#answer(replies.BYE);
    this.#close();
  }

  /** VRFY (RFC 5321 §3.5.3: 252 where the server does not verify). */
  vrfy(argument: string | undefined): Question | undefined {
    if (!this.#mayRun('VRFY', argument)) return undefined;
    let text = argument ?? '';
    // RFC 6531 §3.7.4.2: VRFY takes SMTPUTF8 as its only parameter.
    const isUTF8 = this.#offer.facts.isSMTPUTF8Enabled && UTF8_PARAMETER.test(text);
    if (isUTF8) text = text.replace(UTF8_PARAMETER, '');
    if (isVerifiable(text, isUTF8)) return this.#ask({ kind: 'vrfy', text });
    this.#refuseError(this.#syntaxReply('VRFY'));
    return undefined;
  }

  /** EXPN (RFC 5321 §3.5.2: 502 where it is not implemented). */
  expn(argument: string | undefined): Question | undefined {
    if (!this.#mayRun('EXPN', argument)) return undefined;
    const text = argument ?? '';
    if (!CONTROL.test(text)) return this.#ask({ kind: 'expn', text });
    this.#refuseError(this.#syntaxReply('EXPN'));
    return undefined;
  }

  /** ETRN (RFC 1985 §5). */
  etrn(argument: string | undefined): Question | undefined {
    if (!this.#mayRun('ETRN', argument)) return undefined;
    const text = argument ?? '';
    if (ETRN_NODE.test(text)) return this.#ask({ kind: 'etrn', text });
    this.#refuseError(this.#syntaxReply('ETRN'));
    return undefined;
  }

  /**
   * XCLIENT: somebody in front of us says who stands behind it.
   *
   * @returns what it said; the caller makes it count and then calls {@link reopen}. `undefined` when it was refused here.
   */
  xclient(argument: string | undefined): ClientAttributes | undefined {
    return this.#attributes('XCLIENT', argument);
  }

  /** The client is another one from now on, and hears a greeting of its own. */
  reopen({ isAuthenticated }: { readonly isAuthenticated: boolean }): Question {
    this.#content.clear();
    this.#hasBegun = false;
    this.#hasSpoken = false;
    this.#change({ isAuthenticated });
    this.#enter(sessionReopened());
    return this.#ask({ kind: 'connect' });
  }

  /** XFORWARD: somebody in front of us says whom the next message came from. @returns what it said; answered already */
  xforward(argument: string | undefined): ClientAttributes | undefined {
    const attributes = this.#attributes('XFORWARD', argument);
    if (attributes !== undefined) this.#answer(replies.OK);
    return attributes;
  }

  #attributes(verb: 'XCLIENT' | 'XFORWARD', argument: string | undefined): ClientAttributes | undefined {
    if (!this.#mayRun(verb, argument)) return undefined;
    const attributes = parseClientAttributes(verb, argument ?? '');
    if (attributes === undefined) this.#refuseError(this.#syntaxReply(verb));
    return attributes;
  }

  /** HELP (RFC 5321 §4.1.1.8, §4.3.2: 214, or 504 for what there is no help about). */
  help(argument: string | undefined): void {
    if (!this.#mayRun('HELP', argument)) return;
    const { verbs } = this.#offer;
    const isListed = (verb: string): boolean =>
      isStandardVerb(verb) && COMMAND_RULES[verb].isListed && this.#isAvailable(verb);
    const listed = Object.keys(COMMAND_RULES).filter(isListed);
    const all = `Supported commands: ${[...listed, ...verbs.keys()].join(' ')}`;
    if (argument === undefined || argument === '') {
      this.#answer(new Reply(214, '2.0.0', all));
      return;
    }
    const topic = parseCommand(argument).verb;
    const syntax =
      verbs.get(topic)?.syntax ??
      (isStandardVerb(topic) && isListed(topic) ? syntaxOf(topic, this.isExtended) : undefined);
    if (syntax === undefined) this.#refuseError(new Reply(504, '5.5.4', all));
    else this.#answer(new Reply(214, '2.0.0', `Syntax: ${syntax}`));
  }

  /** A verb that nobody knows. */
  unrecognized(verb: string): void {
    if (this.#isCommandOpen()) this.#refuseError(replies.unrecognizedReply(verb));
  }

  // ---- Answers ------------------------------------------------------------------------------------------------------

  /**
   * Answers the oldest open question with yes, with a reply of the application or the usual one.
   *
   * @throws {@link UsageError} `SMTPD_BAD_REPLY` when the reply says anything else than yes
   */
  accept(reply?: Reply): void {
    if (this.#state.phase === 'closed') return;
    if (reply !== undefined && !reply.isPositive) {
      throw new UsageError('SMTPD_BAD_REPLY', `${String(reply.code)} does not accept; give a 2yz reply, or refuse()`);
    }
    const question = this.#takeQuestion();
    this.#proceed(question, reply);
    this.#answerWaitingReplies();
  }

  /**
   * Answers the oldest open question with no.
   *
   * @throws {@link UsageError} `SMTPD_BAD_REPLY` when the reply says anything else than no
   */
  refuse(reply: Reply): void {
    if (this.#state.phase === 'closed') return;
    if (!reply.isTransient && !reply.isPermanent) {
      throw new UsageError(
        'SMTPD_BAD_REPLY',
        `${String(reply.code)} does not refuse; give a 4yz or 5yz reply, or accept()`,
      );
    }
    const question = this.#takeQuestion();
    if (question.kind === 'message') {
      this.#refuseMessage(reply);
    } else if (question.kind === 'data' && question.chunk !== undefined) {
      this.#refuseChunk(question.chunk, reply);
    } else if (question.kind === 'connect') {
      this.#answer(reply);
      // RFC 5321 §3.1: after 554 the client is waited for; 421 closed the session already.
      this.#enterOpen({ phase: 'refused' });
    } else if (question.kind === 'rcpt' && this.#isFull(this.#transaction())) {
      this.#refuseSurplusRecipient();
    } else {
      this.#countRefusal(reply);
    }
    this.#answerWaitingReplies();
  }

  /**
   * Answers the question about a message with one reply for each of its recipients, in order (RFC 2033 §4.2).
   *
   * @throws {@link UsageError} `SMTPD_BAD_REPLY` when the number of replies is not that of the recipients
   */
  answerEach(each: readonly Reply[]): void {
    if (this.#state.phase === 'closed') return;
    if (each.length !== this.#transaction().recipients.length)
      throw new UsageError('SMTPD_BAD_REPLY', 'There is one reply for each recipient of a message');
    const question = this.#takeQuestion();
    invariant(question.kind === 'message', 'Only a message is answered for each recipient');
    if (each.some(({ isPositive }) => isPositive)) {
      this.#countMessage();
      this.#endMessage(each);
    } else {
      this.#refuseMessage(each);
    }
    this.#answerWaitingReplies();
  }

  /**
   * Answers the command under way without a question: a verb of a user's, or a refusal before the check.
   *
   * @throws {@link UsageError} `SMTPD_ONE_REPLY` when nothing is unanswered, `SMTPD_BAD_REPLY` for a 3yz reply: it is not final
   */
  respond(reply: Reply): void {
    if (!this.#isCommandOpen()) return;
    if (reply.code >= 300 && reply.code < 400) {
      throw new UsageError(
        'SMTPD_BAD_REPLY',
        `${String(reply.code)} asks for more and answers nothing (RFC 5321 §4.2.1); ask with readLine(), then give a final reply`,
      );
    }
    if (reply.isPositive) this.#answer(reply);
    else this.#countRefusal(reply);
  }

  /**
   * Sends an intermediate reply (3yz) and reads the client's next line as its answer, not as a command. When the command gets its
   * final reply first, the line is dropped: the client sends it all the same.
   *
   * @throws {@link UsageError} `SMTPD_ONE_REPLY` when no command is unanswered, or another challenge is
   */
  challenge(reply: Reply): void {
    if (!this.#isCommandOpen()) return;
    if (this.#isReadingLine) {
      throw new UsageError(
        'SMTPD_ONE_REPLY',
        'The line that was asked for has not come; await readLine() before the next',
      );
    }
    this.#send(reply);
    this.#isReadingLine = true;
    this.#hasChallenged = true;
  }

  /** Ends the session with this reply, whatever is under way (RFC 5321 §3.8: 421). */
  closeWith(reply: Reply): void {
    if (this.#state.phase === 'closed') return;
    // Whoever is told of the reply may end the session, too: it has ended already.
    this.#close();
    this.#send(reply);
  }

  /** Ends the session without a word: the client is gone. */
  abandon(): void {
    this.#close();
  }

  /** Notes that a limit which only the caller can see was exceeded. */
  noteExceeded(limit: keyof Limits): void {
    this.#exceeded.push(limit);
  }

  // ---- Reading ------------------------------------------------------------------------------------------------------

  #nextLine(): Line | undefined {
    const held = this.#heldLine;
    if (held === undefined) return this.#lines.decode(this.#input);
    this.#heldLine = undefined;
    return held;
  }

  /** The command of a line, or `undefined` when the line was answered here. */
  #commandOf(line: Line): SessionEvent | undefined {
    this.#unanswered = 1;
    this.#hasChallenged = false;
    if (line.flaw === 'endless') {
      this.#closeForLimit('discardedLineBytesMax', replies.ENDLESS_LINE);
      return CLOSED;
    }
    if (line.flaw === 'tooLong' && !this.#hasSpoken) {
      // Nobody knows what it said, so it may have been HTTP: a path can be that long, and what follows it would be read as commands.
      this.#closeForLimit('commandLengthBytesMax', replies.NOT_SMTP);
      return CLOSED;
    }
    const { verb, argument } = parseCommand(line.text);
    if (this.#isHTTP(line, verb)) return CLOSED;
    this.#hasSpoken = true;
    const objection = this.#lineObjection(line, verb);
    if (objection !== undefined) {
      if (verb === 'BDAT') this.#refuseChunkLine(line, argument, objection);
      else this.#refuseError(objection);
      return undefined;
    }
    if (this.#input.length > 0 && !this.#mayPipeline(verb)) return CLOSED;
    if (!isStandardVerb(verb) || !COMMAND_RULES[verb].movesMail) {
      this.#idleCommands += 1;
      if (this.#idleCommands > this.#options.limits.idleCommandsMax) {
        this.#closeForLimit('idleCommandsMax', replies.TOO_MANY_IDLE_COMMANDS);
        return CLOSED;
      }
    }
    return { kind: 'command', verb, argument };
  }

  /** What is wrong with a line whatever its command would say to it. */
  #lineObjection(line: Line, verb: string): Reply | undefined {
    const lengthMax = this.#options.limits.commandLengthBytesMax + this.#extraLineBytes(verb);
    if (line.flaw === 'tooLong' || (line.flaw === undefined && line.lengthBytes > lengthMax)) {
      this.#exceeded.push('commandLengthBytesMax');
      return verb === 'AUTH' ? replies.AUTH_LINE_TOO_LONG : replies.LINE_TOO_LONG;
    }
    // RFC 5321 §2.3.8: CR and LF only as CRLF. The line is dropped whole.
    if (line.flaw !== undefined) return replies.BARE_LINE_END;
    if (line.text === '') return replies.EMPTY_LINE;
    // Here and not with the commands' own checks, so that it holds for verbs of users as well.
    if (this.#state.phase === 'refused' && verb !== 'QUIT') return this.#refusal;
    return isStandardVerb(verb) ? undefined : this.#protectionObjection(undefined);
  }

  /** What is missing before mail is taken: TLS (RFC 3207 §4), or AUTH (RFC 4954 §6). */
  #protectionObjection(verb: StandardVerb | undefined): Reply | undefined {
    const { isTLSRequired, isAUTHRequired } = this.#options;
    if (!isTLSRequired && !isAUTHRequired) return undefined;
    const rule = verb === undefined ? undefined : COMMAND_RULES[verb];
    const { isSecured, isAuthenticated } = this.#situation;
    if (isTLSRequired && !isSecured && rule?.mayComeBeforeTLS !== true) return replies.TLS_FIRST;
    if (isAUTHRequired && !isAuthenticated && rule?.mayComeBeforeAUTH !== true) return replies.AUTH_FIRST;
    return undefined;
  }

  /** More came behind this command. @returns whether the session goes on */
  #mayPipeline(verb: string): boolean {
    // STARTTLS says so itself, because what came behind it is dropped; for AUTH it depends on the mechanism.
    if (verb === 'STARTTLS' || verb === 'AUTH') return true;
    const isSynchronizing = SYNCHRONIZING_VERBS.has(verb);
    // A chunk follows its command at once.
    if (!isSynchronizing && (verb === 'BDAT' || (this.isExtended && this.#offer.isPipeliningOffered))) return true;
    this.#note(isSynchronizing ? 'inputBehindCommand' : 'pipeliningNotOffered');
    if (this.#options.earlyInput === 'tolerate') return true;
    this.closeWith(replies.OUT_OF_STEP);
    return false;
  }

  /** A browser, or somebody who makes one talk to us: each header line would be a command. */
  #isHTTP(line: Line, verb: string): boolean {
    if (!HTTP_METHODS.has(verb) || this.#offer.verbs.has(verb)) return false;
    if (this.#hasSpoken && !HTTP_VERSION.test(line.text)) return false;
    this.#note('http');
    this.closeWith(replies.NOT_SMTP);
    return true;
  }

  /** A client that speaks TLS where it should speak SMTP sends no line end for a long time. */
  #isClientHello(): boolean {
    const { bytes, start } = this.#input;
    if (bytes[start] !== TLS_HANDSHAKE_RECORD) return false;
    this.#note('unexpectedTLS');
    this.closeWith(replies.NOT_SMTP);
    return true;
  }

  /** RFC 5321 §4.1.1.2: extensions lengthen the lines of a client that knows of them. */
  #extraLineBytes(verb: string): number {
    if (!this.isExtended) return 0;
    return Math.max(this.#offer.lineBytes.get(verb) ?? 0, this.#toldOffer.lineBytes.get(verb) ?? 0);
  }

  /** The line that was asked for, or `undefined` when nobody waits for it any more. */
  #nextContinuation(): SessionEvent | undefined {
    const line = this.#nextLine();
    if (line === undefined) return NEED_DATA;
    this.#isReadingLine = false;
    if (line.flaw === 'endless') {
      this.#closeForLimit('discardedLineBytesMax', replies.ENDLESS_LINE);
      return CLOSED;
    }
    const isTooLong = line.lengthBytes > this.#options.limits.continuationLengthBytesMax;
    if (isTooLong) this.#exceeded.push('continuationLengthBytesMax');
    if (this.#unanswered === 0) return undefined;
    return { kind: 'line', text: isTooLong ? '' : line.text, isTooLong };
  }

  #nextContent(decoder: DataDecoder): SessionEvent {
    const isComplete = decoder.decode(this.#input, this.#content);
    if (!isComplete) return this.#hasNewContent() ? CONTENT : NEED_DATA;
    return this.#endContent(decoder);
  }

  /** The content is complete: it is refused for its form, or the application is asked. */
  #endContent(decoder: DataDecoder | ChunkDecoder): SessionEvent {
    const facts = contentFacts(decoder);
    const refused = this.#contentObjection(facts);
    if (refused === undefined) this.#questions.push({ kind: 'message', facts });
    else this.#refuseMessage(refused);
    return { kind: 'contentEnd', facts, refused };
  }

  #contentObjection({ fault, longestLineBytes }: ContentFacts): Reply | undefined {
    if (fault !== undefined) return CONTENT_FAULT_REPLIES[fault];
    if (longestLineBytes <= this.#options.limits.contentLineBytesMax) return undefined;
    this.#exceeded.push('contentLineBytesMax');
    return replies.CONTENT_LINE_TOO_LONG;
  }

  #hasNewContent(): boolean {
    return this.#options.isStreaming && this.#content.length > 0;
  }

  // ---- Chunks (RFC 3030 §2) -----------------------------------------------------------------------------------------

  #nextChunk(state: Extract<SessionState, { phase: 'chunk' }>): SessionEvent | undefined {
    const { decoder, isLast } = state;
    const isComplete = decoder.decode(this.#input, this.#content);
    if (!isComplete) return this.#hasNewContent() ? CONTENT : NEED_DATA;
    if (isLast) {
      decoder.finish(this.#content);
      return this.#endContent(decoder);
    }
    if (decoder.fault !== undefined) {
      // The message has failed. Chunks that follow find no transaction, and are dropped.
      const refused = CONTENT_FAULT_REPLIES[decoder.fault];
      this.#countRefusedMessage([refused]);
      return { kind: 'contentEnd', facts: contentFacts(decoder), refused };
    }
    this.#enter(chunkTaken(state));
    this.#answer(new Reply(250, '2.0.0', `${String(decoder.chunkBytes)} octets received`));
    return this.#hasNewContent() ? CONTENT : undefined;
  }

  #beginChunk(
    state: Extract<SessionState, { phase: 'recipients' | 'chunks' }>,
    decoder: ChunkDecoder,
    { sizeBytes, isLast }: ChunkSize,
  ): void {
    decoder.begin(sizeBytes);
    this.#enter(chunkBegun(state, decoder, isLast));
  }

  /** Whatever is wrong with the line, octets follow it that are no commands. */
  #refuseChunkLine({ flaw }: Line, argument: string | undefined, objection: Reply): void {
    const isSizeMissing = argument === undefined || argument === '';
    if (!this.#isAvailable('BDAT') || (isSizeMissing && flaw === undefined)) {
      this.#refuseError(objection);
      return;
    }
    const chunk = flaw === undefined ? parseChunkSize(argument ?? '') : undefined;
    if (chunk === undefined) this.closeWith(replies.CHUNK_SIZE_UNREADABLE);
    else this.#refuseChunk(chunk, objection);
  }

  #refuseChunk({ sizeBytes }: ChunkSize, reply: Reply): void {
    this.#refusedChunk = { remainingBytes: sizeBytes, reply };
  }

  /**
   * Takes the octets of a chunk that was refused, and answers it. RFC 3030 §2: the transaction has failed, and chunks that the client
   * sent ahead must not be taken for a message.
   */
  #dropChunk(chunk: RefusedChunk): SessionEvent | undefined {
    const count = Math.min(this.#input.length, chunk.remainingBytes);
    this.#input.take(count);
    chunk.remainingBytes -= count;
    if (chunk.remainingBytes > 0) return NEED_DATA;
    this.#refusedChunk = undefined;
    this.#refuseChecked(chunk.reply);
    const state = this.#state;
    if (state.phase !== 'recipients' && state.phase !== 'chunks') return undefined;
    this.#content.clear();
    this.#enter(transactionEnded(state));
    // Who streams what came before must not wait for more.
    return state.phase === 'chunks'
      ? { kind: 'contentEnd', facts: contentFacts(state.decoder), refused: chunk.reply }
      : undefined;
  }

  /** The arguments of the RCPT commands that came whole behind the one under way. */
  #takePipelinedRecipients(): (string | undefined)[] {
    const found: (string | undefined)[] = [];
    for (let line = this.#nextLine(); line !== undefined; line = this.#nextLine()) {
      const command = line.flaw === undefined ? parseCommand(line.text) : undefined;
      const isFitting = line.lengthBytes <= this.#options.limits.commandLengthBytesMax + this.#extraLineBytes('RCPT');
      if (command?.verb !== 'RCPT' || !isFitting) {
        this.#heldLine = line;
        break;
      }
      this.#unanswered += 1;
      found.push(command.argument);
    }
    return found;
  }

  // ---- Checking -----------------------------------------------------------------------------------------------------

  /** Whether the command may come now and has an argument where it needs one; if not, it is refused here. */
  #mayRun(verb: StandardVerb, argument: string | undefined): boolean {
    if (!this.#isCommandOpen()) return false;
    if (!this.#isAvailable(verb)) {
      this.#refuseUnavailable(verb);
      return false;
    }
    const reply = this.#objection(verb, argument);
    if (reply !== undefined) this.#refuseError(reply);
    return reply === undefined;
  }

  /** Whether the command is there at all in this session, as it stands. */
  #isAvailable(verb: StandardVerb): boolean {
    const { belongsTo } = COMMAND_RULES[verb];
    if (belongsTo === 'core') return true;
    return belongsTo === 'extension' ? this.#offer.commands.has(verb) : belongsTo === this.#options.protocol;
  }

  /** RFC 3207 §4: before TLS, where it is required, what is not offered yet hears the same as the rest. */
  #refuseUnavailable(verb: StandardVerb): void {
    const missing = this.#protectionObjection(undefined);
    if (missing === undefined) this.unrecognized(verb);
    else this.#refuseError(missing);
  }

  /**
   * Whether a command waits for its reply; not when the session is over, where nothing needs to be said.
   *
   * @throws {@link UsageError} `SMTPD_ONE_REPLY` when what comes now would answer another command, or a message
   */
  #isCommandOpen(): boolean {
    const { phase } = this.#state;
    if (phase === 'closed') return false;
    const isOpen = this.#unanswered > 0 && this.#questions.length === 0 && this.#refusedChunk === undefined;
    if (isOpen && isCommandPhase(phase)) return true;
    throw new UsageError(
      'SMTPD_ONE_REPLY',
      'A command gets one final reply (RFC 5321 §4.2), and this one has it already or is being decided; remove one of the replies',
    );
  }

  #objection(verb: StandardVerb, argument: string | undefined): Reply | undefined {
    const { phase } = this.#state;
    invariant(isCommandPhase(phase), `${verb} cannot run in the phase ${phase}`);
    const rule = COMMAND_RULES[verb];
    const protection = this.#protectionObjection(verb);
    if (protection !== undefined) return protection;
    const inPhase: PhaseRule = rule.in[phase];
    if ('outOfSequence' in inPhase) return inPhase.outOfSequence;
    const isThere = argument !== undefined && argument !== '';
    const isWrong = rule.argument === 'required' ? !isThere : rule.argument === 'forbidden' && isThere;
    return isWrong ? this.#syntaxReply(verb) : undefined;
  }

  #checkSender(argument: string | undefined): Extract<Question, { kind: 'mail' }> | Reply {
    const parsed = this.#parsePathAndParameters('MAIL', argument ?? '', this.#offer.mailParameters);
    if (parsed instanceof Reply) return parsed;
    const { path: reversePath, parameters } = parsed;
    if (reversePath.isInternationalized && !hasParameter(parameters, 'SMTPUTF8')) return replies.NEED_SMTPUTF8;
    return { kind: 'mail', reversePath, parameters };
  }

  #checkRecipient(argument: string | undefined): Recipient | Reply {
    const objection = this.#objection('RCPT', argument);
    if (objection !== undefined) return objection;
    const parsed = this.#parsePathAndParameters('RCPT', argument ?? '', this.#offer.rcptParameters);
    if (parsed instanceof Reply) return parsed;
    const envelope = this.#transaction();
    if (parsed.path.isInternationalized && !envelope.isInternational) return replies.NEED_SMTPUTF8;
    if (this.#isFull(envelope)) {
      this.#exceeded.push('recipientsMax');
      return replies.TOO_MANY_RECIPIENTS;
    }
    return parsed;
  }

  #parsePathAndParameters(
    verb: 'MAIL' | 'RCPT',
    argument: string,
    declared: ReadonlyMap<string, ParameterDefinition>,
  ): { readonly path: Path; readonly parameters: readonly Parameter[] } | Reply {
    const isSender = verb === 'MAIL';
    const text = matchPathKeyword(argument, isSender ? 'FROM' : 'TO');
    if (text === undefined) return this.#syntaxReply(verb);
    const result = parsePath(text, {
      syntax: this.#options.pathSyntax,
      allowNull: isSender,
      allowPostmaster: !isSender,
    });
    if (!result.ok) return result.fault === 'charset' ? replies.BAD_CHARSET : this.#syntaxReply(verb);
    // RFC 5321 §4.1.1.11: parameters belong to EHLO; a client that said HELO cannot know any.
    if (!this.isExtended && result.rest.trim() !== '') return this.#syntaxReply(verb);
    const parsed = parseParameters(result.rest);
    if (!parsed.ok) {
      if (parsed.fault === 'repeated') return replies.PARAMETER_REPEATED;
      return parsed.fault === 'charset' ? replies.BAD_CHARSET : this.#syntaxReply(verb);
    }
    if (parsed.parameters.length === 0) return { path: result.path, parameters: parsed.parameters };
    const parameters: Parameter[] = [];
    for (const { keyword, value } of parsed.parameters) {
      const definition = declared.get(keyword);
      if (definition === undefined) continue;
      const judged = definition.parse(value, this.#offer.facts);
      if (judged instanceof Reply) return judged;
      parameters.push({ keyword, value: judged.value });
    }
    // A wrong value of a known parameter says more than an unknown one, so it is told first.
    if (parameters.length < parsed.parameters.length) {
      return isSender ? replies.MAIL_PARAMETERS_UNKNOWN : replies.RCPT_PARAMETERS_UNKNOWN;
    }
    const offer = this.#offer;
    for (const judge of isSender ? offer.mailJudges : offer.rcptJudges) {
      const objection = judge(parameters, offer.facts);
      if (objection !== undefined) return objection;
    }
    return { path: result.path, parameters };
  }

  #syntaxReply(verb: StandardVerb): Reply {
    return replies.syntaxReply(syntaxOf(verb, this.isExtended));
  }

  // ---- Asking and proceeding ----------------------------------------------------------------------------------------

  #ask<Q extends Question>(question: Q): Q {
    this.#questions.push(question);
    return question;
  }

  #takeQuestion(): Question {
    const question = this.#questions.shift();
    invariant(question !== undefined && !(question instanceof Reply), 'There is no open question to answer');
    return question;
  }

  /** Sends the refusals of a batch that stand before its next open question. */
  #answerWaitingReplies(): void {
    for (let waiting = this.#questions[0]; waiting instanceof Reply; waiting = this.#questions[0]) {
      this.#questions.shift();
      this.#refuseChecked(waiting);
    }
  }

  /** The step that a command takes once nobody objects. */
  #proceed(question: Question, reply: Reply | undefined): void {
    const state = this.#state;
    switch (question.kind) {
      case 'connect':
        // RFC 5321 §4.3.1: a client waits for the greeting. What came before it was noted when it came.
        if (this.#input.length > 0 && this.#options.earlyInput === 'refuse') {
          this.closeWith(replies.OUT_OF_STEP);
          return;
        }
        this.#enter(greetingSent());
        this.#answer(this.#greetingReply(220, reply?.lines ?? [this.#options.greeting]));
        return;
      case 'helo':
        this.#content.clear();
        this.#toldOffer = this.#offer;
        this.#enter(clientNamed(question.client));
        this.#answer(this.#greetingReply(250, [...(reply?.lines ?? ['']), ...this.#keywordLines()]));
        return;
      case 'mail': {
        invariant(state.phase === 'ready', 'MAIL proceeds from ready');
        const { reversePath, parameters } = question;
        this.#content.expect(Number(parameters.find(({ keyword }) => keyword === 'SIZE')?.value ?? 0));
        const isInternational = hasParameter(parameters, 'SMTPUTF8');
        this.#enter(senderAccepted(state, { reversePath, parameters, isInternational }));
        this.#answer(reply ?? replies.SENDER_OK);
        return;
      }
      case 'rcpt':
        invariant(state.phase === 'sender' || state.phase === 'recipients', 'RCPT proceeds in a transaction');
        if (this.#isFull(state.envelope)) {
          this.#refuseSurplusRecipient();
          return;
        }
        this.#enter(recipientAccepted(state, question.recipient));
        this.#answer(reply ?? replies.RECIPIENT_OK);
        return;
      case 'data': {
        invariant(state.phase === 'recipients', 'DATA proceeds with recipients');
        const { lineEndings } = this.#options;
        const sizeLimitBytes = this.#offer.facts.sizeLimitBytes ?? Infinity;
        if (question.chunk !== undefined) {
          const binary = isBinary(state.envelope);
          this.#beginChunk(state, new ChunkDecoder({ lineEndings, sizeLimitBytes, binary }), question.chunk);
          return;
        }
        this.#enter(contentBegun(state, new DataDecoder({ lineEndings, sizeLimitBytes })));
        // 354 is intermediate: the command's final reply is the one after the content.
        this.#send(replies.START_MAIL_INPUT);
        return;
      }
      case 'message':
        this.#countMessage();
        this.#endMessage(this.#forEachRecipient(reply ?? replies.OK));
        return;
      case 'vrfy':
        this.#answer(reply ?? replies.CANNOT_VERIFY);
        return;
      case 'expn':
        this.#answer(reply ?? replies.EXPN_NOT_IMPLEMENTED);
        return;
      case 'etrn':
        this.#answer(reply ?? replies.ETRN_NOT_DONE);
        return;
      default:
        assertNever(question);
    }
  }

  /**
   * RFC 5321 §4.1.1.1: the first line names the server; after EHLO the others name the extensions.
   * The greeting begins like it (§4.3.1). Whatever the application chose for its yes, the code is the one that a client understands
   * here, without an enhanced code (RFC 2034).
   */
  #greetingReply(code: 220 | 250, [first = '', ...others]: readonly string[]): Reply {
    const { hostname } = this.#options;
    const isNamed = first === hostname || first.startsWith(`${hostname} `);
    return new Reply(code, undefined, [isNamed ? first : `${hostname} ${first}`.trimEnd(), ...others]);
  }

  #keywordLines(): readonly string[] {
    return this.isExtended ? this.#offer.keywordLines : [];
  }

  /** The message has its final reply; the transaction is over whatever it was (RFC 5321 §4.1.1.4). */
  #endMessage(each: readonly Reply[]): void {
    this.#content.clear();
    for (const reply of each.slice(0, -1)) this.#send(reply);
    const last = each.at(-1);
    invariant(last !== undefined, 'A message has a recipient, and a reply');
    this.#answer(last);
    // RFC 5321 §3.8: 421 closes, also when it was the answer for one of several recipients.
    if (each.some(({ code }) => code === 421)) this.#close();
    if (this.#state.phase !== 'closed') this.#enter(transactionEnded(this.#state));
  }

  #countMessage(): void {
    this.#messages += 1;
    this.#errors = 0;
    this.#refusals = 0;
    this.#idleCommands = 0;
  }

  /** @param refusal - for all, or one for each recipient */
  #refuseMessage(refusal: Reply | readonly Reply[]): void {
    this.#countRefusedMessage(refusal instanceof Reply ? this.#forEachRecipient(refusal) : refusal);
  }

  #countRefusedMessage(each: readonly Reply[]): void {
    this.#refusals += 1;
    if (this.#refusals > this.#options.limits.refusalsMax)
      this.#closeForLimit('refusalsMax', replies.TOO_MANY_REFUSALS);
    else this.#endMessage(each);
  }

  /** RFC 2033 §4.2: LMTP has a reply for each recipient that was accepted, SMTP has one for all. */
  #forEachRecipient(reply: Reply): readonly Reply[] {
    if (this.#options.protocol === 'smtp') return [reply];
    return this.#transaction().recipients.map(() => reply);
  }

  #isFull(envelope: Envelope): boolean {
    return envelope.recipients.length >= this.#options.limits.recipientsMax;
  }

  /**
   * A batch is checked before its first recipients are accepted. One that came alone would have met the bound before the application
   * was asked, so whatever the application said about it is not told.
   */
  #refuseSurplusRecipient(): void {
    this.#exceeded.push('recipientsMax');
    this.#answer(replies.TOO_MANY_RECIPIENTS);
  }

  #transaction(): Envelope {
    const envelope = envelopeOf(this.#state);
    invariant(envelope !== undefined, 'A transaction is open');
    return envelope;
  }

  // ---- Replies ------------------------------------------------------------------------------------------------------

  /** The final reply to the oldest unanswered command. */
  #answer(reply: Reply): void {
    invariant(this.#unanswered > 0, 'Every final reply answers a command');
    this.#unanswered -= 1;
    this.#send(reply);
    // RFC 5321 §4.2.2, §3.8: with 421 the server closes the channel.
    if (reply.code === 421) this.#close();
  }

  #send(reply: Reply): void {
    this.#replies.add(reply, this.#isUTF8());
    this.#options.onReply?.(reply);
  }

  /** Refuses a command that was not well formed, unknown or out of sequence. */
  #refuseError(reply: Reply): void {
    this.#errors += 1;
    if (this.#errors > this.#options.limits.errorsMax) this.#closeForLimit('errorsMax', replies.TOO_MANY_ERRORS);
    else this.#answer(reply);
  }

  /** Refuses a command by what its check found: an error of the client's, or a bound that an honest client may meet. */
  #refuseChecked(reply: Reply): void {
    // RFC 5321 §4.5.3.1.10: the client sends the rest in another message, and may have sent many ahead. Closing here would cost it
    // the recipients that were accepted. What is refused this way is neither held nor told anything about an address.
    if (reply === replies.TOO_MANY_RECIPIENTS) this.#answer(reply);
    else if (isErrorReply(reply)) this.#refuseError(reply);
    else this.#countRefusal(reply);
  }

  /** Refuses a command because the application or a policy says so. */
  #countRefusal(reply: Reply): void {
    this.#refusals += 1;
    if (this.#refusals > this.#options.limits.refusalsMax)
      this.#closeForLimit('refusalsMax', replies.TOO_MANY_REFUSALS);
    else this.#answer(reply);
  }

  #note(violation: Violation): void {
    this.#violations.push(violation);
  }

  #change(changed: Partial<Situation>): void {
    this.#situation = { ...this.#situation, ...changed };
    this.#offer = this.#options.offerIn(this.#situation);
  }

  #closeForLimit(limit: keyof Limits, reply: Reply): void {
    this.#exceeded.push(limit);
    this.closeWith(reply);
  }

  /** RFC 6531 §3.7.4: UTF-8 may be sent in a transaction that was opened with SMTPUTF8. */
  #isUTF8(): boolean {
    return envelopeOf(this.#state)?.isInternational ?? false;
  }

  // ---- State --------------------------------------------------------------------------------------------------------

  /** The one place where the state changes. */
  #enter(next: SessionState): void {
    assertStep(this.#state.phase, next.phase);
    this.#state = next;
  }

  /** Enters a state unless the reply that led there was 421. */
  #enterOpen(next: SessionState): void {
    if (this.#state.phase !== 'closed') this.#enter(next);
  }

  #close(): void {
    this.#enter(sessionClosed(this.#state));
    this.#unanswered = 0;
    this.#questions.length = 0;
    this.#isReadingLine = false;
    this.#heldLine = undefined;
    this.#refusedChunk = undefined;
    this.#input.clear();
    this.#content.clear();
  }
}

/** What is to be known of a handshake. */
interface HandshakeOutcome {
  readonly hasChannelBinding?: boolean;
  readonly objection?: Reply | undefined;
}

interface RefusedChunk {
  remainingBytes: number;
  readonly reply: Reply;
}

function contentFacts(decoder: DataDecoder | ChunkDecoder): ContentFacts {
  return {
    sizeBytes: decoder.sizeBytes,
    bareCRCount: decoder.bareCRCount,
    bareLFCount: decoder.bareLFCount,
    longestLineBytes: decoder.longestLineBytes,
    fault: decoder.fault,
  };
}

function isBinary({ parameters }: Envelope): boolean {
  return parameters.some(({ keyword, value }) => keyword === 'BODY' && value === 'BINARYMIME');
}

/** RFC 5321 §4.2.1: x0z is about syntax; 555 (§4.2.2) is a parameter that nobody knows, and 530 comes too early. */
function isErrorReply({ code }: Reply): boolean {
  return code === 555 || code === 530 || Math.floor(code / 10) % 10 === 0;
}

function hasParameter(parameters: readonly Parameter[], keyword: string): boolean {
  return parameters.some((parameter) => parameter.keyword === keyword);
}

/** RFC 5321 §4.1.1.6: a user name, or a mailbox with or without brackets. */
function isVerifiable(text: string, isUTF8: boolean): boolean {
  const decoded = utf8FromLatin1(text);
  if (decoded === undefined || CONTROL_OR_EMPTY.test(decoded) || (!isUTF8 && NON_ASCII.test(decoded))) return false;
  if (text.startsWith('<')) {
    const result = parsePath(text, { syntax: 'lenient', allowNull: false, allowPostmaster: true });
    return result.ok && result.rest === '';
  }
  return !text.includes('@') || parseMailbox(text) !== undefined;
}

const NEED_DATA = Object.freeze({ kind: 'needData' });
const PAUSED = Object.freeze({ kind: 'paused' });
const CONTENT = Object.freeze({ kind: 'content' });
const CLOSED = Object.freeze({ kind: 'closed' });
const NOTHING_EXCEEDED: readonly (keyof Limits)[] = Object.freeze([]);
const NO_VIOLATIONS: readonly Violation[] = Object.freeze([]);
const NO_OCTETS = octets.allocate(0);
/** Commands whose reply decides what may come next, so that nothing may come before it (RFC 2920 §3.1). */
const SYNCHRONIZING_VERBS: ReadonlySet<string> = new Set(['EHLO', 'HELO', 'LHLO', 'DATA', 'XCLIENT']);
const HTTP_METHODS: ReadonlySet<string> = new Set('GET HEAD POST PUT DELETE CONNECT OPTIONS TRACE PATCH'.split(' '));
const HTTP_VERSION = / HTTP\/\d(?:\.\d)?$/;
/** The first octet of a ClientHello (RFC 8446 §5.1). */
const TLS_HANDSHAKE_RECORD = 0x16;
// RFC 4954 §4 and RFC 4422 §3.1: a mechanism has up to 20 letters, digits, hyphens and low lines.
const AUTH_ARGUMENT = /^([A-Za-z0-9_-]{1,20})(?: +(\S+))?$/;
// RFC 1985 §5, §5.3: a domain, maybe with an option character before it.
const ETRN_NODE = /^[@#]?[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?$|^\[[!-Z^-~]+\]$/;
const CONTENT_FAULT_REPLIES: Readonly<Record<ContentFault, Reply>> = Object.freeze({
  tooLarge: replies.TOO_MUCH_DATA,
  bareLineEnd: replies.BARE_LINE_END_IN_CONTENT,
});
const UTF8_PARAMETER = / +SMTPUTF8$/i;
// eslint-disable-next-line no-control-regex -- control characters are what is looked for
const CONTROL = /[\u0000-\u001f\u007f]/;
// eslint-disable-next-line no-control-regex -- control characters are what is looked for
const CONTROL_OR_EMPTY = /^(?:"")?$|[\u0000-\u001f\u007f]/;
// eslint-disable-next-line no-control-regex -- the whole of US-ASCII is meant
const NON_ASCII = /[^\u0000-\u007f]/;
