/**
 * A connection that breaks and drags on demand. It stands between the channel and the real transport, so a break falls at an exact place:
 * behind a certain reply, even one in the middle of a pipelined group, or behind a certain octet of content; and content comes no faster
 * than it may.
 */

import { Socket } from 'node:net';

import type { Clock } from '../net/clock.js';
import type { TLSFacts } from '../net/tls-facts.js';
import type { EndpointAddress, TLSHandshake, Transport, TransportReceiver } from '../net/transport.js';

/**
 * A transport that breaks and drags on demand: what is put between a channel and its transport, to make a server go wrong that is not
 * made by {@link startTestServer}.
 *
 * @example
 * ```ts
 * import { SMTPChannel, SMTPServer, type ChannelOptions } from 'smtpd';
 * import { FaultyTransport } from 'smtpd/testing';
 *
 * class BreakingChannel extends SMTPChannel {
 *   constructor(options: ChannelOptions) {
 *     const transport = new FaultyTransport(options.transport, options.server.options.clock);
 *     super({ ...options, transport });
 *     // The greeting and the reply to EHLO are heard, and nothing behind them.
 *     transport.dropAfterReplies(2);
 *   }
 * }
 * class BreakingServer extends SMTPServer {
 *   static override channelClass = BreakingChannel;
 * }
 * ```
 */
export class FaultyTransport implements Transport {
  readonly startTLS?: (handshake: TLSHandshake, received?: Uint8Array) => Promise<TLSFacts>;
  /** Whether what comes now is content. */
  isContent: () => boolean = () => false;
  /** Lines of replies go out. */
  onSent: (bytes: Uint8Array) => void = () => undefined;
  /** The connection is broken, as it was told to. */
  onDropped: () => void = () => undefined;
  /** The peer will send nothing more. */
  onPeerEnded: () => void = () => undefined;
  readonly #inner: Transport;
  readonly #clock: Clock;
  #receiver: TransportReceiver | undefined;
  #repliesSent = 0;
  #repliesMax = Infinity;
  #contentBytesLeft = Infinity;
  #isReset = false;
  #isDropped = false;
  #bytesPerSecond = Infinity;
  /** What came faster than it may, in order. */
  #held: Uint8Array | undefined;
  /** The peer has ended its side, behind what is held. */
  #hasEnded = false;
  /** The channel wants nothing more for now. */
  #isPaused = false;
  #cancelTick: (() => void) | undefined;

  /**
   * @param inner - the real one
   * @param clock - what a throttle goes by
   */
  constructor(inner: Transport, clock: Clock) {
    this.#inner = inner;
    this.#clock = clock;
    // What cannot be put on TLS does not become so here.
    if (inner.startTLS !== undefined) {
      this.startTLS = (...handshake) => inner.startTLS?.(...handshake) ?? Promise.reject(new Error('Not on TLS'));
    }
  }

  get remote(): EndpointAddress {
    return this.#inner.remote;
  }

  get local(): EndpointAddress {
    return this.#inner.local;
  }

  get socket(): unknown {
    return this.#inner.socket;
  }

  get unsentBytes(): number {
    return this.#inner.unsentBytes;
  }

  /** Whether the connection will break while content comes. */
  get isContentDropPending(): boolean {
    return this.#contentBytesLeft !== Infinity;
  }

  /** Whether nothing of what is said after that many replies will be heard. */
  isOverAfter(replies: number): boolean {
    return replies >= this.#repliesMax;
  }

