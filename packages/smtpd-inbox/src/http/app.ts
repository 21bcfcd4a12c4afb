/**
 * The web application: routes of the API, the page, and what stands before both. It knows no sockets; `http-server.ts` has them.
 */

import { Hono, type Context } from 'hono';
import type { Logger } from 'smtpd';
import type { TLocalizedValidationError } from 'typebox/error';
import { Value } from 'typebox/value';
import { Type, type TObject, type TSchema } from 'typebox';

import { APIError } from './api-error.js';
import { describeAPI } from './openapi.js';
import { describeAsPage } from './api-page.js';
import { knownError } from './known-error.js';
import type { PageFiles } from './page-files.js';
import { checkSaidLength, readText } from './request-body.js';
import { isOctetBody, json, type Call, type Route } from './route.js';
import type { AccessGuard } from './security.js';

/** What an application is made of. */
export interface AppOptions {
  readonly routes: readonly Route[];
  readonly guard: AccessGuard;
  readonly page: PageFiles;
  readonly version: string;
  readonly logger: Logger;
  /** Aborted when the server closes: long answers end. */
  readonly closing: AbortSignal;
}

/** Makes the application. */
export function makeApp({ routes, guard, page, version, logger, closing }: AppOptions): Hono {
  // Paths are matched as they are decoded, once; `strict` keeps one spelling of each.
  const app = new Hono({ strict: true });
  app.onError((error) => answerError(error, logger));
  app.notFound((context) =>
    answerError(new APIError('NOT_FOUND', `There is nothing at ${context.req.path}; /api says what there is`), logger),
  );
  app.use('*', async (context, next) => {
    const { method, path } = context.req;
    const { headers } = context.req.raw;
    const corsOrigin = guard.corsOrigin(headers);
    if (method === 'OPTIONS' && corsOrigin !== undefined) return preflight(corsOrigin);
    guard.check({ method, headers, isPage: !path.startsWith('/api/') });
    await next();
    for (const [name, value] of Object.entries(COMMON_HEADERS))
      if (!context.res.headers.has(name)) context.res.headers.set(name, value);
    if (corsOrigin !== undefined) context.res.headers.set('access-control-allow-origin', corsOrigin);
    return undefined;
  });

  const description = JSON.stringify(describeAPI(routes, version));
  app.get('/api', () => describeAsPage(routes, version));
  app.get('/api/openapi.json', () => new Response(description, { headers: { 'content-type': 'application/json' } }));
  for (const each of routes) {
    app.on(each.method, patternOf(each), async (context) =>
      each.handle((await callOf(each, context, closing)) as Call<never, never>),
    );
  }
  for (const [path, methods] of methodsByPath(routes)) {
    app.all(path, (context) => {
      const error = new APIError('METHOD_NOT_ALLOWED', `${context.req.path} has ${methods.join(', ')}`);
      const response = answerError(error, logger);
      response.headers.set('allow', methods.join(', '));
      return response;
    });
  }
  app.get('*', (context, next) => page.answer(context.req.path, context.req.raw.headers) ?? next());
  return app;
}

/** Checks a request against its route. */
async function callOf(route: Route, context: Context, closing: AbortSignal): Promise<Call<unknown, unknown>> {
  const { raw } = context.req;
  if (isOctetBody(route.body)) checkSaidLength(raw, OCTETS_MAX);
  const contentType = (raw.headers.get('content-type') ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
  if (route.method !== 'GET') checkContentType(route, contentType);
  return {
    params: context.req.param(),
    query: checkQueryString(route.query ?? NO_QUERY, new URL(raw.url).searchParams),
    body:
      route.body === undefined || isOctetBody(route.body)
        ? undefined
        : checkBody(route.body, await readText(raw, route.bodyBytesMax)),
    octets: () => raw.body,
    contentType,
    signal: AbortSignal.any([raw.signal, closing]),
  };
}

/** A page of another origin can send a form, and a form cannot be JSON. */
function checkContentType({ body }: Route, contentType: string): void {
  const allowed = isOctetBody(body) ? body.contentTypes : ['application/json'];
  if (allowed.includes(contentType)) return;
  throw new APIError(
    'UNSUPPORTED_MEDIA_TYPE',
    `Send it as ${allowed.join(' or ')} (header Content-Type)${body === undefined ? '; the body may be empty' : ''}`,
  );
}

function checkQueryString(schema: TObject, given: URLSearchParams): unknown {
  const known = schema.properties as Record<string, TSchema>;
  const values: Record<string, unknown> = {};
  for (const [name, value] of given) {
    if (!Object.hasOwn(known, name)) {
      const names = Object.keys(known).join(', ') || 'none';
      throw new APIError('BAD_REQUEST', `There is no parameter "${name}"; there are: ${names}`);
    }
    if (Object.hasOwn(values, name)) throw new APIError('BAD_REQUEST', `The parameter "${name}" is there twice`);
    values[name] = value;
  }
  return checkValue(schema, Value.Convert(schema, values), 'The parameter');
}

function checkBody(schema: TSchema, text: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new APIError('BAD_REQUEST', 'The body is no JSON');
  }
  return checkValue(schema, value, 'The body’s');
}

