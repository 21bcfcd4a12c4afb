/**
 * Requests to one server: its address, who we are, how long an answer may take, and what becomes of one that is an error. It knows HTTP
 * and nothing of mail.
 */

import type { Problem } from '../api/model.js';
import { InboxError } from './client-errors.js';

/** Where the inbox is and who asks. */
export interface ConnectionOptions {
  /** Default: the variable `SMTPD_INBOX_URL` where there is a process, else `http://127.0.0.1:8025`. A path is kept. */
  readonly url?: string | undefined;
  /** The server's token. Default: the variable `SMTPD_INBOX_TOKEN`. */
  readonly token?: string | undefined;
  /** The server's password, where it has no token. Default: the variable `SMTPD_INBOX_PASSWORD`. */
  readonly password?: string | undefined;
  /** What makes the requests. Default: the runtime's `fetch`. */
  readonly fetch?: typeof globalThis.fetch | undefined;
  /** How long an answer may take; a wait has its own time on top. Default: 30,000. */
  readonly answerTimeoutMs?: number | undefined;
}

/** What goes behind the question mark; what is `undefined` does not. */
export type QueryParameters = Readonly<Record<string, string | number | undefined>>;

/** A request below `/api/v1/`. */
export interface APIRequest {
  readonly method?: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  readonly query?: QueryParameters;
  /** Sent as JSON. */
  readonly json?: unknown;
  /** Sent as it is, with its type. */
  readonly content?: { readonly body: Uint8Array | string | Blob | ReadableStream<Uint8Array>; readonly type: string };
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
  /** What the server may take before it answers, on top of the time for an answer. */
  readonly waitMs?: number;
}

/** One server. */
export class Connection {
  /** Without a slash at its end. */
  readonly url: string;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #fetch: typeof globalThis.fetch;
  readonly #answerTimeoutMs: number;

  constructor(options: ConnectionOptions) {
    this.url = parseURL(options.url ?? variable('SMTPD_INBOX_URL') ?? DEFAULT_URL);
    this.#headers = authorization(options);
    // A method of the global object wants to be called as one.
    this.#fetch = options.fetch ?? ((input, init) => globalThis.fetch(input, init));
    this.#answerTimeoutMs = options.answerTimeoutMs ?? ANSWER_TIMEOUT_MS;
  }

  /** The answer as JSON; `undefined` for an empty one. */
  json<Shape>(request: APIRequest): Promise<Shape> {
    return this.#ask(request, async (response) => {
      const text = await response.text();
      if (text === '') return undefined as Shape;
      try {
        return JSON.parse(text) as Shape;
      } catch (error) {
        throw this.#notAnInbox(request, response.status, error);
      }
    });
  }

  /** The answer as octets. */
  octets(request: APIRequest): Promise<Uint8Array> {
    return this.#ask(request, async (response) => new Uint8Array(await response.arrayBuffer()));
  }

  /** The answer as it comes. Its beginning has to come in time; its end may take as long as it likes. */
  stream(request: APIRequest): Promise<ReadableStream<Uint8Array>> {
    return this.#ask(request, (response) => {
      if (response.body === null) throw this.#notAnInbox(request, response.status);
      return Promise.resolve(response.body as ReadableStream<Uint8Array>);
    });
  }

  async #ask<Answer>(request: APIRequest, read: (response: Response) => Promise<Answer>): Promise<Answer> {
    const { method = 'GET', waitMs = 0, signal } = request;
    signal?.throwIfAborted();
    const abort = new AbortController();
    const onAbort = (): void => {
      abort.abort(signal?.reason);
    };
    const forget = (): void => signal?.removeEventListener('abort', onAbort);
    signal?.addEventListener('abort', onAbort, { once: true });
    const timeoutMs = this.#answerTimeoutMs + waitMs;
    const timer = setTimeout(() => {
      const what = `${method} ${request.path}`;
      abort.abort(
        new InboxError('TIMED_OUT', `The inbox at ${this.url} did not answer ${what} within ${String(timeoutMs)} ms.`),
      );
    }, timeoutMs);
    let isHandedOut = false;
    try {
      const response = await this.#fetch(this.#address(request), {
        method,
        signal: abort.signal,
        ...this.#headersAndBody(request),
      });
      if (!response.ok) throw await this.#refusal(request, response);
      const answer = await read(response);
      if (signal === undefined || response.body === null || answer !== response.body) return answer;
      // A stream that goes on is ended by the caller's signal.
      isHandedOut = true;
      return watchedStream(response.body, forget) as Answer;
    } catch (error) {
      if (error instanceof InboxError) throw error;
      if (abort.signal.aborted) throw abort.signal.reason;
      throw this.#unreachable(error);
    } finally {
      clearTimeout(timer);
      if (!isHandedOut) forget();
    }
  }

  #address({ path, query = {} }: APIRequest): string {
    const url = new URL(`${this.url}/api/v1/${path}`);
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) url.searchParams.set(name, String(value));
    }
    return url.href;
  }

  #headersAndBody({ method = 'GET', json, content, headers = {} }: APIRequest): RequestInit {
    const all = { ...this.#headers, ...headers };
    if (content !== undefined) {
      const { body, type } = content;
      return {
        headers: { ...all, 'content-type': type },
        body: body as NonNullable<RequestInit['body']>,
        // Whoever sends a stream has to say that it does not wait for the answer meanwhile.
        ...(body instanceof ReadableStream ? { duplex: 'half' } : {}),
      };
    }
    if (method === 'GET') return { headers: all };
    // What changes something says that it is JSON even when it has no body: a form of another site cannot.
    return {
      headers: { ...all, 'content-type': 'application/json' },
      ...(json === undefined ? {} : { body: JSON.stringify(json) }),
    };
  }

  async #refusal(request: APIRequest, response: Response): Promise<InboxError> {
    const text = await response.text();
    const problem = parseProblem(text);
    return problem === undefined
      ? this.#notAnInbox(request, response.status)
      : new RefusedError(problem.error, response.status);
  }

  #unreachable(cause: unknown): InboxError {
    return new InboxError(
      'UNREACHABLE',
      `There is no inbox at ${this.url}: start it with \`npx smtpd-inbox\`, or say where it is in SMTPD_INBOX_URL.`,
      { cause },
    );
  }

  #notAnInbox({ method = 'GET', path }: APIRequest, status: number, cause?: unknown): InboxError {
    return new InboxError(
      'NOT_AN_INBOX',
      `What answers at ${this.url} is not an inbox of smtpd-inbox: it said ${String(status)} to ${method} /api/v1/${path}.`,
      { cause },
    );
  }
}

