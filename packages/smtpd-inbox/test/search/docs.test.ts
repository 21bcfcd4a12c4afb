/** What is made from tables in the pages of `docs/`. `npm run docs:generate` writes them anew. */

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { expect, it } from 'vitest';

import { table } from '../../../smtpd/test/conformance/markdown.js';
import { SEARCH_OPERATORS } from '../../src/api/search-operators.js';
import { EXCHANGE_ERROR_CODES } from '../../src/exchange/exchange-error.js';

it.each([
  [
    'inbox-search.md',
    'operators',
    ['operator', 'what stands behind it', 'finds', 'for instance'],
    SEARCH_OPERATORS.map(({ name, value, help, example }) => [`\`${name}:\``, value, help, `\`${example}\``]),
  ],
  [
    'inbox-exchange.md',
    'errors',
    ['code', 'meaning'],
    Object.entries(EXCHANGE_ERROR_CODES).map(([code, meaning]) => [`\`${code}\``, meaning]),
  ],
])('docs/%s has the table of %s', async (name, section, head, rows) => {
  const page = fileURLToPath(new URL(`../../../../docs/${name}`, import.meta.url));
  const text = readFileSync(page, 'utf8');
  const [, begin = '', end = ''] =
    new RegExp(`^([^]*<!-- ${section}: [^\\n]*-->\\n)[^]*(\\n<!-- end of ${section} -->[^]*)$`).exec(text) ?? [];
  expect(begin).not.toBe('');
  await expect(`${begin}\n${table(head, rows)}\n${end}`).toMatchFileSnapshot(page);
});
