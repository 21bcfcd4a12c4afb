/** The options of an inbox: completed and checked once. Inside, nothing is optional. */

import { isIP } from 'node:net';

import {
  defaultLogger,
  NetworkSet,
  OPEN_MECHANISMS,
  parseListenAddress,
  PASSWORD_MECHANISMS,
  unknownOptions,
  type KnownOptions,
  type Logger,
  type SMTPServerOptions,
  type TLSOptions,
} from 'smtpd';
import type { MailStore, StoreLimits } from 'smtpd-store';

import type { ReleaserOptions } from './exchange/release.js';
import type { SuppliedKey } from './mail/authentication.js';

/** What an inbox may be given. Everything has a default. */
export interface InboxOptions {
  /** Where SMTP is spoken: `host:port`, or several. Default: `127.0.0.1:1025`. */
  readonly smtp?: string | readonly string[];
  /** Where SMTP is spoken on TLS from the first octet. Default: nowhere. */
  readonly smtps?: string;
  /** Where the page and the API are: `host:port`, or `false` for none. Default: `127.0.0.1:8025`. */
  readonly http?: string | false;
  /** Where Mailpit's API is spoken: `host:port`. Default: nowhere. */
  readonly mailpit?: string;
  /** Where MailHog's API is spoken: `host:port`. Default: nowhere. */
  readonly mailhog?: string;
  /** Where POP3 is spoken. Default: nowhere. */
  readonly pop3?: string;
  /** The folder that keeps the mail. Default: none; the mail goes with the process. */
  readonly data?: string;
  /** A store of one's own, which is not closed, or the URL of a PostgreSQL database that several inboxes share. Default: see `data`. */
  readonly store?: MailStore | string;
  /** How much is kept; the oldest goes. */
  readonly limits?: Partial<StoreLimits>;
  /** Octets of the largest message. Default: 33,554,432. */
  readonly messageBytesMax?: number;
  /** The server's name in its greeting. Default: that of the machine. */
  readonly hostname?: string;
  /** Default: STARTTLS is offered, with a certificate made on first need. */
  readonly tls?: TLSOptions;
  /** Who may authenticate: `any`, nobody (`off`), or these users by their passwords. Default: `any`. */
  readonly auth?: 'any' | 'off' | Readonly<Record<string, string>>;
  /** Whether mail is taken only after AUTH. Default: `false`. */
  readonly isAuthRequired?: boolean;
  /** The password of the page, of the API and of POP3; any user name will do. Default: none. */
  readonly password?: string;
  /** The token of the API (Bearer). Default: none. */
  readonly token?: string;
  /** Names under which the page may be asked for, besides addresses and `localhost`. Default: none. */
  readonly httpHosts?: readonly string[];
  /** Origins of other pages that may use the API. Default: none. */
  readonly httpOrigins?: readonly string[];
  /** The domain behind the names of isolated inboxes. Default: `inbox.test`. */
  readonly inboxDomain?: string;
  /** How long reading a mail, or judging it, may take, in ms. Default: 10,000. */
  readonly readTimeoutMs?: number;
  /** Whether a reader may load the remote pictures of a mail. Default: `true`; nothing is loaded before the reader asks. */
  readonly mayLoadRemoteContent?: boolean;
  /** The server that messages may be released to, and for whom. Default: none. */
  readonly release?: ReleaserOptions;
  /** URLs that webhooks may call, and below which others may; `loopback` for this machine. Default: none. */
  readonly webhookURLs?: readonly string[];
  /** Whether DNS is asked for SPF, DKIM, DMARC and ARC. Default: `false`. */
  readonly mayAskDNS?: boolean;
  /** Public DKIM keys, for checking without DNS. Default: none. */
  readonly dkimKeys?: readonly SuppliedKey[];
  /** Whether a recipient such as `fail-rcpt-550@…` makes its own fault. Default: `false`. */
  readonly hasRecipientFaults?: boolean;
  /** Default: warnings and errors to standard error. */
  readonly logger?: Logger;
  /** Today, and the time. Default: the clock of this process. */
  readonly now?: () => Date;
}

