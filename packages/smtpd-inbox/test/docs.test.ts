/** `docs/inbox-reference.md` is made from the tables of options, routes and errors. `npm run docs:generate` writes it anew. */

import { expect, it } from 'vitest';

import { GROUPS, INBOX_OPTIONS, environmentNameOf } from '../src/cli/options.js';
import { API_ERRORS } from '../src/http/api-error.js';
import { allRoutes } from '../src/http/routes.js';
import type { InboxServices } from '../src/http/services.js';

it('docs/inbox-reference.md is what the tables say', async () => {
  // What routes work with is looked at when they are asked, not when they are made.
  const routes = allRoutes({} as InboxServices);
  const tags = [...new Set(routes.map(({ tag }) => tag))];
  const page = [
    '<!-- Made from packages/smtpd-inbox/src by `npm run docs:generate`. Change it there. -->',
    '',
    '# The inbox: options and API',
    '',
    'What it is for and how it is used: [inbox.md](inbox.md).',
    '',
    '## `smtpd-inbox [options] [host:port ...]`',
    '',
    'SMTP is spoken at the addresses, or at those of `SMTPD_INBOX_LISTEN` where none is given; `127.0.0.1:1025` by default. `smtpd inbox` is the',
    'same command.',
    ...Object.entries(GROUPS).flatMap(([group, title]) => [
      '',
      `**${title}**`,
      '',
      table(
        ['option', 'environment', 'meaning'],
        INBOX_OPTIONS.filter((option) => option.group === group).map(({ name, value, isNegatable, help }) => [
          `\`--${isNegatable === true ? '[no-]' : ''}${name}${value === undefined ? '' : ` ${value}`}\``,
          ['help', 'version'].includes(name) ? '' : `\`${environmentNameOf(name)}\``,
          help,
        ]),
      ),
    ]),
    '',
    '## The API',
    '',
    'Paths are below `/api/v1`. The server describes them itself: `/api` for people, `/api/openapi.json` (OpenAPI 3.1) for programs. Every',
    'change is sent with `Content-Type: application/json`, also one without a body.',
    ...tags.flatMap((tag) => [
      '',
      `**${tag}**`,
      '',
      table(
        ['operation', 'path', 'what it does'],
        routes
          .filter((route) => route.tag === tag)
          .map(({ operationId, method, path, query, summary }) => [
            `\`${operationId}\``,
            `\`${method} ${path}\`${
              query === undefined
                ? ''
                : ` ${Object.keys(query.properties)
                    .map((name) => `\`${name}\``)
                    .join(' ')}`
            }`,
            summary,
          ]),
      ),
    ]),
    '',
    '## Errors of the API',
    '',
    'An error is `{ "error": { "code", "message" } }`; its code does not change. One of a wait that came to nothing also has `nearMisses` and',
    '`cursor`.',
    '',
    table(
      ['code', 'status', 'meaning'],
      Object.entries(API_ERRORS).map(([code, { status, meaning }]) => [`\`${code}\``, String(status), meaning]),
    ),
    '',
  ].join('\n');
  await expect(page).toMatchFileSnapshot(new URL('../../../docs/inbox-reference.md', import.meta.url).pathname);
});

it('no two routes are one operation', () => {
  const routes = allRoutes({} as InboxServices);
  expect(new Set(routes.map(({ operationId }) => operationId)).size).toBe(routes.length);
  expect(new Set(routes.map(({ method, path }) => `${method} ${path}`)).size).toBe(routes.length);
});

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const format = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [format(head), format(head.map(() => '---')), ...rows.map(format)].join('\n');
}
