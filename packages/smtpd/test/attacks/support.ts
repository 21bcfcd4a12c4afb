/** What the attacks share: a client that can go over to TLS, servers on a socket, and the transaction that must work afterwards. */

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { connect as connectTLS, TLSSocket } from 'node:tls';
import { expect } from 'vitest';

import { makeSelfSigned } from '../../src/net/self-signed.js';
import type { SMTPServer } from '../../src/server/server.js';
import { KeepingServer } from '../server/support.js';
import { readReplies } from '../support/pure-client.js';
import type { WireReply } from '../support/raw-client.js';

/** A client on a real socket that says exactly what it is told to, in clear or on TLS. */
export class Attacker implements AsyncDisposable {
  #socket: Socket;
  /** What came and was not taken by {@link reply}; what comes on TLS is put behind what came in clear. */
  #unread = '';
  #isClosed = false;
  #wake: () => void = () => undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#watch(socket);
  }

  /** Connects, and reads the greeting. */
  static async connect({ port }: { readonly port: number }): Promise<Attacker> {
    const attacker = await Attacker.connectUngreeted({ port });
    expect((await attacker.reply()).code).toBe(220);
    return attacker;
  }

  /** Connects. */
  static async connectUngreeted({ port }: { readonly port: number }): Promise<Attacker> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    await once(socket, 'connect');
    return new Attacker(socket);
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Octets that came and that nobody has asked for. */
  get unread(): string {
    return this.#unread;
  }

  /** Sends octets, each character one of them. @returns when the kernel has them, or the connection is gone */
  async send(octets: string | Uint8Array): Promise<void> {
    const bytes = typeof octets === 'string' ? Buffer.from(octets, 'latin1') : octets;
    await new Promise<void>((resolve) => {
      this.#socket.write(bytes, () => {
        resolve();
      });
    });
  }

  /** Sends without waiting, for a server that does not read. */
  push(octets: string | Uint8Array): void {
    this.#socket.write(octets, 'latin1');
  }

  /** Octets that the server has not let through yet. */
  get unsentBytes(): number {
    return this.#socket.writableLength;
  }

  /** Stops reading. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** The next whole reply. */
  async reply(): Promise<WireReply> {
    for (;;) {
      const match = WHOLE_REPLY.exec(this.#unread);
      if (match !== null) {
        this.#unread = this.#unread.slice(match[0].length);
        return readReplies(match[0])[0]!;
      }
      if (this.#isClosed) throw new Error(`Closed while a reply was awaited; unread: ${JSON.stringify(this.#unread)}`);
      await this.#change();
    }
  }

  /** So many replies' codes. */
  async codes(count: number): Promise<number[]> {
    const found: number[] = [];
    while (found.length < count) found.push((await this.reply()).code);
    return found;
  }

  /** Sends a command and reads its reply. */
  async command(line: string): Promise<WireReply> {
    await this.send(`${line}\r\n`);
    return this.reply();
  }

  /** Sends commands one after the other. @returns the codes */
  async commands(...lines: readonly string[]): Promise<number[]> {
    const found: number[] = [];
    for (const line of lines) found.push((await this.command(line)).code);
    return found;
  }

  /** Waits until the connection is gone. */
  async gone(): Promise<void> {
    while (!this.#isClosed) await this.#change();
  }

  /** Waits until the server has closed. @returns the codes of the replies that came before */
  async closed(): Promise<number[]> {
    await this.gone();
    return readReplies(this.#unread.slice(0, this.#unread.lastIndexOf('\r\n') + 2)).map(({ code }) => code);
  }

  /** Makes the handshake. Rejects when it fails. */
  async goOnTLS(): Promise<void> {
    const plain = this.#socket;
    plain.removeAllListeners('data');
    const secure = connectTLS({ socket: plain, rejectUnauthorized: false });
    this.#socket = secure;
    await once(secure, 'secureConnect');
    this.#watch(secure);
  }

  get isOnTLS(): boolean {
    return this.#socket instanceof TLSSocket;
  }

  end(): void {
    this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#socket.destroy();
    return Promise.resolve();
  }

  #watch(socket: Socket): void {
    socket.on('data', (bytes) => {
      this.#unread += bytes.toString('latin1');
      this.#wake();
    });
    // A reset is a close like any other.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.#isClosed = true;
      this.#wake();
    });
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}

/** A server that offers STARTTLS and keeps what it is sent. */
export async function startTLSServer(
  options: ConstructorParameters<typeof KeepingServer>[0] = {},
): Promise<KeepingServer> {
  const server = new KeepingServer({ tls: { mode: 'offer', ...KEY_PAIR }, ...options });
  await server.listen();
  return server;
}

/** A server that keeps what it is sent. */
export async function startServer(
  options: ConstructorParameters<typeof KeepingServer>[0] = {},
): Promise<KeepingServer> {
  const server = new KeepingServer(options);
  await server.listen();
  return server;
}

/** Whatever was before: a message from another client is taken. */
export async function expectCleanTransaction(server: SMTPServer): Promise<void> {
  await using client = await Attacker.connect(server);
  expect(
    await client.commands('EHLO clean.example', 'MAIL FROM:<clean@a.example>', 'RCPT TO:<clean@b.example>', 'DATA'),
  ).toEqual([250, 250, 250, 354]);
  expect(await client.commands('Clean\r\n.', 'QUIT')).toEqual([250, 221]);
}

/** Whether nothing was logged as a fault of ours. */
export function expectNoFaults(server: KeepingServer): void {
  expect(server.log.errors).toEqual([]);
}

const KEY_PAIR = makeSelfSigned({ names: ['localhost', '127.0.0.1'], now: new Date() });
const WHOLE_REPLY = /^(?:\d{3}-[^\r\n]*\r\n)*\d{3}(?: [^\r\n]*)?\r\n/;
