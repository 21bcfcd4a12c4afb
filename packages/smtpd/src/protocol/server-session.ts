/**
 * The server's side of one SMTP session, pure: octets in, events and questions out, octets to send.
 *
 * It knows the order of commands, their syntax, the limits that can be counted, and every reply that needs no application.
 * It knows no socket, clock or application: `server/conversation.ts` pulls it, hands its questions to the hooks and gives it
 * their answers. A command runs as check → ask → proceed: `mail()` and its sisters check and either refuse or open a
 * question; {@link ServerSession.accept} and {@link ServerSession.refuse} answer it. While anything is unanswered, `next()`
 * says `paused`: pipelining and backpressure come from that one rule.
 *
 * Its parts share a `Dialogue` (`dialogue.ts`: state, what is open, replies, counts) and each is a file: `command-reader.ts` makes commands
 * of octets, `command-gate.ts` says which may run, `command-arguments.ts` what they say, `message-reception.ts` takes content,
 * `situation-changes.ts` has TLS, AUTH and XCLIENT, `answers.ts` the steps that a question's answer takes. What passes in and out, as types, stands in `session-events.ts`.
 */

import { Answers } from './answers.js';
import type { ClientAttributes } from './client-attributes.js';
import { parseClientName } from './client-name.js';
import { parseChunkSize } from './chunk-size.js';
import {
  isBinary,
  parseETRNNode,
  parseExpanded,
  parseRecipient,
  parseSender,
  parseVerified,
  syntaxReplyOf,
} from './command-arguments.js';
import { CommandGate } from './command-gate.js';
import { CommandReader } from './command-reader.js';
import { COMMAND_RULES, isStandardVerb, syntaxOf, type Phase } from './command-rules.js';
import { parseCommand, type Command } from './command.js';
import { Dialogue, type DialogueHost } from './dialogue.js';
import { assertNever, invariant, UsageError } from './errors.js';
import { IN_CLEAR, type Offer, type OfferNarrowing, type Situation } from './extension.js';
import { Input } from './input.js';
import type { Limits } from './limits.js';
import { MessageReception } from './message-reception.js';
import { Reply } from './reply.js';
import {
  CLOSED,
  PAUSED,
  type AuthStart,
  type HandshakeOutcome,
  type Question,
  type RecipientQuestion,
  type SessionEvent,
  type SessionOptions,
  type SessionWatcher,
  type Violation,
  type Wait,
} from './session-events.js';
import { transactionEnded, type ClientIdentity, type Envelope, type Recipient } from './session-state.js';
import { SituationChanges } from './situation-changes.js';
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
export class ServerSession implements DialogueHost {
  readonly #dialogue: Dialogue;
  readonly #input = new Input();
  readonly #reception: MessageReception;
  readonly #gate: CommandGate;
  readonly #reader: CommandReader;
  /** Made for the few sessions whose situation changes. */
  #situationChanges: SituationChanges | undefined;
  readonly #answers: Answers;

  /**
   * @param situation - how the session begins
   * @param watcher - told of each reply
   */
  constructor(options: SessionOptions, situation: Situation = IN_CLEAR, watcher?: SessionWatcher) {
    const dialogue = new Dialogue({ options, situation, watcher, host: this });
    const input = this.#input;
    const reception = new MessageReception(dialogue, input);
    const gate = new CommandGate(dialogue, reception);
    const reader = new CommandReader({ dialogue, input, gate, reception });
    this.#dialogue = dialogue;
    this.#reception = reception;
    this.#gate = gate;
    this.#reader = reader;
    this.#answers = new Answers(dialogue, input, reception);
  }

