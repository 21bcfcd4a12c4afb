/** The inbox: a server that catches mail, the store that keeps it, and the doors through which it is looked at, as one thing. */

import { readFile } from 'node:fs/promises';
import { Resolver } from 'node:dns/promises';
import { fileURLToPath } from 'node:url';

import { anyAuth, passwordAuth, type BoundAddress, type Hook, type SMTPServer } from 'smtpd';
import { openPostgresStore, openSQLiteStore, type MailStore, type StoreChange } from 'smtpd-store';

import type { Info, ReleaseResult } from './api/model.js';
import { CaptureServer } from './capture/capture-server.js';
import { isSameSecret } from './capture/secret.js';
import { InboxDirectory } from './capture/inbox-directory.js';
import { Releaser } from './exchange/release.js';
import { replay } from './exchange/replay.js';
import type { StoredMail } from './exchange/send-stored.js';
import { Webhooks } from './exchange/webhooks.js';
import { FaultBoard } from './faults/fault-board.js';
import { makeApp } from './http/app.js';
import { CompatibilityServer, type CompatibilityOptions } from './http/compatibility/compatibility-app.js';
import { mailHogAPI } from './http/compatibility/mailhog-api.js';
import { mailpitAPI } from './http/compatibility/mailpit-api.js';
import { HTTPServer } from './http/http-server.js';
import { PageFiles } from './http/page-files.js';
import { allRoutes } from './http/routes.js';
import { AccessGuard } from './http/security.js';
import type { InboxServices } from './http/services.js';
import { startPOP3, type POP3Server } from './pop3/start-pop3.js';
import { entryOf } from './search/entry.js';
import {
  completeInboxOptions,
  InboxUsageError,
  type CompleteInboxOptions,
  type InboxOptions,
} from './inbox-options.js';
import { listening } from './listen-fault.js';
import type { DNSLookup } from './mail/authentication.js';
import { MailReader } from './mail/mail-reader.js';
import { PACKAGE_FOLDER } from './package-folder.js';

/**
 * Starts an inbox.
 *
 * @returns it, when it listens everywhere
 * @throws {@link InboxUsageError} when an option cannot work; what listening and opening throw
 *
 * @example
 * ```ts
 * import { startInbox } from 'smtpd-inbox';
 * await using inbox = await startInbox({ smtp: '127.0.0.1:0', http: '127.0.0.1:0' });
 * console.log(inbox.smtpPort, inbox.url);
 * ```
 */
export async function startInbox(options: InboxOptions = {}): Promise<InboxServer> {
  const complete = completeInboxOptions(options);
  const inbox = new InboxServer(complete);
  try {
    await inbox.open();
  } catch (error) {
    await inbox.close();
    throw error;
  }
  return inbox;
}

/** An inbox that runs; made by {@link startInbox}. */
export class InboxServer implements AsyncDisposable {
  readonly #options: CompleteInboxOptions;
  /** How to close what was opened, the last first. */
  readonly #closers: (() => Promise<void> | void)[] = [];
  readonly #closing = new AbortController();
  #closed: Promise<void> | undefined;
  #server: CaptureServer | undefined;
  #store: MailStore | undefined;
  #http: HTTPServer | undefined;
  #pop3: POP3Server | undefined;
  readonly #compatibility = new Map<string, string>();
  #version = '';

  /** @internal */
  constructor(options: CompleteInboxOptions) {
    this.#options = options;
  }

  /** Where SMTP is spoken. */
  get smtpAddresses(): readonly BoundAddress[] {
    return this.#server?.addresses ?? [];
  }

  /** The port of the first SMTP address. */
  get smtpPort(): number {
    return this.#server?.port ?? 0;
  }

  /** Where the page is, such as `http://127.0.0.1:8025/`; `undefined` without one. */
  get url(): string | undefined {
    return this.#http === undefined ? undefined : urlOf(this.#http.address);
  }

