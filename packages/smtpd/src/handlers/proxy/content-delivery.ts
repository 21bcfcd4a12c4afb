/**
 * The content of one message on its way to the servers behind, as it comes: each of them gets every piece, and the slowest says how fast. What
 * must keep the message from being delivered is found here, before the piece that it is in leaves.
 */

import type { ContentTransfer, TransferReceiver } from '../../client/content-transfer.js';
import type { ContentPass, Passage } from '../../protocol/content-pass.js';
import { SMTPReplyError, type Reply } from '../../protocol/reply.js';
import { BARE_LINE_END_IN_CONTENT } from '../../protocol/standard-replies.js';
import type { ContentReader, ContentSource } from '../../server/content-source.js';
import { MessageBody } from '../../server/message-body.js';
import { LOOPING } from './upstream-reply.js';

/** A server that gets the content. One of the last two is called, once. */
export interface DeliveryTarget {
  begin(receiver: TransferReceiver): ContentTransfer;
  onReplies(replies: readonly Reply[]): void;
  /** @param replies - for the first recipients, which the server gave before */
  onFailure(error: unknown, replies: readonly Reply[]): void;
}

/** What the content goes through. */
export interface DeliveryOptions {
  readonly pass: ContentPass;
  /** `Received` fields that a message may have. */
  readonly hopsMax: number;
}

/** Delivers content to all targets. At least one is given. */
export function deliverContent(
  body: AsyncIterable<Uint8Array>,
  options: DeliveryOptions,
  targets: readonly DeliveryTarget[],
): void {
  new Delivery(sourceOf(body), options).start(targets);
}

class Delivery implements ContentReader {
  readonly #source: ContentSource;
  readonly #options: DeliveryOptions;
  readonly #branches: Branch[] = [];
  /** How many still want something, and how many of them have no room. */
  #openCount = 0;
  #fullCount = 0;

  constructor(source: ContentSource, options: DeliveryOptions) {
    this.#source = source;
    this.#options = options;
  }

  start(targets: readonly DeliveryTarget[]): void {
    this.#openCount = targets.length;
    for (const target of targets) this.#begin(target);
    if (this.#openCount > 0) this.#source.read(this);
    else this.#source.leave();
  }

  #begin(target: DeliveryTarget): void {
    const branch = new Branch(this, target);
    try {
      branch.transfer = target.begin(branch);
    } catch (error) {
      branch.onFailure(error);
      return;
    }
    this.#branches.push(branch);
  }

  onChunk(chunk: Uint8Array): boolean {
    const { pass, hopsMax } = this.#options;
    const passage = pass.pass(chunk);
    // RFC 5321 §6.3: whoever passes it on once more only makes the circle longer.
    if (pass.receivedCount > hopsMax) this.#giveUp(refusal(LOOPING));
    else this.#write(passage);
    return this.#fullCount === 0;
  }

  get hasLetGo(): boolean {
    return this.#branches.every(({ transfer }) => transfer?.hasLetGo === true);
  }

  onEnd(): void {
    this.#write(this.#options.pass.end());
    for (const { transfer } of this.#branches) transfer?.end();
  }

  onError(error: unknown): void {
    this.#giveUp(error);
  }

  #write(passage: Passage): void {
    if (passage.kind === 'bareLineEnd') {
      this.#giveUp(refusal(BARE_LINE_END_IN_CONTENT));
      return;
    }
    for (const branch of this.#branches) if (!branch.write(passage.pieces)) this.#fullCount += 1;
  }

  #giveUp(reason: unknown): void {
    this.#source.leave();
    for (const { transfer } of this.#branches) transfer?.giveUp(reason);
  }

  /** One has room again. */
  onRoom(): void {
    this.#fullCount -= 1;
    if (this.#fullCount === 0) this.#source.resume();
  }

  /** One has what it wants, or cannot go on. It does not hold the others up. */
  onLeft({ isFull }: Branch): void {
    this.#openCount -= 1;
    if (this.#openCount === 0) this.#source.leave();
    else if (isFull) this.onRoom();
  }
}

/** The way to one of the servers. */
class Branch implements TransferReceiver {
  /** `undefined`: it wants nothing more. */
  transfer: ContentTransfer | undefined;
  isFull = false;
  /** How often it said that there is room, which it may do while it is being written to. */
  #roomCount = 0;
  readonly #delivery: Delivery;
  readonly #target: DeliveryTarget;

  constructor(delivery: Delivery, target: DeliveryTarget) {
    this.#delivery = delivery;
    this.#target = target;
  }

  /** @returns whether there is as much room as there was before */
  write(pieces: readonly Uint8Array[]): boolean {
    let hasRoom = true;
    const roomsBefore = this.#roomCount;
    // It may leave in between.
    for (const piece of pieces) hasRoom = this.transfer?.write(piece) ?? true;
    if (hasRoom || this.#roomCount !== roomsBefore || this.isFull || this.#hasLeft()) return true;
    this.isFull = true;
    return false;
  }

  onRoom(): void {
    this.#roomCount += 1;
    if (!this.isFull) return;
    this.isFull = false;
    this.#delivery.onRoom();
  }

  onReplies(replies: readonly Reply[]): void {
    this.#leave();
    this.#target.onReplies(replies);
  }

  onFailure(error: unknown, replies: readonly Reply[] = []): void {
    this.#leave();
    this.#target.onFailure(error, replies);
  }

  #hasLeft(): boolean {
    return this.transfer === undefined;
  }

  #leave(): void {
    this.transfer = undefined;
    this.#delivery.onLeft(this);
  }
}

/** A message's body is a source already; whoever has made another one of it has an iterable. */
function sourceOf(body: AsyncIterable<Uint8Array>): ContentSource {
  return body instanceof MessageBody ? body : sourceOfIterable(body);
}

function sourceOfIterable(pieces: AsyncIterable<Uint8Array>): ContentSource {
  let reader: ContentReader | undefined;
  let isHeld = false;
  let wake: () => void = ignore;
  const hand = async (): Promise<void> => {
    try {
      for await (const piece of pieces) {
        if (reader === undefined) return;
        // The reader may have room again before it has said that it has none.
        isHeld = true;
        if (reader.onChunk(piece)) isHeld = false;
        if (isHeld) {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
      }
      reader?.onEnd();
    } catch (error) {
      reader?.onError(error);
    }
  };
  return {
    read: (given) => {
      reader = given;
      void hand();
    },
    resume: () => {
      isHeld = false;
      wake();
    },
    leave: () => {
      reader = undefined;
      isHeld = false;
      wake();
    },
  };
}

function refusal({ code, enhanced, lines }: Reply): SMTPReplyError {
  return new SMTPReplyError(code, enhanced, lines);
}

function ignore(): void {
  // Nobody waits.
}
