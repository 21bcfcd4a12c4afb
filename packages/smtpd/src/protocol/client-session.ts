/**
 * The client's side of a conversation, as a value that is pulled: the mirror of `server-session.ts`. It knows which reply answers which
 * command, which commands may be sent ahead (RFC 2920), and where the transaction stands.
 *
 * Requests go in by `send`, octets come out of `takeOutput`; octets go in by `receive`, replies with their requests come out of `next`.
 * No socket, no clock: how long to wait is told by {@link ClientSession.wait}. In the client's walk it stands between the transport and
 * `client/client.ts`.
 */

import { DataEncoder } from './data-encoder.js';
import { assertNever, invariant, UsageError } from './errors.js';
import { Input } from './input.js';
import { octets } from './octets.js';
import { ReplyDecoder, type ReplyFault } from './reply-decoder.js';
import type { Reply } from './reply.js';
import { NO_CAPABILITIES, readCapabilities, type ServerCapabilities } from './server-capabilities.js';

/** What a request is, as far as the conversation depends on it. */
export type RequestKind =
  | 'greeting'
  | 'hello'
  | 'startTLS'
  | 'auth'
  | 'mail'
  | 'rcpt'
  | 'data'
  | 'contentEnd'
  | 'chunk'
  | 'lastChunk'
  | 'reset'
  | 'quit'
  | 'xclient'
  | 'other';

/** Something that the server answers. The object itself is its name: `next` gives it back with the reply. */
export interface ClientRequest {
  readonly kind: RequestKind;
  /** The command line without its CRLF; `''` for what has none. */
  readonly line: string;
  /** The line as it goes out, with its CRLF. */
  readonly encoded: Uint8Array;
  /** What goes out right behind the line: the octets of a chunk. */
  readonly octets: Uint8Array | undefined;
  /** What whoever sent it wants to find again when it is answered. */
  readonly note?: unknown;
}

/** Where the conversation is. The phase moves with the replies, not with what was sent. */
export type ClientPhase = 'greeting' | 'start' | 'ready' | 'transaction' | 'content' | 'securing' | 'closed';

/**
 * How a server broke the conversation. Nothing more can be understood after it.
 *
 * - those of {@link ReplyFault}
 * - `unexpected`: a reply that its command cannot have, such as 354 to MAIL
 * - `unasked`: a reply to nothing
 * - `inputBeforeTLS`: octets in clear behind the reply to STARTTLS; somebody may have put them there (CVE-2021-38371 and its kin)
 */
export type ServerFault = ReplyFault | 'unexpected' | 'unasked' | 'inputBeforeTLS';

/** What happens next. */
export type ClientEvent =
  | { readonly kind: 'needData' }
  /**
   * A request has its reply. In LMTP the end of the content has one for each recipient that was accepted (RFC 2033 §4.2): `recipient` is
   * its RCPT, and `isLast` is true with the last of them.
   */
  | {
      readonly kind: 'reply';
      readonly request: ClientRequest;
      readonly reply: Reply;
      readonly recipient: ClientRequest | undefined;
      readonly isLast: boolean;
    }
  /** The server refuses the message before it is complete. The connection is of no more use. */
  | { readonly kind: 'refusedEarly'; readonly reply: Reply }
  /** The server says that it leaves, unasked (RFC 5321 §3.8). The connection is of no more use. */
  | { readonly kind: 'leaving'; readonly reply: Reply }
  | { readonly kind: 'fault'; readonly fault: ServerFault };

/** Whom a client waits for, in the words of RFC 5321 §4.5.3.2. `nothing`: it is our turn. */
export type ClientWait = 'greeting' | 'command' | 'mail' | 'rcpt' | 'data' | 'contentEnd' | 'nothing';

/**
 * One conversation.
 *
 * @example
 * ```ts
 * const session = new ClientSession('smtp');
 * session.receive(octets.encodeLatin1('220 a.example ESMTP\r\n'));
 * session.next(); // { kind: 'reply', request: { kind: 'greeting', … }, … }
 * session.send({ kind: 'hello', line: 'EHLO b.example' });
 * session.takeOutput(); // ['EHLO b.example\r\n']
 * ```
 */
export class ClientSession {
  readonly protocol: 'smtp' | 'lmtp';
  readonly #input = new Input();
  readonly #decoder = new ReplyDecoder();
  readonly #encoder = new DataEncoder();
  /** Sent, and not answered. */
  readonly #outstanding: ClientRequest[] = [newRequest('greeting', undefined)];
  /** How many of those, the first ones, were sent before the last octets came: only they can be answered by them. */
  #answerableCount = 1;
  /** Not sent yet: the server has to answer something before. */
  readonly #queue: ClientRequest[] = [];
  #pieces: Uint8Array[] = NO_PIECES;
  #outputBytes = 0;
  #phase: ClientPhase = 'greeting';
  #capabilities = NO_CAPABILITIES;
  #isExtended = false;
  /** The recipients of the transaction that were accepted. */
  #accepted: ClientRequest[] = [];
  /** How many of the replies to the content have come. */
  #contentReplies = 0;
  #isLeaving = false;

