/**
 * A server for tests of clients and proxies that does exactly what it is told to, at each step of a conversation, also what no server may
 * do. It knows no more of SMTP and LMTP than it takes to come to the next step.
 */

import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';

/** Where a conversation is. Behind DATA come `content`, with its first octets, and `end`; `LAST` is the last BDAT. */
export type UpstreamStep =
  | 'greeting'
  | 'EHLO'
  | 'HELO'
  | 'STARTTLS'
  | 'handshake'
  | 'MAIL'
  | 'RCPT'
  | 'DATA'
  | 'content'
  | 'end'
  | 'BDAT'
  | 'LAST'
  | 'RSET'
  | 'QUIT'
  | 'other';

/**
 * What is done at a step instead of going on: a reply is said, or octets are sent as they are; `close!` and `reset!` end the connection,
 * `stall!` leaves it without an answer, `plain!` says something in clear in the middle of TLS.
 */
export type UpstreamAct = string | { readonly octets: string };

/** What a step is about. */
export interface UpstreamRequest {
  readonly step: UpstreamStep;
  /** The line, without its CRLF. */
  readonly line: string;
  readonly connection: UpstreamConnection;
}

/** A message whose content came whole. */
export interface UpstreamMessage {
  readonly mail: string;
  readonly rcpts: readonly string[];
  /** As it came: dots are not taken away. */
  readonly content: string;
  /** Whether the server said 250 to it. */
  isAcknowledged: boolean;
}

/** What the server can be told. */
export interface UpstreamOptions {
  readonly protocol?: 'smtp' | 'lmtp';
  /** Behind the name in the reply to EHLO. */
  keywords?: readonly string[];
  /** For STARTTLS. */
  readonly tls?: { readonly key: string; readonly cert: string };
  /** Where to listen: a port of 127.0.0.1, or any. */
  readonly port?: number;
  /** Decides what is done at a step; nothing: what a good server does. */
  onStep?: (request: UpstreamRequest) => UpstreamAct | undefined | Promise<UpstreamAct | undefined>;
}

/** The server. */
export class RawUpstream implements AsyncDisposable {
  readonly options: UpstreamOptions;
  readonly connections: UpstreamConnection[] = [];
  readonly messages: UpstreamMessage[] = [];
  readonly #server: Server;

