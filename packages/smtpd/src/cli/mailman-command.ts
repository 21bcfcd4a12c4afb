/** `smtpd mailman`: hands the mail of lists to Mailman 3, and passes all other mail on. */

import { MailmanProxy, type MailmanOptions, type MailmanRESTOptions } from '../index.js';
import { usageError } from './command-error.js';
import { MAILMAN_COMMAND } from './commands.js';
import { textOf } from './options.js';
import { localAndRemote } from './proxy-command.js';
import { runReceiver } from './receiver.js';
import { relayingSettings } from './relaying-settings.js';
import { originOf, type Settings } from './settings.js';
import type { Terminal } from './terminal.js';

/**
 * Serves.
 *
 * @returns the exit code
 * @throws CommandError
 */
export async function runMailman(settings: Settings, terminal: Terminal): Promise<number> {
  const { local, remote } = localAndRemote(settings.words);
  const relaying = relayingSettings(settings, remote, { mayLeadNowhere: true });
  const mailman = mailmanOf(settings);
  // The option table lets no other value through.
  const unknownInListDomain = (textOf(settings.options, 'unknown-in-list-domain') ?? 'reject') as 'reject' | 'relay';
  return runReceiver(settings, terminal, {
    command: MAILMAN_COMMAND,
    className: MailmanProxy.name,
    addresses: local,
    shown: remote === undefined ? [] : [['remote', remote]],
    makeServer: ({ remoteAddress: _, ...options }) =>
      new MailmanProxy({ ...options, ...relaying, mailman, unknownInListDomain }),
    describe: (proxy) => proxy.describeRelaying(),
  });
}

function mailmanOf(settings: Settings): MailmanOptions {
  const { options } = settings;
  const lmtp = textOf(options, 'mailman-lmtp');
  const url = textOf(options, 'mailman-rest');
  const folder = textOf(options, 'mailman-maps');
  if (url !== undefined && folder !== undefined) {
    const [rest, maps] = ['mailman-rest', 'mailman-maps'].map((name) => originOf(settings, name));
    throw usageError(`${String(rest)} and ${String(maps)} both say where lists are known: give one of them`);
  }
  return {
    ...(lmtp === undefined ? {} : { lmtp }),
    ...(url === undefined ? {} : { directory: { rest: restOf(settings, url) } }),
    ...(folder === undefined ? {} : { directory: { maps: { folder } } }),
  };
}

function restOf(settings: Settings, url: string): MailmanRESTOptions {
  const { options } = settings;
  const password = textOf(options, 'mailman-password');
  if (password === undefined) {
    throw usageError(
      `${originOf(settings, 'mailman-rest')} needs a password: SMTPD_MAILMAN_PASSWORD, or --mailman-password`,
    );
  }
  return {
    url,
    user: textOf(options, 'mailman-user') ?? 'restadmin',
    password,
    ...milliseconds(settings, 'mailman-domains-time', 'domainsMs'),
    ...milliseconds(settings, 'mailman-hit-time', 'hitMs'),
    ...milliseconds(settings, 'mailman-miss-time', 'missMs'),
    ...milliseconds(settings, 'mailman-stale-time', 'staleMs'),
  };
}

function milliseconds(settings: Settings, name: string, key: keyof MailmanRESTOptions): Partial<MailmanRESTOptions> {
  const seconds = textOf(settings.options, name);
  return seconds === undefined ? {} : { [key]: Number(seconds) * 1_000 };
}
