/** The description of the API (OpenAPI 3.1), made from the table of routes. */

import { API_ERRORS, type APIErrorCode } from './api-error.js';
import { Problem } from '../api/model.js';
import { isOctetBody, type Route } from './route.js';

/** What can go wrong on every route. */
const ALWAYS: readonly APIErrorCode[] = [
  'BAD_REQUEST',
  'UNAUTHORIZED',
  'FORBIDDEN_HOST',
  'FORBIDDEN_ORIGIN',
  'INTERNAL',
  'UNAVAILABLE',
];

/** The errors that a route may answer. */
function errorsOf({ errors, body, method }: Route): readonly APIErrorCode[] {
  return [
    ...ALWAYS,
    ...(method === 'GET' ? [] : (['UNSUPPORTED_MEDIA_TYPE'] as const)),
    ...(body === undefined ? [] : (['TOO_LARGE'] as const)),
    ...errors,
  ];
}

/** The document. @param version - of this package */
export function describeAPI(routes: readonly Route[], version: string): Record<string, unknown> {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const each of routes) (paths[each.path] ??= {})[each.method.toLowerCase()] = operationOf(each);
  return {
    openapi: '3.1.0',
    info: {
      title: 'smtpd-inbox',
      version,
      summary: 'The mail that a program sent: list, search, wait, read, judge.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/api/v1' }],
    security: [{}, { password: [] }, { token: [] }],
    tags: [...new Set(routes.map(({ tag }) => tag))].map((name) => ({ name })),
    paths,
    components: {
      schemas: { Problem },
      securitySchemes: { password: { type: 'http', scheme: 'basic' }, token: { type: 'http', scheme: 'bearer' } },
    },
  };
}

function operationOf(each: Route): Record<string, unknown> {
  const { operationId, tag, summary, description, params, query, body, answer } = each;
  return {
    operationId,
    tags: [tag],
    summary,
    ...(description === undefined ? {} : { description }),
    parameters: [
      ...Object.entries(params).map(([name, text]) => ({
        name,
        in: 'path',
        required: true,
        description: text,
        schema: { type: 'string' },
      })),
      ...Object.entries(query?.properties ?? {}).map(([name, schema]) => ({
        name,
        in: 'query',
        required: (query?.required as readonly string[] | undefined)?.includes(name) ?? false,
        ...('description' in schema ? { description: schema.description } : {}),
        schema,
      })),
    ],
    ...(body === undefined
      ? {}
      : {
          requestBody: {
            required: true,
            content: isOctetBody(body)
              ? Object.fromEntries(body.contentTypes.map((type) => [type, {}]))
              : { 'application/json': { schema: body } },
          },
        }),
    responses: {
      [answer.status]: { description: answer.description, ...contentOf(answer) },
      ...errorResponses(errorsOf(each)),
    },
  };
}

function contentOf({ schema, contentTypes }: Route['answer']): Record<string, unknown> {
  if (schema !== undefined) return { content: { 'application/json': { schema } } };
  if (contentTypes === undefined) return {};
  return { content: Object.fromEntries(contentTypes.map((type) => [type, {}])) };
}

function errorResponses(codes: readonly APIErrorCode[]): Record<string, unknown> {
  const byStatus = new Map<number, APIErrorCode[]>();
  for (const code of codes) {
    const { status } = API_ERRORS[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  return Object.fromEntries(
    [...byStatus].map(([status, each]) => [
      String(status),
      {
        description: each.map((code) => `${code}: ${API_ERRORS[code].meaning}`).join(' '),
        content: { 'application/json': { schema: { $ref: '#/components/schemas/Problem' } } },
      },
    ]),
  );
}
