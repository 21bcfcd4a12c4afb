/**
 * What the APIs of the other programs have in common: a port of their own, the same checks before everything as our own API, and errors as
 * text. Their paths are theirs, so none of them can share a port with ours.
 */

import { Hono, type Context } from 'hono';
import { getPath } from 'hono/utils/url';
import type { Logger } from 'smtpd';
import type { StoreChange } from 'smtpd-store';

import { ExchangeError } from '../../exchange/exchange-error.js';
import { APIError } from '../api-error.js';
import { HTTPServer } from '../http-server.js';
import { knownError } from '../known-error.js';
import { readText } from '../request-body.js';
import type { AccessGuard } from '../security.js';
import type { InboxServices } from '../services.js';
import { LiveSocket } from './live-socket.js';

/** What the API of another program needs. */
export interface CompatibilityContext {
  readonly services: InboxServices;
  /** Aborted when the server closes. */
  readonly closing: AbortSignal;
}

/** The API of another program. */
export interface CompatibilityAPI {
  /** Adds its routes. */
  readonly addTo: (app: Hono) => void;
  /** Where its WebSocket is, and what that tells of a change. */
  readonly socket: { readonly path: string; readonly tell: (change: StoreChange) => Promise<readonly string[]> };
  /** Something happened. */
  readonly onChange?: (change: StoreChange) => void;
  /** How an error is told. Default: as text. */
  readonly answerError?: (error: APIError, path: string) => Response;
}

/** Where it is spoken, and with what. */
export interface CompatibilityOptions {
  readonly host: string;
  readonly port: number;
  readonly make: (context: CompatibilityContext) => CompatibilityAPI;
  readonly services: InboxServices;
  readonly guard: AccessGuard;
  readonly logger: Logger;
  readonly closing: AbortSignal;
}

/** The API of another program, on a port of its own. */
export class CompatibilityServer {
  readonly #http: HTTPServer;
  readonly #socket: LiveSocket;
  readonly #changes: AsyncIterator<StoreChange>;
  readonly #following: Promise<void>;

  private constructor(
    http: HTTPServer,
    socket: LiveSocket,
    changes: AsyncIterator<StoreChange>,
    following: Promise<void>,
  ) {
    this.#http = http;
    this.#socket = socket;
    this.#changes = changes;
    this.#following = following;
  }

  /** @throws what listening throws */
  static async listen(options: CompatibilityOptions): Promise<CompatibilityServer> {
    const { host, port, make, services, guard, logger, closing } = options;
    const api = make({ services, closing });
    const socket = new LiveSocket({ ...api.socket, guard });
    const http = await HTTPServer.listen({
      host,
      port,
      app: appOf(api, { guard, logger }),
      onUpgrade: (request, connection, head) => {
        socket.upgrade(request, connection, head);
      },
    });
    const changes = services.store.changes()[Symbol.asyncIterator]();
    const following = (async () => {
      for (;;) {
        const next: IteratorResult<StoreChange, unknown> = await changes.next();
        if (next.done === true) return;
        api.onChange?.(next.value);
        await socket.publish(next.value);
      }
    })().catch((error: unknown) => {
      logger.error({ error }, 'What happens is not told by WebSocket any more');
    });
    return new CompatibilityServer(http, socket, changes, following);
  }

  get address(): HTTPServer['address'] {
    return this.#http.address;
  }

  async close(): Promise<void> {
    this.#socket.close();
    await this.#changes.return?.();
    await this.#following;
    await this.#http.close();
  }
}

/** The body as JSON; `undefined` without one. @throws APIError */
export async function readJSON(context: Context, bytesMax?: number): Promise<unknown> {
  const text = await readText(context.req.raw, bytesMax);
  if (text.trim() === '') return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new APIError('BAD_REQUEST', 'The body is no JSON');
  }
}

/** `start` and `limit` of a list. */
export function rangeOf(context: Context, limitMax: number): { readonly start: number; readonly limit: number } {
  const figure = (name: string, otherwise: number): number => {
    const text = context.req.query(name) ?? '';
    return /^\d{1,9}$/.test(text) ? Number(text) : otherwise;
  };
  const limit = figure('limit', LIMIT_DEFAULT);
  return { start: figure('start', 0), limit: Math.min(limit === 0 ? LIMIT_DEFAULT : limit, limitMax) };
}

/** A text, never taken for a page. */
export function text(content: string, status = 200): Response {
  return new Response(content, { status, headers: { 'content-type': 'text/plain; charset=utf-8' } });
}

function appOf(
  { addTo, answerError = asText }: CompatibilityAPI,
  { guard, logger }: Pick<CompatibilityOptions, 'guard' | 'logger'>,
): Hono {
  // Some clients put two slashes where one is meant, or one at the end; the servers of these programs overlook it.
  const app = new Hono({
    getPath: (request) =>
      getPath(request)
        .replace(/\/{2,}/g, '/')
        .replace(/(?<=.)\/$/, ''),
  });
  app.onError((error, context) => withCommonHeaders(answerError(errorOf(error, logger), context.req.path)));
  app.notFound((context) =>
    withCommonHeaders(answerError(new APIError('NOT_FOUND', '404 page not found'), context.req.path)),
  );
  app.use('*', async (context, next) => {
    const { method, path } = context.req;
    const { headers } = context.req.raw;
    guard.check({ method, headers, isPage: path.startsWith('/view/') });
    checkContentType(method, headers);
    await next();
    withCommonHeaders(context.res);
  });
  addTo(app);
  return app;
}

/**
 * A page of another origin can send a form, and a form cannot be JSON. Some clients name no type at all: they are programs, for a browser
 * names the origin of whoever sends something.
 */
function checkContentType(method: string, headers: Headers): void {
  if (method === 'GET' || method === 'HEAD') return;
  const contentType = headers.get('content-type');
  if (contentType === null) {
    if (headers.get('origin') === null && headers.get('sec-fetch-site') === null) return;
  } else if ((contentType.split(';', 1)[0] ?? '').trim().toLowerCase() === 'application/json') {
    return;
  }
  throw new APIError('UNSUPPORTED_MEDIA_TYPE', 'Send it as application/json (header Content-Type)');
}

/** These programs know one status for what was asked wrongly, and one for what failed. */
function errorOf(error: unknown, logger: Logger): APIError {
  if (error instanceof ExchangeError) return new APIError('BAD_REQUEST', error.message);
  const known = knownError(error);
  if (known.code !== 'INTERNAL' && known.code !== 'UNAVAILABLE') return known;
  logger.error({ error }, 'A request failed');
  return new APIError('INTERNAL', 'The server failed; its log says more');
}

function asText(error: APIError): Response {
  const response = text(error.message, error.status);
  if (error.code === 'UNAUTHORIZED') response.headers.set('www-authenticate', 'Basic realm="smtpd-inbox"');
  return response;
}

function withCommonHeaders(response: Response): Response {
  for (const [name, value] of Object.entries(COMMON_HEADERS)) {
    if (!response.headers.has(name)) response.headers.set(name, value);
  }
  return response;
}

/** No page of others may frame an answer, read it, or take it for something that it is not. */
const COMMON_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'; sandbox",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'cache-control': 'no-store',
};
const LIMIT_DEFAULT = 50;
