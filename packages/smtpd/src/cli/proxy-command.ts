/** `smtpd proxy`: passes mail on, and tells each client what the next server says. */

import { PureProxy } from '../index.js';
import { usageError } from './command-error.js';
import { PROXY_COMMAND } from './commands.js';
import { runReceiver } from './receiver.js';
import { relayingSettings } from './relaying-settings.js';
import type { Settings } from './settings.js';
import type { Terminal } from './terminal.js';

/**
 * Serves.
 *
 * @returns the exit code
 * @throws CommandError
 */
export async function runProxy(settings: Settings, terminal: Terminal): Promise<number> {
  const { local, remote } = localAndRemote(settings.words);
  const relaying = relayingSettings(settings, remote);
  return runReceiver(settings, terminal, {
    command: PROXY_COMMAND,
    className: PureProxy.name,
    addresses: local,
    shown: remote === undefined ? [] : [['remote', remote]],
    makeServer: ({ remoteAddress: _, ...options }) => new PureProxy({ ...options, ...relaying }),
    describe: (proxy) => proxy.describeRelaying(),
  });
}

/** The last word is where mail goes; the one before it, where to listen. A port alone is no place where mail could go. */
export function localAndRemote(words: readonly string[]): {
  readonly local: readonly string[];
  readonly remote: string | undefined;
} {
  if (words.length > 2)
    throw usageError(`Invalid arguments: ${words.slice(2).join(', ')}; there are two addresses at most`);
  const [first, second] = words;
  if (first === undefined) return { local: [], remote: undefined };
  if (second !== undefined) return { local: [first], remote: second };
  return PORT_ALONE.test(first) ? { local: [first], remote: undefined } : { local: [], remote: first };
}

const PORT_ALONE = /^:\d+$/;
