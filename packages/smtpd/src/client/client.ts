/**
 * A client: one connection to a server, and the conversation on it. What may be said when is the pure session's
 * (`protocol/client-session.ts`); this file moves its octets, keeps its waits and gives its replies to whoever waits for them.
 *
 * {@link SMTPClient.send} is the whole of a message. Its steps are there one by one, for who stands between.
 */

import { hostname as systemHostname } from 'node:os';

import { Deadline } from '../net/deadline.js';
import { openConnection } from '../net/outgoing-connection.js';
import type { TLSFacts } from '../net/tls-facts.js';
import type { EndpointAddress, Transport } from '../net/transport.js';
import { assertNever, UsageError } from '../protocol/errors.js';
import {
  ClientSession,
  type ClientEvent,
  type ClientPhase,
  type ClientRequest,
  type ClientWait,
  type RequestKind,
} from '../protocol/client-session.js';
import { encodeProxyHeader } from '../protocol/proxy-header.js';
import type { Reply } from '../protocol/reply.js';
import type { ServerCapabilities } from '../protocol/server-capabilities.js';
import { authenticate } from './client-auth.js';
import { SMTPConnectionError, SMTPRefusedError } from './client-errors.js';
import {
  completeClientOptions,
  type ClientWaits,
  type CompleteClientOptions,
  type SMTPClientOptions,
} from './client-options.js';
import { ContentSender } from './content-sender.js';
import { contentOf, type ContentForm, type MessageContent } from './content-source.js';
import { formatMail, formatRcpt, hasParameter } from './envelope-commands.js';
import { handshakeOptions } from './handshake-options.js';
import { sendMessage, type OutgoingMessage, type SendResult, type SendRules } from './send-message.js';

/** How a call may be given up. */
export interface CallOptions {
  /** Closes the connection when it is aborted: a conversation that was cut short cannot be taken up again. */
  readonly signal?: AbortSignal;
}

/**
 * An SMTP or LMTP client.
 *
 * Replies are values: a method that sends one command resolves with what the server said, yes or no. What rejects is a connection that
 * failed ({@link SMTPConnectionError}), and in `connect` and `send` a server that refused all there was ({@link SMTPRefusedError}).
 *
 * @example
 * ```ts
 * import { SMTPClient } from 'smtpd';
 * const client = new SMTPClient({ remoteAddress: { host: 'localhost', port: 1025 } });
 * await client.connect();
 * const { recipients } = await client.send({
 *   mailFrom: 'alice@example.org',
 *   rcptTos: ['bob@example.net'],
 *   data: 'Subject: Hello\r\n\r\nHello, Bob.\r\n',
 * });
 * for (const { address, reply } of recipients) console.log(address, reply.toString());
 * await client.quit();
 * ```
 */
export class SMTPClient {
  readonly options: CompleteClientOptions;
  readonly #deadline: Deadline;
  readonly #waiting = new Map<ClientRequest, Waiter>();
  #session: ClientSession;
  #transport: Transport | undefined;
  #tls: TLSFacts | undefined;
  #greeting: Reply | undefined;
  #mechanism: string | undefined;
  /** The transaction was opened with SMTPUTF8. */
  #isInternational = false;
  #failure: Error | undefined;
  #isConnecting = false;
  #isFlushScheduled = false;
  #isSending = false;
  /** Whoever has the client wants no connection any more. */
  #isGivenUp = false;
  /** More was written than the server has read. */
  #isBlocked = false;
  readonly #content: ContentSender;
  #onClose: () => void = ignore;
  #isQuitting = false;
  /** The 421 with which the server leaves. */
  #farewell: Reply | undefined;

