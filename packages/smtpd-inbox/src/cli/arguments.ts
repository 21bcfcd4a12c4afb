/** Reads the arguments and the environment of `smtpd-inbox`. */

import { parseArgs } from 'node:util';

import { environmentNameOf, INBOX_OPTIONS } from './options.js';

/** What was said. */
export interface InboxArguments {
  readonly words: readonly string[];
  readonly text: (name: string) => string | undefined;
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
    const message = error instanceof Error ? error.message : String(error);
    throw new InboxArgumentError(`${message.split('. ')[0] ?? message}; smtpd-inbox --help says what there is`);
  }
}

/** The commands of smtpd have that option, so somebody will try. */
const ONE_PROCESS =
  '--workers is not for the inbox, which is one process: its store, its page and its API belong to one program';
