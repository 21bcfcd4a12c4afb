/**
 * A message on its way into a session: its content by DATA or in chunks (RFC 3030), what is wrong with the form of it, and the replies that
 * end it. The octets behind a chunk that was refused are dropped here, too. Whether the commands may come is for `command-gate.ts`; how
 * content is decoded, for the decoders.
 */

import { ChunkDecoder } from './chunk-decoder.js';
import type { ChunkSize } from './chunk-size.js';
import { isBinary } from './command-arguments.js';
import { ContentBuffer } from './content-buffer.js';
import { DataDecoder, type ContentFault } from './data-decoder.js';
import type { Dialogue } from './dialogue.js';
import { invariant } from './errors.js';
import type { Input } from './input.js';
import { Reply } from './reply.js';
import { CONTENT, NEED_DATA, type ContentFacts, type SessionEvent } from './session-events.js';
import { chunkBegun, chunkTaken, contentBegun, transactionEnded, type SessionState } from './session-state.js';
import * as replies from './standard-replies.js';

/** Takes the messages of one session. */
export class MessageReception {
  readonly #dialogue: Dialogue;
  readonly #input: Input;
  /** Made for the first message. */
  #contentBuffer: ContentBuffer | undefined;
  /** Octets of a refused chunk that are still to come, and what is answered then (RFC 3030 §2). */
  #refusedChunk: RefusedChunk | undefined;
  /** Whether a chunk was refused, and the chunks that come next are those that the client sent behind it. */
  #isBehindFailure = false;

  constructor(dialogue: Dialogue, input: Input) {
    this.#dialogue = dialogue;
    this.#input = input;
  }

  #content(): ContentBuffer {
    return (this.#contentBuffer ??= new ContentBuffer(this.#dialogue.options.isStreaming ? 'pieces' : 'whole'));
  }

  /** Whether the octets of a chunk that was refused are still to come. */
  get isDroppingChunk(): boolean {
    return this.#refusedChunk !== undefined;
  }

  /** The content that has come since the last call. */
  takeContent(): Uint8Array {
    return this.#content().take();
  }

  /** A message of about that many octets was announced. */
  expect(sizeBytes: number): void {
    this.#content().expect(sizeBytes);
  }

  /** Drops what has come of a message. */
  clear(): void {
    this.#contentBuffer?.clear();
  }

  /** The session is over. */
  end(): void {
    this.#refusedChunk = undefined;
    this.#contentBuffer?.clear();
  }

  /** DATA, or the first chunk of a message, was accepted. */
  begin(chunk: ChunkSize | undefined): void {
    const { state, options, offer } = this.#dialogue;
    invariant(state.phase === 'recipients', 'DATA proceeds with recipients');
    const { lineEndings } = options;
    const sizeLimitBytes = offer.facts.sizeLimitBytes ?? Infinity;
    if (chunk !== undefined) {
      const binary = isBinary(state.envelope);
      this.beginChunk(state, new ChunkDecoder({ lineEndings, sizeLimitBytes, binary }), chunk);
      return;
    }
    this.#dialogue.enter(contentBegun(state, new DataDecoder({ lineEndings, sizeLimitBytes })));
    // 354 is intermediate: the command's final reply is the one after the content.
    this.#dialogue.send(replies.START_MAIL_INPUT);
  }

  /** Takes the content behind DATA. */
  nextContent(): SessionEvent {
    const { state } = this.#dialogue;
    invariant(state.phase === 'content', 'Content is awaited');
    const { decoder } = state;
    const isComplete = decoder.decode(this.#input, this.#content());
    if (!isComplete) return this.#hasNewContent() ? CONTENT : NEED_DATA;
    return this.#endContent(decoder);
  }

  /** The content is complete: it is refused for its form, or the application is asked. */
  #endContent(decoder: DataDecoder | ChunkDecoder): SessionEvent {
    const facts = contentFacts(decoder);
    const refused = this.#contentObjection(facts);
    if (refused === undefined) this.#dialogue.ask({ kind: 'message', facts });
    else this.refuseMessage(refused);
    return { kind: 'contentEnd', facts, refused };
  }

  #contentObjection({ fault, longestLineBytes }: ContentFacts): Reply | undefined {
    if (fault !== undefined) return CONTENT_FAULT_REPLIES[fault];
    if (longestLineBytes <= this.#dialogue.options.limits.contentLineBytesMax) return undefined;
    this.#dialogue.counts.noteExceeded('contentLineBytesMax');
    return replies.CONTENT_LINE_TOO_LONG;
  }

