/**
 * The messages of one session on their way to the application: whole, by `processMessage` and the hooks, or while they come, by
 * `streamMessage`. The octets are the session's (`protocol/message-reception.ts`), and so is the final reply.
 */

import { invariant } from '../protocol/errors.js';
import type { Limits } from '../protocol/limits.js';
import { octets } from '../protocol/octets.js';
import { Reply } from '../protocol/reply.js';
import type { ServerSession } from '../protocol/server-session.js';
import type { ContentFacts } from '../protocol/session-events.js';
import type { Recipient } from '../protocol/session-state.js';
import type { ChannelContext, MessageTaker } from './channel-context.js';
import { ContentProgress } from './content-progress.js';
import type { HookRequests } from './hook-requests.js';
import { askInTurn, decide, understood } from './hooks.js';
import { listenTo } from './later.js';
import { MessageAbortedError, MessageBody, StreamingMessage } from './message-body.js';
import { ReceivedMessage, StreamedMessage, type MessageInit } from './received-message.js';
import type { SessionInfo } from './session-info.js';
import { judgeMessage, judgeThrown, PASS, type Awaitable, type Decision } from './verdict.js';

/** Brings the messages of one session to the application. */
export class MessageIntake {
  /** The last reply since the content began. */
  lastReply: Reply | undefined;
  /** The content of the message that is being decided. */
  receivedData: Uint8Array | string | undefined;
  readonly #host: IntakeHost;
  /** The message that is streaming to the application. */
  #streaming: StreamingMessage | undefined;
  /** The message whose content is read or was read last. */
  #content: ContentProgress | undefined;
  #onRoom: (() => void) | undefined;

  constructor(host: IntakeHost) {
    this.#host = host;
  }

  /** Whether more content must not come before the application has taken some. */
  get isFull(): boolean {
    return this.#streaming?.body.isFull === true;
  }

  /** Hands new content on. */
  push(): void {
    this.#streaming?.body.push(this.#host.session.takeContent());
  }

  /** We wait for the client's content from now on. */
  waitFrom(nowMs: number): void {
    this.#content?.waitFrom(nowMs);
  }

