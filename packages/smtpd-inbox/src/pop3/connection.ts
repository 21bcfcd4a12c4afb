/**
 * A connection of POP3: it reads lines, lets the session (`session.ts`) say what is to be done, does it, and keeps the time. One thing at a
 * time: while something is done nothing is read, so whoever sends ahead waits.
 */

import type { Clock, TLSHandshake, Transport } from 'smtpd';
import type { MailStore } from 'smtpd-store';

import { LineReader } from './line-reader.js';
import { MessageEncoder } from './message-encoder.js';
import { POP3Session, type DropMessage, type POP3Credentials, type POP3Refusal, type POP3Step } from './session.js';
import { TopCut } from './top-cut.js';

/** What a connection needs of its server. */
export interface ConnectionContext {
  readonly store: Pick<MailStore, 'openRaw' | 'delete'>;
  readonly clock: Clock;
  readonly idleTimeoutMs: number;
  /** How a handshake is made; `undefined` without TLS. */
  readonly handshake: (() => Promise<TLSHandshake>) | undefined;
  /** Whether it comes first. */
  readonly isImplicit: boolean;
  readonly isTLSRequired: boolean;
  readonly timestamp: string | undefined;
  readonly loginFailuresMax: number;
  /** Finds the inbox and opens it. */
  readonly open: (credentials: POP3Credentials, timestamp: string | undefined) => Promise<OpenDrop | POP3Refusal>;
  /** The connection is gone. */
  readonly onGone: () => void;
}

/** An inbox that one session has open. */
export interface OpenDrop {
  readonly messages: readonly DropMessage[];
  /** Others may open it. */
  readonly release: () => void;
}

/** One client’s connection. */
export class POP3Connection {
  readonly #transport: Transport;
  readonly #context: ConnectionContext;
  readonly #session: POP3Session;
  readonly #reader = new LineReader(LINE_BYTES_MAX);
  #isBusy = false;
  #hasPeerEnded = false;
  #isGone = false;
  #isEnding = false;
  #releaseDrop: (() => void) | undefined;
  #cancelTimer: () => void = () => undefined;
  /** Called when what was written has gone out, or the connection has. */
  #onDrained: () => void = () => undefined;

