/** `smtpd debug`: prints what arrives. */

import { DebuggingServer, type DebuggingFormat } from '../index.js';
import { usageError } from './command-error.js';
import { DEBUG_COMMAND } from './commands.js';
import { textOf } from './options.js';
import { runReceiver } from './receiver.js';
import { originOf, type Settings } from './settings.js';
import type { Terminal } from './terminal.js';
import { requireOneProcess } from './worker-count.js';

/**
 * Serves.
 *
 * @returns the exit code
 * @throws CommandError
 */
export async function runDebug(settings: Settings, terminal: Terminal): Promise<number> {
  requireOneProcess(settings, ONE_PRINTER);
  const format = formatOf(settings);
  return runReceiver(settings, terminal, {
    command: DEBUG_COMMAND,
    className: DebuggingServer.name,
    addresses: settings.words,
    shown: [['format', format]],
    makeServer: (options) => new DebuggingServer({ ...options, output: terminal.output, format }),
  });
}

function formatOf(settings: Settings): DebuggingFormat {
  // The option table lets no other value through.
  const format = textOf(settings.options, 'format') as DebuggingFormat | undefined;
  if (!settings.options.has('json')) return format ?? 'text';
  // What is typed comes before what a file or the environment says; two things that are typed have to agree.
  const isTyped = originOf(settings, 'format') === 'option --format';
  if (isTyped && format !== undefined && format !== 'json')
    throw usageError(`--json and --format ${format} contradict each other`);
  return 'json';
}

/** Why what prints messages is one process. */
export const ONE_PRINTER = 'several processes would tear the messages apart that they print on one standard output';
