/** What a store is handed of a message, and what it gives back. Everything but the octets is data that JSON can carry. */

/** A value, or a promise of it. */
export type Awaitable<T> = T | Promise<T>;

/** What a row of a store is: a message, or a session that ended without one. */
export type MessageKind = 'message' | 'session';

/** The envelope, as the client gave it. */
export interface Envelope {
  /** The reverse-path's address; `''` for the null reverse-path. */
  readonly mailFrom: string;
  /** The forward-paths' addresses, in order, repeats included. */
  readonly rcptTos: readonly string[];
  /** The parameters of MAIL, such as `['SIZE=10', 'BODY=8BITMIME']`. */
  readonly mailOptions: readonly string[];
  /** For each recipient, the parameters of its RCPT. */
  readonly rcptOptions: readonly (readonly string[])[];
}

/** What a client showed of itself in the handshake. */
export interface ClientCertificateFacts {
  /** Whether it leads to an authority that is trusted. */
  readonly isVerified: boolean;
  /** Why not. */
  readonly verifyError?: string;
  readonly commonName?: string;
  readonly subjectAltNames: readonly string[];
  /** The SHA-256 digest of the certificate, in hexadecimal. */
  readonly fingerprint256: string;
}

/** What was agreed upon for a session that is not in clear. */
export interface TLSFacts {
  readonly version: string;
  readonly cipher: string;
  /** The name that the client asked for (SNI). */
  readonly serverName?: string;
  /** The protocol that was agreed upon (ALPN). */
  readonly alpn?: string;
  /** Absent when the client showed none. */
  readonly clientCertificate?: ClientCertificateFacts;
}

/** What was known of the session when the message came. */
export interface SessionFacts {
  /** Its name in the server's log. */
  readonly id?: string;
  /** The client's end of the connection. */
  readonly peer: { readonly address: string; readonly port: number };
  /** Our end, where it is a network address. */
  readonly local?: { readonly address: string; readonly port: number };
  /** How the client introduced itself (HELO, EHLO, LHLO). */
  readonly clientName?: string;
  /** The keyword of RFC 3848, such as `ESMTPSA`. */
  readonly protocol?: string;
  /** Absent for a session in clear. */
  readonly tls?: TLSFacts;
  /** Absent without AUTH. */
  readonly identity?: { readonly user: string; readonly mechanism: string; readonly authorizationIdentity?: string };
  /** Why it ended; only of a session without a message. */
  readonly end?: string;
}

/** One line of the conversation. */
export interface TranscriptLine {
  /** Who sent it; `event` for what happened between the two, such as a handshake. */
  readonly from: 'client' | 'server' | 'event';
  /** When, in milliseconds since the session began. */
  readonly atMs: number;
  readonly text: string;
}

/** A conversation to be kept: its lines, or the JSON of them, for who keeps a line with several messages and formats it once. */
export type NewTranscript = readonly TranscriptLine[] | string;

/** What the header says, decoded; or why it could not be read. */
export interface MessageSummary {
  readonly subject?: string;
  readonly from?: readonly string[];
  readonly to?: readonly string[];
  readonly cc?: readonly string[];
  /** What the Date field says; our own time is `receivedAt`. */
  readonly date?: string;
  /** What the Message-ID field says, with its brackets. */
  readonly messageId?: string;
  /** The beginning of the text, for a list; how long it is, is up to whoever adds the message. */
  readonly preview?: string;
  /** The names of the attachments. A part without a name is named here too, as `''`. */
  readonly attachmentNames?: readonly string[];
  /** All fields in order, decoded: name and value. */
  readonly headers?: readonly (readonly [name: string, value: string])[];
  /** Why the message could not be parsed. It is kept all the same. */
  readonly parseFault?: string;
}

/** A summary as it is handed over, with what is searched and not given back. */
export interface NewSummary extends MessageSummary {
  /** The decoded text that is found by its words. */
  readonly searchText?: string;
}

/** What the module has to have that a store is given as its `summarizer`. */
export interface Summarizer {
  /** Says what a message says, from its octets. A message whose octets make it throw is not kept. */
  readonly summarize: (octets: Uint8Array) => NewSummary;
}

/** A message to be kept. */
export interface NewMessage {
  /**
   * Default: `'message'`. A session without a message has no octets; its envelope is as far as it came. It is listed and found like a
   * message, and counted as none.
   */
  readonly kind?: MessageKind;
  /** The octets, as they came. A stream is read to its end, and to a file when it is long. */
  readonly raw: Uint8Array | AsyncIterable<Uint8Array>;
  readonly envelope: Envelope;
  readonly session: SessionFacts;
  /** When it came, by our clock. */
  readonly receivedAt: Date;
  /** Default: no lines. */
  readonly transcript?: NewTranscript;
  /** Where `add` keeps it. Default: `''`, the inbox of everybody. */
  readonly inbox?: string;
  /**
   * What it says; a function is called once all octets are taken, for who parses while they pass. Where it is left out, the store's
   * `summarizer` says it: that is for octets that are handed over as an array, of up to 128 KiB.
   */
  readonly summary?: NewSummary | (() => Awaitable<NewSummary>);
}

/** A message that is kept. Its octets and its transcript are asked for separately. */
export interface StoredMessage {
  /** Unique in this store, and never given again. */
  readonly id: string;
  readonly kind: MessageKind;
  readonly inbox: string;
  readonly receivedAt: Date;
  readonly sizeBytes: number;
  readonly isRead: boolean;
  /** In alphabetical order. */
  readonly tags: readonly string[];
  readonly envelope: Envelope;
  readonly session: SessionFacts;
  readonly summary: MessageSummary;
}
