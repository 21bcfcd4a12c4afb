/**
 * Which verbs a channel class answers: its `smtp_<COMMAND>` methods, its own and inherited, collected once a class. Nothing on the
 * wire can reach a method that is not in this map.
 */

import { isVerb } from '../protocol/command.js';
import { UsageError } from '../protocol/errors.js';

/** A command method. */
export type CommandMethod = (argument: string | undefined) => unknown;

/**
 * Collects the command methods of a class.
 *
 * @throws {@link UsageError} `SMTPD_BAD_OPTION` when a method has a name that no client can call
 */
export function commandMethodsOf(prototype: object): ReadonlyMap<string, CommandMethod> {
  const known = COLLECTED.get(prototype);
  if (known !== undefined) return known;
  const methods = new Map<string, CommandMethod>();
  for (
    let each: object | null = prototype;
    each !== null && each !== Object.prototype;
    each = Object.getPrototypeOf(each) as object | null
  ) {
    for (const name of Object.getOwnPropertyNames(each)) {
      if (!name.startsWith(PREFIX)) continue;
      const verb = name.slice(PREFIX.length);
      if (!isVerb(verb)) {
        throw new UsageError(
          'SMTPD_BAD_OPTION',
          `No client can call ${name}: a verb is letters, digits and hyphens in upper case, as in ${PREFIX}XPING`,
        );
      }
      const method: unknown = Object.getOwnPropertyDescriptor(each, name)?.value;
      // What a subclass defines was found first and stays.
      if (typeof method === 'function' && !methods.has(verb)) methods.set(verb, method as CommandMethod);
    }
  }
  COLLECTED.set(prototype, methods);
  return methods;
}

const PREFIX = 'smtp_';
const COLLECTED = new WeakMap<object, ReadonlyMap<string, CommandMethod>>();
