/** Listen addresses as people write them: `localhost:8025`, `[::1]:25`, `:25`, `/run/smtpd.sock`, `fd:3`. */

import type { BoundAddress, ListenAddress } from '../net/listener.js';
import { UsageError } from '../protocol/errors.js';
import { kindOf } from '../protocol/kind-of.js';

/**
 * Reads a listen address.
 *
 * @param text - `host:port`, `[IPv6]:port`, `:port` for every address of the machine, a path with a slash for a Unix socket, or
 * `fd:N` for an inherited descriptor
 * @throws {@link UsageError} `SMTPD_BAD_ADDRESS`
 *
 * @example
 * ```ts
 * import { parseListenAddress } from 'smtpd';
 * parseListenAddress('[::1]:1025'); // { host: '::1', port: 1025 }
 * ```
 */
export function parseListenAddress(text: string): ListenAddress {
  // A caller without types may have given a port alone.
  if (typeof text !== 'string') throw new UsageError('SMTPD_BAD_ADDRESS', noAddress(kindOf(text)));
  if (text.includes('/')) return { path: text };
  const descriptor = DESCRIPTOR.exec(text)?.[1];
  if (descriptor !== undefined) return { fd: Number(descriptor) };
  const groups = HOST_AND_PORT.exec(text)?.groups;
  if (groups === undefined) throw new UsageError('SMTPD_BAD_ADDRESS', noAddress(`"${text}"`));
  const port = Number(groups['port']);
  if (port > 65_535) throw new UsageError('SMTPD_BAD_ADDRESS', `"${text}": a port is 0 to 65535`);
  return { host: groups['literal'] ?? groups['name'] ?? '', port };
}

/** Writes an address as people do: `127.0.0.1:8025`, `[::1]:8025`, or the path. */
export function formatBoundAddress({ address, port, family }: BoundAddress): string {
  if (family === 'unix') return address;
  return family === 'IPv6' ? `[${address}]:${String(port)}` : `${address}:${String(port)}`;
}

function noAddress(given: string): string {
  return `${given} is no listen address; write host:port, [IPv6]:port, :port, a path with a slash, or fd:N`;
}

const DESCRIPTOR = /^fd:(\d{1,9})$/;
// An IPv6 address needs brackets: without them nobody can tell its last group from a port.
const HOST_AND_PORT = /^(?:\[(?<literal>[0-9A-Fa-f:.%a-z]+)\]|(?<name>[^:[\]\s]*)):(?<port>\d{1,5})$/;
