import { readFileSync } from 'node:fs';
import { STORE_ERROR_CODES } from 'smtpd-store';
import { expect, it } from 'vitest';

it('has every code, with its meaning, on the page that users read', () => {
  const page = readFileSync(new URL('../../../docs/store.md', import.meta.url), 'utf8');
  const rows = page.split('\n').filter((line) => line.startsWith('| `STORE_'));
  expect(rows).toEqual(Object.entries(STORE_ERROR_CODES).map(([code, meaning]) => `| \`${code}\` | ${meaning} |`));
});
