/**
 * What an option is: one row of a table from which the parser, the help, the completion scripts, the environment, the configuration
 * file, its schema and `docs/cli.md` are made. Nothing here reads anything.
 */

import { usageError } from './command-error.js';

/** One option. */
export interface OptionDefinition {
  /** The long name, without its dashes. */
  readonly name: string;
  /** The letter of the short name. */
  readonly letter?: string;
  /** What its value is called in the help; absent for a switch. */
  readonly value?: string;
  /** What its value is, when not just any text. */
  readonly kind?: ValueKind;
  /** The only values there are. */
  readonly choices?: readonly string[];
  /** Its value when it stands alone. Only with choices: what follows is its value when it is one of them. */
  readonly valueAlone?: string;
  /** Its value when nobody says otherwise, where that is one value. */
  readonly default?: string | number | boolean;
  /** Whether it may be given several times, and counts each time. */
  readonly isRepeatable?: boolean;
  /** Whether `--no-NAME` exists. */
  readonly isNegatable?: boolean;
  /** Whether everything behind it is ignored. */
  readonly isFinal?: boolean;
  /** Whether its long name is to be written out, so that beginnings of older names stay unique. */
  readonly isWhole?: boolean;
  /** What of its value is shown to nobody: all, or what stands behind a colon. */
  readonly isSecret?: 'wholly' | 'behindColon';
  /** Where it can be given besides the command line. Default: `everywhere`. */
  readonly besides?: 'everywhere' | 'environment' | 'nowhere';
  /** Under which heading the help has it. */
  readonly group?: 'listening' | 'limits' | 'relaying' | 'mailman';
  /** One clause, without its default. */
  readonly help: string;
}

/** Kinds of values: a limit is a whole number above 0 or `none`; how many processes there are, a small one or `auto`. */
export type ValueKind = 'octets' | 'milliseconds' | 'seconds' | 'limit' | 'count' | 'processes';

/** A value: text, whether a switch is on, or the texts of an option that counts each time. */
export type OptionValue = string | boolean | readonly string[];

/** Values by long name. */
export type OptionValues = ReadonlyMap<string, OptionValue>;

/**
 * Checks a value against its option.
 *
 * @param label - how the option is called where the value comes from: `option --tls`, `SMTPD_TLS`
 * @throws CommandError with exit code 2
 */
export function checkValue({ choices, kind }: OptionDefinition, value: string, label: string): string {
  if (choices !== undefined && !choices.includes(value))
    throw usageError(`${label} is one of ${choices.join(', ')}, not "${value}"`);
  switch (kind) {
    case undefined:
      break;
    case 'octets':
      if (!WHOLE_NUMBER.test(value))
        throw usageError(`Invalid size: ${value}; ${label} is a number of octets, 0 for no limit`);
      break;
    case 'milliseconds':
      if (!WHOLE_NUMBER.test(value)) throw usageError(`${label} is a whole number of milliseconds, not "${value}"`);
      break;
    case 'seconds':
      if (!(WHOLE_NUMBER.test(value) && Number(value) > 0))
        throw usageError(`${label} is a whole number of seconds above 0, not "${value}"`);
      break;
    case 'count':
      if (!(WHOLE_NUMBER.test(value) && Number(value) > 0))
        throw usageError(`${label} is a whole number above 0, not "${value}"`);
      break;
    case 'processes':
      if (value !== AUTOMATIC && !(WHOLE_NUMBER.test(value) && Number(value) > 0 && Number(value) <= PROCESSES_MAX))
        throw usageError(
          `${label} is a whole number from 1 to ${String(PROCESSES_MAX)}, or ${AUTOMATIC}, not "${value}"`,
        );
      break;
    case 'limit':
      if (value !== NO_LIMIT && !(WHOLE_NUMBER.test(value) && Number(value) > 0))
        throw usageError(`${label} is a whole number above 0, or ${NO_LIMIT}, not "${value}"`);
      break;
  }
  return value;
}

/** What an option is called in a configuration file: `tlsCert` for `--tls-cert`. */
export function keyOf({ name }: OptionDefinition): string {
  return name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
}

/** What an option is called in the environment: `SMTPD_TLS_CERT` for `--tls-cert`. */
export function environmentNameOf({ name }: OptionDefinition): string {
  return `SMTPD_${name.toUpperCase().replaceAll('-', '_')}`;
}

/** The text of an option that has one. */
export function textOf(options: OptionValues, name: string): string | undefined {
  const value = options.get(name);
  return typeof value === 'string' ? value : undefined;
}

/** The number of an option whose kind is a number. */
export function numberOf(options: OptionValues, name: string): number | undefined {
  const text = textOf(options, name);
  return text === undefined ? undefined : text === NO_LIMIT ? Infinity : Number(text);
}

/** The texts of an option that may be given several times; none when it was not. */
export function textsOf(options: OptionValues, name: string): readonly string[] {
  const value = options.get(name);
  return typeof value === 'object' ? value : [];
}

/** Whether a switch is on; `undefined` when nobody says. */
export function switchOf(options: OptionValues, name: string): boolean | undefined {
  const value = options.get(name);
  return typeof value === 'boolean' ? value : undefined;
}

/** How many processes there may be: a bound for slips of the finger. */
export const PROCESSES_MAX = 256;
/** As many processes as there are cores. */
export const AUTOMATIC = 'auto';
/** The value of a limit that does not limit. */
export const NO_LIMIT = 'none';
const WHOLE_NUMBER = /^\d{1,15}$/;
