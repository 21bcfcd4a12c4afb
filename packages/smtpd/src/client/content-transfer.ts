/**
 * The content of one message on its way to the server, by DATA or in chunks: no faster than the server reads, and given up when the server
 * refuses before the end, the connection fails, or whoever makes the content does. It is handed over piece by piece; who has it as
 * an iterable of pieces finds `pourPieces` below. The connection itself is `client-connection.ts`.
 */

import type { Reply } from '../protocol/reply.js';
import { connectionErrorWith, SMTPConnectionError } from './client-errors.js';
import type { ClientConnection, ContentWatcher, ReplyReceiver } from './client-connection.js';

/** Who has content sent. One of the last two is called, once, and nothing after it. */
export interface TransferReceiver {
  /** There is room for more. */
  readonly onRoom: () => void;
  /** The replies to the content: one, or in LMTP one for each recipient. A server that refuses before the end is quoted once. */
  readonly onReplies: (replies: readonly Reply[]) => void;
  /** @param replies - what the server had said by then: in LMTP it may have taken the message for the first recipients, and that stands */
  readonly onFailure: (error: unknown, replies?: readonly Reply[]) => void;
}

/** Content that is being sent. What is handed over after the outcome is dropped. */
export interface ContentTransfer {
  /** Sends a piece, which must not be changed afterwards. @returns whether there is room for another; else `onRoom` will say when */
  write(bytes: Uint8Array): boolean;
  /** Whether all that was handed over is written, and its memory may be used for something else. Without this nobody knows. */
  readonly hasLetGo?: boolean;
  /** The content is complete. */
  end(): void;
  /** The content will not be complete, for this reason: the receiver hears it when the server cannot take what it has for the message. */
  giveUp(reason: unknown): void;
}

/** How content goes to the server: after 354, or in chunks (RFC 3030). */
export type TransferKind = 'data' | 'chunks';

/** Begins to send content. The session is in the phase that it needs. */
export function beginTransfer(
  kind: TransferKind,
  connection: ClientConnection,
  receiver: TransferReceiver,
): ContentTransfer {
  return kind === 'data' ? new DataTransfer(connection, receiver) : new ChunkTransfer(connection, receiver);
}

/** What both ways have in common: who hears of it, and that he hears it once. */
abstract class Transfer implements ContentTransfer, ContentWatcher, ReplyReceiver {
  protected readonly connection: ClientConnection;
  readonly #receiver: TransferReceiver;
  readonly #replies: Reply[] = [];
  #isOver = false;

  constructor(connection: ClientConnection, receiver: TransferReceiver) {
    this.connection = connection;
    this.#receiver = receiver;
    connection.beginContent(this);
  }

  abstract write(bytes: Uint8Array): boolean;
  abstract end(): void;
  abstract giveUp(reason: unknown): void;
  abstract onRoom(): void;

  protected get isOver(): boolean {
    return this.#isOver;
  }

  onRefusedEarly(reply: Reply): void {
    this.finish([reply]);
  }

