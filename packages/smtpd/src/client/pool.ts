/**
 * Connections that are kept and used again, by destination. A connection is lent to one transaction at a time. One that died while
 * nobody used it is replaced without anybody noticing, as long as no message had begun.
 */

import { systemClock, type Clock } from '../net/clock.js';
import { Deadline } from '../net/deadline.js';
import type { Path } from '../protocol/path.js';
import type { Reply } from '../protocol/reply.js';
import type { ServerCapabilities } from '../protocol/server-capabilities.js';
import { broughtToPool } from '../protocol/brought-names.js';
import { UsageError } from '../protocol/errors.js';
import { unknownOptions, type KnownOptions } from '../protocol/unknown-options.js';
import { onAbort } from './abort-listener.js';
import { SMTPConnectionError, SMTPRefusedError } from './client-errors.js';
import type { ReplyReceiver } from './client-connection.js';
import type { SMTPClientOptions } from './client-options.js';
import { SMTPClient, type CallOptions } from './client.js';
import { sendMessage, type OutgoingMessage, type SendResult, type SendRules } from './send-message.js';

/** The options of a pool. */
export interface PoolOptions {
  /** Connections to one destination at a time. Default: 20. */
  readonly connectionsMax?: number;
  /** How long a connection that nobody uses is kept, in ms. Default: 30,000. */
  readonly idleMs?: number;
  /** Messages that one connection carries; less where the server says so (LIMITS, RFC 9422). Default: 1,000. */
  readonly messagesMax?: number;
  /** How long to wait for a connection while all are in use, in ms. Default: 30,000. */
  readonly waitMs?: number;
  readonly clock?: Clock;
}

/** Whom a pool connects to, and how. */
export interface PoolDestination {
  readonly client: SMTPClientOptions;
  /** Connections are shared by those of one key. Default: all of `client` that a connection depends on. */
  readonly key?: string;
}

/** A connection on loan. It must be given back: released, or discarded when its conversation cannot go on. */
export interface Lease {
  readonly client: SMTPClient;
  /** Whether it carried messages before. */
  readonly isReused: boolean;
  /**
   * Gives it back. A transaction that is open is reset; in the middle of content the connection is cut.
   *
   * @param options - `isLast`: nobody else is to have it, and it says goodbye
   */
  release(options?: { readonly isLast: boolean }): void;
  /** Cuts the connection. */
  discard(): void;
}

/**
 * A pool of clients.
 *
 * @example
 * ```ts
 * import { SMTPClientPool } from 'smtpd';
 * const pool = new SMTPClientPool({ connectionsMax: 5 });
 * const destination = { client: { remoteAddress: { host: 'localhost', port: 1025 } } };
 * await pool.send(destination, { mailFrom: '', rcptTos: ['bob@example.net'], data: 'Subject: Hi\r\n\r\nHi\r\n' });
 * await pool.close();
 * ```
 */
export class SMTPClientPool {
  readonly #options: Required<PoolOptions>;
  readonly #destinations = new Map<string, Destination>();
  #isClosed = false;
  #openCount = 0;
  #allGone: Promise<void> | undefined;
  #onAllGone: () => void = ignore;

  /** @throws {@link UsageError} `SMTPD_BAD_OPTION` */
  constructor(options: PoolOptions = {}) {
    const unknown = unknownOptions(options, OPTIONS);
    if (unknown !== undefined) throw new UsageError('SMTPD_BAD_OPTION', unknown);
    const complete = { ...DEFAULTS, ...options };
    for (const name of ['connectionsMax', 'idleMs', 'messagesMax', 'waitMs'] as const) {
      if (!(complete[name] > 0)) throw new UsageError('SMTPD_BAD_OPTION', `${name} is a number above 0`);
    }
    this.#options = Object.freeze(complete);
  }

  /** How many connections there are, in use or not. */
  get size(): number {
    return this.#openCount;
  }

