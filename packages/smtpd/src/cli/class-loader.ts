/** Finds the class that `-c` names. */

import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { isAbsolute, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

import { DebuggingServer, MailmanProxy, PureProxy, type SMTPServer, type SMTPServerOptions } from '../index.js';
import { messageOf, usageError } from './command-error.js';

/** A class that can be served. */
export type ServerClass = new (options: SMTPServerOptions) => SMTPServer;

/**
 * Loads a class.
 *
 * @param spec - `DebuggingServer`, `PureProxy`, `MailmanProxy`, or `path-or-package#ExportedClass`; a path is seen from the current directory
 * @throws CommandError with exit code 2
 */
export async function loadClass(spec: string): Promise<ServerClass> {
  if (spec === 'DebuggingServer') return DebuggingServer;
  if (spec === 'PureProxy') return PureProxy as ServerClass;
  if (spec === 'MailmanProxy') return MailmanProxy as ServerClass;
  const hash = spec.lastIndexOf('#');
  const moduleName = spec.slice(0, Math.max(hash, 0));
  const exportName = spec.slice(hash + 1);
  if (moduleName === '' || exportName === '')
    throw usageError(`There is no class "${spec}"; write ${OURS} or path-or-package#ExportedClass`);
  const found = (await importModule(moduleName))[exportName];
  if (found === undefined) throw usageError(`${moduleName} does not export ${exportName}`);
  if (!isServerClass(found)) throw usageError(`${exportName} of ${moduleName} is not a subclass of SMTPServer`);
  return found;
}

async function importModule(name: string): Promise<Readonly<Record<string, unknown>>> {
  const where = locate(name);
  if (where === undefined) throw usageError(`There is no module ${name}, neither as a file here nor as a package`);
  try {
    return (await import(where)) as Readonly<Record<string, unknown>>;
  } catch (error) {
    const isAbsent = codeOf(error) === 'ERR_MODULE_NOT_FOUND' && where === name;
    throw usageError(
      isAbsent
        ? `There is no module ${name}, neither as a file here nor as a package`
        : `${name} cannot be loaded: ${messageOf(error)}`,
    );
  }
}

/** A file here, a package that is installed here, or a package beside this one. */
function locate(name: string): string | undefined {
  if (name.startsWith('file:')) return name;
  const path = resolve(name);
  if (existsSync(path)) return pathToFileURL(path).href;
  if (isAbsolute(name) || name.startsWith('.')) return undefined;
  try {
    return pathToFileURL(createRequire(join(process.cwd(), 'smtpd.js')).resolve(name)).href;
  } catch {
    // A package that has no entrance for `require` is still found by `import`, if it is installed beside this one.
    return name;
  }
}

/** Another copy of this package, installed elsewhere, serves as well: so this asks for what a server can do, not for its parent. */
function isServerClass(value: unknown): value is ServerClass {
  if (typeof value !== 'function') return false;
  const prototype: unknown = value.prototype;
  if (typeof prototype !== 'object' || prototype === null) return false;
  return SERVER_METHODS.every((name) => typeof Reflect.get(prototype, name) === 'function');
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

const OURS = 'DebuggingServer, PureProxy, MailmanProxy';
const SERVER_METHODS = ['listen', 'close', 'on', 'use', 'processMessage', 'streamMessage'] as const;
