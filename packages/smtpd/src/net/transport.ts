/**
 * What a channel needs of a connection: octets in, octets out, and when to stop. It knows nothing about mail.
 *
 * `socket-transport.ts` is the real one, `memory-transport.ts` joins two ends within the process.
 */

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

/** A connection. */
export interface Transport {
  readonly remote: EndpointAddress;
  readonly local: EndpointAddress;
  /** The socket underneath, for what this interface does not cover; `undefined` in memory. */
  readonly socket: unknown;
  /** Begins to read. Called once. */
  start(receiver: TransportReceiver): void;
  /** Writes octets, which must not be changed afterwards. @returns whether more may be written before `onDrain` */
  write(bytes: Uint8Array): boolean;
  /** Octets that were written and have not left this process. */
  readonly unsentBytes: number;
  /** Stops reading, so that the peer has to wait. */
  pause(): void;
  /** Reads on. */
  resume(): void;
  /** Ends our side once everything is written. What the peer still sends is dropped. */
  end(): void;
  /** Cuts the connection at once. */
  destroy(): void;
}