  #hasNewContent(): boolean {
    return this.#dialogue.options.isStreaming && this.#content().length > 0;
  }

  // ---- Chunks (RFC 3030 §2) -----------------------------------------------------------------------------------------

  /** Takes the octets of a chunk. `undefined`: it is complete and answered, and there is nothing to tell. */
  nextChunk(): SessionEvent | undefined {
    const { state } = this.#dialogue;
    invariant(state.phase === 'chunk', 'A chunk is awaited');
    const { decoder, isLast } = state;
    const isComplete = decoder.decode(this.#input, this.#content());
    if (!isComplete) return this.#hasNewContent() ? CONTENT : NEED_DATA;
    if (isLast) {
      decoder.finish(this.#content());
      return this.#endContent(decoder);
    }
    if (decoder.fault !== undefined) {
      // The message has failed. Chunks that follow find no transaction, and are dropped.
      const refused = CONTENT_FAULT_REPLIES[decoder.fault];
      this.#isBehindFailure = true;
      this.refuseMessage([refused]);
      return { kind: 'contentEnd', facts: contentFacts(decoder), refused };
    }
    this.#dialogue.enter(chunkTaken(state));
    this.#dialogue.answer(new Reply(250, '2.0.0', `${String(decoder.chunkBytes)} octets received`));
    return this.#hasNewContent() ? CONTENT : undefined;
  }

  /** A chunk of the message was accepted; its octets come next. */
  beginChunk(
    state: Extract<SessionState, { phase: 'recipients' | 'chunks' }>,
    decoder: ChunkDecoder,
    { sizeBytes, isLast }: ChunkSize,
  ): void {
    decoder.begin(sizeBytes);
    this.#dialogue.enter(chunkBegun(state, decoder, isLast));
  }

  /** Answers a chunk with no, behind its octets. */
  refuseChunk({ sizeBytes, isLast }: ChunkSize, reply: Reply): void {
    this.#refusedChunk = { remainingBytes: sizeBytes, isLast, reply };
  }

  /** Another command came: no chunk belongs to what failed any more. */
  endChunks(): void {
    this.#isBehindFailure = false;
  }

  /**
   * Takes the octets of a chunk that was refused, and answers it. RFC 3030 §2: the transaction has failed, and chunks that the client
   * sent ahead must not be taken for a message.
   */
  dropChunk(): SessionEvent | undefined {
    const chunk = this.#refusedChunk;
    invariant(chunk !== undefined, 'A chunk is being dropped');
    const count = Math.min(this.#input.length, chunk.remainingBytes);
    this.#input.take(count);
    chunk.remainingBytes -= count;
    if (chunk.remainingBytes > 0) return NEED_DATA;
    this.#refusedChunk = undefined;
    this.#answerRefusedChunk(chunk);
    const state = this.#dialogue.state;
    if (state.phase !== 'recipients' && state.phase !== 'chunks') return undefined;
    this.clear();
    this.#dialogue.enter(transactionEnded(state));
    // Who streams what came before must not wait for more.
    return state.phase === 'chunks'
      ? { kind: 'contentEnd', facts: contentFacts(state.decoder), refused: chunk.reply }
      : undefined;
  }

  /**
   * RFC 3030 §2 lets a client send chunks ahead. Those that belong to a message of which one was refused find no transaction, and the client
   * could not know: they are one error together. They are bounded all the same, as commands that move no mail.
   */
  #answerRefusedChunk({ reply, isLast }: RefusedChunk): void {
    const { phase } = this.#dialogue;
    const isFollower = this.#isBehindFailure && reply.code === 503 && (phase === 'ready' || phase === 'sender');
    this.#isBehindFailure = !isLast;
    // RFC 2033 §4.3: the last chunk has a reply for each recipient that was accepted, whatever it is.
    if (isLast && (phase === 'recipients' || phase === 'chunks')) this.#sendForOthers(reply);
    if (!isFollower) this.#dialogue.refuseChecked(reply);
    else if (this.#dialogue.counts.countIdleCommand())
      this.#dialogue.closeForLimit('idleCommandsMax', replies.TOO_MANY_IDLE_COMMANDS);
    else this.#dialogue.answer(reply);
  }

  // ---- The end of a message ----------------------------------------------------------------------------------------

  /** The message has its final reply, one for all or one for each recipient; the transaction is over whatever it was (RFC 5321 §4.1.1.4). */
  endMessage(answer: Reply | readonly Reply[]): void {
    this.#content().clear();
    if (answer instanceof Reply) this.#answerForAll(answer);
    else this.#answerEach(answer);
    const { state } = this.#dialogue;
    if (state.phase !== 'closed') this.#dialogue.enter(transactionEnded(state));
  }

  /** RFC 2033 §4.2: LMTP has a reply for each recipient that was accepted, SMTP has one for all. */
  #answerForAll(reply: Reply): void {
    this.#sendForOthers(reply);
    this.#dialogue.answer(reply);
  }

  /** Replies for all recipients but the last. */
  #sendForOthers(reply: Reply): void {
    if (this.#dialogue.options.protocol !== 'lmtp') return;
    const count = this.#dialogue.transaction.recipients.length;
    for (let sent = 1; sent < count; sent += 1) this.#dialogue.send(reply);
  }

  #answerEach(each: readonly Reply[]): void {
    const last = each.at(-1);
    invariant(last !== undefined, 'A message has a recipient, and a reply');
    for (const reply of each.slice(0, -1)) this.#dialogue.send(reply);
    this.#dialogue.answer(last);
    // RFC 5321 §3.8: 421 closes, also when it was the answer for one of several recipients.
    if (each.some(({ code }) => code === 421)) this.#dialogue.close();
  }

  /** The message was refused. @param refusal - for all, or one for each recipient */
  refuseMessage(refusal: Reply | readonly Reply[]): void {
    if (this.#dialogue.counts.countRefusal()) this.#dialogue.closeForLimit('refusalsMax', replies.TOO_MANY_REFUSALS);
    else this.endMessage(refusal);
  }
}

interface RefusedChunk {
  remainingBytes: number;
  readonly isLast: boolean;
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

const CONTENT_FAULT_REPLIES: Readonly<Record<ContentFault, Reply>> = Object.freeze({
  tooLarge: replies.TOO_MUCH_DATA,
  bareLineEnd: replies.BARE_LINE_END_IN_CONTENT,
});
