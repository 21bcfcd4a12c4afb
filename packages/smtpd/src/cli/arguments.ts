/**
 * Takes arguments apart by an option table, from left to right. It gives no meaning to what it finds.
 *
 * Node's `parseArgs` is not used: the old command line takes unique beginnings of long names, and `--version` wins over whatever
 * is wrong behind it; both need the arguments in order, against the table.
 */

import { unknownOptions } from '../index.js';
import { BROUGHT_FLAGS } from './brought-flags.js';
import { usageError, type CommandError } from './command-error.js';
import { checkValue, type OptionDefinition, type OptionValue, type OptionValues, textsOf } from './options.js';

/** What was found. */
export interface ParsedArguments {
  readonly options: OptionValues;
  /** What is not an option, in order. */
  readonly words: readonly string[];
}

/**
 * Takes arguments apart. Behind a final option (`--help`, `--version`) nothing is looked at.
 *
 * @throws CommandError with exit code 2 for an option that is unknown, ambiguous, or has a value too few or too many
 *
 * @example
 * ```ts
 * parseArguments(['-ns', '100', 'localhost:25'], options); // nosetuid → true, size → '100'; words: ['localhost:25']
 * ```
 */
export function parseArguments(argv: readonly string[], table: readonly OptionDefinition[]): ParsedArguments {
  const options = new Map<string, OptionValue>();
  const words: string[] = [];
  const left = [...argv];
  for (let argument = left.shift(); argument !== undefined; argument = left.shift()) {
    if (argument === '--') return { options, words: [...words, ...left] };
    if (argument === '-' || !argument.startsWith('-')) {
      words.push(argument);
      continue;
    }
    const given = argument.startsWith('--') ? readLong(argument, left, table) : readShort(argument, left, table);
    for (const { definition, value } of given) {
      const { name, isRepeatable } = definition;
      options.set(name, isRepeatable === true ? [...textsOf(options, name), String(value)] : value);
      if (definition.isFinal === true) return { options, words };
    }
  }
  return { options, words };
}

interface GivenOption {
  readonly definition: OptionDefinition;
  readonly value: string | boolean;
}

/** `--name`, `--name=value`, `--name value`, `--no-name`. */
function readLong(argument: string, left: string[], table: readonly OptionDefinition[]): GivenOption[] {
  const equals = argument.indexOf('=');
  const name = equals === -1 ? argument : argument.slice(0, equals);
  const inlined = equals === -1 ? undefined : argument.slice(equals + 1);
  const { definition, isOn } = findLong(name, table);
  if (definition.value === undefined) {
    if (inlined !== undefined) throw usageError(`option ${name} takes no value`);
    return [{ definition, value: isOn }];
  }
  return [{ definition, value: checked(name, definition, inlined ?? takeValue(definition, left)) }];
}

/** What follows, unless the option may stand alone and what follows is not its value. */
function takeValue({ valueAlone, choices }: OptionDefinition, left: string[]): string | undefined {
  const isValue = valueAlone === undefined || choices?.includes(left[0] ?? '') === true;
  return isValue ? left.shift() : valueAlone;
}

/** `-n`, `-nd`, `-s100`, `-s 100`. */
function readShort(argument: string, left: string[], table: readonly OptionDefinition[]): GivenOption[] {
  const given: GivenOption[] = [];
  for (let at = 1; at < argument.length; at += 1) {
    const letter = argument.charAt(at);
    const name = `-${letter}`;
    const definition = table.find((each) => each.letter === letter);
    if (definition === undefined) {
      const letters = table.flatMap((each) => (each.letter === undefined ? [] : [`-${each.letter}`]));
      throw notRecognized(name, letters);
    }
    if (definition.value === undefined) {
      given.push({ definition, value: true });
      if (definition.isFinal === true) break;
      continue;
    }
    const inlined = argument.slice(at + 1);
    given.push({ definition, value: checked(name, definition, inlined === '' ? left.shift() : inlined) });
    break;
  }
  return given;
}

/** The option of this name, or the only one whose name begins so and may be shortened. */
function findLong(name: string, table: readonly OptionDefinition[]): { definition: OptionDefinition; isOn: boolean } {
  const all = table.flatMap((definition) => [
    { name: `--${definition.name}`, definition, isOn: true },
    ...(definition.isNegatable === true ? [{ name: `--no-${definition.name}`, definition, isOn: false }] : []),
  ]);
  const exact = all.find((each) => each.name === name);
  if (exact !== undefined) return exact;
  const candidates = all.filter((each) => each.definition.isWhole !== true && each.name.startsWith(name));
  const [only] = candidates;
  if (only === undefined)
    throw notRecognized(
      name,
      all.map((each) => each.name),
    );
  if (candidates.length > 1)
    throw usageError(`option ${name} is not unique: ${candidates.map((each) => each.name).join(', ')}`);
  return only;
}

function notRecognized(name: string, known: readonly string[]): CommandError {
  const message = unknownOptions(
    { [name]: true },
    {
      known: new Set(known),
      meant: () => BROUGHT_FLAGS,
      title: () => `option ${name} not recognized`,
      otherwise: 'smtpd --help names all',
    },
  );
  return usageError(message ?? name);
}

function checked(name: string, definition: OptionDefinition, value: string | undefined): string {
  if (value === undefined) throw usageError(`option ${name} requires argument`);
  return checkValue(definition, value, `option ${name}`);
}