  constructor(protocol: 'smtp' | 'lmtp') {
    this.protocol = protocol;
  }

  get phase(): ClientPhase {
    return this.#phase;
  }

  /** What the server offers; nothing before EHLO or after HELO. */
  get capabilities(): ServerCapabilities {
    return this.#capabilities;
  }

  /** Whether the server took EHLO or LHLO. */
  get isExtended(): boolean {
    return this.#isExtended;
  }

  /** How many recipients of the transaction were accepted so far. */
  get acceptedCount(): number {
    return this.#accepted.length;
  }

  /** Whether every request has its reply and no transaction is open: somebody else may begin one. */
  get isIdle(): boolean {
    return this.#phase === 'ready' && this.#outstanding.length === 0 && this.#queue.length === 0;
  }

  /** Whether a transaction may be asked for: none is open, and nothing is unanswered but RSET, which goes ahead of it. */
  get mayBegin(): boolean {
    return this.#phase === 'ready' && this.unanswered.every(({ kind }) => kind === 'reset');
  }

  /** Whether the server has said that it leaves (421). */
  get isLeaving(): boolean {
    return this.#isLeaving;
  }

  /** Whom we wait for. */
  get wait(): ClientWait {
    const first = this.#outstanding[0];
    return first === undefined ? 'nothing' : RULES[first.kind].wait;
  }

