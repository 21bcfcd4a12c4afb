/** The old module's command line: what its options and addresses mean. */

import { checkLocal, parseRemote, type RemoteAddress } from './addresses.js';
import { usageError } from './command-error.js';
import { listeningSettings, type ListeningSettings } from './listening-settings.js';
import { numberOf, switchOf, textOf, textsOf } from './options.js';
import { originOf, type Settings } from './settings.js';

/** What the old form asks for. */
export interface PythonRequest extends ListeningSettings {
  readonly staysRoot: boolean;
  readonly className: string;
  readonly dataSizeLimit: number;
  readonly enableSMTPUTF8: boolean;
  readonly isDebugging: boolean;
  readonly localAddress: string;
  readonly remoteAddress: RemoteAddress;
}

/**
 * Understands the old form.
 *
 * @throws CommandError with exit code 2
 *
 * @example
 * ```ts
 * understandPythonForm(readSettings(['-n', '-s', '1000', '[::1]:1025'], SERVE, {})); // { staysRoot: true, dataSizeLimit: 1000, … }
 * ```
 */
export function understandPythonForm(settings: Settings): PythonRequest {
  const { options, words } = settings;
  if (words.length > 2) throw usageError(`Invalid arguments: ${words.join(', ')}; at most two addresses`);
  const [local, remote] = words;
  const [listen, ...more] = textsOf(options, 'listen');
  if (more.length > 0)
    throw usageError(`${originOf(settings, 'listen')}: without a command there is one address to listen on`);
  const localAddress = checkLocal(local ?? listen ?? 'localhost:8025');
  return {
    staysRoot: switchOf(options, 'nosetuid') ?? false,
    className: textOf(options, 'class') ?? 'DebuggingServer',
    dataSizeLimit: numberOf(options, 'size') ?? DATA_SIZE_DEFAULT,
    enableSMTPUTF8: switchOf(options, 'smtputf8') ?? false,
    isDebugging: switchOf(options, 'debug') ?? false,
    localAddress,
    remoteAddress: parseRemote(remote ?? 'localhost:25'),
    ...listeningSettings(settings, [localAddress]),
  };
}

const DATA_SIZE_DEFAULT = 33_554_432;
