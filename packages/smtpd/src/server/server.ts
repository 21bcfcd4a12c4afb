/**
 * The server: it listens, makes a channel for each connection, and knows what all channels share. The conversation itself is the
 * channel's.
 */

import { openListener, type BoundAddress, type ListenAddress, type Listener } from '../net/listener.js';
import { openSocketTransport } from '../net/socket-transport.js';
import type { Clock } from '../net/clock.js';
import type { EndpointAddress, Transport } from '../net/transport.js';
import { contentScanner } from '../protocol/content-scanner.js';
import { invariant, UsageError } from '../protocol/errors.js';
import { IN_CLEAR } from '../protocol/extension.js';
import { encodeReply } from '../protocol/reply-encoder.js';
import { Reply } from '../protocol/reply.js';
import type { ProxyHeader } from '../protocol/proxy-header.js';
import type { SessionOptions } from '../protocol/session-events.js';
import { SHUTTING_DOWN } from '../protocol/standard-replies.js';
import { ADMISSION_REPLIES, LocalLedger, type AdmissionLedger, type AdmissionLimit } from './admission-ledger.js';
import { sharedAuthContext, type SharedAuthContext } from './authentication.js';
import type {
  ChannelArrival,
  ChannelContext,
  ChannelOptions,
  ChannelOwner,
  ChannelTLS,
  MessageTaker,
} from './channel-context.js';
import { SMTPChannel } from './channel.js';
import { commandMethodsOf } from './command-methods.js';
import { HookTable, type AnyHook, type Hook } from './hooks.js';
import { listenFailure } from './listen-failure.js';
import { guardLogger, type Logger } from './logger.js';
import { awaitProxyHeader } from './proxied-transport.js';
import { PrimaryLedger } from './primary-ledger.js';
import type { ReceivedMessage, StreamedMessage } from './received-message.js';
import { completeOptions, type CompleteOptions, type SMTPServerOptions } from './server-options.js';
import { ServerTLS } from './server-tls.js';
import { sessionOptionsFor } from './session-options.js';
import type { TLSMode } from './tls-options.js';
import { isThenable, type Awaitable, type MessageVerdict, type Verdict } from './verdict.js';
import { Watch, type SMTPServerEvents } from './watch.js';

/** How a server closes. */
export interface CloseOptions {
  /** How long messages under way may take to finish, in ms. Default: 10,000. */
  readonly graceMs?: number;
  /** Ends the grace at once when it is aborted. */
  readonly signal?: AbortSignal;
}

/**
 * An SMTP server. Override {@link SMTPServer.processMessage}, or {@link SMTPServer.streamMessage} for large mail, or add hooks.
 *
 * @example
 * ```ts
 * import { SMTPServer, type ReceivedMessage } from 'smtpd';
 * class Inbox extends SMTPServer {
 *   override async processMessage(message: ReceivedMessage) {
 *     console.log(message.mailFrom, message.rcptTos, message.data.length);
 *   }
 * }
 * const server = new Inbox({ localAddress: 'localhost:0' });
 * await server.listen();
 * await server.close();
 * ```
 */
export class SMTPServer implements ChannelOwner {
  /** The class of this server's channels. */
  static channelClass: new (options: ChannelOptions) => SMTPChannel = SMTPChannel;