  /**
   * Lends a connection: one that is free, or a new one, or the next that is given back.
   *
   * @throws {@link SMTPConnectionError}; {@link SMTPRefusedError} when the server turns us away; {@link UsageError} `SMTPD_BAD_OPTION`
   */
  async acquire(to: PoolDestination, { signal }: CallOptions = {}): Promise<Lease> {
    signal?.throwIfAborted();
    const destination = this.#destinationOf(to);
    let isTurn = destination.waiters.length === 0 && destination.turnCount === 0;
    for (;;) {
      if (this.#isClosed) throw closed();
      if (!isTurn) {
        await this.#awaitTurn(destination, signal);
        destination.turnCount -= 1;
        isTurn = true;
        continue;
      }
      const lease = this.#lendFree(destination);
      if (lease !== undefined) return lease;
      if (destination.openCount < this.#options.connectionsMax) return this.#open(destination, to, signal);
      isTurn = false;
    }
  }

  /** Lends a connection that is free, if there is one. */
  #lendFree(destination: Destination): Lease | undefined {
    for (;;) {
      const free = destination.free.pop();
      if (free === undefined) return undefined;
      free.idle.suspend();
      if (free.client.isIdle) return this.#lend(destination, free);
      this.#discard(destination, free);
    }
  }

  /** The usual case of {@link SMTPClientPool.acquire}: a connection is free, and nobody waits for one. */
  #acquireNow(to: PoolDestination, signal: AbortSignal | undefined): Lease | undefined {
    const destination = this.#destinationOf(to);
    const isTurn = destination.waiters.length === 0 && destination.turnCount === 0;
    return isTurn && !this.#isClosed && signal?.aborted !== true ? this.#lendFree(destination) : undefined;
  }

  /**
   * Opens a transaction, on a connection that lives.
   *
   * @returns the connection and the reply to MAIL, yes or no
   * @throws as {@link SMTPClientPool.acquire} and {@link SMTPClient.mail}
   */
  begin(
    to: PoolDestination,
    start: TransactionStart,
    options: CallOptions = {},
  ): Promise<{ readonly lease: Lease; readonly reply: Reply }> {
    return new Promise((resolve, reject) => {
      this.requestBegin(to, start, options, {
        onBegun: (lease, reply) => {
          resolve({ lease, reply });
        },
        onFailure: reject,
      });
    });
  }

  /** The same without a promise, where a connection is free: the reply in the turn in which it comes. @internal */
  requestBegin(to: PoolDestination, start: TransactionStart, options: CallOptions, receiver: BeginReceiver): void {
    const lease = this.#acquireNow(to, options.signal);
    const beginning = new Beginning(start, options.signal, receiver, () => {
      this.requestBegin(to, start, options, receiver);
    });
    if (lease !== undefined) {
      beginning.begin(lease);
      return;
    }
    this.acquire(to, options).then(
      (late) => {
        beginning.begin(late);
      },
      (error: unknown) => {
        receiver.onFailure(error);
      },
    );
  }

  /** Sends a message, as {@link SMTPClient.send} does, and with the same outcome. */
  async send(
    to: PoolDestination,
    message: OutgoingMessage,
    { signal, ...rules }: CallOptions & SendRules = {},
  ): Promise<SendResult> {
    const options = signal === undefined ? {} : { signal };
    for (;;) {
      const lease = await this.acquire(to, options);
      const stop = onAbort(signal, () => {
        lease.discard();
      });
      try {
        return await sendMessage(lease.client, message, rules);
      } catch (error) {
        if (!(lease.isReused && hadDied(error)) || signal?.aborted === true) throw error;
      } finally {
        stop();
        lease.release();
      }
    }
  }

