/**
 * Keeps what was asked of somebody who may be slow or away: one question at a time for each key, each answer for its time, and the last one
 * for longer when there is no newer. It does not know what it keeps.
 */

import type { Clock } from '../../net/clock.js';

/** How answers are had and kept. */
export interface CachedAnswersOptions<Value> {
  readonly clock: Clock;
  /** Asks. What it rejects with is why there is no answer. */
  readonly ask: (key: string) => Promise<Value>;
  /** How long an answer is as good as a new one, and how long it will do besides when there is none, in ms. */
  readonly timesOf: (value: Value) => { readonly freshMs: number; readonly staleMs: number };
  /** How many answers are kept. */
  readonly entriesMax: number;
}

/** An answer. */
export interface CachedAnswer<Value> {
  readonly value: Value;
  readonly isStale: boolean;
}

/** Answers by key. */
export class CachedAnswers<Value> {
  readonly #options: CachedAnswersOptions<Value>;
  /** The one that was had first stands first. */
  readonly #entries = new Map<string, { readonly value: Value; readonly hadAt: number }>();
  readonly #questions = new Map<string, Promise<Value>>();

  constructor(options: CachedAnswersOptions<Value>) {
    this.#options = options;
  }

  /** How many answers are kept. */
  get size(): number {
    return this.#entries.size;
  }

  /**
   * The answer for a key.
   *
   * @throws why there is none; the reason of the signal, when that comes first. The question goes on for the others who wait for it
   */
  async get(key: string, signal: AbortSignal | undefined): Promise<CachedAnswer<Value>> {
    signal?.throwIfAborted();
    const entry = this.#entries.get(key);
    const ageMs = entry === undefined ? 0 : this.#options.clock.now() - entry.hadAt;
    const times = entry === undefined ? undefined : this.#options.timesOf(entry.value);
    if (entry !== undefined && times !== undefined && ageMs < times.freshMs)
      return { value: entry.value, isStale: false };
    try {
      return { value: await unlessAborted(this.#ask(key), signal), isStale: false };
    } catch (error) {
      signal?.throwIfAborted();
      if (entry !== undefined && times !== undefined && ageMs < times.freshMs + times.staleMs)
        return { value: entry.value, isStale: true };
      throw error;
    }
  }

  #ask(key: string): Promise<Value> {
    const open = this.#questions.get(key);
    if (open !== undefined) return open;
    const question = this.#options.ask(key).then(
      (value) => {
        this.#questions.delete(key);
        this.#keep(key, value);
        return value;
      },
      (error: unknown) => {
        this.#questions.delete(key);
        throw error;
      },
    );
    this.#questions.set(key, question);
    return question;
  }

  #keep(key: string, value: Value): void {
    this.#entries.delete(key);
    this.#entries.set(key, { value, hadAt: this.#options.clock.now() });
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= this.#options.entriesMax) break;
      this.#entries.delete(oldest);
    }
  }
}

function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      reject(signal.reason as Error);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    void promise.then(resolve, reject).finally(() => {
      signal.removeEventListener('abort', onAbort);
    });
  });
}
