/**
 * The commands that ask an inbox which runs already: `import`, `export` and `wait`, as one table from which the parser and the help are
 * made. They reach it by its API alone.
 */

import { parseArgs } from 'node:util';

import { InboxClient, InboxError } from '../client/index.js';
import { argumentFault, InboxArgumentError } from './arguments.js';
import { runExport } from './export-command.js';
import { runImport } from './import-command.js';
import { print } from './print.js';
import type { SubcommandCall, SubcommandTerminal } from './subcommand-call.js';
import { runWait } from './wait-command.js';

/** An option of a command; without a value a switch. */
interface SubcommandOption {
  readonly name: string;
  readonly value?: string;
  /** One clause, with its default. */
  readonly help: string;
}

/** A command. */
interface Subcommand {
  readonly name: string;
  /** What stands behind the options. */
  readonly operands: string;
  /** What it does, in sentences. */
  readonly about: string;
  readonly options: readonly SubcommandOption[];
  /** @returns the exit code */
  readonly run: (call: SubcommandCall) => Promise<number>;
}

/** Where the inbox is and who asks; every command has these. */
const COMMON_OPTIONS: readonly SubcommandOption[] = [
  { name: 'url', value: 'URL', help: 'where the inbox is (default: SMTPD_INBOX_URL, or http://127.0.0.1:8025)' },
  { name: 'token', value: 'TEXT', help: 'its token (default: SMTPD_INBOX_TOKEN)' },
  { name: 'password', value: 'TEXT', help: 'its password, where it has no token (default: SMTPD_INBOX_PASSWORD)' },
  { name: 'help', help: 'print this help and exit' },
];

export const SUBCOMMANDS: readonly Subcommand[] = [
  {
    name: 'import',
    operands: 'FILE-OR-FOLDER ...',
    about: 'Puts mail into an inbox: .eml files, mboxes, zips of messages, Maildirs, and folders of .eml files.',
    options: [{ name: 'inbox', value: 'NAME', help: 'into this inbox (default: that of everybody)' }],
    run: runImport,
  },
  {
    name: 'export',
    operands: 'FILE',
    about: 'Writes the mail of an inbox into one file; - is standard output.',
    options: [
      { name: 'inbox', value: 'NAME', help: 'only the mail of this inbox (default: all)' },
      { name: 'q', value: 'SEARCH', help: 'only what this search finds, such as from:shop' },
      { name: 'format', value: 'mbox|zip', help: 'what the file is (default: zip when it is called so, else mbox)' },
    ],
    run: runExport,
  },
  {
    name: 'wait',
    operands: '',
    about:
      'Waits for a message and prints it as JSON. When none comes, it says what came instead, and why that is not it; its exit code is 1.',
    options: [
      { name: 'inbox', value: 'NAME', help: 'in this inbox (default: all)' },
      { name: 'to', value: 'ADDRESS', help: 'a recipient; * is any text' },
      { name: 'from', value: 'ADDRESS', help: 'the sender; * is any text' },
      { name: 'subject', value: 'TEXT', help: 'stands in the subject' },
      { name: 'body', value: 'WORDS', help: 'stand in the text' },
      { name: 'q', value: 'SEARCH', help: 'a search that finds it' },
      { name: 'timeout', value: 'SECONDS', help: 'how long (default: 30)' },
      { name: 'raw', help: 'print the octets that arrived' },
    ],
    run: runWait,
  },
];

/** The command of a name. */
export function findSubcommand(name: string | undefined): Subcommand | undefined {
  return SUBCOMMANDS.find((each) => each.name === name);
}

/**
 * Runs a command.
 *
 * @param argv - without the names of the program and of the command
 * @returns the exit code: 0 for a good end, 1 when something failed
 * @throws {@link InboxArgumentError} for arguments that cannot work
 */
export async function runSubcommand(
  subcommand: Subcommand,
  argv: readonly string[],
  terminal: SubcommandTerminal,
): Promise<number> {
  const { values, positionals } = parse(subcommand, argv);
  if (values['help'] === true) {
    await print(terminal.output, formatSubcommandHelp(subcommand));
    return 0;
  }
  const text = (name: string): string | undefined => {
    const value = values[name];
    return typeof value === 'string' ? value : undefined;
  };
  const { environment } = terminal;
  const secret = (name: 'token' | 'password'): string | undefined =>
    text(name) ?? environment[`SMTPD_INBOX_${name.toUpperCase()}`];
  try {
    const client = new InboxClient({
      url: text('url') ?? environment['SMTPD_INBOX_URL'],
      token: secret('token'),
      password: secret('password'),
      inbox: text('inbox'),
    });
    return await subcommand.run({
      ...terminal,
      client,
      words: positionals,
      text,
      isOn: (name) => values[name] === true,
    });
  } catch (error) {
    if (!(error instanceof InboxError)) throw error;
    if (error.code === 'BAD_OPTION') throw new InboxArgumentError(error.message);
    terminal.errors.write(`smtpd-inbox ${subcommand.name}: ${error.message}\n`);
    return 1;
  }
}

/** What `smtpd-inbox COMMAND --help` prints. */
function formatSubcommandHelp({ name, operands, about, options }: Subcommand): string {
  const rows = [...options, ...COMMON_OPTIONS].map((option) => {
    const form = `--${option.name}${option.value === undefined ? '' : ` ${option.value}`}`;
    return `  ${form.padEnd(20)} ${option.help}`;
  });
  return `usage: smtpd-inbox ${name} [options]${operands === '' ? '' : ` ${operands}`}\n\n${about}\n\n${rows.join('\n')}\n`;
}

function parse({ name, options }: Subcommand, argv: readonly string[]): ReturnType<typeof parseArgs> {
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: Object.fromEntries(
        [...options, ...COMMON_OPTIONS].map((option) => [
          option.name,
          {
            type: option.value === undefined ? ('boolean' as const) : ('string' as const),
            ...(option.name === 'help' ? { short: 'h' } : {}),
          },
        ]),
      ),
    });
  } catch (error) {
    throw argumentFault(error, { options: [...options, ...COMMON_OPTIONS], help: `smtpd-inbox ${name} --help` });
  }
}
