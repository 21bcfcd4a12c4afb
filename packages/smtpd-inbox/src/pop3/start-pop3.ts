/** POP3 over the messages of a store: who may open which inbox, one session at a time, and where it listens. */

import { createHash, randomUUID, timingSafeEqual } from 'node:crypto';
import type { Socket } from 'node:net';

import {
  openListener,
  openSocketTransport,
  openTLS,
  parseListenAddress,
  systemClock,
  type BoundAddress,
  type Clock,
  type ListenAddress,
  type TLSOptions,
} from 'smtpd';
import type { MailStore } from 'smtpd-store';

import { POP3Connection, type OpenDrop } from './connection.js';
import type { DropMessage, POP3Credentials, POP3Refusal } from './session.js';

/** How POP3 is served. */
export interface POP3Options {
  /** Whose messages. Deleted ones can be brought back as any others. */
  readonly store: MailStore;
  /** Where to listen: `host:port`, or as `SMTPServer` takes it. Default: `127.0.0.1:1110`. */
  readonly address?: string | ListenAddress | readonly ListenAddress[];
  /** Default: `{ mode: 'offer' }`, with a certificate for development. `implicit` is TLS from the first octet; `require`, before the login. */
  readonly tls?: TLSOptions;
  /**
   * The inbox that somebody may open; nothing refuses. Default: whoever comes, with any password, opens the inbox of everybody.
   */
  readonly login?: (user: string, password: string) => POP3Login | Promise<POP3Login>;
  /** For APOP: the password of a user, which is sent as a digest. Without it there is no APOP. */
  readonly apopSecret?: (user: string) => string | undefined | Promise<string | undefined>;
  /** How long a client may say nothing; RFC 1939 §3 asks for 10 minutes at least. Default: 600,000. */
  readonly idleTimeoutMs?: number;
  /** Sessions at a time. Default: 100. */
  readonly sessionsMax?: number;
  /** Failed logins of one session; the last one closes it. Default: 3. */
  readonly loginFailuresMax?: number;
  /** What goes wrong and concerns no single client. Default: nobody is told. */
  readonly onError?: (error: unknown) => void;
  readonly clock?: Clock;
}

/** Which inbox; `''` is the inbox of everybody. */
export type POP3Login = { readonly inbox: string } | undefined;

/** POP3 that is served. */
export interface POP3Server extends AsyncDisposable {
  readonly addresses: readonly BoundAddress[];
  /** Ends all sessions, without deleting what they marked, and listens no more. */
  close(): Promise<void>;
}

/**
 * Serves the messages of a store by POP3.
 *
 * @throws UsageError of `smtpd` when an address or a certificate cannot be used
 *
 * @example
 * ```ts
 * import { startPOP3 } from 'smtpd-inbox';
 * import { openSQLiteStore } from 'smtpd-store';
 * await using store = await openSQLiteStore();
 * await using pop3 = await startPOP3({ store, address: '127.0.0.1:0' });
 * console.log(pop3.addresses[0]?.port);
 * ```
 */
export async function startPOP3(options: POP3Options): Promise<POP3Server> {
  const service = new POP3Service(options);
  await service.open();
  return service;
}

class POP3Service implements POP3Server {
  readonly #options: Required<Omit<POP3Options, 'apopSecret'>> & Pick<POP3Options, 'apopSecret'>;
  readonly #connections = new Set<POP3Connection>();
  /** The inboxes that a session has open (RFC 1939 §4: an exclusive lock). */
  readonly #openInboxes = new Set<string>();
  #listener: Awaited<ReturnType<typeof openListener>> | undefined;
  #tls: Awaited<ReturnType<typeof openTLS>> | undefined;
  #isClosed = false;

