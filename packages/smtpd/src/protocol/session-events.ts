/**
 * What passes between a session and whoever pulls it, as types: how it is set up, what it says when it is asked for the next thing,
 * the questions it puts to the application, and whom it waits for. The session itself is `server-session.ts`.
 */

import type { ChunkSize } from './chunk-size.js';
import type { Command } from './command.js';
import type { ContentFault, LineEndings } from './data-decoder.js';
import type { Offer, Situation } from './extension.js';
import type { Limits } from './limits.js';
import type { Parameter } from './parameters.js';
import type { Path } from './path.js';
import type { Reply } from './reply.js';
import type { ClientIdentity, Recipient } from './session-state.js';

/** What is the same for all sessions of a server. */
export interface SessionOptions {
  /** The name that the server goes by (RFC 5321 §4.3.1). */
  readonly hostname: string;
  /** What stands behind the name in the greeting. */
  readonly greeting: string;
  readonly protocol: 'smtp' | 'lmtp';
  /** What is offered in a situation. It is asked when a session begins and when its situation changes. */
  readonly offerIn: (situation: Situation) => Offer;
  /** Whether mail is taken only on TLS (RFC 3207 §4). */
  readonly isTLSRequired: boolean;
  /** Whether mail is taken only from clients that have authenticated (RFC 4954 §6). */
  readonly isAUTHRequired: boolean;
  /** What becomes of a client that does not wait for a reply where it has to. It is noted in any case. */
  readonly earlyInput: 'tolerate' | 'refuse';
  readonly limits: Limits;
  readonly lineEndings: LineEndings;
  readonly pathSyntax: 'strict' | 'lenient';
  /** Whether content is handed out while it comes, by `content` events, or all at once with `contentEnd`. */
  readonly isStreaming: boolean;
}

/** Who is told what a session does. */
export interface SessionWatcher {
  /** A reply was queued. The session must not be called from here. */
  onReply(reply: Reply): void;
}

/** What a client did that no client of SMTP does. */
export type Violation =
  /** It spoke before it was greeted (RFC 5321 §3.1). */
  | 'inputBeforeGreeting'
  /** It sent more behind a command whose reply it has to wait for (RFC 2920 §3.1). */
  | 'inputBehindCommand'
  /** It sent more behind STARTTLS; that was dropped (RFC 3207 §4.2). */
  | 'inputBehindSTARTTLS'
  /** It sent more behind its answer to the challenge of an AUTH that succeeded (RFC 4954 §4). */
  | 'inputBehindAUTH'
  /** It sent several commands at once and was not offered PIPELINING. */
  | 'pipeliningNotOffered'
  /** It spoke HTTP. */
  | 'http'
  /** It began a TLS handshake where none is expected. */
  | 'unexpectedTLS';

/** What the client asked for with AUTH (RFC 4954 §4). */
export interface AuthStart {
  /** In upper case. */
  readonly mechanism: string;
  /** `undefined` when none was given. */
  readonly initialResponse: Uint8Array | undefined;
}

/** What a session says when it is asked for the next thing. */
export type SessionEvent =
  /** More octets are needed. */
  | { readonly kind: 'needData' }
  /** Something is unanswered. */
  | { readonly kind: 'paused' }
  /** A command came. It must be answered by one of the command methods, `respond` or an open question. */
  | ({ readonly kind: 'command' } & Command)
  /** The line that answers a challenge came. */
  | { readonly kind: 'line'; readonly text: string; readonly isTooLong: boolean }
  /** There is new content to take (only when streaming). */
  | { readonly kind: 'content' }
  /** The content is complete; unless `refused`, the question about the message is open now. */
  | { readonly kind: 'contentEnd'; readonly facts: ContentFacts; readonly refused: Reply | undefined }
  /** The session is over; send what there is and close. */
  | { readonly kind: 'closed' };

/** What was seen of a message's form while it came. */
export interface ContentFacts {
  /** Octets of content (RFC 1870 §5). */
  readonly sizeBytes: number;
  readonly bareCRCount: number;
  readonly bareLFCount: number;
  /** Octets of the longest line without its CRLF. */
  readonly longestLineBytes: number;
  readonly fault: ContentFault | undefined;
}

/** A decision that the application may take. Without one, the answer is yes. */
export type Question =
  | { readonly kind: 'connect' }
  | { readonly kind: 'helo'; readonly verb: 'HELO' | 'EHLO' | 'LHLO'; readonly client: ClientIdentity }
  | { readonly kind: 'mail'; readonly reversePath: Path; readonly parameters: readonly Parameter[] }
  | { readonly kind: 'rcpt'; readonly recipient: Recipient }
  /** DATA, or the first BDAT of a message. */
  | { readonly kind: 'data'; readonly chunk: ChunkSize | undefined }
  | { readonly kind: 'message'; readonly facts: ContentFacts }
  | { readonly kind: 'vrfy' | 'expn' | 'etrn'; readonly text: string };

/** The question about one recipient. */
export type RecipientQuestion = Extract<Question, { kind: 'rcpt' }>;

/** Whom we wait for, and so which limit counts. */
export type Wait = 'command' | 'content' | 'verdict' | 'messageVerdict' | 'handshake' | 'nothing';

/** What is to be known of a handshake. */
export interface HandshakeOutcome {
  readonly hasChannelBinding?: boolean;
  readonly objection?: Reply | undefined;
}

/** Said often, and made once. */
export const NEED_DATA = Object.freeze({ kind: 'needData' });
export const PAUSED = Object.freeze({ kind: 'paused' });
export const CONTENT = Object.freeze({ kind: 'content' });
export const CLOSED = Object.freeze({ kind: 'closed' });
