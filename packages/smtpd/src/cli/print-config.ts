/** `--print-config`: the settings in effect, in the form of a configuration file. What is secret is not shown. */

import { EXIT } from './command-error.js';
import type { CommandDefinition } from './commands.js';
import { settableInFile } from './config-file.js';
import { AUTOMATIC, keyOf, NO_LIMIT, type OptionDefinition, type OptionValue } from './options.js';
import type { Settings } from './settings.js';
import { asLine, print, say, type Terminal } from './terminal.js';

/**
 * Prints the settings as JSON, with the defaults of what nobody set; and on standard error, for each that somebody set, where it comes
 * from.
 *
 * @param where - `addresses`: where the server would listen
 * @returns the exit code
 */
export async function printConfig(
  settings: Settings,
  where: { readonly command: CommandDefinition; readonly addresses: readonly string[]; readonly terminal: Terminal },
): Promise<number> {
  const { command, addresses, terminal } = where;
  await say(terminal.errors, formatOrigins(command, settings));
  await print(terminal.output, formatConfig(command, settings, addresses));
  return EXIT.success;
}

function formatConfig(command: CommandDefinition, { options }: Settings, addresses: readonly string[]): string {
  const effective = new Map<string, OptionValue>([...options, ['listen', addresses]]);
  const entries = settableInFile(command.options).flatMap((definition) => {
    const value = effective.get(definition.name);
    const shown = value === undefined ? definition.default : jsonValueOf(definition, value);
    return shown === undefined ? [] : [[keyOf(definition), shown] as const];
  });
  return `${JSON.stringify(Object.fromEntries(entries), undefined, 2)}\n`;
}

function formatOrigins(command: CommandDefinition, { origins }: Settings): string {
  return settableInFile(command.options)
    .flatMap((definition) => {
      const origin = origins.get(definition.name);
      return origin === undefined ? [] : [`${keyOf(definition)}: from ${asLine(origin)}\n`];
    })
    .join('');
}

function jsonValueOf({ kind, isSecret }: OptionDefinition, value: OptionValue): unknown {
  if (typeof value === 'object') return value.map((text) => masked(text, isSecret));
  if (typeof value === 'boolean' || value === NO_LIMIT || (kind === 'processes' && value === AUTOMATIC)) return value;
  return kind === undefined ? masked(value, isSecret) : Number(value);
}

/** The user may be seen. */
function masked(text: string, isSecret: OptionDefinition['isSecret']): string {
  switch (isSecret) {
    case undefined:
      return text;
    case 'wholly':
      return MASK;
    case 'behindColon':
      return text.replace(/:[^]*$/, `:${MASK}`);
  }
}

const MASK = '********';
