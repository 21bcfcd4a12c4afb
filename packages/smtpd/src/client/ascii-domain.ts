/**
 * Domains as DNS and TLS want them: in ASCII and lower case.
 *
 * The platform's conversion alone is not enough: it is made for URLs, where `0x7f.1` is an address of the IPv4 kind.
 */

import { isIP } from 'node:net';
import { domainToASCII } from 'node:url';

import { LET_DIG, UNDERSCORE, scanDomain } from '../protocol/grammar.js';

/**
 * The domain with A-labels (RFC 5890 §2.3.2.1) in lower case; `undefined` when it is none. Low lines are let through, as
 * many a host name has them; an IP address is no domain.
 *
 * @example
 * ```ts
 * asciiDomain('Bücher.example'); // 'xn--bcher-kva.example'
 * asciiDomain('192.0.2.1'); // undefined
 * ```
 */
export function asciiDomain(text: string): string | undefined {
  const isASCII = /^[\0-\x7f]*$/.test(text);
  if (!isASCII && !INTERNATIONAL_DOMAIN.test(text)) return undefined;
  const ascii = isASCII ? text.toLowerCase() : domainToASCII(text);
  const isDomain = ascii.length <= DOMAIN_OCTETS_MAX && scanDomain(ascii, 0, LET_DIG | UNDERSCORE) === ascii.length;
  if (!isDomain || isIP(ascii) !== 0) return undefined;
  // RFC 1035 §2.3.4.
  return ascii.split('.').every((label) => label.length <= LABEL_OCTETS_MAX) ? ascii : undefined;
}

const DOMAIN_OCTETS_MAX = 253;
const LABEL_OCTETS_MAX = 63;

/** What the conversion may be asked: nothing that ends the host of a URL, and no character that nobody sees. */
const INTERNATIONAL_DOMAIN = /^[\p{L}\p{M}\p{N}._-]+$/u;
