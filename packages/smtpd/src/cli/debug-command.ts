/** `smtpd debug`: prints what arrives. */

import { DebuggingServer, type DebuggingFormat } from '../index.js';
import { checkLocal } from './addresses.js';
import type { ParsedArguments } from './arguments.js';
import { usageError } from './command-error.js';
import { parseSize, textOf } from './python-arguments.js';
import { cliLogger, constructionError, serve } from './serve.js';
import type { Terminal } from './terminal.js';

/**
 * Serves.
 *
 * @returns the exit code
 * @throws CommandError
 */
export async function runDebug({ options, words }: ParsedArguments, terminal: Terminal): Promise<number> {
  const dataSizeLimit = parseSize(textOf(options, 'size'));
  const hostname = textOf(options, 'hostname');
  const greeting = textOf(options, 'greeting');
  const enableSMTPUTF8 = options.get('smtputf8');
  const settings = {
    localAddress: words.length === 0 ? '127.0.0.1:1025' : words.map(checkLocal),
    output: terminal.output,
    format: formatOf(options),
    logger: cliLogger,
    ...(dataSizeLimit === undefined ? {} : { dataSizeLimit }),
    ...(hostname === undefined ? {} : { hostname }),
    ...(greeting === undefined ? {} : { greeting }),
    ...(typeof enableSMTPUTF8 === 'boolean' ? { enableSMTPUTF8 } : {}),
  };
  return serve(makeServer(settings), terminal, {
    isDebugging: options.has('debug'),
    className: DebuggingServer.name,
  });
}

function makeServer(settings: ConstructorParameters<typeof DebuggingServer>[0]): DebuggingServer {
  try {
    return new DebuggingServer(settings);
  } catch (error) {
    throw constructionError(DebuggingServer.name, error);
  }
}

function formatOf(options: ParsedArguments['options']): DebuggingFormat {
  // The option table lets no other value through.
  const format = textOf(options, 'format') as DebuggingFormat | undefined;
  if (options.has('json') && format !== undefined && format !== 'json')
    throw usageError(`--json and --format ${format} contradict each other`);
  return options.has('json') ? 'json' : (format ?? 'text');
}