  /**
   * What a destination offers, as it said on its last connection; asked anew when that is too long ago.
   *
   * @throws as {@link SMTPClientPool.acquire}
   */
  async capabilities(
    to: PoolDestination,
    { maxAgeMs, signal }: CallOptions & { readonly maxAgeMs: number },
  ): Promise<ServerCapabilities> {
    const known = this.knownCapabilities(to, maxAgeMs);
    if (known !== undefined) return known;
    const destination = this.#destinationOf(to);
    const asked = (destination.asking ??= this.#ask(to).finally(() => {
      destination.asking = undefined;
    }));
    return raceAbort(asked, signal);
  }

  /** What a destination last said that it offers, not longer ago than that; `undefined` when it did not. */
  knownCapabilities(to: PoolDestination, maxAgeMs = Infinity): ServerCapabilities | undefined {
    const known = this.#destinations.get(keyOf(to))?.known;
    return known !== undefined && this.#options.clock.now() - known.atMs <= maxAgeMs ? known.capabilities : undefined;
  }

  /** How many connections to a destination are in use. */
  busyCount(to: PoolDestination): number {
    const destination = this.#destinations.get(keyOf(to));
    return destination === undefined ? 0 : destination.openCount - destination.free.length;
  }

  /** Whether the last attempt to connect to a destination failed, less than `withinMs` ago. */
  hasFailed(to: PoolDestination, withinMs: number): boolean {
    const failedAt = this.#destinations.get(keyOf(to))?.failedAtMs;
    return failedAt !== undefined && this.#options.clock.now() - failedAt < withinMs;
  }

  /**
   * Closes: free connections at once, those on loan when they are given back.
   *
   * @param options - `cutsLoans`: nobody waits for those on loan any more, and they are cut
   * @returns when all are gone
   */
  async close({ cutsLoans = false } = {}): Promise<void> {
    this.#isClosed = true;
    for (const destination of this.#destinations.values()) {
      for (const waiter of destination.waiters.splice(0)) waiter();
      for (const connection of destination.free.splice(0)) this.#retire(destination, connection);
      if (cutsLoans) this.#discardAll(destination, ({ isOnLoan }) => isOnLoan);
    }
    if (this.#openCount === 0) return;
    // What was given back in the middle of a transaction is being reset, and says goodbye then, if its server lets it.
    const cancelTimer = cutsLoans
      ? this.#options.clock.setTimer(() => {
          for (const destination of this.#destinations.values()) this.#discardAll(destination, () => true);
        }, RESET_WAIT_MS)
      : ignore;
    // Whoever closes while somebody else does waits for the same.
    this.#allGone ??= new Promise((resolve) => {
      this.#onAllGone = resolve;
    });
    await this.#allGone;
    cancelTimer();
  }

  /** Cuts every connection, on loan or not. */
  async destroy(): Promise<void> {
    this.#isClosed = true;
    for (const destination of this.#destinations.values()) {
      this.#discardAll(destination, () => true);
    }
    await this.close();
  }

  /** Closes, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #ask(to: PoolDestination): Promise<ServerCapabilities> {
    const lease = await this.acquire(to);
    const { capabilities } = lease.client;
    // A connection that was there already says what was said when it was made, and still holds.
    const destination = this.#destinationOf(to);
    destination.known = { capabilities, atMs: this.#options.clock.now() };
    lease.release();
    return capabilities;
  }

  async #open(destination: Destination, to: PoolDestination, signal: AbortSignal | undefined): Promise<Lease> {
    const client = this.#makeClient(destination, to);
    destination.openCount += 1;
    this.#openCount += 1;
    const connection: Connection = {
      client,
      messageCount: 0,
      idle: new Deadline(this.#options.clock, () => {
        destination.free = destination.free.filter((each) => each !== connection);
        this.#retire(destination, connection);
      }),
      isOnLoan: false,
      isGone: false,
    };
    destination.open.add(connection);
    try {
      await connection.client.connect(signal === undefined ? {} : { signal });
    } catch (error) {
      if (signal?.aborted !== true) destination.failedAtMs = this.#options.clock.now();
      this.#discard(destination, connection);
      throw error;
    }
    destination.failedAtMs = undefined;
    destination.known = { capabilities: connection.client.capabilities, atMs: this.#options.clock.now() };
    connection.client.onClose = () => {
      this.#discard(destination, connection);
    };
    if (!this.#isClosed) return this.#lend(destination, connection);
    this.#discard(destination, connection);
    throw closed();
  }

  /** Before anything is counted: what is wrong with the options has opened nothing. */
  #makeClient(destination: Destination, to: PoolDestination): SMTPClient {
    try {
      return new SMTPClient(to.client);
    } catch (error) {
      // The place is still free for the next.
      destination.waiters.shift()?.();
      throw error;
    }
  }

  #lend(destination: Destination, connection: Connection): Lease {
    const isReused = connection.messageCount > 0;
    connection.messageCount += 1;
    connection.isOnLoan = true;
    return new LentConnection(connection.client, isReused, (end) => {
      connection.isOnLoan = false;
      if (end === 'discard') this.#discard(destination, connection);
      else if (end === 'retire' && connection.client.phase !== 'content') this.#retire(destination, connection);
      else this.#takeBack(destination, connection);
    });
  }

  #takeBack(destination: Destination, connection: Connection): void {
    const { client } = connection;
    if (client.isIdle) {
      this.#keep(destination, connection);
    } else if (client.isOpen && (client.phase === 'transaction' || client.phase === 'ready')) {
      // The answer to RSET is behind all that is on its way.
      client.reset().then(
        (reply) => {
          if (reply.isPositive && client.isIdle) this.#keep(destination, connection);
          else this.#discard(destination, connection);
        },
        () => {
          this.#discard(destination, connection);
        },
      );
    } else {
      this.#discard(destination, connection);
    }
  }

  #keep(destination: Destination, connection: Connection): void {
    const { idleMs, messagesMax } = this.#options;
    const { client } = connection;
    const mayCarry = Math.min(messagesMax, client.capabilities.messagesMax ?? Infinity);
    if (this.#isClosed || connection.messageCount >= mayCarry) {
      this.#retire(destination, connection);
      return;
    }
    destination.free.push(connection);
    connection.idle.set(idleMs);
    destination.waiters.shift()?.();
  }

  /** Says goodbye; the place is free when it is gone. */
  #retire(destination: Destination, connection: Connection): void {
    connection.idle.clear();
    void connection.client.quit().then(() => {
      this.#forget(destination, connection);
    });
  }

  #discardAll(destination: Destination, isMeant: (connection: Connection) => boolean): void {
    for (const connection of [...destination.open].filter(isMeant)) this.#discard(destination, connection);
  }

  #discard(destination: Destination, connection: Connection): void {
    connection.client.destroy();
    this.#forget(destination, connection);
  }

  #forget(destination: Destination, connection: Connection): void {
    if (connection.isGone) return;
    connection.isGone = true;
    connection.idle.clear();
    destination.free = destination.free.filter((each) => each !== connection);
    destination.open.delete(connection);
    destination.openCount -= 1;
    this.#openCount -= 1;
    destination.waiters.shift()?.();
    if (this.#openCount === 0) this.#onAllGone();
  }

  #awaitTurn(destination: Destination, signal: AbortSignal | undefined): Promise<void> {
    const { clock, waitMs, connectionsMax } = this.#options;
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        destination.waiters = destination.waiters.filter((each) => each !== onTurn);
        cancelTimer();
        stop();
      };
      const onTurn = (): void => {
        leave();
        destination.turnCount += 1;
        resolve();
      };
      const cancelTimer =
        waitMs === Infinity
          ? ignore
          : clock.setTimer(() => {
              leave();
              reject(
                new SMTPConnectionError(
                  'SMTPD_CONNECT_FAILED',
                  `All ${String(connectionsMax)} connections are in use, and none came free within ${String(waitMs)} ms`,
                  { stage: 'connect' },
                ),
              );
            }, waitMs);
      const stop = onAbort(signal, () => {
        leave();
        reject(abortError(signal?.reason));
      });
      destination.waiters.push(onTurn);
    });
  }

  #destinationOf(to: PoolDestination): Destination {
    const key = keyOf(to);
    let destination = this.#destinations.get(key);
    if (destination === undefined) {
      destination = {
        open: new Set(),
        free: [],
        openCount: 0,
        waiters: [],
        turnCount: 0,
        known: undefined,
        asking: undefined,
        failedAtMs: undefined,
      };
      this.#destinations.set(key, destination);
      this.#dropUnused();
    }
    return destination;
  }

  /** Destinations that come from elsewhere, such as MX hosts, must not pile up. */
  #dropUnused(): void {
    if (this.#destinations.size <= DESTINATIONS_MAX) return;
    for (const [key, { openCount, waiters, turnCount, asking }] of this.#destinations) {
      if (openCount > 0 || waiters.length > 0 || turnCount > 0 || asking !== undefined) continue;
      this.#destinations.delete(key);
      if (this.#destinations.size <= DESTINATIONS_MAX) return;
    }
  }
}

