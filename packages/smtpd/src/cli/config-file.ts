/** Reads a configuration file: one JSON object whose names are those of the options, in camelCase. Its schema is made in `config-schema.ts`. */

import { readFileSync } from 'node:fs';

import { messageOf, usageError } from './command-error.js';
import { COMMANDS, SERVE, type CommandDefinition } from './commands.js';
import {
  AUTOMATIC,
  checkValue,
  keyOf,
  NO_LIMIT,
  type OptionDefinition,
  type OptionValue,
  type OptionValues,
} from './options.js';

/**
 * Reads the settings of a command from a file.
 *
 * @returns by long name
 * @throws CommandError with exit code 2 when the file cannot be read or understood, or says what the command does not know
 */
export function readConfigFile(file: string, command: CommandDefinition): OptionValues {
  const values = new Map<string, OptionValue>();
  for (const [key, value] of Object.entries(readObject(file))) {
    // Editors find the schema by it.
    if (key === '$schema') continue;
    const definition = settableInFile(command.options).find((each) => keyOf(each) === key);
    if (definition === undefined) throw usageError(`${file}: ${whyUnknown(key, command)}`);
    values.set(definition.name, readValue(definition, value, `${file}: "${key}"`));
  }
  return values;
}

/** The options that a configuration file may set. */
export function settableInFile(options: readonly OptionDefinition[]): readonly OptionDefinition[] {
  return options.filter(({ isFinal, besides }) => isFinal !== true && (besides ?? 'everywhere') === 'everywhere');
}

function readObject(file: string): object {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw usageError(`The configuration file cannot be read: ${messageOf(error)}`);
  }
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\ufeff/, ''));
  } catch (error) {
    throw usageError(`${file} is not JSON: ${messageOf(error)}`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw usageError(`${file} is not one JSON object, such as { "tls": "offer" }`);
  return value;
}

function whyUnknown(key: string, { name }: CommandDefinition): string {
  const plain = (text: string): string => text.toLowerCase().replace(/[^a-z0-9]/g, '');
  for (const command of [SERVE, ...COMMANDS.filter(({ options }) => options.some((each) => each.name === 'config'))]) {
    const meant = settableInFile(command.options).find((each) => plain(keyOf(each)) === plain(key));
    if (meant === undefined) continue;
    if (keyOf(meant) !== key) return `there is no setting "${key}"; write "${keyOf(meant)}"`;
    const owner = command.name === '' ? 'smtpd without a command' : `smtpd ${command.name}`;
    return `"${key}" is a setting of ${owner}, not of ${name === '' ? 'smtpd without a command' : `smtpd ${name}`}`;
  }
  return `there is no setting "${key}"; settings are called as the options are: tlsCert for --tls-cert`;
}

function readValue(definition: OptionDefinition, value: unknown, label: string): OptionValue {
  const { kind } = definition;
  if (definition.value === undefined) {
    if (typeof value === 'boolean') return value;
    throw usageError(`${label} is true or false, not ${JSON.stringify(value)}`);
  }
  if (definition.isRepeatable === true) {
    const list: readonly unknown[] = Array.isArray(value) ? value : [value];
    if (list.every((each) => typeof each === 'string')) return list;
    throw usageError(`${label} is a text, or a list of texts`);
  }
  const isRight = kind === undefined ? typeof value === 'string' : typeof value === 'number' || isWord(kind, value);
  if (!isRight)
    throw usageError(`${label} is a ${kind === undefined ? 'text' : 'number'}, not ${JSON.stringify(value)}`);
  return checkValue(definition, String(value), label);
}

/** Whether a value is the word that a kind of numbers has. */
function isWord(kind: OptionDefinition['kind'], value: unknown): boolean {
  return value === (kind === 'processes' ? AUTOMATIC : NO_LIMIT);
}
