/** Why a command ends without having done what it was asked: one line for standard error, and the exit code. */

/** The exit codes of `smtpd`. A second signal ends it with 128 and the number of the signal. */
export const EXIT = Object.freeze({ success: 0, failure: 1, usage: 2, unreachable: 3 });

/** Thrown anywhere in the command line; `main.ts` prints it. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly exitCode: number;

  constructor(exitCode: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode;
  }
}

/** What was typed cannot be understood or cannot work. */
export function usageError(message: string): CommandError {
  return new CommandError(EXIT.usage, message);
}

/** The message of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