  constructor(options: POP3Options) {
    this.#options = {
      address: '127.0.0.1:1110',
      tls: { mode: 'offer' },
      login: () => ({ inbox: '' }),
      idleTimeoutMs: 600_000,
      sessionsMax: 100,
      loginFailuresMax: 3,
      onError: () => undefined,
      clock: systemClock,
      ...options,
    };
  }

  get addresses(): readonly BoundAddress[] {
    return this.#listener?.addresses ?? [];
  }

  async open(): Promise<void> {
    const { address, tls, clock, onError } = this.#options;
    if (tls.mode !== 'off') this.#tls = await openTLS(tls, { clock, onError });
    const wanted = typeof address === 'string' ? [parseListenAddress(address)] : [address].flat();
    this.#listener = await openListener(wanted, {
      backlog: 511,
      onConnection: (socket) => {
        this.#accept(socket);
      },
      onError,
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const connection of [...this.#connections]) connection.close();
    await this.#listener?.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #accept(socket: Socket): void {
    const transport = openSocketTransport(socket, { lingerMs: LINGER_MS });
    const { tls, store, clock, idleTimeoutMs, sessionsMax, loginFailuresMax, apopSecret } = this.#options;
    if (this.#isClosed || this.#connections.size >= sessionsMax) {
      transport.start({ onBytes: ignore, onEnd: ignore, onDrain: ignore, onClose: ignore });
      // In clear it would be no TLS, and nobody could read it.
      if (tls.mode !== 'implicit') transport.write(Buffer.from('-ERR [SYS/TEMP] Too many sessions\r\n'));
      transport.end();
      return;
    }
    const opened = this.#tls;
    const connection = new POP3Connection(transport, {
      store,
      clock,
      idleTimeoutMs,
      loginFailuresMax,
      handshake: opened === undefined ? undefined : () => opened.handshake(),
      isImplicit: tls.mode === 'implicit',
      isTLSRequired: tls.mode === 'require',
      timestamp: apopSecret === undefined ? undefined : `<${randomUUID()}@smtpd-inbox.invalid>`,
      open: (credentials, timestamp) => this.#openDrop(credentials, timestamp),
      onGone: () => {
        this.#connections.delete(connection);
      },
    });
    this.#connections.add(connection);
    connection.begin();
  }

  async #openDrop(credentials: POP3Credentials, timestamp: string | undefined): Promise<OpenDrop | POP3Refusal> {
    const password = await this.#passwordOf(credentials, timestamp);
    if (password === undefined) return 'wrong';
    const login = await this.#options.login(credentials.user, password);
    if (login === undefined) return 'wrong';
    const { inbox } = login;
    if (this.#openInboxes.has(inbox)) return 'inUse';
    this.#openInboxes.add(inbox);
    const release = (): void => {
      this.#openInboxes.delete(inbox);
    };
    try {
      return { messages: await listMessages(this.#options.store, inbox), release };
    } catch (error) {
      release();
      this.#options.onError(error);
      return 'failed';
    }
  }

  /** The password that was given, or was proved to be known; `undefined`: it was not. */
  async #passwordOf(credentials: POP3Credentials, timestamp: string | undefined): Promise<string | undefined> {
    if (credentials.kind === 'password') return credentials.password;
    const secret = await this.#options.apopSecret?.(credentials.user);
    if (secret === undefined || timestamp === undefined) return undefined;
    const expected = createHash('md5').update(`${timestamp}${secret}`).digest();
    return timingSafeEqual(expected, Buffer.from(credentials.digest, 'hex')) ? secret : undefined;
  }
}

/** All messages of an inbox, oldest first: what comes later is not of this session. */
async function listMessages(store: MailStore, inbox: string): Promise<readonly DropMessage[]> {
  const found: DropMessage[] = [];
  let before: string | undefined;
  do {
    const page = await store.list({
      inbox,
      query: { kind: 'not', query: { kind: 'isSession' } },
      limit: PAGE_MESSAGES,
      ...(before === undefined ? {} : { before }),
    });
    found.push(...page.messages.map(({ id, sizeBytes }) => ({ id, sizeBytes })));
    before = page.older;
  } while (before !== undefined);
  return found.reverse();
}

function ignore(): void {
  // Whoever is turned away is not listened to.
}

const PAGE_MESSAGES = 1_000;
/** How long a client may take to close its side after we closed ours. */
const LINGER_MS = 1_000;