  /** Where the APIs of other programs are, by their names: `mailpit`, `mailhog`. */
  get compatibilityURLs(): Readonly<Record<string, string>> {
    return Object.fromEntries(this.#compatibility);
  }

  /** Where POP3 is spoken; nowhere by default. */
  get pop3Addresses(): readonly BoundAddress[] {
    return this.#pop3?.addresses ?? [];
  }

  /** The mail that was caught. */
  get store(): MailStore {
    if (this.#store === undefined) throw new Error('The inbox is not open');
    return this.#store;
  }

  /** The SMTP server: its events, its hooks. */
  get server(): SMTPServer {
    if (this.#server === undefined) throw new Error('The inbox is not open');
    return this.#server;
  }

  /** Where the file is that clients need who verify the certificate that was made; `undefined` when none was. */
  get developmentCAFile(): string | undefined {
    return this.#server?.developmentCAFile;
  }

  /** @internal */
  async open(): Promise<void> {
    const options = this.#options;
    const { now, logger } = options;
    this.#version = await readVersion();
    const store = await this.#openStore();
    const reader = new MailReader({ threads: READER_THREADS, timeoutMs: options.readTimeoutMs });
    this.#closers.push(() => reader.close());
    // Heard from here on: what another machine changes while the inboxes are read is not missed.
    const changes = store.changes({ kinds: ['setting'] });
    const directory = await InboxDirectory.open(store, { domain: options.inboxDomain, now });
    this.#follow(changes, directory);
    const isStoreShared = typeof options.store === 'string';
    const faults = new FaultBoard();
    const server = new CaptureServer(options.smtp, {
      store,
      reader,
      directory,
      faults,
      hasRecipientFaults: options.hasRecipientFaults,
      isStoreShared,
      canStoreSummarize: options.store === undefined,
    });
    this.#server = server;
    if (options.auth !== 'off') server.use(authHook(options.auth, directory, isStoreShared));
    await server.listen();
    this.#closers.push(async () => {
      await server.close();
      await server.settle();
    });
    const webhooks = await Webhooks.open({
      store,
      entryOf,
      allow: options.webhookURLs,
      onError: (error) => {
        logger.error({ error }, 'A webhook could not be told of a message');
      },
    });
    this.#closers.push(() => webhooks.close());
    const releaser = options.release === undefined ? undefined : new Releaser(options.release);
    const services: InboxServices = {
      store,
      reader,
      directory,
      faults,
      webhooks,
      replay: (mail, signal) => this.#replay(mail, signal),
      releaser,
      resolver: options.mayAskDNS ? lookupOf(new Resolver()) : undefined,
      dkimKeys: options.dkimKeys,
      mayLoadRemoteContent: options.mayLoadRemoteContent,
      info: () => this.#info(),
      now,
    };
    await this.#openPOP3(store, directory);
    await this.#openHTTP(services);
    const { mailpit, mailhog } = options;
    if (mailpit !== undefined) await this.#openCompatibility('mailpit', { ...mailpit, make: mailpitAPI, services });
    if (mailhog !== undefined) await this.#openCompatibility('mailhog', { ...mailhog, make: mailHogAPI, services });
  }

  /** Takes no more mail, finishes what was begun, and closes. Later calls wait for the same end. */
  async close(): Promise<void> {
    this.#closed ??= this.#close();
    await this.#closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #openStore(): Promise<MailStore> {
    const { store: given, data, limits } = this.#options;
    if (given !== undefined && typeof given !== 'string') {
      this.#store = given;
      return given;
    }
    const store =
      given === undefined
        ? await openSQLiteStore({ limits, summarizer: SUMMARIZER, ...(data === undefined ? {} : { folder: data }) })
        : await openPostgresStore({ url: given, limits });
    this.#store = store;
    this.#closers.push(() => store.close());
    return store;
  }

  async #openPOP3(store: MailStore, directory: InboxDirectory): Promise<void> {
    const { pop3: address, tls, password: common, logger } = this.#options;
    if (address === undefined) return;
    const starting = startPOP3({
      store,
      address,
      // Where SMTP is in clear POP3 is too, and where it has a certificate POP3 has the same.
      tls,
      login: (user, password) => {
        const inbox = directory.get(user);
        if (inbox !== undefined) return isSameSecret(password, inbox.password) ? { inbox: inbox.name } : undefined;
        return common === undefined || isSameSecret(password, common) ? { inbox: '' } : undefined;
      },
      apopSecret: (user) => directory.get(user)?.password ?? common,
      onError: (error) => {
        logger.error({ error }, 'POP3 failed');
      },
    });
    const pop3 = await listening('pop3', starting);
    this.#pop3 = pop3;
    this.#closers.push(() => pop3.close());
  }

