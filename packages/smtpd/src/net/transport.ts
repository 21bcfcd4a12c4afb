/**
 * What a channel needs of a connection: octets in, octets out, and when to stop. It knows nothing about mail.
 *
 * `socket-transport.ts` is the real one, `memory-transport.ts` joins two ends within the process.
 */

import type { ConnectionOptions, TLSSocketOptions } from 'node:tls';

import type { TLSFacts } from './tls-facts.js';

/** One end of a connection. */
export interface EndpointAddress {
  /** An IP address in text form, or the path of a Unix socket (`''` for its unnamed client side). */
  readonly address: string;
  /** 0 for a Unix socket. */
  readonly port: number;
  readonly family: 'IPv4' | 'IPv6' | 'unix' | 'memory';
}

/** Who is told what happens on a connection. */
export interface TransportReceiver {
  /** Octets came. They are lent for the time of the call: whoever keeps them copies them. */
  onBytes(bytes: Uint8Array): void;
  /** The peer will send nothing more; it may still read. */
  onEnd(): void;
  /** What was written has gone out far enough to go on. */
  onDrain(): void;
  /** The connection is gone. Called once, last. */
  onClose(error: Error | undefined): void;
}

/** What our side of a TLS handshake is made with. */
export interface TLSHandshake {
  /** The options of the socket for a client that asks for this name (SNI), or for none. `isServer` is set by the transport. */
  readonly optionsFor: (serverName: string | undefined) => TLSSocketOptions;
  /**
   * Reads the name out of the client's first octets. Where it is given, the certificate is chosen before the handshake begins: Node's
   * own `SNICallback` shows the wrong one where the types of their keys differ. Without it no name is looked for.
   */
  readonly readServerName?: (
    bytes: Uint8Array,
  ) =>
    | { readonly kind: 'needMore' }
    | { readonly kind: 'clientHello'; readonly serverName: string | undefined }
    | { readonly kind: 'other' };
}

/** A connection. */
export interface Transport {
  readonly remote: EndpointAddress;
  readonly local: EndpointAddress;
  /** The socket underneath, for what this interface does not cover; `undefined` in memory. */
  readonly socket: unknown;
  /** Begins to read. Called once. */
  start(receiver: TransportReceiver): void;
  /**
   * Makes the server's side of a TLS handshake, after {@link Transport.start}. What was written before goes out in clear; from then on
   * nothing is read or written but through TLS. Without this method a connection cannot be put on TLS.
   *
   * @param received - octets of the handshake that were read already
   * @returns when the handshake is done; rejects when it fails, and then the connection is of no use
   */
  startTLS?(handshake: TLSHandshake, received?: Uint8Array): Promise<TLSFacts>;
  /**
   * Makes the client's side of a TLS handshake, as {@link Transport.startTLS} makes the server's.
   *
   * @param options - for `tls.connect`; with `rejectUnauthorized` a certificate that is not valid for `servername` fails the handshake
   */
  connectTLS?(options: ConnectionOptions): Promise<TLSFacts>;
  /** Writes octets, which must not be changed afterwards. @returns whether more may be written before `onDrain` */
  write(bytes: Uint8Array): boolean;
  /** Octets that were written and have not left this process. */
  readonly unsentBytes: number;
  /** Whether the memory of all that was written may be used for something else. Without this nobody knows. */
  readonly hasLetGo?: boolean;
  /** Stops reading, so that the peer has to wait. */
  pause(): void;
  /** Reads on. */
  resume(): void;
  /** Ends our side once everything is written. What the peer still sends is dropped. */
  end(): void;
  /** Cuts the connection at once. */
  destroy(): void;
}
