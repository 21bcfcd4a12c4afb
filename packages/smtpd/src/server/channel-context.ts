/** What a channel needs of its server, and nothing more. It keeps `channel.ts` and its parts from importing `server.ts`. */

import type { Clock } from '../net/clock.js';
import type { EndpointAddress, TLSHandshake, Transport } from '../net/transport.js';
import type { Situation } from '../protocol/extension.js';
import type { ProxyHeader } from '../protocol/proxy-header.js';
import type { SessionOptions } from '../protocol/session-events.js';
import type { AdmissionLedger } from './admission-ledger.js';
import type { SharedAuthContext } from './authentication.js';
import type { HookTable } from './hooks.js';
import type { Logger } from './logger.js';
import type { ReceivedMessage, StreamedMessage } from './received-message.js';
import type { CompleteOptions } from './server-options.js';
import type { Awaitable, MessageVerdict } from './verdict.js';
import type { Watch } from './watch.js';

/** The server, as its channels see it. */
export interface ChannelOwner {
  /** The server's options, complete. */
  readonly options: CompleteOptions;
  readonly remoteAddress: unknown;
}

/** How a server takes its messages. */
export type MessageTaker =
  | { readonly kind: 'whole'; readonly process: (message: ReceivedMessage<never>) => Awaitable<MessageVerdict> }
  | { readonly kind: 'stream'; readonly stream: (message: StreamedMessage) => Awaitable<MessageVerdict> }
  | { readonly kind: 'hooks' };

/** How TLS is made on a connection. */
export interface ChannelTLS {
  /** Whether it comes before the greeting (RFC 8314 §3.3). */
  readonly isImplicit: boolean;
  readonly isClientCertificateRequired: boolean;
  /** What the next handshake is made with, with the certificates as they are now. */
  readonly handshake: () => Promise<TLSHandshake>;
}

/** What the server hands to its channels: one for all that make TLS in one way. */
export interface ChannelContext {
  readonly sessionOptions: SessionOptions;
  /** How TLS is made on the connection; `undefined` where it is not. */
  readonly tls: ChannelTLS | undefined;
  readonly auth: SharedAuthContext;
  /** Knows of failed authentications, by `addressKeyOf`, and of all who are here, by `countedKeyOf`. */
  readonly ledger: AdmissionLedger;
  /** Whom a client is counted by. */
  readonly addressKeyOf: (peer: EndpointAddress) => string;
  /** The same for the limits on sessions; `undefined` for whoever does not count for its address. */
  readonly countedKeyOf: (peer: EndpointAddress) => string | undefined;
  readonly hooks: HookTable;
  readonly watch: Watch;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly messages: MessageTaker;
  /**
   * The channel's connection is gone.
   *
   * @param counted - whom it counted for; `undefined` when whoever knows tells the ledger
   */
  readonly onGone: (channel: object, counted: EndpointAddress | undefined) => void;
}

/** How one connection came. Most came like all others, and share one of these. */
export interface ChannelArrival {
  /** How its session begins. */
  readonly situation: Situation;
  /** What a proxy in front of us said. */
  readonly proxy: ProxyHeader | undefined;
  /** Octets that were read behind that. */
  readonly received: Uint8Array | undefined;
}

/** What a channel is made of. A subclass with a constructor of its own passes it on as it is. */
export interface ChannelOptions {
  readonly server: ChannelOwner;
  readonly transport: Transport;
  /** @internal */
  readonly context: ChannelContext;
  /** @internal */
  readonly arrival: ChannelArrival;
}
