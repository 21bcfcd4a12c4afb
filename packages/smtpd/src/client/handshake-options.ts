/** What a client's TLS handshake is made with: from its options to those of the platform. */

import type { ConnectionOptions } from 'node:tls';

import type { CompleteClientTLSOptions } from './client-options.js';

/**
 * The platform's options.
 *
 * @param host - what was connected to; the certificate must be for it where `serverName` says nothing else
 */
export function handshakeOptions(
  { ca, key, cert, minVersion, verify, serverName }: CompleteClientTLSOptions,
  host: string,
): ConnectionOptions {
  const name = serverName ?? host;
  return {
    ...(ca === undefined ? {} : { ca: octetsOrText(ca) }),
    ...(key === undefined ? {} : { key: octetsOrText(key) }),
    ...(cert === undefined ? {} : { cert: octetsOrText(cert) }),
    minVersion,
    rejectUnauthorized: verify,
    // RFC 6066 §3: an address is no server name. The certificate is compared with it all the same.
    ...(isAddress(name) ? { host: name } : { servername: name, host: name }),
  };
}

function isAddress(name: string): boolean {
  return /^[\d.]+$/.test(name) || name.includes(':');
}

function octetsOrText(given: string | Uint8Array): string | Buffer {
  return typeof given === 'string' ? given : Buffer.from(given);
}