  async #openHTTP(services: InboxServices): Promise<void> {
    const { http, logger } = this.#options;
    if (http === undefined) return;
    const app = makeApp({
      routes: allRoutes(services),
      guard: this.#guard(),
      page: await PageFiles.read(PAGE_FOLDER),
      version: this.#version,
      logger,
      closing: this.#closing.signal,
    });
    const server = await listening('http', HTTPServer.listen({ ...http, app }));
    this.#http = server;
    this.#closers.push(() => server.close());
  }

  /** The API of another program, on a port of its own, with the same checks. */
  async #openCompatibility(
    name: string,
    { host, port, make, services }: Pick<CompatibilityOptions, 'host' | 'port' | 'make' | 'services'>,
  ): Promise<void> {
    const { logger } = this.#options;
    const closing = this.#closing.signal;
    const server = await listening(
      name,
      CompatibilityServer.listen({ host, port, make, services, guard: this.#guard(), logger, closing }),
    );
    this.#compatibility.set(name, urlOf(server.address));
    this.#closers.push(() => server.close());
  }

  #guard(): AccessGuard {
    const { password, token, httpHosts, httpOrigins } = this.#options;
    return new AccessGuard({ hosts: httpHosts, origins: httpOrigins, password, token });
  }

  /** What other machines change of the inboxes is heard, and those whose time is over go. */
  #follow(changes: AsyncIterable<StoreChange>, directory: InboxDirectory): void {
    const { logger } = this.#options;
    const following = (async () => {
      for await (const change of changes) {
        try {
          if (change.kind === 'setting') await directory.refresh(change.key);
          else await directory.refreshAll();
        } catch (error) {
          // A store that is away says `missed` when it is back.
          logger.error({ error }, 'A change of the inboxes could not be read');
        }
      }
    })().catch((error: unknown) => {
      logger.error({ error }, 'Changes of the inboxes are not heard any more');
    });
    const pruning = setInterval(() => {
      directory.prune().catch((error: unknown) => {
        logger.error({ error }, 'An inbox whose time is over could not be taken away');
      });
    }, PRUNING_MS);
    pruning.unref();
    this.#closers.push(async () => {
      clearInterval(pruning);
      await changes[Symbol.asyncIterator]().return?.();
      await following;
    });
  }

  async #close(): Promise<void> {
    this.#closing.abort();
    const failures: unknown[] = [];
    for (const close of this.#closers.splice(0).reverse()) {
      try {
        await close();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw new AggregateError(failures, 'The inbox did not close cleanly');
  }

  /** Sends a message to our own first address, as any client would. */
  async #replay(mail: StoredMail, signal: AbortSignal): Promise<ReleaseResult> {
    const { smtp, auth } = this.#options;
    const found = this.smtpAddresses.find(({ family, port }) => family !== 'unix' && port !== 0);
    if (found === undefined) throw new InboxUsageError('SMTP is spoken on no network address');
    const isImplicit = this.#isImplicit(found.port);
    const [user, password] = (typeof auth === 'string' ? undefined : Object.entries(auth)[0]) ?? ['inbox', 'inbox'];
    return replay(mail, {
      host: reachable(found.address),
      port: found.port,
      // It is ourselves that we speak to.
      tls: { mode: isImplicit ? 'implicit' : 'opportunistic', verify: false },
      ...(smtp.auth?.mode === 'require' ? { auth: { user, password } } : {}),
      signal,
    });
  }

  #isImplicit(port: number): boolean {
    const { tls } = this.#options;
    if (tls.mode === 'implicit') return true;
    // The address that has TLS of its own comes last.
    const hasOwn = this.#options.smtp.localAddress;
    return Array.isArray(hasOwn) && isSecured(hasOwn.at(-1)) && this.smtpAddresses.at(-1)?.port === port;
  }

  #info(): Info {
    const [pop3] = this.pop3Addresses;
    const { auth, smtp, tls, data, store, inboxDomain } = this.#options;
    const { messagesMax, bytesMax, ageMsMax } = this.store.limits;
    return {
      version: this.#version,
      smtp: this.smtpAddresses
        .filter(({ family }) => family !== 'unix')
        .map(({ address, port }) => ({
          host: reachable(address),
          port,
          tls: this.#isImplicit(port) ? ('implicit' as const) : tls.mode,
        })),
      ...(pop3 === undefined ? {} : { pop3: { host: reachable(pop3.address), port: pop3.port } }),
      auth: typeof auth === 'string' ? auth : 'users',
      limits: {
        messagesMax: boundOf(messagesMax),
        bytesMax: boundOf(bytesMax),
        ...(ageMsMax === Infinity ? {} : { ageMsMax }),
        messageBytesMax: smtp.dataSizeLimit ?? 0,
      },
      can: {
        release: this.#options.release !== undefined,
        remoteContent: this.#options.mayLoadRemoteContent,
        dns: this.#options.mayAskDNS,
        recipientFaults: this.#options.hasRecipientFaults,
        keeps: data !== undefined || store !== undefined,
      },
      inboxDomain,
    };
  }
}