  /** Everything that was sent, or waits to be sent, and has no reply; oldest first. */
  get unanswered(): readonly ClientRequest[] {
    return [...this.#outstanding, ...this.#queue];
  }

  /** How many chunks are on their way. */
  get outstandingCount(): number {
    return this.#outstanding.length + this.#queue.length;
  }

  /** Octets that {@link ClientSession.takeOutput} would give. */
  get outputBytes(): number {
    return this.#outputBytes;
  }

  // ---- Sending ------------------------------------------------------------------------------------------------------

  /**
   * Sends a request when its turn comes: at once, ahead of replies where the server allows it (RFC 2920), or behind them.
   *
   * @throws {@link UsageError} `SMTPD_BAD_COMMAND` when the line has a control character, which could end it
   */
  send(
    request: { readonly kind: RequestKind; readonly line: string; readonly octets?: Uint8Array },
    note?: unknown,
  ): ClientRequest {
    // DATA is the same each time.
    const encoded = request.line === 'DATA' ? DATA_LINE : encodeLine(request.line);
    if (encoded === undefined) {
      throw new UsageError(
        'SMTPD_BAD_COMMAND',
        `A command is one line without control characters, not ${JSON.stringify(request.line.slice(0, 200))}`,
      );
    }
    const { kind, line } = request;
    const queued: ClientRequest = { kind, line, encoded, octets: request.octets, note };
    if (this.#queue.length === 0 && this.#maySend()) {
      this.#sendNow(queued);
    } else {
      this.#queue.push(queued);
      this.#fill();
    }
    return queued;
  }

  /** A piece of the content, as it is; dots are doubled here (RFC 5321 §4.5.2). Only in the phase `content`. */
  sendContent(bytes: Uint8Array): void {
    invariant(this.#phase === 'content' && !this.#hasContentEnded, 'Content follows a 354 reply');
    for (const piece of this.#encoder.encode(bytes)) this.#put(piece);
  }

  /** The content is complete. */
  endContent(note?: unknown): ClientRequest {
    invariant(this.#phase === 'content' && !this.#hasContentEnded, 'Content that ends has begun');
    this.#put(this.#encoder.end());
    this.#contentReplies = 0;
    const request = newRequest('contentEnd', note);
    this.#outstanding.push(request);
    this.#fill();
    return request;
  }

  /** What is to be written, in order; small pieces are joined. The octets must not be changed. */
  takeOutput(): readonly Uint8Array[] {
    const pieces = this.#pieces;
    if (pieces.length === 0) return NOTHING;
    const isLarge = this.#outputBytes > WRITE_BYTES;
    this.#pieces = NO_PIECES;
    this.#outputBytes = 0;
    if (pieces.length === 1) return pieces;
    // The usual case.
    return isLarge ? joinPieces(pieces) : [octets.concat(pieces)];
  }

  #put(piece: Uint8Array): void {
    // An array that grows from nothing makes room for many; as a rule there is one.
    if (this.#pieces.length === 0) this.#pieces = [piece];
    else this.#pieces.push(piece);
    this.#outputBytes += piece.length;
  }

  get #hasContentEnded(): boolean {
    return this.#outstanding.some(({ kind }) => kind === 'contentEnd');
  }

  /** Moves what may be sent now from the queue to the output. */
  #fill(): void {
    while (this.#queue.length > 0 && this.#maySend()) {
      const request = this.#queue.shift();
      if (request === undefined) return;
      this.#sendNow(request);
    }
  }

  #sendNow(request: ClientRequest): void {
    this.#outstanding.push(request);
    this.#put(request.encoded);
    if (request.octets !== undefined && request.octets.length > 0) this.#put(request.octets);
    if (request.kind === 'lastChunk') this.#contentReplies = 0;
  }

  #maySend(): boolean {
    if (this.#phase === 'closed' || this.#phase === 'securing') return false;
    const last = this.#outstanding.at(-1);
    // Commands in the middle of the content would be content.
    if (last === undefined) return this.#phase !== 'content';
    // RFC 2920 §3.1: what ends a group has to be answered first.
    return this.#capabilities.has('PIPELINING') && !RULES[last.kind].endsGroup;
  }

  // ---- Receiving ----------------------------------------------------------------------------------------------------

  /** Adds octets behind those that were not understood yet. They are lent until {@link ClientSession.settle}. */
  receive(bytes: Uint8Array): void {
    if (this.#phase === 'closed') return;
    this.#answerableCount = this.#outstanding.length;
    this.#input.append(bytes);
  }

  /** Copies what is unread, so that the owner of the octets may use them again. */
  settle(): void {
    this.#input.settle();
  }

  /** What happened next. */
  next(): ClientEvent {
    if (this.#phase === 'closed') return NEED_DATA;
    if (this.#phase === 'securing') return this.#input.length > 0 ? this.#fail('inputBeforeTLS') : NEED_DATA;
    const decoded = this.#decoder.decode(this.#input);
    if (decoded === undefined) return NEED_DATA;
    return decoded.kind === 'fault' ? this.#fail(decoded.fault) : this.#onReply(decoded.reply);
  }

  /** The handshake is done: nothing that was said before counts any more (RFC 3207 §4.2). */
  secured(): void {
    invariant(this.#phase === 'securing', 'A handshake that ends has begun');
    this.#phase = 'start';
    this.#forget();
    this.#fill();
  }

  /** It is over. What was not answered never will be. */
  close(): void {
    this.#phase = 'closed';
    this.#input.clear();
  }

  #onReply(reply: Reply): ClientEvent {
    const request = this.#answerableCount > 0 ? this.#outstanding[0] : undefined;
    if (reply.code === 421) this.#isLeaving = true;
    if (request === undefined) {
      if (this.#phase === 'content' && !reply.isPositive && reply.code >= 400) {
        this.close();
        return { kind: 'refusedEarly', reply };
      }
      if (reply.code !== 421) return this.#fail('unasked');
      this.close();
      return { kind: 'leaving', reply };
    }
    if (!isPossible(request.kind, reply)) return this.#fail('unexpected');
    const isContent = request.kind === 'contentEnd' || request.kind === 'lastChunk';
    if (isContent && this.protocol === 'lmtp') return this.#onRecipientReply(request, reply);
    this.#answered(request, reply);
    return { kind: 'reply', request, reply, recipient: undefined, isLast: true };
  }

  /** RFC 2033 §4.2: one reply for each recipient that was accepted, in order. */
  #onRecipientReply(request: ClientRequest, reply: Reply): ClientEvent {
    const recipient = this.#accepted[this.#contentReplies];
    this.#contentReplies += 1;
    // A server that leaves answers once for all (RFC 5321 §3.8).
    const isLast = this.#contentReplies >= this.#accepted.length || reply.code === 421;
    if (isLast) this.#answered(request, reply);
    return { kind: 'reply', request, reply, recipient, isLast };
  }

  #answered(request: ClientRequest, reply: Reply): void {
    this.#outstanding.shift();
    this.#answerableCount -= 1;
    this.#step(request, reply);
    this.#fill();
  }

  #step(request: ClientRequest, reply: Reply): void {
    switch (request.kind) {
      case 'greeting':
        // RFC 5321 §3.1: also behind a greeting that says no the server waits for QUIT.
        this.#phase = 'start';
        return;
      case 'hello':
        if (!reply.isPositive) return;
        this.#isExtended = !request.line.startsWith('HELO');
        this.#capabilities = this.#isExtended ? readCapabilities(reply) : NO_CAPABILITIES;
        this.#endTransaction();
        return;
      case 'startTLS':
        if (reply.isPositive) this.#phase = 'securing';
        return;
      case 'mail':
        if (!reply.isPositive) return;
        this.#phase = 'transaction';
        this.#accepted = [];
        return;
      case 'rcpt':
        if (reply.isPositive) this.#accepted.push(request);
        return;
      case 'data':
        // RFC 5321 §4.3.2: a client goes by the first digit.
        if (reply.code < 400) this.#phase = 'content';
        return;
      case 'contentEnd':
      case 'lastChunk':
        this.#endTransaction();
        return;
      case 'reset':
        if (reply.isPositive) this.#endTransaction();
        return;
      case 'xclient':
        // The server greets the client behind us; that one says EHLO for itself.
        if (!reply.isPositive) return;
        this.#phase = 'start';
        this.#capabilities = NO_CAPABILITIES;
        this.#isExtended = false;
        return;
      case 'chunk':
      case 'auth':
      case 'quit':
      case 'other':
        return;
      default:
        assertNever(request.kind);
    }
  }

  #endTransaction(): void {
    this.#phase = 'ready';
    this.#accepted = [];
  }

