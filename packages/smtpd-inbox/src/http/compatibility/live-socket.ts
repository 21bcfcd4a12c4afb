/** A WebSocket that tells what happens, for clients of the other programs. What they send is passed over; who does not read is cut. */

import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';

import type { StoreChange } from 'smtpd-store';
import { WebSocketServer } from 'ws';

import { APIError } from '../api-error.js';
import { refuseUpgrade } from '../http-server.js';
import type { AccessGuard } from '../security.js';

/** What a socket is made with. */
export interface LiveSocketOptions {
  /** Where it is asked for. */
  readonly path: string;
  readonly guard: AccessGuard;
  /** What is told of a change: texts, each a message. */
  readonly tell: (change: StoreChange) => Promise<readonly string[]>;
}

/** The WebSockets of one port. */
export class LiveSocket {
  readonly #path: string;
  readonly #guard: AccessGuard;
  readonly #tell: LiveSocketOptions['tell'];
  readonly #server = new WebSocketServer({ noServer: true, maxPayload: RECEIVED_BYTES_MAX });

  constructor({ path, guard, tell }: LiveSocketOptions) {
    this.#path = path;
    this.#guard = guard;
    this.#tell = tell;
  }

  /** A connection asks to become one. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const refusal = this.#refusalOf(request);
    if (refusal !== undefined) {
      refuseUpgrade(socket, `${String(refusal.status)} ${refusal.code}`);
      return;
    }
    socket.on('error', () => socket.destroy());
    this.#server.handleUpgrade(request, socket, head, (client) => {
      client.on('error', () => {
        client.terminate();
      });
    });
  }

  /** Something happened. */
  async publish(change: StoreChange): Promise<void> {
    if (this.#server.clients.size === 0) return;
    const texts = await this.#tell(change);
    for (const client of this.#server.clients) {
      if (client.bufferedAmount > UNREAD_BYTES_MAX) client.terminate();
      else for (const text of texts) client.send(text);
    }
  }

  close(): void {
    for (const client of this.#server.clients) client.terminate();
    this.#server.close();
  }

  #refusalOf(request: IncomingMessage): APIError | undefined {
    const headers = new Headers();
    for (const name of ['host', 'origin', 'authorization', 'sec-fetch-site', 'sec-fetch-mode']) {
      const value = request.headers[name];
      if (typeof value === 'string') headers.set(name, value);
    }
    try {
      // Before the path: however it is spelled, whoever may not ask is told the same.
      this.#guard.check({ method: 'GET', headers, isPage: false, isUpgrade: true });
      if (new URL(request.url ?? '', 'http://localhost').pathname !== this.#path)
        return new APIError('NOT_FOUND', 'There is no WebSocket there');
      return undefined;
    } catch (error) {
      return error instanceof APIError ? error : new APIError('BAD_REQUEST', 'This is no request for a WebSocket');
    }
  }
}

const RECEIVED_BYTES_MAX = 4_096;
const UNREAD_BYTES_MAX = 16_777_216;
