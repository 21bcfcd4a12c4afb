/** The old module's command line: what its options and addresses mean. */

import { parseArguments } from './arguments.js';
import { checkLocal, parseRemote, type RemoteAddress } from './addresses.js';
import { usageError } from './command-error.js';
import { SERVE } from './commands.js';

/** What the old form asks for. */
export type PythonRequest =
  | { readonly kind: 'help' }
  | { readonly kind: 'version' }
  | {
      readonly kind: 'serve';
      readonly staysRoot: boolean;
      readonly className: string;
      readonly dataSizeLimit: number;
      readonly enableSMTPUTF8: boolean;
      readonly isDebugging: boolean;
      readonly localAddress: string;
      readonly remoteAddress: RemoteAddress;
    };

/**
 * Reads the old form.
 *
 * @throws CommandError with exit code 2
 *
 * @example
 * ```ts
 * parsePythonArguments(['-n', '-s', '1000', '[::1]:1025']); // { kind: 'serve', staysRoot: true, dataSizeLimit: 1000, … }
 * ```
 */
export function parsePythonArguments(argv: readonly string[]): PythonRequest {
  const { options, words } = parseArguments(argv, SERVE.options);
  if (options.has('help')) return { kind: 'help' };
  if (options.has('version')) return { kind: 'version' };
  if (words.length > 2) throw usageError(`Invalid arguments: ${words.join(', ')}; at most two addresses`);
  const [local, remote] = words;
  return {
    kind: 'serve',
    staysRoot: options.has('nosetuid'),
    className: textOf(options, 'class') ?? 'DebuggingServer',
    dataSizeLimit: parseSize(textOf(options, 'size')) ?? DATA_SIZE_DEFAULT,
    enableSMTPUTF8: options.has('smtputf8'),
    isDebugging: options.has('debug'),
    localAddress: checkLocal(local ?? 'localhost:8025'),
    remoteAddress: parseRemote(remote ?? 'localhost:25'),
  };
}

/** Reads a size; `undefined` stays so. */
export function parseSize(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{1,15}$/.test(text)) throw usageError(`Invalid size: ${text}; it is a number of octets, 0 for no limit`);
  return Number(text);
}

/** The value of an option that has one. */
export function textOf(options: ReadonlyMap<string, string | boolean>, name: string): string | undefined {
  const value = options.get(name);
  return typeof value === 'string' ? value : undefined;
}

const DATA_SIZE_DEFAULT = 33_554_432;
