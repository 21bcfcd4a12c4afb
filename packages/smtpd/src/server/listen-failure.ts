/** What is to be said of an address that cannot be listened on, and what to do about it. */

import type { BoundAddress } from '../net/listener.js';
import { UsageError } from '../protocol/errors.js';
import { formatBoundAddress } from './listen-address.js';

/**
 * What `SMTPServer.listen()` rejects with where the system refuses an address; for servers of other protocols, which have the same to say.
 *
 * @param error - what {@link openListener} or `listen()` of `node:net` or `node:http` failed with
 * @param option - where the address was given, if whoever reads the message may ask that
 * @returns `SMTPD_LISTEN_FAILED`, with the error as its `cause`
 *
 * @example
 * ```ts
 * import { createServer } from 'node:http';
 * import { listenFailure } from 'smtpd';
 *
 * const server = createServer().listen(8025, '127.0.0.1');
 * server.once('error', (error) => {
 *   // such as: 127.0.0.1:8025 is in use; stop what listens there or choose another port (--http)
 *   console.error(listenFailure(error, '--http').message);
 * });
 * ```
 */
export function listenFailure(error: unknown, option?: string): UsageError {
  const source = option === undefined ? '' : ` (${option})`;
  return new UsageError('SMTPD_LISTEN_FAILED', `${whatFailed(error)}${source}`, { cause: error });
}

function whatFailed(error: unknown): string {
  const { code, address, port, fd } = error as {
    readonly code?: string;
    readonly address?: string | null;
    readonly port?: number;
    readonly fd?: number;
  };
  const reason = error instanceof Error ? error.message : String(error);
  if (fd !== undefined) {
    return `Cannot listen on fd:${String(fd)} (${reason}); it must be a bound socket that whoever starts this process hands over to it`;
  }
  const where =
    typeof address === 'string'
      ? formatBoundAddress({ address, port: port ?? 0, family: familyOf(address) })
      : 'the address';
  switch (code) {
    case 'EADDRINUSE':
      return `${where} is in use; stop what listens there or choose another ${where.includes('/') ? 'path' : 'port'}`;
    case 'EACCES':
      // Node says so of a missing folder, too.
      if (where.includes('/')) return `${where} cannot be made; its folder must exist and be writable`;
      return `${where} is not allowed; a port below 1024 needs privileges: choose a higher one`;
    case 'EADDRNOTAVAIL':
      return `${where} is no address of this machine`;
    case 'ENOTFOUND':
      return `The host name does not resolve: ${reason}`;
    case undefined:
    default:
      return `Cannot listen on ${where}: ${reason}`;
  }
}

function familyOf(address: string): BoundAddress['family'] {
  if (address.includes('/')) return 'unix';
  return address.includes(':') ? 'IPv6' : 'IPv4';
}
