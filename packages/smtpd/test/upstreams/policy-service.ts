/** A policy service as Postfix asks one (SMTPD_POLICY_README): it is told of each recipient, or of DATA, and says what is to become of it. */

import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** What Postfix tells: `recipient`, `size`, `protocol_state` and more. */
export type PolicyFacts = ReadonlyMap<string, string>;

/** A policy service that listens on a free port of 127.0.0.1. */
export class PolicyService implements AsyncDisposable {
  readonly asked: PolicyFacts[] = [];
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(decide: (facts: PolicyFacts) => string) {
    this.#server = createServer((socket) => {
      this.#sockets.add(socket);
      let unread = '';
      socket.setEncoding('utf8').on('data', (text: string) => {
        unread += text;
        for (let end = unread.indexOf('\n\n'); end >= 0; end = unread.indexOf('\n\n')) {
          const facts = new Map(unread.slice(0, end).split('\n').map(pairOf));
          unread = unread.slice(end + 2);
          this.asked.push(facts);
          socket.write(`action=${decide(facts)}\n\n`);
        }
      });
      // Postfix leaves when it likes.
      socket.on('error', () => undefined);
    });
  }

  /** @param decide - an action of access(5), such as `450 4.7.1 Later` or `DUNNO` */
  static async start(decide: (facts: PolicyFacts) => string): Promise<PolicyService> {
    const service = new PolicyService(decide);
    service.#server.listen(0, '127.0.0.1');
    await once(service.#server, 'listening');
    return service;
  }

  /** The restriction that asks it. */
  get restriction(): string {
    return `check_policy_service inet:127.0.0.1:${String((this.#server.address() as AddressInfo).port)}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
}

function pairOf(line: string): [string, string] {
  const equals = line.indexOf('=');
  return [line.slice(0, equals), line.slice(equals + 1)];
}