  readonly options: CompleteOptions;
  readonly #hooks = new HookTable();
  readonly #logger: Logger;
  readonly #watch: Watch;
  readonly #channels = new Set<SMTPChannel>();
  readonly #ledger: AdmissionLedger;
  /** The same, where the primary process keeps it. */
  readonly #primaryLedger: PrimaryLedger | undefined;
  #auth: SharedAuthContext;
  /** Connections whose PROXY header has not come yet, and how to give up waiting for it. */
  readonly #unannounced = new Set<() => void>();
  readonly #tls: ServerTLS;
  /** By mode of TLS: what is the same for all sessions of that mode. */
  readonly #sessionOptions: ReadonlyMap<TLSMode, SessionOptions>;
  /** The same, for channels. */
  readonly #contexts = new Map<TLSMode, ChannelContext>();
  readonly #messages: MessageTaker;
  /** Connections about which the primary process is asked. Nobody has started them. */
  readonly #unadmitted = new Set<Arrival>();
  /** Connections that were answered with 421 and have not closed yet. */
  readonly #turnedAway = new Set<Transport>();
  #opening: Promise<Listener> | undefined;
  #listener: Listener | undefined;
  #phase: 'new' | 'opening' | 'listening' | 'closing' | 'closed' = 'new';
  #closing: Promise<void> | undefined;
  #onLastGone: () => void = ignore;