  /**
   * Octets of content came. The lowest rate counts the time in which we waited for the client, never the time that the application took.
   *
   * @returns whether they come too slowly
   */
  count(lengthBytes: number, limits: Limits): boolean {
    const content = this.#content;
    content?.count(lengthBytes, this.#host.context.clock.now());
    return content?.isTooSlow(limits) === true;
  }

  /** A message begins: its content comes next. */
  begin(): void {
    const { clock, messages } = this.#host.context;
    const { envelope } = this.#host.session;
    invariant(envelope !== undefined, 'A message has an envelope');
    const content = new ContentProgress(envelope, clock.now());
    this.#content = content;
    this.lastReply = undefined;
    if (messages.kind !== 'stream') return;
    this.#onRoom ??= () => {
      this.#host.onTaken();
    };
    const body = new MessageBody(this.#onRoom);
    const streaming = new StreamingMessage(body);
    this.#streaming = streaming;
    const message = new StreamedMessage(this.#messageInit(content), body);
    // More recipients cannot come: the verdict is about these.
    listenTo(
      decide(() => messages.stream(message), this.#understand(envelope.recipients)),
      streaming,
    );
  }

  /** The content was refused for its form. */
  refused(facts: ContentFacts, reply: Reply): void {
    this.#fail(new MessageAbortedError('SMTPD_CONTENT_REFUSED', `The content was refused: ${reply.toString()}`));
    this.#tell(facts);
  }

  /** The message has its final reply. */
  finished(facts: ContentFacts): void {
    this.#streaming = undefined;
    this.receivedData = undefined;
    this.#tell(facts);
  }

  /** The transaction was given up, maybe between two of its chunks. */
  giveUp(): void {
    this.#fail(
      new MessageAbortedError('SMTPD_TRANSACTION_RESET', 'The client gave the message up before it was complete'),
    );
    this.#content = undefined;
  }

  /** The session is over: whoever still reads the message is told why. */
  release(reasonOf: () => MessageAbortedError): void {
    if (this.#streaming !== undefined) this.#fail(reasonOf());
    this.receivedData = undefined;
  }

  /** The application's time is over: what comes of the message is dropped, and this is its decision. */
  decideInstead(decision: Decision, error: MessageAbortedError): void {
    this.#streaming?.giveUp(decision, error);
  }

  #fail(error: MessageAbortedError): void {
    this.#streaming?.body.fail(error);
    this.#streaming = undefined;
  }

  /** The content is complete: what the application says to the message. Never rejects. */
  decide(facts: ContentFacts): Awaitable<Decision> {
    const streaming = this.#streaming;
    if (streaming !== undefined) {
      streaming.body.push(this.#host.session.takeContent());
      streaming.body.end();
      return streaming.decision;
    }
    const content = this.#content;
    invariant(content !== undefined, 'Content that ended has begun');
    const octetsOfMessage = this.#host.session.takeContent();
    const data = this.#host.session.offer.facts.isDecoded ? octets.decodeUTF8(octetsOfMessage) : octetsOfMessage;
    if (data === undefined) return NOT_UTF8;
    this.receivedData = data;
    const message = new ReceivedMessage<Uint8Array | string>(this.#messageInit(content), data, facts);
    return this.#decideMessage(message as ReceivedMessage<never>);
  }

  #decideMessage(message: ReceivedMessage<never>): Awaitable<Decision> {
    const { hooks, messages } = this.#host.context;
    // The usual case: no hooks, one method.
    if (hooks.message.length === 0) return messages.kind === 'whole' ? this.#process(message, messages) : NOBODY_TAKES;
    const understand = this.#understand(message.recipients);
    const asked = hooks.message.map(
      (hook) => () => decide(() => hook.message?.(this.#host.requests.request(hook, { message })), understand),
    );
    const all = messages.kind === 'whole' ? [...asked, () => this.#process(message, messages)] : asked;
    // A client that has left meanwhile sends the message again: taken now, it would be there twice.
    return askInTurn(all, this.#host.requests.abortSource);
  }

  /** What `processMessage` decides. Never throws. */
  #process(message: ReceivedMessage<never>, { process }: WholeTaker): Awaitable<Decision> {
    try {
      const verdict = process(message);
      // Nothing is yes, whoever the recipients are.
      return verdict === undefined ? PASS : understood(verdict, this.#understand(message.recipients));
    } catch (error) {
      return judgeThrown(error);
    }
  }

  #understand(recipients: readonly Recipient[]): (value: unknown) => Decision {
    const { protocol } = this.#host.session.options;
    return (value) => judgeMessage(value, recipients, protocol);
  }

  #messageInit({ envelope, beganAtMs }: ContentProgress): MessageInit {
    return {
      number: this.#host.session.messageCount + 1,
      envelope,
      session: this.#host.info,
      receivedAtMs: beganAtMs,
      abortSource: this.#host.requests.abortSource,
    };
  }

  /** Tells watchers of a message that has its final reply. When the client left before, there was none. */
  #tell({ sizeBytes }: ContentFacts): void {
    const { watch } = this.#host.context;
    const content = this.#content;
    const reply = this.lastReply;
    this.#content = undefined;
    if (content === undefined || reply === undefined || !watch.isWatched('message')) return;
    const { reversePath, recipients } = content.envelope;
    watch.tell('message', {
      session: this.#host.info,
      mailFrom: reversePath.address,
      rcptTos: recipients.map(({ path }) => path.address),
      sizeBytes,
      reply,
    });
  }
}

type WholeTaker = Extract<MessageTaker, { kind: 'whole' }>;

/** What an intake needs of the conversation that it belongs to. */
export interface IntakeHost {
  readonly context: ChannelContext;
  readonly session: ServerSession;
  readonly info: SessionInfo;
  readonly requests: HookRequests;
  /** The application has taken content, and there is room for more. */
  onTaken(): void;
}

const NOT_UTF8: Decision = Object.freeze({
  kind: 'refuse',
  reply: new Reply(554, '5.6.0', 'Error: message is not well-formed UTF-8'),
});
const NOBODY_TAKES: Decision = Object.freeze({
  kind: 'refuse',
  reply: new Reply(451, '4.3.5', 'Error: this server takes no messages yet'),
});