  /** @throws {@link UsageError} when an option cannot work, or two contradict each other */
  constructor(options: SMTPClientOptions) {
    this.options = completeClientOptions(options, systemHostname());
    this.#session = new ClientSession(this.options.protocol);
    this.#deadline = new Deadline(this.options.clock, () => {
      this.#onDeadline();
    });
    this.#content = new ContentSender({
      session: () => this.#session,
      failure: () => this.#failure,
      isBlocked: () => this.#isBlocked,
      flush: () => {
        this.#flush();
      },
      arm: () => {
        this.#arm();
      },
      request: (request) => this.#request(request),
      awaitReplies: (end) => this.#awaitContentReplies(end),
      fail: (error) => {
        this.#fail(error);
      },
    });
  }

  /** Where the conversation is. */
  get phase(): ClientPhase {
    return this.#session.phase;
  }

  /** Whether the connection stands, and the server has not said that it leaves. */
  get isOpen(): boolean {
    return this.#transport !== undefined && this.#failure === undefined && !this.#session.isLeaving;
  }

  /** Whether every command has its reply, and no transaction is open. */
  get isIdle(): boolean {
    return this.isOpen && this.#session.isIdle;
  }

  /** What the server offers; nothing before `connect`, and after a server that knows HELO alone. */
  get capabilities(): ServerCapabilities {
    return this.#session.capabilities;
  }

  /** The server's greeting; `undefined` before. */
  get greeting(): Reply | undefined {
    return this.#greeting;
  }

  /** What is known of TLS; `undefined` in clear. */
  get tls(): TLSFacts | undefined {
    return this.#tls;
  }

  /** The mechanism that the client has authenticated with; `undefined`: it has not. */
  get mechanism(): string | undefined {
    return this.#mechanism;
  }

  /** The server's end of the connection; `undefined` before. */
  get remote(): EndpointAddress | undefined {
    return this.#transport?.remote;
  }

  /** Called once when the connection is gone, or the server leaves. For a pool. @internal */
  set onClose(listener: () => void) {
    this.#onClose = listener;
  }

  // ---- The beginning ------------------------------------------------------------------------------------------------

  /**
   * Connects: greeting, EHLO (or HELO), STARTTLS and AUTH as the options say.
   *
   * @throws {@link SMTPConnectionError}; {@link SMTPRefusedError} when the server turns the client away; {@link UsageError}
   * `SMTPD_BAD_COMMAND` for a second call
   */
  async connect({ signal }: CallOptions = {}): Promise<this> {
    if (this.#isConnecting) {
      throw new UsageError('SMTPD_BAD_COMMAND', 'connect() may be called once; make a new client to connect again');
    }
    this.#isConnecting = true;
    return this.#guarded(signal, async () => {
      try {
        await this.#connect(this.options.tls.mode);
      } catch (error) {
        // RFC 7435 §3: a handshake that fails is no reason to do without the mail, where nobody asked for more than is there.
        const isOptional = this.options.tls.mode === 'opportunistic' && isHandshakeFailure(error);
        if (!isOptional || this.#isGivenUp || signal?.aborted === true) throw await this.#leave(error);
        this.#reset();
        try {
          await this.#connect('off');
        } catch (again) {
          throw await this.#leave(again);
        }
      }
      return this;
    });
  }

  /**
   * Takes a transport that somebody else connected, such as one end of a connection in memory, instead of connecting.
   *
   * @param transport - not started yet
   */
  async connectOver(transport: Transport, { signal }: CallOptions = {}): Promise<this> {
    if (this.#isConnecting) throw new UsageError('SMTPD_BAD_COMMAND', 'connect() may be called once');
    this.#isConnecting = true;
    return this.#guarded(signal, async () => {
      try {
        await this.#begin(transport, this.options.tls.mode);
      } catch (error) {
        throw await this.#leave(error);
      }
      return this;
    });
  }

  async #connect(mode: CompleteClientOptions['tls']['mode']): Promise<void> {
    const { remoteAddress, localAddress, waits, clock } = this.options;
    const attempt = new AbortController();
    this.#cancelAttempt = (reason) => {
      attempt.abort(reason);
    };
    const cancelTimer =
      waits.connectMs === Infinity
        ? ignore
        : clock.setTimer(() => {
            attempt.abort(new Error(`No connection within ${String(waits.connectMs)} ms`));
          }, waits.connectMs);
    let transport: Transport;
    try {
      transport = await openConnection(remoteAddress, { localAddress, signal: attempt.signal, lingerMs: waits.quitMs });
    } catch (error) {
      throw (
        this.#failure ??
        new SMTPConnectionError('SMTPD_CONNECT_FAILED', `Cannot connect: ${reasonOf(error)}`, {
          stage: 'connect',
          cause: error,
        })
      );
    } finally {
      cancelTimer();
      this.#cancelAttempt = ignore;
    }
    await this.#begin(transport, mode);
  }

  #cancelAttempt: (reason: Error) => void = ignore;

  async #begin(transport: Transport, mode: CompleteClientOptions['tls']['mode']): Promise<void> {
    this.#transport = transport;
    // What a connection that was given up still has to tell is nothing to the next one.
    const isOurs = (): boolean => this.#transport === transport;
    transport.start({
      onBytes: (bytes) => {
        if (!isOurs()) return;
        this.#session.receive(bytes);
        this.#pump();
        this.#session.settle();
      },
      onEnd: () => {
        if (isOurs()) this.#fail(this.#lost('The server closed the connection'));
      },
      onDrain: () => {
        if (!isOurs()) return;
        this.#isBlocked = false;
        this.#content.onRoom();
        this.#arm();
      },
      onClose: (error) => {
        if (!isOurs()) return;
        this.#fail(this.#lost(error === undefined ? 'The connection was closed' : reasonOf(error), error));
      },
    });
    const { proxyHeader } = this.options;
    if (proxyHeader !== undefined) transport.write(encodeProxyHeader(proxyHeader, { version: 2 }));
    if (mode === 'implicit') await this.#handshake();
    const greeting = await this.#awaitGreeting();
    this.#greeting = greeting;
    if (!greeting.isPositive) throw new SMTPRefusedError('connect', greeting);
    await this.#hello();
    if (mode === 'opportunistic' || mode === 'require') await this.#startTLS(mode);
    if (this.options.auth !== undefined) await this.#authenticate(this.options.auth);
  }

  #awaitGreeting(): Promise<Reply> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) {
        reject(this.#failure);
        return;
      }
      this.#greetingWaiter = { onReply: resolve, reject };
      this.#arm();
      // In memory, and behind TLS, it may be there already.
      this.#pump();
    });
  }

  #greetingWaiter: Waiter | undefined;

  async #hello(): Promise<void> {
    const { protocol, hostname } = this.options;
    const verb = protocol === 'lmtp' ? 'LHLO' : 'EHLO';
    const reply = await this.#request({ kind: 'hello', line: `${verb} ${hostname}` });
    if (reply.isPositive) return;
    // RFC 5321 §3.2: a server that does not know EHLO is spoken to as RFC 821 does. RFC 2033 has no such way back.
    if (protocol === 'lmtp' || !reply.isPermanent) throw new SMTPRefusedError(verb, reply);
    const plain = await this.#request({ kind: 'hello', line: `HELO ${hostname}` });
    if (!plain.isPositive) throw new SMTPRefusedError('HELO', plain);
  }

  async #startTLS(mode: 'opportunistic' | 'require'): Promise<void> {
    const isOffered = this.capabilities.has('STARTTLS');
    if (!isOffered && mode === 'opportunistic') return;
    if (!isOffered) throw tlsFailed('The server does not offer STARTTLS, and tls.mode is require');
    const reply = await this.#request({ kind: 'startTLS', line: 'STARTTLS' });
    if (!reply.isPositive) {
      if (mode === 'opportunistic') return;
      throw tlsFailed('The server refused STARTTLS', { reply });
    }
    await this.#handshake();
    this.#session.secured();
    await this.#hello();
  }

  async #handshake(): Promise<void> {
    // Octets in clear behind the reply to STARTTLS end the connection before the handshake begins.
    this.#throwIfFailed();
    const { tls, remoteAddress, waits } = this.options;
    const transport = this.#transport;
    if (transport?.connectTLS === undefined) throw tlsFailed('This connection cannot be put on TLS');
    const host = 'host' in remoteAddress ? remoteAddress.host : 'localhost';
    this.#deadline.set(waits.handshakeMs);
    try {
      this.#tls = await transport.connectTLS(handshakeOptions(tls, host));
    } catch (error) {
      throw this.#failure ?? tlsFailed(`The TLS handshake failed: ${reasonOf(error)}`, { cause: error });
    }
    if (this.#failure !== undefined) throw this.#failure;
    this.#deadline.clear();
  }

  async #authenticate(auth: NonNullable<CompleteClientOptions['auth']>): Promise<void> {
    const { remoteAddress } = this.options;
    this.#mechanism = await authenticate(auth, {
      capabilities: this.capabilities,
      tls: this.#tls,
      host: 'host' in remoteAddress ? remoteAddress.host : undefined,
      port: 'port' in remoteAddress ? remoteAddress.port : undefined,
      ask: (line) => this.#request({ kind: 'auth', line }),
    });
  }

  // ---- Step by step -------------------------------------------------------------------------------------------------

  /**
   * Opens a transaction.
   *
   * Commands may be sent without waiting for the replies before them; where the server offers PIPELINING they leave together.
   *
   * @param mailFrom - an address, or `''` for the null reverse-path
   * @param options - parameters, such as `['SIZE=10', 'BODY=8BITMIME']`. SIZE, BODY=7BIT and AUTH are left out where they are not
   * offered; what else is not offered is refused
   * @throws {@link UsageError} `SMTPD_BAD_COMMAND`; {@link SMTPNotOfferedError}; {@link SMTPConnectionError}
   */
  async mail(mailFrom: string, options: readonly string[] = []): Promise<Reply> {
    const line = formatMail(mailFrom, options, this.#envelopeContext());
    this.#isInternational = hasParameter(options, 'SMTPUTF8');
    return this.#request({ kind: 'mail', line });
  }

  /**
   * Adds a recipient.
   *
   * @param options - parameters, such as `['NOTIFY=NEVER']`
   * @throws as {@link SMTPClient.mail}
   */
  async rcpt(rcptTo: string, options: readonly string[] = []): Promise<Reply> {
    const context = { ...this.#envelopeContext(), isInternational: this.#isInternational };
    return this.#request({ kind: 'rcpt', line: formatRcpt(rcptTo, options, context) });
  }

  /**
   * Checks a whole envelope without sending anything.
   *
   * @throws {@link UsageError} `SMTPD_BAD_COMMAND`; {@link SMTPNotOfferedError}
   */
  checkEnvelope({ mailFrom, rcptTos, mailOptions = [], rcptOptions = [] }: Omit<OutgoingMessage, 'data'>): void {
    const context = { ...this.#envelopeContext(), isInternational: hasParameter(mailOptions, 'SMTPUTF8') };
    formatMail(mailFrom, mailOptions, context);
    for (const [index, address] of rcptTos.entries()) formatRcpt(address, rcptOptions[index] ?? [], context);
  }

  /** Asks whether the content may come: 354, or why not. */
  data(): Promise<Reply> {
    return this.#request({ kind: 'data', line: 'DATA' });
  }

  /**
   * Sends the content after 354, as it comes, no faster than the server reads. Only CRLF ends its lines; what else could end one is
   * refused before it leaves.
   *
   * When `content` throws, the connection is closed, so that the server does not take what is not complete for the message.
   *
   * @param form - `octets`: the line ends were checked before, and are not looked at again
   * @returns one reply; over LMTP one for each recipient that was accepted, in order (RFC 2033 §4.2). A server that refuses before the
   * end, or answers once for all, is quoted once.
   * @throws {@link SMTPConnectionError}; {@link UsageError} `SMTPD_BAD_CONTENT`; what `content` throws
   */
  async sendContent(content: MessageContent, form: ContentForm = 'text'): Promise<readonly Reply[]> {
    if (this.phase !== 'content')
      throw new UsageError('SMTPD_BAD_COMMAND', 'sendContent() follows a 354 reply to data()');
    return this.#cleared(await this.#content.send(contentOf(content, form)));
  }

  /**
   * Sends the content in chunks (RFC 3030), as it comes: no end of data, no doubled dots. After RCPT, instead of `data()`.
   *
   * When `content` throws, the transaction is reset, and the connection can be used on.
   *
   * @param form - `octets`: with BODY=BINARYMIME, or checked before
   * @returns as {@link SMTPClient.sendContent}. After a refused chunk the transaction was reset.
   * @throws as {@link SMTPClient.sendContent}
   */
  async sendChunks(content: MessageContent, form: ContentForm = 'text'): Promise<readonly Reply[]> {
    if (this.phase !== 'transaction') {
      throw new UsageError('SMTPD_BAD_COMMAND', 'sendChunks() follows a recipient that was accepted');
    }
    return this.#cleared(await this.#content.sendChunks(contentOf(content, form)));
  }

  /**
   * RFC 5321 §4.1.1.4: a message that is refused ends the transaction, too. Servers do not agree (Postfix keeps it open when a policy
   * refuses), so RSET goes ahead of whatever comes next. The verdict does not wait for its answer.
   */
  #cleared(replies: readonly Reply[]): readonly Reply[] {
    if (this.isOpen && !replies.some((reply) => reply.isPositive)) this.reset().catch(ignore);
    return replies;
  }

  /**
   * Says that the client is another one (XCLIENT, as Postfix documents it), to a server that allows it. The server answers as to a new
   * client, and offers what it offers that one.
   *
   * @param attributes - such as `ADDR=192.0.2.1 PROTO=ESMTP`
   * @returns the reply to XCLIENT
   * @throws {@link SMTPRefusedError} when the greeting of the new client is refused; {@link SMTPConnectionError}
   */
  async xclient(attributes: string): Promise<Reply> {
    const reply = await this.#request({ kind: 'xclient', line: `XCLIENT ${attributes}` });
    if (reply.isPositive) await this.#hello();
    return reply;
  }

  /** Gives the open transaction up (RFC 5321 §4.1.1.5). */
  reset(): Promise<Reply> {
    return this.#request({ kind: 'reset', line: 'RSET' });
  }

  /**
   * Sends any other command, such as `VRFY` or one of your own. Not one that changes what comes next on the connection.
   *
   * @throws {@link UsageError} `SMTPD_BAD_COMMAND`
   */
  async command(verb: string, argument?: string): Promise<Reply> {
    if (!VERB.test(verb) || OWN_VERBS.has(verb.toUpperCase())) {
      throw new UsageError(
        'SMTPD_BAD_COMMAND',
        `command() does not send ${JSON.stringify(verb)}; it has a method of its own, or is none`,
      );
    }
    return this.#request({ kind: 'other', line: argument === undefined ? verb : `${verb} ${argument}` });
  }

  // ---- The whole ----------------------------------------------------------------------------------------------------

  /**
   * Sends a message: MAIL, RCPT for each recipient, and the content to those that were accepted.
   *
   * @returns what the server said of each recipient; at least one was accepted
   * @throws {@link SMTPRefusedError} when none was, or with `ifSomeRefused: 'giveUp'` not all; {@link SMTPNotOfferedError}; {@link SMTPConnectionError}; {@link UsageError}
   */
  send(message: OutgoingMessage, { signal, ...rules }: CallOptions & SendRules = {}): Promise<SendResult> {
    return this.#guarded(signal, async () => {
      // Two messages at a time would be one for the server.
      if (this.#isSending || !(this.#session.isIdle || this.#failure !== undefined)) {
        throw new UsageError(
          'SMTPD_BAD_COMMAND',
          'send() follows connect(), and the end of the message before: await them, or use a pool',
        );
      }
      this.#isSending = true;
      try {
        return await sendMessage(this, message, rules);
      } finally {
        this.#isSending = false;
      }
    });
  }

  // ---- The end ------------------------------------------------------------------------------------------------------

  /** Says goodbye and closes (RFC 5321 §4.1.1.10). Never rejects: there is nothing left to lose. */
  async quit(): Promise<void> {
    if (!this.isOpen || this.phase === 'content') {
      this.destroy();
      return;
    }
    this.#isQuitting = true;
    const answered = this.#request({ kind: 'quit', line: 'QUIT' });
    try {
      await answered;
    } catch {
      // It is over either way.
    }
    this.#close(this.#lost('The client has left'));
    this.#transport?.end();
  }

  /** Cuts the connection at once. */
  destroy(): void {
    this.#isGivenUp = true;
    this.#fail(this.#lost('The client closed the connection'));
    // It may be waiting for the server to close, behind QUIT.
    this.#transport?.destroy();
  }

  /** Quits, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.quit();
  }

  // ---- The engine ---------------------------------------------------------------------------------------------------

  #envelopeContext() {
    return { capabilities: this.capabilities, isVerified: this.#tls?.peerCertificate?.isVerified === true };
  }

  #request(request: {
    readonly kind: RequestKind;
    readonly line: string;
    readonly octets?: Uint8Array;
  }): Promise<Reply> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined || this.#transport === undefined) {
        reject(
          this.#failure ?? new UsageError('SMTPD_BAD_COMMAND', 'The client is not connected: await connect() first'),
        );
        return;
      }
      this.#waiting.set(this.#session.send(request), { onReply: resolve, reject });
      this.#scheduleFlush();
    });
  }

  #awaitContentReplies(end: () => ClientRequest): Promise<readonly Reply[]> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) {
        reject(this.#failure);
        return;
      }
      const replies: Reply[] = [];
      const onReply = (reply: Reply, isLast: boolean): void => {
        replies.push(reply);
        if (isLast) resolve(replies);
      };
      this.#waiting.set(end(), { onReply, reject });
      this.#flush();
      this.#arm();
    });
  }

  #scheduleFlush(): void {
    if (this.#isFlushScheduled) return;
    this.#isFlushScheduled = true;
    // What is asked for in one turn leaves in one write.
    queueMicrotask(() => {
      this.#isFlushScheduled = false;
      this.#flush();
      this.#arm();
    });
  }

  #flush(): void {
    if (this.#failure !== undefined) return;
    for (const piece of this.#session.takeOutput()) {
      const mayWriteMore = this.#transport?.write(piece) ?? true;
      if (!mayWriteMore && (this.#transport?.unsentBytes ?? 0) > UNSENT_BYTES_MAX) this.#isBlocked = true;
    }
  }

  #pump(): void {
    let hasMoved = false;
    for (;;) {
      // Before somebody waits for the greeting it stays where it is.
      if (this.#session.phase === 'greeting' && this.#greetingWaiter === undefined) return;
      const event = this.#session.next();
      if (event.kind === 'needData') break;
      hasMoved = true;
      this.#onEvent(event);
      if (this.#failure !== undefined) return;
    }
    this.#flush();
    // RFC 5321 §4.5.3.2: the wait is for the reply; what has come of one does not make it longer.
    if (hasMoved) this.#arm();
  }

  #onEvent(event: Exclude<ClientEvent, { kind: 'needData' }>): void {
    switch (event.kind) {
      case 'reply': {
        const { request, reply, isLast } = event;
        if (reply.code === 421) this.#farewell = reply;
        const waiter = request.kind === 'greeting' ? this.#greetingWaiter : this.#waiting.get(request);
        if (request.kind === 'greeting') this.#greetingWaiter = undefined;
        else if (isLast) this.#waiting.delete(request);
        waiter?.onReply(reply, isLast);
        return;
      }
      case 'refusedEarly':
        this.#content.onRefusedEarly(event.reply);
        this.#fail(this.#lost('The server refused the message before it was complete', undefined, event.reply));
        return;
      case 'leaving':
        this.#fail(this.#lost('The server leaves', undefined, event.reply));
        return;
      case 'fault':
        this.#fail(
          new SMTPConnectionError('SMTPD_SERVER_FAULT', `The server broke the protocol: ${event.fault}`, {
            stage: this.#stage(),
          }),
        );
        return;
      default:
        assertNever(event);
    }
  }

  // ---- Waits --------------------------------------------------------------------------------------------------------

  /** The wait that applies now counts from now: something has moved. */
  #arm(): void {
    if (this.#failure !== undefined || this.phase === 'securing') return;
    const waitMs = this.#currentWaitMs();
    this.#deadline.set(waitMs);
  }

  #currentWaitMs(): number {
    const { waits } = this.options;
    const { wait } = this.#session;
    if (this.#isQuitting) return waits.quitMs;
    if (wait === 'greeting') return this.#greetingWaiter === undefined ? Infinity : waits.greetingMs;
    if (wait !== 'nothing') return waits[WAITS[wait]];
    return this.#isBlocked ? waits.contentBlockMs : Infinity;
  }

  #onDeadline(): void {
    const stage = this.#stage();
    this.#fail(
      new SMTPConnectionError('SMTPD_SERVER_SILENT', `The server kept us waiting for too long (${stage})`, { stage }),
    );
  }

  #stage(): string {
    if (this.#content.isSending) return 'content';
    const { wait, phase } = this.#session;
    if (phase === 'securing') return 'STARTTLS';
    if (wait === 'greeting') return this.#greetingWaiter === undefined ? 'connect' : 'greeting';
    const [request] = this.#waiting.keys();
    if (request === undefined) return 'idle';
    return request.kind === 'contentEnd' ? 'content' : (request.line.split(' ')[0] ?? '');
  }

  // ---- Failing ------------------------------------------------------------------------------------------------------

  #throwIfFailed(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Runs what a signal may cut short. */
  async #guarded<T>(signal: AbortSignal | undefined, run: () => Promise<T>): Promise<T> {
    if (signal === undefined) return run();
    const onAbort = (): void => {
      this.#fail(
        new SMTPConnectionError('SMTPD_ABORTED', 'The signal was aborted', {
          stage: this.#stage(),
          cause: signal.reason,
        }),
      );
    };
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      if (this.#failure !== undefined) throw this.#failure;
      return await run();
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  #lost(message: string, cause?: unknown, reply: Reply | undefined = this.#farewell): SMTPConnectionError {
    return new SMTPConnectionError('SMTPD_CONNECTION_LOST', message, { stage: this.#stage(), cause, reply });
  }

  /** The connection is of no more use: it is cut, and whoever waits hears why. */
  #fail(error: Error): void {
    if (this.#failure !== undefined) return;
    this.#close(error);
    this.#transport?.destroy();
  }

  #close(error: Error): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    this.#deadline.clear();
    this.#session.close();
    this.#cancelAttempt(error);
    const waiters = [...this.#waiting.values()];
    if (this.#greetingWaiter !== undefined) waiters.push(this.#greetingWaiter);
    this.#waiting.clear();
    this.#greetingWaiter = undefined;
    for (const waiter of waiters) waiter.reject(error);
    this.#content.onFailure();
    this.#onClose();
  }

  /** Connecting came to nothing. @returns the error that says so */
  async #leave(error: unknown): Promise<Error> {
    if (!(error instanceof SMTPRefusedError) || !this.isOpen) return this.#abandon(error);
    // RFC 5321 §4.1.1.10: nobody leaves without QUIT, also where he is turned away.
    await this.quit();
    return error;
  }

  /** Connecting failed. @returns the error that says so */
  #abandon(error: unknown): Error {
    const failure = error instanceof Error ? error : new Error(String(error));
    const reported = this.#failure ?? failure;
    this.#fail(failure);
    return reported;
  }

  /** Back to where a new connection begins. */
  #reset(): void {
    this.#fail(this.#lost('The TLS handshake failed'));
    this.#failure = undefined;
    this.#tls = undefined;
    this.#farewell = undefined;
    this.#isBlocked = false;
    this.#session = new ClientSession(this.options.protocol);
    this.#transport = undefined;
  }
}