/** The server's own words. */
export class RefusedError extends InboxError {
  readonly problem: Problem['error'];
  /** The status of HTTP. */
  readonly status: number;

  constructor(problem: Problem['error'], status: number) {
    super(problem.code, problem.message);
    this.problem = problem;
    this.status = status;
  }
}

/** The same stream; who wants to know is told when it is over, however it ends. */
function watchedStream(stream: ReadableStream<Uint8Array>, onEnd: () => void): ReadableStream<Uint8Array> {
  const reader = stream.getReader();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = await reader.read();
          if (!done) {
            controller.enqueue(value);
            return;
          }
          controller.close();
        } catch (error) {
          controller.error(error);
        }
        onEnd();
      },
      async cancel(reason) {
        onEnd();
        await reader.cancel(reason);
      },
    },
    // Nothing is read ahead.
    { highWaterMark: 0 },
  );
}

function parseProblem(text: string): Problem | undefined {
  try {
    const { error } = JSON.parse(text) as Partial<Problem>;
    return typeof error?.code === 'string' && typeof error.message === 'string' ? { error } : undefined;
  } catch {
    return undefined;
  }
}

function parseURL(text: string): string {
  if (!URL.canParse(text) || !/^https?:/i.test(text)) {
    throw new InboxError('BAD_OPTION', `"${text}" is no address of an inbox: one looks like ${DEFAULT_URL}.`);
  }
  const url = new URL(text);
  if (url.username !== '' || url.password !== '') {
    throw new InboxError('BAD_OPTION', 'Give the password or the token as an option, not in the address.');
  }
  return `${url.origin}${url.pathname}`.replace(/\/+$/, '');
}

function authorization(options: ConnectionOptions): Readonly<Record<string, string>> {
  const token = options.token ?? (options.password === undefined ? variable('SMTPD_INBOX_TOKEN') : undefined);
  if (token !== undefined && !/^[!-~]+$/.test(token)) {
    throw new InboxError(
      'BAD_OPTION',
      'A token is made of visible ASCII characters: others cannot be in a header field.',
    );
  }
  if (token !== undefined) return { authorization: `Bearer ${token}` };
  const password = options.password ?? variable('SMTPD_INBOX_PASSWORD');
  if (password === undefined) return {};
  const octets = new TextEncoder().encode(`inbox:${password}`);
  return { authorization: `Basic ${btoa(String.fromCharCode(...octets))}` };
}

/** A variable of the process. There is none in a browser, and Deno may forbid to look. */
export function variable(name: string): string | undefined {
  const { process } = globalThis as { process?: { env?: Readonly<Record<string, string | undefined>> } };
  try {
    const value = process?.env?.[name];
    return value === '' ? undefined : value;
  } catch {
    return undefined;
  }
}

const DEFAULT_URL = 'http://127.0.0.1:8025';
const ANSWER_TIMEOUT_MS = 30_000;
