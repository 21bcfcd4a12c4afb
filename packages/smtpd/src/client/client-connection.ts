/**
 * The client's end of one connection: it moves the octets of the pure session (`protocol/client-session.ts`), keeps its waits, and gives its
 * replies to whoever waits for them. There is no promise in it, so that a proxy may have four commands a message for the price of
 * their octets; the promises of `client.ts` lie on top. What is said, and in what order, is not decided here.
 */

import { Deadline } from '../net/deadline.js';
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
import type { Reply } from '../protocol/reply.js';
import type { ServerCapabilities } from '../protocol/server-capabilities.js';
import { SMTPConnectionError } from './client-errors.js';
import type { ClientWaits, CompleteClientOptions } from './client-options.js';
import { handshakeOptions } from './handshake-options.js';

/** Who waits for the reply to a request. One of the two is called: `onReply`, in LMTP maybe several times, or `onFailure`. */
export interface ReplyReceiver {
  /** @param isLast - no other reply to this request comes */
  readonly onReply: (reply: Reply, isLast: boolean) => void;
  /** The connection has failed. */
  readonly onFailure: (error: Error) => void;
}

/** Content that is on its way to the server, as far as the connection has something to tell it. */
export interface ContentWatcher {
  /** The server has read, and there is room for more. */
  readonly onRoom: () => void;
  /** The server refuses the message before it is complete; the connection fails next. */
  readonly onRefusedEarly: (reply: Reply) => void;
  readonly onFailure: (error: Error) => void;
}

/** A request, as {@link ClientSession.send} takes it. */
export interface RequestInit {
  readonly kind: RequestKind;
  readonly line: string;
  readonly octets?: Uint8Array;
}

