/** What a `MailmanProxy` is told of Mailman, looked at before anything is made of it: a program without types hears what to write. */

import { UsageError } from '../../protocol/errors.js';
import { kindOf } from '../../protocol/kind-of.js';
import { unknownOptions, type KnownOptions } from '../../protocol/unknown-options.js';
import type { MailmanDirectory } from './mailman-directory.js';
import type { MailmanRESTOptions } from './mailman-rest-directory.js';

/**
 * Refuses what is no description of Mailman.
 *
 * @throws {@link UsageError} `SMTPD_BAD_OPTION`
 *
 * @example
 * ```ts
 * checkMailman({ directory: { rest: { url: 'http://127.0.0.1:8001', user: 'restadmin', password: 'secret' } } });
 * checkMailman({ rest: {} }); // throws: mailman: There is no option "rest"; say directory: { rest: … }
 * ```
 */
export function checkMailman(given: object): void {
  checkNames('mailman', given, {
    known: new Set(['lmtp', 'directory']),
    meant: () => ({
      rest: 'say directory: { rest: … }',
      maps: 'say directory: { maps: … }',
      url: "say directory: { rest: { url, user, password } }, and lmtp: 'host:port'",
      folder: 'say directory: { maps: { folder } }',
      host: "say lmtp: 'host:port'",
      port: "say lmtp: 'host:port'",
    }),
  });
  const { lmtp, directory } = given as Partial<Record<string, unknown>>;
  if (lmtp !== undefined) checkText('mailman.lmtp', lmtp, "where its LMTP runner listens, such as 'localhost:8024'");
  if (directory !== undefined) checkDirectory(directory as object);
}

function checkDirectory(given: object): void {
  // One's own may have whatever else it needs.
  if (typeof (given as Partial<MailmanDirectory> | null)?.lookUp === 'function') return;
  checkNames('mailman.directory', given, {
    known: new Set(['rest', 'maps']),
    meant: () => ({ lookUp: 'it is a function' }),
  });
  const { rest, maps } = given as Partial<Record<string, object>>;
  if ((rest === undefined) === (maps === undefined)) {
    throw badOption(
      'mailman.directory is { rest: { url, user, password } }, { maps: { folder } }, or an object with lookUp()',
    );
  }
  if (rest !== undefined) {
    checkNames('mailman.directory.rest', rest, { known: new Set<string>(REST_NAMES) });
    const { url, user, password } = rest as Partial<Record<string, unknown>>;
    checkText('url', url, 'where the REST API is, such as http://127.0.0.1:8001');
    checkText('user', user, 'admin_user of Mailman’s [webservice]');
    checkText('password', password, 'admin_pass of Mailman’s [webservice]');
  }
  if (maps !== undefined) {
    checkNames('mailman.directory.maps', maps, { known: new Set(['folder']) });
    checkText('folder', (maps as Partial<Record<string, unknown>>)['folder'], 'Mailman’s data_dir');
  }
}

function checkNames(where: string, given: object, options: KnownOptions): void {
  const unknown = unknownOptions(given, options);
  if (unknown !== undefined) throw badOption(`${where}: ${unknown}`);
}

/** A password is not repeated. */
function checkText(name: string, given: unknown, what: string): void {
  if (typeof given !== 'string') throw badOption(`${name} is ${what}, not ${kindOf(given)}`);
}

function badOption(message: string): UsageError {
  return new UsageError('SMTPD_BAD_OPTION', message);
}

const REST_NAMES: readonly (keyof MailmanRESTOptions)[] = [
  'url',
  'user',
  'password',
  'domainsMs',
  'hitMs',
  'missMs',
  'staleMs',
  'failureMs',
  'timeoutMs',
  'entriesMax',
  'responseBytesMax',
  'clock',
];
