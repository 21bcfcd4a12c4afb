/** The HTTP server's sockets: listening, closing, and connections that are upgraded. */

import type { IncomingMessage, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';

import { createAdaptorServer } from '@hono/node-server';
import type { Hono } from 'hono';

/** Where and what. */
export interface HTTPServerOptions {
  readonly host: string;
  readonly port: number;
  readonly app: Hono;
  /** Takes over a connection that asks for it; whoever is not there turns it away. */
  readonly onUpgrade?: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
}

/** An HTTP server that listens. */
export class HTTPServer {
  readonly #server: Server;
  readonly address: AddressInfo;

  private constructor(server: Server) {
    this.#server = server;
    this.address = server.address() as AddressInfo;
  }

  /** @throws what listening throws, such as `EADDRINUSE` */
  static async listen({ host, port, app, onUpgrade }: HTTPServerOptions): Promise<HTTPServer> {
    const server = createAdaptorServer({ fetch: app.fetch, overrideGlobalObjects: false }) as Server;
    server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      if (onUpgrade !== undefined) onUpgrade(request, socket, head);
      else refuseUpgrade(socket, '400 Bad Request');
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host, port }, () => {
        server.off('error', reject);
        resolve();
      });
    });
    return new HTTPServer(server);
  }

  /** Takes no more requests, and cuts what has not ended by itself. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      this.#server.close(() => {
        resolve();
      });
    });
    this.#server.closeIdleConnections();
    const cut = setTimeout(() => {
      this.#server.closeAllConnections();
    }, CLOSE_GRACE_MS);
    await closed;
    clearTimeout(cut);
  }

  /** Cuts every connection. */
  cut(): void {
    this.#server.closeAllConnections();
  }
}

/** Turns away a connection that asks to become something else. Node has let go of it: nobody else hears its errors, or closes it. */
export function refuseUpgrade(socket: Duplex, status: string): void {
  // Whoever resets it in the middle harms nobody.
  socket.on('error', () => socket.destroy());
  // Whoever keeps its own side open does not keep ours.
  socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`, () => socket.destroy());
}

const CLOSE_GRACE_MS = 1_000;
