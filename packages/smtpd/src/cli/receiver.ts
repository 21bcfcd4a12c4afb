/** What the commands that receive mail have in common: where they listen, and how a server is made and served. */

import type { SMTPServer, SMTPServerOptions } from '../index.js';
import { checkLocal } from './addresses.js';
import type { CommandDefinition } from './commands.js';
import { listeningSettings } from './listening-settings.js';
import { numberOf, switchOf, textOf, textsOf, type OptionValue } from './options.js';
import { printConfig } from './print-config.js';
import { cliLogger, constructionError, serve } from './serve.js';
import type { Settings } from './settings.js';
import { supervise } from './supervisor.js';
import type { Terminal } from './terminal.js';
import { workerCount } from './worker-count.js';
import { WorkerLink } from './worker-link.js';
import { sumOf, type Summary } from './worker-messages.js';

/** What one command has of its own. */
export interface Receiver<Server extends SMTPServer> {
  readonly command: CommandDefinition;
  /** For messages about it. */
  readonly className: string;
  /** The addresses that were given as words. */
  readonly addresses: readonly string[];
  /** Options in effect that were not set, or not in this form, for `--print-config`. */
  readonly shown: readonly (readonly [name: string, value: OptionValue])[];
  readonly makeServer: (options: SMTPServerOptions) => Server;
  /** What is said of it when it listens, line by line. */
  readonly describe?: (server: Server) => readonly string[];
  /** What is counted, and printed when it has served. */
  readonly counts?: { readonly of: (server: Server) => Summary; readonly print: (counts: Summary) => Promise<void> };
}

/**
 * Serves, or prints the settings.
 *
 * @returns the exit code
 * @throws CommandError
 */
export async function runReceiver<Server extends SMTPServer>(
  settings: Settings,
  terminal: Terminal,
  receiver: Receiver<Server>,
): Promise<number> {
  const { options } = settings;
  const { counts } = receiver;
  const given = receiver.addresses.length > 0 ? receiver.addresses : textsOf(options, 'listen');
  const localAddress = (given.length > 0 ? given : ['127.0.0.1:1025']).map(checkLocal);
  const enableSMTPUTF8 = switchOf(options, 'smtputf8') ?? true;
  const { serverOptions, hooks } = listeningSettings(settings, localAddress);
  const greeting = textOf(options, 'greeting');
  if (options.has('print-config')) {
    const shownGreeting = greeting ?? (switchOf(options, 'lmtp') === true ? 'LMTP smtpd' : 'ESMTP smtpd');
    const shown = new Map<string, OptionValue>([
      ...options,
      ...receiver.shown,
      ['greeting', shownGreeting],
      ['smtputf8', enableSMTPUTF8],
    ]);
    return printConfig(
      { ...settings, options: shown },
      { command: receiver.command, addresses: localAddress, terminal },
    );
  }
  const dataSizeLimit = numberOf(options, 'size');
  const worker = WorkerLink.find(terminal.environment);
  const reloadsTLS = options.has('tls-cert');
  const count = workerCount(settings);
  if (count > 1 && worker === undefined) {
    return supervise(terminal, {
      ...{ count, addresses: localAddress, reloadsTLS },
      onEnd: async (summaries) => {
        if (summaries.length > 0) await counts?.print(sumOf(summaries));
      },
    });
  }
  const server = makeServer(receiver, {
    ...serverOptions,
    localAddress: worker?.addresses ?? localAddress,
    ...(worker === undefined ? {} : { sharedLimits: SHARED_LIMITS }),
    logger: cliLogger(worker),
    enableSMTPUTF8,
    ...(dataSizeLimit === undefined ? {} : { dataSizeLimit }),
    ...(greeting === undefined ? {} : { greeting }),
  });
  for (const hook of hooks) server.use(hook);
  const exitCode = await serve(server, terminal, {
    isDebugging: switchOf(options, 'debug') ?? false,
    className: receiver.className,
    ...{ reloadsTLS, worker },
    ...(receiver.describe === undefined ? {} : { description: receiver.describe(server) }),
  });
  if (counts !== undefined) {
    const counted = counts.of(server);
    await (worker === undefined ? counts.print(counted) : worker.summarize(counted));
  }
  return exitCode;
}

function makeServer<Server extends SMTPServer>(
  receiver: Pick<Receiver<Server>, 'className' | 'makeServer'>,
  options: SMTPServerOptions,
): Server {
  try {
    return receiver.makeServer(options);
  } catch (error) {
    throw constructionError(receiver.className, error);
  }
}

/** The account that the workers of a command have together. */
export const SHARED_LIMITS = 'smtpd';
