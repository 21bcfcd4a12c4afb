/** The command `smtpd-inbox`: from arguments to an inbox that runs until somebody stops it. */

import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Writable } from 'node:stream';

import { formatBoundAddress, SMTPReplyError, UsageError, type TLSOptions } from 'smtpd';
import { StoreError } from 'smtpd-store';

import { InboxUsageError, startInbox, type InboxOptions, type InboxServer } from '../index.js';
import { PACKAGE_FOLDER } from '../package-folder.js';
import { InboxArgumentError, readArguments, type InboxArguments } from './arguments.js';
import { helpText } from './help.js';
import { print } from './print.js';
import { findSubcommand, runSubcommand } from './subcommands.js';

/** Where a program writes, and what it finds around it. */
export interface InboxTerminal {
  readonly output: Writable;
  readonly errors: Writable;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/**
 * Runs the command.
 *
 * @param argv - without the program's name
 * @returns the exit code: 0 for a good end, 1 when something failed, 2 for arguments that cannot work
 */
export async function main(argv: readonly string[], terminal: Partial<InboxTerminal> = {}): Promise<number> {
  const { output = process.stdout, errors = process.stderr, environment = process.env } = terminal;
  try {
    const subcommand = findSubcommand(argv[0]);
    if (subcommand !== undefined)
      return await runSubcommand(subcommand, argv.slice(1), { output, errors, environment });
    const given = readArguments(argv, environment);
    if (given.isOn('help') === true) {
      await print(output, helpText());
      return 0;
    }
    if (given.isOn('version') === true) {
      const manifest = await readFile(new URL('package.json', PACKAGE_FOLDER), 'utf8');
      await print(output, `${(JSON.parse(manifest) as { version: string }).version}\n`);
      return 0;
    }
    const isOpen = given.text('password') === undefined && given.text('token') === undefined;
    const madePassword = isOpen && given.isOn('generate-password') === true ? makePassword() : undefined;
    return await serve(
      { ...(await optionsOf(given)), ...present('password', madePassword) },
      { errors, isDebugging: given.isOn('debug') === true, madePassword },
    );
  } catch (error) {
    errors.write(`smtpd-inbox: ${messageOf(error)}\n`);
    return isUsersOwn(error) ? 2 : 1;
  }
}

/** A password that nobody guesses, for one run. */
function makePassword(): string {
  return randomBytes(12).toString('base64url');
}

/** What the arguments mean. @throws {@link InboxArgumentError} */
async function optionsOf(given: InboxArguments): Promise<InboxOptions> {
  const text = (name: string): string | undefined => given.text(name);
  const smtp = given.words.length === 0 ? given.texts('listen') : given.words;
  const http = text('http');
  /** Where it is off unless somebody says otherwise, `off` may be said all the same. */
  const address = (name: string): string | undefined => (text(name) === 'off' ? undefined : text(name));
  const smtps = address('smtps');
  const release = text('release');
  const maxAge = number(given, 'max-age');
  const limits = {
    ...present('messagesMax', number(given, 'max-messages')),
    ...present('bytesMax', number(given, 'max-bytes')),
    ...present('ageMsMax', maxAge === undefined ? undefined : maxAge * 3_600_000),
  };
  if (release === undefined && given.texts('release-to') !== undefined)
    throw new InboxArgumentError('--release-to needs --release, the server that messages are released to');
  return {
    ...present('smtp', smtp?.map(smtpAddress)),
    ...present('http', http === 'off' ? (false as const) : http),
    ...present('smtps', smtps === undefined ? undefined : smtpAddress(smtps)),
    ...present('mailpit', address('mailpit')),
    ...present('mailhog', address('mailhog')),
    ...present('pop3', address('pop3')),
    ...present('data', text('data')),
    ...present('store', text('store')),
    ...(Object.keys(limits).length === 0 ? {} : { limits }),
    ...present('messageBytesMax', number(given, 'size')),
    ...present('hostname', text('hostname')),
    ...present('tls', tlsOf(given)),
    ...present('auth', authOf(given)),
    ...present('isAuthRequired', given.isOn('auth-required')),
    ...present('hasRecipientFaults', given.isOn('recipient-faults')),
    ...present('inboxDomain', text('inbox-domain')),
    ...present('password', text('password')),
    ...present('token', text('token')),
    ...present('httpHosts', given.texts('http-host')),
    ...present('httpOrigins', given.texts('http-origin')),
    ...present('mayLoadRemoteContent', given.isOn('remote-content')),
    ...present('mayAskDNS', given.isOn('dns')),
    ...present('dkimKeys', await keysOf(given)),
    ...(release === undefined ? {} : { release: { to: release, allow: given.texts('release-to') ?? [] } }),
    ...present('webhookURLs', given.texts('webhook-url')),
  };
}

/** A port alone is on this machine. */
function smtpAddress(word: string): string {
  return /^\d+$/.test(word) ? `127.0.0.1:${word}` : word;
}

function tlsOf(given: InboxArguments): TLSOptions | undefined {
  const [mode, certFile, keyFile] = [given.text('tls'), given.text('tls-cert'), given.text('tls-key')];
  if ((certFile === undefined) !== (keyFile === undefined))
    throw new InboxArgumentError('--tls-cert and --tls-key are given together');
  if (mode === undefined && certFile === undefined) return undefined;
  const known = TLS_MODES.find((each) => each === (mode ?? 'offer'));
  if (known === undefined) throw new InboxArgumentError(`--tls is one of ${TLS_MODES.join(', ')}, not "${mode ?? ''}"`);
  return { mode: known, ...(certFile === undefined || keyFile === undefined ? {} : { certFile, keyFile }) };
}

function authOf(given: InboxArguments): InboxOptions['auth'] | undefined {
  const who = given.texts('auth');
  if (who === undefined) return undefined;
  const [first] = who;
  if (who.length === 1 && (first === 'any' || first === 'off')) return first;
  return Object.fromEntries(
    who.map((each) => {
      const colon = each.indexOf(':');
      // What was typed may be a password, so it is not repeated.
      if (colon <= 0 || colon === each.length - 1) throw new InboxArgumentError('--auth is any, off, or user:password');
      return [each.slice(0, colon), each.slice(colon + 1)];
    }),
  );
}

async function keysOf(given: InboxArguments): Promise<InboxOptions['dkimKeys'] | undefined> {
  const keys = given.texts('dkim-key');
  if (keys === undefined) return undefined;
  const entries = keys.map(async (each) => {
    const { selector, domain, file } = DKIM_KEY.exec(each)?.groups ?? {};
    if (selector === undefined || domain === undefined || file === undefined)
      throw new InboxArgumentError('--dkim-key is selector._domainkey.domain=FILE');
    try {
      return { selector, domain, publicKey: (await readFile(file, 'utf8')).trim() };
    } catch (error) {
      throw new InboxArgumentError(`--dkim-key: ${messageOf(error)}`);
    }
  });
  return Promise.all(entries);
}

function number(given: InboxArguments, name: string): number | undefined {
  const text = given.text(name);
  if (text === undefined) return undefined;
  if (!/^\d{1,15}$/.test(text) || Number(text) === 0)
    throw new InboxArgumentError(`--${name} is a whole number above 0, not "${text}"`);
  return Number(text);
}

function present<Name extends string, Value>(name: Name, value: Value | undefined): Partial<Record<Name, Value>> {
  return value === undefined ? {} : ({ [name]: value } as Record<Name, Value>);
}

/** Runs until SIGINT or SIGTERM: the first closes when the messages under way are done, a second one ends at once. */
async function serve(
  options: InboxOptions,
  {
    errors,
    isDebugging,
    madePassword,
  }: { readonly errors: Writable; readonly isDebugging: boolean; readonly madePassword: string | undefined },
): Promise<number> {
  let stop: () => void = () => undefined;
  const stopped = new Promise<void>((resolve) => {
    stop = resolve;
  });
  let isStopping = false;
  const onSignal = (_: NodeJS.Signals, signalNumber: number): void => {
    if (isStopping) process.exit(128 + signalNumber);
    isStopping = true;
    stop();
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
  try {
    const inbox = await startInbox(options);
    errors.write(describe(inbox, madePassword));
    if (isDebugging) tellEvents(inbox, errors);
    await stopped;
    await inbox.close();
    return 0;
  } finally {
    for (const signal of SIGNALS) process.off(signal, onSignal);
  }
}

function describe(inbox: InboxServer, madePassword: string | undefined): string {
  const lines = inbox.smtpAddresses.map((address) => `SMTP   ${formatBoundAddress(address)}`);
  if (madePassword !== undefined) lines.push(`password ${madePassword} (any user name will do)`);
  if (inbox.url !== undefined) lines.push(`page   ${inbox.url}`, `API    ${inbox.url}api`);
  lines.push(...Object.entries(inbox.compatibilityURLs).map(([name, url]) => `${name} ${url}`));
  lines.push(...inbox.pop3Addresses.map((address) => `POP3   ${formatBoundAddress(address)}`));
  if (inbox.developmentCAFile !== undefined)
    lines.push(`certificate: self-signed; clients that verify need ${inbox.developmentCAFile}`);
  return `${lines.join('\n')}\n`;
}

function tellEvents(inbox: InboxServer, errors: Writable): void {
  const { server } = inbox;
  server.on('connect', ({ session }) => errors.write(`${session.id} connect ${session.peer.address}\n`));
  server.on('message', ({ session, mailFrom, rcptTos, reply }) =>
    errors.write(`${session.id} message <${mailFrom}> to ${rcptTos.join(', ')}: ${reply.toString()}\n`),
  );
  server.on('disconnect', ({ session, reason }) => errors.write(`${session.id} disconnect ${reason}\n`));
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** What the user typed, or named: another argument will do. */
function isUsersOwn(error: unknown): boolean {
  return (
    error instanceof InboxArgumentError ||
    error instanceof InboxUsageError ||
    // The arguments are right where somebody else has the port.
    (error instanceof UsageError && !(error instanceof SMTPReplyError) && error.code !== 'SMTPD_LISTEN_FAILED') ||
    (error instanceof StoreError && error.code === 'STORE_BAD_OPTION')
  );
}

const DKIM_KEY = /^(?<selector>[^=]+)\._domainkey\.(?<domain>[^=]+)=(?<file>.+)$/;
const TLS_MODES = ['off', 'offer', 'require', 'implicit'] as const;
const SIGNALS = ['SIGINT', 'SIGTERM'] as const;
