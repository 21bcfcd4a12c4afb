/**
 * The answers to a session's questions, and the step that each takes: what the application decided becomes a state and a reply. The
 * questions are put by the commands in `server-session.ts`; this is `proceed` of check → ask → proceed.
 */

import { hasParameter, parameterOf } from './command-arguments.js';
import type { Dialogue } from './dialogue.js';
import { assertNever, invariant, UsageError } from './errors.js';
import type { Input } from './input.js';
import type { MessageReception } from './message-reception.js';
import type { Offer } from './extension.js';
import { Reply } from './reply.js';
import type { Question } from './session-events.js';
import { clientNamed, greetingSent, recipientAccepted, senderAccepted, type Recipient } from './session-state.js';
import * as replies from './standard-replies.js';

/** Answers the questions of one session, oldest first. */
export class Answers {
  readonly #dialogue: Dialogue;
  readonly #input: Input;
  readonly #reception: MessageReception;

  constructor(dialogue: Dialogue, input: Input, reception: MessageReception) {
    this.#dialogue = dialogue;
    this.#input = input;
    this.#reception = reception;
  }

  /**
   * Answers the oldest open question with yes, with a reply of the application or the usual one.
   *
   * @throws {@link UsageError} `SMTPD_BAD_REPLY` when the reply says anything else than yes
   */
  accept(reply?: Reply): void {
    if (this.#dialogue.phase === 'closed') return;
    if (reply !== undefined && !reply.isPositive) {
      throw new UsageError('SMTPD_BAD_REPLY', `${String(reply.code)} does not accept; give a 2yz reply, or refuse()`);
    }
    const question = this.#dialogue.takeQuestion();
    this.#proceed(question, reply);
    this.#dialogue.answerWaitingReplies();
  }

  /**
   * Answers the oldest open question with no.
   *
   * @throws {@link UsageError} `SMTPD_BAD_REPLY` when the reply says anything else than no
   */
  refuse(reply: Reply): void {
    if (this.#dialogue.phase === 'closed') return;
    if (!reply.isTransient && !reply.isPermanent) {
      throw new UsageError(
        'SMTPD_BAD_REPLY',
        `${String(reply.code)} does not refuse; give a 4yz or 5yz reply, or accept()`,
      );
    }
    const question = this.#dialogue.takeQuestion();
    if (question.kind === 'message') {
      this.#reception.refuseMessage(reply);
    } else if (question.kind === 'data' && question.chunk !== undefined) {
      this.#reception.refuseChunk(question.chunk, reply);
    } else if (question.kind === 'connect') {
      this.#dialogue.answer(reply);
      // RFC 5321 §3.1: after 554 the client is waited for; 421 closed the session already.
      this.#dialogue.enterOpen({ phase: 'refused' });
    } else if (question.kind === 'rcpt' && this.#dialogue.isFull(this.#dialogue.transaction)) {
      this.#refuseSurplusRecipient();
    } else {
      this.#dialogue.refuse(reply);
    }
    this.#dialogue.answerWaitingReplies();
  }

  /**
   * Answers the question about a message with one reply for each of its recipients, in order (RFC 2033 §4.2).
   *
   * @throws {@link UsageError} `SMTPD_BAD_REPLY` when the number of replies is not that of the recipients
   */
  answerEach(each: readonly Reply[]): void {
    if (this.#dialogue.phase === 'closed') return;
    if (each.length !== this.#dialogue.transaction.recipients.length)
      throw new UsageError('SMTPD_BAD_REPLY', 'There is one reply for each recipient of a message');
    const question = this.#dialogue.takeQuestion();
    invariant(question.kind === 'message', 'Only a message is answered for each recipient');
    if (each.some(({ isPositive }) => isPositive)) {
      this.#dialogue.counts.countMessage();
      this.#reception.endMessage(each);
    } else {
      this.#reception.refuseMessage(each);
    }
    this.#dialogue.answerWaitingReplies();
  }

  /** The step of RCPT. */
  acceptRecipient(recipient: Recipient, reply = replies.RECIPIENT_OK): void {
    const { state } = this.#dialogue;
    invariant(state.phase === 'sender' || state.phase === 'recipients', 'RCPT proceeds in a transaction');
    this.#dialogue.enter(recipientAccepted(state, recipient));
    this.#dialogue.answer(reply);
  }

  /** The step that a command takes once nobody objects. */
  #proceed(question: Question, reply: Reply | undefined): void {
    const state = this.#dialogue.state;
    switch (question.kind) {
      case 'connect':
        // RFC 5321 §4.3.1: a client waits for the greeting. What came before it was noted when it came.
        if (this.#input.length > 0 && this.#dialogue.options.earlyInput === 'refuse') {
          this.#dialogue.closeWith(replies.OUT_OF_STEP);
          return;
        }
        this.#dialogue.enter(greetingSent());
        this.#dialogue.answer(reply === undefined ? this.#usualReply(220) : this.#greetingReply(220, reply.lines));
        return;
      case 'helo':
        this.#reception.clear();
        this.#dialogue.toldOffer = this.#dialogue.offer;
        this.#dialogue.enter(clientNamed(question.client));
        this.#dialogue.answer(
          reply === undefined
            ? this.#usualReply(250)
            : this.#greetingReply(250, [...reply.lines, ...this.#keywordLines()]),
        );
        return;
      case 'mail': {
        invariant(state.phase === 'ready', 'MAIL proceeds from ready');
        const { reversePath, parameters } = question;
        this.#reception.expect(Number(parameterOf(parameters, 'SIZE')?.value ?? 0));
        const isInternational = hasParameter(parameters, 'SMTPUTF8');
        this.#dialogue.enter(senderAccepted(state, { reversePath, parameters, isInternational }));
        this.#dialogue.answer(reply ?? replies.SENDER_OK);
        return;
      }
      case 'rcpt':
        if (this.#dialogue.isFull(this.#dialogue.transaction)) {
          this.#refuseSurplusRecipient();
          return;
        }
        this.acceptRecipient(question.recipient, reply);
        return;
      case 'data':
        this.#reception.begin(question.chunk);
        return;
      case 'message':
        this.#dialogue.counts.countMessage();
        this.#reception.endMessage(reply ?? replies.OK);
        return;
      case 'vrfy':
        this.#dialogue.answer(reply ?? replies.CANNOT_VERIFY);
        return;
      case 'expn':
        this.#dialogue.answer(reply ?? replies.EXPN_NOT_IMPLEMENTED);
        return;
      case 'etrn':
        this.#dialogue.answer(reply ?? replies.ETRN_NOT_DONE);
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
    const { hostname } = this.#dialogue.options;
    const isNamed = first === hostname || first.startsWith(`${hostname} `);
    return new Reply(code, undefined, [isNamed ? first : `${hostname} ${first}`.trimEnd(), ...others]);
  }

  /** What most clients hear is the same for all who are offered the same, and is made and encoded once. */
  #usualReply(code: 220 | 250): Reply {
    const { offer, options, isExtended } = this.#dialogue;
    const { hostname, greeting } = options;
    const key = code === 220 ? `220 ${hostname} ${greeting}` : `250 ${hostname} ${String(isExtended)}`;
    let known = USUAL_REPLIES.get(offer);
    if (known === undefined) {
      known = new Map();
      USUAL_REPLIES.set(offer, known);
    }
    let reply = known.get(key);
    if (reply === undefined) {
      reply = this.#greetingReply(code, code === 220 ? [greeting] : ['', ...this.#keywordLines()]);
      known.set(key, reply);
    }
    return reply;
  }

  #keywordLines(): readonly string[] {
    return this.#dialogue.isExtended ? this.#dialogue.offer.keywordLines : [];
  }

  /**
   * A batch is checked before its first recipients are accepted. One that came alone would have met the bound before the application
   * was asked, so whatever the application said about it is not told.
   */
  #refuseSurplusRecipient(): void {
    this.#dialogue.counts.noteExceeded('recipientsMax');
    this.#dialogue.answer(replies.TOO_MANY_RECIPIENTS);
  }
}

/** By what is offered: greetings and replies to EHLO and HELO. */
const USUAL_REPLIES = new WeakMap<Offer, Map<string, Reply>>();