/** An option that cannot work. */
export class InboxUsageError extends Error {
  override readonly name = 'InboxUsageError';
  readonly code = 'INBOX_BAD_OPTION';
}

/** A host and a port. */
export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** The options, complete. */
export interface CompleteInboxOptions {
  readonly smtp: SMTPServerOptions;
  readonly auth: 'any' | 'off' | Readonly<Record<string, string>>;
  readonly http: HostPort | undefined;
  readonly mailpit: HostPort | undefined;
  readonly mailhog: HostPort | undefined;
  readonly pop3: HostPort | undefined;
  readonly data: string | undefined;
  readonly store: MailStore | string | undefined;
  readonly limits: Partial<StoreLimits>;
  readonly tls: TLSOptions;
  readonly password: string | undefined;
  readonly token: string | undefined;
  readonly httpHosts: readonly string[];
  readonly httpOrigins: readonly string[];
  readonly inboxDomain: string;
  readonly readTimeoutMs: number;
  readonly mayLoadRemoteContent: boolean;
  readonly release: ReleaserOptions | undefined;
  readonly webhookURLs: readonly string[];
  readonly mayAskDNS: boolean;
  readonly dkimKeys: readonly SuppliedKey[];
  readonly hasRecipientFaults: boolean;
  readonly logger: Logger;
  readonly now: () => Date;
}

/** @throws {@link InboxUsageError} when an option cannot work, or would let strangers read the mail */
export function completeInboxOptions(given: InboxOptions): CompleteInboxOptions {
  const unknown = unknownOptions(given, OPTIONS);
  if (unknown !== undefined) throw new InboxUsageError(unknown);
  const password = secret('password', given.password);
  const token = secret('token', given.token);
  const web = (name: string, text: string | false | undefined): HostPort | undefined => {
    const address = text === false || text === undefined ? undefined : hostPort(name, text);
    if (address !== undefined && !isLoopback(address.host) && password === undefined && token === undefined) {
      throw new InboxUsageError(
        `On ${address.host} others could read the mail: give a password or a token, or listen on 127.0.0.1 (${name})`,
      );
    }
    return address;
  };
  if (given.data !== undefined && given.store !== undefined)
    throw new InboxUsageError('The mail is kept in a folder (data) or in a store, not in both');
  const tls: TLSOptions = given.tls ?? { mode: 'offer' };
  return Object.freeze({
    smtp: smtpOptions(given, tls),
    auth: given.auth ?? 'any',
    http: web('http', given.http ?? '127.0.0.1:8025'),
    mailpit: web('mailpit', given.mailpit),
    mailhog: web('mailhog', given.mailhog),
    pop3: web('pop3', given.pop3),
    data: given.data,
    store: given.store,
    limits: given.limits ?? {},
    tls,
    password,
    token,
    httpHosts: given.httpHosts ?? [],
    httpOrigins: (given.httpOrigins ?? []).map(origin),
    inboxDomain: domain(given.inboxDomain ?? 'inbox.test'),
    readTimeoutMs: positive('readTimeoutMs', given.readTimeoutMs ?? 10_000),
    mayLoadRemoteContent: given.mayLoadRemoteContent ?? true,
    release: given.release,
    webhookURLs: given.webhookURLs ?? [],
    mayAskDNS: given.mayAskDNS ?? false,
    dkimKeys: given.dkimKeys ?? [],
    hasRecipientFaults: given.hasRecipientFaults ?? false,
    logger: given.logger ?? defaultLogger,
    now: given.now ?? (() => new Date()),
  });
}

