/**
 * Programs that tests talk to and that this package does not bring: mail clients, mail servers, tools. `.ci/setup` installs them. Where
 * one is missing, its tests are skipped with the reason, except in CI: there a test that does not run is a failure.
 */

import { spawnSync } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { beforeEach, type TestContext } from 'vitest';

import { COMMAND_PATH } from './command-path.js';

/**
 * Says that the tests of this `describe` need a command.
 *
 * @param instead a command that does, too, where this one is missing; not in CI
 * @returns its path; the name alone where it is missing, and then no test of the `describe` runs
 */
export function requireCommand(name: string, instead?: string): string {
  const path = findCommand(name) ?? (instead === undefined || isCI() ? undefined : findCommand(instead));
  if (path !== undefined) return path;
  doWithout(`There is no command ${name}; .ci/setup installs it`);
  return name;
}

/**
 * Says that the test that runs needs a command, where others of its `describe` do not.
 *
 * @returns its path; where it is missing the test ends here
 */
export function requireCommandFor(context: Skippable, name: string): string {
  return findCommand(name) ?? endWithout(context, `There is no command ${name}; .ci/setup installs it`);
}

/** Where a command is; `undefined` where it is missing. */
export function findCommand(name: string): string | undefined {
  return COMMAND_PATH.split(delimiter)
    .map((folder) => join(folder, name))
    .find(isExecutable);
}

/** Says that the tests of this `describe` need swaks with a Perl module that it goes without otherwise. */
export function requirePerlModule(name: string): void {
  const { status } = spawnSync('perl', [`-M${name}`, '-e', '1'], { stdio: 'ignore' });
  if (status !== 0) doWithout(`There is no Perl module ${name}; .ci/setup installs it`);
}

/**
 * Says that the tests of this `describe` need a module of Debian's Python, which is not always the first in the path.
 *
 * @returns that Python
 */
export function requirePythonModule(name: string): string {
  if (!hasPythonModule(name)) doWithout(withoutPythonModule(name));
  return DEBIAN_PYTHON;
}

/** Says that the test that runs needs one, where others of its `describe` do not. @returns that Python */
export function requirePythonModuleFor(context: Skippable, name: string): string {
  return hasPythonModule(name) ? DEBIAN_PYTHON : endWithout(context, withoutPythonModule(name));
}

/** Says that the tests of this `describe` need Exim, and may start it. @returns its path */
export function requireExim(): string {
  if (process.getuid?.() !== 0) doWithout('Only root can start Exim');
  return requireCommand('exim4');
}

/** Says that the tests of this `describe` need Postfix, and may start it. */
export function requirePostfix(): void {
  requireCommand('postfix');
  requireRoot('Only root can start Postfix');
}

/** Says that the tests of this `describe` have to be run by root. */
export function requireRoot(reason: string): void {
  if (process.getuid?.() !== 0) doWithout(reason);
}

/** No test of this `describe` runs; in CI each fails. */
function doWithout(reason: string): void {
  beforeEach((context) => endWithout(context, reason));
}

type Skippable = Pick<TestContext, 'skip'>;

function endWithout(context: Skippable, reason: string): never {
  if (isCI()) throw new Error(reason);
  return context.skip(reason);
}

const isCI = (): boolean => process.env['CI'] === 'true';

function hasPythonModule(name: string): boolean {
  return spawnSync(DEBIAN_PYTHON, ['-c', `import ${name}`], { stdio: 'ignore' }).status === 0;
}

const withoutPythonModule = (name: string): string => `There is no Python module ${name}; .ci/setup installs it`;

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

const DEBIAN_PYTHON = '/usr/bin/python3';
