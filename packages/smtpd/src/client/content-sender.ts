/**
 * The content of a message on its way to the server, by DATA or in chunks: no faster than the server reads, and given up when the server
 * refuses before the end, the connection fails, or whoever makes the content does. The connection itself is `client.ts`.
 */

import type { ClientRequest, ClientSession, RequestKind } from '../protocol/client-session.js';
import type { Reply } from '../protocol/reply.js';
import { SMTPConnectionError } from './client-errors.js';

/** What is needed of the connection. */
export interface ContentConnection {
  readonly session: () => ClientSession;
  /** Why nothing can be sent any more. */
  readonly failure: () => Error | undefined;
  /** Whether more was written than the server has read. */
  readonly isBlocked: () => boolean;
  /** Writes what the session has. */
  readonly flush: () => void;
  /** The wait that applies now counts from now. */
  readonly arm: () => void;
  readonly request: (request: {
    readonly kind: RequestKind;
    readonly line: string;
    readonly octets?: Uint8Array;
  }) => Promise<Reply>;
  /** The replies to what ends the content: one, or in LMTP one for each recipient. */
  readonly awaitReplies: (end: () => ClientRequest) => Promise<readonly Reply[]>;
  readonly fail: (error: Error) => void;
}

/** Sends the content of one message after the other. */
export class ContentSender {
  readonly #connection: ContentConnection;
  /** What the content that is under way has to hear of. */
  #watcher: ContentWatcher | undefined;

  constructor(connection: ContentConnection) {
    this.#connection = connection;
  }

  /** Whether content is under way. */
  get isSending(): boolean {
    return this.#watcher !== undefined;
  }

  /** There is room for more. */
  onRoom(): void {
    this.#watcher?.onRoom();
  }

  /** The server refuses the message before it is complete; the failure of the connection comes next. */
  onRefusedEarly(reply: Reply): void {
    if (this.#watcher !== undefined) this.#watcher.early = reply;
  }

  /** The connection has failed. */
  onFailure(): void {
    this.#watcher?.onInterrupted();
  }

  /** Sends it after 354. @returns the replies, or the one with which the server refused before the end */
  async send(pieces: Pieces): Promise<readonly Reply[]> {
    const { session, awaitReplies } = this.#connection;
    const early = await this.#pour(pieces, (bytes) => {
      session().sendContent(bytes);
      return this.#whenWritten();
    });
    return early === undefined ? awaitReplies(() => session().endContent()) : [early];
  }

  /** Sends it in chunks (RFC 3030). @returns as {@link ContentSender.send}; a refused chunk's reply stands for all */
  async sendChunks(pieces: Pieces): Promise<readonly Reply[]> {
    const { session, failure, request, awaitReplies } = this.#connection;
    const progress: { refused: Reply | undefined; held: Uint8Array | undefined; answered: Promise<void> } = {
      refused: undefined,
      held: undefined,
      answered: Promise.resolve(),
    };
    const sendHeld = async (): Promise<void> => {
      const chunk = progress.held;
      if (chunk === undefined) return;
      progress.held = undefined;
      const answered = request({ kind: 'chunk', line: `BDAT ${String(chunk.length)}`, octets: chunk });
      progress.answered = answered.then((reply) => {
        if (!reply.isPositive) progress.refused ??= reply;
      });
      progress.answered.catch(ignore);
      await this.#whenWritten();
      // RFC 3030 §4.2: chunks may be sent ahead. A few are enough to keep the line busy.
      const { capabilities, outstandingCount } = session();
      if (!capabilities.has('PIPELINING') || outstandingCount >= CHUNKS_AHEAD_MAX) await progress.answered;
    };
    try {
      const early = await this.#pour(pieces, async (bytes) => {
        await sendHeld();
        progress.held = bytes;
        return progress.refused === undefined;
      });
      if (early !== undefined) return [early];
      // The last chunk makes a message of what came before: none of that may be missing.
      await progress.answered;
    } catch (error) {
      // Nothing is in the middle of a chunk: the transaction can be given up.
      if (failure() === undefined) await request({ kind: 'reset', line: 'RSET' });
      throw error;
    }
    const { refused, held } = progress;
    if (refused !== undefined) return [refused];
    return awaitReplies(() =>
      session().send({
        kind: 'lastChunk',
        line: `BDAT ${String(held?.length ?? 0)} LAST`,
        ...(held === undefined ? {} : { octets: held }),
      }),
    );
  }

  /**
   * Takes content piece by piece until it ends, the server refuses, or the connection fails.
   *
   * @param take - sends a piece; says whether there is any sense in going on
   * @returns the reply with which the server refused before the end, if it did
   */
  async #pour(pieces: Pieces, take: (bytes: Uint8Array) => Promise<boolean>): Promise<Reply | undefined> {
    const { session, failure, fail } = this.#connection;
    const watcher: ContentWatcher = { early: undefined, onRoom: ignore, onInterrupted: ignore };
    this.#watcher = watcher;
    const iterator = Symbol.asyncIterator in pieces ? pieces[Symbol.asyncIterator]() : pieces[Symbol.iterator]();
    let isDone = false;
    try {
      for (;;) {
        if (watcher.early !== undefined) return watcher.early;
        const failed = failure();
        if (failed !== undefined) throw failed;
        // Not Promise.race: a promise that lives as long as the content would keep every piece that it was raced against.
        const step = await new Promise<IteratorResult<Uint8Array> | undefined>((resolve, reject) => {
          watcher.onInterrupted = () => {
            resolve(undefined);
          };
          Promise.resolve(iterator.next()).then(resolve, reject);
        });
        if (step === undefined) continue;
        if (step.done === true) {
          isDone = true;
          return undefined;
        }
        if (!(await take(step.value))) return undefined;
      }
    } catch (error) {
      // What is not complete must not be taken for the message (RFC 5321 §4.1.1.4): in the middle of DATA only closing says so.
      if (session().phase === 'content') {
        fail(
          new SMTPConnectionError('SMTPD_ABORTED', 'The content could not be read to its end', {
            stage: 'content',
            cause: error,
          }),
        );
      }
      throw error;
    } finally {
      this.#watcher = undefined;
      // Whoever makes the content is told that no more of it is wanted; the answer is not waited for.
      if (!isDone) void Promise.resolve(iterator.return?.()).catch(ignore);
    }
  }

  /** @returns that it makes sense to go on, once there is room for more */
  async #whenWritten(): Promise<boolean> {
    const { flush, isBlocked, failure, arm } = this.#connection;
    flush();
    const watcher = this.#watcher;
    if (watcher !== undefined && isBlocked() && failure() === undefined) {
      arm();
      await new Promise<void>((resolve) => {
        watcher.onRoom = resolve;
        watcher.onInterrupted = resolve;
      });
    }
    return true;
  }
}

type Pieces = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

interface ContentWatcher {
  /** The reply with which the server refused before the end. */
  early: Reply | undefined;
  onRoom: () => void;
  onInterrupted: () => void;
}

function ignore(): void {
  // Nobody needs to know.
}

const CHUNKS_AHEAD_MAX = 8;