  onFailure(error: unknown): void {
    if (this.#isOver) return;
    this.leave();
    this.tellFailure(error);
  }

  /** Gathers the replies to what ends the content. */
  onReply(reply: Reply, isLast: boolean): void {
    this.#replies.push(reply);
    if (isLast) this.finish(this.#replies);
  }

  protected tellFailure(error: unknown): void {
    this.#receiver.onFailure(error, this.#replies);
  }

  protected tellRoom(): void {
    if (!this.#isOver) this.#receiver.onRoom();
  }

  protected finish(replies: readonly Reply[]): void {
    if (this.#isOver) return;
    this.leave();
    // RFC 5321 §4.1.1.4: a message that is refused ends the transaction, too. Servers do not agree (Postfix keeps it open when a policy
    // refuses), so RSET goes ahead of whatever comes next. The verdict does not wait for its answer.
    const isRefused = !replies.some((reply) => reply.isPositive);
    if (isRefused && this.connection.isOpen) this.connection.requestReset(NOBODY);
    this.#receiver.onReplies(replies);
  }

  /** From here on nothing of it is under way, and nothing that happens is about it. */
  protected leave(): void {
    this.#isOver = true;
    this.connection.endContent();
  }
}

/**
 * After 354. What is not complete must not be taken for the message: no command can be said before the end, and
 * nothing but closing says that there will be none (RFC 5321 §4.1.1.4).
 */
class DataTransfer extends Transfer {
  get hasLetGo(): boolean {
    return !this.isOver && this.connection.hasLetGo;
  }

  write(bytes: Uint8Array): boolean {
    if (this.isOver) return false;
    const { connection } = this;
    connection.session.sendContent(bytes);
    // A little waits for what comes in the same turn: of a small message, writing is what costs.
    if (connection.session.outputBytes < TOGETHER_BYTES_MAX) connection.scheduleFlush();
    else connection.flush();
    return !connection.isBlocked;
  }

  end(): void {
    if (this.isOver) return;
    this.connection.endContent();
    this.connection.requestAtContentEnd(this);
  }

  giveUp(reason: unknown): void {
    if (this.isOver) return;
    const { connection } = this;
    const error = new SMTPConnectionError('SMTPD_ABORTED', 'The content could not be read to its end', {
      stage: 'content',
      cause: reason,
    });
    this.leave();
    connection.fail(error);
    this.tellFailure(reason);
  }

  onRoom(): void {
    this.tellRoom();
  }
}

/** By BDAT. The last piece is held back, for the last chunk must say that it is the last. */
class ChunkTransfer extends Transfer {
  #held: Uint8Array | undefined;
  #unansweredCount = 0;
  #refused: Reply | undefined;
  #isComplete = false;

  write(bytes: Uint8Array): boolean {
    if (this.isOver || this.#refused !== undefined) return false;
    this.#sendHeld();
    this.#held = bytes;
    return this.#hasRoom;
  }

  end(): void {
    this.#isComplete = true;
    this.#sendLast();
  }

  giveUp(reason: unknown): void {
    if (this.isOver) return;
    // Nothing is in the middle of a chunk: the transaction can be given up, and the connection used on.
    this.connection.endContent();
    this.connection.requestReset({
      onReply: () => {
        this.onFailure(reason);
      },
      onFailure: (error) => {
        this.onFailure(error);
      },
    });
  }

  onRoom(): void {
    if (this.#hasRoom) this.tellRoom();
  }

  /** RFC 3030 §4.2: chunks may be sent ahead. A few are enough to keep the line busy. */
  get #hasRoom(): boolean {
    const aheadMax = this.connection.capabilities.has('PIPELINING') ? CHUNKS_AHEAD_MAX : 1;
    return this.#refused === undefined && this.#unansweredCount < aheadMax && !this.connection.isBlocked;
  }

  #sendHeld(): void {
    const chunk = this.#held;
    if (chunk === undefined) return;
    this.#held = undefined;
    this.#unansweredCount += 1;
    this.connection.request(
      { kind: 'chunk', line: `BDAT ${String(chunk.length)}`, octets: chunk },
      {
        onReply: (reply) => {
          this.#onAnswered(reply);
        },
        onFailure: (error) => {
          this.onFailure(error);
        },
      },
    );
    this.connection.flush();
  }

  #onAnswered(reply: Reply): void {
    this.#unansweredCount -= 1;
    if (!reply.isPositive) this.#refused ??= reply;
    if (this.#refused === undefined && !this.#isComplete) this.onRoom();
    else this.#sendLast();
  }

  /** The last chunk makes a message of what came before: none of that may be missing. */
  #sendLast(): void {
    if (this.isOver || this.#unansweredCount > 0) return;
    if (this.#refused !== undefined) {
      this.finish([this.#refused]);
      return;
    }
    const octets = this.#held;
    const line = `BDAT ${String(octets?.length ?? 0)} LAST`;
    this.connection.endContent();
    this.connection.request({ kind: 'lastChunk', line, ...(octets === undefined ? {} : { octets }) }, this);
    this.connection.flush();
  }
}

/**
 * Sends pieces one after the other, until they end, the server refuses, or the connection fails.
 *
 * @returns the replies
 * @throws {@link SMTPConnectionError}, with the replies that had come; what `pieces` throws
 */
export function pourPieces(
  pieces: Pieces,
  begin: (receiver: TransferReceiver) => ContentTransfer,
): Promise<readonly Reply[]> {
  return new Promise((resolve, reject) => {
    const iterator = Symbol.asyncIterator in pieces ? pieces[Symbol.asyncIterator]() : pieces[Symbol.iterator]();
    /** The content has ended; the outcome is known. */
    const state = { isDone: false, isOver: false };
    const isOver = (): boolean => state.isOver;
    const fail: (error: unknown) => void = reject;
    let wake: () => void = ignore;
    const over = (): void => {
      state.isOver = true;
      wake();
      if (!state.isDone) void letGo(iterator);
    };
    const transfer = begin({
      onRoom: () => {
        wake();
      },
      onReplies: (replies) => {
        over();
        resolve(replies);
      },
      onFailure: (error, replies = []) => {
        over();
        const isPartlyAnswered = replies.length > 0 && error instanceof SMTPConnectionError;
        fail(isPartlyAnswered ? connectionErrorWith(error, { contentReplies: replies }) : error);
      },
    });
    const pour = async (): Promise<void> => {
      while (!isOver()) {
        const step = await iterator.next();
        if (isOver()) return;
        if (step.done === true) {
          state.isDone = true;
          transfer.end();
          return;
        }
        if (transfer.write(step.value)) continue;
        await new Promise<void>((room) => {
          wake = room;
        });
      }
    };
    pour().catch((error: unknown) => {
      transfer.giveUp(error);
    });
  });
}

/** Whoever makes the content is told that no more of it is wanted. Not in this turn: it may be what is running. */
async function letGo(iterator: AsyncIterator<Uint8Array> | Iterator<Uint8Array>): Promise<void> {
  try {
    await Promise.resolve();
    await iterator.return?.();
  } catch {
    // Nobody waits for the answer.
  }
}

type Pieces = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

function ignore(): void {
  // Nobody needs to know.
}

const NOBODY: ReplyReceiver = Object.freeze({ onReply: ignore, onFailure: ignore });
const CHUNKS_AHEAD_MAX = 8;
/** Up to here a piece of content waits for the next one of the same turn. */
const TOGETHER_BYTES_MAX = 16_384;
