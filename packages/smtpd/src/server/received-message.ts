/** What `processMessage`, `streamMessage` and the `message` hooks are handed. */

import { inspect } from 'node:util';

import type { EndpointAddress } from '../net/transport.js';
import type { ContentFacts } from '../protocol/session-events.js';
import { formatOptions, type Envelope, type Recipient } from '../protocol/session-state.js';
import type { Path } from '../protocol/path.js';
import type { AbortSource } from './abort-source.js';
import type { SessionInfo } from './session-info.js';

/** What every message has, whether it is handed over whole or while it arrives. */
export abstract class MessageEnvelope {
  /** The client's end of the connection. */
  readonly peer: EndpointAddress;
  /** The reverse-path's address (RFC 5321 §4.1.1.2); `''` for the null reverse-path. */
  readonly mailFrom: string;
  /** The forward-paths' addresses, in order, repeats included. */
  readonly rcptTos: readonly string[];
  /** The parameters of MAIL, such as `['SIZE=10', 'BODY=8BITMIME']`. */
  readonly mailOptions: readonly string[];
  /** The reverse-path in full: as sent, its parts, its source route. */
  readonly reversePath: Path;
  /** The recipients in full. */
  readonly recipients: readonly Recipient[];
  readonly session: SessionInfo;
  readonly #init: MessageInit;
  #rcptOptions: readonly (readonly string[])[] | undefined;
  #receivedAt: Date | undefined;

  /** @internal */
  constructor(init: MessageInit) {
    const { envelope } = init;
    this.#init = init;
    this.peer = init.session.peer;
    this.session = init.session;
    this.reversePath = envelope.reversePath;
    this.recipients = envelope.recipients;
    this.mailFrom = envelope.reversePath.address;
    const rcptTos: string[] = [];
    for (const { path } of envelope.recipients) rcptTos.push(path.address);
    this.rcptTos = rcptTos;
    this.mailOptions = formatOptions(envelope.parameters);
  }

  /** What `JSON.stringify` shows of it: its envelope, and what it has besides. */
  toJSON(): object {
    const { id, rcptOptions, receivedAt } = this;
    return Object.assign({ id }, this, { rcptOptions, receivedAt });
  }

  /** @internal What `console.log` shows of it. */
  [inspect.custom](): object {
    return this.toJSON();
  }

  // What costs more than a look is made for whoever asks: most who take a message do not.

  /** Unique in this process. */
  get id(): string {
    return `${this.session.id}.${String(this.#init.number)}`;
  }

  /** For each recipient, the parameters of its RCPT. */
  get rcptOptions(): readonly (readonly string[])[] {
    return (this.#rcptOptions ??= this.recipients.map(({ parameters }) => formatOptions(parameters)));
  }

  /** When the content began to arrive, by this machine's clock. */
  get receivedAt(): Date {
    return (this.#receivedAt ??= new Date(this.#init.receivedAtMs));
  }

  /** Aborted when the client leaves, the time for a verdict is over, or the server is cut off. */
  get signal(): AbortSignal {
    return this.#init.abortSource.signal;
  }
}

/** A message that arrived whole. With `decodeData: true` it is a `ReceivedMessage<string>`. */
export class ReceivedMessage<Data extends Uint8Array | string = Uint8Array> extends MessageEnvelope {
  /**
   * The content, octet by octet what was sent after the doubled dots were taken off, CRLFs kept (a `Buffer` where there are
   * Buffers). With `decodeData: true` a string instead.
   */
  readonly data: Data;
  /** What was seen of its form. */
  readonly facts: ContentFacts;

  /** @internal */
  constructor(init: MessageInit, data: Data, facts: ContentFacts) {
    super(init);
    this.data = data;
    this.facts = facts;
  }
}

/** A message that is arriving. */
export class StreamedMessage extends MessageEnvelope {
  /** The content as it arrives, to be read once. It throws `MessageAbortedError` when the message will not be complete. */
  readonly body: AsyncIterable<Uint8Array>;

  /** @internal */
  constructor(init: MessageInit, body: AsyncIterable<Uint8Array>) {
    super(init);
    this.body = body;
  }
}

/** @internal */
export interface MessageInit {
  /** Which one of its session it is, from 1. */
  readonly number: number;
  readonly envelope: Envelope;
  readonly session: SessionInfo;
  /** When the content began to arrive, in ms since 1970. */
  readonly receivedAtMs: number;
  readonly abortSource: AbortSource;
}