function smtpOptions(given: InboxOptions, tls: TLSOptions): SMTPServerOptions {
  const { smtp = '127.0.0.1:1025', smtps, auth = 'any', isAuthRequired = false } = given;
  const addresses = (typeof smtp === 'string' ? [smtp] : smtp).map((text) => parseListenAddress(text));
  const secured = smtps === undefined ? [] : [{ ...parseListenAddress(smtps), tls: 'implicit' as const }];
  if (isAuthRequired && auth === 'off')
    throw new InboxUsageError('Nobody can authenticate (auth), so nothing would be taken');
  return {
    localAddress: [...addresses, ...secured],
    dataSizeLimit: given.messageBytesMax ?? MESSAGE_BYTES_MAX,
    ...(given.hostname === undefined ? {} : { hostname: given.hostname }),
    tls,
    ...(auth === 'off'
      ? {}
      : {
          auth: {
            mode: isAuthRequired ? ('require' as const) : ('offer' as const),
            // Any password will do, so nothing is lost when one travels in clear; known users' are theirs.
            plaintext: auth === 'any' ? ('always' as const) : ('tls' as const),
            mechanisms: auth === 'any' ? OPEN_MECHANISMS : PASSWORD_MECHANISMS,
          },
        }),
    ...(given.logger === undefined ? {} : { logger: given.logger }),
  };
}

/** `host:port`, `[::1]:port`, `:port` or a port alone. @throws InboxUsageError */
function hostPort(name: string, text: string): HostPort {
  const address = parseListenAddress(/^\d+$/.test(text) ? `127.0.0.1:${text}` : text);
  if (!('port' in address)) throw new InboxUsageError(`${name} is host:port, not "${text}"`);
  return { host: address.host === undefined || address.host === '' ? '::' : address.host, port: address.port };
}

/** Whether only this machine can connect. */
function isLoopback(host: string): boolean {
  if (host === 'localhost') return true;
  const family = isIP(host);
  return family !== 0 && LOOPBACK.has({ address: host, port: 0, family: family === 6 ? 'IPv6' : 'IPv4' });
}

function positive(name: string, value: number): number {
  if (!(value > 0)) throw new InboxUsageError(`${name} is a number above 0, not ${String(value)}`);
  return value;
}

function secret(name: string, text: string | undefined): string | undefined {
  if (text === '') throw new InboxUsageError(`The ${name} is empty; leave it out for none`);
  return text;
}

function origin(text: string): string {
  let url: URL | undefined;
  try {
    url = new URL(text);
  } catch {
    // Told below.
  }
  if (url?.origin === text) return text;
  throw new InboxUsageError(`An origin is scheme://host or scheme://host:port, not "${text}"`);
}

function domain(text: string): string {
  if (/^[a-z0-9-]+(?:\.[a-z0-9-]+)*$/i.test(text)) return text.toLowerCase();
  throw new InboxUsageError(`inboxDomain is a domain, not "${text}"`);
}

/** What options of other servers and inboxes are called here: options as they are written follow `say`. */
function brought(): Readonly<Record<string, string>> {
  const smtp = "say smtp: 'HOST:PORT'";
  const http = "say http: 'HOST:PORT'";
  const size = 'say messageBytesMax: 33_554_432';
  const wait = 'wait for mail with the client of smtpd-inbox/client, or look into the store';
  return {
    localAddress: smtp,
    host: smtp,
    port: smtp,
    ip: smtp,
    web: http,
    webPort: http,
    ui: http,
    dataSizeLimit: size,
    size,
    maxMessages: 'say limits: { messagesMax: 1_000 }',
    secure: "say smtps: 'HOST:PORT'",
    name: "say hostname: 'mail.example.org'",
    authOptional: 'leave it out, or say isAuthRequired: true',
    users: "say auth: { NAME: 'PASSWORD' }",
    onData: wait,
    processMessage: wait,
  };
}

const LOOPBACK = NetworkSet.parse('loopback');
const MESSAGE_BYTES_MAX = 33_554_432;
const OPTION_NAMES: readonly string[] = [
  'smtp',
  'smtps',
  'http',
  'mailpit',
  'mailhog',
  'pop3',
  'data',
  'store',
  'limits',
  'messageBytesMax',
  'hostname',
  'tls',
  'auth',
  'isAuthRequired',
  'password',
  'token',
  'httpHosts',
  'httpOrigins',
  'inboxDomain',
  'readTimeoutMs',
  'mayLoadRemoteContent',
  'release',
  'webhookURLs',
  'mayAskDNS',
  'dkimKeys',
  'hasRecipientFaults',
  'logger',
  'now',
] satisfies (keyof InboxOptions)[];
const OPTIONS: KnownOptions = { known: new Set(OPTION_NAMES), meant: brought };
