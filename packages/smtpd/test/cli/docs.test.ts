/** What is made from the option table: the help and the settings in `docs/cli.md`, and the schema. `npm run docs:generate` writes them anew. */

import { readFileSync } from 'node:fs';
import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';

import { COMMANDS, SERVE } from '../../src/cli/commands.js';
import { settableInFile } from '../../src/cli/config-file.js';
import { makeConfigSchema } from '../../src/cli/config-schema.js';
import { helpOf } from '../../src/cli/help.js';
import { main } from '../../src/cli/main.js';
import { environmentNameOf, keyOf, type OptionDefinition } from '../../src/cli/options.js';
import { DEFAULT_LIMITS } from '../../src/index.js';
import { table } from '../conformance/markdown.js';
import { outputOf } from '../support/output-of.js';

const path = (name: string): string => new URL(`../../../../${name}`, import.meta.url).pathname;
const SCHEMA = path('packages/smtpd/schema/config.schema.json');

describe('docs/cli.md', () => {
  it('shows the help of today, and every setting', async () => {
    const page = path('docs/cli.md');
    let text = readFileSync(page, 'utf8');
    for (const line of [
      'debug --help',
      'proxy --help',
      'mailman --help',
      'maildir --help',
      'sink --help',
      'help limits',
      'probe --help',
      '--help',
    ]) {
      const start = text.indexOf(`\`\`\`text\n$ smtpd ${line}\n`);
      expect(start, line).toBeGreaterThan(0);
      const end = text.indexOf('```\n', start + 3);
      text = `${text.slice(0, start)}\`\`\`text\n$ smtpd ${line}\n${await printed(line)}${text.slice(end)}`;
    }
    const start = text.indexOf(TABLE_START) + TABLE_START.length;
    text = `${text.slice(0, start)}\n\n${settingsTable()}\n\n${text.slice(text.indexOf(TABLE_END))}`;
    await expect(text).toMatchFileSnapshot(page);
  });
});

describe('the schema', () => {
  it('is what the option table says', async () => {
    await expect(`${JSON.stringify(makeConfigSchema(), undefined, 2)}\n`).toMatchFileSnapshot(SCHEMA);
  });

  it('has every option and every limit, and nothing else', () => {
    const { properties } = makeConfigSchema() as { readonly properties: object };
    const keys = LISTENING.flatMap(({ options }) => settableInFile(options).map(keyOf));
    expect(Object.keys(properties).sort()).toEqual([...new Set(['$schema', ...keys])].sort());
    expect(Object.keys(properties).filter((key) => key.startsWith('max'))).toContain('maxRecipients');
    const limits = SERVE.options.filter(({ group }) => group === 'limits');
    expect(limits).toHaveLength(Object.keys(DEFAULT_LIMITS).length);
    expect(new Set(limits.map(({ name }) => name)).size).toBe(limits.length);
  });

  it('is published', () => {
    const manifest = JSON.parse(readFileSync(path('packages/smtpd/package.json'), 'utf8')) as {
      readonly files: readonly string[];
      readonly exports: Readonly<Record<string, unknown>>;
    };
    expect(manifest.files).toContain('schema');
    expect(manifest.exports['./config.schema.json']).toBe('./schema/config.schema.json');
  });
});

async function printed(line: string): Promise<string> {
  const output = new PassThrough();
  const terminal = { output, errors: new PassThrough(), isColored: false, environment: {} };
  expect(await main(line.split(' '), terminal)).toBe(0);
  return outputOf(output).toString();
}

function settingsTable(): string {
  const definitions = new Map<string, { definition: OptionDefinition; owners: string[] }>();
  for (const { name: command, options } of LISTENING) {
    for (const definition of options) {
      if (definition.isFinal === true) continue;
      const row = definitions.get(definition.name) ?? { definition, owners: [] };
      row.owners.push(command === '' ? 'the old form' : command);
      definitions.set(definition.name, row);
    }
  }
  const rows = [...definitions.values()].map(({ definition, owners }) => {
    const { name, besides = 'everywhere', isNegatable, group } = definition;
    const whose = owners.length === LISTENING.length ? '' : `${owners.join(', ')} only: `;
    return [
      `\`--${isNegatable === true ? '[no-]' : ''}${name}\``,
      besides === 'everywhere' ? `\`${keyOf(definition)}\`` : '',
      besides === 'nowhere' ? '' : `\`${environmentNameOf(definition)}\``,
      `${whose}${group === 'limits' ? `default: ${String(definition.default)}` : helpOf(definition)}`,
    ];
  });
  return table(['option', 'in a file', 'in the environment', ''], rows);
}

/** The commands that read settings from files. */
const LISTENING = [...COMMANDS.filter(({ options }) => options.some(({ name }) => name === 'config')), SERVE];
const TABLE_START = '<!-- The table is made from the option table by `npm run docs:generate`. -->';
const TABLE_END = '<!-- End of the table. -->';