  /** @throws {@link UsageError} when an option cannot work, or two contradict each other */
  constructor(options: SMTPServerOptions = {}) {
    this.options = completeOptions(options);
    this.#logger = guardLogger(this.options.logger);
    this.#watch = new Watch(this.#logger);
    const { clock, greetingDelayMs, limits, sharedLimits } = this.options;
    this.#messages = this.#findTaker();
    const isStreaming = this.#messages.kind === 'stream';
    this.#tls = new ServerTLS(this.options.tls, {
      clock,
      onError: (error) => {
        this.#logger.error({ error }, 'New TLS certificates could not be used; the old ones stay');
        this.#watch.tell('fault', { error });
      },
      onOutOfDate: (problem) => {
        this.#logger.warn({}, `${problem}; clients that verify it will not come`);
      },
    });
    this.#sessionOptions = new Map(
      TLS_MODES.map((mode) => [mode, sessionOptionsFor(this.options, { mode, isStreaming })]),
    );
    this.#auth = sharedAuthContext(this.options.auth);
    if (sharedLimits !== undefined) {
      const onJoined = (stableKey: Uint8Array): void => {
        this.#auth = Object.freeze({ ...this.#auth, stableKey });
      };
      this.#primaryLedger = new PrimaryLedger({ name: sharedLimits, limits, clock, onJoined });
    }
    this.#ledger = this.#primaryLedger ?? new LocalLedger(limits, clock);
    if (greetingDelayMs > 0) this.use(greetingDelay(clock, greetingDelayMs));
    // A method that no client can call is told of now, not when the first client comes.
    commandMethodsOf(this.#channelClass.prototype as object);
  }

  /** The address mail is sent on to, as it was given. The base class does nothing with it. */
  get remoteAddress(): unknown {
    return this.options.remoteAddress;
  }

  /** The live channels of this server, and of every server that shares the set. */
  get channels(): ReadonlySet<unknown> {
    return this.options.channels;
  }

  /** Where the server listens; empty before {@link SMTPServer.listen} and after {@link SMTPServer.close}. */
  get addresses(): readonly BoundAddress[] {
    return this.#listener?.addresses ?? [];
  }

  /** The port of the first TCP address. 0 when there is none. */
  get port(): number {
    return this.addresses.find(({ port }) => port !== 0)?.port ?? 0;
  }

  // ---- For subclasses -----------------------------------------------------------------------------------------------

  /**
   * Takes a message that arrived whole.
   *
   * Return nothing for `250 OK`, or a reply; throw `SMTPReplyError`; anything else that is thrown becomes 451 with an incident
   * number, and the log has the rest. A message that was answered with 250 is yours.
   */
  processMessage(message: ReceivedMessage<never>): Awaitable<MessageVerdict>;
  processMessage(): Verdict {
    return NOT_OVERRIDDEN;
  }

  /** Takes a message while it arrives, instead of {@link SMTPServer.processMessage}. The client waits while `message.body` is not read. */
  streamMessage(message: StreamedMessage): Awaitable<MessageVerdict>;
  streamMessage(): Verdict {
    return NOT_OVERRIDDEN;
  }

  // ---- Hooks and events ---------------------------------------------------------------------------------------------

  /**
   * Adds a hook. Hooks are asked in the order in which they were added.
   *
   * @throws {@link UsageError} `SMTPD_BAD_HOOK`
   */
  use<State>(hook: Hook<State>): this {
    if ((hook as Hook<State> | null | undefined)?.message !== undefined && this.#messages.kind === 'stream') {
      throw new UsageError(
        'SMTPD_BAD_HOOK',
        `Hook ${hook.name}: a message hook reads message.data, which a server with streamMessage does not gather; use the other stages, or processMessage`,
      );
    }
    this.#hooks.add(hook as unknown as AnyHook);
    return this;
  }

  /**
   * Adds a hook that is asked behind all others, also those that are added later. For a subclass that does what the hooks before it let
   * through.
   *
   * @throws {@link UsageError} `SMTPD_BAD_HOOK`
   */
  protected useLast<State>(hook: Hook<State>): void {
    this.#hooks.add(hook as unknown as AnyHook, { isLast: true });
  }

  /**
   * Watches. A listener can neither delay nor change a reply; what it throws is logged.
   *
   * @throws {@link UsageError} `SMTPD_BAD_OPTION` when there is no such event
   */
  on<Name extends keyof SMTPServerEvents>(name: Name, listener: (event: SMTPServerEvents[Name]) => void): this {
    this.#watch.on(name, listener);
    return this;
  }

  /** Stops watching. */
  off<Name extends keyof SMTPServerEvents>(name: Name, listener: (event: SMTPServerEvents[Name]) => void): this {
    this.#watch.off(name, listener);
    return this;
  }

  // ---- Listening ----------------------------------------------------------------------------------------------------

  /**
   * Opens the listen addresses: all of them, or none.
   *
   * @returns where the server listens
   * @throws {@link UsageError} `SMTPD_ALREADY_LISTENING`; `SMTPD_LISTEN_FAILED` with the operating system's error as `cause`
   */
  listen(): Promise<readonly BoundAddress[]>;
  async listen(...given: readonly unknown[]): Promise<readonly BoundAddress[]> {
    // A program without types that comes from node:net would listen elsewhere, and wait for a function to be called.
    if (given.length > 0) throw new UsageError('SMTPD_BAD_OPTION', LISTEN_ARGUMENTS);
    if (this.#phase !== 'new') {
      throw new UsageError('SMTPD_ALREADY_LISTENING', 'listen() may be called once; make a new server to listen again');
    }
    this.#phase = 'opening';
    const modes = this.options.localAddress.map(({ tls }) => tls ?? this.options.tls.mode);
    try {
      if (modes.some((mode) => mode !== 'off')) await this.#tls.load();
      if (this.#primaryLedger !== undefined) await this.#primaryLedger.join();
    } catch (error) {
      if (!this.#hasBeenClosed()) this.#phase = 'new';
      throw error;
    }
    // close() has found nothing to wait for, and nobody would close what is opened now.
    if (this.#hasBeenClosed()) throw closedMeanwhile();
    this.#opening = openListener(this.options.localAddress, {
      backlog: this.options.backlog,
      readBuffer: contentScanner.readBuffer,
      onConnection: (socket, address) => {
        this.#onConnection(openSocketTransport(socket, { lingerMs: LINGER_MS }), address);
      },
      withoutSocket: {
        lingerMs: LINGER_MS,
        onConnection: (transport, address) => {
          this.#onConnection(transport, address);
        },
      },
      onError: (error) => {
        this.#logger.error({ error }, 'A connection could not be accepted; the server goes on');
        this.#watch.tell('fault', { error });
      },
    });
    let listener: Listener;
    try {
      listener = await this.#opening;
    } catch (error) {
      this.#opening = undefined;
      if (!this.#hasBeenClosed()) this.#phase = 'new';
      throw listenFailure(error);
    }
    if (this.#hasBeenClosed()) throw closedMeanwhile();
    this.#listener = listener;
    this.#phase = 'listening';
    if (this.#messages.kind === 'hooks' && this.#hooks.message.length === 0) {
      this.#logger.warn(
        {},
        'Nothing takes messages: override processMessage() or add a message hook; every message is refused with 451',
      );
    }
    this.#watch.tell('listening', { addresses: this.addresses });
    return this.addresses;
  }

  /**
   * Takes a connection that somebody else accepted, such as one end of a connection in memory.
   *
   * @param transport - not started yet. Where it cannot do TLS, STARTTLS is not offered on it
   * @throws {@link UsageError} `SMTPD_BAD_OPTION` when it cannot do TLS and `tls.mode` does not go without; it is left alone then
   */
  accept(transport: Transport): void {
    const { mode } = this.options.tls;
    const isPossible = transport.startTLS !== undefined;
    // A client could never do what is asked of it.
    if (!isPossible && (mode === 'require' || mode === 'implicit')) {
      throw new UsageError(
        'SMTPD_BAD_OPTION',
        `tls.mode is ${mode}, and this connection cannot do TLS; accept it on a server with tls.mode off or offer`,
      );
    }
    this.#accept({ transport, mode: isPossible ? mode : 'off', proxy: undefined, received: undefined });
  }

  #accept(arrival: Arrival): void {
    const { transport, mode } = arrival;
    if (this.#hasBeenClosed()) {
      this.#turnAway(transport, SHUTTING_DOWN, mode);
      return;
    }
    const exceeded = this.#isFull ? 'sessionsMax' : this.#ledger.admit(this.#countedKey(transport.remote));
    if (isThenable(exceeded)) void this.#acceptWhenAdmitted(arrival, exceeded);
    else this.#acceptUnless(exceeded, arrival);
  }

  /**
   * Whether this process holds all that it may. Who waits with a PROXY header or for the primary process counts, too, and other servers may
   * share the set of channels.
   */
  get #isFull(): boolean {
    const { limits, channels } = this.options;
    return channels.size + this.#unadmitted.size + this.#unannounced.size >= limits.sessionsMax;
  }

  async #acceptWhenAdmitted(arrival: Arrival, answer: PromiseLike<AdmissionLimit | undefined>): Promise<void> {
    const { transport, mode } = arrival;
    this.#unadmitted.add(arrival);
    try {
      const exceeded = await answer;
      if (this.#unadmitted.delete(arrival)) this.#acceptOrCut(arrival, () => this.#acceptUnless(exceeded, arrival));
      // It was sent away when the server closed.
      else if (exceeded === undefined) this.#ledger.left(this.#countedKey(transport.remote));
    } catch (error) {
      if (!this.#unadmitted.delete(arrival)) return;
      this.#turnAway(transport, SHUTTING_DOWN, mode);
      this.#logger.error({ error }, 'The primary process could not be asked about a connection; it is closed');
      this.#watch.tell('fault', { error });
    }
  }

  #acceptUnless(exceeded: AdmissionLimit | undefined, arrival: Arrival): void {
    const { transport, mode } = arrival;
    if (exceeded !== undefined) {
      this.#watch.tell('limit', { limit: exceeded, peer: transport.remote });
      this.#turnAway(transport, ADMISSION_REPLIES[exceeded], mode);
      return;
    }
    const channel = this.#makeChannel(arrival);
    this.#channels.add(channel);
    this.options.channels.add(channel);
    try {
      channel.begin();
    } catch (error) {
      this.#onGone(channel, transport.remote);
      throw error;
    }
  }

  #makeChannel(arrival: Arrival): SMTPChannel {
    const { transport, mode } = arrival;
    try {
      return new this.#channelClass({
        server: this,
        transport,
        context: this.#contextFor(mode),
        arrival: this.#channelArrival(arrival),
      });
    } catch (error) {
      this.#ledger.left(this.#countedKey(transport.remote));
      throw error;
    }
  }

  /**
   * Closes: no new connections; idle clients hear 421 at once; messages under way may finish until the grace is over; then
   * connections are cut and their signals aborted. A second call waits for the first, and may shorten it by its own grace or signal.
   *
   * @returns when every connection is gone
   * @throws {@link UsageError} `SMTPD_BAD_OPTION` when it is given a function instead
   */
  async close(options: CloseOptions = {}): Promise<void> {
    if (typeof options === 'function') throw new UsageError('SMTPD_BAD_OPTION', CLOSE_FUNCTION);
    const cutOff = (): void => {
      for (const channel of [...this.#channels]) channel.cutOff();
    };
    const cancelTimer = this.options.clock.setTimer(cutOff, options.graceMs ?? GRACE_MS);
    options.signal?.addEventListener('abort', cutOff, { once: true });
    try {
      this.#closing ??= this.#close();
      if (options.signal?.aborted === true) cutOff();
      await this.#closing;
    } finally {
      cancelTimer();
      options.signal?.removeEventListener('abort', cutOff);
    }
  }

  /** Closes, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<void> {
    this.#phase = 'closing';
    for (const giveUp of [...this.#unannounced]) giveUp();
    for (const { transport, mode } of this.#unadmitted) this.#turnAway(transport, SHUTTING_DOWN, mode);
    this.#unadmitted.clear();
    // Whoever hears of the end or of a 421 may call close(), too, and has to find this call.
    await Promise.resolve();
    // Not before: a channel that is being made when its class closes the server is among them.
    const channelsGone = this.#whenAllGone();
    this.#watch.tell('closing', {});
    for (const channel of [...this.#channels]) channel.shutDown();
    // When it cannot be opened, listen() tells its own caller.
    const listener = await this.#opening?.catch(() => undefined);
    await Promise.all([listener?.close(), channelsGone]);
    for (const transport of this.#turnedAway) transport.destroy();
    this.#primaryLedger?.close();
    this.#listener = undefined;
    this.#phase = 'closed';
    this.#watch.tell('close', {});
  }

  #whenAllGone(): Promise<void> {
    if (this.#channels.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onLastGone = resolve;
    });
  }

  #hasBeenClosed(): boolean {
    return this.#phase === 'closing' || this.#phase === 'closed';
  }

  #onConnection(transport: Transport, { tls }: ListenAddress): void {
    if (hasLeft(transport.remote)) {
      transport.destroy();
      return;
    }
    const mode = tls ?? this.options.tls.mode;
    if (this.options.proxyProtocol.has(transport.remote)) this.#awaitProxyHeader(transport, mode);
    else this.#acceptOrCut({ transport, mode, proxy: undefined, received: undefined });
  }

  #acceptOrCut(arrival: Arrival, accept = (): void => this.#accept(arrival)): void {
    try {
      accept();
    } catch (error) {
      // A channel class that throws in its constructor loses this one connection, not the listener.
      arrival.transport.destroy();
      this.#logger.error({ error }, 'A channel could not be made; the connection is closed');
      this.#watch.tell('fault', { error });
    }
  }

  /** A proxy that is believed says first for whom it comes. Without that nobody could tell whom to count and whom to answer. */
  #awaitProxyHeader(transport: Transport, mode: TLSMode): void {
    const { clock, limits } = this.options;
    const peer = transport.remote;
    if (this.#hasBeenClosed() || this.#isFull) {
      if (!this.#hasBeenClosed()) this.#watch.tell('limit', { limit: 'sessionsMax', peer });
      // Before the header nobody knows who would read a reply.
      transport.destroy();
      return;
    }
    const giveUp = awaitProxyHeader(transport, {
      clock,
      waitMs: limits.proxyHeaderWaitMs,
      onOutcome: (outcome) => {
        this.#unannounced.delete(giveUp);
        if (outcome.kind === 'header') {
          this.#acceptOrCut({
            transport: outcome.transport,
            mode,
            proxy: outcome.header,
            received: outcome.received,
          });
          return;
        }
        if (outcome.kind === 'left') return;
        if (outcome.isOverdue) this.#watch.tell('limit', { limit: 'proxyHeaderWaitMs', peer });
        this.#logger.warn({ peer: peer.address }, `A proxy's connection was closed: ${outcome.reason}`);
      },
    });
    this.#unannounced.add(giveUp);
  }

  /**
   * Reads the TLS certificates again from where they came. Sessions that are on TLS stay as they are.
   *
   * @throws the reason why the new ones cannot be used; the old ones stay then
   */
  async reloadTLS(): Promise<void> {
    await this.#tls.reload();
  }

  /** Where clients find the authority of a certificate that was made for development; `undefined` when it is one of yours. */
  get developmentCAFile(): string | undefined {
    return this.#tls.developmentCAFile;
  }

  get #channelClass(): typeof SMTPServer.channelClass {
    return (this.constructor as typeof SMTPServer).channelClass;
  }

  /** What is the same for all channels of this mode is made for the first. */
  #contextFor(mode: TLSMode): ChannelContext {
    let context = this.#contexts.get(mode);
    if (context === undefined) {
      context = this.#newContext(mode);
      this.#contexts.set(mode, context);
    }
    return context;
  }

  #newContext(mode: TLSMode): ChannelContext {
    const sessionOptions = this.#sessionOptions.get(mode);
    invariant(sessionOptions !== undefined, 'Each mode has its options');
    const isOnTLS = mode === 'offer' || mode === 'require' || mode === 'implicit';
    return Object.freeze({
      sessionOptions,
      tls: isOnTLS ? this.#channelTLS(mode) : undefined,
      auth: this.#auth,
      ledger: this.#ledger,
      addressKeyOf: addressKey,
      countedKeyOf: (peer: EndpointAddress) => this.#countedKey(peer),
      hooks: this.#hooks,
      watch: this.#watch,
      logger: this.#logger,
      clock: this.options.clock,
      messages: this.#messages,
      onGone: (channel: object, counted: EndpointAddress | undefined) => {
        this.#onGone(channel as SMTPChannel, counted);
      },
    });
  }

  #channelArrival({ transport, proxy, received }: Arrival): ChannelArrival {
    const mayXCLIENT = this.options.xclient.has(transport.remote);
    const mayXFORWARD = this.options.xforward.has(transport.remote);
    const situation = mayXCLIENT || mayXFORWARD ? { ...IN_CLEAR, mayXCLIENT, mayXFORWARD } : IN_CLEAR;
    const isUsual = situation === IN_CLEAR && proxy === undefined && received === undefined;
    return isUsual ? USUAL_ARRIVAL : { situation, proxy, received };
  }

  #channelTLS(mode: TLSMode): ChannelTLS {
    return {
      isImplicit: mode === 'implicit',
      isClientCertificateRequired: this.options.tls.clientCertificates === 'require',
      handshake: () => this.#tls.handshake(),
    };
  }

  #onGone(channel: SMTPChannel, counted: EndpointAddress | undefined): void {
    if (!this.#channels.delete(channel)) return;
    this.options.channels.delete(channel);
    if (counted !== undefined) this.#ledger.left(this.#countedKey(counted));
    if (this.#channels.size === 0) this.#onLastGone();
  }

  /** Says why, and closes. */
  #turnAway(transport: Transport, reply: Reply, mode: TLSMode): void {
    this.#turnedAway.add(transport);
    const onClose = (): void => {
      this.#turnedAway.delete(transport);
    };
    transport.start({ onBytes: ignore, onEnd: ignore, onDrain: ignore, onClose });
    // Whoever is turned away still has a descriptor until it closes its side. There is a bound on courtesy, too.
    // And where TLS comes first, nobody would understand a word in clear.
    if (this.#turnedAway.size > TURNED_AWAY_MAX || mode === 'implicit') {
      transport.destroy();
      return;
    }
    transport.write(encodeReply(reply, false));
    transport.end();
  }

  /** Whom a client counts for; `undefined` for one of this machine, unless they count, too. */
  #countedKey(peer: EndpointAddress): string | undefined {
    return this.options.countLoopback || !isOfThisMachine(peer) ? addressKey(peer) : undefined;
  }

  #findTaker(): MessageTaker {
    const base = SMTPServer.prototype;
    const processes = this.processMessage !== base.processMessage;
    const streams = this.streamMessage !== base.streamMessage;
    if (processes && streams) {
      throw new UsageError(
        'SMTPD_CONFLICTING_OPTIONS',
        'Override processMessage or streamMessage, not both: a message is handed over once',
      );
    }
    if (streams && this.options.decodeData) {
      throw new UsageError(
        'SMTPD_CONFLICTING_OPTIONS',
        'decodeData needs the whole message; with streamMessage decode what you read yourself',
      );
    }
    if (streams) return { kind: 'stream', stream: (message) => this.streamMessage(message) };
    // A Map of recipients is understood where the verdict is judged.
    if (processes) return { kind: 'whole', process: (message) => this.processMessage(message) };
    return { kind: 'hooks' };
  }
}

