/** What the tests with real servers behind a proxy share. */

import type { AddressInfo } from 'node:net';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { once } from 'node:events';

import { PureProxy } from '../../src/handlers/pure-proxy.js';
import type { PureProxyOptions } from '../../src/handlers/proxy/proxy-options.js';
import { RecordingLogger } from '../server/support.js';

/** A proxy on a free port, in front of a port of 127.0.0.1. */
export async function startProxy(upstreamPort: number, options: PureProxyOptions = {}): Promise<TestProxy> {
  const proxy = new TestProxy({ remoteAddress: `127.0.0.1:${String(upstreamPort)}`, ...options });
  await proxy.listen();
  return proxy;
}

/** A proxy that keeps its log. */
export class TestProxy extends PureProxy {
  readonly log: RecordingLogger;

  constructor(options: PureProxyOptions) {
    const log = new RecordingLogger();
    super({ localAddress: '127.0.0.1:0', hostname: 'proxy.example', logger: log, ...options });
    this.log = log;
  }
}

/** What went over a connection, each way: whole, in order. How it was cut into pieces is TCP's affair. */
export interface Conversation {
  readonly client: string;
  readonly server: string;
}

/** Stands between a client and a server, and writes down what is said. */
export class Wiretap implements AsyncDisposable {
  readonly #server: Server;
  readonly #conversations: { client: string; server: string }[] = [];
  readonly #sockets = new Set<Socket>();

  private constructor(port: number) {
    this.#server = createServer((incoming) => {
      const outgoing = connect(port, '127.0.0.1');
      const conversation = { client: '', server: '' };
      this.#conversations.push(conversation);
      for (const [from, to, side] of [
        [incoming, outgoing, 'client'],
        [outgoing, incoming, 'server'],
      ] as const) {
        this.#sockets.add(from);
        from.on('data', (bytes: Buffer) => {
          conversation[side] += bytes.toString('latin1');
        });
        from.pipe(to);
        // A reset is a close like any other.
        from.on('error', () => undefined);
        from.on('close', () => {
          to.destroySoon();
        });
      }
    });
  }

  /** Listens in front of a port of 127.0.0.1. */
  static async start(port: number): Promise<Wiretap> {
    const wiretap = new Wiretap(port);
    wiretap.#server.listen(0, '127.0.0.1');
    await once(wiretap.#server, 'listening');
    return wiretap;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Closes, and gives what was said. */
  async conversations(): Promise<readonly Conversation[]> {
    await this[Symbol.asyncDispose]();
    return this.#conversations;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#sockets) socket.destroySoon();
    await closed;
  }
}
