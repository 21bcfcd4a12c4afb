/**
 * The content of one message on its way to the servers behind, as it comes: each of them gets every piece, and the slowest says how fast. What
 * must keep the message from being delivered is found here, before the piece that it is in leaves.
 */

import type { ContentTransfer, TransferReceiver } from '../../client/content-transfer.js';
import type { ContentPass, Passage } from '../../protocol/content-pass.js';
import { SMTPReplyError, type Reply } from '../../protocol/reply.js';
import { BARE_LINE_END_IN_CONTENT } from '../../protocol/standard-replies.js';
import { MessageBody, type ContentReader, type ContentSource } from '../../server/message-body.js';
import { LOOPING } from './upstream-reply.js';

/** A server that gets the content. One of the last two is called, once. */
export interface DeliveryTarget {
  readonly begin: (receiver: TransferReceiver) => ContentTransfer;
  readonly onReplies: (replies: readonly Reply[]) => void;
  readonly onFailure: (error: unknown) => void;
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
  /** Those that still want something. */
  readonly #transfers = new Set<ContentTransfer>();
  /** Those of them that have no room. */
  readonly #full = new Set<ContentTransfer>();

  constructor(source: ContentSource, options: DeliveryOptions) {
    this.#source = source;
    this.#options = options;
  }

  start(targets: readonly DeliveryTarget[]): void {
    for (const target of targets) this.#begin(target);
    if (this.#transfers.size > 0) this.#source.read(this);
    else this.#source.leave();
  }

  #begin({ begin, onReplies, onFailure }: DeliveryTarget): void {
    try {
      const transfer: ContentTransfer = begin({
        onRoom: () => {
          this.#full.delete(transfer);
          this.#resume();
        },
        onReplies: (replies) => {
          this.#leave(transfer);
          onReplies(replies);
        },
        onFailure: (error) => {
          this.#leave(transfer);
          onFailure(error);
        },
      });
      this.#transfers.add(transfer);
    } catch (error) {
      onFailure(error);
    }
  }

  onChunk(chunk: Uint8Array): boolean {
    const { pass, hopsMax } = this.#options;
    const passage = pass.pass(chunk);
    // RFC 5321 §6.3: whoever passes it on once more only makes the circle longer.
    if (pass.receivedCount > hopsMax) this.#giveUp(refusal(LOOPING));
    else this.#write(passage);
    return this.#full.size === 0;
  }

  onEnd(): void {
    this.#write(this.#options.pass.end());
    for (const transfer of [...this.#transfers]) transfer.end();
  }

  onError(error: unknown): void {
    this.#giveUp(error);
  }

  #write(passage: Passage): void {
    if (passage.kind === 'bareLineEnd') {
      this.#giveUp(refusal(BARE_LINE_END_IN_CONTENT));
      return;
    }
    for (const transfer of [...this.#transfers]) {
      let hasRoom = true;
      for (const piece of passage.pieces) hasRoom = transfer.write(piece);
      if (!hasRoom && this.#transfers.has(transfer)) this.#full.add(transfer);
    }
  }

  #giveUp(reason: unknown): void {
    this.#source.leave();
    for (const transfer of [...this.#transfers]) transfer.giveUp(reason);
  }

  /** One has what it wants, or cannot go on. It does not hold the others up. */
  #leave(transfer: ContentTransfer): void {
    this.#transfers.delete(transfer);
    this.#full.delete(transfer);
    if (this.#transfers.size === 0) this.#source.leave();
    else this.#resume();
  }

  #resume(): void {
    if (this.#full.size === 0) this.#source.resume();
  }
}

/** A message's body is a source already; whoever has made another one of it has an iterable. */
function sourceOf(body: AsyncIterable<Uint8Array>): ContentSource {
  return body instanceof MessageBody ? body : sourceOfIterable(body);
}

function sourceOfIterable(pieces: AsyncIterable<Uint8Array>): ContentSource {
  let reader: ContentReader | undefined;
  let wake: () => void = ignore;
  const hand = async (): Promise<void> => {
    try {
      for await (const piece of pieces) {
        if (reader === undefined) return;
        const hasRoom = new Promise<void>((resolve) => {
          wake = resolve;
        });
        if (!reader.onChunk(piece)) await hasRoom;
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
      wake();
    },
    leave: () => {
      reader = undefined;
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
