/**
 * A route of the API: what is asked, what is answered, and by whom, in one place. The server registers it, `openapi.ts` describes it,
 * and nothing else is said about it anywhere.
 */

import type { Static, TObject, TSchema } from 'typebox';

import type { APIErrorCode } from './api-error.js';

/** A value, or a promise of it. */
export type Awaitable<T> = T | Promise<T>;

/** A request, checked. */
export interface Call<Query, Body> {
  /** What stands in the path's braces, decoded. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: Query;
  readonly body: Body;
  /** The octets of the body, for routes that take octets; not read yet. */
  readonly octets: () => ReadableStream<Uint8Array> | null;
  readonly contentType: string;
  /** Aborted when the client leaves, or the server closes. */
  readonly signal: AbortSignal;
}

/** What is answered, besides errors. */
export interface Answer {
  readonly status: number;
  readonly description: string;
  /** JSON of this shape; absent: see `contentTypes`. */
  readonly schema?: TSchema;
  /** Octets of one of these types; absent together with `schema`: nothing. */
  readonly contentTypes?: readonly string[];
}

/** A route, as the server and the description see it. */
export interface Route {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** Below `/api/v1`, with names in braces: `/messages/{id}`. */
  readonly path: string;
  /** Unique, such as `listMessages`. */
  readonly operationId: string;
  readonly tag: string;
  readonly summary: string;
  readonly description?: string;
  /** What stands in the braces. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: TObject | undefined;
  /** JSON of this shape, or octets of one of these types. */
  readonly body: TSchema | { readonly contentTypes: readonly string[] } | undefined;
  /** Octets of JSON, where a mebibyte is not enough. */
  readonly bodyBytesMax?: number;
  readonly answer: Answer;
  /** Errors besides those that every route has. */
  readonly errors: readonly APIErrorCode[];
  readonly handle: (call: Call<never, never>) => Awaitable<Response>;
}

/** What a route is made of. */
interface RouteDefinition<Query extends TObject | undefined, Body extends TSchema | undefined> extends Omit<
  Route,
  'params' | 'query' | 'body' | 'errors' | 'handle'
> {
  readonly params?: Route['params'];
  readonly query?: Query;
  readonly body?: Body | { readonly contentTypes: readonly string[] };
  readonly errors?: readonly APIErrorCode[];
  readonly handle: (
    call: Call<Query extends TObject ? Static<Query> : object, Body extends TSchema ? Static<Body> : undefined>,
  ) => Awaitable<Response>;
}

/** Makes a route: its handler is typed by its schemas. */
export function route<Query extends TObject | undefined = undefined, Body extends TSchema | undefined = undefined>({
  params = {},
  query,
  body,
  errors = [],
  handle,
  ...rest
}: RouteDefinition<Query, Body>): Route {
  return { ...rest, params, query, body, errors, handle };
}

/** Whether a body is octets. */
export function isOctetBody(body: Route['body']): body is { readonly contentTypes: readonly string[] } {
  return body !== undefined && 'contentTypes' in body;
}

/** An answer in JSON. */
export function json(value: unknown, status = 200): Response {
  return new Response(JSON.stringify(value), { status, headers: { 'content-type': 'application/json' } });
}

/** An answer without content. */
export function noContent(): Response {
  return new Response(null, { status: 204 });
}

/** Octets for download or for reading, never for running: see {@link octetHeaders}. */
export function octets(body: AsyncIterable<Uint8Array> | Uint8Array, headers: Record<string, string>): Response {
  const content = body instanceof Uint8Array ? (body as Uint8Array<ArrayBuffer>) : streamOf(body);
  return new Response(content, { headers: { ...OCTET_HEADERS, ...headers } });
}

/** `attachment` with a file name that cannot break out of the header (RFC 6266 §4.3, RFC 8187). */
export function attachmentDisposition(fileName: string): string {
  const clean = fileName.replace(UNSAFE_IN_FILE_NAME, '_').slice(0, 200) || 'file';
  const ascii = clean.replace(/[^ -~]|["\\%]/g, '_');
  // By way of octets a lone surrogate becomes U+FFFD, which can be encoded.
  const encoded = encodeURIComponent(Buffer.from(clean, 'utf8').toString('utf8')).replace(
    /['()*]/g,
    (each) => `%${each.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `attachment; filename="${ascii}"; filename*=UTF-8''${encoded}`;
}

function streamOf(source: AsyncIterable<Uint8Array>): ReadableStream<Uint8Array> {
  const iterator = source[Symbol.asyncIterator]();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const next: IteratorResult<Uint8Array, unknown> = await iterator.next();
        if (next.done === true) controller.close();
        else controller.enqueue(next.value);
      },
      async cancel() {
        await iterator.return?.();
      },
    },
    { highWaterMark: 0 },
  );
}

/** What comes out of a mail is never taken for a page of ours, whatever it says it is. */
const OCTET_HEADERS = {
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; sandbox",
} as const;
// eslint-disable-next-line no-control-regex -- control characters are what this is about
const UNSAFE_IN_FILE_NAME = /[\u0000-\u001f\u007f-\u009f/\\:*?"<>|\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;
/** Octets of JSON in which a mail is, with its attachments. */
export const MAIL_JSON_BYTES_MAX = 33_554_432;