interface Waiter {
  readonly onReply: (reply: Reply, isLast: boolean) => void;
  readonly reject: (error: Error) => void;
}

function tlsFailed(
  message: string,
  facts: { readonly reply?: Reply; readonly cause?: unknown } = {},
): SMTPConnectionError {
  return new SMTPConnectionError('SMTPD_TLS_FAILED', message, { stage: 'STARTTLS', ...facts });
}

function isHandshakeFailure(error: unknown): boolean {
  return error instanceof SMTPConnectionError && error.stage === 'STARTTLS';
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // Where several addresses were tried there is one error for each.
  const [first] = error instanceof AggregateError ? (error.errors as unknown[]) : [];
  return first instanceof Error ? first.message : error.message;
}

function ignore(): void {
  // Nobody needs to know.
}

const WAITS = {
  command: 'commandMs',
  mail: 'mailMs',
  rcpt: 'rcptMs',
  data: 'dataMs',
  contentEnd: 'contentEndMs',
} as const satisfies Record<Exclude<ClientWait, 'nothing' | 'greeting'>, keyof ClientWaits>;
/** Octets that may wait in this process for a server that reads slowly. */
const UNSENT_BYTES_MAX = 65_536;
const VERB = /^[A-Za-z][A-Za-z0-9-]*$/;
const OWN_VERBS = new Set([
  'EHLO',
  'HELO',
  'LHLO',
  'STARTTLS',
  'AUTH',
  'MAIL',
  'RCPT',
  'DATA',
  'BDAT',
  'RSET',
  'QUIT',
  'XCLIENT',
]);
