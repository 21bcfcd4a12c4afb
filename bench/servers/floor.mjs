/**
 * The floor: what the socket calls alone cost on this Node. It speaks just enough SMTP for the load generator, checks nothing,
 * keeps nothing, and counts octets. Not a server anybody should run. `{ tls }` in its argument: STARTTLS, too.
 */
import { createServer, Socket } from 'node:net';
import { createSecureContext, TLSSocket } from 'node:tls';

import { received, reportTo, settings } from './report.mjs';

const REPLIES = {
  E: '250 floor\r\n',
  M: '250 OK\r\n',
  R: '250 OK\r\n',
  D: '354 Go on\r\n',
  S: '220 Go on\r\n',
  Q: '221 Bye\r\n',
};
const CR = 0x0d;
const LF = 0x0a;
const DOT = 0x2e;
const buffer = Buffer.allocUnsafeSlow(65_536);
const secureContext = settings.tls === undefined ? undefined : createSecureContext(settings.tls);

class Session {
  #socket;
  #unfinishedLine = '';
  #isContent = false;
  /** How many octets of CR LF dot CR LF have just been seen. */
  #matched = 0;
  /** Octets that a chunk still has. */
  #chunkLeft = 0;

  constructor(accepted) {
    // `onread` is a matter of the constructor, and net.Server does not pass it on: so the handle gets a socket of its own.
    this.#socket = new Socket({
      handle: accepted._handle,
      onread: { buffer, callback: (length) => this.#take(buffer.subarray(0, length)) },
    });
    accepted._handle = null;
    accepted.destroy();
    this.#socket.on('error', () => undefined);
    this.#socket.write('220 floor\r\n');
  }

  #take(octets) {
    let replies = '';
    let position = 0;
    while (position < octets.length) {
      if (this.#isContent) {
        position = this.#takeContent(octets, position);
        if (!this.#isContent) replies += '250 OK\r\n';
        continue;
      }
      if (this.#chunkLeft > 0) {
        position = this.#takeChunk(octets, position);
        if (this.#chunkLeft === 0) replies += '250 OK\r\n';
        continue;
      }
      const end = octets.indexOf(LF, position);
      if (end < 0) {
        this.#unfinishedLine += octets.latin1Slice(position);
        break;
      }
      // Python's smtplib writes its verbs small.
      const verb = (this.#unfinishedLine + String.fromCharCode(octets[position]))[0].toUpperCase();
      if (verb === 'B') {
        this.#chunkLeft = Number((this.#unfinishedLine + octets.latin1Slice(position, end)).split(' ')[1]);
      } else {
        replies += REPLIES[verb];
      }
      this.#unfinishedLine = '';
      position = end + 1;
      this.#isContent = verb === 'D';
      this.#matched = 2;
      if (verb === 'Q') this.#socket.end(replies);
      if (verb === 'S') {
        this.#socket.write(replies, 'latin1', () => this.#secure());
        return true;
      }
    }
    if (replies !== '' && this.#socket.writable) this.#socket.write(replies, 'latin1');
    return true;
  }

  #secure() {
    this.#socket = new TLSSocket(this.#socket, { isServer: true, secureContext });
    this.#socket.on('error', () => undefined);
    this.#socket.on('data', (octets) => this.#take(octets));
  }

  #takeChunk(octets, start) {
    const length = Math.min(this.#chunkLeft, octets.length - start);
    received.octets += length;
    this.#chunkLeft -= length;
    if (this.#chunkLeft === 0) received.messages += 1;
    return start + length;
  }

  /** Counts the octets of the content up to its end, or to the end of what came; returns where the next octet is. */
  #takeContent(octets, start) {
    let position = start;
    while (position < octets.length) {
      if (this.#matched === 0) {
        const found = octets.indexOf('\r\n.', position, 'latin1');
        if (found < 0) {
          received.octets += octets.length - position;
          this.#matched = octets.at(-1) === CR ? 1 : octets.at(-1) === LF && octets.at(-2) === CR ? 2 : 0;
          return octets.length;
        }
        received.octets += found + 3 - position;
        position = found + 3;
        this.#matched = 3;
        continue;
      }
      const octet = octets[position];
      position += 1;
      received.octets += 1;
      if (this.#matched === 4 && octet === LF) {
        received.octets -= 3;
        received.messages += 1;
        this.#isContent = false;
        return position;
      }
      if (this.#matched === 3 && octet !== CR) received.octets -= 1;
      this.#matched = nextMatched(this.#matched, octet);
    }
    return position;
  }
}

function nextMatched(matched, octet) {
  if (octet === CR) return matched === 3 ? 4 : 1;
  if (octet === LF) return matched === 1 ? 2 : 0;
  return octet === DOT && matched === 2 ? 3 : 0;
}

const server = createServer({ pauseOnConnect: true, noDelay: true }, (socket) => new Session(socket));
server.listen({ port: 0, host: '127.0.0.1', backlog: settings.backlog ?? 511 }, () => {
  reportTo(process, server.address().port);
});
