/** Runs a server until somebody stops it. */

import type { Writable } from 'node:stream';

import { defaultLogger, formatBoundAddress, UsageError, type Logger, type SMTPServer } from '../index.js';
import { CommandError, EXIT, messageOf } from './command-error.js';
import { formatEvent, tellEvents } from './event-lines.js';
import { isBrokenPipe, waitForStop } from './stop.js';
import { asLine, outputLost, say, type Terminal } from './terminal.js';
import type { WorkerLink } from './worker-link.js';

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
  /** Whether SIGHUP reads the TLS certificates again. */
  readonly reloadsTLS: boolean;
  /** The link to the supervisor, when this process is one of several. */
  readonly worker: WorkerLink | undefined;
}

/**
 * Serves until SIGINT, SIGTERM, the end of whoever read standard output or of the room for it, or an order of the supervisor. The first signal closes gracefully;
 * a second one ends the process at once, with 128 and the number of the signal.
 *
 * @returns the exit code
 * @throws CommandError with exit code 1 when an address cannot be opened, or what is printed is lost
 */
export async function serve(server: SMTPServer, terminal: Terminal, options: ServeOptions): Promise<number> {
  const { errors } = terminal;
  const { worker } = options;
  if (options.isDebugging) {
    tellEvents(server, { worker: worker?.number }, (line) => {
      errors.write(`${line}\n`);
    });
  }
  // Whoever saw "listening on" may send a signal, so the handlers come first.
  const stopped = waitForStop(terminal.output);
  const hangup = options.reloadsTLS ? reloadOnHangup(server, errors, worker) : undefined;
  try {
    const ordered = new Promise<void>((resolve) => {
      worker?.onOrder((order) => {
        if (order === 'stop') resolve();
        else hangup?.reload();
      });
    });
    await listen(server, errors, options);
    const lost = await Promise.race([stopped.reason, ordered]);
    await server.close();
    // Whoever sent what could not be printed heard 451; others would hear it, too.
    if (lost instanceof Error) throw outputLost(lost);
    return EXIT.success;
  } finally {
    stopped.forget();
    hangup?.forget();
  }
}

/** Reads the TLS certificates again when SIGHUP comes. */
function reloadOnHangup(server: SMTPServer, errors: Writable, worker: WorkerLink | undefined) {
  const who = worker === undefined ? '' : `worker ${String(worker.number)}: `;
  const reload = (): void => {
    void server.reloadTLS().then(
      () => errors.write(`${who}the TLS certificates were read again\n`),
      // The log has said why, and the old ones stay.
      () => undefined,
    );
  };
  process.on('SIGHUP', reload);
  return { reload, forget: () => process.off('SIGHUP', reload) };
}

/**
 * A logger that has nothing to say about a reader of standard output who has left: that is how a pipeline ends. Where one of several
 * processes speaks, its lines have its number.
 */
export function cliLogger(worker: WorkerLink | undefined): Logger {
  const who = worker === undefined ? {} : { worker: worker.number };
  return Object.freeze({
    ...defaultLogger,
    warn: (fields: object, message: string) => {
      defaultLogger.warn({ ...who, ...fields }, message);
    },
    error: (fields: object, message: string) => {
      if (!('error' in fields && isBrokenPipe(fields.error))) defaultLogger.error({ ...who, ...fields }, message);
    },
  });
}

async function listen(server: SMTPServer, errors: Writable, options: ServeOptions): Promise<void> {
  const { worker } = options;
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
    const remote = describeRemote(server.remoteAddress);
    errors.write(`${formatEvent('started', { class: className, remote, worker: worker?.number })}\n`);
  }
  const lines = server.addresses.map((address) => `listening on ${formatBoundAddress(address)}\n`);
  const { developmentCAFile } = server;
  if (developmentCAFile !== undefined)
    lines.push(`certificate: self-signed; clients that verify need ${asLine(developmentCAFile)}\n`);
  lines.push(...(options.description ?? []).map((line) => `${asLine(line)}\n`));
  const text = lines.join('');
  // What is the same for all workers is said once, by whoever supervises them.
  await (worker === undefined ? say(errors, text) : worker.announce(text));
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
