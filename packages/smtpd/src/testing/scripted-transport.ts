/**
 * A connection that can be told where to break. It stands between the channel and the real transport, so a break falls at an exact
 * place: behind a certain reply, even one in the middle of a pipelined group, or behind a certain octet of content.
 */

import { Socket } from 'node:net';

import type { TLSFacts } from '../net/tls-facts.js';
import type { EndpointAddress, TLSHandshake, Transport, TransportReceiver } from '../net/transport.js';

/** Who is told what passes. */
export interface TransportObserver {
  /** Whether what comes now is content. */
  isContent(): boolean;
  /** Lines of replies went out. */
  onSent(bytes: Uint8Array): void;
  /** The connection was broken as it was told to. */
  onDropped(): void;
}

/** A transport that breaks on demand. */
export class ScriptedTransport implements Transport {
  readonly #inner: Transport;
  readonly startTLS?: (handshake: TLSHandshake, received?: Uint8Array) => Promise<TLSFacts>;
  #observer: TransportObserver | undefined;
  #repliesSent = 0;
  #repliesMax = Infinity;
  #contentBytesLeft = Infinity;
  #isReset = false;
  #isDropped = false;

  constructor(inner: Transport) {
    this.#inner = inner;
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

  watch(observer: TransportObserver): void {
    this.#observer = observer;
  }

  /** Breaks once that many replies of this connection, 354 included, have been sent; at once if they have. */
  dropAfterReplies(count: number, isReset: boolean): void {
    this.#repliesMax = count;
    this.#isReset = isReset;
    if (this.#repliesSent >= count) this.#drop();
  }

  /** Breaks once that many octets of content have come. */
  dropAfterContent(bytes: number, isReset: boolean): void {
    this.#contentBytesLeft = bytes;
    this.#isReset = isReset;
  }

  /** The message was refused before the break was reached. */
  keepAfterContent(): void {
    this.#contentBytesLeft = Infinity;
  }

  start(receiver: TransportReceiver): void {
    this.#inner.start({
      onBytes: (bytes) => {
        this.#receive(receiver, bytes);
      },
      onEnd: () => {
        if (!this.#isDropped) receiver.onEnd();
      },
      onDrain: () => {
        receiver.onDrain();
      },
      onClose: (error) => {
        receiver.onClose(error);
      },
    });
  }

  write(bytes: Uint8Array): boolean {
    if (this.#isDropped) return true;
    const { end, count } = countReplies(bytes, this.#repliesMax - this.#repliesSent);
    this.#repliesSent += count;
    const allowed = end === bytes.length ? bytes : bytes.subarray(0, end);
    this.#observer?.onSent(allowed);
    const mayGoOn = this.#inner.write(allowed);
    if (this.#repliesSent < this.#repliesMax) return mayGoOn;
    this.#drop();
    return true;
  }

  pause(): void {
    // A broken connection is read to its end, into nothing, so that it closes.
    if (!this.#isDropped) this.#inner.pause();
  }

  resume(): void {
    this.#inner.resume();
  }

  end(): void {
    this.#inner.end();
  }

  destroy(): void {
    this.#inner.destroy();
  }

  #receive(receiver: TransportReceiver, bytes: Uint8Array): void {
    if (this.#isDropped) return;
    if (!this.isContentDropPending || this.#observer?.isContent() !== true) {
      receiver.onBytes(bytes);
      return;
    }
    const taken = Math.min(bytes.length, this.#contentBytesLeft);
    this.#contentBytesLeft -= taken;
    receiver.onBytes(bytes.subarray(0, taken));
    if (this.#contentBytesLeft === 0) this.#drop();
  }

  #drop(): void {
    if (this.#isDropped) return;
    this.#isDropped = true;
    this.#observer?.onDropped();
    const { socket } = this.#inner;
    if (!this.#isReset) {
      this.#inner.end();
    } else {
      if (socket instanceof Socket) socket.resetAndDestroy();
      this.#inner.destroy();
    }
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

const HYPHEN = 0x2d;
const LF = 0x0a;