  private constructor(options: UpstreamOptions) {
    this.options = options;
    this.#server = createServer({ allowHalfOpen: true }, (socket) => {
      this.connections.push(new UpstreamConnection(socket, this));
    });
  }

  static async start(options: UpstreamOptions = {}): Promise<RawUpstream> {
    const upstream = new RawUpstream(options);
    upstream.#server.listen(options.port ?? 0, '127.0.0.1');
    await once(upstream.#server, 'listening');
    return upstream;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** As a destination. */
  get address(): string {
    return `${this.options.protocol === 'lmtp' ? 'lmtp' : 'smtp'}://127.0.0.1:${String(this.port)}`;
  }

  /** Every line that came, in order, without the numbers that differ from run to run. */
  get lines(): string[] {
    return this.connections.flatMap(({ lines }) => lines);
  }

  /** How many connections stand. */
  get openCount(): number {
    return this.connections.filter(({ isOpen }) => isOpen).length;
  }

  /** Messages that the server said 250 to. */
  get acknowledged(): readonly UpstreamMessage[] {
    return this.messages.filter(({ isAcknowledged }) => isAcknowledged);
  }

  /** Breaks every connection that stands. */
  cut(): void {
    for (const connection of this.connections) connection.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

/** A connection to the server. */
export class UpstreamConnection {
  /** The lines that came, without CRLF; content is not among them. */
  readonly lines: string[] = [];
  /** Everything that came, each octet one character. */
  received = '';
  isOpen = true;
  /** Whether a step was left without an answer. */
  isStalled = false;
  #socket: Socket;
  readonly #plain: Socket;
  readonly #upstream: RawUpstream;
  #unread = '';
  #isBusy = false;
  #mode: 'command' | 'hello' | 'content' | 'chunk' | 'deaf' = 'command';
  /** What goes wrong with the handshake. */
  #fault: UpstreamAct | undefined;
  #hasContentBegun = false;
  #chunk: { bytesLeft: number; isLast: boolean; line: string } = { bytesLeft: 0, isLast: false, line: '' };
  #mail = '';
  #rcpts: string[] = [];
  #content = '';

  constructor(socket: Socket, upstream: RawUpstream) {
    this.#plain = socket;
    this.#socket = socket;
    this.#upstream = upstream;
    this.#use(socket);
    socket.on('close', () => {
      this.isOpen = false;
    });
    void this.#run(async () => this.#do('greeting', '', '220 upstream.example ESMTP'));
  }

  /** Says something that nobody asked for. */
  act(act: UpstreamAct): void {
    this.#perform(act);
  }

  destroy(): void {
    this.#plain.destroy();
  }

  #use(socket: Socket): void {
    this.#socket = socket;
    socket.on('data', (bytes: Buffer) => {
      const text = bytes.toString('latin1');
      this.received += text;
      this.#unread += text;
      void this.#run(() => Promise.resolve());
    });
    socket.on('error', () => undefined);
    socket.on('end', () => {
      socket.end();
    });
  }

  /** Goes from step to step, one after the other. */
  async #run(first: () => Promise<void>): Promise<void> {
    if (this.#isBusy) return;
    this.#isBusy = true;
    await first();
    while (this.isOpen && (await this.#step()));
    this.#isBusy = false;
  }

  /** @returns whether there may be another step */
  async #step(): Promise<boolean> {
    switch (this.#mode) {
      case 'deaf':
        return false;
      case 'hello':
        // What goes wrong with the handshake goes wrong once it has begun.
        if (this.#unread === '' || this.#fault === undefined) return false;
        this.#mode = 'deaf';
        this.#perform(this.#fault);
        return false;
      case 'content':
        return this.#takeContent();
      case 'chunk':
        return this.#takeChunk();
      case 'command': {
        const end = this.#unread.indexOf('\r\n');
        if (end < 0) return false;
        const line = this.#unread.slice(0, end);
        this.#unread = this.#unread.slice(end + 2);
        this.lines.push(line);
        await this.#command(line);
        return true;
      }
    }
  }

  async #command(line: string): Promise<void> {
    const verb = line.split(' ', 1)[0]!.toUpperCase();
    const { protocol, keywords = DEFAULT_KEYWORDS, tls } = this.#upstream.options;
    switch (verb) {
      case 'EHLO':
      case 'LHLO':
        if ((verb === 'LHLO') !== (protocol === 'lmtp')) return this.#do('EHLO', line, '500 5.5.1 The other one');
        return this.#do('EHLO', line, replyOfLines(['upstream.example', ...keywords]));
      case 'HELO':
        return this.#do('HELO', line, '250 upstream.example');
      case 'STARTTLS': {
        if (!(await this.#asked('STARTTLS', line))) return;
        this.#say('220 2.0.0 Go on');
        this.#fault = await this.#upstream.options.onStep?.({ step: 'handshake', line, connection: this });
        if (this.#fault !== undefined) {
          this.#mode = 'hello';
          return;
        }
        this.#plain.removeAllListeners('data');
        this.#use(new TLSSocket(this.#plain, { isServer: true, key: tls?.key, cert: tls?.cert }));
        return;
      }
      case 'MAIL':
        this.#mail = line;
        this.#rcpts = [];
        return this.#do('MAIL', line, '250 2.1.0 Sender OK');
      case 'RCPT':
        if (!(await this.#asked('RCPT', line))) return;
        this.#rcpts.push(line);
        this.#say('250 2.1.5 Recipient OK');
        return;
      case 'DATA': {
        const act = await this.#upstream.options.onStep?.({ step: 'DATA', line, connection: this });
        // RFC 5321 §4.3.2: by the first digit the client knows that the content may come.
        const isAskedFor = act === undefined || (typeof act === 'string' && act.startsWith('3'));
        if (isAskedFor) this.#mode = 'content';
        this.#content = '';
        this.#hasContentBegun = false;
        this.#perform(act ?? '354 Go on');
        return;
      }
      case 'BDAT': {
        const [, size, last] = line.split(' ');
        this.#chunk = { bytesLeft: Number(size), isLast: last !== undefined, line };
        this.#mode = 'chunk';
        return;
      }
      case 'RSET':
        this.#content = '';
        return this.#do('RSET', line, '250 2.0.0 Reset');
      case 'QUIT':
        await this.#do('QUIT', line, '221 2.0.0 Bye');
        this.#socket.end();
        return;
      default:
        return this.#do('other', line, '250 2.0.0 OK');
    }
  }

  async #takeContent(): Promise<boolean> {
    if (this.#unread !== '' && !this.#hasContentBegun) {
      this.#hasContentBegun = true;
      if (!(await this.#asked('content', ''))) {
        this.#mode = 'deaf';
        return false;
      }
    }
    // The CRLF behind DATA is the first line end that counts.
    const end = `\r\n${this.#unread}`.indexOf('\r\n.\r\n');
    if (end < 0) return false;
    const content = this.#unread.slice(0, end);
    this.#unread = this.#unread.slice(end + 3);
    this.#mode = 'command';
    await this.#end('end', '', content);
    return true;
  }

  async #takeChunk(): Promise<boolean> {
    const chunk = this.#chunk;
    if (this.#unread.length < chunk.bytesLeft) return false;
    this.#content += this.#unread.slice(0, chunk.bytesLeft);
    this.#unread = this.#unread.slice(chunk.bytesLeft);
    this.#mode = 'command';
    if (!chunk.isLast) {
      await this.#do('BDAT', chunk.line, '250 2.0.0 Chunk OK');
      return true;
    }
    const content = this.#content;
    this.#content = '';
    await this.#end('LAST', chunk.line, content);
    return true;
  }

  async #end(step: 'end' | 'LAST', line: string, content: string): Promise<void> {
    const message = { mail: this.#mail, rcpts: this.#rcpts, content, isAcknowledged: false };
    this.#upstream.messages.push(message);
    // RFC 2033 §4.2: over LMTP each recipient has a reply.
    const replies = this.#upstream.options.protocol === 'lmtp' ? this.#rcpts : [line];
    for (const about of replies) {
      const act = await this.#upstream.options.onStep?.({ step, line: about, connection: this });
      if (act === undefined || (typeof act === 'string' && act.startsWith('2'))) message.isAcknowledged = true;
      this.#perform(act ?? '250 2.0.0 Message taken');
      if (this.#mode !== 'command') return;
    }
  }

  async #do(step: UpstreamStep, line: string, reply: string): Promise<void> {
    if (await this.#asked(step, line)) this.#say(reply);
  }

  /** @returns whether the step is answered as a good server answers it */
  async #asked(step: UpstreamStep, line: string): Promise<boolean> {
    const act = await this.#upstream.options.onStep?.({ step, line, connection: this });
    if (act === undefined) return this.isOpen;
    this.#perform(act);
    return false;
  }

  #perform(act: UpstreamAct): void {
    if (typeof act === 'object') {
      this.#socket.write(act.octets, 'latin1');
      return;
    }
    switch (act) {
      case 'close!':
        this.#mode = 'deaf';
        this.#socket.end();
        return;
      case 'reset!':
        this.#mode = 'deaf';
        this.#plain.resetAndDestroy();
        return;
      case 'stall!':
        this.#mode = 'deaf';
        this.isStalled = true;
        return;
      case 'plain!':
        this.#mode = 'deaf';
        this.#plain.write('* no TLS any more\r\n');
        return;
      default:
        this.#say(act);
        // RFC 5321 §3.8: who says 421 closes.
        if (!act.startsWith('421')) return;
        this.#mode = 'deaf';
        this.#socket.end();
    }
  }

  #say(reply: string): void {
    if (!this.#plain.destroyed) this.#socket.write(`${reply}\r\n`, 'latin1');
  }
}

function replyOfLines(lines: readonly string[]): string {
  return lines.map((line, index) => `250${index < lines.length - 1 ? '-' : ' '}${line}`).join('\r\n');
}

const DEFAULT_KEYWORDS = ['PIPELINING', '8BITMIME', 'SMTPUTF8', 'DSN', 'ENHANCEDSTATUSCODES', 'SIZE 1000000'];
