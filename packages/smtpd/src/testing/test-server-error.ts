/** The one error that `smtpd/testing` itself raises. What is wrong with a server's options is a `UsageError` of the server. */

import type { ErrorCode } from '../protocol/errors.js';

/**
 * Raised when a wait ended without what it waited for (`SMTPD_TIMED_OUT`), and when a script cannot work (`SMTPD_BAD_OPTION`). The
 * message says what did arrive, or what to write instead.
 */
export class TestServerError extends Error {
  override readonly name = 'TestServerError';
  readonly code: Extract<ErrorCode, 'SMTPD_TIMED_OUT' | 'SMTPD_BAD_OPTION'>;

  constructor(code: TestServerError['code'], message: string) {
    super(message);
    this.code = code;
  }
}

/** A script or a wait that cannot work as it is written. */
export function badOption(message: string): TestServerError {
  return new TestServerError('SMTPD_BAD_OPTION', message);
}

/**
 * @param whose - of what the names are: `drop()`, say
 * @throws {@link TestServerError} for a misspelt name, which would otherwise say nothing
 */
export function checkNames(given: object, names: readonly string[], whose: string): void {
  checkKind(given, names, whose);
  for (const name of Object.keys(given)) {
    if (!names.includes(name))
      throw badOption(`There is no option "${name}" of ${whose}; there are: ${names.join(', ')}`);
  }
}

/** A number, say, has no names, and would do nothing. */
function checkKind(given: unknown, names: readonly string[], whose: string): void {
  if (typeof given === 'object' && given !== null) return;
  throw badOption(
    `The options of ${whose} are an object with ${names.join(', ')}, not ${given === null ? 'null' : `a ${typeof given}`}`,
  );
}