  #forget(): void {
    this.#capabilities = NO_CAPABILITIES;
    this.#isExtended = false;
    this.#accepted = [];
    this.#decoder.reset();
    this.#input.clear();
  }

  #fail(fault: ServerFault): ClientEvent {
    this.close();
    return { kind: 'fault', fault };
  }
}

/** A request that has no line. It is made like those that have one: V8 goes back from what it has optimized when another kind of object comes. */
function newRequest(kind: 'greeting' | 'contentEnd', note: unknown): ClientRequest {
  return { kind, line: '', encoded: NO_OCTETS, octets: undefined, note };
}

/**
 * A line as it goes out, with its CRLF; `undefined` when it has a control character, which could end it. A regular expression would take
 * several times as long to find one. Of ASCII the octets are the characters, and nobody has to count them first.
 */
function encodeLine(line: string): Uint8Array | undefined {
  let seenBits = 0;
  for (let at = 0; at < line.length; at += 1) {
    const character = line.charCodeAt(at);
    if (character < 0x20 || character === 0x7f) return undefined;
    seenBits |= character;
  }
  const text = `${line}\r\n`;
  return seenBits < 0x80 ? octets.encodeLatin1(text) : octets.encodeUTF8(text);
}

/** RFC 5321 §4.3.2: which codes a command may have. Within a class any code will do (§4.3.1). */
function isPossible(kind: RequestKind, reply: Reply): boolean {
  const isIntermediate = reply.code < 400 && reply.code >= 300;
  if (kind === 'data') return isIntermediate || reply.code >= 400;
  return !isIntermediate || kind === 'auth' || kind === 'other';
}

function joinPieces(pieces: readonly Uint8Array[]): readonly Uint8Array[] {
  const joined: Uint8Array[] = [];
  let small: Uint8Array[] = [];
  let smallBytes = 0;
  const flush = (): void => {
    if (small.length > 0) joined.push(octets.concat(small));
    small = [];
    smallBytes = 0;
  };
  for (const piece of pieces) {
    if (smallBytes + piece.length > WRITE_BYTES) flush();
    small.push(piece);
    smallBytes += piece.length;
  }
  flush();
  return joined;
}

/** Kind → whom to wait for, and whether RFC 2920 §3.1 makes it the last of its group. */
const RULES: Readonly<Record<RequestKind, { readonly wait: ClientWait; readonly endsGroup: boolean }>> = Object.freeze({
  greeting: { wait: 'greeting', endsGroup: true },
  hello: { wait: 'command', endsGroup: true },
  startTLS: { wait: 'command', endsGroup: true },
  auth: { wait: 'command', endsGroup: true },
  mail: { wait: 'mail', endsGroup: false },
  rcpt: { wait: 'rcpt', endsGroup: false },
  data: { wait: 'data', endsGroup: true },
  contentEnd: { wait: 'contentEnd', endsGroup: false },
  chunk: { wait: 'contentEnd', endsGroup: false },
  lastChunk: { wait: 'contentEnd', endsGroup: false },
  reset: { wait: 'command', endsGroup: false },
  quit: { wait: 'command', endsGroup: true },
  xclient: { wait: 'greeting', endsGroup: true },
  other: { wait: 'command', endsGroup: true },
});

const DATA_LINE = octets.encodeLatin1('DATA\r\n');
const NO_OCTETS = new Uint8Array(0);
const NEED_DATA: ClientEvent = Object.freeze({ kind: 'needData' });
const NOTHING: readonly Uint8Array[] = Object.freeze([]);
/** Nobody writes to it. */
const NO_PIECES: Uint8Array[] = [];
/** Pieces are joined up to this size: one write costs more than the copy. */
const WRITE_BYTES = 65_536;
