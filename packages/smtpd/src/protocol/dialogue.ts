/**
 * Where one session stands, and the few steps that change it: its state, what is open between the client, the application and us,
 * and the replies that were given. The parts of a session share it: `command-reader.ts` makes commands of octets, `command-gate.ts`
 * says which may run, `message-reception.ts` takes content, `server-session.ts` runs the commands. It reads nothing itself.
 */

import type { Offer, Situation } from './extension.js';
import { invariant } from './errors.js';
import type { Limits } from './limits.js';
import { PathLine } from './path-line.js';
import { Reply } from './reply.js';
import { ReplyQueue } from './reply-encoder.js';
import { SessionCounts } from './session-counts.js';
import type { Question, SessionOptions, SessionWatcher } from './session-events.js';
import type { Phase } from './command-rules.js';
import {
  assertStep,
  clientOf,
  envelopeOf,
  sessionClosed,
  type ClientIdentity,
  type Envelope,
  type SessionState,
} from './session-state.js';
import * as replies from './standard-replies.js';

/** What is open in a session. */
export class Dialogue {
  readonly options: SessionOptions;
  readonly counts: SessionCounts;
  readonly replies = new ReplyQueue();
  /** The command line with a path that was read last. */
  readonly pathLine = new PathLine();
  /** Commands that were handed out and have no final reply yet. */
  unanswered = 0;
  /** Whether the first question, about the connection, was put. */
  isGreeted = false;
  /** Whether the client's next line answers a challenge. */
  isReadingLine = false;
  /** Whether the command under way has asked the client for a line. */
  hasChallenged = false;
  /** Whether it was a limit that ended the session. */
  isOverForLimit = false;
  /** What the client was told at its last EHLO; AUTH changes what is offered without one. */
  toldOffer: Offer;
  /** What commands hear in a session that was refused. */
  refusal = replies.SESSION_REFUSED;
  readonly #watcher: SessionWatcher | undefined;
  readonly #host: DialogueHost;
  /** The oldest open question. */
  #question: Question | Reply | undefined;
  /** What is open behind it, in order: there is more than one question for a batch of recipients alone. */
  readonly #laterQuestions: (Question | Reply)[] = [];
  #state: SessionState = OPENING;
  /** What is asked of the state at each command, told apart once for each state: its phases are objects of many forms. */
  #phase: Phase = 'opening';
  #client: ClientIdentity | undefined;
  #envelope: Envelope | undefined;
  #situation: Situation;
  #offer: Offer;

  constructor({ options, situation, watcher, host }: DialogueInit) {
    this.options = options;
    this.counts = new SessionCounts(options.limits);
    this.#situation = situation;
    this.#offer = options.offerIn(situation);
    this.toldOffer = this.#offer;
    this.#watcher = watcher;
    this.#host = host;
  }

  get state(): SessionState {
    return this.#state;
  }

  get situation(): Situation {
    return this.#situation;
  }

  /** What is offered now. */
  get offer(): Offer {
    return this.#offer;
  }

  get phase(): Phase {
    return this.#phase;
  }

  /** Who the client says it is, once it has. */
  get client(): ClientIdentity | undefined {
    return this.#client;
  }

  /** The envelope of the open transaction, if there is one. */
  get envelope(): Envelope | undefined {
    return this.#envelope;
  }

  /** Whether the client said EHLO, or LHLO. */
  get isExtended(): boolean {
    return this.#client?.isExtended === true;
  }

  /** The envelope of the transaction that must be open. */
  get transaction(): Envelope {
    const envelope = this.#envelope;
    invariant(envelope !== undefined, 'A transaction is open');
    return envelope;
  }

  /** Whether a transaction has all the recipients that it may have. */
  isFull(envelope: Envelope): boolean {
    return envelope.recipients.length >= this.#offer.facts.recipientsMax;
  }

  /** Something has changed on which the offer depends. */
  change(changed: Partial<Situation>): void {
    this.#situation = { ...this.#situation, ...changed };
    this.#offer = this.options.offerIn(this.#situation);
  }

  // ---- Questions ----------------------------------------------------------------------------------------------------

  /** The oldest open question, or the refusal that stands in the place of one; `undefined`: nothing is asked. */
  get oldestQuestion(): Question | Reply | undefined {
    return this.#question;
  }

  /** Whether the application is asked something. */
  get isAsking(): boolean {
    return this.#question !== undefined;
  }

  /** Puts a question to the application. Until it is answered, the session waits. */
  ask<Q extends Question>(question: Q): Q {
    this.#open(question);
    return question;
  }

  /** Refuses one recipient of a batch, once those before it are answered. */
  refuseInTurn(reply: Reply): void {
    this.#open(reply);
  }

