/**
 * A client for the runtime scenarios: it says exactly what it is told to and reads whole replies. Plain JavaScript over `node:net`,
 * because it runs on Node, Bun and Deno as it stands.
 */

import { connect } from 'node:net';
import { connect as connectTLS } from 'node:tls';

export class WireClient {
  socket;
  /** What came and was not read yet; each octet is one character. */
  unread = '';
  hasEnded = false;
  isClosed = false;
  #waiters = [];

  constructor(socket) {
    this.#listenTo(socket);
  }

  #listenTo(socket) {
    this.socket = socket;
    socket.on('data', (bytes) => {
      this.unread += Buffer.from(bytes).toString('latin1');
      this.#wake();
    });
    socket.on('end', () => {
      this.hasEnded = true;
      this.#wake();
    });
    socket.on('close', () => {
      this.hasEnded = true;
      this.isClosed = true;
      this.#wake();
    });
    // A reset is a close like any other.
    socket.on('error', () => undefined);
  }

  /** Connects to `{ port, host }` or `{ path }`. The caller closes our side: a half-closed connection stays readable. */
  static async connect(where) {
    const socket = connect({ host: '127.0.0.1', allowHalfOpen: true, ...where });
    await new Promise((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    return new WireClient(socket);
  }

  /** Connects to `{ port }` with TLS from the first octet. */
  static async connectTLS(where, options) {
    const socket = connectTLS({ host: '127.0.0.1', ...where, ...options });
    await secured(socket);
    return new WireClient(socket);
  }

  /** Goes on over TLS: whatever was said, the handshake comes next. */
  async startTLS(options) {
    const plain = this.socket;
    for (const event of ['data', 'end', 'close']) plain.removeAllListeners(event);
    const socket = connectTLS({ socket: plain, ...options });
    await secured(socket);
    this.#listenTo(socket);
  }

  send(text) {
    this.socket.write(Buffer.from(text, 'latin1'));
  }

  /** Sends octets and waits while the kernel takes no more. */
  async sendAll(bytes) {
    for (let from = 0; from < bytes.length; from += 65_536) {
      const hasRoom = this.socket.write(bytes.subarray(from, from + 65_536));
      if (!hasRoom) await new Promise((resolve) => this.socket.once('drain', resolve));
    }
  }

  /** The next whole reply: its code, and its lines without code. */
  async reply() {
    for (;;) {
      const match = REPLY.exec(this.unread);
      if (match !== null) {
        this.unread = this.unread.slice(match[0].length);
        const rows = match[0].slice(0, -2).split('\r\n');
        return { code: Number(match[0].slice(0, 3)), lines: rows.map((row) => row.slice(4)) };
      }
      if (this.hasEnded) throw new Error(`Closed while a reply was awaited; unread: ${JSON.stringify(this.unread)}`);
      await this.#change();
    }
  }

  /** The codes of the next replies. */
  async codes(count) {
    const codes = [];
    while (codes.length < count) codes.push((await this.reply()).code);
    return codes;
  }

  async command(line) {
    this.send(`${line}\r\n`);
    return (await this.reply()).code;
  }

  /** Waits until the server has ended its side, and ends ours. */
  async ended() {
    while (!this.hasEnded) await this.#change();
    this.socket.end();
  }

  destroy() {
    this.socket.destroy();
  }

  /** Cuts the connection with a reset where the runtime can. */
  reset() {
    if (typeof this.socket.resetAndDestroy === 'function') this.socket.resetAndDestroy();
    else this.socket.destroy();
  }

  #change() {
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  #wake() {
    for (const resolve of this.#waiters.splice(0)) resolve();
  }
}

/** Waits for the handshake: the certificate is believed, and has the name. */
async function secured(socket) {
  await new Promise((resolve, reject) => {
    socket.once('secureConnect', resolve);
    socket.once('error', reject);
  });
}

const REPLY = /^(?:\d{3}-[^\r\n]*\r\n)*\d{3}(?: [^\r\n]*)?\r\n/;
