/** What a client's promises are rejected with: the connection failed, the server refused, or it cannot do what the message needs. */

import type { Reply } from '../protocol/reply.js';

/** Why a connection is of no more use. */
export type ConnectionErrorCode =
  | 'SMTPD_CONNECT_FAILED'
  | 'SMTPD_CONNECTION_LOST'
  | 'SMTPD_SERVER_SILENT'
  | 'SMTPD_SERVER_FAULT'
  | 'SMTPD_TLS_FAILED'
  | 'SMTPD_ABORTED';

/** What is known of a connection that has failed. */
export interface ConnectionErrorFacts {
  readonly stage: string;
  readonly reply?: Reply | undefined;
  readonly contentReplies?: readonly Reply[];
  readonly recipients?: readonly RecipientOutcome[];
  readonly cause?: unknown;
}

/**
 * The connection failed, and is closed. Whether the server took a message that was complete before nobody can tell (RFC 5321
 * §3.8: it counts as 451, so send it again), except for those recipients that it had answered for by then.
 */
export class SMTPConnectionError extends Error {
  override readonly name = 'SMTPConnectionError';
  readonly code: ConnectionErrorCode;
  /** What was under way: `connect`, `greeting`, a verb, `content`, or `idle`. */
  readonly stage: string;
  /** The server's last word, where it said why (421); else `undefined`. */
  readonly reply: Reply | undefined;
  /**
   * The replies to the content that had come: over LMTP those to the first of the recipients that were accepted, in order (RFC 2033 §4.2). A
   * 250 among them stands. Empty where there was none.
   */
  readonly contentReplies: readonly Reply[];
  /**
   * From `send()`, where the server had refused some recipients and taken the message for none: each recipient, in order. Else empty: then
   * nothing is known of any.
   */
  readonly recipients: readonly RecipientOutcome[];

  constructor(code: ConnectionErrorCode, message: string, facts: ConnectionErrorFacts) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.code = code;
    this.stage = facts.stage;
    this.reply = facts.reply;
    this.contentReplies = Object.freeze([...(facts.contentReplies ?? [])]);
    this.recipients = Object.freeze([...(facts.recipients ?? [])]);
  }
}

/** The same failure, with what was known of a message by then: a connection fails once, for all who wait for something. */
export function connectionErrorWith(
  error: SMTPConnectionError,
  known: Pick<ConnectionErrorFacts, 'contentReplies' | 'recipients'>,
): SMTPConnectionError {
  const { code, message, stage, reply, contentReplies, recipients, cause } = error;
  return new SMTPConnectionError(code, message, { stage, reply, contentReplies, recipients, cause, ...known });
}

/** What a server said about one recipient. */
export interface RecipientOutcome {
  /** As it was given to the client. */
  readonly address: string;
  /**
   * The reply to its RCPT when that was refused, else the one after the content. Where {@link RecipientOutcome.failure} is there: the 451
   * that its silence counts as (RFC 5321 §3.8).
   */
  readonly reply: Reply;
  readonly isAccepted: boolean;
  /** Why there is no reply of the server: the connection failed before. Send the message to this recipient again. */
  readonly failure?: SMTPConnectionError;
}

/**
 * The server said no to everything there was to send. The connection goes on.
 *
 * @example
 * ```ts
 * import { SMTPClient, SMTPRefusedError } from 'smtpd';
 * const client = new SMTPClient({ remoteAddress: { host: 'localhost', port: 25 } });
 * try {
 *   await client.connect();
 *   await client.send({ mailFrom: 'a@b.example', rcptTos: ['c@d.example'], data: 'Subject: Hi\r\n\r\nHello\r\n' });
 * } catch (error) {
 *   if (error instanceof SMTPRefusedError) console.log(error.command, error.reply.code, error.isTransient);
 * }
 * ```
 */
export class SMTPRefusedError extends Error {
  override readonly name = 'SMTPRefusedError';
  readonly code = 'SMTPD_REFUSED';
  /** What was refused: `connect`, a verb, or `content`. */
  readonly command: string;
  readonly reply: Reply;
  /** What is known of each recipient of a message; empty where no message was sent. */
  readonly recipients: readonly RecipientOutcome[];

  constructor(command: string, reply: Reply, recipients: readonly RecipientOutcome[] = []) {
    super(`${command} was refused: ${reply.toString()}`);
    this.command = command;
    this.reply = reply;
    this.recipients = Object.freeze([...recipients]);
  }

  /** Whether it is worth trying again later (RFC 5321 §4.2.1). */
  get isTransient(): boolean {
    return this.reply.isTransient;
  }
}

/** The message needs an extension that the server does not offer. Nothing was sent: it is never made less than it is. */
export class SMTPNotOfferedError extends Error {
  override readonly name = 'SMTPNotOfferedError';
  readonly code = 'SMTPD_NOT_OFFERED';
  /** The EHLO keyword, such as `SMTPUTF8`. */
  readonly keyword: string;
  /** What somebody who relays the message answers for it. */
  readonly reply: Reply;

  constructor(keyword: string, reply: Reply) {
    super(`The message needs ${keyword}, which the server does not offer`);
    this.keyword = keyword;
    this.reply = reply;
  }
}
