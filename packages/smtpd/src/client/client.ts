/**
 * A client: one connection to a server, and the conversation on it. What may be said when is the pure session's
 * (`protocol/client-session.ts`), and `client-connection.ts` carries it; this file knows how a conversation begins and ends, and has a promise
 * for each of its steps.
 *
 * {@link SMTPClient.send} is the whole of a message. Its steps are there one by one, for who stands between.
 */

import { hostname as systemHostname } from 'node:os';

import { openConnection } from '../net/outgoing-connection.js';
import type { TLSFacts } from '../net/tls-facts.js';
import type { EndpointAddress, Transport } from '../net/transport.js';
import type { ClientPhase } from '../protocol/client-session.js';
import { UsageError } from '../protocol/errors.js';
import type { Path } from '../protocol/path.js';
import { encodeProxyHeader } from '../protocol/proxy-header.js';
import type { Reply } from '../protocol/reply.js';
import type { ServerCapabilities } from '../protocol/server-capabilities.js';
import { onAbort } from './abort-listener.js';
import { authenticate } from './client-auth.js';
import { ClientConnection, messageOf, tlsFailed, type ReplyReceiver, type RequestInit } from './client-connection.js';
import { SMTPConnectionError, SMTPRefusedError } from './client-errors.js';
import { completeClientOptions, type CompleteClientOptions, type SMTPClientOptions } from './client-options.js';
import { contentOf, type ContentForm, type MessageContent } from './content-source.js';
import {
  beginTransfer,
  pourPieces,
  type ContentTransfer,
  type TransferKind,
  type TransferReceiver,
} from './content-transfer.js';
import { formatMail, formatRcpt, hasParameter, type EnvelopeContext } from './envelope-commands.js';
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
  /** The connection; a new one where a handshake failed that was not necessary. */
  #connection: ClientConnection;
  #greeting: Reply | undefined;
  #mechanism: string | undefined;
  /** The transaction was opened with SMTPUTF8. */
  #isInternational = false;
  #isConnecting = false;
  #isSending = false;
  /** Whoever has the client wants no connection any more. */
  #isGivenUp = false;
  #cancelAttempt: (reason: Error) => void = ignore;
  #onClose: () => void = ignore;

  /** @throws {@link UsageError} when an option cannot work, or two contradict each other */
  constructor(options: SMTPClientOptions) {
    this.options = completeClientOptions(options, systemHostname());
    this.#connection = this.#newConnection();
  }

  #newConnection(): ClientConnection {
    const connection: ClientConnection = new ClientConnection(this.options, () => {
      this.#cancelAttempt(connection.failure ?? new Error('The connection is gone'));
      this.#onClose();
    });
    return connection;
  }

  /** Where the conversation is. */
  get phase(): ClientPhase {
    return this.#connection.phase;
  }

  /** Whether the connection stands, and the server has not said that it leaves. */
  get isOpen(): boolean {
    return this.#connection.isOpen;
  }

  /** Whether every command has its reply, and no transaction is open. */
  get isIdle(): boolean {
    return this.isOpen && this.#connection.session.isIdle;
  }

  /** What the server offers; nothing before `connect`, and after a server that knows HELO alone. */
  get capabilities(): ServerCapabilities {
    return this.#connection.capabilities;
  }

  /** The server's greeting; `undefined` before. */
  get greeting(): Reply | undefined {
    return this.#greeting;
  }

  /** What is known of TLS; `undefined` in clear. */
  get tls(): TLSFacts | undefined {
    return this.#connection.tls;
  }

  /** The mechanism that the client has authenticated with; `undefined`: it has not. */
  get mechanism(): string | undefined {
    return this.#mechanism;
  }

  /** The server's end of the connection; `undefined` before. */
  get remote(): EndpointAddress | undefined {
    return this.#connection.remote;
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
        const { mode, verify } = this.options.tls;
        const isOptional = mode === 'opportunistic' && !verify && isHandshakeFailure(error);
        if (!isOptional || this.#isGivenUp || signal?.aborted === true) throw await this.#leave(error);
        this.#connection.fail(this.#connection.lost('The TLS handshake failed'));
        this.#connection = this.#newConnection();
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
        this.#connection.failure ??
        new SMTPConnectionError('SMTPD_CONNECT_FAILED', `Cannot connect: ${messageOf(error)}`, {
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

  async #begin(transport: Transport, mode: CompleteClientOptions['tls']['mode']): Promise<void> {
    const connection = this.#connection;
    connection.open(transport);
    const { proxyHeader } = this.options;
    if (proxyHeader !== undefined) connection.writeRaw(encodeProxyHeader(proxyHeader, { version: 2 }));
    if (mode === 'implicit') await connection.handshake();
    const greeting = await promised((receiver) => {
      connection.awaitGreeting(receiver);
    });
    this.#greeting = greeting;
    if (!greeting.isPositive) throw new SMTPRefusedError('connect', greeting);
    await this.#hello();
    if (mode === 'opportunistic' || mode === 'require') await this.#startTLS(mode);
    if (this.options.auth !== undefined) await this.#authenticate(this.options.auth);
  }

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
    await this.#connection.handshake();
    this.#connection.session.secured();
    await this.#hello();
  }

  async #authenticate(auth: NonNullable<CompleteClientOptions['auth']>): Promise<void> {
    const { remoteAddress } = this.options;
    this.#mechanism = await authenticate(auth, {
      capabilities: this.capabilities,
      tls: this.tls,
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
  mail(mailFrom: string, options: readonly string[] = []): Promise<Reply> {
    return promised((receiver) => {
      this.requestMail(mailFrom, options, receiver);
      this.#connection.scheduleFlush();
    });
  }

  /**
   * Adds a recipient.
   *
   * @param options - parameters, such as `['NOTIFY=NEVER']`
   * @throws as {@link SMTPClient.mail}
   */
  rcpt(rcptTo: string, options: readonly string[] = []): Promise<Reply> {
    return promised((receiver) => {
      this.requestRcpt(rcptTo, options, receiver);
      this.#connection.scheduleFlush();
    });
  }

  /**
   * Checks a whole envelope without sending anything.
   *
   * @throws {@link UsageError} `SMTPD_BAD_COMMAND`; {@link SMTPNotOfferedError}
   */
  checkEnvelope({ mailFrom, rcptTos, mailOptions = [], rcptOptions = [] }: Omit<OutgoingMessage, 'data'>): void {
    const context = this.#envelopeContext(hasParameter(mailOptions, 'SMTPUTF8'));
    formatMail(mailFrom, mailOptions, context);
    for (const [index, address] of rcptTos.entries()) formatRcpt(address, rcptOptions[index] ?? [], context);
  }

  /** Asks whether the content may come: 354, or why not. */
  data(): Promise<Reply> {
    return this.#request(DATA);
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
   * @throws {@link SMTPConnectionError}, with the replies that had come; {@link UsageError} `SMTPD_BAD_CONTENT`; what `content` throws
   */
  async sendContent(content: MessageContent, form: ContentForm = 'text'): Promise<readonly Reply[]> {
    if (this.phase !== 'content')
      throw new UsageError('SMTPD_BAD_COMMAND', 'sendContent() follows a 354 reply to data()');
    return pourPieces(contentOf(content, form), (receiver) => this.beginContent('data', receiver));
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
    return pourPieces(contentOf(content, form), (receiver) => this.beginContent('chunks', receiver));
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

  /** Gives the open transaction up (RFC 5321 §4.1.1.5). From a server that refuses that the connection is closed. */
  reset(): Promise<Reply> {
    return promised((receiver) => {
      this.#connection.requestReset(receiver);
    });
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
   * Over LMTP, which has a reply for each, the connection may fail when the server has taken the message for some of them: then the others
   * have a `failure`, and nobody else is to be sent it again.
   *
   * @returns what the server said of each recipient; at least one was accepted
   * @throws {@link SMTPRefusedError} when none was, or with `ifSomeRefused: 'giveUp'` not all; {@link SMTPNotOfferedError};
   * {@link SMTPConnectionError} when the connection failed and nobody has the message, as far as is known; {@link UsageError}
   */
  send(message: OutgoingMessage, { signal, ...rules }: CallOptions & SendRules = {}): Promise<SendResult> {
    return this.#guarded(signal, async () => {
      // Two messages at a time would be one for the server.
      if (this.#isSending || !(this.#connection.session.mayBegin || this.#connection.failure !== undefined)) {
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
    const connection = this.#connection;
    try {
      await promised((receiver) => {
        connection.requestQuit(receiver);
      });
    } catch {
      // It is over either way.
    }
    connection.end();
  }

  /** Cuts the connection at once. */
  destroy(): void {
    this.#isGivenUp = true;
    this.#connection.destroy();
  }

  /** Quits, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.quit();
  }

  // ---- For who stands between: the same without promises, replies in the turn in which they come -----------------------

  /** Sends what was requested: once for all that is to leave in one write. @internal */
  flush(): void {
    this.#connection.flush();
  }

  /** As {@link SMTPClient.mail}. @internal */
  requestMail(mailFrom: string | Path, options: readonly string[], receiver: ReplyReceiver): void {
    const line = formatMail(mailFrom, options, this.#envelopeContext(false));
    this.#isInternational = hasParameter(options, 'SMTPUTF8');
    this.#connection.prepare({ kind: 'mail', line }, receiver);
  }

  /** As {@link SMTPClient.rcpt}. @internal */
  requestRcpt(rcptTo: string | Path, options: readonly string[], receiver: ReplyReceiver): void {
    const line = formatRcpt(rcptTo, options, this.#envelopeContext(this.#isInternational));
    this.#connection.prepare({ kind: 'rcpt', line }, receiver);
  }

  /** As {@link SMTPClient.data}. @internal */
  requestData(receiver: ReplyReceiver): void {
    this.#connection.prepare(DATA, receiver);
  }

  /**
   * As {@link SMTPClient.sendContent} and {@link SMTPClient.sendChunks}, for content that is handed over piece by piece, with line ends that
   * were checked before.
   *
   * @throws {@link SMTPConnectionError} when the connection has failed before
   * @internal
   */
  beginContent(kind: TransferKind, receiver: TransferReceiver): ContentTransfer {
    if (this.#connection.failure !== undefined) throw this.#connection.failure;
    return beginTransfer(kind, this.#connection, receiver);
  }

  // ---- Inside -------------------------------------------------------------------------------------------------------

  #envelopeContext(isInternational: boolean): EnvelopeContext & { readonly isInternational: boolean } {
    const isVerified = this.tls?.peerCertificate?.isVerified === true;
    return { capabilities: this.capabilities, isVerified, isInternational };
  }

  #request(request: RequestInit): Promise<Reply> {
    return promised((receiver) => {
      this.#connection.request(request, receiver);
    });
  }

  /** Runs what a signal may cut short. */
  async #guarded<T>(signal: AbortSignal | undefined, run: () => Promise<T>): Promise<T> {
    if (signal === undefined) return run();
    const cut = (): void => {
      const { stage } = this.#connection;
      this.#connection.fail(
        new SMTPConnectionError('SMTPD_ABORTED', 'The signal was aborted', { stage, cause: signal.reason }),
      );
    };
    if (signal.aborted) cut();
    const stop = onAbort(signal, cut);
    try {
      if (this.#connection.failure !== undefined) throw this.#connection.failure;
      return await run();
    } finally {
      stop();
    }
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
    const reported = this.#connection.failure ?? failure;
    this.#connection.fail(failure);
    return reported;
  }
}

function promised(ask: (receiver: ReplyReceiver) => void): Promise<Reply> {
  return new Promise((resolve, reject) => {
    ask({ onReply: resolve, onFailure: reject });
  });
}

function isHandshakeFailure(error: unknown): boolean {
  return error instanceof SMTPConnectionError && error.stage === 'STARTTLS';
}

function ignore(): void {
  // Nobody needs to know.
}

const DATA: RequestInit = Object.freeze({ kind: 'data', line: 'DATA' });
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