  #open(question: Question | Reply): void {
    if (this.#question === undefined) this.#question = question;
    else this.#laterQuestions.push(question);
  }

  /** The oldest open question, which is answered now. */
  takeQuestion(): Question {
    const question = this.#question;
    invariant(question !== undefined && !(question instanceof Reply), 'There is no open question to answer');
    this.#question = this.#laterQuestions.length === 0 ? undefined : this.#laterQuestions.shift();
    return question;
  }

  /** Sends the refusals of a batch that stand before its next open question. */
  answerWaitingReplies(): void {
    while (this.#question instanceof Reply) {
      const waiting = this.#question;
      this.#question = this.#laterQuestions.shift();
      this.refuseChecked(waiting);
    }
  }

  // ---- Replies ------------------------------------------------------------------------------------------------------

  /** The final reply to the oldest unanswered command. */
  answer(reply: Reply): void {
    invariant(this.unanswered > 0, 'Every final reply answers a command');
    this.unanswered -= 1;
    this.send(reply);
    // RFC 5321 §4.2.2, §3.8: with 421 the server closes the channel.
    if (reply.code === 421) this.close();
  }

  /** Sends a reply that answers nothing yet, or one of several. */
  send(reply: Reply): void {
    // RFC 6531 §3.7.4: UTF-8 may be sent in a transaction that was opened with SMTPUTF8.
    this.replies.add(reply, this.#envelope?.isInternational === true);
    this.#watcher?.onReply(reply);
  }

  /** Refuses a command that was not well formed, unknown or out of sequence. */
  refuseError(reply: Reply): void {
    if (this.counts.countError()) this.closeForLimit('errorsMax', replies.TOO_MANY_ERRORS);
    else this.answer(reply);
  }

  /** Refuses a command by what its check found: an error of the client's, or a bound that an honest client may meet. */
  refuseChecked(reply: Reply): void {
    // RFC 5321 §4.5.3.1.10: the client sends the rest in another message, and may have sent many ahead. Closing here would cost it
    // the recipients that were accepted. What is refused this way is neither held nor told anything about an address.
    if (reply === replies.TOO_MANY_RECIPIENTS) this.answer(reply);
    else if (isErrorReply(reply)) this.refuseError(reply);
    else this.refuse(reply);
  }

  /** Refuses a command because the application or a policy says so. */
  refuse(reply: Reply): void {
    if (this.counts.countRefusal()) this.closeForLimit('refusalsMax', replies.TOO_MANY_REFUSALS);
    else this.answer(reply);
  }

  /** Notes that a limit was exceeded, and ends the session with this reply. */
  closeForLimit(limit: keyof Limits, reply: Reply): void {
    this.counts.noteExceeded(limit);
    if (this.#phase !== 'closed') this.isOverForLimit = true;
    this.closeWith(reply);
  }

  /** Ends the session with this reply, whatever is under way (RFC 5321 §3.8: 421). */
  closeWith(reply: Reply): void {
    if (this.#phase === 'closed') return;
    // Whoever is told of the reply may end the session, too: it has ended already.
    this.close();
    this.send(reply);
  }

  // ---- State --------------------------------------------------------------------------------------------------------

  /** The one place where the state changes. */
  enter(next: SessionState): void {
    // It goes on with what it has gathered.
    if (next === this.#state) return;
    const { phase } = next;
    assertStep(this.#phase, phase);
    this.#state = next;
    this.#phase = phase;
    this.#client = clientOf(next);
    this.#envelope = envelopeOf(next);
  }

  /** Enters a state unless the reply that led there was 421. */
  enterOpen(next: SessionState): void {
    if (this.#phase !== 'closed') this.enter(next);
  }

  /** Ends the session without a word. */
  close(): void {
    this.enter(sessionClosed(this.#state));
    this.unanswered = 0;
    this.#question = undefined;
    this.#laterQuestions.length = 0;
    this.isReadingLine = false;
    this.#host.letGo();
  }
}

/** What a dialogue is made of. */
export interface DialogueInit {
  readonly options: SessionOptions;
  /** How the session begins. */
  readonly situation: Situation;
  readonly watcher: SessionWatcher | undefined;
  readonly host: DialogueHost;
}

/** What a dialogue needs of the session that it belongs to. */
export interface DialogueHost {
  /** The session is over: what is held for it can go. */
  letGo(): void;
}

/** How each session begins. */
const OPENING: SessionState = Object.freeze({ phase: 'opening' });

/** RFC 5321 §4.2.1: x0z is about syntax; 555 (§4.2.2) is a parameter that nobody knows, and 530 comes too early. */
function isErrorReply({ code }: Reply): boolean {
  return code === 555 || code === 530 || Math.floor(code / 10) % 10 === 0;
}