/** Who has a transaction opened. One of the two is called, once. */
export interface BeginReceiver {
  onBegun(lease: Lease, reply: Reply): void;
  onFailure(error: unknown): void;
}

/** A transaction that is being opened on one connection. */
class Beginning implements ReplyReceiver {
  readonly #start: TransactionStart;
  readonly #signal: AbortSignal | undefined;
  readonly #receiver: BeginReceiver;
  readonly #again: () => void;
  #lease: Lease | undefined;
  #stopListening: () => void = ignore;

  /** @param again - begins on another connection */
  constructor(start: TransactionStart, signal: AbortSignal | undefined, receiver: BeginReceiver, again: () => void) {
    this.#start = start;
    this.#signal = signal;
    this.#receiver = receiver;
    this.#again = again;
  }

  begin(lease: Lease): void {
    const { prepare } = this.#start;
    this.#lease = lease;
    this.#stopListening = onAbort(this.#signal, () => {
      lease.discard();
    });
    if (prepare === undefined) {
      this.#sayMail(lease);
      return;
    }
    // It is the caller's: it may throw before there is a promise.
    new Promise<void>((resolve) => {
      resolve(prepare(lease.client));
    }).then(
      () => {
        this.#sayMail(lease);
      },
      (error: unknown) => {
        this.onFailure(error);
      },
    );
  }

  #sayMail({ client }: Lease): void {
    const { mailFrom, mailOptions = [] } = this.#start;
    try {
      client.requestMail(mailFrom, mailOptions, this);
      client.flush();
    } catch (error) {
      this.onFailure(error);
    }
  }

  onReply(reply: Reply): void {
    const lease = this.#stop();
    if (lease === undefined) return;
    // What it says of itself it said before anything of this message had begun.
    if (reply.code !== 421 || !lease.isReused) {
      this.#receiver.onBegun(lease, reply);
      return;
    }
    lease.discard();
    this.#again();
  }

  onFailure(error: unknown): void {
    const lease = this.#stop();
    if (lease === undefined) return;
    const isStale = lease.isReused && error instanceof SMTPConnectionError && error.code === 'SMTPD_CONNECTION_LOST';
    if (isStale && this.#signal?.aborted !== true) {
      lease.discard();
      this.#again();
      return;
    }
    if (error instanceof SMTPConnectionError) lease.discard();
    // Whoever could not be introduced leaves nothing behind that others would have to know of.
    else lease.release({ isLast: this.#start.prepare !== undefined });
    this.#receiver.onFailure(error);
  }

  #stop(): Lease | undefined {
    const lease = this.#lease;
    this.#lease = undefined;
    this.#stopListening();
    return lease;
  }
}

