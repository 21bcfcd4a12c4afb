/**
 * What somebody in front of us says of the client behind it: the attributes of XCLIENT and XFORWARD, as Postfix documents them
 * (XCLIENT_README, XFORWARD_README). Who may say so is not decided here.
 */

import { asciiUpperCase, isIPv4, isIPv6 } from './grammar.js';
import { decodeXtext } from './extensions/xtext.js';

/** The attributes of one command. One that was not given is not there; `undefined` says that the value is not known. */
export type ClientAttributes = ReadonlyMap<ClientAttributeName, string | undefined>;

/** The names, of both commands. */
export type ClientAttributeName =
  'NAME' | 'ADDR' | 'PORT' | 'PROTO' | 'HELO' | 'LOGIN' | 'DESTADDR' | 'DESTPORT' | 'IDENT' | 'SOURCE';

/** The names that each command knows, in the order in which the EHLO reply names them. */
export const CLIENT_ATTRIBUTE_NAMES = Object.freeze({
  XCLIENT: ['NAME', 'ADDR', 'PORT', 'PROTO', 'HELO', 'LOGIN', 'DESTADDR', 'DESTPORT'],
  XFORWARD: ['NAME', 'ADDR', 'PORT', 'PROTO', 'HELO', 'IDENT', 'SOURCE'],
} as const satisfies Record<string, readonly ClientAttributeName[]>);

/**
 * Reads the argument of the command.
 *
 * @returns `undefined` when it is not well formed: a name that the command does not know or has twice, a value that is no xtext, or
 * one that the attribute cannot have
 *
 * @example
 * ```ts
 * parseClientAttributes('XCLIENT', 'NAME=spike.example ADDR=192.0.2.5'); // NAME → 'spike.example', ADDR → '192.0.2.5'
 * parseClientAttributes('XCLIENT', 'NAME=[UNAVAILABLE]'); // NAME → undefined
 * ```
 */
export function parseClientAttributes(verb: 'XCLIENT' | 'XFORWARD', argument: string): ClientAttributes | undefined {
  const known: readonly ClientAttributeName[] = CLIENT_ATTRIBUTE_NAMES[verb];
  const attributes = new Map<ClientAttributeName, string | undefined>();
  for (const word of argument.split(' ')) {
    if (word === '') continue;
    const at = word.indexOf('=');
    const name = known.find((each) => each === asciiUpperCase(word.slice(0, Math.max(0, at))));
    if (name === undefined || attributes.has(name)) return undefined;
    const value = parseValue(name, word.slice(at + 1));
    if (value === MALFORMED) return undefined;
    attributes.set(name, value);
  }
  return attributes.size === 0 ? undefined : attributes;
}

function parseValue(name: ClientAttributeName, text: string): string | undefined | typeof MALFORMED {
  if (UNAVAILABLE.has(asciiUpperCase(text))) return undefined;
  const value = decodeXtext(text);
  // Values end up in logs and headers: nothing in them may be taken for an order there.
  if (value === undefined || value.length > VALUE_LENGTH_MAX || !PRINTABLE.test(value)) return MALFORMED;
  switch (name) {
    case 'ADDR':
    case 'DESTADDR':
      return parseAddress(value);
    case 'PORT':
    case 'DESTPORT':
      return PORT.test(value) && Number(value) <= 65_535 ? value : MALFORMED;
    case 'PROTO':
      return PROTOCOLS.has(asciiUpperCase(value)) ? asciiUpperCase(value) : MALFORMED;
    case 'SOURCE':
      return SOURCES.has(asciiUpperCase(value)) ? asciiUpperCase(value) : MALFORMED;
    case 'NAME':
    case 'HELO':
    case 'LOGIN':
    case 'IDENT':
      return value;
  }
}

function parseAddress(value: string): string | typeof MALFORMED {
  if (isIPv4(value)) return value;
  if (asciiUpperCase(value.slice(0, IPV6_TAG.length)) !== IPV6_TAG) return MALFORMED;
  const address = value.slice(IPV6_TAG.length);
  return isIPv6(address) ? address : MALFORMED;
}

const MALFORMED = Symbol('malformed');
const UNAVAILABLE: ReadonlySet<string> = new Set(['[UNAVAILABLE]', '[TEMPUNAVAIL]']);
const PROTOCOLS: ReadonlySet<string> = new Set(['SMTP', 'ESMTP']);
const SOURCES: ReadonlySet<string> = new Set(['LOCAL', 'REMOTE']);
const IPV6_TAG = 'IPV6:';
const PORT = /^[0-9]{1,5}$/;
const PRINTABLE = /^[!-~]+$/;
const VALUE_LENGTH_MAX = 255;
