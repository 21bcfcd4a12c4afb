/** `smtpd maildir`: delivers what arrives into a folder. */

import { Maildir } from '../index.js';
import { usageError } from './command-error.js';
import { MAILDIR_COMMAND } from './commands.js';
import { textOf } from './options.js';
import { runReceiver } from './receiver.js';
import type { Settings } from './settings.js';
import type { Terminal } from './terminal.js';

/**
 * Serves.
 *
 * @returns the exit code
 * @throws CommandError
 */
export async function runMaildir(settings: Settings, terminal: Terminal): Promise<number> {
  const [folder, ...addresses] = settings.words;
  if (folder === undefined) throw usageError('Say where to deliver: smtpd maildir FOLDER');
  // Whoever forgot the folder would find a folder called after the address.
  if (/^\[?[\w.:-]*\]?:\d+$/.test(folder)) throw usageError(`The folder comes first: smtpd maildir FOLDER ${folder}`);
  // The option table lets no other value through.
  const fileLineEnds = (textOf(settings.options, 'file-line-ends') ?? 'lf') as 'lf' | 'crlf';
  return runReceiver(settings, terminal, {
    command: MAILDIR_COMMAND,
    className: Maildir.name,
    addresses,
    shown: [],
    makeServer: (options) => new Maildir({ ...options, folder, fileLineEnds }),
  });
}
