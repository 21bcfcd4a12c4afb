/** The help texts, made from the command table. */

import { styleText } from 'node:util';

import { COMMANDS, SERVE, type CommandDefinition } from './commands.js';
import { LIMIT_OPTIONS } from './limit-options.js';
import type { OptionDefinition } from './options.js';

/** The help of everything: the old form, and the names of the commands. */
export function formatMainHelp(isColored: boolean): string {
  const heading = headings(isColored);
  return [
    heading('Usage:'),
    ...indent([...SERVE.usage, 'smtpd <command> [arguments]']),
    '',
    ...formatOptions(SERVE.options, heading),
    ...SERVE.notes,
    '',
    heading('Commands:'),
    ...formatRows(COMMANDS.map(({ name, summary }) => [name, summary])),
    '',
    '"smtpd help <command>" says more about one of them.',
    '',
  ].join('\n');
}

/** The help of one command. */
export function formatCommandHelp({ name, summary, usage, options, notes }: CommandDefinition, isColored: boolean) {
  const heading = headings(isColored);
  return [
    `smtpd ${name}: ${summary}`,
    '',
    heading('Usage:'),
    ...indent(usage),
    '',
    ...formatOptions(options, heading),
    ...(notes.length === 0 ? [] : [...notes, '']),
  ].join('\n');
}

/** The help of the limits. */
export function formatLimitsHelp(isColored: boolean): string {
  return [
    'Limits, on by default, for every command that listens. N is a whole number above 0, or none for no limit. Behind it stands',
    'what a client hears that meets the limit; docs/limits.md says why.',
    '',
    headings(isColored)('Limits:'),
    ...formatRows(LIMIT_OPTIONS.map((option) => [leftOf(option).trim(), helpOf(option)])),
    '',
  ].join('\n');
}

/** What an option is for, and its default. */
export function helpOf({ help, default: value }: OptionDefinition): string {
  // A switch that is off is what everybody expects.
  const isTold = value !== undefined && value !== false && !help.includes('(default');
  return isTold ? `${help} (default: ${value === true ? 'yes' : String(value)})` : help;
}

function formatOptions(options: readonly OptionDefinition[], heading: (text: string) => string): string[] {
  const rowsOf = (group: OptionDefinition['group']): (readonly [string, string])[] =>
    options.filter((option) => option.group === group).map((option) => [leftOf(option), helpOf(option)]);
  const listening = rowsOf('listening');
  const relaying = rowsOf('relaying');
  const mailman = rowsOf('mailman');
  const general = rowsOf(undefined);
  return [
    ...(general.length === 0 ? [] : [heading('Options:'), ...formatRows(general), '']),
    ...(mailman.length === 0 ? [] : [heading('Mailman:'), ...formatRows(mailman), '']),
    ...(relaying.length === 0 ? [] : [heading('Passing on:'), ...formatRows(relaying), '']),
    ...(listening.length === 0
      ? []
      : [
          heading('Listening:'),
          ...formatRows([
            ...listening,
            [
              '    --max-recipients N, …',
              `limits, ${String(LIMIT_OPTIONS.length)} in all: "smtpd help limits" names them`,
            ],
          ]),
          '',
        ]),
  ];
}

function leftOf({ name, letter, value, valueAlone, isNegatable }: OptionDefinition): string {
  const short = letter === undefined ? '    ' : `-${letter}, `;
  const long = isNegatable === true ? `--[no-]${name}` : `--${name}`;
  const shown = value === undefined ? '' : valueAlone === undefined ? ` ${value}` : ` [${value}]`;
  return `${short}${long}${shown}`;
}

function formatRows(rows: readonly (readonly [left: string, right: string])[]): string[] {
  const width = Math.max(...rows.map(([left]) => left.length));
  return indent(rows.map(([left, right]) => `${left.padEnd(width)}  ${right}`));
}

function indent(lines: readonly string[]): string[] {
  return lines.map((line) => `  ${line}`);
}

function headings(isColored: boolean): (text: string) => string {
  return isColored ? (text) => styleText('bold', text, { validateStream: false }) : (text) => text;
}