  constructor(transport: Transport, context: ConnectionContext) {
    this.#transport = transport;
    this.#context = context;
    const { handshake, isImplicit, isTLSRequired, timestamp, loginFailuresMax } = context;
    this.#session = new POP3Session({
      canStartTLS: handshake !== undefined && !isImplicit,
      isTLSRequired,
      isSecure: isImplicit,
      timestamp,
      loginFailuresMax,
      errorsMax: ERRORS_MAX,
    });
  }

  /** Begins: with the handshake, or with the banner. */
  begin(): void {
    this.#transport.start({
      onBytes: (bytes) => {
        this.#reader.append(bytes);
        void this.#goOn();
      },
      onEnd: () => {
        this.#hasPeerEnded = true;
        void this.#goOn();
      },
      onDrain: () => {
        this.#onDrained();
      },
      onClose: () => {
        this.#gone();
      },
    });
    void this.#open();
  }

  /** The server closes. Nothing is deleted: nobody said QUIT. */
  close(): void {
    this.#end();
  }

  /** Cuts the connection. */
  destroy(): void {
    this.#transport.destroy();
  }

  async #open(): Promise<void> {
    this.#isBusy = true;
    if (this.#context.isImplicit && !(await this.#secure())) return;
    this.#isBusy = false;
    this.#say([this.#session.banner]);
    this.#awaitClient();
    await this.#goOn();
  }

  /** Carries out what came. Safe to call at any time. */
  async #goOn(): Promise<void> {
    if (this.#isBusy) {
      // What is sent ahead has a bound: more waits in the sender.
      if (this.#reader.unreadBytes > AHEAD_BYTES_MAX) this.#transport.pause();
      return;
    }
    this.#isBusy = true;
    try {
      for (let step = this.#nextStep(); step !== undefined; step = this.#nextStep()) {
        this.#cancelTimer();
        await this.#carryOut(step);
      }
    } catch {
      // A store that fails in the middle of a message: what was sent has no end, and can have none.
      this.#transport.destroy();
    }
    this.#isBusy = false;
    if (this.#isOver) return;
    if (this.#hasPeerEnded) {
      this.#end();
      return;
    }
    this.#transport.resume();
    this.#awaitClient();
  }

  #nextStep(): POP3Step | undefined {
    if (this.#isOver) return undefined;
    const line = this.#reader.next();
    if (line === undefined) return undefined;
    return line.kind === 'line' ? this.#session.receive(line.text) : this.#session.receiveMalformed(line.kind);
  }

  get #isOver(): boolean {
    return this.#isGone || this.#isEnding;
  }

  async #carryOut(step: POP3Step): Promise<void> {
    switch (step.kind) {
      case 'reply':
        return this.#write(encodeLines(step.lines));
      case 'login':
        return this.#logIn(step.credentials);
      case 'message':
        return this.#sendMessage(step.message, step.bodyLines);
      case 'startTLS':
        return this.#startTLS();
      case 'update':
        return this.#update(step.ids);
      case 'close':
        this.#say(step.lines);
        this.#end();
    }
  }

  async #logIn(credentials: POP3Credentials): Promise<void> {
    const { open, timestamp } = this.#context;
    const opened = await open(credentials, timestamp).catch((): POP3Refusal => 'failed');
    if (typeof opened === 'string') return this.#carryOut(this.#session.refuse(opened));
    // The client may have left while its inbox was opened.
    if (this.#isOver) {
      opened.release();
      return;
    }
    this.#releaseDrop = opened.release;
    return this.#carryOut(this.#session.enter(opened.messages));
  }

  async #sendMessage({ id, sizeBytes }: DropMessage, bodyLines: number | undefined): Promise<void> {
    const pieces = this.#context.store.openRaw(id)[Symbol.asyncIterator]();
    try {
      let piece: IteratorResult<Uint8Array, unknown>;
      try {
        piece = await pieces.next();
      } catch {
        // Somebody else deleted it, or a limit did: the maildrop shows what was there at login.
        await this.#write(encodeLines(['-ERR The message is not there any more']));
        return;
      }
      const encoder = new MessageEncoder();
      const top = bodyLines === undefined ? undefined : new TopCut(bodyLines);
      await this.#write(encodeLines([`+OK ${String(sizeBytes)} octets`]));
      while (piece.done !== true && !this.#isOver) {
        await this.#write(encoder.encode(top === undefined ? piece.value : top.cut(piece.value)));
        if (top?.isDone === true) break;
        piece = await pieces.next();
      }
      await this.#write(encoder.end());
    } finally {
      await pieces.return?.();
    }
  }

  async #startTLS(): Promise<void> {
    this.#say(['+OK Begin']);
    // What came in clear behind STLS is nobody’s: it could be said by whoever stands between.
    this.#reader.clear();
    if (await this.#secure()) this.#session.secured();
  }

  /** Makes the handshake. @returns whether there is TLS now; if not, the connection is of no use */
  async #secure(): Promise<boolean> {
    const { clock, handshake } = this.#context;
    this.#cancelTimer = clock.setTimer(() => {
      this.#transport.destroy();
    }, HANDSHAKE_WAIT_MS);
    try {
      if (handshake === undefined || this.#transport.startTLS === undefined) throw new Error('There is no TLS');
      await this.#transport.startTLS(await handshake());
      // Nobody reads while a step is carried out.
      this.#transport.resume();
      return !this.#isOver;
    } catch {
      this.#transport.destroy();
      return false;
    } finally {
      this.#cancelTimer();
    }
  }

  async #update(ids: readonly string[]): Promise<void> {
    const isDone = await this.#context.store.delete(ids).then(
      () => true,
      () => false,
    );
    this.#say(this.#session.quitReply(isDone));
    this.#end();
  }

  #say(lines: readonly string[]): void {
    if (!this.#isOver) this.#transport.write(encodeLines(lines));
  }

  /** Writes, and waits while the client does not read. */
  async #write(bytes: Uint8Array): Promise<void> {
    if (this.#isOver || bytes.length === 0 || this.#transport.write(bytes)) return;
    const drained = new Promise<void>((resolve) => {
      this.#onDrained = resolve;
    });
    const cancel = this.#context.clock.setTimer(() => {
      this.#transport.destroy();
    }, this.#context.idleTimeoutMs);
    await drained;
    cancel();
  }

  /** RFC 1939 §3: a client that says nothing for long is let go, and nothing is deleted. */
  #awaitClient(): void {
    this.#cancelTimer();
    if (this.#isOver) return;
    this.#cancelTimer = this.#context.clock.setTimer(() => {
      this.#end();
    }, this.#context.idleTimeoutMs);
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isEnding = true;
    this.#cancelTimer();
    this.#release();
    this.#onDrained();
    this.#transport.end();
  }

  #gone(): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#cancelTimer();
    this.#release();
    this.#onDrained();
    this.#context.onGone();
  }

  #release(): void {
    this.#releaseDrop?.();
    this.#releaseDrop = undefined;
  }
}

function encodeLines(lines: readonly string[]): Uint8Array {
  return Buffer.from(lines.map((line) => `${line}\r\n`).join(''), 'latin1');
}

/** Longer than any command (RFC 2449 §4: 255), for passwords and tokens in base64. */
const LINE_BYTES_MAX = 4_096;
/** What a client may send ahead while something is done. */
const AHEAD_BYTES_MAX = 65_536;
const ERRORS_MAX = 50;
const HANDSHAKE_WAIT_MS = 60_000;
