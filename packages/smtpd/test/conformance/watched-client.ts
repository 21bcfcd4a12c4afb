/**
 * A client that knows when the server has taken what it sent, and how many replies it has to read before it goes on.
 *
 * Nothing here sleeps or guesses. The server runs in this process: the octets that its socket has read say when a string was taken,
 * and its `reply` events say how many replies there are. That is how silence can be told from a reply that is still on its way.
 */

import type { Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';

import type { SMTPChannel, SMTPServer } from '../../src/index.js';
import { RawClient, type WireReply } from '../support/raw-client.js';

/** One connection to a server of this process whose application answers in the same turn. */
export class WatchedClient {
  /** The replies so far. */
  readonly replies: WireReply[] = [];
  readonly channel: SMTPChannel;
  readonly #client: RawClient;
  readonly #watched: { answered: number; isGone: boolean };
  #sentBytes = 0;

  private constructor(client: RawClient, channel: SMTPChannel, watched: { answered: number; isGone: boolean }) {
    this.#client = client;
    this.channel = channel;
    this.#watched = watched;
  }

  /** Connects and reads the greeting. */
  static async connect(server: SMTPServer): Promise<WatchedClient> {
    const known = new Set(server.channels);
    const answers = new Map<string, number>();
    const gone = new Set<string>();
    server.on('reply', ({ session }) => {
      answers.set(session.id, (answers.get(session.id) ?? 0) + 1);
    });
    server.on('disconnect', ({ session }) => {
      gone.add(session.id);
    });
    const raw = await RawClient.connect(server.port);
    const findChannel = (): SMTPChannel | undefined =>
      [...(server.channels as ReadonlySet<SMTPChannel>)].find((each) => !known.has(each));
    let channel = findChannel();
    while (channel === undefined) {
      await nextTurn();
      channel = findChannel();
    }
    const { id } = channel.info;
    const client = new WatchedClient(raw, channel, {
      get answered() {
        return answers.get(id) ?? 0;
      },
      get isGone() {
        return gone.has(id);
      },
    });
    await client.#readAnswers();
    return client;
  }

  /** Whether the server has ended the session. */
  get isOver(): boolean {
    return this.#watched.isGone || this.channel.info.phase === 'closed';
  }

  /** Sends octets and reads what they are answered with. @returns how many replies that were */
  async send(octets: string): Promise<number> {
    this.#client.send(octets);
    this.#sentBytes += octets.length;
    const socket = this.channel.conn as Socket;
    while (!this.isOver && socket.bytesRead < this.#sentBytes) await nextTurn();
    const count = await this.#readAnswers();
    if (this.isOver) await this.#client.closed();
    return count;
  }

  /** Ends our side, and waits until the server has ended its own. */
  async endInput(): Promise<void> {
    this.#client.end();
    await this.#client.closed();
  }

  /** Cuts the connection, and waits until the server has noticed. */
  async close(): Promise<void> {
    this.#client.destroy();
    while (!this.#watched.isGone) await nextTurn();
  }

  async #readAnswers(): Promise<number> {
    while (this.#watched.answered === 0) await nextTurn();
    const found = await this.#client.replies(this.#watched.answered - this.replies.length);
    this.replies.push(...found);
    return found.length;
  }
}
