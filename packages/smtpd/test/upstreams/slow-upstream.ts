/** A server that reads content no faster than it is told to, and keeps none of it. */

import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** A server behind a proxy, on a free port of 127.0.0.1. */
export class SlowUpstream implements AsyncDisposable {
  readonly #server: Server;
  readonly #sessions = new Set<SlowSession>();
  /** Octets of content that came, of all sessions. */
  takenBytes = 0;
  /** Messages that were acknowledged. */
  messages = 0;
  /** Whether sessions wait for {@link SlowUpstream.allow}. */
  isSlow = true;

  private constructor(offered: readonly string[]) {
    this.#server = createServer((socket) => {
      this.#sessions.add(new SlowSession(socket, this, offered));
    });
  }

  static async start(offered: readonly string[]): Promise<SlowUpstream> {
    const upstream = new SlowUpstream(offered);
    upstream.#server.listen(0, '127.0.0.1');
    await once(upstream.#server, 'listening');
    return upstream;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Lets each session read so many octets of content more. */
  allow(bytes: number): void {
    for (const session of this.#sessions) session.allow(bytes);
  }

  /** How many sessions are in the middle of content. */
  get busyCount(): number {
    return [...this.#sessions].filter(({ isContent }) => isContent).length;
  }

  /** Whether every session has read what it may. */
  get isStanding(): boolean {
    return [...this.#sessions].every(({ isContent, isAllowed }) => !isContent || !isAllowed);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const session of this.#sessions) session.destroy();
    await closed;
  }
}

class SlowSession {
  readonly #socket: Socket;
  readonly #upstream: SlowUpstream;
  readonly #offered: readonly string[];
  #commands = '';
  /** The last octets of what came by DATA; `undefined`: it is not under way. */
  #tail: string | undefined;
  /** Octets of the chunk that are still to come. */
  #chunkLeft = 0;
  #isLastChunk = false;
  #allowed = 0;
  isContent = false;

  constructor(socket: Socket, upstream: SlowUpstream, offered: readonly string[]) {
    this.#socket = socket;
    this.#upstream = upstream;
    this.#offered = offered;
    // A proxy that is stopped cuts its connections.
    socket.on('error', () => undefined);
    socket.on('data', (bytes: Buffer) => {
      this.#take(bytes);
      if (this.isContent && upstream.isSlow && this.#allowed <= 0) socket.pause();
    });
    this.#say('220 slow.example');
  }

  get isAllowed(): boolean {
    return this.#allowed > 0;
  }

  allow(bytes: number): void {
    this.#allowed += bytes;
    if (this.#allowed > 0) this.#socket.resume();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #take(bytes: Buffer): void {
    let rest = bytes;
    while (rest.length > 0) {
      if (this.#tail !== undefined) {
        this.#countContent(rest.length);
        this.#tail = `${this.#tail}${rest.subarray(-5).toString('latin1')}`.slice(-5);
        if (this.#tail === '\r\n.\r\n') this.#acknowledge();
        return;
      }
      if (this.#chunkLeft > 0) {
        const length = Math.min(rest.length, this.#chunkLeft);
        this.#countContent(length);
        this.#chunkLeft -= length;
        rest = rest.subarray(length);
        if (this.#chunkLeft === 0) this.#endChunk();
        continue;
      }
      const end = rest.indexOf('\n');
      this.#commands += rest.subarray(0, end < 0 ? rest.length : end + 1).toString('latin1');
      rest = end < 0 ? NOTHING : rest.subarray(end + 1);
      if (this.#commands.endsWith('\r\n')) this.#obey(this.#commands.trimEnd());
    }
  }

  #obey(line: string): void {
    this.#commands = '';
    const [verb = '', argument = '', last] = line.split(' ');
    if (verb === 'EHLO')
      this.#say(
        ['slow.example', ...this.#offered]
          .map((text, index, all) => `250${index < all.length - 1 ? '-' : ' '}${text}`)
          .join('\r\n'),
      );
    else if (verb === 'DATA') {
      this.#tail = '';
      this.isContent = true;
      this.#say('354 Go on');
    } else if (verb === 'BDAT') {
      this.#chunkLeft = Number(argument);
      this.#isLastChunk = last === 'LAST';
      this.isContent = true;
      if (this.#chunkLeft === 0) this.#endChunk();
    } else this.#say(verb === 'QUIT' ? '221 2.0.0 Bye' : '250 2.0.0 OK');
  }

  #endChunk(): void {
    if (this.#isLastChunk) this.#acknowledge();
    else this.#say('250 2.0.0 More');
  }

  #countContent(length: number): void {
    this.#allowed -= length;
    this.#upstream.takenBytes += length;
  }

  #acknowledge(): void {
    this.#tail = undefined;
    this.isContent = false;
    this.#allowed = 0;
    this.#upstream.messages += 1;
    this.#say('250 2.0.0 Taken');
  }

  #say(line: string): void {
    if (this.#socket.writable) this.#socket.write(`${line}\r\n`);
  }
}

const NOTHING = Buffer.alloc(0);