  get #changes(): SituationChanges {
    return (this.#situationChanges ??= new SituationChanges({
      dialogue: this.#dialogue,
      input: this.#input,
      gate: this.#gate,
      reception: this.#reception,
      reader: this.#reader,
    }));
  }

  /** @internal The session is over. */
  letGo(): void {
    this.#reader.end();
    this.#reception.end();
  }

  // ---- What is known ------------------------------------------------------------------------------------------------

  get phase(): Phase {
    return this.#dialogue.phase;
  }

  get client(): ClientIdentity | undefined {
    return this.#dialogue.client;
  }

  get envelope(): Envelope | undefined {
    return this.#dialogue.envelope;
  }

  get isExtended(): boolean {
    return this.#dialogue.isExtended;
  }

  get options(): SessionOptions {
    return this.#dialogue.options;
  }

  /** What is offered now. */
  get offer(): Offer {
    return this.#dialogue.offer;
  }

  /** What has changed since the session began: TLS, AUTH. */
  get situation(): Situation {
    return this.#dialogue.situation;
  }

  /** Whether the client's octets are no commands: content, a chunk that was refused, a handshake. */
  get isTakingOctets(): boolean {
    return this.isReceivingContent || this.#reception.isDroppingChunk || this.#dialogue.phase === 'securing';
  }

  /** Whether the content of a message is on its way. */
  get isReceivingContent(): boolean {
    const { phase } = this.#dialogue;
    return phase === 'content' || phase === 'chunk';
  }

  /** How many messages were taken. */
  get messageCount(): number {
    return this.#dialogue.counts.messages;
  }

  /** Octets of replies that were not taken yet. */
  get outputBytes(): number {
    return this.#dialogue.replies.lengthBytes;
  }

  /** Octets that were received and not used. */
  get unreadBytes(): number {
    return this.#input.length;
  }

  /** Whether nothing is under way between the client and us: no command, no transaction, no octets of one. */
  get isIdle(): boolean {
    const { phase } = this.#dialogue;
    return (
      (phase === 'start' || phase === 'ready' || phase === 'refused') &&
      this.#dialogue.unanswered === 0 &&
      this.#reader.isEmpty
    );
  }

  /** Whether a command, a message or our greeting has no final reply yet. */
  get isUnanswered(): boolean {
    return this.#dialogue.unanswered > 0;
  }

  /** Whom we wait for now (RFC 5321 §4.5.3.2). */
  get wait(): Wait {
    if (this.#dialogue.phase === 'closed') return 'nothing';
    if (this.#dialogue.isReadingLine) return 'command';
    if (this.#dialogue.phase === 'securing') return 'handshake';
    if (this.#reception.isDroppingChunk) return 'content';
    const question = this.#dialogue.oldestQuestion;
    if (question !== undefined)
      return !(question instanceof Reply) && question.kind === 'message' ? 'messageVerdict' : 'verdict';
    if (this.isReceivingContent) return 'content';
    return this.#dialogue.unanswered > 0 ? 'verdict' : 'command';
  }

  /** How long that may take, in ms. `Infinity`: for ever. */
  get deadline(): number {
    const { limits } = this.#dialogue.options;
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

  /** Whether it was a limit that ended the session; others may have been met before, and answered. */
  get isOverForLimit(): boolean {
    return this.#dialogue.isOverForLimit;
  }

  /** Whether {@link takeExceeded} has something. */
  get hasExceeded(): boolean {
    return this.#dialogue.counts.hasExceeded;
  }

  /** Whether {@link takeViolations} has something. */
  get hasViolations(): boolean {
    return this.#dialogue.counts.hasViolations;
  }

  /** The limits that were exceeded since the last call. */
  takeExceeded(): readonly (keyof Limits)[] {
    return this.#dialogue.counts.takeExceeded();
  }

  /** What the client did since the last call that no client of SMTP does. */
  takeViolations(): readonly Violation[] {
    return this.#dialogue.counts.takeViolations();
  }

  // ---- Octets in and out --------------------------------------------------------------------------------------------

  /** Begins the session: may this client come in? */
  open(): Question {
    invariant(this.#dialogue.phase === 'opening' && !this.#dialogue.isAsking, 'A session opens once');
    this.#dialogue.unanswered = 1;
    this.#dialogue.isGreeted = true;
    return this.#dialogue.ask({ kind: 'connect' });
  }

  /** Takes octets of the client. Nothing is parsed. The octets are borrowed until {@link settle} or until they were used. */
  receive(bytes: Uint8Array): void {
    const { phase } = this.#dialogue;
    if (phase === 'closed') return;
    if (this.#dialogue.counts.countReceived(bytes.length)) {
      this.#dialogue.closeForLimit('sessionBytesMax', replies.TOO_MANY_BYTES);
      return;
    }
    if (phase === 'opening') this.#dialogue.counts.noteViolation('inputBeforeGreeting');
    this.#input.append(bytes);
  }

  /** Copies what was received and not used, so that its buffer may be written over. */
  settle(): void {
    this.#input.settle();
  }

  /** What the session has to say: octets for the client, or `undefined` for none. The octets must not be changed. */
  takeOutput(): Uint8Array | undefined {
    return this.#dialogue.replies.take();
  }

  /** The content that has come since the last call. */
  takeContent(): Uint8Array {
    return this.#reception.takeContent();
  }

  /** Looks for the next thing in what was received. */
  next(): SessionEvent {
    for (;;) {
      const { phase } = this.#dialogue;
      if (phase === 'closed') return CLOSED;
      if (this.#dialogue.isAsking) return PAUSED;
      if (phase === 'content') return this.#reception.nextContent();
      if (phase === 'chunk') {
        const event = this.#reception.nextChunk();
        if (event !== undefined) return event;
        continue;
      }
      if (this.#reception.isDroppingChunk) {
        const event = this.#reception.dropChunk();
        if (event !== undefined) return event;
        continue;
      }
      if (this.#dialogue.isReadingLine) {
        const continuation = this.#reader.nextContinuation();
        if (continuation !== undefined) return continuation;
        continue;
      }
      if (this.#dialogue.unanswered > 0 || phase === 'opening' || phase === 'securing') return PAUSED;
      const command = this.#reader.nextCommand();
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
    if (!this.#gate.mayRun(COMMAND_RULES[verb], argument)) return undefined;
    const name = parseClientName(argument ?? '');
    if (name === undefined) {
      this.#dialogue.refuseError(syntaxReplyOf(verb, this.#dialogue));
      return undefined;
    }
    return this.#dialogue.ask({ kind: 'helo', verb, client: { name, isExtended: verb !== 'HELO' } });
  }

  /** From now on this client is offered less than others, or as much again. The next reply to EHLO tells it. */
  narrow(narrowing: OfferNarrowing | undefined): void {
    if (narrowing === this.#dialogue.situation.narrowing) return;
    this.#dialogue.change({ narrowing });
  }

  /** MAIL (RFC 5321 §4.1.1.2). */
  mail(argument: string | undefined): Question | undefined {
    if (!this.#gate.mayRun(COMMAND_RULES.MAIL, argument)) return undefined;
    if (this.#dialogue.counts.isOutOfMessages) {
      this.#dialogue.closeForLimit('messagesMax', replies.TOO_MANY_MESSAGES);
      return undefined;
    }
    const checked = parseSender(argument ?? '', this.#dialogue);
    if (!(checked instanceof Reply)) return this.#dialogue.ask(checked);
    this.#dialogue.refuseChecked(checked);
    return undefined;
  }

  /** RCPT (RFC 5321 §4.1.1.3). */
  rcpt(argument: string | undefined): RecipientQuestion | undefined {
    if (!this.#gate.isCommandOpen()) return undefined;
    const checked = this.#checkRecipient(argument);
    if (!(checked instanceof Reply)) return this.#dialogue.ask({ kind: 'rcpt', recipient: checked });
    this.#dialogue.refuseChecked(checked);
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
    if (!this.#gate.isCommandOpen()) return [];
    const questions: RecipientQuestion[] = [];
    const following = this.#reader.takePipelinedRecipients();
    if (onFollowing !== undefined) following.forEach(onFollowing);
    for (const each of [argument, ...following]) {
      const checked = this.#checkRecipient(each);
      if (checked instanceof Reply) {
        this.#dialogue.refuseInTurn(checked);
      } else {
        questions.push(this.#dialogue.ask({ kind: 'rcpt', recipient: checked }));
      }
    }
    this.#dialogue.answerWaitingReplies();
    // The refusals in front may have been one too many.
    return this.#dialogue.isAsking ? questions : [];
  }

  /**
   * RCPT, together with those that came whole behind it, where nobody is to be asked about them and nobody looks on: each is answered before
   * the next is read, as if it had come alone, without a question for each. Whatever is not accepted, or not the usual line, ends it, and
   * what follows comes as a command.
   *
   * @returns the last one that was taken behind the first
   */
  rcptUnasked(argument: string | undefined): Command | undefined {
    let following: Command | undefined;
    if (!this.#gate.isCommandOpen()) return following;
    const { unreadRepliesBytesMax } = this.#dialogue.options.limits;
    for (;;) {
      const checked = this.#checkRecipient(following === undefined ? argument : following.argument);
      if (checked instanceof Reply) {
        this.#dialogue.refuseChecked(checked);
        return following;
      }
      this.#answers.acceptRecipient(checked);
      if (this.outputBytes >= unreadRepliesBytesMax) return following;
      const next = this.#reader.nextRecipient();
      if (next?.kind !== 'command') return following;
      following = next;
    }
  }

  #checkRecipient(argument: string | undefined): Recipient | Reply {
    const objection = this.#gate.objection(COMMAND_RULES.RCPT, argument);
    if (objection !== undefined) return objection;
    const envelope = this.#dialogue.transaction;
    const parsed = parseRecipient(argument ?? '', envelope, this.#dialogue);
    if (parsed instanceof Reply || !this.#dialogue.isFull(envelope)) return parsed;
    this.#dialogue.counts.noteExceeded('recipientsMax');
    return replies.TOO_MANY_RECIPIENTS;
  }

  /** DATA (RFC 5321 §4.1.1.4). */
  data(argument: string | undefined): Question | undefined {
    if (!this.#gate.mayRun(COMMAND_RULES.DATA, argument)) return undefined;
    // RFC 3030 §3: binary content has no lines, and so no dot that ends it.
    if (isBinary(this.#dialogue.transaction)) {
      this.#dialogue.refuseError(replies.BINARY_NEEDS_BDAT);
      return undefined;
    }
    return this.#dialogue.ask({ kind: 'data', chunk: undefined });
  }

  /**
   * BDAT (RFC 3030 §2). The octets behind a chunk that is refused are taken all the same: otherwise they would be read as commands.
   */
  bdat(argument: string | undefined): Question | undefined {
    if (!this.#gate.isCommandOpen()) return undefined;
    if (!this.#gate.isAvailable(COMMAND_RULES.BDAT)) {
      this.#gate.refuseUnavailable(COMMAND_RULES.BDAT);
      return undefined;
    }
    if (argument === undefined || argument === '') {
      // Nothing follows, and it is refused in any case: for where it comes, or for what is missing.
      this.#gate.mayRun(COMMAND_RULES.BDAT, argument);
      return undefined;
    }
    const chunk = parseChunkSize(argument);
    if (chunk === undefined) {
      this.#dialogue.closeWith(replies.CHUNK_SIZE_UNREADABLE);
      return undefined;
    }
    const objection =
      this.#gate.objection(COMMAND_RULES.BDAT, argument) ??
      (chunk.isWellFormed ? undefined : syntaxReplyOf('BDAT', this.#dialogue));
    const state = this.#dialogue.state;
    if (objection !== undefined) this.#reception.refuseChunk(chunk, objection);
    else if (state.phase === 'chunks') this.#reception.beginChunk(state, state.decoder, chunk);
    else return this.#dialogue.ask({ kind: 'data', chunk });
    return undefined;
  }

  /** STARTTLS (RFC 3207 §4). @returns whether the handshake is to begin now, behind the reply */
  startTLS(argument: string | undefined): boolean {
    return this.#changes.startTLS(argument);
  }

  /** TLS comes before the greeting (RFC 8314 §3.3). */
  secureFirst(): void {
    this.#changes.secureFirst();
  }

  /** The handshake is done: the session is as new (RFC 3207 §4.2). */
  secured(handshake?: HandshakeOutcome): void {
    this.#changes.secured(handshake);
  }

  /**
   * AUTH (RFC 4954 §4).
   *
   * @returns what the client wants; the exchange is the caller's, and ends with {@link authenticated} or {@link authFailed}.
   * `undefined` when it was refused here.
   */
  auth(argument: string | undefined): AuthStart | undefined {
    return this.#changes.auth(argument);
  }

  /** The client has proved who it is. */
  authenticated(reply?: Reply): void {
    this.#changes.authenticated(reply);
  }

  /** The client has not proved who it is. */
  authFailed(reply?: Reply): void {
    this.#changes.authFailed(reply);
  }

  /** RSET (RFC 5321 §4.1.1.5). @returns whether it was done */
  rset(argument: string | undefined): boolean {
    if (!this.#gate.mayRun(COMMAND_RULES.RSET, argument)) return false;
    this.#reception.clear();
    this.#dialogue.enter(transactionEnded(this.#dialogue.state));
    this.#dialogue.answer(replies.OK);
    return true;
  }

  /** NOOP (RFC 5321 §4.1.1.9: the argument is ignored). */
  noop(): void {
    if (this.#gate.mayRun(COMMAND_RULES.NOOP, undefined)) this.#dialogue.answer(replies.OK);
  }

  /** QUIT (RFC 5321 §4.1.1.10). What came behind it is dropped. */
  quit(): void {
    if (!this.#gate.mayRun(COMMAND_RULES.QUIT, undefined)) return;
    this.#dialogue.answer(replies.BYE);
    this.#dialogue.close();
  }

  /** VRFY (RFC 5321 §3.5.3: 252 where the server does not verify). */
  vrfy(argument: string | undefined): Question | undefined {
    if (!this.#gate.mayRun(COMMAND_RULES.VRFY, argument)) return undefined;
    const text = parseVerified(argument ?? '', this.#dialogue);
    if (!(text instanceof Reply)) return this.#dialogue.ask({ kind: 'vrfy', text });
    this.#dialogue.refuseError(text);
    return undefined;
  }

  /** EXPN (RFC 5321 §3.5.2: 502 where it is not implemented). */
  expn(argument: string | undefined): Question | undefined {
    if (!this.#gate.mayRun(COMMAND_RULES.EXPN, argument)) return undefined;
    const text = parseExpanded(argument ?? '', this.#dialogue);
    if (!(text instanceof Reply)) return this.#dialogue.ask({ kind: 'expn', text });
    this.#dialogue.refuseError(text);
    return undefined;
  }

  /** ETRN (RFC 1985 §5). */
  etrn(argument: string | undefined): Question | undefined {
    if (!this.#gate.mayRun(COMMAND_RULES.ETRN, argument)) return undefined;
    const text = parseETRNNode(argument ?? '', this.#dialogue);
    if (!(text instanceof Reply)) return this.#dialogue.ask({ kind: 'etrn', text });
    this.#dialogue.refuseError(text);
    return undefined;
  }

  /**
   * XCLIENT: somebody in front of us says who stands behind it.
   *
   * @returns what it said; the caller makes it count and then calls {@link reopen}. `undefined` when it was refused here.
   */
  xclient(argument: string | undefined): ClientAttributes | undefined {
    return this.#changes.xclient(argument);
  }

  /** The client is another one from now on, and hears a greeting of its own. */
  reopen(client: { readonly isAuthenticated: boolean }): Question {
    return this.#changes.reopen(client);
  }

  /** XFORWARD: somebody in front of us says whom the next message came from. @returns what it said; answered already */
  xforward(argument: string | undefined): ClientAttributes | undefined {
    return this.#changes.xforward(argument);
  }

  /** HELP (RFC 5321 §4.1.1.8, §4.3.2: 214, or 504 for what there is no help about). */
  help(argument: string | undefined): void {
    if (!this.#gate.mayRun(COMMAND_RULES.HELP, argument)) return;
    const { verbs } = this.#dialogue.offer;
    const isListed = (verb: string): boolean =>
      isStandardVerb(verb) && COMMAND_RULES[verb].isListed && this.#gate.isOfUse(COMMAND_RULES[verb]);
    const listed = Object.keys(COMMAND_RULES).filter(isListed);
    const all = `Supported commands: ${[...listed, ...verbs.keys()].join(' ')}`;
    if (argument === undefined || argument === '') {
      this.#dialogue.answer(new Reply(214, '2.0.0', all));
      return;
    }
    const topic = parseCommand(argument).verb;
    const syntax =
      verbs.get(topic)?.syntax ??
      (isStandardVerb(topic) && isListed(topic) ? syntaxOf(topic, this.#dialogue.isExtended) : undefined);
    if (syntax === undefined) this.#dialogue.refuseError(new Reply(504, '5.5.4', all));
    else this.#dialogue.answer(new Reply(214, '2.0.0', `Syntax: ${syntax}`));
  }

  /** A verb that nobody knows. */
  unrecognized(verb: string): void {
    if (this.#gate.isCommandOpen()) this.#dialogue.refuseError(replies.unrecognizedReply(verb));
  }

  // ---- Answers ------------------------------------------------------------------------------------------------------

  /**
   * Answers the oldest open question with yes, with a reply of the application or the usual one.
   *
   * @throws {@link UsageError} `SMTPD_BAD_REPLY` when the reply says anything else than yes
   */
  accept(reply?: Reply): void {
    this.#answers.accept(reply);
  }

  /**
   * Answers the oldest open question with no.
   *
   * @throws {@link UsageError} `SMTPD_BAD_REPLY` when the reply says anything else than no
   */
  refuse(reply: Reply): void {
    this.#answers.refuse(reply);
  }

  /**
   * Answers the question about a message with one reply for each of its recipients, in order (RFC 2033 §4.2).
   *
   * @throws {@link UsageError} `SMTPD_BAD_REPLY` when the number of replies is not that of the recipients
   */
  answerEach(each: readonly Reply[]): void {
    this.#answers.answerEach(each);
  }

  /**
   * Answers the command under way without a question: a verb of a user's, or a refusal before the check.
   *
   * @throws {@link UsageError} `SMTPD_ONE_REPLY` when nothing is unanswered, `SMTPD_BAD_REPLY` for a 3yz reply: it is not final
   */
  respond(reply: Reply): void {
    if (!this.#gate.isCommandOpen()) return;
    if (reply.code >= 300 && reply.code < 400) {
      throw new UsageError(
        'SMTPD_BAD_REPLY',
        `${String(reply.code)} asks for more and answers nothing (RFC 5321 §4.2.1); ask with readLine(), then give a final reply`,
      );
    }
    if (reply.isPositive) this.#dialogue.answer(reply);
    else this.#dialogue.refuse(reply);
  }

  /**
   * Sends an intermediate reply (3yz) and reads the client's next line as its answer, not as a command. When the command gets its
   * final reply first, the line is dropped: the client sends it all the same.
   *
   * @throws {@link UsageError} `SMTPD_ONE_REPLY` when no command is unanswered, or another challenge is
   */
  challenge(reply: Reply): void {
    if (!this.#gate.isCommandOpen()) return;
    if (this.#dialogue.isReadingLine) {
      throw new UsageError(
        'SMTPD_ONE_REPLY',
        'The line that was asked for has not come; await readLine() before the next',
      );
    }
    this.#dialogue.send(reply);
    this.#dialogue.isReadingLine = true;
    this.#dialogue.hasChallenged = true;
  }

  /** Ends the session with this reply, whatever is under way (RFC 5321 §3.8: 421). */
  closeWith(reply: Reply): void {
    this.#dialogue.closeWith(reply);
  }

  /** Ends the session with this reply, because a limit was exceeded which only the caller can see. */
  closeForLimit(limit: keyof Limits, reply: Reply): void {
    this.#dialogue.closeForLimit(limit, reply);
  }

  /** Ends the session without a word: the client is gone. */
  abandon(): void {
    this.#dialogue.close();
  }

  /** Notes that a limit which only the caller can see was exceeded. */
  noteExceeded(limit: keyof Limits): void {
    this.#dialogue.counts.noteExceeded(limit);
  }
}