/** A connection that came, and what is known of it. */
interface Arrival {
  readonly transport: Transport;
  readonly mode: TLSMode;
  readonly proxy: ProxyHeader | undefined;
  /** Octets that were read behind the PROXY header. */
  readonly received: Uint8Array | undefined;
}

/** Holds the greeting back. A client that leaves meanwhile is not waited for. */
function greetingDelay(clock: Clock, ms: number): Hook {
  return {
    name: 'greeting delay',
    connect: ({ signal }) =>
      new Promise((resolve) => {
        const cancelTimer = clock.setTimer(resolve, ms);
        signal.addEventListener(
          'abort',
          () => {
            cancelTimer();
            resolve();
          },
          { once: true },
        );
      }),
  };
}

/** Whom sessions are counted by: an IPv4 address, or an IPv6 network of /64, which one customer has to itself. */
function addressKey({ address, family }: EndpointAddress): string {
  if (family !== 'IPv6') return address;
  const [head = '', tail] = (address.split('%')[0] ?? '').split('::');
  const groups = head === '' ? [] : head.split(':');
  if (tail !== undefined) {
    const tailGroups = tail === '' ? [] : tail.split(':');
    while (groups.length + tailGroups.length < 8) groups.push('0');
    groups.push(...tailGroups);
  }
  return groups.slice(0, 4).join(':');
}

