/** `smtpd debug`: prints what arrives. */

import { DebuggingServer, type DebuggingFormat } from '../index.js';
import { checkLocal } from './addresses.js';
import { usageError } from './command-error.js';
import { DEBUG_COMMAND } from './commands.js';
import { listeningSettings, type ListeningSettings } from './listening-settings.js';
import { numberOf, switchOf, textOf, textsOf } from './options.js';
import { printConfig } from './print-config.js';
import { cliLogger, constructionError, serve } from './serve.js';
import { originOf, type Settings } from './settings.js';
import type { Terminal } from './terminal.js';

/**
 * Serves.
 *
 * @returns the exit code
 * @throws CommandError
 */
export async function runDebug(settings: Settings, terminal: Terminal): Promise<number> {
  const { options, words } = settings;
  const given = words.length > 0 ? words : textsOf(options, 'listen');
  const localAddress = (given.length > 0 ? given : ['127.0.0.1:1025']).map(checkLocal);
  const format = formatOf(settings);
  const enableSMTPUTF8 = switchOf(options, 'smtputf8') ?? true;
  const listening = listeningSettings(settings, localAddress);
  if (options.has('print-config')) {
    const shown = { ...settings, options: new Map([...options, ['format', format], ['smtputf8', enableSMTPUTF8]]) };
    return printConfig(shown, { command: DEBUG_COMMAND, addresses: localAddress, terminal });
  }
  const dataSizeLimit = numberOf(options, 'size');
  const greeting = textOf(options, 'greeting');
  const server = makeServer(listening, {
    localAddress,
    output: terminal.output,
    format,
    logger: cliLogger,
    enableSMTPUTF8,
    ...(dataSizeLimit === undefined ? {} : { dataSizeLimit }),
    ...(greeting === undefined ? {} : { greeting }),
  });
  return serve(server, terminal, {
    isDebugging: switchOf(options, 'debug') ?? false,
    className: DebuggingServer.name,
  });
}

function makeServer(
  { serverOptions, hooks }: ListeningSettings,
  settings: ConstructorParameters<typeof DebuggingServer>[0],
): DebuggingServer {
  try {
    const server = new DebuggingServer({ ...serverOptions, ...settings });
    for (const hook of hooks) server.use(hook);
    return server;
  } catch (error) {
    throw constructionError(DebuggingServer.name, error);
  }
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
