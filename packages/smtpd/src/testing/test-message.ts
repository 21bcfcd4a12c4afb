/** A message that came to a test server whole: the envelope, the octets, and what a test most often asks about. */

import type { EndpointAddress } from '../net/transport.js';
import type { Reply } from '../protocol/reply.js';
import type { ContentFacts } from '../protocol/session-events.js';
import type { ReceivedMessage } from '../server/received-message.js';
import { decodeText, readHeaders, type MessageHeaders } from './message-headers.js';
import type { TestSession } from './test-session.js';

/** A message that came whole: one that was taken, or one that was refused. */
export class TestMessage {
  /** Unique in this process. */
  readonly id: string;
  /** The reverse-path's address: who gets the bounces. `''` for the null reverse-path. */
  readonly mailFrom: string;
  /** The recipients of the envelope, in order; Bcc recipients are among them. */
  readonly rcptTos: readonly string[];
  /** The parameters of MAIL, such as `['SIZE=10', 'BODY=8BITMIME']`. */
  readonly mailOptions: readonly string[];
  /** For each recipient, the parameters of its RCPT. */
  readonly rcptOptions: readonly (readonly string[])[];
  /** The Subject field, decoded; `undefined` when there is none. */
  readonly subject: string | undefined;
  /** The header, unfolded and decoded. */
  readonly headers: MessageHeaders;
  /** What the client called itself in HELO or EHLO. */
  readonly clientName: string | undefined;
  /** The client's end of the connection. */
  readonly peer: EndpointAddress;
  /** When the content began to arrive. */
  readonly receivedAt: Date;
  /** What was seen of the content's form: its size, its longest line, bare CRs and LFs. */
  readonly facts: ContentFacts;
  readonly #raw: Uint8Array;
  readonly #bodyStart: number;
  readonly #session: TestSession;
  #replies: readonly Reply[] = [];

  /** @internal */
  constructor(received: ReceivedMessage, session: TestSession) {
    const { headers, bodyStart } = readHeaders(received.data);
    this.id = received.id;
    this.mailFrom = received.mailFrom;
    this.rcptTos = received.rcptTos;
    this.mailOptions = received.mailOptions;
    this.rcptOptions = received.rcptOptions;
    this.subject = headers.get('Subject');
    this.headers = headers;
    this.clientName = received.session.clientName;
    this.peer = received.peer;
    this.receivedAt = received.receivedAt;
    this.facts = received.facts;
    this.#raw = received.data;
    this.#bodyStart = bodyStart;
    this.#session = session;
  }

  /** The content, octet by octet what was sent after the doubled dots were taken off. For a MIME library. */
  get raw(): Uint8Array {
    return this.#raw;
  }

  /** The whole content as text: UTF-8, or one character an octet when it is not UTF-8. */
  get text(): string {
    return decodeText(this.#raw);
  }

  /** What stands behind the header, as text. Parts and transfer encodings are not decoded. */
  get body(): string {
    return decodeText(this.#raw.subarray(this.#bodyStart));
  }

  /**
   * What the client was told of it, where a script or the server behind said so; `undefined` for the usual yes. Over LMTP, of its first
   * recipient.
   */
  get reply(): Reply | undefined {
    return this.#replies[0];
  }

  /** The same for each recipient, in order. Empty for the usual yes. */
  get replies(): readonly Reply[] {
    return this.#replies;
  }

  /** The session it came in. */
  get session(): TestSession {
    return this.#session;
  }

  /** What was said so far in the session it came in. */
  get transcript(): readonly string[] {
    return this.#session.transcript;
  }

  /** @internal */
  answer(replies: readonly Reply[]): void {
    this.#replies = Object.freeze([...replies]);
  }
}
