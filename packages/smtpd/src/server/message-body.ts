/**
 * The content of one message while it arrives, for `streamMessage`: what the client sends waits here until the application takes
 * it, and what waits is bounded, because the channel stops reading while {@link MessageBody.isFull}.
 *
 * A loop over the body that ends without an error has seen the whole message, always.
 */

import { slabs } from '../protocol/slabs.js';
import type { ContentReader, ContentSource } from './content-source.js';
import { Later, type LaterListener } from './later.js';
import { PieceIterator } from './piece-iterator.js';
import type { Awaitable, Decision } from './verdict.js';

/** Why a message is not, or no longer, there to be read. */
type AbortCode =
  | 'SMTPD_CLIENT_GONE'
  | 'SMTPD_TRANSACTION_RESET'
  | 'SMTPD_CONTENT_REFUSED'
  | 'SMTPD_VERDICT_OVERDUE'
  | 'SMTPD_VERDICT_GIVEN';

/** Raised by the body when the message will not be complete, and the reason of a `signal` that is aborted. */
export class MessageAbortedError extends Error {
  override readonly name = 'MessageAbortedError';
  readonly code: AbortCode;

  constructor(code: AbortCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** The source of a body: the channel's side. It is read as an iterable, or by a {@link ContentReader}. */
export class MessageBody implements AsyncIterable<Uint8Array>, ContentSource {
  readonly #onRoom: () => void;
  #chunks: Uint8Array[] = [];
  #waitingBytes = 0;
  #isComplete = false;
  #error: Error | undefined;
  #isTaken = false;
  #isLeft = false;
  #reader: ContentReader | undefined;
  /** The reader has no room. */
  #isHeld = false;
  /** The reader is in the middle of a piece. It hears of nothing else before it is done with that one. */
  #isHandingOver = false;

  /** @param onRoom - called when there is room again after the body was full */
  constructor(onRoom: () => void) {
    this.#onRoom = onRoom;
  }

  /** Whether the application has to take something before more is read. */
  get isFull(): boolean {
    return this.#waitingBytes >= HIGH_WATER_BYTES;
  }

  /** Whether whoever read it is done with it. */
  get isLeft(): boolean {
    return this.#isLeft;
  }

  /** Adds content that has arrived. When nobody will read it, it is dropped. */
  push(chunk: Uint8Array): void {
    if (this.#isLeft || this.#error !== undefined || chunk.length === 0) return;
    if (this.#reader !== undefined && !this.#isHeld && !this.#isHandingOver) {
      this.#handOver(this.#reader, chunk);
      this.#flow();
      return;
    }
    this.#chunks.push(chunk);
    this.#waitingBytes += chunk.length;
  }

  /** The content is complete. */
  end(): void {
    this.#isComplete = true;
    this.#flow();
  }

  /** The content will not be complete: whoever reads gets this error next. */
  fail(error: Error): void {
    if (!this.#isComplete) this.revoke(error);
  }

  /** Takes the content back, complete or not: whoever reads on gets this error next. */
  revoke(error: Error): void {
    this.#error ??= error;
    this.#drop();
    this.#flow();
  }

  /** @throws TypeError when it has had a reader */
  read(reader: ContentReader): void {
    if (this.#isTaken) throw new TypeError('A message body can be read once');
    this.#isTaken = true;
    this.#reader = reader;
    this.#flow();
  }

  resume(): void {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    this.#flow();
  }

  leave(): void {
    this.#isLeft = true;
    this.#reader = undefined;
    this.#drop();
  }

  /** Hands over what waits, as far as there is room. */
  #flow(): void {
    while (!this.#isHandingOver) {
      const reader = this.#reader;
      if (reader === undefined) return;
      if (this.#error !== undefined) {
        this.leave();
        reader.onError(this.#error);
        return;
      }
      if (this.#isHeld) return;
      if (this.#chunks.length > 0) {
        this.#handOverNext();
      } else if (this.#isComplete) {
        this.leave();
        reader.onEnd();
        return;
      } else {
        return;
      }
    }
  }

  #handOverNext(): void {
    // Whoever hears of the room that this makes may push more at once, which must not overtake it, or take all of it back.
    this.#isHeld = true;
    const chunk = this.#take();
    if (chunk !== undefined && this.#reader !== undefined) this.#handOver(this.#reader, chunk);
  }

  #handOver(reader: ContentReader, chunk: Uint8Array): void {
    // The reader may have room again before it has said that it has none.
    this.#isHeld = true;
    this.#isHandingOver = true;
    if (reader.onChunk(chunk)) this.#isHeld = false;
    this.#isHandingOver = false;
    if (reader.hasLetGo === true) slabs.recover(chunk);
  }

  /** Reads the content once, in order. Leaving the loop early drops the rest. */
  [Symbol.asyncIterator](): AsyncIterableIterator<Uint8Array, void, undefined> {
    return new PieceIterator(this);
  }

  #take(): Uint8Array | undefined {
    const chunk = this.#chunks.shift();
    if (chunk !== undefined) this.#setWaitingBytes(this.#waitingBytes - chunk.length);
    return chunk;
  }

  #drop(): void {
    this.#chunks = [];
    this.#setWaitingBytes(0);
  }

  #setWaitingBytes(waitingBytes: number): void {
    const hadRoom = !this.isFull;
    this.#waitingBytes = waitingBytes;
    if (!hadRoom && waitingBytes < HIGH_WATER_BYTES) this.#onRoom();
  }
}

/** A message on its way to `streamMessage`, and what that decided. */
export class StreamingMessage implements LaterListener<Decision> {
  readonly body: MessageBody;
  readonly #late = new Later<Decision>();
  /** The first one stays. */
  #decided: Decision | undefined;

  constructor(body: MessageBody) {
    this.body = body;
  }

  /** What was decided. Never rejected. */
  get decision(): Awaitable<Decision> {
    return this.#decided ?? this.#late;
  }

  /** The application decided. What it did not read is dropped as it comes, and cannot be read any more. */
  onFulfilled(decision: Decision): void {
    this.#settle(decision);
    if (this.body.isLeft) return;
    this.body.revoke(
      new MessageAbortedError(
        'SMTPD_VERDICT_GIVEN',
        'streamMessage was done before the message was read; await what reads message.body',
      ),
    );
  }

  /** What the application decides is never rejected: a fault is a decision. */
  onRejected(error: unknown): void {
    this.onFulfilled({ kind: 'fault', error });
  }

  /** The time is over: this is the decision now. */
  giveUp(decision: Decision, error: MessageAbortedError): void {
    this.#settle(decision);
    this.body.revoke(error);
  }

  #settle(decision: Decision): void {
    this.#decided ??= decision;
    this.#late.resolve(this.#decided);
  }
}

const HIGH_WATER_BYTES = 65_536;
