/** What the tests of the client share: a server that says exactly what a test says, and clients that are joined with one. */

import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';

import { SMTPClient } from '../../src/client/client.js';
import type { SMTPClientOptions } from '../../src/client/client-options.js';
import { connectInMemory } from '../../src/net/memory-transport.js';
import { openSocketTransport } from '../../src/net/socket-transport.js';
import type { Transport } from '../../src/net/transport.js';
import type { SMTPServer } from '../../src/server/server.js';
import { ManualClock } from '../support/manual-clock.js';

/** The server's end of a connection. Each octet is one character. */
export class Peer {
  readonly transport: Transport;
  /** What came in one piece each. */
  readonly pieces: string[] = [];
  isEnded = false;
  isClosed = false;
  #received = '';
  readonly #waiters: (() => void)[] = [];

  constructor(transport: Transport) {
    this.transport = transport;
    transport.start({
      onBytes: (bytes) => {
        const text = Buffer.from(bytes).toString('latin1');
        this.pieces.push(text);
        this.#received += text;
        this.#wake();
      },
      onEnd: () => {
        this.isEnded = true;
        this.#wake();
      },
      onDrain: () => undefined,
      onClose: () => {
        this.isEnded = true;
        this.isClosed = true;
        this.#wake();
      },
    });
  }

  /** What came and was not asked for. */
  get unread(): string {
    return this.#received;
  }

  say(text: string): void {
    this.transport.write(Buffer.from(text, 'latin1'));
  }

  /** The next line. */
  async line(): Promise<string> {
    return (await this.until('\r\n')).slice(0, -2);
  }

  /** Reads as far as this text. */
  async until(text: string): Promise<string> {
    for (;;) {
      const at = this.#received.indexOf(text);
      if (at >= 0) return this.#take(at + text.length);
      await this.#change(JSON.stringify(text));
    }
  }

  /** Reads this many octets. */
  async octets(count: number): Promise<string> {
    while (this.#received.length < count) await this.#change(`${String(count)} octets`);
    return this.#take(count);
  }

  /** Reads lines and answers each. */
  async answer(...replies: readonly string[]): Promise<string[]> {
    const lines: string[] = [];
    for (const reply of replies) {
      lines.push(await this.line());
      this.say(`${reply}\r\n`);
    }
    return lines;
  }

  /** Greets, and answers EHLO with these keywords. */
  async greet(...keywords: readonly string[]): Promise<void> {
    this.say('220 mx.example ESMTP\r\n');
    await this.line();
    const lines = ['mx.example', ...keywords];
    this.say(lines.map((line, index) => `250${index === lines.length - 1 ? ' ' : '-'}${line}\r\n`).join(''));
  }

  /** Waits until the client has gone. */
  async gone(): Promise<void> {
    while (!this.isEnded) await this.#change('the end');
  }

  #take(length: number): string {
    const text = this.#received.slice(0, length);
    this.#received = this.#received.slice(length);
    return text;
  }

  #change(what: string): Promise<void> {
    if (this.isEnded) throw new Error(`The client has gone; awaited ${what}, unread ${JSON.stringify(this.unread)}`);
    return new Promise((resolve) => {
      this.#waiters.push(resolve);
    });
  }

  #wake(): void {
    for (const resolve of this.#waiters.splice(0)) resolve();
  }
}

/** A client that begins to connect in memory, and the peer that it meets. */
export class Meeting {
  readonly clock = new ManualClock();
  readonly client: SMTPClient;
  readonly peer: Peer;
  readonly connecting: Promise<SMTPClient>;

  constructor(options: Partial<SMTPClientOptions> = {}, signal?: AbortSignal) {
    const { client, server } = connectInMemory();
    this.client = new SMTPClient({ ...NOWHERE, clock: this.clock, ...options });
    this.peer = new Peer(server);
    this.connecting = this.client.connectOver(client, signal === undefined ? {} : { signal });
    this.connecting.catch(() => undefined);
  }
}

/** A client that has connected, to a server with these keywords. */
export async function met(keywords: readonly string[], options: Partial<SMTPClientOptions> = {}): Promise<Meeting> {
  const meeting = new Meeting(options);
  await meeting.peer.greet(...keywords);
  await meeting.connecting;
  return meeting;
}

/** A listener on a free port whose connections a test serves by hand. */
export class PeerListener implements AsyncDisposable {
  readonly #listener: Server;
  readonly #sockets = new Set<Socket>();
  readonly #waiting: Peer[] = [];
  #wake: (() => void) | undefined;
  /** How many have connected. */
  count = 0;

  private constructor() {
    this.#listener = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => {
      this.count += 1;
      this.#sockets.add(socket);
      socket.on('error', () => undefined);
      this.#waiting.push(new Peer(openSocketTransport(socket, { lingerMs: 1_000 })));
      this.#wake?.();
    });
  }

  static async listen(): Promise<PeerListener> {
    const made = new PeerListener();
    made.#listener.listen(0, '127.0.0.1');
    await once(made.#listener, 'listening');
    return made;
  }

  get remoteAddress(): { readonly host: string; readonly port: number } {
    return { host: '127.0.0.1', port: (this.#listener.address() as AddressInfo).port };
  }

  /** The next connection. */
  async accept(): Promise<Peer> {
    for (;;) {
      const peer = this.#waiting.shift();
      if (peer !== undefined) {
        this.#peers.push(peer);
        return peer;
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  readonly #peers: Peer[] = [];

  async [Symbol.asyncDispose](): Promise<void> {
    for (const peer of [...this.#peers, ...this.#waiting]) peer.transport.destroy();
    this.#listener.close();
    await once(this.#listener, 'close');
  }
}

/** A client that is connected with a server in memory. */
export async function connectTo(server: SMTPServer, options: Partial<SMTPClientOptions> = {}): Promise<SMTPClient> {
  const { client: end, server: other } = connectInMemory();
  const client = new SMTPClient({ ...NOWHERE, ...options });
  server.accept(other);
  await client.connectOver(end);
  return client;
}

/** How a client reaches a server that listens. */
export function reach(server: SMTPServer): { readonly host: string; readonly port: number } {
  return { host: '127.0.0.1', port: server.port };
}

export const MESSAGE = {
  mailFrom: 'alice@a.example',
  rcptTos: ['bob@b.example'],
  data: 'Subject: Hi\r\n\r\nHello\r\n',
} as const;

const NOWHERE = { remoteAddress: { host: 'mx.example', port: 25 }, hostname: 'client.example' } as const;
