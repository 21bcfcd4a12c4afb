/**
 * A client for tests that says exactly what it is told to, octet by octet, and reads whole replies. Over a real socket, with TLS or
 * without, or over a connection in memory.
 */

import { connect, type Socket } from 'node:net';
import { connect as connectSecurely, type ConnectionOptions, type TLSSocket } from 'node:tls';

import { connectInMemory } from '../../src/net/memory-transport.js';
import type { Transport } from '../../src/net/transport.js';
import type { SMTPServer } from '../../src/server/server.js';

/** A reply as it came: the code, and the lines without code and CRLF; each octet is one character. */
export interface WireReply {
  readonly code: number;
  readonly lines: readonly string[];
}

/** A connection to a server under test. */
export class RawClient {
  #write: (text: string) => void;
  #end: () => void;
  #destroy: () => void;
  /** `undefined` in memory. */
  #socket: Socket | undefined;
  #received = '';
  #isClosed = false;
  readonly #waiters: (() => void)[] = [];

  private constructor(wire: { write: (text: string) => void; end: () => void; destroy: () => void }) {
    this.#write = wire.write;
    this.#end = wire.end;
    this.#destroy = wire.destroy;
  }

  /** Connects over TCP or, given a path, over a Unix socket. */
  static async connect(where: number | string, host = '127.0.0.1'): Promise<RawClient> {
    const socket: Socket = typeof where === 'number' ? connect(where, host) : connect(where);
    const client = RawClient.ofSocket(socket);
    await opened(socket, 'connect');
    return client;
  }

  /** Connects over TCP and makes a TLS handshake at once. Any certificate will do, unless the options say otherwise. */
  static async connectTLS(port: number, options: ConnectionOptions = {}): Promise<RawClient> {
    const socket = connectSecurely({ host: '127.0.0.1', port, rejectUnauthorized: false, ...options });
    const client = RawClient.ofSocket(socket);
    await opened(socket, 'secureConnect');
    return client;
  }

  /** Takes over a socket that somebody else opened. */
  static ofSocket(socket: Socket): RawClient {
    const client = new RawClient({ write: () => undefined, end: () => undefined, destroy: () => undefined });
    client.#use(socket);
    return client;
  }

  /** Makes a TLS handshake on the connection that stands. Any certificate will do, unless the options say otherwise. */
  async startTLS(options: ConnectionOptions = {}): Promise<TLSSocket> {
    const plain = this.#socket;
    if (plain === undefined) throw new Error('A connection in memory cannot be put on TLS');
    plain.removeAllListeners();
    const socket = connectSecurely({ socket: plain, rejectUnauthorized: false, ...options });
    this.#use(socket);
    await opened(socket, 'secureConnect');
    return socket;
  }

  /** The TLS socket, once there is one. */
  get tls(): TLSSocket {
    return this.#socket as TLSSocket;
  }

  #use(socket: Socket): void {
    this.#socket = socket;
    this.#write = (text) => socket.write(text, 'latin1');
    this.#end = () => socket.end();
    this.#destroy = () => socket.destroy();
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => {
      this.#take(text);
    });
    socket.on('close', () => {
      this.#close();
    });
    // A reset is a close like any other; who waits for the connection hears of it all the same.
    socket.on('error', () => undefined);
  }

  /** Connects in memory. */
  static inMemory(server: SMTPServer): RawClient {
    const { client: end, server: transport } = connectInMemory();
    const client = RawClient.#over(end);
    server.accept(transport);
    return client;
  }

  static #over(end: Transport): RawClient {
    const client = new RawClient({
      write: (text) => end.write(Buffer.from(text, 'latin1')),
      end: () => {
        end.end();
      },
      destroy: () => {
        end.destroy();
      },
    });
    end.start({
      onBytes: (bytes) => {
        client.#take(Buffer.from(bytes).toString('latin1'));
      },
      onEnd: () => {
        client.#close();
        end.end();
      },
      onDrain: () => undefined,
      onClose: () => {
        client.#close();
      },
    });
    return client;
  }

  /** Everything that came and was not read yet. */
  get unread(): string {
    return this.#received;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Sends octets, each character one of them. */
  send(text: string): void {
    this.#write(text);
  }

  /** Ends our side; the other may go on. */
  end(): void {
    this.#end();
  }

  /** Cuts the connection. */
  destroy(): void {
    this.#destroy();
  }

  /** Reads the next whole reply. Rejects when the connection closes first. */
  async reply(): Promise<WireReply> {
    for (;;) {
      const reply = this.#takeReply();
      if (reply !== undefined) return reply;
      if (this.#isClosed)
        throw new Error(`Closed while a reply was awaited; unread: ${JSON.stringify(this.#received)}`);
      await this.#change();
    }
  }

  /** Reads this many replies. */
  async replies(count: number): Promise<WireReply[]> {
    const found: WireReply[] = [];
    while (found.length < count) found.push(await this.reply());
    return found;
  }

  /** Sends a command and reads its reply. */
  async command(line: string): Promise<WireReply> {
    this.send(`${line}\r\n`);
    return this.reply();
  }

  /** Waits for the other side to close, and gives all replies that came before. */
  async closed(): Promise<WireReply[]> {
    while (!this.#isClosed) await this.#change();
    const found: WireReply[] = [];
    for (let reply = this.#takeReply(); reply !== undefined; reply = this.#takeReply()) found.push(reply);
    return found;
  }

  #takeReply(): WireReply | undefined {
    const match = REPLY.exec(this.#received);
    if (match === null) return undefined;
    this.#received = this.#received.slice(match[0].length);
    const rows = match[0].slice(0, -2).split('\r\n');
    return { code: Number(match[0].slice(0, 3)), lines: rows.map((row) => row.slice(4)) };
  }

  #take(text: string): void {
    this.#received += text;
    this.#wake();
  }

  #close(): void {
    this.#isClosed = true;
    this.#wake();
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiters.push(resolve);
    });
  }

  #wake(): void {
    for (const resolve of this.#waiters.splice(0)) resolve();
  }
}

/** Waits until a connection is there. Rejects when it is not to be. */
function opened(socket: Socket, event: 'connect' | 'secureConnect'): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once(event, resolve);
    socket.once('error', reject);
    socket.once('close', () => {
      reject(new Error('Closed before the connection was made'));
    });
  });
}

const REPLY = /^(?:\d{3}-[^\r\n]*\r\n)*\d{3}(?: [^\r\n]*)?\r\n/;