function checkValue(schema: TSchema, value: unknown, what: string): unknown {
  if (Value.Check(schema, value)) return value;
  const errors = Value.Errors(schema, value);
  const [first] = errors;
  const where = first?.instancePath.slice(1).replaceAll('/', '.') ?? '';
  const fault = first === undefined ? 'wrong' : faultOf(schema, errors, first);
  throw new APIError('BAD_REQUEST', `${what} ${where === '' ? 'value' : `"${where}"`}: ${fault}`);
}

/** What is wrong with a value, in the words of whoever wrote it: what there is instead, where that is known. */
function faultOf(
  schema: TSchema,
  errors: readonly TLocalizedValidationError[],
  first: TLocalizedValidationError,
): string {
  const { keyword } = first;
  // Where there is no such field, no value fits.
  if (keyword === 'boolean') {
    const isOfTop = first.schemaPath === '#/additionalProperties';
    const names = isOfTop && 'properties' in schema ? Object.keys(schema.properties as object) : [];
    return `there is no such field${names.length === 0 ? '' : `; there are: ${names.join(', ')}`}`;
  }
  if (keyword === 'enum')
    return `must be one of ${first.params.allowedValues.map((each) => JSON.stringify(each)).join(', ')}`;
  if (keyword !== 'const') return first.message;
  const values = errors.flatMap((each) =>
    each.keyword === 'const' && each.instancePath === first.instancePath
      ? [JSON.stringify(each.params.allowedValue)]
      : [],
  );
  return `must be ${values.length > 1 ? 'one of ' : ''}${values.join(', ')}`;
}

/** What went wrong, for the caller; what nobody foresaw, for the log. */
function answerError(error: unknown, logger: Logger): Response {
  const known = knownError(error);
  if (known.code === 'INTERNAL' || known.code === 'UNAVAILABLE') logger.error({ error }, 'A request failed');
  const response = json(known.problem, known.status);
  for (const [name, value] of Object.entries(COMMON_HEADERS)) response.headers.set(name, value);
  if (known.code === 'UNAUTHORIZED')
    response.headers.set('www-authenticate', 'Basic realm="smtpd-inbox", charset="UTF-8"');
  return response;
}

function preflight(origin: string): Response {
  return new Response(null, {
    status: 204,
    headers: {
      'access-control-allow-origin': origin,
      'access-control-allow-methods': 'GET, POST, DELETE',
      'access-control-allow-headers': 'content-type, authorization',
      'access-control-max-age': '600',
      vary: 'Origin',
    },
  });
}

/** A path as the router has it: `/api/v1/messages/:id`. */
function patternOf({ path }: Route): string {
  return `/api/v1${path.replace(/\{(\w+)\}/g, ':$1')}`;
}

function methodsByPath(routes: readonly Route[]): ReadonlyMap<string, readonly string[]> {
  const methods = new Map<string, string[]>();
  for (const each of routes) {
    const pattern = patternOf(each);
    methods.set(pattern, [...(methods.get(pattern) ?? []), each.method]);
  }
  return methods;
}

/** On every answer that says nothing else: no page of others may frame it, read it, or take it for something that it is not. */
const COMMON_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'SAMEORIGIN',
  'cache-control': 'no-store',
};
const OCTETS_MAX = 268_435_456;
const NO_QUERY = Type.Object({});
