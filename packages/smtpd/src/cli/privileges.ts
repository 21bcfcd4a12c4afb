/** Gives up root, once the ports are bound that needed it. */

import { readFileSync } from 'node:fs';

import { CommandError, EXIT, messageOf } from './command-error.js';

/**
 * Makes a process of root one of nobody: its groups, its group, its user, in this order, since each step needs root. Does nothing
 * for anybody else.
 *
 * @throws CommandError with exit code 1
 */
export function becomeNobody(): void {
  if (process.getuid?.() !== 0) return;
  try {
    const { userId, groupId } = findNobody(readFileSync('/etc/passwd', 'utf8'));
    process.setgroups?.([groupId]);
    process.setgid?.(groupId);
    process.setuid?.(userId);
  } catch (error) {
    throw new CommandError(EXIT.failure, `Cannot setuid "nobody"; try running with -n option. (${messageOf(error)})`, {
      cause: error,
    });
  }
}

/**
 * The ids of nobody.
 *
 * @param passwd - what `/etc/passwd` says
 */
export function findNobody(passwd: string): { readonly userId: number; readonly groupId: number } {
  const ids = /^nobody:[^:\n]*:(?<user>-?\d+):(?<group>-?\d+):/m.exec(passwd)?.groups;
  if (ids === undefined) throw new Error('/etc/passwd has no user nobody');
  // Some systems write 32-bit ids as negative numbers.
  return { userId: Number(ids['user']) >>> 0, groupId: Number(ids['group']) >>> 0 };
}
