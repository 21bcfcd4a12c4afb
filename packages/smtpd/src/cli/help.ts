/** The help texts, made from the command table. */

import { styleText } from 'node:util';

import { COMMANDS, SERVE, type CommandDefinition, type OptionDefinition } from './commands.js';

/** The help of everything: the old form, and the names of the commands. */
export function formatMainHelp(isColored: boolean): string {
  const heading = headings(isColored);
  return [
    heading('Usage:'),
    ...indent([...SERVE.usage, 'smtpd <command> [arguments]']),
    '',
    heading('Options:'),
    ...formatOptions(SERVE.options),
    '',
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
    ...(options.length === 0 ? [] : [heading('Options:'), ...formatOptions(options), '']),
    ...(notes.length === 0 ? [] : [...notes, '']),
  ].join('\n');
}

function formatOptions(options: readonly OptionDefinition[]): string[] {
  return formatRows(
    options.map(({ name, letter, value, isNegatable, help }) => {
      const short = letter === undefined ? '    ' : `-${letter}, `;
      const long = isNegatable === true ? `--[no-]${name}` : `--${name}`;
      return [`${short}${long}${value === undefined ? '' : ` ${value}`}`, help];
    }),
  );
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
