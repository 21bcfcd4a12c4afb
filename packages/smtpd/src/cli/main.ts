/**
 * The command line: which command was meant, and what becomes of its errors. A first argument that is the name of a command is that
 * command; everything else is the old module's form.
 */

import { readFileSync } from 'node:fs';

import { parseArguments } from './arguments.js';
import { CommandError, EXIT, usageError } from './command-error.js';
import {
  COMMANDS,
  DEBUG_COMMAND,
  MAILDIR_COMMAND,
  PROBE,
  MAILMAN_COMMAND,
  PROXY_COMMAND,
  SERVE,
  SINK_COMMAND,
  type CommandDefinition,
} from './commands.js';
import { formatCompletion } from './completion.js';
import { runDebug } from './debug-command.js';
import { formatCommandHelp, formatLimitsHelp, formatMainHelp } from './help.js';
import { runMaildir } from './maildir-command.js';
import { runProbe } from './probe/probe-command.js';
import { runMailman } from './mailman-command.js';
import { runProxy } from './proxy-command.js';
import { runPythonForm } from './python-command.js';
import { readSettings, type Settings } from './settings.js';
import { runSink } from './sink-command.js';
import { runSibling } from './sibling-command.js';
import { asLine, print, say, type Terminal } from './terminal.js';

/**
 * Runs the command line.
 *
 * @param argv - without the program's name
 * @returns the exit code, one of `EXIT`
 *
 * @example
 * ```ts
 * process.exit(await main(['--version'], { output: process.stdout, errors: process.stderr, isColored: false, environment: {} }));
 * ```
 */
export async function main(argv: readonly string[], terminal: Terminal): Promise<number> {
  try {
    const command = findCommand(argv[0]);
    return await (command === undefined ? runOldForm(argv, terminal) : runCommand(command, argv.slice(1), terminal));
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    await say(terminal.errors, `smtpd: ${asLine(error.message)}\n`);
    return error.exitCode;
  }
}

function findCommand(first: string | undefined): CommandDefinition | undefined {
  const command = COMMANDS.find(({ name }) => name === first);
  if (command !== undefined || first === undefined) return command;
  // An address has a colon or a slash, an option a dash: anything else was meant to be a command.
  if (!/^-|[:/]/.test(first)) {
    const names = COMMANDS.map(({ name }) => name).join(', ');
    throw usageError(`There is no command "${first}"; there are ${names}; an address is host:port`);
  }
  return undefined;
}

async function runOldForm(argv: readonly string[], terminal: Terminal): Promise<number> {
  const settings = readSettings(argv, SERVE, terminal.environment);
  if (settings.options.has('help')) return printed(terminal, formatMainHelp(terminal.isColored));
  if (settings.options.has('version')) return printed(terminal, `smtpd ${readVersion()}\n`);
  return runPythonForm(settings, terminal);
}

async function runCommand(command: CommandDefinition, argv: readonly string[], terminal: Terminal): Promise<number> {
  const { name } = command;
  if (name === 'inbox' || name === 'relay') return runSibling(name, argv);
  const parsed = parseArguments(argv, command.options);
  if (parsed.options.has('version')) return printed(terminal, `smtpd ${readVersion()}\n`);
  if (parsed.options.has('help')) return printed(terminal, formatCommandHelp(command, terminal.isColored));
  const run = RECEIVING.get(command);
  if (run !== undefined) return run(readSettings(argv, command, terminal.environment), terminal);
  if (command === PROBE) return runProbe(parsed, terminal);
  const [word, ...more] = parsed.words;
  if (more.length > 0) throw usageError(`Invalid arguments: ${more.join(', ')}; smtpd ${name} takes one word`);
  return printed(terminal, name === 'completion' ? formatCompletion(word) : helpFor(word, terminal));
}

function helpFor(word: string | undefined, { isColored }: Terminal): string {
  if (word === undefined) return formatMainHelp(isColored);
  if (word === 'limits') return formatLimitsHelp(isColored);
  const command = COMMANDS.find(({ name }) => name === word);
  if (command === undefined)
    throw usageError(`There is no command "${word}"; there are ${COMMANDS.map(({ name }) => name).join(', ')}`);
  return formatCommandHelp(command, isColored);
}

async function printed({ output }: Terminal, text: string): Promise<number> {
  await print(output, text);
  return EXIT.success;
}

/** `package.json` lies two folders up, from the sources and from what is published. */
function readVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { readonly version: string }).version;
}

/** The commands that receive mail, and read settings from files and the environment. */
const RECEIVING: ReadonlyMap<CommandDefinition, (settings: Settings, terminal: Terminal) => Promise<number>> = new Map([
  [DEBUG_COMMAND, runDebug],
  [MAILDIR_COMMAND, runMaildir],
  [SINK_COMMAND, runSink],
  [PROXY_COMMAND, runProxy],
  [MAILMAN_COMMAND, runMailman],
]);