/** Who may authenticate: the user of an inbox with its password, and whoever the options name. */
function authHook(
  auth: Exclude<CompleteInboxOptions['auth'], 'off'>,
  directory: InboxDirectory,
  isStoreShared: boolean,
): Hook {
  const others = auth === 'any' ? anyAuth() : passwordAuth(auth);
  return {
    name: 'inbox auth',
    async auth(request) {
      const { user } = request;
      if (isStoreShared && user !== undefined) await directory.learn({ rcptTos: [], user });
      const inbox = user === undefined ? undefined : directory.get(user);
      if (inbox === undefined) return others.auth?.(request);
      if (request.kind === 'secret') return { password: inbox.password };
      return request.kind === 'password' && isSameSecret(request.password, inbox.password)
        ? { verified: true }
        : undefined;
    },
  };
}

function isSecured(address: unknown): boolean {
  return typeof address === 'object' && address !== null && 'tls' in address && address.tls === 'implicit';
}

/** An address that a client can connect to, of one that stands for all. */
function reachable(address: string): string {
  return address === '::' || address === '0.0.0.0' ? '127.0.0.1' : address;
}

function urlOf({
  address,
  port,
  family,
}: {
  readonly address: string;
  readonly port: number;
  readonly family: string;
}): string {
  const host = reachable(address);
  return `http://${family === 'IPv6' && host.includes(':') ? `[${host}]` : host}:${String(port)}/`;
}

/** DNS, in the shape that checking signatures asks for. */
function lookupOf(resolver: Resolver): DNSLookup {
  return (name, type) => resolver.resolve(name, type);
}

/** JSON knows no infinity. */
function boundOf(value: number): number {
  return value === Infinity ? 0 : value;
}

async function readVersion(): Promise<string> {
  const manifest = JSON.parse(await readFile(new URL('package.json', PACKAGE_FOLDER), 'utf8')) as {
    version: string;
  };
  return manifest.version;
}

const SUMMARIZER = new URL('dist/mail/summarizer.js', PACKAGE_FOLDER);
const PAGE_FOLDER = fileURLToPath(new URL('dist/page/', PACKAGE_FOLDER));
/** One mail that takes long does not hold up all others. */
const READER_THREADS = 2;
const PRUNING_MS = 60_000;
