/** Completion scripts, made from the command table. They are text: nothing is asked when a key is pressed. */

import { usageError } from './command-error.js';
import { COMMANDS, SERVE, type CommandDefinition } from './commands.js';
import { helpOf } from './help.js';
import type { OptionDefinition } from './options.js';

/**
 * The script for a shell.
 *
 * @throws CommandError with exit code 2
 */
export function formatCompletion(shell: string | undefined): string {
  switch (shell) {
    case 'bash':
      return forBash();
    case 'zsh':
      return forZsh();
    case 'fish':
      return forFish();
    case undefined:
    default:
      throw usageError('Say which shell: smtpd completion bash, zsh or fish');
  }
}

function forBash(): string {
  const cases = COMMANDS.map(
    (command) => `    ${command.name}) words="${[...optionNames(command), ...(command.words ?? [])].join(' ')}" ;;`,
  );
  const choices = [SERVE, ...COMMANDS]
    .flatMap(({ options }) => options)
    .filter((option) => option.choices !== undefined)
    .map(({ name, choices: each }) => `    --${name}) words="${(each ?? []).join(' ')}" ;;`);
  return [
    '_smtpd() {',
    '  local words current="${COMP_WORDS[COMP_CWORD]}" previous="${COMP_WORDS[COMP_CWORD-1]}"',
    '  case "${COMP_WORDS[1]}" in',
    ...cases,
    `    *) words="${[...COMMANDS.map(({ name }) => name), ...optionNames(SERVE)].join(' ')}" ;;`,
    '  esac',
    '  # The first word itself is a command, an option or an address.',
    `  if [ "$COMP_CWORD" = 1 ]; then words="${[...COMMANDS.map(({ name }) => name), ...optionNames(SERVE)].join(' ')}"; fi`,
    '  case "$previous" in',
    ...choices,
    '  esac',
    '  COMPREPLY=($(compgen -W "$words" -- "$current"))',
    '}',
    'complete -o default -F _smtpd smtpd',
    '',
  ].join('\n');
}

function forZsh(): string {
  const optionsOf = ({ options, words }: CommandDefinition): string =>
    [...options.flatMap(zshOption), words === undefined ? "'*:address:_hosts'" : `'*:word:(${words.join(' ')})'`].join(
      ' ',
    );
  return [
    '#compdef smtpd',
    '_smtpd() {',
    '  if (( CURRENT == 2 )); then',
    '    local -a commands',
    `    commands=(${COMMANDS.map(({ name, summary }) => singleQuoted(`${name}:${summary}`)).join(' ')})`,
    "    _describe -t commands 'command' commands",
    '  fi',
    '  case "$words[2]" in',
    ...COMMANDS.map(
      (command) => `    ${command.name}) shift words; (( CURRENT-- )); _arguments ${optionsOf(command)} ;;`,
    ),
    `    *) _arguments ${optionsOf(SERVE)} ;;`,
    '  esac',
    '}',
    'compdef _smtpd smtpd',
    '',
  ].join('\n');
}

function zshOption(option: OptionDefinition): string[] {
  const { name, letter, value, valueAlone, choices, isNegatable, isRepeatable } = option;
  const text = helpOf(option).replace(/[[\]:]/g, (character) => `\\${character}`);
  // Two colons: the value may be absent.
  const colon = valueAlone === undefined ? ':' : '::';
  const words = choices === undefined ? (value === 'FILE' ? '_files' : '') : `(${choices.join(' ')})`;
  const argument = value === undefined ? '' : `${colon}${value}:${words}`;
  const names = [
    `--${name}`,
    ...(isNegatable === true ? [`--no-${name}`] : []),
    ...(letter === undefined ? [] : [`-${letter}`]),
  ];
  return names.map((each) => singleQuoted(`${isRepeatable === true ? '*' : ''}${each}[${text}]${argument}`));
}

function forFish(): string {
  const names = COMMANDS.map(({ name }) => name).join(' ');
  return [
    ...COMMANDS.map(
      ({ name, summary }) => `complete -c smtpd -n __fish_use_subcommand -f -a ${name} -d ${singleQuoted(summary)}`,
    ),
    ...SERVE.options.flatMap((option) => fishOption(option, `not __fish_seen_subcommand_from ${names}`)),
    ...COMMANDS.flatMap(({ name, options, words }) => [
      ...options.flatMap((option) => fishOption(option, `__fish_seen_subcommand_from ${name}`)),
      ...(words === undefined
        ? []
        : [`complete -c smtpd -n '__fish_seen_subcommand_from ${name}' -f -a '${words.join(' ')}'`]),
    ]),
    '',
  ].join('\n');
}

function fishOption(option: OptionDefinition, when: string): string[] {
  const { name, letter, value, valueAlone, choices, isNegatable } = option;
  const short = letter === undefined ? '' : ` -s ${letter}`;
  const argument =
    value === undefined
      ? ''
      : choices === undefined
        ? ' -r'
        : `${valueAlone === undefined ? ' -x' : ' -f'} -a '${choices.join(' ')}'`;
  const line = (long: string): string =>
    `complete -c smtpd -n '${when}'${short} -l ${long}${argument} -d ${singleQuoted(helpOf(option))}`;
  return [line(name), ...(isNegatable === true ? [line(`no-${name}`)] : [])];
}

function optionNames({ options }: CommandDefinition): string[] {
  return options.flatMap(({ name, isNegatable }) =>
    isNegatable === true ? [`--${name}`, `--no-${name}`] : [`--${name}`],
  );
}

function singleQuoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
