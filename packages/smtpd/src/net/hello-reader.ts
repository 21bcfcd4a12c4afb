/**
 * Reads a client's handshake ahead as far as the name that it asks for, so that the certificate is chosen before the handshake begins. What
 * was read belongs to the handshake all the same.
 */

import type { TLSHandshake } from './transport.js';

/** Gathers the octets of one handshake. */
export class HelloReader {
  /** All that was read. */
  octets: Uint8Array;
  /** Whether it is known which name was asked for, if any. */
  isDone = false;
  serverName: string | undefined;
  readonly #readServerName: TLSHandshake['readServerName'];

  /** @param received - what came of it already */
  constructor({ readServerName }: TLSHandshake, received: Uint8Array) {
    this.#readServerName = readServerName;
    this.octets = received;
    this.#look();
  }

  /** Takes more. */
  take(bytes: Uint8Array): void {
    this.octets = Buffer.concat([this.octets, bytes]);
    this.#look();
  }

  #look(): void {
    const result = this.#readServerName?.(this.octets);
    this.isDone = result?.kind !== 'needMore';
    if (result?.kind === 'clientHello') this.serverName = result.serverName;
  }
}
