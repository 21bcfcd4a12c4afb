/** Addresses as they are typed, and what to say when they cannot be read. */

import { parseListenAddress } from '../index.js';
import { usageError } from './command-error.js';

/** Where mail is sent on to. */
export interface RemoteAddress {
  readonly host: string;
  readonly port: number;
}

/**
 * Checks where to listen.
 *
 * @throws CommandError with exit code 2
 */
export function checkLocal(text: string): string {
  try {
    parseListenAddress(text);
  } catch {
    throw badAddress('local', text);
  }
  return text;
}

/**
 * Reads where to send mail on to: `host:port` or `[IPv6]:port`.
 *
 * @throws CommandError with exit code 2
 */
export function parseRemote(text: string): RemoteAddress {
  const found = HOST_AND_PORT.exec(text)?.groups;
  const port = Number(found?.['port']);
  if (found === undefined || port > 65_535) throw badAddress('remote', text);
  return { host: found['literal'] ?? found['name'] ?? '', port };
}

/** Writes an address as it is typed. */
export function formatRemote({ host, port }: RemoteAddress): string {
  return `${host.includes(':') ? `[${host}]` : host}:${String(port)}`;
}

function badAddress(which: 'local' | 'remote', text: string) {
  const port = /:([^:\]]*)$/.exec(text)?.[1];
  const isPortWrong = port !== undefined && !(/^\d{1,5}$/.test(port) && Number(port) <= 65_535);
  if (isPortWrong) return usageError(`Bad ${which} port: ${text}; a port is 0 to 65535`);
  return usageError(`Bad ${which} spec: ${text}; write host:port, or [IPv6]:port with the brackets`);
}

const HOST_AND_PORT = /^(?:\[(?<literal>[0-9A-Fa-f:.%a-z]+)\]|(?<name>[^:[\]\s/]+)):(?<port>\d{1,5})$/;