/**
 * A client that has reset its connection before we saw it has no address any more. Nobody is there to answer to, and nobody could say
 * whether a PROXY header stands before what it sent, or in which networks it was.
 */
function hasLeft({ address, family }: EndpointAddress): boolean {
  return address === '' && family !== 'unix';
}

function isOfThisMachine({ address, family }: EndpointAddress): boolean {
  return family === 'unix' || family === 'memory' || address === '::1' || address.startsWith('127.');
}

function closedMeanwhile(): UsageError {
  return new UsageError('SMTPD_ALREADY_LISTENING', 'close() was called while listen() was under way');
}

function ignore(): void {
  // Nothing that this client does matters any more.
}

const USUAL_ARRIVAL: ChannelArrival = Object.freeze({ situation: IN_CLEAR, proxy: undefined, received: undefined });
const NOT_OVERRIDDEN = new Reply(451, '4.3.5', 'Error: this server takes no messages yet');
const TLS_MODES: readonly TLSMode[] = ['off', 'offer', 'require', 'implicit'];
const GRACE_MS = 10_000;
/** How many connections that were turned away may linger at a time. */
const TURNED_AWAY_MAX = 1_000;
/** How long a client may take to close its side after we closed ours. */
const LINGER_MS = 2_000;
const LISTEN_ARGUMENTS =
  "listen() takes nothing, and returns a promise: say where to the constructor, as localAddress: 'HOST:PORT', and await server.listen()";
const CLOSE_FUNCTION = 'close() calls nothing back, and returns a promise: await server.close()';
