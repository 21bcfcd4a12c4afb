/** The client's end of a connection, over TCP or in memory: octets out, whole replies in, and when something changes. */

import { connect } from 'node:net';

import { connectInMemory } from '../packages/smtpd/dist/net/memory-transport.js';

/** What was received so far. */
export class Connection {
  received = '';
  isClosed = false;
  #write;
  #end;
  #destroy;
  #onChange = () => undefined;
  /** Where the replies that were not counted yet begin. */
  #countedTo = 0;
  #replyCount = 0;

  static overTCP(port) {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    const connection = new Connection();
    connection.#write = (text) => socket.write(text, 'latin1');
    connection.#end = () => socket.end();
    // Behind a FIN there is no RST: Node 20 would never let go of the handle, and spin at its end.
    connection.#destroy = () => (socket.writableEnded ? socket.destroy() : socket.resetAndDestroy());
    socket.setEncoding('latin1');
    socket.setNoDelay(true);
    socket.on('data', (text) => connection.#take(text));
    socket.on('end', () => socket.end());
    // A reset is one of the ways in which a connection closes.
    socket.on('error', () => undefined);
    socket.on('close', () => connection.#close());
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

  #take(text) {
    this.received += text;
    this.#onChange();
  }

  #close() {
    this.isClosed = true;
    this.#onChange();
  }
}
