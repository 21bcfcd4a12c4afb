/**
 * Hears what happens in a database, in the order of the transactions, whichever process did it. A connection that is lost is made
 * again; what happened meanwhile is not known, and that is said.
 */

import type { Client } from 'pg';

import type { StoreClock } from '../clock.js';

/** What is announced. Messages are named; whoever wants to know them looks. */
export type Announcement =
  | { readonly kind: 'added' | 'changed' | 'deleted' | 'restored'; readonly ids: readonly number[] }
  | { readonly kind: 'setting'; readonly key: string }
  /** The last of a process that goes. */
  | { readonly kind: 'last'; readonly token: string };

/** How to listen, and whom to tell. */
export interface ListenerOptions {
  readonly newClient: () => Client;
  readonly channel: string;
  readonly clock: StoreClock;
  readonly onAnnouncement: (announcement: Announcement) => void;
  /** The connection is gone. */
  readonly onLost: () => void;
  /** It is there again, and announcements were missed. */
  readonly onMissed: () => void;
}

/** Listens until it is closed. */
export class ChangeListener {
  readonly #options: ListenerOptions;
  #client: Client | undefined;
  #failures = 0;
  #isClosed = false;
  #cancelRetry: () => void = () => undefined;

  constructor(options: ListenerOptions) {
    this.#options = options;
  }

  get isListening(): boolean {
    return this.#client !== undefined;
  }

  /** Begins to listen. @throws what the driver says */
  async start(): Promise<void> {
    const client = this.#options.newClient();
    const lost = (): void => {
      if (this.#client !== client) return;
      this.#client = undefined;
      this.#options.onLost();
      this.#retry();
    };
    client.on('error', lost);
    client.on('end', lost);
    client.on('notification', ({ payload = '' }) => {
      this.#options.onAnnouncement(JSON.parse(payload) as Announcement);
    });
    try {
      await client.connect();
      await client.query(`LISTEN "${this.#options.channel}"`);
    } catch (error) {
      await client.end().catch(() => undefined);
      throw error;
    }
    if (this.#isClosed) {
      await client.end();
      return;
    }
    // Listening keeps no process running.
    referable(client).unref();
    this.#client = client;
    this.#failures = 0;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancelRetry();
    const client = this.#client;
    this.#client = undefined;
    await client?.end().catch(() => undefined);
  }

  #retry(): void {
    if (this.#isClosed) return;
    const waitMs = Math.min(RETRY_MS_MAX, RETRY_MS_MIN * 2 ** this.#failures);
    this.#failures += 1;
    this.#cancelRetry = this.#options.clock.setTimer(() => {
      void this.start().then(
        () => {
          if (this.#client !== undefined) this.#options.onMissed();
        },
        () => {
          this.#retry();
        },
      );
    }, waitMs);
  }
}

/** The driver has it, and its types do not say so. */
function referable(client: Client): { unref(): void } {
  return client as unknown as { unref(): void };
}

const RETRY_MS_MIN = 50;
const RETRY_MS_MAX = 10_000;
