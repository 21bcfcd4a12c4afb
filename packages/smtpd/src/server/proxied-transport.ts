/**
 * A connection that a proxy opened for a client (PROXY protocol): first its header is read, then the connection goes on as the
 * client's, with the client's address.
 *
 * Not here: which proxies are believed (`server.ts`), and what a header looks like (`protocol/proxy-header.ts`).
 */

import type { Clock } from '../net/clock.js';
import type { TLSFacts } from '../net/tls-facts.js';
import type { EndpointAddress, TLSHandshake, Transport, TransportReceiver } from '../net/transport.js';
import { decodeProxyHeader, type ProxyHeader } from '../protocol/proxy-header.js';

/** What becomes of a connection whose header was awaited. */
export type ProxyOutcome =
  | {
      readonly kind: 'header';
      readonly header: ProxyHeader;
      readonly transport: Transport;
      readonly received: Uint8Array;
    }
  /** The connection is closed. `reason` is in our words. */
  | { readonly kind: 'refused'; readonly reason: string; readonly isOverdue: boolean }
  /** It was closed without a word, as a proxy does that only looks whether somebody listens. */
  | { readonly kind: 'left' };

/** What is needed to wait for a header. */
export interface ProxyWait {
  readonly clock: Clock;
  readonly waitMs: number;
  readonly onOutcome: (outcome: ProxyOutcome) => void;
}

/**
 * Reads the header at the start of a connection that nobody has started.
 *
 * @returns gives up waiting, and closes
 */
export function awaitProxyHeader(inner: Transport, { clock, waitMs, onOutcome }: ProxyWait): () => void {
  const waiting = new WaitingReceiver();
  let isDecided = false;
  const decide = (outcome: ProxyOutcome): void => {
    if (isDecided) return;
    isDecided = true;
    cancelTimer();
    if (outcome.kind !== 'header') inner.destroy();
    onOutcome(outcome);
  };
  const refuse = (reason: string, isOverdue = false): void => {
    decide({ kind: 'refused', reason, isOverdue });
  };
  const cancelTimer = clock.setTimer(() => {
    refuse('the PROXY header did not come in time', true);
  }, waitMs);
  waiting.onChange = () => {
    if (isDecided) return;
    const result = decodeProxyHeader(waiting.received);
    if (waiting.hasEnded && waiting.received.length === 0) decide({ kind: 'left' });
    else if (result.kind === 'malformed') refuse(result.reason);
    else if (result.kind === 'needMore' && waiting.hasEnded) refuse('the connection ended within the PROXY header');
    else if (result.kind === 'header') {
      const received = waiting.received.subarray(result.lengthBytes);
      // Nothing is read until it is clear who reads it: the client's octets, or a handshake.
      inner.pause();
      decide({
        kind: 'header',
        header: result.value,
        transport: new ProxiedTransport(inner, waiting, result.value),
        received,
      });
    }
  };
  inner.start(waiting);
  return () => {
    refuse('the server closes');
  };
}

/** Takes what comes until somebody else does. */
class WaitingReceiver implements TransportReceiver {
  received: Uint8Array = NO_OCTETS;
  hasEnded = false;
  onChange: () => void = ignore;
  #next: TransportReceiver | undefined;
  #closedWith: { readonly error: Error | undefined } | undefined;

  /** Hands everything on from now on. What has happened already is told at once. */
  handTo(next: TransportReceiver): void {
    this.#next = next;
    if (this.hasEnded) next.onEnd();
    if (this.#closedWith !== undefined) next.onClose(this.#closedWith.error);
  }

  onBytes(bytes: Uint8Array): void {
    if (this.#next !== undefined) {
      this.#next.onBytes(bytes);
      return;
    }
    const joined = new Uint8Array(this.received.length + bytes.length);
    joined.set(this.received);
    joined.set(bytes, this.received.length);
    this.received = joined;
    this.onChange();
  }

  onEnd(): void {
    this.hasEnded = true;
    if (this.#next !== undefined) this.#next.onEnd();
    else this.onChange();
  }

  onDrain(): void {
    this.#next?.onDrain();
  }

  onClose(error: Error | undefined): void {
    this.hasEnded = true;
    this.#closedWith = { error };
    if (this.#next !== undefined) this.#next.onClose(error);
    else this.onChange();
  }
}

/** The connection, as the client's. */
class ProxiedTransport implements Transport {
  readonly remote: EndpointAddress;
  readonly local: EndpointAddress;
  readonly #inner: Transport;
  readonly #waiting: WaitingReceiver;
  readonly startTLS?: (handshake: TLSHandshake, received?: Uint8Array) => Promise<TLSFacts>;

  constructor(inner: Transport, waiting: WaitingReceiver, { source, destination }: ProxyHeader) {
    this.#inner = inner;
    this.#waiting = waiting;
    this.remote = source ?? inner.remote;
    this.local = destination ?? inner.local;
    if (inner.startTLS !== undefined) {
      this.startTLS = (handshake, received) => {
        inner.resume();
        return (
          inner.startTLS?.(handshake, received) ?? Promise.reject(new Error('This connection cannot be put on TLS'))
        );
      };
    }
  }

  get socket(): unknown {
    return this.#inner.socket;
  }

  get unsentBytes(): number {
    return this.#inner.unsentBytes;
  }

  start(receiver: TransportReceiver): void {
    this.#waiting.handTo(receiver);
    this.#inner.resume();
  }

  write(bytes: Uint8Array): boolean {
    return this.#inner.write(bytes);
  }

  pause(): void {
    this.#inner.pause();
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
}

function ignore(): void {
  // Nobody looks yet.
}

const NO_OCTETS = new Uint8Array(0);