class LentConnection implements Lease {
  readonly client: SMTPClient;
  readonly isReused: boolean;
  /** `undefined`: it was given back, and somebody else may have it by now. */
  #giveBack: ((end: LoanEnd) => void) | undefined;

  constructor(client: SMTPClient, isReused: boolean, giveBack: (end: LoanEnd) => void) {
    this.client = client;
    this.isReused = isReused;
    this.#giveBack = giveBack;
  }

  release({ isLast } = { isLast: false }): void {
    this.#end(isLast ? 'retire' : 'keep');
  }

  discard(): void {
    this.#end('discard');
  }

  #end(end: LoanEnd): void {
    const giveBack = this.#giveBack;
    this.#giveBack = undefined;
    giveBack?.(end);
  }
}

type LoanEnd = 'keep' | 'retire' | 'discard';

/** How a transaction begins. */
export interface TransactionStart {
  /** An address, `''` for the null reverse-path; or a path that was parsed before. */
  readonly mailFrom: string | Path;
  readonly mailOptions?: readonly string[];
  /** What is said on the connection before MAIL. */
  readonly prepare?: ((client: SMTPClient) => Promise<void>) | undefined;
}

interface Connection {
  readonly client: SMTPClient;
  messageCount: number;
  /** Ends a connection that nobody uses. */
  readonly idle: Deadline;
  isOnLoan: boolean;
  isGone: boolean;
}

