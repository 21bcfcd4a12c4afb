/**
 * What a command is told, from everywhere: its arguments first, then the environment, then the configuration file. Defaults are not
 * here; who uses a setting has one.
 */

import { parseArguments, type ParsedArguments } from './arguments.js';
import type { CommandDefinition } from './commands.js';
import { readConfigFile } from './config-file.js';
import { usageError } from './command-error.js';
import {
  checkValue,
  environmentNameOf,
  keyOf,
  textOf,
  type OptionDefinition,
  type OptionValue,
  type OptionValues,
} from './options.js';
import type { Terminal } from './terminal.js';

/** What a command was told. */
export interface Settings extends ParsedArguments {
  /** By long name, where each value comes from, as it is called there: `option --tls`, `SMTPD_TLS`, `smtpd.json: "tls"`. */
  readonly origins: ReadonlyMap<string, string>;
}

/**
 * Reads the settings of a command. Where its arguments have a final option (`--help`), nothing else is looked at.
 *
 * @throws CommandError with exit code 2
 */
export function readSettings(
  argv: readonly string[],
  command: CommandDefinition,
  environment: Terminal['environment'],
): Settings {
  const { options: given, words } = parseArguments(argv, command.options);
  const isFinal = command.options.some((option) => option.isFinal === true && given.has(option.name));
  const fromEnvironment = isFinal ? NONE : readEnvironment(environment, command.options);
  const file = isFinal ? undefined : (textOf(given, 'config') ?? textOf(fromEnvironment, 'config'));
  const fromFile = file === undefined ? NONE : readConfigFile(file, command);

  const options = new Map<string, OptionValue>();
  const origins = new Map<string, string>();
  for (const definition of command.options) {
    const { name } = definition;
    const found = [
      { value: given.get(name), origin: `option --${name}` },
      { value: fromEnvironment.get(name), origin: environmentNameOf(definition) },
      { value: fromFile.get(name), origin: `${String(file)}: "${keyOf(definition)}"` },
    ].find(({ value }) => value !== undefined);
    if (found?.value === undefined) continue;
    options.set(name, found.value);
    origins.set(name, found.origin);
  }
  return { options, words, origins };
}

/** How a setting is called where its value comes from; as an option where it has none. */
export function originOf({ origins }: Settings, name: string): string {
  return origins.get(name) ?? `option --${name}`;
}

/** A variable that is empty is not there. One with several values has one a line. */
function readEnvironment(environment: Terminal['environment'], table: readonly OptionDefinition[]): OptionValues {
  const values = new Map<string, OptionValue>();
  for (const definition of table) {
    const label = environmentNameOf(definition);
    const text = environment[label] ?? '';
    if (text === '' || definition.isFinal === true || definition.besides === 'nowhere') continue;
    values.set(definition.name, valueOf(definition, text, label));
  }
  return values;
}

function valueOf(definition: OptionDefinition, text: string, label: string): OptionValue {
  if (definition.isRepeatable === true) return text.split(/\r?\n/).filter((line) => line !== '');
  if (definition.value !== undefined) return checkValue(definition, text, label);
  const word = text.toLowerCase();
  if (ON.includes(word)) return true;
  if (OFF.includes(word)) return false;
  throw usageError(`${label} is ${ON.join(', ')} or ${OFF.join(', ')}, not "${text}"`);
}

const NONE: OptionValues = new Map();
const ON: readonly string[] = ['1', 'true', 'yes', 'on'];
const OFF: readonly string[] = ['0', 'false', 'no', 'off'];
