/**
 * The live events: a stream of text as the HTML standard says (Server-Sent Events), read by fetch, so that a token can be sent and every
 * runtime can do it. A line that is cut is taken up again, and what may have happened in between is said: `missed`.
 */

import type { LiveEvent } from '../api/model.js';
import { InboxError } from './client-errors.js';
import type { Connection, QueryParameters } from './connection.js';
import { pause } from './pause.js';

/**
 * The events of a server, until the signal is aborted or nobody asks for more (`break`). The first connection has to succeed; a later one is tried
 * for `reconnectMs`.
 */
export async function* liveEvents(
  connection: Connection,
  query: QueryParameters,
  options: { readonly signal?: AbortSignal | undefined; readonly reconnectMs?: number | undefined } = {},
): AsyncGenerator<LiveEvent, undefined, undefined> {
  const { signal } = options;
  const attempts = new Attempts(options.reconnectMs);
  let isAgain = false;
  const request = { path: 'events', query, headers: { accept: 'text/event-stream' }, signal };
  for (;;) {
    try {
      const stream = await connection.stream(request);
      if (isAgain) yield { kind: 'missed' };
      isAgain = true;
      attempts.succeeded();
      for await (const data of readEventData(stream)) yield JSON.parse(data) as LiveEvent;
    } catch (error) {
      signal?.throwIfAborted();
      if (!isAgain || (error instanceof InboxError && error.code !== 'UNREACHABLE')) throw error;
      attempts.failed(error);
    }
    await pause(attempts.delayMs, signal);
  }
}

/** The data of the events of such a stream; their names stand in it, too. */
export async function* readEventData(stream: ReadableStream<Uint8Array>): AsyncGenerator<string, undefined, undefined> {
  let data: string[] = [];
  for await (const line of readLines(stream)) {
    const value = /^data(?:: ?(.*))?$/s.exec(line);
    if (value !== null) data.push(value[1] ?? '');
    if (line !== '' || data.length === 0) continue;
    yield data.join('\n');
    data = [];
  }
}

/** Lines end with CR, LF or CRLF; the last one is only a line when it has ended. */
async function* readLines(stream: ReadableStream<Uint8Array>): AsyncGenerator<string, undefined, undefined> {
  const decoder = new TextDecoder();
  const reader = stream.getReader();
  let rest = '';
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      rest += decoder.decode(value, { stream: true });
      for (;;) {
        // A CR at the very end may be the first half of a CRLF.
        const end = /\r\n|\n|\r(?!$)/.exec(rest);
        if (end === null) break;
        yield rest.slice(0, end.index);
        rest = rest.slice(end.index + end[0].length);
      }
    }
  } finally {
    // It may have failed already, which whoever reads was told.
    await reader.cancel().catch(() => undefined);
  }
}

/** How often and how long a lost server is looked for. */
export class Attempts {
  readonly #reconnectMs: number;
  #failedSince: number | undefined;
  #count = 0;

  constructor(reconnectMs = RECONNECT_MS) {
    this.#reconnectMs = reconnectMs;
  }

  /** Before the next one: 100 ms, twice as long each time, 2 s at most. */
  get delayMs(): number {
    return Math.min(2000, 100 * 2 ** this.#count);
  }

  succeeded(): void {
    this.#failedSince = undefined;
    this.#count = 0;
  }

  /** @throws the error, when it has been tried for long enough */
  failed(error: unknown): void {
    this.#failedSince ??= performance.now();
    if (performance.now() - this.#failedSince >= this.#reconnectMs) throw error;
    this.#count += 1;
  }
}

const RECONNECT_MS = 30_000;
