/** What goes wrong on the way out of the inbox and into it, and the list of its stable codes. */

/** The `code` of each error, and what it means. */
export const EXCHANGE_ERROR_CODES = {
  EXCHANGE_BAD_ARCHIVE: 'A file that was to be read is not what it should be, or is damaged.',
  EXCHANGE_TOO_LARGE: 'There is more of it than a limit allows; the message says which.',
  EXCHANGE_BAD_MAIL: 'A mail cannot be made of what was given; the message says why.',
  EXCHANGE_NOT_ALLOWED: 'Whoever runs the inbox has not allowed this recipient or this URL. Nothing was sent.',
  EXCHANGE_BAD_OPTION: 'An option has a value that cannot work; the message says which.',
  EXCHANGE_FAILED: 'The other server could not be reached, or cannot take the message; `cause` is why.',
} as const;

/** One of the stable error codes. */
export type ExchangeErrorCode = keyof typeof EXCHANGE_ERROR_CODES;

/** What the functions of this folder throw, and what their promises are rejected with. */
export class ExchangeError extends Error {
  override readonly name = 'ExchangeError';
  readonly code: ExchangeErrorCode;

  constructor(code: ExchangeErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
