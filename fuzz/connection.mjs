/** The client's end of a connection, over TCP, TLS or in memory: octets out, whole replies in, and when something changes. */

import { connect } from 'node:net';
import { connect as connectTLS } from 'node:tls';

import { connectInMemory } from '../packages/smtpd/dist/modules/net/memory-transport.js';

/** What was received so far. */
export class Connection {
  received = '';
  isClosed = false;
  /** Where it goes by a port. */
  localPort;
  #socket;
  #write;
  #end;
  #destroy;
  #onChange = () => undefined;
  /** Where the replies that were not counted yet begin. */
  #countedTo = 0;
  #replyCount = 0;

  static overTCP(port) {
    return Connection.over({ port, host: '127.0.0.1' });
  }

  /** @param where a port and a host, or a path */
  static over(where) {
    const socket = connect({ ...where, allowHalfOpen: true });
    const connection = new Connection();
    connection.#watch(socket);
    socket.once('connect', () => {
      connection.localPort = socket.localPort;
    });
    socket.setNoDelay(true);
    // Behind a FIN there is no RST: Node 20 would never let go of the handle, and spin at its end. A Unix socket has none at all.
    const mayReset = () => where.path === undefined && !socket.writableEnded;
    connection.#destroy = () => (mayReset() ? socket.resetAndDestroy() : socket.destroy());
    return connection;
  }

  static inMemory(server) {
    const ends = connectInMemory();
    const connection = new Connection();
    connection.#write = (text) => ends.client.write(Buffer.from(text, 'latin1'));
    connection.#end = () => ends.client.end();
    connection.#destroy = () => ends.client.destroy();
    ends.client.start({
      onBytes: (bytes) => connection.#take(Buffer.from(bytes).toString('latin1')),
      onEnd: () => ends.client.end(),
      onDrain: () => undefined,
      onClose: () => connection.#close(),
    });
    server.accept(ends.server);
    return connection;
  }

  /** Goes on over TLS. @returns whether the handshake succeeded */
  async secure() {
    const secured = connectTLS({ socket: this.#socket, rejectUnauthorized: false });
    this.#watch(secured);
    // TLS has no reset.
    this.#destroy = () => secured.destroy();
    return new Promise((resolve) => {
      secured.once('secureConnect', () => resolve(true));
      secured.once('close', () => resolve(false));
    });
  }

  /** How many whole replies have come. */
  get replyCount() {
    // The last line of a reply has no hyphen behind its code (RFC 5321 §4.2.1).
    for (;;) {
      const end = this.received.indexOf('\r\n', this.#countedTo);
      if (end < 0) return this.#replyCount;
      if (this.received[this.#countedTo + 3] !== '-') this.#replyCount += 1;
      this.#countedTo = end + 2;
    }
  }

  write(text) {
    this.#write(text);
  }

  end() {
    this.#end();
  }

  destroy() {
    this.#destroy();
  }

  /** Leaves without a word, as a process does that ends. */
  abandon() {
    this.#socket.destroy();
  }

  /** Reads nothing for a while. */
  pause() {
    this.#socket.pause();
  }

  resume() {
    this.#socket?.resume();
  }

  /** Waits until this is so. @returns whether it came to that before `patienceMs` were over */
  async until(isSo, patienceMs) {
    let timer;
    const outOfPatience = new Promise((resolve) => {
      timer = setTimeout(() => resolve(true), patienceMs);
    });
    try {
      while (!isSo()) {
        const change = new Promise((resolve) => {
          this.#onChange = resolve;
        });
        if (await Promise.race([change.then(() => false), outOfPatience])) return isSo();
      }
      return true;
    } finally {
      clearTimeout(timer);
    }
  }

  /** From now on this socket is what is written to and read from. */
  #watch(socket) {
    const isIt = () => this.#socket === socket;
    this.#socket = socket;
    this.#write = (text) => socket.write(text, 'latin1');
    this.#end = () => socket.end();
    socket.on('data', (octets) => isIt() && this.#take(octets.toString('latin1')));
    socket.on('end', () => isIt() && socket.end());
    // A reset is one of the ways in which a connection closes.
    socket.on('error', () => undefined);
    socket.on('close', () => isIt() && this.#close());
  }

  #take(text) {
    this.received += text;
    this.#onChange();
  }

  #close() {
    this.isClosed = true;
    this.#onChange();
  }
}