/** One connection. */
export class ClientConnection {
  readonly session: ClientSession;
  readonly #options: CompleteClientOptions;
  readonly #onGone: () => void;
  readonly #deadline: Deadline;
  #greetingReceiver: ReplyReceiver | undefined;
  #content: ContentWatcher | undefined;
  #transport: Transport | undefined;
  #tls: TLSFacts | undefined;
  #failure: Error | undefined;
  #isFlushScheduled = false;
  /** More was written than the server has read. */
  #isBlocked = false;
  #isQuitting = false;
  /** The 421 with which the server leaves. */
  #farewell: Reply | undefined;
  readonly #flushScheduled = (): void => {
    this.#isFlushScheduled = false;
    this.flush();
  };

  /** @param onGone - called once when the connection is gone, or the server leaves */
  constructor(options: CompleteClientOptions, onGone: () => void) {
    this.session = new ClientSession(options.protocol);
    this.#options = options;
    this.#onGone = onGone;
    this.#deadline = new Deadline(options.clock, () => {
      this.#onDeadline();
    });
  }

  /** Where the conversation is. */
  get phase(): ClientPhase {
    return this.session.phase;
  }

  /** Whether the connection stands, and the server has not said that it leaves. */
  get isOpen(): boolean {
    return this.#transport !== undefined && this.#failure === undefined && !this.session.isLeaving;
  }

  /** Why nothing can be sent any more; `undefined` while it can. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /** Whether content has to wait until the server has read more. */
  get isBlocked(): boolean {
    return this.#isBlocked;
  }

  /** Whether the memory of all content that was handed over may be used for something else. */
  get hasLetGo(): boolean {
    return this.session.outputBytes === 0 && this.#transport?.hasLetGo === true;
  }

  get capabilities(): ServerCapabilities {
    return this.session.capabilities;
  }

  /** What is known of TLS; `undefined` in clear. */
  get tls(): TLSFacts | undefined {
    return this.#tls;
  }

  /** The server's end; `undefined` before. */
  get remote(): EndpointAddress | undefined {
    return this.#transport?.remote;
  }

  // ---- The beginning ------------------------------------------------------------------------------------------------

  /** Takes a transport that was not started yet. */
  open(transport: Transport): void {
    // Somebody did not want to wait for it.
    if (this.#failure !== undefined) {
      transport.destroy();
      return;
    }
    this.#transport = transport;
    transport.start({
      onBytes: (bytes) => {
        this.session.receive(bytes);
        this.#pump();
        this.session.settle();
      },
      onEnd: () => {
        this.fail(this.lost('The server closed the connection'));
      },
      onDrain: () => {
        this.#isBlocked = false;
        this.#content?.onRoom();
        this.#arm();
      },
      onClose: (error) => {
        this.fail(this.lost(error === undefined ? 'The connection was closed' : error.message, error));
      },
    });
  }

  /** Writes what goes before everything that is SMTP. */
  writeRaw(bytes: Uint8Array): void {
    this.#transport?.write(bytes);
  }

  /** The greeting is waited for from now on. */
  awaitGreeting(receiver: ReplyReceiver): void {
    if (this.#failure !== undefined) {
      receiver.onFailure(this.#failure);
      return;
    }
    this.#greetingReceiver = receiver;
    this.#arm();
    // In memory, and behind TLS, it may be there already.
    this.#pump();
  }

  /**
   * Makes the handshake.
   *
   * @throws {@link SMTPConnectionError}
   */
  async handshake(): Promise<void> {
    // Octets in clear behind the reply to STARTTLS end the connection before the handshake begins.
    this.#throwIfFailed();
    const { tls, remoteAddress, waits } = this.#options;
    const transport = this.#transport;
    if (transport?.connectTLS === undefined) throw tlsFailed('This connection cannot be put on TLS');
    const host = 'host' in remoteAddress ? remoteAddress.host : 'localhost';
    this.#deadline.set(waits.handshakeMs);
    try {
      this.#tls = await transport.connectTLS(handshakeOptions(tls, host));
    } catch (error) {
      throw this.#failure ?? tlsFailed(`The TLS handshake failed: ${messageOf(error)}`, { cause: error });
    }
    this.#throwIfFailed();
    this.#deadline.clear();
  }

  #throwIfFailed(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  // ---- Requests -----------------------------------------------------------------------------------------------------

  /**
   * Sends a request when its turn comes. What is asked for in one turn leaves in one write.
   *
   * @throws {@link UsageError} `SMTPD_BAD_COMMAND`
   */
  request(request: RequestInit, receiver: ReplyReceiver): void {
    if (this.prepare(request, receiver)) this.scheduleFlush();
  }

  /** The same for whoever knows when to {@link ClientConnection.flush}. @returns whether there is something to be written */
  prepare(request: RequestInit, receiver: ReplyReceiver): boolean {
    if (this.#failure !== undefined || this.#transport === undefined) {
      receiver.onFailure(
        this.#failure ?? new UsageError('SMTPD_BAD_COMMAND', 'The client is not connected: await connect() first'),
      );
      return false;
    }
    this.session.send(request, receiver);
    return true;
  }

  /**
   * Gives the transaction up, or what the server may take for one. A server that refuses that is left (RFC 5321 §4.1.1.5: it must not):
   * nobody could tell what the next message would meet.
   */
  requestReset(receiver: ReplyReceiver): void {
    this.request(RESET, {
      onReply: (reply, isLast) => {
        receiver.onReply(reply, isLast);
        if (reply.isPositive || reply.code === 421) return;
        this.fail(
          new SMTPConnectionError('SMTPD_SERVER_FAULT', `The server refused RSET: ${reply.toString()}`, {
            stage: 'RSET',
            reply,
          }),
        );
      },
      onFailure: receiver.onFailure,
    });
  }

  /** The last request there will be is QUIT. */
  requestQuit(receiver: ReplyReceiver): void {
    this.#isQuitting = true;
    this.request({ kind: 'quit', line: 'QUIT' }, receiver);
  }

  /** Content begins. */
  beginContent(watcher: ContentWatcher): void {
    this.#content = watcher;
  }

  /** All content was handed over. */
  endContent(): void {
    this.#content = undefined;
  }

  /** The end of the content is the request that the server answers: it leaves with what is left of it. */
  requestAtContentEnd(receiver: ReplyReceiver): void {
    this.session.endContent(receiver);
    this.flush();
  }

  /** What is to be written leaves at the end of this turn, together with what comes until then. */
  scheduleFlush(): void {
    if (this.#isFlushScheduled) return;
    this.#isFlushScheduled = true;
    void SOON.then(this.#flushScheduled);
  }

  /** Writes what there is. */
  flush(): void {
    this.#write();
    this.#arm();
  }

  #write(): void {
    const transport = this.#transport;
    if (this.#failure !== undefined || transport === undefined || this.session.outputBytes === 0) return;
    for (const piece of this.session.takeOutput()) {
      if (!transport.write(piece) && transport.unsentBytes > UNSENT_BYTES_MAX) this.#isBlocked = true;
    }
  }

  #pump(): void {
    let hasMoved = false;
    for (;;) {
      // Before somebody waits for the greeting it stays where it is.
      if (this.session.phase === 'greeting' && this.#greetingReceiver === undefined) return;
      const event = this.session.next();
      if (event.kind === 'needData') break;
      hasMoved = true;
      this.#onEvent(event);
      if (this.#failure !== undefined) return;
    }
    this.#write();
    // RFC 5321 §4.5.3.2: the wait is for the reply; what has come of one does not make it longer.
    if (hasMoved) this.#arm();
  }

  #onEvent(event: Exclude<ClientEvent, { kind: 'needData' }>): void {
    switch (event.kind) {
      case 'reply': {
        const { request, reply, isLast } = event;
        if (reply.code === 421) this.#farewell = reply;
        const receiver = this.#receiverOf(request);
        if (request.kind === 'greeting') this.#greetingReceiver = undefined;
        receiver?.onReply(reply, isLast);
        return;
      }
      case 'refusedEarly':
        this.#content?.onRefusedEarly(event.reply);
        this.fail(this.lost('The server refused the message before it was complete', undefined, event.reply));
        return;
      case 'leaving':
        this.fail(this.lost('The server leaves', undefined, event.reply));
        return;
      case 'fault':
        this.fail(
          new SMTPConnectionError('SMTPD_SERVER_FAULT', `The server broke the protocol: ${event.fault}`, {
            stage: this.stage,
          }),
        );
        return;
      default:
        assertNever(event);
    }
  }

  /** The session hands back what was given to it with the request. */
  #receiverOf({ kind, note }: ClientRequest): ReplyReceiver | undefined {
    return kind === 'greeting' ? this.#greetingReceiver : (note as ReplyReceiver | undefined);
  }

  // ---- Waits --------------------------------------------------------------------------------------------------------

  /** The wait that applies now counts from now: something has moved. */
  #arm(): void {
    if (this.#failure !== undefined || this.phase === 'securing') return;
    const waitMs = this.#currentWaitMs();
    if (waitMs === undefined) this.#deadline.suspend();
    else this.#deadline.set(waitMs);
  }

  /** @returns `undefined` when it is our turn */
  #currentWaitMs(): number | undefined {
    const { waits } = this.#options;
    const { wait } = this.session;
    if (this.#isQuitting) return waits.quitMs;
    if (wait === 'greeting') return this.#greetingReceiver === undefined ? undefined : waits.greetingMs;
    if (wait === 'nothing') return this.#isBlocked ? waits.contentBlockMs : undefined;
    return waitOf(waits, wait);
  }

  #onDeadline(): void {
    const { stage } = this;
    this.fail(
      new SMTPConnectionError('SMTPD_SERVER_SILENT', `The server kept us waiting for too long (${stage})`, { stage }),
    );
  }

  /** What is under way. */
  get stage(): string {
    if (this.#content !== undefined) return 'content';
    const { wait, phase } = this.session;
    if (phase === 'securing') return 'STARTTLS';
    if (wait === 'greeting') return this.#greetingReceiver === undefined ? 'connect' : 'greeting';
    const request = this.session.unanswered[0];
    if (request === undefined) return 'idle';
    return request.kind === 'contentEnd' ? 'content' : (request.line.split(' ')[0] ?? '');
  }

  // ---- The end ------------------------------------------------------------------------------------------------------

  /** The error that says that the connection is lost, with the server's last word. */
  lost(message: string, cause?: unknown, reply: Reply | undefined = this.#farewell): SMTPConnectionError {
    return new SMTPConnectionError('SMTPD_CONNECTION_LOST', message, { stage: this.stage, cause, reply });
  }

  /** The connection is of no more use: it is cut, and whoever waits hears why. */
  fail(error: Error): void {
    if (this.#failure !== undefined) return;
    this.#close(error);
    this.#transport?.destroy();
  }

  /** Everything was said: our side ends. */
  end(): void {
    this.#close(this.lost('The client has left'));
    this.#transport?.end();
  }

  /** Cuts the connection, also one that waits for the server to close behind QUIT. */
  destroy(): void {
    this.fail(this.lost('The client closed the connection'));
    this.#transport?.destroy();
  }

  #close(error: Error): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    this.#deadline.clear();
    this.session.close();
    const receivers = this.session.unanswered.map((request) => this.#receiverOf(request));
    this.#greetingReceiver = undefined;
    for (const receiver of receivers) receiver?.onFailure(error);
    this.#content?.onFailure(error);
    this.#onGone();
  }
}

/** How long a reply is waited for. A table would be looked into by another name each time, which costs more than all of these questions. */
function waitOf(waits: ClientWaits, wait: Exclude<ClientWait, 'nothing' | 'greeting'>): number {
  switch (wait) {
    case 'command':
      return waits.commandMs;
    case 'mail':
      return waits.mailMs;
    case 'rcpt':
      return waits.rcptMs;
    case 'data':
      return waits.dataMs;
    case 'contentEnd':
      return waits.contentEndMs;
    default:
      return assertNever(wait);
  }
}

/** The error that says that there is no TLS. */
export function tlsFailed(
  message: string,
  facts: { readonly reply?: Reply; readonly cause?: unknown } = {},
): SMTPConnectionError {
  return new SMTPConnectionError('SMTPD_TLS_FAILED', message, { stage: 'STARTTLS', ...facts });
}

/** What an error says, for another error's message. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // Where several addresses were tried there is one error for each.
  const [first] = error instanceof AggregateError ? (error.errors as unknown[]) : [];
  return first instanceof Error ? first.message : error.message;
}

const RESET: RequestInit = Object.freeze({ kind: 'reset', line: 'RSET' });
/** Octets that may wait in this process for a server that reads slowly. */
const UNSENT_BYTES_MAX = 65_536;
/** A microtask that costs no more than that. */
const SOON = Promise.resolve();
