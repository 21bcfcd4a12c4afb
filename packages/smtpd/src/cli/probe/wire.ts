/**
 * One connection to the server that is probed: it sends exactly the octets it is told to, reads whole replies, and remembers what was
 * wrong with their form. What a reply means is not known here.
 */

import { connect as connectTCP, type Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';

import { messageOf } from '../command-error.js';
import { readCertificate, type TLSReport } from './certificate.js';

/** Whom to talk to, and how patiently. */
export interface WireTarget {
  readonly host: string;
  readonly port: number;
  /** How long to wait for a connection, a handshake or an answer. */
  readonly timeoutMs: number;
  /** The authorities of certificates, in PEM; `undefined`: those of Node. */
  readonly ca: string | undefined;
}

/** A reply. */
export interface WireReply {
  /** 0 when the reply has none. */
  readonly code: number;
  /** The text of each line, behind the code. */
  readonly lines: readonly string[];
}

/** Nobody answers there: no connection could be made. */
export class UnreachableError extends Error {
  override readonly name = 'UnreachableError';
}

/** The conversation cannot go on; the message is for people. */
export class WireError extends Error {
  override readonly name: string = 'WireError';
}

/** Where TLS was to begin, the server sent something else. */
export class NotTLSError extends WireError {
  override readonly name = 'NotTLSError';

  constructor() {
    super('the server sent something that is not TLS, where the handshake was to begin');
  }
}

/** A connection. */
export class Wire {
  readonly #target: WireTarget;
  readonly #flaws: Set<string>;
  #socket: Socket | TLSSocket;
  #unread = Buffer.alloc(0);
  #isClosed = false;
  #onChange: () => void = () => undefined;

  private constructor(target: WireTarget, flaws: Set<string>, socket: Socket) {
    this.#target = target;
    this.#flaws = flaws;
    this.#socket = socket;
    this.#listen(socket);
  }

  /**
   * Connects.
   *
   * @param flaws - where to add what is wrong with the form of replies
   * @throws {@link UnreachableError}
   */
  static async connect(target: WireTarget, flaws: Set<string>): Promise<Wire> {
    const { host, port, timeoutMs } = target;
    const socket = connectTCP({ host, port, noDelay: true });
    const failure = await new Promise<string | undefined>((resolve) => {
      const timer = setTimeout(() => {
        resolve(`no connection within ${seconds(timeoutMs)}`);
      }, timeoutMs);
      const settle = (reason: string | undefined): void => {
        clearTimeout(timer);
        resolve(reason);
      };
      socket.once('connect', () => {
        settle(undefined);
      });
      socket.once('error', (error) => {
        settle(reasonOf(error));
      });
    });
    if (failure !== undefined) {
      socket.on('error', () => undefined).destroy();
      throw new UnreachableError(failure);
    }
    return new Wire(target, flaws, socket);
  }

  /** The address of the server. */
  get address(): string {
    return this.#socket.remoteAddress ?? '';
  }

  /** Our address. */
  get localAddress(): string {
    return this.#socket.localAddress ?? '';
  }

  /** Whether there is something that no reply has taken. */
  get hasUnread(): boolean {
    return this.#unread.length > 0;
  }

  /** Sends octets, each character one of them. */
  send(octets: string): void {
    if (!this.#isClosed) this.#socket.write(octets, 'latin1');
  }

  /** Sends a command and reads its reply. */
  async command(line: string): Promise<WireReply | undefined> {
    this.send(`${line}\r\n`);
    return this.reply();
  }

  /**
   * Reads the next whole reply.
   *
   * @returns `undefined` when the server closes instead
   * @throws {@link WireError} when it does not come, or does not end
   */
  async reply(): Promise<WireReply | undefined> {
    const lines: string[] = [];
    let code = 0;
    const deadlineMs = performance.now() + this.#target.timeoutMs;
    for (;;) {
      const line = await this.#line(deadlineMs);
      if (line === undefined) return undefined;
      const parts = LINE.exec(line);
      if (parts === null) this.#flaws.add('a line without a code of three digits');
      const own = Number(parts?.[1] ?? 0);
      if (lines.length > 0 && own !== code) this.#flaws.add('lines of one reply with different codes');
      code = own;
      lines.push(Buffer.from(parts === null ? line : (parts[3] ?? ''), 'latin1').toString('utf8'));
      if (parts?.[2] !== '-') return { code, lines };
      if (lines.length >= LINES_MAX) throw new WireError(`a reply of more than ${String(LINES_MAX)} lines`);
    }
  }

  /**
   * Makes TLS of the connection.
   *
   * @throws {@link WireError} when that fails
   */
  async startTLS(): Promise<TLSReport> {
    const { host, ca, timeoutMs } = this.#target;
    // Not imported: the servers of this command line would load it, too.
    const { connect: connectTLS } = process.getBuiltinModule('node:tls');
    const plain = this.#socket;
    plain.removeAllListeners('data').removeAllListeners('close');
    this.#unread = Buffer.alloc(0);
    const secure = connectTLS({
      socket: plain,
      // Not a name for SNI when it is an address; Node compares it with the certificate either way.
      host,
      ...(IP_ADDRESS.test(host) ? {} : { servername: host }),
      ...(ca === undefined ? {} : { ca }),
      // What is wrong with a certificate is a finding, not the end.
      rejectUnauthorized: false,
    });
    const failure = await new Promise<WireError | undefined>((resolve) => {
      const fail = (reason: string): WireError => new WireError(`the TLS handshake failed: ${reason}`);
      const timer = setTimeout(() => {
        resolve(fail(`nothing within ${seconds(timeoutMs)}`));
      }, timeoutMs);
      const settle = (error: WireError | undefined): void => {
        clearTimeout(timer);
        resolve(error);
      };
      secure.once('secureConnect', () => {
        settle(undefined);
      });
      secure.once('error', (error: NodeJS.ErrnoException) => {
        settle(NOT_TLS.has(error.code ?? '') ? new NotTLSError() : fail(reasonOf(error)));
      });
      secure.once('close', () => {
        settle(fail('the server closed'));
      });
    });
    if (failure !== undefined) {
      secure.on('error', () => undefined).destroy();
      this.#isClosed = true;
      throw failure;
    }
    this.#socket = secure;
    this.#listen(secure);
    return readCertificate(secure, host);
  }

  /** Cuts the connection. */
  destroy(): void {
    this.#socket.destroy();
  }

  #listen(socket: Socket): void {
    socket.on('data', (bytes: Buffer) => {
      this.#unread = Buffer.concat([this.#unread, bytes]);
      this.#onChange();
    });
    // A reset is a close like any other.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.#isClosed = true;
      this.#onChange();
    });
  }

  /** The next line without its end, each octet one character; `undefined` when the server closed. */
  async #line(deadlineMs: number): Promise<string | undefined> {
    for (;;) {
      const end = this.#unread.indexOf(LF);
      if (end >= 0) return this.#takeLine(end);
      if (this.#unread.length > LINE_BYTES_MAX)
        throw new WireError(`a line of more than ${String(LINE_BYTES_MAX)} octets`);
      if (this.#isClosed) return undefined;
      await this.#change(deadlineMs);
    }
  }

  #takeLine(end: number): string {
    const line = this.#unread.toString('latin1', 0, end);
    this.#unread = this.#unread.subarray(end + 1);
    if (!line.endsWith('\r')) this.#flaws.add('a line that ends with LF alone');
    if (end + 1 > 512) this.#flaws.add('a line of more than 512 octets');
    const text = line.replace(/\r$/, '');
    // RFC 5321 §4.2: HT, SP and the visible characters of US-ASCII.
    if (/[^\t -\u00ff]|\u007f/.test(text)) this.#flaws.add('control characters in the text');
    if (/[\u0080-\u00ff]/.test(text)) this.#flaws.add('octets above 127 in the text');
    return text;
  }

  #change(deadlineMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => {
          reject(new WireError(`no answer within ${seconds(this.#target.timeoutMs)}`));
        },
        Math.max(0, deadlineMs - performance.now()),
      );
      this.#onChange = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

function seconds(ms: number): string {
  return `${String(ms / 1_000)} s`;
}

/** Several addresses that all failed are an error without a message of its own. */
function reasonOf(error: Error): string {
  if (error instanceof AggregateError && error.message === '') return error.errors.map(messageOf).join('; ');
  return error.message.trim();
}

const LF = 0x0a;
/** RFC 5321 §4.2: the code, a hyphen in all lines but the last, the text. */
const LINE = /^([2-5][0-5]\d)(?:([ -])(.*))?$/s;
const LINES_MAX = 1_000;
const LINE_BYTES_MAX = 65_536;
/** How OpenSSL says that what it reads is not TLS. */
const NOT_TLS: ReadonlySet<string> = new Set(['ERR_SSL_WRONG_VERSION_NUMBER', 'ERR_SSL_PACKET_LENGTH_TOO_LONG']);
const IP_ADDRESS = /^[\d.]+$|:/;
