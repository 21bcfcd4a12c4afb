/** Runs a server until somebody stops it. */

import type { Writable } from 'node:stream';

import { defaultLogger, formatBoundAddress, UsageError, type Logger, type SMTPServer } from '../index.js';
import { CommandError, EXIT, messageOf } from './command-error.js';
import { formatEvent, tellEvents } from './event-lines.js';
import { asLine, print, type Terminal } from './terminal.js';

/** What happens besides serving. */
export interface ServeOptions {
  /** Whether events are printed. */
  readonly isDebugging: boolean;
  /** For the first line of `isDebugging`. */
  readonly className: string;
  /** What is said behind the addresses, line by line. */
  readonly description?: readonly string[];
  /** Called when the addresses are bound, before anybody is told of them. */
  readonly onBound?: () => void;
}

/**
 * Serves until SIGINT, SIGTERM, or the end of whoever read standard output. The first signal closes gracefully; a second one ends
 * the process at once, with 128 and the number of the signal.
 *
 * @returns the exit code
 * @throws CommandError with exit code 1 when an address cannot be opened
 */
export async function serve(server: SMTPServer, terminal: Terminal, options: ServeOptions): Promise<number> {
  const { errors } = terminal;
  if (options.isDebugging) {
    tellEvents(server, (line) => {
      errors.write(`${line}\n`);
    });
  }
  // Whoever saw "listening on" may send a signal, so the handlers come first.
  const stopped = waitForStop(terminal.output);
  try {
    await listen(server, errors, options);
    await stopped.reason;
    await server.close();
    return EXIT.success;
  } finally {
    stopped.forget();
  }
}

/** A logger that has nothing to say about a reader of standard output who has left: that is how a pipeline ends. */
export const cliLogger: Logger = Object.freeze({
  ...defaultLogger,
  error: (fields: object, message: string) => {
    if (!('error' in fields && isBrokenPipe(fields.error))) defaultLogger.error(fields, message);
  },
});

async function listen(server: SMTPServer, errors: Writable, options: ServeOptions): Promise<void> {
  try {
    await server.listen();
  } catch (error) {
    // Certificates are named by the user, like options, and so is who may send; what else goes wrong here is the machine's.
    const isNamed = error instanceof UsageError && USERS_OWN.has(error.code);
    throw new CommandError(isNamed ? EXIT.usage : EXIT.failure, messageOf(error), { cause: error });
  }
  try {
    options.onBound?.();
  } catch (error) {
    await server.close();
    throw error;
  }
  if (options.isDebugging) {
    const { className } = options;
    errors.write(`${formatEvent('started', { class: className, remote: describeRemote(server.remoteAddress) })}\n`);
  }
  const lines = server.addresses.map((address) => `listening on ${formatBoundAddress(address)}\n`);
  const { developmentCAFile } = server;
  if (developmentCAFile !== undefined)
    lines.push(`certificate: self-signed; clients that verify need ${asLine(developmentCAFile)}\n`);
  lines.push(...(options.description ?? []).map((line) => `${asLine(line)}\n`));
  await print(errors, lines.join(''));
}

interface Stop {
  readonly reason: Promise<void>;
  readonly forget: () => void;
}

function waitForStop(output: Writable): Stop {
  let resolve: () => void = () => undefined;
  const reason = new Promise<void>((each) => {
    resolve = each;
  });
  let isStopping = false;
  const onSignal = (_: NodeJS.Signals, signalNumber: number): void => {
    if (isStopping) process.exit(128 + signalNumber);
    isStopping = true;
    resolve();
  };
  const onOutputError = (error: Error): void => {
    if (isBrokenPipe(error)) resolve();
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
  output.on('error', onOutputError);
  return {
    reason,
    forget: () => {
      for (const signal of SIGNALS) process.off(signal, onSignal);
      output.off('error', onOutputError);
    },
  };
}

function isBrokenPipe(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return ('code' in error && error.code === 'EPIPE') || isBrokenPipe(error.cause);
}

function describeRemote(remote: unknown): string | undefined {
  if (typeof remote !== 'object' || remote === null || !('host' in remote && 'port' in remote)) return undefined;
  return asLine(`${String(remote.host)}:${String(remote.port)}`);
}

/** What a constructor threw: a wrong option is the user's, anything else is the class's own. */
export function constructionError(className: string, error: unknown): CommandError {
  return error instanceof UsageError
    ? new CommandError(EXIT.usage, error.message, { cause: error })
    : new CommandError(EXIT.failure, `${className} cannot be made: ${messageOf(error)}`, { cause: error });
}

const USERS_OWN = new Set<string>(['SMTPD_BAD_CERTIFICATE', 'SMTPD_OPEN_RELAY']);
const SIGNALS = ['SIGINT', 'SIGTERM'] as const;
