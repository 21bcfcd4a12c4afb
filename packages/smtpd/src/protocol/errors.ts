/**
 * The errors that the protocol itself can raise, and the list of their stable codes.
 *
 * Not here: a peer's mistakes. They are values that become replies. An exception means that our caller or we ourselves did
 * something wrong. A handler's verdict, which may be thrown as well, stands beside `Reply`.
 */

/** The `code` of each error that this package throws or rejects with, and what it means. `docs/errors.md` is made from it. */
export const ERROR_CODES = {
  SMTPD_BAD_OPTION:
    'There is no such option, or it has a value that cannot work; the message says which and what to give instead.',
  SMTPD_CONFLICTING_OPTIONS: 'Two options contradict each other.',
  SMTPD_BAD_ADDRESS: 'A listen address or a destination could not be understood.',
  SMTPD_BAD_NETWORK: 'A network could not be understood, or has bits set behind its length.',
  SMTPD_BAD_CERTIFICATE:
    'A key or a certificate could not be read, or the two do not belong together; the message says which, and `cause` why.',
  SMTPD_BAD_EXTENSION:
    'An extension is not well formed, or two extensions declare the same keyword, parameter or verb.',
  SMTPD_BAD_HOOK: 'A hook is not well formed, or was added to a server that cannot call it.',
  SMTPD_BAD_REPLY: 'A reply has an impossible code, or an enhanced status code of another class.',
  SMTPD_ONE_REPLY: 'A command method gave a second final reply to one command, or one outside a command.',
  SMTPD_ALREADY_LISTENING: 'listen() was called on a server that listens already, or that was closed.',
  SMTPD_LISTEN_FAILED: 'A listen address could not be opened; `cause` is the operating system’s error.',
  SMTPD_OPEN_RELAY:
    'A proxy was to listen where everybody could send mail anywhere through it; the message says how to say who may.',
  SMTPD_BAD_COMMAND: 'A client was to send what is no message or not one line, or what cannot be sent at that time.',
  SMTPD_BAD_CONTENT: 'Content that was to be sent has a line end that is not CRLF, or is no octets.',
  SMTPD_CONNECT_FAILED: 'A client could not connect; `cause` is the operating system’s error.',
  SMTPD_CONNECTION_LOST: 'The server closed the connection, or left with 421, before it had answered.',
  SMTPD_SERVER_SILENT: 'The server did not answer, or did not read, within the time of RFC 5321 §4.5.3.2.',
  SMTPD_SERVER_FAULT:
    'The server sent something that is no reply, or one that its command cannot have, such as a no to RSET.',
  SMTPD_TLS_FAILED: 'TLS is required and could not be had, or the server’s certificate is not valid for it.',
  SMTPD_ABORTED:
    'The signal was aborted; the connection was closed, because its conversation cannot be taken up again.',
  SMTPD_REFUSED: 'The server refused; `reply` is what it said.',
  SMTPD_NOT_OFFERED: 'The message needs an extension that the server does not offer; nothing of it was sent.',
  SMTPD_REPLY: 'An application’s verdict, thrown as SMTPReplyError.',
  SMTPD_CLIENT_GONE: 'The client left before the message was complete.',
  SMTPD_TRANSACTION_RESET: 'The client gave a message up between two of its chunks.',
  SMTPD_CONTENT_REFUSED: 'The content broke a rule of the protocol while it was streaming; the client gets the reply.',
  SMTPD_VERDICT_OVERDUE: 'The application did not decide in time; the client was told 451.',
  SMTPD_VERDICT_GIVEN: 'The body of a message was read on after streamMessage had given its verdict.',
  SMTPD_TIMED_OUT: 'A wait of smtpd/testing ended without what it waited for; the message says what did arrive.',
  SMTPD_INVARIANT: 'A fault of this package. Please report it.',
} as const;

/** One of the stable error codes. */
export type ErrorCode = keyof typeof ERROR_CODES;

/**
 * Thrown at once when this package is used in a way that cannot work. The message says what to do instead.
 *
 * @example
 * ```ts
 * import { SMTPServer, UsageError } from 'smtpd';
 * try {
 *   new SMTPServer({ decodeData: true, enableSMTPUTF8: true });
 * } catch (error) {
 *   if (error instanceof UsageError) console.log(error.code); // SMTPD_CONFLICTING_OPTIONS
 * }
 * ```
 */
export class UsageError extends Error {
  override readonly name = 'UsageError';
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Thrown when this package contradicts itself. */
export class InvariantError extends Error {
  override readonly name = 'InvariantError';
  readonly code = 'SMTPD_INVARIANT';
}

/** Asserts what must be true whatever a peer or an application does. */
export function invariant(condition: boolean, message: string): asserts condition {
  if (!condition) throw new InvariantError(message);
}

/** The end of every `switch` over a union: the compiler proves that it cannot be reached. */
export function assertNever(value: never): never {
  throw new InvariantError(`Unexpected value: ${JSON.stringify(value)}`);
}
