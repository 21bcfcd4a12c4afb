/** The description of the API for people: one page without scripts, made from the table of routes. */

import { isOctetBody, type Route } from './route.js';

/** The page at `/api`. */
export function describeAsPage(routes: readonly Route[], version: string): Response {
  const tags = [...new Set(routes.map(({ tag }) => tag))];
  const sections = tags.map(
    (tag) =>
      `<h2>${escapeHTML(tag)}</h2>${routes
        .filter((each) => each.tag === tag)
        .map(sectionOf)
        .join('')}`,
  );
  const html = `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>smtpd-inbox API</title>
<meta name="viewport" content="width=device-width"><link rel="stylesheet" href="api.css"></head><body><main>
<h1>smtpd-inbox ${escapeHTML(version)}: the API</h1>
<p>For programs: <a href="api/openapi.json">api/openapi.json</a> (OpenAPI 3.1). Paths are below <code>/api/v1</code>.</p>
${sections.join('')}</main></body></html>`;
  return new Response(html, {
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': "default-src 'none'; style-src 'self'; frame-ancestors 'none'",
    },
  });
}

function sectionOf({ method, path, summary, description, query, params, body, answer }: Route): string {
  const rows = [
    ...Object.entries(params).map(([name, text]): readonly string[] => [name, 'path', text]),
    ...Object.entries(query?.properties ?? {}).map(([name, schema]): readonly string[] => [
      name,
      'query',
      'description' in schema ? String(schema.description) : '',
    ]),
  ];
  const table =
    rows.length === 0
      ? ''
      : `<table><tbody>${rows.map((row) => `<tr>${row.map((cell) => `<td>${escapeHTML(cell)}</td>`).join('')}</tr>`).join('')}</tbody></table>`;
  const takes =
    body === undefined
      ? ''
      : `<details><summary>Body</summary><pre>${escapeHTML(isOctetBody(body) ? body.contentTypes.join(', ') : JSON.stringify(body, null, 2))}</pre></details>`;
  const gives =
    answer.schema === undefined
      ? ''
      : `<details><summary>Answer</summary><pre>${escapeHTML(JSON.stringify(answer.schema, null, 2))}</pre></details>`;
  return `<section><h3><code>${method} ${escapeHTML(path)}</code></h3><p>${escapeHTML(summary)}</p>${
    description === undefined ? '' : `<p>${escapeHTML(description)}</p>`
  }${table}${takes}<p>${String(answer.status)}: ${escapeHTML(answer.description)}</p>${gives}</section>`;
}

function escapeHTML(text: string): string {
  return text.replace(/[&<>"']/g, (each) => `&#${String(each.charCodeAt(0))};`);
}