  /**
   * Breaks once that many replies of this connection, 354 included, have been sent; at once if they have.
   *
   * @param isReset - whether the client gets a reset, or an orderly end
   */
  dropAfterReplies(count: number, isReset = false): void {
    this.#repliesMax = count;
    this.#isReset = isReset;
    if (this.#repliesSent >= count) this.#drop();
  }

  /**
   * Breaks where the next reply behind that many would be sent, and not before somebody gives it.
   *
   * @param isReset - whether the client gets a reset, or an orderly end
   */
  dropInsteadOfReply(count: number, isReset = false): void {
    this.#repliesMax = count;
    this.#isReset = isReset;
  }

  /**
   * Breaks once that many octets of content have come.
   *
   * @param isReset - whether the client gets a reset, or an orderly end
   */
  dropAfterContent(bytes: number, isReset = false): void {
    this.#contentBytesLeft = bytes;
    this.#isReset = isReset;
  }

  /** Lets content through at that rate from now on; `Infinity` for as fast as it comes. */
  throttle(bytesPerSecond: number): void {
    this.#bytesPerSecond = bytesPerSecond;
    if (bytesPerSecond === Infinity) this.#release();
  }

  /** The message is over, or will not come: content is as fast as the client again and breaks nothing. */
  endOfMessage(): void {
    this.#contentBytesLeft = Infinity;
    this.throttle(Infinity);
  }

  start(receiver: TransportReceiver): void {
    this.#receiver = receiver;
    this.#inner.start({
      onBytes: (bytes) => {
        this.#onBytes(bytes);
      },
      onEnd: () => {
        this.onPeerEnded();
        if (this.#held !== undefined) this.#hasEnded = true;
        else if (!this.#isDropped) receiver.onEnd();
      },
      onDrain: () => {
        receiver.onDrain();
      },
      onClose: (error) => {
        // What is held is no message yet, and nobody is left to be answered.
        this.#stopTicking();
        this.#held = undefined;
        receiver.onClose(error);
      },
    });
  }

  write(bytes: Uint8Array): boolean {
    if (this.#isDropped) return true;
    const { end, count } = countReplies(bytes, this.#repliesMax - this.#repliesSent);
    this.#repliesSent += count;
    const mayGoOn = end === 0 || this.#send(end === bytes.length ? bytes : bytes.subarray(0, end));
    if (this.#repliesSent < this.#repliesMax) return mayGoOn;
    this.#drop();
    return true;
  }

  pause(): void {
    // A broken connection is read to its end, into nothing, so that it closes.
    if (this.#isDropped) return;
    this.#isPaused = true;
    this.#inner.pause();
  }

  resume(): void {
    this.#isPaused = false;
    if (this.#held === undefined) this.#inner.resume();
    else this.#tickSoon();
  }

  end(): void {
    this.#letGo();
    this.#inner.end();
  }

  destroy(): void {
    this.#letGo();
    this.#inner.destroy();
  }

  #send(bytes: Uint8Array): boolean {
    this.onSent(bytes);
    return this.#inner.write(bytes);
  }

  #onBytes(bytes: Uint8Array): void {
    if (this.#isDropped) return;
    if (this.#bytesPerSecond === Infinity || !this.isContent()) {
      this.#deliver(bytes);
      return;
    }
    // The octets are lent for the time of this call; and while some are held, no more are read.
    this.#held = this.#held === undefined ? Uint8Array.from(bytes) : joined(this.#held, bytes);
    this.#inner.pause();
    this.#tickSoon();
  }

  /** Hands octets on, up to where the connection is to break. */
  #deliver(bytes: Uint8Array): void {
    if (!this.isContentDropPending || !this.isContent()) {
      this.#receiver?.onBytes(bytes);
      return;
    }
    const taken = Math.min(bytes.length, this.#contentBytesLeft);
    this.#contentBytesLeft -= taken;
    this.#receiver?.onBytes(bytes.subarray(0, taken));
    // Whoever received them may have ended the message, and the break with it.
    if (this.#contentBytesLeft === 0) this.#drop();
  }

  /** The next piece, when its time has come. */
  #tickSoon(): void {
    if (this.#cancelTick !== undefined || this.#isPaused) return;
    // Ten pieces a second; of less than ten octets a second, one octet at a time.
    const pieceBytes = Math.max(1, Math.floor(this.#bytesPerSecond / PIECES_PER_SECOND));
    this.#cancelTick = this.#clock.setTimer(
      () => {
        this.#cancelTick = undefined;
        this.#deliverPiece(pieceBytes);
      },
      (pieceBytes / this.#bytesPerSecond) * 1_000,
    );
  }

  #deliverPiece(pieceBytes: number): void {
    const held = this.#held;
    if (held === undefined || this.#isPaused) return;
    this.#held = held.length > pieceBytes ? held.subarray(pieceBytes) : undefined;
    this.#deliver(held.subarray(0, pieceBytes));
    this.#goOn();
  }

  #goOn(): void {
    if (this.#isDropped) return;
    if (this.#held === undefined) this.#caughtUp();
    // Behind the content there may be commands, which nothing holds back.
    else if (!this.isContent()) this.#release();
    else this.#tickSoon();
  }

  /** Hands on what is held. */
  #release(): void {
    this.#stopTicking();
    const held = this.#held;
    if (held === undefined || this.#isDropped) return;
    this.#held = undefined;
    this.#deliver(held);
    this.#goOn();
  }

  #caughtUp(): void {
    if (this.#hasEnded) {
      this.#hasEnded = false;
      this.#receiver?.onEnd();
    } else if (!this.#isPaused) {
      this.#inner.resume();
    }
  }

  #stopTicking(): void {
    this.#cancelTick?.();
    this.#cancelTick = undefined;
  }

  /** Nobody waits for what is held any more; and what is not read does not close. */
  #letGo(): void {
    this.#stopTicking();
    if (this.#held === undefined) return;
    this.#held = undefined;
    this.#inner.resume();
  }

  #drop(): void {
    if (this.#isDropped) return;
    this.#isDropped = true;
    this.onDropped();
    this.#letGo();
    if (!this.#isReset) {
      this.#inner.end();
      this.#inner.resume();
      return;
    }
    const { socket } = this.#inner;
    if (socket instanceof Socket) socket.resetAndDestroy();
    this.#inner.destroy();
  }
}

/** Where the first `max` replies end, and how many there are. The octets are whole replies. */
function countReplies(bytes: Uint8Array, max: number): { readonly end: number; readonly count: number } {
  let count = 0;
  let end = 0;
  while (count < max && end < bytes.length) {
    // RFC 5321 §4.2.1: a hyphen behind the code says that the reply goes on.
    if (bytes[end + 3] !== HYPHEN) count += 1;
    end = bytes.indexOf(LF, end) + 1;
  }
  return { end, count };
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const whole = new Uint8Array(first.length + second.length);
  whole.set(first);
  whole.set(second, first.length);
  return whole;
}

const HYPHEN = 0x2d;
const LF = 0x0a;
const PIECES_PER_SECOND = 10;
