/**
 * `smtpd inbox` and `smtpd relay`: run the command line of a sibling package, when it is installed. Its entrance `NAME/cli` exports
 * `main(argv)`, which gives the exit code.
 */

import { CommandError, EXIT, messageOf, usageError } from './command-error.js';

/**
 * Runs the sibling's command line.
 *
 * @returns the exit code
 * @throws CommandError with exit code 2 when the package is not installed, 1 when it cannot be run
 */
export async function runSibling(command: string, argv: readonly string[]): Promise<number> {
  const name = `smtpd-${command}`;
  const { main } = await importSibling(command, name);
  if (typeof main !== 'function')
    throw new CommandError(EXIT.failure, `The installed ${name} does not fit this smtpd; update both`);
  return (main as (argv: readonly string[]) => Promise<number>)(argv);
}

async function importSibling(command: string, name: string): Promise<{ readonly main?: unknown }> {
  try {
    return (await import(`${name}/cli`)) as { readonly main?: unknown };
  } catch (error) {
    const isAbsent =
      error instanceof Error &&
      'code' in error &&
      error.code === 'ERR_MODULE_NOT_FOUND' &&
      error.message.includes(`'${name}'`);
    if (isAbsent) throw usageError(`smtpd ${command} needs the package ${name}; install it: npm install ${name}`);
    throw new CommandError(EXIT.failure, `${name} cannot be loaded: ${messageOf(error)}`, { cause: error });
  }
}
