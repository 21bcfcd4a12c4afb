/** A client of a scene, over a real socket: it sends what it is told to, in pieces, and does not have to read, to wait or to end politely. */

import { connect } from 'node:net';
import { connect as connectTLS } from 'node:tls';

/** The client. */
export class SceneClient {
  received = '';
  isClosed = false;
  /** How the connection ended, as this side has seen it. */
  ending = 'open';
  #plain;
  #socket;
  #stir;
  #isDeaf = false;
  #closesAtEnd;
  #hasReset;

  /** @param {{ stir: () => void, closesAtEnd?: boolean }} scene `stir` is called whenever something happens */
  constructor(where, { stir, closesAtEnd = true }) {
    this.#stir = stir;
    this.#closesAtEnd = closesAtEnd;
    this.#hasReset = where.path === undefined;
    this.#plain = connect({ ...where, allowHalfOpen: true, noDelay: true });
    this.#watch(this.#plain);
  }

  get isOpen() {
    return !this.isClosed && !this.#socket.destroyed && !this.#socket.writableEnded;
  }

  async send(text, { pieceBytesMax = Infinity, turn }) {
    if (pieceBytesMax >= text.length) {
      this.#write(text);
      return;
    }
    for (let at = 0; at < text.length; at += pieceBytesMax) {
      this.#write(text.slice(at, at + pieceBytesMax));
      await turn();
    }
  }

  #write(text) {
    if (this.isOpen && text !== '') this.#socket.write(text, 'latin1');
    this.#stir();
  }

  /** Past TLS, where there is one. */
  rawSend(octets) {
    if (!this.#plain.destroyed && !this.#plain.writableEnded) this.#plain.write(octets);
    this.#stir();
  }

  rawEnd() {
    if (!this.#plain.destroyed) this.#plain.end();
    this.#stir();
  }

  /** Goes on over TLS, when the handshake is done. What is written before waits. */
  secure() {
    if (!this.isOpen || this.#socket !== this.#plain) return;
    this.#watch(connectTLS({ socket: this.#plain, rejectUnauthorized: false }));
    this.#stir();
  }

  end() {
    if (this.isOpen) this.#socket.end();
    this.#stir();
  }

  reset() {
    if (this.isClosed) return;
    if (this.ending === 'open') this.ending = 'reset by itself';
    // Behind a FIN there is no RST: Node 20 would never let go of the handle, and spin at its end. A Unix socket has none at all.
    if (!this.#hasReset || this.#plain.writableEnded || this.#plain.connecting) this.#plain.destroy();
    else this.#plain.resetAndDestroy();
    this.#stir();
  }

  destroy() {
    if (this.ending === 'open') this.ending = 'destroyed by itself';
    this.#socket.destroy();
    this.#plain.destroy();
    this.#stir();
  }

  deafen() {
    this.#isDeaf = true;
    this.#socket.pause();
  }

  hear() {
    this.#isDeaf = false;
    this.#socket.resume();
    this.#stir();
  }

  #watch(socket) {
    const isIt = () => this.#socket === socket;
    this.#socket = socket;
    socket.on('data', (octets) => {
      if (!isIt()) return;
      this.received += octets.toString('latin1');
      this.#stir();
    });
    socket.on('end', () => {
      if (!isIt()) return;
      if (this.ending === 'open') this.ending = 'ended';
      if (this.#closesAtEnd) socket.end();
      this.#stir();
    });
    socket.on('error', (error) => {
      if (isIt() && this.ending === 'open') this.ending = error.code ?? 'failed';
    });
    socket.on('close', () => {
      if (!isIt()) return;
      this.isClosed = true;
      this.#stir();
    });
    socket.on('secureConnect', () => this.#stir());
    if (this.#isDeaf) socket.pause();
  }
}
