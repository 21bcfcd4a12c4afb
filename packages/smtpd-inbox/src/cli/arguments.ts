/** Reads the arguments and the environment of `smtpd-inbox`. */

import { parseArgs } from 'node:util';

import { unknownOptions } from 'smtpd';

import { environmentNameOf, INBOX_OPTIONS } from './options.js';

/** What was said. */
export interface InboxArguments {
  readonly words: readonly string[];
  readonly text: (name: string) => string | undefined;
  /** A list; that of `listen` is in the environment alone, where no words are. */
  readonly texts: (name: string) => readonly string[] | undefined;
  readonly isOn: (name: string) => boolean | undefined;
}

/** Arguments that cannot work; the message says what would. */
export class InboxArgumentError extends Error {
  override readonly name = 'InboxArgumentError';
}

/** @throws {@link InboxArgumentError} */
export function readArguments(
  argv: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): InboxArguments {
  const { values, positionals } = parse(argv);
  const fromEnvironment = (name: string): string | undefined => environment[environmentNameOf(name)];
  const single = (name: string): string | undefined => {
    const value = values[name];
    return typeof value === 'string' ? value : fromEnvironment(name);
  };
  return {
    words: positionals,
    text: single,
    texts: (name) => {
      const value = values[name];
      if (Array.isArray(value)) return value.filter((each) => typeof each === 'string');
      return fromEnvironment(name)
        ?.split(',')
        .map((each) => each.trim());
    },
    isOn: (name) => {
      const value = values[name];
      if (typeof value === 'boolean') return value;
      const text = fromEnvironment(name);
      if (text === undefined) return undefined;
      if (['1', 'true', 'yes', 'on'].includes(text.toLowerCase())) return true;
      if (['0', 'false', 'no', 'off', ''].includes(text.toLowerCase())) return false;
      throw new InboxArgumentError(`${environmentNameOf(name)} is 1 or 0, not "${text}"`);
    },
  };
}

function parse(argv: readonly string[]): ReturnType<typeof parseArgs> {
  if (argv.some((argument) => /^--workers(?:=|$)/.test(argument))) throw new InboxArgumentError(ONE_PROCESS);
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      allowNegative: true,
      options: Object.fromEntries(
        INBOX_OPTIONS.map(({ name, value, isRepeatable = false }) => [
          name,
          {
            type: value === undefined ? ('boolean' as const) : ('string' as const),
            ...(isRepeatable ? { multiple: true } : {}),
            ...(name === 'help' ? { short: 'h' } : name === 'version' ? { short: 'V' } : {}),
          },
        ]),
      ),
    });
  } catch (error) {
    throw argumentFault(error, { options: INBOX_OPTIONS, help: 'smtpd-inbox --help' });
  }
}

/** What Node says of arguments, with what to write instead. @param given.help - the command that says what there is */
export function argumentFault(
  error: unknown,
  { options, help }: { readonly options: readonly { readonly name: string }[]; readonly help: string },
): InboxArgumentError {
  const message = error instanceof Error ? error.message : String(error);
  const fault = message.split('. ')[0] ?? message;
  const otherwise = `${help} says what there is`;
  const name = /^Unknown option '(-[^'=]+)/.exec(fault)?.[1];
  const known = new Set(options.map((each) => `--${each.name}`));
  const unknown =
    name === undefined
      ? undefined
      : unknownOptions({ [name]: true }, { known, meant: () => BROUGHT_FLAGS, title: () => fault, otherwise });
  return new InboxArgumentError(unknown ?? `${fault}; ${otherwise}`);
}

/** The commands of smtpd have that option, so somebody will try. */
const ONE_PROCESS =
  '--workers is not for the inbox, which is one process: its store, its page and its API belong to one program';
/** What options of other inboxes are called here. */
const BROUGHT_FLAGS: Readonly<Record<string, string>> = {
  '--port': 'write where SMTP is spoken as a word: HOST:PORT',
  '--smtp': 'write where SMTP is spoken as a word: HOST:PORT',
  '--listen': 'write --http HOST:PORT',
  '--web': 'write --http HOST:PORT',
  '--web-port': 'write --http HOST:PORT',
  '--ui-bind-addr': 'write --http HOST:PORT',
  '--api-bind-addr': 'write --http HOST:PORT',
  '--ip': 'write the host with the port: HOST:PORT',
  '--database': 'write --data FOLDER',
  '--max': 'write --max-messages N',
};