interface Destination {
  readonly open: Set<Connection>;
  free: Connection[];
  openCount: number;
  waiters: (() => void)[];
  /** How many were told that it is their turn, and have not come yet. */
  turnCount: number;
  known: { readonly capabilities: ServerCapabilities; readonly atMs: number } | undefined;
  asking: Promise<ServerCapabilities> | undefined;
  failedAtMs: number | undefined;
}

function keyOf(to: PoolDestination): string {
  checkDestination(to);
  const { client, key } = to;
  if (key !== undefined) return key;
  let known = KEYS.get(client);
  if (known === undefined) {
    // Whoever wants TLS, or is somebody else, must not be given a connection that was made without, or for another.
    const { remoteAddress, protocol = 'smtp', hostname, localAddress, tls, auth, proxyHeader } = client;
    known = JSON.stringify([remoteAddress, protocol, hostname, localAddress, tls, auth, proxyHeader]);
    KEYS.set(client, known);
  }
  return known;
}

/** A caller without types may have given a text, or the options of a client themselves. */
function checkDestination(to: { readonly client: unknown } | null | undefined): void {
  if (typeof to?.client !== 'object' || to.client === null) throw new UsageError('SMTPD_BAD_OPTION', NO_DESTINATION);
}

const NO_DESTINATION =
  "Whom a pool connects to is an object with the options of a client: { client: { remoteAddress: { host: 'HOST', port: 25 } } }";

/** Whether nobody answered MAIL, or only with a farewell: the server had left the connection before. */
function hadDied(error: unknown): boolean {
  if (error instanceof SMTPRefusedError) return error.command === 'MAIL' && error.reply.code === 421;
  return error instanceof SMTPConnectionError && error.code === 'SMTPD_CONNECTION_LOST' && error.stage === 'MAIL';
}

function raceAbort<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const stop = onAbort(signal, () => {
      reject(abortError(signal.reason));
    });
    promise.then(resolve, reject).finally(stop);
  });
}

function abortError(reason: unknown): SMTPConnectionError {
  return new SMTPConnectionError('SMTPD_ABORTED', 'The signal was aborted', { stage: 'connect', cause: reason });
}

function closed(): SMTPConnectionError {
  return new SMTPConnectionError('SMTPD_ABORTED', 'The pool is closed', { stage: 'connect' });
}

function ignore(): void {
  // Nothing to do.
}

/** The keys that were made, by what they were made of. */
const KEYS = new WeakMap<SMTPClientOptions, string>();
const DEFAULTS: Required<PoolOptions> = Object.freeze({
  connectionsMax: 20,
  idleMs: 30_000,
  messagesMax: 1_000,
  waitMs: 30_000,
  clock: systemClock,
});
const OPTIONS: KnownOptions = {
  known: new Set(Object.keys(DEFAULTS)),
  meant: broughtToPool,
  title: (name) => `There is no option ${name} of a pool`,
};
const DESTINATIONS_MAX = 1_000;
/** How long, at the end, a connection may take to be reset. */
const RESET_WAIT_MS = 5_000;
